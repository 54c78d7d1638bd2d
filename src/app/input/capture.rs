//! The WebSocket connections in a capture of packets.
//!
//! A connection is found by its opening handshake, wherever in its TCP connection that is; or by its port, if it
//! began before the capture did. Of other TCP connections nothing is held.

use super::packet::{self, Packet, Segment};
use super::pcap;
use super::stream::{Connection, Cut, Stream, begins_a_head, head_upgrades};
use super::tcp::{Direction, Gap};
use plainws::Role;
use plainws::protocol::dissect::{Dissector, Verdict};
use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;

/// Which connections are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pick {
    /// The one with this number: its place among the TCP connections of the capture, from 0, as Wireshark counts them.
    pub(crate) stream: Option<usize>,
    /// Those with this port, whether or not they have a handshake.
    pub(crate) port: Option<u16>,
}

/// What is in a capture.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) connections: Vec<Connection>,
    /// What the reader should know of the whole, in words.
    pub(crate) remarks: Vec<String>,
}

/// Bytes kept of a direction at most: a few of the largest messages.
const MAX_KEPT: usize = 64 * 1024 * 1024;

/// Bytes kept of all of them at most.
const MAX_KEPT_IN_ALL: usize = 256 * 1024 * 1024;

/// Bytes kept of a head that may become a handshake.
const MAX_HEAD: usize = 64 * 1024;

/// TCP connections that are told apart at most: each takes half a kilobyte.
const MAX_CONNECTIONS: usize = 200_000;

/// Finds them in a file whose first bytes have been read already.
///
/// # Errors
///
/// What is wrong with the file, or that nothing was found, in words for people.
pub(crate) fn read(beginning: &[u8], rest: impl Read, pick: Pick) -> Result<Found, String> {
    let mut finder = Finder::new(pick);
    let end = pcap::read(beginning, rest, |captured| {
        finder.packets += 1;
        match packet::read(captured.link, captured.bytes) {
            Packet::Segment(segment) => {
                let cut = Cut {
                    offset: 0,
                    number: Some(captured.number),
                    time: captured.time,
                };
                finder.segment(&segment, cut);
            }
            Packet::Fragment => finder.fragments += 1,
            Packet::Cut => finder.cut += 1,
            Packet::UnknownLink => finder.unknown_links += 1,
            Packet::Other => {}
        }
    })?;
    finder.finish(end)
}

/// A TCP connection.
#[derive(Debug)]
struct Tcp {
    /// Whoever sent the first packet, and the other.
    ends: [SocketAddr; 2],
    sides: [Side; 2],
    kind: Kind,
}

/// One end of it, and what that sent.
#[derive(Debug, Default)]
struct Side {
    direction: Direction,
    kept: Vec<u8>,
    cuts: Vec<Cut>,
    /// Bytes that were not kept, for want of room.
    more: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No handshake has been seen. What may be the beginning of one is kept.
    Unknown,
    /// A WebSocket connection, whose client is this end.
    WebSocket { client: usize },
    /// It is not wanted.
    Ignored,
}

struct Finder {
    pick: Pick,
    /// The latest connection between two ends.
    latest: HashMap<[SocketAddr; 2], usize>,
    connections: Vec<Tcp>,
    kept: usize,
    packets: u64,
    /// Packets of which not all was captured.
    cut: u64,
    fragments: u64,
    unknown_links: u64,
    tls: u64,
    /// Segments of connections that are too many.
    too_many: u64,
}

impl Finder {
    fn new(pick: Pick) -> Self {
        Self {
            pick,
            latest: HashMap::new(),
            connections: Vec::new(),
            kept: 0,
            packets: 0,
            cut: 0,
            fragments: 0,
            unknown_links: 0,
            tls: 0,
            too_many: 0,
        }
    }

