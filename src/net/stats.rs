//! What a server has done so far, in numbers.

use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::Traffic;
use std::collections::BTreeMap;

/// Counters since the server began, and what is open now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// TCP connections accepted and given a place.
    pub connections: u64,
    /// TCP connections open now: each has a thread.
    pub open_connections: usize,
    /// WebSocket connections opened.
    pub websockets: u64,
    /// WebSocket connections open now.
    pub open_websockets: usize,
    /// Messages and bytes over all WebSocket connections, open ones included.
    pub traffic: Traffic,
    /// WebSocket connections ended, by the code that their peers closed with
    /// ([`CloseCode::ABNORMAL`] for none).
    pub closes: BTreeMap<CloseCode, u64>,
    /// HTTP responses sent, by status.
    pub responses: BTreeMap<u16, u64>,
    /// Requests and connections refused, by reason: a rule's id, or a short name such as
    /// `origin-not-allowed`.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Bytes held now for messages that arrive, wait to be received, or wait to be taken by slow peers: what
    /// [`Server::max_memory`](crate::Server::max_memory) bounds. Each connection's first 64 KiB do not
    /// count.
    pub memory_held: usize,
    /// Messages refused for want of memory ([`Error::Overloaded`](crate::Error::Overloaded)), coming or
    /// going. Connections refused for that are among the `refusals`.
    pub memory_refusals: u64,
    /// Handlers, makers of pages and of taps, and logs that panicked.
    pub panics: u64,
    /// Connections that could not be secured by TLS. Those whose peers did not try are among the `refusals`, as
    /// `tls-expected`.
    pub tls_failures: u64,
    /// Failures to accept a connection, for example for want of file descriptors.
    pub accept_failures: u64,
}
