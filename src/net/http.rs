//! What the port answers besides WebSocket: pages and refusals (RFC 9110, RFC 9112).

#[cfg(any(unix, windows))]
use super::file_body::FileBody;
use super::log::Outcome;
use super::origin;
use crate::protocol::handshake::{VERSION, check_header};
use crate::protocol::head::Head;
use crate::protocol::request::Request;
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};
#[cfg(any(unix, windows))]
use std::{fs::File, io};

/// A document that a path answers a plain GET with, or the refusal of a request.
///
/// ```
/// use plainws::Page;
///
/// let page = Page::html("<!doctype html><title>Hello</title>");
/// let refusal = Page::refusal(403, "this room is for members");
/// let other_refusal = Page::html("<!doctype html><title>Nothing here</title>").status(404);
/// let challenge = Page::refusal(401, "who are you?").header("WWW-Authenticate", "Basic realm=\"chat\"");
/// let elsewhere = Page::text("moved").status(303).header("Location", "/login");
/// ```
///
/// Beside its own headers a page is sent with `Cache-Control: no-cache`, `X-Content-Type-Options: nosniff`,
/// `Referrer-Policy: no-referrer` and a `Content-Security-Policy` that lets it load from its own host, connect to
/// that, and nothing else: no inline script, no frame around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    status: u16,
    content_type: &'static str,
    headers: Vec<(String, String)>,
    has_content_policy: bool,
    body: Body,
    /// Why, if it is a refusal that says so.
    reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    Bytes(Cow<'static, [u8]>),
    #[cfg(any(unix, windows))]
    File(FileBody),
}

impl Page {
    /// A document of any type, such as `image/svg+xml`.
    pub fn new(content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self {
            status: 200,
            content_type,
            headers: Vec::new(),
            has_content_policy: true,
            body: Body::Bytes(body.into()),
            reason: None,
        }
    }

    /// A document of any type that is read from a file while it is sent, 64 KiB at a time: however long it is, and
    /// however slowly the peer takes it, no more of it is in memory. It is as long as the file is now. If the file
    /// cannot be read that far when the page is sent, the connection ends before the page does.
    ///
    /// It may be served many times, and to many at once. Only a regular file has a length: who takes a path from
    /// a peer looks at [`Metadata::is_file`](std::fs::Metadata::is_file), and before it is opened, since to open
    /// another kind of file may wait.
    ///
    /// ```no_run
    /// use plainws::{Page, Server};
    ///
    /// # fn main() -> plainws::Result<()> {
    /// let video = Page::file("video/mp4", std::fs::File::open("tour.mp4")?)?;
    /// let server = Server::bind("127.0.0.1:8000")?.page("/tour.mp4", video);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The system does not tell the length of the file.
    #[cfg(any(unix, windows))]
    pub fn file(content_type: &'static str, file: File) -> io::Result<Self> {
        let body = Body::File(FileBody::new(file)?);
        Ok(Self {
            body,
            ..Self::new(content_type, &[][..])
        })
    }

    /// A web page in UTF-8.
    #[must_use]
    pub fn html(body: impl Into<Cow<'static, str>>) -> Self {
        Self::new("text/html; charset=utf-8", bytes(body.into()))
    }

    /// Plain text in UTF-8.
    #[must_use]
    pub fn text(body: impl Into<Cow<'static, str>>) -> Self {
        Self::new(PLAIN_TEXT, bytes(body.into()))
    }

    /// A refusal whose body says why in plain text: `403 Forbidden: this room is for members`. The log has the
    /// reason too ([`Outcome::Response`]).
    #[must_use]
    pub fn refusal(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            reason: Some(reason.clone()),
            ..Self::text(refusal_text(status, &reason)).status(status)
        }
    }

    /// The same with another status. Default 200. A redirect, such as 302, needs a `Location`
    /// ([`header`](Self::header)).
    ///
    /// A status below 200 is not final, and responses with 204, 205 and 304 have no body: for the former, for a
    /// page with one of the latter whose body is not empty, and for a status above 599, 500 is sent.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with one more header, such as `WWW-Authenticate`, `Location` or `Set-Cookie`. It replaces the one
    /// of this name that would be sent by default, such as `Cache-Control`; beyond that a name may come several
    /// times.
    ///
    /// A header that must not be sent makes the response a 500 whose reason names it, in the body and the log: one
    /// whose name is not a token, whose value has control bytes, or which the server answers for itself
    /// (`Connection`, `Content-Length`, `Transfer-Encoding`, `Date`, `Upgrade`, those of `Sec-WebSocket-`).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without the default `Content-Security-Policy`, for a page with inline scripts or with parts from
    /// elsewhere. Another one can be set with [`header`](Self::header).
    #[must_use]
    pub const fn without_content_policy(mut self) -> Self {
        self.has_content_policy = false;
        self
    }
}

