//! Every MUST that a peer can break, as one table.
//!
//! A rule has a stable id, the section it comes from, a clause in our own words, what the peer is told,
//! the field blamed, and bytes that break it. Errors, verdicts, tests and fuzz seeds are
//! all made from this table, so what is said about a rule is said once.

use super::Role;
use super::close_code::CloseCode;
use std::fmt;

/// One demand on the peer. A variant is named after the way it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    // Frames: judged by `frame`, in the order of their bytes.
    /// A reserved bit is set though no extension gave it a meaning (§5.2).
    RsvNotZero,
    /// The opcode is one of 3-7 or 11-15 (§5.2).
    OpcodeReserved,
    /// A ping, pong or close with FIN clear (§5.5).
    ControlFragmented,
    /// A ping, pong or close of more than 125 bytes (§5.5).
    ControlTooLong,
    /// The length would have fitted a shorter form (§5.2).
    LengthNotMinimal,
    /// The top bit of a 64-bit length is set (§5.2).
    LengthTopBitSet,

    // The connection: judged when a header is complete.
    /// A client sent a frame without a mask (§5.1).
    MaskMissing,
    /// A server sent a frame with a mask (§5.1).
    MaskPresent,
    /// A continuation while no message is open (§5.4).
    ContinuationUnexpected,
    /// A new message inside an unfinished one (§5.4).
    MessageInterleaved,
    /// The message would exceed the size limit (§10.4).
    MessageTooBig,
    /// The message has more fragments, or more empty ones, than the limit (§10.4).
    TooManyFragments,

    // Payloads: judged as their bytes arrive.
    /// A text message that is not UTF-8 (§8.1).
    TextNotUtf8,
    /// A Close body of one byte: half a code (§5.5.1).
    CloseBodyOneByte,
    /// A Close code that must not be on the wire (§7.4).
    CloseCodeInvalid,
    /// A Close reason that is not UTF-8 (§5.5.1).
    CloseReasonNotUtf8,

    // The head of a request or response: judged line by line.
    /// A control byte in the head (RFC 9110 §5.5).
    HeadControlByte,
    /// A CR or LF standing alone (RFC 9112 §2.2).
    HeadLineEnding,
    /// The request line alone exceeds the head's limit (RFC 9112 §3).
    RequestLineTooLong,
    /// The head exceeds its limit of bytes (RFC 9110 §5.4).
    HeadTooLarge,
    /// The head has more header fields than the limit (RFC 9110 §5.4).
    TooManyHeaders,
    /// Not "method target version" (RFC 9112 §3).
    RequestLineMalformed,
    /// Not "version code reason" (RFC 9112 §4).
    StatusLineMalformed,
    /// A header line that continues the one above (RFC 9112 §5.2).
    HeaderFolded,
    /// Not "name: value", the name being a token (RFC 9112 §5.1).
    HeaderMalformed,

    // The opening handshake: judged when its head is complete.
    /// Host is missing, repeated or not a host (RFC 9112 §3.2).
    HostInvalid,
    /// A handshake by a version below HTTP/1.1 (§4.1).
    HttpVersionTooLow,
    /// A handshake by another method than GET (§4.1).
    MethodNotGet,
    /// A header that may stand once stands twice (§11.3).
    HeaderRepeated,
    /// A handshake that announces a body (RFC 9110 §7.8).
    BodyAnnounced,
    /// Upgrade does not name websocket (§4.1).
    UpgradeMissing,
    /// Connection does not name upgrade (§4.1).
    ConnectionUpgradeMissing,
    /// Sec-WebSocket-Version is not 13 (§4.1).
    VersionNot13,
    /// Sec-WebSocket-Key is not base64 of 16 bytes (§4.1).
    KeyInvalid,
    /// Sec-WebSocket-Protocol is not a list of different tokens (§4.1).
    SubprotocolsMalformed,
    /// Sec-WebSocket-Extensions is not a list of extensions (§9.1).
    ExtensionsMalformed,
    /// The answer's status is not 101 (§4.1).
    StatusNot101,
    /// Sec-WebSocket-Accept does not answer the key (§4.1).
    AcceptWrong,
    /// The answer names a subprotocol that was not offered (§4.1).
    SubprotocolNotOffered,
    /// The answer names an extension that was not offered (§4.1).
    ExtensionNotOffered,
}

/// What an endpoint says to a peer that broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A row of the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: &'static str,
    section: &'static str,
    answer: Answer,
    field: Field,
    clause: &'static str,
    /// What a client sends to break the rule; empty where the rule does not bind it.
    client: &'static [u8],
    /// The same for a server.
    server: &'static [u8],
}

