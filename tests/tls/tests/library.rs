//! The library inside TLS.

mod messages;
mod support;