impl Body {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            #[cfg(any(unix, windows))]
            Self::File(file) => file.length(),
        }
    }
}

fn bytes(text: Cow<'static, str>) -> Cow<'static, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// Pages load from their own host only, and connect to nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The methods that a path with something at it allows.
const ALLOWED: &str = "GET, HEAD, OPTIONS";

const DEFAULT_HEADERS: [(&str, &str); 4] = [
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
];

/// A response to a request that opens no WebSocket connection.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    body: Body,
    /// Why, if it is a refusal.
    pub(super) refusal: Option<Refusal>,
}

/// Why a request is refused: a short name to count it by, and a sentence.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) id: &'static str,
    pub(super) reason: String,
}

impl Response {
    pub(super) fn page(page: Page) -> Self {
        let Page {
            status,
            content_type,
            headers,
            has_content_policy,
            body,
            reason,
        } = page;
        if !(200..=599).contains(&status) {
            let reason = format!("a page cannot have the status {status}");
            return Self::refusal(500, "page-status", reason);
        }
        if [204, 205, 304].contains(&status) && body.length() > 0 {
            let reason = format!("a page with the status {status} has no body");
            return Self::refusal(500, "page-status", reason);
        }
        let mut response = Self::new(status, content_type, body);
        if !has_content_policy {
            response.remove_header("Content-Security-Policy");
        }
        for (name, _) in &headers {
            response.remove_header(name);
        }
        for (name, value) in headers {
            if check_header(&name, &value).is_err() {
                return header_refusal(&name);
            }
            response.headers.push((name.into(), value.into()));
        }
        let id = "page-refused";
        response.refusing(reason.map(|reason| Refusal { id, reason }))
    }

    /// A refusal that says why in its body (RFC 9110 §15.5).
    pub(super) fn refusal(status: u16, id: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let body = refusal_text(status, &reason).into_bytes();
        Self::new(status, PLAIN_TEXT, Body::Bytes(body.into()))
            .refusing(Some(Refusal { id, reason }))
    }

    fn refusing(self, refusal: Option<Refusal>) -> Self {
        Self { refusal, ..self }
    }

    /// With the headers that its status calls for.
    fn new(status: u16, content_type: &'static str, body: Body) -> Self {
        let mut response = Self {
            status,
            headers: Vec::new(),
            body,
            refusal: None,
        };
        match status {
            // RFC 9110 §15.5.6 and §15.5.22, §4.4.
            405 => response.add_header("Allow", ALLOWED),
            426 => {
                response.add_header("Upgrade", "websocket");
                response.add_header("Sec-WebSocket-Version", VERSION);
            }
            503 => response.add_header("Retry-After", "1"),
            _ => {}
        }
        if response.has_content() {
            response.add_header("Content-Type", content_type);
        }
        for (name, value) in DEFAULT_HEADERS {
            response.add_header(name, value);
        }
        response
    }

    /// RFC 9110 §8.6, §15.3.5, §15.4.5: two statuses have not even empty content.
    const fn has_content(&self) -> bool {
        !matches!(self.status, 204 | 304)
    }

    pub(super) fn redirect(location: String) -> Self {
        let mut response = Self::refusal(308, "redirected", format!("the page is at {location}"));
        response.add_header("Location", location);
        response
    }

    pub(super) fn add_header(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers.push((name.into(), value.into()));
    }

    fn remove_header(&mut self, name: &str) {
        self.headers
            .retain(|(there, _)| !there.eq_ignore_ascii_case(name));
    }

