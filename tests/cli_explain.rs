//! That an explanation is about the mistake that was made, and about no other.

use crate::support::hand_made::answering;
use crate::support::run::{Run, check_fit_for_a_terminal, run, run_with};
use serde_json::Value;

const REST: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn decode(bytes: &[u8], more: &[&str]) -> Run {
    let run = run_with(&[&["decode"], more].concat(), bytes);
    assert_eq!(
        (run.code, &*run.stderr),
        (1, ""),
        "{}",
        bytes.escape_ascii()
    );
    run
}

/// The paragraph with this label, in one line.
fn labelled(run: &Run, label: &str) -> String {
    let lines = run.stdout.lines();
    let mut lines = lines.skip_while(|line| !line.starts_with(&format!("  {label} ")));
    let first = lines.next().unwrap_or_default().to_owned();
    let others = lines.take_while(|line| line.starts_with("           "));
    let all = others.fold(first, |all, line| all + " " + line.trim());
    all.trim_start().trim_start_matches(label).trim().to_owned()
}

mod of_heads {
    use super::*;

    #[test]
    fn name_the_part_and_the_byte() {
        for (head, found) in [
            (
                "GET / HTTP/1.1\r\nHost: bücher.de\r\n",
                "\"ü\" (c3 bc) at offset 23 in the value of Host",
            ),
            (
                "GET /a#b HTTP/1.1\r\nHost: a\r\n",
                "\"#\" (23) at offset 6 in the target",
            ),
            (
                "GET /ä HTTP/1.1\r\nHost: a\r\n",
                "\"ä\" (c3 a4) at offset 5 in the target",
            ),
            (
                "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n",
                "the target \"a:443\" (offset 8)",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://ü\r\n",
                "\"ü\" (c3 bc) at offset 40 in the value of Origin",
            ),
        ] {
            let head = [head, REST].concat();
            let text = decode(head.as_bytes(), &[]);
            check_fit_for_a_terminal(&text.stdout);
            let said = labelled(&text, "found");
            assert!(said.starts_with(&format!("{found}: ")), "{said}");
            assert_eq!(labelled(&text, "likely"), "", "{}", text.stdout);
        }
    }

    #[test]
    fn list_every_rule_with_its_place_also_after_a_line_that_cannot_be_read() {
        let head = "GET /#a HTTP/1.1\r\nHost: ü\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n";
        let text = decode(head.as_bytes(), &[]);
        assert_eq!(
            labelled(&text, "also"),
            "host-invalid: \"ü\" (c3 bc) at offset 24 in the value of Host: a host is in ASCII; an \
             international name is sent as xn--… \
             connection-upgrade-missing: the value of Connection \"close\" (offset 60): it does not name upgrade \
             version-not-13: there is no Sec-WebSocket-Version header \
             key-invalid: there is no Sec-WebSocket-Key header"
        );
        let json = decode(head.as_bytes(), &["--json"]);
        let stream: Value = serde_json::from_str(&json.stdout).expect("it is JSON");
        let violation = &stream["violation"];
        let place = |fault: &Value| ["rule", "offset", "length"].map(|name| fault[name].clone());
        assert_eq!(
            place(&violation["found"]),
            [Value::from("request-line-malformed"), 5.into(), 1.into()]
        );
        let also = violation["also"].as_array().expect("a list");
        assert_eq!(
            place(&also[0]),
            [Value::from("host-invalid"), 24.into(), 2.into()]
        );
        assert_eq!(
            place(&also[3]),
            [Value::from("key-invalid"), Value::Null, Value::Null]
        );
        assert_eq!(also.len(), 4);
    }

    #[test]
    fn stand_in_a_full_trace_too() {
        let server = answering("HTTP/1.1 1O1 Go\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n");
        let trace = run_with(&["connect", &server.url, "--trace=full"], b"").stderr;
        for part in [
            "  found    \"O\" (4f) at offset 10 in the status code: ",
            "  also     upgrade-missing: the value of Upgrade \"h2c\" (offset 26): ",
        ] {
            assert!(trace.contains(part), "{trace}");
        }
        server.join();
    }

