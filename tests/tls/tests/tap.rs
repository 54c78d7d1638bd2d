//! A tap sees heads and frames, never records.

use crate::support::bytes::{CLOSE, PING, PONG, TEXT, close_body};
use crate::support::inside::{VERSIONS, client_tls, connected_with, serve};
use crate::support::server::{echo, endless};
use plainws::Role;
use plainws::net::tap::{Direction, Tap};
use plainws_tls_tests::{Authority, frame};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Default)]
struct Tapped(Arc<Mutex<[Vec<u8>; 2]>>);

impl Tapped {
    fn tap(&self) -> Tap {
        let tapped = self.clone();
        Box::new(move |direction, bytes| {
            let mut seen = tapped.0.lock().expect("no panic in it");
            seen[usize::from(direction == Direction::Sent)].extend_from_slice(bytes);
        })
    }

    /// What was received, and what was sent, without the heads.
    fn frames(&self) -> [Vec<u8>; 2] {
        let seen = self.0.lock().expect("no panic in it").clone();
        seen.map(|bytes| {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let (head, frames) = bytes.split_at(end.expect("a head comes first") + 4);
            assert!(head.starts_with(b"GET / HTTP/1.1\r\n") || head.starts_with(b"HTTP/1.1 101 "));
            frames.to_vec()
        })
    }
}

#[test]
fn of_a_server_sees_frames_and_no_records() {
    for (versions, _) in VERSIONS {
        let tapped = Tapped::default();
        let its_tapped = tapped.clone();
        let served = serve(|server| {
            server
                .route("/", echo)
                .tap(move |_, _| Some(its_tapped.tap()))
        });
        let mut peer = served.open_at(versions);
        let large = "x".repeat(100_000);
        let sent = [
            frame(Role::Client, TEXT, "hi"),
            frame(Role::Client, PING, "there?"),
            frame(Role::Client, TEXT, &large),
            frame(Role::Client, CLOSE, close_body(1000, b"bye")),
        ];
        let mut received = Vec::new();
        let answers = [(TEXT, "hi"), (PONG, "there?"), (TEXT, &large)];
        for (frame_sent, (byte0, payload)) in sent.iter().zip(answers) {
            let pieces: Vec<_> = frame_sent.chunks(1000).collect();
            let records = peer.seal_each(&pieces);
            peer.send_records(records);
            peer.expect_frame(byte0, payload);
            received.extend(frame(Role::Server, byte0, payload));
        }
        peer.send(&sent[3]);
        peer.expect_close(1000);
        received.extend(frame(Role::Server, CLOSE, close_body(1000, b"bye")));
        peer.expect_fin();
        let [seen_received, seen_sent] = tapped.frames();
        assert!(seen_received == sent.concat(), "{versions:?}");
        assert!(seen_sent == received, "{versions:?}");
    }
}

#[test]
fn of_a_client_sees_frames_and_no_records() {
    let tapped = Tapped::default();
    let tap = tapped.tap();
    let (ws, mut peer) = connected_with(rustls::DEFAULT_VERSIONS, |client| {
        client.limits(endless()).tap(tap)
    });
    let ending = thread::spawn(move || {
        ws.send("hi").expect("it is open");
        while ws.receive().expect("it is open").is_some() {}
    });
    let (byte0, payload) = peer.frame();
    assert_eq!((byte0, &payload[..]), (TEXT, &b"hi"[..]));
    let frames = [
        frame(Role::Server, TEXT, "x".repeat(20_000)),
        frame(Role::Server, CLOSE, close_body(1000, b"")),
    ];
    peer.send(frames.concat());
    let (byte0, _) = peer.frame();
    assert_eq!(byte0, CLOSE);
    peer.send_fin();
    ending.join().expect("it does not panic");
    let [received, sent] = tapped.frames();
    assert!(received == frames.concat());
    // A text of two bytes and a Close with a code, both masked.
    assert_eq!(sent.len(), (2 + 4 + 2) + (2 + 4 + 2));
    assert_eq!((sent[0], sent[8]), (TEXT, CLOSE));
}

/// It is shown what is sent, and a server that is not trusted is sent nothing.
#[test]
fn of_a_client_sees_nothing_where_the_server_is_not_trusted() {
    let served = serve(|server| server.route("/", echo));
    let tapped = Tapped::default();
    let stranger = client_tls(&Authority::new().pem());
    let client = served.client().tls(stranger).tap(tapped.tap());
    client.connect().expect_err("it is a stranger's");
    assert_eq!(*tapped.0.lock().expect("no panic in it"), [[], []]);
}
