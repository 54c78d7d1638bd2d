//! The dissector sees what a connection sees, and labels every bit of it.

use crate::support::bytes::*;
use plainws::protocol::connection::{Event, State};
use plainws::protocol::dissect::{
    Dissection, Dissector, Frame, Judgement, Span, Status, Verdict, dissect,
};
use plainws::protocol::frame::{Header, Opcode};
use plainws::protocol::message::Limits;
use plainws::protocol::rule::{Field, Section};
use plainws::{Message, Role, Rule};

/// The example strings of §5.7, the two long ones with a payload of 00.
fn examples() -> Vec<(Role, Vec<u8>)> {
    let long = |header: &[u8], length| [header, &vec![0; length]].concat();
    vec![
        (Role::Server, b"\x81\x05Hello".to_vec()),
        (
            Role::Client,
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
        ),
        (Role::Server, b"\x01\x03Hel\x80\x02lo".to_vec()),
        (Role::Server, b"\x89\x05Hello".to_vec()),
        (
            Role::Client,
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
        ),
        (Role::Server, long(b"\x82\x7E\x01\x00", 256)),
        (Role::Server, long(b"\x82\x7F\0\0\0\0\0\x01\0\0", 65_536)),
    ]
}

/// The bytes of every rule about frames, from each role that it binds.
fn violations() -> Vec<(Rule, Role, &'static [u8])> {
    let pairs = Rule::ALL
        .iter()
        .filter(|rule| rule.close_code().is_some())
        .flat_map(|&rule| BOTH.map(|role| (rule, role)));
    pairs
        .filter_map(|(rule, role)| Some((rule, role, rule.example(role)?)))
        .collect()
}

/// What a connection makes of a stream that is fed byte by byte.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<Event>,
    violation: Option<(Rule, u64)>,
    is_closed: bool,
    is_between_messages: bool,
}

fn by_connection(sender: Role, stream: &[u8]) -> Seen {
    let mut connection = connection(sender.peer(), Limits::default());
    let mut seen = Seen {
        events: Vec::new(),
        violation: None,
        is_closed: false,
        is_between_messages: true,
    };
    for (offset, byte) in stream.iter().enumerate() {
        match connection.receive(&mut [*byte]) {
            Ok((1, event)) => seen.events.extend(event),
            Ok((used, _)) => panic!("{used} of 1 byte used"),
            Err(rule) => seen.violation = Some((rule, offset as u64)),
        }
    }
    seen.is_closed = connection.state() == State::Closed;
    seen.is_between_messages = connection.is_between_messages();
    seen
}

/// The same from the dissector's frames.
fn by_dissector(dissection: &Dissection) -> Seen {
    let events = dissection.frames.iter().filter_map(event).collect();
    let violation = match dissection.verdict {
        Verdict::Violation { rule, offset } => Some((rule, offset)),
        _ => None,
    };
    let last = dissection.frames.last();
    let is_close = last.is_some_and(|frame| {
        frame.status == Status::Complete && opcode(frame) == Some(Opcode::Close)
    });
    Seen {
        events,
        violation,
        is_closed: violation.is_some() || is_close,
        is_between_messages: dissection.open_message.is_none()
            && last.is_none_or(|frame| frame.status == Status::Complete),
    }
}

fn opcode(frame: &Frame) -> Option<Opcode> {
    frame.header.map(|header| header.opcode)
}

fn event(frame: &Frame) -> Option<Event> {
    if frame.status != Status::Complete {
        return None;
    }
    let payload = frame.payload.clone();
    Some(match opcode(frame)? {
        Opcode::Ping => Event::Ping(payload),
        Opcode::Pong => Event::Pong(payload),
        Opcode::Close => {
            let reason = plainws::CloseReason::decode(&payload);
            Event::Close(reason.expect("a Close that the connection took"))
        }
        _ => Event::Message(frame.message.clone()?),
    })
}

