//! A server's answer that opens no connection.

use super::words::{clipped, harmless};
use crate::protocol::response::Response;
use std::fmt;

/// A server's answer other than 101: no such path, a redirect, a demand for authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Its status, such as 404, and its headers, such as `Location` or `WWW-Authenticate`.
    pub response: Response,
    /// The beginning of the body, at most 4 KiB, as far as it arrived in time. Of a chunked one (RFC 9112 §7.1), what the
    /// chunks hold.
    pub body: Vec<u8>,
    /// Who refused.
    pub(super) by: Box<str>,
}

impl Refusal {
    pub(super) fn new(response: Response, body: Vec<u8>) -> Self {
        Self {
            response,
            body,
            by: "the server".into(),
        }
    }

    /// The body as text that can be shown anywhere: what is no UTF-8, and what a terminal would obey, is escaped.
    ///
    /// ```no_run
    /// if let Err(plainws::Error::Refused(refusal)) = plainws::connect("ws://127.0.0.1:8000/nowhere") {
    ///     eprintln!("{}: {}", refusal.response.status(), refusal.text());
    /// }
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        harmless(&self.body)
    }

    /// What the body says, if a person can read it, and unless it is what the status line says already.
    fn said(&self) -> Option<String> {
        let head = self.response.head();
        let is_plain = head.values("Content-Encoding").next().is_none();
        let mut rest = self.body.trim_ascii();
        // Not the source of a web page.
        if !is_plain || rest.starts_with(b"<") {
            return None;
        }
        let is_punctuation = |byte: &u8| byte.is_ascii_whitespace() || b".:".contains(byte);
        for told in [
            self.response.status().to_string().as_bytes(),
            self.response.reason().trim_ascii(),
        ] {
            let after = rest.strip_prefix(told).unwrap_or(rest);
            let length = after.iter().take_while(|byte| is_punctuation(byte)).count();
            // Not the beginning of a longer word.
            if length > 0 || after.is_empty() {
                rest = after.get(length..).unwrap_or_default();
            }
        }
        let text = harmless(rest);
        let line = text.lines().next().unwrap_or_default().trim();
        (!line.is_empty()).then(|| clipped(line, MOST))
    }
}

/// Of each thing that a refusal says, so many characters are shown.
const MOST: usize = 200;

fn told(bytes: &[u8]) -> String {
    clipped(&bytes.escape_ascii().to_string(), MOST)
}

/// `status 404 Not Found: no such room`, with the first line of a body that people can read, and of a redirect where it
/// leads. Whatever is not ASCII in the status line is escaped.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.response.status())?;
        match self.response.reason().trim_ascii() {
            [] => {}
            reason => write!(f, " {}", told(reason))?,
        }
        if let Some(location) = self.response.head().values("Location").next() {
            write!(f, ", to {}", told(location))?;
        }
        match self.said() {
            Some(said) => write!(f, ": {said}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Role;
    use crate::protocol::head::{Decoder, Limits};

    fn shown(head: &str, body: &str) -> String {
        let head = format!("HTTP/1.1 {head}\r\n\r\n");
        let mut decoder = Decoder::new(Role::Server, Limits::default());
        let decoded = decoder.receive(head.as_bytes()).expect("it is legal");
        let (head, _) = decoded.expect("it is complete");
        let response = Response::new(head).expect("it is a response");
        Refusal::new(response, body.into()).to_string()
    }

    #[test]
    fn it_says_once_what_its_status_is() {
        for (status_line, body, expected) in [
            ("404 Not Found", "404 Not Found\n", "404 Not Found"),
            ("404 Not Found", "Not Found", "404 Not Found"),
            ("404 Not Found", "404: Not Found.", "404 Not Found"),
            ("404 Not Found", "", "404 Not Found"),
            ("404 ", "404\n", "404"),
            ("404 Not Found", "no room\n", "404 Not Found: no room"),
            (
                "404 Not Found",
                "404 Not Found: no room",
                "404 Not Found: no room",
            ),
            (
                "403 Forbidden",
                "403 Forbidden\r\nwho are you?\r\nand why?",
                "403 Forbidden: who are you?",
            ),
            ("404 Not Found", "Not Founded", "404 Not Found: Not Founded"),
            (
                "404 Not Found",
                "40400 things",
                "404 Not Found: 40400 things",
            ),
            ("404 Not Found", "\u{1b}[2J", "404 Not Found: \\u{1b}[2J"),
            ("502 Bad", "<html>\n<p>Sorry", "502 Bad"),
            ("502 Bad\r\nContent-Encoding: gzip", "\u{1f}x", "502 Bad"),
            (
                "301 Moved\r\nLocation: /\u{e9}",
                "",
                "301 Moved, to /\\xc3\\xa9",
            ),
        ] {
            assert_eq!(shown(status_line, body), format!("status {expected}"));
        }
    }

    #[test]
    fn a_long_line_is_clipped() {
        let shown = shown("500 ", &"x".repeat(4096));
        assert_eq!(shown, format!("status 500: {}…", "x".repeat(200)));
    }

    #[test]
    fn a_long_head_is_clipped() {
        let long = "x".repeat(4096);
        let shown = shown(&format!("301 {long}\r\nLocation: {long}"), "");
        let clipped = format!("{}…", "x".repeat(200));
        assert_eq!(shown, format!("status 301 {clipped}, to {clipped}"));
    }
}
