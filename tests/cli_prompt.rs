//! The prompt of `plainws connect`, on a pseudo-terminal.

use crate::support::bytes::{PING, TEXT, wire};
use crate::support::gate::Gate;
use crate::support::hand_made::{HandMade, hand_made, switching};
use crate::support::program::{Output, command};
use crate::support::raw::Raw;
use crate::support::terminal::{COLUMNS, On, Terminal};
use plainws::Role;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const BACKSPACE: &str = "\x7f";

/// A server that has answered the handshake.
fn serving(serve: impl FnOnce(&mut Raw) + Send + 'static) -> HandMade {
    hand_made(move |raw, request| {
        raw.send(switching(request));
        serve(raw);
    })
}

/// Answers a Close, and waits for the end.
fn close(raw: &mut Raw, code: u16) {
    let (byte0, payload) = masked(raw);
    assert_eq!((byte0, &payload[..]), (0x88, &code.to_be_bytes()[..]));
    say(raw, 0x88, code.to_be_bytes());
    raw.send_fin();
    raw.until_end();
}

fn say(raw: &mut Raw, byte0: u8, payload: impl AsRef<[u8]>) {
    raw.send(wire(Role::Server, &[(byte0, payload.as_ref())]));
}

fn masked(raw: &mut Raw) -> (u8, Vec<u8>) {
    raw.try_masked_frame().expect("a frame comes")
}

fn text(raw: &mut Raw) -> String {
    let (byte0, payload) = masked(raw);
    assert_eq!(byte0, TEXT);
    String::from_utf8(payload).expect("it is UTF-8")
}

fn connect(server: &HandMade, more: &[&str]) -> Command {
    let mut command = command();
    command.args(["connect", &server.url]).args(more);
    command.env("TERM", "xterm").env_remove("NO_COLOR");
    command
}

/// Starts it, and waits for its prompt.
fn prompted(server: &HandMade, more: &[&str]) -> Terminal {
    let terminal = Terminal::start(&mut connect(server, more));
    terminal.wait_for_last(">");
    assert!(!terminal.is_plain());
    terminal
}

