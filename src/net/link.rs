//! One socket and the protocol's view of it, shared by the threads that use a connection.
//!
//! Three locks, each held for one thing:
//!
//! | lock | held by | while |
//! |---|---|---|
//! | `reader` | the thread that reads | it waits for input |
//! | `writer` | the thread that writes | it waits for the peer to take output |
//! | `connection` | anyone | a frame is decoded or encoded; never while waiting |
//!
//! Whoever has something to send puts it into the connection's output and then writes, or leaves that
//! to the thread that is writing already. So frames never interleave, and nobody who only reads waits
//! for a slow peer. Locks are taken in the order of the table.

use super::error::{Error, Result};
use super::limits::Limits;
use super::reader::Reader;
use super::socket::{deadline_in, drain, is_passing, is_timeout, peer_does_not_read, write_within};
use super::tap::{Direction, Tap, Tapped};
use crate::protocol::Role;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::{Connection, Event, Misuse, State};
use crate::protocol::message::Message;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// What is written at a time, each within the write deadline.
const WRITE_CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Link {
    stream: Arc<TcpStream>,
    limits: Limits,
    reader: Mutex<Reader>,
    writer: Mutex<Writer>,
    connection: Mutex<Connection>,
    /// Whether the writer has bytes left that the connection has handed out.
    is_behind: AtomicBool,
    /// Whether our side of the TCP connection has ended.
    is_shut: AtomicBool,
    /// When the closing handshake is given up, once it has begun.
    close_deadline: OnceLock<Instant>,
    /// Held while the socket is in its non-blocking mode, which belongs to all its users. Those that
    /// wait take a call that did not for a time-out, and make it again.
    nonblocking: Mutex<()>,
    tapped: Tapped,
}

/// What is being written.
#[derive(Debug, Default)]
struct Writer {
    buffer: Vec<u8>,
    written: usize,
    /// Since when the peer has taken nothing.
    stalled: Option<Instant>,
}

/// How a wait for input ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// There is input, or the connection has ended.
    Over,
    /// The deadline passed first.
    TimedOut,
}

/// What a peer's silence comes to.
enum Silence {
    /// It goes on; when to judge it again.
    Lasts(Option<Duration>),
    /// There is input, or the connection has ended.
    Broken,
}

impl Link {
    /// Takes a stream that was [prepared](super::socket::prepare), and what arrived together with the
    /// head of the handshake.
    pub(super) fn new(
        stream: Arc<TcpStream>,
        connection: Connection,
        limits: Limits,
        behind_head: &[u8],
        tap: Option<Tap>,
    ) -> Self {
        let tapped = Tapped::new(tap);
        tapped.pass(Direction::Received, behind_head);
        Self {
            stream,
            limits,
            reader: Mutex::new(Reader::new(behind_head)),
            writer: Mutex::default(),
            connection: Mutex::new(connection),
            is_behind: AtomicBool::new(false),
            is_shut: AtomicBool::new(false),
            close_deadline: OnceLock::new(),
            nonblocking: Mutex::default(),
            tapped,
        }
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The protocol's state. Not to be held across anything that waits.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    /// The right to read.
    pub(super) fn reader(&self) -> MutexGuard<'_, Reader> {
        lock(&self.reader)
    }

    pub(super) fn state(&self) -> State {
        self.connection().state()
    }

    // Reading.

    /// The next message among the bytes already read; control frames before it are dealt with. A rule
    /// broken by the peer is answered before it is reported.
    pub(super) fn next_message(&self, reader: &mut Reader) -> Result<Option<Message>> {
        reader.is_attended = true;
        if let Some(message) = reader.waiting.take()? {
            return Ok(Some(message));
        }
        // What the peer did is worth more to the caller than whether it could be told.
        self.decode(reader).inspect_err(|_| drop(self.flush()))
    }