/// Whole, and in cuts: the same frames; and what they amount to is what the connection says.
fn check(sender: Role, stream: &[u8]) -> Dissection {
    let whole = dissect(sender, Limits::default(), stream);
    let by_connection = by_connection(sender, stream);
    let mut by_dissector = by_dissector(&whole);
    if by_connection.is_closed {
        // What a connection forgets at its end is not compared.
        by_dissector.is_between_messages = by_connection.is_between_messages;
    }
    assert_eq!(by_dissector, by_connection, "{sender:?} {stream:02x?}");

    check_spans(&whole, stream);
    for pieces in cuts(stream) {
        let mut dissector = Dissector::new(sender, Limits::default());
        let mut frames: Vec<_> = pieces
            .iter()
            .flat_map(|piece| dissector.receive(piece))
            .collect();
        frames.extend(dissector.partial().cloned());
        assert_eq!(frames, whole.frames);
        assert_eq!(dissector.unread(), whole.unread);
        assert_eq!(dissector.verdict(), whole.verdict);
    }
    whole
}

/// Frames tile the stream, spans tile the frames, and values are the bits that they cover.
fn check_spans(dissection: &Dissection, stream: &[u8]) {
    let mut at = 0;
    for (number, frame) in dissection.frames.iter().enumerate() {
        assert_eq!((frame.number, frame.offset), (number as u64, at));
        let bytes = &stream[index(at)..][..frame.wire.len()];
        assert_eq!(frame.wire, bytes);
        at = frame.end();

        let mut bit = 0;
        for span in frame.spans() {
            assert_eq!(span.bits.start, bit, "{span:?}");
            assert!(span.bits.end > bit, "{span:?}");
            bit = span.bits.end;
            if span.field != Field::CloseCode {
                check_value(&span, bytes);
            }
        }
        assert_eq!(bit, 8 * bytes.len() as u64);
        check_blame(frame);
        if frame.status == Status::Complete {
            check_length(frame);
        }
    }
    assert_eq!(at + dissection.unread, stream.len() as u64);
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("streams here are small")
}

fn check_value(span: &Span, bytes: &[u8]) {
    let Some(value) = span.value else { return };
    let bits = span.bits.clone();
    let expected = bits.fold(0, |value, bit| {
        let byte = bytes[index(bit / 8)];
        value << 1 | u64::from(byte >> (7 - bit % 8) & 1)
    });
    assert_eq!(value, expected, "{span:?}");
}

/// A broken rule is put on one span, of the field that the rule names.
fn check_blame(frame: &Frame) {
    let spans = frame.spans();
    let broken: Vec<_> = spans
        .iter()
        .filter_map(|span| match span.judgement {
            Judgement::Broken(rule) => Some((rule, span.field)),
            _ => None,
        })
        .collect();
    let expected = frame.violation().map(|(rule, _)| (rule, rule.field()));
    assert_eq!(broken, Vec::from_iter(expected), "{frame:?}");
}

fn check_length(frame: &Frame) {
    let (header, rest) = Header::decode(&frame.wire)
        .expect("legal")
        .expect("complete");
    assert_eq!(Some(header), frame.header);
    assert_eq!(rest.len() as u64, header.payload_length);
    assert_eq!(rest.len(), frame.payload.len());
}

mod dissector_and_connection_agree {
    use super::*;

    #[test]
    fn on_the_examples_of_s5_7() {
        for (sender, stream) in examples() {
            let dissection = check(sender, &stream);
            assert_eq!(dissection.verdict, Verdict::Legal);
        }
    }

    #[test]
    fn on_every_prefix_of_the_examples() {
        for (sender, stream) in examples() {
            for end in 1..stream.len().min(24) {
                check(sender, &stream[..end]);
            }
        }
    }

    #[test]
    fn on_the_bytes_of_every_rule() {
        for (rule, sender, bytes) in violations() {
            let more = wire(sender, &[(TEXT, b"more")]);
            for after in [&[][..], &more] {
                let stream = [bytes, after].concat();
                let dissection = check(sender, &stream);
                let offset = bytes.len() as u64 - 1;
                assert!(
                    matches!(dissection.verdict, Verdict::Violation { rule: found, offset: at }
                        if found == rule && at <= offset),
                    "{rule:?} {:?}",
                    dissection.verdict
                );
            }
        }
    }

    #[test]
    fn on_every_rule_behind_a_legal_message() {
        for (rule, sender, bytes) in violations() {
            let before = wire(sender, &[(TEXT, b"a"), (PING, b"b"), (BINARY, b"\xFF")]);
            let dissection = check(sender, &[&before, bytes].concat());
            let last = dissection.frames.last().and_then(Frame::violation);
            assert_eq!(last.map(|(rule, _)| rule), Some(rule));
        }
    }

    #[test]
    fn on_generated_streams() {
        let mut random = Random(1);
        for _ in 0..60 {
            let sender = BOTH[random.below(2)];
            check(sender, &random.stream(sender));
        }
    }

