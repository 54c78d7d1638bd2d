//! What every oracle says of a subject: one call for those who bring a parser of their own.

use crate::oracle::{ORACLES, Oracle, inputs};
use crate::subject::{Subject, Wish};
use crate::watch::words;
use plainws::Role;
use plainws::protocol::head;
use plainws::protocol::message::Limits;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

/// A part of an implementation, which a subject may have or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// [`Subject::reader`], which all have.
    Reader,
    /// [`crate::subject::Reader::answers`].
    Answers,
    /// [`Subject::endpoint`].
    Endpoint,
    /// [`Subject::handshake`].
    Handshake,
    /// [`Subject::request`].
    Request,
    /// [`Subject::dissect`].
    Dissect,
    /// [`Subject::mask`].
    Mask,
    /// [`Subject::serves_host`].
    Host,
    /// [`Subject::url`].
    Url,
    /// [`Subject::text`].
    Text,
}

impl Part {
    /// Whether `subject` has it.
    #[must_use]
    pub fn is_in(self, subject: &dyn Subject) -> bool {
        let limits = Limits::default();
        let sender = Role::Client;
        match self {
            Self::Reader => true,
            Self::Answers => subject.reader(sender, limits).answers().is_some(),
            Self::Endpoint => subject.endpoint(sender, limits).is_some(),
            Self::Handshake => {
                let limits = head::Limits::default();
                subject.handshake(sender, limits, None).is_some()
            }
            Self::Request => subject.request(&Wish::default()).is_some(),
            Self::Dissect => subject.dissect(sender, limits, &[]).is_some(),
            Self::Mask => subject.mask().is_some(),
            Self::Host => subject.serves_host("localhost").is_some(),
            Self::Url => subject.url("ws://localhost/").is_some(),
            Self::Text => subject.text().is_some(),
        }
    }
}

impl fmt::Display for Part {
    /// The name of the method that is not implemented.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reader => "reader",
            Self::Answers => "answers",
            Self::Endpoint => "endpoint",
            Self::Handshake => "handshake",
            Self::Request => "request",
            Self::Dissect => "dissect",
            Self::Mask => "mask",
            Self::Host => "serves_host",
            Self::Url => "url",
            Self::Text => "text",
        })
    }
}

impl Oracle {
    /// The part that it judges; a subject without it passes, unseen.
    #[must_use]
    pub fn part(&self) -> Part {
        match self.name {
            "answers" => Part::Answers,
            "mask" => Part::Mask,
            "host" => Part::Host,
            "url" => Part::Url,
            "utf8" => Part::Text,
            "queue" => Part::Endpoint,
            "request-sent" => Part::Request,
            "request-items" | "response" | "response-items" => Part::Handshake,
            name if name.starts_with("endpoint-") => Part::Endpoint,
            name if name.starts_with("head-") => Part::Handshake,
            name if name.starts_with("dissect-") => Part::Dissect,
            _ => Part::Reader,
        }
    }
}

/// What one oracle says.
#[derive(Clone, Debug)]
pub struct Row {
    /// The oracle's name.
    pub oracle: &'static str,
    /// How many inputs it was given.
    pub inputs: u32,
    /// What came of them.
    pub outcome: Outcome,
}

/// What came of all inputs of an oracle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The subject lacks this part.
    NotJudged(Part),
    /// Nothing is wrong.
    Passed,
    /// Something is.
    Fired {
        /// At how many inputs.
        times: u32,
        /// The first of them.
        input: Vec<u8>,
        /// What was said of it.
        what: String,
    },
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oracle, inputs, .. } = self;
        match &self.outcome {
            Outcome::NotJudged(part) => write!(f, "{oracle:16} not judged: there is no `{part}`"),
            Outcome::Passed => write!(f, "{oracle:16} passed {inputs} inputs"),
            Outcome::Fired { times, input, what } => write!(
                f,
                "{oracle:16} fired at {times} of {inputs} inputs, first at {input:02x?}: {what}"
            ),
        }
    }
}

/// Has every oracle judge `subject` by its inputs, all of them; a panic counts as what is wrong with one.
pub fn report(subject: &dyn Subject) -> impl Iterator<Item = Row> {
    ORACLES.iter().map(move |oracle| {
        let part = oracle.part();
        let outcome = if part.is_in(subject) {
            outcome(subject, oracle)
        } else {
            Outcome::NotJudged(part)
        };
        Row {
            oracle: oracle.name,
            inputs: oracle.inputs,
            outcome,
        }
    })
}

fn outcome(subject: &dyn Subject, oracle: &Oracle) -> Outcome {
    let mut outcome = Outcome::Passed;
    for tried in inputs(oracle) {
        let check = AssertUnwindSafe(|| (oracle.check)(subject, &tried));
        let result = panic::catch_unwind(check)
            .unwrap_or_else(|panic| Err(format!("panicked: {}", words(&*panic))));
        if let Err(first) = result {
            match &mut outcome {
                Outcome::Fired { times, .. } => *times += 1,
                _ => {
                    outcome = Outcome::Fired {
                        times: 1,
                        input: tried,
                        what: first,
                    };
                }
            }
        }
    }
    outcome
}
