//! The head of an HTTP message, line by line and byte by byte.

use crate::support::bytes::{BOTH, decode_head};
use plainws::protocol::head::{Decoder, Head, Limits, StartLine, is_token};
use plainws::{Role, Rule};

/// A complete head with nothing after it.
fn head(sender: Role, text: impl AsRef<[u8]>) -> Result<Head, Rule> {
    let text = text.as_ref();
    let decoded = decode_head(sender, Limits::default(), text)?;
    let (head, length) = decoded.unwrap_or_else(|| panic!("incomplete: {}", text.escape_ascii()));
    assert_eq!(length, text.len());
    Ok(head)
}

fn request(text: impl AsRef<[u8]>) -> Result<Head, Rule> {
    head(Role::Client, text)
}

/// Breaks the rule with its last byte, and whatever follows.
fn breaks(sender: Role, text: impl AsRef<[u8]>, rule: Rule) {
    let text = text.as_ref();
    let shown = text.escape_ascii();
    let before = &text[..text.len() - 1];
    assert_eq!(
        decode_head(sender, Limits::default(), before),
        Ok(None),
        "{shown}"
    );
    for after in [&b""[..], b"\r\n\r\n", b"\0"] {
        let stream = [text, after].concat();
        assert_eq!(
            decode_head(sender, Limits::default(), &stream),
            Err(rule),
            "{shown}"
        );
    }
}

mod rfc_9112_s2_2_octets_and_line_ends {
    use super::*;

    #[test]
    fn bytes_beyond_7f_in_values_survive() {
        let head = request(b"GET / HTTP/1.1\r\nname: \x80\xC3\xA9\xFF\r\n\r\n").unwrap();
        assert_eq!(head.values("name").next(), Some(&b"\x80\xC3\xA9\xFF"[..]));
        let head = head.as_bytes();
        assert_eq!(head, b"GET / HTTP/1.1\r\nname: \x80\xC3\xA9\xFF\r\n\r\n");
    }

    #[test]
    fn empty_lines_before_the_start_line_are_ignored() {
        for role in BOTH {
            let line = if role == Role::Client {
                "GET / HTTP/1.1"
            } else {
                "HTTP/1.1 101 "
            };
            let head = head(role, format!("\r\n\r\n\r\n{line}\r\na: b\r\n\r\n")).unwrap();
            assert_eq!(head.start_line(), line.as_bytes());
            assert_eq!(head.values("a").next(), Some(&b"b"[..]));
        }
    }

    #[test]
    fn a_lone_lf_ends_no_line() {
        breaks(Role::Client, "\n", Rule::HeadLineEnding);
        breaks(Role::Client, "GET / HTTP/1.1\n", Rule::HeadLineEnding);
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\nHost: a\n",
            Rule::HeadLineEnding,
        );
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            Rule::HeadLineEnding,
        );
        breaks(Role::Server, "HTTP/1.1 101 OK\n", Rule::HeadLineEnding);
    }

    #[test]
    fn a_lone_cr_ends_no_line_and_is_no_blank() {
        breaks(Role::Client, "\rG", Rule::HeadLineEnding);
        breaks(Role::Client, "GET /\rH", Rule::HeadLineEnding);
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\nHost: a\rX",
            Rule::HeadLineEnding,
        );
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\nHost: a\r\r",
            Rule::HeadLineEnding,
        );
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\nHost: a\r\n\rX",
            Rule::HeadLineEnding,
        );
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\nHost: a\r\0",
            Rule::HeadLineEnding,
        );
        breaks(Role::Server, "HTTP/1.1 101 OK\r ", Rule::HeadLineEnding);
    }

    #[test]
    fn what_is_not_http_fails_at_its_first_odd_byte() {
        breaks(Role::Client, b"\x16", Rule::HeadControlByte); // a TLS hello
        breaks(Role::Client, b"\x00", Rule::HeadControlByte);
        breaks(Role::Client, b"\x81\x05", Rule::HeadControlByte); // a frame
        breaks(
            Role::Client,
            "SSH-2.0-OpenSSH_9.6\r\n",
            Rule::RequestLineMalformed,
        );
        breaks(Role::Client, "SSH-2.0-x\n", Rule::HeadLineEnding);
    }

    #[test]
    fn of_a_major_version_above_1_is_not_read_on() {
        for version in ["HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/2.1"] {
            let rule = Rule::HttpVersionTooHigh;
            breaks(Role::Client, format!("GET / {version}\r\n"), rule);
            breaks(Role::Server, format!("{version} 200 OK\r\n"), rule);
        }
        // The preface of HTTP/2 (RFC 9113 §3.4).
        breaks(Role::Client, "PRI * HTTP/2.0\r\n", Rule::HttpVersionTooHigh);
        for version in ["HTTP/0.9", "HTTP/1.0", "HTTP/1.9"] {
            assert!(request(format!("GET / {version}\r\n\r\n")).is_ok());
        }
    }

    #[test]
    fn is_malformed_before_its_version_is_too_high() {
        let malformed = [
            "GET  / HTTP/2.0",
            "GET / HTTP/2",
            "GET / HTTP/20.0",
            "GET /#a HTTP/2.0",
        ];
        for line in malformed {
            breaks(
                Role::Client,
                format!("{line}\r\n"),
                Rule::RequestLineMalformed,
            );
        }
    }
}

