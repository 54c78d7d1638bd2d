//! The program: what it prints, what its handlers do, what its flags change and how it ends.

use crate::support;
use crate::support::bytes::{
    BINARY, CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGIN, close_body, wire,
};
use crate::support::hostile::Visitor;
use crate::support::program::{Held, Process, Program, command, is_heeded, run};
use crate::support::raw::{PATIENCE, Raw, Response, upgrade_request};
use crate::support::run::run_with;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const CLOCKS: [&str; 2] = ["/clock", "/test_websocket"];
const ECHOES: [&str; 2] = ["/echo", "/test_socket"];

fn get(program: &Program, path: &str) -> Response {
    let mut raw = program.connect();
    raw.send(format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ));
    raw.response()
}

fn client(frames: &[(u8, &[u8])]) -> Vec<u8> {
    wire(plainws::Role::Client, frames)
}

/// Sends a Close and sees that it is answered and the connection ended.
fn close(raw: &mut Raw, code: u16) {
    raw.send_frame(CLOSE, close_body(code, b""));
    raw.expect_close(code);
    raw.expect_fin();
}

mod at_its_start {
    use super::*;

    #[test]
    fn it_says_where_it_serves_and_what_and_how_to_stop_it() {
        let program = Program::serve(&["--prefix", "/md_admin"]);
        let said = program.process.stdout.wait_for("end", |said| {
            said.contains("Ctrl-C").then(|| said.to_owned())
        });
        assert!(
            said.contains(&format!("http://{}/", program.address)),
            "{said}"
        );
        for path in CLOCKS.iter().chain(&ECHOES).chain(&["/md_admin"]) {
            assert!(said.contains(path), "{path} in {said}");
        }
        assert!(program.address.ip().is_loopback());
    }

    #[test]
    fn its_banner_ends_in_a_command_that_connects() {
        let typed = env!("CARGO_BIN_EXE_plainws");
        for (addr, cargo, started_by) in [
            ("127.0.0.1:0", None, typed),
            ("0.0.0.0:0", Some("/usr/bin/cargo"), "cargo run --"),
        ] {
            let mut command = command();
            command.args(["--addr", addr]).env_remove("CARGO");
            command.envs(cargo.map(|path| ("CARGO", path)));
            let process = Process::start(&mut command).expect("the program was built");
            let program = Program::of(process);
            let said = program.process.stdout.wait_for("command", |said| {
                said.contains("Try it").then(|| said.to_owned())
            });
            let (_, last) = said.split_once("Try it: ").expect("it was found");
            let port = program.address.port();
            let line = format!("{started_by} connect ws://127.0.0.1:{port}/echo\n");
            assert_eq!(last, line);
            let url = last.split_whitespace().last().expect("it has words");
            let answer = run_with(&["connect", url, "--once"], b"Hello\n");
            assert_eq!((answer.code, &*answer.stdout), (0, "Hello\n"), "{said}");
        }
    }

    #[test]
    fn an_address_may_be_a_port_or_a_name() {
        for addr in ["0", ":0", "localhost:0"] {
            let program = Program::serve_at(addr, &[]);
            assert!(program.address.ip().is_loopback(), "{addr}");
            assert!(program.address.port() > 0, "{addr}");
            let mut raw = program.open("/echo");
            raw.send_frame(TEXT, "Hello");
            raw.expect_frame(TEXT, "Hello");
        }
    }

