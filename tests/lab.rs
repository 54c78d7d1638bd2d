//! The lab: who may use it, what it tells of what passes, and what it withstands.

use crate::support::bytes::{CLOSE, PING, PONG, TEXT, close_body, frame};
use crate::support::lab::{Tap, hex, message};
use crate::support::program::{Program, is_heeded};
use crate::support::raw::{KEY, Raw, Response, upgrade_request};
use crate::support::run::run_with;
use plainws::Role;
use serde_json::{Value, json};
use std::time::Instant;

/// The answer to a request that was written by hand.
fn asked(program: &Program, request: &str) -> Response {
    let mut raw = program.connect();
    raw.send(request);
    raw.response()
}

#[track_caller]
fn get(program: &Program, path: &str) -> Response {
    asked(
        program,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
}

/// Asks for a WebSocket connection with one more header.
fn asked_with(program: &Program, path: &str, header: &str) -> Response {
    let request = upgrade_request(path);
    let request = request.replace(
        "Upgrade: websocket",
        &format!("{header}\r\nUpgrade: websocket"),
    );
    asked(program, &request)
}

fn refused(program: &Program, path: &str) -> (u16, String) {
    let response = asked(program, &upgrade_request(path));
    (response.status, response.text().into())
}

/// Opens a connection as soon as the server has noticed that another has left.
fn open_when_there_is_room(program: &Program, path: &str) -> Raw {
    let deadline = Instant::now() + crate::support::raw::PATIENCE;
    loop {
        let mut raw = program.connect();
        raw.send(upgrade_request(path));
        let head = raw.head();
        if head.starts_with("HTTP/1.1 101 ") {
            return raw;
        }
        assert!(
            head.starts_with("HTTP/1.1 503 ") && Instant::now() < deadline,
            "{head}"
        );
    }
}

mod guard {
    use super::*;

    #[test]
    fn it_is_on_where_only_this_machine_can_reach_it_or_when_it_is_asked_for() {
        for (flags, is_on) in [
            (&[][..], true),
            (&["--allow-host", "example.com"], false),
            (&["--trust-proxy", "127.0.0.1"], false),
            (&["--lab", "--trust-proxy", "127.0.0.1"], true),
            (&["--prefix", "/p"], false),
            (&["--lab", "--allow-host", "example.com"], true),
            (&["--lab", "--prefix", "/p"], true),
        ] {
            check_whether_on(&Program::serve(flags), is_on);
        }
        check_whether_on(&Program::serve_at("0.0.0.0:0", &[]), false);
        check_whether_on(&Program::serve_at("0.0.0.0:0", &["--lab"]), true);
    }

    fn check_whether_on(program: &Program, is_on: bool) {
        let mut program_at = program.address;
        program_at.set_ip([127, 0, 0, 1].into());
        let get = |path: &str| {
            let mut raw = Raw::connect(program_at);
            raw.send(format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ));
            raw.response()
        };
        let status = if is_on { 200 } else { 404 };
        for path in [
            "/lab",
            "/lab/main.js",
            "/lab/lab.css",
            "/lab/rules.json",
            "/lab/questions.json",
        ] {
            assert_eq!(get(path).status, status, "{path}");
        }
        assert_eq!(get("/clock/now").status, if is_on { 403 } else { 404 });
        assert_eq!(get("/").text().contains("href=\"lab\""), is_on);
        let said = program.process.stdout.wait_for("end", |said| {
            said.contains("Ctrl-C").then(|| said.to_owned())
        });
        assert_eq!(said.contains("/lab "), is_on, "{said}");
    }

    #[test]
    fn pages_of_other_origins_are_refused_whatever_is_allowed() {
        let program = Program::serve(&["--allow-origin", "http://friend.example"]);
        let tap = Tap::open(&program);
        for path in [
            "/lab/tap".into(),
            tap.path("/lab/echo", "a"),
            tap.path("/lab/idle", "a"),
        ] {
            for origin in ["http://evil.example", "http://friend.example", "null"] {
                let response = asked_with(&program, &path, &format!("Origin: {origin}"));
                assert_eq!(response.status, 403, "{path} from {origin}");
            }
            let mut raw = program.connect();
            let own = "Host: localhost\r\nOrigin: http://localhost";
            raw.send(upgrade_request(&path).replace("Host: localhost", own));
            raw.expect_101();
        }
        // Of what is not the lab's, they may use what they were allowed to.
        let response = asked_with(&program, "/nowhere", "Origin: http://friend.example");
        assert_eq!(response.status, 404);
    }

    #[test]
    fn other_hosts_are_refused_unless_the_lab_was_asked_for() {
        let of_host = |program: &Program| {
            let request = upgrade_request("/lab/tap").replace("localhost", "example.com");
            let mut raw = program.connect();
            raw.send(request);
            raw.head()
        };
        let head = of_host(&Program::serve(&[]));
        assert!(head.starts_with("HTTP/1.1 421 "), "{head}");
        let head = of_host(&Program::serve(&["--lab", "--allow-host", "example.com"]));
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    #[test]
    fn a_token_is_good_for_as_long_as_its_page_is_open() {
        let program = Program::serve(&[]);
        let tap = Tap::open(&program);
        assert_eq!(tap.token.len(), 32, "128 bits");
        let other = "0".repeat(32);
        for token in ["", "0", &other, &tap.token[..31]] {
            for path in ["/lab/echo", "/lab/news", "/lab/idle"] {
                let (status, text) = refused(&program, &format!("{path}?t={token}&c=a"));
                assert_eq!(status, 403, "{path}");
                assert!(text.contains("no session has that token"), "{text}");
            }
            for path in ["/clock/now?", "/clock/next?after=0&"] {
                assert_eq!(
                    get(&program, &format!("{path}t={token}")).status,
                    403,
                    "{path}"
                );
            }
        }
        assert_eq!(refused(&program, "/lab/echo").0, 403);
        let token = tap.path("/lab/echo", "a");
        let mut echo = program.open(&token);
        // Its handler runs.
        echo.send_frame(TEXT, "x");
        echo.expect_frame(TEXT, "x");
        let mut idle = program.open(&tap.path("/lab/idle", ""));
        drop(tap);
        // Its connections are closed.
        echo.expect_close(1001);
        idle.expect_close(1001);
        assert_eq!(refused(&program, &token).0, 403);
    }

    #[test]
    fn eight_pages_may_watch_and_a_ninth_when_one_has_left() {
        let program = Program::serve(&[]);
        let mut taps: Vec<_> = (0..8).map(|_| Tap::open(&program)).collect();
        let tokens: std::collections::HashSet<_> =
            taps.iter().map(|tap| tap.token.clone()).collect();
        assert_eq!(tokens.len(), 8);
        let (status, text) = refused(&program, "/lab/tap");
        assert_eq!(status, 503);
        assert!(text.contains("8 pages watch already"), "{text}");
        taps.pop();
        open_when_there_is_room(&program, "/lab/tap");
    }

    #[test]
    fn a_page_watches_four_connections_and_a_fifth_when_one_has_ended() {
        let program = Program::serve(&[]);
        let tap = Tap::open(&program);
        let open = |c: &str| program.open(&tap.path("/lab/echo", c));
        let mut four: Vec<_> = ["a", "b", "c", "d"].map(open).into();
        let fifth = tap.path("/lab/echo", "e");
        let (status, text) = refused(&program, &fifth);
        assert_eq!(status, 503);
        assert!(text.contains("at most 4"), "{text}");
        // Another page has four of its own.
        let other = Tap::open(&program);
        program.open(&other.path("/lab/echo", "a"));
        drop(four.pop());
        open_when_there_is_room(&program, &fifth);
    }

    #[test]
    fn a_page_is_told_its_bounds_first() {
        let program = Program::serve(&[]);
        let greeting = message(&mut program.open("/lab/tap"));
        let bounds = json!({
            "connections": 4, "idle": 64, "message": 1 << 20, "backlog": 256 * 1024,
            "command": 65_536, "commands_per_second": 20, "kept": 256,
        });
        assert_eq!(greeting["bounds"], bounds);
    }

    #[test]
    fn names_are_short_and_different() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        for c in ["", "a-b", "123456789", "%41", "é"] {
            assert_eq!(refused(&program, &tap.path("/lab/echo", c)).0, 400, "{c}");
        }
        let mut echo = tap.echo(&program, "me");
        assert_eq!(refused(&program, &tap.path("/lab/echo", "me")).0, 409);
        // That one was refused ends nothing for the other.
        echo.send_frame(TEXT, "still here");
        echo.expect_frame(TEXT, "still here");
        assert_eq!(tap.next()["type"], "frame");
        echo.send_frame(CLOSE, close_body(1000, b""));
        echo.expect_close(1000);
        echo.expect_fin();
        drop(echo);
        tap.next_of("end");
        tap.echo(&program, "me");
    }

    #[test]
    fn sixty_four_idle_connections_are_let_in_and_not_watched() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let path = tap.path("/lab/idle", "a");
        let idle: Vec<_> = (0..64).map(|_| program.open(&path)).collect();
        // Who was let in has a place once its handler runs.
        let threads = tap.ask(json!({"do": "threads"})).expect("it can be told");
        assert!(threads["threads"].as_u64() >= Some(64), "{threads}");
        let (status, text) = refused(&program, &path);
        assert_eq!(status, 503, "{text}");
        drop(idle);
        open_when_there_is_room(&program, &path);
        assert_eq!(tap.ask(json!({"do": "time"})).map(|_| ()), Ok(()));
        assert!(tap.is_empty(), "nothing was told of them");
    }

    #[test]
    fn everything_is_served_under_a_prefix_too() {
        let program = Program::serve(&["--lab", "--prefix", "/p"]);
        assert_eq!(get(&program, "/p/lab").status, 200);
        assert_eq!(get(&program, "/p/lab/main.js").status, 200);
        let mut tap = Tap::open_at(&program, "/p");
        let mut echo = program.open(&tap.path("/p/lab/echo", "a"));
        echo.send_frame(TEXT, "Hello");
        assert_eq!(tap.next_of("frame")["c"], "a");
        assert_eq!(get(&program, &tap.path("/p/clock/now", "")).status, 200);
        assert_eq!(tap.next_of("count")["requests"], 1);
    }

    #[test]
    fn the_access_log_has_no_token() {
        let program = Program::serve(&[]);
        let tap = Tap::open(&program);
        get(&program, &tap.path("/clock/now", "a"));
        assert_eq!(refused(&program, &tap.path("/lab/nothing", "a")).0, 404);
        let said = program.process.stderr.wait_for("both lines", |said| {
            let has_both =
                said.contains("/clock/now?t=***&c=a ") && said.contains("/lab/nothing?t=***&c=a ");
            has_both.then(|| said.to_owned())
        });
        assert!(!said.contains(&tap.token), "{said}");
    }
}

