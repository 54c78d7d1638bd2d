//! A server inside TLS that stops.

use crate::support::bytes::{BINARY, CLOSE, TEXT, close_body};
use crate::support::gate::Gate;
use crate::support::inside::server_tls;
use crate::support::server::{SOON, echo, endless, wait_until};
use plainws::{CloseCode, Handle, Server, WebSocket};
use plainws_tls_tests::{Authority, LOCAL, Peer, trusting};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const FOREVER: Duration = Duration::from_secs(3600);

struct Stoppable {
    address: SocketAddr,
    roots: String,
    handle: Handle,
    serving: JoinHandle<()>,
}

fn stoppable(configure: impl FnOnce(Server) -> Server) -> Stoppable {
    let authority = Authority::new();
    let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = server.local_addr().expect("it is bound");
    let handle = server.handle().expect("it is bound");
    let server = configure(server.tls(server_tls(&authority.sign(LOCAL))));
    Stoppable {
        address,
        roots: authority.pem(),
        handle,
        serving: thread::spawn(move || server.serve()),
    }
}

impl Stoppable {
    fn open(&self) -> Peer {
        Peer::open(self.address, trusting(&self.roots), "/")
    }

    #[track_caller]
    fn wait_for_end(self) {
        wait_until("the end", || self.serving.is_finished());
        self.serving.join().expect("it does not panic");
    }
}

#[test]
fn closes_open_connections_with_1001_and_says_close_notify() {
    let gate = Gate::default();
    let its_gate = gate.clone();
    let server = stoppable(|server| {
        let server = server.limits(endless()).grace(FOREVER).route("/", echo);
        server.route("/busy", move |_| {
            its_gate.wait();
            plainws::Result::Ok(())
        })
    });
    let mut receiving = server.open();
    let mut busy = Peer::open(server.address, trusting(&server.roots), "/busy");
    server.handle.shutdown();
    for peer in [&mut receiving, &mut busy] {
        peer.expect_close(1001);
        peer.send_frame(CLOSE, close_body(1001, b""));
        peer.expect_close_notify();
        peer.expect_fin();
    }
    // They leave as well.
    drop((receiving, busy));
    gate.open();
    let handle = server.handle.clone();
    server.wait_for_end();
    assert_eq!(handle.stats().closes.get(&CloseCode::GOING_AWAY), Some(&2));
}

#[test]
fn loses_nothing_that_was_sent_before_to_a_peer_that_reads() {
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let server = stoppable(|server| {
        let handler = move |ws: &mut WebSocket| {
            while ws.send(&[7; 100_000]).is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
            plainws::Result::Ok(())
        };
        let limits = endless();
        server.limits(limits).grace(FOREVER).route("/", handler)
    });
    let mut peer = server.open();
    wait_until("some to be sent", || accepted.load(Ordering::Relaxed) > 10);
    server.handle.shutdown();
    let mut received = 0;
    loop {
        match peer.frame() {
            (BINARY, message) => assert!(message == [7; 100_000]),
            (CLOSE, body) => break assert_eq!(body[..2], 1001_u16.to_be_bytes()),
            (other, _) => panic!("{other:08b}"),
        }
        received += 1;
    }
    assert!(received >= accepted.load(Ordering::Relaxed));
    peer.send_frame(CLOSE, close_body(1001, b""));
    peer.expect_close_notify();
    peer.expect_fin();
    drop(peer);
    server.wait_for_end();
}

#[test]
fn answers_handshakes_that_are_still_opening_with_503() {
    let server = stoppable(|server| server.limits(endless()).grace(FOREVER).route("/", echo));
    let mut opening = Peer::connect(server.address, trusting(&server.roots));
    opening.send("GET / HTTP/1.1\r\nHost: localhost\r\n");
    let mut inside = server.open();
    server.handle.shutdown();
    let head = opening.head();
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    inside.expect_close(1001);
    drop((opening, inside));
    server.wait_for_end();
}

#[test]
fn cuts_those_that_do_not_answer_after_the_grace() {
    let server = stoppable(|server| server.limits(endless()).grace(SOON).route("/", echo));
    let mut peer = server.open();
    server.handle.shutdown();
    peer.expect_close(1001);
    // It answers nothing.
    peer.until_end();
    server.wait_for_end();
}

#[test]
fn cuts_at_once_where_it_is_told_to() {
    let server = stoppable(|server| server.limits(endless()).grace(FOREVER).route("/", echo));
    let mut peer = server.open();
    peer.send_frame(TEXT, "hi");
    peer.expect_frame(TEXT, "hi");
    server.handle.cut();
    let left = peer.until_end();
    assert!(left.is_empty() || left[0] == CLOSE, "{left:?}");
    server.wait_for_end();
}
