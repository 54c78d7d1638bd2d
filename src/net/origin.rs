//! Which web pages may open a connection (§10.2, RFC 6454).
//!
//! Any page in a visitor's browser can open `ws://localhost`; the browser only says in `Origin` where
//! the page came from. Programs that are no browsers send no Origin and could send any.

use super::shown::shown;
use crate::protocol::request::split_authority;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The pages that may connect besides those of the same host.
#[derive(Clone, Debug, Default)]
pub struct OriginPolicy {
    allowed: Vec<Origin>,
}

impl OriginPolicy {
    /// Allows one more origin.
    pub fn allow(&mut self, origin: Origin) {
        self.allowed.push(origin);
    }

    /// Whether a request may open a connection: it has no Origin, or one of the host it was sent to,
    /// or one that was allowed.
    ///
    /// Where a host is reached by TLS ([`Request::is_secure`](crate::Request::is_secure)), a page of `http:` is one of
    /// another host, which has to be [allowed](Self::allow): whoever stands between a browser and the network can make
    /// such a page (§10.2).
    #[must_use]
    pub fn permits(&self, origin: Option<&str>, host: Option<&str>, is_secure: bool) -> bool {
        let Some(sent) = origin else { return true };
        let is_own = |host| is_same_host(sent, host) && !(is_secure && is_plain(sent));
        host.is_some_and(is_own) || self.allows(sent)
    }

    fn allows(&self, sent: &str) -> bool {
        let sent = sent.parse::<Origin>();
        sent.is_ok_and(|sent| self.allowed.iter().any(|allowed| allowed.covers(&sent)))
    }
}

/// Where a page comes from, as an entry of the list of those that may connect.
///
/// - `https://example.com`, `http://localhost:8000`, `https://[2001:db8::1]`: the pages of this scheme, host and
///   port. Case does not count, the scheme's default port may be left out; a name that ends in a dot is another
///   one (RFC 6454 §4). `ws` is taken for `http` and `wss` for `https`: some clients send the address
///   that they connect to.
/// - `https://*.example.com`: the pages of all hosts under a domain, at any depth, but not of the domain itself.
///   Everything there has to be yours: `https://*.co.uk` would be anyone's.
/// - `null`: pages that have no origin, such as files in most browsers, and frames in a sandbox. Any site can
///   make one of these.
/// - `file://`: files, in those browsers that tell them from the others.
/// - `chrome-extension://ID`, `moz-extension://ID`, `app://HOST`: what has a scheme of its own.
///
/// What no page can have is refused: anything after host and port, a user, a name that is not in ASCII (browsers
/// send it as `xn--…`).
///
/// ```
/// use plainws::net::origin::Origin;
///
/// let origin: Origin = "HTTPS://Example.com:443".parse()?;
/// assert_eq!(origin.to_string(), "https://example.com");
/// let wrong = "https://example.com/chat".parse::<Origin>();
/// assert_eq!(
///     wrong.map_err(|error| error.to_string()),
///     Err("\"https://example.com/chat\" is the origin of no page: \
///          it ends after host and port, as https://example.com".to_owned())
/// );
/// # Ok::<(), plainws::net::origin::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Pages);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pages {
    WithoutOrigin,
    Of {
        scheme: String,
        host: Hosts,
        /// `None` for the scheme's default.
        port: Option<u16>,
    },
}

/// In lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// Empty for files.
    One(String),
    /// Those under a domain.
    Under(String),
}

impl Origin {
    /// Whether what a request names is one of these. No page comes from all hosts of a domain.
    fn covers(&self, sent: &Self) -> bool {
        match (&self.0, &sent.0) {
            (Pages::WithoutOrigin, Pages::WithoutOrigin) => true,
            (
                Pages::Of { scheme, host, port },
                Pages::Of {
                    scheme: sent_scheme,
                    host: Hosts::One(sent_host),
                    port: sent_port,
                },
            ) => scheme == sent_scheme && port == sent_port && host.covers(sent_host),
            _ => false,
        }
    }
}

