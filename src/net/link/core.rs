//! What is known of a connection, and the questions that can be answered from it without waiting.

use crate::net::budget::Share;
use crate::net::error::{Error, Result};
use crate::net::inbox::Inbox;
use crate::net::incoming::Incoming;
use crate::net::keepalive::Keepalive;
use crate::net::limits::Limits;
use crate::net::output::{Output, Patience, Step};
use crate::net::read_buffer::{LANDING, QUIET, ReadBuffer};
use crate::protocol::connection::{Connection, Event, Misuse};
use crate::protocol::message::Message;
use std::time::{Duration, Instant};

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Core {
    /// Boxed, because what is large passes over the stack on its way to the heap, and a page of the stack that
    /// was touched once is kept.
    pub(super) connection: Box<Connection>,
    pub(super) output: Output,
    /// Absent while a thread reads.
    pub(super) reader: Option<Box<Reader>>,
    pub(super) inbox: Inbox,
    share: Share,
    /// Whether the connection's own thread has received since the caretaker's last visit.
    pub(super) is_attended: bool,
    pub(super) round_trip: Option<Duration>,
    /// Whether [`Link::finish`](super::Link::finish) has begun.
    pub(super) is_ending: bool,
    /// Threads that wait for a right or for room, and those of them that wait for room.
    pub(super) waiting: usize,
    pub(super) waiting_for_room: usize,
    /// What had passed when the caretaker last saw more of it, and when that was; `None` once all memory has
    /// been given back.
    rest: (u64, Option<Instant>),
}

/// What a thread needs to read.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) buffer: ReadBuffer,
    pub(super) keepalive: Keepalive,
    pub(super) incoming: Incoming,
}

/// How a wait for the next message ended.
#[derive(Debug)]
pub(in crate::net) enum Waited {
    Message(Message),
    /// The deadline passed first.
    TimedOut,
    Ended,
}

/// Puts something into a connection's output.
pub(in crate::net) trait Queue:
    FnOnce(&mut Connection) -> std::result::Result<(), Misuse>
{
}
impl<F: FnOnce(&mut Connection) -> std::result::Result<(), Misuse>> Queue for F {}

impl Reader {
    /// The time-out of a read: until the deadline, the next judgement of silence or of a message that has
    /// begun, or the time to give memory back, whichever comes first.
    pub(super) fn timeout(
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
            self.incoming.late_at().map(|until| roughly(left(until))),
            quiet,
        ];
        timeouts.into_iter().flatten().min()
    }
}

/// Rounds a time up by at most an eighth, so that it often equals the time-out that the socket has
/// already.
fn roughly(time: Duration) -> Duration {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let step = (nanoseconds / 8).next_power_of_two() / 2;
    let rounded = nanoseconds.checked_next_multiple_of(step.max(1));
    Duration::from_nanos(rounded.unwrap_or(nanoseconds))
}

impl Core {
    pub(super) fn new(
        connection: Connection,
        limits: &Limits,
        share: Share,
        after_head: &[u8],
    ) -> Self {
        let now = Instant::now();
        let keepalive = Keepalive::new(limits.ping_after, limits.pong_timeout, now);
        Self {
            connection: Box::new(connection),
            output: Output::new(limits, now),
            reader: Some(Box::new(Reader {
                buffer: ReadBuffer::new(after_head),
                keepalive,
                incoming: Incoming::new(limits, now),
            })),
            inbox: Inbox::default(),
            share,
            is_attended: true,
            round_trip: None,
            is_ending: false,
            waiting: 0,
            waiting_for_room: 0,
            rest: (0, None),
        }
    }

    /// The next message: one that was read ahead, or the next one among the bytes that were read. Control
    /// frames before it are handled.
    pub(super) fn next_message(&mut self) -> Result<Option<Message>> {
        let next = match self.inbox.take() {
            Ok(None) => self.decode(),
            taken => taken,
        };
        // Without a message nothing has changed since the memory for what was decoded was asked for.
        if !matches!(next, Ok(None)) {
            self.settle();
        }
        next
    }

