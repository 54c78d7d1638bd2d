//! One accepted TCP connection: requests are read, answered, and one may open a WebSocket connection.

use super::error::{Error, Result};
use super::http::{self, Response};
use super::log::{Outcome, Record};
use super::registry::{Membership, Phase};
use super::site::{Destination, Handler, MakePage, Site};
use super::socket::{deadline_in, drain, is_timeout, prepare, read_within, write_within};
use super::websocket::{Handshake, WebSocket};
use crate::protocol::Role;
use crate::protocol::close::CloseReason;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::Connection;
use crate::protocol::handshake::{self, Upgrade};
use crate::protocol::head::{self, Head};
use crate::protocol::request::Request;
use crate::protocol::rule::{Answer, Rule};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Serves a connection to its end.
pub(super) fn run(stream: Arc<TcpStream>, peer: SocketAddr, site: &Site, membership: Membership) {
    // A socket that refuses its time-outs is dead already.
    if prepare(&stream, &site.limits).is_ok() {
        Session {
            site,
            peer,
            stream,
            membership,
            behind_head: Vec::new(),
        }
        .run();
    }
}

struct Session<'a> {
    site: &'a Site,
    peer: SocketAddr,
    stream: Arc<TcpStream>,
    membership: Membership,
    /// What arrived behind the last head: the next request, or the first frames.
    behind_head: Vec<u8>,
}

/// What came of waiting for a head.
enum Awaited {
    Head(Head),
    /// A head that broke a rule or did not end, as far as its first line goes.
    Refused(Response, Vec<u8>),
    Nothing,
}

/// What a request is answered with.
enum Reply<'a> {
    /// A response; no request may follow it if `is_last`.
    Response { response: Response, is_last: bool },
    /// The 101 and what comes after.
    Upgrade {
        upgrade: Upgrade,
        handler: &'a Handler,
        request: Request,
    },
}

impl<'a> Session<'a> {
    fn run(mut self) {
        let mut has_served = false;
        loop {
            let started = Instant::now();
            let head = match self.read_head() {
                Awaited::Head(head) => head,
                Awaited::Refused(response, request_line) => {
                    let _ = self.respond(&response, &request_line, true, started);
                    return self.end();
                }
                Awaited::Nothing => {
                    // The end of a kept-alive connection has nothing to tell.
                    if !has_served {
                        self.report(b"", started, Outcome::Left);
                    }
                    return;
                }
            };
            let request_line = head.start_line().to_vec();
            match self.reply(head) {
                Reply::Upgrade {
                    upgrade,
                    handler,
                    request,
                } => {
                    return self.open(&upgrade, handler, request, started);
                }
                Reply::Response { response, is_last } => {
                    let sent = self.respond(&response, &request_line, is_last, started);
                    if is_last || sent.is_err() {
                        return self.end();
                    }
                    has_served = true;
                }
            }
        }
    }

    /// Reads up to the end of a head. The deadline is for the whole of it, however slowly it drips.
    fn read_head(&mut self) -> Awaited {
        let deadline = deadline_in(self.site.limits.head_timeout);
        let mut decoder = head::Decoder::new(Role::Client, self.site.limits.head);
        let mut buffer = [0; 2048];
        let mut input = std::mem::take(&mut self.behind_head);
        loop {
            match decoder.receive(&input) {
                Ok(Some((head, rest))) => {
                    self.behind_head = rest.to_vec();
                    return Awaited::Head(head);
                }
                Ok(None) => {}
                Err(rule) => return Awaited::Refused(refusal(rule), decoder.so_far().to_vec()),
            }
            input = match read_within(&self.stream, &mut buffer, deadline) {
                Ok(length @ 1..) => buffer[..length].to_vec(),
                Ok(0) if !decoder.is_empty() && self.is_stopping() => {
                    return Awaited::Refused(stopping(), decoder.so_far().to_vec());
                }
                Err(error) if is_timeout(&error) && !decoder.is_empty() => {
                    let response =
                        Response::refusal(408, "head-timeout", "the request did not end in time");
                    return Awaited::Refused(response, decoder.so_far().to_vec());
                }
                Ok(0) | Err(_) => return Awaited::Nothing,
            };
        }
    }

