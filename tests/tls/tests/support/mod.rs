//! The main package's support, as far as it is of use inside TLS.

#[path = "../../../support/bytes.rs"]
pub(crate) mod bytes;
#[path = "../../../support/due.rs"]
pub(crate) mod due;
#[path = "../../../support/gate.rs"]
pub(crate) mod gate;
#[path = "../../../support/raw.rs"]
pub(crate) mod raw;
#[path = "../../../support/server.rs"]
pub(crate) mod server;
