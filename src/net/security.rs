//! Whether connections are inside TLS, and how they get there. Here it is decided what a build without TLS does.

use super::error::{Error, Result};
use super::stream::Stream;
#[cfg(feature = "tls")]
use super::tls::{ClientTls, ServerTls, said_plainly};
use super::transport::Transport;
use super::url::Url;
use std::io;

/// What a server secures its connections by, if by anything.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerSecurity {
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ServerTls>,
}

impl ServerSecurity {
    /// Whether a connection has to be secured before anything can be said.
    pub(super) const fn is_on(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// A connection that was accepted. Nothing is read or written yet.
    pub(super) fn over(&self, transport: Box<dyn Transport>) -> Stream {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Stream::new(tls.over_boxed(transport));
        }
        Stream::of(transport)
    }
}

/// What a peer has said in the clear, if a connection could not be secured because of that: it can be told in the clear
/// that it has to be.
pub(super) fn said_in_the_clear(error: &io::Error) -> Option<&[u8]> {
    #[cfg(feature = "tls")]
    return said_plainly(error);
    #[cfg(not(feature = "tls"))]
    {
        let _ = error;
        None
    }
}

/// What a client secures its connections by.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientSecurity {
    /// Unless it is the system's.
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ClientTls>,
}

impl ClientSecurity {
    /// Checks before anything is connected that a URL's connection can be had.
    ///
    /// # Errors
    ///
    /// It has to be secured, and cannot be.
    pub(super) fn check(&self, url: &Url) -> Result<()> {
        #[cfg(feature = "tls")]
        if url.is_secure() {
            self.tls()?;
        }
        #[cfg(not(feature = "tls"))]
        if url.is_secure() {
            return Err(Error::url(&url.to_string(), NO_TLS));
        }
        Ok(())
    }

    /// Secures a connection to a URL's host, from which this has arrived, if the URL asks for that. The handshake is
    /// still to come.
    pub(super) fn over(&self, stream: Stream, url: &Url, arrived: &mut Vec<u8>) -> Result<Stream> {
        self.check(url)?;
        #[cfg(feature = "tls")]
        if url.is_secure() {
            let transport = stream.into_transport();
            let transport =
                transport.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
            let (name, arrived) = (url.endpoint().name(), std::mem::take(arrived));
            let stream = self.tls()?.over_boxed(transport, name, arrived);
            return Ok(Stream::new(stream.map_err(invalid)?));
        }
        let _ = arrived;
        Ok(stream)
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> Result<ClientTls> {
        match &self.tls {
            Some(tls) => Ok(tls.clone()),
            None => ClientTls::system()
                .map_err(|error| Error::Tls(io::Error::new(io::ErrorKind::NotFound, error))),
        }
    }
}

#[cfg(feature = "tls")]
fn invalid(error: super::tls::InvalidTls) -> Error {
    Error::Tls(io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(not(feature = "tls"))]
const NO_TLS: &str = "wss:// needs TLS: build with --features tls";
