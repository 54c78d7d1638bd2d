//! Connections from trusted proxies, which may begin with a header of the PROXY protocol.

use super::forwarded;
use super::hosts::HostPolicy;
use super::http::Response;
use super::proxies::ProxyPolicy;
use super::proxy_header::{Decoded, InvalidProxyHeader, ProxyHeader, decode};
use super::transport::Transport;
use crate::protocol::head::Decoder;
use crate::protocol::request::{Request, Way};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What a proxy has told of a connection: nothing before its header has come, and nothing if none comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Introduction(Arc<OnceLock<ProxyHeader>>);

impl Introduction {
    /// The client's address, if the proxy told it.
    pub(super) fn source(&self) -> Option<SocketAddr> {
        self.0.get()?.source
    }

    /// Whether the client used TLS, if the proxy told that.
    pub(super) fn is_secure(&self) -> Option<bool> {
        self.0.get()?.is_secure
    }
}

/// A transport whose first bytes are read as a header of the PROXY protocol if they are one. It belongs below TLS.
///
/// A proxy that is trusted may also send none: neither HTTP nor TLS begins like one, so it is clear which it is. That
/// gives nothing away: who lets clients write the first bytes of its connections is no proxy to trust.
pub(super) struct Proxied {
    transport: Box<dyn Transport>,
    introduction: Introduction,
    /// What has arrived of the header, then what has arrived after it and was not read yet.
    arrived: Mutex<Vec<u8>>,
    is_introduced: AtomicBool,
    /// Whether `arrived` is to be read before anything else.
    has_arrived: AtomicBool,
}

impl Proxied {
    /// A connection that was accepted. From a trusted proxy it may begin with such a header, and then comes with what
    /// that will tell.
    pub(super) fn over(
        transport: Box<dyn Transport>,
        peer: Option<SocketAddr>,
        proxies: &ProxyPolicy,
    ) -> (Box<dyn Transport>, Option<Introduction>) {
        if !proxies.trusts(peer.map(|peer| peer.ip())) {
            return (transport, None);
        }
        let (proxied, introduction) = Self::new(transport);
        (Box::new(proxied), Some(introduction))
    }

    fn new(transport: Box<dyn Transport>) -> (Self, Introduction) {
        let introduction = Introduction::default();
        let proxied = Self {
            transport,
            introduction: introduction.clone(),
            arrived: Mutex::default(),
            is_introduced: AtomicBool::new(false),
            has_arrived: AtomicBool::new(false),
        };
        (proxied, introduction)
    }

    fn arrived(&self) -> MutexGuard<'_, Vec<u8>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on, and returns whether it is clear now what the connection begins with.
    fn introduce(&self, arrived: &mut Vec<u8>) -> io::Result<bool> {
        // As much as is read for a head: more would be moved once again.
        let mut buffer = [0; 512];
        let length = self.transport.read(&mut buffer)?;
        arrived.extend_from_slice(&buffer[..length]);
        match decode(arrived) {
            // The end in the midst of a header is for the reader of what should follow.
            Ok(Decoded::Incomplete) if length > 0 => return Ok(false),
            Ok(Decoded::Incomplete | Decoded::NotOne) => {}
            Ok(Decoded::Header(header, length)) => {
                let _ = self.introduction.0.set(header);
                arrived.drain(..length);
            }
            Err(invalid) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, invalid));
            }
        }
        self.has_arrived
            .store(!arrived.is_empty(), Ordering::Release);
        Ok(true)
    }

    /// Takes of what has arrived already; `None` if there is nothing.
    fn read_arrived(&self, buffers: &mut [IoSliceMut<'_>]) -> Option<usize> {
        if !self.has_arrived.load(Ordering::Acquire) {
            return None;
        }
        let mut arrived = self.arrived();
        let mut taken = 0;
        for buffer in buffers {
            let rest = &arrived[taken..];
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            taken += length;
        }
        arrived.drain(..taken);
        if arrived.is_empty() {
            *arrived = Vec::new();
            self.has_arrived.store(false, Ordering::Release);
        }
        (taken > 0).then_some(taken)
    }
}

/// What was wrong with the header that a connection begins with, if it failed for that.
pub(super) fn invalid_header(error: &io::Error) -> Option<&InvalidProxyHeader> {
    error.get_ref()?.downcast_ref()
}

impl Transport for Proxied {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.read_arrived(&mut [IoSliceMut::new(buffer)]) {
            Some(length) => Ok(length),
            None => self.transport.read(buffer),
        }
    }

    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match self.read_arrived(buffers) {
            Some(length) => Ok(length),
            None => self.transport.read_vectored(buffers),
        }
    }

    fn peek(&self) -> io::Result<usize> {
        if self.has_arrived.load(Ordering::Acquire) {
            return Ok(1);
        }
        self.transport.peek()
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.transport.write(bytes)
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.transport.write_vectored(pieces)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.set_write_timeout(timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.transport.set_nonblocking(is_nonblocking)
    }

    fn send_at_once(&self) -> io::Result<()> {
        self.transport.send_at_once()
    }

    fn handshake(&self) -> io::Result<bool> {
        if self.is_introduced.load(Ordering::Acquire) {
            return Ok(true);
        }
        if !self.transport.handshake()? {
            return Ok(false);
        }
        let is_introduced = self.introduce(&mut self.arrived())?;
        self.is_introduced.store(is_introduced, Ordering::Release);
        // A step of its own: who the client is may decide whether the next one, of TLS, is made.
        Ok(false)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.transport.shutdown(how)
    }

    fn secured_by(&self) -> Option<String> {
        self.transport.secured_by()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.transport.local_addr()
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.introduction
            .source()
            .or_else(|| self.transport.peer_addr())
    }
}

