//! What a server serves: handlers and pages by path, for which hosts, and which web pages may open a
//! connection.

use super::applicant::Admit;
use super::hosts::HostPolicy;
use super::http::Page;
use super::limits::Limits;
use super::log::Record;
use super::origin::OriginPolicy;
use super::tap::Tap;
use super::websocket::WebSocket;
use crate::protocol::request::Request;
use std::collections::HashMap;
use std::fmt;

/// What a handler fails with.
pub(super) type HandlerError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Handler = Box<dyn Fn(&mut WebSocket) -> Result<(), HandlerError> + Send + Sync>;

pub(super) type MakePage = Box<dyn Fn(&Request) -> Page + Send + Sync>;
pub(super) type MakeTap = Box<dyn Fn(u64, &Request) -> Option<Tap> + Send + Sync>;
pub(super) type Log = Box<dyn Fn(&Record<'_>) + Send + Sync>;

/// What one path answers an upgrade and a plain GET with.
#[derive(Default)]
pub(super) struct Route {
    pub(super) handler: Option<Handler>,
    pub(super) page: Option<MakePage>,
    /// Whether the page is served when all places are taken; and under no prefix.
    pub(super) is_reserved: bool,
}

/// All that the connections of a server share.
#[derive(Default)]
pub(super) struct Site {
    routes: HashMap<String, Route>,
    pub(super) prefixes: Vec<String>,
    pub(super) hosts: HostPolicy,
    pub(super) origins: OriginPolicy,
    pub(super) subprotocols: Vec<String>,
    pub(super) limits: Limits,
    /// How many refused peers may linger.
    pub(super) max_lingering: usize,
    pub(super) log: Option<Log>,
    pub(super) make_tap: Option<MakeTap>,
    pub(super) admit: Option<Admit>,
}

/// Where a path leads.
pub(super) enum Destination<'a> {
    Route(&'a Route),
    /// A prefix without the slash after it, without which a page's relative links would lead astray.
    Redirect(String),
    Nowhere,
}

impl Site {
    pub(super) fn route_mut(&mut self, path: &str) -> &mut Route {
        self.routes.entry(path.to_owned()).or_default()
    }

    pub(super) fn has_reserved_pages(&self) -> bool {
        self.routes.values().any(|route| route.is_reserved)
    }

    /// Paths are compared byte by byte: first as they are, then without each prefix.
    pub(super) fn find(&self, path: &str) -> Destination<'_> {
        if let Some(route) = self.routes.get(path) {
            return Destination::Route(route);
        }
        for prefix in &self.prefixes {
            match path.strip_prefix(prefix.as_str()) {
                Some("") => return Destination::Redirect(format!("{prefix}/")),
                Some(rest) => {
                    match self.routes.get(rest) {
                        // What a proxy keeps from the public at its path must have no second one.
                        Some(route) if !route.is_reserved => return Destination::Route(route),
                        _ => {}
                    }
                }
                None => {}
            }
        }
        Destination::Nowhere
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.routes.keys().collect();
        f.debug_struct("Site")
            .field("paths", &paths)
            .field("prefixes", &self.prefixes)
            .finish_non_exhaustive()
    }
}
