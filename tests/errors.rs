//! What each error says: a sentence with the address, the path, the rule and the byte, as far as it has them.
#![expect(
    clippy::unwrap_used,
    reason = "what helps tests here is a part of them"
)]

use crate::support::bytes::{CLOSE, TEXT, frame};
use crate::support::hand_made::{accepting, answering, hand_made};
use crate::support::memory_pair::memory_pair;
use crate::support::raw::PATIENCE;
use crate::support::server::{SOON, endless};
use plainws::protocol::connection::Misuse;
use plainws::{Accept, Client, CloseCode, Error, Limits, Role, Rule, Transport as _, WebSocket};
use std::error::Error as _;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Checks what errors say.
#[track_caller]
fn say<E: Into<Error>>(rows: impl IntoIterator<Item = (E, &'static str)>) {
    for (error, expected) in rows {
        assert_eq!(error.into().to_string(), expected);
    }
}

#[test]
fn a_url_is_quoted_with_what_is_wrong_and_without_a_password() {
    let long = format!("ws://a/#{}", "x".repeat(1000));
    let rows = [
        (
            "http://a/",
            "cannot connect to \"http://a/\": a URL begins with ws:// or wss://",
        ),
        (
            "nothing",
            "cannot connect to \"nothing\": a URL begins with ws:// or wss://",
        ),
        (
            "ws://a/\u{1b}[2J\u{202e}",
            "cannot connect to \"ws://a/\\u{1b}[2J\\u{202e}\": a URL has only ASCII characters, others percent-encoded",
        ),
        (
            "ws://a:b/",
            "cannot connect to \"ws://a:b/\": the port is a number from 0 to 65535",
        ),
        (
            "ws://user:secret@a/",
            "cannot connect to \"ws://…@a/\": a WebSocket URL has no user name: a password is sent in a header, Authorization",
        ),
        (
            "ws://user:sec/ret@a/",
            "cannot connect to \"ws://…@a/\": the port is a number from 0 to 65535",
        ),
        (
            "ws://me:a@b@host/",
            "cannot connect to \"ws://…@host/\": a WebSocket URL has no user name: a password is sent in a header, Authorization",
        ),
    ];
    say(rows.map(|(url, said)| (plainws::connect(url).unwrap_err(), said)));
    #[cfg(not(feature = "tls"))]
    say([(
        plainws::connect("wss://a/").unwrap_err(),
        "cannot connect to \"wss://a/\": wss:// needs TLS: build with --features tls",
    )]);
    let said = Client::new(&long).unwrap_err().to_string();
    assert!(said.contains("xx…\": a WebSocket URL has no"), "{said}");
    assert!(said.len() < 250, "{said}");

    let client = || Client::new("ws://a/").unwrap();
    say([
        (
            client().connect_to("a").unwrap_err(),
            "cannot connect to \"a\": a port is missing, such as :8000",
        ),
        (
            client().proxy("http://me:secret@p:x").unwrap_err(),
            "cannot connect to \"http://…@p:x\": the port is a number from 0 to 65535",
        ),
        (
            client().proxy("https://me:secret@p").unwrap_err(),
            "cannot connect to \"https://…@p\": the way to a proxy is without TLS: its URL begins with http://",
        ),
        (
            client().proxy("socks://me:%@p").unwrap_err(),
            "cannot connect to \"socks://…@p\": a proxy is http://[user:password@]host:port",
        ),
    ]);
}

#[test]
fn a_header_is_named_with_what_is_wrong_and_without_its_value() {
    let client = || Client::new("ws://a/").unwrap();
    let header = |name, value| client().header(name, value).unwrap_err();
    say([
        (
            header("Cookie", "secret\r\nHost: b"),
            "the header \"Cookie\" cannot be sent: its value has control bytes",
        ),
        (
            header("upgrade", "x"),
            "the header \"upgrade\" cannot be sent: it belongs to the handshake itself",
        ),
        (
            header("Host", "b"),
            "the header \"Host\" cannot be sent: a request names one host",
        ),
        (
            header("a b\n", "secret"),
            "the header \"a b\\n\" cannot be sent: a name is letters, digits and some signs, without spaces",
        ),
        (
            header("Origin", "http://ü"),
            "the header \"Origin\" cannot be sent: an origin is in ASCII",
        ),
        (
            client().origin("a").unwrap().origin("b").unwrap_err(),
            "the header \"Origin\" cannot be sent: a request has one origin",
        ),
        (
            client().subprotocol("a,b").unwrap_err(),
            "the subprotocol \"a,b\" cannot be sent: a subprotocol is letters, digits and some signs, without spaces or commas",
        ),
        (
            client()
                .subprotocol("a")
                .unwrap()
                .subprotocol("a")
                .unwrap_err(),
            "the subprotocol \"a\" cannot be sent: it is offered already",
        ),
        (
            client().host("a b").unwrap_err(),
            "the host \"a b\" cannot be sent: a host is a name or an address, and a port if need be",
        ),
        (
            "a b".parse::<plainws::net::hosts::Host>().unwrap_err(),
            "the host \"a b\" cannot be sent: a host is a name or an address, and a port if need be",
        ),
    ]);
    let long = "a b ".repeat(1000);
    let said = header(&long, "secret").to_string();
    assert!(said.starts_with("the header \"a b a b"), "{said}");
    assert!(said.len() < 250, "{said}");
}

#[test]
fn a_misuse_says_what_cannot_be_done_and_what_can() {
    say([
        (
            Misuse::Closed,
            "nothing can be sent: the connection is closing or closed",
        ),
        (
            Misuse::ControlTooLong(126),
            "a ping carries at most 125 bytes, not 126: a message carries more",
        ),
        (
            Misuse::CloseCode(CloseCode(1005)),
            "a Close must not carry the code 1005: close with 1000, with 3000 to 4999, or without a code",
        ),
        (
            Misuse::ReasonWithoutCode,
            "a Close with a reason needs a code before it, such as 1000",
        ),
        (Misuse::NoMemory, "no memory is left for the message"),
    ]);
    say([(
        Error::Backlogged,
        "the peer is too slow: its backlog is full",
    )]);
}

/// What a client's attempt says, with the address of the server as A.
fn attempt(url: &str) -> String {
    let client = Client::new(url).unwrap();
    let address = url.trim_start_matches("ws://").split('/').next().unwrap();
    let said = client.connect().unwrap_err().to_string();
    said.replace(address, "A")
}

#[test]
fn who_cannot_connect_is_told_the_url_and_the_addresses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(
        attempt(&format!("ws://{nobody}/chat")),
        "cannot connect to ws://A/chat: Connection refused"
    );
    let client = Client::new("ws://example.invalid/chat").unwrap();
    let elsewhere = client.connect_to(&nobody.to_string()).unwrap();
    assert_eq!(
        elsewhere.connect().unwrap_err().to_string(),
        format!("cannot connect to ws://example.invalid/chat at {nobody}: Connection refused")
    );
    let said = attempt("ws://example.invalid/chat");
    assert!(
        said.starts_with("cannot connect to ws://A/chat: cannot find the address of A: "),
        "{said}"
    );
}

