//! What a connection still has to write: what is on its way, who writes it, and whether that was all.
//!
//! These facts are only true together, so they stand in one struct under one lock ([`Link`]'s). Nothing
//! here waits: [`next_step`](Output::next_step) says what to do, and the thread that has the right to
//! write does it.
//!
//! [`Link`]: super::link::Link

use crate::protocol::connection::Connection;
use std::time::{Duration, Instant};

/// The write deadline is for this many bytes at a time.
pub(super) const PACE_BYTES: usize = 64 * 1024;

/// A buffer larger than this is not kept for the next frames.
const MAX_SPARE: usize = 128 * 1024;

/// How long a thread that writes waits for the peer to take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until the write deadline.
    Wait,
    /// Not at all: what the peer does not take at once is left to a later flush.
    Now,
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Step {
    /// Write this, or some of it, and say so by [`Output::wrote`].
    Write(Flight),
    /// End our side of the TCP connection (§7.1.1).
    EndOutput,
    /// Nothing is left.
    Nothing,
}

/// Bytes that the connection has handed out and that the system has not taken yet. They are whole
/// frames, of which the first may be half written: nothing else can be sent before their end.
#[derive(Debug, Default)]
pub(super) struct Flight {
    buffer: Vec<u8>,
    written: usize,
    pace: Option<Pace>,
}

/// How much the peer has taken, and since when.
#[derive(Clone, Copy, Debug)]
struct Pace {
    since: Instant,
    taken: usize,
}

impl Flight {
    pub(super) fn unwritten(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Whether no write of it was tried yet.
    pub(super) const fn is_new(&self) -> bool {
        self.written == 0 && self.pace.is_none()
    }

    /// How much is left of the time `allowed` for the next [`PACE_BYTES`]; zero when it has passed.
    pub(super) fn time_left(&mut self, now: Instant, allowed: Duration) -> Duration {
        let pace = self.pace.get_or_insert(Pace {
            since: now,
            taken: 0,
        });
        allowed.saturating_sub(now.saturating_duration_since(pace.since))
    }

    /// Takes the next frames from the connection. The buffer of a very large one is not kept.
    fn refill(&mut self, connection: &mut Connection) {
        self.written = 0;
        self.pace = None;
        self.buffer.clear();
        if self.buffer.capacity() > MAX_SPARE {
            self.buffer = Vec::new();
        }
        if connection.has_output() {
            connection.take_output(&mut self.buffer);
        }
    }

    fn wrote(&mut self, length: usize) {
        self.written += length;
        self.pace = self.pace.and_then(|pace| {
            let taken = pace.taken + length;
            (taken < PACE_BYTES).then_some(Pace { taken, ..pace })
        });
    }
}

/// Which of a connection's bytes are on their way, and whose turn it is to write them.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Empty while the writer has it.
    flight: Flight,
    writer: Option<Writer>,
    /// Whether the right to write waits for another thread to take it over.
    is_handed_over: bool,
    /// Whether our side of the TCP connection has ended.
    has_ended: bool,
    /// When to stop waiting for the peer's Close, and then for its end of the TCP connection.
    close_deadline: Option<Instant>,
}

/// The thread that has the right to write.
#[derive(Clone, Copy, Debug)]
struct Writer {
    patience: Patience,
    /// What was queued when it began, as a count of bytes handed out since the connection opened.
    share: u64,
}

impl Writer {
    fn new(patience: Patience, connection: &Connection) -> Self {
        let handed_out = connection.traffic().bytes_sent;
        Self {
            patience,
            share: handed_out + connection.output_length() as u64,
        }
    }
}

impl Output {
    /// Gives the right to write, if no thread has it, and returns whether it did. The thread that gets
    /// it takes one [`next_step`](Self::next_step) after the other, and then gives the right back.
    pub(super) fn claim(&mut self, patience: Patience, connection: &Connection) -> bool {
        let is_free = self.writer.is_none();
        if is_free {
            self.writer = Some(Writer::new(patience, connection));
        }
        is_free
    }

    pub(super) const fn release(&mut self) {
        self.writer = None;
    }

    /// Leaves the right to a thread that waits, once everything is written that was queued when the
    /// writer began, and returns whether it did. Otherwise busy senders could keep one thread writing
    /// without an end.
    pub(super) fn hand_over(&mut self, connection: &Connection) -> bool {
        let handed_out = connection.traffic().bytes_sent;
        let has_done_its_share = self.writer.is_none_or(|writer| handed_out >= writer.share);
        self.is_handed_over = has_done_its_share && self.flight.unwritten().is_empty();
        if self.is_handed_over {
            // Threads that wait for room are patient: others may rely on them already.
            self.writer = Some(Writer::new(Patience::Wait, connection));
        }
        self.is_handed_over
    }

