//! Plain hex: digits in pairs, and what people put between them.

use super::escapes;
use super::place::wrong;

/// Reads plain hex, as [`plain`] does, or text with escapes such as `\x81`.
///
/// # Errors
///
/// What is not hex, and where, in words for people.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, String> {
    if text.contains('\\') {
        escapes::unquoted(text)
    } else {
        plain(text)
    }
}

/// Reads digits in pairs: with or without blanks, commas, `0x`, quotes, and brackets around the whole; with
/// `:`, `-` or `_` between two pairs, or between two groups of the same size. What follows `#` or `//` is a comment.
/// `0b` and eight binary digits are a byte as well.
///
/// # Errors
///
/// What is not hex, and where, in words for people.
pub(crate) fn plain(text: &str) -> Result<Vec<u8>, String> {
    plain_in(text, text)
}

/// As [`plain`], for a part of a text: what is wrong is said with its place in the whole.
pub(crate) fn plain_in(text: &str, part: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut numbers = Numbers::default();
    let mut open = 0_usize;
    for item in part.lines().flat_map(items) {
        let inner = item.trim_start_matches(is_opening);
        open += brackets(&item[..item.len() - inner.len()]);
        let inner = inner.trim_end_matches(is_closing);
        let closing = brackets(
            item.trim_start_matches(is_opening)
                .trim_start_matches(inner),
        );
        open = open
            .checked_sub(closing)
            .ok_or_else(|| wrong(text, item, "a bracket that was not opened"))?;
        if let Some(byte) = binary(inner) {
            bytes.push(byte);
            continue;
        }
        if !has_equal_groups(inner) {
            let what = "groups of different sizes, as in a date or an identifier; without what joins them they are hex";
            return Err(wrong(text, item, what));
        }
        for word in inner.split(is_joint).filter(|_| !inner.is_empty()) {
            if word.is_empty() {
                return Err(wrong(text, item, "a : or - that is not between two bytes"));
            }
            numbers.count(text, word)?;
            pairs(text, word, &mut bytes)?;
        }
    }
    if open > 0 {
        return Err("a bracket is not closed: the text is cut".into());
    }
    Ok(bytes)
}

/// The words of a line, without its comment. In the middle of a word, as in `16#81`, none begins.
fn items(line: &str) -> impl Iterator<Item = &str> {
    let is_apart = |at: &usize| {
        line[..*at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_ascii_alphanumeric())
    };
    let comments = line.match_indices('#').chain(line.match_indices("//"));
    let comment = comments.map(|(at, _)| at).filter(is_apart).min();
    let line = &line[..comment.unwrap_or(line.len())];
    let is_separator = |c: char| c.is_whitespace() || c == ',' || c == ';';
    line.split(is_separator).filter(|item| !item.is_empty())
}

const fn is_opening(c: char) -> bool {
    matches!(c, '[' | '(' | '{' | '<') || is_quote(c)
}

const fn is_closing(c: char) -> bool {
    matches!(c, ']' | ')' | '}' | '>') || is_quote(c)
}

/// Straight or typographic.
pub(crate) const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201F}')
}

/// What may join two bytes: a colon, an underscore, or a hyphen as people's programs turn it.
const fn is_joint(c: char) -> bool {
    matches!(c, ':' | '_' | '-' | '\u{2010}'..='\u{2014}')
}

/// Whether what is joined are bytes, or groups of them of one size; the first or the last may be smaller.
fn has_equal_groups(item: &str) -> bool {
    let sizes: Vec<_> = item.split(is_joint).map(str::len).collect();
    let largest = sizes.iter().max().copied().unwrap_or_default();
    let inner = sizes
        .get(1..sizes.len().saturating_sub(1))
        .unwrap_or_default();
    let is_number = item.starts_with("0x") || item.starts_with("0X");
    let are_equal = inner.iter().all(|&size| size == largest);
    let has_one_smaller = sizes.first() == Some(&largest) || sizes.last() == Some(&largest);
    is_number || sizes.contains(&0) || are_equal && has_one_smaller
}

/// A byte in binary digits, `0b1000_0001`.
fn binary(word: &str) -> Option<u8> {
    let digits = word.strip_prefix("0b")?.replace('_', "");
    u8::from_str_radix(&digits, 2)
        .ok()
        .filter(|_| digits.len() == 8)
}

fn brackets(text: &str) -> usize {
    text.chars().filter(|&c| !is_quote(c)).count()
}

/// Numbers after `0x` that are larger than a byte: of one the digits stand in the order of the bytes, of
/// several nobody knows.
#[derive(Default)]
struct Numbers {
    seen: usize,
    large: bool,
}

impl Numbers {
    fn count(&mut self, text: &str, word: &str) -> Result<(), String> {
        let Some(digits) = after_0x(word) else {
            return Ok(());
        };
        self.seen += 1;
        self.large |= digits.len() > 2;
        if self.large && self.seen > 1 {
            let what = "of several numbers larger than a byte the order of the bytes is not known; \
                        write them byte by byte";
            return Err(wrong(text, word, what));
        }
        Ok(())
    }
}

fn after_0x(word: &str) -> Option<&str> {
    word.strip_prefix("0x").or(word.strip_prefix("0X"))
}

fn pairs(text: &str, word: &str, bytes: &mut Vec<u8>) -> Result<(), String> {
    let number = after_0x(word);
    let digits = number.unwrap_or(word);
    if let Some((at, c)) = digits.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
        let rest = &digits[at..];
        return Err(wrong(text, if at == 0 { rest } else { word }, &no_digit(c)));
    }
    match digits.as_bytes() {
        [] => return Err(wrong(text, word, "0x without digits")),
        // C and its like write 0x5 for 0x05.
        [digit] if number.is_some() => bytes.push(value(*digit)),
        digits if digits.len() % 2 != 0 => {
            let what = format!("an odd number of hex digits, {}", digits.len());
            return Err(wrong(text, word, &what));
        }
        digits => {
            let pairs = digits.chunks(2);
            bytes.extend(
                pairs.map(|pair| pair.iter().fold(0, |byte, &digit| byte << 4 | value(digit))),
            );
        }
    }
    Ok(())
}

/// Why a character is no digit, if that can be guessed.
fn no_digit(c: char) -> String {
    let why = match c {
        '\u{FF10}'..='\u{FF19}' | '\u{FF21}'..='\u{FF26}' | '\u{FF41}'..='\u{FF46}' => {
            "a full-width character, not the digit of ASCII"
        }
        'o' | 'O' => "the letter O; the digit 0?",
        'l' | 'I' => "a letter; the digit 1?",
        '…' | '.' => "is the text cut here?",
        _ => "",
    };
    let gap = if why.is_empty() { "" } else { ": " };
    format!("{c:?} is not a hex digit{gap}{why}")
}

/// The value of a hex digit.
pub(crate) const fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
