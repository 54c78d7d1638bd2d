//! What can go wrong on a connection, and whose fault it is.

pub use super::refusal::Refusal;

use super::origin::InvalidOrigin;
use super::proxies::InvalidProxyAddress;
use super::words::{not_secured, quoted, said_of};
use crate::protocol::connection::Misuse;
use crate::protocol::handshake::InvalidHeader;
use crate::protocol::rule::Rule;
use std::ops::Deref;
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
/// assert!(error.to_string().starts_with("a Close must not carry the code 1005"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke this rule, and the connection is over. On an open WebSocket connection a Close has
    /// told the peer so.
    Rule(Breach),
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
    /// The connection could not be secured by TLS (§10.6): the peer does not speak it, or its certificate is not trusted,
    /// is for another host or out of date, or the two ends have no version or cipher in common; or it took too long
    /// ([`io::ErrorKind::TimedOut`]). No request was sent, unless a server of TLS 1.3 refused this client only after
    /// its part of the handshake.
    ///
    /// [`io::ErrorKind::PermissionDenied`] stands for a certificate that nobody signed who is trusted, and
    /// [`io::ErrorKind::NotFound`] for a system that trusts nobody: `ClientTls::from_pem` says whom else to trust.
    Tls(io::Error),
    /// A server answered the opening handshake with another status than 101.
    Refused(Box<Refusal>),
    /// Who connected to [`accept`](crate::accept) asked for something else than a WebSocket connection, or may not
    /// have one, and was answered so.
    Declined {
        /// The status of the answer, such as 403.
        status: u16,
        /// Why, as the answer's body says it; empty for a page that is no [refusal](crate::Page::refusal).
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
    /// This client cannot connect to the URL, or to the proxy's.
    Url(InvalidUrl),
    /// A host, target, subprotocol or header that a request must not hold.
    Header(InvalidHeader),
    /// A text that was to be an origin, and is that of no page.
    Origin(InvalidOrigin),
    /// A text that was to be the address of a proxy or of a network.
    ProxyAddress(InvalidProxyAddress),
}

/// A rule that the peer broke, and where it did. It compares with a [`Rule`], and is used like one.
///
/// ```no_run
/// use plainws::{Error, Rule};
///
/// # let ws = plainws::connect("ws://127.0.0.1:8000/")?;
/// match ws.receive() {
///     Err(Error::Rule(broken)) if broken == Rule::MessageTooBig => println!("{}", broken.section()),
///     Err(Error::Rule(broken)) => println!("{broken}, byte {:?}", broken.byte()),
///     _ => {}
/// }
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    rule: Rule,
    /// Who broke it, if not just the peer.
    by: Option<Box<str>>,
    byte: Option<u64>,
}

impl Breach {
    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// On an open connection, which byte of the peer's frames proved it; the first is 1. As
    /// [`Traffic::bytes_received`](crate::protocol::connection::Traffic) counts, which stays there.
    #[must_use]
    pub const fn byte(&self) -> Option<u64> {
        self.byte
    }

    pub(super) const fn at(rule: Rule, byte: u64) -> Self {
        Self {
            rule,
            by: None,
            byte: Some(byte),
        }
    }

    fn by(self, who: &str) -> Self {
        let by = Some(who.into());
        Self { by, ..self }
    }
}

impl From<Rule> for Breach {
    fn from(rule: Rule) -> Self {
        Self {
            rule,
            by: None,
            byte: None,
        }
    }
}

impl Deref for Breach {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        &self.rule
    }
}

impl PartialEq<Rule> for Breach {
    fn eq(&self, rule: &Rule) -> bool {
        self.rule == *rule
    }
}

/// `the peer broke a rule with byte 2 of its frames: …`
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} broke a rule",
            self.by.as_deref().unwrap_or("the peer")
        )?;
        if let Some(byte) = self.byte {
            write!(f, " with byte {byte} of its frames")?;
        }
        write!(f, ": {}", self.rule)
    }
}

