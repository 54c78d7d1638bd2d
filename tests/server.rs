//! How a server treats its connections: what a broken rule, a failing handler and a passed deadline
//! come to at the peer's end of the wire.

use crate::support;
use crate::support::bytes::{
    BINARY, BINARY_BEGIN, CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGIN, close_body, frame, wire,
};
use crate::support::due;
use crate::support::hostile::{Visitor, fill_window, go_on_sending};
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use crate::support::server::{SOON, echo, endless, impatient, observe, observe_with, start};
use plainws::net::log::{EndedBy, Outcome, Record};
use plainws::protocol::{head, message};
use plainws::{Admission, CloseCode, Error, Limits, Page, Role, Rule, Server, WhenFull};
use std::net::SocketAddr;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const MOMENT: Duration = Duration::from_millis(10);

fn echo_server(limits: Limits) -> SocketAddr {
    start(|server| server.limits(limits).route("/", echo))
}

fn client(frames: &[(u8, &[u8])]) -> Vec<u8> {
    wire(Role::Client, frames)
}

/// Opens a connection of its own to see that the server still serves.
#[track_caller]
fn assert_serves(address: SocketAddr) {
    let mut raw = Raw::open(address, "/");
    raw.send_frame(TEXT, "still there?");
    raw.expect_frame(TEXT, "still there?");
}

/// §7.1.7: the peer is told why, and nothing after that.
mod a_broken_rule {
    use super::*;

    #[test]
    fn is_answered_with_the_code_of_the_table_and_a_fin() {
        let address = echo_server(Limits::default());
        let mut tried = 0;
        for rule in Rule::ALL {
            let (Some(code), Some(bytes)) = (rule.close_code(), rule.example(Role::Client)) else {
                continue;
            };
            let mut raw = Raw::open(address, "/");
            raw.send(bytes);
            let reason = raw.expect_close(code.0);
            assert!(rule.clause().starts_with(&reason), "{}", rule.id());
            raw.expect_fin();
            tried += 1;
        }
        assert!(tried >= 15, "{tried} rules bind a client's frames");
        assert_serves(address);
    }

