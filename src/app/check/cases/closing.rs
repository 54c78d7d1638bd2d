//! The closing handshake, and the end of TCP (§5.5.1, §7).

use super::super::script::{
    Form, binary, close, close_body, first, last, more, ping, pong, text, text_of,
};
use super::rows::*;

pub(super) fn cases() -> Vec<Case> {
    [
        codes(),
        bad_codes(),
        bodies(),
        reasons(),
        bad_reasons(),
        pieces(),
        messages_before(),
        after_close(),
        both_at_once(),
        with_the_handshake(),
        end_of_tcp(),
        half_close(),
        dropped(),
    ]
    .concat()
}

/// The section that demands most of this.
const CLOSE: &str = "5.5.1";
/// Without a code of ours, none is due; 1000 says the same.
const WITHOUT_CODE: [u16; 2] = [1005, 1000];

fn row(id: impl Into<Text>, title: impl Into<Text>, section: &'static str) -> Case {
    case(Group::Closing, id, title, section)
}

/// A script that ends with a Close that is answered with its code, which is usual, or with 1000.
fn answered(
    id: impl Into<Text>,
    title: impl Into<Text>,
    code: u16,
    script: impl Into<Vec<Step>>,
) -> Case {
    let mut codes = vec![code, 1000];
    codes.dedup();
    row(id, title, CLOSE).ends(End::Closed(codes)).plays(script)
}

fn closes(id: impl Into<Text>, title: impl Into<Text>, frames: impl Into<Vec<Frame>>) -> Case {
    answered(id, title, 1000, [send(frames)])
}

const CODES: [(u16, &str); 13] = [
    (1000, "7.7.1"),
    (1001, "7.7.2"),
    (1002, "7.7.3"),
    (1003, "7.7.4"),
    (1007, "7.7.5"),
    (1008, "7.7.6"),
    (1009, "7.7.7"),
    (1010, "7.7.8"),
    (1011, "7.7.9"),
    (3000, "7.7.10"),
    (3999, "7.7.11"),
    (4000, "7.7.12"),
    (4999, "7.7.13"),
];

fn codes() -> Vec<Case> {
    let answer = |code: u16| {
        let title = format!("a Close with {code} is answered");
        answered(
            format!("code-{code}"),
            title,
            code,
            [send([close(code, "")])],
        )
    };
    let mut all: Vec<_> = CODES
        .iter()
        .map(|&(code, old)| answer(code).old(old))
        .collect();
    // Registered after RFC 6455, so that a peer need not know them.
    all.extend([1012, 1013, 1014].map(|code| answer(code).advice()));
    all.push(
        row(
            "code-echoed",
            "a Close is answered with the code that it has",
            CLOSE,
        )
        .ends(End::Closed(vec![4321]))
        .advice()
        .plays([send([close(4321, "")])]),
    );
    all
}

fn bad_codes() -> Vec<Case> {
    let refuse = |code: u16, section| {
        let case = row(
            format!("code-{code}"),
            format!("a Close with {code}, which may not be sent, is refused"),
            section,
        )
        .breaks(Rule::CloseCodeInvalid)
        .plays([send([close(code, "")])])
        .likely("the code is not looked at");
        let level = level_of_code(code);
        Case { level, ..case }
    };
    vec![
        refuse(0, "7.4.2").old("7.9.1"),
        refuse(1, "7.4.2"),
        refuse(999, "7.4.2").old("7.9.2"),
        refuse(1005, "7.4.1").old("7.9.4"),
        refuse(1006, "7.4.1").old("7.9.5"),
        refuse(1015, "7.4.1"),
        row(
            "code-1005-with-reason",
            "a Close with 1005 and a reason is refused",
            "7.4.1",
        )
        .breaks(Rule::CloseCodeInvalid)
        .should()
        .plays([send([close(1005, "no status")])]),
        refuse(1004, "7.4.2").old("7.9.3"),
        refuse(1016, "7.4.2").old("7.9.6"),
        refuse(1100, "7.4.2").old("7.9.7"),
        refuse(2000, "7.4.2").old("7.9.8"),
        refuse(2999, "7.4.2").old("7.9.9"),
        refuse(5000, "7.4.2").old("7.13.1"),
        refuse(65_535, "7.4.2").old("7.13.2"),
    ]
}

