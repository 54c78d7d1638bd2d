//! `--random`: streams that nobody thought of, legal, nearly legal and cut anywhere, against a server.
//!
//! [`streams`](super::super::streams) makes them and says what is due. Each becomes a case like those of the table, and is
//! played and judged like them.

use super::super::case::{Case, End, Group, Level};
use super::super::cases::level_of_code;
use super::super::examinee::Examinee;
use super::super::judge::{Outcome, Verdict, judge};
use super::super::play::play;
use super::super::record::{Record, Stopped};
use super::super::script::{Answer, Step};
use super::super::streams::choices::{Choices, Random};
use super::super::streams::generate::{self, Sizes};
use super::super::streams::reference;
use super::super::streams::seen::{Each, Seen};
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::ops::Range;

/// Bytes of which a stream is made.
const DECISIONS: usize = 256;

/// A stream, in the pieces in which it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pieces(pub(super) Vec<Vec<u8>>);

impl Pieces {
    /// The stream of this number that a seed makes.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut random = Random(Random(seed).next_u64().wrapping_add(number));
        let decisions = random.bytes(DECISIONS);
        let mut choices = Choices(&decisions);
        let cuts = choices.below(6);
        let sizes: Vec<usize> = (0..cuts).map(|_| 1 + choices.below(20)).collect();
        let wire = generate::sequence(Role::Client, Sizes::Tiny, &mut choices).wire;
        Self::cut(&wire, &sizes)
    }

    /// Cuts a stream into pieces of these sizes, and the rest.
    fn cut(wire: &[u8], sizes: &[usize]) -> Self {
        let mut rest = wire;
        let mut pieces = Vec::new();
        for &size in sizes {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces.push(rest.to_vec());
        pieces.retain(|piece| !piece.is_empty());
        Self(pieces)
    }

    pub(super) fn wire(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// The same with other bytes in this place, and with the cuts that are left.
    pub(super) fn replaced(&self, place: Range<usize>, with: &[u8]) -> Self {
        let mut begin = 0;
        let mut pieces = Vec::new();
        for piece in &self.0 {
            let cut = |at: usize| at.saturating_sub(begin).min(piece.len());
            let mut bytes = piece[..cut(place.start)].to_vec();
            if (begin..begin + piece.len()).contains(&place.start) {
                bytes.extend(with);
            }
            bytes.extend(&piece[cut(place.end)..]);
            begin += piece.len();
            pieces.push(bytes);
        }
        pieces.retain(|piece| !piece.is_empty());
        Self(pieces)
    }

    /// What is sent, and what is due for it.
    pub(super) fn case(&self) -> Case {
        let wire = self.wire();
        let seen = reference::frames(Role::Client, limits(), &wire);
        let answers: Vec<Answer> = seen.iter().filter_map(answer).collect();
        let end = end(&seen, &wire);
        let pieces = self.0.iter().cloned().map(Step::Raw);
        // Whoever fails or closes may have no time left for what came before.
        let script: Vec<Step> = match end {
            End::Answered => pieces.chain([Step::Expect(answers)]).collect(),
            _ => [Step::Perhaps(answers)].into_iter().chain(pieces).collect(),
        };
        let case = Case::new(
            Group::Stream,
            "random",
            "a stream is read as the RFC says",
            "5.2",
        );
        let broken = seen.last().and_then(|last| match last {
            Seen::Failed(rule) => *rule,
            _ => None,
        });
        Case {
            level: broken.map_or(Level::Must, |rule| level(rule, &wire)),
            rules: broken.into_iter().collect(),
            ..case.plays(script).ends(end)
        }
    }
}

/// Far more than these streams have, but for the lengths that they announce.
const fn limits() -> Limits {
    Limits::new()
        .max_bytes(u64::MAX >> 1)
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX)
}

fn answer(seen: &Seen) -> Option<Answer> {
    match seen {
        Seen::Text(text) => Some(Answer::Text(text.as_bytes().into())),
        Seen::Binary(bytes) => Some(Answer::Binary(bytes.as_slice().into())),
        Seen::Ping(payload) => Some(Answer::Pong(payload.clone())),
        Seen::Pong(_) | Seen::Close(..) | Seen::Failed(_) => None,
    }
}

/// How the connection has to end.
fn end(seen: &[Seen], wire: &[u8]) -> End {
    let (_, rest) = reference::whole_frames(wire);
    match seen.last() {
        Some(Seen::Close(code, _)) => End::Closed(vec![code.unwrap_or(1005), 1000]),
        // Who judges whole frames or whole messages waits for the rest, which never comes.
        Some(Seen::Failed(_)) if !must_have_failed(wire) => End::Left,
        Some(Seen::Failed(rule)) => End::Failed(vec![rule.map_or(1002, reference::close_code)]),
        _ if rest.is_empty() => End::Answered,
        _ => End::Left,
    }
}

/// How strongly a stream that ends with this broken rule is to be refused, as in the table of cases: some rules bind who
/// sends, and no section tells who receives to look.
fn level(broken: Rule, wire: &[u8]) -> Level {
    let (whole, rest) = reference::whole_frames(wire);
    let close = whole.iter().find(|frame| frame.byte0 % 16 == 8);
    match broken {
        Rule::LengthNotMinimal => Level::Advice,
        // Its length is right, and told in more bits than it needs.
        Rule::ControlTooLong if matches!(reference::sizes(rest), Some((_, ..=125))) => {
            Level::Advice
        }
        Rule::CloseCodeInvalid => close
            .and_then(|close| close.payload.first_chunk())
            .map_or(Level::Must, |code| level_of_code(u16::from_be_bytes(*code))),
        // Whoever judges a text only when it is read may answer a Close behind it before.
        Rule::TextNotUtf8 if close.is_some() => Level::Should,
        _ => Level::Must,
    }
}

