//! `--trace` on either end: the opening handshake, the frames, and when they passed.

use crate::support::bytes::{CLOSE, PING, TEXT, TEXT_BEGIN, close_body, frame, wire};
use crate::support::golden::{self, timeless};
use crate::support::hand_made::{answering, hand_made, switching};
use crate::support::program::Program;
use crate::support::raw::{KEY, Raw, upgrade_request};
use crate::support::run::{Run, check_fit_for_a_terminal, run_with};
use plainws::Role;

fn connect(url: &str, input: &str) -> Run {
    run_with(&["connect", url, "--trace"], input.as_bytes())
}

/// The lines of a trace, with what is different each time left out.
fn lines(trace: &str) -> Vec<String> {
    let lines = trace.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| {
            let timeless = timeless(line).replace(" +0.00 ms", "");
            let words = timeless.split_whitespace().filter(|word| !is_key(word));
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn is_key(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a server with this trace says when its clients have sent these bytes, one after another.
fn traced(level: &str, clients: &[Vec<u8>]) -> String {
    let mut program = Program::serve(&[level, "--quiet"]);
    for bytes in clients {
        let mut raw = program.connect();
        raw.send(bytes);
        raw.send_fin();
        raw.until_end();
    }
    program.process.signal("TERM");
    program.process.wait();
    program.process.stderr.whole()
}

fn opening_and(frames: &[u8]) -> Vec<u8> {
    [upgrade_request("/echo").as_bytes(), frames].concat()
}

#[test]
fn a_server_shows_a_line_for_each_head_and_each_frame() {
    let close = close_body(4000, b"bye");
    let frames = wire(
        Role::Client,
        &[
            (TEXT, b"Hello"),
            (TEXT_BEGIN, "Grüße".as_bytes()),
            (PING, b"there?"),
            (0x80, &[b'a'; 300]),
            (CLOSE, &close),
        ],
    );
    let wrong_key = upgrade_request("/echo").replace(KEY, "short");
    let several = wrong_key.replace("Version: 13", "Version: 12");
    let trace = traced(
        "--trace",
        &[
            opening_and(&frames),
            opening_and(b"\xc1\x80\0\0\0\0"),
            wrong_key.into_bytes(),
            several.into_bytes(),
            upgrade_request("/nowhere").into_bytes(),
            upgrade_request(&format!("/{}", "long/".repeat(30))).into_bytes(),
            // The end is told of when all else is over.
            opening_and(&[&frames[..11], b"\x81\x85\x37\xfa"].concat()),
        ],
    );
    let trace = timeless(&trace);
    check_fit_for_a_terminal(&trace);
    golden::check("trace/line.txt", &trace);
}

#[test]
fn a_full_trace_explains_heads_and_frames_as_decode_does() {
    let frames = frame(Role::Client, TEXT, b"Hello");
    let opening = opening_and(&[&frames[..], &frames].concat());
    let trace = timeless(&traced("--trace=full", std::slice::from_ref(&opening)));
    check_fit_for_a_terminal(&trace);
    golden::check("trace/full.txt", &trace);

    let decoded = run_with(&["decode", "--role", "client"], &opening).stdout;
    let (head, frames) = decoded.split_once("\n\n  key").expect("there is a key");
    assert!(trace.contains(head), "{trace}\nhas not\n{head}");
    let (_, frames) = frames.split_once("\n\n").expect("frames follow");
    for frame in frames.split_inclusive("\n\n").take(2) {
        assert!(
            trace.contains(frame.trim_end()),
            "{trace}\nhas not\n{frame}"
        );
    }
}

#[test]
fn both_ends_trace_the_same() {
    let program = Program::serve(&["--trace", "--quiet"]);
    let url = format!("ws://{}/echo", program.address);
    let of_client = lines(&connect(&url, "Hello\n/ping hi\n").stderr);
    for expected in [
        "#0 > GET /echo HTTP/1.1 5 header fields",
        "#0 < HTTP/1.1 101 Switching Protocols 3 header fields",
        "#0 > 81 85 TEXT fin masked 5 \"Hello\"",
        "#0 < 81 05 TEXT fin 5 \"Hello\"",
        "#0 < 8a 02 PONG fin 2 \"hi\"",
    ] {
        assert!(of_client.contains(&expected.into()), "{of_client:?}");
    }

    let flip = |line: &String| {
        line.replace(" > ", " | ")
            .replace(" < ", " > ")
            .replace(" | ", " < ")
    };
    let mut of_client: Vec<_> = of_client.iter().map(flip).collect();
    let wanted = of_client.len();
    let of_server = program.process.stderr.wait_for("trace", |text| {
        Some(lines(text)).filter(|lines| lines.len() >= wanted)
    });
    assert_eq!(of_server[..2], of_client[..2]);
    // Pongs may pass what was queued before; the frames are the same.
    let mut of_server = of_server;
    of_client.sort();
    of_server.sort();
    assert_eq!(of_server, of_client);
}

#[test]
fn a_client_shows_a_refusal_and_its_body() {
    let server = answering(
        "HTTP/1.1 102 Processing\r\n\r\n\
         HTTP/1.1 401 Unauthorized\r\nContent-Length: 8\r\n\r\ntickets!",
    );
    let trace = lines(&connect(&server.url, "").stderr);
    let expected = [
        "#0 > GET /chat HTTP/1.1 5 header fields",
        "#0 < HTTP/1.1 102 Processing 0 header fields, HTTP",
        "#0 < HTTP/1.1 401 Unauthorized 1 header field, refused",
        "#0 < 8 bytes of a body \"tickets!\"",
    ];
    assert_eq!(trace, expected);
    server.join();
}

#[test]
fn a_client_shows_which_rule_an_answer_breaks_and_what_it_left_unfinished() {
    for (answer, expected) in [
        (
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: no\r\n\r\n",
            "#0 < HTTP/1.1 101 Go VIOLATION accept-wrong",
        ),
        (
            "SSH-2.0-OpenSSH_9\r\n",
            "#0 < SSH-2.0-OpenSSH_9 VIOLATION status-line-malformed",
        ),
        ("\x15\x03\x01", "#0 < \\x15 VIOLATION head-control-byte"),
    ] {
        let server = answering(answer);
        let trace = lines(&connect(&server.url, "").stderr);
        assert_eq!(trace.last().map(String::as_str), Some(expected));
        server.join();
    }
    let server = hand_made(|raw, _| {
        raw.send("HTTP/1.1 101 G");
        raw.send_fin();
        raw.until_end();
    });
    let trace = lines(&connect(&server.url, "").stderr);
    let expected = "#0 < 14 bytes of a head, and then the end";
    assert_eq!(trace.last().map(String::as_str), Some(expected));
    server.join();
}

#[test]
fn a_subprotocol_that_was_offered_breaks_no_rule() {
    let server = hand_made(|raw, request| {
        let answer = switching(request);
        let chosen = "\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
        raw.send(answer.replace("\r\n\r\n", chosen));
        raw.send_fin();
        raw.until_end();
    });
    let flags = ["--trace", "--subprotocol", "chat"];
    let run = run_with(&[&["connect", &server.url], &flags[..]].concat(), b"");
    let expected = "#0 < HTTP/1.1 101 Switching Protocols 4 header fields";
    assert!(
        lines(&run.stderr).contains(&expected.into()),
        "{}",
        run.stderr
    );
    server.join();
}

#[test]
fn a_trace_judges_by_the_limits_what_the_peer_sends_and_not_what_is_sent() {
    let program = Program::serve(&["--trace", "--quiet", "--max-message", "5"]);
    let mut raw = program.open("/clock");
    raw.frame();
    raw.send_frame(TEXT, "six by");
    let trace = program.process.stderr.wait_for("violation", |trace| {
        trace.contains("VIOLATION").then(|| lines(trace))
    });
    assert!(
        trace[2].starts_with("#0 > 81 1f TEXT fin 31 \"{"),
        "{trace:?}"
    );
    assert_eq!(trace[3], "#0 < 81 86 TEXT VIOLATION message-too-big");
}

#[test]
fn full_traces_show_the_bits_and_where_the_reads_ended() {
    let program = Program::serve(&["--trace=full", "--quiet"]);
    let mut raw = program.connect();
    raw.send(upgrade_request("/echo"));
    raw.expect_101();
    raw.send(b"\x81\x85\x37");
    let so_far = "< ... 3 bytes of a frame so far\n";
    program
        .process
        .stderr
        .wait_for("half a frame", |text| text.contains(so_far).then_some(()));
    raw.send(b"\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\xc1");
    let trace = program.process.stderr.wait_for("violation", |text| {
        text.contains("VIOLATION rsv-not-zero")
            .then(|| text.to_owned())
    });
    assert!(trace.contains(" < --- read of 3 bytes\n"), "{trace}");
    assert!(trace.contains(" < --- read of 9 bytes\n"), "{trace}");
    assert!(trace.contains("1... ....   FIN "), "{trace}");
    assert!(
        trace.lines().all(|line| line.chars().count() <= 80),
        "{trace}"
    );
}

/// The times of a trace in milliseconds.
fn times(trace: &str) -> Vec<f64> {
    let lines = trace.lines().filter(|line| line.starts_with('#'));
    let time = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let number: f64 = words.next()?.strip_prefix('+')?.parse().ok()?;
        let factor = match words.next()? {
            "ms" => 1.0,
            "s" => 1000.0,
            _ => return None,
        };
        Some(number * factor)
    };
    lines
        .map(|line| time(line).expect("a line has a time"))
        .collect()
}

#[test]
fn times_count_from_the_beginning_of_each_connection() {
    let program = Program::serve(&["--trace", "--quiet"]);
    let wait = std::time::Duration::from_millis(60);
    let open = || -> Raw { program.open("/echo") };
    let mut first = open();
    std::thread::sleep(wait);
    first.send_frame(TEXT, "late");
    first.expect_frame(TEXT, "late");
    drop(open());
    let trace = program.process.stderr.wait_for("both", |trace| {
        (trace.matches(" 101 ").count() == 2).then(|| trace.to_owned())
    });
    let of = |number: &str| {
        let lines = trace.lines().filter(|line| line.starts_with(number));
        times(&lines.collect::<Vec<_>>().join("\n"))
    };
    assert!(
        of("#0").windows(2).all(|pair| pair[0] <= pair[1]),
        "{trace}"
    );
    // A frame that was sent so much later passes so much later.
    assert!(of("#0")[2] >= 59.0, "{trace}");
    // On a busy machine there may be a moment between request and answer, but not all of the wait before.
    let began: f64 = of("#1")[0];
    assert!(began < of("#0")[2], "{trace}");
}
