//! `plainws bench` against the program's own server, and against servers that do not echo as they should.

use crate::support::bytes::{
    BINARY, BINARY_BEGIN, CLOSE, LAST, MORE, PING, PONG, TEXT, close_body, frame, wire,
};
use crate::support::hand_made::{HandMade, accepting, answering, hand_made};
use crate::support::program::{self, Program, is_heeded};
use crate::support::raw::{PATIENCE, Raw};
use crate::support::run::{Run, check_fit_for_a_terminal, run};
use plainws::Role;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

const SHORT: [&str; 4] = ["--seconds", "0.1", "--warm-up", "0.02"];

/// A short run against `url`; the object that it prints.
fn bench(url: &str, flags: &[&str]) -> (Run, Value) {
    let run = run(&[&["bench", url, "--json"], &SHORT[..], flags].concat());
    let object = serde_json::from_str(&run.stdout);
    let object = object.unwrap_or_else(|_| panic!("no JSON in {run:?}"));
    (run, object)
}

fn number(object: &Value, name: &str) -> u64 {
    let number = object[name].as_u64();
    number.unwrap_or_else(|| panic!("no {name} in {object}"))
}

mod servers_that_echo {
    use super::*;

    #[test]
    fn are_measured() {
        let program = Program::serve(&["--quiet"]);
        let url = format!("ws://{}/echo", program.address);
        for flags in [
            &["--connections", "3", "--in-flight", "2"][..],
            &["--size", "0"],
            &["--size", "1", "--text", "--in-flight", "40"],
            &["--size", "70000", "--utf8", "--in-flight", "3"],
            &["--size", "1M", "--connections", "2", "--threads", "2"],
            &["--connections", "5", "--idle", "5", "--threads", "3"],
        ] {
            let (run, object) = bench(&url, flags);
            assert_eq!((run.code, &*run.stderr), (0, ""), "{flags:?}: {object}");
            let messages = number(&object, "messages");
            assert!(messages > 0, "{flags:?}: {object}");
            assert_eq!(object["errors"], json!({}), "{flags:?}");
            assert_eq!(number(&object, "lost"), 0, "{flags:?}");
            let rows = object["latency_histogram"]
                .as_array()
                .expect("it is a list");
            let counted: u64 = rows.iter().map(|row| number(row, "count")).sum();
            assert_eq!(counted, messages, "{object}");
        }
    }

    #[test]
    fn get_a_close_at_the_end() {
        let server = accepting(|raw| {
            echo_until_close(raw, |_, byte0, payload| {
                wire(Role::Server, &[(byte0, payload)])
            });
        });
        let (run, object) = bench(&server.url, &["--connections", "1"]);
        assert_eq!(run.code, 0, "{object}");
        server.join();
    }

    #[test]
    fn may_fragment_and_ping() {
        let server = accepting(|raw| {
            echo_until_close(raw, |_, byte0, payload| {
                let (first, rest) = payload.split_at(payload.len() / 3);
                let frames = [
                    (PING, &b"before"[..]),
                    (byte0 & !LAST, first),
                    (PING, b"between"),
                    (MORE, b""),
                    (LAST, rest),
                ];
                wire(Role::Server, &frames)
            });
        });
        let (run, object) = bench(&server.url, &["--connections", "1", "--size", "9000"]);
        assert_eq!(run.code, 0, "{object}");
        assert!(number(&object, "pings") >= 2, "{object}");
        server.join();
    }

    #[test]
    fn may_do_so_without_frames() {
        let address = byte_echo(|bytes| bytes);
        let url = format!("tcp://{address}");
        for size in ["0", "125", "100000"] {
            let (run, object) = bench(&url, &["--in-flight", "3", "--size", size]);
            assert_eq!(run.code, 0, "{object}");
        }
    }

