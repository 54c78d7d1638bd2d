//! Words of digits that need not be hex: binary digits, octal numbers, or numbers of the machine, whose bytes are
//! turned round. `xxd -b`, `od` and `hexdump` print them, here without the offsets that would tell.

use super::pasted::{Pasted, beginning, likeliness};
use crate::app::input::hex;
use crate::app::input::place::wrong;

/// Reads words that are binary or octal, or refuses what may be hex or one of these; `None` for all else.
/// `decimal` are the bytes if the words are decimal numbers.
pub(super) fn recognise(text: &str, decimal: Option<&[u8]>) -> Option<Result<Pasted, String>> {
    let inner = text.trim().trim_matches(['[', ']']).trim();
    let words: Vec<&str> = inner.split_whitespace().collect();
    binary(text, &words)
        .or_else(|| octal(text, &words, decimal))
        .or_else(|| swapped(text, &words).map(Err))
}

/// As [`recognise`] finds them, words turned round.
pub(super) fn turned_round(text: &str) -> Option<Vec<u8>> {
    reversed(&text.split_whitespace().collect::<Vec<_>>())
}

fn binary(text: &str, words: &[&str]) -> Option<Result<Pasted, String>> {
    let is_binary = |word: &&str| word.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    let [first, rest @ ..] = words else {
        return None;
    };
    if !words.iter().all(is_binary) || first.len() % 8 != 0 {
        return None;
    }
    if rest.is_empty() {
        let what = "binary digits, or hex? --input hex takes them as hex; with blanks between the bytes they are binary";
        return Some(Err(wrong(text, text.trim_start(), what)));
    }
    let bytes = words
        .iter()
        .map(|word| u8::from_str_radix(word, 2).ok().filter(|_| word.len() == 8));
    let bytes = bytes.collect::<Option<Vec<u8>>>()?;
    Some(Ok(Pasted::of(bytes).with_note(
        "read as binary digits (--input hex takes them as hex)",
    )))
}

fn octal(text: &str, words: &[&str], decimal: Option<&[u8]>) -> Option<Result<Pasted, String>> {
    let bytes = words.iter().map(|word| {
        let is_octal = word.len() == 3 || word.len() == 4 && word.starts_with('0');
        u8::from_str_radix(word, 8).ok().filter(|_| is_octal)
    });
    let bytes = bytes
        .collect::<Option<Vec<u8>>>()
        .filter(|bytes| bytes.len() > 1)?;
    let hex = hex::plain(text).ok();
    let name = if hex.is_some() {
        "hex"
    } else {
        "decimal numbers"
    };
    let other = hex.as_deref().or(decimal);
    match other {
        None => Some(Ok(Pasted::of(bytes).with_note("read as octal numbers"))),
        Some(other) if hex.is_some() && likeliness(&bytes) <= likeliness(other) => None,
        Some(other) => {
            let what = format!(
                "as octal numbers these are the bytes {}, as {name} {}; --input hex or decimal says which, and \
                 od -t x1 prints hex",
                beginning(&bytes),
                beginning(other)
            );
            Some(Err(wrong(text, text.trim_start(), &what)))
        }
    }
}

/// Words that make a better beginning of a stream when turned round.
fn swapped(text: &str, words: &[&str]) -> Option<String> {
    let kept = hex::plain(text).ok()?;
    let bytes = reversed(words)?;
    (likeliness(&bytes) > likeliness(&kept)).then(|| {
        let what = format!(
            "as they stand these are the bytes {}, as words of the machine {}; --input hex or words says which",
            beginning(&kept),
            beginning(&bytes)
        );
        wrong(text, text.trim_start(), &what)
    })
}

/// Words of 2, 4 or 8 bytes, with the bytes of each turned round.
fn reversed(words: &[&str]) -> Option<Vec<u8>> {
    let size = words.first()?.len();
    let turned = words.iter().map(|word| {
        let mut bytes = hex::plain(word).ok().filter(|_| word.len() == size)?;
        bytes.reverse();
        Some(bytes)
    });
    let turned = turned.collect::<Option<Vec<_>>>();
    turned
        .filter(|_| [4, 8, 16].contains(&size))
        .map(|words| words.concat())
}
