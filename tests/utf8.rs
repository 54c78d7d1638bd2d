//! Text checked as its bytes arrive, against `str::from_utf8`.

use crate::support::bytes::cuts;
use plainws::protocol::utf8::{Decoder, NotUtf8};
use std::str;

/// One byte of each kind that UTF-8 tells apart, and the borders between them.
#[rustfmt::skip]
const KINDS: [u8; 32] = [
    0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
    0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF, 0x20,
];

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Whole characters.
    Text(String),
    /// Whole characters and the start of one more.
    Unfinished(String),
    Wrong,
}

/// What the standard library says.
fn expected(bytes: &[u8]) -> Verdict {
    match str::from_utf8(bytes) {
        Ok(text) => Verdict::Text(text.into()),
        Err(error) if error.error_len().is_some() => Verdict::Wrong,
        Err(error) => {
            let whole = &bytes[..error.valid_up_to()];
            Verdict::Unfinished(String::from_utf8_lossy(whole).into())
        }
    }
}

/// What the decoder says after these pieces.
fn decode(pieces: &[&[u8]]) -> Verdict {
    let (mut decoder, mut text) = (Decoder::default(), String::new());
    for piece in pieces {
        if decoder.decode(piece, &mut text).is_err() {
            return Verdict::Wrong;
        }
    }
    if decoder.is_between_characters() {
        Verdict::Text(text)
    } else {
        Verdict::Unfinished(text)
    }
}

/// Whole and byte by byte.
fn check(bytes: &[u8]) {
    let expected = expected(bytes);
    assert_eq!(decode(&[bytes]), expected, "{bytes:02x?}");
    let bytewise: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(decode(&bytewise), expected, "{bytes:02x?} byte by byte");
}

/// The place of the byte that is refused.
fn first_wrong_byte(pieces: &[&[u8]]) -> usize {
    let mut decoder = Decoder::default();
    let mut before = 0;
    for piece in pieces {
        if let Err(NotUtf8 { at }) = decoder.decode(piece, &mut String::new()) {
            return before + at;
        }
        before += piece.len();
    }
    before
}

mod s8_1_every_sequence {
    use super::*;

    #[test]
    fn of_one_or_two_bytes_is_judged_as_by_the_standard_library() {
        check(&[]);
        for a in 0..=u8::MAX {
            check(&[a]);
            (0..=u8::MAX).for_each(|b| check(&[a, b]));
        }
    }

    #[test]
    fn of_three_bytes_is_judged_as_by_the_standard_library() {
        for (a, b) in (0..=u8::MAX).flat_map(|a| (0..=u8::MAX).map(move |b| (a, b))) {
            // Behind a whole character or an error, a few third bytes will do.
            match expected(&[a, b]) {
                Verdict::Unfinished(text) if text.is_empty() => {
                    (0..=u8::MAX).for_each(|c| check(&[a, b, c]));
                }
                _ => KINDS.iter().step_by(4).for_each(|&c| check(&[a, b, c])),
            }
        }
    }

    #[test]
    fn of_four_bytes_is_judged_as_by_the_standard_library_in_samples_of_each_kind() {
        for a in KINDS {
            for (b, c, d) in KINDS.iter().flat_map(|&b| {
                KINDS
                    .iter()
                    .flat_map(move |&c| KINDS.iter().map(move |&d| (b, c, d)))
            }) {
                // An error before the last byte was met above.
                if expected(&[a, b, c]) != Verdict::Wrong {
                    check(&[a, b, c, d]);
                }
            }
        }
    }

    #[test]
    fn of_one_character_is_text() {
        let mut text = String::new();
        for character in ('\0'..=char::MAX).step_by(7) {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            let mut decoder = Decoder::default();
            text.clear();
            for byte in bytes {
                assert!(text.is_empty(), "{character:?} is not complete yet");
                assert_eq!(decoder.decode(&[*byte], &mut text), Ok(()));
            }
            assert!(text.chars().eq([character]) && decoder.is_between_characters());
        }
    }
}

mod s8_1_a_bad_byte {
    use super::*;

    /// The last byte is the first that cannot be right.
    const WRONG: &[(&str, &[u8])] = &[
        ("a continuation byte first", b"\x80"),
        ("an overlong NUL", b"\xC0"),
        ("an overlong slash", b"\xC1"),
        ("overlong in three bytes", b"\xE0\x9F"),
        ("overlong in four bytes", b"\xF0\x8F"),
        ("a high surrogate", b"\xED\xA0"),
        ("a low surrogate", b"\xED\xBF"),
        ("beyond U+10FFFF", b"\xF4\x90"),
        ("a first byte of the old five", b"\xF8"),
        ("never a byte of UTF-8", b"\xFE"),
        ("two bytes cut by ASCII", b"\xC3A"),
        ("three bytes cut by ASCII", b"\xE2\x82A"),
        ("four bytes cut by ASCII", b"\xF0\x9F\x98A"),
        ("three bytes cut by another three", b"\xE2\x82\xE2"),
        ("one continuation byte too many", b"\xE2\x82\xAC\x80"),
        ("after text", b"text \xE2\x82\xAC\xFF"),
    ];

    #[test]
    fn fails_at_once_wherever_the_input_is_cut() {
        for (name, bytes) in WRONG {
            let before = &bytes[..bytes.len() - 1];
            for pieces in cuts(before) {
                assert_ne!(decode(&pieces), Verdict::Wrong, "{name}");
            }
            for after in [&b""[..], b"A", b"\x80\x80\x80"] {
                for pieces in cuts(&[bytes, after].concat()) {
                    assert_eq!(decode(&pieces), Verdict::Wrong, "{name}");
                    assert_eq!(first_wrong_byte(&pieces), before.len(), "{name}");
                }
            }
        }
    }

    #[test]
    fn adds_nothing_to_the_text_that_is_not_before_it() {
        let (mut decoder, mut text) = (Decoder::default(), "earlier".to_owned());
        assert_eq!(
            decoder.decode(b"ab\xFFcd", &mut text),
            Err(NotUtf8 { at: 2 })
        );
        assert!("earlierab".starts_with(&text), "{text}");
    }
}

mod s5_6_text_in_pieces {
    use super::*;

    const MIXED: &str = "a\0 é\u{7FF}ࠀ€\u{D7FF}\u{E000}\u{FFFF}𐀀😀\u{10FFFF}z";

    #[test]
    fn comes_together_however_it_is_cut() {
        for pieces in cuts(MIXED.as_bytes()) {
            assert_eq!(decode(&pieces), Verdict::Text(MIXED.into()));
        }
    }

    #[test]
    fn comes_together_from_three_pieces_and_from_empty_ones() {
        let bytes = MIXED.as_bytes();
        for (from, to) in
            (0..=bytes.len()).flat_map(|from| (from..=bytes.len()).map(move |to| (from, to)))
        {
            let pieces = [&bytes[..from], &bytes[from..to], &[], &bytes[to..]];
            assert_eq!(decode(&pieces), Verdict::Text(MIXED.into()), "{from}..{to}");
        }
    }

    #[test]
    fn may_not_end_inside_a_character() {
        for end in 0..MIXED.len() {
            let bytes = &MIXED.as_bytes()[..end];
            let verdict = decode(&[bytes]);
            let is_text = matches!(verdict, Verdict::Text(_));
            assert_eq!(is_text, MIXED.is_char_boundary(end), "{end}");
        }
    }
}
