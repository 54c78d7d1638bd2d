//! The memory that all connections hold together: who needs more than is left is refused, the rest are
//! served, and at last nothing is held.

use crate::support::bytes::{
    BINARY, BINARY_BEGIN, CLOSE, LAST, MORE, TEXT, TEXT_BEGIN, close_body, frame,
};
use crate::support::hostile::fill_window;
use crate::support::program::Program;
use crate::support::raw::{Raw, Response, upgrade_request};
use crate::support::server::{start, wait_until};
use plainws::{Error, PreparedMessage, Role, Sender, WhenFull};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

const KIB: usize = 1024;
/// Long enough for a busy machine to take what it will take.
const A_WHILE: Duration = Duration::from_millis(200);

fn get(program: &Program, path: &str) -> Response {
    let mut raw = program.connect();
    raw.send(format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ));
    raw.response()
}

fn metric(program: &Program, name: &str) -> usize {
    let page = get(program, "/metrics");
    let mut lines = page.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name} in {}", page.text()))
}

fn held(program: &Program) -> usize {
    metric(program, "plainws_memory_held_bytes")
}

fn refusals(program: &Program) -> usize {
    metric(program, "plainws_memory_refusals_total")
}

/// The beginning of a frame that announces a megabyte.
fn beginning(byte0: u8, there: usize) -> Vec<u8> {
    let mut bytes = frame(Role::Client, byte0, &vec![b'a'; KIB * KIB]);
    bytes.truncate(there);
    bytes
}

#[track_caller]
fn expect_echo(raw: &mut Raw, text: &str) {
    raw.send_frame(TEXT, text);
    raw.expect_frame(TEXT, text);
}

#[test]
fn what_is_held_comes_back_to_nothing_after_abuse() {
    let limits = ["--quiet", "--max-memory", "2M", "--max-message", "1M"];
    // Those that do not read are cut soon.
    let timeouts = ["--write-timeout", "--transit-timeout", "--close-timeout"];
    let timeouts = timeouts.map(|name| [name, "0.3"]);
    let program = Program::serve(&[&limits[..], timeouts.as_flattened()].concat());
    let mut innocent = program.open("/echo");
    let mut broken = program.open("/echo");
    broken.send(beginning(TEXT, 100 * KIB));
    let _ = broken.try_send(b"\xFF\xFF\xFF\xFF");
    let mut reset = program.open("/echo");
    expect_echo(&mut reset, "hi");
    reset.send_frame(TEXT, "unread");
    reset.wait_for_input();
    drop(reset);
    let mut unfinished: Vec<_> = (0..4).map(|_| program.open("/echo")).collect();
    for raw in &mut unfinished {
        raw.send(beginning(BINARY_BEGIN, 500 * KIB));
    }
    let mut slow: Vec<_> = (0..4).map(|_| program.open("/echo")).collect();
    let message = frame(Role::Client, BINARY, &vec![7; 256 * KIB]);
    for raw in &mut slow {
        // It ends in an error when the peer is refused.
        let _ = fill_window(raw, &message, A_WHILE);
        expect_echo(&mut innocent, "still here");
    }
    assert!(held(&program) <= 2 * KIB * KIB, "{}", held(&program));
    assert!(refusals(&program) > 0);

    expect_echo(&mut innocent, "still here");
    drop((unfinished, slow, broken));
    wait_until("all memory to come back", || held(&program) == 0);
    expect_echo(&mut innocent, &"large again".repeat(20_000));
    wait_until("that too", || held(&program) == 0);
}

#[test]
fn a_refused_peer_is_read_to_its_end_and_reads_the_close() {
    let program = Program::serve(&["--quiet", "--max-memory", "256K"]);
    let mut raw = program.open("/echo");
    raw.send_frame(BINARY, vec![7; 8 * KIB * KIB]);
    assert_eq!(raw.expect_close(1013), "no memory is left for the message");
    assert_eq!((held(&program), refusals(&program)), (0, 1));
    raw.send_frame(CLOSE, close_body(1013, b""));
    raw.expect_fin();
}