impl fmt::Debug for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxied")
            .field("introduction", &self.introduction)
            .finish_non_exhaustive()
    }
}

/// How a request came here: what trusted proxies say in its headers, or else what is known of the connection.
///
/// # Errors
///
/// The refusal of a request whose headers contradict each other.
pub(super) fn way(
    request: &Request,
    peer: Option<SocketAddr>,
    is_secure: bool,
    proxies: &ProxyPolicy,
) -> Result<Way, Response> {
    let peer = peer.map(|peer| peer.ip().to_canonical());
    let told = forwarded::read(request.head(), peer, proxies)
        .map_err(|unclear| Response::refusal(400, "forwarding-unclear", unclear.to_string()))?;
    Ok(Way {
        client: told.client.or(peer),
        is_secure: told.is_secure.unwrap_or(is_secure),
        host: told.host,
    })
}

/// Whether a request is for a host that is answered for. A page cannot say another `Host` than its own, but whatever
/// it likes in what a proxy would say: so both have to be right.
pub(super) fn is_host_served(request: &Request, hosts: &HostPolicy) -> bool {
    let client = request.client_ip().unwrap_or(Ipv4Addr::LOCALHOST.into());
    hosts.permits(request.host_sent(), client) && hosts.permits(request.host(), client)
}

/// The answer to a header of the PROXY protocol that cannot be read.
pub(super) fn header_malformed(invalid: &InvalidProxyHeader) -> Response {
    Response::refusal(400, "proxy-header-malformed", invalid.to_string())
}

/// The answer to a header of the PROXY protocol where a request should begin, if that is what a peer has said: it comes
/// from no trusted proxy, or it is not the first that comes from one.
pub(super) fn untrusted(
    said: &[u8],
    peer: Option<SocketAddr>,
    proxies: &ProxyPolicy,
) -> Option<Response> {
    // Of the second version the empty lines may be gone, which a head may begin with.
    let is_header =
        said.starts_with(b"PROXY ") || said.trim_ascii_start().starts_with(b"\0\r\nQUIT");
    is_header.then(|| {
        if proxies.trusts(peer.map(|peer| peer.ip())) {
            let reason = "a PROXY protocol header comes once, before anything else";
            return Response::refusal(400, "proxy-header-malformed", reason);
        }
        let peer = peer.map_or("a Unix socket".into(), |peer| peer.ip().to_string());
        let reason = format!("a PROXY protocol header from {peer}, which is no trusted proxy");
        Response::refusal(400, "proxy-untrusted", reason)
    })
}

/// The same for a head that broke a rule, of which these bytes came last.
pub(super) fn untrusted_head(
    decoder: &Decoder,
    came_last: &[u8],
    peer: Option<SocketAddr>,
    proxies: &ProxyPolicy,
) -> Option<Response> {
    // The second version begins with bytes that no head has.
    match decoder.so_far() {
        b"" => untrusted(came_last, peer, proxies),
        so_far => untrusted(so_far, peer, proxies),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    /// Whatever has arrived at each step.
    #[test]
    fn a_header_may_come_byte_by_byte_and_is_no_part_of_what_is_read() {
        let header = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
        let (mut peer, stream) = UnixStream::pair().expect("there are descriptors");
        let (proxied, introduction) = Proxied::new(Box::new(stream));
        let mut send = |bytes: &[u8]| peer.write_all(bytes).expect("there is room");
        let (last, before) = header.split_last().expect("it is not empty");
        for byte in before {
            send(&[*byte]);
            assert!(!proxied.handshake().expect("it is right so far"));
            assert_eq!(introduction.source(), None);
        }
        send(&[*last, b'G', b'E', b'T']);
        // Who it is can be judged before anything is made of the rest.
        assert!(!proxied.handshake().expect("it is right"));
        assert_eq!(introduction.source(), "192.0.2.7:12345".parse().ok());
        assert_eq!(proxied.peer_addr(), introduction.source());
        assert!(proxied.handshake().expect("all is done"));
        assert_eq!(proxied.peek().expect("something is there"), 1);

        let (mut one, mut two) = ([0; 1], [0; 8]);
        let mut buffers = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!(proxied.read_vectored(&mut buffers).expect("it is there"), 3);
        assert_eq!((&one, &two[..2]), (b"G", &b"ET"[..]));
        send(b" /");
        assert_eq!(proxied.read(&mut one).expect("it is there"), 1);
        assert_eq!(proxied.read(&mut two).expect("it is there"), 1);
    }

    #[test]
    fn what_comes_with_the_header_may_be_read_in_any_portions() {
        for portion in 1..6 {
            let (mut peer, stream) = UnixStream::pair().expect("there are descriptors");
            let (proxied, _) = Proxied::new(Box::new(stream));
            let sent = peer.write_all(b"PROXY UNKNOWN\r\nGET /\r\n\r\n");
            sent.expect("there is room");
            while !proxied.handshake().expect("it is right") {}
            let mut read = Vec::new();
            while read.len() < 9 {
                let mut buffer = vec![0; portion];
                let length = proxied.read(&mut buffer).expect("it is there");
                read.extend_from_slice(&buffer[..length]);
            }
            assert_eq!(read, b"GET /\r\n\r\n");
        }
    }
}