mod rfc_9112_s3_request_line {
    use super::*;

    #[test]
    fn is_method_target_and_version_one_space_apart() {
        for line in [
            "GET / HTTP/1.1",
            "GET /chat?a=b&c=%20 HTTP/1.1",
            "OPTIONS * HTTP/1.0",
            "get http://example.com/ HTTP/1.1",
            "M-SEARCH!#$%&'*+-.^_`|~ / HTTP/1.9",
            "GET chat HTTP/1.1",
            "CONNECT a:80 HTTP/1.1",
        ] {
            let head = request(format!("{line}\r\n\r\n")).unwrap();
            assert_eq!(head.start_line(), line.as_bytes());
            let StartLine::Request(parts) = head.start() else {
                panic!("{:?}", head.start());
            };
            let joined = format!("{} {} {}", parts.method, parts.target, parts.version);
            assert_eq!(joined, line);
        }
    }

    #[test]
    fn of_another_form_is_malformed() {
        for line in [
            "GET",
            "GET /",
            "GET / ",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "\tGET / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "GET /\tHTTP/1.1",
            "GET / x HTTP/1.1",
            "GET  HTTP/1.1",
            "G(T / HTTP/1.1",
            "G:T / HTTP/1.1",
            "Host: a",
            "/ HTTP/1.1",
            "HTTP/1.1 200 OK",
            "GET /\u{E9} HTTP/1.1",
            "GET /a\tb HTTP/1.1",
        ] {
            breaks(
                Role::Client,
                format!("{line}\r\n"),
                Rule::RequestLineMalformed,
            );
        }
    }

    #[test]
    fn has_no_fragment_in_its_target() {
        breaks(
            Role::Client,
            "GET /chat#top HTTP/1.1\r\n",
            Rule::RequestLineMalformed,
        );
        assert!(request("GET /chat%23top HTTP/1.1\r\n\r\n").is_ok());
    }

    #[test]
    fn has_a_version_of_one_form() {
        for version in [
            "http/1.1",
            "Http/1.1",
            "HTTP/1",
            "HTTP/11",
            "HTTP/1.",
            "HTTP/.1",
            "HTTP/1.10",
            "HTTP/01.1",
            "HTTP/1,1",
            "HTTP 1.1",
            "HTTP/a.b",
            "HTTPS/1.1",
            "HTTP/+1.1",
            "HTTP/-1.1",
            "WS/1.1",
            "HTTP",
        ] {
            breaks(
                Role::Client,
                format!("GET / {version}\r\n"),
                Rule::RequestLineMalformed,
            );
        }
    }

