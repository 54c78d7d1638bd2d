//! Storey 1: bytes in, events and bytes out.
//!
//! Nothing here knows a socket, a thread, a clock, a file or a random source; time and mask keys are
//! the caller's. That is what lets a test, a fuzzer or a web page drive the very code that serves.
//!
//! Read in this order: first what concerns frames, [`rule`], [`close_code`], [`frame`], [`close`], [`utf8`],
//! [`landing`], [`message`], [`prepared`], [`outgoing`], [`outbox`], [`connection`]; then what concerns heads,
//! [`head`], `checks`, [`request`], [`response`], [`chunks`], [`handshake`]; at last [`dissect`], which shows what all these
//! do, byte by byte.
//!
//! # Words
//!
//! - A *frame* is a header and a payload (§5.2). *Control* frames are close, ping and pong (§5.5), all others
//!   are *data* frames (§5.6).
//! - A *message* is a text or bytes. It is sent in one data frame or in several, its *fragments* (§5.4), and is
//!   *open* from the first to the last of them. Control frames may stand between.
//! - The *opening handshake* comes before all frames: a request of HTTP, and the response to it (§4). The *head* of
//!   either is its first line and its headers.
//! - The *closing handshake* is a Close frame each way (§7.1.2).
//! - The *peer* is the other end of the connection.

//! # Decoders
//!
//! What reads bytes that may not all be there answers in one shape, `Result<Option<T>, Rule>`, with the bytes
//! after the end where there can be any, `Result<Option<(T, &[u8])>, Rule>`:
//!
//! - `Ok(Some(..))`: it is complete;
//! - `Ok(None)`: it is legal so far; more must come;
//! - `Err(rule)`: a rule is broken, and no further byte can mend that.
//!
//! [`frame::Header::decode`] and [`close::decode`] are given all the bytes again together with the new ones,
//! [`head::Decoder::receive`] the new ones only. Two are of another kind: text has no end of its own, so
//! [`utf8::Decoder`] hands out characters as they become whole; and a [`connection::Connection`] has no end
//! but its last event, so it hands out events one by one.

mod checks;
pub mod chunks;
pub mod close;
pub mod close_code;
pub mod connection;
pub mod dissect;
pub mod frame;
pub mod handshake;
pub mod head;
pub mod landing;
pub mod message;
pub mod outbox;
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
