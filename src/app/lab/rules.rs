//! The table behind `rules`, for the page.

use crate::app::judge::places::{self, Place};
use crate::app::show::verdict;
use crate::app::text::joined;
use plainws::protocol::rule::{Answer, Stage};
use plainws::{Role, Rule};
use serde_json::{Value, json};

/// Every rule, in the order of the table.
pub(super) fn table() -> Value {
    Rule::ALL.iter().map(|rule| of_rule(*rule)).collect()
}

fn of_rule(rule: Rule) -> Value {
    let status = match rule.answer() {
        Answer::Status(status) => Some(status),
        _ => None,
    };
    let binds = [Role::Client, Role::Server].into_iter();
    let binds: Vec<_> = binds.filter(|role| rule.example(*role).is_some()).collect();
    let example = |role| rule.example(role).map(joined);
    json!({
        "id": rule.id(),
        "section": rule.section().0,
        "clause": rule.clause(),
        "binds": binds.iter().map(|role| role.name()).collect::<Value>(),
        "stage": stage(rule.stage()),
        "field": rule.field().name(),
        "answer": binds.first().map(|role| verdict::answer(rule, *role)),
        "close_code": rule.close_code().map(|code| code.0),
        "status": status,
        "judged": place("src/protocol/", places::judged(rule)),
        "tested": place("tests/", places::tested(rule)),
        "examples": {"client": example(Role::Client), "server": example(Role::Server)},
        "is_limit": is_limit(rule),
        "is_head": rule.close_code().is_none(),
    })
}

fn place(folder: &str, of: Place) -> Value {
    json!({"file": format!("{folder}{}.rs", of.file), "function": of.function})
}

/// Whether what breaks it would be legal under a larger limit.
const fn is_limit(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::MessageTooBig
            | Rule::TooManyFragments
            | Rule::RequestLineTooLong
            | Rule::HeadTooLarge
            | Rule::TooManyHeaders
    )
}

/// Whether a frame or a head is judged then.
const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Rsv
        | Stage::Opcode
        | Stage::Fin
        | Stage::ShortLength
        | Stage::LongLength
        | Stage::Mask
        | Stage::Order
        | Stage::Size
        | Stage::Count
        | Stage::CloseCode
        | Stage::Text => "frame",
        _ => "head",
    }
}
