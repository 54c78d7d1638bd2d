//! The handshake of TLS: how long it may take, what others notice of it, and how it fails.

use crate::support::bytes::TEXT;
use crate::support::due;
use crate::support::inside::{Served, VERSIONS, client_tls, serve, server_tls};
use crate::support::raw::Raw;
use crate::support::server::{SOON, echo, endless, impatient, wait_until};
use plainws::net::log::Outcome;
use plainws::{Client, ClientTls, Error, Handle, Limits, Server};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::{Authority, LOCAL, PATIENCE, Peer, Relay, trusting, trusting_at};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, ErrorKind};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Instant;

/// What a client says first.
fn hello(config: Arc<ClientConfig>) -> Vec<u8> {
    let name = ServerName::try_from("localhost").expect("it is a name");
    let mut tls = ClientConnection::new(config, name).expect("the settings are right");
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("a vector takes all");
    hello
}

/// What a server's log says of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Logged {
    NotSecured(ErrorKind, String),
    Left,
    Response(u16, Option<String>),
    Closed,
}

/// A server that echoes, what it logs, and its handle.
fn logged(limits: Limits) -> (Served, mpsc::Receiver<Logged>, Handle) {
    let (told, logged) = mpsc::channel();
    let handle = OnceLock::new();
    let served = serve(|server| {
        handle
            .set(server.handle().expect("it is bound"))
            .expect("it is set once");
        server.limits(limits).route("/", echo).log(move |record| {
            let _ = told.send(match &record.outcome {
                Outcome::NotSecured(error) => Logged::NotSecured(error.kind(), error.to_string()),
                Outcome::Left => Logged::Left,
                Outcome::Response { status, reason, .. } => {
                    Logged::Response(*status, reason.map(str::to_owned))
                }
                _ => Logged::Closed,
            });
        })
    });
    let handle = handle.into_inner().expect("it is set");
    (served, logged, handle)
}

#[track_caller]
fn next(logged: &mpsc::Receiver<Logged>) -> Logged {
    logged.recv_timeout(PATIENCE).expect("it is logged in time")
}

#[test]
fn that_stalls_at_any_byte_is_given_up_in_time_while_others_are_served() {
    let (served, logged, handle) = logged(impatient());
    let hello = hello(trusting(&served.roots));
    let since = Instant::now();
    let mut stalled: Vec<_> = (0..hello.len())
        .map(|length| {
            let mut raw = Raw::connect(served.address);
            raw.send(&hello[..length]);
            raw
        })
        .collect();
    let mut other = served.open();
    other.send_frame(TEXT, "hi");
    other.expect_frame(TEXT, "hi");
    for raw in &mut stalled {
        // Without an answer, or with an alert.
        let said = raw.until_end();
        assert!(said.is_empty() || said[0] == 0x15, "{said:?}");
    }
    assert!(since.elapsed() >= SOON);
    for _ in 0..hello.len() {
        let Logged::NotSecured(kind, _) = next(&logged) else {
            panic!("each is logged as not secured");
        };
        assert_eq!(kind, ErrorKind::TimedOut);
    }
    assert_eq!(handle.stats().tls_failures, hello.len() as u64);
    drop(stalled);
    wait_until("all others to be gone", || {
        handle.stats().open_connections == 1
    });
    other.send_frame(TEXT, "still here");
    other.expect_frame(TEXT, "still here");
}

#[test]
fn that_drips_is_given_up_in_time() {
    let (served, logged, _) = logged(impatient());
    let hello = hello(trusting(&served.roots));
    let mut raw = Raw::connect(served.address);
    let since = Instant::now();
    let mut bytes = hello.into_iter();
    // A byte now and then is no reason to wait on.
    let logged = due::wait(since, SOON, |slice| {
        raw.try_send([bytes.next()?]).ok()?;
        logged.recv_timeout(slice / 2).ok()
    });
    let Logged::NotSecured(kind, why) = logged else {
        panic!("not {logged:?}");
    };
    assert_eq!(
        (kind, why.as_str()),
        (ErrorKind::TimedOut, "the handshake took too long")
    );
}

/// The head has the same time once more, and no part of the handshake's.
#[test]
fn has_a_time_of_its_own_and_then_the_head_has_one() {
    let (served, logged, _) = logged(impatient());
    let mut peer = Peer::connect(served.address, trusting(&served.roots));
    let since = Instant::now();
    peer.send("GET ");
    let answer = peer.head();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(since.elapsed() >= SOON / 2);
    assert_eq!(
        next(&logged),
        Logged::Response(408, Some("the request did not end in time".into()))
    );
}

