//! Bytes as text: which encoding it has, and what editors and browsers put into it that nobody sees.

use crate::app::input::place::wrong;
use std::borrow::Cow;

/// The text that these bytes are, or else `None`. What nobody sees in it is taken out: marks of the byte
/// order, characters without width and colours; blanks of any kind and line ends are made those of ASCII.
///
/// # Errors
///
/// It is text but for a control character, and where that is.
pub(crate) fn text(bytes: &[u8]) -> Option<Result<String, String>> {
    let text = utf_16(bytes)
        .map(Cow::Owned)
        .or_else(|| utf_8(bytes))
        .or_else(|| windows_1252(bytes).map(Cow::Owned))?;
    let text = without_colours(&text);
    let mut controls = text
        .char_indices()
        .filter(|(_, c)| is_control(*c))
        .peekable();
    let Some(&(at, _)) = controls.peek() else {
        return Some(Ok(cleaned(&text)));
    };
    let begins_visibly = text.starts_with(|c: char| c.is_ascii_graphic());
    let is_text = begins_visibly && controls.count() <= text.len() / 16;
    is_text.then(|| {
        let c = text[at..].chars().next().unwrap_or_default();
        let what =
            format!("the control character {c:?}, in what else is text; --raw takes it as bytes");
        Err(wrong(&text, &text[at..at], &what))
    })
}

/// No frame that is legal begins like the text of one of the other encodings.
fn utf_8(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// As Windows writes it into files: after a mark, or else with a zero beside each character of ASCII.
fn utf_16(bytes: &[u8]) -> Option<String> {
    let (from, bytes): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => (u16::from_be_bytes, rest),
        [first, 0, ..] if first.is_ascii_graphic() => (u16::from_le_bytes, bytes),
        _ => return None,
    };
    let units = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok()
        .filter(|text| bytes.len() % 2 == 0 && !text.chars().any(is_control))
}

/// Text of ASCII but for the blanks, quotes and dashes of Windows.
fn windows_1252(bytes: &[u8]) -> Option<String> {
    let character = |&byte: &u8| match byte {
        b'\t' | b'\r' | b'\n' | b' '..=b'~' => Some(char::from(byte)),
        0x85 => Some('…'),
        0x91 | 0x92 => Some('\''),
        0x93 | 0x94 => Some('"'),
        0x96 | 0x97 => Some('-'),
        0xA0 => Some(' '),
        _ => None,
    };
    let is_text = bytes.first().is_some_and(u8::is_ascii_graphic);
    bytes
        .iter()
        .map(character)
        .collect::<Option<String>>()
        .filter(|_| is_text)
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0C')
}

/// Without the sequences that colour text on a terminal.
fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains("\x1b[") {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let parameters = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match parameters.strip_prefix(['m', 'K']) {
            Some(rest) => plain += rest,
            None => {
                plain += "\x1b[";
                plain += part;
            }
        }
    }
    Cow::Owned(plain)
}

fn cleaned(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}' => {}
            '\r' | '\x0C' | '\u{85}' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            _ => cleaned.push(c),
        }
    }
    cleaned
}
