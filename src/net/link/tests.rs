//! A link without a socket: how often an echo takes the lock, and what several threads do to it.

use super::peer::{Peer, Played, cared_for, let_silence_last, linked, wait_until, within_patience};
use super::*;
use crate::net::caretaker;
use crate::net::error::Result;
use crate::net::log::EndedBy;
use crate::net::stream::Stream;
use crate::net::tap::{Direction, Tap, Tapped};
use crate::net::transport::Transport;
use crate::protocol::message::Message;
use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{OnceLock, Weak, mpsc};
use std::thread;

/// A transport without a peer: it gives out the reads that it was made with, and keeps what is sent.
#[derive(Debug, Default)]
struct Script {
    reads: Mutex<VecDeque<Vec<u8>>>,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Transport for Script {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_vectored(&mut [IoSliceMut::new(buffer)])
    }

    fn read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.reads.lock().expect(UNPOISONED).pop_front();
        let bytes = read.unwrap_or_default();
        let length = (&bytes[..]).read_vectored(slices)?;
        assert_eq!(length, bytes.len(), "there is room for all");
        Ok(length)
    }

    fn peek(&self) -> io::Result<usize> {
        let is_there = !self.reads.lock().expect(UNPOISONED).is_empty();
        Ok(usize::from(is_there))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        let length = bytes.len();
        self.sent.lock().expect(UNPOISONED).push(bytes);
        Ok(length)
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

const UNPOISONED: &str = "no thread panics while it holds this";
/// The length of what is sent, which matters only where memory is short.
const SHORT: usize = 16;
const HELLO: &[u8] = b"\x81\x85\0\0\0\0Hello";

/// The bytes of each write.
type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

fn link(reads: Vec<Vec<u8>>) -> (Arc<Link>, Sent) {
    let script = Script {
        reads: Mutex::new(reads.into()),
        sent: Arc::default(),
    };
    let sent = Arc::clone(&script.sent);
    let connection = Connection::server(Default::default());
    let stream = Arc::new(Stream::new(script));
    let link = Link::new(
        stream,
        connection,
        &Limits::default(),
        Share::unlimited(),
        b"",
        Tapped::default(),
    );
    (link, sent)
}

/// Echoes all messages, and says how many there were and how often the lock was taken.
fn echo(link: &Link, answer: impl Fn(Message)) -> (usize, usize) {
    link.acquired.store(0, Ordering::Relaxed);
    let mut messages = 0;
    while let Ok(Waited::Message(message)) = link.receive(None) {
        answer(message);
        messages += 1;
    }
    (messages, link.acquired.load(Ordering::Relaxed))
}

#[test]
fn an_echo_takes_the_lock_at_most_six_times() {
    let (link, sent) = link(vec![HELLO.to_vec(); 1000]);
    let (messages, acquired) = echo(&link, |message| {
        link.send(SHORT, |connection| connection.send(message))
            .expect("the script takes all");
    });
    assert_eq!(
        (messages, sent.lock().expect(UNPOISONED).len()),
        (1000, 1000)
    );
    // For each message: to look for one, after the read, to send, and after the write.
    assert!(acquired <= 4 * messages + 6, "{acquired}");
}

#[test]
fn an_echo_of_messages_that_came_together_takes_the_lock_twice_and_writes_once() {
    let (link, sent) = link(vec![HELLO.repeat(16); 100]);
    let (messages, acquired) = echo(&link, |message| {
        link.feed(64 * 1024, SHORT, |connection| connection.send(message))
            .expect("the script takes all");
    });
    assert_eq!(
        (messages, sent.lock().expect(UNPOISONED).len()),
        (1600, 100)
    );
    assert!(acquired <= 2 * messages + 2 * 100 + 6, "{acquired}");
}

/// Limits that soon call a peer silent.
fn brief() -> Limits {
    Limits::default()
        .ping_after(Some(Duration::from_millis(1)))
        .pong_timeout(Duration::from_millis(5))
}

fn is_reading(link: &Link) -> bool {
    link.core().read_buffer.is_none()
}

mod while_another_thread_reads {
    use super::*;

    /// A link on which a thread waits for a message.
    fn read_from() -> (Arc<Link>, Peer) {
        let (link, peer) = linked(Limits::default().close_timeout(Duration::MAX), None);
        let its_link = Arc::clone(&link);
        thread::spawn(move || its_link.receive(None));
        wait_until(|| is_reading(&link));
        (link, peer)
    }

    #[test]
    fn a_close_leaves_at_once() {
        let (link, peer) = read_from();
        link.close(None, "").expect("it is open");
        let its_link = Arc::clone(&link);
        thread::spawn(move || its_link.finish());
        peer.has_taken(b"\x88\x00");
        link.cut();
    }

    #[test]
    fn what_was_fed_leaves_before_the_wait_for_a_turn() {
        let (link, peer) = read_from();
        link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
            .expect("it is open");
        let waited = link.receive(Some(Instant::now()));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        peer.has_taken(b"\x81\x02hi");
        link.cut();
    }

    #[test]
    fn a_second_one_gets_what_the_first_leaves() {
        let (link, peer) = read_from();
        let its_link = Arc::clone(&link);
        let second = thread::spawn(move || its_link.receive(None));
        wait_until(|| link.core().waiting == 1);
        peer.sends(&HELLO.repeat(2));
        let received = within_patience(|| second.join().expect("it does not panic"));
        assert!(matches!(received, Ok(Waited::Message(_))));
        assert_eq!(link.core().waiting, 0, "nobody is to be woken any more");
    }

    #[test]
    fn a_cut_is_the_end_even_if_the_peer_answers_it_with_a_reset() {
        for resets in [false, true] {
            let (link, peer) = linked(Limits::default(), None);
            peer.played().resets = resets;
            let its_link = Arc::clone(&link);
            let receiving = thread::spawn(move || its_link.receive(None));
            wait_until(|| is_reading(&link));
            link.cut();
            let received = within_patience(|| receiving.join().expect("it does not panic"));
            assert!(matches!(received, Ok(Waited::Ended)), "{received:?}");
            assert!(
                link.close_reason()
                    .is_some_and(|reason| reason.was_cut_off())
            );
        }
    }

    #[test]
    fn a_cut_wakes_both() {
        let (link, _peer) = read_from();
        let its_link = Arc::clone(&link);
        let second = thread::spawn(move || its_link.receive(None));
        wait_until(|| link.core().waiting == 1);
        link.cut();
        let received = within_patience(|| second.join().expect("it does not panic"));
        assert!(matches!(received, Ok(Waited::Ended)));
    }
}

mod while_a_thread_waits_for_a_message {
    use super::*;

    /// The header of a message of 64 letters, and four of them.
    const BEGUN: &[u8] = b"\x81\xC0\0\0\0\0half";

    type Receiving = thread::JoinHandle<Result<Waited>>;

    /// A thread that waits, without a deadline.
    fn wait_on(link: &Arc<Link>) -> Receiving {
        let its_link = Arc::clone(link);
        let receiving = thread::spawn(move || its_link.receive(None));
        wait_until(|| is_reading(link));
        receiving
    }

    #[track_caller]
    fn received(receiving: Receiving) -> Result<Waited> {
        within_patience(|| receiving.join().expect("it does not panic"))
    }

    #[track_caller]
    fn expect_failure(receiving: Receiving, expected: &str) {
        let received = received(receiving);
        let Err(Error::Io(error)) = received else {
            panic!("a failure, not {received:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn its_read_has_no_time_out() {
        let (link, peer) = linked(Limits::default(), None);
        // Something else has set one before.
        let waited = link.receive(Some(Instant::now() + Duration::from_millis(5)));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        assert!(peer.played().read_timeout.is_some());
        let before = peer.played().timeouts;
        for _ in 0..10 {
            let receiving = wait_on(&link);
            wait_until(|| peer.played().read_timeout.is_none());
            peer.sends(HELLO);
            assert!(matches!(received(receiving), Ok(Waited::Message(_))));
        }
        assert_eq!(peer.played().timeouts, before + 1);
    }

    #[test]
    fn its_read_has_one_in_the_middle_of_a_message_which_may_be_refused() {
        let (link, peer) = linked(Limits::default(), None);
        peer.sends(BEGUN);
        let receiving = wait_on(&link);
        wait_until(|| peer.played().read_timeout.is_some());
        peer.sends(&[b' '; 60]);
        assert!(matches!(received(receiving), Ok(Waited::Message(_))));
    }

    #[test]
    fn its_read_has_one_while_there_is_memory_to_give_back() {
        let (link, peer) = linked(Limits::default(), None);
        let timeout = || link.core().read_timeout(Instant::now(), None);
        assert_eq!(timeout(), None);
        peer.sends(&[b"\x81\xFE\x80\x00\0\0\0\0", &[0; 32 * 1024][..]].concat());
        assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
        assert!(timeout().is_some());
        let_silence_last(&link, Duration::from_secs(2));
        link.core().release_read_buffer(Instant::now());
        assert_eq!(timeout(), None);
    }

    #[test]
    fn its_silent_peer_is_sent_a_ping_and_then_given_up() {
        let (link, peer) = linked(brief(), None);
        let receiving = wait_on(&link);
        wait_until(|| {
            link.service();
            peer.played().has_ended
        });
        peer.has_taken(b"\x89\x08\0\0\0\0\0\0\0\x01");
        expect_failure(receiving, "the peer is silent");
        assert!(matches!(link.receive(None), Ok(Waited::Ended)));
    }

    #[test]
    fn its_peers_late_message_is_refused_while_it_sleeps() {
        let limits = Limits::default().message_timeout(Duration::from_millis(20));
        let (link, peer) = linked(limits, None);
        peer.played().reads_on = true;
        peer.sends(BEGUN);
        let receiving = wait_on(&link);
        wait_until(|| {
            link.service();
            !link.core().connection.is_open()
        });
        peer.has_taken(b"\x88\x20\x03\xF0the message arrives too slowly");
        assert!(is_reading(&link), "nothing has woken it");
        // The peer's answer does.
        peer.sends(&[b' '; 60]);
        peer.sends(b"\x88\x80\0\0\0\0");
        expect_failure(receiving, "the message arrives too slowly");
    }

    /// A thread that has taken something from the socket may not have got to say so.
    #[test]
    fn it_has_until_the_next_round_to_say_what_it_has_in_hand() {
        let limits = brief()
            .ping_after(Some(Duration::from_millis(20)))
            .message_timeout(Duration::from_millis(20));
        for (begun, rest) in [(&b""[..], HELLO), (BEGUN, &[b' '; 60])] {
            let (link, peer) = linked(limits, None);
            peer.sends(begun);
            let receiving = wait_on(&link);
            wait_until(|| peer.played().input.is_empty());
            wait_until(|| is_reading(&link) && link.traffic().bytes_received == begun.len() as u64);
            thread::sleep(Duration::from_millis(40));
            link.service();
            peer.sends(rest);
            assert!(matches!(received(receiving), Ok(Waited::Message(_))));
            link.service();
            peer.has_taken(b"");
            assert!(link.core().connection.is_open());
        }
    }

    #[test]
    fn what_it_has_not_got_to_read_counts() {
        let limits = Limits::default().message_timeout(Duration::from_millis(20));
        let (link, peer) = linked(limits, None);
        peer.sends(BEGUN);
        let receiving = wait_on(&link);
        wait_until(|| link.traffic().bytes_received == BEGUN.len() as u64);
        wait_until(|| is_reading(&link));
        peer.played().holds_input = true;
        peer.sends(&[b' '; 60]);
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(5));
            link.service();
        }
        peer.played().holds_input = false;
        assert!(matches!(received(receiving), Ok(Waited::Message(_))));
    }

    #[test]
    fn the_time_in_which_nobody_waited_does_not_count() {
        let limits = Limits::default().message_timeout(Duration::from_secs(1));
        let (link, peer) = linked(limits, None);
        peer.sends(BEGUN);
        let start = Instant::now();
        let waited = link.receive(Some(start));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        thread::sleep(Duration::from_millis(1100));
        let receiving = wait_on(&link);
        for _ in 0..3 {
            link.service();
        }
        let is_open = link.core().connection.is_open();
        // On a busy machine the time that is left may pass.
        assert!(is_open || start.elapsed() >= Duration::from_secs(2));
        link.cut();
        assert!(matches!(received(receiving), Ok(Waited::Ended) | Err(_)));
    }

    #[test]
    fn what_it_is_still_showing_to_the_tap_counts() {
        let held = Arc::new(AtomicBool::new(true));
        let its_held = Arc::clone(&held);
        let tap: Tap = Box::new(move |direction, bytes| {
            if (direction, bytes.len()) == (Direction::Received, 60) {
                wait_until(|| !its_held.load(Ordering::SeqCst));
            }
        });
        let limits = Limits::default().message_timeout(Duration::from_millis(20));
        let (link, peer) = linked(limits, Some(tap));
        peer.sends(BEGUN);
        let receiving = wait_on(&link);
        wait_until(|| link.traffic().bytes_received == BEGUN.len() as u64);
        peer.sends(&[b' '; 60]);
        wait_until(|| link.core().is_showing);
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(5));
            link.service();
        }
        held.store(false, Ordering::SeqCst);
        assert!(matches!(received(receiving), Ok(Waited::Message(_))));
        assert!(link.core().connection.is_open());
    }
}

