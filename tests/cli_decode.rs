//! `plainws decode`: what it prints, what it takes, and how it ends.
//!
//! What it prints is compared with the files in `tests/golden/`. After a change that is meant, they
//! are written anew by `PLAINWS_UPDATE=1 cargo test --test cli cli_decode`; look at the difference.

use crate::support::bytes::*;
use crate::support::golden;
use crate::support::run::{Run, check_fit_for_a_terminal, hex, run, run_with};
use plainws::protocol::rule::Field;
use plainws::{Role, Rule};
use serde_json::Value;
use std::path::Path;

/// The key of §1.3, which the examples of responses answer.
const KEY_1_3: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The example of §5.7 that all of the input tests use.
const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

fn violations() -> impl Iterator<Item = (Rule, Role, &'static [u8])> {
    let pairs = Rule::ALL
        .iter()
        .flat_map(|&rule| BOTH.map(|role| (rule, role)));
    pairs.filter_map(|(rule, role)| Some((rule, role, rule.example(role)?)))
}

/// Decodes bytes from a pipe, by a known sender.
fn decode(sender: Role, bytes: &[u8], more: &[&str]) -> Run {
    // To a request that offered nothing.
    let asked = ["--key", KEY_1_3, "--subprotocols", "", "--extensions", ""];
    let args = [&["decode", "--role", sender.name()], &asked[..], more].concat();
    run_with(&args, bytes)
}

mod s5_7_examples {
    use super::*;

    #[test]
    fn are_printed_as_in_the_golden_files() {
        let long = |header: &[u8], length| [header, &vec![0; length]].concat();
        let examples: &[(&str, Vec<u8>)] = &[
            ("unmasked-text", b"\x81\x05Hello".to_vec()),
            ("masked-text", HELLO.to_vec()),
            ("fragmented-text", b"\x01\x03Hel\x80\x02lo".to_vec()),
            ("ping", b"\x89\x05Hello".to_vec()),
            ("masked-pong", [b"\x8a", &HELLO[1..]].concat()),
            ("binary-256", long(b"\x82\x7E\x01\x00", 256)),
            ("binary-65536", long(b"\x82\x7F\0\0\0\0\0\x01\0\0", 65_536)),
        ];
        for (name, bytes) in examples {
            let run = run_with(&["decode"], bytes);
            assert_eq!((run.code, &*run.stderr), (0, ""), "{name}");
            check_fit_for_a_terminal(&run.stdout);
            golden::check(&format!("rfc6455-5.7/{name}.txt"), &run.stdout);
        }
    }

    #[test]
    fn as_json_have_the_field_names_of_wireshark() {
        let run = run_with(&["decode", "--json"], HELLO);
        assert_eq!(run.code, 0);
        golden::check("rfc6455-5.7/masked-text.json", &run.stdout);
        let stream: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
        let frame = &stream["frames"][0];
        let expected: &[(&str, Value)] = &[
            ("fin", true.into()),
            ("rsv", 0.into()),
            ("opcode", 1.into()),
            ("mask", true.into()),
            ("payload_length", 5.into()),
            ("masking_key", "37fa213d".into()),
            ("masked_payload", "7f9f4d5158".into()),
            ("payload.text", "Hello".into()),
        ];
        for (name, value) in expected {
            assert_eq!(frame[name], *value, "{name}");
        }
        assert_eq!(stream["verdict"], "legal");
    }
}

mod each_rules_bytes {
    use super::*;

    #[test]
    fn give_just_that_rule_and_exit_1_and_print_as_in_the_golden_files() {
        for (rule, sender, bytes) in violations() {
            let run = decode(sender, bytes, &[]);
            assert_eq!((run.code, &*run.stderr), (1, ""), "{}", rule.id());
            let verdicts = run
                .stdout
                .lines()
                .filter(|line| line.starts_with("violation"));
            let verdicts: Vec<_> = verdicts.collect();
            assert_eq!(verdicts.len(), 1);
            assert!(verdicts[0].ends_with(&format!("({})", rule.id())));
            check_fit_for_a_terminal(&run.stdout);
            let name = format!("rules/{}.{}.txt", rule.id(), sender.name());
            golden::check(&name, &run.stdout);
        }
    }

    #[test]
    fn give_the_same_as_hex() {
        for (rule, sender, bytes) in violations().filter(|(.., bytes)| bytes.len() < 1024) {
            let by_hex = decode(sender, hex(bytes).as_bytes(), &[]);
            assert_eq!(by_hex.code, 1);
            assert_eq!(
                by_hex.stdout,
                decode(sender, bytes, &[]).stdout,
                "{}",
                rule.id()
            );
        }
    }

