//! The main package's support, as far as it is of use inside TLS, and servers inside TLS.

#[path = "../../../support/bytes.rs"]
pub(crate) mod bytes;
#[path = "../../../support/due.rs"]
pub(crate) mod due;
#[path = "../../../support/gate.rs"]
pub(crate) mod gate;
pub(crate) mod inside;
#[path = "../../../support/memory_pair.rs"]
pub(crate) mod memory_pair;
#[path = "../../../support/process.rs"]
pub(crate) mod process;
#[path = "../../../support/raw.rs"]
pub(crate) mod raw;
#[path = "../../../support/server.rs"]
pub(crate) mod server;
#[path = "../../../support/skip.rs"]
pub(crate) mod skip;
#[path = "../../../support/soak.rs"]
pub(crate) mod soak;
#[path = "../../../support/tunnel.rs"]
pub(crate) mod tunnel;

#[allow(unused_imports, reason = "each test program uses some of these")]
pub(crate) use skip::skip;
