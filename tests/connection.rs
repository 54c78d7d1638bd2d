//! The state machine of an open connection, in both roles: bytes in, events and bytes out.

use crate::support::bytes::{
    BINARY, BINARY_BEGIN, BOTH, CLOSE, Frame, KEY, LAST, MORE, Outcome, PING, PONG, TEXT,
    TEXT_BEGIN, close_body, connection, frame, play, receive, sent, wire,
};
use plainws::protocol::connection::{Connection, Event, Misuse, State};
use plainws::protocol::message::Limits;
use plainws::protocol::outbox::Chunk;
use plainws::{CloseCode, Message, Outgoing, PreparedMessage, Role, Rule};

fn new(role: Role) -> Connection {
    connection(role, Limits::default())
}

/// What the peer's `frames` make of a new connection of that role, under all cuts.
fn after(role: Role, frames: &[Frame<'_>]) -> Outcome {
    play(role, Limits::default(), &wire(role.peer(), frames))
}

mod s5_7_examples {
    use super::*;

    #[test]
    fn a_client_understands_unmasked_frames() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x81\x05\x48\x65\x6c\x6c\x6f", "text Hello"),
            (b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", "text Hello"),
            (b"\x89\x05\x48\x65\x6c\x6c\x6f", "ping Hello"),
        ];
        for (stream, seen) in cases {
            assert_eq!(play(Role::Client, Limits::default(), stream).seen, [*seen]);
        }
    }

    #[test]
    fn a_server_understands_masked_frames() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                "text Hello",
            ),
            (
                b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                "pong Hello",
            ),
        ];
        for (stream, seen) in cases {
            assert_eq!(play(Role::Server, Limits::default(), stream).seen, [*seen]);
        }
    }

    #[test]
    fn binary_of_256_bytes_and_of_64_kib_passes() {
        for (length, header) in [
            (256, &b"\x82\x7E\x01\x00"[..]),
            (65_536, b"\x82\x7F\0\0\0\0\0\x01\0\0"),
        ] {
            let payload = vec![0xA5; length];
            let mut client = new(Role::Client);
            let mut stream = [header, &payload].concat();
            let event = Event::Message(Message::Binary(payload));
            assert_eq!(
                client.receive(&mut stream),
                Ok((header.len() + length, Some(event)))
            );
        }
    }

    #[test]
    fn the_same_bytes_are_sent() {
        let mut output = Vec::new();
        let mut server = new(Role::Server);
        server.send("Hello").unwrap();
        server.take_output(&mut output);
        assert_eq!(output, b"\x81\x05\x48\x65\x6c\x6c\x6f");

        let mut client = Connection::client(Limits::default(), Box::new(|| KEY));
        client.send("Hello").unwrap();
        client.take_output(&mut output);
        assert_eq!(output, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }
}

mod s5_2_reserved_bits {
    use super::*;
    use crate::support::bytes::bits;

    #[test]
    fn a_reserved_bit_is_seen_in_the_first_byte() {
        #[rustfmt::skip]
        let rows = [
            //                        F RSV op
            ("RSV1",                 "1 100 0001"),
            ("RSV2",                 "1 010 0001"),
            ("RSV3",                 "1 001 0001"),
            ("all three",            "1 111 0010"),
            ("in a continuation",    "0 100 0000"),
            ("in a ping",            "1 001 1001"),
            ("in a fragmented ping", "0 001 1001"),
            ("in a reserved opcode", "1 100 0011"),
        ];
        for (name, row) in rows {
            for after in [&[][..], &[0x00; 14], &[0x7F; 14], &[0xFF; 14]] {
                for role in BOTH {
                    let mut stream = [&bits(row), after].concat();
                    assert_eq!(
                        new(role).receive(&mut stream),
                        Err(Rule::RsvNotZero),
                        "{name}"
                    );
                }
            }
        }
    }
}

mod s5_1_masking {
    use super::*;

    #[test]
    fn a_server_refuses_unmasked_frames_of_every_opcode() {
        for byte0 in [TEXT, TEXT_BEGIN, BINARY, BINARY_BEGIN, CLOSE, PING, PONG] {
            let stream = frame(Role::Server, byte0, b"");
            let outcome = play(Role::Server, Limits::default(), &stream);
            assert_eq!(outcome.seen, ["! mask-missing"]);
        }
    }

    #[test]
    fn a_client_refuses_masked_frames_of_every_opcode() {
        for byte0 in [TEXT, TEXT_BEGIN, BINARY, BINARY_BEGIN, CLOSE, PING, PONG] {
            let stream = frame(Role::Client, byte0, b"");
            let outcome = play(Role::Client, Limits::default(), &stream);
            assert_eq!(outcome.seen, ["! mask-present"]);
        }
    }

    #[test]
    fn a_wrong_frame_is_refused_later_on_too() {
        let stream = [
            frame(Role::Client, TEXT, b"a"),
            frame(Role::Server, TEXT, b"b"),
        ]
        .concat();
        assert_eq!(
            play(Role::Server, Limits::default(), &stream).seen,
            ["text a", "! mask-missing"]
        );
    }

    #[test]
    fn a_client_takes_a_new_key_for_each_frame() {
        let mut client = new(Role::Client);
        client.send("").unwrap();
        client.send(b"").unwrap();
        client.ping(b"").unwrap();
        client.close(CloseCode::NORMAL, "").unwrap();
        let mut output = Vec::new();
        client.take_output(&mut output);
        assert_eq!(
            output,
            [
                &b"\x81\x80\0\0\0\x01"[..],
                b"\x82\x80\0\0\0\x02",
                b"\x89\x80\0\0\0\x03",
                b"\x88\x82\0\0\0\x04\x03\xE8",
            ]
            .concat()
        );
    }

