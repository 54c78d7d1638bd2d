//! The reports that were asked for: opened before the first case is played, written after the last.

use super::{Report, autobahn, html, json, junit, text};
use crate::app::show::output::{self, To};
use clap::Args;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

#[derive(Args, Clone, Debug)]
pub(crate) struct Reports {
    /// Write the report as JSON into this file
    ///
    /// A FILE called - is standard output, here and below; what people read goes to standard error then. One object: examinee, role,
    /// strict, passed, seconds, counts of each outcome, and cases. A case: id, group, title, section, level, rules,
    /// autobahn (its number there), outcome, passed, why, due, likely, question, seconds, connections. A connection: sent and came
    /// (head as text; hex, as plainws decode takes it, up to 1,024 bytes after the head; length of all), status, close
    /// (code, reason), end (of TCP: fin, reset, flood, open, or null if it was ended from here).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write it as JUnit XML, which CI services show
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Write it as a page that shows every byte
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write it into this directory as the Autobahn Testsuite does: index.json, and a file for each of its cases
    #[arg(long, hide_short_help = true, value_name = "DIR")]
    autobahn: Option<PathBuf>,
}

type Write = fn(&Report) -> String;

/// Files that can be written.
pub(crate) struct Files {
    files: Vec<(Write, Output)>,
    autobahn: Option<PathBuf>,
}

enum Output {
    Stdout,
    File(PathBuf, File),
}

impl Files {
    /// Makes the files, empty, so that nobody waits for a report that cannot be written, or takes an old one for new.
    ///
    /// # Errors
    ///
    /// Why one cannot be written, in words for people.
    pub(crate) fn open(options: &Reports) -> Result<Self, String> {
        let wanted: [(_, Write); 3] = [
            (&options.json, json::write),
            (&options.junit, junit::write),
            (&options.html, html::write),
        ];
        let mut files = Vec::new();
        for (path, write) in wanted {
            if let Some(path) = path {
                files.push((write, Output::open(path)?));
            }
        }
        let is_stdout = |(_, output): &&(Write, Output)| matches!(output, Output::Stdout);
        if files.iter().filter(is_stdout).count() > 1 {
            return Err("only one report can be written to standard output".into());
        }
        let paths = files.iter().filter_map(|(_, output)| output.place());
        if let Some(path) = repeated(paths) {
            return Err(format!(
                "{}: only one report can be written there",
                path.display()
            ));
        }
        if let Some(directory) = &options.autobahn {
            autobahn::open(directory).map_err(|error| problem(directory, &error))?;
        }
        let autobahn = options.autobahn.clone();
        Ok(Self { files, autobahn })
    }

    /// Those of another examinee, which are called after it: `report.json` is `report-NAME.json`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn of(&self, examinee: &str) -> Result<Self, String> {
        let mut files = Vec::new();
        for (write, output) in &self.files {
            files.push((*write, output.of(examinee)?));
        }
        let autobahn = self.autobahn.clone();
        Ok(Self { files, autobahn })
    }

    /// Where people are told: on standard output, unless a report is written there.
    pub(crate) fn people(&self) -> To {
        let is_stdout = |(_, output): &(Write, Output)| matches!(output, Output::Stdout);
        if self.files.iter().any(is_stdout) {
            To::Stderr
        } else {
            To::Stdout
        }
    }

    /// Writes all of them. A later report takes the place of the one before.
    ///
    /// # Errors
    ///
    /// Why one cannot be written, in words for people.
    pub(crate) fn write(&mut self, report: &Report) -> Result<(), String> {
        for (write, output) in &mut self.files {
            output.write(&write(report))?;
        }
        if let Some(directory) = &self.autobahn {
            autobahn::write(report, directory).map_err(|error| problem(directory, &error))?;
        }
        Ok(())
    }

    /// Tells people.
    ///
    /// # Errors
    ///
    /// As [`output::print`].
    pub(crate) fn tell(&self, text: &str) -> Result<(), String> {
        tell(self.people(), text)
    }
}

/// Tells people, with colours where they see them.
///
/// # Errors
///
/// As [`output::print`].
pub(crate) fn tell(to: To, text: &str) -> Result<(), String> {
    if to == To::Stdout {
        return output::print(text);
    }
    // Without a reader there it goes unsaid.
    let _ = output::write(to, output::as_stderr_shows(text.to_owned()).as_bytes());
    Ok(())
}

/// A line for each group, and the verdict.
pub(crate) fn whole(report: &Report) -> String {
    let groups = report.groups();
    let mut told: String = groups
        .map(|(_, rows)| text::group(&rows, report.is_strict, None))
        .collect();
    told += &text::summary(report);
    told
}

impl Output {
    fn open(path: &Path) -> Result<Self, String> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        // What is there already stays until there is something better.
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false);
        let file = options.open(path).map_err(|error| problem(path, &error))?;
        Ok(Self::File(path.to_owned(), file))
    }

    /// The one name of a file, whatever it is called by. What is no file, such as a pipe, takes several reports.
    fn place(&self) -> Option<PathBuf> {
        match self {
            Self::File(path, file) if file.metadata().is_ok_and(|file| file.is_file()) => {
                path.canonicalize().ok()
            }
            _ => None,
        }
    }

    /// Standard output has no other name.
    fn of(&self, examinee: &str) -> Result<Self, String> {
        let Self::File(path, _) = self else {
            return Ok(Self::Stdout);
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{stem}-{}", autobahn::word(examinee));
        let named = path.with_file_name(name);
        Self::open(&match path.extension() {
            // Not `with_extension`, to which a point in the name begins one.
            Some(extension) => [named.as_os_str(), extension].join(".".as_ref()).into(),
            None => named,
        })
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        match self {
            Self::Stdout => output::print_raw(text.as_bytes()),
            Self::File(path, file) => rewrite(file, text).map_err(|error| problem(path, &error)),
        }
    }
}

fn repeated(paths: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let mut known = BTreeSet::new();
    paths.into_iter().find(|path| !known.insert(path.clone()))
}

fn rewrite(file: &mut File, text: &str) -> io::Result<()> {
    // What is no file, such as a pipe, goes on instead.
    if file.metadata()?.is_file() {
        file.rewind()?;
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}

fn problem(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
