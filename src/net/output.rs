//! What a connection still has to write: what is on its way, who writes it, and whether that was all.
//!
//! These facts are only true together, so they stand in one struct under one lock ([`Link`]'s). Nothing
//! here waits: [`next_step`](Output::next_step) says what to do, and the thread that has the right to
//! write does it.
//!
//! [`Link`]: super::link::Link

use super::deadline::after;
use super::limits::Limits;
use super::pace::Pace;
use crate::protocol::connection::Connection;
use crate::protocol::outbox::Chunk;
use std::time::{Duration, Instant};

/// How long a thread that writes waits for the peer to take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as the peer takes something at the promised pace.
    Wait,
    /// Not at all: what the peer does not take at once is left to a later flush.
    Now,
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Step {
    /// Write this, or some of it, at this pace, and say so by [`Output::wrote`].
    Write(Flight, Pace),
    /// End our side of the TCP connection (§7.1.1).
    EndOutput,
    /// Nothing is left.
    Nothing,
}

/// Bytes that the connection has handed out and that the system has not taken yet. They are whole
/// frames, of which the first may be half written: nothing else can be sent before their end.
#[derive(Debug, Default)]
pub(super) struct Flight {
    chunk: Chunk,
    written: usize,
    /// Whether a write of it was tried.
    has_begun: bool,
}

impl Flight {
    /// What is left of the chunk's two pieces. Either may be empty.
    pub(super) fn unwritten(&self) -> [&[u8]; 2] {
        let [first, second] = self.chunk.pieces();
        let of_first = self.written.min(first.len());
        [&first[of_first..], &second[self.written - of_first..]]
    }

    fn is_written(&self) -> bool {
        self.written == self.chunk.len()
    }

    /// Notes that it is about to be written, and returns whether that is for the first time.
    pub(super) const fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.has_begun, true)
    }

    fn memory(&self) -> usize {
        self.chunk.memory()
    }

    /// Takes the next frames from the connection, which uses the buffers of those that have been written again.
    fn refill(&mut self, connection: &mut Connection) {
        self.written = 0;
        self.has_begun = false;
        connection.take_chunk(&mut self.chunk);
    }
}

/// Which of a connection's bytes are on their way, and whose turn it is to write them.
#[derive(Debug)]
pub(super) struct Output {
    /// Empty while the writer has it.
    flight: Flight,
    /// Bytes of memory that the writer has with it.
    in_hand: usize,
    writer: Option<Writer>,
    /// Whether the right to write waits for another thread to take it over.
    is_handed_over: bool,
    /// Whether our side of the TCP connection has ended.
    has_ended: bool,
    /// Whether that happened before all was written that had been queued.
    is_cut_short: bool,
    /// The pace at which the peer takes what is written.
    pace: Pace,
    closing: Closing,
    close_timeout: Duration,
}

