//! What the lab's page may ask for, and what it is told.

use crate::support::bytes::{
    BINARY, CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGIN, close_body, frame,
};
use crate::support::lab::{Tap, hex};
use crate::support::program::Program;
use crate::support::raw::{KEY, Raw, upgrade_request};
use crate::support::run::run_with;
use plainws::protocol::rule::Answer;
use plainws::{Role, Rule};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

fn opened() -> (Program, Tap, Raw) {
    let program = Program::serve(&[]);
    let mut tap = Tap::open(&program);
    let echo = tap.echo(&program, "a");
    (program, tap, echo)
}

fn decoded(arguments: &[&str], stream: &[u8]) -> Value {
    let arguments = [&["decode", "--json"], arguments].concat();
    let run = run_with(&arguments, stream);
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("JSON, not {run:?}"))
}

mod judge {
    use super::*;

    #[test]
    fn says_of_every_rule_and_side_what_decode_says() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut judged = 0;
        for rule in Rule::ALL {
            for role in [Role::Client, Role::Server] {
                let Some(bytes) = rule.example(role) else {
                    continue;
                };
                let judgement = tap.judge(role.name(), &[hex(bytes)]);
                let mut arguments = vec!["--raw", "--role", role.name()];
                if role == Role::Server {
                    arguments.extend(["--key", KEY, "--subprotocols", ""]);
                }
                arguments.extend(["--extensions", ""]);
                let stream = &judgement["stream"];
                assert_eq!(*stream, decoded(&arguments, bytes), "{}", rule.id());
                assert_eq!(stream["violation"]["rule"], rule.id());
                if let Some(code) = rule.close_code() {
                    // What the other end would really send: a Close with that code.
                    let wire = judgement["answer"]["wire"].as_str().expect("it answers");
                    let answer = decoded(&[wire], b"");
                    let frames = answer["frames"].as_array().expect("frames");
                    let last = frames.last().expect("a frame");
                    assert_eq!(last["payload.close.status_code"], code.0, "{answer}");
                }
                judged += 1;
            }
        }
        assert!(judged > 60, "{judged}");
    }

    #[test]
    fn tells_the_same_events_however_a_stream_is_cut() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let frames = [
            (TEXT_BEGIN, "caf\u{e9}".as_bytes()),
            (PING, b"hi"),
            (LAST, "\u{1f600}!".as_bytes()),
            (BINARY, b"\0\xff"),
            (PONG, b""),
            (CLOSE, &close_body(1000, b"bye")),
        ];
        for role in [Role::Client, Role::Server] {
            let frames = frames.map(|(byte0, payload)| frame(role, byte0, payload));
            let stream = frames.concat();
            let whole = tap.judge(role.name(), &[hex(&stream)]);
            let expected = json!([
                {"ping": "6869"},
                {"message": "text", "text": "caf\u{e9}\u{1f600}!"},
                {"message": "binary", "payload": "00ff"},
                {"pong": ""},
                {"close": 1000, "reason": "bye"},
            ]);
            assert_eq!(whole["events"], expected);
            let mut cuts: Vec<Vec<String>> = (1..stream.len())
                .map(|at| vec![hex(&stream[..at]), hex(&stream[at..])])
                .collect();
            cuts.push(stream.iter().map(|byte| hex(&[*byte])).collect());
            cuts.push(stream.chunks(3).map(hex).collect());
            for pieces in cuts {
                let judgement = tap.judge(role.name(), &pieces);
                assert_eq!(judgement["events"], expected, "{pieces:?}");
                assert_eq!(judgement["stream"], whole["stream"], "{pieces:?}");
                let told = judgement["pieces"].as_array().expect("pieces");
                let completed = told
                    .iter()
                    .flat_map(|piece| piece["frames"].as_array().expect("numbers"));
                let completed: Vec<_> = completed.filter_map(Value::as_u64).collect();
                assert_eq!(completed, [0, 1, 2, 3, 4, 5], "{pieces:?}");
                assert!(told.iter().all(|piece| piece["said"] != ""), "{pieces:?}");
                let mut offset = 0;
                for (piece, told) in pieces.iter().zip(told) {
                    let place = (told["offset"].as_u64(), told["length"].as_u64());
                    let length = piece.len() as u64 / 2;
                    assert_eq!(place, (Some(offset), Some(length)), "{pieces:?}");
                    offset += length;
                }
            }
        }
    }

    #[test]
    fn says_what_each_piece_amounts_to() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        for (sender, pieces, expected) in [
            (
                "client",
                &["8185", "37fa213d7f9f4d", "5158", "82fe00"][..],
                &[
                    "9 more bytes",
                    "2 more bytes",
                    "text “Hello”",
                    "at least 5 more bytes",
                ][..],
            ),
            (
                "server",
                &[
                    "810568656c6c6f8900",
                    "0103616263",
                    "80",
                    "02c3a9",
                    "c1",
                    "00",
                ],
                &[
                    "text “hello”, then ping",
                    "text “abc”, not final",
                    "at least 1 more byte",
                    "continuation “é”",
                    "breaks rsv-not-zero",
                    "not read",
                ],
            ),
            (
                "server",
                &["820300", "ff01", "8802", "03e8", "00"],
                &[
                    "2 more bytes",
                    "binary 3 bytes",
                    "2 more bytes",
                    "close 1000",
                    "not read",
                ],
            ),
            (
                "client",
                &["474554", "202f20485454502f312e310d0a", "0d0a"],
                &[
                    "more of the request",
                    "more of the request",
                    "breaks host-invalid",
                ],
            ),
        ] {
            let pieces: Vec<_> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
            let judgement = tap.judge(sender, &pieces);
            let said = judgement["pieces"].as_array().expect("pieces").iter();
            let said: Vec<_> = said
                .map(|piece| piece["said"].as_str().expect("words"))
                .collect();
            assert_eq!(said, expected, "{pieces:?}");
        }
    }

    #[test]
    fn answers_pings_and_closes_as_the_other_end_would() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let judgement = tap.judge("client", &[hex(&frame(Role::Client, PING, b"hi"))]);
        assert_eq!(judgement["answer"], json!({"wire": "8a026869"}));
        let judgement = tap.judge("client", &[hex(&frame(Role::Client, TEXT, b"hi"))]);
        assert_eq!(judgement["answer"], Value::Null);
        // A client masks its own.
        let judgement = tap.judge("server", &["8900".into()]);
        let wire = judgement["answer"]["wire"].as_str().expect("a pong");
        assert_eq!((wire.len(), &wire[..4]), (12, "8a80"));
    }
}

