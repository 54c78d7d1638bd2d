//! The README's table of rules is the one in the code. `PLAINWS_UPDATE=1 cargo test --test library readme` rewrites it.

use plainws::Rule;
use plainws::protocol::rule::Answer;
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
