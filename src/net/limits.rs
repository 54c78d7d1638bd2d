//! Every size and deadline of a connection, with its default and the reason for it.

use crate::protocol::{head, message};
use std::time::Duration;

/// What one connection may cost, and how long it may keep anyone waiting.
///
/// ```
/// use plainws::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::default()
///     .close_timeout(Duration::from_secs(1))
///     .ping_after(None);
/// assert_eq!(limits.head.max_bytes, 16 * 1024);
///
/// // The others have their defaults.
/// let seconds = Duration::from_secs;
/// assert_eq!(limits.message.max_bytes, 16 * 1024 * 1024);
/// assert_eq!(limits.head_timeout, seconds(10));
/// assert_eq!(limits.keep_alive_timeout, seconds(75));
/// assert_eq!(limits.message_timeout, seconds(60));
/// assert_eq!(limits.write_timeout, seconds(10));
/// assert_eq!(limits.transit_timeout, seconds(60));
/// assert_eq!(limits.max_backlog, 1024 * 1024);
/// assert_eq!(limits.pong_timeout, seconds(20));
/// assert_eq!(Limits::default().ping_after, Some(seconds(20)));
/// assert_eq!(Limits::default().close_timeout, seconds(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes and header fields of a request's or a response's head.
    pub head: head::Limits,
    /// Bytes and fragments of a message.
    pub message: message::Limits,
    /// From the first wait for a head to its last byte. Default 10 s: a head is one or two packets, so
    /// even a very slow line needs no more; without this, one byte now and then would hold a thread
    /// without an end. On a kept-alive HTTP connection it counts from the first byte of each later head, which may be
    /// waited for longer ([`keep_alive_timeout`](field@Self::keep_alive_timeout)). The handshake of TLS that comes
    /// before the first head may take as long.
    pub head_timeout: Duration,
    /// How long a kept-alive HTTP connection may wait for the first byte of its next request, from when the response
    /// can have arrived. Default 75 s: above the 60 s after which nginx and most balancers end a connection that
    /// they keep for later requests. If the server ends it first, a request may be on its way just then, which the
    /// proxy has to answer with `502 Bad Gateway`. So a proxy that keeps connections for longer needs more than this.
    ///
    /// While three quarters of the places are taken
    /// ([`max_connections`](crate::Server::max_connections), [`max_per_address`](crate::Server::max_per_address)), and
    /// while the server [drains](crate::Handle::drain) or stops, connections end after each response, which says so.
    pub keep_alive_timeout: Duration,
    /// From a request for a WebSocket connection to the decision of the code that is asked about it
    /// ([`Server::admit`](crate::Server::admit)). Default 10 s: who is asked in turn, a database or another server,
    /// answers in less or not at all. When it has passed, within about a tenth of a second, the peer is answered
    /// with 503, though that code cannot be interrupted and keeps its thread and its place until it returns.
    pub admit_timeout: Duration,
    /// From our Close to the peer's, and for the peer to end its side of the TCP connection (§7.1.1).
    /// Default 5 s: a live peer answers within a round trip. It begins when the Close can have arrived
    /// ([`transit_timeout`](field@Self::transit_timeout)).
    pub close_timeout: Duration,
    /// For each 64 KiB of a message that has begun, or its end, to arrive. Default 60 s: 1 KB/s is slower
    /// than any line, and what has arrived of a message takes memory until its end. Pings and pongs in
    /// between are no progress. A message that is later is refused with
    /// [`CloseCode::POLICY`](crate::CloseCode::POLICY), and the call that waits for it fails with
    /// [`TimedOut`](std::io::ErrorKind::TimedOut), within about a second of that. Time in which the
    /// connection is not read, because the handler is busy and enough was read ahead for it, does not
    /// count.
    pub message_timeout: Duration,
    /// For each 64 KiB to be taken by the peer. Default 10 s: slower is not a line but a peer that has
    /// stopped reading. A peer at this pace is served, even if the system tells of it in bursts only; one
    /// that takes nothing is given up after this time, or later if the system took much for it before
    /// ([`transit_timeout`](field@Self::transit_timeout)).
    pub write_timeout: Duration,
    /// The longest that bytes which the system has taken may be on their way to the peer. Default 60 s.
    ///
    /// The system may take megabytes for a peer at once, and does not say how many of them the peer has
    /// got. They are given the time that they need at the pace of
    /// [`write_timeout`](field@Self::write_timeout), but no more than this:
    /// - A peer that takes nothing any more is given up after at most this time and `write_timeout`
    ///   together: 70 s by default.
    /// - The answers to a ping and to our Close are due from when these can have arrived. So a peer that
    ///   is gone is found after at most `ping_after`, this time and `pong_timeout`: 100 s by default, and
    ///   40 s if little was sent to it before.
    ///
    /// The most that a system of default settings holds for one connection, 4 MiB on Linux, takes the
    /// default time at 70 KB/s. A peer that may be slower, and to which megabytes are sent at once, needs
    /// more.
    pub transit_timeout: Duration,
    /// Bytes queued for a slow peer. Default 1 MiB: beyond it a sender waits or is refused, as it
    /// chooses ([`WhenFull`](crate::WhenFull)).
    pub max_backlog: usize,
    /// Silence after which a peer is sent a ping, within about a tenth of a second; `None` never sends
    /// one. Default 20 s: below the 30 to 60 s after which routers forget a quiet connection.
    pub ping_after: Option<Duration>,
    /// Silence after that ping which means that the peer is gone. Default 20 s: any byte counts, so
    /// only a dead line is silent that long. It begins when the ping can have arrived
    /// ([`transit_timeout`](field@Self::transit_timeout)).
    pub pong_timeout: Duration,
}

