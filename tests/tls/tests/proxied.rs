//! The PROXY protocol below TLS: a proxy that hands TLS on introduces its client before the handshake.

use crate::support::bytes::TEXT;
use crate::support::inside::{client_tls, serve, server_tls};
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use crate::support::server::endless;
use plainws::net::log::Outcome;
use plainws::{Accept, Client, Error, WebSocket};
use plainws_tls_tests::{Authority, LOCAL, Peer, trusting};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x07\x0A\0\0\x01\x30\x39\x01\xBB";

fn who(ws: &mut WebSocket) -> plainws::Result<()> {
    let client = ws.request().client_ip().expect("it is known");
    let is_secure = ws.request().is_secure();
    ws.send(format!("{client} {is_secure}"))
}

fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
    tcp.set_read_timeout(Some(PATIENCE)).expect("it is open");
    tcp
}

#[test]
fn introduces_a_client_wherever_its_bytes_are_cut() {
    let served = serve(|server| {
        let proxy = "127.0.0.1".parse().expect("an address");
        server.route("/", who).trust_proxy(proxy)
    });
    for header in [V1, V2] {
        for cut in [1, 6, 12, 16, header.len() - 1, header.len()] {
            let mut tcp = tcp(served.address);
            tcp.set_nodelay(true).expect("it is open");
            tcp.write_all(&header[..cut]).expect("it is read");
            tcp.write_all(&header[cut..]).expect("it is read");
            let tls = client_tls(&served.roots).over(tcp, "localhost");
            let client = Client::new("wss://localhost/").expect("the URL is right");
            let ws = client.over(tls.expect("the name is right"));
            let told = ws.expect("it opens").receive().expect("it is told");
            assert_eq!(told, Some("192.0.2.7 true".into()), "cut at {cut}");
        }
    }
    // And it need not come.
    let told = served.connect().receive().expect("it is told");
    assert_eq!(told, Some("127.0.0.1 true".into()));
}

/// A handshake costs more than a request, and may be drawn out.
#[test]
fn of_a_client_that_has_too_many_already_is_the_end_before_tls_begins() {
    let (told, lines) = mpsc::channel();
    let served = serve(|server| {
        let proxy = "127.0.0.1".parse().expect("an address");
        server
            .route("/", |ws| ws.receive().map(|_| ()))
            .trust_proxy(proxy)
            .max_per_address(1)
            .limits(endless())
            .log(move |record| {
                let _ = told.send(format!("{} {:?}", record.who(), record.outcome));
            })
    });
    let mut held = tcp(served.address);
    held.write_all(V1).expect("it is read");
    let tls = client_tls(&served.roots).over(held, "localhost");
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let held = client.over(tls.expect("the name is right"));
    let held = held.expect("it opens");
    let mut refused = tcp(served.address);
    refused.write_all(V2).expect("it is read");
    let mut answer = Vec::new();
    refused.read_to_end(&mut answer).expect("the end comes");
    assert_eq!(answer, b"", "a client that speaks TLS would read it");
    let line = lines.recv_timeout(PATIENCE).expect("a line in time");
    assert!(line.starts_with("192.0.2.7:12345 "), "{line}");
    assert!(
        line.contains("503") && line.contains("from that address"),
        "{line}"
    );
    drop(held);
}

#[test]
fn of_anybody_else_is_named_in_the_clear() {
    let served = serve(|server| server.route("/", who));
    for header in [V1, V2] {
        let mut raw = Raw::connect(served.address);
        raw.send(header);
        let response = raw.response();
        let expected =
            "400 Bad Request: a PROXY protocol header from 127.0.0.1, which is no trusted proxy\n";
        assert_eq!((response.status, response.text()), (400, expected));
        raw.expect_fin();
    }
}

