//! Instances of the program as processes, a real Redis that several of them share, and HAProxy. Where one of these two is
//! missing, its tests are skipped aloud; `PLAINWS_REDIS=required` and `PLAINWS_HAPROXY=required` make that a failure.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod coming_back;
mod losses;
mod support;
mod talking;