    #[test]
    fn a_busy_port_is_one_clear_line() {
        let busy = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = busy.local_addr().expect("it is bound").to_string();
        let mut process = run(&["--addr", &address]);
        assert_eq!(process.wait().code(), Some(1));
        let said = process.stderr.whole();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("plainws: cannot listen on "), "{said}");
        assert!(said.contains(&address) && said.contains("--addr"), "{said}");
        assert!(said.contains("another program listens there"), "{said}");
        assert_eq!(process.stdout.whole(), "");
    }

    #[test]
    fn bad_flags_and_values_are_named() {
        for (arguments, about) in [
            (&["--nonsense"][..], "--nonsense"),
            (&["nonsense"], "nonsense"),
            (&["serve", "nonsense"], "nonsense"),
            (&["--addr"], "--addr"),
            (&["--addr", "127.0.0.1"], "--addr"),
            (&["--addr", "127.0.0.1:65536"], "--addr"),
            (&["--addr", "nonsense"], "--addr"),
            (&["--addr", "nonsense:x"], "--addr"),
            (&["--addr", "::1:8000"], "brackets"),
            (&["--addr", "http://127.0.0.1:8000/"], "not a URL"),
            (&["--addr", "unix:"], "--addr"),
            (
                &["--addr", "/no/such/folder/x.sock"],
                "/no/such/folder/x.sock",
            ),
            (&["--allow-origin", "example.com"], "--allow-origin"),
            (
                &["--allow-origin", "https://example.com/x"],
                "--allow-origin",
            ),
            (&["--allow-host", ""], "--allow-host"),
            (&["--allow-host", "https://example.com"], "--allow-host"),
            (&["--allow-host", "example.com:x"], "--allow-host"),
            (&["--allow-host", "*.example.com"], "--allow-host"),
            (&["--prefix", "md_admin"], "--prefix"),
            (&["--prefix", "/"], "--prefix"),
            (&["--prefix", "/a b"], "--prefix"),
            (&["--prefix", "/a\r\nX: y"], "--prefix"),
            (&["--prefix", "/a?b"], "--prefix"),
            (&["--log", "xml"], "--log"),
            (&["--tls-cert", "cert.pem"], "--tls-key"),
            (&["--tls-key", "key.pem"], "--tls-cert"),
            (&["--max-connections=-1"], "--max-connections"),
            (&["--max-connections", "0"], "at least 1"),
            (&["--max-connections", "many"], "a whole number"),
            (
                &["--max-connections", "99999999999999999999"],
                "that is too large",
            ),
            (&["--max-per-address=-1"], "a whole number"),
            (&["--metrics-addr", "127.0.0.1"], "--metrics-addr"),
            (
                &["--no-metrics", "--metrics-addr", "127.0.0.1:0"],
                "--metrics-addr",
            ),
            (&["--max-memory", "x"], "--max-memory"),
            (&["--max-memory", "0"], "--max-memory"),
            (&["--max-memory", "65535"], "--max-memory"),
            (&["--max-message", "x"], "--max-message"),
            (&["--max-message", ""], "--max-message"),
            (&["--max-message=-1"], "--max-message"),
            (&["--max-message", "1G"], "--max-message"),
            (&["--max-message", "99999999999999999999"], "--max-message"),
            (&["--max-message", "18446744073709551615K"], "--max-message"),
            (&["--max-fragments", "0.5"], "--max-fragments"),
            (&["--head-timeout", "0"], "--head-timeout"),
            (&["--head-timeout=-1"], "--head-timeout"),
            (&["--head-timeout", "nan"], "--head-timeout"),
            (&["--head-timeout", "inf"], "--head-timeout"),
            (&["--ping-after", "soon"], "--ping-after"),
        ] {
            let mut process = run(arguments);
            let code = process.wait().code();
            let said = process.stderr.whole();
            assert!(code.is_some_and(|code| code > 0), "{arguments:?}: {code:?}");
            assert!(said.contains(about), "{arguments:?}: {said}");
            assert!(!said.contains("panicked"), "{said}");
            // What std says of a bad number is no help.
            for riddle in ["non-zero type", "target type", "found in string", "syntax"] {
                assert!(!said.contains(riddle), "{arguments:?}: {said}");
            }
            assert_eq!(process.stdout.whole(), "");
        }
    }

    #[test]
    fn without_tls_in_the_build_a_certificate_is_refused() {
        let no_file = "/no/such/folder/cert.pem";
        let refused = run_with(
            &[
                "serve",
                "--addr",
                "0",
                "--tls-cert",
                no_file,
                "--tls-key",
                no_file,
            ],
            b"",
        );
        let told = match cfg!(feature = "tls") {
            true => "plainws: --tls-cert /no/such/folder/cert.pem: ",
            false => "plainws: --tls-cert needs TLS: build with --features tls\n",
        };
        assert!(refused.stderr.starts_with(told), "{}", refused.stderr);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
        assert_eq!((refused.code, &*refused.stdout), (1, ""));
    }

    #[test]
    fn help_lists_the_flags_in_80_columns() {
        for arguments in [&["--help"][..], &["serve", "--help"], &["help", "serve"]] {
            let mut command = command();
            command.args(arguments).env("COLUMNS", "80");
            let mut process = Process::start(&mut command).expect("the program was built");
            assert!(process.wait().success());
            let said = process.stdout.whole();
            for flag in [
                "--addr",
                "--tls-cert",
                "--tls-key",
                "--allow-host",
                "--allow-origin",
                "--prefix",
                "--log",
                "--quiet",
                "--metrics-addr",
                "--no-metrics",
                "--max-connections",
                "--max-per-address",
                "--max-memory",
                "--max-message",
                "--max-fragments",
                "--max-empty-fragments",
                "--max-head",
                "--max-headers",
                "--head-timeout",
                "--keep-alive-timeout",
                "--close-timeout",
                "--message-timeout",
                "--write-timeout",
                "--transit-timeout",
                "--ping-after",
                "--pong-timeout",
                "--drain",
                "--grace",
            ] {
                assert!(said.contains(flag), "{flag} in {arguments:?}");
            }
            for line in said.lines() {
                assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
            }
        }
    }

    #[test]
    fn the_longest_times_are_as_good_as_none() {
        let program = Program::serve(&[
            "--head-timeout",
            "1e19",
            "--keep-alive-timeout",
            "1e19",
            "--close-timeout",
            "1e19",
            "--message-timeout",
            "1e19",
            "--write-timeout",
            "1e19",
            "--transit-timeout",
            "1e19",
            "--ping-after",
            "1e19",
            "--pong-timeout",
            "1e19",
            "--grace",
            "1e19",
        ]);
        assert_eq!(get(&program, "/").status, 200);
        let mut echo = program.open("/echo");
        echo.send_frame(TEXT, "now");
        echo.expect_frame(TEXT, "now");
        close(&mut echo, 1000);
    }

    #[test]
    fn it_needs_nobody_to_read_what_it_says() {
        // The program cannot say which port it listens on, because no one reads the pipes that it writes
        // to. So the port must be known beforehand.
        let (mut child, address) = (0..20)
            .find_map(|_| {
                let free = TcpListener::bind("127.0.0.1:0").ok()?;
                let address = free.local_addr().ok()?;
                drop(free);
                let mut child = command()
                    .args(["--addr", &address.to_string()])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .ok()?;
                drop((child.stdout.take(), child.stderr.take()));
                let deadline = Instant::now() + PATIENCE;
                // Someone else may have taken the port meanwhile.
                while child.try_wait().ok()?.is_none() && Instant::now() < deadline {
                    if TcpStream::connect(address).is_ok() {
                        return Some((child, address));
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                let _ = child.kill();
                let _ = child.wait();
                None
            })
            .expect("it serves");
        for _ in 0..5 {
            let mut raw = Raw::open(address, "/echo");
            raw.send_frame(TEXT, "heard");
            raw.expect_frame(TEXT, "heard");
            close(&mut raw, 1000);
        }
        let is_running = child.try_wait().expect("it is our child").is_none();
        let _ = child.kill();
        let _ = child.wait();
        assert!(is_running);
    }

    #[test]
    fn it_serves_ipv6_too() {
        if TcpListener::bind("[::1]:0").is_err() {
            support::skip(
                "the test with IPv6",
                "this machine has no IPv6",
                "PLAINWS_IPV6",
            );
            return;
        }
        let program = Program::serve_at("[::1]:0", &[]);
        assert!(program.address.is_ipv6());
        let mut raw = program.open("/echo");
        raw.send_frame(TEXT, "six");
        raw.expect_frame(TEXT, "six");
    }
}

mod the_clock {
    use super::*;

    /// Reads a tick, and returns its digits: year, month, day, hour, minute, second.
    #[track_caller]
    fn tick(raw: &mut Raw) -> [u64; 6] {
        let (byte0, text) = raw.frame();
        assert_eq!(byte0, TEXT, "{}", text.escape_ascii());
        let text = String::from_utf8(text).expect("text is UTF-8");
        let shape: String = text
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, r#"{"time": "0000.00.00 00:00:00"}"#);
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok());
        [(); 6].map(|()| numbers.next().expect("six numbers"))
    }

    /// The second of the hour: whole hours may be left out or repeated by a clock that is put forward.
    fn second([.., minute, second]: [u64; 6]) -> u64 {
        minute * 60 + second
    }

    #[test]
    fn sends_the_time_once_a_second_and_leaves_out_no_label() {
        let program = Program::serve(&["--prefix", "/md_admin"]);
        let paths = CLOCKS.map(str::to_owned).into_iter();
        let prefixed = CLOCKS.map(|path| format!("/md_admin{path}")).into_iter();
        let mut clocks: Vec<_> = paths
            .chain(prefixed)
            .map(|path| program.open(&path))
            .collect();
        let mut last: Vec<_> = clocks.iter_mut().map(|raw| second(tick(raw))).collect();
        for _ in 0..3 {
            for (raw, last) in clocks.iter_mut().zip(&mut last) {
                let now = second(tick(raw));
                assert_eq!(now, (*last + 1) % 3600);
                *last = now;
            }
        }
    }

    #[test]
    fn begins_at_once_and_comes_a_second_later_for_as_long_as_it_lasts() {
        let program = Program::serve(&[]);
        let began = Instant::now();
        let mut raw = program.open("/clock");
        tick(&mut raw);
        for n in 1..=3 {
            tick(&mut raw);
            // Never early; how late it is depends on the machine too.
            assert!(began.elapsed() >= Duration::from_secs(n), "tick {n}");
        }
    }

    #[test]
    fn tells_the_local_time() {
        let in_zone = |zone| {
            let mut command = command();
            command.args(["--addr", "127.0.0.1:0"]).env("TZ", zone);
            let process = Process::start(&mut command).expect("the program was built");
            let program = Program::of(process);
            let before = SystemTime::now();
            let [.., hour, minute, second] = tick(&mut program.open("/clock"));
            let after = SystemTime::now();
            let seconds = hour * 3600 + minute * 60 + second;
            (before, after, seconds)
        };
        for (zone, offset) in [("UTC0", 0), ("<+0545>-5:45", 5 * 3600 + 45 * 60)] {
            let (before, after, told) = in_zone(zone);
            let of_day = |time: SystemTime| {
                let since = time.duration_since(UNIX_EPOCH).expect("it is past 1970");
                (since.as_secs() + offset) % 86_400
            };
            let (before, after) = (of_day(before), of_day(after));
            let is_between = if before <= after {
                (before..=after).contains(&told)
            } else {
                told >= before || told <= after
            };
            assert!(is_between, "{zone}: {told} between {before} and {after}");
        }
    }

    #[test]
    fn answers_pings_ignores_messages_and_ends_at_once_on_a_close_while_it_ticks() {
        let program = Program::serve(&[]);
        let mut raw = program.open("/clock");
        let first = second(tick(&mut raw));
        raw.send(client(&[
            (TEXT, b"what time is it?"),
            (PING, b"there?"),
            (BINARY, b"\xFF"),
            (TEXT_BEGIN, b"half"),
            (PING, b""),
            (LAST, b"whole"),
        ]));
        // The pongs come before the next tick, unless the machine stood still for a second.
        raw.expect_frame(PONG, "there?");
        raw.expect_frame(PONG, "");
        assert_eq!(second(tick(&mut raw)), (first + 1) % 3600, "still ticking");
        close(&mut raw, 3000);
    }
}

