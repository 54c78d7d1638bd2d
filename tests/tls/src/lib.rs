//! What the tests of plainws inside TLS share.
//!
//! - [`certificate`]: an [`Authority`] and the certificates that it signs, as PEM, as files, and as settings of rustls.
//! - [`peer`]: a [`Peer`] is rustls over a TCP connection, a client or a server, whose every record the test writes and
//!   reads: keys renewed in the middle of a frame, ten frames in a record, an end without close_notify.
//! - [`relay`]: a [`Relay`] stands between a client and a server and lets as many bytes pass as the test says, and when.
//! - [`program`]: the program, run to its end ([`run`]) or as long as the test likes ([`Program`]), with what it says.
//!
//! Nothing waits without an end: after [`PATIENCE`] a test fails. Nothing sleeps.
//!
//! The test programs include the main package's own support beside this one, for peers without TLS, servers, gates and
//! deadlines: `tests/support/mod.rs`.

pub mod certificate;
#[path = "../../support/gate.rs"]
mod gate;
pub mod peer;
#[path = "../../support/process.rs"]
mod process;
pub mod program;
/// What the files of the main package look for there.
mod raw {
    pub(crate) use crate::PATIENCE;
}
pub mod relay;

pub use certificate::{Authority, Certificate, Files, LOCAL, trusting, trusting_at};
pub use oracles::wire;
pub use peer::{Peer, frame};
pub use program::{Output, Program, Run, plainws_program, run, run_with};
pub use relay::{Passing, Relay, Valve};

use std::time::Duration;

/// Enough for a slow machine that does much else. Only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(20);