    #[test]
    fn give_the_rule_in_json() {
        for (rule, sender, bytes) in violations() {
            let run = decode(sender, bytes, &["--json"]);
            assert_eq!(run.code, 1);
            let stream: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
            assert_eq!(stream["verdict"], "violation");
            let violation = &stream["violation"];
            assert_eq!(violation["rule"], rule.id());
            assert_eq!(violation["section"], rule.section().0);
            assert_eq!(violation["clause"], rule.clause());
            let code = rule.close_code().map(|code| code.0);
            assert_eq!(violation["close_code"], Value::from(code));
            if !matches!(rule.field(), Field::Header | Field::StartLine) {
                let frames = stream["frames"].as_array().expect("a list");
                let last = frames.last().expect("a frame");
                let spans = last["spans"].as_array().expect("a list");
                let broken = spans.iter().filter(|span| span["broken"] == rule.id());
                assert_eq!(broken.count(), 1, "{}", rule.id());
            }
        }
    }

    #[test]
    fn have_another_likely_cause_when_text_ends_inside_a_character_than_in_its_middle() {
        let inside = "the message ends inside a character";
        for (bytes, is_inside) in [
            ("81 02 61 c3", true),
            // Two more bytes are announced, so the next one is no continuation.
            ("81 04 61 c3 61 61", false),
            ("81 02 c3 61", false),
            ("81 02 61 ff", false),
        ] {
            let run = run(&["decode", "--role", "server", bytes]);
            assert!(run.stdout.contains("(text-not-utf8)"), "{}", run.stdout);
            assert_eq!(run.stdout.contains(inside), is_inside, "{bytes}");
        }
    }

    #[test]
    fn have_a_likely_cause_for_every_rule_about_frames() {
        for (rule, sender, bytes) in violations() {
            let run = decode(sender, bytes, &[]);
            let has_cause = run.stdout.contains("\n  likely ");
            assert!(has_cause || rule.close_code().is_none(), "{}", rule.id());
        }
    }
}

mod the_golden_files {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn are_one_for_each_rule_and_role_and_no_others() {
        let expected: BTreeSet<_> = violations()
            .map(|(rule, role, _)| format!("{}.{}.txt", rule.id(), role.name()))
            .collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules");
        let files = std::fs::read_dir(folder).expect("the folder is there");
        let files: BTreeSet<_> = files
            .map(|file| file.expect("it is listed").file_name().into_string())
            .map(|name| name.expect("it is UTF-8"))
            .collect();
        assert_eq!(files, expected);
    }
}

mod input {
    use super::*;

    fn legal(run: &Run) {
        let expected = run_with(&["decode"], HELLO);
        assert_eq!((run.code, &*run.stderr), (0, ""));
        assert_eq!(run.stdout, expected.stdout);
    }

    #[test]
    fn is_hex_in_any_common_spelling() {
        for spelling in [
            "818537fa213d7f9f4d5158",
            "81 85 37 fa 21 3d 7f 9f 4d 51 58",
            "81 85 37 FA 21 3D 7F 9F 4D 51 58",
            "8185 37fa 213d 7f9f 4d51 58",
            "0x81 0x85 0x37 0xfa 0x21 0x3d 0x7f 0x9f 0x4d 0x51 0x58",
            "0x818537fa213d7f9f4d5158",
            "81:85:37:fa:21:3d:7f:9f:4d:51:58",
            "81,85,37,fa,21,3d,7f,9f,4d,51,58",
            "[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]",
            "unsigned char x[] = {\n  0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58\n};\nunsigned int x_len = 11;",
            r"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            r"\x81\x857\xfa!=\x7f\x9fMQX",
            r"\201\2057\372!=\177\237MQX",
            r#""\x81\x857\xfa!=\x7f\x9fMQX""#,
            r"b'\x81\x857\xfa!=\x7f\x9fMQX'",
            r"\x81 \x85 \x37 \xfa \x21 \x3d \x7f \x9f \x4d \x51 \x58",
        ] {
            legal(&run(&["decode", spelling]));
            legal(&run_with(&["decode"], spelling.as_bytes()));
            legal(&run_with(
                &["decode", "-"],
                format!("{spelling}\n").as_bytes(),
            ));
        }
        let words: Vec<_> = "decode 81 85 37 fa 21 3d 7f 9f 4d 51 58"
            .split(' ')
            .collect();
        legal(&run(&words));
    }

