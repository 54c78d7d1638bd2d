//! What a reader makes of a stream.

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
