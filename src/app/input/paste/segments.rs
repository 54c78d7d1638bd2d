//! Packets that were printed: their IP and TCP headers taken off, and what each end sent put in order.

use super::pasted::{Pasted, Piece, roles};
use crate::app::input::packet::{self, link};
use crate::app::input::tcp::{Direction, Gap};
use plainws::Role;
use std::net::SocketAddr;
use std::time::Duration;

/// What one end sent in one packet.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// The sequence number of the first byte, or of SYN.
    pub(super) sequence: u32,
    pub(super) syn: bool,
    pub(super) ack: bool,
    pub(super) payload: Vec<u8>,
    /// The number of the packet.
    pub(super) number: u64,
    pub(super) time: Option<Duration>,
}

/// What a packet turned out to be.
pub(super) enum Packet {
    Tcp(Box<Segment>),
    /// IP with something else in it.
    Other,
    /// Shorter than its header says.
    Cut,
}

/// Reads a packet: IP, behind the header of Ethernet, of Linux's "any" device or of a loopback if there is one;
/// `None` for other bytes. The checksum of an IPv4 header must be right.
pub(super) fn packet(bytes: &[u8]) -> Option<Packet> {
    let is_loopback = matches!(
        bytes,
        [2 | 24 | 28 | 30, 0, 0, 0, ..] | [0, 0, 0, 2 | 24 | 28 | 30, ..]
    );
    let loopback = is_loopback.then_some(link::NULL);
    let links = [link::ETHERNET, link::LINUX_SLL, link::LINUX_SLL2];
    let mut links = links.into_iter().chain(loopback);
    ip(bytes).or_else(|| links.find_map(|link| ip(packet::ip(link, bytes)?)))
}

/// Only the checksum tells IPv4 from arbitrary bytes, and IPv6 only that it has a length and TCP is next in it.
fn ip(bytes: &[u8]) -> Option<Packet> {
    let byte0 = bytes.first()?;
    let is_ip = match byte0 >> 4 {
        4 => checksum(bytes.get(..usize::from(byte0 & 0x0F) * 4)?) == 0xFFFF,
        _ => bytes.get(6) == Some(&6) && bytes.get(4..6) != Some(&[0, 0]),
    };
    Some(match packet::of_ip(bytes).filter(|_| is_ip)? {
        packet::Packet::Segment(segment) if !segment.is_cut => Packet::Tcp(Box::new(Segment {
            from: segment.source,
            to: segment.destination,
            sequence: segment.sequence,
            syn: segment.flags.syn,
            ack: segment.flags.ack,
            payload: segment.payload.to_vec(),
            number: 0,
            time: None,
        })),
        packet::Packet::Segment(_) | packet::Packet::Cut => Packet::Cut,
        _ => Packet::Other,
    })
}

fn checksum(header: &[u8]) -> u32 {
    let words = header
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    (sum & 0xFFFF) + (sum >> 16)
}

/// Puts in order what the ends of each connection sent.
///
/// # Errors
///
/// Bytes are missing.
pub(super) fn assemble(segments: Vec<Segment>) -> Result<Pasted, String> {
    let mut connections: Vec<(SocketAddr, SocketAddr, Vec<Segment>)> = Vec::new();
    for segment in segments {
        let ends = (segment.from, segment.to);
        let is_it =
            |(a, b, _): &&mut (SocketAddr, SocketAddr, _)| ends == (*a, *b) || ends == (*b, *a);
        match connections.iter_mut().find(is_it) {
            Some((.., segments)) => segments.push(segment),
            None => connections.push((segment.from, segment.to, vec![segment])),
        }
    }
    let mut pasted = Pasted::default();
    for (number, (a, b, segments)) in (0..).zip(connections) {
        connection(number, [a, b], segments, &mut pasted)?;
    }
    if pasted.is_empty() {
        return Err("these packets carry no bytes over TCP".into());
    }
    Ok(pasted)
}

