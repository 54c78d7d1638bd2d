//! Much of everything. What a peer will not take, it refuses with 1009, and that is no fault.

use super::super::script::{last, more, ping};
use super::rows::*;

const MIB: usize = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for is_text in KINDS {
        all.extend(large(is_text));
        all.extend(in_fragments(is_text));
        all.extend(in_pieces(is_text));
        all.extend(round_trips(is_text));
        all.extend(at_once(is_text));
        all.push(slow_reader(is_text));
    }
    all.extend(with_pings());
    all
}

fn row(id: impl Into<Text>, title: impl Into<Text>, steps: impl Into<Vec<Step>>) -> Case {
    case(Group::Load, id, title, "5.2").plays(steps)
}

fn either(is_text: bool, text: &'static str, binary: &'static str) -> &'static str {
    if is_text { text } else { binary }
}

fn large(is_text: bool) -> Vec<Case> {
    let sizes = [
        (64 << 10, "9.1.1", "9.2.1"),
        (256 << 10, "9.1.2", "9.2.2"),
        (MIB, "9.1.3", "9.2.3"),
        (4 * MIB, "9.1.4", "9.2.4"),
        (8 * MIB, "9.1.5", "9.2.5"),
        (16 * MIB, "9.1.6", "9.2.6"),
    ];
    let case = |(length, text, binary)| {
        row(
            format!("message-of-{}-{}", words(length), kind(is_text)),
            format!("a {} message of {} comes back", kind(is_text), size(length)),
            [
                send([message(is_text, length)]),
                expect([message_back(is_text, length)]),
            ],
        )
        .old(either(is_text, text, binary))
    };
    sizes.map(case).to_vec()
}

fn in_fragments(is_text: bool) -> Vec<Case> {
    let sizes = [
        (64, "9.3.1", "9.4.1"),
        (256, "9.3.2", "9.4.2"),
        (1 << 10, "9.3.3", "9.4.3"),
        (4 << 10, "9.3.4", "9.4.4"),
        (16 << 10, "9.3.5", "9.4.5"),
        (64 << 10, "9.3.6", "9.4.6"),
        (256 << 10, "9.3.7", "9.4.7"),
        (MIB, "9.3.8", "9.4.8"),
        (4 * MIB, "9.3.9", "9.4.9"),
    ];
    let case = |(part, text, binary)| {
        row(
            format!("fragments-of-{}-{}", words(part), kind(is_text)),
            format!(
                "a {} message of 4 MiB in fragments of {} comes back",
                kind(is_text),
                size(part)
            ),
            [
                send(full_fragments(is_text, 4 * MIB, part)),
                expect([message_back(is_text, 4 * MIB)]),
            ],
        )
        .old(either(is_text, text, binary))
    };
    sizes.map(case).to_vec()
}

/// Fragments that are all full, and an empty one that ends them, as the old suite sends them.
fn full_fragments(is_text: bool, length: usize, size: usize) -> Vec<Frame> {
    let mut frames = fragmented(is_text, length, size);
    if frames.len() > 1 {
        frames.pop();
        frames.push(more(Payload::part(is_text, length - size, size)));
        frames.push(last(""));
    }
    frames
}

fn in_pieces(is_text: bool) -> Vec<Case> {
    let sizes = [
        (64, "9.5.1", "9.6.1"),
        (128, "9.5.2", "9.6.2"),
        (256, "9.5.3", "9.6.3"),
        (512, "9.5.4", "9.6.4"),
        (1024, "9.5.5", "9.6.5"),
        (2048, "9.5.6", "9.6.6"),
    ];
    let case = |(piece, text, binary)| {
        row(
            format!("pieces-of-{piece}-{}", kind(is_text)),
            format!(
                "a {} message of 1 MiB in pieces of {piece} bytes comes back",
                kind(is_text)
            ),
            [
                pieces([message(is_text, MIB)], [piece]),
                expect([message_back(is_text, MIB)]),
            ],
        )
        .old(either(is_text, text, binary))
    };
    sizes.map(case).to_vec()
}

fn round_trips(is_text: bool) -> Vec<Case> {
    let sizes = [
        (0, "9.7.1", "9.8.1"),
        (16, "9.7.2", "9.8.2"),
        (64, "9.7.3", "9.8.3"),
        (256, "9.7.4", "9.8.4"),
        (1024, "9.7.5", "9.8.5"),
        (4096, "9.7.6", "9.8.6"),
    ];
    let case = |(length, text, binary)| {
        let once = [
            send([message(is_text, length)]),
            expect([message_back(is_text, length)]),
        ];
        row(
            format!("round-trips-of-{length}-{}", kind(is_text)),
            format!(
                "a thousand {} messages of {}, one after the other, come back",
                kind(is_text),
                size(length)
            ),
            vec![once; 1000].concat(),
        )
        .old(either(is_text, text, binary))
    };
    sizes.map(case).to_vec()
}

/// Without waiting for what comes back; in all, no more than the smallest buffers on the way hold.
fn at_once(is_text: bool) -> Vec<Case> {
    let sizes: [(usize, usize); 3] = [(1000, 20), (300, 100), (30, 1000)];
    let case = |(count, length)| {
        let name = kind(is_text);
        row(
            format!("messages-{count}-of-{length}-{name}"),
            format!(
                "{count} {name} messages of {length} bytes, sent at once, come back in their order"
            ),
            [
                send(
                    (0..count)
                        .map(|at| message(is_text, length + at % 2))
                        .collect::<Vec<_>>(),
                ),
                expect(
                    (0..count)
                        .map(|at| message_back(is_text, length + at % 2))
                        .collect::<Vec<_>>(),
                ),
            ],
        )
    };
    sizes.map(case).to_vec()
}

/// What comes back waits until it is read, and nothing of it is lost.
fn slow_reader(is_text: bool) -> Case {
    row(
        format!("slow-reader-{}", kind(is_text)),
        format!(
            "a {} message of 16 MiB comes back to a peer that was slow to read",
            kind(is_text)
        ),
        [
            Step::Deaf,
            send([message(is_text, 16 * MIB)]),
            Step::Hear,
            expect([message_back(is_text, 16 * MIB)]),
        ],
    )
}

fn with_pings() -> Vec<Case> {
    let mut frames = fragmented(true, 256 << 10, 4 << 10);
    for at in (1..frames.len()).rev() {
        frames.insert(at, ping(at.to_string()));
    }
    vec![
        row(
            "fragments-with-pings",
            "a message of 256 KiB in 64 fragments with pings between them comes back",
            [
                send(frames),
                expect([message_back(true, 256 << 10), pong_back("63")]),
            ],
        ),
        row(
            "slow-reader-of-many",
            "many messages come back to a peer that was slow to read",
            [
                Step::Deaf,
                send(vec![message(true, 50); 500]),
                Step::Hear,
                expect(vec![message_back(true, 50); 500]),
            ],
        ),
        row(
            "large-then-small",
            "a small message after a large one comes back",
            [
                send([message(false, 4 * MIB), message(true, 1)]),
                expect([message_back(false, 4 * MIB), message_back(true, 1)]),
            ],
        ),
    ]
}

/// A size in an id.
fn words(bytes: usize) -> String {
    size(bytes).replace(' ', "-").to_lowercase()
}