mod withstands {
    use super::*;

    const ANSWER: &str = "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    /// The sentence that a command is refused with.
    #[track_caller]
    fn refused(command: Value) -> String {
        let program = Program::serve(&[]);
        let error = Tap::open(&program).ask(command);
        error.expect_err("it is too much")
    }

    #[test]
    fn many_frames_after_a_head() {
        for (sender, head, frame) in [
            ("client", upgrade_request("/"), "898000000000"),
            ("server", ANSWER.to_owned(), "8900"),
        ] {
            let pieces = [hex(head.as_bytes()), frame.repeat(513)];
            let command = json!({"do": "judge", "sender": sender, "pieces": pieces});
            let error = refused(command);
            assert!(error.contains("more than 512 frames"), "{error}");
        }
    }

    #[test]
    fn a_message_that_inflates_to_a_thousand_times_its_length() {
        const MIB: usize = 1024 * 1024;
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        let with_offer = |head: String| head.trim_end().to_owned() + "\r\n" + offer;
        let mut bomb = miniz_oxide::deflate::compress_to_vec(&vec![1; MIB], 9);
        bomb.push(0);
        assert!(bomb.len() < 2000);
        let client = [
            with_offer(upgrade_request("/")).as_bytes(),
            &frame(Role::Client, 0xC1, &bomb),
        ]
        .concat();
        let server = hex(with_offer(ANSWER.to_owned()).as_bytes());
        let text = format!("> {}\n< {server}\n", hex(&client));
        let error = refused(json!({"do": "open", "text": text}));
        assert!(error.contains("more than 256 KiB"), "{error}");
    }
}

