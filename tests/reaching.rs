//! How a client reaches a server: what a URL says of it, other addresses and hosts, and a proxy in between.

use crate::support::due;
use crate::support::hand_made::{answering, hand_made, switching};
use crate::support::raw::{Raw, accept, header};
use crate::support::server::{echo, start};
use crate::support::tunnel::{OPEN, proxy, proxy_to};
use plainws::net::proxy::Proxy;
use plainws::net::url::{Url, authorization};
use plainws::{Client, Error, Rule};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    listener.local_addr().expect("it is bound")
}

fn client(url: &str) -> Client {
    Client::new(url).expect("a URL of a server")
}

/// Connects, and has a message echoed.
#[track_caller]
fn assert_echoes(client: Client) {
    let ws = client.connect().expect("the server is reached");
    ws.send("Hello").expect("it is open");
    let echo = ws.receive().expect("it stays open");
    assert_eq!(echo, Some("Hello".into()));
}

/// Why connecting fails when it has little time.
#[track_caller]
fn fails_in_time(client: Client) -> String {
    let time = Duration::from_millis(100);
    let client = client.timeout(time);
    let failed = due::call(Instant::now(), time, || client.connect().map(drop));
    failed.expect_err("nobody answers").to_string()
}

mod s3_a_url {
    use super::*;

    #[test]
    fn names_a_host_and_a_target() {
        let rows = [
            ("ws://a", "a", "/"),
            ("ws://a/", "a", "/"),
            ("WS://a:80/b", "a", "/b"),
            ("ws://a:8000?b", "a:8000", "/?b"),
            ("ws://a:/b", "a", "/b"),
            ("ws://a:080/", "a", "/"),
            ("ws://[::1]", "[::1]", "/"),
            ("ws://[::1]:8000/", "[::1]:8000", "/"),
            ("ws://[fe80::1%25eth0]:8000/", "[fe80::1]:8000", "/"),
            ("ws://[fe80::1%251]/", "[fe80::1]", "/"),
        ];
        for (url, host, target) in rows {
            let parsed = Url::parse(url).unwrap();
            assert_eq!((parsed.host(), parsed.target()), (host, target), "{url}");
        }
    }

    #[test]
    fn has_a_port_of_80_if_it_names_none() {
        for url in ["ws://127.0.0.1/", "ws://127.0.0.1:/", "ws://127.0.0.1:80"] {
            let addresses = Url::parse(url).unwrap().addresses().unwrap();
            assert_eq!(addresses, ["127.0.0.1:80".parse().unwrap()], "{url}");
        }
    }

