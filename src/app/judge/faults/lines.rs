//! Lines that stop the reading of a head, each with the place at which it stops being one.

use super::grammar;
use super::head::{Field, Found, Head};
use plainws::protocol::head::is_token;
use std::ops::Range;

pub(super) fn ending(head: &Head<'_>) -> Found {
    let last = head.end.saturating_sub(1);
    if head.text(&(last..head.end)) == b"\n" {
        return head.at_end("a CR stands before each LF");
    }
    Found::byte(last.saturating_sub(1), "an LF follows each CR")
}

pub(super) fn too_many(head: &Head<'_>) -> Option<Found> {
    let number = head.fields.len();
    let last = head.fields.last()?;
    let why = format!("it is number {number}; the limit is {}", number - 1);
    Some(Found::At(last.name.clone(), why))
}

/// From left to right, the first that is wrong.
pub(super) fn request(head: &Head<'_>) -> Option<Found> {
    let words = head.words();
    let is_version = |word: &Range<usize>| grammar::version(head.text(word)).is_none();
    let [method, rest @ ..] = &words[..] else {
        return None;
    };
    if method.is_empty() {
        return Some(Found::byte(method.start, "the line begins with its method"));
    }
    if let Some(wrong) = grammar::token(head.text(method)) {
        return Some(Found::at(method.start, wrong));
    }
    let [target, rest @ ..] = rest else {
        return Some(Found::Missing(
            "a target and a version are missing after the method".into(),
        ));
    };
    if target.is_empty() {
        return Some(Found::byte(
            target.start,
            "one space stands before the target",
        ));
    }
    if rest.is_empty() && is_version(target) {
        return Some(Found::Missing(
            "there is no target between method and version".into(),
        ));
    }
    if let Some(wrong) = grammar::target(head.text(target), head.text(method)) {
        return Some(Found::at(target.start, wrong));
    }
    match rest {
        [] => Some(Found::Missing(
            "there is no version after the target".into(),
        )),
        [next, ..] if next.is_empty() => Some(Found::byte(
            next.start,
            "one space stands before the version",
        )),
        [next, _, ..] if is_version(next) => {
            Some(Found::byte(next.end, "the line ends after its version"))
        }
        [.., last] if is_version(last) => Some(Found::byte(
            target.end,
            "a space inside a target is written %20",
        )),
        [first, .., last] => no_version(head, first.start..last.end),
        [only] => no_version(head, only.clone()),
    }
}

fn no_version(head: &Head<'_>, part: Range<usize>) -> Option<Found> {
    Some(Found::at(part.start, grammar::version(head.text(&part))?))
}

pub(super) fn status(head: &Head<'_>) -> Option<Found> {
    let words = head.words();
    let [version, rest @ ..] = &words[..] else {
        return None;
    };
    if let Some(wrong) = grammar::version(head.text(version)) {
        return Some(Found::at(version.start, wrong));
    }
    match rest {
        [] => Some(Found::Missing(
            "there is no status code after the version".into(),
        )),
        [code, ..] if code.is_empty() => Some(Found::byte(
            code.start,
            "one space stands before the status code",
        )),
        [code, ..] => {
            if let Some(wrong) = grammar::status(head.text(code)) {
                return Some(Found::at(code.start, wrong));
            }
            let what =
                "there is no space after the status code; it stands there even without a reason";
            Some(Found::Missing(what.into()))
        }
    }
}

pub(super) fn folded(head: &Head<'_>) -> Option<Found> {
    let begins_blank = |field: &&Field| matches!(head.text(&field.name), [b' ' | b'\t', ..]);
    if let Some(field) = head.fields.iter().find(begins_blank) {
        return Some(Found::byte(
            field.name.start,
            "no header begins with a blank",
        ));
    }
    let mut values = head.fields.iter().filter_map(|field| field.value.clone());
    let at = values.find_map(|value| {
        let end = head.text(&value).iter().position(|byte| *byte == b'\n')?;
        Some(value.start + end + 1)
    });
    Some(Found::byte(
        at?,
        "this line continues the one above; each begins with a name",
    ))
}

pub(super) fn header(head: &Head<'_>) -> Option<Found> {
    let is_right = |field: &&Field| field.value.is_some() && is_token(head.text(&field.name));
    let field = head.fields.iter().find(|field| !is_right(field))?;
    let name = head.text(&field.name);
    let at = field.name.start;
    let trimmed = name.trim_ascii_end().len();
    Some(if field.value.is_none() {
        Found::At(field.name.clone(), "there is no colon in it".into())
    } else if name.is_empty() {
        Found::byte(at, "a name stands before the colon")
    } else if is_token(&name[..trimmed]) {
        let blanks = at + trimmed..at + name.len();
        Found::At(blanks, "the colon directly follows the name".into())
    } else {
        Found::at(at, grammar::token(name)?)
    })
}
