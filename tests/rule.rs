//! The rule table: what it says about itself, and that each row's bytes break just that row's rule.

use crate::support::bytes::{BOTH, PING, TEXT, connection, cuts, play, wire};
use plainws::protocol::connection::State;
use plainws::protocol::handshake::{Opening, Upgrade};
use plainws::protocol::head::{self, Decoder, Head};
use plainws::protocol::message::Limits;
use plainws::protocol::request::Request;
use plainws::protocol::response::Response;
use plainws::protocol::rule::{Answer, Field};
use plainws::{CloseCode, Role, Rule};

/// Rule and the bytes by which that role breaks it, for each role that it binds.
fn violations() -> impl Iterator<Item = (Rule, Role, &'static [u8])> {
    let pairs = Rule::ALL
        .iter()
        .flat_map(|&rule| BOTH.map(|role| (rule, role)));
    pairs.filter_map(|(rule, role)| Some((rule, role, rule.example(role)?)))
}

fn is_about_frames(rule: Rule) -> bool {
    rule.close_code().is_some()
}

mod the_table {
    use super::*;

    #[test]
    fn lists_every_rule_once() {
        for (i, rule) in Rule::ALL.iter().enumerate() {
            assert!(!Rule::ALL[..i].contains(rule), "{}", rule.id());
        }
    }

    #[test]
    fn names_each_rule_as_its_variant_in_kebab_case() {
        for rule in Rule::ALL {
            let variant = format!("{rule:?}").to_lowercase();
            assert_eq!(rule.id().replace('-', ""), variant);
            let parts = rule.id().split('-');
            for part in parts {
                let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                assert!(
                    !part.is_empty() && part.chars().all(is_kebab),
                    "{}",
                    rule.id()
                );
            }
        }
    }

    #[test]
    fn gives_each_rule_a_clause_of_its_own_that_fits_a_close_reason() {
        for (i, rule) in Rule::ALL.iter().enumerate() {
            let clause = rule.clause();
            assert!((1..=123).contains(&clause.len()), "{}", rule.id());
            assert!(
                Rule::ALL[..i]
                    .iter()
                    .all(|earlier| earlier.clause() != clause),
                "{clause}"
            );
        }
    }

    #[test]
    fn gives_each_rule_a_section_in_one_form() {
        for rule in Rule::ALL {
            let section = rule.section().0;
            let number = match section.split_once(' ') {
                Some(("RFC", rest)) => rest.split_once(' ').expect("RFC, its number, section").1,
                Some(_) => panic!("{section}"),
                None => section,
            };
            assert!(
                number.split('.').all(|part| part.parse::<u8>().is_ok()),
                "{section}"
            );
        }
        let shown = Rule::LengthNotMinimal.to_string();
        assert_eq!(
            shown,
            "a length must use the shortest form that fits (§5.2)"
        );
        let shown = Rule::HeaderFolded.to_string();
        assert_eq!(
            shown,
            "a header field of a request stands on one line (RFC 9112 §5.2)"
        );
    }

    #[test]
    fn binds_each_rule_to_a_role() {
        for rule in Rule::ALL {
            assert!(
                BOTH.iter().any(|&role| rule.example(role).is_some()),
                "{}",
                rule.id()
            );
        }
        assert_eq!(Rule::MaskMissing.example(Role::Server), None);
        assert_eq!(Rule::MaskPresent.example(Role::Client), None);
    }

    #[test]
    fn answers_frames_by_close_requests_by_status_and_responses_by_nothing() {
        const CODES: [CloseCode; 3] = [
            CloseCode::PROTOCOL_ERROR,
            CloseCode::INVALID_PAYLOAD,
            CloseCode::TOO_BIG,
        ];
        for rule in Rule::ALL {
            let is_about_a_head = matches!(rule.field(), Field::StartLine | Field::Header);
            let binds_a_client = rule.example(Role::Client).is_some();
            let is_right = match rule.answer() {
                Answer::Close(code) => !is_about_a_head && CODES.contains(&code),
                Answer::Status(400..=499 | 505) => is_about_a_head && binds_a_client,
                Answer::Status(_) => false,
                Answer::Disconnect => is_about_a_head && !binds_a_client,
                _ => false,
            };
            assert!(is_right, "{}", rule.id());
        }
    }

