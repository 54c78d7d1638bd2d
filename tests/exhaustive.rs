//! What is few enough to be tried in full, fed whole, by one and by two bytes, and compared with the
//! reference in `fuzz/oracles`, which reads the RFC by other means.

use oracles::frames::answers;
use oracles::product::Plainws;
use oracles::stream::{Stream, TINY, run};
use oracles::subject::Seen;
use oracles::wire::{KEY, encode, frame};
use oracles::{reference, seeds};
use plainws::protocol::connection::Connection;
use plainws::protocol::message::Limits;
use plainws::{Message, PreparedMessage, Role, Rule};
use std::thread;

const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// Whole, by one byte and by two, `wire` is seen as by the reference; and it is answered rightly.
fn assert_agree(sender: Role, wire: &[u8]) {
    let expected = reference::frames(sender, TINY, wire);
    for sizes in [&[usize::MAX], &[1], &[2]] {
        assert_seen(sender, wire, sizes, &expected);
    }
    if let Err(what) = answers(&Plainws, &Stream::to_input(sender, wire)) {
        panic!("{sender:?} sends {wire:02x?}: {what}");
    }
}

fn assert_seen(sender: Role, wire: &[u8], sizes: &[usize], expected: &[Seen]) {
    let run = run(&Plainws, sender, TINY, wire, sizes);
    assert!(
        run.seen == expected && run.after.is_empty(),
        "{sender:?} sends {wire:02x?} in pieces of {sizes:?}: {run:?}, not {expected:?}"
    );
}

/// Both roles, each on a thread of its own.
fn for_both(judge: impl Fn(Role) + Copy + Send + 'static) {
    let threads = BOTH.map(|sender| thread::spawn(move || judge(sender)));
    for thread in threads {
        thread.join().expect("the threads agree with the reference");
    }
}

mod s5_2_every_header {
    use super::*;

    /// The lengths at the borders of each form and of the limit.
    const LENGTHS_16: [u64; 7] = [0, 125, 126, 127, 200, 201, 0xFFFF];
    const LENGTHS_64: [u64; 8] = [
        0,
        0xFFFF,
        0x1_0000,
        1 << 32,
        (1 << 32) + 5,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ];

    #[test]
    fn in_every_state_and_followed_by_a_ping_is_seen_as_by_the_reference() {
        for_both(|sender| {
            let text = frame(sender, 0x01, b"a");
            let binary = frame(sender, 0x02, b"a");
            for before in [&[][..], &text, &binary] {
                for byte0 in 0..=u8::MAX {
                    for byte1 in 0..=u8::MAX {
                        judge(sender, before, byte0, byte1);
                    }
                }
            }
        });
    }

    /// One pair of bytes, with each length that they leave open.
    fn judge(sender: Role, before: &[u8], byte0: u8, byte1: u8) {
        let frame = |extended: &[u8], length: u64| {
            let key: &[u8] = if byte1 >= 0x80 { &[0; 4] } else { &[] };
            // A payload that exceeds the limit is not waited for.
            let payload = if length > TINY.max_bytes { 0 } else { length };
            let payload = (0..payload).map(|i| b'a' + (i % 26) as u8);
            let frame = [before, &[byte0, byte1], extended, key].concat();
            let frame = frame.into_iter().chain(payload);
            let wire: Vec<u8> = frame.chain(super::frame(sender, 0x89, b"")).collect();
            assert_agree(sender, &wire);
        };
        match byte1 & 0x7F {
            126 => LENGTHS_16
                .iter()
                .for_each(|&length| frame(&length.to_be_bytes()[6..], length)),
            127 => LENGTHS_64
                .iter()
                .for_each(|&length| frame(&length.to_be_bytes(), length)),
            short => frame(&[], short.into()),
        }
    }
}

mod s5_4_every_sequence {
    use super::*;

