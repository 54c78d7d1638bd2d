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

#[cfg(test)]
mod tests {
    use super::super::messages::Content;
    use super::*;
    use plainws::net::random::Random;

    const SIZE: usize = 40_000;

    fn messages() -> Messages {
        let mut random = Random::new().expect("the system has one");
        Messages::new(Content::Binary, SIZE, &mut random)
    }

    fn whole(messages: &Messages, number: u64, form: Form) -> Vec<u8> {
        let id = Id {
            connection: 7,
            number,
        };
        let mut bytes = messages.front(id, form).bytes().to_vec();
        let mut at = 0;
        while at < messages.body_length() {
            let piece = messages.body(number, form, at);
            bytes.extend(piece);
            at += piece.len();
        }
        bytes
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ ..126 => bytes.push(u8::try_from(short).unwrap()),
            length => {
                bytes.push(126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        [&bytes, payload].concat()
    }

    /// What is met when three messages were sent and `input` comes in pieces of `size` bytes.
    fn met(form: Form, messages: &Messages, input: &[u8], size: usize) -> (Met, Option<Kind>) {
        let mut checker = Checker::new(form, 7, false);
        for _ in 0..3 {
            checker.next();
        }
        let mut met = Met::default();
        for piece in input.chunks(size) {
            if let Err(fault) = checker.receive(piece, messages, &mut met) {
                return (met, Some(fault.kind));
            }
        }
        (met, None)
    }

    /// That the end is the same however the input is cut.
    #[track_caller]
    fn check(form: Form, messages: &Messages, input: &[u8], echoes: u64, kind: Option<Kind>) {
        for size in [input.len(), 1, 2, 3, 7, 4096, 32_000, 39_999] {
            let (met, fault) = met(form, messages, input, size);
            assert_eq!((met.echoes, fault), (echoes, kind), "in pieces of {size}");
        }
    }

    #[test]
    fn echoes_are_right_in_whatever_pieces_they_come() {
        let messages = messages();
        let [a, b, c] = [0, 1, 2].map(|number| whole(&messages, number, Form::Payload));
        let fragments = [
            frame(0x02, &b[..10]),
            frame(0x89, b"ping"),
            frame(0x00, b""),
            frame(0x00, &b[10..30_000]),
            frame(0x80, &b[30_000..]),
        ];
        let input = [
            frame(0x82, &a),
            fragments.concat(),
            frame(0x8A, b""),
            frame(0x82, &c),
        ]
        .concat();
        check(Form::Payload, &messages, &input, 3, None);
        for size in [1, input.len()] {
            let (met, _) = met(Form::Payload, &messages, &input, size);
            assert_eq!(met.pings, [b"ping"]);
        }
        let too_many = [&input, &frame(0x82, &a)[..]].concat();
        check(
            Form::Payload,
            &messages,
            &too_many,
            3,
            Some(Kind::Unexpected),
        );

        let raw: Vec<u8> = (0..3)
            .flat_map(|number| whole(&messages, number, Form::Frame))
            .collect();
        check(Form::Frame, &messages, &raw, 3, None);
        check(
            Form::Frame,
            &messages,
            &[&raw, &b"x"[..]].concat(),
            3,
            Some(Kind::Unexpected),
        );
    }

    #[test]
    fn each_wrong_byte_is_found() {
        let messages = messages();
        for form in [Form::Payload, Form::Frame] {
            let right: Vec<_> = [0, 1]
                .map(|number| match form {
                    Form::Payload => frame(0x82, &whole(&messages, number, form)),
                    Form::Frame => whole(&messages, number, form),
                })
                .concat();
            let payload = right.len() - SIZE;
            for place in [0, 1, 15, 16, 17, 32_000, 32_760, 32_764, 39_900, SIZE - 1] {
                let mut wrong = right.clone();
                wrong[payload + place] ^= 0x80;
                check(form, &messages, &wrong, 1, Some(Kind::WrongBytes));
            }
        }
    }

    #[test]
    fn nothing_counts_after_a_close() {
        let messages = messages();
        let close = frame(0x88, b"\x03\xe8bye");
        let input = [close, frame(0x82, &whole(&messages, 0, Form::Payload))].concat();
        let (met, fault) = met(Form::Payload, &messages, &input, input.len());
        assert_eq!(
            (met.echoes, met.close.as_deref(), fault),
            (0, Some(&b"\x03\xe8bye"[..]), None)
        );
    }
}