mod makes {
    use super::*;

    fn fields(changes: Value) -> Value {
        let mut fields = json!({
            "fin": true, "rsv": 0, "opcode": 1, "masked": true, "key": "37fa213d",
            "form": null, "length": null, "payload": "48656c6c6f",
        });
        for (name, value) in changes.as_object().expect("an object") {
            fields[name] = value.clone();
        }
        json!({"do": "make", "fields": fields})
    }

    #[test]
    fn any_frame_of_its_fields() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        for (changes, wire) in [
            (json!({}), "818537fa213d7f9f4d5158"),
            (json!({"masked": false}), "810548656c6c6f"),
            (json!({"masked": false, "key": null}), "810548656c6c6f"),
            (
                json!({"fin": false, "rsv": 4, "opcode": 15, "masked": false}),
                "4f0548656c6c6f",
            ),
            (json!({"form": 16, "masked": false}), "817e000548656c6c6f"),
            (
                json!({"form": 64, "masked": false}),
                "817f000000000000000548656c6c6f",
            ),
            (json!({"length": 125, "masked": false}), "817d48656c6c6f"),
            (
                json!({"length": 126, "masked": false}),
                "817e007e48656c6c6f",
            ),
            (
                json!({"length": u64::MAX, "masked": false, "payload": ""}),
                "817fffffffffffffffff",
            ),
        ] {
            let made = tap.ask(fields(changes.clone())).expect("it can be made");
            assert_eq!(made, json!({"wire": wire}), "{changes}");
        }
        let one = tap
            .ask(fields(json!({"key": null})))
            .expect("it can be made");
        let wire = one["wire"].as_str().expect("hex");
        assert!(
            wire.starts_with("8185") && wire.len() == 22,
            "a key of its own: {wire}"
        );
    }

    #[test]
    fn none_of_fields_that_no_frame_has() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        for (changes, about) in [
            (json!({"rsv": 8}), "\"rsv\" is a number from 0 to 7"),
            (json!({"opcode": 16}), "\"opcode\" is a number from 0 to 15"),
            (json!({"opcode": -1}), "\"opcode\" is a number"),
            (json!({"key": "37fa21"}), "a key has four bytes"),
            (json!({"form": 8}), "7, 16 or 64 bits"),
            (json!({"payload": "0"}), "not hex: \"0\""),
            (json!({"payload": null}), "\"payload\" is a text"),
            (json!({"fin": 1}), "\"fin\" is true or false"),
        ] {
            let error = tap.ask(fields(changes)).expect_err("it cannot be made");
            assert!(error.contains(about), "{error}");
        }
        assert_eq!(
            tap.ask(json!({"do": "make"})),
            Err("\"fields\" is an object".into())
        );
    }
}

mod what_is_no_command {
    use super::*;

