//! A busy handler's connection is looked after inside TLS as well.

use crate::support::bytes::{CLOSE, PING, PONG, TEXT, close_body};
use crate::support::gate::Gate;
use crate::support::inside::{Served, VERSIONS, connected_with, drip, observe};
use crate::support::server::{Observed, SOON, endless};
use plainws::{Error, Limits, Message, Result, Role};
use plainws_tls_tests::frame;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A server whose handler is busy until the gate opens, and then tells what it receives.
fn busy(limits: Limits) -> (Served, Gate, Observed<Result<Option<Message>>>) {
    let gate = Gate::default();
    let its_gate = gate.clone();
    let (served, observed) = observe(limits, move |ws, told| {
        its_gate.wait();
        loop {
            let received = ws.receive();
            let is_over = !matches!(received, Ok(Some(_)));
            let _ = told.send(received);
            if is_over {
                return Ok(());
            }
        }
    });
    (served, gate, observed)
}

#[test]
fn answers_pings_while_the_handler_is_busy() {
    for (versions, _) in VERSIONS {
        let (served, gate, observed) = busy(endless());
        let mut peer = served.open_at(versions);
        for number in 0..5 {
            let text = number.to_string();
            peer.send_frame(PING, &text);
            peer.expect_frame(PONG, &text);
        }
        let ping = frame(Role::Client, PING, "in pieces");
        let pieces: Vec<_> = ping.chunks(1).collect();
        let records = peer.seal_each(&pieces);
        for byte in records {
            peer.send_records([byte]);
        }
        peer.expect_frame(PONG, "in pieces");
        peer.send_frame(TEXT, "for the handler");
        gate.open();
        let received = observed.next().expect("it is open");
        assert_eq!(received, Some(Message::Text("for the handler".into())));
    }
}

#[test]
fn answers_a_close_while_the_handler_is_busy() {
    let (served, gate, observed) = busy(endless());
    let mut peer = served.open();
    peer.send_frame(CLOSE, close_body(1000, b"bye"));
    assert_eq!(peer.expect_close(1000), "bye");
    peer.expect_close_notify();
    peer.expect_fin();
    gate.open();
    assert_eq!(observed.next().expect("the peer closed"), None);
}

/// Between two bytes of a record that drips: it lasts longer than any test here.
const A_PAUSE: Duration = Duration::from_millis(5);

/// Pings after a while, and is not patient.
fn attentive() -> Limits {
    endless().ping_after(Some(SOON)).pong_timeout(SOON)
}

/// What every byte of half a record says, though nothing can be read yet.
#[test]
fn takes_a_peer_that_drips_a_record_to_a_busy_handler_for_alive() {
    let (served, gate, observed) = busy(attentive());
    let (enough, dripping) = drip(served.open(), Role::Client, A_PAUSE);
    assert!(observed.next_within(6 * SOON).is_none(), "it is let go on");
    enough.store(true, Ordering::Relaxed);
    let mut peer = dripping.join().expect("it is read");
    gate.open();
    let received = observed.next().expect("it is open");
    assert_eq!(received, Some(Message::Text("a".repeat(16_000))));
    peer.send_frame(TEXT, "more");
    let received = observed.next().expect("it is open");
    assert_eq!(received, Some(Message::Text("more".into())));
}

/// As many messages as are read ahead wait already. So nothing is read, but there is a look at what comes.
#[test]
fn takes_a_peer_that_drips_a_record_behind_many_messages_for_alive() {
    const READ_AHEAD: usize = 64;
    let (served, gate, observed) = busy(attentive());
    let mut peer = served.open();
    peer.send(frame(Role::Client, TEXT, "first").repeat(READ_AHEAD));
    let (enough, dripping) = drip(peer, Role::Client, A_PAUSE);
    assert!(observed.next_within(6 * SOON).is_none(), "it is let go on");
    enough.store(true, Ordering::Relaxed);
    let _peer = dripping.join().expect("it is read");
    gate.open();
    for _ in 0..READ_AHEAD {
        let received = observed.next().expect("it was read");
        assert_eq!(received, Some(Message::Text("first".into())));
    }
    let received = observed.next().expect("it is open");
    assert_eq!(received, Some(Message::Text("a".repeat(16_000))));
}

#[test]
fn takes_a_peer_that_drips_a_record_to_one_who_waits_for_it_for_alive() {
    let (served, gate, observed) = busy(attentive());
    gate.open();
    let (enough, dripping) = drip(served.open(), Role::Client, A_PAUSE);
    assert!(observed.next_within(6 * SOON).is_none(), "it is let go on");
    enough.store(true, Ordering::Relaxed);
    let _peer = dripping.join().expect("it is read");
    let received = observed.next().expect("it is open");
    assert_eq!(received, Some(Message::Text("a".repeat(16_000))));
}

#[test]
fn of_a_client_takes_a_server_that_drips_for_alive() {
    let (ws, peer) = connected_with(rustls::DEFAULT_VERSIONS, |client| {
        client.limits(attentive())
    });
    let (told, received) = mpsc::channel();
    thread::spawn(move || {
        let _ = told.send(ws.receive());
    });
    let (enough, dripping) = drip(peer, Role::Server, A_PAUSE);
    assert!(received.recv_timeout(6 * SOON).is_err(), "it is let go on");
    enough.store(true, Ordering::Relaxed);
    let _peer = dripping.join().expect("it is read");
    let received = received.recv().expect("it is told").expect("it is open");
    assert_eq!(received, Some(Message::Text("a".repeat(16_000))));
}

#[track_caller]
fn expect_silent(received: Result<Option<Message>>) {
    match received {
        Err(Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}"),
        other => panic!("the peer is silent, but {other:?}"),
    }
}

#[test]
fn pings_a_silent_peer_and_gives_it_up() {
    for is_busy in [true, false] {
        let (served, gate, observed) = busy(attentive());
        if !is_busy {
            gate.open();
        }
        let mut peer = served.open();
        let since = Instant::now();
        let (byte0, _) = peer.frame();
        assert_eq!(byte0, PING);
        // It answers nothing.
        peer.until_end();
        assert!(since.elapsed() >= SOON);
        gate.open();
        expect_silent(observed.next());
    }
}

#[test]
fn pings_one_that_answers_again_and_again() {
    let (served, gate, observed) = busy(attentive());
    let mut peer = served.open();
    for _ in 0..3 {
        let (byte0, payload) = peer.frame();
        assert_eq!(byte0, PING);
        peer.send_frame(PONG, payload);
    }
    gate.open();
    peer.send_frame(TEXT, "alive");
    let received = observed.next().expect("it is open");
    assert_eq!(received, Some(Message::Text("alive".into())));
}

/// It decrypts on its small stack what was meant for a handler that does not look.
#[test]
fn reads_large_records_for_a_busy_handler_too() {
    let (served, gate, observed) = busy(endless());
    let mut peer = served.open();
    let text = "x".repeat(40_000);
    peer.send(
        [
            frame(Role::Client, TEXT, &text),
            frame(Role::Client, PING, "behind it"),
        ]
        .concat(),
    );
    peer.expect_frame(PONG, "behind it");
    gate.open();
    let received = observed.next().expect("it is open");
    assert_eq!(received, Some(Message::Text(text)));
}
