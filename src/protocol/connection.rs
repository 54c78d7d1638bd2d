//! The state machine of an established connection, for either role.
//!
//! Bytes in, events and bytes out: the owner of the socket gives what it has read to
//! [`Connection::receive`], and writes what [`Connection::take_output`] or [`Connection::take_chunk`] hands out.
//!
//! ```text
//!             we close                peer closes or breaks a rule, or EOF
//!   Open ───────────────────▶ Closing ────────────────────────────────────▶ Closed
//!    │                                                                        ▲
//!    ├── peer closes: its code and reason go back ────────────────────────────┤
//!    ├── peer breaks a rule: a Close with the rule's code goes out ───────────┤
//!    └── EOF ─────────────────────────────────────────────────────────────────┘
//!
//!   Closed, with output left ── it is taken and written ──▶ Closed, with none: the server ends TCP (§7.1.1)
//! ```
//!
//! In Closing, the peer's messages still arrive. Nothing more can be sent, but pings still get their pongs:
//! only the peer's Close ends that (§5.5.2), and a pong is no data frame (§5.5.1). In Closed, all input is
//! ignored.
#![warn(clippy::indexing_slicing)]

use super::Role;
use super::close::{self, CloseReason};
use super::close_code::CloseCode;
use super::frame::{self, Byte0, Header, KeySource, MAX_CONTROL_PAYLOAD, Opcode};
use super::landing::Landing;
use super::message::{Assembler, Limits, Message};
use super::outbox::{Chunk, LARGE, Outbox, Payload};
use super::outgoing::Outgoing;
use super::rule::Rule;
use super::utf8::NotUtf8;
use std::collections::TryReserveError;
use std::fmt;

/// Where a connection stands between its opening handshake and its end.
///
/// §7.1 uses these words of both ends and of TCP: there, a connection is closing from the first Close in
/// either direction, and closed when TCP is. Here they say what this end still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Both sides may send.
    Open,
    /// Our Close is sent, the peer's is awaited.
    Closing,
    /// No frame is read any more, and none can be sent. What was queued is still to be written.
    Closed,
}

/// What the peer's bytes amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// A ping; its pong is already in the output.
    Ping(Vec<u8>),
    /// A pong, asked for or not (§5.5.3).
    Pong(Vec<u8>),
    /// The peer's Close; the reply, if one is due, is already in the output.
    Close(CloseReason),
    /// There is no memory for the message that is arriving, so it was dropped. The connection is now as
    /// after [`Connection::overload`]. Reported once.
    Overloaded,
}

/// A call that the connection cannot carry out: the caller's mistake or bad luck, never the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// Sending on a connection that is closing or closed (§5.5.1, §6.1).
    Closed,
    /// A ping payload of more than 125 bytes (§5.5).
    ControlTooLong(usize),
    /// A Close code that must not be sent (§7.4).
    CloseCode(CloseCode),
    /// A reason for a Close that has no code to stand before it (§5.5.1).
    ReasonWithoutCode,
    /// A message for which there is no memory. It was not queued, and the connection is as it was. If it was
    /// owned, it is lost.
    NoMemory,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("nothing can be sent: the connection is closing or closed"),
            Self::ControlTooLong(length) => {
                write!(
                    f,
                    "a ping carries at most 125 bytes, not {length}: a message carries more"
                )
            }
            Self::CloseCode(code) => {
                write!(
                    f,
                    "a Close must not carry the code {code}: close with 1000, with 3000 to 4999, or without a code",
                    code = code.0
                )
            }
            Self::ReasonWithoutCode => {
                f.write_str("a Close with a reason needs a code before it, such as 1000")
            }
            Self::NoMemory => {
                f.write_str("there is no memory for what is to be sent, so it was not queued")
            }
        }
    }
}

impl std::error::Error for Misuse {}

/// What has passed over a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Whole messages received.
    pub messages_received: u64,
    /// Bytes received, headers included; when the peer breaks a rule, those up to and with the byte
    /// that proves it.
    pub bytes_received: u64,
    /// Messages queued for sending.
    pub messages_sent: u64,
    /// Bytes handed out to be written, headers included.
    pub bytes_sent: u64,
}