    /// What is reported of it when this much of its body was sent.
    pub(super) fn outcome(&self, length: u64) -> Outcome<'_> {
        Outcome::Response {
            status: self.status,
            length: usize::try_from(length).unwrap_or(usize::MAX),
            reason: self.refusal.as_ref().map(|refusal| &*refusal.reason),
        }
    }

    /// The body that a GET is answered with, unless it is a [file](Self::file).
    pub(super) fn body(&self) -> &[u8] {
        match &self.body {
            Body::Bytes(bytes) => bytes,
            #[cfg(any(unix, windows))]
            Body::File(_) => &[],
        }
    }

    /// The same if it is a file.
    #[cfg(any(unix, windows))]
    pub(super) fn file(&self) -> Option<&FileBody> {
        match &self.body {
            Body::Bytes(_) => None,
            Body::File(file) => Some(file),
        }
    }

    /// Whether the peer may have to read of it before all of it can be written.
    pub(super) fn is_long(&self) -> bool {
        /// Systems take as much at once, as a rule.
        const AT_ONCE: usize = 64 * 1024;
        match &self.body {
            Body::Bytes(bytes) => bytes.len() > AT_ONCE,
            #[cfg(any(unix, windows))]
            Body::File(_) => true,
        }
    }

    /// The head to send, which says `Connection: close` when no request may follow.
    pub(super) fn head(&self, is_last: bool, now: SystemTime) -> Vec<u8> {
        let connection = match (is_last, self.status) {
            (true, 426) => "close, Upgrade",
            (true, _) => "close",
            (false, 426) => "keep-alive, Upgrade",
            (false, _) => "keep-alive",
        };
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nConnection: {connection}\r\n",
            self.status,
            reason_phrase(self.status),
            http_date(now),
        );
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.has_content() {
            head += &format!("Content-Length: {}\r\n", self.body.length());
        }
        head += "\r\n";
        head.into_bytes()
    }
}

/// The answer instead of one with a header that must not be sent. Its value may be a secret, so it is not told.
pub(super) fn header_refusal(name: &str) -> Response {
    let reason = format!("the header {name:?} cannot be sent as it was set");
    Response::refusal(500, "header-invalid", reason)
}

/// RFC 9110 §15.5.20.
pub(super) fn host_not_served() -> Response {
    let reason = "this server does not answer for that host unless it is allowed \
                  (--allow-host, allow_host)";
    Response::refusal(421, "host-not-served", reason)
}

pub(super) fn websocket_only() -> Response {
    Response::refusal(426, "websocket-only", "this path speaks WebSocket")
}

/// What OPTIONS is answered with where there is something (RFC 9110 §9.3.7).
pub(super) fn options() -> Response {
    let mut response = Response::new(204, PLAIN_TEXT, Body::Bytes(Cow::default()));
    response.add_header("Allow", ALLOWED);
    response
}

/// §10.2.
pub(super) fn origin_not_allowed(request: &Request) -> Response {
    let reason = origin::refusal(request.origin().unwrap_or_default(), request.host());
    Response::refusal(403, "origin-not-allowed", reason)
}

/// Why a request's body cannot be taken: no path of this server needs one.
pub(super) fn body_refusal(head: &Head) -> Option<Response> {
    // A Transfer-Encoding that lists nothing counts as well: a proxy in front of this server may still
    // take the body for chunked.
    let is_coded = head.values("Transfer-Encoding").next().is_some();
    let codings: Option<Vec<_>> = is_coded.then(|| head.list("Transfer-Encoding").collect());
    let mut lengths = head.values("Content-Length");
    let length = lengths.next();
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    // RFC 9112 §6.1, §6.3: if it is uncertain where the body ends, the request is bad.
    let (status, reason) = match (codings.as_deref(), length, lengths.next()) {
        (None, None, _) | (None, Some(b"0"), None) => return None,
        (_, _, Some(_)) => (400, "Content-Length stands once"),
        (Some(_), Some(_), _) => (
            400,
            "a body has either a Content-Length or a Transfer-Encoding",
        ),
        (Some([.., _, last]), None, _) if is_chunked(last) => {
            (501, "that transfer coding is not implemented")
        }
        (Some(codings), None, _) if !codings.last().is_some_and(|last| is_chunked(last)) => {
            (400, "chunked must be the last transfer coding")
        }
        (None, Some(digits), _) if !digits.iter().all(u8::is_ascii_digit) || digits.is_empty() => {
            (400, "Content-Length is a number")
        }
        _ => (413, "a request to this server has no body"),
    };
    Some(Response::refusal(status, "body-refused", reason))
}

