//! What the caretaker does for a connection: whatever is due while no other thread can do it.

use super::Link;
use super::core::Core;
use crate::net::keepalive::Silence;
use crate::net::output::Patience;
use crate::protocol::close_code::CloseCode;
use std::io;
use std::sync::MutexGuard;
use std::time::Instant;

impl Link {
    /// Answers pings and a Close while the connection's own thread is busy elsewhere, and goes on writing to
    /// a slow peer. Judges silence and messages that arrive too slowly, also for a thread that waits for
    /// them. Gives back memory that has not been used for a while.
    ///
    /// To be called often, and by one thread only.
    pub(in crate::net) fn service(&self) {
        let mut core = self.core();
        let now = Instant::now();
        if core.has_overrun_close(now) {
            return self.lose(&mut core);
        }
        core.release_at_rest(now);
        // A thread that has just received will soon do so again. What it sends until then must leave
        // before the reply to a Close.
        let is_attended = core.read_buffer.is_some() && std::mem::take(&mut core.is_attended);
        if !is_attended {
            core = self.read_ahead(core, now);
        }
        let mut has_pinged = false;
        if !core.connection.is_closed() {
            self.judge_message(&mut core, now);
            (core, has_pinged) = self.judge_silence(core, now);
        }
        // Messages that were only fed wait for the connection's own thread; other output does not.
        if has_pinged || core.is_urgent() {
            // If this fails, the connection has ended, and its own thread will find that out.
            drop(self.flush_from(core, Patience::Now));
        }
    }

    /// Decodes what has arrived, as long as not too much waits for the connection's own thread.
    fn read_ahead<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        now: Instant,
    ) -> MutexGuard<'a, Core> {
        core.decode_ahead();
        if core.may_read_ahead() {
            // One read only: a peer that never stops sending must not keep the caretaker busy.
            core = self.look(core, now);
            core.decode_ahead();
        }
        core
    }

    /// Refuses a message that has begun and arrives too slowly, whatever else arrives, as long as that
    /// does not fill each read: more of the message may then be waiting after it.
    fn judge_message(&self, core: &mut Core, now: Instant) {
        // What the tap is being shown may be the rest of it.
        if core.is_showing {
            return;
        }
        if core.incoming.is_late() {
            let reason = "the message arrives too slowly";
            core.connection.refuse_messages(CloseCode::POLICY, reason);
            core.settle();
            core.begin_close();
            let error = io::Error::new(io::ErrorKind::TimedOut, reason);
            core.inbox.fail(error.into());
        } else if core.read_buffer.is_none()
            && core.incoming.may_be_late(now)
            && self.has_input(core) != Some(true)
        {
            // Until the next round, the thread that reads can say what it has in hand.
            core.incoming.looked(now);
        }
    }

    /// Queues the ping that a peer's silence calls for, and returns whether it did. Gives up a peer that stays
    /// silent after it.
    fn judge_silence<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        now: Instant,
    ) -> (MutexGuard<'a, Core>, bool) {
        // What was read and found no room in the inbox would be lost with the connection.
        if core.has_undecoded() {
            return (core, false);
        }
        let awaits_answer = core.keepalive.awaits_answer();
        let arrival = awaits_answer.then(|| core.arrival(now)).flatten();
        match core.keepalive.poll(now, arrival) {
            Silence::Fine(_) => {}
            // If there is nothing, the next round judges. Until then, the thread that reads can say what it
            // has in hand.
            Silence::Look => match self.has_input(&mut core) {
                Some(true) => core.keepalive.received(now),
                Some(false) => {}
                // Only a read can tell. If a thread is in one, that one does.
                None => core = self.look(core, now),
            },
            Silence::Ping(payload) => {
                let has_pinged = core.connection.ping(payload).is_ok();
                core.settle();
                return (core, has_pinged);
            }
            Silence::Dead => {
                let error = io::Error::new(io::ErrorKind::TimedOut, "the peer is silent");
                self.fail(&mut core, error);
            }
        }
        (core, false)
    }

    /// Whether something waits to be read, or the end; `None` if only a read can tell. An error, of which whoever
    /// reads would not be told any more, ends the connection.
    fn has_input(&self, core: &mut Core) -> Option<bool> {
        let has_input = self.stream.has_input();
        has_input.unwrap_or_else(|error| {
            self.fail(core, error);
            Some(true)
        })
    }
}
