//! What a server reports of each request and connection.

use super::error::Error;
use crate::protocol::close::CloseReason;
use crate::protocol::connection::Traffic;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What is reported at the end of a request or a connection. Everything in it that came from the peer
/// is as it arrived: escape it before showing it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The client's address; `None` for one on a Unix socket, and when no connection could be accepted.
    pub peer: Option<SocketAddr>,
    /// The request line, as far as it arrived.
    pub request_line: &'a [u8],
    /// From when its first byte was awaited to its end.
    pub duration: Duration,
    /// Bytes read from the peer for this request or WebSocket connection, as TCP carries them: head and frames,
    /// and whatever came after a request that was the last. Of several requests on one TCP connection each has
    /// its own.
    pub bytes_read: u64,
    /// Bytes written to the peer, counted in the same way. What the system has taken is written, whether or not
    /// the peer got it.
    pub bytes_written: u64,
    /// How it ended.
    pub outcome: Outcome<'a>,
}

/// How a request or a connection ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// An HTTP response was sent.
    Response {
        /// Its status.
        status: u16,
        /// Bytes of its body.
        length: usize,
        /// Why, where it is a refusal.
        reason: Option<&'a str>,
    },
    /// A connection could not be accepted or given a thread. Failures in a row are reported once.
    NotAccepted(&'a io::Error),
    /// The peer left, or stayed silent, before it could be answered.
    Left,
    /// A WebSocket connection.
    #[non_exhaustive]
    Closed {
        /// How the peer ended it.
        reason: CloseReason,
        /// What passed over it.
        traffic: Traffic,
        /// Why its handler failed.
        error: Option<&'a Error>,
        /// Whether its handler panicked.
        has_panicked: bool,
        /// Who ended the TCP connection.
        ended_by: EndedBy,
    },
}

/// Who ended a TCP connection first. As a rule that is the server, once both Closes have passed (§7.1.1).
///
/// As this side knows it: if the peer ends at the same time, or if its end stands after input that is not read
/// any more, the end counts as ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndedBy {
    /// The peer: it ended its side (FIN), or reset the connection.
    Peer,
    /// This side, in order: all that was to be sent was sent before.
    Us,
    /// This side, at once: a deadline had passed, or the connection was cut
    /// ([`Sender::cut`](crate::Sender::cut), [`Handle::cut`](crate::Handle::cut)).
    Cut,
}
