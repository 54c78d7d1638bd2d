//! Reading: a message that is there already, or the wait for one.

use super::Link;
use super::core::{Core, Waited};
use crate::net::deadline::{has_heard, is_passing};
use crate::net::error::Result;
use crate::net::output::Patience;
use crate::net::read_buffer::ReadBuffer;
use crate::net::stream::Stream;
use crate::net::tap::Direction;
use std::io::{self, IoSliceMut};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

/// How long a caller that has no time waits for another thread that has the right to read. The
/// caretaker's look takes less, and may find the message that is asked for.
const LOOK: Duration = Duration::from_millis(10);

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
        let mut has_read = false;
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
            if core.read_buffer.is_none() {
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
            let now = Instant::now();
            let has_time = deadline.is_none_or(|deadline| now < deadline);
            if has_read && !has_time {
                return Ok(Waited::TimedOut);
            }
            // 5. More input.
            core = if has_time {
                self.wait(core, now, deadline)
            } else {
                self.look(core, now)
            };
            has_read = true;
            has_flushed = false;
        }
    }

    /// Waits for input, at most until `deadline`. All that was read before must be decoded.
    fn wait<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        now: Instant,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, Core> {
        core.release_read_buffer(now);
        let timeout = core.read_timeout(now, deadline);
        self.read(core, now, |stream, slices| stream.read(slices, timeout))
    }

    /// Takes what has arrived, without waiting for more. All that was read before must be decoded.
    pub(super) fn look<'a>(
        &'a self,
        core: MutexGuard<'a, Core>,
        now: Instant,
    ) -> MutexGuard<'a, Core> {
        self.read(core, now, Stream::read_now)
    }

    /// Reads once, with the right to read and without the lock, from `began` on, and notes what that came to.
    fn read<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        began: Instant,
        read: impl FnOnce(&Stream, &mut [IoSliceMut<'_>]) -> io::Result<usize>,
    ) -> MutexGuard<'a, Core> {
        let Some(mut buffer) = core.lend_buffer() else {
            // Another thread is reading.
            return core;
        };
        core.incoming.reads(began);
        drop(core);
        let (landing, rest) = buffer.room();
        let most = landing.len() + rest.len();
        let read = match landing {
            [] => read(&self.stream, &mut [IoSliceMut::new(rest)]),
            landing => read(&self.stream, &mut [landing, rest].map(IoSliceMut::new)),
        };
        let ended = Instant::now();
        let mut core = self.core();
        match read {
            Ok(0) => core.receive_eof(),
            Ok(length) => {
                buffer.received(length);
                core.keepalive.received(ended);
                core.incoming.has_read(length < most, ended);
                core = self.show(core, &mut buffer);
            }
            Err(error) if is_passing(&error) => {
                if has_heard(&error) {
                    core.keepalive.received(ended);
                }
                core.incoming.has_read(true, ended);
            }
            // It was cut meanwhile, and the system tells of that as it likes.
            Err(_) if core.connection.is_closed() => {}
            Err(error) => self.fail(&mut core, error),
        }
        core.take_back(buffer);
        self.tell(&core);
        core
    }

    /// Shows what was read to the tap, without the lock.
    fn show<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        buffer: &mut ReadBuffer,
    ) -> MutexGuard<'a, Core> {
        if !self.tapped.is_tapped() {
            return core;
        }
        core.is_showing = true;
        drop(core);
        let shown = self.tapped.pass(Direction::Received, buffer.parts());
        let mut core = self.core();
        core.is_showing = false;
        if let Err(panicked) = shown {
            self.fail(&mut core, panicked);
        }
        core
    }
}
