//! The server's side: a request is judged and answered (§4.2).
#![warn(clippy::indexing_slicing)]

use super::accept::{accept_value, key};
use super::both::{InvalidHeader, VERSION, check_connection, check_no_body, problem_of};
use super::extensions;
use crate::protocol::checks::{Checks, Place};
use crate::protocol::head::{Head, RequestLine, Version, is_token};
use crate::protocol::request::Request;
use crate::protocol::rule::Rule;
use std::str;

/// Whether a request asks for this protocol, correctly or not: if so, [`Upgrade::new`] judges it, and no
/// page answers it.
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
    headers: Vec<(String, String)>,
}

impl Upgrade {
    /// Judges a request.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks, whose [`answer`](Rule::answer) is the status to send.
    pub fn new(request: &Request) -> Result<Self, Rule> {
        judge(
            request.line(),
            request.head(),
            &mut Checks::until_one_fails(),
        )
    }

    /// What the client offers, in its order of preference (§4.2.1).
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// Adds a header to the [answer](Self::response), such as `Set-Cookie` (§1.3).
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for one that [`check_header`] refuses.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), InvalidHeader> {
        check_header(name, value)?;
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The answer that opens the connection (§4.2.2). It names no extension, which declines all of them,
    /// and the subprotocol only if the client offered it.
    #[must_use]
    pub fn response(&self, subprotocol: Option<&str>) -> String {
        let subprotocol = subprotocol
            .filter(|chosen| self.subprotocols.iter().any(|offered| offered == chosen))
            .map_or(String::new(), |chosen| {
                format!("Sec-WebSocket-Protocol: {chosen}\r\n")
            });
        let mut response = format!(
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{subprotocol}",
            self.accept,
        );
        for (name, value) in &self.headers {
            response += &format!("{name}: {value}\r\n");
        }
        response + "\r\n"
    }
}

/// Judges a header that a server's user adds to a response of any status.
///
/// # Errors
///
/// [`InvalidHeader`] for a name that is not a token or that the server answers for itself (those of the
/// handshake, `Connection`, `Content-Length`, `Transfer-Encoding`, `Date`), and for a value with control bytes.
pub fn check_header(name: &str, value: &str) -> Result<(), InvalidHeader> {
    let problem = match problem_of(name, value) {
        None if name.eq_ignore_ascii_case("Date") => Some("it is there already"),
        problem => problem,
    };
    problem.map_or(Ok(()), |problem| Err(InvalidHeader::header(name, problem)))
}

/// Runs the checks of §4.2.1.
pub(in crate::protocol) fn judge(
    line: &RequestLine,
    head: &Head,
    checks: &mut Checks,
) -> Result<Upgrade, Rule> {
    use Place::{Headers, StartLine};
    let is_http_1_1 = line.version >= Version::HTTP_1_1;
    checks.check(StartLine, Rule::HttpVersionTooLow, is_http_1_1)?;
    checks.check(StartLine, Rule::MethodNotGet, line.method == "GET")?;
    check_no_body(head, checks)?;
    let is_named = head.lists("Upgrade", "websocket");
    checks.check(Headers("Upgrade"), Rule::UpgradeMissing, is_named)?;
    check_connection(head, checks)?;

    // §4.4: a client of another version learns which one is spoken here, whatever else it sent.
    const VERSION_NAME: &str = "Sec-WebSocket-Version";
    let is_13 = |version: &[u8]| (version == VERSION.as_bytes()).then_some(());
    checks.once(head, VERSION_NAME, Rule::HeaderRepeated)?;
    checks.required(head, VERSION_NAME, Rule::VersionNot13, is_13)?;

    const KEY: &str = "Sec-WebSocket-Key";
    checks.once(head, KEY, Rule::HeaderRepeated)?;
    let key = checks.required(head, KEY, Rule::KeyInvalid, key)?;

    let offered = subprotocols(head);
    let place = Headers("Sec-WebSocket-Protocol");
    let subprotocols = checks.value(place, Rule::SubprotocolsMalformed, offered)?;
    extensions::judge(head, checks)?;

    // §4.1: an origin is in ASCII. RFC 6454 §7.3: there is one at most.
    let in_ascii = |origin: &[u8]| origin.is_ascii().then_some(());
    checks.once(head, "Origin", Rule::HeaderRepeated)?;
    checks.each(head, "Origin", Rule::HeaderMalformed, in_ascii)?;
    Ok(Upgrade {
        accept: accept_value(key),
        subprotocols,
        headers: Vec::new(),
    })
}

/// §4.1: different, non-empty tokens. Some clients send the header also when they offer none: a list of nothing
/// is no offer.
fn subprotocols(head: &Head) -> Option<Vec<String>> {
    let mut offered = Vec::new();
    for element in head.list("Sec-WebSocket-Protocol") {
        let name = str::from_utf8(element).ok().filter(|_| is_token(element))?;
        offered.push(name.to_owned());
    }
    let mut different: Vec<_> = offered.iter().collect();
    different.sort_unstable();
    different.dedup();
    (different.len() == offered.len()).then_some(offered)
}