    #[test]
    fn gives_each_field_a_name_of_its_own() {
        let fields = Rule::ALL.iter().map(|rule| rule.field());
        for (field, other) in fields
            .clone()
            .flat_map(|field| fields.clone().map(move |other| (field, other)))
        {
            assert_eq!(
                field == other,
                field.name() == other.name(),
                "{field:?} {other:?}"
            );
        }
    }
}

mod stages {
    use super::*;
    use plainws::protocol::connection::Connection;
    use std::collections::BTreeSet;

    const MAX_BYTES: u64 = 200;

    /// A frame's fields, legal or not, and whether a text message is open before it.
    #[derive(Clone, Copy, Debug)]
    struct Fields<'a> {
        sender: Role,
        is_open: bool,
        byte0: u8,
        mask: bool,
        length7: u8,
        length: u64,
        payload: &'a [u8],
    }

    impl Fields<'_> {
        /// Every rule that the frame breaks, told by its fields alone.
        fn broken(&self) -> Vec<Rule> {
            let opcode = self.byte0 & 0xF;
            let fin = self.byte0 & 0x80 != 0;
            let is_control = matches!(opcode, 8..=10);
            let is_data = matches!(opcode, 0..=2);
            let is_text = opcode == 1 || opcode == 0 && self.is_open;
            let is_extended = self.length7 > 125;
            let code = match *self.payload {
                [high, low, ..] => Some(u16::from_be_bytes([high, low])),
                _ => None,
            };
            let reason = self.payload.get(2..).unwrap_or_default();
            let least = match self.length7 {
                126 => 126,
                127 => 1 << 16,
                _ => 0,
            };
            let rules = [
                (Rule::RsvNotZero, self.byte0 & 0x70 != 0),
                (Rule::OpcodeReserved, matches!(opcode, 3..=7 | 11..)),
                (Rule::ControlFragmented, is_control && !fin),
                (Rule::ControlTooLong, is_control && is_extended),
                (Rule::LengthNotMinimal, self.length < least),
                (Rule::LengthTopBitSet, self.length >= 1 << 63),
                (Rule::MaskMissing, self.sender == Role::Client && !self.mask),
                (Rule::MaskPresent, self.sender == Role::Server && self.mask),
                (Rule::ContinuationUnexpected, opcode == 0 && !self.is_open),
                (
                    Rule::MessageInterleaved,
                    matches!(opcode, 1 | 2) && self.is_open,
                ),
                (Rule::MessageTooBig, is_data && self.length > MAX_BYTES),
                // The limit is one fragment.
                (Rule::TooManyFragments, opcode == 0 && self.is_open),
                (
                    Rule::TextNotUtf8,
                    is_text && std::str::from_utf8(self.payload).is_err(),
                ),
                (Rule::CloseBodyOneByte, opcode == 8 && self.length == 1),
                (Rule::CloseCodeInvalid, opcode == 8 && code == Some(0)),
                (
                    Rule::CloseReasonNotUtf8,
                    opcode == 8 && std::str::from_utf8(reason).is_err(),
                ),
            ];
            let broken = rules.into_iter().filter(|&(_, is_broken)| is_broken);
            broken.map(|(rule, _)| rule).collect()
        }

        /// What its receiver reports.
        fn reported(&self) -> Option<Rule> {
            let limits = Limits::new().max_bytes(MAX_BYTES).max_fragments(1);
            let mut stream = match (self.is_open, self.sender) {
                (false, _) => Vec::new(),
                (true, Role::Client) => b"\x01\x80\0\0\0\0".to_vec(),
                (true, Role::Server) => b"\x01\x00".to_vec(),
            };
            stream.extend([self.byte0, u8::from(self.mask) << 7 | self.length7]);
            match self.length7 {
                126 => stream.extend(&self.length.to_be_bytes()[6..]),
                127 => stream.extend(self.length.to_be_bytes()),
                _ => {}
            }
            let key: &[u8] = if self.mask { &[0; 4] } else { &[] };
            stream.extend([key, self.payload].concat());
            let mut receiver = match self.sender {
                Role::Client => Connection::server(limits),
                Role::Server => Connection::client(limits, Box::new(|| [0; 4])),
            };
            receiver.receive(&mut stream).err()
        }
    }

    fn frames() -> impl Iterator<Item = Fields<'static>> {
        const SHORT: [(u8, &[u8]); 6] = [
            (0, b""),
            (1, b"\xFF"),
            (2, b"\x00\x00"),
            (3, b"\x03\xE8\xFF"),
            (3, b"\x00\x00\xFF"),
            (3, b"\x03\xE8a"),
        ];
        let short = SHORT.map(|(length, payload)| (length, u64::from(length), payload));
        let long = [
            (126, 1),
            (126, 126),
            (126, 300),
            (127, 1),
            (127, 300),
            (127, 1 << 16),
            (127, 1 << 63),
        ];
        let long = long.map(|(length7, length)| (length7, length, &b"\xFF"[..]));
        let lengths = short.into_iter().chain(long);
        lengths.flat_map(|(length7, length, payload)| {
            let starts = (0..=255).flat_map(|byte0| BOTH.map(|sender| (byte0, sender)));
            let flags = [(false, false), (false, true), (true, false), (true, true)];
            starts
                .flat_map(move |start| flags.map(|flags| (start, flags)))
                .map(move |((byte0, sender), (mask, is_open))| Fields {
                    sender,
                    is_open,
                    byte0,
                    mask,
                    length7,
                    length,
                    payload,
                })
        })
    }

    #[test]
    fn say_which_of_the_rules_that_a_frame_breaks_is_reported() {
        let mut pairs = BTreeSet::new();
        for frame in frames() {
            let broken = frame.broken();
            let first = broken.iter().copied().min_by_key(|rule| rule.stage());
            assert_eq!(frame.reported(), first, "{frame:?} breaks {broken:?}");
            for rule in &broken {
                let is_first = Some(*rule) == first;
                assert!(
                    is_first || first.is_some_and(|first| first.stage() < rule.stage()),
                    "two rules of one stage: {frame:?} breaks {broken:?}"
                );
            }
            let pairs_here = broken
                .iter()
                .flat_map(|a| broken.iter().map(move |b| (a.id(), b.id())));
            pairs.extend(pairs_here.filter(|(a, b)| a < b));
        }
        // The other 50 of 120 pairs exclude one another, such as a missing mask and a superfluous one.
        assert_eq!(pairs.len(), 70, "{pairs:?}");
    }

    #[test]
    fn say_which_of_the_rules_that_a_byte_of_a_head_breaks_is_reported() {
        use Rule as R;
        let limits = |max_bytes, max_headers| {
            let limits = head::Limits::default().max_bytes(max_bytes);
            limits.max_headers(max_headers)
        };
        const REQUEST: &str = "GET / HTTP/1.1\r\n";
        let table = [
            // What was read before, the byte or line that breaks the rules, and these.
            (
                limits(9, 9),
                "a\r",
                "\x01",
                &[R::HeadLineEnding, R::HeadControlByte][..],
            ),
            (
                limits(2, 9),
                "a\r",
                "b",
                &[R::HeadLineEnding, R::RequestLineTooLong],
            ),
            (
                limits(2, 9),
                "ab",
                "\x01",
                &[R::HeadControlByte, R::RequestLineTooLong],
            ),
            (
                limits(99, 0),
                REQUEST,
                " :\r\n",
                &[R::HeaderFolded, R::HeaderMalformed, R::TooManyHeaders],
            ),
            (
                limits(99, 0),
                REQUEST,
                "a\r\n",
                &[R::HeaderMalformed, R::TooManyHeaders],
            ),
        ];
        for (limits, before, last, broken) in table {
            let mut decoder = Decoder::new(Role::Client, limits);
            assert_eq!(decoder.receive(before.as_bytes()), Ok(None));
            let first = broken.iter().copied().min_by_key(|rule| rule.stage());
            assert_eq!(decoder.receive(last.as_bytes()).err(), first, "{last:?}");
        }
    }
}

