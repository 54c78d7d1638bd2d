//! `plainws connect` against `plainws serve`, both as processes, and the trace on either end.

use crate::support::bytes::TEXT;
use crate::support::program::Program;
use crate::support::raw::{Raw, upgrade_request};
use crate::support::run::{Run, run, run_with};
use serde_json::Value;
use std::net::TcpListener;
use std::thread;

fn connect(program: &Program, path: &str, flags: &[&str], input: &str) -> Run {
    let url = format!("ws://{}{path}", program.address);
    run_with(&[&["connect", &url], flags].concat(), input.as_bytes())
}

/// The lines of a trace, with what is different each time left out.
fn frames(trace: &str) -> Vec<String> {
    let lines = trace.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<_> = line
                .split_whitespace()
                .filter(|word| !is_key(word))
                .collect();
            words.join(" ")
        })
        .collect()
}

fn is_key(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
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
    assert!(run.stderr.ends_with("closed 4000\n"), "{}", run.stderr);
    assert_eq!(run.code, 0);
}

#[test]
fn the_end_of_the_input_closes_behind_the_answers() {
    let program = Program::serve(&["--quiet"]);
    let run = connect(&program, "/echo", &["--json"], "one\ntwo");
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

    assert_eq!(run(&["connect", "http://127.0.0.1/"]).code, 2);
    assert_eq!(
        connect(&program, "/echo", &["--header", "Host: x"], "").code,
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
    let run = told(b"\x81\x06\x1b[31m\x07\x88\x07\x03\xe8\x1b[2J\n", &[]);
    assert_eq!(run.stdout, "\\x1b[31m\\x07\n");
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
    let input = format!("/ping {}\n/close 1005\nstill here\n", "x".repeat(126));
    let run = connect(&program, "/echo", &[], &input);
    assert_eq!((run.code, &*run.stdout), (0, "still here\n"));
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

#[test]
fn both_ends_trace_the_same_frames() {
    let program = Program::serve(&["--trace", "--quiet"]);
    let run = connect(&program, "/echo", &["--trace"], "Hello\n/ping hi\n");
    let of_client = frames(&run.stderr);
    assert!(
        of_client.contains(&"#0 > 81 85 TEXT fin masked 5 \"Hello\"".into()),
        "{of_client:?}"
    );
    assert!(
        of_client.contains(&"#0 < 81 05 TEXT fin 5 \"Hello\"".into()),
        "{of_client:?}"
    );
    assert!(
        of_client.contains(&"#0 < 8a 02 PONG fin 2 \"hi\"".into()),
        "{of_client:?}"
    );

    let flip = |line: &String| {
        line.replace(" > ", " | ")
            .replace(" < ", " > ")
            .replace(" | ", " < ")
    };
    let mut of_client: Vec<_> = of_client.iter().map(flip).collect();
    let wanted = of_client.len();
    let of_server = program.process.stderr.wait_for("trace", |text| {
        Some(frames(text)).filter(|frames| frames.len() >= wanted)
    });
    // Pongs may pass what was queued before; the frames are the same.
    let mut of_server = of_server;
    of_client.sort();
    of_server.sort();
    assert_eq!(of_server, of_client);
}

#[test]
fn a_trace_judges_by_the_limits_what_the_peer_sends_and_not_what_is_sent() {
    let program = Program::serve(&["--trace", "--quiet", "--max-message", "5"]);
    let mut raw = program.open("/clock");
    raw.frame();
    raw.send_frame(TEXT, "six by");
    let trace = program.process.stderr.wait_for("violation", |trace| {
        trace.contains("VIOLATION").then(|| frames(trace))
    });
    assert!(
        trace[0].starts_with("#0 > 81 1f TEXT fin 31 \"{"),
        "{trace:?}"
    );
    assert_eq!(
        trace[1],
        "#0 < 81 86 TEXT fin masked 6 VIOLATION message-too-big"
    );
}

#[test]
fn full_traces_show_the_bits_and_where_the_reads_ended() {
    let program = Program::serve(&["--trace=full", "--quiet"]);
    let mut raw = program.connect();
    raw.send(upgrade_request("/echo"));
    raw.expect_101();
    raw.send(b"\x81\x85\x37");
    program.process.stderr.wait_for("half a frame", |text| {
        text.contains("#0 < ... 3 bytes of a frame so far\n")
            .then_some(())
    });
    raw.send(b"\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\xc1");
    let trace = program.process.stderr.wait_for("violation", |text| {
        text.contains("VIOLATION rsv-not-zero")
            .then(|| text.to_owned())
    });
    assert!(trace.contains("#0 < --- read of 3 bytes\n"), "{trace}");
    assert!(trace.contains("#0 < --- read of 9 bytes\n"), "{trace}");
    assert!(trace.contains("1... ....   FIN "), "{trace}");
    assert!(
        trace.lines().all(|line| line.chars().count() <= 80),
        "{trace}"
    );
}
