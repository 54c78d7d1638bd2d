//! Streams of frames made from decisions: mostly legal, because deep states are reached by legal
//! frames, and sometimes damaged in one place.

use super::choices::Choices;
use super::seen::Seen;
use super::wire::{KEY, encode};
use plainws::Role;

/// What a sender sends, and what a reader must make of it.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The bytes.
    pub wire: Vec<u8>,
    /// What the frames mean, unless the stream is damaged.
    pub meaning: Vec<Seen>,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

/// Lengths around the borders of length forms and tiny limits.
const LENGTHS: [usize; 16] = [
    0, 1, 2, 3, 5, 8, 31, 33, 64, 124, 125, 126, 130, 198, 200, 201,
];
/// The same for limits that allow them.
const LARGE: [usize; 8] = [126, 255, 256, 1023, 65_535, 65_536, 65_541, 70_000];

/// What a sequence may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Messages that mostly fit [`TINY`](super::TINY).
    Tiny,
    /// Messages of up to 70,000 bytes.
    Large,
}

/// Makes an input for an oracle that decides by itself: the decisions as they are.
#[must_use]
pub fn decisions(choices: &mut Choices<'_>) -> Vec<u8> {
    choices.0.to_vec()
}

/// Decides on a stream that `sender` sends.
#[must_use]
pub fn sequence(sender: Role, sizes: Sizes, choices: &mut Choices<'_>) -> Sequence {
    let mut frames = Vec::new();
    let mut meaning = Vec::new();
    for _ in 0..=choices.below(5) {
        match choices.below(8) {
            0 => control(PING, choices, &mut frames, &mut meaning),
            1 => control(PONG, choices, &mut frames, &mut meaning),
            2 if choices.once_in(2) => control(CLOSE, choices, &mut frames, &mut meaning),
            _ => message(sizes, choices, &mut frames, &mut meaning),
        }
    }
    if let Some(end) = meaning.iter().position(Seen::is_end) {
        meaning.truncate(end + 1);
    }
    let is_damaged = sizes == Sizes::Tiny && choices.once_in(2);
    let victim = choices.below(frames.len());
    let mut wire = Vec::new();
    for (i, (byte0, payload)) in frames.iter().enumerate() {
        let key = choices.one(&[Some([0; 4]), Some(KEY), None]);
        let key = match sender {
            Role::Client => Some(key.unwrap_or([choices.byte(), 0, 0xFF, 0x80])),
            Role::Server => None,
        };
        let frame = encode(*byte0, key, payload);
        if is_damaged && i == victim {
            wire.extend(damage(frame, choices));
        } else {
            wire.extend(frame);
        }
    }
    Sequence { wire, meaning }
}

type Frames = Vec<(u8, Vec<u8>)>;

/// A message in one to five fragments, with control frames between them.
fn message(sizes: Sizes, choices: &mut Choices<'_>, frames: &mut Frames, meaning: &mut Vec<Seen>) {
    let opcode = choices.one(&[TEXT, BINARY]);
    let length = match sizes {
        Sizes::Large if choices.once_in(2) => choices.one(&LARGE),
        _ => choices.one(&LENGTHS),
    };
    let payload = if opcode == TEXT {
        text(length, choices)
    } else {
        filler(length, choices)
    };
    let fragments = choices.one(&[1, 1, 1, 2, 2, 3, 4, 5]);
    let mut start = 0;
    let mut opcode_of_next = opcode;
    for left in (0..fragments).rev() {
        let end = if left == 0 {
            payload.len()
        } else {
            payload.len().min(start + choices.below(4))
        };
        let fin = if left == 0 { FIN } else { 0 };
        frames.push((fin | opcode_of_next, payload[start..end].to_vec()));
        (start, opcode_of_next) = (end, CONTINUATION);
        if left > 0 && choices.once_in(4) {
            let kind = choices.one(&[PING, PONG]);
            control(kind, choices, frames, meaning);
        }
    }
    meaning.push(match opcode {
        TEXT => Seen::Text(String::from_utf8(payload).expect("made as text")),
        _ => Seen::Binary(payload),
    });
}

fn control(opcode: u8, choices: &mut Choices<'_>, frames: &mut Frames, meaning: &mut Vec<Seen>) {
    let length = choices.one(&[0, 1, 2, 4, 5, 124, 125]);
    let (payload, event) = match opcode {
        CLOSE => close(length, choices),
        PING => {
            let payload = filler(length, choices);
            (payload.clone(), Seen::Ping(payload))
        }
        _ => {
            let payload = filler(length, choices);
            (payload.clone(), Seen::Pong(payload))
        }
    };
    frames.push((FIN | opcode, payload));
    meaning.push(event);
}

