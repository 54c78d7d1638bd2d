//! Whom a client trusts, and what it says of others.

use crate::support::inside::{Served, VERSIONS, client_tls, serve, server_tls};
use crate::support::server::{echo, endless};
use plainws::{Client, ClientTls, Error, InvalidTls, ServerTls};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::{Authority, Certificate, LOCAL, PATIENCE, Peer, trusting, trusting_at};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Connection, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A client at this address, which it takes for this host. It does not wait for an answer to its Close.
fn client(address: SocketAddr, host: &str, tls: ClientTls) -> Client {
    let client = Client::new(&format!("wss://{host}/")).expect("the URL is right");
    let client = client.connect_to(&address.to_string());
    let limits = endless().close_timeout(Duration::ZERO);
    client.expect("it is one").limits(limits).tls(tls)
}

/// Why a client that takes the server for this host refuses it. The server learns no word of the request.
#[track_caller]
fn refusal(certificate: &Certificate, roots: &str, host: &str) -> String {
    let mut refusals = VERSIONS.map(|(versions, _)| {
        let (listener, address) = listen();
        let config = certificate.config_at(versions);
        let server = thread::spawn(move || match Peer::server(accept(&listener), config) {
            // With TLS 1.2 the server knows before its handshake has ended.
            Err(error) => assert!(error.to_string().contains("alert"), "{error}"),
            Ok(mut peer) => loop {
                match peer.read_some(PATIENCE) {
                    Ok(0) if peer.has_left() => panic!("an alert comes first"),
                    Ok(0) => {}
                    Ok(length) => {
                        panic!("{length} bytes were sent to a server that is not trusted")
                    }
                    Err(error) => break assert!(error.to_string().contains("alert"), "{error}"),
                }
            },
        });
        let error = client(address, host, client_tls(roots)).connect();
        server.join().expect("the server saw what it expected");
        match error.expect_err("it is not trusted") {
            error @ Error::Tls(_) => {
                assert!(!error.may_pass(), "{error}");
                let source = std::error::Error::source(&error).expect("it has one");
                assert!(source.is::<std::io::Error>());
                error.to_string()
            }
            other => panic!("an error of TLS, not {other:?}"),
        }
    });
    assert_eq!(refusals[0], refusals[1]);
    std::mem::take(&mut refusals[0])
}

#[track_caller]
fn expect_in(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

#[test]
fn a_stranger_is_refused() {
    let refusal = refusal(
        &Authority::new().sign(LOCAL),
        &Authority::new().pem(),
        "localhost",
    );
    expect_in(&refusal, &["nobody who is trusted here has signed"]);
}

#[test]
fn a_certificate_that_has_signed_itself_is_a_strangers() {
    let refusal = refusal(
        &Certificate::of_its_own(LOCAL),
        &Authority::new().pem(),
        "localhost",
    );
    expect_in(&refusal, &["nobody who is trusted here has signed"]);
}

#[test]
fn another_name_is_refused_and_both_are_named() {
    let authority = Authority::new();
    let certificate = authority.sign(&["example.com", "192.0.2.1"]);
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let refusal = refusal(&certificate, &authority.pem(), host);
        let host = host.trim_matches(['[', ']']);
        expect_in(
            &refusal,
            &[
                "the certificate is for example.com, 192.0.2.1, not for",
                host,
            ],
        );
    }
}

#[test]
fn an_address_is_no_name() {
    let authority = Authority::new();
    let refusal = refusal(
        &authority.sign(&["localhost"]),
        &authority.pem(),
        "127.0.0.1",
    );
    expect_in(
        &refusal,
        &["the certificate is for localhost, not for 127.0.0.1"],
    );
}

