//! What a record amounts to. Nothing is read from a socket here, and nothing waits.

use super::came::{Came, Ended};
use super::case::{Case, End, Level};
use super::play::{Record, Side, Stopped};
use super::script::{Answer, Step};
use super::talk::Waited;
use plainws::protocol::dissect::handshake;
use plainws::protocol::handshake::Asked;
use plainws::protocol::head::{Decoder, Head, Limits};
use plainws::protocol::message::Message;
use plainws::protocol::response::Response;
use plainws::protocol::rule::Rule;
use plainws::{CloseCode, Role};
use std::fmt;

/// How an examinee did at a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    Ok,
    /// Allowed, but weaker than it could be.
    Lenient,
    Failed,
    /// Nothing came where something was due.
    Timeout,
    /// It could not be judged.
    NotApplicable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [
        Self::Ok,
        Self::Lenient,
        Self::Failed,
        Self::Timeout,
        Self::NotApplicable,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Lenient => "lenient",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// An outcome, and why it is that; nothing if it is ok.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) why: String,
}

impl Verdict {
    fn ok() -> Self {
        Self {
            outcome: Outcome::Ok,
            why: String::new(),
        }
    }
}

impl Verdict {
    /// A client whose request breaks these rules, the one first for which it is refused.
    pub(crate) fn of_broken_request(broken: &[Rule]) -> Self {
        let rules = broken.iter().map(|rule| format!("{}: {rule}", rule.id()));
        let rules: Vec<_> = rules.collect();
        Self {
            outcome: Outcome::Failed,
            why: format!("its request breaks {}", rules.join("; and ")),
        }
    }
}

/// Anything but ok, in the order in which it is found: the first one counts, but for what is only weak.
type Finding = Result<(), Verdict>;

fn failed<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::Failed,
        why: why.into(),
    })
}

fn timeout<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::Timeout,
        why: why.into(),
    })
}

fn lenient<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::Lenient,
        why: why.into(),
    })
}

fn not_applicable<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::NotApplicable,
        why: why.into(),
    })
}

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
        return not_applicable("the script opened no connection");
    };
    if matches!(case.end, End::Refused(_)) {
        return refusal(case, record, first);
    }
    for side in &record.sides {
        legal(&side.came)?;
    }
    for (number, side) in record.sides.iter().enumerate() {
        let is_second = number > 0 && case.level == Level::Must;
        opened(case, record, side).or_else(|verdict| match verdict.outcome {
            Outcome::Timeout if is_second => not_applicable("it takes one connection at a time"),
            _ => Err(verdict),
        })?;
    }
    limited(case, first)?;
    for side in &record.sides {
        messages(side)?;
    }
    stopped(record)?;
    for side in &record.sides {
        pongs(side)?;
    }
    keys(case, first)?;
    end(case, record, first)?;
    weak(case, record, first)
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

/// The handshake was accepted, by the response that is due.
fn opened(case: &Case, record: &Record, side: &Side) -> Finding {
    if record.examinee == Role::Client || !side.is_whole {
        return Ok(());
    }
    let Some(response) = &side.came.response else {
        return match side.came.end {
            Some(_) => failed("it ended the connection instead of a response"),
            None => timeout("no response came"),
        };
    };
    match response.status() {
        101 => {}
        status if case.declined.contains(&status) => {
            return not_applicable(format!("it declines this with status {status}, as it may"));
        }
        status => {
            sent_away(status)?;
            return failed(format!("it refused the handshake with status {status}"));
        }
    }
    // Extensions are offered only so as to be declined: none is spoken here.
    if let Some(name) = response.header("Sec-WebSocket-Extensions") {
        return failed(format!(
            "it accepts an extension that it must decline: {name}"
        ));
    }
    match broken_by_response(side) {
        Some(rule) => failed(format!(
            "its response breaks {}: {}",
            rule.id(),
            rule.clause()
        )),
        None => Ok(()),
    }
}

/// Answers that come whatever the request is like, so that they tell nothing about it.
fn sent_away(status: u16) -> Finding {
    match status {
        300..=399 => not_applicable(format!("it sends clients elsewhere, with status {status}")),
        401 | 407 => not_applicable(format!(
            "it asks who is there, with status {status}: --header tells it"
        )),
        429 | 503 => not_applicable(format!("it is too busy, and says so: status {status}")),
        _ => Ok(()),
    }
}

/// The rule that a response of 101 breaks as the answer to what was sent.
pub(super) fn broken_by_response(side: &Side) -> Option<Rule> {
    let response = side.came.response.as_ref()?.head();
    let asked = request(side).as_ref().map(Asked::by).unwrap_or_default();
    let explanation = handshake::response(response.as_bytes(), limits(), &asked);
    explanation.broken.first().copied()
}

