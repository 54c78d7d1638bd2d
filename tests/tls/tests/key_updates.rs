//! New keys in the midst of a connection (RFC 8446 §4.6.3): TLS 1.3 alone knows them.

use crate::support::bytes::{BINARY, LAST, PING, PONG, TEXT, TEXT_BEGIN};
use crate::support::gate::Gate;
use crate::support::inside::{connected_with, observe, serve};
use crate::support::server::{echo, endless};
use plainws::{Message, Role, WebSocket};
use plainws_tls_tests::{Peer, frame};
use std::thread::{self, JoinHandle};

/// Peers of both of the library's roles, each of which gets its messages back, and how they end.
fn echoing() -> [(Peer, Role, JoinHandle<()>); 2] {
    let served = serve(|server| server.limits(endless()).route("/", echo));
    let (mut ws, server) =
        connected_with(rustls::DEFAULT_VERSIONS, |client| client.limits(endless()));
    let client = thread::spawn(move || {
        // The connection is lost in the end.
        let _ = echo(&mut ws);
    });
    [
        (served.open(), Role::Client, thread::spawn(|| {})),
        (server, Role::Server, client),
    ]
}

#[test]
fn are_answered_between_messages() {
    for (mut peer, _, echoing) in echoing() {
        for number in 0..5 {
            peer.renew_keys();
            let text = number.to_string();
            peer.send_frame(TEXT, &text);
            peer.expect_frame(TEXT, &text);
        }
        drop(peer);
        echoing.join().expect("it does not panic");
    }
}

#[test]
fn may_follow_one_another() {
    for (mut peer, _, echoing) in echoing() {
        for _ in 0..5 {
            peer.renew_keys();
        }
        peer.send_frame(TEXT, "after five");
        peer.expect_frame(TEXT, "after five");
        for _ in 0..5 {
            peer.renew_keys();
            peer.flush().expect("the peer is there");
        }
        peer.send_frame(TEXT, "and five more");
        peer.expect_frame(TEXT, "and five more");
        drop(peer);
        echoing.join().expect("it does not panic");
    }
}

#[test]
fn may_come_in_the_midst_of_a_large_message() {
    let message: Vec<_> = (0..251).cycle().take(300_000).collect();
    for (mut peer, role, echoing) in echoing() {
        let bytes = frame(role, BINARY, &message);
        for piece in bytes.chunks(10_000) {
            peer.renew_keys();
            peer.send(piece);
        }
        peer.renew_keys();
        peer.flush().expect("the peer is there");
        peer.expect_frame(BINARY, &message);
        peer.send_frame(TEXT, "still in step");
        peer.expect_frame(TEXT, "still in step");
        drop(peer);
        echoing.join().expect("it does not panic");
    }
}

#[test]
fn may_come_between_the_fragments_of_a_message() {
    for (mut peer, _, echoing) in echoing() {
        peer.send_frame(TEXT_BEGIN, "half and ");
        peer.renew_keys();
        peer.send_frame(PING, "between");
        peer.expect_frame(PONG, "between");
        peer.renew_keys();
        peer.send_frame(LAST, "half");
        peer.expect_frame(TEXT, "half and half");
        drop(peer);
        echoing.join().expect("it does not panic");
    }
}

/// Its answers leave with what is written next, so the keys of both directions change at different times.
#[test]
fn may_come_while_much_is_written() {
    let (served, observed) = observe(endless(), |ws: &mut WebSocket, told| {
        let sender = ws.sender();
        let sending = thread::spawn(move || {
            for number in 0..200_u8 {
                sender.send(vec![number; 50_000]).expect("it is open");
            }
        });
        while let Some(message) = ws.receive()? {
            let _ = told.send(message);
        }
        sending.join().expect("it has sent all");
        Ok(())
    });
    let mut peer = served.open();
    for number in 0..200_u8 {
        peer.renew_keys();
        peer.send_frame(TEXT, number.to_string());
        peer.expect_frame(BINARY, vec![number; 50_000]);
    }
    for number in 0..200 {
        assert_eq!(observed.next(), Message::Text(number.to_string()));
    }
}

#[test]
fn may_come_while_the_handler_is_busy() {
    let gate = Gate::default();
    let its_gate = gate.clone();
    let (served, observed) = observe(endless(), move |ws, told| {
        its_gate.wait();
        while let Some(message) = ws.receive()? {
            let _ = told.send(message);
        }
        Ok(())
    });
    let mut peer = served.open();
    for number in 0..5 {
        peer.renew_keys();
        let text = number.to_string();
        peer.send_frame(PING, &text);
        peer.expect_frame(PONG, &text);
    }
    peer.renew_keys();
    peer.send_frame(TEXT, "at last");
    gate.open();
    assert_eq!(observed.next(), Message::Text("at last".into()));
}
