//! A transport whose other end the test plays.

use super::Link;
use crate::net::budget::Share;
use crate::net::caretaker;
use crate::net::deadline::deadline_in;
use crate::net::limits::Limits;
use crate::net::stream::Stream;
use crate::net::tap::{Tap, Tapped};
use crate::net::transport::Transport;
use crate::protocol::connection::Connection;
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const UNPOISONED: &str = "nobody panics with it";

/// A peer that the test plays: it sends and takes what it is told to.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer(Arc<(Mutex<Played>, Condvar)>);

#[derive(Debug, Default)]
pub(super) struct Played {
    /// What it has sent, and our side has not read.
    pub(super) input: VecDeque<u8>,
    /// What it sends whenever our side has read everything else.
    pub(super) refrain: &'static [u8],
    /// Whether a read takes nothing of that, as if its thread had not got to run.
    pub(super) holds_input: bool,
    /// What it has taken, and how much more it takes.
    pub(super) taken: Vec<u8>,
    pub(super) room: usize,
    /// Whether a write that waits for room is left asleep when there is some; only a new one finds it.
    pub(super) wakes_no_writer: bool,
    pub(super) is_waiting_for_room: bool,
    /// Whether it answers the end of both sides with a reset.
    pub(super) resets: bool,
    /// Whether our side ended its output, and whether it ended both.
    pub(super) has_output_ended: bool,
    pub(super) has_ended: bool,
    pub(super) is_nonblocking: bool,
    pub(super) read_timeout: Option<Duration>,
    /// Whether a read waits on when its time is over.
    pub(super) reads_on: bool,
    pub(super) write_timeout: Option<Duration>,
    /// How often either was set.
    pub(super) timeouts: usize,
    /// How often something was read, and how many bytes went to the first of two slices.
    pub(super) reads: usize,
    pub(super) landed: usize,
}

/// Longer than anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl Peer {
    pub(super) fn played(&self) -> MutexGuard<'_, Played> {
        self.0.0.lock().expect(UNPOISONED)
    }

    pub(super) fn sends(&self, bytes: &[u8]) {
        self.played().input.extend(bytes);
        self.0.1.notify_all();
    }

    pub(super) fn takes(&self, room: usize) {
        self.played().room = room;
        self.0.1.notify_all();
    }

    #[track_caller]
    pub(super) fn has_taken(&self, bytes: &[u8]) {
        wait_until(|| self.played().taken == bytes);
    }

    /// Makes a call until it gives something, as a socket does.
    fn call<T>(
        &self,
        timeout: Option<Duration>,
        mut call: impl FnMut(&mut Played) -> Option<T>,
    ) -> io::Result<T> {
        let deadline = deadline_in(timeout.unwrap_or(2 * PATIENCE));
        let mut played = self.played();
        // A call that waits already is not disturbed when the mode changes.
        let is_nonblocking = played.is_nonblocking;
        loop {
            if let Some(done) = call(&mut played) {
                return Ok(done);
            }
            if is_nonblocking || deadline <= Instant::now() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let brief = Duration::from_millis(1);
            played = self.0.1.wait_timeout(played, brief).expect(UNPOISONED).0;
        }
    }
}

impl Transport for Peer {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_vectored(&mut [IoSliceMut::new(buffer)])
    }

    fn read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let played = self.played();
        let timeout = played.read_timeout.filter(|_| !played.reads_on);
        drop(played);
        self.call(timeout, |played| {
            if played.holds_input {
                return None;
            }
            if played.input.is_empty() {
                played.input.extend(played.refrain);
            }
            let mut length = 0;
            for slice in slices.iter_mut() {
                played.landed += length;
                length += io::Read::read(&mut played.input, slice).expect("it is memory");
            }
            played.reads += usize::from(length > 0);
            (length > 0 || played.has_ended).then_some(length)
        })
        .and_then(|length| match length {
            0 if self.played().resets => Err(io::ErrorKind::ConnectionReset.into()),
            length => Ok(length),
        })
    }

    fn peek(&self) -> io::Result<usize> {
        let timeout = self.played().read_timeout;
        self.call(timeout, |played| {
            let is_there = !played.input.is_empty();
            (is_there || played.has_ended).then_some(usize::from(is_there))
        })
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let timeout = self.played().write_timeout;
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
        let bytes: Vec<u8> = bytes.collect();
        let mut is_asleep = false;
        self.call(timeout, |played| {
            let is_left_asleep = played.wakes_no_writer && std::mem::replace(&mut is_asleep, true);
            let room = if is_left_asleep { 0 } else { played.room };
            let length = bytes.len().min(room);
            played.taken.extend_from_slice(&bytes[..length]);
            played.is_waiting_for_room = length == 0;
            played.room -= length;
            (length > 0 || played.has_ended).then_some(length)
        })
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut played = self.played();
        played.timeouts += 1;
        played.read_timeout = timeout;
        Ok(())
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut played = self.played();
        played.timeouts += 1;
        played.write_timeout = timeout;
        Ok(())
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.played().is_nonblocking = is_nonblocking;
        Ok(())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let mut played = self.played();
        played.has_output_ended |= how != Shutdown::Read;
        played.has_ended |= how == Shutdown::Both;
        drop(played);
        self.0.1.notify_all();
        Ok(())
    }
}

#[track_caller]
pub(super) fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What `call` returns, which must not take long.
#[track_caller]
pub(super) fn within_patience<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, returned) = mpsc::channel();
    thread::spawn(move || told.send(call()));
    returned.recv_timeout(PATIENCE).expect("it returns in time")
}

/// A server's link, and its peer, which takes all that it is sent.
pub(super) fn linked(limits: Limits, tap: Option<Tap>) -> (Arc<Link>, Peer) {
    linked_with(Share::unlimited(), limits, tap)
}

/// The same with a caretaker, which judges the peer.
pub(super) fn cared_for(limits: Limits, tap: Option<Tap>) -> (Arc<Link>, Peer) {
    let (link, peer) = linked(limits, tap);
    caretaker::watch(&link);
    (link, peer)
}

/// A link with a share of a budget, and its peer.
pub(super) fn linked_with(share: Share, limits: Limits, tap: Option<Tap>) -> (Arc<Link>, Peer) {
    let peer = Peer::default();
    peer.takes(usize::MAX);
    let stream = Arc::new(Stream::new(peer.clone()));
    let connection = Connection::server(Default::default());
    let link = Link::new(stream, connection, &limits, share, b"", Tapped::new(tap));
    (link, peer)
}

/// Makes it look as if nothing had come from the peer for so long.
pub(super) fn let_silence_last(link: &Link, time: Duration) {
    let long_ago = Instant::now().checked_sub(time);
    let long_ago = long_ago.expect("the machine is older");
    link.core().keepalive.received(long_ago);
}
