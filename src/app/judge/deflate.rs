//! Messages that permessage-deflate has compressed, inflated for show (RFC 7692 §7.2.2).

use super::extensions::Parameters;
use miniz_oxide::inflate::TINFLStatus as Status;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use plainws::Role;
use std::fmt;

/// Inflates the messages of one direction, in their order.
pub(crate) struct Inflater {
    decompressor: Box<DecompressorOxide>,
    /// What the next message may refer to: the last bytes of those before it, as far as they are known.
    context: Vec<u8>,
    /// Whether it is everything since the beginning, or as much as may be referred to.
    is_context_whole: bool,
    has_no_context: bool,
    window: usize,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inflated {
    /// Its bytes.
    Whole(Vec<u8>),
    /// It is longer than is allowed.
    TooBig,
    /// It refers to messages before it that are not there.
    OutOfContext,
    /// It does not inflate.
    Broken,
}

/// How far back a message may refer at all (RFC 1951 §3.2.5).
const MAX_WINDOW: usize = 32 * 1024;

/// The four bytes that a sender takes off the end of each message.
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

impl Inflater {
    /// For the messages of this sender. Where they are not seen from the first on, some may be beyond inflating.
    pub(crate) fn new(parameters: &Parameters, sender: Role, is_from_the_beginning: bool) -> Self {
        Self {
            decompressor: Box::default(),
            context: Vec::new(),
            is_context_whole: is_from_the_beginning || parameters.has_no_context(sender),
            has_no_context: parameters.has_no_context(sender),
            window: parameters.window(sender),
        }
    }

    /// Inflates the next message, up to `max` bytes of it.
    pub(crate) fn message(&mut self, payload: &[u8], max: u64) -> Inflated {
        let context = std::mem::take(&mut self.context);
        let known = context.len();
        let mut bytes = match self.inflate([payload, &TAIL], context, max) {
            Inflated::Whole(bytes) => bytes,
            Inflated::Broken if !self.is_context_whole && is_likely(payload, true) => {
                return Inflated::OutOfContext;
            }
            inflated => return inflated,
        };
        if !self.has_no_context {
            let start = bytes.len().saturating_sub(self.window);
            self.context = bytes.get(start..).unwrap_or_default().to_vec();
            self.is_context_whole |= self.context.len() == self.window;
        }
        bytes.drain(..known);
        Inflated::Whole(bytes)
    }

    /// Returns the context too, in front of the message.
    fn inflate(&mut self, inputs: [&[u8]; 2], context: Vec<u8>, max: u64) -> Inflated {
        const FLAGS: u32 = TINFL_FLAG_HAS_MORE_INPUT
            | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
        let mut output = context;
        let mut end = output.len();
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let limit = max.saturating_add(end);
        let has_an_end = !inputs[1].is_empty();
        let mut inputs = inputs.into_iter();
        let mut input = inputs.next().unwrap_or_default();
        self.decompressor.init();
        loop {
            let (status, used, made) =
                decompress(&mut self.decompressor, input, &mut output, end, FLAGS);
            input = input.get(used..).unwrap_or_default();
            end += made;
            if end > limit {
                return Inflated::TooBig;
            }
            match status {
                Status::HasMoreOutput => {
                    let larger = output.len().saturating_mul(2).max(1024);
                    // A byte more than may be used, to see that it is.
                    output.resize(larger.min(limit.saturating_add(1)), 0);
                    continue;
                }
                // That was to be the last block of all, but messages go on.
                Status::Done => self.decompressor.init(),
                Status::NeedsMoreInput | Status::BlockBoundary => {}
                _ => return Inflated::Broken,
            }
            if input.is_empty() {
                match inputs.next() {
                    Some(next) => input = next,
                    // A message ends between two blocks.
                    None if status == Status::NeedsMoreInput && has_an_end => {
                        return Inflated::Broken;
                    }
                    None => break,
                }
            }
        }
        output.truncate(end);
        Inflated::Whole(output)
    }
}

/// Whether a message, or the beginning of one, inflates with some context or other. The beginning of a text does
/// so by accident.
pub(crate) fn is_likely(payload: &[u8], is_whole: bool) -> bool {
    /// Enough to be sure.
    const MAX: u64 = 64 * 1024;
    let mut inflater = Inflater::new(&Parameters::default(), Role::Client, true);
    let tail: &[u8] = if is_whole { &TAIL } else { &[] };
    let inflated = inflater.inflate([payload, tail], vec![0; MAX_WINDOW], MAX);
    inflated != Inflated::Broken && (is_whole || !payload.is_ascii())
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::extensions::Extensions;
    use super::*;

    const MAX: u64 = 100_000;

    fn inflater(parameters: &str, is_from_the_beginning: bool) -> Inflater {
        let value = format!("permessage-deflate{parameters}");
        let chosen = Extensions::chosen(&[value.as_bytes()], None);
        let deflate = chosen.deflate.expect("it is chosen");
        Inflater::new(&deflate, Role::Server, is_from_the_beginning)
    }

    fn whole(bytes: &[u8]) -> Inflated {
        Inflated::Whole(bytes.to_vec())
    }

    /// As one final block, and after it the beginning of another.
    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut compressed = miniz_oxide::deflate::compress_to_vec(bytes, 6);
        compressed.push(0);
        compressed
    }

