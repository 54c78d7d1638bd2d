//! `plainws connect` against `plainws serve`, both as processes.

use crate::support::bytes::{BINARY, CLOSE, PING, PONG, TEXT, close_body, frame};
use crate::support::gate::Gate;
use crate::support::program::{Process, Program, command};
use crate::support::raw::Raw;
use crate::support::run::{Run, run, run_with};
use plainws::Role;
use serde_json::Value;
#[cfg(unix)]
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

fn connect(program: &Program, path: &str, flags: &[&str], input: &str) -> Run {
    let url = format!("ws://{}{path}", program.address);
    run_with(&[&["connect", &url], flags].concat(), input.as_bytes())
}

#[test]
fn each_line_is_a_message_and_commands_do_the_rest() {
    let program = Program::serve(&["--quiet"]);
    let input = "Hello\n/binary 00 ff\n//slash\n/nope\n/binary 0\n\n/close 4000 bye\nunsent\n";
    let run = connect(&program, "/echo", &[], input);
    assert_eq!(run.stdout, "Hello\nbinary 00 ff\n/slash\n\n");
    assert!(
        run.stderr.contains("no such command: /nope"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("odd number"), "{}", run.stderr);
    assert!(run.stderr.contains("closed 4000: bye\n"), "{}", run.stderr);
    // What could not be sent is not forgotten.
    assert!(
        run.stderr.ends_with("sent: line 8 was not\n"),
        "{}",
        run.stderr
    );
    assert_eq!(run.code, 1);
}

#[test]
fn the_end_of_the_input_closes_after_the_answers() {
    let program = Program::serve(&["--quiet"]);
    let run = connect(
        &program,
        "/echo",
        &["--json", "--linger", "0.5"],
        "one\ntwo",
    );
    let expected = "{\"type\":\"text\",\"data\":\"one\"}\n{\"type\":\"text\",\"data\":\"two\"}\n\
                    {\"type\":\"close\",\"code\":1000,\"reason\":\"\"}\n";
    assert_eq!((run.stdout.as_str(), run.code), (expected, 0));
}

#[test]
fn once_ends_with_the_first_message() {
    let program = Program::serve(&["--quiet"]);
    let run = connect(&program, "/clock", &["--once", "--linger", "20"], "");
    assert_eq!(run.stdout.lines().count(), 1);
    assert!(run.stdout.starts_with("{\"time\": "), "{}", run.stdout);
    assert_eq!(run.code, 0);
}

#[test]
fn exit_codes_tell_the_ends_apart() {
    let program = Program::serve(&["--quiet"]);
    let broken = connect(
        &program,
        "/echo",
        &["--linger", "20"],
        "/raw c1 80 00 00 00 00\n",
    );
    assert_eq!(broken.code, 4, "{}", broken.stderr);
    assert!(broken.stderr.contains("1002"), "{}", broken.stderr);

    let refused = connect(&program, "/nowhere", &[], "");
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("404"), "{}", refused.stderr);

    assert_eq!(run(&["connect", "ftp://127.0.0.1/"]).code, 2);
    assert_eq!(
        connect(&program, "/echo", &["--header", "Upgrade: x"], "").code,
        2
    );

    let closed_port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(run(&["connect", &format!("ws://{closed_port}/")]).code, 1);
}

/// What the program says and how it ends when the server says `bytes` and then leaves.
fn told(bytes: &'static [u8], flags: &[&str]) -> Run {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    let server = thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.send(bytes);
        raw.send_fin();
        raw.until_end();
    });
    let run = run_with(&[&["connect", &url, "--linger", "20"], flags].concat(), b"");
    server.join().expect("the client stays until the end");
    run
}

#[test]
fn control_bytes_of_the_peer_are_escaped() {
    // Into a pipe a message goes as it is, but what is told on standard error may reach a terminal.
    let run = told(b"\x81\x06\x1b[31m\x07\x88\x07\x03\xe8\x1b[2J\n", &[]);
    assert_eq!(run.stdout, "\x1b[31m\x07\n");
    assert!(!run.stderr.contains('\x1b'), "{:?}", run.stderr);
    assert_eq!(run.code, 0);

    // C1, DEL, text that runs backwards, and a character of two units in JSON.
    let text = "\u{9b}31m\x7f\u{202e}\u{1F600}";
    let run = told(
        b"\x81\x0d\xc2\x9b31m\x7f\xe2\x80\xae\xf0\x9f\x98\x80\x88\x07\x03\xe8\xc2\x9b31m",
        &["--json"],
    );
    assert!(run.stdout.is_ascii(), "{:?}", run.stdout);
    let lines = run.stdout.lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["data"], text);
    assert_eq!(lines[1]["reason"], "\u{9b}31m");
}