    #[test]
    fn on_streams_with_one_bit_changed() {
        let mut random = Random(2);
        for _ in 0..60 {
            let sender = BOTH[random.below(2)];
            let mut stream = random.stream(sender);
            let at = random.below(stream.len());
            stream[at] ^= 1 << random.below(8);
            check(sender, &stream);
        }
    }

    /// A small generator of numbers that look random: the same in each run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            // Constants from Knuth's MMIX; the upper half is the better one.
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            index(self.0 >> 33) % end
        }

        /// Mostly legal: messages in fragments with control frames between them.
        fn stream(&mut self, sender: Role) -> Vec<u8> {
            let mut stream = Vec::new();
            for _ in 0..1 + self.below(4) {
                let text = "Grüße, 世界 🦀".repeat(1 + self.below(3) * self.below(9));
                let (mut rest, mut byte0) =
                    (text.as_bytes(), [TEXT_BEGIN, BINARY_BEGIN][self.below(2)]);
                for _ in 0..self.below(4) {
                    let (piece, after) = rest.split_at(self.below(rest.len() + 1));
                    stream.extend(frame(sender, byte0, piece));
                    (rest, byte0) = (after, MORE);
                    if self.below(3) == 0 {
                        let control = [PING, PONG][self.below(2)];
                        stream.extend(frame(sender, control, b"between"));
                    }
                }
                stream.extend(frame(sender, byte0 | 0x80, rest));
            }
            if self.below(3) == 0 {
                stream.extend(frame(sender, CLOSE, &close_body(1000, b"bye")));
                stream.extend(frame(sender, TEXT, b"too late"));
            }
            stream
        }
    }
}

mod a_frame {
    use super::*;

    fn one(sender: Role, stream: &[u8]) -> Frame {
        let mut frames = check(sender, stream).frames;
        assert_eq!(frames.len(), 1);
        frames.remove(0)
    }

    #[test]
    fn shows_fields_bits_values_and_sections() {
        let frame = one(
            Role::Client,
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        );
        let spans = frame.spans();
        let rows: Vec<_> = spans
            .iter()
            .map(|span| {
                let value = span.value.map(|value| format!("{value:x}"));
                let judgement = span.judgement;
                (
                    span.name,
                    span.bits.clone(),
                    value.unwrap_or_default(),
                    judgement.section().0,
                    matches!(judgement, Judgement::Met(_)),
                )
            })
            .collect();
        let row = |name, bits, value: &str, section, is_met| {
            (name, bits, value.to_owned(), section, is_met)
        };
        assert_eq!(
            rows,
            [
                row("fin", 0..1, "1", "5.2", false),
                row("rsv", 1..4, "0", "5.2", true),
                row("opcode", 4..8, "1", "5.2", true),
                row("mask", 8..9, "1", "5.1", true),
                row("payload_length", 9..16, "5", "5.2", false),
                row("masking_key", 16..48, "37fa213d", "5.3", false),
                row("payload", 48..88, "", "8.1", true),
            ]
        );
        assert_eq!(frame.payload, b"Hello");
        assert_eq!(frame.message, Some("Hello".into()));
    }

    #[test]
    fn says_what_it_lacks() {
        let lacks = |stream: &[u8]| match one(Role::Client, stream).status {
            Status::Incomplete(missing) => (missing.bytes, missing.is_exact, missing.field),
            other => panic!("{other:?}"),
        };
        assert_eq!(lacks(b"\x81"), (1, false, Field::Mask));
        assert_eq!(lacks(b"\x81\x85"), (9, true, Field::MaskingKey));
        assert_eq!(lacks(b"\x81\x85\x01"), (8, true, Field::MaskingKey));
        assert_eq!(lacks(b"\x81\xFE"), (6, false, Field::PayloadLength));
        assert_eq!(lacks(b"\x81\xFE\x01"), (5, false, Field::PayloadLength));
        assert_eq!(lacks(b"\x81\xFE\x01\x00"), (260, true, Field::MaskingKey));
        assert_eq!(lacks(b"\x81\x85\0\0\0\0He"), (3, true, Field::Payload));
        assert_eq!(lacks(b"\x82\xFF\0\0"), (10, false, Field::PayloadLength));
    }