impl Hosts {
    fn covers(&self, sent: &str) -> bool {
        match self {
            Self::One(host) => host == sent,
            Self::Under(domain) => {
                let below = sent.strip_suffix(domain.as_str());
                below.is_some_and(|below| below.ends_with('.'))
            }
        }
    }
}

/// As browsers send it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pages::Of { scheme, host, port } = &self.0 else {
            return f.write_str("null");
        };
        match host {
            Hosts::One(host) => write!(f, "{scheme}://{host}")?,
            Hosts::Under(domain) => write!(f, "{scheme}://*.{domain}")?,
        }
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A text that is the origin of no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin {
    text: String,
    reason: String,
}

impl InvalidOrigin {
    /// Why, and what to write instead.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, reason) = (shown(&self.text), &self.reason);
        write!(f, "\"{text}\" is the origin of no page: {reason}")
    }
}

impl std::error::Error for InvalidOrigin {}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        parse(text).map(Self).map_err(|reason| InvalidOrigin {
            text: text.to_owned(),
            reason,
        })
    }
}

fn parse(text: &str) -> Result<Pages, String> {
    if text.eq_ignore_ascii_case("null") {
        return Ok(Pages::WithoutOrigin);
    }
    if text == "*" {
        return Err(EVERY_SITE.into());
    }
    if !text.is_ascii() {
        return Err("it is in ASCII; browsers send an international name as xn--…".into());
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it holds no spaces and no control characters".into());
    }
    let Some((scheme, rest)) = text.split_once("://").filter(|(name, _)| is_scheme(name)) else {
        return Err("it is scheme://host[:port], such as https://example.com, or null".into());
    };
    let scheme = match &*scheme.to_ascii_lowercase() {
        "ws" => "http".into(),
        "wss" => "https".into(),
        scheme => scheme.to_owned(),
    };
    if scheme == "file" {
        return file(scheme, rest);
    }
    if ["about", "blob", "data", "javascript"].contains(&&*scheme) {
        return Err(format!("pages of {scheme}: have the origin null"));
    }
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if authority != rest {
        let right = shown(authority);
        return Err(format!(
            "it ends after host and port, as {scheme}://{right}"
        ));
    }
    if authority.contains('@') {
        return Err("it names no user".into());
    }
    let (name, port) = split_authority(authority);
    let host = match default_port(&scheme) {
        Some(_) => web_hosts(name)?,
        None => Hosts::One(identifier(name)?),
    };
    let port = port.filter(|digits| !digits.is_empty()).map(port_number);
    let port = port.transpose()?;
    let port = port.filter(|port| default_port(&scheme) != Some(*port));
    Ok(Pages::Of { scheme, host, port })
}

const EVERY_SITE: &str = "every site's pages could connect; name those that may";

/// RFC 3986 §3.1.
fn is_scheme(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(is_allowed)
}

const fn default_port(scheme: &str) -> Option<u16> {
    match scheme.as_bytes() {
        b"http" | b"ws" => Some(80),
        b"https" | b"wss" => Some(443),
        _ => None,
    }
}

fn file(scheme: String, rest: &str) -> Result<Pages, String> {
    if !rest.is_empty() {
        return Err("all files have one, file:// or null, depending on the browser".into());
    }
    let host = Hosts::One(String::new());
    let port = None;
    Ok(Pages::Of { scheme, host, port })
}

fn port_number(digits: &str) -> Result<u16, String> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| is_number && *port > 0);
    port.ok_or_else(|| "a port is a number from 1 to 65535".into())
}

/// The hosts that http and https know.
fn web_hosts(name: &str) -> Result<Hosts, String> {
    let Some(domain) = name.strip_prefix("*.") else {
        return web_host(name).map(Hosts::One);
    };
    let domain = web_host(domain)?;
    if is_address(&domain) {
        return Err("there are no names under an address".into());
    }
    if !domain.trim_end_matches('.').contains('.') && domain != "localhost" {
        return Err(format!("anyone may have a name under .{}", shown(&domain)));
    }
    Ok(Hosts::Under(domain))
}