    #[test]
    fn may_be_columns_with_offsets_and_text() {
        for dump in [
            // xxd
            "00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
            // xxd -g 1
            "00000000: 81 85 37 fa 21 3d 7f 9f 4d 51 58                 ..7.!=..MQX\n",
            // xxd -c 4
            "00000000: 8185 37fa  ..7.\n00000004: 213d 7f9f  !=..\n00000008: 4d51 58    MQX\n",
            // hexdump -C
            "00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58                 |..7.!=..MQX|\n0000000b\n",
            // od -A x -t x1z
            "000000 81 85 37 fa 21 3d 7f 9f 4d 51 58                 >..7.!=..MQX<\n00000b\n",
            // od -t x1
            "0000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n0000013\n",
            // Wireshark
            "0000   81 85 37 fa 21 3d 7f 9f 4d 51 58                  ..7.!=..MQX\n",
            // tcpdump -X
            "\t0x0000:  8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
        ] {
            legal(&run_with(&["decode"], dump.as_bytes()));
        }
    }

    #[test]
    fn may_be_a_dump_with_repeated_lines_left_out() {
        let dump = "00000000  82 7e 01 00 00 00 00 00  00 00 00 00 00 00 00 00  |.~..............|\n\
                    00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n\
                    *\n\
                    00000100  00 00 00 00                                       |....|\n\
                    00000104\n";
        let by_dump = run_with(&["decode"], dump.as_bytes());
        let bytes = [&b"\x82\x7E\x01\x00"[..], &[0; 256]].concat();
        assert_eq!(by_dump.stdout, run_with(&["decode"], &bytes).stdout);
        assert_eq!(by_dump.code, 0);
    }

    #[test]
    fn of_text_that_looks_like_hex_is_not_taken_from_the_text_column() {
        // The payload is "abcd abcd abcd", which xxd prints beside the bytes.
        let dump = "00000000: 810e 6162 6364 2061 6263 6420 6162 6364  ..abcd abcd abcd\n";
        let run = run_with(&["decode"], dump.as_bytes());
        assert!(
            run.stdout.ends_with("legal: 1 frame, 1 message\n"),
            "{}",
            run.stdout
        );
    }

    #[test]
    fn with_bytes_swapped_is_swapped_back() {
        // As hexdump without options prints them.
        let dump = b"0000000 8581 fa37 3d21 9f7f 514d 0058\n000000b\n";
        legal(&run_with(&["decode"], dump));
    }

    #[test]
    fn may_be_a_file() {
        let path = std::env::temp_dir().join(format!("plainws-decode-{}", std::process::id()));
        let file = path.to_str().expect("a path in UTF-8");
        for content in [HELLO, hex(HELLO).as_bytes()] {
            std::fs::write(&path, content).expect("it can be written");
            legal(&run(&["decode", "--file", file]));
        }
        std::fs::remove_file(&path).expect("it can be removed");
        assert_eq!(run(&["decode", "--file", file]).code, 2);
    }

    #[test]
    fn that_is_neither_hex_nor_bytes_is_wrong_use() {
        for wrong in ["8", "81 8g", "hello", "0x", r"\q", r"\x8", "00000000: zz"] {
            let run = run(&["decode", wrong]);
            assert_eq!(run.code, 2, "{wrong}");
            assert_eq!(run.stdout, "", "{wrong}");
            assert!(run.stderr.starts_with("plainws: "), "{}", run.stderr);
        }
        assert_eq!(run_with(&["decode"], b"").code, 2);
        assert_eq!(run(&["decode", "--role", "peer", "8100"]).code, 2);
        assert_eq!(run(&["decode", "--no-such-option"]).code, 2);
    }

    #[test]
    fn of_text_is_taken_as_bytes_if_asked() {
        let run = run_with(&["decode", "--raw"], b"8100");
        assert_eq!(run.code, 1);
        assert!(run.stdout.contains("(rsv-not-zero)"), "{}", run.stdout);
    }
}

mod verdict {
    use super::*;

    fn last_line(args: &[&str]) -> (i32, String) {
        let run = run(args);
        let line = run.stdout.lines().find(|line| {
            ["legal", "incomplete:", "violation"]
                .iter()
                .any(|word| line.starts_with(word))
        });
        (run.code, line.unwrap_or_default().to_owned())
    }

    #[test]
    fn says_what_is_missing_and_exits_3() {
        for (bytes, verdict) in [
            ("81", "incomplete: at least 1 more byte with the length"),
            ("81 85", "incomplete: 9 more bytes of key and payload"),
            ("81 05 48", "incomplete: 4 more bytes of payload"),
            (
                "82 7e 01",
                "incomplete: at least 1 more byte (the length itself is not complete)",
            ),
            (
                "01 00",
                "incomplete: the text message has 1 fragment so far, and none was final (§5.4)",
            ),
        ] {
            assert_eq!(last_line(&["decode", bytes]), (3, verdict.to_owned()));
        }
        let (code, line) = last_line(&["decode", r"GET / HTTP/1.1\r\n"]);
        assert_eq!(
            (code, &*line),
            (
                3,
                "incomplete: the empty line that ends a head is not there yet"
            )
        );
    }

