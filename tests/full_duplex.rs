//! Full duplex over real sockets: any thread sends, and a busy handler's connection is looked after.

use crate::support::bytes::{BINARY, CLOSE, PING, PONG, TEXT, close_body, frame, wire};
use crate::support::due;
use crate::support::gate::Gate;
use crate::support::hand_made::accepting;
use crate::support::raw::{PATIENCE, Raw};
use crate::support::server::{Observed, echo, endless, observe, observe_with, start, wait_until};
use plainws::protocol::connection::Misuse;
use plainws::{
    CloseCode, CloseReason, Error, Limits, Message, PreparedMessage, Received, Sender, WebSocket,
    WhenFull,
};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const MIB: usize = 1024 * 1024;

/// A message that tells its sender and its number, and can be seen to be whole.
fn signed(who: u8, number: u16) -> Vec<u8> {
    let length = 3 + usize::from(number) * 7919 % 40_000;
    let mut message = vec![who.wrapping_mul(31).wrapping_add(number.to_be_bytes()[1]); length];
    message[0] = who;
    message[1..3].copy_from_slice(&number.to_be_bytes());
    message
}

/// Checks signed messages: each is whole, and those of one sender come in the order in which it sent them.
#[derive(Default)]
struct Signatures {
    next: std::collections::HashMap<u8, u16>,
    count: usize,
}

impl Signatures {
    #[track_caller]
    fn check(&mut self, message: &[u8]) {
        let number = self.next.entry(message[0]).or_default();
        assert!(message == signed(message[0], *number), "torn or misplaced");
        *number += 1;
        self.count += 1;
    }
}

/// Sends signed messages from `threads` threads at once.
fn send_signed(sender: &Sender, threads: u8, each: u16) -> Vec<thread::JoinHandle<()>> {
    (0..threads)
        .map(|who| {
            let sender = sender.clone();
            thread::spawn(move || {
                for number in 0..each {
                    let sent = sender.send(signed(who, number));
                    sent.expect("the connection is open");
                }
            })
        })
        .collect()
}

mod senders {
    use super::*;

    #[test]
    fn of_many_threads_never_interleave_their_frames_while_the_own_thread_receives() {
        const THREADS: u8 = 8;
        const EACH: u16 = 60;
        let (address, _observed) = observe(|ws, _told: &mpsc::Sender<()>| {
            let threads = send_signed(&ws.sender(), THREADS, EACH);
            echo(ws)?;
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        let mut signatures = Signatures::default();
        let (mut pongs, mut echoes) = (0, 0);
        let total = usize::from(THREADS) * usize::from(EACH);
        while signatures.count < total || pongs < 20 || echoes < 20 {
            if signatures.count % 24 == 1 && pongs + echoes < 40 {
                raw.send_frame(PING, "?");
                raw.send_frame(TEXT, "echo");
            }
            match raw.frame() {
                (BINARY, message) => signatures.check(&message),
                (PONG, payload) if payload == b"?" => pongs += 1,
                (TEXT, payload) if payload == b"echo" => echoes += 1,
                (byte0, _) => panic!("{byte0:08b}"),
            }
        }
        raw.send_frame(CLOSE, close_body(1000, b""));
        while raw.frame().0 != CLOSE {}
        raw.expect_fin();
    }

    #[test]
    fn of_a_client_mask_what_they_send_and_do_not_interleave_either() {
        const THREADS: u8 = 4;
        const EACH: u16 = 50;
        let (address, observed) = observe(|ws, told| {
            let mut signatures = Signatures::default();
            while let Some(message) = ws.receive()? {
                signatures.check(message.as_bytes());
            }
            let _ = told.send((signatures.count, ws.close_reason()));
            Ok(())
        });
        let ws = plainws::connect(&format!("ws://{address}/")).unwrap();
        let sender = ws.sender();
        let closing = sender.clone();
        let threads = send_signed(&sender, THREADS, EACH);
        let closer = thread::spawn(move || {
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            closing.close(CloseCode(4000), "done").unwrap();
        });
        // Blocked here all the while, until the Close that another thread started is answered.
        assert_eq!(ws.receive().unwrap(), None);
        closer.join().unwrap();
        let (count, reason) = observed.next();
        assert_eq!(count, usize::from(THREADS) * usize::from(EACH));
        assert_eq!(reason.map(|reason| reason.code), Some(CloseCode(4000)));
    }

    #[test]
    fn ping_and_close_from_another_thread() {
        let (address, observed) = observe(|ws, told| {
            let sender = ws.sender();
            let thread = thread::spawn(move || {
                sender.ping(b"from outside").unwrap();
                assert!(matches!(
                    sender.ping([0; 126]),
                    Err(Error::Misuse(Misuse::ControlTooLong(126)))
                ));
                assert!(matches!(
                    sender.close(CloseCode(1005), ""),
                    Err(Error::Misuse(Misuse::CloseCode(CloseCode(1005))))
                ));
                sender.send("still open").unwrap();
                sender.close(CloseCode(3001), "enough").unwrap();
            });
            let ended = ws.receive()?;
            thread.join().unwrap();
            let _ = told.send((ended, ws.close_reason().map(|reason| reason.code)));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_frame(PING, "from outside");
        raw.expect_frame(TEXT, "still open");
        assert_eq!(raw.expect_close(3001), "enough");
        raw.send_frame(CLOSE, close_body(3001, b""));
        raw.expect_fin();
        assert_eq!(observed.next(), (None, Some(CloseCode(3001))));
    }

    /// A thread that finds another one writing leaves its message to that one, which must not forget it.
    #[test]
    fn that_find_another_one_writing_are_not_forgotten() {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, observed) = observe_with(endless(), move |ws, told| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let sender = ws.sender();
                    thread::spawn(move || {
                        for _ in 0..2000 {
                            sender.send(".").unwrap();
                        }
                    })
                })
                .collect();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            let _ = told.send(());
            // Up to here all was written: no further call is made until the peer has read it all.
            its_gate.wait();
            Ok(())
        });
        for _ in 0..3 {
            let mut raw = Raw::open(address, "/");
            for _ in 0..8000 {
                raw.expect_frame(TEXT, ".");
            }
            observed.next();
        }
        gate.open();
    }
}

