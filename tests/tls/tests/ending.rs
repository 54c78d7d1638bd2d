//! How connections end inside TLS.

use crate::support::bytes::{CLOSE, TEXT, TEXT_BEGIN, close_body};
use crate::support::gate::Gate;
use crate::support::inside::{VERSIONS, connected, connected_with, observe, serve, text};
use crate::support::server::{SOON, echo, endless};
use plainws::{CloseCode, Error, Message, Result, Role, WebSocket};
use plainws_tls_tests::{PATIENCE, Peer, frame};
use std::io;
use std::sync::mpsc;
use std::thread;

/// How a connection ended for who received: by its Close, or because it was lost.
#[derive(Debug, PartialEq, Eq)]
struct End {
    messages: Vec<Message>,
    code: u16,
    was_cut_off: bool,
}

/// Receives until the end, which is no error.
fn receive_all(ws: &WebSocket) -> Result<End> {
    let mut messages = Vec::new();
    while let Some(message) = ws.receive()? {
        messages.push(message);
    }
    let reason = ws.close_reason().expect("it has ended");
    Ok(End {
        messages,
        code: reason.code.0,
        was_cut_off: ws.was_cut_off(),
    })
}

fn lost_after(messages: &[&str]) -> End {
    End {
        messages: messages.iter().map(|&text| text.into()).collect(),
        code: CloseCode::ABNORMAL.0,
        was_cut_off: true,
    }
}

/// What the library's server makes of a peer that does this.
fn servers_end(play: impl FnOnce(&mut Peer)) -> Result<End> {
    let (served, observed) = observe(endless(), |ws, told| {
        let _ = told.send(receive_all(ws));
        Ok(())
    });
    let mut peer = served.open();
    play(&mut peer);
    observed.next()
}

/// What the library's client makes of it.
fn clients_end(play: impl FnOnce(&mut Peer)) -> Result<End> {
    let (ws, mut peer) = connected();
    play(&mut peer);
    within_patience(move || receive_all(&ws))
}

/// What a call returns that must not wait for ever.
#[track_caller]
fn within_patience<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, returned) = mpsc::channel();
    thread::spawn(move || told.send(call()));
    let returned = returned.recv_timeout(PATIENCE);
    returned.expect("the call returns in time")
}

#[track_caller]
fn expect_lost(play: impl Fn(&mut Peer), messages: &[&str]) {
    for end in [servers_end(&play), clients_end(&play)] {
        assert_eq!(end.expect("the end is no error"), lost_after(messages));
    }
}

/// A frame of this peer's.
fn send_text(peer: &mut Peer, text: &str) {
    peer.send_frame(TEXT, text);
}

#[test]
fn without_close_notify_is_an_end() {
    expect_lost(|peer| peer.send_fin(), &[]);
    let play = |peer: &mut Peer| {
        send_text(peer, "first");
        send_text(peer, "second");
        peer.send_fin();
    };
    expect_lost(play, &["first", "second"]);
}

#[test]
fn by_close_notify_alone_is_an_end() {
    let play = |peer: &mut Peer| {
        send_text(peer, "first");
        peer.send_close_notify();
    };
    expect_lost(play, &["first"]);
}

#[test]
fn in_the_midst_of_a_message_or_a_record_delivers_no_part_of_it() {
    let play = |peer: &mut Peer| {
        send_text(peer, "first");
        peer.send_frame(TEXT_BEGIN, "half");
        peer.send_fin();
    };
    expect_lost(play, &["first"]);
    let play = |peer: &mut Peer| {
        send_text(peer, "first");
        // It fits both roles: only its beginning is sent.
        let record = peer.seal("some record");
        peer.send_records(&record[..record.len() - 1]);
        peer.send_fin();
    };
    expect_lost(play, &["first"]);
}

#[test]
fn data_behind_close_notify_is_ignored() {
    let play = |peer: &mut Peer| {
        send_text(peer, "first");
        peer.tls.send_close_notify();
        let records = [peer.seal(""), forged()].concat();
        peer.send_records(records);
    };
    expect_lost(play, &["first"]);
}

#[test]
fn by_a_close_is_followed_by_close_notify_and_then_by_the_end_of_tcp() {
    for (versions, _) in VERSIONS {
        let served = serve(|server| server.route("/", echo));
        let mut peer = served.open_at(versions);
        peer.send_frame(CLOSE, close_body(1000, b""));
        peer.expect_close(1000);
        peer.expect_close_notify();
        peer.expect_fin();
    }
}

#[test]
fn by_the_servers_close_is_followed_by_close_notify_and_then_by_the_end_of_tcp() {
    let served = serve(|server| server.route("/", |ws| ws.send("bye")));
    let mut peer = served.open();
    peer.expect_frame(TEXT, "bye");
    peer.expect_close(1000);
    peer.send_frame(CLOSE, close_body(1000, b""));
    peer.expect_close_notify();
    peer.expect_fin();
}

