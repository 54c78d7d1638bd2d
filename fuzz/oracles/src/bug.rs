//! The faults of the [`specimen`](crate::specimen), each with the oracle that must catch it.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident => $oracle:literal,)+) => {
        /// A fault of the specimen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug { $($(#[doc = $doc])+ $bug,)+ }

        impl Bug {
            /// Every fault, with what it does and the oracle that must catch it.
            pub const ALL: &[(Self, &'static str, &'static str)] =
                &[$((Self::$bug, concat!($($doc),+), $oracle),)+];
        }
    };
}

bugs! {
    /// a 16-bit length is read little-endian
    Length16LittleEndian => "reference",
    /// a 16-bit length's low byte is sign-extended
    Length16SignExtended => "reference",
    /// a 64-bit length is cut to 32 bits
    Length64CutTo32 => "reference",
    /// the top bit of a 64-bit length is not checked
    LengthTopBitUnchecked => "reference",
    /// an extended length is read a byte before it is complete
    LengthReadEarly => "split",
    /// a length in a longer form than needed is accepted
    LengthNotMinimalAccepted => "reference",
    /// the length of a frame of 65,536 bytes or more wraps in a 16-bit counter
    LengthCounterWraps => "round-trip",
    /// the mask starts again with each read
    MaskPhaseRestarts => "split",
    /// a masking key of zeros is taken for no mask
    ZeroKeyTakenAsUnmasked => "reference",
    /// a client's unmasked frame is accepted
    UnmaskedAccepted => "reference",
    /// reserved bits are ignored
    RsvIgnored => "reference",
    /// a reserved opcode is accepted
    OpcodeReservedAccepted => "reference",
    /// a control frame of more than 125 bytes is accepted
    ControlTooLongAccepted => "reference",
    /// a fragmented control frame is accepted
    ControlFragmentedAccepted => "reference",
    /// a ping's payload leaks into the open message
    PingLeaksIntoMessage => "reference",
    /// a pong makes the reader forget the open message's fragments
    PongResetsFragments => "reference",
    /// a continuation without a message is accepted
    ContinuationStrayAccepted => "reference",
    /// a new message replaces the open one
    MessageInterleavedAccepted => "reference",
    /// what follows a message in the same read is dropped
    BytesAfterMessageDropped => "split",
    /// empty fragments do not count
    EmptyFragmentsNotCounted => "reference",
    /// the size limit is applied to each frame, not to the message
    LimitPerFrameOnly => "reference",
    /// text is checked frame by frame, so that a character must not be cut
    Utf8PerFrame => "reference",
    /// bytes that are not text are replaced instead of refused
    BadTextReplaced => "reference",
    /// a Close reason is not checked
    CloseReasonUnchecked => "reference",
    /// a Close body of one byte is accepted
    CloseOneByteAccepted => "reference",
    /// the Close codes 1005, 1006 and 1015 are accepted
    CloseCodeReservedAccepted => "reference",
    /// a character that is cut into three reads is refused
    CharacterCutTwiceRefused => "split",
    /// what follows a Close in the same read is delivered
    RestOfReadDelivered => "silence",
    /// data after a Close is delivered
    DataAfterCloseDelivered => "silence",
    /// a failure ends only the read in which it happens
    FailureForgotten => "silence",
    /// a failure is always told as 1002
    FailureAlways1002 => "answers",
    /// a Close reason that is not text is answered with 1002
    ReasonNotTextIs1002 => "answers",
    /// a pong holds no more than 64 bytes of its ping
    PongCut => "answers",
    /// a server masks what it sends
    ServerMasks => "endpoint-legal",
    /// a client does not mask its messages, only its answers
    ClientMessagesUnmasked => "endpoint-legal",
    /// a client does not mask its pongs after its own Close
    LatePongUnmasked => "endpoint-legal",
    /// all frames are masked with the same key
    KeyReused => "endpoint-legal",
    /// a 64-bit length is sent little-endian
    Length64SentLittleEndian => "endpoint-legal",
    /// a Close without a code is answered with 1005
    NoStatusEchoed => "endpoint-legal",
    /// a Close is answered twice
    CloseEchoedTwice => "endpoint-close",
    /// the reason for our own Close is left out
    CloseReasonDropped => "endpoint-close",
    /// what arrives after our own Close is dropped
    DeafAfterClose => "endpoint-hears",
    /// a message can be sent after our own Close
    MessageAfterClose => "endpoint-close",
    /// a pong that was due before our own Close is written after it
    PongOvertakenByClose => "endpoint-close",
    /// a ping after the peer's Close is answered
    PongAfterPeersClose => "endpoint-close",
    /// a ping that arrives after our own Close is not answered
    PongMissingAfterClose => "endpoint-pongs",
    /// a ping is forgotten when a message waits to be written
    PongLostAfterMessage => "endpoint-pongs",
    /// the end of the peer's stream is ignored
    EofIgnored => "endpoint-ends",
    /// the end of the stream replaces the code of the Close before it by 1006
    CloseCodeForgotten => "endpoint-ends",
    /// when pongs pile up, the latest ping is forgotten
    LatestPingForgotten => "queue",
    /// pongs pile up while nothing is written
    PongsUnbounded => "queue",
    /// the declared length is allocated at once
    DeclaredLengthAllocated => "memory",
    /// memory for sixteen times the bytes that arrived is reserved
    ReservedWithoutMeasure => "memory",
    /// text is checked from its start with each read
    TextRescanned => "work",
    /// the number of headers is not limited
    HeaderCountUnlimited => "head-bounded",
    /// the end of a head is missed when it is cut between two reads
    HeadEndCutMissed => "head-split",
    /// a part of the first head is still there when the second is read
    FirstHeadKept => "head-split",
    /// each subprotocol is compared with all before it
    SubprotocolsComparedInPairs => "head-work",
    /// header names are compared with case
    HeaderNamesCaseSensitive => "head-accepts",
    /// the Connection header is compared whole, not as a list
    ConnectionComparedWhole => "head-accepts",
    /// a folded header of a response is refused
    FoldedResponseRefused => "head-accepts",
    /// a folded header of a request is accepted
    FoldedRequestTaken => "request-items",
    /// a key is decoded, but may have any length
    KeyLengthUnchecked => "request-items",
    /// a header that comes twice is accepted, and the first one counts
    RepeatedHeaderTaken => "request-items",
    /// any Host is taken
    HostUnchecked => "request-items",
    /// an Origin that is not ASCII is taken
    OriginUnchecked => "request-items",
    /// subprotocols need not be tokens
    SubprotocolsUnchecked => "request-items",
    /// any list of extensions is taken
    ExtensionsUnchecked => "request-items",
    /// the version is not checked
    VersionUnchecked => "request-items",
    /// a request of HTTP/2.0 is taken for one of HTTP/1.1
    MajorVersionUnchecked => "request-items",
    /// the accept value is made from the key without its padding
    AcceptOfCutKey => "response",
    /// a subprotocol that was not offered is named
    SubprotocolNotOfferedNamed => "response",
    /// the bytes after the head are dropped
    BytesAfterHeadDropped => "head-rest",
    /// any accept value is taken
    AcceptUnchecked => "response-items",
    /// an extension that was not offered is taken
    ExtensionTaken => "response-items",
    /// a response that upgrades to a second protocol as well is accepted
    OtherProtocolTaken => "response-items",
    /// the subprotocol in a response is compared without case
    SubprotocolComparedWithoutCase => "response-items",
    /// a response of any version is taken
    ResponseVersionUnchecked => "response-items",
    /// a body after a response is taken for frames
    ResponseBodyTaken => "response-items",
    /// a target that holds line ends is sent as it is
    TargetSentRaw => "request-sent",
    /// a request says `Connection: keep-alive` instead of `Upgrade`
    KeepAliveSent => "request-sent",
    /// a frame's last byte has no label
    LabelMissing => "dissect-tiles",
    /// a stream that ends inside a message is shown as complete
    CutNotShown => "dissect-same",
    /// payloads are shown masked
    ShownMasked => "dissect-same",
    /// text is shown with its control characters
    ShownRaw => "dissect-printed",
    /// masking in pieces starts with the wrong byte of the key
    MaskOffsetIgnored => "mask",
    /// every host whose name begins with localhost is taken for this machine
    LocalPrefixTaken => "host",
    /// a user name in a URL is dropped, and the URL accepted
    UserTakenForHost => "url",
    /// the zone of an address is told to the server
    ZoneSent => "url",
    /// the halves of surrogate pairs are taken for characters
    SurrogatesAccepted => "utf8",
    /// a character that is cut into two reads is lost
    CutCharacterLost => "utf8",
}
