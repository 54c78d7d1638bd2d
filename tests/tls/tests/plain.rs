//! TLS where none is expected, and none where it is.

use crate::support::bytes::TEXT;
use crate::support::inside::{client_tls, serve, server_tls};
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use crate::support::server::{echo, endless, start, wait_until};
use crate::support::tunnel;
use plainws::net::log::Outcome;
use plainws::{Client, Error, Page};
use plainws_tls_tests::peer::listen;
use plainws_tls_tests::{Authority, LOCAL, Peer, trusting};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{OnceLock, mpsc};
use std::thread;

const CURE: &str = "this port speaks TLS: begin the URL with https:// or wss://";

fn secure_client(address: SocketAddr) -> Client {
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let client = client.connect_to(&address.to_string()).expect("it is one");
    client.tls(client_tls(&Authority::new().pem()))
}

#[test]
fn http_on_a_port_of_tls_is_told_so_once() {
    let (told, logged) = mpsc::channel();
    let handle = OnceLock::new();
    let served = serve(|server| {
        let its_handle = server.handle().expect("it is bound");
        handle.set(its_handle).expect("it is set once");
        server.route("/", echo).log(move |record| {
            if let Outcome::Response { status, reason, .. } = &record.outcome {
                let _ = told.send((*status, reason.map(str::to_owned)));
            }
        })
    });
    let requests = [
        upgrade_request("/"),
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3),
        "G".into(),
        "\r\n".into(),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nlong body".repeat(9000),
    ];
    for request in &requests {
        let mut raw = Raw::connect(served.address);
        let _ = raw.try_send(request);
        let response = raw.response();
        assert_eq!(
            (response.status, response.text()),
            (400, &*format!("400 Bad Request: {CURE}\n"))
        );
        raw.expect_fin();
        let logged = logged.recv_timeout(PATIENCE).expect("it is logged");
        assert_eq!(logged, (400, Some(CURE.into())));
    }
    let stats = handle.get().expect("it is set").stats();
    assert_eq!(stats.tls_failures, 0);
    assert_eq!(stats.responses.get(&400), Some(&(requests.len() as u64)));
    assert_eq!(
        stats.refusals.get("tls-expected"),
        Some(&(requests.len() as u64))
    );
}

#[test]
fn a_ws_url_to_a_port_of_tls_is_refused_with_the_cure() {
    let served = serve(|server| server.route("/", echo));
    let refused = plainws::connect(&format!("ws://{}/", served.address));
    match refused.expect_err("it is no plain port") {
        Error::Refused(refusal) => {
            assert_eq!(refusal.response.status(), 400);
            assert!(Error::Refused(refusal).to_string().contains(CURE));
        }
        other => panic!("a refusal, not {other:?}"),
    }
}

#[test]
fn http_is_told_so_by_who_accepts_without_a_server() {
    let tls = server_tls(&Authority::new().sign(LOCAL));
    let (listener, address) = listen();
    let accepting = thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("the socket listens");
        plainws::accept(tls.over(tcp))
    });
    let mut raw = Raw::connect(address);
    raw.send(upgrade_request("/"));
    let response = raw.response();
    assert_eq!(
        (response.status, response.text()),
        (400, &*format!("400 Bad Request: {CURE}\n"))
    );
    raw.expect_fin();
    drop(raw);
    let accepted = accepting.join().expect("it does not panic");
    accepted.expect_err("it is not inside TLS");
}

#[track_caller]
fn expect_told(connected: plainws::Result<plainws::WebSocket>) {
    match connected.expect_err("there is no TLS") {
        Error::Tls(error) => {
            let text = error.to_string();
            assert!(text.contains("ws://"), "{text}");
        }
        other => panic!("an error of TLS, not {other:?}"),
    }
}

#[test]
fn a_wss_url_to_a_plain_port_is_told_so() {
    let address = start(|server| server.route("/", echo));
    expect_told(secure_client(address).connect());
}

