//! nginx and HAProxy, in front of servers.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::process::{Output, Process};
use super::raw::PATIENCE;
use super::skip;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

/// Which program stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
}

impl Kind {
    /// Whether it is installed; if not, whoever runs the tests reads that.
    fn is_there(self) -> bool {
        let (name, variable) = match self {
            Self::Nginx => ("nginx", "PLAINWS_NGINX"),
            Self::Haproxy => ("haproxy", "PLAINWS_HAPROXY"),
        };
        let is_there = Command::new(name).arg("-v").output().is_ok();
        if !is_there {
            let tests = format!("a test with {name}");
            skip(&tests, &format!("{name} is not installed"), variable);
        }
        is_there
    }

    /// It stays in the foreground, as one process.
    fn command(self, place: &Place) -> Command {
        let (mut command, path) = match self {
            Self::Nginx => (Command::new("nginx"), place.folder.join("nginx.conf")),
            Self::Haproxy => (Command::new("haproxy"), place.folder.join("haproxy.cfg")),
        };
        match self {
            Self::Nginx => command
                .args(["-e", "stderr", "-g", "daemon off; master_process off;"])
                .arg("-p")
                .arg(&place.folder)
                .arg("-c")
                .arg(path),
            Self::Haproxy => command.arg("-db").arg("-f").arg(path),
        };
        command
    }
}

/// What a proxy has to itself: written into its configuration, and gone after it.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    /// Where it listens: it listens at each of them.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Place {
    /// A folder, and ports that were free a moment ago: neither program tells which one it takes.
    fn new(ports: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("plainws-balancer-{}-{count}", process::id()));
        fs::create_dir(&folder).expect("a new folder for a new proxy");
        // All are held until the last is there, so that they are different.
        let bind = |_| TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listeners: Vec<_> = (0..ports).map(bind).collect();
        let address = |listener: &TcpListener| listener.local_addr().expect("it is bound");
        let addresses = listeners.iter().map(address).collect();
        Self { folder, addresses }
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// nginx or HAProxy, which listens; ended and cleared away when it is dropped. When a test fails, it says all that it
/// has said.
#[derive(Debug)]
pub(crate) struct Balancer {
    pub(crate) process: Process,
    pub(crate) place: Place,
    kind: Kind,
}

impl Balancer {
    /// Starts it with a configuration that names so many addresses of its place, all of which it listens at. `None`, and
    /// said aloud, where the program is missing.
    #[track_caller]
    pub(crate) fn start(
        kind: Kind,
        ports: usize,
        mut configuration: impl FnMut(&Place) -> String,
    ) -> Option<Self> {
        if !kind.is_there() {
            return None;
        }
        for _ in 0..10 {
            let place = Place::new(ports);
            let name = match kind {
                Kind::Nginx => "nginx.conf",
                Kind::Haproxy => "haproxy.cfg",
            };
            fs::write(place.path(name), configuration(&place)).expect("it is our folder");
            let process = Process::start(&mut kind.command(&place)).expect("it is installed");
            let mut balancer = Self {
                process,
                place,
                kind,
            };
            if balancer.listens() {
                return Some(balancer);
            }
        }
        panic!("each port was taken by another");
    }

    /// Waits until it listens everywhere; `false` when another has taken a port before it.
    #[track_caller]
    fn listens(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.process.stderr.so_far();
            if said.contains("Address already in use") {
                return false;
            }
            assert!(!self.process.has_ended(), "{:?} has ended", self.kind);
            assert!(Instant::now() < deadline, "{:?} does not listen", self.kind);
            let mut addresses = self.place.addresses.iter();
            if addresses.all(|address| TcpStream::connect(address).is_ok()) {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Where it listens: the address that its configuration has at this place.
    pub(crate) fn address(&self, at: usize) -> SocketAddr {
        self.place.addresses[at]
    }

    /// What is in a file of its folder, such as a log.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.place.path(name)).unwrap_or_default()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if thread::panicking() {
            let said = [&self.process.stdout, &self.process.stderr].map(Output::so_far);
            let log = self.file("access.log");
            eprintln!("{:?} has said:\n{}{log}", self.kind, said.concat());
        }
    }
}

/// A configuration with each of these pairs' first text replaced by the second, wherever it is: addresses and paths. Each
/// has to be there.
#[track_caller]
pub(crate) fn replaced(configuration: &str, pairs: &[(&str, &str)]) -> String {
    let mut text = configuration.to_owned();
    for (old, new) in pairs {
        assert!(text.contains(old), "there is no {old}");
        text = text.replace(old, new);
    }
    text
}

/// An order to HAProxy at its admin socket, and what it answers.
#[cfg(unix)]
#[track_caller]
pub(crate) fn order(socket: impl AsRef<Path>, order: &str) -> String {
    use std::io::{Read as _, Write as _};

    let socket = std::os::unix::net::UnixStream::connect(socket);
    let mut socket = socket.expect("HAProxy takes orders");
    let prepared = socket.set_read_timeout(Some(PATIENCE));
    prepared.expect("the socket is there");
    writeln!(socket, "{order}").expect("HAProxy reads");
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .expect("HAProxy answers text");
    answer
}
