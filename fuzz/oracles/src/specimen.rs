//! A small WebSocket implementation with faults that can be switched on, one at a time.
//!
//! It is there to be caught: an oracle that never fired proves nothing. Most faults are modelled on
//! ones that were found in published implementations. Without a fault it must pass every oracle.

use crate::bug::Bug;
use crate::chunks::{End, unchunked};
use crate::dissect;
use crate::forwarding;
use crate::opening;
use crate::paths;
use crate::proxies;
use crate::proxy_headers;
use crate::reference;
use crate::streams::wire;
use crate::subject::{
    Chunks, Each, Endpoint, Entry, Field, Handshake, Led, Listing, Mask, OPENING_KEY, Preface,
    Reader, Seen, Sent, Site, Subject, Text, Verdict, Wish,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::protocol::close_code::CloseCode;
use plainws::protocol::connection::State;
use plainws::protocol::handshake::InvalidHeader;
use plainws::protocol::message::Limits;
use plainws::protocol::{close, head};
use plainws::{Role, Rule};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str;

/// The specimen, with at most one fault.
#[derive(Clone, Copy, Debug)]
pub struct Specimen(pub Option<Bug>);

impl Specimen {
    fn has(self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }

    /// An end of a connection that sends each message back by itself, before it reads on.
    pub(crate) fn echo(self, role: Role) -> Box<dyn Endpoint> {
        // What is unbounded here is bounded by the other end, and shows a length that is misread.
        let limits = Limits::new().max_bytes(u64::MAX).max_fragments(100_000);
        let mut peer = Peer::new(self, role.peer(), limits);
        peer.echoes = true;
        Box::new(peer)
    }

    /// Begins to read the response to a request with this key.
    pub(crate) fn response(self, key: &str) -> Box<dyn Handshake> {
        let mut reader = HeadReader::new(self, Role::Server, head::Limits::new(), None);
        key.clone_into(&mut reader.key);
        Box::new(reader)
    }
}

impl Subject for Specimen {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        let mut reader = Peer::new(*self, sender, limits);
        reader.writes_at_once = true;
        Box::new(reader)
    }

    fn endpoint(&self, role: Role, limits: Limits) -> Option<Box<dyn Endpoint>> {
        Some(Box::new(Peer::new(*self, role.peer(), limits)))
    }

    fn handshake(
        &self,
        sender: Role,
        limits: head::Limits,
        subprotocol: Option<&str>,
    ) -> Option<Box<dyn Handshake>> {
        Some(Box::new(HeadReader::new(
            *self,
            sender,
            limits,
            subprotocol,
        )))
    }

    fn request(&self, wish: &Wish) -> Option<Result<String, InvalidHeader>> {
        let connection = if self.has(Bug::KeepAliveSent) {
            "keep-alive"
        } else {
            "Upgrade"
        };
        let Wish { host, target, .. } = wish;
        let key = STANDARD.encode(wish.nonce);
        let mut headers = vec![
            ("Host", host.clone()),
            ("Upgrade", "websocket".into()),
            ("Connection", connection.into()),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Version", "13".into()),
        ];
        if !wish.subprotocols.is_empty() {
            headers.push(("Sec-WebSocket-Protocol", wish.subprotocols.join(",")));
        }
        let further = wish.headers.iter();
        headers.extend(further.map(|(name, value)| (name.as_str(), value.clone())));
        let mut request = format!("GET {target} HTTP/1.1\r\n");
        for (name, value) in &headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        // The request is checked by reading it again.
        let is_excused =
            self.has(Bug::KeepAliveSent) || self.has(Bug::TargetSentRaw) && target.contains("\r\n");
        let reads_as = opening::says(&request, wish);
        Some(match reads_as {
            Err(what) if !is_excused => Err(InvalidHeader::new("part", &what, "it is wrong")),
            _ => Ok(request),
        })
    }

    fn dissect(&self, sender: Role, limits: Limits, pieces: &[&[u8]]) -> Option<Listing> {
        let mut listing = dissect::listing(sender, limits, &pieces.concat());
        for frame in &mut listing.frames {
            let mut bits = 8 * frame.wire.len() as u64;
            if self.has(Bug::LabelMissing) && !frame.payload.is_empty() {
                bits -= 8;
            }
            if self.has(Bug::ShownMasked) {
                let masked = &frame.wire[frame.wire.len() - frame.payload.len()..];
                frame.payload = masked.to_vec();
            }
            let text = String::from_utf8_lossy(&frame.payload);
            let shown = if self.has(Bug::ShownRaw) {
                text.into_owned()
            } else {
                text.escape_debug().to_string()
            };
            frame.labels.push((0..bits, shown));
        }
        listing.is_cut &= !self.has(Bug::CutNotShown);
        Some(listing)
    }

    fn mask(&self) -> Option<Mask> {
        fn right(payload: &mut [u8], key: [u8; 4], offset: u64) {
            for (byte, i) in payload.iter_mut().zip(offset..) {
                *byte ^= key[(i % 4) as usize];
            }
        }
        fn wrong(payload: &mut [u8], key: [u8; 4], _offset: u64) {
            right(payload, key, 0);
        }
        Some(if self.has(Bug::MaskOffsetIgnored) {
            wrong
        } else {
            right
        })
    }

    fn url(&self, url: &str) -> Option<Option<Site>> {
        let mut site = reference::site(url);
        if self.has(Bug::UserTakenForHost) && site.is_none() {
            let at = url.rfind('@');
            site = at.and_then(|at| reference::site(&format!("ws://{}", &url[at + 1..])));
        }
        if self.has(Bug::ZoneSent) {
            if let (Some(site), Some(zone)) = (&mut site, url.find("%25")) {
                let end = url[zone..].find(']').map_or(url.len(), |end| zone + end);
                site.host = site.host.replacen(']', &format!("{}]", &url[zone..end]), 1);
            }
        }
        Some(site)
    }

    fn judges_origin(
        &self,
        entry: &str,
        origin: &str,
        host: &str,
        is_secure: bool,
    ) -> Option<Option<Entry>> {
        let is_secure = is_secure && !self.has(Bug::PlainPageLetIn);
        let mut judged = reference::judges_origin(entry, origin, host, is_secure);
        if let Some(judged) = &mut judged {
            judged.lets_in |= self.has(Bug::OriginEndTaken) && origin.starts_with(&judged.normal);
        }
        Some(judged)
    }

    fn trusts_proxy(&self, entry: &str, peer: Option<IpAddr>) -> Option<Option<Entry>> {
        let mut judged = proxies::judged_bit_by_bit(entry, peer);
        if let Some(judged) = &mut judged {
            if self.has(Bug::NetworkComparedByBytes) {
                let network = proxies::network(entry).unwrap_or_default();
                let whole_bytes = network.len() / 8 * 8;
                judged.lets_in |= whole_bytes > 0 && proxies::is_in(&network[..whole_bytes], peer);
            }
            let is_mapped =
                matches!(peer, Some(IpAddr::V6(peer)) if peer.to_ipv4_mapped().is_some());
            judged.lets_in &= !(is_mapped && self.has(Bug::MappedPeerUnknown));
        }
        Some(judged)
    }

    fn proxy_header(&self, bytes: &[u8]) -> Option<Preface> {
        let mut bytes = bytes.to_vec();
        if bytes.len() >= 16 && !bytes.starts_with(b"P") {
            if self.has(Bug::LocalTellsAddresses) && bytes[12] == 0x20 {
                bytes[12] = 0x21;
            }
            if self.has(Bug::HeaderLengthOneByte) {
                bytes[14] = 0;
            }
        }
        let line = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let ends_in_lf = line.ends_with(b"\n") && !line.ends_with(b"\r\n");
        if self.has(Bug::LineFeedEndsProxyLine) && line.starts_with(b"PROXY ") && ends_in_lf {
            bytes.insert(line.len() - 1, b'\r');
        }
        Some(proxy_headers::read_as(
            &bytes,
            !self.has(Bug::ChecksumIgnored),
        ))
    }

    fn forwarded(&self, peer: Option<IpAddr>, fields: &[Field]) -> Option<Option<Sent>> {
        let mut fields = fields.to_vec();
        if self.has(Bug::NearestProtocolTaken) {
            let last = |value: &[u8]| {
                value
                    .rsplit(|byte| *byte == b',')
                    .next()
                    .unwrap_or_default()
                    .to_vec()
            };
            let protocol = fields.iter().rfind(|(name, _)| name == "X-Forwarded-Proto");
            let protocol = protocol.map(|(name, value)| (name.clone(), last(value)));
            fields.retain(|(name, _)| name != "X-Forwarded-Proto");
            fields.extend(protocol);
        }
        if self.has(Bug::LeftmostBelieved) {
            let first = |value: &[u8]| {
                value
                    .split(|byte| *byte == b',')
                    .next()
                    .unwrap_or_default()
                    .to_vec()
            };
            let nodes = fields.iter().find(|(name, _)| name == "X-Forwarded-For");
            let nodes = nodes.map(|(name, value)| (name.clone(), first(value)));
            fields.retain(|(name, _)| name != "X-Forwarded-For");
            fields.extend(nodes);
        }
        let peer = if self.has(Bug::StrangersBelieved) {
            None
        } else {
            peer
        };
        Some(match self.has(Bug::OpenQuotationSwallows) {
            true => forwarding::read_as(peer, &fields, forwarding::elements_from_the_left),
            false => forwarding::read(peer, &fields),
        })
    }

    fn led(&self, templates: &[&str], path: &str) -> Option<Led> {
        let led = paths::led(templates, path);
        Some(match &led {
            Led::Unreadable(_) if self.has(Bug::BadCodeKept) => {
                paths::led(templates, &path.replace('%', "%25"))
            }
            Led::To(..) if self.has(Bug::FirstTemplateCounts) => {
                let mut all = templates.iter().enumerate();
                all.find_map(|(number, template)| match paths::led(&[template], path) {
                    Led::To(_, values) => Some(Led::To(number, values)),
                    _ => None,
                })
                .unwrap_or(led)
            }
            _ => led,
        })
    }

    fn serves_host(&self, host: &str) -> Option<bool> {
        let looks_right = self.has(Bug::LocalPrefixTaken) && host.starts_with("localhost");
        Some(looks_right || reference::is_loopback_host(host))
    }

    fn chunks(&self) -> Option<Box<dyn Chunks>> {
        Some(Box::new(Pieces {
            specimen: *self,
            body: Vec::new(),
            handed_out: 0,
            end: End::Missing,
        }))
    }

    fn text(&self) -> Option<Box<dyn Text>> {
        Some(Box::new(Letters {
            specimen: *self,
            text: String::new(),
            partial: Vec::new(),
        }))
    }
}

