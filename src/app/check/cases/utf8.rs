//! Text that is UTF-8, and text that is not (§5.6, §8.1, RFC 3629).

use super::super::old_suite::number;
use super::super::script::{Form, binary, first, first_binary, last, more, ping, text};
use super::rows::*;
use crate::app::text::count;

pub(super) fn cases() -> Vec<Case> {
    [
        legal(),
        noncharacters(),
        legal_in_pieces(),
        greek(),
        illegal(),
        illegal_in_pieces(),
        illegal_by_what_follows(),
        long(),
        early(),
        beside(),
    ]
    .concat()
}

/// "κόσμε", characters of two bytes and one of three.
const GREEK: &str = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}";
/// A surrogate in the middle.
const GREEK_EDITED: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
const HELLO: &str = "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!";

fn row(id: impl Into<Text>, title: impl Into<Text>) -> Case {
    case(Group::Utf8, id, title, "8.1")
}

/// A text that has to come back.
fn echoed(id: impl Into<Text>, title: impl Into<Text>, bytes: &[u8]) -> Case {
    row(id, title).plays([send([whole(bytes)]), expect([text_back(bytes)])])
}

/// Frames at which the connection has to be failed.
fn failed(id: impl Into<Text>, title: impl Into<Text>, script: impl Into<Vec<Step>>) -> Case {
    row(id, title)
        .breaks(Rule::TextNotUtf8)
        .plays(script)
        .likely("text is not checked, or what is wrong in it is replaced by U+FFFD")
}

/// A text in one frame, whatever its bytes.
fn whole(bytes: &[u8]) -> Frame {
    script::text_of(bytes)
}

/// A text whose bytes have a frame each; the last frame is empty.
fn byte_by_byte(bytes: &[u8]) -> Vec<Frame> {
    let frame = |(at, byte): (usize, &u8)| match at {
        0 => first([*byte]),
        _ => more([*byte]),
    };
    let mut frames: Vec<_> = bytes.iter().enumerate().map(frame).collect();
    frames.push(last(""));
    frames
}

/// The same without an empty frame.
fn fragments(parts: &[&[u8]]) -> Vec<Frame> {
    let end = parts.len() - 1;
    let frame = |(at, part): (usize, &&[u8])| match at {
        0 => first(*part),
        at if at == end => last(*part),
        _ => more(*part),
    };
    parts.iter().enumerate().map(frame).collect()
}

