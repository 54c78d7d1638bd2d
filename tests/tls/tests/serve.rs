//! `plainws serve` inside TLS.
