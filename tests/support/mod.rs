//! What the tests share.

pub(crate) mod bytes;
#[cfg(feature = "cli")]
pub(crate) mod program;
pub(crate) mod raw;
#[cfg(feature = "cli")]
pub(crate) mod run;
pub(crate) mod server;
