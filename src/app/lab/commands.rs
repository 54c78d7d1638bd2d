//! What commands do.

use super::command::Command;
use super::judge;
use super::session::Session;
use crate::app::crafted::Crafted;
use crate::app::input::{self, Connection};
use crate::app::judge::mistakes;
use crate::app::show::derivation;
use crate::app::text::joined;
use crate::app::time;
use plainws::protocol::dissect::handshake::Derivation;
use plainws::protocol::frame::Opcode;
use plainws::protocol::handshake::is_key;
use plainws::{CloseCode, Error, Handle, Sender};
use serde_json::{Value, json};

/// Stack of a connection's thread, in bytes: what the library gives it unless told otherwise.
const STACK_SIZE: usize = 512 * 1024;

/// Carries out a command.
///
/// # Errors
///
/// Why it cannot be done, in words for a learner.
pub(super) fn run(handle: &Handle, session: &Session, command: Command) -> Result<Value, String> {
    match command {
        Command::Judge { sender, pieces } => judge::judge(sender, &pieces),
        Command::Make(crafted) => Ok(json!({"wire": joined(&crafted.write())})),
        Command::Handshake { key, accept } => Ok(derived(&key, accept.as_deref())),
        Command::Open { text } => open(&text),
        Command::Ping { c, payload } => on(session, &c, |sender| sender.ping(&payload)),
        Command::Send {
            c,
            is_text,
            payload,
            fragments,
            ping_between,
        } => {
            let bytes = message(is_text, &payload, &fragments, ping_between)?;
            on(session, &c, |sender| sender.raw().send(&bytes))
        }
        Command::Close { c, code, reason } => on(session, &c, |sender| {
            sender.close(code.map(CloseCode), &reason)
        }),
        Command::Cut { c } => on(session, &c, |sender| {
            sender.cut();
            Ok(())
        }),
        Command::Raw { c, bytes } => on(session, &c, |sender| match sender.raw().send(&bytes) {
            // They may make the other side leave at once. That is told by itself.
            Err(Error::Io(_)) => Ok(()),
            sent => sent,
        }),
        Command::News { every } => {
            session.lanes.start(every);
            Ok(json!({"every": every.map_or(0.0, |every| every.as_secs_f64())}))
        }
        Command::Threads => Ok(threads(handle)),
        Command::Time => Ok(json!({"time": time::now()})),
    }
}

/// Does something with an open connection.
fn on(
    session: &Session,
    c: &str,
    act: impl FnOnce(&Sender) -> plainws::Result<()>,
) -> Result<Value, String> {
    let connection = session.find(c);
    let connection = connection.ok_or_else(|| format!("no connection {c:?} in this session"))?;
    let sender = connection.sender_soon();
    let sender = sender.ok_or_else(|| format!("the connection {c:?} is not open yet"))?;
    act(&sender).map_err(|error| error.to_string())?;
    Ok(json!({}))
}

/// A message in these fragments, as a server sends it.
fn message(
    is_text: bool,
    payload: &[u8],
    fragments: &[usize],
    ping_between: Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    if ping_between.is_some() && fragments.len() < 2 {
        return Err("a ping between fragments needs two of them".into());
    }
    let first = if is_text {
        Opcode::Text
    } else {
        Opcode::Binary
    };
    let mut bytes = Vec::new();
    let mut rest = payload;
    for (i, length) in fragments.iter().enumerate() {
        let (piece, after) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
        rest = after;
        let opcode = if i == 0 { first } else { Opcode::Continuation };
        bytes.extend(frame(opcode, i + 1 == fragments.len(), piece));
        if let Some(payload) = ping_between.as_deref().filter(|_| i == 0) {
            bytes.extend(frame(Opcode::Ping, true, payload));
        }
    }
    Ok(bytes)
}

fn frame(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let crafted = Crafted {
        fin,
        rsv: 0,
        opcode: opcode as u8,
        mask: false,
        key: None,
        length: None,
        form: None,
        payload: payload.to_vec(),
    };
    crafted.write()
}

/// From the key to the accept value, and what is wrong with another.
fn derived(key: &str, accept: Option<&str>) -> Value {
    let steps = Derivation::new(key);
    let is_key = is_key(key.as_bytes());
    let wrong = accept.filter(|accept| *accept != steps.accept);
    let mistake = wrong.map(|accept| match mistakes::find(&steps.key, accept) {
        Some(mistake) => format!("{}. {}", mistake.name, mistake.remedy),
        None => mistakes::shape(accept),
    });
    let shell = derivation::steps(&steps, is_key);
    json!({
        "key_is_valid": is_key,
        "steps": {
            "joined": steps.joined,
            "sha1": joined(&steps.digest),
            "accept": steps.accept,
        },
        "mistake": mistake,
        "shell": shell.map(|step| step.shell),
    })
}

/// What `decode` finds in a text.
fn open(text: &str) -> Result<Value, String> {
    let mut connections = input::of_pasted(text)?;
    let is_empty = |connection: &Connection| {
        let mut streams = connection.streams.iter();
        streams.all(|stream| stream.bytes.is_empty())
    };
    match connections.len() {
        _ if connections.iter().all(is_empty) => Err("no bytes to decode".into()),
        1 => judge::stream(connections.remove(0)),
        many => Err(format!("this has {many} connections; open one of them")),
    }
}

fn threads(handle: &Handle) -> Value {
    let stats = handle.stats();
    json!({
        "connections": stats.open_connections,
        "websockets": stats.open_websockets,
        // Each connection has one, and nothing else here needs one for each.
        "threads": stats.open_connections,
        "stack_bytes": STACK_SIZE,
    })
}
