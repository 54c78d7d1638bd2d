//! The client over real sockets: against the library's own server, and against hand-made ones that
//! answer wrongly.

use crate::support;
use crate::support::bytes::{BINARY, CLOSE, PING, PONG, TEXT, close_body, frame, wire};
use crate::support::due;
use crate::support::hand_made::{accepting, answering, hand_made, switching};
use crate::support::raw::{ACCEPT, PATIENCE, Raw, header};
use crate::support::server::{SOON, echo, endless, start};
use plainws::net::tap::Direction;
use plainws::{Client, CloseCode, CloseReason, Error, Limits, Message, Refusal, Role, Rule};
use std::collections::HashSet;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MOMENT: Duration = Duration::from_millis(30);

fn server(frames: &[(u8, &[u8])]) -> Vec<u8> {
    wire(Role::Server, frames)
}

#[track_caller]
fn refusal(result: plainws::Result<plainws::WebSocket>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("a refusal, not {other:?}"),
    }
}

#[track_caller]
fn io_kind(result: plainws::Result<plainws::WebSocket>) -> io::ErrorKind {
    match result {
        Err(Error::Io(error)) => error.kind(),
        other => panic!("an error of the socket, not {other:?}"),
    }
}

mod with_the_librarys_server {
    use super::*;

    #[test]
    fn messages_of_every_length_form_come_back_as_they_were() {
        let address = start(|server| server.route("/echo", echo));
        let ws = plainws::connect(&format!("ws://{address}/echo")).unwrap();
        assert_eq!(ws.peer_addr(), Some(address));
        for length in [0, 1, 125, 126, 65_535, 65_536, 1024 * 1024] {
            for message in [
                Message::Text("ü".repeat(length / 2)),
                Message::Binary(vec![0xFF; length]),
            ] {
                ws.send(message.clone()).unwrap();
                assert!(ws.receive().unwrap() == Some(message), "{length} bytes");
            }
        }
        ws.close(CloseCode::NORMAL, "done").unwrap();
        assert_eq!(
            ws.close_reason(),
            CloseReason::decode(b"\x03\xE8done").ok(),
            "the server gave code and reason back"
        );
        assert!(ws.send("late").unwrap_err().is_closed());
        assert_eq!(ws.receive().unwrap(), None);
    }

    #[test]
    fn path_query_and_subprotocol_arrive() {
        let address = start(|server| {
            server.subprotocols(["b"]).route("/", |ws| {
                let query = ws.request().query().unwrap_or("none").to_owned();
                ws.send(query)
            })
        });
        // §3: without a path the resource name is a slash all the same.
        let client = Client::new(&format!("WS://{address}?a=%23")).unwrap();
        let client = client.subprotocol("a").unwrap().subprotocol("b").unwrap();
        let ws = client.connect().unwrap();
        assert_eq!(ws.receive().unwrap(), Some("a=%23".into()));
        assert_eq!(ws.subprotocol(), Some("b"));
        assert_eq!(ws.request().path(), "/");
        assert_eq!(ws.receive().unwrap(), None);
        let reason = ws.close_reason().unwrap();
        assert_eq!(reason.code, CloseCode::NORMAL);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_a_refusal() {
        let address = start(|server| server.route("/echo", echo));
        let refusal = refusal(plainws::connect(&format!("ws://{address}/other")));
        assert_eq!(refusal.response.status(), 404);
        assert!(refusal.body.starts_with(b"404 Not Found"));
    }
}

mod an_address {
    use super::*;

    #[test]
    fn of_a_name_whose_others_refuse_is_found() {
        // Usually ::1 and 127.0.0.1, or the latter alone: only that listens.
        let address = start(|server| server.route("/", echo));
        let url = format!("ws://localhost:{}/", address.port());
        let ws = plainws::connect(&url).unwrap();
        ws.send("here").unwrap();
        assert_eq!(ws.receive().unwrap(), Some("here".into()));
    }

