//! Text without marks: hex, decimal numbers, base64.
//!
//! Digits in pairs are hex. A list (in brackets or with commas) whose items are hex and decimal at once, such as
//! `[10, 20]`, which Rust prints for both `{:?}` and `{:02x?}`, is refused: the two give different bytes. What is
//! neither may be base64, if its bytes could begin a stream. Words of digits may be binary or octal, or numbers of the
//! machine with their bytes turned round: [`words`] finds that.

use super::array;
use super::base64;
use super::pasted::{Pasted, beginning};
use super::words;
use crate::app::input::hex as digits;
use crate::app::input::place::wrong;

/// Reads text that has no mark of any format.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    Some(read(text))
}

fn read(text: &str) -> Result<Pasted, String> {
    let pairs = digits::plain(text);
    if pairs.as_ref().is_ok_and(Vec::is_empty) && base64::bytes(text).is_some() {
        let what = "a comment, or base64? --input base64 reads it";
        return Err(wrong(text, text.trim_start(), what));
    }
    if let Some(read) = words::recognise(text, decimal_bytes(text).ok().as_deref()) {
        return read;
    }
    if !is_list(text) && (pairs.is_ok() || !is_row_of_numbers(text)) {
        return pairs.map(Pasted::of).or_else(|error| {
            let pasted = base64::likely_bytes(text)
                .map(|bytes| Pasted::of(bytes).with_note("read as base64"));
            pasted.ok_or(error)
        });
    }
    if !is_balanced(text) {
        return Err(wrong(
            text,
            text.trim_start(),
            "a bracket is not closed: the text is cut",
        ));
    }
    let hex = pairs.clone().or_else(|_| unpadded(text));
    match (hex, decimal_bytes(text)) {
        (Ok(hex), Ok(decimal)) if hex != decimal => Err(ambiguous(text, &hex, &decimal)),
        (Ok(bytes), _) | (Err(_), Ok(bytes)) => Ok(Pasted::of(bytes)),
        (Err(_), Err(of_decimal)) => {
            let of_hex = pairs.err().unwrap_or_default();
            let is_decimal = is_list(text) && !text.contains(|c: char| c.is_ascii_alphabetic());
            Err(if is_decimal { of_decimal } else { of_hex })
        }
    }
}

pub(super) fn hex(text: &str) -> Result<Pasted, String> {
    let bytes = digits::plain(text).or_else(|error| unpadded(text).map_err(|()| error));
    bytes.map(Pasted::of)
}

/// Words without offsets whose bytes are turned round.
pub(super) fn turned_round(text: &str) -> Option<Result<Pasted, String>> {
    words::turned_round(text).map(|bytes| Ok(Pasted::of(bytes)))
}

pub(super) fn decimal(text: &str) -> Result<Pasted, String> {
    decimal_bytes(text).map(Pasted::of)
}

pub(super) fn base64(text: &str) -> Result<Pasted, String> {
    let bytes = base64::bytes(text).map(Pasted::of);
    bytes.ok_or_else(|| wrong(text, text.trim_start(), "this is no base64"))
}

fn is_list(text: &str) -> bool {
    text.contains(',') || text.trim_start().starts_with(['[', '{', '(', '<'])
}

fn is_balanced(text: &str) -> bool {
    let count = |brackets: &[char]| text.matches(brackets).count();
    count(&['[', '{', '(', '<']) <= count(&[']', '}', ')', '>'])
}

/// Several decimal numbers, one of three digits at least, as no byte has in hex, or one below 0.
fn is_row_of_numbers(text: &str) -> bool {
    let words = || text.split_whitespace();
    let is_number = |word: &str| {
        let digits = word.strip_prefix('-').unwrap_or(word);
        (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    words().count() > 1 && words().all(is_number) && words().any(|word| word.len() >= 3)
}

/// Decimal numbers, with or without brackets around them.
fn decimal_bytes(text: &str) -> Result<Vec<u8>, String> {
    let inner = text.trim().trim_end_matches(';').trim_end();
    let inner = inner.trim_start_matches(['[', '{', '(', '<']);
    array::numbers(text, inner.trim_end_matches([']', '}', ')', '>']))
}

/// Hex digits of which small bytes have only one, as Rust's `{:x?}` prints them.
fn unpadded(text: &str) -> Result<Vec<u8>, ()> {
    let is_separator = |c: char| c.is_whitespace() || c == ',';
    let inner = text.trim().trim_start_matches(['[', '{', '(', '<']);
    let inner = inner.trim_end_matches([']', '}', ')', '>']);
    let words = inner.split(is_separator).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let is_byte = word.len() <= 2 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(word, 16)
                .ok()
                .filter(|_| is_byte)
                .ok_or(())
        })
        .collect()
}

fn ambiguous(text: &str, hex: &[u8], decimal: &[u8]) -> String {
    let what = format!(
        "as hex these are the bytes {}, as decimal numbers {}; --input hex or decimal says which",
        beginning(hex),
        beginning(decimal)
    );
    wrong(text, text.trim_start(), &what)
}
