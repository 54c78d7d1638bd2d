//! Several connections at once: each stands for itself.

use super::super::script::{binary, close, first, last, ping, text, text_of, wire};
use super::rows::*;

pub(super) fn cases() -> Vec<Case> {
    let all = [alone(), not_mixed(), not_hindered()].concat();
    let only_servers = |case: Case| case.only(Role::Server);
    all.into_iter().map(only_servers).collect()
}

fn row(id: &'static str, title: &'static str, steps: Vec<Step>) -> Case {
    case(Group::Together, id, title, "5.1").plays(steps)
}

fn on(number: usize, steps: impl Into<Vec<Step>>) -> Vec<Step> {
    [vec![Step::On(number)], steps.into()].concat()
}

/// A text goes out and comes back.
fn round_trip(of: &'static str) -> [Step; 2] {
    [send([text(of)]), expect([text_back(of)])]
}

/// The first bytes of a frame.
fn part(frame: Frame, length: usize) -> Step {
    Step::Raw(wire(&[frame], Role::Client)[..length].to_vec())
}

/// What one connection does ends no other.
fn alone() -> Vec<Case> {
    let beside = |steps: Vec<Step>| {
        [
            on(0, round_trip("before")),
            on(1, steps),
            on(0, round_trip("behind")),
        ]
        .concat()
    };
    let broken = [
        on(0, round_trip("broken")),
        on(1, round_trip("before")),
        on(0, [send([text("broken").rsv(4)])]),
        on(1, round_trip("behind")),
    ];
    vec![
        row(
            "broken-one-ends-alone",
            "a connection that breaks a rule is refused, and no other ends with it",
            broken.concat(),
        )
        .breaks(Rule::RsvNotZero),
        row(
            "broken-one-beside",
            "a connection goes on beside one that breaks a rule",
            beside(vec![send([text("broken").rsv(4)])]),
        ),
        row(
            "broken-text-beside",
            "a connection goes on beside one that sends bytes that are no text",
            beside(vec![send([text_of([0xFF, 0xFE])])]),
        ),
        row(
            "closed-one-beside",
            "a connection goes on when another one closes",
            beside([&round_trip("other")[..], &[send([close(1000, "")])]].concat()),
        ),
        row(
            "dropped-one-beside",
            "a connection goes on when another one is dropped",
            beside([&round_trip("other")[..], &[Step::Drop]].concat()),
        ),
        row(
            "dropped-in-a-frame-beside",
            "a connection goes on when another one is dropped inside a frame",
            beside(vec![part(text("other"), 8), Step::Drop]),
        ),
        row(
            "dropped-in-a-message-beside",
            "a connection goes on when another one is dropped inside a message",
            beside(vec![send([first("other")]), Step::Drop]),
        ),
        row(
            "dropped-with-answers-unread-beside",
            "a connection goes on when another one is dropped before it has read its answers",
            beside(vec![
                // Some may have been read before that.
                perhaps(vec![message_back(true, 1000); 20]),
                Step::Deaf,
                send(vec![message(true, 1000); 20]),
                Step::Drop,
            ]),
        ),
    ]
}

fn not_mixed() -> Vec<Case> {
    let fragments = [
        on(0, [send([first("first")])]),
        on(1, [send([first("second")])]),
        on(0, [send([last("-0")]), expect([text_back("first-0")])]),
        on(1, [send([last("-1")]), expect([text_back("second-1")])]),
    ];
    let pings = [
        on(0, [send([ping("zero")])]),
        on(1, [send([ping("one")])]),
        on(0, [expect([pong_back("zero")])]),
        on(1, [expect([pong_back("one")])]),
    ];
    vec![
        row(
            "fragments-on-two-connections",
            "fragments of two connections are two messages",
            fragments.concat(),
        ),
        row(
            "pings-on-two-connections",
            "each connection gets the pong to its own ping",
            pings.concat(),
        ),
        row(
            "bytes-of-two-connections-in-turn",
            "frames whose bytes come in turn on two connections come back on their own",
            in_turn(),
        ),
        row(
            "messages-of-five-connections",
            "each of five connections gets its own messages back",
            many(5, 10),
        ),
    ]
}