    #[test]
    fn is_answered_with_a_sentence() {
        let (_program, mut tap, _echo) = opened();
        let many: Vec<_> = (0..1025).map(|_| "00").collect();
        for (command, about) in [
            (json!({}), "\"do\" is a text"),
            (json!({"do": "dance"}), "no such command: \"dance\""),
            (json!({"do": "judge"}), "\"sender\" is a text"),
            (
                json!({"do": "judge", "sender": "me", "pieces": []}),
                "\"client\" or \"server\"",
            ),
            (
                json!({"do": "judge", "sender": "client"}),
                "\"pieces\" is a list",
            ),
            (
                json!({"do": "judge", "sender": "client", "pieces": []}),
                "no bytes",
            ),
            (
                json!({"do": "judge", "sender": "client", "pieces": [1]}),
                "is hex",
            ),
            (
                json!({"do": "judge", "sender": "client", "pieces": ["8g"]}),
                "not hex: \"8g\"",
            ),
            (
                json!({"do": "judge", "sender": "client", "pieces": many}),
                "at most 1024",
            ),
            (
                json!({"do": "judge", "sender": "server", "pieces": ["8900".repeat(513)]}),
                "more than 512 frames",
            ),
            (json!({"do": "open", "text": "what?"}), ""),
            (json!({"do": "open", "text": ""}), ""),
            (
                json!({"do": "open", "text": "#1 > 81 80 00 00 00 00\n#2 < 81 00\n"}),
                "this has 2 connections",
            ),
            (json!({"do": "ping", "c": "b"}), "no connection \"b\""),
            (json!({"do": "ping"}), "\"c\" is a text"),
            (
                json!({"do": "ping", "c": "a", "payload": "00".repeat(126)}),
                "at most 125 bytes",
            ),
            (
                json!({"do": "close", "c": "a", "code": 65_536}),
                "0 to 65535",
            ),
            (json!({"do": "close", "c": "a", "code": 1006}), "1006"),
            (
                json!({"do": "close", "c": "a", "reason": "bye"}),
                "needs a code",
            ),
            (json!({"do": "raw", "c": "a"}), "\"hex\" is a text"),
            (
                json!({"do": "send", "c": "a", "kind": "song", "payload": ""}),
                "\"text\" or \"binary\"",
            ),
            (
                json!({"do": "send", "c": "a", "kind": "text", "payload": "00", "fragments": [2]}),
                "1 bytes together",
            ),
            (
                json!({"do": "send", "c": "a", "kind": "text", "payload": "", "fragments": []}),
                "0 bytes together",
            ),
            (
                json!({"do": "send", "c": "a", "kind": "text", "payload": "00", "fragments": [u64::MAX, 2]}),
                "together",
            ),
            (
                json!({"do": "send", "c": "a", "kind": "text", "payload": "00", "ping_between": ""}),
                "needs two",
            ),
            (json!({"do": "news", "every": 0.1}), "0.2 to 10 seconds"),
            (json!({"do": "news", "every": 11}), "0.2 to 10 seconds"),
            (json!({"do": "news"}), "0.2 to 10 seconds"),
        ] {
            let error = tap.ask(command.clone()).expect_err("it cannot be done");
            assert!(
                error.contains(about) && !error.is_empty(),
                "{command}: {error}"
            );
        }
        for (text, about) in [
            ("", "not JSON"),
            ("[]", "a JSON object"),
            ("{\"n\":7", "not JSON"),
        ] {
            let error = tap.ask_as_it_is(text).expect_err("it cannot be done");
            assert!(error.contains(about), "{error}");
        }
        assert!(tap.ask(json!({"do": "time"})).is_ok(), "it goes on");
    }
}

mod on_a_connection {
    use super::*;

    #[test]
    fn pings_and_their_pongs_are_seen() {
        let (_program, mut tap, mut echo) = opened();
        assert_eq!(
            tap.ask(json!({"do": "ping", "c": "a", "payload": "00000000"})),
            Ok(json!({}))
        );
        echo.expect_frame(PING, [0; 4]);
        echo.send(b"\x8a\x84\x37\xfa\x21\x3d\x37\xfa\x21\x3d");
        assert_eq!(tap.next()["frame"]["opcode_name"], "ping");
        let pong = &tap.next()["frame"];
        assert_eq!(
            (&pong["masked_payload"], &pong["payload"]),
            (&pong["masking_key"], &json!("00000000"))
        );
    }

    #[test]
    fn messages_are_sent_whole_or_in_fragments_and_pings_between_them() {
        let (_program, mut tap, mut echo) = opened();
        let payload = "48656c6c6f";
        for (more, frames) in [
            (json!({}), &[(TEXT, &b"Hello"[..])][..]),
            (json!({"kind": "binary"}), &[(BINARY, b"Hello")]),
            (
                json!({"fragments": [2, 0, 3]}),
                &[(TEXT_BEGIN, b"He"), (MORE, b""), (LAST, b"llo")],
            ),
            (
                json!({"fragments": [3, 2], "ping_between": "21"}),
                &[(TEXT_BEGIN, b"Hel"), (PING, b"!"), (LAST, b"lo")],
            ),
        ] {
            let mut command = json!({"do": "send", "c": "a", "kind": "text", "payload": payload});
            for (name, value) in more.as_object().expect("an object") {
                command[name] = value.clone();
            }
            assert_eq!(tap.ask(command), Ok(json!({})));
            for (byte0, payload) in frames {
                echo.expect_frame(*byte0, payload);
            }
        }
    }

