//! How the cells of a dump show bytes: in which base, how many in a cell, and in which order.

use super::rows::{Cell, Mark, Row, cells, shows};
use std::fmt;

/// How far into what may be text the bytes of a last row are looked for.
const MAX_TEXT: usize = 256;

/// A way to write bytes in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// So many hex digits in a cell, in the order of the bytes.
    Hex(usize),
    /// The same, the bytes of each cell turned round: a number as little-endian machines keep it.
    Swapped(usize),
    /// A byte in three octal digits.
    OctalBytes,
    /// Two bytes in six octal digits, turned round.
    OctalWords,
    /// A byte as a number.
    DecimalBytes,
    /// Two bytes as a number, turned round.
    DecimalWords,
    /// A byte in eight binary digits.
    Binary,
    /// A byte in four columns: a character, an escape or three octal digits.
    Characters,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hex(2) => f.write_str("bytes in hex"),
            Self::Hex(_) => f.write_str("hex in the order of the bytes"),
            Self::Swapped(digits) => write!(f, "little-endian words of {} bytes", digits / 2),
            Self::OctalBytes => f.write_str("bytes in octal"),
            Self::OctalWords => f.write_str("little-endian words of 2 bytes in octal"),
            Self::DecimalBytes => f.write_str("decimal bytes"),
            Self::DecimalWords => f.write_str("decimal little-endian words of 2 bytes"),
            Self::Binary => f.write_str("bytes in binary"),
            Self::Characters => f.write_str("characters"),
        }
    }
}

impl Layout {
    /// Every layout that a dump with this first row may have.
    pub(super) fn of(row: &Row<'_>) -> Vec<Self> {
        let Some(cell) = cells(row.rest).next() else {
            return Vec::new();
        };
        let digits = cell.word.strip_prefix("0x").unwrap_or(cell.word);
        let mut all = Vec::new();
        if digits.len() % 2 == 0 && !digits.is_empty() && is_of(digits, u8::is_ascii_hexdigit) {
            let has_size_of_word = matches!(digits.len(), 4 | 8 | 16);
            let is_byte = digits.len() == 2 && (!row.is_of_od() || cell.gap == 1);
            let is_group = digits.len() > 2 && (has_size_of_word || row.mark == Mark::Colon);
            all.extend((is_byte || is_group).then_some(Self::Hex(digits.len())));
            // The last cell may be short of some bytes, and the first may be the last.
            let digits = digits.len().next_power_of_two();
            all.extend((is_group && digits <= 16).then_some(Self::Swapped(digits)));
        }
        if row.is_of_od() {
            all.extend([
                Self::OctalBytes,
                Self::OctalWords,
                Self::DecimalWords,
                Self::Characters,
            ]);
        }
        if row.is_of_od() || row.is_0x {
            all.push(Self::DecimalBytes);
        }
        if row.mark == Mark::Colon {
            all.push(Self::Binary);
        }
        all
    }

    /// Bytes of a whole cell.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Hex(digits) | Self::Swapped(digits) => digits / 2,
            Self::OctalWords | Self::DecimalWords => 2,
            _ => 1,
        }
    }

    /// Whether it turns the bytes of a cell round.
    pub(super) const fn is_swapped(self) -> bool {
        matches!(
            self,
            Self::Swapped(_) | Self::OctalWords | Self::DecimalWords
        )
    }

    /// The bytes of a row, and its text column. `count` is how many bytes the offsets say that it has; without,
    /// they end where the text begins.
    pub(super) fn bytes<'a>(
        self,
        row: &Row<'a>,
        count: Option<usize>,
    ) -> Option<(Vec<u8>, &'a str)> {
        if self == Self::Characters {
            return Some((characters(row.rest, count)?, ""));
        }
        let Some(count) = count else {
            return self.bytes_before_text(row);
        };
        let mut bytes = Vec::new();
        let mut text = row.rest;
        for cell in cells(row.rest) {
            if bytes.len() >= count || !self.is_gap(cell.gap, bytes.len()) {
                break;
            }
            self.cell(&cell, &mut bytes)?;
            text = cell.after;
        }
        let is_text = text.trim().is_empty() || is_before_text(text);
        let bytes = self.without_filler(bytes, count).filter(|_| is_text)?;
        Some((bytes, text))
    }

    /// A word that the file did not fill ends in zeros.
    fn without_filler(self, mut bytes: Vec<u8>, count: usize) -> Option<Vec<u8>> {
        let filler = bytes.get(count..)?;
        let is_filler = filler.iter().all(|&byte| byte == 0) && filler.len() < self.size();
        if !(filler.is_empty() || self.is_swapped() && is_filler) {
            return None;
        }
        bytes.truncate(count);
        Some(bytes)
    }

    /// The last row of a dump may say nowhere how many bytes it has. Of the places where its text may begin,
    /// the one counts at which the text shows the bytes before it; else the first.
    fn bytes_before_text<'a>(self, row: &Row<'a>) -> Option<(Vec<u8>, &'a str)> {
        let mut bytes = Vec::new();
        let mut text = row.rest;
        let mut first_end = None;
        for cell in cells(row.rest) {
            let is_gap = cell.gap > 1 && !bytes.is_empty();
            if is_gap && shows(text, &bytes) {
                return Some((bytes, text));
            }
            let at = (bytes.len(), text);
            let is_cell =
                self.is_gap(cell.gap, bytes.len()) && self.cell(&cell, &mut bytes).is_some();
            if !is_cell && first_end.is_none() {
                // Only a gap parts bytes from text.
                first_end = Some(at).filter(|_| is_before_text(text));
                first_end?;
            }
            if first_end.is_some_and(|(end, _)| bytes.len() > end + MAX_TEXT) {
                break;
            }
            text = cell.after;
        }
        let (end, text) = first_end.unwrap_or((bytes.len(), text));
        bytes.truncate(end);
        (!bytes.is_empty()).then_some((bytes, text))
    }

    /// Whether a gap of so many blanks may stand before the next cell after so many bytes.
    fn is_gap(self, gap: usize, bytes: usize) -> bool {
        match self {
            // hexdump -C and others part a line in its middle; xxd -e leaves room for what a cell lacks.
            Self::Hex(2) => {
                gap < 2 || bytes == 0 || gap == 2 && bytes == 8 || gap == 3 && bytes == 8
            }
            Self::Hex(_) => gap < 2 || bytes == 0,
            _ => true,
        }
    }

    /// Reads a cell into `bytes`.
    fn cell(self, cell: &Cell<'_>, bytes: &mut Vec<u8>) -> Option<()> {
        let word = cell.word;
        match self {
            Self::Hex(size) | Self::Swapped(size) => {
                let digits = word.strip_prefix("0x").unwrap_or(word);
                let is_cell = digits.len() <= size
                    && digits.len() % 2 == 0
                    && is_of(digits, u8::is_ascii_hexdigit);
                let at = bytes.len();
                bytes.extend(pairs(is_cell.then_some(digits)?));
                if self.is_swapped() {
                    bytes[at..].reverse();
                }
            }
            Self::OctalBytes => bytes.push(u8::from_str_radix(sized(word, 3)?, 8).ok()?),
            Self::OctalWords => {
                bytes.extend(u16::from_str_radix(sized(word, 6)?, 8).ok()?.to_le_bytes());
            }
            Self::DecimalBytes => bytes.push(decimal(cell)?),
            Self::DecimalWords => bytes.extend(decimal_word(cell)?.to_le_bytes()),
            Self::Binary => bytes.push(u8::from_str_radix(sized(word, 8)?, 2).ok()?),
            Self::Characters => return None,
        }
        Some(())
    }
}

