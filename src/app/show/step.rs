//! A listing one line at a time, for who explains it to others.

use super::output;
use std::fmt;
use std::io::{self, BufRead as _, IsTerminal as _};

/// Shows each line that is written when the one before was read.
pub(crate) struct Steps<S, N> {
    line: String,
    show: S,
    /// Waits until the next line is wanted; `false` when none is any more.
    next: N,
}

impl<S: FnMut(&str), N: FnMut() -> bool> Steps<S, N> {
    pub(crate) const fn new(show: S, next: N) -> Self {
        Self {
            line: String::new(),
            show,
            next,
        }
    }
}

/// # Errors
///
/// Nothing more is wanted.
impl<S: FnMut(&str), N: FnMut() -> bool> fmt::Write for Steps<S, N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive('\n') {
            self.line += piece;
            if !piece.ends_with('\n') {
                continue;
            }
            (self.show)(&self.line);
            let is_empty = self.line.trim().is_empty();
            self.line.clear();
            if !is_empty && !(self.next)() {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

/// Steps by the Enter key. Where nobody looks at the output there are none: it is plain then.
///
/// # Errors
///
/// The input is not a keyboard's, in words for people.
pub(crate) fn by_keyboard() -> Result<Option<impl fmt::Write>, String> {
    if !io::stdout().is_terminal() {
        return Ok(None);
    }
    if !io::stdin().is_terminal() {
        return Err(
            "--step waits for the Enter key: give the bytes as words or with --file".into(),
        );
    }
    output::say("Enter shows the next line, q and Enter leave");
    // Who takes the terminal away wants no more either.
    let show = |line: &str| drop(output::print(line));
    Ok(Some(Steps::new(show, is_next_wanted)))
}

/// The line break that is typed leaves an empty line before the next.
fn is_next_wanted() -> bool {
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    read.is_ok_and(|length| length > 0) && !typed.trim().eq_ignore_ascii_case("q")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fmt::Write as _;

    /// What is shown of a text when so many further lines are wanted, and how often that was asked.
    fn shown(text: &[&str], wanted: usize) -> (String, usize) {
        let (mut shown, asked) = (String::new(), Cell::new(0));
        let next = || {
            asked.set(asked.get() + 1);
            asked.get() <= wanted
        };
        let mut steps = Steps::new(|line: &str| shown += line, next);
        let _ = text.iter().try_for_each(|piece| steps.write_str(piece));
        (shown, asked.get())
    }

    #[test]
    fn a_line_is_shown_when_the_one_before_was_read() {
        let text = ["fra", "me 0\n  00  81\n", "  01", "  05\n\nlegal\n"];
        assert_eq!(shown(&text, 0), ("frame 0\n".into(), 1));
        assert_eq!(shown(&text, 1), ("frame 0\n  00  81\n".into(), 2));
        // An empty line is no step.
        let all = "frame 0\n  00  81\n  01  05\n\nlegal\n";
        assert_eq!(shown(&text, 3), (all.into(), 4));
        assert_eq!(shown(&text, 9), (all.into(), 4));
    }
}
