//! What people and programs are told.

pub(crate) mod text;
