//! What a tap is shown of the opening handshake and after it, at either end, over real sockets.

use crate::support::bytes::{CLOSE, TEXT, close_body, frame};
use crate::support::hand_made::{accepting, answering, hand_made, switching};
use crate::support::raw::{KEY, PATIENCE, Raw, upgrade_request};
use crate::support::server::{echo, start, wait_until};
use crate::support::tunnel::{OPEN, proxy};
use plainws::net::tap::Direction::{Received, Sent};
use plainws::net::tap::{Direction, Tap};
use plainws::{Client, Error, Role};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

const LOCK: &str = "no thread panics while it holds this";

/// What taps were shown, call by call.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<Call>>>);

type Call = (Direction, Vec<u8>);

impl Shown {
    fn tap(&self) -> Tap {
        let shown = self.clone();
        Box::new(move |direction, bytes| {
            shown.0.lock().expect(LOCK).push((direction, bytes.into()));
        })
    }

    fn calls(&self) -> Vec<Call> {
        self.0.lock().expect(LOCK).clone()
    }

    /// All bytes of a direction.
    fn bytes(&self, of: Direction) -> Vec<u8> {
        let calls = self.calls().into_iter();
        let bytes = calls.filter(|(direction, _)| *direction == of);
        bytes.flat_map(|(_, bytes)| bytes).collect()
    }

    #[track_caller]
    fn expect(&self, of: Direction, bytes: &[u8]) {
        let shown = self.bytes(of);
        assert!(
            shown == bytes,
            "{}\nnot\n{}",
            shown.escape_ascii(),
            bytes.escape_ascii()
        );
    }
}

fn text(text: &str) -> Vec<u8> {
    frame(Role::Client, TEXT, text.as_bytes())
}

mod of_a_server {
    use super::*;

    /// A server that echoes at `/` for pages of its own, and has a page there.
    fn tapped() -> (SocketAddr, Shown) {
        let shown = Shown::default();
        let its_shown = shown.clone();
        let address = start(|server| {
            let server = server.tap(move |_, _| Some(its_shown.tap()));
            server
                .route("/", echo)
                .page("/", plainws::Page::html("page"))
        });
        (address, shown)
    }

    #[test]
    fn sees_the_request_and_the_answer_before_the_frames() {
        let (address, shown) = tapped();
        let mut raw = Raw::connect(address);
        let request = upgrade_request("/");
        raw.send(&request);
        let answer = raw.expect_101();
        raw.send(text("Hello"));
        raw.expect_frame(TEXT, "Hello");
        let expected = [
            (Received, request.into_bytes()),
            (Sent, answer.into_bytes()),
            (Received, text("Hello")),
            (Sent, b"\x81\x05Hello".into()),
        ];
        assert_eq!(shown.calls(), expected);
    }

    #[test]
    fn sees_frames_once_and_after_the_request_that_they_came_with() {
        let (address, shown) = tapped();
        let mut raw = Raw::connect(address);
        // An empty line before a request is a part of it.
        let request = ["\r\n", &upgrade_request("/")].concat();
        raw.send([request.as_bytes(), &text("early"), &text("late")[..3]].concat());
        let answer = raw.expect_101();
        raw.expect_frame(TEXT, "early");
        raw.send(&text("late")[3..]);
        raw.expect_frame(TEXT, "late");
        let calls = shown.calls();
        assert_eq!(calls[0], (Received, request.clone().into_bytes()));
        let received = [request.as_bytes(), &text("early"), &text("late")].concat();
        shown.expect(Received, &received);
        shown.expect(
            Sent,
            &[answer.as_bytes(), b"\x81\x05early\x81\x04late"].concat(),
        );
    }

    #[test]
    fn sees_a_refusal_with_its_body() {
        let wrong_key = upgrade_request("/").replace(KEY, "short");
        let foreign = upgrade_request("/").replace("\r\n\r\n", "\r\nOrigin: http://a.b\r\n\r\n");
        for (request, status) in [
            (wrong_key, 400),
            (foreign, 403),
            (upgrade_request("/nowhere"), 404),
        ] {
            let (address, shown) = tapped();
            let mut raw = Raw::connect(address);
            raw.send([request.as_bytes(), b"more"].concat());
            let response = raw.response();
            assert_eq!(response.status, status);
            raw.send("still more");
            raw.send_fin();
            raw.expect_fin();
            shown.expect(Received, &[request.as_bytes(), b"more"].concat());
            shown.expect(Sent, &[response.head.as_bytes(), &response.body].concat());
        }
    }

    #[test]
    fn sees_no_page_on_the_same_connection() {
        let (address, shown) = tapped();
        let mut raw = Raw::connect(address);
        let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let request = upgrade_request("/");
        raw.send([page, &request].concat());
        assert_eq!(raw.response().text(), "page");
        let answer = raw.expect_101();
        shown.expect(Received, request.as_bytes());
        shown.expect(Sent, answer.as_bytes());
    }

    /// A server whose taps panic when they are shown the first bytes of this direction.
    fn panicking(direction: Direction) -> SocketAddr {
        start(|server| {
            let server = server.tap(move |_, _| {
                let tap: Tap =
                    Box::new(move |of, _| assert_ne!(of, direction, "a tap panics on purpose"));
                Some(tap)
            });
            server.route("/", echo)
        })
    }

