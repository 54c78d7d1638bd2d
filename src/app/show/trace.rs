//! One line for each frame that passes, or all of its bits, for people who watch a connection.
//!
//! ```text
//! #3 < 81 85 37fa213d   TEXT  fin masked      5 "Hello"
//! #3 > 81 05            TEXT  fin             5 "Hello"
//! ```

use super::lines::{Lines, To};
use super::listing::Listing;
use super::output;
use super::paint;
use super::text::{COLUMNS, clipped, count, joined, padded, quoted, spaced};
use clap::ValueEnum;
use plainws::Role;
use plainws::net::tap::{Direction, Tap};
use plainws::protocol::close;
use plainws::protocol::dissect::{Dissector, Frame, Status};
use plainws::protocol::frame::Opcode;
use plainws::protocol::message::Limits;
use std::sync::{Mutex, PoisonError};

/// How much of a frame is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// A line for each frame
    Line,
    /// All bits of each frame, and where the reads of the socket ended
    Full,
}

/// Bytes of a payload that are kept: more than either level shows.
const SHOWN: usize = 1024;

/// Follows one connection: a dissector for each direction.
struct Trace {
    number: u64,
    level: Level,
    received: Dissector,
    sent: Dissector,
}

/// A tap that shows what passes on standard error, by way of `lines`. `own` is this end's role.
pub(crate) fn tap(number: u64, own: Role, limits: Limits, level: Level, lines: Lines) -> Tap {
    let trace = Mutex::new(Trace::new(number, own, limits, level));
    Box::new(move |direction, bytes| {
        let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
        let text = trace.pass(direction, bytes);
        lines.push(To::Stderr, &output::as_stderr_shows(text));
    })
}

impl Trace {
    fn new(number: u64, own: Role, limits: Limits, level: Level) -> Self {
        let received = Dissector::new(own.peer(), limits).max_payload(SHOWN);
        // The limits are for what the peer sends.
        let no_limits = Limits::new()
            .max_bytes(u64::MAX)
            .max_fragments(u32::MAX)
            .max_empty_fragments(u32::MAX);
        let sent = Dissector::new(own, no_limits).max_payload(SHOWN);
        Self {
            number,
            level,
            received,
            sent,
        }
    }

    fn pass(&mut self, direction: Direction, bytes: &[u8]) -> String {
        let number = self.number;
        let (dissector, arrow, verb) = match direction {
            Direction::Received => (&mut self.received, '<', "read"),
            Direction::Sent => (&mut self.sent, '>', "write"),
        };
        let mut text = String::new();
        if self.level == Level::Full {
            let border = format!(
                "#{number} {arrow} --- {verb} of {}\n",
                count(bytes.len() as u64, "byte")
            );
            text += &paint::paint(paint::FAINT, &border);
        }
        for frame in dissector.receive(bytes) {
            let start = format!("#{number} {arrow} ");
            text += &format!(
                "{start}{}\n",
                line(&frame, COLUMNS.saturating_sub(start.len()))
            );
            if self.level == Level::Full {
                let listing = Listing::new(0, frame.end(), true);
                // A String takes all.
                let _ = listing.frame(&mut text, &frame);
            }
        }
        if let (Level::Full, Some(partial)) = (self.level, dissector.partial()) {
            let arrived = count(partial.length(), "byte");
            let waiting = format!("#{number} {arrow} ... {arrived} of a frame so far\n");
            text += &paint::paint(paint::FAINT, &waiting);
        }
        text
    }
}

/// A frame in one line of this width, in the same columns everywhere.
fn line(frame: &Frame, width: usize) -> String {
    /// Header bytes shown: up to a 16-bit length and a key.
    const HEADER: usize = 18;
    /// Columns in front of the payload.
    const BEFORE: usize = HEADER + 28;

    let header = &frame.wire[..frame.wire.len() - frame.payload.len().min(frame.wire.len())];
    let mut bytes = spaced(&header[..header.len().min(2)]);
    if let Some(rest) = header.get(2..).filter(|rest| !rest.is_empty()) {
        bytes += &format!(" {}", joined(rest));
    }
    let (name, flags, length) = match &frame.header {
        Some(header) => {
            let fin = if header.fin { "fin" } else { "   " };
            let masked = if header.masking_key.is_some() {
                "masked"
            } else {
                "      "
            };
            (
                name(header.opcode),
                format!("{fin} {masked}"),
                header.payload_length.to_string(),
            )
        }
        None => ("?", "          ".into(), String::new()),
    };
    let shown = match frame.status {
        Status::Violation(rule) => paint::paint(paint::BAD, &format!("VIOLATION {}", rule.id())),
        _ => payload(frame, width.saturating_sub(BEFORE)),
    };
    format!(
        "{}  {}  {flags}  {length:>6} {shown}",
        padded(&clipped(&bytes, HEADER), HEADER),
        padded(name, 5)
    )
}

fn payload(frame: &Frame, room: usize) -> String {
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
