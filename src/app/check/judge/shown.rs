//! Messages and answers in a few words.

use crate::app::check::script::Answer;
use plainws::protocol::message::Message;
use std::fmt;

/// A message in a few words.
pub(crate) struct Shown<'a> {
    kind: &'static str,
    start: std::borrow::Cow<'a, [u8]>,
}

impl<'a> Shown<'a> {
    pub(crate) fn due(answer: &'a Answer) -> Self {
        let (kind, start) = match answer {
            Answer::Text(payload) => ("text", payload.bytes()),
            Answer::Binary(payload) => ("binary", payload.bytes()),
            Answer::Pong(payload) => ("pong", payload.into()),
        };
        Self { kind, start }
    }

    pub(crate) fn of(message: &'a Message) -> Self {
        let kind = if message.is_text() { "text" } else { "binary" };
        Self {
            kind,
            start: message.as_bytes().into(),
        }
    }
}

/// The code of a Close; 1005 stands for none.
pub(crate) fn code(code: u16) -> String {
    match code {
        1005 => "no code".into(),
        code => code.to_string(),
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::app::show::text::{clipped, quoted, spaced};
        const MOST: usize = 24;
        let bytes = &self.start;
        let start = &bytes[..bytes.len().min(MOST)];
        let shown = match self.kind {
            "binary" if !bytes.is_empty() => spaced(&start[..start.len().min(8)]),
            _ => clipped(&quoted(start), MOST + 2),
        };
        write!(f, "{} {shown}", self.kind)?;
        if bytes.len() > MOST {
            write!(f, " of {} bytes", bytes.len())?;
        }
        Ok(())
    }
}