/// How strongly a code that may not be sent is to be refused. Who sends one of these breaks a MUST; that the receiver
/// says so is a SHOULD (§10.7). The others are reserved, and nobody has defined them yet; above 4999 nothing is said.
pub(crate) const fn level_of_code(code: u16) -> Level {
    match code {
        ..1000 | 1005 | 1006 | 1015 => Level::Should,
        _ => Level::Advice,
    }
}

fn bodies() -> Vec<Case> {
    let reason = |length: usize| "*".repeat(length - 2);
    let long = |id: &'static str, title: &'static str, body: usize| {
        row(id, title, "5.5")
            .breaks(Rule::ControlTooLong)
            .plays([send([close(1000, &reason(body))])])
    };
    let one_byte = |id: &'static str, body: &'static str| {
        row(id, "a Close of one byte, half a code, is refused", CLOSE)
            .breaks(Rule::CloseBodyOneByte)
            .should()
            .plays([send([close_body(body)])])
    };
    vec![
        row("body-empty", "a Close without a code is answered", CLOSE)
            .ends(End::Closed(WITHOUT_CODE.into()))
            .plays([send([close_body("")])])
            .old("7.3.1"),
        one_byte("body-of-1-byte", "a").old("7.3.2"),
        one_byte("body-of-1-byte-of-1000", "\x03"),
        closes(
            "body-of-2-bytes",
            "a Close with a code is answered",
            [close(1000, "")],
        )
        .old("7.3.3"),
        closes(
            "body-of-3-bytes",
            "a Close with a reason of one byte is answered",
            [close(1000, "a")],
        ),
        closes(
            "body-with-reason",
            "a Close with a reason is answered",
            [close(1000, "Hello World!")],
        )
        .old("7.3.4"),
        closes(
            "body-of-124-bytes",
            "a Close of 124 bytes is answered",
            [close(1000, &reason(124))],
        ),
        closes(
            "body-of-125-bytes",
            "a Close of 125 bytes, the most, is answered",
            [close(1000, &reason(125))],
        )
        .old("7.3.5"),
        long("body-of-126-bytes", "a Close of 126 bytes is refused", 126).old("7.3.6"),
        long("body-of-127-bytes", "a Close of 127 bytes is refused", 127),
        long(
            "body-of-64-kib",
            "a Close of 65,536 bytes is refused",
            65_536,
        ),
        row(
            "body-in-long-form",
            "a Close whose length takes 16 bits is refused",
            "5.2",
        )
        .breaks(Rule::LengthNotMinimal)
        .should()
        .plays([send([close(1000, "").form(Form::Bits16)])]),
        row(
            "reserved-bits",
            "a Close with a reserved bit set is refused",
            "5.2",
        )
        .breaks(Rule::RsvNotZero)
        .plays([send([close(1000, "").rsv(4)])]),
    ]
}

fn reasons() -> Vec<Case> {
    let with = |id: &'static str, what: &str, reason: &str| {
        closes(
            id,
            format!("a Close with {what} is answered"),
            [close(1000, reason)],
        )
    };
    vec![
        with(
            "reason-greek",
            "a reason of Greek letters",
            "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}",
        ),
        with(
            "reason-of-4-byte-characters",
            "a reason of emoji",
            &"\u{1f600}".repeat(30),
        ),
        with(
            "reason-full",
            "123 bytes of characters of three bytes",
            &"\u{20ac}".repeat(41),
        ),
        with("reason-nul", "U+0000 in its reason", "one\0two"),
        with(
            "reason-noncharacter",
            "a noncharacter in its reason",
            "\u{ffff}\u{10ffff}",
        ),
        with(
            "reason-byte-order-mark",
            "U+FEFF in its reason",
            "\u{feff}reason",
        ),
        with(
            "reason-controls",
            "control characters in its reason",
            "\x1b[31m\r\n\u{202e}",
        ),
        with(
            "reason-markup",
            "a reason like a page's text",
            "<script>alert('%s %n')</script>",
        ),
    ]
}

