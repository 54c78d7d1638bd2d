//! Peers that mean ill, or nothing: they take a place for a while, and no more.

use crate::support::bytes::TEXT;
use crate::support::inside::{Served, serve, server_tls};
use crate::support::server::{Observed, SOON, echo, endless, wait_until};
use plainws::net::log::Outcome;
use plainws::{Handle, Page, Server};
use plainws_tls_tests::{Authority, LOCAL, PATIENCE, Peer, trusting};
use rustls::{ClientConfig, ClientConnection};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

/// A server inside TLS, and what it is asked and told.
struct Watched {
    served: Served,
    handle: Handle,
    /// What became of each connection.
    log: Observed<String>,
}

/// Starts a server that echoes at `/`.
fn watch(configure: impl FnOnce(Server) -> Server) -> Watched {
    let (told, log) = mpsc::channel();
    let handle = OnceLock::new();
    let served = serve(|server| {
        let server = configure(server.route("/", echo)).log(move |record| {
            let _ = told.send(match &record.outcome {
                Outcome::NotSecured(error) => format!("not secured: {error}"),
                Outcome::Left => "left".into(),
                Outcome::Response { status, .. } => status.to_string(),
                Outcome::Closed { reason, .. } => format!("closed {}", reason.code),
                other => format!("{other:?}"),
            });
        });
        handle.get_or_init(|| server.handle().expect("it is bound"));
        server
    });
    Watched {
        served,
        handle: handle.into_inner().expect("it was asked for"),
        log: log.into(),
    }
}

impl Watched {
    fn config(&self) -> Arc<ClientConfig> {
        trusting(&self.served.roots)
    }

    fn tcp(&self) -> TcpStream {
        tcp(self.served.address)
    }

    fn open_connections(&self) -> usize {
        self.handle.stats().open_connections
    }

    /// One that has sent so much of its hello, and is given a place.
    fn greeting(&self, length: usize) -> TcpStream {
        let before = self.open_connections();
        let mut tcp = self.tcp();
        tcp.write_all(&hello(self.config())[..length])
            .expect("it is taken");
        wait_until("a place", || self.open_connections() > before);
        tcp
    }
}

fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(address).expect("it accepts");
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&tcp, Some(PATIENCE)).expect("the socket is there");
    }
    tcp
}

/// The first record of a client.
fn hello(config: Arc<ClientConfig>) -> Vec<u8> {
    let name = "localhost".try_into().expect("it is a name");
    let mut tls = ClientConnection::new(config, name).expect("the settings are right");
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("a vector takes all");
    hello
}

/// A record of this type that is not encrypted.
fn record(of_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("it fits a record");
    [&[of_type, 3, 3], &length.to_be_bytes()[..], payload].concat()
}

const ALERT: u8 = 0x15;
const HANDSHAKE: u8 = 0x16;

/// They have had [`Limits::head_timeout`]; nothing was said to them that they might still read.
#[test]
fn who_says_nothing_or_half_a_hello_has_no_place_when_its_time_is_over() {
    let limits = endless().head_timeout(SOON);
    let server = watch(|server| server.limits(limits));
    for length in [0, 1, 5, 100] {
        let _peer = server.greeting(length);
        wait_until("its place", || server.open_connections() == 0);
        let outcome = server.log.next();
        assert!(outcome.contains("too long"), "{outcome}");
    }
}

/// What it has sent already must not turn the alert into a reset.
#[test]
fn who_cannot_be_understood_reads_why_though_it_has_sent_more() {
    let server = watch(|server| server.limits(endless().close_timeout(PATIENCE)));
    let mut peer = server.tcp();
    let garbage = record(HANDSHAKE, &[1, 0, 0, 4, 9, 9, 9, 9]);
    peer.write_all(&[garbage, vec![0x17; 100_000]].concat())
        .expect("it is taken");
    let mut came = Vec::new();
    peer.read_to_end(&mut came).expect("no reset");
    assert_eq!(came.first(), Some(&ALERT), "{came:?}");
    for _ in 0..20 {
        peer.write_all(&[0x17; 10_000]).expect("it is still read");
    }
    peer.shutdown(Shutdown::Write).expect("it is open");
    wait_until("the end", || server.open_connections() == 0);
    let reset = peer.take_error().expect("the socket is there");
    assert!(reset.is_none(), "{reset:?}");
}

