//! The faults of the [`specimen`](crate::specimen), each with the oracle that must catch it, and with the group of cases
//! in which `plainws check` must find it.

use plainws::Role;

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident => $oracle:literal, $shows:expr;)+) => {
        /// A fault of the specimen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug { $($(#[doc = $doc])+ $bug,)+ }

        impl Bug {
            /// Every fault, with what it does and the oracle that must catch it.
            pub const ALL: &[(Self, &'static str, &'static str)] =
                &[$((Self::$bug, concat!($($doc),+), $oracle),)+];

            const fn shows(self) -> [Shows; 2] {
                match self { $(Self::$bug => $shows,)+ }
            }
        }
    };
}

/// The group of cases of `plainws check` in which a fault must be found, or why it is on no wire.
pub type Shows = Result<&'static str, &'static str>;

impl Bug {
    /// Where the fault shows if an end in this role has it.
    pub const fn shows_in(self, role: Role) -> Shows {
        let [server, client] = self.shows();
        match role {
            Role::Server => server,
            Role::Client => client,
        }
    }
}

const fn both(group: &'static str) -> [Shows; 2] {
    [Ok(group), Ok(group)]
}

const fn server(group: &'static str, not_in_a_client: &'static str) -> [Shows; 2] {
    [Ok(group), Err(not_in_a_client)]
}

const fn client(group: &'static str, not_in_a_server: &'static str) -> [Shows; 2] {
    [Err(not_in_a_server), Ok(group)]
}

const fn hidden(why: &'static str) -> [Shows; 2] {
    [Err(why), Err(why)]
}

const MASKED: &str = "what a server sends is not masked";
const REQUEST: &str = "a client reads no request";
const RESPONSE: &str = "a server reads no response";
const FIRST: &str = "an echo never closes first";
const INSIDE: &str = "seen behind the connection only";
const LIMITS: &str = "limits are up to each end";
const MEMORY: &str = "memory";
const TIME: &str = "time";
const APART: &str = "a part that no connection uses";