/// One end of a WebSocket connection, without its socket.
///
/// ```
/// use plainws::protocol::connection::{Connection, Event};
///
/// let mut server = Connection::server(Default::default());
/// let mut bytes = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"; // from §5.7
/// let (used, event) = server.receive(&mut bytes)?;
/// assert_eq!((used, event), (11, Some(Event::Message("Hello".into()))));
///
/// server.send("Hello")?;
/// let mut output = Vec::new();
/// server.take_output(&mut output);
/// assert_eq!(output, b"\x81\x05Hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Connection {
    role: Role,
    state: State,
    close_reason: Option<CloseReason>,
    /// The reserved bits that an extension may set in the first frame of a message.
    extension_bits: u8,

    /// The bytes of a header whose rest has not arrived.
    partial_header: Vec<u8>,
    /// The frame whose payload is arriving.
    frame: Option<Arriving>,
    /// The payload of a control frame so far. Data frames collect theirs in `assembler`.
    control: Vec<u8>,
    assembler: Assembler,

    outbox: Outbox,
    traffic: Traffic,
}

/// A frame between its header and the end of its payload.
#[derive(Clone, Copy, Debug)]
struct Arriving {
    header: Header,
    /// Bytes of payload received.
    received: u64,
}

impl Arriving {
    /// How many of so many bytes that have arrived are still its payload.
    fn here(&self, available: usize) -> usize {
        self.missing().min(available)
    }

    /// Bytes of payload that have not arrived.
    fn missing(&self) -> usize {
        let missing = self.header.payload_length - self.received;
        usize::try_from(missing).unwrap_or(usize::MAX)
    }

    /// Unmasks the next bytes of its payload, which have arrived.
    fn unmask(&mut self, payload: &mut [u8]) {
        if let Some(key) = self.header.masking_key {
            frame::mask(payload, key, self.received);
        }
        self.received += payload.len() as u64;
    }
}

impl Connection {
    /// The server's end: expects masked frames, sends unmasked ones.
    #[must_use]
    pub fn server(limits: Limits) -> Self {
        Self::new(Role::Server, limits, None)
    }

    /// The client's end: masks each frame with a key from `keys`.
    #[must_use]
    pub fn client(limits: Limits, keys: KeySource) -> Self {
        Self::new(Role::Client, limits, Some(keys))
    }

    fn new(role: Role, limits: Limits, keys: Option<KeySource>) -> Self {
        Self {
            role,
            state: State::Open,
            close_reason: None,
            extension_bits: 0,
            partial_header: Vec::new(),
            frame: None,
            control: Vec::new(),
            assembler: Assembler::new(limits),
            outbox: Outbox::new(keys),
            traffic: Traffic::default(),
        }
    }

    /// Keeps only about this many bytes of each message, for a caller that has messages judged and does
    /// not need them whole.
    pub(super) fn keep_of_messages(mut self, bytes: usize) -> Self {
        self.assembler.keep(bytes);
        self
    }

    /// Accepts these reserved bits in the first frame of a message, where an extension sets them that has
    /// transformed the message: what it carries then is not judged as text.
    pub(super) fn accept_extension_bits(mut self, bits: u8) -> Self {
        self.extension_bits = bits;
        self
    }

    /// Which side this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether messages may be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether nothing more will be read. Output may be left, the reply to a Close for example.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether this side is to end its half of the TCP connection now (§7.1.1): the server does, once
    /// nothing is left to be read or written. A client waits for the server's end instead.
    #[must_use]
    pub fn must_end_tcp(&self) -> bool {
        self.role == Role::Server && self.is_closed() && !self.has_output()
    }

    /// How the peer ended the connection; `None` until it has ended.
    ///
    /// [`CloseCode::ABNORMAL`] stands for a loss without a Close, a broken rule included (§7.1.5).
    #[must_use]
    pub const fn close_reason(&self) -> Option<&CloseReason> {
        self.close_reason.as_ref()
    }

