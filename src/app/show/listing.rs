//! Frames for people: a heading, then a row for each field.
//!
//! ```text
//! frame 0  bytes 0..11  client to server  text, final  "Hello"               ok
//!   00  81           1... ....   FIN      1     last frame of the message   5.2
//! ```

use super::paint::{self, BAD, FAINT, GOOD, OPEN, STRONG, paint};
use super::text::{COLUMNS, clipped, count, padded, quoted, spaced, width};
use crate::app::judge::deflate::Inflated;
use crate::app::judge::extensions::DEFLATE_BIT;
use anstyle::Style;
use plainws::Role;
use plainws::protocol::close;
use plainws::protocol::dissect::{Frame, Judgement, Span, Status};
use plainws::protocol::frame::Opcode;
use plainws::protocol::rule::Field;
use std::{fmt, str};

/// Payload bytes in a row.
const ROW: usize = 8;
/// Payload bytes shown unless all are asked for.
const CUT: usize = 64;

/// How frames are set out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    /// Where the frames begin in the input.
    base: u64,
    columns: Columns,
    is_cut: bool,
}

/// The widths of the columns, each with the spaces after it.
#[derive(Clone, Copy, Debug)]
struct Columns {
    offset: usize,
    bytes: usize,
    bits: usize,
    field: usize,
    value: usize,
    meaning: usize,
}

impl Columns {
    /// Longer offsets make other columns narrower, so that no line grows.
    const fn new(end: u64) -> Self {
        let (offset, bits, field, meaning) = match end {
            0..=0x100 => (2, 12, 9, 28),
            0x101..=0x1_0000 => (4, 12, 9, 26),
            0x1_0001..=0x100_0000 => (6, 11, 9, 26),
            _ => (8, 11, 8, 25),
        };
        Self {
            offset: offset + 2,
            bytes: 13,
            bits,
            field,
            value: 6,
            meaning,
        }
    }
}

/// One row of a listing.
#[derive(Clone, Debug, Default)]
struct Row<'a> {
    offset: Option<u64>,
    bytes: String,
    bits: String,
    style: Style,
    field: &'a str,
    value: String,
    meaning: String,
    section: &'a str,
    is_broken: bool,
}

impl Listing {
    /// For frames that begin at `base` in an input that ends at `end`.
    pub(crate) const fn new(base: u64, end: u64, is_cut: bool) -> Self {
        Self {
            base,
            columns: Columns::new(end),
            is_cut,
        }
    }

    /// A frame's heading and rows.
    ///
    /// # Errors
    ///
    /// `out` fails.
    pub(crate) fn frame(&self, out: &mut dyn fmt::Write, frame: &Frame) -> fmt::Result {
        out.write_str(&self.heading(frame))?;
        for span in frame.spans() {
            let is_payload = matches!(
                span.field,
                Field::Payload | Field::CloseCode | Field::CloseReason
            );
            if is_payload {
                self.payload(out, frame, &span)?;
            } else {
                out.write_str(&self.row(&header_row(frame, &span, self.base)))?;
            }
        }
        if let Some(message) = &frame.message {
            let fragment = frame.fragment.filter(|fragment| fragment.index > 0);
            if let Some(fragment) = fragment {
                let frames = fragment.index + 1;
                let bytes = count(fragment.offset + frame.received, "byte");
                let label = format!("message of {bytes} from {frames} frames");
                let room = COLUMNS - 9 - label.len();
                // A column takes up to four bytes.
                let start = message.as_bytes();
                let start = &start[..start.len().min(4 * COLUMNS)];
                let shown = if is_transformed(frame) {
                    String::new()
                } else {
                    format!("  {}", clipped(&quoted(start), room))
                };
                writeln!(out, "      {}{shown}", paint(STRONG, &label))?;
            }
        }
        Ok(())
    }