mod the_echo {
    use super::*;

    #[test]
    fn sends_text_back_as_text_and_binary_as_binary_byte_for_byte() {
        let program = Program::serve(&["--prefix", "/md_admin"]);
        let prefixed = ECHOES.map(|path| format!("/md_admin{path}"));
        for path in ECHOES
            .into_iter()
            .chain(prefixed.iter().map(String::as_str))
        {
            let mut raw = program.open(path);
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1024 * 1024] {
                let bytes: Vec<u8> = (0..=255).rev().cycle().take(length).collect();
                raw.send_frame(BINARY, &bytes);
                raw.expect_frame(BINARY, &bytes);
                let text = "aä€🙂".chars().cycle().take(length / 4).collect::<String>();
                raw.send_frame(TEXT, &text);
                raw.expect_frame(TEXT, &text);
            }
            close(&mut raw, 1000);
        }
    }

    #[test]
    fn joins_fragments_and_answers_pings_in_between() {
        let program = Program::serve(&[]);
        let mut raw = program.open("/echo");
        let euro = "€".as_bytes();
        raw.send(client(&[
            (TEXT_BEGIN, &euro[..1]),
            (PING, b"!"),
            (MORE, b""),
            (LAST, &euro[1..]),
        ]));
        raw.expect_frame(PONG, "!");
        raw.expect_frame(TEXT, "€");
    }

    #[test]
    fn tells_each_client_what_it_did_wrong_and_goes_on_for_the_others() {
        let program = Program::serve(&[]);
        let mut good = program.open("/echo");
        for (bytes, code) in [
            (&b"\x81\x00"[..], 1002),
            (b"\x83\x80\0\0\0\0", 1002),
            (b"\x81\x81\0\0\0\0\xFF", 1007),
            (b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0", 1009),
        ] {
            let mut bad = program.open("/echo");
            bad.send(bytes);
            bad.expect_close(code);
            bad.expect_fin();
            good.send_frame(TEXT, "fine");
            good.expect_frame(TEXT, "fine");
        }
    }
}

mod a_client_that_wants_its_bytes_told {
    use super::*;
    use serde_json::json;

    /// Opens a connection as the pages do, and returns it with the lengths of the two heads.
    fn open(program: &Program, path: &str) -> (Raw, [usize; 2]) {
        let offer = "\r\nSec-WebSocket-Protocol: other, bytes.plainws\r\n\r\n";
        let request = upgrade_request(path).replace("\r\n\r\n", offer);
        let mut raw = program.connect();
        raw.send(&request);
        let head = raw.expect_101();
        assert!(
            head.contains("\r\nSec-WebSocket-Protocol: bytes.plainws\r\n"),
            "{head}"
        );
        (raw, [request.len(), head.len()])
    }

    #[track_caller]
    fn told(raw: &mut Raw) -> Value {
        let (byte0, text) = raw.frame();
        assert_eq!(byte0, TEXT);
        serde_json::from_slice(&text).expect("JSON")
    }

    #[test]
    fn is_told_of_each_message_and_its_echo_byte_by_byte() {
        let program = Program::serve(&["--prefix", "/md_admin"]);
        for path in ["/echo", "/test_socket", "/md_admin/echo"] {
            let (mut raw, _) = open(&program, path);
            raw.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x82\x81\0\0\0\0\xff");
            raw.expect_frame(TEXT, "Hello");
            let first = [
                "81",
                "FIN 1: last frame of the message",
                "RSV 0: no extension negotiated",
                "opcode 1: text",
            ];
            assert_eq!(
                told(&mut raw),
                json!({
                    "received": {"bytes": 11, "omitted": 0, "frames": [[
                        first,
                        ["85", "MASK 1: required from a client", "length 5: 7-bit form"],
                        ["37 fa 21 3d", "key: new for each frame"],
                        ["7f 9f 4d 51 58", "5 bytes, each XOR a byte of the key, in turn: \"Hello\""],
                    ]]},
                    "sent": {"bytes": 7, "omitted": 0, "frames": [[
                        first,
                        ["05", "MASK 0: none from a server", "length 5: 7-bit form"],
                        ["48 65 6c 6c 6f", "5 bytes: \"Hello\""],
                    ]]},
                })
            );
            raw.expect_frame(BINARY, b"\xff");
            let told = told(&mut raw);
            let [first, second] = ["received", "sent"].map(|way| told[way]["frames"][0].clone());
            assert_eq!(
                first[3][1],
                "1 byte, each XOR a byte of the key, in turn: ff"
            );
            assert_eq!(second[2], json!(["ff", "1 byte: ff"]));
            close(&mut raw, 1000);
        }
    }

