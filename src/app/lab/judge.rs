//! Bytes judged as the server, or the browser, would judge them.

use crate::app::crafted::any_key;
use crate::app::input::{Connection as Input, Stream, begins_a_head};
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::{Known, Limits};
use crate::app::judge::deflate::Inflated;
use crate::app::show::json;
use crate::app::text::{clipped, count, joined};
use plainws::protocol::close;
use plainws::protocol::connection::{Connection, Event};
use plainws::protocol::dissect::handshake::{self, Explanation};
use plainws::protocol::dissect::{Dissector, Frame, Status, Verdict};
use plainws::protocol::frame::Opcode;
use plainws::{CloseCode, Message, Role, Rule};
use serde_json::{Map, Value, json};

/// Frames of a stream that are told of at most: each takes a thousand bytes and more.
const MAX_FRAMES: u64 = 512;

/// Bytes of compressed messages that are told of at most: one byte of them may stand for a thousand.
const MAX_INFLATED: usize = 256 * 1024;

/// Columns of a text that are quoted.
const QUOTED: usize = 40;

/// Judges what `sender` sends in these pieces.
///
/// # Errors
///
/// Why that cannot be done, in words for people.
pub(super) fn judge(sender: Role, pieces: &[Vec<u8>]) -> Result<Value, String> {
    let bytes = pieces.concat();
    if bytes.is_empty() {
        return Err("there are no bytes to judge".into());
    }
    let mut reader = Reader::new(sender, &bytes);
    let stream = stream(Input::of(Stream::new(Some(sender), bytes)))?;
    let pieces: Vec<_> = pieces.iter().map(|piece| reader.read(piece)).collect();
    let answer = reader.answer();
    Ok(json!({
        "stream": stream,
        "pieces": pieces,
        "events": reader.events,
        "answer": answer,
    }))
}

