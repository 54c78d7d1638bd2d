//! Dumps: lines with an offset, bytes in cells, and often the same as text. xxd, hexdump, od, tcpdump, tshark,
//! Wireshark, Format-Hex, hexyl and debuggers print them.
//!
//! The layout of the cells is found, not assumed: the one counts that gives each line as many bytes as the
//! offsets say. Where several do and give different bytes, the text column decides, or nothing does.

mod layout;
mod rows;

use super::pasted::{Pasted, beginning, can_begin};
use crate::app::input::hex;
use crate::app::input::place::wrong;
use layout::Layout;

pub(crate) use rows::Row;
use rows::{Mark, shows};

/// The most bytes that lines left out, `*`, may stand for.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

/// Reads a dump; `None` for text that is none.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    read(text, Order::Unknown)
}

/// Reads a dump whose cells are known to be in the order of the bytes.
pub(super) fn in_order(text: &str) -> Option<Result<Pasted, String>> {
    read(text, Order::Kept)
}

/// Reads a dump whose cells are known to be little-endian numbers.
pub(super) fn swapped(text: &str) -> Option<Result<Pasted, String>> {
    read(text, Order::Swapped)
}

/// What is known of the order of bytes in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Unknown,
    Kept,
    Swapped,
}

fn read(text: &str, order: Order) -> Option<Result<Pasted, String>> {
    let lines: Vec<&str> = lines(text).collect();
    let rows: Vec<Row<'_>> = lines.iter().map_while(|line| Row::of(line)).collect();
    let has_heading = text
        .lines()
        .any(|line| is_heading(line.trim()) && !line.starts_with('#'));
    if !(is_dump(&rows) || has_heading && !rows.is_empty()) {
        return looks_like_a_row(text, &lines, &rows).map(Err);
    }
    if let Some(line) = lines.get(rows.len()) {
        return Some(Err(not_a_row(text, line)));
    }
    Some(bytes_of(text, &rows, order))
}

/// The lines that are not empty and no heading.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines();
    lines.filter(|line| !line.trim().is_empty() && !is_heading(line.trim()))
}

/// What PowerShell's Format-Hex and hexyl print around their lines, and a comment.
fn is_heading(line: &str) -> bool {
    const COLUMNS: &str = "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F";
    const BEGINNINGS: [&str; 7] = ["# ", "Path:", "Label:", "Offset Bytes", "------", "┌", "└"];
    line == COLUMNS || BEGINNINGS.iter().any(|begin| line.starts_with(begin))
}

pub(super) fn not_a_row(text: &str, line: &str) -> String {
    let what = match line.trim() {
        "…" | "..." => "lines of the dump are left out here",
        _ => "a line of a dump begins with an offset, this one does not",
    };
    wrong(text, line.trim_start(), what)
}

