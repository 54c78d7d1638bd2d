//! `plainws decode`: every bit of a stream, and a verdict.

use crate::app::judge::decoded::Decoded;
use crate::app::judge::verdict;
use crate::app::show::listing::Listing;
use crate::app::show::{heads, json, paint};
use crate::app::{args, input};
use clap::{Args, ValueEnum};
use plainws::Role;
use plainws::protocol::dissect::Verdict;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// The bytes in hex; - or nothing reads hex or raw bytes from standard input
    ///
    /// Spaces, commas, colons, 0x and \x81 are all known, and so are the columns of xxd, hexdump -C,
    /// od -t x1, tcpdump -X and Wireshark.
    #[arg(value_name = "HEX")]
    hex: Vec<String>,

    /// Read hex or raw bytes from this file
    #[arg(long, short, value_name = "FILE", conflicts_with = "hex")]
    file: Option<PathBuf>,

    /// Never take the input for hex
    #[arg(long, conflicts_with = "hex")]
    raw: bool,

    /// Who sent the bytes; told by the handshake or the first frame's mask unless given
    #[arg(long, value_enum)]
    role: Option<Sender>,

    /// The key that a server's response answers; without it the accept value is not judged
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Print JSON, with the field names of Wireshark
    #[arg(long)]
    json: bool,

    /// Show payloads and lines in full, not only their beginning
    #[arg(long)]
    all: bool,

    #[command(flatten, next_help_heading = "Limits (sizes in bytes, or with K or M)")]
    limits: args::LimitOptions,
}

const EXAMPLES: &str = "\
Examples:
  plainws decode 81 85 37 fa 21 3d 7f 9f 4d 51 58
  printf '\\x81\\x05Hello' | plainws decode
  xxd capture.bin | plainws decode --role server
  plainws encode ping | plainws decode --json

Exit codes:
  0  legal
  1  a rule is broken
  2  wrong use
  3  legal so far, but incomplete";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Sender {
    /// The side that opened the connection, and masks.
    Client,
    /// The side that accepted it.
    Server,
}

impl From<Sender> for Role {
    fn from(sender: Sender) -> Self {
        match sender {
            Sender::Client => Self::Client,
            Sender::Server => Self::Server,
        }
    }
}

/// Frames shown unless all are asked for: half of them from the beginning, half from the end.
const CUT: usize = 16;

/// Shows what the bytes say.
///
/// # Errors
///
/// What went wrong, for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let bytes = input::read(&options.hex, options.file.as_deref(), options.raw)?;
    if bytes.is_empty() {
        return Err("no bytes to decode".into());
    }
    let role = options.role.map(Role::from);
    let decoded = Decoded::new(bytes, role, options.key.as_deref(), options.limits.limits());
    if options.json {
        paint::print(&json::stream(&decoded))?;
    } else {
        paint::print(&listing(&decoded, !options.all))?;
    }
    Ok(match decoded.verdict() {
        Verdict::Legal => ExitCode::SUCCESS,
        Verdict::Violation { .. } => ExitCode::from(1),
        Verdict::Incomplete => ExitCode::from(3),
    })
}

/// A stream for people: its handshake, its frames, the verdict.
pub(crate) fn listing(decoded: &Decoded, is_cut: bool) -> String {
    let mut text = String::new();
    if let Some(handshake) = &decoded.handshake {
        text += &heads::listing(handshake, &decoded.bytes, is_cut);
    }
    let end = decoded.bytes.len() as u64;
    let listing = Listing::new(decoded.frames_begin(), end, is_cut);
    let frames = &decoded.frames.frames;
    let hidden = frames
        .len()
        .saturating_sub(if is_cut { CUT } else { usize::MAX });
    for (i, frame) in frames.iter().enumerate() {
        if !(CUT / 2..CUT / 2 + hidden).contains(&i) {
            text += &listing.frame(frame);
            text += "\n";
        } else if i == CUT / 2 {
            text += &format!("… {hidden} more frames; --all shows them\n\n");
        }
    }
    text + &verdict::of(decoded)
}