    #[test]
    fn of_8000_octets_is_supported() {
        let line = format!(
            "GET /{} HTTP/1.1",
            "a".repeat(8000 - "GET / HTTP/1.1".len())
        );
        let head = request(format!("{line}\r\nHost: a\r\n\r\n")).unwrap();
        assert_eq!(head.start_line().len(), 8000);
    }
}

mod rfc_9112_s4_status_line {
    use super::*;

    #[test]
    fn is_version_code_and_reason_one_space_apart() {
        for line in [
            "HTTP/1.1 101 Switching Protocols",
            "HTTP/1.1 101 ",
            "HTTP/1.0 404  two  spaces ",
            "HTTP/1.1 999 \u{E9}\t!",
        ] {
            let head = head(Role::Server, format!("{line}\r\n\r\n")).unwrap();
            assert_eq!(head.start_line(), line.as_bytes());
            let StartLine::Status(parts) = head.start() else {
                panic!("{:?}", head.start());
            };
            let reason = std::str::from_utf8(&parts.reason).unwrap();
            let joined = format!("{} {:03} {reason}", parts.version, parts.status);
            assert_eq!(joined, line);
        }
    }

    #[test]
    fn of_another_form_is_malformed() {
        for line in [
            "HTTP/1.1",
            "HTTP/1.1 101",
            "HTTP/1.1  101 OK",
            "HTTP/1.1 10 OK",
            "HTTP/1.1 1010 OK",
            "HTTP/1.1 1O1 OK",
            "HTTP/1.1 +01 OK",
            "HTTP/1.1\t101\tOK",
            "http/1.1 101 OK",
            "HTTP/1 101 OK",
            " HTTP/1.1 101 OK",
            "ICY 200 OK",
            "GET / HTTP/1.1",
            "101 OK",
        ] {
            breaks(
                Role::Server,
                format!("{line}\r\n"),
                Rule::StatusLineMalformed,
            );
        }
    }
}

mod rfc_9112_s5_header_fields {
    use super::*;

    fn in_request(line: &str) -> String {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n")
    }

    #[test]
    fn have_the_blanks_around_their_values_removed() {
        let rows = [
            ("a:b", "b"),
            ("a: b", "b"),
            ("a: \t b \t ", "b"),
            ("a:b c\td ", "b c\td"),
            ("a:", ""),
            ("a:  \t ", ""),
            ("a: b: c", "b: c"),
            ("a:::", "::"),
        ];
        for (line, value) in rows {
            let head = request(in_request(line) + "\r\n").unwrap();
            assert_eq!(head.values("a").next(), Some(value.as_bytes()), "{line}");
        }
    }