/// The specimen, judging late.
#[derive(Clone, Copy, Debug)]
pub struct Late {
    /// What it waits for before it judges.
    pub waits_for: Each,
    /// When it says that it does.
    pub says: Each,
    /// At most one fault.
    pub fault: Option<Bug>,
}

impl Subject for Late {
    fn judges(&self) -> Each {
        self.says
    }

    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        let mut reader = Peer::new(Specimen(self.fault), sender, limits);
        reader.writes_at_once = true;
        reader.gate.each = self.waits_for;
        Box::new(reader)
    }

    fn endpoint(&self, role: Role, limits: Limits) -> Option<Box<dyn Endpoint>> {
        let mut peer = Peer::new(Specimen(self.fault), role.peer(), limits);
        peer.gate.each = self.waits_for;
        Some(Box::new(peer))
    }
}

/// Holds back what is not whole.
struct Gate {
    each: Each,
    waiting: Vec<u8>,
    /// How much of a payload is to pass before the next header, and whether it passes only as a whole.
    payload: (u64, bool),
}

impl Gate {
    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(bytes);
        let mut passed = 0;
        if self.each == Each::Byte {
            passed = self.waiting.len();
        }
        loop {
            let (left, must_be_whole) = self.payload;
            let here = left.min((self.waiting.len() - passed) as u64);
            if must_be_whole && here < left {
                break;
            }
            self.payload.0 -= here;
            passed += here as usize;
            let Some((header, length)) = reference::sizes(&self.waiting[passed..]) else {
                break;
            };
            let is_whole = length <= (self.waiting.len() - passed - header) as u64;
            if self.each != Each::Header && !is_whole {
                break;
            }
            self.payload = (length, self.waiting[passed] & 8 != 0);
            passed += header;
        }
        self.waiting.drain(..passed).collect()
    }
}

