//! How the connection ends, and what is weak about it.

use super::shown;
use super::verdict::{Finding, failed, lenient, timeout};
use crate::app::check::came::{Came, Ended};
use crate::app::check::case::{Case, End};
use crate::app::check::record::{Record, Side};
use crate::app::check::script::{Frame, Step};
use plainws::Role;

/// The connection ends as the case has it.
pub(super) fn end(case: &Case, side: &Side) -> Finding {
    let came = &side.came;
    match &case.end {
        End::Answered => unfailed(came).and_then(|()| answer(came, &[1000])),
        End::Closed(codes) => answer(came, codes),
        End::Failed(codes) => failure(case, came, codes),
        End::Left if came.end.is_none() => timeout("it leaves TCP open"),
        End::Left | End::Unheard | End::Refused(_) => Ok(()),
    }
}

/// It does not say that something was wrong, when nothing was.
fn unfailed(came: &Came) -> Finding {
    match came.close_code() {
        Some(code @ (1002 | 1003 | 1007..=1011)) => failed(format!(
            "nothing was wrong, and it fails the connection with {code}"
        )),
        _ => Ok(()),
    }
}

/// Its Close answers ours, with one of these codes.
fn answer(came: &Came, codes: &[u16]) -> Finding {
    match (came.close_code(), came.end) {
        (Some(code), _) => says(code, codes),
        (None, Some(_)) => failed("it ends the connection without a Close that answers ours"),
        (None, None) => timeout("no Close answers ours"),
    }
}

/// It fails the connection, and should say so by a Close with one of these codes.
fn failure(case: &Case, came: &Came, codes: &[u16]) -> Finding {
    let mut frames = case.script.iter().flat_map(Step::sent);
    // What raw bytes amount to is not looked into.
    let is_raw = |step: &Step| matches!(step, Step::Raw(_));
    let is_echo = frames.any(Frame::is_close_without_code) || case.script.iter().any(is_raw);
    match (came.close_code(), came.end) {
        // 1000 says that all is well; no code says nothing, but as the answer to a Close that has none.
        (Some(code), _) if code == 1000 || (code == 1005 && is_echo) => failed(format!(
            "it closes with {} as if nothing were wrong; {} is due",
            shown::code(code),
            best(codes)
        )),
        (Some(code), _) => says(code, codes),
        (None, Some(Ended::Reset)) => {
            lenient("it resets the connection, without a Close that says why (§7.1.7)")
        }
        (None, Some(_)) => lenient("it ends the connection without a Close that says why (§7.1.7)"),
        (None, None) => timeout("it neither closes nor ends the connection"),
    }
}

fn says(code: u16, codes: &[u16]) -> Finding {
    if codes.contains(&code) {
        return Ok(());
    }
    lenient(format!(
        "it closes with {}; {} says what happened (§7.4.1)",
        shown::code(code),
        best(codes)
    ))
}

/// The code that says most, of those that fit.
fn best(codes: &[u16]) -> u16 {
    codes.first().copied().unwrap_or(1005)
}

/// What is allowed, but weaker than it could be.
pub(super) fn weak(case: &Case, record: &Record, side: &Side) -> Finding {
    if record.is_late {
        return lenient(
            "it judges only when the whole message is there: allowed, but bad bytes cost more",
        );
    }
    if side.came.has_second_close {
        return lenient("it sends a second Close: the first one was the last word (§1.4)");
    }
    let is_answer = matches!(case.end, End::Answered | End::Closed(_));
    if is_answer && side.came.has_pong_after_close {
        return lenient("it sends a pong after its Close, which was the last word (§1.4)");
    }
    if answers_after_close(case, side) {
        return lenient("it answers a ping that came after our Close, and none is due (§5.5.2)");
    }
    if answers_pongs(case, side) {
        return lenient("it answers a pong, and none is expected (§5.5.3)");
    }
    if has_left_out(side) {
        return lenient("what was whole before that was not answered");
    }
    let is_server = record.examinee == Role::Server;
    if side.came.end.is_none() && !matches!(case.end, End::Unheard | End::Left) {
        let section = if is_server {
            "a server ends it first"
        } else {
            "the server has ended its half"
        };
        return lenient(format!(
            "it leaves TCP open after the Close; {section} (§7.1.1)"
        ));
    }
    Ok(())
}

/// Whether a message that may come did not.
pub(crate) fn has_left_out(side: &Side) -> bool {
    side.came.messages.len() < side.messages().count()
}

/// Whether it answers a ping that came after a Close.
fn answers_after_close(case: &Case, side: &Side) -> bool {
    let frames = case.script.iter().flat_map(Step::sent);
    let mut after = frames.skip_while(|frame| !frame.is_close());
    after.any(|frame| side.came.pongs.iter().any(|pong| frame.is_ping_of(pong)))
}

/// Whether it sends a pong back, which may go on for ever if both ends do so.
pub(crate) fn answers_pongs(case: &Case, side: &Side) -> bool {
    let frames = || case.script.iter().flat_map(Step::sent);
    let is_echoed = |payload: &Vec<u8>| {
        frames().any(|frame| frame.is_pong_of(payload))
            && !frames().any(|frame| frame.is_ping_of(payload))
    };
    side.came.pongs.iter().any(is_echoed)
}