/// Other servers answer something else, or speak first.
#[test]
fn a_wss_url_to_a_port_of_something_else_is_told_so() {
    for greeting in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "220 mail.example ESMTP\r\n",
        "SSH-2.0-x\r\n",
    ] {
        let (listener, address) = listen();
        let server = thread::spawn(move || {
            let mut raw = Raw::from(crate::support::raw::accept(&listener));
            raw.send(greeting);
            raw.until_end();
        });
        expect_told(secure_client(address).connect());
        server.join().expect("the server saw what it expected");
    }
}

#[test]
fn a_wss_url_through_a_proxy_to_a_plain_port_is_told_so() {
    let address = start(|server| server.route("/", echo));
    let proxy = tunnel::proxy_to(address);
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let client = client.proxy(&format!("http://{}", proxy.address));
    let tls = client_tls(&Authority::new().pem());
    expect_told(client.expect("it is a proxy").tls(tls).connect());
}

#[test]
fn a_client_that_is_refused_at_the_door_is_not_reset() {
    let handle = OnceLock::new();
    let served = serve(|server| {
        let its_handle = server.handle().expect("it is bound");
        handle.set(its_handle).expect("it is set once");
        server.limits(endless()).route("/", echo).max_connections(1)
    });
    let handle = handle.get().expect("it is set");
    let mut inside = served.open();
    for _ in 0..5 {
        let mut raw = Raw::connect(served.address);
        // As long a hello as one likes: nobody reads it, and it is no reason for a reset.
        raw.send([&[0x16, 3, 1, 0x3F, 0xFF][..], &[0; 2000]].concat());
        raw.expect_fin();
        let refused = Peer::connect_as(served.address, trusting(&served.roots), "localhost");
        let error = refused.expect_err("there is no place");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    }
    // Nor is anything said in the clear to who speaks no TLS.
    let mut raw = Raw::connect(served.address);
    raw.send(upgrade_request("/"));
    raw.expect_fin();
    match served.client().connect().expect_err("there is no place") {
        error @ Error::Tls(_) => assert!(error.may_pass(), "{error}"),
        other => panic!("an error of TLS, not {other:?}"),
    }
    let stats = handle.stats();
    assert_eq!(stats.responses.get(&503), Some(&12));
    assert_eq!(stats.tls_failures, 0);
    inside.send_frame(TEXT, "hi");
    inside.expect_frame(TEXT, "hi");
    drop(inside);
    wait_until("the place to be free", || {
        handle.stats().open_connections == 0
    });
    let _served = served.open();
}

/// What is kept back for them is served inside TLS as well.
#[test]
fn reserved_pages_are_served_inside_tls_when_all_places_are_taken() {
    let served = serve(|server| {
        server
            .limits(endless())
            .route("/", echo)
            .reserved_page("/healthz", |_| Page::text("well"))
            .max_connections(1)
    });
    let _inside = served.open();
    let mut peer = Peer::connect(served.address, trusting(&served.roots));
    peer.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = peer.head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(peer.bytes(4), b"well");
    peer.expect_close_notify();
    peer.expect_fin();
    // In the clear there is nothing.
    let mut raw = Raw::connect(served.address);
    raw.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(raw.response().status, 400);
}

mod origins {
    use super::*;

    /// How a server inside TLS answers a page of this origin.
    fn answer(origin: &str) -> String {
        let served = serve(|server| server.route("/", echo));
        let mut peer = Peer::connect(served.address, trusting(&served.roots));
        let origin = format!("\r\nOrigin: {origin}\r\n\r\n");
        peer.send(upgrade_request("/").replace("\r\n\r\n", &origin));
        peer.head()
            .lines()
            .next()
            .expect("a status line")
            .to_owned()
    }

    #[test]
    fn of_the_same_host_are_those_of_https_alone() {
        assert!(answer("https://localhost").contains(" 101 "));
        assert!(answer("http://localhost").contains(" 403 "));
        assert!(answer("ws://localhost").contains(" 403 "));
    }
}
