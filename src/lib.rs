//! placeholder
pub mod protocol;
pub use protocol::Role;
pub use protocol::close::CloseReason;
pub use protocol::close_code::CloseCode;
pub use protocol::message::Message;
pub use protocol::rule::Rule;
