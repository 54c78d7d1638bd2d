//! Reads many clocks of `plainws serve`: `clock-load ADDRESS CONNECTIONS SECONDS`.
//!
//! Says `open` when the first message has come on every connection, and after so many seconds more, in a line of JSON,
//! how regularly they ticked. Then it waits for the end of its input, so that the server can be looked at with all
//! connections open.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Handshakes under way at the same time: fewer than a listening socket keeps waiting.
const AT_ONCE: usize = 100;

fn main() -> io::Result<()> {
    let given: Vec<_> = std::env::args().skip(1).collect();
    let [address, connections, seconds] = given.as_slice() else {
        panic!("clock-load ADDRESS CONNECTIONS SECONDS");
    };
    let address = address.parse().expect("an address");
    let connections = connections.parse().expect("a number");
    let seconds = seconds.parse().expect("a number");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(address, connections, Duration::from_secs(seconds)));
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// What all connections tell.
struct Board {
    permits: Semaphore,
    open: AtomicUsize,
    lost: AtomicUsize,
    ticks: Mutex<Vec<Tick>>,
}

/// A message of a clock.
#[derive(Clone, Copy)]
struct Tick {
    connection: usize,
    /// The time of day that it shows, in seconds.
    shown: u32,
    came: Instant,
}

async fn run(address: SocketAddr, connections: usize, time: Duration) {
    let board = Arc::new(Board {
        permits: Semaphore::new(AT_ONCE),
        open: AtomicUsize::new(0),
        lost: AtomicUsize::new(0),
        ticks: Mutex::default(),
    });
    let began = Instant::now();
    for connection in 0..connections {
        let board = Arc::clone(&board);
        tokio::spawn(async move {
            if let Err(error) = read(address, connection, &board).await
                && board.lost.fetch_add(1, Relaxed) == 0
            {
                eprintln!("clock-load: the first connection that is lost: {error}");
            }
        });
    }
    while board.open.load(Relaxed) + board.lost.load(Relaxed) < connections {
        sleep(Duration::from_millis(10)).await;
    }
    println!("open");
    let opened = Instant::now();
    sleep(time).await;
    let ticks = board.ticks.lock().expect("no task panics");
    let ticks = ticks.iter().filter(|tick| tick.came >= opened);
    let mut report = Regularity::of(ticks).report();
    report["lost"] = board.lost.load(Relaxed).into();
    report["seconds_to_open"] = (opened - began).as_secs_f64().into();
    println!("{report}");
}

const REQUEST: &[u8] =
    b"GET /clock HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

async fn read(address: SocketAddr, connection: usize, board: &Board) -> io::Result<()> {
    let permit = board.permits.acquire().await.map_err(io::Error::other)?;
    let mut stream = BufReader::with_capacity(512, TcpStream::connect(address).await?);
    stream.write_all(REQUEST).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(io::Error::other("the handshake was refused"));
    }
    let mut permit = Some(permit);
    loop {
        let shown = message(&mut stream).await?;
        let came = Instant::now();
        let tick = Tick {
            connection,
            shown,
            came,
        };
        board.ticks.lock().expect("no task panics").push(tick);
        if permit.take().is_some() {
            board.open.fetch_add(1, Relaxed);
        }
    }
}

/// The time of day in the next message, in seconds. Pings before it are answered.
async fn message(stream: &mut BufReader<TcpStream>) -> io::Result<u32> {
    loop {
        let mut header = [0; 2];
        stream.read_exact(&mut header).await?;
        let [kind, length @ ..126] = header else {
            return Err(io::Error::other("a frame of unexpected size"));
        };
        let mut payload = vec![0; length.into()];
        stream.read_exact(&mut payload).await?;
        match kind {
            0x81 => {
                let time = time_of_day(&payload);
                return time.ok_or_else(|| io::Error::other("no message of a clock"));
            }
            0x89 => {
                let pong = [&[0x8a, 0x80 | length, 0, 0, 0, 0], payload.as_slice()].concat();
                stream.write_all(&pong).await?;
            }
            _ => return Err(io::Error::other(format!("a frame of kind {kind:x}"))),
        }
    }
}

