//! Bytes as people write them: hex in all its spellings, and the columns of dump programs.

/// Reads hex: digits in pairs with or without spaces, commas, colons and `0x`; string literals with
/// escapes such as `\x81`; and the dumps of xxd, hexdump -C, od -t x1, tcpdump and Wireshark.
///
/// # Errors
///
/// What is not hex, in words for people.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, String> {
    if let Some(bytes) = dump(text) {
        bytes
    } else if text.contains('\\') {
        escaped(unquoted(text))
    } else {
        plain(text)
    }
}

fn plain(text: &str) -> Result<Vec<u8>, String> {
    // As a C array, which xxd -i prints with a name and a length around it.
    let inside = text
        .split_once('{')
        .and_then(|(_, array)| array.split_once('}'));
    let text = inside.map_or(text, |(array, _)| array);
    let is_separator = |c: char| c.is_whitespace() || ",:;{}[]()\"'".contains(c);
    let mut bytes = Vec::new();
    for word in text.split(is_separator).filter(|word| !word.is_empty()) {
        let digits = word.strip_prefix("0x").or(word.strip_prefix("0X"));
        match digits {
            // C and its like write 0x5 for 0x05.
            Some(digit) if digit.len() == 1 => bytes.extend(pairs(&format!("0{digit}"))?),
            digits => bytes.extend(pairs(digits.unwrap_or(word))?),
        }
    }
    Ok(bytes)
}

fn pairs(digits: &str) -> Result<Vec<u8>, String> {
    if let Some(wrong) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(format!("{wrong:?} is not a hex digit"));
    }
    if digits.len() % 2 != 0 {
        return Err(format!("{digits:?} has an odd number of hex digits"));
    }
    let pairs = digits.as_bytes().chunks(2);
    Ok(pairs
        .map(|pair| pair.iter().fold(0, |byte, &digit| byte << 4 | value(digit)))
        .collect())
}

fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

// String literals.

/// The text inside of `"…"`, `'…'` or Python's `b'…'`.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix('b').unwrap_or(text);
    let pair = |quote| inner.strip_prefix(quote)?.strip_suffix(quote);
    pair('"').or(pair('\'')).unwrap_or(text)
}

/// Text in which some bytes are written `\x81`, or as the C language writes them.
fn escaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut of_escapes = Vec::new();
    let mut is_separated = true;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            let (byte, after) = escape(&rest[1..])?;
            bytes.push(byte);
            of_escapes.push(byte);
            rest = after;
        } else {
            let (literal, after) = rest.split_at(c.len_utf8());
            bytes.extend(literal.as_bytes());
            is_separated &= " \t\r\n,\"'".contains(c);
            rest = after;
        }
    }
    // Where all else is escapes, blanks and commas only separate them.
    Ok(if is_separated { of_escapes } else { bytes })
}

/// Reads what follows a backslash: the byte it stands for, and the rest.
fn escape(text: &str) -> Result<(u8, &str), String> {
    let known = |byte| Ok((byte, &text[1..]));
    match text.bytes().next() {
        Some(b'x' | b'X') => {
            let digits = text.get(1..3).ok_or("\\x needs two digits")?;
            let bytes = pairs(digits)?;
            Ok((bytes.into_iter().fold(0, |_, byte| byte), &text[3..]))
        }
        Some(b'n') => known(b'\n'),
        Some(b'r') => known(b'\r'),
        Some(b't') => known(b'\t'),
        Some(byte @ (b'\\' | b'"' | b'\'')) => known(byte),
        Some(b'0'..=b'7') => {
            let end = text
                .bytes()
                .take(3)
                .take_while(|digit| (b'0'..=b'7').contains(digit));
            let (digits, rest) = text.split_at(end.count());
            let byte =
                u8::from_str_radix(digits, 8).map_err(|_| format!("\\{digits} is above \\377"))?;
            Ok((byte, rest))
        }
        _ => Err("a \\ that begins no known escape".into()),
    }
}

// Dumps: an offset, bytes, and often the same as text.

