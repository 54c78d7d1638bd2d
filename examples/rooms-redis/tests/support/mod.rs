//! Redis, instances of the program, HAProxy, and members of rooms.

pub(crate) mod crowd;
#[path = "../../../../tests/support/gate.rs"]
pub(crate) mod gate;
pub(crate) mod member;
#[path = "../../../../tests/support/process.rs"]
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod servers;
#[path = "../../../../tests/support/skip.rs"]
pub(crate) mod skip;

pub(crate) use skip::skip;
