//! The table of cases, group by group.

mod closing;
mod control;
mod fragments;
mod head;
mod header;
mod lengths;
mod load;
mod opening;
#[cfg(test)]
mod proof;
mod refused;
mod stream;
mod together;
mod utf8;

use super::case::{Case, End, Examinee, Group, Level, Text};
use super::script::{self, Answer, Frame, Payload, Step};
use plainws::Rule;

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let groups = [
        opening::cases(),
        refused::cases(),
        lengths::cases(),
        header::cases(),
        control::cases(),
        fragments::cases(),
        utf8::cases(),
        closing::cases(),
        stream::cases(),
        load::cases(),
        together::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// A row that is yet to get its script.
fn case(group: Group, id: impl Into<Text>, title: impl Into<Text>, section: &'static str) -> Case {
    Case::new(group, id, title, section)
}

impl Case {
    /// The script breaks this rule: the examinee fails the connection with the rule's code.
    fn breaks(self, rule: Rule) -> Self {
        let code = rule.close_code().map_or(1002, |code| code.0);
        Self {
            rules: vec![rule],
            end: End::Failed(vec![code]),
            ..self
        }
    }

    /// The head breaks this rule: the examinee refuses it with one of these statuses, the best first.
    fn refused(self, rule: Rule, statuses: &[u16]) -> Self {
        Self {
            rules: vec![rule],
            end: End::Refused(statuses.to_vec()),
            ..self
        }
    }

    /// A server may decline it with one of these statuses.
    fn declined(self, declined: &'static [u16]) -> Self {
        Self { declined, ..self }
    }

    fn should(self) -> Self {
        Self {
            level: Level::Should,
            ..self
        }
    }

    /// No RFC demands it.
    fn advice(self) -> Self {
        Self {
            level: Level::Advice,
            ..self
        }
    }

    fn only(self, examinee: Examinee) -> Self {
        Self { examinee, ..self }
    }

    /// What likely happened in an examinee that fails.
    fn likely(self, cause: impl Into<Text>) -> Self {
        let likely = Some(cause.into());
        Self { likely, ..self }
    }

    /// As a table has it for some ids.
    fn likely_as_in(self, table: &[(&[&str], &'static str)]) -> Self {
        match table.iter().find(|(ids, _)| ids.contains(&&*self.id)) {
            Some((_, cause)) => self.likely(*cause),
            None => self,
        }
    }

    /// Its number in the old suite.
    fn old(self, number: impl Into<Option<&'static str>>) -> Self {
        Self {
            old: number.into(),
            ..self
        }
    }
}

/// Sends frames in one write.
fn send(frames: impl Into<Vec<Frame>>) -> Step {
    Step::Send(frames.into())
}

/// Sends frames byte by byte.
fn drip(frames: impl Into<Vec<Frame>>) -> Step {
    Step::Pieces(frames.into(), vec![1])
}

/// Sends frames in pieces of these sizes, the last of which repeats.
fn pieces(frames: impl Into<Vec<Frame>>, sizes: impl Into<Vec<usize>>) -> Step {
    Step::Pieces(frames.into(), sizes.into())
}

/// Sends each frame in a write of its own.
fn one_by_one(frames: impl IntoIterator<Item = Frame>) -> Vec<Step> {
    frames.into_iter().map(|frame| send([frame])).collect()
}

fn expect(answers: impl Into<Vec<Answer>>) -> Step {
    Step::Expect(answers.into())
}

fn perhaps(answers: impl Into<Vec<Answer>>) -> Step {
    Step::Perhaps(answers.into())
}

fn text_back(text: impl Into<script::Payload>) -> Answer {
    Answer::Text(text.into())
}

fn bytes_back(bytes: impl Into<script::Payload>) -> Answer {
    Answer::Binary(bytes.into())
}

fn pong_back(payload: impl Into<Vec<u8>>) -> Answer {
    Answer::Pong(payload.into())
}

// Messages of any length, of letters or of bytes of every value.

const KINDS: [bool; 2] = [true, false];

fn kind(is_text: bool) -> &'static str {
    if is_text { "text" } else { "binary" }
}

fn message(is_text: bool, length: usize) -> Frame {
    let payload = Payload::part(is_text, 0, length);
    match is_text {
        true => script::text_of(payload),
        false => script::binary(payload),
    }
}

/// The same in fragments of a size, the last of which may be smaller.
fn fragmented(is_text: bool, length: usize, size: usize) -> Vec<Frame> {
    if size >= length {
        return vec![message(is_text, length)];
    }
    let fragment = |from| {
        let payload = Payload::part(is_text, from, size.min(length - from));
        match (from + size >= length, from, is_text) {
            (true, ..) => script::last(payload),
            (false, 0, true) => script::first(payload),
            (false, 0, false) => script::first_binary(payload),
            (false, ..) => script::more(payload),
        }
    };
    (0..length).step_by(size).map(fragment).collect()
}

fn message_back(is_text: bool, length: usize) -> Answer {
    let payload = Payload::part(is_text, 0, length);
    match is_text {
        true => Answer::Text(payload),
        false => Answer::Binary(payload),
    }
}

/// "4 MiB", or whatever it is.
fn size(bytes: usize) -> String {
    match bytes {
        0x10_0000.. if bytes % 0x10_0000 == 0 => format!("{} MiB", bytes >> 20),
        0x400..0x10_0000 if bytes % 0x400 == 0 => format!("{} KiB", bytes >> 10),
        1 => "1 byte".into(),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique() {
        let mut ids = HashSet::new();
        for case in all() {
            assert!(ids.insert(case.id.clone()), "{} twice", case.id);
        }
    }

    #[test]
    fn heads_are_written_in_latin_1() {
        for case in all() {
            for step in &case.script {
                if let Step::Head(head, _) | Step::HeadPieces(head, ..) = step {
                    assert!(head.chars().all(|c| c <= '\u{FF}'), "{}", case.id);
                }
            }
        }
    }
}
