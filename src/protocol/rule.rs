//! Every MUST that a peer can break, as one table.
//!
//! A rule has a stable id, the section it comes from, a clause in our own words, what the peer is told,
//! the field blamed, the point at which it is judged, and bytes that break it. Errors, verdicts, tests
//! and fuzz seeds are all made from this table, so what is said about a rule is said once. A row:
//!
//! ```text
//! /// The opcode is one of 3-7 or 11-15 (§5.2).                       its documentation
//! OpcodeReserved: "opcode-reserved", "5.2", PROTOCOL,               variant: id, section, answer,
//!     Opcode, Opcode,                                               field, stage,
//!     "opcodes 3-7 and 11-15 must not be used",                     clause,
//!     client b"\x83\x80\0\0\0\0", server b"\x83\x00";               bytes by which each side breaks it
//! ```
//!
//! The rules about frames come first; [`frame`](super::frame) has the picture with the names of the
//! fields. The rules about heads, with the bytes made by `head!`, can wait until [`head`](super::head).

use super::Role;
use super::close_code::CloseCode;
use std::fmt;

/// Makes the enum, the list of all rules and a row for each from the table below. Its pattern names the
/// columns.
macro_rules! rules {
    ($(
        $(#[$doc:meta])+
        $rule:ident: $id:literal, $section:literal, $answer:expr, $field:ident, $stage:ident,
            $clause:literal $(, client $client:expr)? $(, server $server:expr)?;
    )+) => {
        /// One demand on the peer. A variant is named after the way it is broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])+ $rule,)+
        }

        impl Rule {
            /// Every rule, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$rule => Row {
                        id: $id,
                        section: Section($section),
                        answer: $answer,
                        field: Field::$field,
                        stage: Stage::$stage,
                        clause: $clause,
                        client: rules!(@ $($client)?),
                        server: rules!(@ $($server)?),
                    },)+
                }
            }
        }
    };
    (@) => { None };
    (@ $bytes:expr) => { Some($bytes) };
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    id: &'static str,
    section: Section,
    answer: Answer,
    field: Field,
    stage: Stage,
    clause: &'static str,
    /// What a client sends to break the rule, if the rule binds it.
    client: Option<&'static [u8]>,
    /// The same for a server.
    server: Option<&'static [u8]>,
}

const PROTOCOL: Answer = Answer::Close(CloseCode::PROTOCOL_ERROR);
const DATA: Answer = Answer::Close(CloseCode::INVALID_PAYLOAD);
const SIZE: Answer = Answer::Close(CloseCode::TOO_BIG);
const BAD_REQUEST: Answer = Answer::Status(400);

