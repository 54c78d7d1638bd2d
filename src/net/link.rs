//! One connection, shared by the threads that use it: one lock, and two rights.
//!
//! The lock guards everything that is known of the connection ([`Core`]). It is never held while a
//! thread waits for the peer, nor while code of the user's runs. What takes long needs a right, which
//! the lock hands out to one thread at a time:
//!
//! | the right | who has it | may |
//! |---|---|---|
//! | to read | the thread that took [`Core::reader`] out | wait for input |
//! | to write | the thread that [`Output::claim`] gave it to | wait for the peer to take output |
//!
//! A thread that has something to send puts it into the connection's output, and then writes, or
//! leaves that to the thread that is writing already. So frames never interleave, and a thread that only
//! reads does not wait for a slow peer.

use super::deadline::{deadline_in, is_passing, is_timeout};
use super::error::{Error, Result};
use super::inbox::Inbox;
use super::keepalive::{Keepalive, Silence};
use super::limits::Limits;
use super::output::{Flight, Output, Patience, Step};
use super::read_buffer::{QUIET, ReadBuffer};
use super::stream::{Stream, peer_does_not_read};
use super::tap::{Direction, Tap, Tapped};
use crate::protocol::close::CloseReason;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::{Connection, Event, Misuse, Traffic};
use crate::protocol::message::Message;
use crate::protocol::rule::Rule;
use std::io::{self, IoSlice};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Link {
    stream: Arc<Stream>,
    limits: Limits,
    core: Mutex<Core>,
    /// Told when a right is given back, or room is made, while threads wait for that.
    changed: Condvar,
    tapped: Tapped,
    #[cfg(test)]
    acquired: std::sync::atomic::AtomicUsize,
}

/// What is known of a connection.
#[derive(Debug)]
struct Core {
    connection: Connection,
    output: Output,
    /// Absent while a thread reads.
    reader: Option<Box<Reader>>,
    inbox: Inbox,
    /// Whether the connection's own thread has received since the caretaker's last visit.
    is_attended: bool,
    round_trip: Option<Duration>,
    /// Whether the connection is being seen to its end.
    is_ending: bool,
    /// Threads that wait for a right or for room, and those of them that wait for room.
    waiting: usize,
    waiting_for_room: usize,
}

/// What a thread needs to read.
#[derive(Debug)]
struct Reader {
    buffer: ReadBuffer,
    keepalive: Keepalive,
}

/// How a wait for the next message ended.
#[derive(Debug)]
pub(super) enum Waited {
    Message(Message),
    /// The deadline passed first.
    TimedOut,
    Ended,
}

/// How a wait for input ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// There is input, or the connection has ended.
    Over,
    /// The deadline passed first.
    TimedOut,
}

/// What a peer's silence has come to.
enum Quiet {
    /// It goes on, and is to be judged again then, if at all.
    Until(Option<Instant>),
    /// There is input, or the connection has ended.
    No,
}

impl Link {
    /// Takes a stream that was [prepared](Stream::prepare), and what arrived together with the head of
    /// the handshake.
    pub(super) fn new(
        stream: Arc<Stream>,
        connection: Connection,
        limits: Limits,
        after_head: &[u8],
        tap: Option<Tap>,
    ) -> Self {
        let keepalive = Keepalive::new(limits.ping_after, limits.pong_timeout, Instant::now());
        let core = Core {
            connection,
            output: Output::default(),
            reader: Some(Box::new(Reader {
                buffer: ReadBuffer::new(after_head),
                keepalive,
            })),
            inbox: Inbox::default(),
            is_attended: true,
            round_trip: None,
            is_ending: false,
            waiting: 0,
            waiting_for_room: 0,
        };
        let link = Self {
            stream,
            limits,
            core: Mutex::new(core),
            changed: Condvar::new(),
            tapped: Tapped::new(tap),
            #[cfg(test)]
            acquired: Default::default(),
        };
        if link.tapped.pass(Direction::Received, after_head).is_err() {
            link.cut();
        }
        link
    }

