//! What TLS has decrypted already is found before anyone waits for more.

use crate::support::bytes::{LAST, MORE, PING, PONG, TEXT, TEXT_BEGIN};
use crate::support::gate::Gate;
use crate::support::inside::{Served, VERSIONS, connected, connected_at, observe, serve, text};
use crate::support::raw::upgrade_request;
use crate::support::server::{echo, endless};
use plainws::protocol::handshake::accept_value;
use plainws::{Message, Received, Role, WebSocket};
use plainws_tls_tests::peer::listen;
use plainws_tls_tests::{Authority, LOCAL, PATIENCE, Peer, frame, trusting, trusting_at};
use std::time::Duration;
use std::{sync::mpsc, thread};

/// Texts, each in a frame of a server.
fn frames(texts: &[String]) -> Vec<u8> {
    let frames = texts.iter().map(|text| frame(Role::Server, TEXT, text));
    frames.collect::<Vec<_>>().concat()
}

fn ten() -> Vec<String> {
    (0..10).map(|number| format!("message {number}")).collect()
}

/// Ways to receive, each of which must find what is there.
const WAYS: [fn(&WebSocket) -> Option<Message>; 3] = [
    |ws| ws.receive().expect("it is open"),
    |ws| match ws.receive_timeout(PATIENCE).expect("it is open") {
        Received::Message(message) => Some(message),
        _ => None,
    },
    |ws| {
        // The first may not have arrived yet.
        loop {
            match ws.try_receive().expect("it is open") {
                Received::Message(message) => return Some(message),
                Received::NotReady => thread::yield_now(),
                _ => return None,
            }
        }
    },
];

#[test]
fn ten_messages_in_one_record_are_all_received() {
    for (versions, _) in VERSIONS {
        let (ws, mut peer) = connected_at(versions);
        for way in WAYS {
            peer.send(frames(&ten()));
            for expected in ten() {
                assert_eq!(way(&ws), text(&expected));
            }
        }
    }
}

/// More than what is read at once: the largest record is full of them.
#[test]
fn thousands_of_messages_in_one_record_are_all_received() {
    let (ws, mut peer) = connected();
    let texts: Vec<_> = (0..2000).map(|number| format!("{number:06}")).collect();
    let frames = frames(&texts);
    assert_eq!(frames.len(), 16_000);
    for way in WAYS {
        peer.send(&frames);
        for expected in &texts {
            assert_eq!(way(&ws), text(expected));
        }
    }
}

#[test]
fn one_message_in_ten_records_is_received() {
    let (ws, mut peer) = connected();
    let frame = frame(Role::Server, TEXT, "one message");
    for size in [1, 2, 5] {
        let pieces: Vec<_> = frame.chunks(size).collect();
        let records = peer.seal_each(&pieces);
        peer.send_records(records);
        assert_eq!(ws.receive().expect("it is open"), text("one message"));
    }
}

#[test]
fn the_first_message_of_a_record_and_a_half_is_received_before_the_rest_comes() {
    let (ws, mut peer) = connected();
    let first = peer.seal(frame(Role::Server, TEXT, "first"));
    let second = peer.seal(frame(Role::Server, TEXT, "second"));
    let (half, rest) = second.split_at(second.len() / 2);
    peer.send_records([&first, half].concat());
    assert_eq!(ws.receive().expect("it is open"), text("first"));
    assert_eq!(ws.try_receive().expect("it is open"), Received::NotReady);
    peer.send_records(rest);
    assert_eq!(ws.receive().expect("it is open"), text("second"));
}

/// A record with the end of one message, the whole of another, and the beginning of a third.
#[test]
fn messages_need_not_begin_where_records_do() {
    let (ws, mut peer) = connected();
    let frames = frames(&ten());
    for size in 1..frames.len() {
        let pieces: Vec<_> = frames.chunks(size).collect();
        let records = peer.seal_each(&pieces);
        peer.send_records(records);
        for expected in ten() {
            assert_eq!(ws.receive().expect("it is open"), text(&expected));
        }
    }
}

#[test]
fn records_without_anything_in_them_do_not_disturb() {
    let (ws, mut peer) = connected();
    let whole = frame(Role::Server, TEXT, "Hello");
    peer.send(&whole[..3]);
    // rustls takes no more of them in a row.
    for _ in 0..30 {
        peer.renew_keys();
        peer.flush().expect("the peer is there");
    }
    assert_eq!(ws.try_receive().expect("it is open"), Received::NotReady);
    peer.send(&whole[3..]);
    assert_eq!(ws.receive().expect("it is open"), text("Hello"));
}

#[test]
fn a_server_finds_frames_that_came_in_the_requests_record() {
    let served = serve(|server| server.route("/", echo));
    for (versions, _) in VERSIONS {
        let mut peer = Peer::connect(served.address, trusting_at(&served.roots, versions));
        let early = frame(Role::Client, TEXT, "early");
        peer.send([upgrade_request("/").as_bytes(), &early, &early].concat());
        assert!(peer.head().starts_with("HTTP/1.1 101 "));
        peer.expect_frame(TEXT, "early");
        peer.expect_frame(TEXT, "early");
    }
}

#[test]
fn a_client_finds_frames_that_came_in_the_answers_record() {
    let authority = Authority::new();
    let config = authority.sign(LOCAL).config();
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener, config);
        let head = peer.head();
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_value(key.expect("a client sends a key"));
        let head = format!(
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        peer.send([head.into_bytes(), frames(&ten())].concat());
        peer
    });
    let served = Served {
        address,
        roots: authority.pem(),
    };
    let ws = served.connect();
    for expected in ten() {
        assert_eq!(ws.receive().expect("it is open"), text(&expected));
    }
    server.join().expect("the client comes");
}

#[test]
fn requests_in_one_record_are_all_answered() {
    let served = serve(|server| server.page("/", plainws::Page::text("a page")));
    let mut peer = Peer::connect(served.address, trusting(&served.roots));
    peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3));
    for _ in 0..3 {
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(peer.bytes(6), b"a page");
    }
}

/// It reads on when the handler does not, and leaves what it has read to it.
#[test]
fn what_was_read_for_a_busy_handler_is_not_lost() {
    let gate = Gate::default();
    let its_gate = gate.clone();
    let handler = move |ws: &mut WebSocket, told: &mpsc::Sender<Message>| {
        its_gate.wait();
        while let Some(message) = ws.receive()? {
            let _ = told.send(message);
        }
        Ok(())
    };
    let (served, observed) = observe(endless(), handler);
    let mut peer = served.open();
    let texts: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let frames: Vec<_> = texts
        .iter()
        .map(|text| frame(Role::Client, TEXT, text))
        .collect();
    peer.send(frames[..50].concat());
    peer.send_frame(PING, "between");
    peer.expect_frame(PONG, "between");
    peer.send(frames[50..].concat());
    let half = frame(Role::Client, TEXT_BEGIN, "be");
    peer.send([&half[..], &frame(Role::Client, MORE, "gin")].concat());
    gate.open();
    for expected in texts {
        assert_eq!(observed.next(), Message::Text(expected));
    }
    peer.send_frame(LAST, "ning");
    assert_eq!(observed.next(), Message::Text("beginning".into()));
    assert_eq!(observed.next_within(Duration::ZERO), None);
}
