//! What proxies tell of their clients, over real sockets: by headers, and by the PROXY protocol.

use crate::support::bytes::TEXT;
use crate::support::raw::{Raw, Response, upgrade_request};
use crate::support::server::{Observed, SOON, echo, start, wait_until};
use plainws::net::log::Outcome;
use plainws::{Accept, Error, Limits, Page, Request, Result, Server, WebSocket};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What a server knows of who sent a request.
fn known(request: &Request) -> String {
    let client = request.client_ip();
    format!(
        "{} {} {}",
        client.map_or("-".into(), |client| client.to_string()),
        if request.is_secure() { "https" } else { "http" },
        request.host().unwrap_or("-"),
    )
}

fn site(server: Server) -> Server {
    server
        .allow_host("chat.example".parse().expect("a host"))
        .page_with("/", |request| Page::text(known(request)))
        .route("/", |ws: &mut WebSocket| {
            ws.send(known(ws.request()))?;
            echo(ws)
        })
}

/// A server that trusts proxies on this machine.
fn trusting(configure: impl FnOnce(Server) -> Server) -> SocketAddr {
    start(|server| configure(site(server).trust_proxy("127.0.0.1".parse().expect("an address"))))
}

fn get(headers: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

fn upgrade(headers: &str) -> String {
    upgrade_request("/").replace("Upgrade: w", &format!("{headers}Upgrade: w"))
}

fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let mut raw = Raw::connect(address);
    raw.send(request);
    raw.response()
}

/// A header of the second version: a command, a family, and what follows its length.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("it is short");
    let fixed = [0x20 | command, family];
    [V2_SIGNATURE, &fixed, &length.to_be_bytes(), rest].concat()
}

const TCP4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 1, 0xBB];
/// PP2_TYPE_SSL: the client used TLS, and its certificate was not looked at.
const BY_TLS: [u8; 8] = [0x20, 0, 5, 1, 0, 0, 0, 0];

mod headers_of_http {
    use super::*;

    #[test]
    fn are_believed_of_a_trusted_proxy_and_of_nobody_else() {
        let trusting = trusting(|server| server);
        let wary = start(site);
        let elsewhere =
            start(|server| site(server).trust_proxy("192.0.2.0/24".parse().expect("a network")));
        let headers = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
                       X-Forwarded-Host: chat.example\r\n";
        for headers in [
            headers,
            "Forwarded: for=192.0.2.7;proto=https;host=chat.example\r\n",
        ] {
            for (address, expected) in [
                (trusting, "192.0.2.7 https chat.example"),
                (wary, "127.0.0.1 http localhost"),
                (elsewhere, "127.0.0.1 http localhost"),
            ] {
                assert_eq!(ask(address, get(headers)).text(), expected, "{headers}");
                let mut raw = Raw::connect(address);
                raw.send(upgrade(headers));
                raw.expect_101();
                raw.expect_frame(TEXT, expected);
            }
        }
    }

    #[test]
    fn are_of_one_request_alone() {
        let mut raw = Raw::connect(trusting(|server| server));
        for (headers, expected) in [
            ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 http localhost"),
            ("", "127.0.0.1 http localhost"),
            (
                "X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\n",
                "2001:db8::7 https localhost",
            ),
            ("", "127.0.0.1 http localhost"),
        ] {
            raw.send(get(headers));
            assert_eq!(raw.response().text(), expected);
        }
    }

    #[test]
    fn that_contradict_each_other_are_refused() {
        let address = trusting(|server| server);
        let headers = "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.8\r\n";
        for request in [get(headers), upgrade(headers)] {
            let response = ask(address, request);
            assert_eq!(response.status, 400);
            let text = response.text();
            assert!(
                text.contains("Forwarded") && text.contains("192.0.2.8"),
                "{text}"
            );
        }
        let response = ask(start(site), get(headers));
        assert_eq!(response.status, 200);
    }