    #[test]
    fn knows_its_place_in_its_message() {
        let stream = b"\x01\x03Hel\x89\x00\x00\x00\x80\x02lo\x82\x00";
        let frames = check(Role::Server, stream).frames;
        let places: Vec<_> = frames
            .iter()
            .map(|frame| frame.fragment.map(|part| (part.opcode, part.index)))
            .collect();
        let text = |index| Some((Opcode::Text, index));
        assert_eq!(
            places,
            [text(0), None, text(1), text(2), Some((Opcode::Binary, 0))]
        );
        let messages: Vec<_> = frames
            .into_iter()
            .filter_map(|frame| frame.message)
            .collect();
        assert_eq!(
            messages,
            [Message::from("Hello"), Message::from(Vec::new())]
        );
    }

    #[test]
    fn ends_with_the_byte_that_breaks_a_rule_in_a_long_text_too() {
        // Around the size of the pieces that the judge gets, and in characters that they cut.
        for at in [0xFFFE, 0xFFFF, 0x1_0000, 0x1_0001, 0x1_0002, 0x1_8000] {
            for character in ["a", "\u{e9}", "\u{20ac}", "\u{1f600}"] {
                // Begun in each of the ways that a character can lie across a border.
                let text = "a".repeat(at % 4) + &character.repeat((at - at % 4) / character.len());
                let payload = [text.as_bytes(), b"\xFFmore"].concat();
                let stream = wire(Role::Server, &[(TEXT, &payload)]);
                let offset = (stream.len() - b"\xFFmore".len()) as u64;
                let dissection = dissect(Role::Server, Limits::default(), &stream);
                let rule = Rule::TextNotUtf8;
                assert_eq!(dissection.verdict, Verdict::Violation { rule, offset });
                assert_eq!(dissection.unread, 4);
                check_spans(&dissection, &stream);
            }
        }
    }

    #[test]
    fn ends_with_the_byte_that_breaks_a_rule() {
        let broken = |stream: &[u8]| {
            let dissection = check(Role::Server, stream);
            (dissection.verdict, dissection.unread)
        };
        let violation = |rule, offset| Verdict::Violation { rule, offset };
        assert_eq!(
            broken(b"\x81\x05He\xFFlo"),
            (violation(Rule::TextNotUtf8, 4), 2)
        );
        assert_eq!(
            broken(b"\x81\x00\xC1\x00"),
            (violation(Rule::RsvNotZero, 2), 1)
        );
        assert_eq!(
            broken(b"\x88\x04\x03\xE7no"),
            (violation(Rule::CloseCodeInvalid, 3), 2)
        );
        assert_eq!(
            broken(b"\x81\x82\0\0\0\0ok"),
            (violation(Rule::MaskPresent, 5), 2)
        );
    }

    #[test]
    fn is_not_met_by_a_rule_that_was_not_judged() {
        // Not masked, but the control frame was too long before that mattered.
        let frame = one(Role::Client, b"\x89\x7E");
        let spans = frame.spans();
        let mask = spans.iter().find(|span| span.field == Field::Mask);
        let judgement = mask.map(|span| span.judgement);
        assert_eq!(judgement, Some(Judgement::Open(Section("5.1"))));
    }
}

mod the_stream {
    use super::*;

    #[test]
    fn is_legal_between_messages_and_incomplete_inside_one() {
        let verdict = |stream: &[u8]| check(Role::Server, stream).verdict;
        assert_eq!(verdict(b""), Verdict::Legal);
        assert_eq!(verdict(b"\x81\x00"), Verdict::Legal);
        assert_eq!(verdict(b"\x81\x01"), Verdict::Incomplete);
        assert_eq!(verdict(b"\x01\x00"), Verdict::Incomplete);
        assert_eq!(verdict(b"\x01\x00\x89\x00"), Verdict::Incomplete);
        assert_eq!(verdict(b"\x01\x00\x80\x00"), Verdict::Legal);
        assert_eq!(verdict(b"\x01\x00\x88\x00"), Verdict::Legal);
    }

    #[test]
    fn is_not_read_behind_a_close() {
        let dissection = check(Role::Server, b"\x88\x00\xFF\xFF\xFF");
        assert_eq!(dissection.verdict, Verdict::Legal);
        assert_eq!(dissection.unread, 3);
    }

    mod of_which_the_beginning_is_kept {
        use super::*;

        const KEPT: usize = 10;

