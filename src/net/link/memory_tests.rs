//! What a link holds of a budget: after every path the sum is what is held, and so at last 0.

use super::peer::{Peer, let_silence_last, linked, linked_with, wait_until, within_patience};
use super::*;
use crate::net::budget::Budget;
use crate::net::caretaker;
use crate::net::error::Result;
use crate::net::read_buffer::QUIET;
use crate::protocol::message::Message;
use allocation_counter::measure;
use std::thread;

const KIB: usize = 1024;
const HELLO: &[u8] = b"\x81\x85\0\0\0\0Hello";
const CLOSE: &[u8] = b"\x88\x80\0\0\0\0";
/// As a server sends it.
const REFUSAL: &[u8] = b"\x88\x23\x03\xF5no memory is left for the message";

/// A budget of a megabyte.
fn budget() -> Arc<Budget> {
    Arc::new(Budget::new(KIB * KIB))
}

fn linked_to(budget: &Arc<Budget>) -> (Arc<Link>, Peer) {
    let limits = Limits::default().close_timeout(Duration::MAX);
    linked_with(Share::new(Arc::clone(budget)), limits, None)
}

/// The first `there` bytes of a message of `length`, from a client.
fn part(length: usize, there: usize) -> Vec<u8> {
    let mut bytes = vec![0x82];
    match u16::try_from(length) {
        Ok(short) => bytes.extend([&[0xFE][..], &short.to_be_bytes()].concat()),
        Err(_) => bytes.extend([&[0xFF][..], &(length as u64).to_be_bytes()].concat()),
    }
    bytes.resize(bytes.len() + 4 + there, 0);
    bytes
}

fn message(length: usize) -> Vec<u8> {
    part(length, length)
}

/// Uses up all but `left` bytes of a budget, together with what is held already.
fn use_up(budget: &Arc<Budget>, left: usize) -> Share {
    let mut share = Share::new(Arc::clone(budget));
    // The first 64 KiB are free.
    share.hold((KIB + 64) * KIB - left - budget.held());
    assert_eq!(budget.held(), KIB * KIB - left);
    share
}

/// Receives without waiting until all that the peer has sent is read.
fn read_all(link: &Link, peer: &Peer) -> Result<Waited> {
    loop {
        let received = link.receive(Some(Instant::now()));
        if peer.played().input.is_empty() || !matches!(received, Ok(Waited::TimedOut)) {
            return received;
        }
    }
}

#[track_caller]
fn expect_message(received: Result<Waited>, length: usize) {
    match received {
        Ok(Waited::Message(message)) => assert_eq!(message.len(), length),
        other => panic!("a message, not {other:?}"),
    }
}

#[track_caller]
fn expect_overload<T: std::fmt::Debug>(result: Result<T>) {
    assert!(matches!(result, Err(Error::Overloaded)), "{result:?}");
}

fn send(link: &Link, length: usize) -> Result<()> {
    link.send(length, |connection| connection.send(vec![0; length]))
}

fn send_now(link: &Link, length: usize) -> Result<()> {
    link.send_now(length, |connection| connection.send(vec![0; length]))
}

fn feed(link: &Link, length: usize) -> Result<()> {
    link.feed(usize::MAX, length, |connection| {
        connection.send(vec![0; length])
    })
}

mod what_is_held {
    use super::*;