    #[test]
    fn show_nothing_that_a_terminal_might_obey() {
        let odd = "\x1b[31m\u{9b}31m\u{202e}\u{7f}";
        for head in [
            format!("GET /{odd} HTTP/1.1\r\n"),
            format!("GET / HTTP/1.1\r\nHost: {odd}\r\n\r\n"),
            format!("GET / HTTP/1.1\r\n{odd}: a\r\n\r\n"),
            "GET / HTTP/1.1\r\nHost: \u{9b}\r\nHost\u{202e}: \u{2028}\r\n\r\n".into(),
        ] {
            check_fit_for_a_terminal(&decode(head.as_bytes(), &[]).stdout);
        }
    }

    #[test]
    fn guess_at_a_cause_only_where_it_can_have_been_the_cause() {
        let with = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let rest = |name: &str| -> String {
            let lines = REST.split_inclusive("\r\n");
            lines
                .filter(|line| !line.starts_with(name) && *line != "\r\n")
                .collect()
        };
        let no_upgrade = with(&rest("Upgrade"));
        let h2c = with(&format!("Upgrade: h2c\r\n{}", rest("Upgrade")));
        let draft = with(&format!(
            "Sec-WebSocket-Version: 8\r\n{}",
            rest("Sec-WebSocket-Version")
        ));
        let no_version = with(&rest("Sec-WebSocket-Version"));
        let small = format!("GET / HTTP/1.1\r\nHost: a\r\nA: b\x01\r\n{REST}");
        for (head, likely) in [
            (no_upgrade, "a proxy in between removed it"),
            (h2c, ""),
            (draft, "a draft of the protocol"),
            (no_version, ""),
            (small, ""),
            (
                format!("POST / HTTP/1.1\r\nHost: a\r\n{REST}"),
                "a handshake was sent with the method of a form",
            ),
            (format!("HEAD / HTTP/1.1\r\nHost: a\r\n{REST}"), ""),
            (
                "HTTP/1.1 403 No\r\n\r\n".into(),
                "the server refused, often because of the Origin",
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\n".into(),
                "an ordinary page stands at this path",
            ),
        ] {
            let said = labelled(&decode(head.as_bytes(), &[]), "likely");
            let is_it = said.starts_with(likely) && said.is_empty() == likely.is_empty();
            assert!(is_it, "{head}: {said}");
        }
    }
}

mod of_frames {
    use super::*;

