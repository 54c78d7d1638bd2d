//! What both sides judge alike.
#![warn(clippy::indexing_slicing)]

use crate::protocol::head::Head;
use crate::protocol::rule::Rule;

/// The one version of the protocol that is spoken here (§4.1).
pub const VERSION: &str = "13";

/// §4.1: `Upgrade` names websocket and `Connection` names upgrade, in any case.
pub(super) fn check_tokens(head: &Head) -> Result<(), Rule> {
    if !head.lists("Upgrade", "websocket") {
        return Err(Rule::UpgradeMissing);
    }
    if !head.lists("Connection", "upgrade") {
        return Err(Rule::ConnectionUpgradeMissing);
    }
    Ok(())
}

/// RFC 9110 §7.8: what follows the head belongs to the new protocol, so it cannot be a body.
pub(super) fn check_no_body(head: &Head) -> Result<(), Rule> {
    let length = head.single("Content-Length")?.unwrap_or(b"0");
    let is_chunked = head.values("Transfer-Encoding").next().is_some();
    if length != b"0" || is_chunked {
        Err(Rule::BodyAnnounced)
    } else {
        Ok(())
    }
}