    #[test]
    fn grows_with_a_message_that_arrives_and_goes_when_that_is_received() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let bytes = message(500 * KIB);
        for (from, to, held) in [(0, 100, 64 * KIB), (100, 400, 384 * KIB)] {
            peer.sends(&bytes[from * KIB..to * KIB]);
            let waited = read_all(&link, &peer);
            assert!(matches!(waited, Ok(Waited::TimedOut)));
            assert!(budget.held() >= held, "{}", budget.held());
        }
        peer.sends(&bytes[400 * KIB..]);
        expect_message(read_all(&link, &peer), 500 * KIB);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn is_nothing_for_small_messages() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        for _ in 0..100 {
            peer.sends(HELLO);
            expect_message(read_all(&link, &peer), 5);
            send(&link, 1000).expect("it is open");
            assert_eq!(budget.held(), 0);
        }
    }

    #[test]
    fn counts_what_was_read_ahead_until_it_is_taken() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.sends(&message(200 * KIB));
        wait_until(|| {
            link.service();
            peer.played().input.is_empty()
        });
        link.service();
        assert_eq!(budget.held(), 192 * KIB);
        expect_message(link.receive(None), 200 * KIB);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn counts_what_waits_for_a_slow_peer_until_that_has_taken_it() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.takes(10);
        send_now(&link, 200 * KIB).expect("it waits for nothing");
        assert_eq!(budget.held(), 192 * KIB, "on its way");
        send_now(&link, 200 * KIB).expect("it is alone in the queue");
        assert_eq!(budget.held(), 384 * KIB, "on its way and queued");
        peer.takes(usize::MAX);
        link.flush(Patience::Wait).expect("the peer takes all");
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn counts_the_room_that_a_message_has_and_does_not_use() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.takes(10);
        for held in [384 * KIB, 768 * KIB] {
            let mut bytes = vec![0; 100 * KIB];
            bytes.reserve_exact(300 * KIB);
            link.send_now(100 * KIB, |connection| connection.send(bytes))
                .expect("it waits for nothing");
            assert_eq!(budget.held(), held, "on its way, and then queued as well");
        }
        peer.takes(usize::MAX);
        link.flush(Patience::Wait).expect("the peer takes all");
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn counts_what_a_thread_is_writing() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.takes(0);
        let its_link = Arc::clone(&link);
        let writer = thread::spawn(move || send(&its_link, 200 * KIB));
        wait_until(|| link.core().output.writer().is_some());
        feed(&link, 1000).expect("it is open");
        assert_eq!(budget.held(), 192 * KIB);
        peer.takes(usize::MAX);
        within_patience(|| writer.join())
            .expect("it does not panic")
            .expect("the peer takes all");
        assert_eq!(budget.held(), 0);
    }

    /// What a connection holds, in whole units without the first.
    fn charged(link: &Link) -> usize {
        let budget = Arc::new(Budget::new(usize::MAX));
        let mut share = Share::new(Arc::clone(&budget));
        share.hold(link.core().memory());
        budget.held()
    }

    #[test]
    fn is_known_at_once_when_a_little_more_is_more_than_the_free_unit() {
        const PING: &[u8] = &[0x89, 0x80, 0, 0, 0, 0];
        type More = fn(&Link, &Peer);
        let ways: &[More] = &[
            |link, peer| {
                peer.sends(&[&PING.repeat(40), HELLO].concat());
                expect_message(link.receive(Some(Instant::now())), 5);
            },
            |link, _| feed(link, 10).expect("it is open"),
            |link, _| link.close(None, "").expect("it is open"),
            // While another thread writes:
            |link, peer| {
                assert!(link.core().claim_output(Patience::Now));
                peer.sends(b"\xFF");
                link.receive(Some(Instant::now())).expect_err("a rule");
                link.core().output.release();
            },
            |link, _| {
                assert!(link.core().claim_output(Patience::Now));
                let_silence_last(link, Duration::from_secs(60));
                wait_until(|| {
                    link.service();
                    link.core().connection.has_output()
                });
                link.core().output.release();
            },
        ];
        let mut crossed = 0;
        for left in [15, 30, 60, 120, 500] {
            for more in ways {
                let budget = budget();
                let (link, peer) = linked_to(&budget);
                peer.takes(0);
                send_now(&link, 64 * KIB - left).expect("it waits for nothing");
                assert_eq!((budget.held(), charged(&link)), (0, 0));
                more(&link, &peer);
                assert_eq!(budget.held(), charged(&link), "{left} were left");
                crossed += usize::from(budget.held() > 0);
                peer.takes(usize::MAX);
                link.flush(Patience::Wait).expect("the peer takes all");
                assert_eq!((budget.held(), charged(&link)), (0, 0));
            }
        }
        assert!((5..25).contains(&crossed), "{crossed}");
    }

    #[test]
    fn goes_with_the_connection() {
        type End = fn(Arc<Link>, &Peer);
        let ends: &[End] = &[
            |link, _| drop(link),
            |link, _| link.cut(),
            |link, peer| {
                peer.played().has_ended = true;
                link.receive(None).expect_err("the write fails");
            },
            |link, peer| {
                peer.sends(b"\xFF");
                link.cut();
                drop(link);
            },
        ];
        for end in ends {
            let budget = budget();
            let (link, peer) = linked_to(&budget);
            peer.takes(0);
            peer.sends(&part(200 * KIB, 150 * KIB));
            let waited = read_all(&link, &peer);
            assert!(matches!(waited, Ok(Waited::TimedOut)));
            send_now(&link, 100 * KIB).expect("it waits for nothing");
            send_now(&link, 200 * KIB).expect("it is alone in the queue");
            assert!(budget.held() >= 448 * KIB, "{}", budget.held());
            let kept = Arc::clone(&link);
            end(link, &peer);
            if kept.close_reason().is_none() {
                drop(kept);
            }
            assert_eq!(budget.held(), 0);
        }
    }

    #[test]
    fn of_a_message_whose_peer_breaks_a_rule_goes_at_once() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.sends(
            &[
                &message(200 * KIB)[..150 * KIB],
                &[0xFF; 50 * KIB + 14],
                b"\xFF",
            ]
            .concat(),
        );
        expect_message(read_all(&link, &peer), 200 * KIB);
        let refused = read_all(&link, &peer);
        assert!(matches!(refused, Err(Error::Rule(_))), "{refused:?}");
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn does_not_count_spare_buffers_when_others_need_room() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let _all = use_up(&budget, 0);
        // Leaves buffers behind for the next ones.
        for _ in 0..2 {
            peer.sends(&message(60 * KIB));
            let message = match read_all(&link, &peer) {
                Ok(Waited::Message(message)) => message,
                other => panic!("a message, not {other:?}"),
            };
            link.send(60 * KIB, |connection| connection.send(message))
                .expect("the peer takes all");
        }
        for _ in 0..10 {
            peer.sends(&message(30 * KIB));
            expect_message(read_all(&link, &peer), 30 * KIB);
            send(&link, 30 * KIB).expect("small messages pass");
        }
    }
}