mod while_the_caretaker_looks {
    use super::*;

    /// A link with one message read ahead, whose tap holds the caretaker up in the middle of a look
    /// that finds a second one, until the flag is set.
    fn looked_at() -> (Arc<Link>, Arc<AtomicBool>) {
        let held = Arc::new(AtomicBool::new(false));
        let its_held = Arc::clone(&held);
        let seen = AtomicBool::new(false);
        let tap: Tap = Box::new(move |_, _| {
            if seen.swap(true, Ordering::SeqCst) {
                wait_until(|| its_held.load(Ordering::SeqCst));
            }
        });
        let (link, peer) = linked(Limits::default(), Some(tap));
        peer.sends(HELLO);
        link.service();
        link.service();
        peer.sends(HELLO);
        let its_link = Arc::clone(&link);
        thread::spawn(move || its_link.service());
        wait_until(|| is_reading(&link));
        (link, held)
    }

    #[test]
    fn what_was_read_ahead_is_there_already() {
        let (link, held) = looked_at();
        let received = link.receive(Some(Instant::now()));
        assert!(matches!(received, Ok(Waited::Message(_))));
        held.store(true, Ordering::SeqCst);
    }

    #[test]
    fn a_caller_without_time_waits_for_what_it_finds() {
        let (link, held) = looked_at();
        link.receive(None).expect("one was read ahead");
        let start = Instant::now();
        held.store(true, Ordering::SeqCst);
        let received = link.receive(Some(start));
        // On a busy machine the time that it waits at most may pass first.
        let has_waited = start.elapsed() >= Duration::from_millis(10);
        assert!(has_waited || matches!(received, Ok(Waited::Message(_))));
    }
}

