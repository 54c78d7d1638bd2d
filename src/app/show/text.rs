//! Text and bytes made fit for a terminal: nothing raw, nothing too wide.

use std::fmt::Write as _;

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

/// Two digits a byte, and one space between bytes.
pub(crate) fn spaced(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// Two digits a byte, nothing between.
pub(crate) fn joined(bytes: &[u8]) -> String {
    spaced(bytes).replace(' ', "")
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
