//! `tshark -T fields -e tcp.payload`: a line for each packet of both directions. With more fields beside the
//! bytes, these tell the directions apart; without, the heads and masks do, where each line is whole.

use super::pasted::{Pasted, Piece, likely_sender, roles};
use crate::app::input::hex;
use crate::app::input::place::wrong;
use crate::app::input::stream::begins_a_head;
use plainws::Role;
use plainws::protocol::frame::Header;

/// Reads lines of packets; `None` for text in which all lines are one stream.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let lines = || {
        (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
    };
    if lines().all(|(_, line)| line.contains('\t') && !line.starts_with('\t')) {
        return columns(text, &lines().collect::<Vec<_>>());
    }
    let is_short = |line: &str| line.len() < 3;
    if lines().count() < 2 || lines().any(|(_, line)| is_short(line)) {
        return None;
    }
    let bytes: Vec<(u64, Vec<u8>)> = lines()
        .map(|(number, line)| Some((number, hex::plain(line).ok()?)))
        // A comment has none.
        .filter(|line| line.as_ref().is_none_or(|(_, bytes)| !bytes.is_empty()))
        .collect::<Option<_>>()?;
    let first = bytes.first()?;
    let sender = likely_sender(&first.1);
    let is_answered = bytes.iter().any(|(_, line)| {
        let has_head = |line: &[u8]| line.starts_with(b"HTTP/") || line.starts_with(b"GET ");
        has_head(line) && has_head(&first.1) && likely_sender(line) != sender
    });
    let are_whole = bytes.iter().all(|(_, line)| is_whole(line));
    let are_two = || bytes.iter().any(|(_, line)| likely_sender(line) != sender);
    if !(is_answered || are_whole && are_two()) {
        return None;
    }
    Some(if is_answered && are_whole {
        Ok(by_beginnings(&bytes))
    } else {
        let what = "lines of both directions? Mark them with > and <, or have tshark print -e tcp.srcport \
                    -e tcp.payload; --input hex takes them as one stream";
        Err(wrong(text, text.trim_start(), what))
    })
}

/// Whether a line is a head, whole frames or both, masked alike.
fn is_whole(line: &[u8]) -> bool {
    let mut rest = line;
    if begins_a_head(rest) {
        let Some(end) = rest.windows(4).position(|end| end == b"\r\n\r\n") else {
            return false;
        };
        rest = &rest[end + 4..];
    }
    let mut mask = None;
    while !rest.is_empty() {
        let Ok(Some((header, payload))) = Header::decode(rest) else {
            return false;
        };
        let length = usize::try_from(header.payload_length).ok();
        let Some(after) = length.and_then(|length| payload.get(length..)) else {
            return false;
        };
        let is_masked = header.masking_key.is_some();
        if mask.is_some_and(|mask| mask != is_masked) {
            return false;
        }
        mask = Some(is_masked);
        rest = after;
    }
    true
}

fn by_beginnings(lines: &[(u64, Vec<u8>)]) -> Pasted {
    let mut pasted = Pasted::default();
    for (number, bytes) in lines {
        let piece = Piece {
            sender: likely_sender(bytes).or(Some(Role::Client)),
            number: *number,
            ..Piece::default()
        };
        pasted.push(piece, "line", bytes);
    }
    pasted
}

/// Several fields a line: the longest are the bytes; the others, but for numbers and times that only rise, tell the
/// ends.
fn columns(text: &str, lines: &[(u64, &str)]) -> Option<Result<Pasted, String>> {
    let fields: Vec<Vec<&str>> = lines
        .iter()
        .map(|(_, line)| line.split('\t').map(str::trim).collect())
        .collect();
    let count = fields.first()?.len();
    let length = |column: usize| fields.iter().map(|line| line[column].len()).sum::<usize>();
    let is_even = fields.iter().all(|line| line.len() == count);
    let payload = is_even
        .then(|| (0..count).max_by_key(|&column| length(column)))
        .flatten()?;
    let is_hex = fields.iter().all(|line| hex::plain(line[payload]).is_ok());
    let is_rising = |column: usize| {
        let numbers: Option<Vec<f64>> = fields
            .iter()
            .map(|line| line[column].parse().ok())
            .collect();
        numbers.is_some_and(|numbers| numbers.is_sorted_by(|a, b| a < b))
    };
    if !is_hex {
        return None;
    }
    let telling: Vec<usize> = (0..count)
        .filter(|&column| column != payload && !is_rising(column))
        .collect();
    let end = |line: &[&str]| {
        telling
            .iter()
            .map(|&column| line[column].to_owned())
            .collect::<Vec<_>>()
    };
    let mut ends: Vec<(Vec<String>, Vec<u8>)> = Vec::new();
    let mut pieces = Vec::new();
    for ((number, _), line) in lines.iter().zip(&fields) {
        let bytes = hex::plain(line[payload]).unwrap_or_default();
        if bytes.is_empty() {
            continue;
        }
        let end = end(line);
        let at = ends
            .iter()
            .position(|(known, _)| *known == end)
            .unwrap_or(ends.len());
        if at == 2 {
            let what = "more than two ends; one connection at a time, as with -Y tcp.stream==0";
            return Some(Err(wrong(text, lines[0].1, what)));
        }
        if at == ends.len() {
            ends.push((end, bytes.clone()));
        }
        pieces.push((at, *number, bytes));
    }
    let beginning = |end: usize| ends.get(end).map_or(&[][..], |(_, bytes)| bytes);
    let roles = roles(beginning(0), beginning(1));
    let mut pasted = Pasted::default();
    for (end, number, bytes) in pieces {
        let sender = Some(roles[end]);
        pasted.push(
            Piece {
                sender,
                number,
                ..Piece::default()
            },
            "line",
            &bytes,
        );
    }
    Some(Ok(pasted))
}