    #[test]
    fn have_names_without_case_kept_as_sent() {
        let head = request("GET / HTTP/1.1\r\nhOST: a\r\nX-Y: 1\r\nHost: b\r\n\r\n").unwrap();
        assert_eq!(head.values("HOST").collect::<Vec<_>>(), [b"a", b"b"]);
        let names: Vec<_> = head.fields().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"hOST"[..], b"X-Y", b"Host"]);
    }

    #[test]
    fn have_names_that_are_tokens_directly_before_the_colon() {
        for line in [
            "Host : a",
            "Host\t: a",
            "Ho st: a",
            ": a",
            "Host",
            "a,b: c",
            "a\"b: c",
            "(a): c",
            "a/b: c",
            "a@b: c",
            "\u{E9}: a",
            "[a]: b",
            "a=b: c",
            "a?b: c",
            "{a}: c",
            "a\\b: c",
            "a;b: c",
            "<a>: c",
        ] {
            breaks(Role::Client, in_request(line), Rule::HeaderMalformed);
        }
    }

    #[test]
    fn are_not_folded_in_a_request() {
        for line in [" b: c", "\tb: c", "  ", "\t", "a: b\r\n c", "a: b\r\n\tc"] {
            breaks(Role::Client, in_request(line), Rule::HeaderFolded);
        }
        breaks(
            Role::Client,
            "GET / HTTP/1.1\r\n Host: a\r\n",
            Rule::HeaderFolded,
        );
    }

    #[test]
    fn have_spaces_in_a_response_where_they_were_folded() {
        let rows = [
            ("a:\r\n b", "b"),
            ("a: b\r\n c", "b   c"),
            ("a: b \t\r\n \tc\t", "b      c"),
            ("a: b\r\n\tc\r\n d", "b   c   d"),
            ("a: b\r\n \r\n c", "b      c"),
            ("a: b\r\n \t \r\n\t", "b"),
            ("a:\r\n \r\n\t", ""),
            ("a: b\r\n c: d", "b   c: d"),
        ];
        for (lines, value) in rows {
            let lines = format!("HTTP/1.1 200 \r\nbefore: 1\r\n{lines}\r\nafter: 2\r\n\r\n");
            let head = head(Role::Server, lines).unwrap();
            let fields: Vec<_> = head.fields().collect();
            let expected = [("before", "1"), ("a", value), ("after", "2")];
            let expected = expected.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            assert_eq!(fields, expected, "{}", head.as_bytes().escape_ascii());
        }
    }

    #[test]
    fn of_a_response_do_not_begin_with_a_fold() {
        breaks(
            Role::Server,
            "HTTP/1.1 101 \r\n Upgrade: websocket\r\n",
            Rule::HeaderMalformed,
        );
    }

    #[test]
    fn count_once_however_often_they_are_folded() {
        let head = format!("HTTP/1.1 200 \r\na: b{}\r\n\r\n", "\r\n c".repeat(9));
        let limits = Limits::default().max_headers(1);
        let decoded = decode_head(Role::Server, limits, head.as_bytes());
        assert!(decoded.is_ok_and(|head| head.is_some()));
        let limits = limits.max_bytes(head.len() - 1);
        assert_eq!(
            decode_head(Role::Server, limits, head.as_bytes()),
            Err(Rule::HeadTooLarge)
        );
    }

    #[test]
    fn hold_no_control_byte_but_tabs() {
        for byte in (0..=0x1F)
            .chain([0x7F])
            .filter(|byte| !b"\t\r\n".contains(byte))
        {
            for before in [
                "",
                "GET /",
                "GET / HTTP/1.1\r\n",
                "GET / HTTP/1.1\r\na",
                "GET / HTTP/1.1\r\na: b",
            ] {
                breaks(
                    Role::Client,
                    [before.as_bytes(), &[byte]].concat(),
                    Rule::HeadControlByte,
                );
            }
            breaks(
                Role::Server,
                [b"HTTP/1.1 101 ", &[byte][..]].concat(),
                Rule::HeadControlByte,
            );
        }
    }

    #[test]
    fn have_names_of_just_these_characters() {
        let punctuation = b"!#$%&'*+-.^_`|~";
        for byte in 0..=u8::MAX {
            let is_token_byte =
                byte.is_ascii_digit() || byte.is_ascii_alphabetic() || punctuation.contains(&byte);
            assert_eq!(is_token(&[byte]), is_token_byte, "{byte:02x}");
            assert_eq!(is_token(&[b'a', byte, b'z']), is_token_byte, "{byte:02x}");
        }
        assert!(!is_token(b""));
    }
}

mod rfc_9110_s5_4_limits {
    use super::*;

    const LINE: &str = "GET / HTTP/1.1\r\n";

    fn decode(
        sender: Role,
        max_bytes: usize,
        max_headers: usize,
        text: &str,
    ) -> Result<bool, Rule> {
        let limits = Limits::new().max_bytes(max_bytes).max_headers(max_headers);
        decode_head(sender, limits, text.as_bytes()).map(|head| head.is_some())
    }

