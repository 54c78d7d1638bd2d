//! What must hold for the commands that the lab's page sends.

use crate::app::command::{Command, parse};
use crate::app::crafted::{Crafted, Form};
use oracles::choices::{Choices, Random};
use plainws::Role;
use serde_json::{Value, json};
use std::time::Duration;

/// A command that is written as JSON, with and without what may be left out, is read back.
///
/// # Errors
///
/// What was read.
pub fn reads_back(input: &[u8]) -> Result<(), String> {
    let mut choices = Choices(input);
    let number = u64::from(choices.byte());
    let (mut object, expected) = command(&mut choices);
    object["n"] = number.into();
    let text = if choices.once_in(2) {
        object.to_string()
    } else {
        format!("{object:#}")
    };
    let found = parse(&text);
    if found != (Some(number), Ok(expected.clone())) {
        return Err(format!("{text} is read as {found:?}, not {expected:?}"));
    }
    Ok(())
}

/// Of any text: its number is the one that stands in it, what is taken is in it and within its bounds, and what is
/// wrong is said in one line.
///
/// # Errors
///
/// What was read.
pub fn bounded(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let (number, read) = parse(text);
    let object: Option<Value> = serde_json::from_str(text).ok();
    let stands = object.as_ref().and_then(|object| object.get("n")?.as_u64());
    if number != stands && text.len() <= 64 * 1024 {
        return Err(format!("the number of {text:?} is {number:?}"));
    }
    let problem = match read {
        Ok(command) => object
            .as_ref()
            .map_or(Some("no JSON"), |object| wrong(object, &command)),
        Err(error) => {
            let is_line = !error.is_empty() && !error.contains(|c: char| c.is_control());
            (!is_line || error.len() > 400 + text.len()).then_some("said badly")
        }
    };
    problem.map_or(Ok(()), |problem| Err(format!("{text:?}: {problem}")))
}

/// What of a command does not stand in its object.
fn wrong(object: &Value, command: &Command) -> Option<&'static str> {
    let of = |name: &str| digits(&object[name]);
    let is_right = match command {
        Command::Judge { sender, pieces } => {
            let stand = object["pieces"].as_array().map_or(&[][..], Vec::as_slice);
            let stand: Vec<_> = stand.iter().map(digits).collect();
            let same = pieces.iter().map(|piece| Some(shown(piece)));
            object["sender"] == sender.name()
                && stand == same.collect::<Vec<_>>()
                && pieces.len() <= 1024
        }
        Command::Make(crafted) => {
            let fields = &object["fields"];
            let key = digits(&fields["key"]);
            let is_masked = fields["masked"] == true;
            fields["opcode"] == crafted.opcode
                && fields["rsv"] == crafted.rsv
                && crafted.opcode < 16
                && crafted.rsv < 8
                && crafted.mask == is_masked
                && crafted.key.is_some() == is_masked
                && key
                    .is_none_or(|key| !is_masked || crafted.key.map(|key| shown(&key)) == Some(key))
                && digits(&fields["payload"]) == Some(shown(&crafted.payload))
                && fields["length"].as_u64() == crafted.length
        }
        Command::Send {
            payload, fragments, ..
        } => {
            let sum: usize = fragments.iter().sum();
            of("payload") == Some(shown(payload)) && sum == payload.len() && !fragments.is_empty()
        }
        Command::Ping { c, payload } => {
            object["c"] == **c && of("payload").unwrap_or_default() == shown(payload)
        }
        Command::Raw { c, bytes } => object["c"] == **c && of("hex") == Some(shown(bytes)),
        Command::Close { c, code, reason } => {
            object["c"] == **c
                && object["code"].as_u64() == code.map(u64::from)
                && object["reason"].as_str().unwrap_or("") == reason
        }
        Command::Cut { c } => object["c"] == **c,
        Command::Open { text } => object["text"] == **text,
        Command::Handshake { key, accept } => {
            object["key"] == **key && object["accept"].as_str() == accept.as_deref()
        }
        Command::News { every } => {
            let seconds = every.map_or(0.0, |every| every.as_secs_f64());
            let stands = object["every"].as_f64().unwrap_or(f64::NAN);
            (seconds - stands).abs() < 1e-6 && (seconds == 0.0 || (0.2..=10.0).contains(&seconds))
        }
        Command::Threads => object["do"] == "threads",
        Command::Time => object["do"] == "time",
    };
    (!is_right).then_some("something else was taken")
}

