//! Sending from any thread.

use super::error::{Error, Result};
use super::link::{Link, Queue};
use super::output::Patience;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::Misuse;
use crate::protocol::message::Message;
use crate::protocol::prepared::PreparedMessage;
use std::sync::{Arc, Weak};

/// What a [`Sender`] does when its peer's backlog is full
/// ([`Limits::max_backlog`](crate::Limits::max_backlog)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Wait for the peer to take something, until the write deadline ends the connection
    /// ([`Limits::write_timeout`](crate::Limits::write_timeout)).
    #[default]
    Wait,
    /// Fail with [`Error::Backlogged`]. Such a sender never waits for its peer at all: what the peer
    /// does not take at once is sent later. For one thread that sends to many.
    Refuse,
}

/// Sends on a connection from any thread, also while the connection's own thread waits for messages.
///
/// Frames of several senders never interleave. A sender does not keep the connection alive: when its
/// [`WebSocket`](crate::WebSocket) is dropped, every call fails with [`Misuse::Closed`].
///
/// ```no_run
/// fn handler(ws: &mut plainws::WebSocket) -> plainws::Result<()> {
///     let sender = ws.sender();
///     std::thread::spawn(move || sender.send_text("from another thread"));
///     while let Some(message) = ws.receive()? {
///         println!("{message:?}");
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sender {
    link: Weak<Link>,
    when_full: WhenFull,
}

impl Sender {
    pub(super) fn new(link: &Arc<Link>) -> Self {
        Self {
            link: Arc::downgrade(link),
            when_full: WhenFull::default(),
        }
    }

    /// The same sender with another way to treat a slow peer.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the connection is closing or closed; [`Error::Backlogged`] when the
    /// peer is too slow and this sender does not wait; [`Error::Io`] when the connection was lost, or
    /// when the peer did not take the message in time.
    pub fn send(&self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        self.queue(message.as_bytes().len(), |connection| {
            connection.send(message)
        })
    }

    /// Sends a text message.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_text(&self, text: &str) -> Result<()> {
        self.queue(text.len(), |connection| connection.send_text(text))
    }

    /// Sends a binary message.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_binary(&self, bytes: &[u8]) -> Result<()> {
        self.queue(bytes.len(), |connection| connection.send_binary(bytes))
    }

    /// Sends a message that was encoded before.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_prepared(&self, prepared: &PreparedMessage) -> Result<()> {
        self.queue(prepared.message().as_bytes().len(), |connection| {
            connection.send_prepared(prepared)
        })
    }

    /// Sends a ping of at most 125 bytes (§5.5.2).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`Error::Misuse`] also for a longer payload.
    pub fn ping(&self, payload: &[u8]) -> Result<()> {
        self.queue(payload.len(), |connection| connection.ping(payload))
    }

    /// Sends bytes as they are, frames or not. For tests and for learners: the peer may well find that
    /// they break a rule.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_raw(&self, bytes: &[u8]) -> Result<()> {
        self.queue(bytes.len(), |connection| connection.send_raw(bytes))
    }

    /// Starts the closing handshake (§7.1.2) behind all that was sent before, without waiting for its
    /// end: the connection's own thread sees that.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] for a code that must not be sent, and when the connection is closing or
    /// closed already.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<()> {
        let link = self.link()?;
        link.close(code, reason)?;
        link.flush(Patience::Now)
    }

    /// Bytes queued for the peer and not taken by it yet: how far it is behind.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.link().map_or(0, |link| link.backlog())
    }

    fn queue(&self, length: usize, queue: impl Queue) -> Result<()> {
        let link = self.link()?;
        match self.when_full {
            WhenFull::Wait => link.send(queue),
            WhenFull::Refuse => link.send_now(length, queue),
        }
    }

    fn link(&self) -> Result<Arc<Link>> {
        self.link.upgrade().ok_or(Error::Misuse(Misuse::Closed))
    }
}
