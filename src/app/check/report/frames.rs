//! What one end sent, a line for each frame, in the columns of a trace.
//!
//! ```text
//! 01 83 37fa213d      TEXT       masked       3 "one"
//! 89 82 37fa213d      PING   fin masked       2 "hi"
//! ```

use super::repeats::shortened;
use super::row::Bytes;
use crate::app::show::trace;
use crate::app::text::{clipped, count, quoted, spaced};
use plainws::protocol::dissect::{Dissector, Frame, Status};
use plainws::protocol::frame::Opcode;
use plainws::protocol::message::Limits;

/// The most bytes of what is no frame.
const RAW: usize = 16;

/// The lines, none wider than `room`.
pub(super) fn lines(bytes: &Bytes, room: usize) -> Vec<String> {
    if !bytes.is_frames {
        return text(bytes, room);
    }
    let is_cut = bytes.total > bytes.shown.len() as u64;
    let (mut frames, rest) = dissected(bytes, is_cut);
    let mut after = Vec::new();
    if frames.last().is_some_and(is_close) {
        // Nothing should be there, so that it is worth to be seen.
        let after_close = Bytes {
            shown: rest.to_vec(),
            ..bytes.clone()
        };
        frames.extend(dissected(&after_close, is_cut).0);
    } else {
        let broken = frames
            .last()
            .filter(|frame| matches!(frame.status, Status::Violation(_)));
        let payload = broken.map_or(&[][..], |frame| &frame.payload);
        if !payload.is_empty() {
            after.push(clipped(&format!("payload {}", quoted(payload)), room));
        }
        if !rest.is_empty() {
            let dots = if rest.len() > RAW { " …" } else { "" };
            after.push(format!(
                "then {}{dots}",
                spaced(&rest[..rest.len().min(RAW)])
            ));
        }
    }
    if let Some(Status::Incomplete(missing)) = frames.last().map(|frame| frame.status) {
        if !is_cut {
            after.push(format!("… and {} missing", are(missing.bytes)));
        }
    }
    let mut lines = shortened(frames.iter().map(|frame| trace::frame(frame, room)));
    lines.extend(after);
    if is_cut {
        lines.push(format!("… {} in all", count(bytes.total, "byte")));
    }
    lines
}

fn are(number: u64) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, "byte"))
}

/// The frames, and what is not taken apart. Of what is kept only in part, the last one may be cut by that.
fn dissected(bytes: &Bytes, is_cut: bool) -> (Vec<Frame>, &[u8]) {
    let limits = Limits::new()
        .max_bytes(u64::MAX >> 1)
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX);
    let mut dissector = Dissector::new(bytes.sender, limits);
    let mut frames = dissector.receive(&bytes.shown);
    let partial = dissector.partial().cloned();
    // A long one alone still tells what it is.
    frames.extend(partial.filter(|_| !is_cut || frames.is_empty()));
    let end = frames.last().map_or(0, Frame::end);
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    let rest = if is_cut && !frames.last().is_some_and(is_close) {
        &[]
    } else {
        bytes.shown.get(end..).unwrap_or_default()
    };
    (frames, rest)
}

fn is_close(frame: &Frame) -> bool {
    let header = frame.header.as_ref();
    frame.status == Status::Complete && header.is_some_and(|header| header.opcode == Opcode::Close)
}

/// What came where no frames can have come.
fn text(bytes: &Bytes, room: usize) -> Vec<String> {
    if bytes.shown.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![clipped(&quoted(&bytes.shown), room)];
    if bytes.total > room as u64 {
        lines.push(format!("… {} in all", count(bytes.total, "byte")));
    }
    lines
}