fn web_host(name: &str) -> Result<String, String> {
    if name == "*" {
        return Err(EVERY_SITE.into());
    }
    if name.contains('*') {
        let why = "a * stands for all names under a domain, as https://*.example.com";
        return Err(why.into());
    }
    if name.contains(['[', ']', ':']) {
        let inner = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = inner.and_then(|inner| inner.parse::<Ipv6Addr>().ok());
        let address = address.ok_or("an IPv6 address is written as http://[2001:db8::1]")?;
        return Ok(format!("[{address}]"));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_allowed);
    let complete = name.strip_suffix('.').unwrap_or(name);
    if !complete.split('.').all(is_label) {
        return Err("a host's name is letters, digits, - and _, in parts between dots".into());
    }
    // Browsers read such a name as an IPv4 address, and send it in its usual form.
    let last = complete.rsplit('.').next().unwrap_or_default();
    if is_number(last) && !is_address(name) {
        return Err("an IPv4 address is four decimal numbers, as http://192.0.2.1".into());
    }
    Ok(name.to_ascii_lowercase())
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()
}

fn is_number(label: &str) -> bool {
    let hex = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// What other schemes have for a host: an extension's number, a name (RFC 3986 §3.2.2).
fn identifier(name: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_allowed) {
        return Err("it is scheme://host, or scheme://ID for an extension".into());
    }
    Ok(name.to_ascii_lowercase())
}

/// Compares host and port. The scheme only tells the default port. It is not compared, because a proxy
/// in front of the server may have taken the TLS away. `ws` and `wss` come from clients that are no browsers.
fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let Some(port) = default_port(&scheme.to_ascii_lowercase()) else {
        return false;
    };
    let default_port = format!(":{port}");
    let without_default = |authority: &str| {
        authority
            .strip_suffix(&default_port)
            .unwrap_or(authority)
            .to_ascii_lowercase()
    };
    without_default(authority) == without_default(host)
}

/// Whether pages of this origin were not encrypted on their way.
fn is_plain(origin: &str) -> bool {
    let scheme = origin.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        ["http", "ws"]
            .iter()
            .any(|plain| scheme.eq_ignore_ascii_case(plain))
    })
}

