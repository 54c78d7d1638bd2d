//! Where the bytes to look at come from.

pub(crate) mod hex;

use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

/// Bytes given as words, from a file, or else from standard input.
///
/// # Errors
///
/// What went wrong, for people.
pub(crate) fn read(words: &[String], file: Option<&Path>, is_raw: bool) -> Result<Vec<u8>, String> {
    let bytes = match (file, words) {
        (Some(path), _) => {
            fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        (None, []) => stdin()?,
        (None, [dash]) if dash == "-" => stdin()?,
        (None, words) => return hex::parse(&words.join(" ")),
    };
    if is_raw { Ok(bytes) } else { recognise(bytes) }
}

/// All of standard input.
///
/// # Errors
///
/// What went wrong, for people.
pub(crate) fn stdin() -> Result<Vec<u8>, String> {
    if io::stdin().is_terminal() {
        let hint = "plainws: paste hex or bytes, then Ctrl-D (Ctrl-C to leave; --help for more)\n";
        // Whoever closed standard error does not want to know.
        let _ = io::stderr().write_all(hint.as_bytes());
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input: {error}"))?;
    Ok(bytes)
}

/// Tells hex from the bytes themselves.
fn recognise(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let is_text = bytes.iter().all(is_printable);
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_text && !begins_a_head(&bytes) => {
            hex::parse(text).map_err(|error| format!("{error} (--raw takes text as bytes)"))
        }
        _ => Ok(bytes),
    }
}

/// Whether a handshake begins here: a method or a version in capital letters. No frame does so, as
/// the reserved bits are 0 in a frame and not in a letter. A TLS hello counts as one too, as it comes
/// to a server in place of a request.
pub(crate) fn begins_a_head(bytes: &[u8]) -> bool {
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_uppercase());
    let letters = letters.count();
    let is_method = letters >= 3 && matches!(bytes.get(letters), None | Some(b' '));
    is_method || bytes.starts_with(b"HTTP/") || bytes.starts_with(&[0x16, 0x03])
}
