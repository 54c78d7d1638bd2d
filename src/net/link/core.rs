//! What is known of a connection, and the questions that can be answered from it without waiting.

use crate::net::budget::Share;
use crate::net::error::{Breach, Error, Result};
use crate::net::inbox::Inbox;
use crate::net::incoming::Incoming;
use crate::net::keepalive::Keepalive;
use crate::net::limits::Limits;
use crate::net::output::{Output, Patience, Step};
use crate::net::read_buffer::{LANDING, QUIET, ReadBuffer};
use crate::protocol::connection::{Connection, Event, Misuse};
use crate::protocol::message::Message;
use std::io;
use std::time::{Duration, Instant};

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Core {
    /// Boxed, because what is large passes over the stack on its way to the heap, and a page of the stack that
    /// was touched once is kept.
    pub(super) connection: Box<Connection>,
    pub(super) output: Output,
    /// Absent while a thread reads.
    pub(super) read_buffer: Option<Box<ReadBuffer>>,
    /// Whether that thread shows something to the tap, which is decoded only then.
    pub(super) is_showing: bool,
    pub(super) keepalive: Keepalive,
    pub(super) incoming: Incoming,
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

impl Core {
    pub(super) fn new(
        connection: Connection,
        limits: &Limits,
        share: Share,
        after_head: &[u8],
    ) -> Self {
        let now = Instant::now();
        Self {
            connection: Box::new(connection),
            output: Output::new(limits, now),
            read_buffer: Some(Box::new(ReadBuffer::new(after_head))),
            is_showing: false,
            keepalive: Keepalive::new(limits.ping_after, limits.pong_timeout, now),
            incoming: Incoming::new(limits, now),
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
        match next {
            Ok(Some(_)) => self.settle_less(),
            // Nothing has changed since the memory for what was decoded was asked for.
            Ok(None) => {}
            Err(_) => self.settle(),
        }
        next
    }

    fn decode(&mut self) -> Result<Option<Message>> {
        let buffer = self.read_buffer.as_ref();
        if buffer.is_none_or(|buffer| buffer.is_empty()) {
            return Ok(None);
        }
        while let Some(event) = self.next_event()? {
            match event {
                Event::Message(message) => {
                    self.incoming.ended();
                    return Ok(Some(message));
                }
                Event::Pong(payload) => {
                    let round_trip = self.keepalive.pong(&payload, Instant::now());
                    self.round_trip = round_trip.or(self.round_trip);
                }
                Event::Overloaded => return Err(self.overloaded()),
                // What answers it is queued.
                _ => self.settle(),
            }
        }
        if let Some(arrived) = self.connection.message_progress() {
            self.incoming.arrived(arrived, Instant::now());
        }
        self.connection.make_landing_room(LANDING);
        if self.connection.refuses_messages() {
            self.settle();
        } else if !self.may_hold(0) {
            self.connection.overload();
            return Err(self.overloaded());
        }
        Ok(None)
    }

    /// What comes next of the bytes that were read; `None` when all are used.
    fn next_event(&mut self) -> Result<Option<Event>> {
        let Some(buffer) = &mut self.read_buffer else {
            return Ok(None);
        };
        let received = self.connection.receive(buffer.undecoded());
        let (used, event) =
            received.map_err(|rule| Breach::at(rule, self.connection.traffic().bytes_received))?;
        buffer.decoded(used);
        Ok(event)
    }

    /// Takes out what a thread needs to read, with the memory for the rest of a large payload.
    pub(super) fn lend_buffer(&mut self) -> Option<Box<ReadBuffer>> {
        let mut buffer = self.read_buffer.take()?;
        buffer.borrow_landing(&mut self.connection);
        Some(buffer)
    }

    pub(super) fn take_back(&mut self, mut buffer: Box<ReadBuffer>) {
        buffer.return_landing(&mut self.connection);
        self.read_buffer = Some(buffer);
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
        let is_reading = self.read_buffer.is_some() && !self.connection.is_closed();
        is_reading && !self.inbox.is_full()
    }

    /// Whether something was read that is still to be decoded, unless a thread has it in hand.
    pub(super) fn has_undecoded(&self) -> bool {
        let buffer = self.read_buffer.as_ref();
        buffer.is_some_and(|buffer| !buffer.is_empty())
    }

    /// The time-out of a read that waits for input until `deadline`. Where memory is to be given back before
    /// long, or the message that has begun may be refused, the read ends for that. As a rule it has no
    /// time-out: the system needs a timer for each, which costs a small message a tenth of its time.
    pub(super) fn read_timeout(&self, now: Instant, deadline: Option<Instant>) -> Option<Duration> {
        let buffer = self.read_buffer.as_ref();
        let is_large = buffer.is_some_and(|buffer| buffer.is_large());
        let is_brief = is_large || self.incoming.late_at().is_some();
        let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let timeouts = [left, is_brief.then_some(QUIET)];
        timeouts.into_iter().flatten().min()
    }

    // What is held, and what may be.

    /// Queues a payload of so many bytes, if there is memory for it.
    pub(super) fn queue(&mut self, length: usize, queue: impl Queue) -> Result<()> {
        let growth = self.connection.growth(length);
        let is_free = growth == 0 || self.share.is_free(growth);
        if self.connection.is_open() && !is_free && !self.may_hold(growth) {
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

    /// Tells the budget how much is held. To be called whenever that has changed: at once when it has grown.
    pub(super) fn settle(&mut self) {
        self.share.hold(self.memory());
        // What is kept for the next message shall not be what is missing for another one.
        if self.share.is_scarce() {
            self.connection.release_spare();
            self.share.hold(self.memory());
        }
    }

    /// The same where it can only have become less. While all of it is free, as small messages are, nobody
    /// needs to be told.
    fn settle_less(&mut self) {
        if !self.share.is_free(0) {
            self.settle();
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

    pub(super) fn memory(&self) -> usize {
        self.connection.memory() + self.inbox.memory() + self.output.memory()
    }

    /// Gives back the memory of buffers that are not in use.
    pub(super) fn release_memory(&mut self) {
        self.connection.release_memory();
        self.output.release_memory();
    }

    /// Gives the memory of the read buffer back after a while without input. All that was read before must
    /// be decoded.
    pub(super) fn release_read_buffer(&mut self, now: Instant) {
        if let Some(buffer) = &mut self.read_buffer {
            buffer.release_memory(now, self.keepalive.last_received());
        }
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
        self.output.end(&self.connection);
        self.connection.lose();
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
        let step = self.output.next_step(&mut self.connection, now);
        self.settle();
        step
    }

    /// What was queued has been written, or will be.
    ///
    /// # Errors
    ///
    /// Another thread found before that the connection was lost.
    pub(super) fn sent(&self) -> Result<()> {
        if self.output.is_cut_short() {
            let problem = "the connection was lost before all was sent";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, problem).into());
        }
        Ok(())
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

    /// Begins the closing handshake. Its deadline takes over: nothing else is judged any more.
    pub(super) fn begin_close(&mut self) {
        self.keepalive.stop();
        self.incoming.stop();
        self.output.begin_close(&self.connection, Instant::now());
    }

    /// Whether something must be written now rather than when the connection's own thread calls again.
    pub(super) fn is_urgent(&self) -> bool {
        self.output.is_under_way() || self.connection.is_urgent()
    }
}
