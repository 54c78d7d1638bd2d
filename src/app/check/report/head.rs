//! By what a head differs from the one that is usual, so that nobody has to look for it.

use crate::app::text::escaped;

/// A line that the head has as well is marked `+`, one that it lacks `-`. Nothing if it is the usual one.
pub(super) fn difference(head: &[u8], usual: &str) -> Vec<String> {
    if head == usual.as_bytes() {
        return Vec::new();
    }
    let (has, had) = (lines(head), lines(usual.as_bytes()));
    let lacks = without(&had, &has);
    let adds = without(&has, &had);
    if lacks.is_empty() && adds.is_empty() {
        return vec!["the usual lines in another order".into()];
    }
    let lacks = lacks.iter().map(|line| format!("- {}", shown(line)));
    let adds = adds.iter().map(|line| format!("+ {}", shown(line)));
    lacks.chain(adds).collect()
}

fn lines(head: &[u8]) -> Vec<&[u8]> {
    head.split_inclusive(|&byte| byte == b'\n').collect()
}

/// Those of the first that the second has not, as often as it has them.
fn without<'a>(lines: &[&'a [u8]], others: &[&[u8]]) -> Vec<&'a [u8]> {
    let mut others = others.to_vec();
    let mut left = lines.to_vec();
    left.retain(|line| match others.iter().position(|other| other == line) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    });
    left
}

/// A line as it reads; its end only where that is not CR LF.
pub(super) fn shown(line: &[u8]) -> String {
    match line.strip_suffix(b"\r\n") {
        Some(b"") => "(the empty line)".into(),
        Some(line) => escaped(line),
        None => format!("{} (no CR LF)", escaped(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    const USUAL: &str = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\r\n";

    #[test]
    fn is_nothing_for_the_usual_head() {
        assert!(difference(USUAL.as_bytes(), USUAL).is_empty());
    }

    #[test]
    fn shows_only_the_lines_that_differ() {
        for (head, due) in [
            (
                "GET / HTTP/1.1\r\nHost: here\r\nupgrade: h2c\r\n\r\n",
                &["- Upgrade: websocket", "+ upgrade: h2c"][..],
            ),
            (
                "GET / HTTP/1.1\r\nHost: here\r\nHost: here\r\nUpgrade: websocket\r\n\r\n",
                &["+ Host: here"],
            ),
            (
                "GET / HTTP/1.1\r\nHost: here\nUpgrade: websocket\r\n\r\n",
                &["- Host: here", "+ Host: here\\n (no CR LF)"],
            ),
            (
                "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n",
                &["- (the empty line)"],
            ),
            (
                "GET / HTTP/1.1\r\nUpgrade: websocket\r\nHost: here\r\n\r\n",
                &["the usual lines in another order"],
            ),
            (
                "GET / HTTP/1.1\r\nHost: \x1b[2J\r\nUpgrade: websocket\r\n\r\n",
                &["- Host: here", "+ Host: \\x1b[2J"],
            ),
        ] {
            assert_eq!(difference(head.as_bytes(), USUAL), due, "{head:?}");
        }
    }
}
