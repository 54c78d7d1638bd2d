//! Full duplex inside TLS: who reads stands in nobody's way who writes, nor the other way round.

use crate::support::bytes::{BINARY, TEXT};
use crate::support::inside::{VERSIONS, connected, observe, serve};
use crate::support::server::{SOON, endless, wait_until};
use plainws::{ClientTls, Error, Message, Result, WebSocket, WhenFull};
use plainws_tls_tests::trusting_at;
use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const KIB: usize = 1024;

#[test]
fn a_client_that_waits_for_a_message_stands_in_no_senders_way() {
    let (ws, mut peer) = connected();
    let sender = ws.sender();
    let receiving = thread::spawn(move || ws.receive());
    for number in 0..20 {
        let text = format!("{number} of several");
        sender.send(text.as_str()).expect("it is open");
        peer.expect_frame(TEXT, text);
    }
    peer.send_frame(TEXT, "at last");
    let received = receiving.join().expect("it does not panic");
    let expected = Message::Text("at last".into());
    assert_eq!(received.expect("it is open"), Some(expected));
}

#[test]
fn a_handler_that_waits_for_a_message_stands_in_no_senders_way() {
    let (served, observed) = observe(endless(), |ws, told| {
        let _ = told.send(ws.sender());
        ws.receive().map(drop)
    });
    let mut peer = served.open();
    let sender = observed.next();
    for number in 0..20 {
        let text = format!("{number} of several");
        sender.send(text.as_str()).expect("it is open");
        peer.expect_frame(TEXT, text);
    }
}

/// Sends that many messages that tell their number, and checks as many.
fn pour(ws: &WebSocket, count: usize, length: usize) {
    let message = move |number: usize| {
        let mut message = vec![u8::try_from(number % 251).expect("it is small"); length];
        message[..8].copy_from_slice(&number.to_be_bytes());
        message
    };
    let sender = ws.sender();
    let sending = thread::spawn(move || {
        for number in 0..count {
            sender.send(message(number)).expect("it is open");
        }
    });
    for number in 0..count {
        let received = ws.receive().expect("it is open");
        let bytes = received.expect("a message").into_bytes();
        assert!(bytes == message(number), "message {number}");
    }
    sending.join().expect("it has sent all");
}

/// More than all buffers between them hold: if one of the two waited with its reading for its writing, both would.
#[test]
fn both_sides_may_pour_at_once() {
    for (versions, _) in VERSIONS {
        let served = serve(|server| {
            server.route("/", |ws| -> Result<()> {
                pour(ws, 250, 64 * KIB);
                Ok(())
            })
        });
        let tls = ClientTls::from(trusting_at(&served.roots, versions));
        let ws = served.client().tls(tls).connect().expect("it is let in");
        pour(&ws, 250, 64 * KIB);
        assert_eq!(ws.receive().expect("the server closes"), None);
    }
}

#[test]
fn small_messages_may_pour_both_ways_at_once() {
    let served = serve(|server| {
        server.route("/", |ws| -> Result<()> {
            pour(ws, 5000, 100);
            Ok(())
        })
    });
    let ws = served.connect();
    pour(&ws, 5000, 100);
    assert_eq!(ws.receive().expect("the server closes"), None);
}

#[test]
fn a_writer_that_waits_for_a_slow_peer_stands_in_no_readers_way() {
    let has_sent = Arc::new(AtomicBool::new(true));
    let sent = Arc::clone(&has_sent);
    let (served, observed) = observe(endless(), move |ws, told| {
        let (sender, sent) = (ws.sender(), Arc::clone(&sent));
        thread::spawn(move || {
            while sender.send(vec![7; 64 * KIB]).is_ok() {
                sent.store(true, Ordering::Relaxed);
            }
        });
        while let Some(message) = ws.receive()? {
            let _ = told.send(message);
        }
        Ok(())
    });
    let mut peer = served.open();
    // It reads nothing, and so the writer comes to a halt.
    let looks = Cell::new(0);
    wait_until("the writer to wait", || {
        let has_sent = has_sent.swap(false, Ordering::Relaxed);
        looks.set(if has_sent { 0 } else { looks.get() + 1 });
        looks.get() > 100
    });
    for number in 0..20 {
        let text = number.to_string();
        peer.send_frame(TEXT, &text);
        assert_eq!(observed.next(), Message::Text(text));
    }
}

#[test]
fn a_peer_that_does_not_read_is_given_up_in_time() {
    let (served, observed) = observe(endless().write_timeout(SOON), |ws, told| {
        let error = loop {
            if let Err(error) = ws.send(vec![7; 64 * KIB]) {
                break error;
            }
        };
        let _ = told.send(error);
        Ok(())
    });
    let since = Instant::now();
    let _peer = served.open();
    match observed.next() {
        Error::Io(error) => assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}"),
        other => panic!("a time-out, not {other:?}"),
    }
    assert!(since.elapsed() >= SOON);
}

/// A peer that reads at last gets everything that was sent, though many writes of a record failed in between.
#[test]
fn a_peer_that_reads_late_gets_everything() {
    const COUNT: usize = 100;
    let limits = endless().max_backlog(usize::MAX);
    let (served, observed) = observe(limits, |ws, told| {
        for number in 0..COUNT {
            let byte = u8::try_from(number).expect("it is small");
            // It does not wait for the peer: what does not leave is left to others.
            ws.sender()
                .when_full(WhenFull::Refuse)
                .send(vec![byte; 100 * KIB + number])?;
        }
        let _ = told.send(());
        ws.receive().map(drop)
    });
    let mut peer = served.open();
    observed.next();
    for number in 0..COUNT {
        let byte = u8::try_from(number).expect("it is small");
        peer.expect_frame(BINARY, vec![byte; 100 * KIB + number]);
    }
}