    #[test]
    fn is_answered_with_a_fin_and_no_reset_even_while_the_peer_still_sends() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        raw.send(b"\xFF");
        for _ in 0..16 {
            raw.send([0xFF; 64 * 1024]);
        }
        raw.expect_close(1002);
        raw.expect_fin();
        // The server still takes what was under way.
        raw.send([0xFF; 64 * 1024]);
        raw.send_fin();
        raw.expect_fin();
    }

    #[test]
    fn is_noticed_at_its_first_byte_in_an_unfinished_frame() {
        let address = echo_server(Limits::default());
        let head_of = |byte0, length: u16, payload: &[u8]| {
            let mut bytes = frame(Role::Client, byte0, &vec![b'x'; length.into()]);
            let payload = support::bytes::xor(payload, support::bytes::KEY);
            bytes.truncate(if length < 126 { 6 } else { 8 });
            bytes.extend(payload);
            bytes
        };
        let cases: [(&str, Vec<u8>, u16); 6] = [
            (
                "a byte that is in no UTF-8",
                head_of(TEXT, 1000, b"ok\xFF"),
                1007,
            ),
            ("a surrogate", head_of(TEXT, 1000, b"\xED\xA0"), 1007),
            ("a reserved code", head_of(CLOSE, 100, b"\x03\xED"), 1002),
            (
                "a reason that is no UTF-8",
                head_of(CLOSE, 100, b"\x03\xE8\xC0"),
                1007,
            ),
            ("a reserved bit", b"\xC1".to_vec(), 1002),
            ("a length above 125 in a ping", b"\x89\xFE".to_vec(), 1002),
        ];
        for (name, bytes, code) in cases {
            println!("{name}");
            let mut raw = Raw::open(address, "/");
            raw.send(bytes);
            raw.expect_close(code);
            raw.expect_fin();
        }
    }

    #[test]
    fn comes_behind_the_answers_to_what_was_right() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        let right = client(&[(TEXT, b"right"), (PING, b"?")]);
        raw.send([&right[..], b"\x81\x00", &right].concat());
        raw.expect_frame(PONG, "?");
        raw.expect_frame(TEXT, "right");
        raw.expect_close(1002);
        raw.expect_fin();
    }

    #[test]
    fn behind_the_head_of_the_handshake_is_answered_too() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::connect(address);
        raw.send([upgrade_request("/").as_bytes(), b"\x81\x00"].concat());
        raw.expect_101();
        raw.expect_close(1002);
        raw.expect_fin();
    }

    #[test]
    fn does_not_hold_the_server_longer_than_the_close_timeout() {
        let limits = endless().close_timeout(SOON);
        let (address, observed) = observe_with(limits, |ws, told| {
            let broken =
                matches!(ws.receive(), Err(Error::Rule(broken)) if broken == Rule::MaskMissing);
            ws.close(CloseCode::NORMAL, "")?;
            let _ = told.send(broken);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        let since = Instant::now();
        raw.send(b"\x81\x00");
        raw.expect_close(1002);
        // This side stays open, and each byte is something to read; the handler must not wait for its end.
        let dripping = thread::spawn(move || go_on_sending(&mut raw, b"\xFF", MOMENT));
        assert!(observed.next_due(since, SOON));
        dripping.join().expect("the connection ends");
    }
}

mod a_handler {
    use super::*;
    use std::error::Error;

    #[test]
    fn that_returns_ends_the_connection_with_1000() {
        let address = start(|server| server.route("/", |_ws| plainws::Result::Ok(())));
        let mut raw = Raw::open(address, "/");
        raw.expect_close(1000);
    }

    #[test]
    fn that_fails_ends_the_connection_with_1011_and_tells_the_peer_no_more() {
        let address = start(|server| {
            server
                .route("/", echo)
                .route("/fails", |_ws| Err(std::io::Error::other("a secret")))
        });
        let mut raw = Raw::open(address, "/fails");
        assert_eq!(raw.expect_close(1011), "");
        assert_serves(address);
    }

    #[test]
    fn may_fail_with_any_error_which_the_log_is_told() {
        let (told, logged) = mpsc::channel();
        let address = start(|server| {
            server
                .route("/text", |_ws| Err("just text"))
                .route("/number", |_ws| "x".parse::<u32>().map(drop))
                .route(
                    "/boxed",
                    |_ws| -> Result<(), Box<dyn Error + Send + Sync>> { Err("in a box".into()) },
                )
                .route("/ours", |_ws| Err(plainws::Error::Backlogged))
                .route("/full", |_ws| Err(plainws::Error::Overloaded))
                .route("/full-inside", |_ws| {
                    Err(std::io::Error::other(Outer(plainws::Error::Overloaded)))
                })
                .route("/late", |ws| {
                    ws.close(CloseCode::NORMAL, "")?;
                    ws.send("too late").map_err(Outer)?;
                    Ok::<(), Box<dyn Error + Send + Sync>>(())
                })
                .log(move |record| {
                    if let Outcome::Closed { error, .. } = &record.outcome {
                        let _ = told.send(error.map(ToString::to_string));
                    }
                })
        });
        for (path, code, error) in [
            ("/text", 1011, Some("just text")),
            ("/number", 1011, Some("invalid digit found in string")),
            ("/boxed", 1011, Some("in a box")),
            (
                "/ours",
                1011,
                Some("the peer is too slow: its backlog is full"),
            ),
            ("/full", 1013, Some("no memory is left for the message")),
            ("/full-inside", 1013, Some("outer")),
            ("/late", 1000, None),
        ] {
            let mut raw = Raw::open(address, path);
            assert_eq!(raw.expect_close(code), "", "{path}");
            raw.send_frame(CLOSE, close_body(code, b""));
            raw.expect_fin();
            drop(raw);
            let told = logged.recv_timeout(PATIENCE).expect("a line in time");
            assert_eq!(told.as_deref(), error, "{path}");
        }
    }

    /// An error that another one caused.
    #[derive(Debug)]
    struct Outer(plainws::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    /// What is written to standard error by a process of its own, which is this test once more.
    #[test]
    fn that_fails_without_a_log_is_a_line_on_standard_error() {
        const NAME: &str =
            "server::a_handler::that_fails_without_a_log_is_a_line_on_standard_error";
        const HAS_LOG: &str = "PLAINWS_TEST_HAS_LOG";

        if let Ok(has_log) = std::env::var(HAS_LOG) {
            return fail_once(has_log == "true");
        }
        let told = |has_log: bool| {
            let own = std::env::current_exe().expect("a test has a program");
            let child = std::process::Command::new(own)
                .args(["--exact", NAME])
                .env(HAS_LOG, has_log.to_string())
                .output()
                .expect("it can be run again");
            assert!(child.status.success(), "{child:?}");
            String::from_utf8(child.stderr).expect("text")
        };
        let line = told(false);
        let start = "plainws: the handler of \"GET /fails HTTP/1.1\" from 127.0.0.1:";
        assert!(line.starts_with(start), "{line}");
        assert!(line.ends_with(" failed: on\\npurpose\n"), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert_eq!(told(true), "");
    }

    fn fail_once(has_log: bool) {
        let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let (address, handle) = (server.local_addr(), server.handle());
        let server = server.route("/fails", |_ws| Err("on\npurpose"));
        let server = if has_log { server.log(|_| {}) } else { server };
        let serving = thread::spawn(move || server.serve());
        let mut raw = Raw::open(address.expect("it is bound"), "/fails");
        raw.expect_close(1011);
        raw.send_frame(CLOSE, close_body(1011, b""));
        raw.expect_fin();
        drop(raw);
        handle.expect("it is bound").shutdown();
        serving.join().expect("it ends");
    }

    #[test]
    fn that_panics_ends_one_connection_with_1011_and_not_the_server() {
        let address = start(|server| {
            server
                .route("/", echo)
                .route("/panics", |ws| -> plainws::Result<()> {
                    ws.receive()?;
                    ws.feed("queued")?;
                    // A panic without its message on the terminal.
                    std::panic::resume_unwind(Box::new("as an index out of bounds would"));
                })
        });
        let mut bystander = Raw::open(address, "/");
        for _ in 0..3 {
            let mut raw = Raw::open(address, "/panics");
            raw.send_frame(TEXT, "");
            raw.expect_frame(TEXT, "queued");
            assert_eq!(raw.expect_close(1011), "");
            raw.send_frame(CLOSE, close_body(1011, b""));
            raw.expect_fin();
        }
        bystander.send_frame(TEXT, "unharmed");
        bystander.expect_frame(TEXT, "unharmed");
        assert_serves(address);
    }

    #[test]
    fn that_is_slow_holds_nobody_else() {
        let address = start(|server| {
            server.route("/", echo).route("/sleeps", |_ws| {
                thread::sleep(PATIENCE);
                plainws::Result::Ok(())
            })
        });
        let _sleeping: Vec<_> = (0..20).map(|_| Raw::open(address, "/sleeps")).collect();
        let _silent: Vec<_> = (0..20).map(|_| Raw::connect(address)).collect();
        assert_serves(address);
    }

    #[test]
    fn runs_for_many_connections_at_once() {
        let address = echo_server(Limits::default());
        let mut raws: Vec<_> = (0..100).map(|_| Raw::open(address, "/")).collect();
        for (raw, number) in raws.iter_mut().zip(0..100) {
            raw.send_frame(BINARY, i32::to_be_bytes(number));
        }
        for (raw, number) in raws.iter_mut().zip(0..100).rev() {
            raw.expect_frame(BINARY, i32::to_be_bytes(number));
        }
    }
}

mod a_deadline {
    use super::*;

    #[test]
    fn for_the_head_answers_408_when_a_part_of_it_came() {
        let limits = endless().head_timeout(SOON);
        let address = echo_server(limits.close_timeout(Duration::ZERO));
        for part in [
            "G",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\n",
        ] {
            let since = Instant::now();
            let mut raw = Raw::connect(address);
            raw.send(part);
            raw.wait_for_due(since, SOON);
            assert_eq!(raw.response().status, 408, "{part}");
            raw.expect_fin();
        }
        assert_serves(address);
    }

    #[test]
    fn for_the_head_is_absolute_and_not_put_off_by_a_byte_now_and_then() {
        let address = echo_server(impatient());
        let mut raw = Raw::connect(address);
        raw.send("GET /");
        let mut drops = 0;
        while raw.is_silent(MOMENT) {
            drops += 1;
            assert!(drops < 1000, "each byte puts the deadline off");
            raw.send("a");
        }
        assert_eq!(raw.response().status, 408);
    }

    #[test]
    fn for_the_head_ends_a_silent_connection_without_a_word() {
        let address = echo_server(endless().head_timeout(SOON));
        let ends = |mut raw: Raw, since| {
            raw.wait_for_due(since, SOON);
            raw.expect_fin();
        };
        let since = Instant::now();
        ends(Raw::connect(address), since);
        // An empty line is no part of a request (RFC 9112 §2.2).
        let since = Instant::now();
        let mut empty_line = Raw::connect(address);
        empty_line.send("\r\n");
        ends(empty_line, since);
    }

    #[test]
    fn for_a_write_ends_the_connection_of_a_peer_that_does_not_read() {
        let (address, observed) = observe_with(impatient(), |ws, told| {
            let failure = loop {
                if let Err(error) = ws.send(&[0; 64 * 1024]) {
                    break error;
                }
            };
            let late = matches!(ws.send("late"), Err(error) if error.is_closed());
            let _ = told.send((failure, late));
            Ok(())
        });
        let since = Instant::now();
        let _never_reads = Raw::open(address, "/");
        let (failure, late) = observed.next_due(since, SOON);
        assert!(
            matches!(&failure, Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut),
            "{failure:?}"
        );
        assert!(late, "a frame may be torn: nothing can follow it");
    }

    #[test]
    fn for_a_write_ends_an_echo_whose_peer_sends_and_sends_and_does_not_read() {
        let address = echo_server(impatient());
        let mut raw = Visitor::default().window(4096).open(address, "/");
        let message = frame(Role::Client, BINARY, &[0; 64 * 1024]);
        let lost = fill_window(&mut raw, &message, SOON * 10);
        assert!(lost.is_err(), "{lost:?}");
        assert_serves(address);
    }

    #[test]
    fn for_the_close_ends_the_connection_of_a_peer_that_does_not_answer() {
        let limits = endless().close_timeout(SOON);
        let address = start(|server| {
            server
                .limits(limits)
                .route("/", |_ws| plainws::Result::Ok(()))
        });
        let since = Instant::now();
        let mut raw = Raw::open(address, "/");
        raw.expect_close(1000);
        raw.wait_for_due(since, SOON);
        raw.expect_fin();
    }

    #[test]
    fn for_the_close_ends_a_connection_after_its_last_response_however_its_peer_drips() {
        let address = echo_server(endless().close_timeout(SOON));
        let since = Instant::now();
        let mut raw = Raw::connect(address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(raw.response().status, 426);
        raw.expect_fin();
        due::call(since, SOON, move || go_on_sending(&mut raw, b"x", MOMENT));
    }

    #[test]
    fn does_not_end_a_connection_that_is_open_and_quiet() {
        let address = echo_server(impatient());
        let mut raw = Raw::open(address, "/");
        raw.expect_silence(Duration::from_millis(700));
        // Nor does it in the middle of a frame.
        let frame = frame(Role::Client, TEXT, b"slowly");
        raw.send(&frame[..7]);
        raw.expect_silence(Duration::from_millis(700));
        raw.send(&frame[7..]);
        raw.expect_frame(TEXT, "slowly");
    }
}

mod a_limit {
    use super::*;

    fn message_limits() -> Limits {
        Limits::default().message(
            message::Limits::new()
                .max_bytes(10)
                .max_fragments(4)
                .max_empty_fragments(2),
        )
    }

    #[test]
    fn of_a_message_is_kept_to_the_byte() {
        let address = echo_server(message_limits());
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "0123456789");
        raw.expect_frame(TEXT, "0123456789");
        raw.send(client(&[(TEXT_BEGIN, b"01234"), (LAST, b"56789")]));
        raw.expect_frame(TEXT, "0123456789");
        raw.send_frame(TEXT, "0123456789a");
        raw.expect_close(1009);
        raw.expect_fin();

        let mut raw = Raw::open(address, "/");
        raw.send(client(&[(BINARY_BEGIN, b"01234"), (MORE, b"567890")]));
        raw.expect_close(1009);
        raw.expect_fin();
    }

    #[test]
    fn of_a_message_needs_no_more_than_the_header_to_bite() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        raw.send(b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0");
        raw.expect_close(1009);
        raw.expect_fin();
    }

    #[test]
    fn of_fragments_counts_the_empty_ones_too() {
        let address = echo_server(message_limits());
        let fragments = |count: usize, payload: &[u8]| {
            let mut bytes = frame(Role::Client, TEXT_BEGIN, payload);
            for _ in 1..count {
                bytes.extend(frame(Role::Client, MORE, payload));
            }
            bytes
        };
        for (bytes, what) in [
            (fragments(5, b"x"), "more than 4 fragments"),
            (fragments(3, b""), "more than 2 empty fragments"),
        ] {
            println!("{what}");
            let mut raw = Raw::open(address, "/");
            raw.send(bytes);
            raw.expect_close(1009);
            raw.expect_fin();
        }
        let mut raw = Raw::open(address, "/");
        raw.send(fragments(3, b"x"));
        raw.send_frame(LAST, "!");
        raw.expect_frame(TEXT, "xxx!");
    }

    #[test]
    fn of_fragments_lets_65536_of_64_bytes_pass_by_default() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        let payload = [b'f'; 64];
        let mut bytes = frame(Role::Client, BINARY_BEGIN, &payload);
        for _ in 0..65_534 {
            bytes.extend(frame(Role::Client, MORE, &payload));
        }
        bytes.extend(frame(Role::Client, LAST, &payload));
        raw.send(bytes);
        raw.expect_frame(BINARY, vec![b'f'; 4 * 1024 * 1024]);
    }

    #[test]
    fn of_the_head_is_kept_to_the_byte_and_to_the_field() {
        let limits = Limits::default().head(head::Limits::new().max_bytes(400).max_headers(8));
        let address = echo_server(limits);
        let request = upgrade_request("/");
        let with = |line: &str| request.replacen("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"), 1);
        let padding = "p".repeat(400 - with("X: ").len());

        let mut raw = Raw::connect(address);
        raw.send(with(&format!("X: {padding}")));
        raw.expect_101();
        let mut raw = Raw::connect(address);
        raw.send(with(&format!("X: {padding}p")));
        assert_eq!(raw.response().status, 431);
        raw.expect_fin();

        let mut raw = Raw::connect(address);
        raw.send(with("A: b\r\nA: b\r\nA: b"));
        raw.expect_101();
        let mut raw = Raw::connect(address);
        raw.send(with("A: b\r\nA: b\r\nA: b\r\nA: b"));
        assert_eq!(raw.response().status, 431);
        raw.expect_fin();
    }
}

/// When its end is reported, a connection still has its place. What passed over it counts once all the same.
#[test]
fn a_connection_that_ends_is_counted_once() {
    let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = server.local_addr().expect("it is bound");
    let handle = server.handle().expect("it is bound");
    let (told, counts) = mpsc::channel();
    let server = server.route("/", echo).log(move |record| {
        if matches!(record.outcome, Outcome::Closed { .. }) {
            let _ = told.send(handle.stats());
        }
    });
    thread::spawn(move || server.serve());
    for round in 1..=3 {
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "once");
        raw.expect_frame(TEXT, "once");
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_close(1000);
        drop(raw);
        let stats = counts.recv_timeout(PATIENCE).expect("it is reported");
        assert_eq!(stats.open_websockets, 0);
        assert_eq!(stats.websockets, round);
        assert_eq!(stats.closes.values().sum::<u64>(), round);
        let traffic = stats.traffic;
        assert_eq!(
            (traffic.messages_received, traffic.messages_sent),
            (round, round)
        );
    }
}

