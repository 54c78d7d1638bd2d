//! TCP carries a stream: where it is cut means nothing (§5.2, §5.4).

use super::super::script::{first, last, more, ping, pong, text};
use super::rows::*;

pub(super) fn cases() -> Vec<Case> {
    let borders = (1..=10).map(cut_once);
    let sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 17, 29];
    [
        borders.collect(),
        sizes.map(in_pieces).to_vec(),
        long_headers(),
        one_write(),
        after_the_head(),
    ]
    .concat()
}

fn row(id: impl Into<Text>, title: impl Into<Text>, steps: impl Into<Vec<Step>>) -> Case {
    case(Group::Stream, id, title, "5.2")
        .plays(steps)
        .likely("one read was taken for one frame, or for a whole one")
}

/// A text of 5 bytes has 11 on the wire, or 7 from a server.
fn cut_once(after: usize) -> Case {
    let id = format!("cut-after-byte-{after}");
    let title = format!("a text that comes in two pieces, cut after byte {after}, comes back");
    let case = row(
        id,
        title,
        [
            pieces([text("Hello")], [after, usize::MAX]),
            expect([text_back("Hello")]),
        ],
    );
    if after < 7 {
        case
    } else {
        case.only(Role::Server)
    }
}

/// Some of everything.
fn mixture() -> (Vec<Frame>, Vec<Answer>) {
    let frames = vec![
        text("Hello"),
        ping("one"),
        text(""),
        first("frag"),
        ping("two"),
        more(""),
        last("ment"),
        pong("unasked"),
        message(false, 130),
        text("end"),
        ping("three"),
    ];
    let answers = vec![
        text_back("Hello"),
        text_back(""),
        text_back("fragment"),
        message_back(false, 130),
        text_back("end"),
        pong_back("three"),
    ];
    (frames, answers)
}

fn in_pieces(size: usize) -> Case {
    let (frames, answers) = mixture();
    row(
        format!("stream-in-pieces-of-{size}"),
        format!("frames that come in pieces of {size} bytes are answered as if whole"),
        [pieces(frames, [size]), expect(answers)],
    )
}

/// Each byte of a long header in a piece of its own, and its payload after it.
fn long_headers() -> Vec<Case> {
    let mut all = Vec::new();
    for (length, header) in [(126, 4), (65_536, 10)] {
        for after in 1..header {
            all.push(row(
                format!("cut-after-byte-{after}-of-a-header-for-{length}"),
                format!("a message of {length} bytes comes back though its header is cut after byte {after}"),
                [
                    pieces([message(false, length)], [after, usize::MAX]),
                    expect([message_back(false, length)]),
                ],
            ));
        }
    }
    all.push(row(
        "cut-before-the-last-byte",
        "a message whose last byte comes alone comes back",
        [
            pieces([message(false, 1000)], [1001, usize::MAX]),
            expect([message_back(false, 1000)]),
        ],
    ));
    all.push(row(
        "end-of-one-frame-with-the-beginning-of-the-next",
        "frames whose borders lie inside the pieces come back",
        [
            pieces(vec![message(true, 20); 10], [15, 24]),
            expect(vec![message_back(true, 20); 10]),
        ],
    ));
    all
}

fn one_write() -> Vec<Case> {
    let (frames, answers) = mixture();
    let texts = |count| vec![message(true, 30); count];
    let back = |count| vec![message_back(true, 30); count];
    vec![
        row(
            "stream-in-one-piece",
            "frames that come in one piece are all answered",
            [send(frames.clone()), expect(answers.clone())],
        ),
        row(
            "stream-a-frame-a-piece",
            "frames that come one by one are all answered",
            [one_by_one(frames), vec![expect(answers)]].concat(),
        ),
        row(
            "texts-2-in-one-write",
            "both texts of one write come back",
            [send(texts(2)), expect(back(2))],
        ),
        row(
            "texts-100-in-one-write",
            "all texts of one write come back",
            [send(texts(100)), expect(back(100))],
        ),
        row(
            "texts-1000-empty-in-one-write",
            "all of a thousand empty texts in one write come back",
            [
                send(vec![text(""); 1000]),
                expect(vec![text_back(""); 1000]),
            ],
        ),
        row(
            "messages-of-all-kinds-in-one-write",
            "texts and binary messages in one write come back in their order",
            [
                send(
                    (0..60)
                        .map(|at| message(at % 3 == 0, at * 7))
                        .collect::<Vec<_>>(),
                ),
                expect(
                    (0..60)
                        .map(|at| message_back(at % 3 == 0, at * 7))
                        .collect::<Vec<_>>(),
                ),
            ],
        ),
    ]
}

/// Frames in the segment of the head. A server may send them so. A client must wait for the response (§4.1): what a
/// server does to one that does not is open, but it should lose nothing that it has read.
fn after_the_head() -> Vec<Case> {
    let (frames, answers) = mixture();
    let row = |id, title, frames: Vec<Frame>, answers: Vec<Answer>| {
        row(
            id,
            title,
            [Step::Head("{head}".into(), frames), expect(answers)],
        )
    };
    let request = "a frame in one piece with the request is not lost";
    let response = "frames in one piece with the response are not lost";
    let to_server = |case: Case| case.only(Role::Server).advice();
    let to_client = |case: Case| case.only(Role::Client);
    let (hello_sent, hello_due) = (vec![text("Hello")], vec![text_back("Hello")]);
    let (long_sent, long_due) = (vec![message(false, 3000)], vec![message_back(false, 3000)]);
    vec![
        to_server(row(
            "text-behind-the-request",
            request,
            hello_sent.clone(),
            hello_due.clone(),
        )),
        to_server(row(
            "long-message-behind-the-request",
            request,
            long_sent.clone(),
            long_due.clone(),
        )),
        to_client(row(
            "text-behind-the-response",
            response,
            hello_sent,
            hello_due,
        )),
        to_client(row(
            "long-message-behind-the-response",
            response,
            long_sent,
            long_due,
        )),
        to_client(row(
            "ping-behind-the-response",
            response,
            vec![ping("hi")],
            vec![pong_back("hi")],
        )),
        to_client(row("stream-behind-the-response", response, frames, answers)),
    ]
}