mod a_tap {
    use super::*;

    /// A link whose tap does `what` with it when it is first shown what is sent.
    fn tapped(limits: Limits, what: impl Fn(&Link) + Send + Sync + 'static) -> (Arc<Link>, Peer) {
        let own: Arc<OnceLock<Weak<Link>>> = Arc::default();
        let its_own = Arc::clone(&own);
        let has_called = AtomicBool::new(false);
        let tap: Tap = Box::new(move |direction, _| {
            let link = its_own.get().and_then(Weak::upgrade);
            if let (Direction::Sent, Some(link)) = (direction, link) {
                if !has_called.swap(true, Ordering::SeqCst) {
                    what(&link);
                }
            }
        });
        let (link, peer) = linked(limits, Some(tap));
        own.set(Arc::downgrade(&link)).expect("it is set once");
        (link, peer)
    }

    #[test]
    fn may_send_on_its_own_connection_from_any_writer() {
        for patience in [Patience::Wait, Patience::Now] {
            let (link, peer) = tapped(Limits::default(), |link| {
                let sent = link.send(SHORT, |connection| connection.send("from the tap"));
                sent.expect("it is open");
            });
            link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
                .expect("it is open");
            within_patience(move || link.flush(patience)).expect("the peer takes all");
            peer.has_taken(b"\x81\x02hi\x81\x0Cfrom the tap");
        }
    }

    /// As another thread may between two writes: the one that reads finds a reset, the caretaker silence.
    #[test]
    fn may_cut_its_connection_and_the_sender_is_told_that_not_all_was_sent() {
        for patience in [Patience::Wait, Patience::Now] {
            let (link, peer) = tapped(Limits::default(), Link::cut);
            peer.takes(1);
            let sent = within_patience(move || match patience {
                Patience::Wait => link.send(SHORT, |connection| connection.send("half")),
                Patience::Now => link.send_now(SHORT, |connection| connection.send("half")),
            });
            assert!(matches!(sent, Err(Error::Io(_))), "{sent:?}");
            peer.has_taken(b"\x81");
        }
    }

    #[test]
    fn does_not_wait_for_room_that_only_its_own_thread_can_make() {
        let (told, results) = mpsc::channel();
        let (link, _peer) = tapped(Limits::default().max_backlog(0), move |link| {
            for _ in 0..2 {
                let sent = link.send(SHORT, |connection| connection.send("from the tap"));
                told.send(sent).expect("the test listens");
            }
        });
        within_patience(move || link.send(SHORT, |connection| connection.send("hi")))
            .expect("the peer takes all");
        assert!(matches!(results.recv(), Ok(Ok(()))));
        assert!(matches!(results.recv(), Ok(Err(Error::Backlogged))));
    }

    /// Neither the caretaker nor anyone else can get at its thread: a deadline ends that.
    #[test]
    fn holds_a_close_up_no_longer_than_a_peer_might() {
        let limits = Limits::default()
            .write_timeout(Duration::ZERO)
            .close_timeout(Duration::ZERO);
        let gate = Arc::new(AtomicBool::new(false));
        let its_gate = Arc::clone(&gate);
        let (link, peer) = tapped(limits, move |_| {
            wait_until(|| its_gate.load(Ordering::SeqCst));
        });
        let writer = send_from(&link, "hi");
        wait_until(|| is_writing(&link));
        link.close(None, "").expect("it is open");
        link.service();
        assert!(peer.played().has_ended);
        gate.store(true, Ordering::SeqCst);
        drop(ended(writer));
    }

    #[test]
    fn may_end_its_connection_in_order_but_waits_in_vain() {
        for patience in [Patience::Wait, Patience::Now] {
            let brief = Duration::from_millis(20);
            let limits = Limits::default().close_timeout(brief).write_timeout(brief);
            let (link, _peer) = tapped(limits, |link| {
                link.close(None, "").expect("it is open");
                link.finish();
            });
            link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
                .expect("it is open");
            drop(within_patience(move || link.flush(patience)));
        }
    }

    #[test]
    fn is_shown_a_large_frame_in_two_calls_and_only_once() {
        const LENGTH: usize = 50_000;
        let shown = Arc::new(Mutex::new(Vec::new()));
        let its_shown = Arc::clone(&shown);
        let tap: Tap = Box::new(move |direction, bytes| {
            if direction == Direction::Sent {
                its_shown.lock().expect(UNPOISONED).push(bytes.to_vec());
            }
        });
        let (link, peer) = linked(Limits::default(), Some(tap));
        peer.takes(0);
        link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
            .expect("it is open");
        link.feed(usize::MAX, LENGTH, |connection| {
            connection.send(vec![7; LENGTH])
        })
        .expect("it is open");
        peer.sends(b"\x89\x80\0\0\0\0");
        // The writes end in the first frame, in the header of the second, at its end, and in its payload.
        for room in [1, 4, 3, 0, 20_000, 10_000] {
            peer.takes(room);
            link.flush(Patience::Now).expect("it waits for nothing");
            drop(link.receive(Some(Instant::now())));
        }
        peer.takes(usize::MAX);
        link.flush(Patience::Now).expect("the peer takes all");
        let shown = shown.lock().expect(UNPOISONED);
        let expected = [b"\x81\x02hi\x82\x7E\xC3\x50", &[7; LENGTH][..], b"\x8A\x00"];
        assert!(*shown == expected);
        assert!(peer.played().taken == expected.concat());
    }

    #[test]
    fn is_shown_what_is_sent_once_however_often_it_is_written() {
        let shown = Arc::new(AtomicUsize::new(0));
        let its_shown = Arc::clone(&shown);
        let tap: Tap = Box::new(move |_, bytes| {
            its_shown.fetch_add(bytes.len(), Ordering::SeqCst);
        });
        let (link, peer) = linked(Limits::default(), Some(tap));
        link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
            .expect("it is open");
        for room in [0, 1, 0, usize::MAX] {
            peer.takes(room);
            link.flush(Patience::Now).expect("it waits for nothing");
        }
        peer.has_taken(b"\x81\x02hi");
        assert_eq!(shown.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn may_panic_as_it_goes() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a tap's value panics on purpose");
            }
        }

