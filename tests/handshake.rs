//! The opening handshake, as a server judges the request and a client the answer.

use crate::support::bytes::decode_head;
use plainws::protocol::handshake::{self, InvalidHeader, Opening, Upgrade, accept_value};
use plainws::protocol::head::{self, Head};
use plainws::protocol::request::Request;
use plainws::protocol::response::Response;
use plainws::protocol::rule::Answer;
use plainws::{Role, Rule};

/// The examples of §1.3.
const REQUEST: [&str; 6] = [
    "GET /chat HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];
const RESPONSE: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];

/// The lines but those that begin with `without`, and those of `with`. A start line goes to the front.
fn edit(lines: &[&str], without: &str, with: &[&str]) -> String {
    let kept = lines
        .iter()
        .filter(|line| without.is_empty() || !line.starts_with(without));
    let mut lines: Vec<_> = kept.chain(with).copied().collect();
    lines.sort_by_key(|line| !line.starts_with("HTTP/") && !line.contains(" HTTP/"));
    lines.join("\r\n") + "\r\n\r\n"
}

fn decode(sender: Role, text: &[u8]) -> Result<Head, Rule> {
    let decoded = decode_head(sender, head::Limits::default(), text)?;
    Ok(decoded.expect("the head is complete").0)
}

/// What a server makes of the example request, edited.
fn serve(without: &str, with: &[&str]) -> Result<Upgrade, Rule> {
    serve_bytes(edit(&REQUEST, without, with).as_bytes())
}

fn serve_bytes(text: &[u8]) -> Result<Upgrade, Rule> {
    Upgrade::new(&Request::new(decode(Role::Client, text)?)?)
}

/// What the client of §1.3, which offered chat and superchat, makes of the example response, edited.
fn accept(without: &str, with: &[&str]) -> Result<Option<String>, Rule> {
    let mut opening = Opening::new("server.example.com", "/chat", *b"the sample nonce")
        .expect("a host and a path");
    for name in ["chat", "superchat"] {
        assert_eq!(opening.offer_subprotocol(name), Ok(()));
    }
    let head = decode(Role::Server, edit(&RESPONSE, without, with).as_bytes())?;
    opening.check(&Response::new(head)?)
}

mod s1_3_example {
    use super::*;

