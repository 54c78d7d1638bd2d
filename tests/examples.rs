//! `examples/`, each as it is, over real sockets. `tests/chat.rs` has the chat.

#[path = "../examples/auth.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod auth;

#[path = "../examples/client.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod client;

#[path = "../examples/clock.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod clock;

#[path = "../examples/echo.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod echo;

#[path = "../examples/rooms.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod rooms;

use crate::support::raw::PATIENCE;
use plainws::{Result, Server};
use std::thread;

/// Starts an example's server on a free port, and returns where it is.
fn serve(server: impl FnOnce(&str) -> Result<Server>) -> String {
    let server = server("127.0.0.1:0").expect("port 0 is always free");
    let address = server.local_addr().expect("it is bound");
    thread::spawn(move || server.serve());
    format!("ws://{address}")
}

mod an_echo {
    #[test]
    fn sends_each_message_back() {
        let url = super::serve(super::echo::server);
        let ws = plainws::connect(&format!("{url}/echo")).expect("it is there");
        for message in ["Hello", "", "Hallo, schöne Welt"] {
            ws.send(message).expect("it is open");
            assert_eq!(ws.receive().expect("it is open"), Some(message.into()));
        }
        ws.send(b"\xFF\x00").expect("it is open");
        let answer = ws.receive().expect("it is open");
        assert_eq!(answer, Some(b"\xFF\x00".into()));
    }
}

mod a_clock {
    /// The time in a message.
    fn time(message: &str) -> u64 {
        let json: serde_json::Value = serde_json::from_str(message).expect("it is JSON");
        json["unix_seconds"].as_u64().expect("it is a number")
    }

    #[test]
    fn tells_each_second_once_whatever_the_peer_says() {
        let url = super::serve(super::clock::server);
        let ws = plainws::connect(&format!("{url}/clock")).expect("it is there");
        let mut times = Vec::new();
        for message in ws.messages().take(3) {
            times.push(time(&message.expect("it is open").to_string()));
            for _ in 0..100 {
                ws.send("And now?").expect("it is open");
            }
        }
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    }
}

mod a_client {
    use super::client::{self, Backoff};
    use crate::support::server::{Observed, observe, start};
    use plainws::{Admission, CloseCode, CloseReason, Error, Page, Result, WebSocket};
    use std::io::{self, BufReader, Read};
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;
    use std::time::Duration;

    /// What a person types. The end of the channel is the end of the input.
    struct Keyboard(Receiver<&'static str>);

    impl Read for Keyboard {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let line = self.0.recv().unwrap_or("");
            buffer[..line.len()].copy_from_slice(line.as_bytes());
            Ok(line.len())
        }
    }

    /// A client at work.
    struct Client {
        keys: Sender<&'static str>,
        screen: Receiver<String>,
        ended: Receiver<Result<CloseReason>>,
    }

    impl Client {
        fn new(address: SocketAddr, path: &str) -> Self {
            let (keys, typed) = mpsc::channel();
            let (shown, screen) = mpsc::channel();
            let url = format!("ws://{address}{path}");
            let (told, ended) = mpsc::channel();
            let run = move || {
                let short = Duration::from_millis(5);
                let backoff = Backoff::new(short, short)?;
                let keyboard = BufReader::new(Keyboard(typed));
                client::run(&url, keyboard, backoff, |text| {
                    let _ = shown.send(text.into());
                })
            };
            thread::spawn(move || told.send(run()));
            Self {
                keys,
                screen,
                ended,
            }
        }

        fn enter(&self, line: &'static str) {
            self.keys.send(line).expect("the client reads");
        }

        fn waits_for(&self, text: &str) {
            loop {
                let shown = self.screen.recv_timeout(super::PATIENCE);
                if shown.expect("it is shown in time") == text {
                    return;
                }
            }
        }

        fn end(self) -> Result<CloseReason> {
            drop(self.keys);
            let ended = self.ended.recv_timeout(super::PATIENCE);
            ended.expect("it ends in time")
        }
    }