    fn is_stopping(&self) -> bool {
        self.membership.registry().phase() > Phase::Serving
    }

    fn reply(&self, head: Head) -> Reply<'a> {
        let request = match Request::new(head) {
            Ok(request) => request,
            Err(rule) => {
                return Reply::Response {
                    response: refusal(rule),
                    is_last: true,
                };
            }
        };
        if handshake::is_asked_for(&request) {
            // What follows a refused handshake may be frames: it is not read as a request.
            return self
                .upgrade(request)
                .unwrap_or_else(|response| Reply::Response {
                    response,
                    is_last: true,
                });
        }
        if let Some(response) = http::body_refusal(request.head()) {
            // RFC 9112 §9.3: the body that follows is not read as a request either.
            return Reply::Response {
                response,
                is_last: true,
            };
        }
        let is_last = !request.is_http_1_1() || request.head().lists("Connection", "close");
        Reply::Response {
            response: self.page(&request),
            is_last,
        }
    }

    fn upgrade(&self, request: Request) -> std::result::Result<Reply<'a>, Response> {
        let upgrade = Upgrade::new(&request).map_err(refusal)?;
        let Destination::Route(route) = self.site.find(request.path()) else {
            return Err(Response::refusal(404, "no-websocket", "no WebSocket here"));
        };
        let Some(handler) = &route.handler else {
            return Err(Response::refusal(404, "no-websocket", "no WebSocket here"));
        };
        // §4.2.2, §10.2.
        if !self.site.origins.permits(request.origin(), request.host()) {
            return Err(Response::refusal(
                403,
                "origin-not-allowed",
                "pages of that origin may not connect",
            ));
        }
        if !self.membership.upgrades() {
            return Err(stopping());
        }
        Ok(Reply::Upgrade {
            upgrade,
            handler,
            request,
        })
    }

    fn page(&self, request: &Request) -> Response {
        if let Some(refusal) = http::method_refusal(request.method()) {
            return refusal;
        }
        match self.site.find(request.path()) {
            Destination::Route(route) => match &route.page {
                Some(make_page) => self.made(make_page),
                None => Response::refusal(426, "websocket-only", "this path speaks WebSocket"),
            },
            Destination::Redirect(location) => Response::redirect(match request.query() {
                Some(query) => format!("{location}?{query}"),
                None => location,
            }),
            Destination::Nowhere => Response::refusal(404, "path-unknown", "nothing here"),
        }
    }

    /// A page made anew, or 500 when its maker panics.
    fn made(&self, make_page: &MakePage) -> Response {
        match catch_unwind(AssertUnwindSafe(make_page)) {
            Ok(page) => Response::page(&page),
            Err(_) => {
                self.membership.registry().count(|stats| stats.panics += 1);
                Response::refusal(500, "page-panicked", "the page could not be made")
            }
        }
    }

    fn respond(
        &self,
        response: &Response,
        request_line: &[u8],
        is_last: bool,
        started: Instant,
    ) -> io::Result<()> {
        let is_head = request_line.starts_with(b"HEAD ");
        let bytes = response.encode(is_head, is_last, SystemTime::now());
        let sent = write_within(
            &self.stream,
            &bytes,
            deadline_in(self.site.limits.write_timeout),
        );
        let outcome = Outcome::Response {
            status: response.status,
            length: if is_head { 0 } else { response.length() },
            reason: response
                .refusal
                .as_ref()
                .map(|refusal| refusal.reason.as_str()),
        };
        self.membership.registry().count(|stats| {
            *stats.responses.entry(response.status).or_default() += 1;
            if let Some(refusal) = &response.refusal {
                *stats.refusals.entry(refusal.id).or_default() += 1;
            }
        });
        self.report(request_line, started, outcome);
        sent
    }

    /// Opens the WebSocket connection and runs its handler.
    fn open(self, upgrade: &Upgrade, handler: &Handler, request: Request, started: Instant) {
        let subprotocol = upgrade
            .subprotocols()
            .iter()
            .find(|offered| self.site.subprotocols.contains(offered));
        let response = upgrade.response(subprotocol.map(String::as_str));
        let request_line = request.head().start_line().to_vec();
        let Self {
            site,
            peer,
            stream,
            membership,
            behind_head,
        } = self;

        let report = |outcome| {
            report(
                site,
                &Record {
                    peer: Some(peer),
                    request_line: &request_line,
                    duration: started.elapsed(),
                    outcome,
                },
            );
        };
        let deadline = deadline_in(site.limits.write_timeout);
        if write_within(&stream, response.as_bytes(), deadline).is_err() {
            return report(Outcome::Left);
        }
        let tap = site
            .make_tap
            .as_ref()
            .and_then(|make_tap| make_tap(membership.id(), &request));
        let handshake = Handshake {
            request,
            subprotocol: subprotocol.cloned(),
            peer,
        };
        let connection = Connection::server(site.limits.message);
        let mut ws = WebSocket::new(
            stream,
            connection,
            site.limits,
            &behind_head,
            handshake,
            tap,
        );
        drop(behind_head);
        membership.opened(ws.link());
        let (error, has_panicked) = handle(handler, &mut ws);
        let reason = ws
            .close_reason()
            .unwrap_or(CloseReason::new(CloseCode::ABNORMAL));
        let traffic = ws.traffic();
        membership.closed(reason.code, traffic);
        membership
            .registry()
            .count(|stats| stats.panics += u64::from(has_panicked));
        report(Outcome::Closed {
            reason,
            traffic,
            error: error.as_ref(),
            has_panicked,
        });
    }

    /// Ends the connection so that the peer reads the response rather than a reset (RFC 9112 §9.6).
    fn end(self) {
        let deadline = deadline_in(self.site.limits.close_timeout);
        if self.stream.shutdown(Shutdown::Write).is_ok() {
            drain(&self.stream, deadline);
        }
    }

    fn report(&self, request_line: &[u8], started: Instant, outcome: Outcome<'_>) {
        report(
            self.site,
            &Record {
                peer: Some(self.peer),
                request_line,
                duration: started.elapsed(),
                outcome,
            },
        );
    }
}

/// Runs a handler and closes the connection as fits its end: 1000 when it returned, 1011 when it failed.
fn handle(handler: &Handler, ws: &mut WebSocket) -> (Option<Error>, bool) {
    let ended: std::thread::Result<Result<()>> = catch_unwind(AssertUnwindSafe(|| handler(ws)));
    let (code, error, has_panicked) = match ended {
        Ok(Ok(())) => (CloseCode::NORMAL, None, false),
        Ok(Err(error)) => (CloseCode::INTERNAL_ERROR, Some(error), false),
        Err(_) => (CloseCode::INTERNAL_ERROR, None, true),
    };
    let _ = ws.close(code, "");
    // A send that came too late is no failure worth a report: how the connection ended says it all.
    (error.filter(|error| !error.is_closed()), has_panicked)
}

fn stopping() -> Response {
    Response::refusal(503, "stopping", "the server stops")
}

fn refusal(rule: Rule) -> Response {
    let status = match rule.answer() {
        Answer::Status(status) => status,
        Answer::Close(_) | Answer::Disconnect => 400,
    };
    Response::refusal(status, rule.id(), rule.to_string())
}

fn report(site: &Site, record: &Record<'_>) {
    if let Some(log) = &site.log {
        log(record);
    }
}
