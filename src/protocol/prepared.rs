//! A message that is sent on many connections.

use super::message::Message;
use std::sync::Arc;

/// A message to be sent on many connections. Cloning shares it, and so does a server that sends it: a large
/// one waits in no memory but its own, however many peers are to get it.
///
/// ```
/// let prepared = plainws::PreparedMessage::new("Hello");
/// assert_eq!(prepared.message().as_text(), Some("Hello"));
/// ```
#[derive(Clone, Debug)]
pub struct PreparedMessage(Arc<Message>);

impl PreparedMessage {
    /// Makes a message ready to be shared.
    pub fn new(message: impl Into<Message>) -> Self {
        Self(Arc::new(message.into()))
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0
    }
}