    const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    /// The same by reference to the message before.
    const HELLO_AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

    /// Five bytes from 305 bytes back.
    const FAR: &[u8] = b"\x02\x07\x18\x00";

    #[test]
    fn the_examples_of_rfc_7692_7_2_3_inflate() {
        for payload in [
            HELLO,
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            let mut inflater = inflater("", true);
            assert_eq!(inflater.message(payload, MAX), whole(b"Hello"));
            assert_eq!(inflater.message(HELLO_AGAIN, MAX), whole(b"Hello"));
            assert_eq!(inflater.message(b"\x00", MAX), whole(b""));
        }
    }

    #[test]
    fn a_message_refers_to_those_before_it_unless_that_was_ruled_out() {
        let mut inflater = inflater("; server_no_context_takeover", true);
        assert_eq!(inflater.message(HELLO, MAX), whole(b"Hello"));
        assert_eq!(inflater.message(HELLO_AGAIN, MAX), Inflated::Broken);
        // That is the other side's business.
        let mut inflater = self::inflater("; client_no_context_takeover", true);
        assert_eq!(inflater.message(HELLO, MAX), whole(b"Hello"));
        assert_eq!(inflater.message(HELLO_AGAIN, MAX), whole(b"Hello"));
    }

    #[test]
    fn a_message_refers_no_further_back_than_the_window() {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
            state.to_be_bytes()[0]
        });
        let text: Vec<u8> = noise.take(300).collect();
        for (parameters, inflated) in [
            ("", whole(b"Hello")),
            ("; server_max_window_bits=9", whole(b"Hello")),
            ("; server_max_window_bits=8", Inflated::Broken),
        ] {
            let mut inflater = inflater(parameters, true);
            assert_eq!(inflater.message(HELLO, MAX), whole(b"Hello"));
            assert_eq!(inflater.message(&compressed(&text), MAX), whole(&text));
            assert_eq!(inflater.message(FAR, MAX), inflated, "{parameters}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_not_inflated_to_its_end() {
        let zeros = vec![0; 100_000];
        let bomb = compressed(&zeros);
        assert!(bomb.len() < 200);
        assert_eq!(inflater("", true).message(&bomb, 100_000), whole(&zeros));
        assert_eq!(inflater("", true).message(&bomb, 99_999), Inflated::TooBig);
        assert_eq!(inflater("", true).message(b"\x00", 0), whole(b""));
        // The bytes before it do not count.
        let mut inflater = inflater("", true);
        assert_eq!(inflater.message(HELLO, 5), whole(b"Hello"));
        assert_eq!(inflater.message(HELLO_AGAIN, 5), whole(b"Hello"));
        assert_eq!(inflater.message(HELLO, 4), Inflated::TooBig);
    }

    #[test]
    fn a_message_that_does_not_end_between_blocks_is_broken() {
        for length in 0..HELLO.len() {
            let inflated = inflater("", true).message(&HELLO[..length], MAX);
            assert_eq!(inflated, Inflated::Broken, "{length}");
        }
        assert_eq!(inflater("", true).message(b"Hello", MAX), Inflated::Broken);
    }

    #[test]
    fn from_the_middle_some_messages_are_out_of_context_and_others_are_not() {
        let mut inflater = inflater("", false);
        assert_eq!(inflater.message(HELLO_AGAIN, MAX), Inflated::OutOfContext);
        assert_eq!(inflater.message(HELLO, MAX), whole(b"Hello"));
        assert_eq!(inflater.message(HELLO_AGAIN, MAX), whole(b"Hello"));
        assert_eq!(inflater.message(b"Hello", MAX), Inflated::Broken);
    }
}