mod after_the_end {
    use super::*;

    /// Whether every way to send says that it is too late.
    fn are_all_closed(sender: &Sender) -> bool {
        let results = [
            sender.send("late"),
            sender.send("late"),
            sender.send(b"late"),
            sender.send(&PreparedMessage::new("late")),
            sender.ping(b"late"),
            sender.close(CloseCode::NORMAL, "late"),
        ];
        results
            .iter()
            .all(|result| matches!(result, Err(Error::Misuse(Misuse::Closed))))
    }

    /// Ends a connection in some way; then its handler tries to send, and tells how that went.
    fn end(by: impl FnOnce(Raw), receive_first: bool) {
        let (address, observed) = observe(move |ws, told| {
            ws.send("hello")?;
            if receive_first {
                while let Ok(Some(_)) = ws.receive() {}
            } else {
                // A handler that only writes finds out as well.
                while ws.sender().send("tick").is_ok() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
            let refusing = ws.sender().when_full(WhenFull::Refuse);
            let _ = told.send(are_all_closed(&ws.sender()) && are_all_closed(&refusing));
            Ok(())
        });
        by(Raw::open(address, "/"));
        assert!(observed.next());
    }

    #[test]
    fn by_the_peers_close_every_call_says_so() {
        for receive_first in [true, false] {
            end(
                |mut raw| {
                    raw.send_frame(CLOSE, close_body(1000, b""));
                    raw.until_end();
                },
                receive_first,
            );
        }
    }

    #[test]
    fn by_a_broken_rule_every_call_says_so() {
        for receive_first in [true, false] {
            end(
                |mut raw| {
                    raw.send(b"\x81\x00");
                    raw.until_end();
                },
                receive_first,
            );
        }
    }

    #[test]
    fn by_the_end_of_the_peers_side_every_call_says_so() {
        for receive_first in [true, false] {
            end(
                |mut raw| {
                    raw.send_fin();
                    raw.until_end();
                },
                receive_first,
            );
        }
    }

    #[test]
    fn by_a_reset_every_call_says_so_once_the_loss_is_reported() {
        end(Raw::reset, true);
    }

    #[test]
    fn a_handler_that_only_writes_learns_of_a_reset() {
        let (address, observed) = observe(|ws, told| {
            ws.send("hello")?;
            let error = loop {
                match ws.send("tick") {
                    Ok(()) => thread::sleep(Duration::from_millis(5)),
                    Err(error) => break error,
                }
            };
            let _ = told.send(error.is_closed() || matches!(error, Error::Io(_)));
            Ok(())
        });
        Raw::open(address, "/").reset();
        assert!(observed.next());
    }

    #[test]
    fn a_sender_may_outlive_its_websocket() {
        let (address, observed) = observe(|ws, told| {
            let _ = told.send(ws.sender());
            ws.receive().map(drop)
        });
        let mut raw = Raw::open(address, "/");
        let sender = observed.next();
        sender.send("from outside").unwrap();
        raw.expect_frame(TEXT, "from outside");
        raw.send_frame(CLOSE, "");
        raw.until_end();
        let deadline = Instant::now() + PATIENCE;
        while !are_all_closed(&sender) {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        assert_eq!(sender.backlog(), 0);
    }
}

mod while_the_handler_is_busy {
    use super::*;

    /// The peer's pings and its Close are answered, though `handler` does not receive.
    fn answers(handler: impl Fn(&mut WebSocket, &Gate) + Send + Sync + 'static) {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, observed) = observe_with(endless(), move |ws, told| {
            handler(ws, &its_gate);
            // What came meanwhile was kept.
            let _ = told.send((ws.receive()?, ws.receive()?, ws.close_reason()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        for payload in ["one", "two"] {
            raw.send_frame(PING, payload);
            while raw.frame() != (PONG, payload.into()) {}
        }
        raw.send_frame(TEXT, "kept");
        raw.send_frame(CLOSE, close_body(4001, b"bye"));
        while raw.frame() != (CLOSE, close_body(4001, b"bye")) {}
        raw.expect_fin();
        gate.open();
        let (message, end, reason) = observed.next();
        assert_eq!((message, end), (Some("kept".into()), None));
        let reason = reason.expect("the Close was seen");
        assert_eq!(
            (reason.code, reason.reason.as_str()),
            (CloseCode(4001), "bye")
        );
    }

    #[test]
    fn and_a_close_waits_for_its_answer_pings_get_their_pongs() {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, observed) = observe_with(endless(), move |ws, told| {
            ws.sender().close(CloseCode(4000), "")?;
            its_gate.wait();
            let _ = told.send((ws.receive()?, ws.close_reason()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_close(4000);
        for payload in ["one", "two"] {
            raw.send_frame(PING, payload);
            raw.expect_frame(PONG, payload);
        }
        raw.send_frame(CLOSE, close_body(4000, b""));
        raw.expect_fin();
        gate.open();
        let reason = CloseReason::new(CloseCode(4000));
        assert_eq!(observed.next(), (None, Some(reason)));
    }

    #[test]
    fn and_its_tap_panics_other_connections_are_looked_after() {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let address = start(|server| {
            let server = server.tap(|number, _| {
                let tap: plainws::net::tap::Tap = Box::new(move |_, bytes| {
                    // A head begins with a letter, and a frame does not.
                    assert!(number != 0 || bytes[0].is_ascii());
                });
                Some(tap)
            });
            server.route("/", move |_| {
                its_gate.wait();
                plainws::Result::Ok(())
            })
        });
        let mut watched = Raw::open(address, "/");
        watched.send_frame(PING, "");
        watched.until_end();
        let mut other = Raw::open(address, "/");
        other.send_frame(PING, "hi");
        other.expect_frame(PONG, "hi");
        gate.open();
    }

    #[test]
    fn with_sleeping() {
        answers(|_, gate| gate.wait());
    }

    #[test]
    fn with_computing() {
        answers(|_, gate| {
            let is_done = Arc::new(AtomicBool::new(false));
            let (gate, done) = (gate.clone(), Arc::clone(&is_done));
            thread::spawn(move || {
                gate.wait();
                done.store(true, Ordering::Relaxed);
            });
            let mut number = 1_u64;
            while !is_done.load(Ordering::Relaxed) {
                for _ in 0..10_000 {
                    number = std::hint::black_box(number).wrapping_mul(3);
                }
            }
        });
    }

    #[test]
    fn with_sending_large_messages_without_end() {
        answers(|ws, _| while ws.send(&[0; MIB]).is_ok() {});
    }

    #[test]
    fn while_other_threads_send_large_messages_without_end() {
        answers(|ws, gate| {
            for _ in 0..2 {
                let sender = ws.sender();
                thread::spawn(move || while sender.send(&[0; MIB]).is_ok() {});
            }
            gate.wait();
        });
    }

    #[test]
    fn and_a_rule_is_broken_it_is_told_at_once() {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, observed) = observe_with(endless(), move |ws, told| {
            its_gate.wait();
            let _ = told.send((ws.receive()?, matches!(ws.receive(), Err(Error::Rule(_)))));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.send_frame(TEXT, "before");
        raw.send(b"\x83\x80\0\0\0\0");
        raw.expect_close(1002);
        raw.expect_fin();
        gate.open();
        assert_eq!(observed.next(), (Some("before".into()), true));
    }

    #[derive(PartialEq, Eq)]
    enum Told {
        Sent,
        Heard,
    }

    #[test]
    fn and_its_write_is_stuck_a_pong_passes_ahead_of_what_is_queued() {
        let (address, observed) = observe_with(endless(), |ws, told| {
            let mut numbers = (0..=u8::MAX).cycle();
            // The first of these gets stuck and the others queue up. If the socket takes what is queued, more
            // follow.
            while ws.traffic().bytes_received == 0 {
                if ws.sender().backlog() < MIB / 2 {
                    let (sender, told) = (ws.sender(), told.clone());
                    let message = vec![numbers.next().unwrap(); MIB / 4];
                    thread::spawn(move || {
                        let _ = sender.send(&message);
                        let _ = told.send(Told::Sent);
                    });
                }
                thread::sleep(Duration::from_millis(1));
            }
            let _ = told.send(Told::Heard);
            while ws.sender().backlog() > 0 {
                thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        while observed.next_within(Duration::from_millis(300)).is_some() {}
        // Stuck.
        raw.send_frame(PING, "through?");
        while observed.next() != Told::Heard {}
        let mut after = 0;
        let mut has_answered = false;
        loop {
            match raw.frame() {
                (PONG, payload) => {
                    assert_eq!(payload, b"through?");
                    has_answered = true;
                }
                (BINARY, message) => {
                    assert!(message.iter().all(|&byte| byte == message[0]));
                    after += usize::from(has_answered);
                }
                (CLOSE, _) => break,
                (byte0, _) => panic!("{byte0:08b}"),
            }
        }
        assert!(after >= 1, "the pong waited for everything");
    }

    #[test]
    fn no_more_is_read_for_it_than_it_can_be_given_and_nothing_is_lost() {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, observed) = observe_with(endless(), move |ws, told| {
            its_gate.wait();
            let mut signatures = Signatures::default();
            while let Some(message) = ws.receive()? {
                signatures.check(message.as_bytes());
            }
            let _ = told.send(signatures.count);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        // 50 MB: much more than is read ahead for a handler, or fits into the sockets' buffers.
        let sending = thread::spawn(move || {
            for number in 0..2500 {
                raw.send_frame(BINARY, signed(1, number));
            }
            raw.send_frame(CLOSE, close_body(1000, b""));
            raw.expect_close(1000);
        });
        thread::sleep(Duration::from_millis(500));
        assert!(!sending.is_finished(), "50 MB were read ahead");
        gate.open();
        assert_eq!(observed.next(), 2500);
        sending.join().unwrap();
    }
}

mod when_full {
    use super::*;

    /// A handler that hands out a sender and waits at the gate.
    fn sender(limits: Limits) -> (Raw, Sender, Gate) {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, observed) = observe_with(limits, move |ws, told| {
            let _ = told.send(ws.sender());
            its_gate.wait();
            Ok(())
        });
        let raw = Raw::open(address, "/");
        let sender = observed.next();
        (raw, sender, gate)
    }

    #[test]
    fn wait_waits_for_a_peer_that_reads_late() {
        let (mut raw, sender, gate) = sender(endless());
        let sending = thread::spawn(move || {
            for number in 0..2500 {
                sender.send(signed(1, number)).unwrap();
            }
        });
        thread::sleep(Duration::from_millis(500));
        assert!(!sending.is_finished(), "50 MB wait in memory");
        let mut signatures = Signatures::default();
        for _ in 0..2500 {
            signatures.check(&raw.frame().1);
        }
        sending.join().unwrap();
        gate.open();
    }

    /// One sender is stuck, another waits for room: the deadline of the first one's write ends both.
    #[test]
    fn wait_ends_with_the_write_deadline() {
        let brief = Duration::from_millis(500);
        let limits = endless().write_timeout(brief).transit_timeout(brief);
        let (mut raw, sender, gate) = sender(limits);
        let since = Instant::now();
        let stuck = sender.clone();
        let stuck = thread::spawn(move || stuck.send(vec![0; 48 * MIB]));
        raw.wait_for_input();
        let (waited, late, stuck) = due::call(since, brief, move || {
            let mut queued = 0;
            let waited = loop {
                match sender.send(&[0; MIB]) {
                    Ok(()) => queued += 1,
                    Err(error) => break error,
                }
                assert!(queued < 3, "no more than the backlog is to be queued");
            };
            (waited, sender.send(b"late"), stuck.join())
        });
        for error in [waited, late.expect_err("the connection has ended")] {
            assert!(error.is_closed(), "{error}");
        }
        let stuck = stuck.expect("it does not panic");
        let Err(Error::Io(error)) = stuck else {
            panic!("{stuck:?}")
        };
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        raw.until_end();
        gate.open();
    }

    /// The connection's own thread waits as well while another thread is stuck in a write.
    #[test]
    fn the_own_thread_waits_for_a_stuck_sender() {
        let (address, observed) = observe_with(endless(), |ws, told| {
            let sender = ws.sender();
            let stuck = thread::spawn(move || sender.send(vec![0; 16 * MIB]));
            thread::sleep(Duration::from_millis(200));
            for _ in 0..80 {
                ws.send(&[1; MIB])?;
                let _ = told.send(());
            }
            let _ = stuck.join();
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        let mut sent = 0;
        while observed.next_within(Duration::from_secs(1)).is_some() {
            sent += 1;
            // The sockets' buffers may take some 36 MiB.
            assert!(sent < 60, "{sent} MiB wait in memory");
        }
        for _ in 0..81 {
            assert_eq!(raw.frame().0, BINARY);
        }
        raw.expect_close(1000);
    }

    /// The own thread waits for room while a sender is stuck, takes the writing over from it, and does
    /// not call again.
    #[test]
    fn what_was_accepted_is_written_without_a_further_call() {
        const OWN: usize = MIB * 5 / 8;

        let (gate, is_stuck) = (Gate::default(), Gate::default());
        let (its_gate, its_stuck) = (gate.clone(), is_stuck.clone());
        let (address, observed) = observe_with(endless(), move |ws, told| {
            let _ = told.send(ws.sender());
            its_stuck.wait();
            // The third waits for room until the first is on its way.
            for _ in 0..3 {
                ws.send(&[1; OWN])?;
            }
            its_gate.wait();
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        let sender = observed.next();
        let stuck = sender.clone();
        let stuck = thread::spawn(move || stuck.send(vec![2; 24 * MIB]));
        // More than the sockets' buffers hold: when it has begun to arrive, it is stuck.
        raw.wait_for_input();
        is_stuck.open();
        wait_until("a full backlog", || sender.backlog() > MIB);
        for length in [24 * MIB, OWN, OWN, OWN] {
            assert_eq!(raw.frame().1.len(), length);
        }
        assert!(stuck.join().expect("it does not panic").is_ok());
        gate.open();
    }

    #[test]
    fn refuse_says_so_and_never_waits() {
        // With these limits a wait never ends by itself.
        let (mut raw, sender, gate) = sender(endless());
        let sender = sender.when_full(WhenFull::Refuse);
        let max = Limits::default().max_backlog;
        let mut accepted = 0;
        loop {
            match sender.send(signed(1, accepted)) {
                Ok(()) => accepted += 1,
                Err(Error::Backlogged) => break,
                Err(error) => panic!("{error}"),
            }
            assert!(sender.backlog() <= max);
        }
        assert!(sender.backlog() > max / 2);
        assert!(matches!(
            sender.send(&PreparedMessage::new(vec![0; max])),
            Err(Error::Backlogged)
        ));
        // The backlog leaves without a further call, and then there is room again.
        let mut signatures = Signatures::default();
        for _ in 0..accepted {
            signatures.check(&raw.frame().1);
        }
        raw.expect_silence(Duration::from_millis(50));
        // The thread that wrote the last of it may not have said so yet.
        let deadline = Instant::now() + PATIENCE;
        while sender.backlog() > 0 {
            assert!(Instant::now() < deadline, "{} bytes left", sender.backlog());
            thread::yield_now();
        }
        sender.send("again").unwrap();
        raw.expect_frame(TEXT, "again");
        gate.open();
    }

    #[test]
    fn refuse_lets_one_message_pass_that_is_larger_than_the_whole_backlog() {
        let (mut raw, sender, gate) = sender(endless());
        let sender = sender.when_full(WhenFull::Refuse);
        sender.send(vec![7; 12 * MIB]).unwrap();
        raw.expect_frame(BINARY, vec![7; 12 * MIB]);
        gate.open();
    }

    #[test]
    fn refuse_finds_the_write_deadline_too() {
        let brief = Duration::from_millis(300);
        let limits = endless().write_timeout(brief).transit_timeout(brief);
        let (mut raw, sender, gate) = sender(limits);
        let sender = sender.when_full(WhenFull::Refuse);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match sender.send(&[0; MIB / 4]) {
                Ok(()) => {}
                Err(Error::Backlogged) => thread::sleep(Duration::from_millis(5)),
                Err(Error::Misuse(Misuse::Closed) | Error::Io(_)) => break,
                Err(error) => panic!("{error}"),
            }
            assert!(Instant::now() < deadline, "the dead peer is not found");
        }
        raw.until_end();
        gate.open();
    }

    #[test]
    fn a_prepared_message_reaches_many_as_it_is() {
        let (address, observed) = observe(|ws, told| {
            let _ = told.send(ws.sender().when_full(WhenFull::Refuse));
            ws.receive().map(drop)
        });
        let mut peers: Vec<_> = (0..16).map(|_| Raw::open(address, "/")).collect();
        let senders: Vec<_> = peers.iter().map(|_| observed.next()).collect();
        let text = PreparedMessage::new("an alle");
        let binary = PreparedMessage::new(vec![0xAB; 70_000]);
        for sender in &senders {
            sender.send(&text).unwrap();
            sender.send(&binary).unwrap();
        }
        for peer in &mut peers {
            peer.expect_frame(TEXT, "an alle");
            peer.expect_frame(BINARY, [0xAB; 70_000]);
        }
    }

    #[test]
    fn a_client_masks_a_prepared_message_anew_each_time() {
        let address = start(|server| server.route("/", echo));
        let ws = plainws::connect(&format!("ws://{address}/")).unwrap();
        let prepared = PreparedMessage::new("masked");
        // The server ends a connection with an unmasked frame on it.
        ws.send(&prepared).unwrap();
        ws.sender().send(&prepared).unwrap();
        for _ in 0..2 {
            assert_eq!(ws.receive().unwrap(), Some("masked".into()));
        }
        ws.close(CloseCode::NORMAL, "").unwrap();
    }
}

mod liveness {
    use super::*;

    fn limits(ping_after: u64, pong_timeout: u64) -> Limits {
        Limits::default()
            .ping_after(Some(Duration::from_millis(ping_after)))
            .pong_timeout(Duration::from_millis(pong_timeout))
    }

    /// How a connection ended, once `handler` has failed.
    fn failing(
        limits: Limits,
        handler: impl Fn(&mut WebSocket) -> plainws::Result<()> + Send + Sync + 'static,
    ) -> (SocketAddr, Observed<Error>) {
        observe_with(limits, move |ws, told| {
            if let Err(error) = handler(ws) {
                let _ = told.send(error);
            }
            Ok(())
        })
    }

    fn is_timed_out(error: &Error) -> bool {
        matches!(error, Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut)
    }

    #[test]
    fn silence_is_broken_by_a_ping_and_its_pong_tells_the_round_trip_time() {
        let (address, observed) = observe_with(limits(50, 3_600_000), |ws, told| {
            let before = ws.round_trip_time();
            while ws.round_trip_time().is_none() {
                ws.receive_timeout(Duration::from_millis(5))?;
            }
            let _ = told.send((before, ws.round_trip_time()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        let (byte0, payload) = raw.frame();
        assert_eq!(byte0, PING);
        thread::sleep(Duration::from_millis(20));
        // Not the pong that was asked for: a sign of life, but no answer.
        raw.send_frame(PONG, "other");
        raw.send_frame(PONG, payload);
        let (before, after) = observed.next();
        assert_eq!(before, None);
        assert!(after >= Some(Duration::from_millis(20)), "{after:?}");
    }

    #[test]
    fn a_peer_that_answers_each_ping_stays() {
        let (address, _observed) = failing(limits(20, 5000), |ws| ws.receive().map(drop));
        let mut raw = Raw::open(address, "/");
        let mut payloads = Vec::new();
        for _ in 0..10 {
            let (byte0, payload) = raw.frame();
            assert_eq!(byte0, PING);
            raw.send_frame(PONG, &payload);
            payloads.push(payload);
        }
        payloads.dedup();
        assert_eq!(payloads.len(), 10, "each ping has its own payload");
    }

    #[test]
    fn a_silent_peer_is_dead() {
        let (address, observed) = failing(limits(100, 200), |ws| ws.receive().map(drop));
        let since = Instant::now();
        let mut raw = Raw::open(address, "/");
        assert_eq!(raw.frame().0, PING);
        let error = observed.next_due(since, Duration::from_millis(300));
        assert!(is_timed_out(&error));
        assert_eq!(raw.until_end(), b"", "nothing more is sent");
    }

    #[test]
    fn a_silent_peer_is_found_by_a_client_as_well() {
        let server = accepting(|raw| {
            assert_eq!(raw.masked_frame().0, PING);
            assert_eq!(raw.until_end(), b"", "nothing more is sent");
        });
        let client = plainws::Client::new(&server.url).unwrap();
        let ws = client.limits(limits(100, 200)).connect().unwrap();
        assert!(is_timed_out(&ws.receive().unwrap_err()));
        assert!(ws.was_cut_off());
        server.join();
    }

    #[test]
    fn a_busy_server_is_alive_to_a_client_as_well() {
        let gate = Gate::default();
        let its_gate = gate.clone();
        let (address, _observed) = failing(Limits::default(), move |_| {
            its_gate.wait();
            Ok(())
        });
        let ws = plainws::Client::new(&format!("ws://{address}/"))
            .unwrap()
            .limits(limits(20, 5000))
            .connect()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        while ws.round_trip_time().is_none() {
            assert!(Instant::now() < deadline);
            ws.receive_timeout(Duration::from_millis(10)).unwrap();
        }
        gate.open();
    }

    #[test]
    fn a_silent_peer_is_found_by_a_handler_that_never_waits() {
        let (address, observed) = failing(limits(100, 200), |ws| {
            while !matches!(ws.receive_timeout(Duration::ZERO)?, Received::Ended(_)) {
                thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        assert_eq!(raw.frame().0, PING);
        assert!(is_timed_out(&observed.next()));
    }

    #[test]
    fn a_silent_peer_is_found_while_the_handler_only_writes_or_sleeps() {
        let (address, observed) = failing(limits(100, 200), |ws| {
            loop {
                ws.send("tick")?;
                thread::sleep(Duration::from_millis(20));
            }
        });
        let mut raw = Raw::open(address, "/");
        let error = observed.next();
        assert!(error.is_closed() || matches!(error, Error::Io(_)));
        raw.until_end();

        let (address, observed) = failing(limits(100, 200), |ws| {
            while ws.sender().ping(b"").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
            ws.receive().map(drop)
        });
        let mut raw = Raw::open(address, "/");
        assert!(is_timed_out(&observed.next()));
        raw.until_end();
    }

    #[test]
    fn any_byte_is_a_sign_of_life_in_the_middle_of_a_message_too() {
        let (address, observed) = observe_with(limits(1000, 1000), |ws, told| {
            let _ = told.send(ws.receive());
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        // 26 bytes in 2.6 s, and no pong although pings arrive.
        for byte in frame(plainws::Role::Client, TEXT, b"twenty letters here!") {
            raw.send([byte]);
            thread::sleep(Duration::from_millis(100));
        }
        let message = observed.next().unwrap();
        assert_eq!(message, Some("twenty letters here!".into()));
    }

    /// What a peer has sent is a sign of life even before it is read.
    #[test]
    fn a_peer_that_nobody_listens_to_is_not_dead() {
        let (address, observed) = observe_with(limits(100, 200), |ws, told| {
            thread::sleep(Duration::from_secs(1));
            let mut count = 0;
            while ws.receive()?.is_some() {
                count += 1;
            }
            let _ = told.send(count);
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        // More than is read ahead for a handler; the rest stays in the socket.
        for _ in 0..500 {
            raw.send_frame(BINARY, [7; 1000]);
        }
        raw.send_frame(CLOSE, close_body(1000, b""));
        assert_eq!(observed.next(), 500);
    }

    /// A ping that comes after a large message cannot be answered before that message has passed.
    #[test]
    fn a_peer_that_takes_a_large_message_slowly_is_not_dead() {
        const LENGTH: usize = 24 * MIB;
        let (address, _observed) = failing(limits(500, 1000), |ws| {
            ws.send(vec![7; LENGTH])?;
            ws.receive().map(drop)
        });
        let mut raw = Raw::open(address, "/");
        let mut received = raw.bytes(10).len();
        while received < LENGTH {
            thread::sleep(Duration::from_millis(100));
            received += raw.bytes((LENGTH + 10 - received).min(MIB)).len();
        }
    }

    #[test]
    fn is_no_matter_once_we_have_closed_the_close_deadline_is() {
        let limits = limits(50, 100).close_timeout(PATIENCE);
        let (address, observed) = observe_with(limits, |ws, told| {
            ws.sender().close(CloseCode::NORMAL, "")?;
            let ended = ws.receive();
            let _ = told.send((matches!(ended, Ok(None)), ws.close_reason()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_close(1000);
        thread::sleep(Duration::from_millis(400));
        raw.send_frame(CLOSE, close_body(4000, b""));
        raw.expect_fin();
        let (is_end, reason) = observed.next();
        assert!(is_end);
        assert_eq!(reason.map(|reason| reason.code), Some(CloseCode(4000)));
    }

    #[test]
    fn can_be_switched_off() {
        let limits = Limits::default()
            .ping_after(None)
            .pong_timeout(Duration::from_millis(1));
        let (address, observed) = observe_with(limits, |ws, told| {
            let _ = told.send((ws.receive()?, ws.round_trip_time()));
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        raw.expect_silence(Duration::from_millis(300));
        raw.send_frame(TEXT, "here");
        assert_eq!(observed.next(), (Some("here".into()), None));
    }
}

mod races {
    use super::*;

    /// Once the caretaker read a message after a handler had looked for one and before it waited for
    /// more; the handler then waited for a message that had already arrived.
    #[test]
    fn no_message_is_read_past_a_handler_that_is_about_to_wait() {
        let address = start(|server| server.route("/", echo));
        let raws: Vec<_> = (0..32).map(|_| Raw::open(address, "/")).collect();
        let talk = |mut raw: Raw| {
            // Each for two seconds of its own, however late its thread starts.
            let deadline = Instant::now() + Duration::from_secs(2);
            for count in 0_u32.. {
                raw.send_frame(BINARY, count.to_be_bytes());
                raw.expect_frame(BINARY, count.to_be_bytes());
                if Instant::now() >= deadline {
                    break;
                }
            }
        };
        let peers: Vec<_> = raws
            .into_iter()
            .map(|raw| thread::spawn(move || talk(raw)))
            .collect();
        peers.into_iter().for_each(|peer| peer.join().unwrap());
    }

    /// What a handler is about to answer leaves before the reply to a Close that came after it.
    #[test]
    fn no_close_is_answered_past_a_handler_that_is_about_to_send() {
        let address = start(|server| server.route("/", echo));
        let mut frames: Vec<_> = [(TEXT, &b"last words"[..]); 40].into();
        frames.push((CLOSE, b"\x03\xE8"));
        let sent = wire(plainws::Role::Client, &frames);
        let expected = wire(plainws::Role::Server, &frames);
        let peers: Vec<_> = (0..16)
            .map(|_| {
                let (sent, expected) = (sent.clone(), expected.clone());
                thread::spawn(move || {
                    let deadline = Instant::now() + Duration::from_secs(2);
                    while Instant::now() < deadline {
                        let mut raw = Raw::open(address, "/");
                        raw.send(&sent);
                        assert!(raw.until_end() == expected, "an answer is missing");
                    }
                })
            })
            .collect();
        peers.into_iter().for_each(|peer| peer.join().unwrap());
    }

    #[test]
    fn both_ends_of_a_connection_may_send_without_end() {
        let address = start(|server| {
            server.route("/", |ws| {
                let sender = ws.sender();
                let threads = send_signed(&sender, 2, 100);
                let mut signatures = Signatures::default();
                while signatures.count < 200 {
                    match ws.receive()? {
                        Some(message) => signatures.check(message.as_bytes()),
                        None => return Ok(()),
                    }
                }
                threads
                    .into_iter()
                    .for_each(|thread| thread.join().unwrap());
                ws.send("all is there")
            })
        });
        let peers: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(move || {
                    let ws = plainws::connect(&format!("ws://{address}/")).unwrap();
                    let threads = send_signed(&ws.sender(), 2, 100);
                    let mut signatures = Signatures::default();
                    loop {
                        match ws.receive().unwrap() {
                            Some(Message::Binary(message)) => signatures.check(&message),
                            Some(Message::Text(_)) => break,
                            None => panic!("the end"),
                        }
                    }
                    assert_eq!(signatures.count, 200);
                    threads
                        .into_iter()
                        .for_each(|thread| thread.join().unwrap());
                })
            })
            .collect();
        peers.into_iter().for_each(|peer| peer.join().unwrap());
    }

    #[test]
    fn open_close_and_send_from_elsewhere_at_the_same_time_end_in_order() {
        let (address, observed) = observe(|ws, told| {
            let _ = told.send(ws.sender());
            ws.receive_timeout(Duration::from_millis(2))?;
            Ok(())
        });
        for round in 0..100 {
            let mut raw = Raw::open(address, "/");
            let sender = observed.next();
            let sending = thread::spawn(move || while sender.send("more").is_ok() {});
            if round % 2 == 0 {
                raw.send(wire(plainws::Role::Client, &[(CLOSE, b"\x03\xE8")]));
            }
            loop {
                match raw.frame() {
                    (TEXT, text) => assert_eq!(text, b"more"),
                    (CLOSE, body) => break assert_eq!(body, b"\x03\xE8"),
                    (byte0, _) => panic!("{byte0:08b}"),
                }
            }
            if round % 2 == 1 {
                raw.send_frame(CLOSE, close_body(1000, b""));
            }
            raw.expect_fin();
            sending.join().unwrap();
        }
    }
}
