//! What a reader makes of a stream, and when it must have judged it.

use plainws::Rule;

/// What a peer's bytes amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A Close, with its code and reason if it has them. Nothing is seen after it.
    Close(Option<u16>, String),
    /// The peer broke a rule; `None` for a parser that does not say which. Nothing is seen after it.
    Failed(Option<Rule>),
}

impl Seen {
    /// Whether nothing may be seen after this.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Close(..) | Self::Failed(_))
    }
}

/// What a reader judges, at the latest, when it is whole. Who judges earlier is right, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// Whatever is wrong, with the byte that makes it so.
    Byte,
    /// A header; text as its bytes arrive; a Close, which is short, when it is whole.
    Header,
    /// A frame, with all that its header announces.
    Frame,
    /// A text, with the last frame of its message; all else as by the frame.
    Message,
}
