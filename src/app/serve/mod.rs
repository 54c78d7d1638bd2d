//! `plainws serve`: the server with its handlers and pages.

mod access_log;
mod banner;
mod certificate;
mod clock;
mod echo;
mod ending;
mod exposition;
mod files;
mod metrics;
mod pages;
mod process;
mod supervisor;
mod told;

use crate::app::args;
use crate::app::lab::{self, Lab};
use crate::app::listen::{self, Address, Passed, Place};
use crate::app::show::lines::{Lines, To};
use crate::app::show::{output, text, trace};
use certificate::TlsOptions;
use clap::Args;
use ending::{Ending, Readiness};
use files::Files;
use metrics::{Counted, Measured};
use plainws::net::applicant::Admission;
use plainws::net::capacity::Capacity;
use plainws::net::hosts::Host;
use plainws::net::listener::Listener;
use plainws::net::origin::Origin;
use plainws::net::proxies::ProxyAddress;
use plainws::net::tap::Tap;
use plainws::protocol::handshake::check_header;
use plainws::protocol::head::is_token;
use plainws::{Limits, Page, Role, Server};
use std::io;
use std::num::NonZeroUsize;
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use told::Told;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Where to listen; also unix:PATH
    ///
    /// It may be repeated. The default can be reached from this machine only, and so can a port alone (8000); 0.0.0.0:8000 and
    /// [::]:8000 can from everywhere. [::]:8000 stands for IPv6 alone if an IPv4 address with the same port is
    /// given too, and otherwise for both on most systems. Port 0 takes a free one. Of a name with several
    /// addresses one is listened on, an IPv4 one if there is any.
    ///
    /// unix:PATH, or a path with a slash, is a Unix socket: its file is made with the mode that --socket-mode or
    /// the umask says, and removed at the end. One that an ended server has left is replaced.
    ///
    /// systemd stands for the sockets of a systemd socket unit, systemd:NAME for those with this
    /// FileDescriptorName=. They go on listening at the end, and who waits there is served by the next start.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000", value_parser = listen::one_of_several)]
    addr: Vec<Address>,

    /// Mode of the Unix sockets that are made, such as 660 to let the group connect
    ///
    /// To connect is to write. Without this the umask says who may, often the owner alone.
    #[arg(long, hide_short_help = true, value_name = "MODE", value_parser = listen::mode)]
    socket_mode: Option<listen::Mode>,

    #[command(flatten)]
    tls: TlsOptions,

    /// Answer for this host, such as example.com or example.com:8443; may be repeated
    ///
    /// On a loopback address, requests for localhost and loopback addresses are answered, and for no other
    /// host unless it is allowed: say the name under which a proxy in front of this server is reached. On
    /// other addresses all are answered, unless one is allowed; then no others are. The rest get 421.
    #[arg(long, value_name = "HOST", value_parser = host)]
    allow_host: Vec<Host>,

    /// Believe what this proxy tells of its clients, such as 10.0.0.0/8; may be repeated
    ///
    /// An address, a network, or unix: whoever connects to the Unix socket. Their X-Forwarded-For, -Proto and -Host,
    /// or Forwarded, or a PROXY protocol header before all else, then say who the client is, for the log, the limit per
    /// address and the origins that may connect. The proxy has to replace what a client sends of these itself.
    #[arg(long, hide_short_help = true, value_name = "ADDR", value_parser = proxy)]
    trust_proxy: Vec<ProxyAddress>,

    /// Let pages of this origin connect, such as https://example.com; may be repeated
    ///
    /// The server's own pages may always connect, and so may clients that are not browsers. With --tls-cert, or
    /// where a trusted proxy says https, a page of http:// is not the server's own, even on the same host.
    /// https://*.example.com stands for all names under that one, at any depth; "null" for pages without an
    /// origin, such as local files (in some browsers they are "file://"); chrome-extension://ID for an extension.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<Origin>,

    /// Serve all under this path too; may be repeated
    ///
    /// With /md_admin, the page /clock is also /md_admin/clock.
    #[arg(long, value_name = "PATH", value_parser = prefix)]
    prefix: Vec<String>,

    /// Serve the files of this folder as well
    ///
    /// DIR/a/b.html is the page /a/b.html, and DIR/index.html is /. A file is served instead of a page of this
    /// program at the same path, such as /style.css, but not of /healthz, /metrics and the lab; WebSocket
    /// connections are opened where they always are. Each file is read while it is sent.
    /// Names that begin with a dot are not served, nor are links out of the folder. Under a --prefix, a folder of
    /// that name in DIR comes first.
    #[arg(id = "static", long = "static", value_name = "DIR", value_parser = Files::of)]
    files: Option<Files>,

    /// Add a header to the pages and to the answer that opens a connection; may be repeated
    ///
    /// Pages have some by default; one of the same name replaces it. Refusals, the lab and the metrics stay
    /// as they are.
    #[arg(long, hide_short_help = true, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Agree on this subprotocol if a client offers it; may be repeated
    ///
    /// Some clients leave when they offer subprotocols and none is agreed on. The first is taken that the
    /// client names.
    #[arg(long, hide_short_help = true, value_name = "NAME", value_parser = subprotocol)]
    subprotocol: Vec<String>,

    /// Form of the access log, on standard error
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    log: access_log::Form,

    /// Write no access log
    #[arg(long)]
    quiet: bool,

    #[command(flatten)]
    trace: args::TraceOption,

    /// Serve the lab to all who reach this server
    ///
    /// It shows what passes over connections to the lab, bit by bit, and over no others. By default it is served
    /// where only this machine can reach it: on a loopback address, without --allow-host, --prefix and
    /// --trust-proxy, which tell of a proxy. Up to 8 pages at once may watch 4 connections each.
    #[arg(long)]
    lab: bool,

    /// Serve /healthz and /metrics at this address instead, which can be kept from the public
    ///
    /// It is plain HTTP there, even with --tls-cert. --allow-host holds for it as well, and with it requests may
    /// also name any address, as those of Prometheus do.
    #[arg(long, hide_short_help = true, value_name = "ADDR", value_parser = listen::address)]
    metrics_addr: Option<Address>,

    /// Serve neither /healthz nor /metrics
    #[arg(long, hide_short_help = true, conflicts_with = "metrics_addr")]
    no_metrics: bool,

    #[command(flatten)]
    limits: ServerLimits,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits (sizes in bytes, or with K or M; times in seconds)")]
