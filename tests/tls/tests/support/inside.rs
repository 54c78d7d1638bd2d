//! plainws inside TLS: servers of the library with certificates, and clients that trust them.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::bytes::TEXT;
use super::server::{Observed, start};
use plainws::{Client, ClientTls, Limits, Message, Result, Role, Server, ServerTls, WebSocket};
use plainws_tls_tests::peer::listen;
use plainws_tls_tests::{Authority, Certificate, LOCAL, Peer, frame, trusting, trusting_at};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Both versions of TLS, each alone, and how they are named.
pub(crate) const VERSIONS: [(&[&SupportedProtocolVersion], &str); 2] =
    [(&[&TLS12], "TLS 1.2, "), (&[&TLS13], "TLS 1.3, ")];

/// What a server shows.
pub(crate) fn server_tls(certificate: &Certificate) -> ServerTls {
    let tls = ServerTls::from_pem(certificate.chain.as_bytes(), certificate.key.as_bytes());
    tls.expect("the certificate is good")
}

/// A client that trusts these certificates.
pub(crate) fn client_tls(roots: &str) -> ClientTls {
    ClientTls::from_pem(roots.as_bytes()).expect("these are certificates")
}

/// A server inside TLS, and whom its clients trust.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) roots: String,
}

/// Starts a server with a good certificate. It lives as long as the test's process.
pub(crate) fn serve(configure: impl FnOnce(Server) -> Server) -> Served {
    let authority = Authority::new();
    let tls = server_tls(&authority.sign(LOCAL));
    Served {
        address: start(|server| configure(server.tls(tls))),
        roots: authority.pem(),
    }
}

/// Starts one with a handler at `/`. What it tells its second argument can be waited for.
pub(crate) fn observe<T: Send + 'static>(
    limits: Limits,
    handler: impl Fn(&mut WebSocket, &mpsc::Sender<T>) -> Result<()> + Send + Sync + 'static,
) -> (Served, Observed<T>) {
    let (told, observed) = mpsc::channel();
    let served = serve(|server| {
        let server = server.limits(limits);
        server.route("/", move |ws| handler(ws, &told))
    });
    (served, observed.into())
}

impl Served {
    /// A client of the library, not yet connected.
    pub(crate) fn client(&self) -> Client {
        let client = Client::new("wss://localhost/").expect("the URL is right");
        let client = client.connect_to(&self.address.to_string());
        client.expect("it is one").tls(client_tls(&self.roots))
    }

    /// A connection of the library's client.
    pub(crate) fn connect(&self) -> WebSocket {
        self.client().connect().expect("the server lets us in")
    }

    /// A connection of a client that is not the library's.
    pub(crate) fn open(&self) -> Peer {
        Peer::open(self.address, trusting(&self.roots), "/")
    }

    /// The same with one version of TLS.
    pub(crate) fn open_at(&self, versions: &[&'static SupportedProtocolVersion]) -> Peer {
        Peer::open(self.address, trusting_at(&self.roots, versions), "/")
    }
}

/// A connection of the library's client, which waits for no answer to its Close, and the server's end of it, whose
/// every record the test writes.
pub(crate) fn connected() -> (WebSocket, Peer) {
    connected_at(rustls::DEFAULT_VERSIONS)
}

/// The same with one version of TLS.
pub(crate) fn connected_at(versions: &[&'static SupportedProtocolVersion]) -> (WebSocket, Peer) {
    let limits = Limits::default().close_timeout(Duration::ZERO);
    connected_with(versions, |client| client.limits(limits))
}

/// The same with a client that is set up so.
pub(crate) fn connected_with(
    versions: &[&'static SupportedProtocolVersion],
    configure: impl FnOnce(Client) -> Client,
) -> (WebSocket, Peer) {
    let authority = Authority::new();
    let config = authority.sign(LOCAL).config_at(versions);
    let (listener, address) = listen();
    let served = Served {
        address,
        roots: authority.pem(),
    };
    let server = thread::spawn(move || Peer::accept_open(&listener, config));
    let ws = configure(served.client()).connect();
    let peer = server.join().expect("the client comes");
    (ws.expect("the server lets us in"), peer)
}

/// A listener on a free port of another address than IPv4's, if there is one.
pub(crate) fn listen_at_ipv6() -> Option<TcpListener> {
    TcpListener::bind("[::1]:0").ok()
}

pub(crate) fn text(text: &str) -> Option<Message> {
    Some(Message::Text(text.into()))
}

/// Sends the record of a message byte by byte, with a pause after each, until the test has seen enough.
pub(crate) fn drip(
    mut peer: Peer,
    role: Role,
    pause: Duration,
) -> (Arc<AtomicBool>, thread::JoinHandle<Peer>) {
    let enough = Arc::new(AtomicBool::new(false));
    let is_enough = Arc::clone(&enough);
    let dripping = thread::spawn(move || {
        let record = peer.seal(frame(role, TEXT, "a".repeat(16_000)));
        let mut bytes = record.iter();
        while !is_enough.load(Ordering::Relaxed) {
            peer.send_records([*bytes.next().expect("the test ends before the record")]);
            thread::sleep(pause);
        }
        peer.send_records(bytes.as_slice());
        peer
    });
    (enough, dripping)
}
