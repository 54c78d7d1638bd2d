//! What a row of the table of cases is.

use super::script::Step;
use clap::ValueEnum;
use plainws::{Role, Rule};
use std::borrow::Cow;

/// Words that are known when the program is built, or made from a table.
pub(crate) type Text = Cow<'static, str>;

/// One thing that an implementation has to do right.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// In words; stays the same from version to version.
    pub(crate) id: Text,
    pub(crate) group: Group,
    /// What the peer has to do, in a clause.
    pub(crate) title: Text,
    /// The section that demands it; of RFC 6455 if no other is named.
    pub(crate) section: &'static str,
    /// The rules that the script breaks.
    pub(crate) rules: Vec<Rule>,
    pub(crate) level: Level,
    /// The role that alone can be examined so; none if both can.
    pub(crate) only: Option<Role>,
    pub(crate) script: Vec<Step>,
    /// How the connection ends; the first one, if the script opens several.
    pub(crate) end: End,
    /// Statuses by which a server may decline what the script asks for, for reasons of its own.
    pub(crate) declined: &'static [u16],
    /// Its number in the old suite, if it has one there.
    pub(crate) old: Option<&'static str>,
    /// What likely happened in an examinee that fails.
    pub(crate) likely: Option<Text>,
}

impl Case {
    /// A row that is yet to get its script.
    pub(crate) fn new(
        group: Group,
        id: impl Into<Text>,
        title: impl Into<Text>,
        section: &'static str,
    ) -> Self {
        Self {
            id: id.into(),
            group,
            title: title.into(),
            section,
            rules: Vec::new(),
            level: Level::Must,
            only: None,
            script: Vec::new(),
            end: End::Answered,
            declined: &[],
            old: None,
            likely: None,
        }
    }

    pub(crate) fn plays(self, script: impl Into<Vec<Step>>) -> Self {
        Self {
            script: script.into(),
            ..self
        }
    }

    pub(crate) fn ends(self, end: End) -> Self {
        Self { end, ..self }
    }

    pub(crate) fn is_for(&self, examinee: Role) -> bool {
        self.only.is_none_or(|only| only == examinee)
    }

    /// Sends so much that it should run alone.
    pub(crate) fn is_heavy(&self) -> bool {
        self.group == Group::Load || self.script.iter().any(Step::is_heavy)
    }
}

/// What cases are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Group {
    /// Opening handshakes that are legal, in all their forms
    Opening,
    /// Opening handshakes that must be refused
    Refused,
    /// Messages of each length, and each form of a length
    Lengths,
    /// The bits of a header
    Header,
    /// Ping and pong
    Control,
    /// Messages in fragments
    Fragments,
    /// Text that is UTF-8, and text that is not
    Utf8,
    /// The closing handshake, and the end of TCP
    Closing,
    /// The same bytes in other pieces
    Stream,
    /// Much of everything
    Load,
    /// Several connections at once
    Together,
}

impl Group {
    pub(crate) const ALL: [Self; 11] = [
        Self::Opening,
        Self::Refused,
        Self::Lengths,
        Self::Header,
        Self::Control,
        Self::Fragments,
        Self::Utf8,
        Self::Closing,
        Self::Stream,
        Self::Load,
        Self::Together,
    ];

    /// As it is written in ids and options.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Refused => "refused",
            Self::Lengths => "lengths",
            Self::Header => "header",
            Self::Control => "control",
            Self::Fragments => "fragments",
            Self::Utf8 => "utf8",
            Self::Closing => "closing",
            Self::Stream => "stream",
            Self::Load => "load",
            Self::Together => "together",
        }
    }
}

/// How strong a demand is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Must,
    Should,
    /// No RFC demands it, but peers are better off.
    Advice,
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Advice => "advice",
        }
    }
}

/// How the examinee has to end the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing was wrong: it answers our Close, 1000.
    Answered,
    /// It answers the Close that the script sent with one of these codes, the best first; 1005 is none.
    Closed(Vec<u16>),
    /// It fails the connection with one of these codes, the best first.
    Failed(Vec<u16>),
    /// It refuses the request with one of these statuses, the best first, or the response by leaving.
    Refused(Vec<u16>),
    /// It ends TCP, and whether it says why is open.
    Left,
    /// The script has left, so that nobody hears how it ends.
    Unheard,
}
