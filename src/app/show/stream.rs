//! A whole stream for people: its handshake, its frames, the verdict.

use super::heads;
use super::listing::Listing;
use super::verdict;
use crate::app::judge::decoded::Decoded;
use std::collections::VecDeque;
use std::{fmt, iter};

/// Frames shown unless all are asked for: half of them from the beginning, half from the end.
const CUT: usize = 16;

/// Takes all frames and shows them as they come; or, when it is cut, the beginning and the end of what is
/// long.
///
/// # Errors
///
/// `out` fails.
pub(crate) fn listing(
    out: &mut dyn fmt::Write,
    decoded: &mut Decoded,
    is_cut: bool,
) -> fmt::Result {
    if let Some(handshake) = &decoded.handshake {
        out.write_str(&heads::listing(handshake, &decoded.stream.bytes, is_cut))?;
    }
    let end = decoded.stream.bytes.len() as u64;
    let listing = Listing::new(decoded.frames_begin(), end, is_cut);
    let shown = if is_cut { CUT / 2 } else { usize::MAX };
    for frame in iter::from_fn(|| decoded.next_frame()).take(shown) {
        listing.frame(out, &frame)?;
        out.write_str("\n")?;
    }
    let mut latest = VecDeque::new();
    let mut hidden = 0;
    while let Some(frame) = decoded.next_frame() {
        latest.push_back(frame);
        if latest.len() > CUT / 2 {
            latest.pop_front();
            hidden += 1;
        }
    }
    if hidden > 0 {
        writeln!(out, "… {hidden} more frames; --all shows them\n")?;
    }
    for frame in latest {
        listing.frame(out, &frame)?;
        out.write_str("\n")?;
    }
    out.write_str(&verdict::of(decoded))
}