    /// A server that numbers its connections, and ends one as it is told.
    fn moody() -> (SocketAddr, Observed<(u64, String)>) {
        let connections = AtomicU64::new(0);
        observe(move |ws: &mut WebSocket, told| {
            let number = connections.fetch_add(1, Ordering::SeqCst);
            ws.send(format!("connection {number}"))?;
            for message in ws.messages() {
                let message = message?.to_string();
                match &*message {
                    "vanish" => ws.sender().cut(),
                    "stop" => return ws.close(CloseCode::GOING_AWAY, ""),
                    "go away" => return ws.close(CloseCode::POLICY, "enough"),
                    _ => {}
                }
                let _ = told.send((number, message));
            }
            Ok(())
        })
    }

    #[test]
    fn comes_back_when_the_connection_is_lost_or_the_server_stops() {
        let (address, heard) = moody();
        let client = Client::new(address, "/");
        client.enter("Hello\n");
        assert_eq!(heard.next(), (0, "Hello".into()));
        client.enter("vanish\n");
        client.waits_for("connection 1");
        client.enter("stop\n");
        client.waits_for("connection 2");
        client.enter("Are you there?\n");
        heard.forget();
        client.enter("Hello again\n");
        while heard.next() != (2, "Hello again".into()) {}
        let reason = client.end().expect("a clean end");
        assert_eq!(reason.code, CloseCode::NORMAL);
    }

    #[test]
    fn does_not_come_back_to_nothing_to_say() {
        let (address, heard) = moody();
        let client = Client::new(address, "/");
        client.waits_for("connection 0");
        client.enter("stop\n");
        let reason = client.end().expect("a clean end");
        let codes = [CloseCode::NORMAL, CloseCode::GOING_AWAY];
        assert!(codes.contains(&reason.code), "{reason}");
        drop(heard);
    }

    #[test]
    fn does_not_come_back_when_it_is_told_to_go() {
        let (address, _heard) = moody();
        let client = Client::new(address, "/");
        client.enter("go away\n");
        let reason = client.end().expect("a clean end");
        assert_eq!(reason.to_string(), "1008 policy violation: enough");
    }

    #[test]
    fn asks_again_where_there_is_no_room_and_not_where_there_is_nothing() {
        let asked = AtomicU64::new(0);
        let address = start(|server| {
            server
                .admit(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
                    0..3 => Err(Page::refusal(503, "later")),
                    _ => Ok(Admission::default()),
                })
                .route("/", |ws| ws.send("welcome"))
        });
        let client = Client::new(address, "/");
        client.waits_for("welcome");
        client.end().expect("a clean end");

        let refused = Client::new(address, "/elsewhere").end();
        match refused {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.response.status(), 404),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_longer_after_each_failure_up_to_a_bound() {
        let second = Duration::from_secs(1);
        let longest = |failures: u32| {
            let pauses = (0..200).map(|_| {
                let mut backoff = Backoff::new(second, 60 * second).expect("random");
                for _ in 0..failures {
                    backoff.next();
                }
                backoff.next()
            });
            pauses.max().expect("there are some")
        };
        // Of 200 random times in a span, the longest is in its upper half.
        for (failures, span) in [(0, 1), (1, 2), (3, 8), (6, 60), (40, 60)] {
            let longest = longest(failures);
            let span = span * second;
            assert!(
                span / 2 < longest && longest <= span,
                "{longest:?} {span:?}"
            );
        }
    }
}

mod members_only {
    use crate::support::raw::{Raw, upgrade_request};
    use plainws::{Client, Error};
    use std::net::SocketAddr;

    fn address() -> SocketAddr {
        let url = super::serve(super::auth::server);
        url["ws://".len()..].parse().expect("an address")
    }

    /// A request to open a connection, with one header more.
    fn asking(header: &str) -> String {
        let head = upgrade_request("/");
        format!("{}\r\n{header}\r\n\r\n", head.trim_end())
    }

    #[test]
    fn who_brings_no_token_is_told_to_and_how() {
        for header in [
            "X-Nothing: here",
            "Authorization: Bearer open",
            "Authorization: Bearer ",
            "Authorization: open-sesame",
            "Cookie: token=sesame; nothing",
            "Cookie: atoken=open-sesame",
        ] {
            let mut raw = Raw::connect(address());
            raw.send(asking(header));
            let response = raw.response();
            assert_eq!(response.status, 401, "{header}");
            assert_eq!(response.header("WWW-Authenticate"), Some("Bearer"));
        }
    }

