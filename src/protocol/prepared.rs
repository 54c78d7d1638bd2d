//! A message encoded once and sent on many connections.

use super::frame::{self, Header};
use super::message::Message;
use std::sync::Arc;

/// A message and its frame. Cloning shares both.
///
/// ```
/// let prepared = plainws::PreparedMessage::new("Hello");
/// assert_eq!(prepared.message().as_text(), Some("Hello"));
/// ```
#[derive(Clone, Debug)]
pub struct PreparedMessage(Arc<Prepared>);

#[derive(Debug)]
struct Prepared {
    message: Message,
    frame: Vec<u8>,
}

impl PreparedMessage {
    /// Encodes a message as a server sends it: unmasked (§5.1).
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        let payload = message.as_bytes();
        let opcode = message.opcode();
        let header = Header {
            fin: true,
            rsv: 0,
            opcode,
            masking_key: None,
            payload_length: payload.len() as u64,
        };
        let mut frame = Vec::with_capacity(frame::MAX_HEADER + payload.len());
        header.encode(&mut frame);
        frame.extend_from_slice(payload);
        Self(Arc::new(Prepared { message, frame }))
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.0.frame
    }
}
