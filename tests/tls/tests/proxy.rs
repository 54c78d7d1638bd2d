//! `plainws proxy` between clients without TLS and a server with it.

use crate::support::bytes::{BINARY, CLOSE, TEXT, close_body};
use crate::support::raw::{Raw, upgrade_request};
use crate::support::server;
use plainws::{CloseCode, Message, Server, ServerTls};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::program::{command, run_with};
use plainws_tls_tests::{Authority, Files, LOCAL, PATIENCE, Peer, Program, Relay, run};
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

/// A proxy that trusts an authority of the test's.
struct Proxy {
    program: Program,
    address: SocketAddr,
}

impl Proxy {
    fn before(server: SocketAddr, flags: &[&str]) -> Self {
        Self::to(&format!("wss://{server}"), flags)
    }

    fn to(url: &str, flags: &[&str]) -> Self {
        let arguments = ["proxy", "--listen", "127.0.0.1:0", "--to", url];
        let program = Program::start(command().args(arguments).args(flags));
        let address = program.stderr.wait_for("address", |text| {
            let (_, url) = text.split_once("plainws: ws://")?;
            url.split_once(' ')?.0.parse().ok()
        });
        Self { program, address }
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// What it has said on standard error and standard output, once it has ended.
    fn whole(mut self) -> (String, String) {
        self.program.signal("TERM");
        assert_eq!(self.program.wait().code(), Some(0));
        (self.program.stderr.whole(), self.program.stdout.whole())
    }
}

/// A certificate for this machine, in files, and what a server needs of it.
struct Good {
    files: Files,
    config: Arc<ServerConfig>,
    tls: ServerTls,
}

fn good() -> Good {
    let authority = Authority::new();
    let certificate = authority.sign(LOCAL);
    let tls = ServerTls::from_pem(certificate.chain.as_bytes(), certificate.key.as_bytes());
    Good {
        files: Files::new(&certificate, &authority.pem()),
        config: certificate.config(),
        tls: tls.expect("the key fits"),
    }
}

/// A server of the library's that sends back what comes at `/echo`.
fn echo_server(tls: &ServerTls) -> SocketAddr {
    let tls = tls.clone();
    let serve = |server: Server| {
        let server = server.tls(tls);
        server.route("/echo", |ws| {
            for message in ws.messages() {
                ws.send(message?)?;
            }
            plainws::Result::Ok(())
        })
    };
    server::start(serve)
}

/// A client without TLS and a server with it, with an open WebSocket connection through a proxy.
struct Ends {
    proxy: Proxy,
    client: Raw,
    server: Peer,
    _files: Files,
}

fn ends(flags: &[&str]) -> Ends {
    let (listener, address) = listen();
    ends_by(&listener, address, flags)
}

/// The same, where the proxy connects to another address than the server's.
fn ends_by(listener: &TcpListener, address: SocketAddr, flags: &[&str]) -> Ends {
    let good = good();
    let proxy = Proxy::before(address, &[&good.files.ca_args()[..], flags].concat());
    let mut client = Raw::connect(proxy.address);
    client.send(upgrade_request("/"));
    let server = Peer::accept_open(listener, good.config);
    client.expect_101();
    Ends {
        proxy,
        client,
        server,
        _files: good.files,
    }
}

/// Bytes that look random, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    });
    bytes.take(length).collect()
}

mod frames {
    use super::*;

