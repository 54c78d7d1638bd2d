//! Oracles for what the program reads: text that people paste into `plainws decode`, captures, the
//! addresses that they type, the queries of clients that are examined, streams
//! that were saved, and the commands of the lab's page.
//!
//! A program is no library, so its sources are compiled here once more, by their path. [`formats`] writes bytes as the
//! tools do, without a line of the program; [`paste`] says what must hold when the program reads that back, and
//! [`capture`], [`address`], [`query`], [`saved`] and [`command`] what must hold of a capture, an address, a query, a saved
//! stream and a command.

pub mod address;
mod app;
pub mod capture;
pub mod command;
pub mod formats;
pub mod paste;
pub mod query;
pub mod saved;

use oracles::choices::{Choices, Random};

/// Something that must hold for every input.
#[derive(Clone, Copy, Debug)]
pub struct Oracle {
    /// The fuzz target that runs it.
    pub target: &'static str,
    /// Its name in reports.
    pub name: &'static str,
    /// Judges an input.
    pub check: fn(&[u8]) -> Result<(), String>,
}

/// Every oracle.
pub const ORACLES: &[Oracle] = &[
    oracle("paste", "paste-reads-back", paste::reads_back),
    oracle("paste", "paste-gaps", paste::gaps),
    oracle("paste", "paste-plain", paste::plain),
    oracle("paste", "paste-words", paste::words),
    oracle("address", "address-back", address::back),
    oracle("address", "address-host", address::host),
    oracle("address", "address-secret", address::secret),
    oracle("query", "query-reads-back", query::reads_back),
    oracle("query", "query-same", query::same),
    oracle("saved", "saved-reads-back", saved::reads_back),
    oracle("saved", "saved-same", saved::same),
    oracle("command", "command-reads-back", command::reads_back),
    oracle("command", "command-bounded", command::bounded),
    oracle("capture", "capture-stream", capture::stream),
    oracle("capture", "capture-damaged", capture::damaged),
];

const fn oracle(
    target: &'static str,
    name: &'static str,
    check: fn(&[u8]) -> Result<(), String>,
) -> Oracle {
    Oracle {
        target,
        name,
        check,
    }
}

/// Has all oracles of a target judge one input.
///
/// # Errors
///
/// Which of them fired, and why.
pub fn judge(target: &str, input: &[u8]) -> Result<(), String> {
    let mut oracles = ORACLES.iter().filter(|oracle| oracle.target == target);
    oracles.try_for_each(|oracle| {
        (oracle.check)(input).map_err(|what| format!("oracle `{}` fired: {what}", oracle.name))
    })
}

/// What a fuzz target's file calls.
///
/// # Panics
///
/// When an oracle fires: that is how libFuzzer learns of it.
pub fn fuzz(target: &str, input: &[u8]) {
    if let Err(finding) = judge(target, input) {
        panic!("{finding}");
    }
}

/// Inputs worth trying for a target, the same on every machine.
pub fn inputs(target: &str) -> impl Iterator<Item = Vec<u8>> {
    let generate = match target {
        "address" => |_, choices: &mut Choices<'_>| address::generate(choices),
        "capture" => |_, choices: &mut Choices<'_>| choices.take(160).to_vec(),
        "command" => command::generate,
        "query" => query::generate,
        "saved" => saved::generate,
        _ => text,
    };
    let mut random = Random(1);
    // Whole files are made of each.
    let (count, length) = match target {
        "capture" => (800, 160),
        _ => (6000, 100),
    };
    (0..count).map(move |number| generate(number, &mut Choices(&random.bytes(length))))
}

/// A format, and bytes that frames or people's text could be; pairs of digits; and text as tools write it, with a
/// character changed.
fn text(number: usize, choices: &mut Choices<'_>) -> Vec<u8> {
    let written = written(choices);
    match number % 3 {
        0 => written,
        1 => pairs(choices).into_bytes(),
        _ => changed(&written, choices).into_bytes(),
    }
}

/// The number of a format, that of a line, and bytes.
fn written(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut input = vec![choices.byte(), choices.byte()];
    let length = choices.below(80);
    let kind = choices.below(4);
    let bytes = choices.take(length);
    input.extend(bytes.iter().map(|&byte| match kind {
        0 => byte,
        1 => b"\x81\x05\x88\x02\x03\xe8"[usize::from(byte) % 6],
        2 => b"abcdef 0123456789.|"[usize::from(byte) % 19],
        _ => byte % 3 * 16,
    }));
    input
}

fn pairs(choices: &mut Choices<'_>) -> String {
    let pair = |_| {
        format!(
            "{:02x}{}",
            choices.byte(),
            if choices.once_in(3) { " " } else { "" }
        )
    };
    (0..12).map(pair).collect()
}

fn changed(written: &[u8], choices: &mut Choices<'_>) -> String {
    let format = formats::FORMATS[usize::from(written[0]) % formats::FORMATS.len()];
    let mut text: Vec<char> = (format.write)(&written[2..]).chars().collect();
    if !text.is_empty() {
        let at = usize::from(choices.byte()) % text.len();
        text[at] = choices.one(&[
            '\t', '\u{202E}', '\u{85}', 'g', '"', '\\', ' ', '…', '*', '1',
        ]);
    }
    text.into_iter().collect()
}

/// What the fuzzer begins with, by target and name.
#[must_use]
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let of = |target| move |(name, input)| (target, name, input);
    let addresses = address::seeds().into_iter().map(of("address"));
    let texts = texts().into_iter().map(of("paste"));
    let captures = capture::seeds().into_iter().map(of("capture"));
    let queries = query::seeds().into_iter().map(of("query"));
    let saved = saved::seeds().into_iter().map(of("saved"));
    let commands = command::seeds().into_iter().map(of("command"));
    let all = addresses.chain(texts).chain(captures).chain(queries);
    all.chain(saved).chain(commands).collect()
}

/// A frame and a payload of zeros, to be written in each format, and as each writes them.
fn texts() -> Vec<(String, Vec<u8>)> {
    let bytes = [&b"\x81\x05Hello"[..], b"\x82\x30", &[0; 48]].concat();
    let formats = (0_u8..).zip(formats::FORMATS);
    let seeds = formats.flat_map(|(number, format)| {
        let text = (format.write)(&bytes).into_bytes();
        [
            (format.name.to_owned(), [&[number, 7], &bytes[..]].concat()),
            (format!("text-{}", format.name), text),
        ]
    });
    seeds.collect()
}