    #[test]
    fn any_bytes_are_sent_as_they_are_and_judged() {
        let (_program, mut tap, mut echo) = opened();
        let masked = "818537fa213d7f9f4d5158";
        assert_eq!(
            tap.ask(json!({"do": "raw", "c": "a", "hex": masked})),
            Ok(json!({}))
        );
        let (_, _, payload) = echo.masked_frame();
        assert_eq!(payload, b"Hello");
        let broken = &tap.next()["frame"];
        assert_eq!(
            (&broken["status"], &broken["rule"]),
            (&json!("violation"), &json!("mask-present"))
        );
    }

    #[test]
    fn it_is_closed_with_a_code_or_without() {
        for (command, body) in [
            (
                json!({"code": 1001, "reason": "bye"}),
                close_body(1001, b"bye"),
            ),
            (json!({"code": 4000}), close_body(4000, b"")),
            (json!({"code": null, "reason": ""}), Vec::new()),
        ] {
            let (_program, mut tap, mut echo) = opened();
            let mut command = command;
            command["do"] = "close".into();
            command["c"] = "a".into();
            assert_eq!(tap.ask(command), Ok(json!({})));
            echo.expect_frame(CLOSE, &body);
            echo.send_frame(CLOSE, &body);
            echo.expect_fin();
            drop(echo);
            let code = if body.is_empty() {
                1005
            } else {
                u16::from_be_bytes([body[0], body[1]])
            };
            let end = tap.next_of("end");
            assert_eq!(
                (&end["close_code"], &end["ended_by"]),
                (&json!(code), &json!("server"))
            );
        }
    }

    #[test]
    fn who_ended_it_is_told() {
        let (program, mut tap, mut echo) = opened();
        assert_eq!(tap.ask(json!({"do": "cut", "c": "a"})), Ok(json!({})));
        assert_eq!(echo.until_end(), b"", "no Close");
        let end = tap.next_of("end");
        assert_eq!(
            (&end["close_code"], &end["ended_by"]),
            (&json!(1006), &json!("cut"))
        );
        let mut echo = tap.echo(&program, "b");
        echo.send_fin();
        echo.until_end();
        let end = tap.next_of("end");
        assert_eq!(
            (&end["close_code"], &end["ended_by"]),
            (&json!(1006), &json!("client"))
        );
    }
}

mod tells {
    use super::*;

