//! The subcommands that look at bytes, a file each.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod exercise;
pub(crate) mod handshake;
pub(crate) mod rules;
pub(crate) mod shell;
pub(crate) mod why;
