//! What a client says of each way in which TLS fails: what is wrong, and what to do about it.

use crate::support::inside::{client_tls, server_tls};
use crate::support::server;
use crate::support::skip::skip;
use plainws::{Client, ClientTls, Error};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::{Authority, Certificate, Files, LOCAL, PATIENCE, Peer};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// What a client says that trusts this PEM and connects to a server with these settings as `host`. The server must not
/// hear of the request.
fn said(config: Arc<ServerConfig>, trusted: &str, host: &str) -> (String, io::ErrorKind) {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let tcp = accept(&listener);
        let mut kept = tcp.try_clone().expect("it is a socket");
        let Ok(mut peer) = Peer::server(tcp, config) else {
            // An alert, as a rule. What comes after it is read, or a reset could take the place of the server's own.
            let _ = io::copy(&mut kept, &mut io::sink());
            return Vec::new();
        };
        peer.until_end()
    });
    let url = format!("wss://{host}/");
    let client = Client::new(&url).expect("the URL is right");
    let client = client.connect_to(&address.to_string());
    let client = client.expect("it is an address").tls(client_tls(trusted));
    let told = told(client, &format!("no TLS with the server at {url}: "));
    let heard = server.join().expect("the server ends");
    assert!(heard.is_empty(), "{}", heard.escape_ascii());
    told
}

/// What a client says that cannot connect, after this, and the error's kind.
#[track_caller]
fn told(client: Client, begins: &str) -> (String, io::ErrorKind) {
    let error = client.connect().expect_err("it must not connect");
    let text = error.to_string();
    let Error::Tls(inner) = &error else {
        panic!("{error:?}");
    };
    let rest = text.strip_prefix(begins);
    (rest.expect(&text).to_owned(), inner.kind())
}

const UNTRUSTED: io::ErrorKind = io::ErrorKind::PermissionDenied;
const WRONG: io::ErrorKind = io::ErrorKind::InvalidData;

