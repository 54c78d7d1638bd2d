//! `plainws encode`: frames to order, broken ones included.

use crate::app::args::Sender;
use crate::app::crafted::{Crafted, Form, any_key};
use crate::app::input::hex;
use crate::app::show::output;
use crate::app::show::text::spaced;
use clap::{Args, ValueEnum};
use plainws::protocol::frame::{MaskingKey, Opcode};
use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// What to send: text, binary, continuation, ping, pong or close
    #[arg(value_enum, hide_possible_values = true)]
    kind: Kind,

    /// Text; hex after "binary"; code and reason after "close"; - for standard input
    ///
    /// With - the payload is what standard input holds, byte for byte: no hex is read there, a line break at
    /// its end belongs to it, and for "close" it begins with the two bytes of the code. The text "-" itself
    /// is encode binary 2d --opcode 1.
    #[arg(value_name = "PAYLOAD")]
    payload: Vec<String>,

    /// Who sends: client or server
    #[arg(
        long,
        value_enum,
        default_value = "client",
        hide_possible_values = true
    )]
    role: Sender,

    /// The masking key; a new one for each frame otherwise
    #[arg(long, value_name = "HEX", value_parser = key)]
    key: Option<MaskingKey>,

    /// Cut into 3 fragments (3) or such sizes (3+0+2)
    #[arg(long, value_name = "N|SIZES", value_parser = cut)]
    fragments: Option<Cut>,

    /// Write the bytes themselves, not hex
    #[arg(long)]
    raw: bool,

    #[command(flatten)]
    forced: Forced,
}

/// Bits to set in every frame, legal or not.
#[derive(Args, Debug)]
#[command(next_help_heading = "Make it wrong (in every frame)")]
struct Forced {
    /// Force FIN
    #[arg(long, value_name = "0|1", value_parser = bit)]
    fin: Option<bool>,

    /// Force RSV1 to RSV3, as one number: 4 is RSV1
    #[arg(long, value_name = "0-7", value_parser = clap::value_parser!(u8).range(0..8))]
    rsv: Option<u8>,

    /// Force the opcode
    #[arg(long, value_name = "0-15", value_parser = clap::value_parser!(u8).range(0..16))]
    opcode: Option<u8>,

    /// Force the MASK bit; key and payload stay as they are
    #[arg(long, value_name = "0|1", value_parser = bit)]
    mask: Option<bool>,

    /// Announce this payload length, whether it is true or not
    #[arg(long, value_name = "N")]
    length: Option<u64>,

    /// Force the form of the length: how many bits hold it
    #[arg(long, value_name = "7|16|64", value_parser = form)]
    form: Option<Form>,
}

const EXAMPLES: &str = "\
Examples:
  plainws encode text Hello --key 37fa213d            the example of §5.7
  plainws encode text Hello --fragments 3+2 --role server
  plainws encode close 1000 bye | plainws decode
  plainws encode ping --fin 0 | plainws decode        which rule is broken?
  printf %s Hello | plainws encode text -             any bytes, as they are
  plainws encode binary 00 ff --raw > frame.bin";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A text message.
    Text,
    /// A binary message, given in hex.
    Binary,
    /// A frame that continues a message.
    Continuation,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A Close, with a code and a reason if given.
    Close,
}

impl Kind {
    const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
            Self::Continuation => Opcode::Continuation,
            Self::Ping => Opcode::Ping,
            Self::Pong => Opcode::Pong,
            Self::Close => Opcode::Close,
        }
    }
}

/// How a message becomes fragments.
#[derive(Clone, Debug)]
enum Cut {
    Pieces(usize),
    Sizes(Vec<usize>),
}

/// Bytes of hex on a line.
const LINE: usize = 24;
/// Receivers take far fewer fragments by default; more would only fill the terminal.
const MAX_FRAGMENTS: usize = 1 << 20;

