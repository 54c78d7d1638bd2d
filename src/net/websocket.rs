//! A WebSocket connection as a handler or a client uses it: calls that block.

pub use super::keepalive::Pong;

use super::applicant::Extensions;
use super::budget::Share;
use super::caretaker;
use super::error::Result;
use super::limits::Limits;
use super::link::{Link, Waited};
use super::output::Patience;
use super::sender::Sender;
use super::stream::Stream;
use super::tap::Tapped;
use crate::protocol::close::CloseReason;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::{Connection, Misuse, Traffic};
use crate::protocol::message::Message;
use crate::protocol::outgoing::Outgoing;
use crate::protocol::request::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a call that asks for a message returns.
///
/// ```
/// use plainws::{Received, WebSocket};
/// use std::time::Duration;
///
/// fn wait_a_little(ws: &WebSocket) -> plainws::Result<()> {
///     match ws.receive_timeout(Duration::from_secs(1))? {
///         Received::Message(message) => println!("{} bytes", message.len()),
///         Received::TimedOut => println!("nothing yet"),
///         Received::Ended(reason) => println!("the end: {reason}"),
///         _ => {}
///     }
///     Ok(())
/// }
/// # let _ = wait_a_little;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A message.
    Message(Message),
    /// None has arrived yet ([`WebSocket::try_receive`]). Nothing is lost: half a message stays until
    /// its other half comes.
    NotReady,
    /// None arrived within the time ([`WebSocket::receive_timeout`]). Nothing is lost here either.
    TimedOut,
    /// The connection has ended, in this way.
    Ended(CloseReason),
}

/// The request that opened a connection, and what was agreed on.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    pub(super) request: Request,
    pub(super) subprotocol: Option<String>,
    pub(super) peer: Option<SocketAddr>,
    /// What it was admitted with.
    pub(super) extensions: Extensions,
}

/// An established WebSocket connection.
///
/// Pings are answered and a Close is replied to while a call waits for a message, and also, within
/// about a tenth of a second, while the handler is busy elsewhere. Dropping it closes the connection with
/// 1000, or 1011 while a panic unwinds, and waits for the peer's Close as [`close`](Self::close) does.
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
    handshake: Box<Handshake>,
}

impl WebSocket {
    pub(super) fn new(
        stream: Arc<Stream>,
        connection: Connection,
        limits: &Limits,
        share: Share,
        after_head: &[u8],
        handshake: Box<Handshake>,
        tapped: Tapped,
    ) -> Self {
        let link = Link::new(stream, connection, limits, share, after_head, tapped);
        caretaker::watch(&link);
        Self { link, handshake }
    }

    pub(super) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Waits for the next message (§6.2). `None` is the end: the peer's Close, or the end of its TCP connection
    /// without one ([`was_cut_off`](Self::was_cut_off) tells them apart).
    ///
    /// One thread receives at a time; a second one waits for its turn.
    ///
    /// # Errors
    ///
    /// [`Error::Rule`](crate::Error::Rule) when the peer broke one, and
    /// [`Error::Overloaded`](crate::Error::Overloaded) when there is no memory for its message: it has been
    /// told with a Close. [`Error::Io`](crate::Error::Io) when the connection was lost, or a deadline has
    /// passed: the peer is silent ([`Limits::pong_timeout`]), or its message arrives too slowly
    /// ([`Limits::message_timeout`]). All of them end the connection.
    pub fn receive(&self) -> Result<Option<Message>> {
        Ok(match self.link.receive(None)? {
            Waited::Message(message) => Some(message),
            Waited::TimedOut | Waited::Ended => None,
        })
    }