    #[test]
    fn the_key_gives_the_accept_value() {
        assert_eq!(
            accept_value("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn the_request_is_answered_by_the_response() {
        let upgrade = serve("", &[]).unwrap();
        assert_eq!(upgrade.response(None), edit(&RESPONSE, "", &[]));
        assert_eq!(accept("", &[]), Ok(None));
    }

    #[test]
    fn the_client_sends_the_request() {
        let opening = Opening::new("server.example.com", "/chat", *b"the sample nonce")
            .expect("a host and a path");
        assert_eq!(opening.request(), edit(&REQUEST, "", &[]));
    }
}

mod s4_2_1_a_request {
    use super::*;

    #[track_caller]
    fn passes(without: &str, with: &[&str]) {
        assert_eq!(serve(without, with).map(drop), Ok(()), "{with:?}");
    }

    #[track_caller]
    fn breaks(rule: Rule, without: &str, with: &[&str]) {
        assert_eq!(serve(without, with), Err(rule), "{with:?}");
    }

    #[test]
    fn is_a_get_request_of_http_1_1_or_higher() {
        passes("GET", &["GET /chat HTTP/1.2"]);
        passes("GET", &["GET /chat HTTP/1.9"]);
        passes("GET", &["GET ws://server.example.com/chat HTTP/1.1"]);
        breaks(Rule::HttpVersionTooLow, "GET", &["GET /chat HTTP/1.0"]);
        breaks(Rule::HttpVersionTooLow, "GET", &["GET /chat HTTP/0.9"]);
        for method in ["POST", "HEAD", "OPTIONS", "get", "Get", "GETT", "BREW"] {
            breaks(
                Rule::MethodNotGet,
                "GET",
                &[&format!("{method} /chat HTTP/1.1")],
            );
        }
    }

    #[test]
    fn names_its_host_once() {
        breaks(Rule::HostInvalid, "Host", &[]);
        breaks(Rule::HostInvalid, "", &["Host: server.example.com"]);
        breaks(Rule::HostInvalid, "Host", &["Host: a b"]);
    }

    #[test]
    fn names_websocket_in_upgrade_in_any_case_and_place() {
        for line in [
            "Upgrade: WebSocket",
            "upgrade:WEBSOCKET",
            "UPGRADE: h2c, websocket",
            "Upgrade: ,websocket ,",
        ] {
            passes("Upgrade", &[line]);
        }
        passes("Upgrade", &["Upgrade: h2c", "Upgrade: websocket"]);
        breaks(Rule::UpgradeMissing, "Upgrade", &[]);
        for value in [
            "",
            "h2c",
            "websockets",
            "web socket",
            "websocket/13",
            "websocket;q=1",
            "\"websocket\"",
        ] {
            breaks(
                Rule::UpgradeMissing,
                "Upgrade",
                &[&format!("Upgrade: {value}")],
            );
        }
    }

    #[test]
    fn names_upgrade_in_connection_in_any_case_and_place() {
        for value in [
            "upgrade",
            "UPGRADE",
            "keep-alive, Upgrade",
            "Upgrade, close",
            ",,uPGRADE\t,",
            "a,\tupgrade,b",
        ] {
            passes("Connection", &[&format!("Connection: {value}")]);
        }
        passes(
            "Connection",
            &["Connection: keep-alive", "connection: upgrade"],
        );
        breaks(Rule::ConnectionUpgradeMissing, "Connection", &[]);
        for value in [
            "",
            "keep-alive",
            "close",
            "Upgraded",
            "Upgrade keep-alive",
            "up grade",
            "Upgrade;a",
        ] {
            breaks(
                Rule::ConnectionUpgradeMissing,
                "Connection",
                &[&format!("Connection: {value}")],
            );
        }
    }

    #[test]
    fn has_a_key_of_16_bytes_in_base64() {
        #[rustfmt::skip]
        let right = [
            "AQIDBAUGBwgJCgsMDQ4PEA==",
            "AQIDBAUGBwgJCgsMDQ4PEC==", // the sample of §1.3 in erratum 3150: pad bits that mean nothing
            "AQIDBAUGBwgJCgsMDQ4PEP==",
            "++++++++++++++++++++++==",
            "//////////////////////==",
        ];
        for key in right {
            let upgrade = serve(
                "Sec-WebSocket-Key",
                &[&format!("Sec-WebSocket-Key: \t{key} ")],
            )
            .unwrap();
            // §4.2.2: the value as sent, not its bytes, goes into the answer.
            assert!(upgrade.response(None).contains(&accept_value(key)), "{key}");
        }
        #[rustfmt::skip]
        let wrong = [
            "",
            "=",
            "==",
            "dGhlIHNhbXBsZSBub25jZQ",     // no padding
            "dGhlIHNhbXBsZSBub25jZQ=",    // half of it
            "dGhlIHNhbXBsZSBub25jZQ===",  // too much
            "dGhlIHNhbXBsZSBub25jZQ== =",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25j",       // 15 bytes
            "dGhlIHNhbXBsZSBub25jZXM=",   // 17 bytes
            "dGhlIHNhbXBsZSBub25jZXMh",   // 18 bytes
            "dGhlIHNhbXBs ZSBub25jZQ==",
            "dGhlIHNhbXBsZSBub25j-_==",   // the URL's alphabet
            "dGhlIHNhbXBsZSBub25jZ!==",
            "the sample nonce",
            "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ==",
            "\u{E9}GhlIHNhbXBsZSBub25jZ==",
        ];
        for key in wrong {
            breaks(
                Rule::KeyInvalid,
                "Sec-WebSocket-Key",
                &[&format!("Sec-WebSocket-Key: {key}")],
            );
        }
        breaks(Rule::KeyInvalid, "Sec-WebSocket-Key", &[]);
    }

    #[test]
    fn has_version_13_written_so() {
        passes("Sec-WebSocket-Version", &["sec-websocket-version:13"]);
        breaks(Rule::VersionNot13, "Sec-WebSocket-Version", &[]);
        for version in [
            "", "8", "0", "12", "14", "013", "13.0", "13, 13", "13,", "13 8", "+13", "0x0d", "255",
            "256", "\u{661}3",
        ] {
            breaks(
                Rule::VersionNot13,
                "Sec-WebSocket-Version",
                &[&format!("Sec-WebSocket-Version: {version}")],
            );
        }
        // §4.4: whatever else such a client sends.
        let others = [
            "Sec-WebSocket-Version: 8",
            "Sec-WebSocket-Extensions: ;",
            "Sec-WebSocket-Protocol: (",
        ];
        breaks(Rule::VersionNot13, "Sec-WebSocket-", &others);
        assert_eq!(Rule::VersionNot13.answer(), Answer::Status(426));
    }

    #[test]
    fn may_have_headers_in_any_order_and_unknown_ones() {
        let mut lines = REQUEST;
        lines[1..].reverse();
        assert!(serve_bytes(edit(&lines, "", &[]).as_bytes()).is_ok());
        passes(
            "",
            &[
                "Cookie: a=b",
                "Cookie: c=d",
                "X-Unknown: \u{E9}",
                "Sec-WebSocket-Unknown: ?",
                "Pragma: no-cache",
            ],
        );
    }

    #[test]
    fn may_have_its_names_in_any_case() {
        let (line, headers) = REQUEST.split_first().unwrap();
        for case in [str::to_lowercase, str::to_uppercase] {
            let headers = headers.iter().map(|header| {
                let (name, value) = header.split_once(':').unwrap();
                case(name) + ":" + value
            });
            let text = [(*line).to_owned()]
                .into_iter()
                .chain(headers)
                .collect::<Vec<_>>()
                .join("\r\n");
            assert!(serve_bytes((text + "\r\n\r\n").as_bytes()).is_ok());
        }
    }

    #[test]
    fn may_follow_empty_lines_and_be_followed_by_frames() {
        let text = format!("\r\n\r\n{}\u{1}frames", edit(&REQUEST, "", &[]));
        assert!(serve_bytes(text.as_bytes()).is_ok());
    }

    #[test]
    fn has_no_body() {
        passes("", &["Content-Length: 0"]);
        for line in [
            "Content-Length: 5",
            "Content-Length: +0",
            "Content-Length: -0",
            "Content-Length: 0, 0",
            "Content-Length:",
            "content-length: a",
            "Content-Length: 18446744073709551616",
            "Transfer-Encoding: chunked",
            "transfer-encoding: identity",
            "Transfer-Encoding:",
        ] {
            breaks(Rule::BodyAnnounced, "", &[line]);
        }
        breaks(
            Rule::BodyAnnounced,
            "",
            &["Content-Length: 0", "Transfer-Encoding: chunked"],
        );
    }
}

mod s11_3_a_header_that_may_stand_once {
    use super::*;

    #[test]
    fn is_not_repeated_in_a_request() {
        for line in [
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEA==",
            "Sec-WebSocket-Version: 13",
            "sec-websocket-version: 8",
        ] {
            assert_eq!(serve("", &[line]), Err(Rule::HeaderRepeated), "{line}");
        }
        for line in ["Origin: http://a", "Content-Length: 0"] {
            assert_eq!(serve("", &[line]).map(drop), Ok(()));
            assert_eq!(
                serve("", &[line, line]),
                Err(Rule::HeaderRepeated),
                "{line}"
            );
        }
    }

    #[test]
    fn is_not_repeated_in_a_response() {
        for line in [
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "sec-websocket-accept: x",
        ] {
            assert_eq!(accept("", &[line]), Err(Rule::HeaderRepeated), "{line}");
        }
        let chosen = "Sec-WebSocket-Protocol: chat";
        assert_eq!(accept("", &[chosen, chosen]), Err(Rule::HeaderRepeated));
    }
}

mod s10_2_origin {
    use super::*;

    #[test]
    fn may_be_any_text_of_ascii_and_is_the_applications_to_judge() {
        for origin in ["", "null", "http://example.com", "https://example.com:8443"] {
            assert!(serve("", &[&format!("Origin: {origin}")]).is_ok());
        }
    }

    #[test]
    fn must_be_ascii() {
        assert_eq!(
            serve("", &["Origin: http://\u{E9}"]),
            Err(Rule::HeaderMalformed)
        );
        let text = edit(&REQUEST, "", &["Origin: http://?"]).replace('?', "\0");
        let text: Vec<u8> = text
            .bytes()
            .map(|byte| if byte == 0 { 0xFF } else { byte })
            .collect();
        assert_eq!(serve_bytes(&text), Err(Rule::HeaderMalformed));
    }
}

mod s4_1_subprotocols {
    use super::*;

    #[test]
    fn are_an_ordered_list_over_any_number_of_lines() {
        let rows: &[(&[&str], &[&str])] = &[
            (&[], &[]),
            (&["chat"], &["chat"]),
            (&["superchat, chat"], &["superchat", "chat"]),
            (&["b,a", "c ,\td"], &["b", "a", "c", "d"]),
            (&[",b,, a,", ""], &["b", "a"]),
            // As some clients send it that offer none.
            (&[""], &[]),
            (&[" , ,"], &[]),
            (&["", ","], &[]),
            (&["chat, Chat"], &["chat", "Chat"]),
            (
                &["v2.bookings.example.net, !#$%&'*+-.^_`|~"],
                &["v2.bookings.example.net", "!#$%&'*+-.^_`|~"],
            ),
        ];
        for (values, offered) in rows {
            let lines: Vec<_> = values
                .iter()
                .map(|value| format!("Sec-WebSocket-Protocol: {value}"))
                .collect();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            assert_eq!(serve("", &lines).unwrap().subprotocols(), *offered);
        }
    }

    #[test]
    fn are_different_tokens() {
        for value in [
            "a b", "a/b", "a;b", "\"a\"", "a, a", "a,b,a", "\u{E9}", "a=b", "{a}", "(a)", "a:b",
        ] {
            let line = format!("Sec-WebSocket-Protocol: {value}");
            assert_eq!(
                serve("", &[&line]),
                Err(Rule::SubprotocolsMalformed),
                "{value}"
            );
        }
        let twice = ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b, a"];
        assert_eq!(serve("", &twice), Err(Rule::SubprotocolsMalformed));
    }

    /// To compare each with each would take 10^10 steps here: this test would not end.
    #[test]
    fn of_any_number_are_found_to_be_different_without_comparing_each_with_each() {
        let limits = head::Limits::new().max_bytes(usize::MAX);
        let mut names: Vec<_> = (0..100_000).map(|number| number.to_string()).collect();
        for (last, verdict) in [("x", Ok(())), ("0", Err(Rule::SubprotocolsMalformed))] {
            names.push(last.into());
            let line = format!("Sec-WebSocket-Protocol: {}", names.join(","));
            let text = edit(&REQUEST, "", &[&line]);
            let (head, _) = decode_head(Role::Client, limits, text.as_bytes())
                .unwrap()
                .unwrap();
            let upgrade = Upgrade::new(&Request::new(head).unwrap());
            assert_eq!(upgrade.map(drop), verdict);
        }
    }

    #[test]
    fn of_separators_and_blanks_only_take_one_pass() {
        // Patterns that tried each way to split this would not end.
        let value = format!("b{}x", " ".repeat(15_000));
        let line = format!("Sec-WebSocket-Protocol: {value}");
        assert_eq!(serve("", &[&line]), Err(Rule::SubprotocolsMalformed));
    }

    #[test]
    fn one_that_was_offered_may_be_chosen_or_none() {
        let upgrade = serve("", &["Sec-WebSocket-Protocol: chat, superchat"]).unwrap();
        let chosen = |name| upgrade.response(name);
        let line = "Sec-WebSocket-Protocol: superchat";
        assert_eq!(chosen(Some("superchat")), edit(&RESPONSE, "", &[line]));
        assert_eq!(chosen(None), edit(&RESPONSE, "", &[]));
    }

    #[test]
    fn one_that_was_not_offered_is_never_named_in_the_answer() {
        let upgrade = serve("", &["Sec-WebSocket-Protocol: chat, superchat"]).unwrap();
        for name in [
            "",
            "Chat",
            "other",
            "chat, superchat",
            "chat\r\nSet-Cookie: a=b",
            "\r\n\r\n\u{1}",
        ] {
            assert_eq!(
                upgrade.response(Some(name)),
                edit(&RESPONSE, "", &[]),
                "{name:?}"
            );
        }
    }
}

mod s9_1_extensions {
    use super::*;

    #[test]
    fn of_any_kind_may_be_offered_and_are_declined_by_silence() {
        for value in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
            "foo;a=b;c=\"d\" , bar ; e",
            "foo;\ta\t=\tb",
            "foo; a=\"b\\c\"",
            "foo; a=\"\\b\"",
            ",foo,, bar,",
            "foo, foo",
            "constructor, __proto__",
            "x-webkit-deflate-frame",
        ] {
            let upgrade = serve("", &[&format!("Sec-WebSocket-Extensions: {value}")]);
            assert_eq!(
                upgrade.unwrap().response(None),
                edit(&RESPONSE, "", &[]),
                "{value}"
            );
        }
    }

    #[test]
    fn may_be_spread_over_lines() {
        let lines = [
            "Sec-WebSocket-Extensions: foo; a",
            "sec-websocket-extensions: bar",
            "Sec-WebSocket-Extensions:",
        ];
        assert!(serve("", &lines).is_ok());
    }

    #[test]
    fn malformed_fail_the_handshake() {
        for value in [
            "",
            ",",
            " ,\t,",
            ";",
            "; a",
            "a;",
            "a; ;b",
            "a;;b",
            "a=b",
            "a b",
            "a; b c",
            "a; b=",
            "a; =b",
            "a; b=c d",
            "a; b=c=d",
            "a; b=\"c",
            "a; b=\"c\\",
            "a; b=\"c\\\"",
            "a; b=\"\"",
            "a; b=\"c d\"",
            "a; b=\"c,d\"",
            "a; b=\"c\"d",
            "a; b=\"c\" d",
            "a; b=\"\u{E9}\"",
            "\"a\"",
            "a/b",
            "(a)",
            "a, \u{E9}",
            "a; b=\u{E9}",
            "foo, ;",
            "a; b, =",
        ] {
            let line = format!("Sec-WebSocket-Extensions: {value}");
            assert_eq!(
                serve("", &[&line]),
                Err(Rule::ExtensionsMalformed),
                "{value}"
            );
            assert_eq!(
                accept("", &[&line]),
                Err(Rule::ExtensionsMalformed),
                "{value}"
            );
        }
        let lines = [
            "Sec-WebSocket-Extensions: foo; a=\"b",
            "Sec-WebSocket-Extensions: c\"",
        ];
        assert_eq!(serve("", &lines), Err(Rule::ExtensionsMalformed));
    }

    #[test]
    fn with_an_unclosed_quote_take_one_pass() {
        // Patterns that tried each way to split this would not end.
        let line = format!("Sec-WebSocket-Extensions: a; b=\"{}", "\\c".repeat(7_000));
        assert_eq!(serve("", &[&line]), Err(Rule::ExtensionsMalformed));
    }
}

mod s4_2_a_request_for_this_protocol {
    use super::*;

