//! What a chunked body holds: an independent reading, and the oracle that compares with it.

use crate::stream::cut;
use crate::streams::choices::Choices;
use crate::subject::Subject;
use crate::words;
use std::ops::Range;
use std::str;

/// In any pieces, a chunked body gives after each of them what an independent reading finds in all bytes so far: the
/// same data, the same end, a failure no later. Nothing is handed out that is empty, and nothing after the end.
///
/// # Errors
///
/// What differs.
pub fn chunks(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let (cuts, body) = chunks_from_input(input);
    for sizes in [&[usize::MAX][..], &[1], &[2], &cuts] {
        let Some(mut reader) = subject.chunks() else {
            return Ok(());
        };
        let (mut data, mut used, mut has_failed) = (Vec::new(), 0, false);
        for Range { start, end } in cut(body.len(), sizes) {
            let mut is_filled = true;
            let received = reader.receive(&body[start..end], &mut |piece| {
                is_filled &= !piece.is_empty();
                data.extend_from_slice(piece);
            });
            has_failed = received.is_none();
            used += received.unwrap_or_default();
            let found = match received {
                None => End::Wrong,
                Some(_) if reader.has_ended() => End::After(used),
                Some(_) if used == end => End::Missing,
                // It leaves bytes, and has not ended.
                Some(_) => End::After(usize::MAX),
            };
            let expected = unchunked(&body[..end]);
            if is_filled && (&data, found) == (&expected.0, expected.1) {
                continue;
            }
            return Err(format!(
                "{} then {}: {}, {found:?}; expected {}, {:?}",
                words::hex(&body[..start]),
                words::hex(&body[start..end]),
                words::hex(&data),
                words::hex(&expected.0),
                expected.1
            ));
        }
        if has_failed && reader.has_ended() {
            return Err("a body that failed has ended".into());
        }
    }
    Ok(())
}

/// The pieces in which a `chunks` input arrives, the last size again and again, and its bytes.
pub(crate) fn chunks_from_input(input: &[u8]) -> (Vec<usize>, &[u8]) {
    let mut choices = Choices(input);
    let count = choices.below(8);
    let cuts = choices.take(count);
    (cuts.iter().copied().map(usize::from).collect(), choices.0)
}

/// How far a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More of it may come.
    Missing,
    /// So many bytes were it.
    After(usize),
    /// No further bytes can make it right.
    Wrong,
}

/// The data in a chunked body, line by line, and where it ends (RFC 9112 §7.1).
#[must_use]
pub fn unchunked(body: &[u8]) -> (Vec<u8>, End) {
    let mut data = Vec::new();
    let end = length(body, &mut data).map_or_else(|end| end, End::After);
    (data, end)
}

/// How long the body is, whose data is added to `data`.
fn length(body: &[u8], data: &mut Vec<u8>) -> Result<usize, End> {
    let mut rest = body;
    while let size @ 1.. = line(&mut rest, size)? {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let (here, after) = rest.split_at(size.min(rest.len()));
        data.extend_from_slice(here);
        rest = after;
        line(&mut rest, |line| line.is_empty().then_some(()))?;
    }
    let trailer = |line: &[u8]| line.iter().all(is_text).then_some(!line.is_empty());
    while line(&mut rest, trailer)? {}
    Ok(body.len() - rest.len())
}

/// What the first line of `rest` means, which goes on after it; or that it is missing, or cannot become right.
fn line<T>(rest: &mut &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Result<T, End> {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..end.unwrap_or(rest.len())];
    let may_become_right = match (line.strip_suffix(b"\r"), end) {
        (line, Some(end)) => {
            let meaning = line.and_then(read).ok_or(End::Wrong)?;
            *rest = &rest[end + 1..];
            return Ok(meaning);
        }
        (Some(line), None) => read(line).is_some(),
        // A size may still have no digit.
        (None, None) => read(line).is_some() || read(&[line, b"0"].concat()).is_some(),
    };
    Err(if may_become_right {
        End::Missing
    } else {
        End::Wrong
    })
}

/// The size on the first line of a chunk, which may be as large as 64 bits can tell.
fn size(line: &[u8]) -> Option<u64> {
    let is_digit = |byte: &&u8| byte.is_ascii_hexdigit();
    let (digits, after) = line.split_at(line.iter().take_while(is_digit).count());
    let begins = matches!(after, [] | [b';' | b' ' | b'\t', ..]);
    let digits = str::from_utf8(digits).ok()?;
    let size = u64::from_str_radix(digits, 16).ok()?;
    (begins && after.iter().all(is_text)).then_some(size)
}

/// Whether a line may hold it: anything but control characters, and the tab.
fn is_text(byte: &u8) -> bool {
    *byte == b'\t' || !byte.is_ascii_control()
}

/// Makes a `chunks` input: a body that is mostly right, and how it is cut.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    const SIZES: [&str; 10] = [
        "+5",
        "0x5",
        "",
        "-1",
        "5g",
        " 5",
        "ffffffffffffffff",
        "10000000000000000",
        "00000000000000000005",
        "000",
    ];
    const AFTER: [&str; 8] = ["", "", "", "", ";a=b", "  ", "\t;\"\u{e9}\"", ";\u{1}"];
    const LINE_ENDS: [&str; 4] = ["\n", "\r", "\r\r\n", ""];
    const TRAILERS: [&str; 6] = ["", "", "", "a: b", "\u{e9}", "a\u{7f}"];
    let count = choices.below(8);
    let cuts = choices.take(count);
    let mut input = [&[cuts.len() as u8], cuts].concat();
    let line = |choices: &mut Choices<'_>, parts: [&str; 2]| {
        let mut line = parts.concat();
        line += if choices.once_in(24) {
            choices.one(&LINE_ENDS)
        } else {
            "\r\n"
        };
        line.into_bytes()
    };
    for left in (0..=choices.below(4)).rev() {
        let length = if left == 0 { 0 } else { 1 + choices.below(20) };
        let size = match choices.below(16) {
            0 => choices.one(&SIZES).to_owned(),
            1 => format!("{length:04X}"),
            _ => format!("{length:x}"),
        };
        let after = choices.one(&AFTER);
        input.extend(line(choices, [&size, after]));
        if length > 0 {
            let data = choices.take(length);
            input.extend_from_slice(data);
            input.extend(line(choices, ["", ""]));
        }
    }
    for _ in 0..choices.below(3) {
        let trailer = choices.one(&TRAILERS);
        input.extend(line(choices, [trailer, ""]));
    }
    input.extend(line(choices, ["", ""]));
    input.extend(choices.one(&["", "", "0\r\n\r\n", "HTTP/1.1 200"]).bytes());
    input
}
