//! Tungstenite, judged by the oracles: how to fuzz another parser with them, and what they find.
//!
//! [`Tungstenite`] implements the one method that [`Subject`] asks for. [`DIFFERENCES`] lists what the
//! oracles find, each with bytes that show it; [`fuzz`] is a target that fires at anything else.

use oracles::frames;
use oracles::reference;
use oracles::stream::{Stream, TINY, run};
use oracles::subject::{Each, Reader, Seen, Subject};
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::io::{self, Read, Write};
use tungstenite::Message;
use tungstenite::protocol::{self, WebSocketConfig, WebSocketContext};

/// Tungstenite's frames and messages.
#[derive(Clone, Copy, Debug)]
pub struct Tungstenite;

impl Subject for Tungstenite {
    /// Headers too, though §5.2 would let it refuse them at once.
    fn judges(&self) -> Each {
        Each::Frame
    }

    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        let role = match sender {
            Role::Client => protocol::Role::Server,
            Role::Server => protocol::Role::Client,
        };
        let max = usize::try_from(limits.max_bytes).ok();
        let config = WebSocketConfig::default()
            // Its default of 128 KiB for each connection would hide what a declared length costs.
            .read_buffer_size(4096)
            .max_message_size(max)
            .max_frame_size(max);
        Box::new(Connection {
            context: WebSocketContext::new(role, Some(config)),
            pipe: Pipe::default(),
            has_ended: false,
        })
    }
}

struct Connection {
    context: WebSocketContext,
    pipe: Pipe,
    has_ended: bool,
}

/// A socket that holds what was given to it and then would block.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = buffer.len().min(self.input.len());
        buffer[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Reader for Connection {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.pipe.input.extend_from_slice(bytes);
        // As its documentation asks: read until there is an error.
        while !self.has_ended {
            match self.context.read(&mut self.pipe) {
                Ok(Message::Text(text)) => seen.push(Seen::Text(text.to_string())),
                Ok(Message::Binary(bytes)) => seen.push(Seen::Binary(bytes.to_vec())),
                Ok(Message::Ping(bytes)) => seen.push(Seen::Ping(bytes.to_vec())),
                Ok(Message::Pong(bytes)) => seen.push(Seen::Pong(bytes.to_vec())),
                Ok(Message::Close(close)) => {
                    let (code, reason) = match close {
                        Some(close) => (Some(close.code.into()), close.reason.to_string()),
                        None => (None, String::new()),
                    };
                    seen.push(Seen::Close(code, reason));
                    // The reply is on its way; an error says that the connection is over, which it is.
                    self.has_ended = true;
                    drop(self.context.flush(&mut self.pipe));
                }
                Ok(Message::Frame(_)) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    break;
                }
                Err(_) => {
                    self.has_ended = true;
                    seen.push(Seen::Failed(None));
                }
            }
        }
        seen
    }

    fn answers(&self) -> Option<&[u8]> {
        Some(&self.pipe.output)
    }
}

/// Something that the oracles find.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What it is, in a few words.
    pub what: &'static str,
    /// The oracle that finds it.
    pub oracle: &'static str,
    /// A client's bytes that show it.
    pub wire: &'static [u8],
}

/// What the oracles find in tungstenite 0.30.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        what: "memory for the declared length of a frame is reserved before its payload arrives (§10.4)",
        oracle: "memory",
        wire: b"\x82\xFF\0\0\0\0\0\xFF\xFF\xFF\0\0\0\0",
    },
    Difference {
        what: "a length in a longer form than needed is accepted (§5.2)",
        oracle: "reference",
        wire: b"\x82\xFE\x00\x01\0\0\0\0a",
    },
    Difference {
        what: "a control frame whose length takes a longer form is accepted (§5.2, §5.5)",
        oracle: "reference",
        wire: b"\x89\xFE\x00\x01\0\0\0\0a",
    },
    Difference {
        what: "a Close with a code that must not be sent is delivered as a Close with 1002 (§7.4)",
        oracle: "reference",
        wire: b"\x88\x82\0\0\0\0\x03\xED",
    },
    Difference {
        what: "the Close code 1014, registered since, is treated so too (§7.4.2)",
        oracle: "round-trip",
        wire: b"\x88\x82\0\0\0\0\x03\xF6",
    },
    Difference {
        what: "empty fragments have no limit, nor have fragments (§10.4)",
        oracle: "reference",
        wire: b"\x01\x80\0\0\0\0\x00\x80\0\0\0\0\x00\x80\0\0\0\0\x80\x81\0\0\0\0a",
    },
    Difference {
        what: "a failure is not answered with a Close (§7.1.7 asks for one)",
        oracle: "answers",
        wire: b"\x83\x80\0\0\0\0",
    },
];

/// Fires when tungstenite and the reference differ in a way that is not in [`DIFFERENCES`].
///
/// # Panics
///
/// When that is so.
pub fn fuzz(input: &[u8]) {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let Err(what) = frames::reference(&Tungstenite, input) else {
        return;
    };
    let expected = reference::frames_by(Tungstenite.judges(), sender, TINY, &wire);
    let seen = run(&Tungstenite, sender, TINY, &wire, &[]).seen;
    assert!(
        is_known(&seen, &expected),
        "oracle `reference` fired: {what}"
    );
}

/// Whether a difference is one of those listed.
fn is_known(seen: &[Seen], expected: &[Seen]) -> bool {
    let Some((end, before)) = expected.split_last() else {
        return false;
    };
    let Some(after) = seen.strip_prefix(before) else {
        return false;
    };
    match end {
        // Not checked, whatever follows.
        Seen::Failed(Some(
            Rule::LengthNotMinimal | Rule::ControlTooLong | Rule::TooManyFragments,
        )) => true,
        // A reason that is not text is noticed before the code.
        Seen::Failed(Some(Rule::CloseCodeInvalid)) => {
            matches!(after, [Seen::Close(Some(1002), _) | Seen::Failed(None)])
        }
        Seen::Close(Some(1014), _) => matches!(after, [Seen::Close(Some(1002), _)]),
        _ => false,
    }
}
