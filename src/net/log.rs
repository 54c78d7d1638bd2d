//! What a server reports of each request and connection.

use crate::protocol::close::CloseReason;
use crate::protocol::connection::Traffic;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What is reported at the end of a request or a connection, to [`Server::log`](crate::Server::log).
///
/// Everything in it that came from the peer is as it arrived: escape it before showing it.
///
/// ```no_run
/// use plainws::Server;
/// use plainws::net::log::Outcome;
///
/// # fn main() -> plainws::Result<()> {
/// let server = Server::bind("127.0.0.1:8000")?.log(|record| {
///     let asked = record.request_line.escape_ascii();
///     match &record.outcome {
///         Outcome::Response { status, .. } => eprintln!("{asked}: {status}"),
///         Outcome::Closed { reason, .. } => eprintln!("{asked}: {reason} after {:?}", record.duration),
///         other => eprintln!("{asked}: {other:?}"),
///     }
/// });
/// # drop(server);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The address of whoever connected, or what a [trusted proxy](crate::Server::trust_proxy) told instead before
    /// the first request (PROXY protocol); `None` on a Unix socket, and when no connection could be accepted.
    pub peer: Option<SocketAddr>,
    /// The client's address: as the headers of a trusted proxy tell it
    /// ([`Request::client_ip`](crate::Request::client_ip)), or else that of `peer`. Never an IPv4-mapped IPv6 address.
    pub client: Option<IpAddr>,
    /// The request line, as far as it arrived.
    pub request_line: &'a [u8],
    /// From when its first byte was awaited to its end; on a kept-alive connection, from its first byte.
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

impl Record<'_> {
    /// Who asked, in a few letters: the client's address, with the port where that is known, or `-`.
    #[must_use]
    pub fn who(&self) -> String {
        match (self.peer, self.client) {
            (Some(peer), Some(client)) if peer.ip().to_canonical() == client => {
                SocketAddr::from((client, peer.port())).to_string()
            }
            (Some(peer), None) => peer.to_string(),
            (_, Some(client)) => client.to_string(),
            (None, None) => "-".into(),
        }
    }
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
    /// The connection could not be secured by TLS (`Server::tls`), for this reason.
    NotSecured(&'a io::Error),
    /// The peer left, or stayed silent, before it could be answered.
    Left,
    /// A WebSocket connection.
    #[non_exhaustive]
    Closed {
        /// How the peer ended it.
        reason: CloseReason,
        /// What passed over it.
        traffic: Traffic,
        /// What its handler failed with ([`Server::route`](crate::Server::route)).
        error: Option<&'a (dyn Error + Send + Sync + 'static)>,
        /// Whether its handler panicked.
        has_panicked: bool,
        /// Who ended the TCP connection.
        ended_by: EndedBy,
    },
}

/// Longer texts in a line are cut.
const MAX_TEXT: usize = 1000;

/// Tells of a handler that failed where nobody set a log: one line on standard error.
pub(super) fn tell_failure(record: &Record<'_>) {
    let Outcome::Closed {
        error: Some(error), ..
    } = &record.outcome
    else {
        return;
    };
    // A standard error that is closed is no reason to fail.
    let _ = io::stderr().write_all(failure(record, *error).as_bytes());
}

fn failure(record: &Record<'_>, error: &(dyn Error + Send + Sync)) -> String {
    let who = record.who();
    let request_line = String::from_utf8_lossy(record.request_line);
    format!(
        "plainws: the handler of \"{}\" from {who} failed: {}\n",
        harmless(&request_line),
        harmless(&error.to_string()),
    )
}

/// Text of a peer's in one line that does nothing to a terminal.
fn harmless(text: &str) -> String {
    let mut harmless = String::new();
    for c in text.chars().take(MAX_TEXT) {
        match c {
            '"' | '\'' => harmless.push(c),
            c => {
                let _ = write!(harmless, "{}", c.escape_debug());
            }
        }
    }
    if text.chars().nth(MAX_TEXT).is_some() {
        harmless.push('…');
    }
    harmless
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(request_line: &[u8], error: &str) -> String {
        let error = Box::<dyn Error + Send + Sync>::from(error);
        let record = Record {
            peer: Some(([127, 0, 0, 1], 1234).into()),
            client: Some([127, 0, 0, 1].into()),
            request_line,
            duration: Duration::ZERO,
            bytes_read: 0,
            bytes_written: 0,
            outcome: Outcome::Left,
        };
        failure(&record, &*error)
    }

    #[test]
    fn a_failed_handler_is_told_in_one_harmless_line() {
        assert_eq!(
            line(
                b"GET /a?\"b\" HTTP/1.1",
                "it's \u{1b}[31mred\u{202e}\r\nand two lines"
            ),
            "plainws: the handler of \"GET /a?\"b\" HTTP/1.1\" from 127.0.0.1:1234 failed: \
             it's \\u{1b}[31mred\\u{202e}\\r\\nand two lines\n"
        );
        let cut = line(&[b'\x80'; 5000], &"é".repeat(5000));
        assert_eq!(cut.chars().filter(|&c| c == 'é').count(), MAX_TEXT);
        assert_eq!(cut.matches('…').count(), 2);
    }
}
