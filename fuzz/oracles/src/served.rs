//! The specimen over TCP, as a server or a client that sends each message back: something for `plainws check` to examine.

use crate::specimen::Specimen;
use crate::subject::{Seen, Subject as _, Verdict, Wish};
use plainws::Role;
use plainws::protocol::connection::State;
use plainws::protocol::head;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Longest time without a byte.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the end of the peer's stream is ignored, if it is; longer than the other end waits for that.
const IGNORING: Duration = Duration::from_secs(3);
/// Cases that a client plays side by side.
const JOBS: usize = 8;

/// Serves each connection, for ever.
///
/// # Errors
///
/// The listener fails.
pub fn serve(specimen: Specimen, listener: &TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        // A connection that is lost is no concern of the others.
        thread::spawn(move || accept(specimen, stream));
    }
    Ok(())
}

fn accept(specimen: Specimen, mut stream: TcpStream) -> io::Result<()> {
    prepare(&stream)?;
    let handshake = specimen.handshake(Role::Client, head::Limits::new(), Some("superchat"));
    let mut handshake = handshake.expect("the specimen has a handshake");
    let (response, rest) = loop {
        let bytes = read(&mut stream)?;
        match handshake.receive(&bytes) {
            None if bytes.is_empty() => return Ok(()),
            None => {}
            Some(Verdict::Accepted { response, rest }) => break (response, rest),
            Some(Verdict::Refused(_)) => {
                stream.write_all(
                    b"HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n\
                      Content-Length: 0\r\nConnection: close\r\n\r\n",
                )?;
                return end(&stream);
            }
        }
    };
    stream.write_all(response.as_bytes())?;
    converse(specimen, Role::Server, stream, rest).map(drop)
}

/// Plays all cases of `plainws check --listen`.
///
/// # Errors
///
/// Nothing listens there, or it is something else.
pub fn client(specimen: Specimen, address: &str) -> io::Result<()> {
    let right = Specimen(None);
    // What it does wrong is to be seen in the cases, not in its own requests.
    let count = open(right, address, "/getCaseCount", 0)?;
    let Some(Seen::Text(count)) = count.first() else {
        return Err(io::Error::other("it does not tell how many cases it has"));
    };
    let count: usize = count.parse().map_err(io::Error::other)?;
    let next = AtomicUsize::new(1);
    let work = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Relaxed));
        for number in numbers.take_while(|&number| number <= count) {
            let target = format!("/runCase?case={number}&agent=specimen");
            // That a case ends the connection in any way is no reason to leave the others out.
            let _ = open(specimen, address, &target, number);
        }
    };
    thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(work);
        }
    });
    open(right, address, "/updateReports?agent=specimen", count + 1).map(drop)
}

/// Opens a connection, lets it run to its end, and tells what came; nothing if the response is not taken.
fn open(specimen: Specimen, address: &str, target: &str, number: usize) -> io::Result<Vec<Seen>> {
    let mut stream = TcpStream::connect(address)?;
    prepare(&stream)?;
    let wish = Wish {
        host: address.into(),
        target: target.into(),
        nonce: (number as u128).to_be_bytes(),
        subprotocols: vec!["chat".into(), "superchat".into()],
        headers: Vec::new(),
    };
    let request = specimen.request(&wish).expect("the specimen has requests");
    let request = request.map_err(|error| io::Error::other(error.to_string()))?;
    stream.write_all(request.as_bytes())?;
    let mut lines = request.lines();
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let mut handshake = specimen.response(key.unwrap_or_default());
    let mut came = Vec::new();
    let mut new = read(&mut stream)?;
    while !new.is_empty() {
        came.extend(&new);
        match handshake.receive(&new) {
            None => new = read(&mut stream)?,
            Some(Verdict::Accepted { rest, .. }) => {
                return converse(specimen, Role::Client, stream, rest);
            }
            // RFC 9110 §15.2: the response is yet to come.
            Some(Verdict::Refused(_)) if is_interim(&came) => {
                let (_, rest) = crate::reference::head(&came).expect("it was read");
                new = rest.to_vec();
                came.clear();
                if new.is_empty() {
                    new = read(&mut stream)?;
                }
            }
            // §4.1: a client that refuses the response leaves.
            Some(Verdict::Refused(_)) => break,
        }
    }
    Ok(Vec::new())
}

fn is_interim(head: &[u8]) -> bool {
    let status = head
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..4));
    matches!(status, Some([b'1', b'0'..=b'9', b'0'..=b'9', b' ']) if status != Some(b"101 "))
}

/// Reads and writes until the connection has ended, and tells what came.
fn converse(
    specimen: Specimen,
    role: Role,
    mut stream: TcpStream,
    mut bytes: Vec<u8>,
) -> io::Result<Vec<Seen>> {
    let mut endpoint = specimen.echo(role);
    let mut first = Vec::new();
    while endpoint.state() != State::Closed {
        let seen = endpoint.receive(&mut bytes);
        // Nobody asks for more.
        first.extend(seen.into_iter().take(1 - first.len()));
        stream.write_all(&endpoint.drain_output())?;
        if endpoint.state() == State::Closed {
            break;
        }
        bytes = read(&mut stream)?;
        if bytes.is_empty() {
            endpoint.receive_eof();
            if endpoint.state() != State::Closed {
                thread::sleep(IGNORING);
            }
            break;
        }
    }
    match role {
        Role::Server => end(&stream)?,
        // §7.1.1: the server ends TCP.
        Role::Client => stream.read_to_end(&mut Vec::new()).map(drop)?,
    }
    Ok(first)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))
}

/// What one read gives: nothing at the end of the peer's stream.
fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 65_536];
    let length = stream.read(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Ends our half, and takes what is still on its way, so that the peer can read what it was told.
fn end(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}
