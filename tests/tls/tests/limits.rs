//! Limits that hold inside TLS as outside: memory, backlogs, and the pace of slow peers.

use crate::support::bytes::{BINARY, BINARY_BEGIN, TEXT};
use crate::support::inside::{Served, observe, serve};
use crate::support::server::{SOON, echo, endless, wait_until};
use plainws::{Error, Handle, Page, Role, Server, WhenFull};
use plainws_tls_tests::{Peer, Relay, frame, trusting};
use std::sync::OnceLock;

const KIB: usize = 1024;

fn with_handle(configure: impl FnOnce(Server) -> Server) -> (Served, Handle) {
    let handle = OnceLock::new();
    let served = serve(|server| {
        let its_handle = server.handle().expect("it is bound");
        handle.set(its_handle).expect("it is set once");
        configure(server)
    });
    (served, handle.into_inner().expect("it is set"))
}

#[track_caller]
fn expect_echo(peer: &mut Peer, text: &str) {
    peer.send_frame(TEXT, text);
    peer.expect_frame(TEXT, text);
}

#[test]
fn memory_that_is_used_up_refuses_a_message_and_no_connection() {
    let (served, handle) = with_handle(|server| {
        server
            .limits(endless())
            .max_memory(256 * KIB)
            .route("/", echo)
    });
    let mut innocent = served.open();
    let mut refused = served.open();
    refused.send_frame(BINARY, vec![7; 1024 * KIB]);
    let reason = refused.expect_close(1013);
    assert_eq!(reason, "no memory is left for the message");
    expect_echo(&mut innocent, "still here");
    // Most of what there is, held by peers that do not go on.
    let mut holders = Vec::new();
    while handle.stats().memory_held < 256 * KIB {
        let before = handle.stats().memory_held;
        let mut holder = served.open();
        let message = frame(Role::Client, BINARY_BEGIN, vec![7; 200 * KIB]);
        holder.send(&message[..100 * KIB]);
        wait_until("its memory", || handle.stats().memory_held > before);
        holders.push(holder);
    }
    expect_echo(&mut innocent, &"small".repeat(5000));
    expect_echo(&mut served.open(), "new");
    innocent.send_frame(TEXT, "large".repeat(50_000));
    innocent.expect_close(1013);
    assert!(handle.stats().memory_held <= 256 * KIB);
    drop((holders, refused));
    wait_until("the memory to come back", || {
        handle.stats().memory_held == 0
    });
    expect_echo(&mut served.open(), &"large again".repeat(10_000));
    wait_until("that too", || handle.stats().memory_held == 0);
}

#[test]
fn a_backlog_that_is_full_refuses_more_and_loses_nothing() {
    let (served, observed) = observe(endless().max_backlog(100 * KIB), |ws, told| {
        let sender = ws.sender().when_full(WhenFull::Refuse);
        let mut sent = 0_u32;
        while sender
            .send([&sent.to_be_bytes()[..], &[7; 10_000]].concat())
            .is_ok()
        {
            sent += 1;
        }
        let refused = sender.send(vec![7; 10_000]);
        assert!(matches!(refused, Err(Error::Backlogged)), "{refused:?}");
        let _ = told.send(sent);
        ws.receive().map(drop)
    });
    let mut peer = served.open();
    for number in 0..observed.next() {
        peer.expect_frame(BINARY, [&number.to_be_bytes()[..], &[7; 10_000]].concat());
    }
}

/// A peer that takes what it is promised to be given time for, though slower than anyone likes.
#[test]
fn a_slow_reader_gets_everything_as_long_as_it_reads() {
    const COUNT: usize = 6;
    let limits = endless().write_timeout(SOON);
    let (served, observed) = observe(limits, |ws, told| {
        for _ in 0..COUNT {
            ws.send(vec![7; 1024 * KIB])?;
        }
        let _ = told.send(());
        ws.receive().map(drop)
    });
    let relay = Relay::to(served.address);
    let mut peer = Peer::connect(relay.address, trusting(&served.roots));
    let passing = relay.next();
    // As fast as the machine can, but in pieces that fit neither records nor frames.
    passing.down.open_by(1777);
    peer.upgrade("/");
    for _ in 0..COUNT {
        peer.expect_frame(BINARY, vec![7; 1024 * KIB]);
    }
    observed.next();
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_has_come() {
    let limits = endless().message(plainws::protocol::message::Limits::new().max_bytes(1000));
    let served = serve(|server| server.limits(limits).route("/", echo));
    let mut peer = served.open();
    // Its header, and a little of it.
    peer.send(&frame(Role::Client, BINARY, vec![7; 100_000])[..20]);
    peer.expect_close(1009);
}

/// Half a record is no byte of a request.
#[test]
fn a_connection_that_is_kept_alive_ends_in_silence_when_no_further_request_begins_in_time() {
    let limits = endless().keep_alive_timeout(SOON);
    let (served, handle) = with_handle(|server| {
        let server = server.limits(limits);
        server.page("/", Page::text("here"))
    });
    for half in [0, 1, 20] {
        let mut peer = Peer::connect(served.address, trusting(&served.roots));
        for _ in 0..2 {
            peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let head = peer.head();
            assert!(head.contains("\r\nConnection: keep-alive\r\n"), "{head}");
            assert_eq!(peer.bytes(4), b"here");
        }
        let next = peer.seal("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer.send_records(&next[..half]);
        peer.expect_close_notify();
        peer.expect_fin();
    }
    wait_until("the places", || handle.stats().open_connections == 0);
}
