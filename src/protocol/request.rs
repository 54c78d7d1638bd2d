//! An HTTP request of any kind: what it asks for, and of which host (RFC 9112 §3).
#![warn(clippy::indexing_slicing)]

use super::checks::{Checks, Place};
use super::head::{Head, RequestLine, StartLine, Version};
use super::rule::Rule;
use std::net::{IpAddr, Ipv6Addr};
use std::str;

/// A request whose head is legal, and which names its host as it must.
///
/// ```
/// use plainws::protocol::head::{Decoder, Limits};
/// use plainws::{Request, Role};
///
/// let bytes = b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nCookie: a=b\r\n\r\n";
/// let (head, _) = Decoder::new(Role::Client, Limits::new()).receive(bytes)?.expect("it is complete");
/// let request = Request::new(head)?;
/// assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
/// assert_eq!(request.header("cookie"), Some("a=b"));
/// # Ok::<(), plainws::Rule>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    head: Head,
    line: RequestLine,
    resource: Resource,
    params: Vec<(String, String)>,
    way: Way,
}

/// How a request came here, as far as its bytes do not say it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) client: Option<IpAddr>,
    pub(crate) is_secure: bool,
    /// The host that a trusted proxy was asked for.
    pub(crate) host: Option<String>,
}

/// The forms in which a target says what is asked for (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// `/chat?room=1`.
    #[default]
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
        Ok(Self {
            resource: judge(line, &head, &mut Checks::until_one_fails())?,
            line: line.clone(),
            params: Vec::new(),
            way: Way::default(),
            head,
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
        self.resource.form
    }

    /// The target's path, not percent-decoded. `*` for a request that concerns the whole server.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.resource.path
    }

    /// What stands in the place of `{name}` or `{*name}` in the path that a server found for this request
    /// ([`Server::route`](crate::Server::route)), percent-decoded. `None` if that has no such place, and for a
    /// request that was not led anywhere yet.
    ///
    /// It may hold whatever can be written in UTF-8: slashes, `..`, control characters.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        let (_, value) = params.find(|(there, _)| there == name)?;
        Some(value)
    }

    /// Notes what stands in the places of its path.
    pub(crate) fn set_params(&mut self, params: Vec<(String, String)>) {
        self.params = params;
    }

    /// What follows the first question mark of the target, not percent-decoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.resource.query.as_deref()
    }

    /// The host, and the port if one is given: the one that a [trusted proxy](crate::Server::trust_proxy) says it was
    /// asked for, or that of an absolute target, else of the Host header (RFC 9112 §3.2.2). `None` only before
    /// HTTP/1.1.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.way.host.as_deref().or_else(|| self.host_sent())
    }

    /// The host whatever a proxy says.
    pub(crate) fn host_sent(&self) -> Option<&str> {
        self.resource.host.as_deref()
    }

    /// The address of the client: as [trusted proxies](crate::Server::trust_proxy) tell it, or else of whoever
    /// connected. Never an IPv4-mapped IPv6 address. `None` on a Unix socket where no proxy tells it, and for a request
    /// that no server received.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.way.client
    }

    /// Whether the client sent this by TLS: to a [trusted proxy](crate::Server::trust_proxy) that says so, or else to
    /// this server itself.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.way.is_secure
    }

    /// Notes how it came here.
    pub(crate) fn set_way(&mut self, way: Way) {
        self.way = way;
    }

    /// The HTTP version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.line.version
    }

    /// The site whose page sent this, as its browser says (RFC 6454 §7).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header("Origin")
    }

    /// The first header of that name, compared without case; `None` also when its value is not UTF-8:
    /// [`Self::head`] has the bytes then.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.text(name)
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

    /// The first line in its parts.
    pub(super) const fn line(&self) -> &RequestLine {
        &self.line
    }
}

/// What a request asks for, and of which host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    form: Form,
    host: Option<String>,
    path: String,
    query: Option<String>,
}

/// Runs the checks of a request of any kind.
pub(super) fn judge(
    line: &RequestLine,
    head: &Head,
    checks: &mut Checks,
) -> Result<Resource, Rule> {
    let target = Target::parse(line);
    let target = checks.value(Place::StartLine, Rule::RequestLineMalformed, target)?;
    if let Some(authority) = target.authority {
        checks.check(Place::StartLine, Rule::HostInvalid, is_host(authority))?;
    }
    // RFC 9112 §3.2: exactly one Host header, which HTTP/1.0 did without.
    checks.once(head, "Host", Rule::HostInvalid)?;
    let host = |value| str::from_utf8(value).ok().filter(|host| is_host(host));
    let hosts = checks.each(head, "Host", Rule::HostInvalid, host)?;
    let is_there = head.values("Host").next().is_some();
    checks.check(
        Place::Headers("Host"),
        Rule::HostInvalid,
        is_there || line.version < Version::HTTP_1_1,
    )?;
    // RFC 9112 §3.2.2: an absolute target overrides the header.
    let host = target.authority.or(hosts.first().copied());
    Ok(Resource {
        form: target.form,
        host: host.map(str::to_owned),
        path: target.path.to_owned(),
        query: target.query.map(str::to_owned),
    })
}

/// A target in its parts.
#[derive(Debug, Default)]
struct Target<'a> {
    form: Form,
    /// Host and port, if it is absolute.
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn parse(line: &'a RequestLine) -> Option<Self> {
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
        Some(Self {
            form,
            authority,
            path: if path.is_empty() { "/" } else { path },
            query,
        })
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
pub(crate) fn is_host(authority: &str) -> bool {
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
