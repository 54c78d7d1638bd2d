//! A stream taken apart: its handshake if it has one, and its frames, one after another.

use super::deflate::{self, Inflated, Inflater};
use super::extensions::{Agreed, DEFLATE_BIT, Extensions};
use super::faults::{self, Fault};
use super::mistakes::EXAMPLE_KEY;
use crate::app::input::{self, Cut, Stream};
use plainws::protocol::dissect::handshake::{self, Explanation};
use plainws::protocol::dissect::{Dissector, Fragment, Frame, Verdict};
use plainws::protocol::frame::{Byte1, Opcode};
use plainws::protocol::handshake::Asked;
use plainws::protocol::head::{self, Head};
use plainws::protocol::message;
use plainws::{Role, Rule};
use std::collections::VecDeque;
use std::rc::Rc;
use std::str;

/// The limits on what a peer sends: its head, and its messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) head: head::Limits,
    pub(crate) message: message::Limits,
}

/// What is known of a connection's handshake from elsewhere than its streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The request that a response answers.
    pub(crate) asked: Asked,
    /// The extensions of frames without a handshake.
    pub(crate) agreed: Agreed,
}

impl Known {
    /// What the table's examples are judged by: a request with the key of §1.3 that offers nothing.
    pub(crate) fn of_examples() -> Self {
        let asked = Asked::default()
            .key(EXAMPLE_KEY.to_owned())
            .subprotocols(Vec::new())
            .extensions(Vec::new());
        Self {
            asked,
            agreed: Agreed::To(Extensions::default()),
        }
    }
}

/// A frame, and the message that it completes if that was compressed.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) frame: Rc<Frame>,
    pub(crate) inflated: Option<Rc<Inflated>>,
}

/// What a stream comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It could end here: between two messages, or after a Close.
    Legal,
    /// Legal so far, but inside a head, a frame or a message.
    Incomplete,
    /// A rule is broken.
    Violation {
        broken: Broken,
        /// The first byte that proves it.
        offset: u64,
    },
}

/// What can be broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A rule of the protocol.
    Rule(Rule),
    /// What permessage-deflate says of its parameters; in which way it is broken.
    Parameters(String),
    /// What it says of compressed messages.
    Deflate,
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
    /// What is used beside the protocol itself.
    pub(crate) agreed: Agreed,
    /// Whether it was the other direction that agreed to that.
    pub(crate) is_response_elsewhere: bool,
    /// How many frames have been taken.
    pub(crate) frames: u64,
    /// How many messages they completed.
    pub(crate) messages: u64,
    /// How many messages refer to earlier ones that are not there.
    pub(crate) out_of_context: u64,
    /// The latest of them.
    pub(crate) last: Option<Rc<Frame>>,
    limits: Limits,
    /// What went over the frames, and knows where they stand.
    dissector: Dissector,
    /// How far in the stream it is.
    dissected: usize,
    /// Frames that it has seen and that are yet to be taken.
    seen: VecDeque<Frame>,
    inflater: Option<Inflater>,
    /// What is broken that the dissector does not judge.
    found: Option<(Broken, u64)>,
}

/// Bytes that are dissected at once: as many frames of two bytes are half as many.
const MAX_PIECE: usize = 4096;

impl Decoded {
    /// Takes a stream apart, by what is known of it.
    pub(crate) fn new(stream: Stream, known: &Known, limits: Limits) -> Self {
        let bytes = &stream.bytes;
        let sender = stream.sender.unwrap_or_else(|| likely_sender(bytes));
        let dissect = |bytes: &[u8]| match sender {
            Role::Client => handshake::request(bytes, limits.head),
            Role::Server => handshake::response(bytes, limits.head, &known.asked),
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
            agreed: known.agreed.clone(),
            is_response_elsewhere: false,
            frames: 0,
            messages: 0,
            out_of_context: 0,
            last: None,
            limits,
            dissector: Dissector::new(sender, limits.message),
            dissected: frames_begin,
            seen: VecDeque::new(),
            inflater: None,
            found: None,
            stream,
        }
    }

    /// Settles which extensions are used, ahead of the first frame.
    pub(crate) fn agree(&mut self, agreed: Agreed) {
        self.agreed = match agreed {
            Agreed::Unknown if self.seems_compressed() => Agreed::Likely,
            agreed => agreed,
        };
        let is_response = self.head(Role::Server).is_some();
        if let Some(problem) = self.agreed.problem().filter(|_| is_response) {
            let end = self.frames_begin();
            self.found = Some((Broken::Parameters(problem.to_owned()), end - 1));
            self.dissected = self.stream.bytes.len();
        }
        let dissector = Dissector::new(self.sender, self.limits.message);
        self.dissector = dissector.extension_bits(self.agreed.bits());
        let is_from_the_beginning = self.handshake.is_some();
        self.inflater = self
            .agreed
            .deflate()
            .map(|parameters| Inflater::new(&parameters, self.sender, is_from_the_beginning));
    }

