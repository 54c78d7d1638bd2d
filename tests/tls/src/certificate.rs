//! Certificates, made anew in each test that asks for one.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The names of a server on this machine.
pub const LOCAL: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Somebody who signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Certificates between its own and those that clients trust, the nearest first.
    between: String,
}

/// What a server shows, and the key to it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// PEM: the server's certificate, and those of authorities below the one that clients trust.
    pub chain: String,
    /// PEM.
    pub key: String,
}

impl Authority {
    /// One that signs its own certificate.
    #[must_use]
    pub fn new() -> Self {
        let issuer = CertifiedIssuer::self_signed(for_signing("an authority of tests"), key());
        Self {
            issuer: issuer.expect("it can be signed"),
            between: String::new(),
        }
    }

    /// Another one, whose certificate this one signs.
    #[must_use]
    pub fn below(&self) -> Self {
        let below = for_signing("an authority below");
        let issuer = CertifiedIssuer::signed_by(below, key(), &self.issuer);
        let issuer = issuer.expect("it can be signed");
        Self {
            between: issuer.pem() + &self.between,
            issuer,
        }
    }

    /// The PEM of its certificate: what clients are told to trust.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names and addresses, good for a long time.
    #[must_use]
    pub fn sign(&self, names: &[&str]) -> Certificate {
        self.sign_with(names, |_| {})
    }

    /// One that was good for a year, long ago.
    #[must_use]
    pub fn sign_expired(&self, names: &[&str]) -> Certificate {
        self.sign_with(names, |certificate| {
            certificate.not_before = date_time_ymd(2020, 1, 1);
            certificate.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// One that will be good in a far future.
    #[must_use]
    pub fn sign_not_yet_valid(&self, names: &[&str]) -> Certificate {
        self.sign_with(names, |certificate| {
            certificate.not_before = date_time_ymd(4000, 1, 1);
        })
    }

    /// One with whatever settings of rcgen.
    ///
    /// # Panics
    ///
    /// When rcgen refuses them.
    #[must_use]
    pub fn sign_with(
        &self,
        names: &[&str],
        settle: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut certificate = named(names);
        settle(&mut certificate);
        let key = key();
        let signed = certificate.signed_by(&key, &self.issuer);
        Certificate {
            chain: signed.expect("it can be signed").pem() + &self.between,
            key: key.serialize_pem(),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Certificate {
    /// One that nobody but itself has signed, and that may sign others: what `openssl req -x509` makes unless it is
    /// told otherwise.
    ///
    /// # Panics
    ///
    /// When a name is none.
    #[must_use]
    pub fn of_an_authority(names: &[&str]) -> Self {
        Self::self_signed(names, |certificate| {
            certificate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        })
    }

    /// One that nobody but itself has signed, and that may sign no others: clients can be told to trust its chain.
    ///
    /// # Panics
    ///
    /// When a name is none.
    #[must_use]
    pub fn of_its_own(names: &[&str]) -> Self {
        Self::self_signed(names, |certificate| {
            certificate.is_ca = IsCa::ExplicitNoCa;
        })
    }

    fn self_signed(names: &[&str], settle: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut certificate = named(names);
        settle(&mut certificate);
        let key = key();
        let signed = certificate.self_signed(&key).expect("it can be signed");
        Self {
            chain: signed.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Settings for a [`Peer`](crate::Peer) that is a server with this certificate.
    ///
    /// # Panics
    ///
    /// When the key does not fit.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config_at(rustls::DEFAULT_VERSIONS)
    }

    /// The same with these versions of TLS, such as `&[&rustls::version::TLS12]`.
    ///
    /// # Panics
    ///
    /// When the key does not fit.
    #[must_use]
    pub fn config_at(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(self.chain.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("the provider knows them")
            .with_no_client_auth()
            .with_single_cert(chain.expect("it is PEM"), key.expect("it is PEM"));
        let mut config = config.expect("the key fits");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// Settings of a server that wants a certificate of its clients, signed by this authority.
    ///
    /// # Panics
    ///
    /// When the key does not fit.
    #[must_use]
    pub fn config_for_clients_of(
        &self,
        clients: &Authority,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(clients.pem().as_bytes()).expect("it is PEM");
        roots.add(root).expect("it is a certificate");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let config = self.config_at(versions);
        let asking = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("the provider knows them")
            .with_client_cert_verifier(verifier.build().expect("there are roots"))
            .with_cert_resolver(Arc::clone(&config.cert_resolver));
        Arc::new(asking)
    }
}

/// Settings for a [`Peer`](crate::Peer) that is a client and trusts what these certificates (PEM) have signed.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn trusting(roots: &str) -> Arc<ClientConfig> {
    trusting_at(roots, rustls::DEFAULT_VERSIONS)
}

/// The same with these versions of TLS, such as `&[&rustls::version::TLS12]`.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn trusting_at(
    roots: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        let added = store.add(root.expect("it is PEM"));
        added.expect("it can be trusted");
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("the provider knows them")
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// The same certificates in files, for the program. They are removed when this is dropped.
#[derive(Debug)]
pub struct Files {
    /// The folder that holds them.
    pub folder: PathBuf,
    /// The server's chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authority's certificate, for `--ca`.
    pub ca: PathBuf,
}

impl Files {
    /// Writes a certificate, and the authority that a client is to trust.
    ///
    /// # Panics
    ///
    /// When they cannot be written.
    #[must_use]
    pub fn new(certificate: &Certificate, authority: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("plainws-tls-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("there is a folder for temporary files");
        let files = Self {
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
            ca: folder.join("ca.pem"),
            folder,
        };
        files.replace(certificate);
        fs::write(&files.ca, authority).expect("the folder is there");
        files
    }

    /// A good certificate for this machine, and the authority that signed it.
    #[must_use]
    pub fn local() -> Self {
        let authority = Authority::new();
        Self::new(&authority.sign(LOCAL), &authority.pem())
    }

    /// Writes another certificate and its key over the first.
    ///
    /// # Panics
    ///
    /// When they cannot be written.
    pub fn replace(&self, certificate: &Certificate) {
        fs::write(&self.cert, &certificate.chain).expect("the folder is there");
        fs::write(&self.key, &certificate.key).expect("the folder is there");
    }

    /// `--tls-cert FILE --tls-key FILE`.
    ///
    /// # Panics
    ///
    /// When the folder for temporary files has a strange name.
    #[must_use]
    pub fn serve_args(&self) -> [&str; 4] {
        ["--tls-cert", text(&self.cert), "--tls-key", text(&self.key)]
    }

    /// `--ca FILE`.
    ///
    /// # Panics
    ///
    /// When the folder for temporary files has a strange name.
    #[must_use]
    pub fn ca_args(&self) -> [&str; 2] {
        ["--ca", text(&self.ca)]
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// What encrypts, named: another crate of the same program may bring a second one.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn key() -> KeyPair {
    KeyPair::generate().expect("there are random numbers")
}

fn named(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut certificate = CertificateParams::new(names).expect("these are names");
    let name = &mut certificate.distinguished_name;
    name.push(DnType::CommonName, "a server of tests");
    certificate
}

fn for_signing(name: &str) -> CertificateParams {
    let mut certificate = CertificateParams::default();
    certificate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    certificate.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    certificate
        .distinguished_name
        .push(DnType::CommonName, name);
    certificate
}