    #[test]
    fn of_version_6_stands_in_brackets() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else {
            support::skip(
                "the test with IPv6",
                "this machine has no IPv6",
                "PLAINWS_IPV6",
            );
            return;
        };
        let address = listener.local_addr().unwrap();
        let server = plainws::Server::from_listener(listener).route("/", |ws| {
            let host = ws.request().host().unwrap_or_default().to_owned();
            ws.send(&host)
        });
        thread::spawn(move || server.serve());
        let ws = plainws::connect(&format!("ws://{address}")).unwrap();
        let host = format!("[::1]:{}", address.port());
        assert_eq!(ws.receive().unwrap(), Some(Message::Text(host)));
        assert_eq!(ws.peer_addr(), Some(address));
    }
}

mod s4_1_request {
    use super::*;

    #[test]
    fn asks_for_the_resource_that_the_url_names() {
        for (resource, target) in [
            ("", "/"),
            ("?x", "/?x"),
            ("/?", "/?"),
            ("/a/../b//c", "/a/../b//c"),
            ("/%23%20?a=b?c/d@e:f", "/%23%20?a=b?c/d@e:f"),
        ] {
            let server = hand_made(move |raw, request| {
                let line = format!("GET {target} HTTP/1.1\r\n");
                assert!(request.starts_with(&line), "{request}");
                raw.send(switching(request));
            });
            let url = server.url.replace("/chat", resource);
            drop(plainws::connect(&url).unwrap());
            server.join();
        }
    }

    #[test]
    fn has_each_header_that_must_be_there_and_waits_for_the_answer() {
        let server = hand_made(|raw, request| {
            raw.expect_silence(MOMENT);
            raw.send(switching(request));
            let mut lines = request.split("\r\n");
            assert_eq!(lines.next(), Some("GET /chat?room=1 HTTP/1.1"));
            let port = header(request, "Host").and_then(|host| host.strip_prefix("127.0.0.1:"));
            assert!(port.is_some_and(|port| port.parse::<u16>().is_ok()));
            assert_eq!(header(request, "Upgrade"), Some("websocket"));
            assert_eq!(header(request, "Connection"), Some("Upgrade"));
            assert_eq!(header(request, "Sec-WebSocket-Version"), Some("13"));
            let key = header(request, "Sec-WebSocket-Key").unwrap();
            assert!(key.len() == 24 && key.ends_with("=="), "{key}");
            assert_eq!(header(request, "Sec-WebSocket-Extensions"), None);
            assert_eq!(header(request, "Sec-WebSocket-Protocol"), None);
            assert_eq!(header(request, "Origin"), None, "only browsers must");
        });
        drop(plainws::connect(&format!("{}?room=1", server.url)).unwrap());
        server.join();
    }

    #[test]
    fn has_what_the_caller_adds() {
        let server = hand_made(|raw, request| {
            raw.send(switching(request));
            assert_eq!(header(request, "Origin"), Some("https://example.com"));
            assert_eq!(header(request, "Cookie"), Some("session=1"));
            assert_eq!(header(request, "Sec-WebSocket-Protocol"), Some("v2, v1"));
        });
        let client = Client::new(&server.url)
            .and_then(|client| client.origin("https://example.com"))
            .and_then(|client| client.header("Cookie", "session=1"))
            .and_then(|client| client.subprotocol("v2"))
            .and_then(|client| client.subprotocol("v1"));
        let ws = client.unwrap().connect().unwrap();
        assert_eq!(ws.subprotocol(), None, "the server chose none");
        assert_eq!(ws.request().header("cookie"), Some("session=1"));
        drop(ws);
        server.join();
    }