    #[test]
    fn tells_the_sender_by_the_first_mask_unless_it_is_given() {
        assert_eq!(last_line(&["decode", "81 00"]).0, 0);
        assert_eq!(last_line(&["decode", "81 80 00 00 00 00"]).0, 0);
        assert_eq!(
            last_line(&["decode", "--role", "client", "81 00"]),
            (1, "violation of §5.1 at offset 1 (mask-missing)".into())
        );
        assert_eq!(
            last_line(&["decode", "--role", "server", "81 80 00 00 00 00"]),
            (1, "violation of §5.1 at offset 5 (mask-present)".into())
        );
    }

    #[test]
    fn counts_what_stands_behind_a_close() {
        let run = run(&["decode", "88 00 ff ff"]);
        assert_eq!(run.code, 0);
        assert!(
            run.stdout
                .contains("legal: 1 frame, 0 messages, closed with 1005 no status")
        );
        assert!(run.stdout.contains("unread   2 bytes: ff ff"));
    }
}

mod limits {
    use super::*;

    #[test]
    fn are_the_default_ones_unless_given() {
        let three = [
            frame(Role::Server, 0x02, b"a"),
            frame(Role::Server, 0x00, b""),
            frame(Role::Server, 0x80, b"c"),
        ]
        .concat();
        for (limit, value, rule) in [
            ("--max-message", "1", "(message-too-big)"),
            ("--max-fragments", "2", "(too-many-fragments)"),
            ("--max-empty-fragments", "0", "(too-many-fragments)"),
        ] {
            let refused = decode(Role::Server, &three, &[limit, value]);
            assert_eq!(refused.code, 1, "{limit}");
            assert!(refused.stdout.contains(rule), "{}", refused.stdout);
            assert_eq!(decode(Role::Server, &three, &[limit, "16"]).code, 0);
        }
        assert_eq!(decode(Role::Server, &three, &[]).code, 0);
        assert_eq!(run(&["decode", "--max-message", "x", "8100"]).code, 2);
    }

    #[test]
    fn hold_for_a_head_too() {
        let request = handshake_in_front::REQUEST.as_bytes();
        for (limit, value, rule) in [
            ("--max-head", "100", "(head-too-large)"),
            ("--max-headers", "4", "(too-many-headers)"),
        ] {
            let refused = decode(Role::Client, request, &[limit, value]);
            assert_eq!(refused.code, 1, "{limit}");
            assert!(refused.stdout.contains(rule), "{}", refused.stdout);
            assert_eq!(decode(Role::Client, request, &[limit, "1000"]).code, 0);
        }
    }
}

mod handshake_in_front {
    use super::*;

    pub(super) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";

    #[test]
    fn is_explained_and_frames_follow() {
        let stream = [REQUEST.as_bytes(), HELLO].concat();
        for input in [stream.clone(), hex(&stream).into_bytes()] {
            let run = run_with(&["decode"], &input);
            assert_eq!(run.code, 0);
            check_fit_for_a_terminal(&run.stdout);
            golden::check("handshake/request-and-frame.txt", &run.stdout);
        }
    }

    #[test]
    fn of_a_server_may_fold_its_headers() {
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade:\r\n websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept:\r\n\ts3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        let run = decode(Role::Server, response.as_bytes(), &[]);
        assert_eq!(run.code, 0);
        check_fit_for_a_terminal(&run.stdout);
        golden::check("handshake/folded-response.txt", &run.stdout);
    }

