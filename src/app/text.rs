//! Text and bytes made fit for a terminal: nothing raw, nothing too wide.

use std::fmt::Write as _;
use std::time::Duration;

/// The most columns of a line.
pub(crate) const COLUMNS: usize = 80;

/// Bytes of a peer in quotation marks: characters as they are, all else escaped.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => text.push(c),
                '\0'..='\x7f' => text.extend((c as u8).escape_ascii().map(char::from)),
                _ => text.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text + "\""
}

/// The same without the marks around it, and with those inside as they are.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let quoted = quoted(bytes);
    quoted[1..quoted.len() - 1].replace("\\\"", "\"")
}

/// Text of a peer with nothing that a terminal obeys, and all else as it is: control characters but tabs and
/// line feeds are escaped, and so are those that turn text around or end a line in other ways.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let _ = match c {
            '\t' | '\n' => write!(shown, "{c}"),
            '\0'..='\x1f' | '\x7f' => write!(shown, "\\x{:02x}", u32::from(c)),
            c if c.is_control() || turns_text(c) => write!(shown, "{}", c.escape_unicode()),
            _ => write!(shown, "{c}"),
        };
    }
    shown
}

/// Whether a character is none to be seen, but turns the text around it, or ends its line.
pub(crate) const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON in printable ASCII. JSON leaves control characters above 126 as they are, and those that turn text
/// around, which a terminal might obey. Where lines end, JSON's structure does: in texts it escapes that.
pub(crate) fn in_ascii(json: String) -> String {
    let is_plain = |c: char| matches!(c, ' '..='~' | '\n');
    if json.chars().all(is_plain) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) {
            escaped.push(c);
        } else {
            // JSON counts in units of UTF-16 (RFC 8259 §7).
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// Two digits a byte, and one space between bytes.
pub(crate) fn spaced(bytes: &[u8]) -> String {
    with_between(bytes, " ")
}

/// Two digits a byte, nothing between.
pub(crate) fn joined(bytes: &[u8]) -> String {
    with_between(bytes, "")
}

fn with_between(bytes: &[u8], between: &str) -> String {
    let mut digits = String::with_capacity(bytes.len() * (2 + between.len()));
    for (i, byte) in bytes.iter().enumerate() {
        let between = if i == 0 { "" } else { between };
        let _ = write!(digits, "{between}{byte:02x}");
    }
    digits
}

/// How many columns text takes. East Asian characters and emoji take two.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

const fn columns(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F000..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// Cuts text that is wider than `limit`, and shows that by an ellipsis.
pub(crate) fn clipped(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.into();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|&c| {
        used += columns(c);
        used <= limit
    });
    kept.chain(['…']).collect()
}

/// Fills with spaces up to `columns`.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    [text, &" ".repeat(missing)].concat()
}

/// Breaks prose into lines, each but the first after `indent` spaces: the first follows text that already
/// takes as many columns.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut at = indent;
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 && at + 1 + width(word) > COLUMNS - 1 {
            let _ = write!(lines, "\n{:indent$}", "");
            at = indent;
        } else if i > 0 {
            lines.push(' ');
            at += 1;
        }
        lines.push_str(word);
        at += width(word);
    }
    lines
}

/// "1 frame", "2 frames".
pub(crate) fn count(number: u64, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// A time since the beginning, of three digits or more: "+0.12 ms", "+12.3 ms", "+1.23 s".
pub(crate) fn since(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    let (number, unit) = if milliseconds < 999.5 {
        (milliseconds, "ms")
    } else {
        (milliseconds / 1000.0, "s")
    };
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("+{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn json_in_ascii_says_the_same_and_shows_nothing_that_a_terminal_might_obey() {
        let many = (0..0x3000).chain((0x3000..=0x10_FFFF).step_by(61));
        let all = many.filter_map(char::from_u32);
        let text: String = all.collect();
        for json in [
            serde_json::json!({ "text": text }).to_string(),
            format!("{:#}", serde_json::json!({ "text": text, "list": [1] })),
        ] {
            let ascii = in_ascii(json.clone());
            assert!(
                ascii
                    .bytes()
                    .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
            );
            assert_eq!(ascii.lines().count(), json.lines().count());
            let [said, meant] = [&ascii, &json].map(|json| serde_json::from_str::<Value>(json));
            assert!(said.expect("it is JSON") == meant.expect("it was JSON"));
        }
    }

    #[test]
    fn a_time_has_three_digits_or_more() {
        for (microseconds, text) in [
            (0, "+0.00 ms"),
            (120, "+0.12 ms"),
            (9_994, "+9.99 ms"),
            (9_996, "+10.0 ms"),
            (99_960, "+100 ms"),
            (999_400, "+999 ms"),
            (999_600, "+1.00 s"),
            (12_345_000, "+12.3 s"),
            (86_400_000_000, "+86400 s"),
        ] {
            assert_eq!(since(Duration::from_micros(microseconds)), text);
        }
    }

    #[test]
    fn harmless_text_is_as_it_was_but_for_what_a_terminal_obeys() {
        let ordinary =
            "tab\tand\nline, \\ \"quoted\" 'so', é 漢 👩\u{200d}👩\u{200d}👧 e\u{301} \u{a0}";
        assert_eq!(harmless(ordinary), ordinary);
        assert_eq!(harmless("\0\x1b[2J\r\x7f"), "\\x00\\x1b[2J\\x0d\\x7f");
        assert_eq!(
            harmless(
                "\u{80}\u{9b}\u{9f}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}"
            ),
            "\\u{80}\\u{9b}\\u{9f}\\u{61c}\\u{200e}\\u{200f}\\u{2028}\\u{2029}\\u{202a}\\u{202e}\\u{2066}\\u{2069}"
        );
    }

    #[test]
    fn hex_is_two_digits_a_byte_with_or_without_spaces() {
        assert_eq!((&*spaced(b""), &*joined(b"")), ("", ""));
        assert_eq!((&*spaced(b"\x0a"), &*joined(b"\x0a")), ("0a", "0a"));
        assert_eq!(spaced(b"\0\x7f\xff"), "00 7f ff");
        assert_eq!(joined(b"\0\x7f\xff"), "007fff");
    }
}
