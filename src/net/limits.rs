//! Every size and deadline of a connection, with its default and the reason for it.

use crate::protocol::{head, message};
use std::time::Duration;

/// What one connection may cost, and how long it may keep anyone waiting.
///
/// ```
/// use plainws::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { close_timeout: Duration::from_secs(1), ..Limits::default() };
/// assert_eq!(limits.head.max_bytes, 16 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes and header fields of a request's or a response's head.
    pub head: head::Limits,
    /// Bytes and fragments of a message.
    pub message: message::Limits,
    /// From the first wait for a head to its last byte. Default 10 s: a head is one or two packets, so
    /// even a very slow line needs no more; without this, one byte now and then would hold a thread for
    /// ever. It is also how long a kept-alive HTTP connection may rest between two requests.
    pub head_timeout: Duration,
    /// From our Close to the peer's, and for the peer to end its side of the TCP connection (§7.1.1).
    /// Default 5 s: a live peer answers within a round trip.
    pub close_timeout: Duration,
    /// For each 64 KiB to be taken by the peer. Default 10 s: slower is not a line but a peer that has
    /// stopped reading.
    pub write_timeout: Duration,
    /// Bytes queued for a slow peer. Default 1 MiB: beyond it a sender waits or is refused, as it
    /// chooses ([`WhenFull`](crate::WhenFull)).
    pub max_backlog: usize,
    /// Silence after which a peer is sent a ping; `None` never sends one. Default 20 s: below the 30 to
    /// 60 s after which routers forget a quiet connection.
    pub ping_after: Option<Duration>,
    /// Silence after that ping which means that the peer is gone. Default 20 s: any byte counts, so
    /// only a dead line is silent that long.
    pub pong_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: head::Limits::default(),
            message: message::Limits::default(),
            head_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(10),
            max_backlog: 1024 * 1024,
            ping_after: Some(Duration::from_secs(20)),
            pong_timeout: Duration::from_secs(20),
        }
    }
}
