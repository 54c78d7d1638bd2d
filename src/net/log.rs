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
    Closed {
        /// How the peer ended it.
        reason: CloseReason,
        /// What passed over it.
        traffic: Traffic,
        /// Why its handler failed.
        error: Option<&'a Error>,
        /// Whether its handler panicked.
        has_panicked: bool,
    },
}
