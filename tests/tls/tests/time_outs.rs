//! Time-outs in the midst of a record: nothing is lost, and nobody is late.

use crate::support::bytes::TEXT;
use crate::support::due;
use crate::support::inside::{VERSIONS, connected, connected_at, drip, observe};
use crate::support::server::{SOON, endless};
use plainws::{Message, Received, Result, Role, WebSocket};
use plainws_tls_tests::{PATIENCE, frame};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const A_MOMENT: Duration = Duration::from_millis(1);

fn message(text: &str) -> Received {
    Received::Message(Message::Text(text.into()))
}

/// Receives a message that is there, or will soon be.
#[track_caller]
fn expect_message(ws: &WebSocket, expected: &str) {
    let received = ws.receive_timeout(PATIENCE).expect("it is open");
    assert_eq!(received, message(expected));
}

/// Receives nothing, neither in a moment nor without waiting.
#[track_caller]
fn expect_nothing(ws: &WebSocket) {
    let waited = ws.receive_timeout(A_MOMENT).expect("it is open");
    assert_eq!(waited, Received::TimedOut);
    let glanced = ws.try_receive().expect("it is open");
    assert_eq!(glanced, Received::NotReady);
}

#[test]
fn in_a_record_lose_nothing_wherever_it_is_cut() {
    for (versions, _) in VERSIONS {
        let (ws, mut peer) = connected_at(versions);
        for cut in 0.. {
            let [first, second] =
                ["Hello", "World"].map(|text| peer.seal(frame(Role::Server, TEXT, text)));
            let ends = [first.len(), first.len() + second.len()];
            let records = [first, second].concat();
            if cut > records.len() {
                assert!(cut > 50, "two records are longer than {cut} bytes");
                break;
            }
            let mut messages = ["Hello", "World"].iter().zip(ends).peekable();
            peer.send_records(&records[..cut]);
            while let Some((text, _)) = messages.next_if(|(_, end)| *end <= cut) {
                expect_message(&ws, text);
            }
            expect_nothing(&ws);
            peer.send_records(&records[cut..]);
            for (text, _) in messages {
                expect_message(&ws, text);
            }
            expect_nothing(&ws);
        }
    }
}

#[test]
fn byte_by_byte_lose_nothing() {
    let (ws, mut peer) = connected();
    let text = "a".repeat(4000);
    let record = peer.seal(frame(Role::Server, TEXT, &text));
    let (last, dripped) = record.split_last().expect("it is not empty");
    for (place, byte) in dripped.iter().enumerate() {
        peer.send_records([*byte]);
        // A moment may be many milliseconds of the system's.
        let received = match place % 20 {
            0 => ws.receive_timeout(A_MOMENT),
            _ => ws.try_receive(),
        };
        let received = received.expect("it is open");
        assert!(!matches!(received, Received::Message(_)), "it is not whole");
    }
    peer.send_records([*last]);
    expect_message(&ws, &text);
}

#[test]
fn are_on_time_while_a_record_drips() {
    let (ws, peer) = connected();
    let (enough, dripping) = drip(peer, Role::Server, A_MOMENT);
    let ws = Arc::new(ws);
    let its_ws = Arc::clone(&ws);
    let received = due::call(Instant::now(), SOON, move || its_ws.receive_timeout(SOON));
    assert_eq!(received.expect("it is open"), Received::TimedOut);
    enough.store(true, Ordering::Relaxed);
    expect_message(&ws, &"a".repeat(16_000));
    dripping.join().expect("it has sent all");
}

#[test]
fn are_on_time_in_a_servers_handler_too() {
    let handler = |ws: &mut WebSocket, told: &mpsc::Sender<Received>| -> Result<()> {
        for time in [SOON, PATIENCE] {
            let _ = told.send(ws.receive_timeout(time)?);
        }
        Ok(())
    };
    let (served, observed) = observe(endless(), handler);
    let since = Instant::now();
    let (enough, dripping) = drip(served.open(), Role::Client, A_MOMENT);
    assert_eq!(observed.next_due(since, SOON), Received::TimedOut);
    enough.store(true, Ordering::Relaxed);
    assert_eq!(observed.next(), message(&"a".repeat(16_000)));
    dripping.join().expect("it has sent all");
}

/// A look that waits for nothing does not wait for the rest of a record either.
#[test]
fn of_zero_do_not_wait_for_the_rest_of_a_record() {
    let (ws, mut peer) = connected();
    let record = peer.seal(frame(Role::Server, TEXT, "Hello"));
    peer.send_records(&record[..10]);
    let (told, looked) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..100 {
            let received = ws.try_receive().expect("it is open");
            assert_eq!(received, Received::NotReady);
        }
        let _ = told.send(ws);
    });
    let ws = looked.recv_timeout(PATIENCE).expect("it does not wait");
    peer.send_records(&record[10..]);
    expect_message(&ws, "Hello");
}
