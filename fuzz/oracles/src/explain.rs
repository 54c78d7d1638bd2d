//! Explains an input of a target to people: who sends what, how it is cut, and under which limits.

use crate::chunks::chunks_from_input;
use crate::forwarding::{Arrived, forwarded_from_input};
use crate::handshake::{Arrival, from_client, from_server};
use crate::pieces::{Masked, utf8_from_input};
use crate::product::Plainws;
use crate::proxy_headers::proxy_header_from_input;
use crate::resource::Pings;
use crate::script::play;
use crate::shown::Shown;
use crate::stream::{Stream, TINY, large_sequence, sequence_as_stream};
use crate::subject::{Endpoint, Reader, Seen, Subject};
use crate::words;
use plainws::protocol::connection::State;
use plainws::protocol::message::Limits;
use plainws::{CloseCode, Role};

/// Where a line goes that is told.
pub type Tell = fn(&str);

/// Explains `input` of `target`, and returns the bytes that it stands for. The `oracle` that fired, if known,
/// chooses between the two streams of `sequence`.
pub fn explain(target: &str, oracle: Option<&str>, input: &[u8], tell: Tell) -> Option<Shown> {
    match target {
        "stream" | "tungstenite" => Some(stream(Stream::from_input(input), TINY, tell)),
        "resource" if oracle == Some("queue") => {
            let Pings { role, length, .. } = Pings::from_input(input);
            tell(&format!(
                "A {} is sent pings of {length} bytes, and none of its pongs is written.",
                role.name()
            ));
            None
        }
        "resource" | "dissect" => Some(stream(Stream::from_input(input), Limits::default(), tell)),
        "sequence" if oracle == Some("round-trip") => {
            let (sender, sequence) = large_sequence(input);
            let large = Stream {
                sender,
                cuts: Vec::new(),
                wire: sequence.wire,
            };
            Some(stream(large, Limits::default(), tell))
        }
        "sequence" => {
            let input = sequence_as_stream(input);
            Some(stream(Stream::from_input(&input), TINY, tell))
        }
        "handshake" => Some(head(Arrival::from_input(&from_client(input)), tell)),
        "client" => Some(head(Arrival::from_input(&from_server(input)), tell)),
        "endpoint" => script(input, tell),
        "mask" => {
            let Masked {
                key,
                offset,
                cut,
                payload,
            } = Masked::from_input(input);
            let key = words::hex(&key);
            tell(&format!("key {key}, offset {offset}, cut at {cut}"));
            bytes("payload", payload, tell);
            None
        }
        "host" => {
            bytes("host", input, tell);
            None
        }
        "origin" => {
            bytes("entry, origin, host", input, tell);
            None
        }
        "url" => {
            bytes("URL", input, tell);
            None
        }
        "path" => {
            bytes("templates and a path", input, tell);
            None
        }
        "chunks" => {
            let (cuts, body) = chunks_from_input(input);
            tell(&cut(&cuts));
            bytes("body", body, tell);
            None
        }
        "proxy" => {
            bytes("entry and peer", input, tell);
            None
        }
        "proxy-header" => {
            let (header, _) = proxy_header_from_input(input);
            bytes("start of the connection", &header, tell);
            None
        }
        "forwarded" => {
            if let Some(Arrived { peer, fields, .. }) = forwarded_from_input(input) {
                let peer = peer.map_or("a Unix socket".into(), |peer| peer.to_string());
                tell(&format!("From {peer}, with"));
                for (name, value) in fields {
                    tell(&format!("{name}: {}", value.escape_ascii()));
                }
            }
            None
        }
        "utf8" => {
            let (at, text) = utf8_from_input(input);
            tell(&format!("whole, by 1, by 2, and cut at {at}"));
            bytes("text", text, tell);
            None
        }
        _ => None,
    }
}

fn stream(stream: Stream, limits: Limits, tell: Tell) -> Shown {
    let Stream { sender, cuts, wire } = stream;
    tell(&format!("A {} sends frames.", sender.name()));
    tell(&cut(&cuts));
    tell(&format!(
        "limits: {} bytes a message, {} fragments, {} of them empty",
        limits.max_bytes, limits.max_fragments, limits.max_empty_fragments
    ));
    bytes("wire", &wire, tell);
    Shown::frames(sender, limits, wire)
}

