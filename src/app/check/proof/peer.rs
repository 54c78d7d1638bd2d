//! Peers that are wrong on purpose.

use crate::app::check::script::{self, Frame};
use plainws::Role;
use plainws::protocol::frame::mask;
use plainws::protocol::handshake::accept_value;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::{mem, str, thread};

/// How a peer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// It looks at no rule, and sends back what comes.
    TakesAll,
    /// It knows the plainest head and short texts of ASCII alone, takes a read for a whole head or frame, and leaves if it
    /// is another.
    TakesLeast,
    /// It refuses every handshake.
    RefusesAll,
    /// It sends back something else, leaves where a Close is due, and takes lengths for numbers of 32 bits.
    AltersAll,
    /// It does not end TCP.
    Stays,
    /// It fails the connection at the first frame, whatever that is.
    FailsAll,
    /// It ends TCP at the first byte behind the handshake.
    Leaves,
    /// It looks at a text once that is whole.
    JudgesLate,
    /// It answers no ping in an open message.
    HoldsPongs,
    /// It sends a ping, and answers a Close only if that was answered.
    Pings,
}

/// The key of a client.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
const FIN: u8 = 0x80;
const TEXT: u8 = FIN | 1;
const CLOSE: u8 = FIN | 8;

impl Peer {
    /// Serves one connection.
    pub(super) fn serve(self, mut stream: TcpStream) {
        // That it is lost is no concern of the others.
        let _ = match self {
            Self::TakesLeast => serve_least(&mut stream),
            Self::RefusesAll => read_head(&mut stream, Vec::new())
                .and_then(|_| stream.write_all(b"HTTP/1.1 500 No\r\n\r\n")),
            _ => accept(&mut stream).and_then(|(response, rest)| {
                stream.write_all(&response)?;
                self.converse(stream, Role::Server, rest)
            }),
        };
    }

    /// Connects, and takes whatever the response is, but for the one that takes the least.
    pub(super) fn connect(self, address: SocketAddr) {
        let _ = self.dial(address);
    }

    fn dial(self, address: SocketAddr) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13";
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\n{headers}\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        if self == Self::TakesLeast {
            return match read(&mut stream)? == response(KEY) {
                true => take_least(&mut stream, Role::Client),
                false => Ok(()),
            };
        }
        let (_, mut rest) = read_head(&mut stream, Vec::new())?;
        // It was an interim response.
        while rest.starts_with(b"HTTP/") {
            (_, rest) = read_head(&mut stream, rest)?;
        }
        self.converse(stream, Role::Client, rest)
    }

    fn converse(self, mut stream: TcpStream, role: Role, rest: Vec<u8>) -> io::Result<()> {
        let mut out = stream.try_clone()?;
        let ended = self.echo(&mut stream, &mut out, role, rest);
        if self == Self::Stays {
            // Longer than any test.
            thread::park();
        }
        ended
    }

    /// Answers what comes, right or wrong.
    pub(super) fn echo(
        self,
        stream: &mut TcpStream,
        out: &mut TcpStream,
        role: Role,
        mut wire: Vec<u8>,
    ) -> io::Result<()> {
        match self {
            Self::Leaves if wire.is_empty() => return read(stream).map(drop),
            Self::Leaves => return Ok(()),
            Self::Pings => out.write_all(&frame(FIN | 9, b"ping".into(), role))?,
            _ => {}
        }
        let (mut kind, mut message) = (1, Vec::new());
        let (mut is_open, mut has_pong, mut held) = (false, false, Vec::new());
        let alters = self == Self::AltersAll;
        let altered = |payload: Vec<u8>| match alters {
            true => [&payload[..], b"!"].concat(),
            false => payload,
        };
        loop {
            while let Some((byte0, payload)) = take_frame(&mut wire, alters) {
                match byte0 & 0x0F {
                    _ if self == Self::FailsAll => {
                        return out.write_all(&frame(CLOSE, 1002_u16.to_be_bytes().into(), role));
                    }
                    8 if alters || (self == Self::Pings && !has_pong) => return Ok(()),
                    8 => return out.write_all(&frame(CLOSE, payload, role)),
                    9 if is_open && self == Self::HoldsPongs => {
                        held.extend(frame(FIN | 10, payload, role));
                    }
                    9 => out.write_all(&frame(FIN | 10, altered(payload), role))?,
                    10 => has_pong |= payload == b"ping",
                    11.. => {}
                    opcode => {
                        kind = if opcode == 0 { kind } else { opcode };
                        message.extend(payload);
                        is_open = byte0 & FIN == 0;
                        if is_open {
                            continue;
                        }
                        let message = altered(mem::take(&mut message));
                        if self == Self::JudgesLate && str::from_utf8(&message).is_err() {
                            let body = 1007_u16.to_be_bytes().into();
                            return out.write_all(&frame(CLOSE, body, role));
                        }
                        out.write_all(&frame(FIN | kind, message, role))?;
                        out.write_all(&mem::take(&mut held))?;
                    }
                }
            }
            wire.extend(read(stream)?);
        }
    }
}

