//! What people and programs are told.

pub(crate) mod autobahn;
mod brief;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod row;
pub(crate) mod text;

use self::row::Row;
use super::judge::Outcome;
use plainws::Role;
use std::time::Duration;

/// A whole examination.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The examinee: its URL, or what a client calls itself.
    pub(crate) name: String,
    /// Which end it is.
    pub(crate) role: Role,
    pub(crate) is_strict: bool,
    /// In the order of the cases.
    pub(crate) rows: Vec<Row>,
    pub(crate) time: Duration,
}

impl Report {
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.verdict.outcome == outcome).count()
    }

    /// Whether the examinee failed.
    pub(crate) fn is_bad(&self) -> bool {
        self.rows.iter().any(|row| row.is_bad(self.is_strict))
    }

    /// How many of each outcome there are, in words.
    pub(crate) fn summary(&self) -> String {
        let counts = Outcome::ALL.map(|outcome| (outcome, self.count(outcome)));
        let told = counts.iter().filter(|(_, count)| *count > 0);
        let told = told.map(|(outcome, count)| format!("{count} {}", outcome.name()));
        told.collect::<Vec<_>>().join(", ")
    }
}
