//! The opening handshake (§4): an HTTP request that asks for another protocol, and the answer.
//!
//! ```text
//! client                                                     server
//!   GET /chat HTTP/1.1                                         HTTP/1.1 101 Switching Protocols
//!   Host: example.com                                          Upgrade: websocket
//!   Upgrade: websocket                            ─────▶       Connection: Upgrade
//!   Connection: Upgrade                                        Sec-WebSocket-Accept: s3pPLMBi…
//!   Sec-WebSocket-Key: dGhlIHNhbXBs…              ◀─────
//!   Sec-WebSocket-Version: 13
//! ```
//!
//! The accept value proves that the server knows this protocol and did not answer by accident: it is
//! made from the key and a GUID that nothing else uses (§1.3).
#![warn(clippy::indexing_slicing)]

use super::extensions;
use super::head::{Head, Version, is_target, is_token};
use super::request::{Request, is_host};
use super::response::Response;
use super::rule::Rule;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};
use std::{fmt, str};

/// What makes the accept value one of this protocol and no other (§1.3).
pub const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The one version of the protocol that is spoken here (§4.1).
pub const VERSION: &str = "13";

/// The value that answers a key: base64 of the SHA-1 of key and [`GUID`] (§4.2.2).
///
/// ```
/// use plainws::protocol::handshake::accept_value;
///
/// assert_eq!(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // from §1.3
/// ```
#[must_use]
pub fn accept_value(key: &str) -> String {
    STANDARD.encode(digest(key))
}

/// The accept value before it is written in base64.
pub(super) fn digest(key: &str) -> [u8; 20] {
    Sha1::digest([key, GUID].concat()).into()
}

// The server's side.

/// Whether a request means this protocol, rightly or wrongly: then it is judged by [`Upgrade::new`]
/// rather than served as a page.
#[must_use]
pub fn is_asked_for(request: &Request) -> bool {
    let head = request.head();
    let has_own_header = head.fields().any(|(name, _)| {
        [&b"Sec-WebSocket-Key"[..], b"Sec-WebSocket-Version"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
    });
    has_own_header || head.lists("Upgrade", "websocket")
}

/// A request for this protocol that meets every demand of §4.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    accept: String,
    subprotocols: Vec<String>,
}

impl Upgrade {
    /// Judges a request.
    ///
    /// # Errors
    ///
    /// The rule broken; its [`answer`](Rule::answer) is the status to send.
    pub fn new(request: &Request) -> Result<Self, Rule> {
        let head = request.head();
        if !request.is_http_1_1() {
            return Err(Rule::HttpVersionTooLow);
        }
        if request.method() != "GET" {
            return Err(Rule::MethodNotGet);
        }
        check_no_body(head)?;
        check_tokens(head)?;
        // §4.4: a client of another version learns which one is spoken here, whatever else it sent.
        if head.single("Sec-WebSocket-Version")? != Some(VERSION.as_bytes()) {
            return Err(Rule::VersionNot13);
        }
        let key = head
            .single("Sec-WebSocket-Key")?
            .and_then(key)
            .ok_or(Rule::KeyInvalid)?;
        let subprotocols = subprotocols(head)?;
        extensions::names(head)?;
        if head
            .single("Origin")?
            .is_some_and(|origin| !origin.is_ascii())
        {
            return Err(Rule::HeaderMalformed);
        }
        Ok(Self {
            accept: accept_value(key),
            subprotocols,
        })
    }

    /// What the client offers, in its order of preference (§4.2.1).
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// The answer that opens the connection (§4.2.2). Extensions are declined by not naming them, and so
    /// is a subprotocol that was not offered.
    #[must_use]
    pub fn response(&self, subprotocol: Option<&str>) -> String {
        let subprotocol = subprotocol
            .filter(|chosen| self.subprotocols.iter().any(|offered| offered == chosen))
            .map(|chosen| format!("Sec-WebSocket-Protocol: {chosen}\r\n"));
        format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{}\r\n",
            self.accept,
            subprotocol.unwrap_or_default(),
        )
    }
}

/// Whether this can be a `Sec-WebSocket-Key` (§4.1).
#[must_use]
pub fn is_key(value: &[u8]) -> bool {
    key(value).is_some()
}

/// §4.1: base64 of 16 bytes. The last character may carry bits that mean nothing (erratum 3150).
fn key(value: &[u8]) -> Option<&str> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let is_right = ENGINE.decode(value).is_ok_and(|nonce| nonce.len() == 16);
    str::from_utf8(value).ok().filter(|_| is_right)
}

/// §4.1: different, non-empty tokens; at least one if the header is there.
fn subprotocols(head: &Head) -> Result<Vec<String>, Rule> {
    let mut offered = Vec::new();
    for element in head.list("Sec-WebSocket-Protocol") {
        let name = str::from_utf8(element)
            .ok()
            .filter(|_| is_token(element))
            .ok_or(Rule::SubprotocolsMalformed)?;
        offered.push(name.to_owned());
    }
    let mut different: Vec<_> = offered.iter().collect();
    different.sort_unstable();
    different.dedup();
    let is_header_there = head.values("Sec-WebSocket-Protocol").next().is_some();
    if different.len() < offered.len() || is_header_there && offered.is_empty() {
        Err(Rule::SubprotocolsMalformed)
    } else {
        Ok(offered)
    }
}

// Both sides.

/// §4.1: `Upgrade` names websocket and `Connection` names upgrade, in any case.
fn check_tokens(head: &Head) -> Result<(), Rule> {
    if !head.lists("Upgrade", "websocket") {
        return Err(Rule::UpgradeMissing);
    }
    if !head.lists("Connection", "upgrade") {
        return Err(Rule::ConnectionUpgradeMissing);
    }
    Ok(())
}