fn serve_least(stream: &mut TcpStream) -> io::Result<()> {
    let head = read(stream)?;
    if !is_plain_request(&head) {
        return stream.write_all(b"HTTP/1.1 500 No\r\n\r\n");
    }
    stream.write_all(&response(&key(&head)))?;
    take_least(stream, Role::Server)
}

/// Whether it is the request that is usual, but for its key and the port.
fn is_plain_request(head: &[u8]) -> bool {
    const BEFORE: &str = "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:";
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade";
    let key = key(head);
    let after =
        format!("{upgrade}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n");
    let head = str::from_utf8(head).unwrap_or_default();
    let port_and_rest = head.strip_prefix(BEFORE);
    let rest = port_and_rest.and_then(|rest| rest.split_once("\r\n"));
    rest.is_some_and(|(_, rest)| rest == after)
}

/// Takes a read for a frame, and leaves if it is not a short text of ASCII in one piece, or a Close with 1000.
fn take_least(stream: &mut TcpStream, role: Role) -> io::Result<()> {
    loop {
        let mut wire = read(stream)?;
        let mask = if role == Role::Server { 0x80 } else { 0 };
        let short = mask..mask | 126;
        if wire.get(1).is_none_or(|byte1| !short.contains(byte1)) {
            return Ok(());
        }
        match take_frame(&mut wire, false) {
            Some((TEXT, text)) if wire.is_empty() && text.is_ascii() => {
                stream.write_all(&frame(TEXT, text, role))?;
            }
            Some((CLOSE, body)) if wire.is_empty() && body == 1000_u16.to_be_bytes() => {
                return stream.write_all(&frame(CLOSE, body, role));
            }
            _ => return Ok(()),
        }
    }
}

/// Reads a request, whatever it asks for: the response, and what came behind the request.
pub(super) fn accept(stream: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (head, rest) = read_head(stream, Vec::new())?;
    Ok((response(&key(&head)), rest))
}

fn key(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    key.unwrap_or_default().to_owned()
}

fn response(key: &str) -> Vec<u8> {
    let accept = accept_value(key);
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade";
    format!(
        "HTTP/1.1 101 Switching Protocols\r\n{upgrade}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into()
}

/// The first frame, whatever it is: its first byte and its payload.
fn take_frame(wire: &mut Vec<u8>, in_32_bits: bool) -> Option<(u8, Vec<u8>)> {
    let (&byte0, &byte1) = (wire.first()?, wire.get(1)?);
    let (size, mut length) = match byte1 & 0x7F {
        126 => (4, 0),
        127 => (10, 0),
        short => (2, u64::from(short)),
    };
    for byte in wire.get(2..size)? {
        length = length << 8 | u64::from(*byte);
    }
    if in_32_bits {
        length &= 0xFFFF_FFFF;
    }
    let length = usize::try_from(length).ok()?;
    let masked = byte1 & 0x80 != 0;
    let start = size + if masked { 4 } else { 0 };
    let mut payload = wire.get(start..start.checked_add(length)?)?.to_vec();
    if masked {
        let key = wire[size..start].try_into().expect("four bytes");
        mask(&mut payload, key, 0);
    }
    wire.drain(..start + length);
    Some((byte0, payload))
}

/// A client's are all masked with the same key.
fn frame(byte0: u8, payload: Vec<u8>, role: Role) -> Vec<u8> {
    script::wire(&[Frame::new(byte0, payload)], role)
}

/// Everything up to the first empty line, and what came with it.
fn read_head(stream: &mut TcpStream, mut head: Vec<u8>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    loop {
        if let Some(at) = head.windows(END.len()).position(|bytes| bytes == END) {
            let rest = head.split_off(at + END.len());
            return Ok((head, rest));
        }
        head.extend(read(stream)?);
    }
}

/// What one read gives, at least a byte.
fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 65_536];
    match stream.read(&mut bytes)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => {
            bytes.truncate(length);
            Ok(bytes)
        }
    }
}
