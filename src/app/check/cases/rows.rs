//! What the rows of all groups are written with.

pub(super) use super::super::case::{Case, End, Group, Level, Text};
pub(super) use super::super::script::{self, Answer, Frame, Payload, Step};
pub(super) use plainws::{Role, Rule};

/// A row that is yet to get its script.
pub(super) fn case(
    group: Group,
    id: impl Into<Text>,
    title: impl Into<Text>,
    section: &'static str,
) -> Case {
    Case::new(group, id, title, section)
}

impl Case {
    /// The script breaks this rule: the examinee fails the connection with the rule's code.
    pub(super) fn breaks(self, rule: Rule) -> Self {
        let code = rule.close_code().map_or(1002, |code| code.0);
        Self {
            rules: vec![rule],
            end: End::Failed(vec![code]),
            ..self
        }
    }

    /// The head breaks this rule: the examinee refuses it with one of these statuses, the best first.
    pub(super) fn refused(self, rule: Rule, statuses: &[u16]) -> Self {
        Self {
            rules: vec![rule],
            end: End::Refused(statuses.to_vec()),
            ..self
        }
    }

    /// A server may decline it with one of these statuses.
    pub(super) fn declined(self, declined: &'static [u16]) -> Self {
        Self { declined, ..self }
    }

    pub(super) fn should(self) -> Self {
        Self {
            level: Level::Should,
            ..self
        }
    }

    /// No RFC demands it.
    pub(super) fn advice(self) -> Self {
        Self {
            level: Level::Advice,
            ..self
        }
    }

    pub(super) fn only(self, examinee: Role) -> Self {
        let only = Some(examinee);
        Self { only, ..self }
    }

    /// What likely happened in an examinee that fails.
    pub(super) fn likely(self, cause: impl Into<Text>) -> Self {
        let likely = Some(cause.into());
        Self { likely, ..self }
    }

    /// As a table has it for some ids.
    pub(super) fn likely_as_in(self, table: &[(&[&str], &'static str)]) -> Self {
        match table.iter().find(|(ids, _)| ids.contains(&&*self.id)) {
            Some((_, cause)) => self.likely(*cause),
            None => self,
        }
    }

    /// Its number in the old suite.
    pub(super) fn old(self, number: impl Into<Option<&'static str>>) -> Self {
        Self {
            old: number.into(),
            ..self
        }
    }
}

/// Sends frames in one write.
pub(super) fn send(frames: impl Into<Vec<Frame>>) -> Step {
    Step::Send(frames.into())
}

/// Sends frames byte by byte.
pub(super) fn drip(frames: impl Into<Vec<Frame>>) -> Step {
    Step::Pieces(frames.into(), vec![1])
}

/// Sends frames in pieces of these sizes, the last of which repeats.
pub(super) fn pieces(frames: impl Into<Vec<Frame>>, sizes: impl Into<Vec<usize>>) -> Step {
    Step::Pieces(frames.into(), sizes.into())
}

/// Sends each frame in a write of its own.
pub(super) fn one_by_one(frames: impl IntoIterator<Item = Frame>) -> Vec<Step> {
    frames.into_iter().map(|frame| send([frame])).collect()
}

pub(super) fn expect(answers: impl Into<Vec<Answer>>) -> Step {
    Step::Expect(answers.into())
}

pub(super) fn perhaps(answers: impl Into<Vec<Answer>>) -> Step {
    Step::Perhaps(answers.into())
}

pub(super) fn text_back(text: impl Into<script::Payload>) -> Answer {
    Answer::Text(text.into())
}

pub(super) fn bytes_back(bytes: impl Into<script::Payload>) -> Answer {
    Answer::Binary(bytes.into())
}

pub(super) fn pong_back(payload: impl Into<Vec<u8>>) -> Answer {
    Answer::Pong(payload.into())
}

// Messages of any length, of letters or of bytes of every value.

pub(super) const KINDS: [bool; 2] = [true, false];

pub(super) fn kind(is_text: bool) -> &'static str {
    if is_text { "text" } else { "binary" }
}

pub(super) fn message(is_text: bool, length: usize) -> Frame {
    let payload = Payload::part(is_text, 0, length);
    match is_text {
        true => script::text_of(payload),
        false => script::binary(payload),
    }
}

/// The same in fragments of a size, the last of which may be smaller.
pub(super) fn fragmented(is_text: bool, length: usize, size: usize) -> Vec<Frame> {
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

pub(super) fn message_back(is_text: bool, length: usize) -> Answer {
    let payload = Payload::part(is_text, 0, length);
    match is_text {
        true => Answer::Text(payload),
        false => Answer::Binary(payload),
    }
}

/// "4 MiB", or whatever it is.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0x10_0000.. if bytes % 0x10_0000 == 0 => format!("{} MiB", bytes >> 20),
        0x400..0x10_0000 if bytes % 0x400 == 0 => format!("{} KiB", bytes >> 10),
        1 => "1 byte".into(),
        _ => format!("{bytes} bytes"),
    }
}