const LEGAL: &[(&str, &str, &[u8], &str)] = &[
    // id, what the text is, bytes, number in the old suite
    ("empty-text", "an empty text", b"", "6.1.1"),
    (
        "text-of-2-byte-characters",
        "a text with characters of one and two bytes",
        HELLO.as_bytes(),
        "6.2.1",
    ),
    (
        "dollar",
        "a character of one byte among others",
        b"hello$world",
        "6.5.1",
    ),
    (
        "cent",
        "a character of two bytes among others",
        "hello\u{a2}world".as_bytes(),
        "6.5.2",
    ),
    (
        "euro",
        "a character of three bytes among others",
        "hello\u{20ac}world".as_bytes(),
        "6.5.3",
    ),
    (
        "ideograph-of-4-bytes",
        "a character of four bytes among others",
        "hello\u{24b62}world".as_bytes(),
        "6.5.4",
    ),
    (
        "greek",
        "a text of Greek letters",
        GREEK.as_bytes(),
        "6.5.5",
    ),
    ("nul", "U+0000, the first code point", b"\0", "6.7.1"),
    (
        "first-of-2-bytes",
        "U+0080, the first in two bytes",
        b"\xc2\x80",
        "6.7.2",
    ),
    (
        "first-of-3-bytes",
        "U+0800, the first in three bytes",
        b"\xe0\xa0\x80",
        "6.7.3",
    ),
    (
        "first-of-4-bytes",
        "U+10000, the first in four bytes",
        b"\xf0\x90\x80\x80",
        "6.7.4",
    ),
    (
        "last-of-1-byte",
        "U+007F, the last in one byte",
        b"\x7f",
        "6.9.1",
    ),
    (
        "last-of-2-bytes",
        "U+07FF, the last in two bytes",
        b"\xdf\xbf",
        "6.9.2",
    ),
    (
        "last-of-3-bytes",
        "U+FFFF, the last in three bytes",
        b"\xef\xbf\xbf",
        "6.9.3",
    ),
    (
        "last-of-4-bytes",
        "U+10FFFF, the last in four bytes",
        b"\xf4\x8f\xbf\xbf",
        "6.9.4",
    ),
    (
        "before-surrogates",
        "U+D7FF, the last before the surrogates",
        b"\xed\x9f\xbf",
        "6.11.1",
    ),
    (
        "after-surrogates",
        "U+E000, the first after the surrogates",
        b"\xee\x80\x80",
        "6.11.2",
    ),
    (
        "replacement-character",
        "U+FFFD, sent as such",
        b"\xef\xbf\xbd",
        "6.11.3",
    ),
    (
        "last-code-point",
        "U+10FFFF, after which there is none",
        b"\xf4\x8f\xbf\xbf",
        "6.11.4",
    ),
    // Ours.
    (
        "nul-among-others",
        "a text with U+0000 in the middle",
        b"one\0two",
        "",
    ),
    (
        "control-characters",
        "all control characters",
        b"\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x1b\x7f\xc2\x85\xc2\x9f",
        "",
    ),
    (
        "line-ends",
        "line ends of all kinds, none of them changed",
        b"\r\n\n\r\r\n\xe2\x80\xa8\xc2\x85",
        "",
    ),
    (
        "combining",
        "letters with combining marks, not composed",
        "e\u{301}o\u{308}\u{1112}\u{1161}\u{11ab}".as_bytes(),
        "",
    ),
    (
        "right-to-left",
        "characters that turn the text around",
        "\u{202e}abc\u{202c}\u{2066}d\u{2069}".as_bytes(),
        "",
    ),
    (
        "emoji",
        "an emoji of several code points",
        "\u{1f469}\u{200d}\u{1f4bb}\u{1f3f3}\u{fe0f}".as_bytes(),
        "",
    ),
    (
        "private-use",
        "code points for private use",
        b"\xee\x80\x80\xef\xa3\xbf\xf3\xb0\x80\x80\xf4\x80\x80\x80",
        "",
    ),
    (
        "before-e1",
        "U+0FFF, the last whose second byte is limited below",
        b"\xe0\xbf\xbf\xe1\x80\x80",
        "",
    ),
    (
        "before-f1",
        "U+3FFFF and U+40000, where the first byte changes",
        b"\xf0\xbf\xbf\xbf\xf1\x80\x80\x80",
        "",
    ),
    (
        "before-f4",
        "U+FFFFF and U+100000, where the first byte changes",
        b"\xf3\xbf\xbf\xbf\xf4\x80\x80\x80",
        "",
    ),
    (
        "byte-order-mark-inside",
        "U+FEFF in the middle of a text",
        b"one\xef\xbb\xbftwo",
        "",
    ),
];

fn legal() -> Vec<Case> {
    let table = LEGAL.iter().map(|&(id, what, bytes, old)| {
        let row = echoed(id, format!("send back {what}"), bytes);
        if old.is_empty() { row } else { row.old(old) }
    });
    let mut all: Vec<_> = table.collect();
    // A decoder may take it for a mark of the encoding and leave it out. It is a character (RFC 3629 §6), and what a
    // server makes of its messages is its own affair.
    for (id, bytes) in [
        ("byte-order-mark", &b"\xef\xbb\xbf"[..]),
        ("byte-order-mark-first", b"\xef\xbb\xbftext"),
    ] {
        let title = "U+FEFF at the beginning comes back like any character";
        let mut row = echoed(id, title, bytes).advice();
        row.section = "RFC 3629 6";
        all.push(row);
    }
    all
}

/// Code points that are no characters, but legal in UTF-8: two at the end of each plane, and some more.
fn noncharacters() -> Vec<Case> {
    let mut all = Vec::new();
    let mut utf8 = |id: String, what: &str, code: u32, old: Option<String>| {
        let c = char::from_u32(code)
            .expect("it is no surrogate")
            .to_string();
        let title = format!("U+{code:04X}, {what}, comes back");
        let row = echoed(id, title, c.as_bytes())
            .likely("noncharacters are taken for errors, which they are not in UTF-8");
        all.push(match old {
            Some(old) => row.old(number(&old)),
            None => row,
        });
    };
    for plane in 0..=16 {
        for low in 0..2 {
            let code = plane << 16 | 0xFFFE | low;
            let old = format!("6.22.{}", 2 * plane + low + 1);
            let what = "a noncharacter at the end of a plane";
            utf8(format!("noncharacter-{code:04x}"), what, code, Some(old));
        }
    }
    for at in 0..7 {
        let code = 0xFFF9 + at;
        let old = format!("6.23.{}", at + 1);
        utf8(
            format!("special-{code:04x}"),
            "among the specials",
            code,
            Some(old),
        );
    }
    for code in [0xFDD0, 0xFDEF] {
        utf8(
            format!("noncharacter-{code:04x}"),
            "a noncharacter",
            code,
            None,
        );
    }
    all
}

