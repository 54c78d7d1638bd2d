//! `examples/chat.rs`, as it is.

#[path = "../examples/chat.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod example;

use crate::support::bytes::{BINARY, CLOSE, TEXT, close_body};
use crate::support::raw::Raw;
use crate::support::server::start;
use plainws::Limits;
use std::net::SocketAddr;
use std::time::Duration;

/// A room where no deadline helps: to wait for a slow member would be to wait forever.
fn room() -> SocketAddr {
    let forever = Duration::from_secs(3600);
    let limits = Limits::default()
        .write_timeout(forever)
        .close_timeout(forever);
    let room = example::Room::default();
    start(|server| server.limits(limits).route("/", move |ws| room.attend(ws)))
}

/// Opens a connection and waits until the room knows it.
fn join(address: SocketAddr) -> Raw {
    let mut raw = Raw::open(address, "/");
    raw.send_frame(TEXT, "here I am");
    loop {
        let (byte0, payload) = raw.frame();
        if (byte0, &payload[..]) == (TEXT, b"here I am") {
            return raw;
        }
    }
}

#[test]
fn what_one_says_all_hear() {
    let address = room();
    let mut ann = join(address);
    let mut ben = join(address);
    ann.expect_frame(TEXT, "here I am");
    ben.send_frame(TEXT, "Hallo, schöne Welt");
    ann.send_frame(BINARY, [0xFF; 70_000]);
    for member in [&mut ann, &mut ben] {
        let mut heard = [member.frame(), member.frame()];
        heard.sort();
        assert_eq!(heard[0], (TEXT, "Hallo, schöne Welt".into()));
        assert!(heard[1] == (BINARY, vec![0xFF; 70_000]));
    }
}

#[test]
fn whoever_leaves_is_not_missed() {
    let address = room();
    let mut ann = join(address);
    let mut ben = join(address);
    let cleo = join(address);
    for _ in 0..2 {
        ann.expect_frame(TEXT, "here I am");
    }
    ben.send_frame(CLOSE, close_body(1000, b""));
    ben.until_end();
    drop(cleo);
    for _ in 0..10 {
        ann.send_frame(TEXT, "still talking");
        ann.expect_frame(TEXT, "still talking");
    }
}

/// The slow member reads nothing at all; what it does not take is bounded, and it is shown the door.
#[test]
fn a_member_that_does_not_read_delays_nobody() {
    let address = room();
    let mut slow = join(address);
    let mut ann = join(address);
    let message = vec![b'x'; 64 * 1024];
    // Far more than the socket's buffers and the backlog take.
    for _ in 0..800 {
        ann.send_frame(BINARY, &message);
        ann.expect_frame(BINARY, &message);
    }
    // It finds what was sent before, whole, and then the end.
    slow.expect_frame(TEXT, "here I am");
    let mut heard = 0;
    loop {
        let (byte0, payload) = slow.frame();
        if byte0 == CLOSE {
            assert_eq!(payload, close_body(1008, b"too slow"));
            break;
        }
        assert!((byte0, &payload) == (BINARY, &message), "torn");
        heard += 1;
    }
    assert!(heard < 800, "it was refused something");
}
