//! Which question is asked by those who break a rule, or fail a case of `check`.

use plainws::Rule;

/// The question that a case of `check` has to do with, by its number: told by the first rule that it breaks, else by
/// what its id says, else by its group. Not every case has one.
pub(crate) fn by_case(group: &str, id: &str, rule: Option<Rule>) -> Option<u8> {
    let has_it = |&&(groups, word, _): &&(&str, &str, u8)| {
        groups.split(' ').any(|of| of == group) && id.contains(word)
    };
    let by_word = || WORDS.iter().find(has_it).map(|(.., number)| *number);
    let of_group = || GROUPS.iter().find(|(name, _)| *name == group);
    let by_rule = rule.and_then(about);
    by_rule
        .or_else(by_word)
        .or_else(|| of_group().map(|(_, number)| *number))
}

/// The question about a rule, by its number.
const fn about(rule: Rule) -> Option<u8> {
    Some(match rule {
        Rule::RsvNotZero | Rule::OpcodeReserved => 28,
        Rule::ControlFragmented | Rule::ControlTooLong => 40,
        Rule::LengthNotMinimal => 26,
        Rule::LengthTopBitSet => 21,
        Rule::MaskMissing => 17,
        Rule::MaskPresent => 19,
        Rule::ContinuationUnexpected => 36,
        Rule::MessageInterleaved => 39,
        Rule::MessageTooBig => 27,
        Rule::TextNotUtf8 => 37,
        Rule::CloseBodyOneByte | Rule::CloseReasonNotUtf8 => 46,
        Rule::CloseCodeInvalid => 43,
        Rule::HeadLineEnding => 7,
        Rule::HttpVersionTooLow | Rule::UpgradeMissing => 10,
        Rule::HttpVersionTooHigh => 15,
        Rule::ConnectionUpgradeMissing => 8,
        Rule::VersionNot13 | Rule::KeyInvalid => 11,
        Rule::StatusNot101 => 58,
        Rule::AcceptWrong => 4,
        Rule::SubprotocolNotOffered => 9,
        Rule::ExtensionNotOffered => 29,
        _ => return None,
    })
}

/// The groups, a word that stands in the ids of the cases, and the question. The first that fits counts.
pub(crate) const WORDS: &[(&str, &str, u8)] = &[
    ("opening", "with-the-head", 14),
    ("opening", "with-the-response", 14),
    ("opening", "and-frame", 14),
    ("opening", "byte-by-byte", 33),
    ("opening", "in-pieces", 33),
    ("opening", "connection-", 8),
    ("opening", "subprotocol", 9),
    ("opening", "origin", 13),
    ("opening", "extension", 29),
    ("opening", "deflate", 29),
    ("opening", "key-of", 4),
    ("opening", "plain", 11),
    ("stream closing", "behind-the-re", 14),
    ("closing", "behind-re", 14),
    ("stream", "in-one-", 34),
    ("stream", "beginning-of-the-next", 34),
    (
        "lengths control fragments utf8 closing header",
        "slivers",
        33,
    ),
    ("lengths", "characters", 30),
    ("lengths", "length-128-", 25),
    ("lengths", "length-255-", 25),
    ("lengths", "length-65536", 24),
    ("lengths", "length-65537", 24),
    ("lengths", "length-1048576", 24),
    ("lengths", "length-16777216", 24),
    ("lengths", "length-4294967301", 27),
    ("control fragments utf8 load", "between-fragments", 38),
    ("fragments utf8 load", "ping", 38),
    ("fragments", "pong", 38),
    ("control", "while-a-message-is-open", 38),
    ("header", "key", 20),
    ("utf8", "cut-after", 37),
    ("utf8", "fragment", 37),
    ("closing", "body-empty", 44),
    ("closing", "server-ends-tcp", 45),
    ("closing", "code-echoed", 45),
    ("closing", "dropped", 43),
    ("closing", "client-ends-tcp", 43),
    ("closing", "half-close", 43),
    ("load", "slow-reader", 50),
    ("load", "fragments", 36),
    ("load", "pieces", 33),
    ("load", "message-of", 24),
    ("load", "messages", 34),
];

/// What is asked where nothing more precise is.
const GROUPS: &[(&str, u8)] = &[
    ("lengths", 22),
    ("header", 16),
    ("control", 41),
    ("fragments", 36),
    ("utf8", 31),
    ("closing", 46),
    ("stream", 33),
    ("together", 50),
];