    const KINDS: [(u8, &[u8]); 12] = [
        (0x81, b"text"),
        (0x01, b"caf\xC3"),
        (0x01, b""),
        (0x82, b"\xFF\x00"),
        (0x02, b"\xFF"),
        (0x00, b"\xA9"),
        (0x80, b"\xA9!"),
        (0x80, b""),
        (0x89, b"ping"),
        (0x8A, b""),
        (0x88, b"\x03\xE8"),
        (0x83, b""),
    ];

    #[test]
    fn of_up_to_four_of_twelve_kinds_of_frame_is_seen_as_by_the_reference() {
        for_both(|sender| extend(sender, &[], 4));
    }

    fn extend(sender: Role, before: &[u8], left: u32) {
        for (byte0, payload) in KINDS {
            let wire = [before, &frame(sender, byte0, payload)].concat();
            assert_agree(sender, &wire);
            if left > 1 {
                extend(sender, &wire, left - 1);
            }
        }
    }
}

mod s5_4_every_edge_of_the_limits {
    use super::*;

    #[test]
    fn in_size_and_in_number_of_fragments_is_seen_as_by_the_reference() {
        for_both(|sender| {
            for opcode in [1, 2] {
                for fragments in 1..=6 {
                    for size in [0, 1, 199, 200, 201] {
                        for first in [0, 1, size / 2, size] {
                            assert_agree(sender, &message(sender, opcode, fragments, first, size));
                        }
                    }
                }
            }
        });
    }

    /// A message in fragments: the first of one size, the last of what is left, the others empty.
    fn message(sender: Role, opcode: u8, fragments: usize, first: usize, size: usize) -> Vec<u8> {
        let payload = b"a".repeat(size);
        let (first, last) = payload.split_at(first.min(size));
        let pieces = (0..fragments).map(|i| match i {
            _ if i + 1 == fragments => (0x80, last),
            0 => (0, first),
            _ => (0, &[][..]),
        });
        let frames = pieces.enumerate().map(|(i, (fin, payload))| {
            let opcode = if i == 0 { opcode } else { 0 };
            frame(sender, fin | opcode, payload)
        });
        let frames: Vec<_> = frames.chain([frame(sender, 0x89, b"")]).collect();
        frames.concat()
    }
}

mod s5_2_every_length_written {
    use super::*;

    /// The borders of each form, from both sides, and the largest message that is taken by default.
    fn lengths() -> impl Iterator<Item = usize> {
        (0..=300).chain(65_500..=65_600).chain([16 << 20])
    }

    #[test]
    fn has_the_header_and_the_mask_that_it_must_have() {
        for length in lengths() {
            let payload = b"payload ".repeat(length / 8 + 1);
            let payload = &payload[..length];
            let mut server = Connection::server(Limits::default());
            assert_written(&mut server, payload, &encode(0x82, None, payload));
            let mut client = Connection::client(Limits::default(), Box::new(|| KEY));
            assert_written(&mut client, payload, &encode(0x82, Some(KEY), payload));
        }
    }

    fn assert_written(connection: &mut Connection, payload: &[u8], expected: &[u8]) {
        let mut output = Vec::new();
        for way in 0..3 {
            let sent = match way {
                0 => connection.send(payload),
                1 => connection.send(&PreparedMessage::new(payload)),
                _ => connection.send(Message::from(payload)),
            };
            assert_eq!(sent, Ok(()));
            connection.take_output(&mut output);
            assert!(output == expected, "{} bytes, way {way}", payload.len());
        }
    }
}

mod s10_4_every_default_limit {
    use super::*;

    /// What is made of `count` frames, one after another, in reads of 64 KiB.
    fn seen(sender: Role, frames: impl Iterator<Item = (u8, Vec<u8>)>) -> Vec<Seen> {
        let frames = frames.map(|(byte0, payload)| frame(sender, byte0, &payload));
        let wire = frames.collect::<Vec<_>>().concat();
        run(&Plainws, sender, Limits::default(), &wire, &[65_536]).seen
    }

