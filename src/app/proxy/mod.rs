//! `plainws proxy`: stands between any client and any server, and shows what passes.

mod relay;
mod save;
mod watcher;

use self::relay::Relay;
use self::save::Save;
use self::watcher::{Ends, Output, Watcher};
use crate::app::address;
use crate::app::args;
use crate::app::listen::{TcpAddress, tcp_address};
use crate::app::show::lines::Lines;
use crate::app::show::text::count;
use crate::app::signals;
use crate::app::trust::Trust;
use clap::Args;
use plainws::Transport;
use plainws::net::url::Url;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
#[command(after_long_help = MORE)]
pub(crate) struct Options {
    /// Port or address to listen on, such as 9000 or localhost:9000; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000", value_parser = tcp_address)]
    listen: TcpAddress,

    /// The server to pass everything on to, such as ws://127.0.0.1:8000 or wss://example.com
    #[arg(long, value_name = "URL", value_parser = target)]
    to: Url,

    #[command(flatten)]
    tls: args::TlsOptions,

    #[command(flatten)]
    trace: args::TraceOption,

    /// Print a JSON object for each event on standard output
    #[arg(long)]
    json: bool,

    /// Save all bytes of both directions with their times; decode reads the file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Most bytes in that file; what comes after is passed on and not saved
    #[arg(long, value_name = "SIZE", default_value = "1024M", value_parser = args::size, hide_short_help = true)]
    max_save: u64,

    /// Most connections at once; any more are closed at once
    #[arg(long, value_name = "N", default_value = "200", value_parser = args::number_above_0, hide_short_help = true)]
    max_connections: NonZeroUsize,

    /// Seconds that connecting to the server may take, the handshake of TLS included
    #[arg(long, value_name = "S", default_value = "10", value_parser = args::seconds, hide_short_help = true)]
    connect_timeout: Duration,
}

const MORE: &str = "\
Bytes are passed on as they are, also those that break a rule or are no
WebSocket at all, and so are the end of either side and a reset. Who breaks
which rule is told. When a connection ends there are two lines: what the client
sent (>) and what the server sent (<). Lines for people go to standard error.
Nothing is left out: while nobody reads them, or the JSON, the traffic waits.
Ctrl-C closes what is open and ends with exit code 0; 1 says that not all could
be saved, or that there is no listening on that address.

The Host header is passed on as well, and names the proxy. A server that serves
other hosts only (421, 404) must be told of it, as by serve --allow-host. The
Origin that a browser sends is that of its page. A server that compares it with
Host lets in pages that came through the proxy too; others it answers with 403
unless they are allowed, as by serve --allow-origin.

With a server at wss:// the proxy speaks TLS, while its clients use ws:// as
before; what it shows and saves is not encrypted. A page that came through it
has an Origin of http://, which is another site to a server that speaks TLS: it
has to be allowed, as by serve --allow-origin http://127.0.0.1:9000.

--json prints objects of these kinds, with the names that decode --json has:
open, handshake, frame, body, violation, unfinished, end, failed. With
--trace=full a frame has its fields as well, as \"spans\". For a server with
TLS, open has its version and cipher, as \"secured_by\".

--save writes text, a line for each read, or several if it is long:
  # connection 1 127.0.0.1:40000 -> 127.0.0.1:8000
  #1 > 0.012345 81 85 37 fa 21 3d 7f 9f 4d 51 58
  #1 < 0.012811 81 05 48 65 6c 6c 6f
the number of the connection, > from the client or < from the server, seconds
since the connection began, up to 64 bytes in hex. Lines that begin with \"# \"
are comments. An old file of that name is replaced.";

/// How long the end waits for connections to end, and for a reader to take what is to be told.
const FLUSH: Duration = Duration::from_secs(1);

/// How long to wait for a descriptor when there is none left.
const PAUSE: Duration = Duration::from_millis(100);

