//! What people type for a server, as the URL that the library takes.
//!
//! | typed | taken as |
//! |---|---|
//! | `localhost:8000/echo` | `ws://localhost:8000/echo` |
//! | `:8000/echo`, `8000/echo` | `ws://localhost:8000/echo` |
//! | `http://localhost/` | `ws://localhost/`, and that is said |
//! | `https://localhost/` | `wss://localhost/`, likewise |
//! | `ws://user:password@host/` | `ws://host/` with a header, and that is said |
//! | `[fe80::1%eth0]:8000` | `ws://[fe80::1%25eth0]:8000` |
//! | `localhost/café` | `ws://localhost/caf%C3%A9` |

use crate::app::trust::{HAS_TLS, NEEDS_TLS};
use plainws::net::url::{Url, authorization};
use plainws::protocol::request::split_authority;
use std::net::Ipv6Addr;

/// A server's address. What is shown of it never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Without user and password.
    pub(crate) url: String,
    /// What `Authorization` is to say, if user and password were given.
    pub(crate) authorization: Option<String>,
    /// What the person who typed it should know.
    pub(crate) notes: Vec<&'static str>,
}

const TAKEN_AS_WS: &str = "http:// is taken as ws://";
const TAKEN_AS_WSS: &str = "https:// is taken as wss://";
const PASSWORD: &str = "warning: user and password are sent as they are, in an Authorization header; what stands in an \
                        address is also kept by shells and logs";
const PASSWORD_IN_TLS: &str = "warning: user and password are sent in an Authorization header, inside TLS; what stands \
                               in an address is also kept by shells and logs";

/// Reads what was typed.
///
/// # Errors
///
/// What is wrong with it, in words for people, without a password.
pub(crate) fn parse(typed: &str) -> Result<Address, String> {
    let address = parse_among(typed, "ws:// or wss://")?;
    match address.is_secure() && !HAS_TLS {
        true => Err(format!("wss:// {NEEDS_TLS}")),
        false => Ok(address),
    }
}

/// The same, where the schemes that are understood are these, for the error at another. The address may be one of
/// TLS in any build.
pub(crate) fn parse_among(typed: &str, schemes: &str) -> Result<Address, String> {
    let typed = typed.trim();
    let path = typed.strip_prefix("unix:");
    if path.is_some_and(|path| !path.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(
            "it must be an address of TCP, such as localhost:8000: Unix sockets are only served"
                .into(),
        );
    }
    let mut notes = Vec::new();
    let (scheme, rest) = scheme_of(typed, schemes, &mut notes)?;
    let (authority, resource) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user_info, authority) = match authority.rsplit_once('@') {
        Some((user_info, authority)) => (Some(user_info), authority),
        None => (None, authority),
    };
    let authorization = user_info.map(|user_info| {
        notes.push(match scheme {
            "wss" => PASSWORD_IN_TLS,
            _ => PASSWORD,
        });
        authorization(user_info)
            .ok_or("in the user name or password a % does not begin a code, such as %25")
    });
    let url = format!(
        "{scheme}://{}{}",
        authority_of(authority)?,
        encoded(resource)?
    );
    match Url::parse(&url) {
        Ok(_) => Ok(Address {
            url,
            authorization: authorization.transpose()?,
            notes,
        }),
        Err(problem) => Err(problem.to_string()),
    }
}

impl Address {
    /// Whether TLS comes first.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.starts_with("wss://")
    }
}

/// Reads a host and a port, without anything else.
///
/// # Errors
///
/// What is wrong with it, in words for people.
pub(crate) fn endpoint(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.contains(['/', '?', '#', '@']) {
        return Err("it is a host and a port alone, such as localhost:8000".into());
    }
    let authority = authority_of(typed)?;
    Url::parse(&format!("ws://{authority}")).map_err(|problem| problem.to_string())?;
    match split_authority(&authority) {
        (_, Some("") | None) => Err("a port is missing, such as :8000".into()),
        _ => Ok(authority),
    }
}

/// The scheme as a URL has it, and what follows it.
fn scheme_of<'a>(
    typed: &'a str,
    schemes: &str,
    notes: &mut Vec<&'static str>,
) -> Result<(&'static str, &'a str), String> {
    let Some((scheme, rest)) = split_scheme(typed) else {
        return Ok(("ws", typed));
    };
    match &*scheme.to_ascii_lowercase() {
        "ws" => Ok(("ws", rest)),
        "wss" => Ok(("wss", rest)),
        "http" => {
            notes.push(TAKEN_AS_WS);
            Ok(("ws", rest))
        }
        "https" => {
            notes.push(TAKEN_AS_WSS);
            Ok(("wss", rest))
        }
        _ => Err(format!(
            "a server's address begins with {schemes}, not with {scheme}://"
        )),
    }
}