rules! {
    // A frame's header, judged byte by byte.
    /// A reserved bit is set though no extension gave it a meaning (§5.2).
    RsvNotZero: "rsv-not-zero", "5.2", PROTOCOL, Rsv, Rsv,
        "reserved bits must be 0 unless an extension was negotiated",
        client b"\xC1\x80\0\0\0\0", server b"\xC1\x00";
    /// The opcode is one of 3-7 or 11-15 (§5.2).
    OpcodeReserved: "opcode-reserved", "5.2", PROTOCOL, Opcode, Opcode,
        "opcodes 3-7 and 11-15 must not be used",
        client b"\x83\x80\0\0\0\0", server b"\x83\x00";
    /// A ping, pong or close with FIN clear (§5.5).
    ControlFragmented: "control-fragmented", "5.5", PROTOCOL, Fin, Fin,
        "a control frame must be whole",
        client b"\x09\x80\0\0\0\0", server b"\x09\x00";
    /// A ping, pong or close of more than 125 bytes (§5.5).
    ControlTooLong: "control-too-long", "5.5", PROTOCOL, PayloadLength, ShortLength,
        "a control frame carries at most 125 bytes",
        client b"\x89\xFE\x00\x7E\0\0\0\0", server b"\x89\x7E\x00\x7E";
    /// The length would have fitted a shorter form (§5.2).
    LengthNotMinimal: "length-not-minimal", "5.2", PROTOCOL, PayloadLength, LongLength,
        "a length must use the shortest form that fits",
        client b"\x82\xFE\x00\x7D\0\0\0\0", server b"\x82\x7E\x00\x7D";
    /// The top bit of a 64-bit length is set (§5.2).
    LengthTopBitSet: "length-top-bit-set", "5.2", PROTOCOL, PayloadLength, LongLength,
        "the top bit of a 64-bit length must be 0",
        client b"\x82\xFF\x80\0\0\0\0\0\0\0", server b"\x82\x7F\x80\0\0\0\0\0\0\0";

    // A frame in its connection, judged when the header is complete.
    /// A client sent a frame without a mask (§5.1).
    MaskMissing: "mask-missing", "5.1", PROTOCOL, Mask, Mask,
        "a client must mask every frame",
        client b"\x81\x00";
    /// A server sent a frame with a mask (§5.1).
    MaskPresent: "mask-present", "5.1", PROTOCOL, Mask, Mask,
        "a server must not mask",
        server b"\x81\x80\0\0\0\0";
    /// A continuation while no message is open (§5.4).
    ContinuationUnexpected: "continuation-unexpected", "5.4", PROTOCOL, Opcode, Order,
        "a continuation needs an unfinished message",
        client b"\x80\x80\0\0\0\0", server b"\x80\x00";
    /// A new message inside an unfinished one (§5.4).
    MessageInterleaved: "message-interleaved", "5.4", PROTOCOL, Opcode, Order,
        "a message must end before the next begins",
        client b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", server b"\x01\x00\x81\x00";
    /// The message would exceed the size limit (§10.4).
    MessageTooBig: "message-too-big", "10.4", SIZE, PayloadLength, Size,
        "a message must fit the receiver's limit",
        client b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0",
        server b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    /// The message has more fragments, or more empty ones, than the limit (§10.4).
    TooManyFragments: "too-many-fragments", "10.4", SIZE, Fin, Count,
        "a message's fragments, and the empty ones among them, must fit the receiver's limits",
        client &example::EMPTY_FRAGMENTS_MASKED, server &example::EMPTY_FRAGMENTS;

    // Payloads, judged as their bytes arrive.
    /// A text message that is not UTF-8 (§8.1).
    TextNotUtf8: "text-not-utf8", "8.1", DATA, Payload, Text,
        "text must be UTF-8",
        client b"\x81\x81\0\0\0\0\xFF", server b"\x81\x01\xFF";
    /// A Close body of one byte: half a code (§5.5.1).
    CloseBodyOneByte: "close-body-one-byte", "5.5.1", PROTOCOL, CloseCode, CloseCode,
        "a Close body begins with a code of two bytes",
        client b"\x88\x81\0\0\0\0\x03", server b"\x88\x01\x03";
    /// A Close code that must not be on the wire (§7.4).
    CloseCodeInvalid: "close-code-invalid", "7.4", PROTOCOL, CloseCode, CloseCode,
        "a Close code must be one that may be sent",
        client b"\x88\x82\0\0\0\0\x03\xED", server b"\x88\x02\x03\xED";
    /// A Close reason that is not UTF-8 (§5.5.1).
    CloseReasonNotUtf8: "close-reason-not-utf8", "5.5.1", DATA, CloseReason, Text,
        "a Close reason must be UTF-8",
        client b"\x88\x83\0\0\0\0\x03\xE8\xFF", server b"\x88\x03\x03\xE8\xFF";

    // The head of a request or response, judged byte by byte and line by line.
    /// A control byte in the head (RFC 9110 §5.5).
    HeadControlByte: "head-control-byte", "RFC 9110 5.5", BAD_REQUEST, Header, ControlByte,
        "a head holds no control bytes but tabs and line ends",
        client b"\x16\x03\x01", server b"\x16\x03\x01";
    /// A CR or LF standing alone (RFC 9112 §2.2).
    HeadLineEnding: "head-line-ending", "RFC 9112 2.2", BAD_REQUEST, Header, LineEnding,
        "every line ends with CR LF, and neither stands alone",
        client b"GET /chat HTTP/1.1\n", server b"HTTP/1.1 101 Switching Protocols\n";
    /// The request line alone exceeds the head's limit (RFC 9112 §3).
    RequestLineTooLong: "request-line-too-long", "RFC 9112 3", Answer::Status(414), StartLine, HeadSize,
        "the request line must fit the receiver's limit",
        client &example::LONG_LINE;
    /// The head exceeds its limit of bytes (RFC 9110 §5.4).
    HeadTooLarge: "head-too-large", "RFC 9110 5.4", Answer::Status(431), Header, HeadSize,
        "the head must fit the receiver's limit of bytes",
        client &example::LONG_HEADER, server &example::LONG_STATUS_LINE;
    /// The head has more header fields than the limit (RFC 9110 §5.4).
    TooManyHeaders: "too-many-headers", "RFC 9110 5.4", Answer::Status(431), Header, FieldCount,
        "the head must fit the receiver's limit of header fields",
        client &example::MANY_HEADERS_REQUEST, server &example::MANY_HEADERS_RESPONSE;
    /// Not "method target version" (RFC 9112 §3).
    RequestLineMalformed: "request-line-malformed", "RFC 9112 3", BAD_REQUEST, StartLine, StartLine,
        "a request line is a method, a target and a version, one space apart",
        client b"GET /chat\r\n";
    /// Not "version code reason" (RFC 9112 §4).
    StatusLineMalformed: "status-line-malformed", "RFC 9112 4", Answer::Disconnect, StartLine, StartLine,
        "a status line is a version, a code of three digits and a reason, one space apart",
        server b"HTTP/1.1 1O1 Switching Protocols\r\n";
    /// A version of HTTP above 1.x, whose messages may mean anything (RFC 9110 §2.5).
    HttpVersionTooHigh: "http-version-too-high", "RFC 9110 2.5", Answer::Status(505), StartLine, StartLine,
        "the major version of HTTP is at most 1",
        client b"PRI * HTTP/2.0\r\n", server b"HTTP/2.0 101 Switching Protocols\r\n";
    /// A header line of a request that continues the one above (RFC 9112 §5.2). In a response it is taken.
    HeaderFolded: "header-folded", "RFC 9112 5.2", BAD_REQUEST, Header, Folding,
        "a header field of a request stands on one line",
        client b"GET /chat HTTP/1.1\r\nHost: example.com\r\n :80\r\n";
    /// Not "name: value", the name being a token (RFC 9112 §5.1).
    HeaderMalformed: "header-malformed", "RFC 9112 5.1", BAD_REQUEST, Header, FieldLine,
        "a header field is a token, a colon directly after it, and a value",
        client b"GET /chat HTTP/1.1\r\nHost : example.com\r\n",
        server b"HTTP/1.1 101 Switching Protocols\r\nUpgrade : websocket\r\n";

    // The opening handshake, judged when its head is complete.
    /// Host is missing, repeated or not a host (RFC 9112 §3.2).
    HostInvalid: "host-invalid", "RFC 9112 3.2", BAD_REQUEST, Header, Handshake,
        "a request names its host in exactly one Host header",
        client head!(GET UPGRADE CONNECTION KEY VERSION);
    /// A handshake by a version below HTTP/1.1 (§4.1).
    HttpVersionTooLow: "http-version-too-low", "4.1", BAD_REQUEST, StartLine, Handshake,
        "a handshake needs HTTP/1.1 or higher",
        client head!("GET /chat HTTP/1.0" HOST UPGRADE CONNECTION KEY VERSION),
        server head!("HTTP/1.0 101 Switching Protocols" UPGRADE CONNECTION ACCEPT);
    /// A handshake by another method than GET (§4.1).
    MethodNotGet: "method-not-get", "4.1", Answer::Status(405), StartLine, Handshake,
        "a handshake is a GET request",
        client head!("POST /chat HTTP/1.1" HOST UPGRADE CONNECTION KEY VERSION);
    /// A header that may stand once stands twice (§11.3).
    HeaderRepeated: "header-repeated", "11.3", BAD_REQUEST, Header, Handshake,
        "Key, Version, Accept, Origin and the like stand once",
        client head!(GET HOST UPGRADE CONNECTION KEY KEY VERSION),
        server head!(SWITCHING UPGRADE CONNECTION ACCEPT ACCEPT);
    /// A handshake that announces a body (RFC 9110 §7.8).
    BodyAnnounced: "body-announced", "RFC 9110 7.8", BAD_REQUEST, Header, Handshake,
        "a handshake has no body",
        client head!(GET HOST UPGRADE CONNECTION KEY VERSION "Content-Length: 5"),
        server head!(SWITCHING UPGRADE CONNECTION ACCEPT "Transfer-Encoding: chunked");
    /// Upgrade does not name websocket (§4.1).
    UpgradeMissing: "upgrade-missing", "4.1", Answer::Status(426), Header, Handshake,
        "Upgrade must name websocket",
        client head!(GET HOST CONNECTION KEY VERSION), server head!(SWITCHING CONNECTION ACCEPT);
    /// Connection does not name upgrade (§4.1).
    ConnectionUpgradeMissing: "connection-upgrade-missing", "4.1", BAD_REQUEST, Header, Handshake,
        "Connection must name upgrade",
        client head!(GET HOST UPGRADE KEY VERSION), server head!(SWITCHING UPGRADE ACCEPT);
    /// Sec-WebSocket-Version is not 13 (§4.1).
    VersionNot13: "version-not-13", "4.1", Answer::Status(426), Header, Handshake,
        "Sec-WebSocket-Version must be 13",
        client head!(GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 8");
    /// Sec-WebSocket-Key is not base64 of 16 bytes (§4.1).
    KeyInvalid: "key-invalid", "4.1", BAD_REQUEST, Header, Handshake,
        "Sec-WebSocket-Key must be base64 of 16 bytes",
        client head!(GET HOST UPGRADE CONNECTION "Sec-WebSocket-Key: c2hvcnQ=" VERSION);
    /// Sec-WebSocket-Protocol is not a list of different tokens (§4.1).
    SubprotocolsMalformed: "subprotocols-malformed", "4.1", BAD_REQUEST, Header, Handshake,
        "Sec-WebSocket-Protocol lists different tokens",
        client head!(GET HOST UPGRADE CONNECTION KEY VERSION "Sec-WebSocket-Protocol: chat, chat");
    /// Sec-WebSocket-Extensions is not a list of extensions (§9.1).
    ExtensionsMalformed: "extensions-malformed", "9.1", BAD_REQUEST, Header, Handshake,
        "Sec-WebSocket-Extensions lists extensions with parameters",
        client head!(GET HOST UPGRADE CONNECTION KEY VERSION "Sec-WebSocket-Extensions: a; b=\"c"),
        server head!(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: ;");
    /// The answer's status is not 101 (§4.1).
    StatusNot101: "status-not-101", "4.1", Answer::Disconnect, StartLine, Handshake,
        "a handshake is accepted with status 101",
        server head!("HTTP/1.1 200 OK" UPGRADE CONNECTION ACCEPT);
    /// Sec-WebSocket-Accept does not answer the key (§4.1).
    AcceptWrong: "accept-wrong", "4.1", Answer::Disconnect, Header, Handshake,
        "Sec-WebSocket-Accept must be the base64 SHA-1 of key and GUID",
        server head!(SWITCHING UPGRADE CONNECTION "Sec-WebSocket-Accept: hHLtf2V1k8aDQZfNjw3Ia1hCwt0=");
    /// The answer names a subprotocol that was not offered (§4.1).
    SubprotocolNotOffered: "subprotocol-not-offered", "4.1", Answer::Disconnect, Header, Handshake,
        "the server chooses one of the offered subprotocols or none",
        server head!(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: unheard-of");
    /// The answer names an extension that was not offered (§4.1).
    ExtensionNotOffered: "extension-not-offered", "4.1", Answer::Disconnect, Header, Handshake,
        "the server chooses among the offered extensions",
        server head!(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: permessage-deflate");
}

impl Rule {
    /// A short, stable name, such as `length-not-minimal`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.row().id
    }

    /// The section that demands it.
    #[must_use]
    pub const fn section(self) -> Section {
        self.row().section
    }

    /// The demand in one clause.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        self.row().clause
    }

    /// What a peer that breaks it is told.
    #[must_use]
    pub const fn answer(self) -> Answer {
        self.row().answer
    }

    /// The code of the Close frame that answers it, for rules about frames.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        match self.answer() {
            Answer::Close(code) => Some(code),
            Answer::Status(_) | Answer::Disconnect => None,
        }
    }

    /// The field to look at.
    #[must_use]
    pub const fn field(self) -> Field {
        self.row().field
    }

    /// When it is judged.
    #[must_use]
    pub const fn stage(self) -> Stage {
        self.row().stage
    }

    /// An example: bytes by which `sender` breaks this rule and no other, under default limits, at the
    /// beginning of its handshake or of its frames; `None` when the rule does not bind that side.
    ///
    /// A client's frames carry the key 00000000, so that their payload can be read. A server's response
    /// answers the key `dGhlIHNhbXBsZSBub25jZQ==` of §1.3.
    #[must_use]
    pub const fn example(self, sender: Role) -> Option<&'static [u8]> {
        match sender {
            Role::Client => self.row().client,
            Role::Server => self.row().server,
        }
    }
}

