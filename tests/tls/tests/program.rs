//! The program inside TLS: see [`plainws_tls_tests::program`] for how to run it.

mod check;
mod connect;
mod hostile;
mod proxy;
mod serve;
mod support;
