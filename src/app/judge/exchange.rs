//! Both directions of a connection while it goes on: its opening handshake, then its frames.
//!
//! Nothing here waits, asks for the time or shows anything. The bytes of either side come in as they pass, and
//! what they were comes out: heads, frames, and what is neither. That a side breaks a rule does not end
//! anything, because those who watch go on passing its bytes.

use super::extensions::{Agreed, Extensions};
use super::faults::{self, Fault};
use plainws::protocol::chunks::Chunks;
use plainws::protocol::close;
use plainws::protocol::close_code::CloseCode;
use plainws::protocol::dissect::handshake::{self, Explanation};
use plainws::protocol::dissect::{Dissector, Frame, Judgement, Verdict};
use plainws::protocol::frame::Opcode;
use plainws::protocol::handshake::Asked;
use plainws::protocol::head::{self, Decoder, Head, StartLine};
use plainws::protocol::message;
use plainws::protocol::response::{Body, Response};
use plainws::{Role, Rule};
use std::collections::VecDeque;

/// What passed.
#[derive(Debug)]
pub(crate) enum Event {
    /// A request or a response, complete or broken.
    Head(Opening),
    /// A frame, complete or broken, and where in its direction the frames begin.
    Frame(Box<Frame>, u64),
    /// The body of a request or a response, once it has ended.
    Body(Piece),
    /// The direction ended in the middle of this.
    Unfinished(&'static str, u64),
}

/// A head, and what it means for the connection.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) explanation: Explanation,
    /// What was read of it, and perhaps more after the byte that breaks a rule.
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Kind,
}

/// What a head is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request for a WebSocket connection, or the 101 that opens it.
    Opening,
    /// Another answer to such a request.
    Refusal,
    /// A request for something else, or an answer to that.
    OtherHttp,
    /// No head: it breaks a rule that holds for all of HTTP.
    NoHead,
}

impl Opening {
    /// The first line, as far as it was read.
    pub(crate) fn start_line(&self) -> &[u8] {
        let mut lines = self.explanation.lines.iter();
        let line = lines.find(|line| !line.bytes.is_empty());
        line.map_or(&[], |line| &self.bytes[line.bytes.clone()])
    }

    /// What is wrong with it. Of a head that is none, and so for no purpose yet, as if it opened a connection.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        if self.kind != Kind::NoHead {
            return faults::so_far(&self.explanation, &self.bytes);
        }
        let sender = self.explanation.sender;
        faults::of(&self.explanation, &self.bytes, |bytes| {
            explain(sender, bytes)
        })
    }

    /// How many header fields it has.
    pub(crate) fn fields(&self) -> usize {
        let lines = self.explanation.lines.iter();
        let lines = lines.filter(|line| !line.bytes.is_empty());
        lines.count().saturating_sub(1)
    }
}

/// Bytes of which the beginning is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Piece {
    pub(crate) start: Vec<u8>,
    pub(crate) length: u64,
}

impl Piece {
    fn push(&mut self, bytes: &[u8], kept: usize) {
        let room = kept.saturating_sub(self.start.len());
        self.start.extend(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len() as u64;
    }
}

/// Bytes of a payload or a body that are kept unless told otherwise: more than is shown of them.
const KEPT: usize = 1024;

/// Requests without an answer that are remembered. Hardly any client sends a second one before the first is
/// answered.
const MAX_ASKED: usize = 64;

/// Heads up to this size are explained: far more than any server takes, and still little to keep.
const HEADS: head::Limits = head::Limits::new().max_bytes(256 * 1024).max_headers(2000);

/// Messages of any size are legal: limits are an endpoint's own.
pub(crate) const NO_LIMITS: message::Limits = message::Limits::new()
    .max_bytes(u64::MAX)
    .max_fragments(u32::MAX)
    .max_empty_fragments(u32::MAX);

/// A connection from its first byte on.
#[derive(Debug)]
pub(crate) struct Exchange {
    client: Side,
    server: Side,
    /// Requests that are not answered yet.
    asked: VecDeque<Request>,
}

/// What one side has sent.
#[derive(Debug)]
pub(crate) struct Side {
    sender: Role,
    limits: message::Limits,
    /// How many bytes of a payload or a body are kept.
    kept: usize,
    stage: Stage,
    /// The first line of its latest head.
    pub(crate) start_line: Vec<u8>,
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
    pub(crate) messages: u64,
    /// The code of its Close.
    pub(crate) close: Option<CloseCode>,
    /// The first rule that it broke, and the first byte in all it sent that proves it.
    pub(crate) violation: Option<(Rule, u64)>,
    /// Whether it has come to frames.
    pub(crate) is_open: bool,
    /// Whether it has ended in the middle of something.
    pub(crate) is_unfinished: bool,
    /// How it ended, if it did so by itself.
    pub(crate) end: Option<End>,
}

/// How a side ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Reset,
}