mod without_room {
    use super::*;

    #[test]
    fn a_message_is_refused_and_forgotten_and_its_peer_read_on_up_to_its_close() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let other = use_up(&budget, 256 * KIB);
        let before = budget.held();
        let bytes = message(500 * KIB);
        peer.sends(&bytes[..400 * KIB]);
        expect_overload(link.receive(None));
        assert_eq!((budget.held(), budget.refusals()), (before, 1));
        peer.has_taken(REFUSAL);
        peer.sends(&bytes[400 * KIB..]);
        peer.sends(&message(1000 * KIB));
        let its_link = Arc::clone(&link);
        let finishing = thread::spawn(move || its_link.finish());
        wait_until(|| peer.played().input.is_empty());
        assert_eq!(budget.held(), before);
        peer.sends(CLOSE);
        wait_until(|| peer.played().has_output_ended);
        peer.played().has_ended = true;
        within_patience(|| finishing.join()).expect("it does not panic");
        peer.has_taken(REFUSAL);
        drop(other);
        assert_eq!((budget.held(), budget.refusals()), (0, 1));
    }

    #[test]
    fn the_refusal_stays_the_reason_when_the_peer_breaks_a_rule_after_it() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let _other = use_up(&budget, 0);
        peer.sends(&message(500 * KIB));
        peer.sends(b"\xFF");
        wait_until(|| {
            link.service();
            link.core().connection.is_closed()
        });
        expect_overload(link.receive(None));
    }

    #[test]
    fn the_closing_handshake_goes_on_after_a_refusal() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let _other = use_up(&budget, 0);
        link.close(None, "").expect("it is open");
        let its_link = Arc::clone(&link);
        let finishing = thread::spawn(move || its_link.finish());
        peer.sends(&message(500 * KIB));
        wait_until(|| budget.refusals() == 1 && peer.played().input.is_empty());
        peer.sends(CLOSE);
        wait_until(|| peer.played().has_output_ended);
        peer.played().has_ended = true;
        within_patience(|| finishing.join()).expect("it does not panic");
        peer.has_taken(b"\x88\x00");
        let reason = link.close_reason().map(|reason| reason.code);
        assert_eq!(reason, Some(CloseCode::NO_STATUS));
    }

    #[test]
    fn a_busy_handlers_peer_is_read_on_too_though_its_inbox_is_full() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        // A message that the inbox holds, and one for which there is no room left.
        let _other = use_up(&budget, 192 * KIB);
        peer.sends(&message(70 * KIB));
        wait_until(|| {
            link.service();
            link.core().inbox.is_full()
        });
        peer.sends(&message(500 * KIB));
        link.service();
        assert!(!peer.played().input.is_empty(), "the inbox is full");
        expect_message(link.receive(None), 70 * KIB);
        wait_until(|| {
            link.service();
            peer.played().input.is_empty()
        });
        peer.has_taken(REFUSAL);
        peer.sends(CLOSE);
        wait_until(|| {
            link.service();
            peer.played().has_output_ended
        });
        expect_overload(link.receive(None));
        assert!(matches!(link.receive(None), Ok(Waited::Ended)));
    }

    #[test]
    fn a_peer_that_does_not_answer_the_refusal_is_cut_at_the_close_deadline() {
        let budget = budget();
        let limits = Limits::default().close_timeout(Duration::ZERO);
        let (link, peer) = linked_with(Share::new(Arc::clone(&budget)), limits, None);
        let _other = use_up(&budget, 0);
        peer.sends(&part(500 * KIB, 400 * KIB));
        wait_until(|| {
            link.service();
            peer.played().has_ended
        });
    }

    #[test]
    fn nothing_is_queued_of_what_cannot_be_sent_and_the_connection_goes_on() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.takes(0);
        feed(&link, 10 * KIB).expect("it is open");
        let waiting = link.backlog();
        let other = use_up(&budget, 64 * KIB);
        for (number, send) in [send, send_now, feed].into_iter().enumerate() {
            expect_overload(send(&link, 200 * KIB));
            assert_eq!(link.backlog(), waiting);
            assert_eq!(budget.refusals(), number as u64 + 1);
        }
        drop(other);
        assert_eq!(budget.held(), 0);
        peer.takes(usize::MAX);
        send(&link, 200 * KIB).expect("the peer takes all");
        assert_eq!(peer.played().taken.len(), 10 * KIB + 4 + 200 * KIB + 10);
    }

    #[test]
    fn what_waits_counts_when_more_is_to_be_queued_though_each_is_small() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let _all = use_up(&budget, 0);
        peer.takes(0);
        for _ in 0..2 {
            feed(&link, 30 * KIB).expect("that much is free");
        }
        expect_overload(feed(&link, 30 * KIB));
    }

    #[test]
    fn what_waits_stays_within_the_free_unit_however_small_each_is() {
        for length in [1, 100, KIB, 5 * KIB] {
            let budget = budget();
            let (link, peer) = linked_to(&budget);
            let _all = use_up(&budget, 0);
            let before = budget.held();
            peer.takes(0);
            let fed = std::iter::repeat_with(|| feed(&link, length)).take_while(Result::is_ok);
            let fed = fed.take(100_000).count() * length;
            expect_overload(feed(&link, length));
            assert_eq!(budget.held(), before, "each of {length} bytes");
            let least = if length < 100 { 2 * KIB } else { 40 * KIB };
            assert!(fed >= least, "only {fed} bytes, each of {length}");
        }
    }

    #[test]
    fn one_peers_message_is_refused_while_anothers_arrives() {
        let budget = budget();
        let links = [linked_to(&budget), linked_to(&budget)];
        let received = links.each_ref().map(|(link, peer)| {
            peer.sends(&part(900 * KIB, 800 * KIB));
            read_all(link, peer)
        });
        let [first, second] = received;
        assert!(matches!(first, Ok(Waited::TimedOut)), "{first:?}");
        expect_overload(second);
        links[0].1.sends(&[0; 100 * KIB]);
        expect_message(read_all(&links[0].0, &links[0].1), 900 * KIB);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_closed_connection_says_that_it_is_closed() {
        let budget = budget();
        let (link, _peer) = linked_to(&budget);
        let _other = use_up(&budget, 0);
        link.close(None, "").expect("it is open");
        let sent = send(&link, 200 * KIB);
        assert!(matches!(sent, Err(Error::Misuse(Misuse::Closed))));
    }
}

