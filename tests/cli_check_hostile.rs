//! `plainws check` against what is no server to rely on: nothing of it is ever called ok, it ends, and its memory stays
//! within bounds, whatever comes.

use crate::support::program::{Held, run as start};
use crate::support::raw::PATIENCE;
use crate::support::run::check_fit_for_a_terminal;
use plainws::protocol::handshake::accept_value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// What a connection is to be sent, for ever or to its end.
type Serve = fn(&mut TcpStream) -> std::io::Result<()>;

/// Serves each connection, for as long as the tests run.
fn listen(serve: Serve) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&mut stream));
        }
    });
    address
}

/// A debug build with its threads, and far below what is sent.
const MOST_KIBIBYTES: usize = 150 * 1024;

/// What a run came to.
#[derive(Debug)]
struct Examined {
    code: i32,
    /// What it said, on standard output and standard error.
    said: String,
    errors: String,
    /// Of the program, where the system tells.
    peak_kibibytes: usize,
}

/// One row of each kind.
const ROWS: [&str; 10] = [
    "handshake-plain",
    "length-2-text",
    "rsv-1-on-text",
    "ping-empty",
    "text-inside-a-text",
    "surrogate-among-others",
    "code-1000",
    "half-close-in-a-frame",
    "key-missing",
    "stream-in-one-piece",
];

/// With so much patience, in seconds.
fn examine(address: SocketAddr, patience: &str) -> Examined {
    let url = format!("ws://{address}/");
    let mut arguments = vec!["check", &url, "--timeout", patience];
    for row in &ROWS {
        arguments.extend(["--only", row]);
    }
    let mut process = start(&arguments);
    let mut peak_kibibytes = 0;
    let deadline = Instant::now() + 5 * PATIENCE;
    // As long as it runs.
    while let Some(held) = Held::by(process.id()) {
        peak_kibibytes = held.peak_kibibytes;
        assert!(Instant::now() < deadline, "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    let code = process.wait().code().expect("it was not killed");
    Examined {
        code,
        said: process.stdout.whole(),
        errors: process.stderr.whole(),
        peak_kibibytes,
    }
}

/// Examines each of these at once. Nothing of it is called ok, it takes little memory, and the exit code is this one.
#[track_caller]
fn check_each(patience: &str, code: i32, table: &[(&str, Serve, &str)]) {
    thread::scope(|scope| {
        for (name, serve, due) in table {
            scope.spawn(move || check(name, &examine(listen(*serve), patience), code, due));
        }
    });
}

#[track_caller]
fn check(name: &str, examined: &Examined, code: i32, due: &str) {
    let told = format!("{name}: {examined:?}");
    assert_eq!(examined.code, code, "{told}");
    let (said, other) = match code {
        3 => (&examined.errors, &examined.said),
        _ => (&examined.said, &examined.errors),
    };
    assert!(said.contains(due) && other.is_empty(), "{due}: {told}");
    assert!(!said.contains(" ok"), "a case is ok: {told}");
    check_fit_for_a_terminal(&examined.said);
    let peak = examined.peak_kibibytes;
    assert!(peak < MOST_KIBIBYTES, "{peak} KiB: {told}");
}

#[test]
fn what_does_not_answer_the_handshake_is_not_examined() {
    let table: [(&str, Serve, &str); 2] = [
        ("says nothing", hang, "nothing answers the handshake"),
        (
            "drips a head",
            |stream| {
                write!(stream, "HTTP/1.1 101 Yes\r\nX: ")?;
                drip(stream, b"a")
            },
            "nothing answers the handshake",
        ),
    ];
    check_each("0.1", 3, &table);
}

#[test]
fn what_answers_it_otherwise_is_not_examined() {
    let table: [(&str, Serve, &str); 9] = [
        ("ends", |_| Ok(()), "instead of a response"),
        ("reads and ends", read, "it ends the connection instead"),
        (
            "a head without an end",
            |stream| {
                write!(stream, "HTTP/1.1 101 Yes\r\n")?;
                flood(stream, b"X: a\r\n")
            },
            "its response is none",
        ),
        (
            "a body without an end",
            |stream| {
                read(stream)?;
                write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
                flood(stream, b"<html>")
            },
            "status 200",
        ),
        (
            "bytes of any value",
            |stream| flood(stream, &[0x97, 0, 13, 10, 255, 7]),
            "its response is none",
        ),
        (
            "a page",
            |stream| {
                read(stream)?;
                write!(stream, "HTTP/1.1 404 None\r\nContent-Length: 2\r\n\r\nno")
            },
            "status 404",
        ),
        (
            "TLS",
            |stream| {
                read(stream)?;
                stream.write_all(&[0x15, 3, 1, 0, 2, 2, 40])
            },
            "TLS",
        ),
        (
            "SSH",
            |stream| {
                write!(stream, "SSH-2.0-OpenSSH_9.9\r\n")?;
                read(stream)
            },
            "SSH",
        ),
        (
            "what it is sent",
            |stream| {
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes)?;
                stream.write_all(&bytes[..length])
            },
            "echoes bytes",
        ),
    ];
    check_each("5", 3, &table);
}

#[test]
fn where_nothing_listens_nothing_is_examined() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    check("nothing", &examine(address, "5"), 3, "no connection");
}

