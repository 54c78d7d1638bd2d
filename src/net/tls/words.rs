//! What rustls says, in words that tell people what to do.

use crate::net::http::http_date;
use crate::net::words::harmless;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InconsistentKeys, InvalidMessage};
use std::io;
use std::time::{Duration, UNIX_EPOCH};

/// The error as one that ends a connection.
pub(super) fn failure(error: &Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, told(error))
}

pub(super) fn told(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the key is not the certificate's".into()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what came is no TLS: does the port speak it? without TLS the URL begins with ws://"
                .into()
        }
        Error::NoApplicationProtocol
        | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the two ends have no protocol in common: HTTP/1.1 is not spoken on this port".into()
        }
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(_) => {
            format!("the two ends have no version or cipher of TLS in common: {error}")
        }
        Error::General(problem) => problem.clone(),
        error => format!("TLS failed: {error}"),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        // Who signed it may have the name of one who is trusted, and another key.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "nobody who is trusted here has signed the certificate; --ca FILE, or ClientTls::from_pem, says whom else \
             to trust"
                .into()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<_> = presented.iter().map(|name| plain_name(name)).collect();
            let names = match &names[..] {
                [] => "no host at all".into(),
                names => names.join(", "),
            };
            format!("the certificate is for {names}, not for {}", expected.to_str())
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate is valid no longer: it was until {}", date(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate is not valid yet: it will be from {}; is the clock here right?",
            date(*not_before)
        ),
        CertificateError::BadEncoding => "the certificate is malformed".into(),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the certificate is one for signing others, not for a server; openssl req makes one for a server with \
             -addext basicConstraints=critical,CA:FALSE"
                .into()
        }
        CertificateError::Other(other) if other.to_string().contains("UnsupportedCertVersion") => {
            "the certificate is of version 1, which names no host; make one with -addext subjectAltName=DNS:HOST"
                .into()
        }
        error => format!("the certificate is refused: {error}"),
    }
}

/// What the peer said when it gave up.
fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let why = match alert {
        Alert::UnknownCA | Alert::BadCertificate => {
            "the peer does not trust the certificate that it was shown"
        }
        Alert::CertificateExpired => "to the peer the certificate is not valid at this time",
        Alert::CertificateUnknown => "the peer refused the certificate that it was shown",
        Alert::CertificateRequired => "the peer wants a certificate of this end too",
        Alert::ProtocolVersion => {
            "the peer speaks no version of TLS that is spoken here (1.2 and 1.3)"
        }
        Alert::UnrecognisedName => "the server has no certificate for this host",
        Alert::HandshakeFailure => "the peer found no cipher or setting in common",
        alert => return format!("the peer ended TLS with the alert {alert:?}"),
    };
    why.into()
}

/// rustls tells a name as `DnsName("localhost")` or `IpAddress(127.0.0.1)`.
fn plain_name(name: &str) -> String {
    let inside = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    let name = inside.unwrap_or(name).trim_matches('"');
    harmless(name.as_bytes())
}

fn date(time: UnixTime) -> String {
    http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}
