//! Plainws as a subject: its own types implement the traits of [`subject`](crate::subject).

use crate::subject::{
    Chunks, Endpoint, Entry, Field as HeaderField, Handshake, Led, Listing, Mask, Preface, Reader,
    Seen, Sent, Shown, Site, Subject, TRUSTED, Text, Verdict, Wish, opening,
};
use plainws::net::forwarded;
use plainws::net::hosts::HostPolicy;
use plainws::net::origin::{Origin, OriginPolicy};
use plainws::net::paths::Paths;
use plainws::net::proxies::{ProxyAddress, ProxyPolicy};
use plainws::net::proxy_header::{self, Decoded};
use plainws::net::url::Url;
use plainws::protocol::chunks;
use plainws::protocol::connection::{Connection, Event, Misuse, State};
use plainws::protocol::dissect::{self, Dissector, Span, Status, Verdict as StreamVerdict};
use plainws::protocol::handshake::{InvalidHeader, Opening, Upgrade};
use plainws::protocol::message::{Limits, Message};
use plainws::protocol::outbox::Chunk;
use plainws::protocol::request::Request;
use plainws::protocol::response::Response;
use plainws::protocol::rule::Field;
use plainws::protocol::{frame, head, utf8};
use plainws::{CloseCode, CloseReason, PreparedMessage, Role};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// The product.
#[derive(Clone, Copy, Debug)]
pub struct Plainws;

impl Subject for Plainws {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        Box::new(Answering {
            connection: connection(sender.peer(), limits),
            answers: Vec::new(),
        })
    }

    fn endpoint(&self, role: Role, limits: Limits) -> Option<Box<dyn Endpoint>> {
        Some(Box::new(Written {
            connection: connection(role, limits),
            chunk: Chunk::default(),
        }))
    }

    fn handshake(
        &self,
        sender: Role,
        limits: head::Limits,
        subprotocol: Option<&str>,
    ) -> Option<Box<dyn Handshake>> {
        Some(Box::new(HeadReader {
            sender,
            decoder: head::Decoder::new(sender, limits),
            subprotocol: subprotocol.map(str::to_owned),
        }))
    }

    fn request(&self, wish: &Wish) -> Option<Result<String, InvalidHeader>> {
        Some(request(wish))
    }

    fn dissect(&self, sender: Role, limits: Limits, pieces: &[&[u8]]) -> Option<Listing> {
        let mut dissector = Dissector::new(sender, limits);
        let pieces = pieces.iter();
        let mut frames: Vec<_> = pieces.flat_map(|piece| dissector.receive(piece)).collect();
        frames.extend(dissector.partial().cloned());
        Some(Listing {
            frames: frames.into_iter().map(Shown::from).collect(),
            unread: dissector.unread(),
            is_cut: dissector.verdict() == StreamVerdict::Incomplete,
        })
    }

    fn mask(&self) -> Option<Mask> {
        Some(frame::mask)
    }

    fn serves_host(&self, host: &str) -> Option<bool> {
        let here = Ipv4Addr::LOCALHOST.into();
        Some(HostPolicy::at(here).permits(Some(host), here))
    }

    fn judges_origin(
        &self,
        entry: &str,
        origin: &str,
        host: &str,
        is_secure: bool,
    ) -> Option<Option<Entry>> {
        Some(entry.parse::<Origin>().ok().map(|entry| {
            let normal = entry.to_string();
            let mut policy = OriginPolicy::default();
            policy.allow(entry);
            let lets_in = policy.permits(Some(origin), Some(host), is_secure);
            Entry { normal, lets_in }
        }))
    }

    fn url(&self, url: &str) -> Option<Option<Site>> {
        let url = Url::parse(url).ok();
        Some(url.map(|url| Site {
            host: url.host().into(),
            target: url.target().into(),
        }))
    }

    fn led(&self, templates: &[&str], path: &str) -> Option<Led> {
        let mut paths = Paths::default();
        for (number, template) in templates.iter().enumerate() {
            match paths.entry(template) {
                Ok(entry) => *entry = number,
                Err(_) => return Some(Led::BadTemplate(number)),
            }
        }
        Some(paths.find(path).map_or(Led::Nowhere, |found| {
            let number = *found.value();
            found
                .values()
                .map_or(Led::Unreadable(number), |values| Led::To(number, values))
        }))
    }

    fn chunks(&self) -> Option<Box<dyn Chunks>> {
        Some(Box::new(chunks::Chunks::new()))
    }

    fn trusts_proxy(&self, entry: &str, peer: Option<IpAddr>) -> Option<Option<Entry>> {
        Some(entry.parse::<ProxyAddress>().ok().map(|entry| {
            let normal = entry.to_string();
            let mut policy = ProxyPolicy::default();
            policy.trust(entry);
            let lets_in = policy.trusts(peer);
            Entry { normal, lets_in }
        }))
    }

    fn proxy_header(&self, bytes: &[u8]) -> Option<Preface> {
        Some(match proxy_header::decode(bytes) {
            Ok(Decoded::Incomplete) => Preface::Incomplete,
            Ok(Decoded::NotOne) => Preface::NotOne,
            Ok(Decoded::Header(header, length)) => Preface::Header {
                source: header.source,
                destination: header.destination,
                is_secure: header.is_secure,
                length,
            },
            Err(error) => {
                let told = error.to_string();
                assert!(is_one_harmless_line(&told), "{told:?}");
                Preface::Malformed
            }
        })
    }

    fn forwarded(&self, peer: Option<IpAddr>, fields: &[HeaderField]) -> Option<Option<Sent>> {
        let mut request = b"GET / HTTP/1.1\r\n".to_vec();
        for (name, value) in fields {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        let mut decoder = head::Decoder::new(Role::Client, head::Limits::default());
        // More than a head may hold is refused before.
        let (head, _) = decoder.receive(&request).ok()??;
        let mut proxies = ProxyPolicy::default();
        for entry in TRUSTED {
            proxies.trust(entry.parse().expect("an address"));
        }
        Some(match forwarded::read(&head, peer, &proxies) {
            Ok(told) => Some(Sent {
                client: told.client,
                is_secure: told.is_secure,
                host: told.host,
            }),
            Err(unclear) => {
                let told = unclear.to_string();
                assert!(is_one_harmless_line(&told), "{told:?}");
                None
            }
        })
    }

    fn text(&self) -> Option<Box<dyn Text>> {
        Some(Box::new((utf8::Decoder::default(), String::new())))
    }
}

