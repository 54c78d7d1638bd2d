//! What the oracles judge: a few small traits, and plainws behind them.
//!
//! Only [`Subject::reader`] must be written to have a parser of frames judged; what a subject does not
//! have is not judged.

use crate::dissect::{Listing, Shown};
use plainws::protocol::connection::{Connection, Event, Misuse, State};
use plainws::protocol::dissect::{self, Dissector, Status, Verdict as StreamVerdict};
use plainws::protocol::handshake::{NotSendable, Opening, Upgrade};
use plainws::protocol::message::{Limits, Message};
use plainws::protocol::request::Request;
use plainws::protocol::rule::Field;
use plainws::protocol::span::Span;
use plainws::protocol::{frame, head, utf8};
use plainws::{CloseCode, CloseReason, PreparedMessage, Role, Rule};
use std::ops::Range;

/// A WebSocket implementation, or a part of one.
pub trait Subject {
    /// Begins to read the frames that `sender` sends.
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader>;

    /// Opens one end of an established connection.
    fn endpoint(&self, _role: Role, _limits: Limits) -> Option<Box<dyn Endpoint>> {
        None
    }

    /// Begins to read the handshake that `sender` sends: a request from a client, else the response
    /// to the request of [`opening`]. A server wants that subprotocol if it is offered, else none.
    fn handshake(
        &self,
        _sender: Role,
        _limits: head::Limits,
        _subprotocol: Option<&str>,
    ) -> Option<Box<dyn Handshake>> {
        None
    }

    /// The request that its client sends.
    fn request(&self, _wish: &Wish) -> Option<Result<String, NotSendable>> {
        None
    }

    /// Takes a stream, which arrives in pieces, apart for people.
    fn dissect(&self, _sender: Role, _limits: Limits, _pieces: &[&[u8]]) -> Option<Listing> {
        None
    }

    /// Its masking.
    fn mask(&self) -> Option<Mask> {
        None
    }

    /// Begins to read text.
    fn text(&self) -> Option<Box<dyn Text>> {
        None
    }
}

/// Masks bytes that stand at `offset` in their frame.
pub type Mask = fn(payload: &mut [u8], key: [u8; 4], offset: u64);

/// What a peer's bytes amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A Close, with its code and reason if it has them. Nothing is seen after it.
    Close(Option<u16>, String),
    /// The peer broke a rule; `None` for a parser that does not say which. Nothing is seen after it.
    Failed(Option<Rule>),
}

impl Seen {
    /// Whether this is the last that may be seen.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Close(..) | Self::Failed(_))
    }
}

/// Reads one direction of an established connection.
pub trait Reader {
    /// Takes the next bytes, which it may change, and returns all that they complete.
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen>;

    /// What it answers by itself, from the start: pongs, and the Close that ends it. `None`: it does not answer.
    fn answers(&self) -> Option<&[u8]> {
        None
    }
}

/// One end of a connection that reads and sends.
pub trait Endpoint {
    /// Takes the next bytes and returns all that they complete.
    fn receive(&mut self, bytes: &mut [u8]) -> Vec<Seen>;
    /// The peer's half of the connection has ended.
    fn receive_eof(&mut self);
    /// Sends a message; `false` when that is no longer possible.
    fn send_text(&mut self, text: &str) -> bool;
    /// Sends a message; `false` when that is no longer possible.
    fn send_binary(&mut self, bytes: &[u8]) -> bool;
    /// Sends a ping; `false` when that is not possible.
    fn ping(&mut self, payload: &[u8]) -> bool;
    /// Starts the closing handshake; `false` when that is not possible. A reason that is too long is cut
    /// between two characters, as late as possible.
    fn close(&mut self, code: u16, reason: &str) -> bool;
    /// Where it stands.
    fn state(&self) -> State;
    /// The code that the peer closed with, 1005 for none, 1006 for a connection that ended otherwise
    /// (§7.1.5); `None` while it is open, and for an endpoint that does not say.
    fn closed_with(&self) -> Option<u16> {
        None
    }
    /// The next bytes to be written, empty when none wait.
    fn take_output(&mut self) -> Vec<u8>;

