//! A saved session: a line for each piece, `>` for what the client sent and `<` for what the server sent.
//!
//! ```text
//! #1 > 0.012345 81 85 37 fa 21 3d 7f 9f 4d 51 58
//! #1 < 0.012811 81 05 48 65 6c 6c 6f
//! # a comment
//! > 88 80 00 00 00 00
//! ```
//!
//! The number of the connection and the seconds since it began may be missing.

use super::pasted::{Pasted, Piece};
use crate::app::input::hex;
use crate::app::input::place::wrong;
use plainws::Role;
use std::time::Duration;

/// Reads a saved session; `None` for text that does not begin as one.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let first = text.lines().find(|line| !is_comment(line))?;
    let (.., rest) = marked(first)?;
    let cells = rest.trim_start();
    if cells.starts_with("00000000 ") && cells.contains('#') {
        let what = "an offset, as nc -o writes it? Without the offsets this is a session";
        return Some(Err(wrong(text, cells, what)));
    }
    Some(read(text))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line == "#" || line.starts_with("# ")
}

/// What stands before a direction's mark, whose mark it is, and what follows.
fn marked(line: &str) -> Option<(&str, Role, &str)> {
    let at = line.find(['>', '<'])?;
    let (number, marked) = line.split_at(at);
    let (mark, rest) = marked.split_at(1);
    let number = number.trim();
    let is_number = number.strip_prefix('#').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    });
    let is_apart = rest.is_empty() || rest.starts_with(char::is_whitespace);
    let role = if mark == ">" {
        Role::Client
    } else {
        Role::Server
    };
    (is_apart && (number.is_empty() || is_number)).then_some((number, role, rest))
}

fn read(text: &str) -> Result<Pasted, String> {
    let mut pasted = Pasted::default();
    for (number, line) in (1..).zip(text.lines()) {
        if is_comment(line) {
            continue;
        }
        let Some((connection, sender, rest)) = marked(line) else {
            let what = "a line of a saved session begins with >, <, or a number as in #1 >";
            return Err(wrong(text, line.trim_start(), what));
        };
        let (time, bytes) = seconds(rest);
        let piece = Piece {
            connection: connection_number(text, connection)?,
            sender: Some(sender),
            number,
            time,
        };
        pasted.push(piece, "line", &read_hex(text, bytes)?);
    }
    Ok(pasted.without_ordinary_http())
}

fn connection_number(text: &str, number: &str) -> Result<u64, String> {
    match number.strip_prefix('#') {
        None => Ok(0),
        Some(digits) => digits
            .parse()
            .map_err(|_| wrong(text, number, "this number is too large")),
    }
}

/// The time in front of the bytes: no byte has a point.
fn seconds(rest: &str) -> (Option<Duration>, &str) {
    let rest = rest.trim();
    let (word, bytes) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let seconds = word.contains('.').then(|| word.parse().ok()).flatten();
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(time) => (Some(time), bytes),
        None => (None, rest),
    }
}

/// Reads the bytes of a line, which is a slice of the text.
fn read_hex(text: &str, bytes: &str) -> Result<Vec<u8>, String> {
    hex::plain(bytes).map_err(|_| {
        let is_trace = ["TEXT", "BINARY", "CLOSE", "PING", "PONG", "…"];
        let what = if is_trace.iter().any(|word| bytes.contains(word)) {
            "a line of --trace, which shows only the beginnings; --save writes all bytes"
        } else {
            "after > and <, and perhaps the seconds, there are bytes in hex"
        };
        let wrong_word = bytes
            .split_whitespace()
            .find(|word| hex::plain(word).is_err());
        wrong(text, wrong_word.unwrap_or(bytes), what)
    })
}
