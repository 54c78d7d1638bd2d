//! `plainws connect` to servers inside TLS.