    #[test]
    fn from_the_key_to_the_accept_value_and_what_is_wrong_with_another() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let mut derived = |key: &str, accept: Value| {
            tap.ask(json!({"do": "handshake", "key": key, "accept": accept}))
                .expect("it can be derived")
        };
        let right = derived(KEY, json!("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(
            (&right["mistake"], &right["key_is_valid"]),
            (&Value::Null, &json!(true))
        );
        assert_eq!(right["steps"]["accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(
            right["steps"]["sha1"],
            "b37a4f2cc0624f1690f64606cf385945b2bec4ea"
        );
        assert_eq!(right["shell"].as_array().map(Vec::len), Some(4));
        assert_eq!(derived(KEY, Value::Null)["mistake"], Value::Null);
        let wrong = derived(KEY, json!("hHLtf2V1k8aDQZfNjw3Ia1hCwt0="));
        assert_eq!(
            wrong["mistake"],
            "no GUID. Append the GUID to the key before hashing"
        );
        let wrong = derived(KEY, json!("?"));
        assert_eq!(wrong["mistake"], "this is not base64 at all");
        assert_eq!(derived("abc", Value::Null)["key_is_valid"], false);
    }

    #[test]
    fn what_decode_says_of_a_text() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        for text in [
            "81 85 37 fa 21 3d 7f 9f 4d 51 58",
            "00000000  81 05 48 65 6c 6c 6f                              |..Hello|",
            "> 81 85 37 fa 21 3d 7f 9f 4d 51 58\n< 81 05 48 65 6c 6c 6f\n",
        ] {
            let opened = tap
                .ask(json!({"do": "open", "text": text}))
                .expect("it can be read");
            assert_eq!(opened, decoded(&[], text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_time_and_how_many_threads_there_are() {
        let (_program, mut tap, _echo) = opened();
        let time = tap.ask(json!({"do": "time"})).expect("it can be told");
        let time = time["time"].as_str().expect("a time");
        assert_eq!(time.len(), "2019.04.24 19:15:40".len(), "{time}");
        let threads = tap.ask(json!({"do": "threads"})).expect("it can be told");
        assert_eq!(
            (&threads["connections"], &threads["threads"]),
            (&json!(2), &json!(2))
        );
        assert_eq!(threads["stack_bytes"], 512 * 1024);
    }

    #[test]
    fn no_more_than_twenty_times_a_second() {
        let program = Program::serve(&[]);
        let mut tap = Tap::open(&program);
        let began = Instant::now();
        for _ in 0..28 {
            tap.raw.send_frame(TEXT, r#"{"n":7,"do":"time"}"#);
        }
        for _ in 0..28 {
            assert_eq!(tap.next()["type"], "answer");
        }
        // Twenty at once, then one each 50 ms.
        assert!(began.elapsed() >= Duration::from_millis(8 * 50));
    }

    #[test]
    fn every_rule_with_its_places_and_examples() {
        let program = Program::serve(&[]);
        let mut raw = program.connect();
        raw.send("GET /lab/rules.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = raw.response();
        assert_eq!(response.header("Content-Type"), Some("application/json"));
        let rules: Value = serde_json::from_slice(&response.body).expect("it is JSON");
        let rules = rules.as_array().expect("a list");
        assert_eq!(rules.len(), Rule::ALL.len());
        for (rule, told) in Rule::ALL.iter().zip(rules) {
            assert_eq!(told["id"], rule.id());
            for role in [Role::Client, Role::Server] {
                let example = rule.example(role).map(hex);
                assert_eq!(
                    told["examples"][role.name()],
                    json!(example),
                    "{}",
                    rule.id()
                );
            }
            let is_head = rule.close_code().is_none();
            assert_eq!(
                (&told["is_head"], told["stage"] == "head"),
                (&json!(is_head), is_head)
            );
            let has_example = |role: &Role| rule.example(*role).is_some();
            let binds = [Role::Client, Role::Server].into_iter().filter(has_example);
            let binds: Vec<_> = binds.map(Role::name).collect();
            assert_eq!(told["binds"], json!(binds), "{}", rule.id());
            let code = rule.close_code().map(|code| code.0);
            let status = match rule.answer() {
                Answer::Status(status) => Some(status),
                _ => None,
            };
            for (name, due) in [
                ("section", json!(rule.section().0)),
                ("clause", json!(rule.clause())),
                ("field", json!(rule.field().name())),
                ("close_code", json!(code)),
                ("status", json!(status)),
            ] {
                assert_eq!(told[name], due, "{name} of {}", rule.id());
            }
            let answer = told["answer"].as_str().expect("words");
            if let Some(number) = code.or(status) {
                assert!(answer.contains(&number.to_string()), "{answer}");
            }
            for name in ["judged", "tested"] {
                let place = &told[name];
                let [file, function] =
                    ["file", "function"].map(|it| place[it].as_str().expect("text"));
                let text =
                    fs::read_to_string(file).unwrap_or_else(|_| panic!("{file} is not there"));
                let name = function.rsplit("::").next().expect("a name");
                assert!(
                    text.contains(&format!("fn {name}")),
                    "{file} has no {function}"
                );
            }
        }
        let limits = rules.iter().filter(|rule| rule["is_limit"] == true);
        let limits: Vec<_> = limits.map(|rule| &rule["id"]).collect();
        let due = [
            Rule::MessageTooBig,
            Rule::TooManyFragments,
            Rule::RequestLineTooLong,
            Rule::HeadTooLarge,
            Rule::TooManyHeaders,
        ];
        assert_eq!(limits.len(), due.len());
        for rule in due {
            assert!(limits.contains(&&json!(rule.id())), "{}", rule.id());
        }
    }
}
