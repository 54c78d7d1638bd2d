//! Instances of the program as processes, a real Redis that several of them share, HAProxy, and a browser. Where one of
//! these is missing, its tests are skipped aloud; `PLAINWS_REDIS=required`, `PLAINWS_HAPROXY=required` and
//! `PLAINWS_BROWSER=required` make that a failure.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod coming_back;
#[path = "../../../tests/support/devtools.rs"]
#[allow(dead_code, reason = "one page needs some of it")]
mod devtools;
mod losses;
mod page;
mod support;
mod talking;