fn legal_in_pieces() -> Vec<Case> {
    let hello = HELLO.as_bytes();
    let mut all = vec![
        row(
            "empty-text-in-3-fragments",
            "a text of three empty fragments comes back",
        )
        .plays([
            send([first(""), more(""), last("")]),
            expect([text_back("")]),
        ])
        .old("6.1.2"),
        row(
            "empty-fragments-around-text",
            "a text between two empty fragments comes back",
        )
        .plays([
            send([first(""), more("middle frame payload"), last("")]),
            expect([text_back("middle frame payload")]),
        ])
        .old("6.1.3"),
        row(
            "text-in-2-fragments",
            "a text cut between two characters comes back",
        )
        .plays([
            send([first(&hello[..15]), last(&hello[15..])]),
            expect([text_back(HELLO)]),
        ])
        .old("6.2.2"),
        row(
            "a-fragment-for-each-byte",
            "a text with a fragment for each byte comes back",
        )
        .plays([send(byte_by_byte(hello)), expect([text_back(HELLO)])])
        .old("6.2.3"),
        row(
            "a-fragment-for-each-byte-of-greek",
            "characters cut into fragments come back",
        )
        .plays([
            send(byte_by_byte(GREEK.as_bytes())),
            expect([text_back(GREEK)]),
        ])
        .old("6.2.4"),
        row(
            "text-in-slivers",
            "a text whose bytes come one by one comes back",
        )
        .plays([drip([text(HELLO)]), expect([text_back(HELLO)])]),
        row(
            "fragments-in-slivers",
            "fragments whose bytes come one by one come back",
        )
        .plays([
            drip(byte_by_byte(GREEK.as_bytes())),
            expect([text_back(GREEK)]),
        ]),
        row(
            "two-texts-cut-in-characters",
            "what is left of a character is not taken into the next text",
        )
        .plays([
            send([
                first("\u{e9}"),
                last(""),
                first(b"\xe2\x82"),
                last(b"\xac"),
                text("\u{e9}"),
            ]),
            expect([
                text_back("\u{e9}"),
                text_back("\u{20ac}"),
                text_back("\u{e9}"),
            ]),
        ]),
    ];
    let characters = [("2", "\u{e9}"), ("3", "\u{20ac}"), ("4", "\u{1f600}")];
    for (length, character) in characters {
        let bytes = character.as_bytes();
        for at in 1..bytes.len() {
            let (before, after) = bytes.split_at(at);
            all.push(
                row(
                    format!("character-of-{length}-bytes-cut-after-{at}"),
                    format!(
                        "a character of {length} bytes, cut by a fragment after {at}, comes back"
                    ),
                )
                .plays([
                    send([first(before), last(after)]),
                    expect([text_back(character)]),
                ]),
            );
        }
        all.push(
            row(
                format!("character-of-{length}-bytes-in-slivers"),
                format!("a character of {length} bytes that come one by one comes back"),
            )
            .plays([drip([text(character)]), expect([text_back(character)])]),
        );
        let (before, after) = bytes.split_at(1);
        let around = |id: &str, title: &str, frame: Frame| {
            row(
                format!("character-of-{length}-bytes-around-{id}"),
                format!("a character of {length} bytes comes back with {title} in it"),
            )
            .plays([
                send([first(before), frame, last(after)]),
                expect([text_back(character)]),
            ])
        };
        all.push(around("an-empty-fragment", "an empty fragment", more("")));
        // Its payload need not be UTF-8, and is none of the text's.
        all.push(around("a-ping", "a ping", ping(b"\xff")));
    }
    let cause = "each fragment is decoded by itself, or something else got into the text";
    all.into_iter().map(|row| row.likely(cause)).collect()
}

