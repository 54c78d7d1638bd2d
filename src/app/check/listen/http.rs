//! What is answered where no WebSocket is opened: the page, and refusals (RFC 9110).

use crate::app::text;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use plainws::Rule;
use plainws::protocol::request::Request;
use plainws::protocol::rule::Answer as Due;
use std::borrow::Cow;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may take to be written, and then its reader to leave.
const TO_ANSWER: Duration = Duration::from_secs(2);
/// How much more of what its reader sends is read, so that the answer is not lost with it.
const LEFT_OVER: usize = 256 * 1024;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    kind: &'static str,
    body: Cow<'static, str>,
    /// A GET would have this body too.
    is_head_alone: bool,
}

impl Answer {
    fn new(status: u16, kind: &'static str, body: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            kind,
            body: body.into(),
            is_head_alone: false,
        }
    }

    fn refusal(status: u16, why: &str) -> Self {
        let body = format!("{status} {}: {why}\n", phrase(status));
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    pub(super) fn page() -> Self {
        let page = include_str!("page.html");
        Self::new(200, "text/html; charset=utf-8", page)
    }

    pub(super) fn json(text: String) -> Self {
        Self::new(200, "application/json", text)
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// To a request that breaks a rule.
    pub(super) fn to(rule: Rule) -> Self {
        let status = match rule.answer() {
            Due::Status(status) => status,
            _ => 400,
        };
        Self::refusal(status, &format!("{rule}, {}", rule.id()))
    }

    pub(super) fn late() -> Self {
        Self::refusal(408, "the request did not end in time")
    }

    pub(super) fn other_host() -> Self {
        let why = "it listens on this machine alone, as localhost or an address of the loopback";
        Self::refusal(421, why)
    }

    pub(super) fn other_origin(request: &Request) -> Self {
        let origin = text::quoted(request.origin().unwrap_or_default().as_bytes());
        Self::refusal(
            403,
            &format!("pages of {origin} may not connect, only those of the host that is asked"),
        )
    }

    pub(super) fn too_many_agents() -> Self {
        Self::refusal(503, "too many clients with names of their own are examined")
    }

    pub(super) fn no_such_case(count: usize) -> Self {
        Self::refusal(404, &format!("the cases have the numbers 1 to {count}"))
    }

    pub(super) fn nowhere() -> Self {
        let why = "clients go to /getCaseCount, /runCase?case=N&agent=NAME and /updateReports?agent=NAME, browsers to /";
        Self::refusal(404, why)
    }

    pub(super) fn websocket_only() -> Self {
        Self::refusal(426, "this path speaks WebSocket")
    }

    /// The same for a request by this method.
    pub(super) fn by_method(self, method: &str) -> Self {
        match method {
            "GET" => self,
            "HEAD" => Self {
                is_head_alone: true,
                ..self
            },
            _ => Self::refusal(405, "pages are read with GET"),
        }
    }

    /// Sends it, and ends the connection.
    pub(super) fn send(self, stream: TcpStream) {
        // Whoever has left does not want to know.
        let _ = self.try_send(stream);
    }

    fn try_send(self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(TO_ANSWER))?;
        stream.write_all(self.head().as_bytes())?;
        if !self.is_head_alone {
            stream.write_all(self.body.as_bytes())?;
        }
        stream.shutdown(Shutdown::Write)?;
        wait_for_end(stream)
    }

    fn head(&self) -> String {
        // RFC 9110 §15.5.6 and §15.5.22, §4.4.
        let (connection, more) = match self.status {
            405 => ("close", "Allow: GET, HEAD\r\n"),
            426 => (
                "close, Upgrade",
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            ),
            503 => ("close", "Retry-After: 1\r\n"),
            _ => ("close", ""),
        };
        format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nConnection: {connection}\r\n{more}\
             Content-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; script-src 'unsafe-inline'; \
             style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
             X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n",
            self.status,
            phrase(self.status),
            date(),
            self.kind,
            self.body.len(),
        )
    }
}

/// Now, as heads have it (RFC 9110 §5.6.7).
fn date() -> String {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now());
    date.expect("clocks tell no year before 0")
}

/// Reads on until the other end leaves: closed with bytes unread, TCP would take the answer back.
fn wait_for_end(mut stream: TcpStream) -> io::Result<()> {
    let end = Instant::now() + TO_ANSWER;
    let mut buffer = [0; 4096];
    let mut read = 0;
    while read < LEFT_OVER {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => break,
            length => read += length,
        }
    }
    Ok(())
}

const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    }
}