    #[test]
    fn do_not_make_a_host_of_one_that_is_not_answered_for() {
        let address = trusting(|server| server);
        for (host, forwarded, status) in [
            ("localhost", "chat.example", 200),
            ("chat.example", "localhost", 200),
            ("localhost", "evil.example", 421),
            // What a page of evil.example may send to its own host, which leads here.
            ("evil.example", "localhost", 421),
            ("evil.example", "chat.example", 421),
        ] {
            let request =
                format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {forwarded}\r\n\r\n");
            let response = ask(address, request);
            assert_eq!(response.status, status, "{host}, {forwarded}");
        }
    }

    #[test]
    fn say_which_pages_are_the_servers_own() {
        let address = trusting(|server| server);
        let https = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
                     X-Forwarded-Host: chat.example\r\n";
        let http = https.replace("https", "http");
        for (told, origin, status) in [
            (https, "https://chat.example", 101),
            (https, "http://chat.example", 403),
            (https, "https://localhost", 403),
            (&http, "http://chat.example", 101),
            ("", "https://chat.example", 403),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(upgrade(&format!("{told}Origin: {origin}\r\n")));
            let head = raw.head();
            let expected = format!("HTTP/1.1 {status} ");
            assert!(head.starts_with(&expected), "{told}{origin}: {head}");
        }
    }
}

mod the_limit_per_address {
    use super::*;

    fn of_one(address: SocketAddr, client: &str) -> (Raw, u16) {
        let mut raw = Raw::connect(address);
        raw.send(upgrade(&format!("X-Forwarded-For: {client}\r\n")));
        let head = raw.head();
        let status = head[9..12].parse().expect("a status");
        (raw, status)
    }

    #[test]
    fn counts_clients_and_not_their_proxy() {
        let address = trusting(|server| server.max_per_address(2));
        let mut open = Vec::new();
        for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            for _ in 0..2 {
                let (raw, status) = of_one(address, client);
                assert_eq!(status, 101, "{client}");
                open.push(raw);
            }
            let (mut refused, status) = of_one(address, client);
            assert_eq!(status, 503, "{client}");
            let body = refused.until_end();
            let body = String::from_utf8_lossy(&body);
            assert!(
                body.contains("too many connections from that address"),
                "{body}"
            );
        }
        // Whoever leaves makes room for the same client.
        open.remove(0).reset();
        wait_until("there is room again", || {
            of_one(address, "192.0.2.1").1 == 101
        });
        assert_eq!(of_one(address, "192.0.2.2").1, 503);
    }

    #[test]
    fn does_not_count_a_proxy_that_tells_of_no_client() {
        let address = trusting(|server| server.max_per_address(1));
        let mut open = Vec::new();
        for headers in [
            "",
            "",
            "X-Forwarded-For: unknown\r\n",
            "Forwarded: for=_hidden\r\n",
            "X-Forwarded-For: 127.0.0.1\r\n",
        ] {
            let mut raw = Raw::connect(address);
            raw.send(upgrade(headers));
            raw.expect_101();
            open.push(raw);
        }
        // However many it has, its clients have theirs.
        assert_eq!(of_one(address, "192.0.2.1").1, 101);
    }

    #[test]
    fn has_room_again_however_a_request_ends() {
        let long = "a".repeat(8 << 20);
        let address = trusting(|server| {
            server
                .max_per_address(1)
                .page("/long", Page::text(long))
                .page_with("/panic", |_| panic!("as the test wants"))
                .route("/panic", |_| -> plainws::Result<()> {
                    panic!("as the test wants")
                })
        });
        let client = "X-Forwarded-For: 192.0.2.1\r\n";
        let to =
            |path: &str, request: String| request.replacen("GET / ", &format!("GET {path} "), 1);
        for request in [
            to("/panic", get(client)),
            to("/panic", upgrade(client)),
            to("/long", get(client)),
            to("/nowhere", get(client)),
            upgrade(&format!("{client}Origin: http://elsewhere.example\r\n")),
            get(&format!("{client}Content-Length: 5\r\n")),
            get(&format!("{client}Connection: close\r\n")),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(&request);
            raw.head();
            // With something unread: it is a reset, in the midst of the long page.
            drop(raw);
            wait_until(&request, || {
                let mut raw = Raw::connect(address);
                raw.send(get(client));
                raw.response().status == 200
            });
        }
        let (_held, status) = of_one(address, "192.0.2.1");
        assert_eq!(status, 101);
        assert_eq!(of_one(address, "192.0.2.1").1, 503);
    }

    #[test]
    fn counts_a_request_only_until_it_is_answered() {
        let address = trusting(|server| server.max_per_address(1));
        // Kept alive by the proxy, for whoever comes next.
        let mut kept: Vec<_> = (0..3).map(|_| Raw::connect(address)).collect();
        for raw in kept.iter_mut().chain([&mut Raw::connect(address)]) {
            raw.send(get("X-Forwarded-For: 192.0.2.1\r\n"));
            assert_eq!(raw.response().status, 200);
        }
        assert_eq!(of_one(address, "192.0.2.1").1, 101);
    }

    #[test]
    fn refuses_one_client_and_not_the_next_on_other_connections() {
        let address = trusting(|server| server.max_per_address(1));
        let (_held, status) = of_one(address, "192.0.2.1");
        assert_eq!(status, 101);
        let response = ask(address, get("X-Forwarded-For: 192.0.2.1\r\n"));
        assert_eq!(response.status, 503);
        let response = ask(address, get("X-Forwarded-For: 192.0.2.2\r\n"));
        assert_eq!(response.status, 200);
        // The proxy's own requests, such as for health, are nobody's.
        assert_eq!(ask(address, get("")).status, 200);
    }
}