mod records {
    use super::*;

    /// What `decode --json` says of a stream, without what it guesses.
    fn decoded(role: &str, stream: &[u8], more: &[&str]) -> Value {
        let arguments = [&["decode", "--json", "--raw", "--role", role], more].concat();
        let run = run_with(&arguments, stream);
        serde_json::from_str(&run.stdout).expect("it prints JSON")
    }

    #[test]
    fn are_what_decode_says_of_the_same_bytes() {
        let program = Program::serve(&[]);
        let began = Instant::now();
        let mut tap = Tap::open(&program);
        let path = tap.path("/lab/echo", "a");
        let request = upgrade_request(&path);
        let mut raw = program.connect();
        raw.send(&request);
        let response = raw.expect_101();
        let hello = frame(Role::Client, TEXT, b"Hello");
        raw.send(&hello);
        raw.expect_frame(TEXT, "Hello");
        let records: Vec<_> = (0..4).map(|_| tap.next()).collect();

        let client = decoded("client", &[request.as_bytes(), &hello].concat(), &[]);
        let server = [response.as_bytes(), b"\x81\x05Hello"].concat();
        let server = decoded(
            "server",
            &server,
            &["--key", KEY, "--extensions", "", "--subprotocols", ""],
        );
        for (i, record) in records.iter().enumerate() {
            assert_eq!((&record["id"], &record["c"]), (&json!(i + 1), &json!("a")));
            // In seconds since the session began.
            let time = record["time"].as_f64().expect("a number");
            assert!(
                (0.0..began.elapsed().as_secs_f64()).contains(&time),
                "{time}"
            );
        }
        let of = |i: usize| (&records[i]["type"], &records[i]["sender"]);
        assert_eq!(of(0), (&json!("head"), &json!("client")));
        assert_eq!(of(1), (&json!("head"), &json!("server")));
        assert_eq!(of(2), (&json!("frame"), &json!("client")));
        assert_eq!(of(3), (&json!("frame"), &json!("server")));
        let mut head = client["handshake"].clone();
        let line = head["lines"][0]["text"].as_str().expect("a line");
        head["lines"][0]["text"] = line.replace(&tap.token, "***").into();
        assert_eq!(records[0]["handshake"], head);
        assert_eq!(records[1]["handshake"], server["handshake"]);
        for head in &records[..2] {
            assert_eq!(
                (&head["kind"], &head["verdict"]),
                (&json!("opening"), &json!("legal"))
            );
        }
        assert_eq!(records[2]["frame"], client["frames"][0]);
        assert_eq!(records[3]["frame"], server["frames"][0]);
        assert_eq!(records[2]["frame"]["wire"], hex(&hello));
    }

