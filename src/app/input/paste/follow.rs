//! What `tshark -z follow,tcp,…` and Wireshark's Follow TCP Stream show: both directions of a connection, as hex
//! dumps, raw hex or YAML. What the second end sent is set to the right.

use super::dump::{self, Order, Row};
use super::pasted::{Pasted, Piece, roles};
use crate::app::input::hex;
use crate::app::input::place::wrong;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::Role;
use std::time::Duration;

/// Reads the directions of connections; `None` for text that does not show them so.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let has_heading = text.lines().any(|line| line.starts_with("Follow: "));
    if has_heading {
        Some(tshark(text))
    } else if text.lines().any(|line| data(line).is_some()) {
        let mut pasted = Pasted::default();
        Some(yaml(text, text, 0, &mut pasted).map(|()| pasted))
    } else if is_two_dumps(text) {
        let lines = numbered(text, text);
        let mut pasted = Pasted::default();
        Some(hex_dumps(text, &lines, 0, &mut pasted).map(|()| pasted))
    } else {
        None
    }
}

/// A dump in which lines that are set to the right begin at 0 again.
fn is_two_dumps(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let begins = |line: &str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        word.len() == 8 && word.bytes().all(|digit| digit == b'0')
    };
    let is_first = lines
        .next()
        .is_some_and(|line| begins(line) && !is_second(line));
    is_first && lines.any(|line| begins(line) && is_second(line))
}

/// Whether a line shows what the second end sent.
fn is_second(line: &str) -> bool {
    line.starts_with('\t') || line.starts_with("    ")
}

/// A line that is not empty, and its number in the text.
type Line<'a> = (u64, &'a str);

/// The lines of a part of a text.
fn numbered<'a>(text: &'a str, part: &'a str) -> Vec<Line<'a>> {
    let at = part.as_ptr() as usize - text.as_ptr() as usize;
    let first = 1 + text[..at].matches('\n').count() as u64;
    let lines = (first..).zip(part.lines());
    lines.filter(|(_, line)| !line.trim().is_empty()).collect()
}

fn tshark(text: &str) -> Result<Pasted, String> {
    let mut pasted = Pasted::default();
    let mut rest = text;
    let mut connection = 0;
    while let Some(at) = rest.find("Follow: ") {
        let block = &rest[at..];
        let end = block[1..]
            .find("Follow: ")
            .map_or(block.len(), |end| end + 1);
        follow(text, &block[..end], connection, &mut pasted)?;
        connection += 1;
        rest = &block[end..];
    }
    Ok(pasted)
}

/// One connection.
fn follow(text: &str, block: &str, connection: u64, pasted: &mut Pasted) -> Result<(), String> {
    let mut lines = numbered(text, block);
    let (_, heading) = lines.remove(0);
    let end = |name: &str| {
        let address = lines.iter().find_map(|(_, line)| line.strip_prefix(name));
        address.unwrap_or_default().trim().to_owned()
    };
    let name = format!("{} and {}", end("Node 0:"), end("Node 1:"));
    let is_heading = |line: &str| {
        ["===", "Filter:", "Node "]
            .iter()
            .any(|begin| line.starts_with(begin))
    };
    lines.retain(|(_, line)| !is_heading(line));
    match heading.trim() {
        "Follow: tcp,hex" => hex_dumps(text, &lines, connection, pasted)?,
        "Follow: tcp,raw" => raw(text, &lines, connection, pasted)?,
        "Follow: tcp,yaml" => yaml(text, block, connection, pasted)?,
        other => {
            let what = if other.contains("tcp,") {
                "this mode does not show all bytes as they are; use follow,tcp,hex or raw or yaml"
            } else {
                "only follow,tcp shows the frames themselves"
            };
            return Err(wrong(text, heading, what));
        }
    }
    pasted.name(connection, name);
    Ok(())
}

