//! One connection as bytes, whatever carries them.
//!
//! Any thread may use a [`Stream`], and one may read while another writes. The time-outs belong to the
//! transport, not to a thread, so every call that waits sets its own first.

use super::deadline::{SHORTEST_TIMEOUT, has_heard, is_passing, time_left};
use super::log::EndedBy;
use super::pace::Pace;
use super::transport::Transport;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A write that waits for room is tried again this often. Linux, for example, wakes it only when a third
/// of a send buffer of up to 4 MiB is free, whereas a new call finds any room there is.
const WRITE_AGAIN: Duration = Duration::from_millis(250);

/// A connection as bytes.
#[derive(Debug)]
pub(super) struct Stream {
    /// Absent only while it is dropped.
    transport: Option<Box<dyn Transport>>,
    read_timeout: KnownTimeout,
    write_timeout: KnownTimeout,
    /// Held while the transport is in non-blocking mode. That mode holds for every thread: another one
    /// that reads or writes meanwhile is told at once that it timed out, and makes its call again.
    nonblocking: Mutex<()>,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    ended_by: OnceLock<EndedBy>,
}

impl Stream {
    pub(super) fn new(transport: impl Transport + 'static) -> Self {
        Self::of(Box::new(transport))
    }

    pub(super) fn of(transport: Box<dyn Transport>) -> Self {
        Self {
            transport: Some(transport),
            read_timeout: KnownTimeout::default(),
            write_timeout: KnownTimeout::default(),
            nonblocking: Mutex::default(),
            bytes_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            ended_by: OnceLock::new(),
        }
    }