    #[test]
    fn with_a_mistake_is_refused_by_what_is_wrong_with_it() {
        let rows = [
            ("ws://::1:8000/", "brackets"),
            ("ws://[fe80::1%eth0]/", "%25"),
            ("ws://[fe80::1%25]/", "%25"),
            ("ws://[fe80::1%25a b]/", "ASCII"),
            ("ws://[fe80::1%25a!b]/", "%25"),
            ("ws://a/#b", "%23"),
            ("ws://[a]/", "a host is a name"),
            ("ws://[127.0.0.1]/", "a host is a name"),
            ("ws:///a", "a host is a name"),
            ("ws://a:99999/", "65535"),
            ("ws://a:+1/", "65535"),
            ("ws://user:secret@a/", "Authorization"),
        ];
        for (url, word) in rows {
            let problem = Url::parse(url).unwrap_err().to_string();
            assert!(problem.contains(word), "{url}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn leads_over_the_zone_of_an_address() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else {
            eprintln!("skipped: this machine has no IPv6");
            return;
        };
        let port = listener.local_addr().unwrap().port();
        let url = Url::parse(&format!("ws://[::1%251]:{port}/")).unwrap();
        match url.addresses().unwrap()[..] {
            [SocketAddr::V6(address)] => assert_eq!(address.scope_id(), 1),
            ref other => panic!("{other:?}"),
        }
    }

    #[test]
    fn has_a_password_in_a_form_of_its_own() {
        // RFC 7617 §2.
        let rows = [
            (
                "Aladdin:open%20sesame",
                Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            ("a:b:c", Some("YTpiOmM=")),
            ("a", Some("YTo=")),
            ("%3A:%c3%A9", Some("OjrDqQ==")),
            ("a%:b", None),
            ("a%4", None),
            ("%+1:b", None),
        ];
        for (user_info, value) in rows {
            let expected = value.map(|value| format!("Basic {value}"));
            assert_eq!(authorization(user_info), expected, "{user_info}");
        }
    }
}

mod an_address_apart_from_the_url {
    use super::*;

    #[test]
    fn is_connected_to_and_the_request_names_the_urls_host() {
        let server = hand_made(|raw, request| {
            assert_eq!(header(request, "Host"), Some("example.invalid:8000"));
            raw.send(switching(request));
            // Else the client would wait for the answer to its Close.
            raw.send_fin();
            raw.until_end();
        });
        let address = server.url.split('/').nth(2).unwrap().to_owned();
        let client = client("ws://example.invalid:8000/chat");
        drop(client.connect_to(&address).unwrap().connect().unwrap());
        server.join();
    }

    #[test]
    fn is_a_host_and_a_port() {
        for wrong in [
            "", "a", ":1", "a:", "a:b", "::1:1", "ws://a:1", "a:1/", "a@b:1",
        ] {
            let refused = client("ws://a/").connect_to(wrong);
            assert!(matches!(refused, Err(Error::Url(_))), "{wrong}");
        }
        for right in ["a:1", "[::1]:1", "127.0.0.1:65535"] {
            assert!(client("ws://a/").connect_to(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn leaves_the_host_to_be_named_by_hand() {
        let server = hand_made(|raw, request| {
            assert!(request.contains("\r\nHost: example.com\r\n"), "{request}");
            assert_eq!(request.matches("Host:").count(), 1);
            assert_eq!(header(request, "X"), Some("y"), "what was set before stays");
            raw.send(switching(request));
            raw.send_fin();
            raw.until_end();
        });
        let client = client(&server.url).header("X", "y").unwrap();
        drop(client.host("example.com").unwrap().connect().unwrap());
        server.join();
    }

    #[test]
    fn has_no_host_that_a_request_must_not_hold() {
        for wrong in ["", "a b", "a\r\nX: y", "a/b", "http://a", "[::1%25eth0]"] {
            let refused = client("ws://a/").host(wrong);
            assert!(matches!(refused, Err(Error::Header(_))), "{wrong:?}");
        }
    }
}

mod a_server_that_cannot_be_reached {
    use super::*;

    #[test]
    fn is_named_with_the_addresses_that_were_tried() {
        let nobody = nobody();
        let error = client(&format!("ws://{nobody}/")).connect().unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            format!("cannot connect to ws://{nobody}/: Connection refused")
        );

        let port = nobody.port();
        let error = client(&format!("ws://localhost:{port}/"))
            .connect()
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&nobody.to_string()), "{text}");
        assert!(text.contains("ws://localhost:"), "{text}");
        assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused));
    }

    #[test]
    fn is_named_when_it_has_no_address() {
        let error = client("ws://nosuchhost.invalid/").connect().unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("cannot connect to ws://nosuchhost.invalid/: cannot find the address of nosuchhost.invalid: "),
            "{text}"
        );
    }

    #[test]
    fn is_named_when_it_is_silent_or_leaves() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let text = fails_in_time(client(&format!("ws://{address}/")));
        assert_eq!(
            text,
            format!("the server at ws://{address}/ did not answer the request in time")
        );

        let server = hand_made(|raw, _| raw.send_fin());
        let address = server.url.split('/').nth(2).unwrap().to_owned();
        let text = plainws::connect(&server.url).unwrap_err().to_string();
        let left = "ended the connection before it answered the request";
        assert_eq!(text, format!("the server at ws://{address}/chat {left}"));
    }
}

mod a_refusal {
    use super::*;