        let bomb = Bomb;
        let tap: Tap = Box::new(move |_, _| _ = &bomb);
        drop(linked(Limits::default(), Some(tap)));
    }
}

#[test]
fn the_users_code_may_ask_in_the_middle_of_a_close() {
    struct Curious(Arc<Link>);
    impl From<Curious> for Option<CloseCode> {
        fn from(curious: Curious) -> Self {
            curious.0.traffic();
            None
        }
    }

    let (link, _peer) = linked(Limits::default(), None);
    within_patience(move || link.close(Curious(Arc::clone(&link)), "")).expect("it is open");
}

#[test]
fn silence_is_not_judged_any_more_once_we_have_closed() {
    let brief = Duration::from_millis(1);
    let limits = Limits::default()
        .ping_after(Some(brief))
        .pong_timeout(Duration::from_millis(20));
    let (link, peer) = linked(limits, None);
    wait_until(|| {
        link.service();
        !peer.played().taken.is_empty()
    });
    link.close(None, "").expect("it is open");
    for _ in 0..40 {
        link.service();
        thread::sleep(brief);
    }
    assert_eq!(link.close_reason(), None);
}

/// A thread that sends on a link, and waits if it must.
fn send_from(link: &Arc<Link>, text: &'static str) -> thread::JoinHandle<Result<()>> {
    let link = Arc::clone(link);
    thread::spawn(move || link.send(SHORT, |connection| connection.send(text)))
}

#[track_caller]
fn ended(thread: thread::JoinHandle<Result<()>>) -> Result<()> {
    within_patience(|| thread.join().expect("it does not panic"))
}

fn is_writing(link: &Link) -> bool {
    link.core().output.writer().is_some()
}

#[test]
fn a_call_with_little_time_does_not_wait_for_the_peer_to_take_output() {
    let (link, peer) = linked(Limits::default().write_timeout(Duration::MAX), None);
    peer.takes(0);
    link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
        .expect("it is open");
    for _ in 0..2 {
        let its_link = Arc::clone(&link);
        let received = within_patience(move || its_link.receive(Some(Instant::now())));
        assert!(matches!(received, Ok(Waited::TimedOut)));
    }
    // Nor to be told which rule it broke.
    peer.sends(b"\x83\x80\0\0\0\0");
    let its_link = Arc::clone(&link);
    let received = within_patience(move || its_link.receive(Some(Instant::now())));
    assert!(matches!(received, Err(Error::Rule(_))), "{received:?}");
    // The caretaker goes on writing.
    peer.takes(usize::MAX);
    link.service();
    wait_until(|| peer.played().taken.starts_with(b"\x81\x02hi\x88"));
}

/// A peer that is slow to take output is listened to all the same.
#[test]
fn a_ping_that_finds_no_room_keeps_nobody_from_reading() {
    let limits = Limits::default()
        .ping_after(Some(Duration::from_millis(1)))
        .write_timeout(Duration::MAX);
    let (link, peer) = cared_for(limits, None);
    peer.takes(0);
    let its_link = Arc::clone(&link);
    let receiving = thread::spawn(move || its_link.receive(None));
    wait_until(|| peer.played().is_waiting_for_room);
    peer.sends(HELLO);
    let received = within_patience(|| receiving.join().expect("it does not panic"));
    assert!(matches!(received, Ok(Waited::Message(_))));
}

mod a_message_that_arrives_too_slowly {
    use super::*;

    /// The header of a message of 64 letters, and four of them.
    const BEGUN: &[u8] = b"\x81\xC0\0\0\0\0half";
    /// The same of a binary message of a MiB, whose rest is read straight into it.
    const LARGE: &[u8] = b"\x82\xFF\0\0\0\0\0\x10\0\0\0\0\0\0half";
    const REFUSED: &[u8] = b"\x88\x20\x03\xF0the message arrives too slowly";

    fn limits() -> Limits {
        Limits::default().message_timeout(Duration::from_millis(50))
    }

