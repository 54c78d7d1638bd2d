//! A handshake for people: a row for each line, then the steps from the key to the accept value.

use super::listing::direction;
use super::paint::{BAD, FAINT, GOOD, OPEN, STRONG, paint};
use super::text::{COLUMNS, clipped, escaped, padded, spaced, width};
use anstyle::Style;
use plainws::Role;
use plainws::protocol::dissect::Verdict;
use plainws::protocol::dissect::handshake::{Derivation, Explanation, Line};
use plainws::protocol::handshake::GUID;
use plainws::protocol::rule::Section;

/// Header fields shown unless all are asked for.
const CUT: usize = 24;
/// Where a line's meaning begins.
const MEANING: usize = 41;
/// Where the section that speaks about it begins.
const SECTION: usize = 68;

/// Heading, lines, and the derivation of the accept value.
pub(crate) fn listing(head: &Explanation, stream: &[u8], is_cut: bool) -> String {
    let mut text = heading(head);
    let shown = if is_cut { CUT } else { usize::MAX };
    // A broken rule shows at the end, so lines in the middle are left out.
    let hidden = head.lines.len().saturating_sub(shown);
    for (i, line) in head.lines.iter().enumerate() {
        if (shown / 2..shown / 2 + hidden).contains(&i) {
            if i == shown / 2 {
                text += &format!("        … {hidden} more lines; --all shows them\n");
            }
            continue;
        }
        text += &row(line, &stream[line.bytes.clone()], is_cut);
    }
    text += "\n";
    if let Some(steps) = &head.derivation {
        text += &derivation(steps);
        text += "\n";
    }
    text
}

fn heading(head: &Explanation) -> String {
    let name = match head.sender {
        Role::Client => "request",
        Role::Server => "response",
    };
    let title = format!(
        "{name}  bytes 0..{}  {}",
        head.length,
        direction(head.sender)
    );
    let (style, status) = match head.verdict {
        Verdict::Legal => (GOOD, "ok"),
        Verdict::Incomplete => (OPEN, "incomplete"),
        Verdict::Violation { .. } => (BAD, "VIOLATION"),
    };
    let gap = " ".repeat(COLUMNS - 1 - status.len() - width(&title));
    format!("{}{gap}{}\n", paint(STRONG, &title), paint(style, status))
}

/// The line, with its meaning beside it or, where there is no room, below.
fn row(line: &Line, bytes: &[u8], is_cut: bool) -> String {
    let is_broken = !line.broken.is_empty();
    let (mark, style) = if is_broken {
        ("! ", BAD)
    } else {
        ("  ", Style::new())
    };
    let offset = format!("{:04x}  ", line.bytes.start);
    let before = mark.len() + offset.len();
    let said = escaped(bytes);
    let said = if is_cut {
        clipped(&said, COLUMNS - 1 - before)
    } else {
        said
    };
    let gap = if before + width(&said) + 2 <= MEANING {
        padded("", MEANING - before - width(&said))
    } else {
        format!("\n{:MEANING$}", "")
    };
    let meant = |meaning: &str, section: Section| {
        let meaning = padded(meaning, SECTION - MEANING);
        paint(FAINT, &meaning) + &paint(FAINT, section.0)
    };
    let meanings: Vec<_> = if is_broken {
        let rules = line.broken.iter();
        rules.map(|rule| meant(rule.id(), rule.section())).collect()
    } else {
        vec![meant(line.meaning, line.judgement.section())]
    };
    let painted = [
        paint(BAD, mark),
        paint(FAINT, &offset),
        paint(style, &said),
        gap,
        meanings.join(&format!("\n{:MEANING$}", "")),
    ];
    painted.concat() + "\n"
}

/// Key, GUID, hash and base64.
fn derivation(steps: &Derivation) -> String {
    let key = clipped(&escaped(steps.key.as_bytes()), COLUMNS - 12);
    let row = |label: &str, value: &str| format!("  {}{value}\n", paint(FAINT, &padded(label, 9)));
    [
        row("key", &key),
        row("+ GUID", GUID),
        row("SHA-1", &spaced(&steps.digest)),
        row("base64", &paint(STRONG, &steps.accept)),
    ]
    .concat()
}