    #[test]
    fn is_in_json_line_by_line() {
        let stream = [REQUEST.as_bytes(), HELLO].concat();
        let run = run_with(&["decode", "--json"], &stream);
        let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
        assert_eq!(json["handshake"]["lines"][4]["met"], "key-invalid");
        let accept = &json["handshake"]["derivation"]["accept"];
        assert_eq!(*accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(json["frames"][0]["offset"], REQUEST.len());
    }

    #[test]
    fn shows_every_rule_that_it_breaks() {
        let stream = REQUEST
            .replace("Host: example.com\r\n", "")
            .replace("dGhlIHNhbXBsZSBub25jZQ==", "abc")
            .replace("Version: 13", "Version: 8\r\nSec-WebSocket-Version: 7");
        let run = run_with(&["decode"], stream.as_bytes());
        assert_eq!(run.code, 1);
        check_fit_for_a_terminal(&run.stdout);
        golden::check("handshake/many-rules-broken.txt", &run.stdout);

        let run = run_with(&["decode", "--json"], stream.as_bytes());
        let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
        let all = [
            "host-invalid",
            "header-repeated",
            "version-not-13",
            "key-invalid",
        ];
        assert_eq!(json["violation"]["rule"], all[0]);
        assert_eq!(json["handshake"]["broken"], serde_json::json!(all));
        let lines = &json["handshake"]["lines"];
        assert_eq!(lines[0]["name"], Value::Null);
        assert_eq!(lines[3]["name"], "sec-websocket-key");
        assert_eq!(lines[3]["value"], "abc");
        assert_eq!(lines[3]["broken"], "key-invalid");
        assert_eq!(lines[5]["broken"], "header-repeated");
        assert_eq!(
            lines[5]["also_broken"],
            serde_json::json!(["version-not-13"])
        );
    }

    #[test]
    fn with_a_wrong_accept_value_is_told_the_mistake() {
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Accept: BXhwxM0SZasKmCD9S4BfpPmCnEw=\r\n\r\n";
        let run = run_with(&["decode", "--key", KEY_1_3], response.as_bytes());
        assert_eq!(run.code, 1);
        assert!(
            run.stdout.contains("likely   the key was decoded first"),
            "{}",
            run.stdout
        );
        // Without the key this cannot be known.
        assert_eq!(run_with(&["decode"], response.as_bytes()).code, 0);
    }

    #[test]
    fn that_answers_an_unknown_request_may_choose_what_it_likes() {
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: foo\r\n\r\n";
        for (options, rule) in [
            (&[][..], None),
            (&["--key", KEY_1_3], None),
            (&["--subprotocols", "soap, chat"], None),
            (
                &["--subprotocols", "soap"],
                Some("(subprotocol-not-offered)"),
            ),
            (&["--subprotocols", ""], Some("(subprotocol-not-offered)")),
            (&["--extensions", "bar, foo; a=1"], None),
            (&["--extensions", "bar"], Some("(extension-not-offered)")),
            (&["--extensions", ""], Some("(extension-not-offered)")),
        ] {
            let run = run_with(&[&["decode"], options].concat(), response.as_bytes());
            assert_eq!(
                run.code,
                rule.map_or(0, |_| 1),
                "{options:?} {}",
                run.stdout
            );
            assert!(run.stdout.contains(rule.unwrap_or("legal: a handshake")));
        }
        assert_eq!(run_with(&["decode", "--extensions", ";"], b"8100").code, 2);
    }

    #[test]
    fn of_another_kind_is_recognised() {
        let tls = run_with(&["decode"], b"\x16\x03\x01\x02\x00\x01");
        assert!(
            tls.stdout.contains("likely   this is TLS"),
            "{}",
            tls.stdout
        );
        let lf = run_with(&["decode"], REQUEST.replace("\r\n", "\n").as_bytes());
        assert!(lf.stdout.contains("(head-line-ending)"), "{}", lf.stdout);
    }
}

mod rfc_7692_a_compressed_message {
    use super::*;

    const HELLO: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    /// By reference to the message before.
    const AGAIN: &[u8] = b"\xc1\x05\xf2\x00\x11\x00\x00";

