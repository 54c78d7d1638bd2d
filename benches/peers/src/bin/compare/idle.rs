//! What a connection costs while nothing happens.

use crate::arguments::Arguments;
use crate::machine::Machine;
use crate::progress;
use crate::server::{Kind, Server};
use crate::{Result, Stop};
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// Memory of one server for each connection, in KiB.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) connections: usize,
    /// After the handshake.
    pub(crate) fresh: f64,
    /// After one message of 125 bytes came and went.
    pub(crate) used: f64,
}

/// A server is given this long to let go of what it does not need.
pub(crate) const REST: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

/// For each server what it costs, or why that could not be measured.
///
/// # Errors
/// If a server does not start, or the user wants it to end.
pub(crate) fn measure(
    arguments: &Arguments,
    machine: &Machine,
    stop: &Stop,
) -> Result<Vec<Result<Idle>>> {
    let connections = machine.most_connections(arguments);
    let mut results = Vec::new();
    for kind in &arguments.servers {
        progress::show(&format!("{connections} idle connections: {}", kind.name()));
        let server = Server::start(*kind, arguments, machine)?;
        results.push(measure_one(&server, connections, stop));
        stop.check()?;
    }
    progress::clear();
    Ok(results)
}

fn measure_one(server: &Server, connections: usize, stop: &Stop) -> Result<Idle> {
    let before = memory(server)?;
    let for_each = |after: f64| (after - before) / connections as f64;
    let mut open = Vec::new();
    for i in 0..connections {
        stop.check()?;
        let opened = open_one(server, i).map_err(|error| format!("{i} connections: {error}"))?;
        open.push(opened);
    }
    thread::sleep(REST);
    let fresh = for_each(memory(server)?);
    for stream in &mut open {
        echo_one(server, stream).map_err(|error| error.to_string())?;
    }
    thread::sleep(REST);
    let used = for_each(memory(server)?);
    Ok(Idle {
        connections,
        fresh,
        used,
    })
}

fn memory(server: &Server) -> Result<f64> {
    let memory = server.memory().ok_or("the server is gone")?;
    Ok(memory as f64)
}

const REQUEST: &[u8] =
    b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Connections from one address: so few that the system finds a free port for the next at once.
const OF_ADDRESS: usize = 2_000;

/// The first are from 127.0.0.1, the next from 127.0.0.2.
pub(crate) fn open_one(server: &Server, number: usize) -> io::Result<TcpStream> {
    let last = u8::try_from(1 + number / OF_ADDRESS).map_err(io::Error::other)?;
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&from.into())?;
    socket.connect_timeout(&server.address.into(), PATIENCE)?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    if server.kind != Kind::RawTcp {
        stream.write_all(REQUEST)?;
        let mut head = [0; 1024];
        let mut length = 0;
        while !head[..length].ends_with(b"\r\n\r\n") {
            match stream.read(&mut head[length..])? {
                0 => return Err(io::Error::other("the handshake was not answered")),
                more => length += more,
            }
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other("the handshake was refused"));
        }
    }
    Ok(stream)
}

/// A binary message of 125 bytes, with a masking key of zeros.
pub(crate) fn echo_one(server: &Server, stream: &mut TcpStream) -> io::Result<()> {
    let mut message = [0; 131];
    message[..2].copy_from_slice(&[0x82, 0x80 | 125]);
    stream.write_all(&message)?;
    // The answer has no masking key, where there are frames at all.
    let is_raw = server.kind == Kind::RawTcp;
    let length = if is_raw { 131 } else { 127 };
    stream.read_exact(&mut message[..length])
}