    #[test]
    fn tell_in_which_reads_a_frame_came() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut echo = tap.echo(&program, "a");
        let wire = [
            frame(Role::Client, TEXT, b"one"),
            frame(Role::Client, TEXT, b"two"),
        ]
        .concat();
        // Each part is read before the next is sent: a ping between would be seen, so its pong tells.
        let ping = frame(Role::Client, PING, b"");
        for part in [&[&ping[..], &wire[..4]].concat()[..], &wire[4..]] {
            echo.send(part);
            if part.starts_with(&ping) {
                echo.expect_frame(PONG, "");
            }
        }
        echo.expect_frame(TEXT, "one");
        echo.expect_frame(TEXT, "two");
        let mut reads = |c: &str| loop {
            let record = tap.next();
            if record["frame"]["payload.text"] == c && record["sender"] == "client" {
                let reads = &record["reads"];
                return (reads["first"].as_u64(), reads["last"].as_u64());
            }
        };
        let (first, last) = reads("one");
        assert!(first < last, "{first:?} {last:?}");
        // The second begins in the read that has the end of the first, or in a later one.
        let (second, end) = reads("two");
        assert!(last <= second && second <= end);
    }

    #[test]
    fn keep_the_beginning_of_what_is_long_and_its_true_length() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut echo = tap.echo(&program, "a");
        let payload: Vec<u8> = (0..1 << 20)
            .map(|i: u32| b"0123456789"[(i % 10) as usize])
            .collect();
        let wire = frame(Role::Client, TEXT, &payload);
        echo.send(&wire);
        echo.expect_frame(TEXT, &payload);
        let record = tap.next();
        let of = &record["frame"];
        assert_eq!(of["wire"], hex(&wire[..256]));
        assert_eq!(of["length"], wire.len());
        assert_eq!(of["payload_length_ext_64"], payload.len());
        assert_eq!(of["payload"], hex(&payload[..256 - 14]));
        assert_eq!(of["masked_payload"], hex(&wire[14..256]));
        assert_eq!(of["status"], "complete");
    }

    #[test]
    fn hide_what_is_secret_in_heads() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let secret = "Cookie: id=tell-nobody\r\nAuthorization: Basic tell-nobody\r\n\
                      PROXY-AUTHORIZATION: tell-nobody\r\nset-cookie: tell-nobody\r\n";
        let request = upgrade_request(&tap.path("/lab/echo", "a"));
        let mut raw = program.connect();
        raw.send(request.replace("Upgrade: websocket", &format!("{secret}Upgrade: websocket")));
        raw.expect_101();
        let head = tap.next().to_string();
        assert!(!head.contains("tell-nobody"), "{head}");
        assert!(
            head.contains("Cookie: (14 bytes)") && head.contains("Authorization: (17 bytes)"),
            "{head}"
        );
        assert!(head.contains(r#""value":"(14 bytes)""#), "{head}");
        assert_eq!(head.matches(": (11 bytes)").count(), 2, "{head}");
    }

    #[test]
    fn tell_of_a_refusal_and_its_reason() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        assert_eq!(refused(&program, &tap.path("/lab/nothing", "a")).0, 404);
        let kinds = [("head", "opening"), ("head", "refusal")];
        for (kind, of) in kinds {
            let record = tap.next();
            assert_eq!(
                (&record["type"], &record["kind"]),
                (&json!(kind), &json!(of))
            );
        }
        assert_eq!(tap.next()["type"], "body");
        let end = tap.next();
        assert_eq!((&end["type"], &end["status"]), (&json!("end"), &json!(404)));
        assert_eq!(end["reason"], "no WebSocket here");
    }

    #[test]
    fn tell_what_was_not_complete_at_the_end() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut echo = tap.echo(&program, "a");
        echo.send(b"\x81\x85\x01");
        echo.send_fin();
        let record = tap.next_of("unfinished");
        assert_eq!(
            (&record["what"], &record["length"]),
            (&json!("frame"), &json!(3))
        );
        assert_eq!(tap.next()["type"], "end");
    }

    #[test]
    fn are_dropped_whole_and_counted_when_the_page_does_not_take_them() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut echo = program.open(&tap.path("/lab/echo", "a"));
        // Some 12 MB of records: more than any system keeps for a socket that nobody reads.
        let payload = [b'*'; 200];
        let wire = frame(Role::Client, TEXT, &payload).repeat(50);
        for _ in 0..80 {
            echo.send(&wire);
            for _ in 0..50 {
                echo.expect_frame(TEXT, payload);
            }
        }
        echo.send_frame(CLOSE, close_body(1000, b""));
        echo.expect_close(1000);
        echo.expect_fin();
        drop(echo);
        // What was kept is in order, without a gap but for those that are told.
        let (mut id, mut dropped) = (0, 0);
        loop {
            // News of the page's own reading may be what tells of the last that were dropped.
            let record = if id == 0 {
                tap.next()
            } else {
                next_or_poke(&mut tap)
            };
            if record["type"] == "dropped" {
                dropped += record["records"].as_u64().expect("a number");
                id += record["records"].as_u64().expect("a number");
                continue;
            }
            id += 1;
            assert_eq!(record["id"], id, "{record}");
            if id > 2 + 2 * 4000 {
                break;
            }
        }
        assert!(dropped > 0);
    }

    /// The next record; while none comes, the page asks for what makes one, which may be dropped as well.
    fn next_or_poke(tap: &mut Tap) -> Value {
        while tap.is_empty() && tap.raw.is_silent(std::time::Duration::from_millis(100)) {
            let stopped = tap.ask(json!({"do": "news", "every": 0}));
            assert!(stopped.is_ok(), "{stopped:?}");
        }
        tap.next()
    }
}