/// Why a request line is not served. A request of HTTP/0.9 said no version, so what does is bad (RFC 9110
/// §2.5). Known methods are not allowed here, others are not implemented (RFC 9110 §9.1, §15.5.6, §15.6.2).
pub(super) fn line_refusal(request: &Request) -> Option<Response> {
    if request.version().major == 0 {
        let reason = "HTTP/1.0 or higher is spoken here";
        return Some(Response::refusal(400, "http-version-too-low", reason));
    }
    match request.method() {
        "GET" | "HEAD" | "OPTIONS" => None,
        "POST" | "PUT" | "DELETE" | "CONNECT" | "TRACE" | "PATCH" => Some(Response::refusal(
            405,
            "method-not-allowed",
            "pages are read with GET",
        )),
        _ => Some(Response::refusal(
            501,
            "method-unknown",
            "that method is not implemented",
        )),
    }
}

fn refusal_text(status: u16, reason: &str) -> String {
    match reason_phrase(status) {
        "" => format!("{status}: {reason}\n"),
        phrase => format!("{status} {phrase}: {reason}\n"),
    }
}

/// Those of RFC 9110 §15, RFC 6585 (428, 429, 431, 511) and RFC 7725 (451).
fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "",
    }
}

/// RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(time: SystemTime) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb",
    ];

    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let days = seconds / 86_400;
    // If years begin in March, the extra day of a leap year is its last. Then divisions give a day's year
    // and month, within the 146,097 days that 400 years have.
    let since_march_0 = days + 719_468;
    let (era, day_of_era) = (since_march_0 / 146_097, since_march_0 % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + u64::from(month >= 10);

    let name = |names: &[&'static str], index: u64| {
        names
            .get(usize::try_from(index).unwrap_or(0))
            .copied()
            .unwrap_or("")
    };
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        name(&WEEKDAYS, days % 7),
        name(&MONTHS, month),
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_imf_fixdates() {
        let date = |seconds| http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(date(1_709_251_199), "Thu, 29 Feb 2024 23:59:59 GMT");
        assert_eq!(date(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
    }

    #[test]
    fn each_status_has_the_phrase_of_its_rfc() {
        let phrases = [
            (200, "OK"),
            (201, "Created"),
            (202, "Accepted"),
            (203, "Non-Authoritative Information"),
            (204, "No Content"),
            (205, "Reset Content"),
            (206, "Partial Content"),
            (300, "Multiple Choices"),
            (301, "Moved Permanently"),
            (302, "Found"),
            (303, "See Other"),
            (304, "Not Modified"),
            (307, "Temporary Redirect"),
            (308, "Permanent Redirect"),
            (400, "Bad Request"),
            (401, "Unauthorized"),
            (402, "Payment Required"),
            (403, "Forbidden"),
            (404, "Not Found"),
            (405, "Method Not Allowed"),
            (406, "Not Acceptable"),
            (407, "Proxy Authentication Required"),
            (408, "Request Timeout"),
            (409, "Conflict"),
            (410, "Gone"),
            (411, "Length Required"),
            (412, "Precondition Failed"),
            (413, "Content Too Large"),
            (414, "URI Too Long"),
            (415, "Unsupported Media Type"),
            (416, "Range Not Satisfiable"),
            (417, "Expectation Failed"),
            (421, "Misdirected Request"),
            (422, "Unprocessable Content"),
            (426, "Upgrade Required"),
            (428, "Precondition Required"),
            (429, "Too Many Requests"),
            (431, "Request Header Fields Too Large"),
            (451, "Unavailable For Legal Reasons"),
            (500, "Internal Server Error"),
            (501, "Not Implemented"),
            (502, "Bad Gateway"),
            (503, "Service Unavailable"),
            (504, "Gateway Timeout"),
            (505, "HTTP Version Not Supported"),
            (511, "Network Authentication Required"),
        ];
        for (status, phrase) in phrases {
            let head = Response::refusal(status, "id", "why").head(true, UNIX_EPOCH);
            let line = format!("HTTP/1.1 {status} {phrase}\r\n");
            assert!(head.starts_with(line.as_bytes()), "{line}");
        }
    }
}
