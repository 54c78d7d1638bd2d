//! Where in a text something is wrong, for people who look for it there.

/// Longest piece of a text that is quoted, in characters.
const QUOTED: usize = 24;

/// What is wrong with `part` of `text`, after its place and what stands there. `part` is a slice of `text`.
pub(crate) fn wrong(text: &str, part: &str, what: &str) -> String {
    let at = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let line_begin = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[line_begin..].chars().count() + 1;
    let place = if text.trim_end().contains('\n') {
        format!("line {line}, column {column}")
    } else {
        format!("column {column}")
    };
    match quoted(part) {
        None => format!("{place}: {what}"),
        Some(seen) => format!("{place}: {seen}: {what}"),
    }
}

/// The beginning of the first line of a part, as far as it is worth quoting.
fn quoted(part: &str) -> Option<String> {
    let line = part.trim_start().lines().next()?.trim_end();
    match line.char_indices().nth(QUOTED) {
        _ if line.is_empty() => None,
        None => Some(format!("{line:?}")),
        Some((end, _)) => Some(format!("{:?}", format!("{}…", &line[..end]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_line_and_a_column_of_characters() {
        let text = "ä 81\n  é  8g 05\n";
        let part = &text[text.find("8g").unwrap_or_default()..][..2];
        assert_eq!(wrong(text, part, "what"), "line 2, column 6: \"8g\": what");
        assert_eq!(wrong("8g", "", "what"), "column 1: what");
    }

    #[test]
    fn a_long_part_is_quoted_by_its_beginning_and_harmlessly() {
        let text = "\u{1b}[31m".to_owned() + &"é".repeat(50);
        let said = wrong(&text, &text, "what");
        assert_eq!(
            said,
            format!("column 1: \"\\u{{1b}}[31m{}…\": what", "é".repeat(19))
        );
    }
}