/// Reads the columns of a dump; `None` when the text is not a dump.
fn dump(text: &str) -> Option<Result<Vec<u8>, String>> {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let rows: Vec<_> = lines.iter().map(|line| split_offset(line)).collect();
    if is_of_swapped_words(&rows) {
        return Some(Err(
            "hexdump and od -x swap the bytes of each pair; use hexdump -C, od -t x1 or xxd".into(),
        ));
    }
    if !is_dump(&rows) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut last = Vec::new();
    for (i, &(offset, row)) in rows.iter().enumerate() {
        if offset == "*" {
            let next = rows
                .get(i + 1)
                .map(|&(offset, _)| offset)
                .unwrap_or_default();
            let end = usize::from_str_radix(digits(next), 16).unwrap_or_default();
            while !last.is_empty() && bytes.len() < end.min(MAX_REPEATED) {
                bytes.extend(&last);
            }
            continue;
        }
        if !is_offset(offset, bytes.len()) {
            return Some(Err(format!(
                "the dump's line at {offset:?} should be at offset {:x}",
                bytes.len()
            )));
        }
        last = match rows.get(i + 1) {
            Some(&(next, _)) => row_before(row, bytes.len(), next),
            None => bytes_of_row(row, None),
        };
        bytes.extend(&last);
    }
    Some(Ok(bytes))
}

/// hexdump writes `*` for repeated lines; a dump is filled with them up to this size.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

/// The first word, and the rest.
fn split_offset(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()))
}

fn digits(offset: &str) -> &str {
    let offset = offset.strip_suffix(':').unwrap_or(offset);
    offset.strip_prefix("0x").unwrap_or(offset)
}

/// Whether the text begins with the offset 0, rather than with bytes that are 00: columns follow it, or
/// the next line's offset counts on.
fn is_dump(rows: &[(&str, &str)]) -> bool {
    let [(offset, row), rest @ ..] = rows else {
        return false;
    };
    let zeros = digits(offset);
    let is_zero = zeros.len() >= 4 && zeros.bytes().all(|digit| digit == b'0');
    let is_column = offset.ends_with(':') || row.starts_with("  ") || row.starts_with('\t');
    let next = rest.first().map(|&(offset, _)| offset);
    let counts_on = |next| next == "*" || is_offset(next, bytes_of_row(row, None).len());
    is_zero && (is_column || next.is_some_and(counts_on))
}

/// Whether the offset is this number: in hex, octal (od) or decimal.
fn is_offset(offset: &str, number: usize) -> bool {
    digits(offset).len() >= 4 && radixes(offset).any(|offset| offset == number)
}

fn radixes(offset: &str) -> impl Iterator<Item = usize> {
    let radixes = [16, 8, 10].into_iter();
    radixes.filter_map(|radix| usize::from_str_radix(digits(offset), radix).ok())
}

/// The default of hexdump: offsets of seven digits, and words of four without a text column.
fn is_of_swapped_words(rows: &[(&str, &str)]) -> bool {
    let is_word =
        |word: &str| word.len() == 4 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut rows = rows.iter().filter(|(_, row)| !row.is_empty()).peekable();
    rows.peek().is_some()
        && rows.all(|(offset, row)| offset.len() == 7 && row.split_whitespace().all(is_word))
}

/// A row's bytes, as many as the next row's offset says.
fn row_before(row: &str, at: usize, next: &str) -> Vec<u8> {
    let counts = radixes(next).filter_map(|next| next.checked_sub(at));
    let mut candidates = counts.map(|count| (count, bytes_of_row(row, Some(count))));
    let exact = candidates.find(|(count, bytes)| bytes.len() == *count);
    exact.map_or_else(|| bytes_of_row(row, None), |(_, bytes)| bytes)
}

/// The hex columns of a row, up to its text column.
fn bytes_of_row(row: &str, count: Option<usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = row;
    loop {
        let columns = rest.trim_start();
        let gap = rest.len() - columns.len();
        let (word, next) = split_offset(columns);
        let is_second_half = bytes.len() == 8 && word.len() == 2;
        let is_text = gap > 1 && !bytes.is_empty() && !is_second_half && count.is_none();
        let is_full = bytes.len() >= count.unwrap_or(16);
        match pairs(word) {
            Ok(pair) if !word.is_empty() && !is_text && !is_full => bytes.extend(pair),
            _ => return bytes,
        }
        rest = next;
    }
}
