//! `docs/rfc-map.md` tells of each demand of the RFCs which code meets it, and which test would fail if it did not.
//! What it names exists.

use plainws::Rule;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The sections with demands, and how many demands each has: `4.1-1` to `4.1-22`, for example.
#[rustfmt::skip]
const DEMANDS: &[(&str, usize)] = &[
    ("3", 1), ("4.1", 22), ("4.2.1", 11), ("4.2.2", 12), ("4.3", 2), ("4.4", 1),
    ("5.1", 5), ("5.2", 9), ("5.3", 3), ("5.4", 10), ("5.5", 2), ("5.5.1", 10), ("5.5.2", 2), ("5.5.3", 3),
    ("5.6", 2), ("5.8", 1), ("6.1", 4), ("6.2", 4),
    ("7.1.1", 3), ("7.1.2", 1), ("7.1.5", 1), ("7.1.7", 4), ("7.2.1", 1), ("7.2.2", 1), ("7.2.3", 1), ("7.3", 2),
    ("7.4.1", 4), ("7.4.2", 1), ("8.1", 1), ("9", 2), ("9.1", 3),
    ("10.2", 1), ("10.3", 1), ("10.4", 2), ("10.6", 1), ("10.7", 2),
    ("11.3.1", 1), ("11.3.2", 1), ("11.3.3", 1), ("11.3.4", 1), ("11.3.5", 1),
    ("9112-2.2", 6), ("9112-2.3", 1), ("9112-3", 4), ("9112-3.2", 1), ("9112-3.2.2", 1), ("9112-4", 1),
    ("9112-5.1", 1), ("9112-5.2", 1), ("9112-6.1", 3), ("9112-6.3", 2), ("9112-7.1", 1), ("9112-9.3", 2),
    ("9112-9.3.2", 1), ("9112-9.5", 1), ("9112-9.6", 2),
    ("9110-2.5", 1), ("9110-5.1", 1), ("9110-5.3", 1), ("9110-5.4", 1), ("9110-5.5", 2), ("9110-5.6.1", 1),
    ("9110-5.6.7", 1), ("9110-6.6.1", 1), ("9110-7.8", 4), ("9110-8.6", 2), ("9110-9.1", 2), ("9110-9.3.2", 1),
    ("9110-9.3.7", 1), ("9110-15.2.2", 1), ("9110-15.5", 1), ("9110-15.5.6", 1), ("9110-15.5.22", 1),
];

const MAP: &str = include_str!("../docs/rfc-map.md");

/// One demand.
struct Row {
    number: &'static str,
    how: &'static str,
    test: &'static str,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for line in MAP.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        match cells[..] {
            ["", number, _, _, how, test, ""]
                if number.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                rows.push(Row { number, how, test });
            }
            _ => {}
        }
    }
    rows
}

/// What stands in backquotes, each with the text after it.
fn quoted(cell: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts: Vec<_> = cell.split('`').collect();
    let pairs: Vec<_> = parts[1..]
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    pairs.into_iter()
}

/// The function or test is named after the modules, and the type if it has one, in which it stands.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    name: String,
    is_test: bool,
}

/// All functions of the `.rs` files in a folder and those below it. It reads the sources as rustfmt writes them.
fn functions(folder: &Path, module: &str, found: &mut BTreeSet<Function>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a file of it").path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name in ASCII");
        let module = match stem {
            "lib" | "main" | "mod" => module.to_owned(),
            // What is built, and the folder of tests in a package of tests.
            "target" => continue,
            "tests" if path.is_dir() => module.to_owned(),
            _ => join(module, stem),
        };
        if path.is_dir() {
            functions(&path, &module, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            functions_of_a_file(&fs::read_to_string(&path).expect("a source"), module, found);
        }
    }
}

fn functions_of_a_file(source: &str, module: String, found: &mut BTreeSet<Function>) {
    // The modules and impls around the line, each with its indentation.
    let mut around = vec![(usize::MAX, module)];
    let mut is_test = false;
    for line in source.lines() {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        let (begin, place) = around.last().expect("the file's own module");
        if text == "}" && indentation == *begin {
            around.pop();
        } else if text == "#[test]" {
            is_test = true;
        } else if let Some(name) = name_after(text, "fn") {
            found.insert(Function {
                name: join(place, name),
                is_test,
            });
            is_test = false;
        } else if let Some(name) = name_after(text, "mod").or_else(|| implementor(text)) {
            if text.ends_with('{') {
                around.push((indentation, join(place, name)));
            }
        }
    }
}

