//! Where the bytes to look at come from: what people paste or pipe becomes streams.

pub(crate) mod capture;
mod escapes;
pub(crate) mod hex;
mod packet;
pub(crate) mod paste;
mod pcap;
mod place;
mod stream;
mod tcp;

use capture::Pick;
use paste::Format;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
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
    pick: Pick,
) -> Result<Vec<Connection>, String> {
    match (file, words) {
        (Some(path), _) => {
            let problem = |error| format!("{}: {error}", path.display());
            let file = File::open(path).map_err(problem)?;
            of_file(file, format, pick, problem)
        }
        (None, []) => of_stdin(format, pick),
        (None, [dash]) if dash == "-" => of_stdin(format, pick),
        (None, words) => of_words(words, format, pick),
    }
}

fn of_stdin(format: Format, pick: Pick) -> Result<Vec<Connection>, String> {
    hint();
    let problem = |error| format!("standard input: {error}");
    of_file(io::stdin().lock(), format, pick, problem)
}

/// A capture is read packet by packet, and all else at once.
fn of_file(
    mut file: impl Read,
    format: Format,
    pick: Pick,
    problem: impl Fn(io::Error) -> String,
) -> Result<Vec<Connection>, String> {
    let mut bytes = pcap::beginning(&mut file).map_err(&problem)?;
    if format == Format::Auto && pcap::is_capture(&bytes) {
        let found = capture::read(&bytes, file, pick)?;
        tell(&found.remarks);
        return Ok(found.connections);
    }
    if let Some(program) = pcap::unpacks(&bytes).filter(|_| format == Format::Auto) {
        return Err(format!(
            "this is packed: {program} FILE | plainws decode (--raw takes it as bytes)"
        ));
    }
    file.read_to_end(&mut bytes).map_err(problem)?;
    recognise(bytes, format, pick)
}

/// Words are text, as between quotes.
fn of_words(words: &[String], format: Format, pick: Pick) -> Result<Vec<Connection>, String> {
    let text = words.join(" ");
    let connections = match paste::text(text.as_bytes()) {
        Some(text) => text.and_then(|text| of_text(&text, format, pick)),
        None => Err("this is no text".into()),
    };
    connections.map_err(|problem| match words {
        [file] if Path::new(file).is_file() => {
            format!("{problem} (--file {file} decodes what is in the file)")
        }
        _ => problem,
    })
}

/// What a text says that was pasted elsewhere than in a terminal: as `decode --file` reads it, but for captures.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn of_pasted(text: &str) -> Result<Vec<Connection>, String> {
    if begins_a_head(text.as_bytes()) {
        return Ok(of_bytes(text.into()));
    }
    Ok(paste::read(text, Format::Auto)?.into_connections())
}

/// Tells whoever sits at a terminal what is waited for.
fn hint() {
    if io::stdin().is_terminal() {
        let hint = "plainws: paste hex or bytes, then Ctrl-D (Ctrl-C to leave; --help for more)\n";
        // The hint is not needed for what follows.
        let _ = io::stderr().write_all(hint.as_bytes());
    }
}

/// Takes text for bytes as people and tools write them unless a handshake begins there, and all else for the
/// bytes themselves.
fn recognise(bytes: Vec<u8>, format: Format, pick: Pick) -> Result<Vec<Connection>, String> {
    let is_raw = format == Format::Raw || format == Format::Auto && begins_a_head(&bytes);
    match paste::text(&bytes) {
        Some(text) if !is_raw => text
            .and_then(|text| of_text(&text, format, pick))
            .map_err(|error| format!("{error} (--raw takes text as bytes)")),
        None if !is_raw && format != Format::Auto => {
            Err("this is no text; --raw takes it as bytes".into())
        }
        _ => Ok(of_bytes(bytes)),
    }
}

/// Text that says what the bytes are; those of a capture, too.
fn of_text(text: &str, format: Format, pick: Pick) -> Result<Vec<Connection>, String> {
    let pasted = paste::read(text, format)?;
    tell(&pasted.notes);
    let capture = pasted
        .alone()
        .filter(|bytes| format == Format::Auto && pcap::is_capture(bytes));
    if let Some(bytes) = capture {
        let found = capture::read(bytes, io::empty(), pick)?;
        tell(&found.remarks);
        return Ok(found.connections);
    }
    Ok(pasted.into_connections())
}

fn tell(notes: &[String]) {
    for note in notes {
        // What was decoded is not lost without it.
        let _ = writeln!(io::stderr(), "plainws: {note}");
    }
}

/// The bytes themselves, sent by one side or the other.
fn of_bytes(bytes: Vec<u8>) -> Vec<Connection> {
    vec![Connection::of(Stream::new(None, bytes))]
}
