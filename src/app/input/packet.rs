//! A captured packet taken apart, down to the TCP segment in it.
//!
//! ```text
//! link (Ethernet, loopback, Linux cooked, none)  |  IPv4 or IPv6  |  TCP  |  bytes of the stream
//! ```
#![warn(clippy::indexing_slicing)]

use std::net::{IpAddr, SocketAddr};

/// What a packet is to those who put TCP streams together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Segment(Segment<'a>),
    /// A piece of an IP packet, which nobody here joins.
    Fragment,
    /// A segment of which not even the TCP header was captured.
    Cut,
    /// Something else, or damaged.
    Other,
    /// The link layer is none of those that are known.
    UnknownLink,
}

/// A TCP segment (RFC 9293 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    /// Of its first byte, or of SYN if that is set.
    pub(crate) sequence: u32,
    pub(crate) flags: Flags,
    /// As much of it as was captured; nothing of what RST carries.
    pub(crate) payload: &'a [u8],
    /// How many bytes more it had on the wire.
    pub(crate) missing: usize,
    /// Whether not all of the packet was captured, be it the payload or the end of the TCP header.
    pub(crate) is_cut: bool,
}

/// The flags that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) syn: bool,
    pub(crate) ack: bool,
}

/// Numbers of link layers, as in the registry of libpcap.
pub(crate) mod link {
    pub(crate) const NULL: i32 = 0;
    pub(crate) const ETHERNET: i32 = 1;
    pub(crate) const RAW: [i32; 5] = [12, 14, 101, 228, 229];
    pub(crate) const LOOP: i32 = 108;
    pub(crate) const LINUX_SLL: i32 = 113;
    pub(crate) const LINUX_SLL2: i32 = 276;
}

/// Takes a packet apart that was captured from this kind of link.
pub(crate) fn read(kind: i32, bytes: &[u8]) -> Packet<'_> {
    match ip(kind, bytes) {
        Some(ip) => of_ip(ip).unwrap_or(Packet::Other),
        None => Packet::UnknownLink,
    }
}

/// The IP packet in what was captured from this kind of link, or nothing if there is none; `None` for a link that is
/// not known.
pub(crate) fn ip(kind: i32, bytes: &[u8]) -> Option<&[u8]> {
    let ip = match (kind, bytes) {
        (link::ETHERNET, [_, _, _, _, _, _, _, _, _, _, _, _, rest @ ..]) => after_ethertype(rest),
        (link::LINUX_SLL, [_, _, _, _, _, _, _, _, _, _, _, _, _, _, rest @ ..]) => {
            after_ethertype(rest)
        }
        (link::LINUX_SLL2, [high, low, ..]) => match bytes.get(20..) {
            Some(rest) => after_tags(u16::from_be_bytes([*high, *low]), rest),
            None => None,
        },
        // Four bytes name the family, in one order or the other; the packet itself does too.
        (link::NULL | link::LOOP, [_, _, _, _, rest @ ..]) => Some(rest),
        (kind, rest) if link::RAW.contains(&kind) => Some(rest),
        (link::ETHERNET | link::LINUX_SLL | link::LINUX_SLL2 | link::NULL | link::LOOP, _) => None,
        _ => return None,
    };
    Some(ip.unwrap_or_default())
}

/// Takes an IP packet apart; `None` for other bytes, and for headers that are damaged or, down to that of TCP, cut.
pub(crate) fn of_ip(bytes: &[u8]) -> Option<Packet<'_>> {
    match bytes.first()? >> 4 {
        4 => ipv4(bytes),
        6 => ipv6(bytes),
        _ => None,
    }
}

fn after_ethertype(bytes: &[u8]) -> Option<&[u8]> {
    let (kind, rest) = bytes.split_first_chunk()?;
    after_tags(u16::from_be_bytes(*kind), rest)
}

/// What follows the tags of virtual networks (IEEE 802.1Q), if that is IP.
fn after_tags(mut kind: u16, mut rest: &[u8]) -> Option<&[u8]> {
    const TAGS: [u16; 3] = [0x8100, 0x88A8, 0x9100];
    while TAGS.contains(&kind) {
        let (tag, after) = rest.split_first_chunk::<4>()?;
        let [_, _, high, low] = *tag;
        kind = u16::from_be_bytes([high, low]);
        rest = after;
    }
    matches!(kind, 0x0800 | 0x86DD).then_some(rest)
}