#[test]
fn a_message_that_is_received_keeps_nothing_of_it() {
    let budget = budget();
    let (link, peer) = linked_to(&budget);
    peer.sends(&message(200 * KIB));
    let Ok(Waited::Message(Message::Binary(bytes))) = read_all(&link, &peer) else {
        panic!("a binary message was sent");
    };
    assert_eq!((bytes.capacity(), budget.held()), (200 * KIB, 0));
}

/// A connection and what plays its peer, which takes about 300 bytes of this. There may be ten thousand.
const AT_REST: i64 = 2560;

#[test]
fn a_quiet_connection_holds_little_whatever_came_before() {
    let mut opened = None;
    let mut held = measure(|| opened = Some(linked(Limits::default(), None))).bytes_current;
    let (link, peer) = opened.expect("it has just been opened");
    let messages = [126, 1000, 10 * KIB, 100 * KIB, KIB * KIB].map(message);
    // What the peer holds does not count.
    peer.played().input.reserve(2 * KIB * KIB);
    peer.played().taken.reserve(4 * KIB * KIB);
    for bytes in &messages {
        held += measure(|| {
            peer.sends(bytes);
            let Ok(Waited::Message(message)) = link.receive(None) else {
                panic!("a message came");
            };
            link.send(message.len(), |connection| connection.send(message))
                .expect("the peer takes all");
            wait_quietly(&link);
        })
        .bytes_current;
        assert!(held <= AT_REST, "{held} bytes after {}", bytes.len());
    }
}

