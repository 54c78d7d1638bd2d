//! A `ws:` URL (§3).

use super::error::{Error, Result};
use crate::protocol::request::split_authority;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// The parts of a `ws:` URL that a client needs.
///
/// ```
/// use plainws::net::url::Url;
///
/// let url = Url::parse("ws://example.com:80/chat?room=1")?;
/// assert_eq!((url.host(), url.target()), ("example.com", "/chat?room=1"));
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    host: String,
    name: String,
    port: u16,
    target: String,
}

impl Url {
    /// Takes `ws://host[:port][/path][?query]`.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for any other.
    pub fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or(Error::Url("a URL begins with ws://"))?;
        if scheme.eq_ignore_ascii_case("wss") {
            return Err(Error::Url("wss:// needs TLS, which is not in this build"));
        }
        if !scheme.eq_ignore_ascii_case("ws") {
            return Err(Error::Url("a URL begins with ws://"));
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Url(
                "a URL has only ASCII characters, others percent-encoded",
            ));
        }
        if rest.contains('#') {
            return Err(Error::Url(
                "a ws:// URL has no fragment: a # in it is written %23",
            ));
        }
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(Error::Url("a ws:// URL has no user name"));
        }
        let (name, port) = split_authority(authority);
        let port = port
            .unwrap_or("80")
            .parse()
            .map_err(|_| Error::Url("the port is a number from 0 to 65535"))?;
        let name = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        if name.is_empty() {
            return Err(Error::Url("a URL names a host"));
        }
        // §3: without a path the resource name begins with a slash all the same.
        let slash = if resource.starts_with('/') { "" } else { "/" };
        let host = if port == 80 {
            authority.strip_suffix(":80").unwrap_or(authority)
        } else {
            authority
        };
        Ok(Self {
            host: host.to_owned(),
            name: name.to_owned(),
            port,
            target: format!("{slash}{resource}"),
        })
    }

    /// As in the Host header: with the port unless it is the default.
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
        let addresses: Vec<_> = (self.name.as_str(), self.port).to_socket_addrs()?.collect();
        if addresses.is_empty() {
            let message = format!("{} has no address", self.host);
            return Err(io::Error::new(io::ErrorKind::NotFound, message).into());
        }
        Ok(addresses)
    }
}