/// One end of a connection: all its bytes in one buffer, taken apart by index.
struct Peer {
    specimen: Specimen,
    sender: Role,
    limits: Limits,
    gate: Gate,
    state: State,
    /// The code that the peer closed with.
    closed_with: Option<u16>,
    failed: bool,
    /// Whether the peer's stream has ended.
    ended: bool,
    buffer: Vec<u8>,
    /// How much of the buffer is used.
    at: usize,
    frame: Option<Incoming>,
    control: Vec<u8>,
    message: Option<Open>,
    pongs: Vec<u8>,
    output: Vec<u8>,
    /// All that was written, if each event is followed by writing.
    answers: Vec<u8>,
    writes_at_once: bool,
    /// Whether messages are sent back.
    echoes: bool,
    frames_sent: u8,
}

#[derive(Clone, Copy)]
struct Incoming {
    fin: bool,
    opcode: u8,
    key: [u8; 4],
    length: u64,
    received: u64,
}

struct Open {
    is_text: bool,
    bytes: Vec<u8>,
    /// How many bytes are known to be text.
    checked: usize,
    announced: u64,
    fragments: u32,
    empty: u32,
}

impl Peer {
    fn new(specimen: Specimen, sender: Role, limits: Limits) -> Self {
        Self {
            specimen,
            sender,
            limits,
            gate: Gate {
                each: Each::Byte,
                waiting: Vec::new(),
                payload: (0, false),
            },
            state: State::Open,
            closed_with: None,
            failed: false,
            ended: false,
            buffer: Vec::new(),
            at: 0,
            frame: None,
            control: Vec::new(),
            message: None,
            pongs: Vec::new(),
            output: Vec::new(),
            answers: Vec::new(),
            writes_at_once: false,
            echoes: false,
            frames_sent: 0,
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.specimen.has(bug)
    }

    fn is_finished(&self) -> bool {
        let is_forgotten = self.failed && !self.ended && self.has(Bug::FailureForgotten);
        let still_answers = !self.failed && !self.ended && self.has(Bug::PongAfterPeersClose);
        self.state == State::Closed
            && !is_forgotten
            && !still_answers
            && !self.has(Bug::DataAfterCloseDelivered)
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        if self.is_finished() {
            return seen;
        }
        let was_closed = self.state == State::Closed;
        let bytes = self.gate.pass(bytes);
        self.buffer.extend_from_slice(&bytes);
        while !self.is_finished() || self.has(Bug::RestOfReadDelivered) {
            match self.step(&mut seen) {
                Ok(true) => {}
                Ok(false) => break,
                Err(rule) => {
                    self.fail(rule);
                    seen.push(Seen::Failed(Some(rule)));
                    break;
                }
            }
            self.write_at_once();
        }
        self.write_at_once();
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.has(Bug::PongAfterPeersClose) {
            let end = seen.iter().position(Seen::is_end);
            let end = end.map_or(seen.len(), |end| end + 1);
            seen.truncate(if was_closed { 0 } else { end });
        }
        seen
    }

    /// Reads a header or a piece of payload; `false` when more bytes are needed.
    fn step(&mut self, seen: &mut Vec<Seen>) -> Result<bool, Rule> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.header()? {
                Some(frame) => self.begin(frame)?,
                None => return Ok(false),
            },
        };
        let start = self.at;
        let left = usize::try_from(frame.length - frame.received).unwrap_or(usize::MAX);
        self.at += left.min(self.buffer.len() - start);
        let phase = if self.has(Bug::MaskPhaseRestarts) {
            0
        } else {
            frame.received
        };
        for (byte, i) in self.buffer[start..self.at].iter_mut().zip(phase..) {
            *byte ^= frame.key[(i % 4) as usize];
        }
        frame.received += (self.at - start) as u64;
        self.payload(&frame, start)?;
        if frame.received < frame.length {
            self.frame = Some(frame);
            return Ok(false);
        }
        self.end(&frame, seen)?;
        Ok(true)
    }

    fn header(&mut self) -> Result<Option<Incoming>, Rule> {
        let bytes = &self.buffer[self.at..];
        let Some(&byte0) = bytes.first() else {
            return Ok(None);
        };
        let (fin, opcode) = (byte0 & 0x80 != 0, byte0 & 0x0F);
        if byte0 & 0x70 != 0 && !self.has(Bug::RsvIgnored) {
            return Err(Rule::RsvNotZero);
        }
        if matches!(opcode, 3..=7 | 11..=15) && !self.has(Bug::OpcodeReservedAccepted) {
            return Err(Rule::OpcodeReserved);
        }
        if opcode >= 8 && !fin && !self.has(Bug::ControlFragmentedAccepted) {
            return Err(Rule::ControlFragmented);
        }
        let Some(&byte1) = bytes.get(1) else {
            return Ok(None);
        };
        let short = byte1 & 0x7F;
        if opcode >= 8 && short > 125 && !self.has(Bug::ControlTooLongAccepted) {
            return Err(Rule::ControlTooLong);
        }
        let (size, floor) = match short {
            126 => (2, 126),
            127 => (8, 65_536),
            _ => (0, 0),
        };
        let mut digits = bytes[2..bytes.len().min(2 + size)].to_vec();
        let mut at = 2 + size;
        if self.has(Bug::LengthReadEarly) && digits.len() + 1 == size {
            digits.push(0);
            at -= 1;
        }
        let filled = |filler| {
            (0..size).fold(0, |sum, i| {
                sum << 8 | u64::from(*digits.get(i).unwrap_or(&filler))
            })
        };
        if size == 8 && filled(0) >> 63 == 1 && !self.has(Bug::LengthTopBitUnchecked) {
            return Err(Rule::LengthTopBitSet);
        }
        if filled(0xFF) < floor && !self.has(Bug::LengthNotMinimalAccepted) {
            return Err(Rule::LengthNotMinimal);
        }
        if digits.len() < size {
            return Ok(None);
        }
        let length = match (size, self.specimen.0) {
            (0, _) => u64::from(short),
            (2, Some(Bug::Length16LittleEndian)) => filled(0).swap_bytes() >> 48,
            (2, Some(Bug::Length16SignExtended)) => {
                (u64::from(digits[0]) << 8).wrapping_add_signed((digits[1] as i8).into())
            }
            (8, Some(Bug::Length64CutTo32)) => filled(0) & 0xFFFF_FFFF,
            _ => filled(0),
        };
        let mut key = [0; 4];
        let mut masked = byte1 & 0x80 != 0;
        if masked {
            let Some(bytes) = bytes.get(at..at + 4) else {
                return Ok(None);
            };
            key.copy_from_slice(bytes);
            at += 4;
        }
        if key == [0; 4] && self.has(Bug::ZeroKeyTakenAsUnmasked) {
            masked = false;
        }
        match self.sender {
            Role::Client if !masked && !self.has(Bug::UnmaskedAccepted) => {
                return Err(Rule::MaskMissing);
            }
            Role::Server if masked => return Err(Rule::MaskPresent),
            _ => {}
        }
        self.at += at;
        Ok(Some(Incoming {
            fin,
            opcode,
            key,
            length,
            received: 0,
        }))
    }

    fn begin(&mut self, mut frame: Incoming) -> Result<Incoming, Rule> {
        if frame.opcode >= 8 {
            return Ok(frame);
        }
        match (frame.opcode, &self.message) {
            (0, None) if !self.has(Bug::ContinuationStrayAccepted) => {
                return Err(Rule::ContinuationUnexpected);
            }
            (1.., Some(_)) if !self.has(Bug::MessageInterleavedAccepted) => {
                return Err(Rule::MessageInterleaved);
            }
            (0, Some(_)) => {}
            _ => {
                self.message = Some(Open {
                    is_text: frame.opcode == 1,
                    bytes: Vec::new(),
                    checked: 0,
                    announced: 0,
                    fragments: 0,
                    empty: 0,
                });
            }
        }
        let specimen = self.specimen;
        let open = self.message.as_mut().expect("just opened");
        open.announced = open.announced.saturating_add(frame.length);
        open.fragments += 1;
        if frame.length == 0 && !specimen.has(Bug::EmptyFragmentsNotCounted) {
            open.empty += 1;
        }
        let size = if specimen.has(Bug::LimitPerFrameOnly) {
            frame.length
        } else {
            open.announced
        };
        if size > self.limits.max_bytes {
            return Err(Rule::MessageTooBig);
        }
        if open.fragments > self.limits.max_fragments
            || open.empty > self.limits.max_empty_fragments
        {
            return Err(Rule::TooManyFragments);
        }
        if specimen.has(Bug::DeclaredLengthAllocated) {
            open.bytes.reserve_exact(frame.length as usize);
        }
        if specimen.has(Bug::LengthCounterWraps) {
            frame.length %= 65_536;
        }
        Ok(frame)
    }

    /// Takes the payload that begins at `start` of the buffer.
    fn payload(&mut self, frame: &Incoming, start: usize) -> Result<(), Rule> {
        let specimen = self.specimen;
        let bytes = &self.buffer[start..self.at];
        let is_complete = frame.received == frame.length;
        if frame.opcode >= 8 {
            self.control.extend_from_slice(bytes);
            if let (9, Some(open), true) = (
                frame.opcode,
                &mut self.message,
                specimen.has(Bug::PingLeaksIntoMessage),
            ) {
                open.bytes.extend_from_slice(bytes);
            }
            return if frame.opcode == 8 {
                self.check_close(is_complete).map(drop)
            } else {
                Ok(())
            };
        }
        let Some(open) = &mut self.message else {
            return Ok(());
        };
        if specimen.has(Bug::ReservedWithoutMeasure) {
            open.bytes.reserve(16 * bytes.len());
        }
        open.bytes.extend_from_slice(bytes);
        if !open.is_text || specimen.has(Bug::BadTextReplaced) {
            return Ok(());
        }
        let is_whole = is_complete && frame.fin;
        if self.gate.each == Each::Message && !is_whole && !specimen.has(Bug::Utf8PerFrame) {
            return Ok(());
        }
        if specimen.has(Bug::TextRescanned) {
            open.checked = 0;
        }
        let is_cut_twice = bytes.len() == 1 && frame.received > 2;
        let waited = open.bytes.len() - bytes.len() - open.checked;
        if is_cut_twice && waited == 2 && specimen.has(Bug::CharacterCutTwiceRefused) {
            return Err(Rule::TextNotUtf8);
        }
        let must_be_whole = is_complete && (frame.fin || specimen.has(Bug::Utf8PerFrame));
        match str::from_utf8(&open.bytes[open.checked..]) {
            Ok(_) => open.checked = open.bytes.len(),
            Err(error) if error.error_len().is_none() && !must_be_whole => {
                open.checked += error.valid_up_to();
            }
            Err(_) => return Err(Rule::TextNotUtf8),
        }
        Ok(())
    }

    fn check_close(&self, is_complete: bool) -> Result<Seen, Rule> {
        let [high, low, reason @ ..] = &self.control[..] else {
            let is_wrong =
                is_complete && self.control.len() == 1 && !self.has(Bug::CloseOneByteAccepted);
            return if is_wrong {
                Err(Rule::CloseBodyOneByte)
            } else {
                Ok(Seen::Close(None, String::new()))
            };
        };
        let code = u16::from_be_bytes([*high, *low]);
        let is_excused =
            matches!(code, 1005 | 1006 | 1015) && self.has(Bug::CloseCodeReservedAccepted);
        if !CloseCode(code).is_allowed_on_wire() && !is_excused {
            return Err(Rule::CloseCodeInvalid);
        }
        match str::from_utf8(reason) {
            Err(error)
                if (error.error_len().is_some() || is_complete)
                    && !self.has(Bug::CloseReasonUnchecked) =>
            {
                Err(Rule::CloseReasonNotUtf8)
            }
            _ => Ok(Seen::Close(
                Some(code),
                String::from_utf8_lossy(reason).into_owned(),
            )),
        }
    }

    fn end(&mut self, frame: &Incoming, seen: &mut Vec<Seen>) -> Result<(), Rule> {
        match frame.opcode {
            8 => {
                let close = self.check_close(true)?;
                self.peer_closed();
                seen.push(close);
            }
            9 => {
                let payload = std::mem::take(&mut self.control);
                self.pong(&payload);
                seen.push(Seen::Ping(payload));
            }
            10.. => {
                if self.has(Bug::PongResetsFragments) {
                    self.message = None;
                }
                seen.push(Seen::Pong(std::mem::take(&mut self.control)));
            }
            _ => {
                let is_deaf = self.state == State::Closing && self.has(Bug::DeafAfterClose);
                if let Some(open) = self.message.take_if(|_| frame.fin).filter(|_| !is_deaf) {
                    if self.echoes {
                        self.send(if open.is_text { 1 } else { 2 }, &open.bytes);
                    }
                    seen.push(match open.is_text {
                        true => Seen::Text(String::from_utf8_lossy(&open.bytes).into_owned()),
                        false => Seen::Binary(open.bytes),
                    });
                    if self.has(Bug::BytesAfterMessageDropped) {
                        self.at = self.buffer.len();
                    }
                }
            }
        }
        Ok(())
    }

    fn peer_closed(&mut self) {
        let body = std::mem::take(&mut self.control);
        self.closed_with.get_or_insert(match body[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        });
        if self.state == State::Open {
            let reply = match body[..] {
                [] | [_] if self.has(Bug::NoStatusEchoed) => &1005_u16.to_be_bytes()[..],
                [_] => &[],
                _ => &body,
            };
            self.push(8, reply);
            if self.has(Bug::CloseEchoedTwice) {
                self.push(8, reply);
            }
        }
        self.state = State::Closed;
    }

    fn pong(&mut self, payload: &[u8]) {
        let is_silent = match self.state {
            State::Open => false,
            State::Closing => self.has(Bug::PongMissingAfterClose),
            State::Closed => !self.has(Bug::PongAfterPeersClose),
        };
        if is_silent || (self.has(Bug::PongLostAfterMessage) && !self.output.is_empty()) {
            return;
        }
        if self.pongs.len() > 2048 && !self.has(Bug::PongsUnbounded) {
            if self.has(Bug::LatestPingForgotten) {
                return;
            }
            self.pongs.clear();
        }
        let kept = if self.has(Bug::PongCut) {
            payload.len().min(64)
        } else {
            payload.len()
        };
        let frame = self.encode(10, &payload[..kept]);
        self.pongs.extend(frame);
    }

    fn fail(&mut self, rule: Rule) {
        if self.state == State::Open {
            let is_wrong = self.has(Bug::FailureAlways1002)
                || rule == Rule::CloseReasonNotUtf8 && self.has(Bug::ReasonNotTextIs1002);
            let code = if is_wrong {
                1002
            } else {
                reference::close_code(rule)
            };
            self.push(8, &code.to_be_bytes());
        }
        self.state = State::Closed;
        self.failed = true;
        self.at = self.buffer.len();
    }

    fn push(&mut self, opcode: u8, payload: &[u8]) {
        let frame = self.encode(opcode, payload);
        self.output.extend(frame);
    }

    fn encode(&mut self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        self.frames_sent = self.frames_sent.wrapping_add(1);
        let is_client = self.sender == Role::Server;
        let masks = match (is_client, opcode) {
            (true, 1 | 2) => !self.has(Bug::ClientMessagesUnmasked),
            (true, 10) if self.state == State::Closing => !self.has(Bug::LatePongUnmasked),
            (true, _) => true,
            (false, _) => self.has(Bug::ServerMasks),
        };
        let key = if self.has(Bug::KeyReused) {
            [1; 4]
        } else {
            [self.frames_sent; 4]
        };
        let mut frame = wire::encode(0x80 | opcode, masks.then_some(key), payload);
        if payload.len() >= 65_536 && self.has(Bug::Length64SentLittleEndian) {
            frame[2..10].reverse();
        }
        frame
    }

    fn write_at_once(&mut self) {
        if self.writes_at_once {
            let output = self.take_output();
            self.answers.extend(output);
        }
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) -> bool {
        let may_send = match self.state {
            State::Open => true,
            State::Closing => opcode != 8 && self.has(Bug::MessageAfterClose),
            State::Closed => false,
        };
        if may_send {
            self.push(opcode, payload);
        }
        may_send
    }
}