    #[test]
    fn is_told_of_fragments_without_the_pings_between_and_of_no_more_than_fits() {
        let program = Program::serve(&[]);
        let (mut raw, _) = open(&program, "/echo");
        raw.send(client(&[
            (TEXT_BEGIN, b"a"),
            (PING, b"!"),
            (MORE, b"b"),
            (LAST, b"c"),
        ]));
        raw.expect_frame(PONG, "!");
        raw.expect_frame(TEXT, "abc");
        let fragments = told(&mut raw);
        assert_eq!(
            fragments["received"]["frames"].as_array().map(Vec::len),
            Some(3)
        );
        assert_eq!(fragments["received"]["bytes"], 3 * 7);
        assert_eq!(
            fragments["sent"]["frames"].as_array().map(Vec::len),
            Some(1)
        );

        let mut many = vec![(TEXT_BEGIN, &b"x"[..])];
        many.extend([(MORE, &b"y"[..]); 18]);
        many.push((LAST, b"z"));
        raw.send(client(&many));
        raw.frame();
        let many = told(&mut raw);
        assert_eq!(many["received"]["frames"].as_array().map(Vec::len), Some(4));
        assert_eq!(many["received"]["omitted"], 16);
        assert_eq!(many["received"]["bytes"], 20 * 7);

        let long = vec![b'x'; 100_000];
        raw.send_frame(TEXT, &long);
        raw.expect_frame(TEXT, &long);
        let long = told(&mut raw);
        assert_eq!(long["received"]["bytes"], 14 + 100_000);
        let [masked, plain] =
            [("received", 4), ("sent", 3)].map(|(way, row)| long[way]["frames"][0][row].clone());
        assert_eq!(masked[0].as_str().map(str::len), Some(3 * 32 + "…".len()));
        let shown = format!("100000 bytes: \"{}\" …", "x".repeat(32));
        assert_eq!(plain, json!([format!("{} …", ["78"; 32].join(" ")), shown]));
    }

    #[test]
    fn is_told_of_many_messages_that_came_at_once() {
        let program = Program::serve(&[]);
        let (mut raw, _) = open(&program, "/echo");
        let texts: Vec<_> = (0..200).map(|number| number.to_string()).collect();
        let frames: Vec<_> = texts.iter().map(|text| (TEXT, text.as_bytes())).collect();
        raw.send(client(&frames));
        let mut shown = 0;
        for text in &texts {
            raw.expect_frame(TEXT, text);
            let received = told(&mut raw)["received"].clone();
            assert_eq!(received["bytes"], 6 + text.len());
            let frames = received["frames"].as_array().map_or(0, Vec::len);
            assert_eq!(received["omitted"], 1 - frames);
            shown += frames;
        }
        // They came in a few pieces. Of those far behind in one, only the lengths were kept.
        assert!((64..texts.len()).contains(&shown), "{shown}");
    }

    #[test]
    fn is_told_by_the_clock_how_long_the_heads_were() {
        let program = Program::serve(&[]);
        for path in CLOCKS {
            let (mut raw, [received, sent]) = open(&program, path);
            let lengths = json!({"handshake": {"received": received, "sent": sent}});
            assert_eq!(told(&mut raw), lengths);
            raw.send_frame(TEXT, "ignored");
            for _ in 0..2 {
                assert!(told(&mut raw)["time"].is_string());
            }
            close(&mut raw, 1000);
        }
    }

    #[test]
    fn is_told_nothing_where_it_did_not_ask_or_there_is_nothing_to_tell() {
        let program = Program::serve(&[]);
        for offer in ["bytes", "bytes.plainws.other", "xbytes.plainws"] {
            let offer = format!("\r\nSec-WebSocket-Protocol: {offer}\r\n\r\n");
            let mut raw = program.connect();
            raw.send(upgrade_request("/echo").replace("\r\n\r\n", &offer));
            let head = raw.expect_101();
            assert!(!head.contains("Sec-WebSocket-Protocol"), "{head}");
            raw.send(client(&[(TEXT, b"a"), (TEXT, b"b")]));
            raw.expect_frame(TEXT, "a");
            raw.expect_frame(TEXT, "b");
            close(&mut raw, 1000);
        }
        let mut raw = program.connect();
        let offer = "\r\nSec-WebSocket-Protocol: bytes.plainws\r\n\r\n";
        raw.send(upgrade_request("/lab/tap").replace("\r\n\r\n", offer));
        assert!(!raw.head().contains("bytes.plainws"));
    }
}

mod the_time {
    use super::*;

    #[test]
    fn is_told_once_with_the_length_of_the_request() {
        let program = Program::serve(&["--prefix", "/md_admin", "--header", "X-From: all"]);
        for path in ["/time", "/md_admin/time"] {
            let response = get(&program, path);
            assert_eq!(response.status, 200);
            assert_eq!(response.header("X-From"), Some("all"));
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let length = response
                .header("Request-Length")
                .and_then(|length| length.parse().ok());
            assert_eq!(length, Some(request.len()));
            let body = response.text();
            assert!(
                body.starts_with("{\"time\": \"") && body.len() == 31,
                "{body}"
            );
        }
    }
}

mod its_pages {
    use super::*;

    #[test]
    fn are_at_the_paths_of_the_handlers_and_under_the_prefix() {
        let program = Program::serve(&["--prefix", "/md_admin"]);
        for prefix in ["", "/md_admin"] {
            for (path, title) in [
                ("/", "<title>plainws</title>"),
                ("/clock", "<title>Clock"),
                ("/test_websocket", "<title>Clock"),
                ("/echo", "<title>Echo"),
                ("/test_socket", "<title>Echo"),
            ] {
                let response = get(&program, &format!("{prefix}{path}"));
                assert_eq!(response.status, 200, "{prefix}{path}");
                assert!(response.text().contains(title), "{prefix}{path}");
            }
        }
    }

    #[test]
    fn load_nothing_that_is_not_there_and_nothing_from_elsewhere() {
        let program = Program::serve(&[]);
        for page in ["/", "/clock", "/echo"] {
            let response = get(&program, page);
            let html = response.text();
            let loaded = html
                .split(['"'])
                .collect::<Vec<_>>()
                .windows(2)
                .filter(|pair| pair[0].ends_with("src=") || pair[0].ends_with("href="))
                .map(|pair| pair[1].to_owned())
                .collect::<Vec<_>>();
            assert!(!loaded.is_empty());
            for link in loaded {
                assert!(!link.contains("//"), "{link} in {page}");
                let path = format!("/{}", link.trim_start_matches("./"));
                assert_eq!(get(&program, &path).status, 200, "{link} in {page}");
            }
            // The policy allows no script or style in the page itself.
            for inline in [
                " onclick=",
                " onload=",
                " style=",
                "<style",
                "<script>",
                "javascript:",
            ] {
                assert!(!html.contains(inline), "{inline} in {page}");
            }
        }
    }
}

