//! Writing: one thread at a time has the right to write what all of them have queued.

use super::Link;
use super::core::{Core, Queue};
use crate::net::error::{Error, Result};
use crate::net::output::{Flight, Patience, Step};
use crate::net::pace::Pace;
use crate::net::tap::Direction;
use std::io::IoSlice;
use std::sync::MutexGuard;
use std::time::Instant;

impl Link {
    /// Waits for room in the queue, puts something into it, and writes what is queued.
    pub(in crate::net) fn send(&self, length: usize, queue: impl Queue) -> Result<()> {
        let mut core = self.await_room()?;
        core.queue(length, queue)?;
        self.flush_from(core, Patience::Wait)?.sent()
    }

    /// The same without waiting for the peer. Refuses what there is no room for, unless nothing else is
    /// queued: then any length passes.
    pub(in crate::net) fn send_now(&self, length: usize, queue: impl Queue) -> Result<()> {
        let mut core = self.core();
        let backlog = core.connection.output_length();
        let is_full = backlog > 0 && backlog + length > self.max_backlog;
        // If the connection is closing or closed, `queue` fails and says so.
        if is_full && core.connection.is_open() {
            return Err(Error::Backlogged);
        }
        core.queue(length, queue)?;
        self.flush_from(core, Patience::Now)?.sent()
    }

    /// Waits for room in the queue and puts something into it, to be written by the next flush or wait.
    /// A queue of more than `max_queued` bytes is written at once.
    pub(in crate::net) fn feed(
        &self,
        max_queued: usize,
        length: usize,
        queue: impl Queue,
    ) -> Result<()> {
        let mut core = self.await_room()?;
        core.queue(length, queue)?;
        if core.connection.output_length() > max_queued {
            return self.flush_from(core, Patience::Wait)?.sent();
        }
        Ok(())
    }

    /// Writes what is queued, unless another thread is writing: then that one writes this as well. Ends
    /// our side of the TCP connection when it is time.
    pub(in crate::net) fn flush(&self, patience: Patience) -> Result<()> {
        self.flush_from(self.core(), patience).map(drop)
    }

    pub(super) fn flush_from<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        patience: Patience,
    ) -> Result<MutexGuard<'a, Core>> {
        while !core.claim_output(patience) {
            if patience == Patience::Now || core.output.writer() == Some(Patience::Wait) {
                return Ok(core);
            }
            // This very thread is writing, and goes on when its tap has returned.
            if self.tapped.calls_while_sending() {
                return Ok(core);
            }
            // The thread that is writing does not wait for the peer, so it may leave some unwritten.
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
        let mut now = Instant::now();
        loop {
            match core.next_step(now) {
                Step::Write(mut flight, mut pace) => {
                    drop(core);
                    // A failed write has cut the connection, which takes the right back.
                    let written = self.write(&mut flight, &mut pace, patience)?;
                    now = Instant::now();
                    if let Some(length) = written {
                        pace.moved(length, now);
                    }
                    core = self.core();
                    core.output.wrote(flight, pace, written.unwrap_or(0));
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
    fn write(
        &self,
        flight: &mut Flight,
        pace: &mut Pace,
        patience: Patience,
    ) -> Result<Option<usize>> {
        if flight.begin() {
            self.tapped
                .pass(Direction::Sent, flight.unwritten())
                .map_err(|panicked| self.lost(panicked))?;
            pace.begin(Instant::now());
        }
        let slices = flight.unwritten().map(IoSlice::new);
        let written = match patience {
            Patience::Wait => self.stream.write_until(&slices, pace.late_at()).map(Some),
            Patience::Now => self.stream.write_now_until(&slices, pace.late_at()),
        };
        written.map_err(|error| self.lost(error))
    }

    /// Waits until no more than the allowed backlog is queued, or nothing can be queued any more.
    fn await_room(&self) -> Result<MutexGuard<'_, Core>> {
        let mut core = self.core();
        loop {
            if core.take_over_output() {
                core = self.write_from(core, Patience::Wait)?;
            } else if !core.is_full(self.max_backlog) {
                return Ok(core);
            } else if core.output.writer().is_none() {
                core = self.flush_from(core, Patience::Wait)?;
            } else if self.tapped.calls_while_sending() {
                return Err(Error::Backlogged);
            } else {
                core.waiting_for_room += 1;
                core = self.wait_for_change(core, None);
                core.waiting_for_room -= 1;
            }
        }
    }
}
