//! The README's tables are those of the code. `PLAINWS_UPDATE=1 cargo test --test library readme` rewrites that of rules.

use plainws::Rule;
use plainws::protocol::rule::Answer;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const BEGIN: &str =
    "<!-- rules: made from the table in src/protocol/rule.rs, checked by tests/readme.rs -->\n";
const END: &str = "<!-- end of rules -->";

#[test]
fn shows_every_rule_with_its_section_and_answer() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    if std::env::var_os("PLAINWS_UPDATE").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", expected())).unwrap();
        return;
    }
    assert_eq!(
        table,
        expected(),
        "run PLAINWS_UPDATE=1 cargo test --test library readme"
    );
}

/// The names of all dependencies that are not for tests alone.
fn dependencies() -> BTreeSet<String> {
    let manifest = include_str!("../Cargo.toml");
    let sections = manifest.split("\n[").filter(|section| {
        let (title, _) = section.split_once(']').unwrap_or_default();
        title == "dependencies" || title.starts_with("target.") || title.is_empty()
    });
    let lines = sections.flat_map(str::lines);
    let names = lines.filter_map(|line| line.split_once(" = "));
    let names = names.filter(|(name, _)| !name.starts_with('#'));
    names.map(|(name, _)| name.into()).collect()
}

#[test]
fn weighs_every_dependency_and_nothing_else() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("<!-- dependencies: ").unwrap();
    let (table, _) = rest.split_once("<!-- end of dependencies -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| {
        let cell = row.split('|').nth(1).unwrap_or_default();
        cell.split('`').skip(1).step_by(2).map(String::from)
    });
    assert_eq!(names.collect::<BTreeSet<_>>(), dependencies());
}

fn expected() -> String {
    let mut table =
        String::from("| section | rule | the demand | the answer |\n|---|---|---|---|\n");
    for rule in Rule::ALL {
        let answer = match rule.answer() {
            Answer::Close(code) => format!("Close {}", code.0),
            Answer::Status(status) => format!("status {status}"),
            _ => "the client leaves".into(),
        };
        let (id, section, clause) = (rule.id(), rule.section(), rule.clause());
        let _ = writeln!(table, "| {section} | `{id}` | {clause} | {answer} |");
    }
    table
}