#[test]
fn that_is_malformed_ends_the_connection_and_is_told_to_the_log() {
    let (told, lines) = mpsc::channel();
    let served = serve(|server| {
        let proxy = "127.0.0.1".parse().expect("an address");
        server
            .route("/", who)
            .trust_proxy(proxy)
            .log(move |record| {
                let _ = told.send(match &record.outcome {
                    Outcome::NotSecured(error) => error.to_string(),
                    other => format!("{other:?}"),
                });
            })
    });
    let mut tcp = tcp(served.address);
    tcp.write_all(b"PROXY TCP4 192.0.2.7\r\n")
        .expect("it is read");
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).expect("the end comes");
    assert_eq!(answer, b"", "a client that speaks TLS would read it");
    let line = lines.recv_timeout(PATIENCE).expect("a line in time");
    assert!(line.contains("PROXY"), "{line}");
}

#[test]
fn does_not_make_a_request_in_the_clear_one_of_tls() {
    let served = serve(|server| {
        let proxy = "127.0.0.1".parse().expect("an address");
        server.route("/", who).trust_proxy(proxy)
    });
    let mut raw = Raw::connect(served.address);
    raw.send([V1, upgrade_request("/").as_bytes()].concat());
    let response = raw.response();
    assert_eq!(response.status, 400);
    assert!(response.text().contains("this port speaks TLS"));
}

#[test]
fn a_proxy_that_takes_tls_away_says_by_what_its_client_came() {
    let served = serve(|server| {
        let proxy = "127.0.0.1".parse().expect("an address");
        server.route("/", who).trust_proxy(proxy)
    });
    for (proto, is_secure) in [("http", false), ("https", true)] {
        let mut peer = Peer::connect(served.address, trusting(&served.roots));
        let request = upgrade_request("/").replace(
            "Upgrade: w",
            &format!("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: {proto}\r\nUpgrade: w"),
        );
        peer.send(request);
        assert!(peer.head().starts_with("HTTP/1.1 101 "));
        let (byte0, text) = peer.frame();
        assert_eq!(byte0, TEXT);
        assert_eq!(text, format!("192.0.2.7 {is_secure}").as_bytes());
    }
}

/// A stream of the caller's that is let in, and who the client is then.
#[test]
fn introduces_a_client_to_accept_too() {
    let authority = Authority::new();
    let tls = server_tls(&authority.sign(LOCAL));
    let accept = || Accept::new().tls(tls.clone());
    let trusting = || accept().trust_proxy("127.0.0.1".parse().expect("an address"));
    let pair = || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let client = tcp(listener.local_addr().expect("it is bound"));
        let (server, _) = listener.accept().expect("a client has connected");
        (client, server)
    };
    for (header, told) in [
        (V1, "192.0.2.7 true"),
        (V2, "192.0.2.7 true"),
        (b"", "127.0.0.1 true"),
    ] {
        let (mut client, server) = pair();
        let accept = trusting();
        let serving = thread::spawn(move || who(&mut accept.accept(server)?));
        client.write_all(header).expect("it is read");
        let tls = client_tls(&authority.pem()).over(client, "localhost");
        let asked = Client::new("wss://localhost/").expect("the URL is right");
        let ws = asked.over(tls.expect("the name is right"));
        let answer = ws.expect("it opens").receive().expect("it is told");
        assert_eq!(answer, Some(told.into()));
        serving.join().expect("no panic").expect("it is sent");
    }
    // Who is not trusted is told so in the clear.
    let (client, server) = pair();
    let accept = accept();
    let serving = thread::spawn(move || accept.accept(server).err());
    let mut raw = Raw::from(client);
    raw.send(V1);
    let response = raw.response();
    assert_eq!(response.status, 400);
    assert!(
        response.text().contains("no trusted proxy"),
        "{}",
        response.text()
    );
    raw.send_fin();
    let error = serving.join().expect("no panic");
    assert!(matches!(error, Some(Error::Tls(_))), "{error:?}");
    // What is malformed is not answered in the clear: a client that speaks TLS would read it.
    let (mut client, server) = pair();
    let accept = trusting();
    let serving = thread::spawn(move || accept.accept(server).err());
    client.write_all(b"PROXY TCP4 1\r\n").expect("it is read");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("the end comes");
    assert_eq!(answer, b"");
    let error = serving.join().expect("no panic");
    let told = error.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(told.contains("PROXY"), "{error:?}");
}
