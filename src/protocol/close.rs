//! The body of a Close frame: a code and a reason (§5.5.1).
#![warn(clippy::indexing_slicing)]

use super::close_code::CloseCode;
use super::frame::MAX_CONTROL_PAYLOAD;
use super::rule::Rule;
use std::{fmt, str};

/// The longest reason in bytes: what a control frame holds beside the code.
pub const MAX_REASON: usize = MAX_CONTROL_PAYLOAD - 2;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// The peer's code; [`CloseCode::NO_STATUS`] when its Close had none, [`CloseCode::ABNORMAL`] when
    /// the connection was lost without a Close (§7.1.5).
    pub code: CloseCode,
    /// The peer's words, often empty. Meant for developers: not necessarily fit for a user (§5.5.1),
    /// and to be escaped before it is shown.
    pub reason: String,
}

impl CloseReason {
    /// A code without words.
    #[must_use]
    pub const fn new(code: CloseCode) -> Self {
        Self {
            code,
            reason: String::new(),
        }
    }

    /// Whether the peer's Close was never read: the connection was lost, or the peer broke a rule first.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.code == CloseCode::ABNORMAL
    }

    /// Reads the body of a complete Close frame.
    ///
    /// # Errors
    ///
    /// The rule that the body breaks.
    pub fn decode(body: &[u8]) -> Result<Self, Rule> {
        match check(body, true)? {
            Some((code, reason)) => Ok(Self {
                code,
                reason: reason.into(),
            }),
            // §7.1.5: an empty body. A complete one lacks a code for no other reason.
            None => Ok(Self::new(CloseCode::NO_STATUS)),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if self.reason.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.reason.escape_debug())
        }
    }
}

/// Judges a Close body by the bytes that have arrived: the code as soon as both its bytes are there,
/// the reason at the first byte that cannot be right. `Ok(None)`: legal so far, but without a whole code,
/// or with a reason that ends inside a character.
///
/// # Errors
///
/// The rule that the body breaks.
pub fn check(body: &[u8], is_complete: bool) -> Result<Option<(CloseCode, &str)>, Rule> {
    let Some((code, reason)) = parts(body) else {
        // §5.5.1: a body is empty, or begins with a code.
        let is_half_a_code = is_complete && !body.is_empty();
        return if is_half_a_code {
            Err(Rule::CloseBodyOneByte)
        } else {
            Ok(None)
        };
    };
    if !code.is_allowed_on_wire() {
        return Err(Rule::CloseCodeInvalid);
    }
    match str::from_utf8(reason) {
        Ok(reason) => Ok(Some((code, reason))),
        // Without an error's length, the bytes end inside a character.
        Err(error) if error.error_len().is_none() && !is_complete => Ok(None),
        Err(_) => Err(Rule::CloseReasonNotUtf8),
    }
}

/// The code and the bytes of the reason as they stand, legal or not; `None` without a whole code.
#[must_use]
pub fn parts(body: &[u8]) -> Option<(CloseCode, &[u8])> {
    let (code, reason) = body.split_first_chunk()?;
    Some((CloseCode(u16::from_be_bytes(*code)), reason))
}

/// Makes a body. A reason of more than [`MAX_REASON`] bytes is cut between two characters.
#[must_use]
pub fn encode(code: CloseCode, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let (reason, _) = reason.split_at(end);
    [&code.0.to_be_bytes(), reason.as_bytes()].concat()
}