/// The clause and its section.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.clause(), self.section())
    }
}

impl std::error::Error for Rule {}

/// A section of an RFC, as in `5.5` or `RFC 9112 2.2`: of RFC 6455 where no other is named.
///
/// ```
/// use plainws::protocol::rule::Section;
///
/// assert_eq!(Section("5.5").to_string(), "§5.5");
/// assert_eq!(Section("RFC 9112 2.2").to_string(), "RFC 9112 §2.2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Section(pub &'static str);

/// With the section sign.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.rsplit_once(' ') {
            Some((rfc, number)) => write!(f, "{rfc} §{number}"),
            None => write!(f, "§{}", self.0),
        }
    }
}

/// What an endpoint says to a peer that broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// A Close frame with this code.
    Close(CloseCode),
    /// An HTTP response with this status (a server's answer to a handshake).
    Status(u16),
    /// Nothing: a client leaves when the answer to its handshake is wrong.
    Disconnect,
}

/// The part of the wire that a rule speaks about. Names as in Wireshark's WebSocket dissector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// FIN: the last frame of its message.
    Fin,
    /// RSV1, RSV2 and RSV3.
    Rsv,
    /// The frame's opcode.
    Opcode,
    /// The bit that announces a masking key.
    Mask,
    /// The length in any of its three forms.
    PayloadLength,
    /// The four bytes of the key.
    MaskingKey,
    /// The payload of a data, ping or pong frame.
    Payload,
    /// The first two bytes of a Close body.
    CloseCode,
    /// The rest of a Close body.
    CloseReason,
    /// The first line of a head.
    StartLine,
    /// A header field, named in the rule's clause.
    Header,
}

