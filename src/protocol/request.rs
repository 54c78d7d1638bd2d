//! An HTTP request, as far as every request must be right (RFC 9112 §3).
#![warn(clippy::indexing_slicing)]

use super::head::{Head, RequestLine, StartLine, Version};
use super::rule::Rule;
use std::net::Ipv6Addr;
use std::str;

/// A request whose head is legal, and which names its host as it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    head: Head,
    line: RequestLine,
    target: Target,
    host: Option<String>,
}

/// The forms in which a target says what is asked for (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// `/chat?room=1`.
    Origin,
    /// `http://example.com/chat?room=1`, as proxies are asked.
    Absolute,
    /// `*`: the server as a whole, for OPTIONS.
    Asterisk,
}

impl Request {
    /// Judges what concerns a request of any kind.
    ///
    /// # Errors
    ///
    /// [`Rule::RequestLineMalformed`] for a target of no known form, [`Rule::HostInvalid`] for a host
    /// that is missing, repeated or not a host.
    pub fn new(head: Head) -> Result<Self, Rule> {
        let StartLine::Request(line) = head.start() else {
            return Err(Rule::RequestLineMalformed);
        };
        let line = line.clone();
        let (target, authority) = Target::parse(&line).ok_or(Rule::RequestLineMalformed)?;
        let host = host(&line, authority, &head)?.map(str::to_owned);
        Ok(Self {
            head,
            line,
            target,
            host,
        })
    }

    /// The method, in the case in which it was sent.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.line.method
    }

    /// The whole request target as sent.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.line.target
    }

    /// The form of the target.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.target.form
    }

    /// The target's path, not percent-decoded. `*` for a request that concerns the whole server.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.target.path
    }

    /// What follows the first question mark of the target, not percent-decoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.query.as_deref()
    }

    /// The host, and the port if one is given: of an absolute target, else of the Host header
    /// (RFC 9112 §3.2.2). `None` only before HTTP/1.1.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The HTTP version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.line.version
    }

    /// Where the page comes from that asks, if a browser sent this (RFC 6454).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header("Origin")
    }

    /// The first header of that name, compared without case; `None` also when its value is not UTF-8:
    /// [`Self::head`] has the bytes then.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.head.values(name).next()?;
        str::from_utf8(value).ok()
    }

    /// All of the head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the version is at least HTTP/1.1 (a higher minor version is treated as 1.1).
    #[must_use]
    pub fn is_http_1_1(&self) -> bool {
        self.version() >= Version::HTTP_1_1
    }
}

/// What a target says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    form: Form,
    path: String,
    query: Option<String>,
}

impl Target {
    /// What it says, and host and port if it is absolute.
    fn parse(line: &RequestLine) -> Option<(Self, Option<&str>)> {
        let target = &*line.target;
        let (form, authority, resource) = match absolute(target) {
            Some((authority, resource)) => (Form::Absolute, Some(authority), resource),
            None if target.starts_with('/') => (Form::Origin, None, target),
            // RFC 9112 §3.2.4: the asterisk is for OPTIONS alone.
            None if target == "*" && line.method == "OPTIONS" => (Form::Asterisk, None, target),
            None => return None,
        };
        let (path, query) = match resource.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (resource, None),
        };
        let target = Self {
            form,
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            query: query.map(str::to_owned),
        };
        Some((target, authority))
    }
}

/// Splits a target of absolute form into authority and resource (RFC 9112 §3.2.2).
fn absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    let is_known = ["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    is_known.then(|| rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// RFC 9112 §3.2: exactly one Host header, which HTTP/1.0 did without. An absolute target overrides it.
fn host<'a>(
    line: &RequestLine,
    authority: Option<&'a str>,
    head: &'a Head,
) -> Result<Option<&'a str>, Rule> {
    let mut hosts = head.values("Host");
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => str::from_utf8(host).ok(),
        (None, _) if line.version < Version::HTTP_1_1 => None,
        _ => return Err(Rule::HostInvalid),
    };
    let is_absent = head.values("Host").next().is_none();
    let is_header_right = is_absent || host.is_some_and(is_host);
    if is_header_right && authority.is_none_or(is_host) {
        Ok(authority.or(host))
    } else {
        Err(Rule::HostInvalid)
    }
}

/// Splits `example.com:80` or `[::1]:80` into the host, with its brackets, and the port if there is a
/// colon (RFC 3986 §3.2). Neither is judged.
#[must_use]
pub fn split_authority(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// RFC 3986 §3.2: a name, or an IPv6 address in brackets, and a port if need be.
pub(super) fn is_host(authority: &str) -> bool {
    let (name, port) = split_authority(authority);
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_name_right = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_registered_name(name),
    };
    is_name_right && port.is_none_or(is_port)
}

/// Digits, or nothing; `u16` alone would allow a sign.
fn is_port(port: &str) -> bool {
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.is_empty() || is_number && port.parse::<u16>().is_ok()
}

/// RFC 3986 §3.2.2: these characters, and others percent-encoded.
fn is_registered_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    let mut after_percent = name.split('%').skip(1).map(str::bytes);
    !name.is_empty()
        && name.bytes().all(is_allowed)
        && after_percent.all(|rest| rest.take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}
