//! The stages as JSON, for a page that shows the bytes of each.

use super::stages::{Stage, stages};
use crate::app::check::case::{Case, End};
use crate::app::check::list;
use crate::app::check::script::{Frame, Step, wire};
use crate::app::show::json;
use plainws::Role;
use plainws::protocol::dissect::{self, Dissector, Status};
use plainws::protocol::frame::Opcode;
use plainws::protocol::message::Limits;
use serde_json::{Value, json};

/// All ten: their numbers, what to do for each, and its cases.
pub(crate) fn json() -> Value {
    (1..)
        .zip(stages())
        .map(|(number, stage)| of_stage(number, &stage))
        .collect()
}

fn of_stage(number: usize, stage: &Stage) -> Value {
    json!({
        "stage": number,
        "title": stage.title,
        "next": stage.next,
        "cases": stage.cases.iter().map(of_case).collect::<Value>(),
    })
}

fn of_case(case: &Case) -> Value {
    let sent = Sent::by(&case.script);
    json!({
        "id": case.id,
        "group": case.group.name(),
        "title": case.title,
        "section": case.section,
        "script": case.script.iter().map(list::words).collect::<Value>(),
        "sent": sent.iter().map(Sent::json).collect::<Value>(),
        "end": (case.end != End::Unheard).then(|| list::end(&case.end)),
    })
}

/// What a script sends on one connection.
#[derive(Default)]
struct Sent {
    connection: usize,
    /// Unless it is the usual one.
    head: Option<String>,
    bytes: Vec<u8>,
}

impl Sent {
    /// On each connection that something is sent on.
    fn by(script: &[Step]) -> Vec<Self> {
        let mut all = vec![Self::default()];
        let mut at = 0;
        for step in script {
            if let Step::On(connection) = step {
                let is_it = |sent: &Self| sent.connection == *connection;
                at = all.iter().position(is_it).unwrap_or_else(|| {
                    all.push(Self {
                        connection: *connection,
                        ..Self::default()
                    });
                    all.len() - 1
                });
            }
            all[at].add(step);
        }
        all.retain(|sent| sent.head.is_some() || !sent.bytes.is_empty());
        all
    }

    fn add(&mut self, step: &Step) {
        match step {
            Step::Head(head, frames) | Step::HeadPieces(head, frames, _) => {
                self.head = (head != "{head}").then(|| head.to_string());
                self.write(frames);
            }
            Step::HalfHead(head) => self.head = Some(head.to_string()),
            Step::Send(frames) | Step::Pieces(frames, _) => self.write(frames),
            Step::Raw(bytes) => self.bytes.extend(bytes),
            _ => {}
        }
    }

    fn write(&mut self, frames: &[Frame]) {
        self.bytes.extend(wire(frames, Role::Client));
    }

    fn json(&self) -> Value {
        json!({
            "connection": self.connection,
            "head": self.head,
            "length": self.bytes.len(),
            "frames": frames(&self.bytes, 0),
        })
    }
}

/// The frames of a stream, those after a Close too, as `decode --json` has them; of long ones the beginning.
fn frames(bytes: &[u8], base: u64) -> Vec<Value> {
    let mut dissector =
        Dissector::new(Role::Client, Limits::default()).max_frame_payload(json::WIRE);
    let mut frames = dissector.receive(bytes);
    frames.extend(dissector.partial().cloned());
    let mut told: Vec<_> = frames
        .iter()
        .map(|frame| json::object(frame, base).into())
        .collect();
    if let Some(close) = frames.last().filter(|frame| is_close(frame)) {
        let end = usize::try_from(close.end()).unwrap_or(bytes.len());
        if end < bytes.len() {
            told.extend(self::frames(&bytes[end..], base + close.end()));
        }
    }
    told
}

fn is_close(frame: &dissect::Frame) -> bool {
    let header = frame.header.as_ref();
    frame.status == Status::Complete && header.is_some_and(|header| header.opcode == Opcode::Close)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::check::script::{close, text};

    #[test]
    fn each_case_of_frames_tells_what_it_sends() {
        let stages = json();
        let stages = stages.as_array().expect("a list");
        assert_eq!(stages.len(), 10);
        let cases = |stage: &Value| stage["cases"].as_array().expect("a list").clone();
        // The first stage is a head that every case begins with, and the last are heads that break a rule.
        for case in stages[1..9].iter().flat_map(cases) {
            let sent = case["sent"].as_array().expect("a list");
            assert!(!sent.is_empty(), "{case}");
            for sent in sent {
                let frames = sent["frames"].as_array().expect("a list");
                let lengths = frames.iter().filter_map(|frame| frame["length"].as_u64());
                let sum: u64 = lengths.sum();
                let last = frames.last().expect("at least one");
                // Nothing is read after a byte that breaks a rule.
                if last["status"] == "violation" {
                    assert!(sent["length"].as_u64() >= Some(sum), "{case}");
                } else {
                    assert_eq!(sent["length"], sum, "{case}");
                }
            }
        }
        for case in cases(&stages[9]) {
            assert!(case["sent"][0]["head"].is_string(), "{case}");
        }
    }

    #[test]
    fn a_frame_after_a_close_is_told_of_where_it_stands() {
        let bytes = wire(&[close(1000, ""), text("late")], Role::Client);
        let frames = frames(&bytes, 0);
        let offsets: Vec<_> = frames.iter().map(|frame| &frame["offset"]).collect();
        assert_eq!(offsets, [0, 8]);
    }
}