#[test]
fn byte_by_byte_succeeds() {
    let served = serve(|server| server.route("/", echo));
    for (versions, name) in VERSIONS {
        let relay = Relay::holding(served.address);
        let connected = {
            let client = Client::new("wss://localhost/").expect("the URL is right");
            let client = client.connect_to(&relay.address.to_string());
            let tls = ClientTls::from(trusting_at(&served.roots, versions));
            let client = client.expect("it is one").tls(tls);
            thread::spawn(move || client.connect())
        };
        let passing = relay.next();
        passing.up.open_by(1);
        passing.down.open_by(1);
        let ws = connected.join().expect("it does not panic");
        let ws = ws.expect("it is let in");
        assert!(ws.secured_by().is_some_and(|by| by.starts_with(name)));
        ws.send("hi").expect("it is open");
        let back = ws.receive().expect("it is open");
        assert_eq!(back, Some("hi".into()));
    }
}

/// Each byte of what the server says before it is silent or leaves.
#[test]
fn that_the_server_cuts_short_is_an_error_of_tls() {
    let served = serve(|server| server.route("/", echo));
    let lengths = [0, 1, 4, 5, 6, 50, 90, 127, 128, 200, 400, 600];
    for length in lengths {
        let relay = Relay::holding(served.address);
        let client = Client::new("wss://localhost/").expect("the URL is right");
        let client = client.connect_to(&relay.address.to_string());
        let tls = client_tls(&served.roots);
        let client = client.expect("it is one").tls(tls);
        let connected = thread::spawn(move || client.connect());
        let passing = relay.next();
        passing.up.open();
        passing.down.allow(length);
        passing.down.wait_until_passed(length);
        passing.down.wait_until_arrived(length + 1);
        passing.cut();
        let error = connected.join().expect("it does not panic");
        match error.expect_err("it is cut") {
            Error::Tls(error) => {
                assert_ne!(error.kind(), ErrorKind::TimedOut);
                assert!(error.to_string().contains("localhost"), "{error}");
            }
            other => panic!("an error of TLS after {length} bytes, not {other:?}"),
        }
    }
}

#[test]
fn with_a_server_that_says_nothing_ends_when_the_clients_time_is_over() {
    let (listener, address) = listen();
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let client = client.connect_to(&address.to_string()).expect("it is one");
    let tls = client_tls(&Authority::new().pem());
    let since = Instant::now();
    let client = client.tls(tls).timeout(SOON);
    let connected = due::call(since, SOON, move || client.connect());
    match connected.expect_err("nobody answers") {
        error @ Error::Tls(_) => {
            assert!(error.may_pass(), "{error}");
            let Error::Tls(error) = error else {
                unreachable!()
            };
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        }
        other => panic!("an error of TLS, not {other:?}"),
    }
    drop(listener);
}

#[test]
fn with_a_server_that_drips_ends_when_the_clients_time_is_over() {
    let served = serve(|server| server.route("/", echo));
    let relay = Relay::holding(served.address);
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let client = client.connect_to(&relay.address.to_string());
    let client = client.expect("it is one").tls(client_tls(&served.roots));
    let (told, connected) = mpsc::channel();
    let since = Instant::now();
    thread::spawn(move || told.send(client.timeout(SOON).connect()));
    let passing = relay.next();
    passing.up.open();
    let connected = due::wait(since, SOON, |slice| {
        passing.down.allow(1);
        connected.recv_timeout(slice / 2).ok()
    });
    match connected.expect_err("it takes too long") {
        Error::Tls(error) => assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}"),
        other => panic!("an error of TLS, not {other:?}"),
    }
}

#[test]
fn that_nobody_wanted_is_no_failure() {
    let (served, logged, handle) = logged(endless());
    // As one does who only looks whether the port is open.
    Raw::connect(served.address).send_fin();
    assert_eq!(next(&logged), Logged::Left);
    assert_eq!(handle.stats().tls_failures, 0);
}

