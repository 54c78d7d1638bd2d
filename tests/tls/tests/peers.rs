//! Other implementations as the other end, of TLS and of WebSocket.
//!
//! Each test needs its tool; without it, it says that it is skipped, and why. With `PLAINWS_OPENSSL=required`,
//! `PLAINWS_PYTHON=required`, `PLAINWS_NODE=required` and `PLAINWS_BROWSER=required` that is a failure.
//! `tests/peers/with` of the main package installs the packages for Python and Node that are spoken to.

mod browser;
#[allow(dead_code, reason = "the main package's tests use the rest")]
#[path = "../../support/devtools.rs"]
mod devtools;
mod openssl;
mod packages;
mod support;