    #[test]
    fn a_head_of_just_as_many_bytes_passes_and_of_one_more_fails() {
        let text = format!("{LINE}Host: a\r\n\r\n");
        assert_eq!(decode(Role::Client, text.len(), 9, &text), Ok(true));
        for max in LINE.len()..text.len() {
            assert_eq!(
                decode(Role::Client, max, 9, &text[..max]),
                Ok(false),
                "{max}"
            );
            assert_eq!(
                decode(Role::Client, max, 9, &text),
                Err(Rule::HeadTooLarge),
                "{max}"
            );
        }
        for max in 0..LINE.len() {
            assert_eq!(
                decode(Role::Client, max, 9, &text[..max]),
                Ok(false),
                "{max}"
            );
            assert_eq!(
                decode(Role::Client, max, 9, &text),
                Err(Rule::RequestLineTooLong),
                "{max}"
            );
        }
    }

    #[test]
    fn a_long_status_line_is_just_a_large_head() {
        assert_eq!(
            decode(Role::Server, 13, 9, "HTTP/1.1 101 OK"),
            Err(Rule::HeadTooLarge)
        );
    }

    #[test]
    fn bytes_after_the_head_do_not_count() {
        let text = format!("{LINE}\r\n");
        assert_eq!(
            decode(
                Role::Client,
                text.len(),
                9,
                &(text.clone() + &"x".repeat(99))
            ),
            Ok(true)
        );
    }

    #[test]
    fn empty_lines_before_the_head_count() {
        assert_eq!(decode(Role::Client, 20, 9, &"\r\n".repeat(10)), Ok(false));
        assert_eq!(
            decode(Role::Client, 20, 9, &"\r\n".repeat(11)),
            Err(Rule::RequestLineTooLong)
        );
    }

    #[test]
    fn just_as_many_headers_pass_and_one_more_fails_with_its_line() {
        for (headers, verdict) in [(0, Ok(true)), (4, Ok(true)), (5, Err(Rule::TooManyHeaders))] {
            let text = format!("{LINE}{}\r\n", "a: b\r\n".repeat(headers));
            assert_eq!(decode(Role::Client, 999, 4, &text), verdict, "{headers}");
        }
        let text = format!("{LINE}{}a: b\r", "a: b\r\n".repeat(4));
        assert_eq!(decode(Role::Client, 999, 4, &text), Ok(false));
    }

    #[test]
    fn each_line_of_a_repeated_header_counts_in_any_case_of_its_name() {
        let text = format!("{LINE}a: 1\r\nA: 2\r\na: 3\r\n\r\n");
        assert_eq!(decode(Role::Client, 999, 3, &text), Ok(true));
        assert_eq!(
            decode(Role::Client, 999, 2, &text),
            Err(Rule::TooManyHeaders)
        );
    }

    #[test]
    fn by_default_there_is_room_for_16_kib_and_100_headers() {
        let limits = Limits::default();
        assert_eq!((limits.max_bytes, limits.max_headers), (16_384, 100));
    }
}

mod any_cut_of_the_stream {
    use super::*;

    #[test]
    fn leaves_what_follows_the_head_untouched() {
        // `decode_head` compares all cuts in two and byte by byte with the whole.
        let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for after in [
            &b""[..],
            b"\x81\x80\0\0\0\0",
            b"\r\n",
            b"\0",
            b"GET / HTTP/1.1\r\n\r\n",
        ] {
            let stream = [text, after].concat();
            let (head, length) = decode_head(Role::Client, Limits::default(), &stream)
                .unwrap()
                .unwrap();
            assert_eq!((head.as_bytes(), length), (&text[..], text.len()));
        }
    }

    #[test]
    fn lets_one_decoder_read_one_head_after_another() {
        let stream = b"GET /1 HTTP/1.1\r\na: 1\r\n\r\n\r\nGET /2 HTTP/1.1\r\n\r\nrest";
        let mut decoder = Decoder::new(Role::Client, Limits::new().max_bytes(30).max_headers(1));
        let (first, rest) = decoder.receive(stream).unwrap().unwrap();
        assert!(decoder.is_empty());
        let (second, rest) = decoder.receive(rest).unwrap().unwrap();
        assert_eq!(
            (first.start_line(), first.fields().count()),
            (&b"GET /1 HTTP/1.1"[..], 1)
        );
        assert_eq!(
            (second.start_line(), second.fields().count()),
            (&b"GET /2 HTTP/1.1"[..], 0)
        );
        assert_eq!(rest, b"rest");
    }