    fn is_asked_for(without: &str, with: &[&str]) -> bool {
        let head = decode(Role::Client, edit(&REQUEST, without, with).as_bytes());
        handshake::is_asked_for(&head.and_then(Request::new).expect("a legal request"))
    }

    #[test]
    fn is_known_by_any_of_its_headers() {
        assert!(is_asked_for("", &[]));
        assert!(is_asked_for("Sec-", &[]));
        assert!(is_asked_for("Upgrade", &[]));
        assert!(is_asked_for("Sec-", &["SEC-WEBSOCKET-KEY:"]));
        assert!(is_asked_for("Connection", &["connection: close"]));
    }

    #[test]
    fn is_not_one_for_a_page_or_another_protocol() {
        let page = |with: &[&str]| {
            let text = edit(&["GET / HTTP/1.1", "Host: a"], "", with);
            let head = decode(Role::Client, text.as_bytes()).unwrap();
            !handshake::is_asked_for(&Request::new(head).unwrap())
        };
        assert!(page(&[]));
        assert!(page(&["Connection: Upgrade", "Upgrade: h2c"]));
        assert!(page(&["X-Note: websocket", "Sec-Fetch-Mode: navigate"]));
    }
}

mod s4_1_the_answer {
    use super::*;

    #[track_caller]
    fn breaks(rule: Rule, without: &str, with: &[&str]) {
        assert_eq!(accept(without, with), Err(rule), "{with:?}");
    }

