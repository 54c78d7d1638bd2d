//! TLS (RFC 8446, RFC 5246) below a WebSocket connection, for both roles: `wss:` (§10.6).
//!
//! The protocol is rustls's. What is here is what a blocking connection needs around it: [`ServerTls`] and
//! [`ClientTls`] say which certificates count, and [`TlsStream`] is a [`Transport`] that can be read and written at the
//! same time. Nothing above that knows records: heads, frames and taps are the same inside TLS and outside.

mod certificates;
mod records;
mod stream;
mod trust;
mod words;

pub use self::certificates::InvalidTls;
pub use self::stream::TlsStream;

pub(super) use self::stream::said_plainly;

use self::certificates::{chain_and_key, roots};
use self::stream::Session;
use self::trust::Anyone;
use super::transport::Transport;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// What both roles say that they speak inside TLS (RFC 7301): over HTTP/2 there is no such handshake as §4's.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Who does the cryptography. Always named: a default of the process may be set by anyone in it.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

/// The certificate that a server shows, and its key; for [`Server::tls`](crate::Server::tls).
///
/// TLS 1.3 and 1.2 are spoken, without resumption, and of what may be spoken inside only HTTP/1.1 is agreed on.
/// Clones share the certificate: when one [renews](Self::renew) it, all have the new one.
///
/// ```no_run
/// use plainws::{Server, ServerTls};
/// use std::fs;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ServerTls::from_pem(&fs::read("fullchain.pem")?, &fs::read("privkey.pem")?)?;
/// Server::bind("0.0.0.0:443")?
///     .tls(tls.clone())
///     .route("/", |ws| ws.send("Hello"))
///     .serve();
/// # Ok(())
/// # }
/// ```
///
/// Of a [`rustls::ServerConfig`] one can be made for all that is not offered here, such as client certificates. That ties
/// the program to the version of rustls that this library uses.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl ServerTls {
    /// Takes PEM: the server's certificate, followed by those that lead from it to one that clients trust; and its
    /// private key, unencrypted. With Let's Encrypt these are `fullchain.pem` and `privkey.pem`.
    ///
    /// # Errors
    ///
    /// One of them is missing or malformed, or the key is not the certificate's.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidTls> {
        Ok(Arc::new(server_config(chain, key)?).into())
    }

    /// Shows another certificate from now on, one for all hosts. Connections that are open stay so, and so does
    /// whatever else a [`rustls::ServerConfig`] has settled, such as that clients need a certificate.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); the certificate stays the one before.
    pub fn renew(&self, chain: &[u8], key: &[u8]) -> Result<(), InvalidTls> {
        let renewed = server_config(chain, key)?;
        let mut config = self.config.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut config).cert_resolver = renewed.cert_resolver;
        Ok(())
    }

    /// The server's end of TLS over a stream, for [`accept`](crate::accept).
    ///
    /// ```no_run
    /// # fn serve(tls: plainws::ServerTls, tcp: std::net::TcpStream) -> plainws::Result<()> {
    /// let ws = plainws::accept(tls.over(tcp))?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn over(&self, stream: impl Transport + 'static) -> TlsStream {
        self.over_boxed(Box::new(stream))
    }

    pub(super) fn over_boxed(&self, transport: Box<dyn Transport>) -> TlsStream {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsStream::new(transport, Session::awaited(Arc::clone(&config)), Vec::new())
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self {
            config: Arc::new(RwLock::new(config)),
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// Whom a client trusts; for [`Client::tls`](crate::Client::tls).
///
/// ```no_run
/// use plainws::{Client, ClientTls};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ClientTls::from_pem(&std::fs::read("cert.pem")?)?;
/// let ws = Client::new("wss://localhost:8000/echo")?.tls(tls).connect()?;
/// # Ok(())
/// # }
/// ```
///
/// TLS 1.3 and 1.2 are spoken, without resumption. Of a [`rustls::ClientConfig`] one can be made for all that is not
/// offered here, such as client certificates. That ties the program to the version of rustls that this library uses.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
}

impl ClientTls {
    /// Trusts whom the system trusts, or the certificates in the file or directory that `SSL_CERT_FILE` or
    /// `SSL_CERT_DIR` name. They are read once for the whole process.
    ///
    /// # Errors
    ///
    /// The system has none, or they cannot be read.
    pub fn system() -> Result<Self, InvalidTls> {
        static SYSTEM: OnceLock<Result<ClientTls, InvalidTls>> = OnceLock::new();
        let system = SYSTEM.get_or_init(|| Ok(Self::trusting(certificates::of_the_system()?)));
        system.clone()
    }

    /// Trusts these certificates, as PEM, and those that they have signed; and no others.
    ///
    /// # Errors
    ///
    /// There is none, or one is malformed.
    pub fn from_pem(trusted: &[u8]) -> Result<Self, InvalidTls> {
        Ok(Self::trusting(roots(trusted)?))
    }

    /// Trusts anyone: what passes is encrypted, but whoever stands in between may have answered instead of the server,
    /// and read all of it. For a look at a server whose certificate is known to be a stranger's.
    #[must_use]
    pub fn trusting_anyone() -> Self {
        let config = client_builder().dangerous();
        let config = config.with_custom_certificate_verifier(Arc::new(Anyone(provider())));
        Self::settled(config.with_no_client_auth())
    }

    /// The client's end of TLS with this host over a stream, for [`Client::over`](crate::Client::over). The host is a
    /// name, or an address with or without the brackets of IPv6; the server's certificate has to name it.
    ///
    /// # Errors
    ///
    /// It is no host.
    pub fn over(
        &self,
        stream: impl Transport + 'static,
        host: &str,
    ) -> Result<TlsStream, InvalidTls> {
        self.over_boxed(Box::new(stream), host, Vec::new())
    }

    /// The same, where this has arrived from the server already.
    pub(super) fn over_boxed(
        &self,
        transport: Box<dyn Transport>,
        host: &str,
        arrived: Vec<u8>,
    ) -> Result<TlsStream, InvalidTls> {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let name = ServerName::try_from(bare.unwrap_or(host));
        let name = name.map_err(|_| InvalidTls::no_name(host))?.to_owned();
        let session = ClientConnection::new(Arc::clone(&self.config), name);
        let session = session.map_err(|error| InvalidTls::refused(&error))?;
        let session = Session::begun(session.into());
        Ok(TlsStream::new(transport, session, arrived))
    }

    fn trusting(roots: RootCertStore) -> Self {
        Self::settled(
            client_builder()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    fn settled(mut config: ClientConfig) -> Self {
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        config.resumption = Resumption::disabled();
        Arc::new(config).into()
    }
}

impl From<Arc<ClientConfig>> for ClientTls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

fn client_builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    let builder = ClientConfig::builder_with_provider(provider());
    builder
        .with_safe_default_protocol_versions()
        .expect("the provider speaks both versions")
}

/// Connections last, so nothing is kept to resume them: a store would cost memory, and a ticket that nobody has read
/// turns an early end into a reset.
fn server_config(chain: &[u8], key: &[u8]) -> Result<ServerConfig, InvalidTls> {
    let (chain, key) = chain_and_key(chain, key)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider speaks both versions");
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|error| InvalidTls::refused(&error))?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
