//! `plainws rules`: what a peer can break, as a table or one by one.

use crate::app::args::{self, Sender};
use crate::app::input::{Connection, Stream};
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::Limits;
use crate::app::judge::mistakes::EXAMPLE_KEY;
use crate::app::judge::places;
use crate::app::show;
use crate::app::show::output;
use crate::app::show::paint::{self, FAINT, STRONG, paint};
use crate::app::show::text::{padded, spaced, wrapped};
use crate::app::show::verdict::answer;
use clap::Args;
use plainws::protocol::rule::Answer;
use plainws::{Role, Rule};
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// A rule's name, such as length-not-minimal; without it, all are listed
    #[arg(value_name = "ID", value_parser = args::RuleName, hide_possible_values = true)]
    id: Option<String>,

    /// Write only the bytes with which this side breaks the rule, not as hex
    #[arg(long, value_enum, requires = "id")]
    raw: Option<Sender>,

    /// Show long examples in full, not only their beginning and end
    #[arg(long, requires = "id")]
    all: bool,
}

const EXAMPLES: &str = "\
Examples:
  plainws rules
  plainws rules length-not-minimal
  plainws rules text-not-utf8 --raw client | plainws decode";

/// The table, one rule, or its bytes.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let Some(id) = &options.id else {
        output::print(&table())?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut rules = Rule::ALL.iter();
    let rule = *rules
        .find(|rule| rule.id() == id)
        .ok_or_else(|| unknown(id))?;
    match options.raw {
        Some(sender) => {
            let role = Role::from(sender);
            let bytes = rule
                .example(role)
                .ok_or_else(|| format!("{id} does not bind a {}", role.name()))?;
            output::print_raw(bytes)?;
        }
        None => output::print(&detail(rule, !options.all))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(id: &str) -> String {
    let near: Vec<_> = Rule::ALL
        .iter()
        .map(|rule| rule.id())
        .filter(|known| known.contains(id) || id.split('-').any(|word| known.contains(word)))
        .collect();
    match &near[..] {
        [] => format!("there is no rule {id:?}; plainws rules lists them"),
        near => format!(
            "there is no rule {id:?}; similar ones are {}",
            near.join(", ")
        ),
    }
}

fn table() -> String {
    let row = |id: &str, section: &str, answer: &str, binds: &str| {
        let row = [
            padded(id, 28),
            padded(section, 15),
            padded(answer, 12),
            binds.into(),
        ];
        row.concat() + "\n"
    };
    let mut text = paint(STRONG, row("rule", "section", "answer", "binds").trim_end()) + "\n";
    for &rule in Rule::ALL {
        let answer = match rule.answer() {
            Answer::Close(code) => format!("Close {}", code.0),
            Answer::Status(status) => format!("HTTP {status}"),
            _ => "leave".into(),
        };
        text += &row(rule.id(), rule.section().0, &answer, binds(rule));
    }
    text + "\nSections are those of RFC 6455 unless another is named.\n\
        plainws rules ID shows one: its clause, bytes that break it, where it is judged.\n"
}

const fn binds(rule: Rule) -> &'static str {
    match (rule.example(Role::Client), rule.example(Role::Server)) {
        (Some(_), None) => "client",
        (None, Some(_)) => "server",
        _ => "both",
    }
}

fn detail(rule: Rule, is_cut: bool) -> String {
    let judged = places::judged(rule);
    let tested = places::tested(rule);
    let line = |label: &str, value: &str| format!("{}{value}\n", paint(FAINT, &padded(label, 9)));
    let mut text = [
        format!("{}\n", paint(STRONG, rule.id())),
        line("rule", &wrapped(rule.clause(), 9)),
        line("section", &format!("{}, {}", rule.section(), link(rule))),
        line("binds", binds(rule)),
        line("answer", &answers(rule)),
        line("field", rule.field().name()),
        line(
            "judged",
            &format!("src/protocol/{}.rs, fn {}", judged.file, judged.function),
        ),
        line("tested", &format!("tests/{}.rs, fn", tested.file)),
        format!("  {}\n", tested.function),
    ]
    .concat();
    for role in [Role::Client, Role::Server] {
        if let Some(bytes) = rule.example(role) {
            text += &example(rule, role, bytes, is_cut);
        }
    }
    text
}

/// What each side is told.
fn answers(rule: Rule) -> String {
    let bound = [Role::Client, Role::Server].into_iter();
    let bound = bound.filter(|&role| rule.example(role).is_some());
    let mut answers: Vec<_> = bound.map(|role| answer(rule, role)).collect();
    answers.dedup();
    answers.join("; ")
}

/// The RFC's own words.
fn link(rule: Rule) -> String {
    let (rfc, section) = match rule.section().0.split(' ').collect::<Vec<_>>()[..] {
        [_, rfc, section] => (rfc, section),
        _ => ("6455", rule.section().0),
    };
    format!("https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}")
}

/// The most bytes that are shown as a command line.
const SHORT: usize = 14;

fn example(rule: Rule, role: Role, bytes: &[u8], is_cut: bool) -> String {
    let name = role.name();
    let command = if bytes.len() <= SHORT {
        format!("plainws decode --role {name} {}", spaced(bytes))
    } else {
        // A response is judged by the key that it answers.
        let is_response = role == Role::Server && rule.close_code().is_none();
        let key = is_response.then(|| format!(" --key {EXAMPLE_KEY}"));
        let key = key.unwrap_or_default();
        format!(
            "plainws rules {} --raw {name} | plainws decode{key}",
            rule.id()
        )
    };
    let connection = Connection::of(Stream::new(Some(role), bytes.to_vec()));
    let mut conversation = Conversation::new(connection, Some(EXAMPLE_KEY), Limits::default());
    let title = paint(STRONG, &format!("A {name} breaks it like this:"));
    let command = paint::shell_line(&command);
    let mut text = format!("\n{title}\n{command}\n");
    // A String takes all.
    let _ = show::connection::listing(&mut text, &mut conversation, is_cut);
    text
}