    #[test]
    fn has_status_101() {
        for line in [
            "HTTP/1.1 200 OK",
            "HTTP/1.1 100 Continue",
            "HTTP/1.1 102 ",
            "HTTP/1.1 301 Moved",
            "HTTP/1.1 401 No",
        ] {
            breaks(Rule::StatusNot101, "HTTP", &[line]);
        }
        assert_eq!(accept("HTTP", &["HTTP/1.1 101 "]), Ok(None));
        assert_eq!(accept("HTTP", &["HTTP/1.2 101 Whatever"]), Ok(None));
        breaks(
            Rule::HttpVersionTooLow,
            "HTTP",
            &["HTTP/1.0 101 Switching Protocols"],
        );
        breaks(
            Rule::HttpVersionTooLow,
            "HTTP",
            &["HTTP/0.9 101 Switching Protocols"],
        );
    }

    #[test]
    fn upgrades_to_websocket_and_nothing_else() {
        assert_eq!(accept("Upgrade", &["uPGRADE: WebSocket"]), Ok(None));
        breaks(Rule::UpgradeMissing, "Upgrade", &[]);
        for value in [
            "",
            "h2c",
            "websockets",
            "websocket/13",
            "h2c, websocket",
            "websocket, h2c",
        ] {
            breaks(
                Rule::UpgradeMissing,
                "Upgrade",
                &[&format!("Upgrade: {value}")],
            );
        }
        breaks(Rule::UpgradeMissing, "", &["Upgrade: h2c"]);
    }

