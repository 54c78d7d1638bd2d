//! What one connection has read, and when.

use super::error::{Error, Result};
use crate::protocol::message::Message;
use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The read buffer of a connection at rest: room for many small messages.
const SMALL_BUFFER: usize = 4 * 1024;
/// The read buffer of a connection that receives large messages.
const LARGE_BUFFER: usize = 64 * 1024;
/// After this long without input large buffers are given back.
const REST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    /// The part of `buffer` that the connection has not seen yet.
    unhandled: Range<usize>,
    /// The time-out that the socket has now, so that an unchanged one costs no system call.
    timeout: Option<Duration>,
    last_received: Instant,
    /// The ping that asks whether the peer is still there.
    ping: Option<Ping>,
    pings: u64,
    round_trip: Option<Duration>,
    pub(super) waiting: Waiting,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    sent: Instant,
    payload: [u8; 8],
    /// Whether anything has arrived since: then the peer lives, though its pong is still to come.
    is_answered: bool,
}

impl Reader {
    pub(super) fn new(behind_head: &[u8]) -> Self {
        Self {
            buffer: behind_head.to_vec(),
            unhandled: 0..behind_head.len(),
            timeout: None,
            last_received: Instant::now(),
            ping: None,
            pings: 0,
            round_trip: None,
            waiting: Waiting::default(),
        }
    }

    // The buffer.

    pub(super) fn unhandled(&mut self) -> &mut [u8] {
        &mut self.buffer[self.unhandled.clone()]
    }

    pub(super) const fn used(&mut self, length: usize) {
        self.unhandled.start += length;
    }

    /// Makes room for a read: more than before if the last one filled it. All input must be used.
    pub(super) fn make_room(&mut self) {
        let was_full = self.unhandled.end == self.buffer.len();
        let wanted = if was_full {
            self.buffer.len() * 4
        } else {
            self.buffer.len()
        };
        self.buffer
            .resize(wanted.clamp(SMALL_BUFFER, LARGE_BUFFER), 0);
        self.unhandled = 0..0;
    }

    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    pub(super) fn received(&mut self, length: usize) {
        self.unhandled = 0..length;
        self.last_received = Instant::now();
        if let Some(ping) = &mut self.ping {
            ping.is_answered = true;
        }
    }

    /// Gives a large buffer back after a while without input, and says whether it did.
    pub(super) fn rest(&mut self, now: Instant) -> bool {
        let is_due = self.is_large() && now.saturating_duration_since(self.last_received) >= REST;
        if is_due {
            self.buffer.truncate(SMALL_BUFFER);
            self.buffer.shrink_to_fit();
        }
        is_due
    }

    fn is_large(&self) -> bool {
        self.buffer.len() > SMALL_BUFFER
    }

    /// Sets the socket's time-out to what comes first: the deadline, the limit of silence, or rest.
    pub(super) fn set_timeout(
        &mut self,
        stream: &TcpStream,
        now: Instant,
        deadline: Option<Instant>,
        silence: Option<Duration>,
    ) -> io::Result<()> {
        let exact = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let rest = self.is_large().then_some(REST);
        let timeout = [exact, silence.map(roughly), rest]
            .into_iter()
            .flatten()
            .min();
        let timeout = timeout.map(|timeout| timeout.max(Duration::from_millis(1)));
        if timeout != self.timeout {
            stream.set_read_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }

    // Signs of life.

    pub(super) const fn last_received(&self) -> Instant {
        self.last_received
    }

    /// When the ping was sent that nothing has answered yet.
    pub(super) fn pinged(&self) -> Option<Instant> {
        self.ping
            .filter(|ping| !ping.is_answered)
            .map(|ping| ping.sent)
    }

    /// Notes a ping as sent and returns its payload.
    pub(super) fn ping(&mut self, now: Instant) -> [u8; 8] {
        self.pings += 1;
        let payload = self.pings.to_be_bytes();
        self.ping = Some(Ping {
            sent: now,
            payload,
            is_answered: false,
        });
        payload
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        if let Some(ping) = self.ping.take_if(|ping| ping.payload == payload) {
            self.round_trip = Some(ping.sent.elapsed());
        }
    }

    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

/// Rounds a time up by at most an eighth, so that it is often the same.
fn roughly(time: Duration) -> Duration {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let step = (nanoseconds / 8).next_power_of_two() / 2;
    Duration::from_nanos(
        nanoseconds
            .checked_next_multiple_of(step.max(1))
            .unwrap_or(nanoseconds),
    )
}

/// Messages decoded while the connection's own thread was busy elsewhere, and how that ended.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
    failure: Option<Error>,
}

impl Waiting {
    /// Then no more is read, and the peer has to wait as well.
    const MAX_MESSAGES: usize = 64;
    const MAX_BYTES: usize = 64 * 1024;

    pub(super) fn take(&mut self) -> Result<Option<Message>> {
        if let Some(message) = self.messages.pop_front() {
            self.bytes -= message.as_bytes().len();
            return Ok(Some(message));
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    pub(super) fn push(&mut self, message: Message) {
        self.bytes += message.as_bytes().len();
        self.messages.push_back(message);
    }

    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= Self::MAX_MESSAGES || self.bytes >= Self::MAX_BYTES
    }

    pub(super) fn fail(&mut self, failure: Error) {
        self.failure = Some(failure);
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }
}