/// Waits as after a second of silence.
fn wait_quietly(link: &Link) {
    wait_until(|| {
        let mut core = link.core();
        let buffer = core.read_buffer.as_ref().expect("nobody reads");
        if !buffer.is_large() {
            core.release_at_rest(Instant::now());
            core.release_at_rest(Instant::now() + QUIET);
            return true;
        }
        drop(core);
        let_silence_last(link, 2 * QUIET);
        let waited = link.receive(Some(Instant::now() + Duration::from_millis(50)));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        false
    });
}

mod for_a_large_message {
    use super::*;

    #[test]
    fn what_is_held_follows_what_has_arrived_and_ends_at_its_size() {
        let budget = Arc::new(Budget::new(usize::MAX));
        let (link, peer) = linked_to(&budget);
        let bytes = message(6000 * KIB);
        for (number, piece) in bytes.chunks(100 * KIB).enumerate() {
            peer.sends(piece);
            let received = read_all(&link, &peer);
            let arrived = (number + 1) * 100 * KIB;
            if arrived < bytes.len() {
                assert!(matches!(received, Ok(Waited::TimedOut)), "{received:?}");
            } else {
                expect_message(received, 6000 * KIB);
            }
            let allowed = (2 * arrived + 64 * KIB).min(6000 * KIB);
            assert!(budget.held() <= allowed, "{} at {arrived}", budget.held());
        }
    }

