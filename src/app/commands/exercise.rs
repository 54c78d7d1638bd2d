//! `plainws exercise`: ten questions about bytes.

use crate::app::args;
use crate::app::judge::questions;
use crate::app::judge::stages::{ALL, Stage};
use crate::app::show::listing::direction;
use crate::app::show::output;
use crate::app::show::paint::{BAD, FAINT, GOOD, STRONG, paint};
use crate::app::show::text::{joined, spaced, wrapped};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// Ask only this question, 1 to 10
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..=ALL.len() as u64))]
    number: Option<u64>,

    /// Ask new questions, which this number makes; the same ones each time
    #[arg(long, value_name = "N", conflicts_with = "save", value_parser = args::number::<u64>)]
    seed: Option<u64>,

    /// Show the hint with the question
    #[arg(long)]
    hint: bool,

    /// Give the answer here instead of typing it
    #[arg(long, value_name = "ANSWER", requires = "number")]
    answer: Option<String>,

    /// Remember in this file which questions are solved, and ask only the others
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  plainws exercise
  plainws exercise 3 --hint
  plainws exercise --seed 7         the same new questions for a whole class
  plainws exercise 1 --answer ping

Exit codes:
  0  every question asked is solved      1  not every one        2  wrong usage";

/// Asks until each question is solved or skipped, or the input ends.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let mut solved = match &options.save {
        Some(path) => load(path)?,
        None => BTreeSet::new(),
    };
    let made = options.seed.map(questions::made).unwrap_or_default();
    let stages: Vec<_> = match options.seed {
        Some(_) => made.iter().map(|(stage, _)| stage).collect(),
        None => ALL.iter().collect(),
    };
    let asked: Vec<_> = (1..)
        .zip(stages)
        .filter(|(number, _)| match options.number {
            Some(only) => only == *number,
            None => !solved.contains(number),
        })
        .collect();
    if asked.is_empty() {
        output::print("All ten are solved already.\n")?;
    }
    for &(number, stage) in &asked {
        output::print(&shown(number, stage, options.hint))?;
        let outcome = match &options.answer {
            Some(answer) => judge(stage, answer, "\n")?,
            None => ask(stage)?,
        };
        match outcome {
            Outcome::Solved => {
                solved.insert(number);
                if let Some(path) = &options.save {
                    store(path, &solved)?;
                }
            }
            Outcome::Skipped => {}
            Outcome::Left => break,
        }
    }
    if options.number.is_none() {
        output::print(&progress(&solved))?;
    }
    let is_done = asked.iter().all(|(number, _)| solved.contains(number));
    Ok(if is_done {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// How a question ended.
enum Outcome {
    Solved,
    Skipped,
    Left,
}

fn shown(number: u64, stage: &Stage, with_hint: bool) -> String {
    let title = format!("{number}. {}", stage.title);
    let mut text = format!("{}\n", paint(STRONG, &title));
    if !stage.bytes.is_empty() {
        let from = direction(stage.sender);
        text += &format!("   {from}:  {}\n", spaced(&stage.bytes));
    }
    text += &format!("   {}\n", wrapped(&stage.question, 3));
    if with_hint {
        text += &hint(stage);
    }
    text
}

fn hint(stage: &Stage) -> String {
    let hint = format!("Hint: {}.", stage.hint);
    format!("   {}\n", paint(FAINT, &wrapped(&hint, 3)))
}

/// Reads answers until one is right.
fn ask(stage: &Stage) -> Result<Outcome, String> {
    loop {
        output::print("   > ")?;
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        let is_end = read.map_err(|error| format!("standard input: {error}"))? == 0;
        if is_end {
            output::print("\n")?;
            return Ok(Outcome::Left);
        }
        match line.trim() {
            "quit" | "q" => return Ok(Outcome::Left),
            "hint" | "?" => output::print(&hint(stage))?,
            "skip" | "s" => {
                let answer = stage.answer().shown();
                output::print(&format!("   The answer was: {answer}\n\n"))?;
                return Ok(Outcome::Skipped);
            }
            "" => output::print("   (type an answer, or: hint, skip, quit)\n")?,
            answer => {
                if let Outcome::Solved = judge(stage, answer, " Try again, or: hint, skip, quit\n")?
                {
                    return Ok(Outcome::Solved);
                }
            }
        }
    }
}

fn judge(stage: &Stage, answer: &str, comment: &str) -> Result<Outcome, String> {
    if let Some(fault) = stage.answer().fault(answer) {
        let wrong = paint(BAD, "Wrong:");
        output::print(&format!("   {wrong} {fault}.{comment}"))?;
        return Ok(Outcome::Skipped);
    }
    let right = paint(GOOD, "Right.");
    let see = if stage.bytes.is_empty() {
        String::new()
    } else {
        let sender = stage.sender.name();
        let bytes = joined(&stage.bytes);
        format!(" See all of it: plainws decode --role {sender} {bytes}")
    };
    output::print(&format!("   {right}{see}\n\n"))?;
    Ok(Outcome::Solved)
}

fn progress(solved: &BTreeSet<u64>) -> String {
    let marks =
        (1..=ALL.len() as u64).map(|number| if solved.contains(&number) { '#' } else { '.' });
    let marks: String = marks.collect();
    format!("[{marks}] {} of {} solved\n", solved.len(), ALL.len())
}

// The file: the numbers of what is solved, one a line.

fn load(path: &Path) -> Result<BTreeSet<u64>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn store(path: &Path, solved: &BTreeSet<u64>) -> Result<(), String> {
    let lines: String = solved.iter().map(|number| format!("{number}\n")).collect();
    fs::write(path, lines).map_err(|error| format!("{}: {error}", path.display()))
}
