//! What a record amounts to. Nothing is read from a socket here, and nothing waits.

mod answers;
mod ending;
mod opening;
pub(crate) mod shown;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use self::ending::{answers_pongs, has_left_out};
pub(crate) use self::opening::broken_by_response;
pub(crate) use self::verdict::{Outcome, Verdict};

use self::verdict::{Finding, failed, not_applicable};
use super::came::{Came, Ended};
use super::case::{Case, End, Level};
use super::record::{Record, Stopped};

/// Judges what happened in a case.
pub(crate) fn judge(case: &Case, record: &Record) -> Verdict {
    let mut verdict = found(case, record).err().unwrap_or_else(Verdict::ok);
    let is_bad = matches!(verdict.outcome, Outcome::Failed | Outcome::Timeout);
    if is_bad && case.level != Level::Must && !is_illegal(case, record) {
        verdict.outcome = Outcome::Lenient;
    }
    verdict
}

/// What it sends must be legal whatever a case asks for. Only where no RFC forbids what the script sends, giving it back
/// is no more than that.
fn is_illegal(case: &Case, record: &Record) -> bool {
    let broken = record.sides.iter().filter_map(|side| side.came.broken);
    let mut broken =
        broken.filter(|rule| case.level != Level::Advice || !case.rules.contains(rule));
    broken.next().is_some()
        || record
            .sides
            .iter()
            .any(|side| side.came.has_data_after_close)
}

fn found(case: &Case, record: &Record) -> Finding {
    if let Some(Stopped::Unopened(problem)) = &record.stopped {
        return failed(format!("no connection: {problem}"));
    }
    let Some(first) = record.sides.first() else {
        opening::secured(case, record)?;
        return not_applicable("the script opened no connection");
    };
    if matches!(case.end, End::Refused(_)) {
        return opening::refusal(case, record, first);
    }
    for side in &record.sides {
        legal(&side.came)?;
    }
    for (number, side) in record.sides.iter().enumerate() {
        let is_second = number > 0 && case.level == Level::Must;
        opening::opened(case, record, side).or_else(|verdict| match verdict.outcome {
            Outcome::Timeout if is_second => not_applicable("it takes one connection at a time"),
            _ => Err(verdict),
        })?;
    }
    opening::secured(case, record)?;
    answers::limited(case, first)?;
    for side in &record.sides {
        answers::messages(side)?;
    }
    answers::stopped(record)?;
    for side in &record.sides {
        answers::pongs(side)?;
    }
    answers::keys(case, first)?;
    ending::end(case, first)?;
    ending::weak(case, record, first)
}

/// All that came is legal by itself, and not endless.
fn legal(came: &Came) -> Finding {
    match (came.broken, came.end) {
        (Some(rule), _) => failed(format!("it breaks {}: {}", rule.id(), rule.clause())),
        (None, Some(Ended::Flood)) => failed("it sends more than can be due"),
        _ if came.has_data_after_close => failed("it sends data after its Close (§5.5.1)"),
        _ => Ok(()),
    }
}
