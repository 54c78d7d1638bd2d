//! A WebSocket connection as a handler or a client uses it: calls that block.

use super::caretaker;
use super::error::Result;
use super::limits::Limits;
use super::link::{Link, Waited};
use super::output::Patience;
use super::sender::Sender;
use super::stream::Stream;
use super::tap::Tap;
use crate::protocol::close::CloseReason;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::{Connection, Misuse, Traffic};
use crate::protocol::message::Message;
use crate::protocol::prepared::PreparedMessage;
use crate::protocol::request::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a wait with a time-out came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Message(Message),
    /// None within the time. Nothing is lost: half a message stays until its rest comes.
    TimedOut,
    /// The connection has ended; [`WebSocket::close_reason`] says how.
    Closed,
}

/// The request that opened a connection, and what was agreed on.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    pub(super) request: Request,
    pub(super) subprotocol: Option<String>,
    pub(super) peer: SocketAddr,
}

/// An established WebSocket connection.
///
/// Pings are answered and a Close is replied to while a call waits for a message. Dropping it closes
/// the connection with 1000, or 1011 while a panic unwinds, and waits for the peer's Close as
/// [`close`](Self::close) does.
///
/// ```no_run
/// fn echo(ws: &mut plainws::WebSocket) -> plainws::Result<()> {
///     while let Some(message) = ws.receive()? {
///         ws.send(message)?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct WebSocket {
    link: Arc<Link>,
    handshake: Handshake,
}

impl WebSocket {
    pub(super) fn new(
        stream: Arc<Stream>,
        connection: Connection,
        limits: Limits,
        after_head: &[u8],
        handshake: Handshake,
        tap: Option<Tap>,
    ) -> Self {
        let link = Arc::new(Link::new(stream, connection, limits, after_head, tap));
        caretaker::watch(&link);
        Self { link, handshake }
    }

    pub(super) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Waits for the next message. `None` is the end: a Close or the end of the peer's TCP connection.
    ///
    /// # Errors
    ///
    /// [`Error::Rule`](crate::Error::Rule) when the peer broke one: it has been told with a Close. [`Error::Io`](crate::Error::Io) when the
    /// connection was lost. Both end the connection.
    pub fn receive(&mut self) -> Result<Option<Message>> {
        match self.receive_until(None)? {
            Received::Message(message) => Ok(Some(message)),
            Received::TimedOut | Received::Closed => Ok(None),
        }
    }

    /// Waits for the next message, at most `timeout` long (to about 1 ms).
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_timeout(&mut self, timeout: Duration) -> Result<Received> {
        self.receive_until(Instant::now().checked_add(timeout))
    }

    /// The next message if it has arrived already.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive(&mut self) -> Result<Received> {
        self.receive_timeout(Duration::ZERO)
    }

    fn receive_until(&mut self, deadline: Option<Instant>) -> Result<Received> {
        Ok(match self.link.receive(deadline)? {
            Waited::Message(message) => Received::Message(message),
            Waited::TimedOut => Received::TimedOut,
            Waited::Ended => Received::Closed,
        })
    }

    /// Sends a message. Its buffer serves for one to come.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`](crate::Error::Misuse) when the connection is closing or closed; [`Error::Io`](crate::Error::Io) when it was lost, or
    /// when the peer did not take the message in time ([`Limits::write_timeout`]).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        self.link.send(|connection| connection.send(message))
    }

    /// Sends a text message.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, text: &str) -> Result<()> {
        self.link.send(|connection| connection.send_text(text))
    }

    /// Sends a binary message.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.link.send(|connection| connection.send_binary(bytes))
    }

    /// Sends a message that was encoded before.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, prepared: &PreparedMessage) -> Result<()> {
        self.link
            .send(|connection| connection.send_prepared(prepared))
    }

    /// A handle that sends on this connection from any thread, while this one waits for messages.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender::new(&self.link)
    }

    /// Queues a message to be sent with the next [`flush`](Self::flush), or before the next wait for
    /// a message. Answers to messages that arrived together then leave together.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send): above 64 KiB the queue is written.
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<()> {
        const MAX_QUEUED: usize = 64 * 1024;

        let message = message.into();
        self.link
            .feed(MAX_QUEUED, |connection| connection.send(message))
    }

    /// Writes what is queued.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn flush(&mut self) -> Result<()> {
        self.link.flush(Patience::Wait)
    }

    /// Sends a ping of at most 125 bytes (§5.5.2). The pong is taken note of by the next wait.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`Error::Misuse`](crate::Error::Misuse) also for a longer payload.
    pub fn ping(&mut self, payload: &[u8]) -> Result<()> {
        self.link.send(|connection| connection.ping(payload))
    }

    /// Closes the connection (§7.1.2): sends a Close, waits for the peer's, discarding messages, and
    /// ends the TCP connection. All in [`Limits::close_timeout`]. A reason of more than 123 bytes is
    /// cut between two characters. Closing a closed connection does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`](crate::Error::Misuse) for a code that must not be sent. Whether the peer answered is for
    /// [`close_reason`](Self::close_reason) to say.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<()> {
        match self.link.close(code, reason) {
            Ok(()) | Err(Misuse::Closed) => {}
            Err(misuse) => return Err(misuse.into()),
        }
        self.link.finish();
        Ok(())
    }

    /// How the peer ended the connection; `None` while it is open.
    ///
    /// The code is [`CloseCode::NO_STATUS`] when the peer's Close had none, and
    /// [`CloseCode::ABNORMAL`] when the connection was lost or failed without one (§7.1.5).
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.link.close_reason()
    }

    /// The request that opened the connection: path, query, headers, origin.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.handshake.request
    }

    /// The subprotocol agreed on (§1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.handshake.subprotocol.as_deref()
    }

    /// How long the peer took to answer the last ping that asked for a sign of life
    /// ([`Limits::ping_after`]); `None` before the first.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.link.round_trip()
    }

    /// What has passed over the connection so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.link.traffic()
    }

    /// The other end's address.
    #[must_use]
    pub const fn peer_address(&self) -> SocketAddr {
        self.handshake.peer
    }

    /// The messages until the end. An error is the last item.
    pub fn messages(&mut self) -> Messages<'_> {
        Messages {
            ws: self,
            has_failed: false,
        }
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        let code = if std::thread::panicking() {
            CloseCode::INTERNAL_ERROR
        } else {
            CloseCode::NORMAL
        };
        let _ = self.close(code, "");
    }
}

/// The messages of a connection, each waited for in its turn.
#[derive(Debug)]
pub struct Messages<'a> {
    ws: &'a mut WebSocket,
    has_failed: bool,
}

impl Iterator for Messages<'_> {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.ws.receive().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}

impl<'a> IntoIterator for &'a mut WebSocket {
    type Item = Result<Message>;
    type IntoIter = Messages<'a>;

    fn into_iter(self) -> Messages<'a> {
        self.messages()
    }
}
