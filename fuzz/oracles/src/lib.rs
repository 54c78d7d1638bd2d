//! Oracles: what must hold for any WebSocket implementation, whatever bytes it is given.
//!
//! An [`Oracle`] takes a [`Subject`] and an input, and says what is wrong. libFuzzer, `cargo test` and
//! the self-check run the same functions on the same inputs; only who makes the inputs differs.
//!
//! Read in this order:
//!
//! - what is judged: [`subject`], [`product`], [`child`];
//! - the RFC read a second time: [`reference`](mod@reference), [`due`];
//! - the oracles: [`frames`], [`resource`], [`script`], [`endpoint`], [`handshake`], [`opening`], [`dissect`],
//!   [`pieces`], [`paths`], [`chunks`], [`proxies`], [`proxy_headers`], [`forwarding`], and [`oracle`], their table;
//! - the inputs: [`stream`], [`generate`], [`heads`], [`wire`], [`choices`], and [`target`], the fuzz targets;
//! - the faults that prove the oracles: [`bug`], [`specimen`]; over TCP, [`served`];
//! - where a fuzzer starts, and what that reaches: [`seeds`], [`coverage`];
//! - what people are told: [`words`], [`mod@shown`], [`mod@shrink`], [`report()`], [`watch`], [`explain`].

pub mod bug;
pub mod child;
pub mod chunks;
pub mod coverage;
pub mod dissect;
pub mod endpoint;
pub mod explain;
pub mod forwarding;
pub mod frames;
pub mod handshake;
pub mod heads;
pub mod opening;
pub mod oracle;
pub mod paths;
pub mod pieces;
pub mod product;
pub mod proxies;
pub mod proxy_headers;
pub mod reference;
pub mod report;
pub mod resource;
pub mod script;
pub mod seeds;
pub mod served;
pub mod shown;
pub mod shrink;
pub mod specimen;
pub mod stream;
pub mod subject;
pub mod target;
pub mod watch;
pub mod words;

#[path = "../../../src/app/check/streams/mod.rs"]
pub mod streams;

pub use streams::{choices, due, generate, wire};

pub use oracle::{ORACLES, Oracle, inputs};
pub use report::report;
pub use target::{Finding, TARGETS, Target};

use product::Plainws;
use subject::Subject;

/// What a fuzz target's file calls.
///
/// # Panics
///
/// When an oracle fires: that is how libFuzzer learns of it.
pub fn fuzz(target: &str, input: &[u8]) {
    fuzz_with(&Plainws, target, input);
}

/// What a fuzz target's file calls to have another subject judged.
///
/// # Panics
///
/// When an oracle fires, or there is no such target.
pub fn fuzz_with(subject: &dyn Subject, target: &str, input: &[u8]) {
    let target = Target::named(target).expect("a target of that name");
    if let Err(finding) = target.judge(subject, input) {
        let decode = finding.decode.as_deref().unwrap_or_default();
        panic!("{finding}\n{decode}");
    }
}
