//! Judges what a server sends: every echo byte for byte, in its order, as it arrives.

use super::fault::{Fault, Kind};
use super::messages::{self, Form, Front, Id, Messages};
use crate::app::show::text;
use plainws::Rule;
use plainws::protocol::close;
use plainws::protocol::frame::{Header, MAX_HEADER, Opcode};

/// What the bytes of one connection have to be. It keeps no payload: what comes is compared with what
/// must come.
#[derive(Debug)]
pub(crate) struct Checker {
    form: Form,
    /// Idle connections look at no message.
    is_idle: bool,
    connection: u32,
    /// Messages sent so far.
    sent: u64,
    /// Echoes that came whole.
    echoed: u64,
    /// What the next echo begins with.
    front: Option<Front>,
    /// Bytes of the next echo that have come.
    at: usize,
    frames: Frames,
}

/// Where in a stream of frames it stands. Unused without frames.
#[derive(Debug, Default)]
struct Frames {
    /// A header whose rest has not come.
    partial: Vec<u8>,
    header: Option<Header>,
    /// Bytes of payload that the frame still has.
    left: u64,
    /// The payload of a control frame.
    control: Vec<u8>,
    is_in_message: bool,
}

/// What was met beside echoes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) echoes: u64,
    /// Payloads of pings, which are to be answered.
    pub(crate) pings: Vec<Vec<u8>>,
    /// The body of a Close: nothing comes after it.
    pub(crate) close: Option<Vec<u8>>,
    /// Messages that nobody looked at.
    pub(crate) unread: u64,
}

