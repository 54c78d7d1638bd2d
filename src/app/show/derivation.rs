//! From a key to the accept value, in steps with a shell line that redoes each.

use super::paint::shell_word;
use super::text::{escaped, joined};
use crate::app::judge::mistakes;
use plainws::protocol::dissect::handshake::Derivation;
use plainws::protocol::handshake::GUID;

/// A step: what is done, how to redo it, what comes out.
pub(crate) struct Step {
    pub(crate) title: &'static str,
    pub(crate) shell: String,
    pub(crate) result: String,
}

/// From the key to the accept value.
pub(crate) fn steps(of: &Derivation, is_key: bool) -> [Step; 4] {
    let step = |title, shell: &str, result: &str| Step {
        title,
        shell: shell.into(),
        result: result.into(),
    };
    let key = shell_word(&of.key);
    let nonce = if is_key {
        step(
            "1. The key is base64 of 16 random bytes, new for each connection (§4.1)",
            &format!("key={key}; printf %s \"$key\" | base64 -d | xxd -p"),
            &joined(&mistakes::decoded(&of.key).unwrap_or_default()),
        )
    } else {
        step(
            "1. This is not a key, which is base64 of 16 bytes (§4.1)",
            &format!("key={key}; printf %s \"$key\" | wc -c"),
            &of.key.len().to_string(),
        )
    };
    [
        nonce,
        step(
            "2. The key stays text, directly followed by the GUID (§1.3)",
            &format!("guid={GUID}; printf '%s\\n' \"$key$guid\""),
            &escaped(of.joined.as_bytes()),
        ),
        step(
            "3. SHA-1 of that: 20 bytes, not text",
            "printf %s \"$key$guid\" | openssl dgst -sha1 -binary | xxd -p",
            &joined(&of.digest),
        ),
        step(
            "4. These 20 bytes in base64 are Sec-WebSocket-Accept (§4.2.2)",
            "printf %s \"$key$guid\" | openssl dgst -sha1 -binary | base64",
            &of.accept,
        ),
    ]
}