/// A Greek word, cut after each of its bytes.
fn greek() -> Vec<Case> {
    let bytes = GREEK.as_bytes();
    let cut = |length: usize| {
        let old = number(&format!("6.6.{length}"));
        match std::str::from_utf8(&bytes[..length]) {
            Ok(text) => echoed(
                format!("greek-{length}-bytes"),
                format!(
                    "the first {length} bytes of a word, which end with a character, come back"
                ),
                text.as_bytes(),
            ),
            Err(_) => failed(
                format!("greek-cut-after-{length}-bytes"),
                format!(
                    "a text that ends within a character, after {}, is refused",
                    count(length as u64, "byte")
                ),
                [send([whole(&bytes[..length])])],
            ),
        }
        .old(old)
    };
    (1..=bytes.len()).map(cut).collect()
}

const ILLEGAL: &[(&str, &str, &[u8], &str)] = &[
    // id, what the text is, bytes, number in the old suite
    ("surrogate-among-others", "a surrogate among legal characters", GREEK_EDITED, "6.3.1"),
    ("first-of-5-bytes", "a sequence of five bytes, the first of those", b"\xf8\x88\x80\x80\x80", "6.8.1"),
    ("first-of-6-bytes", "a sequence of six bytes, the first of those", b"\xfc\x84\x80\x80\x80\x80", "6.8.2"),
    ("last-above-10ffff", "U+1FFFFF, the last in four bytes", b"\xf7\xbf\xbf\xbf", "6.10.1"),
    ("last-of-5-bytes", "a sequence of five bytes, the last of those", b"\xfb\xbf\xbf\xbf\xbf", "6.10.2"),
    ("last-of-6-bytes", "a sequence of six bytes, the last of those", b"\xfd\xbf\xbf\xbf\xbf\xbf", "6.10.3"),
    ("first-above-10ffff", "U+110000, the first beyond Unicode", b"\xf4\x90\x80\x80", "6.11.5"),
    ("lone-80", "a lone continuation byte, the first", b"\x80", "6.12.1"),
    ("lone-bf", "a lone continuation byte, the last", b"\xbf", "6.12.2"),
    ("lone-2-bytes", "2 lone continuation bytes", b"\x80\xbf", "6.12.3"),
    ("lone-3-bytes", "3 lone continuation bytes", b"\x80\xbf\x80", "6.12.4"),
    ("lone-4-bytes", "4 lone continuation bytes", b"\x80\xbf\x80\xbf", "6.12.5"),
    ("lone-5-bytes", "5 lone continuation bytes", b"\x80\xbf\x80\xbf\x80", "6.12.6"),
    ("lone-6-bytes", "6 lone continuation bytes", b"\x80\xbf\x80\xbf\x80\xbf", "6.12.7"),
    ("missing-1-of-2", "C0, alone", b"\xc0", "6.14.1"),
    ("missing-1-of-3", "E0 80, where a third byte is missing", b"\xe0\x80", "6.14.2"),
    ("missing-1-of-4", "F0 80 80, where a fourth byte is missing", b"\xf0\x80\x80", "6.14.3"),
    ("missing-1-of-5", "F8 and 3 bytes of five", b"\xf8\x80\x80\x80", "6.14.4"),
    ("missing-1-of-6", "FC and 4 bytes of six", b"\xfc\x80\x80\x80\x80", "6.14.5"),
    ("missing-1-of-2-last", "DF, whose second byte is missing", b"\xdf", "6.14.6"),
    ("missing-1-of-3-last", "EF BF, whose third byte is missing", b"\xef\xbf", "6.14.7"),
    ("missing-1-of-4-last", "F7 BF BF, where a fourth byte is missing", b"\xf7\xbf\xbf", "6.14.8"),
    ("missing-1-of-5-last", "FB and 3 bytes of five", b"\xfb\xbf\xbf\xbf", "6.14.9"),
    ("missing-1-of-6-last", "FD and 4 bytes of six", b"\xfd\xbf\xbf\xbf\xbf", "6.14.10"),
    (
        "missing-1-many-times",
        "ten sequences, each without its last byte",
        b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf\xfb\xbf\xbf\xbf\xfd\xbf\xbf\xbf\xbf",
        "6.15.1",
    ),
    ("byte-fe", "FE, which UTF-8 has not", b"\xfe", "6.16.1"),
    ("byte-ff", "FF, which UTF-8 has not", b"\xff", "6.16.2"),
    ("bytes-fe-and-ff", "FE FE FF FF, which UTF-8 has not", b"\xfe\xfe\xff\xff", "6.16.3"),
    ("overlong-slash-2-bytes", "a slash in two bytes", b"\xc0\xaf", "6.17.1"),
    ("overlong-slash-3-bytes", "a slash in three bytes", b"\xe0\x80\xaf", "6.17.2"),
    ("overlong-slash-4-bytes", "a slash in four bytes", b"\xf0\x80\x80\xaf", "6.17.3"),
    ("overlong-slash-5-bytes", "a slash in five bytes", b"\xf8\x80\x80\x80\xaf", "6.17.4"),
    ("overlong-slash-6-bytes", "a slash in six bytes", b"\xfc\x80\x80\x80\x80\xaf", "6.17.5"),
    ("overlong-last-2-bytes", "U+007F in two bytes", b"\xc1\xbf", "6.18.1"),
    ("overlong-last-3-bytes", "U+07FF in three bytes", b"\xe0\x9f\xbf", "6.18.2"),
    ("overlong-last-4-bytes", "U+FFFF in four bytes", b"\xf0\x8f\xbf\xbf", "6.18.3"),
    ("overlong-last-5-bytes", "U+1FFFFF in five bytes", b"\xf8\x87\xbf\xbf\xbf", "6.18.4"),
    ("overlong-last-6-bytes", "U+3FFFFFF in six bytes", b"\xfc\x83\xbf\xbf\xbf\xbf", "6.18.5"),
    ("overlong-nul-2-bytes", "U+0000 in two bytes", b"\xc0\x80", "6.19.1"),
    ("overlong-nul-3-bytes", "U+0000 in three bytes", b"\xe0\x80\x80", "6.19.2"),
    ("overlong-nul-4-bytes", "U+0000 in four bytes", b"\xf0\x80\x80\x80", "6.19.3"),
    ("overlong-nul-5-bytes", "U+0000 in five bytes", b"\xf8\x80\x80\x80\x80", "6.19.4"),
    ("overlong-nul-6-bytes", "U+0000 in six bytes", b"\xfc\x80\x80\x80\x80\x80", "6.19.5"),
    ("surrogate-d800", "the surrogate U+D800", b"\xed\xa0\x80", "6.20.1"),
    ("surrogate-db7f", "the surrogate U+DB7F", b"\xed\xad\xbf", "6.20.2"),
    ("surrogate-db80", "the surrogate U+DB80", b"\xed\xae\x80", "6.20.3"),
    ("surrogate-dbff", "the surrogate U+DBFF", b"\xed\xaf\xbf", "6.20.4"),
    ("surrogate-dc00", "the surrogate U+DC00", b"\xed\xb0\x80", "6.20.5"),
    ("surrogate-df80", "the surrogate U+DF80", b"\xed\xbe\x80", "6.20.6"),
    ("surrogate-dfff", "the surrogate U+DFFF", b"\xed\xbf\xbf", "6.20.7"),
    ("surrogates-d800-dc00", "a pair of surrogates", b"\xed\xa0\x80\xed\xb0\x80", "6.21.1"),
    ("surrogates-d800-dfff", "a pair of surrogates", b"\xed\xa0\x80\xed\xbf\xbf", "6.21.2"),
    ("surrogates-db7f-dc00", "a pair of surrogates", b"\xed\xad\xbf\xed\xb0\x80", "6.21.3"),
    ("surrogates-db7f-dfff", "a pair of surrogates", b"\xed\xad\xbf\xed\xbf\xbf", "6.21.4"),
    ("surrogates-db80-dc00", "a pair of surrogates", b"\xed\xae\x80\xed\xb0\x80", "6.21.5"),
    ("surrogates-db80-dfff", "a pair of surrogates", b"\xed\xae\x80\xed\xbf\xbf", "6.21.6"),
    ("surrogates-dbff-dc00", "a pair of surrogates", b"\xed\xaf\xbf\xed\xb0\x80", "6.21.7"),
    ("surrogates-dbff-dfff", "a pair of surrogates", b"\xed\xaf\xbf\xed\xbf\xbf", "6.21.8"),
    // Ours.
    ("byte-c1", "C1, which can only begin what is too long", b"\xc1", ""),
    ("byte-f5", "F5, which can only begin what is beyond Unicode", b"\xf5\x80\x80\x80", ""),
    ("latin-1", "a text in Latin-1", b"caf\xe9", ""),
    ("utf-16", "a text in UTF-16", b"\xff\xfeh\0i\0", ""),
    ("one-byte-too-many", "a character with one continuation byte too many", b"\xc3\xa9\xa9", ""),
];