mod its_flags {
    use super::*;

    /// Sends frames to a new echo and returns the code that it closes with.
    #[track_caller]
    fn close_code(program: &Program, frames: &[(u8, &[u8])]) -> u16 {
        let mut raw = program.open("/echo");
        raw.send(client(frames));
        let (byte0, body) = raw.frame();
        assert_eq!(byte0, CLOSE, "{}", body.escape_ascii());
        u16::from_be_bytes([body[0], body[1]])
    }

    #[test]
    fn allow_host_adds_to_the_hosts_of_the_loopback() {
        let statuses = |program: &Program, host: &str| {
            let host = &format!("Host: {host}:{}", program.address.port());
            let paths = ["/", "/echo", "/metrics", "/healthz", "/nothing-here"];
            let mut statuses = paths.map(|path| {
                let mut raw = program.connect();
                raw.send(format!("GET {path} HTTP/1.1\r\n{host}\r\n\r\n"));
                raw.response().status
            });
            statuses.sort_unstable();
            statuses
        };
        let served = [200, 200, 200, 200, 404];
        let program = Program::serve(&[]);
        assert_eq!(statuses(&program, "localhost"), served);
        assert_eq!(statuses(&program, "evil.example"), [421; 5]);

        let program = Program::serve(&["--allow-host", "a.example", "--allow-host", "b.example:1"]);
        assert_eq!(statuses(&program, "localhost"), served);
        assert_eq!(statuses(&program, "a.example"), served);
        assert_eq!(statuses(&program, "b.example"), [421; 5]);
        assert_eq!(statuses(&program, "evil.example"), [421; 5]);
    }

    #[test]
    fn allow_origin_lets_pages_of_that_origin_connect() {
        let program = Program::serve(&[
            "--allow-origin",
            "https://example.org",
            "--allow-origin",
            "null",
        ]);
        let status = |origin: &str| {
            let mut raw = program.connect();
            let line = format!("Origin: {origin}\r\nUpgrade:");
            raw.send(upgrade_request("/echo").replace("Upgrade:", &line));
            raw.head()[9..12].to_owned()
        };
        assert_eq!(status("https://example.org"), "101");
        assert_eq!(status("null"), "101");
        assert_eq!(status("http://localhost"), "101", "the host itself");
        assert_eq!(status("http://example.org"), "403");
    }

    #[test]
    fn an_origin_that_no_page_has_is_refused_at_once() {
        for (origin, reason) in [
            (
                "https://example.org/",
                "it ends after host and port, as https://example.org",
            ),
            (
                "example.org",
                "it is scheme://host[:port], such as https://example.com, or null",
            ),
            ("*", "every site's pages could connect; name those that may"),
        ] {
            let run = run_with(&["serve", "--addr", "0", "--allow-origin", origin], b"");
            assert_eq!(run.code, 2, "{}", run.stderr);
            let told = format!("pages have no such origin: {reason}");
            assert!(run.stderr.contains(&told), "{}", run.stderr);
        }
    }

    #[test]
    fn limits_of_messages_are_kept_to_the_byte() {
        let program = Program::serve(&[
            "--max-message",
            "1K",
            "--max-fragments",
            "4",
            "--max-empty-fragments",
            "2",
        ]);
        let mut raw = program.open("/echo");
        raw.send_frame(BINARY, [7; 1024]);
        raw.expect_frame(BINARY, [7; 1024]);
        raw.send(client(&[
            (TEXT_BEGIN, b"1"),
            (MORE, b""),
            (MORE, b""),
            (LAST, b"4"),
        ]));
        raw.expect_frame(TEXT, "14");
        assert_eq!(close_code(&program, &[(BINARY, &[7; 1025])]), 1009);
        let five = [
            (TEXT_BEGIN, &b"1"[..]),
            (MORE, b"2"),
            (MORE, b"3"),
            (MORE, b"4"),
            (LAST, b"5"),
        ];
        assert_eq!(close_code(&program, &five), 1009);
        let empty = [(TEXT_BEGIN, &b""[..]), (MORE, b""), (MORE, b"")];
        assert_eq!(close_code(&program, &empty), 1009);
    }

    #[test]
    fn limits_of_heads_are_kept() {
        let program = Program::serve(&[
            "--max-head",
            "1K",
            "--max-headers",
            "5",
            "--head-timeout",
            "0.2",
        ]);
        let status = |head: String| {
            let mut raw = program.connect();
            raw.send(head);
            raw.response().status
        };
        let with = |headers: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        assert_eq!(status(with(&"X: y\r\n".repeat(4))), 200);
        assert_eq!(status(with(&"X: y\r\n".repeat(5))), 431);
        assert_eq!(status(with(&format!("X: {}\r\n", "y".repeat(1024)))), 431);
        assert_eq!(status(format!("GET /{}", "y".repeat(1024))), 414);
        assert_eq!(status("GET / HTTP/1.1\r\nX: never ends".into()), 408);
    }

    #[test]
    fn max_connections_refuses_the_next_with_503() {
        let program = Program::serve(&["--max-connections", "1"]);
        let mut first = program.open("/echo");
        assert_eq!(program.connect().response().status, 503);
        first.send_frame(TEXT, "in");
        first.expect_frame(TEXT, "in");
    }

    #[test]
    fn max_per_address_refuses_the_next_of_the_same_address_with_503() {
        let program = Program::serve(&["--max-per-address", "1"]);
        let [one, other] = [0, 1].map(Visitor::number);
        let _first = one.open(program.address, "/echo");
        let refused = one.connect(program.address).response();
        assert_eq!(refused.status, 503);
        assert!(refused.text().contains("address"), "{}", refused.text());
        other.open(program.address, "/echo");
    }

    #[test]
    fn metrics_addr_is_where_health_and_metrics_are_and_nothing_else() {
        let mut program =
            Program::serve(&["--metrics-addr", "127.0.0.1:0", "--max-connections", "1"]);
        let watched = program
            .process
            .stdout
            .wait_for("the second address", |said| {
                let (_, rest) = said.split_once("metrics: http://")?;
                rest.split_once('/')?.0.parse::<SocketAddr>().ok()
            });
        let status = |address, path: &str| {
            let mut raw = Raw::connect(address);
            raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            raw.response()
        };
        for path in ["/healthz", "/healthz/live", "/metrics"] {
            // The connection before it may still be ending.
            let of_main = || get(&program, path).status;
            let first = std::iter::repeat_with(of_main).find(|status| *status != 503);
            assert_eq!(first, Some(404), "{path}");
            assert_eq!(status(watched, path).status, 200, "{path}");
        }
        assert_eq!(status(watched, "/").status, 404);
        let mut only = loop {
            let mut raw = program.connect();
            let _ = raw.try_send(upgrade_request("/echo"));
            // The connections before it may still be ending.
            if raw.head().starts_with("HTTP/1.1 101 ") {
                break raw;
            }
        };
        only.send_frame(TEXT, "in");
        only.expect_frame(TEXT, "in");
        // They are those of the other server, and seen when that is full.
        let metrics = status(watched, "/metrics");
        let sample = "plainws_websockets_open 1\n";
        assert!(metrics.text().contains(sample), "{}", metrics.text());
        program.process.signal("TERM");
        only.expect_close(1001);
        drop(only);
        assert!(program.process.wait().success());
        assert!(TcpStream::connect(watched).is_err(), "it has ended too");
    }

