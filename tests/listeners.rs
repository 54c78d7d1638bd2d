//! A server with several listeners.

use crate::support::bytes::{CLOSE, TEXT, close_body};
use crate::support::raw::{Raw, upgrade_request};
use crate::support::server::{echo, wait_until};
use plainws::net::listener::Listener;
use plainws::{Handle, Server};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

/// Somewhere to listen, and how it is reached.
struct Place {
    listener: Listener,
    connect: Box<dyn Fn() -> Raw>,
}

impl Place {
    fn tcp(address: &str) -> Option<Self> {
        let listener = TcpListener::bind(address).ok()?;
        let mut address = listener.local_addr().expect("it is bound");
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Some(Self {
            listener: listener.into(),
            connect: Box::new(move || Raw::connect(address)),
        })
    }

    #[cfg(unix)]
    fn unix(name: &str) -> Self {
        use std::os::unix::net::{UnixListener, UnixStream};

        /// A path that is freed again.
        struct Path(std::path::PathBuf);
        impl Drop for Path {
            fn drop(&mut self) {
                let _ = std::fs::remove_file(&self.0);
            }
        }
        let name = format!("plainws-{}-{name}.sock", std::process::id());
        let path = Path(std::env::temp_dir().join(name));
        let listener = UnixListener::bind(&path.0).expect("the path is free");
        Self {
            listener: listener.into(),
            connect: Box::new(move || {
                Raw::from(UnixStream::connect(&path.0).expect("the server listens"))
            }),
        }
    }
}

/// Two on the loopback, one on every address, one of IPv6 where there is that, and a Unix socket where there are such.
fn places(name: &str) -> Vec<Place> {
    let addresses = ["127.0.0.1:0", "127.0.0.1:0", "0.0.0.0:0", "[::1]:0"];
    let places = addresses.into_iter().filter_map(Place::tcp);
    #[cfg(unix)]
    let places = places.chain([Place::unix(name)]);
    #[cfg(not(unix))]
    let _ = name;
    places.collect()
}

/// A server on several listeners, and how each of them is reached.
struct Several {
    handle: Handle,
    serving: JoinHandle<()>,
    connect: Vec<Box<dyn Fn() -> Raw>>,
}

impl Several {
    fn start(places: Vec<Place>, configure: impl FnOnce(Server) -> Server) -> Self {
        let (server, connect) = on(places);
        let server = configure(server).route("/", echo);
        let handle = server.handle().expect("all are bound");
        Self {
            handle,
            serving: thread::spawn(move || server.serve()),
            connect,
        }
    }

    /// Opens a connection at each.
    fn open(&self) -> Vec<Raw> {
        let open = self.connect.iter().map(|connect| {
            let mut raw = connect();
            raw.send(upgrade_request("/"));
            raw.expect_101();
            raw
        });
        open.collect()
    }

    #[track_caller]
    fn wait_for_end(self) {
        wait_until("the end", || self.serving.is_finished());
        self.serving.join().expect("it does not panic");
    }
}

fn on(places: Vec<Place>) -> (Server, Vec<Box<dyn Fn() -> Raw>>) {
    let (listeners, connect): (Vec<_>, _) = places
        .into_iter()
        .map(|place| (place.listener, place.connect))
        .unzip();
    let mut listeners = listeners.into_iter();
    let first = listeners.next().expect("there is one");
    let server = listeners.fold(Server::from_listener(first), Server::listen);
    (server, connect)
}

fn status(connect: &dyn Fn() -> Raw, host: &str) -> u16 {
    let mut raw = connect();
    raw.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    raw.response().status
}

#[test]
fn all_are_served_by_the_same_handlers_and_counted_together() {
    let server = Several::start(places("served"), |server| server);
    let mut open = server.open();
    for (number, raw) in open.iter_mut().enumerate() {
        raw.send_frame(TEXT, format!("Hello {number}"));
        raw.expect_frame(TEXT, format!("Hello {number}"));
    }
    assert_eq!(server.handle.stats().open_websockets, open.len());
}

#[test]
fn the_address_told_is_that_of_the_first() {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("port 0 is free"));
    let first = listeners[0].local_addr().expect("it is bound");
    let [listener, others @ ..] = listeners;
    let server = others
        .into_iter()
        .fold(Server::from_listener(listener), Server::listen);
    assert_eq!(server.local_addr().expect("it is bound"), first);
}