#[test]
fn a_certificate_of_another_time_is_refused_and_its_time_is_named() {
    let authority = Authority::new();
    let expired = refusal(
        &authority.sign_expired(LOCAL),
        &authority.pem(),
        "localhost",
    );
    expect_in(&expired, &["expired", "01 Jan 2021 00:00:00 GMT"]);
    let early = refusal(
        &authority.sign_not_yet_valid(LOCAL),
        &authority.pem(),
        "localhost",
    );
    expect_in(
        &early,
        &["not valid yet", "01 Jan 4000 00:00:00 GMT", "clock"],
    );
}

/// What `openssl req -x509` makes by itself. rustls takes it for no server's, even where it is trusted.
#[test]
fn a_certificate_for_signing_is_refused_and_the_cure_is_named() {
    let certificate = Certificate::of_an_authority(LOCAL);
    let refusal = refusal(&certificate, &certificate.chain, "localhost");
    expect_in(&refusal, &["basicConstraints=critical,CA:FALSE"]);
}

/// What the README's `openssl` command makes.
#[test]
fn a_certificate_of_its_own_is_trusted_where_it_is_named() {
    let certificate = Certificate::of_its_own(LOCAL);
    let (listener, address) = listen();
    let config = certificate.config();
    let server = thread::spawn(move || Peer::accept_open(&listener, config));
    let client = client(address, "localhost", client_tls(&certificate.chain));
    client.connect().expect("it is trusted");
    server.join().expect("the server saw what it expected");
}

#[test]
fn a_chain_leads_from_the_server_to_one_who_is_trusted() {
    let authority = Authority::new();
    let certificate = authority.below().below().sign(LOCAL);
    let served = Served {
        address: crate::support::server::start(|server| {
            server.tls(server_tls(&certificate)).route("/", echo)
        }),
        roots: authority.pem(),
    };
    served.connect();
    served.open();
    let (first, _) = certificate.chain.split_once("-----END").expect("it is PEM");
    let only_the_servers = Certificate {
        chain: format!("{first}-----END CERTIFICATE-----\n"),
        key: certificate.key,
    };
    let refusal = refusal(&only_the_servers, &authority.pem(), "localhost");
    expect_in(&refusal, &["nobody who is trusted here has signed"]);
}

#[test]
fn several_may_be_trusted_at_once() {
    let served = serve(|server| server.route("/", echo));
    let roots = [Authority::new().pem(), served.roots, Authority::new().pem()].concat();
    client(served.address, "localhost", client_tls(&roots))
        .connect()
        .expect("one of them is it");
}

#[test]
fn who_trusts_anyone_trusts_them_all() {
    let authority = Authority::new();
    let certificates = [
        authority.sign(LOCAL),
        authority.sign(&["example.com"]),
        authority.sign_expired(LOCAL),
        authority.sign_not_yet_valid(LOCAL),
        Certificate::of_its_own(LOCAL),
        Certificate::of_an_authority(LOCAL),
    ];
    for certificate in certificates {
        for (versions, _) in VERSIONS {
            let (listener, address) = listen();
            let config = certificate.config_at(versions);
            let server = thread::spawn(move || Peer::accept_open(&listener, config));
            let client = client(address, "localhost", ClientTls::trusting_anyone());
            client.connect().expect("it is trusted");
            server.join().expect("the server saw what it expected");
        }
    }
}

