//! A frame as bytes: how a sender puts it on the wire.

use plainws::Role;

/// The key of the examples in §5.7.
pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// One frame, with the key 00000000 if its sender is the one that masks.
#[must_use]
pub fn frame(sender: Role, byte0: u8, payload: &[u8]) -> Vec<u8> {
    encode(byte0, zero_key(sender), payload)
}

/// The key under which a payload reads as it is, for the sender that masks.
#[must_use]
pub fn zero_key(sender: Role) -> Option<[u8; 4]> {
    (sender == Role::Client).then_some([0; 4])
}

/// One frame with its length in the shortest form.
#[must_use]
pub fn encode(byte0: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let length = payload.len().to_be_bytes();
    let mut frame = vec![byte0];
    match payload.len() {
        0..126 => frame.push(mask | length[7]),
        126..65_536 => frame.extend([mask | 126, length[6], length[7]]),
        _ => {
            frame.push(mask | 127);
            frame.extend(length);
        }
    }
    let Some(key) = key else {
        frame.extend(payload);
        return frame;
    };
    frame.extend(key);
    let masked = payload.iter().zip(key.iter().cycle());
    frame.extend(masked.map(|(byte, key)| byte ^ key));
    frame
}
