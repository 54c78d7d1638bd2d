//! `plainws proxy` with TLS on either side.
