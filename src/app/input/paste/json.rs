//! JSON that tools write: HAR files of browsers, `tshark -T json`, buffers of Node.js.

use super::har;
use super::pasted::Pasted;
use super::tshark;
use serde_json::Value;

/// The longest text that is read: a list of numbers takes some forty times as much in memory.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// Reads JSON; `None` for text that does not begin as an object or a list of objects.
pub(super) fn recognise(text: &str) -> Option<Result<Pasted, String>> {
    let begin = text.trim_start();
    let inner = begin.strip_prefix('[').unwrap_or(begin).trim_start();
    let name = inner.strip_prefix('{')?.trim_start();
    if !name.starts_with('"') {
        return None;
    }
    if text.len() > MAX_TEXT {
        let size = text.len() / (1024 * 1024);
        return Some(Err(format!(
            "JSON of {size} MiB, and no more than 32 are read; a capture of any size can be decoded itself"
        )));
    }
    Some(match serde_json::from_str(text) {
        Ok(json) => read(&json),
        Err(error) => Err(broken(&error, text)),
    })
}

fn broken(error: &serde_json::Error, text: &str) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.is_eof() {
        format!("{place}: the JSON has no end: the text is cut")
    } else if text.contains("\"index\"") {
        format!("{place}: not one JSON value; tshark -T ek is not understood, -T json is")
    } else {
        format!("{place}: broken JSON: {error}")
    }
}

fn read(json: &Value) -> Result<Pasted, String> {
    if let Some(entries) = json["log"]["entries"].as_array() {
        return har::read(entries);
    }
    if let Some(pasted) = json.as_array().and_then(|packets| tshark::read(packets)) {
        return pasted;
    }
    if json["type"] == "Buffer" {
        return elements(json["data"].as_array())
            .ok_or_else(|| "\"data\" is no list of bytes".into());
    }
    indexed(json).ok_or_else(|| {
        let keys = json.as_object().or(json[0].as_object());
        let keys: Vec<_> = keys
            .into_iter()
            .flat_map(|object| object.keys().take(4))
            .collect();
        format!("JSON with {keys:?}, which is neither a HAR file nor tshark -T json")
    })
}

fn elements(list: Option<&Vec<Value>>) -> Option<Pasted> {
    let bytes: Option<Vec<u8>> = list?.iter().map(byte).collect();
    bytes.map(Pasted::of)
}

fn byte(value: &Value) -> Option<u8> {
    u8::try_from(value.as_u64()?).ok()
}

/// What `JSON.stringify` makes of a `Uint8Array`: `{"0":129,"1":5}`.
fn indexed(json: &Value) -> Option<Pasted> {
    let object = json.as_object()?;
    let bytes = object
        .iter()
        .enumerate()
        .map(|(at, (name, value))| byte(value).filter(|_| *name == at.to_string()));
    bytes.collect::<Option<Vec<u8>>>().map(Pasted::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_fill_the_memory_is_not_read() {
        let text = "{\"a\": ".to_owned() + &" ".repeat(MAX_TEXT);
        let problem = recognise(&text).expect("it is JSON").expect_err("too long");
        assert!(problem.contains("JSON of 32 MiB"), "{problem}");
    }
}
