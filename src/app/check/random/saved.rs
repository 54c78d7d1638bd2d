//! A stream in a file: a saved session, as `decode` reads it, with a line for each piece.
//!
//! ```text
//! # plainws check: stream 17 of seed 5: no Close answers ours
//! > 81 85 37 fa
//! > 21 3d 7f 9f 4d 51 58
//! ```

use crate::app::input::hex;
use crate::app::text::spaced;

/// Writes it, under a line that says what it is about.
pub(crate) fn write(pieces: &[Vec<u8>], about: &str) -> String {
    let about: String = about.chars().filter(|c| !c.is_control()).collect();
    let lines = pieces.iter().map(|piece| format!("> {}\n", spaced(piece)));
    format!("# {about}\n") + &lines.collect::<String>()
}

/// Reads it back.
///
/// # Errors
///
/// What is wrong, and in which line.
pub(crate) fn read(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut pieces = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bytes = line
            .strip_prefix('>')
            .ok_or("a piece begins with >".to_owned());
        let bytes = bytes
            .and_then(hex::plain)
            .map_err(|problem| format!("line {number}: {problem}"))?;
        pieces.push(bytes);
    }
    pieces.retain(|piece| !piece.is_empty());
    if pieces.is_empty() {
        return Err("no bytes in it".into());
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let pieces = vec![b"\x81\x85".to_vec(), b"\0".to_vec()];
        let text = write(&pieces, "one\ntwo");
        assert_eq!(text, "# onetwo\n> 81 85\n> 00\n");
        assert_eq!(read(&text), Ok(pieces));
    }

    #[test]
    fn what_is_none_is_refused_with_its_line() {
        for (text, problem) in [
            ("", "no bytes in it"),
            ("# only\n", "no bytes in it"),
            ("> 81\n< 82\n", "line 2: a piece begins with >"),
            ("> 8x\n", "line 1: "),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.starts_with(problem), "{text}: {refused}");
        }
    }
}