    #[test]
    fn has_a_new_key_for_each_connection() {
        let (told, keys) = std::sync::mpsc::channel();
        for _ in 0..8 {
            let told = told.clone();
            let server = hand_made(move |_, request| {
                let _ = told.send(header(request, "Sec-WebSocket-Key").unwrap().to_owned());
            });
            assert_eq!(
                io_kind(plainws::connect(&server.url)),
                io::ErrorKind::UnexpectedEof
            );
            server.join();
        }
        drop(told);
        let different: HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), 8);
    }

    #[test]
    fn refuses_headers_that_would_make_it_another_request() {
        let client = || Client::new("ws://127.0.0.1:1/").unwrap();
        for (name, value) in [
            ("X", "1\r\nEvil: 1"),
            ("X", "1\n"),
            ("X", "\0"),
            ("X: 1\r\nEvil", "1"),
            ("X ", "1"),
            ("", "1"),
            ("X", "\x7F"),
            ("Ü", "1"),
            ("Host", "other"),
            ("upgrade", "h2c"),
            ("CONNECTION", "close"),
            ("sec-websocket-key", "mine"),
            ("Sec-WebSocket-Version", "8"),
            ("Sec-WebSocket-Accept", "mine"),
            ("Sec-WebSocket-Protocol", "mine"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Content-Length", "5"),
            ("Transfer-Encoding", "chunked"),
        ] {
            let refused = client().header(name, value);
            assert!(
                matches!(refused, Err(Error::Header(_))),
                "{name:?}: {value:?}"
            );
        }
        for name in ["", "a b", "a,b", "ü", "a\r\n"] {
            let refused = client().subprotocol(name);
            assert!(matches!(refused, Err(Error::Header(_))), "{name:?}");
        }
        let origin = client().origin("http://a\r\nEvil: 1");
        assert!(matches!(origin, Err(Error::Header(_))));
        let twice = client().origin("http://a").unwrap().origin("http://b");
        assert!(matches!(twice, Err(Error::Header(_))));
        let twice = client().subprotocol("a").unwrap().subprotocol("a");
        assert!(matches!(twice, Err(Error::Header(_))));
    }
}

mod s3_url {
    use super::*;

    #[test]
    fn of_another_kind_is_refused_before_anything_is_sent() {
        for url in [
            "",
            "127.0.0.1:1",
            "http://127.0.0.1:1/",
            "ws:/127.0.0.1:1/",
            "ws://",
            "ws:///path",
            "ws://:1/",
            "ws://127.0.0.1:1/#fragment",
            "ws://127.0.0.1:1/a b",
            "ws://127.0.0.1:1/a\r\nEvil: 1",
            "ws://127.0.0.1:1/ü",
            "ws://user@127.0.0.1:1/",
            "ws://127.0.0.1:65536/",
            "ws://127.0.0.1:-1/",
            "ws://127.0.0.1:+1/",
            "ws://127.0.0.1:one/",
            "ws://127.0.0.1:1#",
            "ws://user:password@127.0.0.1:1/",
            "ws://127.0.0.1:1\\path",
            "ws://exa mple.com/",
            "ws://exämple.com/",
            "ws://<example>/",
            "ws://[::1/",
            "ws://::1/",
            "ws://[]/",
            "ws://[::1]x/",
            " ws://127.0.0.1:1/",
            "//127.0.0.1:1/",
        ] {
            let refused = Client::new(url);
            let is_refused = matches!(refused, Err(Error::Url(_) | Error::Header(_)));
            assert!(is_refused, "{url}: {refused:?}");
        }
    }

    /// Nobody is asked without TLS instead.
    #[cfg(not(feature = "tls"))]
    #[test]
    fn with_tls_is_refused_by_a_build_without_with_a_word_that_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("wss://{}/", listener.local_addr().unwrap());
        let refused = plainws::connect(&url).unwrap_err();
        assert!(matches!(refused, Error::Url(_)), "{refused:?}");
        let said = refused.to_string();
        assert!(
            said.ends_with(": wss:// needs TLS: build with --features tls"),
            "{said}"
        );
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn that_nobody_listens_at_is_an_error_of_the_socket() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        assert_eq!(
            io_kind(plainws::connect(&format!("ws://{address}/"))),
            io::ErrorKind::ConnectionRefused
        );
    }
}

mod s4_1_answer {
    use super::*;