    /// Takes the right that was left to a waiting thread. Returns whether it was.
    pub(super) const fn take_over(&mut self) -> bool {
        std::mem::replace(&mut self.is_handed_over, false)
    }

    /// The patience of the thread that writes, if one does.
    pub(super) fn writer(&self) -> Option<Patience> {
        self.writer.map(|writer| writer.patience)
    }

    /// What the writer has to do now. Only here do bytes leave the connection.
    pub(super) fn next_step(&mut self, connection: &mut Connection) -> Step {
        if self.has_ended {
            return Step::Nothing;
        }
        if self.flight.unwritten().is_empty() {
            self.flight.refill(connection);
        }
        if !self.flight.unwritten().is_empty() {
            return Step::Write(std::mem::take(&mut self.flight));
        }
        if connection.must_end_tcp() {
            self.has_ended = true;
            return Step::EndOutput;
        }
        Step::Nothing
    }

    /// Takes back what was to be written in a step, after the system took `length` bytes of it.
    pub(super) fn wrote(&mut self, mut flight: Flight, length: usize) {
        flight.wrote(length);
        if !self.has_ended {
            self.flight = flight;
        }
    }

    /// Whether anything is left to be done that no patient thread is doing.
    pub(super) fn needs_writer(&self, connection: &Connection) -> bool {
        self.writer() != Some(Patience::Wait) && self.is_unsent(connection)
    }

    /// Whether anything is left to be written, or to be ended.
    pub(super) fn is_unsent(&self, connection: &Connection) -> bool {
        let is_left = self.is_under_way() || connection.has_output() || connection.must_end_tcp();
        is_left && !self.has_ended
    }

    /// Whether a write has begun and not come to its end.
    pub(super) fn is_under_way(&self) -> bool {
        self.writer.is_some() || !self.flight.unwritten().is_empty()
    }

