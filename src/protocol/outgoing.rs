//! What can be sent: text or bytes, borrowed, owned, or shared.

use super::frame::Opcode;
use super::message::Message;
use super::prepared::PreparedMessage;

/// A message on its way out. Strings are sent as text, bytes as binary.
///
/// ```
/// use plainws::protocol::connection::Connection;
/// use plainws::{Message, PreparedMessage};
///
/// let mut server = Connection::server(Default::default());
/// server.send("borrowed text")?;
/// server.send(format!("owned {}", "text"))?;
/// server.send(b"borrowed bytes")?;
/// server.send(vec![1, 2, 3])?;
/// server.send(Message::from("a message"))?;
/// server.send(&PreparedMessage::new("shared"))?;
/// # Ok::<(), plainws::Misuse>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outgoing<'a> {
    /// Text that is borrowed.
    Text(&'a str),
    /// Bytes that are borrowed.
    Binary(&'a [u8]),
    /// A message that is owned. A large one is not copied. Once it is written, its buffer is used for the next
    /// message that arrives. If it cannot be sent, it is lost: lend it to keep it.
    Message(Message),
    /// A message that many connections share.
    Prepared(&'a PreparedMessage),
}

impl Outgoing<'_> {
    /// The payload's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
            Self::Message(message) => message.as_bytes(),
            Self::Prepared(prepared) => prepared.message().as_bytes(),
        }
    }

    pub(super) fn opcode(&self) -> Opcode {
        match self {
            Self::Text(_) => Opcode::Text,
            Self::Binary(_) => Opcode::Binary,
            Self::Message(message) => message.opcode(),
            Self::Prepared(prepared) => prepared.message().opcode(),
        }
    }
}

impl<'a> From<&'a str> for Outgoing<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Outgoing<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Outgoing<'_> {
    fn from(text: String) -> Self {
        Self::Message(text.into())
    }
}

impl<'a> From<&'a [u8]> for Outgoing<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Outgoing<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Outgoing<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Outgoing<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Message(bytes.into())
    }
}

impl From<Message> for Outgoing<'_> {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl<'a> From<&'a Message> for Outgoing<'a> {
    fn from(message: &'a Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl<'a> From<&'a PreparedMessage> for Outgoing<'a> {
    fn from(prepared: &'a PreparedMessage) -> Self {
        Self::Prepared(prepared)
    }
}
