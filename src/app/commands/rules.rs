//! `plainws rules`: what a peer can break, as a table or one by one.

use crate::app::args::{self, Sender};
use crate::app::input::{Connection, Stream};
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::{Known, Limits};
use crate::app::judge::mistakes::EXAMPLE_KEY;
use crate::app::judge::places;
use crate::app::show;
use crate::app::show::output;
use crate::app::show::paint::{self, FAINT, STRONG, paint};
use crate::app::show::text::{padded, spaced, wrapped};
use crate::app::show::verdict::answer;
use crate::app::sought::{is_in, link, near, rfc_and_section, similar};
use clap::Args;
use plainws::protocol::rule::Answer;
use plainws::{Role, Rule};
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// A rule's name, such as length-not-minimal; or a section or an answer: all rules of it are listed
    #[arg(value_name = "ID", value_parser = args::RULE_NAMES, hide_possible_values = true)]
    id: Vec<String>,

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
  plainws rules 5.5
  plainws rules RFC 9112
  plainws rules 1002
  plainws rules text-not-utf8 --raw client | plainws decode";

/// The table, one rule, or its bytes.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let sought = options.id.join(" ");
    let found = find(&sought);
    match (&found[..], options.raw) {
        ([], _) => return Err(unknown(&sought)),
        ([rule], Some(sender)) => {
            let role = Role::from(sender);
            let bytes = rule
                .example(role)
                .ok_or_else(|| format!("{} does not bind a {}", rule.id(), role.name()))?;
            output::print_raw(bytes)?;
        }
        ([rule], None) => output::print(&detail(*rule, !options.all))?,
        (rules, Some(_)) => {
            return Err(format!(
                "--raw takes one rule, and {sought} are {}",
                rules.len()
            ));
        }
        (rules, None) => output::print(&table(rules))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The rule of that name; or those of a section and its subsections, of an RFC, or of an answer. All, if
/// nothing is sought.
fn find(sought: &str) -> Vec<Rule> {
    let rules = Rule::ALL.iter().copied();
    if let Some(rule) = rules.clone().find(|rule| rule.id() == sought) {
        return vec![rule];
    }
    let words = sought.to_lowercase().replace(['§', ','], " ");
    let kinds = ["rfc", "section", "close", "http", "status"];
    let words = words
        .split_whitespace()
        .map(|word| word.trim_start_matches("rfc"));
    let words: Vec<_> = words
        .filter(|word| !word.is_empty() && !kinds.contains(word))
        .collect();
    let is_it = |rule: &Rule| match words[..] {
        [] => sought.is_empty(),
        [number] => {
            let (rfc, section) = rfc_and_section(rule.section().0);
            rfc == number || rfc == "6455" && is_in(section, number) || answered(*rule) == number
        }
        [rfc, number] => {
            let (of, section) = rfc_and_section(rule.section().0);
            of == rfc && is_in(section, number)
        }
        _ => false,
    };
    rules.filter(is_it).collect()
}

/// The code or status that a breach is answered with.
fn answered(rule: Rule) -> String {
    match rule.answer() {
        Answer::Close(code) => code.0.to_string(),
        Answer::Status(status) => status.to_string(),
        _ => String::new(),
    }
}

fn unknown(sought: &str) -> String {
    if sought.starts_with(|c: char| c.is_ascii_digit() || c == '§') {
        let mut answers: Vec<_> = Rule::ALL.iter().map(|rule| answered(*rule)).collect();
        answers.retain(|answer| !answer.is_empty());
        answers.sort_unstable();
        answers.dedup();
        let mut sections: Vec<_> = Rule::ALL.iter().map(|rule| rule.section().0).collect();
        sections.retain(|section| !section.starts_with("RFC"));
        sections.sort_unstable_by_key(|section| {
            section
                .split('.')
                .map(|part| part.parse().unwrap_or(0u8))
                .collect::<Vec<_>>()
        });
        sections.dedup();
        return format!(
            "no rule is of section {sought:?} or answered so. Sections are {}, and some of other RFCs; answers are {}",
            sections.join(", "),
            answers.join(", ")
        );
    }
    match &near(sought, Rule::ALL.iter().map(|rule| rule.id()))[..] {
        [] => format!("there is no rule {sought:?}; plainws rules lists them"),
        near => format!("there is no rule {sought:?}; {}", similar(near)),
    }
}

fn table(rules: &[Rule]) -> String {
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
    for &rule in rules {
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
        line(
            "section",
            &format!("{}, {}", rule.section(), link(rule.section().0)),
        ),
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

/// The most bytes that are shown as a command line.
const SHORT: usize = 14;

fn example(rule: Rule, role: Role, bytes: &[u8], is_cut: bool) -> String {
    let name = role.name();
    let command = if bytes.len() <= SHORT {
        format!("plainws decode --role {name} {}", spaced(bytes))
    } else {
        // A response is judged by the key that it answers.
        let is_response = role == Role::Server && rule.close_code().is_none();
        let asked = if is_response {
            asked_for(rule)
        } else {
            String::new()
        };
        format!(
            "plainws rules {} --raw {name} | plainws decode{asked}",
            rule.id()
        )
    };
    let connection = Connection::of(Stream::new(Some(role), bytes.to_vec()));
    let mut conversation = Conversation::new(connection, &Known::of_examples(), Limits::default());
    let title = paint(STRONG, &format!("A {name} breaks it like this:"));
    let command = paint::shell_line(&command);
    let mut text = format!("\n{title}\n{command}\n");
    // A String takes all.
    let _ = show::connection::listing(&mut text, &mut conversation, is_cut);
    text
}

/// What the response is judged by, as options of `decode`.
fn asked_for(rule: Rule) -> String {
    match rule {
        Rule::AcceptWrong => format!(" --key {EXAMPLE_KEY}"),
        Rule::SubprotocolNotOffered => " --subprotocols ''".into(),
        Rule::ExtensionNotOffered => " --extensions ''".into(),
        _ => String::new(),
    }
}