/// The digits of a text in small letters, without what stands between bytes.
fn digits(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let digits = text.chars().filter(|c| !c.is_ascii_whitespace());
    Some(digits.map(|c| c.to_ascii_lowercase()).collect())
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A command and what it means.
fn command(choices: &mut Choices<'_>) -> (Value, Command) {
    let c = choices
        .one(&["a", "me", "", "\u{E9}\"", "12345678"])
        .to_owned();
    match choices.below(12) {
        0 => {
            let sender = choices.one(&[Role::Client, Role::Server]);
            let pieces: Vec<_> = (0..choices.below(4)).map(|_| bytes(choices)).collect();
            let written: Vec<_> = pieces.iter().map(|piece| hex(piece, choices)).collect();
            let object = json!({"do": "judge", "sender": sender.name(), "pieces": written});
            (object, Command::Judge { sender, pieces })
        }
        1 => made(choices),
        2 => {
            let key = choices.one(&["", "dGhlIHNhbXBsZSBub25jZQ=="]).to_owned();
            let accept = choices.one(&[None, Some(""), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]);
            let mut object = json!({"do": "handshake", "key": key});
            optional(&mut object, "accept", accept.map(Into::into), choices);
            let accept = accept.map(Into::into);
            (object, Command::Handshake { key, accept })
        }
        3 => {
            let text = choices
                .one(&["", "81 05", "> 81\n< 82", "\u{202E}\0"])
                .to_owned();
            (json!({"do": "open", "text": text}), Command::Open { text })
        }
        4 => {
            let payload = bytes(choices);
            let mut object = json!({"do": "ping", "c": c});
            let written = (!payload.is_empty()).then(|| hex(&payload, choices).into());
            optional(&mut object, "payload", written, choices);
            (object, Command::Ping { c, payload })
        }
        5 => sent(c, choices),
        6 => {
            let code = choices.one(&[None, Some(0), Some(1000), Some(u16::MAX)]);
            let reason = choices.one(&["", "bye", "\u{1F600}"]).to_owned();
            let mut object = json!({"do": "close", "c": c});
            optional(&mut object, "code", code.map(Into::into), choices);
            let written = (!reason.is_empty()).then(|| reason.clone().into());
            optional(&mut object, "reason", written, choices);
            (object, Command::Close { c, code, reason })
        }
        7 => (json!({"do": "cut", "c": c}), Command::Cut { c }),
        8 => {
            let bytes = bytes(choices);
            let written = hex(&bytes, choices);
            (
                json!({"do": "raw", "c": c, "hex": written}),
                Command::Raw { c, bytes },
            )
        }
        9 => {
            let millis = choices.one(&[0_u16, 200, 1000, 10_000]);
            let every = (millis > 0).then(|| Duration::from_millis(millis.into()));
            let seconds = f64::from(millis) / 1000.0;
            (
                json!({"do": "news", "every": seconds}),
                Command::News { every },
            )
        }
        10 => (json!({"do": "threads"}), Command::Threads),
        _ => (json!({"do": "time", "c": c}), Command::Time),
    }
}

fn made(choices: &mut Choices<'_>) -> (Value, Command) {
    let mask = choices.once_in(2);
    let key = [1; 4].map(|_: u8| choices.byte());
    let length = choices.one(&[None, Some(0), Some(126), Some(u64::MAX)]);
    let form = choices.one(&[
        None,
        Some((7, Form::Bits7)),
        Some((16, Form::Bits16)),
        Some((64, Form::Bits64)),
    ]);
    let crafted = Crafted {
        fin: choices.once_in(2),
        rsv: choices.byte() % 8,
        opcode: choices.byte() % 16,
        mask,
        key: mask.then_some(key),
        length,
        form: form.map(|(_, form)| form),
        payload: bytes(choices),
    };
    let payload = hex(&crafted.payload, choices);
    let mut fields = json!({
        "fin": crafted.fin, "rsv": crafted.rsv, "opcode": crafted.opcode, "masked": mask,
        "key": hex(&key, choices), "payload": payload,
    });
    optional(&mut fields, "length", length.map(Into::into), choices);
    optional(
        &mut fields,
        "form",
        form.map(|(bits, _)| bits.into()),
        choices,
    );
    (
        json!({"fields": fields, "do": "make"}),
        Command::Make(crafted),
    )
}

fn sent(c: String, choices: &mut Choices<'_>) -> (Value, Command) {
    let payload = bytes(choices);
    let is_text = choices.once_in(2);
    let first = choices.below(payload.len() + 1);
    let is_cut = choices.once_in(2);
    let fragments = if is_cut {
        vec![first, 0, payload.len() - first]
    } else {
        vec![payload.len()]
    };
    let ping_between = choices.once_in(2).then(|| bytes(choices));
    let kind = if is_text { "text" } else { "binary" };
    let mut object = json!({"do": "send", "c": c, "kind": kind, "payload": hex(&payload, choices)});
    optional(
        &mut object,
        "fragments",
        is_cut.then(|| json!(fragments)),
        choices,
    );
    let written = ping_between
        .as_ref()
        .map(|payload| hex(payload, choices).into());
    optional(&mut object, "ping_between", written, choices);
    let command = Command::Send {
        c,
        is_text,
        payload,
        fragments,
        ping_between,
    };
    (object, command)
}

/// A member, or `null` or nothing where there is none.
fn optional(object: &mut Value, name: &str, value: Option<Value>, choices: &mut Choices<'_>) {
    if value.is_some() || choices.once_in(2) {
        object[name] = value.into();
    }
}

fn bytes(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = choices.below(6);
    choices.take(length).to_vec()
}

/// In large or small letters, with or without blanks.
fn hex(bytes: &[u8], choices: &mut Choices<'_>) -> String {
    let (is_large, is_apart) = (choices.once_in(2), choices.once_in(2));
    let digits = bytes.iter().map(|byte| match is_large {
        true => format!("{byte:02X}"),
        false => format!("{byte:02x}"),
    });
    let digits: Vec<_> = digits.collect();
    digits.join(if is_apart { " " } else { "" })
}

/// Decisions on a command, or a text that was one before something in it was changed.
pub(crate) fn generate(number: usize, choices: &mut Choices<'_>) -> Vec<u8> {
    if number % 2 == 0 {
        return choices.take(60).to_vec();
    }
    let (object, _) = command(choices);
    let text = object.to_string();
    let values = [
        "null",
        "-1",
        "16",
        "1e3",
        "\"8\"",
        "[1]",
        "{}",
        "\"\u{E9}\"",
        "true",
    ];
    let changed = match choices.below(4) {
        0 => text.replacen('1', "9", 1),
        1 => text.replacen("true", choices.one(&values), 1),
        2 => {
            let value = text.rfind(':').map_or(0, |at| at + 1);
            text[..value].to_owned() + choices.one(&values) + "}"
        }
        _ => text,
    };
    changed.into_bytes()
}

pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let texts = [
        (
            "judge",
            r#"{"n":1,"do":"judge","sender":"client","pieces":["8185","37fa213d7f9f4d5158"]}"#,
        ),
        (
            "make",
            r#"{"n":2,"do":"make","fields":{"fin":true,"rsv":0,"opcode":1,"masked":true,"key":"37fa213d","form":16,"length":5,"payload":"48 65"}}"#,
        ),
        (
            "send",
            r#"{"n":3,"do":"send","c":"a","kind":"text","payload":"4865","fragments":[1,1],"ping_between":""}"#,
        ),
        (
            "close",
            r#"{"n":4,"do":"close","c":"a","code":null,"reason":""}"#,
        ),
        ("news", r#"{"n":5,"do":"news","every":0.2}"#),
        ("open", r#"{"n":6,"do":"open","text":"> 81\n< 82"}"#),
        ("broken", r#"{"n":-1,"do":"raw","c":1,"hex":"8"}"#),
    ];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let mut random = Random(7);
    let decisions = ["a", "b"].map(|name| (format!("decisions-{name}"), random.bytes(60)));
    texts.into_iter().chain(decisions).collect()
}
