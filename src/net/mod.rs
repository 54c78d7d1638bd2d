//! Storey 2: sockets, threads, deadlines.
//!
//! Here the protocol meets `std::net`. No protocol rule is judged in this storey: bytes go to
//! [`protocol`](crate::protocol) and what comes back is written.
//!
//! Five files carry a connection, and are best read in this order: `stream` moves bytes over a [`transport`], `link` shares a
//! connection among threads, `websocket` is what handlers call, `session` answers requests, and `server`
//! accepts, from a `listener`; [`accept`] serves one stream that was accepted elsewhere. What they have to judge stands in files of its own, most of which know no socket and no clock:
//!
//! | of | file | what it answers |
//! |---|---|---|
//! | time | `pace` | at which pace is a peer served, and when is it late? |
//! | | `incoming` | does a message that has begun arrive at its promised pace? |
//! | | `keepalive` | when is a silent peer sent a ping, and when is it gone? |
//! | | `caretaker` | who finds dead peers, and answers pings while a handler is busy? |
//! | bytes | `output` | what is still to be written, and by whom? |
//! | | `read_buffer`, `inbox` | what was read, and is not decoded or received yet? |
//! | | `budget` | how much memory may all connections hold together? |
//! | | `file_body` | how is a long page sent, without holding all of it? |
//! | peers | `admission` | who gets a place? |
//! | | [`capacity`] | how many places does the system allow? |
//! | | [`applicant`] | who asks for a WebSocket connection, and on what terms is it let in? |
//! | | [`paths`] | where does a request's path lead? |
//! | | [`hosts`], [`origin`] | which hosts are answered for, and whose pages may connect? |
//! | | [`proxies`] | which proxies are believed what they tell of their clients? |
//! | | [`forwarded`], [`proxy_header`] | what do they tell, in headers of HTTP and before them? |
//! | | `shown` | how is what they sent shown to people? |
//! | | `dial`, [`proxy`] | how does a client reach a server? |
//! | | `tls`, `security` | how is TLS put below a connection, where the build has it? |
//! | | `registry` | which connections are there, and how are they ended? |

pub mod accept;
pub mod applicant;
mod budget;
pub mod capacity;
mod caretaker;
pub mod client;
mod deadline;
mod dial;
pub mod error;
#[cfg(any(unix, windows))]
mod file_body;
pub mod forwarded;
pub mod hosts;
pub mod http;
mod inbox;
mod incoming;
mod keepalive;
pub mod limits;
mod link;
pub mod listener;
pub mod log;
pub mod origin;
mod output;
mod overdue;
mod pace;
pub mod paths;
mod places;
mod proxied;
pub mod proxies;
pub mod proxy;
pub mod proxy_header;
pub mod random;
mod read_buffer;
mod read_head;
mod read_response;
mod refusal;
mod registry;
mod security;
pub mod sender;
pub mod server;
mod session;
mod shown;
mod site;
pub mod stats;
mod stream;
pub mod tap;
#[cfg(feature = "tls")]
pub mod tls;
pub mod transport;
pub mod url;
pub mod websocket;
mod words;