    /// Waits for the next message, at most `timeout` long (to about 1 ms). [`Duration::MAX`] waits as long
    /// as it takes.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_timeout(&self, timeout: Duration) -> Result<Received> {
        let deadline = Instant::now().checked_add(timeout);
        self.receive_until(deadline, Received::TimedOut)
    }

    /// The next message if it has arrived already.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive(&self) -> Result<Received> {
        self.receive_until(Some(Instant::now()), Received::NotReady)
    }

    fn receive_until(&self, deadline: Option<Instant>, late: Received) -> Result<Received> {
        Ok(match self.link.receive(deadline)? {
            Waited::Message(message) => Received::Message(message),
            Waited::TimedOut => late,
            Waited::Ended => Received::Ended(self.how_it_ended()),
        })
    }

    /// The messages until the end. An error is the last item.
    ///
    /// ```no_run
    /// fn echo(ws: &mut plainws::WebSocket) -> plainws::Result<()> {
    ///     for message in ws.messages() {
    ///         ws.send(message?)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub const fn messages(&self) -> Messages<'_> {
        Messages {
            ws: self,
            has_failed: false,
        }
    }

    /// Sends a message (§6.1): text, bytes, a [`Message`] or a
    /// [`PreparedMessage`](crate::PreparedMessage) ([`Outgoing`]).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`](crate::Error::Misuse) when the connection is closing or closed;
    /// [`Error::Overloaded`](crate::Error::Overloaded) when there is no memory for the message;
    /// [`Error::Io`](crate::Error::Io) when the connection was lost, or when the peer did not take what was
    /// sent to it in time ([`Limits::write_timeout`]). `Ok` does not mean that the peer has got it: the
    /// system has taken it, or another thread is about to write it.
    pub fn send<'a>(&self, message: impl Into<Outgoing<'a>>) -> Result<()> {
        let message = message.into();
        let length = message.as_bytes().len();
        self.link
            .send(length, |connection| connection.send(message))
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
    pub fn feed<'a>(&self, message: impl Into<Outgoing<'a>>) -> Result<()> {
        const MAX_QUEUED: usize = 64 * 1024;

        let message = message.into();
        let length = message.as_bytes().len();
        self.link
            .feed(MAX_QUEUED, length, |connection| connection.send(message))
    }

    /// Writes what is queued.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn flush(&self) -> Result<()> {
        self.link.flush(Patience::Wait)
    }

    /// Sends a ping of at most 125 bytes (§5.5.2). [`last_pong`](Self::last_pong) tells the answer, and
    /// [`round_trip_time`](Self::round_trip_time) how long it took.
    ///
    /// It is not needed to find out whether the peer is there: see [`Limits::ping_after`].
    ///
    /// ```no_run
    /// # use plainws::Received;
    /// # use std::time::Duration;
    /// # fn watch(ws: &plainws::WebSocket) -> plainws::Result<()> {
    /// for number in 0_u32.. {
    ///     ws.ping(number.to_be_bytes())?;
    ///     // Whoever waits for messages hears the pong as well.
    ///     if let Received::Ended(_) = ws.receive_timeout(Duration::from_secs(5))? {
    ///         break;
    ///     }
    ///     match ws.last_pong() {
    ///         Some(pong) if pong.payload == number.to_be_bytes() => println!("{:?}", pong.round_trip),
    ///         _ => println!("no pong yet"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`Error::Misuse`](crate::Error::Misuse) also for a longer payload.
    pub fn ping(&self, payload: impl AsRef<[u8]>) -> Result<()> {
        let payload = payload.as_ref();
        self.link.ping(payload, || {
            let length = payload.len();
            self.link
                .send(length, |connection| connection.ping(payload))
        })
    }

    /// Closes the connection (§7.1.2): sends a Close, waits for the peer's, discarding messages, and
    /// ends the TCP connection. The code may be `None`; a reason of more than 123 bytes is cut between two
    /// characters. No second Close is sent if the connection is closing or closed already.
    ///
    /// The peer has [`Limits::close_timeout`] for its part. That time begins when the Close can have
    /// arrived: after all that was sent before, as long as the peer takes it at the promised pace
    /// ([`Limits::write_timeout`]). What the system has taken for the peer delays it by at most
    /// [`Limits::transit_timeout`]. When the connection is given up after that, the rest of it may be lost.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`](crate::Error::Misuse) for a code that must not be sent, and for a reason
    /// without a code. [`close_reason`](Self::close_reason) tells whether the peer answered.
    pub fn close(&self, code: impl Into<Option<CloseCode>>, reason: &str) -> Result<()> {
        match self.link.close(code, reason) {
            Ok(()) | Err(Misuse::Closed) => {}
            Err(misuse) => return Err(misuse.into()),
        }
        self.link.finish();
        Ok(())
    }

    /// How the peer ended the connection; `None` until it has ended.
    ///
    /// The code is [`CloseCode::NO_STATUS`] when the peer's Close had none, and
    /// [`CloseCode::ABNORMAL`] when the connection was lost or failed without one (§7.1.5).
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.link.close_reason()
    }

    /// Whether the connection ended without a Close from the peer. False while it is open.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.close_reason()
            .is_some_and(|reason| reason.was_cut_off())
    }

    pub(super) fn how_it_ended(&self) -> CloseReason {
        let lost = CloseReason::new(CloseCode::ABNORMAL);
        self.close_reason().unwrap_or(lost)
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

    /// What keeps others from reading and changing what passes, such as `TLS 1.3, TLS13_AES_256_GCM_SHA384`; `None` if
    /// nothing does (§10.6). What a proxy does before this server is not known here.
    #[must_use]
    pub fn secured_by(&self) -> Option<String> {
        self.link.stream().secured_by()
    }

    /// What the connection was admitted with, such as who its user is
    /// ([`Admission::extension`](crate::Admission::extension)). `None` if nothing of this type was, and always
    /// for a client's connection.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.handshake.extensions.get()
    }

    /// How long the peer took to answer the last ping that was answered: one of the caller's ([`ping`](Self::ping)), or
    /// one that was sent because of its silence ([`Limits::ping_after`]). `None` until there was one.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.link.round_trip()
    }

    /// The last pong that answered a [`ping`](Self::ping) of the caller's, from this or from a
    /// [`Sender`]; `None` until there was one.
    ///
    /// Only the latest ping is waited for, because a peer that got several may answer just the last one (§5.5.3). A pong
    /// is told by its payload, so give each ping another one. It counts from when it is read: at once while a thread
    /// waits for a message, else within about a tenth of a second, or, when much was read ahead for a busy handler, when
    /// that has received it.
    #[must_use]
    pub fn last_pong(&self) -> Option<Pong> {
        self.link.last_pong()
    }

    /// What has passed over the connection so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.link.traffic()
    }

    /// This end's address; `None` on a Unix socket, whose ends have none, and where the stream does not tell
    /// ([`Transport::local_addr`](crate::Transport::local_addr)).
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.link.stream().local_addr()
    }

    /// The other end's address; `None` on a Unix socket, whose ends have none, and where the stream does not tell
    /// ([`Transport::peer_addr`](crate::Transport::peer_addr)).
    #[must_use]
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.handshake.peer
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
    ws: &'a WebSocket,
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

impl<'a> IntoIterator for &'a WebSocket {
    type Item = Result<Message>;
    type IntoIter = Messages<'a>;

    fn into_iter(self) -> Messages<'a> {
        self.messages()
    }
}

impl<'a> IntoIterator for &'a mut WebSocket {
    type Item = Result<Message>;
    type IntoIter = Messages<'a>;

    fn into_iter(self) -> Messages<'a> {
        self.messages()
    }
}