#[test]
fn what_opens_and_then_does_as_it_likes_passes_nothing() {
    let table: [(&str, Serve, &str); 9] = [
        (
            "says nothing",
            |stream| after_opening(stream, hang),
            "timeout",
        ),
        ("ends", |stream| after_opening(stream, |_| Ok(())), "failed"),
        (
            "drips pings",
            |stream| after_opening(stream, |stream| drip(stream, &[0x89, 0])),
            "timeout",
        ),
        (
            "pings",
            |stream| after_opening(stream, |stream| flood(stream, &[0x89, 1, 0])),
            "failed",
        ),
        (
            "texts",
            |stream| after_opening(stream, |stream| flood(stream, b"\x81\x05Hello")),
            "failed",
        ),
        (
            "a frame without an end",
            |stream| {
                after_opening(stream, |stream| {
                    stream.write_all(&[0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0])?;
                    flood(stream, &[0; 100])
                })
            },
            "failed",
        ),
        (
            "a message without an end",
            |stream| {
                after_opening(stream, |stream| {
                    stream.write_all(&[2, 0])?;
                    flood(stream, &[0, 0])
                })
            },
            "failed",
        ),
        (
            "a large message without an end",
            |stream| {
                after_opening(stream, |stream| {
                    stream.write_all(&[2, 0])?;
                    let fragment = [&[0, 126, 0xFF, 0xFF][..], &[0; 65_535]].concat();
                    flood(stream, &fragment)
                })
            },
            "failed",
        ),
        (
            "bytes of any value",
            |stream| after_opening(stream, |stream| flood(stream, &[0x97, 0, 13, 10, 255])),
            "failed",
        ),
    ];
    check_each("1", 1, &table);
}

/// Accepts whatever is asked for, and goes on so.
fn after_opening(stream: &mut TcpStream, serve: Serve) -> std::io::Result<()> {
    open(stream)?;
    serve(stream)
}

/// Accepts whatever is asked for.
fn open(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_value(key.unwrap_or_default());
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade";
    write!(
        stream,
        "HTTP/1.1 101 Yes\r\n{upgrade}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

fn read(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read(&mut [0; 4096]).map(drop)
}

/// Says nothing until the other end has left.
fn hang(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

/// The same bytes one by one, for ever.
fn drip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes.iter().cycle() {
        stream.write_all(&[*byte])?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// As many of them as the other end takes.
fn flood(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let much = bytes.repeat(65_536 / bytes.len() + 1);
    loop {
        stream.write_all(&much)?;
    }
}
