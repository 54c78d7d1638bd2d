//! Connections that are told of their own bytes: those whose client offers the subprotocol `bytes.plainws`, as the
//! pages here do. All others are served as if this were not there.
//!
//! To each message, the echo adds another, which says how it stood on the wire, and how its echo did:
//! `{"received": ON_WIRE, "sent": ON_WIRE}`. The clock begins with `{"handshake": {"received": 570, "sent": 217}}`,
//! the lengths of the two heads.

use crate::app::judge::exchange::{Event, Exchange, NO_LIMITS};
use crate::app::show::listing;
use crate::app::text::{clipped, count, quoted, spaced};
use plainws::net::applicant::{Admission, Applicant};
use plainws::net::tap::{Direction, Tap};
use plainws::protocol::dissect::{Frame, Span};
use plainws::protocol::frame::Opcode;
use plainws::protocol::request::Request;
use plainws::protocol::rule::Field;
use plainws::{Role, WebSocket};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What a client offers that wants to be told.
const SUBPROTOCOL: &str = "bytes.plainws";

/// Bytes of a payload that are told.
const KEPT: usize = 32;
/// Frames of a message that are told.
const MAX_FRAMES: usize = 4;
/// Bytes that are taken apart at once: what is made of them takes far more room, and a read may be full of frames
/// of six bytes.
const PIECE: usize = 512;
/// Messages of which that is kept until they are told, of a client that sends without waiting.
const MAX_WAITING: usize = 64;

/// Finds for each connection, once it is let in, what its tap has seen.
#[derive(Debug)]
pub(super) struct Told {
    /// Where this is done, with the prefixes.
    paths: Vec<String>,
    tapped: Mutex<HashMap<u64, Weak<Bytes>>>,
}

impl Told {
    /// For connections to these paths.
    pub(super) fn new(paths: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            paths,
            tapped: Mutex::default(),
        })
    }

    /// Watches a connection whose client wants to be told.
    pub(super) fn tap(&self, number: u64, request: &Request) -> Option<Tap> {
        let head = request.head();
        let is_here = self.paths.iter().any(|path| path == request.path());
        if !is_here || !head.lists("Sec-WebSocket-Protocol", SUBPROTOCOL) {
            return None;
        }
        let bytes = Arc::new(Bytes::default());
        let mut tapped = self.tapped();
        // Those that were refused have lost their taps.
        tapped.retain(|_, bytes| bytes.strong_count() > 0);
        tapped.insert(number, Arc::downgrade(&bytes));
        drop(tapped);
        Some(Box::new(move |direction, passed| {
            bytes.pass(direction, passed);
        }))
    }

    /// Lets a connection in that was tapped here: its tap is made before it is asked for.
    pub(super) fn admit(&self, who: &Applicant<'_>) -> Option<Admission> {
        let bytes = self.tapped().remove(&who.number)?.upgrade()?;
        let admission = Admission::default().subprotocol(SUBPROTOCOL);
        Some(admission.extension(bytes))
    }

    fn tapped(&self) -> MutexGuard<'_, HashMap<u64, Weak<Bytes>>> {
        self.tapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has passed over a connection and is not told yet.
#[derive(Debug)]
pub(super) struct Bytes(Mutex<Option<Passed>>);

#[derive(Debug)]
struct Passed {
    exchange: Exchange,
    /// The lengths of request and response.
    heads: [usize; 2],
    /// Messages in their order; of the last, not all may have come.
    received: VecDeque<OnWire>,
    is_inside: bool,
    /// How many messages were sent. Each is one frame.
    sent: u64,
    /// The latest echo that was sent, and its number among these.
    echo: Option<(u64, OnWire)>,
}

impl Default for Bytes {
    fn default() -> Self {
        Self(Mutex::new(Some(Passed {
            exchange: Exchange::new(NO_LIMITS, NO_LIMITS).keeping(KEPT),
            heads: [0; 2],
            received: VecDeque::new(),
            is_inside: false,
            sent: 0,
            echo: None,
        })))
    }
}

impl Bytes {
    /// Of this connection, if it is told.
    pub(super) fn of(ws: &WebSocket) -> Option<&Self> {
        ws.extension::<Arc<Self>>().map(|bytes| &**bytes)
    }

    /// The lengths of the handshake's two heads. What follows them is watched no longer.
    pub(super) fn handshake(&self) -> Value {
        let [received, sent] = self.passed().take().map_or([0; 2], |passed| passed.heads);
        json!({"handshake": {"received": received, "sent": sent}})
    }

    /// How the next message stood on the wire that has not been told.
    pub(super) fn received(&self) -> Value {
        let message = self
            .passed()
            .as_mut()
            .and_then(|passed| passed.received.pop_front());
        message.map_or(Value::Null, |message| message.told())
    }

    /// The same of its echo; `null` if that is not written yet.
    pub(super) fn echo(&self, number: u64) -> Value {
        let echo = self.passed().as_mut().and_then(|passed| passed.echo.take());
        let echo = echo.filter(|(sent, _)| *sent == number);
        echo.map_or(Value::Null, |(_, message)| message.told())
    }

    fn pass(&self, direction: Direction, bytes: &[u8]) {
        let mut passed = self.passed();
        let Some(passed) = passed.as_mut() else {
            return;
        };
        let sender = match direction {
            Direction::Received => Role::Client,
            Direction::Sent => Role::Server,
        };
        for piece in bytes.chunks(PIECE) {
            passed.pass(sender, piece);
        }
    }

