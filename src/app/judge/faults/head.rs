//! A head in its parts as they stand, right or wrong, and how one speaks of them.

use super::grammar::{self, Wrong};
use super::mend::Mended;
use crate::app::text::{clipped, quoted, spaced};
use plainws::Role;
use plainws::protocol::dissect::handshake::Explanation;
use plainws::protocol::head::is_token;
use std::ops::Range;
use std::str;

pub(super) struct Head<'a> {
    pub(super) sender: Role,
    mended: &'a Mended,
    start: Range<usize>,
    pub(super) fields: Vec<Field>,
    /// How far it was read.
    pub(super) end: usize,
    /// What answers the key, if that is known.
    pub(super) accept: Option<&'a str>,
}

/// A header field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: Range<usize>,
    /// Without the blanks around it, and with the lines that continue it; `None` without a colon.
    pub(super) value: Option<Range<usize>>,
}

/// Columns of a part that are shown.
const SHOWN: usize = 40;

/// What is wrong: some bytes, for this reason; or that something is not there.
pub(super) enum Found {
    At(Range<usize>, String),
    Missing(String),
}

impl Found {
    /// A place in a part that begins here.
    pub(super) fn at(start: usize, (bytes, why): Wrong) -> Self {
        Self::At(start + bytes.start..start + bytes.end, why)
    }

    pub(super) fn byte(at: usize, why: &str) -> Self {
        Self::At(at..at + 1, why.into())
    }
}

impl<'a> Head<'a> {
    pub(super) fn new(head: &'a Explanation, mended: &'a Mended) -> Self {
        let bytes = &*mended.bytes;
        let lines = head.lines.iter().map(|line| line.bytes.clone());
        let mut lines = lines.filter(|line| !line.is_empty());
        let start = lines.next().unwrap_or_default();
        let mut fields: Vec<Field> = Vec::new();
        for line in lines {
            let is_fold = matches!(bytes[line.start], b' ' | b'\t');
            match fields.last_mut().and_then(|field| field.value.as_mut()) {
                Some(value) if is_fold => value.end = line.end,
                _ => fields.push(Field::read(bytes, line)),
            }
        }
        Self {
            sender: head.sender,
            mended,
            start,
            fields,
            end: head.length,
            accept: head.derivation.as_ref().map(|steps| &*steps.accept),
        }
    }

