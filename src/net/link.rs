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
//! for a slow peer.

use super::error::{Error, Result};
use super::limits::Limits;
use crate::protocol::Role;
use crate::protocol::connection::{Connection, Event, State};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// The read buffer of a connection at rest: room for many small messages.
const SMALL_BUFFER: usize = 4 * 1024;
/// The read buffer of a connection that receives large messages.
const LARGE_BUFFER: usize = 64 * 1024;
/// What is written at a time, each within the write deadline.
const WRITE_CHUNK: usize = 64 * 1024;
/// After this long without input large buffers are given back.
const REST: Duration = Duration::from_secs(1);
/// A socket refuses a time-out of zero.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    limits: Limits,
    connection: Mutex<Connection>,
    reader: Mutex<Reader>,
    /// What is being written.
    writer: Mutex<Vec<u8>>,
    /// Whether our side of the TCP connection has ended.
    is_shut: AtomicBool,
}

/// What was read, and what the connection has not seen of it yet.
#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    unhandled: Range<usize>,
    /// The time-out that the socket has now, so that an unchanged one costs no system call.
    timeout: Option<Duration>,
}

/// How a wait for input ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// There is input, or the connection has ended.
    Over,
    /// The deadline passed first.
    TimedOut,
}

impl Link {
    /// Takes a stream that was [prepared](prepare), and what arrived together with the head of the
    /// handshake.
    pub(super) fn new(
        stream: TcpStream,
        connection: Connection,
        limits: Limits,
        behind_head: &[u8],
    ) -> io::Result<Self> {
        stream.set_read_timeout(None)?;
        let reader = Reader {
            buffer: behind_head.to_vec(),
            unhandled: 0..behind_head.len(),
            timeout: None,
        };
        Ok(Self {
            stream,
            limits,
            connection: Mutex::new(connection),
            reader: Mutex::new(reader),
            writer: Mutex::new(Vec::new()),
            is_shut: AtomicBool::new(false),
        })
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

    /// The next event among the bytes already read.
    ///
    /// A rule broken by the peer is answered before it is reported.
    pub(super) fn next_event(&self, reader: &mut Reader) -> Result<Option<Event>> {
        let unhandled = &mut reader.buffer[reader.unhandled.clone()];
        let received = self.connection().receive(unhandled);
        match received {
            Ok((used, event)) => {
                reader.unhandled.start += used;
                Ok(event)
            }
            Err(rule) => {
                // What the peer did is worth more to the caller than whether it could be told.
                let _ = self.flush();
                Err(rule.into())
            }
        }
    }

    /// Waits for input until `deadline`; without one, for ever.
    pub(super) fn wait(&self, reader: &mut Reader, deadline: Option<Instant>) -> Result<Wait> {
        reader.prepare();
        loop {
            let Some(left) = time_left(deadline) else {
                return Ok(Wait::TimedOut);
            };
            let rest = reader.has_large_buffer().then_some(REST);
            reader.set_timeout(&self.stream, left.into_iter().chain(rest).min())?;
            match (&self.stream).read(&mut reader.buffer) {
                Err(error) if is_timeout(&error) => {
                    reader.rest();
                    self.connection().rest();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return self.received(reader, read).map(|()| Wait::Over),
            }
        }
    }

    /// Takes what has arrived, without waiting for more.
    pub(super) fn poll(&self, reader: &mut Reader) -> Result<()> {
        reader.prepare();
        self.stream.set_nonblocking(true)?;
        let read = (&self.stream).read(&mut reader.buffer);
        self.stream.set_nonblocking(false)?;
        match read {
            Err(error) if is_timeout(&error) => Ok(()),
            read => self.received(reader, read),
        }
    }

    fn received(&self, reader: &mut Reader, read: io::Result<usize>) -> Result<()> {
        match read {
            Ok(0) => self.connection().receive_eof(),
            Ok(length) => reader.unhandled = 0..length,
            Err(error) => return Err(self.lost(error)),
        }
        Ok(())
    }

    /// Writes what waits to be written, unless another thread is at it: that one takes ours along.
    /// Ends our side of the TCP connection behind the last frame.
    pub(super) fn flush(&self) -> Result<()> {
        // Asked again after each write, because the writer may have been passed over meanwhile.
        while self.has_to_write() {
            let mut buffer = match self.writer.try_lock() {
                Ok(buffer) => buffer,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(()),
            };
            self.write(&mut buffer)?;
        }
        Ok(())
    }

    fn has_to_write(&self) -> bool {
        let connection = self.connection();
        connection.output_length() > 0
            || (self.is_last_word(&connection) && !self.is_shut.load(Ordering::Relaxed))
    }

    fn write(&self, buffer: &mut Vec<u8>) -> Result<()> {
        self.connection().take_output(buffer);
        for chunk in buffer.chunks(WRITE_CHUNK) {
            let deadline = Instant::now() + self.limits.write_timeout;
            write_within(&self.stream, chunk, deadline).map_err(|error| self.lost(error))?;
        }
        if self.is_last_word(&self.connection()) && !self.is_shut.swap(true, Ordering::Relaxed) {
            // Only our half, so that the peer can still read what was sent.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    /// Whether our side of the TCP connection is to end now. §7.1.1: the server ends first.
    fn is_last_word(&self, connection: &Connection) -> bool {
        connection.role() == Role::Server
            && connection.state() == State::Closed
            && connection.output_length() == 0
    }

    /// Ends the TCP connection in the order of §7.1.1. Waits for the peer's end of it until `deadline`:
    /// input left unread would turn the end into a reset, which can destroy our Close on its way.
    pub(super) fn end(&self, deadline: Instant) {
        self.connection().receive_eof();
        // A failed write has ended the connection already.
        let _ = self.flush();
        drain(&self.stream, deadline);
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// After a failed read or write a frame may be torn: nothing more is read or sent.
    fn lost(&self, error: io::Error) -> Error {
        self.connection().receive_eof();
        self.is_shut.store(true, Ordering::Relaxed);
        let _ = self.stream.shutdown(Shutdown::Both);
        error.into()
    }
}

impl Reader {
    /// Makes room for a read: more than before if the last one filled it.
    fn prepare(&mut self) {
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

    fn has_large_buffer(&self) -> bool {
        self.buffer.len() > SMALL_BUFFER
    }

    fn rest(&mut self) {
        self.buffer.truncate(SMALL_BUFFER);
        self.buffer.shrink_to_fit();
    }

    fn set_timeout(&mut self, stream: &TcpStream, timeout: Option<Duration>) -> io::Result<()> {
        if timeout != self.timeout {
            stream.set_read_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

/// Nothing here panics while it holds a lock, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a socket fit for [`write_within`].
pub(super) fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    // One write carries whole frames: there is nothing that a delay could add to it.
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(limits.write_timeout.max(SHORTEST_TIMEOUT)))
}

/// Both kinds mean "no data yet": which one comes depends on the system.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// What is left until a deadline, or `None` when it has passed. Without a deadline, `Some(None)`.
pub(super) fn time_left(deadline: Option<Instant>) -> Option<Option<Duration>> {
    let Some(deadline) = deadline else {
        return Some(None);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| Some(left.max(SHORTEST_TIMEOUT)))
}

/// Writes all of `bytes`, or fails with [`io::ErrorKind::TimedOut`] at the deadline. The socket must
/// have been [prepared](prepare): with any write time-out, no write waits for ever.
pub(super) fn write_within(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    deadline: Instant,
) -> io::Result<()> {
    loop {
        match stream.write(bytes) {
            Ok(written) if written == bytes.len() => return Ok(()),
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted || is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
        let Some(left) = time_left(Some(deadline)) else {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the peer does not take what is sent to it",
            ));
        };
        stream.set_write_timeout(left)?;
    }
}

/// Reads and discards until the peer ends its side, at most until `deadline`.
pub(super) fn drain(mut stream: &TcpStream, deadline: Instant) {
    let mut discarded = [0; 4096];
    while let Some(left) = time_left(Some(deadline)) {
        if stream.set_read_timeout(left).is_err() {
            return;
        }
        match stream.read(&mut discarded) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted || is_timeout(&error) => {}
            Ok(0) | Err(_) => return,
        }
    }
}