mod a_proxy_header {
    use super::*;

    fn v1() -> Vec<u8> {
        b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec()
    }

    #[test]
    fn introduces_the_client_of_a_trusted_proxy() {
        let address = trusting(|server| server);
        let tcp6 = [
            &[0x20, 1, 0xD, 0xB8][..],
            &[0; 11],
            &[7],
            &[0; 16],
            &[0x30, 0x39, 1, 0xBB],
        ]
        .concat();
        for (header, expected) in [
            (v1(), "192.0.2.7 http localhost"),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n".to_vec(),
                "2001:db8::7 http localhost",
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1 http localhost"),
            (v2(1, 0x11, &TCP4), "192.0.2.7 http localhost"),
            (
                v2(1, 0x11, &[&TCP4[..], &BY_TLS].concat()),
                "192.0.2.7 https localhost",
            ),
            (v2(1, 0x21, &tcp6), "2001:db8::7 http localhost"),
            (v2(0, 0, &[]), "127.0.0.1 http localhost"),
            (Vec::new(), "127.0.0.1 http localhost"),
        ] {
            let shown = header.escape_ascii();
            let mut raw = Raw::connect(address);
            raw.send([&header[..], get("").as_bytes()].concat());
            assert_eq!(raw.response().text(), expected, "{shown}");
            // It is said once, for all requests.
            raw.send(upgrade(""));
            raw.expect_101();
            raw.expect_frame(TEXT, expected);
        }
    }

    #[test]
    fn may_come_in_any_portions() {
        let address = trusting(|server| server);
        for header in [v1(), v2(1, 0x11, &[&TCP4[..], &BY_TLS].concat())] {
            let all = [&header[..], upgrade("").as_bytes()].concat();
            for cut in 1..header.len() + 3 {
                let mut raw = Raw::connect(address);
                raw.send(&all[..cut]);
                raw.send(&all[cut..]);
                raw.expect_101();
                let (_, text) = raw.frame();
                assert!(text.starts_with(b"192.0.2.7 "), "cut at {cut}");
                raw.send_frame(TEXT, "still in step");
                raw.expect_frame(TEXT, "still in step");
            }
        }
    }