/// Whether the first word of the first line is an offset: a colon says so, or it is 0 and set apart or of
/// an odd number of digits, as no bytes are; or the next line's offset counts on.
fn is_dump(rows: &[Row<'_>]) -> bool {
    let [first, rest @ ..] = rows else {
        return false;
    };
    let is_zero = first.offset.bytes().all(|digit| digit == b'0');
    let is_odd = first.offset.len() % 2 == 1;
    let counts_on = |next| {
        let layouts = Layout::of(first);
        layouts.iter().any(|&layout| {
            radices(first)
                .iter()
                .any(|&radix| fits(first, next, radix, layout))
        })
    };
    !first.is_end()
        && !first.first_cell().starts_with('"')
        && !first.is_repeat()
        && (first.mark == Mark::Colon
            || is_zero && (first.mark == Mark::Gap || is_odd)
            || rest.first().is_some_and(counts_on))
}

/// One line whose first word may be an offset or bytes.
fn looks_like_a_row(text: &str, lines: &[&str], rows: &[Row<'_>]) -> Option<String> {
    let ([line], [row]) = (lines, rows) else {
        return None;
    };
    let cell = row.first_cell();
    let is_apart = row.mark == Mark::Gap || row.offset.bytes().all(|digit| digit == b'0');
    let is_ambiguous = is_apart && cell.len() < row.offset.len() && cell.len() >= 2;
    let with_text = Layout::of(row)
        .iter()
        .find_map(|layout| layout.bytes(row, None));
    is_ambiguous
        .then(|| with_text.filter(|_| hex::plain(line).is_ok()))
        .flatten()
        .map(|_| {
            let what = "an offset, or bytes? Without the first word, or with --input hex or dump, it is clear";
            wrong(text, line.trim_start(), what)
        })
}

/// The bases that offsets may have. Only od has octal ones.
fn radices(first: &Row<'_>) -> &'static [u32] {
    if first.is_0x {
        &[16]
    } else if first.is_of_od() {
        &[16, 8, 10]
    } else {
        &[16, 10]
    }
}

/// The number of bytes from one line to the next.
fn count(row: &Row<'_>, next: &Row<'_>, radix: u32) -> Option<usize> {
    let count = next.number(radix)?.checked_sub(row.number(radix)?)?;
    // Each byte takes a character or more.
    usize::try_from(count)
        .ok()
        .filter(|&count| count <= row.rest.len())
}

fn fits(row: &Row<'_>, next: &Row<'_>, radix: u32, layout: Layout) -> bool {
    let bytes = if next.is_repeat() {
        layout
            .bytes(row, None)
            .filter(|(bytes, _)| bytes.len() >= 4)
    } else {
        count(row, next, radix).and_then(|count| layout.bytes(row, Some(count)))
    };
    bytes.is_some_and(|(bytes, _)| !bytes.is_empty())
}

/// The bytes of a dump by one layout.
struct Reading {
    layout: Layout,
    bytes: Vec<u8>,
    /// Lines whose text shows their bytes, and lines whose text does not.
    shown: usize,
    unlike: usize,
    /// Offsets in another base fit as well, and give other bytes where lines are left out.
    has_other_base: bool,
}

/// Reads the rows of a dump.
///
/// # Errors
///
/// Where it makes no sense, or how it makes several.
pub(super) fn bytes_of(text: &str, rows: &[Row<'_>], order: Order) -> Result<Pasted, String> {
    let mut readings: Vec<Reading> = Vec::new();
    let mut furthest = 0;
    let radices = rows.first().map_or(&[][..], radices);
    for layout in rows.first().map(Layout::of).unwrap_or_default() {
        let is_asked_for = match order {
            Order::Unknown => true,
            Order::Kept => !layout.is_swapped(),
            Order::Swapped => layout.is_swapped() || layout.size() == 1,
        };
        let radices = radices
            .iter()
            .filter(|radix| **radix != 10 || !repeats_too_much(rows));
        let mut found: Option<Reading> = None;
        for radix in radices.filter(|_| is_asked_for) {
            match (reading(rows, *radix, layout), &mut found) {
                (Ok(reading), None) => found = Some(reading),
                (Ok(other), Some(found)) => found.has_other_base |= other.bytes != found.bytes,
                (Err(row), _) => furthest = furthest.max(row),
            }
        }
        readings.extend(found);
    }
    if readings.is_empty() {
        return Err(misfit(text, rows, furthest));
    }
    choose(text, rows, readings)
}

/// Whether lines are left out up to an offset that is too large in hex, as most dumps write it: were it read as decimal
/// instead, nobody would know. od says which it is by the number of its digits.
fn repeats_too_much(rows: &[Row<'_>]) -> bool {
    let is_too_large = |row: &Row<'_>| row.number(16).is_some_and(|end| end > MAX_REPEATED as u64);
    let mut pairs = rows.windows(2);
    let is_of_od = rows.first().is_some_and(Row::is_of_od);
    !is_of_od
        && pairs.any(|pair| matches!(pair, [row, next] if row.is_repeat() && is_too_large(next)))
}

/// Reads all rows by one layout.
///
/// # Errors
///
/// The number of the first row that does not fit.
fn reading(rows: &[Row<'_>], radix: u32, layout: Layout) -> Result<Reading, usize> {
    let begin = rows
        .first()
        .and_then(|row| row.number(radix))
        .ok_or(0_usize)?;
    let mut reading = Reading {
        layout,
        bytes: Vec::new(),
        shown: 0,
        unlike: 0,
        has_other_base: false,
    };
    let mut last = 0;
    for (i, row) in rows.iter().enumerate() {
        let next = rows.get(i + 1);
        if row.is_repeat() {
            let end = next.and_then(|next| next.number(radix)?.checked_sub(begin));
            reading.repeat(last, end).ok_or(i)?;
            continue;
        }
        if row.number(radix) != begin.checked_add(reading.bytes.len() as u64) {
            return Err(i);
        }
        if row.is_end() {
            // Nothing follows the end.
            return next.map_or(Ok(reading), |_| Err(i + 1));
        }
        let count = match next {
            Some(next) if !next.is_repeat() => Some(count(row, next, radix).ok_or(i)?),
            _ => None,
        };
        let (bytes, text) = layout
            .bytes(row, count)
            .filter(|(bytes, _)| !bytes.is_empty())
            .ok_or(i)?;
        if !text.trim().is_empty() {
            let is_shown = shows(text, &bytes);
            reading.shown += usize::from(is_shown);
            reading.unlike += usize::from(!is_shown);
        }
        last = bytes.len();
        reading.bytes.extend(bytes);
    }
    Ok(reading)
}

impl Reading {
    /// Repeats the last line up to this offset from the beginning.
    fn repeat(&mut self, last: usize, end: Option<u64>) -> Option<()> {
        let end = usize::try_from(end?)
            .ok()
            .filter(|&end| end <= MAX_REPEATED)?;
        let missing = end.checked_sub(self.bytes.len())?;
        if last == 0 || missing % last != 0 {
            return None;
        }
        let line = self.bytes[self.bytes.len() - last..].to_vec();
        self.bytes.extend(line.repeat(missing / last));
        Some(())
    }

    /// The text beside the bytes says that they are these.
    const fn is_shown(&self) -> bool {
        self.shown > 0 && self.unlike == 0
    }
}

/// Of several readings with different bytes the one counts that the text column shows; without text, the
/// order of the bytes goes by what prints such lines.
fn choose(text: &str, rows: &[Row<'_>], mut readings: Vec<Reading>) -> Result<Pasted, String> {
    if readings.iter().any(Reading::is_shown) {
        readings.retain(Reading::is_shown);
    }
    readings.dedup_by(|a, b| a.bytes == b.bytes);
    let mut notes = Vec::new();
    if readings.len() > 1 {
        prefer(rows, &mut readings, &mut notes);
    }
    let [reading] = &mut readings[..] else {
        return Err(ambiguous(text, rows, &readings));
    };
    let repeat = rows.iter().find(|row| row.is_repeat());
    if let Some(row) = repeat.filter(|_| reading.has_other_base) {
        let what = "lines are left out up to an offset that may be hex, as hexdump writes it, or octal or decimal, \
                    as od does; with -v both leave none out";
        return Err(wrong(text, row.line.trim_start(), what));
    }
    let has_end = rows.last().is_some_and(Row::is_end);
    if reading.layout.is_swapped()
        && !has_end
        && !reading.is_shown()
        && reading.bytes.ends_with(&[0])
    {
        let what = "is the last byte, 00, one of them, or only there to fill its word? The dump's last line, \
                    which is an offset alone, would tell; hexdump -C, od -t x1 and xxd always do";
        return Err(wrong(text, rows[rows.len() - 1].line.trim_start(), what));
    }
    notes.extend(part_of_a_dump(rows));
    let bytes = std::mem::take(&mut reading.bytes);
    Ok(notes.into_iter().fold(Pasted::of(bytes), Pasted::with_note))
}

/// Who prints words: xxd and tcpdump in the order of the bytes, by two, after an offset with a colon; hexdump
/// and od as numbers of the machine, after an offset without one; debuggers the same after 0x.
fn prefer(rows: &[Row<'_>], readings: &mut Vec<Reading>, notes: &mut Vec<String>) {
    let [kept, swapped] = &readings[..] else {
        return;
    };
    let (Layout::Hex(digits), Layout::Swapped(_)) = (kept.layout, swapped.layout) else {
        return;
    };
    let is_debugger = rows[0].first_cell().starts_with("0x");
    let has_text = kept.shown + kept.unlike > 0;
    let has_colon = rows[0].mark == Mark::Colon;
    let is_plausible = can_begin(&swapped.bytes) || !can_begin(&kept.bytes);
    // xxd -e sets a short cell to the right, xxd and tcpdump do not.
    let is_set_right = rows[0].rest.starts_with("   ");
    if has_colon && digits == 4 && !is_debugger && kept.unlike == 0 && !is_set_right {
        readings.truncate(1);
    } else if !has_text && is_plausible && (is_debugger || !has_colon) {
        let size = digits / 2;
        notes.push(format!(
            "words of {size} bytes, read as little-endian as most machines print them"
        ));
        readings.remove(0);
    }
}

fn part_of_a_dump(rows: &[Row<'_>]) -> Option<String> {
    let first = rows.first()?;
    let is_zero = first.offset.bytes().all(|digit| digit == b'0');
    // The addresses of a debugger begin anywhere.
    let is_address =
        first.is_0x && first.offset.len() > 4 || first.offset.trim_start_matches('0').len() > 6;
    (!is_zero && !is_address).then(|| {
        format!(
            "the dump begins at offset {}: what came before it is not judged",
            first.offset
        )
    })
}

fn ambiguous(text: &str, rows: &[Row<'_>], readings: &[Reading]) -> String {
    let each: Vec<_> = readings
        .iter()
        .map(|reading| format!("{} as {}", beginning(&reading.bytes), reading.layout))
        .collect();
    let what = format!(
        "these lines can be read as {}; --input dump takes cells as they stand, --input words turns them round",
        each.join(", or ")
    );
    wrong(text, rows[0].line.trim_start(), &what)
}

/// Why a row fits no layout.
fn misfit(text: &str, rows: &[Row<'_>], at: usize) -> String {
    const NAMES: [&str; 6] = ["nul", "soh", "stx", "etx", "enq", "del"];
    let row = &rows[at.min(rows.len() - 1)];
    let next = rows.get(at + 1);
    let what = if at > 0 && row.offset.bytes().all(|digit| digit == b'0') {
        "another dump begins here; one at a time"
    } else if row.is_repeat() {
        "* stands for lines like the last one, up to the offset in the next line, which does not fit"
    } else if row.is_end() {
        "this offset does not fit the bytes before it: are lines missing?"
    } else if NAMES.contains(&row.first_cell()) {
        "od -a leaves out the highest bit of each byte; use od -t x1"
    } else if next.is_some() {
        "the next line's offset does not fit the bytes in this one: are lines missing, or their ends?"
    } else {
        "these are no bytes as dumps show them"
    };
    wrong(text, row.line.trim_start(), what)
}
