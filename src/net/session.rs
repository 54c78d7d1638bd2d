//! One accepted TCP connection: requests are read, answered, and one may open a WebSocket connection.

use super::applicant::{Admission, Applicant};
use super::budget::Share;
use super::caretaker;
use super::deadline::{after, deadline_in, is_timeout};
use super::error::Error;
use super::hosts::HostPolicy;
use super::http::{self, Response};
use super::limits::Limits;
use super::log::{self, EndedBy, Outcome, Record};
use super::overdue::{Decision, overdue};
use super::pace::Pace;
use super::paths::InvalidPath;
use super::places::{Full, Place};
use super::proxied::{self, Introduction};
use super::read_head::read_head;
use super::registry::{Membership, Phase, Registry};
use super::security;
use super::site::{Destination, Handler, HandlerError, MakePage, Route, Site};
use super::stream::{Passed, Stream};
use super::tap::{Direction, Tapped};
use super::websocket::{Handshake, WebSocket};
use crate::protocol::Role;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::Connection;
use crate::protocol::handshake::{self, Upgrade};
use crate::protocol::head::{self, Head};
use crate::protocol::request::Request;
use crate::protocol::rule::{Answer, Rule};
use std::error::Error as StdError;
use std::io::{self, IoSlice};
use std::iter;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a head may take in a reserved place: the few who may have one follow each other quickly.
const RESERVED_HEAD_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a connection to its end.
///
/// Pages of the stack that were touched stay for as long as the thread lives. So the handler is run when what
/// came before has returned, and nothing with a large frame is inlined into what calls it.
pub(super) fn run(
    stream: Arc<Stream>,
    peer: Option<SocketAddr>,
    introduction: Option<Introduction>,
    site: &Site,
    hosts: &HostPolicy,
    membership: Membership,
) {
    // A socket that cannot be prepared is dead already.
    if stream.prepare().is_err() {
        return;
    }
    let place = membership.place();
    let mut session = Session {
        site,
        hosts,
        peer,
        client: ip(peer),
        is_secure: site.security.is_on(),
        stream,
        membership,
        pace: Pace::of_output(&site.limits, Instant::now()),
        after_head: Vec::new(),
        reported: Passed::default(),
        tapped: Tapped::default(),
    };
    let has_handshake = session.is_secure || introduction.is_some();
    if has_handshake && !session.shake_hands(introduction.as_ref()) {
        return;
    }
    match place {
        Place::Ordinary => {
            if let Some(opened) = &mut session.run() {
                opened.run();
            }
        }
        Place::Reserved(full) => session.run_in_reserve(full),
    }
}

struct Session<'a> {
    site: &'a Site,
    /// Which hosts are answered for where the connection was accepted.
    hosts: &'a HostPolicy,
    /// Whoever connected, or what a trusted proxy told instead.
    peer: Option<SocketAddr>,
    /// Who sent the latest request.
    client: Option<IpAddr>,
    /// Whether the connection is inside TLS, here or at a trusted proxy.
    is_secure: bool,
    stream: Arc<Stream>,
    membership: Membership,
    /// The pace at which the peer takes responses.
    pace: Pace,
    /// What arrived after the last head: the next request, or the first frames.
    after_head: Vec<u8>,
    /// What has passed for the requests before this one.
    reported: Passed,
    /// Watches the bytes, from the request on that asks for a WebSocket connection.
    tapped: Tapped,
}

/// How a wait for a head ended.
enum Awaited {
    Head(Head),
    /// The answer to a head that broke a rule or did not end, and its first line as far as it arrived.
    Refused(Response, Vec<u8>),
    Nothing,
}

/// What a request is answered with.
enum Reply<'a> {
    /// A response; no request may follow it if `is_last`.
    Response { response: Response, is_last: bool },
    /// The 101 and what comes after.
    Upgrade(Accepted<'a>),
    /// A response that was sent already, in these bytes.
    Sent { response: Response, bytes: Vec<u8> },
}

/// After a refused handshake frames may follow, so nothing is read as a request.
impl From<Response> for Reply<'_> {
    fn from(response: Response) -> Self {
        Self::Response {
            response,
            is_last: true,
        }
    }
}

/// A handshake that is accepted: the answer to it, and what its connection needs.
struct Accepted<'a> {
    response: String,
    handshake: Box<Handshake>,
    /// Those that it was admitted with.
    limits: Option<Box<Limits>>,
    handler: &'a Handler,
}

