//! Bytes as escapes in text: `\x81`, `\201` and those of C.

use super::place::wrong;

/// Reads text in which some bytes are written as escapes, without quotes around it. Where all but blanks and
/// commas is escapes, these only separate them.
///
/// # Errors
///
/// Which escape is none, and where, in words for people.
pub(crate) fn unquoted(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut of_escapes = Vec::new();
    let mut is_separated = true;
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let (byte, after) = next(text, rest)?;
        bytes.extend(byte);
        if c == '\\' {
            of_escapes.extend(byte);
        } else {
            is_separated &= " \t\r\n,".contains(c);
        }
        rest = after;
    }
    Ok(if is_separated { of_escapes } else { bytes })
}

/// Reads one character or escape at the beginning of `rest`, which is the end of a part of `text`: its byte,
/// none where a line is only continued, and what follows.
///
/// # Errors
///
/// Why it is no byte, and where.
pub(crate) fn next<'a>(text: &str, rest: &'a str) -> Result<(Option<u8>, &'a str), String> {
    match rest.as_bytes() {
        [b'\\', ..] => escape(text, rest),
        [byte, ..] if byte.is_ascii() => Ok((Some(*byte), &rest[1..])),
        _ => {
            let what = "outside ASCII a character may be one byte or several; write it as \\x..";
            Err(wrong(text, rest, what))
        }
    }
}

/// Reads an escape.
fn escape<'a>(text: &str, rest: &'a str) -> Result<(Option<u8>, &'a str), String> {
    let known = |byte| Ok((Some(byte), &rest[2..]));
    match rest.as_bytes().get(1) {
        Some(b'x' | b'X') => hex(text, rest),
        Some(b'0'..=b'7') => octal(text, rest),
        Some(b'u' | b'U') => unicode(text, rest),
        Some(b'n') => known(b'\n'),
        Some(b'r') => known(b'\r'),
        Some(b't') => known(b'\t'),
        Some(b'a') => known(0x07),
        Some(b'b') => known(0x08),
        Some(b'f') => known(0x0C),
        Some(b'v') => known(0x0B),
        Some(b'e') => known(0x1B),
        Some(&byte @ (b'\\' | b'"' | b'\'' | b'`' | b'/')) => known(byte),
        // A line that goes on.
        Some(b'\n') => Ok((None, &rest[2..])),
        _ => Err(wrong(text, rest, "a \\ that begins no known escape")),
    }
}

fn hex<'a>(text: &str, rest: &'a str) -> Result<(Option<u8>, &'a str), String> {
    let digits = rest.get(2..4).filter(|digits| is_hex(digits));
    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match byte {
        Some(byte) => Ok((Some(byte), &rest[4..])),
        None => Err(wrong(text, rest, "\\x needs two hex digits")),
    }
}

fn octal<'a>(text: &str, rest: &'a str) -> Result<(Option<u8>, &'a str), String> {
    let digits = rest.bytes().skip(1).take(3);
    let count = digits
        .take_while(|digit| (b'0'..=b'7').contains(digit))
        .count();
    let (digits, after) = rest.split_at(1 + count);
    match u8::from_str_radix(&digits[1..], 8) {
        Ok(byte) => Ok((Some(byte), after)),
        Err(_) => Err(wrong(text, digits, "above \\377, which is no byte")),
    }
}

/// `\u0005` and `\u{5}`, which name a character: below 0x80 that is one byte.
fn unicode<'a>(text: &str, rest: &'a str) -> Result<(Option<u8>, &'a str), String> {
    let after = &rest[2..];
    let (digits, after) = match after
        .strip_prefix('{')
        .and_then(|inner| inner.split_once('}'))
    {
        Some(braced) => braced,
        None => {
            let count = if rest.as_bytes()[1] == b'u' { 4 } else { 8 };
            after.split_at_checked(count).unwrap_or(("", ""))
        }
    };
    let number = u32::from_str_radix(digits, 16).ok();
    match number.and_then(|number| u8::try_from(number).ok()) {
        Some(byte) if byte.is_ascii() && is_hex(digits) => Ok((Some(byte), after)),
        _ => {
            let what = "names a character, which may be one byte or several; write it as \\x..";
            Err(wrong(text, rest, what))
        }
    }
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}