struct ServerLimits {
    /// Most connections at once; any more are answered with status 503
    ///
    /// Each takes a thread and a file descriptor. If the system allows fewer, fewer are taken. With --tls-cert,
    /// a connection may be closed instead: nothing can be said before TLS is agreed on.
    #[arg(long, value_name = "N", default_value = "900", value_parser = args::number_above_0)]
    max_connections: NonZeroUsize,

    /// Most connections from one address, or from one /64 of IPv6; 0 sets no limit
    ///
    /// Default: a tenth of all, at least 10, so that no single peer keeps all others out; and no limit for
    /// peers on the loopback, where proxies and load tools are. The clients of a proxy that --trust-proxy names
    /// count each for itself. Those of any other proxy have its address together: name it there.
    #[arg(long, value_name = "N", value_parser = args::number::<usize>)]
    max_per_address: Option<usize>,

    /// Most memory for messages of all connections together; who needs more is refused
    ///
    /// Messages that arrive, wait for their turn or wait for slow peers count, but the first 64K of each
    /// connection do not. A message for which too little is left is refused with close code 1013. The
    /// default holds 32 messages of 16M.
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = args::memory)]
    max_memory: usize,

    #[command(flatten)]
    peer: args::LimitOptions,

    /// Time for a whole request head to arrive, however its bytes trickle in
    ///
    /// With --tls-cert, the handshake of TLS that comes before may take as long.
    #[arg(long, value_name = "S", default_value = "10", value_parser = args::seconds)]
    head_timeout: Duration,

    /// Time to wait for another request on a connection that is kept alive
    ///
    /// Give more than the time for which a proxy in front of this server keeps such connections, 60 s with most:
    /// a request that is on its way when the server ends its connection is lost (502 Bad Gateway). While three
    /// quarters of the places are taken, of all or of an address, and during a drain, connections end after each
    /// response.
    #[arg(long, hide_short_help = true, value_name = "S", default_value = "75", value_parser = args::seconds)]
    keep_alive_timeout: Duration,

    /// Time for the peer to answer a Close and to end the connection
    #[arg(long, value_name = "S", default_value = "5", value_parser = args::seconds)]
    close_timeout: Duration,

    /// Time for each 64 KiB of a message that has begun, or its end, to arrive
    ///
    /// A slower message is refused with close code 1008.
    #[arg(long, value_name = "S", default_value = "60", value_parser = args::seconds)]
    message_timeout: Duration,

    /// Time for the peer to take each 64 KiB that are sent to it
    #[arg(long, value_name = "S", default_value = "10", value_parser = args::seconds)]
    write_timeout: Duration,

    /// Most time for sent bytes to arrive; less if the pace of --write-timeout needs less
    ///
    /// The system takes megabytes at once and does not say what has arrived. A peer that takes nothing
    /// any more is given up after at most this time and --write-timeout together. A peer that is gone is
    /// found after at most --ping-after, this time and --pong-timeout together.
    #[arg(long, value_name = "S", default_value = "60", value_parser = args::seconds)]
    transit_timeout: Duration,

    /// Silence after which the peer is sent a ping; with 0 it is sent none
    #[arg(long, value_name = "S", default_value = "20", value_parser = args::seconds_or_0)]
    ping_after: Duration,

    /// Silence after that ping until the peer counts as gone
    #[arg(long, value_name = "S", default_value = "20", value_parser = args::seconds)]
    pong_timeout: Duration,

    /// Time from the first signal on for which all is still served, while /healthz answers 503
    ///
    /// A balancer that asks /healthz sends its new clients elsewhere meanwhile, and none of them is refused. Then
    /// the server shuts down. A second signal ends the wait, a third cuts the connections that are left. With 0
    /// the server shuts down at the first signal.
    #[arg(long, value_name = "S", default_value = "0", value_parser = args::seconds_or_0)]
    drain: Duration,

    /// Time for open connections to end when the server shuts down
    #[arg(long, value_name = "S", default_value = "10", value_parser = args::seconds)]
    grace: Duration,
}