/// A WebSocket connection, and its handler, which is still to be run.
struct Opened<'a> {
    ws: WebSocket,
    handler: &'a Handler,
    site: &'a Site,
    membership: Membership,
    started: Instant,
    /// What had passed before its request.
    reported: Passed,
}

impl<'a> Session<'a> {
    /// Does what comes before the first head: a trusted proxy introduces its client, and the handshake of TLS is made.
    /// Returns whether all is well; otherwise the connection has ended.
    #[inline(never)]
    fn shake_hands(&mut self, introduction: Option<&Introduction>) -> bool {
        let started = Instant::now();
        let timeout = self.head_timeout();
        let stream = Arc::clone(&self.stream);
        let mut counted = Ok(());
        let shaken = stream.shake_hands_in_steps(deadline_in(timeout), || {
            // Before any more is done for it. It has this client for as long as it lasts.
            self.peer = introduction.and_then(Introduction::source).or(self.peer);
            self.client = ip(self.peer);
            counted = self.count_for(self.client);
            counted.map_err(|_| io::ErrorKind::ConnectionRefused.into())
        });
        if let Some(introduction) = introduction {
            self.is_secure |= introduction.is_secure() == Some(true);
        }
        let Err(error) = shaken else {
            return true;
        };
        if let Err(full) = counted {
            let response = full.response();
            if self.site.security.is_on() {
                // Nothing can be said yet.
                self.membership.registry().count_response(&response);
                let outcome = response.outcome(response.body().len() as u64);
                self.report(b"", started, outcome, true);
            } else {
                let _ = self.respond(&response, b"", true, started);
            }
            if self.stream.end_output().is_ok() {
                // The place is free at once: one client's connections take it from no other's.
                caretaker::linger(Arc::clone(&self.stream), self.site.max_lingering);
            }
            return false;
        }
        if let Some(said) = security::said_in_the_clear(&error) {
            let response = proxied::untrusted(said, self.peer, &self.site.proxies)
                .unwrap_or_else(tls_expected);
            let _ = self.respond(&response, b"", true, started);
        } else if !self.site.security.is_on() {
            match proxied::invalid_header(&error) {
                Some(invalid) => {
                    let response = proxied::header_malformed(invalid);
                    let _ = self.respond(&response, b"", true, started);
                }
                None => self.report(b"", started, Outcome::Left, true),
            }
        } else if error.kind() == io::ErrorKind::ConnectionAborted || self.had_to_leave() {
            self.report(b"", started, Outcome::Left, true);
        } else {
            self.membership
                .registry()
                .count(|stats| stats.tls_failures += 1);
            self.report(b"", started, Outcome::NotSecured(&error), true);
        }
        // A peer whose time is over was told nothing that it might still read.
        if error.kind() != io::ErrorKind::TimedOut {
            self.end();
        }
        false
    }

    /// How long TLS may take, and then a head.
    fn head_timeout(&self) -> Duration {
        let timeout = self.site.limits.head_timeout;
        match self.membership.place() {
            Place::Ordinary => timeout,
            Place::Reserved(_) => timeout.min(RESERVED_HEAD_TIMEOUT),
        }
    }