#[test]
fn places_are_for_all_together() {
    let server = Several::start(places("places"), |server| server.max_connections(1));
    let mut held = (server.connect[0])();
    held.send(upgrade_request("/"));
    held.expect_101();
    for connect in &server.connect {
        assert_eq!(status(connect, "localhost"), 503);
    }
}

/// A page of a site whose name leads to the loopback reaches what listens there, and must not be helped by what else
/// the same server listens on (DNS rebinding).
mod hosts {
    use super::*;

    /// The statuses for a host at a loopback listener, and at one on every address.
    fn statuses(
        is_loopback_first: bool,
        configure: impl FnOnce(Server) -> Server,
    ) -> impl Fn(&str) -> [u16; 2] {
        let mut addresses = ["127.0.0.1:0", "0.0.0.0:0"];
        if !is_loopback_first {
            addresses.reverse();
        }
        let places = addresses.map(|address| Place::tcp(address).expect("port 0 is free"));
        let server = Several::start(places.into(), configure);
        move |host| {
            let statuses = [0, 1].map(|at| status(&server.connect[at], host));
            if is_loopback_first {
                statuses
            } else {
                [statuses[1], statuses[0]]
            }
        }
    }

    #[test]
    fn of_a_loopback_listener_are_those_of_the_loopback_whatever_is_beside_it() {
        for is_loopback_first in [true, false] {
            let statuses = statuses(is_loopback_first, |server| server);
            assert_eq!(statuses("localhost"), [426, 426]);
            assert_eq!(statuses("evil.example"), [421, 426]);
        }
    }

    #[test]
    fn that_are_allowed_are_so_at_each_listener() {
        let host = || "a.example".parse().expect("a host");
        for is_loopback_first in [true, false] {
            let statuses = statuses(is_loopback_first, |server| server.allow_host(host()));
            assert_eq!(statuses("a.example"), [426, 426]);
            assert_eq!(statuses("b.example"), [421, 421]);
        }
    }

    #[test]
    fn that_are_allowed_before_a_listener_is_added_are_so_there_too() {
        let late = TcpListener::bind("127.0.0.1:0").expect("port 0 is free");
        let address = late.local_addr().expect("it is bound");
        let host = "a.example".parse().expect("a host");
        let first = Server::bind("127.0.0.1:0").expect("port 0 is free");
        let server = first.allow_host(host).listen(late).route("/", echo);
        thread::spawn(move || server.serve());
        assert_eq!(status(&|| Raw::connect(address), "a.example"), 426);
        assert_eq!(status(&|| Raw::connect(address), "b.example"), 421);
    }
}

mod the_end {
    use super::*;

    #[test]
    fn is_heard_by_all_who_accept_and_all_who_are_connected() {
        let server = Several::start(places("end"), |server| server);
        let open = server.open();
        server.handle.shutdown();
        for mut raw in open {
            raw.expect_close(1001);
            raw.send_frame(CLOSE, close_body(1001, b""));
            raw.expect_fin();
        }
        server.wait_for_end();
    }

    #[test]
    fn comes_without_any_connection_and_by_a_cut_too() {
        for end in [Handle::shutdown, Handle::cut] {
            let server = Several::start(places("alone"), |server| server);
            // Each of them waits for a connection now, or is about to.
            drop(server.open());
            end(&server.handle);
            let handle = server.handle.clone();
            server.wait_for_end();
            // Nothing is left to be stopped.
            handle.shutdown();
        }
    }

    #[test]
    fn leaves_nothing_listening() {
        let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("port 0 is free"));
        let addresses = [0, 1, 2].map(|at: usize| listeners[at].local_addr().expect("it is bound"));
        let [listener, others @ ..] = listeners;
        let first = Server::from_listener(listener);
        let server = others.into_iter().fold(first, Server::listen);
        let handle = server.handle().expect("all are bound");
        let serving = thread::spawn(move || server.serve());
        handle.shutdown();
        wait_until("the end", || serving.is_finished());
        for address in addresses {
            let late = std::net::TcpStream::connect(address);
            assert!(late.is_err(), "nothing listens any more");
        }
    }

    #[test]
    fn is_told_to_those_who_wait_at_any() {
        let (server, connect) = on(places("waiting"));
        let waiting: Vec<_> = connect.iter().map(|connect| connect()).collect();
        // It does not accept yet.
        server.handle().expect("all are bound").shutdown();
        let serving = thread::spawn(move || server.serve());
        for mut raw in waiting {
            assert_eq!(raw.response().status, 503);
            raw.expect_fin();
        }
        wait_until("the end", || serving.is_finished());
    }
}