fn illegal() -> Vec<Case> {
    let table = ILLEGAL.iter().map(|&(id, what, bytes, old)| {
        let row = failed(id, format!("refuse {what}"), [send([whole(bytes)])]);
        if old.is_empty() { row } else { row.old(old) }
    });
    let mut all: Vec<_> = table.collect();
    let lone: Vec<u8> = (0x80..0xBF).collect();
    let title = "continuation bytes of all kinds, alone, are refused";
    all.push(failed("lone-of-all-kinds", title, [send([whole(&lone)])]).old("6.12.8"));
    let beginnings = [
        (2, 0xC0..0xDF, "6.13.1"),
        (3, 0xE0..0xEF, "6.13.2"),
        (4, 0xF0..0xF7, "6.13.3"),
        (5, 0xF8..0xFB, "6.13.4"),
        (6, 0xFC..0xFD, "6.13.5"),
    ];
    for (length, firsts, old) in beginnings {
        let bytes: Vec<u8> = firsts.flat_map(|byte| [byte, b' ']).collect();
        let id = format!("beginnings-of-{length}-bytes");
        let title =
            format!("beginnings of {length} bytes, each with a space after it, are refused");
        all.push(failed(id, title, [send([whole(&bytes)])]).old(old));
    }
    all
}

/// Every kind of what is not UTF-8, once; it stands in a text.
const KINDS: &[(&str, &str, &[u8])] = &[
    (
        "overlong-2-bytes",
        "an overlong sequence of two bytes",
        b"\xc1\x81",
    ),
    (
        "overlong-3-bytes",
        "an overlong sequence of three bytes",
        b"\xe0\x9f\xbf",
    ),
    (
        "overlong-4-bytes",
        "an overlong sequence of four bytes",
        b"\xf0\x8f\xbf\xbf",
    ),
    ("high-surrogate", "a high surrogate", b"\xed\xa0\x80"),
    ("low-surrogate", "a low surrogate", b"\xed\xbf\xbf"),
    (
        "surrogate-pair",
        "a pair of surrogates",
        b"\xed\xa0\xbd\xed\xb8\x80",
    ),
    (
        "above-10ffff",
        "a code point above U+10FFFF",
        b"\xf4\x90\x80\x80",
    ),
    (
        "5-bytes",
        "a sequence of five bytes",
        b"\xf8\x88\x80\x80\x80",
    ),
    (
        "6-bytes",
        "a sequence of six bytes",
        b"\xfc\x84\x80\x80\x80\x80",
    ),
    ("lone-continuation", "a lone continuation byte", b"\x80"),
    (
        "missing-of-2",
        "a sequence of two bytes without the second",
        b"\xc3",
    ),
    (
        "missing-of-3",
        "a sequence of three bytes without the third",
        b"\xe2\x82",
    ),
    (
        "missing-of-4",
        "a sequence of four bytes without the fourth",
        b"\xf0\x9f\x98",
    ),
    ("fe", "the byte FE", b"\xfe"),
    ("ff", "the byte FF", b"\xff"),
];