    /// Answers requests, until one opens a WebSocket connection or the TCP connection ends.
    #[inline(never)]
    fn run(mut self) -> Option<Opened<'a>> {
        let mut has_served = false;
        loop {
            let mut started = Instant::now();
            let head = match self.read_head(has_served, &mut started) {
                Awaited::Head(head) => head,
                Awaited::Refused(response, request_line) => {
                    let _ = self.respond(&response, &request_line, true, started);
                    self.end();
                    return None;
                }
                Awaited::Nothing => {
                    let ended = self.stream.end_output();
                    if !has_served {
                        self.report(b"", started, Outcome::Left, true);
                    } else if ended.is_ok() {
                        // It is not worth a report, and a request that is on its way is no reason for a reset.
                        caretaker::linger(self.stream, self.site.max_lingering);
                    }
                    return None;
                }
            };
            let request_line = head.start_line().to_vec();
            match self.reply(head) {
                Reply::Upgrade(accepted) => return self.open(accepted, started),
                Reply::Response { response, is_last } => {
                    // The next request may be another client's. A client that has read this may come with its next one
                    // at once, so it no longer counts for this one then.
                    if !response.is_long() {
                        let _ = self.count_for(ip(self.peer));
                    }
                    let sent = self.respond(&response, &request_line, is_last, started);
                    if is_last || sent.is_err() {
                        self.end();
                        return None;
                    }
                    has_served = true;
                    self.client = ip(self.peer);
                    let _ = self.count_for(self.client);
                }
                Reply::Sent { response, bytes } => {
                    let _ = self.tapped.pass(Direction::Sent, [&bytes, &[]]);
                    let outcome = response.outcome(response.body().len() as u64);
                    self.report(&request_line, started, outcome, true);
                    return None;
                }
            }
        }
    }

    /// Answers one request for a reserved page. To everything else there is no place left.
    #[inline(never)]
    fn run_in_reserve(mut self, full: Full) {
        let mut started = Instant::now();
        let (response, request_line) = match self.read_head(false, &mut started) {
            Awaited::Head(head) => {
                let request_line = head.start_line().to_vec();
                (self.reserved_page(head), request_line)
            }
            Awaited::Refused(_, request_line) => (None, request_line),
            Awaited::Nothing => (None, Vec::new()),
        };
        let response = response.unwrap_or_else(|| full.response());
        let sent = self.respond(&response, &request_line, true, started);
        if sent.is_ok() && self.stream.end_output().is_ok() {
            // The place is free at once.
            caretaker::linger(self.stream, self.site.max_lingering);
        }
    }

    /// Waits for a whole head. The first one of a connection has one deadline, however slowly its bytes arrive. Each
    /// later one may begin within another, and has then `started`: from then on it has the time of the first one.
    fn read_head(&mut self, has_served: bool, started: &mut Instant) -> Awaited {
        let timeout = self.head_timeout();
        let (pace, limits) = (&self.pace, &self.site.limits);
        let deadline = match has_served {
            false => since_arrival(pace, timeout),
            true => since_arrival(pace, limits.keep_alive_timeout),
        };
        let mut begins = || match has_served {
            false => deadline,
            true => {
                *started = Instant::now();
                since_arrival(pace, timeout)
            }
        };
        let mut decoder = head::Decoder::new(Role::Client, limits.head);
        match read_head(
            &self.stream,
            &mut decoder,
            &mut self.after_head,
            deadline,
            &mut begins,
            &self.tapped,
        ) {
            Ok(Some(head)) => Awaited::Head(head),
            Err(Error::Rule(breach)) => {
                let response = proxied::untrusted_head(
                    &decoder,
                    &self.after_head,
                    self.peer,
                    &self.site.proxies,
                );
                let response = response.unwrap_or_else(|| refusal(breach.rule()));
                Awaited::Refused(response, decoder.so_far().to_vec())
            }
            Ok(None) if !decoder.is_empty() && self.is_stopping() => {
                Awaited::Refused(stopping(), decoder.so_far().to_vec())
            }
            Err(Error::Io(error)) if is_timeout(&error) && !decoder.is_empty() => {
                let response =
                    Response::refusal(408, "head-timeout", "the request did not end in time");
                Awaited::Refused(response, decoder.so_far().to_vec())
            }
            Ok(None) | Err(_) => Awaited::Nothing,
        }
    }

    /// Whether it was us who ended the wait for the peer: the server stops, or somebody else needs the reserved place.
    fn had_to_leave(&self) -> bool {
        self.stream.ended_by() == Some(EndedBy::Us) || self.is_stopping()
    }

    fn is_stopping(&self) -> bool {
        self.membership.registry().phase() > Phase::Serving
    }

    #[inline(never)]
    fn reply(&mut self, head: Head) -> Reply<'a> {
        // After these refusals a body may follow, or frames: neither is read as a request.
        let request = match self.request(head) {
            Ok(request) => request,
            Err(response) => return response.into(),
        };
        if let Some(response) = self.host_refusal(&request) {
            return response.into();
        }
        if let Err(full) = self.count_for(self.client) {
            return full.response().into();
        }
        if handshake::is_asked_for(&request) {
            let accepted = self.upgrade(request);
            return accepted.map_or_else(|reply| reply, Reply::Upgrade);
        }
        if let Some(response) = http::body_refusal(request.head()) {
            // RFC 9112 §9.3: the body that follows is not read as a request either.
            return Reply::Response {
                response,
                is_last: true,
            };
        }
        let is_last = !request.is_http_1_1() || request.head().lists("Connection", "close");
        let response = self.page(request);
        Reply::Response {
            response,
            // A page may take its time, and stop the server.
            is_last: is_last || !self.membership.may_stay(self.counted(ip(self.peer))),
        }
    }

    /// Counts a connection from a trusted proxy for this client from now on.
    fn count_for(&self, client: Option<IpAddr>) -> std::result::Result<(), Full> {
        self.membership.count_for(self.counted(client))
    }

    /// For whom there is a limit: not for a proxy that asks for itself, or does not tell for whom.
    fn counted(&self, client: Option<IpAddr>) -> Option<IpAddr> {
        client.filter(|client| !self.site.proxies.trusts(Some(*client)))
    }

    /// What a request is answered with that asks for a reserved page.
    fn reserved_page(&mut self, head: Head) -> Option<Response> {
        let request = self.request(head).ok()?;
        match self.site.find(request.path()) {
            Ok(Destination::Route(route, _)) if route.is_reserved => {}
            _ => return None,
        }
        let is_plain = !handshake::is_asked_for(&request);
        let is_alone = is_plain && http::body_refusal(request.head()).is_none();
        is_alone.then(|| {
            self.host_refusal(&request)
                .unwrap_or_else(|| self.page(request))
        })
    }

    /// A request, and who sent it.
    fn request(&mut self, head: Head) -> std::result::Result<Request, Response> {
        let mut request = Request::new(head).map_err(refusal)?;
        let way = proxied::way(&request, self.peer, self.is_secure, &self.site.proxies)?;
        self.client = way.client;
        request.set_way(way);
        Ok(request)
    }

    fn host_refusal(&self, request: &Request) -> Option<Response> {
        let is_served = proxied::is_host_served(request, self.hosts);
        (!is_served).then(http::host_not_served)
    }

    fn upgrade(&mut self, mut request: Request) -> std::result::Result<Accepted<'a>, Reply<'a>> {
        self.begin_tap(&request)?;
        let mut upgrade = Upgrade::new(&request).map_err(refusal)?;
        let found = self.site.find(request.path()).map_err(unreadable)?;
        let Destination::Route(
            Route {
                handler: Some(handler),
                ..
            },
            params,
        ) = found
        else {
            return Err(no_websocket().into());
        };
        request.set_params(params);
        // §4.2.2, §10.2.
        let (origin, host) = (request.origin(), request.host());
        let is_secure = request.is_secure();
        if !self.site.origins.permits(origin, host, is_secure) {
            return Err(http::origin_not_allowed(&request).into());
        }
        let admission = self.admit(&request, upgrade.subprotocols())?;
        let subprotocol = admission.settle(&mut upgrade, &self.site.subprotocols)?;
        if !self.membership.begin_upgrade() {
            return Err(stopping().into());
        }
        Ok(Accepted {
            response: upgrade.response(subprotocol.as_deref()),
            limits: admission.limits.map(Box::new),
            handshake: Box::new(Handshake {
                request,
                subprotocol,
                peer: self.peer,
                extensions: admission.into_extensions(),
            }),
            handler,
        })
    }

    /// The terms on which the user's code admits the connection; or its refusal, 500 when it panics, or what was
    /// sent when it did not answer in time.
    #[inline(never)]
    fn admit(
        &self,
        request: &Request,
        subprotocols: &[String],
    ) -> std::result::Result<Box<Admission>, Reply<'a>> {
        let Some(admit) = &self.site.admit else {
            return Ok(Box::default());
        };
        let (limits, registry) = (self.site.limits, self.membership.registry());
        let deadline = deadline_in(limits.admit_timeout);
        let applicant = Applicant {
            request,
            peer: self.peer,
            number: self.membership.id(),
            limits,
            subprotocols,
            deadline,
        };
        let lingering = self.site.max_lingering;
        let decision = Decision::await_until(deadline, &self.stream, registry, lingering);
        let decided = registry.catch(|| admit(&applicant));
        if let Err(bytes) = decision.made() {
            let response = overdue();
            return Err(Reply::Sent { response, bytes });
        }
        match decided {
            Some(Ok(admission)) => Ok(Box::new(admission)),
            Some(Err(page)) => Err(Response::page(page).into()),
            None => {
                let reason = "whether the connection may be opened could not be found out";
                Err(Response::refusal(500, "admission-panicked", reason).into())
            }
        }
    }

    fn page(&self, mut request: Request) -> Response {
        if let Some(refusal) = http::line_refusal(&request) {
            return refusal;
        }
        let asks_for_options = request.method() == "OPTIONS";
        // RFC 9110 §9.3.7: about the server as a whole. The asterisk stands for nothing else.
        if request.path() == "*" {
            return http::options();
        }
        match self.site.find(request.path()) {
            Ok(Destination::Route(route, params)) => match &route.page {
                Some(make_page) => {
                    request.set_params(params);
                    let page = self.made(make_page, &request);
                    // Only its maker knows whether there is a page at this very path.
                    match asks_for_options && page.status < 400 {
                        true => http::options(),
                        false => page,
                    }
                }
                None if asks_for_options => http::options(),
                None => http::websocket_only(),
            },
            Ok(Destination::Redirect(location)) => Response::redirect(match request.query() {
                Some(query) => format!("{location}?{query}"),
                None => location,
            }),
            Ok(Destination::Nowhere) => Response::refusal(404, "path-unknown", "nothing here"),
            Err(path) => unreadable(path),
        }
    }

    /// A page made anew, or 500 when its maker panics.
    fn made(&self, make_page: &MakePage, request: &Request) -> Response {
        match self.membership.registry().catch(|| make_page(request)) {
            Some(page) => Response::page(page),
            None => Response::refusal(500, "page-panicked", "the page could not be made"),
        }
    }

    /// Shows the request, and what came with it, to what is to watch the connection's bytes, if anything is;
    /// 500 when that or its maker panics.
    fn begin_tap(&mut self, request: &Request) -> std::result::Result<(), Response> {
        let Some(make_tap) = &self.site.make_tap else {
            return Ok(());
        };
        let panicked = |what: String| Response::refusal(500, "tap-panicked", what);
        let (registry, number) = (self.membership.registry(), self.membership.id());
        let tap = registry
            .catch(|| make_tap(number, request))
            .ok_or_else(|| panicked("the tap could not be made".into()))?;
        let tapped = Tapped::new(tap);
        let pieces = [request.head().as_bytes(), &self.after_head];
        tapped
            .pass(Direction::Received, pieces)
            .map_err(|error| panicked(error.to_string()))?;
        self.tapped = tapped;
        Ok(())
    }

    fn respond(
        &mut self,
        response: &Response,
        request_line: &[u8],
        is_last: bool,
        started: Instant,
    ) -> io::Result<()> {
        let is_head = request_line.starts_with(b"HEAD ");
        let body = if is_head { &[] } else { response.body() };
        let head = response.head(is_last, SystemTime::now());
        let mut sent = self.send([&head, body]);
        let mut length = body.len() as u64;
        #[cfg(any(unix, windows))]
        if let (Ok(()), false, Some(file)) = (&sent, is_head, response.file()) {
            (length, sent) = file.send(|piece| self.send([piece, &[]]));
        }
        let outcome = response.outcome(length);
        self.membership.registry().count_response(response);
        self.report(request_line, started, outcome, is_last);
        sent
    }

    fn send(&mut self, pieces: [&[u8]; 2]) -> io::Result<()> {
        self.tapped.pass(Direction::Sent, pieces)?;
        self.stream
            .write_all(&mut pieces.map(IoSlice::new), &mut self.pace)
    }

    /// Opens the WebSocket connection: the 101 leaves, and frames follow.
    #[inline(never)]
    fn open(mut self, accepted: Accepted<'a>, started: Instant) -> Option<Opened<'a>> {
        let Accepted {
            response,
            handshake,
            limits,
            handler,
        } = accepted;
        if self.send([response.as_bytes(), &[]]).is_err() {
            let request_line = handshake.request.head().start_line();
            self.report(request_line, started, Outcome::Left, true);
            return None;
        }
        let Self {
            site,
            membership,
            reported,
            ..
        } = self;
        let limits = limits.as_deref().unwrap_or(&site.limits);
        let ws = WebSocket::new(
            self.stream,
            Connection::server(limits.message),
            limits,
            Share::new(Arc::clone(membership.registry().budget())),
            &self.after_head,
            handshake,
            self.tapped,
        );
        membership.opened(ws.link());
        Some(Opened {
            ws,
            handler,
            site,
            membership,
            started,
            reported,
        })
    }

    /// Ends the connection so that the peer reads the response rather than a reset (RFC 9112 §9.6).
    fn end(&self) {
        let deadline = since_arrival(&self.pace, self.site.limits.close_timeout);
        if self.stream.end_output().is_ok() {
            self.stream.drain(deadline);
        }
    }

    fn report(
        &mut self,
        request_line: &[u8],
        started: Instant,
        outcome: Outcome<'_>,
        is_last: bool,
    ) {
        let passed = self.passed(is_last);
        report(
            self.site,
            self.membership.registry(),
            &Record {
                peer: self.peer,
                client: self.client,
                request_line,
                duration: started.elapsed(),
                bytes_read: passed.read,
                bytes_written: passed.written,
                outcome,
            },
        );
    }

    /// What has passed for this request. What came after its head is the next one's, if there may be one.
    fn passed(&mut self, is_last: bool) -> Passed {
        let mut passed = self.stream.passed();
        if !is_last {
            passed.read -= self.after_head.len() as u64;
        }
        passed.since(std::mem::replace(&mut self.reported, passed))
    }
}

