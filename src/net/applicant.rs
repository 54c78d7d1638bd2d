//! Who asks for a WebSocket connection, and on what terms it is let in.

use super::http::{Page, Response, header_refusal};
use super::limits::Limits;
use crate::protocol::handshake::Upgrade;
use crate::protocol::request::Request;
use std::any::Any;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Who asks for a WebSocket connection, for [`Server::admit`](crate::Server::admit).
#[derive(Debug)]
#[non_exhaustive]
pub struct Applicant<'a> {
    /// What it asks for: path, query, headers.
    pub request: &'a Request,
    /// Its address; `None` on a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The number of its TCP connection, which [`Server::tap`](crate::Server::tap) was told as well. 1 with
    /// [`Accept::admit`](crate::Accept::admit).
    pub number: u64,
    /// The server's limits, for those who want to change some of them.
    pub limits: Limits,
    /// The subprotocols that it offers, in its order of preference (§4.2.1); none if it offers none.
    pub subprotocols: &'a [String],
    /// By when it is to be answered: after that it is refused with 503
    /// ([`Limits::admit_timeout`](field@Limits::admit_timeout)), and what is decided about it is dropped.
    pub deadline: Instant,
}

/// On what terms an [`Applicant`] is let in. The default is those of the server.
///
/// ```
/// use plainws::{Admission, Applicant, Page};
///
/// struct User(String);
///
/// fn admit(applicant: &Applicant<'_>) -> Result<Admission, Page> {
///     let Some(token) = applicant.request.header("Authorization") else {
///         let challenge = "Bearer realm=\"chat\"";
///         return Err(Page::refusal(401, "who are you?").header("WWW-Authenticate", challenge));
///     };
///     Ok(Admission::default()
///         .header("Set-Cookie", "seen=1; HttpOnly")
///         .extension(User(token.to_owned())))
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Admission {
    /// Limits of this connection instead of the server's. Those of the head do not matter any more.
    pub limits: Option<Limits>,
    headers: Vec<(String, String)>,
    subprotocol: Subprotocol,
    extensions: Extensions,
}

/// Which subprotocol is agreed on.
#[derive(Clone, Debug, Default)]
enum Subprotocol {
    /// The client's first that the server speaks.
    #[default]
    OfServer,
    Named(String),
    None,
}

impl Admission {
    /// The same with limits of its own.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The same with one more header in the answer that opens the connection, such as `Set-Cookie` (§1.3). A name
    /// may come several times.
    ///
    /// A header that must not be sent makes the answer a 500 whose reason names it, in the body and the log: one
    /// whose name is not a token, whose value has control bytes, or which the server answers for itself
    /// (`Upgrade`, `Connection`, those of `Sec-WebSocket-`, `Content-Length`, `Transfer-Encoding`, `Date`).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with this subprotocol (§1.9) instead of the server's choice
    /// ([`Server::subprotocols`](crate::Server::subprotocols)).
    ///
    /// It must be one of those that were offered ([`Applicant::subprotocols`]): a client fails the connection
    /// otherwise (§4.1), so the answer is a 500.
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.subprotocol = Subprotocol::Named(name.to_owned());
        self
    }

    /// The same without a subprotocol, though the server speaks one of those offered. Some clients that offered
    /// one leave then; browsers do.
    #[must_use]
    pub fn without_subprotocol(mut self) -> Self {
        self.subprotocol = Subprotocol::None;
        self
    }

    /// The same with something for the handler, such as who the user is, which it finds by its type
    /// ([`WebSocket::extension`](crate::WebSocket::extension)). Of two of the same type the later one is found.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.0.push(Arc::new(value));
        self
    }

    /// Brings its terms into the answer, and returns the subprotocol that is agreed on; or the answer if there
    /// is something in them that must not be sent.
    pub(super) fn settle(
        &self,
        upgrade: &mut Upgrade,
        known: &[String],
    ) -> Result<Option<String>, Response> {
        for (name, value) in &self.headers {
            let added = upgrade.add_header(name, value);
            added.map_err(|_| header_refusal(name))?;
        }
        let mut offered = upgrade.subprotocols().iter();
        match &self.subprotocol {
            Subprotocol::OfServer => Ok(offered.find(|name| known.contains(name)).cloned()),
            Subprotocol::Named(name) if offered.any(|offered| offered == name) => {
                Ok(Some(name.clone()))
            }
            Subprotocol::Named(name) => {
                let reason = format!("the subprotocol {name:?} was chosen and not offered");
                Err(Response::refusal(500, "subprotocol-not-offered", reason))
            }
            Subprotocol::None => Ok(None),
        }
    }

    pub(super) fn into_extensions(self) -> Extensions {
        self.extensions
    }
}

/// Values that are found by their type.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions(Vec<Arc<dyn Any + Send + Sync>>);

/// Dropping a value runs the user's code as well, which may panic.
impl Drop for Extensions {
    fn drop(&mut self) {
        for value in self.0.drain(..) {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
        }
    }
}

impl Extensions {
    pub(super) fn get<T: 'static>(&self) -> Option<&T> {
        let mut latest_first = self.0.iter().rev();
        latest_first.find_map(|value| value.downcast_ref())
    }
}

pub(super) type Admit = Box<dyn Fn(&Applicant<'_>) -> Result<Admission, Page> + Send + Sync>;
