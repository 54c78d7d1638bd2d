//! What must hold for the streams that `check --random` saves, and `--replay` and `decode` read.

use crate::app::input::paste::{self, Format};
use crate::app::saved;
use oracles::choices::{Choices, Random};
use std::fmt::Write as _;

/// What is saved is read back, piece by piece, and `decode` finds the same bytes in it.
///
/// # Errors
///
/// What was read.
pub fn reads_back(input: &[u8]) -> Result<(), String> {
    let mut choices = Choices(input);
    let about = about(&mut choices);
    let pieces = pieces(&mut choices);
    let text = saved::write(&pieces, &about);
    let found = saved::read(&text);
    if found.as_ref() != Ok(&pieces) {
        return Err(format!("{text:?} is read as {found:?}, not {pieces:?}"));
    }
    let decoded = decoded(&text);
    if decoded != Ok(pieces.concat()) {
        return Err(format!("{text:?} is decoded as {decoded:?}"));
    }
    Ok(())
}

/// Of any text, what an independent reading takes for pieces is read as it has it, and what has a line that it cannot
/// be is refused.
///
/// # Errors
///
/// What was read.
pub fn same(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let found = saved::read(text);
    match (read(text), found) {
        (Reading::Undecided, _) | (Reading::None, Err(_)) => Ok(()),
        (Reading::Pieces(pieces), Ok(found)) if pieces == found => Ok(()),
        (expected, found) => Err(format!("{text:?} is read as {found:?}, not {expected:?}")),
    }
}

/// As `plainws decode` reads a file.
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let pasted = paste::read(text, Format::Auto)?;
    let connections = pasted.into_connections().into_iter();
    let streams = connections.flat_map(|connection| connection.streams);
    Ok(streams.flat_map(|stream| stream.bytes).collect())
}

#[derive(Debug)]
enum Reading {
    Pieces(Vec<Vec<u8>>),
    /// It must be refused.
    None,
    /// There are other ways to write bytes.
    Undecided,
}

/// Line by line, as they are written: pairs of digits behind `>`, with blanks between them.
fn read(text: &str) -> Reading {
    let mut pieces = Vec::new();
    for line in text.split('\n') {
        match line.trim().as_bytes() {
            [] | [b'#', ..] => {}
            [b'>', rest @ ..] => match pairs(rest) {
                Some(piece) => pieces.push(piece),
                None if rest.iter().any(|byte| is_other(*byte)) => return Reading::Undecided,
                None => return Reading::None,
            },
            _ => return Reading::None,
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    if pieces.is_empty() {
        return Reading::None;
    }
    Reading::Pieces(pieces)
}

/// Whether this may be part of bytes that are written otherwise: in brackets, with commas, as `0x81`, with a comment.
fn is_other(byte: u8) -> bool {
    !byte.is_ascii_hexdigit() && byte != b' '
}

fn pairs(text: &[u8]) -> Option<Vec<u8>> {
    let words = text
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let mut bytes = Vec::new();
    for pair in words.flat_map(|word| word.chunks(2)) {
        let [high, low] = pair else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
    }
    Some(bytes)
}

/// Of some pieces, none of them empty.
fn pieces(choices: &mut Choices<'_>) -> Vec<Vec<u8>> {
    let count = 1 + choices.below(5);
    let piece = |_| {
        let length = 1 + choices.below(20);
        let kind = choices.below(3);
        (0..length)
            .map(|_| match kind {
                0 => choices.byte(),
                1 => choices.one(b"\x81\x05\x88\x02\x03\xE8\x16\x03\x01GETHP"),
                _ => choices.byte() & 0x11,
            })
            .collect()
    };
    (0..count).map(piece).collect()
}

/// What a verdict may say: anything that an examinee has sent.
fn about(choices: &mut Choices<'_>) -> String {
    const PARTS: &[&str] = &[
        "stream 1 of seed 2",
        ": ",
        "81 05",
        "> 81",
        "\n> 82",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\"a\"",
        "0x81",
        "#",
        "\u{E9}",
        "[1, 2]",
        "0000: 81",
    ];
    let count = choices.below(5);
    (0..count).map(|_| choices.one(PARTS)).collect()
}

/// Decisions on pieces, or lines right and broken.
pub(crate) fn generate(number: usize, choices: &mut Choices<'_>) -> Vec<u8> {
    const PARTS: &[&str] = &[
        "> ",
        "> ",
        ">",
        "81",
        "05 ",
        " ff",
        "\n",
        "\n",
        "\r\n",
        "# a\n",
        "#",
        "<",
        "8",
        "x",
        "0x81",
        "81,82",
        "[81]",
        " ",
        "\t",
        "> 81 85\n",
        "8185",
        "\u{E9}",
    ];
    if number % 2 == 0 {
        return choices.take(90).to_vec();
    }
    let count = choices.below(12);
    let parts: Vec<&str> = (0..count).map(|_| choices.one(PARTS)).collect();
    parts.concat().into_bytes()
}

pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut long = String::from("# long\n> ");
    for byte in 0..=0xFF {
        // Writing to a String never fails.
        let _ = write!(long, "{byte:02x} ");
    }
    let texts = [
        (
            "one",
            "# plainws check: stream 17 of seed 5: no Close answers ours\n> 81 85 37 fa\n> 21 3d 7f\n",
        ),
        ("no-end", "> 81 80 00\n\n  > 00 00 00"),
        ("half-a-byte", "> 81 8\n"),
        ("other-sender", "> 81 80 00 00 00 00\n< 81 00\n"),
        ("nothing", "# only\n"),
        ("long", &long),
    ];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let mut random = Random(6);
    let decisions = ["a", "b"].map(|name| (format!("decisions-{name}"), random.bytes(90)));
    texts.into_iter().chain(decisions).collect()
}