fn head(arrival: Arrival, tell: Tell) -> Shown {
    let Arrival {
        sender,
        limits,
        cuts,
        wire,
        is_legal,
    } = &arrival;
    let what = match sender {
        Role::Client => "request",
        Role::Server => "response",
    };
    let made = if *is_legal { ", made to be legal" } else { "" };
    tell(&format!("A {} sends a {what}{made}.", sender.name()));
    tell(&cut(cuts));
    tell(&format!(
        "limits: {} bytes, {} header fields",
        limits.max_bytes, limits.max_headers
    ));
    bytes("wire", wire, tell);
    Shown::head(arrival)
}

/// Plays the script and tells of each call as it is made. The bytes that were written can be shown.
fn script(input: &[u8], tell: Tell) -> Option<Shown> {
    let log = play(&Telling(tell), input)?;
    tell(&format!("it ends {:?}", log.end));
    bytes("written", &log.written, tell);
    let is_empty = log.written.is_empty();
    (!is_empty).then(|| Shown::frames(log.role, Limits::default(), log.written))
}

/// What comes of a call, in words.
trait Told {
    fn told(&self) -> String;
}

impl Told for () {
    fn told(&self) -> String {
        "done".into()
    }
}

impl Told for bool {
    fn told(&self) -> String {
        if *self { "done" } else { "refused" }.into()
    }
}

impl Told for Vec<u8> {
    fn told(&self) -> String {
        words::hex(self)
    }
}

impl Told for Vec<Seen> {
    fn told(&self) -> String {
        words::seen(self)
    }
}

/// Plainws, whose endpoint tells what it does.
struct Telling(Tell);

struct ToldEndpoint {
    endpoint: Box<dyn Endpoint>,
    tell: Tell,
}

impl Subject for Telling {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        Plainws.reader(sender, limits)
    }

    fn endpoint(&self, role: Role, limits: Limits) -> Option<Box<dyn Endpoint>> {
        (self.0)(&format!("A {} plays a script.", role.name()));
        Some(Box::new(ToldEndpoint {
            endpoint: Plainws.endpoint(role, limits)?,
            tell: self.0,
        }))
    }
}

impl ToldEndpoint {
    /// Tells what is called, and then what came of it.
    fn call<T: Told>(&mut self, what: String, call: impl FnOnce(&mut dyn Endpoint) -> T) -> T {
        (self.tell)(&clipped(format!("  {what}")));
        let result = call(&mut *self.endpoint);
        let state = self.endpoint.state();
        (self.tell)(&clipped(format!("    {state:?}: {}", result.told())));
        result
    }
}

impl Endpoint for ToldEndpoint {
    fn receive(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        self.call(format!("receive {}", words::hex(bytes)), |it| {
            it.receive(bytes)
        })
    }

    fn receive_eof(&mut self) {
        self.call("receive eof".into(), |it| it.receive_eof());
    }

    fn send_text(&mut self, text: &str) -> bool {
        self.call(format!("send {text:?}"), |it| it.send_text(text))
    }

    fn send_binary(&mut self, bytes: &[u8]) -> bool {
        self.call(
            format!("send {} bytes {}", bytes.len(), words::hex(bytes)),
            |it| it.send_binary(bytes),
        )
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.call(format!("ping {}", words::hex(payload)), |it| {
            it.ping(payload)
        })
    }

    fn close(&mut self, code: u16, reason: &str) -> bool {
        let code_name = CloseCode(code);
        self.call(format!("close {code_name:?} {reason:?}"), |it| {
            it.close(code, reason)
        })
    }

    fn state(&self) -> State {
        self.endpoint.state()
    }

    fn closed_with(&self) -> Option<u16> {
        self.endpoint.closed_with()
    }

    fn take_output(&mut self) -> Vec<u8> {
        self.call("take what is to be written".into(), |it| it.take_output())
    }
}

fn cut(cuts: &[usize]) -> String {
    match cuts {
        [] => "cuts: none of its own".into(),
        _ => format!("cuts: {}, then the rest", words::cut(cuts)),
    }
}

/// As hex, 16 a line, as far as people look.
fn bytes(what: &str, bytes: &[u8], tell: Tell) {
    const MANY: usize = 256;
    tell(&format!("{what}, {} bytes:", bytes.len()));
    for line in bytes[..bytes.len().min(MANY)].chunks(16) {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        tell(&format!("  {}", hex.join(" ")));
    }
    if bytes.len() > MANY {
        tell(&format!("  … {} more", bytes.len() - MANY));
    }
}

/// To one line of a terminal.
fn clipped(line: String) -> String {
    const WIDTH: usize = 78;
    if line.chars().count() <= WIDTH {
        return line;
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    kept + "…"
}