    pub(super) fn text(&self, bytes: &Range<usize>) -> &'a [u8] {
        &self.mended.bytes[bytes.clone()]
    }

    /// Where these bytes are in the stream, which was mended.
    pub(super) fn origin(&self, bytes: &Range<usize>) -> Range<usize> {
        self.mended.origin(bytes)
    }

    /// The words of the start line; the last of a response is all of its reason.
    pub(super) fn words(&self) -> Vec<Range<usize>> {
        let most = match self.sender {
            Role::Client => usize::MAX,
            Role::Server => 3,
        };
        let words = self.text(&self.start).splitn(most, |byte| *byte == b' ');
        let mut at = self.start.start;
        let words = words.map(|word| {
            let range = at..at + word.len();
            at = range.end + 1;
            range
        });
        words.collect()
    }

    /// Where the values of a header stand.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = Range<usize>> {
        let fields = self.fields.iter().filter(move |field| self.is(field, name));
        fields.filter_map(|field| field.value.clone())
    }

    fn is(&self, field: &Field, name: &str) -> bool {
        let is_named = self.text(&field.name).eq_ignore_ascii_case(name.as_bytes());
        is_named && field.value.is_some()
    }

    // What may be wrong.

    /// The last byte that was read.
    pub(super) fn at_end(&self, why: &str) -> Found {
        Found::byte(self.end.saturating_sub(1), why)
    }

    /// A word of the start line.
    pub(super) fn word(&self, number: usize, why: &str) -> Option<Found> {
        let word = self.words().into_iter().nth(number)?;
        Some(Found::At(word, why.into()))
    }

    /// The first place that is wrong in the values of a header.
    pub(super) fn in_values(
        &self,
        name: &str,
        mut wrong: impl FnMut(&'a [u8]) -> Option<Wrong>,
    ) -> Option<Found> {
        let mut values = self.values(name);
        values.find_map(|value| Some(Found::at(value.start, wrong(self.text(&value))?)))
    }

    /// The value of a header as a whole, the last of several; or that there is none.
    pub(super) fn one(&self, name: &str, why: &str) -> Found {
        match self.values(name).last() {
            Some(value) => Found::At(value, why.into()),
            None => Found::Missing(format!("there is no {name} header")),
        }
    }

    /// The second header of a name.
    pub(super) fn second(&self, name: &str) -> Option<Found> {
        let mut fields = self.fields.iter().filter(|field| self.is(field, name));
        let (first, second) = (fields.next()?, fields.next()?);
        let first = self.origin(&first.name).start;
        let why = format!("it stands once, and there is one at offset {first} already");
        Some(Found::At(second.name.clone(), why))
    }

    // What is said of it.

    /// `"#" (23) at offset 6 in the target: …`, or `the method "POST" (offset 0): …`.
    pub(super) fn sentence(&self, bytes: &Range<usize>, why: &str) -> String {
        let offset = self.origin(bytes).start;
        let text = self.text(bytes);
        let is_character = grammar::character(text, 0).len() == text.len();
        let is_picture =
            is_character && !text.is_empty() && !text.iter().all(u8::is_ascii_alphanumeric);
        let (part, place) = self.part(bytes);
        let name = place.strip_prefix("in ").unwrap_or(&place);
        let is_whole = part == *bytes && !is_picture;
        match (is_whole, bytes.is_empty()) {
            (true, true) => format!("{name} is empty (offset {offset}): {why}"),
            (true, false) => format!("{name} {} (offset {offset}): {why}", shown(text)),
            (false, true) if part.end == bytes.end => {
                format!("{name} ends at offset {offset}: {why}")
            }
            (false, true) => format!("nothing stands at offset {offset} {place}: {why}"),
            (false, false) => format!("{} at offset {offset} {place}: {why}", character(text)),
        }
    }

    /// The part that these bytes belong to, and how one says that.
    fn part(&self, bytes: &Range<usize>) -> (Range<usize>, String) {
        let holds = |part: &Range<usize>| part.start <= bytes.start && bytes.end <= part.end;
        let mut parts = self.parts();
        match parts.iter().position(|(part, _)| holds(part)) {
            Some(place) => {
                let (part, name) = parts.swap_remove(place);
                (part, format!("in {name}"))
            }
            None => {
                let before = parts.into_iter().rfind(|(part, _)| part.end <= bytes.start);
                let name = before.map_or("in the head".into(), |(_, name)| format!("after {name}"));
                (0..self.end, name)
            }
        }
    }

    /// All parts in their order, with their names.
    fn parts(&self) -> Vec<(Range<usize>, String)> {
        let names = match self.sender {
            Role::Client => ["the method", "the target", "the version"],
            Role::Server => ["the version", "the status code", "the reason"],
        };
        let words = self.words().into_iter().zip(names.map(str::to_owned));
        let headers = self.fields.iter().flat_map(|field| {
            let Some(value) = field.value.clone() else {
                return vec![(field.name.clone(), "the line".to_owned())];
            };
            let name = self.text(&field.name);
            let of = match str::from_utf8(name) {
                Ok(name) if is_token(name.as_bytes()) => clipped(name, SHOWN),
                _ => "a header".into(),
            };
            let name = (field.name.clone(), "the header name".into());
            vec![name, (value, format!("the value of {of}"))]
        });
        // An empty word or name is not there, an empty value is.
        let parts = words.chain(headers);
        let parts = parts.filter(|(part, name)| !part.is_empty() || name.starts_with("the value"));
        parts.collect()
    }
}

fn shown(text: &[u8]) -> String {
    clipped(&quoted(text), SHOWN)
}

/// A character and its bytes. What has no picture is called by its name.
fn character(text: &[u8]) -> String {
    let name = match text {
        b" " => "a space".into(),
        b"\t" => "a tab".into(),
        b"\r" => "a CR".into(),
        b"\n" => "an LF".into(),
        [0..=0x1F | 0x7F] => "a control byte".into(),
        [0x80..=0xFF] => "a byte outside UTF-8".into(),
        b"\"" => "'\"'".into(),
        _ => shown(text),
    };
    match text.len() {
        ..=4 => format!("{name} ({})", spaced(text)),
        _ => name,
    }
}

impl Field {
    fn read(bytes: &[u8], line: Range<usize>) -> Self {
        let text = &bytes[line.clone()];
        let Some(colon) = text.iter().position(|byte| *byte == b':') else {
            return Self {
                name: line,
                value: None,
            };
        };
        let value = &text[colon + 1..];
        let start = line.end - value.trim_ascii_start().len();
        Self {
            name: line.start..line.start + colon,
            value: Some(start..start + value.trim_ascii().len()),
        }
    }
}
