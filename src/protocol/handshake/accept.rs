//! The key of a request, and the value that answers it (§4.1, §4.2.2).
#![warn(clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};
use std::str;

/// A fixed text that no other protocol uses: with it an accept value is proof of this one (§1.3).
pub const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value that answers a key: base64 of the SHA-1 of key and [`GUID`] (§4.2.2).
///
/// ```
/// use plainws::protocol::handshake::accept_value;
///
/// assert_eq!(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // from §1.3
/// ```
#[must_use]
pub fn accept_value(key: &str) -> String {
    STANDARD.encode(digest(key))
}

/// The accept value before it is written in base64.
pub(in crate::protocol) fn digest(key: &str) -> [u8; 20] {
    Sha1::digest([key, GUID].concat()).into()
}

/// Whether this can be a `Sec-WebSocket-Key` (§4.1).
#[must_use]
pub fn is_key(value: &[u8]) -> bool {
    key(value).is_some()
}

/// §4.1: base64 of 16 bytes. Bits of the last character that encode nothing may be set (erratum 3150).
pub(super) fn key(value: &[u8]) -> Option<&str> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let is_right = ENGINE.decode(value).is_ok_and(|nonce| nonce.len() == 16);
    str::from_utf8(value).ok().filter(|_| is_right)
}