    #[test]
    fn of_an_encrypted_connection_are_shown_and_passed_on() {
        let good = good();
        let server = echo_server(&good.tls);
        let url = format!("wss://localhost:{}", server.port());
        let flags = [&good.files.ca_args()[..], &["--trace"]].concat();
        let proxy = Proxy::to(&url, &flags);
        let ws = plainws::connect(&proxy.url("/echo")).expect("it is let in");
        ws.send("Gr\u{fc}\u{df}e").expect("it is open");
        let echo = ws.receive().expect("it is open");
        assert_eq!(echo, Some(Message::Text("Gr\u{fc}\u{df}e".into())));
        ws.close(CloseCode::NORMAL, "").expect("it is open");
        let (said, _) = proxy.whole();
        assert!(said.contains(&format!(" passes on to {url}; ")), "{said}");
        let opened = said.lines().find(|line| line.contains(" -> "));
        let opened = opened.expect("it says that the connection is open");
        assert!(
            opened.contains(&format!("{server} over TLS 1.3, TLS13_")),
            "{said}"
        );
        let frames = said.lines().filter(|line| line.contains("Gr\u{fc}\u{df}e"));
        assert_eq!(frames.count(), 2, "{said}");
        let legal = said
            .lines()
            .filter(|line| line.ends_with("close 1000, legal"));
        assert_eq!(legal.count(), 2, "{said}");
    }

