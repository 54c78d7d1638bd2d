//! How bytes look: for people in columns, for programs as JSON.

pub(crate) mod connection;
pub(crate) mod derivation;
pub(crate) mod events;
pub(crate) mod flood;
pub(crate) mod heads;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod listing;
pub(crate) mod output;
pub(crate) mod paint;
pub(crate) mod step;
pub(crate) mod trace;
pub(crate) mod verdict;

pub(crate) use super::text;
