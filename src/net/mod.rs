//! Storey 2: sockets, threads, deadlines.
//!
//! Here the protocol meets `std::net`. No protocol rule is judged in this storey: bytes go to
//! [`protocol`](crate::protocol) and what comes back is written.

mod caretaker;
pub mod client;
pub mod error;
pub mod http;
pub mod limits;
mod link;
pub mod log;
pub mod origin;
mod random;
mod reader;
mod registry;
pub mod sender;
pub mod server;
mod session;
mod site;
mod socket;
pub mod stats;
pub mod tap;
pub mod websocket;
