//! `plainws encode`: what it makes, and that `decode` reads it back.

use crate::support::bytes::*;
use crate::support::run::{Run, hex, run, run_with};
use plainws::Rule;
use serde_json::Value;

fn encode(args: &str) -> Vec<u8> {
    let args: Vec<_> = args.split(' ').collect();
    let run = run(&[&["encode", "--raw"], &args[..]].concat());
    assert_eq!((run.code, &*run.stderr), (0, ""), "{args:?}");
    run.bytes
}

fn decode(bytes: &[u8], role: &str) -> Value {
    let run = run_with(&["decode", "--json", "--role", role], bytes);
    serde_json::from_str(&run.stdout).expect("it is JSON")
}

mod s5_7_examples {
    use super::*;

    #[test]
    fn are_made_to_order() {
        let server = "--role server";
        for (args, bytes) in [
            (format!("text Hello {server}"), &b"\x81\x05Hello"[..]),
            (
                "text Hello --key 37fa213d".into(),
                b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            ),
            (
                format!("text Hello --fragments 3+2 {server}"),
                b"\x01\x03Hel\x80\x02lo",
            ),
            (format!("ping Hello {server}"), b"\x89\x05Hello"),
            (
                "pong Hello --key 37:fa:21:3d".into(),
                b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            ),
        ] {
            assert_eq!(encode(&args), bytes, "{args}");
        }
        let zeros = |length| vec!["00"; length].join(" ");
        let binary = encode(&format!("binary --role server {}", zeros(256)));
        assert_eq!(binary, [&b"\x82\x7E\x01\x00"[..], &[0; 256]].concat());
        let binary = run_with(
            &["encode", "binary", "-", "--role", "server", "--raw"],
            &[0; 65_536],
        );
        assert_eq!(binary.bytes[..10], *b"\x82\x7F\0\0\0\0\0\x01\0\0");
    }
}

mod frames {
    use super::*;

    #[test]
    fn are_read_back_by_decode_in_hex_and_raw() {
        for args in [
            "text Hello",
            "text Grüße --fragments 7",
            "text Hello --role server --fragments 0+5+0",
            "binary 00 ff --key 00000000",
            "binary",
            "ping",
            "pong later",
            "close",
            "close 1000",
            "close 4321 good bye",
        ] {
            let args: Vec<_> = args.split(' ').collect();
            let in_hex = run(&[&["encode"], &args[..]].concat());
            let raw = run(&[&["encode", "--raw"], &args[..]].concat());
            for input in [&in_hex.bytes, &raw.bytes] {
                let decoded = run_with(&["decode"], input);
                assert_eq!(decoded.code, 0, "{args:?} {}", decoded.stdout);
            }
        }
    }

    #[test]
    fn carry_what_was_given() {
        let frames = decode(&encode("text Hello, world --fragments 3"), "client");
        let frames = frames["frames"].as_array().expect("a list");
        let fields =
            |name: &str| -> Vec<_> { frames.iter().map(|frame| frame[name].clone()).collect() };
        assert_eq!(fields("opcode"), [1, 0, 0]);
        assert_eq!(fields("fin"), [false, false, true]);
        assert_eq!(fields("payload_length"), [4, 4, 4]);

        let close = decode(&encode("close 1001 going home"), "client");
        let close = &close["frames"][0];
        assert_eq!(close["payload.close.status_code"], 1001);
        assert_eq!(close["payload.close.reason"], "going home");
    }

    #[test]
    fn carry_what_standard_input_holds_byte_for_byte() {
        for (kind, input, frame) in [
            ("text", &b"Hello"[..], &b"\x81\x05Hello"[..]),
            ("text", b"a\r\nb\n", b"\x81\x05a\r\nb\n"),
            ("text", b"", b"\x81\x00"),
            ("binary", b"00 ff", b"\x82\x0500 ff"),
            ("ping", b"\xff", b"\x89\x01\xff"),
            ("close", b"\x03\xe8bye", b"\x88\x05\x03\xe8bye"),
        ] {
            let made = run_with(&["encode", kind, "-", "--role", "server", "--raw"], input);
            assert_eq!((made.code, &*made.stderr), (0, ""), "{kind}");
            assert_eq!(made.bytes, frame, "{kind}");
        }
        // As --help says of the text that would be taken for this.
        assert_eq!(encode("binary 2d --opcode 1 --role server"), b"\x81\x01-");
        let help = run(&["encode", "--help"]).stdout;
        assert!(help.contains("encode binary 2d --opcode 1"), "{help}");
    }