/// RFC 9110 §7.8: what follows the head belongs to the new protocol, so it cannot be a body.
fn check_no_body(head: &Head) -> Result<(), Rule> {
    let length = head.single("Content-Length")?.unwrap_or(b"0");
    let is_chunked = head.values("Transfer-Encoding").next().is_some();
    if length != b"0" || is_chunked {
        Err(Rule::BodyAnnounced)
    } else {
        Ok(())
    }
}

// The client's side.

/// A client's request, and what it says about the answer (§4.1).
///
/// ```
/// use plainws::protocol::handshake::Opening;
///
/// let opening = Opening::new("example.com", "/chat", *b"the sample nonce")?;
/// assert!(opening.request().contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
/// # Ok::<(), plainws::protocol::handshake::NotSendable>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    host: String,
    target: String,
    key: String,
    subprotocols: Vec<String>,
    headers: Vec<(String, String)>,
}

/// A header, host or target that cannot be put into a request without becoming something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSendable(pub String);

impl fmt::Display for NotSendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot be sent in a request: {:?}", self.0)
    }
}

impl std::error::Error for NotSendable {}

impl Opening {
    /// Someone else's request, of which only the key is known: enough to judge the answer to it.
    pub(super) fn with_key(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..Self::default()
        }
    }

    /// A request for `target` of `host`, which has its port unless that is 80. `nonce` must be random
    /// and new for each connection.
    ///
    /// # Errors
    ///
    /// [`NotSendable`] for a host that is none, and for a target that is not a path of visible ASCII
    /// characters other than `#`.
    pub fn new(host: &str, target: &str, nonce: [u8; 16]) -> Result<Self, NotSendable> {
        if !is_host(host) {
            return Err(NotSendable(host.to_owned()));
        }
        if !target.starts_with('/') || !is_target(target) {
            return Err(NotSendable(target.to_owned()));
        }
        Ok(Self {
            host: host.to_owned(),
            target: target.to_owned(),
            key: STANDARD.encode(nonce),
            subprotocols: Vec::new(),
            headers: Vec::new(),
        })
    }

    /// Offers a subprotocol, after those offered already.
    ///
    /// # Errors
    ///
    /// [`NotSendable`] unless it is a token that was not offered yet.
    pub fn offer_subprotocol(&mut self, name: &str) -> Result<(), NotSendable> {
        if !is_token(name.as_bytes()) || self.subprotocols.iter().any(|earlier| earlier == name) {
            return Err(NotSendable(name.to_owned()));
        }
        self.subprotocols.push(name.to_owned());
        Ok(())
    }

    /// Adds a header, such as `Origin` or `Cookie`.
    ///
    /// # Errors
    ///
    /// [`NotSendable`] for a name that is no token or belongs to the handshake itself, for a second
    /// `Origin` or one that is not ASCII, and for a value with control bytes.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), NotSendable> {
        const OWN: [&str; 10] = [
            "Host",
            "Upgrade",
            "Connection",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Accept",
            "Sec-WebSocket-Version",
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions",
            "Content-Length",
            "Transfer-Encoding",
        ];
        let is_own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
        let is_origin = |name: &str| name.eq_ignore_ascii_case("Origin");
        let is_repeated =
            is_origin(name) && self.headers.iter().any(|(earlier, _)| is_origin(earlier));
        let has_control_byte = value.chars().any(|c| c.is_ascii_control() && c != '\t');
        // §4.1: an origin is sent in ASCII.
        let is_unreadable = has_control_byte || is_origin(name) && !value.is_ascii();
        if is_own || is_repeated || is_unreadable || !is_token(name.as_bytes()) {
            return Err(NotSendable(format!("{name}: {value}")));
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The bytes to send.
    #[must_use]
    pub fn request(&self) -> String {
        let Self {
            host, target, key, ..
        } = self;
        let mut request = format!(
            "GET {target} HTTP/1.1\r\n\
             Host: {host}\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Version: {VERSION}\r\n"
        );
        if !self.subprotocols.is_empty() {
            request += &format!(
                "Sec-WebSocket-Protocol: {}\r\n",
                self.subprotocols.join(", ")
            );
        }
        for (name, value) in &self.headers {
            request += &format!("{name}: {value}\r\n");
        }
        request + "\r\n"
    }

    /// Judges the answer (§4.1) and returns the subprotocol that the server chose.
    ///
    /// # Errors
    ///
    /// The rule that the server broke. [`Rule::StatusNot101`] is also how a server refuses: its
    /// [status](Response::status) then says why.
    pub fn check(&self, response: &Response) -> Result<Option<String>, Rule> {
        if response.status() != 101 {
            return Err(Rule::StatusNot101);
        }
        if response.version() < Version::HTTP_1_1 {
            return Err(Rule::HttpVersionTooLow);
        }
        let response = response.head();
        check_no_body(response)?;
        check_tokens(response)?;
        // §4.1: a request may name several protocols, the answer names this one.
        if response.list("Upgrade").count() != 1 {
            return Err(Rule::UpgradeMissing);
        }
        let accept = response.single("Sec-WebSocket-Accept")?;
        if accept != Some(accept_value(&self.key).as_bytes()) {
            return Err(Rule::AcceptWrong);
        }
        if !extensions::names(response)?.is_empty() {
            return Err(Rule::ExtensionNotOffered);
        }
        let Some(chosen) = response.single("Sec-WebSocket-Protocol")? else {
            return Ok(None);
        };
        let offered = self
            .subprotocols
            .iter()
            .find(|name| name.as_bytes() == chosen);
        offered
            .cloned()
            .map(Some)
            .ok_or(Rule::SubprotocolNotOffered)
    }
}
