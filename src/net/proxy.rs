//! An HTTP proxy, which is asked to open a connection to a server (§4.1).

use super::dial::Endpoint;
use super::error::{Error, Refusal, Result};
use super::read_response::{read_body, read_response};
use super::stream::Stream;
use super::tap::Tapped;
use super::url::authorization;
use crate::protocol::head;
use std::fmt;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::time::Instant;

/// A proxy.
///
/// ```
/// use plainws::net::proxy::Proxy;
///
/// let proxy = Proxy::parse("http://proxy.example:3128")?;
/// let asked = "CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n";
/// assert_eq!(proxy.request("example.com:80"), asked);
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    endpoint: Endpoint,
    /// What Proxy-Authorization says.
    authorization: Option<String>,
}

/// Without the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.endpoint)
    }
}

impl Proxy {
    /// Takes `http://[user:password@]host[:port][/]`; user and password percent-encoded, the port 80 unless it is
    /// named.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for any other.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = |problem| Error::url(url, problem);
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        if scheme.eq_ignore_ascii_case("https") {
            return Err(wrong(
                "the way to a proxy is without TLS: its URL begins with http://",
            ));
        }
        const FORM: &str = "a proxy is http://[user:password@]host:port";
        let is_plain = rest.bytes().all(|byte| byte.is_ascii_graphic());
        if !scheme.eq_ignore_ascii_case("http") || !is_plain {
            return Err(wrong(FORM));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user_info, authority) = match rest.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info), authority),
            None => (None, rest),
        };
        let endpoint = Endpoint::parse(authority, Some(80)).map_err(wrong)?;
        Ok(Self {
            endpoint,
            authorization: user_info
                .map(|user_info| authorization(user_info).ok_or_else(|| wrong(FORM)))
                .transpose()?,
        })
    }

    /// Its host and port, without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        self.endpoint.to_string()
    }

    /// What it is asked, to be connected with `host:port` (RFC 9110 §9.3.6).
    #[must_use]
    pub fn request(&self, to: &str) -> String {
        let authorization = self.authorization.as_deref();
        let authorization = authorization.map(|value| format!("Proxy-Authorization: {value}\r\n"));
        let authorization = authorization.unwrap_or_default();
        format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n")
    }

    /// Connects to the proxy, and through it. Returns its own address, and what the server sent by now.
    ///
    /// # Errors
    ///
    /// [`Error::Proxy`], whatever happens: up to here nothing is known of the server.
    pub(super) fn connect(
        &self,
        to: &Endpoint,
        limits: head::Limits,
        deadline: Instant,
    ) -> Result<(Stream, SocketAddr, Vec<u8>)> {
        self.ask(to, limits, deadline)
            .map_err(|error| Error::Proxy {
                address: self.address(),
                error: Box::new(error),
            })
    }

    fn ask(
        &self,
        to: &Endpoint,
        limits: head::Limits,
        deadline: Instant,
    ) -> Result<(Stream, SocketAddr, Vec<u8>)> {
        let (stream, address) = self.endpoint.connect(deadline, "it")?;
        let request = self.request(&to.to_string());
        stream.write_all_until(&mut [IoSlice::new(request.as_bytes())], deadline)?;
        let mut arrived = Vec::new();
        let unseen = Tapped::new(None);
        let response = read_response(&stream, limits, deadline, &mut arrived, &unseen, "it")?;
        // RFC 9110 §9.3.6: any 2xx connects, and what follows its head comes from the server.
        if (200..300).contains(&response.status()) {
            return Ok((stream, address, arrived));
        }
        let body = read_body(&stream, &response, &arrived, deadline, &unseen);
        Err(Error::Refused(Box::new(Refusal::new(response, body))))
    }
}