bugs! {
    /// a 16-bit length is read little-endian
    Length16LittleEndian => "reference", both("lengths");
    /// a 16-bit length's low byte is sign-extended
    Length16SignExtended => "reference", both("lengths");
    /// a 64-bit length is cut to 32 bits
    Length64CutTo32 => "reference", both("lengths");
    /// the top bit of a 64-bit length is not checked
    LengthTopBitUnchecked => "reference", both("header");
    /// an extended length is read a byte before it is complete
    LengthReadEarly => "split", both("lengths");
    /// a length in a longer form than needed is accepted
    LengthNotMinimalAccepted => "reference", both("header");
    /// the length of a frame of 65,536 bytes or more wraps in a 16-bit counter
    LengthCounterWraps => "round-trip", both("lengths");
    /// the mask starts again with each read
    MaskPhaseRestarts => "split", server("stream", MASKED);
    /// a masking key of zeros is taken for no mask
    ZeroKeyTakenAsUnmasked => "reference", server("header", MASKED);
    /// a client's unmasked frame is accepted
    UnmaskedAccepted => "reference", server("header", MASKED);
    /// reserved bits are ignored
    RsvIgnored => "reference", both("header");
    /// a reserved opcode is accepted
    OpcodeReservedAccepted => "reference", both("header");
    /// a control frame of more than 125 bytes is accepted
    ControlTooLongAccepted => "reference", both("control");
    /// a fragmented control frame is accepted
    ControlFragmentedAccepted => "reference", both("control");
    /// a ping's payload leaks into the open message
    PingLeaksIntoMessage => "reference", both("fragments");
    /// a pong makes the reader forget the open message's fragments
    PongResetsFragments => "reference", both("fragments");
    /// a continuation without a message is accepted
    ContinuationStrayAccepted => "reference", both("fragments");
    /// a new message replaces the open one
    MessageInterleavedAccepted => "reference", both("fragments");
    /// what follows a message in the same read is dropped
    BytesAfterMessageDropped => "split", both("stream");
    /// empty fragments do not count
    EmptyFragmentsNotCounted => "reference", hidden(LIMITS);
    /// the size limit is applied to each frame, not to the message
    LimitPerFrameOnly => "reference", hidden(LIMITS);
    /// text is checked frame by frame, so that a character must not be cut
    Utf8PerFrame => "reference", both("utf8");
    /// bytes that are not text are replaced instead of refused
    BadTextReplaced => "reference", both("utf8");
    /// a Close reason is not checked
    CloseReasonUnchecked => "reference", both("closing");
    /// a Close body of one byte is accepted
    CloseOneByteAccepted => "reference", both("closing");
    /// the Close codes 1005, 1006 and 1015 are accepted
    CloseCodeReservedAccepted => "reference", both("closing");
    /// a character that is cut into three reads is refused
    CharacterCutTwiceRefused => "split", both("utf8");
    /// what follows a Close in the same read is delivered
    RestOfReadDelivered => "silence", hidden(INSIDE);
    /// data after a Close is delivered
    DataAfterCloseDelivered => "silence", hidden(INSIDE);
    /// a failure ends only the read in which it happens
    FailureForgotten => "silence", hidden(INSIDE);
    /// a failure is always told as 1002
    FailureAlways1002 => "answers", both("utf8");
    /// a Close reason that is not text is answered with 1002
    ReasonNotTextIs1002 => "answers", hidden("1002 fits as well: §7.4.1 gives 1007 to messages");
    /// a pong holds no more than 64 bytes of its ping
    PongCut => "answers", both("control");
    /// a server masks what it sends
    ServerMasks => "endpoint-legal", server("header", "a client has to mask");
    /// a client does not mask its messages, only its answers
    ClientMessagesUnmasked => "endpoint-legal", client("header", "a server masks nothing");
    /// a client does not mask its pongs after its own Close
    LatePongUnmasked => "endpoint-legal", hidden(FIRST);
    /// all frames are masked with the same key
    KeyReused => "endpoint-legal", client("header", "a server masks nothing");
    /// a 64-bit length is sent little-endian
    Length64SentLittleEndian => "endpoint-legal", both("lengths");
    /// a Close without a code is answered with 1005
    NoStatusEchoed => "endpoint-legal", both("closing");
    /// a Close is answered twice
    CloseEchoedTwice => "endpoint-close", both("closing");
    /// the reason for our own Close is left out
    CloseReasonDropped => "endpoint-close", hidden(FIRST);
    /// what arrives after our own Close is dropped
    DeafAfterClose => "endpoint-hears", hidden(FIRST);
    /// a message can be sent after our own Close
    MessageAfterClose => "endpoint-close", hidden(FIRST);
    /// a pong that was due before our own Close is written after it
    PongOvertakenByClose => "endpoint-close", both("closing");
    /// a ping after the peer's Close is answered
    PongAfterPeersClose => "endpoint-close", both("closing");
    /// a ping that arrives after our own Close is not answered
    PongMissingAfterClose => "endpoint-pongs", hidden(FIRST);
    /// a ping is forgotten when a message waits to be written
    PongLostAfterMessage => "endpoint-pongs", both("control");
    /// the end of the peer's stream is ignored
    EofIgnored => "endpoint-ends", both("closing");
    /// the end of the stream replaces the code of the Close before it by 1006
    CloseCodeForgotten => "endpoint-ends", hidden(INSIDE);
    /// when pongs pile up, the latest ping is forgotten
    LatestPingForgotten => "queue", both("control");
    /// pongs pile up while nothing is written
    PongsUnbounded => "queue", hidden(MEMORY);
    /// the declared length is allocated at once
    DeclaredLengthAllocated => "memory", hidden(MEMORY);
    /// memory for sixteen times the bytes that arrived is reserved
    ReservedWithoutMeasure => "memory", hidden(MEMORY);
    /// text is checked from its start with each read
    TextRescanned => "work", hidden(TIME);
    /// the number of headers is not limited
    HeaderCountUnlimited => "head-bounded", hidden(LIMITS);
    /// the end of a head is missed when it is cut between two reads
    HeadEndCutMissed => "head-split", both("opening");
    /// a part of the first head is still there when the second is read
    FirstHeadKept => "head-split", client("opening", "a client sends one head on a connection");
    /// each subprotocol is compared with all before it
    SubprotocolsComparedInPairs => "head-work", hidden(TIME);
    /// header names are compared with case
    HeaderNamesCaseSensitive => "head-accepts", server("opening", REQUEST);
    /// the Connection header is compared whole, not as a list
    ConnectionComparedWhole => "head-accepts", server("opening", REQUEST);
    /// a folded header of a response is refused
    FoldedResponseRefused => "head-accepts", client("opening", RESPONSE);
    /// a folded header of a request is accepted
    FoldedRequestTaken => "request-items", server("refused", REQUEST);
    /// a key is decoded, but may have any length
    KeyLengthUnchecked => "request-items", server("refused", REQUEST);
    /// a header that comes twice is accepted, and the first one counts
    RepeatedHeaderTaken => "request-items", server("refused", REQUEST);
    /// any Host is taken
    HostUnchecked => "request-items", server("refused", REQUEST);
    /// an Origin that is not ASCII is taken
    OriginUnchecked => "request-items", server("refused", REQUEST);
    /// subprotocols need not be tokens
    SubprotocolsUnchecked => "request-items", server("refused", REQUEST);
    /// any list of extensions is taken
    ExtensionsUnchecked => "request-items", server("refused", REQUEST);
    /// the version is not checked
    VersionUnchecked => "request-items", server("refused", REQUEST);
    /// a request of HTTP/2.0 is taken for one of HTTP/1.1
    MajorVersionUnchecked => "request-items", server("refused", REQUEST);
    /// the accept value is made from the key without its padding
    AcceptOfCutKey => "response", server("opening", REQUEST);
    /// a subprotocol that was not offered is named
    SubprotocolNotOfferedNamed => "response", server("opening", REQUEST);
    /// the bytes after the head are dropped
    BytesAfterHeadDropped => "head-rest", both("opening");
    /// any accept value is taken
    AcceptUnchecked => "response-items", client("refused", RESPONSE);
    /// an extension that was not offered is taken
    ExtensionTaken => "response-items", client("refused", RESPONSE);
    /// a response that upgrades to a second protocol as well is accepted
    OtherProtocolTaken => "response-items", client("refused", RESPONSE);
    /// the subprotocol in a response is compared without case
    SubprotocolComparedWithoutCase => "response-items", client("refused", RESPONSE);
    /// a response of any version is taken
    ResponseVersionUnchecked => "response-items", client("refused", RESPONSE);
    /// a body after a response is taken for frames
    ResponseBodyTaken => "response-items", client("refused", RESPONSE);
    /// a target that holds line ends is sent as it is
    TargetSentRaw => "request-sent", hidden("no target that is asked for has line ends");
    /// a request says `Connection: keep-alive` instead of `Upgrade`
    KeepAliveSent => "request-sent", client("opening", RESPONSE);
    /// a frame's last byte has no label
    LabelMissing => "dissect-tiles", hidden("only shown to people");
    /// a stream that ends inside a message is shown as complete
    CutNotShown => "dissect-same", hidden("only shown to people");
    /// payloads are shown masked
    ShownMasked => "dissect-same", hidden("only shown to people");
    /// text is shown with its control characters
    ShownRaw => "dissect-printed", hidden("only shown to people");
    /// masking in pieces starts with the wrong byte of the key
    MaskOffsetIgnored => "mask", hidden(APART);
    /// every host whose name begins with localhost is taken for this machine
    LocalPrefixTaken => "host", hidden(APART);
    /// every origin that begins with an allowed one may connect
    OriginEndTaken => "origin", hidden(APART);
    /// a page of http may connect to its host that is reached by https
    PlainPageLetIn => "origin", hidden(APART);
    /// a user name in a URL is dropped, and the URL accepted
    UserTakenForHost => "url", hidden(APART);
    /// the zone of an address is told to the server
    ZoneSent => "url", hidden(APART);
    /// a percent sign without two digits stands for itself in a path
    BadCodeKept => "path", hidden(APART);
    /// the template of a path that was named first counts, not the exacter one
    FirstTemplateCounts => "path", hidden(APART);
    /// the size of a chunk may have a sign
    ChunkSizeSigned => "chunks", hidden(APART);
    /// a line end of a chunked body that is cut into two reads is refused
    CutLineEndRefused => "chunks", hidden(APART);
    /// what comes after a chunked body is taken for it
    AllTakenForBody => "chunks", hidden(APART);
    /// of a network of proxies only whole bytes are compared
    NetworkComparedByBytes => "proxy", hidden(APART);
    /// an IPv4-mapped peer is not known by its IPv4 address
    MappedPeerUnknown => "proxy", hidden(APART);
    /// a PROXY line may end in LF alone
    LineFeedEndsProxyLine => "proxy-header", hidden(APART);
    /// a PROXY header of the proxy itself tells addresses
    LocalTellsAddresses => "proxy-header", hidden(APART);
    /// the checksum of a PROXY header is not compared
    ChecksumIgnored => "proxy-header", hidden(APART);
    /// the length of a PROXY header is read from one byte
    HeaderLengthOneByte => "proxy-header", hidden(APART);
    /// the leftmost address of a list is taken for the client's
    LeftmostBelieved => "forwarded", hidden(APART);
    /// a quotation mark that a client never closes swallows what proxies add
    OpenQuotationSwallows => "forwarded", hidden(APART);
    /// the protocol is the one that the nearest proxy names
    NearestProtocolTaken => "forwarded", hidden(APART);
    /// anyone is believed
    StrangersBelieved => "forwarded", hidden(APART);
    /// the halves of surrogate pairs are taken for characters
    SurrogatesAccepted => "utf8", hidden(APART);
    /// a character that is cut into two reads is lost
    CutCharacterLost => "utf8", hidden(APART);
}