        /// The frames of a stream of which at most so much payload is kept, under some cuts.
        fn frames(sender: Role, pieces: &[&[u8]]) -> (Vec<Frame>, Verdict) {
            let dissector = Dissector::new(sender, Limits::default()).max_payload(KEPT);
            frames_of(dissector, pieces)
        }

        fn frames_of(mut dissector: Dissector, pieces: &[&[u8]]) -> (Vec<Frame>, Verdict) {
            let mut frames = Vec::new();
            for piece in pieces {
                frames.extend(dissector.receive(piece));
            }
            frames.extend(dissector.partial().cloned());
            (frames, dissector.verdict())
        }

        #[test]
        fn is_whole_but_for_the_end_of_its_payload() {
            for sender in BOTH {
                for payload in [
                    "0123456789",
                    "0123456789abcdef",
                    "012345678\u{20ac}\u{20ac}",
                ] {
                    for (byte0, rest) in [(TEXT_BEGIN, "\u{e9}"), (BINARY_BEGIN, "")] {
                        let parts: [(u8, &[u8]); 4] = [
                            (byte0, payload.as_bytes()),
                            (PING, b"a ping of 25 bytes, whole"),
                            (LAST, rest.as_bytes()),
                            (TEXT, b"next"),
                        ];
                        let stream = wire(sender, &parts);
                        let whole = check(sender, &stream);
                        for pieces in cuts(&stream) {
                            let (cut, verdict) = frames(sender, &pieces);
                            assert_eq!(verdict, Verdict::Legal);
                            check_cut(&whole.frames, &cut);
                        }
                    }
                }
            }
        }

        fn check_cut(whole: &[Frame], cut: &[Frame]) {
            assert_eq!(whole.len(), cut.len());
            for (whole, cut) in whole.iter().zip(cut) {
                let header = whole.wire.len() - whole.payload.len();
                let is_data = whole.fragment.is_some();
                let kept = if is_data { KEPT } else { usize::MAX };
                let kept = whole.payload.len().min(kept);
                assert_eq!(cut.payload, whole.payload[..kept]);
                assert_eq!(cut.wire, whole.wire[..header + kept]);
                assert_eq!(cut.received, whole.payload.len() as u64);
                assert_eq!((cut.length(), cut.end()), (whole.length(), whole.end()));
                assert_eq!((cut.status, cut.fragment), (whole.status, whole.fragment));
                assert_eq!(cut.spans(), whole.spans());
                let bytes = |frame: &Frame| frame.message.clone().map(Message::into_bytes);
                if let (Some(cut), Some(whole)) = (bytes(cut), bytes(whole)) {
                    // The last character is whole.
                    assert!(cut.len() >= KEPT.min(whole.len()) && cut.len() < KEPT + 4);
                    assert!(whole.starts_with(&cut));
                }
                assert_eq!(cut.message.is_some(), whole.message.is_some());
            }
        }

        #[test]
        fn is_judged_to_its_end() {
            for sender in BOTH {
                let payload = [&[b'a'; 100], &b"\xE2\x82"[..], b"bc"].concat();
                let stream = wire(sender, &[(TEXT, &payload)]);
                let whole = check(sender, &stream);
                for pieces in cuts(&stream) {
                    let (cut, verdict) = frames(sender, &pieces);
                    assert_eq!(verdict, whole.verdict);
                    check_cut(&whole.frames, &cut);
                }
            }
        }

        #[test]
        fn may_have_its_messages_whole() {
            for sender in BOTH {
                let payload = "0123456789abcdef\u{20ac}";
                let parts: [(u8, &[u8]); 2] =
                    [(TEXT_BEGIN, payload.as_bytes()), (LAST, b"and more")];
                let stream = wire(sender, &parts);
                for pieces in cuts(&stream) {
                    let dissector = Dissector::new(sender, Limits::default());
                    let (cut, _) = frames_of(dissector.max_frame_payload(KEPT), &pieces);
                    let payloads: Vec<_> = cut.iter().map(|frame| &frame.payload[..]).collect();
                    assert_eq!(payloads, [&b"0123456789"[..], b"and more"]);
                    let message = Message::Text(format!("{payload}and more"));
                    assert_eq!(cut[1].message, Some(message));
                }
            }
        }

