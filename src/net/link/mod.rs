//! One connection, shared by the threads that use it: one lock, and two rights.
//!
//! The lock guards everything that is known of the connection ([`Core`]). No thread holds it while it
//! waits for the peer, or while it runs the user's code. Work that may take long needs a right, which
//! one thread at a time takes under the lock:
//!
//! | the right | which thread has it | what it may do |
//! |---|---|---|
//! | to read | the one that took [`Core::read_buffer`] out | wait for input |
//! | to write | the one that [`Output`](super::output::Output) gave it to | wait for the peer to take output |
//!
//! A thread that has something to send puts it into the connection's output, and then writes, or
//! leaves that to the thread that is writing already. So frames never interleave, and one thread can read
//! while another waits for a slow peer to take output.

mod care;
mod core;
#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod peer;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

pub(super) use self::core::{Queue, Waited};

use self::core::Core;
use super::budget::Share;
use super::error::{Error, Result};
use super::keepalive::Pong;
use super::limits::Limits;
use super::output::Patience;
use super::stream::Stream;
use super::tap::Tapped;
use super::words::said_of;
use crate::protocol::close::CloseReason;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::{Connection, Misuse, Traffic};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Link {
    stream: Arc<Stream>,
    core: Mutex<Core>,
    /// Notified when a right is given back, room is made or the connection ends, if threads wait for that.
    changed: Condvar,
    /// Most bytes that may wait to be written before those who send have to wait as well.
    max_backlog: usize,
    tapped: Tapped,
    #[cfg(test)]
    acquired: std::sync::atomic::AtomicUsize,
}

impl Link {
    /// Takes a stream that was [prepared](Stream::prepare), and what arrived together with the head of
    /// the handshake, which the tap has been shown already.
    pub(super) fn new(
        stream: Arc<Stream>,
        connection: Connection,
        limits: &Limits,
        share: Share,
        after_head: &[u8],
        tapped: Tapped,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream,
            core: Mutex::new(Core::new(connection, limits, share, after_head)),
            changed: Condvar::new(),
            max_backlog: limits.max_backlog,
            tapped,
            #[cfg(test)]
            acquired: Default::default(),
        })
    }

    // Questions about a connection.

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.core().connection.close_reason().cloned()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.core().connection.traffic()
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.core().round_trip
    }

    /// Sends a ping of the caller's, as `send` does, and waits for its pong from then on.
    pub(super) fn ping(&self, payload: &[u8], send: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = self.core().keepalive.own_ping(payload, Instant::now());
        let sent = send();
        if sent.is_err() {
            let mut core = self.core();
            core.keepalive.own_ping_failed(payload, before);
        }
        sent
    }

    pub(super) fn last_pong(&self) -> Option<Pong> {
        self.core().keepalive.last_pong().cloned()
    }

    /// Bytes queued and not yet being written.
    pub(super) fn backlog(&self) -> usize {
        self.core().connection.output_length()
    }

    // Ending.

    /// Queues a Close and starts its deadline.
    pub(super) fn close(
        &self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> std::result::Result<(), Misuse> {
        // Before the lock: this conversion may be the user's code.
        let code = code.into();
        let mut core = self.core();
        core.connection.close(code, reason)?;
        core.settle();
        core.begin_close();
        Ok(())
    }

    /// Sees the closing handshake through and the TCP connection to its end (§7.1.1), until the close
    /// deadline. Only the first call does so.
    pub(super) fn finish(&self) {
        let mut core = self.core();
        if std::mem::replace(&mut core.is_ending, true) {
            return;
        }
        core.begin_close();
        // 1. The deadline is known when all has left. A write that fails has ended the connection.
        drop(self.flush_from(core, Patience::Wait));
        // 2. The peer's Close.
        let mut deadline = self.core().output.close_deadline();
        loop {
            match self.receive(deadline) {
                Ok(Waited::Message(_)) => {}
                // A message was refused; the Close for that is as good as any.
                Err(_) if !self.core().connection.is_closed() => {}
                // It has moved, because another thread went on writing.
                Ok(Waited::TimedOut) if self.core().output.close_deadline() > deadline => {}
                _ => break,
            }
            deadline = self.core().output.close_deadline();
        }
        // 3. The end of our side, and the peer's.
        let mut core = self.core();
        if !core.connection.is_closed() {
            self.stream.give_up();
        }
        core.receive_eof();
        drop(self.flush_from(core, Patience::Wait));
        if let Some(deadline) = deadline {
            self.stream.drain(deadline);
            self.stream.answer_end();
        }
        self.stream.cut();
    }

    /// Ends the connection as if it were lost. Threads that wait on it are woken.
    pub(super) fn cut(&self) {
        self.lose(&mut self.core());
    }

    /// The same for a reason that those who receive are told.
    fn fail(&self, core: &mut Core, error: io::Error) {
        core.inbox.fail(said_of("the connection", error).into());
        self.lose(core);
    }

    /// The same for a reason that the caller is told. After a failed write, half a frame may be lost: nothing
    /// more is read or sent.
    fn lost(&self, error: io::Error) -> Error {
        self.cut();
        said_of("the connection", error).into()
    }

    fn lose(&self, core: &mut Core) {
        core.lose();
        self.tell(core);
        self.stream.cut();
    }

    // The lock.

    fn core(&self) -> MutexGuard<'_, Core> {
        #[cfg(test)]
        self.acquired
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // A thread panics under the lock only if the source of masking keys fails. The others go on
        // with the connection as it stands.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a right is given back, room is made or the connection ends, at most until `deadline`.
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

    /// Wakes the threads that wait for a change. If there are none, it makes no system call.
    fn tell(&self, core: &Core) {
        if core.waiting > 0 {
            self.changed.notify_all();
        }
    }
}