#[test]
fn while_it_is_used_up_small_messages_pass_on_new_connections_too() {
    let program = Program::serve(&["--quiet", "--max-memory", "256K"]);
    let mut innocent = program.open("/echo");
    let mut holders = Vec::new();
    while held(&program) < 256 * KIB {
        let mut raw = program.open("/echo");
        let before = held(&program);
        raw.send(beginning(BINARY_BEGIN, 100 * KIB));
        wait_until("the memory of one more", || held(&program) > before);
        holders.push(raw);
    }
    let mut newcomer = program.open("/echo");
    for raw in [&mut innocent, &mut newcomer] {
        expect_echo(raw, &"small".repeat(5000));
    }
    assert_eq!(get(&program, "/healthz").status, 200);
    innocent.send_frame(TEXT, "large".repeat(50_000));
    innocent.expect_close(1013);
    assert_eq!(metric(&program, "plainws_memory_refusals_total"), 1);
    drop(holders);
    wait_until("the memory to come back", || held(&program) == 0);
    expect_echo(&mut program.open("/echo"), "hi");
}

#[test]
fn a_handler_that_cannot_send_closes_with_1013() {
    let address = start(|server| {
        server
            .max_memory(256 * KIB)
            .route("/", |ws| ws.send(vec![7; KIB * KIB]))
    });
    Raw::open(address, "/").expect_close(1013);
}

#[test]
fn a_prepared_message_for_many_slow_peers_is_refused_for_those_that_are_too_many() {
    const MAX: usize = 2 * KIB * KIB;
    static SENDERS: Mutex<Vec<Sender>> = Mutex::new(Vec::new());

    let limits = plainws::Limits::default().max_backlog(usize::MAX);
    let handle = OnceLock::new();
    let address = start(|server| {
        let server = server.limits(limits).max_memory(MAX).route("/", |ws| {
            let sender = ws.sender().when_full(WhenFull::Refuse);
            SENDERS.lock().expect("no panic in it").push(sender);
            while ws.receive()?.is_some() {}
            plainws::Result::Ok(())
        });
        let its_handle = server.handle().expect("it is bound");
        handle.set(its_handle).expect("it is set once");
        server
    });
    let handle = handle.get().expect("it is set");
    let peers: Vec<_> = (0..8).map(|_| Raw::open(address, "/")).collect();
    let senders = || SENDERS.lock().expect("no panic in it").clone();
    wait_until("all to be open", || senders().len() == peers.len());
    let prepared = PreparedMessage::new(vec![7; 200 * KIB]);
    let is_refused = || {
        senders()
            .iter()
            .any(|sender| matches!(sender.send(&prepared), Err(Error::Overloaded)))
    };
    // What the system takes for each comes first.
    assert!((0..1000).any(|_| is_refused()));
    assert!(handle.stats().memory_held > MAX / 2);
    assert!(handle.stats().memory_held <= MAX);
    assert!(handle.stats().memory_refusals > 0);
    for sender in senders() {
        sender.send("small").expect("the connection goes on");
    }
    drop(peers);
    wait_until("all memory to come back", || {
        handle.stats().memory_held == 0
    });
}

/// The message is moved from the socket to the handler and back, and never there twice.
#[cfg(target_os = "linux")]
#[test]
fn a_large_echo_takes_little_more_than_its_message() {
    const LENGTH: usize = 16 * KIB * KIB;
    let program = Program::serve(&["--quiet"]);
    let most = || status_kib(&program, "VmHWM").expect("Linux tells") * KIB;
    let mut raw = program.open("/echo");
    expect_echo(&mut raw, &"small".repeat(5000));
    let before = most();
    for _ in 0..2 {
        raw.send_frame(BINARY, vec![7; LENGTH]);
        // It reads late.
        raw.wait_for_input();
        assert!(raw.frame() == (BINARY, vec![7; LENGTH]));
    }
    let taken = most() - before;
    assert!(taken < LENGTH / 5 * 6, "{} KiB", taken / KIB);
}

