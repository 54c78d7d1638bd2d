//! What people and programs are told.

pub(crate) mod autobahn;
pub(crate) mod files;
mod frames;
mod head;
mod html;
mod json;
mod junit;
mod repeats;
pub(crate) mod row;
pub(crate) mod text;

use self::row::Row;
use super::case::Group;
use super::judge::Outcome;
use plainws::Role;
use std::time::Duration;

/// A whole examination.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// What the examinee is called: its URL unless it has a name.
    pub(crate) name: String,
    /// What examines a server again.
    pub(crate) command: String,
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

    /// The groups that have cases, with these.
    fn groups(&self) -> impl Iterator<Item = (Group, Vec<&Row>)> {
        let of = |group| {
            let rows = self.rows.iter().filter(move |row| row.group == group);
            (group, rows.collect::<Vec<_>>())
        };
        let groups = Group::ALL.into_iter().map(of);
        groups.filter(|(_, rows)| !rows.is_empty())
    }
}

/// How many of each outcome there are, in words.
fn counted<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let outcomes = Vec::from_iter(rows.map(|row| row.verdict.outcome));
    let count = |outcome| outcomes.iter().filter(|&of| *of == outcome).count();
    let counts = Outcome::ALL.map(|outcome| (outcome, count(outcome)));
    let told = counts.iter().filter(|(_, count)| *count > 0);
    let told = told.map(|(outcome, count)| format!("{count} {}", outcome.name()));
    told.collect::<Vec<_>>().join(", ")
}
