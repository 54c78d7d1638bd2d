//! The ten stages: what each asks for, and what to do about it.

use super::super::case::{Case, End, Group};
use super::super::cases;
use super::super::script::{self, Answer, Frame, Payload, Step, first, last, more, ping, text};

pub(super) struct Stage {
    pub(super) title: &'static str,
    /// What to do, for whoever does not pass it.
    pub(super) next: &'static str,
    pub(super) cases: Vec<Case>,
}

// The rows of the table that a stage is made of.

const BROKEN_FRAMES: &[&str] = &[
    "mask-wrong-on-text",
    "rsv-1-on-text",
    "opcode-3",
    "ping-of-126-equal-bytes",
    "ping-not-final",
    "last-fragment-alone",
    "text-inside-a-text",
    "byte-ff",
    "missing-of-3-whole",
    "broken-one-ends-alone",
];
const BROKEN_HEADS: &[&str] = &[
    "method-post",
    "http-1-0",
    "upgrade-missing",
    "connection-missing",
    "version-missing",
    "version-14",
    "key-missing",
    "key-of-15-bytes",
];
const CLOSING: &[&str] = &[
    "code-1000",
    "body-empty",
    "body-with-reason",
    "text-after-close",
    "server-ends-tcp",
];
const TWO: &[&str] = &[
    "closed-one-beside",
    "idle-one-beside",
    "half-a-frame-beside",
];

pub(super) fn stages() -> Vec<Stage> {
    let stage = |title, next, cases| Stage { title, next, cases };
    vec![
        stage(
            "the handshake",
            "Read the request up to the empty line. Answer with HTTP/1.1 101 Switching Protocols, Upgrade: websocket, \
             Connection: Upgrade, Sec-WebSocket-Accept and an empty line, each line ending with CR LF. The accept value is the \
             base64 of the SHA-1 of the request's Sec-WebSocket-Key followed by \
             258EAFA5-E914-47DA-95CA-C5AB0DC85B11. plainws handshake KEY shows each step.",
            vec![asks(
                Group::Opening,
                "handshake",
                "the request is accepted",
                "4.2.2",
                Vec::new(),
            )],
        ),
        stage(
            "one text",
            "Read two bytes: the opcode is in the lower half of the first, the length in the lower seven bits of the \
             second. Four bytes of key follow, then the payload: each byte XOR the key's, in turn. Send it back as \
             the byte 0x81, its length and the payload, without a key.",
            vec![asks(
                Group::Lengths,
                "one-text",
                "a text comes back",
                "5.2",
                sends([text("Hello")], [back("Hello")]),
            )],
        ),
        stage(
            "three lengths",
            "126 in the second byte says that the length stands in the next 2 bytes, 127 in the next 8, the highest byte \
             first. What you send back has the same three forms.",
            vec![
                asks(
                    Group::Lengths,
                    "length-125",
                    "the longest text whose length is in the second byte",
                    "5.2",
                    of_length(125),
                ),
                asks(
                    Group::Lengths,
                    "length-126",
                    "a length of 16 bits",
                    "5.2",
                    of_length(126),
                ),
                asks(
                    Group::Lengths,
                    "length-65536",
                    "a length of 64 bits",
                    "5.2",
                    of_length(65_536),
                ),
            ],
        ),
        stage(
            "a stream is not packets",
            "One read may give half a header or three frames. Keep what came in a buffer, take whole frames from it as \
             long as there are any, and read on with what is left.",
            vec![
                asks(
                    Group::Stream,
                    "byte-by-byte",
                    "a text that arrives byte by byte comes back",
                    "5.2",
                    vec![
                        Step::Pieces(vec![text("Hello")], vec![1]),
                        Step::Expect(vec![back("Hello")]),
                    ],
                ),
                asks(
                    Group::Stream,
                    "three-at-once",
                    "three texts that arrive at once come back",
                    "5.2",
                    sends(
                        [text("one"), text("two"), text("three")],
                        [back("one"), back("two"), back("three")],
                    ),
                ),
            ],
        ),
        stage(
            "pings",
            "Opcode 9 is a ping: send its payload back with opcode 10. A pong that nobody asked for is to be ignored.",
            vec![
                asks(
                    Group::Control,
                    "ping",
                    "a ping is answered with its payload",
                    "5.5.2",
                    sends(
                        [ping("are you there?")],
                        [Answer::Pong(b"are you there?".to_vec())],
                    ),
                ),
                asks(
                    Group::Control,
                    "pong",
                    "a pong that nobody asked for is ignored",
                    "5.5.3",
                    sends([script::pong("here"), text("Hello")], [back("Hello")]),
                ),
            ],
        ),
        stage(
            "fragments",
            "The highest bit of the first byte, FIN, is set in the last frame of a message. Frames after the first have \
             opcode 0. Collect their payloads, and answer when FIN comes. A ping may stand between them.",
            vec![
                asks(
                    Group::Fragments,
                    "fragments",
                    "a text in three fragments is one message",
                    "5.4",
                    sends(
                        [first("one"), more("two"), last("three")],
                        [back("onetwothree")],
                    ),
                ),
                asks(
                    Group::Fragments,
                    "ping-inside",
                    "a ping between two fragments is answered, and does not end the message",
                    "5.4",
                    sends(
                        [first("one"), ping("hi"), last("two")],
                        [Answer::Pong(b"hi".to_vec()), back("onetwo")],
                    ),
                ),
            ],
        ),
        stage(
            "closing",
            "Opcode 8 is a Close; its payload begins with a code of two bytes, or is empty. Answer with a Close of the \
             same code (a reason may follow it), send nothing after it, and end TCP.",
            rows(CLOSING),
        ),
        stage(
            "two clients",
            "Each connection needs a thread, a process or a task of its own, and its own buffer: what one client does \
             must not be seen by another.",
            rows(TWO),
        ),
        stage(
            "broken frames",
            "What breaks a rule ends the connection: send a Close with 1002, or 1007 for what is not UTF-8, and end TCP. \
             plainws rules lists all of them.",
            rows(BROKEN_FRAMES),
        ),
        stage(
            "broken heads",
            "Refuse what is no opening handshake with a status: 400, 405 for another method than GET, 426 with \
             Sec-WebSocket-Version: 13 for another version.",
            rows(BROKEN_HEADS),
        ),
    ]
}