    fn segment(&mut self, segment: &Segment<'_>, cut: Cut) {
        let Some(number) = self.number(segment) else {
            self.too_many += 1;
            return;
        };
        let Some(tcp) = self.connections.get_mut(number) else {
            return;
        };
        let side = usize::from(segment.source != tcp.ends[0]);
        let mut pieces = Vec::new();
        let direction = &mut tcp.sides[side].direction;
        let sequence = if segment.flags.syn {
            direction.begin(segment.sequence)
        } else {
            segment.sequence
        };
        if tcp.kind == Kind::Ignored {
            return;
        }
        let Segment {
            payload, missing, ..
        } = *segment;
        self.cut += u64::from(segment.is_cut);
        direction.receive(sequence, payload, missing, |piece| {
            pieces.push(piece.to_vec());
        });
        for piece in pieces {
            let before = tcp.kept();
            tcp.take(side, &piece, cut, MAX_KEPT_IN_ALL.saturating_sub(self.kept));
            self.kept = self.kept - before + tcp.kept();
            self.tls += u64::from(piece.starts_with(&[0x16, 0x03]));
        }
    }

    /// The number of the segment's connection. A SYN between the same ends begins another one, when it has another
    /// sequence number than the first had.
    fn number(&mut self, segment: &Segment<'_>) -> Option<usize> {
        let ends = [segment.source, segment.destination];
        let mut key = ends;
        key.sort();
        if let Some(&number) = self.latest.get(&key) {
            let tcp = self.connections.get(number)?;
            let side = usize::from(segment.source != tcp.ends[0]);
            let is_opening = segment.flags.syn && !segment.flags.ack;
            if !is_opening || !tcp.sides[side].direction.is_begun_anew(segment.sequence) {
                return Some(number);
            }
        }
        if self.connections.len() >= MAX_CONNECTIONS {
            return None;
        }
        let number = self.connections.len();
        self.latest.insert(key, number);
        self.connections.push(Tcp {
            ends,
            sides: Default::default(),
            kind: self.kind(number, ends),
        });
        Some(number)
    }

    fn kind(&self, number: usize, ends: [SocketAddr; 2]) -> Kind {
        if self.pick.stream.is_some_and(|wanted| wanted != number) {
            return Kind::Ignored;
        }
        let Some(port) = self.pick.port else {
            return Kind::Unknown;
        };
        match ends.map(|end| end.port() == port) {
            [_, true] => Kind::WebSocket { client: 0 },
            [true, _] => Kind::WebSocket { client: 1 },
            _ => Kind::Ignored,
        }
    }

    fn finish(self, end: Option<String>) -> Result<Found, String> {
        let mut remarks = Vec::new();
        let mut remark = |count: u64, what: &str| {
            if count > 0 {
                let packets = if count == 1 { "packet" } else { "packets" };
                remarks.push(format!("{what}: {count} {packets}"));
            }
        };
        remark(
            self.cut,
            "captured only in part (tcpdump -s 0 takes packets whole)",
        );
        remark(self.fragments, "fragments of IP, which are not joined");
        remark(self.unknown_links, "of a link that is not known here");
        remark(
            self.too_many,
            "of more connections than are told apart (filter the capture first)",
        );
        remarks.extend(end);
        let count = self.connections.len();
        let all = self.connections.into_iter().enumerate();
        let connections: Vec<_> = all.filter_map(|(number, tcp)| tcp.finish(number)).collect();
        if connections.is_empty() {
            let mut problem = format!(
                "no WebSocket connection was found in {} packets and {count} TCP connections",
                self.packets
            );
            match self.pick {
                Pick {
                    stream: Some(number),
                    ..
                } if number >= count => {
                    problem += &format!(": there is no --stream {number}");
                }
                Pick { port: None, .. } => {
                    problem += ": none has an opening handshake (--port shows one that began before the capture)";
                }
                Pick {
                    port: Some(port), ..
                } => problem += &format!(": none has data on port {port}"),
            }
            if self.tls > 0 {
                problem += "; some are encrypted by TLS, and cannot be read";
            }
            for remark in remarks {
                problem += &format!("; {remark}");
            }
            return Err(problem);
        }
        Ok(Found {
            connections,
            remarks,
        })
    }
}

impl Tcp {
    /// How many bytes are kept of it.
    fn kept(&self) -> usize {
        self.sides.iter().map(|side| side.kept.len()).sum()
    }

