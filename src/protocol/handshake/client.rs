//! The client's side: a request is made, and the answer to it judged (§4.1).
#![warn(clippy::indexing_slicing)]

use super::accept::accept_value;
use super::both::{InvalidHeader, VERSION, check_connection, check_no_body, problem_of};
use super::extensions::{self, Extension};
use crate::protocol::checks::{Checks, Place};
use crate::protocol::head::{Head, StatusLine, Version, is_target, is_token};
use crate::protocol::request::is_host;
use crate::protocol::response::Response;
use crate::protocol::rule::Rule;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A client's request, and what the answer to it must be (§4.1).
///
/// ```
/// use plainws::protocol::handshake::Opening;
///
/// let opening = Opening::new("example.com", "/chat", *b"the sample nonce")?;
/// assert!(opening.request().contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
/// # Ok::<(), plainws::protocol::handshake::InvalidHeader>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    host: String,
    target: String,
    key: String,
    subprotocols: Vec<String>,
    headers: Vec<(String, String)>,
}

/// The parts of a request that the answer to it depends on, as far as they are known: by default not at all.
/// What is not known is not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The key.
    pub key: Option<String>,
    /// The subprotocols that were offered.
    pub subprotocols: Option<Vec<String>>,
    /// The names of the extensions that were offered.
    pub extensions: Option<Vec<String>>,
}

impl Asked {
    /// Changes [`Self::key`](#structfield.key).
    #[must_use]
    pub fn key(self, key: impl Into<Option<String>>) -> Self {
        let key = key.into();
        Self { key, ..self }
    }

    /// Changes [`Self::subprotocols`](#structfield.subprotocols).
    #[must_use]
    pub fn subprotocols(self, names: impl Into<Option<Vec<String>>>) -> Self {
        let subprotocols = names.into();
        Self {
            subprotocols,
            ..self
        }
    }

    /// Changes [`Self::extensions`](#structfield.extensions).
    #[must_use]
    pub fn extensions(self, names: impl Into<Option<Vec<String>>>) -> Self {
        let extensions = names.into();
        Self { extensions, ..self }
    }

    /// All of it as this request has it.
    #[must_use]
    pub fn by(request: &Head) -> Self {
        let text = |name| String::from_utf8_lossy(name).into_owned();
        let subprotocols = request.list("Sec-WebSocket-Protocol").map(text);
        let extensions = request.values(extensions::NAME).flat_map(Extension::list);
        let extensions = extensions.flatten().map(|extension| extension.name.into());
        Self {
            key: request.text("Sec-WebSocket-Key").map(str::to_owned),
            subprotocols: Some(subprotocols.collect()),
            extensions: Some(extensions.collect()),
        }
    }
}

impl Opening {
    /// A request for `target` of `host`, which includes the port unless that is 80. `nonce` must be
    /// random and new for each connection.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for a host that is not a host, and for a target that is not a path of visible
    /// ASCII characters other than `#`.
    pub fn new(host: &str, target: &str, nonce: [u8; 16]) -> Result<Self, InvalidHeader> {
        let host = checked_host(host)?;
        if !target.starts_with('/') || !is_target(target) {
            let problem = "it begins with a slash and has only visible ASCII characters, and no #";
            return Err(InvalidHeader::new("path", target, problem));
        }
        Ok(Self {
            host,
            target: target.to_owned(),
            key: STANDARD.encode(nonce),
            subprotocols: Vec::new(),
            headers: Vec::new(),
        })
    }

    /// Names another host than that of the URL.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for a host that is not a host.
    pub fn set_host(&mut self, host: &str) -> Result<(), InvalidHeader> {
        self.host = checked_host(host)?;
        Ok(())
    }

    /// Offers a subprotocol, after those offered already.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] unless it is a token that was not offered yet.
    pub fn offer_subprotocol(&mut self, name: &str) -> Result<(), InvalidHeader> {
        let offered = &mut self.subprotocols;
        let problem = if !is_token(name.as_bytes()) {
            "a subprotocol is letters, digits and some signs, without spaces or commas"
        } else if offered.iter().any(|earlier| earlier == name) {
            "it is offered already"
        } else {
            offered.push(name.to_owned());
            return Ok(());
        };
        Err(InvalidHeader::new("subprotocol", name, problem))
    }

