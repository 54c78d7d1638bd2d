//! The fuzz targets: which oracles judge an input, and how each of them reads it.

use crate::handshake;
use crate::oracle::ORACLES;
use crate::shown::Shown;
use crate::stream::sequence_as_stream;
use crate::subject::Subject;
use std::fmt;

/// One way to read an input, and what then judges it.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Turns the target's input into an input of the oracles.
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
        reading(sequence_as_stream, STREAM),
    ]),
    target("resource", &[reading(as_it_is, &["memory", "queue"])]),
    target("handshake", &[reading(handshake::from_client, REQUEST)]),
    target("client", &[
        reading(as_it_is, &["request-sent"]),
        reading(handshake::from_server, RESPONSE),
        reading(handshake::after_response, STREAM),
    ]),
    target("dissect", &[reading(as_it_is, DISSECT)]),
    target("endpoint", &[reading(as_it_is, ENDPOINT)]),
    target("mask", &[reading(as_it_is, &["mask"])]),
    target("host", &[reading(as_it_is, &["host"])]),
    target("origin", &[reading(as_it_is, &["origin"])]),
    target("url", &[reading(as_it_is, &["url"])]),
    target("path", &[reading(as_it_is, &["path"])]),
    target("chunks", &[reading(as_it_is, &["chunks"])]),
    target("proxy", &[reading(as_it_is, &["proxy"])]),
    target("proxy-header", &[reading(as_it_is, &["proxy-header"])]),
    target("forwarded", &[reading(as_it_is, &["forwarded"])]),
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
    /// The command that shows the bytes, if there is one.
    pub decode: Option<String>,
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
            decode: Shown::of(oracle.name, subject, input).and_then(|shown| shown.command()),
        };
        (oracle.check)(subject, input).map_err(finding)?;
    }
    Ok(())
}
