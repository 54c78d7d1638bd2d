//! Which cases are meant: by id, group, section, rule, or number in the old suite.

use super::case::{Case, Group};
use super::old_suite;
use crate::app::sought::{self, is_in, rfc_and_section};
use plainws::Rule;

/// The cases that one of `only` names, or all if it is empty, but for those that one of `skip` names.
///
/// # Errors
///
/// A word names nothing, or nothing is left; in words for people.
pub(crate) fn selected(
    cases: Vec<Case>,
    only: &[String],
    skip: &[String],
) -> Result<Vec<Case>, String> {
    for word in only.iter().chain(skip) {
        named(&cases, word)?;
    }
    let is_named =
        |words: &[String], case: &Case| words.iter().any(|word| is_it(&cases, word, case));
    let is_meant: Vec<bool> = cases
        .iter()
        .map(|case| (only.is_empty() || is_named(only, case)) && !is_named(skip, case))
        .collect();
    let mut is_meant = is_meant.into_iter();
    let mut cases = cases;
    cases.retain(|_| is_meant.next() == Some(true));
    if cases.is_empty() {
        return Err("--skip leaves none of the cases".into());
    }
    Ok(cases)
}

/// The cases that a word names, at least one.
///
/// # Errors
///
/// It names none; in words for people.
pub(crate) fn named<'a>(cases: &'a [Case], word: &str) -> Result<Vec<&'a Case>, String> {
    let named: Vec<_> = cases
        .iter()
        .filter(|case| is_it(cases, word, case))
        .collect();
    if named.is_empty() {
        return Err(unknown(cases, word));
    }
    Ok(named)
}

fn is_it(cases: &[Case], word: &str, case: &Case) -> bool {
    match Meaning::of(cases, word) {
        Meaning::Case(id) => case.id == id,
        Meaning::Group(group) => case.group == group,
        Meaning::Rule(rule) => case.rules.contains(&rule),
        Meaning::Section(rfc, number) => {
            let (own_rfc, own_number) = rfc_and_section(case.section);
            own_rfc == rfc && number.is_none_or(|number| is_in(own_number, &number))
        }
        Meaning::Old(number) => case.old.is_some_and(|old| is_in(old, &number)),
        Meaning::Unknown => false,
    }
}

/// What a word stands for.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Case(String),
    Group(Group),
    Rule(Rule),
    /// An RFC, and a section of it.
    Section(String, Option<String>),
    Old(String),
    Unknown,
}

impl Meaning {
    fn of(cases: &[Case], word: &str) -> Self {
        let has = |id: &str| cases.iter().any(|case| case.id == id);
        if has(word) {
            return Self::Case(word.into());
        }
        if let Some((group, id)) = word.split_once('/') {
            let is_it = |case: &Case| case.id == id && case.group.name() == group;
            return match group {
                "old" => Self::Old(id.trim_end_matches(".*").into()),
                _ if cases.iter().any(is_it) => Self::Case(id.into()),
                _ => Self::Unknown,
            };
        }
        if let Some(group) = Group::ALL.into_iter().find(|group| group.name() == word) {
            return Self::Group(group);
        }
        if let Some(&rule) = Rule::ALL.iter().find(|rule| rule.id() == word) {
            return Self::Rule(rule);
        }
        Self::of_number(cases, word)
    }