impl Checker {
    pub(crate) fn new(form: Form, connection: u32, is_idle: bool) -> Self {
        Self {
            form,
            is_idle,
            connection,
            sent: 0,
            echoed: 0,
            front: None,
            at: 0,
            frames: Frames::default(),
        }
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// The message to be sent next, whose echo is due from now on.
    pub(crate) const fn next(&mut self) -> Id {
        let id = self.id(self.sent);
        self.sent += 1;
        id
    }

    const fn id(&self, number: u64) -> Id {
        Id {
            connection: self.connection,
            number,
        }
    }

    /// Takes what has come. `met` is right up to the fault, if there is one.
    pub(crate) fn receive(
        &mut self,
        input: &[u8],
        messages: &Messages,
        met: &mut Met,
    ) -> Result<(), Fault> {
        match self.form {
            Form::Frame => self.bytes(input, messages, met),
            Form::Payload => self.frames(input, messages, met),
        }
    }

    /// Without frames, what was sent comes back as it was.
    fn bytes(&mut self, mut input: &[u8], messages: &Messages, met: &mut Met) -> Result<(), Fault> {
        while !input.is_empty() {
            if self.is_idle {
                return Ok(());
            }
            self.check_due()?;
            let length = messages.length(Form::Frame);
            let (here, rest) = input.split_at(input.len().min(length - self.at));
            self.compare(here, messages)?;
            if self.at == length {
                self.end_echo(met);
            }
            input = rest;
        }
        Ok(())
    }

    fn frames(
        &mut self,
        mut input: &[u8],
        messages: &Messages,
        met: &mut Met,
    ) -> Result<(), Fault> {
        loop {
            // 1. A header, if none is open.
            let header = match self.frames.header {
                Some(header) => header,
                None => match self.frames.header(input).map_err(broken)? {
                    Some((header, rest)) => {
                        input = rest;
                        self.begin_frame(&header, messages)?;
                        self.frames.header = Some(header);
                        self.frames.left = header.payload_length;
                        header
                    }
                    None => return Ok(()),
                },
            };
            // 2. As much of its payload as there is.
            let left = usize::try_from(self.frames.left).unwrap_or(usize::MAX);
            let (payload, rest) = input.split_at(input.len().min(left));
            input = rest;
            self.frames.left -= payload.len() as u64;
            if header.opcode.is_control() {
                self.frames.control.extend_from_slice(payload);
            } else if !self.is_idle {
                self.compare(payload, messages)?;
            }
            if self.frames.left > 0 {
                return Ok(());
            }
            // 3. What the whole frame means.
            self.frames.header = None;
            self.end_frame(&header, met)?;
            if met.close.is_some() {
                return Ok(());
            }
        }
    }

    fn begin_frame(&mut self, header: &Header, messages: &Messages) -> Result<(), Fault> {
        if header.rsv != 0 {
            return Err(broken(Rule::RsvNotZero));
        }
        if header.masking_key.is_some() {
            return Err(broken(Rule::MaskPresent));
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        match (header.opcode, self.frames.is_in_message) {
            (Opcode::Continuation, false) => return Err(broken(Rule::ContinuationUnexpected)),
            (Opcode::Text | Opcode::Binary, true) => return Err(broken(Rule::MessageInterleaved)),
            _ => {}
        }
        if self.is_idle {
            return Ok(());
        }
        if header.opcode != Opcode::Continuation {
            self.check_due()?;
            if header.opcode != messages.opcode() {
                let (got, sent) = (header.opcode.name(), messages.opcode().name());
                let detail = format!("the echo of a {sent} message is {got}");
                return Err(Fault::new(Kind::WrongType, detail));
            }
        }
        let length = self.at as u64 + header.payload_length;
        let size = messages.size() as u64;
        if length > size || header.fin && length < size {
            let detail = format!("an echo has {length} bytes where {size} were sent");
            return Err(Fault::new(Kind::WrongLength, detail));
        }
        Ok(())
    }

    fn end_frame(&mut self, header: &Header, met: &mut Met) -> Result<(), Fault> {
        match header.opcode {
            Opcode::Ping => met.pings.push(std::mem::take(&mut self.frames.control)),
            Opcode::Pong => self.frames.control.clear(),
            Opcode::Close => {
                let body = std::mem::take(&mut self.frames.control);
                close::decode(&body, true).map_err(broken)?;
                met.close = Some(body);
            }
            _ => {
                self.frames.is_in_message = !header.fin;
                if header.fin && self.is_idle {
                    met.unread += 1;
                } else if header.fin {
                    self.end_echo(met);
                }
            }
        }
        Ok(())
    }

    fn check_due(&self) -> Result<(), Fault> {
        if self.echoed < self.sent {
            return Ok(());
        }
        let detail = "a message came when every echo had come";
        Err(Fault::new(Kind::Unexpected, detail))
    }

    /// Compares a piece of the next echo, and counts it as come.
    fn compare(&mut self, piece: &[u8], messages: &Messages) -> Result<(), Fault> {
        let id = self.id(self.echoed);
        let form = self.form;
        let front = *self.front.get_or_insert_with(|| messages.front(id, form));
        let front = front.bytes();
        let (mut got, mut at) = (piece, self.at);
        self.at += piece.len();
        if let Some(expected) = front.get(at..) {
            let (begin, rest) = got.split_at(got.len().min(expected.len()));
            if begin != &expected[..begin.len()] {
                return Err(self.wrong_front(at, piece));
            }
            (got, at) = (rest, at + begin.len());
        }
        // What is left, if anything, is of the body.
        at -= front.len().min(at);
        while !got.is_empty() {
            let body = messages.body(id.number, form, at);
            let (here, rest) = got.split_at(got.len().min(body.len()));
            if here != &body[..here.len()] {
                let detail = "an echo differs from what was sent";
                return Err(Fault::new(Kind::WrongBytes, detail));
            }
            (got, at) = (rest, at + here.len());
        }
        Ok(())
    }

    /// The stamp may tell what came instead.
    fn wrong_front(&self, at: usize, piece: &[u8]) -> Fault {
        let id = (at == 0 && self.form == Form::Payload).then(|| messages::id(piece));
        let (echoed, connection) = (self.echoed, self.connection);
        match id.flatten() {
            Some(id) if id.connection == connection && id.number < self.sent => {
                let number = id.number;
                let detail = format!("echo {number} of a connection came where {echoed} was due");
                Fault::new(Kind::WrongOrder, detail)
            }
            Some(id) if id.connection != connection => {
                let other = id.connection;
                let detail = format!("connection {connection} got an echo of connection {other}");
                Fault::new(Kind::WrongOrder, detail)
            }
            _ => Fault::new(Kind::WrongBytes, "an echo differs from what was sent"),
        }
    }

    const fn end_echo(&mut self, met: &mut Met) {
        self.echoed += 1;
        self.at = 0;
        self.front = None;
        met.echoes += 1;
    }
}

impl Frames {
    /// The next header and what follows it; keeps one whose rest has not come.
    fn header<'a>(&mut self, input: &'a [u8]) -> Result<Option<(Header, &'a [u8])>, Rule> {
        if self.partial.is_empty() {
            let decoded = Header::decode(input)?;
            if decoded.is_none() {
                self.partial.extend_from_slice(input);
            }
            return Ok(decoded);
        }
        let before = self.partial.len();
        let more = input.iter().take(MAX_HEADER - before);
        self.partial.extend(more);
        let Some((header, rest)) = Header::decode(&self.partial)? else {
            return Ok(None);
        };
        let used = self.partial.len() - rest.len() - before;
        self.partial.clear();
        Ok(Some((header, &input[used..])))
    }
}

fn broken(rule: Rule) -> Fault {
    Fault::new(
        Kind::BrokenRule,
        format!("{}: {}", rule.id(), rule.clause()),
    )
}

/// What a Close says, for people.
pub(crate) fn closed(body: &[u8]) -> Fault {
    let said = match close::parts(body) {
        Some((code, [])) => code.to_string(),
        Some((code, reason)) => format!("{code} {}", text::quoted(reason)),
        None => "without a code".into(),
    };
    Fault::new(Kind::Closed, format!("the server closed: {said}"))
}