    #[track_caller]
    fn expect_refused(link: &Arc<Link>, peer: &Peer) {
        let its_link = Arc::clone(link);
        // Long before the peer's silence asks for a look.
        let received = within_patience(move || its_link.receive(None));
        let Err(Error::Io(error)) = received else {
            panic!("a failure, not {received:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "the message arrives too slowly");
        peer.has_taken(REFUSED);
    }

    #[test]
    fn is_refused_with_1008() {
        for begun in [BEGUN, LARGE] {
            let (link, peer) = cared_for(limits(), None);
            peer.sends(begun);
            expect_refused(&link, &peer);
            assert!(!link.core().connection.is_closed(), "the answer is awaited");
        }
    }

    #[test]
    fn is_refused_after_it_was_shown_to_a_tap() {
        let (link, peer) = cared_for(limits(), Some(Box::new(|_, _| ())));
        peer.sends(BEGUN);
        expect_refused(&link, &peer);
    }

    #[test]
    fn is_not_saved_by_a_trickle() {
        let (link, peer) = cared_for(limits(), None);
        peer.played().refrain = b"a";
        peer.sends(LARGE);
        expect_refused(&link, &peer);
        assert!(link.core().connection.memory() < 1024);
    }

    #[test]
    fn ends_the_connection_if_the_peer_does_not_answer_the_close() {
        let (link, peer) = cared_for(limits().close_timeout(Duration::ZERO), None);
        peer.sends(BEGUN);
        expect_refused(&link, &peer);
        wait_until(|| {
            link.service();
            peer.played().has_ended
        });
    }

    #[test]
    fn is_refused_while_the_handler_is_busy_and_its_memory_given_back() {
        let (link, peer) = linked(limits(), None);
        peer.sends(HELLO);
        peer.sends(b"\x82\xFF\0\0\0\0\0\x10\0\0\0\0\0\0");
        peer.sends(&vec![7; 512 * 1024]);
        wait_until(|| {
            link.service();
            !link.core().connection.is_open()
        });
        assert!(link.core().connection.memory() < 128 * 1024);
        assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
        expect_refused(&link, &peer);
    }

    #[test]
    fn is_answered_by_the_peers_close_though_the_handler_never_hears_of_it() {
        let limits = limits().close_timeout(Duration::MAX);
        let (link, peer) = linked(limits, None);
        peer.sends(BEGUN);
        wait_until(|| {
            link.service();
            !link.core().connection.is_open()
        });
        peer.sends(&[b' '; 60]);
        peer.sends(b"\x88\x82\0\0\0\0\x0F\xA0");
        peer.played().has_ended = true;
        link.finish();
        let reason = link.close_reason().expect("it has ended");
        assert_eq!(reason.code, CloseCode(4000));
    }

    #[test]
    fn is_not_saved_by_pongs_however_many() {
        let (link, peer) = cared_for(limits(), None);
        peer.played().refrain = b"\x8A\x80\0\0\0\0";
        peer.sends(b"\x01\x84\0\0\0\0half");
        expect_refused(&link, &peer);
    }

    #[test]
    fn is_not_saved_by_pongs_while_the_handler_is_busy() {
        let (link, peer) = linked(limits(), None);
        peer.played().refrain = b"\x8A\x80\0\0\0\0";
        peer.sends(b"\x01\x84\0\0\0\0half");
        wait_until(|| {
            link.service();
            !link.core().connection.is_open()
        });
        expect_refused(&link, &peer);
    }

    #[test]
    fn is_received_if_it_may_wait_behind_what_filled_a_read() {
        let (link, peer) = linked(limits().message_timeout(Duration::from_millis(1)), None);
        let read = || link.receive(Some(Instant::now()));
        peer.sends(b"\x01\x84\0\0\0\0half");
        assert!(matches!(read(), Ok(Waited::TimedOut)));
        wait_until(|| link.core().incoming.may_be_late(Instant::now()));
        peer.sends(&b"\x8A\x80\0\0\0\0".repeat(1000));
        peer.sends(b"\x80\x84\0\0\0\0half");
        while !peer.played().input.is_empty() {
            let received = read();
            link.service();
            assert!(link.core().connection.is_open());
            if peer.played().input.is_empty() {
                assert!(matches!(received, Ok(Waited::Message(_))), "{received:?}");
            }
        }
        assert!(peer.played().reads > 2, "each but the last was full");
    }

    #[test]
    fn is_received_if_it_is_there_before_anyone_looks() {
        let (link, peer) = linked(limits(), None);
        peer.sends(BEGUN);
        let waited = link.receive(Some(Instant::now()));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        thread::sleep(Duration::from_millis(100));
        peer.sends(&[b' '; 60]);
        link.service();
        assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
    }

    #[test]
    fn is_no_failure_once_we_have_closed() {
        let (link, peer) = cared_for(limits(), None);
        peer.sends(BEGUN);
        link.close(None, "").expect("it is open");
        let soon = Instant::now() + Duration::from_millis(200);
        let waited = link.receive(Some(soon));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
        peer.has_taken(b"\x88\x00");
        let late_at = link.core().incoming.late_at();
        assert_eq!(late_at, None, "or each read ends soon");
    }

    #[test]
    fn is_judged_anew_after_each_message() {
        let (link, peer) = cared_for(limits(), None);
        for _ in 0..5 {
            peer.sends(BEGUN);
            let waited = link.receive(Some(Instant::now()));
            assert!(matches!(waited, Ok(Waited::TimedOut)));
            peer.sends(&[b' '; 60]);
            assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
        }
        let soon = Instant::now() + Duration::from_millis(100);
        let waited = link.receive(Some(soon));
        assert!(matches!(waited, Ok(Waited::TimedOut)));
    }
}

mod an_impatient_writer {
    use super::*;

    fn send_now(link: &Link, text: &str) -> Result<()> {
        link.send_now(text.len(), |connection| connection.send(text))
    }

    #[test]
    fn leaves_what_the_peer_does_not_take_and_the_caretaker_goes_on() {
        let (link, peer) = linked(Limits::default(), None);
        peer.takes(1);
        send_now(&link, "hi").expect("it waits for nothing");
        peer.has_taken(b"\x81");
        assert!(!is_writing(&link));
        assert!(!peer.played().is_nonblocking);
        peer.takes(usize::MAX);
        link.service();
        peer.has_taken(b"\x81\x02hi");
    }

    #[test]
    fn is_refused_beyond_the_backlog() {
        let (link, peer) = linked(Limits::default().max_backlog(0), None);
        peer.takes(0);
        send_now(&link, "on its way").expect("there is room");
        send_now(&link, "alone in the queue").expect("there is room");
        let refused = send_now(&link, "too much");
        assert!(matches!(refused, Err(Error::Backlogged)));
    }

    #[test]
    fn is_waited_for_by_a_patient_one_which_writes_what_it_leaves() {
        let gate = Arc::new(AtomicBool::new(false));
        let its_gate = Arc::clone(&gate);
        let tap: Tap = Box::new(move |_, _| wait_until(|| its_gate.load(Ordering::SeqCst)));
        let (link, peer) = linked(Limits::default(), Some(tap));
        peer.takes(0);
        let its_link = Arc::clone(&link);
        let impatient = thread::spawn(move || send_now(&its_link, "a"));
        wait_until(|| is_writing(&link));
        let patient = send_from(&link, "b");
        wait_until(|| link.core().waiting == 1);
        gate.store(true, Ordering::SeqCst);
        ended(impatient).expect("it waits for nothing");
        peer.takes(usize::MAX);
        ended(patient).expect("the peer takes all");
        peer.has_taken(b"\x81\x01a\x81\x01b");
    }

    #[test]
    fn finds_the_write_deadline_as_well() {
        let (link, peer) = linked(Limits::default().write_timeout(Duration::ZERO), None);
        peer.takes(0);
        let sent = send_now(&link, "hi");
        assert!(matches!(sent, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut));
        assert!(link.close_reason().is_some());
    }
}

mod a_stuck_writer {
    use super::*;

    /// A link on which one thread is stuck, with one more message in the queue, and for whose peer a
    /// second thread waits for room.
    fn stuck(limits: Limits) -> (Arc<Link>, Peer, [thread::JoinHandle<Result<()>>; 2]) {
        let (link, peer) = linked(limits.max_backlog(0), None);
        peer.takes(0);
        let writer = send_from(&link, "a");
        wait_until(|| is_writing(&link));
        let queued = ended(send_from(&link, "b"));
        queued.expect("there is room, and another thread writes");
        let waiting = send_from(&link, "c");
        wait_until(|| link.core().waiting_for_room == 1);
        (link, peer, [writer, waiting])
    }

    #[test]
    fn returns_once_its_own_is_written_and_the_one_that_waits_goes_on() {
        let (_link, peer, [writer, waiting]) = stuck(Limits::default());
        peer.takes(3);
        ended(writer).expect("its message was taken");
        peer.takes(usize::MAX);
        ended(waiting).expect("the peer takes all");
        peer.has_taken(b"\x81\x01a\x81\x01b\x81\x01c");
    }

    #[test]
    fn makes_one_that_feeds_wait_for_room_too() {
        let (link, peer, threads) = stuck(Limits::default());
        let its_link = Arc::clone(&link);
        let feeding = thread::spawn(move || {
            its_link.feed(usize::MAX, SHORT, |connection| connection.send("d"))
        });
        wait_until(|| link.core().waiting_for_room == 2);
        peer.takes(usize::MAX);
        for thread in threads.into_iter().chain([feeding]) {
            ended(thread).expect("the peer takes all");
        }
    }

    #[test]
    fn fails_when_the_connection_is_cut_and_the_one_that_waits_too() {
        let (link, _peer, [writer, waiting]) = stuck(Limits::default());
        link.cut();
        assert!(matches!(ended(writer), Err(Error::Io(_))));
        assert!(matches!(ended(waiting), Err(Error::Misuse(Misuse::Closed))));
        assert!(!is_writing(&link));
    }

    #[test]
    fn is_cut_with_the_one_that_waits_when_the_peer_is_late() {
        let (link, _peer, [writer, waiting]) =
            stuck(Limits::default().write_timeout(Duration::from_millis(200)));
        let failed = ended(writer).expect_err("the peer takes nothing");
        assert!(matches!(failed, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut));
        assert!(matches!(ended(waiting), Err(Error::Misuse(Misuse::Closed))));
        assert!(link.close_reason().is_some());
    }

    #[test]
    fn is_cut_when_the_peer_takes_a_byte_and_no_more() {
        let limits = Limits::default().write_timeout(Duration::from_millis(20));
        let (link, peer) = linked(limits, None);
        peer.takes(1);
        ended(send_from(&link, "hi")).expect_err("the peer takes one byte");
        assert!(link.close_reason().is_some());
    }

    /// The time of a Close does not run while it waits for output that the peer may still take.
    #[test]
    fn is_not_cut_at_the_close_deadline_but_an_unanswered_close_is() {
        let (link, peer, threads) = stuck(Limits::default().close_timeout(Duration::ZERO));
        link.close(None, "").expect("it is open");
        link.service();
        assert!(!peer.played().has_ended);
        peer.takes(usize::MAX);
        let [writer, waiting] = threads;
        ended(writer).expect("the peer takes all");
        assert!(matches!(ended(waiting), Err(Error::Misuse(Misuse::Closed))));
        wait_until(|| {
            link.service();
            peer.played().has_ended
        });
        peer.has_taken(b"\x81\x01a\x81\x01b\x88\x00");
    }

    /// Linux wakes a blocked writer only when a good part of its buffer is free.
    #[test]
    fn finds_room_that_it_is_not_woken_for() {
        let (link, peer) = linked(Limits::default().write_timeout(Duration::MAX), None);
        peer.takes(0);
        peer.played().wakes_no_writer = true;
        let writer = send_from(&link, "hi");
        wait_until(|| peer.played().is_waiting_for_room);
        peer.takes(usize::MAX);
        ended(writer).expect("the peer takes all");
    }

    /// The deadline is for each 64 KiB. One for the whole message would pass long before its end.
    #[test]
    fn goes_on_as_long_as_the_peer_takes_something() {
        const PACE: usize = 64 * 1024;

        let limits = Limits::default().write_timeout(Duration::from_millis(100));
        let (link, peer) = linked(limits, None);
        // A credit for seconds, on a machine that does much else.
        peer.takes(40 * PACE);
        let its_link = Arc::clone(&link);
        let writer = thread::spawn(move || {
            its_link.send(SHORT, |connection| connection.send(vec![0; 60 * PACE]))
        });
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(20));
            wait_until(|| peer.played().room == 0);
            peer.takes(PACE);
        }
        peer.takes(usize::MAX);
        ended(writer).expect("the peer takes all");
    }
}

