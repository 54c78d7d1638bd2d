//! What must hold for text that is pasted.

use crate::app::input::paste::{self, Format};
use crate::formats::{self, FORMATS};

/// What a text was read as: the bytes of each stream.
fn read(text: &[u8]) -> Option<Result<Vec<Vec<u8>>, String>> {
    let text = paste::text(text)?;
    let pasted = text.and_then(|text| paste::read(&text, Format::Auto));
    Some(pasted.and_then(streams))
}

fn streams(pasted: paste::Pasted) -> Result<Vec<Vec<u8>>, String> {
    let connections = pasted.into_connections().into_iter();
    let streams = connections.flat_map(|connection| connection.streams);
    let bytes: Vec<_> = streams.map(|stream| stream.bytes).collect();
    // So does `decode`: to base64, `//` is no comment.
    let is_empty = bytes.iter().all(Vec::is_empty);
    (!is_empty)
        .then_some(bytes)
        .ok_or_else(|| "no bytes to decode".into())
}

/// A format and bytes to write in it.
fn format(input: &[u8]) -> Option<(&formats::Format, usize, &[u8])> {
    let [format, line, bytes @ ..] = input else {
        return None;
    };
    let format = &FORMATS[usize::from(*format) % FORMATS.len()];
    let bytes = &bytes[..bytes.len().min(4096)];
    (!bytes.is_empty() && !is_undecided(format, bytes)).then_some((
        format,
        usize::from(*line),
        bytes,
    ))
}

/// What another tool prints for other bytes: base64 that consists of hex digits, and a packet of TCP, of which only
/// the payload counts.
fn is_undecided(format: &formats::Format, bytes: &[u8]) -> bool {
    let is_hex = || {
        (format.write)(bytes)
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
    };
    format.name == "base64" && is_hex() || is_packet(format, bytes)
}

/// Whether IP may begin here, behind the header of a link or of two networks. In a dump nothing more need be right.
fn is_packet(format: &formats::Format, bytes: &[u8]) -> bool {
    const TCP: u8 = 6;
    let next = |at: usize| match bytes.get(at).map(|byte| byte >> 4) {
        Some(4) => Some(at + 9),
        Some(6) => Some(at + 6),
        _ => None,
    };
    let is_tcp = |at| format.is_dump || bytes.get(at) == Some(&TCP);
    let places = [0, 4, 14, 16, 18, 20, 22, 26];
    places.into_iter().filter_map(next).any(is_tcp)
}

/// Bytes written in any format are read back, or the text is refused; they are never read as others.
///
/// # Errors
///
/// What they were read as.
pub fn reads_back(input: &[u8]) -> Result<(), String> {
    let Some((format, _, bytes)) = format(input) else {
        return Ok(());
    };
    let text = (format.write)(bytes);
    match read(text.as_bytes()) {
        Some(Ok(streams)) if streams != [bytes] => Err(format!(
            "{}: {text:?} is read as {streams:02x?}",
            format.name
        )),
        _ => Ok(()),
    }
}

/// Where a line of a dump is missing, it is refused, unless it is at an end of the dump.
///
/// # Errors
///
/// What it was read as.
pub fn gaps(input: &[u8]) -> Result<(), String> {
    let Some((format, line, bytes)) = format(input).filter(|(format, ..)| format.is_dump) else {
        return Ok(());
    };
    let text = (format.write)(bytes);
    let lines: Vec<&str> = text.lines().collect();
    // With fewer lines, offsets that count on in hex without one of them may count on in octal.
    if lines.len() < 5 || text.contains('*') {
        return Ok(());
    }
    let missing = 1 + line % (lines.len() - 3);
    let kept = lines.iter().enumerate().filter(|(at, _)| *at != missing);
    let text: String = kept.map(|(_, line)| format!("{line}\n")).collect();
    match read(text.as_bytes()) {
        Some(Ok(streams)) => Err(format!(
            "{}: {text:?} is read as {streams:02x?}",
            format.name
        )),
        _ => Ok(()),
    }
}

/// Words of hex digits in pairs on one line are these bytes. Those of 2, 4 or 8 bytes each may be refused, as they may
/// be turned round, and so may those with a gap, as the first may be an offset; binary digits are no hex.
///
/// # Errors
///
/// What they were read as.
pub fn plain(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let is_pairs =
        |word: &&str| word.len() % 2 == 0 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
    // Zeros in front may be the offset of a dump.
    let may_be_offset = words.first().is_some_and(|word| word.starts_with("0000"));
    if words.is_empty() || !words.iter().all(is_pairs) || may_be_offset {
        return Ok(());
    }
    let digits = words.concat();
    if words[0].len() % 8 == 0 && digits.bytes().all(|digit| matches!(digit, b'0' | b'1')) {
        return Ok(());
    }
    let are_alike = words.iter().all(|word| word.len() == words[0].len());
    let may_be_turned = are_alike && [4, 8, 16].contains(&words[0].len());
    // A first word set apart may be the offset of a row.
    let has_gap = text.trim().contains("  ");
    let byte =
        |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|error| error.to_string());
    let expected: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(byte)
        .collect::<Result<_, _>>()?;
    match read(text.as_bytes()) {
        Some(Ok(streams)) if streams == [expected] => Ok(()),
        Some(Err(_)) if may_be_turned || has_gap => Ok(()),
        other => Err(format!("{text:?} is read as {other:02x?}")),
    }
}

/// Whatever the text is: what is said of it is one line that a terminal shows, its bytes are not more than its
/// characters but for repeated lines.
///
/// # Errors
///
/// What was said.
pub fn words(input: &[u8]) -> Result<(), String> {
    match read(input) {
        Some(Err(said)) if said.is_empty() || said.chars().any(char::is_control) => {
            Err(format!("{said:?}"))
        }
        Some(Ok(streams)) => {
            let bytes: usize = streams.iter().map(Vec::len).sum();
            let text = String::from_utf8_lossy(input);
            let is_repeated = text.contains('*')
                || text.contains("<repeats ")
                || text.contains("_webSocketMessages");
            if bytes > input.len() && !is_repeated {
                return Err(format!("{bytes} bytes of {} characters", input.len()));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
