//! The handshake taken apart: lines, rules and the way to the accept value.

use crate::support::bytes::BOTH;
use plainws::protocol::dissect::handshake::{Derivation, Explanation, request, response};
use plainws::protocol::dissect::{Judgement, Verdict};
use plainws::protocol::rule::{Field, Section};
use plainws::{Role, Rule};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn explain(sender: Role, stream: &[u8], key: Option<&str>) -> Explanation {
    match sender {
        Role::Client => request(stream, Default::default()),
        Role::Server => response(stream, Default::default(), key),
    }
}

fn broken(explanation: &Explanation) -> Vec<(usize, Rule)> {
    let lines = explanation.lines.iter().enumerate();
    lines
        .filter_map(|(number, line)| match line.judgement {
            Judgement::Broken(rule) => Some((number, rule)),
            _ => None,
        })
        .collect()
}

/// The lines and their ends are the stream as far as it was read.
fn check_lines(explanation: &Explanation, stream: &[u8]) {
    let mut at = 0;
    for line in &explanation.lines {
        assert_eq!(line.bytes.start, at);
        let behind = &stream[line.bytes.end..explanation.length];
        let end = [&b"\r\n"[..], b"\n", b"\r"]
            .into_iter()
            .find(|end| behind.starts_with(end));
        at = line.bytes.end + end.unwrap_or_default().len();
    }
    assert_eq!(at, explanation.length);
}

mod s1_3_the_example {
    use super::*;

    #[test]
    fn request_meets_every_rule_line_by_line() {
        let stream = [REQUEST, b"\x81\x80\0\0\0\0"].concat();
        let explanation = request(&stream, Default::default());
        check_lines(&explanation, &stream);
        assert_eq!(explanation.verdict, Verdict::Legal);
        assert_eq!(explanation.length, REQUEST.len());
        use Judgement::{Met, Open};
        let judgements: Vec<_> = explanation
            .lines
            .iter()
            .map(|line| line.judgement)
            .collect();
        assert_eq!(
            judgements,
            [
                Met(Rule::MethodNotGet),
                Met(Rule::HostInvalid),
                Met(Rule::UpgradeMissing),
                Met(Rule::ConnectionUpgradeMissing),
                Met(Rule::KeyInvalid),
                Open(Section("10.2")),
                Met(Rule::SubprotocolsMalformed),
                Met(Rule::VersionNot13),
                Open(Section("RFC 9112 2.1")),
            ]
        );
        assert_eq!(explanation.derivation, Some(Derivation::new(KEY)));
    }

    #[test]
    fn response_answers_the_key() {
        let explanation = response(RESPONSE, Default::default(), Some(KEY));
        check_lines(&explanation, RESPONSE);
        assert_eq!(explanation.verdict, Verdict::Legal);
        assert_eq!(
            explanation.lines[3].judgement,
            Judgement::Met(Rule::AcceptWrong)
        );

        let explanation = response(RESPONSE, Default::default(), Some("another key"));
        assert_eq!(broken(&explanation), [(3, Rule::AcceptWrong)]);
    }

    #[test]
    fn response_is_not_judged_by_a_key_that_nobody_knows() {
        let explanation = response(RESPONSE, Default::default(), None);
        assert_eq!(explanation.verdict, Verdict::Legal);
        assert_eq!(
            explanation.lines[3].judgement,
            Judgement::Open(Section("4.1"))
        );
        assert_eq!(explanation.derivation, None);
    }

    #[test]
    fn derivation_shows_the_twenty_bytes() {
        let steps = Derivation::new(KEY);
        assert_eq!(
            steps.joined,
            "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        );
        // As printed in §1.3.
        let digest = [
            0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
            0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea,
        ];
        assert_eq!(steps.digest, digest);
        assert_eq!(steps.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

mod every_rule_about_the_handshake {
    use super::*;

    fn violations() -> impl Iterator<Item = (Rule, Role, &'static [u8])> {
        let rules = Rule::ALL.iter().filter(|rule| rule.close_code().is_none());
        let pairs = rules.flat_map(|&rule| BOTH.map(|role| (rule, role)));
        pairs.filter_map(|(rule, role)| Some((rule, role, rule.example(role)?)))
    }

    #[test]
    fn is_reported_at_the_last_of_its_bytes() {
        for (rule, sender, bytes) in violations() {
            for behind in [&b""[..], b"behind"] {
                let stream = [bytes, behind].concat();
                let explanation = explain(sender, &stream, Some(KEY));
                check_lines(&explanation, &stream);
                let offset = match rule {
                    Rule::HeadControlByte => 0,
                    _ => bytes.len() as u64 - 1,
                };
                assert_eq!(explanation.verdict, Verdict::Violation { rule, offset });
            }
        }
    }

    #[test]
    fn is_put_on_its_line_unless_that_is_missing() {
        for (rule, sender, bytes) in violations() {
            let explanation = explain(sender, bytes, Some(KEY));
            let is_missing = matches!(
                rule,
                Rule::HostInvalid | Rule::UpgradeMissing | Rule::ConnectionUpgradeMissing
            );
            let broken = broken(&explanation);
            assert_eq!(
                broken.len(),
                usize::from(!is_missing),
                "{sender:?} {rule:?}"
            );
            assert!(broken.iter().all(|&(line, on_line)| on_line == rule
                && (line == 0)
                    == (rule.field() == Field::StartLine || explanation.lines.len() == 1)));
        }
    }

    #[test]
    fn is_incomplete_one_byte_earlier() {
        for (rule, sender, bytes) in violations() {
            if rule != Rule::HeadControlByte {
                let explanation = explain(sender, &bytes[..bytes.len() - 1], Some(KEY));
                assert_eq!(
                    explanation.verdict,
                    Verdict::Incomplete,
                    "{sender:?} {rule:?}"
                );
                assert!(broken(&explanation).is_empty());
            }
        }
    }
}