const BAD_REASONS: [(&str, &str, &[u8]); 9] = [
    ("ff", "FF", b"\xff"),
    ("lone-continuation", "a lone continuation byte", b"a\x80b"),
    ("overlong", "an overlong sequence", b"\xc0\xaf"),
    ("surrogate", "a surrogate", b"\xed\xa0\x80"),
    (
        "above-10ffff",
        "a code point above U+10FFFF",
        b"\xf4\x90\x80\x80",
    ),
    ("latin-1", "a letter in Latin-1", b"caf\xe9 au lait"),
    (
        "cut-2-bytes",
        "a character of two bytes cut at the end",
        b"caf\xc3",
    ),
    (
        "cut-3-bytes",
        "a character of three bytes cut at the end",
        b"5 \xe2\x82",
    ),
    (
        "cut-4-bytes",
        "a character of four bytes cut at the end",
        b"\xf0\x9f\x98",
    ),
];

fn bad_reasons() -> Vec<Case> {
    // 1002 for a bad Close says as much (the old suite takes both).
    let refuse = |id: String, what: &str, reason: &[u8]| {
        row(
            id,
            format!("a Close with {what} in its reason is refused"),
            "8.1",
        )
        .breaks(Rule::CloseReasonNotUtf8)
        .ends(End::Failed(vec![1007, 1002]))
        .plays([send([close_body([b"\x03\xe8", reason].concat())])])
    };
    let mut all: Vec<_> = BAD_REASONS
        .iter()
        .map(|(id, what, reason)| refuse(format!("reason-bad-{id}"), what, reason))
        .collect();
    let old = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    all.push(
        refuse(
            "reason-bad-among-others".into(),
            "a surrogate among others",
            old,
        )
        .old("7.5.1"),
    );
    let full = ["\u{20ac}".repeat(40).as_bytes(), b"ab\xc3"].concat();
    all.push(refuse(
        "reason-bad-last-of-123-bytes".into(),
        "a cut character as byte 123",
        &full,
    ));
    all
}

fn pieces() -> Vec<Case> {
    let fragment = |opcode, body: &'static [u8]| Frame::new(opcode, body);
    vec![
        answered(
            "close-in-slivers",
            "a Close whose bytes come one by one is answered",
            1001,
            [drip([close(1001, "going")])],
        ),
        answered(
            "close-cut-in-code",
            "a Close cut between the bytes of its code is answered",
            3001,
            [Step::Pieces(
                vec![close(3001, "").key([0; 4])],
                vec![3, 4, 1],
            )],
        ),
        row(
            "reason-bad-in-slivers",
            "a bad reason whose bytes come one by one is refused",
            "8.1",
        )
        .breaks(Rule::CloseReasonNotUtf8)
        .ends(End::Failed(vec![1007, 1002]))
        .plays([drip([close_body(b"\x03\xe8caf\xe9")])]),
        row(
            "close-in-2-fragments",
            "a Close in two fragments is refused",
            "5.5",
        )
        .breaks(Rule::ControlFragmented)
        .plays([send([fragment(8, b"\x03\xe8"), last("reason")])]),
        row(
            "close-without-fin",
            "a Close whose FIN is clear is refused",
            "5.5",
        )
        .breaks(Rule::ControlFragmented)
        .plays([send([fragment(8, b"")])]),
        row(
            "close-masked-wrong",
            "a Close masked wrong is refused",
            "5.1",
        )
        .breaks(Rule::MaskMissing)
        .plays([send([close(1000, "").masked_wrong()])]),
    ]
}