impl ServerLimits {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let peer = self.peer.limits();
        limits.head = peer.head;
        limits.message = peer.message;
        limits.head_timeout = self.head_timeout;
        limits.keep_alive_timeout = self.keep_alive_timeout;
        limits.close_timeout = self.close_timeout;
        limits.message_timeout = self.message_timeout;
        limits.write_timeout = self.write_timeout;
        limits.transit_timeout = self.transit_timeout;
        limits.ping_after = Some(self.ping_after).filter(|time| !time.is_zero());
        limits.pong_timeout = self.pong_timeout;
        limits
    }
}

impl Options {
    /// Whether the lab is served at these places.
    fn has_lab(&self, places: &[Place]) -> bool {
        let may_have_proxy =
            !self.allow_host.is_empty() || !self.prefix.is_empty() || !self.trust_proxy.is_empty();
        let is_at_home = places.iter().all(Place::is_on_the_loopback) && !may_have_proxy;
        self.lab || is_at_home
    }

    /// What systemd passes, if that is asked for.
    fn passed(&self) -> Result<Passed, String> {
        let is_of_systemd = |address: &Address| matches!(address, Address::Systemd(_));
        match self.addr.iter().any(is_of_systemd) {
            true => Passed::take_all(),
            false => Ok(Passed::default()),
        }
    }

    /// Listens on all that --addr says.
    fn listen(&self, passed: Passed) -> Result<Vec<(Listener, Place)>, String> {
        let mut addresses = self.addr.iter().chain(&self.metrics_addr);
        let is_unix = |address: &Address| matches!(address, Address::Unix(_));
        if self.socket_mode.is_some() && !addresses.any(is_unix) {
            return Err(
                "--socket-mode is for a Unix socket, such as --addr unix:/run/plainws.sock; \
                 for those of systemd, SocketMode= in the socket unit says it"
                    .into(),
            );
        }
        listen::listen_on_all(&self.addr, "--addr", self.socket_mode, passed)
    }
}

