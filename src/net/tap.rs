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

/// Called with all bytes of a connection after its handshake, masked as they are on the wire: those of
/// one direction in their order, those of the two perhaps from two threads at once.
///
/// A tap should be quick, because its connection waits meanwhile, and at times so does the thread that
/// looks after all of them. It may call what it likes but must not wait for messages of its own
/// connection. If it panics, that connection ends.
pub type Tap = Box<dyn Fn(Direction, &[u8]) + Send + Sync>;

/// A place for a tap. An empty one costs a look.
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