impl Reader for Peer {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        self.take(bytes)
    }

    fn answers(&self) -> Option<&[u8]> {
        Some(&self.answers)
    }
}

impl Endpoint for Peer {
    fn receive(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        self.take(bytes)
    }

    fn receive_eof(&mut self) {
        self.ended = true;
        if self.has(Bug::CloseCodeForgotten) {
            self.closed_with = None;
        }
        if !self.has(Bug::EofIgnored) {
            self.state = State::Closed;
        }
    }

    fn send_text(&mut self, text: &str) -> bool {
        self.send(1, text.as_bytes())
    }

    fn send_binary(&mut self, bytes: &[u8]) -> bool {
        self.send(2, bytes)
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        payload.len() <= 125 && self.send(9, payload)
    }

    fn close(&mut self, code: u16, reason: &str) -> bool {
        let reason = if self.has(Bug::CloseReasonDropped) {
            ""
        } else {
            reason
        };
        let body = close::encode(CloseCode(code), reason);
        let is_closing = CloseCode(code).is_allowed_on_wire() && self.send(8, &body);
        if is_closing {
            self.state = State::Closing;
        }
        is_closing
    }

    fn state(&self) -> State {
        self.state
    }

    fn closed_with(&self) -> Option<u16> {
        let is_over = self.state == State::Closed;
        is_over.then(|| self.closed_with.unwrap_or(1006))
    }

