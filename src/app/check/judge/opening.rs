//! How the connection is opened, or refused.

use super::verdict::{Finding, failed, lenient, not_applicable, timeout};
use crate::app::check::came::{Came, Ended};
use crate::app::check::case::{Case, End, Level};
use crate::app::check::record::{Record, Side, Stopped};
use crate::app::check::talk::Waited;
use plainws::Role;
use plainws::protocol::dissect::handshake;
use plainws::protocol::handshake::Asked;
use plainws::protocol::head::{Decoder, Head, Limits};
use plainws::protocol::response::Response;
use plainws::protocol::rule::Rule;

/// TLS came about on all connections. Before that a server cannot say that it has no room for one more.
pub(super) fn secured(case: &Case, record: &Record) -> Finding {
    let Some(Stopped::Unsecured(waited, problem)) = &record.stopped else {
        return Ok(());
    };
    let is_further = !record.sides.is_empty() && case.level == Level::Must;
    match waited {
        Waited::Silent if is_further => not_applicable("it takes one connection at a time"),
        _ if is_further => not_applicable(format!("it takes no further connection: {problem}")),
        Waited::Silent => timeout(format!("no TLS: {problem}")),
        _ => failed(format!("no TLS: {problem}")),
    }
}

/// The handshake was accepted, by the response that is due.
pub(super) fn opened(case: &Case, record: &Record, side: &Side) -> Finding {
    if record.examinee == Role::Client || !side.is_whole {
        return Ok(());
    }
    let Some(response) = &side.came.response else {
        return match side.came.end {
            Some(_) => failed("it ended the connection instead of a response"),
            None => timeout("no response came"),
        };
    };
    match response.status() {
        101 => {}
        status if case.declined.contains(&status) => {
            return not_applicable(format!("it declines this with status {status}, as it may"));
        }
        status => {
            sent_away(status)?;
            return failed(format!("it refused the handshake with status {status}"));
        }
    }
    // Extensions are offered only so as to be declined: none is spoken here.
    if let Some(name) = response.header("Sec-WebSocket-Extensions") {
        return failed(format!(
            "it accepts an extension that it must decline: {name}"
        ));
    }
    match broken_by_response(side) {
        Some(rule) => failed(format!(
            "its response breaks {}: {}",
            rule.id(),
            rule.clause()
        )),
        None => Ok(()),
    }
}

/// A request that must be refused, or a response at which a client must leave.
pub(super) fn refusal(case: &Case, record: &Record, side: &Side) -> Finding {
    let End::Refused(statuses) = &case.end else {
        return Ok(());
    };
    let came = &side.came;
    if record.examinee == Role::Client {
        return left(came);
    }
    if let Some(rule) = came.broken {
        return failed(format!(
            "its response breaks {}: {}",
            rule.id(),
            rule.clause()
        ));
    }
    let best = statuses.first().copied().unwrap_or(400);
    match (&came.response, came.end) {
        (Some(response), _) => match response.status() {
            101 => failed("it accepts the handshake"),
            status if statuses.contains(&status) => complete(response, side),
            status => {
                sent_away(status)?;
                lenient(format!("it refuses with status {status}; {best} says why"))
            }
        },
        (None, Some(Ended::Flood)) => failed("it sends more than can be due"),
        (None, Some(_)) => lenient(format!(
            "it ends the connection without a word; status {best} says why"
        )),
        (None, None) => timeout("it neither refuses nor ends the connection"),
    }
}

/// A client leaves without a frame.
fn left(came: &Came) -> Finding {
    let is_silent = came.messages.is_empty()
        && came.pongs.is_empty()
        && came.pings.is_empty()
        && came.broken.is_none();
    match came.end {
        Some(Ended::Flood) => failed("it sends more than can be due"),
        _ if !is_silent => failed("it takes the connection for open, and sends frames"),
        _ if came.close.is_some() => lenient("it sends a Close, although nothing was open"),
        Some(_) => Ok(()),
        None if came.total > 0 => failed("it sends more, although nothing was open"),
        None => timeout("it leaves the connection open"),
    }
}

/// A refusal names what would be taken instead.
fn complete(refusal: &Response, side: &Side) -> Finding {
    const VERSION: &str = "Sec-WebSocket-Version";
    let version = request(side).and_then(|request| request.text(VERSION)?.parse::<u8>().ok());
    if version.is_some_and(|version| version != 13) && refusal.header(VERSION).is_none() {
        return failed(format!(
            "its refusal does not say which {VERSION} it speaks (§4.2.2)"
        ));
    }
    let named = match refusal.status() {
        405 => Some(("Allow", "15.5.6")),
        426 => Some(("Upgrade", "15.5.22")),
        _ => None,
    };
    match named.filter(|(name, _)| refusal.head().values(name).next().is_none()) {
        Some((name, section)) => lenient(format!(
            "its refusal lacks the {name} header that belongs to status {} (RFC 9110 §{section})",
            refusal.status()
        )),
        None => Ok(()),
    }
}

/// Answers that come whatever the request is like, so that they tell nothing about it.
fn sent_away(status: u16) -> Finding {
    match status {
        300..=399 => not_applicable(format!("it sends clients elsewhere, with status {status}")),
        401 | 407 => not_applicable(format!(
            "it asks who is there, with status {status}: --header tells it"
        )),
        429 | 503 => not_applicable(format!("it is too busy, and says so: status {status}")),
        _ => Ok(()),
    }
}

/// The rule that a response of 101 breaks as the answer to what was sent.
pub(crate) fn broken_by_response(side: &Side) -> Option<Rule> {
    let response = side.came.response.as_ref()?.head();
    let asked = request(side).as_ref().map(Asked::by).unwrap_or_default();
    let explanation = handshake::response(response.as_bytes(), limits(), &asked);
    explanation.broken.first().copied()
}

/// The request that was sent, if it can be read.
fn request(side: &Side) -> Option<Head> {
    let mut decoder = Decoder::new(Role::Client, limits());
    decoder.receive(&side.head).ok()?.map(|(head, _)| head)
}

fn limits() -> Limits {
    Limits::new().max_bytes(1 << 20).max_headers(10_000)
}
