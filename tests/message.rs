//! Fragments become messages, within limits: as both roles see it.

use crate::support::bytes::{
    BINARY, BINARY_BEGIN, BOTH, CLOSE, Frame, LAST, MORE, PING, PONG, TEXT, TEXT_BEGIN, close_body,
    connection, play, receive, wire,
};
use plainws::Message;
use plainws::protocol::message::Limits;

/// What each role makes of the frames, under all cuts.
fn check(limits: Limits, frames: &[Frame<'_>], seen: &[&str]) {
    for role in BOTH {
        let outcome = play(role, limits, &wire(role.peer(), frames));
        assert_eq!(outcome.seen, seen, "{role:?}");
    }
}

fn check_default(frames: &[Frame<'_>], seen: &[&str]) {
    check(Limits::default(), frames, seen);
}

mod s5_6_a_message {
    use super::*;

    fn text() -> Message {
        "caf\u{e9}".into()
    }

    fn binary() -> Message {
        b"caf\xC3\xA9".into()
    }

    #[test]
    fn gives_its_bytes_and_if_it_is_one_its_text() {
        assert!(text().is_text() && !binary().is_text());
        assert_eq!(text().as_text(), Some("caf\u{e9}"));
        assert_eq!(binary().as_text(), None);
        assert_eq!(text().into_text().as_deref(), Some("caf\u{e9}"));
        assert_eq!(binary().into_text(), None);
        for message in [text(), binary()] {
            assert_eq!(message.len(), 5);
            assert!(!message.is_empty());
            assert_eq!(message.as_ref() as &[u8], b"caf\xC3\xA9");
            assert_eq!(message.into_bytes(), b"caf\xC3\xA9");
        }
        assert!(Message::from("").is_empty() && Message::from(b"").is_empty());
    }

    #[test]
    fn equals_what_it_is_made_from_and_text_is_never_bytes() {
        let string = String::from("caf\u{e9}");
        assert_eq!(Message::from(&string), *string);
        assert_eq!(text(), "caf\u{e9}");
        assert_ne!(text(), "cafe");
        assert_ne!(binary(), "caf\u{e9}");

        let bytes = *b"caf\xC3\xA9";
        assert_eq!(binary(), bytes);
        assert_eq!(binary(), &bytes);
        assert_eq!(binary(), bytes[..]);
        assert_eq!(binary(), &bytes[..]);
        assert_ne!(binary(), b"cafe");
        assert_ne!(text(), bytes);
        assert_ne!(text(), binary());
    }

    #[test]
    fn is_shown_as_its_text_or_in_hexadecimal() {
        assert_eq!(text().to_string(), "caf\u{e9}");
        assert_eq!(binary().to_string(), "63 61 66 c3 a9");
        assert_eq!(Message::from(b"\x05").to_string(), "05");
        assert_eq!(Message::from(b"").to_string(), "");
    }
}

mod s5_4_fragmentation {
    use super::*;

    #[test]
    fn a_message_may_be_one_frame() {
        check_default(&[(TEXT, b"Hello")], &["text Hello"]);
        check_default(&[(BINARY, b"\x00\xFF")], &[r"binary \x00\xff"]);
    }

    #[test]
    fn a_message_may_be_many_frames_joined_in_order() {
        check_default(
            &[
                (TEXT_BEGIN, b"one "),
                (MORE, b"two "),
                (MORE, b"three "),
                (LAST, b"four"),
            ],
            &["text one two three four"],
        );
        check_default(
            &[(BINARY_BEGIN, b"\xFE"), (LAST, b"\xFF")],
            &[r"binary \xfe\xff"],
        );
    }

    #[test]
    fn fragments_may_be_empty() {
        check_default(&[(TEXT, b"")], &["text "]);
        check_default(&[(TEXT_BEGIN, b""), (LAST, b"")], &["text "]);
        check_default(
            &[(BINARY_BEGIN, b""), (MORE, b""), (LAST, b"")],
            &["binary "],
        );
        check_default(
            &[(TEXT_BEGIN, b""), (MORE, b"a"), (MORE, b""), (LAST, b"b")],
            &["text ab"],
        );
    }

    #[test]
    fn the_first_frame_after_a_message_begins_another() {
        check_default(
            &[
                (TEXT_BEGIN, b"a"),
                (LAST, b"b"),
                (BINARY, b"c"),
                (BINARY_BEGIN, b"d"),
                (LAST, b"e"),
                (TEXT, b"f"),
            ],
            &["text ab", "binary c", "binary de", "text f"],
        );
    }

    #[test]
    fn control_frames_may_stand_between_fragments() {
        check_default(
            &[
                (TEXT_BEGIN, b"a"),
                (PING, b"p"),
                (MORE, b"b"),
                (PONG, b"q"),
                (PING, b""),
                (LAST, b"c"),
            ],
            &["ping p", "pong q", "ping ", "text abc"],
        );
    }

    #[test]
    fn a_close_may_stand_between_fragments_and_ends_the_message_undelivered() {
        check_default(
            &[
                (TEXT_BEGIN, b"a"),
                (CLOSE, &close_body(1001, b"gone")),
                (LAST, b"b"),
            ],
            &["close 1001 gone"],
        );
    }

    #[test]
    fn a_continuation_needs_an_open_message() {
        const WRONG: &str = "! continuation-unexpected";
        check_default(&[(LAST, b"a")], &[WRONG]);
        check_default(&[(MORE, b"a"), (LAST, b"b")], &[WRONG]);
        check_default(&[(TEXT, b"a"), (LAST, b"b")], &["text a", WRONG]);
        check_default(
            &[(BINARY_BEGIN, b"a"), (LAST, b"b"), (LAST, b"c")],
            &["binary ab", WRONG],
        );
        check_default(&[(PING, b""), (LAST, b"")], &["ping ", WRONG]);
    }

    #[test]
    fn a_message_does_not_begin_inside_another() {
        const WRONG: &[&str] = &["! message-interleaved"];
        for first in [TEXT_BEGIN, BINARY_BEGIN] {
            for second in [TEXT, TEXT_BEGIN, BINARY, BINARY_BEGIN] {
                check_default(&[(first, b"a"), (second, b"b")], WRONG);
                check_default(&[(first, b""), (MORE, b""), (second, b"")], WRONG);
            }
        }
    }
}

mod s8_1_text {
    use super::*;

    const WRONG: &str = "! text-not-utf8";

    #[test]
    fn may_be_cut_inside_a_character_by_frames() {
        check_default(
            &[
                (TEXT_BEGIN, b"\xF0"),
                (MORE, b"\x9F"),
                (MORE, b"\x98"),
                (LAST, b"\x80"),
            ],
            &["text \u{1F600}"],
        );
        check_default(
            &[
                (TEXT_BEGIN, b"\xE2\x82"),
                (PING, b"\xFF"),
                (MORE, b""),
                (LAST, b"\xAC!"),
            ],
            &[r"ping \xff", "text \u{20AC}!"],
        );
    }

    #[test]
    fn must_not_end_inside_a_character() {
        check_default(&[(TEXT, b"\xC3")], &[WRONG]);
        check_default(&[(TEXT_BEGIN, b"ok\xE2"), (LAST, b"\x82")], &[WRONG]);
        check_default(&[(TEXT_BEGIN, b"\xF0\x9F\x98"), (LAST, b"")], &[WRONG]);
    }

    #[test]
    fn of_the_next_message_does_not_complete_a_character_of_the_last() {
        check_default(
            &[(TEXT, b"\xC3\xA9"), (TEXT, b"\xA9")],
            &["text \u{E9}", WRONG],
        );
    }

    #[test]
    fn fails_at_the_byte_that_cannot_be_right_before_its_frame_is_complete() {
        for role in BOTH {
            for (begin, bad) in [
                (&b""[..], &b"\xFF"[..]),
                (b"long ", b"\xE2\x82A"),
                (b"\xE2\x82", b"\xE2"),
            ] {
                let frames = [begin, bad, &[b'.'; 300]].concat();
                let stream = wire(role.peer(), &[(TEXT, &frames)]);
                let at = stream.len() - 300;
                let mut connection = connection(role, Limits::default());
                assert!(receive(&mut connection, &stream[..at - 1]).is_empty());
                assert_eq!(receive(&mut connection, &stream[at - 1..at]), [WRONG]);
            }
        }
    }

    #[test]
    fn fails_in_an_unfinished_message() {
        check_default(&[(TEXT_BEGIN, b"ok"), (MORE, b"\xC0")], &[WRONG]);
        check_default(&[(TEXT_BEGIN, b"\xED\xA0")], &[WRONG]);
        check_default(&[(TEXT_BEGIN, b"\xE2"), (MORE, b"A")], &[WRONG]);
    }

    #[test]
    fn is_no_concern_of_binary_messages() {
        check_default(
            &[(BINARY_BEGIN, b"\xFF"), (LAST, b"\xC0")],
            &[r"binary \xff\xc0"],
        );
    }
}

mod s10_4_limits {
    use super::*;

    const TOO_BIG: &str = "! message-too-big";
    const TOO_MANY: &str = "! too-many-fragments";
    const SMALL: Limits = Limits::new()
        .max_bytes(10)
        .max_fragments(4)
        .max_empty_fragments(2);

    #[test]
    fn a_message_of_just_the_limit_passes() {
        check(SMALL, &[(BINARY, b"0123456789")], &["binary 0123456789"]);
        check(
            SMALL,
            &[(TEXT_BEGIN, b"01234"), (LAST, b"56789")],
            &["text 0123456789"],
        );
        check(
            SMALL,
            &[(TEXT, b"0123456789"), (TEXT, b"0123456789")],
            &["text 0123456789", "text 0123456789"],
        );
    }

    #[test]
    fn a_message_of_one_byte_more_fails() {
        check(SMALL, &[(BINARY, b"0123456789!")], &[TOO_BIG]);
        check(
            SMALL,
            &[(TEXT_BEGIN, b"01234"), (LAST, b"56789!")],
            &[TOO_BIG],
        );
        check(
            SMALL,
            &[(BINARY_BEGIN, b"0123456789"), (MORE, b""), (LAST, b"!")],
            &[TOO_BIG],
        );
    }

    #[test]
    fn control_frames_do_not_count() {
        let ping: Frame<'_> = (PING, b"0123456789!");
        check(
            SMALL,
            &[
                (TEXT_BEGIN, b"01234"),
                ping,
                ping,
                ping,
                ping,
                ping,
                (LAST, b"56789"),
            ],
            &[r"ping 0123456789!"; 5]
                .iter()
                .copied()
                .chain(["text 0123456789"])
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn a_header_that_announces_too_much_fails_before_its_payload() {
        // Lengths beyond the default limit, the largest there is among them, in one frame or in the second.
        for length in [(16 << 20) + 1, 1 << 32, (1_u64 << 63) - 1] {
            for role in BOTH {
                let mask = if role.peer() == plainws::Role::Client {
                    0x80
                } else {
                    0
                };
                let mut header = vec![BINARY, 127 | mask];
                header.extend(length.to_be_bytes());
                header.extend([0; 4].iter().take(usize::from(mask) / 32));
                let alone = play(role, Limits::default(), &header);
                assert_eq!(alone.seen, [TOO_BIG], "{length}");

                header[0] = LAST;
                let second = [wire(role.peer(), &[(BINARY_BEGIN, b"x")]), header].concat();
                assert_eq!(
                    play(role, Limits::default(), &second).seen,
                    [TOO_BIG],
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn without_a_limit_the_longest_frame_takes_memory_only_as_it_arrives() {
        let limits = Limits::new().max_bytes(u64::MAX);
        for byte0 in [TEXT, BINARY] {
            let mut connection = connection(plainws::Role::Client, limits);
            let longest = b"\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
            let stream = [&[byte0], &longest[..], b"its first bytes"].concat();
            // To reserve 2^63 - 1 bytes would panic.
            assert!(receive(&mut connection, &stream).is_empty());
            assert!(!connection.is_between_messages());
        }
    }

    #[test]
    fn the_last_fragment_allowed_may_end_the_message() {
        check(
            SMALL,
            &[(TEXT_BEGIN, b"a"), (MORE, b"b"), (MORE, b"c"), (LAST, b"d")],
            &["text abcd"],
        );
    }

    #[test]
    fn one_fragment_more_fails() {
        check(
            SMALL,
            &[
                (TEXT_BEGIN, b"a"),
                (MORE, b"b"),
                (MORE, b"c"),
                (MORE, b"d"),
                (LAST, b"e"),
            ],
            &[TOO_MANY],
        );
    }

    #[test]
    fn empty_fragments_count_on_their_own() {
        check(
            SMALL,
            &[(TEXT_BEGIN, b""), (MORE, b""), (LAST, b"a")],
            &["text a"],
        );
        check(
            SMALL,
            &[(TEXT_BEGIN, b""), (MORE, b""), (LAST, b"")],
            &[TOO_MANY],
        );
        check(
            SMALL,
            &[(TEXT_BEGIN, b""), (MORE, b"a"), (MORE, b""), (MORE, b"")],
            &[TOO_MANY],
        );
    }

    #[test]
    fn each_message_counts_anew() {
        let message: [Frame<'_>; 3] = [(TEXT_BEGIN, b""), (MORE, b"01234"), (LAST, b"56789")];
        check(
            SMALL,
            &[message, message, message].concat(),
            &["text 0123456789"; 3],
        );
    }

    #[test]
    fn by_default_65536_fragments_of_64_bytes_pass() {
        for role in BOTH {
            let mut frames = vec![(MORE, &[b'x'; 64][..]); 65_536];
            frames[0].0 = BINARY_BEGIN;
            frames[65_535].0 = LAST;
            let mut connection = connection(role, Limits::default());
            let stream = wire(role.peer(), &frames);
            let seen: Vec<_> = stream
                .chunks(4093)
                .flat_map(|piece| receive(&mut connection, piece))
                .collect();
            assert_eq!(seen.len(), 1);
            assert_eq!(seen[0].len(), "binary ".len() + 65_536 * 64);
        }
    }

    #[test]
    fn by_default_131072_fragments_pass_and_one_more_fails() {
        for role in BOTH {
            let mut frames = vec![(MORE, &b"x"[..]); 131_072];
            frames[0].0 = TEXT_BEGIN;
            let stream = wire(role.peer(), &frames);
            let mut connection = connection(role, Limits::default());
            assert!(receive(&mut connection, &stream).is_empty());
            let one_more = wire(role.peer(), &[(LAST, b"")]);
            assert_eq!(receive(&mut connection, &one_more), [TOO_MANY]);
        }
    }

    #[test]
    fn by_default_128_empty_fragments_pass_and_129_fail() {
        let mut frames = vec![(MORE, &b""[..]); 128];
        frames[0].0 = TEXT_BEGIN;
        check_default(&[&frames[..], &[(LAST, b"x")]].concat(), &["text x"]);
        check_default(&[&frames[..], &[(LAST, b"")]].concat(), &[TOO_MANY]);
    }

    #[test]
    fn by_default_16_mib_pass() {
        assert_eq!(Limits::default().max_bytes, 16 << 20);
        let payload = vec![0x7F; 16 << 20];
        let mut connection = connection(plainws::Role::Client, Limits::default());
        let mut stream = wire(plainws::Role::Server, &[(BINARY, &payload)]);
        let length = stream.len();
        let event = plainws::protocol::connection::Event::Message(payload.into());
        assert!(connection.receive(&mut stream) == Ok((length, Some(event))));
    }
}

/// The memory of a message, which may be lent to whoever reads its payload.
mod memory {
    use super::*;
    use plainws::protocol::connection::{Connection, Event, State};
    use plainws::protocol::outbox::Chunk;
    use plainws::{CloseCode, Role};

    const KIB: usize = 1024;

    fn server() -> Connection {
        connection(Role::Server, Limits::default())
    }

    /// All but the last `missing` bytes of a frame.
    fn begun(byte0: u8, length: usize, missing: usize) -> Vec<u8> {
        let mut bytes = wire(Role::Client, &[(byte0, &vec![b'a'; length])]);
        bytes.truncate(bytes.len() - missing);
        bytes
    }

    /// The next message, which is all that arrives.
    fn next(connection: &mut Connection, byte0: u8, length: usize) -> Message {
        match connection.receive(&mut begun(byte0, length, 0)) {
            Ok((_, Some(Event::Message(message)))) => message,
            other => panic!("a message, not {other:?}"),
        }
    }

    fn send(connection: &mut Connection, message: Message) {
        connection.send(message).expect("it is open");
        let mut chunk = Chunk::default();
        connection.take_chunk(&mut chunk);
        // It is written; there is nothing else.
        connection.take_chunk(&mut chunk);
        assert!(chunk.is_empty());
    }

    #[test]
    fn is_lent_for_bytes_of_which_enough_are_missing_and_not_for_text() {
        for (byte0, missing, least, is_lent) in [
            (BINARY, 1000, 1000, true),
            (BINARY_BEGIN, 1000, 1000, true),
            (BINARY, 999, 1000, false),
            (BINARY, 0, 0, false),
            (TEXT, 1000, 1000, false),
        ] {
            let mut connection = server();
            connection
                .receive(&mut begun(byte0, 2000, missing))
                .expect("it is legal");
            let lent = connection.lend(least);
            assert_eq!(lent.is_some(), is_lent, "{byte0:#x}, {missing} missing");
        }
        for control in [PING, CLOSE] {
            let mut connection = server();
            // Between two fragments, where it would be lent for the second one.
            let stream = [begun(BINARY_BEGIN, 2000, 0), begun(control, 100, 100)];
            connection
                .receive(&mut stream.concat())
                .expect("it is legal");
            assert!(connection.lend(1).is_none());
        }
    }

    #[test]
    fn is_counted_while_it_is_lent_and_nothing_is_taken_meanwhile() {
        let mut connection = server();
        let mut bytes = begun(BINARY, 100 * KIB, 0);
        let (begun, rest) = bytes.split_at_mut(50 * KIB);
        connection.receive(begun).expect("it is legal");
        connection.make_landing_room(1);
        let before = connection.memory();
        let landing = connection.lend(1).expect("half is missing");
        assert_eq!(connection.memory(), before);
        assert_eq!(connection.receive(rest), Ok((0, None)));
        assert!(connection.lend(1).is_none(), "it is lent already");
        connection.land(landing, 0);
        assert_eq!(connection.memory(), before);
        let (_, message) = connection.receive(rest).expect("it is legal");
        assert_eq!(message, Some(Event::Message(vec![b'a'; 100 * KIB].into())));
    }

    #[test]
    fn of_another_connection_never_gives_more_than_is_missing() {
        let [mut here, mut there] = [(); 2].map(|()| server());
        let mut short = begun(BINARY, 100, 10);
        let mut long = begun(BINARY, 100 * KIB, 50 * KIB);
        here.receive(&mut short).expect("it is legal");
        there.receive(&mut long).expect("it is legal");
        let landing = there.lend(1).expect("half is missing");
        assert!(!format!("{landing:?}").contains(&b'a'.to_string()), "bytes");
        here.land(landing, 1000);
        assert_eq!(here.traffic().bytes_received, short.len() as u64 + 10);
    }

    #[test]
    fn that_comes_back_after_a_refusal_is_given_up_and_what_it_holds_counts() {
        let mut connection = server();
        let mut bytes = begun(BINARY, 100 * KIB, 0);
        connection
            .receive(&mut bytes[..50 * KIB])
            .expect("it is legal");
        let landing = connection.lend(1).expect("half is missing");
        connection.refuse_messages(CloseCode::POLICY, "");
        assert!(connection.memory() >= 100 * KIB, "it is in use");
        connection.land(landing, 10);
        assert!(connection.memory() < KIB);
        assert_eq!(connection.traffic().bytes_received, 50 * KIB as u64 + 10);
        let taken = connection.receive(&mut bytes[50 * KIB + 10..]);
        assert_eq!(taken, Ok((bytes.len() - 50 * KIB - 10, None)));
        assert!(connection.is_between_messages());
    }

    #[test]
    fn that_comes_back_after_the_end_is_given_up() {
        let ends: [fn(&mut Connection); 2] = [Connection::receive_eof, Connection::lose];
        for end in ends {
            let mut connection = server();
            connection
                .receive(&mut begun(BINARY, 100 * KIB, 50 * KIB))
                .expect("it is legal");
            let before = connection.traffic();
            let landing = connection.lend(1).expect("half is missing");
            end(&mut connection);
            connection.land(landing, 50 * KIB);
            assert_eq!(connection.receive(&mut []), Ok((0, None)));
            assert_eq!((connection.memory(), connection.traffic()), (0, before));
            assert_eq!(connection.state(), State::Closed);
        }
    }

    #[test]
    fn of_a_message_that_was_sent_back_serves_for_the_next_of_any_kind() {
        for (first, second) in [(BINARY, BINARY), (TEXT, BINARY), (BINARY, TEXT)] {
            let mut connection = server();
            let message = next(&mut connection, first, 1000 * KIB);
            let place = message.as_bytes().as_ptr();
            send(&mut connection, message);
            assert!(connection.memory() >= 1000 * KIB, "kept for the next");
            let message = next(&mut connection, second, 900 * KIB);
            assert_eq!(message.as_bytes().as_ptr(), place);
            assert!(message == Message::from(vec![b'a'; 900 * KIB]) || message.is_text());
            assert_eq!(message.len(), 900 * KIB);
        }
    }

    #[test]
    fn is_not_kept_beyond_what_the_next_message_may_need() {
        let limits = Limits::new().max_bytes(100_000);
        for (received, sent, is_kept) in [
            (100_000, 100_000, true),
            (100_000, 100_001, false),
            (25_000, 100_000, true),
            (24_999, 100_000, false),
        ] {
            let mut connection = connection(Role::Server, limits);
            next(&mut connection, BINARY, received);
            send(&mut connection, vec![0; sent].into());
            assert_eq!(connection.memory() >= sent, is_kept, "{received}, {sent}");
        }
    }

    #[test]
    fn is_never_much_more_than_a_message_needs() {
        for byte0 in [BINARY, TEXT] {
            let mut connection = server();
            for length in [1000 * KIB, 900 * KIB, 200 * KIB, 100 * KIB, 1000, 10] {
                let message = next(&mut connection, byte0, length);
                let memory = match &message {
                    Message::Binary(bytes) => bytes.capacity(),
                    Message::Text(text) => text.capacity(),
                };
                assert!(memory <= (4 * length).max(KIB), "{memory} for {length}");
                send(&mut connection, message);
            }
            assert!(connection.memory() <= 4 * KIB, "{}", connection.memory());
        }
    }
}

mod a_message {
    use super::*;

    #[test]
    fn is_made_from_what_it_holds() {
        assert_eq!(Message::from("é"), Message::Text("é".into()));
        assert_eq!(Message::from("é".to_owned()), Message::Text("é".into()));
        assert_eq!(Message::from(&b"\xFF"[..]), Message::Binary(vec![0xFF]));
        assert_eq!(Message::from(vec![0xFF]), Message::Binary(vec![0xFF]));
    }

    #[test]
    fn shows_its_bytes_and_its_text() {
        let (text, binary) = (Message::from("é"), Message::from(&b"a"[..]));
        assert_eq!(
            (text.as_text(), text.as_bytes()),
            (Some("é"), &b"\xC3\xA9"[..])
        );
        assert_eq!((binary.as_text(), binary.as_bytes()), (None, &b"a"[..]));
    }
}