    #[test]
    fn names_upgrade_in_connection() {
        for value in ["upgrade", "keep-alive, UPGRADE", ",upgrade"] {
            assert_eq!(
                accept("Connection", &[&format!("connection: {value}")]),
                Ok(None)
            );
        }
        breaks(Rule::ConnectionUpgradeMissing, "Connection", &[]);
        for value in ["", "close", "Upgraded", "Upgrade close"] {
            breaks(
                Rule::ConnectionUpgradeMissing,
                "Connection",
                &[&format!("Connection: {value}")],
            );
        }
    }

    #[test]
    fn proves_that_the_server_read_the_key() {
        let line = "sec-websocket-accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t";
        assert_eq!(accept("Sec-WebSocket-Accept", &[line]), Ok(None));
        breaks(Rule::AcceptWrong, "Sec-WebSocket-Accept", &[]);
        for value in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ==",
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
            "S3PPLMBITXAQ9KYGZZHZRBK+XOO=",
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo= x",
            "s3pPLMBi TxaQ9kYGzzhZRbK+xOo=",
            "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"",
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=",
        ] {
            breaks(
                Rule::AcceptWrong,
                "Sec-WebSocket-Accept",
                &[&format!("Sec-WebSocket-Accept: {value}")],
            );
        }
    }

