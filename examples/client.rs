//! Sends the lines that are typed, shows the messages that come, and connects again when the connection is lost.
//!
//! ```sh
//! cargo run --no-default-features --example echo
//! cargo run --no-default-features --example client ws://127.0.0.1:8000/echo
//! ```
//!
//! Then end the server and start it again, and go on typing.

use plainws::net::random::Random;
use plainws::{CloseCode, CloseReason, Received, Result, Sender};
use std::env;
use std::io::{self, BufRead, BufReader};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

fn main() -> Result<()> {
    let url = env::args().nth(1);
    let url = url.unwrap_or("ws://127.0.0.1:8000/echo".into());
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60))?;
    let input = BufReader::new(io::stdin());
    let reason = run(&url, input, backoff, |text| println!("{text}"))?;
    eprintln!("the connection was closed: {reason}");
    Ok(())
}

/// Keeps up a connection to `url` until one is closed for good. Returns the server's reason.
pub(crate) fn run(
    url: &str,
    input: impl BufRead + Send + 'static,
    mut backoff: Backoff,
    mut show: impl FnMut(&str),
) -> Result<CloseReason> {
    let (connected, connections) = mpsc::channel();
    let sending = thread::spawn(move || send_lines(input, &connections));
    loop {
        let mut message_came = || backoff.reset();
        let why = match talk(url, &connected, &mut show, &mut message_came) {
            Ok(reason) if !reason.may_pass() => return Ok(reason),
            Ok(reason) => reason.to_string(),
            Err(error) if !error.may_pass() => return Err(error),
            Err(error) => error.to_string(),
        };
        let pause = backoff.next();
        show(&format!("[{why}; the next attempt is in {pause:.1?}]"));
        thread::sleep(pause);
        if sending.is_finished() {
            // It was lost while it was being closed.
            return Ok(CloseReason::new(CloseCode::NORMAL));
        }
    }
}

/// Connects, and shows what comes, up to the end.
fn talk(
    url: &str,
    connected: &mpsc::Sender<Sender>,
    show: &mut impl FnMut(&str),
    message_came: &mut impl FnMut(),
) -> Result<CloseReason> {
    let ws = plainws::connect(url)?;
    if connected.send(ws.sender()).is_err() {
        // All has been sent, and nobody wants to be connected any more.
        return Ok(CloseReason::new(CloseCode::NORMAL));
    }
    loop {
        match ws.receive_timeout(Duration::MAX)? {
            Received::Message(message) => {
                message_came();
                // Whoever sends it is not to control the terminal.
                show(&message.to_string().replace(char::is_control, "\u{FFFD}"));
            }
            Received::Ended(reason) => return Ok(reason),
            _ => {}
        }
    }
}

/// Sends each line on the newest connection, or on the next one if that is lost. At the end of the input it closes.
fn send_lines(input: impl BufRead, connections: &Receiver<Sender>) {
    let Ok(mut newest) = connections.recv() else {
        return;
    };
    let mut until_done = |send: &dyn Fn(&Sender) -> Result<()>| {
        while send(&newest).is_err() {
            match connections.recv() {
                Ok(sender) => newest = sender,
                Err(_) => return,
            }
        }
    };
    for line in input.lines().map_while(io::Result::ok) {
        until_done(&|sender| sender.send(&line));
    }
    until_done(&|sender| sender.close(CloseCode::NORMAL, ""));
}

/// How long to wait before each attempt (§7.2.3): a random time, so that not all clients of a server that was
/// lost come back at once, out of a span that doubles with each failure.
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Result<Self> {
        Ok(Self {
            first,
            most,
            failures: 0,
            random: Random::new()?,
        })
    }

    pub(crate) fn next(&mut self) -> Duration {
        let span = self
            .first
            .saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures += 1;
        let part = u32::from_ne_bytes(self.random.bytes());
        span.min(self.most)
            .mul_f64(f64::from(part) / f64::from(u32::MAX))
    }

    fn reset(&mut self) {
        self.failures = 0;
    }
}
