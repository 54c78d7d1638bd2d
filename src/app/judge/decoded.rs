//! A stream taken apart: its handshake if it has one, and its frames, one after another.

use super::faults::{self, Fault};
use crate::app::input::{self, Cut, Stream};
use plainws::Role;
use plainws::protocol::dissect::handshake::{self, Explanation};
use plainws::protocol::dissect::{Dissector, Fragment, Frame, Verdict};
use plainws::protocol::frame::Byte1;
use plainws::protocol::handshake::Asked;
use plainws::protocol::{head, message};
use std::collections::VecDeque;
use std::rc::Rc;

/// The limits on what a peer sends: its head, and its messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) head: head::Limits,
    pub(crate) message: message::Limits,
}

/// A stream and what is known of it. Frames are taken one by one, so that a long stream of them takes no
/// more memory than its bytes; what all of it comes to is known when they have been taken.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) stream: Stream,
    /// Who sent it, as the input says or else as its beginning shows.
    pub(crate) sender: Role,
    /// A request or response in front of the frames.
    pub(crate) handshake: Option<Explanation>,
    /// What is wrong with it: that of the verdict first.
    pub(crate) faults: Vec<Fault>,
    /// How many frames have been taken.
    pub(crate) frames: u64,
    /// How many messages they completed.
    pub(crate) messages: u64,
    /// The latest of them.
    pub(crate) last: Option<Rc<Frame>>,
    /// What went over the frames, and knows where they stand.
    dissector: Dissector,
    /// How far in the stream it is.
    dissected: usize,
    /// Frames that it has seen and that are yet to be taken.
    seen: VecDeque<Frame>,
}

/// Bytes that are dissected at once: as many frames of two bytes are half as many.
const MAX_PIECE: usize = 4096;

impl Decoded {
    /// Takes a stream apart. A server's response is judged by what was asked.
    pub(crate) fn new(stream: Stream, asked: &Asked, limits: Limits) -> Self {
        let bytes = &stream.bytes;
        let sender = stream.sender.unwrap_or_else(|| likely_sender(bytes));
        let dissect = |bytes: &[u8]| match sender {
            Role::Client => handshake::request(bytes, limits.head),
            Role::Server => handshake::response(bytes, limits.head, asked),
        };
        let handshake = input::begins_a_head(bytes).then(|| dissect(bytes));
        let faults = handshake
            .as_ref()
            .map(|head| faults::of(head, bytes, dissect));
        let frames_begin = match &handshake {
            None => 0,
            Some(head) if head.verdict == Verdict::Legal => head.length,
            // Frames need a handshake before them.
            Some(_) => bytes.len(),
        };
        Self {
            sender,
            handshake,
            faults: faults.unwrap_or_default(),
            frames: 0,
            messages: 0,
            last: None,
            dissector: Dissector::new(sender, limits.message),
            dissected: frames_begin,
            seen: VecDeque::new(),
            stream,
        }
    }

    /// Takes the next frame. The last one may be incomplete or break a rule.
    pub(crate) fn next_frame(&mut self) -> Option<Rc<Frame>> {
        while self.seen.is_empty() && self.dissected < self.stream.bytes.len() {
            let piece = self.stream.piece(self.dissected, MAX_PIECE);
            self.dissected += piece.len();
            self.seen.extend(self.dissector.receive(piece));
            if self.dissected == self.stream.bytes.len() {
                self.seen.extend(self.dissector.partial().cloned());
            }
        }
        let frame = Rc::new(self.seen.pop_front()?);
        self.frames += 1;
        self.messages += u64::from(frame.message.is_some());
        self.last = Some(Rc::clone(&frame));
        Some(frame)
    }

    /// What its request asks for, if it has one that is complete.
    pub(crate) fn asked(&self) -> Option<Asked> {
        let is_request = |head: &&Explanation| head.sender == Role::Client;
        let request = self.handshake.as_ref().filter(is_request)?;
        let bytes = self.stream.bytes.get(..request.length)?;
        // It was judged within its limits.
        let limits = head::Limits::new()
            .max_bytes(usize::MAX)
            .max_headers(usize::MAX);
        let head = head::Decoder::new(Role::Client, limits).receive(bytes);
        head.ok().flatten().map(|(head, _)| Asked::by(&head))
    }

