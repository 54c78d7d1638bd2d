//! What a terminal sends for each key.

use std::str;

/// A key, by what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Paste(String),
    Return,
    Tab,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    /// Deletes the character before the cursor, or after it.
    Backspace,
    Delete,
    /// Deletes from the cursor up to there.
    DeleteWord,
    DeleteToStart,
    DeleteToEnd,
    Redraw,
    Interrupt,
    Suspend,
    /// Ctrl-D.
    EndOfInput,
    /// A key that means nothing here.
    Other,
}

/// Marks the end of what is pasted.
const PASTE_END: &[u8] = b"\x1b[201~";

/// The longest sequence that any key sends. A longer one is none.
const LONGEST: usize = 16;

/// Puts bytes together to keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The beginning of a character or a sequence.
    begun: Vec<u8>,
    is_pasting: bool,
}

impl Keys {
    /// The key that ends with this byte.
    pub(super) fn push(&mut self, byte: u8) -> Option<Key> {
        self.begun.push(byte);
        if self.is_pasting {
            let pasted = self.begun.strip_suffix(PASTE_END)?;
            let text = String::from_utf8_lossy(pasted);
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            self.is_pasting = false;
            self.begun.clear();
            return Some(Key::Paste(text));
        }
        let key = match &self.begun[..] {
            b"\x1b[200~" => {
                self.is_pasting = true;
                self.begun.clear();
                return None;
            }
            [0x1B, sequence @ ..] => escaped(sequence)?,
            [0x80..=0xFF, ..] => character(&self.begun)?,
            _ => plain(byte),
        };
        self.begun.clear();
        Some(key)
    }
}

fn plain(byte: u8) -> Key {
    const fn control(letter: u8) -> u8 {
        letter & 0x1F
    }
    const A: u8 = control(b'A');
    const B: u8 = control(b'B');
    const C: u8 = control(b'C');
    const D: u8 = control(b'D');
    const E: u8 = control(b'E');
    const F: u8 = control(b'F');
    const H: u8 = control(b'H');
    const K: u8 = control(b'K');
    const L: u8 = control(b'L');
    const N: u8 = control(b'N');
    const P: u8 = control(b'P');
    const U: u8 = control(b'U');
    const W: u8 = control(b'W');
    const Z: u8 = control(b'Z');
    match byte {
        b'\r' | b'\n' => Key::Return,
        b'\t' => Key::Tab,
        H | 0x7F => Key::Backspace,
        A => Key::Home,
        E => Key::End,
        B => Key::Left,
        F => Key::Right,
        P => Key::Up,
        N => Key::Down,
        K => Key::DeleteToEnd,
        U => Key::DeleteToStart,
        W => Key::DeleteWord,
        L => Key::Redraw,
        C => Key::Interrupt,
        D => Key::EndOfInput,
        Z => Key::Suspend,
        b' '..=b'~' => Key::Char(char::from(byte)),
        _ => Key::Other,
    }
}

/// What follows an escape; `None` as long as it may go on.
fn escaped(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        [] | [b'[' | b'O'] => return None,
        b"b" => Key::WordLeft,
        b"f" => Key::WordRight,
        [0x7F | 0x08] => Key::DeleteWord,
        [b'[' | b'O', parameters @ .., last @ b'@'..=b'~'] => match (parameters, last) {
            (b"", b'A') => Key::Up,
            (b"", b'B') => Key::Down,
            (b"", b'C') => Key::Right,
            (b"", b'D') => Key::Left,
            (b"", b'H') | (b"1" | b"7", b'~') => Key::Home,
            (b"", b'F') | (b"4" | b"8", b'~') => Key::End,
            (b"3", b'~') => Key::Delete,
            // With Ctrl or Alt.
            (b"1;3" | b"1;5" | b"5", b'C') => Key::WordRight,
            (b"1;3" | b"1;5" | b"5", b'D') => Key::WordLeft,
            _ => Key::Other,
        },
        [b'[' | b'O', rest @ ..] if rest.len() < LONGEST => return None,
        _ => Key::Other,
    })
}

/// A character in UTF-8; `None` as long as it is not complete.
fn character(bytes: &[u8]) -> Option<Key> {
    match str::from_utf8(bytes) {
        Ok(text) => text.chars().next().map(Key::Char),
        Err(error) => error.error_len().map(|_| Key::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_told_by_their_bytes() {
        let char = |c| vec![Key::Char(c)];
        let paste = |text: &str| vec![Key::Paste(text.into())];
        let cases: &[(&[u8], Vec<Key>)] = &[
            (b"a", char('a')),
            ("ä".as_bytes(), char('ä')),
            ("👋".as_bytes(), char('👋')),
            (b"\xC3a", vec![Key::Other]),
            (b"\r", vec![Key::Return]),
            (b"\x03\x04", vec![Key::Interrupt, Key::EndOfInput]),
            (b"\x7f\x08", vec![Key::Backspace; 2]),
            (b"\x1b[A\x1bOA\x10", vec![Key::Up; 3]),
            (b"\x1b[D\x02", vec![Key::Left; 2]),
            (b"\x1b[1;5C\x1bf", vec![Key::WordRight; 2]),
            (b"\x1b[H\x1b[1~\x01", vec![Key::Home; 3]),
            (b"\x1b[3~", vec![Key::Delete]),
            (b"\x1b[15~\x1bx\x00", vec![Key::Other; 3]),
            (b"\x1b[200~a\x1b[A\r\nb\rc\x1b[201~", paste("a\x1b[A\nb\nc")),
            (b"\x1b[200~\x1b[201~x", [paste(""), char('x')].concat()),
        ];
        for (bytes, expected) in cases {
            let mut keys = Keys::default();
            let told: Vec<_> = bytes.iter().filter_map(|byte| keys.push(*byte)).collect();
            assert_eq!(told, *expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_sequence_without_an_end_holds_nothing_up() {
        let mut keys = Keys::default();
        let endless = [b"\x1b[".as_slice(), &[b'1'; 40]].concat();
        assert!(endless.iter().filter_map(|byte| keys.push(*byte)).count() > 1);
    }
}