    fn take_output(&mut self) -> Vec<u8> {
        // Pongs go ahead.
        if self.has(Bug::PongOvertakenByClose) && self.state != State::Open {
            self.output.append(&mut self.pongs);
        } else {
            self.pongs.append(&mut self.output);
            std::mem::swap(&mut self.pongs, &mut self.output);
        }
        std::mem::take(&mut self.output)
    }
}

/// Collects a head whole, then looks for what it must hold.
struct HeadReader {
    specimen: Specimen,
    sender: Role,
    limits: head::Limits,
    /// What the server wants.
    subprotocol: Option<String>,
    /// That of the request, for a response.
    key: String,
    bytes: Vec<u8>,
}

impl Handshake for HeadReader {
    fn receive(&mut self, bytes: &[u8]) -> Option<Verdict> {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        // The end may have begun in the bytes before.
        let overlap = if self.specimen.has(Bug::HeadEndCutMissed) {
            0
        } else {
            3
        };
        let mut ends = self.bytes[before.saturating_sub(overlap)..].windows(4);
        let is_there = ends.any(|window| window == b"\r\n\r\n");
        let unfolded = self.unfolded();
        let head = if is_there {
            reference::head(&unfolded)
        } else {
            None
        };
        let Some((lines, rest)) = head else {
            let is_too_large = self.bytes.len() > self.limits.max_bytes;
            return is_too_large.then_some(Verdict::Refused(Some(Rule::HeadTooLarge)));
        };
        let verdict = match self.judge(&lines, self.bytes.len() - rest.len()) {
            Err(rule) => Verdict::Refused(Some(rule)),
            Ok(response) => {
                let kept = if self.specimen.has(Bug::BytesAfterHeadDropped) {
                    &[]
                } else {
                    rest
                };
                Verdict::Accepted {
                    response,
                    rest: kept.to_vec(),
                }
            }
        };
        let kept = if self.specimen.has(Bug::FirstHeadKept) {
            self.bytes.len() - rest.len() - 2
        } else {
            0
        };
        self.bytes.truncate(kept);
        Some(verdict)
    }
}