    #[test]
    fn says_its_status_once_and_escapes_the_reason() {
        for (line, said) in [
            ("HTTP/1.1 404 Not Found", "status 404 Not Found"),
            ("HTTP/1.1 404 ", "status 404"),
            ("HTTP/1.1 404 caf\u{E9}", "status 404 caf\\xc3\\xa9"),
        ] {
            let server = answering(format!("{line}\r\nContent-Length: 0\r\n\r\n"));
            let text = plainws::connect(&server.url).unwrap_err().to_string();
            assert_eq!(
                text,
                format!(
                    "the server at {} refused the handshake with {said}",
                    server.url
                )
            );
            server.join();
        }
    }
}

mod s4_1_a_proxy {
    use super::*;

    /// Connects by a proxy that answers so, to where nobody listens.
    #[track_caller]
    fn fails(answer: &str) -> (String, Error) {
        let proxy = proxy(answer);
        let client = client("ws://example.invalid/").proxy(&format!("http://{}", proxy.address));
        match client.and_then(Client::connect) {
            Err(Error::Proxy { address, error, .. }) => {
                assert_eq!(address, proxy.address.to_string());
                let shown = Error::Proxy { address, error };
                let text = shown.to_string().replace(&proxy.address.to_string(), "P");
                match shown {
                    Error::Proxy { error, .. } => (text, *error),
                    _ => unreachable!(),
                }
            }
            other => panic!("not the proxy's: {other:?}"),
        }
    }

    #[test]
    fn is_asked_to_connect_and_then_carries_the_connection() {
        let server = start(|server| server.route("/", echo));
        let proxy = proxy(OPEN);
        let client = client(&format!("ws://{server}/")).proxy(&proxy.address.to_string());
        assert_echoes(client.unwrap());
        let expected = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n");
        assert_eq!(proxy.head(), expected);
    }

