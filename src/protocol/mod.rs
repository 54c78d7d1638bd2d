//! Storey 1: bytes in, events and bytes out.
//!
//! Nothing here knows a socket, a thread, a clock, a file or a random source; time and mask keys are
//! the caller's. That is what lets a test, a fuzzer or a web page drive the very code that serves.
//!
//! Read in this order: [`rule`], [`close_code`], [`frame`], [`close`], [`utf8`], [`message`],
//! [`prepared`], [`connection`], then [`head`], [`request`], [`response`] and [`handshake`];
//! [`dissect`] shows what these do, byte by byte.

mod checks;
pub mod close;
pub mod close_code;
pub mod connection;
pub mod dissect;
pub mod frame;
pub mod handshake;
pub mod head;
pub mod message;
pub mod outgoing;
pub mod prepared;
pub mod request;
pub mod response;
pub mod rule;
pub mod utf8;

/// Which side of a connection an endpoint is. The client is the one that opened it, and the one that masks (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Opens the connection, masks what it sends.
    Client,
    /// Accepts the connection, masks nothing.
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// "client" or "server".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