fn connection(
    connection: u64,
    ends: [SocketAddr; 2],
    segments: Vec<Segment>,
    pasted: &mut Pasted,
) -> Result<(), String> {
    let caller = segments.iter().find(|segment| segment.syn && !segment.ack);
    let caller = caller.map(|segment| segment.from);
    let (first, second): (Vec<_>, Vec<_>) = segments
        .into_iter()
        .partition(|segment| segment.from == ends[0]);
    let sent = [in_order(first)?, in_order(second)?];
    let beginning = |end: usize| sent[end].first().map_or(&[][..], |(_, bytes)| bytes);
    let roles = match caller {
        Some(caller) if caller == ends[0] => [Role::Client, Role::Server],
        Some(_) => [Role::Server, Role::Client],
        None => roles(beginning(0), beginning(1)),
    };
    for (pieces, sender) in sent.iter().zip(roles) {
        for ((number, time), bytes) in pieces {
            let piece = Piece {
                connection,
                sender: Some(sender),
                number: *number,
                time: *time,
            };
            pasted.push(piece, "packet", bytes);
        }
    }
    pasted.name(connection, format!("{} and {}", ends[0], ends[1]));
    Ok(())
}

/// The number and the time of a packet, and what was new in it.
type Sent = ((u64, Option<Duration>), Vec<u8>);