fn messages_before() -> Vec<Case> {
    let large = script::Payload::Filled {
        is_text: true,
        from: 0,
        length: 256 * 1024,
    };
    let larger = || script::Payload::Filled {
        is_text: false,
        from: 0,
        length: 4 << 20,
    };
    let hello = "Hello World!";
    let many = || (0..20).map(|number| format!("message {number}"));
    vec![
        answered(
            "text-before-close",
            "a text and a Close right after it are answered",
            1000,
            [
                perhaps([text_back(hello)]),
                send([text(hello)]),
                send([close(1000, "")]),
            ],
        )
        .old("7.1.1"),
        answered(
            "text-answered-before-close",
            "a Close after an answered text is answered",
            1000,
            [
                send([text(hello)]),
                expect([text_back(hello)]),
                send([close(1000, "")]),
            ],
        ),
        answered(
            "20-texts-before-close",
            "20 texts and a Close in one write are answered",
            1000,
            [
                perhaps(many().map(text_back).collect::<Vec<_>>()),
                send(
                    many()
                        .map(|message| text(&message))
                        .chain([close(1000, "")])
                        .collect::<Vec<_>>(),
                ),
            ],
        ),
        answered(
            "ping-before-close",
            "a ping and a Close in one write: the Close is answered",
            1000,
            [send([ping("before"), close(1000, "")])],
        ),
        answered(
            "pong-before-close",
            "a ping that comes before a Close is answered before it",
            1000,
            [
                send([ping("before"), close(1000, "")]),
                expect([pong_back("before")]),
            ],
        )
        // §5.5.2: unless it already received a Close, which it has if it reads both at once.
        .should(),
        answered(
            "large-text-before-close",
            "what came before a Close is answered, and nothing after it",
            1000,
            [
                perhaps([Answer::Text(large.clone()), text_back(hello)]),
                send([text_of(large)]),
                send([text(hello), close(1000, ""), ping("")]),
            ],
        )
        .old("7.1.6"),
        answered(
            "close-while-sending",
            "a Close that comes while a large message is sent is answered",
            1000,
            [
                perhaps([Answer::Binary(larger())]),
                Step::Deaf,
                send([binary(larger())]),
                send([close(1000, "")]),
                Step::Hear,
            ],
        ),
        closes(
            "close-in-a-message",
            "a Close between fragments is answered, and what follows is ignored",
            [first("fragment1"), close(1000, ""), last("fragment2")],
        )
        .old("7.1.5"),
        closes(
            "close-in-an-open-message",
            "a Close in a message that never ends is answered",
            [first("one"), more("two"), close(1000, "")],
        ),
        closes(
            "close-in-an-open-character",
            "a Close after a fragment that cuts a character is answered",
            [first(b"\xe2\x82"), close(1000, "")],
        ),
        closes(
            "close-in-an-empty-message",
            "a Close after an empty fragment is answered",
            [first(""), close(1000, "")],
        ),
        answered(
            "close-after-pong",
            "a Close after an unasked pong is answered",
            1000,
            [send([pong("unasked"), close(1000, "")])],
        ),
    ]
}

/// Whoever has received a Close discards what comes after it (§1.4, §5.5.1).
fn after_close() -> Vec<Case> {
    let ignored = |id: &'static str, what: &str, frames: Vec<Frame>| {
        let title = format!("{what} after a Close is ignored");
        closes(id, title, [vec![close(1000, "")], frames].concat())
            .likely("frames after a Close are still taken")
    };
    vec![
        ignored("close-after-close", "another Close", vec![close_body("")]).old("7.1.2"),
        ignored(
            "same-close-after-close",
            "the same Close",
            vec![close(1000, "")],
        ),
        ignored(
            "other-close-after-close",
            "a Close with another code",
            vec![close(1001, "again")],
        ),
        ignored("ping-after-close", "a ping", vec![ping("")]).old("7.1.3"),
        ignored("pong-after-close", "a pong", vec![pong("x")]),
        ignored("text-after-close", "a text", vec![text("Hello World!")]).old("7.1.4"),
        ignored("binary-after-close", "a binary message", vec![binary("x")]),
        ignored("fragment-after-close", "a fragment", vec![first("x")]),
        ignored(
            "20-texts-after-close",
            "a row of texts",
            vec![text("x"); 20],
        ),
        ignored(
            "bad-frame-after-close",
            "a frame that breaks a rule",
            vec![text("x").rsv(7)],
        ),
        ignored(
            "bad-text-after-close",
            "a text that is not UTF-8",
            vec![text_of(b"\xff")],
        ),
        ignored(
            "bad-close-after-close",
            "a Close that may not be sent",
            vec![close(1005, "")],
        ),
        ignored(
            "half-a-frame-after-close",
            "half a frame",
            vec![binary("half").length(100)],
        ),
        answered(
            "text-later-than-close",
            "a text in a later segment than a Close is ignored",
            1000,
            [send([close(1000, "")]), send([text("Hello World!")])],
        ),
        answered(
            "much-after-close",
            "512 KiB after a Close are ignored",
            1000,
            [send([close(1000, "")]), send([binary(vec![0; 512 * 1024])])],
        ),
        answered(
            "rest-of-message-after-close",
            "the rest of a message after a Close is ignored",
            1000,
            [
                send([first("one")]),
                send([close(1000, "")]),
                send([more("two"), last("three")]),
            ],
        ),
    ]
}