/// A legal Close body of about that length.
fn close(length: usize, choices: &mut Choices<'_>) -> (Vec<u8>, Seen) {
    if length < 2 {
        return (Vec::new(), Seen::Close(None, String::new()));
    }
    let code: u16 = choices.one(&[1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]);
    let reason = text(length - 2, choices);
    let payload = [&code.to_be_bytes(), &reason[..]].concat();
    let reason = String::from_utf8(reason).expect("made as text");
    (payload, Seen::Close(Some(code), reason))
}

fn filler(length: usize, choices: &mut Choices<'_>) -> Vec<u8> {
    let first = choices.byte();
    let bytes = (0..=u8::MAX).cycle().skip(first.into());
    bytes.take(length).collect()
}

/// Text of exactly that many bytes, full of characters that can be cut.
fn text(length: usize, choices: &mut Choices<'_>) -> Vec<u8> {
    let characters = choices.one(&[
        "a",
        "é",
        "€",
        "𝄞",
        "κόσμε",
        "\u{1B}é",
        "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}",
    ]);
    let mut text: Vec<u8> = Vec::new();
    for character in characters.chars().cycle() {
        let mut buffer = [0; 4];
        let character = character.encode_utf8(&mut buffer);
        if text.len() + character.len() > length {
            break;
        }
        text.extend(character.as_bytes());
    }
    text.resize(length, b'.');
    text
}

/// Changes a frame in one of the ways in which frames are wrong.
fn damage(mut frame: Vec<u8>, choices: &mut Choices<'_>) -> Vec<u8> {
    let mask = frame[1] & 0x80;
    let (short, header) = match frame[1] & 0x7F {
        126 => (None, 4),
        127 => (None, 10),
        short => (Some(short), 2),
    };
    let byte = choices.byte();
    let key = (mask != 0).then_some([0; 4]);
    match choices.below(18) {
        0 => frame[0] ^= choices.one(&[0x10, 0x20, 0x40]),
        1 => frame[0] = frame[0] & 0xF0 | choices.one(&[3, 7, 11, 15]),
        2 => frame[0] ^= FIN,
        3 => {
            frame[0] =
                frame[0] & 0xF0 | choices.one(&[CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]);
        }
        4 => frame[1] ^= 0x80,
        5 | 6 => {
            if let Some(short) = short {
                let long: &[u8] = if byte % 2 == 0 {
                    &[126, 0]
                } else {
                    &[127, 0, 0, 0, 0, 0, 0, 0]
                };
                frame.splice(
                    1..2,
                    [mask | long[0]]
                        .into_iter()
                        .chain(long[1..].iter().copied())
                        .chain([short]),
                );
            }
        }
        7 | 8 => {
            // A length far from the payload's: the 64-bit form with one byte set, the top bit among them.
            let mut length = [0, 0, 0, 0, 0, 0, 0, short.unwrap_or(byte)];
            length[choices.below(6)] = choices.one(&[1, 0x7F, 0x80, 0xFF]);
            frame.splice(1..header, [mask | 127].into_iter().chain(length));
        }
        9 | 10 => {
            let at = choices.below(frame.len().min(256));
            frame[at] = byte;
        }
        11 => frame.truncate(choices.below(frame.len().min(256))),
        12 | 13 => {
            // Broken text, if it is text: in the payload's last bytes, where a character may be cut.
            let at = frame.len() - 1 - choices.below(frame.len().min(4));
            frame[at] ^= choices.one(&[0x80, 0x40, 0xFF]);
        }
        14 => frame
            .splice(
                0..0,
                [0x80 | mask, mask]
                    .into_iter()
                    .chain([0; 4])
                    .take(if mask == 0 { 2 } else { 6 }),
            )
            .for_each(drop),
        15 | 16 => {
            let body: &[u8] = choices.one(&[
                b"\x03",
                b"\x03\xED",
                b"\x03\xEE",
                b"\x03\xF7",
                b"\x0B\xB7",
                b"\x03\xE8\xFF",
                b"\x03\xE8\xC3",
            ]);
            frame = encode(FIN | CLOSE, key, body);
        }
        _ => {
            // A control frame that is too long.
            frame = encode(FIN | choices.one(&[CLOSE, PING, PONG]), key, &[byte; 126]);
        }
    }
    frame
}
