//! A server's certificate is renewed while it serves.

use crate::support::bytes::TEXT;
use crate::support::inside::server_tls;
use crate::support::server::{echo, start};
use plainws::{Client, ClientTls, ServerTls};
use plainws_tls_tests::{Authority, Certificate, LOCAL, Peer, trusting};
use rustls::DEFAULT_VERSIONS;
use std::net::SocketAddr;

fn served(certificate: &Certificate) -> (SocketAddr, ServerTls) {
    let tls = server_tls(certificate);
    let its_tls = tls.clone();
    (start(|server| server.tls(its_tls).route("/", echo)), tls)
}

fn renew(tls: &ServerTls, certificate: &Certificate) {
    let renewed = tls.renew(certificate.chain.as_bytes(), certificate.key.as_bytes());
    renewed.expect("the certificate is good");
}

/// Whether a server shows what this authority has signed.
fn shows(address: SocketAddr, authority: &Authority) -> bool {
    Peer::connect_as(address, trusting(&authority.pem()), "localhost").is_ok()
}

#[track_caller]
fn expect_echo(peer: &mut Peer, text: &str) {
    peer.send_frame(TEXT, text);
    peer.expect_frame(TEXT, text);
}

#[test]
fn new_handshakes_see_the_new_certificate_and_open_connections_go_on() {
    let (old, new) = (Authority::new(), Authority::new());
    let (address, tls) = served(&old.sign(LOCAL));
    let mut peer = Peer::open(address, trusting(&old.pem()), "/");
    expect_echo(&mut peer, "before");
    renew(&tls, &new.sign(LOCAL));
    assert!(shows(address, &new));
    assert!(!shows(address, &old));
    expect_echo(&mut peer, "after");
    peer.renew_keys();
    expect_echo(&mut peer, "long after");
    // And back.
    renew(&tls, &old.sign(LOCAL));
    assert!(shows(address, &old));
    expect_echo(&mut peer, "still");
}

/// Who has to show a certificate would otherwise be let in without one.
#[test]
fn clients_still_need_a_certificate_where_they_did() {
    let (clients, server) = (Authority::new(), Authority::new());
    let tls = ServerTls::from(
        server
            .sign(LOCAL)
            .config_for_clients_of(&clients, DEFAULT_VERSIONS),
    );
    let its_tls = tls.clone();
    let address = start(|server| server.tls(its_tls).route("/", echo));
    renew(&tls, &server.sign(LOCAL));
    let trusted = ClientTls::from_pem(server.pem().as_bytes()).expect("it is PEM");
    let client = Client::new(&format!("wss://{address}/")).expect("the URL is right");
    let refused = client.tls(trusted).connect().expect_err("none was shown");
    let wanted = "the peer wants a certificate of this end too";
    assert!(refused.to_string().contains(wanted), "{refused}");
}

#[test]
fn what_is_wrong_leaves_the_old_certificate() {
    let authority = Authority::new();
    let good = authority.sign(LOCAL);
    let (address, tls) = served(&good);
    let other = authority.sign(LOCAL);
    let wrong = [
        ("", ""),
        (&*good.chain, ""),
        ("", &*good.key),
        (&good.chain, &other.key),
        (&good.key, &good.chain),
        (&good.chain[..100], &good.key),
    ];
    for (chain, key) in wrong {
        let renewed = tls.renew(chain.as_bytes(), key.as_bytes());
        renewed.expect_err("it is wrong");
        assert!(shows(address, &authority));
    }
}

/// A client that has connected but not begun TLS belongs to the handshakes from now on, or to those before: either way
/// it is served.
#[test]
fn a_handshake_that_has_not_begun_is_made_all_the_same() {
    let (old, new) = (Authority::new(), Authority::new());
    let (address, tls) = served(&old.sign(LOCAL));
    let tcp = std::net::TcpStream::connect(address).expect("the server accepts");
    renew(&tls, &new.sign(LOCAL));
    let both = old.pem() + &new.pem();
    let mut peer = Peer::client(tcp, trusting(&both), "localhost").expect("one of them");
    peer.upgrade("/");
    expect_echo(&mut peer, "hi");
}

#[test]
fn clones_show_what_one_of_them_is_given() {
    let (old, new) = (Authority::new(), Authority::new());
    let tls = server_tls(&old.sign(LOCAL));
    let others: Vec<_> = (0..2)
        .map(|_| start(|server| server.tls(tls.clone()).route("/", echo)))
        .collect();
    renew(&tls.clone(), &new.sign(LOCAL));
    for address in others {
        assert!(shows(address, &new));
    }
    // And one made of settings of rustls can be renewed like any other.
    let tls = ServerTls::from(old.sign(LOCAL).config());
    let its_tls = tls.clone();
    let address = start(|server| server.tls(its_tls).route("/", echo));
    assert!(shows(address, &old));
    renew(&tls, &new.sign(LOCAL));
    assert!(shows(address, &new));
}
