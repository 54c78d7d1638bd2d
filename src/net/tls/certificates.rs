//! Certificates and keys, as people keep them in files.

use super::words;
use crate::net::words::quoted;
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;

/// Certificates or a key that TLS cannot be spoken with, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTls {
    problem: String,
}

impl InvalidTls {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
        }
    }

    pub(super) fn refused(error: &rustls::Error) -> Self {
        Self::new(words::told(error))
    }

    pub(super) fn no_name(host: &str) -> Self {
        let host = quoted(host);
        Self::new(format!(
            "no certificate can be for {host}: it is neither a name nor an address"
        ))
    }
}

impl fmt::Display for InvalidTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for InvalidTls {}

type Chain = Vec<CertificateDer<'static>>;

/// A server's certificate with those that lead to a trusted one, and its key.
pub(super) fn chain_and_key(
    chain: &[u8],
    key: &[u8],
) -> Result<(Chain, PrivateKeyDer<'static>), InvalidTls> {
    let certificates = certificates(chain, "the certificate")?;
    if certificates.is_empty() {
        return Err(match has_key(chain) {
            true => InvalidTls::new(
                "where the certificate should be is a private key: are the two exchanged?",
            ),
            false => no_certificate("the certificate", chain),
        });
    }
    if has_password(key) {
        return Err(InvalidTls::new(
            "the key has a password; `openssl pkey -in KEY -out PLAIN` takes it away",
        ));
    }
    match PrivateKeyDer::from_pem_slice(key) {
        Ok(key) => Ok((certificates, key)),
        Err(pem::Error::NoItemsFound) => Err(InvalidTls::new(no_key(key))),
        Err(error) => Err(malformed("the key", &error)),
    }
}

/// Certificates that are trusted.
pub(super) fn roots(trusted: &[u8]) -> Result<RootCertStore, InvalidTls> {
    const WHAT: &str = "the list of trusted certificates";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(trusted, WHAT)? {
        roots.add(certificate).map_err(|error| {
            InvalidTls::new(format!("in {WHAT} one is wrong: {}", words::told(&error)))
        })?;
    }
    match roots.is_empty() {
        true => Err(no_certificate(WHAT, trusted)),
        false => Ok(roots),
    }
}

/// What the system trusts. One that cannot be read is left out, as long as there are others.
pub(super) fn of_the_system() -> Result<RootCertStore, InvalidTls> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let why = found.errors.first().map(|error| format!(" ({error})"));
    Err(InvalidTls::new(format!(
        "this system has no certificates that it trusts{}: install them (ca-certificates), or name a file of them \
         in the variable SSL_CERT_FILE",
        why.unwrap_or_default()
    )))
}

fn certificates(bytes: &[u8], what: &str) -> Result<Chain, InvalidTls> {
    let all: Result<_, _> = CertificateDer::pem_slice_iter(bytes).collect();
    all.map_err(|error| malformed(what, &error))
}

fn has_key(bytes: &[u8]) -> bool {
    PrivateKeyDer::from_pem_slice(bytes).is_ok()
}

fn no_certificate(what: &str, bytes: &[u8]) -> InvalidTls {
    // X.690 §8: a sequence of some length above 255.
    let is_der = bytes.starts_with(&[0x30, 0x82]);
    InvalidTls::new(match is_der {
        true => format!(
            "{what} is not PEM but seems to be DER; `openssl x509 -inform DER -in FILE -out PEM` makes PEM of it"
        ),
        false => {
            format!("{what} is not PEM: nothing in it begins with -----BEGIN CERTIFICATE-----")
        }
    })
}

/// Either the label says so (RFC 7468 §11), or, in the older form, a header in the section (RFC 1421 §4.6.1.1).
fn has_password(key: &[u8]) -> bool {
    let has_line = |line: &[u8]| {
        key.split(|&byte| byte == b'\n')
            .any(|own| own.trim_ascii() == line)
    };
    has_line(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has_line(b"Proc-Type: 4,ENCRYPTED")
}

/// Why there is no key.
fn no_key(key: &[u8]) -> &'static str {
    match <(SectionKind, Vec<u8>)>::from_pem_slice(key) {
        Ok((SectionKind::Certificate, _)) => {
            "where the key should be is a certificate: are the two exchanged?"
        }
        _ => "the key is not PEM: nothing in it begins with -----BEGIN PRIVATE KEY-----",
    }
}

fn malformed(what: &str, error: &pem::Error) -> InvalidTls {
    let problem = match error {
        pem::Error::MissingSectionEnd { .. } => "it ends before the line -----END",
        pem::Error::Base64Decode(_) => "between its BEGIN and END stands what is no base64",
        _ => "a line -----BEGIN is malformed",
    };
    InvalidTls::new(format!("{what} is no whole PEM: {problem}"))
}
