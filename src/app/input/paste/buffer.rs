//! What Node.js prints of its buffers: `<Buffer 81 05 48>`, `[Uint8Contents]: <81 05 48>`.

use super::pasted::Pasted;
use crate::app::input::hex;
use crate::app::input::place::wrong;

/// The marks before the bytes.
const MARKS: [&str; 2] = ["<Buffer", "[Uint8Contents]: <"];

/// Reads a buffer; `None` for text without one.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let found = MARKS
        .iter()
        .filter_map(|mark| Some((text.find(mark)?, *mark)));
    let (at, mark) = found.min()?;
    let rest = &text[at + mark.len()..];
    Some(read(text, rest).map(Pasted::of))
}

fn read(text: &str, rest: &str) -> Result<Vec<u8>, String> {
    let Some((inner, after)) = rest.split_once('>') else {
        return Err(wrong(
            text,
            rest,
            "the > that ends a buffer is missing: the text is cut",
        ));
    };
    if let Some(at) = inner.find("...").or_else(|| inner.find('…')) {
        let what =
            "Node.js shows only the beginning of a longer buffer; print it with .toString('hex')";
        return Err(wrong(text, &inner[at..], what));
    }
    if MARKS.iter().any(|mark| after.contains(mark)) {
        return Err(wrong(
            text,
            after.trim_start(),
            "another buffer follows; one at a time",
        ));
    }
    hex::plain_in(text, inner)
}
