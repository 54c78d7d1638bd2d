//! `plainws decode`: every bit of a stream, and a verdict.

use crate::app::args;
use crate::app::input::capture::Pick;
use crate::app::input::paste::Format;
use crate::app::input::{self, Connection};
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::{Judged, Known};
use crate::app::judge::extensions::{Agreed, Extensions};
use crate::app::show::output::Printer;
use crate::app::show::{connection, json, step};
use clap::Args;
use plainws::Role;
use plainws::protocol::handshake::{Asked, Extension};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// The bytes as text; - or nothing reads text or raw bytes from standard input
    ///
    /// Hex in any spelling is understood, and so is what the tools print: --input lists the formats. What is
    /// unclear is refused, with its place.
    #[arg(value_name = "HEX")]
    hex: Vec<String>,

    /// Read text or raw bytes from this file
    #[arg(long, short, value_name = "FILE", conflicts_with = "hex")]
    file: Option<PathBuf>,

    /// What the input is, where that is not clear by itself
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        hide_short_help = true,
        default_value_t,
        conflicts_with = "raw"
    )]
    input: Format,

    /// Take the input as raw bytes: --input raw
    #[arg(long, conflicts_with = "hex")]
    raw: bool,

    /// Of a capture, only the connection with this number, counted as Wireshark does (tcp.stream)
    #[arg(long, value_name = "NUMBER", conflicts_with = "hex")]
    stream: Option<usize>,

    /// Of a capture, the connections with this port, though their handshake may be missing
    #[arg(long, hide_short_help = true, conflicts_with = "hex")]
    port: Option<u16>,

    /// Who sent the bytes; without it, the handshake or the first frame's mask tells
    #[arg(long, value_enum)]
    role: Option<args::Sender>,

    /// The key that a server's response answers; without it the accept value is not judged
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// The subprotocols that the request offered, as in its header; "" for none
    ///
    /// Without this, and without the request itself, the response may choose any.
    #[arg(long, hide_short_help = true, value_name = "LIST")]
    subprotocols: Option<String>,

    /// The extensions that the request offered, as in its header; "" for none
    ///
    /// Without this, and without the request itself, the response may choose any. Frames without a response are
    /// taken as if the server had agreed to them.
    #[arg(long, hide_short_help = true, value_name = "LIST", value_parser = extensions)]
    extensions: Option<String>,

    /// Print JSON, with the field names of Wireshark
    #[arg(long)]
    json: bool,

    /// Show payloads and lines in full
    #[arg(long)]
    all: bool,

    /// Show a line, and the next one at each Enter, as for a class
    ///
    /// q and Enter leave. The bytes are given as words or with --file. On a pipe there are no steps.
    #[arg(long, conflicts_with = "json")]
    step: bool,

    #[command(flatten, next_help_heading = "Limits (sizes in bytes, or with K or M)")]
    limits: args::LimitOptions,
}

const EXAMPLES: &str = "\
Examples:
  plainws decode 81 85 37 fa 21 3d 7f 9f 4d 51 58
  printf '\\x81\\x05Hello' | plainws decode
  xxd capture.bin | plainws decode --role server
  plainws encode ping | plainws decode --json
  tcpdump -i lo -U -w - port 8000 | plainws decode
  plainws decode --file trace.pcapng --stream 3

Exit codes:
  0  legal
  1  a rule is broken
  2  wrong usage
  3  legal so far, but incomplete";

/// Shows what the bytes say.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let format = if options.raw {
        Format::Raw
    } else {
        options.input
    };
    let pick = Pick {
        stream: options.stream,
        port: options.port,
    };
    let connections = input::read(&options.hex, options.file.as_deref(), format, pick)?;
    if connections.iter().all(is_empty) {
        return Err("no bytes to decode".into());
    }
    let mut steps = if options.step {
        step::by_keyboard()?
    } else {
        None
    };
    let known = known(options);
    let mut verdicts = Vec::new();
    let mut printer = Printer::new();
    for (i, mut connection) in connections.into_iter().enumerate() {
        if let [stream] = &mut *connection.streams {
            stream.sender = options.role.map(Role::from).or(stream.sender);
        }
        let limits = options.limits.limits();
        let mut conversation = Conversation::new(connection, &known, limits);
        if let Some(steps) = &mut steps {
            // It fails when nothing more is wanted.
            if connection::listing(steps, &mut conversation, !options.all).is_err() {
                return Ok(ExitCode::SUCCESS);
            }
            verdicts.extend(conversation.verdicts());
            continue;
        }
        let gap = if i == 0 { "" } else { "\n" };
        // A printer never fails before its end.
        let _ = printer.write_str(gap);
        let _ = match i {
            _ if options.json => json::connection(&mut printer, &mut conversation),
            0..SHOWN => connection::listing(&mut printer, &mut conversation, !options.all),
            _ if options.all => connection::listing(&mut printer, &mut conversation, false),
            _ => connection::summary(&mut printer, &mut conversation),
        };
        verdicts.extend(conversation.verdicts());
    }
    printer.finish()?;
    Ok(exit_code(&verdicts))
}

/// Connections whose frames are shown unless all are asked for; of others only the verdict is.
const SHOWN: usize = 4;

/// What the options say of the handshake.
fn known(options: &Options) -> Known {
    let subprotocols = options.subprotocols.as_deref().map(|list| {
        let names = list.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<Vec<_>>()
    });
    let list = options.extensions.as_deref().map(str::as_bytes);
    let extensions = list.and_then(Extension::list);
    let names = extensions.map(|list| {
        let names = list.iter().map(|extension| extension.name.to_owned());
        names.collect::<Vec<_>>()
    });
    Known {
        asked: Asked::default()
            .key(options.key.clone())
            .subprotocols(subprotocols)
            .extensions(names),
        agreed: list.map_or(Agreed::Unknown, |list| {
            Agreed::To(Extensions::chosen(&[list], None))
        }),
    }
}

fn extensions(text: &str) -> Result<String, String> {
    match Extension::list(text.as_bytes()) {
        Some(_) => Ok(text.into()),
        None => {
            Err("it must be a list, such as \"permessage-deflate; client_max_window_bits\"".into())
        }
    }
}

fn is_empty(connection: &Connection) -> bool {
    let mut streams = connection.streams.iter();
    streams.all(|stream| stream.bytes.is_empty())
}

/// The worst of several directions counts.
fn exit_code(verdicts: &[Judged]) -> ExitCode {
    let is_violation = |verdict: &Judged| matches!(verdict, Judged::Violation { .. });
    if verdicts.iter().any(is_violation) {
        ExitCode::from(1)
    } else if verdicts.contains(&Judged::Incomplete) {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}