impl Opened<'_> {
    /// Runs the handler, closes the connection after it and reports how it went.
    #[inline(never)]
    fn run(&mut self) {
        let (error, has_panicked) = handle(self.handler, &self.membership, &mut self.ws);
        let reason = self.ws.how_it_ended();
        let traffic = self.ws.traffic();
        let stream = self.ws.link().stream();
        let passed = stream.passed().since(self.reported);
        self.membership.closed(reason.code, traffic);
        report(
            self.site,
            self.membership.registry(),
            &Record {
                peer: self.ws.peer_addr(),
                client: self.ws.request().client_ip(),
                request_line: self.ws.request().head().start_line(),
                duration: self.started.elapsed(),
                bytes_read: passed.read,
                bytes_written: passed.written,
                outcome: Outcome::Closed {
                    reason,
                    traffic,
                    error: error.as_deref(),
                    has_panicked,
                    ended_by: stream.ended_by().unwrap_or(EndedBy::Us),
                },
            },
        );
    }
}

fn ip(peer: Option<SocketAddr>) -> Option<IpAddr> {
    peer.map(|peer| peer.ip().to_canonical())
}

/// When `time` has passed since the peer can have got the last response.
fn since_arrival(pace: &Pace, time: Duration) -> Instant {
    let now = Instant::now();
    after(pace.arrival(now).max(now), time)
}