/// Serves until a signal stops it.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let passed = options.passed()?;
    let form = options.log;
    let lines = Lines::dropping(move |note| access_log::note(note, form)).map_err(no_thread)?;
    report_panics(&lines, form);
    let counted = Counted::new(options.limits.max_connections.get());
    let certificate = options.tls.certificate()?;
    let is_secure = certificate.is_some();
    let max_connections = options.limits.max_connections.get();
    let (listeners, places): (Vec<_>, Vec<_>) = options.listen(passed)?.into_iter().unzip();
    let has_lab = options.has_lab(&places);
    let server = with_routes(on(listeners)?, options, has_lab);
    let mut server = server.max_connections(max_connections);
    if let Some(certificate) = &certificate {
        server = certificate.shown_by(server);
    }
    if let Some(places) = options.limits.max_per_address {
        server = server.max_per_address(places);
    }
    let mut handles = vec![server.handle().map_err(in_words)?];
    let lab = has_lab.then(|| Lab::new(handles[0].clone(), &options.prefix, options.lab));
    if let Some(lab) = &lab {
        server = lab::add_to(server, lab);
    }
    let mut server = with_options(server, options, &lines, lab.clone(), &counted);

    let readiness = Readiness::default();
    let measured = Measured {
        server: handles[0].clone(),
        readiness: readiness.clone(),
        lines: lines.clone(),
        max_memory: options.limits.max_memory,
        counted: counted.clone(),
    };
    let (mut watched, mut watched_at) = (None, None);
    if let Some(address) = &options.metrics_addr {
        let (listener, place) = listen::listen(address, "--metrics-addr", options.socket_mode)?;
        let own = with_options(
            Server::from_listener(listener),
            options,
            &lines,
            None,
            &counted,
        );
        let mut own = metrics::add_to(own.max_connections(MAX_WATCHERS), measured);
        if !options.allow_host.is_empty() {
            own = own.allow_host(Host::any_address());
        }
        handles.push(own.handle().map_err(in_words)?);
        (watched, watched_at) = (Some(own), Some(place));
    } else if !options.no_metrics {
        server = metrics::add_to(server, measured);
    }

    let ending = Ending {
        drain: options.limits.drain,
        readiness,
        servers: handles,
        lab,
        lines: lines.clone(),
        form,
    };
    ending
        .at_signals(certificate)
        .map_err(|error| format!("cannot wait for signals: {error}"))?;
    let capacity = server.capacity();
    if let Some(fewer) = capacity.filter(|allowed| allowed.connections < max_connections) {
        counted.allow(fewer.connections);
        let warning = capacity_warning(fewer, max_connections);
        lines.push(To::Stderr, &access_log::warning(&warning, form));
    }
    let files = options.files.as_ref();
    announce(banner::banner(
        &places,
        watched_at.as_ref(),
        &options.prefix,
        has_lab,
        files,
        is_secure,
    ))?;
    supervisor::tell_ready(&lines, form);
    thread::scope(|scope| {
        if let Some(watched) = watched {
            scope.spawn(|| watched.serve());
        }
        server.serve();
    });
    lines.finish(FLUSH);
    Ok(())
}

/// A server on all of these.
fn on(listeners: Vec<Listener>) -> Result<Server, String> {
    let mut listeners = listeners.into_iter();
    let first = listeners.next().ok_or("there is no --addr to listen on")?;
    Ok(listeners.fold(Server::from_listener(first), Server::listen))
}

/// Connections at once to an address of its own for health and metrics.
const MAX_WATCHERS: usize = 16;

fn in_words(error: plainws::Error) -> String {
    error.to_string()
}

/// What to say when the system allows fewer connections than were asked for.
fn capacity_warning(fewer: Capacity, max_connections: usize) -> String {
    format!(
        "takes {} at once, not {max_connections}: the system allows no more {}",
        text::count(fewer.connections as u64, "connection"),
        fewer.limited_by,
    )
}

