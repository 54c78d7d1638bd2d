//! One frame's header and its mask (§5.2, §5.3).
//!
//! ```text
//!  byte 0            byte 1            then, as announced
//! +-+---+-----------+-+---------------+----------------------+-----------------+---------
//! |F|RSV|  opcode   |M| payload       | 2 more bytes if 126, | masking key,    | payload
//! |I|123|           |A| length        | 8 more bytes if 127: | 4 bytes if MASK | data
//! |N|   |           |S| 0-125,126,127 | the length instead   |                 |
//! | |   |           |K|               | (big-endian)         |                 |
//! +-+---+-----------+-+---------------+----------------------+-----------------+---------
//!  1  3      4       1        7            16 or 64               32                    bits
//! ```
//!
//! A client masks each payload, so that a script that chooses what is sent does not choose the bytes on
//! the wire, which a proxy might take for an HTTP request (§10.3).
//!
//! This module judges what a header shows by itself. What depends on the connection is judged there:
//! whether a mask is due, whether a message is open, and whether an extension uses the reserved bits.
#![warn(clippy::indexing_slicing)]

use super::rule::Rule;

/// The cells of the first two bytes.
mod bits {
    pub(super) const FIN: u8 = 0b1000_0000;
    pub(super) const RSV: u8 = 0b0111_0000;
    pub(super) const OPCODE: u8 = 0b0000_1111;

    pub(super) const MASK: u8 = 0b1000_0000;
    pub(super) const LENGTH: u8 = 0b0111_1111;
}

/// A 7-bit length that says: the length is in the next 2 bytes.
pub const LENGTH_16: u8 = 126;
/// A 7-bit length that says: the length is in the next 8 bytes.
pub const LENGTH_64: u8 = 127;
/// The largest payload of a control frame (§5.5), which is also the largest 7-bit length.
pub const MAX_CONTROL_PAYLOAD: usize = 125;
/// The longest header: two bytes, a 64-bit length and a key.
pub const MAX_HEADER: usize = 14;

/// The four bytes that a client XORs a payload with; new and unpredictable for each frame (§5.3).
pub type MaskingKey = [u8; 4];

/// Where a client's masking keys come from. Each call must give a fresh, unpredictable key (§5.3).
pub type KeySource = Box<dyn FnMut() -> MaskingKey + Send>;

/// What a frame is for (§5.2). The other ten values are reserved, so they do not exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// One more fragment of the open message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The end of the connection.
    Close = 0x8,
    /// A question that a pong answers.
    Ping = 0x9,
    /// The answer to a ping, or an unasked sign of life.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode with these four bits; `None` when they are reserved.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Its name in the RFC, in small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }

    /// Whether it is a close, ping or pong (§5.5): short, whole, and allowed between fragments.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// What the first byte says, legal or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byte0 {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3 as a number of three bits.
    pub rsv: u8,
    /// The opcode's four bits.
    pub opcode: u8,
}

impl Byte0 {
    /// Takes the byte apart.
    #[must_use]
    pub const fn read(byte: u8) -> Self {
        Self {
            fin: byte & bits::FIN != 0,
            rsv: (byte & bits::RSV) >> bits::RSV.trailing_zeros(),
            opcode: byte & bits::OPCODE,
        }
    }

    /// Puts the byte together.
    #[must_use]
    pub const fn write(self) -> u8 {
        let fin = if self.fin { bits::FIN } else { 0 };
        let rsv = self.rsv << bits::RSV.trailing_zeros() & bits::RSV;
        fin | rsv | self.opcode & bits::OPCODE
    }
}

/// What the second byte says, legal or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byte1 {
    /// Whether a key follows the length.
    pub mask: bool,
    /// The length if it is at most 125, else [`LENGTH_16`] or [`LENGTH_64`].
    pub length: u8,
}

impl Byte1 {
    /// Takes the byte apart.
    #[must_use]
    pub const fn read(byte: u8) -> Self {
        Self {
            mask: byte & bits::MASK != 0,
            length: byte & bits::LENGTH,
        }
    }

    /// Puts the byte together.
    #[must_use]
    pub const fn write(self) -> u8 {
        let mask = if self.mask { bits::MASK } else { 0 };
        mask | self.length & bits::LENGTH
    }

    /// How many bytes with the length itself follow: 0, 2 or 8.
    #[must_use]
    pub const fn extended_length_size(self) -> usize {
        match self.length {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        }
    }
}

/// A frame header that is legal by itself.
///
/// ```
/// use plainws::protocol::frame::{Header, Opcode};
///
/// let hello = b"\x81\x05Hello";
/// let (header, rest) = Header::decode(hello)?.expect("the header is complete");
/// assert_eq!((header.opcode, header.payload_length), (Opcode::Text, 5));
/// assert_eq!(rest, b"Hello");
/// # Ok::<(), plainws::Rule>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3 as a number of three bits: 0 unless an extension was negotiated.
    pub rsv: u8,
    /// What the frame is for.
    pub opcode: Opcode,
    /// The key that masks the payload, if any (§5.3).
    pub masking_key: Option<MaskingKey>,
    /// The payload's length in bytes, below 2^63.
    pub payload_length: u64,
}

