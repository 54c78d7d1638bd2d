//! String literals of Python, C, Rust, JavaScript, shells and gdb, Wireshark's escaped string, and escapes
//! without quotes.

use super::base64;
use super::pasted::Pasted;
use crate::app::input::place::wrong;
use crate::app::input::{escapes, hex};

/// The most bytes that gdb's `<repeats 16 times>` may stand for.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

/// Reads literals; `None` for text without escapes and without a literal of bytes.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let quote = text.find(hex::is_quote);
    let escape = text.find('\\');
    let bytes = match (quote, escape) {
        (Some(quote), escape) if escape.is_none_or(|escape| quote < escape) => {
            let is_bytes = text[..quote].ends_with(['b', 'B', '$']);
            if !is_bytes && escape.is_none() {
                return None;
            }
            quoted(text, quote)
        }
        (_, Some(_)) => escapes::unquoted(text),
        _ => return None,
    };
    Some(bytes.map(Pasted::of))
}

fn quoted(text: &str, quote: usize) -> Result<Vec<u8>, String> {
    let before = text[..quote].trim_end_matches(['b', 'B', '$']).trim_end();
    if !before.is_empty() && !before.ends_with(['(', '[', '{', '=', ':', ',']) {
        return Err(wrong(
            text,
            text.trim_start(),
            "what is this in front of the string?",
        ));
    }
    let mut bytes = Vec::new();
    let mut rest = &text[quote..];
    while rest.starts_with(hex::is_quote) {
        rest = literal(text, rest, &mut bytes)?;
        rest = repeats(text, rest, &mut bytes)?;
        let after = rest.trim_start_matches(|c: char| c.is_whitespace() || "\\+,".contains(c));
        let next = after.strip_prefix(['b', 'B', '$']).unwrap_or(after);
        rest = if next.starts_with(hex::is_quote) {
            next
        } else {
            after
        };
    }
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ")]};".contains(c));
    if rest.starts_with("...") || rest.starts_with('…') {
        return Err(wrong(text, rest, "the string is cut here"));
    }
    if !rest.is_empty() {
        return Err(wrong(text, rest, "what is this after the string?"));
    }
    if text.contains('\\') {
        return Ok(bytes);
    }
    not_of_text(text, bytes)
}

/// A literal of bytes without escapes may be what Python's `hexlify` or `b64encode` returned.
fn not_of_text(text: &str, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let inner = std::str::from_utf8(&bytes).unwrap_or_default();
    let other = if hex::plain(inner).is_ok() {
        "hex"
    } else if base64::likely_bytes(inner).is_some() {
        "base64"
    } else {
        return Ok(bytes);
    };
    let what = format!(
        "a string of bytes that is {other} itself; leave its quotes out, or give --input string"
    );
    Err(wrong(text, text.trim_start(), &what))
}

/// Reads a literal at the beginning of `rest`, and returns what follows it.
fn literal<'a>(text: &str, rest: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let begin = rest;
    let open = rest.chars().next().unwrap_or_default();
    let close = match open {
        '\u{201C}'..='\u{201F}' => '\u{201D}',
        '\u{2018}'..='\u{201B}' => '\u{2019}',
        straight => straight,
    };
    let mut rest = &rest[open.len_utf8()..];
    loop {
        if let Some(after) = rest.strip_prefix(close) {
            return Ok(after);
        }
        if rest.is_empty() {
            return Err(wrong(text, begin, "the string has no end: the text is cut"));
        }
        let (byte, after) = escapes::next(text, rest)?;
        bytes.extend(byte);
        rest = after;
    }
}

/// gdb writes a byte that is repeated once: `'\000' <repeats 16 times>`.
pub(super) fn repeats<'a>(
    text: &str,
    rest: &'a str,
    bytes: &mut Vec<u8>,
) -> Result<&'a str, String> {
    let Some(after) = rest.trim_start().strip_prefix("<repeats ") else {
        return Ok(rest);
    };
    let (count, after) = after.split_once(" times>").unwrap_or((after, ""));
    let last = bytes.last().copied();
    let more = count
        .parse::<usize>()
        .ok()
        .and_then(|count| count.checked_sub(1));
    match (last, more) {
        (Some(last), Some(more)) if more.saturating_add(bytes.len()) <= MAX_REPEATED => {
            bytes.extend(std::iter::repeat_n(last, more));
            Ok(after)
        }
        _ => Err(wrong(text, rest.trim_start(), "how often is it repeated?")),
    }
}
