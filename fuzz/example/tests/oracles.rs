//! What the oracles say of the parser, with its mistake and without; and that the README quotes it.

use my_parser::MyParser;
use oracles::Oracle;
use oracles::report::{Outcome, Part};

/// The oracles that fire.
fn fired(parser: &MyParser) -> Vec<&'static str> {
    let rows = oracles::report(parser).inspect(|row| println!("{row}"));
    let fired = rows.filter(|row| matches!(row.outcome, Outcome::Fired { .. }));
    fired.map(|row| row.oracle).collect()
}

#[test]
fn the_mistake_is_found_by_cutting_the_stream_and_by_nothing_else() {
    assert_eq!(fired(&MyParser { is_mended: false }), ["split"]);
}

#[test]
fn no_oracle_fires_when_it_is_mended() {
    assert_eq!(fired(&MyParser { is_mended: true }), [""; 0]);
}

#[test]
fn what_a_parser_of_frames_lacks_is_not_judged() {
    for row in oracles::report(&MyParser { is_mended: true }) {
        let oracle = Oracle::named(row.oracle);
        let part = oracle.map(Oracle::part);
        let is_judged = matches!(part, Some(Part::Reader | Part::Cost));
        assert_eq!(
            !is_judged,
            matches!(row.outcome, Outcome::NotJudged(_)),
            "{row}"
        );
    }
}

#[test]
fn the_readme_quotes_what_is_here() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme
        .split_once("## Fuzz your parser")
        .expect("it is there");
    let (section, _) = section.split_once("\n## ").expect("more follows");
    let sources = [
        include_str!("../Cargo.toml"),
        include_str!("../fuzz_target.rs"),
        include_str!("../src/lib.rs"),
        include_str!("oracles.rs"),
    ];
    let lines: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.lines())
        .map(str::trim)
        .collect();
    let blocks = section.split("```").skip(1).step_by(2);
    // Not what is typed and printed.
    let blocks = blocks.filter(|block| !block.starts_with("console"));
    let quoted: Vec<&str> = blocks
        .flat_map(|block| block.lines().skip(1))
        .map(str::trim)
        .collect();
    assert!(!quoted.is_empty());
    for line in quoted {
        assert!(
            line.is_empty() || lines.contains(&line),
            "not in fuzz/example: {line}"
        );
    }
}