mod ends {
    use super::*;

    #[test]
    fn of_the_server_wake_who_waits_for_news() {
        const TERM: u32 = 15;
        if !is_heeded(TERM) {
            return;
        }
        // The end of the session would wake it as well, once the page has closed its connection.
        let mut program = Program::serve(&["--close-timeout", "600", "--grace", "600"]);
        let mut tap = Tap::open(&program);
        let mut raw = program.connect();
        let path = tap.path("/clock/next", "") + "&after=0";
        raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(tap.next_of("count")["held"], 1);
        program.process.signal("TERM");
        assert_eq!(raw.response().status, 200);
        drop((raw, tap));
        assert_eq!(program.process.wait().code(), Some(0));
    }

    #[test]
    fn of_a_session_wake_who_waits_for_its_news() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut raw = program.connect();
        let path = tap.path("/clock/next", "") + "&after=0";
        raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(tap.next_of("count")["held"], 1);
        drop(tap);
        assert_eq!(raw.response().status, 200);
    }

    #[test]
    fn of_the_news_wake_who_waits_for_them_and_so_does_their_start() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let path = tap.path("/clock/next", "") + "&after=100";
        for every in [0, 10, 10, 0] {
            let mut raw = program.connect();
            raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assert_eq!(tap.next_of("count")["held"], 1);
            tap.ask(json!({"do": "news", "every": every}))
                .expect("news");
            assert_eq!(raw.response().status, 200);
            while tap.next_of("count")["requests"] != 1 {}
        }
    }
}

