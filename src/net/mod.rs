//! Storey 2: sockets, threads, deadlines.
//!
//! Here the protocol meets `std::net`. No protocol rule is judged in this storey: bytes go to
//! [`protocol`](crate::protocol) and what comes back is written.

mod admission;
mod budget;
pub mod capacity;
mod caretaker;
pub mod client;
mod deadline;
pub mod error;
pub mod hosts;
pub mod http;
mod inbox;
mod incoming;
mod keepalive;
pub mod limits;
mod link;
pub mod log;
pub mod origin;
mod output;
mod pace;
mod random;
mod read_buffer;
mod read_head;
mod registry;
pub mod sender;
pub mod server;
mod session;
mod site;
pub mod stats;
mod stream;
pub mod tap;
pub mod websocket;