    /// Two ways at least to break a rule, and what is said of each.
    const CASES: &[(&str, &str, &str, &str)] = &[
        (
            "server",
            "81 01 61 f7 12",
            "rsv-not-zero",
            "the frame before was longer or shorter",
        ),
        // "Art " begins with the bits of a compressed text message.
        (
            "server",
            "41 72 74 20",
            "rsv-not-zero",
            "this is plain text",
        ),
        (
            "server",
            "61 c3 a4 62 63",
            "rsv-not-zero",
            "this is plain text",
        ),
        (
            "client",
            "67 65 74 20 2f 20 48 54 54 50 2f 31 2e 31",
            "rsv-not-zero",
            "this is HTTP",
        ),
        (
            "server",
            "83 00",
            "opcode-reserved",
            "the bytes do not begin with a frame",
        ),
        (
            "server",
            "81 00 83 00",
            "opcode-reserved",
            "the frame before",
        ),
        (
            "server",
            "82 7f 05 00 00 00 00 00 00 00",
            "message-too-big",
            "the length was written with its lowest byte first; read that way, it is 5",
        ),
        (
            "server",
            "82 7f c8 00 00 00 00 00 00 00",
            "length-top-bit-set",
            "the length was written with its lowest byte first; read that way, it is 200",
        ),
        (
            "server",
            "82 7f ff ff ff ff ff ff ff ff",
            "length-top-bit-set",
            "a negative number",
        ),
        (
            "server",
            "82 7f 00 00 00 7f ff ff ff ff",
            "message-too-big",
            "the sender should split it",
        ),
        (
            "client",
            "81 00",
            "mask-missing",
            "the client does not mask, often because a server's code was reused",
        ),
        (
            "client",
            "81 80 00 00 00 00 81 00",
            "mask-missing",
            "the client does not mask this frame; or what the server sent",
        ),
        (
            "server",
            "81 80 00 00 00 00",
            "mask-present",
            "the server masks, often because a client's code was reused",
        ),
        (
            "server",
            "81 00 81 80 00 00 00 00",
            "mask-present",
            "the server masks this frame; or what the client sent",
        ),
        (
            "server",
            "81 02 61 c3",
            "text-not-utf8",
            "the message ends inside a character",
        ),
        // The first fragment ended inside one as well, which is legal.
        (
            "server",
            "01 01 c3 80 03 a9 20 e9",
            "text-not-utf8",
            "the message ends inside a character",
        ),
        (
            "server",
            "81 03 ed a0 bd",
            "text-not-utf8",
            "a half of a UTF-16 pair",
        ),
        (
            "server",
            "81 02 c0 80",
            "text-not-utf8",
            "binary data sent as text (opcode 2 is for that), a payload unmasked with the wrong key, or Java",
        ),
        ("server", "81 02 1f 8b", "text-not-utf8", "gzip"),
        (
            "server",
            "81 02 e9 20",
            "text-not-utf8",
            "text in another encoding",
        ),
        (
            "server",
            "88 03 03 e8 c3",
            "close-reason-not-utf8",
            "the reason was cut inside a character",
        ),
        (
            "server",
            "88 04 03 e8 e9 20",
            "close-reason-not-utf8",
            "a reason in another encoding",
        ),
        (
            "server",
            "88 02 e8 03",
            "close-code-invalid",
            "the code was written with its low byte first",
        ),
        (
            "server",
            "88 04 31 30 30 30",
            "close-code-invalid",
            "the code was written as text",
        ),
        (
            "server",
            "88 03 62 79 65",
            "close-code-invalid",
            "the reason stands alone",
        ),
        (
            "server",
            "88 02 03 ed",
            "close-code-invalid",
            "1005 is what an API reports",
        ),
    ];

    #[test]
    fn are_about_what_was_done_wrong() {
        for (sender, bytes, rule, likely) in CASES {
            // No handshake is here to say that there is no extension.
            let run = run(&["decode", "--extensions", "", "--role", sender, bytes]);
            assert_eq!(run.code == 1, !rule.is_empty(), "{}", run.stdout);
            let said = labelled(&run, "likely");
            let is_it = rule.is_empty() || run.stdout.contains(&format!("({rule})"));
            assert!(is_it && said.starts_with(likely), "{bytes}: {said}");
            check_fit_for_a_terminal(&run.stdout);
        }
    }

    #[test]
    fn tell_a_compressed_message_wherever_it_comes() {
        for bytes in [
            "c1 07 f2 48 cd c9 c9 07 00",
            "89 00 c1 07 f2 48 cd c9 c9 07 00",
        ] {
            let run = run(&["decode", "--role", "server", "--extensions", "", bytes]);
            assert!(run.stdout.contains("(rsv-not-zero)"), "{}", run.stdout);
            assert!(labelled(&run, "likely").starts_with("RSV1 marks a compressed message"));
        }
    }

    #[test]
    fn show_the_byte_that_is_not_utf8_without_its_mask() {
        let masked = run(&["decode", "--role", "client", "81 82 01 01 01 01 60 e8"]);
        assert_eq!(
            labelled(&masked, "found"),
            "e9, unmasked, at offset 1 of the payload"
        );
        let plain = run(&["decode", "--role", "server", "88 03 03 e8 ff"]);
        assert_eq!(labelled(&plain, "found"), "ff, at offset 2 of the payload");
    }
}