#[test]
fn what_cannot_be_sent_is_said_and_nothing_else_happens() {
    let program = Program::serve(&["--quiet"]);
    let input = format!(
        "/ping {}\n/close 1005\nstill here\n/close\n",
        "x".repeat(126)
    );
    let run = connect(&program, "/echo", &[], &input);
    assert_eq!((run.code, &*run.stdout), (1, "still here\n"));
    for problem in ["126", "1005"] {
        assert!(run.stderr.contains(problem), "{problem}: {}", run.stderr);
    }
}

#[test]
fn a_lost_connection_is_a_failure() {
    for (bytes, json) in [
        (
            &b""[..],
            "{\"type\":\"close\",\"code\":1006,\"reason\":\"\"}\n",
        ),
        (
            b"\x81\x7e\x00",
            "{\"type\":\"close\",\"code\":1006,\"reason\":\"\"}\n",
        ),
    ] {
        let run = told(bytes, &["--json"]);
        assert_eq!((run.code, &*run.stdout), (1, json), "{}", run.stderr);
        let run = told(bytes, &[]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("closed 1006"), "{}", run.stderr);
    }
}

/// `plainws connect` with these flags and an open standard input, and the connection that it makes.
fn started(flags: &[&str]) -> (Process, Raw, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    let mut command = command();
    command.args(["connect", &url]).args(flags);
    let process = Process::start_stalled(&mut command, &Gate::opened(), &Gate::opened());
    let process = process.expect("the program was built");
    let raw = Raw::accept(&listener);
    (process, raw, listener)
}

/// The same with this input, and nothing after it.
fn started_with(flags: &[&str], input: &[u8]) -> (Process, Raw) {
    let (mut process, raw, _) = started(flags);
    let mut stdin = process.stdin.take().expect("it is a pipe");
    stdin.write_all(input).expect("it is read");
    (process, raw)
}

fn say(process: &mut Process, line: &str) {
    let stdin = process.stdin.as_mut().expect("it is a pipe");
    stdin.write_all(line.as_bytes()).expect("it is read");
}

#[track_caller]
fn expect(raw: &mut Raw, byte0: u8, payload: &[u8]) {
    let (got, _, content) = raw.masked_frame();
    assert_eq!((got, &*content), (byte0, payload));
}

#[track_caller]
fn expect_close(raw: &mut Raw, code: u16) {
    expect(raw, CLOSE, &close_body(code, b""));
}

fn send(raw: &mut Raw, byte0: u8, payload: &[u8]) {
    raw.send(frame(Role::Server, byte0, payload));
}

/// Longer than the client may take from the end of its input to a Close, if it wrongly sends one.
const WHILE: Duration = Duration::from_millis(300);

mod the_end {
    use super::*;

    /// Answers late, and not at all after a Close.
    fn answer_late(raw: &mut Raw, answer: &[u8]) {
        expect(raw, TEXT, b"q");
        assert!(raw.is_silent(WHILE), "it does not wait for the answer");
        send(raw, TEXT, answer);
    }

    #[test]
    fn of_the_input_closes_when_nothing_came_for_a_while() {
        let (mut process, mut raw) = started_with(&["--linger", "2"], b"q\n");
        answer_late(&mut raw, b"a");
        expect_close(&mut raw, 1000);
        send(&mut raw, CLOSE, &close_body(1000, b""));
        assert_eq!(process.wait().code(), Some(0));
        assert_eq!(process.stdout.whole(), "a\n");
    }

    #[test]
    fn of_an_input_that_was_empty_from_the_start_does_not_close() {
        let (mut process, mut raw) = started_with(&["--linger", "0"], b"");
        assert!(raw.is_silent(WHILE), "it closes");
        send(&mut raw, TEXT, b"a");
        send(&mut raw, CLOSE, b"");
        assert_eq!(process.wait().code(), Some(0));
        assert_eq!(process.stdout.whole(), "a\n");
    }

    #[test]
    fn of_the_input_does_not_close_where_that_is_not_wanted() {
        for flag in ["-n", "--no-close"] {
            let (mut process, mut raw) = started_with(&["--linger", "0", flag], b"q\n");
            answer_late(&mut raw, b"a");
            assert!(raw.is_silent(WHILE), "it closes");
            send(&mut raw, CLOSE, b"");
            assert_eq!(process.wait().code(), Some(0));
        }
    }