mod the_caretaker {
    use super::*;

    #[test]
    fn does_not_read_for_a_thread_that_has_just_received() {
        let (link, peer) = linked(Limits::default(), None);
        link.service();
        let received = link.receive(Some(Instant::now()));
        assert!(matches!(received, Ok(Waited::TimedOut)));
        peer.sends(HELLO);
        link.service();
        assert!(!peer.played().input.is_empty());
        link.service();
        assert!(peer.played().input.is_empty());
    }

    #[test]
    fn reads_nothing_more_once_the_inbox_is_full() {
        let (link, peer) = linked(Limits::default(), None);
        peer.sends(&HELLO.repeat(64));
        for _ in 0..4 {
            link.service();
        }
        assert!(peer.played().input.is_empty());
        peer.sends(HELLO);
        link.service();
        assert_eq!(peer.played().input.len(), HELLO.len());
    }

    #[test]
    fn does_not_take_a_peer_for_silent_whose_input_waits_unread() {
        let limits = brief().pong_timeout(Duration::from_millis(1));
        let (link, peer) = linked(limits, None);
        // More than is read before the inbox is full.
        peer.sends(&HELLO.repeat(1000));
        for _ in 0..40 {
            link.service();
            thread::sleep(Duration::from_millis(1));
        }
        assert!(link.core().inbox.is_full());
        assert!(!peer.played().input.is_empty());
        assert_eq!(link.close_reason(), None);
        peer.has_taken(b"");
    }

    #[test]
    fn finds_a_silent_peer_while_the_inbox_is_full_and_keeps_the_messages() {
        let limits = brief().pong_timeout(Duration::from_millis(1));
        let (link, peer) = linked(limits, None);
        peer.sends(&HELLO.repeat(64));
        wait_until(|| {
            link.service();
            peer.played().has_ended
        });
        for _ in 0..64 {
            assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
        }
        assert!(matches!(link.receive(None), Err(Error::Io(_))));
        assert!(matches!(link.receive(None), Ok(Waited::Ended)));
    }

    #[test]
    fn outlives_a_panic_and_looks_after_the_others() {
        let failed = Peer::default();
        let client = Connection::client(Default::default(), Box::new(|| panic!("no keys")));
        let stream = Arc::new(Stream::new(failed.clone()));
        let link = Link::new(
            stream,
            client,
            &brief(),
            Share::unlimited(),
            b"",
            Tapped::default(),
        );
        caretaker::watch(&link);
        wait_until(|| failed.played().has_ended);
        assert!(matches!(link.receive(None), Ok(Waited::Ended)));
        let (_link, silent) = cared_for(brief(), None);
        wait_until(|| silent.played().has_ended);
    }