/// Passes connections on until a signal ends it.
///
/// # Errors
///
/// What was wrong with the command line, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let trust = options.tls.trust_for(&options.to)?;
    trust.check(&options.to)?;
    let lines = Lines::waiting().map_err(|error| format!("cannot start a thread: {error}"))?;
    let served = serve(options, trust, &lines);
    if let Err(problem) = &served {
        lines.say(problem);
    }
    lines.finish(FLUSH);
    Ok(if served == Ok(true) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns whether all was saved that was to be.
fn serve(options: &Options, trust: Trust, lines: &Lines) -> Result<bool, String> {
    let (listener, place) = options.listen.listen("--listen")?;
    let address = place.reached_at();
    // Only now: an old file is replaced, perhaps that of a proxy which has this address.
    let save = options.save.as_deref();
    let save = save.map(|path| Save::create(path, options.max_save));
    let output = Output {
        lines: lines.clone(),
        level: options.trace.trace,
        is_json: options.json,
        save: save.transpose()?,
    };
    let proxy = Arc::new(Proxy {
        to: options.to.clone(),
        trust,
        connect_timeout: options.connect_timeout,
        max_connections: options.max_connections.get(),
        output: Arc::new(output),
        open: Mutex::default(),
        closed: Condvar::new(),
    });
    let (told, signalled) = mpsc::channel();
    signals::on_each(move || _ = told.send(()))
        .map_err(|error| format!("cannot wait for signals: {error}"))?;
    let scheme = if options.to.is_secure() { "wss" } else { "ws" };
    if let Some(warning) = proxy.trust.warning() {
        lines.say(warning);
    }
    lines.say(&format!(
        "ws://{address} passes on to {scheme}://{}; Ctrl-C ends",
        options.to.host()
    ));
    let its_proxy = Arc::clone(&proxy);
    thread::Builder::new()
        .name("plainws accepts".into())
        .spawn(move || its_proxy.accept(&listener))
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    // The other end is never dropped: signals go on being heeded.
    let _ = signalled.recv();
    proxy.end();
    Ok(proxy.output.save.as_ref().is_none_or(Save::is_complete))
}

/// What all connections share.
struct Proxy {
    to: Url,
    /// Whom to trust as the server, if it speaks TLS.
    trust: Trust,
    connect_timeout: Duration,
    max_connections: usize,
    output: Arc<Output>,
    open: Mutex<Open>,
    /// Notified when a connection has ended.
    closed: Condvar,
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    /// How many there were.
    count: u64,
    /// Without a relay while the server is being connected to.
    relays: BTreeMap<u64, Option<Arc<Relay>>>,
    /// Whether no more are taken.
    is_ending: bool,
}

impl Proxy {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            match listener.accept() {
                Ok((client, address)) => self.take(client, address),
                Err(error) => {
                    self.output
                        .say(&format!("cannot accept a connection: {error}"));
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Gives a connection a thread, or closes it if there are too many.
    fn take(self: &Arc<Self>, client: TcpStream, address: SocketAddr) {
        let Some(number) = self.enter() else {
            let most = count(self.max_connections as u64, "connection");
            self.output.say(&format!(
                "{address} was closed: there are {most} already (--max-connections)"
            ));
            return;
        };
        let its_proxy = Arc::clone(self);
        let thread = thread::Builder::new().name(format!("plainws proxy {number}"));
        let started = thread.spawn(move || {
            its_proxy.pass(number, client, address);
            its_proxy.leave(number);
        });
        if let Err(error) = started {
            self.output.say(&format!("cannot start a thread: {error}"));
            self.leave(number);
        }
    }

    /// Connects to the server, and passes on what comes from either side until both have ended.
    fn pass(&self, number: u64, client: TcpStream, address: SocketAddr) {
        let began = Instant::now();
        let (server, secured) = match self.reach() {
            Ok(reached) => reached,
            Err(error) => {
                let (to, at) = (self.to.host(), began.elapsed());
                return self.output.failed(number, at, address, to, &error);
            }
        };
        let peer = server.peer_addr().ok();
        let watcher = Watcher::new(
            Arc::clone(&self.output),
            number,
            began,
            Ends {
                client: address,
                server: peer,
                secured_by: secured.as_ref().and_then(|stream| stream.secured_by()),
            },
        );
        let relay = Arc::new(Relay::new(client, server, secured, watcher));
        {
            let mut open = self.open();
            if open.is_ending {
                return;
            }
            open.relays.insert(number, Some(Arc::clone(&relay)));
        }
        if let Err(error) = relay.run() {
            self.output.say(&format!("cannot start a thread: {error}"));
        }
    }

    /// Connects to the server; and puts TLS over the connection, if that is asked for, in what is left of the time.
    fn reach(&self) -> io::Result<(TcpStream, Option<Box<dyn Transport>>)> {
        let began = Instant::now();
        let server = self.connect()?;
        if !self.to.is_secure() {
            return Ok((server, None));
        }
        let left = self.connect_timeout.saturating_sub(began.elapsed());
        // The relay keeps the socket itself, to reset it.
        let secured = self.trust.over(server.try_clone()?, &self.to, left)?;
        Ok((server, Some(secured)))
    }

    /// Tries each address of the server, with its share of the time.
    fn connect(&self) -> io::Result<TcpStream> {
        let addresses = self.to.addresses();
        let addresses = addresses.map_err(|error| io::Error::other(error.to_string()))?;
        let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let timeout = self.connect_timeout / share.max(1);
        let mut last = io::ErrorKind::NotFound.into();
        for address in addresses {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(server) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Counts a connection, and numbers it from 1.
    fn enter(&self) -> Option<u64> {
        let mut open = self.open();
        let has_room = open.relays.len() < self.max_connections && !open.is_ending;
        has_room.then(|| {
            open.count += 1;
            let number = open.count;
            open.relays.insert(number, None);
            number
        })
    }

    fn leave(&self, number: u64) {
        self.open().relays.remove(&number);
        self.closed.notify_all();
    }

    /// Closes all connections, and waits a while until each has said how it went.
    fn end(&self) {
        let mut open = self.open();
        open.is_ending = true;
        for relay in open.relays.values().flatten() {
            relay.cut();
        }
        let is_open = |open: &mut Open| open.relays.values().any(Option::is_some);
        let waited = self.closed.wait_timeout_while(open, FLUSH, is_open);
        drop(waited);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server's address. The client's request says the path.
fn target(text: &str) -> Result<Url, String> {
    let address = address::parse(text)?;
    let url = Url::parse(&address.url).map_err(|error| error.to_string())?;
    if url.target() != "/" {
        return Err("the path is the client's to choose: say the host and the port alone, such as localhost:8000".into());
    }
    if address.authorization.is_some() {
        return Err("user and password are the client's to send".into());
    }
    Ok(url)
}