    /// Adds a header, such as `Origin` or `Cookie`.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for a name that is not a token or belongs to the handshake itself, for a second
    /// `Origin` or one that is not ASCII, and for a value with control bytes.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), InvalidHeader> {
        let is_host = name.eq_ignore_ascii_case("Host");
        let is_origin = |name: &str| name.eq_ignore_ascii_case("Origin");
        let is_repeated =
            is_origin(name) && self.headers.iter().any(|(earlier, _)| is_origin(earlier));
        // §4.1: an origin is sent in ASCII.
        let is_unreadable = is_origin(name) && !value.is_ascii();
        let problem = match problem_of(name, value) {
            None if is_host => Some("a request names one host"),
            None if is_repeated => Some("a request has one origin"),
            None if is_unreadable => Some("an origin is in ASCII"),
            problem => problem,
        };
        if let Some(problem) = problem {
            return Err(InvalidHeader::header(name, problem));
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The bytes to send.
    #[must_use]
    pub fn request(&self) -> String {
        let Self {
            host,
            target,
            key,
            subprotocols,
            headers,
        } = self;
        let mut request = format!(
            "GET {target} HTTP/1.1\r\n\
             Host: {host}\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Version: {VERSION}\r\n"
        );
        if !subprotocols.is_empty() {
            let offered = subprotocols.join(", ");
            request += &format!("Sec-WebSocket-Protocol: {offered}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request + "\r\n"
    }

    /// Judges the answer (§4.1) and returns the subprotocol that the server chose.
    ///
    /// # Errors
    ///
    /// The first rule that the answer breaks. [`Rule::StatusNot101`] is not always a mistake: a server
    /// refuses so, and its [status](Response::status) says why.
    pub fn check(&self, response: &Response) -> Result<Option<String>, Rule> {
        let asked = Asked {
            key: Some(self.key.clone()),
            subprotocols: Some(self.subprotocols.clone()),
            extensions: Some(Vec::new()),
        };
        judge(
            response.line(),
            response.head(),
            &asked,
            &mut Checks::until_one_fails(),
        )
    }
}

fn checked_host(host: &str) -> Result<String, InvalidHeader> {
    let host = host.to_owned();
    if is_host(&host) {
        Ok(host)
    } else {
        let problem = "a host is a name or an address, and a port if need be";
        Err(InvalidHeader::new("host", &host, problem))
    }
}

/// Runs the checks of §4.1, but for those that depend on what is not known of the request.
pub(in crate::protocol) fn judge(
    line: &StatusLine,
    head: &Head,
    asked: &Asked,
    checks: &mut Checks,
) -> Result<Option<String>, Rule> {
    use Place::{Headers, StartLine};
    checks.check(StartLine, Rule::StatusNot101, line.status == 101)?;
    if line.status != 101 {
        // Nothing more is demanded of a response that refuses.
        return Ok(None);
    }
    let is_http_1_1 = line.version >= Version::HTTP_1_1;
    checks.check(StartLine, Rule::HttpVersionTooLow, is_http_1_1)?;
    check_no_body(head, checks)?;
    // A request may name several protocols; the answer names this one alone.
    let is_alone = head.list("Upgrade").count() == 1 && head.lists("Upgrade", "websocket");
    checks.check(Headers("Upgrade"), Rule::UpgradeMissing, is_alone)?;
    check_connection(head, checks)?;

    const ACCEPT: &str = "Sec-WebSocket-Accept";
    checks.once(head, ACCEPT, Rule::HeaderRepeated)?;
    match asked.key.as_deref().map(accept_value) {
        Some(accept) => {
            let answers = |value: &[u8]| (value == accept.as_bytes()).then_some(());
            checks.required(head, ACCEPT, Rule::AcceptWrong, answers)?;
        }
        // Whatever the key was, something must answer it.
        None if head.values(ACCEPT).next().is_none() => {
            checks.check(Headers(ACCEPT), Rule::AcceptWrong, false)?;
        }
        None => {}
    }

    extensions::judge(head, checks)?;
    if let Some(offered) = &asked.extensions {
        let is_offered = |name: &str| offered.iter().any(|offered| offered == name);
        let names_no_other = |line| {
            // A line that is not a list was judged just now.
            let list = Extension::list(line).unwrap_or_default();
            let mut names = list.iter().map(|extension| extension.name);
            names.all(is_offered).then_some(())
        };
        let rule = Rule::ExtensionNotOffered;
        checks.each(head, extensions::NAME, rule, names_no_other)?;
    }

    const PROTOCOL: &str = "Sec-WebSocket-Protocol";
    checks.once(head, PROTOCOL, Rule::HeaderRepeated)?;
    let Some(subprotocols) = &asked.subprotocols else {
        return Ok(None);
    };
    let offered = |chosen: &[u8]| {
        let mut offered = subprotocols.iter();
        offered.find(|name| name.as_bytes() == chosen).cloned()
    };
    let chosen = checks.each(head, PROTOCOL, Rule::SubprotocolNotOffered, offered)?;
    Ok(chosen.into_iter().next())
}