    #[test]
    fn comes_with_so_many_messages_and_not_with_the_end_of_the_input() {
        for (flags, count) in [
            (&["--once"][..], 1),
            (&["--count", "1"], 1),
            (&["--count", "2"], 2),
        ] {
            let flags = [flags, &["--linger", "0"]].concat();
            let (mut process, mut raw) = started_with(&flags, b"q\n");
            answer_late(&mut raw, b"0");
            for number in 1..count {
                assert!(raw.is_silent(WHILE), "it closes too soon");
                send(&mut raw, TEXT, number.to_string().as_bytes());
            }
            expect_close(&mut raw, 1000);
            send(&mut raw, TEXT, b"more than was asked for");
            send(&mut raw, CLOSE, &close_body(1000, b""));
            assert_eq!(process.wait().code(), Some(0), "{flags:?}");
            let expected: String = (0..count).map(|number| format!("{number}\n")).collect();
            assert_eq!(process.stdout.whole(), expected);
        }
    }

    #[test]
    fn comes_with_so_many_messages_even_before_that_of_the_input() {
        let (mut process, mut raw, _) = started(&["--once"]);
        send(&mut raw, TEXT, b"a");
        expect_close(&mut raw, 1000);
        send(&mut raw, CLOSE, b"");
        assert_eq!(process.wait().code(), Some(0));
    }

    #[test]
    fn before_there_were_as_many_messages_as_asked_for_is_a_failure() {
        let run = told(b"\x81\x01a\x88\x02\x03\xe8", &["--count", "2"]);
        assert_eq!((run.code, &*run.stdout), (1, "a\n"), "{}", run.stderr);
        assert!(
            run.stderr.contains("1 message came, of 2"),
            "{}",
            run.stderr
        );
    }

    /// It is known once both sides have closed.
    #[test]
    fn does_not_wait_for_a_server_that_never_ends_tcp() {
        let (mut process, mut raw, _) = started(&[]);
        say(&mut process, "/close\n");
        expect_close(&mut raw, 1000);
        let answered = Instant::now();
        send(&mut raw, CLOSE, &close_body(1000, b""));
        assert_eq!(process.wait().code(), Some(0));
        // The library's own deadline, which is long.
        let deadline = Duration::from_secs(5);
        assert!(answered.elapsed() < deadline, "it waits for the deadline");
    }

    #[test]
    fn has_an_exit_code_for_each_close_code() {
        for (body, code) in [
            (&b"\x88\x00"[..], 0),
            (b"\x88\x02\x03\xe8", 0),
            (b"\x88\x02\x03\xe9", 0),
            (b"\x88\x02\x0f\xa0", 0),
            (b"\x88\x02\x03\xea", 4),
            (b"\x88\x02\x03\xf0", 4),
            (b"\x88\x02\x03\xf3", 1),
            (b"\x88\x02\x03\xf5", 1),
        ] {
            let run = told(body, &[]);
            assert_eq!(run.code, code, "{body:02x?}: {}", run.stderr);
        }
    }
}

mod nothing_is_lost_silently {
    use super::*;

    #[test]
    fn of_the_input() {
        let program = Program::serve(&["--quiet"]);
        for (input, told) in [
            (&b"\xff\n/close\n"[..], "line 1: it is not UTF-8"),
            (b"a\n/binary 8\n/close\n", "an odd number of hex digits"),
            (b"/nope\n/close\n", "line 1: no such command"),
            (b"/close\nunsent\n", "line 2 was not"),
        ] {
            let url = format!("ws://{}/echo", program.address);
            let run = run_with(&["connect", &url], input);
            assert_eq!(run.code, 1, "{}", run.stderr);
            assert!(run.stderr.contains(told), "{}", run.stderr);
        }
    }