    /// Takes the next frame. The last one may be incomplete or break a rule.
    pub(crate) fn next_frame(&mut self) -> Option<Taken> {
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
        let inflated = self.inflate(&frame).map(Rc::new);
        Some(Taken { frame, inflated })
    }

    /// Inflates the message that a frame completes, and judges what only shows then.
    fn inflate(&mut self, frame: &Frame) -> Option<Inflated> {
        let message = frame.message.as_ref()?;
        let fragment = frame
            .fragment
            .filter(|fragment| fragment.rsv == DEFLATE_BIT)?;
        let inflater = self.inflater.as_mut()?;
        let max = self.limits.message.max_bytes;
        let inflated = inflater.message(message.as_bytes(), max);
        let is_text = fragment.opcode == Opcode::Text;
        let broken = match &inflated {
            Inflated::Whole(bytes) if is_text && str::from_utf8(bytes).is_err() => {
                Some(Broken::Rule(Rule::TextNotUtf8))
            }
            Inflated::Whole(_) => None,
            Inflated::TooBig => Some(Broken::Rule(Rule::MessageTooBig)),
            Inflated::Broken => Some(Broken::Deflate),
            Inflated::OutOfContext => {
                self.out_of_context += 1;
                None
            }
        };
        if let Some(broken) = broken {
            let end = self.frames_begin() + frame.end();
            self.found = Some((broken, end - 1));
            // Nothing after it is read.
            self.seen.clear();
            self.dissected = self.stream.bytes.len();
        }
        Some(inflated)
    }

    /// Whether the first message that has the bit of permessage-deflate may be what that makes.
    fn seems_compressed(&self) -> bool {
        let dissector = Dissector::new(self.sender, self.limits.message);
        let mut dissector = dissector.extension_bits(DEFLATE_BIT);
        let mut payload = Vec::new();
        let start = usize::try_from(self.frames_begin()).unwrap_or(usize::MAX);
        let frames = self.stream.bytes.get(start..).unwrap_or_default();
        for piece in frames.chunks(MAX_PIECE) {
            for frame in dissector.receive(piece).iter().filter(is_compressed) {
                payload.extend(&frame.payload);
                if frame.message.is_some() {
                    return deflate::is_likely(&payload, true);
                }
            }
        }
        let partial = dissector.partial().filter(is_compressed);
        payload.extend(partial.into_iter().flat_map(|frame| &frame.payload));
        !payload.is_empty() && deflate::is_likely(&payload, false)
    }

    /// What its request asks for, if it has one that is complete.
    pub(crate) fn asked(&self) -> Option<Asked> {
        Some(Asked::by(&self.head(Role::Client)?))
    }

    /// The head of its handshake, if that is legal and of this sender.
    pub(crate) fn head(&self, sender: Role) -> Option<Head> {
        let is_read = |head: &&Explanation| head.sender == sender && head.verdict == Verdict::Legal;
        let length = self.handshake.as_ref().filter(is_read)?.length;
        let bytes = self.stream.bytes.get(..length)?;
        // It was judged by its limits before.
        let limits = head::Limits::new()
            .max_bytes(usize::MAX)
            .max_headers(usize::MAX);
        let read = head::Decoder::new(sender, limits).receive(bytes);
        Some(read.ok().flatten()?.0)
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
    pub(crate) fn judged(&self) -> Judged {
        if let Some((broken, offset)) = self.found.clone() {
            return Judged::Violation { broken, offset };
        }
        let (begin, verdict) = match &self.handshake {
            Some(head) if head.verdict != Verdict::Legal => (0, head.verdict),
            _ => (self.frames_begin(), self.dissector.verdict()),
        };
        match verdict {
            Verdict::Legal if self.stream.broken_off.is_some() => Judged::Incomplete,
            Verdict::Legal => Judged::Legal,
            Verdict::Incomplete => Judged::Incomplete,
            Verdict::Violation { rule, offset } => Judged::Violation {
                broken: Broken::Rule(rule),
                offset: begin + offset,
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
        let after = |offset: u64| bytes.get(usize::try_from(offset).ok()?.checked_add(1)?..);
        let unread = match (&self.found, &self.handshake) {
            (Some((_, offset)), _) => after(*offset),
            (None, Some(head)) if head.verdict != Verdict::Legal => bytes.get(head.length..),
            _ => {
                let unread = usize::try_from(self.dissector.unread()).ok();
                unread.and_then(|unread| bytes.get(bytes.len().checked_sub(unread)?..))
            }
        };
        unread.unwrap_or_default()
    }
}

/// Whether a frame belongs to a message with the bit of permessage-deflate.
fn is_compressed(frame: &&Frame) -> bool {
    frame
        .fragment
        .is_some_and(|fragment| fragment.rsv == DEFLATE_BIT)
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
        let mut decoded = Decoded::new(stream, &Known::default(), Limits::default());
        let mut frames = Vec::new();
        while let Some(taken) = decoded.next_frame() {
            frames.push(taken.frame);
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
            assert_eq!(cut.judged(), whole.judged());
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
