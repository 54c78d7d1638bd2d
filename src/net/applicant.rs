//! Who asks for a WebSocket connection, and on what terms it is let in.

use super::http::Page;
use super::limits::Limits;
use crate::protocol::request::Request;
use std::net::SocketAddr;

/// Who asks for a WebSocket connection, for [`Server::admit`](crate::Server::admit).
#[derive(Debug)]
#[non_exhaustive]
pub struct Applicant<'a> {
    /// What it asks for: path, query, headers.
    pub request: &'a Request,
    /// Its address; `None` on a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The number of its TCP connection, which [`Server::tap`](crate::Server::tap) was told as well.
    pub number: u64,
    /// The server's limits, for those who want to change some of them.
    pub limits: Limits,
}

/// On what terms an [`Applicant`] is let in. The default is those of the server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Admission {
    /// Limits of this connection instead of the server's. Those of the head do not matter any more.
    pub limits: Option<Limits>,
}

impl Admission {
    /// The same with limits of its own.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }
}

pub(super) type Admit = Box<dyn Fn(&Applicant<'_>) -> Result<Admission, Page> + Send + Sync>;
