//! Whether there is a WebSocket server at all, before hundreds of cases say that there is none.

use super::came::Ended;
use super::case::{Case, End, Group};
use super::examinee::Examinee;
use super::play::play;
use super::record::Side;
use super::script::{self, Answer, Payload, Step};
use crate::app::judge::foreign;
use crate::app::text::{clipped, escaped};

/// The exit code where nothing answers.
pub(super) const NOTHING: u8 = 3;

/// Opens one connection, and tells why none can be examined.
pub(super) fn problem(examinee: &mut dyn Examinee) -> Option<String> {
    let case = Case::new(Group::Opening, "probe", "answers", "4.1").ends(End::Unheard);
    let record = play(&case, examinee);
    let stopped = record.stopped;
    if let Some(problem) = stopped.and_then(|stopped| stopped.without_connection()) {
        return Some(problem);
    }
    let side = record.sides.first()?;
    match &side.came.response {
        Some(response) if response.status() == 101 => None,
        Some(response) => Some(refusal(response.status(), side)),
        None => Some(nothing(side)),
    }
}

/// Whether a message comes back.
pub(super) fn sends_back(examinee: &mut dyn Examinee) -> bool {
    let case = Case::new(Group::Opening, "probe", "sends back", "5.6").ends(End::Unheard);
    let script = [
        Step::Send(vec![script::text("still there?")]),
        Step::Expect(vec![Answer::Text(Payload::from("still there?"))]),
    ];
    play(&case.plays(script), examinee).stopped.is_none()
}

/// What shows that an examinee lives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    /// A message comes back.
    Echo,
    /// The handshake is answered: of whoever sends no message back even when all is well.
    Handshake,
}

impl Sign {
    /// The best one that it gives now.
    pub(super) fn of(examinee: &mut dyn Examinee) -> Self {
        if sends_back(examinee) {
            Self::Echo
        } else {
            Self::Handshake
        }
    }

    pub(super) fn is_seen(self, examinee: &mut dyn Examinee) -> bool {
        match self {
            Self::Echo => sends_back(examinee),
            Self::Handshake => problem(examinee).is_none(),
        }
    }
}

/// Why nothing can be connected to, if so; what answers is not asked.
pub(super) fn unopened(examinee: &mut dyn Examinee) -> Option<String> {
    let stopped = examinee.connect().err()?;
    stopped.without_connection()
}

fn refusal(status: u16, side: &Side) -> String {
    let body = side.came.body();
    let said = match foreign::in_refusal(status, body) {
        Some(cause) => format!("; {cause}"),
        None if body.trim_ascii().is_empty() => String::new(),
        None => format!(": {}", clipped(&escaped(body.trim_ascii()), 100)),
    };
    format!("it refuses the handshake with status {status}{said}")
}

fn nothing(side: &Side) -> String {
    if let Some(cause) = foreign::recognise(&side.came.shown) {
        return cause;
    }
    let how = match (side.came.broken, side.came.end) {
        (Some(rule), _) => {
            return format!("its response is none: {} ({})", rule.clause(), rule.id());
        }
        (None, Some(Ended::Flood)) => "it sends more than can be due",
        (None, Some(Ended::Reset)) => "it resets the connection",
        (None, Some(_)) => "it ends the connection",
        (None, None) => return "nothing answers the handshake".into(),
    };
    format!("{how} instead of a response")
}