    /// Whether the input so far ends between two messages, with nothing half-received.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.partial_header.is_empty() && self.frame.is_none() && self.assembler.is_idle()
    }

    /// Bytes of payload that have arrived of the message that has begun; `None` between messages.
    #[must_use]
    pub fn message_progress(&self) -> Option<u64> {
        let announced = self.assembler.announced()?;
        let is_data = |frame: &&Arriving| !frame.header.opcode.is_control();
        let frame = self.frame.as_ref().filter(is_data);
        let missing = frame.map_or(0, |frame| frame.header.payload_length - frame.received);
        Some(announced.saturating_sub(missing))
    }

    /// What has passed so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    // Receiving.

    /// Handles `input` up to the next event. Returns how many bytes that took, and the event; without
    /// one, all input is used. Payloads are unmasked in place.
    ///
    /// However the peer's bytes are cut into inputs, the events are the same.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke, once. A Close that says so is then in the output (§7.1.7), and
    /// further input is ignored.
    pub fn receive(&mut self, input: &mut [u8]) -> Result<(usize, Option<Event>), Rule> {
        if self.state == State::Closed {
            return Ok((input.len(), None));
        }
        if self.assembler.is_lent() {
            return Ok((0, None));
        }
        let received = self.next_event(input).inspect_err(|&rule| self.fail(rule));
        let is_message = matches!(received, Ok((_, Some(Event::Message(_)))));
        self.traffic.messages_received += u64::from(is_message);
        received
    }

    /// Makes room for what is missing of a binary payload, if that is at least so many bytes, ahead of
    /// [`lend`](Self::lend). For a caller that bounds the memory of its connections, and so must know
    /// before how much that takes.
    pub fn make_landing_room(&mut self, least: usize) {
        if let Some(missing) = self.missing_data(least) {
            // Without memory, the payload takes the way of a small one, and is refused there.
            let _ = self.assembler.make_landing_room(missing);
        }
    }

    /// Lends the memory for what is missing of a binary payload, or for some of it, if at least so many bytes
    /// are missing: read straight into it, they are not copied again. New memory is for three times what has
    /// arrived of the message at most, so at its beginning none may be lent yet. All input before must have
    /// been [received](Self::receive).
    ///
    /// Until it is given back by [`land`](Self::land), `receive` takes nothing.
    ///
    /// ```
    /// use plainws::protocol::connection::{Connection, Event};
    /// use std::io::Read;
    ///
    /// let mut socket: &[u8] = &[&[0x82, 126, 0x10, 0x00][..], &[7; 0x1000]].concat();
    /// let mut client = Connection::client(Default::default(), Box::new(|| [1, 2, 3, 4]));
    /// let mut buffer = [0; 2000];
    /// socket.read_exact(&mut buffer)?;
    /// assert_eq!(client.receive(&mut buffer)?, (2000, None));
    ///
    /// let mut landing = client.lend(1024).expect("4096 bytes are announced, 1996 are here");
    /// let length = socket.read(landing.room())?;
    /// client.land(landing, length);
    /// let (_, event) = client.receive(&mut [])?;
    /// assert_eq!(event, Some(Event::Message(vec![7; 0x1000].into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lend(&mut self, least: usize) -> Option<Landing> {
        self.make_landing_room(least);
        let missing = self.missing_data(least)?;
        self.assembler.lend(missing)
    }

    /// Takes back what this connection has [lent](Self::lend), with so many bytes read into it, perhaps 0.
    /// If they end a message, the next call of [`receive`](Self::receive) returns that, be it without input.
    pub fn land(&mut self, landing: Landing, length: usize) {
        let is_over = self.is_closed();
        let missing = self.frame.as_ref().map_or(0, Arriving::missing);
        let landed = landing.take(length.min(missing), |payload| match &mut self.frame {
            Some(frame) if !is_over => {
                frame.unmask(payload);
                self.traffic.bytes_received += payload.len() as u64;
            }
            _ => {}
        });
        self.assembler.land(landed);
    }

    /// Bytes that are missing of a data frame's payload, if they are at least so many.
    fn missing_data(&self, least: usize) -> Option<usize> {
        let frame = self.frame.as_ref()?;
        let missing = frame.missing();
        let is_data = !frame.header.opcode.is_control();
        (is_data && missing >= least.max(1) && !self.assembler.is_lent()).then_some(missing)
    }

    /// The peer's half of the TCP connection has ended.
    pub fn receive_eof(&mut self) {
        self.end(CloseReason::new(CloseCode::ABNORMAL));
    }

    /// The whole TCP connection is lost: as [`receive_eof`](Self::receive_eof), and what waits to be written
    /// is dropped.
    pub fn lose(&mut self) {
        self.receive_eof();
        self.outbox.clear();
    }

    /// Refuses the message that is arriving, and every later one: what has arrived of it is dropped, and a
    /// Close is queued, unless one was sent already. What the peer sends until it answers that is judged and
    /// not kept: there are no more messages.
    pub fn refuse_messages(&mut self, code: CloseCode, reason: &str) {
        self.assembler.discard();
        // This fails only if a Close was sent before.
        let _ = self.close(code, reason);
    }

    /// Whether messages are refused, or none can come any more.
    #[must_use]
    pub const fn refuses_messages(&self) -> bool {
        self.assembler.discards()
    }

    /// Refuses messages for want of memory, with [`CloseCode::TRY_AGAIN_LATER`].
    ///
    /// For a caller that bounds the memory of its connections: [`memory`](Self::memory) tells how much one
    /// holds. When the system has none left, this happens by itself ([`Event::Overloaded`]).
    pub fn overload(&mut self) {
        self.refuse_messages(
            CloseCode::TRY_AGAIN_LATER,
            "no memory is left for the message",
        );
    }

    /// Bytes of memory that the connection holds: those of the message that is arriving, those that wait to
    /// be written, and a few buffers kept for the next ones.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.assembler.memory() + self.control.capacity() + self.outbox.memory()
    }

    fn next_event(&mut self, input: &mut [u8]) -> Result<(usize, Option<Event>), Rule> {
        let length = input.len();
        let mut rest = input;
        loop {
            // 1. The frame whose payload is arriving, or else the next header.
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.complete_header(rest)? {
                    Some((header, used)) => {
                        rest = rest.split_at_mut(used).1;
                        self.begin_frame(&header)?;
                        Arriving {
                            header,
                            received: 0,
                        }
                    }
                    None => return Ok((length, None)),
                },
            };
            // 2. As much of its payload as there is, and room for it.
            if !self.has_room(&frame, rest.len()) {
                self.overload();
                self.frame = Some(frame);
                return Ok((length - rest.len(), Some(Event::Overloaded)));
            }
            rest = self.payload(&mut frame, rest)?;
            if frame.received < frame.header.payload_length {
                self.frame = Some(frame);
                return Ok((length, None));
            }
            // 3. What the whole frame amounts to: nothing yet if it is a fragment with more to come.
            if let Some(event) = self.end_frame(&frame.header)? {
                return Ok((length - rest.len(), Some(event)));
            }
        }
    }

    /// Completes a header, and says how many bytes of `input` it took; keeps an incomplete one.
    fn complete_header(&mut self, input: &[u8]) -> Result<Option<(Header, usize)>, Rule> {
        let before = self.partial_header.len();
        let whole = if before == 0 {
            input
        } else {
            let more = input.iter().take(frame::MAX_HEADER - before);
            self.partial_header.extend(more);
            &self.partial_header
        };
        let bits = self.extension_bits;
        let decoded = decode_header(whole, bits);
        let used = match decoded {
            Ok(Some((_, rest))) => whole.len() - rest.len(),
            Ok(None) => whole.len(),
            Err(_) => shortest(whole, |part| decode_header(part, bits).is_err()),
        } - before;
        self.traffic.bytes_received += used as u64;
        if let Some((header, _)) = decoded? {
            self.partial_header.clear();
            return Ok(Some((header, used)));
        }
        if before == 0 {
            self.partial_header.extend_from_slice(input);
        }
        Ok(None)
    }

    fn begin_frame(&mut self, header: &Header) -> Result<(), Rule> {
        // §5.1: the client masks every frame, the server none.
        match (self.role, header.masking_key) {
            (Role::Server, None) => return Err(Rule::MaskMissing),
            (Role::Client, Some(_)) => return Err(Rule::MaskPresent),
            _ => {}
        }
        // §5.4: control frames may arrive between the fragments of a message.
        if header.opcode.is_control() {
            Ok(())
        } else {
            self.assembler.begin_frame(header)
        }
    }

    /// Whether there is memory for what `available` bytes hold of the frame's payload.
    fn has_room(&mut self, frame: &Arriving, available: usize) -> bool {
        let header = &frame.header;
        header.opcode.is_control() || self.assembler.make_room(frame.here(available)).is_ok()
    }

    /// Unmasks what `input` holds of the frame's payload and judges it; returns the bytes after it.
    fn payload<'a>(
        &mut self,
        frame: &mut Arriving,
        input: &'a mut [u8],
    ) -> Result<&'a mut [u8], Rule> {
        let here = frame.here(input.len());
        let (payload, rest) = input.split_at_mut(here);
        frame.unmask(payload);
        let is_complete = frame.received == frame.header.payload_length;

        let judged = match frame.header.opcode {
            Opcode::Close => self.close_body(payload, is_complete),
            Opcode::Ping | Opcode::Pong => {
                self.control.extend_from_slice(payload);
                Ok(())
            }
            _ => {
                let judged = self.assembler.payload(payload);
                judged.map_err(|NotUtf8 { at }| (Rule::TextNotUtf8, at + 1))
            }
        };
        // What follows the byte that proves a broken rule does not count as received.
        let used = judged.map_or_else(|(_, used)| used, |()| here);
        self.traffic.bytes_received += used as u64;
        judged.map_err(|(rule, _)| rule)?;
        Ok(rest)
    }

    /// Takes a piece of a Close body and judges it; on an error also says how many of its bytes prove it.
    fn close_body(&mut self, piece: &[u8], is_complete: bool) -> Result<(), (Rule, usize)> {
        let before = self.control.len();
        self.control.extend_from_slice(piece);
        let body = &self.control;
        let Err(rule) = close::decode(body, is_complete) else {
            return Ok(());
        };
        let is_wrong = |part: &[u8]| close::decode(part, false).is_err();
        Err((rule, shortest(body, is_wrong) - before))
    }

    fn end_frame(&mut self, header: &Header) -> Result<Option<Event>, Rule> {
        if !header.opcode.is_control() {
            return Ok(self.assembler.end_frame(header.fin)?.map(Event::Message));
        }
        let payload = std::mem::take(&mut self.control);
        Ok(Some(match header.opcode {
            Opcode::Close => Event::Close(self.peer_closed(&payload)?),
            Opcode::Ping => {
                // §5.5.2: a ping is answered with its own bytes, also after our own Close. After the peer's
                // Close no frame is read, so no ping either.
                self.outbox.push_pong(&payload);
                Event::Ping(payload)
            }
            _ => Event::Pong(payload),
        }))
    }

    /// §5.5.1: a Close that we did not start is answered, with the same code and reason.
    fn peer_closed(&mut self, body: &[u8]) -> Result<CloseReason, Rule> {
        let reason = CloseReason::decode(body)?;
        if self.state == State::Open {
            self.outbox.push_close(body);
        }
        self.end(reason.clone());
        Ok(reason)
    }

    /// §7.1.7: say why with a Close if none was sent yet, then process nothing more.
    fn fail(&mut self, rule: Rule) {
        if let (State::Open, Some(code)) = (self.state, rule.close_code()) {
            self.outbox.push_close(&close::encode(code, rule.clause()));
        }
        self.end(CloseReason::new(CloseCode::ABNORMAL));
    }

    /// What ended the connection first stays the reason.
    fn end(&mut self, reason: CloseReason) {
        self.state = State::Closed;
        self.close_reason.get_or_insert(reason);
        self.assembler.discard();
    }

    // Sending.

    /// Queues a message. One that is owned is moved: if it is large, it is written from where it is, and then
    /// its buffer is used for the next message that arrives.
    ///
    /// # Errors
    ///
    /// [`Misuse::Closed`] unless the connection is open; [`Misuse::NoMemory`] without memory for the frame. An
    /// owned message is lost then.
    pub fn send<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), Misuse> {
        self.check_open()?;
        self.queue(message.into()).map_err(|_| Misuse::NoMemory)?;
        self.traffic.messages_sent += 1;
        Ok(())
    }

    fn queue(&mut self, message: Outgoing<'_>) -> Result<(), TryReserveError> {
        let opcode = message.opcode();
        let bytes = message.as_bytes();
        if bytes.len() >= LARGE {
            return self.outbox.push_large(opcode, self.payload_of(message)?);
        }
        self.outbox.push(opcode, bytes)?;
        if let Outgoing::Message(message) = message {
            self.assembler.recycle(message.into_bytes());
        }
        Ok(())
    }

    /// A large payload that can stay where it is until it is written. One that is borrowed is copied for that.
    fn payload_of(&self, message: Outgoing<'_>) -> Result<Payload, TryReserveError> {
        Ok(match message {
            Outgoing::Message(message) => Payload::Owned(message.into_bytes()),
            // §5.3: a client masks it, so it cannot be shared.
            Outgoing::Prepared(prepared) if self.role == Role::Server => {
                Payload::Shared(prepared.clone())
            }
            borrowed => Payload::copy(borrowed.as_bytes())?,
        })
    }

    /// The most that [`memory`](Self::memory) grows by when a payload of so many bytes is queued.
    pub(crate) fn growth(&self, payload: usize) -> usize {
        self.outbox.growth(payload)
    }

    /// Gives the memory back that is kept for the message that arrives next.
    pub(crate) fn release_spare(&mut self) {
        self.assembler.release_memory();
    }

    /// Queues a ping (§5.5.2).
    ///
    /// # Errors
    ///
    /// [`Misuse::ControlTooLong`] above 125 bytes; otherwise as [`send`](Self::send).
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Misuse> {
        let payload = payload.as_ref();
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(Misuse::ControlTooLong(payload.len()));
        }
        self.check_open()?;
        let queued = self.outbox.push(Opcode::Ping, payload);
        queued.map_err(|_| Misuse::NoMemory)
    }

    /// Starts the closing handshake (§7.1.2), with a code and a reason, or with `None` and an empty
    /// reason. A reason of more than 123 bytes is cut between two characters.
    ///
    /// # Errors
    ///
    /// [`Misuse::CloseCode`] for a code that must not be sent; [`Misuse::ReasonWithoutCode`] for a reason
    /// without one; [`Misuse::Closed`] unless the connection is open.
    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<(), Misuse> {
        let body = match code.into() {
            Some(code) if !code.is_allowed_on_wire() => return Err(Misuse::CloseCode(code)),
            Some(code) => close::encode(code, reason),
            None if reason.is_empty() => Vec::new(),
            None => return Err(Misuse::ReasonWithoutCode),
        };
        self.check_open()?;
        self.outbox.push_close(&body);
        self.state = State::Closing;
        Ok(())
    }

    /// Queues bytes as they are, frames or not: for tests and for learners.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn push_raw(&mut self, bytes: &[u8]) -> Result<(), Misuse> {
        self.check_open()?;
        self.outbox.push_raw(bytes).map_err(|_| Misuse::NoMemory)
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn output_length(&self) -> usize {
        self.outbox.len()
    }

    /// Whether any bytes wait to be written.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether output must be written soon: a pong waits, or the connection is closing or closed.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.outbox.has_pongs() || self.state != State::Open
    }

    /// Moves bytes to be written into `buffer`, replacing what it held: whole frames, pongs first. To
    /// be called again while there is output.
    ///
    /// Large payloads are copied here. They are not by [`take_chunk`](Self::take_chunk), which hands out the
    /// same bytes.
    pub fn take_output(&mut self, buffer: &mut Vec<u8>) {
        let mut chunk = Chunk::from(std::mem::take(buffer));
        self.take_chunk(&mut chunk);
        *buffer = chunk.into_bytes();
    }

    /// Moves bytes to be written into `chunk`, replacing what it held: that has been written, and its buffers
    /// are used again. Whole frames, pongs first. To be called again while there is output.
    pub fn take_chunk(&mut self, chunk: &mut Chunk) {
        if let Some(buffer) = chunk.clear() {
            self.assembler.recycle(buffer);
        }
        self.outbox.take(chunk);
        self.traffic.bytes_sent += chunk.len() as u64;
    }

    /// Gives the memory that large messages took back to the allocator. For a connection that has been
    /// quiet for a while.
    pub fn release_memory(&mut self) {
        self.assembler.release_memory();
        self.control.shrink_to_fit();
        self.outbox.release_memory();
    }

    fn check_open(&self) -> Result<(), Misuse> {
        if self.state == State::Open {
            Ok(())
        } else {
            Err(Misuse::Closed)
        }
    }
}

