//! What every oracle says of a subject: one call for those who bring a parser of their own.

use crate::child;
use crate::oracle::{ORACLES, Oracle, inputs};
use crate::shown::Shown;
use crate::shrink::shrink;
use crate::stream;
use crate::subject::{Subject, Wish};
use crate::watch::words as words_of;
use crate::words;
use plainws::Role;
use plainws::protocol::head;
use plainws::protocol::message::Limits;
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A part of an implementation, which a subject may have or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// [`Subject::reader`], which all have.
    Reader,
    /// [`crate::subject::Reader::answers`].
    Answers,
    /// [`Subject::endpoint`].
    Endpoint,
    /// [`Subject::handshake`].
    Handshake,
    /// [`Subject::request`].
    Request,
    /// [`Subject::dissect`].
    Dissect,
    /// [`Subject::mask`].
    Mask,
    /// [`Subject::serves_host`].
    Host,
    /// [`Subject::judges_origin`].
    Origin,
    /// [`Subject::url`].
    Url,
    /// [`Subject::led`].
    Led,
    /// [`Subject::chunks`].
    Chunks,
    /// [`Subject::trusts_proxy`].
    Proxy,
    /// [`Subject::proxy_header`].
    ProxyHeader,
    /// [`Subject::forwarded`].
    Forwarded,
    /// [`Subject::text`].
    Text,
    /// What its work costs here: not if it [`is_elsewhere`](Subject::is_elsewhere).
    Cost,
}

impl Part {
    /// Whether `subject` has it.
    #[must_use]
    pub fn is_in(self, subject: &dyn Subject) -> bool {
        let limits = Limits::default();
        let sender = Role::Client;
        match self {
            Self::Reader => true,
            Self::Answers => subject.reader(sender, limits).answers().is_some(),
            Self::Endpoint => subject.endpoint(sender, limits).is_some(),
            Self::Handshake => {
                let limits = head::Limits::default();
                subject.handshake(sender, limits, None).is_some()
            }
            Self::Request => subject.request(&Wish::default()).is_some(),
            Self::Dissect => subject.dissect(sender, limits, &[]).is_some(),
            Self::Mask => subject.mask().is_some(),
            Self::Host => subject.serves_host("localhost").is_some(),
            Self::Origin => subject
                .judges_origin("null", "null", "localhost", false)
                .is_some(),
            Self::Url => subject.url("ws://localhost/").is_some(),
            Self::Led => subject.led(&["/"], "/").is_some(),
            Self::Chunks => subject.chunks().is_some(),
            Self::Proxy => subject.trusts_proxy("unix", None).is_some(),
            Self::ProxyHeader => subject.proxy_header(b"").is_some(),
            Self::Forwarded => subject.forwarded(None, &[]).is_some(),
            Self::Text => subject.text().is_some(),
            Self::Cost => !subject.is_elsewhere(),
        }
    }
}

impl fmt::Display for Part {
    /// Why it is not judged, which is the name of a method that is not implemented.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self {
            Self::Cost => return f.write_str("it works in another process"),
            Self::Reader => "reader",
            Self::Answers => "answers",
            Self::Endpoint => "endpoint",
            Self::Handshake => "handshake",
            Self::Request => "request",
            Self::Dissect => "dissect",
            Self::Mask => "mask",
            Self::Host => "serves_host",
            Self::Origin => "judges_origin",
            Self::Url => "url",
            Self::Led => "led",
            Self::Chunks => "chunks",
            Self::Proxy => "trusts_proxy",
            Self::ProxyHeader => "proxy_header",
            Self::Forwarded => "forwarded",
            Self::Text => "text",
        };
        write!(f, "there is no `{method}`")
    }
}

impl Oracle {
    /// The part that it judges; a subject without it passes, unseen.
    #[must_use]
    pub fn part(&self) -> Part {
        match self.name {
            "answers" => Part::Answers,
            "memory" | "work" => Part::Cost,
            "mask" => Part::Mask,
            "host" => Part::Host,
            "origin" => Part::Origin,
            "url" => Part::Url,
            "path" => Part::Led,
            "chunks" => Part::Chunks,
            "proxy" => Part::Proxy,
            "proxy-header" => Part::ProxyHeader,
            "forwarded" => Part::Forwarded,
            "utf8" => Part::Text,
            "queue" => Part::Endpoint,
            "request-sent" => Part::Request,
            "request-items" | "response" | "response-items" => Part::Handshake,
            name if name.starts_with("endpoint-") => Part::Endpoint,
            name if name.starts_with("head-") => Part::Handshake,
            name if name.starts_with("dissect-") => Part::Dissect,
            _ => Part::Reader,
        }
    }
}

/// What one oracle says.
#[derive(Clone, Debug)]
pub struct Row {
    /// The oracle's name.
    pub oracle: &'static str,
    /// How many inputs it was given.
    pub inputs: u32,
    /// What came of them.
    pub outcome: Outcome,
}

/// What came of all inputs of an oracle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The subject lacks this part.
    NotJudged(Part),
    /// Nothing is wrong.
    Passed,
    /// Something is.
    Fired {
        /// At how many inputs.
        times: u32,
        /// What they have in common: the rule that was at stake.
        groups: Vec<Group>,
    },
}

