//! `plainws check` of servers inside TLS.