#[test]
fn limits_without_end_are_limits_all_the_same() {
    let limits = Limits::default()
        .head(
            head::Limits::new()
                .max_bytes(usize::MAX)
                .max_headers(usize::MAX),
        )
        .message(
            message::Limits::new()
                .max_bytes(u64::MAX)
                .max_fragments(u32::MAX)
                .max_empty_fragments(u32::MAX),
        )
        .head_timeout(Duration::MAX)
        .close_timeout(Duration::MAX)
        .write_timeout(Duration::MAX);
    let address = echo_server(limits);
    assert_serves(address);
    let mut raw = Raw::open(address, "/");
    raw.send_frame(CLOSE, close_body(1000, b""));
    raw.expect_close(1000);
    raw.expect_fin();
    // The longest length that there is takes no memory before its bytes come.
    let mut raw = Raw::open(address, "/");
    raw.send(b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0");
    raw.expect_silence(MOMENT);
    assert_serves(address);
}

mod pings {
    use super::*;

    #[test]
    fn are_answered_in_the_middle_of_a_message() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT_BEGIN, "one ");
        raw.send_frame(PING, "between");
        raw.expect_frame(PONG, "between");
        raw.send_frame(LAST, "message");
        raw.expect_frame(TEXT, "one message");
    }

    #[test]
    fn in_a_flood_are_answered_up_to_the_latest() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        let mut flood = Vec::new();
        for number in 0..50_000_u32 {
            flood.extend(frame(Role::Client, PING, &number.to_be_bytes()));
        }
        flood.extend(frame(Role::Client, TEXT, b"after the flood"));
        raw.send(flood);
        let mut latest = None;
        loop {
            match raw.frame() {
                (PONG, number) => {
                    assert!(Some(&number) > latest.as_ref(), "in order");
                    latest = Some(number);
                }
                (TEXT, _) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(latest, Some(49_999_u32.to_be_bytes().to_vec()));
    }
}