impl Header {
    /// Reads a header and returns it with the bytes after it.
    ///
    /// `Ok(None)`: legal so far, call again with more; nothing was consumed.
    ///
    /// # Errors
    ///
    /// The rule broken, at the first byte after which no further byte can make the header legal.
    pub fn decode(input: &[u8]) -> Result<Option<(Self, &[u8])>, Rule> {
        let [byte0, rest @ ..] = input else {
            return Ok(None);
        };
        let first = Byte0::read(*byte0);
        let Some(opcode) = Opcode::from_bits(first.opcode) else {
            return Err(Rule::OpcodeReserved);
        };
        if opcode.is_control() && !first.fin {
            return Err(Rule::ControlFragmented);
        }

        let [byte1, rest @ ..] = rest else {
            return Ok(None);
        };
        let second = Byte1::read(*byte1);
        if opcode.is_control() && usize::from(second.length) > MAX_CONTROL_PAYLOAD {
            return Err(Rule::ControlTooLong);
        }
        let length = match second.length {
            LENGTH_16 => decode_length::<2>(rest, LENGTH_16.into())?,
            LENGTH_64 => decode_length::<8>(rest, 1 << 16)?,
            _ => Some((second.length.into(), rest)),
        };
        let Some((payload_length, rest)) = length else {
            return Ok(None);
        };

        let (masking_key, rest) = if second.mask {
            let Some((key, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (Some(*key), rest)
        } else {
            (None, rest)
        };
        Ok(Some((
            Self {
                fin: first.fin,
                rsv: first.rsv,
                opcode,
                masking_key,
                payload_length,
            },
            rest,
        )))
    }

    /// Appends the header, its length in the shortest form (§5.2).
    pub fn encode(&self, output: &mut Vec<u8>) {
        let first = Byte0 {
            fin: self.fin,
            rsv: self.rsv,
            opcode: self.opcode as u8,
        };
        output.push(first.write());

        let mask = self.masking_key.is_some();
        let second = |length| Byte1 { mask, length }.write();
        let length = self.payload_length;
        if let Some(short) = u8::try_from(length).ok().filter(|&short| short < LENGTH_16) {
            output.push(second(short));
        } else if let Ok(length) = u16::try_from(length) {
            output.push(second(LENGTH_16));
            output.extend(length.to_be_bytes());
        } else {
            output.push(second(LENGTH_64));
            output.extend(length.to_be_bytes());
        }

        if let Some(key) = self.masking_key {
            output.extend(key);
        }
    }
}

/// Reads an `N`-byte length, which must be at least `floor` and below 2^63.
///
/// A length is judged before all its bytes have arrived, so that it is refused at the same byte however
/// the input is cut. The bytes that are missing leave a range open: the length is smallest if they are
/// all 00, and largest if they are all FF. It is refused once no length in that range is legal. When none
/// is missing, smallest and largest are the length itself.
fn decode_length<const N: usize>(input: &[u8], floor: u64) -> Result<Option<(u64, &[u8])>, Rule> {
    let arrived = input.get(..N).unwrap_or(input);
    let filled_up = |filler: u8| {
        let bytes = arrived
            .iter()
            .copied()
            .chain(std::iter::repeat(filler))
            .take(N);
        bytes.fold(0, |length, byte| length << 8 | u64::from(byte))
    };
    let (smallest, largest) = (filled_up(0x00), filled_up(0xFF));
    // §5.2: "the most significant bit MUST be 0", and the shortest form is the only one.
    if smallest > i64::MAX as u64 {
        return Err(Rule::LengthTopBitSet);
    }
    if largest < floor {
        return Err(Rule::LengthNotMinimal);
    }
    Ok(input.get(N..).map(|rest| (smallest, rest)))
}

/// Masks or unmasks, which is the same: byte i of the payload is combined by XOR with byte i mod 4 of the key (§5.3).
///
/// `offset` is the position of `payload` in its frame, so that a payload can be unmasked in the pieces
/// in which it arrives.
///
/// ```
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58";
/// plainws::protocol::frame::mask(&mut payload, [0x37, 0xfa, 0x21, 0x3d], 0);
/// assert_eq!(&payload, b"Hello");
/// ```
#[expect(clippy::missing_panics_doc, reason = "it never does")]
pub fn mask(payload: &mut [u8], mut key: MaskingKey, offset: u64) {
    key.rotate_left((offset % 4) as usize);
    // Words as wide as the key: the compiler XORs as many of them at once as fill a vector register.
    let key_word = u32::from_ne_bytes(key);
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        let word: &mut [u8; 4] = word.try_into().expect("each has 4 bytes");
        *word = (u32::from_ne_bytes(*word) ^ key_word).to_ne_bytes();
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
}
