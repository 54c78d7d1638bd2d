//! `plainws decode`: every bit of a stream, and a verdict.

use super::listing::Listing;
use super::text::count;
use super::{cause, heads, input, json, paint, verdict};
use clap::{Args, ValueEnum};
use plainws::Role;
use plainws::protocol::dissect::{Dissection, Verdict, dissect};
use plainws::protocol::explain::{self, Explanation};
use plainws::protocol::frame::Byte1;
use plainws::protocol::message::Limits;
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

/// A stream and all that is known of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sender: Role,
    /// Whether the sender was told from the bytes.
    pub(crate) is_guess: bool,
    /// A request or response in front of the frames.
    pub(crate) handshake: Option<Explanation>,
    pub(crate) frames: Dissection,
}

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
    let decoded = Decoded::new(bytes, role, options.key.as_deref());
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

impl Decoded {
    /// Takes the stream apart. Who sent it is told by its beginning unless given: a request is a
    /// client's, and so is a masked frame.
    pub(crate) fn new(bytes: Vec<u8>, role: Option<Role>, key: Option<&str>) -> Self {
        let is_guess = role.is_none();
        let has_head = input::begins_a_head(&bytes);
        let looks_like = if has_head {
            !bytes.starts_with(b"HTTP/")
        } else {
            bytes.get(1).is_none_or(|byte1| Byte1::read(*byte1).mask)
        };
        let sender = match (role, looks_like) {
            (Some(role), _) => role,
            (None, true) => Role::Client,
            (None, false) => Role::Server,
        };
        let handshake = has_head.then(|| match sender {
            Role::Client => explain::request(&bytes, Default::default()),
            Role::Server => explain::response(&bytes, Default::default(), key),
        });
        let frames = match &handshake {
            None => &bytes[..],
            Some(head) if head.verdict == Verdict::Legal => &bytes[head.length..],
            // Without a handshake there are no frames.
            Some(_) => &[],
        };
        Self {
            sender,
            is_guess,
            frames: dissect(sender, Limits::default(), frames),
            handshake,
            bytes,
        }
    }

    /// Where the frames begin in the input.
    pub(crate) fn frames_begin(&self) -> u64 {
        let head = self.handshake.as_ref();
        head.map_or(0, |head| head.length as u64)
    }

    /// What all of it comes to; offsets count from the beginning of the input.
    pub(crate) fn verdict(&self) -> Verdict {
        match &self.handshake {
            Some(head) if head.verdict != Verdict::Legal => head.verdict,
            _ => match self.frames.verdict {
                Verdict::Violation { rule, offset } => Verdict::Violation {
                    rule,
                    offset: self.frames_begin() + offset,
                },
                verdict => verdict,
            },
        }
    }

    /// The bytes behind a Close or a violation.
    pub(crate) fn unread(&self) -> &[u8] {
        let is_cut_short = self
            .handshake
            .as_ref()
            .is_some_and(|head| head.verdict != Verdict::Legal);
        let read = if is_cut_short {
            self.frames_begin()
        } else {
            self.bytes.len() as u64 - self.frames.unread
        };
        usize::try_from(read)
            .ok()
            .and_then(|read| self.bytes.get(read..))
            .unwrap_or_default()
    }

    /// How it was told who the sender is, unless that was said.
    pub(crate) fn guess(&self) -> Option<String> {
        let sign = match (&self.handshake, self.sender) {
            (Some(_), Role::Client) => "a client, as servers send no request",
            (Some(_), Role::Server) => "a server, as clients send no status",
            (None, Role::Client) => "a client, as the first frame is masked",
            (None, Role::Server) => "a server, as the first frame is not masked",
        };
        self.is_guess
            .then(|| format!("{sign}; --role says otherwise"))
    }

    /// Why a rule was probably broken.
    pub(crate) fn cause(&self) -> Option<String> {
        match self.verdict() {
            Verdict::Violation { rule, .. } => cause::likely(rule, self),
            _ => None,
        }
    }

    /// "2 frames, 1 message".
    pub(crate) fn summary(&self) -> String {
        let frames = &self.frames.frames;
        let messages = frames.iter().filter(|frame| frame.message.is_some());
        let counted = [
            count(frames.len() as u64, "frame"),
            count(messages.count() as u64, "message"),
        ];
        match (&self.handshake, frames.len()) {
            (Some(_), 0) => "a handshake".into(),
            (Some(_), _) => format!("a handshake, {}", counted.join(", ")),
            (None, _) => counted.join(", "),
        }
    }
}