impl Field {
    /// The name in listings and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rsv => "rsv",
            Self::Opcode => "opcode",
            Self::Mask => "mask",
            Self::PayloadLength => "payload_length",
            Self::MaskingKey => "masking_key",
            Self::Payload => "payload",
            Self::CloseCode => "payload.close.status_code",
            Self::CloseReason => "payload.close.reason",
            Self::StartLine => "start_line",
            Self::Header => "header",
        }
    }
}

/// When a rule is judged: the points that the reading of a frame, or of a head, passes in this order.
///
/// A frame that breaks several rules is reported for the one with the earliest stage. In a head the
/// bytes are judged one by one and a line at its end: of the rules that the same byte shows to be
/// broken, the one with the earliest stage is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    // A frame.
    /// The first byte is there: its reserved bits.
    Rsv,
    /// The first byte: its opcode.
    Opcode,
    /// The first byte: its FIN bit, which a control frame needs.
    Fin,
    /// The second byte is there, and with it a length of up to 125.
    ShortLength,
    /// A longer length, as soon as those of its bytes that are there decide.
    LongLength,
    /// The header is complete: whether it has a mask.
    Mask,
    /// The header is complete: whether such a frame may come now.
    Order,
    /// The header is complete: whether the message still fits the limit.
    Size,
    /// The header is complete: whether its message may have one more fragment.
    Count,
    /// The two bytes of a Close code.
    CloseCode,
    /// Text, at the first byte that cannot be right.
    Text,

    // A head.
    /// Each byte: whether CR and LF stand together.
    LineEnding,
    /// Each byte: whether it may stand in a head at all.
    ControlByte,
    /// Each byte: whether it still fits the limit.
    HeadSize,
    /// The end of the first line.
    StartLine,
    /// The end of another line of a request: whether it begins with a blank.
    Folding,
    /// The end of another line: whether it is a header field.
    FieldLine,
    /// The end of another line: whether it is one too many.
    FieldCount,
    /// The head is complete: whether it is a handshake. A target or header value may turn out to be
    /// malformed only here.
    Handshake,
}

