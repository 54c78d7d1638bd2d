//! The specimen over TCP, with one of its faults or with none: something to be examined.
//!
//! ```text
//! specimen list                 the names of its faults, and what each does
//! specimen serve [FAULT]        a server that sends each message back; says where it listens
//! specimen client URL [FAULT]   a client that plays all cases of `plainws check --listen`
//! ```
//!
//! Exit 2: it could not be done.

use oracles::bug::Bug;
use oracles::specimen::Specimen;
use oracles::subject::{Endpoint, OPENING_KEY, Seen, Subject as _, Verdict};
use plainws::Role;
use plainws::protocol::connection::State;
use plainws::protocol::head;
use plainws::protocol::message::Limits;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &arguments[..] {
        ["list"] => list(),
        ["serve"] => serve(Specimen(None)),
        ["serve", fault] => named(fault).and_then(serve),
        ["client", url] => client(url, Specimen(None)),
        ["client", url, fault] => named(fault).and_then(|specimen| client(url, specimen)),
        _ => Err(io::Error::other(
            "usage: specimen list | serve [FAULT] | client URL [FAULT]",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("specimen: {error}");
            ExitCode::from(2)
        }
    }
}

fn named(name: &str) -> io::Result<Specimen> {
    let mut bugs = Bug::ALL.iter();
    let found = bugs.find(|(bug, ..)| format!("{bug:?}") == name);
    found
        .map(|(bug, ..)| Specimen(Some(*bug)))
        .ok_or_else(|| io::Error::other(format!("no fault {name}; specimen list names them")))
}

fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    Bug::ALL
        .iter()
        .try_for_each(|(bug, what, _)| writeln!(out, "{bug:?}\t{}", what.trim()))
}

fn serve(specimen: Specimen) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        // A connection that is lost is no concern of the others.
        thread::spawn(move || accept(specimen, stream));
    }
    Ok(())
}

/// Longest time without a byte.
const PATIENCE: Duration = Duration::from_secs(20);

fn accept(specimen: Specimen, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let handshake = specimen.handshake(Role::Client, head::Limits::new(), None);
    let mut handshake = handshake.expect("the specimen has a handshake");
    let mut buffer = [0; 4096];
    let (response, rest) = loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        match handshake.receive(&buffer[..length]) {
            None => {}
            Some(Verdict::Accepted { response, rest }) => break (response, rest),
            Some(Verdict::Refused(_)) => {
                stream.write_all(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                )?;
                return end(&stream);
            }
        }
    };
    stream.write_all(response.as_bytes())?;
    converse(specimen, Role::Server, stream, rest, |seen, end| {
        echo(seen, end);
    })
}

fn echo(seen: Seen, endpoint: &mut dyn Endpoint) {
    match seen {
        Seen::Text(text) => endpoint.send_text(&text),
        Seen::Binary(bytes) => endpoint.send_binary(&bytes),
        _ => true,
    };
}

/// Reads and writes until the connection has ended.
fn converse(
    specimen: Specimen,
    role: Role,
    mut stream: TcpStream,
    mut bytes: Vec<u8>,
    mut seen: impl FnMut(Seen, &mut dyn Endpoint),
) -> io::Result<()> {
    let limits = Limits::new().max_fragments(100_000);
    let endpoint = specimen.endpoint(role, limits);
    let mut endpoint = endpoint.expect("the specimen has an endpoint");
    let mut buffer = [0; 65_536];
    loop {
        for event in endpoint.receive(&mut bytes) {
            seen(event, &mut *endpoint);
        }
        stream.write_all(&endpoint.drain_output())?;
        if endpoint.state() == State::Closed {
            break;
        }
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            endpoint.receive_eof();
            stream.write_all(&endpoint.drain_output())?;
            if endpoint.state() == State::Closed {
                break;
            }
            // Whoever ignores the end goes on.
            thread::sleep(PATIENCE);
            break;
        }
        bytes.clear();
        bytes.extend(&buffer[..length]);
    }
    match role {
        Role::Server => end(&stream),
        // §7.1.1: the server ends TCP.
        Role::Client => stream.read_to_end(&mut Vec::new()).map(drop),
    }
}

/// Ends our half, and takes what is still on its way, so that the peer can read what it was told.
fn end(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn client(url: &str, specimen: Specimen) -> io::Result<()> {
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let mut count = String::new();
    // Its own requests are right: what it does wrong is to be seen in the cases.
    open(address, "/getCaseCount", Specimen(None), |seen, _| {
        if let Seen::Text(text) = seen {
            count = text;
        }
    })?;
    let count: usize = count.parse().map_err(io::Error::other)?;
    for number in 1..=count {
        let target = format!("/runCase?case={number}&agent=specimen");
        // That a case ends the connection in any way is no reason to leave the others out.
        let _ = open(address, &target, specimen, |seen, end| echo(seen, end));
    }
    open(
        address,
        "/updateReports?agent=specimen",
        Specimen(None),
        |_, _| {},
    )
}

fn open(
    address: &str,
    target: &str,
    specimen: Specimen,
    seen: impl FnMut(Seen, &mut dyn Endpoint),
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {OPENING_KEY}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let handshake = specimen.handshake(Role::Server, head::Limits::new(), None);
    let mut handshake = handshake.expect("the specimen has a handshake");
    let mut buffer = [0; 4096];
    let rest = loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        match handshake.receive(&buffer[..length]) {
            None => {}
            Some(Verdict::Accepted { rest, .. }) => break rest,
            // §4.1: a client that refuses the response leaves.
            Some(Verdict::Refused(_)) => return Ok(()),
        }
    };
    converse(specimen, Role::Client, stream, rest, seen)
}
