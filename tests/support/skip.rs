//! What cannot be tested on this machine.

use std::io::Write as _;

/// Says that tests are skipped, and why. Where `variable` is `required`, that is a failure.
#[allow(dead_code, reason = "each test program uses some of these")]
pub(crate) fn skip(tests: &str, why: &str, variable: &str) {
    let is_required = std::env::var_os(variable).is_some_and(|value| value == "required");
    assert!(!is_required, "{why}");
    // Not with println, which shows nothing when a test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED {tests}: {why}.");
}