/// A head from well-known lines and literal ones.
macro_rules! head {
    (@ GET) => { "GET /chat HTTP/1.1\r\n" };
    (@ HOST) => { "Host: example.com\r\n" };
    (@ UPGRADE) => { "Upgrade: websocket\r\n" };
    (@ CONNECTION) => { "Connection: Upgrade\r\n" };
    (@ KEY) => { "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" };
    (@ VERSION) => { "Sec-WebSocket-Version: 13\r\n" };
    (@ SWITCHING) => { "HTTP/1.1 101 Switching Protocols\r\n" };
    (@ ACCEPT) => { "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" };
    (@ $line:literal) => { concat!($line, "\r\n") };
    ($($line:tt)+) => { concat!($(head!(@ $line),)+ "\r\n").as_bytes() };
}
use head;

/// Examples too long to be written out: they step over a default limit.
mod example {
    /// One more than `message::Limits::default().max_empty_fragments`.
    const EMPTY: usize = 129;
    pub(super) static EMPTY_FRAGMENTS_MASKED: [u8; 6 * EMPTY] =
        repeated(b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0");
    pub(super) static EMPTY_FRAGMENTS: [u8; 2 * EMPTY] = repeated(b"\x01\x00", b"\x00\x00");

    /// One more than `head::Limits::default().max_bytes`.
    const LONG: usize = 16 * 1024 + 1;
    pub(super) static LONG_LINE: [u8; LONG] = repeated(b"GET /", b"a");
    pub(super) static LONG_HEADER: [u8; LONG] = repeated(b"GET /chat HTTP/1.1\r\na: ", b"a");
    pub(super) static LONG_STATUS_LINE: [u8; LONG] = repeated(b"HTTP/1.1 101 ", b"a");

    /// One more than `head::Limits::default().max_headers`.
    const MANY: usize = 101 * 6;
    pub(super) static MANY_HEADERS_REQUEST: [u8; 20 + MANY] =
        repeated(b"GET /chat HTTP/1.1\r\n", b"a: b\r\n");
    pub(super) static MANY_HEADERS_RESPONSE: [u8; 18 + MANY] =
        repeated(b"HTTP/1.1 101 Go!\r\n", b"a: b\r\n");

    /// `first`, then `next` again and again, `N` bytes in all.
    const fn repeated<const N: usize>(first: &[u8], next: &[u8]) -> [u8; N] {
        let mut bytes = [0; N];
        let mut i = 0;
        while i < N {
            bytes[i] = if i < first.len() {
                first[i]
            } else {
                next[(i - first.len()) % next.len()]
            };
            i += 1;
        }
        bytes
    }
}
