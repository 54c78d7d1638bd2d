//! A server on a Unix socket.
#![cfg(unix)]

use crate::support::bytes::*;
use crate::support::raw::{Raw, upgrade_request};
use crate::support::server::{echo, wait_until};
use plainws::{Limits, Server, WebSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A path that is free, and is freed again.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Self {
        let name = format!("plainws-{}-{name}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn server(&self) -> Server {
        let listener = UnixListener::bind(&self.0).expect("the path is free");
        Server::from_listener(listener)
    }

    fn connect(&self) -> Raw {
        Raw::from(UnixStream::connect(&self.0).expect("the server listens"))
    }

    fn open(&self) -> Raw {
        let mut raw = self.connect();
        raw.send(upgrade_request("/"));
        raw.expect_101();
        raw
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn it_serves_as_over_tcp_and_its_peers_have_no_address() {
    let path = Path::new("serves");
    let (told, peers) = mpsc::channel();
    let server = path.server().route("/", move |ws: &mut WebSocket| {
        let _ = told.send(ws.peer_addr());
        echo(ws)
    });
    assert!(server.local_addr().is_err());
    thread::spawn(move || server.serve());
    let mut raw = path.open();
    assert_eq!(peers.recv(), Ok(None));
    raw.send_frame(TEXT, "Hello");
    raw.expect_frame(TEXT, "Hello");
    let long = "long ".repeat(100_000);
    raw.send_frame(TEXT, &long);
    raw.expect_frame(TEXT, long);
    raw.send_frame(CLOSE, close_body(1000, b""));
    raw.expect_close(1000);

    // No browser comes this way, so that no site's name leads here.
    let mut raw = path.connect();
    raw.send("GET / HTTP/1.1\r\nHost: any.example\r\n\r\n");
    assert_eq!(raw.response().status, 426);
}

#[test]
fn only_allowed_hosts_are_answered_for_once_there_are_some() {
    let path = Path::new("hosts");
    let host = "a.example".parse().expect("a host");
    let server = path.server().route("/", echo).allow_host(host);
    thread::spawn(move || server.serve());
    for (host, status) in [
        ("a.example", 426),
        ("b.example", 421),
        // A program on this machine, which may do so over TCP as well.
        ("localhost", 426),
    ] {
        let mut raw = path.connect();
        raw.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(raw.response().status, status, "{host}");
    }
}

#[test]
fn a_live_peer_is_pinged_and_kept_and_a_silent_one_given_up() {
    let path = Path::new("pings");
    let time = Duration::from_millis(100);
    let limits = Limits::default().ping_after(Some(time)).pong_timeout(time);
    let server = path.server().limits(limits).route("/", echo);
    let handle = server.handle().expect("there is always one");
    thread::spawn(move || server.serve());
    let mut raw = path.open();
    for _ in 0..3 {
        let (byte0, payload) = raw.frame();
        assert_eq!(byte0, PING);
        raw.send_frame(PONG, payload);
    }
    wait_until("the end of a peer that is silent now", || {
        handle.stats().open_websockets == 0
    });
}

#[test]
fn it_stops_even_if_its_file_is_gone_and_tells_all_that_came() {
    let path = Path::new("stops");
    let server = path.server().route("/", echo);
    let handle = server.handle().expect("there is always one");
    let (told, stopped) = mpsc::channel();
    thread::spawn(move || {
        server.serve();
        let _ = told.send(());
    });
    let mut open = path.open();
    std::fs::remove_file(&path.0).expect("it is there");
    handle.shutdown();
    open.expect_close(1001);
    open.send_frame(CLOSE, close_body(1001, b""));
    drop(open);
    let patience = crate::support::raw::PATIENCE;
    assert_eq!(stopped.recv_timeout(patience), Ok(()));
    // Nothing is left to be stopped.
    handle.shutdown();
}

#[test]
fn a_stopping_server_tells_those_that_wait() {
    let path = Path::new("waits");
    let server = path.server().route("/", echo);
    let handle = server.handle().expect("there is always one");
    let mut waiting = path.connect();
    // It does not accept yet.
    handle.shutdown();
    thread::spawn(move || server.serve());
    assert_eq!(waiting.response().status, 503);
}
