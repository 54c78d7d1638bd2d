//! What can go wrong on a connection, and whose fault it is.

pub use super::refusal::Refusal;

use super::origin::InvalidOrigin;
use crate::protocol::connection::Misuse;
use crate::protocol::handshake::InvalidHeader;
use crate::protocol::rule::Rule;
use std::{fmt, io};

/// Why a call failed.
///
/// ```
/// use plainws::{CloseCode, Error, Misuse};
///
/// fn advice(error: &Error) -> &'static str {
///     match error {
///         Error::Rule(rule) => rule.clause(), // what the peer should have done
///         Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => "the peer was too slow",
///         Error::Io(_) => "the connection is lost",
///         error if error.is_closed() => "it was closed already",
///         _ => "see what it says",
///     }
/// }
///
/// assert_eq!(advice(&Misuse::Closed.into()), "it was closed already");
/// let error = Error::Misuse(Misuse::CloseCode(CloseCode::NO_STATUS));
/// assert_eq!(error.to_string(), "a Close must not carry the code 1005 no status");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke this rule, and the connection is over. On an open WebSocket connection a Close has
    /// told the peer so.
    Rule(Rule),
    /// The caller asked for something that cannot be done; the connection is as it was.
    Misuse(Misuse),
    /// The peer takes its messages too slowly: the backlog is full, and the sender did not want to wait.
    Backlogged,
    /// There is no memory for a message: all that the server's connections may hold together
    /// ([`Server::max_memory`](crate::Server::max_memory)) is used up, or the system has none left. If it
    /// was one to be sent, it was not, and the connection is as it was. If it was one that was arriving, the
    /// connection is closing: the peer has been told with
    /// [`CloseCode::TRY_AGAIN_LATER`](crate::CloseCode::TRY_AGAIN_LATER).
    Overloaded,
    /// The socket failed, or a deadline passed ([`io::ErrorKind::TimedOut`]). The connection is over.
    Io(io::Error),
    /// A server answered the opening handshake with another status than 101.
    Refused(Box<Refusal>),
    /// Who connected to [`accept`](crate::accept) asked for something else than a WebSocket connection, or may not
    /// have one, and was answered so.
    Declined {
        /// The status of the answer, such as 403.
        status: u16,
        /// Why, as the answer's body says it.
        reason: String,
    },
    /// What a client met on its way to the server, at the proxy with this address: it cannot be reached, it
    /// refuses ([`Error::Refused`]), or its answer is wrong ([`Error::Rule`]).
    Proxy {
        /// Its host and port.
        address: String,
        /// What happened there.
        error: Box<Self>,
    },
    /// This client cannot connect to the URL, for this reason.
    Url(&'static str),
    /// A host, target, subprotocol or header that a request must not hold.
    Header(InvalidHeader),
    /// A text that was to be an origin, and is that of no page.
    Origin(InvalidOrigin),
}

/// The result of a call on a connection.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the call came too late: the connection was closing or closed already.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Misuse(Misuse::Closed))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "the peer broke a rule: {rule}"),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Backlogged => f.write_str("the peer is too slow: its backlog is full"),
            Self::Overloaded => f.write_str("no memory is left for the message"),
            Self::Io(error) => error.fmt(f),
            Self::Refused(refusal) => {
                write!(f, "the server refused the handshake with {refusal}")
            }
            Self::Declined { status, reason } => {
                write!(f, "the request was refused with status {status}: {reason}")
            }
            Self::Proxy { address, error } => match error.as_ref() {
                Self::Refused(refusal) => write!(f, "the proxy {address} refused with {refusal}"),
                Self::Rule(rule) => write!(f, "the proxy {address} broke a rule: {rule}"),
                error => write!(f, "the proxy {address}: {error}"),
            },
            Self::Url(problem) => f.write_str(problem),
            Self::Header(header) => header.fmt(f),
            Self::Origin(origin) => origin.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::Misuse(misuse) => Some(misuse),
            Self::Io(error) => Some(error),
            Self::Header(header) => Some(header),
            Self::Origin(origin) => Some(origin),
            Self::Proxy { error, .. } => Some(error),
            Self::Backlogged
            | Self::Overloaded
            | Self::Refused(_)
            | Self::Declined { .. }
            | Self::Url(_) => None,
        }
    }
}

impl From<Rule> for Error {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::NoMemory => Self::Overloaded,
            misuse => Self::Misuse(misuse),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<InvalidOrigin> for Error {
    fn from(origin: InvalidOrigin) -> Self {
        Self::Origin(origin)
    }
}

impl From<InvalidHeader> for Error {
    fn from(header: InvalidHeader) -> Self {
        Self::Header(header)
    }
}
