//! Messages read ahead while the connection's own thread was busy elsewhere, and how reading ended.

use super::error::{Error, Result};
use crate::protocol::message::Message;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    messages: VecDeque<Message>,
    /// Bytes of these messages, and of the memory that they take.
    bytes: usize,
    memory: usize,
    /// Why reading ended. It is returned after the messages.
    failure: Option<Error>,
}

impl Inbox {
    /// When it holds this much, nothing more is read, so that the peer has to wait as well.
    const MAX_MESSAGES: usize = 64;
    const MAX_BYTES: usize = 64 * 1024;

    /// The oldest message; after the last one the failure, once.
    pub(super) fn take(&mut self) -> Result<Option<Message>> {
        if let Some(message) = self.messages.pop_front() {
            self.bytes -= message.len();
            self.memory -= message.memory();
            return Ok(Some(message));
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    pub(super) fn push(&mut self, message: Message) {
        self.bytes += message.len();
        self.memory += message.memory();
        self.messages.push_back(message);
    }

    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= Self::MAX_MESSAGES || self.bytes >= Self::MAX_BYTES
    }

    /// Bytes of memory that the messages take.
    pub(super) const fn memory(&self) -> usize {
        self.memory
    }

    /// Notes why reading ended. What happened first stays the reason.
    pub(super) fn fail(&mut self, failure: Error) {
        self.failure.get_or_insert(failure);
    }
}
