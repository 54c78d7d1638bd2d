//! Messages of any size, there and back, over whatever carries TLS.

use crate::support::bytes::{CLOSE, TEXT};
use crate::support::inside::{VERSIONS, client_tls, listen_at_ipv6, serve, server_tls, text};
use crate::support::memory_pair::memory_pair;
use crate::support::server::{echo, start};
use crate::support::tunnel;
use plainws::{Client, ClientTls, Message, Server, ServerTls, WebSocket};
use plainws_tls_tests::peer::listen;
use plainws_tls_tests::{Authority, LOCAL, Peer, Relay, trusting, trusting_at};
use std::net::TcpStream;
use std::thread;

/// The tests' own peers understand each other.
#[test]
fn peers_of_these_tests_speak_with_each_other_byte_by_byte() {
    let authority = Authority::new();
    let (listener, address) = listen();
    let config = authority.below().sign(LOCAL).config();
    let server = thread::spawn(move || {
        let mut server = Peer::accept_open(&listener, config);
        server.expect_frame(TEXT, "hi");
        server.renew_keys();
        server.send_frame(TEXT, "ho");
        server.expect_frame(TEXT, "hi");
        server.send_close_notify();
        server.send_fin();
        server.until_end();
    });
    let relay = Relay::to(address);
    let mut client = Peer::connect(relay.address, trusting(&authority.pem()));
    let passing = relay.next();
    passing.down.open_by(1);
    client.upgrade("/");
    let frames = client.seal_each(&[b"\x81\x82", b"\0\0\0\0", b"h", b"i"]);
    client.send_records(frames);
    client.expect_frame(TEXT, "ho");
    client.renew_keys();
    client.send_frame(TEXT, "hi");
    client.expect_close_notify();
    client.expect_fin();
    client.send_frame(CLOSE, "");
    client.send_fin();
    passing.up.wait_until_ended();
    server.join().expect("the server saw what it expected");
}

#[track_caller]
fn expect_echo(ws: &WebSocket, message: impl Into<Message>) {
    let message = message.into();
    ws.send(message.clone()).expect("it is open");
    let back = ws.receive().expect("it is open");
    // Not assert_eq: a megabyte is no message.
    assert!(
        back.as_ref() == Some(&message),
        "{} bytes, not the {} that were sent",
        back.map_or(0, |back| back.len()),
        message.len()
    );
}

#[test]
fn a_message_of_any_size_comes_back() {
    const SIZES: [usize; 9] = [
        0,
        1,
        125,
        16_383,
        16_384,
        16_385,
        65_537,
        70_000,
        5 * 1024 * 1024,
    ];
    let served = serve(|server| server.route("/", echo));
    for (versions, name) in VERSIONS {
        let tls = ClientTls::from(trusting_at(&served.roots, versions));
        let ws = served.client().tls(tls).connect().expect("it is let in");
        let secured_by = ws.secured_by().expect("it is inside TLS");
        assert!(secured_by.starts_with(name), "{secured_by}");
        for size in SIZES {
            let bytes: Vec<_> = (0..251).cycle().take(size).collect();
            expect_echo(&ws, bytes);
            expect_echo(&ws, "x".repeat(size));
        }
        ws.close(None, "").expect("it is open");
        assert_eq!(ws.receive().expect("the server closes too"), None);
    }
}

#[test]
fn the_server_knows_what_secures_a_connection() {
    let tell = |ws: &mut WebSocket| ws.send(ws.secured_by().unwrap_or_default().as_str());
    let served = serve(|server| server.route("/", tell));
    for (versions, name) in VERSIONS {
        let mut peer = served.open_at(versions);
        let (_, told) = peer.frame();
        assert!(told.starts_with(name.as_bytes()), "{told:?}");
    }
    let bare = start(|server| server.route("/", tell));
    let ws = plainws::connect(&format!("ws://{bare}/")).expect("it is let in");
    assert_eq!(ws.receive().expect("it is open"), text(""));
    assert_eq!(ws.secured_by(), None);
}

#[test]
fn a_server_is_reached_by_its_name_and_by_its_address() {
    let served = serve(|server| server.route("/", echo));
    let port = served.address.port();
    for host in ["localhost", "LOCALHOST", "127.0.0.1"] {
        let client = Client::new(&format!("wss://{host}:{port}/")).expect("the URL is right");
        let ws = client.tls(client_tls(&served.roots)).connect();
        expect_echo(&ws.expect(host), "hi");
    }
    let Some(listener) = listen_at_ipv6() else {
        return;
    };
    let address = listener.local_addr().expect("it is bound");
    let authority = Authority::new();
    let server = Server::from_listener(listener).tls(server_tls(&authority.sign(LOCAL)));
    thread::spawn(move || server.route("/", echo).serve());
    let client = Client::new(&format!("wss://{address}/")).expect("the URL is right");
    let ws = client.tls(client_tls(&authority.pem())).connect();
    expect_echo(&ws.expect("[::1]"), "hi");
}

