//! Readers of what the program writes that stop reading, at a terminal as with Ctrl-S or in a pipe: a
//! server goes on without them, and `connect` and `decode` wait for them and lose nothing.
#![cfg(unix)]

use crate::metrics::Scrape;
use crate::support::bytes::{BINARY, CLOSE, PING, PONG, TEXT, close_body, frame};
use crate::support::gate::Gate;
use crate::support::program::{Process, Program, command};
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use plainws::Role;
use serde_json::Value;
use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// More lines than fit into the pipe, into the queue and into what is on its way from one to the other.
const MANY: usize = 6000;

/// The program, serving, with nobody who reads its standard error.
fn serve_unread(stderr: &Gate, arguments: &[&str]) -> Program {
    let mut command = command();
    command.args(["--addr", "127.0.0.1:0"]).args(arguments);
    let process = Process::start_stalled(&mut command, &Gate::opened(), stderr);
    Program::of(process.expect("the program was built"))
}

/// Makes so many requests that each write a long line to the log.
fn request(raw: &mut Raw, count: usize) {
    let request = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "y".repeat(190)
    );
    for _ in 0..count / 50 {
        raw.send(request.repeat(50));
        for _ in 0..50 {
            assert_eq!(raw.response().status, 404);
        }
    }
}

/// A stream that has no room left and does not block, and its other end.
fn full() -> (UnixStream, UnixStream) {
    let (mut full, unread) = UnixStream::pair().expect("there are descriptors");
    full.set_nonblocking(true).expect("it is a socket");
    let filled = loop {
        if let Err(error) = full.write(&[b'.'; 1024]) {
            break error;
        }
    };
    assert_eq!(filled.kind(), ErrorKind::WouldBlock);
    (full, unread)
}

mod of_a_log {
    use super::*;

    /// The requests before and after the gap.
    const ALL: u64 = MANY as u64 + 50;

    fn lines_dropped(program: &Program) -> f64 {
        Scrape::of(program.address)["plainws_log_lines_dropped_total"]
    }

    /// What is written when the reader comes back: the lines about requests, and how many were dropped.
    fn come_back(form: &str, dropped: impl Fn(&str) -> Option<u64>) -> (String, u64) {
        let gate = Gate::default();
        let mut program = serve_unread(&gate, &["--log", form]);
        request(&mut program.connect(), MANY);
        // Others are still accepted as well.
        let mut echo = program.open("/echo");
        echo.send_frame(TEXT, "served");
        echo.expect_frame(TEXT, "served");

        gate.open();
        let count = program
            .process
            .stderr
            .wait_for("a count", |log| log.lines().find_map(&dropped));
        assert_eq!(lines_dropped(&program), count as f64);
        // What comes after the gap is written again.
        request(&mut program.connect(), 50);
        program.process.signal("TERM");
        echo.expect_close(1001);
        echo.send_frame(CLOSE, close_body(1001, b""));
        assert!(program.process.wait().success());
        let log = program.process.stderr.whole();
        let gaps = log.lines().filter_map(&dropped);
        assert_eq!(gaps.collect::<Vec<_>>(), [count], "there is one gap");
        (log, count)
    }

    #[test]
    fn are_told_how_many_lines_were_dropped_and_served_meanwhile() {
        let (log, count) = come_back("text", |line| {
            let (before, _) = line.split_once(" lines dropped")?;
            before.rsplit(' ').next()?.parse().ok()
        });
        let kept = log.matches(" 404 ").count() as u64;
        assert_eq!(kept + count, ALL, "{count} were dropped");
        // 1 MiB of such lines is kept at the least.
        assert!(kept > 3000, "{kept}");
    }