impl Rule {
    /// Every rule, in the order of the table.
    pub const ALL: &[Self] = &[
        Self::RsvNotZero,
        Self::OpcodeReserved,
        Self::ControlFragmented,
        Self::ControlTooLong,
        Self::LengthNotMinimal,
        Self::LengthTopBitSet,
        Self::MaskMissing,
        Self::MaskPresent,
        Self::ContinuationUnexpected,
        Self::MessageInterleaved,
        Self::MessageTooBig,
        Self::TooManyFragments,
        Self::TextNotUtf8,
        Self::CloseBodyOneByte,
        Self::CloseCodeInvalid,
        Self::CloseReasonNotUtf8,
        Self::HeadControlByte,
        Self::HeadLineEnding,
        Self::RequestLineTooLong,
        Self::HeadTooLarge,
        Self::TooManyHeaders,
        Self::RequestLineMalformed,
        Self::StatusLineMalformed,
        Self::HeaderFolded,
        Self::HeaderMalformed,
        Self::HostInvalid,
        Self::HttpVersionTooLow,
        Self::MethodNotGet,
        Self::HeaderRepeated,
        Self::BodyAnnounced,
        Self::UpgradeMissing,
        Self::ConnectionUpgradeMissing,
        Self::VersionNot13,
        Self::KeyInvalid,
        Self::SubprotocolsMalformed,
        Self::ExtensionsMalformed,
        Self::StatusNot101,
        Self::AcceptWrong,
        Self::SubprotocolNotOffered,
        Self::ExtensionNotOffered,
    ];

