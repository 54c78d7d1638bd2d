//! What holds of the table of cases as a whole.

use super::old_suite::NUMBERS;
use super::script::Step;
use super::{cases, list};
use crate::app::why::{self, asked};

#[test]
fn each_number_has_one_case() {
    let cases = cases::all();
    for number in NUMBERS {
        let ids: Vec<_> = cases
            .iter()
            .filter(|case| case.old == Some(number))
            .map(|case| &case.id)
            .collect();
        assert_eq!(ids.len(), 1, "{number}: {ids:?}");
    }
}

#[test]
fn each_case_names_a_number_that_is_there() {
    for case in cases::all() {
        assert!(
            case.old.is_none_or(|old| NUMBERS.contains(&old)),
            "{}: {:?}",
            case.id,
            case.old
        );
    }
}

#[test]
fn ids_are_words_and_unique() {
    let mut ids: Vec<_> = cases::all().into_iter().map(|case| case.id).collect();
    for id in &ids {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(id.chars().all(is_plain) && !id.is_empty(), "{id}");
    }
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None);
}

#[test]
fn heads_are_written_in_latin_1() {
    for case in cases::all() {
        for step in &case.script {
            if let Step::Head(head, _) | Step::HeadPieces(head, ..) | Step::HalfHead(head) = step {
                assert!(head.chars().all(|c| c <= '\u{FF}'), "{}", case.id);
            }
        }
    }
}

#[test]
fn each_step_is_told_to_its_end() {
    for case in cases::all() {
        for step in &case.script {
            let words = list::words(step);
            assert!(!words.ends_with(' '), "{}: {words:?}", case.id);
        }
    }
}

/// The document for those who come from the old suite has the case of each of its numbers.
#[test]
fn the_map_of_numbers_is_that_of_the_table() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/from-autobahn.md");
    const ABOVE: &str = "-->\n";
    let cases = cases::all();
    let row = |number: &&str| {
        let case = cases.iter().find(|case| case.old == Some(*number));
        let case = case.expect("each number has a case");
        format!("| {number} | `{}/{}` |\n", case.group.name(), case.id)
    };
    let map: String = NUMBERS.iter().map(row).collect();
    let map = format!("\n| Autobahn | `plainws check` |\n|---|---|\n{map}");
    let text = std::fs::read_to_string(PATH).expect("the document is there");
    let (above, written) = text.rsplit_once(ABOVE).expect("the map has a place");
    if std::env::var_os("PLAINWS_UPDATE").is_some() {
        std::fs::write(PATH, [above, ABOVE, &map].concat()).expect("it can be written");
    } else {
        assert!(written == map, "PLAINWS_UPDATE=1 writes the map again");
    }
}

/// A failure names the question that it is about, and each row of the map has a case.
#[test]
fn cases_lead_to_questions_that_are_there() {
    let cases = cases::all();
    for case in &cases {
        let number = asked::by_case(case.group.name(), &case.id, case.rules.first().copied());
        assert!(
            number.is_none_or(|number| why::numbered(number).is_some()),
            "{}: {number:?}",
            case.id
        );
    }
    for (id, number) in [
        ("texts-2-in-one-write", 34),
        ("cut-after-byte-1", 33),
        ("ping-between-fragments", 38),
        ("text-inside-a-text", 39),
        ("frame-with-the-head", 14),
        ("length-128-binary", 25),
        ("code-1006", 43),
        ("connection-with-keep-alive", 8),
        ("thirty-connections", 50),
        ("ping-not-final-between-fragments", 40),
    ] {
        let case = cases.iter().find(|case| case.id == id).expect(id);
        let asked = asked::by_case(case.group.name(), id, case.rules.first().copied());
        assert_eq!(asked, Some(number), "{id}");
    }
    for (groups, word, number) in asked::WORDS {
        let is_told = cases.iter().any(|case| {
            groups.split(' ').any(|group| group == case.group.name())
                && case.id.contains(word)
                && asked::by_case(case.group.name(), &case.id, case.rules.first().copied())
                    == Some(*number)
        });
        assert!(is_told, "no case of {groups} has {word}");
    }
}
