//! What the oracles judge: a few small traits.
//!
//! Only [`Subject::reader`] must be written to have a parser of frames judged; what a subject does not
//! have is not judged.

use plainws::protocol::connection::State;
use plainws::protocol::handshake::{InvalidHeader, Opening};
use plainws::protocol::head;
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

pub use crate::streams::seen::{Each, Seen};

/// A WebSocket implementation, or a part of one.
pub trait Subject {
    /// Begins to read the frames that `sender` sends.
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader>;

    /// When it judges, at the latest; the oracles hold it to that and to no more.
    fn judges(&self) -> Each {
        Each::Byte
    }

    /// Whether it does its work elsewhere, in another process: then its memory and time are not judged.
    fn is_elsewhere(&self) -> bool {
        false
    }

    /// Opens one end of an established connection.
    fn endpoint(&self, _role: Role, _limits: Limits) -> Option<Box<dyn Endpoint>> {
        None
    }

    /// Begins to read the handshake that `sender` sends: a request from a client, else the response
    /// to the request of [`opening`]. A server wants that subprotocol if it is offered, else none.
    fn handshake(
        &self,
        _sender: Role,
        _limits: head::Limits,
        _subprotocol: Option<&str>,
    ) -> Option<Box<dyn Handshake>> {
        None
    }

    /// The request that its client sends.
    fn request(&self, _wish: &Wish) -> Option<Result<String, InvalidHeader>> {
        None
    }

    /// Shows a stream to people, which arrives in pieces.
    fn dissect(&self, _sender: Role, _limits: Limits, _pieces: &[&[u8]]) -> Option<Listing> {
        None
    }

    /// Its masking.
    fn mask(&self) -> Option<Mask> {
        None
    }

    /// Whether a server on the loopback answers for what a request names as its host.
    fn serves_host(&self, _host: &str) -> Option<bool> {
        None
    }

    /// What a server with this one entry does with this origin in a request to this host, which came by TLS or not;
    /// or it refuses the entry.
    fn judges_origin(
        &self,
        _entry: &str,
        _origin: &str,
        _host: &str,
        _is_secure: bool,
    ) -> Option<Option<Entry>> {
        None
    }

    /// Takes a URL apart, or refuses it.
    fn url(&self, _url: &str) -> Option<Option<Site>> {
        None
    }

    /// Where a path leads among templates such as `/room/{id}` and `/files/{*rest}`.
    fn led(&self, _templates: &[&str], _path: &str) -> Option<Led> {
        None
    }

    /// Begins to read a chunked body.
    fn chunks(&self) -> Option<Box<dyn Chunks>> {
        None
    }

    /// What a server that trusts this entry alone takes a peer for, which is `None` over a Unix socket; or it refuses the
    /// entry.
    fn trusts_proxy(&self, _entry: &str, _peer: Option<IpAddr>) -> Option<Option<Entry>> {
        None
    }

    /// What a connection from a trusted proxy begins with, given all its bytes so far.
    fn proxy_header(&self, _bytes: &[u8]) -> Option<Preface> {
        None
    }

    /// Who sent a request with these header fields that came from `peer`, `None` over a Unix socket, for a server that
    /// trusts [`TRUSTED`]; or it refuses it as unclear.
    fn forwarded(&self, _peer: Option<IpAddr>, _fields: &[Field]) -> Option<Option<Sent>> {
        None
    }

    /// Begins to read text.
    fn text(&self) -> Option<Box<dyn Text>> {
        None
    }
}

/// How a connection begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preface {
    /// It may become a PROXY header.
    Incomplete,
    /// It is none.
    NotOne,
    /// It begins as one and is none.
    Malformed,
    /// It is one.
    Header {
        /// Who connected to the proxy.
        source: Option<SocketAddr>,
        /// Where to.
        destination: Option<SocketAddr>,
        /// Whether by TLS.
        is_secure: Option<bool>,
        /// How many bytes it has.
        length: usize,
    },
}

/// Which proxies it trusts that judges [who sent a request](Subject::forwarded).
pub const TRUSTED: [&str; 3] = ["10.0.0.0/8", "2001:db8:ffff::/48", "unix"];

/// A header field: its name, and its value, which need not be text.
pub type Field = (String, Vec<u8>);

/// What proxies tell about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// By whom it was sent.
    pub client: Option<IpAddr>,
    /// Whether by TLS.
    pub is_secure: Option<bool>,
    /// To which host.
    pub host: Option<String>,
}

/// What is let in by an entry, such as an origin or a proxy's address, and what comes of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How the entry is written.
    pub normal: String,
    /// Whether the other may connect.
    pub lets_in: bool,
}

/// Masks bytes that begin at `offset` in the payload of their frame.
pub type Mask = fn(payload: &mut [u8], key: [u8; 4], offset: u64);

/// What a URL leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// As in a Host header: with the port unless that is 80, without a zone.
    pub host: String,
    /// Path and query.
    pub target: String,
}