/// What a side's next byte belongs to.
#[derive(Debug)]
enum Stage {
    Head(Decoder, Vec<u8>),
    /// A body, and where it ends.
    Body(Piece, Until),
    /// Frames, and where they begin.
    Frames(Box<Dissector>, u64),
    /// Nothing that can be told: it follows a head that is none.
    Unknown,
}

/// What ends a body.
#[derive(Debug)]
enum Until {
    /// So many bytes more.
    Length(u64),
    LastChunk(Chunks),
    /// The end of the connection.
    End,
}

impl Until {
    /// Goes over bytes of the body: how many of them belong to it, if it ends in these.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Length(missing) => {
                let end = usize::try_from(*missing).ok();
                let end = end.filter(|end| *end <= bytes.len());
                *missing = missing.saturating_sub(bytes.len() as u64);
                end
            }
            // After a chunk that is none, no end can be found.
            Self::LastChunk(chunks) => {
                let used = chunks.receive(bytes, |_| {}).ok();
                used.filter(|_| chunks.has_ended())
            }
            Self::End => None,
        }
    }
}

/// What an answer to a request depends on.
#[derive(Debug)]
struct Request {
    is_opening: bool,
    is_head: bool,
    asked: Asked,
}

impl Side {
    fn new(sender: Role, limits: message::Limits) -> Self {
        Self {
            sender,
            limits,
            kept: KEPT,
            stage: Stage::head(sender),
            start_line: Vec::new(),
            bytes: 0,
            frames: 0,
            messages: 0,
            close: None,
            violation: None,
            is_open: false,
            is_unfinished: false,
            end: None,
        }
    }

    fn open(&mut self, begin: u64) {
        let dissector = Dissector::new(self.sender, self.limits).max_payload(self.kept);
        self.stage = Stage::Frames(Box::new(dissector), begin);
        self.is_open = true;
    }

    /// What its latest byte is in the middle of, and how much of that has arrived.
    pub(crate) fn unfinished(&self) -> Option<(&'static str, u64)> {
        let (what, length) = match &self.stage {
            Stage::Head(_, bytes) => ("head", bytes.len() as u64),
            Stage::Body(piece, _) => ("body", piece.length),
            Stage::Frames(dissector, _) => ("frame", dissector.partial().map_or(0, Frame::length)),
            Stage::Unknown => ("", 0),
        };
        (length > 0).then_some((what, length))
    }

    fn note_violation(&mut self, rule: Rule, offset: u64) {
        self.violation.get_or_insert((rule, offset));
    }

    fn frame(&mut self, frame: Frame, begin: u64) -> Event {
        match frame.violation() {
            Some((rule, offset)) => self.note_violation(rule, begin + offset),
            None => self.frames += 1,
        }
        self.messages += u64::from(frame.message.is_some());
        let is_close = frame
            .header
            .is_some_and(|header| header.opcode == Opcode::Close);
        if is_close && frame.violation().is_none() {
            let code = close::parts(&frame.payload).map(|(code, _)| code);
            self.close = Some(code.unwrap_or(CloseCode::NO_STATUS));
        }
        Event::Frame(Box::new(frame), begin)
    }
}