    #[test]
    fn as_json_are_told_in_an_object_of_its_own() {
        let object = |line: &str| serde_json::from_str::<Value>(line).expect("each line is JSON");
        let (log, count) = come_back("json", |line| object(line)["dropped"].as_u64());
        let objects: Vec<_> = log.lines().map(object).collect();
        let kept = objects.iter().filter(|line| line["status"] == 404).count();
        assert_eq!(kept as u64 + count, ALL);
        let has_time = |line: &Value| {
            line["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        };
        assert!(objects.iter().all(has_time));
    }

    #[test]
    fn hold_no_shutdown() {
        let gate = Gate::default();
        let mut program = serve_unread(&gate, &[]);
        let mut raw = program.connect();
        request(&mut raw, 1000);
        drop(raw);
        program.process.signal("TERM");
        assert_eq!(program.process.wait().code(), Some(0));
        gate.open();
    }

    /// Lines that fit into the queue, and are far too many for a moment between two steps of the end.
    const KEPT: usize = 3000;

    #[test]
    fn who_are_back_at_the_end_get_all_that_was_kept() {
        // The end waits a second for them: on a busy machine they may once be too late for that.
        assert!((0..5).any(|_| come_back_at_the_end() == KEPT));
    }

    /// How many lines about requests a reader gets who comes back when nothing is served any more.
    fn come_back_at_the_end() -> usize {
        let gate = Gate::default();
        let mut program = serve_unread(&gate, &[]);
        let mut raw = program.connect();
        request(&mut raw, KEPT);
        drop(raw);
        program.process.signal("TERM");
        while TcpStream::connect(program.address).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
        gate.open();
        assert!(program.process.wait().success());
        program.process.stderr.whole().matches(" 404 ").count()
    }
}

mod of_a_trace {
    use super::*;

    #[test]
    fn hold_no_connection() {
        let gate = Gate::default();
        let program = serve_unread(&gate, &["--trace=full", "--quiet"]);
        let mut echo = program.open("/echo");
        // Some 3 KiB of trace each.
        for _ in 0..1500 {
            echo.send_frame(BINARY, [7; 64]);
            echo.expect_frame(BINARY, [7; 64]);
        }
        gate.open();
        program.process.stderr.wait_for("a count", |log| {
            log.contains(" lines dropped").then_some(())
        });
    }
}

mod of_where_it_serves {
    use super::*;
    use std::os::fd::OwnedFd;

    #[test]
    fn are_not_waited_for() {
        // It cannot say its port, so that one must be known, and someone else may take it first.
        let (mut child, _unread, address) = (0..20)
            .find_map(|_| {
                let free = TcpListener::bind("127.0.0.1:0").ok()?;
                let address = free.local_addr().ok()?;
                drop(free);
                let (full, unread) = full();
                full.set_nonblocking(false).ok()?;
                let mut child = command()
                    .args(["--addr", &address.to_string()])
                    .stdout(Stdio::from(OwnedFd::from(full)))
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()?;
                let deadline = Instant::now() + PATIENCE;
                while child.try_wait().ok()?.is_none() && Instant::now() < deadline {
                    if TcpStream::connect(address).is_ok() {
                        return Some((child, unread, address));
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                None
            })
            .expect("it listens");
        // That it listens does not say yet that it serves.
        let mut echo = Raw::connect(address);
        echo.send(upgrade_request("/echo"));
        let head = echo.head_or_end();
        let _ = child.kill();
        let _ = child.wait();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }
}

mod of_messages {
    use super::*;

    /// `plainws connect` with these flags, and the connection that it makes.
    fn connect(flags: &[&str], stdout: &Gate, stderr: &Gate) -> (Process, Raw) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = listener.local_addr().expect("it is bound");
        let mut command = command();
        command.args(["connect", &format!("ws://{address}/")]);
        command.args(flags);
        let process = Process::start_stalled(&mut command, stdout, stderr);
        let raw = Raw::accept(&listener);
        (process.expect("the program was built"), raw)
    }

    /// As many of these as do not fit into a pipe, but into the queue.
    const SOME: usize = 300;

    fn message(number: usize) -> String {
        format!("{number:06}{}", "m".repeat(994))
    }

    #[track_caller]
    fn send_some(raw: &mut Raw) {
        for number in 0..SOME {
            raw.send(frame(Role::Server, TEXT, message(number).as_bytes()));
        }
        raw.send(frame(Role::Server, PING, b"there?"));
    }

    #[track_caller]
    fn expect_all(process: &mut Process, raw: &mut Raw) {
        raw.send(frame(Role::Server, CLOSE, &close_body(1000, b"")));
        raw.send_fin();
        assert_eq!(process.wait().code(), Some(0));
        let said = process.stdout.whole();
        let expected: Vec<_> = (0..SOME).map(message).collect();
        assert!(said.lines().eq(expected), "{} lines", said.lines().count());
    }

    #[test]
    fn do_not_keep_pings_from_being_answered_and_get_all_in_the_end() {
        let gate = Gate::default();
        let (mut process, mut raw) = connect(&[], &gate, &Gate::opened());
        send_some(&mut raw);
        let (byte0, _, payload) = raw.masked_frame();
        assert_eq!((byte0, &*payload), (PONG, &b"there?"[..]));
        gate.open();
        expect_all(&mut process, &mut raw);
    }

    #[test]
    fn of_the_trace_do_not_either() {
        let gate = Gate::default();
        let (mut process, mut raw) = connect(&["--trace=full"], &Gate::opened(), &gate);
        send_some(&mut raw);
        let (byte0, _, payload) = raw.masked_frame();
        assert_eq!((byte0, &*payload), (PONG, &b"there?"[..]));
        gate.open();
        expect_all(&mut process, &mut raw);
        let trace = process.stderr.whole();
        assert_eq!(trace.matches("\nframe ").count(), SOME + 4);
    }

    #[test]
    fn are_waited_for_once_the_queue_is_full_and_nothing_is_lost() {
        /// Far more than queue, pipe and the sockets' buffers hold.
        const TOO_MANY: usize = 96;

        let gate = Gate::default();
        let (mut process, mut raw) = connect(&[], &gate, &Gate::opened());
        let line = [b'm'; 1_000_000];
        let message = frame(Role::Server, TEXT, &line);
        let (mut whole, mut rest) = (0, &message[..]);
        while whole < TOO_MANY {
            match raw.send_some(rest, Duration::from_millis(500)) {
                Ok(0) => break,
                Ok(sent) => rest = &rest[sent..],
                Err(error) => panic!("{error}"),
            }
            if rest.is_empty() {
                (whole, rest) = (whole + 1, &message);
            }
        }
        assert!(whole < TOO_MANY, "nobody waits for the reader");
        gate.open();
        raw.send(rest);
        raw.send(frame(Role::Server, CLOSE, &close_body(1000, b"")));
        raw.send_fin();
        assert_eq!(process.wait().code(), Some(0));
        let said = process.stdout.whole();
        assert_eq!(said.lines().count(), whole + 1);
        assert!(said.lines().all(|said| said.as_bytes() == line));
    }

    #[test]
    fn who_have_gone_end_the_program() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = listener.local_addr().expect("it is bound");
        let mut child = command()
            .args(["connect", &format!("ws://{address}/")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program was built");
        drop(child.stdout.take());
        let mut raw = Raw::accept(&listener);
        raw.send(frame(Role::Server, TEXT, b"unseen"));
        let deadline = Instant::now() + PATIENCE;
        let ended = loop {
            let ended = child.try_wait().expect("it is our child");
            if ended.is_some() || Instant::now() > deadline {
                break ended;
            }
            thread::sleep(Duration::from_millis(5));
        };
        let _ = child.kill();
        let _ = child.wait();
        let code = ended.map(|status| status.code());
        assert_eq!(code, Some(Some(1)), "it ends, and a message was lost");
    }
}

mod of_a_stream_that_does_not_block {
    use super::*;
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    /// Runs the program with a standard output that has no room at first and never blocks, and reads it.
    fn read_late(arguments: &[&str]) -> (String, Option<i32>) {
        let (stdout, mut reader) = full();
        let mut child = command()
            .args(arguments)
            .stdout(Stdio::from(OwnedFd::from(stdout)))
            .stderr(Stdio::null())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the program was built");
        // By now it has tried to write, or the machine is slow and this test passes in vain.
        thread::sleep(Duration::from_millis(300));
        let timeout = reader.set_read_timeout(Some(PATIENCE));
        timeout.expect("it is a socket");
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("it ends in time");
        let said = said.trim_start_matches('.').to_owned();
        (said, child.wait().expect("it is our child").code())
    }

    #[test]
    fn get_all_that_decode_shows() {
        let pings = "8900 ".repeat(100);
        let (said, code) = read_late(&["decode", "--all", &pings]);
        assert_eq!(code, Some(0));
        assert_eq!(said.matches("\nframe ").count(), 99);
        assert!(said.ends_with("legal: 100 frames, 0 messages\n"));
    }

    #[test]
    fn get_all_that_connect_shows() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
        let server = thread::spawn(move || {
            let mut raw = Raw::accept(&listener);
            for _ in 0..2000 {
                raw.send(frame(Role::Server, TEXT, &[b'm'; 1000]));
            }
            raw.send(frame(Role::Server, CLOSE, &close_body(1000, b"")));
            raw.send_fin();
            raw.until_end();
        });
        let (said, code) = read_late(&["connect", &url]);
        server.join().expect("the client takes it all");
        assert_eq!((said.lines().count(), code), (2000, Some(0)));
    }
}