    /// The cut in front of the piece that completed a frame, if there is one.
    pub(crate) fn cut_of(&self, frame: &Frame) -> Option<Cut> {
        self.cut_before(self.frames_begin() + frame.end())
    }

    /// The same for the handshake.
    pub(crate) fn cut_of_handshake(&self) -> Option<Cut> {
        self.cut_before(self.frames_begin())
    }

    fn cut_before(&self, end: u64) -> Option<Cut> {
        let last = usize::try_from(end).ok()?.checked_sub(1)?;
        self.stream.cut_before(last)
    }

    /// Where the frames begin in the input.
    pub(crate) fn frames_begin(&self) -> u64 {
        let head = self.handshake.as_ref();
        head.map_or(0, |head| head.length as u64)
    }

    /// What all of it comes to; offsets count from the beginning of the stream.
    pub(crate) fn verdict(&self) -> Verdict {
        match &self.handshake {
            Some(head) if head.verdict != Verdict::Legal => head.verdict,
            _ => match self.dissector.verdict() {
                Verdict::Violation { rule, offset } => Verdict::Violation {
                    rule,
                    offset: self.frames_begin() + offset,
                },
                verdict => verdict,
            },
        }
    }

    /// The latest fragment of a message that is not complete.
    pub(crate) const fn open_message(&self) -> Option<Fragment> {
        self.dissector.open_message()
    }

    /// The bytes after a Close or a violation, which nobody reads.
    pub(crate) fn unread(&self) -> &[u8] {
        let bytes = &self.stream.bytes;
        let unread = match &self.handshake {
            Some(head) if head.verdict != Verdict::Legal => bytes.get(head.length..),
            _ => {
                let unread = usize::try_from(self.dissector.unread()).ok();
                unread.and_then(|unread| bytes.get(bytes.len().checked_sub(unread)?..))
            }
        };
        unread.unwrap_or_default()
    }
}

/// Who sent a stream, by its beginning: a request is a client's, and so is a masked frame.
fn likely_sender(bytes: &[u8]) -> Role {
    let is_client = if input::begins_a_head(bytes) {
        !bytes.starts_with(b"HTTP/")
    } else {
        bytes.get(1).is_none_or(|byte1| Byte1::read(*byte1).mask)
    };
    if is_client {
        Role::Client
    } else {
        Role::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";

    fn decoded(stream: Stream) -> (Decoded, Vec<Rc<Frame>>) {
        let mut decoded = Decoded::new(stream, &Asked::default(), Limits::default());
        let mut frames = Vec::new();
        while let Some(frame) = decoded.next_frame() {
            frames.push(frame);
        }
        (decoded, frames)
    }

    #[test]
    fn a_stream_is_the_same_however_it_was_cut() {
        let frames = b"\x01\x83\0\0\0\0Hel\x89\x80\0\0\0\0\x80\x82\0\0\0\0lo\x8a\x00unread";
        let bytes = [REQUEST, frames].concat();
        let (whole, frames) = decoded(Stream::new(None, bytes.clone()));
        assert_eq!((frames.len(), whole.frames, whole.messages), (4, 4, 1));
        assert_eq!(whole.last.as_ref(), frames.last());
        assert_eq!(whole.unread(), b"unread");
        for cut in 0..=bytes.len() {
            let mut stream = Stream::new(None, bytes.clone());
            stream.cuts = (cut..bytes.len()).step_by(2).map(Cut::at).collect();
            let (cut, its_frames) = decoded(stream);
            assert_eq!(cut.sender, Role::Client);
            assert_eq!(cut.handshake, whole.handshake);
            assert_eq!(its_frames, frames);
            assert_eq!(cut.verdict(), whole.verdict());
            assert_eq!(cut.unread(), whole.unread());
        }
    }

    #[test]
    fn a_stream_says_who_sent_it_or_else_its_beginning_does() {
        let unmasked = b"\x81\x00".to_vec();
        let sender = |sender| decoded(Stream::new(sender, unmasked.clone())).0.sender;
        assert_eq!(sender(None), Role::Server);
        assert_eq!(sender(Some(Role::Client)), Role::Client);
    }
}