/// Shows a certificate without having its key.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesServerCert for Impostor {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[test]
fn who_has_not_the_certificates_key_is_refused_even_by_who_trusts_anyone() {
    let authority = Authority::new();
    let (shown, other) = (authority.sign(LOCAL), authority.sign(LOCAL));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(shown.chain.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(other.key.as_bytes()).expect("it is PEM");
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("ring knows it");
    let impostor = Impostor(Arc::new(CertifiedKey::new(chain.expect("it is PEM"), key)));
    let impostor = Arc::new(impostor);
    for (versions, _) in VERSIONS {
        for tls in [ClientTls::trusting_anyone(), client_tls(&authority.pem())] {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(versions)
                .expect("the provider knows it")
                .with_no_client_auth()
                .with_cert_resolver(impostor.clone());
            let (listener, address) = listen();
            let server = thread::spawn(move || {
                let peer = Peer::server(accept(&listener), Arc::new(config));
                peer.map(|mut peer| peer.until_end())
            });
            let error = client(address, "localhost", tls).connect();
            let error = error.expect_err("it is an impostor");
            assert!(matches!(error, Error::Tls(_)), "{error:?}");
            let sent = server.join().expect("it does not panic");
            assert!(sent.is_err() || sent.is_ok_and(|sent| sent.is_empty()));
        }
    }
}

/// RFC 6066 §3: a name is sent, an address is not.
#[test]
fn a_client_says_which_name_it_asks_for() {
    let authority = Authority::new();
    let names = [
        ("localhost", Some("localhost")),
        ("127.0.0.1", None),
        ("[::1]", None),
    ];
    for (host, name) in names {
        let (listener, address) = listen();
        let config = authority.sign(LOCAL).config();
        let server = thread::spawn(move || {
            let peer = Peer::accept_open(&listener, config);
            let Connection::Server(tls) = &peer.tls else {
                unreachable!("it is a server");
            };
            tls.server_name().map(str::to_owned)
        });
        client(address, host, client_tls(&authority.pem()))
            .connect()
            .expect("it is trusted");
        let seen = server.join().expect("the server saw what it expected");
        assert_eq!(seen.as_deref(), name, "{host}");
    }
}

#[test]
fn both_roles_speak_http_1_1_inside_and_nothing_else() {
    let served = serve(|server| server.route("/", echo));
    assert_eq!(served.open().tls.alpn_protocol(), Some(&b"http/1.1"[..]));
    let authority = Authority::new();
    let ask = |offered: &[&[u8]]| {
        let mut config = Arc::unwrap_or_clone(authority.sign(LOCAL).config());
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let (listener, address) = listen();
        let server = thread::spawn(move || {
            let mut peer = Peer::server(accept(&listener), Arc::new(config))?;
            peer.answer_upgrade();
            std::io::Result::Ok(peer.tls.alpn_protocol().map(<[u8]>::to_vec))
        });
        let connected = client(address, "localhost", client_tls(&authority.pem())).connect();
        (server.join().expect("it does not panic"), connected)
    };
    let (agreed, _) = ask(&[b"h2", b"http/1.1"]);
    assert_eq!(agreed.expect("it is agreed"), Some(b"http/1.1".to_vec()));
    let (agreed, connected) = ask(&[]);
    assert_eq!(agreed.expect("a peer need not speak of it"), None);
    connected.expect("a peer need not speak of it");
    let (agreed, connected) = ask(&[b"h2"]);
    agreed.expect_err("there is no protocol");
    let error = connected.expect_err("there is no protocol").to_string();
    expect_in(&error, &["HTTP/1.1"]);
}

#[test]
fn a_client_that_speaks_no_http_1_1_is_refused_and_one_that_says_nothing_is_not() {
    let served = serve(|server| server.route("/", echo));
    let mut config = Arc::unwrap_or_clone(trusting(&served.roots));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let refused = Peer::connect_as(served.address, Arc::new(config.clone()), "localhost");
    let error = refused.expect_err("there is no protocol").to_string();
    expect_in(&error, &["NoApplicationProtocol"]);
    config.alpn_protocols.clear();
    let _peer = Peer::open(served.address, Arc::new(config), "/");
}

/// Tickets that nobody reads would turn an early end into a reset.
#[test]
fn a_server_gives_out_nothing_to_resume_a_connection_by() {
    let served = serve(|server| server.route("/", echo));
    for (versions, _) in VERSIONS {
        // Its sessions are kept from one connection to the next.
        let config = trusting_at(&served.roots, versions);
        for _ in 0..2 {
            let mut peer = Peer::open(served.address, config.clone(), "/");
            peer.send_frame(0x88, "");
            let _ = peer.frame();
            peer.expect_fin();
            assert_eq!(peer.tls.handshake_kind(), Some(rustls::HandshakeKind::Full));
            if let Connection::Client(tls) = &peer.tls {
                assert_eq!(tls.tls13_tickets_received(), 0);
            }
        }
    }
}

/// rustls would take them, and they can be replayed.
#[test]
fn a_client_resumes_nothing() {
    let authority = Authority::new();
    let config = authority.sign(LOCAL).config();
    let tls = client_tls(&authority.pem());
    for _ in 0..2 {
        let (listener, address) = listen();
        let config = config.clone();
        let server = thread::spawn(move || {
            let peer = Peer::accept_open(&listener, config);
            peer.tls.handshake_kind()
        });
        let ws = client(address, "localhost", tls.clone()).connect();
        let kind = server.join().expect("the server saw what it expected");
        assert_eq!(kind, Some(rustls::HandshakeKind::Full));
        drop(ws);
    }
}

mod invalid {
    use super::*;

    fn of_a_server(chain: &str, key: &str) -> String {
        let tls = ServerTls::from_pem(chain.as_bytes(), key.as_bytes());
        tls.expect_err("it is refused").to_string()
    }

    fn of_a_client(roots: &str) -> String {
        let tls = ClientTls::from_pem(roots.as_bytes());
        tls.expect_err("it is refused").to_string()
    }

    #[test]
    fn pem_of_a_server_is_refused_with_what_is_wrong() {
        let authority = Authority::new();
        let (one, other) = (authority.sign(LOCAL), authority.sign(LOCAL));
        expect_in(
            &of_a_server(&one.chain, &other.key),
            &["the key is not the certificate's"],
        );
        expect_in(&of_a_server(&one.key, &one.chain), &["exchanged"]);
        expect_in(&of_a_server(&one.chain, &one.chain), &["exchanged"]);
        expect_in(
            &of_a_server("", &one.key),
            &["certificate", "BEGIN CERTIFICATE"],
        );
        expect_in(&of_a_server(&one.chain, ""), &["key", "BEGIN PRIVATE KEY"]);
        expect_in(&of_a_server(&one.chain[..200], &one.key), &["-----END"]);
        expect_in(&of_a_server(&one.chain, &one.key[..100]), &["-----END"]);
        let encrypted = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        expect_in(
            &of_a_server(&one.chain, &encrypted),
            &["password", "openssl pkey"],
        );
        // As `openssl ec -aes128` writes it.
        let encrypted = one.key.replacen(
            '\n',
            "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
            1,
        );
        expect_in(
            &of_a_server(&one.chain, &encrypted),
            &["password", "openssl pkey"],
        );
        let spoilt = one.chain.replacen("MI", "!!", 1);
        expect_in(&of_a_server(&spoilt, &one.key), &["base64"]);
        let der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        expect_in(&of_a_server(der, &one.key), &["malformed"]);
    }

    #[test]
    fn pem_of_a_client_is_refused_with_what_is_wrong() {
        let authority = Authority::new();
        for empty in ["", "no PEM at all", &authority.sign(LOCAL).key] {
            expect_in(&of_a_client(empty), &["BEGIN CERTIFICATE"]);
        }
        expect_in(&of_a_client(&authority.pem()[..200]), &["-----END"]);
    }

    #[test]
    fn hosts_are_refused() {
        let tls = client_tls(&Authority::new().pem());
        for host in ["", "no host", "[::1", "a..b"] {
            let (one, _) = crate::support::memory_pair::memory_pair();
            let refused: Result<_, InvalidTls> = tls.over(one, host);
            let refused = refused.expect_err(host).to_string();
            expect_in(&refused, &["no certificate can be for"]);
        }
        for host in ["localhost", "127.0.0.1", "::1", "[::1]", "a-b.example"] {
            let (one, _) = crate::support::memory_pair::memory_pair();
            tls.over(one, host).expect(host);
        }
    }
}
