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

/// A pcap file, a millisecond from packet to packet. At most `snaplen` bytes of each are captured.
pub(crate) fn pcap(link: Link, segments: &[Segment], snaplen: usize) -> Vec<u8> {
    let word = |number: u32| number.to_le_bytes();
    let mut file = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0x0004_0000, link.number()]
        .map(word)
        .concat();
    for (i, segment) in segments.iter().enumerate() {
        let bytes = packet(link, segment);
        let captured = &bytes[..bytes.len().min(snaplen)];
        let microseconds = u32::try_from(i).expect("few") * 1000;
        let [captured_length, length] =
            [captured.len(), bytes.len()].map(|length| u32::try_from(length).expect("short"));
        file.extend(
            [1_700_000_000, microseconds, captured_length, length]
                .map(word)
                .concat(),
        );
        file.extend(captured);
    }
    file
}

/// The same as a pcapng file, in either order of bytes, with times in nanoseconds.
pub(crate) fn pcapng(link: Link, segments: &[Segment], is_big_endian: bool) -> Vec<u8> {
    let word = |number: u32| {
        if is_big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    };
    let half = |number: u16| {
        if is_big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    };
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = word(u32::try_from(body.len() + 12).expect("a short block"));
        [&word(kind)[..], &length, &body, &length].concat()
    };
    let section = [&word(0x1A2B_3C4D)[..], &half(1), &half(0), &[0xFF; 8]].concat();
    let kind = half(u16::try_from(link.number()).expect("a small number"));
    let resolution = [&half(9)[..], &half(1), &[9, 0, 0, 0], &[0; 4]].concat();
    let interface = [&kind[..], &half(0), &word(0), &resolution].concat();
    let mut file = [block(0x0A0D_0D0A, &section), block(1, &interface)].concat();
    for (i, segment) in segments.iter().enumerate() {
        let bytes = packet(link, segment);
        let time = 1_700_000_000_000_000_000 + i as u64 * 1_000_000;
        let [high, low] = [time >> 32, time & 0xFFFF_FFFF];
        let [high, low] = [high, low].map(|half: u64| u32::try_from(half).expect("32 bits"));
        let length = u32::try_from(bytes.len()).expect("a short packet");
        let head = [0, high, low, length, length].map(word).concat();
        file.extend(block(6, &[head, bytes].concat()));
    }
    file
}
