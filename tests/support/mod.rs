//! What the tests share.

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
pub(crate) mod program;
pub(crate) mod raw;
#[cfg(feature = "cli")]
pub(crate) mod run;
pub(crate) mod server;
#[cfg(all(unix, feature = "cli"))]
pub(crate) mod terminal;
pub(crate) mod tunnel;

use std::io::Write as _;

/// Says that tests are skipped, and why. Where `variable` is `required`, that is a failure.
#[allow(dead_code, reason = "each test program uses some of these")]
pub(crate) fn skip(tests: &str, why: &str, variable: &str) {
    let is_required = std::env::var_os(variable).is_some_and(|value| value == "required");
    assert!(!is_required, "{why}");
    // Not with println, which shows nothing when a test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED {tests}: {why}.");
}
