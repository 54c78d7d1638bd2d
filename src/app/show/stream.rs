//! A whole stream for people: its handshake, its frames, the verdict.

use super::heads;
use super::listing::Listing;
use super::verdict;
use crate::app::judge::decoded::Decoded;

/// Frames shown unless all are asked for: half of them from the beginning, half from the end.
const CUT: usize = 16;

/// All of it; or, when it is cut, the beginning and the end of what is long.
pub(crate) fn listing(decoded: &Decoded, is_cut: bool) -> String {
    let mut text = String::new();
    if let Some(handshake) = &decoded.handshake {
        text += &heads::listing(handshake, &decoded.stream.bytes, is_cut);
    }
    let end = decoded.stream.bytes.len() as u64;
    let listing = Listing::new(decoded.frames_begin(), end, is_cut);
    let frames = &decoded.frames;
    let hidden = frames
        .len()
        .saturating_sub(if is_cut { CUT } else { usize::MAX });
    for (i, frame) in frames.iter().enumerate() {
        if !(CUT / 2..CUT / 2 + hidden).contains(&i) {
            text += &listing.frame(frame);
            text += "\n";
        } else if i == CUT / 2 {
            text += &format!("… {hidden} more frames; --all shows them\n\n");
        }
    }
    text + &verdict::of(decoded)
}
