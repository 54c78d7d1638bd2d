//! Arrays of numbers in source code and as languages print them: `unsigned char x[] = { 0x81, … }`,
//! `Uint8Array(7) [ 129, 5, … ]`, `$1 = {-127, 5}`; and Wireshark's, `char peer0_0[] = { … }`.

use super::literal::repeats;
use super::pasted::{Pasted, Piece, roles};
use crate::app::input::escapes;
use crate::app::input::place::wrong;

/// Reads arrays; `None` for text without one that is declared or has a type.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let lists = lists(text);
    let first = lists.first().filter(|list| is_declared(list.before))?;
    let _ = first;
    Some(read(text, &lists))
}

/// A list in brackets, and the text between the one before and it.
#[derive(Clone, Copy)]
struct List<'a> {
    before: &'a str,
    inner: &'a str,
}

fn read(text: &str, lists: &[List<'_>]) -> Result<Pasted, String> {
    let mut arrays = Vec::new();
    for list in lists {
        let bytes = numbers(text, list.inner)?;
        let said = count(list.before);
        if said.is_some_and(|said| said != bytes.len()) {
            let what = format!(
                "an array of {} by its beginning, which holds {} bytes",
                said.unwrap_or_default(),
                bytes.len()
            );
            return Err(wrong(text, list.before.trim_start(), &what));
        }
        arrays.push((peer(list.before), bytes));
    }
    match &mut arrays[..] {
        [(_, bytes)] => Ok(Pasted::of(std::mem::take(bytes))),
        arrays if arrays.iter().all(|(peer, _)| peer.is_some()) => Ok(conversation(arrays)),
        _ => Err(wrong(text, lists[1].inner, "another array; one at a time")),
    }
}

/// Wireshark's arrays, in the order in which they were sent.
fn conversation(arrays: &[(Option<usize>, Vec<u8>)]) -> Pasted {
    let first = |end| arrays.iter().find(|(peer, _)| *peer == Some(end));
    let beginning = |end| first(end).map_or(&[][..], |(_, bytes)| bytes);
    let roles = roles(beginning(0), beginning(1));
    let mut pasted = Pasted::default();
    for (number, (peer, bytes)) in (1..).zip(arrays) {
        let sender = peer.and_then(|peer| roles.get(peer)).copied();
        pasted.push(
            Piece {
                sender,
                number,
                ..Piece::default()
            },
            "array",
            bytes,
        );
    }
    pasted
}

/// Which end sent it, by the name that Wireshark gives it.
fn peer(before: &str) -> Option<usize> {
    let (_, after) = before.rsplit_once("peer")?;
    match after.as_bytes() {
        [b'0', b'_', ..] => Some(0),
        [b'1', b'_', ..] => Some(1),
        _ => None,
    }
}

/// Whether what stands before a bracket says that numbers follow as source code has them.
fn is_declared(before: &str) -> bool {
    const TYPES: [&str; 9] = ["=", "(", ")", "!", "]", ",", "byte", "int8", "Array"];
    let before = before.trim_end();
    TYPES.iter().any(|end| before.ends_with(end))
}

/// The number of elements that is told before the bracket, as in `x[7] = {` and `Uint8Array(7) [`.
fn count(before: &str) -> Option<usize> {
    let before = before.trim_end().trim_end_matches('=').trim_end();
    let inner = before.strip_suffix([')', ']'])?;
    let (_, count) = inner.rsplit_once(['(', '['])?;
    count.parse().ok()
}

/// The lists of a text: in braces if there are any, else in brackets; none inside of another.
fn lists(text: &str) -> Vec<List<'_>> {
    let brackets = if text.contains('{') {
        ('{', '}')
    } else {
        ('[', ']')
    };
    let mut lists = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(brackets.0) {
        let Some((inner, behind)) = after.split_once(brackets.1) else {
            break;
        };
        // Of brackets in brackets, the inner ones.
        let inner_begin = inner.rfind(brackets.0).map_or(0, |at| at + 1);
        if !inner[inner_begin..].trim().is_empty() {
            let end = rest.len() - behind.len() - brackets.1.len_utf8();
            let begin = end - (inner.len() - inner_begin);
            let before = if inner_begin == 0 {
                before
            } else {
                &rest[..begin - 1]
            };
            lists.push(List {
                before,
                inner: &rest[begin..end],
            });
        }
        rest = behind;
    }
    lists
}

