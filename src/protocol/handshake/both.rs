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
pub struct InvalidHeader(pub String);

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot be sent: {:?}", self.0)
    }
}

impl std::error::Error for InvalidHeader {}

/// Whether a header may stand beside those that a head is made with: its name is a token and none of the
/// handshake's own, which also say where the head's message ends, and its value has no control bytes.
pub(super) fn may_be_added(name: &str, value: &str) -> bool {
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
    is_token(name.as_bytes()) && !is_own && !has_control_byte
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
