//! Redis, instances of the program, and HAProxy: each a process that can be killed.

use super::member::Way;
use super::process::Process;
use super::raw::PATIENCE;
use super::skip::skip;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

/// A folder of its own, with a short name: the path of a Unix socket has a hundred bytes at the most.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("plainws-rooms-{}-{next}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A Redis that answers only what it has on disk.
pub(crate) struct Redis {
    // Before the folder, so that it is gone before that is.
    process: Process,
    folder: Folder,
}

impl Redis {
    /// `None`, and says so, where there is no Redis.
    pub(crate) fn start() -> Option<Self> {
        let folder = Folder::new();
        let process = started(&mut Self::command(&folder), "redis-server", "PLAINWS_REDIS")?;
        let redis = Self { process, folder };
        redis.wait();
        Some(redis)
    }

    fn command(folder: &Folder) -> Command {
        let mut command = Command::new("redis-server");
        let folder = &folder.0;
        command.current_dir(folder).arg("--dir").arg(folder);
        command.args(["--port", "0", "--unixsocket", "redis.sock", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
        command
    }

    fn wait(&self) {
        // Some versions begin a sentence with it.
        let ready = |said: &str| said.contains("eady to accept connections").then_some(());
        self.process.stdout.wait_for("Redis that is ready", ready);
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}/redis.sock", self.folder.0.display())
    }

    /// At once, whatever it does. What it has given the system is written all the same: a loss of power is worse, and is
    /// what `appendfsync always` is for.
    pub(crate) fn kill(&mut self) {
        self.process.signal("KILL");
        self.process.wait();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = Process::start(&mut Self::command(&self.folder)).unwrap();
        self.wait();
    }

    /// Takes what it has on disk from a killed one.
    pub(crate) fn forget_all(&self) {
        fs::remove_dir_all(self.folder.0.join("appendonlydir")).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Asks it something itself.
    pub(crate) fn ask(&self, words: &[&str]) -> redis::Value {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        redis::cmd(words[0])
            .arg(&words[1..])
            .query(&mut connection)
            .unwrap()
    }
}

/// One of the program.
pub(crate) struct Instance {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Instance {
    pub(crate) fn start(redis: &Redis) -> Self {
        Self::keeping(redis, 100_000)
    }

    /// One that keeps so many messages of a room, and up to a hundred more.
    pub(crate) fn keeping(redis: &Redis, keep: usize) -> Self {
        Self::listening("127.0.0.1:0", redis, keep)
    }

    fn listening(address: &str, redis: &Redis, keep: usize) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rooms-redis"));
        command.args([address, &redis.url(), &keep.to_string()]);
        let process = Process::start(&mut command).unwrap();
        let address = process.stdout.wait_for("address", |said| {
            let (_, rest) = said.split_once("serves http://")?;
            rest.split_once('/')?.0.parse().ok()
        });
        Self { process, address }
    }

    /// Another one at the same address.
    pub(crate) fn start_again(&mut self, redis: &Redis) {
        *self = Self::listening(&self.address.to_string(), redis, 100_000);
    }

    pub(crate) fn way(&self) -> Way {
        Way::Address(self.address)
    }

    pub(crate) fn kill(&mut self) {
        self.process.signal("KILL");
        self.process.wait();
    }
}

/// HAProxy with the file that is shown, before two instances.
pub(crate) struct Haproxy {
    process: Process,
    folder: Folder,
}

impl Haproxy {
    /// `None`, and says so, where there is no HAProxy.
    pub(crate) fn start(one: &Instance, two: &Instance) -> Option<Self> {
        let folder = Folder::new();
        let mut file = include_str!("../../haproxy.cfg").to_owned();
        let socket = folder.0.join("haproxy.sock").display().to_string();
        for (shown, here) in [
            ("127.0.0.1:8080", socket),
            ("127.0.0.1:8001", one.address.to_string()),
            ("127.0.0.1:8002", two.address.to_string()),
        ] {
            assert_eq!(file.matches(shown).count(), 1, "{shown}");
            file = file.replace(shown, &here);
        }
        fs::write(folder.0.join("haproxy.cfg"), file).unwrap();
        let process = started(&mut Self::command(&folder), "haproxy", "PLAINWS_HAPROXY")?;
        let haproxy = Self { process, folder };
        haproxy.wait();
        Some(haproxy)
    }

    fn command(folder: &Folder) -> Command {
        let mut command = Command::new("haproxy");
        command
            .current_dir(&folder.0)
            .args(["-db", "-f", "haproxy.cfg"]);
        command
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(self.socket()).is_err() {
            let said = self.process.stderr.so_far();
            assert!(
                Instant::now() < deadline,
                "HAProxy does not listen:\n{said}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.0.join("haproxy.sock")
    }

    pub(crate) fn way(&self) -> Way {
        Way::Socket(self.socket())
    }

    pub(crate) fn kill(&mut self) {
        self.process.signal("KILL");
        self.process.wait();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = Process::start(&mut Self::command(&self.folder)).unwrap();
        self.wait();
    }
}

fn started(command: &mut Command, program: &str, variable: &str) -> Option<Process> {
    match Process::start(command) {
        Ok(process) => Some(process),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let test = thread::current().name().unwrap_or_default().to_owned();
            skip(&test, &format!("{program} is not installed"), variable);
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}