/// RFC 791 §3.1.
fn ipv4(bytes: &[u8]) -> Option<Packet<'_>> {
    let (head, _) = bytes.split_first_chunk::<20>()?;
    let [
        byte0,
        _,
        l0,
        l1,
        _,
        _,
        f0,
        f1,
        _,
        protocol,
        _,
        _,
        s0,
        s1,
        s2,
        s3,
        d0,
        d1,
        d2,
        d3,
    ] = *head;
    let header = header_length(byte0 & 0x0F)?;
    if protocol != TCP {
        return Some(Packet::Other);
    }
    // More fragments, or not the first.
    if u16::from_be_bytes([f0, f1]) & 0x3FFF != 0 {
        return Some(Packet::Fragment);
    }
    let length = match usize::from(u16::from_be_bytes([l0, l1])) {
        // The network card was to cut it into packets, and it was captured before that.
        0 => bytes.len(),
        length => length,
    };
    let addresses = [IpAddr::from([s0, s1, s2, s3]), [d0, d1, d2, d3].into()];
    tcp(addresses, bytes.get(header..)?, length.checked_sub(header)?)
}

/// RFC 8200 §3, §4.
fn ipv6(bytes: &[u8]) -> Option<Packet<'_>> {
    let (head, mut rest) = bytes.split_first_chunk::<40>()?;
    let [_, _, _, _, l0, l1, mut next, _, addresses @ ..] = *head;
    let (source, destination) = addresses.split_first_chunk::<16>()?;
    let destination = destination.first_chunk::<16>()?;
    let addresses = [IpAddr::from(*source), IpAddr::from(*destination)];
    let mut length = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => rest.len(),
        length => length,
    };
    while next != TCP {
        let [following, size, flags @ ..] = rest else {
            return None;
        };
        let size = match next {
            // Hop by hop, routing, destination.
            0 | 43 | 60 => (usize::from(*size) + 1) * 8,
            44 => match flags {
                [high, low, ..] if u16::from_be_bytes([*high, *low]) & 0xFFF9 == 0 => 8,
                _ => return Some(Packet::Fragment),
            },
            // Authentication.
            51 => (usize::from(*size) + 2) * 4,
            _ => return Some(Packet::Other),
        };
        next = *following;
        rest = rest.get(size..)?;
        length = length.checked_sub(size)?;
    }
    tcp(addresses, rest, length)
}

/// The length of a header of IPv4 or TCP, told in words of 32 bits: at least five.
fn header_length(words: u8) -> Option<usize> {
    (words >= 5).then_some(usize::from(words) * 4)
}

const TCP: u8 = 6;