#[test]
fn what_a_server_answers_wrongly_is_told_with_the_url() {
    for (answer, expected) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nno such room",
            "the server at ws://A/chat refused the handshake with status 404 Not Found: no such room",
        ),
        (
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "the server at ws://A/chat broke a rule: ",
        ),
        ("SSH-2.0\r\n", "the server at ws://A/chat broke a rule: "),
    ] {
        let server = answering(answer);
        let said = attempt(&server.url);
        assert!(said.starts_with(expected), "{said}");
        server.join();
    }
    let server = hand_made(|_, _| {});
    assert_eq!(
        attempt(&server.url),
        "the server at ws://A/chat ended the connection before it answered the request"
    );
    server.join();
    let server = hand_made(|raw, _| drop(raw.until_end()));
    let client = Client::new(&server.url).unwrap().timeout(SOON);
    let said = client.connect().unwrap_err().to_string();
    assert!(
        said.ends_with("/chat did not answer the request in time"),
        "{said}"
    );
    server.join();
}

#[test]
fn what_a_client_asks_wrongly_is_told_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, address) = listener.accept().unwrap();
    client.write(b"SSH-2.0\r\n").unwrap();
    let limits = Limits::default().close_timeout(Duration::ZERO);
    let error = Accept::new().limits(limits).accept(server).unwrap_err();
    let said = error.to_string();
    let expected = format!("the client {address} broke a rule: ");
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn a_rule_broken_on_an_open_connection_is_told_with_its_byte() {
    let server = accepting(|raw| {
        raw.send(frame(Role::Server, TEXT, b"fine"));
        // Its third byte is the first of the text that is wrong.
        raw.send(frame(Role::Server, TEXT, b"\xff"));
        raw.until_end();
    });
    let ws = plainws::connect(&server.url).unwrap();
    assert_eq!(ws.receive().unwrap(), Some("fine".into()));
    let error = ws.receive().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the peer broke a rule with byte 9 of its frames: text must be UTF-8 (§8.1)"
    );
    let Error::Rule(broken) = error else {
        unreachable!("it says so")
    };
    assert_eq!(broken, Rule::TextNotUtf8);
    assert_eq!((broken.rule(), broken.byte()), (Rule::TextNotUtf8, Some(9)));
    assert_eq!(ws.traffic().bytes_received, 9);
    drop(ws);
    server.join();
}

