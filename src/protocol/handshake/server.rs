//! The server's side: a request is judged and answered (§4.2).
#![warn(clippy::indexing_slicing)]

use super::accept::{accept_value, key};
use super::both::{VERSION, check_no_body, check_tokens};
use super::extensions;
use crate::protocol::head::{Head, is_token};
use crate::protocol::request::Request;
use crate::protocol::rule::Rule;
use std::str;

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