/// Nothing that a peer does may keep the server from serving the next.
mod abuse {
    use super::*;

    #[test]
    fn by_other_protocols_is_refused() {
        let address = echo_server(Limits::default());
        let openings: [(&str, &[u8]); 7] = [
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"),
            ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
            ("HTTP/0.9", b"GET /\r\n"),
            ("SMTP", b"EHLO example.com\r\n"),
            ("Redis", b"*1\r\n$4\r\nPING\r\n"),
            ("zeros", &[0; 100]),
            (
                "a frame without a handshake",
                b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            ),
        ];
        for (name, opening) in openings {
            let mut raw = Raw::connect(address);
            raw.send(opening);
            assert_eq!(raw.response().status, 400, "{name}");
            raw.expect_fin();
        }
        let mut raw = Raw::connect(address);
        raw.send(vec![b'A'; 1024 * 1024]);
        assert_eq!(raw.response().status, 414, "no line end at all");
        raw.expect_fin();
        assert_serves(address);
    }

    #[test]
    fn by_leaving_at_any_stage_is_survived() {
        let address = echo_server(Limits::default());
        let request = upgrade_request("/");
        let half_a_frame = &client(&[(TEXT, b"half a frame")])[..9];
        let stages = [
            Vec::new(),
            request[..30].into(),
            request.clone().into_bytes(),
            [request.as_bytes(), half_a_frame].concat(),
            [
                request.as_bytes(),
                &client(&[(TEXT_BEGIN, b"half a message")]),
            ]
            .concat(),
            [request.as_bytes(), &client(&[(CLOSE, b"")])].concat(),
        ];
        for stage in &stages {
            let mut leaves = Raw::connect(address);
            leaves.send(stage);
            drop(leaves);
            let mut half_closes = Raw::connect(address);
            half_closes.send(stage);
            half_closes.send_fin();
            half_closes.until_end();
        }
        assert_serves(address);
    }