    #[test]
    #[cfg(unix)]
    fn of_an_input_that_cannot_be_read() {
        let program = Program::serve(&["--quiet"]);
        let run = command()
            .args(["connect", &format!("ws://{}/echo", program.address)])
            .args(["--linger", "0"])
            .stdin(File::open("/").expect("there is one"))
            .output()
            .expect("the program was built");
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("standard input: "), "{stderr}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn of_the_output() {
        let program = Program::serve(&["--quiet"]);
        let full = File::options().write(true).open("/dev/full");
        let run = command()
            .args(["connect", &format!("ws://{}/clock", program.address)])
            .stdin(Stdio::null())
            .stdout(full.expect("Linux has it"))
            .output()
            .expect("the program was built");
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("standard output: No space"), "{stderr}");
    }

    #[test]
    fn of_an_output_whose_reader_has_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
        let mut child = command()
            .args(["connect", &url])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built");
        drop(child.stdout.take());
        let mut raw = Raw::accept(&listener);
        send(&mut raw, TEXT, b"unseen");
        // It says good-bye all the same.
        expect_close(&mut raw, 1001);
        send(&mut raw, CLOSE, b"");
        let run = child.wait_with_output().expect("it is our child");
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("standard output: "), "{stderr}");
    }
}

mod messages {
    use super::*;

    #[test]
    fn go_into_a_pipe_as_they_are() {
        let text = "{\"a\":\"x\\\"y\"}\n\ttwo\r\n\u{1F469}\u{200d}\u{1F467}\u{202e}";
        let (mut process, mut raw) = started_with(&[], b"");
        send(&mut raw, TEXT, text.as_bytes());
        send(&mut raw, CLOSE, b"");
        assert_eq!(process.wait().code(), Some(0));
        assert_eq!(process.stdout.whole(), format!("{text}\n"));
    }

    #[test]
    fn of_bytes_are_printed_in_the_form_that_is_asked_for() {
        let bytes = b"\x82\x03\x00\xff\n\x82\x01a\x88\x00";
        for (flags, expected) in [
            (&[][..], &b"binary 00 ff 0a\nbinary 61\n"[..]),
            (&["--binary-out", "hex"], b"binary 00 ff 0a\nbinary 61\n"),
            (&["--binary-out", "raw"], b"\x00\xff\na"),
            (&["--binary-out", "base64"], b"AP8K\nYQ==\n"),
        ] {
            let run = told(bytes, flags);
            assert_eq!((run.code, &*run.bytes), (0, expected), "{flags:?}");
        }
        let refused = told_nothing(&["--json", "--binary-out", "raw"]);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
    }

    fn told_nothing(flags: &[&str]) -> Run {
        run(&[&["connect", "ws://127.0.0.1:1/"], flags].concat())
    }

    #[test]
    fn are_made_of_the_input_as_asked_for() {
        let lines = &["/close", "b"][..];
        for (flags, input, byte0, messages) in [
            (&["--no-commands"][..], "/close\r\nb\n", TEXT, lines),
            (
                &["--message-per", "nul"],
                "/a\nb\0c\0",
                TEXT,
                &["/a\nb", "c"],
            ),
            (&["--message-per", "input"], "/a\nb\n", TEXT, &["/a\nb\n"]),
            (&["--binary"], "/a\r\nb\0", BINARY, &["/a\r\nb\0"]),
            (
                &["--binary", "--message-per", "line"],
                "/close\nb",
                BINARY,
                lines,
            ),
        ] {
            let (_process, mut raw) = started_with(flags, input.as_bytes());
            for message in messages {
                expect(&mut raw, byte0, message.as_bytes());
            }
        }
    }

    #[test]
    fn of_bytes_that_are_no_text_are_sent_with_binary() {
        let (_process, mut raw) = started_with(&["--binary"], b"\xff\n\xfe");
        expect(&mut raw, BINARY, b"\xff\n\xfe");
    }
}

mod someone_at_it {
    use super::*;

    #[test]
    fn is_told_of_pongs_and_the_commands() {
        let (mut process, mut raw, _) = started(&[]);
        say(&mut process, "/ping hi\n/help\n/close\n");
        expect(&mut raw, PING, b"hi");
        send(&mut raw, PONG, b"unasked");
        send(&mut raw, PONG, b"hi");
        expect_close(&mut raw, 1000);
        send(&mut raw, CLOSE, b"");
        assert_eq!(process.wait().code(), Some(0));
        let told = process.stderr.whole();
        let pongs: Vec<_> = told
            .lines()
            .filter(|line| line.starts_with("plainws: pong"))
            .collect();
        assert_eq!(pongs.len(), 1, "{told}");
        assert!(
            pongs[0].starts_with("plainws: pong \"hi\" after "),
            "{told}"
        );
        assert!(pongs[0].ends_with('s'), "{told}");
        assert!(told.contains("\n  /binary HEX"), "{told}");
    }

