//! Text that people paste: what the tools print, as they print it, and what people write themselves.
//!
//! # Which format a text has
//!
//! The families of [`FAMILIES`] are asked in turn. The first ones go by marks that nothing else has, such as an
//! offset with a colon or `<Buffer`, and the first that finds its mark decides: it reads the text, or says where
//! it cannot. The last ones, in [`plain`], have no marks. There, digits in pairs are hex; what is no hex may be
//! decimal numbers, and what is neither may be base64. Where a text fits two formats that give different bytes,
//! none is taken: both readings are told, and `--input` decides.

mod array;
mod base64;
mod buffer;
mod dump;
mod fields;
mod follow;
mod har;
mod json;
mod literal;
mod packets;
mod pasted;
mod plain;
mod segments;
mod session;
mod text;
mod tshark;
mod words;

use clap::ValueEnum;
pub(crate) use pasted::Pasted;
pub(crate) use text::text;

/// The formats that `--input` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Found by its marks; where two formats fit, neither is taken
    #[default]
    Auto,
    /// The bytes themselves
    Raw,
    /// 81 05, 8105, 0x81, 81:05, 81-05, <Buffer 81 05>; # begins a comment
    Hex,
    /// [129, 5], [-127, 5], Uint8Array(2) [ 129, 5 ], char x[] = { 0x81, 5 }
    Decimal,
    /// \x81\x05Hello, b'…', bytearray(b'…'), "…" of C, Rust, gdb, Wireshark
    String,
    /// xxd, hexdump -C, od -t x1, Format-Hex, hexyl, gdb, lldb, Wireshark
    Dump,
    /// As dump, in words that are turned round: xxd -e, hexdump, od
    Words,
    /// Packets with IP and TCP, both directions: tcpdump -x or -X, tshark -x
    Packets,
    /// A HAR file of a browser, tshark -T json or jsonraw, JSON of a Node.js buffer
    Json,
    /// Both directions: tshark -z follow,tcp,hex or raw or yaml, -T fields, C arrays
    Follow,
    /// Both directions: lines after > and <, as a saved session has them
    Session,
    /// Base64; found where hex is not possible
    Base64,
}

/// Reads a text of a family; `None` if it has none of the family's marks.
type Recognise = fn(&str) -> Option<Result<Pasted, String>>;

/// The families, in the order in which they are asked.
const FAMILIES: &[(Format, Recognise)] = &[
    (Format::Session, session::recognise),
    (Format::Json, json::recognise),
    (Format::Follow, follow::recognise),
    (Format::Packets, packets::recognise),
    (Format::Packets, packets::without_bytes),
    (Format::Dump, dump::recognise),
    (Format::Hex, buffer::recognise),
    (Format::String, literal::recognise),
    (Format::Decimal, array::recognise),
    (Format::Follow, fields::recognise),
    (Format::Auto, plain::recognise),
];

/// Reads a text.
///
/// # Errors
///
/// What cannot be read, where it stands, and what would help.
pub(crate) fn read(text: &str, format: Format) -> Result<Pasted, String> {
    let asked = match format {
        Format::Auto | Format::Raw => {
            let mut families = FAMILIES.iter();
            let read = families.find_map(|(_, recognise)| recognise(text));
            let read = read.unwrap_or_else(|| Err("this is no text that shows bytes".into()))?;
            return packets::of_one(&read).unwrap_or(Ok(read));
        }
        Format::Hex => Some(plain::hex(text)),
        Format::Decimal => Some(plain::decimal(text)),
        Format::Base64 => Some(plain::base64(text)),
        Format::Dump => dump::in_order(text),
        Format::Words => dump::swapped(text).or_else(|| plain::turned_round(text)),
        Format::String => literal::as_it_stands(text),
        Format::Packets => packets::recognise(text),
        Format::Json => json::recognise(text),
        Format::Follow => follow::recognise(text)
            .or_else(|| array::recognise(text))
            .or_else(|| fields::recognise(text)),
        Format::Session => session::recognise(text),
    };
    asked.unwrap_or_else(|| Err(format!("this does not look like {}", format.name())))
}

impl Format {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
