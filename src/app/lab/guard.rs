//! Who may use the lab.

use plainws::net::hosts::HostPolicy;
use plainws::net::origin::OriginPolicy;
use plainws::protocol::request::Request;
use std::net::Ipv4Addr;

/// What a request to the lab asks with: the token of a session, and the name of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) token: &'a str,
    pub(super) c: &'a str,
    /// The latest news that is known already.
    pub(super) after: &'a str,
}

impl<'a> Asked<'a> {
    pub(super) fn by(query: Option<&'a str>) -> Self {
        let mut asked = Self::default();
        let parts = query.unwrap_or("").split('&');
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name {
                "t" => asked.token = value,
                "c" => asked.c = value,
                "after" => asked.after = value,
                _ => {}
            }
        }
        asked
    }
}

/// Which requests are let in, whatever else the server allows.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// Only loopback names.
    hosts: Option<HostPolicy>,
}

impl Guard {
    /// Where the lab was asked for, it may be reached by any name.
    pub(super) fn new(is_asked_for: bool) -> Self {
        let loopback = || HostPolicy::at(Ipv4Addr::LOCALHOST.into());
        Self {
            hosts: (!is_asked_for).then(loopback),
        }
    }

    /// # Errors
    ///
    /// Why a request is not let in.
    pub(super) fn check(&self, request: &Request) -> Result<(), &'static str> {
        let host = request.host();
        // A page of another host is no page of this machine, wherever the request comes from.
        let is_served = |hosts: &HostPolicy| hosts.permits(host, Ipv4Addr::LOCALHOST.into());
        if !self.hosts.as_ref().is_none_or(is_served) {
            return Err("the lab answers for loopback names only; --lab lets it answer for others");
        }
        // Only pages of the host that is asked.
        let origins = OriginPolicy::default();
        if !origins.permits(request.origin(), host, request.is_secure()) {
            return Err("only the lab's own page may do this");
        }
        Ok(())
    }
}

/// A request line with the tokens in it made unreadable: `/lab/echo?t=***&c=a`.
pub(crate) fn without_token(line: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(line.len());
    let mut is_token = false;
    for (i, &byte) in line.iter().enumerate() {
        is_token &= byte.is_ascii_alphanumeric();
        if !is_token {
            shown.push(byte);
        }
        let before = line.get(..=i).unwrap_or_default();
        if before.ends_with(b"?t=") || before.ends_with(b"&t=") {
            shown.extend(b"***");
            is_token = true;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use plainws::Role;
    use plainws::protocol::head::{Decoder, Limits};

    #[test]
    fn a_query_may_have_its_parts_in_any_order() {
        let asked = Asked::by(Some("c=a&x&t=0123&after=7"));
        let expected = Asked {
            token: "0123",
            c: "a",
            after: "7",
        };
        assert_eq!(asked, expected);
        assert_eq!(Asked::by(None), Asked::default());
    }

    #[test]
    fn only_loopback_names_are_answered_unless_the_lab_was_asked_for() {
        for (host, is_loopback) in [
            ("localhost:8000", true),
            ("127.0.0.1", true),
            ("[::1]:8000", true),
            ("example.com", false),
            ("192.0.2.7:8000", false),
        ] {
            let request = request(&format!("Host: {host}\r\n"));
            assert_eq!(Guard::new(false).check(&request).is_ok(), is_loopback);
            assert_eq!(Guard::new(true).check(&request), Ok(()));
        }
    }

    fn request(headers: &str) -> Request {
        let head = format!("GET /lab/tap HTTP/1.1\r\n{headers}\r\n");
        let mut decoder = Decoder::new(Role::Client, Limits::new());
        let decoded = decoder.receive(head.as_bytes()).expect("it is legal");
        let (head, _) = decoded.expect("it is complete");
        Request::new(head).expect("a request")
    }

    #[test]
    fn tokens_are_not_shown_wherever_they_stand() {
        for (text, shown) in [
            (
                "GET /lab/echo?t=0af1&c=a HTTP/1.1",
                "GET /lab/echo?t=***&c=a HTTP/1.1",
            ),
            (
                "GET /lab/echo?c=a&t=0af1 HTTP/1.1",
                "GET /lab/echo?c=a&t=*** HTTP/1.1",
            ),
            ("GET /x?t=1&t=2 HTTP/1.1", "GET /x?t=***&t=*** HTTP/1.1"),
            ("GET /x?at=1 HTTP/1.1", "GET /x?at=1 HTTP/1.1"),
            ("?", "?"),
            ("?t=", "?t=***"),
        ] {
            assert_eq!(without_token(text.as_bytes()), shown.as_bytes());
        }
    }
}