impl Limits {
    /// The same with another [`head`](field@Self::head). Default 16 KiB and 100 headers.
    #[must_use]
    pub const fn head(mut self, head: head::Limits) -> Self {
        self.head = head;
        self
    }

    /// The same with another [`message`](field@Self::message). Default 16 MiB.
    #[must_use]
    pub const fn message(mut self, message: message::Limits) -> Self {
        self.message = message;
        self
    }

    /// The same with another [`head_timeout`](field@Self::head_timeout). Default 10 s.
    #[must_use]
    pub const fn head_timeout(mut self, head_timeout: Duration) -> Self {
        self.head_timeout = head_timeout;
        self
    }

    /// The same with another [`keep_alive_timeout`](field@Self::keep_alive_timeout). Default 75 s.
    #[must_use]
    pub const fn keep_alive_timeout(mut self, keep_alive_timeout: Duration) -> Self {
        self.keep_alive_timeout = keep_alive_timeout;
        self
    }

    /// The same with another [`admit_timeout`](field@Self::admit_timeout). Default 10 s.
    #[must_use]
    pub const fn admit_timeout(mut self, admit_timeout: Duration) -> Self {
        self.admit_timeout = admit_timeout;
        self
    }

    /// The same with another [`close_timeout`](field@Self::close_timeout). Default 5 s.
    #[must_use]
    pub const fn close_timeout(mut self, close_timeout: Duration) -> Self {
        self.close_timeout = close_timeout;
        self
    }

    /// The same with another [`message_timeout`](field@Self::message_timeout). Default 60 s for each 64 KiB.
    #[must_use]
    pub const fn message_timeout(mut self, message_timeout: Duration) -> Self {
        self.message_timeout = message_timeout;
        self
    }

    /// The same with another [`write_timeout`](field@Self::write_timeout). Default 10 s for each 64 KiB.
    #[must_use]
    pub const fn write_timeout(mut self, write_timeout: Duration) -> Self {
        self.write_timeout = write_timeout;
        self
    }

    /// The same with another [`transit_timeout`](field@Self::transit_timeout). Default 60 s.
    #[must_use]
    pub const fn transit_timeout(mut self, transit_timeout: Duration) -> Self {
        self.transit_timeout = transit_timeout;
        self
    }

    /// The same with another [`max_backlog`](field@Self::max_backlog). Default 1 MiB.
    #[must_use]
    pub const fn max_backlog(mut self, max_backlog: usize) -> Self {
        self.max_backlog = max_backlog;
        self
    }

    /// The same with another [`ping_after`](field@Self::ping_after). Default 20 s.
    #[must_use]
    pub const fn ping_after(mut self, ping_after: Option<Duration>) -> Self {
        self.ping_after = ping_after;
        self
    }

    /// The same with another [`pong_timeout`](field@Self::pong_timeout). Default 20 s.
    #[must_use]
    pub const fn pong_timeout(mut self, pong_timeout: Duration) -> Self {
        self.pong_timeout = pong_timeout;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: head::Limits::default(),
            message: message::Limits::default(),
            head_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            admit_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            message_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
            transit_timeout: Duration::from_secs(60),
            max_backlog: 1024 * 1024,
            ping_after: Some(Duration::from_secs(20)),
            pong_timeout: Duration::from_secs(20),
        }
    }
}
