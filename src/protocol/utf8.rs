//! Text checked as its bytes arrive (§8.1).
//!
//! A frame, or a read, may end inside a character. Whole characters go on at once; the one to three
//! bytes of a broken one wait for the rest.
#![warn(clippy::indexing_slicing)]

use std::str;

// The feature `simd` makes the check of whole text faster. Where text is wrong, std says.
#[cfg(feature = "simd")]
use simdutf8::basic::from_utf8 as check;
#[cfg(not(feature = "simd"))]
use std::str::from_utf8 as check;

/// Turns bytes into text, piece by piece.
///
/// ```
/// let mut decoder = plainws::protocol::utf8::Decoder::default();
/// let mut text = String::new();
/// decoder.decode(b"caf\xC3", &mut text)?; // the first half of an é
/// assert!(!decoder.is_between_characters());
/// decoder.decode(b"\xA9", &mut text)?;
/// assert_eq!(text, "café");
/// assert!(decoder.decode(b"\xC0", &mut text).is_err()); // no character begins like this
/// # Ok::<(), plainws::protocol::utf8::NotUtf8>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    /// The start of a character whose end has not arrived.
    partial: [u8; 3],
    length: usize,
}

/// A byte that cannot be part of any text at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    /// Its index in the piece that was given to the decoder.
    pub at: usize,
}

impl Decoder {
    /// Appends the characters that `bytes` completes to `text`.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`] for the first byte that cannot be right. What `text` then holds is right, but may lack
    /// characters before that byte.
    pub fn decode(&mut self, bytes: &[u8], text: &mut String) -> Result<(), NotUtf8> {
        self.judge(bytes, |whole| text.push_str(whole))
    }

    /// The same, with `take` for the text: it is given the characters that `bytes` completes, in pieces.
    pub(super) fn judge(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&str),
    ) -> Result<(), NotUtf8> {
        let rest = self.complete_character(bytes, &mut take)?;
        if rest.is_empty() {
            // A character of three or four bytes may still be waiting.
            return Ok(());
        }
        let before = bytes.len() - rest.len();
        let (valid, tail) =
            valid_prefix(rest).map_err(|NotUtf8 { at }| NotUtf8 { at: before + at })?;
        take(valid);
        self.keep(tail);
        Ok(())
    }

    /// Whether the text may end here.
    #[must_use]
    pub const fn is_between_characters(&self) -> bool {
        self.length == 0
    }

    /// Completes the waiting character, if any, and returns the bytes after it.
    fn complete_character<'a>(
        &mut self,
        bytes: &'a [u8],
        take: &mut impl FnMut(&str),
    ) -> Result<&'a [u8], NotUtf8> {
        let mut rest = bytes;
        while self.length > 0 {
            let [byte, after @ ..] = rest else { break };
            let [a, b, c] = self.partial;
            let mut candidate = [a, b, c, 0];
            let (so_far, _) = candidate.split_at_mut(self.length + 1);
            if let Some(last) = so_far.last_mut() {
                *last = *byte;
            }
            // What waited could still become a character, so it is this byte that is wrong.
            let at = bytes.len() - rest.len();
            let (character, partial) = valid_prefix(so_far).map_err(|_| NotUtf8 { at })?;
            take(character);
            self.keep(partial);
            rest = after;
        }
        Ok(rest)
    }

    fn keep(&mut self, partial: &[u8]) {
        self.length = partial.len();
        for (slot, byte) in self.partial.iter_mut().zip(partial) {
            *slot = *byte;
        }
    }
}

/// The whole characters of `bytes`, and the start of one more at its end.
fn valid_prefix(bytes: &[u8]) -> Result<(&str, &[u8]), NotUtf8> {
    let (whole, tail) = bytes.split_at(bytes.len() - partial_tail(bytes));
    match check(whole) {
        Ok(whole) if tail.is_empty() || may_go_on(tail) => Ok((whole, tail)),
        _ => Err(first_wrong_byte(bytes)),
    }
}

/// Whether bytes are text, or could become text by bytes that follow.
fn may_go_on(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Finds the byte that is wrong in bytes that are no text: the first with which those after the last whole
/// character can no longer become one.
fn first_wrong_byte(bytes: &[u8]) -> NotUtf8 {
    let start = str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let is_wrong = |end: &usize| bytes.get(start..=*end).is_none_or(|part| !may_go_on(part));
    let at = (start..bytes.len()).find(is_wrong);
    NotUtf8 {
        at: at.unwrap_or(start),
    }
}

/// How many bytes at the end begin a character without completing it. Found by looking at the last
/// three bytes only, so that the text itself is judged once.
fn partial_tail(bytes: &[u8]) -> usize {
    // RFC 3629 §3: the first byte of a character tells how many it has. The bytes that continue one count
    // as 1, and so never as unfinished.
    let length_by_first_byte = |byte| match byte {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
        _ => 1,
    };
    let last_three = bytes.iter().rev().zip(1..=3);
    let mut unfinished =
        last_three.filter(|&(&byte, from_end)| length_by_first_byte(byte) > from_end);
    unfinished.next().map_or(0, |(_, from_end)| from_end)
}