#[test]
fn of_each_certificate_tell_what_is_wrong() {
    let authority = Authority::new();
    let (root, below) = (authority.pem(), authority.below());
    let (own, of_ca) = (
        Certificate::of_its_own(LOCAL),
        Certificate::of_an_authority(LOCAL),
    );
    let nobody = "nobody who is trusted here has signed the certificate";
    let came_with = format!("{nobody}, or another one that came with it");
    let too_short =
        format!("{nobody}, or the server has another key, or one too short (RSA needs 2048 bits)");
    let for_signing = "the certificate is one for signing others, not for a server; openssl req makes one for a \
                       server with -addext basicConstraints=critical,CA:FALSE";
    let others = [
        "a.example",
        "*.b.example",
        "10.0.0.1",
        "c.example",
        "d.example",
        "e.example",
        "f.example",
    ];
    let for_clients = authority.sign_with(LOCAL, |certificate| {
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let chained = below.sign(LOCAL);
    let alone = Certificate {
        chain: first(&chained.chain),
        ..chained.clone()
    };
    assert_ne!(alone.chain, chained.chain);
    #[rustfmt::skip]
    let rows = [
        (own.clone(), "localhost", &*came_with, UNTRUSTED),
        // Others of the same name as the authority that is trusted.
        (Authority::new().below().sign(LOCAL), "localhost", &too_short, UNTRUSTED),
        (Authority::new().sign(LOCAL), "localhost", &too_short, UNTRUSTED),
        (of_ca, "localhost", for_signing, WRONG),
        (authority.sign(&["a.example"]), "localhost", "the certificate is for a.example, not for localhost", WRONG),
        (authority.sign(&["10.0.0.1"]), "127.0.0.1", "the certificate is for 10.0.0.1, not for 127.0.0.1", WRONG),
        (authority.sign(&["::1"]), "[::2]", "the certificate is for ::1, not for ::2", WRONG),
        (authority.sign(&others), "x.b.example.org", "the certificate is for a.example, *.b.example, 10.0.0.1, c.example, d.example and 2 more, not for x.b.example.org", WRONG),
        (authority.sign(&[]), "localhost", "the certificate names no host, and its common name is none; make one with -addext subjectAltName=DNS:localhost", WRONG),
        (authority.sign(&[]), "127.0.0.1", "the certificate names no host, and its common name is none; make one with -addext subjectAltName=IP:127.0.0.1", WRONG),
        (authority.sign_expired(LOCAL), "localhost", "the certificate has expired: it was valid until Fri, 01 Jan 2021 00:00:00 GMT", WRONG),
        (authority.sign_not_yet_valid(LOCAL), "localhost", "the certificate is not valid yet: it will be from Sat, 01 Jan 4000 00:00:00 GMT; is the clock here right?", WRONG),
        (for_clients, "localhost", "the certificate may not be used for server authentication: its extended key usage lists only others", WRONG),
    ];
    for (certificate, host, words, kind) in rows {
        let told = said(certificate.config(), &root, host);
        assert_eq!((&*told.0, told.1), (words, kind));
    }
    // With the chain whole it is trusted, and so is one that is named itself.
    for (certificate, trusted) in [(chained, &root), (own.clone(), &own.chain)] {
        let address = server::start(|server| server.tls(server_tls(&certificate)));
        let client = Client::new("wss://localhost/").expect("the URL is right");
        let client = client.connect_to(&address.to_string());
        let client = client.expect("it is an address").tls(client_tls(trusted));
        let error = client.connect().expect_err("there is nothing at /");
        assert!(matches!(error, Error::Refused(_)), "{error}");
    }
    let told = said(alone.config(), &root, "localhost");
    assert_eq!(told, (came_with, UNTRUSTED));
}

/// The certificate of a PEM that is the first.
fn first(chain: &str) -> String {
    let mut certificates = chain.split_inclusive("-----END CERTIFICATE-----\n");
    certificates.next().expect("there is one").into()
}

/// What a client says to a server that answers its first bytes like this.
fn said_to(answer: impl FnOnce(TcpStream) + Send + 'static) -> (String, io::ErrorKind) {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let mut stream = accept(&listener);
        let hello = stream.read(&mut [0; 4096]);
        assert!(hello.expect("it is in time") > 0);
        answer(stream);
    });
    let url = format!("wss://{address}/");
    let client = Client::new(&url).expect("the URL is right");
    let client = client.tls(ClientTls::trusting_anyone()).timeout(PATIENCE);
    let told = told(client, &format!("no TLS with the server at {url}: "));
    server.join().expect("the server ends");
    told
}

#[test]
fn of_each_server_that_does_not_speak_tls_or_speaks_another_tell_what_is_wrong() {
    let plain =
        "what came is no TLS: does the port speak it? without TLS the URL begins with ws://";
    let ended = "the peer ended the connection in the midst of the handshake";
    // RFC 8446 §6.2: fatal alerts.
    let rows: [(&[u8], &str); 13] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", plain),
        (b"SSH-2.0-OpenSSH_9.6\r\n", plain),
        (b"220 mail.example ESMTP\r\n", plain),
        (
            b"\x15\x03\x03\0\x02\x02\x28",
            "the peer found no cipher or setting in common, or wants a certificate of this end too",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x2a",
            "the peer does not trust the certificate that it was shown, or wants one and was shown none",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x30",
            "the peer does not trust the certificate that it was shown",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x46",
            "the peer speaks no version of TLS that is spoken here (1.2 and 1.3)",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x50",
            "the peer ended TLS with the alert InternalError: perhaps it has no certificate for this host",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x70",
            "the server has no certificate for this host",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x78",
            "the two ends have no protocol in common: HTTP/1.1 is not spoken on this port",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x5a",
            "the peer ended TLS with the alert UserCanceled",
        ),
        (
            SERVER_HELLO_OF_TLS_1_1,
            "the two ends have no version or cipher of TLS in common (ServerDoesNotSupportTls12Or13)",
        ),
        (b"\x16\x03\x03", ended),
    ];
    for (bytes, words) in rows {
        let told = said_to(move |mut stream| {
            let _ = stream.write_all(bytes);
        });
        let kind = match words == ended {
            true => io::ErrorKind::UnexpectedEof,
            false => WRONG,
        };
        assert_eq!(
            (&*told.0, told.1),
            (words, kind),
            "{}",
            bytes.escape_ascii()
        );
    }
    let closed = said_to(drop);
    assert_eq!(closed, (ended.into(), io::ErrorKind::UnexpectedEof));
}

