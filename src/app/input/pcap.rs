//! What is in a capture file, packet by packet, without holding more of it than one.

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, LegacyPcapReader, PcapBlockOwned, PcapError, PcapNGReader};
use std::io::{self, Read};
use std::time::Duration;

/// A packet as it was captured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Captured<'a> {
    /// Its place in the file, from 1.
    pub(crate) number: u64,
    /// Since 1970, if the file says so.
    pub(crate) time: Option<Duration>,
    /// What kind of link it was captured from.
    pub(crate) link: i32,
    pub(crate) bytes: &'a [u8],
}

/// How much of a file is looked at to see what it is.
pub(crate) const BEGINNING: usize = 64 * 1024;

/// Room for a block, as long as none is larger.
const BLOCK: usize = 16 * 1024;

/// The largest block of a file, and so the most that is held of it: packets have up to 256 KiB.
const MAX_BLOCK: usize = 1024 * 1024;

/// Whether a file that begins like that is a capture. No legal frame begins so, and no text.
pub(crate) fn is_capture(bytes: &[u8]) -> bool {
    is_pcapng(bytes) || LEGACY.iter().any(|magic| begins_with(bytes, *magic))
}

/// With times in microseconds, with times in nanoseconds, and with longer heads of packets.
const LEGACY: [u32; 3] = [0xA1B2_C3D4, 0xA1B2_3C4D, 0xA1B2_CD34];

/// In either order of bytes.
fn begins_with(bytes: &[u8], magic: u32) -> bool {
    bytes.starts_with(&magic.to_be_bytes()) || bytes.starts_with(&magic.to_le_bytes())
}

fn is_pcapng(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A])
}

/// The name of a program that unpacks a file that begins like that.
pub(crate) fn unpacks(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 5] = [
        (&[0x1F, 0x8B], "gzip -dc"),
        (&[0x28, 0xB5, 0x2F, 0xFD], "zstd -dc"),
        (&[0xFD, b'7', b'z', b'X', b'Z'], "xz -dc"),
        (b"BZh", "bzip2 -dc"),
        (&[0x04, 0x22, 0x4D, 0x18], "lz4 -dc"),
    ];
    let mut known = MAGIC.iter();
    let (_, program) = known.find(|(magic, _)| bytes.starts_with(magic))?;
    Some(program)
}

/// Reads a file whose first bytes, [`BEGINNING`] of them or all, have been read already. Returns what is
/// wrong with its end, in words for people.
///
/// # Errors
///
/// As above, where not a packet was read.
pub(crate) fn read(
    beginning: &[u8],
    rest: impl Read,
    mut take: impl FnMut(Captured<'_>),
) -> Result<Option<String>, String> {
    let whole = beginning.chain(rest);
    let mut links = Links::default();
    let mut number = 0;
    let mut each = |block: PcapBlockOwned<'_>| {
        if let Some(packet) = links.packet(&block) {
            number += 1;
            take(Captured { number, ..packet });
        }
    };
    let end = if is_pcapng(beginning) {
        let reader = PcapNGReader::new(BLOCK, whole).map_err(|error| problem(&error))?;
        blocks(reader, &mut each)
    } else {
        let reader = LegacyPcapReader::new(BLOCK, whole).map_err(|error| problem(&error))?;
        blocks(reader, &mut each)
    };
    match end {
        Ok(is_cut) => Ok(is_cut.then(|| "the capture ends in the middle of a packet".into())),
        Err(problem) if number > 0 => Ok(Some(format!(
            "{problem}: nothing after packet {number} is read"
        ))),
        Err(problem) => Err(problem),
    }
}

fn blocks(
    mut reader: impl PcapReaderIterator,
    each: &mut impl FnMut(PcapBlockOwned<'_>),
) -> Result<bool, String> {
    let mut held = None;
    let mut is_grown = false;
    loop {
        let used = match reader.next() {
            Ok((used, block)) => {
                each(block);
                used
            }
            Err(PcapError::Eof) => return Ok(false),
            Err(PcapError::UnexpectedEof) => return Ok(true),
            Err(PcapError::Incomplete(_)) => {
                let before = reader.data().len();
                if reader.reader_exhausted() || held == Some(before) {
                    return Ok(before > 0);
                }
                held = Some(before);
                reader.refill().map_err(|error| problem(&error))?;
                continue;
            }
            Err(PcapError::BufferTooSmall) if !is_grown => {
                is_grown = reader.grow(MAX_BLOCK);
                continue;
            }
            Err(error) => return Err(problem(&error)),
        };
        held = None;
        reader.consume(used);
    }
}

fn problem(error: &PcapError<&[u8]>) -> String {
    match error {
        PcapError::ReadError => "the capture cannot be read to its end".into(),
        PcapError::BufferTooSmall => "a packet of the capture is larger than 1 MiB".into(),
        _ => "the capture is damaged: a block of it is no block".into(),
    }
}

/// What packets depend on that came before them.
#[derive(Default)]
struct Links {
    /// Of a pcap file, which has one.
    legacy: Option<(i32, u32)>,
    /// Of a section of a pcapng file: the kind, the offset of times in seconds and their units in a second.
    interfaces: Vec<(i32, i64, Option<u64>)>,
}

impl Links {
    /// The packet in a block, but for its number.
    fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'a>) -> Option<Captured<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let unit = if header.is_nanosecond_precision() {
                    1
                } else {
                    1000
                };
                self.legacy = Some((header.network.0 & 0xFFFF, unit));
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let (link, unit) = self.legacy?;
                let nanoseconds = u64::from(packet.ts_usec) * u64::from(unit);
                let time =
                    Duration::from_secs(packet.ts_sec.into()) + Duration::from_nanos(nanoseconds);
                captured(Some(time), link, packet.data, packet.caplen)
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let of = (
                    interface.linktype.0,
                    interface.ts_offset(),
                    interface.ts_resolution(),
                );
                self.interfaces.push(of);
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = usize::try_from(packet.if_id).ok()?;
                let (link, offset, resolution) = *self.interfaces.get(interface)?;
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let time = resolution.and_then(|resolution| since_1970(units, resolution, offset));
                captured(time, link, packet.data, packet.caplen)
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let (link, ..) = *self.interfaces.first()?;
                captured(None, link, packet.data, packet.origlen)
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}

/// Without the bytes that fill a block up.
fn captured(time: Option<Duration>, link: i32, data: &[u8], length: u32) -> Option<Captured<'_>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Some(Captured {
        number: 0,
        time,
        link,
        bytes: data.get(..length).unwrap_or(data),
    })
}

fn since_1970(units: u64, resolution: u64, offset: i64) -> Option<Duration> {
    let seconds = units.checked_div(resolution)?.checked_add_signed(offset)?;
    let part = u128::from(units % resolution) * 1_000_000_000 / u128::from(resolution);
    Some(Duration::new(seconds, u32::try_from(part).ok()?))
}

/// Reads as much of the beginning as there is, up to [`BEGINNING`] bytes.
///
/// # Errors
///
/// Reading fails.
pub(crate) fn beginning(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(BEGINNING as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
