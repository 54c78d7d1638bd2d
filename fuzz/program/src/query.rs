//! What must hold for what stands behind the `?` of a target, by which clients tell `check --listen` what they want.

use crate::app::query::Query;
use oracles::choices::{Choices, Random};

type Pair = (String, String);

/// What is written as forms write it is read back: of each name the first value.
///
/// # Errors
///
/// What was read.
pub fn reads_back(input: &[u8]) -> Result<(), String> {
    let mut choices = Choices(input);
    let pairs = pairs(&mut choices);
    compare(&written(&pairs, &mut choices), &pairs)
}

/// Any text is read as an independent reading has it.
///
/// # Errors
///
/// What was read.
pub fn same(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    compare(text, &read(text))
}

fn compare(query: &str, pairs: &[Pair]) -> Result<(), String> {
    let found = Query::parse(query);
    let asked = ["case", "agent"].into_iter();
    for name in asked.chain(pairs.iter().map(|(name, _)| &**name)) {
        let mut pairs = pairs.iter();
        let expected = pairs.find(|(other, _)| other == name);
        let expected = expected.map(|(_, value)| &**value);
        if found.value(name) != expected {
            let value = found.value(name);
            return Err(format!(
                "{name:?} of {query:?} is {value:?}, not {expected:?}"
            ));
        }
    }
    Ok(())
}

/// Names and values of characters that need escapes, or look like them.
fn pairs(choices: &mut Choices<'_>) -> Vec<Pair> {
    const NAMES: &[&str] = &[
        "case",
        "agent",
        "casetuple",
        "",
        "a&b",
        "\u{E9}",
        "%41",
        "+",
    ];
    const CHARS: &[char] = &[
        'a',
        '1',
        '.',
        ' ',
        '+',
        '%',
        '&',
        '=',
        '?',
        '4',
        '\u{E9}',
        '\u{20AC}',
        '\u{1F600}',
        '\0',
    ];
    let count = 1 + choices.below(4);
    let mut pair = || {
        let name = choices.one(NAMES).to_owned();
        let length = choices.below(6);
        (name, (0..length).map(|_| choices.one(CHARS)).collect())
    };
    (0..count).map(|_| pair()).collect()
}

/// As forms write them, with more escapes than there need be.
fn written(pairs: &[Pair], choices: &mut Choices<'_>) -> String {
    let mut escaped = |text: &str| {
        let mut query = String::new();
        for byte in text.bytes() {
            let is_plain = byte.is_ascii_alphanumeric() || byte == b'.';
            match (byte, choices.below(4)) {
                (b' ', 1..) => query.push('+'),
                (_, 1..) if is_plain => query.push(char::from(byte)),
                (_, 2..) => query += &format!("%{byte:02X}"),
                _ => query += &format!("%{byte:02x}"),
            }
        }
        query
    };
    let pair = |(name, value): &Pair| [escaped(name), escaped(value)].join("=");
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Byte by byte, in one pass.
fn read(query: &str) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut sides, mut side, mut is_empty) = ([Vec::new(), Vec::new()], 0, true);
    let mut bytes = query.bytes().chain([b'&']);
    while let Some(byte) = bytes.next() {
        if byte == b'&' {
            let pair = std::mem::take(&mut sides).map(|side| String::from_utf8_lossy(&side).into());
            let [name, value] = pair;
            pairs.extend((!is_empty).then_some((name, value)));
            (side, is_empty) = (0, true);
            continue;
        }
        is_empty = false;
        match byte {
            b'=' if side == 0 => side = 1,
            b'+' => sides[side].push(b' '),
            b'%' => {
                let two: String = bytes.clone().take(2).map(char::from).collect();
                let is_hex = two.len() == 2 && two.bytes().all(|byte| byte.is_ascii_hexdigit());
                match u8::from_str_radix(&two, 16) {
                    Ok(value) if is_hex => {
                        sides[side].push(value);
                        bytes.by_ref().take(2).for_each(drop);
                    }
                    _ => sides[side].push(b'%'),
                }
            }
            byte => sides[side].push(byte),
        }
    }
    pairs
}

/// Decisions on pairs, or text made of parts of queries, right or broken.
pub(crate) fn generate(number: usize, choices: &mut Choices<'_>) -> Vec<u8> {
    const PARTS: &[&str] = &[
        "case=1", "agent=", "a", "&", "&", "=", "=", "%", "%4", "%41", "%zz", "%%41", "%C3%A9",
        "%ff", "%3d", "%26", "%2B", "+", "\u{E9}", "?", "%+1",
    ];
    if number % 2 == 0 {
        return choices.take(60).to_vec();
    }
    let count = choices.below(12);
    let parts: Vec<&str> = (0..count).map(|_| choices.one(PARTS)).collect();
    parts.concat().into_bytes()
}

pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let queries = [
        ("case", "case=1&agent=a"),
        ("tuple", "casetuple=1.1.1&agent=My+Client%2F1.0"),
        ("twice", "case=2&case=3&&case"),
        ("broken", "agent=%zz%4&=x&%"),
        ("unicode", "agent=%C3%A9\u{E9}%ff"),
    ];
    let queries = queries.map(|(name, query)| (name.to_owned(), query.as_bytes().to_vec()));
    let mut random = Random(5);
    let decisions = ["a", "b"].map(|name| (format!("decisions-{name}"), random.bytes(60)));
    queries.into_iter().chain(decisions).collect()
}