    #[test]
    fn pongs_and_close_replies_of_a_client_have_their_own_keys() {
        let mut client = new(Role::Client);
        let frames: &[Frame<'_>] = &[(PING, b""), (PING, b""), (CLOSE, b"")];
        receive(&mut client, &wire(Role::Server, frames));
        let mut output = Vec::new();
        client.take_output(&mut output);
        assert_eq!(
            output,
            b"\x8A\x80\0\0\0\x01\x8A\x80\0\0\0\x02\x88\x80\0\0\0\x03"
        );
    }

    #[test]
    fn bytes_after_an_event_are_left_as_they_came() {
        let first = frame(Role::Client, TEXT, b"first");
        let second = frame(Role::Client, TEXT, b"second");
        let mut stream = [&first[..], &second].concat();
        let (used, _) = new(Role::Server).receive(&mut stream).unwrap();
        assert_eq!(used, first.len());
        assert_eq!(stream[used..], second);
    }
}

mod s5_5_2_ping {
    use super::*;

    #[test]
    fn is_answered_with_its_own_bytes() {
        for role in BOTH {
            for payload in [&b""[..], b"x", b"\x00\xFF\xC0", &[b'p'; 125]] {
                let outcome = after(role, &[(PING, payload)]);
                let shown = payload.escape_ascii();
                assert_eq!(outcome.seen, [format!("ping {shown}")]);
                assert_eq!(outcome.sent, [format!("pong {shown}")]);
            }
        }
    }

    #[test]
    fn is_answered_at_once_in_the_middle_of_a_message() {
        for role in BOTH {
            let mut conn = new(role);
            let frames: &[Frame<'_>] = &[(TEXT_BEGIN, b"a"), (PING, b"now")];
            assert_eq!(receive(&mut conn, &wire(role.peer(), frames)), ["ping now"]);
            assert_eq!(sent(role, &mut conn), ["pong now"]);
            let last = frame(role.peer(), LAST, b"b");
            assert_eq!(receive(&mut conn, &last), ["text ab"]);
            assert!(sent(role, &mut conn).is_empty());
        }
    }

    #[test]
    fn each_of_a_few_is_answered_in_order() {
        for role in BOTH {
            let outcome = after(
                role,
                &[(PING, b"1"), (PING, b"2"), (PING, b""), (PING, b"4")],
            );
            assert_eq!(outcome.sent, ["pong 1", "pong 2", "pong ", "pong 4"]);
        }
    }

    #[test]
    fn is_answered_ahead_of_messages_that_wait_to_be_written() {
        for role in BOTH {
            let mut conn = new(role);
            conn.send("queued").unwrap();
            receive(&mut conn, &frame(role.peer(), PING, b"!"));
            conn.send("later").unwrap();
            assert_eq!(
                sent(role, &mut conn),
                ["pong !", "text queued", "text later"]
            );
        }
    }

    #[test]
    fn may_be_sent_with_up_to_125_bytes() {
        for role in BOTH {
            let mut conn = new(role);
            assert_eq!(conn.ping(b""), Ok(()));
            assert_eq!(conn.ping([b'x'; 125]), Ok(()));
            assert_eq!(conn.ping([b'x'; 126]), Err(Misuse::ControlTooLong(126)));
            assert_eq!(
                sent(role, &mut conn),
                ["ping ", &format!("ping {}", "x".repeat(125))]
            );
        }
    }

    mod flood {
        use super::*;

        #[test]
        fn takes_bounded_memory_and_the_latest_ping_wins() {
            for role in BOTH {
                for size in [0, 4, 125] {
                    let mut conn = new(role);
                    for number in 0..5000_u32 {
                        let payload = [&number.to_be_bytes()[..], &[0; 121]].concat();
                        receive(&mut conn, &frame(role.peer(), PING, &payload[..size]));
                        assert!(conn.output_length() < 2048 + 131);
                    }
                    let sent = sent(role, &mut conn);
                    let last = [&4999_u32.to_be_bytes()[..], &[0; 121]].concat();
                    let last = format!("pong {}", last[..size].escape_ascii());
                    assert_eq!(sent.last(), Some(&last));
                }
            }
        }

        #[test]
        fn costs_queued_messages_nothing() {
            for role in BOTH {
                let mut conn = new(role);
                conn.send("kept").unwrap();
                for _ in 0..5000 {
                    receive(&mut conn, &frame(role.peer(), PING, &[0; 125]));
                }
                conn.send("kept too").unwrap();
                let mut sent = sent(role, &mut conn);
                sent.retain(|line| !line.starts_with("pong "));
                assert_eq!(sent, ["text kept", "text kept too"]);
            }
        }
    }
}

mod s5_5_3_pong {
    use super::*;

    #[test]
    fn is_reported_and_not_answered_asked_for_or_not() {
        for role in BOTH {
            let outcome = after(role, &[(PONG, b""), (PONG, b"\xFF unasked")]);
            assert_eq!(outcome.seen, ["pong ", r"pong \xff unasked"]);
            assert!(outcome.sent.is_empty());
        }
    }
}

mod s5_5_1_close_by_the_peer {
    use super::*;

    #[test]
    fn is_answered_with_its_code_and_reason_and_ends_the_connection() {
        for role in BOTH {
            for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999] {
                let outcome = after(role, &[(CLOSE, &close_body(code, "à plus".as_bytes()))]);
                let close = [format!("close {code} à plus")];
                assert_eq!(
                    (&outcome.seen[..], &outcome.sent[..]),
                    (&close[..], &close[..])
                );
                assert_eq!(outcome.state, State::Closed);
                assert_eq!(outcome.close_code, Some(CloseCode(code)));
            }
        }
    }

    #[test]
    fn has_its_whole_reason_repeated_however_long() {
        for role in BOTH {
            for length in [0, 1, 122, 123] {
                let reason = "x".repeat(length % 2) + &"é".repeat(length / 2);
                let outcome = after(role, &[(CLOSE, &close_body(1000, reason.as_bytes()))]);
                assert_eq!(outcome.sent, [format!("close 1000 {reason}")]);
            }
        }
    }

    #[test]
    fn without_a_code_is_answered_without_one_and_reported_as_1005() {
        for role in BOTH {
            let outcome = after(role, &[(CLOSE, b"")]);
            assert_eq!(
                (&outcome.seen[..], &outcome.sent[..]),
                (&["close 1005 ".into()][..], &["close".into()][..])
            );
            assert_eq!(outcome.close_code, Some(CloseCode::NO_STATUS));
        }
    }

