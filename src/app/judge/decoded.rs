//! A stream taken apart: its handshake if it has one, and its frames.

use crate::app::input::{self, Stream};
use plainws::Role;
use plainws::protocol::dissect::handshake::{self, Explanation};
use plainws::protocol::dissect::{Dissector, Fragment, Frame, Verdict};
use plainws::protocol::frame::Byte1;
use plainws::protocol::{head, message};

/// The limits on what a peer sends: its head, and its messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) head: head::Limits,
    pub(crate) message: message::Limits,
}

/// A stream and all that is known of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) stream: Stream,
    /// Who sent it, as the input says or else as its beginning shows.
    pub(crate) sender: Role,
    /// A request or response in front of the frames.
    pub(crate) handshake: Option<Explanation>,
    /// The frames in order; the last one may be incomplete or break a rule.
    pub(crate) frames: Vec<Frame>,
    /// What went over the frames, and knows where they stand.
    dissector: Dissector,
}

impl Decoded {
    /// Takes a stream apart. A server's response is judged by `key`, which it answers.
    pub(crate) fn new(stream: Stream, key: Option<&str>, limits: Limits) -> Self {
        let bytes = &stream.bytes;
        let sender = stream.sender.unwrap_or_else(|| likely_sender(bytes));
        let handshake = input::begins_a_head(bytes).then(|| match sender {
            Role::Client => handshake::request(bytes, limits.head),
            Role::Server => handshake::response(bytes, limits.head, key),
        });
        let frames_begin = match &handshake {
            None => 0,
            Some(head) if head.verdict == Verdict::Legal => head.length,
            // Frames need a handshake before them.
            Some(_) => bytes.len(),
        };
        let mut dissector = Dissector::new(sender, limits.message);
        let pieces = stream.pieces(frames_begin);
        let mut frames: Vec<_> = pieces.flat_map(|piece| dissector.receive(piece)).collect();
        frames.extend(dissector.partial().cloned());
        Self {
            sender,
            handshake,
            frames,
            dissector,
            stream,
        }
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

    fn decoded(stream: Stream) -> Decoded {
        Decoded::new(stream, None, Limits::default())
    }

    #[test]
    fn a_stream_is_the_same_however_it_was_cut() {
        let frames = b"\x01\x83\0\0\0\0Hel\x89\x80\0\0\0\0\x80\x82\0\0\0\0lo\x8a\x00unread";
        let bytes = [REQUEST, frames].concat();
        let whole = decoded(Stream::new(None, bytes.clone()));
        assert_eq!(whole.frames.len(), 4);
        assert_eq!(whole.unread(), b"unread");
        for cut in 0..=bytes.len() {
            let mut stream = Stream::new(None, bytes.clone());
            stream.cuts = (cut..bytes.len()).step_by(2).collect();
            let cut = decoded(stream);
            assert_eq!(cut.sender, Role::Client);
            assert_eq!(cut.handshake, whole.handshake);
            assert_eq!(cut.frames, whole.frames);
            assert_eq!(cut.verdict(), whole.verdict());
            assert_eq!(cut.unread(), whole.unread());
        }
    }

    #[test]
    fn a_stream_says_who_sent_it_or_else_its_beginning_does() {
        let unmasked = b"\x81\x00".to_vec();
        let sender = |sender| decoded(Stream::new(sender, unmasked.clone())).sender;
        assert_eq!(sender(None), Role::Server);
        assert_eq!(sender(Some(Role::Client)), Role::Client);
    }
}
