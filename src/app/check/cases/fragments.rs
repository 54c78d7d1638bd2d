//! Messages in fragments (§5.4).

use super::super::script::{binary, first, first_binary, last, more, ping, pong, text};
use super::rows::*;

pub(super) fn cases() -> Vec<Case> {
    [
        legal_orders(),
        old_orders(),
        cuts(),
        many(),
        illegal_orders(),
    ]
    .concat()
}

fn row(id: impl Into<Text>, title: impl Into<Text>, steps: impl Into<Vec<Step>>) -> Case {
    case(Group::Fragments, id, title, "5.4").plays(steps)
}

/// Sent in one write.
fn legal(id: &'static str, title: &'static str, frames: Vec<Frame>, due: Vec<Answer>) -> Case {
    row(id, title, [send(frames), expect(due)])
}

fn legal_orders() -> Vec<Case> {
    vec![
        legal(
            "three-fragments",
            "a text in three fragments comes back",
            vec![first("one"), more("two"), last("three")],
            vec![text_back("onetwothree")],
        ),
        legal(
            "two-binary-fragments",
            "a binary message in two fragments comes back",
            vec![first_binary([0, 1]), last([0xFF, 0xFE])],
            vec![bytes_back([0, 1, 0xFF, 0xFE])],
        ),
        legal(
            "three-binary-fragments",
            "a binary message in three fragments comes back",
            vec![first_binary([0]), more([0x80, 0x81]), last([0xFF])],
            vec![bytes_back([0, 0x80, 0x81, 0xFF])],
        ),
        legal(
            "first-fragment-empty",
            "an empty first fragment adds nothing",
            vec![first(""), last("two")],
            vec![text_back("two")],
        ),
        legal(
            "middle-fragment-empty",
            "an empty fragment in the middle adds nothing",
            vec![first("one"), more(""), last("three")],
            vec![text_back("onethree")],
        ),
        legal(
            "last-fragment-empty",
            "an empty last fragment ends a message",
            vec![first("one"), last("")],
            vec![text_back("one")],
        ),
        legal(
            "last-binary-fragment-empty",
            "an empty last fragment ends a binary message",
            vec![first_binary([1]), last("")],
            vec![bytes_back([1])],
        ),
        legal(
            "all-fragments-empty",
            "empty fragments are an empty text",
            vec![first(""), more(""), last("")],
            vec![text_back("")],
        ),
        legal(
            "all-binary-fragments-empty",
            "empty binary fragments are an empty message",
            vec![first_binary(""), more(""), last("")],
            vec![bytes_back("")],
        ),
        legal(
            "empty-fragments-around-a-full-one",
            "only the fragment with a payload counts",
            vec![first(""), more(""), more("Hello"), more(""), last("")],
            vec![text_back("Hello")],
        ),
        legal(
            "two-messages-in-fragments",
            "two messages in fragments come back as two",
            vec![first("one"), last("two"), first("three"), last("four")],
            vec![text_back("onetwo"), text_back("threefour")],
        ),
        legal(
            "text-then-binary-in-fragments",
            "the first fragment of each message says what it is",
            vec![first("one"), last("two"), first_binary([3]), last([4])],
            vec![text_back("onetwo"), bytes_back([3, 4])],
        ),
        legal(
            "binary-then-text-in-fragments",
            "the first fragment of each message says what it is",
            vec![first_binary([3]), last([4]), first("one"), last("two")],
            vec![bytes_back([3, 4]), text_back("onetwo")],
        ),
        legal(
            "whole-message-behind-fragments",
            "a whole message after one in fragments comes back",
            vec![first("one"), last("two"), text("three")],
            vec![text_back("onetwo"), text_back("three")],
        ),
        legal(
            "fragments-behind-a-whole-message",
            "a message in fragments after a whole one comes back",
            vec![binary([1]), first("one"), last("two")],
            vec![bytes_back([1]), text_back("onetwo")],
        ),
        legal(
            "fragments-of-each-length",
            "fragments may have headers of each length",
            vec![
                first(Payload::part(true, 0, 125)),
                more(Payload::part(true, 125, 126)),
                more(Payload::part(true, 251, 65_536)),
                last(Payload::part(true, 65_787, 1)),
            ],
            vec![message_back(true, 65_788)],
        ),
        legal(
            "pong-between-fragments",
            "a pong between two fragments changes nothing",
            vec![first("one"), pong("unasked"), last("two")],
            vec![text_back("onetwo")],
        ),
        legal(
            "empty-ping-between-fragments",
            "an empty ping between two fragments is answered",
            vec![first("one"), ping(""), last("two")],
            vec![pong_back(""), text_back("onetwo")],
        ),
        legal(
            "longest-ping-between-fragments",
            "a ping of 125 bytes between two fragments is answered",
            vec![first("one"), ping([7; 125]), last("two")],
            vec![pong_back([7; 125]), text_back("onetwo")],
        ),
        legal(
            "ping-between-binary-fragments",
            "a ping between two binary fragments is answered",
            vec![first_binary([1]), ping("hi"), last([2])],
            vec![pong_back("hi"), bytes_back([1, 2])],
        ),
        legal(
            "ping-between-empty-fragments",
            "a ping between two empty fragments is answered",
            vec![first(""), ping("hi"), last("")],
            vec![pong_back("hi"), text_back("")],
        ),
        legal(
            "ping-before-and-behind-fragments",
            "pings around a message in fragments are answered",
            vec![ping("1"), first("one"), last("two"), ping("2")],
            vec![text_back("onetwo"), pong_back("2")],
        ),
        legal(
            "pings-between-all-fragments",
            "pings between all fragments are answered, the latest at least",
            vec![
                first("one"),
                ping("1"),
                ping("2"),
                more("two"),
                pong(""),
                ping("3"),
                more(""),
                ping("4"),
                last("three"),
            ],
            vec![pong_back("4"), text_back("onetwothree")],
        ),
    ]
}