    /// A section, or else a number of the old suite: some are both, "5.6" for one, and `old/5.6` is surely the latter.
    fn of_number(cases: &[Case], word: &str) -> Self {
        let words = word.to_lowercase().replace("rfc", " ").replace('§', " ");
        let words: Vec<_> = words.split_whitespace().collect();
        let is_known = |rfc: &str, number: &str| {
            let mut sections = cases.iter().map(|case| rfc_and_section(case.section));
            sections.any(|(own, section)| own == rfc && is_in(section, number))
        };
        let is_rfc = |rfc: &str| {
            cases
                .iter()
                .any(|case| rfc_and_section(case.section).0 == rfc)
        };
        match words[..] {
            [rfc, number] if is_known(rfc, number) => {
                Self::Section(rfc.into(), Some(number.into()))
            }
            [number] if is_known("6455", number) => {
                Self::Section("6455".into(), Some(number.into()))
            }
            [rfc] if is_rfc(rfc) => Self::Section(rfc.into(), None),
            [number] => match number.trim_end_matches(".*") {
                old if old_suite::NUMBERS.iter().any(|number| is_in(number, old)) => {
                    Self::Old(old.into())
                }
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

fn unknown(cases: &[Case], word: &str) -> String {
    const MOST: usize = 5;
    let what = format!("no case, group, section or rule is called {word:?}");
    if word.starts_with(|c: char| c.is_ascii_digit() || c == '§') {
        return format!("{what}; plainws check --list tells the sections of all cases");
    }
    let groups = Group::ALL.iter().map(|group| group.name());
    let rules = Rule::ALL.iter().map(|rule| rule.id());
    let names = groups
        .chain(rules)
        .chain(cases.iter().map(|case| &*case.id));
    let id = word.rsplit('/').next().unwrap_or(word);
    match &sought::near(id, names)[..] {
        [] => format!("{what}; plainws check --list tells them"),
        near => {
            let cut = if near.len() > MOST { " and others" } else { "" };
            format!(
                "{what}; {}{cut}",
                sought::similar(&near[..near.len().min(MOST)])
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases;
    use super::*;

    fn ids(word: &str) -> Vec<String> {
        let cases = cases::all();
        let named = named(&cases, word).unwrap_or_default();
        named.iter().map(|case| case.id.to_string()).collect()
    }

    #[test]
    fn an_id_names_one_case_with_its_group_or_without() {
        for word in ["code-1005", "closing/code-1005"] {
            assert_eq!(ids(word), ["code-1005"], "{word}");
        }
        assert!(ids("utf8/code-1005").is_empty());
    }

    #[test]
    fn a_group_names_its_cases() {
        let of_group = |case: &Case| case.group == Group::Utf8;
        assert_eq!(
            ids("utf8").len(),
            cases::all().iter().filter(|case| of_group(case)).count()
        );
    }

    #[test]
    fn a_section_names_what_is_below_it_and_nothing_that_only_begins_so() {
        let all = cases::all();
        for (word, has, has_not) in [
            ("5.5", "5.5.1", "5.4"),
            ("§5.5.1", "5.5.1", "5.5"),
            ("RFC 6455 7.4", "7.4.2", "7.2.1"),
            ("RFC 3629", "RFC 3629 6", "5.5.1"),
            ("rfc3629 6", "RFC 3629 6", "5.5.1"),
        ] {
            let sections: Vec<_> = named(&all, word)
                .expect("it names some")
                .iter()
                .map(|case| case.section)
                .collect();
            assert!(sections.contains(&has), "{word}: {has}");
            assert!(!sections.contains(&has_not), "{word}: {has_not}");
        }
        assert!(ids("5.").is_empty());
    }

    #[test]
    fn a_rule_names_the_cases_that_break_it() {
        let found = ids("close-body-one-byte");
        assert_eq!(found, ["body-of-1-byte", "body-of-1-byte-of-1000"]);
    }

    #[test]
    fn a_number_of_the_old_suite_names_its_case() {
        assert_eq!(ids("6.4.1"), ["early-after-bad-fragment"]);
        assert_eq!(ids("6.4.*").len(), 4);
        assert_eq!(ids("old/6.4").len(), 4);
        // A section too.
        assert_eq!(ids("old/7.1.1"), ["text-before-close"]);
    }

    #[test]
    fn skip_takes_away_from_only() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let left = selected(
            cases::all(),
            &words(&["body-empty", "code-1000", "code-1001"]),
            &words(&["code-1000"]),
        );
        let left: Vec<_> = left
            .expect("some are left")
            .into_iter()
            .map(|case| case.id)
            .collect();
        assert_eq!(left, ["code-1001", "body-empty"]);
        let none = selected(cases::all(), &words(&["closing"]), &words(&["closing"]));
        assert_eq!(
            none.map(|_| ()),
            Err("--skip leaves none of the cases".into())
        );
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_is_near() {
        let cases = cases::all();
        let refused = |word| named(&cases, word).map(|_| ()).expect_err("it names none");
        assert!(refused("closin").ends_with("a similar one is closing"));
        assert!(refused("txt-not-utf8").contains("text-not-utf8"));
        assert!(refused("closing/body-empti").ends_with(" body-empty"));
        assert!(refused("99.1").contains("--list"));
        assert!(refused("xyzzy").contains("--list"));
    }
}