    #[test]
    fn of_anybody_else_is_refused_and_named() {
        let told = |address| {
            let mut raw = Raw::connect(address);
            raw.send([v1(), get("").into()].concat());
            let response = raw.response();
            raw.expect_fin();
            assert_eq!(response.status, 400);
            response.text().to_owned()
        };
        let elsewhere = |server| site(server).trust_proxy("192.0.2.7".parse().expect("an address"));
        for address in [start(site), start(elsewhere)] {
            let expected = "400 Bad Request: a PROXY protocol header from 127.0.0.1, which is no trusted proxy\n";
            assert_eq!(told(address), expected);
            let response = ask(address, [v2(1, 0x11, &TCP4), get("").into()].concat());
            assert_eq!(response.text(), expected);
        }
    }

    #[test]
    fn that_is_malformed_is_refused() {
        let address = trusting(|server| server);
        for header in [
            b"PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n".to_vec(),
            b"PROXY TCP5 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec(),
            v2(7, 0x11, &TCP4),
            v2(1, 0x11, &TCP4[1..]),
        ] {
            let mut raw = Raw::connect(address);
            raw.send([&header[..], get("").as_bytes()].concat());
            let response = raw.response();
            assert_eq!(response.status, 400, "{}", header.escape_ascii());
            assert!(response.text().contains("PROXY"), "{}", response.text());
            raw.expect_fin();
        }
    }

    #[test]
    fn that_does_not_end_has_the_time_of_a_head() {
        let limits = Limits::default().head_timeout(Duration::from_millis(200));
        let address = trusting(|server| server.limits(limits));
        for part in ["", "P", "PROXY TCP4 192.0", "\r\n\r\n\0"] {
            let mut raw = Raw::connect(address);
            raw.send(part);
            raw.expect_fin();
        }
    }

    #[test]
    fn is_one_hop_beyond_which_other_headers_are_believed_only_of_trusted_peers() {
        let address =
            trusting(|server| server.trust_proxy("10.0.0.0/8".parse().expect("a network")));
        let by = |source: &str| {
            let header = format!("PROXY TCP4 {source} 10.0.0.1 12345 443\r\n");
            let response = ask(address, header + &get("X-Forwarded-For: 192.0.2.9\r\n"));
            response.text().to_owned()
        };
        assert_eq!(by("10.1.1.1"), "192.0.2.9 http localhost");
        assert_eq!(by("192.0.2.7"), "192.0.2.7 http localhost");
    }

    #[test]
    fn counts_the_whole_connection_and_not_only_its_requests() {
        let address = trusting(|server| server.max_per_address(2));
        let named = |client: &str| {
            let mut raw = Raw::connect(address);
            raw.send(format!("PROXY TCP4 {client} 10.0.0.1 12345 443\r\n"));
            raw
        };
        let mut first = named("192.0.2.1");
        first.send(get(""));
        assert_eq!(first.response().status, 200);
        // It is kept alive.
        let mut held = named("192.0.2.1");
        held.send(upgrade(""));
        held.expect_101();
        held.frame();
        // One more is refused before it asks for anything.
        let mut second = named("192.0.2.1");
        let response = second.response();
        assert_eq!(response.status, 503);
        assert!(response.text().contains("from that address"));
        second.expect_fin();
        let mut other = named("192.0.2.2");
        other.send(get(""));
        assert_eq!(other.response().status, 200);
        first.send(get(""));
        assert_eq!(first.response().status, 200);
        held.reset();
        wait_until("there is room again", || {
            let mut again = named("192.0.2.1");
            let _ = again.try_send(get(""));
            again.response().status == 200
        });
    }

