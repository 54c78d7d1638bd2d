//! The sources of the program that are judged.

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../../src/app/address.rs"]
pub(crate) mod address;

#[path = "../../../src/app/check/listen/query.rs"]
pub(crate) mod query;

#[allow(dead_code, unused_imports, reason = "the program uses the rest")]
#[path = "../../../src/app/input/mod.rs"]
pub(crate) mod input;