    #[test]
    fn by_a_reset_at_any_stage_is_survived() {
        let address = echo_server(Limits::default());
        let request = upgrade_request("/");
        let large = client(&[(BINARY, &[0; 1024 * 1024])]);
        let stages = [
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            b"\0".to_vec(),
            request.clone().into_bytes(),
            [request.as_bytes(), &large].concat(),
            [request.as_bytes(), b"\xFF"].concat(),
            [request.as_bytes(), &client(&[(CLOSE, b"")])].concat(),
        ];
        for stage in &stages {
            let mut raw = Raw::connect(address);
            raw.send(stage);
            raw.reset();
        }
        assert_serves(address);
    }

    #[test]
    fn by_a_half_closed_connection_still_gets_its_answers() {
        let address = echo_server(Limits::default());
        let mut raw = Raw::open(address, "/");
        raw.send(client(&[(TEXT, b"my last"), (PING, b"?")]));
        raw.send_fin();
        raw.expect_frame(PONG, "?");
        raw.expect_frame(TEXT, "my last");
        raw.expect_fin();
    }
}

mod the_log {
    use super::*;

    /// Starts a server that tells what it logs.
    fn logging() -> (SocketAddr, mpsc::Receiver<String>) {
        let (told, lines) = mpsc::channel();
        let address = start(|server| {
            server
                .route("/", echo)
                .page("/page", Page::html("hello"))
                .route("/panics", |_ws| -> plainws::Result<()> {
                    std::panic::resume_unwind(Box::new(""))
                })
                .log(move |record: &Record<'_>| {
                    let line = record.request_line.escape_ascii();
                    let outcome = match &record.outcome {
                        Outcome::Response { status, length, .. } => format!("{status} {length}"),
                        Outcome::Left => "left".into(),
                        Outcome::Closed {
                            reason,
                            error,
                            has_panicked,
                            ..
                        } => format!(
                            "{} {} {has_panicked}",
                            reason.code.0,
                            error.map_or("fine".into(), ToString::to_string),
                        ),
                        _ => "new".into(),
                    };
                    let _ = told.send(format!("{line}: {outcome}"));
                })
        });
        (address, lines)
    }

    #[test]
    fn has_a_record_for_each_request_and_connection() {
        let (address, lines) = logging();
        let next = || lines.recv_timeout(PATIENCE).expect("a record in time");
        let mut raw = Raw::connect(address);
        raw.send("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
        raw.response();
        assert_eq!(next(), "GET /page HTTP/1.1: 200 5");
        raw.send("GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let length = raw.response().body.len();
        assert_eq!(next(), format!("GET /none HTTP/1.1: 404 {length}"));
        // Its end is not logged, unlike that of a connection without a request.
        drop(raw);
        drop(Raw::connect(address));
        assert_eq!(next(), ": left");

        let mut raw = Raw::open(address, "/");
        raw.send_frame(CLOSE, close_body(4321, b""));
        drop(raw);
        assert_eq!(next(), "GET / HTTP/1.1: 4321 fine false");

        let mut raw = Raw::open(address, "/");
        raw.send(b"\x81\x00");
        raw.expect_close(1002);
        drop(raw);
        let broken = format!(
            "GET / HTTP/1.1: 1006 the peer broke a rule with byte 2 of its frames: {} false",
            Rule::MaskMissing
        );
        assert_eq!(next(), broken);

        let mut raw = Raw::open(address, "/panics");
        raw.expect_close(1011);
        drop(raw);
        assert_eq!(next(), "GET /panics HTTP/1.1: 1006 fine true");
    }

    /// Bytes read and written, as each record tells them.
    #[test]
    fn counts_the_bytes_of_each_request_and_connection() {
        let (told, counts) = mpsc::channel();
        let address = start(|server| {
            let server = server.route("/", echo).page("/page", Page::html("hello"));
            let server = server.route("/posts", |ws| {
                ws.sender().when_full(WhenFull::Refuse).send("posted")
            });
            server.log(move |record| {
                let _ = told.send((record.bytes_read, record.bytes_written));
            })
        });
        let next = || counts.recv_timeout(PATIENCE).expect("a record in time");
        let length = |text: &str| text.len() as u64;
        let written =
            |response: &support::raw::Response| length(&response.head) + response.body.len() as u64;
        let page = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let head = page("/page").replace("GET", "HEAD");

        // Requests that come together, with an empty line before one of them, and the connection after them.
        let mut raw = Raw::connect(address);
        let requests = [page("/page"), format!("\r\n{}", page("/none")), head];
        let opening = upgrade_request("/");
        let first = client(&[(TEXT, b"early")]);
        raw.send(
            [
                requests.concat().as_bytes(),
                opening.as_bytes(),
                &first[..3],
            ]
            .concat(),
        );
        for request in &requests[..2] {
            let response = raw.response();
            assert_eq!(next(), (length(request), written(&response)), "{request}");
        }
        let response = raw.response_without_body();
        assert_eq!(next(), (length(&requests[2]), length(&response.head)));
        let answer = raw.expect_101();
        raw.send(&first[3..]);
        raw.expect_frame(TEXT, "early");
        raw.send(client(&[(PING, b"?"), (CLOSE, &close_body(1000, b""))]));
        raw.expect_frame(PONG, "?");
        raw.expect_close(1000);
        raw.expect_fin();
        drop(raw);
        let frames = first.len() + (2 + 4 + 1) + (2 + 4 + 2);
        let answers = (2 + 5) + (2 + 1) + (2 + 2);
        let expected = (length(&opening) + frames as u64, length(&answer) + answers);
        assert_eq!(next(), expected);

        // What is written without waiting.
        let opening = upgrade_request("/posts");
        let mut raw = Raw::connect(address);
        raw.send(&opening);
        let answer = raw.expect_101();
        raw.expect_frame(TEXT, "posted");
        raw.expect_close(1000);
        let close = client(&[(CLOSE, &close_body(1000, b""))]);
        raw.send(&close);
        raw.expect_fin();
        drop(raw);
        let read = length(&opening) + close.len() as u64;
        assert_eq!(next(), (read, length(&answer) + (2 + 6) + (2 + 2)));

        // What ends the connection, with what comes after it.
        let opening = upgrade_request("/");
        for bytes in [
            page("/page").replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody"),
            opening.replace("13", "12"),
            "no HTTP\r\n".into(),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(&bytes);
            let response = raw.response();
            assert_eq!(next(), (length(&bytes), written(&response)), "{bytes}");
        }
        let raw = Raw::connect(address);
        drop(raw);
        assert_eq!(next(), (0, 0));
        let mut raw = Raw::connect(address);
        raw.send("GET /");
        drop(raw);
        assert_eq!(next(), (5, 0));
    }

    #[test]
    fn counts_the_bytes_of_a_refusal_for_want_of_room() {
        let (told, counts) = mpsc::channel();
        let address = start(|server| {
            server.max_connections(0).log(move |record| {
                let _ = told.send((record.bytes_read, record.bytes_written));
            })
        });
        let mut raw = Raw::connect(address);
        let response = raw.response();
        assert_eq!(response.status, 503);
        let written = response.head.len() + response.body.len();
        let told = counts.recv_timeout(PATIENCE).expect("a record in time");
        assert_eq!(told, (0, written as u64));
    }

    /// What a peer does once it has a connection.
    type Peer = fn(Raw);

    #[test]
    fn tells_who_ended_tcp() {
        let (told, ends) = mpsc::channel();
        let limits = Limits::default().close_timeout(SOON);
        let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = server.local_addr().expect("it is bound");
        let handle = server.handle().expect("it is bound");
        let (go_on, told_to) = mpsc::sync_channel(0);
        let told_to = Mutex::new(told_to);
        let server = server.route("/", echo).limits(limits);
        let server = server.admit(move |applicant| {
            if applicant.request.query() == Some("wait") {
                let told_to = told_to.lock().expect("no panic");
                let _ = told_to.recv_timeout(PATIENCE);
            }
            Ok(Admission::default())
        });
        let server = server
            .route("/leaves", |_| plainws::Result::Ok(()))
            .route("/cuts", |ws| {
                ws.sender().cut();
                plainws::Result::Ok(())
            })
            .log(move |record| {
                if let Outcome::Closed { ended_by, .. } = record.outcome {
                    let _ = told.send(ended_by);
                }
            });
        thread::spawn(move || server.serve());
        let next = || ends.recv_timeout(PATIENCE).expect("a record in time");
        let cases: [(&str, Peer, EndedBy); 7] = [
            // In order: the server, whoever closes first.
            ("/", |mut raw| close(&mut raw), EndedBy::Us),
            ("/leaves", |mut raw| close(&mut raw), EndedBy::Us),
            // A broken rule.
            (
                "/",
                |mut raw| {
                    raw.send(b"\x81\x00");
                    raw.expect_close(1002);
                    raw.expect_fin();
                },
                EndedBy::Us,
            ),
            // No Close.
            ("/", |raw| raw.send_fin(), EndedBy::Peer),
            (
                "/",
                |mut raw| {
                    raw.send_frame(TEXT, "?");
                    raw.reset();
                },
                EndedBy::Peer,
            ),
            // A Close that is not answered, and a cut.
            (
                "/leaves",
                |mut raw| {
                    raw.expect_close(1000);
                    raw.expect_fin();
                },
                EndedBy::Cut,
            ),
            ("/cuts", |mut raw| raw.expect_fin(), EndedBy::Cut),
        ];
        for (number, (path, peer, ended_by)) in cases.into_iter().enumerate() {
            peer(Raw::open(address, path));
            assert_eq!(next(), ended_by, "case {number}");
        }
        // A Close whose sender does not wait for the answer.
        let mut raw = Raw::connect(address);
        raw.send(upgrade_request("/?wait"));
        raw.send_frame(CLOSE, "");
        raw.send_fin();
        go_on.send(()).expect("it waits");
        assert_eq!(next(), EndedBy::Peer);
        let _raw = Raw::open(address, "/");
        handle.cut();
        assert_eq!(next(), EndedBy::Cut);
    }

    fn close(raw: &mut Raw) {
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_close(1000);
        raw.expect_fin();
    }
}

#[test]
fn a_handler_may_be_a_closure_over_shared_state() {
    let (address, observed) = observe(|ws, told| {
        let _ = told.send(ws.peer_addr().is_some_and(|peer| peer.ip().is_loopback()));
        Ok(())
    });
    Raw::open(address, "/").expect_close(1000);
    assert!(observed.next());
}