/// How far the closing handshake is.
#[derive(Clone, Copy, Debug)]
enum Closing {
    NotBegun,
    /// Begun at that time; our Close, or something before it, has not left yet.
    Leaving(Instant),
    /// All has left. When to stop waiting for the peer's Close, and then for its end of the TCP connection.
    Until(Instant),
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
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            flight: Flight::default(),
            in_hand: 0,
            writer: None,
            is_handed_over: false,
            has_ended: false,
            is_cut_short: false,
            pace: Pace::of_output(limits, now),
            closing: Closing::NotBegun,
            close_timeout: limits.close_timeout,
        }
    }

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
        self.is_handed_over = has_done_its_share && self.flight.is_written();
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
    pub(super) fn next_step(&mut self, connection: &mut Connection, now: Instant) -> Step {
        if self.has_ended {
            return Step::Nothing;
        }
        if self.flight.is_written() {
            self.flight.refill(connection);
        }
        if !self.flight.is_written() {
            self.in_hand = self.flight.memory();
            return Step::Write(std::mem::take(&mut self.flight), self.pace);
        }
        self.close_leaves(now);
        if connection.must_end_tcp() {
            self.has_ended = true;
            return Step::EndOutput;
        }
        Step::Nothing
    }

    /// Takes back what was to be written in a step, after the system took `length` bytes of it.
    pub(super) fn wrote(&mut self, mut flight: Flight, pace: Pace, length: usize) {
        flight.written += length;
        self.pace = pace;
        self.in_hand = 0;
        if !self.has_ended {
            self.flight = flight;
        }
    }

    /// Bytes of memory that the flight takes.
    pub(super) fn memory(&self) -> usize {
        self.flight.memory() + self.in_hand
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
        self.writer.is_some() || !self.flight.is_written()
    }

    /// Nothing more is written: the connection is lost.
    pub(super) fn end(&mut self, connection: &Connection) {
        self.is_cut_short |= self.is_unsent(connection);
        self.has_ended = true;
        self.flight = Flight::default();
        // The writer returns at once, and drops what it has.
        self.in_hand = 0;
        self.release();
    }

    /// Whether the connection was lost before all was written that had been queued.
    pub(super) const fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// By when everything that the system has taken has arrived, at the promised pace; this may lie in
    /// the past.
    pub(super) fn arrival(&self, now: Instant) -> Instant {
        self.pace.arrival(now)
    }

    /// Begins the closing handshake, if it has not begun.
    pub(super) fn begin_close(&mut self, connection: &Connection, now: Instant) {
        if matches!(self.closing, Closing::NotBegun) {
            self.closing = Closing::Leaving(now);
            if !self.is_under_way() && !connection.has_output() {
                self.close_leaves(now);
            }
        }
    }

    /// Nothing is left to be written. The peer's answer is due from when our Close can have arrived.
    fn close_leaves(&mut self, now: Instant) {
        if matches!(self.closing, Closing::Leaving(_)) {
            let arrival = self.arrival(now).max(now);
            self.closing = Closing::Until(after(arrival, self.close_timeout));
        }
    }

    /// When to give up the closing handshake; `None` before it has begun.
    ///
    /// Its time does not run while our Close waits for output that leaves at the promised pace: whoever
    /// writes that will find out if it does not. The deadline that there is all the same is for a writer
    /// that does not come back from the user's code.
    pub(super) fn close_deadline(&self) -> Option<Instant> {
        match self.closing {
            Closing::NotBegun => None,
            Closing::Leaving(since) => {
                let late_at = after(since.max(self.pace.late_at()), self.pace.timeout());
                Some(after(late_at, self.close_timeout))
            }
            Closing::Until(deadline) => Some(deadline),
        }
    }

    /// Gives back the memory of frames that have been written.
    pub(super) fn release_memory(&mut self) {
        if self.flight.is_written() {
            self.flight = Flight::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::close_code::CloseCode;
    use crate::protocol::connection::Event;

    const SECOND: Duration = Duration::from_secs(1);

    fn output() -> Output {
        Output::new(&Limits::default(), Instant::now())
    }

    fn server() -> (Output, Connection) {
        (output(), Connection::server(Default::default()))
    }

    fn client() -> (Output, Connection) {
        let keys = Box::new(|| [0; 4]);
        (output(), Connection::client(Default::default(), keys))
    }

    /// A Close from a client, with no code.
    fn peer_closes(connection: &mut Connection) {
        let closed = connection.receive(&mut [0x88, 0x80, 0, 0, 0, 0]);
        closed.expect("an empty Close is legal");
    }

    /// Takes the next step, which must be to write, and writes `length` bytes of it.
    #[track_caller]
    fn write(output: &mut Output, connection: &mut Connection, length: usize) -> Vec<u8> {
        let now = Instant::now();
        let Step::Write(flight, mut pace) = output.next_step(connection, now) else {
            panic!("there is something to write")
        };
        let unwritten = flight.unwritten().concat();
        pace.moved(length, now);
        output.wrote(flight, pace, length);
        unwritten
    }

    #[track_caller]
    fn expect_nothing(output: &mut Output, connection: &mut Connection) {
        let step = output.next_step(connection, Instant::now());
        assert!(matches!(step, Step::Nothing));
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
        fn is_to_go_on_where_the_last_write_ended_in_a_header_or_in_a_large_payload() {
            for ends in [&[1, 3, 12, 50_000][..], &[12, 13], &[2, 4, 11], &[50_010]] {
                let (mut output, mut connection) = server();
                connection.send("first").expect("it is open");
                connection.send(vec![7; 50_000]).expect("it is open");
                connection.send("last").expect("it is open");
                let large = [&b"\x81\x05first\x82\x7E\xC3\x50"[..], &[7; 50_000]].concat();
                let mut begin = 0;
                for &end in ends {
                    let left = write(&mut output, &mut connection, end - begin);
                    assert_eq!(left, large[begin..]);
                    begin = end;
                }
                let left = write(&mut output, &mut connection, large.len() - begin);
                assert_eq!(left, large[begin..]);
                assert_eq!(write(&mut output, &mut connection, 6), b"\x81\x04last");
                expect_nothing(&mut output, &mut connection);
            }
        }

        #[test]
        fn is_the_end_of_the_servers_side_once_and_after_the_last_frame() {
            let (mut output, mut connection) = server();
            peer_closes(&mut connection);
            assert_eq!(write(&mut output, &mut connection, 1), b"\x88\x00");
            assert_eq!(write(&mut output, &mut connection, 1), b"\x00");
            assert!(output.is_unsent(&connection));
            let end = output.next_step(&mut connection, Instant::now());
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
            let step = output.next_step(&mut connection, Instant::now());
            let Step::Write(flight, pace) = step else {
                panic!("half a frame is left")
            };
            output.end(&connection);
            // The write that was under way comes back late.
            output.wrote(flight, pace, 1);
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
            output.end(&connection);
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

    mod the_closing_handshake {
        use super::*;

        const PACE: usize = 64 * 1024;

        /// An output with the limits of 10 s for 64 KiB, 60 s in transit and 5 s to close, and its start.
        fn begun() -> (Output, Connection, Instant) {
            let limits = Limits::default()
                .write_timeout(10 * SECOND)
                .transit_timeout(60 * SECOND)
                .close_timeout(5 * SECOND);
            let start = Instant::now();
            let connection = Connection::server(Default::default());
            (Output::new(&limits, start), connection, start)
        }

        /// Writes up to `length` bytes at that time, and says whether that was all.
        fn write_at(
            output: &mut Output,
            connection: &mut Connection,
            now: Instant,
            length: usize,
        ) -> bool {
            let mut left = length;
            while let Step::Write(mut flight, mut pace) = output.next_step(connection, now) {
                if flight.begin() {
                    pace.begin(now);
                }
                let length = flight.unwritten().concat().len().min(left);
                left -= length;
                pace.moved(length, now);
                output.wrote(flight, pace, length);
                if left == 0 && output.is_under_way() {
                    return false;
                }
            }
            true
        }

        fn close(output: &mut Output, connection: &mut Connection, now: Instant) {
            let closed = connection.close(CloseCode::NORMAL, "");
            closed.expect("it is open");
            output.begin_close(connection, now);
        }

        #[test]
        fn has_no_deadline_before_it_has_begun() {
            let (mut output, mut connection, start) = begun();
            write_at(&mut output, &mut connection, start, usize::MAX);
            assert_eq!(output.close_deadline(), None);
        }

        #[test]
        fn has_its_time_from_when_the_close_has_left() {
            let (mut output, mut connection, start) = begun();
            close(&mut output, &mut connection, start);
            assert!(write_at(&mut output, &mut connection, start + SECOND, 4));
            let deadline = output.close_deadline().expect("it has begun");
            let expected = start + 6 * SECOND;
            // Four bytes are on their way for a moment.
            assert!(deadline >= expected && deadline < expected + SECOND / 100);
        }

        #[test]
        fn has_its_time_from_when_the_close_can_have_arrived() {
            for (times, arrival) in [(3, 30), (64, 60)] {
                let (mut output, mut connection, start) = begun();
                connection.send(vec![0; times * PACE]).expect("it is open");
                close(&mut output, &mut connection, start);
                assert!(write_at(&mut output, &mut connection, start, usize::MAX));
                let deadline = output.close_deadline().expect("it has begun");
                let expected = start + (arrival + 5) * SECOND;
                assert!(deadline >= expected && deadline < expected + SECOND / 100);
            }
        }

        #[test]
        fn waits_for_output_that_leaves_at_the_promised_pace() {
            let (mut output, mut connection, start) = begun();
            connection.send(vec![0; 20 * PACE]).expect("it is open");
            close(&mut output, &mut connection, start);
            for turn in 0..20 {
                let now = start + turn * 9 * SECOND;
                assert!(output.close_deadline() > Some(now + 5 * SECOND));
                write_at(&mut output, &mut connection, now, PACE);
            }
        }

        #[test]
        fn does_not_wait_for_output_that_does_not_leave() {
            let (mut output, mut connection, start) = begun();
            connection.send("hi").expect("it is open");
            close(&mut output, &mut connection, start);
            assert!(!write_at(&mut output, &mut connection, start, 1));
            let deadline = output.close_deadline().expect("it has begun");
            assert!(deadline < start + 26 * SECOND);
        }

        #[test]
        fn begins_once() {
            let (mut output, mut connection, start) = begun();
            close(&mut output, &mut connection, start);
            write_at(&mut output, &mut connection, start, usize::MAX);
            let deadline = output.close_deadline();
            output.begin_close(&connection, start + SECOND);
            write_at(&mut output, &mut connection, start + SECOND, usize::MAX);
            assert_eq!(output.close_deadline(), deadline);
        }

        #[test]
        fn has_its_time_at_once_if_nothing_is_left_to_be_written() {
            let (mut output, mut connection, start) = begun();
            peer_closes(&mut connection);
            write_at(&mut output, &mut connection, start, usize::MAX);
            output.begin_close(&connection, start + SECOND);
            assert_eq!(output.close_deadline(), Some(start + 6 * SECOND));
        }
    }

    mod a_buffer {
        use super::*;

        const LENGTH: usize = 50_000;

        #[test]
        fn of_a_large_message_goes_back_to_the_connection_once_it_is_written() {
            let (mut output, mut connection) = server();
            // The next message may be as long as this one.
            let header = [0x82, 0xFE, 0xC3, 0x50, 0, 0, 0, 0];
            let received = connection.receive(&mut [&header[..], &[0; LENGTH]].concat());
            let (_, Some(Event::Message(message))) = received.expect("it is legal") else {
                panic!("a message came");
            };
            connection.send(message).expect("it is open");
            // Once inside the header, once at its end, once inside the payload.
            for length in [2, 2, 1000, LENGTH - 1000] {
                write(&mut output, &mut connection, length);
                assert!(output.memory() >= LENGTH);
                assert!(connection.memory() < 1000);
            }
            expect_nothing(&mut output, &mut connection);
            assert!(output.memory() < 1000);
            assert!(connection.memory() >= LENGTH);
        }

        #[test]
        fn is_given_back_on_demand_unless_it_is_half_written() {
            let (mut output, mut connection) = server();
            connection.send(vec![0; 1000]).expect("it is open");
            write(&mut output, &mut connection, 1);
            output.release_memory();
            write(&mut output, &mut connection, 1003);
            output.release_memory();
            assert_eq!(output.memory(), 0);
        }
    }
}