    fn response(extensions: &str, frames: &[&[u8]]) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
             Sec-WebSocket-Extensions: {extensions}\r\n\r\n"
        );
        [head.as_bytes(), &frames.concat()].concat()
    }

    fn in_json(input: &[u8], options: &[&str]) -> Value {
        let run = run_with(&[&["decode", "--json"], options].concat(), input);
        serde_json::from_str(&run.stdout).expect("it is JSON")
    }

    #[test]
    fn is_inflated_for_show_where_the_handshake_agreed_to_that() {
        let fragments: &[u8] = b"\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00";
        let plain: &[u8] = b"\x81\x01x";
        let stream = response("permessage-deflate", &[HELLO, plain, fragments, AGAIN]);
        let run = run_with(&["decode"], &stream);
        assert_eq!(run.code, 0, "{}", run.stdout);
        check_fit_for_a_terminal(&run.stdout);
        golden::check("handshake/compressed.txt", &run.stdout);

        let json = in_json(&stream, &[]);
        assert_eq!(json["verdict"], "legal");
        let text = |frame: usize| json["frames"][frame]["payload.text"].clone();
        assert_eq!(text(0), "Hello");
        assert_eq!(text(1), "x");
        assert_eq!(text(2), Value::Null);
        assert_eq!(text(4), "Hello"); // of the message that it ends
        assert_eq!(json["frames"][4]["payload.inflated"], "48656c6c6f");
        assert_eq!(text(5), "Hello");
        let notes = json["notes"].as_array().expect("a list");
        assert!(
            notes[0]
                .as_str()
                .expect("text")
                .contains("would not have agreed")
        );
    }

    #[test]
    fn of_either_direction_is_inflated_where_a_request_is_known_too() {
        // Only a connection of two directions has both; see tests/cli_capture.rs.
        let masked = b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
        let json = in_json(masked, &["--extensions", "permessage-deflate"]);
        assert_eq!(
            (&json["sender"], &json["verdict"]),
            (&"client".into(), &"legal".into())
        );
        assert_eq!(json["frames"][0]["payload.text"], "Hello");
    }

    #[test]
    fn that_breaks_a_rule_is_told_which() {
        let ping: &[u8] = b"\xc9\x00";
        let late: &[u8] = b"\x41\x03\xf2\x48\xcd\xc0\x04\xc9\xc9\x07\x00";
        let no_deflate: &[u8] = b"\xc1\x05Hello";
        // "\xff" in a stored block.
        let not_utf8: &[u8] = b"\xc1\x07\x00\x01\x00\xfe\xff\xff\x00";
        let head = response("permessage-deflate", &[]).len();
        let many = |frames: &[&[u8]]| response("permessage-deflate", frames);
        let alone =
            |frames: &[&[u8]]| response("permessage-deflate; server_no_context_takeover", frames);
        let wrong =
            |parameter: &str| response(&format!("permessage-deflate; {parameter}"), &[HELLO]);
        for (stream, rule, offset) in [
            (many(&[HELLO, ping]), "rsv-not-zero", head + 9),
            (many(&[late]), "rsv-not-zero", head + 5),
            (many(&[b"\xa1\x00"]), "rsv-not-zero", head),
            (many(&[no_deflate, HELLO]), "deflate-broken", head + 6),
            (many(&[AGAIN]), "deflate-broken", head + 6),
            (alone(&[HELLO, HELLO, AGAIN]), "deflate-broken", head + 52),
            (many(&[not_utf8]), "text-not-utf8", head + 8),
            (
                wrong("server_max_window_bits=16"),
                "deflate-parameters",
                head + 26,
            ),
            (wrong("foo"), "deflate-parameters", head + 4),
        ] {
            let run = run_with(&["decode"], &stream);
            assert_eq!(run.code, 1, "{}", run.stdout);
            assert!(run.stdout.contains(&format!("({rule})")), "{}", run.stdout);
            check_fit_for_a_terminal(&run.stdout);
            let violation = in_json(&stream, &[])["violation"].clone();
            assert_eq!(
                (&violation["rule"], &violation["offset"]),
                (&rule.into(), &offset.into())
            );
        }
    }

    #[test]
    fn that_grows_beyond_the_limit_is_not_inflated_to_its_end() {
        // 5,000 zeros.
        let bomb = b"\xec\xc1\x31\x01\0\0\0\xc2\xa0\xf5\x4f\x6d\x0a\x3f\xa0\0\0\0\0\x80\xb7\x01";
        let stream = response("permessage-deflate", &[&frame(Role::Server, 0xC2, bomb)]);
        let run = run_with(&["decode", "--max-message", "1K"], &stream);
        assert_eq!(run.code, 1, "{}", run.stdout);
        assert!(run.stdout.contains("(message-too-big)"), "{}", run.stdout);
        check_fit_for_a_terminal(&run.stdout);
        let run = run_with(&["decode", "--max-message", "5000"], &stream);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert!(
            run.stdout.contains("… 4936 more bytes when inflated"),
            "{}",
            run.stdout
        );
    }

    #[test]
    fn without_a_handshake_is_taken_for_one_if_it_inflates() {
        let likely = |input: &[u8], options: &[&str]| {
            let run = run_with(&[&["decode"], options].concat(), input);
            check_fit_for_a_terminal(&run.stdout);
            (run.code, run.stdout.contains("is taken for one"))
        };
        assert_eq!(likely(HELLO, &[]), (0, true));
        assert_eq!(likely(HELLO, &["--extensions", ""]), (1, false));
        assert_eq!(
            likely(HELLO, &["--extensions", "permessage-deflate"]),
            (0, false)
        );
        // What it refers to is not here.
        assert_eq!(likely(AGAIN, &[]), (0, true));
        let run = run_with(&["decode"], AGAIN);
        assert!(
            run.stdout.contains("1 message not inflated"),
            "{}",
            run.stdout
        );
        // Its rest is not here.
        assert_eq!(likely(&HELLO[..7], &[]), (3, true));
        // It is not compressed: binary data, text.
        assert_eq!(likely(b"\xc1\x05Hello", &[]), (1, false));
        assert_eq!(likely(b"\xc2\x01\xff", &[]), (1, false));
        let run = run_with(&["decode", "--raw"], b"Apples and oranges");
        assert_eq!(run.code, 1);
        assert!(run.stdout.contains("(rsv-not-zero)"), "{}", run.stdout);
    }

    #[test]
    fn of_an_extension_that_is_not_known_is_not_judged() {
        let stream = response("x-foo", &[b"\xc1\x05Hello\xf1\x01\xff"]);
        let run = run_with(&["decode"], &stream);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert!(run.stdout.contains("x-foo: agreed to, but not known here"));
        check_fit_for_a_terminal(&run.stdout);
    }
}

