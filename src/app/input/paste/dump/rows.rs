//! The lines of a dump: an offset, cells with bytes, and often the same bytes as text.

/// A line of a dump.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) line: &'a str,
    /// Its offset as it is written, without a colon and `0x`; `*` for lines that were left out.
    pub(super) offset: &'a str,
    /// Its cells and its text.
    pub(crate) rest: &'a str,
    /// What shows that the first word is an offset.
    pub(super) mark: Mark,
    /// The offset was written with `0x`.
    pub(super) is_0x: bool,
}

/// What follows the first word of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A colon: no byte has one, and then a blank.
    Colon,
    /// More than one blank.
    Gap,
    /// Nothing, one blank, or the end of the line.
    None,
}

impl<'a> Row<'a> {
    /// Reads a line; `None` if it does not begin with what may be an offset.
    pub(crate) fn of(line: &'a str) -> Option<Self> {
        let text = line.trim();
        // hexyl draws a frame around it.
        let text = text.strip_prefix('│').unwrap_or(text);
        let end = text.find(|c: char| c.is_whitespace() || c == '│');
        let (word, rest) = text.split_at(end.unwrap_or(text.len()));
        let rest = rest.strip_prefix('│').unwrap_or(rest);
        let symbol = symbol(word, rest);
        let rest = symbol.unwrap_or(rest);
        let offset = word.strip_suffix(':').unwrap_or(word);
        let is_0x = offset.starts_with("0x");
        let offset = offset.strip_prefix("0x").unwrap_or(offset);
        let is_number = offset.bytes().all(|digit| digit.is_ascii_hexdigit());
        let is_offset = is_number && (4..=16).contains(&offset.len());
        let is_repeat = word == "*";
        (is_offset || is_repeat).then_some(Self {
            line,
            offset,
            rest,
            mark: symbol.map_or_else(|| mark(word, rest), |_| Mark::Colon),
            is_0x,
        })
    }

    pub(super) fn is_repeat(&self) -> bool {
        self.offset == "*"
    }

    /// Only an offset: where the dump ends.
    pub(super) fn is_end(&self) -> bool {
        !self.is_repeat() && self.rest.trim().is_empty()
    }

    /// The offset as a number.
    pub(crate) fn number(&self, radix: u32) -> Option<u64> {
        u64::from_str_radix(self.offset, radix).ok()
    }

    /// Whether od or hexdump printed it, which know more bases than 16: they write six or seven digits.
    pub(super) fn is_of_od(&self) -> bool {
        self.mark != Mark::Colon && matches!(self.offset.len(), 6 | 7)
    }

    /// The first cell.
    pub(super) fn first_cell(&self) -> &'a str {
        self.rest.split_whitespace().next().unwrap_or_default()
    }
}

fn mark(word: &str, rest: &str) -> Mark {
    if word.ends_with(':') {
        Mark::Colon
    } else if rest.starts_with('\t')
        || rest.chars().take(2).filter(|c| c.is_whitespace()).count() == 2
    {
        Mark::Gap
    } else {
        Mark::None
    }
}

/// What follows the name of a variable, which a debugger writes after its address: `0x7ffe <buf+8>:`.
fn symbol<'a>(word: &str, rest: &'a str) -> Option<&'a str> {
    let name = rest.trim_start().strip_prefix('<')?;
    let (_, cells) = name.split_once(">:")?;
    word.starts_with("0x").then_some(cells)
}

/// A cell of a row, and what stands before it.
pub(super) struct Cell<'a> {
    pub(super) word: &'a str,
    /// How many blanks; a tab counts as one.
    pub(super) gap: usize,
    /// One of them is a tab.
    pub(super) is_after_tab: bool,
    /// What follows it.
    pub(super) after: &'a str,
}

/// The words of a row, one after another.
pub(super) fn cells(rest: &str) -> impl Iterator<Item = Cell<'_>> {
    let mut rest = rest;
    std::iter::from_fn(move || {
        let word = rest.trim_start();
        // hexyl draws a line between two halves.
        let word = word.strip_prefix("┊ ").map_or(word, str::trim_start);
        let blanks = &rest[..rest.len() - word.len()];
        let end = word.find(char::is_whitespace).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(Cell {
            word,
            gap: blanks.chars().count(),
            is_after_tab: blanks.contains('\t'),
            after,
        })
    })
}

/// Whether a text column shows these bytes: as they are where they are visible, else as a dot or a character
/// outside ASCII.
pub(super) fn shows(text: &str, bytes: &[u8]) -> bool {
    let framed = |open, end| text.trim().strip_prefix(open)?.strip_suffix(end);
    let of_hexyl = || Some(text.trim().strip_suffix('│')?.rsplit_once('│')?.1);
    let framed = framed('|', '|').or(framed('>', '<')).or_else(of_hexyl);
    // Blanks before the column, and those that it begins with.
    let blanks = text.len() - text.trim_start().len();
    let own = bytes.iter().take_while(|&&byte| byte == b' ').count();
    let unframed = text.get(blanks.saturating_sub(own)..).unwrap_or_default();
    // The line between two halves.
    let column: Vec<char> = framed
        .unwrap_or(unframed)
        .chars()
        .filter(|&c| c != '┊')
        .collect();
    if is_same(&column, bytes) {
        return true;
    }
    // Wireshark has a gap after eight bytes.
    let mut halves = column;
    halves.get(8) == Some(&' ') && {
        halves.remove(8);
        is_same(&halves, bytes)
    }
}

fn is_same(text: &[char], bytes: &[u8]) -> bool {
    // Blanks at the end of a line get lost.
    let lost = bytes.get(text.len()..).unwrap_or_default();
    let is_shown = |(&c, &byte): (&char, &u8)| match byte {
        b' ' => c == ' ' || c == '.',
        0x21..=0x7E => c == char::from(byte),
        _ => c == '.' || c == ' ' || !c.is_ascii(),
    };
    !text.is_empty()
        && text.iter().skip(bytes.len()).all(|&c| c == ' ')
        && lost.iter().all(|&byte| byte == b' ')
        && text.iter().zip(bytes).all(is_shown)
}
