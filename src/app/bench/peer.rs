//! One connection to the server under load.

use super::checker::{Checker, Met, closed};
use super::fault::{Fault, Kind};
use super::messages::Messages;
use super::outbox::Outbox;
use super::plan::Target;
use super::tally::Tally;
use mio::net::TcpStream;
use plainws::net::random::Random;
use plainws::protocol::frame::{self, Header, Opcode};
use plainws::protocol::handshake::Opening;
use plainws::protocol::head;
use plainws::protocol::response::Response;
use plainws::{Role, Rule};
use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::time::{Duration, Instant};

/// What all connections of a thread use.
pub(crate) struct Shop<'a> {
    pub(crate) target: &'a Target,
    pub(crate) messages: &'a Messages,
    pub(crate) random: Random,
    /// What is read goes here.
    pub(crate) buffer: Vec<u8>,
    pub(crate) tally: Tally,
    /// Whether an echo is answered with the next message.
    pub(crate) is_sending: bool,
    pub(crate) is_measuring: bool,
}

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    stage: Stage,
    began: Instant,
    /// The server sends nothing after what is there to be read.
    is_ended: bool,
    checker: Checker,
    outbox: Outbox,
    /// Pongs in the outbox, at most.
    pongs: usize,
    /// When the messages were sent whose echoes have not come.
    flights: VecDeque<Instant>,
}

enum Stage {
    /// TCP is being connected.
    Connecting,
    /// The request is on its way, or its answer.
    Shaking(Box<(Opening, head::Decoder)>),
    Open,
    /// Our Close is on its way, or its answer.
    Closing,
    Ended,
}

/// What becomes of a connection after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It waits for the next.
    Waiting,
    /// There may be more to read already.
    More,
    Ended,
}

/// Reads in a row, after which other connections have their turn.
const READS: usize = 4;
/// Answers to pings that may wait for the server to read them: as many as can come in one piece.
const PONGS: usize = 64 * 1024;

