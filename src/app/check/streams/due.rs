//! What an endpoint has to answer: a pong for a ping, a Close for an end.

use super::reference;
use super::seen::Seen;

/// The payload of the control frame that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// None: the connection is lost.
    No,
    /// Exactly this: a pong, our own Close, or the answer to a Close without a code.
    Exactly(Vec<u8>),
    /// Anything that begins like this: a Close that answers, which may add a reason.
    BeginningWith(Vec<u8>),
}

impl Due {
    /// The Close that answers the end of what was seen (§5.5.1, §7.1.7).
    #[must_use]
    pub fn after(end: &Seen) -> Self {
        let code = match end {
            Seen::Failed(rule) => rule.map(reference::close_code),
            // What has no code can say no more.
            Seen::Close(None, _) => return Self::Exactly(Vec::new()),
            Seen::Close(code, _) => *code,
            _ => return Self::No,
        };
        let body = code.map(|code| code.to_be_bytes().to_vec());
        Self::BeginningWith(body.unwrap_or_default())
    }

    /// Whether a frame with this payload is the one that is due.
    #[must_use]
    pub fn allows(&self, payload: &[u8]) -> bool {
        match self {
            Self::No => false,
            Self::Exactly(due) => payload == due,
            Self::BeginningWith(due) => payload.starts_with(due),
        }
    }
}
