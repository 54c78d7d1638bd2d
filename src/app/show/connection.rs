//! A whole connection for people: its handshake, its frames, the verdict.
//!
//! Of two directions the frames stand in the order in which they came, and a verdict for each at the end.

use super::heads;
use super::listing::{Listing, direction};
use super::paint::{FAINT, STRONG, paint};
use super::text::{COLUMNS, clipped, escaped, since};
use super::verdict;
use crate::app::input::Cut;
use crate::app::judge::conversation::{Conversation, Next};
use std::collections::VecDeque;
use std::time::Duration;
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
    of: &mut Conversation,
    is_cut: bool,
) -> fmt::Result {
    title(out, of)?;
    let mut page = Page::new(of, is_cut);
    for decoded in &of.directions {
        if let Some(handshake) = &decoded.handshake {
            page.border(out, decoded.cut_of_handshake())?;
            out.write_str(&heads::listing(handshake, &decoded.stream.bytes, is_cut))?;
        }
    }
    let shown = if is_cut { CUT / 2 } else { usize::MAX };
    for next in iter::from_fn(|| of.next_frame()).take(shown) {
        page.frame(out, &next)?;
    }
    let mut latest = VecDeque::new();
    let mut hidden = 0;
    while let Some(next) = of.next_frame() {
        latest.push_back(next);
        if latest.len() > CUT / 2 {
            latest.pop_front();
            hidden += 1;
        }
    }
    if hidden > 0 {
        writeln!(out, "… {hidden} more frames; --all shows them\n")?;
    }
    for next in latest {
        page.frame(out, &next)?;
    }
    verdicts(out, of)
}

/// Takes all frames and shows only what each direction comes to.
///
/// # Errors
///
/// `out` fails.
pub(crate) fn summary(out: &mut dyn fmt::Write, of: &mut Conversation) -> fmt::Result {
    title(out, of)?;
    while of.next_frame().is_some() {}
    verdicts(out, of)
}

fn title(out: &mut dyn fmt::Write, of: &Conversation) -> fmt::Result {
    let Some(name) = &of.name else { return Ok(()) };
    // A file may have written anything into it.
    let name = escaped(name.as_bytes());
    let title = clipped(&format!("connection {name}"), COLUMNS - 1);
    writeln!(out, "{}\n", paint(STRONG, &title))
}

/// What is the same for all frames of a connection, and where the last one came from.
struct Page {
    /// For each direction.
    listings: Vec<Listing>,
    piece: &'static str,
    begins: Option<Duration>,
    latest: Option<Cut>,
}

impl Page {
    fn new(of: &Conversation, is_cut: bool) -> Self {
        let end = of.end();
        let directions = of.directions.iter();
        let listings = directions.map(|decoded| Listing::new(decoded.frames_begin(), end, is_cut));
        Self {
            listings: listings.collect(),
            piece: of.piece,
            begins: of.begins(),
            latest: None,
        }
    }

    fn frame(&mut self, out: &mut dyn fmt::Write, next: &Next) -> fmt::Result {
        self.border(out, next.cut)?;
        let listing = &self.listings[next.direction];
        listing.frame(out, &next.taken.frame)?;
        if let Some(inflated) = &next.taken.inflated {
            listing.inflated(out, &next.taken.frame, inflated)?;
        }
        out.write_str("\n")
    }

    /// Says where another piece begins: `--- packet 7  +12 ms`.
    fn border(&mut self, out: &mut dyn fmt::Write, cut: Option<Cut>) -> fmt::Result {
        let Some(cut) = cut.filter(|cut| self.latest != Some(*cut)) else {
            return Ok(());
        };
        self.latest = Some(cut);
        let number = cut.number.map(|number| format!("{} {number}", self.piece));
        let time = cut.time.zip(self.begins);
        let time = time.map(|(time, begins)| since(time.saturating_sub(begins)));
        let known: Vec<_> = number.into_iter().chain(time).collect();
        if known.is_empty() {
            return Ok(());
        }
        let border = format!("--- {}", known.join("  "));
        writeln!(out, "{}", paint(FAINT, &border))
    }
}

fn verdicts(out: &mut dyn fmt::Write, of: &Conversation) -> fmt::Result {
    for (i, decoded) in of.directions.iter().enumerate() {
        if of.has_two_directions() {
            let gap = if i == 0 { "" } else { "\n" };
            let name = paint(STRONG, direction(decoded.sender));
            writeln!(out, "{gap}{name}")?;
        }
        out.write_str(&verdict::of(decoded))?;
    }
    Ok(())
}