/// Reads numbers as source code has them: 0x81 is hex, 129 and -127 are decimal, 'H' is a character.
///
/// # Errors
///
/// What is no byte, and where.
pub(super) fn numbers(text: &str, list: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut signs = Signs::default();
    let mut rest = skip(list);
    while !rest.is_empty() && (bytes.is_empty() || !is_property(rest)) {
        let begin = rest;
        let (byte, after) = match rest.strip_prefix('\'') {
            Some(after) => character(text, begin, after)?,
            None => number(text, rest, &mut signs)?,
        };
        bytes.push(byte);
        rest = after;
        rest = skip(repeats(text, rest, &mut bytes)?);
        rest = skip(rest.strip_prefix(',').unwrap_or(rest));
    }
    if signs.negative.is_some() && signs.large.is_some() {
        let what = "below 0, and another number is above 127: no byte is both signed and not";
        return Err(wrong(text, signs.negative.unwrap_or(list), what));
    }
    Ok(bytes)
}

/// Numbers that only a signed byte or only one without a sign can have.
#[derive(Default)]
struct Signs<'a> {
    negative: Option<&'a str>,
    large: Option<&'a str>,
}

/// Without blanks and comments.
fn skip(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start();
    }
}

/// Chrome shows what else an array has after its elements: `buffer: ArrayBuffer(7)`.
fn is_property(rest: &str) -> bool {
    let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let is_name = rest.starts_with(|c: char| c.is_ascii_alphabetic());
    is_name && (name.starts_with(':') || rest.starts_with("Symbol("))
}

/// A character in quotes; `begin` is where it begins, `rest` what follows its first quote.
fn character<'a>(text: &str, begin: &'a str, rest: &'a str) -> Result<(u8, &'a str), String> {
    let (byte, rest) = escapes::next(text, rest)?;
    match (byte, rest.strip_prefix('\'')) {
        (Some(byte), Some(after)) => Ok((byte, after)),
        _ => Err(wrong(
            text,
            begin,
            "no number, and no single character in quotes",
        )),
    }
}

fn number<'a>(text: &str, rest: &'a str, signs: &mut Signs<'a>) -> Result<(u8, &'a str), String> {
    // Java casts what is above 127.
    let digits = rest.strip_prefix("(byte)").map_or(rest, str::trim_start);
    let end = digits.find(|c: char| !(c.is_ascii_alphanumeric() || "-\u{2212}_".contains(c)));
    let (word, after) = digits.split_at(end.unwrap_or(digits.len()));
    if word.is_empty() {
        let what = match rest.chars().next() {
            Some('.' | '…') => "the list is cut here",
            _ => "no number",
        };
        return Err(wrong(text, rest, what));
    }
    let value = value(word).map_err(|what| wrong(text, word, what))?;
    signs.negative = signs.negative.or((value < 0).then_some(word));
    signs.large = signs
        .large
        .or((value > 127 && !word.starts_with("0x")).then_some(word));
    let byte = u8::try_from(value).ok();
    let byte = byte.or_else(|| i8::try_from(value).ok().map(|byte| byte.to_ne_bytes()[0]));
    let byte = byte.ok_or_else(|| {
        wrong(
            text,
            word,
            "a byte is a number from 0 to 255, or from -128 to 127",
        )
    })?;
    Ok((byte, after))
}

/// The value of a number in source code.
fn value(word: &str) -> Result<i64, &'static str> {
    let (sign, digits) = match word.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (-1, digits),
        None => (1, word),
    };
    let hex = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    let number = if let Some(hex) = hex {
        i64::from_str_radix(hex.trim_end_matches(['u', 'U', 'l', 'L']), 16)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        i64::from_str_radix(binary, 2)
    } else {
        let decimal = digits
            .trim_end_matches("u8")
            .trim_end_matches(['u', 'U', 'l', 'L']);
        if decimal.len() > 1 && decimal.starts_with('0') {
            return Err("a number that begins with 0: octal, decimal or hex?");
        }
        decimal.parse()
    };
    number
        .map(|number| sign * number)
        .map_err(|_| "no number that a byte can have")
}
