//! A parser of frames for the oracles to judge, as small as one can be that passes them all. Until it is
//! mended it has one mistake: the masking key starts again with every piece that arrives. Tests with whole
//! frames never see that.

use oracles::subject::{Reader, Seen, Subject};
use plainws::Role;
use plainws::protocol::message::Limits;

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct MyParser {
    /// Whether the mistake is mended.
    pub is_mended: bool,
}

impl Subject for MyParser {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        Box::new(Parser {
            is_mended: self.is_mended,
            is_masked: sender == Role::Client,
            limits,
            header: Vec::new(),
            frame: None,
            message: Message::default(),
            is_over: false,
        })
    }
}

impl Reader for Parser {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut rest = &*bytes;
        while !self.is_over && !rest.is_empty() {
            // It does not say which rule was broken, and need not.
            let event = self.step(&mut rest).unwrap_or(Some(Seen::Failed(None)));
            self.is_over = event.as_ref().is_some_and(Seen::is_end);
            seen.extend(event);
        }
        seen
    }
}

// The parser itself knows nothing of oracles, except that it returns `Seen`.

struct Parser {
    is_mended: bool,
    is_masked: bool,
    limits: Limits,
    /// The bytes of a header that is not complete.
    header: Vec<u8>,
    frame: Option<Frame>,
    message: Message,
    is_over: bool,
}

struct Frame {
    fin: bool,
    opcode: u8,
    key: [u8; 4],
    length: u64,
    /// The unmasked payload of a control frame so far.
    control: Vec<u8>,
    /// How much of the payload has arrived.
    arrived: u64,
}

/// The open message; its opcode is 0 while no message is open.
#[derive(Default)]
struct Message {
    opcode: u8,
    payload: Vec<u8>,
    announced: u64,
    fragments: u32,
    empty: u32,
    /// How much of the payload is known to be text.
    is_text_to: usize,
}

/// A rule was broken.
struct Broken;

impl Parser {
    /// Takes a byte of a header, or what there is of a payload.
    fn step(&mut self, rest: &mut &[u8]) -> Result<Option<Seen>, Broken> {
        if self.frame.is_none() {
            let (first, after) = rest.split_at(1);
            self.header.extend(first);
            *rest = after;
            let Some(frame) = header(&self.header, self.is_masked)? else {
                return Ok(None);
            };
            self.header.clear();
            self.message.begin(&frame, self.limits)?;
            self.frame = Some(frame);
        }
        let Some(frame) = &mut self.frame else {
            return Ok(None);
        };
        let left = usize::try_from(frame.length - frame.arrived).unwrap_or(usize::MAX);
        let (piece, after) = rest.split_at(left.min(rest.len()));
        *rest = after;
        // Here is the mistake: the key goes on where the last piece ended.
        let start = if self.is_mended { frame.arrived } else { 0 };
        let unmasked = piece.iter().zip(start..);
        let unmasked = unmasked.map(|(byte, i)| byte ^ frame.key[(i % 4) as usize]);
        frame.arrived += piece.len() as u64;
        let is_whole = frame.arrived == frame.length;
        if frame.opcode >= 8 {
            frame.control.extend(unmasked);
            let event = control(frame.opcode, &frame.control, is_whole)?;
            self.frame.take_if(|_| is_whole);
            return Ok(event);
        }
        self.message.payload.extend(unmasked);
        let is_last = frame.fin && is_whole;
        self.frame.take_if(|_| is_whole);
        self.message.so_far(is_last)
    }
}

/// The header in `bytes`, if it is complete; wrong as soon as it can be seen.
fn header(bytes: &[u8], is_masked: bool) -> Result<Option<Frame>, Broken> {
    let (fin, rsv, opcode) = (bytes[0] >= 128, bytes[0] & 0x70, bytes[0] & 15);
    if rsv != 0 || !matches!(opcode, 0..=2 | 8..=10) || (opcode >= 8 && !fin) {
        return Err(Broken);
    }
    let Some(&byte1) = bytes.get(1) else {
        return Ok(None);
    };
    let extended = match byte1 & 127 {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let digits = &bytes[2..bytes.len().min(2 + extended)];
    let is_short = match extended {
        2 => digits.len() == 2 && digits < [0, 126].as_slice(),
        8 => digits.starts_with(&[0; 6]) || digits.first() >= Some(&128),
        _ => false,
    };
    if is_short || (opcode >= 8 && extended > 0) {
        return Err(Broken);
    }
    let has_key = byte1 >= 128;
    let start = 2 + extended + if has_key { 4 } else { 0 };
    if bytes.len() < start {
        return Ok(None);
    }
    if has_key != is_masked {
        return Err(Broken);
    }
    let key = bytes[2 + extended..].try_into().unwrap_or_default();
    let length = digits
        .iter()
        .fold(0, |sum, &digit| sum << 8 | u64::from(digit));
    Ok(Some(Frame {
        fin,
        opcode,
        key,
        length: if extended == 0 {
            u64::from(byte1 & 127)
        } else {
            length
        },
        control: Vec::new(),
        arrived: 0,
    }))
}

impl Message {
    fn begin(&mut self, frame: &Frame, limits: Limits) -> Result<(), Broken> {
        match (frame.opcode, self.opcode) {
            (8.., _) => return Ok(()),
            (0, 1..) => {}
            (opcode @ 1.., 0) => self.opcode = opcode,
            _ => return Err(Broken),
        }
        self.announced = self.announced.saturating_add(frame.length);
        self.fragments += 1;
        self.empty += u32::from(frame.length == 0);
        let is_allowed = self.announced <= limits.max_bytes
            && self.fragments <= limits.max_fragments
            && self.empty <= limits.max_empty_fragments;
        if is_allowed { Ok(()) } else { Err(Broken) }
    }

    fn so_far(&mut self, is_last: bool) -> Result<Option<Seen>, Broken> {
        if self.opcode == 1 {
            let new = &self.payload[self.is_text_to..];
            self.is_text_to += text(new, is_last)?.len();
        }
        if !is_last {
            return Ok(None);
        }
        let Self {
            opcode, payload, ..
        } = std::mem::take(self);
        Ok(Some(match opcode {
            1 => Seen::Text(String::from_utf8(payload).map_err(|_| Broken)?),
            _ => Seen::Binary(payload),
        }))
    }
}

fn control(opcode: u8, payload: &[u8], is_whole: bool) -> Result<Option<Seen>, Broken> {
    let seen = match (opcode, payload) {
        (9, _) => Seen::Ping(payload.to_vec()),
        (10, _) => Seen::Pong(payload.to_vec()),
        (_, []) => Seen::Close(None, String::new()),
        (_, [_]) if is_whole => return Err(Broken),
        (_, [_]) => return Ok(None),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Broken);
            }
            Seen::Close(Some(code), text(reason, is_whole)?.into())
        }
    };
    Ok(is_whole.then_some(seen))
}

/// The whole characters, of which the last may be cut unless this is all.
fn text(bytes: &[u8], is_all: bool) -> Result<&str, Broken> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if error.error_len().is_none() && !is_all => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).map_err(|_| Broken)
        }
        Err(_) => Err(Broken),
    }
}