/// A case that asks for answers only: how to close comes later.
fn asks(
    group: Group,
    id: &'static str,
    title: &'static str,
    section: &'static str,
    script: Vec<Step>,
) -> Case {
    Case::new(group, id, title, section)
        .plays(script)
        .ends(End::Unheard)
}

fn sends(frames: impl Into<Vec<Frame>>, answers: impl Into<Vec<Answer>>) -> Vec<Step> {
    vec![Step::Send(frames.into()), Step::Expect(answers.into())]
}

fn back(text: &str) -> Answer {
    Answer::Text(text.into())
}

/// A text of so many bytes, and the same back.
fn of_length(length: usize) -> Vec<Step> {
    let payload = Payload::Bytes(vec![b'*'; length]);
    sends([script::text_of(payload.clone())], [Answer::Text(payload)])
}

/// Rows of the table.
fn rows(ids: &[&str]) -> Vec<Case> {
    let all = cases::all();
    let row = |id: &&str| all.iter().find(|case| case.id == **id).cloned();
    ids.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_a_stage_is_in_the_table() {
        for ids in [CLOSING, TWO, BROKEN_FRAMES, BROKEN_HEADS] {
            let found: Vec<_> = rows(ids)
                .into_iter()
                .map(|case| case.id.into_owned())
                .collect();
            assert_eq!(found, ids);
        }
    }

    #[test]
    fn there_are_ten_stages() {
        assert_eq!(stages().len(), 10);
    }
}
