//! Ping and pong (§5.5.2, §5.5.3).

use super::super::script::{first, last, more, ping, pong, text};
use super::rows::*;

pub(super) fn cases() -> Vec<Case> {
    [
        pings(),
        pongs(),
        together(),
        too_long(),
        fragmented_control(),
    ]
    .concat()
}

fn row(id: impl Into<Text>, title: impl Into<Text>, steps: impl Into<Vec<Step>>) -> Case {
    case(Group::Control, id, title, "5.5.2").plays(steps)
}

fn every(length: usize) -> Vec<u8> {
    Payload::every(length).bytes().into_owned()
}

fn pings() -> Vec<Case> {
    let answered = |id: String, old, payload: Vec<u8>, is_whole: bool| {
        let frames = [ping(payload.clone())];
        let sent = if is_whole { send(frames) } else { drip(frames) };
        row(
            id,
            format!(
                "a ping of {} is answered with its payload",
                size(payload.len())
            ),
            [sent, expect([pong_back(payload)])],
        )
        .old(old)
    };
    let mut all = vec![
        answered("ping-empty".into(), Some("2.1"), Vec::new(), true),
        answered(
            "ping-of-text".into(),
            Some("2.2"),
            "Hello, world!".into(),
            true,
        ),
        answered(
            "ping-of-bytes-that-are-no-text".into(),
            Some("2.3"),
            vec![0, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0, 0xFF],
            true,
        ),
        answered(
            "ping-of-125-equal-bytes".into(),
            Some("2.4"),
            vec![0xFE; 125],
            true,
        ),
        answered(
            "ping-of-125-equal-bytes-in-slivers".into(),
            Some("2.6"),
            vec![0xFE; 125],
            false,
        ),
        answered("ping-of-a-zero-byte".into(), None, vec![0], true),
        answered("ping-of-125-zero-bytes".into(), None, vec![0; 125], true),
        answered(
            "ping-ending-in-zero".into(),
            None,
            b"Hello\0".to_vec(),
            true,
        ),
        answered(
            "ping-beginning-with-zero".into(),
            None,
            b"\0Hello".to_vec(),
            true,
        ),
        answered(
            "ping-of-half-a-character".into(),
            None,
            vec![0xE2, 0x82],
            true,
        ),
        answered("ping-empty-in-slivers".into(), None, Vec::new(), false),
    ];
    for length in [1, 2, 3, 4, 5, 8, 16, 32, 64, 100, 124, 125] {
        all.push(answered(
            format!("ping-of-{length}"),
            None,
            every(length),
            true,
        ));
    }
    all
}

/// Pongs that nobody asked for mean nothing (§5.5.3).
fn pongs() -> Vec<Case> {
    let row = |id: &'static str, title: &'static str, steps: Vec<Step>| {
        case(Group::Control, id, title, "5.5.3").plays(steps)
    };
    vec![
        row(
            "pong-unasked-empty",
            "a pong that nobody asked for is ignored",
            vec![send([pong("")])],
        )
        .old("2.7"),
        row(
            "pong-unasked",
            "a pong with a payload that nobody asked for is ignored",
            vec![send([pong("unasked")])],
        )
        .old("2.8"),
        row(
            "pong-unasked-then-ping",
            "a ping after a pong that nobody asked for is answered",
            vec![
                send([pong("unasked"), ping("asked")]),
                expect([pong_back("asked")]),
            ],
        )
        .old("2.9"),
        row(
            "pong-unasked-of-125",
            "the longest pong that nobody asked for is ignored",
            vec![send([pong(every(125))])],
        ),
        row(
            "pong-unasked-in-slivers",
            "a pong that nobody asked for is ignored, however it is cut",
            vec![drip([pong("unasked")])],
        ),
        row(
            "pongs-unasked-by-the-hundred",
            "many pongs that nobody asked for are ignored",
            vec![
                send(vec![pong("unasked"); 100]),
                send([text("Hello")]),
                expect([text_back("Hello")]),
            ],
        ),
        row(
            "pong-between-messages",
            "a pong between two messages changes neither",
            vec![
                send([text("one"), pong(""), text("two")]),
                expect([text_back("one"), text_back("two")]),
            ],
        ),
    ]
}