    /// Nothing more is written: the connection is lost.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
        self.flight = Flight::default();
        self.release();
    }

    /// When to give up the closing handshake; `None` before it has begun.
    pub(super) const fn close_deadline(&self) -> Option<Instant> {
        self.close_deadline
    }

    /// Begins the closing handshake, if it has not begun, and returns its deadline.
    pub(super) fn close_by(&mut self, deadline: Instant) -> Instant {
        *self.close_deadline.get_or_insert(deadline)
    }

    /// Gives back the memory of frames that have been written.
    pub(super) fn release_memory(&mut self) {
        if self.flight.unwritten().is_empty() {
            self.flight = Flight::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::close_code::CloseCode;

    const SECOND: Duration = Duration::from_secs(1);

    fn server() -> (Output, Connection) {
        (Output::default(), Connection::server(Default::default()))
    }

    fn client() -> (Output, Connection) {
        let keys = Box::new(|| [0; 4]);
        let connection = Connection::client(Default::default(), keys);
        (Output::default(), connection)
    }

    /// A Close from a client, with no code.
    fn peer_closes(connection: &mut Connection) {
        let closed = connection.receive(&mut [0x88, 0x80, 0, 0, 0, 0]);
        closed.expect("an empty Close is legal");
    }

    /// Takes the next step, which must be to write, and writes `length` bytes of it.
    #[track_caller]
    fn write(output: &mut Output, connection: &mut Connection, length: usize) -> Vec<u8> {
        let Step::Write(flight) = output.next_step(connection) else {
            panic!("there is something to write")
        };
        let unwritten = flight.unwritten().to_vec();
        output.wrote(flight, length);
        unwritten
    }

    #[track_caller]
    fn expect_nothing(output: &mut Output, connection: &mut Connection) {
        assert!(matches!(output.next_step(connection), Step::Nothing));
        assert!(!output.is_unsent(connection));
    }

    mod the_next_step {
        use super::*;

        #[test]
        fn is_nothing_at_first() {
            let (mut output, mut connection) = server();
            expect_nothing(&mut output, &mut connection);
        }

        #[test]
        fn is_to_write_what_is_queued_and_then_nothing() {
            let (mut output, mut connection) = server();
            connection.send("hi").expect("it is open");
            assert!(output.is_unsent(&connection));
            assert_eq!(write(&mut output, &mut connection, 4), b"\x81\x02hi");
            expect_nothing(&mut output, &mut connection);
        }

        #[test]
        fn is_to_go_on_with_a_frame_that_is_half_written_even_before_a_pong() {
            let (mut output, mut connection) = server();
            connection.send("hi").expect("it is open");
            write(&mut output, &mut connection, 3);
            connection
                .receive(&mut [0x89, 0x80, 0, 0, 0, 0])
                .expect("an empty ping is legal");
            assert_eq!(write(&mut output, &mut connection, 1), b"i");
            assert_eq!(write(&mut output, &mut connection, 2), b"\x8A\x00");
            expect_nothing(&mut output, &mut connection);
        }

        #[test]
        fn is_the_end_of_the_servers_side_once_and_after_the_last_frame() {
            let (mut output, mut connection) = server();
            peer_closes(&mut connection);
            assert_eq!(write(&mut output, &mut connection, 1), b"\x88\x00");
            assert_eq!(write(&mut output, &mut connection, 1), b"\x00");
            assert!(output.is_unsent(&connection));
            let end = output.next_step(&mut connection);
            assert!(matches!(end, Step::EndOutput));
            expect_nothing(&mut output, &mut connection);
        }

        #[test]
        fn is_no_end_of_the_clients_side() {
            let (mut output, mut connection) = client();
            connection
                .receive(&mut [0x88, 0x00])
                .expect("an empty Close is legal");
            assert_eq!(write(&mut output, &mut connection, 6).len(), 6);
            expect_nothing(&mut output, &mut connection);
        }

        #[test]
        fn is_nothing_while_our_close_waits_for_its_answer() {
            let (mut output, mut connection) = server();
            let closed = connection.close(CloseCode::NORMAL, "");
            closed.expect("it is open");
            write(&mut output, &mut connection, 4);
            expect_nothing(&mut output, &mut connection);
        }

        #[test]
        fn is_nothing_once_the_connection_is_lost_whatever_is_queued_or_half_written() {
            let (mut output, mut connection) = server();
            connection.send("half").expect("it is open");
            write(&mut output, &mut connection, 1);
            connection.send("queued").expect("it is open");
            let Step::Write(flight) = output.next_step(&mut connection) else {
                panic!("half a frame is left")
            };
            output.end();
            // The write that was under way comes back late.
            output.wrote(flight, 1);
            expect_nothing(&mut output, &mut connection);
            assert!(!output.is_under_way());
        }
    }

    mod the_right_to_write {
        use super::*;

        #[test]
        fn is_one_threads_until_it_gives_it_back() {
            let (mut output, connection) = server();
            assert!(output.claim(Patience::Now, &connection));
            assert!(!output.claim(Patience::Wait, &connection));
            assert_eq!(output.writer(), Some(Patience::Now));
            output.release();
            assert!(output.claim(Patience::Wait, &connection));
        }

        #[test]
        fn is_free_when_the_connection_is_lost() {
            let (mut output, connection) = server();
            assert!(output.claim(Patience::Wait, &connection));
            output.end();
            assert_eq!(output.writer(), None);
        }

        #[test]
        fn is_handed_over_after_what_was_queued_when_it_was_claimed() {
            let (mut output, mut connection) = server();
            connection.send("mine").expect("it is open");
            assert!(output.claim(Patience::Wait, &connection));
            assert!(!output.hand_over(&connection));
            write(&mut output, &mut connection, 1);
            connection.send("another's").expect("it is open");
            assert!(!output.hand_over(&connection), "half a frame is left");
            write(&mut output, &mut connection, 5);
            assert!(output.hand_over(&connection));
            assert!(!output.claim(Patience::Wait, &connection), "it is promised");
            assert!(output.take_over());
            assert!(!output.take_over());
            assert!(!output.hand_over(&connection), "another's is the new share");
        }

        #[test]
        fn is_a_patient_threads_once_an_impatient_one_has_handed_it_over() {
            let (mut output, mut connection) = server();
            connection.send("hi").expect("it is open");
            assert!(output.claim(Patience::Now, &connection));
            write(&mut output, &mut connection, 4);
            connection.send("another's").expect("it is open");
            assert!(output.hand_over(&connection));
            assert_eq!(output.writer(), Some(Patience::Wait));
            assert!(!output.needs_writer(&connection));
        }

        #[test]
        fn leaves_nothing_to_a_patient_writer_that_it_does_itself() {
            let (mut output, mut connection) = server();
            connection.send("hi").expect("it is open");
            assert!(output.needs_writer(&connection));
            assert!(output.claim(Patience::Wait, &connection));
            assert!(!output.needs_writer(&connection));
            output.release();
            assert!(output.claim(Patience::Now, &connection));
            assert!(output.needs_writer(&connection), "it may leave some");
        }
    }

    #[test]
    fn the_write_deadline_is_for_each_64_kib() {
        let mut flight = Flight {
            buffer: vec![0; 3 * PACE_BYTES],
            ..Flight::default()
        };
        let start = Instant::now();
        let expect = |flight: &mut Flight, seconds: u32, expected: u32| {
            let left = flight.time_left(start + seconds * SECOND, 10 * SECOND);
            assert_eq!(left, expected * SECOND);
        };
        expect(&mut flight, 0, 10);
        expect(&mut flight, 4, 6);
        // Less than that is progress, but buys no time.
        flight.wrote(PACE_BYTES - 1);
        expect(&mut flight, 7, 3);
        flight.wrote(1);
        expect(&mut flight, 9, 10);
        expect(&mut flight, 25, 0);
    }
}
