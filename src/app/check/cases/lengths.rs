//! Messages of each length (§5.2).

use super::super::script::text;
use super::rows::*;

/// Each edge of the three forms of a length, and of the types that programs keep them in.
const LENGTHS: [usize; 16] = [
    0,
    1,
    2,
    125,
    126,
    127,
    128,
    255,
    256,
    32_767,
    32_768,
    65_535,
    65_536,
    65_537,
    1 << 20,
    16 << 20,
];

pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for is_text in KINDS {
        for length in LENGTHS {
            all.push(whole(is_text, length));
            all.push(in_slivers(is_text, length));
        }
        all.extend(one_after_another(is_text));
    }
    all.extend([125, 126, 65_536].map(characters));
    all.extend(KINDS.map(longer_than_32_bits));
    all
}

fn whole(is_text: bool, length: usize) -> Case {
    case(
        Group::Lengths,
        format!("length-{length}-{}", kind(is_text)),
        format!("a {} message of {} comes back", kind(is_text), size(length)),
        "5.2",
    )
    .plays([
        send([message(is_text, length)]),
        expect([message_back(is_text, length)]),
    ])
    .old(match (length, is_text) {
        (0, true) => Some("1.1.1"),
        (125, true) => Some("1.1.2"),
        (126, true) => Some("1.1.3"),
        (127, true) => Some("1.1.4"),
        (128, true) => Some("1.1.5"),
        (65_535, true) => Some("1.1.6"),
        (65_536, true) => Some("1.1.7"),
        (0, false) => Some("1.2.1"),
        (125, false) => Some("1.2.2"),
        (126, false) => Some("1.2.3"),
        (127, false) => Some("1.2.4"),
        (128, false) => Some("1.2.5"),
        (65_535, false) => Some("1.2.6"),
        (65_536, false) => Some("1.2.7"),
        _ => None,
    })
}

fn in_slivers(is_text: bool, length: usize) -> Case {
    let sizes = if length < 1000 {
        vec![1]
    } else {
        vec![1, 2, 3, 5, 997]
    };
    case(
        Group::Lengths,
        format!("length-{length}-{}-in-slivers", kind(is_text)),
        format!(
            "a {} message of {} comes back, however it is cut",
            kind(is_text),
            size(length)
        ),
        "5.2",
    )
    .plays([
        pieces([message(is_text, length)], sizes),
        expect([message_back(is_text, length)]),
    ])
    .old(match (length, is_text) {
        (65_536, true) => Some("1.1.8"),
        (65_536, false) => Some("1.2.8"),
        _ => None,
    })
}

/// The short ones on one connection, up and down, whole and in slivers.
fn one_after_another(is_text: bool) -> [Case; 2] {
    let up = LENGTHS.into_iter().filter(|&length| length < 1000);
    let lengths: Vec<usize> = up.clone().chain(up.rev()).collect();
    let frames: Vec<_> = lengths
        .iter()
        .map(|&length| message(is_text, length))
        .collect();
    let back: Vec<_> = lengths
        .iter()
        .map(|&length| message_back(is_text, length))
        .collect();
    let row = |how: &str, step| {
        case(
            Group::Lengths,
            format!("lengths-up-and-down-{}{how}", kind(is_text)),
            format!(
                "{} messages of many lengths in one stream come back in their order",
                kind(is_text)
            ),
            "5.2",
        )
        .plays([step, expect(back.clone())])
    };
    [
        row("", send(frames.clone())),
        row("-in-slivers", pieces(frames.clone(), [1, 3, 2])),
    ]
}

/// A few bytes of a frame that is announced as longer than 4 GiB.
fn longer_than_32_bits(is_text: bool) -> Case {
    let (sent, announced) = (5, (1 << 32) + 5);
    case(
        Group::Lengths,
        format!("length-{announced}-{}", kind(is_text)),
        format!(
            "a {} message of 4 GiB and 5 bytes does not end after 5",
            kind(is_text)
        ),
        "5.2",
    )
    .plays([send([message(is_text, sent).length(announced)])])
    .ends(End::Left)
    .likely("the length is cut to 32 bits")
}

/// A length counts bytes, not characters.
fn characters(length: usize) -> Case {
    let mut payload = "é".repeat(length / 2);
    payload.extend((length % 2 == 1).then_some('e'));
    case(
        Group::Lengths,
        format!("length-{length}-in-characters-of-two-bytes"),
        format!("the length of a text counts its {length} bytes, not its characters"),
        "5.2",
    )
    .plays([send([text(&payload)]), expect([text_back(&*payload)])])
}