    #[test]
    fn names_no_extension_for_none_was_offered() {
        for value in ["permessage-deflate", "a; b=c", "a, b", ",a"] {
            breaks(
                Rule::ExtensionNotOffered,
                "",
                &[&format!("Sec-WebSocket-Extensions: {value}")],
            );
        }
    }

    #[test]
    fn names_one_of_the_offered_subprotocols_or_none() {
        for name in ["chat", "superchat"] {
            let line = format!("sec-websocket-protocol: {name}");
            assert_eq!(accept("", &[&line]), Ok(Some(name.into())));
        }
        for value in [
            "",
            "Chat",
            "other",
            "chat, superchat",
            "chat,",
            "\"chat\"",
            "chat;a",
        ] {
            breaks(
                Rule::SubprotocolNotOffered,
                "",
                &[&format!("Sec-WebSocket-Protocol: {value}")],
            );
        }
        let opening = Opening::new("server.example.com", "/chat", *b"the sample nonce")
            .expect("a host and a path");
        let text = edit(&RESPONSE, "", &["Sec-WebSocket-Protocol: chat"]);
        let head = decode(Role::Server, text.as_bytes()).unwrap();
        let response = Response::new(head).unwrap();
        assert_eq!(opening.check(&response), Err(Rule::SubprotocolNotOffered));
    }

    #[test]
    fn announces_no_body() {
        breaks(Rule::BodyAnnounced, "", &["Content-Length: 5"]);
        breaks(Rule::BodyAnnounced, "", &["Transfer-Encoding: chunked"]);
    }

    #[test]
    fn may_have_unknown_headers() {
        assert_eq!(
            accept(
                "",
                &[
                    "Server: x",
                    "Date: today",
                    "Set-Cookie: a=b",
                    "Set-Cookie: c=d"
                ]
            ),
            Ok(None)
        );
    }
}

