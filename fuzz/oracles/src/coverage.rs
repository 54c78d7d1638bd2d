//! What an input reaches in the product, as lines such as `client breaks rsv-not-zero`.

use crate::handshake;
use crate::product::Plainws;
use crate::reference;
use crate::script;
use crate::stream::{self, Stream, TINY};
use crate::subject::{Seen, Subject, Verdict};
use plainws::protocol::connection::State;
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::collections::BTreeSet;

/// All that there is to reach.
#[must_use]
pub fn everything() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for sender in [Role::Client, Role::Server] {
        let rules = Rule::ALL
            .iter()
            .filter(|rule| rule.example(sender).is_some());
        all.extend(rules.map(|rule| breaks(sender, *rule)));
        let events = [
            "text",
            "binary",
            "ping",
            "pong",
            "close with a code",
            "close without",
        ];
        all.extend(events.map(|event| format!("{sender:?} sends {event}")));
        all.extend([7, 16, 64].map(|bits| length(sender, bits)));
        all.insert(format!("{sender:?} opens"));
        use State::{Closed, Closing, Open};
        let transitions = [
            (Open, "close", Closing),
            (Open, "peer's close", Closed),
            (Open, "broken rule", Closed),
            (Open, "eof", Closed),
            (Closing, "peer's close", Closed),
            (Closing, "broken rule", Closed),
            (Closing, "eof", Closed),
        ];
        all.extend(transitions.map(|transition| moves(sender, transition)));
        all.insert(late_pong(sender));
    }
    all
}

/// What `input` of `target` reaches.
#[must_use]
pub fn of(target: &str, input: &[u8]) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    match target {
        "stream" => stream(&Stream::from_input(input), TINY, &mut reached),
        "sequence" => stream(
            &Stream::from_input(&stream::sequence_as_stream(input)),
            TINY,
            &mut reached,
        ),
        "resource" => stream(&Stream::from_input(input), Limits::default(), &mut reached),
        "handshake" => head(&handshake::from_client(input), &mut reached),
        "client" => {
            head(&handshake::from_server(input), &mut reached);
            let after = Stream::from_input(&handshake::after_response(input));
            stream(&after, TINY, &mut reached);
        }
        "endpoint" => {
            if let Some(log) = script::play(&Plainws, input) {
                let transitions = log.transitions.iter();
                reached.extend(transitions.map(|&transition| moves(log.role, transition)));
                let (frames, _) = reference::whole_frames(&log.written);
                let mut frames = frames.iter().skip_while(|frame| frame.byte0 != 0x88);
                if frames.any(|frame| frame.byte0 == 0x8A) {
                    reached.insert(late_pong(log.role));
                }
            }
        }
        _ => {}
    }
    reached
}

fn stream(stream: &Stream, limits: Limits, reached: &mut BTreeSet<String>) {
    let Stream { sender, wire, .. } = stream;
    for seen in stream::run(&Plainws, *sender, limits, wire, &[]).seen {
        let event = match seen {
            Seen::Text(_) => "text",
            Seen::Binary(_) => "binary",
            Seen::Ping(_) => "ping",
            Seen::Pong(_) => "pong",
            Seen::Close(Some(_), _) => "close with a code",
            Seen::Close(None, _) => "close without",
            Seen::Failed(rule) => {
                reached.extend(rule.map(|rule| breaks(*sender, rule)));
                continue;
            }
        };
        reached.insert(format!("{sender:?} sends {event}"));
    }
    let mut rest = &wire[..];
    while let Ok(Some((_, after))) = reference::frame(rest) {
        let bits = match rest[1] & 0x7F {
            126 => 16,
            127 => 64,
            _ => 7,
        };
        reached.insert(length(*sender, bits));
        rest = after;
    }
}

fn head(input: &[u8], reached: &mut BTreeSet<String>) {
    let (sender, wire) = handshake::wire(input);
    let verdict = Plainws
        .handshake(sender, handshake::limits(input), None)
        .and_then(|mut reader| reader.receive(&wire));
    reached.extend(match verdict {
        Some(Verdict::Refused(rule)) => rule.map(|rule| breaks(sender, rule)),
        Some(Verdict::Accepted { .. }) => Some(format!("{sender:?} opens")),
        None => None,
    });
}

fn breaks(sender: Role, rule: Rule) -> String {
    format!("{sender:?} breaks {}", rule.id())
}

fn length(sender: Role, bits: u8) -> String {
    format!("{sender:?} sends a length of {bits} bits")
}

fn late_pong(role: Role) -> String {
    format!("{role:?} answers a ping after its own Close")
}

fn moves(role: Role, (from, why, to): script::Transition) -> String {
    format!("{role:?} goes from {from:?} by {why} to {to:?}")
}