    /// Takes the next bytes of one side, with room for so many.
    fn take(&mut self, side: usize, piece: &[u8], cut: Cut, room: usize) {
        match self.kind {
            Kind::Ignored => {}
            Kind::WebSocket { client: told } => {
                let client = self.opening(side, piece).unwrap_or(told);
                self.kind = Kind::WebSocket { client };
                let is_asked_again = side == client && piece.starts_with(b"GET ");
                if is_asked_again && self.sides[1 - client].refuses() {
                    self.kind = Kind::Unknown;
                    self.sides.iter_mut().for_each(Side::forget);
                    return self.take(side, piece, cut, room);
                }
                self.sides[side].keep(piece, cut, room);
            }
            Kind::Unknown => {
                let of = &mut self.sides[side];
                let may_begin = piece.first().is_some_and(u8::is_ascii_uppercase);
                if of.kept.is_empty() && !may_begin {
                    return;
                }
                of.keep(piece, cut, MAX_HEAD.saturating_sub(of.kept.len()));
                match of.opens() {
                    None if of.more > 0 => of.forget(),
                    None => {}
                    Some(Some(Role::Client)) => self.is_opened(side),
                    Some(Some(Role::Server)) => self.is_opened(1 - side),
                    Some(None) => of.forget(),
                }
            }
        }
    }

    /// Which end is the client, if this side's first bytes show it: a head is surer than a port.
    fn opening(&self, side: usize, piece: &[u8]) -> Option<usize> {
        let is_request = piece.starts_with(b"GET ");
        let is_head = is_request || piece.starts_with(b"HTTP/");
        (is_head && self.kept() == 0).then_some(if is_request { side } else { 1 - side })
    }

    /// Which end is the client of a connection without a handshake, told one by its port: the masks are surer.
    fn client(&self, told: usize) -> usize {
        let is_legal = |side: usize, sender| self.sides[side].first_frame(sender).is_some();
        let is_likely =
            |client| is_legal(client, Role::Client) || is_legal(1 - client, Role::Server);
        let is_turned_round = !is_likely(told) && is_likely(1 - told);
        if is_turned_round { 1 - told } else { told }
    }

    fn is_opened(&mut self, client: usize) {
        self.kind = Kind::WebSocket { client };
        for (side, head) in [(client, None), (1 - client, Some(b"HTTP/"))] {
            let side = &mut self.sides[side];
            if head.is_some_and(|head| !side.kept.starts_with(head)) {
                side.forget();
            }
        }
    }

    fn finish(self, number: usize) -> Option<Connection> {
        let Kind::WebSocket { client } = self.kind else {
            return None;
        };
        let has_head = self.sides.iter().any(|side| begins_a_head(&side.kept));
        let client = if has_head {
            client
        } else {
            self.client(client)
        };
        let [first, second] = self.sides;
        let [name_of_first, name_of_second] = self.ends;
        let (sides, name) = if client == 0 {
            (
                [first, second],
                format!("{number}  {name_of_first} to {name_of_second}"),
            )
        } else {
            (
                [second, first],
                format!("{number}  {name_of_second} to {name_of_first}"),
            )
        };
        let roles = [Role::Client, Role::Server];
        let streams = sides.into_iter().zip(roles);
        let streams: Vec<_> = streams
            .filter_map(|(side, role)| side.finish(role))
            .collect();
        (!streams.is_empty()).then_some(Connection {
            name: Some(name),
            piece: "packet",
            streams,
        })
    }
}

impl Side {
    fn keep(&mut self, piece: &[u8], cut: Cut, room: usize) {
        let room = room.min(MAX_KEPT.saturating_sub(self.kept.len()));
        let kept = if self.more > 0 {
            &[]
        } else {
            piece.get(..room).unwrap_or(piece)
        };
        if !kept.is_empty() {
            let offset = self.kept.len();
            self.cuts.push(Cut { offset, ..cut });
            self.kept.extend(kept);
        }
        self.more += (piece.len() - kept.len()) as u64;
    }

    fn forget(&mut self) {
        self.kept = Vec::new();
        self.cuts = Vec::new();
        self.more = 0;
    }

    /// Once a whole head is there: who opens a connection by it, if it does.
    fn opens(&self) -> Option<Option<Role>> {
        let role = if self.kept.starts_with(b"HTTP/") {
            Role::Server
        } else {
            Role::Client
        };
        Some(head_upgrades(&self.kept)?.then_some(role))
    }

    /// Whether it is a server that answered something else than 101.
    fn refuses(&self) -> bool {
        let is_answer = self.kept.starts_with(b"HTTP/1.");
        let status = self.kept.get(9..12).filter(|_| is_answer);
        status.is_some_and(|status| status != b"101")
    }

