//! Oracles: what must hold for any WebSocket implementation, whatever bytes it is given.
//!
//! An [`Oracle`] takes a [`Subject`] and an input, and says what is wrong. libFuzzer, `cargo test` and
//! the self-check run the same functions on the same inputs; only who makes the inputs differs.
//!
//! Read in this order: [`subject`] and [`product`] (what is judged), [`reference`](mod@reference) (the RFC read
//! a second time), [`due`], [`frames`], [`resource`], [`script`], [`endpoint`], [`handshake`], [`opening`], [`dissect`],
//! [`pieces`] (the oracles), [`generate`], [`heads`] and [`choices`] (the inputs), [`bug`] and [`specimen`] (the
//! faults that prove the oracles), [`seeds`] and [`coverage`] (where to start, and what that reaches),
//! [`report()`], [`watch`] and [`explain`] (what people are told).

pub mod bug;
pub mod choices;
pub mod coverage;
pub mod dissect;
pub mod due;
pub mod endpoint;
pub mod explain;
pub mod frames;
pub mod generate;
pub mod handshake;
pub mod heads;
pub mod opening;
pub mod pieces;
pub mod product;
pub mod reference;
pub mod report;
pub mod resource;
pub mod script;
pub mod seeds;
pub mod specimen;
pub mod subject;
pub mod watch;

pub use report::report;

use choices::{Choices, Random};
use product::Plainws;
use std::fmt;
use subject::Subject;

/// Something that must hold.
#[derive(Clone, Copy, Debug)]
pub struct Oracle {
    /// Its name in reports.
    pub name: &'static str,
    /// Judges a subject by one input.
    pub check: fn(&dyn Subject, &[u8]) -> Result<(), String>,
    /// Makes an input that is worth trying.
    pub generate: fn(&mut Choices<'_>) -> Vec<u8>,
    /// How many generated inputs are enough, at most.
    pub inputs: u32,
}

/// Every oracle.
// One a line, to be read as a table.
#[rustfmt::skip]
pub const ORACLES: &[Oracle] = &[
    oracle("split", frames::split, frames::Stream::generate),
    oracle("reference", frames::reference, frames::Stream::generate),
    oracle("silence", frames::silence, frames::Stream::generate),
    oracle("answers", frames::answers, frames::Stream::generate),
    oracle("round-trip", frames::round_trip, generate::decisions).tried(200),
    oracle("memory", resource::memory, resource::generate_memory).tried(200),
    oracle("queue", resource::queue, generate::decisions).tried(100),
    oracle("work", resource::work, resource::generate_work).tried(10),
    oracle("endpoint-hears", endpoint::hears, script::generate).tried(500),
    oracle("endpoint-legal", endpoint::legal, script::generate).tried(500),
    oracle("endpoint-close", endpoint::last_word, script::generate).tried(500),
    oracle("endpoint-pongs", endpoint::pongs, script::generate).tried(500),
    oracle("endpoint-ends", endpoint::ends, script::generate).tried(500),
    oracle("head-split", handshake::split, handshake::generate).tried(500),
    oracle("head-bounded", handshake::bounded, handshake::generate),
    oracle("head-accepts", handshake::accepts, handshake::generate),
    oracle("head-rest", handshake::rest, handshake::generate).tried(1000),
    oracle("head-work", resource::head_work, resource::generate_work).tried(20),
    oracle("request-items", handshake::request_items, handshake::generate_request),
    oracle("response", handshake::response, handshake::generate_request),
    oracle("response-items", handshake::response_items, handshake::generate_response),
    oracle("request-sent", opening::request_sent, generate::decisions),
    oracle("dissect-tiles", dissect::tiles, frames::Stream::generate).tried(500),
    oracle("dissect-same", dissect::same, frames::Stream::generate).tried(500),
    oracle("dissect-printed", dissect::printed, frames::Stream::generate).tried(500),
    oracle("mask", pieces::mask, pieces::generate_mask),
    oracle("utf8", pieces::utf8, pieces::generate_utf8),
];

const fn oracle(
    name: &'static str,
    check: fn(&dyn Subject, &[u8]) -> Result<(), String>,
    generate: fn(&mut Choices<'_>) -> Vec<u8>,
) -> Oracle {
    Oracle {
        name,
        check,
        generate,
        inputs: 2000,
    }
}

impl Oracle {
    /// The oracle of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ORACLES.iter().find(|oracle| oracle.name == name)
    }

    /// Whether it goes by a clock: what it says near its bound is not the same each time, so it has no target.
    #[must_use]
    pub fn is_clocked(&self) -> bool {
        matches!(self.name, "work" | "head-work")
    }

    /// For an oracle whose inputs are large or few.
    const fn tried(mut self, inputs: u32) -> Self {
        self.inputs = inputs;
        self
    }
}

/// Inputs made for an oracle, the same on every machine.
pub fn inputs(oracle: &Oracle) -> impl Iterator<Item = Vec<u8>> {
    let oracle = *oracle;
    let mut random = Random(1);
    (0..oracle.inputs).map(move |_| {
        let decisions = random.bytes(300);
        (oracle.generate)(&mut Choices(&decisions))
    })
}

/// One way to read an input, and what then judges it.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Turns the target's input into one of the oracles.
    pub read: fn(&[u8]) -> Vec<u8>,
    /// The names of the oracles.
    pub oracles: &'static [&'static str],
}

