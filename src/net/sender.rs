//! Sending from any thread.

use super::error::{Error, Result};
use super::link::{Link, Queue};
use super::output::Patience;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::Misuse;
use crate::protocol::outgoing::Outgoing;
use std::sync::{Arc, Weak};

/// What a [`Sender`] does when its peer's backlog is full
/// ([`Limits::max_backlog`](crate::Limits::max_backlog)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
///     std::thread::spawn(move || sender.send("from another thread"));
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

    /// Sends a message (§6.1), after those that were sent before from any thread.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the connection is closing or closed; [`Error::Backlogged`] when the
    /// peer is too slow and this sender does not wait; [`Error::Overloaded`] when there is no memory for
    /// the message; [`Error::Io`] when the connection was lost, or when the peer did not take the message
    /// in time.
    pub fn send<'a>(&self, message: impl Into<Outgoing<'a>>) -> Result<()> {
        let message = message.into();
        let length = message.as_bytes().len();
        self.queue(length, |connection| connection.send(message))
    }

    /// Sends a ping of at most 125 bytes (§5.5.2), as [`WebSocket::ping`](crate::WebSocket::ping) does, where its pong
    /// is told.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`Error::Misuse`] also for a longer payload.
    pub fn ping(&self, payload: impl AsRef<[u8]>) -> Result<()> {
        let payload = payload.as_ref();
        self.link()?.ping(payload, || {
            self.queue(payload.len(), |connection| connection.ping(payload))
        })
    }

    /// A sender of bytes as they are, for tests and for learners.
    #[must_use]
    pub fn raw(&self) -> RawSender {
        RawSender(self.clone())
    }

    /// Starts the closing handshake (§7.1.2) after all that was sent before, without waiting for its end:
    /// the connection's own thread sees to that, or the connection is cut at the deadline that
    /// [`WebSocket::close`](crate::WebSocket::close) tells of. The code may be `None`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] for a code that must not be sent, for a reason without a code, and when the
    /// connection is closing or closed already; [`Error::Io`] when it was lost.
    pub fn close(&self, code: impl Into<Option<CloseCode>>, reason: &str) -> Result<()> {
        let link = self.link()?;
        link.close(code, reason)?;
        link.flush(Patience::Now)
    }

    /// Ends the TCP connection at once and without a Close, whatever anybody waits for, as a line that is cut
    /// would: for tests and for learners, and for a peer that deserves no goodbye.
    ///
    /// What waits in the queue is dropped; what the system has taken already may still arrive. The peer finds
    /// the end of the connection without a Close, which its API calls 1006 (§7.1.5). So does this side: whoever
    /// receives gets the messages that were read ahead, then the end ([`was_cut_off`](crate::WebSocket::was_cut_off), with
    /// [`CloseCode::ABNORMAL`] unless the peer's Close had come before), and whoever sends fails, with
    /// [`Error::Io`] if it was waiting for the peer. A connection that has ended stays as it is.
    pub fn cut(&self) {
        if let Ok(link) = self.link() {
            link.cut();
        }
    }

    /// Bytes that wait in the queue: what the peer has been too slow to take, and what was
    /// [fed](crate::WebSocket::feed).
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.link().map_or(0, |link| link.backlog())
    }

    fn queue(&self, length: usize, queue: impl Queue) -> Result<()> {
        let link = self.link()?;
        match self.when_full {
            WhenFull::Wait => link.send(length, queue),
            WhenFull::Refuse => link.send_now(length, queue),
        }
    }

    fn link(&self) -> Result<Arc<Link>> {
        self.link.upgrade().ok_or(Error::Misuse(Misuse::Closed))
    }
}

/// Sends bytes as they are, frames or not, from [`Sender::raw`]: the peer may well find that they break
/// a rule.
///
/// ```
/// # let server = plainws::Server::bind("127.0.0.1:0")?.route("/", |ws| ws.receive().map(drop));
/// # let url = format!("ws://{}/", server.local_addr()?);
/// # std::thread::spawn(move || server.serve());
/// let ws = plainws::connect(&url)?;
/// ws.sender().raw().send(b"\x83\x80\0\0\0\0")?; // a frame with a reserved opcode (§5.2)
/// assert_eq!(ws.receive()?, None);
/// let reason = ws.close_reason().expect("it has ended");
/// assert_eq!(reason.code, plainws::CloseCode::PROTOCOL_ERROR);
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RawSender(Sender);

impl RawSender {
    /// Sends the bytes.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        self.0
            .queue(bytes.len(), |connection| connection.push_raw(bytes))
    }
}