    #[test]
    fn are_compared_by_turns() {
        let program = Program::serve(&["--quiet"]);
        let (ws, tcp) = (
            format!("ws://{}/echo", program.address),
            format!("tcp://{}", byte_echo(|bytes| bytes)),
        );
        let flags = ["--compare", &tcp, "--rounds", "3"];
        let (run, object) = bench(&ws, &flags);
        assert_eq!(run.code, 0, "{object}");
        assert_eq!(
            (&object["a"]["url"], &object["b"]["url"]),
            (&json!(ws), &json!(tcp))
        );
        let rounds = |name: &str| object["rounds"][name].as_array().map(Vec::len);
        assert_eq!((rounds("a"), rounds("b")), (Some(3), Some(3)), "{object}");
        assert!(
            object["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0),
            "{object}"
        );

        let shown = run_text(&[&["bench", &ws], &SHORT[..], &flags].concat());
        assert!(
            shown.contains("messages/s") && shown.contains("A/B"),
            "{shown}"
        );
    }

    #[test]
    fn are_told_apart_when_one_is_slower() {
        let program = Program::serve(&["--quiet"]);
        let ws = format!("ws://{}/echo", program.address);
        let slow = byte_echo(|bytes| {
            thread::sleep(Duration::from_millis(20));
            bytes
        });
        let flags = ["--compare", &format!("tcp://{slow}"), "--rounds", "3"];
        let (_, object) = bench(&ws, &flags);
        for round in 0..3 {
            let [a, b] = ["a", "b"].map(|name| object["rounds"][name][round].as_f64());
            assert!(a > b, "{object}");
        }
        assert!(object["ratio"].as_f64() > Some(1.0), "{object}");

        let shown = run_text(&[&["bench", &ws], &SHORT[..], &flags].concat());
        let half = shown.lines().find(|line| line.contains("latency p50"));
        let ratio = half.and_then(|line| line.split_whitespace().last()?.parse::<f64>().ok());
        assert!(ratio.is_some_and(|ratio| ratio < 1.0), "{shown}");
    }

    #[test]
    fn may_be_left_alone_and_ping() {
        let server = accepting(|raw| {
            raw.send(wire(
                Role::Server,
                &[(PING, b"there?"), (TEXT, b"news"), (BINARY_BEGIN, b"")],
            ));
            assert_eq!(answer(raw), (PONG, b"there?".to_vec()));
            raw.send(wire(
                Role::Server,
                &[(LAST, b"more"), (PING, b"still there?")],
            ));
            assert_eq!(answer(raw), (PONG, b"still there?".to_vec()));
            assert_eq!(answer(raw).0, CLOSE);
        });
        let (run, object) = bench(&server.url, &["--connections", "0", "--idle", "1"]);
        assert_eq!(run.code, 0, "{object}");
        assert_eq!(
            (number(&object, "pings"), number(&object, "unread")),
            (2, 2)
        );
        server.join();
    }

    /// §5.5.3: not each ping has to be answered, and answers that nobody reads are not kept without an end.
    #[test]
    fn may_ping_faster_than_they_read() {
        const PINGS: u64 = 250_000;
        let server = accepting(|raw| {
            let pings = wire(Role::Server, &[(PING, &[b'?'; 125][..]); 1000]);
            for _ in 0..PINGS / 1000 {
                raw.send(&pings);
            }
            raw.send_fin();
            raw.until_end();
        });
        let flags = ["--connections", "0", "--idle", "1", "--seconds", "60"];
        let run = run(&[&["bench", &server.url, "--json"], &flags[..]].concat());
        let object: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
        // 64 Ki are kept, and the buffers of the system take some MB.
        let answered = number(&object, "pings");
        assert!((1..PINGS).contains(&answered), "{object}");
        server.join();
    }
}

mod servers_that_do_not {
    use super::*;

    /// What is said of a server that answers the first messages of its only connection with these bytes.
    #[track_caller]
    fn check(
        kind: &str,
        flags: &[&str],
        answer: impl Fn(u64, u8, &[u8]) -> Vec<u8> + Send + 'static,
    ) {
        let server = accepting(move |raw| {
            let mut number = 0;
            while let Some((byte0, payload)) = raw.try_masked_frame() {
                let _ = raw.try_send(answer(number, byte0, &payload));
                number += 1;
            }
        });
        let flags = [&["--connections", "1"], flags].concat();
        found(kind, &bench(&server.url, &flags));
        server.join();
    }

    /// That all connections, one, failed in this way.
    #[track_caller]
    fn found(kind: &str, (run, object): &(Run, Value)) {
        let count = &object["errors"][kind]["count"];
        assert_eq!((count, run.code), (&json!(1), 1), "{kind}: {object}");
        assert_eq!(
            object["errors"].as_object().map(serde_json::Map::len),
            Some(1),
            "{object}"
        );
    }

    fn echo(byte0: u8, payload: &[u8]) -> Vec<u8> {
        frame(Role::Server, byte0, payload)
    }

    #[test]
    fn because_a_byte_is_wrong() {
        for (size, place) in [
            ("125", 124),
            ("125", 0),
            ("1", 0),
            ("100000", 99_000),
            ("100000", 20),
        ] {
            check(
                "wrong-bytes",
                &["--size", size],
                move |_, byte0, payload| {
                    let mut payload = payload.to_vec();
                    payload[place] ^= 0x20;
                    echo(byte0, &payload)
                },
            );
        }
    }

