//! `plainws decode`: every bit of a stream, and a verdict.

use crate::app::judge::decoded::Decoded;
use crate::app::show::{json, paint, stream};
use crate::app::{args, input};
use clap::Args;
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
    role: Option<args::Sender>,

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
        paint::print(&stream::listing(&decoded, !options.all))?;
    }
    Ok(match decoded.verdict() {
        Verdict::Legal => ExitCode::SUCCESS,
        Verdict::Violation { .. } => ExitCode::from(1),
        Verdict::Incomplete => ExitCode::from(3),
    })
}
