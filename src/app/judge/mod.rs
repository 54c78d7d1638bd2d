//! What is right or wrong with bytes, and what likely went wrong.

pub(crate) mod cause;
pub(crate) mod conversation;
pub(crate) mod decoded;
pub(crate) mod deflate;
pub(crate) mod exchange;
pub(crate) mod extensions;
pub(crate) mod faults;
pub(crate) mod foreign;
pub(crate) mod mistakes;
pub(crate) mod places;
pub(crate) mod questions;
pub(crate) mod stages;