/// The request that was sent, if it can be read.
fn request(side: &Side) -> Option<Head> {
    let mut decoder = Decoder::new(Role::Client, limits());
    decoder.receive(&side.head).ok()?.map(|(head, _)| head)
}

fn limits() -> Limits {
    Limits::new().max_bytes(1 << 20).max_headers(10_000)
}

/// A limit of the examinee is no fault: it takes no message as large as this one.
fn limited(case: &Case, side: &Side) -> Finding {
    const LARGE: usize = 65_536;
    const MANY: usize = 64;
    let frames = case
        .script
        .iter()
        .map(|step| step.sent().len())
        .max()
        .unwrap_or_default();
    let answers = side.due.iter().chain(&side.perhaps);
    let largest = answers.map(Answer::length).max().unwrap_or_default();
    let is_much = largest >= LARGE || frames > MANY;
    match side.came.close_code() {
        Some(code @ (1008 | 1009)) if is_much && case.rules.is_empty() => not_applicable(format!(
            "it takes no message like this one, and says so: {code}"
        )),
        _ => Ok(()),
    }
}

/// The messages that came are those that are due, in their order.
fn messages(side: &Side) -> Finding {
    let is_message = |answer: &&Answer| !matches!(answer, Answer::Pong(_));
    let due = side.due.iter().chain(&side.perhaps).filter(is_message);
    let mut due = due.enumerate();
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
fn stopped(record: &Record) -> Finding {
    let (number, why) = match &record.stopped {
        None | Some(Stopped::Unopened(_)) => return Ok(()),
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
    let is_message = |answer: &&Answer| !matches!(answer, Answer::Pong(_));
    let mut messages = side.due.iter().filter(is_message);
    let message = messages.nth(side.came.messages.len());
    let pong = side.due.iter().rfind(|answer| match answer {
        Answer::Pong(payload) => !side.came.pongs.contains(payload),
        _ => false,
    });
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
fn pongs(side: &Side) -> Finding {
    let due: Vec<&[u8]> = side
        .due
        .iter()
        .filter_map(|answer| match answer {
            Answer::Pong(payload) => Some(&**payload),
            _ => None,
        })
        .collect();
    match due.last() {
        Some(latest) if !side.came.pongs.iter().any(|pong| pong == latest) => {
            failed("the latest ping has no pong with its payload")
        }
        _ => Ok(()),
    }
}

/// Its frames are not all masked with the same key, where that is asked.
fn keys(case: &Case, side: &Side) -> Finding {
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

/// The connection ends as the case has it.
fn end(case: &Case, record: &Record, side: &Side) -> Finding {
    let came = &side.came;
    match &case.end {
        End::Answered => close(came, &[1000], true),
        End::Closed(codes) => close(came, codes, true),
        End::Failed(codes) => close(came, codes, false),
        End::Left if came.end.is_none() => timeout("it leaves TCP open"),
        End::Left | End::Unheard | End::Refused(_) => Ok(()),
    }?;
    let _ = record;
    Ok(())
}

/// Its Close has one of these codes. As an answer it must be there, as a failure it should.
fn close(came: &Came, codes: &[u16], is_answer: bool) -> Finding {
    let Some(code) = came.close_code() else {
        return match (came.end, is_answer) {
            (None, true) => timeout("no Close answers ours"),
            (None, false) => timeout("it neither closes nor ends the connection"),
            (Some(_), true) => failed("it ends the connection without a Close that answers ours"),
            (Some(Ended::Reset), false) => {
                lenient("it resets the connection, without a Close that says why (§7.1.7)")
            }
            (Some(_), false) => {
                lenient("it ends the connection without a Close that says why (§7.1.7)")
            }
        };
    };
    let best = codes.first().copied().unwrap_or(1005);
    let told = if code == 1005 {
        "no code".to_owned()
    } else {
        code.to_string()
    };
    if codes.contains(&code) {
        return Ok(());
    }
    // 1000 says that all is well.
    if !is_answer && matches!(code, 1000 | 1005) {
        return failed(format!(
            "it closes with {told} as if nothing were wrong; {best} is due"
        ));
    }
    lenient(format!(
        "it closes with {told}; {best} says what happened (§7.4.1)"
    ))
}

/// What is allowed, but weaker than it could be.
fn weak(case: &Case, record: &Record, side: &Side) -> Finding {
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
        return lenient("it sends a pong behind its Close, which was the last word (§1.4)");
    }
    if answers_behind_close(case, side) {
        return lenient("it answers a ping that came behind our Close, and none is due (§5.5.2)");
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
pub(super) fn has_left_out(side: &Side) -> bool {
    let is_message = |answer: &&Answer| !matches!(answer, Answer::Pong(_));
    let answers = side.due.iter().chain(&side.perhaps);
    side.came.messages.len() < answers.filter(is_message).count()
}

/// Whether it answers a ping that came behind a Close.
fn answers_behind_close(case: &Case, side: &Side) -> bool {
    let frames = case.script.iter().flat_map(Step::sent);
    let mut behind = frames.skip_while(|frame| !frame.is_close());
    behind.any(|frame| side.came.pongs.iter().any(|pong| frame.is_ping_of(pong)))
}

/// Whether it sends a pong back, which may go on for ever if both ends do so.
pub(super) fn answers_pongs(case: &Case, side: &Side) -> bool {
    let frames = || case.script.iter().flat_map(Step::sent);
    let is_echoed = |payload: &Vec<u8>| {
        frames().any(|frame| frame.is_pong_of(payload))
            && !frames().any(|frame| frame.is_ping_of(payload))
    };
    side.came.pongs.iter().any(is_echoed)
}

/// A request that must be refused, or a response at which a client must leave.
fn refusal(case: &Case, record: &Record, side: &Side) -> Finding {
    let End::Refused(statuses) = &case.end else {
        return Ok(());
    };
    let came = &side.came;
    if record.examinee == Role::Client {
        return left(came);
    }
    if let Some(rule) = came.broken {
        return failed(format!(
            "its response breaks {}: {}",
            rule.id(),
            rule.clause()
        ));
    }
    let best = statuses.first().copied().unwrap_or(400);
    match (&came.response, came.end) {
        (Some(response), _) => match response.status() {
            101 => failed("it accepts the handshake"),
            status if statuses.contains(&status) => complete(response, side),
            status => {
                sent_away(status)?;
                lenient(format!("it refuses with status {status}; {best} says why"))
            }
        },
        (None, Some(_)) => lenient(format!(
            "it ends the connection without a word; status {best} says why"
        )),
        (None, None) => timeout("it neither refuses nor ends the connection"),
    }
}

/// A client leaves without a frame.
fn left(came: &Came) -> Finding {
    let is_silent = came.messages.is_empty()
        && came.pongs.is_empty()
        && came.pings.is_empty()
        && came.broken.is_none();
    match came.end {
        Some(Ended::Flood) => failed("it sends more than can be due"),
        _ if !is_silent => failed("it takes the connection for open, and sends frames"),
        _ if came.close.is_some() => lenient("it sends a Close, although nothing was open"),
        Some(_) => Ok(()),
        None if came.total > 0 => failed("it sends more, although nothing was open"),
        None => timeout("it leaves the connection open"),
    }
}

/// A refusal names what would be taken instead.
fn complete(refusal: &Response, side: &Side) -> Finding {
    const VERSION: &str = "Sec-WebSocket-Version";
    let version = request(side).and_then(|request| request.text(VERSION)?.parse::<u8>().ok());
    if version.is_some_and(|version| version != 13) && refusal.header(VERSION).is_none() {
        return failed(format!(
            "its refusal does not say which {VERSION} it speaks (§4.2.2)"
        ));
    }
    let named = match refusal.status() {
        405 => Some(("Allow", "15.5.6")),
        426 => Some(("Upgrade", "15.5.22")),
        _ => None,
    };
    match named.filter(|(name, _)| refusal.head().values(name).next().is_none()) {
        Some((name, section)) => lenient(format!(
            "its refusal lacks the {name} header that belongs to status {} (RFC 9110 §{section})",
            refusal.status()
        )),
        None => Ok(()),
    }
}

/// A message in a few words.
pub(crate) struct Shown<'a> {
    kind: &'static str,
    start: std::borrow::Cow<'a, [u8]>,
}

impl<'a> Shown<'a> {
    pub(crate) fn due(answer: &'a Answer) -> Self {
        let (kind, start) = match answer {
            Answer::Text(payload) => ("text", payload.bytes()),
            Answer::Binary(payload) => ("binary", payload.bytes()),
            Answer::Pong(payload) => ("pong", payload.into()),
        };
        Self { kind, start }
    }

    pub(crate) fn of(message: &'a Message) -> Self {
        let kind = if message.is_text() { "text" } else { "binary" };
        Self {
            kind,
            start: message.as_bytes().into(),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::app::show::text::{clipped, quoted, spaced};
        const MOST: usize = 24;
        let bytes = &self.start;
        let start = &bytes[..bytes.len().min(MOST)];
        let shown = match self.kind {
            "binary" if !bytes.is_empty() => spaced(&start[..start.len().min(8)]),
            _ => clipped(&quoted(start), MOST + 2),
        };
        write!(f, "{} {shown}", self.kind)?;
        if bytes.len() > MOST {
            write!(f, " of {} bytes", bytes.len())?;
        }
        Ok(())
    }
}

/// The name of a Close code, for people.
pub(crate) fn code_name(code: u16) -> &'static str {
    CloseCode(code).name().unwrap_or("")
}
