//! Oracles that watch masking and text, each given in pieces.

use crate::reference;
use crate::stream::cut;
use crate::streams::choices::Choices;
use crate::subject::{Site, Subject};
use crate::words;
use std::ops::Range;
use std::str;

/// Masking at any offset, in any two pieces, gives what the loop of §5.3 gives; masking twice gives the original.
///
/// # Errors
///
/// What differs.
pub fn mask(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(mask) = subject.mask() else {
        return Ok(());
    };
    let Masked {
        key,
        offset,
        cut,
        payload,
    } = Masked::from_input(input);
    let expected: Vec<u8> = payload
        .iter()
        .zip(offset..)
        .map(|(byte, i)| byte ^ key[(i % 4) as usize])
        .collect();
    let mut masked = payload.to_vec();
    let (first, second) = masked.split_at_mut(cut);
    mask(first, key, offset);
    mask(second, key, offset + cut as u64);
    if masked != expected {
        return Err(format!(
            "key {}, offset {offset}, cut at {cut}: {}, not {}",
            words::hex(&key),
            words::hex(&masked),
            words::hex(&expected)
        ));
    }
    mask(&mut masked, key, offset);
    if masked != payload {
        return Err("masking twice does not give the original".into());
    }
    Ok(())
}

/// What a `mask` input asks for.
pub(crate) struct Masked<'a> {
    pub(crate) key: [u8; 4],
    pub(crate) offset: u64,
    pub(crate) cut: usize,
    pub(crate) payload: &'a [u8],
}

impl<'a> Masked<'a> {
    pub(crate) fn from_input(input: &'a [u8]) -> Self {
        let mut choices = Choices(input);
        let mut key = [0; 4];
        key.fill_with(|| choices.byte());
        let offset = choices.byte().into();
        let cut = usize::from(choices.byte());
        let payload = choices.0;
        Self {
            key,
            offset,
            cut: cut.min(payload.len()),
            payload,
        }
    }
}

/// Makes a `mask` input.
#[must_use]
pub fn generate_mask(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = 6 + choices.below(100);
    choices.take(length).to_vec()
}

/// A server on the loopback answers for a host exactly if an independent reading finds that it is this machine.
///
/// # Errors
///
/// What differs.
pub fn host(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Ok(host) = str::from_utf8(input) else {
        return Ok(());
    };
    let expected = reference::is_loopback_host(host);
    match subject.serves_host(host) {
        Some(served) if served != expected => {
            Err(format!("{host:?}: served {served}, not {expected}"))
        }
        _ => Ok(()),
    }
}

/// Makes a `host` input: names, addresses and what stands around them, in any order.
#[must_use]
pub fn generate_host(choices: &mut Choices<'_>) -> Vec<u8> {
    const NAMES: [&str; 12] = [
        "localhost",
        "LOCALHOST",
        "127.0.0.1",
        "127.255.3.4",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "128.0.0.1",
        "127.1",
        "0127.0.0.1",
        "[::2]",
        "example",
    ];
    const AROUND: [&str; 16] = [
        "", "", "", "", ".", ".", ":80", ":", ":65536", ":0080", "@", "a", "a.", "%2e", " ", "]",
    ];
    let mut host = String::new();
    for _ in 0..=choices.below(2) {
        for part in [
            AROUND[choices.below(16)],
            NAMES[choices.below(12)],
            AROUND[choices.below(16)],
        ] {
            host += part;
        }
    }
    host.into_bytes()
}

/// An entry is refused, or lets in what an independent reading lets in; as it is written it does the same.
///
/// The input is lines: the entry, an origin, and the host to which it comes, after `https://` if it is reached by TLS.
///
/// # Errors
///
/// What differs.
pub fn origin(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Ok(text) = str::from_utf8(input) else {
        return Ok(());
    };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (entry, origin, site) = (line(), line(), line());
    let (host, is_secure) = match site.strip_prefix(BY_TLS) {
        Some(host) => (host, true),
        None => (site, false),
    };
    let Some(judged) = subject.judges_origin(entry, origin, host, is_secure) else {
        return Ok(());
    };
    let expected = reference::judges_origin(entry, origin, host, is_secure);
    if judged != expected {
        return Err(format!(
            "{entry:?}, for {origin:?} at {site:?}: {judged:?}, not {expected:?}"
        ));
    }
    let again = judged.as_ref();
    let again =
        again.and_then(|judged| subject.judges_origin(&judged.normal, origin, host, is_secure)?);
    if again != judged {
        return Err(format!("{entry:?} is {judged:?}, and that is {again:?}"));
    }
    Ok(())
}

const BY_TLS: &str = "https://";

/// Makes an `origin` input: an entry, and an origin that is often like it.
#[must_use]
pub fn generate_origin(choices: &mut Choices<'_>) -> Vec<u8> {
    const SCHEMES: [&str; 8] = [
        "https://", "https://", "http://", "HTTP://", "ws://", "wss://", "app://", "file://",
    ];
    const BELOW: [&str; 6] = ["", "", "*.", "a.", "a.b.", "x"];
    const HOSTS: [&str; 10] = [
        "c.example",
        "c.example",
        "C.Example",
        "localhost",
        "com",
        "192.0.2.1",
        "[::1]",
        "127.1",
        "caf\u{e9}",
        "",
    ];
    const ENDS: [&str; 14] = [
        "",
        "",
        "",
        "",
        ":",
        ":80",
        ":443",
        ":8000",
        ":0080",
        ":65536",
        ".",
        "/",
        "@c.example",
        ".evil",
    ];
    let mut made = |has_scheme: bool| {
        let mut text = String::new();
        if has_scheme {
            text += choices.one(&SCHEMES);
        }
        for parts in [&BELOW[..], &HOSTS, &ENDS] {
            text += choices.one(parts);
        }
        text
    };
    let entry = made(true);
    let (other, host) = (made(true), made(false));
    // Of two that are made apart, few are alike.
    let origin = match choices.below(4) {
        0 => entry.replace("*.", "a."),
        1 => entry.replace("*.", "a.") + choices.one(&ENDS),
        2 => format!("{}{host}", choices.one(&SCHEMES[..6])),
        _ => other,
    };
    let site = if choices.once_in(3) {
        format!("{BY_TLS}{host}")
    } else {
        host
    };
    [entry, origin, site].join("\n").into_bytes()
}

