//! Captures made of what passed over a connection: TCP segments, IP packets, and the files that hold them.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::thread;

/// What one read of a socket gave, and whether the client sent it.
pub(crate) type Piece = (bool, Vec<u8>);

/// Stands between a client and a server, and records what passes. Ends with the connection.
pub(crate) fn record(server: SocketAddr, talk: impl FnOnce(SocketAddr)) -> Vec<Piece> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let (tape, pieces) = mpsc::channel();
    let between = thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client comes");
        let server = TcpStream::connect(server).expect("the server listens");
        let clone = |stream: &TcpStream| stream.try_clone().expect("it can be shared");
        let back = {
            let (from, to, tape) = (clone(&server), clone(&client), tape.clone());
            thread::spawn(move || pass(from, to, false, &tape))
        };
        pass(client, server, true, &tape);
        back.join().expect("it ends");
    });
    talk(address);
    between.join().expect("it ends");
    pieces.iter().collect()
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_client: bool, tape: &Sender<Piece>) {
    let mut buffer = [0; 1000];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        // In this order, or an answer might be recorded ahead of what it answers.
        let _ = tape.send((is_client, buffer[..length].to_vec()));
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

pub(crate) const SYN: u8 = 2;
pub(crate) const FIN: u8 = 1;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) is_client: bool,
    pub(crate) sequence: u32,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) client_port: u16,
}

/// The port of each server.
pub(crate) const SERVER_PORT: u16 = 8000;

/// A whole TCP connection in which these pieces pass, each in a segment.
pub(crate) fn segments(client_port: u16, first: u32, pieces: &[Piece]) -> Vec<Segment> {
    let of = |is_client, sequence, flags, payload: &[u8]| Segment {
        is_client,
        sequence,
        flags,
        payload: payload.to_vec(),
        client_port,
    };
    // That of the client and that of the server.
    let mut next = [first, first.wrapping_mul(3)];
    let mut segments = vec![
        of(true, next[0], SYN, b""),
        of(false, next[1], SYN | ACK, b""),
    ];
    next = next.map(|number| number.wrapping_add(1));
    for (is_client, payload) in pieces {
        let number = &mut next[usize::from(!is_client)];
        segments.push(of(*is_client, *number, ACK, payload));
        *number = number.wrapping_add(u32::try_from(payload.len()).expect("a short piece"));
    }
    segments.push(of(true, next[0], FIN | ACK, b""));
    segments.push(of(false, next[1], FIN | ACK, b""));
    segments
}

/// The link that a capture is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Ethernet,
    Vlan,
    Null,
    Raw,
    Raw6,
    Cooked,
    Cooked2,
}

impl Link {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ethernet,
        Self::Vlan,
        Self::Null,
        Self::Raw,
        Self::Raw6,
        Self::Cooked,
        Self::Cooked2,
    ];

    const fn number(self) -> u32 {
        match self {
            Self::Ethernet | Self::Vlan => 1,
            Self::Null => 0,
            Self::Raw | Self::Raw6 => 101,
            Self::Cooked => 113,
            Self::Cooked2 => 276,
        }
    }

    fn head(self) -> Vec<u8> {
        match self {
            Self::Ethernet => [&[2; 12][..], &[0x08, 0x00]].concat(),
            Self::Vlan => [&[2; 12][..], &[0x81, 0x00, 0x00, 0x07, 0x08, 0x00]].concat(),
            Self::Null => vec![2, 0, 0, 0],
            Self::Raw | Self::Raw6 => Vec::new(),
            Self::Cooked => [&[0; 14][..], &[0x08, 0x00]].concat(),
            Self::Cooked2 => [&[0x08, 0x00][..], &[0; 18]].concat(),
        }
    }
}