mod s4_1_the_clients_request {
    use super::*;

    fn opening() -> Opening {
        Opening::new("example.com:8000", "/chat?room=1", *b"the sample nonce")
            .expect("a host and a path")
    }

    fn is_invalid<T: std::fmt::Debug>(result: &Result<T, InvalidHeader>) -> bool {
        matches!(result, Err(InvalidHeader { .. }))
    }

    #[test]
    fn has_a_key_made_from_the_nonce() {
        let keys = [[0; 16], [0xFF; 16], *b"0123456789abcdef"].map(|nonce| {
            let request = Opening::new("a", "/", nonce).unwrap().request();
            let line = request
                .lines()
                .find(|line| line.starts_with("Sec-WebSocket-Key: "))
                .unwrap();
            line.rsplit_once(' ').unwrap().1.to_owned()
        });
        assert_eq!(
            keys,
            [
                "AAAAAAAAAAAAAAAAAAAAAA==",
                "/////////////////////w==",
                "MDEyMzQ1Njc4OWFiY2RlZg=="
            ]
        );
    }

    #[test]
    fn offers_different_tokens_in_order() {
        let mut opening = opening();
        assert_eq!(opening.offer_subprotocol("b"), Ok(()));
        assert_eq!(opening.offer_subprotocol("a.v2"), Ok(()));
        for name in ["b", "", "a b", "a,b", "a\r\nEvil: 1", "\u{E9}", "a\0"] {
            assert!(is_invalid(&opening.offer_subprotocol(name)), "{name:?}");
        }
        let request = opening.request();
        assert!(request.ends_with("\r\nSec-WebSocket-Protocol: b, a.v2\r\n\r\n"));
    }

    #[test]
    fn takes_headers_that_are_its_callers() {
        let mut opening = opening();
        let foreign = opening.add_header("Origin", "https://caf\u{E9}.example");
        assert!(is_invalid(&foreign)); // §4.1: in ASCII
        assert_eq!(opening.add_header("Origin", "http://example.com"), Ok(()));
        assert_eq!(opening.add_header("Cookie", "a=b;\tc=\u{E9}"), Ok(()));
        assert_eq!(opening.add_header("X-Empty", ""), Ok(()));
        let expected =
            "\r\nOrigin: http://example.com\r\nCookie: a=b;\tc=\u{E9}\r\nX-Empty: \r\n\r\n";
        assert!(opening.request().ends_with(expected));
    }

    #[test]
    fn takes_no_header_that_would_become_something_else() {
        let before = opening();
        let mut opening = opening();
        for (name, value) in [
            ("A", "b\r\nEvil: 1"),
            ("A", "b\n"),
            ("A", "\rb"),
            ("A", "b\0"),
            ("A", "\x1B[2J"),
            ("A", "\x7F"),
            ("", "b"),
            ("A b", "c"),
            ("A:", "b"),
            ("A\r\nEvil", "b"),
            ("\u{E9}", "b"),
        ] {
            assert!(
                is_invalid(&opening.add_header(name, value)),
                "{name:?}: {value:?}"
            );
        }
        assert_eq!(opening, before);
    }

    #[test]
    fn takes_no_header_of_the_handshake_itself() {
        for name in [
            "Host",
            "upgrade",
            "CONNECTION",
            "Sec-WebSocket-Key",
            "sec-websocket-version",
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions",
            "Content-Length",
            "transfer-encoding",
        ] {
            assert!(is_invalid(&opening().add_header(name, "0")), "{name}");
        }
    }

    #[test]
    fn is_what_the_server_accepts() {
        let mut opening = opening();
        assert_eq!(opening.offer_subprotocol("chat"), Ok(()));
        assert_eq!(opening.add_header("Origin", "null"), Ok(()));
        let request =
            Request::new(decode(Role::Client, opening.request().as_bytes()).unwrap()).unwrap();
        assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
        assert_eq!(
            (request.host(), request.origin()),
            (Some("example.com:8000"), Some("null"))
        );
        let upgrade = Upgrade::new(&request).unwrap();
        let response = upgrade.response(upgrade.subprotocols().first().map(String::as_str));
        let response = Response::new(decode(Role::Server, response.as_bytes()).unwrap());
        assert_eq!(opening.check(&response.unwrap()), Ok(Some("chat".into())));
    }
}