#[test]
fn that_fails_is_logged_and_counted_with_its_reason() {
    let (served, logged, handle) = logged(endless());
    let stranger = Authority::new().pem();
    let refused = Peer::connect_as(served.address, trusting(&stranger), "localhost");
    refused.expect_err("it does not trust the server");
    let Logged::NotSecured(kind, why) = next(&logged) else {
        panic!("it is logged as not secured");
    };
    assert_eq!(kind, ErrorKind::InvalidData);
    assert!(why.contains("does not trust the certificate"), "{why}");
    // In the midst of it.
    let hello = hello(trusting(&served.roots));
    let mut raw = Raw::connect(served.address);
    raw.send(&hello[..20]);
    raw.send_fin();
    let Logged::NotSecured(kind, _) = next(&logged) else {
        panic!("it is logged as not secured");
    };
    assert_eq!(kind, ErrorKind::UnexpectedEof);
    // With what is no hello.
    let mut raw = Raw::connect(served.address);
    raw.send(b"\x16\x03\x01\x00\x04\xFF\xFF\xFF\xFF");
    let answer = raw.until_end();
    assert_eq!(answer.first(), Some(&0x15), "an alert");
    assert!(matches!(
        next(&logged),
        Logged::NotSecured(ErrorKind::InvalidData, _)
    ));
    assert_eq!(handle.stats().tls_failures, 3);
}

#[test]
fn ends_without_a_reset_when_it_fails() {
    let served = serve(|server| server.route("/", echo));
    let mut raw = Raw::connect(served.address);
    raw.send(b"\x16\x03\x01\x00\x04\xFF\xFF\xFF\xFFand much behind it");
    let alert = raw.bytes(7);
    assert_eq!(alert[0], 0x15);
    raw.expect_fin();
}

#[test]
fn with_who_accepts_without_a_server_ends_without_a_reset_when_it_fails() {
    let tls = server_tls(&Authority::new().sign(LOCAL));
    let (listener, address) = listen();
    let accepting = thread::spawn(move || plainws::accept(tls.over(accept(&listener))));
    let mut raw = Raw::connect(address);
    // More than one read takes, so that some of it is left unread.
    let behind = vec![b'a'; 8 * 1024];
    raw.send([&b"\x16\x03\x01\x00\x04\xFF\xFF\xFF\xFF"[..], &behind].concat());
    let alert = raw.bytes(7);
    assert_eq!(alert[0], 0x15);
    raw.expect_fin();
    drop(raw);
    let error = accepting.join().expect("it does not panic");
    assert!(matches!(error, Err(Error::Tls(_))), "{error:?}");
}

#[test]
fn that_stalls_does_not_hold_up_a_server_that_stops() {
    let authority = Authority::new();
    let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = server.local_addr().expect("it is bound");
    let handle = server.handle().expect("it is bound");
    let tls = server_tls(&authority.sign(LOCAL));
    let (told, logged) = mpsc::channel();
    let server = server.limits(endless()).tls(tls).log(move |record| {
        let _ = told.send(matches!(record.outcome, Outcome::Left));
    });
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        server.route("/", echo).serve();
        let _ = ended.send(());
    });
    let hello = hello(trusting(&authority.pem()));
    let mut stalled: Vec<_> = [0, 1, 100, hello.len()]
        .map(|length| {
            let mut raw = Raw::connect(address);
            raw.send(&hello[..length]);
            raw
        })
        .into();
    wait_until("all to be there", || handle.stats().open_connections == 4);
    handle.shutdown();
    end.recv_timeout(PATIENCE)
        .expect("it waits for none of them");
    for raw in &mut stalled {
        raw.until_end();
        assert_eq!(
            logged.recv_timeout(PATIENCE),
            Ok(true),
            "it is logged as left"
        );
    }
}

/// What has not begun TLS takes a place like any other.
#[test]
fn takes_a_place_while_it_lasts() {
    let handle = OnceLock::new();
    let served = serve(|server| {
        let server_handle = server.handle().expect("it is bound");
        handle.set(server_handle).expect("it is set once");
        server.limits(endless()).route("/", echo).max_connections(1)
    });
    let handle = handle.into_inner().expect("it is set");
    let stalled = Raw::connect(served.address);
    wait_until("it to have the place", || {
        handle.stats().open_connections == 1
    });
    let refused = Peer::connect_as(served.address, trusting(&served.roots), "localhost");
    let error: io::Error = refused.expect_err("there is no place");
    // Nothing can be said without a handshake, and the end is no reset.
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    drop(stalled);
    wait_until("the place to be free", || {
        handle.stats().open_connections == 0
    });
    served.open();
}