/// What one end sent: repeated bytes left out, late packets in their place.
fn in_order(mut segments: Vec<Segment>) -> Result<Vec<Sent>, String> {
    let origin = segments.first().map_or(0, |segment| segment.sequence);
    // The earliest packet need not be the first one here, and sequence numbers wrap around.
    segments.sort_by_key(|segment| segment.sequence.wrapping_sub(origin) as i32);
    let mut direction = Direction::default();
    let mut latest = (0, None);
    let mut sent = Vec::new();
    for segment in segments {
        let sequence = if segment.syn {
            direction.begin(segment.sequence)
        } else {
            segment.sequence
        };
        direction.receive(sequence, &segment.payload, 0, |new| {
            latest = (segment.number, segment.time).max(latest);
            sent.push((latest, new.to_vec()));
        });
        if let Some(Gap { bytes, .. }) = direction.gap() {
            return Err(format!(
                "before packet {}, {bytes} bytes that {} sent are missing",
                segment.number, segment.from
            ));
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ports 1 and 2, an option, and the payload.
    const TCP: &[u8] = b"\0\x01\0\x02\0\0\0\x07\0\0\0\0\x60\x18\0\0\0\0\0\0\x01\x01\x01\0\x81\0";
    const IP_4: &[u8] = b"\x45\0\0\x2e\0\0\0\0\x40\x06\x7c\xc8\x7f\0\0\x01\x7f\0\0\x01";
    const ETHERNET: &[u8] = &[0; 12];

    fn ip_6() -> Vec<u8> {
        let here = std::net::Ipv6Addr::LOCALHOST.octets();
        [b"\x60\0\0\0\0\x1a\x06\x40", &here[..], &here, TCP].concat()
    }

    #[test]
    fn a_packet_is_read_behind_the_header_of_each_kind_of_network() {
        let ip_4 = [IP_4, TCP].concat();
        for (name, header, ip) in [
            ("none", vec![], &ip_4),
            ("none, IPv6", vec![], &ip_6()),
            ("Ethernet", [ETHERNET, b"\x08\0"].concat(), &ip_4),
            ("Ethernet, IPv6", [ETHERNET, b"\x86\xdd"].concat(), &ip_6()),
            ("VLAN", [ETHERNET, b"\x81\0\0\x05\x08\0"].concat(), &ip_4),
            ("Linux cooked", [&[0; 14][..], b"\x08\0"].concat(), &ip_4),
            ("Linux cooked 2", [b"\x08\0", &[0; 18][..]].concat(), &ip_4),
            ("loopback", b"\x02\0\0\0".to_vec(), &ip_4),
            ("loopback, other order", b"\0\0\0\x1e".to_vec(), &ip_6()),
        ] {
            // Ethernet fills short frames up.
            let bytes = [&header[..], ip, &[0; 5]].concat();
            match packet(&bytes) {
                Some(Packet::Tcp(segment)) => {
                    assert_eq!(segment.payload, b"\x81\0", "{name}");
                    let ports = (segment.from.port(), segment.to.port());
                    assert_eq!((ports, segment.sequence), ((1, 2), 7), "{name}");
                }
                _ => panic!("{name}: no TCP"),
            }
        }
    }

    #[test]
    fn bytes_with_a_wrong_checksum_or_without_a_length_are_no_packet() {
        let mut bytes = [IP_4, TCP].concat();
        bytes[10] ^= 1;
        assert!(packet(&bytes).is_none());
        let mut bytes = ip_6();
        bytes[5] = 0;
        assert!(packet(&bytes).is_none());
    }

    #[test]
    fn a_packet_is_cut_wherever_it_ends_too_early() {
        let ip_4 = [IP_4, TCP].concat();
        let mut without_payload = ip_6();
        without_payload[5] -= 2;
        without_payload.truncate(64);
        for (head, whole) in [(20, ip_4), (40, ip_6()), (40, without_payload)] {
            for captured in 0..whole.len() {
                let packet = packet(&whole[..captured]);
                let is_cut = packet.map(|packet| matches!(packet, Packet::Cut));
                let expected = (captured >= head).then_some(true);
                assert_eq!(is_cut, expected, "{captured}");
            }
        }
    }

    #[test]
    fn bytes_whose_tcp_header_cannot_be_are_no_packet() {
        for offset in [0x40, 0x80] {
            let mut bytes = [IP_4, TCP].concat();
            bytes[32] = offset;
            assert!(packet(&bytes).is_none(), "{offset:x}");
        }
    }

    /// Segments of one end, each with its sequence number and payload, numbered from 1.
    fn put_in_order(segments: &[(u32, &[u8])]) -> Result<Vec<(u64, String)>, String> {
        let segments = (1..)
            .zip(segments)
            .map(|(number, (sequence, payload))| Segment {
                from: ([127, 0, 0, 1], 1).into(),
                to: ([127, 0, 0, 1], 2).into(),
                sequence: *sequence,
                syn: payload.is_empty(),
                ack: true,
                payload: payload.to_vec(),
                number,
                time: Some(Duration::from_secs(number)),
            });
        let sent = in_order(segments.collect())?;
        let sent = sent.into_iter().map(|((number, time), bytes)| {
            assert_eq!(time, Some(Duration::from_secs(number)));
            (number, String::from_utf8_lossy(&bytes).into_owned())
        });
        Ok(sent.collect())
    }

    #[test]
    fn segments_are_put_in_order_from_the_earliest_on() {
        type Case = (
            &'static str,
            &'static [(u32, &'static [u8])],
            &'static [(u64, &'static str)],
        );
        let cases: [Case; 6] = [
            (
                "in order",
                &[(7, b"ab"), (9, b"cd")],
                &[(1, "ab"), (2, "cd")],
            ),
            ("after SYN", &[(6, b""), (7, b"ab")], &[(2, "ab")]),
            (
                "the first last",
                &[(9, b"cd"), (7, b"ab")],
                &[(2, "ab"), (2, "cd")],
            ),
            (
                "around 0",
                &[(1, b"cd"), (u32::MAX, b"ab")],
                &[(2, "ab"), (2, "cd")],
            ),
            (
                "repeated",
                &[(7, b"ab"), (7, b"ab"), (9, b"c")],
                &[(1, "ab"), (3, "c")],
            ),
            (
                "overlapping",
                &[(7, b"ab"), (8, b"Xcd")],
                &[(1, "ab"), (2, "cd")],
            ),
        ];
        for (name, segments, expected) in cases {
            let sent = put_in_order(segments).expect(name);
            let sent: Vec<_> = sent
                .iter()
                .map(|(number, text)| (*number, &**text))
                .collect();
            assert_eq!(sent, expected, "{name}");
        }
        for (segments, number) in [
            (&[(7, &b"ab"[..]), (12, b"f"), (10, b"d")][..], 3),
            (&[(8, b""), (10, b"d")], 2),
        ] {
            let problem = put_in_order(segments).expect_err("a byte is missing");
            let expected =
                format!("before packet {number}, 1 bytes that 127.0.0.1:1 sent are missing");
            assert_eq!(problem, expected);
        }
    }
}