/// Sequences of which the end of the text leaves too little.
const CUT: &[(&str, &[u8])] = &[
    ("1-of-2", b"\xc3"),
    ("1-of-3", b"\xe2"),
    ("2-of-3", b"\xe2\x82"),
    ("1-of-4", b"\xf0"),
    ("2-of-4", b"\xf0\x9f"),
    ("3-of-4", b"\xf0\x9f\x98"),
];

fn illegal_in_pieces() -> Vec<Case> {
    let title = "a text with a fragment for each byte, one a surrogate's, is refused";
    let mut all = vec![
        failed(
            "surrogate-among-others-in-fragments",
            title,
            [send(byte_by_byte(GREEK_EDITED))],
        )
        .old("6.3.2"),
    ];
    for &(kind, what, bytes) in KINDS {
        let surrounded = [b"one ", bytes, b" two"].concat();
        let mut parts: Vec<&[u8]> = vec![b"one "];
        parts.extend(bytes.chunks(1));
        parts.push(b" two");
        let mut add = |how: &str, told: &str, script: Step| {
            let title = format!("{what} in a text{told} is refused");
            all.push(failed(format!("{kind}-{how}"), title, [script]));
        };
        add("whole", "", send([whole(&surrounded)]));
        let told = ", a fragment for each byte,";
        add("in-fragments", told, send(fragments(&parts)));
        add(
            "in-slivers",
            " that comes byte by byte",
            drip([whole(&surrounded)]),
        );
    }
    for &(kind, bytes) in CUT {
        let what = format!(
            "a text that ends with {} bytes of a character",
            kind.replace('-', " ")
        );
        let ended = [b"one ", bytes].concat();
        let mut add = |how: &str, told: &str, script: Step| {
            let title = format!("{what}{told} is refused");
            let row = failed(format!("cut-{kind}-{how}"), title, [script]);
            all.push(row.likely("what the text's end leaves of a character is not looked at"));
        };
        add("whole", "", send([whole(&ended)]));
        add(
            "in-fragments",
            ", in fragments,",
            send([first("one "), last(bytes)]),
        );
        let told = " before an empty last fragment";
        add(
            "before-an-empty-fragment",
            told,
            send([first(&*ended), last("")]),
        );
        add("in-slivers", ", byte by byte,", drip([whole(&ended)]));
    }
    all
}

