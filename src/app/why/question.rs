//! What a question of the list is.

use serde_json::{Value, json};

/// A question of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// Stays the same for ever: people and reports name it.
    pub(crate) number: u8,
    pub(crate) topic: Topic,
    pub(crate) question: &'static str,
    pub(crate) answer: &'static str,
    /// The section that says most about it; of RFC 6455 if no other is named.
    pub(crate) section: &'static str,
    pub(crate) links: &'static [Link],
    /// A file of this project and a function in it.
    pub(crate) place: Option<Place>,
    pub(crate) command: Option<Command>,
}

/// Where the lab shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// A fragment of the lab's address.
    pub(crate) to: &'static str,
    pub(crate) text: &'static str,
}

/// A function, and its file as seen from the root of the project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) function: &'static str,
}

/// What to try in a shell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    pub(crate) line: &'static str,
    /// How it ends.
    pub(crate) exit: u8,
}

/// What questions are about, in the order in which one meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Compared,
    Handshake,
    WhoMayConnect,
    Masking,
    Header,
    Text,
    Pieces,
    Control,
    Closing,
    ManyClients,
}

impl Topic {
    pub(crate) const ALL: [Self; 10] = [
        Self::Compared,
        Self::Handshake,
        Self::WhoMayConnect,
        Self::Masking,
        Self::Header,
        Self::Text,
        Self::Pieces,
        Self::Control,
        Self::Closing,
        Self::ManyClients,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Compared => "What it is good for",
            Self::Handshake => "The opening handshake",
            Self::WhoMayConnect => "Browsers, proxies, and who may connect",
            Self::Masking => "Masking",
            Self::Header => "Bits and lengths",
            Self::Text => "Text",
            Self::Pieces => "Pieces and messages",
            Self::Control => "Pings and silence",
            Self::Closing => "Closing",
            Self::ManyClients => "Many clients",
        }
    }
}

impl Place {
    pub(super) fn object(self) -> Value {
        json!({"file": self.file, "function": self.function})
    }
}

/// A row of the tables, from its parts.
pub(super) const fn row(
    number: u8,
    topic: Topic,
    question: &'static str,
    section: &'static str,
    answer: &'static str,
) -> Question {
    Question {
        number,
        topic,
        question,
        answer,
        section,
        links: &[],
        place: None,
        command: None,
    }
}

impl Question {
    pub(super) const fn seen(self, links: &'static [Link]) -> Self {
        Self { links, ..self }
    }

    pub(super) const fn at(self, file: &'static str, function: &'static str) -> Self {
        Self {
            place: Some(Place { file, function }),
            ..self
        }
    }

    pub(super) const fn tried(self, line: &'static str, exit: u8) -> Self {
        Self {
            command: Some(Command { line, exit }),
            ..self
        }
    }
}

pub(super) const fn to(to: &'static str, text: &'static str) -> Link {
    Link { to, text }
}
