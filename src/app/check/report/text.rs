//! The report for a terminal or a log.

use super::super::case::{Case, Group};
use super::super::judge::Outcome;
use super::super::run::Result;
use crate::app::show::output;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

pub(crate) struct Text {
    url: String,
    is_strict: bool,
    groups: BTreeMap<Group, BTreeMap<Outcome, usize>>,
    begin: Instant,
}

impl Text {
    pub(crate) fn new(url: &str, is_strict: bool) -> Self {
        Self {
            url: url.to_owned(),
            is_strict,
            groups: BTreeMap::new(),
            begin: Instant::now(),
        }
    }

    /// Notes a result, and shows what failed.
    pub(crate) fn result(&mut self, case: &Case, result: &Result) {
        let outcome = result.verdict.outcome;
        *self
            .groups
            .entry(case.group)
            .or_default()
            .entry(outcome)
            .or_default() += 1;
        if outcome == Outcome::Ok {
            return;
        }
        let line = format!(
            "{:8} {}/{}  {}: {}\n",
            outcome.name(),
            case.group.name(),
            case.id,
            case.title,
            result.verdict.why
        );
        let _ = output::print(&line);
    }

    pub(crate) fn finish(&self) -> ExitCode {
        let mut is_bad = false;
        for (group, outcomes) in &self.groups {
            let counts: Vec<_> = outcomes
                .iter()
                .map(|(outcome, count)| format!("{count} {}", outcome.name()))
                .collect();
            is_bad |= outcomes.keys().any(|outcome| match outcome {
                Outcome::Failed | Outcome::Timeout => true,
                Outcome::Lenient => self.is_strict,
                _ => false,
            });
            let _ = output::print(&format!("{:10} {}\n", group.name(), counts.join(", ")));
        }
        let _ = output::print(&format!("{} in {:.1?}\n", self.url, self.begin.elapsed()));
        ExitCode::from(u8::from(is_bad))
    }
}
