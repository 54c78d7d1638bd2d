//! Packets as tcpdump -x, -xx and -X and tshark -x print them: a dump each, after a line with the time or between
//! empty lines; and a dump of one packet, as Wireshark copies it.

use super::dump::{self, Order, Row};
use super::pasted::Pasted;
use super::segments::{Packet, Segment, assemble, packet};
use crate::app::input::place::wrong;
use std::time::Duration;

/// Reads packets; `None` for text without dumps of them.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let blocks = blocks(text)?;
    let is_told = blocks
        .iter()
        .any(|block| block.headings.iter().any(|line| is_heading(line)));
    let bytes =
        |block: &Block<'_>| dump::bytes_of(text, &block.rows, Order::Kept).map(Pasted::into_bytes);
    let is_first_packet = || bytes(blocks.first()?).ok().and_then(|bytes| packet(&bytes));
    if !is_told && is_first_packet().is_none() {
        return None;
    }
    Some(read(text, &blocks, bytes))
}

/// Refuses what tcpdump and tshark print of packets without their bytes.
pub(super) fn without_bytes(text: &str) -> Option<Result<Pasted, String>> {
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let is_told = |part: &str| line.contains(part) && line.contains(" > ");
    let is_of_tcpdump = is_told(" IP ") || is_told(" IP6 ");
    let is_of_tshark = line.contains(" \u{2192} ")
        || line.starts_with("Frame ") && line.contains(" bytes on wire")
        || line.starts_with("<?xml");
    let what = "packets, but not all their bytes; tcpdump -x, tshark -x and -T json print them, and the capture itself \
                can be decoded, too";
    (is_of_tcpdump || is_of_tshark).then(|| Err(wrong(text, line.trim_start(), what)))
}

/// Takes the headers off bytes that are one packet, as Wireshark copies it; `None` for other bytes.
pub(super) fn of_one(pasted: &Pasted) -> Option<Result<Pasted, String>> {
    Some(match packet(pasted.alone()?)? {
        Packet::Tcp(segment) => assemble(vec![*segment]).map(|pasted| {
            pasted.with_note(
                "one packet, whose headers are not judged (--input hex judges all bytes)",
            )
        }),
        Packet::Other => Err("this is one packet, without TCP in it".into()),
        Packet::Cut => Err("this is one packet, which was not captured or copied whole".into()),
    })
}

/// A dump, and the lines before it.
struct Block<'a> {
    headings: Vec<&'a str>,
    rows: Vec<Row<'a>>,
}

/// The dumps of a text, each of which begins at 0.
fn blocks(text: &str) -> Option<Vec<Block<'_>>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut headings = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match Row::of(line).filter(|row| !row.rest.trim().is_empty()) {
            Some(row) if row.number(16) == Some(0) => blocks.push(Block {
                headings: std::mem::take(&mut headings),
                rows: vec![row],
            }),
            Some(row) if headings.is_empty() => blocks.last_mut()?.rows.push(row),
            _ => headings.push(line),
        }
    }
    // What follows the last dump is a heading without one, such as tcpdump's counts.
    (!blocks.is_empty() && headings.iter().all(|line| is_heading(line))).then_some(blocks)
}

/// What these tools print beside the dumps.
fn is_heading(line: &str) -> bool {
    const PARTS: [&str; 6] = [
        "IP ",
        "IP6 ",
        " > ",
        "packets ",
        "listening on ",
        "tcpdump: ",
    ];
    const BEGINNINGS: [&str; 5] = [
        "Frame (",
        "Unmasked data (",
        "Reassembled ",
        "Decompressed ",
        "Running as user",
    ];
    PARTS.iter().any(|part| line.contains(part))
        || BEGINNINGS.iter().any(|begin| line.starts_with(begin))
}

/// tshark shows what it made of a packet as a dump of its own.
fn is_made_of_others(block: &Block<'_>) -> bool {
    let heading = block.headings.last().copied().unwrap_or_default();
    heading.ends_with("):") && !heading.starts_with("Frame (") && !heading.contains(" > ")
}

fn read(
    text: &str,
    blocks: &[Block<'_>],
    bytes: impl Fn(&Block<'_>) -> Result<Vec<u8>, String>,
) -> Result<Pasted, String> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut begin = None;
    let packets = blocks.iter().filter(|block| !is_made_of_others(block));
    for (number, block) in (1..).zip(packets) {
        if let Some(line) = block.headings.iter().find(|line| !is_heading(line)) {
            return Err(wrong(
                text,
                line.trim_start(),
                "what is this between the packets?",
            ));
        }
        let first = block.rows.first().map_or(text, |row| row.line).trim_start();
        let now = block.headings.iter().find_map(|line| time(line));
        begin = begin.or(now);
        match packet(&bytes(block)?) {
            Some(Packet::Tcp(segment)) => segments.push(Segment {
                number,
                time: now
                    .zip(begin)
                    .and_then(|(now, begin)| now.checked_sub(begin)),
                ..*segment
            }),
            Some(Packet::Other) => {}
            Some(Packet::Cut) => {
                let what = "this packet was not captured whole; tcpdump -s 0 does";
                return Err(wrong(text, first, what));
            }
            None => return Err(wrong(text, first, "this is no IP packet that is whole")),
        }
    }
    assemble(segments)
}

/// The time of day, or since 1970, in a line of tcpdump.
fn time(line: &str) -> Option<Duration> {
    line.split_whitespace().take(2).find_map(|word| {
        let mut parts = word.rsplit(':');
        let seconds: f64 = parts
            .next()
            .filter(|seconds| seconds.contains('.'))?
            .parse()
            .ok()?;
        let minutes: Option<Vec<u32>> = parts.map(|part| part.parse().ok()).collect();
        let units = minutes?.into_iter().zip([60.0, 3600.0]);
        let all: f64 = units.map(|(count, unit)| f64::from(count) * unit).sum();
        Duration::try_from_secs_f64(all + seconds).ok()
    })
}