mod what_a_peer_sent {
    use super::*;

    /// All bytes, as text where they are text, and what terminals obey.
    fn nasty() -> Vec<Vec<u8>> {
        let controls: Vec<u8> = (0..=0x7F).collect();
        let c1 = (0x80..=0x9F_u32)
            .filter_map(char::from_u32)
            .collect::<String>();
        let strange =
            "\u{202e}gnirts\u{200b}\u{feff}\x1b[31mred\x1b]0;title\x07 \"quoted\" \\ 'single'";
        [TEXT, BINARY, PING]
            .iter()
            .flat_map(|&byte0| {
                [controls.clone(), c1.clone().into(), strange.into()]
                    .map(|payload| frame(Role::Server, byte0, &payload[..payload.len().min(125)]))
            })
            .chain([frame(
                Role::Server,
                CLOSE,
                &close_body(1000, strange.as_bytes()),
            )])
            .collect()
    }

    #[test]
    fn never_reaches_the_terminal_raw() {
        for stream in nasty() {
            for args in [&["decode"][..], &["decode", "--all"], &["decode", "--json"]] {
                let run = run_with(args, &stream);
                assert_eq!(run.code, 0);
                for c in run.stdout.chars().filter(|&c| c != '\n') {
                    assert!(!c.is_control() && c != '\u{202e}', "{c:?}");
                }
                if args.contains(&"--json") {
                    let is_plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
                    assert!(run.stdout.chars().all(is_plain), "{}", run.stdout);
                } else {
                    check_fit_for_a_terminal(&run.stdout);
                }
            }
        }
        let run = run_with(&["decode"], b"GET /\x1b[31m HTTP/1.1\r\n");
        check_fit_for_a_terminal(&run.stdout);
        let run = run_with(
            &["decode"],
            "GET / HTTP/1.1\r\nA: \u{9b}31m\u{202e}\r\n\r\n".as_bytes(),
        );
        check_fit_for_a_terminal(&run.stdout);
    }

    #[test]
    fn is_in_json_what_it_is() {
        let strange = "\u{202e}gnirts \u{9b}31m \x7f\u{1F600}é";
        let stream = [
            frame(Role::Server, TEXT, strange.as_bytes()),
            frame(Role::Server, CLOSE, &close_body(1000, strange.as_bytes())),
        ];
        let run = run_with(&["decode", "--json"], &stream.concat());
        assert!(run.stdout.is_ascii());
        let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
        assert_eq!(json["frames"][0]["payload.text"], strange);
        assert_eq!(json["frames"][1]["payload.close.reason"], strange);
        let head = "GET / HTTP/1.1\r\nA: \u{9b}31m\u{202e}\r\n\r\n";
        let run = run_with(&["decode", "--json"], head.as_bytes());
        assert!(run.stdout.is_ascii());
        let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
        assert_eq!(
            json["handshake"]["lines"][1]["text"],
            "A: \u{9b}31m\u{202e}"
        );
    }

    #[test]
    fn is_cut_at_64_bytes_unless_all_is_asked_for() {
        let stream = frame(Role::Client, BINARY, &[0xAB; 100]);
        let run = run_with(&["decode"], &stream);
        assert!(run.stdout.contains("… 36 more bytes; --all shows them"));
        assert_eq!(run.stdout.matches("ab ab ab ab ab ab ab ab").count(), 8);
        let run = run_with(&["decode", "--all"], &stream);
        assert_eq!(run.stdout.matches("ab ab ab ab ab ab ab ab").count(), 12);
        assert!(!run.stdout.contains("--all"));
    }