fn explain(sender: Role, bytes: &[u8]) -> Explanation {
    match sender {
        Role::Client => handshake::request(bytes, HEADS),
        Role::Server => handshake::response(bytes, HEADS, &Asked::default()),
    }
}

impl Stage {
    const fn head(sender: Role) -> Self {
        Self::Head(Decoder::new(sender, HEADS), Vec::new())
    }

    /// What follows a head with a body of this length.
    fn after_head(sender: Role, body: Body) -> Self {
        match body {
            Body::Length(0) => Self::head(sender),
            Body::Length(length) => Self::Body(Piece::default(), Until::Length(length)),
            Body::Chunked => Self::Body(Piece::default(), Until::LastChunk(Chunks::new())),
            Body::UntilEnd => Self::Body(Piece::default(), Until::End),
        }
    }
}

impl Exchange {
    /// Judges the messages of either side by these limits.
    pub(crate) fn new(client: message::Limits, server: message::Limits) -> Self {
        Self {
            client: Side::new(Role::Client, client),
            server: Side::new(Role::Server, server),
            asked: VecDeque::new(),
        }
    }

    /// Keeps so many bytes of a payload or a body; all are judged. Default 1024.
    pub(crate) const fn keeping(mut self, bytes: usize) -> Self {
        self.client.kept = bytes;
        self.server.kept = bytes;
        self
    }