#[test]
fn long_messages_are_refused_at_either_connection() {
    let program = Program::serve(&[]);
    let mut tap = Tap::open(&program);
    let mut echo = tap.echo(&program, "a");
    echo.send_frame(TEXT, vec![b'*'; (1 << 20) + 1]);
    echo.expect_close(1009);
    tap.raw.send_frame(TEXT, vec![b' '; 65_536]);
    let answer = loop {
        let record = message(&mut tap.raw);
        if record["type"] == "answer" {
            break record;
        }
    };
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("not JSON")),
        "{answer}"
    );
    tap.raw.send_frame(TEXT, vec![b' '; 65_537]);
    tap.raw.expect_close(1009);
}

mod cost {
    use super::*;

    /// What a client has sent and received, and what was new to it.
    #[derive(Debug, Default)]
    struct Counted {
        requests: u64,
        up: u64,
        down: u64,
        payload: u64,
        news: u64,
        known: u64,
    }

    impl Counted {
        fn ask(&mut self, raw: &mut Raw, path: &str) {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n");
            raw.send(&request);
            let response = raw.response();
            assert_eq!(response.status, 200);
            self.requests += 1;
            self.up += request.len() as u64;
            self.down += (response.head.len() + response.body.len()) as u64;
            let body: Value = serde_json::from_slice(&response.body).expect("it is JSON");
            let number = body["news"].as_u64().expect("it tells the latest");
            if number > self.known {
                self.payload += response.body.len() as u64;
                self.news += number - self.known;
                self.known = number;
            }
        }

