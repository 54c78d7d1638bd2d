//! `WebSocket` over real sockets: a handler on one end, bytes on the other.

use crate::support;
use crate::support::bytes::{
    BINARY, CLOSE, LAST, PING, PONG, TEXT, TEXT_BEGIN, close_body, frame, wire,
};
use crate::support::hostile::go_on_sending;
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use crate::support::server::{SOON, echo, endless, observe, observe_with, start};
use plainws::protocol::connection::Misuse;
use plainws::{
    CloseCode, CloseReason, Error, Limits, Message, PreparedMessage, Received, Rule, WebSocket,
};
use std::time::{Duration, Instant};

/// Long enough to be waited for, short enough to be waited for often.
const MOMENT: Duration = Duration::from_millis(10);

fn client(frames: &[(u8, &[u8])]) -> Vec<u8> {
    wire(plainws::Role::Client, frames)
}

mod receive {
    use super::*;

    #[test]
    fn gives_text_as_text_and_binary_as_binary() {
        let (address, observed) = observe(|ws, told| {
            while let Some(message) = ws.receive()? {
                let _ = told.send(message);
            }
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "Grüße");
        assert_eq!(observed.next(), Message::Text("Grüße".into()));
        raw.send_frame(BINARY, b"\xFF\x00");
        assert_eq!(observed.next(), Message::Binary(b"\xFF\x00".into()));
    }

    #[test]
    fn finds_the_messages_that_came_after_the_head_in_the_same_segment() {
        let address = start(|server| server.route("/", echo));
        let mut raw = Raw::connect(address);
        let frames = client(&[(TEXT, b"one"), (PING, b"?"), (BINARY, b"two")]);
        raw.send([upgrade_request("/").into_bytes(), frames].concat());
        raw.expect_101();
        raw.expect_frame(PONG, "?");
        raw.expect_frame(TEXT, "one");
        raw.expect_frame(BINARY, "two");
    }

    #[test]
    fn finds_the_rest_of_a_frame_that_began_after_the_head() {
        let address = start(|server| server.route("/", echo));
        let frame = frame(plainws::Role::Client, TEXT, b"in two pieces");
        for cut in [1, 2, 4, 6, 10] {
            let mut raw = Raw::connect(address);
            raw.send([upgrade_request("/").as_bytes(), &frame[..cut]].concat());
            raw.expect_101();
            raw.send(&frame[cut..]);
            raw.expect_frame(TEXT, "in two pieces");
        }
    }

    #[test]
    fn ends_with_the_code_and_the_reason_of_the_peers_close() {
        let (address, observed) = observe(|ws, told| {
            assert_eq!(ws.close_reason(), None, "it is open");
            assert_eq!(ws.receive()?, None);
            assert_eq!(ws.receive()?, None, "the end stays the end");
            let _ = told.send(ws.close_reason());
            Ok(())
        });
        let end = |bytes: Vec<u8>| {
            let mut raw = Raw::open(address, "/");
            raw.send(bytes);
            raw.send_fin();
            raw.until_end();
            observed.next()
        };
        let reason = |code, reason: &str| {
            let reason = reason.into();
            Some(CloseReason { code, reason })
        };
        let with_reason = client(&[(CLOSE, &close_body(4000, "tschüß".as_bytes()))]);
        assert_eq!(end(with_reason), reason(CloseCode(4000), "tschüß"));
        assert_eq!(
            end(client(&[(CLOSE, b"")])),
            reason(CloseCode::NO_STATUS, "")
        );
        assert_eq!(end(Vec::new()), reason(CloseCode::ABNORMAL, ""));
        let in_a_frame = client(&[(TEXT, b"never ends")])[..9].to_vec();
        assert_eq!(end(in_a_frame), reason(CloseCode::ABNORMAL, ""));
    }

    #[test]
    fn reports_a_broken_rule_once_and_then_the_end() {
        let (address, observed) = observe(|ws, told| {
            let broken =
                matches!(ws.receive(), Err(Error::Rule(broken)) if broken == Rule::MaskMissing);
            let _ = told.send((broken, ws.receive()?, ws.close_reason()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send(b"\x81\x00");
        raw.expect_close(1002);
        let lost = CloseReason::new(CloseCode::ABNORMAL);
        assert_eq!(observed.next(), (true, None, Some(lost)));
    }

    #[test]
    fn reports_a_reset() {
        let (address, observed) = observe(|ws, told| {
            ws.receive()?;
            ws.send("unread")?;
            let lost = matches!(ws.receive(), Err(Error::Io(_)));
            let late = matches!(ws.send("late"), Err(error) if error.is_closed());
            let _ = told.send((lost, late, ws.close_reason()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "go");
        raw.reset();
        let reason = CloseReason::new(CloseCode::ABNORMAL);
        assert_eq!(observed.next(), (true, true, Some(reason)));
    }

    #[test]
    fn as_an_iterator_ends_at_the_end() {
        let (address, observed) = observe(|ws, told| {
            let messages: Result<Vec<_>, _> = ws.messages().collect();
            let _ = told.send(messages?);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send(client(&[(TEXT, b"1"), (TEXT, b"2"), (CLOSE, b"")]));
        assert_eq!(observed.next(), ["1", "2"]);
    }

    #[test]
    fn as_an_iterator_ends_after_an_error() {
        let (address, observed) = observe(|ws, told| {
            let kinds: Vec<_> = ws
                .messages()
                .take(5)
                .map(|message| message.is_ok())
                .collect();
            let _ = told.send(kinds);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send([&client(&[(TEXT, b"1")])[..], b"\x81\x00"].concat());
        assert_eq!(observed.next(), [true, false]);
    }
}

mod receive_timeout {
    use super::*;

    /// Waits a moment again and again, and tells each result.
    fn patrol() -> (std::net::SocketAddr, support::server::Observed<Received>) {
        observe(|ws, told| {
            loop {
                let received = ws.receive_timeout(MOMENT)?;
                let is_over = matches!(received, Received::Ended(_));
                let _ = told.send(received);
                if is_over {
                    return Ok(());
                }
            }
        })
    }

    #[test]
    fn tells_a_message_from_a_time_out_from_the_end() {
        let (address, observed) = patrol();
        let mut raw = Raw::open(address, "/");
        assert_eq!(observed.next(), Received::TimedOut);
        raw.send_frame(TEXT, "now");
        let next = || loop {
            match observed.next() {
                Received::TimedOut => {}
                other => return other,
            }
        };
        assert_eq!(next(), Received::Message("now".into()));
        raw.send_frame(CLOSE, close_body(4001, b"bye"));
        let Received::Ended(reason) = next() else {
            panic!("the peer has closed")
        };
        assert_eq!((reason.code.0, &*reason.reason), (4001, "bye"));
        assert!(!reason.was_cut_off());
    }

    #[test]
    fn loses_nothing_wherever_in_a_message_it_runs_out() {
        let (address, observed) = patrol();
        let mut raw = Raw::open(address, "/");
        // Two fragments of 200 and 3 bytes with a ping in between: 2 + 2 + 4 bytes of header, 200 of
        // payload; then 6 + 1; then 6 + 3.
        let payload = "ä".repeat(100);
        let stream = client(&[
            (TEXT_BEGIN, payload.as_bytes()),
            (PING, b"!"),
            (LAST, b"end"),
        ]);
        let cuts = [
            1, 2, 3, 4, 5, 7, 8, 9, 100, 207, 208, 209, 210, 212, 214, 215, 216, 218, 221, 223,
        ];
        let mut sent = 0;
        for cut in cuts {
            raw.send(&stream[sent..cut]);
            sent = cut;
            observed.forget();
            // The second wait began after the bytes were sent.
            assert_eq!(observed.next(), Received::TimedOut, "cut at {cut}");
            assert_eq!(observed.next(), Received::TimedOut, "cut at {cut}");
        }
        raw.expect_frame(PONG, "!");
        raw.send(&stream[sent..]);
        let whole = loop {
            match observed.next() {
                Received::TimedOut => {}
                other => break other,
            }
        };
        assert_eq!(whole, Received::Message((payload + "end").into()));
    }

    #[test]
    fn of_zero_does_not_wait_and_the_longest_does_not_fail() {
        let (address, observed) = observe(|ws, told| {
            let _ = told.send(ws.receive_timeout(Duration::ZERO)?);
            let _ = told.send(ws.receive_timeout(Duration::MAX)?);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        assert_eq!(observed.next(), Received::TimedOut);
        raw.send_frame(TEXT, "at last");
        assert_eq!(observed.next(), Received::Message("at last".into()));
    }

    #[test]
    fn of_zero_hears_the_peer_all_the_same() {
        let (address, observed) = observe(|ws, told| {
            loop {
                match ws.receive_timeout(Duration::ZERO)? {
                    Received::Message(message) => ws.send(message)?,
                    Received::Ended(_) => break,
                    _ => std::thread::sleep(Duration::from_millis(1)),
                }
            }
            let _ = told.send(ws.close_reason());
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(PING, "hi");
        raw.expect_frame(PONG, "hi");
        raw.send_frame(TEXT, "heard");
        raw.expect_frame(TEXT, "heard");
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_close(1000);
        assert!(observed.next().is_some());
    }

    #[test]
    fn answers_pings_while_it_waits() {
        let (address, _observed) = patrol();
        let mut raw = Raw::open(address, "/");
        for payload in [&b""[..], b"ping", &[0xFF; 125]] {
            raw.send_frame(PING, payload);
            raw.expect_frame(PONG, payload);
        }
    }
}

mod try_receive {
    use super::*;

    #[test]
    fn takes_what_is_there_and_does_not_wait() {
        let (address, observed) = observe(|ws, told| {
            let _ = told.send(ws.try_receive()?);
            let next = || loop {
                match ws.try_receive()? {
                    Received::NotReady => std::thread::yield_now(),
                    other => return Ok::<_, Error>(other),
                }
            };
            let _ = told.send(next()?);
            let _ = told.send(next()?);
            let _ = told.send(next()?);
            let _ = told.send(ws.try_receive()?);
            // The socket waits again as before.
            let _ = told.send(ws.receive_timeout(MOMENT)?);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        assert_eq!(observed.next(), Received::NotReady);
        raw.send(client(&[(TEXT, b"1"), (TEXT, b"2"), (CLOSE, b"")]));
        assert_eq!(observed.next(), Received::Message("1".into()));
        assert_eq!(observed.next(), Received::Message("2".into()));
        for _ in 0..3 {
            let ended = Received::Ended(CloseReason::new(CloseCode::NO_STATUS));
            assert_eq!(observed.next(), ended);
        }
        assert_eq!(raw.frame().0, CLOSE);
    }

    #[test]
    fn loses_nothing_in_the_middle_of_a_message() {
        let (address, observed) = observe(|ws, told| {
            loop {
                match ws.try_receive()? {
                    Received::NotReady => std::thread::yield_now(),
                    other => {
                        let _ = told.send(other);
                        return Ok(());
                    }
                }
            }
        });
        let mut raw = Raw::open(address, "/");
        for byte in client(&[(TEXT_BEGIN, b"one "), (PING, b""), (LAST, b"message")]) {
            raw.send([byte]);
        }
        assert_eq!(observed.next(), Received::Message("one message".into()));
        raw.expect_frame(PONG, "");
    }

    #[test]
    fn answers_pings() {
        let (address, _observed) = observe(|ws, _told: &std::sync::mpsc::Sender<()>| {
            while !matches!(ws.try_receive()?, Received::Ended(_)) {
                std::thread::yield_now();
            }
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(PING, "there?");
        raw.expect_frame(PONG, "there?");
    }
}

mod send {
    use super::*;

    #[test]
    fn sends_whole_unmasked_frames_of_every_length_form() {
        const LENGTHS: [usize; 8] = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
        let address = start(|server| {
            server.route("/", |ws| {
                for length in LENGTHS {
                    ws.send("t".repeat(length))?;
                    ws.send(vec![0xFF; length])?;
                    ws.send(Message::Text("m".repeat(length)))?;
                }
                plainws::Result::Ok(())
            })
        });
        let mut raw = Raw::open(address, "/");
        for length in LENGTHS {
            raw.expect_frame(TEXT, "t".repeat(length));
            raw.expect_frame(BINARY, vec![0xFF; length]);
            raw.expect_frame(TEXT, "m".repeat(length));
        }
        raw.expect_close(1000);
    }

    #[test]
    fn after_the_end_is_a_misuse_that_can_be_told() {
        let (address, observed) = observe(|ws, told| {
            assert_eq!(ws.receive()?, None);
            let results = [
                ws.send("late"),
                ws.send("late"),
                ws.send(b"late"),
                ws.feed("late"),
                ws.ping(b"late"),
            ];
            for result in results {
                let misuse = matches!(&result, Err(Error::Misuse(Misuse::Closed)));
                let _ = told.send(misuse && result.is_err_and(|error| error.is_closed()));
            }
            ws.flush()
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(CLOSE, close_body(1001, b""));
        raw.expect_close(1001);
        raw.expect_fin();
        for _ in 0..5 {
            assert!(observed.next());
        }
    }

    #[test]
    fn pings_when_asked_to_and_refuses_a_ping_that_is_too_long() {
        let (address, observed) = observe(|ws, told| {
            let too_long = matches!(
                ws.ping([0; 126]),
                Err(Error::Misuse(Misuse::ControlTooLong(126)))
            );
            let _ = told.send(too_long);
            ws.ping([7; 125])?;
            ws.receive().map(|_| ())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_frame(PING, [7; 125]);
        assert!(observed.next());
        // §5.5.3: a pong is taken, asked for or not.
        raw.send(client(&[(PONG, &[7; 125]), (PONG, b"unasked")]));
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_close(1000);
    }

    #[test]
    fn a_pings_payload_may_ask_its_own_connection_something() {
        struct Curious<'a>(&'a WebSocket);
        impl AsRef<[u8]> for Curious<'_> {
            fn as_ref(&self) -> &[u8] {
                let _ = self.0.traffic();
                b"asked"
            }
        }

        let (address, _observed) = observe::<()>(|ws, _| ws.ping(Curious(ws)));
        Raw::open(address, "/").expect_frame(PING, "asked");
    }

    #[test]
    fn without_time_and_room_sends_what_the_system_takes_at_once() {
        let limits = Limits::default()
            .write_timeout(Duration::ZERO)
            .close_timeout(Duration::ZERO)
            .max_backlog(0);
        let (address, _observed) = observe_with::<()>(limits, |ws, _| echo(ws));
        let mut raw = Raw::open(address, "/");
        for text in ["one", "two", "three"] {
            raw.send_frame(TEXT, text);
            raw.expect_frame(TEXT, text);
        }
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_close(1000);
    }

    #[test]
    fn a_closes_code_may_ask_its_own_connection_something() {
        struct Curious<'a>(&'a WebSocket);
        impl From<Curious<'_>> for Option<CloseCode> {
            fn from(curious: Curious<'_>) -> Self {
                let _ = curious.0.traffic();
                Some(CloseCode::NORMAL)
            }
        }

        let (address, _observed) = observe::<()>(|ws, _| ws.close(Curious(ws), ""));
        Raw::open(address, "/").expect_close(1000);
    }

    #[test]
    fn fed_messages_leave_in_order_with_the_next_wait_or_flush() {
        let (address, observed) = observe(|ws, told| {
            ws.feed("one")?;
            ws.feed(vec![2])?;
            // A wait writes what is queued, even a wait of no time.
            ws.receive_timeout(Duration::ZERO)?;
            let _ = told.send(());
            ws.receive()?;
            ws.feed("three")?;
            ws.feed("four")?;
            ws.flush()?;
            let _ = told.send(());
            ws.receive().map(|_| ())
        });
        let mut raw = Raw::open(address, "/");
        observed.next();
        raw.expect_frame(TEXT, "one");
        raw.expect_frame(BINARY, [2]);
        raw.send_frame(TEXT, "go on");
        observed.next();
        raw.expect_frame(TEXT, "three");
        raw.expect_frame(TEXT, "four");
    }

    #[test]
    fn what_is_fed_without_end_is_written_before_it_grows_large() {
        let (address, _observed) = observe(|ws, _told: &std::sync::mpsc::Sender<()>| {
            for _ in 0..100 {
                ws.feed(vec![1; 1000])?;
            }
            // No flush, no wait: only the queue's limit writes.
            std::thread::sleep(PATIENCE);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        for _ in 0..64 {
            raw.expect_frame(BINARY, [1; 1000]);
        }
    }

    #[test]
    fn answers_to_messages_that_came_together_leave_together() {
        let address = start(|server| server.route("/", echo));
        let mut raw = Raw::open(address, "/");
        let messages: Vec<_> = (b'a'..=b'p').map(|letter| [letter; 5]).collect();
        let frames: Vec<_> = messages
            .iter()
            .map(|message| (TEXT, &message[..]))
            .collect();
        raw.send(client(&frames));
        // One write of the server, so one read here.
        assert_eq!(
            raw.read_once(),
            wire(plainws::Role::Server, &frames),
            "sixteen echoes at once"
        );
    }

    #[test]
    fn takes_text_bytes_and_messages_owned_borrowed_and_prepared() {
        let (address, _observed) = observe(|ws, _told: &std::sync::mpsc::Sender<()>| {
            let prepared = PreparedMessage::new("t");
            let message = Message::from("t");
            ws.send("t")?;
            ws.send(String::from("t"))?;
            ws.send(String::from("t"))?;
            ws.send(&message)?;
            ws.send(message)?;
            ws.feed(&prepared)?;
            ws.sender().send(&prepared)?;
            ws.send(b"b")?;
            ws.send(&b"b"[..])?;
            ws.send(vec![b'b'])?;
            ws.feed(vec![b'b'])?;
            ws.sender().send(b"b")?;
            ws.ping("p")?;
            ws.sender().ping(b"p")?;
            ws.sender().raw().send(b"\x81\x01r")
        });
        let mut raw = Raw::open(address, "/");
        for (count, byte0, payload) in [(7, TEXT, "t"), (5, BINARY, "b"), (2, PING, "p")] {
            for _ in 0..count {
                raw.expect_frame(byte0, payload);
            }
        }
        raw.expect_frame(TEXT, "r");
        raw.expect_close(1000);
    }

    #[test]
    fn goes_together_with_the_loop_over_the_messages() {
        let (address, _observed) = observe(|ws, _told: &std::sync::mpsc::Sender<()>| {
            for message in ws.messages() {
                ws.send(message?)?;
            }
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "there and back");
        raw.expect_frame(TEXT, "there and back");
    }

    #[test]
    fn pongs_leave_ahead_of_queued_data() {
        let address = start(|server| server.route("/", echo));
        let mut raw = Raw::open(address, "/");
        raw.send(client(&[
            (TEXT, b"data"),
            (PING, b"first"),
            (PING, b"second"),
        ]));
        raw.expect_frame(PONG, "first");
        raw.expect_frame(PONG, "second");
        raw.expect_frame(TEXT, "data");
    }
}

mod close {
    use super::*;

    /// Opens a connection whose handler closes it with `code` and `reason`, then says how it ended.
    fn closing(
        limits: Limits,
        code: u16,
        reason: &'static str,
    ) -> (Raw, support::server::Observed<Option<CloseReason>>) {
        let (address, observed) = observe_with(limits, move |ws, told| {
            ws.close(CloseCode(code), reason)?;
            let _ = told.send(ws.close_reason());
            ws.close(CloseCode(4999), "closing twice does nothing")
        });
        (Raw::open(address, "/"), observed)
    }

    #[test]
    fn sends_code_and_reason_and_waits_for_the_peers_close() {
        let (mut raw, observed) = closing(Limits::default(), 3000, "that is all");
        assert_eq!(raw.expect_close(3000), "that is all");
        raw.expect_silence(MOMENT);
        raw.send_frame(CLOSE, close_body(3000, b""));
        raw.expect_fin();
        raw.send_fin();
        assert_eq!(observed.next(), Some(CloseReason::new(CloseCode(3000))));
    }

    #[test]
    fn discards_messages_and_answers_pings_until_the_peers_close() {
        let (mut raw, observed) = closing(Limits::default(), 1000, "");
        raw.expect_close(1000);
        raw.send(client(&[(TEXT, b"too late"), (PING, b"still there?")]));
        raw.expect_frame(PONG, "still there?");
        raw.send_frame(PING, "once more");
        raw.expect_frame(PONG, "once more");
        raw.send_frame(CLOSE, close_body(4001, b"mine"));
        raw.expect_fin();
        raw.send_fin();
        let reason = observed.next().expect("the peer said how it ended");
        assert_eq!(
            (reason.code, reason.reason.as_str()),
            (CloseCode(4001), "mine")
        );
    }

    #[test]
    fn cuts_a_reason_of_more_than_123_bytes_between_two_characters() {
        let long: &'static str = "x".repeat(200).leak();
        let (mut raw, _observed) = closing(Limits::default(), 1000, long);
        assert_eq!(raw.expect_close(1000), "x".repeat(123));

        let umlauts: &'static str = "ä".repeat(100).leak();
        let (mut raw, _observed) = closing(Limits::default(), 1000, umlauts);
        assert_eq!(raw.expect_close(1000), "ä".repeat(61), "122 bytes");

        let faces: &'static str = "🙂".repeat(40).leak();
        let (mut raw, _observed) = closing(Limits::default(), 1000, faces);
        assert_eq!(raw.expect_close(1000), "🙂".repeat(30), "120 bytes");
    }

    #[test]
    fn refuses_codes_that_must_not_be_sent_and_stays_open() {
        let (address, observed) = observe(|ws, told| {
            for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
                let refused = matches!(
                    ws.close(CloseCode(code), ""),
                    Err(Error::Misuse(Misuse::CloseCode(refused))) if refused == CloseCode(code)
                );
                let _ = told.send(refused);
            }
            ws.send("still open")
        });
        let mut raw = Raw::open(address, "/");
        for _ in 0..10 {
            assert!(observed.next());
        }
        raw.expect_frame(TEXT, "still open");
    }

    #[test]
    fn without_a_code_has_no_body_and_takes_no_reason() {
        let (address, observed) = observe(|ws, told| {
            let misuse = ws.close(None, "why").expect_err("a reason needs a code");
            let _ = told.send(misuse.to_string());
            ws.send("still open")?;
            ws.close(None, "")
        });
        let mut raw = Raw::open(address, "/");
        assert_eq!(
            observed.next(),
            "a Close with a reason needs a code before it, such as 1000"
        );
        raw.expect_frame(TEXT, "still open");
        raw.expect_frame(CLOSE, "");
        raw.send_frame(CLOSE, "");
        raw.expect_fin();
    }

    #[test]
    fn is_told_from_a_peer_that_was_cut_off() {
        let (address, observed) = observe(|ws, told| {
            let before = ws.was_cut_off();
            assert_eq!(ws.receive()?, None);
            let _ = told.send((before, ws.was_cut_off()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(CLOSE, "");
        assert_eq!(observed.next(), (false, false));
        let raw = Raw::open(address, "/");
        raw.send_fin();
        assert_eq!(observed.next(), (false, true));
    }

    #[test]
    fn ends_without_the_peers_close_when_the_deadline_passes() {
        let since = Instant::now();
        let (mut raw, observed) = closing(endless().close_timeout(SOON), 1000, "");
        raw.expect_close(1000);
        let reason = observed.next_due(since, SOON);
        assert_eq!(
            reason,
            Some(CloseReason::new(CloseCode::ABNORMAL)),
            "§7.1.5: no Close came"
        );
        raw.expect_fin();
    }

    #[test]
    fn is_not_kept_open_by_a_peer_that_sends_on_and_on() {
        for (byte0, length) in [(TEXT, 1000), (PING, 125)] {
            let since = Instant::now();
            let (mut raw, observed) = closing(endless().close_timeout(SOON), 1000, "");
            raw.expect_close(1000);
            let frame = client(&[(byte0, &vec![b'x'; length])]);
            let sending =
                std::thread::spawn(move || go_on_sending(&mut raw, &frame, Duration::ZERO));
            let reason = observed.next_due(since, SOON);
            assert_eq!(reason, Some(CloseReason::new(CloseCode::ABNORMAL)));
            sending.join().expect("the connection ends");
        }
    }

    #[test]
    fn of_both_sides_at_once_ends_for_both() {
        let (address, observed) = observe(|ws, told| {
            // The peer's Close has arrived, unread, when ours is sent.
            ws.receive()?;
            ws.close(CloseCode::NORMAL, "")?;
            let _ = told.send(ws.close_reason());
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send(client(&[(TEXT, b"go"), (CLOSE, &close_body(4002, b""))]));
        raw.expect_close(1000);
        raw.expect_fin();
        raw.send_fin();
        assert_eq!(observed.next(), Some(CloseReason::new(CloseCode(4002))));
    }

    #[test]
    fn comes_by_itself_when_a_handler_drops_the_connection() {
        let address = start(|server| server.route("/", |_ws| plainws::Result::Ok(())));
        let mut raw = Raw::open(address, "/");
        assert_eq!(raw.expect_close(1000), "");
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_fin();
    }

    #[test]
    fn by_the_peer_is_answered_with_its_code_and_reason() {
        let address = start(|server| server.route("/", echo));
        let codes = (1000..=1003)
            .chain(1007..=1014)
            .chain([3000, 3999, 4000, 4999]);
        for code in codes {
            let mut raw = Raw::open(address, "/");
            raw.send_frame(CLOSE, close_body(code, "tschüß".as_bytes()));
            assert_eq!(raw.expect_close(code), "tschüß");
            raw.expect_fin();
        }
        // §7.1.5: no code in, no code out.
        let mut raw = Raw::open(address, "/");
        raw.send_frame(CLOSE, "");
        raw.expect_frame(CLOSE, "");
        raw.expect_fin();
    }

    #[test]
    fn by_the_peer_comes_after_the_answers_that_were_queued() {
        let address = start(|server| server.route("/", echo));
        let mut raw = Raw::open(address, "/");
        raw.send(client(&[
            (TEXT, b"last words"),
            (PING, b"?"),
            (CLOSE, &close_body(1000, b"")),
        ]));
        raw.expect_frame(PONG, "?");
        raw.expect_frame(TEXT, "last words");
        raw.expect_close(1000);
        raw.expect_fin();
    }

    #[test]
    fn by_the_peer_makes_what_follows_it_ignored() {
        let address = start(|server| server.route("/", echo));
        let mut raw = Raw::open(address, "/");
        let close = close_body(1000, b"");
        raw.send(client(&[(CLOSE, &close), (PING, b"?"), (TEXT, b"after")]));
        raw.send(b"\xFF\xFF no frame at all");
        raw.expect_close(1000);
        raw.expect_fin();
    }
}

mod cut {
    use super::*;
    use std::thread;

    /// With these, nothing but a cut ends a connection whose peer says nothing.
    fn unhurried() -> Limits {
        Limits::default().close_timeout(Duration::MAX)
    }

    #[test]
    fn ends_the_connection_without_a_close_for_both_sides() {
        let (address, observed) = observe_with(unhurried(), |ws, told| {
            let sender = ws.sender();
            ws.send("before")?;
            ws.feed("never sent")?;
            sender.cut();
            let received = ws.receive();
            let backlog = sender.backlog();
            let sent = [ws.send("after"), ws.ping("after"), sender.send("after")];
            let _ = told.send((received, ws.close_reason(), ws.was_cut_off(), backlog, sent));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_frame(TEXT, "before");
        raw.expect_fin();
        let (received, reason, was_cut_off, backlog, sent) = observed.next();
        assert!(matches!(received, Ok(None)), "{received:?}");
        assert_eq!(reason, Some(CloseReason::new(CloseCode::ABNORMAL)));
        assert!(was_cut_off);
        assert_eq!(backlog, 0);
        for sent in sent {
            let is_told = matches!(sent, Err(Error::Misuse(Misuse::Closed)));
            assert!(is_told, "{sent:?}");
        }
    }

    #[test]
    fn ends_a_wait_for_a_message() {
        let (address, observed) = observe_with(unhurried(), |ws, told| {
            let sender = ws.sender();
            let cutting = thread::spawn(move || sender.cut());
            let _ = told.send(ws.receive());
            cutting.join().expect("it does not panic");
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_fin();
        let received = observed.next();
        assert!(matches!(received, Ok(None)), "{received:?}");
    }

    #[test]
    fn ends_a_wait_for_a_peer_that_reads_nothing() {
        let (address, observed) = observe(|ws, told| {
            let sender = ws.sender();
            thread::scope(|scope| {
                let sending = scope.spawn(|| ws.send(vec![0; 32 * 1024 * 1024]));
                while ws.traffic().bytes_sent == 0 {
                    thread::yield_now();
                }
                sender.cut();
                let sent = sending.join().expect("it does not panic");
                let _ = told.send((matches!(sent, Err(Error::Io(_))), ws.receive()));
            });
            Ok(())
        });
        let _raw = Raw::open(address, "/");
        let (has_failed, received) = observed.next();
        assert!(has_failed);
        assert!(matches!(received, Ok(None)), "{received:?}");
    }

    #[test]
    fn loses_no_message_that_was_read_ahead() {
        let (address, observed) = observe(|ws, told| {
            // The caretaker reads while this handler does something else.
            while ws.traffic().messages_received == 0 {
                thread::sleep(MOMENT);
            }
            ws.sender().cut();
            let received = [(); 2].map(|()| ws.receive());
            let _ = told.send(received);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "read ahead");
        let [first, then] = observed.next();
        let expected = Message::from("read ahead");
        assert!(
            matches!(&first, Ok(Some(message)) if *message == expected),
            "{first:?}"
        );
        assert!(matches!(then, Ok(None)), "{then:?}");
    }

    #[test]
    fn leaves_a_connection_alone_that_has_ended() {
        let (address, observed) = observe(|ws, told| {
            assert_eq!(ws.receive()?, None);
            ws.sender().cut();
            let _ = told.send((ws.sender(), ws.close_reason()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(CLOSE, close_body(4000, b""));
        raw.expect_close(4000);
        let (sender, reason) = observed.next();
        assert_eq!(reason.map(|reason| reason.code), Some(CloseCode(4000)));
        drop(raw);
        sender.cut();
    }
}

mod request {
    use super::*;

    #[test]
    fn shows_path_query_headers_origin_subprotocol_and_peer() {
        let (told, seen) = std::sync::mpsc::channel();
        let address = start(|server| {
            let tell = move |ws: &mut WebSocket| {
                let request = ws.request();
                let part = |part: Option<&str>| part.unwrap_or("none").to_owned();
                let shown = [
                    request.path().to_owned(),
                    part(request.query()),
                    part(request.origin()),
                    part(request.host()),
                    part(request.header("x-custom")),
                    part(request.header("absent")),
                    part(ws.subprotocol()),
                ];
                let _ = told.send((shown, ws.peer_addr()));
                plainws::Result::Ok(())
            };
            server
                .subprotocols(["chat.v1", "chat.v2"])
                .allow_origin("https://example.org".parse().unwrap())
                .route("/room", tell)
        });
        let request = |target: &str, more: &str| {
            upgrade_request(target).replacen("\r\n\r\n", &format!("\r\n{more}\r\n"), 1)
        };

        let stream = std::net::TcpStream::connect(address).unwrap();
        let own_address = stream.local_addr().unwrap();
        let mut raw = Raw::from(stream);
        raw.send(request(
            "/room?a=1&b=%20?x",
            "Origin: https://example.org\r\nX-Custom: \t some words\t \r\n\
             Sec-WebSocket-Protocol: other, chat.v2\r\nsec-websocket-protocol: chat.v1\r\n",
        ));
        let head = raw.expect_101();
        assert_eq!(
            support::raw::header(&head, "Sec-WebSocket-Protocol"),
            Some("chat.v2"),
            "the first that the client offers and the server speaks"
        );
        let (shown, peer) = seen.recv_timeout(PATIENCE).unwrap();
        let expected = [
            "/room",
            "a=1&b=%20?x",
            "https://example.org",
            "localhost",
            "some words",
            "none",
            "chat.v2",
        ];
        assert_eq!(shown, expected);
        assert_eq!(peer, Some(own_address));

        let mut raw = Raw::connect(address);
        raw.send(request("/room", "Sec-WebSocket-Protocol: other\r\n"));
        let head = raw.expect_101();
        assert_eq!(
            support::raw::header(&head, "Sec-WebSocket-Protocol"),
            None,
            "none of those offered is spoken here"
        );
        let (shown, _) = seen.recv_timeout(PATIENCE).unwrap();
        let expected = ["/room", "none", "none", "localhost", "none", "none", "none"];
        assert_eq!(shown, expected);
    }
}