/// Why pages of this origin are refused, and what would let them in.
pub(super) fn refusal(origin: &str, host: Option<&str>) -> String {
    let host = host.map_or("a host without a name".into(), shown);
    let entry = match origin.parse::<Origin>() {
        Ok(entry) if entry.covers(&entry) => shown(&entry.to_string()),
        Ok(_) => return format!("no page comes from all of {} at once", shown(origin)),
        Err(error) => return format!("{error}; it may not connect to {host}"),
    };
    let pages = shown(origin);
    format!(
        "pages of {pages} may not connect to {host} unless {entry} is allowed \
         (--allow-origin, allow_origin)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_in_one_way() {
        for (text, normal) in [
            ("https://example.com", "https://example.com"),
            ("HTTPS://Example.COM:443", "https://example.com"),
            ("http://example.com:80", "http://example.com"),
            ("http://example.com:", "http://example.com"),
            ("http://example.com:0080", "http://example.com"),
            ("http://example.com:443", "http://example.com:443"),
            ("https://example.com:80", "https://example.com:80"),
            ("https://example.com.", "https://example.com."),
            ("ws://example.com:80", "http://example.com"),
            ("wss://example.com:443", "https://example.com"),
            ("wss://example.com:80", "https://example.com:80"),
            ("http://localhost:65535", "http://localhost:65535"),
            (
                "http://a_b.xn--caf-dma.example",
                "http://a_b.xn--caf-dma.example",
            ),
            ("http://192.0.2.1:8000", "http://192.0.2.1:8000"),
            ("http://1password.com", "http://1password.com"),
            ("http://[2001:DB8:0::1]:8000", "http://[2001:db8::1]:8000"),
            ("https://*.Example.com", "https://*.example.com"),
            ("http://*.localhost:8000", "http://*.localhost:8000"),
            ("Null", "null"),
            ("FILE://", "file://"),
            (
                "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
                "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            ),
            (
                "safari-web-extension://0C1A43D5-8C1F-4A2F-AE43-7F1C5C3E9A62",
                "safari-web-extension://0c1a43d5-8c1f-4a2f-ae43-7f1c5c3e9a62",
            ),
            ("app://.", "app://."),
            ("capacitor://localhost:80", "capacitor://localhost:80"),
        ] {
            let origin = text.parse::<Origin>().map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), Ok(normal), "{text}");
            let again = normal.parse::<Origin>();
            assert_eq!(again, text.parse(), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_of_a_page_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "it is scheme://host[:port]"),
            ("example.com", "it is scheme://host[:port]"),
            ("example.com:8000", "it is scheme://host[:port]"),
            ("//example.com", "it is scheme://host[:port]"),
            ("://example.com", "it is scheme://host[:port]"),
            ("1a://example.com", "it is scheme://host[:port]"),
            ("about:blank", "it is scheme://host[:port]"),
            ("https:example.com", "it is scheme://host[:port]"),
            ("null://", "it is scheme://host, or scheme://ID"),
            ("*", "every site's pages could connect"),
            ("https://*", "every site's pages could connect"),
            ("https://*:8000", "every site's pages could connect"),
            ("https://*.com", "anyone may have a name under .com"),
            ("https://*.com.", "anyone may have a name under .com"),
            ("https://*.", "a host's name is"),
            ("https://*.192.0.2.1", "there are no names under an address"),
            ("https://*.[::1]", "there are no names under an address"),
            ("https://*.2.1", "an IPv4 address is four"),
            ("https://*.*.example.com", "a * stands for all names"),
            ("https://a*.example.com", "a * stands for all names"),
            ("https://a.*.com", "a * stands for all names"),
            ("*://example.com", "it is scheme://host[:port]"),
            (
                "chrome-extension://*",
                "it is scheme://host, or scheme://ID",
            ),
            ("chrome-extension://", "it is scheme://host, or scheme://ID"),
            (
                "https://example.com/",
                "it ends after host and port, as https://example.com",
            ),
            ("https://example.com:1/a", "as https://example.com:1"),
            ("https://example.com?a", "as https://example.com"),
            ("https://example.com#a", "as https://example.com"),
            ("https://example.com\\a", "as https://example.com"),
            ("app://x/", "as app://x"),
            ("file:///home/me/a.html", "all files have one"),
            ("file://localhost", "all files have one"),
            ("data://a", "pages of data: have the origin null"),
            ("https://me@example.com", "it names no user"),
            ("https://me:secret@example.com", "it names no user"),
            ("https://", "a host's name is"),
            ("https://.", "a host's name is"),
            ("https://a..b", "a host's name is"),
            ("https://.a", "a host's name is"),
            ("https://a%2eb", "a host's name is"),
            ("https://a,b", "a host's name is"),
            (
                "https://caf\u{e9}.example",
                "browsers send an international name as xn--",
            ),
            ("https://a b", "it holds no spaces"),
            (" https://a", "it holds no spaces"),
            ("https://a\n", "it holds no spaces"),
            ("https://a https://b", "it holds no spaces"),
            ("https://127.1", "an IPv4 address is four decimal numbers"),
            (
                "https://0x7f.0.0.1",
                "an IPv4 address is four decimal numbers",
            ),
            (
                "https://0177.0.0.1",
                "an IPv4 address is four decimal numbers",
            ),
            (
                "https://2130706433",
                "an IPv4 address is four decimal numbers",
            ),
            ("https://a.0x", "an IPv4 address is four decimal numbers"),
            (
                "https://127.0.0.1.",
                "an IPv4 address is four decimal numbers",
            ),
            ("https://::1", "an IPv6 address is written as"),
            ("https://[::1", "an IPv6 address is written as"),
            ("https://[::1]a", "an IPv6 address is written as"),
            ("https://[fe80::1%25lo]", "an IPv6 address is written as"),
            ("https://[a.example]", "an IPv6 address is written as"),
            ("https://a:b:80", "an IPv6 address is written as"),
            ("https://a:0", "a port is a number"),
            ("https://a:65536", "a port is a number"),
            ("https://a:+80", "a port is a number"),
            ("https://a:http", "a port is a number"),
        ] {
            match text.parse::<Origin>() {
                Ok(origin) => panic!("{text} is taken for {origin}"),
                Err(error) => assert!(error.reason().contains(reason), "{text}: {error}"),
            }
        }
    }

    #[test]
    fn an_entry_covers_its_origin_in_any_spelling_and_no_other() {
        for (entry, right, wrong) in [
            (
                "https://example.com",
                &["HTTPS://EXAMPLE.com:443", "wss://example.com"][..],
                &[
                    "http://example.com",
                    "https://example.com:8443",
                    "https://example.com.",
                    "https://a.example.com",
                    "https://example.com.evil.example",
                    "https://evilexample.com",
                    "https://example.com/",
                    "https://example.com@evil.example",
                    "null",
                    "",
                ][..],
            ),
            (
                "https://*.example.com",
                &["https://a.example.com", "https://b.a.EXAMPLE.com:443"],
                &[
                    "https://example.com",
                    "https://evilexample.com",
                    "https://.example.com",
                    "https://a.example.com.",
                    "https://a.example.com.evil.example",
                    "https://a.example.com:8443",
                    "http://a.example.com",
                    "https://*.example.com",
                ],
            ),
            (
                "http://[::1]:8000",
                &["http://[0:0::1]:8000"],
                &["http://[::1]", "http://127.0.0.1:8000", "http://::1:8000"],
            ),
            ("null", &["null"], &["file://", "", "null://null"]),
            ("file://", &["file://"], &["file:///", "file:///a", "null"]),
            (
                "moz-extension://0c1a43d5",
                &["moz-extension://0C1A43D5"],
                &["chrome-extension://0c1a43d5", "moz-extension://0c1a43d6"],
            ),
        ] {
            let mut policy = OriginPolicy::default();
            policy.allow("https://other.example".parse().expect("an origin"));
            policy.allow(entry.parse().expect("an origin"));
            for origin in right {
                assert!(
                    policy.permits(Some(origin), None, false),
                    "{origin}, {entry}"
                );
            }
            for origin in wrong {
                assert!(
                    !policy.permits(Some(origin), None, false),
                    "{origin}, {entry}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_names_origin_and_host_and_what_would_allow_it() {
        for (origin, host, told) in [
            (
                "https://Site.example:443",
                Some("localhost:8000"),
                "pages of https://Site.example:443 may not connect to localhost:8000 unless \
                 https://site.example is allowed (--allow-origin, allow_origin)",
            ),
            (
                "null",
                None,
                "pages of null may not connect to a host without a name unless null is allowed \
                 (--allow-origin, allow_origin)",
            ),
            (
                "https://*.example.com",
                Some("a"),
                "no page comes from all of https://*.example.com at once",
            ),
            (
                "\u{1b}[2J",
                Some("a"),
                "\"\\u{1b}[2J\" is the origin of no page: it holds no spaces and no control \
                 characters; it may not connect to a",
            ),
        ] {
            assert_eq!(refusal(origin, host), told);
        }
        let long = "a".repeat(5000);
        let told = refusal(&format!("https://{long}"), Some(&long));
        assert!(told.len() < 500, "{told}");
    }
}
