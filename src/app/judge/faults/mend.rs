//! A head made right as far as its lines are concerned, to see what else is wrong with it.

use super::grammar;
use plainws::Role;
use plainws::protocol::dissect::handshake::Explanation;
use plainws::protocol::head::is_token;
use plainws::protocol::rule::Rule;
use std::ops::Range;

/// A stream after some repairs, and where each of its bytes was before.
pub(super) struct Mended {
    pub(super) bytes: Vec<u8>,
    origins: Vec<usize>,
}

/// Bytes in place of others.
type Edit = (Range<usize>, Vec<u8>);

impl Mended {
    pub(super) fn new(stream: &[u8]) -> Self {
        Self {
            bytes: stream.to_vec(),
            origins: (0..stream.len()).collect(),
        }
    }

    /// Where these bytes were in the stream.
    pub(super) fn origin(&self, bytes: &Range<usize>) -> Range<usize> {
        let end = self.origins.last().map_or(0, |last| last + 1);
        let origin = |at: usize| self.origins.get(at).copied().unwrap_or(end);
        let start = origin(bytes.start);
        if bytes.is_empty() {
            return start..start;
        }
        start..origin(bytes.end - 1) + 1
    }

    /// Repairs every line that breaks this rule in the way that stops the reading of a head. Whether there
    /// was any: other rules stop nothing, and after a head that is too large, of another version of HTTP
    /// or no text from the beginning there is nothing to look for.
    pub(super) fn mend(&mut self, head: &Explanation, rule: Rule) -> bool {
        let mut edits = match rule {
            Rule::HeadLineEnding => self.line_ends(),
            Rule::HeadControlByte if head.lines.len() > 1 => self.control_bytes(),
            Rule::HeaderFolded => self.folds(),
            Rule::HeaderMalformed => self.headers(),
            Rule::RequestLineMalformed | Rule::StatusLineMalformed => self.start(head.sender),
            _ => Vec::new(),
        };
        edits.retain(|(range, with)| self.bytes[range.clone()] != **with);
        let is_changed = !edits.is_empty();
        self.apply(edits);
        is_changed
    }

    fn apply(&mut self, edits: Vec<Edit>) {
        let (mut bytes, mut origins) = (Vec::new(), Vec::new());
        let mut at = 0;
        for (range, with) in edits {
            bytes.extend(&self.bytes[at..range.start]);
            origins.extend(&self.origins[at..range.start]);
            origins.extend(with.iter().map(|_| self.origin(&range).start));
            bytes.extend(with);
            at = range.end;
        }
        bytes.extend(&self.bytes[at..]);
        origins.extend(&self.origins[at..]);
        (self.bytes, self.origins) = (bytes, origins);
    }

