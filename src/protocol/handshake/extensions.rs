//! The list in `Sec-WebSocket-Extensions` (§9.1).
//!
//! No extension is implemented here, but the list is judged all the same: a server refuses a malformed
//! one, and a client any extension that it did not offer.
#![warn(clippy::indexing_slicing)]

use crate::protocol::checks::{Checks, Place};
use crate::protocol::head::{Head, is_token};
use crate::protocol::rule::Rule;
use std::borrow::Cow;
use std::str;

pub(super) const NAME: &str = "Sec-WebSocket-Extensions";

/// Checks that the header, if it is there, lists extensions. A request may spread the list over several
/// lines (§11.3.2).
pub(super) fn judge(head: &Head, checks: &mut Checks) -> Result<(), Rule> {
    let lists = checks.each(head, NAME, Rule::ExtensionsMalformed, Extension::list)?;
    let is_read = !lists.is_empty() && lists.len() == head.values(NAME).count();
    // §9.1: one extension at least. A line that is not a list has been reported just now.
    if is_read {
        let has_one = lists.iter().any(|extensions| !extensions.is_empty());
        checks.check(Place::Headers(NAME), Rule::ExtensionsMalformed, has_one)?;
    }
    Ok(())
}

/// An extension as a list names it, with its parameters (§9.1).
///
/// ```
/// use plainws::protocol::handshake::Extension;
///
/// let list = Extension::list(b"permessage-deflate; client_max_window_bits; x=\"10\", foo").expect("a list");
/// assert_eq!((list[0].name, list[1].name), ("permessage-deflate", "foo"));
/// assert_eq!(list[0].parameters[0], ("client_max_window_bits", None));
/// assert_eq!(list[0].parameters[1], ("x", Some("10".into())));
/// assert_eq!(Extension::list(b"foo;"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension<'a> {
    /// Its name, a token.
    pub name: &'a str,
    /// The names of its parameters, and the values of those that have one, without quotation marks.
    pub parameters: Vec<(&'a str, Option<Cow<'a, str>>)>,
}

impl<'a> Extension<'a> {
    /// Those in the value of one `Sec-WebSocket-Extensions` header, in their order; `None` for a value that is not
    /// a list of them. Elements may be empty, and an empty list is for the whole header to judge.
    #[must_use]
    pub fn list(mut value: &'a [u8]) -> Option<Vec<Self>> {
        let mut list = Vec::new();
        loop {
            value = value.trim_ascii_start();
            let (name, rest) = token_prefix(value);
            value = rest.trim_ascii_start();
            if !name.is_empty() {
                let mut parameters = Vec::new();
                while let Some(parameter) = value.strip_prefix(b";") {
                    let (parameter, rest) = parameter_prefix(parameter.trim_ascii_start())?;
                    parameters.push(parameter);
                    value = rest.trim_ascii_start();
                }
                list.push(Self { name, parameters });
            }
            match value {
                [] => return Some(list),
                [b',', rest @ ..] => value = rest,
                _ => return None,
            }
        }
    }
}

type Parameter<'a> = (&'a str, Option<Cow<'a, str>>);

/// Reads one parameter; returns it and what follows it.
fn parameter_prefix(input: &[u8]) -> Option<(Parameter<'_>, &[u8])> {
    let (name, rest) = token_prefix(input);
    if name.is_empty() {
        return None;
    }
    let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else {
        return Some(((name, None), rest));
    };
    let (value, rest) = match value.trim_ascii_start() {
        [b'"', quoted @ ..] => unquoted(quoted)?,
        value => {
            let (token, rest) = token_prefix(value);
            (token.into(), rest)
        }
    };
    (!value.is_empty()).then_some(((name, Some(value)), rest))
}

/// Reads what is in quotation marks, the first of which is read already: a token, when the backslashes are
/// taken out (§9.1).
fn unquoted(mut input: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let mut text = Vec::new();
    loop {
        match input {
            [b'"', rest @ ..] => {
                let is_token = is_token(&text);
                let text = String::from_utf8(text).ok().filter(|_| is_token)?;
                return Some((text.into(), rest));
            }
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                text.push(*byte);
                input = rest;
            }
            [] => return None,
        }
    }
}

/// The token that `input` begins with, which may be empty, and what follows it.
fn token_prefix(input: &[u8]) -> (&str, &[u8]) {
    let is_in_token = |byte: &u8| is_token(std::slice::from_ref(byte));
    let end = input.iter().position(|byte| !is_in_token(byte));
    let (token, rest) = input.split_at(end.unwrap_or(input.len()));
    // Tokens are ASCII.
    (str::from_utf8(token).unwrap_or_default(), rest)
}