/// The inputs at which an oracle fired for the sake of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The rule, or what else it was, in words.
    pub at_stake: String,
    /// How many inputs.
    pub times: u32,
    /// The first of them, as small as it can be.
    pub input: Vec<u8>,
    /// What is said of it.
    pub what: String,
    /// The bytes that it stands for.
    pub shown: Option<Shown>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oracle, inputs, .. } = self;
        match &self.outcome {
            Outcome::NotJudged(part) => write!(f, "{oracle:16} not judged: {part}"),
            Outcome::Passed => write!(f, "{oracle:16} passed {inputs} inputs"),
            Outcome::Fired { times, groups } => {
                write!(f, "{oracle:16} fired at {times} of {inputs} inputs")?;
                groups.iter().try_for_each(|group| write!(f, "\n{group}"))
            }
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at_stake, times, ..
        } = self;
        let times = match times {
            1 => "once".into(),
            times => format!("{times} times"),
        };
        write!(f, "  {at_stake}, {times}:")?;
        let command = self.shown.as_ref().and_then(Shown::command);
        let last = command.unwrap_or_else(|| format!("input: {}", words::hex(&self.input)));
        let mut lines = self.what.lines().chain([&*last]);
        lines.try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Has every oracle judge `subject` by its inputs: all of them, or a tenth if it works in another process. A panic
/// counts as what is wrong with one.
pub fn report(subject: &dyn Subject) -> impl Iterator<Item = Row> {
    ORACLES.iter().map(move |oracle| {
        let part = oracle.part();
        let is_there = quietly(|| panic::catch_unwind(AssertUnwindSafe(|| part.is_in(subject))));
        if is_there.unwrap_or(true) {
            Judging { subject, oracle }.row()
        } else {
            Row {
                oracle: oracle.name,
                inputs: 0,
                outcome: Outcome::NotJudged(part),
            }
        }
    })
}

/// After as many inputs at which a subject in another process is lost, no more are tried.
const LOSSES: u32 = 3;

#[derive(Clone, Copy)]
struct Judging<'a> {
    subject: &'a dyn Subject,
    oracle: &'a Oracle,
}

impl Judging<'_> {
    fn row(self) -> Row {
        let mut tried = 0;
        let mut losses = 0;
        let mut groups: Vec<Group> = Vec::new();
        let share = if self.subject.is_elsewhere() { 10 } else { 1 };
        for input in inputs(self.oracle).take(self.oracle.inputs.div_ceil(share) as usize) {
            tried += 1;
            if let Err(what) = self.check(&input) {
                losses += u32::from(what.starts_with(child::LOST));
                self.sort_in(&input, what, &mut groups);
            }
            if losses == LOSSES {
                break;
            }
        }
        let times = groups.iter().map(|group| group.times).sum();
        Row {
            oracle: self.oracle.name,
            inputs: tried,
            outcome: if groups.is_empty() {
                Outcome::Passed
            } else {
                Outcome::Fired { times, groups }
            },
        }
    }

    fn check(self, input: &[u8]) -> Result<(), String> {
        let check = AssertUnwindSafe(|| (self.oracle.check)(self.subject, input));
        quietly(|| panic::catch_unwind(check)).unwrap_or_else(|panic| {
            let lost = panic.downcast_ref::<child::Lost>();
            Err(lost.map_or_else(
                || format!("panicked: {}", words_of(&*panic)),
                |lost| lost.0.clone(),
            ))
        })
    }

    /// Counts an input to its group, or makes it the first of one.
    fn sort_in(self, input: &[u8], what: String, groups: &mut Vec<Group>) {
        // To try again what takes all its time would take as long again.
        let may_try = !what.contains(child::HANGS);
        // What follows what is wrong may break another rule.
        let fires = |end| may_try && self.check(&input[..end]).is_err();
        let input = &input[..stream::shortest(input.len(), fires)];
        let mut what = match may_try {
            true => self.check(input).err().unwrap_or(what),
            false => what,
        };
        let at_stake = self.at_stake(input);
        if let Some(group) = groups.iter_mut().find(|group| group.at_stake == at_stake) {
            group.times += 1;
            return;
        }
        let small = shrink(input, |smaller| {
            let is_tried = may_try && self.at_stake(smaller) == at_stake;
            let found = is_tried.then(|| self.check(smaller).err()).flatten();
            let is_found = found.is_some();
            if let Some(found) = found {
                what = found;
            }
            is_found
        });
        groups.push(Group {
            shown: self.shown(&small),
            what,
            at_stake,
            times: 1,
            input: small,
        });
    }

    fn at_stake(self, input: &[u8]) -> String {
        let shown = self.shown(input);
        shown.map_or("no rule of its own".into(), |shown| shown.at_stake)
    }

    /// A script is carried out once more for it, and may panic again.
    fn shown(self, input: &[u8]) -> Option<Shown> {
        let of = AssertUnwindSafe(|| Shown::of(self.oracle.name, self.subject, input));
        quietly(|| panic::catch_unwind(of)).ok().flatten()
    }
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Without a line for each panic of this thread: they are counted, and the first is told.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                before(info);
            }
        }));
    });
    let was_quiet = IS_QUIET.replace(true);
    let result = work();
    IS_QUIET.set(was_quiet);
    result
}