impl HeadReader {
    fn new(
        specimen: Specimen,
        sender: Role,
        limits: head::Limits,
        subprotocol: Option<&str>,
    ) -> Self {
        Self {
            specimen,
            sender,
            limits,
            subprotocol: subprotocol.map(str::to_owned),
            key: OPENING_KEY.into(),
            bytes: Vec::new(),
        }
    }

    /// What has arrived, with a response's headers on one line each.
    fn unfolded(&self) -> Vec<u8> {
        match self.specimen.0 {
            Some(Bug::FoldedResponseRefused) => self.bytes.clone(),
            Some(Bug::FoldedRequestTaken) => reference::unfolded(Role::Server, &self.bytes),
            _ => reference::unfolded(self.sender, &self.bytes),
        }
    }

    fn judge(&self, lines: &[&[u8]], length: usize) -> Result<String, Rule> {
        if length > self.limits.max_bytes {
            return Err(Rule::HeadTooLarge);
        }
        if lines.len() - 1 > self.limits.max_headers
            && !self.specimen.has(Bug::HeaderCountUnlimited)
        {
            return Err(Rule::TooManyHeaders);
        }
        // Neither need be refused (RFC 9112 §2.2, §3), but it is better.
        let mut ends = self.bytes[..length].split(|&byte| byte == b'\n');
        ends.next_back();
        if ends.any(|line| !line.ends_with(b"\r")) {
            return Err(Rule::HeadLineEnding);
        }
        if self.sender == Role::Client && !lines[0].iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Rule::RequestLineMalformed);
        }
        match self.sender {
            Role::Client => self.judge_request(lines),
            Role::Server => self.judge_response(lines),
        }
    }

    fn judge_request(&self, lines: &[&[u8]]) -> Result<String, Rule> {
        let named = |name: &str| {
            lines
                .iter()
                .any(|line| line.split(|&byte| byte == b':').next() == Some(name.as_bytes()))
        };
        if self.specimen.has(Bug::HeaderNamesCaseSensitive)
            && !(named("Upgrade") && named("Connection"))
        {
            return Err(Rule::UpgradeMissing);
        }
        if self.specimen.has(Bug::ConnectionComparedWhole)
            && !reference::values(lines, "Connection")
                .iter()
                .any(|value| value.eq_ignore_ascii_case("upgrade"))
        {
            return Err(Rule::ConnectionUpgradeMissing);
        }
        if self.specimen.has(Bug::SubprotocolsComparedInPairs) {
            let list = reference::values(lines, "Sec-WebSocket-Protocol").join(",");
            let names: Vec<&str> = list.split(',').collect();
            let mut pairs = names.iter().enumerate();
            if pairs.any(|(i, name)| names[..i].contains(name)) {
                return Err(Rule::SubprotocolsMalformed);
            }
        }
        let mut names = BTreeSet::new();
        let is_first = |line: &&&[u8]| {
            let name = line.split(|&byte| byte == b':').next();
            names.insert(name.unwrap_or_default().to_ascii_lowercase())
        };
        let first_ones: Vec<&[u8]>;
        let lines = if self.specimen.has(Bug::RepeatedHeaderTaken) {
            first_ones = lines.iter().filter(is_first).copied().collect();
            &first_ones[..]
        } else {
            lines
        };
        match reference::request_lacks(lines) {
            Some("a key of 16 bytes") if self.specimen.has(Bug::KeyLengthUnchecked) => {
                let key = reference::values(lines, "Sec-WebSocket-Key").concat();
                STANDARD.decode(key).map_err(|_| Rule::KeyInvalid)?;
            }
            Some("one Host") if self.specimen.has(Bug::HostUnchecked) => {}
            Some("at most one Origin, in ASCII") if self.specimen.has(Bug::OriginUnchecked) => {}
            Some("different tokens as subprotocols")
                if self.specimen.has(Bug::SubprotocolsUnchecked) => {}
            Some("extensions") if self.specimen.has(Bug::ExtensionsUnchecked) => {}
            Some("HTTP/1.x") if self.specimen.has(Bug::MajorVersionUnchecked) => {}
            Some("version 13") if self.specimen.has(Bug::VersionUnchecked) => {}
            Some(_) => return Err(Rule::KeyInvalid),
            None => {}
        }
        let key = reference::values(lines, "Sec-WebSocket-Key").concat();
        let accept = match self.specimen.0 {
            Some(Bug::AcceptOfCutKey) => reference::accept_value(&key.replace('=', "")),
            _ => reference::accept_value(&key),
        };
        let offered = reference::values(lines, "Sec-WebSocket-Protocol").join(",");
        let is_named = |name: &&str| {
            let is_offered = offered.split(',').any(|other| other.trim() == *name);
            is_offered || self.specimen.has(Bug::SubprotocolNotOfferedNamed)
        };
        let subprotocol = self.subprotocol.as_deref().filter(is_named);
        let subprotocol = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
        let subprotocol = subprotocol.unwrap_or_default();
        Ok(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{subprotocol}\r\n"
        ))
    }

    fn judge_response(&self, lines: &[&[u8]]) -> Result<String, Rule> {
        match reference::response_lacks(&self.key, lines) {
            Some("the accept value") if self.specimen.has(Bug::AcceptUnchecked) => {}
            Some("Upgrade: websocket alone") if self.specimen.has(Bug::OtherProtocolTaken) => {}
            Some("HTTP/1.1 or higher") if self.specimen.has(Bug::ResponseVersionUnchecked) => {}
            Some("no body") if self.specimen.has(Bug::ResponseBodyTaken) => {}
            Some("an offered subprotocol or none")
                if self.specimen.has(Bug::SubprotocolComparedWithoutCase)
                    && reference::values(lines, "Sec-WebSocket-Protocol")
                        .concat()
                        .eq_ignore_ascii_case("chat") => {}
            Some("no extension") if self.specimen.has(Bug::ExtensionTaken) => {}
            Some(_) => return Err(Rule::AcceptWrong),
            None => {}
        }
        Ok(String::new())
    }
}