/// The peer fails the connection, and our Close is on its way: one Close from each is all.
fn both_at_once() -> Vec<Case> {
    vec![
        row(
            "close-behind-bad-frame",
            "a Close after a frame that breaks a rule is no reason for a second one",
            "7.1.7",
        )
        .breaks(Rule::OpcodeReserved)
        .plays([send([Frame::new(0x83, ""), close(1000, "")])]),
        row(
            "close-behind-bad-text",
            "a Close after a text that is not UTF-8 is no reason for a second one",
            "7.1.7",
        )
        .breaks(Rule::TextNotUtf8)
        // Whoever judges a text only when it is read may answer the Close before.
        .should()
        .plays([send([text_of(b"\xff"), close(1000, "")])]),
        row(
            "text-behind-bad-frame",
            "a text after a frame that breaks a rule is not answered",
            "7.1.7",
        )
        .breaks(Rule::OpcodeReserved)
        .plays([send([Frame::new(0x83, ""), text("too late")])]),
        row(
            "bad-frames-behind-bad-frame",
            "several frames that break rules are failed once",
            "7.1.7",
        )
        .breaks(Rule::OpcodeReserved)
        .plays([send([
            Frame::new(0x83, ""),
            Frame::new(0x8B, ""),
            text_of(b"\xff"),
        ])]),
    ]
}

/// Frames come in the segment of the handshake. A server may send so; a client must wait for the response (§4.1), so that
/// its frames may be refused.
fn with_the_handshake() -> Vec<Case> {
    let bad = text_of(b"\xff");
    let mut all = Vec::new();
    for (examinee, head) in [(Role::Client, "response"), (Role::Server, "request")] {
        let with = |id: &str, what: &str, frames: Vec<Frame>| {
            let title = format!("{what}, in the segment of the {head}");
            row(format!("{id}-behind-{head}"), title, CLOSE)
                .plays([Step::Head("{head}".into(), frames)])
                .only(examinee)
        };
        let closed = || End::Closed(vec![1000]);
        let mut rows = [
            with("close", "a Close is answered", vec![close(1000, "")]).ends(closed()),
            with(
                "text-and-close",
                "a text and a Close are answered",
                vec![text("Hello"), close(1000, "")],
            )
            .ends(closed()),
            with(
                "bad-text",
                "a text that is not UTF-8 is refused",
                vec![bad.clone()],
            )
            .breaks(Rule::TextNotUtf8),
        ];
        rows[1].script.push(perhaps([text_back("Hello")]));
        if examinee == Role::Server {
            rows = rows.map(Case::advice);
        }
        all.extend(rows);
    }
    all
}