    /// The lines of the head with their ends, from the start line to the empty one.
    fn lines(&self) -> Vec<Range<usize>> {
        let mut lines = Vec::new();
        let mut at = 0;
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            let range = at..at + line.len();
            at = range.end;
            let is_empty = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            match (is_empty, lines.is_empty()) {
                (true, true) => {}
                (true, false) => break,
                (false, _) => lines.push(range),
            }
        }
        lines
    }

    /// Each byte of the head that is such.
    fn each(&self, is_such: impl Fn(usize) -> bool) -> impl Iterator<Item = usize> {
        let lines = self.lines();
        let head =
            lines.first().map_or(0, |line| line.start)..lines.last().map_or(0, |line| line.end);
        // The empty line that follows.
        let end = self.bytes.len().min(head.end + 2);
        (head.start..end).filter(move |&at| is_such(at))
    }

    /// RFC 9112 §2.2: a lone LF may be taken for the end of a line, and a lone CR for a space.
    fn line_ends(&self) -> Vec<Edit> {
        let is_lone = |at: usize| match self.bytes[at] {
            b'\n' => at == 0 || self.bytes[at - 1] != b'\r',
            b'\r' => self.bytes.get(at + 1).is_some_and(|next| *next != b'\n'),
            _ => false,
        };
        let edit = |at: usize| match self.bytes[at] {
            b'\n' => (at..at, b"\r".to_vec()),
            _ => (at..at + 1, b" ".to_vec()),
        };
        self.each(is_lone).map(edit).collect()
    }

    fn control_bytes(&self) -> Vec<Edit> {
        let is_one = |at: usize| {
            let byte = self.bytes[at];
            byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
        };
        let edit = |at| (at..at + 1, b"x".to_vec());
        self.each(is_one).map(edit).collect()
    }

    /// RFC 9112 §5.2: a fold is a space. One after the start line folds nothing.
    fn folds(&self) -> Vec<Edit> {
        let lines = self.lines();
        let edits = lines.windows(2).enumerate().map(|(i, pair)| match i {
            0 => (pair[1].clone(), Vec::new()),
            _ => (pair[1].start - 2..pair[1].start, b"  ".to_vec()),
        });
        let pairs = lines.windows(2);
        let folds = edits.zip(pairs).filter(|(_, pair)| self.is_fold(&pair[1]));
        folds.map(|(edit, _)| edit).collect()
    }

    fn is_fold(&self, line: &Range<usize>) -> bool {
        matches!(self.bytes[line.start], b' ' | b'\t')
    }

    /// Without the blanks before a colon, or without the line.
    fn headers(&self) -> Vec<Edit> {
        let edit = |line: &Range<usize>| {
            let text = &self.bytes[line.clone()];
            let colon = text.iter().position(|byte| *byte == b':');
            let Some(name) = colon.map(|colon| &text[..colon]) else {
                return Some((line.clone(), Vec::new()));
            };
            let trimmed = name.trim_ascii_end();
            match (is_token(trimmed), trimmed.len() == name.len()) {
                (true, true) => None,
                (true, false) => {
                    let blanks = line.start + trimmed.len()..line.start + name.len();
                    Some((blanks, Vec::new()))
                }
                (false, _) => Some((line.clone(), Vec::new())),
            }
        };
        let lines = self.lines();
        let lines = lines.iter().skip(1).filter(|line| !self.is_fold(line));
        lines.filter_map(edit).collect()
    }

    /// The first word of the start line stays if it is right, and so does one that is a version or a status code.
    fn start(&self, sender: Role) -> Vec<Edit> {
        let Some(line) = self.lines().first().cloned() else {
            return Vec::new();
        };
        let text = self.bytes[line.clone()].trim_ascii_end();
        let mut at = line.start;
        let words = text.split(|byte| *byte == b' ').map(|word| {
            let place = at..at + word.len();
            at = place.end + 1;
            (place, word)
        });
        let mut words: Vec<_> = words.collect();
        let (first, word) = words.remove(0);
        let is_version = |word: &[u8]| grammar::version(word).is_none();
        let is_status = |word: &[u8]| grammar::status(word).is_none();
        let (instead, other, between, missing, after) = match sender {
            Role::Client => {
                let instead = (!is_token(word)).then_some("GET");
                let version = words.into_iter().rfind(|(_, word)| is_version(word));
                (instead, version, " / ", " / HTTP/1.1\r\n", "\r\n")
            }
            Role::Server => {
                let instead = (!is_version(word)).then_some("HTTP/1.1");
                let status = words.into_iter().find(|(_, word)| is_status(word));
                (instead, status, " ", " 101 \r\n", " \r\n")
            }
        };
        let mut edits: Vec<_> = instead
            .map(|instead| (first.clone(), instead))
            .into_iter()
            .collect();
        match other {
            Some((other, _)) => {
                edits.push((first.end..other.start, between));
                edits.push((other.end..line.end, after));
            }
            None => edits.push((first.end..line.end, missing)),
        }
        let edits = edits.into_iter().map(|(range, with)| (range, with.into()));
        edits.collect()
    }
}