/// A URL or an address that cannot be connected to, and why. It holds no user name or password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUrl {
    url: String,
    problem: &'static str,
}

impl InvalidUrl {
    pub(super) fn new(url: &str, problem: &'static str) -> Self {
        Self {
            url: without_user(url),
            problem,
        }
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }
}

/// What stands before the last `@` may be a password, whatever else is wrong.
fn without_user(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}…@{rest}"),
        None => url.to_owned(),
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot connect to {}: {}",
            quoted(&self.url),
            self.problem
        )
    }
}

/// The result of a call on a connection.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the call came too late: the connection was closing or closed already.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Misuse(Misuse::Closed))
    }

    /// Whether the same may go better at another time: the connection was lost or cannot be had now, or who answered
    /// has too much to do (408, 429, 5xx). What the peer or the caller did wrong stays so, and another status is an
    /// answer. For clients that come back after a while (§7.2.3), together with [`CloseReason::may_pass`](crate::CloseReason::may_pass).
    ///
    /// ```
    /// # use plainws::Error;
    /// let nobody = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// assert!(Error::from(nobody).may_pass());
    /// assert!(!plainws::connect("http://127.0.0.1/").unwrap_err().may_pass());
    /// ```
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Io(_) | Self::Overloaded | Self::Backlogged => true,
            Self::Tls(error) => !matches!(
                error.kind(),
                io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
            ),
            Self::Refused(refusal) => matches!(refusal.response.status(), 408 | 429 | 500..=599),
            Self::Proxy { error, .. } => error.may_pass(),
            _ => false,
        }
    }

    pub(super) fn url(url: &str, problem: &'static str) -> Self {
        Self::Url(InvalidUrl::new(url, problem))
    }

    /// The same, with the name of who did it.
    pub(super) fn by(self, who: &str) -> Self {
        match self {
            Self::Rule(breach) => Self::Rule(breach.by(who)),
            Self::Refused(mut refusal) => {
                refusal.by = who.into();
                Self::Refused(refusal)
            }
            Self::Io(error) => Self::Io(said_of(&format!("the connection with {who}"), error)),
            Self::Tls(error) => Self::Tls(not_secured(who, &error)),
            other => other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(breach) => breach.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Backlogged => f.write_str("the peer is too slow: its backlog is full"),
            Self::Overloaded => f.write_str("no memory is left for the message"),
            Self::Io(error) | Self::Tls(error) => error.fmt(f),
            Self::Refused(refusal) => {
                write!(f, "{} refused the handshake with {refusal}", refusal.by)
            }
            Self::Declined { status, reason } => {
                write!(f, "the request was refused with status {status}")?;
                match &**reason {
                    "" => Ok(()),
                    reason => write!(f, ": {reason}"),
                }
            }
            Self::Proxy { address, error } => match error.as_ref() {
                Self::Refused(refusal) => write!(f, "the proxy {address} refused with {refusal}"),
                Self::Rule(breach) => {
                    write!(f, "the proxy {address} broke a rule: {}", breach.rule)
                }
                error => write!(f, "the proxy {address}: {error}"),
            },
            Self::Url(url) => url.fmt(f),
            Self::Header(header) => header.fmt(f),
            Self::Origin(origin) => origin.fmt(f),
            Self::ProxyAddress(address) => address.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rule(breach) => Some(&breach.rule),
            Self::Misuse(misuse) => Some(misuse),
            Self::Io(error) | Self::Tls(error) => Some(error),
            Self::Header(header) => Some(header),
            Self::Origin(origin) => Some(origin),
            Self::ProxyAddress(address) => Some(address),
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
        Self::Rule(rule.into())
    }
}

impl From<Breach> for Error {
    fn from(breach: Breach) -> Self {
        Self::Rule(breach)
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

impl From<InvalidProxyAddress> for Error {
    fn from(address: InvalidProxyAddress) -> Self {
        Self::ProxyAddress(address)
    }
}

impl From<InvalidHeader> for Error {
    fn from(header: InvalidHeader) -> Self {
        Self::Header(header)
    }
}
