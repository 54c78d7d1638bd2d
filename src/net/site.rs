//! What a server serves: handlers and pages by path, and which web pages may open a connection.

use super::applicant::Admit;
use super::http::Page;
use super::limits::Limits;
use super::log::Record;
use super::origin::OriginPolicy;
use super::paths::{InvalidPath, Kind, Paths, Values};
use super::proxies::ProxyPolicy;
use super::security::ServerSecurity;
use super::tap::Tap;
use super::websocket::WebSocket;
use crate::protocol::request::Request;
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
    routes: Paths<Route>,
    /// What is served where no path fits.
    pub(super) fallback: Route,
    pub(super) prefixes: Vec<String>,
    pub(super) origins: OriginPolicy,
    pub(super) proxies: ProxyPolicy,
    pub(super) subprotocols: Vec<String>,
    pub(super) limits: Limits,
    pub(super) security: ServerSecurity,
    /// How many refused peers may linger.
    pub(super) max_lingering: usize,
    pub(super) log: Option<Log>,
    pub(super) make_tap: Option<MakeTap>,
    pub(super) admit: Option<Admit>,
}

/// Where a path leads.
pub(super) enum Destination<'a> {
    Route(&'a Route, Values),
    /// A prefix without the slash after it, without which a page's relative links would lead astray.
    Redirect(String),
    Nowhere,
}

impl Site {
    /// What a template leads to. Panics where that cannot be served: the mistake is the program's own.
    #[track_caller]
    pub(super) fn route_mut(&mut self, template: &str) -> &mut Route {
        match self.routes.entry(template) {
            Ok(route) => route,
            Err(problem) => panic!("the path {template:?} cannot be served: {problem}"),
        }
    }

    pub(super) fn has_reserved_pages(&self) -> bool {
        self.routes.all().any(|(_, route)| route.is_reserved)
    }

    /// Where a path leads: as it is, or without a prefix, whichever is exacter. The segments of a prefix are text.
    ///
    /// It fails when what stands in the places of its template cannot be read.
    pub(super) fn find(&self, path: &str) -> Result<Destination<'_>, InvalidPath> {
        if let Some(route) = self.routes.literal(path) {
            return Ok(Destination::Route(route, Values::new()));
        }
        if self.prefixes.iter().any(|prefix| prefix == path) {
            return Ok(Destination::Redirect(format!("{path}/")));
        }
        let as_it_is = self.routes.find(path).map(|found| (found.kinds(), found));
        let without_prefix = self.prefixes.iter().filter_map(|prefix| {
            let found = self.routes.find(path.strip_prefix(prefix.as_str())?)?;
            let mut kinds = vec![Kind::Literal; prefix.matches('/').count()];
            kinds.extend(found.kinds());
            // What a proxy keeps from the public at its path must have no second one.
            (!found.value().is_reserved).then_some((kinds, found))
        });
        let all = as_it_is.into_iter().chain(without_prefix);
        // The first one of those that are equally exact.
        let exactest = all.min_by(|(kinds, _), (others, _)| kinds.cmp(others));
        match exactest {
            Some((_, found)) => Ok(Destination::Route(found.value(), found.values()?)),
            None if self.fallback.is_there() => {
                Ok(Destination::Route(&self.fallback, Values::new()))
            }
            None => Ok(Destination::Nowhere),
        }
    }
}

impl Route {
    const fn is_there(&self) -> bool {
        self.handler.is_some() || self.page.is_some()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.routes.all().map(|(path, _)| path).collect();
        f.debug_struct("Site")
            .field("paths", &paths)
            .field("prefixes", &self.prefixes)
            .finish_non_exhaustive()
    }
}