    #[test]
    fn says_which_client_has_too_many_to_be_kept() {
        let address = trusting(|server| server.max_per_address(4));
        let asked = |client: &str| {
            let mut raw = Raw::connect(address);
            raw.send(format!("PROXY TCP4 {client} 10.0.0.1 12345 443\r\n") + &get(""));
            let response = raw.response();
            let is_last = response.header("Connection") == Some("close");
            (raw, is_last)
        };
        let first = [asked("192.0.2.1"), asked("192.0.2.1")];
        assert!(first.iter().all(|(_, is_last)| !is_last));
        assert!(asked("192.0.2.1").1, "three quarters are taken");
        assert!(!asked("192.0.2.2").1);
    }

    #[test]
    fn may_be_followed_by_several_requests_at_once() {
        let address = trusting(|server| server);
        // Longer than what is read at once, by a part that is there to be skipped (PP2_TYPE_NOOP).
        let padded = [&TCP4[..], &[4, 4, 0], &[0; 1024]].concat();
        for header in [v1(), v2(1, 0x11, &TCP4), v2(1, 0x11, &padded)] {
            let long = get(&format!("Cookie: {}\r\n", "a".repeat(2000)));
            let mut raw = Raw::connect(address);
            let requests = [long, get(""), upgrade("")].concat();
            raw.send([&header[..], requests.as_bytes()].concat());
            for _ in 0..2 {
                assert_eq!(raw.response().text(), "192.0.2.7 http localhost");
            }
            raw.expect_101();
            raw.expect_frame(TEXT, "192.0.2.7 http localhost");
        }
    }

    #[test]
    fn is_needed_by_nobody_who_asks_for_a_reserved_page() {
        let address = trusting(|server| {
            let server = server.max_connections(1);
            server.reserved_page("/well", |request| Page::text(known(request)))
        });
        let mut held = Raw::connect(address);
        held.send(upgrade(""));
        held.expect_101();
        let well = get("X-Forwarded-For: 192.0.2.9\r\n").replace("/ ", "/well ");
        for (header, request, status, told) in [
            ("", &*well, 200, "192.0.2.9 http localhost"),
            ("PROXY UNKNOWN\r\n", &well, 200, "192.0.2.9 http localhost"),
            (
                "PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
                &well,
                200,
                "192.0.2.7 http localhost",
            ),
            (
                "PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
                &get(""),
                503,
                "too many connections",
            ),
            ("PROXY TCP4 192.0.2.7\r\n", &well, 400, "PROXY header"),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(header.to_owned() + request);
            let response = raw.response();
            assert_eq!(response.status, status, "{header}{request}");
            assert!(response.text().contains(told), "{}", response.text());
            raw.expect_fin();
        }
    }

    #[test]
    fn comes_once_and_first() {
        let address =
            trusting(|server| server.trust_proxy("10.0.0.0/8".parse().expect("a network")));
        for before in [
            "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_owned(),
            "PROXY TCP4 10.0.0.2 10.0.0.1 12345 443\r\n".to_owned(),
            "PROXY UNKNOWN\r\n".to_owned(),
            get(""),
            "\r\n".to_owned(),
        ] {
            for header in [v1(), v2(1, 0x11, &TCP4)] {
                let mut raw = Raw::connect(address);
                raw.send(&before);
                if before.starts_with("GET") {
                    raw.response();
                }
                raw.send([&header[..], get("").as_bytes()].concat());
                let response = raw.response();
                assert_eq!(response.status, 400, "{before}");
                let text = response.text();
                let is_of_stranger = before.contains("192.0.2.7");
                let told = match is_of_stranger {
                    true => "a PROXY protocol header from 192.0.2.7, which is no trusted proxy",
                    false => "a PROXY protocol header comes once, before anything else",
                };
                assert!(text.contains(told), "{before}: {text}");
            }
        }
    }

    #[test]
    fn counts_for_the_client_that_it_names() {
        let address = trusting(|server| server.max_per_address(1));
        let by = |client: &str| {
            let mut raw = Raw::connect(address);
            raw.send(format!("PROXY TCP4 {client} 10.0.0.1 12345 443\r\n") + &upgrade(""));
            let head = raw.head();
            (raw, head[9..12].to_owned())
        };
        let (_held, status) = by("192.0.2.1");
        assert_eq!(status, "101");
        assert_eq!(by("192.0.2.1").1, "503");
        assert_eq!(by("192.0.2.2").1, "101");
    }
}