    fn decode(&self, reader: &mut Reader) -> Result<Option<Message>> {
        loop {
            let (used, event) = self.connection().receive(reader.unhandled())?;
            reader.used(used);
            match event {
                Some(Event::Message(message)) => return Ok(Some(message)),
                Some(Event::Pong(payload)) => reader.pong(&payload),
                Some(Event::Ping(_) | Event::Close(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Waits for input until `deadline`; without one, for ever. Output is written before.
    pub(super) fn wait(&self, reader: &mut Reader, deadline: Option<Instant>) -> Result<Wait> {
        reader.make_room();
        loop {
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(Wait::TimedOut);
            }
            let silence = match self.judge_silence(reader, now)? {
                Silence::Lasts(silence) => silence,
                Silence::Broken => return Ok(Wait::Over),
            };
            self.flush()?;
            if reader.rest(now) {
                self.connection().rest();
            }
            reader.set_timeout(&self.stream, now, deadline, silence)?;
            match (&*self.stream).read(reader.room()) {
                Err(error) if is_passing(&error) => {}
                read => return self.received(reader, read).map(|()| Wait::Over),
            }
        }
    }

    /// Takes what has arrived, or judges the silence, without waiting. All input must be used.
    pub(super) fn glance(&self, reader: &mut Reader) -> Result<()> {
        self.poll(reader)?;
        if reader.unhandled().is_empty() && self.state() != State::Closed {
            self.judge_silence(reader, Instant::now())?;
        }
        Ok(())
    }

    /// Takes what has arrived, without waiting for more.
    fn poll(&self, reader: &mut Reader) -> Result<()> {
        reader.make_room();
        match self.without_waiting(|mut stream| stream.read(reader.room())) {
            Err(error) if is_passing(&error) => Ok(()),
            read => self.received(reader, read),
        }
    }

    fn received(&self, reader: &mut Reader, read: io::Result<usize>) -> Result<()> {
        match read {
            Ok(0) => self.connection().receive_eof(),
            Ok(length) => {
                reader.received(length);
                self.tapped.pass(Direction::Received, reader.unhandled());
            }
            Err(error) => return Err(self.lost(error)),
        }
        Ok(())
    }

    /// A peer that has been silent for long is sent a ping; one that stays silent then is gone. All
    /// input must be used.
    fn judge_silence(&self, reader: &mut Reader, now: Instant) -> Result<Silence> {
        let Some(ping_after) = self.limits.ping_after else {
            return Ok(Silence::Lasts(None));
        };
        // A ping that is still on its way out cannot have been answered. Whether its way is free, the
        // write deadline judges.
        if reader.pinged().is_some() && self.is_writing() {
            reader.ping_waits(now);
        }
        let (since, allowed) = match reader.pinged() {
            Some(pinged) => (pinged, self.limits.pong_timeout),
            None => (reader.last_received(), ping_after),
        };
        let left = allowed.saturating_sub(now.saturating_duration_since(since));
        if !left.is_zero() {
            return Ok(Silence::Lasts(Some(left)));
        }
        // It may have spoken while nobody listened.
        self.poll(reader)?;
        if !reader.unhandled().is_empty() || self.state() == State::Closed {
            return Ok(Silence::Broken);
        }
        // Once we have closed, the close deadline has taken over.
        if self.state() == State::Closing {
            return Ok(Silence::Lasts(None));
        }
        if reader.pinged().is_some() {
            return Err(self.lost(io::Error::new(
                io::ErrorKind::TimedOut,
                "the peer is silent",
            )));
        }
        let payload = reader.ping(now);
        // It cannot be sent only if another thread has closed just now.
        let _ = self.connection().ping(&payload);
        self.flush_without_waiting()?;
        Ok(Silence::Lasts(Some(self.limits.pong_timeout)))
    }

    // Writing.

    /// Writes what waits to be written, unless another thread is at it: that one takes ours along.
    /// Ends our side of the TCP connection behind the last frame.
    pub(super) fn flush(&self) -> Result<()> {
        // Asked again after each write, because the writer may have been passed over meanwhile.
        while self.has_to_write() {
            let Some(mut writer) = try_lock(&self.writer) else {
                return Ok(());
            };
            self.write(&mut writer)?;
        }
        Ok(())
    }

    /// As [`flush`](Self::flush), but leaves to a later call what the peer does not take at once.
    pub(super) fn flush_without_waiting(&self) -> Result<()> {
        while self.has_to_write() {
            let Some(mut writer) = try_lock(&self.writer) else {
                return Ok(());
            };
            self.refill(&mut writer);
            match self.without_waiting(|mut stream| stream.write(writer.rest())) {
                Ok(written) => writer.wrote(written),
                Err(error) if is_timeout(&error) => {
                    let stalled = *writer.stalled.get_or_insert_with(Instant::now);
                    let is_dead = stalled.elapsed() >= self.limits.write_timeout;
                    return if is_dead {
                        Err(self.lost(peer_does_not_read()))
                    } else {
                        Ok(())
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(error)),
            }
            self.end_write(&mut writer);
        }
        Ok(())
    }

    /// Waits until no more than the allowed backlog is queued, or nothing can be queued any more.
    pub(super) fn wait_for_room(&self) -> Result<()> {
        while self.is_full() {
            let mut writer = lock(&self.writer);
            // Whoever had it before may have made room, or have failed.
            if self.is_full() {
                self.write(&mut writer)?;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let connection = self.connection();
        connection.state() == State::Open && connection.output_length() > self.limits.max_backlog
    }

    /// Bytes queued and not yet being written.
    pub(super) fn backlog(&self) -> usize {
        self.connection().output_length()
    }

    /// Whether anything that is to be sent has not been handed to the system yet.
    fn is_writing(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed) || self.connection().has_output()
    }

    fn has_to_write(&self) -> bool {
        if self.is_behind.load(Ordering::Relaxed) {
            return !self.is_shut.load(Ordering::Relaxed);
        }
        let connection = self.connection();
        connection.has_output()
            || (self.is_last_word(&connection) && !self.is_shut.load(Ordering::Relaxed))
    }

    fn write(&self, writer: &mut Writer) -> Result<()> {
        self.refill(writer);
        while !writer.rest().is_empty() {
            let chunk = writer.rest().len().min(WRITE_CHUNK);
            let deadline = deadline_in(self.limits.write_timeout);
            write_within(&self.stream, &writer.rest()[..chunk], deadline)
                .map_err(|error| self.lost(error))?;
            writer.wrote(chunk);
        }
        self.end_write(writer);
        Ok(())
    }

    fn refill(&self, writer: &mut Writer) {
        if writer.rest().is_empty() {
            self.connection().take_output(&mut writer.buffer);
            self.tapped.pass(Direction::Sent, &writer.buffer);
            self.is_behind.store(true, Ordering::Relaxed);
        }
    }

    fn end_write(&self, writer: &mut Writer) {
        if !writer.rest().is_empty() {
            return;
        }
        writer.clear();
        self.is_behind.store(false, Ordering::Relaxed);
        if self.is_last_word(&self.connection()) && !self.is_shut.swap(true, Ordering::Relaxed) {
            // Only our half, so that the peer can still read what was sent.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    /// Whether our side of the TCP connection is to end now. §7.1.1: the server ends first.
    fn is_last_word(&self, connection: &Connection) -> bool {
        connection.role() == Role::Server
            && connection.state() == State::Closed
            && !connection.has_output()
    }

    // Ending.

    /// Queues a Close and starts its deadline.
    pub(super) fn close(&self, code: CloseCode, reason: &str) -> std::result::Result<(), Misuse> {
        self.connection().close(code, reason)?;
        self.close_deadline();
        Ok(())
    }

    /// When the closing handshake is given up; begins it if it has not begun.
    pub(super) fn close_deadline(&self) -> Instant {
        *self
            .close_deadline
            .get_or_init(|| deadline_in(self.limits.close_timeout))
    }

    /// Ends the TCP connection in the order of §7.1.1. Waits for the peer's end of it until the close
    /// deadline: input left unread would turn the end into a reset, which can destroy our Close on its
    /// way.
    pub(super) fn end(&self) {
        self.connection().receive_eof();
        // A failed write has ended the connection already.
        let _ = self.flush();
        drain(&self.stream, self.close_deadline());
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Ends the connection as if it were lost; whoever waits on it is woken.
    pub(super) fn cut(&self) {
        self.connection().receive_eof();
        self.is_shut.store(true, Ordering::Relaxed);
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// After a failed read or write a frame may be torn: nothing more is read or sent.
    fn lost(&self, error: io::Error) -> Error {
        self.cut();
        error.into()
    }

    // What the caretaker does.

    /// Does what is due while the connection's own thread is busy elsewhere: answers pings and Closes,
    /// judges silence, goes on writing for a slow peer.
    pub(super) fn tend(&self) {
        if self
            .close_deadline
            .get()
            .is_some_and(|deadline| *deadline <= Instant::now())
        {
            return self.cut();
        }
        if let Some(mut reader) = try_lock(&self.reader) {
            // A thread that has just been here will be back, and what it is about to send belongs ahead
            // of the reply to a Close.
            let is_attended = std::mem::take(&mut reader.is_attended);
            let is_over = self.state() == State::Closed || reader.waiting.has_failed();
            if !is_attended && !is_over {
                if let Err(error) = self.read_ahead(&mut reader) {
                    reader.waiting.fail(error);
                }
            }
        }
        // What was merely fed waits for its thread; the rest does not.
        if self.is_behind.load(Ordering::Relaxed) || self.connection().is_urgent() {
            // A failure has ended the connection: its thread finds out.
            let _ = self.flush_without_waiting();
        }
    }

    /// Decodes what has arrived, as long as not too much waits for the connection's own thread.
    fn read_ahead(&self, reader: &mut Reader) -> Result<()> {
        let mut has_polled = false;
        while !reader.waiting.is_full() {
            match self.decode(reader)? {
                Some(message) => reader.waiting.push(message),
                None if has_polled => break,
                None => {
                    has_polled = true;
                    self.poll(reader)?;
                }
            }
        }
        // Whoever does not listen cannot tell silence.
        if reader.waiting.is_full() {
            return Ok(());
        }
        self.judge_silence(reader, Instant::now()).map(drop)
    }

    fn without_waiting<T>(&self, call: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        let _only_one = lock(&self.nonblocking);
        self.stream.set_nonblocking(true)?;
        let done = call(&self.stream);
        self.stream.set_nonblocking(false)?;
        done
    }
}

impl Writer {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Makes it ready for more. The buffer of a large message is not kept.
    fn clear(&mut self) {
        self.written = 0;
        self.buffer.clear();
        if self.buffer.capacity() > 2 * WRITE_CHUNK {
            self.buffer = Vec::new();
        }
    }

    fn wrote(&mut self, length: usize) {
        self.written += length;
        self.stalled = None;
    }
}

/// Nothing here panics while it holds a lock, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
