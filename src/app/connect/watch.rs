//! What a connection's tap tells besides messages: that some of one arrives, and pongs.

use plainws::Role;
use plainws::protocol::dissect::{Dissector, Frame};
use plainws::protocol::frame::Opcode;
use plainws::protocol::{head, message};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Follows what one connection receives.
pub(super) struct Watch {
    /// The heads of the handshake, as long as some may come.
    heads: Option<head::Decoder>,
    frames: Dissector,
    /// The pings that were sent and not yet answered, each with its time.
    pings: VecDeque<(Vec<u8>, Instant)>,
}

/// The answer to a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pong {
    pub(super) payload: Vec<u8>,
    pub(super) round_trip: Duration,
}

/// Pings that are remembered at most. A peer that answers none of them shall not fill the memory.
const PINGS: usize = 1000;

impl Watch {
    pub(super) fn new() -> Self {
        // What breaks a limit ends the connection elsewhere.
        let no_limits = message::Limits::new()
            .max_bytes(u64::MAX)
            .max_fragments(u32::MAX)
            .max_empty_fragments(u32::MAX);
        Self {
            heads: Some(new_head()),
            frames: Dissector::new(Role::Server, no_limits).max_payload(0),
            pings: VecDeque::new(),
        }
    }

    /// Notes a ping that is about to be sent.
    pub(super) fn pinged(&mut self, payload: &[u8], now: Instant) {
        if self.pings.len() == PINGS {
            self.pings.pop_front();
        }
        self.pings.push_back((payload.into(), now));
    }

    /// Takes bytes that were received: returns the pongs to pings of ours, and whether there was some of a
    /// message, or such a pong.
    pub(super) fn received(&mut self, bytes: &[u8], now: Instant) -> (Vec<Pong>, bool) {
        let frames = self.frames.receive(after_heads(&mut self.heads, bytes));
        let has_data = frames.iter().chain(self.frames.partial()).any(is_data);
        let pongs = frames
            .iter()
            .filter(|frame| opcode(frame) == Some(Opcode::Pong));
        let pongs: Vec<_> = pongs
            .filter_map(|pong| self.answered(&pong.payload, now))
            .collect();
        let has_arrived = has_data || !pongs.is_empty();
        (pongs, has_arrived)
    }

    /// §5.5.3: a pong may answer the latest of several pings; those before it get none.
    fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Pong> {
        let place = self.pings.iter().position(|(ping, _)| ping == payload)?;
        let (payload, sent) = self.pings.drain(..=place).next_back()?;
        let round_trip = now.saturating_duration_since(sent);
        Some(Pong {
            payload,
            round_trip,
        })
    }
}

/// What is left of the bytes after heads. A head begins with an H, which no legal frame does: it would have a
/// reserved bit.
fn after_heads<'a>(heads: &mut Option<head::Decoder>, mut bytes: &'a [u8]) -> &'a [u8] {
    while let Some(decoder) = heads {
        if decoder.is_empty() && !bytes.starts_with(b"H") {
            if !bytes.is_empty() {
                *heads = None;
            }
            break;
        }
        // What is no head opens no connection, so nothing that matters comes after it.
        let Ok(Some((_, rest))) = decoder.receive(bytes) else {
            return &[];
        };
        bytes = rest;
        *decoder = new_head();
    }
    bytes
}

fn new_head() -> head::Decoder {
    let no_limits = head::Limits::new()
        .max_bytes(usize::MAX)
        .max_headers(usize::MAX);
    head::Decoder::new(Role::Server, no_limits)
}

fn opcode(frame: &Frame) -> Option<Opcode> {
    frame.header.map(|header| header.opcode)
}

fn is_data(frame: &Frame) -> bool {
    opcode(frame).is_some_and(|opcode| !opcode.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    fn pong(payload: &[u8], milliseconds: u64) -> Pong {
        Pong {
            payload: payload.into(),
            round_trip: Duration::from_millis(milliseconds),
        }
    }

    #[test]
    fn a_pong_answers_the_ping_of_its_payload_and_those_before_it() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut watch = Watch::new();
        watch.pinged(b"a", at(0));
        watch.pinged(b"b", at(10));
        watch.pinged(b"c", at(20));
        assert_eq!(
            watch.received(b"\x8a\x01b", at(30)),
            (vec![pong(b"b", 20)], true)
        );
        assert_eq!(watch.received(b"\x8a\x01a", at(30)), (vec![], false));
        assert_eq!(watch.received(b"\x8a\x01", at(30)), (vec![], false));
        assert_eq!(watch.received(b"c", at(40)), (vec![pong(b"c", 20)], true));
        assert_eq!(watch.received(b"\x8a\x01c", at(50)), (vec![], false));
    }

    #[test]
    fn part_of_a_message_is_an_arrival_and_control_frames_are_none() {
        const PIECES: &[(&[u8], bool)] = &[
            (b"\x89\x00", false),
            (b"\x82", false),
            (b"\x05", true),
            (b"1234", true),
            (b"5\x8a\x03", true),
            (b"abc", false),
            (b"\x01\x00\x89\x00", true),
            (b"\x80\x00", true),
            (b"\x88\x02\x03\xe8", false),
        ];
        let mut watch = Watch::new();
        for (bytes, has_arrived) in PIECES {
            let (pongs, arrived) = watch.received(bytes, Instant::now());
            assert_eq!((pongs, arrived), (vec![], *has_arrived), "{bytes:02x?}");
        }
    }

    #[test]
    fn heads_before_the_frames_are_passed_over_however_they_are_cut() {
        let now = Instant::now();
        for heads in [
            &[][..],
            HEAD,
            &[b"HTTP/1.1 100 Continue\r\n\r\n", HEAD].concat(),
        ] {
            let bytes = [heads, b"\x81\x02HH\x8a\x01b"].concat();
            for cut in 0..bytes.len() {
                let mut watch = Watch::new();
                watch.pinged(b"b", now);
                let (first, second) = bytes.split_at(cut);
                let mut pongs = watch.received(first, now).0;
                pongs.extend(watch.received(second, now).0);
                assert_eq!(pongs, [pong(b"b", 0)], "{cut}");
            }
        }
    }
}
