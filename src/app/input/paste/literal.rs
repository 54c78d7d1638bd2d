//! String literals of Python, C, Rust, JavaScript, shells and gdb, Wireshark's escaped string, and escapes
//! without quotes.

use super::base64;
use super::pasted::{Pasted, beginning, likeliness};
use crate::app::input::place::wrong;
use crate::app::input::{escapes, hex};

/// The most bytes that gdb's `<repeats 16 times>` may stand for.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

/// Reads literals; `None` for text without escapes and without a literal of bytes. What may mean other bytes as well
/// is refused.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let read = as_it_stands(text)?;
    Some(match read.is_ok().then(|| doubt(text)).flatten() {
        Some(doubt) => Err(wrong(
            text,
            text.trim_start(),
            &format!("{doubt}; --input string takes it as it stands"),
        )),
        None => read,
    })
}

/// Why escapes may mean other bytes than they do in C.
fn doubt(text: &str) -> Option<String> {
    let inner = text.trim().trim_matches(hex::is_quote);
    let bytea = inner
        .strip_prefix("\\x")
        .filter(|digits| digits.len() > 2 && hex::plain(digits).is_ok());
    if bytea.is_some() {
        return Some(
            "one byte and text, or hex as PostgreSQL prints it? Without \\x it is hex".into(),
        );
    }
    let octal = literal_bytes(text)?.ok()?;
    if !text.contains('\\') {
        return doubt_of_text(&octal);
    }
    let decimal = in_decimal(inner)?;
    (likeliness(&decimal) > likeliness(&octal)).then(|| {
        format!(
            "with octal escapes these are the bytes {}, with decimal ones, as in Lua, {}",
            beginning(&octal),
            beginning(&decimal)
        )
    })
}

/// The bytes when all escapes are three decimal digits.
fn in_decimal(inner: &str) -> Option<Vec<u8>> {
    let mut parts = inner.split('\\');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, text) = part.split_at_checked(3)?;
        bytes.push(digits.parse().ok()?);
        bytes.extend_from_slice(text.as_bytes());
    }
    Some(bytes)
}

/// Reads literals, whatever else they may mean.
pub(super) fn as_it_stands(text: &str) -> Option<Result<Pasted, String>> {
    literal_bytes(text).map(|bytes| bytes.map(Pasted::of))
}

fn literal_bytes(text: &str) -> Option<Result<Vec<u8>, String>> {
    let quote = text.find(hex::is_quote);
    let escape = text.find('\\');
    match (quote, escape) {
        (Some(quote), escape) if escape.is_none_or(|escape| quote < escape) => {
            let is_bytes = text[..quote].ends_with(['b', 'B', '$']);
            if !is_bytes && escape.is_none() {
                return None;
            }
            Some(quoted(text, quote))
        }
        (_, Some(_)) => Some(escapes::unquoted(text)),
        _ => None,
    }
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
    Ok(bytes)
}

/// A literal of bytes without escapes may be what Python's `hexlify` or `b64encode` returned.
fn doubt_of_text(bytes: &[u8]) -> Option<String> {
    let inner = std::str::from_utf8(bytes).unwrap_or_default();
    let other = if hex::plain(inner).is_ok() {
        "hex"
    } else {
        base64::likely_bytes(inner).map(|_| "base64")?
    };
    Some(format!(
        "a string of bytes that is {other} itself; without its quotes it is taken as that"
    ))
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
