//! What can go wrong with a connection, in kinds that can be counted.

use std::fmt;

/// A kind of failure. Its name is the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// No TCP connection.
    CannotConnect,
    /// An answer other than 101 to the handshake.
    Refused,
    /// A handshake that breaks a rule.
    BadHandshake,
    /// The handshake was not answered in time.
    NoAnswer,
    /// An echo with other bytes than those sent.
    WrongBytes,
    /// An echo that is longer or shorter than what was sent.
    WrongLength,
    /// Text for binary, or binary for text.
    WrongType,
    /// The echo of another message than the one whose turn it was.
    WrongOrder,
    /// A message when no echo was due.
    Unexpected,
    /// Frames that break a rule of the protocol.
    BrokenRule,
    /// The server closed.
    Closed,
    /// The connection ended without a Close.
    Lost,
    /// Not opened, because another got no answer.
    NotTried,
    /// An echo did not come in time.
    NoEcho,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CannotConnect => "cannot-connect",
            Self::Refused => "refused",
            Self::BadHandshake => "bad-handshake",
            Self::NoAnswer => "no-answer",
            Self::WrongBytes => "wrong-bytes",
            Self::WrongLength => "wrong-length",
            Self::WrongType => "wrong-type",
            Self::WrongOrder => "wrong-order",
            Self::Unexpected => "unexpected-message",
            Self::BrokenRule => "broken-rule",
            Self::Closed => "closed",
            Self::Lost => "lost",
            Self::NotTried => "not-tried",
            Self::NoEcho => "no-echo",
        }
    }
}

/// Why a connection did not last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// For people.
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(kind: Kind, detail: impl fmt::Display) -> Self {
        Self {
            kind,
            detail: detail.to_string(),
        }
    }
}
