//! Where the bytes to look at come from: what people paste or pipe becomes streams.

mod escapes;
pub(crate) mod hex;
pub(crate) mod paste;
mod place;
mod stream;

use paste::Format;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
pub(crate) use stream::{Connection, Cut, Stream, begins_a_head};

/// The connections given as words, in a file, or else on standard input. Hex and bytes say nothing about
/// their sender and are one stream.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn read(
    words: &[String],
    file: Option<&Path>,
    format: Format,
) -> Result<Vec<Connection>, String> {
    let bytes = match (file, words) {
        (Some(path), _) => {
            fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        (None, []) => stdin()?,
        (None, [dash]) if dash == "-" => stdin()?,
        (None, words) => return of_words(words, format),
    };
    recognise(bytes, format)
}

/// Words are text, as between quotes.
fn of_words(words: &[String], format: Format) -> Result<Vec<Connection>, String> {
    let text = words.join(" ");
    let connections = match paste::text(text.as_bytes()) {
        Some(text) => text.and_then(|text| of_text(&text, format)),
        None => Err("this is no text".into()),
    };
    connections.map_err(|problem| match words {
        [file] if Path::new(file).is_file() => {
            format!("{problem} (--file {file} decodes what is in the file)")
        }
        _ => problem,
    })
}

/// All of standard input.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn stdin() -> Result<Vec<u8>, String> {
    if io::stdin().is_terminal() {
        let hint = "plainws: paste hex or bytes, then Ctrl-D (Ctrl-C to leave; --help for more)\n";
        // The hint is not needed for what follows.
        let _ = io::stderr().write_all(hint.as_bytes());
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input: {error}"))?;
    Ok(bytes)
}

/// Takes text for bytes as people and tools write them unless a handshake begins there, and all else for the
/// bytes themselves.
fn recognise(bytes: Vec<u8>, format: Format) -> Result<Vec<Connection>, String> {
    let is_raw = format == Format::Raw || format == Format::Auto && begins_a_head(&bytes);
    match paste::text(&bytes) {
        Some(text) if !is_raw => text
            .and_then(|text| of_text(&text, format))
            .map_err(|error| format!("{error} (--raw takes text as bytes)")),
        None if !is_raw && format != Format::Auto => {
            Err("this is no text; --raw takes it as bytes".into())
        }
        _ => Ok(of_bytes(bytes)),
    }
}

/// Text that says what the bytes are.
fn of_text(text: &str, format: Format) -> Result<Vec<Connection>, String> {
    let pasted = paste::read(text, format)?;
    for note in &pasted.notes {
        // What was decoded is not lost without it.
        let _ = writeln!(io::stderr(), "plainws: {note}");
    }
    Ok(pasted.into_connections())
}

/// The bytes themselves, sent by one side or the other.
fn of_bytes(bytes: Vec<u8>) -> Vec<Connection> {
    vec![Connection::of(Stream::new(None, bytes))]
}
