//! A link without a socket: how often an echo takes the lock, and what several threads do to it.

use super::*;
use crate::net::stream::{Stream, Transport};
use crate::protocol::message::Message;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
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
        let read = self.reads.lock().expect(UNPOISONED).pop_front();
        let bytes = read.unwrap_or_default();
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
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

    fn send_at_once(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

const UNPOISONED: &str = "no thread panics while it holds this";
const HELLO: &[u8] = b"\x81\x85\0\0\0\0Hello";

fn link(reads: Vec<Vec<u8>>) -> (Link, Arc<Mutex<Vec<Vec<u8>>>>) {
    let script = Script {
        reads: Mutex::new(reads.into()),
        sent: Arc::default(),
    };
    let sent = Arc::clone(&script.sent);
    let connection = Connection::server(Default::default());
    let stream = Arc::new(Stream::new(script));
    let link = Link::new(stream, connection, Limits::default(), b"", None);
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
        link.send(|connection| connection.send(message))
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
        link.feed(64 * 1024, |connection| connection.send(message))
            .expect("the script takes all");
    });
    assert_eq!(
        (messages, sent.lock().expect(UNPOISONED).len()),
        (1600, 100)
    );
    assert!(acquired <= 2 * messages + 2 * 100 + 6, "{acquired}");
}

/// A peer that the test plays: it sends and takes what it is told to.
#[derive(Clone, Debug, Default)]
struct Peer(Arc<(Mutex<Played>, Condvar)>);

#[derive(Debug, Default)]
struct Played {
    /// What it has sent, and our side has not read.
    input: VecDeque<u8>,
    /// What it has taken, and how much more it takes.
    taken: Vec<u8>,
    room: usize,
    has_ended: bool,
    is_nonblocking: bool,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

impl Peer {
    fn played(&self) -> MutexGuard<'_, Played> {
        self.0.0.lock().expect(UNPOISONED)
    }

    fn sends(&self, bytes: &[u8]) {
        self.played().input.extend(bytes);
        self.0.1.notify_all();
    }

    fn takes(&self, room: usize) {
        self.played().room = room;
        self.0.1.notify_all();
    }

    #[track_caller]
    fn has_taken(&self, bytes: &[u8]) {
        wait_until(|| self.played().taken == bytes);
    }

    /// Makes a call until it gives something, as a socket does.
    fn call<T>(
        &self,
        timeout: Option<Duration>,
        mut call: impl FnMut(&mut Played) -> Option<T>,
    ) -> io::Result<T> {
        let deadline = deadline_in(timeout.unwrap_or(PATIENCE));
        let mut played = self.played();
        loop {
            if let Some(done) = call(&mut played) {
                return Ok(done);
            }
            if played.is_nonblocking || deadline <= Instant::now() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let brief = Duration::from_millis(1);
            played = self.0.1.wait_timeout(played, brief).expect(UNPOISONED).0;
        }
    }
}

impl Transport for Peer {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let timeout = self.played().read_timeout;
        self.call(timeout, |played| {
            let length = buffer.len().min(played.input.len());
            for (to, from) in buffer.iter_mut().zip(played.input.drain(..length)) {
                *to = from;
            }
            (length > 0 || played.has_ended).then_some(length)
        })
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let timeout = self.played().write_timeout;
        self.call(timeout, |played| {
            let length = slices[0].len().min(played.room);
            played.room -= length;
            played.taken.extend_from_slice(&slices[0][..length]);
            (length > 0 || played.has_ended).then_some(length)
        })
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.played().read_timeout = timeout;
        Ok(())
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.played().write_timeout = timeout;
        Ok(())
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.played().is_nonblocking = is_nonblocking;
        Ok(())
    }

    fn send_at_once(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.played().has_ended |= how == Shutdown::Both;
        self.0.1.notify_all();
        Ok(())
    }
}

#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What `call` returns, which must not take long.
#[track_caller]
fn within_patience<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, returned) = mpsc::channel();
    thread::spawn(move || told.send(call()));
    returned.recv_timeout(PATIENCE).expect("it returns in time")
}

/// A server's link, and its peer, which takes all that it is sent.
fn linked(limits: Limits, tap: Option<Tap>) -> (Arc<Link>, Peer) {
    let peer = Peer::default();
    peer.takes(usize::MAX);
    let stream = Arc::new(Stream::new(peer.clone()));
    let connection = Connection::server(Default::default());
    let link = Link::new(stream, connection, limits, b"", tap);
    (Arc::new(link), peer)
}

fn is_reading(link: &Link) -> bool {
    link.core().reader.is_none()
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
        link.feed(usize::MAX, |connection| connection.send("hi"))
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
        let received = second.join().expect("it does not panic");
        assert!(matches!(received, Ok(Waited::Message(_))));
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
                let sent = link.send(|connection| connection.send("from the tap"));
                sent.expect("it is open");
            });
            link.feed(usize::MAX, |connection| connection.send("hi"))
                .expect("it is open");
            within_patience(move || link.flush(patience)).expect("the peer takes all");
            peer.has_taken(b"\x81\x02hi\x81\x0Cfrom the tap");
        }
    }

    #[test]
    fn does_not_wait_for_room_that_only_its_own_thread_can_make() {
        let (told, results) = mpsc::channel();
        let (link, _peer) = tapped(Limits::default().max_backlog(0), move |link| {
            for _ in 0..2 {
                let sent = link.send(|connection| connection.send("from the tap"));
                told.send(sent).expect("the test listens");
            }
        });
        within_patience(move || link.send(|connection| connection.send("hi")))
            .expect("the peer takes all");
        assert!(matches!(results.recv(), Ok(Ok(()))));
        assert!(matches!(results.recv(), Ok(Err(Error::Backlogged))));
    }

    #[test]
    fn may_end_its_connection_in_order_but_waits_in_vain() {
        for patience in [Patience::Wait, Patience::Now] {
            let limits = Limits::default().close_timeout(Duration::from_millis(20));
            let (link, _peer) = tapped(limits, |link| {
                link.close(None, "").expect("it is open");
                link.finish();
            });
            link.feed(usize::MAX, |connection| connection.send("hi"))
                .expect("it is open");
            drop(within_patience(move || link.flush(patience)));
        }
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