/// A server's connection over memory, and its peer.
fn open(limits: Limits) -> (impl plainws::Transport, WebSocket) {
    let (here, there) = memory_pair();
    here.set_read_timeout(Some(PATIENCE)).unwrap();
    let server = thread::spawn(move || Accept::new().limits(limits).accept(there).unwrap());
    let request = crate::support::raw::upgrade_request("/");
    assert_eq!(here.write(request.as_bytes()).unwrap(), request.len());
    (here, server.join().unwrap())
}

#[test]
fn a_peer_that_is_given_up_is_told_why() {
    let limits = endless().close_timeout(Duration::ZERO);
    let silence = limits.ping_after(Some(SOON)).pong_timeout(SOON);
    let (_here, ws) = open(silence);
    say([(ws.receive().unwrap_err(), "the peer is silent")]);
    let (_here, ws) = open(limits.write_timeout(SOON));
    say([(
        ws.send(vec![0; 1_000_000]).unwrap_err(),
        "the peer does not take what is sent to it",
    )]);
    let (here, ws) = open(limits);
    assert!(here.write(&frame(Role::Client, CLOSE, b"")).is_ok());
    assert_eq!(ws.receive().unwrap(), None);
    say([(
        ws.send("late").unwrap_err(),
        "nothing can be sent: the connection is closing or closed",
    )]);
}

#[test]
fn a_connection_that_is_lost_is_told_without_the_systems_number() {
    let server = accepting(|raw| {
        // Unread input makes the end a reset.
        raw.wait_for_input();
    });
    let ws = plainws::connect(&server.url).unwrap();
    ws.send("unread").unwrap();
    say([(
        ws.receive().unwrap_err(),
        "the connection was lost: Connection reset by peer",
    )]);
    server.join();
}

#[test]
fn what_fails_at_a_proxy_is_told_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::new("ws://a/chat").unwrap();
    let client = client.proxy(&nobody.to_string()).unwrap();
    let error = client.connect().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the proxy {nobody}: cannot connect to it: Connection refused")
    );
    let source = error.source().map(ToString::to_string);
    assert_eq!(
        source.as_deref(),
        Some("cannot connect to it: Connection refused")
    );
}

#[test]
fn what_may_go_better_is_told_from_what_stays_as_it_is() {
    let refused = |status: &str| {
        let server = answering(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        let error = plainws::connect(&server.url).unwrap_err();
        server.join();
        error
    };
    let lost = || Error::from(std::io::Error::other("lost"));
    let by_proxy = |error| Error::Proxy {
        address: "a:1".into(),
        error: Box::new(error),
    };
    for (error, may_pass) in [
        (lost(), true),
        (Error::Overloaded, true),
        (refused("500 No"), true),
        (refused("503 No"), true),
        (refused("429 No"), true),
        (refused("408 No"), true),
        (refused("404 No"), false),
        (refused("301 No"), false),
        (refused("200 No"), false),
        (by_proxy(lost()), true),
        (by_proxy(Rule::StatusLineMalformed.into()), false),
        (Rule::MaskMissing.into(), false),
        (Misuse::Closed.into(), false),
    ] {
        assert_eq!(error.may_pass(), may_pass, "{error}");
    }
    for (code, may_pass) in [
        (1000, false),
        (1001, true),
        (1002, false),
        (1005, false),
        (1006, true),
        (1010, false),
        (1011, true),
        (1014, true),
        (1015, false),
        (4000, false),
    ] {
        let reason = plainws::CloseReason::new(CloseCode(code));
        assert_eq!(reason.may_pass(), may_pass, "{code}");
    }
}
