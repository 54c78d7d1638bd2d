//! `tshark -T json` and `-T jsonraw`: the bytes of each packet, or what of it was TCP's payload.

use super::pasted::Pasted;
use super::segments::{Packet, Segment, assemble, packet};
use crate::app::input::hex;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Reads packets; `None` for a list of anything else.
pub(super) fn read(packets: &[Value]) -> Option<Result<Pasted, String>> {
    let layers: Option<Vec<&Value>> = packets
        .iter()
        .map(|packet| packet["_source"].get("layers"))
        .collect();
    let layers = layers.filter(|layers| !layers.is_empty())?;
    let segments = (1..)
        .zip(layers)
        .filter_map(|(at, layers)| segment(at, layers).transpose());
    Some(segments.collect::<Result<Vec<_>, _>>().and_then(assemble))
}

/// The TCP of a packet, if it has one.
fn segment(at: u64, layers: &Value) -> Result<Option<Segment>, String> {
    let frame = &layers["frame"];
    let number = text(&frame["frame.number"])
        .and_then(|number| number.parse().ok())
        .unwrap_or(at);
    let time = text(&frame["frame.time_relative"]).and_then(|seconds| seconds.parse().ok());
    let time = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    if let Some(raw) = layers["frame_raw"][0].as_str() {
        return match packet(&bytes(at, raw)?) {
            Some(Packet::Tcp(segment)) => Ok(Some(Segment {
                number,
                time,
                ..*segment
            })),
            Some(Packet::Other) | None => Ok(None),
            Some(Packet::Cut) => Err(format!("packet {at} was not captured whole")),
        };
    }
    let tcp = &layers["tcp"];
    if tcp.is_null() {
        return Ok(None);
    }
    let of_tcp = || {
        let flags = text(&tcp["tcp.flags"])?.strip_prefix("0x")?;
        let flags = u16::from_str_radix(flags, 16).ok()?;
        let sequence = text(&tcp["tcp.seq_raw"]).or(text(&tcp["tcp.seq"]))?;
        Some(Segment {
            from: end(layers, "src", text(&tcp["tcp.srcport"])?)?,
            to: end(layers, "dst", text(&tcp["tcp.dstport"])?)?,
            sequence: sequence.parse().ok()?,
            syn: flags & 0x02 != 0,
            ack: flags & 0x10 != 0,
            payload: Vec::new(),
            number,
            time,
        })
    };
    let segment = of_tcp()
        .ok_or_else(|| format!("packet {at} lacks tcp.seq, tcp.flags, a port or an address"))?;
    let payload = text(&tcp["tcp.payload"]).map_or(Ok(Vec::new()), |payload| bytes(at, payload))?;
    Ok(Some(Segment { payload, ..segment }))
}

fn end(layers: &Value, side: &str, port: &str) -> Option<SocketAddr> {
    let of = |layer: &str| text(&layers[layer][format!("{layer}.{side}")]);
    let address: IpAddr = of("ip").or(of("ipv6"))?.parse().ok()?;
    Some(SocketAddr::new(address, port.parse().ok()?))
}

fn bytes(at: u64, digits: &str) -> Result<Vec<u8>, String> {
    hex::plain(digits).map_err(|problem| format!("packet {at}: {problem}"))
}

/// A value, or the first of several.
fn text(value: &Value) -> Option<&str> {
    value.as_str().or(value[0].as_str())
}
