//! What peers sent, made fit to be shown to people.

/// As many characters of a text are shown: enough for a host or an origin.
const SHOWN: usize = 80;

/// A text of a peer with what cannot be seen escaped, and not too long.
pub(super) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN).map(|(end, _)| end);
    let beginning = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let more = end.map_or("", |_| "…");
    format!("{}{more}", beginning.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_raw_and_nothing_long_is_shown() {
        assert_eq!(shown("https://a.example:8000"), "https://a.example:8000");
        assert_eq!(
            shown("\"\x1b[2J\u{202e}\u{e9}"),
            "\\\"\\u{1b}[2J\\u{202e}\u{e9}"
        );
        assert_eq!(shown(&"a".repeat(80)), "a".repeat(80));
        assert_eq!(shown(&"a".repeat(81)), "a".repeat(80) + "…");
    }
}
