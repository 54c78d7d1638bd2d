//! `plainws connect` against `plainws serve`, both as processes.

use crate::support::program::Program;
use crate::support::raw::Raw;
use crate::support::run::{Run, run, run_with};
use serde_json::Value;
use std::net::TcpListener;
use std::thread;

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
    assert!(run.stderr.contains("closed 4000\n"), "{}", run.stderr);
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

    assert_eq!(run(&["connect", "https://127.0.0.1/"]).code, 2);
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