/// `length` bytes were on the wire.
fn tcp([source, destination]: [IpAddr; 2], bytes: &[u8], length: usize) -> Option<Packet<'_>> {
    // What follows the packet fills the frame up.
    let bytes = bytes.get(..length).unwrap_or(bytes);
    let is_cut = bytes.len() < length;
    let Some((head, _)) = bytes.split_first_chunk::<14>() else {
        return is_cut.then_some(Packet::Cut);
    };
    let [s0, s1, d0, d1, n0, n1, n2, n3, _, _, _, _, offset, flags] = *head;
    let header = header_length(offset >> 4)?;
    let rest = length.checked_sub(header)?;
    // RFC 9293 §3.5.3: what RST carries is not of the stream.
    let wanted = if flags & 0x04 == 0 { rest } else { 0 };
    let payload = bytes.get(header..).unwrap_or_default();
    let payload = payload.get(..wanted).unwrap_or(payload);
    Some(Packet::Segment(Segment {
        source: (source, u16::from_be_bytes([s0, s1])).into(),
        destination: (destination, u16::from_be_bytes([d0, d1])).into(),
        sequence: u32::from_be_bytes([n0, n1, n2, n3]),
        flags: Flags {
            syn: flags & 0x02 != 0,
            ack: flags & 0x10 != 0,
        },
        payload,
        missing: wanted - payload.len(),
        is_cut,
    }))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    fn segment(options: &[u8], payload: &[u8]) -> Vec<u8> {
        let offset = u8::try_from((20 + options.len()) / 4).expect("a short header") << 4;
        let head = [
            &[0x9C, 0x40, 0x1F, 0x40][..],
            &[0, 0, 0, 7, 0, 0, 0, 0],
            &[offset, 0x18, 0xFF, 0xFF, 0, 0, 0, 0],
        ];
        [&head.concat(), options, payload].concat()
    }

    fn ipv4(fragment: u16, options: &[u8], rest: &[u8]) -> Vec<u8> {
        let header = 20 + options.len();
        let length = u16::try_from(header + rest.len()).expect("a short packet");
        let version = 0x40 | u8::try_from(header / 4).expect("a short header");
        let head = [
            &[version, 0][..],
            &length.to_be_bytes(),
            &[0, 0],
            &fragment.to_be_bytes(),
            &[64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2],
        ];
        [&head.concat(), options, rest].concat()
    }

    fn ipv6(next: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("a short packet");
        let mut head = vec![0x60, 0, 0, 0];
        head.extend(length.to_be_bytes());
        head.extend([next, 64]);
        head.extend([0; 15]);
        head.push(1);
        head.extend([0; 15]);
        head.push(2);
        [&head, rest].concat()
    }

    fn addresses(packet: &Packet<'_>) -> Option<(String, String)> {
        match packet {
            Packet::Segment(segment) => {
                Some((segment.source.to_string(), segment.destination.to_string()))
            }
            _ => None,
        }
    }

    fn payload<'a>(packet: &Packet<'a>) -> Option<(&'a [u8], usize)> {
        match packet {
            Packet::Segment(segment) => Some((segment.payload, segment.missing)),
            _ => None,
        }
    }

    const MACS: [u8; 12] = [1; 12];

    #[test]
    fn a_segment_is_found_behind_every_link() {
        let ip = ipv4(0, &[], &segment(&[], b"Hello"));
        let with = |head: &[u8]| [head, &ip].concat();
        let ethernet = |rest: &[u8]| with(&[&MACS, rest].concat());
        for (kind, bytes) in [
            (1, ethernet(&[0x08, 0x00])),
            (1, ethernet(&[0x81, 0x00, 0, 5, 0x08, 0x00])),
            (
                1,
                ethernet(&[0x88, 0xA8, 0, 5, 0x81, 0x00, 0, 5, 0x08, 0x00]),
            ),
            (0, with(&[2, 0, 0, 0])),
            (0, with(&[0, 0, 0, 2])),
            (108, with(&[0, 0, 0, 2])),
            (101, ip.clone()),
            (12, ip.clone()),
            (228, ip.clone()),
            (113, with(&[&[0; 14][..], &[0x08, 0x00]].concat())),
            (276, with(&[&[0x08, 0x00][..], &[0; 18]].concat())),
        ] {
            let packet = read(kind, &bytes);
            assert_eq!(payload(&packet), Some((&b"Hello"[..], 0)), "{kind}");
            let expected = ("127.0.0.1:40000".to_owned(), "127.0.0.2:8000".to_owned());
            assert_eq!(addresses(&packet), Some(expected));
        }
        assert_eq!(read(105, &ip), Packet::UnknownLink);
    }

    #[test]
    fn a_segment_is_found_behind_the_extensions_of_ipv6() {
        let tcp = segment(&[], b"Hello");
        let behind = |next, headers: &[u8]| ipv6(next, &[headers, &tcp].concat());
        for bytes in [
            behind(6, &[]),
            behind(0, &[6, 0, 0, 0, 0, 0, 0, 0]),
            behind(
                0,
                &[
                    60, 0, 0, 0, 0, 0, 0, 0, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                ],
            ),
            behind(44, &[6, 0, 0, 0, 1, 2, 3, 4]),
            behind(51, &[6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            let packet = read(101, &bytes);
            assert_eq!(payload(&packet), Some((&b"Hello"[..], 0)), "{bytes:02x?}");
            let expected = ("[::1]:40000".to_owned(), "[::2]:8000".to_owned());
            assert_eq!(addresses(&packet), Some(expected));
        }
        assert_eq!(
            read(101, &behind(44, &[6, 0, 0, 1, 1, 2, 3, 4])),
            Packet::Fragment
        );
        assert_eq!(
            read(101, &behind(44, &[6, 0, 0, 8, 1, 2, 3, 4])),
            Packet::Fragment
        );
        assert_eq!(read(101, &behind(58, &[])), Packet::Other);
    }

    #[test]
    fn fragments_and_other_protocols_are_told_from_segments() {
        let tcp = segment(&[], b"Hello");
        assert_eq!(read(101, &ipv4(0x2000, &[], &tcp)), Packet::Fragment);
        assert_eq!(read(101, &ipv4(0x0001, &[], &tcp)), Packet::Fragment);
        assert!(payload(&read(101, &ipv4(0x4000, &[], &tcp))).is_some()); // may not be fragmented
        let mut udp = ipv4(0, &[], &tcp);
        udp[9] = 17;
        assert_eq!(read(101, &udp), Packet::Other);
        assert_eq!(
            read(1, &[&MACS[..], &[0x08, 0x06], &[0; 28]].concat()),
            Packet::Other
        ); // ARP
    }

    #[test]
    fn options_and_what_fills_a_frame_up_are_no_payload() {
        let tcp = segment(&[1, 1, 1, 1], b"Hello");
        let mut ip = ipv4(0, &[1, 1, 1, 1], &tcp);
        ip.extend([0; 6]);
        assert_eq!(payload(&read(101, &ip)), Some((&b"Hello"[..], 0)));
    }

    #[test]
    fn what_was_not_captured_is_counted() {
        let whole = ipv4(0, &[], &segment(&[0; 4], b"Hello"));
        for captured in 0..whole.len() {
            let packet = read(101, &whole[..captured]);
            let headers = 44;
            let expected = match captured {
                0..34 => None,
                34..44 => Some((&b""[..], 5)),
                _ => Some((&b"Hello"[..captured - headers], whole.len() - captured)),
            };
            assert_eq!(payload(&packet), expected, "{captured}");
        }
    }

    #[test]
    fn a_segment_is_cut_wherever_it_ends_too_early() {
        for carried in [&b""[..], b"Hello"] {
            let tcp = segment(&[0; 4], carried);
            for (head, whole) in [(20, ipv4(0, &[], &tcp)), (40, ipv6(6, &tcp))] {
                let is_cut = |captured: usize| match of_ip(&whole[..captured]) {
                    Some(Packet::Segment(segment)) => Some(segment.is_cut),
                    Some(Packet::Cut) => Some(true),
                    _ => None,
                };
                assert!((0..head).all(|captured| is_cut(captured).is_none()));
                let cut = head..whole.len();
                assert!(
                    cut.into_iter()
                        .all(|captured| is_cut(captured) == Some(true))
                );
                assert_eq!(is_cut(whole.len()), Some(false));
            }
        }
    }

    #[test]
    fn headers_that_cannot_be_are_of_no_segment() {
        let ip = ipv4(0, &[], &segment(&[], b"Hello"));
        for (at, byte, what) in [
            (0, 0x44, "an IP header of four words"),
            (0, 0x4F, "one longer than the packet"),
            (3, 19, "a packet shorter than its header"),
            (3, 33, "a segment shorter than any header"),
            (3, 39, "a segment shorter than its header"),
            (32, 0x40, "a TCP header of four words"),
            (32, 0x70, "one longer than the segment"),
        ] {
            let mut ip = ip.clone();
            ip[at] = byte;
            assert_eq!(of_ip(&ip), None, "{what}");
        }
    }

    #[test]
    fn what_a_reset_carries_is_no_payload() {
        let mut ip = ipv4(0, &[], &segment(&[], b"reason"));
        ip[33] = 0x14;
        assert_eq!(payload(&read(101, &ip)), Some((&b""[..], 0)));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut state = 1_u32;
        for _ in 0..100_000 {
            let mut byte = || {
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
                state.to_be_bytes()[0]
            };
            let bytes: Vec<u8> = (0..byte() % 80).map(|_| byte()).collect();
            for kind in [0, 1, 101, 113, 276] {
                let _ = read(kind, &bytes);
            }
        }
    }
}
