//! The messages and pongs that come.

use super::shown::Shown;
use super::verdict::{Finding, failed, not_applicable, timeout};
use crate::app::check::came::{Came, Ended};
use crate::app::check::case::Case;
use crate::app::check::record::{Record, Side, Stopped};
use crate::app::check::script::{Answer, Step};
use crate::app::check::talk::Waited;

/// A limit of the examinee is no fault: it takes no message as large as this one.
pub(super) fn limited(case: &Case, side: &Side) -> Finding {
    const LARGE: usize = 65_536;
    const MANY: usize = 64;
    let frames = case
        .script
        .iter()
        .map(|step| step.sent().len())
        .max()
        .unwrap_or_default();
    let largest = side
        .messages()
        .map(Answer::length)
        .max()
        .unwrap_or_default();
    let is_much = largest >= LARGE || frames > MANY;
    match side.came.close_code() {
        Some(code @ (1008 | 1009)) if is_much && case.rules.is_empty() => not_applicable(format!(
            "it takes no message like this one, and says so: {code}"
        )),
        _ => Ok(()),
    }
}

/// The messages that came are those that are due, in their order.
pub(super) fn messages(side: &Side) -> Finding {
    let mut due = side.messages().enumerate();
    for message in &side.came.messages {
        match due.next() {
            None => {
                return failed(format!(
                    "nothing is due, and it sends {}",
                    Shown::of(message)
                ));
            }
            Some((_, answer)) if answer.is(message) => {}
            Some((at, answer)) => {
                let number = if at == 0 {
                    String::new()
                } else {
                    format!(" as message {}", at + 1)
                };
                return failed(format!(
                    "{} is due{number}, and it sends {}",
                    Shown::due(answer),
                    Shown::of(message)
                ));
            }
        }
    }
    Ok(())
}

/// The script was played to its end.
pub(super) fn stopped(record: &Record) -> Finding {
    let (number, why) = match &record.stopped {
        None | Some(Stopped::Unopened(_) | Stopped::Unsecured(..)) => return Ok(()),
        Some(Stopped::Waiting(number, waited)) => (*number, Some(*waited)),
        Some(Stopped::Writing(number)) => (*number, None),
        Some(Stopped::Open) => return timeout("it leaves TCP open"),
    };
    let Some(side) = record.sides.get(number) else {
        return Ok(());
    };
    let missing = missing(side);
    match (why, ended(&side.came)) {
        (None, None) => timeout("it takes no more bytes"),
        (Some(Waited::Silent), None) => timeout(format!("{missing} did not come")),
        (_, Some(how)) => failed(format!("{missing} is due, and it {how}")),
        (_, None) => timeout(format!("{missing} did not come")),
    }
}

/// The first of the answers that did not come.
fn missing(side: &Side) -> String {
    let mut messages = side.due.iter().filter(|answer| !answer.is_pong());
    let message = messages.nth(side.came.messages.len());
    let is_missing = |pong: &[u8]| side.came.pongs.iter().all(|came| came != pong);
    let pong = side
        .due
        .iter()
        .rfind(|answer| answer.pong().is_some_and(is_missing));
    match pong.or(message) {
        Some(answer) => Shown::due(answer).to_string(),
        None => "an answer".into(),
    }
}

/// How it has ended the connection, if it has.
fn ended(came: &Came) -> Option<String> {
    let said = came.close_code().map(|code| match code {
        1005 => "closes without a code".to_owned(),
        code => format!("closes with {code}"),
    });
    said.or(match came.end {
        Some(Ended::Reset) => Some("resets the connection".into()),
        Some(_) => Some("ends the connection".into()),
        None => None,
    })
}

/// Each pong answers a ping of ours, the latest one at least; a pong that nobody asked for is allowed (§5.5.3).
pub(super) fn pongs(side: &Side) -> Finding {
    match side.latest_pong() {
        Some(latest) if !side.came.pongs.iter().any(|pong| pong == latest) => {
            failed("the latest ping has no pong with its payload")
        }
        _ => Ok(()),
    }
}

/// Its frames are not all masked with the same key, where that is asked.
pub(super) fn keys(case: &Case, side: &Side) -> Finding {
    let is_asked = case
        .script
        .iter()
        .any(|step| matches!(step, Step::FreshKeys));
    match &side.came.keys[..] {
        [first, others @ ..] if is_asked && others.iter().all(|key| key == first) => {
            failed("it masks all frames with the same key (§5.3)")
        }
        _ => Ok(()),
    }
}