    #[test]
    fn fits_80_columns_at_any_offset_and_length() {
        for length in [300, 70_000, 17_000_000] {
            let payload = "wide 世界 ".repeat(length / 12 + 1);
            let payload = &payload.as_bytes()[..length / 12 * 12];
            let mut stream = Vec::new();
            for chunk in payload.chunks(1_200_000) {
                stream.extend(frame(Role::Client, BINARY, chunk));
            }
            stream.extend(frame(Role::Client, CLOSE, &close_body(1011, b"internal")));
            check_fit_for_a_terminal(&run_with(&["decode"], &stream).stdout);
        }
    }

    #[test]
    fn has_no_colours_when_piped() {
        assert!(!run_with(&["decode"], HELLO).stdout.contains('\x1b'));
    }
}

mod a_reader_that_leaves {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn is_no_error() {
        let frames = frame(Role::Server, TEXT, b"Hello").repeat(10_000);
        let path = std::env::temp_dir().join(format!("plainws-pipe-{}", std::process::id()));
        std::fs::write(&path, frames).expect("it can be written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_plainws"))
            .args(["decode", "--all", "--file"])
            .arg(&path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        std::fs::remove_file(&path).expect("it can be removed");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[cfg(target_os = "linux")]
mod a_long_stream {
    use super::*;
    use std::fs;
    use std::process::{Command, Stdio};

    /// Decodes with so many bytes of address space at the most, in KiB; it needs about 15,000 of them for
    /// itself. Returns its exit code.
    fn decode_within(kibibytes: usize, name: &str, input: &[u8], flags: &str) -> Option<i32> {
        let path = std::env::temp_dir().join(format!("plainws-{name}-{}", std::process::id()));
        fs::write(&path, input).expect("it can be written");
        let script = format!("ulimit -v {kibibytes} && exec \"$0\" decode {flags} --file \"$1\"");
        let status = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_plainws")])
            .arg(&path)
            .stdout(Stdio::null())
            .status();
        fs::remove_file(&path).expect("it can be removed");
        status.expect("there is a shell").code()
    }

    #[test]
    fn of_short_frames_takes_little_more_memory_than_its_bytes() {
        let pongs = |count| b"\x8a\x00".repeat(count);
        assert_eq!(decode_within(32_000, "text", &pongs(120_000), ""), Some(0));
        assert_eq!(
            decode_within(32_000, "json", &pongs(2500), "--json"),
            Some(0)
        );
    }

    #[test]
    fn in_escapes_takes_little_more_memory_than_its_text() {
        let escapes = r"\x8a\x00".repeat(120_000);
        assert_eq!(
            decode_within(32_000, "escapes", escapes.as_bytes(), ""),
            Some(0)
        );
    }

    #[test]
    fn of_one_large_frame_takes_some_times_its_bytes() {
        // For it there is room 30 times.
        let frame = frame(Role::Client, BINARY, &[0xAB; 512 * 1024]);
        for flags in ["--json", ""] {
            let code = decode_within(32_000, "large", &frame, flags);
            assert_eq!(code, Some(0), "{flags}");
        }
    }
}

mod a_stream_of_many_frames {
    use super::*;

    #[test]
    fn shows_its_first_and_last_frames_and_how_many_are_between() {
        for count in [1, 8, 9, 16, 17, 18, 100] {
            let run = run_with(&["decode"], &b"\x8a\x00".repeat(count));
            let numbers = run.stdout.lines().filter_map(|line| {
                let number = line.strip_prefix("frame ")?.split(' ').next()?;
                number.parse::<usize>().ok()
            });
            let shown = (0..count).filter(|&i| i < 8 || i + 8 >= count);
            assert!(numbers.eq(shown), "{count}: {}", run.stdout);
            let hidden = format!(
                "\n… {} more frames; --all shows them\n",
                count.saturating_sub(16)
            );
            assert_eq!(run.stdout.contains(&hidden), count > 16, "{}", run.stdout);
            assert!(run.stdout.ends_with("0 messages\n"), "{}", run.stdout);
        }
    }

    #[test]
    fn in_json_has_all_of_them_and_one_of_none_an_empty_list() {
        let frames = |input: &[u8]| {
            let run = run_with(&["decode", "--json"], input);
            let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
            // Written bit by bit, it looks as if it was written at once.
            assert_eq!(run.stdout, format!("{json:#}\n"));
            json["frames"].as_array().expect("a list").len()
        };
        assert_eq!(frames(&b"\x8a\x00".repeat(300)), 300);
        assert_eq!(frames(b"GET / HTTP/1.1\r\n"), 0);
        assert_eq!(frames(b"\x81"), 1);
    }
}
