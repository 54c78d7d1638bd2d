//! Who may connect to a Unix socket, as people type it: `660`.

/// The mode of a Unix socket's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(pub(super) u32);

/// Takes what a flag says: 660, or 0660.
///
/// # Errors
///
/// What it must be.
pub(crate) fn mode(text: &str) -> Result<Mode, String> {
    let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3);
    let digits = digits.unwrap_or(text);
    let is_octal = digits.len() == 3 && digits.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    let mode = u32::from_str_radix(digits, 8).ok().filter(|_| is_octal);
    mode.map(Mode).ok_or_else(|| {
        "a mode is three octal digits, for owner, group and all others: 660, or 0660".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal() {
        for (text, mode) in [
            ("660", 0o660),
            ("0600", 0o600),
            ("777", 0o777),
            ("060", 0o60),
            ("0000", 0),
        ] {
            assert_eq!(super::mode(text), Ok(Mode(mode)), "{text}");
        }
        for text in [
            "", "6", "66", "6600", "00660", "0o660", "888", "0668", "+66", "rw-",
        ] {
            assert!(super::mode(text).is_err(), "{text}");
        }
    }
}