    #[test]
    fn is_the_last_thing_that_is_heeded() {
        for role in BOTH {
            let body = close_body(1000, b"first");
            let after_it: &[&[Frame<'_>]] = &[
                &[(TEXT, b"x")],
                &[(PING, b"x")],
                &[(CLOSE, b"")],
                &[(CLOSE, b"\x03\xE9second")],
                &[(0b1111_1111, b"not even a frame")],
            ];
            for frames in after_it {
                let before: [Frame<'_>; 2] = [(TEXT, b"a"), (CLOSE, &body)];
                let outcome = after(role, &[&before, *frames].concat());
                assert_eq!(outcome.seen, ["text a", "close 1000 first"]);
                assert_eq!(outcome.sent, ["close 1000 first"]);
                assert_eq!(outcome.close_code, Some(CloseCode::NORMAL));
            }
        }
    }

    #[test]
    fn is_answered_after_what_was_queued_before() {
        for role in BOTH {
            let mut conn = new(role);
            conn.send("queued").unwrap();
            receive(&mut conn, &wire(role.peer(), &[(PING, b"p"), (CLOSE, b"")]));
            assert_eq!(sent(role, &mut conn), ["pong p", "text queued", "close"]);
        }
    }

    #[test]
    fn forbids_to_send_anything_more() {
        for role in BOTH {
            let mut conn = new(role);
            receive(&mut conn, &frame(role.peer(), CLOSE, b""));
            sent(role, &mut conn);
            all_sending_is_refused(&mut conn);
            assert_eq!(conn.output_length(), 0);
        }
    }

    /// A body that breaks a rule is answered with that rule's code, never echoed.
    #[test]
    fn with_a_wrong_body_breaks_a_rule() {
        let rows: &[(&[u8], &str, &str)] = &[
            (b"\x03", "! close-body-one-byte", "close 1002 "),
            (b"\x00\x00", "! close-code-invalid", "close 1002 "),
            (b"\x03\xE7", "! close-code-invalid", "close 1002 "), // 999
            (b"\x03\xEC", "! close-code-invalid", "close 1002 "), // 1004
            (b"\x03\xED", "! close-code-invalid", "close 1002 "), // 1005
            (b"\x03\xEE", "! close-code-invalid", "close 1002 "), // 1006
            (b"\x03\xF7", "! close-code-invalid", "close 1002 "), // 1015
            (b"\x07\xD0", "! close-code-invalid", "close 1002 "), // 2000
            (b"\x13\x88", "! close-code-invalid", "close 1002 "), // 5000
            (b"\xFF\xFF", "! close-code-invalid", "close 1002 "),
            (b"\x03\xE8\xFF", "! close-reason-not-utf8", "close 1007 "),
            (
                b"\x03\xE8ok\xE2\x82",
                "! close-reason-not-utf8",
                "close 1007 ",
            ),
        ];
        for (role, (body, seen, sent)) in BOTH
            .iter()
            .flat_map(|&role| rows.iter().map(move |row| (role, row)))
        {
            let outcome = after(role, &[(CLOSE, body)]);
            assert_eq!(outcome.seen, [*seen]);
            assert!(
                outcome.sent[0].starts_with(sent) && outcome.sent.len() == 1,
                "{:?}",
                outcome.sent
            );
            assert_eq!(outcome.close_code, Some(CloseCode::ABNORMAL));
        }
    }

    #[test]
    fn with_a_wrong_code_or_reason_fails_before_its_frame_is_complete() {
        for role in BOTH {
            for (bad, seen) in [
                (&b"\x03\xED"[..], "! close-code-invalid"),
                (b"\x03\xE8a\xFF", "! close-reason-not-utf8"),
            ] {
                let body = [bad, &[b'.'; 100]].concat();
                let stream = frame(role.peer(), CLOSE, &body);
                let (until_bad, _) = stream.split_at(stream.len() - 100);
                let mut conn = new(role);
                assert!(receive(&mut conn, &until_bad[..until_bad.len() - 1]).is_empty());
                assert_eq!(
                    receive(&mut conn, &until_bad[until_bad.len() - 1..]),
                    [seen]
                );
            }
        }
    }
}

fn all_sending_is_refused(conn: &mut Connection) {
    assert_eq!(conn.send(Message::from("x")), Err(Misuse::Closed));
    assert_eq!(conn.send("x"), Err(Misuse::Closed));
    assert_eq!(conn.send(b"x"), Err(Misuse::Closed));
    assert_eq!(conn.ping(b"x"), Err(Misuse::Closed));
    assert_eq!(conn.close(CloseCode::NORMAL, "x"), Err(Misuse::Closed));
}

mod s7_1_2_close_by_us {
    use super::*;

    fn closing(role: Role) -> Connection {
        let mut conn = new(role);
        assert_eq!(conn.close(CloseCode::GOING_AWAY, "bye"), Ok(()));
        assert_eq!(sent(role, &mut conn), ["close 1001 bye"]);
        assert_eq!((conn.state(), conn.close_reason()), (State::Closing, None));
        conn
    }

    #[test]
    fn ends_with_the_peers_close_which_is_not_answered_again() {
        for role in BOTH {
            for (body, code) in [
                (close_body(1001, b""), 1001),
                (close_body(4000, b"x"), 4000),
                (vec![], 1005),
            ] {
                let mut conn = closing(role);
                receive(&mut conn, &frame(role.peer(), CLOSE, &body));
                assert_eq!((conn.state(), conn.output_length()), (State::Closed, 0));
                assert_eq!(
                    conn.close_reason().map(|reason| reason.code),
                    Some(CloseCode(code))
                );
            }
        }
    }

    #[test]
    fn lets_the_peer_finish_what_it_says() {
        for role in BOTH {
            let mut conn = closing(role);
            let frames: &[Frame<'_>] =
                &[(TEXT_BEGIN, b"a"), (LAST, b"b"), (PONG, b"c"), (CLOSE, b"")];
            let seen = receive(&mut conn, &wire(role.peer(), frames));
            assert_eq!(seen, ["text ab", "pong c", "close 1005 "]);
            assert_eq!(conn.output_length(), 0);
        }
    }

    #[test]
    fn answers_pings_until_the_peers_close_arrives() {
        for role in BOTH {
            let mut conn = closing(role);
            receive(&mut conn, &frame(role.peer(), PING, b"1"));
            assert_eq!(sent(role, &mut conn), ["pong 1"]);
            let frames: &[Frame<'_>] = &[
                (TEXT_BEGIN, b"a"),
                (PING, b"2"),
                (LAST, b"b"),
                (PING, b""),
                (CLOSE, b""),
                (PING, b"too late"),
            ];
            let seen = receive(&mut conn, &wire(role.peer(), frames));
            assert_eq!(seen, ["ping 2", "text ab", "ping ", "close 1005 "]);
            // Closed, with output left to be written.
            assert_eq!(conn.state(), State::Closed);
            assert_eq!(sent(role, &mut conn), ["pong 2", "pong "]);
        }
    }

    #[test]
    fn lets_a_pong_pass_ahead_of_a_close_that_waits_to_be_written() {
        for role in BOTH {
            let mut conn = new(role);
            conn.close(CloseCode::NORMAL, "").unwrap();
            receive(&mut conn, &frame(role.peer(), PING, b"p"));
            assert_eq!(sent(role, &mut conn), ["pong p", "close 1000 "]);
        }
    }

    #[test]
    fn takes_bounded_memory_for_a_flood_of_pings_and_the_latest_wins() {
        for role in BOTH {
            let mut conn = closing(role);
            for number in 0..5000_u32 {
                let ping = [&number.to_be_bytes()[..], &[b'.'; 121]].concat();
                receive(&mut conn, &frame(role.peer(), PING, &ping));
                assert!(conn.output_length() < 2048 + 131);
            }
            let last = format!("pong \\x00\\x00\\x13\\x87{}", ".".repeat(121));
            assert_eq!(sent(role, &mut conn).last(), Some(&last));
        }
    }

    #[test]
    fn leaves_the_pongs_that_were_due_when_the_peer_breaks_a_rule() {
        for role in BOTH {
            let mut conn = closing(role);
            let frames: &[Frame<'_>] = &[(PING, b"p"), (TEXT, b"\xFF"), (PING, b"too late")];
            let seen = receive(&mut conn, &wire(role.peer(), frames));
            assert_eq!(seen, ["ping p", "! text-not-utf8"]);
            assert_eq!(conn.state(), State::Closed);
            assert_eq!(sent(role, &mut conn), ["pong p"]);
        }
    }

    #[test]
    fn gives_a_clients_pong_a_key_of_its_own() {
        let mut client = new(Role::Client);
        client.close(CloseCode::NORMAL, "").unwrap();
        let mut output = Vec::new();
        client.take_output(&mut output);
        assert_eq!(output, b"\x88\x82\0\0\0\x01\x03\xE8");
        receive(&mut client, &frame(Role::Server, PING, b""));
        client.take_output(&mut output);
        assert_eq!(output, b"\x8A\x80\0\0\0\x02");
    }

    #[test]
    fn forbids_to_send_anything_more() {
        for role in BOTH {
            let mut conn = closing(role);
            all_sending_is_refused(&mut conn);
            assert_eq!(conn.output_length(), 0);
        }
    }

    #[test]
    fn is_not_followed_by_a_second_close_when_the_peer_breaks_a_rule() {
        for role in BOTH {
            let mut conn = closing(role);
            let frames: &[Frame<'_>] = &[(TEXT, b"\xFF"), (TEXT, b"x"), (CLOSE, b"")];
            assert_eq!(
                receive(&mut conn, &wire(role.peer(), frames)),
                ["! text-not-utf8"]
            );
            assert_eq!((conn.state(), conn.output_length()), (State::Closed, 0));
            assert_eq!(
                conn.close_reason().map(|reason| reason.code),
                Some(CloseCode::ABNORMAL)
            );
        }
    }

    #[test]
    fn may_cross_the_peers() {
        let (mut client, mut server) = (new(Role::Client), new(Role::Server));
        client.close(CloseCode::NORMAL, "from client").unwrap();
        server.close(CloseCode::GOING_AWAY, "from server").unwrap();
        let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
        client.take_output(&mut from_client);
        server.take_output(&mut from_server);
        assert_eq!(
            receive(&mut client, &from_server),
            ["close 1001 from server"]
        );
        assert_eq!(
            receive(&mut server, &from_client),
            ["close 1000 from client"]
        );
        for conn in [client, server] {
            assert_eq!((conn.state(), conn.output_length()), (State::Closed, 0));
        }
    }

    #[test]
    fn is_written_after_what_was_queued_before() {
        for role in BOTH {
            let mut conn = new(role);
            conn.send("queued").unwrap();
            receive(&mut conn, &frame(role.peer(), PING, b"p"));
            conn.close(CloseCode::NORMAL, "").unwrap();
            assert_eq!(
                sent(role, &mut conn),
                ["pong p", "text queued", "close 1000 "]
            );
        }
    }

    #[test]
    fn takes_only_codes_that_may_be_sent() {
        for role in BOTH {
            for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(CloseCode) {
                let mut conn = new(role);
                assert_eq!(conn.close(code, ""), Err(Misuse::CloseCode(code)));
                assert_eq!((conn.state(), conn.output_length()), (State::Open, 0));
            }
        }
    }

    #[test]
    fn with_a_long_reason_is_cut_to_fit_a_control_frame() {
        for role in BOTH {
            let mut conn = new(role);
            conn.close(CloseCode::NORMAL, &"é".repeat(100)).unwrap();
            assert_eq!(
                sent(role, &mut conn),
                [format!("close 1000 {}", "é".repeat(61))]
            );
        }
    }
}

mod s7_2_1_end_of_input {
    use super::*;

    fn eof_after(role: Role, frames: &[Frame<'_>], cut: usize) -> Connection {
        let mut conn = new(role);
        let stream = wire(role.peer(), frames);
        receive(&mut conn, &stream[..stream.len() - cut]);
        sent(role, &mut conn);
        conn.receive_eof();
        conn
    }

    #[test]
    fn without_a_close_is_1006_wherever_it_comes() {
        for role in BOTH {
            let rows: &[(&[Frame<'_>], usize)] = &[
                (&[], 0),
                (&[(TEXT, b"a")], 0),
                (&[(TEXT_BEGIN, b"a")], 0),
                (&[(TEXT, b"abc")], 1),
                (&[(CLOSE, b"\x03\xE8")], 1),
            ];
            for &(frames, cut) in rows {
                let mut conn = eof_after(role, frames, cut);
                assert_eq!((conn.state(), conn.output_length()), (State::Closed, 0));
                assert_eq!(
                    conn.close_reason().map(|reason| reason.code),
                    Some(CloseCode::ABNORMAL)
                );
                all_sending_is_refused(&mut conn);
            }
        }
    }

    #[test]
    fn after_our_close_is_1006_too() {
        for role in BOTH {
            let mut conn = new(role);
            conn.close(CloseCode::NORMAL, "").unwrap();
            conn.receive_eof();
            assert_eq!(sent(role, &mut conn), ["close 1000 "]);
            assert_eq!(conn.state(), State::Closed);
            assert_eq!(
                conn.close_reason().map(|reason| reason.code),
                Some(CloseCode::ABNORMAL)
            );
        }
    }

    #[test]
    fn after_the_peers_close_changes_nothing() {
        for role in BOTH {
            let conn = eof_after(role, &[(CLOSE, &close_body(1001, b"bye"))], 0);
            let reason = conn.close_reason().unwrap();
            assert_eq!(
                (reason.code, &reason.reason[..]),
                (CloseCode::GOING_AWAY, "bye")
            );
        }
    }

    #[test]
    fn tells_how_much_of_the_message_that_has_begun_has_arrived() {
        let table: &[(&[Frame<'_>], usize, Option<u64>)] = &[
            (&[], 0, None),
            (&[(BINARY, &[7; 100])], 40, Some(60)),
            (&[(BINARY, &[7; 100])], 0, None),
            (&[(TEXT_BEGIN, b"abc")], 0, Some(3)),
            (&[(TEXT_BEGIN, b"")], 0, Some(0)),
            (&[(TEXT_BEGIN, b"abc"), (PING, b"ping")], 2, Some(3)),
            (
                &[(TEXT_BEGIN, b"abc"), (PING, b"ping"), (LAST, b"defg")],
                1,
                Some(6),
            ),
            (
                &[(TEXT_BEGIN, b"abc"), (LAST, b"defg"), (TEXT, b"hi")],
                1,
                Some(1),
            ),
        ];
        for role in BOTH {
            for (frames, missing, expected) in table {
                let mut conn = new(role);
                let bytes = wire(role.peer(), frames);
                receive(&mut conn, &bytes[..bytes.len() - missing]);
                assert_eq!(conn.message_progress(), *expected, "{frames:?}");
            }
        }
    }

    #[test]
    fn is_seen_to_be_clean_only_between_messages() {
        for role in BOTH {
            let message = wire(
                role.peer(),
                &[(TEXT_BEGIN, b"ab"), (PING, b"c"), (LAST, b"d")],
            );
            for cut in 0..=message.len() {
                let mut conn = new(role);
                receive(&mut conn, &message[..cut]);
                let is_between = cut == 0 || cut == message.len();
                assert_eq!(conn.is_between_messages(), is_between, "{cut}");
                conn.receive_eof();
                assert_eq!(conn.is_between_messages(), is_between, "{cut}, at the end");
            }
        }
    }
}

mod s6_1_sending {
    use super::*;

    #[test]
    fn each_message_is_one_frame_of_its_type() {
        for role in BOTH {
            let mut conn = new(role);
            conn.send("text").unwrap();
            conn.send(b"\x00\xFF").unwrap();
            conn.send(Message::from("a String")).unwrap();
            conn.send(Message::from(&b"a Vec"[..])).unwrap();
            conn.send("").unwrap();
            let all = [
                "text text",
                r"binary \x00\xff",
                "text a String",
                "binary a Vec",
                "text ",
            ];
            assert_eq!(sent(role, &mut conn), all);
            assert!(sent(role, &mut conn).is_empty());
        }
    }

    #[test]
    fn what_one_end_sends_the_other_receives_at_each_length_border() {
        for role in BOTH {
            for length in [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 65_537] {
                let (mut sender, mut receiver) = (new(role), new(role.peer()));
                let message = Message::from(vec![0x5A; length]);
                sender.send(message.clone()).unwrap();
                let mut stream = Vec::new();
                sender.take_output(&mut stream);
                let mask = if role == Role::Client { 4 } else { 0 };
                let header = mask
                    + if length < 126 {
                        2
                    } else if length < 65_536 {
                        4
                    } else {
                        10
                    };
                assert_eq!(stream.len(), header + length);
                let all = stream.len();
                assert_eq!(
                    receiver.receive(&mut stream),
                    Ok((all, Some(Event::Message(message))))
                );
            }
        }
    }

    #[test]
    fn a_buffer_given_back_leaves_no_trace_in_the_next_message() {
        for role in BOTH {
            let mut conn = new(role);
            let frames = wire(role.peer(), &[(BINARY, b"\xFF\xFE\xFD")]);
            receive(&mut conn, &frames);
            conn.send(Message::from(vec![0xFF; 100])).unwrap();
            assert_eq!(
                receive(&mut conn, &frame(role.peer(), TEXT, b"clean")),
                ["text clean"]
            );
            conn.send(Message::from("é".repeat(100))).unwrap();
            assert_eq!(
                receive(&mut conn, &frame(role.peer(), BINARY, b"clean")),
                ["binary clean"]
            );
        }
    }

    #[test]
    fn memory_given_back_in_between_costs_nothing_that_waits() {
        for role in BOTH {
            let mut conn = new(role);
            conn.send("queued").unwrap();
            let frames: &[Frame<'_>] =
                &[(TEXT_BEGIN, b"a"), (PING, b"p"), (LAST, b"b"), (PONG, b"q")];
            let seen: Vec<_> = wire(role.peer(), frames)
                .iter()
                .flat_map(|&byte| {
                    conn.release_memory();
                    receive(&mut conn, &[byte])
                })
                .collect();
            assert_eq!(seen, ["ping p", "text ab", "pong q"]);
            assert_eq!(sent(role, &mut conn), ["pong p", "text queued"]);
        }
    }

    #[test]
    fn output_replaces_what_the_buffer_held() {
        for with_pong in [false, true] {
            let mut conn = new(Role::Server);
            conn.send("a").unwrap();
            if with_pong {
                receive(&mut conn, &frame(Role::Client, PING, b""));
            }
            let mut buffer = b"old".to_vec();
            let length = conn.output_length();
            conn.take_output(&mut buffer);
            assert_eq!(buffer.len(), length);
            assert!(buffer.ends_with(b"\x81\x01a"));
            assert_eq!(conn.output_length(), 0);
            conn.take_output(&mut buffer);
            assert!(buffer.is_empty());
        }
    }
}

mod large_payloads {
    use super::*;

    const LENGTH: usize = 100_000;

    fn large() -> Vec<u8> {
        (0..=250).cycle().take(LENGTH).collect()
    }

    /// Takes the next chunk.
    fn taken(conn: &mut Connection, chunk: &mut Chunk) -> Vec<u8> {
        let before = conn.traffic().bytes_sent;
        conn.take_chunk(chunk);
        assert_eq!(conn.traffic().bytes_sent - before, chunk.len() as u64);
        chunk.pieces().concat()
    }

    #[test]
    fn are_the_same_bytes_in_both_ways_to_take_them() {
        type Call = fn(&mut Connection);
        let send_large: Call = |conn| conn.send(large()).unwrap();
        let lend_large: Call = |conn| conn.send(large().as_slice()).unwrap();
        let send_small: Call = |conn| conn.send("small").unwrap();
        let share: Call = |conn| conn.send(&PreparedMessage::new(large())).unwrap();
        let raw: Call = |conn| conn.push_raw(&large()).unwrap();
        let ping: Call = |conn| {
            receive(conn, &frame(conn.role().peer(), PING, b"p"));
        };
        let close: Call = |conn| conn.close(CloseCode::NORMAL, "").unwrap();
        for role in BOTH {
            for calls in [
                &[send_large, send_small, lend_large, share, raw, close][..],
                &[send_small, send_large, ping, send_large, send_small, ping],
                &[ping, share, ping, send_small, close, ping],
                &[raw, raw, send_small, ping],
            ] {
                let (mut one, mut other) = (new(role), new(role));
                for call in calls {
                    call(&mut one);
                    call(&mut other);
                }
                let (mut output, mut chunk) = (Vec::new(), Chunk::default());
                while one.has_output() {
                    let left = other.output_length();
                    assert_eq!(one.output_length(), left);
                    one.take_output(&mut output);
                    assert!(!output.is_empty());
                    assert_eq!(output, taken(&mut other, &mut chunk));
                    assert_eq!(other.output_length(), left - output.len());
                }
                assert!(!other.has_output());
                assert!(taken(&mut other, &mut chunk).is_empty() && chunk.is_empty());
            }
        }
    }

    #[test]
    fn stay_where_they_are_until_they_are_written() {
        for role in BOTH {
            let mut conn = new(role);
            let (bytes, text) = (large(), "a".repeat(LENGTH));
            let places = [bytes.as_ptr(), text.as_ptr()];
            conn.send(bytes).unwrap();
            conn.send(text).unwrap();
            assert!(conn.memory() < 2 * LENGTH + 1000);
            let mut chunk = Chunk::default();
            for place in places {
                conn.take_chunk(&mut chunk);
                assert_eq!(chunk.pieces()[1].as_ptr(), place);
                assert!(chunk.memory() >= LENGTH);
            }
        }
    }

    #[test]
    fn that_are_shared_stay_what_they_are_whoever_sends_them() {
        let prepared = PreparedMessage::new(large());
        for role in BOTH {
            let mut conn = new(role);
            for _ in 0..2 {
                conn.send(&prepared).unwrap();
            }
            let expected = format!("binary {}", large().escape_ascii());
            assert_eq!(sent(role, &mut conn), [&expected[..]; 2]);
            assert_eq!(prepared.message().as_bytes(), large());
            assert_eq!(conn.traffic().messages_sent, 2);
        }
    }

    #[test]
    fn that_are_shared_take_no_memory_of_their_own_in_a_server() {
        let prepared = PreparedMessage::new(large());
        let mut chunk = Chunk::default();
        for _ in 0..2 {
            let mut conn = new(Role::Server);
            conn.send(&prepared).unwrap();
            conn.take_chunk(&mut chunk);
            let place = prepared.message().as_bytes().as_ptr();
            assert_eq!(chunk.pieces()[1].as_ptr(), place);
        }
    }

    #[test]
    fn that_cannot_be_sent_are_not_queued() {
        let mut conn = new(Role::Server);
        conn.close(CloseCode::NORMAL, "").unwrap();
        let queued = conn.output_length();
        let (lent, prepared) = (large(), PreparedMessage::new(large()));
        let messages: [Outgoing<'_>; 3] = [large().into(), (&lent).into(), (&prepared).into()];
        for message in messages {
            assert_eq!(conn.send(message), Err(Misuse::Closed));
            assert_eq!(conn.output_length(), queued);
        }
        assert_eq!(conn.traffic().messages_sent, 0);
    }

    #[test]
    fn leave_no_buffer_behind_where_no_message_comes_any_more() {
        let refuse: fn(&mut Connection) = Connection::overload;
        let eof = Connection::receive_eof;
        for end in [refuse, eof] {
            let mut conn = new(Role::Server);
            // The next message might be as long as this one.
            let mut stream = frame(Role::Client, BINARY, &large());
            let Ok((_, Some(Event::Message(message)))) = conn.receive(&mut stream) else {
                panic!("a message came");
            };
            conn.send(message).unwrap();
            let mut chunk = Chunk::default();
            conn.take_chunk(&mut chunk);
            end(&mut conn);
            while !chunk.is_empty() {
                conn.take_chunk(&mut chunk);
            }
            assert!(conn.memory() < 1000, "{} bytes", conn.memory());
        }
    }
}

mod without_memory {
    use super::*;

    const REFUSAL: &str = "close 1013 no memory is left for the message";

    /// A connection to which most of a large text has arrived, in the middle of a character.
    fn in_the_middle(role: Role) -> (Connection, Vec<u8>) {
        let stream = wire(
            role.peer(),
            &[
                (TEXT_BEGIN, b"begin"),
                (LAST, "é".repeat(50_000).as_bytes()),
            ],
        );
        let (most, rest) = stream.split_at(stream.len() - 9);
        let mut conn = new(role);
        receive(&mut conn, most);
        assert!(conn.memory() > 99_000);
        (conn, rest.to_vec())
    }

    #[test]
    fn what_has_arrived_is_dropped_at_once_and_the_peer_is_told() {
        for role in BOTH {
            let (mut conn, _) = in_the_middle(role);
            conn.overload();
            assert!(conn.memory() < 1024, "{} bytes", conn.memory());
            assert_eq!(conn.state(), State::Closing);
            assert_eq!(sent(role, &mut conn), [REFUSAL]);
            all_sending_is_refused(&mut conn);
        }
    }

    #[test]
    fn what_follows_is_judged_and_not_kept() {
        for role in BOTH {
            let (mut conn, rest) = in_the_middle(role);
            conn.overload();
            let close = close_body(1001, b"");
            let frames: &[Frame<'_>] = &[(BINARY, &[7; 5000]), (TEXT, b"hi"), (PING, b"p")];
            let seen = receive(&mut conn, &[rest, wire(role.peer(), frames)].concat());
            assert_eq!(seen, ["ping p"]);
            assert!(conn.memory() < 1024, "{} bytes", conn.memory());
            assert!(conn.is_between_messages());
            assert_eq!(conn.traffic().messages_received, 0);
            let seen = receive(&mut conn, &frame(role.peer(), CLOSE, &close));
            assert_eq!(seen, ["close 1001 "]);
            assert_eq!(sent(role, &mut conn), ["pong p", REFUSAL]);
        }
    }

    #[test]
    fn a_character_that_began_before_must_still_end() {
        for role in BOTH {
            let (mut conn, rest) = in_the_middle(role);
            conn.overload();
            let wrong = [&rest[..8], &[rest[8] ^ 0x80]].concat();
            assert_eq!(receive(&mut conn, &wrong), ["! text-not-utf8"]);
            assert_eq!(conn.state(), State::Closed);
            assert_eq!(sent(role, &mut conn), [REFUSAL]);
        }
    }

    #[test]
    fn the_limits_of_a_message_hold() {
        let (mut conn, rest) = in_the_middle(Role::Server);
        conn.overload();
        receive(&mut conn, &rest);
        let announced = [&b"\x82\xFF"[..], &(17_u64 << 20).to_be_bytes(), &KEY].concat();
        assert_eq!(receive(&mut conn, &announced), ["! message-too-big"]);
    }

    #[test]
    fn no_second_close_is_sent() {
        for role in BOTH {
            let (mut conn, _) = in_the_middle(role);
            conn.close(CloseCode::NORMAL, "").unwrap();
            conn.overload();
            conn.overload();
            assert_eq!(sent(role, &mut conn), ["close 1000 "]);
            assert!(conn.memory() < 1024);
        }
    }

    #[test]
    fn a_connection_that_ends_gives_back_what_has_arrived() {
        for role in BOTH {
            let (mut conn, _) = in_the_middle(role);
            conn.receive_eof();
            assert!(conn.memory() < 1024, "{} bytes", conn.memory());
            assert!(!conn.is_between_messages());
        }
    }

    #[test]
    fn a_connection_that_is_lost_gives_back_what_waits_as_well() {
        for role in BOTH {
            let mut conn = new(role);
            for _ in 0..3 {
                conn.send(vec![0; 50_000]).unwrap();
            }
            receive(&mut conn, &frame(role.peer(), PING, b"p"));
            assert!(conn.memory() > 150_000);
            conn.lose();
            assert_eq!((conn.memory(), conn.output_length()), (0, 0));
            assert_eq!(conn.state(), State::Closed);
        }
    }
}

mod memory {
    use super::*;

    /// The most memory that a connection holds while these frames arrive, in pieces.
    fn most_for(frames: &[Frame<'_>]) -> usize {
        let mut conn = new(Role::Server);
        let stream = wire(Role::Client, frames);
        let pieces = stream.chunks(1000);
        let held = pieces.map(|piece| {
            receive(&mut conn, piece);
            conn.memory()
        });
        held.max().unwrap_or(0)
    }

    #[test]
    fn of_a_whole_message_is_never_more_than_its_length() {
        for byte0 in [TEXT, BINARY] {
            for length in [65_537, 70_000, 130_000] {
                let held = most_for(&[(byte0, &vec![b'a'; length])]);
                assert!(held <= length + 16, "{held} for {length}");
            }
        }
    }

    #[test]
    fn of_fragments_is_at_most_twice_what_has_arrived() {
        let frames = [
            &[(TEXT_BEGIN, &[b'a'; 64][..])],
            &[(MORE, &[b'a'; 64][..]); 2000][..],
        ];
        let held = most_for(&frames.concat());
        assert!(held <= 2 * 2001 * 64 + 16, "{held}");
    }

    #[test]
    fn is_taken_in_few_steps_so_that_bytes_are_not_moved_again_and_again() {
        let mut conn = new(Role::Server);
        let mut sizes = std::collections::BTreeSet::new();
        for number in 0..2000 {
            let byte0 = if number == 0 { TEXT_BEGIN } else { MORE };
            receive(&mut conn, &frame(Role::Client, byte0, &[b'a'; 64]));
            sizes.insert(conn.memory());
        }
        assert!(sizes.len() < 20, "{sizes:?}");
    }

    #[test]
    fn grows_with_what_arrives_and_not_with_what_is_announced() {
        let mut conn = new(Role::Server);
        let header = [&b"\x82\xFF"[..], &(15_u64 << 20).to_be_bytes(), &KEY].concat();
        receive(&mut conn, &[&header[..], &[0; 1000]].concat());
        assert!(conn.memory() <= 2000, "{} bytes", conn.memory());
    }

    #[test]
    fn is_not_taken_twice_for_output_when_a_pong_leaves_before_it() {
        let mut conn = new(Role::Server);
        conn.send(vec![0; 1_000_000]).unwrap();
        receive(&mut conn, &frame(Role::Client, PING, b"p"));
        let mut output = Vec::new();
        conn.take_output(&mut output);
        assert_eq!(output, b"\x8A\x01p");
        conn.take_output(&mut output);
        assert_eq!(output.len(), 1_000_010);
        assert!(conn.memory() < 1024, "{} bytes", conn.memory());
    }
}

mod any_cut_of_the_stream {
    use super::*;

    #[test]
    fn gives_the_same_events_and_the_same_output() {
        let close = close_body(1001, "fin €".as_bytes());
        let long = [b'l'; 130];
        let mixed: &[Frame<'_>] = &[
            (TEXT, b"Hello"),
            (PING, b"1"),
            (TEXT_BEGIN, b"\xE2"),
            (PONG, b""),
            (MORE, b"\x82"),
            (PING, b"2"),
            (MORE, b""),
            (LAST, b"\xAC"),
            (BINARY, &long),
            (BINARY_BEGIN, b"\xFF"),
            (LAST, b""),
            (CLOSE, &close),
            (TEXT, b"ignored"),
        ];
        for role in BOTH {
            // `play` compares all cuts in two and byte by byte with the whole.
            let outcome = after(role, mixed);
            assert_eq!(
                outcome.seen,
                [
                    "text Hello",
                    "ping 1",
                    "pong ",
                    "ping 2",
                    "text €",
                    &format!("binary {}", "l".repeat(130)),
                    r"binary \xff",
                    "close 1001 fin €",
                ]
            );
            assert_eq!(outcome.sent, ["pong 1", "pong 2", "close 1001 fin €"]);
        }
    }

    #[test]
    fn in_three_gives_the_same_too() {
        for role in BOTH {
            let frames: &[Frame<'_>] = &[
                (TEXT_BEGIN, b"\xF0\x9F"),
                (PING, b"p"),
                (LAST, b"\x98\x80"),
                (BINARY, &[1; 126]),
            ];
            let stream = wire(role.peer(), frames);
            let whole = receive(&mut new(role), &stream);
            assert_eq!(whole.len(), 3);
            for (from, to) in
                (0..stream.len()).flat_map(|from| (from..stream.len()).map(move |to| (from, to)))
            {
                let mut conn = new(role);
                let pieces = [&stream[..from], &stream[from..to], &stream[to..]];
                let seen: Vec<_> = pieces
                    .iter()
                    .flat_map(|piece| receive(&mut conn, piece))
                    .collect();
                assert_eq!(seen, whole, "{from}..{to}");
            }
        }
    }

    /// Frames that are often legal, with any payload of a few bytes; the same ones each time.
    fn random_stream(role: Role, seed: u64) -> Vec<u8> {
        const BYTE0: [u8; 12] = [
            TEXT,
            TEXT_BEGIN,
            TEXT_BEGIN,
            BINARY,
            BINARY_BEGIN,
            MORE,
            MORE,
            LAST,
            LAST,
            PING,
            PONG,
            CLOSE,
        ];
        const PAYLOADS: [&[u8]; 8] = [
            b"",
            b"ok",
            b"\xC3",
            b"\xA9",
            b"\xE2\x82",
            b"\xAC",
            b"\x03\xE8x",
            b"\xFF",
        ];
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = |limit: u64| {
            // Xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % limit).expect("a small number")
        };
        let mut stream = Vec::new();
        for _ in 0..6 {
            let (byte0, payload) = (BYTE0[below(12)], PAYLOADS[below(8)]);
            stream.extend(frame(role, byte0, payload));
        }
        if below(4) == 0 {
            let place = below(stream.len() as u64);
            stream[place] ^= 1 << below(8);
        }
        stream
    }

    #[test]
    fn gives_the_same_whatever_is_in_the_stream() {
        for (role, seed) in BOTH
            .iter()
            .flat_map(|&role| (0..1000).map(move |seed| (role, seed)))
        {
            let stream = random_stream(role.peer(), seed);
            let Outcome {
                seen, sent, state, ..
            } = play(role, Limits::default(), &stream);
            let is_last = |line: &String| line.starts_with("close ") || line.starts_with("! ");
            let ends = seen.iter().filter(|line| is_last(line)).count();
            assert_eq!(ends, usize::from(state == State::Closed), "{seen:?}");
            assert_eq!(seen.last().is_some_and(is_last), ends == 1, "{seen:?}");
            let closes = sent.iter().filter(|line| line.starts_with("close")).count();
            assert_eq!(closes, ends, "{sent:?}");
            assert!(closes == 0 || sent.last().is_some_and(|line| line.starts_with("close")));
        }
    }

    #[test]
    fn an_empty_input_changes_nothing() {
        for role in BOTH {
            let mut conn = new(role);
            for byte in frame(role.peer(), TEXT, b"abc") {
                assert_eq!(conn.receive(&mut []), Ok((0, None)));
                let state = conn.state();
                conn.receive(&mut [byte]).unwrap();
                assert_eq!(state, State::Open);
            }
            assert!(conn.is_between_messages());
        }
    }
}

mod misuse {
    use super::*;

    #[test]
    fn says_what_was_wrong_with_the_call() {
        let rows = [
            (
                Misuse::Closed,
                "nothing can be sent: the connection is closing or closed",
            ),
            (
                Misuse::ControlTooLong(126),
                "a ping carries at most 125 bytes, not 126: a message carries more",
            ),
            (
                Misuse::CloseCode(CloseCode(1005)),
                "a Close must not carry the code 1005: close with 1000, with 3000 to 4999, or without a code",
            ),
        ];
        for (misuse, shown) in rows {
            assert_eq!(misuse.to_string(), shown);
        }
    }

    #[test]
    fn debugging_shows_the_state_and_no_payload() {
        let mut conn = new(Role::Server);
        conn.send("secret").unwrap();
        assert_eq!(
            format!("{conn:?}"),
            "Connection { role: Server, state: Open, close_reason: None, .. }"
        );
    }
}
