//! The oracles by their names, each with the inputs that it is tried with.

use crate::stream::Stream;
use crate::streams::choices::{Choices, Random};
use crate::streams::generate;
use crate::subject::Subject;
use crate::{
    chunks, dissect, endpoint, forwarding, frames, handshake, opening, paths, pieces, proxies,
    proxy_headers, resource, script,
};

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
    oracle("split", frames::split, Stream::generate),
    oracle("reference", frames::reference, Stream::generate),
    oracle("silence", frames::silence, Stream::generate),
    oracle("answers", frames::answers, Stream::generate),
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
    oracle("dissect-tiles", dissect::tiles, Stream::generate).tried(500),
    oracle("dissect-same", dissect::same, Stream::generate).tried(500),
    oracle("dissect-printed", dissect::printed, Stream::generate).tried(500),
    oracle("mask", pieces::mask, pieces::generate_mask),
    oracle("host", pieces::host, pieces::generate_host),
    oracle("origin", pieces::origin, pieces::generate_origin),
    oracle("url", pieces::url, pieces::generate_url),
    oracle("path", paths::path, paths::generate),
    oracle("chunks", chunks::chunks, chunks::generate),
    oracle("proxy", proxies::proxy, proxies::generate),
    oracle("proxy-header", proxy_headers::proxy_header, proxy_headers::generate).tried(1000),
    oracle("forwarded", forwarding::forwarded, forwarding::generate),
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

    /// Whether it measures time: near its bound it does not say the same each time, so no target has it.
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