    /// All that waits to be written; not more than any script makes, if it never runs dry.
    fn drain_output(&mut self) -> Vec<u8> {
        let chunks = (0..1000).map(|_| self.take_output());
        chunks
            .take_while(|chunk| !chunk.is_empty())
            .flatten()
            .collect()
    }
}

/// What a client is asked to ask for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The host, with its port if need be.
    pub host: String,
    /// The target.
    pub target: String,
    /// What the key is made from.
    pub nonce: [u8; 16],
    /// The subprotocols to be offered.
    pub subprotocols: Vec<String>,
    /// Names and values of further headers.
    pub headers: Vec<(String, String)>,
}

/// Reads an opening handshake.
pub trait Handshake {
    /// Takes the next bytes; `None` while more are needed. Behind an accepted head the next one may follow.
    fn receive(&mut self, bytes: &[u8]) -> Option<Verdict>;
}

/// How a handshake ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer broke a rule; `None` for a parser that does not say which.
    Refused(Option<Rule>),
    /// The connection is open.
    Accepted {
        /// A server's response; empty in a client.
        response: String,
        /// The bytes behind the head, as far as they were given with its end.
        rest: Vec<u8>,
    },
}

/// Reads text in pieces.
pub trait Text {
    /// Takes the next bytes; `false` when they cannot be text.
    fn decode(&mut self, bytes: &[u8]) -> bool;
    /// The whole characters so far.
    fn so_far(&self) -> &str;
    /// Whether the text may end here.
    fn may_end(&self) -> bool;
}

/// The request that a response answers: the key of §1.3, and two subprotocols.
#[must_use]
pub fn opening() -> Opening {
    let opening = Opening::new("example.com", "/chat", *b"the sample nonce");
    let mut opening = opening.expect("a host and a target that can be sent");
    for name in ["chat", "superchat"] {
        let offered = opening.offer_subprotocol(name);
        offered.expect("a token that is offered once");
    }
    opening
}

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
        Some(Box::new(connection(role, limits)))
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

    fn request(&self, wish: &Wish) -> Option<Result<String, NotSendable>> {
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

/// All that `bytes` complete, and after each of it what `connection` did.
fn events(
    connection: &mut Connection,
    bytes: &mut [u8],
    mut after_each: impl FnMut(&mut Connection),
) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
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
    }
    seen
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
            answers.extend(connection.drain_output());
        })
    }

    fn answers(&self) -> Option<&[u8]> {
        Some(&self.answers)
    }
}

impl Endpoint for Connection {
    fn receive(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        events(self, bytes, |_| ())
    }

    fn receive_eof(&mut self) {
        self.receive_eof();
    }

    fn send_text(&mut self, text: &str) -> bool {
        send(self, text.into(), |connection| connection.send_text(text))
    }

    fn send_binary(&mut self, bytes: &[u8]) -> bool {
        send(self, bytes.into(), |connection| {
            connection.send_binary(bytes)
        })
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.ping(payload).is_ok()
    }

    fn close(&mut self, code: u16, reason: &str) -> bool {
        self.close(CloseCode(code), reason).is_ok()
    }

    fn state(&self) -> State {
        self.state()
    }

    fn closed_with(&self) -> Option<u16> {
        self.close_reason().map(|reason| reason.code.0)
    }

    fn take_output(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        self.take_output(&mut output);
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
        1 => connection.send_prepared(&PreparedMessage::new(message)),
        _ => connection.send(message),
    };
    sent.is_ok()
}

fn request(wish: &Wish) -> Result<String, NotSendable> {
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
            Role::Server => opening().check(&head).map(|_| String::new()),
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
