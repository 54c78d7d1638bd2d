//! What is tested, and why, for people.

use super::case::{Case, End};
use super::judge::shown::{self, Shown};
use super::script::{Answer, Step};
use super::select;
use crate::app::show::paint::{self, FAINT, STRONG, paint};
use crate::app::show::text::{count, padded, wrapped};
use crate::app::sought::link;
use clap::ValueEnum as _;
use plainws::protocol::rule::Section;
use plainws::{CloseCode, Role};

/// The cases that `what` names, or all; if it is one, all that is known of it.
///
/// # Errors
///
/// It names none.
pub(crate) fn list(cases: &[Case], what: &str) -> Result<String, String> {
    let named = match what {
        "" => cases.iter().collect(),
        what => select::named(cases, what)?,
    };
    Ok(match named[..] {
        [case] => detail(case),
        _ => table(&named),
    })
}

fn table(cases: &[&Case]) -> String {
    let mut text = String::new();
    for group in cases.chunk_by(|one, other| one.group == other.group) {
        let value = group[0].group.to_possible_value();
        let help = value.as_ref().and_then(|value| value.get_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        let heading = paint(STRONG, group[0].group.name());
        let number = count(group.len() as u64, "case");
        text += &format!("{heading}: {help}, {number}\n");
        for case in group {
            let Case {
                id, level, section, ..
            } = case;
            let level = padded(level.name(), 8);
            text += &format!("  {}{level}{section}\n", padded(id, 54));
            let title = wrapped(&case.title, 6);
            text += &paint(FAINT, &format!("      {title}"));
            text.push('\n');
        }
        text.push('\n');
    }
    text + &wrapped(
        "Sections are those of RFC 6455 unless another is named. plainws check --list ID shows one case: its script, \
         what is due, the rules.",
        0,
    ) + "\n"
}

const LABEL: usize = 9;

fn detail(case: &Case) -> String {
    let line = |label: &str, value: &str| {
        let label = paint(FAINT, &padded(label, LABEL));
        format!("{label}{}\n", wrapped(value, LABEL))
    };
    let mut text = paint(STRONG, &format!("{}/{}", case.group.name(), case.id)) + "\n";
    text += &line("title", &case.title);
    text += &line("level", case.level.name());
    let section = format!("{}, {}", Section(case.section), link(case.section));
    text += &line("section", &section);
    let examined = match case.only {
        None => "servers and clients",
        Some(Role::Server) => "servers",
        Some(Role::Client) => "clients",
    };
    text += &line("for", examined);
    let mut label = "script";
    for step in &case.script {
        text += &line(std::mem::take(&mut label), &words(step));
    }
    text += &line("end", &end(&case.end));
    for rule in &case.rules {
        text += &line("rule", &format!("{}: {rule}", rule.id()));
    }
    if let Some(old) = case.old {
        text += &line("old", &format!("{old} in the Autobahn Testsuite"));
    }
    let command = format!("plainws check ws://127.0.0.1:9001/ --only {}", case.id);
    let command = paint::broken(&command, "  $ ".len());
    text + "\n" + &paint(FAINT, &format!("  $ {command}")) + "\n"
}

/// A step in words.
pub(super) fn words(step: &Step) -> String {
    let sent = |frames: &[super::script::Frame]| {
        const MOST: usize = 8;
        let mut words: Vec<_> = frames.iter().take(MOST).map(ToString::to_string).collect();
        if frames.len() > MOST {
            words.push(format!("and {} more", frames.len() - MOST));
        }
        words.join("; ")
    };
    let due = |answers: &[Answer]| {
        const MOST: usize = 4;
        let shown = answers
            .iter()
            .take(MOST)
            .map(|answer| Shown::due(answer).to_string());
        let mut words: Vec<_> = shown.collect();
        if answers.len() > MOST {
            words.push(format!("and {} more", answers.len() - MOST));
        }
        words.join(", ")
    };
    match step {
        Step::On(number) => format!("on connection {}", number + 1),
        Step::Head(head, frames) => opening(head, sent(frames)),
        Step::HeadPieces(head, frames, _) => opening(head, sent(frames)) + ", in pieces",
        Step::HalfHead(head) => opening(head, String::new()) + ", and leaves it unfinished",
        Step::Send(frames) => format!("sends {}", sent(frames)),
        Step::Pieces(frames, sizes) => match sizes[..] {
            [1] => format!("sends, byte by byte, {}", sent(frames)),
            _ => format!("sends, in pieces of {sizes:?} bytes, {}", sent(frames)),
        },
        Step::Raw(bytes) => format!("sends the bytes {}", crate::app::show::text::spaced(bytes)),
        Step::Expect(answers) => format!("waits for {}", due(answers)),
        Step::Early => "waits for the peer to judge what it has".into(),
        Step::Perhaps(answers) => format!("takes, if it comes, {}", due(answers)),
        Step::Deaf => "stops reading".into(),
        Step::Hear => "reads again".into(),
        Step::ShutDown => "ends its half of TCP".into(),
        Step::Gone => "waits for the end of TCP".into(),
        Step::Drop => "ends TCP altogether".into(),
        Step::FreshKeys => "looks for masking keys that differ".into(),
    }
}

/// How it opens a connection, with frames right after the head.
fn opening(head: &str, frames: String) -> String {
    /// What is longer fits no terminal.
    const MOST: usize = 2000;
    let after = if frames.is_empty() {
        frames
    } else {
        format!(" and right after it {frames}")
    };
    match head {
        "{head}" => format!("opens with the usual head{after}"),
        head if head.len() > MOST => format!("opens with a head of {} bytes{after}", head.len()),
        head => format!(
            "opens with {}{after}",
            crate::app::show::text::quoted(head.as_bytes())
        ),
    }
}

pub(super) fn end(end: &End) -> String {
    let codes = |codes: &[u16]| {
        let code = |code: &u16| match CloseCode(*code).name() {
            Some(name) if *code != 1005 => format!("{code} {name}"),
            _ => shown::code(*code),
        };
        codes.iter().map(code).collect::<Vec<_>>().join(" or ")
    };
    match end {
        End::Answered => "our Close, 1000, is answered".into(),
        End::Closed(due) => format!("our Close is answered: {}", codes(due)),
        End::Failed(due) => format!("the peer fails the connection: {}", codes(due)),
        End::Refused(statuses) if statuses.is_empty() => "the peer leaves, without a frame".into(),
        End::Refused(statuses) => {
            let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
            format!("the handshake is refused: {}", statuses.join(" or "))
        }
        End::Left => "the peer ends TCP".into(),
        End::Unheard => "we have left".into(),
    }
}