/// Reads a header in which an extension may set some of the reserved bits, or none of them.
fn decode_header(frame: &[u8], extension_bits: u8) -> Result<Option<(Header, &[u8])>, Rule> {
    match frame {
        // §5.2: the others mean nothing.
        [byte0, ..] if !are_accepted(Byte0::read(*byte0), extension_bits) => Err(Rule::RsvNotZero),
        _ => Header::decode(frame),
    }
}

const fn are_accepted(byte0: Byte0, extension_bits: u8) -> bool {
    let begins_a_message = matches!(
        Opcode::from_bits(byte0.opcode),
        None | Some(Opcode::Text | Opcode::Binary)
    );
    byte0.rsv == 0 || byte0.rsv & !extension_bits == 0 && begins_a_message
}

/// How many bytes it takes to see that these are wrong. They are judged again and again, one byte longer
/// each time; that is done once, as the connection fails.
fn shortest(bytes: &[u8], is_wrong: impl Fn(&[u8]) -> bool) -> usize {
    let mut ends = 1..bytes.len();
    ends.find(|&end| is_wrong(bytes.split_at(end).0))
        .unwrap_or(bytes.len())
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            role,
            state,
            close_reason,
            ..
        } = self;
        let mut debug = f.debug_struct("Connection");
        debug
            .field("role", role)
            .field("state", state)
            .field("close_reason", close_reason);
        debug.finish_non_exhaustive()
    }
}