impl From<dissect::Frame> for Shown {
    fn from(frame: dissect::Frame) -> Self {
        let missing = match frame.status {
            Status::Incomplete(missing) if frame.header.is_some() => missing.bytes,
            _ => 0,
        };
        Self {
            labels: labels(&frame),
            offset: frame.offset,
            violation: frame.violation().map(|(rule, _)| rule),
            fragment: frame.fragment.map(|fragment| fragment.index),
            missing,
            wire: frame.wire,
            payload: frame.payload,
            message: frame.message.map(Seen::from),
        }
    }
}

/// Whether what is said of a peer's bytes can be printed and read.
fn is_one_harmless_line(told: &str) -> bool {
    told.len() < 500 && !told.chars().any(char::is_control)
}

/// Each label, and for a Close the peer's words as they would be printed.
fn labels(frame: &dissect::Frame) -> Vec<(Range<u64>, String)> {
    let reason = CloseReason::decode(&frame.payload);
    let words = |span: &Span| match (&reason, span.field) {
        (Ok(reason), Field::CloseReason) => reason.to_string(),
        _ => format!("{}: {}", span.name, span.meaning),
    };
    let spans = frame.spans().into_iter();
    spans
        .map(|span| (span.bits.clone(), words(&span)))
        .collect()
}

/// A connection whose masking keys count.
fn connection(role: Role, limits: Limits) -> Connection {
    match role {
        Role::Server => Connection::server(limits),
        Role::Client => {
            let mut key = 0x0102_0304_u32;
            let keys = move || {
                key = key.wrapping_add(0x0101_0101);
                key.to_be_bytes()
            };
            Connection::client(limits, Box::new(keys))
        }
    }
}

/// All that `bytes` complete. After each event and at the end `after_each` may take what waits to be written.
/// There are two ways for what goes on with a payload of bytes to arrive: its length decides which.
fn events(
    connection: &mut Connection,
    bytes: &mut [u8],
    mut after_each: impl FnMut(&mut Connection),
) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut rest = bytes;
    if rest.len() % 2 == 1 {
        rest = land(connection, rest);
    }
    loop {
        match connection.receive(rest) {
            Ok((used, event)) => {
                rest = &mut rest[used..];
                seen.extend(event.map(Seen::from));
            }
            Err(rule) => {
                seen.push(Seen::Failed(Some(rule)));
                rest = &mut [];
            }
        }
        after_each(connection);
        if rest.is_empty() {
            return seen;
        }
    }
}

/// Reads the beginning of `bytes` straight into the message that they go on with, if there is one, and returns the
/// rest.
fn land<'a>(connection: &mut Connection, bytes: &'a mut [u8]) -> &'a mut [u8] {
    let Some(mut landing) = connection.lend(1) else {
        return bytes;
    };
    let room = landing.room();
    let (here, rest) = bytes.split_at_mut(bytes.len().min(room.len()));
    room[..here.len()].copy_from_slice(here);
    connection.land(landing, here.len());
    rest
}