    #[test]
    fn shows_the_start_line_as_far_as_it_has_arrived() {
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        let rows = [
            ("", true, ""),
            ("\r\n", true, ""),
            ("\r", false, ""),
            ("\n", true, ""),
            ("GET / HT", false, "GET / HT"),
            ("TP/1.1\r", false, "GET / HTTP/1.1"),
            ("\n", false, "GET / HTTP/1.1"),
            ("Host: a\r\n", false, "GET / HTTP/1.1"),
        ];
        for (text, is_empty, so_far) in rows {
            assert_eq!(decoder.receive(text.as_bytes()), Ok(None));
            assert_eq!(decoder.is_empty(), is_empty);
            assert_eq!(decoder.so_far(), so_far.as_bytes());
        }
    }

    /// To begin anew with each byte would take 10^12 steps here: this test would not end.
    #[test]
    fn never_has_a_byte_judged_twice() {
        let limits = Limits::new().max_bytes(usize::MAX).max_headers(usize::MAX);
        let short_lines = "a: b\r\n".repeat(125_000);
        for (sender, text) in [
            (
                Role::Client,
                format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(750_000)),
            ),
            (Role::Client, format!("GET / HTTP/1.1\r\n{short_lines}\r\n")),
            (
                Role::Server,
                format!("HTTP/1.1 200 \r\na:{}\r\n\r\n", "\r\n ".repeat(250_000)),
            ),
        ] {
            let mut decoder = Decoder::new(sender, limits);
            let mut heads = text
                .as_bytes()
                .chunks(1)
                .filter_map(|byte| decoder.receive(byte).unwrap());
            let (head, _) = heads.next().unwrap();
            assert_eq!(head.as_bytes(), text.as_bytes());
        }
    }
}

mod looking_up {
    use super::*;

    fn sample() -> Head {
        let lines = [
            "GET / HTTP/1.1",
            "one: 1",
            "Two: a, b",
            "two: ,,c ,\t, D,",
            "ONE-more: 2",
            "empty:",
            "commas: , ,",
        ];
        request(lines.join("\r\n") + "\r\n\r\n").expect("a legal head")
    }

    #[test]
    fn a_header_has_as_many_values_as_lines() {
        let head = sample();
        assert_eq!(head.values("One").collect::<Vec<_>>(), [b"1"]);
        assert_eq!(head.values("empty").collect::<Vec<_>>(), [b""]);
        assert_eq!(head.values("three").count(), 0);
        assert_eq!(head.values("two").count(), 2);
    }

    #[test]
    fn a_list_goes_on_over_lines_and_skips_empty_elements() {
        let head = sample();
        assert_eq!(
            head.list("TWO").collect::<Vec<_>>(),
            [b"a", b"b", b"c", b"D"]
        );
        assert_eq!(head.list("empty").count(), 0);
        assert_eq!(head.list("commas").count(), 0);
        assert_eq!(head.list("three").count(), 0);
    }

    #[test]
    fn a_list_has_whole_elements_in_any_case() {
        let head = sample();
        assert!(head.lists("two", "C") && head.lists("two", "d"));
        assert!(!head.lists("two", "") && !head.lists("two", "a, b") && !head.lists("one", "2"));
    }

    #[test]
    fn debugging_escapes_what_a_terminal_might_obey() {
        let head = request(b"GET / HTTP/1.1\r\na: \x9B2J\r\n\r\n").unwrap();
        assert_eq!(
            format!("{head:?}"),
            r#"Head("GET / HTTP/1.1\r\na: \x9b2J\r\n\r\n")"#
        );
    }
}