        /// Takes the counts of the server until they have come so far, and compares.
        #[track_caller]
        fn check(&self, tap: &mut Tap, lane: &str) {
            loop {
                let told = tap.next_of("count");
                if told["lane"] == lane
                    && told["requests"] == self.requests
                    && told["up"] == self.up
                    && told["held"] == 0
                {
                    let told = ["down", "payload", "news"].map(|name| told[name].as_u64());
                    assert_eq!(
                        told,
                        [Some(self.down), Some(self.payload), Some(self.news)],
                        "{lane}"
                    );
                    return;
                }
            }
        }
    }

    fn started() -> (Program, Tap) {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let started = tap.ask(json!({"do": "news", "every": 0.2}));
        assert_eq!(started, Ok(json!({"every": 0.2})));
        (program, tap)
    }

    #[test]
    fn of_polling_is_what_the_client_counts() {
        let (program, mut tap) = started();
        let mut counted = Counted::default();
        let mut raw = program.connect();
        let path = tap.path("/clock/now", "");
        while counted.news < 2 {
            counted.ask(&mut raw, &path);
        }
        counted.check(&mut tap, "poll");
    }

    #[test]
    fn of_long_polling_is_what_the_client_counts() {
        let (program, mut tap) = started();
        let mut counted = Counted::default();
        let mut raw = program.connect();
        for _ in 0..3 {
            let path = format!("/clock/next?t={}&after={}", tap.token, counted.known);
            let known = counted.known;
            counted.ask(&mut raw, &path);
            assert!(counted.known > known, "an answer has waited for news");
        }
        counted.check(&mut tap, "long");
    }

    #[test]
    fn of_a_websocket_is_what_the_client_counts() {
        let (program, mut tap) = started();
        let request = upgrade_request(&tap.path("/lab/news", "n"));
        let mut raw = program.connect();
        raw.send(&request);
        let mut counted = Counted {
            requests: 1,
            up: request.len() as u64,
            down: raw.expect_101().len() as u64,
            ..Counted::default()
        };
        let mut first = None;
        for _ in 0..3 {
            let (byte0, payload) = raw.frame();
            assert_eq!(byte0, TEXT);
            counted.down += 2 + payload.len() as u64;
            counted.payload += payload.len() as u64;
            let message: Value = serde_json::from_slice(&payload).expect("it is JSON");
            counted.known = message["news"].as_u64().expect("it tells the latest");
            first = first.or(Some(counted.known));
        }
        let close = frame(Role::Client, CLOSE, &close_body(1000, b""));
        raw.send(&close);
        loop {
            // News may have come before it.
            let (byte0, payload) = raw.frame();
            counted.down += 2 + payload.len() as u64;
            if byte0 == CLOSE {
                break;
            }
            counted.payload += payload.len() as u64;
        }
        counted.up += close.len() as u64;
        drop(raw);
        let told = loop {
            let told = tap.next_of("count");
            if told["lane"] == "socket" && told["up"] == counted.up && told["down"] == counted.down
            {
                break told;
            }
        };
        assert_eq!(
            (&told["requests"], &told["payload"]),
            (&json!(1), &json!(counted.payload))
        );
        assert_eq!(told["held"], 0);
    }

    #[test]
    fn of_a_browser_that_waits_too_often_is_bounded() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let path = tap.path("/clock/next", "") + "&after=0";
        let waiting: Vec<_> = (1..=8)
            .map(|held| {
                let mut raw = program.connect();
                raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
                assert_eq!(tap.next_of("count")["held"], held);
                raw
            })
            .collect();
        assert_eq!(get(&program, &path).status, 503);
        drop(tap);
        for mut raw in waiting {
            assert_eq!(raw.response().status, 200);
        }
        assert_eq!(get(&program, "/clock/next?t=0&after=0").status, 403);
    }

    #[test]
    fn of_what_does_not_say_which_news_it_knows_is_nothing() {
        let program = Program::serve(&[]);
        let tap = Tap::open(&program);
        for after in ["", "&after=", "&after=x", "&after=-1"] {
            let path = tap.path("/clock/next", "") + after;
            assert_eq!(get(&program, &path).status, 400, "{after}");
        }
    }
}
