//! What both sides judge alike.
#![warn(clippy::indexing_slicing)]

use crate::protocol::checks::{Checks, Place};
use crate::protocol::head::Head;
use crate::protocol::rule::Rule;

/// The only version of the protocol that is implemented here (§4.1).
pub const VERSION: &str = "13";

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