/// How long the end waits for a reader of the log to take what is in the queue.
const FLUSH: Duration = Duration::from_secs(1);

fn no_thread(error: io::Error) -> String {
    format!("cannot start a thread: {error}")
}

/// std reports a panic, such as a handler's, itself: then that handler would wait for the report's reader.
fn report_panics(lines: &Lines, form: access_log::Form) {
    let lines = lines.clone();
    panic::set_hook(Box::new(move |info| {
        lines.push(To::Stderr, &access_log::panicked(info, form));
    }));
}

const CLOCK: [&str; 2] = ["/test_websocket", "/clock"];
const ECHO: [&str; 2] = ["/test_socket", "/echo"];

fn with_routes(mut server: Server, options: &Options, has_lab: bool) -> Server {
    let headers = Arc::new(options.header.clone());
    let with_headers = move |page: Page| {
        let headers = headers.iter();
        headers.fold(page, |page, (name, value)| page.header(name, value))
    };
    for path in CLOCK {
        server = server.route(path, clock::clock);
    }
    for path in ECHO {
        server = server.route(path, echo::echo);
    }
    let with_time_headers = with_headers.clone();
    server = server.page_with("/time", move |request| {
        with_time_headers(clock::once(request))
    });
    for (path, page) in pages::all(has_lab) {
        let (files, prefixes) = (options.files.clone(), options.prefix.clone());
        let with_headers = with_headers.clone();
        server = server.page_with(path, move |request| {
            let files = files.as_ref();
            let path = path.trim_start_matches('/');
            let file = files.and_then(|files| files.page(request, &prefixes, path));
            let page = file.unwrap_or_else(|| Ok(page.clone()));
            page.map_or_else(|refusal| refusal, &with_headers)
        });
    }
    let Some(files) = options.files.clone() else {
        return server;
    };
    let prefixes = options.prefix.clone();
    server.page_with("/{*file}", move |request| {
        let path = request.param("file").unwrap_or_default();
        let file = files.page(request, &prefixes, path);
        let page = file.unwrap_or_else(|| Err(files::nothing_here()));
        page.map_or_else(|refusal| refusal, &with_headers)
    })
}

fn with_options(
    server: Server,
    options: &Options,
    lines: &Lines,
    lab: Option<Arc<Lab>>,
    counted: &Counted,
) -> Server {
    let mut server = server
        .limits(options.limits.limits())
        .max_memory(options.limits.max_memory)
        .grace(options.limits.grace);
    for prefix in &options.prefix {
        server = server.prefix(prefix);
    }
    for host in &options.allow_host {
        server = server.allow_host(host.clone());
    }
    for origin in &options.allow_origin {
        server = server.allow_origin(origin.clone());
    }
    for proxy in &options.trust_proxy {
        server = server.trust_proxy(proxy.clone());
    }
    let trace = options.trace.trace.map(|level| {
        let limits = options.limits.limits().message;
        let lines = lines.clone();
        move |number| trace::tap(number, Role::Server, limits, level, lines.clone())
    });
    let told = Told::new(paths_under(&[CLOCK, ECHO].concat(), &options.prefix));
    let (tapping, lab_tapping) = (Arc::clone(&told), lab.clone());
    server = server.tap(move |number, request| {
        let lab = lab_tapping.as_ref().and_then(|lab| lab.tap(request));
        let trace = trace.as_ref().map(|trace| trace(number));
        both(both(trace, lab), tapping.tap(number, request))
    });
    let admitting = lab.clone();
    let headers = options.header.clone();
    let clock = paths_under(&CLOCK, &options.prefix);
    server = server.subprotocols(options.subprotocol.clone());
    server = server.admit(move |applicant| {
        let mut admission = match (told.admit(applicant), &admitting) {
            (Some(admission), _) => admission,
            (None, Some(lab)) => lab.admit(applicant)?,
            (None, None) => Admission::default(),
        };
        if clock.iter().any(|path| path == applicant.request.path()) {
            admission = admission.limits(clock::limits(applicant.limits));
        }
        let headers = headers.iter();
        Ok(headers.fold(admission, |admission, (name, value)| {
            admission.header(name, value)
        }))
    });
    let form = options.log;
    let access = (!options.quiet).then(|| lines.clone());
    let counted = counted.clone();
    // Set in any case: without a log, handlers that failed would be told of.
    server.log(move |record| {
        counted.count(record);
        if let Some(lines) = &access {
            access_log::write(lines, record, form);
        }
        if let Some(lab) = &lab {
            lab.log(record);
        }
    })
}