mod s7_1_7_a_rule_about_frames_fails_the_connection {
    use super::*;

    #[test]
    fn with_one_close_that_carries_its_code_and_nothing_behind_it_is_processed() {
        for (rule, sender, bytes) in violations().filter(|&(rule, ..)| is_about_frames(rule)) {
            let code = rule.close_code().expect("a rule about frames has one").0;
            for after in [&[][..], &wire(sender, &[(TEXT, b"more"), (PING, b"more")])] {
                let stream = [bytes, after].concat();
                let outcome = play(sender.peer(), Limits::default(), &stream);
                assert_eq!(outcome.seen, [format!("! {}", rule.id())]);
                assert_eq!(outcome.sent, [format!("close {code} {}", rule.clause())]);
                assert_eq!(outcome.state, State::Closed, "{}", rule.id());
                assert_eq!(
                    outcome.close_code,
                    Some(CloseCode::ABNORMAL),
                    "{}",
                    rule.id()
                );
            }
        }
    }

    #[test]
    fn and_counts_what_was_received_up_to_the_byte_that_proves_it() {
        let count = |sender: Role, pieces: &[&[u8]]| {
            let mut receiver = connection(sender.peer(), Limits::default());
            for piece in pieces {
                if receiver.receive(&mut piece.to_vec()).is_err() {
                    break;
                }
            }
            receiver.traffic().bytes_received
        };
        for (rule, sender, bytes) in violations().filter(|&(rule, ..)| is_about_frames(rule)) {
            for after in [&b""[..], b"\0\0\0\0\0\0\0\0", &[0xFF; 8]] {
                let stream = [bytes, after].concat();
                let one_by_one: Vec<_> = stream.chunks(1).collect();
                let expected = count(sender, &one_by_one);
                for pieces in cuts(&stream) {
                    assert_eq!(count(sender, &pieces), expected, "{}", rule.id());
                }
            }
        }
    }

