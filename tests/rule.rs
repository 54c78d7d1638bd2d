//! The rule table: what it says about itself, and that each row's bytes break just that row's rule.

use crate::support::bytes::{BOTH, PING, TEXT, cuts, play, wire};
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
    pairs.filter_map(|(rule, role)| Some((rule, role, rule.violation(role)?)))
}

fn is_about_frames(rule: Rule) -> bool {
    rule.close_code().is_some()
}

mod the_table {
    use super::*;

    /// Does not compile when a variant is not named here.
    macro_rules! every {
        ($($rule:ident)+) => {{
            let _ = |rule: Rule| match rule { $(Rule::$rule => ()),+ };
            [$(Rule::$rule),+]
        }};
    }

    #[test]
    fn lists_every_rule_once_and_in_order() {
        let every = every![
            RsvNotZero OpcodeReserved ControlFragmented ControlTooLong LengthNotMinimal LengthTopBitSet
            MaskMissing MaskPresent ContinuationUnexpected MessageInterleaved MessageTooBig TooManyFragments
            TextNotUtf8 CloseBodyOneByte CloseCodeInvalid CloseReasonNotUtf8
            HeadControlByte HeadLineEnding RequestLineTooLong HeadTooLarge TooManyHeaders
            RequestLineMalformed StatusLineMalformed HeaderFolded HeaderMalformed
            HostInvalid HttpVersionTooLow MethodNotGet HeaderRepeated BodyAnnounced UpgradeMissing
            ConnectionUpgradeMissing VersionNot13 KeyInvalid SubprotocolsMalformed ExtensionsMalformed
            StatusNot101 AcceptWrong SubprotocolNotOffered ExtensionNotOffered
        ];
        assert_eq!(Rule::ALL, every);
        assert!(Rule::ALL.is_sorted_by(|a, b| a < b));
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
            let number = match rule.section().split_once(' ') {
                Some(("RFC", rest)) => rest.split_once(' ').expect("RFC, its number, section").1,
                Some(_) => panic!("{}", rule.section()),
                None => rule.section(),
            };
            assert!(
                number.split('.').all(|part| part.parse::<u8>().is_ok()),
                "{}",
                rule.section()
            );
        }
        let shown = Rule::LengthNotMinimal.to_string();
        assert_eq!(
            shown,
            "a length must use the shortest form that fits (§5.2)"
        );
        let shown = Rule::HeaderFolded.to_string();
        assert_eq!(shown, "a header field stands on one line (RFC 9112 §5.2)");
    }

    #[test]
    fn binds_each_rule_to_a_role() {
        for rule in Rule::ALL {
            assert!(
                BOTH.iter().any(|&role| rule.violation(role).is_some()),
                "{}",
                rule.id()
            );
        }
        assert_eq!(Rule::MaskMissing.violation(Role::Server), None);
        assert_eq!(Rule::MaskPresent.violation(Role::Client), None);
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
            let binds_a_client = rule.violation(Role::Client).is_some();
            let is_right = match rule.answer() {
                Answer::Close(code) => !is_about_a_head && CODES.contains(&code),
                Answer::Status(400..=499) => is_about_a_head && binds_a_client,
                Answer::Status(_) => false,
                Answer::Disconnect => is_about_a_head && !binds_a_client,
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

mod s7_1_7_a_rule_about_frames_fails_the_connection {
    use super::*;

    #[test]
    fn with_one_close_that_carries_its_code_and_nothing_behind_it_is_processed() {
        for (rule, sender, bytes) in violations().filter(|&(rule, ..)| is_about_frames(rule)) {
            let code = rule.close_code().expect("a rule about frames has one").0;
            for behind in [&[][..], &wire(sender, &[(TEXT, b"more"), (PING, b"more")])] {
                let stream = [bytes, behind].concat();
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
            for behind in [&b""[..], b"\x81\x00", b"\r\n\r\n"] {
                let stream = [bytes, behind].concat();
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