    /// The message that a frame completes, inflated.
    ///
    /// # Errors
    ///
    /// `out` fails.
    pub(crate) fn inflated(
        &self,
        out: &mut dyn fmt::Write,
        frame: &Frame,
        inflated: &Inflated,
    ) -> fmt::Result {
        let bytes = match inflated {
            Inflated::Whole(bytes) => bytes,
            Inflated::TooBig => return self.remark(out, "above the limit"),
            Inflated::OutOfContext => return self.remark(out, "needs what came before"),
            Inflated::Broken => return self.remark(out, "no: that is broken"),
        };
        let is_text = frame
            .fragment
            .is_some_and(|fragment| fragment.opcode == Opcode::Text);
        let shown = if self.is_cut { CUT } else { usize::MAX };
        let last = bytes.len().saturating_sub(1) / ROW * ROW;
        for start in (0..=last).step_by(ROW).take(shown.div_ceil(ROW)) {
            let end = bytes.len().min(start + ROW);
            let row = Row {
                bytes: spaced(&bytes[start..end]),
                style: paint::field(Field::Payload),
                field: if start == 0 { "inflated" } else { "" },
                meaning: readable(bytes, is_text, start, end),
                ..Row::default()
            };
            out.write_str(&self.row(&row))?;
        }
        let hidden = bytes.len().saturating_sub(shown);
        if hidden > 0 {
            let more = count(hidden as u64, "more byte");
            writeln!(out, "      … {more} when inflated; --all shows them")?;
        }
        Ok(())
    }

    /// Says why nothing is inflated.
    fn remark(&self, out: &mut dyn fmt::Write, remark: &str) -> fmt::Result {
        let row = Row {
            field: "inflated",
            meaning: remark.into(),
            ..Row::default()
        };
        out.write_str(&self.row(&row))
    }

    fn heading(&self, frame: &Frame) -> String {
        let status = match frame.status {
            Status::Complete => paint(GOOD, "ok"),
            Status::Incomplete(_) => paint(OPEN, "incomplete"),
            Status::Violation(_) => paint(BAD, "VIOLATION"),
        };
        let status_width = match frame.status {
            Status::Complete => 2,
            Status::Incomplete(_) => 10,
            Status::Violation(_) => 9,
        };
        let room = COLUMNS - 1 - status_width - 2;
        let Frame { number, sender, .. } = frame;
        let (start, end) = (self.base + frame.offset, self.base + frame.end());
        let title = format!(
            "frame {number}  bytes {start}..{end}  {}  {}",
            direction(*sender),
            kind(frame)
        );
        let title = clipped(&title, room);
        let mut preview = String::new();
        let is_shown = !is_close(frame) && !is_transformed(frame);
        if !frame.payload.is_empty() && width(&title) + 8 < room && is_shown {
            let start = frame.payload.len().min(COLUMNS);
            let payload = readable(&frame.payload, is_readable(frame), 0, start);
            preview = clipped(&payload, room - width(&title) - 2);
        }
        let filled = width(&title) + 2 + width(&preview);
        let gap = " ".repeat((room + 2).saturating_sub(filled));
        format!("{}  {preview}{gap}{status}\n", paint(STRONG, &title))
    }