/// The scheme and what follows its slashes, of which one is enough.
fn split_scheme(typed: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = typed.split_once(":/")?;
    let is_scheme = scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    // In `localhost:/echo` the port is empty.
    let is_known = ["ws", "wss", "http", "https"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme));
    let is_alone = !rest.starts_with('/');
    if !is_scheme || scheme.is_empty() || is_alone && !is_known {
        return None;
    }
    Some((scheme, rest.strip_prefix('/').unwrap_or(rest)))
}

/// Host and port as a URL has them.
fn authority_of(typed: &str) -> Result<String, String> {
    if typed.is_empty() {
        return Err("an address names a host, such as localhost:8000/echo".into());
    }
    if typed.contains(char::is_whitespace) {
        return Err("there is a space in the host".into());
    }
    if !typed.is_ascii() {
        return Err(
            "a host is written in ASCII; a name in another script has a form that begins with xn--"
                .into(),
        );
    }
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_port(typed) {
        return Ok(format!("localhost:{typed}"));
    }
    if typed.strip_prefix(':').is_some_and(is_port) {
        return Ok(format!("localhost{typed}"));
    }
    if let Some(problem) = without_brackets(typed) {
        return Err(problem);
    }
    match typed.split_once('%') {
        Some((address, zone)) if typed.starts_with('[') && !zone.starts_with("25") => {
            Ok(format!("{address}%25{zone}"))
        }
        _ => Ok(typed.to_owned()),
    }
}

/// What to say to an IPv6 address that does not stand in brackets.
fn without_brackets(typed: &str) -> Option<String> {
    let (address, port) = typed.rsplit_once(':')?;
    if typed.starts_with('[') || !address.contains(':') {
        return None;
    }
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let mut meant = Vec::new();
    if is_address(typed) {
        meant.push(format!("[{typed}]"));
    }
    if is_address(address) && port.parse::<u16>().is_ok() {
        meant.push(format!("[{address}]:{port}"));
    }
    Some(match &meant[..] {
        [] => format!("{typed} is no host: there is more than one colon in it"),
        meant => format!("an IPv6 address stands in brackets: {}", meant.join(" or ")),
    })
}