        #[test]
        fn takes_no_memory_for_the_rest() {
            let text = "\u{20ac}".repeat(5 << 20);
            let stream = wire(Role::Client, &[(TEXT, text.as_bytes())]);
            let (mut frames, verdict) = frames(Role::Client, &[&stream]);
            let frame = frames.pop().expect("one frame");
            assert_eq!((frames.len(), verdict), (0, Verdict::Legal));
            assert_eq!(frame.received, text.len() as u64);
            let message = frame.message.and_then(Message::into_text);
            let message = message.expect("the message's beginning");
            for capacity in [
                message.capacity(),
                frame.wire.capacity(),
                frame.payload.capacity(),
            ] {
                assert!(capacity < 1 << 18, "{capacity}");
            }
        }
    }

    #[test]
    fn may_be_judged_by_other_limits() {
        let limits = Limits::new().max_bytes(4);
        let verdict = dissect(Role::Server, limits, b"\x81\x05Hello").verdict;
        let rule = Rule::MessageTooBig;
        assert_eq!(verdict, Verdict::Violation { rule, offset: 1 });
    }
}

mod s5_2_reserved_bits_of_an_extension {
    use super::*;

    fn dissect(sender: Role, bits: u8, stream: &[u8]) -> (Vec<Frame>, Verdict) {
        let mut dissector = Dissector::new(sender, Limits::default()).extension_bits(bits);
        let mut frames = dissector.receive(stream);
        frames.extend(dissector.partial().cloned());
        (frames, dissector.verdict())
    }

    #[test]
    fn may_be_set_in_the_first_frame_of_a_message_and_nowhere_else() {
        let broken = |offset| Verdict::Violation {
            rule: Rule::RsvNotZero,
            offset,
        };
        for (bits, stream, verdict) in [
            (0, &b"\xc1\x00"[..], broken(0)),
            (4, b"\xc1\x00", Verdict::Legal),
            (4, b"\xc2\x00", Verdict::Legal),
            (4, b"\x81\x00", Verdict::Legal),
            (4, b"\x41\x00\x89\x00\x80\x00", Verdict::Legal),
            (4, b"\x41\x00\xc0\x00", broken(2)), // RFC 7692 §6.1
            (4, b"\x01\x00\xc0\x00", broken(2)),
            (4, b"\xc9\x00", broken(0)),
            (4, b"\xc8\x00", broken(0)),
            (4, b"\xa1\x00", broken(0)),
            (4, b"\xe1\x00", broken(0)),
            (7, b"\xf1\x00", Verdict::Legal),
        ] {
            let seen = dissect(Role::Server, bits, stream).1;
            assert_eq!(seen, verdict, "{bits} {stream:02x?}");
        }
        let opcode = dissect(Role::Server, 4, b"\xc3\x00").1;
        let rule = Rule::OpcodeReserved;
        assert_eq!(opcode, Verdict::Violation { rule, offset: 0 });
    }

    #[test]
    fn mark_a_message_that_is_not_judged_as_text() {
        let stream = b"\x41\x01\xff\x80\x01\xfe\x81\x01\xff";
        let (frames, verdict) = dissect(Role::Server, 4, stream);
        let rsv = |frame: &Frame| frame.fragment.map(|fragment| fragment.rsv);
        assert_eq!(
            frames.iter().map(rsv).collect::<Vec<_>>(),
            [Some(4), Some(4), Some(0)]
        );
        assert_eq!(frames[1].message, Some(b"\xff\xfe".to_vec().into()));
        // The next message is judged as always.
        let rule = Rule::TextNotUtf8;
        assert_eq!(verdict, Verdict::Violation { rule, offset: 8 });
        let payload = |frame: &Frame| frame.spans().last().map(|span| span.judgement);
        assert_eq!(payload(&frames[0]), Some(Judgement::Open(Section("5.8"))));
        assert_eq!(payload(&frames[2]), Some(Judgement::Broken(rule)));
    }

    #[test]
    fn are_labelled_as_such() {
        for (bits, stream, meaning) in [
            (0, b"\x81\x00", "no extension negotiated"),
            (0, b"\xc1\x00", "RSV1 is set: compressed?"),
            (4, b"\x81\x00", "no extension used"),
            (4, b"\xc1\x00", "RSV1: compressed"),
            (4, b"\xc9\x00", "only in the first frame"),
            (4, b"\xa1\x00", "bits of an extension"),
        ] {
            let (frames, _) = dissect(Role::Server, bits, stream);
            assert_eq!(
                frames[0].spans()[1].meaning,
                meaning,
                "{bits} {stream:02x?}"
            );
        }
    }
}