    #[test]
    fn that_panics_at_the_request_is_answered_for_with_500() {
        let mut raw = Raw::connect(panicking(Received));
        raw.send(upgrade_request("/"));
        let response = raw.response();
        assert_eq!(response.status, 500);
        assert!(response.text().contains("the connection's tap panicked"));
        raw.expect_fin();
    }

    #[test]
    fn that_panics_at_the_answer_ends_the_connection() {
        for path in ["/", "/nowhere"] {
            let mut raw = Raw::connect(panicking(Sent));
            raw.send(upgrade_request(path));
            assert_eq!(raw.until_end(), b"");
        }
    }
}

mod of_a_client {
    use super::*;

    fn connect(url: &str, shown: &Shown) -> plainws::Result<plainws::WebSocket> {
        Client::new(url)
            .expect("it is a URL")
            .tap(shown.tap())
            .connect()
    }

    #[test]
    fn sees_the_request_and_the_answer_with_what_came_with_it_once() {
        let shown = Shown::default();
        let (told, requests) = std::sync::mpsc::channel();
        let server = hand_made(move |raw, request| {
            let close = frame(Role::Server, CLOSE, &close_body(1000, b""));
            let answer = [switching(request).as_bytes(), b"\x81\x05Hello", &close].concat();
            raw.send(&answer);
            let request = request.to_owned().into_bytes();
            told.send((request, answer)).expect("the test listens");
            raw.send_fin();
            raw.until_end();
        });
        let ws = connect(&server.url, &shown).expect("it is let in");
        assert_eq!(ws.receive().expect("a message"), Some("Hello".into()));
        assert_eq!(ws.receive().expect("the end"), None);
        drop(ws);
        let (request, answer) = requests.recv_timeout(PATIENCE).expect("it came");
        assert_eq!(shown.calls()[0], (Sent, request));
        shown.expect(Received, &answer);
        server.join();
    }

    #[test]
    fn sees_nothing_of_a_proxy_but_what_comes_through_it() {
        let server = start(|server| server.route("/", echo));
        for early in ["", "early\r\n"] {
            let shown = Shown::default();
            let proxy = proxy([OPEN, early].concat());
            let client = Client::new(&format!("ws://{server}/")).expect("it is a URL");
            let client = client.proxy(&format!("http://u:p@{}", proxy.address));
            let client = client.expect("it is a URL").tap(shown.tap());
            let opened = client.connect();
            assert_eq!(opened.is_ok(), early.is_empty());
            assert!(shown.bytes(Sent).starts_with(b"GET / HTTP/1.1\r\n"));
            let received = shown.bytes(Received);
            let first = [early, "HTTP/1.1 101 "].concat();
            let length = received.len().min(first.len());
            assert_eq!(received[..length], first.as_bytes()[..length]);
            assert!(length >= early.len().max(1), "{}", received.escape_ascii());
        }
    }

    #[test]
    fn sees_all_of_an_answer_that_is_cut_anywhere() {
        let shown = Shown::default();
        let its_shown = shown.clone();
        let server = hand_made(move |raw, request| {
            let interim = "HTTP/1.1 102 Processing\r\n\r\n";
            let answer = [interim, &switching(request)].concat();
            let (first, last) = answer.split_at(10);
            raw.send(first);
            // At the moment at which they pass.
            wait_until("the first bytes to be shown", || {
                its_shown.bytes(Received) == first.as_bytes()
            });
            raw.send(last);
            raw.send_fin();
            raw.until_end();
            its_shown.expect(Received, answer.as_bytes());
        });
        drop(connect(&server.url, &shown));
        server.join();
    }

    #[test]
    fn sees_a_refusal_with_its_body_as_far_as_it_is_read() {
        let shown = Shown::default();
        let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 8\r\n\r\n";
        let its_shown = shown.clone();
        let server = hand_made(move |raw, _| {
            raw.send([head, "tick"].concat());
            wait_until("the head to be shown", || {
                its_shown.bytes(Received).len() > head.len()
            });
            raw.send("ets!");
            raw.until_end();
        });
        let refused = connect(&server.url, &shown);
        assert!(matches!(refused, Err(Error::Refused(_))));
        shown.expect(Received, [head, "tickets!"].concat().as_bytes());
        server.join();
    }

    #[test]
    fn sees_an_answer_that_breaks_a_rule() {
        for answer in ["SSH-2.0-OpenSSH\r\n", "HTTP/1.1 101 Go\r\n\r\n\x01"] {
            let shown = Shown::default();
            let server = answering(answer);
            let failed = connect(&server.url, &shown);
            assert!(matches!(failed, Err(Error::Rule(_))));
            shown.expect(Received, answer.as_bytes());
            server.join();
        }
    }

    #[test]
    fn that_panics_ends_the_connection() {
        for direction in [Sent, Received] {
            let server = accepting(|raw| drop(raw.until_end()));
            let client = Client::new(&server.url).expect("it is a URL");
            let tap: Tap =
                Box::new(move |of, _| assert_ne!(of, direction, "a tap panics on purpose"));
            let failed = client.tap(tap).connect().expect_err("its tap panics");
            assert_eq!(failed.to_string(), "the connection's tap panicked");
            // A request that was not sent is none that a server could answer.
            if direction == Received {
                server.join();
            }
        }
    }
}
