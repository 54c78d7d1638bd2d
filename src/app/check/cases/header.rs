//! The bits of a header (§5.2).

use super::super::script::{
    Form, binary, close, close_body, first, first_binary, last, more, ping, pong, text,
};
use super::rows::*;

pub(super) fn cases() -> Vec<Case> {
    [
        (1..8).flat_map(reserved_bits).collect(),
        reserved_bits_after_a_text(),
        RESERVED_OPCODES.into_iter().flat_map(opcode).collect(),
        wrong_masks(),
        keys(),
        long_forms(),
        top_bits(),
    ]
    .concat()
}

const RESERVED_OPCODES: [u8; 10] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

/// A frame of each kind that needs no other before it.
fn kinds() -> [(&'static str, Frame); 7] {
    [
        ("text", text("Hello")),
        ("binary", binary([0, 0xFF, 0xFE, 0xFD])),
        ("first-fragment", first("Hello")),
        ("first-binary-fragment", first_binary([0, 0xFF])),
        ("ping", ping("Hello")),
        ("pong", pong("Hello")),
        ("close", close(1000, "")),
    ]
}

fn reserved_bits(bits: u8) -> Vec<Case> {
    let row = |what: &str, script: Vec<Step>| {
        case(
            Group::Header,
            format!("rsv-{bits}-on-{what}"),
            format!("a frame with the reserved bits {bits:03b} is refused"),
            "5.2",
        )
        .breaks(Rule::RsvNotZero)
        .likely("the reserved bits were not looked at")
        .plays(script)
        .old(match (bits, what) {
            (1, "text") => Some("3.1"),
            (5, "binary") => Some("3.5"),
            (6, "binary") => Some("3.6"),
            (7, "empty-close") => Some("3.7"),
            _ => None,
        })
    };
    let mut all: Vec<_> = kinds()
        .into_iter()
        .map(|(what, frame)| row(what, vec![send([frame.rsv(bits)])]))
        .collect();
    all.extend([
        row("empty-text", vec![send([text("").rsv(bits)])]),
        row("empty-close", vec![send([close_body("").rsv(bits)])]),
        row(
            "middle-fragment",
            vec![send([first("one"), more("two").rsv(bits), last("three")])],
        ),
        row(
            "last-fragment",
            vec![send([first("one"), last("two").rsv(bits)])],
        ),
        row(
            "ping-between-fragments",
            vec![send([first("one"), ping("").rsv(bits), last("two")])],
        ),
    ]);
    all
}

fn reserved_bits_after_a_text() -> Vec<Case> {
    let frames = |bits| [text("Hello"), text("Hello").rsv(bits), ping("")];
    let row = |bits, how: &str, old, steps: Vec<Step>| {
        case(
            Group::Header,
            format!("rsv-{bits}-behind-a-text{how}"),
            format!(
                "a text comes back though the frame after it has the reserved bits {bits:03b}, which is refused"
            ),
            "5.2",
        )
        .breaks(Rule::RsvNotZero)
        .plays([vec![perhaps([text_back("Hello")])], steps].concat())
        .old(old)
    };
    vec![
        row(2, "", "3.2", vec![send(frames(2))]),
        row(3, "-in-three-writes", "3.3", one_by_one(frames(3))),
        row(4, "-in-slivers", "3.4", vec![drip(frames(4))]),
    ]
}

fn opcode(opcode: u8) -> Vec<Case> {
    const FIN: u8 = 0x80;
    let whole = |payload: &str| Frame::new(FIN | opcode, payload);
    let kind = if opcode < 8 { "data" } else { "control" };
    let row = |how: &str, steps: Vec<Step>| {
        case(
            Group::Header,
            format!("opcode-{opcode}{how}"),
            format!("opcode {opcode}, reserved for {kind} frames, is refused"),
            "5.2",
        )
        .breaks(Rule::OpcodeReserved)
        .likely("a frame of an unknown opcode was skipped, or taken for data")
        .plays(steps)
        .old(match (opcode, how) {
            (3, "") => Some("4.1.1"),
            (4, "-with-payload") => Some("4.1.2"),
            (5, "-behind-a-text") => Some("4.1.3"),
            (6, "-with-payload-behind-a-text") => Some("4.1.4"),
            (7, "-behind-a-text-in-slivers") => Some("4.1.5"),
            (11, "") => Some("4.2.1"),
            (12, "-with-payload") => Some("4.2.2"),
            (13, "-behind-a-text") => Some("4.2.3"),
            (14, "-with-payload-behind-a-text") => Some("4.2.4"),
            (15, "-behind-a-text-in-slivers") => Some("4.2.5"),
            _ => None,
        })
    };
    let after = |payload| [text("Hello"), whole(payload), ping("")];
    let hello = || perhaps([text_back("Hello")]);
    vec![
        row("", vec![send([whole("")])]),
        row("-with-payload", vec![send([whole("reserved")])]),
        row(
            "-of-200-bytes",
            vec![send([Frame::new(FIN | opcode, Payload::every(200))])],
        ),
        row(
            "-not-final",
            vec![send([Frame::new(opcode, "one"), last("two")])],
        ),
        row(
            "-between-fragments",
            vec![send([first("one"), whole("reserved"), last("two")])],
        ),
        row("-behind-a-text", vec![hello(), send(after(""))]),
        row(
            "-with-payload-behind-a-text",
            [vec![hello()], one_by_one(after("reserved"))].concat(),
        ),
        row(
            "-behind-a-text-in-slivers",
            vec![hello(), drip(after("reserved"))],
        ),
    ]
}

/// No mask from a client, or one from a server (§5.1).
fn wrong_masks() -> Vec<Case> {
    let row = |what: &str, steps: Vec<Step>| {
        let case = case(
            Group::Header,
            format!("mask-wrong-on-{what}"),
            "a client's frame without a mask, or a server's with one, is refused",
            "5.1",
        )
        .breaks(Rule::MaskMissing)
        .likely("the mask bit was not looked at")
        .plays(steps);
        Case {
            rules: vec![Rule::MaskMissing, Rule::MaskPresent],
            ..case
        }
    };
    let mut all: Vec<_> = kinds()
        .into_iter()
        .map(|(what, frame)| row(what, vec![send([frame.masked_wrong()])]))
        .collect();
    all.extend([
        row("empty-text", vec![send([text("").masked_wrong()])]),
        row(
            "a-text-of-300-bytes",
            vec![send([message(true, 300).masked_wrong()])],
        ),
        row(
            "last-fragment",
            vec![send([first("one"), last("two").masked_wrong()])],
        ),
        row(
            "ping-between-fragments",
            vec![send([first("one"), ping("").masked_wrong(), last("two")])],
        ),
        row(
            "the-second-text",
            vec![
                perhaps([text_back("Hello")]),
                send([text("Hello"), text("again").masked_wrong()]),
            ],
        ),
        row(
            "text-in-slivers",
            vec![drip([text("Hello").masked_wrong()])],
        ),
    ]);
    all
}

/// Any key will do (§5.3).
fn keys() -> Vec<Case> {
    let row = |id: &'static str, title: &'static str| {
        case(Group::Header, id, title, "5.3").only(Role::Server)
    };
    let zero = [0; 4];
    let each = [
        zero,
        [0xFF; 4],
        [1, 0, 0, 0],
        [0, 0, 0, 0x80],
        [0x81, 0x85, 0, 9],
    ];
    vec![
        row(
            "mask-key-zero",
            "a frame whose masking key is zero comes back",
        )
        .plays([
            send([text("Hello").key(zero)]),
            expect([text_back("Hello")]),
        ]),
        row(
            "mask-key-zero-on-binary",
            "a binary frame whose masking key is zero comes back",
        )
        .plays([
            send([message(false, 300).key(zero)]),
            expect([message_back(false, 300)]),
        ]),
        row(
            "mask-key-zero-on-ping",
            "a ping whose masking key is zero is answered",
        )
        .plays([
            send([ping("Hello").key(zero)]),
            expect([pong_back("Hello")]),
        ]),
        row(
            "mask-key-all-ones",
            "a frame whose masking key has all bits set comes back",
        )
        .plays([
            send([message(false, 300).key([0xFF; 4])]),
            expect([message_back(false, 300)]),
        ]),
        row("mask-key-of-one-byte", "each byte of a masking key counts").plays([
            send([
                message(false, 11).key([0, 0, 0, 0x55]),
                message(false, 11).key([0x55, 0, 0, 0]),
            ]),
            expect([message_back(false, 11), message_back(false, 11)]),
        ]),
        row(
            "mask-keys-of-many-kinds",
            "each frame is unmasked with its own key",
        )
        .plays([
            send(each.map(|key| message(false, 21).key(key))),
            expect(each.map(|_| message_back(false, 21))),
        ]),
        row(
            "mask-keys-of-fragments",
            "each fragment is unmasked with its own key, from its first byte on",
        )
        .plays([
            send([
                first("one").key([1, 2, 3, 4]),
                more("two").key(zero),
                last("three").key([0xF0, 0x0F, 0x33, 0x55]),
            ]),
            expect([text_back("onetwothree")]),
        ]),
        row(
            "mask-keys-of-a-client",
            "a client masks each frame with a key of its own",
        )
        .plays([
            send(["one", "two", "three"].map(text)),
            expect(["one", "two", "three"].map(text_back)),
            Step::FreshKeys,
        ])
        .only(Role::Client)
        .likely("the masking key is a constant"),
        row(
            "mask-across-pieces",
            "a payload is unmasked in step with its key, however it is cut",
        )
        .plays([
            pieces([message(false, 250)], [9, 3, 1, 2, 5, 7]),
            expect([message_back(false, 250)]),
        ]),
        row(
            "mask-that-hides-a-header",
            "a masked payload that looks like a header is payload",
        )
        .plays([
            send([binary([0x88, 0x80, 0, 0, 0, 0, 0x88, 0x80]).key(zero)]),
            expect([bytes_back([0x88, 0x80, 0, 0, 0, 0, 0x88, 0x80])]),
        ]),
    ]
}

/// A length in more bits than it needs. Senders must not; no section tells receivers to look.
fn long_forms() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |id: String, frames: Vec<Frame>| {
        all.push(
            case(
                Group::Header,
                id,
                "a length in a longer form than it needs is refused",
                "5.2",
            )
            .breaks(Rule::LengthNotMinimal)
            .plays([send(frames)])
            .advice(),
        );
    };
    for (form, bits, lengths) in [
        (Form::Bits16, 16, &[0, 1, 125][..]),
        (Form::Bits64, 64, &[0, 1, 125, 126, 65_535]),
    ] {
        for &length in lengths {
            for is_text in KINDS {
                add(
                    format!("length-{bits}-bits-for-{length}-{}", kind(is_text)),
                    vec![message(is_text, length).form(form)],
                );
            }
        }
        add(
            format!("length-{bits}-bits-for-3-fragment"),
            vec![first("one"), last("two").form(form)],
        );
        add(
            format!("length-{bits}-bits-for-5-ping"),
            vec![ping("Hello").form(form)],
        );
        add(
            format!("length-{bits}-bits-for-125-pong"),
            vec![pong(Payload::every(125)).form(form)],
        );
        add(
            format!("length-{bits}-bits-for-2-close"),
            vec![close(1000, "").form(form)],
        );
    }
    all
}