/// Who ends TCP.
fn end_of_tcp() -> Vec<Case> {
    vec![
        row(
            "server-ends-tcp",
            "the server ends TCP at once when both have sent a Close",
            CLOSE,
        )
        .only(Role::Server)
        .ends(End::Closed(vec![1000]))
        .plays([send([close(1000, "")]), Step::Gone]),
        row(
            "server-ends-tcp-after-empty-close",
            "the server ends TCP at once after a Close without a code too",
            CLOSE,
        )
        .only(Role::Server)
        .ends(End::Closed(WITHOUT_CODE.into()))
        .plays([send([close_body("")]), Step::Gone]),
        row(
            "server-ends-tcp-in-a-message",
            "the server ends TCP at once though a message is open",
            CLOSE,
        )
        .only(Role::Server)
        .ends(End::Closed(vec![1000]))
        .plays([send([first("open"), close(1000, "")]), Step::Gone]),
        row(
            "client-ends-tcp",
            "the client ends TCP when the server has",
            CLOSE,
        )
        .only(Role::Client)
        .ends(End::Closed(vec![1000]))
        .plays([send([close(1000, "")]), Step::ShutDown, Step::Gone]),
        row(
            "tcp-ends-with-close",
            "a Close is answered though our half of TCP ends right after it",
            CLOSE,
        )
        .ends(End::Closed(vec![1000]))
        .plays([send([close(1000, "")]), Step::ShutDown]),
        row(
            "tcp-ends-with-bad-text",
            "a text that is not UTF-8 is refused though our half of TCP ends right after it",
            "8.1",
        )
        .breaks(Rule::TextNotUtf8)
        .plays([send([text_of(b"\xff")]), Step::ShutDown]),
    ]
}

/// Our half of TCP ends without a Close. RFC 6455 leaves open what becomes of the other half, but whoever keeps it open
/// keeps it for ever.
fn half_close() -> Vec<Case> {
    let ends = |id: &'static str, when: &str, script: Vec<Step>| {
        let title = format!("the connection ends when our half of TCP does, {when}");
        // It is to be there until then.
        let alive = vec![send([text("Hello")]), expect([text_back("Hello")])];
        row(id, title, "7.2.1")
            .ends(End::Left)
            .advice()
            .plays([alive, script, vec![Step::ShutDown, Step::Gone]].concat())
            .likely("the end of input is not noticed")
    };
    vec![
        ends("half-close", "without a Close", vec![]),
        ends(
            "half-close-behind-text",
            "right after a text",
            vec![perhaps([text_back("more")]), send([text("more")])],
        ),
        ends(
            "half-close-in-a-message",
            "between fragments",
            vec![send([first("one")])],
        ),
        ends(
            "half-close-in-a-frame",
            "inside a frame",
            vec![send([text("one").length(100)])],
        ),
        ends(
            "half-close-in-a-header",
            "inside a header",
            vec![Step::Raw(vec![0x81])],
        ),
        ends(
            "half-close-in-a-close",
            "inside a Close",
            vec![send([close(1000, "").length(9)])],
        ),
    ]
}

/// TCP is gone without a word: that is nobody's affair but this connection's.
fn dropped() -> Vec<Case> {
    let drops = |id: &'static str, when: &str, script: Vec<Step>| {
        let title = format!("a connection that is dropped {when} hinders no other");
        let next = vec![
            Step::Drop,
            Step::On(1),
            send([text("next")]),
            expect([text_back("next")]),
        ];
        row(id, title, "7.2.1")
            .only(Role::Server)
            .ends(End::Unheard)
            .plays([script, next].concat())
            .likely("an error on one connection ends more than that one")
    };
    let large = || vec![0x55; 1 << 20];
    vec![
        drops("dropped", "without a Close", vec![Step::On(0)]),
        drops(
            "dropped-in-a-message",
            "between fragments",
            vec![send([first("one")])],
        ),
        drops(
            "dropped-in-a-frame",
            "inside a frame",
            vec![send([text("one").length(100)])],
        ),
        drops(
            "dropped-in-a-header",
            "inside a header",
            vec![Step::Raw(vec![0x81, 0xFE])],
        ),
        drops(
            "dropped-after-close",
            "right after its Close",
            vec![send([close(1000, "")])],
        ),
        drops(
            "dropped-while-sending",
            "while a large message is sent to it",
            vec![Step::Deaf, send([binary(large())])],
        ),
    ]
}