/// What is wrong becomes right only together with something that is not part of it.
fn illegal_by_what_follows() -> Vec<Case> {
    let ping = ping(b"\xac");
    vec![
        failed(
            "character-over-2-texts",
            "a character is not completed by the next text",
            [send([whole(b"\xe2\x82"), whole(b"\xac")])],
        ),
        failed(
            "character-completed-by-a-ping",
            "a character is not completed by the payload of a ping",
            [send([first(b"\xe2\x82"), ping, last("")])],
        ),
        failed(
            "continuation-begins-a-fragment",
            "a fragment after a whole character does not begin with a continuation byte",
            [send([first("\u{20ac}"), last(b"\xac")])],
        ),
        failed(
            "second-text-is-bad",
            "a text that is not UTF-8 is refused after one that is",
            [
                send([text("good")]),
                expect([text_back("good")]),
                send([whole(b"\xff")]),
            ],
        ),
        failed(
            "second-text-is-bad-in-one-write",
            "a text that is not UTF-8 is refused right after one that is",
            [
                perhaps([text_back("good")]),
                send([text("good"), whole(b"\xff")]),
            ],
        ),
        failed(
            "bad-text-of-16-bits",
            "a text that is not UTF-8, of 126 bytes, is refused",
            [send([
                whole(&[&[b'a'; 125][..], b"\xff"].concat()).form(Form::Bits16)
            ])],
        ),
    ]
}

/// Where code that looks at many bytes at once changes over.
fn long() -> Vec<Case> {
    const LENGTH: usize = 100;
    let mut all = Vec::new();
    for at in [0, 7, 8, 15, 16, 31, 32, 63, 64, 96, 99] {
        let mut bytes = vec![b'a'; LENGTH];
        bytes[at] = 0xFF;
        all.push(failed(
            format!("ff-after-{at}-letters"),
            format!("FF after {at} letters of {LENGTH} is refused"),
            [send([whole(&bytes)])],
        ));
    }
    for at in [8, 16, 32, 64] {
        let legal = format!("{}\u{20ac}{}", "a".repeat(at - 1), "b".repeat(LENGTH));
        all.push(echoed(
            format!("character-across-byte-{at}"),
            format!("a character that begins before byte {at} and ends after it comes back"),
            legal.as_bytes(),
        ));
    }
    for (name, length) in [("64-kib", 65_536), ("256-kib", 262_144)] {
        let mut bytes = "\u{20ac}".repeat(length / 3).into_bytes();
        all.push(echoed(
            format!("characters-of-3-bytes-{name}"),
            format!(
                "a text of {} bytes, characters of three bytes each, comes back",
                bytes.len()
            ),
            &bytes,
        ));
        bytes.pop();
        all.push(failed(
            format!("cut-after-{name}"),
            format!(
                "a text of {} bytes whose last character is cut is refused",
                bytes.len()
            ),
            [send([whole(&bytes)])],
        ));
    }
    all
}