    pub(crate) const fn side(&self, sender: Role) -> &Side {
        match sender {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    const fn side_mut(&mut self, sender: Role) -> &mut Side {
        match sender {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Takes what a side has sent, cut anywhere.
    pub(crate) fn receive(&mut self, sender: Role, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let before = rest.len();
            rest = self.step(sender, rest, &mut events);
            self.side_mut(sender).bytes += (before - rest.len()) as u64;
        }
        events
    }

    /// A side sends nothing more, for this reason if it is its own.
    pub(crate) fn end(&mut self, sender: Role, end: Option<End>) -> Option<Event> {
        let side = self.side_mut(sender);
        side.end = end.or(side.end);
        let unfinished = side.unfinished();
        match std::mem::replace(&mut side.stage, Stage::Unknown) {
            // Its end is the end of the connection.
            Stage::Body(piece, Until::End) if piece.length > 0 => return Some(Event::Body(piece)),
            Stage::Frames(dissector, _) => {
                let is_between = dissector.verdict() != Verdict::Incomplete;
                side.is_unfinished |= !is_between;
            }
            _ => {}
        }
        let (what, length) = unfinished?;
        side.is_unfinished = true;
        Some(Event::Unfinished(what, length))
    }

    /// Takes some of the bytes, and returns the others.
    fn step<'a>(&mut self, sender: Role, rest: &'a [u8], events: &mut Vec<Event>) -> &'a [u8] {
        let side = self.side_mut(sender);
        match &mut side.stage {
            Stage::Head(decoder, bytes) => {
                let decoded = decoder.receive(rest);
                let after = match &decoded {
                    Ok(Some((_, after))) => *after,
                    _ => &[],
                };
                bytes.extend(&rest[..rest.len() - after.len()]);
                let bytes = match &decoded {
                    Ok(None) => return after,
                    _ => std::mem::take(bytes),
                };
                let begin = side.bytes + (rest.len() - after.len()) as u64;
                let head = decoded.map(|decoded| decoded.map(|(head, _)| head));
                let opening = match (sender, head) {
                    (_, Err(_) | Ok(None)) => self.no_head(sender, bytes),
                    (Role::Client, Ok(Some(head))) => self.request(&head, bytes, begin),
                    (Role::Server, Ok(Some(head))) => self.response(head, bytes, begin),
                };
                let side = self.side_mut(sender);
                side.start_line = opening.start_line().to_vec();
                let begin = begin - opening.bytes.len() as u64;
                if let Verdict::Violation { rule, offset } = opening.explanation.verdict {
                    side.note_violation(rule, begin + offset);
                }
                events.push(Event::Head(opening));
                after
            }
            Stage::Body(piece, until) => {
                let end = until.end(rest);
                let (bytes, after) = rest.split_at(end.unwrap_or(rest.len()));
                piece.push(bytes, side.kept);
                if end.is_some() {
                    events.push(Event::Body(std::mem::take(piece)));
                    side.stage = Stage::head(sender);
                }
                after
            }
            Stage::Frames(dissector, begin) => {
                let begin = *begin;
                let frames = dissector.receive(rest);
                events.extend(frames.into_iter().map(|frame| side.frame(frame, begin)));
                &[]
            }
            Stage::Unknown => &[],
        }
    }

    /// What broke a rule that holds for every head.
    fn no_head(&mut self, sender: Role, bytes: Vec<u8>) -> Opening {
        self.side_mut(sender).stage = Stage::Unknown;
        Opening {
            explanation: explain(sender, &bytes),
            bytes,
            kind: Kind::NoHead,
        }
    }

    fn request(&mut self, head: &Head, bytes: Vec<u8>, end: u64) -> Opening {
        let mut explanation = handshake::request(&bytes, HEADS);
        let asked = Request::of(head);
        let kind = if asked.is_opening {
            // Frames may come before the answer does.
            self.client.open(end);
            Kind::Opening
        } else {
            self.client.stage = Stage::after_head(Role::Client, body(head));
            excuse(&mut explanation);
            Kind::OtherHttp
        };
        if self.asked.len() < MAX_ASKED {
            self.asked.push_back(asked);
        }
        Opening {
            explanation,
            bytes,
            kind,
        }
    }

    fn response(&mut self, head: Head, bytes: Vec<u8>, end: u64) -> Opening {
        let Ok(response) = Response::new(head) else {
            return self.no_head(Role::Server, bytes);
        };
        let asked = if response.is_interim() {
            None
        } else {
            self.asked.pop_front()
        };
        let nothing = Asked::default();
        let known = asked.as_ref().map_or(&nothing, |request| &request.asked);
        let mut explanation = handshake::response(&bytes, HEADS, known);
        let was_asked = asked.as_ref().is_some_and(|asked| asked.is_opening);
        let kind = match (response.status(), was_asked) {
            (101, true) => Kind::Opening,
            (_, true) => Kind::Refusal,
            (_, false) => Kind::OtherHttp,
        };
        if kind == Kind::Opening {
            self.server.open(end);
            self.agree(&response);
        } else {
            excuse(&mut explanation);
            let is_bare = asked.is_some_and(|asked| asked.is_head);
            let body = if is_bare {
                Body::Length(0)
            } else {
                response.body()
            };
            self.server.stage = Stage::after_head(Role::Server, body);
        }
        if (kind, response.status()) == (Kind::OtherHttp, 101) {
            // Another protocol follows.
            self.client.stage = Stage::Unknown;
            self.server.stage = Stage::Unknown;
        }
        if kind == Kind::Refusal {
            self.refused();
        }
        Opening {
            explanation,
            bytes,
            kind,
        }
    }

    /// Lets both sides use the bits of the extensions that a response agrees to.
    fn agree(&mut self, response: &Response) {
        let chosen: Vec<_> = response.head().values("Sec-WebSocket-Extensions").collect();
        let bits = Agreed::To(Extensions::chosen(&chosen, None)).bits();
        for side in [&mut self.client, &mut self.server] {
            side.stage = match std::mem::replace(&mut side.stage, Stage::Unknown) {
                Stage::Frames(dissector, begin) => {
                    Stage::Frames(Box::new(dissector.extension_bits(bits)), begin)
                }
                stage => stage,
            };
        }
    }

    /// The client may ask again, unless it has gone on with frames.
    fn refused(&mut self) {
        match self.client.stage {
            Stage::Frames(_, begin) if begin == self.client.bytes => {
                self.client.stage = Stage::head(Role::Client);
                self.client.is_open = false;
            }
            _ => {}
        }
    }
}

impl Request {
    fn of(head: &Head) -> Self {
        let has = |name: &&str| head.values(name).next().is_some();
        let asks = ["Sec-WebSocket-Key", "Sec-WebSocket-Version"];
        Self {
            // Correctly or not.
            is_opening: head.lists("Upgrade", "websocket") || asks.iter().any(has),
            is_head: matches!(head.start(), StartLine::Request(line) if line.method == "HEAD"),
            asked: Asked::by(head),
        }
    }
}

/// RFC 9112 §6.3: a request without either header has no body.
fn body(head: &Head) -> Body {
    if head.values("Transfer-Encoding").next().is_some() {
        return Body::Chunked;
    }
    let length = head.text("Content-Length");
    length.map_or(Body::Length(0), |length| {
        length.parse().map_or(Body::UntilEnd, Body::Length)
    })
}

/// Takes back what was said of a head by the rules of an opening handshake, which it is not.
fn excuse(explanation: &mut Explanation) {
    explanation.broken.clear();
    explanation.verdict = Verdict::Legal;
    for line in &mut explanation.lines {
        line.broken.clear();
        if let Judgement::Broken(rule) = line.judgement {
            line.judgement = Judgement::Open(rule.section());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    const REFUSAL: &[u8] = b"HTTP/1.1 401 Who?\r\nContent-Length: 2\r\n\r\nno";
    const RESPONSE: &[u8] = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    const FRAME: &[u8] = b"\x81\x80\0\0\0\0";

    /// What passes when each says this in turn, in pieces of that length; each event in a word.
    fn words(turns: &[(Role, &[u8])], length: usize) -> Vec<&'static str> {
        let mut exchange = Exchange::new(NO_LIMITS, NO_LIMITS);
        let mut words = Vec::new();
        for (sender, bytes) in turns {
            for piece in bytes.chunks(length) {
                let events = exchange.receive(*sender, piece);
                words.extend(events.iter().map(word));
            }
        }
        assert_eq!(exchange.side(Role::Client).violation, None);
        words
    }

    const fn word(event: &Event) -> &'static str {
        match event {
            Event::Head(opening) => match opening.kind {
                Kind::Opening => "opening",
                Kind::Refusal => "refusal",
                Kind::OtherHttp => "http",
                Kind::NoHead => "nothing",
            },
            Event::Frame(..) => "frame",
            Event::Body(_) => "body",
            Event::Unfinished(..) => "unfinished",
        }
    }

    #[test]
    fn a_client_that_was_refused_may_ask_again_however_its_bytes_are_cut() {
        let again = [REQUEST, FRAME].concat();
        let turns = [
            (Role::Client, REQUEST),
            (Role::Server, REFUSAL),
            (Role::Client, &again),
            (Role::Server, RESPONSE),
            (Role::Client, FRAME),
        ];
        let expected = [
            "opening", "refusal", "body", "opening", "frame", "opening", "frame",
        ];
        for length in [1, 2, 7, 1000] {
            assert_eq!(words(&turns, length), expected, "{length}");
        }
    }

    #[test]
    fn what_follows_a_chunked_body_is_seen() {
        let turns: [(Role, &[u8]); 6] = [
            (
                Role::Client,
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            ),
            (
                Role::Server,
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            ),
            (Role::Client, REQUEST),
            (Role::Server, RESPONSE),
            (Role::Client, FRAME),
            (Role::Server, b"\x81\0"),
        ];
        let expected = [
            "http", "body", "http", "body", "opening", "opening", "frame", "frame",
        ];
        for length in [1, 2, 7, 1000] {
            assert_eq!(words(&turns, length), expected, "{length}");
        }
    }

    #[test]
    fn a_response_to_head_has_no_body_and_another_protocol_no_frames() {
        let turns: [(Role, &[u8]); 5] = [
            (Role::Client, b"HEAD / HTTP/1.1\r\n\r\n"),
            (
                Role::Server,
                b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            ),
            (Role::Client, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
            (Role::Server, b"HTTP/1.1 101 \r\n\r\nPRI * HTTP/2.0"),
            (Role::Client, b"\xff\xff"),
        ];
        for length in [1, 1000] {
            assert_eq!(words(&turns, length), ["http"; 4], "{length}");
        }
    }
}
