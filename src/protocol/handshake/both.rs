//! What both sides judge alike.
#![warn(clippy::indexing_slicing)]

use crate::protocol::checks::{Checks, Place};
use crate::protocol::head::{Head, is_token};
use crate::protocol::rule::Rule;
use std::fmt;

/// The only version of the protocol that is implemented here (§4.1).
pub const VERSION: &str = "13";

/// A host, target, subprotocol or header that a request must not hold, or a header that a response must not:
/// the peer would read something else than was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHeader {
    what: &'static str,
    text: String,
    problem: &'static str,
}

impl InvalidHeader {
    /// What it is, such as a host, how it is written, and what is wrong with it. A header is told by its name: the value
    /// may be a secret.
    #[must_use]
    pub fn new(what: &'static str, text: &str, problem: &'static str) -> Self {
        let text = text.chars().take(100).collect();
        Self {
            what,
            text,
            problem,
        }
    }

    pub(super) fn header(name: &str, problem: &'static str) -> Self {
        Self::new("header", name, problem)
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }
}

/// `the header "Upgrade" cannot be sent: it belongs to the handshake itself`
impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            text,
            problem,
        } = self;
        write!(f, "the {what} {text:?} cannot be sent: {problem}")
    }
}

impl std::error::Error for InvalidHeader {}

/// What keeps a header from standing beside those that a head is made with: its name is a token and none of the
/// handshake's own, which also say where the head's message ends, and its value has no control bytes.
pub(super) fn problem_of(name: &str, value: &str) -> Option<&'static str> {
    const OWN: [&str; 9] = [
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
    ];
    let is_own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
    let has_control_byte = value.chars().any(|c| c.is_ascii_control() && c != '\t');
    if !is_token(name.as_bytes()) {
        Some("a name is letters, digits and some signs, without spaces")
    } else if is_own {
        Some("it belongs to the handshake itself")
    } else if has_control_byte {
        Some("its value has control bytes")
    } else {
        None
    }
}

/// §4.1: `Connection` names upgrade, in any case.
pub(super) fn check_connection(head: &Head, checks: &mut Checks) -> Result<(), Rule> {
    let is_named = head.lists("Connection", "upgrade");
    let place = Place::Headers("Connection");
    checks.check(place, Rule::ConnectionUpgradeMissing, is_named)
}

/// RFC 9110 §7.8: what follows the head belongs to the new protocol, so it cannot be a body.
pub(super) fn check_no_body(head: &Head, checks: &mut Checks) -> Result<(), Rule> {
    const LENGTH: &str = "Content-Length";
    let zero = |length: &[u8]| (length == b"0").then_some(());
    checks.once(head, LENGTH, Rule::HeaderRepeated)?;
    checks.each(head, LENGTH, Rule::BodyAnnounced, zero)?;
    let none = |_: &[u8]| None::<()>;
    checks.each(head, "Transfer-Encoding", Rule::BodyAnnounced, none)?;
    Ok(())
}
