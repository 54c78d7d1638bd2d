//! Bytes that people can read: rows of bits, frames by name, the ways to cut a stream, and what a
//! connection makes of it as lines of text. Made without the library, to judge it.
#![allow(dead_code, reason = "each test program uses some of these")]

use oracles::reference::whole_frames;
pub(crate) use oracles::wire::KEY;
use oracles::wire::encode;
use plainws::protocol::connection::{Connection, Event, State};
use plainws::protocol::head::{self, Decoder, Head};
use plainws::protocol::message::{Limits, Message};
use plainws::{CloseCode, Role, Rule};
use std::io::Read;

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

// The first bytes of frames: F, RSV and opcode.
pub(crate) const TEXT: u8 = 0b1000_0001;
pub(crate) const TEXT_BEGIN: u8 = 0b0000_0001;
pub(crate) const BINARY: u8 = 0b1000_0010;
pub(crate) const BINARY_BEGIN: u8 = 0b0000_0010;
pub(crate) const MORE: u8 = 0b0000_0000;
pub(crate) const LAST: u8 = 0b1000_0000;
pub(crate) const CLOSE: u8 = 0b1000_1000;
pub(crate) const PING: u8 = 0b1000_1001;
pub(crate) const PONG: u8 = 0b1000_1010;

/// Zeros and ones, spaced as one likes.
pub(crate) fn bits(row: &str) -> Vec<u8> {
    let digits: Vec<u8> = row.bytes().filter(|&digit| digit != b' ').collect();
    assert_eq!(digits.len() % 8, 0, "{row} is not whole bytes");
    digits
        .chunks(8)
        .map(|byte| {
            byte.iter()
                .fold(0, |bits, digit| bits << 1 | (digit - b'0'))
        })
        .collect()
}

/// First byte and payload.
pub(crate) type Frame<'a> = (u8, &'a [u8]);

/// One frame as `sender` puts it on the wire.
pub(crate) fn frame(sender: Role, byte0: u8, payload: &[u8]) -> Vec<u8> {
    encode(byte0, (sender == Role::Client).then_some(KEY), payload)
}

/// Frames, one after another.
pub(crate) fn wire(sender: Role, frames: &[Frame<'_>]) -> Vec<u8> {
    let frames = frames
        .iter()
        .map(|&(byte0, payload)| frame(sender, byte0, payload));
    frames.collect::<Vec<_>>().concat()
}

pub(crate) fn close_body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// Byte i with byte i mod 4 of the key (§5.3).
pub(crate) fn xor(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    // Sixteen at once: megabytes go through here, and the tests are not optimized.
    let wide_key = u128::from_be_bytes([key; 4].as_flattened().try_into().expect("16 bytes"));
    let mut bytes = payload.to_vec();
    for chunk in bytes.chunks_mut(16) {
        let mut wide = [0; 16];
        wide[..chunk.len()].copy_from_slice(chunk);
        let masked = (u128::from_be_bytes(wide) ^ wide_key).to_be_bytes();
        chunk.copy_from_slice(&masked[..chunk.len()]);
    }
    bytes
}

/// The stream whole, byte by byte and, when it is short, cut in two at each place.
pub(crate) fn cuts(stream: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut cuts = vec![vec![stream], stream.chunks(1).collect()];
    if stream.len() < 1024 {
        cuts.extend((1..stream.len()).map(|at| vec![&stream[..at], &stream[at..]]));
    }
    cuts
}

/// A connection whose client keys are 1, 2, 3 ….
pub(crate) fn connection(role: Role, limits: Limits) -> Connection {
    match role {
        Role::Server => Connection::server(limits),
        Role::Client => {
            let mut key = 0_u32;
            let keys = move || {
                key += 1;
                key.to_be_bytes()
            };
            Connection::client(limits, Box::new(keys))
        }
    }
}

/// What a connection makes of its input, a line for each thing, such as `text Hello` or `! mask-missing`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) seen: Vec<String>,
    pub(crate) sent: Vec<String>,
    pub(crate) state: State,
    pub(crate) close_code: Option<CloseCode>,
    pub(crate) bytes_received: u64,
}

/// Feeds a new connection with `stream` in all [`cuts`], which must not differ, nor must the ways of a payload.
pub(crate) fn play(role: Role, limits: Limits, stream: &[u8]) -> Outcome {
    let play = |pieces: &Vec<&[u8]>, is_landing: bool| {
        let mut connection = connection(role, limits);
        let pieces = pieces.iter();
        let seen = pieces
            .flat_map(|piece| {
                let landed = if is_landing {
                    land(&mut connection, piece)
                } else {
                    0
                };
                receive(&mut connection, &piece[landed..])
            })
            .collect();
        Outcome {
            seen,
            sent: sent(role, &mut connection),
            state: connection.state(),
            close_code: connection.close_reason().map(|reason| reason.code),
            bytes_received: connection.traffic().bytes_received,
        }
    };
    let mut cuts = cuts(stream).into_iter();
    let whole = play(&cuts.next().expect("the first cut is the whole"), false);
    for pieces in cuts {
        let lengths: Vec<_> = pieces.iter().take(2).map(|piece| piece.len()).collect();
        assert_eq!(
            play(&pieces, false),
            whole,
            "{role:?}, cut into {lengths:?} …"
        );
        assert_eq!(
            play(&pieces, true),
            whole,
            "{role:?}, landed in {lengths:?} …"
        );
    }
    whole
}

