//! The number in a Close frame (§7.4) and who may put it there.

use std::fmt;

/// A status code: why a connection ended (§7.4).
///
/// ```
/// use plainws::CloseCode;
///
/// assert!(CloseCode::NORMAL.is_allowed_on_wire());
/// assert!(!CloseCode::NO_STATUS.is_allowed_on_wire());
/// assert_eq!(CloseCode(4000).to_string(), "4000");
/// assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001 going away");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server stops, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a type of data that this endpoint does not take.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the peer's Close carried no code. Reported, never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection was lost without a Close. Reported, never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that contradicts its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy is violated and nothing more precise fits.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: a client misses an extension it needs. Servers do not send it.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// 1011: the endpoint met a condition it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: a server starts anew, so that clients may come back. Registered after RFC 6455.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: a server has too much to do, or too little memory left. Registered after RFC 6455.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// Whether a Close frame may carry this code.
    ///
    /// Of 1000-2999 only the codes with a meaning may: those of RFC 6455 and 1012-1014, registered since.
    /// 1004 has none, and 1005, 1006 and 1015 are for reports within an endpoint (§7.4.1). 3000-3999 are
    /// for registered libraries, 4000-4999 for private use (§7.4.2).
    #[must_use]
    pub const fn is_allowed_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// What the code is called, if it is a defined one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status",
            1006 => "abnormal closure",
            1007 => "invalid payload",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "extension required",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failed",
            _ => return None,
        })
    }
}

/// The number, and its meaning where it has a defined one.
impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
