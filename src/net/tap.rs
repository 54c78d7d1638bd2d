//! Watching the bytes of a connection as they pass.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Which way bytes pass, seen from this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer: what one read of the socket gave, cut anywhere.
    Received,
    /// To the peer: what is about to be written, whole frames.
    Sent,
}

/// Called with every byte that passes over a connection after its handshake, masked as on the wire. The
/// bytes of one direction come in their order. The two directions may come from two threads at once.
///
/// A tap should be quick: its connection waits for it, and now and then so does the thread that looks
/// after all connections. It must not wait for its own connection, neither to receive from it nor to
/// send on it ([`WhenFull::Refuse`](crate::WhenFull) does not wait); anything else it may call. If it
/// panics, its connection ends.
pub type Tap = Box<dyn Fn(Direction, &[u8]) + Send + Sync>;

/// A connection's tap, if it has one.
#[derive(Default)]
pub(super) struct Tapped(Option<Tap>);

impl Tapped {
    pub(super) fn new(tap: Option<Tap>) -> Self {
        Self(tap)
    }

    /// Shows bytes to the tap. The error says that it panicked.
    pub(super) fn pass(&self, direction: Direction, bytes: &[u8]) -> Result<(), &'static str> {
        match &self.0 {
            Some(tap) if !bytes.is_empty() => {
                catch_unwind(AssertUnwindSafe(|| tap(direction, bytes)))
                    .map_err(|_| "the connection's tap panicked")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Tapped"
        } else {
            "Untapped"
        })
    }
}