/// RFC 4346 §7.4.1.3: version 3.2, 32 random bytes, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
const SERVER_HELLO_OF_TLS_1_1: &[u8] =
    b"\x16\x03\x02\0\x2a\x02\0\0\x26\x03\x02random bytes random bytes random\0\0\x2f\0";

#[test]
fn of_a_server_that_says_nothing_tell_that_it_took_too_long() {
    let (listener, address) = listen();
    let url = format!("wss://{address}/");
    let client = Client::new(&url).expect("the URL is right");
    let client = client.tls(ClientTls::trusting_anyone());
    let client = client.timeout(Duration::from_millis(50));
    let told = told(client, &format!("no TLS with the server at {url}: "));
    let words = "the handshake took too long";
    assert_eq!(told, (words.into(), io::ErrorKind::TimedOut));
    drop(listener);
}

/// Settings of a server that asks clients for a certificate.
fn asking(versions: &[&'static SupportedProtocolVersion]) -> (Arc<ServerConfig>, String) {
    let authority = Authority::new();
    let config = authority
        .sign(LOCAL)
        .config_for_clients_of(&authority, versions);
    (config, authority.pem())
}

#[test]
fn of_a_server_that_wants_a_certificate_tell_so_in_either_version() {
    for (versions, words) in [
        (
            [&TLS13],
            "the peer wants a certificate of this end too, which has none to show",
        ),
        (
            [&TLS12],
            "the peer wants a certificate of this end too, which has none to show",
        ),
    ] {
        let (config, root) = asking(&versions);
        assert_eq!(said(config, &root, "localhost"), (words.into(), WRONG));
    }
}

/// What rcgen does not make.
#[test]
fn of_certificates_that_openssl_makes_tell_what_is_wrong() {
    if Command::new("openssl").arg("version").output().is_err() {
        let tests = "the words for certificates that OpenSSL makes";
        return skip(tests, "openssl is not installed", "PLAINWS_OPENSSL");
    }
    // Their folder, in which openssl writes others over them.
    let files = Files::local();
    #[rustfmt::skip]
    let rows = [
        ("v1", &["-days", "9"][..], "the certificate is of version 1, which names no host; make one with -addext subjectAltName=DNS:HOST"),
        ("sha1", &["-days", "9", "-sha1", "-extfile", "server.ext"], "the certificate, or one that came with it, is signed in a way that is not taken any more, such as with SHA-1; it has to be made anew"),
    ];
    fs::write(
        files.folder.join("server.ext"),
        "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n",
    )
    .expect("the folder is there");
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl")
            .args(arguments)
            .current_dir(&files.folder)
            .output();
        let made = made.expect("openssl is there");
        assert!(made.status.success(), "{made:?}");
    };
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    openssl(
        &[
            &["req", "-x509"][..],
            &key,
            &["-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"],
        ]
        .concat(),
    );
    openssl(
        &[
            &["req"][..],
            &key,
            &[
                "-subj",
                "/CN=localhost",
                "-keyout",
                "key.pem",
                "-out",
                "csr.pem",
            ],
        ]
        .concat(),
    );
    for (name, arguments, words) in rows {
        let sign = [
            "x509",
            "-req",
            "-in",
            "csr.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            "cert.pem",
        ];
        openssl(&[&sign[..], arguments].concat());
        let read = |path: &Path| fs::read_to_string(path).expect("openssl has written it");
        let certificate = Certificate {
            chain: read(&files.cert),
            key: read(&files.key),
        };
        let told = said(unchecked(&certificate), &read(&files.ca), "localhost");
        assert_eq!(told, (words.into(), WRONG), "{name}");
    }
}

/// Settings for a server with a certificate that rustls would not show.
fn unchecked(certificate: &Certificate) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::from_pem_slice(certificate.chain.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes());
    let key = provider
        .key_provider
        .load_private_key(key.expect("it is PEM"));
    let shown = CertifiedKey::new(vec![chain.expect("it is PEM")], key.expect("it is a key"));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    Arc::new(config)
}
