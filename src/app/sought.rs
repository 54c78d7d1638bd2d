//! What people look for by a name or a section, and what they may have meant.

/// A section is in itself, and in those above it.
pub(crate) fn is_in(section: &str, number: &str) -> bool {
    let rest = section.strip_prefix(number);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The numbers of the RFC and of the section in it: of RFC 6455 if no other is named.
pub(crate) fn rfc_and_section(section: &str) -> (&str, &str) {
    let named = section
        .strip_prefix("RFC ")
        .and_then(|named| named.split_once(' '));
    named.unwrap_or(("6455", section))
}

/// Where the RFC itself says it.
pub(crate) fn link(section: &str) -> String {
    let (rfc, section) = rfc_and_section(section);
    format!("https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}")
}

/// The names that come near: with a letter or two mistyped, with the words sought, or else with one.
pub(crate) fn near<'a>(sought: &str, names: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
    let sought = sought.to_lowercase();
    let words: Vec<_> = sought
        .split(['-', ' ', '_'])
        .filter(|word| !word.is_empty())
        .collect();
    let holds = |name: &str, word: &&str| {
        name.split('-')
            .any(|part| part.starts_with(word) || word.starts_with(part) && part.len() > 3)
    };
    let is_near: [&dyn Fn(&str) -> bool; 3] = [
        &|name| distance(name, &words.join("-")) <= 2,
        &|name| words.iter().all(|word| holds(name, word)),
        &|name| words.iter().any(|word| holds(name, word)),
    ];
    let mut found = is_near
        .iter()
        .map(|is_near| names.clone().filter(|name| is_near(name)).collect());
    found
        .find(|names: &Vec<_>| !names.is_empty())
        .unwrap_or_default()
}

/// What comes near, at least one, as a clause.
pub(crate) fn similar(near: &[&str]) -> String {
    let begin = match near {
        [_] => "a similar one is",
        _ => "similar ones are",
    };
    format!("{begin} {}", near.join(", "))
}

/// How many letters one must insert, leave out or replace to get from one word to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