    /// Waits until it talks: before that there is nothing to close.
    #[cfg(unix)]
    fn wait_until_it_talks(process: &mut Process, raw: &mut Raw) {
        say(process, "Hello\n");
        expect(raw, TEXT, b"Hello");
    }

    #[test]
    #[cfg(unix)]
    fn closes_with_a_signal_and_leaves_at_once_with_two() {
        let (mut process, mut raw, _) = started(&[]);
        wait_until_it_talks(&mut process, &mut raw);
        process.signal("TERM");
        expect_close(&mut raw, 1001);
        send(&mut raw, CLOSE, &close_body(1001, b""));
        assert_eq!(process.wait().code(), Some(0));

        let (mut process, mut raw, _) = started(&[]);
        wait_until_it_talks(&mut process, &mut raw);
        process.signal("TERM");
        expect_close(&mut raw, 1001);
        // It waits for the answer, which does not come.
        process.signal("TERM");
        let signalled = Instant::now();
        assert_eq!(process.wait().code(), Some(1));
        assert!(signalled.elapsed() < Duration::from_secs(5), "it waits");
    }
}

mod reconnecting {
    use super::*;

    #[test]
    fn keeps_what_was_not_sent() {
        let (mut process, mut raw, listener) = started(&["--reconnect"]);
        say(&mut process, "one\n");
        expect(&mut raw, TEXT, b"one");
        drop(raw);
        process.stderr.wait_for("pause", |told| {
            told.contains("trying again in ").then_some(())
        });
        say(&mut process, "two\n");
        let mut raw = Raw::accept(&listener);
        expect(&mut raw, TEXT, b"two");
        send(&mut raw, CLOSE, &close_body(1000, b""));
        assert_eq!(process.wait().code(), Some(0));
    }

    #[test]
    fn sends_again_what_could_not_be_sent() {
        // More than the buffers between the two hold.
        let line = "m".repeat(16 << 20);
        let (mut process, raw, listener) = started(&["--reconnect"]);
        say(&mut process, &format!("{line}\n"));
        raw.wait_for_input();
        drop(raw);
        let mut raw = Raw::accept(&listener);
        let header = [&[TEXT, 0xff][..], &(16u64 << 20).to_be_bytes()].concat();
        assert_eq!(raw.bytes(header.len()), header);
    }

    #[test]
    fn is_for_what_may_go_better() {
        // Each of them takes a pause of up to a second, and all are at it together.
        let ends: [&[u8]; 3] = [b"\x88\x02\x03\xe9", b"\x88\x02\x03\xf4", b""];
        let again = ends.map(|end| {
            thread::spawn(move || {
                let (mut process, mut raw, listener) = started(&["--reconnect"]);
                raw.send(end);
                raw.send_fin();
                let mut raw = Raw::accept(&listener);
                send(&mut raw, CLOSE, &close_body(4000, b""));
                assert_eq!(process.wait().code(), Some(0), "{end:02x?}");
            })
        });
        for thread in again {
            thread.join().expect("it connects again");
        }
    }

    #[test]
    fn is_not_for_what_stays_as_it_is() {
        for (end, code) in [
            (&b"\x88\x02\x03\xe8"[..], 0),
            (b"\x88\x02\x03\xf1", 4),
            (b"\xf0\x00", 4),
        ] {
            let run = told(end, &["--reconnect"]);
            assert_eq!(run.code, code, "{}", run.stderr);
            assert!(!run.stderr.contains("trying again"), "{}", run.stderr);
        }
        let program = Program::serve(&["--quiet"]);
        let refused = connect(&program, "/nowhere", &["--reconnect"], "");
        assert_eq!(refused.code, 3, "{}", refused.stderr);
    }
}

#[test]
fn help_fits_80_columns_and_its_exit_codes_are_those_of_the_docs() {
    let help = run(&["connect", "--help"]).stdout;
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = std::fs::read_to_string("docs/tools.md").expect("it is there");
    let page = words(&page);
    let (_, codes) = help.split_once("Exit codes:\n").expect("it tells them");
    let mut rows = Vec::new();
    for line in codes.lines() {
        match line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
        {
            Some(row) => rows.push(row.to_owned()),
            None => rows.last_mut().expect("a row begins").push_str(line),
        }
    }
    assert_eq!(rows.len(), 5, "{codes}");
    for row in rows {
        let (code, what) = row.split_once("  ").expect("a code and what it means");
        let row = format!("| {code} | {} |", words(what));
        assert!(page.contains(&row), "{row}");
    }
}