/// A chunked body as far as it has come, taken apart from its first byte each time.
struct Pieces {
    specimen: Specimen,
    body: Vec<u8>,
    handed_out: usize,
    end: End,
}

impl Chunks for Pieces {
    fn receive(&mut self, bytes: &[u8], data: &mut dyn FnMut(&[u8])) -> Option<usize> {
        let before = match self.end {
            End::Missing => self.body.len(),
            End::After(end) => end,
            End::Wrong => return None,
        };
        let is_line_end_cut = self.body.ends_with(b"\r") && bytes.starts_with(b"\n");
        self.body.extend_from_slice(bytes);
        let (mut all, mut end) = unchunked(&self.body);
        if end == End::Wrong && self.specimen.has(Bug::ChunkSizeSigned) {
            let unsigned = self.body.iter().map(|byte| match byte {
                b'+' => b'0',
                byte => *byte,
            });
            (all, end) = unchunked(&unsigned.collect::<Vec<_>>());
        }
        if is_line_end_cut && self.specimen.has(Bug::CutLineEndRefused) {
            end = End::Wrong;
        }
        if let Some(new @ [_, ..]) = all.get(self.handed_out..) {
            data(new);
            self.handed_out = all.len();
        }
        self.end = end;
        match end {
            End::Missing => Some(bytes.len()),
            End::After(_) if self.specimen.has(Bug::AllTakenForBody) => Some(bytes.len()),
            End::After(end) => Some(end - before),
            End::Wrong => None,
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.end, End::After(_))
    }
}