impl Peer {
    pub(crate) fn new(stream: TcpStream, target: &Target, number: u32, is_idle: bool) -> Self {
        Self {
            stream,
            stage: Stage::Connecting,
            began: Instant::now(),
            is_ended: false,
            checker: Checker::new(target.echo(), number, is_idle),
            outbox: Outbox::default(),
            pongs: 0,
            flights: VecDeque::new(),
        }
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.checker.is_idle()
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    pub(crate) const fn is_opening(&self) -> bool {
        matches!(self.stage, Stage::Connecting | Stage::Shaking(_))
    }

    pub(crate) fn awaits_echoes(&self) -> bool {
        !self.flights.is_empty()
    }

    /// What took longer than `patience`, if anything has.
    pub(crate) fn overdue(&self, now: Instant, patience: Duration) -> Option<Fault> {
        let is_late = |since: Instant| now.saturating_duration_since(since) > patience;
        let seconds = patience.as_secs_f64();
        match &self.stage {
            Stage::Connecting if is_late(self.began) => {
                let detail = format!("no TCP connection within {seconds} s");
                Some(Fault::new(Kind::CannotConnect, detail))
            }
            Stage::Shaking(_) if is_late(self.began) => {
                let detail = format!("no answer to the handshake within {seconds} s");
                Some(Fault::new(Kind::NoAnswer, detail))
            }
            Stage::Open if self.flights.front().is_some_and(|&sent| is_late(sent)) => {
                let detail = format!("no echo within {seconds} s");
                Some(Fault::new(Kind::NoEcho, detail))
            }
            _ => None,
        }
    }

    /// Sends the first messages, unless it is idle.
    pub(crate) fn begin(&mut self, in_flight: usize, shop: &Shop<'_>) -> Result<(), Fault> {
        if self.is_idle() {
            return Ok(());
        }
        let now = Instant::now();
        for _ in 0..in_flight {
            self.send(now, shop.messages);
        }
        self.write(shop.messages)
    }

    fn send(&mut self, now: Instant, messages: &Messages) {
        self.outbox.send(self.checker.next(), messages);
        self.flights.push_back(now);
    }

    /// Begins to close.
    pub(crate) fn close(&mut self, shop: &mut Shop<'_>) -> Result<(), Fault> {
        if !shop.target.is_websocket() {
            // A half that is closed ends an echo of bytes.
            return self
                .stream
                .shutdown(std::net::Shutdown::Write)
                .map_err(|error| lost(&error))
                .map(|()| self.stage = Stage::Closing);
        }
        let body = 1000_u16.to_be_bytes();
        control(Opcode::Close, &body, &mut shop.random, self.outbox.buffer());
        self.stage = Stage::Closing;
        self.write(shop.messages)
    }

    /// Goes on after the system has told of something to be read or written.
    pub(crate) fn go_on(&mut self, is_ended: bool, shop: &mut Shop<'_>) -> Result<After, Fault> {
        self.is_ended |= is_ended;
        if matches!(self.stage, Stage::Connecting) && !self.connected(shop)? {
            return Ok(After::Waiting);
        }
        self.write(shop.messages)?;
        for _ in 0..READS {
            let length = match self.stream.read(&mut shop.buffer) {
                Ok(0) => return self.ended(),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(After::Waiting);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if matches!(self.stage, Stage::Closing) => {
                    drop(error);
                    return Ok(After::Ended);
                }
                Err(error) => return Err(self.failed(&error)),
            };
            self.receive(length, shop)?;
            if matches!(self.stage, Stage::Ended) {
                return Ok(After::Ended);
            }
            // A read that is short took all, and what comes later is told of. Where reading works
            // otherwise, the system has to say that nothing is left.
            if cfg!(unix) && length < shop.buffer.len() && !self.is_ended {
                return Ok(After::Waiting);
            }
        }
        Ok(After::More)
    }

    /// Whether TCP is connected; then what comes first is sent.
    fn connected(&mut self, shop: &mut Shop<'_>) -> Result<bool, Fault> {
        let failed = |error: io::Error| Fault::new(Kind::CannotConnect, error);
        if let Some(error) = self.stream.take_error().map_err(failed)? {
            return Err(failed(error));
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        self.stream.set_nodelay(true).map_err(failed)?;
        if shop.target.is_websocket() {
            let opening = shop.target.opening(shop.random.bytes());
            let opening = opening.map_err(|error| Fault::new(Kind::BadHandshake, error))?;
            let request = opening.request();
            self.outbox.buffer().extend_from_slice(request.as_bytes());
            let decoder = head::Decoder::new(Role::Server, head::Limits::default());
            self.stage = Stage::Shaking(Box::new((opening, decoder)));
        } else {
            self.open(shop);
        }
        Ok(true)
    }

    fn open(&mut self, shop: &mut Shop<'_>) {
        self.stage = Stage::Open;
        shop.tally.connect.record(self.began.elapsed());
    }

    fn receive(&mut self, length: usize, shop: &mut Shop<'_>) -> Result<(), Fault> {
        if let Stage::Shaking(shaking) = &mut self.stage {
            let (opening, decoder) = &mut **shaking;
            let Some(rest) = answer(&shop.buffer[..length], opening, decoder)? else {
                return Ok(());
            };
            // What came directly after the answer, rarely something.
            let rest = rest.to_vec();
            self.open(shop);
            return if rest.is_empty() {
                Ok(())
            } else {
                self.check(&rest, shop)
            };
        }
        let buffer = std::mem::take(&mut shop.buffer);
        let checked = self.check(&buffer[..length], shop);
        shop.buffer = buffer;
        checked
    }

    fn check(&mut self, input: &[u8], shop: &mut Shop<'_>) -> Result<(), Fault> {
        let now = Instant::now();
        let mut met = Met::default();
        let checked = self.checker.receive(input, shop.messages, &mut met);
        for _ in 0..met.echoes {
            self.echoed(now, shop);
        }
        for ping in &met.pings {
            // §5.5.3: not each ping has to be answered. Who reads no answers gets no more of them.
            if self.pongs == PONGS {
                break;
            }
            self.pongs += 1;
            shop.tally.pings += 1;
            control(Opcode::Pong, ping, &mut shop.random, self.outbox.buffer());
        }
        shop.tally.unread += met.unread;
        if let Some(body) = met.close {
            return self.closed(&body, shop);
        }
        checked?;
        self.write(shop.messages)
    }

    /// An echo has come: as they come in order, that of the message that was sent first.
    fn echoed(&mut self, now: Instant, shop: &mut Shop<'_>) {
        let sent = self.flights.pop_front();
        if shop.is_measuring {
            shop.tally.messages += 1;
            let time = sent.map_or(Duration::ZERO, |sent| now - sent);
            shop.tally.latency.record(time);
        }
        if shop.is_sending {
            self.send(now, shop.messages);
        }
    }

    /// §5.5.1: a Close that we did not start is answered with its own code.
    fn closed(&mut self, body: &[u8], shop: &mut Shop<'_>) -> Result<(), Fault> {
        if matches!(self.stage, Stage::Closing) {
            self.stage = Stage::Ended;
            return Ok(());
        }
        let code = body.get(..2).unwrap_or_default();
        control(Opcode::Close, code, &mut shop.random, self.outbox.buffer());
        // It is lost whether the server takes this or not.
        let _ = self.write(shop.messages);
        Err(closed(body))
    }

    fn ended(&self) -> Result<After, Fault> {
        match self.stage {
            Stage::Closing | Stage::Ended => Ok(After::Ended),
            Stage::Connecting | Stage::Shaking(_) => {
                let detail = "the server ended the connection before it answered the handshake";
                Err(Fault::new(Kind::NoAnswer, detail))
            }
            Stage::Open => Err(Fault::new(
                Kind::Lost,
                "the server ended the connection without a Close",
            )),
        }
    }

    fn write(&mut self, messages: &Messages) -> Result<(), Fault> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        match self.outbox.write(&mut self.stream, messages) {
            Ok(()) => {
                if self.outbox.is_empty() {
                    self.pongs = 0;
                }
                Ok(())
            }
            // What was sent before the end is still to be read: a Close may say why.
            Err(error) if is_end(&error) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &io::Error) -> Fault {
        match self.stage {
            Stage::Connecting => Fault::new(Kind::CannotConnect, error),
            Stage::Shaking(_) => Fault::new(Kind::NoAnswer, error),
            _ => lost(error),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionReset)
}

fn lost(error: &io::Error) -> Fault {
    Fault::new(Kind::Lost, error)
}

/// Judges a handshake's answer once it is whole; returns what came after it.
fn answer<'a>(
    mut input: &'a [u8],
    opening: &Opening,
    decoder: &mut head::Decoder,
) -> Result<Option<&'a [u8]>, Fault> {
    let broken = |rule: Rule| {
        Fault::new(
            Kind::BadHandshake,
            format!("{}: {}", rule.id(), rule.clause()),
        )
    };
    loop {
        let Some((head, rest)) = decoder.receive(input).map_err(broken)? else {
            return Ok(None);
        };
        input = rest;
        let response = Response::new(head).map_err(broken)?;
        if response.is_interim() {
            continue;
        }
        return match opening.check(&response) {
            Ok(_) => Ok(Some(rest)),
            Err(Rule::StatusNot101) => {
                let detail = format!("the server refused with status {}", response.status());
                Err(Fault::new(Kind::Refused, detail))
            }
            Err(rule) => Err(broken(rule)),
        };
    }
}

/// Appends a control frame.
fn control(opcode: Opcode, payload: &[u8], random: &mut Random, output: &mut Vec<u8>) {
    let key = random.bytes();
    Header {
        fin: true,
        rsv: 0,
        opcode,
        masking_key: Some(key),
        payload_length: payload.len() as u64,
    }
    .encode(output);
    let start = output.len();
    output.extend_from_slice(payload);
    frame::mask(&mut output[start..], key, 0);
}

#[cfg(test)]
mod tests {
    use super::super::messages::Content;
    use super::*;