/// A client leaves the end of TCP to the server (§7.1.1), and says close_notify before its own.
#[test]
fn of_a_client_has_a_close_notify_before_the_end_of_tcp() {
    for (versions, _) in VERSIONS {
        for closes_first in [true, false] {
            let (ws, mut peer) = connected_with(versions, |client| client.limits(endless()));
            let ending = thread::spawn(move || {
                if !closes_first {
                    assert_eq!(ws.receive().expect("the peer closes"), None);
                }
                ws.close(None, "")
            });
            if !closes_first {
                peer.send_frame(CLOSE, "");
            }
            let (byte0, _) = peer.frame();
            assert_eq!(byte0, CLOSE);
            if closes_first {
                peer.send_frame(CLOSE, "");
            }
            peer.send_close_notify();
            peer.send_fin();
            peer.expect_close_notify();
            peer.expect_fin();
            let ended = ending.join().expect("it does not panic");
            ended.expect("the closing handshake is done");
        }
    }
}

#[test]
fn of_an_http_connection_has_a_close_notify_too() {
    let served = serve(|server| server.page("/", plainws::Page::text("a page")));
    let config = plainws_tls_tests::trusting(&served.roots);
    let mut peer = Peer::connect(served.address, config);
    peer.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let head = peer.head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(peer.bytes(6), b"a page");
    peer.expect_close_notify();
    peer.expect_fin();
}

/// A record that the session's key did not seal.
fn forged() -> Vec<u8> {
    [&[0x17, 3, 3, 0, 32][..], &[7; 32]].concat()
}

#[track_caller]
fn expect_broken(end: Result<End>) {
    match end {
        Err(Error::Io(error)) => {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
        other => panic!("an error of TLS, not {other:?}"),
    }
}

#[test]
fn by_a_forged_record_is_an_error_and_the_peer_is_told_by_an_alert() {
    let play = |peer: &mut Peer| {
        send_text(peer, "first");
        peer.send_records(forged());
        let error = loop {
            match peer.read_some(PATIENCE) {
                Ok(_) => assert!(!peer.has_left(), "there is an alert first"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
    };
    expect_broken(servers_end(play));
    expect_broken(clients_end(play));
}

#[test]
fn by_a_forged_record_comes_after_what_was_received_before() {
    let (ws, mut peer) = connected();
    let first = peer.seal(frame(Role::Server, TEXT, "first"));
    peer.send_records([first, forged()].concat());
    let received = within_patience(move || (ws.receive(), ws.receive(), ws.receive()));
    assert_eq!(received.0.expect("it came before"), text("first"));
    assert!(matches!(received.1, Err(Error::Io(_))), "{:?}", received.1);
    // It stays so.
    assert!(!matches!(received.2, Ok(Some(_))), "{:?}", received.2);
}

/// Who looks after the connection may be the first to see it, and must not be the last.
#[test]
fn by_a_forged_record_is_learnt_of_by_a_handler_that_was_busy_then() {
    for ping_after in [None, Some(SOON)] {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let limits = endless().ping_after(ping_after).pong_timeout(SOON);
        let (served, observed) = observe(limits, move |ws, told| {
            its_gate.wait();
            let _ = told.send(receive_all(ws));
            Ok(())
        });
        let mut peer = served.open();
        peer.send_records(forged());
        if ping_after.is_some() {
            // It is looked at before it is pinged.
            peer.until_end();
        }
        gate.open();
        expect_broken(observed.next());
        drop(peer);
    }
}

/// The two kinds of record that may come unsealed, and lengths that no record has.
#[test]
fn by_bytes_that_are_no_record_is_an_error() {
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x17, 3, 3, 0xFF, 0xFF],
        &[0; 100],
        &[0x15, 3, 3, 0, 2, 2, 40],
        &[0x16, 3, 3, 0, 4, 0, 0, 0, 0],
    ] {
        let play = |peer: &mut Peer| peer.send_records(garbage);
        for end in [servers_end(play), clients_end(play)] {
            expect_broken(end);
        }
    }
}

/// What the peer says last in TLS is told in words.
#[test]
fn by_an_alert_is_an_error_that_names_it() {
    let play = |peer: &mut Peer| {
        // A record that the peer cannot open makes it say so.
        let mut record = [0; 64];
        record[..5].copy_from_slice(&[0x17, 3, 3, 0, 59]);
        let _ = peer.tls.read_tls(&mut &record[..]);
        assert!(peer.tls.process_new_packets().is_err());
        let _ = peer.flush();
    };
    for end in [servers_end(play), clients_end(play)] {
        let error = end.expect_err("it is broken").to_string();
        assert!(error.contains("BadRecordMac"), "{error}");
    }
}