/// The path and query with what is not ASCII percent-encoded, as browsers do.
fn encoded(resource: &str) -> Result<String, String> {
    if resource.contains('#') {
        return Err("an address of a WebSocket has no fragment: a # in it is written %23".into());
    }
    if resource.contains(char::is_whitespace) {
        return Err("there is a space in the address: it is written %20".into());
    }
    let encode = |byte: u8| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    Ok(resource.bytes().map(encode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(typed: &str) -> String {
        parse(typed)
            .map(|address| address.url)
            .unwrap_or_else(|problem| format!("! {problem}"))
    }

    #[test]
    fn is_taken_as_people_type_it() {
        let rows = [
            ("ws://localhost:8000/echo", "ws://localhost:8000/echo"),
            ("WS://localhost/", "ws://localhost/"),
            ("localhost:8000/echo", "ws://localhost:8000/echo"),
            ("localhost", "ws://localhost"),
            ("example.com?a=b", "ws://example.com?a=b"),
            ("ws:/localhost/", "ws://localhost/"),
            ("http:/localhost/", "ws://localhost/"),
            ("localhost:/echo", "ws://localhost:/echo"),
            ("localhost:8000//echo", "ws://localhost:8000//echo"),
            ("ws:8000/echo", "ws://ws:8000/echo"),
            (":8000", "ws://localhost:8000"),
            (":8000/echo", "ws://localhost:8000/echo"),
            ("8000", "ws://localhost:8000"),
            ("8000/echo?a", "ws://localhost:8000/echo?a"),
            ("127.0.0.1:8000", "ws://127.0.0.1:8000"),
            ("[::1]:8000/", "ws://[::1]:8000/"),
            ("[fe80::1%eth0]:8000", "ws://[fe80::1%25eth0]:8000"),
            ("[fe80::1%25eth0]", "ws://[fe80::1%25eth0]"),
            (" ws://localhost/\n", "ws://localhost/"),
            (
                "localhost/café?ü=€",
                "ws://localhost/caf%C3%A9?%C3%BC=%E2%82%AC",
            ),
            ("localhost/a%20b", "ws://localhost/a%20b"),
            ("localhost/user@host:1", "ws://localhost/user@host:1"),
            ("localhost/http://a", "ws://localhost/http://a"),
            ("unix:8000", "ws://unix:8000"),
        ];
        for (typed, expected) in rows {
            assert_eq!(url(typed), expected, "{typed}");
            let address = parse(typed).unwrap();
            assert_eq!(address.authorization, None, "{typed}");
            assert!(!address.is_secure(), "{typed}");
            let is_http = typed.starts_with("http:");
            assert_eq!(
                address.notes,
                if is_http { vec![TAKEN_AS_WS] } else { vec![] },
                "{typed}"
            );
        }
    }

    #[test]
    fn with_a_mistake_is_refused_by_what_helps() {
        let rows = [
            ("", "names a host"),
            ("ws://", "names a host"),
            ("/echo", "names a host"),
            ("tcp://localhost:1", "not with tcp://"),
            ("file:///etc", "not with file://"),
            ("localhost/a b", "%20"),
            ("local host/", "a space in the host"),
            ("localhost/#a", "%23"),
            ("localhost#a", "%23"),
            ("exämple.com", "xn--"),
            ("::1", "in brackets: [::1]"),
            ("ws://::1:8000/", "[::1:8000] or [::1]:8000"),
            ("fe80::1:8000", "[fe80::1:8000] or [fe80::1]:8000"),
            ("1:2:3:4:5:6:7:8:9", "in brackets: [1:2:3:4:5:6:7:8]:9"),
            ("a:b:c", "more than one colon"),
            ("localhost:99999", "65535"),
            ("99999", "65535"),
            ("localhost:port", "port"),
            ("[::1", "brackets"),
            ("[]", "a host is a name"),
            ("<host>", "a host is a name"),
            ("unix:/run/x.sock", "Unix sockets are only served"),
        ];
        for (typed, word) in rows {
            let problem = parse(typed).unwrap_err();
            assert!(problem.contains(word), "{typed}: {problem}");
        }
    }

    #[test]
    fn of_a_tls_server_is_taken_where_the_build_has_tls() {
        for (typed, expected, notes) in [
            ("wss://localhost/", "wss://localhost/", vec![]),
            ("WSS:/:8443", "wss://localhost:8443", vec![]),
            (
                "https://[::1]:8443/é",
                "wss://[::1]:8443/%C3%A9",
                vec![TAKEN_AS_WSS],
            ),
        ] {
            if HAS_TLS {
                let address = parse(typed).unwrap();
                assert!(address.is_secure(), "{typed}");
                assert_eq!((&*address.url, address.notes), (expected, notes));
            } else {
                assert_eq!(parse(typed), Err(format!("wss:// {NEEDS_TLS}")));
            }
        }
    }

    #[test]
    fn may_be_a_host_and_a_port_alone() {
        for (typed, expected) in [
            ("localhost:8000", "localhost:8000"),
            (":8000", "localhost:8000"),
            ("8000", "localhost:8000"),
            ("[::1]:8000", "[::1]:8000"),
            ("[fe80::1%eth0]:1", "[fe80::1%25eth0]:1"),
        ] {
            assert_eq!(endpoint(typed).as_deref(), Ok(expected), "{typed}");
        }
        for (typed, word) in [
            ("localhost", "a port is missing"),
            ("localhost:", "a port is missing"),
            ("ws://localhost:8000", "alone"),
            ("localhost:8000/echo", "alone"),
            ("me:secret@localhost:8000", "alone"),
            ("::1:8000", "[::1]:8000"),
            ("localhost:99999", "65535"),
            ("", "names a host"),
        ] {
            let problem = endpoint(typed).unwrap_err();
            assert!(problem.contains(word), "{typed}: {problem}");
        }
    }

    #[test]
    fn with_a_password_becomes_a_header_and_does_not_show_it() {
        let address = parse("http://Aladdin:open%20sesame@localhost:8000/").unwrap();
        assert_eq!(address.url, "ws://localhost:8000/");
        let value = address.authorization.as_deref();
        assert_eq!(value, Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(address.notes, [TAKEN_AS_WS, PASSWORD]);
        if HAS_TLS {
            let address = parse("wss://me:secret@localhost/").unwrap();
            assert_eq!(address.url, "wss://localhost/");
            assert_eq!(address.notes, [PASSWORD_IN_TLS]);
        }
        // The last @ ends the user's part.
        assert_eq!(url("me:a@b@localhost"), "ws://localhost");

        for typed in [
            "ws://me:secret%@localhost/",
            "ws://me:secret@",
            "ws://me:secret@local host/",
            "ws://me:secret@::1/",
            "ws://me:secret@localhost/#a",
            "ws://me:secret@a:99999/",
            "wss://me:secret@local host/",
        ] {
            let problem = parse(typed).unwrap_err();
            assert!(!problem.contains("secret"), "{typed}: {problem}");
        }
    }

    #[test]
    fn is_taken_the_same_when_it_is_given_back() {
        let parts = [
            "ws://",
            "https:/",
            "localhost",
            ":80",
            ":",
            "/",
            "a@",
            "[::1]",
            "%",
            "é",
            "?",
            "#",
            " ",
            "[fe80::1%1]",
        ];
        let mut taken = 0;
        for number in 0..parts.len().pow(4) {
            let digits = (0..4).map(|place| number / parts.len().pow(place) % parts.len());
            let typed: String = digits.map(|digit| parts[digit]).collect();
            if let Ok(address) = parse(&typed) {
                assert_eq!(url(&address.url), address.url, "{typed}");
                taken += 1;
            }
        }
        assert!(taken > 500, "{taken}");
    }
}
