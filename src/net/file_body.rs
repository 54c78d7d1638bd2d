//! The body of a page that is read from a file while it is sent.

use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::FileExt as _;
#[cfg(windows)]
use std::os::windows::fs::FileExt as _;
use std::sync::Arc;

/// What is read at once: as much as a fast peer takes at once, and little for one of many slow ones.
const PIECE: usize = 64 * 1024;

/// A file from its beginning, as long as it was when the page was made. Clones are the same file, and each is read
/// at places of its own.
#[derive(Clone, Debug)]
pub(super) struct FileBody {
    file: Arc<File>,
    length: u64,
}

impl FileBody {
    pub(super) fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            length: file.metadata()?.len(),
            file: Arc::new(file),
        })
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Gives it to `send` in pieces. Returns how much of it that has taken, and what ended it early.
    pub(super) fn send(
        &self,
        mut send: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> (u64, io::Result<()>) {
        let mut buffer = vec![0; self.next_length(0)];
        let mut sent = 0;
        while sent < self.length {
            let wanted = self.next_length(sent);
            let piece = self.read(&mut buffer, wanted, sent);
            let taken = piece.and_then(|piece| send(piece).map(|()| piece.len()));
            match taken {
                Ok(length) => sent += length as u64,
                Err(error) => return (sent, Err(error)),
            }
        }
        (sent, Ok(()))
    }

    fn next_length(&self, sent: u64) -> usize {
        usize::try_from(self.length - sent).map_or(PIECE, |left| left.min(PIECE))
    }

    /// Reads something at a place. The end of the file comes too early.
    fn read<'a>(&self, buffer: &'a mut [u8], wanted: usize, place: u64) -> io::Result<&'a [u8]> {
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        loop {
            #[cfg(unix)]
            let read = self.file.read_at(buffer, place);
            #[cfg(windows)]
            let read = self.file.seek_read(buffer, place);
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => return Ok(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl PartialEq for FileBody {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl Eq for FileBody {}
