//! The usual ways to get the accept value wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::protocol::handshake::{GUID, accept_value};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// A wrong derivation.
pub(crate) struct Mistake {
    /// What was done.
    pub(crate) name: &'static str,
    /// What should have been done.
    pub(crate) remedy: &'static str,
    /// The shell line that makes the same mistake with `$key` and `$guid`.
    pub(crate) shell: &'static str,
    derive: fn(&str) -> String,
}

impl Mistake {
    /// The accept value that it leads to.
    pub(crate) fn accept(&self, key: &str) -> String {
        (self.derive)(key)
    }
}

/// The key of §1.3, which the examples of responses answer.
pub(crate) const EXAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The GUID as several tutorials misprint it.
const MISTYPED_GUID: &str = "258EAFA5-E914-47DA-95CA-5BAB11DC85B6";

/// In the order in which they are looked for.
pub(crate) const ALL: [Mistake; 9] = [
    Mistake {
        name: "base64 of the hash as hex text",
        remedy: "Encode the 20 bytes of the hash, not the 40 digits that print them",
        shell: r#"printf %s "$key$guid" | openssl dgst -sha1 -binary | xxd -p | tr -d '\n' | base64"#,
        derive: |key| {
            let digits = Sha1::digest([key, GUID].concat());
            let digits = digits.iter().map(|byte| format!("{byte:02x}"));
            STANDARD.encode(digits.collect::<String>())
        },
    },
    Mistake {
        name: "the key was decoded first",
        remedy: "Hash the key as the text that was sent, == included",
        shell: r#"(printf %s "$key" | base64 -d; printf %s "$guid") | openssl dgst -sha1 -binary | base64"#,
        derive: |key| {
            let nonce = STANDARD.decode(key).unwrap_or_default();
            sha1([&nonce, GUID.as_bytes()])
        },
    },
    Mistake {
        name: "the GUID in lower case",
        remedy: "Write its letters as capitals",
        shell: r#"(printf %s "$key"; printf %s "$guid" | tr A-F a-f) | openssl dgst -sha1 -binary | base64"#,
        derive: |key| sha1([key.as_bytes(), GUID.to_lowercase().as_bytes()]),
    },
    Mistake {
        name: "a CR was kept on the key",
        remedy: "Header lines end with CR LF: remove both before you use the value",
        shell: r#"printf '%s\r%s' "$key" "$guid" | openssl dgst -sha1 -binary | base64"#,
        derive: |key| sha1([key.as_bytes(), b"\r", GUID.as_bytes()]),
    },
    Mistake {
        name: "a leading space was kept on the key",
        remedy: "The space after the colon is not part of the value",
        shell: r#"printf ' %s' "$key$guid" | openssl dgst -sha1 -binary | base64"#,
        derive: |key| sha1([b" ", key.as_bytes(), GUID.as_bytes()]),
    },
    Mistake {
        name: "no GUID",
        remedy: "Append the GUID to the key before hashing",
        shell: r#"printf %s "$key" | openssl dgst -sha1 -binary | base64"#,
        derive: |key| sha1([key.as_bytes()]),
    },
    Mistake {
        name: "the GUID before the key",
        remedy: "The key comes first, then the GUID",
        shell: r#"printf %s "$guid$key" | openssl dgst -sha1 -binary | base64"#,
        derive: |key| sha1([GUID.as_bytes(), key.as_bytes()]),
    },
    Mistake {
        name: "SHA-256 in place of SHA-1",
        remedy: "Use SHA-1, with its 20 bytes: it keeps no secret here, so its weakness does not matter",
        shell: r#"printf %s "$key$guid" | openssl dgst -sha256 -binary | base64"#,
        derive: |key| STANDARD.encode(Sha256::digest([key, GUID].concat())),
    },
    Mistake {
        name: "the GUID mistyped, ending in 5BAB11DC85B6",
        remedy: "It ends in C5AB0DC85B11; several tutorials have it wrong",
        shell: r#"printf %s "${key}258EAFA5-E914-47DA-95CA-5BAB11DC85B6" | openssl dgst -sha1 -binary | base64"#,
        derive: |key| sha1([key.as_bytes(), MISTYPED_GUID.as_bytes()]),
    },
];

/// The mistake that leads from this key to this accept value.
pub(crate) fn find(key: &str, accept: &str) -> Option<&'static Mistake> {
    let is_right = accept == accept_value(key);
    let mut all = ALL.iter();
    all.find(|mistake| !is_right && mistake.accept(key) == accept)
}

/// What can be told from a value that no known mistake leads to.
pub(crate) fn shape(accept: &str) -> String {
    match decoded(accept).map(|bytes| bytes.len()) {
        None => "this is not base64 at all".into(),
        Some(20) => {
            "a SHA-1, but of something else: another key, or one with invisible characters".into()
        }
        Some(16) => "16 bytes, as a key has: the key itself, or an MD5 instead of a SHA-1".into(),
        Some(32) => "32 bytes: a SHA-256 instead of a SHA-1, and of something else".into(),
        Some(length) => format!("{length} bytes, where a SHA-1 has 20"),
    }
}

fn sha1<const N: usize>(parts: [&[u8]; N]) -> String {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    STANDARD.encode(hash.finalize())
}

/// The bytes that base64 stands for.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// These bytes in base64.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