    /// A short, stable name, such as `length-not-minimal`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.entry().id
    }

    /// The section that demands it: of RFC 6455 where no other RFC is named.
    #[must_use]
    pub const fn section(self) -> &'static str {
        self.entry().section
    }

    /// The demand in one clause.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        self.entry().clause
    }

    /// What a peer that breaks it is told.
    #[must_use]
    pub const fn answer(self) -> Answer {
        self.entry().answer
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
        self.entry().field
    }

    /// The canonical bytes by which `sender` breaks this rule under default limits, as the first that
    /// it sends in that phase (handshake or frames); `None` when the rule does not bind it.
    ///
    /// Client frames carry the key 00000000, so that their payload can be read. A response answers
    /// the key `dGhlIHNhbXBsZSBub25jZQ==` of §1.3.
    #[must_use]
    pub const fn violation(self, sender: Role) -> Option<&'static [u8]> {
        let entry = self.entry();
        let bytes = match sender {
            Role::Client => entry.client,
            Role::Server => entry.server,
        };
        if bytes.is_empty() { None } else { Some(bytes) }
    }

    // One rule a paragraph, to be read as a table.
    #[rustfmt::skip]
    const fn entry(self) -> Entry {
        use Answer::Close;
        use Field as F;
        const PROTOCOL: Answer = Close(CloseCode::PROTOCOL_ERROR);
        const DATA: Answer = Close(CloseCode::INVALID_PAYLOAD);
        const SIZE: Answer = Close(CloseCode::TOO_BIG);
        const BAD_REQUEST: Answer = Answer::Status(400);
        match self {
            Self::RsvNotZero => entry("rsv-not-zero", "5.2", PROTOCOL, F::Rsv,
                "reserved bits must be 0 unless an extension was negotiated",
                b"\xC1\x80\0\0\0\0", b"\xC1\x00"),
            Self::OpcodeReserved => entry("opcode-reserved", "5.2", PROTOCOL, F::Opcode,
                "opcodes 3-7 and 11-15 must not be used",
                b"\x83\x80\0\0\0\0", b"\x83\x00"),
            Self::ControlFragmented => entry("control-fragmented", "5.5", PROTOCOL, F::Fin,
                "a control frame must be whole",
                b"\x09\x80\0\0\0\0", b"\x09\x00"),
            Self::ControlTooLong => entry("control-too-long", "5.5", PROTOCOL, F::PayloadLength,
                "a control frame carries at most 125 bytes",
                b"\x89\xFE\x00\x7E\0\0\0\0", b"\x89\x7E\x00\x7E"),
            Self::LengthNotMinimal => entry("length-not-minimal", "5.2", PROTOCOL, F::PayloadLength,
                "a length must use the shortest form that fits",
                b"\x82\xFE\x00\x7D\0\0\0\0", b"\x82\x7E\x00\x7D"),
            Self::LengthTopBitSet => entry("length-top-bit-set", "5.2", PROTOCOL, F::PayloadLength,
                "the top bit of a 64-bit length must be 0",
                b"\x82\xFF\x80\0\0\0\0\0\0\0", b"\x82\x7F\x80\0\0\0\0\0\0\0"),
            Self::MaskMissing => entry("mask-missing", "5.1", PROTOCOL, F::Mask,
                "a client must mask every frame",
                b"\x81\x00", b""),
            Self::MaskPresent => entry("mask-present", "5.1", PROTOCOL, F::Mask,
                "a server must not mask",
                b"", b"\x81\x80\0\0\0\0"),
            Self::ContinuationUnexpected => entry("continuation-unexpected", "5.4", PROTOCOL, F::Opcode,
                "a continuation needs an unfinished message",
                b"\x80\x80\0\0\0\0", b"\x80\x00"),
            Self::MessageInterleaved => entry("message-interleaved", "5.4", PROTOCOL, F::Opcode,
                "a message must end before the next begins",
                b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", b"\x01\x00\x81\x00"),
            Self::MessageTooBig => entry("message-too-big", "10.4", SIZE, F::PayloadLength,
                "a message must fit the receiver's limit",
                b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0", b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
            Self::TooManyFragments => entry("too-many-fragments", "10.4", SIZE, F::Fin,
                "a message's fragments, and the empty ones among them, must fit the receiver's limits",
                &example::EMPTY_FRAGMENTS_MASKED, &example::EMPTY_FRAGMENTS),
            Self::TextNotUtf8 => entry("text-not-utf8", "8.1", DATA, F::Payload,
                "text must be UTF-8",
                b"\x81\x81\0\0\0\0\xFF", b"\x81\x01\xFF"),
            Self::CloseBodyOneByte => entry("close-body-one-byte", "5.5.1", PROTOCOL, F::CloseCode,
                "a Close body begins with a code of two bytes",
                b"\x88\x81\0\0\0\0\x03", b"\x88\x01\x03"),
            Self::CloseCodeInvalid => entry("close-code-invalid", "7.4", PROTOCOL, F::CloseCode,
                "a Close code must be one that may be sent",
                b"\x88\x82\0\0\0\0\x03\xED", b"\x88\x02\x03\xED"),
            Self::CloseReasonNotUtf8 => entry("close-reason-not-utf8", "5.5.1", DATA, F::CloseReason,
                "a Close reason must be UTF-8",
                b"\x88\x83\0\0\0\0\x03\xE8\xFF", b"\x88\x03\x03\xE8\xFF"),

            Self::HeadControlByte => entry("head-control-byte", "RFC 9110 5.5", BAD_REQUEST, F::Header,
                "a head holds no control bytes but tabs and line ends",
                b"\x16\x03\x01", b"\x16\x03\x01"),
            Self::HeadLineEnding => entry("head-line-ending", "RFC 9112 2.2", BAD_REQUEST, F::Header,
                "every line ends with CR LF, and neither stands alone",
                b"GET /chat HTTP/1.1\n", b"HTTP/1.1 101 Switching Protocols\n"),
            Self::RequestLineTooLong => entry("request-line-too-long", "RFC 9112 3", Answer::Status(414), F::StartLine,
                "the request line must fit the receiver's limit",
                &example::LONG_LINE, b""),
            Self::HeadTooLarge => entry("head-too-large", "RFC 9110 5.4", Answer::Status(431), F::Header,
                "the head must fit the receiver's limit of bytes",
                &example::LONG_HEADER, &example::LONG_STATUS_LINE),
            Self::TooManyHeaders => entry("too-many-headers", "RFC 9110 5.4", Answer::Status(431), F::Header,
                "the head must fit the receiver's limit of header fields",
                &example::MANY_HEADERS_REQUEST, &example::MANY_HEADERS_RESPONSE),
            Self::RequestLineMalformed => entry("request-line-malformed", "RFC 9112 3", BAD_REQUEST, F::StartLine,
                "a request line is a method, a target and a version, one space apart",
                b"GET /chat\r\n", b""),
            Self::StatusLineMalformed => entry("status-line-malformed", "RFC 9112 4", Answer::Disconnect, F::StartLine,
                "a status line is a version, a code of three digits and a reason, one space apart",
                b"", b"HTTP/1.1 1O1 Switching Protocols\r\n"),
            Self::HeaderFolded => entry("header-folded", "RFC 9112 5.2", BAD_REQUEST, F::Header,
                "a header field stands on one line",
                b"GET /chat HTTP/1.1\r\nHost: example.com\r\n :80\r\n",
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade:\r\n websocket\r\n"),
            Self::HeaderMalformed => entry("header-malformed", "RFC 9112 5.1", BAD_REQUEST, F::Header,
                "a header field is a token, a colon directly behind it, and a value",
                b"GET /chat HTTP/1.1\r\nHost : example.com\r\n",
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade : websocket\r\n"),
            Self::HostInvalid => entry("host-invalid", "RFC 9112 3.2", BAD_REQUEST, F::Header,
                "a request names its host in exactly one Host header",
                head!(GET UPGRADE CONNECTION KEY VERSION), b""),
            Self::HttpVersionTooLow => entry("http-version-too-low", "4.1", BAD_REQUEST, F::StartLine,
                "a handshake needs HTTP/1.1 or higher",
                head!("GET /chat HTTP/1.0" HOST UPGRADE CONNECTION KEY VERSION),
                head!("HTTP/1.0 101 Switching Protocols" UPGRADE CONNECTION ACCEPT)),
            Self::MethodNotGet => entry("method-not-get", "4.1", Answer::Status(405), F::StartLine,
                "a handshake is a GET request",
                head!("POST /chat HTTP/1.1" HOST UPGRADE CONNECTION KEY VERSION), b""),
            Self::HeaderRepeated => entry("header-repeated", "11.3", BAD_REQUEST, F::Header,
                "Key, Version, Accept, Origin and the like stand once",
                head!(GET HOST UPGRADE CONNECTION KEY KEY VERSION),
                head!(SWITCHING UPGRADE CONNECTION ACCEPT ACCEPT)),
            Self::BodyAnnounced => entry("body-announced", "RFC 9110 7.8", BAD_REQUEST, F::Header,
                "a handshake has no body",
                head!(GET HOST UPGRADE CONNECTION KEY VERSION "Content-Length: 5"),
                head!(SWITCHING UPGRADE CONNECTION ACCEPT "Transfer-Encoding: chunked")),
            Self::UpgradeMissing => entry("upgrade-missing", "4.1", Answer::Status(426), F::Header,
                "Upgrade must name websocket",
                head!(GET HOST CONNECTION KEY VERSION),
                head!(SWITCHING CONNECTION ACCEPT)),
            Self::ConnectionUpgradeMissing => entry("connection-upgrade-missing", "4.1", BAD_REQUEST, F::Header,
                "Connection must name upgrade",
                head!(GET HOST UPGRADE KEY VERSION),
                head!(SWITCHING UPGRADE ACCEPT)),
            Self::VersionNot13 => entry("version-not-13", "4.1", Answer::Status(426), F::Header,
                "Sec-WebSocket-Version must be 13",
                head!(GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 8"), b""),
            Self::KeyInvalid => entry("key-invalid", "4.1", BAD_REQUEST, F::Header,
                "Sec-WebSocket-Key must be base64 of 16 bytes",
                head!(GET HOST UPGRADE CONNECTION "Sec-WebSocket-Key: c2hvcnQ=" VERSION), b""),
            Self::SubprotocolsMalformed => entry("subprotocols-malformed", "4.1", BAD_REQUEST, F::Header,
                "Sec-WebSocket-Protocol lists different tokens",
                head!(GET HOST UPGRADE CONNECTION KEY VERSION "Sec-WebSocket-Protocol: chat, chat"), b""),
            Self::ExtensionsMalformed => entry("extensions-malformed", "9.1", BAD_REQUEST, F::Header,
                "Sec-WebSocket-Extensions lists extensions with parameters",
                head!(GET HOST UPGRADE CONNECTION KEY VERSION "Sec-WebSocket-Extensions: a; b=\"c"),
                head!(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: ;")),
            Self::StatusNot101 => entry("status-not-101", "4.1", Answer::Disconnect, F::StartLine,
                "a handshake is accepted with status 101",
                b"", head!("HTTP/1.1 200 OK" UPGRADE CONNECTION ACCEPT)),
            Self::AcceptWrong => entry("accept-wrong", "4.1", Answer::Disconnect, F::Header,
                "Sec-WebSocket-Accept must be the base64 SHA-1 of key and GUID",
                b"", head!(SWITCHING UPGRADE CONNECTION "Sec-WebSocket-Accept: hHLtf2V1k8aDQZfNjw3Ia1hCwt0=")),
            Self::SubprotocolNotOffered => entry("subprotocol-not-offered", "4.1", Answer::Disconnect, F::Header,
                "the server chooses one of the offered subprotocols or none",
                b"", head!(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: unheard-of")),
            Self::ExtensionNotOffered => entry("extension-not-offered", "4.1", Answer::Disconnect, F::Header,
                "the server chooses among the offered extensions",
                b"", head!(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: permessage-deflate")),
        }
    }
}

/// The clause and its section.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = self.section();
        match section.rsplit_once(' ') {
            Some((rfc, number)) => write!(f, "{} ({rfc} §{number})", self.clause()),
            None => write!(f, "{} (§{section})", self.clause()),
        }
    }
}

impl std::error::Error for Rule {}

const fn entry(
    id: &'static str,
    section: &'static str,
    answer: Answer,
    field: Field,
    clause: &'static str,
    client: &'static [u8],
    server: &'static [u8],
) -> Entry {
    Entry {
        id,
        section,
        answer,
        field,
        clause,
        client,
        server,
    }
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
