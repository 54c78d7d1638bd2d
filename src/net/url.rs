//! A `ws:` or `wss:` URL (§3).

use super::dial::Endpoint;
use super::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::net::SocketAddr;

/// The parts of a `ws:` or `wss:` URL that a client needs.
///
/// ```
/// use plainws::net::url::Url;
///
/// let url = Url::parse("ws://example.com:80/chat?room=1")?;
/// assert_eq!((url.host(), url.target()), ("example.com", "/chat?room=1"));
/// assert!(!url.is_secure());
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    is_secure: bool,
    endpoint: Endpoint,
    host: String,
    target: String,
}

const SCHEMES: &str = "a URL begins with ws:// or wss://";

impl Url {
    /// Takes `ws://host[:port][/path][?query]`, or the same with `wss`, where an IPv6 address may have a zone:
    /// `ws://[fe80::1%25eth0]/` (RFC 6874). A user name is refused: §3 has none, and what stands in a URL is copied
    /// and logged. A password is sent in a header, see [`authorization`].
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for any other.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |problem| Error::url(url, problem);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(SCHEMES))?;
        // §3: the port of a URL that names none.
        let (is_secure, default_port) = match &*scheme.to_ascii_lowercase() {
            "ws" => (false, 80),
            "wss" => (true, 443),
            _ => return Err(wrong(SCHEMES)),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(
                "a URL has only ASCII characters, others percent-encoded",
            ));
        }
        if rest.contains('#') {
            return Err(wrong(
                "a WebSocket URL has no fragment: a # in it is written %23",
            ));
        }
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(wrong(
                "a WebSocket URL has no user name: a password is sent in a header, Authorization",
            ));
        }
        let endpoint = Endpoint::parse(authority, Some(default_port)).map_err(wrong)?;
        // §3: without a path the resource name begins with a slash all the same.
        let slash = if resource.starts_with('/') { "" } else { "/" };
        Ok(Self {
            is_secure,
            host: match endpoint.port() {
                port if port == default_port => endpoint.host(),
                _ => endpoint.to_string(),
            },
            endpoint,
            target: format!("{slash}{resource}"),
        })
    }

    /// Whether it is a `wss:` URL: TLS comes first (§4.1).
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// As in the Host header: with the port unless it is the default, without a zone.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path and the query, such as `/chat?room=1`: what a request asks for.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Where the host is to be reached: at least one address. Looking a name up may wait, without a bound.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it has none.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>> {
        Ok(self.endpoint.addresses()?)
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// As a request understands it: without a default port or a zone, and with a path.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host, self.target)
    }
}

/// What `Authorization` and `Proxy-Authorization` say for a user and a password, which are given as in a URL:
/// `user:password`, percent-encoded (RFC 7617). `None` if a percent sign does not begin a code.
///
/// ```
/// use plainws::net::url::authorization;
///
/// let value = authorization("Aladdin:open%20sesame");
/// assert_eq!(value.as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
/// ```
#[must_use]
pub fn authorization(user_info: &str) -> Option<String> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let both = [percent_decoded(user)?, percent_decoded(password)?].join(&b':');
    Some(format!("Basic {}", STANDARD.encode(both)))
}

/// RFC 3986 §2.1.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut decoded: Vec<u8> = parts.next().unwrap_or_default().into();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        let is_code = code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(code, 16).ok().filter(|_| is_code)?;
        decoded.push(byte);
        decoded.extend_from_slice(rest.as_bytes());
    }
    Some(decoded)
}