/// A segment in its packet. Checksums are left 0, as those of a local connection are.
pub(crate) fn packet(link: Link, segment: &Segment) -> Vec<u8> {
    let mut ports = [segment.client_port, SERVER_PORT];
    if !segment.is_client {
        ports.reverse();
    }
    let mut tcp = ports.map(u16::to_be_bytes).concat();
    tcp.extend(segment.sequence.to_be_bytes());
    tcp.extend([0, 0, 0, 0, 0x50, segment.flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    tcp.extend(&segment.payload);
    let length = u16::try_from(tcp.len()).expect("a short packet");
    let mut ip = if link == Link::Raw6 {
        let mut local = [0; 16];
        local[15] = 1;
        [
            &[0x60, 0, 0, 0][..],
            &length.to_be_bytes(),
            &[6, 64],
            &local,
            &local,
        ]
        .concat()
    } else {
        let length = (length + 20).to_be_bytes();
        [
            &[0x45, 0][..],
            &length,
            &[0, 0, 0x40, 0, 64, 6, 0, 0],
            &[127, 0, 0, 1],
            &[127, 0, 0, 1],
        ]
        .concat()
    };
    ip.extend(tcp);
    [link.head(), ip].concat()
}

/// A kind of pcap file: what its times are counted in, and how long the heads of its packets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pcap {
    Microseconds,
    Nanoseconds,
    /// As Linux once wrote them, with eight bytes more for each packet.
    Modified,
}

/// A pcap file, a millisecond from packet to packet. At most `snaplen` bytes of each are captured.
pub(crate) fn pcap(link: Link, segments: &[Segment], snaplen: usize) -> Vec<u8> {
    pcap_of(Pcap::Microseconds, Order::Little, link, segments, snaplen)
}

/// The same of any kind, in either order of bytes.
pub(crate) fn pcap_of(
    kind: Pcap,
    order: Order,
    link: Link,
    segments: &[Segment],
    snaplen: usize,
) -> Vec<u8> {
    let (magic, millisecond, more) = match kind {
        Pcap::Microseconds => (0xA1B2_C3D4, 1000, 0),
        Pcap::Nanoseconds => (0xA1B2_3C4D, 1_000_000, 0),
        Pcap::Modified => (0xA1B2_CD34, 1000, 8),
    };
    let mut file = order.word(magic).to_vec();
    file.extend([2, 4].map(|version| order.half(version)).concat());
    file.extend(
        [0, 0, 0x0004_0000, link.number()]
            .map(|number| order.word(number))
            .concat(),
    );
    for (i, segment) in segments.iter().enumerate() {
        let bytes = packet(link, segment);
        let captured = &bytes[..bytes.len().min(snaplen)];
        let time = u32::try_from(i).expect("few") * millisecond;
        let [captured_length, length] =
            [captured.len(), bytes.len()].map(|length| u32::try_from(length).expect("short"));
        let head = [1_700_000_000, time, captured_length, length];
        file.extend(head.map(|number| order.word(number)).concat());
        file.extend(vec![0; more]);
        file.extend(captured);
    }
    file
}

/// In which order a file has the bytes of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    const fn word(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    const fn half(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// The same as a pcapng file, with times in nanoseconds.
pub(crate) fn pcapng(link: Link, segments: &[Segment], order: Order) -> Vec<u8> {
    pcapng_in(Some(9), order, link, segments)
}

/// With times in 10^-n seconds; without n in microseconds, as where nothing is said.
pub(crate) fn pcapng_in(
    resolution: Option<u8>,
    order: Order,
    link: Link,
    segments: &[Segment],
) -> Vec<u8> {
    let option =
        resolution.map(|n| [&order.half(9)[..], &order.half(1), &[n, 0, 0, 0], &[0; 4]].concat());
    let mut file = section(order, link, &option.unwrap_or_default());
    let unit = 10_u64.pow(resolution.unwrap_or(6).into());
    for (i, segment) in segments.iter().enumerate() {
        let bytes = packet(link, segment);
        let time = 1_700_000_000 * unit + i as u64 * unit / 1000;
        let [high, low] = [time >> 32, time & 0xFFFF_FFFF];
        let [high, low] = [high, low].map(|half: u64| u32::try_from(half).expect("32 bits"));
        let length = u32::try_from(bytes.len()).expect("a short packet");
        let head = [0, high, low, length, length].map(|number| order.word(number));
        file.extend(block(order, 6, &[&head.concat()[..], &bytes].concat()));
    }
    file
}

/// The same in the blocks that have neither a time nor the number of an interface.
pub(crate) fn pcapng_simple(order: Order, link: Link, segments: &[Segment]) -> Vec<u8> {
    let packets = segments.iter().map(|segment| {
        let bytes = packet(link, segment);
        let length = order.word(u32::try_from(bytes.len()).expect("a short packet"));
        block(order, 3, &[&length[..], &bytes].concat())
    });
    section(order, link, &[])
        .into_iter()
        .chain(packets.flatten())
        .collect()
}

/// What such a file begins with: a section and its one interface.
fn section(order: Order, link: Link, options: &[u8]) -> Vec<u8> {
    let section = [
        &order.word(0x1A2B_3C4D)[..],
        &order.half(1),
        &order.half(0),
        &[0xFF; 8],
    ];
    let kind = order.half(u16::try_from(link.number()).expect("a small number"));
    let interface = [&kind[..], &order.half(0), &order.word(0), options];
    [
        block(order, 0x0A0D_0D0A, &section.concat()),
        block(order, 1, &interface.concat()),
    ]
    .concat()
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = order.word(u32::try_from(body.len() + 12).expect("a short block"));
    [&order.word(kind)[..], &length, &body, &length].concat()
}