fn hex_dumps(
    text: &str,
    lines: &[Line<'_>],
    connection: u64,
    pasted: &mut Pasted,
) -> Result<(), String> {
    let of_end = |second: bool| {
        let lines = lines
            .iter()
            .filter(move |(_, line)| is_second(line) == second);
        let rows = lines.map(|(_, line)| Row::of(line).ok_or_else(|| dump::not_a_row(text, line)));
        rows.collect::<Result<Vec<_>, _>>()
    };
    let ends = [of_end(false)?, of_end(true)?];
    let mut bytes = [Vec::new(), Vec::new()];
    for (rows, bytes) in ends.iter().zip(&mut bytes) {
        if !rows.is_empty() {
            *bytes = dump::bytes_of(text, rows, Order::Kept)?.into_bytes();
        }
    }
    let roles = roles(&bytes[0], &bytes[1]);
    let mut rows = ends.map(|rows| rows.into_iter().peekable());
    for (number, line) in lines {
        let end = usize::from(is_second(line));
        let offset = |row: &Row<'_>| {
            row.number(16)
                .and_then(|offset| usize::try_from(offset).ok())
        };
        let from = rows[end]
            .next()
            .as_ref()
            .and_then(offset)
            .unwrap_or_default();
        let to = rows[end]
            .peek()
            .and_then(offset)
            .unwrap_or(bytes[end].len());
        let piece = Piece {
            connection,
            sender: Some(roles[end]),
            number: *number,
            time: None,
        };
        pasted.push(piece, "line", bytes[end].get(from..to).unwrap_or_default());
    }
    Ok(())
}

/// A line for each piece.
fn raw(text: &str, lines: &[Line<'_>], connection: u64, pasted: &mut Pasted) -> Result<(), String> {
    let mut pieces = Vec::new();
    for (number, line) in lines {
        let end = usize::from(is_second(line));
        pieces.push((end, *number, None, hex::plain_in(text, line)?));
    }
    push(pieces, connection, "line", pasted);
    Ok(())
}

/// An end, the number of a packet or line, its time, its bytes.
type Sent = (usize, u64, Option<Duration>, Vec<u8>);

fn push(pieces: Vec<Sent>, connection: u64, word: &'static str, pasted: &mut Pasted) {
    let roles = roles_of(&pieces);
    for (end, number, time, bytes) in pieces {
        let piece = Piece {
            connection,
            sender: roles.get(end).copied(),
            number,
            time,
        };
        pasted.push(piece, word, &bytes);
    }
}

fn roles_of(pieces: &[Sent]) -> [Role; 2] {
    let first = |end| pieces.iter().find(|(of, ..)| *of == end);
    let beginning = |end| first(end).map_or(&[][..], |(.., bytes)| bytes);
    roles(beginning(0), beginning(1))
}

/// `packets:` with a `peer:`, a `timestamp:` and `data: !!binary |` each; or, as Wireshark once wrote them,
/// `peer0_0: !!binary |`.
fn yaml(text: &str, block: &str, connection: u64, pasted: &mut Pasted) -> Result<(), String> {
    let mut pieces: Vec<Sent> = Vec::new();
    let (mut end, mut number, mut time, mut begin) = (0, 0, None, None);
    let mut lines = block.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let (name, value) = (name.trim().trim_start_matches("- "), value.trim());
        match name {
            "packet" => number = value.parse().unwrap_or(number + 1),
            "peer" => end = usize::from(value == "1"),
            "timestamp" => {
                let seconds = value.parse().ok();
                let now = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                begin = begin.or(now);
                time = now
                    .zip(begin)
                    .and_then(|(now, begin)| now.checked_sub(begin));
            }
            _ => {}
        }
        let Some(inline) = data(line) else {
            continue;
        };
        if name.starts_with("peer") {
            end = usize::from(name.starts_with("peer1"));
            number += 1;
        }
        let mut data = inline.trim_matches([' ', '|', '"']).to_owned();
        while let Some(more) = lines.next_if(|line| is_base64_line(line)) {
            data += more.trim();
        }
        let bytes = STANDARD.decode(&data);
        let bytes =
            bytes.map_err(|_| wrong(text, line.trim_start(), "what follows is no whole base64"))?;
        pieces.push((end, number, time, bytes));
    }
    push(pieces, connection, "packet", pasted);
    Ok(())
}

/// What stands on a line behind `data: !!binary` or `peer0_0: !!binary`.
fn data(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim().trim_start_matches("- ");
    let is_of_yaml = name == "data" || name.starts_with("peer");
    value.trim().strip_prefix("!!binary").filter(|_| is_of_yaml)
}

fn is_base64_line(line: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    line.starts_with(' ') && !line.trim().is_empty() && line.trim().chars().all(is_base64)
}
