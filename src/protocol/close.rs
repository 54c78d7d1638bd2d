//! The body of a Close frame: a code and a reason (§5.5.1).
#![warn(clippy::indexing_slicing)]

use super::close_code::CloseCode;
use super::frame::MAX_CONTROL_PAYLOAD;
use super::rule::Rule;
use std::{fmt, str};

/// The longest reason in bytes: what a control frame holds beside the code.
pub const MAX_REASON: usize = MAX_CONTROL_PAYLOAD - 2;

/// Why a connection ended (§7.1.5, §7.1.6).
///
/// ```
/// use plainws::{CloseCode, CloseReason};
///
/// let reason = CloseReason::decode(b"\x03\xE9good night")?;
/// assert_eq!((reason.code, &*reason.reason), (CloseCode::GOING_AWAY, "good night"));
/// assert_eq!(reason.to_string(), "1001 going away: good night");
/// # Ok::<(), plainws::Rule>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// The peer's code; [`CloseCode::NO_STATUS`] when its Close had none, [`CloseCode::ABNORMAL`] when
    /// the connection was lost without a Close (§7.1.5).
    pub code: CloseCode,
    /// The peer's words, often empty; ours, if its Close answers ours and repeats them. Meant for developers: not
    /// necessarily fit for a user (§5.5.1), and to be escaped before it is shown.
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

    /// Whether a peer that ended a connection like this may take the next one: it was lost (1006), it goes away or
    /// starts anew (1001, 1012), or it has failed or has too much to do (1011, 1013, 1014). Any other code is an answer.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self.code.0, 1001 | 1006 | 1011..=1014)
    }

    /// Reads the body of a complete Close frame.
    ///
    /// # Errors
    ///
    /// The rule that the body breaks.
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn decode(body: &[u8]) -> Result<Self, Rule> {
        decode(body, true).map(|reason| reason.expect("a complete body is read or refused"))
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

/// Reads the body of a Close frame, of which perhaps not all has arrived.
///
/// The code is judged as soon as both its bytes are there, the reason at the first byte that cannot be
/// right. `Ok(None)`: legal so far, but not complete.
///
/// # Errors
///
/// The rule that the body breaks.
pub fn decode(body: &[u8], is_complete: bool) -> Result<Option<CloseReason>, Rule> {
    let Some((code, reason)) = parts(body) else {
        return match (body, is_complete) {
            (_, false) => Ok(None),
            // §5.5.1, §7.1.5: a body is empty, or begins with a code.
            ([], true) => Ok(Some(CloseReason::new(CloseCode::NO_STATUS))),
            (_, true) => Err(Rule::CloseBodyOneByte),
        };
    };
    if !code.is_allowed_on_wire() {
        return Err(Rule::CloseCodeInvalid);
    }
    match str::from_utf8(reason) {
        Ok(reason) => Ok(is_complete.then(|| CloseReason {
            code,
            reason: reason.into(),
        })),
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
