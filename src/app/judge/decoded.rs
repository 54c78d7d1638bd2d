//! A stream taken apart: its handshake if it has one, and its frames.

use crate::app::input;
use plainws::Role;
use plainws::protocol::dissect::handshake::{self, Explanation};
use plainws::protocol::dissect::{Dissection, Verdict, dissect};
use plainws::protocol::frame::Byte1;
use plainws::protocol::{head, message};

/// The limits on what a peer sends: its head, and its messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) head: head::Limits,
    pub(crate) message: message::Limits,
}

/// A stream and all that is known of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sender: Role,
    /// Whether the sender was told from the bytes.
    pub(crate) is_guess: bool,
    /// A request or response in front of the frames.
    pub(crate) handshake: Option<Explanation>,
    pub(crate) frames: Dissection,
}

impl Decoded {
    /// Takes the stream apart. Who sent it is told by its beginning unless given: a request is a
    /// client's, and so is a masked frame.
    pub(crate) fn new(
        bytes: Vec<u8>,
        role: Option<Role>,
        key: Option<&str>,
        limits: Limits,
    ) -> Self {
        let is_guess = role.is_none();
        let has_head = input::begins_a_head(&bytes);
        let looks_like = if has_head {
            !bytes.starts_with(b"HTTP/")
        } else {
            bytes.get(1).is_none_or(|byte1| Byte1::read(*byte1).mask)
        };
        let sender = match (role, looks_like) {
            (Some(role), _) => role,
            (None, true) => Role::Client,
            (None, false) => Role::Server,
        };
        let handshake = has_head.then(|| match sender {
            Role::Client => handshake::request(&bytes, limits.head),
            Role::Server => handshake::response(&bytes, limits.head, key),
        });
        let frames = match &handshake {
            None => &bytes[..],
            Some(head) if head.verdict == Verdict::Legal => &bytes[head.length..],
            // Without a handshake there are no frames.
            Some(_) => &[],
        };
        Self {
            sender,
            is_guess,
            frames: dissect(sender, limits.message, frames),
            handshake,
            bytes,
        }
    }

    /// Where the frames begin in the input.
    pub(crate) fn frames_begin(&self) -> u64 {
        let head = self.handshake.as_ref();
        head.map_or(0, |head| head.length as u64)
    }

    /// What all of it comes to; offsets count from the beginning of the input.
    pub(crate) fn verdict(&self) -> Verdict {
        match &self.handshake {
            Some(head) if head.verdict != Verdict::Legal => head.verdict,
            _ => match self.frames.verdict {
                Verdict::Violation { rule, offset } => Verdict::Violation {
                    rule,
                    offset: self.frames_begin() + offset,
                },
                verdict => verdict,
            },
        }
    }

    /// The bytes behind a Close or a violation.
    pub(crate) fn unread(&self) -> &[u8] {
        let is_cut_short = self
            .handshake
            .as_ref()
            .is_some_and(|head| head.verdict != Verdict::Legal);
        let read = if is_cut_short {
            self.frames_begin()
        } else {
            self.bytes.len() as u64 - self.frames.unread
        };
        usize::try_from(read)
            .ok()
            .and_then(|read| self.bytes.get(read..))
            .unwrap_or_default()
    }
}
