//! What holds of the table of cases as a whole.

use super::cases;
use super::old_suite::NUMBERS;
use super::script::Step;

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