/// Text, and the bytes of a character that is not complete.
struct Letters {
    specimen: Specimen,
    text: String,
    partial: Vec<u8>,
}

impl Text for Letters {
    fn decode(&mut self, bytes: &[u8]) -> bool {
        if self.specimen.has(Bug::CutCharacterLost) {
            self.partial.clear();
        }
        self.partial.extend_from_slice(bytes);
        loop {
            let (length, wrong) = match str::from_utf8(&self.partial) {
                Ok(text) => (text.len(), None),
                Err(error) => (error.valid_up_to(), error.error_len()),
            };
            let whole: Vec<u8> = self.partial.drain(..length).collect();
            self.text += str::from_utf8(&whole).expect("just checked");
            match (wrong, &self.partial[..]) {
                (None, _) => return true,
                (Some(_), [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..])
                    if self.specimen.has(Bug::SurrogatesAccepted) =>
                {
                    self.partial.drain(..3).for_each(drop);
                    self.text.push(char::REPLACEMENT_CHARACTER);
                }
                // The rest of the surrogate may be on its way.
                (Some(_), [0xED] | [0xED, 0xA0..=0xBF])
                    if self.specimen.has(Bug::SurrogatesAccepted) =>
                {
                    return true;
                }
                _ => return false,
            }
        }
    }

    fn so_far(&self) -> &str {
        &self.text
    }

    fn may_end(&self) -> bool {
        self.partial.is_empty()
    }
}