    #[test]
    fn may_have_folded_headers() {
        let server = hand_made(|raw, request| {
            let folded = switching(request).replace(": ", ":\r\n ");
            raw.send(folded.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a\r\n\t\r\n\r\n"));
            raw.send(server(&[(TEXT, b"\r\n is no fold here")]));
            raw.until_end();
        });
        let client = Client::new(&server.url).unwrap().subprotocol("a").unwrap();
        let ws = client.connect().unwrap();
        assert_eq!(ws.subprotocol(), Some("a"));
        assert_eq!(ws.receive().unwrap(), Some("\r\n is no fold here".into()));
        drop(ws);
        server.join();
    }

    #[test]
    fn that_breaks_a_rule_fails_with_that_rule() {
        let mut tried = 0;
        for rule in Rule::ALL {
            let (None, Some(violation)) = (rule.close_code(), rule.example(Role::Server)) else {
                continue;
            };
            let answer = std::str::from_utf8(violation).unwrap();
            let server = hand_made(move |raw, request| {
                let right = switching(request);
                let accept = header(&right, "Sec-WebSocket-Accept").unwrap();
                let _ = raw.try_send(answer.replace(ACCEPT, accept));
                raw.send_fin();
                assert_eq!(raw.until_end(), b"", "the client leaves without a word");
            });
            match plainws::connect(&server.url) {
                Err(Error::Rule(broken)) => assert_eq!(broken, *rule),
                Err(Error::Refused(_)) => assert_eq!(*rule, Rule::StatusNot101),
                other => panic!("{}: {other:?}", rule.id()),
            }
            server.join();
            tried += 1;
        }
        assert!(tried >= 15, "{tried} rules bind a server's head");
    }

    #[test]
    fn that_agrees_to_what_was_not_offered_is_refused() {
        for (line, rule) in [
            ("Sec-WebSocket-Protocol: Chat", Rule::SubprotocolNotOffered),
            (
                "Sec-WebSocket-Protocol: a, chat",
                Rule::SubprotocolNotOffered,
            ),
            ("Sec-WebSocket-Protocol:", Rule::SubprotocolNotOffered),
            (
                "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat",
                Rule::HeaderRepeated,
            ),
            ("Sec-WebSocket-Extensions: x", Rule::ExtensionNotOffered),
        ] {
            let server = hand_made(move |raw, request| {
                let right = switching(request);
                raw.send(right.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n")));
                assert_eq!(raw.until_end(), b"", "the client leaves without a word");
            });
            let client = Client::new(&server.url).unwrap().subprotocol("chat");
            let refused = client.unwrap().connect();
            let is_refused = matches!(&refused, Err(Error::Rule(broken)) if *broken == rule);
            assert!(is_refused, "{line}: {refused:?}");
            server.join();
        }
    }

    #[test]
    fn that_drips_is_waited_for_no_longer_than_one_that_does_not_come() {
        let server = hand_made(move |raw, request| {
            // No wait for a byte is as long as the time for the whole.
            let answer = switching(request).repeat(100).into_bytes();
            let has_left = answer.iter().any(|byte| {
                thread::sleep(SOON / 20);
                raw.try_send([*byte]).is_err()
            });
            assert!(has_left, "the client leaves");
        });
        let client = Client::new(&server.url).unwrap().timeout(SOON);
        let result = due::call(Instant::now(), SOON, || client.connect());
        assert_eq!(io_kind(result), io::ErrorKind::TimedOut);
        server.join();
    }

    #[test]
    fn that_ends_early_is_the_end() {
        for part in ["", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"] {
            let server = hand_made(move |raw, _| raw.send(part));
            let ended = io_kind(plainws::connect(&server.url));
            assert_eq!(ended, io::ErrorKind::UnexpectedEof);
            server.join();
        }
    }

    #[test]
    fn with_a_head_beyond_the_callers_limit_is_the_servers_fault() {
        let server = hand_made(|raw, request| {
            let _ = raw.try_send(switching(request));
        });
        let mut limits = Limits::default();
        limits.head.max_bytes = 50;
        let refused = Client::new(&server.url).unwrap().limits(limits).connect();
        assert!(
            matches!(&refused, Err(Error::Rule(broken)) if *broken == Rule::HeadTooLarge),
            "{refused:?}"
        );
        server.join();
    }

    #[test]
    fn may_be_written_in_any_case_and_with_more_headers() {
        let server = hand_made(|raw, request| {
            let answer = switching(request)
                .replace("Upgrade: websocket", "UPGRADE:WebSocket")
                .replace("Connection: Upgrade", "connection: keep-alive, UPGRADE")
                .replace(
                    "Sec-WebSocket-Accept: ",
                    "X-Else: 1\r\nsec-websocket-accept:\t ",
                )
                .replace(" Switching Protocols", " ");
            raw.send(answer);
            raw.send(server(&[(TEXT, b"hello")]));
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), Some("hello".into()));
        drop(ws);
        server.join();
    }

    #[test]
    fn may_come_byte_by_byte_followed_by_messages() {
        let server = hand_made(|raw, request| {
            let frames = server(&[(TEXT, b"first"), (BINARY, b"second")]);
            for byte in [switching(request).into_bytes(), frames].concat() {
                raw.send([byte]);
            }
            assert_eq!(raw.masked_frame().0, CLOSE);
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), Some("first".into()));
        assert_eq!(ws.receive().unwrap(), Some(b"second"[..].into()));
        drop(ws);
        server.join();
    }

    #[test]
    fn may_come_together_with_the_first_messages() {
        let server = hand_made(|raw, request| {
            let frames = server(&[(TEXT, b"first"), (BINARY, b"second")]);
            raw.send([switching(request).into_bytes(), frames].concat());
            assert_eq!(raw.masked_frame().0, CLOSE);
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), Some("first".into()));
        assert_eq!(ws.receive().unwrap(), Some(b"second"[..].into()));
        drop(ws);
        server.join();
    }

    /// RFC 9110 §15.2: any number of interim responses may come first.
    #[test]
    fn may_come_after_interim_responses() {
        let server = hand_made(|raw, request| {
            let interim = "HTTP/1.1 100 Continue\r\n\r\n\
                           HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
            raw.send([interim, &switching(request)].concat());
            raw.send(server(&[(TEXT, b"at last")]));
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), Some("at last".into()));
        drop(ws);
        server.join();
    }

    #[test]
    fn that_does_not_come_is_waited_for_until_the_deadline() {
        let silent = answering("");
        let drips = hand_made(|raw, _| {
            let _ = raw.try_send("HTTP/1.1 101 ");
            while raw.try_send("a").is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
        });
        let interim = hand_made(|raw, _| {
            while raw.try_send("HTTP/1.1 100 Continue\r\n\r\n").is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
        });
        for server in [silent, drips, interim] {
            let client = Client::new(&server.url).unwrap();
            let client = client.timeout(SOON).limits(endless());
            let result = due::call(Instant::now(), SOON, || client.connect());
            assert_eq!(io_kind(result), io::ErrorKind::TimedOut);
            server.join();
        }
    }
}

#[test]
fn limits_without_end_are_limits_all_the_same() {
    let server = accepting(|raw| {
        raw.send(server(&[(TEXT, b"hello")]));
        assert_eq!(raw.masked_frame().0, CLOSE);
        raw.send(server(&[(CLOSE, &close_body(1000, b""))]));
    });
    let limits = Limits::default()
        .head_timeout(Duration::MAX)
        .close_timeout(Duration::MAX)
        .write_timeout(Duration::MAX);
    let client = Client::new(&server.url).unwrap();
    let client = client.timeout(Duration::MAX).limits(limits);
    let ws = client.connect().unwrap();
    assert_eq!(ws.receive().unwrap(), Some("hello".into()));
    ws.close(CloseCode::NORMAL, "").unwrap();
    server.join();
}

mod a_refusal {
    use super::*;

    #[test]
    fn has_the_status_the_headers_and_the_body() {
        let server = answering(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\
             Content-Length: 15\r\n\r\nshow your ticket and more",
        );
        let refusal = refusal(plainws::connect(&server.url));
        assert_eq!(refusal.response.status(), 401);
        let challenge = refusal.response.head().values("www-authenticate").next();
        assert_eq!(challenge, Some(&b"Basic realm=\"a\""[..]));
        assert_eq!(refusal.body, b"show your ticke");
        server.join();
    }

    #[test]
    fn by_a_redirect_is_not_followed() {
        let server = answering(
            "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        );
        let refusal = refusal(plainws::connect(&server.url));
        assert_eq!(refusal.response.status(), 302);
        let location = refusal.response.head().values("Location").next();
        assert_eq!(location, Some(&b"ws://127.0.0.1:1/"[..]));
        server.join();
    }

    #[test]
    fn of_no_length_has_a_body_up_to_the_end_of_the_connection() {
        let server = hand_made(|raw, _| {
            raw.send("HTTP/1.1 503 \r\n\r\nlater");
            raw.send_fin();
            raw.until_end();
        });
        let refusal = refusal(plainws::connect(&server.url));
        assert_eq!(
            (refusal.response.status(), &refusal.body[..]),
            (503, &b"later"[..])
        );
        server.join();
    }

    #[test]
    fn of_no_length_is_not_waited_for_long() {
        for answer in [
            "HTTP/1.1 503 \r\n\r\npart",
            "HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
        ] {
            let server = answering(answer);
            let client = Client::new(&server.url).unwrap();
            let client = client.timeout(Duration::from_secs(3600));
            let result = due::call(Instant::now(), Duration::from_millis(500), || {
                client.connect()
            });
            assert_eq!(refusal(result).body, b"part");
            server.join();
        }
    }

    #[test]
    fn of_any_length_is_kept_to_4_kib() {
        let length = 1024 * 1024;
        let body = "x".repeat(length);
        let server = answering(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let refusal = refusal(plainws::connect(&server.url));
        assert_eq!(refusal.body, [b'x'; 4096]);
        server.join();
    }

    #[test]
    fn is_there_at_once_when_its_body_has_ended() {
        // The connection stays open in all of these: only the framing tells the end. A client that waits for
        // more waits 10 s for a body whose length is known, and half a second for a chunked one.
        let began = Instant::now();
        let of_length = [
            ("404 No\r\nContent-Length: 0", "", ""),
            ("404 No\r\nContent-Length: 2", "no", "no"),
            ("204 No Content", "", ""),
            ("304 Not Modified\r\nContent-Length: 99", "", ""),
        ];
        let chunked = "404 No\r\nTransfer-Encoding: chunked";
        let chunked = [
            (chunked, "0\r\n\r\n", ""),
            (
                chunked,
                "2\r\nno\r\n1;a=\"b\"\r\n!\r\n0\r\nA: b\r\n\r\n",
                "no!",
            ),
        ];
        for (answer, sent, body) in [&of_length[..], [chunked; 21].as_flattened()].concat() {
            let server = answering(format!("HTTP/1.1 {answer}\r\n\r\n{sent}"));
            let refusal = refusal(plainws::connect(&server.url));
            assert_eq!(refusal.body, body.as_bytes(), "{answer}");
            assert_eq!(refusal.text(), body, "{answer}");
            server.join();
        }
        assert!(
            began.elapsed() < PATIENCE,
            "it waited for what does not come"
        );
    }

    #[test]
    fn in_chunks_that_are_wrong_or_have_no_end_keeps_what_came_before() {
        let long = "1;padding\r\nx\r\n".repeat(10_000);
        for (sent, body) in [
            ("2\r\nno\r\nfour\r\n", "no"),
            ("2\r\nno more\r\n", "no"),
            ("2\nno\n0\n\n", ""),
            ("5\r\nno", "no"),
            (&long, &"x".repeat(4096)),
        ] {
            let head = "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n";
            let server = answering(format!("{head}{sent}"));
            let refusal = refusal(plainws::connect(&server.url));
            assert_eq!(refusal.text(), body);
            server.join();
        }
    }

    #[test]
    fn whose_chunks_hold_nothing_is_not_read_on_and_on() {
        let padding = "x".repeat(1024 * 1024);
        let server = answering(format!(
            "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n1;{padding}"
        ));
        let came = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&came);
        let client = Client::new(&server.url).unwrap();
        let client = client.tap(Box::new(move |direction, bytes| {
            if direction == Direction::Received {
                counted.fetch_add(bytes.len(), Ordering::Relaxed);
            }
        }));
        assert_eq!(refusal(client.connect()).body, b"");
        let came = came.load(Ordering::Relaxed);
        assert!(came < 100 * 1024, "{came}");
        server.join();
    }

    #[test]
    fn whose_body_does_not_come_is_a_refusal_all_the_same() {
        let server = answering("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\npart");
        let client = Client::new(&server.url).unwrap();
        // Time enough for the head to come.
        let time = Duration::from_secs(1);
        let refusal = refusal(due::call(Instant::now(), time, move || {
            client.timeout(time).connect()
        }));
        assert_eq!(
            (refusal.response.status(), &refusal.body[..]),
            (500, &b"part"[..])
        );
        server.join();
    }
}

mod s5_frames {
    use super::*;

    #[test]
    fn are_masked_with_a_new_key_each() {
        const COUNT: usize = 200;
        let server = accepting(|raw| {
            let mut keys = HashSet::new();
            for _ in 0..COUNT {
                let (byte0, key, payload) = raw.masked_frame();
                assert_eq!((byte0, &payload[..]), (TEXT, &b"the same text"[..]));
                keys.insert(key);
            }
            assert_eq!(keys.len(), COUNT, "§5.3: a fresh key for each frame");
            assert_eq!(raw.masked_frame().0, CLOSE);
        });
        let ws = plainws::connect(&server.url).unwrap();
        for _ in 0..COUNT {
            ws.send("the same text").unwrap();
        }
        drop(ws);
        server.join();
    }

    #[test]
    fn ask_a_silent_server_for_a_sign_of_life_and_find_it_gone() {
        let server = accepting(|raw| {
            let (byte0, _, payload) = raw.masked_frame();
            assert_eq!(byte0, PING);
            raw.send(frame(Role::Server, PONG, &payload));
            assert_eq!(raw.masked_frame().0, PING, "and again");
            raw.until_end();
        });
        let limits = Limits::default()
            .ping_after(Some(Duration::from_millis(100)))
            // Time enough for the one pong that comes.
            .pong_timeout(Duration::from_secs(1));
        let client = Client::new(&server.url).unwrap().limits(limits);
        let ws = client.connect().unwrap();
        let lost = ws.receive();
        let is_silent =
            matches!(&lost, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut);
        assert!(is_silent, "{lost:?}");
        assert!(ws.round_trip_time().is_some(), "it answered once");
        server.join();
    }

    #[test]
    fn answer_pings_with_masked_pongs() {
        let server = accepting(|raw| {
            raw.send(server(&[(PING, b"there?"), (TEXT, b"done")]));
            let (byte0, _, payload) = raw.masked_frame();
            assert_eq!((byte0, &payload[..]), (PONG, &b"there?"[..]));
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), Some("done".into()));
        ws.flush().unwrap();
        drop(ws);
        server.join();
    }

    #[test]
    fn that_break_a_rule_are_answered_with_its_code() {
        let mut tried = 0;
        for rule in Rule::ALL {
            let (Some(code), Some(violation)) = (rule.close_code(), rule.example(Role::Server))
            else {
                continue;
            };
            let server = accepting(move |raw| {
                raw.send(violation);
                let (byte0, _, payload) = raw.masked_frame();
                assert_eq!(byte0, CLOSE);
                assert_eq!(payload[..2], code.0.to_be_bytes());
            });
            let ws = plainws::connect(&server.url).unwrap();
            let result = ws.receive();
            assert!(
                matches!(&result, Err(Error::Rule(broken)) if broken == rule),
                "{}: {result:?}",
                rule.id()
            );
            assert_eq!(ws.receive().unwrap(), None);
            drop(ws);
            server.join();
            tried += 1;
        }
        assert!(tried >= 15, "{tried} rules bind a server's frames");
    }

    #[test]
    fn beyond_the_callers_limit_are_answered_with_1009() {
        let server = accepting(|raw| {
            raw.send(server(&[(BINARY, &[0; 11])]));
            let (_, _, payload) = raw.masked_frame();
            assert_eq!(payload[..2], 1009_u16.to_be_bytes());
        });
        let mut limits = Limits::default();
        limits.message.max_bytes = 10;
        let client = Client::new(&server.url).unwrap().limits(limits);
        let ws = client.connect().unwrap();
        assert!(matches!(
            ws.receive(),
            Err(Error::Rule(broken)) if broken == Rule::MessageTooBig
        ));
        drop(ws);
        server.join();
    }
}

mod s7_close {
    use super::*;

    fn expect_close(raw: &mut Raw, code: u16, reason: &str) {
        let (byte0, _, payload) = raw.masked_frame();
        assert_eq!(byte0, CLOSE);
        assert_eq!(payload, close_body(code, reason.as_bytes()));
    }

    /// §7.1.1: the server ends the TCP connection first.
    #[test]
    fn waits_for_the_servers_close_and_then_for_its_fin() {
        let server = accepting(|raw| {
            expect_close(raw, 4000, "");
            raw.expect_silence(MOMENT);
            raw.send(server(&[
                (TEXT, b"late"),
                (CLOSE, &close_body(4000, b"yes")),
            ]));
            raw.expect_silence(MOMENT);
            raw.send_fin();
            raw.expect_fin();
        });
        let ws = plainws::connect(&server.url).unwrap();
        ws.close(CloseCode(4000), "").unwrap();
        let reason = ws.close_reason().unwrap();
        assert_eq!((reason.code, &reason.reason[..]), (CloseCode(4000), "yes"));
        server.join();
    }

    #[test]
    fn answers_pings_until_the_servers_close() {
        let server = accepting(|raw| {
            expect_close(raw, 1000, "");
            let mut keys = HashSet::new();
            for payload in [&b"still there?"[..], b""] {
                raw.send(server(&[(PING, payload)]));
                let (byte0, key, pong) = raw.masked_frame();
                assert_eq!((byte0, pong.as_slice()), (PONG, payload));
                assert!(keys.insert(key), "{key:02x?} twice");
            }
            raw.send(server(&[(CLOSE, &close_body(1000, b""))]));
            raw.send_fin();
            raw.expect_fin();
        });
        let ws = plainws::connect(&server.url).unwrap();
        ws.close(CloseCode::NORMAL, "").unwrap();
        let reason = ws.close_reason();
        assert_eq!(reason, Some(CloseReason::new(CloseCode::NORMAL)));
        server.join();
    }

    #[test]
    fn by_the_server_is_answered_and_its_fin_waited_for() {
        let server = accepting(|raw| {
            raw.send(server(&[(CLOSE, &close_body(1001, b"restart"))]));
            expect_close(raw, 1001, "restart");
            raw.expect_silence(MOMENT);
            raw.send_fin();
            raw.expect_fin();
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), None);
        let reason = ws.close_reason().unwrap();
        assert_eq!(
            (reason.code, &reason.reason[..]),
            (CloseCode::GOING_AWAY, "restart")
        );
        drop(ws);
        server.join();
    }

    #[test]
    fn does_not_wait_for_ever() {
        let server = accepting(|raw| {
            expect_close(raw, 1000, "");
            raw.expect_fin();
        });
        let limits = endless().close_timeout(SOON);
        let client = Client::new(&server.url).unwrap().limits(limits);
        let ws = client.connect().unwrap();
        let reason = due::call(Instant::now(), SOON, move || {
            ws.close(CloseCode::NORMAL, "").unwrap();
            ws.close_reason()
        });
        assert_eq!(reason, Some(CloseReason::new(CloseCode::ABNORMAL)));
        server.join();
    }

    #[test]
    fn comes_by_itself_on_drop_with_1011_from_a_panic() {
        let server = accepting(|raw| expect_close(raw, 1000, ""));
        drop(plainws::connect(&server.url).unwrap());
        server.join();

        let server = accepting(|raw| expect_close(raw, 1011, ""));
        let ws = plainws::connect(&server.url).unwrap();
        let panicked = thread::spawn(move || {
            let _ws = ws;
            std::panic::resume_unwind(Box::new("a panic without a message"));
        });
        assert!(panicked.join().is_err());
        server.join();
    }

    #[test]
    fn that_never_came_is_1006() {
        let server = accepting(|raw| {
            let frame = frame(Role::Server, TEXT, b"torn");
            raw.send(&frame[..4]);
            raw.send_fin();
            raw.until_end();
        });
        let ws = plainws::connect(&server.url).unwrap();
        assert_eq!(ws.receive().unwrap(), None);
        assert_eq!(
            ws.close_reason(),
            Some(CloseReason::new(CloseCode::ABNORMAL))
        );
        drop(ws);
        server.join();
    }
}