/// A connection as `decode --json` has it.
///
/// # Errors
///
/// There is too much in it to tell of.
pub(super) fn stream(of: Input) -> Result<Value, String> {
    let conversation = |of| Conversation::new(of, &Known::of_examples(), Limits::default());
    measure(&mut conversation(of.clone()))?;
    let mut text = String::new();
    // A String takes all.
    let _ = json::connection(&mut text, &mut conversation(of));
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Goes over a connection before anything of it is written.
fn measure(conversation: &mut Conversation) -> Result<(), String> {
    let (mut frames, mut inflated) = (0, 0);
    while let Some(next) = conversation.next_frame() {
        frames += 1;
        if let Some(Inflated::Whole(bytes)) = next.taken.inflated.as_deref() {
            inflated += bytes.len();
        }
        if frames > MAX_FRAMES {
            return Err(format!("there are more than {MAX_FRAMES} frames"));
        }
        if inflated > MAX_INFLATED {
            let most = MAX_INFLATED / 1024;
            return Err(format!("inflated, the messages are more than {most} KiB"));
        }
    }
    Ok(())
}

/// Reads a stream piece by piece.
struct Reader {
    sender: Role,
    /// The head that it begins with.
    head: Option<Explanation>,
    /// How far the stream was read.
    offset: usize,
    dissector: Dissector,
    /// The end that receives the frames.
    receiver: Connection,
    /// What that end was told.
    events: Vec<Value>,
}

impl Reader {
    fn new(sender: Role, bytes: &[u8]) -> Self {
        let limits = Limits::default();
        let receiver = match sender {
            Role::Client => Connection::server(limits.message),
            Role::Server => Connection::client(limits.message, Box::new(any_key)),
        };
        let explain = |bytes| match sender {
            Role::Client => handshake::request(bytes, limits.head),
            Role::Server => handshake::response(bytes, limits.head, &Known::of_examples().asked),
        };
        Self {
            sender,
            head: begins_a_head(bytes).then(|| explain(bytes)),
            offset: 0,
            dissector: Dissector::new(sender, limits.message),
            receiver,
            events: Vec::new(),
        }
    }

    /// What the next piece amounts to.
    fn read(&mut self, piece: &[u8]) -> Value {
        let begin = self.offset;
        self.offset += piece.len();
        let mut said = Vec::new();
        let in_frames = match self.in_head(begin, &mut said) {
            Some(in_head) => piece.get(in_head..).unwrap_or_default(),
            None => &[],
        };
        let frames = self.read_frames(in_frames, &mut said);
        json!({
            "offset": begin,
            "length": piece.len(),
            "said": said.join(", then "),
            "frames": frames,
        })
    }

    /// How many bytes of the piece from `begin` on belong to the head; `None` if nothing after it is read.
    fn in_head(&self, begin: usize, said: &mut Vec<String>) -> Option<usize> {
        let Some(head) = &self.head else {
            return Some(0);
        };
        let name = match self.sender {
            Role::Client => "request",
            Role::Server => "response",
        };
        let end = match head.verdict {
            Verdict::Legal => head.length,
            Verdict::Incomplete => usize::MAX,
            Verdict::Violation { offset, .. } => {
                usize::try_from(offset).map_or(usize::MAX, |offset| offset + 1)
            }
        };
        if begin >= end && head.verdict == Verdict::Legal {
            return Some(0);
        }
        said.push(match head.verdict {
            _ if begin >= end => "not read".into(),
            _ if self.offset < end => format!("more of the {name}"),
            Verdict::Violation { rule, .. } => broken(rule),
            _ => format!("the {name} is complete"),
        });
        (head.verdict == Verdict::Legal).then(|| end - begin)
    }

    /// Returns the numbers of the frames that end in these bytes.
    fn read_frames(&mut self, bytes: &[u8], said: &mut Vec<String>) -> Vec<u64> {
        if bytes.is_empty() {
            return Vec::new();
        }
        let unread = self.dissector.unread();
        let frames = self.dissector.receive(bytes);
        said.extend(frames.iter().map(told));
        match self.dissector.partial().map(|frame| frame.status) {
            Some(Status::Incomplete(missing)) => {
                let least = if missing.is_exact { "" } else { "at least " };
                said.push(format!("{least}{}", count(missing.bytes, "more byte")));
            }
            _ if self.dissector.unread() > unread => said.push("not read".into()),
            _ => {}
        }
        self.hear(bytes);
        frames.iter().map(|frame| frame.number).collect()
    }

    /// Lets the other end receive these bytes.
    fn hear(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let Ok((used, event)) = self.receiver.receive(rest) else {
                return;
            };
            rest = &mut rest[used..];
            self.events.extend(event.map(heard));
        }
    }

    /// What the other end would send now.
    fn answer(&mut self) -> Option<Value> {
        let mut bytes = Vec::new();
        self.receiver.take_output(&mut bytes);
        (!bytes.is_empty()).then(|| json!({"wire": joined(&bytes)}))
    }
}

fn broken(rule: Rule) -> String {
    format!("breaks {}", rule.id())
}

/// A frame in some words.
fn told(frame: &Frame) -> String {
    if let Status::Violation(rule) = frame.status {
        return broken(rule);
    }
    let Some(header) = frame.header else {
        return String::new();
    };
    let more = if header.fin { "" } else { ", not final" };
    let of = frame
        .fragment
        .map_or(header.opcode, |fragment| fragment.opcode);
    let name = header.opcode.name();
    let payload = match of {
        Opcode::Close => {
            let code = close::parts(&frame.payload).map(|(code, _)| code.0);
            code.map(|code| code.to_string()).unwrap_or_default()
        }
        Opcode::Binary => count(frame.payload.len() as u64, "byte"),
        _ => quoted(&frame.payload),
    };
    format!("{name} {payload}").trim_end().to_owned() + more
}

fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.is_empty() {
        return String::new();
    }
    format!("“{}”", clipped(&text, QUOTED))
}

fn heard(event: Event) -> Value {
    match event {
        Event::Message(Message::Text(text)) => json!({"message": "text", "text": text}),
        Event::Message(Message::Binary(bytes)) => {
            json!({"message": "binary", "payload": joined(&bytes)})
        }
        Event::Ping(payload) => json!({"ping": joined(&payload)}),
        Event::Pong(payload) => json!({"pong": joined(&payload)}),
        Event::Close(close) => {
            let code = Some(close.code).filter(|code| *code != CloseCode::NO_STATUS);
            json!({"close": code.map(|code| code.0), "reason": close.reason})
        }
        _ => Map::new().into(),
    }
}