    fn passed(&self) -> MutexGuard<'_, Option<Passed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passed {
    fn pass(&mut self, sender: Role, bytes: &[u8]) {
        for event in self.exchange.receive(sender, bytes) {
            match (event, sender) {
                (Event::Head(head), sender) => self.heads[sender as usize] = head.bytes.len(),
                // Control frames belong to no message.
                (Event::Frame(frame, _), _) if frame.fragment.is_none() => {}
                (Event::Frame(frame, _), Role::Client) => self.receive(*frame),
                (Event::Frame(frame, _), Role::Server) => self.send(*frame),
                _ => {}
            }
        }
    }

    fn receive(&mut self, frame: Frame) {
        if !self.is_inside {
            self.received.push_back(OnWire::default());
        }
        self.is_inside = frame.header.is_some_and(|header| !header.fin);
        let is_kept = self.received.len() <= MAX_WAITING;
        if let Some(message) = self.received.back_mut() {
            message.push(frame, is_kept);
        }
    }

    /// Echoes and what tells of them take turns.
    fn send(&mut self, frame: Frame) {
        let number = self.sent / 2;
        if self.sent % 2 == 0 {
            let mut message = OnWire::default();
            message.push(frame, true);
            self.echo = Some((number, message));
        }
        self.sent += 1;
    }
}

/// How a message stood on the wire.
#[derive(Debug, Default)]
struct OnWire {
    frames: Vec<Frame>,
    /// Those not kept.
    omitted: u64,
    bytes: u64,
}

impl OnWire {
    fn push(&mut self, frame: Frame, is_kept: bool) {
        self.bytes += frame.length();
        if is_kept && self.frames.len() < MAX_FRAMES {
            self.frames.push(frame);
        } else {
            self.omitted += 1;
        }
    }

    /// `{"bytes": 11, "frames": [[["81", "FIN 1: last frame of the message", …], …]], "omitted": 0}`
    fn told(&self) -> Value {
        json!({
            "bytes": self.bytes,
            "frames": self.frames.iter().map(rows).collect::<Vec<_>>(),
            "omitted": self.omitted,
        })
    }
}

/// Each byte of the header and each longer field of a frame, in hex, and what each part of it means.
fn rows(frame: &Frame) -> Value {
    let mut rows: Vec<(Range<usize>, Vec<String>)> = Vec::new();
    for span in frame.spans() {
        let (bytes, meaning) = (span.bytes(), meaning(&span, frame));
        match rows.last_mut() {
            Some((place, meanings)) if *place == bytes => meanings.push(meaning),
            _ => rows.push((bytes, vec![meaning])),
        }
    }
    let row = |(place, meanings): (Range<usize>, Vec<String>)| {
        let there = place.start..place.end.min(frame.wire.len());
        let more = if there.end < place.end { " …" } else { "" };
        let bytes = spaced(frame.wire.get(there).unwrap_or_default()) + more;
        json!([vec![bytes], meanings].concat())
    };
    rows.into_iter().map(row).collect()
}

fn meaning(span: &Span, frame: &Frame) -> String {
    let label = listing::label(span.field);
    match (span.field, span.value) {
        (Field::Payload, _) => payload(frame),
        (Field::MaskingKey, _) | (_, None) => format!("{label}: {}", span.meaning),
        (_, Some(value)) => format!("{label} {value}: {}", span.meaning),
    }
}

/// The payload as the receiver has it once it is unmasked.
fn payload(frame: &Frame) -> String {
    /// Columns of a text.
    const QUOTED: usize = 40;

    let is_text = frame
        .fragment
        .is_some_and(|fragment| fragment.opcode == Opcode::Text);
    let shown = if is_text {
        clipped(&quoted(&frame.payload), QUOTED)
    } else {
        spaced(&frame.payload)
    };
    let is_all = frame.received == frame.payload.len() as u64;
    let more = if is_all { "" } else { " …" };
    let length = count(frame.received, "byte");
    let is_masked = frame
        .header
        .is_some_and(|header| header.masking_key.is_some());
    if is_masked {
        format!("{length}, each XOR a byte of the key, in turn: {shown}{more}")
    } else {
        format!("{length}: {shown}{more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plainws::protocol::head;

    const REQUEST: &[u8] = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: bytes.plainws\r\n\r\n";
    const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: bytes.plainws\r\n\r\n";

    #[test]
    fn connections_that_were_refused_are_not_kept_in_mind() {
        let mut decoder = head::Decoder::new(Role::Client, head::Limits::new());
        let (head, _) = decoder.receive(REQUEST).unwrap().unwrap();
        let request = Request::new(head).unwrap();
        let told = Told::new(vec!["/echo".into()]);
        let open = told.tap(1, &request).unwrap();
        for refused in 2..100 {
            drop(told.tap(refused, &request).unwrap());
        }
        // The last is found at the next.
        assert_eq!(told.tapped().len(), 2);
        drop(open);
        let _next = told.tap(100, &request).unwrap();
        assert_eq!(told.tapped().keys().collect::<Vec<_>>(), [&100]);
    }

    #[test]
    fn an_echo_is_told_as_that_of_its_own_message_only() {
        for (number, is_told) in [(0, true), (1, false)] {
            let bytes = Bytes::default();
            bytes.pass(Direction::Received, REQUEST);
            bytes.pass(Direction::Sent, RESPONSE);
            bytes.pass(Direction::Received, b"\x81\x81\0\0\0\0a");
            bytes.pass(Direction::Sent, b"\x81\x01a");
            let told = bytes.echo(number);
            assert_eq!(told["bytes"].as_u64(), is_told.then_some(3), "{number}");
        }
    }
}