/// A byte here, a byte there.
fn in_turn() -> Vec<Step> {
    let frames = ["here", "afar"].map(|payload| wire(&[text(payload)], Role::Client));
    let mut steps = [on(0, []), on(1, [])].concat();
    for at in 0..frames[0].len() {
        for (number, frame) in frames.iter().enumerate() {
            steps.extend(on(number, [Step::Raw(vec![frame[at]])]));
        }
    }
    steps.extend(on(1, [expect([text_back("afar")])]));
    steps.extend(on(0, [expect([text_back("here")])]));
    steps
}

/// So many connections, each with so many messages of its own, which all go out before one is awaited.
fn many(connections: usize, messages: usize) -> Vec<Step> {
    let own = |number| (0..messages).map(move |at| format!("message {at} of connection {number}"));
    let numbers = || 0..connections;
    let open = numbers().flat_map(|number| on(number, []));
    let sent = numbers().flat_map(|number| {
        on(
            number,
            own(number)
                .map(text_of)
                .map(|frame| send([frame]))
                .collect::<Vec<_>>(),
        )
    });
    let due = numbers().rev().flat_map(|number| {
        on(
            number,
            [expect(own(number).map(text_back).collect::<Vec<_>>())],
        )
    });
    open.chain(sent).chain(due).collect()
}

/// No section demands that a server serves many at once.
fn not_hindered() -> Vec<Case> {
    let beside = |id, title, steps: Vec<Step>, then: Vec<Step>| {
        let all = [on(0, []), steps, on(0, round_trip("Hello")), then].concat();
        row(id, title, all).advice()
    };
    let half_head = "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgr";
    let mut half_heads = Vec::new();
    for _ in 0..10 {
        half_heads.push(Step::HalfHead(half_head.into()));
    }
    vec![
        beside(
            "idle-one-beside",
            "a connection that says nothing hinders no other",
            on(1, []),
            vec![],
        ),
        beside(
            "half-a-head-beside",
            "a head that does not end hinders no other connection",
            [
                vec![Step::HalfHead(half_head.into())],
                on(2, round_trip("new")),
            ]
            .concat(),
            vec![],
        ),
        beside(
            "half-heads-10-beside",
            "ten heads that do not end hinder no new connection",
            [half_heads, on(11, round_trip("new"))].concat(),
            vec![],
        ),
        beside(
            "nothing-sent-beside",
            "a connection that sends not even a head hinders no other",
            [vec![Step::HalfHead("".into())], on(2, round_trip("new"))].concat(),
            vec![],
        ),
        beside(
            "half-a-frame-beside",
            "a frame that does not end hinders no other connection",
            on(1, [part(text("other"), 8)]),
            vec![],
        ),
        beside(
            "half-a-header-beside",
            "a header that does not end hinders no other connection",
            on(1, [part(text("other"), 1)]),
            vec![],
        ),
        beside(
            "half-a-message-beside",
            "a message that does not end hinders no other connection",
            on(1, [send([first("other")])]),
            on(1, [send([last("-end")]), expect([text_back("other-end")])]),
        ),
        beside(
            "deaf-one-beside",
            "a connection whose peer reads nothing hinders no other",
            on(1, [Step::Deaf, send([message(false, 16 << 20)])]),
            on(1, [Step::Hear, expect([message_back(false, 16 << 20)])]),
        ),
        beside(
            "slow-sender-beside",
            "a message that comes slowly hinders no other connection",
            on(1, [part(binary([7; 100]), 50)]),
            on(
                1,
                [
                    Step::Raw(wire(&[binary([7; 100])], Role::Client)[50..].to_vec()),
                    expect([bytes_back([7; 100])]),
                ],
            ),
        ),
        row(
            "thirty-connections",
            "thirty connections are served at once",
            many(30, 1),
        )
        .advice(),
    ]
}