    #[test]
    fn because_it_is_another_message() {
        // The one before it again.
        let first = std::sync::Mutex::new(Vec::new());
        check("wrong-order", &[], move |number, byte0, payload| {
            let mut first = first.lock().expect("nobody panics");
            if number == 0 {
                *first = payload.to_vec();
            }
            echo(byte0, &first)
        });
        // The one before it, below its first bytes.
        let first = std::sync::Mutex::new(Vec::new());
        check(
            "wrong-bytes",
            &["--size", "70000"],
            move |number, byte0, payload| {
                let mut first = first.lock().expect("nobody panics");
                if number == 0 {
                    *first = payload.to_vec();
                }
                first[..16].copy_from_slice(&payload[..16]);
                echo(byte0, &first)
            },
        );
        // The next one first.
        let first = std::sync::Mutex::new(Vec::new());
        check(
            "wrong-order",
            &["--in-flight", "2"],
            move |number, byte0, payload| {
                let frame = echo(byte0, payload);
                if number == 0 {
                    *first.lock().expect("nobody panics") = frame;
                    return Vec::new();
                }
                [
                    frame,
                    std::mem::take(&mut *first.lock().expect("nobody panics")),
                ]
                .concat()
            },
        );
    }

    #[test]
    fn because_it_is_of_another_type_or_length() {
        check("wrong-type", &["--binary"], |_, _, payload| {
            echo(TEXT, payload)
        });
        check("wrong-type", &["--utf8"], |_, _, payload| {
            echo(BINARY, payload)
        });
        check("wrong-length", &[], |_, byte0, payload| {
            echo(byte0, &payload[1..])
        });
        check("wrong-length", &[], |_, byte0, payload| {
            echo(byte0, &[payload, b"x"].concat())
        });
        check("wrong-length", &[], |_, byte0, payload| {
            wire(Role::Server, &[(byte0 & !LAST, payload), (LAST, b"x")])
        });
    }

    #[test]
    fn because_nobody_asked() {
        let server = accepting(|raw| {
            raw.send(echo(BINARY, b"welcome"));
            raw.until_end();
        });
        found(
            "unexpected-message",
            &bench(&server.url, &["--connections", "1"]),
        );
        server.join();
    }

    #[test]
    fn because_their_frames_break_a_rule() {
        for (rule, bytes) in [
            ("mask-present", &b"\x82\x80abcd"[..]),
            ("rsv-not-zero", b"\xc2\x00"),
            ("opcode-reserved", b"\x83\x00"),
            ("continuation-unexpected", b"\x80\x00"),
            ("close-code-invalid", b"\x88\x02\x03\xed"),
        ] {
            let server = accepting(move |raw| {
                answer(raw);
                raw.send(bytes);
                raw.until_end();
            });
            let ended = bench(&server.url, &["--connections", "1"]);
            found("broken-rule", &ended);
            let first = ended.1["errors"]["broken-rule"]["first"].as_str();
            assert!(
                first.is_some_and(|first| first.starts_with(rule)),
                "{rule}: {first:?}"
            );
            server.join();
        }
    }

    #[test]
    fn because_they_close() {
        let server = accepting(|raw| {
            answer(raw);
            raw.send(echo(CLOSE, &close_body(1009, b"too\nbig")));
            assert_eq!(answer(raw), (CLOSE, close_body(1009, b"")));
            raw.until_end();
        });
        let ended = bench(&server.url, &["--connections", "1"]);
        found("closed", &ended);
        let first = &ended.1["errors"]["closed"]["first"];
        assert_eq!(
            *first,
            "the server closed: 1009 message too big \"too\\nbig\""
        );
        server.join();
    }

    #[test]
    fn because_they_leave() {
        let server = accepting(|raw| {
            answer(raw);
            raw.send_fin();
            raw.until_end();
        });
        found("lost", &bench(&server.url, &["--connections", "1"]));
        server.join();

        // Directly after the handshake, before any load.
        let server = accepting(|raw| raw.send_fin());
        let ended = bench(&server.url, &["--connections", "1"]);
        found("lost", &ended);
        let counts = ["opened", "lost"].map(|name| number(&ended.1, name));
        assert_eq!(counts, [1, 1], "{}", ended.1);
        server.join();
    }