/// In the order of the old suite: in one write, a frame a write, and byte by byte.
fn old_orders() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |id: &str,
                   title: &'static str,
                   olds: [&'static str; 3],
                   frames: Vec<Frame>,
                   due: Vec<Answer>| {
        let ways = [
            ("", vec![send(frames.clone())]),
            ("-one-by-one", one_by_one(frames.clone())),
            ("-in-slivers", vec![drip(frames)]),
        ];
        for ((how, mut steps), old) in ways.into_iter().zip(olds) {
            let mut case = row(format!("{id}{how}"), title, []).old(old);
            if id.starts_with("ping") {
                case = case.likely("the ping ended the message that it stood in");
            }
            all.push(if due.is_empty() {
                case.breaks(Rule::ContinuationUnexpected).plays(steps)
            } else {
                steps.push(expect(due.clone()));
                case.plays(steps)
            });
        }
    };
    add(
        "two-fragments",
        "a text in two fragments comes back",
        ["5.3", "5.4", "5.5"],
        vec![first("one"), last("two")],
        vec![text_back("onetwo")],
    );
    add(
        "ping-between-fragments",
        "a ping between two fragments is answered",
        ["5.6", "5.7", "5.8"],
        vec![first("one"), ping("hi"), last("two")],
        vec![pong_back("hi"), text_back("onetwo")],
    );
    let alone = "a continuation without a message to continue is refused";
    add(
        "last-fragment-alone",
        alone,
        ["5.9", "5.10", "5.11"],
        vec![last("alone"), text("Hello")],
        vec![],
    );
    add(
        "middle-fragment-alone",
        alone,
        ["5.12", "5.13", "5.14"],
        vec![more("alone"), text("Hello")],
        vec![],
    );
    let waiting = [
        send([first("one"), more("two"), ping("1")]),
        expect([pong_back("1")]),
        send([more("three"), more("four"), ping("2"), last("five")]),
        expect([pong_back("2"), text_back("onetwothreefourfive")]),
    ];
    let [one, _, two, answers] = waiting.clone();
    all.push(
        row(
            "five-fragments-with-pings",
            "pings among five fragments are answered, the first one while the message is open",
            waiting,
        )
        .old("5.19"),
    );
    all.push(
        row(
            "five-fragments-with-pings-without-waiting",
            "the latest of two pings among five fragments is answered",
            [one, two, answers],
        )
        .old("5.20"),
    );
    all
}

/// Where a message is cut into fragments changes nothing.
fn cuts() -> Vec<Case> {
    const LETTERS: &str = "fragments";
    let cut = |at: usize| {
        let (one, two) = LETTERS.split_at(at);
        [first(one), last(two)]
    };
    let mut all: Vec<_> = (1..LETTERS.len()).map(|at| legal_at(at, cut(at))).collect();
    let everywhere: Vec<Frame> = (0..=LETTERS.len()).flat_map(cut).collect();
    let due = vec![text_back(LETTERS); LETTERS.len() + 1];
    all.push(row(
        "cut-everywhere-in-slivers",
        "fragments join to the same text wherever it is cut, however their bytes are cut",
        [pieces(everywhere, [1, 2, 3, 1]), expect(due)],
    ));
    all
}

fn legal_at(at: usize, frames: [Frame; 2]) -> Case {
    row(
        format!("cut-after-{at}"),
        format!("a text of 9 bytes, cut into fragments after {at}, comes back"),
        [send(frames), expect([text_back("fragments")])],
    )
}

