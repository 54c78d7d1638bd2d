//! What others have written, made fit to stand in a sentence.

use std::fmt::Write as _;
use std::io;

/// Text from anywhere, in quotation marks and escaped; only the beginning of what is long.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", clipped(text, 100))
}

/// The beginning of a text, and dots in place of the rest.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// An error of the system without its number, which says less than the words.
pub(super) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_owned()
}

/// The error as a sentence about what it happened to, of the same kind; one of our own is a sentence already.
pub(super) fn said_of(what: &str, error: io::Error) -> io::Error {
    if error.get_ref().is_some() {
        return error;
    }
    io::Error::new(
        error.kind(),
        format!("{what} was lost: {}", in_words(&error)),
    )
}

/// Why there is no TLS with somebody, as a sentence.
pub(super) fn not_secured(who: &str, error: &io::Error) -> io::Error {
    let problem = in_words(error);
    io::Error::new(error.kind(), format!("no TLS with {who}: {problem}"))
}

/// Bytes as text, with nothing that a terminal obeys: what is no UTF-8, control characters but tabs and line ends, and
/// characters that turn text around are escaped.
pub(super) fn harmless(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().replace("\r\n", "\n").chars() {
            match c {
                '\t' | '\n' => text.push(c),
                c if c.is_control() || turns_text(c) => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Whether a character is none to be seen, but turns the text around it, or ends its line.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_all_else_stays() {
        for (bytes, shown) in [
            (&b"a\tb\r\nc\n"[..], "a\tb\nc\n"),
            ("日本 e\u{301} \"\\".as_bytes(), "日本 e\u{301} \"\\"),
            (b"\x1b[2J\x07\r\0", "\\u{1b}[2J\\u{7}\\r\\u{0}"),
            ("\u{9b}\u{202e}\u{7f}".as_bytes(), "\\u{9b}\\u{202e}\\u{7f}"),
            (b"caf\xe9 \xe2\x82", "caf\\xe9 \\xe2\\x82"),
        ] {
            assert_eq!(harmless(bytes), shown);
        }
    }

    #[test]
    fn the_number_of_an_error_of_the_system_is_left_out() {
        let error = io::Error::from_raw_os_error(2);
        assert!(error.to_string().contains("os error 2"));
        let said = said_of("the file", error);
        assert_eq!(said.kind(), io::ErrorKind::NotFound);
        assert!(said.to_string().starts_with("the file was lost: "));
        assert!(!said.to_string().contains("os error"), "{said}");
        let own = said_of("the file", io::Error::other("the disk is full"));
        assert_eq!(own.to_string(), "the disk is full");
    }

    #[test]
    fn what_is_long_is_clipped_between_two_characters() {
        assert_eq!(clipped("ab", 2), "ab");
        assert_eq!(clipped("äöü", 2), "äö…");
        assert_eq!(quoted("\u{1b}\""), "\"\\u{1b}\\\"\"");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), 103);
    }
}