/// Whether a text column may begin here, after a gap or within a frame.
fn is_before_text(text: &str) -> bool {
    let blanks = text.chars().take(2).take_while(|c| c.is_whitespace());
    blanks.count() == 2
        || text.starts_with('\t')
        || text.trim_start().starts_with(['│', '┊', '|', '>'])
}

fn is_of(word: &str, class: fn(&u8) -> bool) -> bool {
    word.bytes().all(|byte| class(&byte))
}

fn sized(word: &str, digits: usize) -> Option<&str> {
    (word.len() == digits && is_of(word, u8::is_ascii_digit)).then_some(word)
}

fn pairs(digits: &str) -> impl Iterator<Item = u8> {
    use crate::app::input::hex::value;
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| pair.iter().fold(0, |byte, &digit| byte << 4 | value(digit)))
}

/// A number without zeros in front, set to the right of its column.
fn decimal(cell: &Cell<'_>) -> Option<u8> {
    let digits = cell.word.strip_prefix('-').unwrap_or(cell.word);
    let is_number =
        is_of(digits, u8::is_ascii_digit) && (digits == "0" || !digits.starts_with('0'));
    let is_set_right = cell.is_after_tab || cell.gap + cell.word.len() >= 4;
    let number: i16 = cell
        .word
        .parse()
        .ok()
        .filter(|_| is_number && is_set_right)?;
    let byte = u8::try_from(number).ok();
    byte.or_else(|| i8::try_from(number).ok().map(|byte| byte.to_ne_bytes()[0]))
}

/// A number in five digits, or to the right in six columns.
fn decimal_word(cell: &Cell<'_>) -> Option<u16> {
    let is_padded = cell.word.len() == 5 || cell.gap + cell.word.len() == 6;
    let is_number = is_of(cell.word, u8::is_ascii_digit);
    cell.word.parse().ok().filter(|_| is_padded && is_number)
}

/// Cells of four columns, of which a blank may be one.
fn characters(rest: &str, count: Option<usize>) -> Option<Vec<u8>> {
    let rest = rest.trim_end_matches(['\n', '\r']);
    let mut bytes = Vec::new();
    if !rest.is_ascii() {
        return None;
    }
    for cell in rest.as_bytes().chunks(4) {
        let is_full = count.is_some_and(|count| bytes.len() == count);
        match cell.trim_ascii_start() {
            _ if is_full && cell.trim_ascii().is_empty() => break,
            [] => bytes.push(b' '),
            _ if cell.len() < 4 || cell[0] != b' ' => return None,
            [byte] => bytes.push(*byte),
            [b'\\', escape] => bytes.push(escaped(*escape)?),
            octal @ [_, _, _] => {
                let octal = std::str::from_utf8(octal).ok()?;
                let byte = u8::from_str_radix(octal, 8).ok();
                // What is visible stands there as it is.
                bytes.push(byte.filter(|byte| !matches!(byte, b' '..=b'~'))?);
            }
            _ => return None,
        }
    }
    (count.is_none_or(|count| count == bytes.len())).then_some(bytes)
}

fn escaped(letter: u8) -> Option<u8> {
    Some(match letter {
        b'0' => 0,
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0B,
        b'f' => 0x0C,
        b'r' => b'\r',
        b'\\' => b'\\',
        _ => return None,
    })
}
