//! What people are told of the clients, and the files of their reports.

use super::super::probe::NOTHING;
use super::super::report::files::{Files, tell, whole};
use super::super::report::row::Row;
use super::super::report::{Report, text};
use crate::app::show::output::{self, To};
use std::sync::{Mutex, PoisonError};

pub(super) struct Told {
    /// Where clients connect to.
    at: String,
    people: To,
    files: Mutex<Files>,
    /// The client that was reported on first, if any was. The files are called as the flags say for that one, and
    /// after the client for others.
    first: Mutex<Option<String>>,
}

impl Told {
    pub(super) fn new(at: String, files: Files) -> Self {
        Self {
            at,
            people: files.people(),
            files: Mutex::new(files),
            first: Mutex::default(),
        }
    }

    /// A case did not pass.
    pub(super) fn failed(&self, row: &Row) {
        let again = format!("plainws check --listen {} --only {}", self.at, row.id);
        // Whoever cannot read it finds it in the reports.
        let _ = tell(self.people, &format!("{}\n", text::block_with(row, &again)));
    }

    /// A client's report is due; there are `of` cases. Gives the exit code.
    pub(super) fn report(&self, report: &Report, of: usize) -> u8 {
        let (name, played) = (&report.name, report.rows.len());
        output::say(&format!("{name} has played {played} of {of} cases"));
        let told = self
            .write(report)
            .and_then(|()| tell(self.people, &whole(report)));
        match told {
            Ok(()) => u8::from(report.is_bad()),
            Err(problem) => {
                output::say(&problem);
                2
            }
        }
    }

    fn write(&self, report: &Report) -> Result<(), String> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let first = first.get_or_insert_with(|| report.name.clone());
        if *first == report.name {
            files.write(report)
        } else {
            files.of(&report.name)?.write(report)
        }
    }

    /// A client asks for its report, and has played nothing. Gives the exit code.
    pub(super) fn nothing(&self, agent: &str) -> u8 {
        output::say(&format!(
            "{agent} asks for its report, and has played no case"
        ));
        NOTHING
    }
}