#[test]
fn half_open_handshakes_leave_the_reserved_pages_served() {
    let server = watch(|server| {
        server
            .limits(endless())
            .max_connections(2)
            .reserved_page("/healthz", |_| Page::text("fine"))
    });
    let _places: Vec<_> = (0..2).map(|_| server.greeting(100)).collect();
    // More than there are reserved places: the longest of them has to leave.
    let hello = hello(server.config());
    let mut half_open = Vec::new();
    for number in 0..20 {
        let mut peer = server.tcp();
        peer.write_all(&hello[..10 * number]).expect("it is taken");
        half_open.push(peer);
        let mut peer = Peer::connect(server.served.address, server.config());
        peer.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{number}: {head}");
        let mut peer = Peer::connect(server.served.address, server.config());
        peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 503 "), "{number}: {head}");
    }
    // Nobody failed at TLS: those who left were asked to.
    assert_eq!(server.handle.stats().tls_failures, 0);
}

#[test]
fn a_place_that_a_half_open_handshake_had_is_free_again() {
    let limits = endless().head_timeout(SOON);
    let server = watch(|server| server.limits(limits).max_connections(1));
    let mut half_open = server.greeting(100);
    let refused = Peer::connect_as(server.served.address, server.config(), "localhost");
    assert!(refused.is_err(), "there is one place");
    wait_until("its place", || server.open_connections() == 0);
    let mut peer = server.served.open();
    peer.send_frame(TEXT, "here");
    peer.expect_frame(TEXT, "here");
    // It was left, not reset.
    let mut came = Vec::new();
    half_open.read_to_end(&mut came).expect("no reset");
}

#[test]
fn half_open_handshakes_do_not_hold_up_a_stop() {
    for is_cut in [false, true] {
        let (ended, stopped) = mpsc::channel();
        let authority = Authority::new();
        let tls = server_tls(&authority.sign(LOCAL));
        let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let server = server.tls(tls).limits(endless()).grace(3 * PATIENCE);
        let address = server.local_addr().expect("it is bound");
        let handle = server.handle().expect("it is bound");
        thread::spawn(move || {
            server.route("/", echo).serve();
            ended.send(())
        });
        let hello = hello(trusting(&authority.pem()));
        let peers: Vec<_> = [0, 1, 5, 100, hello.len()]
            .into_iter()
            .map(|length| {
                let mut peer = tcp(address);
                peer.write_all(&hello[..length]).expect("it is taken");
                peer
            })
            .collect();
        wait_until("places", || handle.stats().open_connections == peers.len());
        match is_cut {
            true => handle.cut(),
            false => handle.shutdown(),
        }
        stopped.recv_timeout(PATIENCE).expect("it stops");
    }
}

/// A client that goes on without an end, in a way that its own records or messages of TLS allow.
#[test]
fn a_hello_in_many_records_or_too_long_is_refused_and_others_are_served() {
    let server = watch(|server| server);
    let long = [&[1, 0, 0xFF, 0xF0][..], &[0; 60_000]].concat();
    let tiny: Vec<u8> = long
        .chunks(1)
        .flat_map(|byte| record(HANDSHAKE, byte))
        .collect();
    let huge = [&[1, 0xFF, 0xFF, 0xFF][..], &[0; 200_000]].concat();
    let huge: Vec<u8> = huge
        .chunks(16_000)
        .flat_map(|bytes| record(HANDSHAKE, bytes))
        .collect();
    let empty = record(HANDSHAKE, b"").repeat(10_000);
    let alerts = record(ALERT, &[1, 90]).repeat(10_000);
    let alerts = [record(HANDSHAKE, b"\x01"), alerts].concat();
    let mut good = server.served.open();
    for bytes in [tiny, huge, empty, alerts] {
        let mut peer = server.tcp();
        let _ = peer.write_all(&bytes);
        let _ = peer.shutdown(Shutdown::Write);
        let _ = peer.read_to_end(&mut Vec::new());
        good.send_frame(TEXT, "here");
        good.expect_frame(TEXT, "here");
        let outcome = server.log.next();
        assert!(outcome.starts_with("not secured"), "{outcome}");
    }
}

#[test]
fn key_updates_without_an_end_end_the_connection() {
    let server = watch(|server| server);
    let mut peer = server.served.open();
    for _ in 0..40 {
        peer.renew_keys();
        let _ = peer.flush();
    }
    assert_eq!(peer.until_end(), b"");
    let outcome = server.log.next();
    assert!(outcome.starts_with("closed 1006"), "{outcome}");
}
