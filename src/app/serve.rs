//! `plainws serve`: the server with its handlers and pages.

use super::{access_log, clock, echo, pages};
use clap::Args;
use plainws::{Limits, Server};
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 takes a free one
    ///
    /// The default is reached from this machine only. 0.0.0.0:8000 and [::]:8000 are reached from
    /// everywhere.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8000")]
    addr: SocketAddr,

    /// Let pages of this origin connect, such as https://example.com; may be repeated
    ///
    /// Pages of the server itself always may, and so may clients that are no browsers. "null" means
    /// pages without an origin, such as local files.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,

    /// Serve everything a second time under this path, such as /md_admin; may be repeated
    #[arg(long, value_name = "PATH", value_parser = prefix)]
    prefix: Vec<String>,

    /// Write no access log
    #[arg(long)]
    quiet: bool,

    #[command(flatten)]
    limits: LimitOptions,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits (sizes in bytes, or with K or M; times in seconds)")]
struct LimitOptions {
    /// Largest message taken; a larger one is refused with 1009
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = size)]
    max_message: u64,

    /// Most fragments of one message
    #[arg(long, value_name = "N", default_value_t = 131_072)]
    max_fragments: u32,

    /// Most empty fragments of one message
    #[arg(long, value_name = "N", default_value_t = 128)]
    max_empty_fragments: u32,

    /// Largest request head; a larger one is refused with 431
    #[arg(long, value_name = "SIZE", default_value = "16K", value_parser = size)]
    max_head: u64,

    /// Most header fields of one request
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_headers: usize,

    /// For a request head to arrive, however slowly it drips
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    head_timeout: Duration,

    /// For the peer to answer a Close and to end the connection
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    close_timeout: Duration,

    /// For the peer to take each 64 KiB that are sent to it
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    write_timeout: Duration,
}

impl LimitOptions {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.head.max_bytes = usize::try_from(self.max_head).unwrap_or(usize::MAX);
        limits.head.max_headers = self.max_headers;
        limits.message.max_message = self.max_message;
        limits.message.max_fragments = self.max_fragments;
        limits.message.max_empty_fragments = self.max_empty_fragments;
        limits.head_timeout = self.head_timeout;
        limits.close_timeout = self.close_timeout;
        limits.write_timeout = self.write_timeout;
        limits
    }
}

/// Serves until the process is ended.
///
/// # Errors
///
/// What went wrong, for people.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let server = Server::bind(options.addr).map_err(|error| {
        format!(
            "cannot listen on {}: {error}. Another port is chosen with --addr",
            options.addr
        )
    })?;
    let address = server.local_address().map_err(|error| error.to_string())?;
    announce(address, &options.prefix);

    let mut server = server.limits(options.limits.limits());
    for path in ["/test_websocket", "/clock"] {
        server = server.route(path, clock::clock);
    }
    for path in ["/test_socket", "/echo"] {
        server = server.route(path, echo::echo);
    }
    for (path, page) in pages::all() {
        server = server.page(path, page);
    }
    for prefix in &options.prefix {
        server = server.prefix(prefix);
    }
    for origin in &options.allow_origin {
        server = server.allow_origin(origin);
    }
    if !options.quiet {
        server = server.log(access_log::write);
    }
    server.serve().map_err(|error| error.to_string())
}

/// Says where to look, what there is, and how it ends.
fn announce(address: SocketAddr, prefixes: &[String]) {
    let mut text = format!(
        "plainws serves http://{address}/\n\
         \n\
         \x20 /test_websocket, /clock   the time, once a second\n\
         \x20 /test_socket, /echo       each message comes back\n"
    );
    for prefix in prefixes {
        text += &format!("  {prefix}/…  the same once more\n");
    }
    text += "\nPages in a browser, WebSocket at the same paths. Ctrl-C stops it.\n";
    let mut stdout = std::io::stdout().lock();
    // Whoever closed standard output does not want to know.
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

fn origin(text: &str) -> Result<String, String> {
    let authority = text.split_once("://").map(|(_, authority)| authority);
    let is_origin =
        text == "null" || authority.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'));
    if is_origin {
        Ok(text.into())
    } else {
        Err("an origin is scheme://host[:port] without a path, or null".into())
    }
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

/// Bytes, or with K or M for 1024 or 1024² of them.
fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((end, 'k' | 'K')) => (&text[..end], 1024),
        Some((end, 'm' | 'M')) => (&text[..end], 1024 * 1024),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "a size is a number of bytes, or 64K, or 16M".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "a time is a number of seconds above 0".into())
}