    #[test]
    fn are_told_as_json_after_how_the_connection_is_encrypted() {
        let good = good();
        let server = echo_server(&good.tls);
        let flags = [&good.files.ca_args()[..], &["--json"]].concat();
        let proxy = Proxy::before(server, &flags);
        let mut client = Raw::open(proxy.address, "/echo");
        client.send_frame(TEXT, "Hello");
        client.expect_frame(TEXT, "Hello");
        let (_, events) = proxy.whole();
        let opened = events.lines().next().expect("there are some");
        assert!(opened.contains(r#""event":"open""#), "{opened}");
        let member = r#""secured_by":"TLS 1.3, TLS13_"#;
        assert_eq!(events.matches(member).count(), 1, "{events}");
        assert!(opened.contains(member), "{opened}");
        let text = r#""payload.text":"Hello""#;
        assert_eq!(events.matches(text).count(), 2, "{events}");
    }

    #[test]
    fn of_many_megabytes_pass_both_ways_at_once() {
        const MANY: usize = 24;
        // Neither end reads before the other has begun to fill what lies between them.
        fn pour(ws: &plainws::WebSocket, own: u64, other: u64) -> plainws::Result<()> {
            let sender = ws.sender();
            thread::scope(|scope| {
                let sending = scope.spawn(move || {
                    let payload = noise(own, 1 << 20);
                    (0..MANY).try_for_each(|_| sender.send(&payload[..]))
                });
                let expected = noise(other, 1 << 20);
                for _ in 0..MANY {
                    let message = ws.receive()?;
                    let is_same =
                        matches!(message, Some(Message::Binary(came)) if came == expected);
                    assert!(is_same, "another message");
                }
                sending.join().expect("no panic")
            })
        }
        let good = good();
        let tls = good.tls.clone();
        let address = server::start(|server| {
            server.tls(tls).route("/", |ws| {
                pour(ws, 1, 2)?;
                // The client leaves when it has all of it.
                ws.receive().map(drop)
            })
        });
        let proxy = Proxy::before(address, &good.files.ca_args());
        let ws = plainws::connect(&proxy.url("/")).expect("it is let in");
        pour(&ws, 2, 1).expect("all of it comes");
        ws.close(CloseCode::NORMAL, "").expect("it is open");
        let (said, _) = proxy.whole();
        let legal = said
            .lines()
            .filter(|line| line.ends_with("close 1000, legal"));
        assert_eq!(legal.count(), 2, "{said}");
    }

    #[test]
    fn whose_records_come_byte_by_byte_pass_when_they_are_whole() {
        let (listener, address) = listen();
        let relay = Relay::to(address);
        let mut ends = ends_by(&listener, relay.address, &[]);
        let passing = relay.next();
        passing.down.open_by(1);
        let payload = noise(3, 3000);
        ends.server.send_frame(BINARY, &payload);
        ends.client.expect_frame(BINARY, &payload);
        passing.up.open_by(1);
        ends.client.send_frame(BINARY, &payload);
        ends.server.expect_frame(BINARY, &payload);
    }

    #[test]
    fn are_saved_as_they_were_before_encryption_and_decode_reads_them() {
        let good = good();
        let server = echo_server(&good.tls);
        let session = good.files.folder.join("session.txt");
        let session = session.to_str().expect("the path is UTF-8");
        let flags = [&good.files.ca_args()[..], &["--save", session]].concat();
        let proxy = Proxy::before(server, &flags);
        let mut client = Raw::open(proxy.address, "/echo");
        client.send_frame(TEXT, "kept");
        client.expect_frame(TEXT, "kept");
        client.send_frame(CLOSE, close_body(1000, b""));
        client.expect_close(1000);
        client.expect_fin();
        drop(client);
        proxy.whole();
        let saved = std::fs::read_to_string(session).expect("it was written");
        let told = saved
            .lines()
            .find(|line| line.starts_with("# connection 1 "));
        let told = told.expect("a comment names the connection");
        assert!(
            told.contains(&format!(" -> {server} over TLS 1.3, TLS13_")),
            "{told}"
        );
        let decoded = run(["decode", "--file", session]);
        assert_eq!(decoded.code, 0, "{}{}", decoded.stdout, decoded.stderr);
        for direction in ["client to server", "server to client"] {
            let heading = format!("{direction}  text, final  \"kept\"");
            assert!(decoded.stdout.contains(&heading), "{}", decoded.stdout);
        }
        let legal = "legal: a handshake, 2 frames, 1 message, closed with 1000";
        let count = decoded.stdout.matches(legal).count();
        assert_eq!(count, 2, "{}", decoded.stdout);
    }
}

mod the_end {
    use super::*;

    #[test]
    fn of_the_client_is_passed_on_with_close_notify_and_the_server_may_go_on() {
        let mut ends = ends(&[]);
        ends.client.send_fin();
        ends.server.expect_close_notify();
        ends.server.expect_fin();
        ends.server.send_frame(TEXT, "still here");
        ends.client.expect_frame(TEXT, "still here");
        ends.server.send_close_notify();
        ends.server.send_fin();
        ends.client.expect_fin();
        let (said, _) = ends.proxy.whole();
        assert!(!said.contains("reset"), "{said}");
    }

    #[test]
    fn of_the_server_is_an_end_with_close_notify_and_without() {
        for has_close_notify in [true, false] {
            let mut ends = ends(&[]);
            ends.server.send_frame(TEXT, "the last");
            if has_close_notify {
                ends.server.send_close_notify();
            }
            ends.server.send_fin();
            ends.client.expect_frame(TEXT, "the last");
            ends.client.expect_fin();
            ends.client.send_frame(TEXT, "still here");
            ends.server.expect_frame(TEXT, "still here");
            ends.client.send_fin();
            ends.server.expect_fin();
            let (said, _) = ends.proxy.whole();
            assert!(!said.contains("reset"), "{has_close_notify}: {said}");
            assert!(!said.contains("TLS"), "{has_close_notify}: {said}");
        }
    }

    #[test]
    fn of_the_server_by_a_reset_is_a_reset_for_the_client() {
        let mut ends = ends(&[]);
        ends.client.send_frame(TEXT, "unread");
        let there = ends.server.tcp.peek(&mut [0]);
        assert_eq!(there.expect("the frame comes"), 1);
        // A socket that is closed with something unread in it is reset.
        drop(ends.server);
        let end = ends.client.read_some(1).expect_err("it is reset");
        assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
        let line = ends.proxy.program.stderr.line_with("reset");
        assert!(line.contains(" < "), "{line}");
    }

    #[test]
    fn of_the_client_by_a_reset_is_a_reset_for_the_server() {
        let mut ends = ends(&[]);
        ends.server.send_frame(TEXT, "unread");
        ends.client.reset();
        let end = ends.server.read_some(PATIENCE).expect_err("it is reset");
        assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
        let line = ends.proxy.program.stderr.line_with("reset");
        assert!(line.contains(" > "), "{line}");
    }

    #[test]
    fn of_a_server_whose_records_are_forged_is_told_of() {
        let mut ends = ends(&[]);
        ends.server.send_frame(TEXT, "genuine");
        ends.server
            .send_records(b"\x17\x03\x03\x00\x20forged forged forged forged forg");
        ends.client.expect_frame(TEXT, "genuine");
        let end = ends.client.read_some(1).expect_err("it is reset");
        assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
        let line = ends.proxy.program.stderr.line_with("#1 with the server: ");
        assert!(line.contains("TLS failed: "), "{line}");
    }

    #[test]
    fn of_the_proxy_ends_both() {
        let mut ends = ends(&[]);
        ends.client.send_frame(TEXT, "Hello");
        ends.server.expect_frame(TEXT, "Hello");
        let (said, _) = ends.proxy.whole();
        ends.client.until_end();
        ends.server.until_end();
        assert!(said.contains("1 frame, 1 message, "), "{said}");
    }
}

mod a_server {
    use super::*;

    /// What is said of a connection through a proxy that is closed without a byte.
    #[track_caller]
    fn refused(server: SocketAddr, flags: &[&str]) -> String {
        let proxy = Proxy::before(server, &[flags, &["--json"]].concat());
        let mut client = Raw::connect(proxy.address);
        let _ = client.try_send(upgrade_request("/"));
        assert_eq!(client.until_end(), b"");
        let (said, events) = proxy.whole();
        let start = format!(" was closed: cannot connect to {server}: ");
        let line = said.lines().find(|line| line.contains(&start));
        let line = line.unwrap_or_else(|| panic!("{said}"));
        let (_, problem) = line.split_once(": cannot").expect("it is in it");
        let event = format!(r#""error":"cannot{problem}""#);
        assert_eq!(events.lines().count(), 1, "{events}");
        assert!(events.contains(r#""event":"failed""#), "{events}");
        assert!(events.contains(&event), "{event}\n{events}");
        problem.to_owned()
    }

    #[test]
    fn whose_certificate_is_a_strangers_gets_no_byte_of_the_client() {
        let (stranger, trusted) = (good(), good());
        let (listener, address) = listen();
        let config = stranger.config;
        let accepted = thread::spawn(move || Peer::server(accept(&listener), config).map(drop));
        let problem = refused(address, &trusted.files.ca_args());
        assert!(problem.contains("has signed the certificate"), "{problem}");
        assert!(problem.contains("; --ca FILE "), "{problem}");
        let accepted = accepted.join().expect("no panic");
        accepted.expect_err("the proxy has not agreed");
    }

    #[test]
    fn whose_certificate_is_for_another_host_is_refused() {
        let authority = Authority::new();
        let certificate = authority.sign(&["elsewhere.example"]);
        let files = Files::new(&certificate, &authority.pem());
        let tls = ServerTls::from_pem(certificate.chain.as_bytes(), certificate.key.as_bytes());
        let address = echo_server(&tls.expect("the key fits"));
        let problem = refused(address, &files.ca_args());
        let expected = "the certificate is for elsewhere.example, not for 127.0.0.1";
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn that_is_a_stranger_is_taken_with_insecure_which_is_said() {
        let server = echo_server(&good().tls);
        let proxy = Proxy::before(server, &["--insecure"]);
        for _ in 0..2 {
            let mut client = Raw::open(proxy.address, "/echo");
            client.send_frame(TEXT, "Hello");
            client.expect_frame(TEXT, "Hello");
        }
        let (said, _) = proxy.whole();
        assert_eq!(said.matches("warning: ").count(), 1, "{said}");
        let warning = said.lines().next().expect("it says something");
        assert!(warning.contains("--insecure"), "{said}");
    }

    #[test]
    fn that_speaks_no_tls_is_told_from_one_that_does() {
        let plain = server::start(|server| server);
        let problem = refused(plain, &good().files.ca_args());
        assert!(problem.contains("is no TLS"), "{problem}");
        assert!(problem.contains("ws://"), "{problem}");
    }

    #[test]
    fn that_says_nothing_is_given_up_in_time() {
        let (listener, address) = listen();
        let ca = good();
        let flags = [&ca.files.ca_args()[..], &["--connect-timeout", "0.2"]].concat();
        let problem = refused(address, &flags);
        assert!(problem.contains("in time; does this port"), "{problem}");
        drop(listener);
    }

    #[test]
    fn that_says_a_little_now_and_then_is_given_up_in_time_too() {
        let good = good();
        let relay = Relay::holding(echo_server(&good.tls));
        let address = relay.address;
        // Its answer to the hello comes a byte at a time, and the last never.
        let dripping = thread::spawn(move || {
            let passing = relay.next();
            passing.up.open();
            for arrived in 1..60 {
                passing.down.allow(1);
                passing.down.wait_until_passed(arrived);
            }
        });
        let flags = [&good.files.ca_args()[..], &["--connect-timeout", "0.5"]].concat();
        let problem = refused(address, &flags);
        assert!(problem.contains("in time; does this port"), "{problem}");
        dripping.join().expect("no panic");
    }
}

#[test]
fn a_page_that_came_through_the_proxy_has_to_be_allowed() {
    let Good { files, tls, .. } = good();
    let proxy = Proxy::before(echo_server(&tls), &files.ca_args());
    let status = |of: &Proxy, origin: &str| {
        let mut client = Raw::connect(of.address);
        let origin = format!("Origin: {origin}\r\nSec-WebSocket-Key: ");
        // Host names the proxy, as that of a browser does.
        let host = format!("Host: {}\r\n", of.address);
        let request = upgrade_request("/echo").replace("Host: localhost\r\n", &host);
        client.send(request.replace("Sec-WebSocket-Key: ", &origin));
        client.head()
    };
    let origin = format!("http://{}", proxy.address);
    let refused = status(&proxy, &origin);
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");

    let allowed = origin.parse().expect("it is an origin");
    let address = server::start(|server| {
        let server = server.tls(tls).allow_origin(allowed);
        server.route("/echo", |_| plainws::Result::Ok(()))
    });
    let second = Proxy::before(address, &files.ca_args());
    let let_in = status(&second, &origin);
    assert!(let_in.starts_with("HTTP/1.1 101 "), "{let_in}");
}

#[test]
fn a_wrong_command_line_is_told_with_2() {
    let files = Files::local();
    let [_, ca] = files.ca_args();
    let [_, _, _, key] = files.serve_args();
    for (flags, problem) in [
        (
            &["--to", "ws://127.0.0.1:1", "--insecure"][..],
            "--insecure",
        ),
        (&["--to", "ws://127.0.0.1:1", "--ca", ca], "wss://"),
        (
            &["--to", "wss://127.0.0.1:1", "--ca", "/nowhere/at/all"],
            "/nowhere/at/all: ",
        ),
        (
            &["--to", "wss://127.0.0.1:1", "--ca", key],
            "BEGIN CERTIFICATE",
        ),
        (
            &["--to", "wss://127.0.0.1:1", "--ca", ca, "--insecure"],
            "cannot be used with",
        ),
        (
            &["--to", "wss://127.0.0.1:1/echo"],
            "the path is the client's",
        ),
    ] {
        let run = run([&["proxy", "--listen", "127.0.0.1:0"][..], flags].concat());
        assert_eq!(run.code, 2, "{flags:?}: {}", run.stderr);
        assert!(run.stderr.contains(problem), "{flags:?}: {}", run.stderr);
    }
}

#[test]
fn of_a_system_that_trusts_nobody_it_is_told_before_anybody_connects() {
    let arguments = [
        "proxy",
        "--listen",
        "127.0.0.1:0",
        "--to",
        "wss://127.0.0.1:1",
    ];
    let run = run_with(
        command().args(arguments).env("SSL_CERT_FILE", "/dev/null"),
        "",
    );
    assert_eq!(run.code, 2, "{}", run.stderr);
    let cure = "SSL_CERT_FILE; --ca FILE names one as well\n";
    assert!(run.stderr.ends_with(cure), "{}", run.stderr);
}
