//! Whom the program trusts as a client of TLS, and whether this build has TLS at all.

use plainws::net::url::Url;
use plainws::{Client, Transport};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Whether this build has TLS.
pub(crate) const HAS_TLS: bool = cfg!(feature = "tls");

/// What is said of an address or an option that cannot be used without.
pub(crate) const NEEDS_TLS: &str = "needs TLS: build with --features tls";

/// To be said of each connection that was made so.
const NO_QUESTIONS: &str = "warning: with --insecure anyone is trusted: whoever stands in between may have answered \
                            instead of the server, and can read all of it";

/// The cure for a system that trusts nobody, besides what the library says.
const NAMES_ONE: &str = "--ca FILE names one as well";

/// Whom to trust on the other side of TLS: whom the system trusts, unless it was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    #[cfg(feature = "tls")]
    said: Option<plainws::ClientTls>,
    is_anyone: bool,
}

#[cfg(feature = "tls")]
impl Trust {
    /// Whom the certificates in a file, and nobody else, have signed for.
    ///
    /// # Errors
    ///
    /// There are none in it, in words for people.
    pub(crate) fn of_file(file: &Path) -> Result<Self, String> {
        let trusted = std::fs::read(file).map_err(|error| error.to_string())?;
        let said = plainws::ClientTls::from_pem(&trusted).map_err(|error| error.to_string())?;
        Ok(Self {
            said: Some(said),
            is_anyone: false,
        })
    }

    pub(crate) fn anyone() -> Self {
        Self {
            said: Some(plainws::ClientTls::trusting_anyone()),
            is_anyone: true,
        }
    }

    /// Checks before anything is connected that there is somebody to trust, if the URL asks for TLS.
    ///
    /// # Errors
    ///
    /// There is nobody, in words for people.
    pub(crate) fn check(&self, url: &Url) -> Result<(), String> {
        if url.is_secure() {
            self.tls()
                .map_err(|error| format!("{error}; {NAMES_ONE}"))?;
        }
        Ok(())
    }

    /// The same for a client, whose URL says whether it speaks TLS.
    pub(crate) fn of(&self, client: Client) -> Client {
        match &self.said {
            Some(tls) => client.tls(tls.clone()),
            None => client,
        }
    }

    /// Secures a stream to a URL's host, if the URL asks for that.
    fn secure(
        &self,
        stream: impl Transport + 'static,
        url: &Url,
    ) -> io::Result<Box<dyn Transport>> {
        if !url.is_secure() {
            return Ok(Box::new(stream));
        }
        let (host, _) = plainws::protocol::request::split_authority(url.host());
        let stream = self.tls().and_then(|tls| tls.over(stream, host));
        Ok(Box::new(stream.map_err(io::Error::other)?))
    }

    fn tls(&self) -> Result<plainws::ClientTls, plainws::InvalidTls> {
        match &self.said {
            Some(tls) => Ok(tls.clone()),
            None => plainws::ClientTls::system(),
        }
    }
}

#[cfg(not(feature = "tls"))]
impl Trust {
    pub(crate) fn of_file(_: &Path) -> Result<Self, String> {
        Err(NEEDS_TLS.into())
    }

    pub(crate) fn anyone() -> Self {
        Self::default()
    }

    pub(crate) fn check(&self, url: &Url) -> Result<(), String> {
        match url.is_secure() {
            true => Err(format!("wss:// {NEEDS_TLS}")),
            false => Ok(()),
        }
    }

    pub(crate) fn of(&self, client: Client) -> Client {
        client
    }

    fn secure(
        &self,
        stream: impl Transport + 'static,
        url: &Url,
    ) -> io::Result<Box<dyn Transport>> {
        match url.is_secure() {
            true => Err(io::Error::other(format!("wss:// {NEEDS_TLS}"))),
            false => Ok(Box::new(stream)),
        }
    }
}

impl Trust {
    /// What has to be said of each connection that was made so.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        self.is_anyone.then_some(NO_QUESTIONS)
    }

    /// The stream inside TLS if the URL asks for that, and then after its handshake; for what speaks over a stream
    /// of its own. Its calls wait as long as it takes, until somebody sets time-outs.
    ///
    /// # Errors
    ///
    /// As [`Transport::handshake`], or it took longer than `patience`; with what helps.
    pub(crate) fn over(
        &self,
        stream: impl Transport + 'static,
        url: &Url,
        patience: Duration,
    ) -> io::Result<Box<dyn Transport>> {
        let stream = self.secure(stream, url)?;
        shake_hands(&*stream, patience).map_err(advised)?;
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        Ok(stream)
    }
}

/// What helps against a failure of TLS, where that is one of the program's options or lies at the port.
pub(crate) fn advice(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Some("--ca FILE names whom else to trust, such as who has signed it")
        }
        io::ErrorKind::NotFound => Some(NAMES_ONE),
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::TimedOut
        | io::ErrorKind::UnexpectedEof => Some("does this port speak TLS?"),
        _ => None,
    }
}

fn advised(error: io::Error) -> io::Error {
    match advice(&error) {
        Some(advice) => io::Error::new(error.kind(), format!("{error}; {advice}")),
        None => error,
    }
}

fn shake_hands(stream: &dyn Transport, patience: Duration) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            let problem = "TLS was not agreed on in time";
            return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
        }
        // The shortest that sockets take.
        let left = Some(left.max(Duration::from_millis(1)));
        stream.set_read_timeout(left)?;
        stream.set_write_timeout(left)?;
        match stream.handshake() {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a call of a [`Transport`] may simply be made again: nothing has happened yet.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