    /// Where the first piece begins from which on all is legal, and some frame whole.
    fn first_frame(&self, sender: Role) -> Option<usize> {
        /// Messages may be compressed (RFC 7692 §6).
        const RSV1: u8 = 0b100;
        let is_legal = |from: &usize| {
            let mut dissector = Dissector::new(sender, Default::default()).extension_bits(RSV1);
            let mut frames = 0;
            let mut pieces = self.kept.get(*from..).unwrap_or_default().chunks(4096);
            let is_legal = pieces.all(|piece| {
                frames += dissector.receive(piece).len();
                !matches!(dissector.verdict(), Verdict::Violation { .. })
            });
            is_legal && frames > 0
        };
        let offsets = self.cuts.iter().map(|cut| cut.offset).take(MAX_TRIES);
        offsets.into_iter().find(is_legal)
    }

    fn finish(self, sender: Role) -> Option<Stream> {
        let is_from_the_middle = !begins_a_head(&self.kept);
        let begin = is_from_the_middle
            .then(|| self.first_frame(sender))
            .flatten();
        let gap = self.direction.gap();
        let mut stream = Stream::new(Some(sender), self.kept);
        stream.cuts = self.cuts;
        stream.broken_off = gap.map(missing).or_else(|| unkept(self.more));
        if is_from_the_middle && !stream.bytes.is_empty() {
            begin_with_a_frame(&mut stream, begin);
        }
        (!stream.bytes.is_empty() || stream.broken_off.is_some()).then_some(stream)
    }
}

fn missing(Gap { bytes, after }: Gap) -> String {
    if after == 0 {
        return format!("the capture lacks the next {bytes} bytes");
    }
    format!(
        "the capture lacks the next {bytes} bytes, so the {after} bytes after them are not judged"
    )
}

fn unkept(bytes: u64) -> Option<String> {
    (bytes > 0)
        .then(|| format!("the next {bytes} bytes are left out, as a decoder holds only so many"))
}

/// Pieces at which a frame may begin that are tried.
const MAX_TRIES: usize = 64;

/// Leaves out what a stream begins with that is the end of a frame, as far as that can be told.
fn begin_with_a_frame(stream: &mut Stream, begin: Option<usize>) {
    stream.notes.push(match begin {
        Some(0) => "it began before the capture did, so its handshake is not here".into(),
        Some(bytes) => format!(
            "it began before the capture did, so its handshake is not here, and the first {bytes} bytes \
             captured, which are the end of a frame, are left out"
        ),
        None => "it began before the capture did, perhaps in the middle of a frame: what is found wrong need not be".into(),
    });
    let begin = begin.unwrap_or_default();
    stream.bytes.drain(..begin);
    stream.cuts.retain(|cut| cut.offset >= begin);
    for cut in &mut stream.cuts {
        cut.offset -= begin;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_counted_and_nothing_after_it_kept() {
        let cut = Cut {
            offset: 0,
            number: Some(1),
            time: None,
        };
        let mut side = Side::default();
        side.keep(b"GET ", cut, 6);
        side.keep(b"/abc", cut, 2);
        side.keep(b"def", cut, 100);
        assert_eq!((&*side.kept, side.more), (&b"GET /a"[..], 5));
        let stream = side.finish(Role::Client).expect("it has bytes");
        assert_eq!(stream.bytes, b"GET /a");
        let why = stream.broken_off.expect("there is more");
        assert!(why.contains("the next 5 bytes are left out"), "{why}");
    }

    #[test]
    fn a_head_that_does_not_end_is_not_kept() {
        let cut = Cut {
            offset: 0,
            number: None,
            time: None,
        };
        let mut tcp = Tcp {
            ends: [([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()],
            sides: Default::default(),
            kind: Kind::Unknown,
        };
        let kept = (0..100).map(|_| {
            tcp.take(0, &[b'A'; 1000], cut, usize::MAX);
            tcp.kept()
        });
        let kept: Vec<_> = kept.collect();
        assert!(kept.iter().all(|&bytes| bytes <= MAX_HEAD) && kept.contains(&0));
        // A stream of which no head can be the beginning is not kept at all.
        tcp.sides[0].forget();
        tcp.take(0, &[0x81; 1000], cut, usize::MAX);
        assert_eq!(tcp.kept(), 0);
    }
}