    /// The system tells of a reset once, even to a look that takes nothing.
    #[test]
    fn hands_on_the_error_that_it_sees_first() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let peer = TcpStream::connect(address).expect("it listens");
        let (accepted, _) = listener.accept().expect("it has connected");
        let link = Link::new(
            Arc::new(Stream::new(accepted)),
            Connection::server(Default::default()),
            &Limits::default(),
            Share::unlimited(),
            b"",
            Tapped::default(),
        );
        link.send(SHORT, |connection| connection.send("unread"))
            .expect("the system takes it");
        peer.peek(&mut [0]).expect("it arrives");
        drop(peer);
        wait_until(|| {
            link.core().is_attended = true;
            let_silence_last(&link, Duration::from_secs(30));
            link.service();
            link.close_reason().is_some()
        });
        let received = link.receive(None);
        let Err(Error::Io(error)) = received else {
            panic!("the reset, not {received:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(matches!(link.receive(None), Ok(Waited::Ended)));
    }

    #[test]
    fn does_not_give_a_silent_peer_up_while_what_it_sent_is_read_and_not_decoded() {
        let (link, peer) = linked(brief(), None);
        // One more than finds room in the inbox.
        peer.sends(&HELLO.repeat(65));
        for _ in 0..40 {
            link.service();
            thread::sleep(Duration::from_millis(1));
        }
        assert!(peer.played().input.is_empty());
        assert_eq!(link.close_reason(), None);
        for _ in 0..65 {
            assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
        }
        wait_until(|| {
            link.service();
            peer.played().has_ended
        });
        assert!(matches!(link.receive(None), Err(Error::Io(_))));
    }

    #[test]
    fn reads_on_once_messages_were_taken_however_many_came_before() {
        let (link, peer) = linked(Limits::default(), None);
        // Two make the inbox full.
        let large = [b"\x81\xFE\x80\x00\0\0\0\0", &[0; 32 * 1024][..]].concat();
        for _ in 0..4 {
            peer.sends(&large);
            for _ in 0..5 {
                link.service();
            }
            assert!(peer.played().input.is_empty());
            let received = link.receive(None);
            assert!(matches!(received, Ok(Waited::Message(_))));
        }
        peer.sends(b"\x89\x80\0\0\0\0");
        link.service();
        link.service();
        peer.has_taken(b"\x8A\x00");
    }

    #[test]
    fn leaves_what_was_merely_fed_but_not_a_close() {
        let (link, peer) = linked(Limits::default(), None);
        link.feed(usize::MAX, SHORT, |connection| connection.send("hi"))
            .expect("it is open");
        link.service();
        link.service();
        peer.has_taken(b"");
        link.close(None, "").expect("it is open");
        link.service();
        peer.has_taken(b"\x81\x02hi\x88\x00");
    }

    #[test]
    fn keeps_a_failure_until_the_messages_before_it_are_taken() {
        let (link, peer) = linked(Limits::default(), None);
        peer.sends(HELLO);
        // Not masked.
        peer.sends(b"\x81\x00");
        link.service();
        link.service();
        assert!(matches!(link.receive(None), Ok(Waited::Message(_))));
        assert!(matches!(link.receive(None), Err(Error::Rule(_))));
        assert!(matches!(link.receive(None), Ok(Waited::Ended)));
    }

    #[test]
    fn does_not_take_a_peer_for_dead_that_has_not_got_its_ping() {
        let (link, peer) = linked(brief(), None);
        peer.takes(0);
        for _ in 0..40 {
            link.service();
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(link.close_reason(), None);
        assert!(link.core().is_unsent());
    }
}

mod finish {
    use super::*;

    const CLOSE: &[u8] = b"\x88\x80\0\0\0\0";

    fn finish_from(link: &Arc<Link>) -> thread::JoinHandle<Result<()>> {
        let link = Arc::clone(link);
        thread::spawn(move || {
            link.finish();
            Ok(())
        })
    }

    #[test]
    fn discards_what_comes_after_the_peers_close_up_to_its_end() {
        let limits = Limits::default().close_timeout(Duration::MAX);
        let (link, peer) = linked(limits, None);
        link.close(None, "").expect("it is open");
        let finishing = finish_from(&link);
        peer.sends(CLOSE);
        wait_until(|| peer.played().has_output_ended);
        peer.sends(HELLO);
        wait_until(|| peer.played().input.is_empty());
        peer.played().has_ended = true;
        ended(finishing).expect("it cannot fail");
        assert_eq!(link.stream().ended_by(), Some(EndedBy::Us));
    }

    #[test]
    fn ends_the_output_of_a_peer_that_does_not_answer_too() {
        let limits = Limits::default().close_timeout(Duration::ZERO);
        let (link, peer) = linked(limits, None);
        link.close(None, "").expect("it is open");
        link.finish();
        peer.has_taken(b"\x88\x00");
        assert!(
            link.close_reason()
                .is_some_and(|reason| reason.was_cut_off())
        );
        assert!(peer.played().has_output_ended && peer.played().has_ended);
        assert!(link.core().connection.is_closed());
        assert_eq!(link.stream().ended_by(), Some(EndedBy::Cut));
    }

    #[test]
    fn is_for_the_first_thread_that_calls_it() {
        let limits = Limits::default().close_timeout(Duration::MAX);
        let (link, _peer) = linked(limits, None);
        let first = finish_from(&link);
        wait_until(|| is_reading(&link));
        ended(finish_from(&link)).expect("it cannot fail");
        link.cut();
        ended(first).expect("it cannot fail");
    }
}

#[test]
fn a_wait_gives_the_memory_back_that_a_quiet_peer_does_not_need() {
    let (link, peer) = linked(Limits::default(), None);
    let large = [b"\x81\xFE\x80\x00\0\0\0\0", &[0; 32 * 1024][..]].concat();
    for _ in 0..8 {
        peer.sends(&large);
        let received = link.receive(None).expect("it is legal");
        let Waited::Message(message) = received else {
            panic!("a message came")
        };
        link.send(SHORT, |connection| connection.send(message))
            .expect("the peer takes all");
    }
    let is_large = |core: &Core| {
        let buffer = core.read_buffer.as_ref().expect("nobody reads");
        buffer.is_large()
    };
    assert!(is_large(&link.core()));
    // A second is long here.
    let_silence_last(&link, Duration::from_secs(2));
    let waited = link.receive(Some(Instant::now() + Duration::from_millis(50)));
    assert!(matches!(waited, Ok(Waited::TimedOut)));
    assert!(!is_large(&link.core()));
}

mod a_large_message {
    use super::*;

    /// The header of a binary message of 300,000 bytes, with a mask that changes each.
    const HEADER: &[u8] = b"\x82\xFF\0\0\0\0\0\x04\x93\xE0\x01\x02\x03\x04";

    fn payload() -> Vec<u8> {
        (0..300_000_u32).map(|i| (i % 251) as u8).collect()
    }

    fn masked() -> Vec<u8> {
        let mut bytes = payload();
        crate::protocol::frame::mask(&mut bytes, [1, 2, 3, 4], 0);
        [HEADER, &bytes].concat()
    }

    #[track_caller]
    fn expect(received: Result<Waited>) -> Message {
        let Ok(Waited::Message(message)) = received else {
            panic!("a message, not {received:?}")
        };
        assert!(message == payload()[..], "other bytes");
        message
    }

    #[test]
    fn arrives_whole_with_what_follows_it_however_it_is_sent() {
        let stream = [&masked()[..], HELLO, &masked(), HELLO].concat();
        for piece in [1001, 4096, 70_000, usize::MAX] {
            let (link, peer) = linked(Limits::default(), None);
            let its_peer = peer.clone();
            let its_stream = stream.clone();
            let sending = thread::spawn(move || {
                for piece in its_stream.chunks(piece) {
                    wait_until(|| its_peer.played().input.is_empty());
                    its_peer.sends(piece);
                }
            });
            for _ in 0..2 {
                expect(link.receive(None));
                let hello = link.receive(None);
                assert!(matches!(hello, Ok(Waited::Message(message)) if message == "Hello"));
            }
            sending.join().expect("it is all read");
            let received = link.traffic().bytes_received;
            assert_eq!(received, stream.len() as u64);
        }
    }

    #[test]
    fn is_read_straight_into_place_and_only_what_follows_it_into_the_buffer() {
        let (link, peer) = linked(Limits::default(), None);
        for _ in 0..2 {
            (peer.played().reads, peer.played().landed) = (0, 0);
            peer.sends(&masked());
            let message = expect(link.receive(None));
            link.send(SHORT, |connection| connection.send(message))
                .expect("the peer takes all");
        }
        // The first of the reads learns that a large message comes.
        let Played { reads, landed, .. } = *peer.played();
        assert!(
            reads <= 5 && landed >= 270_000,
            "{reads} reads, {landed} landed"
        );
    }

    #[test]
    fn passes_the_tap_as_it_is_on_the_wire() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let its_seen = Arc::clone(&seen);
        let tap: Tap = Box::new(move |direction, bytes| {
            assert_eq!(direction, Direction::Received);
            its_seen.lock().expect(UNPOISONED).extend_from_slice(bytes);
        });
        let (link, peer) = linked(Limits::default(), Some(tap));
        let stream = [&masked()[..], &masked(), HELLO].concat();
        peer.sends(&stream);
        for _ in 0..2 {
            expect(link.receive(None));
        }
        link.receive(None).expect("it is legal");
        assert!(*seen.lock().expect(UNPOISONED) == stream, "other bytes");
    }

    #[test]
    fn is_read_ahead_while_the_handler_is_busy() {
        let (link, peer) = linked(Limits::default(), None);
        for piece in masked().chunks(50_000) {
            peer.sends(piece);
            wait_until(|| {
                link.service();
                peer.played().input.is_empty()
            });
        }
        expect(link.receive(Some(Instant::now())));
    }

    #[test]
    fn whose_peer_falls_silent_is_asked_for_a_sign_of_life() {
        let limits = Limits::default()
            .ping_after(Some(Duration::from_millis(50)))
            .pong_timeout(Duration::from_millis(50));
        let (link, peer) = cared_for(limits, None);
        peer.sends(&masked()[..100_000]);
        let received = within_patience(move || link.receive(None));
        let Err(Error::Io(error)) = received else {
            panic!("a failure, not {received:?}")
        };
        assert_eq!(error.to_string(), "the peer is silent");
        peer.has_taken(b"\x89\x08\0\0\0\0\0\0\0\x01");
    }

    #[test]
    fn whose_peer_speaks_when_its_silence_is_judged_loses_nothing() {
        let (link, peer) = cared_for(Limits::default(), None);
        let stream = masked();
        for piece in stream.chunks(50_000) {
            let_silence_last(&link, Duration::from_secs(30));
            peer.sends(piece);
            if piece.len() == 50_000 {
                let deadline = Some(Instant::now() + Duration::from_millis(20));
                let received = link.receive(deadline);
                assert!(matches!(received, Ok(Waited::TimedOut)), "{received:?}");
            }
        }
        expect(within_patience(move || link.receive(None)));
    }

    #[test]
    fn that_the_connections_end_cuts_off_is_reported_as_that_end() {
        let (link, peer) = linked(Limits::default(), None);
        peer.sends(&masked()[..100_000]);
        let its_link = Arc::clone(&link);
        let receiving = thread::spawn(move || its_link.receive(None));
        wait_until(|| peer.played().input.is_empty() && is_reading(&link));
        peer.played().has_ended = true;
        let received = within_patience(|| receiving.join().expect("it does not panic"));
        assert!(matches!(received, Ok(Waited::Ended)), "{received:?}");
    }
}

#[test]
fn a_call_without_time_reads_what_has_arrived() {
    let (link, peer) = linked(Limits::default(), None);
    peer.sends(HELLO);
    let received = link.receive(Some(Instant::now()));
    assert!(matches!(received, Ok(Waited::Message(_))));
}

#[test]
fn a_broken_rule_is_told_to_the_peer_before_it_is_reported() {
    let (link, peer) = linked(Limits::default(), None);
    peer.sends(b"\x81\x00");
    assert!(matches!(link.receive(None), Err(Error::Rule(_))));
    assert_eq!(peer.played().taken[..1], [0x88]);
}

#[test]
fn a_feed_beyond_the_backlog_writes_what_was_fed_before() {
    let (link, peer) = linked(Limits::default().max_backlog(0), None);
    for text in ["a", "b"] {
        link.feed(usize::MAX, SHORT, |connection| connection.send(text))
            .expect("it is open");
    }
    peer.has_taken(b"\x81\x01a");
}

#[test]
fn a_wait_wakes_to_send_the_ping_that_silence_calls_for() {
    let limits = Limits::default().ping_after(Some(Duration::from_millis(20)));
    let (link, peer) = cared_for(limits, None);
    let its_link = Arc::clone(&link);
    thread::spawn(move || its_link.receive(None));
    peer.has_taken(b"\x89\x08\0\0\0\0\0\0\0\x01");
    link.cut();
}

#[test]
fn the_round_trip_time_stays_known_when_a_pong_comes_that_answers_nothing() {
    let limits = Limits::default().ping_after(Some(Duration::from_millis(1)));
    let (link, peer) = linked(limits, None);
    wait_until(|| {
        link.service();
        !peer.played().taken.is_empty()
    });
    peer.sends(b"\x8A\x88\0\0\0\0\0\0\0\0\0\0\0\x01");
    peer.sends(HELLO);
    link.receive(None).expect("it is legal");
    let known = link.round_trip();
    assert!(known.is_some());
    peer.sends(b"\x8A\x80\0\0\0\0");
    peer.sends(HELLO);
    link.receive(None).expect("it is legal");
    assert_eq!(link.round_trip(), known);
}

#[test]
fn a_failed_write_loses_the_connection() {
    let (link, peer) = linked(Limits::default(), None);
    peer.takes(0);
    peer.played().has_ended = true;
    let failed = ended(send_from(&link, "hi")).expect_err("the write fails");
    assert!(matches!(failed, Error::Io(error) if error.kind() == io::ErrorKind::WriteZero));
    assert!(link.close_reason().is_some());
}

#[test]
fn a_right_is_not_handed_over_to_a_thread_that_waits_for_another_one() {
    let (link, peer) = linked(Limits::default(), None);
    for waiting in 0..2 {
        let its_link = Arc::clone(&link);
        thread::spawn(move || its_link.receive(None));
        wait_until(|| is_reading(&link) && link.core().waiting == waiting);
    }
    ended(send_from(&link, "hi")).expect("the peer takes all");
    peer.has_taken(b"\x81\x02hi");
    assert!(!is_writing(&link));
    link.cut();
}

mod the_streams_time_outs {
    use super::*;

    #[test]
    fn are_set_when_they_change_and_only_then() {
        let peer = Peer::default();
        let stream = Stream::new(peer.clone());
        peer.sends(b"12345");
        let read = |milliseconds| {
            let timeout = Some(Duration::from_millis(milliseconds));
            stream
                .read(&mut [IoSliceMut::new(&mut [0])], timeout)
                .expect("something has arrived");
            assert_eq!(peer.played().read_timeout, timeout);
        };
        for milliseconds in [7, 7, 7, 8, 7] {
            read(milliseconds);
        }
        assert_eq!(peer.played().timeouts, 3);
    }

    #[test]
    fn end_a_write_to_a_peer_that_takes_nothing() {
        let peer = Peer::default();
        let stream = Stream::new(peer);
        let deadline = Instant::now() + Duration::from_millis(20);
        let written = within_patience(move || {
            let mut bytes = [IoSlice::new(b"hi")];
            stream.write_all_until(&mut bytes, deadline)
        });
        let failed = written.expect_err("the peer takes nothing");
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }
}
