//! What passes over a connection, for people who watch it: a line for each head and each frame, or all that is
//! known of them.
//!
//! ```text
//! #3 +0.00 ms < GET /echo HTTP/1.1  5 header fields
//! #3 +0.09 ms > HTTP/1.1 101 Switching Protocols  3 header fields
//! #3  +812 ms < 81 85 37fa213d     TEXT   fin masked       5 "Hello"
//! #3  +812 ms > 81 05              TEXT   fin              5 "Hello"
//! ```

use super::heads;
use super::lines::{Lines, To};
use super::listing::Listing;
use super::output;
use super::paint;
use super::text::{COLUMNS, clipped, count, escaped, joined, padded, quoted, since, spaced, width};
use super::verdict;
use crate::app::judge::exchange::{Event, Exchange, Kind, NO_LIMITS, Opening, Piece};
use clap::ValueEnum;
use plainws::Role;
use plainws::net::tap::{Direction, Tap};
use plainws::protocol::close;
use plainws::protocol::dissect::{Frame, Status, Verdict};
use plainws::protocol::frame::{Header, Opcode};
use plainws::protocol::message::Limits;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much of what passes is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// A line for each head and each frame
    Line,
    /// All lines of each head, all bits of each frame, and where the reads of the socket ended
    Full,
}

/// A tap that shows what passes on standard error, by way of `lines`. `own` is this end's role; the limits are
/// for what the peer sends.
pub(crate) fn tap(number: u64, own: Role, limits: Limits, level: Level, lines: Lines) -> Tap {
    let watched = Mutex::new(Exchange::new(
        limits_of(Role::Client, own, limits),
        limits_of(Role::Server, own, limits),
    ));
    let tracer = Tracer {
        trace: Trace::new(number, own, level),
        watched,
        began: Instant::now(),
        lines,
    };
    Box::new(move |direction, bytes| tracer.pass(direction, bytes))
}

const fn limits_of(sender: Role, own: Role, limits: Limits) -> Limits {
    match (sender, own) {
        (Role::Client, Role::Client) | (Role::Server, Role::Server) => NO_LIMITS,
        _ => limits,
    }
}

/// What a tap owns.
struct Tracer {
    trace: Trace,
    watched: Mutex<Exchange>,
    began: Instant,
    lines: Lines,
}

impl Tracer {
    fn pass(&self, direction: Direction, bytes: &[u8]) {
        let mut watched = self.watched();
        let (sender, verb) = match direction {
            Direction::Received => (self.trace.own.peer(), "read"),
            Direction::Sent => (self.trace.own, "write"),
        };
        let events = watched.receive(sender, bytes);
        let now = self.began.elapsed();
        let mut text = self.trace.border(sender, now, verb, bytes.len());
        for event in &events {
            text += &self.trace.event(sender, now, event);
        }
        text += &self.trace.unfinished(sender, now, &watched);
        self.push(text);
    }

    fn push(&self, text: String) {
        if !text.is_empty() {
            self.lines.push(To::Stderr, &output::as_stderr_shows(text));
        }
    }

    fn watched(&self) -> MutexGuard<'_, Exchange> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection has ended, and perhaps something in the middle.
impl Drop for Tracer {
    fn drop(&mut self) {
        let now = self.began.elapsed();
        for sender in [Role::Client, Role::Server] {
            let event = self.watched().end(sender, None);
            let text = event.map(|event| self.trace.event(sender, now, &event));
            self.push(text.unwrap_or_default());
        }
    }
}

/// How what passes over one connection is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    number: u64,
    /// The end that sends what has the mark `>`.
    own: Role,
    level: Level,
}

impl Trace {
    pub(crate) const fn new(number: u64, own: Role, level: Level) -> Self {
        Self { number, own, level }
    }

    /// What stands at the beginning of each line: number, time and direction.
    fn start(&self, sender: Role, at: Duration) -> String {
        let mark = if sender == self.own { '>' } else { '<' };
        format!("#{} {:>8} {mark} ", self.number, since(at))
    }

    /// A line about the connection or one side of it; without a side, about both.
    pub(crate) fn note(&self, sender: Option<Role>, at: Duration, text: &str) -> String {
        let start = match sender {
            Some(sender) => self.start(sender, at),
            None => format!("#{} {:>8} - ", self.number, since(at)),
        };
        let room = COLUMNS.saturating_sub(start.len());
        format!("{start}{}\n", clipped(text, room))
    }

    /// Where a read or a write begins that has passed so much.
    pub(crate) fn border(&self, sender: Role, at: Duration, verb: &str, length: usize) -> String {
        if self.level == Level::Line {
            return String::new();
        }
        let bytes = count(length as u64, "byte");
        self.faint(sender, at, &format!("--- {verb} of {bytes}"))
    }

    /// What has begun and is not complete.
    pub(crate) fn unfinished(&self, sender: Role, at: Duration, watched: &Exchange) -> String {
        match watched.side(sender).unfinished() {
            Some((what, length)) if self.level == Level::Full => {
                let bytes = count(length, "byte");
                self.faint(sender, at, &format!("... {bytes} of a {what} so far"))
            }
            _ => String::new(),
        }
    }