fn many() -> Vec<Case> {
    let mut all = Vec::new();
    for is_text in KINDS {
        for count in [10, 60, 1000] {
            all.push(row(
                format!("fragments-{count}-{}", kind(is_text)),
                format!(
                    "a {} message in {count} fragments of a byte comes back",
                    kind(is_text)
                ),
                [
                    send(fragmented(is_text, count, 1)),
                    expect([message_back(is_text, count)]),
                ],
            ));
        }
        let with_pings = fragmented(is_text, 50, 1).into_iter();
        all.push(row(
            format!("fragments-50-with-pings-{}", kind(is_text)),
            format!(
                "a {} message in 50 fragments with a ping before each comes back",
                kind(is_text)
            ),
            [
                send(
                    with_pings
                        .enumerate()
                        .flat_map(|(at, fragment)| [ping(at.to_string()), fragment])
                        .collect::<Vec<_>>(),
                ),
                expect([pong_back("49"), message_back(is_text, 50)]),
            ],
        ));
    }
    let empty = [vec![first("one")], vec![more(""); 60], vec![last("two")]].concat();
    all.push(row(
        "fragments-60-empty",
        "many empty fragments add nothing",
        [send(empty), expect([text_back("onetwo")])],
    ));
    all.push(
        row(
            "fragments-of-1300",
            "a text of 64 KiB in fragments of 1,300 bytes comes back",
            [
                send(fragmented(true, 65_536, 1300)),
                expect([message_back(true, 65_536)]),
            ],
        )
        .old("10.1.1"),
    );
    all
}

fn illegal_orders() -> Vec<Case> {
    let refused = |rule, title: &'static str| {
        move |id: &'static str,
              old: Option<&'static str>,
              before: Vec<Answer>,
              frames: Vec<Frame>| {
            let before = (!before.is_empty()).then(|| perhaps(before));
            let steps: Vec<_> = before.into_iter().chain([send(frames)]).collect();
            row(id, title, steps).breaks(rule).old(old)
        }
    };
    let stray = refused(
        Rule::ContinuationUnexpected,
        "a continuation without a message to continue is refused",
    );
    let mixed = refused(
        Rule::MessageInterleaved,
        "a message inside another one is refused",
    );
    vec![
        stray(
            "continuation-behind-fragments",
            Some("5.15"),
            vec![text_back("onetwo")],
            vec![first("one"), last("two"), more("three"), text("four")],
        ),
        stray(
            "continuations-around-a-first-fragment",
            Some("5.16"),
            vec![],
            vec![vec![more("one"), first("two"), last("three")]; 2].concat(),
        ),
        stray(
            "last-fragments-around-a-first-one",
            Some("5.17"),
            vec![],
            vec![vec![last("one"), first("two"), last("three")]; 2].concat(),
        ),
        stray("empty-last-fragment-alone", None, vec![], vec![last("")]),
        stray("empty-middle-fragment-alone", None, vec![], vec![more("")]),
        stray(
            "last-fragment-behind-a-text",
            None,
            vec![text_back("one")],
            vec![text("one"), last("two")],
        ),
        stray(
            "middle-fragment-behind-a-binary",
            None,
            vec![bytes_back([1])],
            vec![binary([1]), more([2]), last([3])],
        ),
        stray(
            "last-fragment-twice",
            None,
            vec![text_back("onetwo")],
            vec![first("one"), last("two"), last("three")],
        ),
        stray(
            "last-fragment-behind-a-ping",
            None,
            vec![],
            vec![ping("hi"), last("two")],
        ),
        mixed(
            "text-inside-a-text",
            Some("5.18"),
            vec![],
            vec![first("one"), text("two")],
        ),
        mixed(
            "binary-inside-a-text",
            None,
            vec![],
            vec![first("one"), binary([2])],
        ),
        mixed(
            "text-inside-a-binary",
            None,
            vec![],
            vec![first_binary([1]), text("two")],
        ),
        mixed(
            "empty-text-inside-a-text",
            None,
            vec![],
            vec![first("one"), text(""), last("three")],
        ),
        mixed(
            "first-fragment-twice",
            None,
            vec![],
            vec![first("one"), first("two"), last("three")],
        ),
        mixed(
            "first-binary-fragment-twice",
            None,
            vec![],
            vec![first_binary([1]), first_binary([2]), last([3])],
        ),
        mixed(
            "first-fragment-of-each-kind",
            None,
            vec![],
            vec![first("one"), first_binary([2]), last([3]), last("four")],
        ),
        mixed(
            "text-behind-a-middle-fragment",
            None,
            vec![],
            vec![first("one"), more("two"), text("three")],
        ),
        mixed(
            "text-behind-a-ping-inside-a-text",
            None,
            vec![],
            vec![first("one"), ping("hi"), text("three")],
        ),
        mixed(
            "text-behind-an-empty-first-fragment",
            None,
            vec![],
            vec![first(""), text("two")],
        ),
        mixed(
            "text-inside-the-second-message",
            None,
            vec![text_back("onetwo")],
            vec![first("one"), last("two"), first("three"), text("four")],
        ),
    ]
}