    /// The payload's bytes, eight a row, masked above unmasked where there is a mask.
    fn payload(&self, out: &mut dyn fmt::Write, frame: &Frame, span: &Span) -> fmt::Result {
        let bytes = span.bytes();
        let before = frame.wire.len() - frame.payload.len();
        let is_masked = frame
            .header
            .is_some_and(|header| header.masking_key.is_some());
        let shown = if self.is_cut { CUT } else { usize::MAX };
        for start in bytes.clone().step_by(ROW).take(shown.div_ceil(ROW)) {
            let end = bytes.end.min(start + ROW);
            let is_first = start == bytes.start;
            let offset = self.base + frame.offset + start as u64;
            let mut row = Row {
                offset: Some(offset),
                bytes: spaced(&frame.wire[start..end]),
                ..Row::default()
            };
            if is_masked {
                row.style = paint::field(Field::MaskingKey);
                if is_first {
                    row.field = "masked";
                    row.meaning = "byte i ^ key[i mod 4]".into();
                    row.section = "5.3";
                }
                out.write_str(&self.row(&row))?;
                row = Row {
                    bytes: spaced(&frame.payload[start - before..end - before]),
                    ..Row::default()
                };
            }
            row.style = paint::field(span.field);
            row.is_broken = is_last_broken(span, end);
            if is_first {
                row.field = label(span.field);
            }
            if span.field == Field::CloseCode {
                row.value = span.value.map(|code| code.to_string()).unwrap_or_default();
                row.meaning = span.meaning.to_string();
                row.section = span.judgement.section().0;
            } else {
                let is_text = is_readable(frame);
                row.meaning = readable(&frame.payload, is_text, start - before, end - before);
            }
            out.write_str(&self.row(&row))?;
        }
        let hidden = bytes.len().saturating_sub(shown);
        if hidden > 0 {
            let more = count(hidden as u64, "more byte");
            writeln!(out, "      … {more}; --all shows them")?;
        }
        Ok(())
    }

    fn row(&self, row: &Row<'_>) -> String {
        let Columns {
            offset,
            bytes,
            bits,
            field,
            value,
            meaning,
        } = self.columns;
        let at = row
            .offset
            .map(|at| format!("{at:0width$x}", width = offset - 2));
        let mark = if row.is_broken { "! " } else { "  " };
        let style = if row.is_broken { BAD } else { row.style };
        // Bytes may take the column of bits where there are none, and a long value that of the meaning.
        let bits_on_wire = if row.bits.is_empty() {
            padded(&row.bytes, bytes + bits)
        } else {
            padded(&row.bytes, bytes) + &padded(&row.bits, bits)
        };
        let room = value + meaning;
        let said = if width(&row.value) < value {
            padded(&row.value, value) + &row.meaning
        } else {
            format!("{} {}", row.value, row.meaning)
        };
        let said = if row.section.is_empty() {
            clipped(&said, COLUMNS - mark.len() - offset - bytes - bits - field)
        } else {
            padded(&clipped(&said, room - 1), room)
        };
        let line = [
            paint(BAD, mark),
            paint(FAINT, &padded(&at.unwrap_or_default(), offset)),
            paint(style, &bits_on_wire),
            paint(style, &padded(row.field, field)),
            said,
            paint(FAINT, row.section),
        ];
        [line.concat().trim_end(), "\n"].concat()
    }
}

fn header_row<'a>(frame: &Frame, span: &'a Span, base: u64) -> Row<'a> {
    let bytes = span.bytes();
    let is_first_of_byte = span.bits.start % 8 == 0;
    let wire = &frame.wire[bytes.clone()];
    let is_key = span.field == Field::MaskingKey;
    let value = match span.value {
        Some(value) if span.field == Field::Opcode => format!("0x{value:x}"),
        Some(value) if !is_key => value.to_string(),
        _ => String::new(),
    };
    Row {
        offset: is_first_of_byte.then_some(base + frame.offset + bytes.start as u64),
        bytes: if is_first_of_byte {
            spaced(wire)
        } else {
            String::new()
        },
        bits: match wire {
            [byte] if span.bits.end - span.bits.start < 8 => dotted(*byte, span),
            _ => String::new(),
        },
        style: paint::field(span.field),
        field: label(span.field),
        value,
        meaning: span.meaning.to_string(),
        section: span.judgement.section().0,
        is_broken: matches!(span.judgement, Judgement::Broken(_)),
    }
}

/// The bits of a byte that belong to a field; the others are dots.
fn dotted(byte: u8, span: &Span) -> String {
    let first = span.bits.start / 8 * 8;
    let mut bits = String::new();
    for i in 0..8 {
        if i == 4 {
            bits.push(' ');
        }
        let is_own = span.bits.contains(&(first + i));
        bits.push(match (is_own, byte >> (7 - i) & 1) {
            (false, _) => '.',
            (true, 0) => '0',
            (true, _) => '1',
        });
    }
    bits
}