fn together() -> Vec<Case> {
    let numbered = |count: usize| (0..count).map(|at| format!("ping {at}"));
    let pings = |count| -> Vec<Frame> { numbered(count).map(ping).collect() };
    let answers = |count| -> Vec<Answer> { numbered(count).map(pong_back).collect() };
    vec![
        row(
            "pings-10",
            "the latest of ten pings is answered, or all are",
            [send(pings(10)), expect(answers(10))],
        )
        .old("2.10"),
        row(
            "pings-10-in-slivers",
            "the latest of ten pings is answered, or all are, however they are cut",
            [drip(pings(10)), expect(answers(10))],
        )
        .old("2.11"),
        row(
            "pings-10-one-by-one",
            "each of ten pings is answered if the next one waits for that",
            numbered(10)
                .flat_map(|payload| [send([ping(payload.clone())]), expect([pong_back(payload)])])
                .collect::<Vec<_>>(),
        ),
        row(
            "pings-50-of-125-bytes",
            "the latest of many long pings is answered",
            {
                let long = |at: u8| Frame::new(0x89, vec![at; 125]);
                [
                    send((0..50).map(long).collect::<Vec<_>>()),
                    expect([pong_back([49; 125])]),
                ]
            },
        ),
        row(
            "pings-50-of-an-end-that-does-not-read",
            "the latest ping is answered though the pongs before it were not read yet",
            [Step::Deaf, send(pings(50)), Step::Hear, expect(answers(50))],
        ),
        row(
            "ping-twice-the-same",
            "two equal pings are answered",
            [
                send([ping("same"), ping("same")]),
                expect([pong_back("same")]),
            ],
        ),
        row(
            "ping-before-a-text",
            "a ping right before a text is answered, and the text comes back",
            [
                send([ping("ping"), text("Hello")]),
                expect([pong_back("ping"), text_back("Hello")]),
            ],
        ),
        row(
            "ping-behind-a-text",
            "a ping right after a text is answered, and the text comes back",
            [
                send([text("Hello"), ping("ping")]),
                expect([pong_back("ping"), text_back("Hello")]),
            ],
        ),
        row(
            "pings-and-texts-in-one-write",
            "pings and texts in one write are all answered",
            [
                send([
                    ping("1"),
                    text("one"),
                    ping("2"),
                    text("two"),
                    ping("3"),
                    text("three"),
                ]),
                expect([
                    text_back("one"),
                    text_back("two"),
                    text_back("three"),
                    pong_back("3"),
                ]),
            ],
        ),
        row(
            "ping-behind-a-long-message",
            "a ping after a long message is answered",
            [
                send([message(false, 60_000), ping("ping")]),
                expect([message_back(false, 60_000), pong_back("ping")]),
            ],
        ),
        row(
            "ping-before-anything-else-in-three-pieces",
            "a ping whose header comes in two pieces is answered",
            [
                pieces([ping("Hello")], [1, 3, 100]),
                expect([pong_back("Hello")]),
            ],
        ),
        row(
            "ping-while-a-message-is-open",
            "a ping is answered before the message that it stands in has ended",
            [
                send([first("one"), ping("ping")]),
                expect([pong_back("ping")]),
                send([last("two")]),
                expect([text_back("onetwo")]),
            ],
        )
        .should(),
    ]
}

/// A control frame has at most 125 bytes (§5.5).
fn too_long() -> Vec<Case> {
    let row = |id: String, steps: Vec<Step>| {
        case(
            Group::Control,
            id,
            "a control frame of more than 125 bytes is refused",
            "5.5",
        )
        .breaks(Rule::ControlTooLong)
        .likely("the length of a control frame was not looked at")
        .plays(steps)
    };
    let mut all = vec![
        row(
            "ping-of-126-equal-bytes".into(),
            vec![send([ping(vec![0xFE; 126])])],
        )
        .old("2.5"),
        row(
            "ping-of-126-in-slivers".into(),
            vec![drip([ping(every(126))])],
        ),
        row(
            "ping-of-126-behind-a-text".into(),
            vec![
                perhaps([text_back("Hello")]),
                send([text("Hello"), ping(every(126))]),
            ],
        ),
        row(
            "ping-of-126-between-fragments".into(),
            vec![send([first("one"), ping(every(126)), last("two")])],
        ),
    ];
    for length in [127, 128, 1000, 65_535, 65_536] {
        all.push(row(
            format!("ping-of-{length}"),
            vec![send([ping(every(length))])],
        ));
    }
    for length in [126, 65_536] {
        all.push(row(
            format!("pong-of-{length}"),
            vec![send([pong(every(length))])],
        ));
    }
    all
}

/// A control frame is whole (§5.5).
fn fragmented_control() -> Vec<Case> {
    const PING: u8 = 9;
    const PONG: u8 = 10;
    let row = |id: &'static str, steps: Vec<Step>| {
        case(
            Group::Control,
            id,
            "a control frame in fragments is refused",
            "5.5",
        )
        .breaks(Rule::ControlFragmented)
        .likely("FIN of a control frame was not looked at")
        .plays(steps)
    };
    let part = |opcode, payload: &str| Frame::new(opcode, payload);
    vec![
        row("ping-not-final", vec![send([part(PING, "Hello")])]),
        row("ping-not-final-empty", vec![send([part(PING, "")])]),
        row(
            "ping-in-two-fragments",
            vec![send([part(PING, "fragment1"), last("fragment2")])],
        )
        .old("5.1"),
        row(
            "ping-in-two-fragments-in-slivers",
            vec![drip([part(PING, "fragment1"), last("fragment2")])],
        ),
        row(
            "ping-in-three-fragments",
            vec![send([part(PING, "one"), more("two"), last("three")])],
        ),
        row(
            "ping-not-final-between-fragments",
            vec![send([first("one"), part(PING, ""), last("two")])],
        ),
        row("pong-not-final", vec![send([part(PONG, "Hello")])]),
        row(
            "pong-in-two-fragments",
            vec![send([part(PONG, "fragment1"), last("fragment2")])],
        )
        .old("5.2"),
        row(
            "pong-not-final-between-fragments",
            vec![send([first("one"), part(PONG, ""), last("two")])],
        ),
        row("close-not-final", vec![send([part(8, "\u{3}\u{68}")])]),
    ]
}