/// A 64-bit length has 63 bits.
fn top_bits() -> Vec<Case> {
    const TOP: u64 = 1 << 63;
    let row = |what: &str, codes: &[u16], frames: Vec<Frame>| {
        case(
            Group::Header,
            format!("length-top-bit-{what}"),
            "a length whose top bit is set is refused",
            "5.2",
        )
        .breaks(Rule::LengthTopBitSet)
        .plays([send(frames)])
        .ends(End::Failed(codes.to_vec()))
    };
    let either = &[1002, 1009];
    vec![
        row("alone-on-text", either, vec![text("").length(TOP)]),
        row(
            "on-text-of-5",
            either,
            vec![text("Hello").form(Form::Bits64).length(TOP | 5)],
        ),
        row("alone-on-binary", either, vec![binary("").length(TOP)]),
        row(
            "on-binary-of-70000",
            either,
            vec![message(false, 70_000).length(TOP | 70_000)],
        ),
        row(
            "and-all-others-on-binary",
            either,
            vec![binary("Hello").length(u64::MAX)],
        ),
        row(
            "on-last-fragment",
            either,
            vec![first("one"), last("two").length(TOP | 3)],
        ),
        row("on-ping", &[1002], vec![ping("Hello").length(TOP | 5)]),
        row("on-close", &[1002], vec![close(1000, "").length(TOP | 2)]),
    ]
}
