//! A connection taken apart: what both ends sent, or one of them.

use super::decoded::{Decoded, Judged, Known, Limits, Taken};
use super::extensions::{Agreed, Extensions};
use crate::app::input::{Connection, Cut};
use plainws::Role;
use std::time::Duration;

/// The directions of a connection. Each is judged by itself, but for a response: that answers the request.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// What tells the connection from others.
    pub(crate) name: Option<String>,
    /// What its pieces are called.
    pub(crate) piece: &'static str,
    /// One direction, or the client's and then the server's.
    pub(crate) directions: Vec<Decoded>,
    /// Of each direction the frame that was taken from it and is yet to be taken from here.
    next: Vec<Option<Next>>,
}

/// A frame of one of the directions.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    /// Which of them.
    pub(crate) direction: usize,
    /// The cut in front of the piece that completed it, if there is one.
    pub(crate) cut: Option<Cut>,
    pub(crate) taken: Taken,
}

/// What the handshake in these directions agreed to, if there is one.
fn agreed(directions: &[Decoded]) -> Option<Agreed> {
    const NAME: &str = "Sec-WebSocket-Extensions";
    let head = |sender| {
        directions
            .iter()
            .find_map(|decoded: &Decoded| decoded.head(sender))
    };
    let request = head(Role::Client);
    let offered = request
        .as_ref()
        .map(|head| head.values(NAME).collect::<Vec<_>>());
    if let Some(response) = head(Role::Server) {
        let values: Vec<_> = response.values(NAME).collect();
        return Some(Agreed::To(Extensions::chosen(&values, offered.as_deref())));
    }
    let offers_none = offered.is_some_and(|offered| offered.is_empty());
    offers_none.then(|| Agreed::To(Extensions::default()))
}

impl Conversation {
    /// Takes a connection apart. A response is judged by the request in the other direction, and frames by both; or
    /// else by what is known of them from elsewhere.
    pub(crate) fn new(connection: Connection, known: &Known, limits: Limits) -> Self {
        let mut directions: Vec<Decoded> = Vec::new();
        for stream in connection.streams {
            let asked = directions.first().and_then(Decoded::asked);
            let known = Known {
                asked: asked.unwrap_or_else(|| known.asked.clone()),
                ..known.clone()
            };
            directions.push(Decoded::new(stream, &known, limits));
        }
        let agreed = agreed(&directions).unwrap_or_else(|| known.agreed.clone());
        let is_told = directions
            .iter()
            .any(|decoded| decoded.head(Role::Server).is_some());
        for decoded in &mut directions {
            decoded.agree(agreed.clone());
            decoded.is_response_elsewhere = is_told && decoded.sender == Role::Client;
        }
        Self {
            name: connection.name,
            next: vec![None; directions.len()],
            piece: connection.piece,
            directions,
        }
    }

    /// Takes the next frame of either direction, in the order in which they were complete as far as that is
    /// known: else those of the first direction come before those of the second.
    pub(crate) fn next_frame(&mut self) -> Option<Next> {
        for (i, (next, decoded)) in self.next.iter_mut().zip(&mut self.directions).enumerate() {
            if next.is_none() {
                *next = decoded.next_frame().map(|taken| Next {
                    direction: i,
                    cut: decoded.cut_of(&taken.frame),
                    taken,
                });
            }
        }
        let next = self.next.iter_mut().filter(|next| next.is_some());
        let number = |next: &Next| (next.cut.and_then(|cut| cut.number), next.direction);
        next.min_by_key(|next| next.as_ref().map(number))?.take()
    }

    /// What each direction comes to, once all frames have been taken.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = Judged> {
        self.directions.iter().map(Decoded::judged)
    }

    /// Whether both ends are known.
    pub(crate) fn has_two_directions(&self) -> bool {
        self.directions.len() > 1
    }

    /// When its first piece came, if its pieces have times.
    pub(crate) fn begins(&self) -> Option<Duration> {
        let cuts = self
            .directions
            .iter()
            .flat_map(|decoded| &decoded.stream.cuts);
        cuts.filter_map(|cut| cut.time).min()
    }

    /// Where the longer direction ends.
    pub(crate) fn end(&self) -> u64 {
        let ends = self.directions.iter();
        let ends = ends.map(|decoded| decoded.stream.bytes.len() as u64);
        ends.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::input::Stream;
    use crate::app::judge::decoded::Broken;
    use plainws::Rule;

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";

    fn response(accept: &str) -> Vec<u8> {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .into()
    }

    /// Pieces with their numbers.
    fn stream(sender: Role, pieces: &[(u64, &[u8])]) -> Stream {
        let mut stream = Stream::new(Some(sender), Vec::new());
        for &(number, bytes) in pieces {
            stream.cuts.push(Cut {
                offset: stream.bytes.len(),
                number: Some(number),
                time: Some(Duration::from_millis(number)),
            });
            stream.bytes.extend(bytes);
        }
        stream
    }

    fn conversation(client: Stream, server: Stream) -> Conversation {
        let connection = Connection {
            name: Some("a - b".into()),
            piece: "packet",
            streams: vec![client, server],
        };
        Conversation::new(connection, &Known::default(), Limits::default())
    }

    /// Of each frame the direction, and its payload.
    fn frames(conversation: &mut Conversation) -> Vec<(usize, Vec<u8>)> {
        let all = std::iter::from_fn(|| conversation.next_frame());
        all.map(|next| (next.direction, next.taken.frame.payload.clone()))
            .collect()
    }

    const A: &[u8] = b"\x81\x81\0\0\0\0a";
    const B: &[u8] = b"\x81\x81\0\0\0\0b";

    #[test]
    fn frames_of_both_directions_come_in_the_order_in_which_they_were_complete() {
        let client = stream(Role::Client, &[(1, A), (4, &B[..3]), (6, &B[3..])]);
        let server = stream(
            Role::Server,
            &[(2, b"\x81\x01x\x81\x01y"), (5, b"\x81\x01z")],
        );
        let mut both = conversation(client, server);
        let expected = [(0, b"a"), (1, b"x"), (1, b"y"), (1, b"z"), (0, b"b")];
        let expected = expected.map(|(direction, payload)| (direction, payload.to_vec()));
        assert_eq!(frames(&mut both), expected);
        assert_eq!(both.begins(), Some(Duration::from_millis(1)));
        assert!(both.verdicts().all(|verdict| verdict == Judged::Legal));
    }

    #[test]
    fn without_an_order_one_direction_comes_after_the_other() {
        let client = Stream::new(Some(Role::Client), [A, B].concat());
        let server = Stream::new(Some(Role::Server), b"\x81\x01x".to_vec());
        let order = frames(&mut conversation(client, server));
        let order: Vec<_> = order.iter().map(|(direction, _)| *direction).collect();
        assert_eq!(order, [0, 0, 1]);
    }

    #[test]
    fn a_response_is_judged_by_the_request_before_it() {
        let verdict = |accept| {
            let client = Stream::new(Some(Role::Client), REQUEST.to_vec());
            let server = Stream::new(Some(Role::Server), response(accept));
            conversation(client, server).verdicts().last()
        };
        assert_eq!(verdict("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), Some(Judged::Legal));
        let wrong = verdict("t3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let rule = Broken::Rule(Rule::AcceptWrong);
        assert!(matches!(wrong, Some(Judged::Violation { broken, .. }) if broken == rule));
    }
}