/// Where a path leads among templates, which are told by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Led {
    /// This template is none, or differs from an earlier one only in names.
    BadTemplate(usize),
    /// None fits.
    Nowhere,
    /// To this one, with a value that cannot be read.
    Unreadable(usize),
    /// To this one, with these values of its places.
    To(usize, Vec<(String, String)>),
}

/// Reads one direction of an established connection.
pub trait Reader {
    /// Takes the next bytes, which it may change, and returns all that they complete.
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen>;

    /// All that it has answered by itself so far: pongs, and the Close that ends it. `None` for a parser that
    /// does not answer.
    fn answers(&self) -> Option<&[u8]> {
        None
    }
}

/// One end of a connection that reads and sends.
pub trait Endpoint {
    /// Takes the next bytes and returns all that they complete.
    fn receive(&mut self, bytes: &mut [u8]) -> Vec<Seen>;
    /// The peer's half of the connection has ended.
    fn receive_eof(&mut self);
    /// Sends a message; `false` when that is no longer possible.
    fn send_text(&mut self, text: &str) -> bool;
    /// Sends a message; `false` when that is no longer possible.
    fn send_binary(&mut self, bytes: &[u8]) -> bool;
    /// Sends a ping; `false` when that is not possible.
    fn ping(&mut self, payload: &[u8]) -> bool;
    /// Starts the closing handshake; `false` when that is not possible. A reason that is too long is cut
    /// between two characters, as late as possible.
    fn close(&mut self, code: u16, reason: &str) -> bool;
    /// Its state.
    fn state(&self) -> State;
    /// The code that the peer closed with, 1005 for none, 1006 for a connection that ended otherwise
    /// (§7.1.5); `None` while it is open, and for an endpoint that does not say.
    fn closed_with(&self) -> Option<u16> {
        None
    }
    /// The next bytes to be written, empty when none wait.
    fn take_output(&mut self) -> Vec<u8>;

    /// All that waits to be written. An endpoint whose output never ends is asked a thousand times.
    fn drain_output(&mut self) -> Vec<u8> {
        let chunks = (0..1000).map(|_| self.take_output());
        chunks
            .take_while(|chunk| !chunk.is_empty())
            .flatten()
            .collect()
    }
}

/// What a client is asked to ask for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The host, with its port if need be.
    pub host: String,
    /// The target.
    pub target: String,
    /// What the key is made from.
    pub nonce: [u8; 16],
    /// The subprotocols to be offered.
    pub subprotocols: Vec<String>,
    /// Names and values of further headers.
    pub headers: Vec<(String, String)>,
}

/// Reads an opening handshake.
pub trait Handshake {
    /// Takes the next bytes; `None` while more are needed. After an accepted head the next one may follow.
    fn receive(&mut self, bytes: &[u8]) -> Option<Verdict>;
}

/// How a handshake ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer broke a rule; `None` for a parser that does not say which.
    Refused(Option<Rule>),
    /// The connection is open.
    Accepted {
        /// A server's response; empty in a client.
        response: String,
        /// The bytes after the head, as far as they were given with its end.
        rest: Vec<u8>,
    },
}

/// A stream taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The frames in order; the last may be incomplete or break a rule.
    pub frames: Vec<Shown>,
    /// How many bytes were not read, after a Close or a failure.
    pub unread: u64,
    /// Whether the stream ends inside a frame or a message.
    pub is_cut: bool,
}

/// A frame, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where in the stream it begins.
    pub offset: u64,
    /// Its bytes, up to the one that breaks a rule.
    pub wire: Vec<u8>,
    /// Its payload so far, unmasked.
    pub payload: Vec<u8>,
    /// How much of its payload is missing, if its header is complete and legal.
    pub missing: u64,
    /// Its number in its message, from 0, if it is in one and legal by itself.
    pub fragment: Option<u64>,
    /// The message that it completes.
    pub message: Option<Seen>,
    /// The rule that it breaks.
    pub violation: Option<Rule>,
    /// The place of each label, in bits from the frame's first, and its words.
    pub labels: Vec<(Range<u64>, String)>,
}

/// Reads a chunked body in pieces.
pub trait Chunks {
    /// Takes the next bytes and hands out the data in them; how many belong to the body, `None` for bytes that cannot.
    fn receive(&mut self, bytes: &[u8], data: &mut dyn FnMut(&[u8])) -> Option<usize>;
    /// Whether the body has come to its end.
    fn has_ended(&self) -> bool;
}

/// Reads text in pieces.
pub trait Text {
    /// Takes the next bytes; `false` when they cannot be text.
    fn decode(&mut self, bytes: &[u8]) -> bool;
    /// The whole characters so far.
    fn so_far(&self) -> &str;
    /// Whether the text may end here.
    fn may_end(&self) -> bool;
}

/// The key of [`opening`], which is that of §1.3.
pub const OPENING_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The request that a response answers: the key of §1.3, and two subprotocols.
#[must_use]
pub fn opening() -> Opening {
    let opening = Opening::new("example.com", "/chat", *b"the sample nonce");
    let mut opening = opening.expect("a host and a target that can be sent");
    for name in ["chat", "superchat"] {
        let offered = opening.offer_subprotocol(name);
        offered.expect("a token that is offered once");
    }
    opening
}
