//! Which peers a proxy's address covers: an independent reading, bit by bit, and the oracle that compares with it.

use crate::streams::choices::Choices;
use crate::subject::{Entry, Subject};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

/// A proxy's address or network is refused, or covers the peers that an independent reading finds in it; as it is
/// written it does the same.
///
/// The input is two lines: the entry, and a peer, which is an address or `unix`.
///
/// # Errors
///
/// What differs.
pub fn proxy(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let lines = str::from_utf8(input).ok();
    let Some((entry, peer)) = lines.and_then(|lines| lines.split_once('\n')) else {
        return Ok(());
    };
    let Some(peer) = peer_named(peer) else {
        return Ok(());
    };
    let Some(judged) = subject.trusts_proxy(entry, peer) else {
        return Ok(());
    };
    let expected = judged_bit_by_bit(entry, peer);
    if judged != expected {
        return Err(format!(
            "{entry:?}, for {peer:?}: {judged:?}, not {expected:?}"
        ));
    }
    let again = judged.as_ref();
    let again = again.and_then(|judged| subject.trusts_proxy(&judged.normal, peer)?);
    if again != judged {
        return Err(format!("{entry:?} is {judged:?}, and that is {again:?}"));
    }
    Ok(())
}

/// A peer by its address, or `unix` for one that comes over a Unix socket.
pub(crate) fn peer_named(text: &str) -> Option<Option<IpAddr>> {
    if text == "unix" {
        return Some(None);
    }
    text.parse().ok().map(Some)
}

/// How the entry is written, and whether it covers the peer; `None` if it is none.
#[must_use]
pub fn judged_bit_by_bit(entry: &str, peer: Option<IpAddr>) -> Option<Entry> {
    let network = network(entry)?;
    Some(Entry {
        normal: normal(&network),
        lets_in: is_in(&network, peer),
    })
}

/// How all addresses of IPv4 begin, in 128 bits.
const IPV4: &str = "000000000000000000000000000000000000000000000000000000000000000000000000000000001111111111111111";
/// What no address begins with: who comes over a Unix socket.
const UNIX: &str = "unix";

/// The bits that all addresses of a network begin with, as digits.
pub(crate) fn network(entry: &str) -> Option<String> {
    if entry == UNIX {
        return Some(UNIX.into());
    }
    let (address, length) = match entry.find('/') {
        Some(slash) => (&entry[..slash], Some(&entry[slash + 1..])),
        None => (entry, None),
    };
    let is_ipv4 = !address.contains(':');
    let bits = match is_ipv4 {
        true => digits(IpAddr::V4(four_numbers(address)?)),
        false => digits(IpAddr::V6(address.parse().ok()?)),
    };
    let written = length.map_or(Some(if is_ipv4 { 32 } else { 128 }), |length| {
        let number: usize = length.parse().ok()?;
        (number.to_string() == length).then_some(number)
    })?;
    let length = if is_ipv4 { 96 + written } else { written };
    let is_everybody = length == 0 || length == IPV4.len() && bits.starts_with(IPV4);
    let is_nobody =
        length == 128 && bits[96..] == "0".repeat(32) && (is_ipv4 || !bits.contains('1'));
    let (first, rest) = bits.split_at_checked(length)?;
    let is_right = !is_everybody && !is_nobody && !rest.contains('1');
    is_right.then(|| first.to_owned())
}

/// All 128 of them; those of an IPv4 address as an IPv6 address holds it.
fn digits(address: IpAddr) -> String {
    let octets = match address {
        IpAddr::V4(address) => {
            return format!("{IPV4}{:032b}", u32::from_be_bytes(address.octets()));
        }
        IpAddr::V6(address) => address.octets(),
    };
    octets.iter().map(|octet| format!("{octet:08b}")).collect()
}

fn four_numbers(text: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u8>> = text
        .split('.')
        .map(|part| {
            part.parse()
                .ok()
                .filter(|number: &u8| number.to_string() == part)
        })
        .collect();
    let numbers: [u8; 4] = numbers?.try_into().ok()?;
    Some(numbers.into())
}

/// IPv4 is apart: no network of IPv6 holds any of it.
pub(crate) fn is_in(network: &str, peer: Option<IpAddr>) -> bool {
    let Some(peer) = peer else {
        return network == UNIX;
    };
    let peer = digits(peer);
    peer.starts_with(network) && peer.starts_with(IPV4) == network.starts_with(IPV4)
}

fn normal(network: &str) -> String {
    if network == UNIX {
        return network.to_owned();
    }
    let value = u128::from_str_radix(&format!("{network:0<128}"), 2).unwrap_or_default();
    let (address, most, length) = match network.strip_prefix(IPV4) {
        Some(rest) => {
            let [.., a, b, c, d] = value.to_be_bytes();
            (format!("{a}.{b}.{c}.{d}"), 32, rest.len())
        }
        None => (Ipv6Addr::from(value).to_string(), 128, network.len()),
    };
    match length == most {
        true => address,
        false => format!("{address}/{length}"),
    }
}

/// Makes a `proxy` input: an entry that is mostly right, and a peer that is often in it or just beside it.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    const WRONG: [&str; 16] = [
        "10.1.2.3/8",
        "0.0.0.0/0",
        "::/0",
        "010.0.0.0/8",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "[::1]",
        "10.0.0.1:80",
        "0.0.0.0",
        "::",
        "::ffff:0:0/96",
        "::ffff:10.0.0.0/95",
        "10.0.0",
        "unix:",
        "10.0.0.0/33",
        "::1/129",
    ];
    if choices.once_in(12) {
        let peer = if choices.once_in(2) {
            "unix"
        } else {
            "10.0.0.1"
        };
        let entry = if choices.once_in(2) {
            UNIX
        } else {
            choices.one(&WRONG)
        };
        return format!("{entry}\n{peer}").into_bytes();
    }
    let form = choices.below(4);
    let mut bits = u128::from_be_bytes(bytes(choices));
    if form < 3 {
        bits = bits & u128::from(u32::MAX) | 0xffff << 32;
    }
    // Some have only ones after the length, or only zeros.
    let least = if form < 3 { 97 } else { 1 };
    let length = least + choices.below(129 - least);
    let after = u128::MAX.checked_shr(length as u32).unwrap_or(0);
    if !choices.once_in(8) {
        bits &= !after;
    }
    let entry = match form {
        0 | 1 => format!("{}/{}", Ipv4Addr::from(bits as u32), length - 96),
        _ if length == 128 => Ipv6Addr::from(bits).to_string(),
        _ => format!("{}/{length}", Ipv6Addr::from(bits)),
    };
    let changed = 1_u128.checked_shl(choices.below(128) as u32).unwrap_or(0);
    let near = 1_u128.checked_shl(128 - length as u32).unwrap_or(0);
    let peer = match choices.below(6) {
        0 => bits,
        1 => bits | after,
        2 => bits ^ near,
        3 => bits ^ near >> 1,
        4 => (bits | after).wrapping_add(1),
        _ => bits ^ changed,
    };
    let peer = match Ipv6Addr::from(peer) {
        peer if choices.once_in(2) => IpAddr::V6(peer).to_canonical(),
        peer => peer.into(),
    };
    format!("{entry}\n{peer}").into_bytes()
}

fn bytes<const N: usize>(choices: &mut Choices<'_>) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.fill_with(|| choices.byte());
    bytes
}
