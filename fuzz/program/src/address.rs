//! What must hold for the address of a server that is typed.

use crate::app::address::{Address, parse};
use oracles::choices::Choices;
use oracles::reference;

/// A password that stands in no message by chance.
const SECRET: &str = "Zq7";

fn typed(input: &[u8]) -> Option<(&str, Address)> {
    let typed = std::str::from_utf8(input).ok()?;
    Some((typed, parse(typed).ok()?))
}

/// What is understood is a URL, which is understood as itself, and of which nothing more is to be said.
///
/// # Errors
///
/// What came of it.
pub fn back(input: &[u8]) -> Result<(), String> {
    let Some((typed, address)) = typed(input) else {
        return Ok(());
    };
    let url = address.url;
    let again = parse(&url);
    let itself = Address {
        url: url.clone(),
        authorization: None,
        notes: Vec::new(),
    };
    if reference::site(&url).is_none() || again.as_ref() != Ok(&itself) {
        return Err(format!("{typed:?} is {url:?}, and that {again:?}"));
    }
    Ok(())
}

/// It leads to the host that was typed, or else to this machine if only a port was, and carries a password if one
/// was typed.
///
/// # Errors
///
/// Where it leads.
pub fn host(input: &[u8]) -> Result<(), String> {
    let Some((typed, address)) = typed(input) else {
        return Ok(());
    };
    let (user, authority) = authority(typed);
    let meant = host_of(authority);
    let host = reference::site(&address.url).map(|site| site.host);
    if host != meant || address.authorization.is_some() != user.is_some() {
        return Err(format!("{typed:?} leads to {host:?}, not {meant:?}"));
    }
    Ok(())
}

/// A password is never shown: not in the URL, in no note and no problem.
///
/// # Errors
///
/// Where it is.
pub fn secret(input: &[u8]) -> Result<(), String> {
    let Ok(typed) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let (user, _) = authority(typed);
    let has_secret = user.is_some_and(|user| user.contains(SECRET));
    if !has_secret || typed.matches(SECRET).count() > 1 {
        return Ok(());
    }
    let shown = match parse(typed) {
        Ok(address) => address.url + &address.notes.concat(),
        Err(problem) => problem,
    };
    if shown.contains(SECRET) {
        return Err(format!("{typed:?}: {shown:?}"));
    }
    Ok(())
}

/// User and password, and host and port.
fn authority(typed: &str) -> (Option<&str>, &str) {
    let typed = typed.trim();
    let lower = typed.to_ascii_lowercase();
    let schemes = [
        "ws://", "http://", "wss://", "https://", "ws:/", "http:/", "wss:/", "https:/",
    ];
    let scheme = schemes.iter().find(|scheme| lower.starts_with(**scheme));
    let rest = &typed[scheme.map_or(0, |scheme| scheme.len())..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, &rest[..end]),
    }
}

/// As in a Host header.
fn host_of(authority: &str) -> Option<String> {
    let port = authority.strip_prefix(':').unwrap_or(authority);
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let end = authority.find(']');
    let zone = end.and_then(|end| authority[..end].find('%'));
    let host = match (end, zone) {
        _ if is_port => format!("localhost:{port}"),
        (Some(end), Some(zone)) => authority[..zone].to_owned() + &authority[end..],
        _ => authority.to_owned(),
    };
    reference::site(&format!("ws://{host}")).map(|site| site.host)
}

/// Makes an address: parts of one, most of them right.
pub(crate) fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    const PARTS: [&[&str]; 5] = [
        &["", "", "ws://", "http://", "WS:/", "wss://", "tcp://", " "],
        &["", "", "", "me:Zq7@", "me:Zq7%@", "Zq7@a@", "a@"],
        &[
            "localhost",
            "127.0.0.1",
            "[::1]",
            "[fe80::1%eth0]",
            "[fe80::1%251]",
            "example.com",
            "",
            "::1",
            "a b",
            "\u{E9}",
            "8000",
            "ws",
            "0x7f.1",
            "[::1",
            "%31",
        ],
        &["", "", ":8000", ":80", ":", ":99999", ":+1"],
        &[
            "",
            "/",
            "/echo?a=b",
            "?a",
            "#a",
            "/caf\u{E9}",
            "/a b",
            "//b",
            "/@b",
            "/%",
            "/http://b",
        ],
    ];
    let parts = PARTS.map(|parts| choices.one(parts));
    parts.concat().into_bytes()
}

pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let typed = [
        ("url", "ws://localhost:8000/echo"),
        ("port", ":8000/echo"),
        ("http", "http://example.com/?a=b"),
        ("one-slash", "ws:/127.0.0.1:/"),
        ("password", "ws://me:Zq7@localhost/"),
        ("wrong-password", "me:Zq7%@localhost"),
        ("zone", "[fe80::1%eth0]:8000"),
        ("unicode", "localhost/caf\u{E9}?\u{20AC}"),
        ("no-brackets", "ws://me:Zq7@::1:8000/"),
        ("tls", "wss://me:Zq7@localhost/"),
    ];
    let seeds = typed.map(|(name, typed)| (name.to_owned(), typed.as_bytes().to_vec()));
    seeds.into()
}
