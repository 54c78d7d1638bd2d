//! Unpredictable bytes for keys and nonces, from the operating system.
//!
//! §5.3 asks for masking keys that the application cannot foresee, each new. std has no call for that, but
//! on Unix the system's generator is a file: `/dev/urandom` never blocks once the machine has started,
//! never ends, and is read here a few hundred bytes at a time.
//!
//! Elsewhere, as on Windows, this rests on what std does but does not promise: that the keys of its hash
//! maps are drawn from the system's generator, and that their hash is a pseudorandom function (SipHash), so
//! that the hash of a counter under such keys cannot be foreseen without them. Nothing better can be had
//! there with std and without `unsafe`. Who needs a promise gives
//! [`Connection::client`](crate::protocol::connection::Connection::client) other keys.

use std::io;

/// A source of random bytes.
///
/// For those who run the protocol without [`net`](crate::net), it gives the keys that
/// [`Connection::client`](crate::protocol::connection::Connection::client) asks for and the nonce of an
/// [`Opening`](crate::protocol::handshake::Opening). And whatever else nobody is to guess, such as a token of
/// 128 bits: `random.bytes::<16>()`.
///
/// ```
/// use plainws::net::random::Random;
/// use plainws::protocol::connection::Connection;
///
/// let mut random = Random::new()?;
/// let client = Connection::client(Default::default(), Box::new(move || random.bytes()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Random(source::Source);

impl Random {
    /// Opens the system's generator.
    ///
    /// # Errors
    ///
    /// The system has none, as in a container without `/dev`.
    pub fn new() -> io::Result<Self> {
        source::Source::new().map(Self)
    }

    /// Draws the next bytes.
    ///
    /// # Panics
    ///
    /// The system's generator fails although it could be opened, which no known system does.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

#[cfg(unix)]
mod source {
    use std::fs::File;
    use std::io::{self, BufReader, Read as _};

    /// Bytes drawn at a time: 64 keys for one system call.
    const BUFFER: usize = 256;

    #[derive(Debug)]
    pub(super) struct Source(BufReader<File>);

    impl Source {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(BufReader::with_capacity(
                BUFFER,
                File::open("/dev/urandom")?,
            )))
        }

        pub(super) fn fill(&mut self, bytes: &mut [u8]) {
            self.0
                .read_exact(bytes)
                .expect("the system's generator neither ends nor fails once it is open");
        }
    }
}

#[cfg(not(unix))]
mod source {
    use std::hash::{BuildHasher as _, RandomState};
    use std::io;

    #[derive(Debug)]
    pub(super) struct Source {
        keys: RandomState,
        counter: u64,
    }

    impl Source {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                keys: RandomState::new(),
                counter: 0,
            })
        }

        pub(super) fn fill(&mut self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(size_of::<u64>()) {
                self.counter += 1;
                let drawn = self.keys.hash_one(self.counter).to_ne_bytes();
                chunk.copy_from_slice(&drawn[..chunk.len()]);
            }
        }
    }
}