/// No further byte can mend what is there, so that there is nothing to wait for.
fn early() -> Vec<Case> {
    let greek = GREEK.as_bytes();
    let is_open = |name: &'static str| [send([ping(name)]), expect([pong_back(name)])];
    let mut all = vec![
        failed(
            "early-after-bad-fragment",
            "a fragment that is not UTF-8 is refused before the text ends",
            [
                vec![send([first(greek)])],
                is_open("good so far").into(),
                vec![
                    send([more(b"\xf4\x90\x80\x80")]),
                    Step::Early,
                    send([last("edited")]),
                ],
            ]
            .concat(),
        )
        .old("6.4.1"),
        failed(
            "early-after-bad-byte",
            "the byte that makes a character impossible is refused before its text ends",
            [
                vec![send([first([greek, b"\xf4"].concat())])],
                is_open("good so far").into(),
                vec![
                    send([more(b"\x90")]),
                    Step::Early,
                    send([last(b"\x80\x80edited")]),
                ],
            ]
            .concat(),
        )
        .old("6.4.2"),
    ];
    let in_frame = [
        ("early-inside-a-frame", "bad bytes are", 4, "6.4.3"),
        (
            "early-inside-a-character",
            "the bad byte of a character is",
            2,
            "6.4.4",
        ),
    ];
    for (id, what, length, old) in in_frame {
        let bytes = [greek, b"\xf4\x90\x80\x80edited"].concat();
        let (now, later) = bytes.split_at(greek.len() + length);
        all.push(
            failed(
                id,
                format!("{what} refused before the frame ends"),
                [
                    begun(now, bytes.len() as u64),
                    Step::Early,
                    Step::Raw(later.to_vec()),
                ],
            )
            .old(old),
        );
    }
    let beginnings: [(&str, &[u8]); 10] = [
        ("continuation", b"\x80"),
        ("c0", b"\xc0"),
        ("c1", b"\xc1"),
        ("overlong-3-bytes", b"\xe0\x9f"),
        ("surrogate", b"\xed\xa0"),
        ("overlong-4-bytes", b"\xf0\x8f"),
        ("above-10ffff", b"\xf4\x90"),
        ("f5", b"\xf5"),
        ("ff", b"\xff"),
        ("letter-in-a-character", b"\xe2\x82a"),
    ];
    for (kind, bytes) in beginnings {
        let what = kind.replace('-', " ");
        all.push(failed(
            format!("early-at-{kind}"),
            format!(
                "a fragment with what cannot become UTF-8 ({what}) is refused before the text ends"
            ),
            [
                send([first([b"one ", bytes].concat())]),
                Step::Early,
                send([last("")]),
            ],
        ));
    }
    all
}

/// A text that announces more than comes for now. With a key of zeros the rest can be sent as it is.
fn begun(bytes: &[u8], length: u64) -> Step {
    send([whole(bytes).length(length).key([0; 4])])
}

/// What need not be UTF-8, and what must not be judged too early.
fn beside() -> Vec<Case> {
    let bad = b"\xff\xc0\x80\xed\xa0\x80";
    let mut all = vec![
        row(
            "binary-is-not-judged",
            "a binary message may have any bytes",
        )
        .plays([send([binary(bad)]), expect([bytes_back(bad)])]),
        row(
            "binary-fragments-are-not-judged",
            "fragments of a binary message may have any bytes",
        )
        .plays([
            send([first_binary(bad), last(bad)]),
            expect([bytes_back([bad, &bad[..]].concat())]),
        ]),
        row("ping-is-not-judged", "a ping may have any bytes")
            .plays([send([ping(bad)]), expect([pong_back(bad)])]),
        row(
            "text-after-binary",
            "a text is judged after a binary message that was not",
        )
        .breaks(Rule::TextNotUtf8)
        .plays([
            send([binary(bad)]),
            expect([bytes_back(bad)]),
            send([whole(bad)]),
        ]),
        row(
            "binary-after-text",
            "a binary message is not judged as the text before it was",
        )
        .plays([
            send([text("text"), binary(bad)]),
            expect([text_back("text"), bytes_back(bad)]),
        ]),
    ];
    for (id, before, after) in [
        ("open-inside-2-bytes", &b"\xc3"[..], &b"\xa9"[..]),
        ("open-inside-3-bytes", b"\xe2\x82", b"\xac"),
        ("open-inside-4-bytes", b"\xf0\x9f\x98", b"\x80"),
    ] {
        let title = "a character that is not complete yet is waited for";
        let character = [before, after].concat();
        all.push(row(id, title).plays([
            send([first(before), ping("complete?")]),
            expect([pong_back("complete?")]),
            send([last(after)]),
            expect([text_back(character)]),
        ]));
    }
    all
}
