//! The handshake taken apart: lines, rules and the way to the accept value.

use crate::support::bytes::BOTH;
use plainws::protocol::dissect::handshake::{Derivation, Explanation, Line, request, response};
use plainws::protocol::dissect::{Judgement, Verdict};
use plainws::protocol::handshake::Asked;
use plainws::protocol::head::Decoder;
use plainws::protocol::rule::{Field, Section};
use plainws::{Role, Rule};
use std::ops::Range;
use std::str;

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

/// A request with this key that offered no subprotocol and no extension.
fn asked(key: &str) -> Asked {
    Asked::default()
        .key(key.to_owned())
        .subprotocols(Vec::new())
        .extensions(Vec::new())
}

fn explain(sender: Role, stream: &[u8], key: Option<&str>) -> Explanation {
    match sender {
        Role::Client => request(stream, Default::default()),
        Role::Server => response(
            stream,
            Default::default(),
            &key.map(asked).unwrap_or_default(),
        ),
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
        let after = &stream[line.bytes.end..explanation.length];
        let end = [&b"\r\n"[..], b"\n", b"\r"]
            .into_iter()
            .find(|end| after.starts_with(end));
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
        let explanation = response(RESPONSE, Default::default(), &asked(KEY));
        check_lines(&explanation, RESPONSE);
        assert_eq!(explanation.verdict, Verdict::Legal);
        assert_eq!(
            explanation.lines[3].judgement,
            Judgement::Met(Rule::AcceptWrong)
        );

        let explanation = response(RESPONSE, Default::default(), &asked("another key"));
        assert_eq!(broken(&explanation), [(3, Rule::AcceptWrong)]);
    }

    #[test]
    fn response_may_fold_a_header_and_is_judged_by_all_of_it() {
        let folded = |text: &str| text.replace("Upgrade: websocket", "Upgrade: web\r\n\tsocket");
        let response_text = str::from_utf8(RESPONSE).unwrap();
        let right = response_text.replace(": ", ":\r\n ");
        let explanation = response(right.as_bytes(), Default::default(), &asked(KEY));
        check_lines(&explanation, right.as_bytes());
        assert_eq!(explanation.verdict, Verdict::Legal);
        use Judgement::{Met, Open};
        let judgements = explanation.lines.iter().map(|line| line.judgement);
        let fold = Open(Section("RFC 9112 5.2"));
        assert_eq!(
            judgements.collect::<Vec<_>>(),
            [
                Met(Rule::StatusNot101),
                Met(Rule::UpgradeMissing),
                fold,
                Met(Rule::ConnectionUpgradeMissing),
                fold,
                Met(Rule::AcceptWrong),
                fold,
                Open(Section("RFC 9112 2.1")),
            ]
        );
        assert_eq!(explanation.derivation, Some(Derivation::new(KEY)));

        let wrong = folded(response_text);
        let explanation = response(wrong.as_bytes(), Default::default(), &asked(KEY));
        assert_eq!(broken(&explanation), [(1, Rule::UpgradeMissing)]);
    }

    #[test]
    fn request_with_a_folded_header_breaks_off_there() {
        let folded = [&REQUEST[..20], b"X: a\r\n b\r\n"].concat();
        let explanation = request(&folded, Default::default());
        assert_eq!(broken(&explanation), [(2, Rule::HeaderFolded)]);
    }

    #[test]
    fn response_is_not_judged_by_a_key_that_nobody_knows() {
        let explanation = response(RESPONSE, Default::default(), &Asked::default());
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
            for after in [&b""[..], b"more"] {
                let stream = [bytes, after].concat();
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

mod every_rule_that_a_head_breaks {
    use super::*;

    #[test]
    fn is_shown_on_the_line_that_breaks_it() {
        let stream = b"POST http://a:b/chat HTTP/1.0\r\n\
            Host: a\r\n\
            Host: b c\r\n\
            Connection: close\r\n\
            Content-Length: 5\r\n\
            Transfer-Encoding: chunked\r\n\
            Sec-WebSocket-Key: abc\r\n\
            Sec-WebSocket-Version: 8\r\n\
            Sec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Protocol: a, a\r\n\
            Sec-WebSocket-Extensions: a;\r\n\
            Sec-WebSocket-Extensions: b\r\n\
            Origin: \xE9\r\n\r\n";
        let explanation = request(stream, Default::default());
        let lines: Vec<&[Rule]> = explanation.lines.iter().map(|line| &*line.broken).collect();
        let expected: [&[Rule]; 14] = [
            &[
                Rule::HostInvalid,
                Rule::HttpVersionTooLow,
                Rule::MethodNotGet,
            ],
            &[],
            &[Rule::HostInvalid],
            &[Rule::ConnectionUpgradeMissing],
            &[Rule::BodyAnnounced],
            &[Rule::BodyAnnounced],
            &[Rule::KeyInvalid],
            &[Rule::VersionNot13],
            &[Rule::HeaderRepeated],
            &[Rule::SubprotocolsMalformed],
            &[Rule::ExtensionsMalformed],
            &[],
            &[Rule::HeaderMalformed],
            &[],
        ];
        assert_eq!(lines, expected);
        // Each once, in the order in which an endpoint judges them.
        assert_eq!(
            explanation.broken,
            [
                Rule::HostInvalid,
                Rule::HttpVersionTooLow,
                Rule::MethodNotGet,
                Rule::BodyAnnounced,
                Rule::UpgradeMissing,
                Rule::ConnectionUpgradeMissing,
                Rule::HeaderRepeated,
                Rule::VersionNot13,
                Rule::KeyInvalid,
                Rule::SubprotocolsMalformed,
                Rule::ExtensionsMalformed,
                Rule::HeaderMalformed,
            ]
        );
    }

    #[test]
    fn is_shown_in_a_response_too() {
        let stream = b"HTTP/1.0 101 Switching Protocols\r\n\
            Upgrade: websocket\r\n\
            Upgrade: h2c\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            Sec-WebSocket-Accept: wrong\r\n\
            Sec-WebSocket-Extensions: a\r\n\
            Sec-WebSocket-Extensions: ;\r\n\
            Sec-WebSocket-Protocol: chat\r\n\r\n";
        let explanation = response(stream, Default::default(), &asked(KEY));
        let lines: Vec<&[Rule]> = explanation.lines.iter().map(|line| &*line.broken).collect();
        let expected: [&[Rule]; 9] = [
            &[Rule::HttpVersionTooLow],
            &[], // what is wrong with both together is put on the last
            &[Rule::UpgradeMissing],
            &[],
            &[Rule::HeaderRepeated, Rule::AcceptWrong],
            &[Rule::ExtensionNotOffered],
            &[Rule::ExtensionsMalformed],
            &[Rule::SubprotocolNotOffered],
            &[],
        ];
        assert_eq!(lines, expected);
        assert_eq!(
            explanation.broken,
            [
                Rule::HttpVersionTooLow,
                Rule::UpgradeMissing,
                Rule::ConnectionUpgradeMissing,
                Rule::HeaderRepeated,
                Rule::AcceptWrong,
                Rule::ExtensionsMalformed,
                Rule::ExtensionNotOffered,
                Rule::SubprotocolNotOffered,
            ]
        );
    }

    #[test]
    fn is_none_but_the_status_of_a_response_that_refuses() {
        let stream = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
        let explanation = response(stream, Default::default(), &asked(KEY));
        assert_eq!(explanation.broken, [Rule::StatusNot101]);
        assert_eq!(broken(&explanation), [(0, Rule::StatusNot101)]);
        assert_eq!(met(&explanation), []);
    }

    #[test]
    fn is_not_judged_by_what_is_unknown_of_the_request() {
        let stream = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\
            Sec-WebSocket-Protocol: chat\r\n\r\n";
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let [key, deflate, chat] = [KEY, "permessage-deflate", "chat"];
        let nothing = Asked::default();
        let cases: &[(Asked, &[Rule])] = &[
            (nothing.clone(), &[]),
            (nothing.clone().key(key.to_owned()), &[]),
            (
                nothing.clone().key("another key".to_owned()),
                &[Rule::AcceptWrong],
            ),
            (nothing.clone().subprotocols(names(&["a", chat])), &[]),
            (
                nothing.clone().subprotocols(names(&["Chat"])),
                &[Rule::SubprotocolNotOffered],
            ),
            (
                nothing.clone().subprotocols(names(&[])),
                &[Rule::SubprotocolNotOffered],
            ),
            (nothing.clone().extensions(names(&["a", deflate])), &[]),
            (
                nothing.clone().extensions(names(&["a"])),
                &[Rule::ExtensionNotOffered],
            ),
            (
                nothing.clone().extensions(names(&[])),
                &[Rule::ExtensionNotOffered],
            ),
        ];
        for (asked, broken) in cases {
            let explanation = response(stream, Default::default(), asked);
            assert_eq!(explanation.broken, *broken, "{asked:?}");
        }
    }

    #[test]
    fn is_judged_by_what_the_request_says() {
        let request = b"GET / HTTP/1.1\r\nSec-WebSocket-Key: a key\r\n\
            Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Protocol: c\r\n\
            Sec-WebSocket-Extensions: a; b=1, permessage-deflate\r\n\r\n";
        let mut decoder = Decoder::new(Role::Client, Default::default());
        let (head, _) = decoder
            .receive(request)
            .expect("a head")
            .expect("a whole one");
        let asked = Asked::by(&head);
        assert_eq!(asked.key.as_deref(), Some("a key"));
        let subprotocols = asked.subprotocols.expect("they are known");
        assert_eq!(subprotocols, ["chat", "superchat", "c"]);
        let extensions = asked.extensions.expect("they are known");
        assert_eq!(extensions, ["a", "permessage-deflate"]);
    }

    #[test]
    fn is_known_without_the_key_where_the_key_does_not_matter() {
        let stream = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Extensions: ;\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
        let explanation = response(stream, Default::default(), &Asked::default());
        assert_eq!(
            explanation.broken,
            [
                Rule::ConnectionUpgradeMissing,
                Rule::AcceptWrong, // there is none at all
                Rule::ExtensionsMalformed,
            ]
        );
        assert_eq!(
            explanation.lines[3].judgement,
            Judgement::Open(Section("4.1"))
        );
    }
}

/// The lines that are called met, and by which rule.
fn met(explanation: &Explanation) -> Vec<(usize, Rule)> {
    let lines = explanation.lines.iter().enumerate();
    lines
        .filter_map(|(number, line)| match line.judgement {
            Judgement::Met(rule) => Some((number, rule)),
            _ => None,
        })
        .collect()
}

mod a_line_that_was_not_judged {
    use super::*;

    #[test]
    fn is_not_called_met_in_a_head_that_breaks_off() {
        for sender in BOTH {
            let whole = match sender {
                Role::Client => REQUEST,
                Role::Server => RESPONSE,
            };
            let legal = explain(sender, whole, Some(KEY));
            assert!(!met(&legal).is_empty());
            let incomplete = &whole[..whole.len() - 1];
            let wrong = [incomplete, b"\0"].concat();
            for stream in [incomplete, &wrong] {
                let explanation = explain(sender, stream, Some(KEY));
                assert_eq!(met(&explanation), []);
                let (lines, legal) = (explanation.lines.iter(), legal.lines.iter());
                for (line, legal) in lines.zip(legal) {
                    let was_met = matches!(legal.judgement, Judgement::Met(_));
                    let is_same = line.meaning == legal.meaning;
                    assert!(!was_met || !is_same, "{}", line.meaning);
                }
            }
        }
    }

    #[test]
    fn or_is_wrong_is_not_described_as_if_it_were_right() {
        let stream = b"GET / HTTP/1.1\r\nHost: a b\r\nUpgrade: h2c\r\nConnection: close\r\n\
            Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 8\r\n\r\n";
        let meanings = request(stream, Default::default()).lines.into_iter();
        let meanings: Vec<_> = meanings.map(|line| line.meaning).collect();
        let expected = [
            "GET, at least HTTP/1.1",
            "the site",
            "the protocol",
            "for this hop only",
            "the key",
            "the version",
            "the head ends",
        ];
        assert_eq!(meanings, expected);
    }

    #[test]
    fn or_comes_from_the_other_side_is_not_described_as_if_that_side_had_sent_it() {
        let from_client =
            b"GET / HTTP/1.1\r\nSec-WebSocket-Accept: a\r\nOrigin: null\r\nCookie: a\r\n\r\n";
        let from_server = b"HTTP/1.1 426 \r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n\
            Origin: null\r\nCookie: a\r\n\r\n";
        let meanings = |sender, stream| {
            let lines = explain(sender, stream, Some(KEY)).lines.into_iter();
            lines.map(|line| line.meaning).skip(1).collect::<Vec<_>>()
        };
        let expected = [
            "the other side sends this",
            "which page asks",
            "who asks, for the server",
            "the head ends",
        ];
        assert_eq!(meanings(Role::Client, &from_client[..]), expected);
        let expected = [
            "the other side sends this",
            "the versions it knows",
            "no part of the handshake",
            "no part of the handshake",
            "the head ends",
        ];
        assert_eq!(meanings(Role::Server, &from_server[..]), expected);
    }

    #[test]
    fn may_stand_before_the_head() {
        let stream = [b"\r\n\r\n", REQUEST].concat();
        let explanation = request(&stream, Default::default());
        check_lines(&explanation, &stream);
        assert_eq!(explanation.verdict, Verdict::Legal);
        let [blank, _, start, host, ..] = &explanation.lines[..] else {
            panic!("{:?}", explanation.lines);
        };
        assert_eq!(blank.judgement, Judgement::Open(Section("RFC 9112 2.2")));
        assert_eq!(start.judgement, Judgement::Met(Rule::MethodNotGet));
        assert_eq!(host.judgement, Judgement::Met(Rule::HostInvalid));
    }
}

/// What an explanation says is what an endpoint does, for heads with all kinds of faults.
mod thousands_of_heads {
    use super::*;
    use oracles::choices::{Choices, Random};
    use oracles::handshake::{Arrival, generate};
    use plainws::protocol::handshake::{Opening, Upgrade};
    use plainws::protocol::head::{Decoder, Head, Limits};
    use plainws::protocol::request::Request;
    use plainws::protocol::response::Response;

    fn arrivals() -> impl Iterator<Item = Arrival> {
        (0..6_000).map(|seed| {
            let bytes = Random(seed).bytes(400);
            Arrival::from_input(&generate(&mut Choices(&bytes)))
        })
    }

    fn explained(arrival: &Arrival) -> Explanation {
        let Arrival { wire, limits, .. } = arrival;
        match arrival.sender {
            Role::Client => request(wire, *limits),
            Role::Server => response(wire, *limits, &asked(KEY)),
        }
    }

    /// What an endpoint says to the head; `None` while it waits for more.
    fn endpoint(sender: Role, limits: Limits, wire: &[u8]) -> Option<Result<(), Rule>> {
        let judge = |head: Head| match sender {
            Role::Client => Upgrade::new(&Request::new(head)?).map(drop),
            Role::Server => {
                let opening = Opening::new("a", "/", *b"the sample nonce").expect("a host");
                opening.check(&Response::new(head)?).map(drop)
            }
        };
        match Decoder::new(sender, limits).receive(wire) {
            Ok(None) => None,
            Ok(Some((head, _))) => Some(judge(head)),
            Err(rule) => Some(Err(rule)),
        }
    }

    #[test]
    fn are_judged_as_an_endpoint_judges_them() {
        let mut seen = std::collections::BTreeSet::new();
        for arrival in arrivals() {
            let explanation = explained(&arrival);
            let shown = arrival.wire.escape_ascii();
            let verdict = match explanation.verdict {
                Verdict::Legal => Some(Ok(())),
                Verdict::Incomplete => None,
                Verdict::Violation { rule, .. } => Some(Err(rule)),
            };
            let said = endpoint(arrival.sender, arrival.limits, &arrival.wire);
            assert_eq!(verdict, said, "{shown}");
            let first = explanation.broken.first().copied();
            assert_eq!(first, said.and_then(Result::err), "{shown}");
            for line in &explanation.lines {
                let judgement = line.broken.first().map(|&rule| Judgement::Broken(rule));
                let is_broken = matches!(line.judgement, Judgement::Broken(_));
                assert_eq!(judgement, Some(line.judgement).filter(|_| is_broken));
                let mut broken = line.broken.iter();
                assert!(broken.all(|rule| explanation.broken.contains(rule)));
            }
            seen.extend(explanation.broken.iter().map(|rule| rule.id()));
        }
        assert!(seen.len() > 15, "{seen:?}");
    }

    /// A legal head with other lines in place of those of a name, which is empty for the start line.
    fn legal_but(sender: Role, name: &[u8], lines: &[&[u8]]) -> Vec<u8> {
        let legal: [&[u8]; 6] = match sender {
            Role::Client => [
                b"GET / HTTP/1.1",
                b"Host: a",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                b"Sec-WebSocket-Version: 13",
            ],
            Role::Server => [
                b"HTTP/1.1 101 ",
                b"A: b",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                b"C: d",
            ],
        };
        let [start, headers @ ..] = legal;
        let kept = headers.iter().filter(|line| name_of(line) != name);
        let all: Vec<&[u8]> = if name.is_empty() {
            lines.iter().chain(kept).copied().collect()
        } else {
            [&start]
                .into_iter()
                .chain(kept)
                .chain(lines)
                .copied()
                .collect()
        };
        [&all.join(&b"\r\n"[..])[..], b"\r\n\r\n"].concat()
    }

    fn name_of(header: &[u8]) -> Vec<u8> {
        let name = header.split(|&byte| byte == b':').next();
        name.unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether a line of a head that can be read continues the one above.
    fn is_fold(line: &[u8]) -> bool {
        line.starts_with(b" ") || line.starts_with(b"\t")
    }

    /// Headers do not depend on each other. So whatever is said of some is what an endpoint says to a head
    /// that is right but for them.
    #[test]
    fn are_explained_line_by_line_as_an_endpoint_judges_each_line() {
        let (mut right, mut wrong) = (0, 0);
        for arrival in arrivals() {
            let Arrival { sender, wire, .. } = &arrival;
            let mut decoder = Decoder::new(*sender, arrival.limits);
            let explanation = explained(&arrival);
            let is_refusal = explanation.broken == [Rule::StatusNot101];
            if is_refusal || !matches!(decoder.receive(wire), Ok(Some(_))) {
                continue;
            }
            // Each with its bytes, those of the lines that continue it included.
            let mut headers: Vec<(&Line, Range<usize>)> = Vec::new();
            for line in explanation
                .lines
                .iter()
                .filter(|line| !line.bytes.is_empty())
            {
                match headers.last_mut() {
                    Some((_, bytes)) if is_fold(&wire[line.bytes.clone()]) => {
                        assert_eq!(line.judgement, Judgement::Open(Section("RFC 9112 5.2")));
                        bytes.end = line.bytes.end;
                    }
                    _ => headers.push((line, line.bytes.clone())),
                }
            }
            let mut groups: std::collections::BTreeMap<Vec<u8>, Vec<(&Line, Range<usize>)>> =
                Default::default();
            for (number, (line, bytes)) in headers.into_iter().enumerate() {
                let name = if number == 0 {
                    Vec::new()
                } else {
                    name_of(&wire[bytes.clone()])
                };
                groups.entry(name).or_default().push((line, bytes));
            }
            for (name, lines) in &groups {
                let judge = |lines: &[(&Line, Range<usize>)]| {
                    let lines: Vec<_> = lines
                        .iter()
                        .map(|(_, bytes)| &wire[bytes.clone()])
                        .collect();
                    let head = legal_but(*sender, name, &lines);
                    let limits = Limits::new().max_headers(usize::MAX);
                    (endpoint(*sender, limits, &head), head)
                };
                let is_here =
                    |rule: &&Rule| lines.iter().any(|(line, _)| line.broken.contains(rule));
                let first = explanation
                    .broken
                    .iter()
                    .copied()
                    .find(|rule| is_here(&rule));
                let (said, head) = judge(lines);
                assert_eq!(
                    said,
                    Some(first.map_or(Ok(()), Err)),
                    "{}",
                    head.escape_ascii()
                );
                wrong += usize::from(first.is_some());

                let met = lines
                    .iter()
                    .filter(|(line, _)| matches!(line.judgement, Judgement::Met(_)));
                let met: Vec<_> = met.cloned().collect();
                let (said, head) = judge(&met);
                assert!(
                    met.is_empty() || said == Some(Ok(())),
                    "{}",
                    head.escape_ascii()
                );
                right += met.len();
            }
        }
        assert!(
            right > 5_000 && wrong > 1_000,
            "{right} right, {wrong} wrong"
        );
    }
}