    /// Makes calls wait, whatever mode the transport was in, and turns off the delay by which the system gathers
    /// small writes: ours carry whole frames, gathered already.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.call(|transport| {
            transport.set_nonblocking(false)?;
            transport.send_at_once()
        })
    }

    /// Does what has to be done before bytes can pass, or fails with [`io::ErrorKind::TimedOut`] at the deadline.
    pub(super) fn shake_hands(&self, deadline: Instant) -> io::Result<()> {
        self.shake_hands_in_steps(deadline, || Ok(()))
    }

    /// The same, which goes on after each step only if that is agreed to.
    pub(super) fn shake_hands_in_steps(
        &self,
        deadline: Instant,
        mut go_on: impl FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let left = time_left(deadline).ok_or_else(|| {
                io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")
            })?;
            self.set_read_timeout(Some(left))?;
            self.set_write_timeout(left.min(WRITE_AGAIN))?;
            match self.call(|transport| transport.handshake()) {
                Ok(true) => return go_on(),
                Ok(false) => go_on()?,
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What carries it, to be put into something else.
    #[cfg(feature = "tls")]
    pub(super) fn into_transport(mut self) -> Option<Box<dyn Transport>> {
        self.transport.take()
    }

    pub(super) fn secured_by(&self) -> Option<String> {
        self.call(|transport| Ok(transport.secured_by())).ok()?
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.call(|transport| Ok(transport.local_addr())).ok()?
    }

    /// Reads once, waiting at most for `timeout`. It may fail earlier, with an error that [`is_passing`].
    pub(super) fn read(
        &self,
        slices: &mut [IoSliceMut<'_>],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        self.set_read_timeout(timeout)?;
        self.note_read(self.call(|transport| read(transport, slices)))
    }

    /// Reads once what is there already, without waiting.
    pub(super) fn read_now(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.note_read(self.without_waiting(|transport| read(transport, slices)))
    }

    /// Whether something waits to be read or has begun to come, or the end; `None` if the transport cannot tell. The
    /// system tells of an error only once: whoever reads after this has failed finds the end.
    pub(super) fn has_input(&self) -> io::Result<Option<bool>> {
        match self.without_waiting(|transport| transport.peek()) {
            Err(error) if is_passing(&error) => Ok(Some(has_heard(&error))),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
            peeked => peeked.map(|_| Some(true)),
        }
    }

    /// Writes once what there is room for already, without waiting.
    pub(super) fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.note_written(self.without_waiting(|transport| write(transport, slices)))
    }

    /// Writes once what there is room for already, without waiting. Without any room it fails with
    /// [`io::ErrorKind::TimedOut`] after the deadline, and writes nothing before it.
    pub(super) fn write_now_until(
        &self,
        slices: &[IoSlice<'_>],
        deadline: Instant,
    ) -> io::Result<Option<usize>> {
        let left = time_left(deadline);
        match self.write_now(slices) {
            Err(error) if is_passing(&error) && left.is_some() => Ok(None),
            Err(error) if is_passing(&error) => Err(peer_does_not_read()),
            written => written.map(Some),
        }
    }

    /// Reads something, or the end (0), or fails with [`io::ErrorKind::TimedOut`] at the deadline.
    pub(super) fn read_until(&self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            let left = time_left(deadline).ok_or(io::ErrorKind::TimedOut)?;
            match self.read(&mut [IoSliceMut::new(buffer)], Some(left)) {
                Err(error) if is_passing(&error) => {}
                read => return read,
            }
        }
    }

    /// Writes something, or fails with [`io::ErrorKind::TimedOut`] at the deadline. What the system takes
    /// at once is written even after it.
    pub(super) fn write_until(
        &self,
        slices: &[IoSlice<'_>],
        deadline: Instant,
    ) -> io::Result<usize> {
        loop {
            let left = time_left(deadline);
            let timeout = left.unwrap_or(SHORTEST_TIMEOUT).min(WRITE_AGAIN);
            match self.write(slices, timeout) {
                Err(error) if is_passing(&error) && left.is_some() => {}
                Err(error) if is_passing(&error) => return Err(peer_does_not_read()),
                written => return written,
            }
        }
    }

    /// Writes all of the slices, or fails with [`io::ErrorKind::TimedOut`] at the deadline.
    pub(super) fn write_all_until(
        &self,
        mut slices: &mut [IoSlice<'_>],
        deadline: Instant,
    ) -> io::Result<()> {
        while slices.iter().any(|slice| !slice.is_empty()) {
            let length = self.write_until(slices, deadline)?;
            IoSlice::advance_slices(&mut slices, length);
        }
        Ok(())
    }

    /// Writes all of the slices to a peer that takes them at this pace, or fails with
    /// [`io::ErrorKind::TimedOut`].
    pub(super) fn write_all(
        &self,
        mut slices: &mut [IoSlice<'_>],
        pace: &mut Pace,
    ) -> io::Result<()> {
        pace.begin(Instant::now());
        while slices.iter().any(|slice| !slice.is_empty()) {
            let length = self.write_until(slices, pace.late_at())?;
            pace.moved(length, Instant::now());
            IoSlice::advance_slices(&mut slices, length);
        }
        Ok(())
    }

    /// Reads and discards until the peer ends its side, at most until `deadline`. Input left unread
    /// would turn the end of the connection into a reset, which can destroy what was sent last.
    pub(super) fn drain(&self, deadline: Instant) {
        let mut discarded = [0; 4096];
        while matches!(self.read_until(&mut discarded, deadline), Ok(1..)) {}
    }

    /// Ends our side, so that the peer reads what was sent and then the end.
    pub(super) fn end_output(&self) -> io::Result<()> {
        if self.ended_by.get().is_none() {
            // The peer's end may have come already, and not have been read.
            let peeked = self.without_waiting(|transport| transport.peek());
            self.note_end_in(&peeked);
            self.note_end(EndedBy::Us);
        }
        self.shutdown(Shutdown::Write)
    }

    /// Ends our side once the peer has ended its own, as a client does (§7.1.1): inside TLS that is said, before a cut
    /// that says nothing.
    pub(super) fn answer_end(&self) {
        if self.ended_by() == Some(EndedBy::Peer) {
            let _ = self.shutdown(Shutdown::Write);
        }
    }

    /// Reads nothing more. A thread that waits for input is woken and reads the end.
    pub(super) fn end_input(&self) {
        self.note_end(EndedBy::Us);
        let _ = self.shutdown(Shutdown::Read);
    }

    /// Ends both sides at once. Threads that wait in a call are woken.
    pub(super) fn cut(&self) {
        self.note_end(EndedBy::Cut);
        let _ = self.shutdown(Shutdown::Both);
    }

    /// Notes that whatever ends the connection now is a cut: a deadline has passed.
    pub(super) fn give_up(&self) {
        self.note_end(EndedBy::Cut);
    }

    /// Bytes read and written so far.
    pub(super) fn passed(&self) -> Passed {
        Passed {
            read: self.bytes_read.load(Ordering::Relaxed),
            written: self.bytes_written.load(Ordering::Relaxed),
        }
    }

    /// Who ended the connection first; `None` while neither side has, as far as is known.
    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.ended_by.get().copied()
    }

    fn note_read(&self, read: io::Result<usize>) -> io::Result<usize> {
        self.note_end_in(&read);
        if let Ok(length) = read {
            self.bytes_read.fetch_add(length as u64, Ordering::Relaxed);
        }
        read
    }

    /// A transport that takes none of the bytes offered to it will not take any later either.
    fn note_written(&self, written: io::Result<usize>) -> io::Result<usize> {
        let written = match written {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            written => written,
        };
        match &written {
            Ok(length) => {
                self.bytes_written
                    .fetch_add(*length as u64, Ordering::Relaxed);
            }
            Err(_) => self.note_end_in(&written),
        }
        written
    }

    /// Notes that the peer has ended the connection, if a call has come to that.
    fn note_end_in(&self, done: &io::Result<usize>) {
        match done {
            Ok(0) => self.note_end(EndedBy::Peer),
            Ok(_) => {}
            Err(error) if is_passing(error) || error.kind() == io::ErrorKind::Unsupported => {}
            Err(_) => self.note_end(EndedBy::Peer),
        }
    }

    /// What came first counts.
    fn note_end(&self, ended_by: EndedBy) {
        let _ = self.ended_by.set(ended_by);
    }

    fn write(&self, slices: &[IoSlice<'_>], timeout: Duration) -> io::Result<usize> {
        self.set_write_timeout(timeout)?;
        self.note_written(self.call(|transport| write(transport, slices)))
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.read_timeout.set(timeout, |timeout| {
            self.call(|transport| transport.set_read_timeout(timeout))
        })
    }

    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.write_timeout.set(Some(timeout), |timeout| {
            self.call(|transport| transport.set_write_timeout(timeout))
        })
    }

    fn without_waiting<T>(
        &self,
        call: impl FnOnce(&dyn Transport) -> io::Result<T>,
    ) -> io::Result<T> {
        let _only_one = self
            .nonblocking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.call(|transport| transport.set_nonblocking(true))?;
        let done = self.call(call);
        self.call(|transport| transport.set_nonblocking(false))?;
        done
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.call(|transport| transport.shutdown(how))
    }

    /// Calls the transport. It may be the user's code, which may panic, in the thread that looks after all
    /// connections too: that is a failure of this one.
    fn call<T>(&self, call: impl FnOnce(&dyn Transport) -> io::Result<T>) -> io::Result<T> {
        let transport = self
            .transport
            .as_deref()
            .ok_or(io::ErrorKind::NotConnected)?;
        let called = catch_unwind(AssertUnwindSafe(|| call(transport)));
        called.unwrap_or_else(|_| Err(io::Error::other("the connection's stream panicked")))
    }
}

/// Dropping a transport runs the user's code as well.
impl Drop for Stream {
    fn drop(&mut self) {
        let transport = self.transport.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(transport)));
    }
}

/// How many bytes have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) read: u64,
    pub(super) written: u64,
}