/// The name that a line declares after `fn` or `mod`.
fn name_after<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    let mut rest = line;
    loop {
        let (word, after) = rest.split_once(' ')?;
        match word {
            _ if word == keyword => return Some(identifier(after)),
            "pub" | "const" => rest = after,
            // `pub(in crate::protocol)` holds a space.
            _ if word.starts_with("pub(") => rest = rest.split_once(") ")?.1,
            _ => return None,
        }
    }
}

/// The type of `impl<T> Trait<T> for Type<T> {`.
fn implementor(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("impl")?;
    let rest = match rest.strip_prefix('<') {
        Some(generics) => generics.split_once("> ")?.1,
        None => rest.strip_prefix(' ')?,
    };
    Some(identifier(
        rest.split_once(" for ").map_or(rest, |(_, name)| name),
    ))
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    text.split_at(end.unwrap_or(text.len())).0
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}

/// Fails with the names of the map, each with its row, that are not among these.
#[track_caller]
fn expect_all(named: Vec<(&str, &str)>, exists: impl Fn(&str) -> bool) {
    assert!(named.len() > 100, "the map is read");
    let missing: Vec<_> = named.iter().filter(|(_, name)| !exists(name)).collect();
    assert!(
        missing.is_empty(),
        "docs/rfc-map.md names what does not exist, or no longer: mend its rows {missing:#?}"
    );
}

#[test]
fn has_a_row_for_each_demand() {
    let demands = DEMANDS
        .iter()
        .flat_map(|&(section, count)| (1..=count).map(move |n| format!("{section}-{n}")));
    let rows: Vec<_> = rows().iter().map(|row| row.number).collect();
    assert_eq!(rows, demands.collect::<Vec<_>>());
}

#[test]
fn names_every_rule_with_its_section_and_no_other() {
    let mut named = BTreeSet::new();
    for row in rows() {
        for (id, after) in quoted(row.how) {
            // `mask-missing` (§5.1)
            let Some((section, _)) = after
                .strip_prefix(" (")
                .and_then(|after| after.split_once(')'))
            else {
                assert!(
                    Rule::ALL.iter().all(|rule| rule.id() != id),
                    "{}: {id} has no section",
                    row.number
                );
                continue;
            };
            let rule = Rule::ALL.iter().find(|rule| rule.id() == id);
            let its_section = rule.map(|rule| rule.section().to_string());
            assert_eq!(
                its_section.as_deref(),
                Some(section),
                "{}: {id}",
                row.number
            );
            named.insert(id);
        }
    }
    let all: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(named, all);
}

#[test]
fn names_functions_that_exist() {
    let mut found = BTreeSet::new();
    functions(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        "",
        &mut found,
    );
    let rows = rows();
    let named = rows
        .iter()
        .flat_map(|row| quoted(row.how).map(|(name, _)| (row.number, name)));
    let named = named.filter(|(_, name)| name.contains("::")).collect();
    expect_all(named, |name| {
        found.iter().any(|function| function.name == name)
    });
}

#[test]
fn names_tests_that_exist_or_says_why_there_is_none() {
    let mut found = BTreeSet::new();
    for folder in [
        concat!(env!("CARGO_MANIFEST_DIR"), "/src"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests"),
    ] {
        functions(Path::new(folder), "", &mut found);
    }
    let mut named = Vec::new();
    for row in rows() {
        let before = named.len();
        named.extend(quoted(row.test).map(|(name, _)| (row.number, name)));
        let says_why = row.test.starts_with("not tested: ");
        assert_ne!(
            says_why,
            named.len() > before,
            "{}: {}",
            row.number,
            row.test
        );
    }
    expect_all(named, |name| {
        found
            .iter()
            .any(|function| function.is_test && function.name == name)
    });
}
