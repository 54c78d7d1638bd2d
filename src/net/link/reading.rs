//! Reading: a message that is there already, or the wait for one.

use super::Link;
use super::core::{Core, Reader, Waited};
use crate::net::deadline::is_passing;
use crate::net::error::Result;
use crate::net::keepalive::Silence;
use crate::net::output::Patience;
use crate::net::stream::Stream;
use crate::net::tap::Direction;
use crate::protocol::close_code::CloseCode;
use std::io::{self, IoSliceMut};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

/// How long a caller that has no time waits for another thread that has the right to read. The
/// caretaker's look takes less, and may find the message that is asked for.
const LOOK: Duration = Duration::from_millis(10);

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
    /// It goes on, and must be judged again at that time, if at all.
    Until(Option<Instant>),
    /// There is input, or the connection has ended.
    No,
}

impl Link {
    /// Waits for the next message until `deadline`; without one, as long as it takes. Even when the
    /// deadline has passed already, it reads once what has arrived: a caller that always polls with a
    /// time of zero must still hear its peer.
    pub(in crate::net) fn receive(&self, deadline: Option<Instant>) -> Result<Waited> {
        let reader_deadline = deadline.map(|deadline| deadline.max(Instant::now() + LOOK));
        // A caller whose time is limited does not wait for its peer to read: what that does not take at
        // once, the caretaker writes.
        let patience = deadline.map_or(Patience::Wait, |_| Patience::Now);
        let mut has_flushed = false;
        let mut is_late = false;
        let mut core = self.core();
        loop {
            core.is_attended = true;
            // 1. A message that is there already.
            match core.next_message() {
                Ok(Some(message)) => return Ok(Waited::Message(message)),
                Ok(None) => {}
                Err(error) => {
                    // A Close that tells the peer which rule it broke is still to be written. If that
                    // fails, the caller is told of the broken rule all the same.
                    drop(self.flush_from(core, patience));
                    return Err(error);
                }
            }
            // 2. What is still to be written. The reply to a Close must leave before the end is reported.
            if core.needs_writer() && !has_flushed && !self.tapped.calls_while_sending() {
                has_flushed = patience == Patience::Now;
                core = self.flush_from(core, patience)?;
                continue;
            }
            // 3. The right to read, which one thread has at a time.
            if core.reader.is_none() {
                if reader_deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                    return Ok(Waited::TimedOut);
                }
                core = self.wait_for_change(core, reader_deadline);
                continue;
            }
            // 4. The end of the connection, or of the caller's time.
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
            has_flushed = false;
            if waited? == Wait::TimedOut {
                return Ok(Waited::TimedOut);
            }
        }
    }

    /// Reads with the right to read, and without the lock.
    fn read<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        read: impl FnOnce(&mut Reader) -> Result<Wait>,
    ) -> (Result<Wait>, MutexGuard<'a, Core>) {
        let Some(mut reader) = core.lend_reader() else {
            // Another thread is reading.
            return (Ok(Wait::Over), core);
        };
        drop(core);
        let waited = read(&mut reader);
        let mut core = self.core();
        core.take_back(reader);
        self.tell(&core);
        (waited, core)
    }

    /// Waits for input until `deadline`. All that was read before must be decoded.
    fn wait(&self, reader: &mut Reader, deadline: Option<Instant>) -> Result<Wait> {
        loop {
            self.judge_message(reader)?;
            let now = Instant::now();
            let silence = match self.judge_silence(reader, now)? {
                Quiet::Until(silence) => silence,
                Quiet::No => return Ok(Wait::Over),
            };
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(Wait::TimedOut);
            }
            reader
                .buffer
                .release_memory(now, reader.keepalive.last_received());
            let timeout = reader.timeout(now, deadline, silence);
            let found =
                self.read_once(reader, now, |stream, slices| stream.read(slices, timeout))?;
            if found {
                return Ok(Wait::Over);
            }
        }
    }

    /// Takes what has arrived, or judges the silence, without waiting. All that was read before must
    /// be decoded.
    fn look(&self, reader: &mut Reader) -> Result<()> {
        self.judge_message(reader)?;
        self.read_now(reader)?;
        if reader.buffer.is_empty() {
            self.judge_silence(reader, Instant::now())?;
        }
        Ok(())
    }

    /// Takes what has arrived, without waiting for more.
    fn read_now(&self, reader: &mut Reader) -> Result<()> {
        self.read_once(reader, Instant::now(), Stream::read_now)
            .map(drop)
    }

    /// Reads once, and returns whether there was something, or the end.
    fn read_once(
        &self,
        reader: &mut Reader,
        now: Instant,
        read: impl FnOnce(&Stream, &mut [IoSliceMut<'_>]) -> io::Result<usize>,
    ) -> Result<bool> {
        reader.incoming.reads(now);
        let (landing, buffer) = reader.buffer.room();
        let most = landing.len() + buffer.len();
        let read = match landing {
            [] => read(&self.stream, &mut [IoSliceMut::new(buffer)]),
            landing => {
                let slices = &mut [landing, buffer].map(IoSliceMut::new);
                read(&self.stream, slices)
            }
        };
        let now = Instant::now();
        match read {
            Ok(0) => self.core().receive_eof(),
            Ok(length) => {
                reader.buffer.received(length);
                reader.keepalive.received(now);
                reader.incoming.has_read(length < most, now);
                self.pass(Direction::Received, reader.buffer.parts())?;
            }
            Err(error) if is_passing(&error) => {
                reader.incoming.has_read(true, now);
                return Ok(false);
            }
            Err(error) => return Err(self.lost(error)),
        }
        Ok(true)
    }

    /// Refuses a message that has begun and arrives too slowly, whatever else arrives, as long as that
    /// does not fill each read: more of the message may then be waiting after it. All that was read before
    /// must be decoded.
    fn judge_message(&self, reader: &mut Reader) -> Result<()> {
        if !reader.incoming.is_late() {
            return Ok(());
        }
        reader.incoming.stop();
        let mut core = self.core();
        // Once the closing handshake has begun, its deadline takes over.
        if !core.connection.is_open() {
            return Ok(());
        }
        let reason = "the message arrives too slowly";
        core.connection.refuse_messages(CloseCode::POLICY, reason);
        core.settle();
        core.begin_close();
        drop(self.flush_from(core, Patience::Now)?);
        Err(io::Error::new(io::ErrorKind::TimedOut, reason).into())
    }

    /// Sends the ping that a peer's silence calls for, and gives up a peer that stays silent after it.
    /// All that was read before must be decoded.
    fn judge_silence(&self, reader: &mut Reader, mut now: Instant) -> Result<Quiet> {
        loop {
            let awaits_answer = reader.keepalive.awaits_answer();
            let arrival = awaits_answer.then(|| self.core().arrival(now)).flatten();
            match reader.keepalive.poll(now, arrival) {
                Silence::Fine(until) => return Ok(Quiet::Until(until)),
                Silence::Look => {
                    self.read_now(reader)?;
                    let core = self.core();
                    if !reader.buffer.is_empty() || core.connection.is_closed() {
                        return Ok(Quiet::No);
                    }
                    // Once the closing handshake has begun, its deadline takes over.
                    if core.output.close_deadline().is_some() {
                        reader.keepalive.stop();
                    }
                }
                Silence::Ping(payload) => {
                    let mut core = self.core();
                    // This fails only if another thread has just closed the connection.
                    let _ = core.connection.ping(payload);
                    // If the peer does not take it at once, the caretaker writes it. Whoever reads must
                    // not wait for the peer to read.
                    drop(self.flush_from(core, Patience::Now)?);
                }
                Silence::Dead => {
                    let error = io::Error::new(io::ErrorKind::TimedOut, "the peer is silent");
                    return Err(self.lost(error));
                }
            }
            now = Instant::now();
        }
    }

    /// Decodes what has arrived, as long as not too much waits for the connection's own thread.
    pub(super) fn read_ahead<'a>(&'a self, mut core: MutexGuard<'a, Core>) -> MutexGuard<'a, Core> {
        core.decode_ahead();
        // With a full inbox nothing more is read. Silence is not judged then either: the peer may be
        // sending what is not read.
        if !core.may_read_ahead() {
            return core;
        }
        // One read only: a peer that never stops sending must not keep the caretaker busy.
        let (looked, mut core) = self.read(core, |reader| self.look(reader).map(|()| Wait::Over));
        match looked {
            Ok(_) => core.decode_ahead(),
            Err(error) => core.inbox.fail(error),
        }
        core
    }
}