    /// What an echo finds, how many messages have counted after it, and how many are on their way.
    type Row = (
        /* is_sending */ bool,
        /* is_measuring */ bool,
        u64,
        usize,
    );

    /// Messages sent at 0 and 1 s; the first echo comes after 5 s, the next 2 s later, and so on.
    fn check(table: &[Row]) -> Tally {
        let mut random = Random::new().expect("the system has random bytes");
        let target = Target::new("tcp://127.0.0.1:1", Default::default()).expect("it is a URL");
        let messages = Messages::new(Content::Binary, 125, &mut random);
        let mut shop = Shop {
            target: &target,
            messages: &messages,
            random,
            buffer: Vec::new(),
            tally: Tally::default(),
            is_sending: false,
            is_measuring: false,
        };
        let address = "127.0.0.1:1".parse().expect("it is an address");
        let stream = TcpStream::connect(address).expect("it only begins to connect");
        let mut peer = Peer::new(stream, &target, 0, false);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in [0, 1] {
            peer.send(at(second), &messages);
        }
        for (&row, second) in table.iter().zip((5..).step_by(2)) {
            (shop.is_sending, shop.is_measuring) = (row.0, row.1);
            peer.echoed(at(second), &mut shop);
            let found = (row.0, row.1, shop.tally.messages, peer.flights.len());
            assert_eq!(found, row, "at {second} s");
            assert_eq!(shop.tally.latency.total(), shop.tally.messages);
        }
        shop.tally
    }

    #[test]
    fn echoes_count_only_while_it_is_measured() {
        check(&[
            (true, false, 0, 2),
            (true, true, 1, 2),
            (true, true, 2, 2),
            (false, false, 2, 1),
            (false, false, 2, 0),
        ]);
    }

    #[test]
    fn an_echo_has_taken_the_time_since_its_own_message() {
        let tally = check(&[(false, true, 1, 1), (false, true, 2, 0)]);
        let times = [tally.latency.least(), tally.latency.most()];
        assert_eq!(times, [5, 6].map(Duration::from_secs));
    }
}
