//! `plainws why`: the questions that are asked most, and their answers.

use crate::app::args::QUESTION_NUMBERS;
use crate::app::show::output;
use crate::app::show::paint::{FAINT, STRONG, broken, paint, shell_line};
use crate::app::sought::{link, near, similar};
use crate::app::text::{COLUMNS, padded, wrapped};
use crate::app::why::{self, Question, Topic};
use clap::Args;
use plainws::protocol::rule::Section;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// A question's number; or words: all questions that have to do with them are listed
    #[arg(value_name = "NUMBER|WORDS", value_parser = QUESTION_NUMBERS, hide_possible_values = true)]
    sought: Vec<String>,

    /// Print JSON, all questions if none is named
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  plainws why
  plainws why 17
  plainws why proxies cache
  plainws why 1006";

/// Where the lab is, unless the server was told otherwise.
const LAB: &str = "http://127.0.0.1:8000/lab";
/// Where what follows a label begins.
const INDENT: usize = 9;
/// Where a question begins in a list.
const OF_LIST: usize = 5;

/// The list, one question, or those that were sought.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let sought = options.sought.join(" ");
    let found = find(&sought);
    if found.is_empty() {
        return Err(unknown(&sought));
    }
    output::print(&match found[..] {
        _ if options.json => in_json(&found),
        [question] => answer(question),
        _ => list(&found),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The question of that number, or those in which all of the words stand; all, if nothing is sought.
fn find(sought: &str) -> Vec<&'static Question> {
    let number = sought.trim_start_matches('#').parse().ok();
    if let Some(question) = number.and_then(why::numbered) {
        return vec![question];
    }
    let sought = sought.to_lowercase();
    let mut found = why::all();
    let of_question = |question: &&Question| has_words(question.question, &sought);
    if !sought.is_empty() && found.iter().any(of_question) {
        found.retain(of_question);
    } else {
        found
            .retain(|question| has_words(&[question.question, question.answer].join(" "), &sought));
    }
    found
}

/// Whether each of the words begins one of the text.
fn has_words(text: &str, sought: &str) -> bool {
    let text = text.to_lowercase();
    let words = words(&text);
    sought
        .split_whitespace()
        .all(|sought| words.iter().any(|word| word.starts_with(sought)))
}

fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect()
}

fn unknown(sought: &str) -> String {
    if let Ok(number) = sought.parse::<u64>() {
        return format!(
            "no question has the number {number} or the word; they go from 1 to {}",
            why::all().len()
        );
    }
    let text: Vec<_> = why::all()
        .iter()
        .map(|question| question.question.to_lowercase())
        .collect();
    let mut known: Vec<_> = text.iter().flat_map(|text| words(text)).collect();
    known.retain(|word| word.len() > 3);
    known.sort_unstable();
    known.dedup();
    let mut near = near(sought, known.into_iter());
    near.truncate(5);
    match &near[..] {
        [] => format!("no question has to do with {sought:?}; plainws why lists them"),
        near => format!("no question has to do with {sought:?}; {}", similar(near)),
    }
}

fn in_json(found: &[&Question]) -> String {
    let json = match found {
        [question] => why::object(question),
        _ => {
            json!({"questions": found.iter().map(|question| why::object(question)).collect::<Value>()})
        }
    };
    format!("{json:#}\n")
}

/// By topic.
fn list(found: &[&Question]) -> String {
    let mut text = String::new();
    for topic in Topic::ALL {
        let of_topic: Vec<_> = found
            .iter()
            .filter(|question| question.topic == topic)
            .collect();
        if of_topic.is_empty() {
            continue;
        }
        text += &format!("{}\n", paint(STRONG, topic.title()));
        for question in of_topic {
            text += &format!(
                "{:>3}  {}\n",
                question.number,
                wrapped(question.question, OF_LIST)
            );
        }
        text += "\n";
    }
    text + "plainws why NUMBER answers one.\n"
}

fn answer(question: &Question) -> String {
    let title = format!("{}. {}", question.number, question.question);
    let line =
        |label: &str, value: &str| format!("{}{value}\n", paint(FAINT, &padded(label, INDENT)));
    let mut text = format!(
        "{}\n\n{}\n\n",
        paint(STRONG, &wrapped(&title, 0)),
        wrapped(question.answer, 0)
    );
    let section = format!("{}, {}", Section(question.section), link(question.section));
    text += &line("section", &section);
    if let Some(place) = question.place {
        text += &line("code", &format!("{}, fn {}", place.file, place.function));
    }
    for (i, link) in question.links.iter().enumerate() {
        let label = if i == 0 { "lab" } else { "" };
        let at = format!("{LAB}{}", link.to);
        let gap = if INDENT + at.len() + 2 + link.text.len() < COLUMNS {
            "  ".into()
        } else {
            format!("\n{:INDENT$}", "")
        };
        text += &line(label, &format!("{at}{gap}{}", paint(FAINT, link.text)));
    }
    if let Some(command) = question.command {
        text += "\n";
        text += &if command.line.contains(" | ") {
            shell_line(command.line)
        } else {
            let line = broken(command.line, "  $ ".len());
            paint(FAINT, &format!("  $ {line}")) + "\n"
        };
    }
    text
}
