//! HAR files, which browsers save from their network view: of each WebSocket the heads of the handshake, and its
//! messages. How these were cut into frames and masked is not recorded; they are shown as whole frames, those of
//! the client under the key 0.

use super::pasted::{Pasted, Piece};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::Role;
use plainws::protocol::frame::{Header, Opcode};
use serde_json::Value;
use std::time::Duration;

const NOTE: &str = "a HAR file records messages, not frames: fragments, masks, pings and the Close are not in it; \
                    each message is shown as one frame, and only what it says is judged";

/// Reads the entries of a log.
///
/// # Errors
///
/// None of them has messages of a WebSocket.
pub(super) fn read(entries: &[Value]) -> Result<Pasted, String> {
    let mut pasted = Pasted::default().with_note(NOTE);
    let mut found = false;
    for (number, entry) in (0..).zip(entries) {
        let Some(messages) = entry["_webSocketMessages"].as_array() else {
            continue;
        };
        found = true;
        heads(entry, number, &mut pasted);
        let begin = messages
            .first()
            .and_then(|message| message["time"].as_f64());
        for (at, message) in (1..).zip(messages) {
            let seconds = message["time"]
                .as_f64()
                .zip(begin)
                .map(|(time, begin)| time - begin);
            let (sender, frame) = frame(message)
                .map_err(|what| format!("entry {number}, message {at} of the HAR file: {what}"))?;
            let piece = Piece {
                connection: number,
                sender: Some(sender),
                number: at,
                time: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            };
            pasted.push(piece, "message", &frame);
        }
        pasted.name(
            number,
            entry["request"]["url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    if found {
        Ok(pasted)
    } else {
        Err("this HAR file holds no messages of a WebSocket: it is recorded while the network view is open".into())
    }
}

/// The heads of the handshake, if both are there: a browser may not tell all headers.
fn heads(entry: &Value, connection: u64, pasted: &mut Pasted) {
    let (request, response) = (&entry["request"], &entry["response"]);
    let key = header(request, "sec-websocket-key");
    let accept = header(response, "sec-websocket-accept");
    let (Some(_), Some(_), Some(target)) = (key, accept, target(request)) else {
        return;
    };
    let method = request["method"].as_str().unwrap_or("GET");
    let status = response["status"].as_u64().unwrap_or_default();
    let words = response["statusText"].as_str().unwrap_or_default();
    for (sender, line, of) in [
        (
            Role::Client,
            format!("{method} {target} HTTP/1.1\r\n"),
            request,
        ),
        (
            Role::Server,
            format!("HTTP/1.1 {status} {words}\r\n"),
            response,
        ),
    ] {
        let piece = Piece {
            connection,
            sender: Some(sender),
            ..Piece::default()
        };
        pasted.push(piece, "message", (line + &fields(of) + "\r\n").as_bytes());
    }
}

/// Path and query of the URL.
fn target(request: &Value) -> Option<&str> {
    let (_, rest) = request["url"].as_str()?.split_once("://")?;
    let rest = rest.split('#').next()?;
    Some(rest.find('/').map_or("/", |at| &rest[at..]))
}

fn fields(head: &Value) -> String {
    let fields = head["headers"].as_array().into_iter().flatten();
    // Those with a colon are of HTTP/2.
    let fields =
        fields.filter_map(|field| Some((field["name"].as_str()?, field["value"].as_str()?)));
    let fields = fields.filter(|(name, _)| !name.starts_with(':'));
    fields
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

fn header<'a>(head: &'a Value, name: &str) -> Option<&'a str> {
    let fields = head["headers"].as_array()?;
    let is_it = |field: &&Value| {
        field["name"]
            .as_str()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    fields.iter().find(is_it)?["value"].as_str()
}

/// A message as one frame.
fn frame(message: &Value) -> Result<(Role, Vec<u8>), String> {
    let data = message["data"].as_str().ok_or("it has no \"data\"")?;
    let sender = match message["type"].as_str() {
        Some("send") => Role::Client,
        Some("receive") => Role::Server,
        other => {
            return Err(format!(
                "its type is neither \"send\" nor \"receive\" but {other:?}"
            ));
        }
    };
    let (opcode, payload) = match message["opcode"].as_u64() {
        Some(1) => (Opcode::Text, data.as_bytes().to_vec()),
        Some(2) => {
            let payload = STANDARD.decode(data);
            (
                Opcode::Binary,
                payload.map_err(|_| "its binary data is no base64")?,
            )
        }
        _ => {
            return Err(format!(
                "its opcode {} is neither 1 (text) nor 2 (binary)",
                message["opcode"].to_string().escape_debug()
            ));
        }
    };
    let header = Header {
        fin: true,
        rsv: 0,
        opcode,
        masking_key: (sender == Role::Client).then_some([0; 4]),
        payload_length: payload.len() as u64,
    };
    let mut frame = Vec::new();
    header.encode(&mut frame);
    frame.extend(payload);
    Ok((sender, frame))
}