#[test]
fn a_line_is_edited_and_sent_and_shown_with_marks_and_times() {
    let server = serving(|raw| {
        assert_eq!(text(raw), "hello");
        say(raw, TEXT, "Hi\x1b[2J");
        close(raw, 1001);
    });
    let mut terminal = prompted(&server, &[]);
    terminal.type_in(format!("helo!{BACKSPACE}{LEFT}"));
    terminal.wait_for_last("> helo");
    terminal.type_in("l\r");
    terminal.wait_for_row("> +", "s  hello");
    terminal.wait_for_row("< +", "s  Hi\\x1b[2J");
    terminal.wait_for_last(">");
    assert!(
        terminal.written().contains("\x1b[32m<"),
        "{}",
        terminal.written()
    );
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

#[test]
fn what_arrives_leaves_a_line_that_is_half_typed_as_it_is() {
    let (first, second) = (Gate::default(), Gate::default());
    let (of_first, of_second) = (first.clone(), second.clone());
    let server = serving(move |raw| {
        of_first.wait();
        say(raw, TEXT, "one\ntwo");
        of_second.wait();
        say(raw, PING, "p");
        assert_eq!(masked(raw), (0x8A, b"p".to_vec()));
        assert_eq!(text(raw), "half typed");
        say(raw, TEXT, "got it");
        close(raw, 1001);
    });
    let mut terminal = prompted(&server, &["--trace"]);
    terminal.type_in("half yped");
    terminal.type_in(LEFT.repeat(4));
    terminal.wait_for_last("> half yped");
    first.open();
    terminal.wait_for_row("< +", "s  one");
    terminal.wait_for_row("  two", "two");
    terminal.wait_for_last("> half yped");
    second.open();
    // A trace appears above it as well.
    terminal.wait_for("a trace", |rows| {
        rows.iter().any(|row| row.contains("PONG")).then_some(())
    });
    terminal.wait_for_last("> half yped");
    terminal.type_in("t\r");
    terminal.wait_for_row("> +", "s  half typed");
    terminal.wait_for_row("< +", "s  got it");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

/// The time that a row tells, in milliseconds.
fn time(row: &str) -> Option<f64> {
    let (_, time) = row.split_once('+')?;
    let mut words = time.split(' ');
    let number: f64 = words.next()?.parse().ok()?;
    let factor = if words.next()? == "s" { 1000.0 } else { 1.0 };
    Some(number * factor)
}

#[test]
fn marks_and_a_trace_count_from_the_same_moment() {
    let server = hand_made(|raw, request| {
        // So that it matters whether the handshake counts.
        thread::sleep(Duration::from_millis(50));
        raw.send(switching(request));
        say(raw, TEXT, "Hi");
        close(raw, 1001);
    });
    let mut terminal = prompted(&server, &["--trace"]);
    terminal.wait_for_row("< +", "s  Hi");
    let rows = terminal.rows();
    let find = |part: &str| rows.iter().find(|row| row.contains(part));
    let [traced, shown] = ["< 81 02", "s  Hi"].map(|part| time(find(part)?));
    assert!(traced.is_some() && traced <= shown, "{rows:#?}");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

#[test]
fn lines_typed_before_come_back() {
    let server = serving(|raw| {
        for expected in ["one", "two", "one"] {
            assert_eq!(text(raw), expected);
        }
        say(raw, TEXT, "got it");
        close(raw, 1001);
    });
    let mut terminal = prompted(&server, &[]);
    terminal.type_in("one\rtwo\r");
    terminal.wait_for_row("> +", "s  two");
    terminal.type_in([UP, UP].concat());
    terminal.wait_for_last("> one");
    terminal.type_in("\r");
    terminal.wait_for_row("< +", "s  got it");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

#[test]
fn ctrl_c_closes_and_waits_for_the_answer_and_a_second_one_leaves() {
    let server = serving(|raw| {
        let (byte0, payload) = masked(raw);
        assert_eq!((byte0, payload), (0x88, 1001u16.to_be_bytes().to_vec()));
        // It answers nothing, but may still say something.
        say(raw, TEXT, "still here");
        raw.until_end();
    });
    let mut terminal = prompted(&server, &[]);
    terminal.type_in("never sent");
    terminal.type_in(CTRL_C);
    terminal.wait_for_row("< +", "s  still here");
    terminal.wait_for_row("plainws: the server has not answered the Close yet", "");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(1));
    server.join();
}

#[test]
fn ctrl_d_ends_the_input_and_gives_the_terminal_back() {
    let gate = Gate::default();
    let of_gate = gate.clone();
    let server = serving(move |raw| {
        of_gate.wait();
        say(raw, TEXT, "more");
        say(raw, 0x88, 1000u16.to_be_bytes());
        assert_eq!(masked(raw).0, 0x88);
        raw.send_fin();
        raw.until_end();
    });
    let mut terminal = prompted(&server, &["--no-close"]);
    // At the end of a line that is begun it deletes, as there is nothing to delete.
    terminal.type_in(["ab", CTRL_D, BACKSPACE, BACKSPACE, CTRL_D].concat());
    terminal.wait_for("no prompt", |rows| {
        (!rows.iter().any(|row| row.starts_with('>'))).then_some(())
    });
    terminal.wait_until_plain();
    gate.open();
    terminal.wait_for_row("< +", "s  more");
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();

    let server = serving(|raw| close(raw, 1000));
    let mut terminal = prompted(&server, &["--linger", "0"]);
    terminal.type_in(CTRL_D);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

#[test]
fn when_the_server_closes_the_program_ends_though_a_line_is_begun() {
    let gate = Gate::default();
    let of_gate = gate.clone();
    let server = serving(move |raw| {
        of_gate.wait();
        say(raw, 0x88, [&1000u16.to_be_bytes()[..], b"bye"].concat());
        assert_eq!(masked(raw).0, 0x88);
        raw.send_fin();
        raw.until_end();
    });
    let mut terminal = prompted(&server, &[]);
    terminal.type_in("half");
    terminal.wait_for_last("> half");
    gate.open();
    assert_eq!(terminal.wait().code(), Some(0));
    terminal.wait_for_last("plainws: closed 1000 normal closure: bye");
    assert!(
        terminal.written().ends_with("\x1b[?2004l"),
        "{:?}",
        terminal.written()
    );
    server.join();
}

#[test]
fn commands_are_listed_completed_and_answered() {
    let server = serving(|raw| {
        assert_eq!(masked(raw), (0x89, b"x".to_vec()));
        say(raw, 0x8A, "x");
        close(raw, 1001);
    });
    let mut terminal = prompted(&server, &[]);
    terminal.type_in("/help\r");
    terminal.wait_for_row("  /ping [TEXT]", "");
    terminal.type_in("/pi\tx");
    terminal.wait_for_last("> /ping x");
    terminal.type_in("\r");
    terminal.wait_for_row("plainws: pong \"x\" after ", "s");
    terminal.type_in("/nope\r");
    terminal.wait_for_row("plainws: no such command: /nope", "");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

#[test]
fn what_is_pasted_is_one_message_and_a_long_line_stays_in_its_row() {
    let long = "0123456789".repeat(usize::from(COLUMNS) / 5);
    let expected = long.clone();
    let server = serving(move |raw| {
        assert_eq!(text(raw), "{\n\t1\n}");
        assert_eq!(text(raw), expected);
        say(raw, TEXT, "got it");
        close(raw, 1001);
    });
    let mut terminal = prompted(&server, &[]);
    terminal.type_in("\x1b[200~{\r\t1\r}\r\x1b[201~");
    terminal.wait_for_last("> {␊␉1␊}");
    terminal.type_in("\r");
    terminal.wait_for_last(">");
    let before = terminal.rows().len();
    terminal.type_in(&long);
    terminal.wait_for("its end", |rows| {
        let shown = rows.last()?.strip_prefix(">…")?;
        (shown.len() > usize::from(COLUMNS) / 2 && long.ends_with(shown)).then_some(())
    });
    assert_eq!(terminal.rows().len(), before);
    terminal.type_in("\r");
    terminal.wait_for_row("< +", "s  got it");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    server.join();
}

#[test]
fn with_no_color_there_is_none() {
    let server = serving(|raw| {
        say(raw, TEXT, "Hi");
        close(raw, 1001);
    });
    let mut terminal = Terminal::start(connect(&server, &[]).env("NO_COLOR", "1"));
    terminal.wait_for_row("< +", "s  Hi");
    terminal.wait_for_last(">");
    terminal.type_in(CTRL_C);
    assert_eq!(terminal.wait().code(), Some(0));
    let sequences = terminal.written();
    assert!(
        !sequences.split("\x1b[").skip(1).any(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
                .starts_with('m')
        }),
        "{sequences:?}"
    );
    server.join();
}

#[test]
fn a_terminal_that_can_only_begin_rows_gets_nothing_else() {
    for term in ["dumb", ""] {
        let server = serving(|raw| {
            assert_eq!(text(raw), "hello");
            say(raw, TEXT, "Hi");
            close(raw, 1000);
        });
        let mut terminal = Terminal::start(connect(&server, &["--linger", "0"]).env("TERM", term));
        terminal.wait_for_row("plainws: connected", "");
        assert!(terminal.is_plain());
        terminal.type_in("hello\n");
        terminal.wait_for_row("< +", "s  Hi");
        terminal.type_in(CTRL_D);
        assert_eq!(terminal.wait().code(), Some(0));
        assert!(!terminal.written().contains("\x1b[?") && !terminal.written().contains("\x1b[K"));
        server.join();
    }
}

#[test]
fn without_a_terminal_on_both_ends_there_is_no_prompt() {
    // Typed, and written into a pipe.
    let server = serving(|raw| {
        assert_eq!(text(raw), "hello");
        say(raw, TEXT, "Hi\x1b");
        close(raw, 1000);
    });
    let on = On {
        stdin: true,
        stdout: false,
        stderr: true,
    };
    let mut command = connect(&server, &["--linger", "0"]);
    let mut terminal = Terminal::start_with(command.stdout(Stdio::piped()), on);
    let stdout = Output::of(terminal.stdout());
    terminal.wait_for_row("plainws: connected", "");
    assert!(terminal.is_plain());
    terminal.type_in("hello\n");
    stdout.wait_for("the message", |text| text.contains("Hi").then_some(()));
    terminal.type_in(CTRL_D);
    assert_eq!(terminal.wait().code(), Some(0));
    assert_eq!(stdout.whole(), "Hi\x1b\n");
    server.join();

    // Read from a pipe, and written on the terminal.
    let server = serving(|raw| {
        say(raw, TEXT, "Hi");
        say(raw, 0x88, 1000u16.to_be_bytes());
        assert_eq!(masked(raw).0, 0x88);
        raw.send_fin();
        raw.until_end();
    });
    let on = On {
        stdin: false,
        stdout: true,
        stderr: true,
    };
    let mut command = connect(&server, &[]);
    let mut terminal = Terminal::start_with(command.stdin(Stdio::null()), on);
    terminal.wait_for_row("< +", "s  Hi");
    assert_eq!(terminal.wait().code(), Some(0));
    assert!(!terminal.rows().iter().any(|row| row.starts_with('>')));
    server.join();
}
