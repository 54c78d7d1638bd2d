//! An HTTP request, as far as every request must be right (RFC 9112 §3).
#![warn(clippy::indexing_slicing)]

use super::head::Head;
use super::rule::Rule;
use std::net::Ipv6Addr;
use std::str;

/// A request whose head is legal and that names its host as it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    head: Head,
}

impl Request {
    /// Judges what concerns a request of any kind.
    ///
    /// # Errors
    ///
    /// [`Rule::RequestLineMalformed`] for a target of no known form, [`Rule::HostInvalid`] for a host
    /// that is missing, repeated or no host.
    pub fn new(head: Head) -> Result<Self, Rule> {
        let request = Self { head };
        let target = request.target();
        // RFC 9112 §3.2.4: the asterisk is for OPTIONS alone.
        let is_asterisk = target == "*" && request.method() == "OPTIONS";
        let is_known_form = target.starts_with('/') || is_asterisk || absolute(target).is_some();
        if !is_known_form {
            return Err(Rule::RequestLineMalformed);
        }
        if !request.names_its_host() {
            return Err(Rule::HostInvalid);
        }
        Ok(request)
    }

    /// The method, in the case in which it was sent.
    #[must_use]
    pub fn method(&self) -> &str {
        self.start_line().0
    }

    /// The whole request target as sent.
    #[must_use]
    pub fn target(&self) -> &str {
        self.start_line().1
    }

    /// The target's path, not percent-decoded. `*` for a request that concerns the whole server.
    #[must_use]
    pub fn path(&self) -> &str {
        let resource = self.resource();
        let path = resource.split_once('?').map_or(resource, |(path, _)| path);
        if path.is_empty() { "/" } else { path }
    }

    /// What follows the first question mark of the target, not percent-decoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.resource().split_once('?').map(|(_, query)| query)
    }

    /// The host, and the port if one is given: of an absolute target, else of the Host header
    /// (RFC 9112 §3.2.2).
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        absolute(self.target())
            .map(|(host, _)| host)
            .or_else(|| self.header("Host"))
    }

    /// Where the page came from that asks, if a browser sent this (RFC 6454).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header("Origin")
    }

    /// The first header of that name, compared without case; `None` too when its value is not UTF-8:
    /// then [`Self::head`] has the bytes.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .values(name)
            .next()
            .and_then(|value| str::from_utf8(value).ok())
    }

    /// All of the head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Whether the version is at least HTTP/1.1 (a higher minor version is treated as 1.1).
    #[must_use]
    pub fn is_http_1_1(&self) -> bool {
        self.start_line().2 >= "HTTP/1.1"
    }

    /// RFC 9112 §3.2: exactly one Host header, which HTTP/1.0 did without.
    fn names_its_host(&self) -> bool {
        let mut hosts = self.head.values("Host");
        let is_header_right = match (hosts.next(), hosts.next()) {
            (Some(host), None) => str::from_utf8(host).is_ok_and(is_host),
            (None, _) => !self.is_http_1_1(),
            (Some(_), Some(_)) => false,
        };
        is_header_right && absolute(self.target()).is_none_or(|(host, _)| is_host(host))
    }

    fn resource(&self) -> &str {
        let target = self.target();
        absolute(target).map_or(target, |(_, resource)| resource)
    }

    /// Method, target and version; the head's decoder saw to it that there are three, and all ASCII.
    fn start_line(&self) -> (&str, &str, &str) {
        let line = str::from_utf8(self.head.start_line()).unwrap_or_default();
        let (method, rest) = line.split_once(' ').unwrap_or_default();
        let (target, version) = rest.split_once(' ').unwrap_or_default();
        (method, target, version)
    }
}

/// Splits a target of absolute form into host and resource (RFC 9112 §3.2.2).
fn absolute(target: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return None;
    }
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// RFC 3986 §3.2: a name, or an IPv6 address in brackets, and a port if need be.
pub(super) fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_name_right = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_registered_name(name),
    };
    let is_port_right = port.bytes().all(|byte| byte.is_ascii_digit())
        && (port.is_empty() || port.parse::<u16>().is_ok());
    is_name_right && is_port_right
}

/// RFC 3986 §3.2.2: these characters, and others percent-encoded.
fn is_registered_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    let mut behind_percent = name.split('%').skip(1).map(str::bytes);
    !name.is_empty()
        && name.bytes().all(is_allowed)
        && behind_percent.all(|rest| rest.take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}
