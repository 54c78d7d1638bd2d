//! What is shown while an examination runs. On a terminal: how far it is, and what does not pass as it comes. Elsewhere: a line
//! for each group once it is done, in the order of the table, with what did not pass in it.

use super::case::{Case, Group};
use super::report::files::tell;
use super::report::row::Row;
use super::report::text;
use crate::app::show::output::{self, To};

/// Columns of the bar.
const BAR: usize = 40;

/// How far an examination is.
pub(super) struct Progress<'a> {
    /// What examines the server again.
    command: &'a str,
    is_strict: bool,
    /// Where people are told.
    people: To,
    is_terminal: bool,
    of: usize,
    rows: Vec<Row>,
    /// The groups that are yet to be told, the last one first, each with the number of its cases.
    groups: Vec<(Group, usize)>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(cases: &[Case], command: &'a str, is_strict: bool, people: To) -> Self {
        let count = |group| cases.iter().filter(|case| case.group == group).count();
        let groups = Group::ALL.into_iter().rev();
        let groups = groups.map(|group| (group, count(group)));
        Self {
            command,
            is_strict,
            people,
            is_terminal: output::is_terminal(people) && output::is_terminal(To::Stderr),
            of: cases.len(),
            rows: Vec::new(),
            groups: groups.filter(|&(_, count)| count > 0).collect(),
        }
    }

    /// Notes that a case was played.
    pub(super) fn note(&mut self, row: Row) {
        if self.is_terminal {
            if row.is_bad(self.is_strict) {
                self.tell(&format!("{}\n", text::block(&row, self.command)));
            }
            self.rows.push(row);
            self.draw();
        } else {
            self.rows.push(row);
            self.tell_groups(Some(self.command));
        }
    }

    /// All results, in the order of the cases.
    pub(super) fn end(mut self) -> Vec<Row> {
        self.rows.sort_by_key(|row| row.number);
        self.tell_groups(None);
        self.rows
    }

    /// Tells of the groups that are done, with blocks for what did not pass if there is a `command` for them.
    fn tell_groups(&mut self, command: Option<&str>) {
        while let Some((group, count)) = self.groups.last().copied() {
            let of_group = self.rows.iter().filter(|row| row.group == group);
            let mut rows = Vec::from_iter(of_group);
            if rows.len() < count {
                return;
            }
            rows.sort_by_key(|row| row.number);
            let told = text::group(&rows, self.is_strict, command);
            self.groups.pop();
            if self.groups.is_empty() {
                // The summary brings an empty line of its own.
                self.tell(&(told.trim_end().to_owned() + "\n"));
            } else {
                self.tell(&told);
            }
        }
    }

    fn tell(&self, text: &str) {
        if self.is_terminal {
            let _ = output::write(To::Stderr, b"\r\x1b[K");
        }
        // Whoever has left does not want to see more.
        let _ = tell(self.people, text);
    }

    fn draw(&self) {
        let done = self.rows.len();
        let full = BAR * done / self.of.max(1);
        let (full, rest) = ("=".repeat(full), " ".repeat(BAR - full));
        let bar = format!("\r[{full}{rest}] {done} of {}", self.of);
        let _ = output::write(To::Stderr, bar.as_bytes());
    }
}