    #[test]
    fn have_each_a_new_key_unless_one_is_given() {
        let keys = |args| {
            let stream = decode(&encode(args), "client");
            let frames = stream["frames"].as_array().expect("a list").clone();
            frames
                .iter()
                .map(|frame| frame["masking_key"].clone())
                .collect::<Vec<_>>()
        };
        let random = keys("text abcdef --fragments 2");
        assert_ne!(random[0], random[1]);
        assert_eq!(
            keys("text ab --fragments 2 --key 01020304"),
            ["01020304"; 2]
        );
    }

    #[test]
    fn fit_80_columns_in_hex() {
        let run = run(&["encode", "text", &"long ".repeat(100)]);
        assert!(run.stdout.lines().all(|line| line.len() <= 80));
        assert_eq!(run_with(&["decode"], &run.bytes).code, 0);
    }
}

mod broken_frames {
    use super::*;

    fn rule(args: &str, role: &str) -> Value {
        decode(&encode(args), role)["violation"]["rule"].clone()
    }

    #[test]
    fn can_be_made_for_every_rule_about_frames() {
        for (args, rule_broken) in [
            ("text --rsv 4", Rule::RsvNotZero),
            ("text --opcode 3", Rule::OpcodeReserved),
            ("ping --fin 0", Rule::ControlFragmented),
            ("ping --length 126", Rule::ControlTooLong),
            ("binary --length 125 --form 16", Rule::LengthNotMinimal),
            ("binary --length 65535 --form 64", Rule::LengthNotMinimal),
            (
                "binary --length 18446744073709551615",
                Rule::LengthTopBitSet,
            ),
            ("text Hello --mask 0", Rule::MaskMissing),
            ("continuation more", Rule::ContinuationUnexpected),
            (
                "text Hello --fragments 2 --opcode 1",
                Rule::MessageInterleaved,
            ),
            ("binary --length 9223372036854775807", Rule::MessageTooBig),
            ("text --fragments 200", Rule::TooManyFragments),
            ("binary ff --opcode 1", Rule::TextNotUtf8),
            ("binary 03 --opcode 8", Rule::CloseBodyOneByte),
            ("close 1005", Rule::CloseCodeInvalid),
            ("binary 03 e8 ff --opcode 8", Rule::CloseReasonNotUtf8),
        ] {
            assert_eq!(rule(args, "client"), rule_broken.id(), "{args}");
        }
        assert_eq!(rule("text Hello", "server"), Rule::MaskPresent.id());
    }

    #[test]
    fn have_just_the_bits_that_are_forced() {
        let server = "--role server";
        assert_eq!(
            encode(&format!("text hi --fin 0 --rsv 7 --opcode 15 {server}")),
            b"\x7F\x02hi"
        );
        assert_eq!(encode(&format!("text hi --mask 1 {server}")), b"\x81\x82hi");
        assert_eq!(
            encode(&format!("text hi --length 5 {server}")),
            b"\x81\x05hi"
        );
        assert_eq!(
            encode(&format!("text hi --form 16 {server}")),
            b"\x81\x7E\x00\x02hi"
        );
        assert_eq!(
            encode(&format!("text hi --form 64 {server}")),
            b"\x81\x7F\0\0\0\0\0\0\0\x02hi"
        );
        assert_eq!(
            encode(&format!("text hi --length 300 --form 7 {server}")),
            b"\x81\x2Chi"
        );
    }
}

mod wrong_use {
    use super::*;

    #[test]
    fn exits_2_and_says_why() {
        for args in [
            &["encode"][..],
            &["encode", "letter"],
            &["encode", "text", "a", "--rsv", "8"],
            &["encode", "text", "a", "--opcode", "16"],
            &["encode", "text", "a", "--fin", "yes"],
            &["encode", "text", "a", "--key", "0102"],
            &["encode", "text", "a", "--fragments", "0"],
            &["encode", "text", "a", "--fragments", "1+1"],
            &["encode", "text", "a", "--form", "8"],
            &["encode", "binary", "zz"],
            &["encode", "close", "soon"],
        ] {
            let Run { code, stderr, .. } = run(args);
            assert_eq!(code, 2, "{args:?}");
            assert!(!stderr.is_empty(), "{args:?}");
        }
    }

    #[test]
    fn is_not_a_payload_like_an_option_behind_two_dashes() {
        assert_eq!(encode("text --role server -- --raw"), b"\x81\x05--raw");
        assert_eq!(hex(&encode("text --role server a b")), "81 03 61 20 62");
        assert_eq!(encode("text - --role server"), b"\x81\x00");
        assert_eq!(frame(plainws::Role::Server, TEXT, b""), b"\x81\x00");
    }
}