/// A row of payload as text, each character in the row in which it begins; binary data as in the text
/// column of a dump.
fn readable(payload: &[u8], is_text: bool, start: usize, end: usize) -> String {
    if is_text {
        let boundary = |at| end_of_character(payload, at);
        return quoted(&payload[boundary(start)..boundary(end)]);
    }
    let bytes = &payload[start..end];
    let is_printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let chars = bytes
        .iter()
        .map(|&byte| if is_printable(byte) { byte } else { b'.' });
    chars.map(char::from).collect()
}

/// The end of the character that `at` is inside of; `at` itself between characters.
fn end_of_character(payload: &[u8], at: usize) -> usize {
    let starts = at.saturating_sub(3)..at;
    let ends = starts.flat_map(|start| (at + 1..=start + 4).map(move |end| start..end));
    let mut inside = ends.filter(|range| {
        let character = payload.get(range.clone()).map(str::from_utf8);
        matches!(character, Some(Ok(text)) if text.chars().count() == 1)
    });
    inside.next().map_or(at, |range| range.end)
}

/// The byte that breaks a rule is the last that was read, so the last row is marked.
fn is_last_broken(span: &Span, end: usize) -> bool {
    matches!(span.judgement, Judgement::Broken(_)) && end == span.bytes().end
}

/// A field's name in few letters.
pub(crate) const fn label(field: Field) -> &'static str {
    match field {
        Field::Fin => "FIN",
        Field::Rsv => "RSV",
        Field::Opcode => "opcode",
        Field::Mask => "MASK",
        Field::PayloadLength => "length",
        Field::MaskingKey => "key",
        Field::Payload => "payload",
        Field::CloseCode => "code",
        Field::CloseReason => "reason",
        _ => "",
    }
}

/// Who sends to whom.
pub(crate) const fn direction(sender: Role) -> &'static str {
    match sender {
        Role::Client => "client to server",
        Role::Server => "server to client",
    }
}

/// Whether its payload is for people to read; that of a control frame may be.
fn is_readable(frame: &Frame) -> bool {
    let opcode = frame.fragment.map(|fragment| fragment.opcode);
    opcode != Some(Opcode::Binary) && !is_transformed(frame)
}

/// Whether its payload is what an extension made of the message.
fn is_transformed(frame: &Frame) -> bool {
    frame.fragment.is_some_and(|fragment| fragment.rsv != 0)
}

fn is_close(frame: &Frame) -> bool {
    frame
        .header
        .is_some_and(|header| header.opcode == Opcode::Close)
}

/// What a frame is, in a few words.
fn kind(frame: &Frame) -> String {
    let Some(header) = frame.header else {
        let spans = frame.spans();
        let opcode = spans.iter().find(|span| span.field == Field::Opcode);
        return match opcode {
            Some(span) if span.meaning == "reserved" => "reserved opcode".into(),
            Some(span) => span.meaning.to_string(),
            None => String::new(),
        };
    };
    let name = header.opcode.name();
    if header.opcode == Opcode::Close {
        return match close::parts(&frame.payload) {
            Some((code, _)) => format!("close {}", code.0),
            None => "close".into(),
        };
    }
    if header.opcode.is_control() {
        return name.into();
    }
    let end = if header.fin { "final" } else { "not final" };
    let transformed = match frame.fragment.map(|fragment| fragment.rsv) {
        Some(DEFLATE_BIT) => ", compressed",
        Some(1..) => ", transformed",
        _ => "",
    };
    match frame.fragment {
        Some(fragment) if fragment.index > 0 => {
            format!("{name} {}, {end}{transformed}", fragment.index)
        }
        _ => format!("{name}, {end}{transformed}"),
    }
}