    #[test]
    fn the_handler_knows_who_it_is() {
        let url = format!("ws://{}/", address());
        for (token, name) in [("open-sesame", "Ali"), ("swordfish", "Groucho")] {
            let client = Client::new(&url).expect("it is right");
            let client = client.header("Authorization", &format!("Bearer {token}"));
            let ws = client.and_then(Client::connect).expect("it may come in");
            let welcome = ws.receive().expect("it is open");
            assert_eq!(welcome, Some(format!("Welcome, {name}!").into()));
            ws.send("Hello").expect("it is open");
            let heard = ws.receive().expect("it is open");
            assert_eq!(heard, Some(format!("{name}: Hello").into()));
        }
        let refused = plainws::connect(&url);
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }

    #[test]
    fn a_browser_logs_in_and_its_cookie_opens_the_connection() {
        let address = address();
        let get = |target: &str, header: &str| {
            let mut raw = Raw::connect(address);
            raw.send(format!(
                "GET {target} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"
            ));
            raw.response()
        };
        assert_eq!(get("/", "").status, 401);
        assert_eq!(get("/login?guess", "").status, 401);
        let response = get("/login?open-sesame", "");
        assert_eq!(response.status, 303);
        let cookie = response.header("Set-Cookie").expect("there is one");
        assert!(
            cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
        let cookie = cookie.split(';').next().unwrap_or_default();
        let header = format!("Cookie: theme=dark; {cookie}");
        assert_eq!(get("/", &format!("{header}\r\n")).status, 200);
        let mut raw = Raw::connect(address);
        raw.send(asking(&header));
        raw.expect_101();
        // The page of another site.
        let mut raw = Raw::connect(address);
        raw.send(asking(&format!("{header}\r\nOrigin: https://evil.example")));
        assert_eq!(raw.response().status, 403);
    }
}

mod some_rooms {
    use crate::support::bytes::TEXT;
    use crate::support::raw::Raw;
    use std::net::SocketAddr;

    fn address() -> SocketAddr {
        let url = super::serve(super::rooms::server);
        url["ws://".len()..].parse().expect("an address")
    }

    /// Opens a connection, and waits until its room knows it.
    fn enter(address: SocketAddr, path: &str) -> Raw {
        let mut raw = Raw::open(address, path);
        raw.send_frame(TEXT, "here I am");
        raw.expect_frame(TEXT, "here I am");
        raw
    }

    #[test]
    fn keep_what_is_said_to_themselves() {
        let address = address();
        let mut ann = enter(address, "/room/kitchen");
        // The same room: its name is percent-decoded.
        let mut ben = enter(address, "/room/k%69tchen");
        ann.expect_frame(TEXT, "here I am");
        let mut eve = enter(address, "/room/Kitchen");
        for speech in ["Hello", "Hallo, schöne Welt"] {
            ben.send_frame(TEXT, speech);
            ann.expect_frame(TEXT, speech);
            ben.expect_frame(TEXT, speech);
        }
        // Whatever had been said to her would come first.
        eve.send_frame(TEXT, "Anybody here?");
        eve.expect_frame(TEXT, "Anybody here?");
    }

    #[test]
    fn go_on_when_one_leaves() {
        let address = address();
        let mut ann = enter(address, "/room/kitchen");
        drop(enter(address, "/room/kitchen"));
        ann.expect_frame(TEXT, "here I am");
        for _ in 0..10 {
            ann.send_frame(TEXT, "still talking");
            ann.expect_frame(TEXT, "still talking");
        }
        drop(ann);
        enter(address, "/room/kitchen");
    }

    #[test]
    fn have_a_page_each() {
        let address = address();
        let get = |target: &str| {
            let mut raw = Raw::connect(address);
            raw.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            raw.response()
        };
        assert_eq!(get("/").status, 303);
        let page = get(get("/").header("Location").expect("there is one"));
        assert_eq!(page.status, 200);
        let (_, script) = page.text().split_once("src=\"").expect("a script");
        let (script, _) = script.split_once('"').expect("its path");
        assert_eq!(get(script).header("Content-Type"), Some("text/javascript"));
        assert_eq!(get("/room/").status, 404);
    }
}
