//! Watching the bytes of a connection as they pass.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// Which way bytes pass, seen from this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer: what one read of the socket gave, cut anywhere.
    Received,
    /// To the peer: what is about to be written, a whole head or whole frames. A large frame takes two
    /// calls: the first has its header, after the frames before it, and the second its payload. So do the
    /// head and the body of a refusal.
    Sent,
}

/// Called with every byte that passes over a connection, from the first of its opening handshake on.
///
/// The bytes are masked as on the wire. Those of one direction come once and in their order. The two directions
/// may come from two threads at once, but not during the handshake.
///
/// A client's tap is shown the request, and the response as it is read. If that refuses, its body follows as
/// far as it is read, and nothing more. A server's tap is made for a request that asks for a WebSocket
/// connection, once that is complete: it is first shown the head of this request in one piece, then what
/// came with it after its end, and then the answer, be it 101 or a refusal. Requests for pages before it, on
/// the same TCP connection, are not shown. At either end, what is only read to be thrown away after the last
/// frame is not shown.
///
/// A tap should be quick: its connection waits for it, and now and then so does the thread that answers
/// pings and finds dead peers for all connections. It must not wait for a message of its own connection;
/// anything else it may call. A send on its own connection while it is shown what is sent does not wait
/// for room: it fails with [`Error::Backlogged`](crate::Error::Backlogged). If the tap panics, its
/// connection ends.
pub type Tap = Box<dyn Fn(Direction, &[u8]) + Send + Sync>;

/// A connection's tap, if it has one.
#[derive(Default)]
pub(super) struct Tapped {
    tap: Option<Tap>,
    /// The thread in which the tap is being shown what is sent.
    showing_sent: Mutex<Option<ThreadId>>,
}

impl Tapped {
    pub(super) fn new(tap: Option<Tap>) -> Self {
        Self {
            tap,
            showing_sent: Mutex::default(),
        }
    }

    pub(super) const fn is_tapped(&self) -> bool {
        self.tap.is_some()
    }

    /// Shows bytes to the tap, in pieces of which some may be empty. The error says that it panicked.
    pub(super) fn pass(&self, direction: Direction, pieces: [&[u8]; 2]) -> io::Result<()> {
        let Some(tap) = &self.tap else {
            return Ok(());
        };
        for bytes in pieces.into_iter().filter(|bytes| !bytes.is_empty()) {
            self.note_thread(direction, Some(thread::current().id()));
            let shown = catch_unwind(AssertUnwindSafe(|| tap(direction, bytes)));
            self.note_thread(direction, None);
            shown.map_err(|_| io::Error::other("the connection's tap panicked"))?;
        }
        Ok(())
    }

    /// Whether the tap is being shown what is sent and has called back. That thread is the one that
    /// writes, so it must not wait for the one that writes.
    pub(super) fn calls_while_sending(&self) -> bool {
        self.tap.is_some() && *self.showing_sent() == Some(thread::current().id())
    }

    fn note_thread(&self, direction: Direction, thread: Option<ThreadId>) {
        if direction == Direction::Sent {
            *self.showing_sent() = thread;
        }
    }

    fn showing_sent(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.showing_sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropping a tap runs the user's code as well, at times in the thread that looks after all connections,
/// and that code may panic.
impl Drop for Tapped {
    fn drop(&mut self) {
        let tap = self.tap.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(tap)));
    }
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tap.is_some() {
            "Tapped"
        } else {
            "Untapped"
        })
    }
}
