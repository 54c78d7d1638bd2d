//! What the tests share.

#[cfg(feature = "cli")]
pub(crate) mod balancer;
pub(crate) mod bytes;
pub(crate) mod due;
pub(crate) mod gate;
#[cfg(feature = "cli")]
pub(crate) mod golden;
pub(crate) mod hand_made;
pub(crate) mod hostile;
#[cfg(feature = "cli")]
pub(crate) mod lab;
pub(crate) mod memory_pair;
pub(crate) mod packets;
#[cfg(feature = "cli")]
pub(crate) mod process;
#[cfg(feature = "cli")]
pub(crate) mod program;
pub(crate) mod raw;
#[cfg(feature = "cli")]
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod skip;
#[cfg(feature = "cli")]
pub(crate) mod soak;
#[cfg(all(unix, feature = "cli"))]
pub(crate) mod terminal;
pub(crate) mod tunnel;

#[allow(unused_imports, reason = "each test program uses some of these")]
pub(crate) use skip::skip;