/// A socket that another process holds as well: here, this one.
#[cfg(target_os = "linux")]
mod a_shared_listener {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::mpsc;

    fn serve(listener: Listener) -> (Handle, JoinHandle<()>) {
        let server = Server::from_listener(listener.shared()).route("/", echo);
        let handle = server.handle().expect("it is bound");
        (handle, thread::spawn(move || server.serve()))
    }

    fn tcp() -> (TcpListener, SocketAddr) {
        let kept = TcpListener::bind("127.0.0.1:0").expect("port 0 is free");
        let address = kept.local_addr().expect("it is bound");
        (kept, address)
    }

    #[track_caller]
    fn check(listener: impl Fn() -> Listener, connect: impl Fn() -> Raw) {
        for _ in 0..2 {
            let (handle, serving) = serve(listener());
            let mut raw = connect();
            raw.send(upgrade_request("/"));
            raw.expect_101();
            handle.shutdown();
            raw.expect_close(1001);
            raw.send_frame(CLOSE, close_body(1001, b""));
            wait_until("the end", || serving.is_finished());
        }
        // Who comes now is served by the next.
        let mut waiting = connect();
        waiting.send(upgrade_request("/"));
        let (handle, serving) = serve(listener());
        waiting.expect_101();
        handle.cut();
        wait_until("the end", || serving.is_finished());
    }

    #[test]
    fn goes_on_listening_for_the_next_server() {
        let (kept, address) = tcp();
        check(
            || kept.try_clone().expect("a descriptor is free").into(),
            || Raw::connect(address),
        );
    }

    #[test]
    fn is_left_with_those_who_wait_in_its_queue() {
        let (kept, address) = tcp();
        let mut waiting = Raw::connect(address);
        waiting.send(upgrade_request("/"));
        let listener = |kept: &TcpListener| kept.try_clone().expect("a descriptor is free").into();
        let server = Server::from_listener(Listener::shared(listener(&kept)));
        server.handle().expect("it is bound").shutdown();
        server.serve();
        let (handle, serving) = serve(listener(&kept));
        waiting.expect_101();
        handle.cut();
        wait_until("the end", || serving.is_finished());
    }

    /// It can be shut down for all at once, and then refuses connections for good.
    #[test]
    fn that_is_a_unix_socket_does_so_too_even_if_its_file_is_gone() {
        let name = format!("plainws-{}-shared.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let kept = UnixListener::bind(&path).expect("the path is free");
        let listener = || kept.try_clone().expect("a descriptor is free").into();
        check(listener, || {
            Raw::from(UnixStream::connect(&path).expect("it listens"))
        });
        std::fs::remove_file(&path).expect("it is there");
        let (handle, serving) = serve(listener());
        handle.shutdown();
        wait_until("the end", || serving.is_finished());
    }

    /// What wakes the thread that accepts would stay in the queue if that has left already.
    #[test]
    fn is_left_with_an_empty_queue() {
        let (kept, _) = tcp();
        let clone = kept.try_clone().expect("a descriptor is free");
        let (handle, serving) = serve(clone.into());
        handle.shutdown();
        handle.cut();
        wait_until("the end", || serving.is_finished());
        kept.set_nonblocking(true).expect("it is a socket");
        assert!(kept.accept().is_err());
    }

    #[test]
    fn is_waited_for_even_if_it_was_made_not_to_wait() {
        let (kept, address) = tcp();
        kept.set_nonblocking(true).expect("it is a socket");
        let (told, failures) = mpsc::channel();
        let clone: Listener = kept.try_clone().expect("a descriptor is free").into();
        let server = Server::from_listener(clone.shared())
            .route("/", echo)
            .log(move |record| drop(told.send(format!("{:?}", record.outcome))));
        let handle = server.handle().expect("it is bound");
        let serving = thread::spawn(move || server.serve());
        let mut raw = Raw::open(address, "/");
        // By another of those who hold it, while it is waited for.
        kept.set_nonblocking(true).expect("it is a socket");
        drop(Raw::open(address, "/"));
        raw.send_frame(TEXT, "Hello");
        raw.expect_frame(TEXT, "Hello");
        handle.cut();
        wait_until("the end", || serving.is_finished());
        let failed: Vec<_> = failures
            .try_iter()
            .filter(|outcome| outcome.contains("NotAccepted"))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}