/// In `{"time": "2019.04.24 19:15:40"}`.
fn time_of_day(message: &[u8]) -> Option<u32> {
    let text = message.strip_prefix(b"{\"time\": \"")?;
    let text = std::str::from_utf8(text.get(11..19)?).ok()?;
    text.split(':')
        .try_fold(0, |time, part| Some(time * 60 + part.parse::<u32>().ok()?))
}

/// How regularly clocks tick.
struct Regularity {
    ticks: usize,
    /// Seconds between the first and the last that a connection showed, and that it did not show.
    missed: usize,
    /// How much later each tick was, by the seconds that it shows, than the earliest of its connection.
    late: Vec<Duration>,
    /// By how much the time since the tick before differs from the seconds that are shown.
    off: Vec<Duration>,
}

impl Regularity {
    fn of<'a>(ticks: impl Iterator<Item = &'a Tick>) -> Self {
        let mut clocks: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for tick in ticks {
            clocks.entry(tick.connection).or_default().push(*tick);
        }
        let mut all = Self {
            ticks: 0,
            missed: 0,
            late: Vec::new(),
            off: Vec::new(),
        };
        for clock in clocks.values() {
            all.add(clock);
        }
        all
    }

    /// Adds the ticks of one clock, in the order in which they came.
    fn add(&mut self, clock: &[Tick]) {
        let due = |tick: &Tick| Duration::from_secs(tick.seconds_after(&clock[0]));
        // When the clock would have started, by each of its ticks.
        let starts = clock
            .iter()
            .filter_map(|tick| tick.came.checked_sub(due(tick)));
        let starts: Vec<_> = starts.collect();
        let Some(earliest) = starts.iter().min() else {
            return;
        };
        self.late
            .extend(starts.iter().map(|start| *start - *earliest));
        for pair in starts.windows(2) {
            self.off.push(pair[1].max(pair[0]) - pair[1].min(pair[0]));
        }
        self.ticks += clock.len();
        for pair in clock.windows(2) {
            let seconds = usize::try_from(pair[1].seconds_after(&pair[0]));
            self.missed += seconds.unwrap_or(usize::MAX).saturating_sub(1);
        }
    }

    fn report(mut self) -> Value {
        json!({
            "ticks": self.ticks,
            "missed": self.missed,
            "late_ms": percentiles(&mut self.late),
            "off_ms": percentiles(&mut self.off),
        })
    }
}

impl Tick {
    /// Midnight is passed at most once.
    fn seconds_after(&self, before: &Self) -> u64 {
        const DAY: u32 = 24 * 60 * 60;
        u64::from((self.shown + DAY - before.shown) % DAY)
    }
}

fn percentiles(times: &mut [Duration]) -> Value {
    times.sort();
    let at = |of_1000: usize| {
        let place = (times.len() * of_1000 / 1000).min(times.len().saturating_sub(1));
        times.get(place).map(|time| time.as_secs_f64() * 1e3)
    };
    json!({
        "p50": at(500),
        "p99": at(990),
        "p99_9": at(999),
        "max": at(1000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_a_time_of_day() {
        let shown = time_of_day(br#"{"time": "2019.04.24 19:15:40"}"#);
        assert_eq!(shown, Some((19 * 60 + 15) * 60 + 40));
        assert_eq!(time_of_day(b"Hello"), None);
    }

    #[test]
    fn ticks_are_late_by_the_seconds_that_they_show() {
        let start = Instant::now();
        let tick = |connection, shown, milliseconds| Tick {
            connection,
            shown,
            came: start + Duration::from_millis(milliseconds),
        };
        let ticks = [
            tick(7, 86_399, 100),
            tick(8, 10, 500),
            tick(7, 0, 1103),
            // Second 1 is missed.
            tick(7, 2, 3101),
            tick(8, 11, 1490),
        ];
        let all = Regularity::of(ticks.iter());
        let milliseconds =
            |times: &[Duration]| times.iter().map(Duration::as_millis).collect::<Vec<_>>();
        assert_eq!((all.ticks, all.missed), (5, 1));
        assert_eq!(milliseconds(&all.late), [0, 3, 1, 10, 0]);
        assert_eq!(milliseconds(&all.off), [3, 2, 10]);
    }
}
