//! The list in `Sec-WebSocket-Extensions` (§9.1).
//!
//! No extension is implemented here, but the list is judged all the same: a server refuses a malformed
//! one, and a client any extension that it did not offer.
#![warn(clippy::indexing_slicing)]

use crate::protocol::checks::{Checks, Place};
use crate::protocol::head::{Head, is_token};
use crate::protocol::rule::Rule;

pub(super) const NAME: &str = "Sec-WebSocket-Extensions";

/// Checks that the header, if it is there, lists extensions. A request may spread the list over several
/// lines (§11.3.2).
pub(super) fn judge(head: &Head, checks: &mut Checks) -> Result<(), Rule> {
    let lists = checks.each(head, NAME, Rule::ExtensionsMalformed, names)?;
    let is_read = !lists.is_empty() && lists.len() == head.values(NAME).count();
    // §9.1: one extension at least. A line that is not a list has been reported just now.
    if is_read {
        let has_one = lists.iter().any(|names| !names.is_empty());
        checks.check(Place::Headers(NAME), Rule::ExtensionsMalformed, has_one)?;
    }
    Ok(())
}

/// The names of the extensions in one line, in their order; `None` for a line that is not a list of them.
pub(super) fn names(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut names = Vec::new();
    extension_list(value, &mut names)?;
    Some(names)
}

/// Reads `name; param; param=token; param="quoted", name …`, with empty elements allowed.
fn extension_list<'a>(mut rest: &'a [u8], names: &mut Vec<&'a [u8]>) -> Option<()> {
    loop {
        rest = rest.trim_ascii_start();
        let (name, after) = token_prefix(rest);
        rest = after.trim_ascii_start();
        if !name.is_empty() {
            names.push(name);
            while let Some(parameter) = rest.strip_prefix(b";") {
                rest = extension_parameter(parameter.trim_ascii_start())?.trim_ascii_start();
            }
        }
        match rest {
            [] => return Some(()),
            [b',', after @ ..] => rest = after,
            _ => return None,
        }
    }
}

/// Reads one parameter and returns what follows it. A quoted value must be a token inside (§9.1).
fn extension_parameter(input: &[u8]) -> Option<&[u8]> {
    let (name, rest) = token_prefix(input);
    if name.is_empty() {
        return None;
    }
    let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else {
        return Some(rest);
    };
    let value = value.trim_ascii_start();
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let mut unquoted = Vec::new();
        let mut rest = quoted;
        loop {
            match rest {
                [b'"', after @ ..] => return is_token(&unquoted).then_some(after),
                [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                    unquoted.push(*byte);
                    rest = after;
                }
                [] => return None,
            }
        }
    }
    let (value, rest) = token_prefix(value);
    if value.is_empty() { None } else { Some(rest) }
}

/// The token that `input` begins with, which may be empty, and what follows it.
fn token_prefix(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input
        .iter()
        .position(|byte| !is_token(std::slice::from_ref(byte)));
    input.split_at(end.unwrap_or(input.len()))
}
