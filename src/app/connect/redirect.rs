//! Where a server's `Location` leads (RFC 9110 §10.2.2, RFC 3986 §5.2).

use crate::app::trust::{HAS_TLS, NEEDS_TLS};
use plainws::net::url::Url;
use plainws::protocol::response::Response;

/// Headers that are for one server alone.
const OF_ONE_ORIGIN: [&str; 4] = ["Authorization", "Cookie", "Host", "Proxy-Authorization"];

/// Where to go instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) url: String,
    /// Whether that is another host, port or scheme: what is for the first one alone is not sent there.
    pub(super) is_elsewhere: bool,
}

/// The redirect that a refusal is, if it is one; `from` is the URL that was asked.
///
/// # Errors
///
/// Why it cannot be followed, in words for people.
pub(super) fn read(from: &str, response: &Response) -> Option<Result<Redirect, String>> {
    if !matches!(response.status(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let mut locations = response.head().values("Location");
    Some(match (locations.next(), locations.next()) {
        (Some(location), None) => match std::str::from_utf8(location) {
            Ok(location) => follow(from, location),
            Err(_) => Err("it leads to no URL".into()),
        },
        (None, _) => Err("it does not say where to".into()),
        (Some(_), Some(_)) => Err("it leads to two places".into()),
    })
}

/// Whether a header goes to another server than the one that it was given for.
pub(super) fn is_for_all(header: &str) -> bool {
    !OF_ONE_ORIGIN
        .iter()
        .any(|own| own.eq_ignore_ascii_case(header))
}

fn follow(from: &str, location: &str) -> Result<Redirect, String> {
    let known =
        |url: &str| Url::parse(url).map_err(|error| format!("it leads to no WebSocket: {error}"));
    let url = resolve(from, location)?;
    let (here, there) = (known(from)?, known(&url)?);
    match (here.is_secure(), there.is_secure()) {
        (true, false) => {
            return Err(format!(
                "it leads out of TLS, to {there}, where others can read and change what is sent"
            ));
        }
        (false, true) if !HAS_TLS => return Err(format!("it leads to wss://, which {NEEDS_TLS}")),
        _ => {}
    }
    let is_same =
        here.is_secure() == there.is_secure() && here.host().eq_ignore_ascii_case(there.host());
    Ok(Redirect {
        url,
        is_elsewhere: !is_same,
    })
}

/// RFC 3986 §5.2.2, for a base without a fragment.
fn resolve(from: &str, location: &str) -> Result<String, String> {
    let location = location.split('#').next().unwrap_or_default();
    let (scheme, rest) = from.split_once("://").unwrap_or(("ws", from));
    let (authority, target) = parts(rest);
    if let Some((scheme, rest)) = location
        .split_once("://")
        .filter(|(scheme, _)| is_scheme(scheme))
    {
        return match &*scheme.to_ascii_lowercase() {
            "ws" | "http" => Ok(format!("ws://{rest}")),
            "wss" | "https" => Ok(format!("wss://{rest}")),
            _ => Err(format!("it leads to {scheme}://, which is no WebSocket")),
        };
    }
    if let Some(rest) = location.strip_prefix("//") {
        return Ok(format!("{scheme}://{rest}"));
    }
    let path = target.split('?').next().unwrap_or_default();
    let target = match location.chars().next() {
        None => target.to_owned(),
        Some('/') => without_dots(location),
        Some('?') => format!("{path}{location}"),
        Some(_) => {
            let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            without_dots(&format!("{folder}{location}"))
        }
    };
    Ok(format!("{scheme}://{authority}{target}"))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Splits before the path or query.
fn parts(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
}

/// RFC 3986 §5.2.4: `.` is here, `..` is above, and nothing is above the root.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
        if is_last && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plainws::Role;
    use plainws::protocol::head::{Decoder, Limits};

    fn response(head: &str) -> Response {
        let head = format!("{head}\r\n\r\n");
        let mut decoder = Decoder::new(Role::Server, Limits::default());
        let (head, _) = decoder.receive(head.as_bytes()).unwrap().unwrap();
        Response::new(head).unwrap()
    }

    fn to(location: &str) -> String {
        match follow("ws://a:8000/b/c?d", location) {
            Ok(redirect) => redirect.url,
            Err(problem) => format!("! {problem}"),
        }
    }

    #[test]
    fn leads_where_rfc_3986_says() {
        let rows = [
            ("ws://b/c", "ws://b/c"),
            ("HTTP://b:80/c?e", "ws://b:80/c?e"),
            ("//b/c", "ws://b/c"),
            ("/e", "ws://a:8000/e"),
            ("/", "ws://a:8000/"),
            ("e", "ws://a:8000/b/e"),
            ("e/f?g", "ws://a:8000/b/e/f?g"),
            ("./e", "ws://a:8000/b/e"),
            (".", "ws://a:8000/b/"),
            ("..", "ws://a:8000/"),
            ("../e", "ws://a:8000/e"),
            ("../../../e", "ws://a:8000/e"),
            ("/x/./y/../z", "ws://a:8000/x/z"),
            ("/x/..?../y", "ws://a:8000/?../y"),
            ("?e", "ws://a:8000/b/c?e"),
            ("", "ws://a:8000/b/c?d"),
            ("#e", "ws://a:8000/b/c?d"),
            ("/e#f", "ws://a:8000/e"),
            ("/e?to=http://x", "ws://a:8000/e?to=http://x"),
        ];
        for (location, url) in rows {
            assert_eq!(to(location), url, "{location}");
        }
        assert_eq!(resolve("ws://a", "b").as_deref(), Ok("ws://a/b"));
        assert_eq!(resolve("ws://a?x", "?y").as_deref(), Ok("ws://a?y"));
        assert_eq!(
            resolve("ws://[fe80::1%25lo]:1/a", "/b").as_deref(),
            Ok("ws://[fe80::1%25lo]:1/b")
        );
    }

    #[test]
    fn never_leads_to_another_protocol_or_to_what_is_no_url() {
        for (location, word) in [
            ("ftp://a/", "ftp://"),
            ("ws://u:p@b/", "user name"),
            ("ws:///", "host"),
            ("/a b", "ASCII"),
            ("/caf\u{E9}", "ASCII"),
        ] {
            let problem = follow("ws://a:8000/", location).unwrap_err();
            assert!(problem.contains(word), "{location}: {problem}");
        }
    }

    #[test]
    fn leads_into_tls_where_the_build_has_it_and_never_out_of_it() {
        for location in ["wss://a:8000/", "HTTPS://a:8000/"] {
            let redirect = follow("ws://a:8000/", location);
            if HAS_TLS {
                let redirect = redirect.unwrap();
                assert_eq!(redirect.url, "wss://a:8000/");
                // Its port is the same, and yet it may be another server.
                assert!(redirect.is_elsewhere, "{location}");
            } else {
                let problem = redirect.unwrap_err();
                assert!(problem.ends_with(NEEDS_TLS), "{problem}");
            }
        }
        let to = |location| follow("wss://a/b/c?d", location).map(|redirect| redirect.url);
        for (location, url) in [
            ("/e", "wss://a/e"),
            ("e", "wss://a/b/e"),
            ("//b/c", "wss://b/c"),
            ("https://b/c", "wss://b/c"),
        ] {
            assert_eq!(to(location).as_deref(), Ok(url), "{location}");
        }
        for location in ["ws://a/e", "http://a:443/", "HTTP://b/"] {
            let problem = to(location).unwrap_err();
            assert!(
                problem.contains("it leads out of TLS, to ws://"),
                "{problem}"
            );
        }
        assert!(!follow("wss://a:443/", "wss://A/").unwrap().is_elsewhere);
        assert!(follow("wss://a/", "wss://a:80/").unwrap().is_elsewhere);
    }

    #[test]
    fn tells_another_origin_from_the_same() {
        for (location, is_elsewhere) in [
            ("/x", false),
            ("ws://a:8000/", false),
            ("http://A:8000/", false),
            ("ws://a/", true),
            ("ws://a:8001/", true),
            ("ws://b:8000/", true),
            ("ws://a.:8000/", true),
        ] {
            let redirect = follow("ws://a:8000/", location).unwrap();
            assert_eq!(redirect.is_elsewhere, is_elsewhere, "{location}");
        }
        assert!(!follow("ws://a:80/", "ws://a/").unwrap().is_elsewhere);
    }

    #[test]
    fn is_a_status_with_one_location() {
        let from = "ws://a/";
        for status in [301, 302, 303, 307, 308] {
            let response = response(&format!("HTTP/1.1 {status} x\r\nLocation: /b"));
            let redirect = read(from, &response).unwrap().unwrap();
            assert_eq!(redirect.url, "ws://a/b", "{status}");
        }
        for status in [200, 300, 304, 305, 404] {
            let response = response(&format!("HTTP/1.1 {status} x\r\nLocation: /b"));
            assert_eq!(read(from, &response), None, "{status}");
        }
        let none = response("HTTP/1.1 302 x");
        assert!(read(from, &none).unwrap().is_err());
        let two = response("HTTP/1.1 302 x\r\nLocation: /b\r\nLocation: /c");
        assert!(read(from, &two).unwrap().is_err());
    }

    #[test]
    fn keeps_secrets_for_the_server_that_they_are_for() {
        for header in ["authorization", "Cookie", "HOST", "proxy-authorization"] {
            assert!(!is_for_all(header), "{header}");
        }
        for header in ["Origin", "User-Agent", "X-Cookie"] {
            assert!(is_for_all(header), "{header}");
        }
    }
}
