//! Watching the bytes of a connection as they pass.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Which way bytes pass, seen from this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer: what one read of the socket gave, cut anywhere.
    Received,
    /// To the peer: what is about to be written, whole frames.
    Sent,
}

/// Called with all bytes of a connection behind its handshake, masked as they are on the wire. It should
/// be quick: its connection waits meanwhile, and at times the thread that looks after all of them. If it
/// panics, the connection ends.
pub type Tap = Box<dyn FnMut(Direction, &[u8]) + Send>;

/// A place for a tap; empty, it costs a look.
#[derive(Default)]
pub(super) struct Tapped(Option<Mutex<Tap>>);

impl Tapped {
    pub(super) fn new(tap: Option<Tap>) -> Self {
        Self(tap.map(Mutex::new))
    }

    pub(super) fn pass(&self, direction: Direction, bytes: &[u8]) {
        if let (Some(tap), false) = (&self.0, bytes.is_empty()) {
            let mut tap = tap.lock().unwrap_or_else(PoisonError::into_inner);
            tap(direction, bytes);
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
