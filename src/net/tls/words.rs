//! What rustls says, in words that tell people what to do.

use crate::net::http::http_date;
use crate::net::words::{clipped, harmless};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, InconsistentKeys, InvalidMessage};
use std::io;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

/// The error as one that ends a connection. Its kind tells whether somebody else would have to be trusted.
pub(super) fn failure(error: &Error) -> io::Error {
    let kind = match error {
        Error::InvalidCertificate(error) if is_untrusted(error) => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, told(error))
}

/// Who signed it may have the name of one who is trusted, and another key.
const fn is_untrusted(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
    )
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
        Error::PeerIncompatible(problem) => {
            format!("the two ends have no version or cipher of TLS in common ({problem:?})")
        }
        Error::General(problem) => problem.clone(),
        error => format!("TLS failed: {error}"),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::BadSignature => {
            "nobody who is trusted here has signed the certificate, or the server has another key, or one too short \
             (RSA needs 2048 bits)"
                .into()
        }
        error if is_untrusted(error) => {
            "nobody who is trusted here has signed the certificate, or another one that came with it".into()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } if presented.is_empty() => format!(
            "the certificate names no host, and its common name is none; make one with -addext subjectAltName={}",
            alternative_name(expected)
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names = listed(presented);
            format!("the certificate is for {names}, not for {}", expected.to_str())
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate has expired: it was valid until {}", date(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the certificate is not valid yet: it will be from {}; is the clock here right?",
            date(*not_before)
        ),
        CertificateError::BadEncoding => "the certificate is malformed".into(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            "the certificate, or one that came with it, is signed in a way that is not taken any more, such as with \
             SHA-1; it has to be made anew"
                .into()
        }
        CertificateError::InvalidPurposeContext { required, .. } => {
            format!("the certificate may not be used for {required}: its extended key usage lists only others")
        }
        CertificateError::Other(other) => of_another(&other.to_string()),
        error => format!("the certificate is refused: {error}"),
    }
}

/// What rustls has no word of its own for.
fn of_another(error: &str) -> String {
    let known = [
        (
            "CaUsedAsEndEntity",
            "the certificate is one for signing others, not for a server; openssl req makes one for a server with \
             -addext basicConstraints=critical,CA:FALSE",
        ),
        (
            "EndEntityUsedAsCa",
            "the certificate is signed with one that must not sign others, which needs basicConstraints=critical,CA:TRUE",
        ),
        (
            "UnsupportedCertVersion",
            "the certificate is of version 1, which names no host; make one with -addext subjectAltName=DNS:HOST",
        ),
    ];
    let known = known.into_iter().find(|(name, _)| error.contains(name));
    known.map_or_else(
        || format!("the certificate is refused: {error}"),
        |(_, words)| words.into(),
    )
}

/// The name as openssl takes it.
fn alternative_name(host: &ServerName<'_>) -> String {
    let kind = match host {
        ServerName::IpAddress(_) => "IP",
        _ => "DNS",
    };
    format!("{kind}:{}", host.to_str())
}

/// The first names of a certificate: some have a hundred.
fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown = names.iter().take(MOST);
    let shown = Vec::from_iter(shown.map(|name| plain_name(name))).join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What the peer said when it gave up.
fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let why = match alert {
        // The last where it is signed by somebody of the right name, with another key.
        Alert::UnknownCA | Alert::DecryptError => {
            "the peer does not trust the certificate that it was shown"
        }
        Alert::BadCertificate => {
            "the peer does not trust the certificate that it was shown, or wants one and was shown none"
        }
        Alert::CertificateExpired => "to the peer the certificate is not valid at this time",
        Alert::CertificateUnknown => "the peer refused the certificate that it was shown",
        Alert::CertificateRequired => {
            "the peer wants a certificate of this end too, which has none to show"
        }
        Alert::ProtocolVersion => {
            "the peer speaks no version of TLS that is spoken here (1.2 and 1.3)"
        }
        Alert::UnrecognisedName => "the server has no certificate for this host",
        // Several servers say no more than that.
        Alert::InternalError => {
            "the peer ended TLS with the alert InternalError: perhaps it has no certificate for this host"
        }
        Alert::HandshakeFailure => {
            "the peer found no cipher or setting in common, or wants a certificate of this end too"
        }
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
    // It has a way of its own to shorten the zeros of IPv6.
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.to_string();
    }
    clipped(&harmless(name.as_bytes()), 100)
}

fn date(time: UnixTime) -> String {
    http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}