impl Passed {
    pub(super) const fn since(self, before: Self) -> Self {
        Self {
            read: self.read - before.read,
            written: self.written - before.written,
        }
    }
}

/// The time-out that the transport has now: setting the same one again costs no system call.
#[derive(Debug, Default)]
struct KnownTimeout(AtomicU64);

impl KnownTimeout {
    /// Stands for no time-out. 0 stands for one that is not known: no transport takes a time-out of 0.
    const NONE: u64 = u64::MAX;

    fn set(
        &self,
        timeout: Option<Duration>,
        apply: impl FnOnce(Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        let timeout = timeout.map(|timeout| timeout.max(SHORTEST_TIMEOUT));
        let number = timeout.map_or(Self::NONE, |timeout| {
            u64::try_from(timeout.as_nanos()).unwrap_or(Self::NONE - 1)
        });
        if self.0.load(Ordering::Relaxed) != number {
            apply(timeout)?;
            self.0.store(number, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// One buffer is the rule, and the system's call for it is the quicker one.
fn read(transport: &dyn Transport, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let most = slices.iter().map(|slice| slice.len()).sum();
    let length = match slices {
        [slice] => transport.read(slice),
        slices => transport.read_vectored(slices),
    };
    at_most(most, length?)
}

fn write(transport: &dyn Transport, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let most = slices.iter().map(|slice| slice.len()).sum();
    let length = match slices {
        [slice, rest @ ..] if rest.iter().all(|slice| slice.is_empty()) => transport.write(slice),
        slices => transport.write_vectored(slices),
    };
    at_most(most, length?)
}

/// A transport that claims to have moved more bytes than there are is mistaken about which ones, too.
fn at_most(most: usize, length: usize) -> io::Result<usize> {
    if length > most {
        let problem = "the connection's stream moved more bytes than it was given";
        return Err(io::Error::other(problem));
    }
    Ok(length)
}

fn peer_does_not_read() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "the peer does not take what is sent to it",
    )
}