/// Reads the beginning of `stream` straight into the message whose payload it goes on with, if there is one, and
/// returns how much that was.
pub(crate) fn land(connection: &mut Connection, stream: &[u8]) -> usize {
    let Some(mut landing) = connection.lend(1) else {
        return 0;
    };
    let mut rest = stream;
    let length = rest.read(landing.room()).expect("it is memory");
    connection.land(landing, length);
    length
}

/// Gives `stream` to the connection, whatever it says, and lists what came of it.
pub(crate) fn receive(connection: &mut Connection, stream: &[u8]) -> Vec<String> {
    let mut stream = stream.to_vec();
    let mut rest = &mut stream[..];
    let mut seen = Vec::new();
    loop {
        match connection.receive(rest) {
            Ok((used, None)) => {
                assert_eq!(used, rest.len(), "all is used where nothing happens");
                break;
            }
            Ok((used, Some(event))) => {
                seen.push(line(&event));
                rest = rest.split_at_mut(used).1;
            }
            // What comes after a violation is offered too: the connection must ignore it.
            Err(rule) => seen.push(format!("! {}", rule.id())),
        }
        if rest.is_empty() {
            break;
        }
    }
    seen
}

fn line(event: &Event) -> String {
    match event {
        Event::Message(Message::Text(text)) => format!("text {text}"),
        Event::Message(Message::Binary(bytes)) => format!("binary {}", bytes.escape_ascii()),
        Event::Ping(payload) => format!("ping {}", payload.escape_ascii()),
        Event::Pong(payload) => format!("pong {}", payload.escape_ascii()),
        Event::Close(close) => format!("close {} {}", close.code.0, close.reason),
        Event::Overloaded => "overloaded".into(),
        other => panic!("an event that no test knows: {other:?}"),
    }
}

/// Takes the output: a line for each frame, once its mask is found to be as the role demands.
pub(crate) fn sent(role: Role, connection: &mut Connection) -> Vec<String> {
    let mut frames = Vec::new();
    let mut output = Vec::new();
    while connection.output_length() > 0 {
        connection.take_output(&mut output);
        frames.extend(unframe(role, &output));
    }
    let frames = frames.into_iter();
    frames
        .map(|(byte0, payload)| match (byte0, payload.as_slice()) {
            (TEXT, _) => format!("text {}", String::from_utf8_lossy(&payload)),
            (BINARY, _) => format!("binary {}", payload.escape_ascii()),
            (PING, _) => format!("ping {}", payload.escape_ascii()),
            (PONG, _) => format!("pong {}", payload.escape_ascii()),
            (CLOSE, []) => "close".into(),
            (CLOSE, [high, low, reason @ ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                format!("close {code} {}", String::from_utf8_lossy(reason))
            }
            _ => format!("{byte0:08b} {}", payload.escape_ascii()),
        })
        .collect()
}

/// Takes whole frames apart: first byte, unmasked payload.
fn unframe(sender: Role, stream: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (frames, rest) = whole_frames(stream);
    assert!(rest.is_empty(), "{} is no frame", rest.escape_ascii());
    let frames = frames.into_iter().map(|frame| {
        assert_eq!(frame.key.is_some(), sender == Role::Client, "the mask bit");
        (frame.byte0, frame.payload)
    });
    frames.collect()
}

/// The head at the start of `stream` and its length there, under all [`cuts`], which must not differ.
pub(crate) fn decode_head(
    sender: Role,
    limits: head::Limits,
    stream: &[u8],
) -> Result<Option<(Head, usize)>, Rule> {
    let decode = |pieces: &Vec<&[u8]>| {
        let mut decoder = Decoder::new(sender, limits);
        let mut before = 0;
        for piece in pieces {
            if let Some((head, rest)) = decoder.receive(piece)? {
                assert!(piece.ends_with(rest), "what comes after is left as it came");
                return Ok(Some((head, before + piece.len() - rest.len())));
            }
            before += piece.len();
        }
        Ok(None)
    };
    let mut cuts = cuts(stream).into_iter();
    let whole = decode(&cuts.next().expect("the first cut is the whole"));
    for pieces in cuts {
        let shown = stream.escape_ascii();
        assert_eq!(decode(&pieces), whole, "{shown} cut at {}", pieces[0].len());
    }
    whole
}