    fn faint(&self, sender: Role, at: Duration, text: &str) -> String {
        let line = format!("{}{text}\n", self.start(sender, at));
        paint::paint(paint::FAINT, &line)
    }

    pub(crate) fn event(&self, sender: Role, at: Duration, event: &Event) -> String {
        let start = self.start(sender, at);
        let room = COLUMNS.saturating_sub(start.len());
        let mut text = match event {
            Event::Head(opening) => head(opening, room),
            Event::Frame(of, _) => frame(of, room),
            Event::Body(piece) => body(piece, room),
            Event::Unfinished(what, length) => {
                let bytes = count(*length, "byte");
                format!("{bytes} of a {what}, and then the end")
            }
        };
        text = [start.as_str(), text.trim_end(), "\n"].concat();
        if self.level == Level::Full {
            match event {
                Event::Head(opening) => {
                    text += &heads::listing(&opening.explanation, &opening.bytes, true);
                    text += &verdict::faults(&opening.faults());
                }
                Event::Frame(frame, begin) => {
                    let listing = Listing::new(*begin, begin + frame.end(), true);
                    // A String takes all.
                    let _ = listing.frame(&mut text, frame);
                }
                Event::Body(_) | Event::Unfinished(..) => {}
            }
        }
        text
    }
}

/// A head in one line of this width: its first line, and what to say of it.
fn head(opening: &Opening, width_of_line: usize) -> String {
    let (style, said) = match opening.explanation.verdict {
        Verdict::Violation { rule, .. } => {
            let more = opening.explanation.broken.len().saturating_sub(1);
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            (paint::BAD, format!("VIOLATION {}{more}", rule.id()))
        }
        _ => {
            let fields = count(opening.fields() as u64, "header field");
            let kind = match opening.kind {
                Kind::Opening | Kind::NoHead => "",
                Kind::Refusal => ", refused",
                Kind::OtherHttp => ", HTTP",
            };
            (paint::FAINT, format!("{fields}{kind}"))
        }
    };
    let room = width_of_line.saturating_sub(width(&said) + 2);
    let line = clipped(&escaped(opening.start_line()), room);
    format!("{line}  {}", paint::paint(style, &said))
}

fn body(piece: &Piece, room: usize) -> String {
    let length = format!("{} of a body  ", count(piece.length, "byte"));
    let room = room.saturating_sub(length.len());
    length + &clipped(&quoted(&piece.start), room)
}

/// A frame in one line of this width, in the same columns everywhere.
pub(crate) fn frame(frame: &Frame, width: usize) -> String {
    /// Header bytes shown: up to a 16-bit length and a key.
    const HEADER: usize = 18;
    /// Columns in front of the length.
    const BEFORE: usize = HEADER + 21;

    let header = &frame.wire[..frame.wire.len() - frame.payload.len().min(frame.wire.len())];
    let mut bytes = spaced(&header[..header.len().min(2)]);
    if let Some(rest) = header.get(2..).filter(|rest| !rest.is_empty()) {
        bytes += &format!(" {}", joined(rest));
    }
    let bytes = padded(&clipped(&bytes, HEADER), HEADER);
    let opcode = frame.header.map(|header| header.opcode);
    let name = padded(opcode.map_or("?", name), 5);
    if let Status::Violation(rule) = frame.status {
        let verdict = paint::paint(paint::BAD, &format!("VIOLATION {}", rule.id()));
        return format!("{bytes}  {name}  {verdict}");
    }
    let has = |is: fn(&Header) -> bool| frame.header.as_ref().is_some_and(is);
    let fin = if has(|header| header.fin) { "fin" } else { "" };
    let masked = if has(|header| header.masking_key.is_some()) {
        "masked"
    } else {
        ""
    };
    let length = frame.header.map_or(0, |header| header.payload_length);
    let length = format!("{length:>6} ");
    let shown = payload(frame, width.saturating_sub(BEFORE + length.len()));
    format!("{bytes}  {name}  {fin:3} {masked:6}  {length}{shown}")
}

fn payload(frame: &Frame, room: usize) -> String {
    if frame.fragment.is_some_and(|fragment| fragment.rsv != 0) {
        // What an extension has made of it is not for reading.
        return "compressed".into();
    }
    let is_close = frame
        .header
        .is_some_and(|header| header.opcode == Opcode::Close);
    let Some((code, reason)) = close::parts(&frame.payload).filter(|_| is_close) else {
        return if frame.payload.is_empty() {
            String::new()
        } else {
            clipped(&quoted(&frame.payload), room)
        };
    };
    if reason.is_empty() {
        code.0.to_string()
    } else {
        clipped(&format!("{} {}", code.0, quoted(reason)), room)
    }
}

const fn name(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Continuation => "CONT",
        Opcode::Text => "TEXT",
        Opcode::Binary => "BIN",
        Opcode::Close => "CLOSE",
        Opcode::Ping => "PING",
        Opcode::Pong => "PONG",
    }
}