/// Whether a server that judges as late as one may has found what is wrong.
fn must_have_failed(wire: &[u8]) -> bool {
    let seen = reference::frames_by(Each::Message, Role::Client, limits(), wire);
    matches!(seen.last(), Some(Seen::Failed(_)))
}

/// A stream that a server does not take as it should.
#[derive(Debug)]
pub(super) struct Found {
    /// Its number, by which its seed makes it.
    pub(super) number: u64,
    pub(super) pieces: Pieces,
    pub(super) verdict: Verdict,
    pub(super) record: Record,
}

impl Found {
    /// There was no connection to send it on.
    pub(super) fn is_unopened(&self) -> bool {
        let stopped = self.record.stopped.as_ref();
        stopped.and_then(Stopped::without_connection).is_some()
    }

    /// Plays it once more, and tells if it fails again.
    pub(super) fn again(&self, examinee: &mut dyn Examinee) -> Option<Self> {
        let (verdict, record) = failure(&self.pieces, examinee)?;
        Some(Self {
            number: self.number,
            pieces: self.pieces.clone(),
            verdict,
            record,
        })
    }
}

/// Plays one stream; what is weak does not count.
pub(super) fn failure(pieces: &Pieces, examinee: &mut dyn Examinee) -> Option<(Verdict, Record)> {
    let case = pieces.case();
    let record = play(&case, examinee);
    let verdict = judge(&case, &record);
    matches!(verdict.outcome, Outcome::Failed | Outcome::Timeout).then_some((verdict, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(wire: &[u8]) -> End {
        Pieces(vec![wire.to_vec()]).case().end
    }

    #[test]
    fn what_is_not_whole_may_be_judged_late() {
        for (wire, end) in [
            (&b"\x81\x80\0\0\0\0"[..], End::Answered),
            (b"\x01\x80\0\0\0\0", End::Answered),
            (b"\x81\x82\0\0\0\0a", End::Left),
            (b"\x81\x81\0\0\0\0\xFF", End::Failed(vec![1007])),
            (b"\x81\x82\0\0\0\0\xFF", End::Left),
            (b"\x01\x81\0\0\0\0\xFF", End::Left),
            (
                b"\x01\x81\0\0\0\0\xFF\x80\x80\0\0\0\0",
                End::Failed(vec![1007]),
            ),
            (b"\xC1\x80\0\0\0\0", End::Failed(vec![1002])),
            (b"\x0A", End::Left),
            (b"\x0A\x82\0\0\0\0a", End::Left),
            (b"\x0A\x81\0\0\0\0a", End::Failed(vec![1002])),
            (b"\x88\x82\0\0\0\0\x03\xE9", End::Closed(vec![1001, 1000])),
            (b"\x88\x80\0\0\0\0", End::Closed(vec![1005, 1000])),
            (b"\x80\x82\0\0\0\0a", End::Left),
        ] {
            assert_eq!(end_of(wire), end, "{wire:02x?}");
        }
    }

    #[test]
    fn what_binds_only_the_sender_is_no_must_for_the_receiver() {
        for (wire, level) in [
            (&b"\x81\x80\0\0\0\0"[..], Level::Must),
            (b"\xC1\x80\0\0\0\0", Level::Must),
            (b"\x81\xFE\0\x01\0\0\0\0a", Level::Advice),
            (b"\x89\xFE\0\x01\0\0\0\0a", Level::Advice),
            (b"\x89\xFF\0\0\0\0\0\0\0\x01\0\0\0\0a", Level::Advice),
            (b"\x89\xFE\0\x7E\0\0\0\0", Level::Must),
            (b"\x88\x82\0\0\0\0\x03\xE7", Level::Should),
            (b"\x88\x82\0\0\0\0\x03\xED", Level::Should),
            (b"\x88\x82\0\0\0\0\x0B\xB7", Level::Advice),
            (b"\x88\x81\0\0\0\0\x03", Level::Must),
            (b"\x81\x81\0\0\0\0\xFF", Level::Must),
            (b"\x81\x81\0\0\0\0\xFF\x88\x80\0\0\0\0", Level::Should),
        ] {
            let case = Pieces(vec![wire.to_vec()]).case();
            assert_eq!(case.level, level, "{wire:02x?}");
        }
    }

    #[test]
    fn bytes_are_replaced_in_whatever_pieces_they_are() {
        let pieces = Pieces([&b"abc"[..], b"def", b"g"].map(<[u8]>::to_vec).to_vec());
        for (place, with, left) in [
            (0..0, "", &["abc", "def", "g"][..]),
            (1..2, "", &["ac", "def", "g"]),
            (2..4, "xyz", &["abxyz", "ef", "g"]),
            (0..3, "", &["def", "g"]),
            (3..6, "x", &["abc", "x", "g"]),
            (1..9, "", &["a"]),
        ] {
            let left: Vec<_> = left.iter().map(|piece| piece.as_bytes().to_vec()).collect();
            assert_eq!(pieces.replaced(place, with.as_bytes()), Pieces(left));
        }
    }

    #[test]
    fn a_seed_makes_the_same_streams_and_another_makes_others() {
        let make = |seed| {
            (0..50)
                .map(|number| Pieces::new(seed, number))
                .collect::<Vec<_>>()
        };
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }
}
