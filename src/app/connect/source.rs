//! Where the input comes from, piece by piece.
//!
//! One thread takes the pieces ([`Pieces`]), and acts on each before it asks for the next. A piece is one
//! message or command without what ended it; an error of the kind [`io::ErrorKind::Interrupted`] stands for
//! Ctrl-C, which a line editor gets as a key; the last piece is followed by `None`, as Ctrl-D is. Any other
//! error ends the input. What comes from the server meanwhile goes out through
//! [`Lines`](crate::app::show::lines::Lines) and nowhere else.
//!
//! So a line editor takes two things: to be an iterator of lines here, made in that thread by [`open`], and to
//! write what [`Lines`](crate::app::show::lines::Lines) gives it above the line that is being typed.

use clap::ValueEnum;
use std::io::{self, BufRead, Read as _};

/// What makes a piece of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Per {
    /// A line, without its end (LF or CR LF)
    Line,
    /// All of the input as it is
    Input,
    /// What stands between two zero bytes
    Nul,
}

/// The pieces of the input, each waited for in its turn.
pub(super) type Pieces = Box<dyn Iterator<Item = io::Result<Vec<u8>>>>;

/// The longest piece. Input without an end must not fill the memory; no server takes as much in one message.
const LONGEST: u64 = 1 << 30;

/// Standard input. To be called in the thread that takes the pieces.
pub(super) fn open(per: Per) -> Pieces {
    pieces(io::stdin().lock(), per, LONGEST)
}

fn pieces(input: impl BufRead + 'static, per: Per, longest: u64) -> Pieces {
    match per {
        Per::Line => Box::new(Split(Some(input), b'\n', longest).map(|line| line.map(without_cr))),
        Per::Nul => Box::new(Split(Some(input), b'\0', longest)),
        Per::Input => Box::new(whole(input, longest).into_iter()),
    }
}

fn without_cr(mut line: Vec<u8>) -> Vec<u8> {
    if line.ends_with(b"\r") {
        line.pop();
    }
    line
}

/// All of it, unless there is nothing.
fn whole(input: impl BufRead, longest: u64) -> Option<io::Result<Vec<u8>>> {
    let mut bytes = Vec::new();
    match input.take(longest + 1).read_to_end(&mut bytes) {
        Ok(0) => None,
        Ok(length) if length as u64 > longest => Some(Err(too_long(longest))),
        Ok(_) => Some(Ok(bytes)),
        Err(error) => Some(Err(error)),
    }
}

/// As std's `Split`, with a bound. Nothing follows an error.
struct Split<R>(Option<R>, u8, u64);

impl<R: BufRead> Iterator for Split<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self(input, end, longest) = self;
        let mut piece = Vec::new();
        let read = input
            .as_mut()?
            .take(*longest + 1)
            .read_until(*end, &mut piece);
        let problem = match read {
            Ok(0) => return None,
            Ok(_) if piece.ends_with(&[*end]) => {
                piece.pop();
                return Some(Ok(piece));
            }
            Ok(length) if length as u64 <= *longest => return Some(Ok(piece)),
            Ok(_) => too_long(*longest),
            Err(error) => error,
        };
        self.0 = None;
        Some(Err(problem))
    }
}

fn too_long(longest: u64) -> io::Error {
    io::Error::other(format!("more than {longest} bytes for one message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(Per, &str, &[&str])] = &[
        (Per::Line, "", &[]),
        (Per::Line, "\n", &[""]),
        (Per::Line, "a", &["a"]),
        (Per::Line, "a\nb\n", &["a", "b"]),
        (Per::Line, "a\r\n\r\nb\r", &["a", "", "b"]),
        (Per::Line, "a\0b\n", &["a\0b"]),
        (Per::Input, "", &[]),
        (Per::Input, "a\nb\r\n", &["a\nb\r\n"]),
        (Per::Nul, "", &[]),
        (Per::Nul, "\0", &[""]),
        (Per::Nul, "a\nb\r\0c\n", &["a\nb\r", "c\n"]),
    ];

    #[test]
    fn pieces_end_where_they_should() {
        for &(per, input, expected) in CASES {
            let pieces: io::Result<Vec<_>> = pieces(input.as_bytes(), per, 7).collect();
            let pieces = pieces.expect("a slice can be read");
            assert!(
                pieces
                    .iter()
                    .eq(expected.iter().map(|piece| piece.as_bytes())),
                "{input:?} per {per:?}: {pieces:?}"
            );
        }
    }

    #[test]
    fn a_piece_that_is_too_long_ends_the_input() {
        for (per, input) in [
            (Per::Line, "1234567\n12345678\n1"),
            (Per::Nul, "1234567\x0012345678\x001"),
            (Per::Input, "12345678"),
        ] {
            let pieces: Vec<_> = pieces(input.as_bytes(), per, 7).collect();
            let (last, whole) = pieces.split_last().expect("there is one");
            assert!(last.is_err(), "{per:?}: {last:?}");
            assert!(
                whole
                    .iter()
                    .all(|piece| piece.as_ref().is_ok_and(|piece| piece == b"1234567"))
            );
        }
    }
}