/// Runs a handler and closes the connection as fits its end: 1000 when it returned, 1013 when it failed
/// for want of memory, 1011 when it failed otherwise.
fn handle(
    handler: &Handler,
    membership: &Membership,
    ws: &mut WebSocket,
) -> (Option<HandlerError>, bool) {
    // The causes of an error are told by the user's code as well.
    let ended = membership.registry().catch(|| {
        let error = handler(ws).err()?;
        let ours = ours(&*error);
        // A handler that failed because it sent too late is not reported as one that failed: how the
        // connection ended says it all.
        let is_late = ours.is_some_and(Error::is_closed);
        let is_overloaded = matches!(ours, Some(Error::Overloaded));
        Some((error, is_late, is_overloaded))
    });
    let has_panicked = ended.is_none();
    let failed = ended.flatten();
    let code = match &failed {
        Some((_, _, true)) => CloseCode::TRY_AGAIN_LATER,
        None if !has_panicked => CloseCode::NORMAL,
        _ => CloseCode::INTERNAL_ERROR,
    };
    // These codes may be sent, and a connection that is closed already needs no Close.
    let _ = ws.close(code, "");
    let error = failed.and_then(|(error, is_late, _)| (!is_late).then_some(error));
    (error, has_panicked)
}

/// The error of this library that a handler's error is, or was caused by.
fn ours<'a>(error: &'a (dyn StdError + Send + Sync + 'static)) -> Option<&'a Error> {
    let first: &'a (dyn StdError + 'static) = error;
    iter::successors(Some(first), |&error| error.source())
        .find_map(|error| error.downcast_ref::<Error>())
}

pub(super) fn stopping() -> Response {
    Response::refusal(503, "stopping", "the server is shutting down")
}

pub(super) fn tls_expected() -> Response {
    let reason = "this port speaks TLS: begin the URL with https:// or wss://";
    Response::refusal(400, "tls-expected", reason)
}

pub(super) fn no_websocket() -> Response {
    Response::refusal(404, "no-websocket", "no WebSocket here")
}

pub(super) fn unreadable(path: InvalidPath) -> Response {
    Response::refusal(400, "path-invalid", path.to_string())
}

pub(super) fn refusal(rule: Rule) -> Response {
    let status = match rule.answer() {
        Answer::Status(status) => status,
        Answer::Close(_) | Answer::Disconnect => 400,
    };
    Response::refusal(status, rule.id(), rule.to_string())
}

/// Reports to the user's log. Without one, only a handler's failure is told.
pub(super) fn report(site: &Site, registry: &Registry, record: &Record<'_>) {
    if let Some(log) = &site.log {
        registry.catch(|| log(record));
    } else {
        registry.catch(|| log::tell_failure(record));
    }
}