    // What is asked of a connection.

    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.core().connection.close_reason().cloned()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.core().connection.traffic()
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.core().round_trip
    }

    /// Bytes queued and not yet being written.
    pub(super) fn backlog(&self) -> usize {
        self.core().connection.output_length()
    }

    // Receiving.

    /// Waits for the next message until `deadline`; without one, as long as it takes. The socket is
    /// looked at once even when the deadline has passed already, or a caller that never has time would
    /// never hear its peer.
    pub(super) fn receive(&self, deadline: Option<Instant>) -> Result<Waited> {
        let mut is_late = false;
        let mut core = self.core();
        loop {
            // 1. One thread reads at a time.
            match self.await_reader(core, deadline) {
                Some(with_reader) => core = with_reader,
                None => return Ok(Waited::TimedOut),
            }
            core.is_attended = true;
            // 2. A message that is there already.
            match core.next_message() {
                Ok(Some(message)) => return Ok(Waited::Message(message)),
                Ok(None) => {}
                Err(error) => {
                    // What the peer did matters more to the caller than whether it could be told.
                    drop(self.flush_from(core, Patience::Wait));
                    return Err(error);
                }
            }
            // 3. What is to be written: the reply to a Close, too, before the end is told.
            if core.needs_writer() {
                core = self.flush_from(core, Patience::Wait)?;
                continue;
            }
            // 4. The end, or the end of the time.
            if core.connection.is_closed() {
                return Ok(Waited::Ended);
            }
            if is_late {
                return Ok(Waited::TimedOut);
            }
            // 5. More input.
            is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            let (waited, again) = self.read(core, |reader| match deadline {
                Some(_) if is_late => self.look(reader).map(|()| Wait::Over),
                _ => self.wait(reader, deadline),
            });
            core = again;
            if waited? == Wait::TimedOut {
                return Ok(Waited::TimedOut);
            }
        }
    }

    /// Waits for the right to read. `None`: it was not to be had before the deadline.
    fn await_reader<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        deadline: Option<Instant>,
    ) -> Option<MutexGuard<'a, Core>> {
        while core.reader.is_none() {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return None;
            }
            core = self.wait_for_change(core, deadline);
        }
        Some(core)
    }

    /// Reads with the right to read, and without the lock.
    fn read<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        read: impl FnOnce(&mut Reader) -> Result<Wait>,
    ) -> (Result<Wait>, MutexGuard<'a, Core>) {
        let Some(mut reader) = core.reader.take() else {
            // Another thread is reading.
            return (Ok(Wait::Over), core);
        };
        drop(core);
        let waited = read(&mut reader);
        let mut core = self.core();
        core.reader = Some(reader);
        self.tell(&core);
        (waited, core)
    }

    /// Waits for input until `deadline`. All that was read before must be decoded.
    fn wait(&self, reader: &mut Reader, deadline: Option<Instant>) -> Result<Wait> {
        loop {
            let silence = match self.judge_silence(reader, Patience::Wait)? {
                Quiet::Until(silence) => silence,
                Quiet::No => return Ok(Wait::Over),
            };
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(Wait::TimedOut);
            }
            self.release_memory(reader, now);
            let timeout = reader.timeout(now, deadline, silence);
            match self.stream.read(reader.buffer.room(), timeout) {
                Err(error) if is_passing(&error) => {}
                read => return self.received(reader, read).map(|()| Wait::Over),
            }
        }
    }

    /// Takes what has arrived, or judges the silence, without waiting. All that was read before must
    /// be decoded.
    fn look(&self, reader: &mut Reader) -> Result<()> {
        self.read_now(reader)?;
        if reader.buffer.is_empty() {
            self.judge_silence(reader, Patience::Now)?;
        }
        Ok(())
    }

    /// Takes what has arrived, without waiting for more.
    fn read_now(&self, reader: &mut Reader) -> Result<()> {
        match self.stream.read_now(reader.buffer.room()) {
            Err(error) if is_passing(&error) => Ok(()),
            read => self.received(reader, read),
        }
    }

    fn received(&self, reader: &mut Reader, read: io::Result<usize>) -> Result<()> {
        match read {
            Ok(0) => self.core().connection.receive_eof(),
            Ok(length) => {
                reader.buffer.received(length);
                reader.keepalive.received(Instant::now());
                self.pass(Direction::Received, reader.buffer.undecoded())?;
            }
            Err(error) => return Err(self.lost(error)),
        }
        Ok(())
    }

    /// Sends the ping that a peer's silence calls for, and gives up a peer that stays silent then. All
    /// that was read before must be decoded.
    fn judge_silence(&self, reader: &mut Reader, patience: Patience) -> Result<Quiet> {
        loop {
            let is_unsent = reader.keepalive.awaits_answer() && self.core().is_unsent();
            match reader.keepalive.poll(Instant::now(), is_unsent) {
                Silence::Fine(until) => return Ok(Quiet::Until(until)),
                Silence::Look => {
                    self.read_now(reader)?;
                    let core = self.core();
                    if !reader.buffer.is_empty() || core.connection.is_closed() {
                        return Ok(Quiet::No);
                    }
                    // Once the closing handshake has begun, its deadline takes over.
                    if core.output.close_deadline().is_some() {
                        return Ok(Quiet::Until(None));
                    }
                }
                Silence::Ping(payload) => {
                    let mut core = self.core();
                    // It cannot be sent only if another thread has closed just now.
                    let _ = core.connection.ping(payload);
                    drop(self.flush_from(core, patience)?);
                }
                Silence::Dead => {
                    let error = io::Error::new(io::ErrorKind::TimedOut, "the peer is silent");
                    return Err(self.lost(error));
                }
            }
        }
    }

    /// Gives memory back that large messages took, once the peer has been quiet for a while.
    fn release_memory(&self, reader: &mut Reader, now: Instant) {
        let last_received = reader.keepalive.last_received();
        if reader.buffer.release_memory(now, last_received) {
            let mut core = self.core();
            core.connection.rest();
            core.output.release_memory();
        }
    }

    // Sending.

    /// Waits for room in the queue, puts something into it, and writes what is queued.
    pub(super) fn send(&self, queue: impl Queue) -> Result<()> {
        let mut core = self.await_room()?;
        queue(&mut core.connection)?;
        self.flush_from(core, Patience::Wait).map(drop)
    }

    /// The same without waiting for the peer. Refuses what there is no room for, unless nothing else is
    /// queued: then any length passes.
    pub(super) fn send_now(&self, length: usize, queue: impl Queue) -> Result<()> {
        let mut core = self.core();
        let backlog = core.connection.output_length();
        let is_full = backlog > 0 && backlog + length > self.limits.max_backlog;
        // After the end `queue` says that it is too late.
        if is_full && core.connection.is_open() {
            return Err(Error::Backlogged);
        }
        queue(&mut core.connection)?;
        self.flush_from(core, Patience::Now).map(drop)
    }

    /// Waits for room in the queue and puts something into it, to be written by the next flush or wait.
    /// A queue of more than `max_queued` bytes is written at once.
    pub(super) fn feed(&self, max_queued: usize, queue: impl Queue) -> Result<()> {
        let mut core = self.await_room()?;
        queue(&mut core.connection)?;
        if core.connection.output_length() > max_queued {
            drop(self.flush_from(core, Patience::Wait)?);
        }
        Ok(())
    }

    /// Writes what is queued, unless another thread is writing: that one takes it along. Ends our side
    /// of the TCP connection when it is time.
    pub(super) fn flush(&self, patience: Patience) -> Result<()> {
        self.flush_from(self.core(), patience).map(drop)
    }

    fn flush_from<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        patience: Patience,
    ) -> Result<MutexGuard<'a, Core>> {
        while !core.claim_output(patience) {
            if patience == Patience::Now || core.output.writer() == Some(Patience::Wait) {
                return Ok(core);
            }
            // A thread that does not wait for the peer is writing, and may leave something behind.
            core = self.wait_for_change(core, None);
        }
        self.write_from(core, patience)
    }

    /// Writes what is queued, with the right to write, and gives that right back.
    fn write_from<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        patience: Patience,
    ) -> Result<MutexGuard<'a, Core>> {
        loop {
            match core.next_step() {
                Step::Write(mut flight) => {
                    drop(core);
                    // A failure cuts the connection, and so ends the right to write to it.
                    let written = self.write(&mut flight, patience)?;
                    core = self.core();
                    core.output.wrote(flight, written.unwrap_or(0));
                    if written.is_none() {
                        break;
                    }
                }
                Step::EndOutput => drop(self.stream.end_output()),
                Step::Nothing => break,
            }
            self.tell(&core);
            if core.waiting_for_room > 0 && core.hand_over() {
                return Ok(core);
            }
        }
        core.output.release();
        self.tell(&core);
        Ok(core)
    }

    /// Writes some of the flight once. `None`: an impatient write found no room.
    fn write(&self, flight: &mut Flight, patience: Patience) -> Result<Option<usize>> {
        if flight.is_new() {
            self.pass(Direction::Sent, flight.unwritten())?;
        }
        loop {
            let left = flight.time_left(Instant::now(), self.limits.write_timeout);
            let bytes = [IoSlice::new(flight.unwritten())];
            let written = match patience {
                Patience::Wait => self.stream.write(&bytes, left),
                Patience::Now => self.stream.write_now(&bytes),
            };
            match written {
                Ok(length) => return Ok(Some(length)),
                Err(error) if !is_passing(&error) => return Err(self.lost(error)),
                Err(_) if left.is_zero() => return Err(self.lost(peer_does_not_read())),
                Err(error) if patience == Patience::Now && is_timeout(&error) => return Ok(None),
                Err(_) => {}
            }
        }
    }

    /// Waits until no more than the allowed backlog is queued, or nothing can be queued any more.
    fn await_room(&self) -> Result<MutexGuard<'_, Core>> {
        let mut core = self.core();
        loop {
            if core.take_over_output() {
                core = self.write_from(core, Patience::Wait)?;
            } else if !core.is_full(self.limits.max_backlog) {
                return Ok(core);
            } else if core.output.writer().is_none() {
                core = self.flush_from(core, Patience::Wait)?;
            } else {
                core.waiting_for_room += 1;
                core = self.wait_for_change(core, None);
                core.waiting_for_room -= 1;
            }
        }
    }

    // Ending.

    /// Queues a Close and starts its deadline.
    pub(super) fn close(
        &self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> std::result::Result<(), Misuse> {
        let mut core = self.core();
        core.connection.close(code, reason)?;
        core.output.close_by(deadline_in(self.limits.close_timeout));
        Ok(())
    }

    /// Sees the closing handshake through and the TCP connection to its end (§7.1.1), all within the
    /// close deadline. Only the first call does so.
    pub(super) fn finish(&self) {
        let mut core = self.core();
        if std::mem::replace(&mut core.is_ending, true) {
            return;
        }
        let deadline = core.output.close_by(deadline_in(self.limits.close_timeout));
        drop(core);
        while let Ok(Waited::Message(_)) = self.receive(Some(deadline)) {}
        let mut core = self.core();
        core.connection.receive_eof();
        // A write that fails has ended the connection already.
        drop(self.flush_from(core, Patience::Wait));
        self.stream.drain(deadline);
        self.stream.cut();
    }

    /// Ends the connection as if it were lost. Threads that wait on it are woken.
    pub(super) fn cut(&self) {
        let mut core = self.core();
        core.connection.receive_eof();
        core.output.end();
        self.tell(&core);
        drop(core);
        self.stream.cut();
    }

    /// After a failed read or write a frame may be torn: nothing more is read or sent.
    fn lost(&self, error: io::Error) -> Error {
        self.cut();
        error.into()
    }

    /// Shows bytes to the tap, which ends the connection if it panics.
    fn pass(&self, direction: Direction, bytes: &[u8]) -> Result<()> {
        self.tapped
            .pass(direction, bytes)
            .map_err(|panicked| self.lost(io::Error::other(panicked)))
    }

    // What the caretaker does.

    /// Does what is due while the connection's own thread is busy elsewhere: answers pings and Closes,
    /// judges silence, goes on writing to a slow peer.
    pub(super) fn service(&self) {
        let mut core = self.core();
        if core.has_overrun_close(Instant::now()) {
            drop(core);
            return self.cut();
        }
        // A thread that has just received will be back soon, and what it is about to send belongs
        // ahead of the reply to a Close.
        let is_attended = core.reader.is_some() && std::mem::take(&mut core.is_attended);
        if !is_attended && !core.has_stopped_reading() {
            core = self.read_ahead(core);
        }
        // What was merely fed waits for its thread; the rest does not.
        if core.is_urgent() {
            // A failure has ended the connection: its thread finds out.
            drop(self.flush_from(core, Patience::Now));
        }
    }

    /// Decodes what has arrived, as long as not too much waits for the connection's own thread.
    fn read_ahead<'a>(&'a self, mut core: MutexGuard<'a, Core>) -> MutexGuard<'a, Core> {
        core.decode_ahead();
        // With a full inbox nobody listens, and then nobody can tell silence.
        if core.inbox.is_full() || core.has_stopped_reading() {
            return core;
        }
        // Once: a peer that sends without an end must not keep the caretaker.
        let (looked, mut core) = self.read(core, |reader| self.look(reader).map(|()| Wait::Over));
        match looked {
            Ok(_) => core.decode_ahead(),
            Err(error) => core.inbox.fail(error),
        }
        core
    }

    // The lock.

    fn core(&self) -> MutexGuard<'_, Core> {
        #[cfg(test)]
        self.acquired
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Of what runs under the lock only the source of masking keys could panic, and it is asked
        // before anything is changed.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a right is given back, room is made or the connection ends, or until the deadline.
    fn wait_for_change<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, Core> {
        core.waiting += 1;
        let mut core = match deadline {
            None => self
                .changed
                .wait(core)
                .unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.changed
                    .wait_timeout(core, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        core.waiting -= 1;
        core
    }

    /// Wakes the threads that wait for a change. Without any it costs no system call.
    fn tell(&self, core: &Core) {
        if core.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

/// Puts something into a connection's output.
pub(super) trait Queue: FnOnce(&mut Connection) -> std::result::Result<(), Misuse> {}
impl<F: FnOnce(&mut Connection) -> std::result::Result<(), Misuse>> Queue for F {}

impl Reader {
    /// The time-out of a read: up to what comes first, the deadline, the next judgement of silence or
    /// the time to give memory back.
    fn timeout(
        &self,
        now: Instant,
        deadline: Option<Instant>,
        silence: Option<Instant>,
    ) -> Option<Duration> {
        let left = |until: Instant| until.saturating_duration_since(now);
        let quiet = self.buffer.is_large().then_some(QUIET);
        let timeouts = [
            deadline.map(left),
            silence.map(|until| roughly(left(until))),
            quiet,
        ];
        timeouts.into_iter().flatten().min()
    }
}

/// Rounds a time up by at most an eighth, so that it is often the one that the socket has already.
fn roughly(time: Duration) -> Duration {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let step = (nanoseconds / 8).next_power_of_two() / 2;
    let rounded = nanoseconds.checked_next_multiple_of(step.max(1));
    Duration::from_nanos(rounded.unwrap_or(nanoseconds))
}

impl Core {
    /// The next message, read ahead or among the bytes that were read; control frames before it are
    /// dealt with.
    fn next_message(&mut self) -> Result<Option<Message>> {
        match self.inbox.take()? {
            Some(message) => Ok(Some(message)),
            None => Ok(self.decode()?),
        }
    }

    fn decode(&mut self) -> std::result::Result<Option<Message>, Rule> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        loop {
            let (used, event) = self.connection.receive(reader.buffer.undecoded())?;
            reader.buffer.decoded(used);
            match event {
                Some(Event::Message(message)) => return Ok(Some(message)),
                Some(Event::Pong(payload)) => {
                    let round_trip = reader.keepalive.pong(&payload, Instant::now());
                    self.round_trip = round_trip.or(self.round_trip);
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Moves messages into the inbox until that is full or no whole message is left.
    fn decode_ahead(&mut self) {
        while !self.inbox.is_full() && !self.has_stopped_reading() {
            match self.decode() {
                Ok(Some(message)) => self.inbox.push(message),
                Ok(None) => return,
                Err(rule) => self.inbox.fail(rule.into()),
            }
        }
    }

    /// Whether there is nothing more to be read for the connection's own thread.
    fn has_stopped_reading(&self) -> bool {
        self.reader.is_none() || self.connection.is_closed() || self.inbox.has_failed()
    }

    fn is_full(&self, max_backlog: usize) -> bool {
        self.connection.is_open() && self.connection.output_length() > max_backlog
    }

    fn has_overrun_close(&self, now: Instant) -> bool {
        let deadline = self.output.close_deadline();
        deadline.is_some_and(|deadline| deadline <= now)
    }

    // The output's questions, which are about the connection as well.

    fn claim_output(&mut self, patience: Patience) -> bool {
        self.output.claim(patience, &self.connection)
    }

    fn take_over_output(&mut self) -> bool {
        self.output.take_over(&self.connection)
    }

    fn hand_over(&mut self) -> bool {
        self.output.hand_over(&self.connection)
    }

    fn next_step(&mut self) -> Step {
        self.output.next_step(&mut self.connection)
    }

    fn needs_writer(&self) -> bool {
        self.output.needs_writer(&self.connection)
    }

    fn is_unsent(&self) -> bool {
        self.output.is_unsent(&self.connection)
    }

    /// Whether something waits that must not wait for the connection's own thread.
    fn is_urgent(&self) -> bool {
        self.output.is_under_way() || self.connection.is_urgent()
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::Transport;
    use super::*;
    use std::collections::VecDeque;
    use std::net::Shutdown;
    use std::sync::atomic::Ordering;

    /// A peer that is not there: its reads are written down before, and what is sent is kept.
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

    const UNPOISONED: &str = "nobody panics with it";
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
        // Read back and decoded, sent, written, found to be no more.
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
}
