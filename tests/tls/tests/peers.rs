//! Other implementations of TLS and of WebSocket as peers.