    #[test]
    fn allow_host_keeps_no_one_from_the_metrics_who_names_an_address() {
        let program =
            Program::serve(&["--allow-host", "example.com", "--metrics-addr", "0.0.0.0:0"]);
        let watched = program.process.stdout.wait_for("the port", |said| {
            let (_, rest) = said.split_once("metrics: http://0.0.0.0:")?;
            rest.split_once('/')?.0.parse::<u16>().ok()
        });
        for (port, host, status) in [
            (watched, "192.0.2.7:9090", 200),
            (watched, "[2001:db8::7]", 200),
            (watched, "example.com", 200),
            (watched, "any.example", 421),
            (program.address.port(), "192.0.2.7:9090", 421),
        ] {
            let mut raw = Raw::connect(([127, 0, 0, 1], port).into());
            raw.send(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            let answer = raw.response().status;
            assert_eq!(answer, status, "{host} at {port}");
        }
    }

    #[test]
    fn a_full_server_still_tells_its_health_and_metrics() {
        let program = Program::serve(&["--max-connections", "1"]);
        let _only = program.open("/echo");
        for path in ["/healthz", "/healthz/live", "/metrics"] {
            assert_eq!(get(&program, path).status, 200, "{path}");
        }
        assert_eq!(get(&program, "/").status, 503);
    }

    #[test]
    fn a_refused_peer_is_given_up_when_there_is_no_one_else_to_look_after() {
        let program = Program::serve(&["--max-connections", "1", "--no-metrics"]);
        // A place, but no WebSocket connection.
        let _only = program.connect();
        let mut refused = program.connect();
        assert_eq!(refused.response().status, 503);
        // It does not end its side, and at last the other one is not there any more.
        let began = Instant::now();
        while refused.try_send("more").is_ok() {
            assert!(began.elapsed() < PATIENCE, "it is still there");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn prefix_does_not_lead_past_a_proxys_rule_for_metrics() {
        let program = Program::serve(&["--prefix", "/md_admin"]);
        assert_eq!(get(&program, "/md_admin/").status, 200);
        for path in ["/healthz", "/healthz/live", "/metrics"] {
            assert_eq!(get(&program, path).status, 200);
            assert_eq!(get(&program, &format!("/md_admin{path}")).status, 404);
        }
    }

    /// Starts the program where it may open so many files, and none of them is for anyone else.
    fn with_open_files(limit: usize) -> Program {
        let mut command = std::process::Command::new("sh");
        let program = env!("CARGO_BIN_EXE_plainws");
        let line = format!("ulimit -n {limit} && exec {program} --addr 127.0.0.1:0");
        command.args(["-c", &line]);
        Program::of(Process::start(&mut command).expect("there is a shell"))
    }

    /// However few files may be open, every peer is answered: let in or refused, but not left waiting.
    #[test]
    fn max_connections_is_what_the_system_allows_at_most() {
        if !cfg!(target_os = "linux") {
            return support::skip("the test of limits", "only Linux tells", "PLAINWS_LIMITS");
        }
        // With so few as in the last case not even the reserved places and those that linger fit in.
        for limit in [64, 20, 10] {
            let program = with_open_files(limit);
            let said = program.process.stderr.wait_for("a warning", |said| {
                let line = said.lines().find(|line| line.contains("at once"))?;
                Some(line.to_owned())
            });
            assert!(
                said.contains("not 900") && said.contains("ulimit -n"),
                "{said}"
            );
            let mut words = said
                .split(' ')
                .filter_map(|word| word.parse::<usize>().ok());
            let places = words.next().expect("how many are taken");
            assert!(places > 0 && places < limit, "{said}");
            let mut peers: Vec<_> = (0..90).map(|_| program.connect()).collect();
            for raw in &mut peers {
                let _ = raw.try_send(upgrade_request("/echo"));
            }
            let mut heads = peers.iter_mut().map(Raw::head);
            let is_in = |head: &String| {
                let is_in = head.starts_with("HTTP/1.1 101 ");
                assert!(is_in || head.starts_with("HTTP/1.1 503 "), "{head}");
                is_in
            };
            assert_eq!(heads.by_ref().filter(is_in).count(), places, "{said}");
        }
    }

    /// Whatever takes the last of them: the peers that come then are told, and those after that let in.
    #[test]
    fn without_an_open_file_left_every_peer_is_told_so() {
        let program = Program::serve(&[]);
        let process = program.process.id();
        let allow = |files: usize| {
            let mut command = std::process::Command::new("prlimit");
            command.args([
                "--pid",
                &process.to_string(),
                &format!("--nofile={files}:20000"),
            ]);
            command.status().is_ok_and(|status| status.success())
        };
        // What it opens at its start is closed again once it serves.
        let mut first = program.open("/echo");
        let open = Held::by(process).map(|held| held.descriptors);
        let Some(open) = open.filter(|open| allow(*open)) else {
            return support::skip(
                "the test without files",
                "there is no prlimit",
                "PLAINWS_LIMITS",
            );
        };
        // The thread that accepts has one already for whoever comes next.
        let _next = program.open("/echo");
        let mut others: Vec<_> = (0..20).map(|_| program.connect()).collect();
        let mut told = 0;
        for raw in &mut others {
            let _ = raw.try_send(upgrade_request("/echo"));
            // One may get the file that is kept back for refusing the rest, when that is not needed.
            let head = raw.head();
            let is_in = head.starts_with("HTTP/1.1 101 ");
            assert!(is_in || head.starts_with("HTTP/1.1 503 "), "{head}");
            told += usize::from(!is_in);
        }
        assert!(told > 15, "{told} were refused");
        first.send_frame(TEXT, "in");
        first.expect_frame(TEXT, "in");
        assert!(allow(open + 100));
        assert_eq!(get(&program, "/").status, 200);
    }

    #[test]
    fn ping_after_and_pong_timeout_find_a_dead_peer_and_keep_a_live_one() {
        let program = Program::serve(&["--ping-after", "0.1", "--pong-timeout", "1"]);
        let mut live = program.open("/echo");
        let mut dead = program.open("/echo");
        let (byte0, payload) = live.frame();
        assert_eq!(byte0, PING);
        live.send_frame(PONG, payload);
        let (byte0, payload) = live.frame();
        assert_eq!(byte0, PING, "and again after a while");
        live.send_frame(PONG, payload);
        assert_eq!(dead.frame().0, PING);
        let rest = dead.until_end();
        assert!(rest.is_empty(), "{}", rest.escape_ascii());

        let program = Program::serve(&["--ping-after", "0"]);
        let mut quiet = program.open("/echo");
        quiet.expect_silence(Duration::from_millis(200));
    }

    #[test]
    fn message_timeout_refuses_a_slow_message_with_1008() {
        let program = Program::serve(&["--message-timeout", "0.1"]);
        let mut slow = program.open("/echo");
        slow.send(&client(&[(TEXT, b"half")])[..8]);
        assert_eq!(slow.expect_close(1008), "the message arrives too slowly");
    }

    /// At the pace of 64 KiB in 10 s, so many bytes would be on their way for a minute and more.
    #[test]
    fn transit_timeout_finds_a_dead_peer_that_much_was_sent_to() {
        let brief = |flag| [flag, "0.1"];
        let flags = ["--transit-timeout", "--ping-after", "--pong-timeout"].map(brief);
        let program = Program::serve(&flags.concat());
        let mut dead = program.open("/echo");
        dead.send_frame(BINARY, vec![7; 1024 * 1024]);
        dead.until_end();
        program.process.stderr.wait_for("silence", |log| {
            log.contains("the peer is silent").then_some(())
        });
    }

    #[test]
    fn quiet_writes_no_access_log() {
        let mut program = Program::serve(&["--quiet"]);
        get(&program, "/");
        close(&mut program.open("/echo"), 1000);
        program.process.signal("TERM");
        assert!(program.process.wait().success());
        assert_eq!(program.process.stderr.whole(), "");
    }

    #[test]
    fn no_metrics_serves_neither_health_nor_metrics() {
        let program = Program::serve(&["--no-metrics"]);
        for path in ["/healthz", "/healthz/live", "/metrics"] {
            assert_eq!(get(&program, path).status, 404, "{path}");
        }
    }
}

mod its_log {
    use super::*;

    /// What a hostile peer would like to see on a terminal or in a log: colours, a second line, a
    /// terminal's answer, text that runs backwards.
    const HOSTILE: &str = "\x1B[31mred\r\nfake line\x07\u{9B}31m\u{202E}txet\0";

    /// Makes a program write a log about hostile peers, and returns it.
    fn provoke(form: &str) -> String {
        let mut program = Program::serve(&["--log", form]);
        get(&program, "/nothing%1b[31m\"<here>");
        for start in ["", "GET /", "GET / HTTP/1.1\r\nX: ", "\u{1F600}"] {
            let mut raw = program.connect();
            raw.send([start, HOSTILE].concat());
            raw.send_fin();
            raw.until_end();
        }
        let mut raw = program.open("/echo?\"quoted\"");
        raw.send_frame(TEXT, "counted");
        raw.expect_frame(TEXT, "counted");
        raw.send_frame(CLOSE, close_body(4000, HOSTILE.as_bytes()));
        raw.until_end();
        drop(raw);
        let mut raw = program.open("/clock");
        raw.send(b"\x81\x00");
        raw.until_end();
        drop(raw);
        program.process.signal("TERM");
        assert!(program.process.wait().success());
        program.process.stderr.whole()
    }

    #[track_caller]
    fn check_harmless(log: &str) {
        for line in log.lines() {
            let is_harmless = line
                .chars()
                .all(|c| !c.is_control() && !('\u{202A}'..='\u{202E}').contains(&c));
            assert!(is_harmless, "{line:?}");
            assert!(!line.starts_with("fake"), "{log}");
        }
    }

    #[test]
    fn has_a_line_for_each_request_and_connection_with_everything_escaped() {
        let log = provoke("text");
        check_harmless(&log);
        assert_eq!(log.lines().count(), 7, "{log}");
        let line = |about: &str| {
            log.lines()
                .find(|line| line.contains(about))
                .unwrap_or_else(|| panic!("{about} in {log}"))
        };
        line("\"GET /nothing%1b[31m\\\"<here> HTTP/1.1\" 404");
        let closed = line("/echo?");
        assert!(closed.contains(" 101 closed 4000"), "{closed}");
        let failed = line("GET /clock");
        assert!(failed.contains("mask"), "{failed}");
        assert!(log.lines().all(|line| line.contains("127.0.0.1:")), "{log}");
    }

    #[test]
    fn as_json_is_one_object_a_line() {
        let log = provoke("json");
        check_harmless(&log);
        let lines: Vec<Value> = log
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        assert_eq!(lines.len(), 7, "{log}");
        for line in &lines {
            let peer = line["peer"]
                .as_str()
                .and_then(|peer| peer.parse::<SocketAddr>().ok());
            assert!(peer.is_some(), "{line}");
            assert!(
                line["time"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z')),
                "{line}"
            );
            assert!(
                line["seconds"]
                    .as_f64()
                    .is_some_and(|seconds| seconds >= 0.0),
                "{line}"
            );
        }
        // Each request line as it arrived, characters outside of the BMP too.
        let mut requests: Vec<_> = lines.iter().map(|line| line["request"].as_str()).collect();
        requests.sort();
        let expected = [
            "",
            "GET /",
            "GET / HTTP/1.1",
            "GET /clock HTTP/1.1",
            "GET /echo?\"quoted\" HTTP/1.1",
            "GET /nothing%1b[31m\"<here> HTTP/1.1",
            "\u{1F600}",
        ]
        .map(Some);
        assert_eq!(requests, expected, "{log}");
        let of = |request: &str| {
            let is_it = |line: &&Value| {
                line["request"]
                    .as_str()
                    .is_some_and(|line| line.contains(request))
            };
            lines
                .iter()
                .find(is_it)
                .unwrap_or_else(|| panic!("{request} in {log}"))
        };
        let refused = of("/nothing");
        assert_eq!(refused["status"], 404);
        assert!(
            refused["reason"].is_string() && refused["length"].is_u64(),
            "{refused}"
        );
        assert_eq!(refused["request"], "GET /nothing%1b[31m\"<here> HTTP/1.1");
        let echo = of("/echo");
        assert_eq!(
            (&echo["status"], &echo["close_code"]),
            (&101.into(), &4000.into())
        );
        assert_eq!(echo["close_reason"], HOSTILE);
        assert_eq!(echo["messages_received"], 1);
        assert_eq!(echo["panicked"], false);
        assert!(
            of("/clock")["error"]
                .as_str()
                .is_some_and(|error| error.contains("mask"))
        );
    }

    #[test]
    fn sums_up_a_flood_of_refusals() {
        /// More than would be written in many seconds.
        const REFUSED: usize = 150;

        let program = Program::serve(&[]);
        let mut half: Vec<_> = (0..REFUSED).map(|_| program.connect()).collect();
        for raw in &mut half {
            raw.send("GET / HTTP/1.1\r\nHost: exam");
        }
        // That one is answered says that those before it are read as well, or soon will be.
        get(&program, "/nothing");
        program.process.signal("TERM");
        let refused = half.iter_mut().map(Raw::head_or_end);
        let refused = refused
            .filter(|head| head.starts_with("HTTP/1.1 503 "))
            .count();
        drop(half);
        let (written, summed_up) = refusals(program);
        assert_eq!(written + summed_up, refused);
        assert!((10..REFUSED).contains(&written), "{written}");
    }

    /// Those that get no place at all, and so no thread, are told of by the one that accepts.
    #[test]
    fn sums_up_a_flood_of_those_that_find_no_place() {
        const REFUSED: usize = 150;

        let program = Program::serve(&["--max-connections", "1", "--no-metrics"]);
        let only = program.open("/echo");
        for _ in 0..REFUSED {
            assert_eq!(program.connect().response().status, 503);
        }
        drop(only);
        program.process.signal("TERM");
        let (written, summed_up) = refusals(program);
        assert_eq!(written + summed_up, REFUSED);
        assert!((10..REFUSED).contains(&written), "{written}");
    }

    /// How many refusals the log of a program that ends has lines for, and how many it sums up.
    fn refusals(mut program: Program) -> (usize, usize) {
        assert!(program.process.wait().success());
        let log = program.process.stderr.whole();
        let summed_up = log.lines().filter_map(|line| {
            let (before, _) = line.split_once(" more refusal")?;
            before.rsplit(' ').next()?.parse::<usize>().ok()
        });
        (log.matches("\" 503 ").count(), summed_up.sum())
    }

    #[test]
    fn cuts_a_long_request_line() {
        let mut program = Program::serve(&[]);
        let lengths = [199, 200, 201, 5000];
        for length in lengths {
            let path = "y".repeat(length - "GET / HTTP/1.1".len());
            get(&program, &format!("/{path}"));
        }
        program.process.signal("TERM");
        program.process.wait();
        let log = program.process.stderr.whole();
        let said = log.lines().filter_map(|line| line.split('"').nth(1));
        let mut said: Vec<_> = said
            .map(|line| (line.chars().count(), line.ends_with('…')))
            .collect();
        // Each of them was another connection's.
        said.sort_unstable();
        assert_eq!(said, [(199, false), (200, false), (201, true), (201, true)]);
    }
}

mod at_its_end {
    use super::*;

    #[test]
    fn a_signal_closes_connections_with_1001_and_exits_with_0() {
        for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
            if !is_heeded(number) {
                support::skip(
                    "the end by a signal",
                    &format!("the tests were started so that SIG{signal} is ignored"),
                    "PLAINWS_SIGNALS",
                );
                continue;
            }
            let mut program = Program::serve(&[]);
            let mut clocks: Vec<_> = (0..5).map(|_| program.open("/clock")).collect();
            let mut echo = program.open("/echo");
            echo.send_frame(TEXT, "before the end");
            let mut half = program.connect();
            half.send("GET / HTTP/1.1\r\nHost: exam");
            let mut idle = program.connect();
            for raw in &mut clocks {
                assert_eq!(raw.frame().0, TEXT);
            }
            echo.expect_frame(TEXT, "before the end");

            program.process.signal(signal);
            for raw in clocks.iter_mut().chain([&mut echo]) {
                let body = loop {
                    match raw.frame() {
                        (TEXT, _) => {}
                        (byte0, body) => {
                            assert_eq!(byte0, CLOSE);
                            break body;
                        }
                    }
                };
                assert_eq!(body[..2], 1001_u16.to_be_bytes());
                raw.send_frame(CLOSE, close_body(1001, b""));
                raw.expect_fin();
            }
            let response = half.response();
            assert_eq!(response.status, 503);
            assert!(response.header("Retry-After").is_some());
            half.expect_fin();
            idle.until_end();
            drop((clocks, echo, half, idle));
            let status = program.process.wait();
            assert_eq!(status.code(), Some(0), "{signal}");
            assert!(
                TcpStream::connect(program.address).is_err(),
                "nothing listens any more"
            );
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_signal_that_was_ignored_at_the_start_does_not_end_it() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' HUP INT; exec \"$0\" \"$@\""]);
        shell.arg(env!("CARGO_BIN_EXE_plainws"));
        shell.args(["--addr", "127.0.0.1:0"]);
        let process = Process::start(&mut shell).expect("there is a shell");
        let mut program = Program::of(process);
        let mut echo = program.open("/echo");
        for signal in ["HUP", "INT"] {
            program.process.signal(signal);
        }
        echo.expect_silence(Duration::from_millis(200));
        echo.send_frame(TEXT, "still here");
        echo.expect_frame(TEXT, "still here");
        // The others are heeded.
        program.process.signal("TERM");
        echo.expect_close(1001);
        echo.send_frame(CLOSE, close_body(1001, b""));
        assert_eq!(program.process.wait().code(), Some(0));
    }

    #[test]
    fn a_second_signal_cuts_those_that_do_not_answer() {
        let mut program = Program::serve(&["--grace", "1000", "--close-timeout", "1000"]);
        let mut stubborn = program.open("/clock");
        assert_eq!(stubborn.frame().0, TEXT);
        program.process.signal("TERM");
        while stubborn.frame().0 != CLOSE {}
        // No answer: the server would wait for a long time.
        program.process.signal("TERM");
        assert_eq!(program.process.wait().code(), Some(0));
        drop(stubborn);
    }

    #[test]
    fn the_grace_is_not_exceeded_by_those_that_do_not_answer() {
        let mut program = Program::serve(&["--grace", "0.2", "--close-timeout", "1000"]);
        let mut stubborn = program.open("/echo");
        program.process.signal("TERM");
        stubborn.expect_close(1001);
        assert_eq!(program.process.wait().code(), Some(0));
        drop(stubborn);
    }

    #[test]
    fn it_can_be_started_again_on_the_same_port_at_once() {
        let mut program = Program::serve(&[]);
        let mut raw = program.open("/echo");
        program.process.signal("TERM");
        raw.expect_close(1001);
        raw.send_frame(CLOSE, close_body(1001, b""));
        raw.expect_fin();
        drop(raw);
        assert!(program.process.wait().success());
        let again = Program::serve_at(&program.address.to_string(), &[]);
        assert_eq!(get(&again, "/").status, 200);
    }
}