/// A fuzz target: the oracles that judge its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its file and of its folder of seeds.
    pub name: &'static str,
    /// How an input is read, once or several times.
    pub readings: &'static [Reading],
}

const STREAM: &[&str] = &["split", "reference", "silence", "answers"];
const REQUEST: &[&str] = &[
    "head-split",
    "head-bounded",
    "head-accepts",
    "head-rest",
    "request-items",
    "response",
];
const RESPONSE: &[&str] = &[
    "head-split",
    "head-bounded",
    "head-accepts",
    "head-rest",
    "response-items",
];
const DISSECT: &[&str] = &["dissect-tiles", "dissect-same", "dissect-printed"];
const ENDPOINT: &[&str] = &[
    "endpoint-hears",
    "endpoint-legal",
    "endpoint-close",
    "endpoint-pongs",
    "endpoint-ends",
];

/// Every fuzz target of the product.
// One reading a line, to be read as a table.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    target("stream", &[reading(as_it_is, STREAM)]),
    target("sequence", &[
        reading(as_it_is, &["round-trip"]),
        reading(frames::sequence_as_stream, STREAM),
    ]),
    target("resource", &[reading(as_it_is, &["memory", "queue"])]),
    target("handshake", &[reading(handshake::from_client, REQUEST)]),
    target("client", &[
        reading(as_it_is, &["request-sent"]),
        reading(handshake::from_server, RESPONSE),
        reading(handshake::behind_response, STREAM),
    ]),
    target("dissect", &[reading(as_it_is, DISSECT)]),
    target("endpoint", &[reading(as_it_is, ENDPOINT)]),
    target("mask", &[reading(as_it_is, &["mask"])]),
    target("utf8", &[reading(as_it_is, &["utf8"])]),
];

const fn target(name: &'static str, readings: &'static [Reading]) -> Target {
    Target { name, readings }
}

const fn reading(read: fn(&[u8]) -> Vec<u8>, oracles: &'static [&'static str]) -> Reading {
    Reading { read, oracles }
}

fn as_it_is(input: &[u8]) -> Vec<u8> {
    input.to_vec()
}

/// What an oracle found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The oracle's name.
    pub oracle: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oracle `{}` fired: {}", self.oracle, self.what)
    }
}

impl Target {
    /// The target of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Has all oracles of the target judge one input.
    ///
    /// # Errors
    ///
    /// What the first of them found.
    pub fn judge(&self, subject: &dyn Subject, input: &[u8]) -> Result<(), Finding> {
        for reading in self.readings {
            judge(reading.oracles, subject, &(reading.read)(input))?;
        }
        Ok(())
    }
}

fn judge(names: &[&'static str], subject: &dyn Subject, input: &[u8]) -> Result<(), Finding> {
    for oracle in ORACLES.iter().filter(|oracle| names.contains(&oracle.name)) {
        let finding = |what| Finding {
            oracle: oracle.name,
            what,
        };
        (oracle.check)(subject, input).map_err(finding)?;
    }
    Ok(())
}

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
        panic!("{finding}");
    }
}