    fn decode(&mut self) -> Result<Option<Message>> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        if reader.buffer.is_empty() {
            return Ok(None);
        }
        loop {
            let (used, event) = self.connection.receive(reader.buffer.undecoded())?;
            reader.buffer.decoded(used);
            match event {
                Some(Event::Message(message)) => {
                    reader.incoming.ended();
                    return Ok(Some(message));
                }
                Some(Event::Pong(payload)) => {
                    let round_trip = reader.keepalive.pong(&payload, Instant::now());
                    self.round_trip = round_trip.or(self.round_trip);
                }
                Some(Event::Overloaded) => return Err(self.overloaded()),
                Some(_) => {}
                None => break,
            }
        }
        if let Some(arrived) = self.connection.message_progress() {
            reader.incoming.arrived(arrived, Instant::now());
        }
        self.connection.make_landing_room(LANDING);
        // Where messages are refused, what is held can only have grown by a pong or a Close.
        if self.connection.refuses_messages() {
            self.settle();
            Ok(None)
        } else if self.may_hold(0) {
            Ok(None)
        } else {
            self.connection.overload();
            Err(self.overloaded())
        }
    }

    /// Takes out what a thread needs to read, with the memory for the rest of a large payload.
    pub(super) fn lend_reader(&mut self) -> Option<Box<Reader>> {
        let mut reader = self.reader.take()?;
        reader.buffer.borrow_landing(&mut self.connection);
        Some(reader)
    }

    pub(super) fn take_back(&mut self, mut reader: Box<Reader>) {
        reader.buffer.return_landing(&mut self.connection);
        self.reader = Some(reader);
        // What came back was perhaps wanted no more.
        if self.connection.refuses_messages() {
            self.settle();
        }
    }

    /// Moves messages into the inbox until that is full or no whole message is left.
    pub(super) fn decode_ahead(&mut self) {
        while self.may_read_ahead() {
            match self.decode() {
                Ok(Some(message)) => self.inbox.push(message),
                Ok(None) => break,
                Err(error) => self.inbox.fail(error),
            }
        }
        self.settle();
    }

    /// Whether the caretaker may read more: no other thread is reading, reading has not ended, and not too
    /// much waits already for the connection's own thread.
    pub(super) fn may_read_ahead(&self) -> bool {
        let is_reading = self.reader.is_some() && !self.connection.is_closed();
        is_reading && !self.inbox.is_full()
    }

    // What is held, and what may be.

    /// Queues what needs so many bytes, if there is memory for it.
    pub(super) fn queue(&mut self, length: usize, queue: impl Queue) -> Result<()> {
        if self.connection.is_open() && !self.may_hold(length) {
            self.share.count_refusal();
            return Err(Error::Overloaded);
        }
        let queued = queue(&mut self.connection);
        if queued == Err(Misuse::NoMemory) {
            self.share.count_refusal();
        }
        self.settle();
        Ok(queued?)
    }

    /// Tells the budget how much is held. To be called whenever that has changed.
    pub(super) fn settle(&mut self) {
        self.share.hold(self.memory());
        // What is kept for the next message shall not be what is missing for another one.
        if self.share.is_scarce() {
            self.connection.release_spare();
            self.share.hold(self.memory());
        }
    }

    /// Whether what is held, and so much more, is within the budget. If it is not, buffers that are not in
    /// use are given back first.
    fn may_hold(&mut self, more: usize) -> bool {
        if self.share.try_hold(self.memory() + more) {
            return true;
        }
        self.release_memory();
        self.share.try_hold(self.memory() + more)
    }

    fn memory(&self) -> usize {
        self.connection.memory() + self.inbox.memory() + self.output.memory()
    }

    /// Gives back the memory of buffers that are not in use.
    pub(super) fn release_memory(&mut self) {
        self.connection.release_memory();
        self.output.release_memory();
    }

    /// Gives that memory back once nothing has passed for a while. To be called often.
    pub(super) fn release_at_rest(&mut self, now: Instant) {
        let traffic = self.connection.traffic();
        // What is queued counts as well: its buffer may be kept from then on.
        let passed = traffic.bytes_received + traffic.bytes_sent + traffic.messages_sent;
        let (before, since) = self.rest;
        if passed != before {
            self.rest = (passed, Some(now));
        } else if since.is_some_and(|since| now.saturating_duration_since(since) >= QUIET) {
            // The buffer of what a slow peer has not taken is still to come back.
            self.rest.1 = self.is_unsent().then_some(now);
            self.release_memory();
            self.settle();
        }
    }

    /// There was no memory for a message that was arriving. The peer has some time to answer the Close that
    /// says so.
    fn overloaded(&mut self) -> Error {
        self.share.count_refusal();
        self.begin_close();
        self.settle();
        Error::Overloaded
    }

    /// The peer's side has ended.
    pub(super) fn receive_eof(&mut self) {
        self.connection.receive_eof();
        self.settle();
    }

    /// The connection is lost.
    pub(super) fn lose(&mut self) {
        self.connection.lose();
        self.output.end();
        self.settle();
    }

    pub(super) fn is_full(&self, max_backlog: usize) -> bool {
        self.connection.is_open() && self.connection.output_length() > max_backlog
    }

    pub(super) fn has_overrun_close(&self, now: Instant) -> bool {
        let deadline = self.output.close_deadline();
        deadline.is_some_and(|deadline| deadline <= now)
    }

    // Calls of the output that need the connection as well.

    pub(super) fn claim_output(&mut self, patience: Patience) -> bool {
        self.output.claim(patience, &self.connection)
    }

    pub(super) fn take_over_output(&mut self) -> bool {
        self.output.take_over()
    }

    pub(super) fn hand_over(&mut self) -> bool {
        self.output.hand_over(&self.connection)
    }

    pub(super) fn next_step(&mut self, now: Instant) -> Step {
        self.output.next_step(&mut self.connection, now)
    }

    pub(super) fn needs_writer(&self) -> bool {
        self.output.needs_writer(&self.connection)
    }

    pub(super) fn is_unsent(&self) -> bool {
        self.output.is_unsent(&self.connection)
    }

    /// By when everything has arrived, at the promised pace; `None` while something is unsent.
    pub(super) fn arrival(&self, now: Instant) -> Option<Instant> {
        (!self.is_unsent()).then(|| self.output.arrival(now))
    }

    pub(super) fn begin_close(&mut self) {
        self.output.begin_close(&self.connection, Instant::now());
    }

    /// Whether something must be written now rather than when the connection's own thread calls again.
    pub(super) fn is_urgent(&self) -> bool {
        self.output.is_under_way() || self.connection.is_urgent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_rough_time_is_at_most_an_eighth_longer_and_one_of_few() {
        let mut values = BTreeSet::new();
        for milliseconds in 0..20_000 {
            let time = Duration::from_millis(milliseconds);
            let rough = roughly(time);
            assert!(
                rough >= time && rough <= time * 9 / 8,
                "{rough:?} for {time:?}"
            );
            values.insert(rough);
        }
        assert!(values.len() < 150, "{} values", values.len());
        assert!(roughly(Duration::MAX) > Duration::from_secs(1_000_000));
    }
}