/// A URL is taken apart as an independent reading does it, or refused by both.
///
/// # Errors
///
/// What differs.
pub fn url(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Ok(url) = str::from_utf8(input) else {
        return Ok(());
    };
    let expected = reference::site(url);
    match subject.url(url) {
        Some(site) if site != expected => {
            let (site, expected) = (told(site.as_ref()), told(expected.as_ref()));
            Err(format!("{url:?}: {site}, not {expected}"))
        }
        _ => Ok(()),
    }
}

fn told(site: Option<&Site>) -> String {
    site.map_or("refused".into(), |Site { host, target }| {
        format!("host {host:?} and target {target:?}")
    })
}

/// Makes a `url` input: the parts of a URL, most of them right.
#[must_use]
pub fn generate_url(choices: &mut Choices<'_>) -> Vec<u8> {
    const SCHEMES: [&str; 8] = [
        "ws://", "ws://", "ws://", "WS://", "wss://", "http://", "ws:/", "",
    ];
    const USERS: [&str; 8] = ["", "", "", "", "", "", "me@", "me:x@"];
    const HOSTS: [&str; 16] = [
        "localhost",
        "a.example",
        "127.0.0.1",
        "[::1]",
        "[fe80::1%25lo]",
        "[fe80::1%251]",
        "[::1%25]",
        "[::1%lo]",
        "[::1%25a b]",
        "[a%25b]",
        "::1",
        "[::1",
        "",
        "a b",
        "a%20b",
        "[1::2]x",
    ];
    const PORTS: [&str; 12] = [
        "", "", "", ":", ":80", ":080", ":8000", ":65535", ":65536", ":+1", ":a", ":1:2",
    ];
    const TARGETS: [&str; 12] = [
        "", "/", "/chat", "?a", "/a?b=c", "//", "/@", "/a:b", "/%25", "/#", "/a b", "/\u{e9}",
    ];
    let mut url = String::new();
    for parts in [&SCHEMES[..], &USERS, &HOSTS, &PORTS, &TARGETS] {
        url += choices.one(parts);
    }
    url.into_bytes()
}

/// Text in any pieces fails at the same byte as `str::from_utf8`, and has the same characters before.
///
/// # Errors
///
/// What differs.
pub fn utf8(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let (at, bytes) = utf8_from_input(input);
    for sizes in [&[usize::MAX][..], &[1], &[2], &[at, usize::MAX]] {
        let Some(mut text) = subject.text() else {
            return Ok(());
        };
        for Range { start, end } in cut(bytes.len(), sizes) {
            let is_text = text.decode(&bytes[start..end]);
            let (valid, wrong) = match str::from_utf8(&bytes[..end]) {
                Ok(valid) => (valid, false),
                Err(error) => {
                    let valid = str::from_utf8(&bytes[..error.valid_up_to()]);
                    (
                        valid.expect("said to be valid"),
                        error.error_len().is_some(),
                    )
                }
            };
            // On failure the text may end anywhere before the wrong byte.
            let is_right = if wrong {
                valid.starts_with(text.so_far())
            } else {
                valid == text.so_far()
            };
            let may_end = !wrong && valid.len() == end;
            if is_text == wrong || !is_right || (!wrong && text.may_end() != may_end) {
                return Err(format!(
                    "{} then {}: taken {is_text}, {}, may end {}; expected {}, {}, {may_end}",
                    words::hex(&bytes[..start]),
                    words::hex(&bytes[start..end]),
                    words::text(text.so_far()),
                    text.may_end(),
                    !wrong,
                    words::text(valid)
                ));
            }
            if wrong {
                break;
            }
        }
    }
    Ok(())
}

/// Where a `utf8` input is cut, at 1 at least, and its bytes.
pub(crate) fn utf8_from_input(input: &[u8]) -> (usize, &[u8]) {
    let mut choices = Choices(input);
    (usize::from(choices.byte()).max(1), choices.0)
}

/// Makes a `utf8` input: characters of every length, and their parts in any order.
#[must_use]
pub fn generate_utf8(choices: &mut Choices<'_>) -> Vec<u8> {
    const PARTS: [&[u8]; 14] = [
        b"a",
        "é".as_bytes(),
        "€".as_bytes(),
        "𝄞".as_bytes(),
        "\u{10FFFF}".as_bytes(),
        "a long run of plain letters".as_bytes(),
        b"\x80",
        b"\xC3",
        b"\xE2\x82",
        b"\xF0\x9D\x84",
        b"\xED\xA0\x80",
        b"\xC0\x80",
        b"\xF4\x90\x80\x80",
        b"\xE0\x80\x80",
    ];
    let mut input = vec![choices.byte()];
    for _ in 0..choices.below(8) {
        let whole = [1, 1, 1, 1, 1, 0][choices.below(6)];
        let among = if whole == 1 { 6 } else { PARTS.len() };
        input.extend(PARTS[choices.below(among)]);
    }
    if choices.once_in(4) {
        input.push(choices.byte());
    }
    input
}
