//! `plainws serve --drain`: from the first signal on, balancers are told to go elsewhere, and all who come
//! nevertheless are served.

use crate::support::bytes::{CLOSE, TEXT, close_body};
use crate::support::program::Program;
use crate::support::raw::{Raw, Response};
use serde_json::Value;
use std::net::SocketAddr;

/// Longer than any test may take: an end before that is not the drain's own.
const LONG: &str = "1000";

fn get(address: SocketAddr, path: &str) -> Response {
    let mut raw = Raw::connect(address);
    raw.send(format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ));
    raw.response()
}

#[track_caller]
fn check_says(address: SocketAddr, path: &str, status: u16, text: &str) {
    let response = get(address, path);
    assert_eq!((response.status, response.text()), (status, text), "{path}");
}

#[track_caller]
fn check_echo(raw: &mut Raw, text: &str) {
    raw.send_frame(TEXT, text);
    raw.expect_frame(TEXT, text);
}

#[track_caller]
fn check_closes(mut raw: Raw) {
    raw.expect_close(1001);
    raw.send_frame(CLOSE, close_body(1001, b""));
    raw.expect_fin();
}

/// Sends a signal and waits until the log says that the drain has begun.
#[track_caller]
fn begin(program: &Program) {
    program.process.signal("TERM");
    let log = &program.process.stderr;
    log.wait_for("drain", |said| said.contains("drain").then_some(()));
}

#[test]
fn all_is_served_while_health_tells_balancers_to_go_elsewhere() {
    let mut program = Program::serve(&["--drain", LONG]);
    let address = program.address;
    let mut old = program.open("/echo");
    check_echo(&mut old, "before");
    check_says(address, "/healthz", 200, "ok\n");
    let mut kept = Raw::connect(address);
    kept.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(kept.response().header("Connection"), Some("keep-alive"));

    begin(&program);
    // A request that comes just when the connection ends would be lost: so it is not kept any longer.
    kept.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = kept.response();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("Connection"), Some("close"));
    kept.expect_fin();
    check_says(address, "/healthz", 503, "draining\n");
    let mut options = Raw::connect(address);
    options.send("OPTIONS /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(options.response().status, 503);
    check_says(address, "/healthz/live", 200, "ok\n");
    for path in ["/", "/metrics"] {
        assert_eq!(get(address, path).status, 200, "{path}");
    }
    check_echo(&mut old, "during");
    let mut new = program.open("/echo");
    check_echo(&mut new, "as well");

    // Nobody wants to wait that long.
    program.process.signal("TERM");
    check_closes(old);
    check_closes(new);
    assert_eq!(program.process.wait().code(), Some(0));
    let log = program.process.stderr.whole();
    let line = "draining for 1000 s: all is still served; a signal ends the wait\n";
    assert!(log.contains(line), "{log}");
}

#[test]
fn it_ends_by_itself_and_then_a_signal_cuts() {
    let limits = ["--grace", LONG, "--close-timeout", LONG];
    let mut program = Program::serve(&[&["--drain", "0.1"][..], &limits].concat());
    let mut stubborn = program.open("/echo");
    program.process.signal("TERM");
    stubborn.expect_close(1001);
    // No answer: the server would wait for a long time.
    program.process.signal("TERM");
    assert_eq!(program.process.wait().code(), Some(0));
    drop(stubborn);
}

#[test]
fn a_second_signal_ends_it_and_a_third_cuts() {
    let limits = ["--grace", LONG, "--close-timeout", LONG];
    let mut program = Program::serve(&[&["--drain", LONG][..], &limits].concat());
    let mut stubborn = program.open("/echo");
    begin(&program);
    check_echo(&mut stubborn, "still here");
    program.process.signal("TERM");
    stubborn.expect_close(1001);
    program.process.signal("TERM");
    assert_eq!(program.process.wait().code(), Some(0));
    drop(stubborn);
}

#[test]
fn with_0_or_without_it_there_is_none() {
    for arguments in [&[][..], &["--drain", "0"]] {
        let mut program = Program::serve(arguments);
        let echo = program.open("/echo");
        program.process.signal("TERM");
        check_closes(echo);
        assert_eq!(program.process.wait().code(), Some(0));
        let log = program.process.stderr.whole();
        assert!(!log.contains("drain"), "{log}");
    }
}

#[test]
fn it_is_told_where_the_health_has_an_address_of_its_own() {
    let program = Program::serve(&["--drain", LONG, "--metrics-addr", "127.0.0.1:0"]);
    let watched = program.process.stdout.wait_for("metrics", |said| {
        let (_, rest) = said.split_once("metrics: http://")?;
        rest.split_once('/')?.0.parse().ok()
    });
    check_says(watched, "/healthz", 200, "ok\n");
    begin(&program);
    check_says(watched, "/healthz", 503, "draining\n");
    check_says(watched, "/healthz/live", 200, "ok\n");
    check_echo(&mut program.open("/echo"), "served");
}

#[test]
fn it_is_told_when_all_places_are_taken_and_full_alone_is_not_unready() {
    let program = Program::serve(&["--drain", LONG, "--max-connections", "1"]);
    let _only = program.open("/echo");
    check_says(program.address, "/healthz", 200, "ok\n");
    begin(&program);
    check_says(program.address, "/healthz", 503, "draining\n");
    check_says(program.address, "/healthz/live", 200, "ok\n");
}

/// In the log each is a line: they are no refusals for want of room, of which ten a second are written.
#[test]
fn the_log_sums_up_no_answers_about_health() {
    const ANSWERS: usize = 15;
    let mut program = Program::serve(&["--drain", LONG, "--log", "json"]);
    begin(&program);
    for _ in 0..ANSWERS {
        check_says(program.address, "/healthz", 503, "draining\n");
    }
    program.process.signal("TERM");
    assert_eq!(program.process.wait().code(), Some(0));
    let log = program.process.stderr.whole();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(lines[0]["draining"], true);
    assert_eq!(lines[0]["seconds"], 1000.0);
    let of_health = |line: &&Value| line["status"] == 503 && line["reason"].is_null();
    assert_eq!(lines.iter().filter(of_health).count(), ANSWERS, "{log}");
}

#[test]
fn a_time_that_is_none_is_refused() {
    for time in ["-1", "soon", ""] {
        let argument = format!("--drain={time}");
        let answer = crate::support::run::run(&["serve", &argument]);
        assert_eq!(answer.code, 2, "{time:?}");
        assert!(answer.stderr.contains("--drain"), "{}", answer.stderr);
        assert!(answer.stderr.contains("or 0"), "{}", answer.stderr);
    }
}
