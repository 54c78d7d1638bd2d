//! What TLS costs: echoes, handshakes and the memory of an idle connection, bare and inside TLS.
//!
//! ```console
//! $ cargo bench --manifest-path tests/tls/Cargo.toml
//! ```
//!
//! Both ends are the library. Bare and TLS have their turns one after the other, round by round, and each round gives
//! one ratio: a machine that changes its speed from minute to minute changes both. A number after `--` says how many
//! rounds. Memory is told on Linux only: there a server is a process of its own, this program once more.

use plainws::{Client, ClientTls, Message, Server, ServerTls, WebSocket};
use plainws_tls_tests::{Authority, LOCAL};
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long one side of a round takes.
const TIME: Duration = Duration::from_millis(400);
/// Idle connections.
const MANY: usize = 500;
/// Connections before those that count, so that what a process needs once is there already.
const FIRST: usize = 20;
/// Rounds of the memory, each with new processes: it hardly differs from one to the next.
const MEMORY_ROUNDS: usize = 3;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1).filter(|given| given != "--bench");
    match arguments.next().as_deref() {
        None => measure(15),
        Some("serve-bare") => serve_until_told(None),
        Some("serve-tls") => serve_until_told(Some(Authority::new())),
        Some(rounds) => measure(rounds.parse::<NonZeroUsize>()?.get()),
    }
}

fn measure(rounds: usize) -> Result<()> {
    let authority = Authority::new();
    let bare = Place::new(serve(None)?, None);
    let tls = ClientTls::from_pem(authority.pem().as_bytes())?;
    let tls = Place::new(serve(Some(&authority))?, Some(tls));
    let agreed = tls.open()?.secured_by().ok_or("that was no TLS")?;
    println!(
        "{agreed}; {rounds} rounds of {} ms for each side\n",
        TIME.as_millis()
    );
    println!("{:30}{:>10}{:>10}   TLS / bare", "", "bare", "TLS");
    println!(
        "{:30}{:>10}{:>10}   min    median max",
        "", "median", "median"
    );
    for (name, length) in [
        ("echoes of 125 bytes a second", 125),
        ("echoes of 64 KiB a second", 64 * 1024),
    ] {
        let (bare, tls) = (bare.open()?, tls.open()?);
        report(
            name,
            in_turn(rounds, || echoes(&bare, length), || echoes(&tls, length))?,
        );
    }
    report(
        "connections opened a second",
        in_turn(rounds, || openings(&bare), || openings(&tls))?,
    );
    if cfg!(target_os = "linux") {
        report(
            "KiB of an idle connection",
            in_turn(MEMORY_ROUNDS, || memory(false), || memory(true))?,
        );
    }
    Ok(())
}

/// Measures one and the other, round by round, after one round that does not count.
fn in_turn(
    rounds: usize,
    bare: impl Fn() -> Result<f64>,
    tls: impl Fn() -> Result<f64>,
) -> Result<Vec<[f64; 2]>> {
    bare()?;
    tls()?;
    (0..rounds).map(|_| Ok([bare()?, tls()?])).collect()
}

fn report(name: &str, rounds: Vec<[f64; 2]>) {
    let sorted = |of: fn(&[f64; 2]) -> f64| {
        let mut all: Vec<_> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let median = |sorted: &[f64]| sorted[sorted.len() / 2];
    let (bare, tls) = (sorted(|round| round[0]), sorted(|round| round[1]));
    let ratios = sorted(|round| round[1] / round[0]);
    // Memory is a small number.
    let digits = usize::from(median(&bare) < 100.0);
    println!(
        "{name:30}{:>10.digits$}{:>10.digits$}   {:<6.2} {:<6.2} {:.2}",
        median(&bare),
        median(&tls),
        ratios[0],
        median(&ratios),
        ratios[ratios.len() - 1],
    );
}

/// A server, and how it is reached.
struct Place {
    url: String,
    tls: Option<ClientTls>,
}

impl Place {
    fn new(server: SocketAddr, tls: Option<ClientTls>) -> Self {
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{server}/echo");
        Self { url, tls }
    }

    fn open(&self) -> Result<WebSocket> {
        let client = Client::new(&self.url)?;
        let client = match &self.tls {
            Some(tls) => client.tls(tls.clone()),
            None => client,
        };
        Ok(client.connect()?)
    }
}

/// Serves on a thread that ends with the process.
fn serve(authority: Option<&Authority>) -> Result<SocketAddr> {
    let server = Server::bind("127.0.0.1:0")?.route("/echo", echo);
    let server = match authority {
        Some(authority) => {
            let own = authority.sign(LOCAL);
            server.tls(ServerTls::from_pem(
                own.chain.as_bytes(),
                own.key.as_bytes(),
            )?)
        }
        None => server,
    };
    let address = server.local_addr()?;
    thread::spawn(move || server.serve());
    Ok(address)
}

fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
    for message in ws.messages() {
        ws.send(message?)?;
    }
    Ok(())
}

fn echo_of(ws: &WebSocket, payload: &[u8]) -> Result<()> {
    ws.send(payload)?;
    match ws.receive()? {
        Some(Message::Binary(echo)) if echo == payload => Ok(()),
        other => Err(format!("{other:?} is no echo").into()),
    }
}

/// How many a second, each sent when the one before has come.
fn echoes(ws: &WebSocket, length: usize) -> Result<f64> {
    let payload = vec![0xA5; length];
    per_second(|| echo_of(ws, &payload))
}

/// How many connections a second are made, one after the other.
fn openings(place: &Place) -> Result<f64> {
    per_second(|| place.open().map(drop))
}

fn per_second(mut once: impl FnMut() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    let mut count = 0.0;
    while began.elapsed() < TIME {
        once()?;
        count += 1.0;
    }
    Ok(count / began.elapsed().as_secs_f64())
}

/// KiB by which a server grows for each connection that has had one echo.
fn memory(is_tls: bool) -> Result<f64> {
    let server = Process::start(if is_tls { "serve-tls" } else { "serve-bare" })?;
    let tls = is_tls.then(ClientTls::trusting_anyone);
    let place = Place::new(server.address, tls);
    let open = || {
        let ws = place.open()?;
        echo_of(&ws, &[0xA5; 125])?;
        Result::Ok(ws)
    };
    let first: Vec<_> = (0..FIRST).map(|_| open()).collect::<Result<_>>()?;
    let before = server.memory()?;
    let many: Vec<_> = (0..MANY).map(|_| open()).collect::<Result<_>>()?;
    let after = server.memory()?;
    drop((first, many));
    Ok((after - before) / MANY as f64)
}

/// A server as a process of its own, which ends with its input.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(what: &str) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let mut child = command
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().ok_or("it has no output")?;
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { child, address })
    }

    /// KiB that it holds, once that does not change any more.
    fn memory(&self) -> Result<f64> {
        const CALM: Duration = Duration::from_millis(500);
        let mut last = self.resident()?;
        loop {
            thread::sleep(CALM);
            let now = self.resident()?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
    }

    fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("it has ended")?.parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn serve_until_told(authority: Option<Authority>) -> Result<()> {
    println!("{}", serve(authority.as_ref())?);
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
