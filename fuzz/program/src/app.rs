//! The sources of the program that are judged.

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../../src/app/address.rs"]
pub(crate) mod address;

#[path = "../../../src/app/lab/command.rs"]
pub(crate) mod command;

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../../src/app/crafted.rs"]
pub(crate) mod crafted;

#[path = "../../../src/app/check/listen/query.rs"]
pub(crate) mod query;

#[path = "../../../src/app/check/random/saved.rs"]
pub(crate) mod saved;

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../../src/app/text.rs"]
pub(crate) mod text;

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../../src/app/trust.rs"]
pub(crate) mod trust;

#[allow(dead_code, unused_imports, reason = "the program uses the rest")]
#[path = "../../../src/app/input/mod.rs"]
pub(crate) mod input;