#[test]
fn a_connection_is_accepted_without_a_server() {
    let authority = Authority::new();
    let tls = server_tls(&authority.sign(LOCAL));
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("the socket listens");
        let ws = plainws::accept(tls.over(tcp)).expect("the client is right");
        assert!(ws.secured_by().is_some());
        assert!(ws.peer_addr().is_some() && ws.local_addr().is_some());
        let message = ws.receive().expect("it is open");
        ws.send(message.expect("a message")).expect("it is open");
        ws.receive()
    });
    let tcp = TcpStream::connect(address).expect("the socket listens");
    let tls = client_tls(&authority.pem()).over(tcp, "localhost");
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let ws = client
        .over(tls.expect("it is a name"))
        .expect("it is let in");
    assert!(ws.secured_by().is_some());
    assert!(ws.peer_addr().is_some() && ws.local_addr().is_some());
    expect_echo(&ws, "x".repeat(100_000));
    ws.close(None, "").expect("it is open");
    assert_eq!(ws.receive().expect("the server closes too"), None);
    let end = server.join().expect("it does not panic");
    assert_eq!(end.expect("the client closes"), None);
}

/// Both ends of a stream that is no socket.
fn over_memory(server_tls: &ServerTls, client_tls: &ClientTls) -> (WebSocket, WebSocket) {
    let (server, client) = memory_pair();
    let server = server_tls.over(server);
    let server = thread::spawn(move || plainws::accept(server));
    let client = client_tls.over(client, "localhost").expect("it is a name");
    let url = Client::new("wss://localhost/").expect("the URL is right");
    let client = url.over(client).expect("it is let in");
    let server = server.join().expect("it does not panic");
    (server.expect("the client is right"), client)
}

#[test]
fn a_stream_of_ones_own_carries_tls() {
    let authority = Authority::new();
    let tls = server_tls(&authority.sign(LOCAL));
    let (server, client) = over_memory(&tls, &client_tls(&authority.pem()));
    let server = thread::spawn(move || {
        let mut server = server;
        echo(&mut server)
    });
    expect_echo(&client, "hi");
    expect_echo(&client, vec![7; 1_000_000]);
    client.close(None, "").expect("it is open");
    assert_eq!(client.receive().expect("the server closes too"), None);
    let server = server.join().expect("it does not panic");
    server.expect("the client closes");
}

/// A wss URL only says what is asked for.
#[test]
fn a_stream_that_is_there_is_not_secured_once_more() {
    let (server, client) = memory_pair();
    let server = thread::spawn(move || plainws::accept(server));
    let url = Client::new("wss://localhost/").expect("the URL is right");
    let client = url.over(client).expect("it is let in");
    assert_eq!(client.secured_by(), None);
    let server = server.join().expect("it does not panic");
    let server = server.expect("the client is right");
    assert_eq!(server.secured_by(), None);
    // Neither waits for an answer to its Close.
    server.sender().cut();
    client.sender().cut();
}

#[cfg(unix)]
#[test]
fn a_unix_socket_carries_tls() {
    use plainws_tls_tests::Files;
    use std::os::unix::net::{UnixListener, UnixStream};

    let authority = Authority::new();
    let certificate = authority.sign(LOCAL);
    // A folder that is removed in the end.
    let files = Files::new(&certificate, &authority.pem());
    let path = files.folder.join("socket");
    let listener = UnixListener::bind(&path).expect("the path is free");
    let server = Server::from_listener(listener).tls(server_tls(&certificate));
    let handle = server.handle().expect("it is bound");
    let serving = thread::spawn(move || server.route("/", echo).serve());
    let socket = UnixStream::connect(&path).expect("it listens");
    let tls = client_tls(&authority.pem()).over(socket, "localhost");
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let ws = client
        .over(tls.expect("it is a name"))
        .expect("it is let in");
    assert!(ws.secured_by().is_some());
    expect_echo(&ws, "x".repeat(100_000));
    handle.shutdown();
    assert_eq!(ws.receive().expect("the server closes"), None);
    drop(ws);
    serving.join().expect("it does not panic");
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_and_sees_no_word_of_it() {
    let served = serve(|server| server.route("/", echo));
    let proxy = tunnel::proxy_to(served.address);
    let relay = Relay::to(proxy.address);
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let client = client.proxy(&format!("http://{}", relay.address));
    let client = client
        .expect("it is a proxy")
        .tls(client_tls(&served.roots));
    let ws = client.connect().expect("it is let in");
    expect_echo(&ws, "hi");
    let head = proxy.head();
    assert!(head.starts_with("CONNECT localhost:443 "), "{head}");
}
