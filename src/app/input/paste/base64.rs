//! Base64, which nothing tells from words but what its bytes are.

use super::pasted::can_begin;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// The fewest characters that are taken for base64.
const SHORTEST: usize = 8;

/// Reads base64 in either alphabet, with or without padding, over lines of any length; `None` for other text.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    if text.len() < SHORTEST {
        return None;
    }
    let engines = [&STANDARD, &URL_SAFE, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
    let mut decoded = engines.iter().map(|engine| engine.decode(&text));
    decoded.find_map(Result::ok)
}

/// As [`bytes`], if a stream can begin with them.
pub(super) fn likely_bytes(text: &str) -> Option<Vec<u8>> {
    bytes(text).filter(|bytes| can_begin(bytes))
}
