//! Frames made to order, broken ones included: for `encode` and for the lab.

use plainws::protocol::frame::{self, Byte0, Byte1, LENGTH_16, LENGTH_64, MaskingKey};
use std::hash::{BuildHasher as _, RandomState};

/// A frame as it is wanted, legal or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crafted {
    pub(crate) fin: bool,
    /// RSV1 is 4, RSV2 2 and RSV3 1.
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    /// The MASK bit.
    pub(crate) mask: bool,
    /// What stands after the length and masks the payload, whatever the bit says.
    pub(crate) key: Option<MaskingKey>,
    /// The length that is announced, if not the payload's.
    pub(crate) length: Option<u64>,
    /// How many bits hold it, if not as few as can.
    pub(crate) form: Option<Form>,
    pub(crate) payload: Vec<u8>,
}

/// The bits of the length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Bits7,
    Bits16,
    Bits64,
}

impl Form {
    pub(crate) const fn of(bits: u64) -> Option<Self> {
        match bits {
            7 => Some(Self::Bits7),
            16 => Some(Self::Bits16),
            64 => Some(Self::Bits64),
            _ => None,
        }
    }
}

impl Crafted {
    /// The bytes of the frame.
    pub(crate) fn write(&self) -> Vec<u8> {
        let byte0 = Byte0 {
            fin: self.fin,
            rsv: self.rsv,
            opcode: self.opcode,
        };
        let mut bytes = vec![byte0.write()];
        self.write_length(&mut bytes);
        bytes.extend(self.key.iter().flatten());
        let begin = bytes.len();
        bytes.extend(&self.payload);
        if let Some(key) = self.key {
            frame::mask(&mut bytes[begin..], key, 0);
        }
        bytes
    }

    /// The second byte, and the bytes of a length that does not fit into it.
    fn write_length(&self, bytes: &mut Vec<u8>) {
        let length = self.length.unwrap_or(self.payload.len() as u64);
        let shortest = match length {
            0..=125 => Form::Bits7,
            126..=0xFFFF => Form::Bits16,
            _ => Form::Bits64,
        };
        let all = length.to_be_bytes();
        let (length, extended) = match self.form.unwrap_or(shortest) {
            Form::Bits7 => (all[7], &[][..]),
            Form::Bits16 => (LENGTH_16, &all[6..]),
            Form::Bits64 => (LENGTH_64, &all[..]),
        };
        let mask = self.mask;
        bytes.push(Byte1 { mask, length }.write());
        bytes.extend(extended);
    }
}

/// A key that nobody knows before.
pub(crate) fn any_key() -> MaskingKey {
    // std seeds its hash maps from the system's random source: good enough for a frame to look at.
    let [a, b, c, d, ..] = RandomState::new().hash_one("key").to_ne_bytes();
    [a, b, c, d]
}