    #[test]
    fn looks_up_the_servers_name_and_is_told_its_port() {
        let server = start(|server| {
            server
                .allow_host("example.invalid".parse().unwrap())
                .route("/", echo)
        });
        let proxy = proxy_to(server);
        let url = format!("http://us%40er:pass%3aword@{}/", proxy.address);
        let client = client("ws://example.invalid/").proxy(&url).unwrap();
        let shown = format!("{client:?} {:?}", Proxy::parse(&url).unwrap());
        for secret in ["word", "Basic", "dXNA"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_echoes(client);
        let head = proxy.head();
        assert!(
            head.starts_with("CONNECT example.invalid:80 HTTP/1.1\r\n"),
            "{head}"
        );
        let sent = header(&head, "Proxy-Authorization");
        assert_eq!(sent, Some("Basic dXNAZXI6cGFzczp3b3Jk"));
    }

    #[test]
    fn is_asked_for_the_address_that_was_given_by_hand() {
        let server = start(|server| {
            server
                .allow_host("example.invalid".parse().unwrap())
                .route("/", echo)
        });
        let proxy = proxy(OPEN);
        let client = client("ws://example.invalid/")
            .connect_to(&server.to_string())
            .unwrap();
        assert_echoes(client.proxy(&proxy.address.to_string()).unwrap());
        assert!(proxy.head().starts_with(&format!("CONNECT {server} ")));
    }

    #[test]
    fn is_not_told_what_the_server_is() {
        let server = hand_made(|raw, request| {
            assert_eq!(header(request, "Proxy-Authorization"), None);
            raw.send(switching(request));
            raw.send_fin();
            raw.until_end();
        });
        let address = server.url.split('/').nth(2).unwrap().parse().unwrap();
        let proxy = proxy_to(address);
        let client = client("ws://a/").header("Authorization", "secret").unwrap();
        let proxy_url = format!("u:p@{}", proxy.address);
        drop(client.proxy(&proxy_url).unwrap().connect().unwrap());
        assert!(!proxy.head().contains("secret"));
        server.join();
    }

    #[test]
    fn may_answer_with_any_2xx_and_a_length_that_means_nothing() {
        let server = start(|server| server.route("/", echo));
        for answer in [
            "HTTP/1.1 204 \r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nVia: a\r\n b\r\n\r\n",
            "HTTP/1.1 299 x\r\n\r\n",
        ] {
            let proxy = proxy(answer);
            let client = client(&format!("ws://{server}/")).proxy(&proxy.address.to_string());
            assert_echoes(client.unwrap());
        }
    }

    #[test]
    fn may_pass_on_what_the_server_sends_first_with_its_own_answer() {
        // A server that speaks first, as no WebSocket server does.
        let early = format!("{OPEN}SSH-2.0-x\r\n");
        let server = start(|server| server.route("/", echo));
        let proxy = proxy(early);
        let client = client(&format!("ws://{server}/")).proxy(&proxy.address.to_string());
        let error = client.unwrap().connect().unwrap_err();
        assert!(
            matches!(&error, Error::Rule(broken) if *broken == Rule::StatusLineMalformed),
            "{error:?}"
        );
    }

    #[test]
    fn that_refuses_is_told_from_the_server() {
        // More than one read of the socket.
        let who = "who".repeat(300);
        let head = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 900\r\n\r\n";
        let (text, error) = fails(&format!("{head}{who}"));
        let said = "the proxy P refused with status 407 Proxy Authentication Required: whowho";
        assert!(text.starts_with(said), "{text}");
        match error {
            Error::Refused(refusal) => assert_eq!(refusal.body, who.as_bytes()),
            other => panic!("{other:?}"),
        }
        let (text, _) = fails("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        assert_eq!(
            text,
            "the proxy P refused with status 101 Switching Protocols"
        );
    }

    #[test]
    fn that_is_none_is_told_by_the_rule_that_it_breaks() {
        let (text, error) = fails("SSH-2.0-x\r\n");
        assert!(text.starts_with("the proxy P broke a rule: "), "{text}");
        assert!(matches!(&error, Error::Rule(broken) if *broken == Rule::StatusLineMalformed));
        let (_, error) = fails(&format!("HTTP/1.1 407 {}", "a".repeat(20_000)));
        assert!(
            matches!(&error, Error::Rule(broken) if *broken == Rule::HeadTooLarge),
            "{error:?}"
        );
    }

    #[test]
    fn that_cannot_be_reached_or_is_silent_is_named() {
        let nobody = nobody();
        let client_by = |address| {
            client("ws://a/")
                .proxy(&format!("http://{address}"))
                .unwrap()
        };
        let text = client_by(nobody).connect().unwrap_err().to_string();
        let expected = format!("the proxy {nobody}: cannot connect to it: Connection refused");
        assert_eq!(text, expected);

        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let text = fails_in_time(client_by(address));
        assert_eq!(
            text,
            format!("the proxy {address}: it did not answer the request in time")
        );
    }

    #[test]
    fn shares_one_deadline_with_the_server() {
        const TIME: Duration = Duration::from_millis(200);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let between = thread::spawn(move || {
            let mut raw = Raw::from(accept(&listener));
            raw.head();
            // Since then at the latest.
            let begun = Instant::now();
            raw.expect_silence(TIME * 3 / 4);
            raw.send(OPEN);
            let request = raw.head_or_end();
            // The server answers too late for the client, but early after the proxy.
            thread::sleep(TIME.saturating_sub(begun.elapsed()) + TIME / 8);
            if !request.is_empty() {
                let _ = raw.try_send(switching(&request));
            }
            raw.until_end();
        });
        let client = client("ws://a:1/").proxy(&address.to_string());
        let text = client
            .unwrap()
            .timeout(TIME)
            .connect()
            .unwrap_err()
            .to_string();
        assert!(
            text.ends_with(" did not answer the request in time"),
            "{text}"
        );
        between.join().unwrap();
    }

    #[test]
    fn is_http_and_has_a_host() {
        let address = |url| Proxy::parse(url).unwrap().address();
        assert_eq!(address("http://a/"), "a:80");
        assert_eq!(
            address("u@v:p@a:1"),
            "a:1",
            "the last @ ends the user's part"
        );
        for (wrong, word) in [
            ("https://a:1", "TLS"),
            ("socks5://a:1", "http://"),
            ("http://", "host"),
            ("http://a:b", "port"),
            ("http://a/path", "host"),
            ("http://u:%@a", "http://"),
            ("http://u:p@", "host"),
            ("http://a b", "http://"),
        ] {
            let problem = client("ws://a/").proxy(wrong).unwrap_err().to_string();
            assert!(problem.contains(word), "{wrong}: {problem}");
        }
    }
}