    #[test]
    fn room_is_held_before_anything_is_read_into_it() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.sends(&part(500 * KIB, 60 * KIB));
        let waited = read_all(&link, &peer);
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        let memory = link.core().connection.memory();
        assert!(memory > 64 * KIB, "{memory}");
        assert_eq!(budget.held(), 64 * KIB);
    }

    #[test]
    fn without_room_it_is_refused_before_anything_is_read_into_it() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        let _all = use_up(&budget, 0);
        peer.sends(&part(500 * KIB, 60 * KIB));
        expect_overload(link.receive(None));
        peer.has_taken(REFUSAL);
    }

    #[test]
    fn the_one_before_it_leaves_its_memory_while_that_lasts() {
        let budget = Arc::new(Budget::new(usize::MAX));
        let (link, peer) = linked_to(&budget);
        let mut places = Vec::new();
        for _ in 0..5 {
            peer.sends(&message(500 * KIB));
            let Ok(Waited::Message(message)) = read_all(&link, &peer) else {
                panic!("a message was sent")
            };
            assert_eq!(budget.held(), 0, "the handler has it");
            places.push(message.as_bytes().as_ptr());
            link.send(500 * KIB, |connection| connection.send(message))
                .expect("the peer takes all");
        }
        assert_eq!(places, [places[0]; 5]);
        assert!(budget.held() >= 448 * KIB, "kept for the next");
    }

    /// Leaves memory for a next message behind.
    fn echo(link: &Link, peer: &Peer, length: usize) {
        peer.sends(&message(length));
        let Ok(Waited::Message(message)) = read_all(link, peer) else {
            panic!("a message was sent")
        };
        link.send(length, |connection| connection.send(message))
            .expect("the peer takes all");
    }

    #[test]
    fn what_was_kept_is_given_back_when_nothing_has_passed_for_a_second() {
        let budget = Arc::new(Budget::new(usize::MAX));
        let (link, peer) = linked_to(&budget);
        echo(&link, &peer, 500 * KIB);
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut core = link.core();
        for (now, is_kept) in [(0, true), (50, true), (999, true), (1000, false)] {
            core.release_at_rest(at(now));
            assert_eq!(budget.held() > 0, is_kept, "at {now} ms");
        }
        drop(core);
        echo(&link, &peer, 500 * KIB);
        let mut core = link.core();
        for (now, is_kept) in [(5000, true), (5999, true), (6000, false)] {
            core.release_at_rest(at(now));
            assert_eq!(budget.held() > 0, is_kept, "at {now} ms");
        }
    }

    #[test]
    fn the_caretaker_gives_back_what_was_kept() {
        let budget = Arc::new(Budget::new(usize::MAX));
        let (link, peer) = linked_to(&budget);
        echo(&link, &peer, 500 * KIB);
        let a_second_ago = Instant::now().checked_sub(QUIET);
        let a_second_ago = a_second_ago.expect("the machine is older");
        link.core().release_at_rest(a_second_ago);
        assert!(budget.held() > 0);
        link.service();
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_comes_back_after_a_second_is_given_back_as_well() {
        type ComesBack = fn(&Link, &Peer, Message);
        // A slow peer takes it at last, or a handler feeds it, cut short, after it has thought about it.
        let ways: [(usize, ComesBack); 2] = [
            (500 * KIB, |link, peer, _| {
                peer.takes(usize::MAX);
                link.flush(Patience::Wait).expect("the peer takes all");
            }),
            (0, |link, _, message| {
                let mut bytes = message.into_bytes();
                bytes.truncate(10);
                link.feed(usize::MAX, 10, |connection| connection.send(bytes))
                    .expect("it is open");
            }),
        ];
        for (number, (length, comes_back)) in ways.into_iter().enumerate() {
            let budget = Arc::new(Budget::new(usize::MAX));
            let (link, peer) = linked_to(&budget);
            peer.takes(0);
            peer.sends(&message(500 * KIB));
            let Ok(Waited::Message(mut message)) = read_all(&link, &peer) else {
                panic!("a message was sent")
            };
            if length > 0 {
                let whole = std::mem::replace(&mut message, Message::from(""));
                link.send_now(length, |connection| connection.send(whole))
                    .expect("nothing else is queued");
            }
            let start = Instant::now();
            for milliseconds in [0, 1000, 2000] {
                let now = start + Duration::from_millis(milliseconds);
                link.core().release_at_rest(now);
            }
            comes_back(&link, &peer, message);
            assert!(
                budget.held() >= 448 * KIB,
                "kept for the next, way {number}"
            );
            for milliseconds in [2050, 3050] {
                let now = start + Duration::from_millis(milliseconds);
                link.core().release_at_rest(now);
            }
            assert_eq!(budget.held(), 0, "way {number}");
        }
    }

    #[test]
    fn nothing_is_kept_while_more_than_half_of_the_budget_is_held() {
        let budget = budget();
        let links = [(); 3].map(|()| linked_to(&budget));
        for (link, peer) in &links {
            echo(link, peer, 200 * KIB);
            assert!(budget.held() <= 512 * KIB, "{}", budget.held());
        }
        assert!(budget.held() >= 192 * KIB, "kept by the first");
    }

    #[test]
    fn what_a_thread_reads_into_is_held_until_it_comes_back() {
        let budget = budget();
        let (link, peer) = linked_to(&budget);
        peer.sends(&part(500 * KIB, 100 * KIB));
        let its_link = Arc::clone(&link);
        let receiving = thread::spawn(move || its_link.receive(None));
        wait_until(|| peer.played().input.is_empty() && link.core().read_buffer.is_none());
        link.core().settle();
        assert!(budget.held() >= 64 * KIB, "{}", budget.held());
        link.cut();
        let received = within_patience(|| receiving.join().expect("it does not panic"));
        assert!(matches!(received, Ok(Waited::Ended)), "{received:?}");
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_a_thread_read_into_goes_when_it_comes_back_too_late() {
        let budget = budget();
        let limits = Limits::default().message_timeout(Duration::from_millis(50));
        let (link, peer) = linked_with(Share::new(Arc::clone(&budget)), limits, None);
        caretaker::watch(&link);
        peer.sends(&part(500 * KIB, 100 * KIB));
        link.receive(None).expect_err("it arrives too slowly");
        assert_eq!(budget.held(), 0);
    }
}
