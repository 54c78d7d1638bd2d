//! The library over bytes and over sockets, and what its sources and README say. Needs no feature.

mod architecture;
mod chat;
mod client;
mod close;
mod connection;
mod dissect;
mod explain;
mod frame;
mod full_duplex;
mod handshake;
mod head;
mod http;
mod message;
mod pace;
mod reaching;
mod readme;
mod request;
mod response;
mod rule;
mod server;
mod shutdown;
mod support;
mod tap;
mod unix_socket;
mod utf8;
mod websocket;