mod an_accept {
    use super::*;

    /// A peer, and what comes of it on the side of the server.
    struct Asked {
        raw: Raw,
        accepting: JoinHandle<Result<WebSocket>>,
    }

    impl Asked {
        /// One that begins with these bytes, in this many portions.
        fn by(accept: Accept, bytes: impl AsRef<[u8]>, portions: usize) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
            let mut raw = Raw::connect(listener.local_addr().expect("it is bound"));
            let (stream, _) = listener.accept().expect("it has connected");
            let accepting = thread::spawn(move || accept.accept(stream));
            let bytes = bytes.as_ref();
            for portion in bytes.chunks(bytes.len().div_ceil(portions).max(1)) {
                raw.send(portion);
            }
            Self { raw, accepting }
        }

        /// The peer comes last, to leave first: a connection that is dropped waits for it.
        fn let_in(mut self) -> (WebSocket, Raw) {
            self.raw.expect_101();
            let accepted = self.accepting.join().expect("it does not panic");
            (accepted.expect("it is open"), self.raw)
        }

        /// The answer, and what the caller is told.
        fn refused(mut self) -> (Response, Error) {
            let response = self.raw.response();
            self.raw.send_fin();
            let accepted = self.accepting.join().expect("it does not panic");
            (response, accepted.expect_err("nothing is open"))
        }
    }

    fn trusting() -> Accept {
        Accept::new()
            .allow_host("chat.example".parse().expect("a host"))
            .trust_proxy("127.0.0.1".parse().expect("an address"))
    }

    fn elsewhere() -> Accept {
        Accept::new().trust_proxy("192.0.2.0/24".parse().expect("a network"))
    }

    #[test]
    fn believes_headers_of_a_trusted_proxy_and_of_nobody_else() {
        let x = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
                 X-Forwarded-Host: chat.example\r\n";
        let forwarded = "Forwarded: for=192.0.2.7;proto=https;host=chat.example\r\n";
        for headers in [x, forwarded] {
            let told = |accept| {
                let (ws, _raw) = Asked::by(accept, upgrade(headers), 1).let_in();
                let peer = ws.peer_addr().expect("there is one");
                assert!(peer.ip().is_loopback(), "{peer}");
                known(ws.request())
            };
            assert_eq!(told(trusting()), "192.0.2.7 https chat.example");
            assert_eq!(told(Accept::new()), "127.0.0.1 http localhost");
            assert_eq!(told(elsewhere()), "127.0.0.1 http localhost");
        }
    }

    #[test]
    fn is_told_by_a_proxy_header_in_any_portions_who_the_client_is() {
        let v1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec();
        let by_tls = v2(1, 0x11, &[&TCP4[..], &BY_TLS].concat());
        for (header, expected) in [
            (v1, "192.0.2.7 http localhost"),
            (by_tls, "192.0.2.7 https localhost"),
        ] {
            for portions in [1, 2, 50] {
                let bytes = [&header[..], upgrade("").as_bytes()].concat();
                let (ws, mut raw) = Asked::by(trusting(), bytes, portions).let_in();
                assert_eq!(known(ws.request()), expected);
                let client = "192.0.2.7:12345".parse().ok();
                assert_eq!(ws.peer_addr(), client);
                raw.send_frame(TEXT, "in step");
                let message = ws.receive().expect("it is open");
                assert_eq!(message, Some("in step".into()));
            }
        }
        // It is one hop: who sends headers is asked for once more.
        let bytes = format!(
            "PROXY TCP4 192.0.2.8 10.0.0.1 12345 443\r\n{}",
            upgrade("X-Forwarded-For: 192.0.2.9\r\n")
        );
        let (ws, _raw) = Asked::by(trusting(), &bytes, 1).let_in();
        assert_eq!(known(ws.request()), "192.0.2.8 http localhost");
        let both = trusting().trust_proxy("192.0.2.8".parse().expect("an address"));
        let (ws, _raw) = Asked::by(both, &bytes, 1).let_in();
        assert_eq!(known(ws.request()), "192.0.2.9 http localhost");
    }

    #[test]
    fn refuses_what_is_malformed_contradictory_or_comes_from_nobody_who_is_trusted() {
        let v1 = "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
        let untrusted = "a PROXY protocol header from 127.0.0.1, which is no trusted proxy";
        let contradiction = upgrade("X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.8\r\n");
        for (accept, bytes, status, why) in [
            (elsewhere(), v1.into(), 400, untrusted),
            (Accept::new(), v1.into(), 400, untrusted),
            (Accept::new(), v2(1, 0x11, &TCP4), 400, untrusted),
            (trusting(), b"PROXY TCP5 1\r\n".to_vec(), 400, "PROXY"),
            (trusting(), v2(7, 0x11, &TCP4), 400, "PROXY"),
            (trusting(), contradiction.into(), 400, "Forwarded"),
            (
                trusting(),
                upgrade("X-Forwarded-Host: evil.example\r\n").into(),
                421,
                "does not answer for that host",
            ),
            (
                trusting(),
                upgrade("X-Forwarded-Proto: https\r\nOrigin: http://localhost\r\n").into(),
                403,
                "http://localhost",
            ),
        ] {
            let (response, error) = Asked::by(accept, &bytes, 1).refused();
            let bytes = bytes.escape_ascii();
            assert_eq!(response.status, status, "{bytes}");
            assert!(
                response.text().contains(why),
                "{bytes}: {}",
                response.text()
            );
            let Error::Declined {
                status: told,
                reason,
            } = &error
            else {
                panic!("{bytes}: {error:?}")
            };
            assert_eq!(*told, status, "{bytes}");
            assert!(reason.contains(why), "{bytes}: {reason}");
        }
    }

    #[test]
    fn waits_for_a_proxy_header_for_as_long_as_for_a_head() {
        let limits = Limits::default().head_timeout(SOON);
        for part in ["", "PROXY TCP4 192.0", "\r\n\r\n\0"] {
            let mut asked = Asked::by(trusting().limits(limits), part, 1);
            asked.raw.expect_fin();
            let accepted = asked.accepting.join().expect("it does not panic");
            let Err(Error::Io(error)) = accepted else {
                panic!("an error of the stream, not {accepted:?}")
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{part}");
        }
        let asked = Asked::by(trusting(), "PROXY TCP4 192.0", 1);
        asked.raw.send_fin();
        let accepted = asked.accepting.join().expect("it does not panic");
        let Err(Error::Io(error)) = accepted else {
            panic!("an error of the stream, not {accepted:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    /// Who looks for it looks for the client, not for the proxy.
    #[test]
    fn names_the_client_in_its_errors() {
        let header = "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
        let bytes = format!("{header}GET /\r\n");
        let (_, error) = Asked::by(trusting(), bytes, 1).refused();
        let error = error.to_string();
        assert!(error.contains("192.0.2.7:12345"), "{error}");
    }
}

/// On a listener of IPv6 that takes IPv4 as well.
#[cfg(target_os = "linux")]
#[test]
fn an_ipv4_address_that_is_written_as_one_of_ipv6_is_the_ipv4_address() {
    let Ok(server) = Server::bind("[::]:0") else {
        return; // There is no IPv6 here.
    };
    let port = server.local_addr().expect("it is bound").port();
    let (told, lines) = mpsc::channel();
    let server = site(server).allow_host("localhost".parse().expect("a host"));
    let server = server
        .trust_proxy("127.0.0.1".parse().expect("an address"))
        .log(move |record| {
            let _ = told.send((record.who(), record.client));
        });
    let handle = server.handle().expect("it is bound");
    let serving = std::thread::spawn(move || server.serve());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    for (headers, expected) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"),
        ("X-Forwarded-For: ::ffff:192.0.2.7\r\n", "192.0.2.7"),
    ] {
        let text = format!("{expected} http localhost");
        assert_eq!(ask(address, get(headers)).text(), text, "{headers}");
        let (who, client) = lines.recv().expect("it is told");
        assert_eq!(client, expected.parse().ok());
        let (who, _) = who.split_once(':').unwrap_or((&who, ""));
        assert_eq!(who, expected);
    }
    handle.shutdown();
    serving.join().expect("it does not panic");
}

mod the_log {
    use super::*;

    fn logging(server: Server) -> (Server, Observed<String>) {
        let (told, lines) = mpsc::channel();
        let server = server.log(move |record| {
            let outcome = match &record.outcome {
                Outcome::Response { status, .. } => status.to_string(),
                Outcome::Closed { .. } => "closed".into(),
                _ => "other".into(),
            };
            let peer = record.peer.expect("there is one");
            let is_port_known = record.who().contains(':');
            let client = record.client.expect("it is known");
            let _ = told.send(format!("{outcome} {client} {} {is_port_known}", peer.ip()));
        });
        (server, lines.into())
    }

    #[test]
    fn has_the_client_and_who_connected() {
        let mut lines = None;
        let address = trusting(|server| {
            let (server, told) = logging(server);
            lines = Some(told);
            server
        });
        let lines = lines.expect("it was set");
        ask(address, get("X-Forwarded-For: 192.0.2.7\r\n"));
        assert_eq!(lines.next(), "200 192.0.2.7 127.0.0.1 false");
        ask(address, get(""));
        assert_eq!(lines.next(), "200 127.0.0.1 127.0.0.1 true");
        let header = "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
        ask(address, format!("{header}{}", get("")));
        assert_eq!(lines.next(), "200 192.0.2.7 192.0.2.7 true");
        let mut raw = Raw::connect(address);
        raw.send(upgrade("X-Forwarded-For: 192.0.2.8\r\n"));
        raw.expect_101();
        raw.reset();
        assert_eq!(lines.next(), "closed 192.0.2.8 127.0.0.1 false");
        // What is refused before its headers are understood is the proxy's.
        ask(
            address,
            "GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n",
        );
        assert_eq!(lines.next(), "400 127.0.0.1 127.0.0.1 true");
        // A request without headers of its own on a connection that had some is the proxy's again.
        let mut raw = Raw::connect(address);
        raw.send(get("X-Forwarded-For: 192.0.2.7\r\n"));
        raw.response();
        assert_eq!(lines.next(), "200 192.0.2.7 127.0.0.1 false");
        raw.send("nonsense\r\n\r\n");
        raw.response();
        assert_eq!(lines.next(), "400 127.0.0.1 127.0.0.1 true");
    }
}

#[cfg(unix)]
mod a_unix_socket {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn is_trusted_as_such() {
        let folder = std::env::temp_dir().join(format!("plainws-trust-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("there is room");
        for (name, is_trusted, expected) in [
            ("a", true, "192.0.2.7 http localhost"),
            ("b", false, "- http localhost"),
        ] {
            let path = folder.join(name);
            let listener = UnixListener::bind(&path).expect("the path is free");
            let server = Server::from_listener(listener);
            let mut server = server.page_with("/", |request| Page::text(known(request)));
            if is_trusted {
                server = server.trust_proxy("unix".parse().expect("an address"));
            }
            let handle = server.handle().expect("it listens");
            let serving = thread::spawn(move || server.serve());
            let mut stream = UnixStream::connect(&path).expect("it listens");
            let request = get("X-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n");
            stream.write_all(request.as_bytes()).expect("it is read");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            assert!(answer.ends_with(expected), "{answer}");
            handle.shutdown();
            serving.join().expect("it does not panic");
        }
        std::fs::remove_dir_all(&folder).expect("it is there");
    }
}