    #[test]
    fn after_whole_messages_are_delivered_and_pings_answered() {
        for (rule, sender, bytes) in violations().filter(|&(rule, ..)| is_about_frames(rule)) {
            let before = wire(sender, &[(TEXT, b"a"), (PING, b"b")]);
            let stream = [&before, bytes].concat();
            let outcome = play(sender.peer(), Limits::default(), &stream);
            assert_eq!(
                outcome.seen,
                ["text a", "ping b", &format!("! {}", rule.id())]
            );
            let code = rule.close_code().expect("a rule about frames has one").0;
            assert_eq!(
                outcome.sent,
                ["pong b", &format!("close {code} {}", rule.clause())]
            );
        }
    }
}

mod s4_a_rule_about_the_handshake_fails_it {
    use super::*;

    /// The whole handshake as the peer of `sender` judges it; `None` while it could go on.
    fn judge(sender: Role, pieces: &[&[u8]]) -> Option<Rule> {
        let mut decoder = Decoder::new(sender, head::Limits::default());
        for piece in pieces {
            match decoder.receive(piece) {
                Ok(None) => {}
                Ok(Some((head, _))) => return judge_head(sender, head).err(),
                Err(rule) => return Some(rule),
            }
        }
        None
    }

    fn judge_head(sender: Role, head: Head) -> Result<(), Rule> {
        match sender {
            Role::Client => Upgrade::new(&Request::new(head)?).map(drop),
            Role::Server => {
                let opening = Opening::new("example.com", "/chat", *b"the sample nonce")
                    .expect("a host and a path");
                opening.check(&Response::new(head)?).map(drop)
            }
        }
    }

    #[test]
    fn however_its_bytes_are_cut() {
        for (rule, sender, bytes) in violations().filter(|&(rule, ..)| !is_about_frames(rule)) {
            for after in [&b""[..], b"\x81\x00", b"\r\n\r\n"] {
                let stream = [bytes, after].concat();
                for pieces in cuts(&stream) {
                    assert_eq!(
                        judge(sender, &pieces),
                        Some(rule),
                        "{sender:?} {}",
                        rule.id()
                    );
                }
            }
        }
    }

    #[test]
    fn at_the_last_of_its_bytes() {
        for (rule, sender, bytes) in violations().filter(|&(rule, ..)| !is_about_frames(rule)) {
            // Its example is the start of a TLS hello, wrong from the first byte on.
            if rule != Rule::HeadControlByte {
                let before = &bytes[..bytes.len() - 1];
                assert_eq!(judge(sender, &[before]), None, "{sender:?} {}", rule.id());
            }
        }
    }
}