/// What is told of bytes is made of a few at a time: of a read full of tiny frames it would be almost a megabyte.
#[cfg(target_os = "linux")]
#[test]
fn a_client_that_is_told_of_its_bytes_takes_little_more_than_others() {
    let program = Program::serve(&["--quiet"]);
    let most = || status_kib(&program, "VmHWM").expect("Linux tells");
    let offer = "\r\nSec-WebSocket-Protocol: bytes.plainws\r\n\r\n";
    let mut raw = program.connect();
    raw.send(upgrade_request("/echo").replace("\r\n\r\n", offer));
    raw.expect_101();
    expect_echo(&mut raw, "small");
    raw.frame();
    let before = most();
    let between = frame(Role::Client, MORE, b"b").repeat(2400);
    let ends = [TEXT_BEGIN, LAST].map(|byte0| frame(Role::Client, byte0, b"a"));
    raw.send([&ends[0], &between, &ends[1]].map(Vec::as_slice).concat());
    assert_eq!(raw.frame().1.len(), 2402);
    raw.frame();
    let taken = most() - before;
    assert!(taken < 256, "{taken} KiB");
}

/// A line of the program's status.
#[cfg(target_os = "linux")]
fn status_kib(program: &Program, name: &str) -> Option<usize> {
    let path = format!("/proc/{}/status", program.process.id());
    let status = std::fs::read_to_string(path).ok()?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Without a budget it is the system that has none left: there allocations must not abort the program.
#[cfg(target_os = "linux")]
mod when_the_system_has_none {
    use super::*;
    use crate::support::program::Process;
    use crate::support::skip;
    use std::process::Command;

    /// Memory beyond what the program takes to begin with.
    const ROOM_KIB: usize = 100 * KIB;

    /// The program with so little address space that a few large messages take all of it.
    fn confined() -> Option<Program> {
        let taken = status_kib(&under("true"), "VmSize")?;
        let limit = format!("ulimit -v {}", taken + ROOM_KIB);
        let may_limit = Command::new("sh").args(["-c", &limit]).status();
        may_limit
            .is_ok_and(|status| status.success())
            .then(|| under(&limit))
    }

    /// The program, started by a shell after this command.
    fn under(command: &str) -> Program {
        let script = format!("{command} && exec \"$@\"");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_plainws")])
            .args([
                "--quiet",
                "--addr",
                "127.0.0.1:0",
                "--max-memory",
                "999999M",
            ])
            // Otherwise each of the first threads takes 64 MiB of addresses.
            .env("MALLOC_ARENA_MAX", "1");
        Program::of(Process::start(&mut shell).expect("sh is there"))
    }

    #[test]
    fn large_messages_are_refused_and_the_rest_served() {
        let Some(program) = confined() else {
            let why = "the program cannot be started with little memory (sh, ulimit -v)";
            return skip("memory", why, "PLAINWS_ULIMIT");
        };
        let mut innocent = program.open("/echo");
        let mut holders = Vec::new();
        // Most of a message each, until one is refused.
        let mut refused = loop {
            assert!(holders.len() < 2 * ROOM_KIB / (15 * KIB), "none is refused");
            let mut raw = program.open("/echo");
            let before = (held(&program), refusals(&program));
            raw.send(&frame(Role::Client, BINARY, &vec![7; 15 * KIB * KIB])[..15_000 * KIB]);
            wait_until("its memory", || {
                refusals(&program) > before.1 || held(&program) >= before.0 + 14_900 * KIB
            });
            if refusals(&program) > before.1 {
                break raw;
            }
            holders.push(raw);
        };
        assert!(!holders.is_empty());
        assert_eq!(
            refused.expect_close(1013),
            "no memory is left for the message"
        );
        expect_echo(&mut innocent, &"small".repeat(5000));
        assert_eq!(get(&program, "/healthz").status, 200);
        drop(holders);
        wait_until("the memory to come back", || held(&program) == 0);
        let large = vec![7; 10 * KIB * KIB];
        innocent.send_frame(BINARY, &large);
        innocent.expect_frame(BINARY, &large);
    }
}