    /// A message of `count` fragments of `size` bytes is taken; with one more fragment, of `more` bytes, it breaks
    /// the rule.
    fn assert_limit(rule: Rule, count: usize, size: usize, more: usize) {
        for_both(move |sender| {
            let payload =
                |i: usize| vec![(i % 251).to_le_bytes()[0]; if i < count { size } else { more }];
            let message = |count: usize| {
                let frames = (0..count).map(move |i| {
                    let fin = if i + 1 == count { 0x80 } else { 0 };
                    let opcode = if i == 0 { 2 } else { 0 };
                    (fin | opcode, payload(i))
                });
                seen(sender, frames)
            };
            let whole = (0..count).map(payload).collect::<Vec<_>>().concat();
            assert!(message(count) == [Seen::Binary(whole)]);
            assert!(message(count + 1) == [Seen::Failed(Some(rule))]);
        });
    }

    #[test]
    fn can_be_reached_and_not_exceeded() {
        for count in [1, 4, 1024] {
            assert_limit(Rule::MessageTooBig, count, (16 << 20) / count, 1);
        }
        assert_limit(Rule::TooManyFragments, 131_072, 1, 1);
        assert_limit(Rule::TooManyFragments, 128, 0, 0);
    }

    #[test]
    fn is_for_one_message_not_for_a_connection() {
        for_both(|sender| {
            let messages = (0..100_000_u32).map(|i| i.to_be_bytes().to_vec());
            let frames = messages.clone().map(|message| (0x82, message));
            let expected: Vec<_> = messages.map(Seen::Binary).collect();
            assert!(seen(sender, frames) == expected);
        });
    }
}

mod s7_4_every_close {
    use super::*;

    #[test]
    fn code_with_and_without_a_reason_is_seen_as_by_the_reference() {
        for_both(|sender| {
            for code in 0..=u16::MAX {
                for reason in [&b""[..], "é".as_bytes(), b"\xFF", b"a\xC3"] {
                    let body = [&code.to_be_bytes(), reason].concat();
                    assert_agree(sender, &frame(sender, 0x88, &body));
                }
            }
        });
    }

    #[test]
    fn body_of_no_or_one_byte_is_seen_as_by_the_reference() {
        for_both(|sender| {
            assert_agree(sender, &frame(sender, 0x88, b""));
            for byte in 0..=u8::MAX {
                assert_agree(sender, &frame(sender, 0x88, &[byte]));
            }
        });
    }
}

mod every_cut {
    use super::*;

    /// The streams among the seeds.
    fn streams(lengths: std::ops::RangeInclusive<usize>) -> Vec<Stream> {
        let seeds = seeds::all()
            .into_iter()
            .filter(|seed| seed.target == "stream");
        let streams = seeds.map(|seed| Stream::from_input(&seed.input));
        streams
            .filter(|stream| lengths.contains(&stream.wire.len()))
            .collect()
    }

    fn assert_cut(stream: &Stream, expected: &[Seen], sizes: &[usize]) {
        assert_seen(stream.sender, &stream.wire, sizes, expected);
    }

    #[test]
    fn of_a_stream_of_up_to_14_bytes_changes_nothing() {
        for stream in streams(2..=14) {
            let expected = reference::frames(stream.sender, TINY, &stream.wire);
            let places = stream.wire.len() - 1;
            // Bit i tells whether there is a cut after byte i.
            for cuts in 0..1_u32 << places {
                let ends = (0..places).filter(|i| cuts >> i & 1 == 1).map(|i| i + 1);
                let mut start = 0;
                let sizes = ends.map(|end| end - std::mem::replace(&mut start, end));
                let sizes: Vec<usize> = sizes.chain([usize::MAX]).collect();
                assert_cut(&stream, &expected, &sizes);
            }
        }
    }

    #[test]
    fn or_two_of_a_stream_of_up_to_200_bytes_changes_nothing() {
        for stream in streams(15..=200) {
            let expected = reference::frames(stream.sender, TINY, &stream.wire);
            for first in 1..stream.wire.len() {
                for second in 1..=stream.wire.len() - first {
                    assert_cut(&stream, &expected, &[first, second, usize::MAX]);
                }
            }
        }
    }
}