impl From<Event> for Seen {
    fn from(event: Event) -> Self {
        match event {
            Event::Message(message) => message.into(),
            Event::Ping(payload) => Self::Ping(payload),
            Event::Pong(payload) => Self::Pong(payload),
            Event::Close(close) => {
                let code = Some(close.code).filter(|&code| code != CloseCode::NO_STATUS);
                Self::Close(code.map(|code| code.0), close.reason)
            }
            other => panic!("an event that the oracles do not know: {other:?}"),
        }
    }
}

impl From<Message> for Seen {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

/// A connection whose output is written after each event.
struct Answering {
    connection: Connection,
    answers: Vec<u8>,
}

impl Reader for Answering {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        let answers = &mut self.answers;
        events(&mut self.connection, bytes, |connection| {
            let mut output = Vec::new();
            while connection.has_output() {
                connection.take_output(&mut output);
                answers.extend(&output);
            }
        })
    }

    fn answers(&self) -> Option<&[u8]> {
        Some(&self.answers)
    }
}

/// A connection and what of it is being written.
struct Written {
    connection: Connection,
    chunk: Chunk,
}

impl Endpoint for Written {
    fn receive(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        events(&mut self.connection, bytes, |_| ())
    }

    fn receive_eof(&mut self) {
        self.connection.receive_eof();
    }

    fn send_text(&mut self, text: &str) -> bool {
        let connection = &mut self.connection;
        send(connection, text.into(), |connection| connection.send(text))
    }

    fn send_binary(&mut self, bytes: &[u8]) -> bool {
        let connection = &mut self.connection;
        send(connection, bytes.into(), |connection| {
            connection.send(bytes)
        })
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.connection.ping(payload).is_ok()
    }

    fn close(&mut self, code: u16, reason: &str) -> bool {
        self.connection.close(CloseCode(code), reason).is_ok()
    }

    fn state(&self) -> State {
        self.connection.state()
    }

    fn closed_with(&self) -> Option<u16> {
        self.connection.close_reason().map(|reason| reason.code.0)
    }

    /// There are two ways to take it: how much was taken before decides which.
    fn take_output(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        if self.connection.traffic().bytes_sent % 2 == 0 {
            self.connection.take_chunk(&mut self.chunk);
            output = self.chunk.pieces().concat();
        } else {
            self.connection.take_output(&mut output);
        }
        output
    }
}

/// There are three ways to send a message: its length decides which.
fn send(
    connection: &mut Connection,
    message: Message,
    borrowed: impl FnOnce(&mut Connection) -> Result<(), Misuse>,
) -> bool {
    let sent = match message.as_bytes().len() % 3 {
        0 => borrowed(connection),
        1 => connection.send(&PreparedMessage::new(message)),
        _ => connection.send(message),
    };
    sent.is_ok()
}

fn request(wish: &Wish) -> Result<String, InvalidHeader> {
    let mut opening = Opening::new(&wish.host, &wish.target, wish.nonce)?;
    for name in &wish.subprotocols {
        opening.offer_subprotocol(name)?;
    }
    for (name, value) in &wish.headers {
        opening.add_header(name, value)?;
    }
    Ok(opening.request())
}

struct HeadReader {
    sender: Role,
    decoder: head::Decoder,
    subprotocol: Option<String>,
}

impl Handshake for HeadReader {
    fn receive(&mut self, bytes: &[u8]) -> Option<Verdict> {
        let (head, rest) = match self.decoder.receive(bytes) {
            Ok(complete) => complete?,
            Err(rule) => return Some(Verdict::Refused(Some(rule))),
        };
        let response = match self.sender {
            Role::Client => Request::new(head)
                .and_then(|request| Upgrade::new(&request))
                .map(|upgrade| upgrade.response(self.subprotocol.as_deref())),
            Role::Server => Response::new(head)
                .and_then(|response| opening().check(&response))
                .map(|_| String::new()),
        };
        Some(match response {
            Ok(response) => Verdict::Accepted {
                response,
                rest: rest.to_vec(),
            },
            Err(rule) => Verdict::Refused(Some(rule)),
        })
    }
}

impl Chunks for chunks::Chunks {
    fn receive(&mut self, bytes: &[u8], data: &mut dyn FnMut(&[u8])) -> Option<usize> {
        self.receive(bytes, data).ok()
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }
}

impl Text for (utf8::Decoder, String) {
    fn decode(&mut self, bytes: &[u8]) -> bool {
        self.0.decode(bytes, &mut self.1).is_ok()
    }

    fn so_far(&self) -> &str {
        &self.1
    }

    fn may_end(&self) -> bool {
        self.0.is_between_characters()
    }
}