    /// As `check`, of a server that lets it wait. A slow machine may let it wait as well, and earlier, if
    /// it has little patience; with more it takes longer.
    #[track_caller]
    fn check_late(kind: &str, server: impl Fn() -> HandMade) {
        for patience in ["0.3", "5"] {
            let server = server();
            let ended = bench(&server.url, &["--connections", "1", "--timeout", patience]);
            server.join();
            let error = &ended.1["errors"][kind];
            if error.is_object() || patience == "5" {
                found(kind, &ended);
                // Not because the server has had enough.
                let first = error["first"].as_str();
                return assert!(
                    first.is_some_and(|first| first.contains(" within ")),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn because_they_say_nothing() {
        check_late("no-echo", || accepting(|raw| drop(raw.until_end())));
        check_late("no-answer", || hand_made(|raw, _| drop(raw.until_end())));
    }

    #[test]
    fn because_they_drip() {
        check_late("no-echo", || {
            accepting(|raw| {
                if let Some((byte0, payload)) = raw.try_masked_frame() {
                    drip(raw, &echo(byte0, &payload));
                }
            })
        });
        check_late("no-answer", || {
            hand_made(|raw, _| drip(raw, b"HTTP/1.1 100 Wait\r\n\r\n"))
        });
    }

    /// A byte now and then, for longer than anybody has patience.
    fn drip(raw: &mut Raw, bytes: &[u8]) {
        let end = Instant::now() + PATIENCE;
        for byte in bytes.iter().cycle() {
            if raw.try_send([*byte]).is_err() || Instant::now() >= end {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn because_they_refuse() {
        let server = answering("HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n");
        let ended = bench(&server.url, &["--connections", "1"]);
        found("refused", &ended);
        let first = &ended.1["errors"]["refused"]["first"];
        assert_eq!(*first, "the server refused with status 503");
        server.join();

        let server = answering(
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        );
        found(
            "bad-handshake",
            &bench(&server.url, &["--connections", "1"]),
        );
        server.join();
    }

    #[test]
    fn because_there_are_none() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
        drop(listener);
        let run = run(&["bench", &url]);
        assert_eq!((run.code, &*run.stdout), (1, ""));
        assert!(run.stderr.contains("cannot connect"), "{}", run.stderr);
    }

    #[test]
    fn without_frames_either() {
        let address = byte_echo(|mut bytes| {
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            bytes
        });
        let url = format!("tcp://{address}");
        found("wrong-bytes", &bench(&url, &["--connections", "1"]));
    }

    /// A connection that is lost stays lost, and those that are left go on.
    #[test]
    fn are_told_from_those_that_do() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
        let server = thread::spawn(move || {
            let mut threads = Vec::new();
            for number in 0..4 {
                let mut raw = Raw::accept(&listener);
                threads.push(thread::spawn(move || {
                    if number % 2 == 0 {
                        answer(&mut raw);
                    } else {
                        echo_until_close(&mut raw, |_, byte0, payload| echo(byte0, payload));
                    }
                }));
            }
            for thread in threads {
                thread.join().expect("it saw what it expected");
            }
            listener.set_nonblocking(true).expect("it is a socket");
            assert!(listener.accept().is_err(), "another connection came");
        });
        let (run, object) = bench(&url, &["--connections", "4"]);
        assert_eq!(run.code, 1);
        assert_eq!(object["errors"]["lost"]["count"], 2, "{object}");
        assert_eq!((number(&object, "lost"), number(&object, "opened")), (2, 4));
        assert!(number(&object, "messages") > 0);
        server.join().expect("it saw what it expected");
    }
}

#[test]
fn a_report_fits_a_terminal() {
    let program = Program::serve(&["--quiet"]);
    let url = format!("ws://{}/echo", program.address);
    let shown = run_text(&[&["bench", &url, "--idle", "2"], &SHORT[..]].concat());
    for part in ["messages", "latency", "p99.9", "idle", "<= "] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }

    let server = answering("HTTP/1.1 404 No\r\n\r\n");
    let run = run(&["bench", &server.url, "--connections", "1"]);
    check_fit_for_a_terminal(&run.stdout);
    assert!(run.stdout.contains("error"), "{}", run.stdout);
    server.join();
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_early_with_what_there_is() {
    if !is_heeded(2) {
        return;
    }
    let (told, hears) = std::sync::mpsc::channel();
    let server = accepting(move |raw| {
        echo_until_close(raw, |number, byte0, payload| {
            if number == 20 {
                told.send(()).expect("the test waits for it");
            }
            frame(Role::Server, byte0, payload)
        });
    });
    let flags = [
        "--connections",
        "1",
        // Longer than clocks go.
        "--seconds",
        "1e19",
        "--timeout",
        "1e19",
        "--warm-up",
        "0",
        "--json",
    ];
    let mut process = program::run(&[&["bench", &server.url], &flags[..]].concat());
    hears.recv().expect("the load begins");
    process.signal("INT");
    assert!(process.wait().success());
    let object: Value = serde_json::from_str(&process.stdout.whole()).expect("it is JSON");
    assert_eq!(object["cut_short"], true);
    assert!(number(&object, "messages") > 0, "{object}");
    server.join();
}

#[test]
fn nonsense_is_refused() {
    for (flags, problem) in [
        (&["ftp://127.0.0.1/"][..], "ws:// or tcp://"),
        (&["https://127.0.0.1/"], "without TLS"),
        (&["::1:80"], "[::1]:80"),
        (
            &["ws://127.0.0.1/", "--connect-to", "a"],
            "a port is missing",
        ),
        (&["wss://127.0.0.1/"], "without TLS"),
        (&["tcp://127.0.0.1"], "tcp://host:port"),
        (&["tcp://127.0.0.1:80/path"], "tcp://host:port"),
        (&["tcp://127.0.0.1/path:80"], "tcp://host:port"),
        (&["tcp://127.0.0.1:80#part"], "tcp://host:port"),
        (&["tcp://me@127.0.0.1:80"], "tcp://host:port"),
        (&["tcp://127.0.0.1:"], "tcp://host:port"),
        (&["ws://127.0.0.1/", "--in-flight", "0"], "at least 1"),
        (
            &["ws://127.0.0.1/", "--connections", "0"],
            "nothing to measure",
        ),
        (
            &["ws://127.0.0.1/", "--connections", "4000000000"],
            "ulimit -n",
        ),
        (
            &[
                "ws://127.0.0.1/",
                "--connections",
                "2",
                "--idle",
                "4294967295",
            ],
            "ulimit -n",
        ),
        (
            &["ws://127.0.0.1/", "--in-flight", "18446744073709551615"],
            "--in-flight",
        ),
        (&["ws://127.0.0.1/", "--size", "2000M"], "1024M"),
        (&["ws://127.0.0.1/", "--size", "many"], "64K"),
        (&["ws://127.0.0.1/", "--threads", "0"], "at least 1"),
        (
            &["ws://127.0.0.1/", "--text", "--binary"],
            "cannot be used with",
        ),
        (&["ws://127.0.0.1/", "--rounds", "2"], "--compare"),
        (
            &["ws://127.0.0.1/", "--compare", "udp://127.0.0.1:1"],
            "tcp://",
        ),
        (&["ws://127.0.0.1/", "--header", "Upgrade: x"], "Upgrade"),
        (&["ws://127.0.0.1/", "--header", "Host: x y"], "x y"),
        (&["ws://127.0.0.1/", "--seconds", "0"], "above 0"),
    ] {
        let run = run(&[&["bench"], flags].concat());
        assert_eq!(
            (run.code, &*run.stdout),
            (2, ""),
            "{flags:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(problem), "{flags:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

/// The output of a run that succeeds.
fn run_text(arguments: &[&str]) -> String {
    let run = run(arguments);
    assert_eq!((run.code, &*run.stderr), (0, ""), "{}", run.stdout);
    check_fit_for_a_terminal(&run.stdout);
    run.stdout
}

/// What a client sent next.
fn answer(raw: &mut Raw) -> (u8, Vec<u8>) {
    let (byte0, _, payload) = raw.masked_frame();
    (byte0, payload)
}

/// Answers each message with what `echo` makes of it, counted from 0, and a Close as one must.
fn echo_until_close(raw: &mut Raw, echo: impl Fn(u64, u8, &[u8]) -> Vec<u8>) {
    let mut number = 0;
    loop {
        match answer(raw) {
            (PONG, _) => {}
            (CLOSE, body) => {
                assert_eq!(body, close_body(1000, b""));
                raw.send(frame(Role::Server, CLOSE, &body));
                raw.send_fin();
                raw.until_end();
                return;
            }
            (byte0, payload) => {
                raw.send(echo(number, byte0, &payload));
                number += 1;
            }
        }
    }
}

/// A server whose clients get back what `change` makes of what they send.
fn byte_echo(change: fn(Vec<u8>) -> Vec<u8>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    if stream
                        .write_all(&change(buffer[..length].to_vec()))
                        .is_err()
                    {
                        break;
                    }
                }
            });
        }
    });
    address
}
