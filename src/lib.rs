//! placeholder
pub mod net;
pub mod protocol;

pub use net::client::{Client, connect};
pub use net::error::{Error, Refusal, Result};
pub use net::http::Page;
pub use net::limits::Limits;
pub use net::server::Server;
pub use net::websocket::{Received, WebSocket};
pub use protocol::Role;
pub use protocol::close::CloseReason;
pub use protocol::close_code::CloseCode;
pub use protocol::message::Message;
pub use protocol::rule::Rule;