/// Writes the frames.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let payload = options.payload()?;
    let pieces = match &options.fragments {
        None => vec![&payload[..]],
        Some(cut) => cut.apply(&payload)?,
    };
    let last = pieces.len() - 1;
    let frames = pieces.iter().enumerate().map(|(i, piece)| {
        let opcode = if i == 0 {
            options.kind.opcode()
        } else {
            Opcode::Continuation
        };
        options.frame(opcode, i == last, piece)
    });
    if options.raw {
        let frames: Vec<_> = frames.collect();
        output::print_raw(&frames.concat())?;
    } else {
        let lines = frames.flat_map(|frame| {
            let lines = frame.chunks(LINE).map(|line| spaced(line) + "\n");
            lines.collect::<Vec<_>>()
        });
        output::print(&lines.collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn payload(&self) -> Result<Vec<u8>, String> {
        if let [dash] = &self.payload[..] {
            if dash == "-" {
                return standard_input();
            }
        }
        match (self.kind, &self.payload[..]) {
            (Kind::Binary, words) => hex::parse(&words.join(" ")),
            (Kind::Close, [code, reason @ ..]) => {
                let number: u16 = code.parse().map_err(|_| {
                    format!("{code:?} is not a close code, which is a number up to 65535")
                })?;
                Ok([&number.to_be_bytes()[..], reason.join(" ").as_bytes()].concat())
            }
            (_, words) => Ok(words.join(" ").into()),
        }
    }

    /// One frame as its kind and the role ask for, but for the bits that are forced.
    fn frame(&self, opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
        let is_client = matches!(self.role, Sender::Client);
        let key = self.key.or_else(|| is_client.then(any_key));
        let forced = &self.forced;
        let crafted = Crafted {
            fin: forced.fin.unwrap_or(fin),
            rsv: forced.rsv.unwrap_or(0),
            opcode: forced.opcode.unwrap_or(opcode as u8),
            mask: forced.mask.unwrap_or(key.is_some()),
            key,
            length: forced.length,
            form: forced.form,
            payload: payload.to_vec(),
        };
        crafted.write()
    }
}

/// All of standard input, as it is.
fn standard_input() -> Result<Vec<u8>, String> {
    if io::stdin().is_terminal() {
        output::say("what is typed now is the payload, line breaks too; Ctrl-D ends it");
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| format!("standard input: {error}"))?;
    Ok(bytes)
}

impl Cut {
    fn apply<'a>(&self, payload: &'a [u8]) -> Result<Vec<&'a [u8]>, String> {
        let sizes = match self {
            Self::Sizes(sizes) => sizes.clone(),
            Self::Pieces(count) => {
                let (each, longer) = (payload.len() / count, payload.len() % count);
                (0..*count)
                    .map(|i| each + usize::from(i < longer))
                    .collect()
            }
        };
        let mut rest = payload;
        let mut pieces = Vec::new();
        for size in &sizes {
            let (piece, after) = rest.split_at_checked(*size).ok_or_else(|| {
                format!(
                    "the fragments need more than the payload's {} bytes",
                    payload.len()
                )
            })?;
            pieces.push(piece);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(rest);
        }
        Ok(pieces)
    }
}

fn cut(text: &str) -> Result<Cut, String> {
    let sizes: Result<Vec<usize>, _> = text.split('+').map(str::parse).collect();
    match sizes.as_deref() {
        Ok([count @ 1..=MAX_FRAGMENTS]) => Ok(Cut::Pieces(*count)),
        Ok([_, _, ..]) => Ok(Cut::Sizes(sizes.unwrap_or_default())),
        _ => Err("a number of fragments such as 3, or their sizes such as 3+0+2".into()),
    }
}

fn key(text: &str) -> Result<MaskingKey, String> {
    let bytes = hex::parse(text)?;
    MaskingKey::try_from(bytes).map_err(|_| "a key has four bytes, such as 37fa213d".into())
}

fn bit(text: &str) -> Result<bool, String> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("a bit is 0 or 1".into()),
    }
}

fn form(text: &str) -> Result<Form, String> {
    let bits = text.parse().ok();
    let form = bits.and_then(Form::of);
    form.ok_or_else(|| "the forms have 7, 16 or 64 bits".into())
}