/// A tap for two who watch the same connection.
fn both(one: Option<Tap>, other: Option<Tap>) -> Option<Tap> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Box::new(move |direction, bytes| {
            one(direction, bytes);
            other(direction, bytes);
        })),
        (one, other) => one.or(other),
    }
}

/// Prints where the server is. The server goes on without a reader of that, so a thread of its own waits for
/// one.
fn announce(banner: String) -> Result<(), String> {
    let thread = thread::Builder::new().name("plainws says where".into());
    let started = thread.spawn(move || output::print(&banner));
    started.map(drop).map_err(no_thread)
}

/// The paths, and those that lead to the same under a prefix.
fn paths_under(paths: &[&str], prefixes: &[String]) -> Vec<String> {
    let prefixes = prefixes.iter().map(String::as_str).chain([""]);
    let under = prefixes.flat_map(|prefix| paths.iter().map(move |path| [prefix, path].concat()));
    under.collect()
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is \"Name: value\"")?;
    let (name, value) = (name.trim(), value.trim());
    check_header(name, value).map_err(|error| error.to_string())?;
    Ok((name.into(), value.into()))
}

fn subprotocol(text: &str) -> Result<String, String> {
    if is_token(text.as_bytes()) {
        return Ok(text.into());
    }
    Err("a subprotocol is one word, such as chat.v1".into())
}

fn host(text: &str) -> Result<Host, String> {
    let host = text.parse();
    host.map_err(|_| {
        "a host is a name or an address, and a port if need be: example.com:8443".into()
    })
}

fn origin(text: &str) -> Result<Origin, String> {
    let origin = text.parse::<Origin>();
    origin.map_err(|error| format!("pages have no such origin: {}", error.reason()))
}

fn proxy(text: &str) -> Result<ProxyAddress, String> {
    let proxy = text.parse::<ProxyAddress>();
    proxy.map_err(|error| format!("no proxy has that address: {}", error.reason()))
}

fn prefix(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let is_path = path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
    if is_path {
        Ok(path.into())
    } else {
        Err("a prefix is a path such as /md_admin".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    fn limits(arguments: &[&str]) -> Limits {
        let words = [&["serve"], arguments].concat();
        let command = Command::try_parse_from(words).expect("these are flags");
        command.options.limits.limits()
    }

    #[test]
    fn each_limit_is_set_by_its_flag_and_no_other() {
        type Part = (&'static str, fn(&Limits) -> Duration);
        let seconds: [Part; 8] = [
            ("--head-timeout", |limits| limits.head_timeout),
            ("--keep-alive-timeout", |limits| limits.keep_alive_timeout),
            ("--close-timeout", |limits| limits.close_timeout),
            ("--message-timeout", |limits| limits.message_timeout),
            ("--write-timeout", |limits| limits.write_timeout),
            ("--transit-timeout", |limits| limits.transit_timeout),
            ("--ping-after", |limits| {
                limits.ping_after.unwrap_or_default()
            }),
            ("--pong-timeout", |limits| limits.pong_timeout),
        ];
        let default = Limits::default();
        for (flag, of) in &seconds {
            let limits = limits(&[flag, "123"]);
            for (other, of_other) in &seconds {
                let expected = if other == flag {
                    Duration::from_secs(123)
                } else {
                    of_other(&default)
                };
                assert_eq!(of_other(&limits), expected, "{other} with {flag}");
            }
            assert_ne!(of(&default), of(&limits), "{flag}");
        }
        assert_eq!(limits(&["--ping-after", "0"]).ping_after, None);
    }

    #[test]
    fn without_flags_the_limits_are_the_librarys() {
        assert_eq!(
            format!("{:?}", limits(&[])),
            format!("{:?}", Limits::default())
        );
    }
}
