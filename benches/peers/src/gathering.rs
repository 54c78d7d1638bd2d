//! A stream that lets answers to messages which arrived together leave together, as `plainws serve` does.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are kept: 64 KiB, or none with `--no-gathering`.
static MOST: LazyLock<usize> = LazyLock::new(|| {
    let gathers = std::env::args().all(|argument| argument != "--no-gathering");
    if gathers { 64 * 1024 } else { 0 }
});

/// Keeps what is written, flushed or not, until something is read. Larger writes go to the socket as they are.
///
/// The implementations measured here have no call that queues an answer until no further message is there. Without
/// this stream they make one system call for each small answer, and little else would be measured.
#[derive(Debug)]
pub struct Gathering<S> {
    stream: S,
    kept: Vec<u8>,
}

impl<S> Gathering<S> {
    /// Gathers for `stream`.
    pub const fn new(stream: S) -> Self {
        let kept = Vec::new();
        Self { stream, kept }
    }

    fn has_room(&self, length: usize) -> bool {
        self.kept.len() + length <= *MOST
    }
}

impl<S: Write> Gathering<S> {
    fn write_kept(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.kept)?;
        self.kept.clear();
        Ok(())
    }
}

impl<S: Read + Write> Read for Gathering<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.write_kept()?;
        self.stream.read(buffer)
    }
}

impl<S: Write> Write for Gathering<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.has_room(bytes.len()) {
            self.write_kept()?;
        }
        if !self.has_room(bytes.len()) {
            return self.stream.write(bytes);
        }
        self.kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin> Gathering<S> {
    fn poll_write_kept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.kept.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.kept))?;
            self.kept.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write_kept(context))?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathering<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if !self.has_room(length) {
            ready!(self.poll_write_kept(context))?;
        }
        if !self.has_room(length) {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        for slice in slices {
            self.kept.extend_from_slice(slice);
        }
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_kept(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
