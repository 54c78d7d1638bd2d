//! What must hold for captures of packets.

use crate::app::input::capture::{self, Found, Pick};
use oracles::choices::{Choices, Random};

/// What the fuzzer begins with.
#[must_use]
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut random = Random(3);
    let all = ["a", "b", "c", "d"].map(|name| (format!("decisions-{name}"), random.bytes(120)));
    all.into()
}

/// A segment of the client's: where its first byte is in the stream, and its bytes.
type Segment = (usize, Vec<u8>);

/// How far into the stream segments reach.
const LENGTH: usize = 60;

/// Segments in any order, with some bytes missing, some repeated, and some repeated as others.
fn segments(choices: &mut Choices<'_>) -> Vec<Segment> {
    let stream = [&b"GET / HTTP/1.1\r\n"[..], &[b'x'; LENGTH]].concat();
    let mut segments = vec![(0, stream[..4].to_vec())];
    while !choices.is_empty() && segments.len() < 40 {
        let start = choices.below(LENGTH);
        let end = start + 1 + choices.below(12);
        let mut bytes = stream[start..end].to_vec();
        if choices.once_in(4) {
            let at = choices.below(bytes.len());
            bytes[at] = choices.byte();
        }
        // Not before the first, which shows that it is a head.
        segments.push((
            start.max(4),
            bytes.split_off((4_usize.saturating_sub(start)).min(bytes.len())),
        ));
    }
    segments.retain(|(_, bytes)| !bytes.is_empty());
    segments
}

/// Byte by byte: what comes first counts, up to the first that never came.
fn put_together(segments: &[Segment]) -> (Vec<u8>, bool) {
    let mut bytes = vec![None; 2 * LENGTH];
    for (start, segment) in segments {
        for (place, byte) in bytes[*start..].iter_mut().zip(segment) {
            place.get_or_insert(*byte);
        }
    }
    let stream: Vec<u8> = bytes.iter().map_while(|byte| *byte).collect();
    let has_more = bytes[stream.len()..].iter().any(Option::is_some);
    (stream, has_more)
}

/// A pcap file of raw IPv4, all from one client whose numbers begin after `first`.
fn file(first: u32, segments: &[Segment]) -> Vec<u8> {
    let word = |number: u32| number.to_le_bytes();
    let mut file = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0x0004_0000, 101]
        .map(word)
        .concat();
    let syn = (first, 2, &[][..]);
    let data = segments.iter().map(|(start, bytes)| {
        let at = u32::try_from(start + 1).unwrap_or_default();
        (first.wrapping_add(at), 16, &bytes[..])
    });
    for (sequence, flags, payload) in [syn].into_iter().chain(data) {
        let length = u16::try_from(40 + payload.len()).unwrap_or_default();
        let ip = [
            &[0x45, 0][..],
            &length.to_be_bytes(),
            &[0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1],
            &[0x9C, 0x40, 0x1F, 0x40],
            &sequence.to_be_bytes(),
            &[0, 0, 0, 0, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0],
            payload,
        ]
        .concat();
        file.extend([0, 0, length.into(), length.into()].map(word).concat());
        file.extend(ip);
    }
    file
}

fn read(file: &[u8]) -> Result<Found, String> {
    let pick = Pick {
        stream: None,
        port: Some(8000),
    };
    capture::read(file, &[][..], pick)
}

/// Segments are put together as an independent way to do that puts them, and what is missing is told.
///
/// # Errors
///
/// What they were put together to.
pub fn stream(input: &[u8]) -> Result<(), String> {
    let mut choices = Choices(input);
    // Numbers may begin again at 0 on the way.
    let first = u32::MAX - u32::from(choices.byte()) / 2;
    let segments = segments(&mut choices);
    let found = read(&file(first, &segments))?;
    let connection = found.connections.first().ok_or("nothing was found")?;
    let stream = connection.streams.first().ok_or("there is no stream")?;
    let (expected, has_more) = put_together(&segments);
    if stream.bytes == expected && stream.broken_off.is_some() == has_more {
        return Ok(());
    }
    Err(format!(
        "{segments:?} give {:?} and not {:?}; more is there: {has_more}, told: {:?}",
        String::from_utf8_lossy(&stream.bytes),
        String::from_utf8_lossy(&expected),
        stream.broken_off,
    ))
}

/// However a file is damaged, reading it ends, and holds no more than is in it, with its cuts in their order.
///
/// # Errors
///
/// What it held.
pub fn damaged(input: &[u8]) -> Result<(), String> {
    let mut choices = Choices(input);
    let segments = segments(&mut choices.clone());
    let mut file = file(0, &segments);
    for _ in 0..choices.below(5) {
        let at = 4 + (choices.below(256) * 256 + choices.below(256)) % (file.len() - 4);
        file[at] = choices.byte();
    }
    let Ok(found) = read(&file) else {
        return Ok(());
    };
    let streams = found
        .connections
        .iter()
        .flat_map(|connection| &connection.streams);
    let mut held = 0;
    for stream in streams {
        held += stream.bytes.len();
        let offsets: Vec<_> = stream.cuts.iter().map(|cut| cut.offset).collect();
        let is_in_order = offsets.is_sorted_by(|one, next| one < next);
        if !is_in_order
            || offsets
                .last()
                .is_some_and(|&last| last >= stream.bytes.len())
        {
            return Err(format!(
                "{} bytes are cut at {offsets:?}",
                stream.bytes.len()
            ));
        }
    }
    if held > file.len() {
        return Err(format!("of {} bytes {held} are held", file.len()));
    }
    Ok(())
}
