//! Oracles that watch what a stream costs. They run with large limits, because tiny ones hide
//! what the declared length does.

use crate::reference;
use crate::stream::{self, Stream};
use crate::streams::choices::Choices;
use crate::streams::generate::{self, Sequence, Sizes};
use crate::streams::wire;
use crate::subject::{Seen, Subject};
use crate::words;
use cpu_time::ThreadTime;
use plainws::Role;
use plainws::protocol::head;
use plainws::protocol::message::Limits;
use std::time::Duration;

/// What a parser may hold beside what it holds before a byte has arrived: its buffers are its own affair.
const FIXED: u64 = 2 * 1024;
/// What it may hold for each byte: a buffer that doubles is copied once, and its message is handed on.
const PER_BYTE: u64 = 6;
/// What it may hold for each event: a list of them that doubles is copied once.
const PER_EVENT: u64 = 4 * size_of::<Seen>() as u64;

/// Memory grows with the bytes received, never with a declared length (§10.4).
///
/// # Errors
///
/// What was held.
pub fn memory(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream {
        sender,
        cuts,
        mut wire,
    } = Stream::from_input(input);
    let received = wire.len() as u64;
    let size = cuts.first().copied().unwrap_or(usize::MAX).max(1);
    let idle = allocation_counter::measure(|| {
        let mut reader = subject.reader(sender, Limits::default());
        reader.read(&mut []);
    });
    let mut events = 0;
    let cost = allocation_counter::measure(|| {
        let mut reader = subject.reader(sender, Limits::default());
        for piece in wire.chunks_mut(size) {
            events += reader.read(piece).len() as u64;
        }
    });
    let allowed = idle.bytes_max + FIXED + PER_BYTE * received + PER_EVENT * events;
    if cost.bytes_max > allowed {
        return Err(format!(
            "{} bytes held for {received} received, and {} for none",
            cost.bytes_max, idle.bytes_max
        ));
    }
    Ok(())
}

/// What a `queue` input asks for.
pub(crate) struct Pings<'a> {
    /// Who is pinged.
    pub(crate) role: Role,
    key: [u8; 4],
    /// Of each ping.
    pub(crate) length: usize,
    /// What they say.
    choices: Choices<'a>,
}

impl<'a> Pings<'a> {
    pub(crate) fn from_input(input: &'a [u8]) -> Self {
        let mut choices = Choices(input);
        Self {
            role: choices.one(&[Role::Client, Role::Server]),
            key: [choices.byte(); 4],
            length: choices.below(126),
            choices,
        }
    }
}

/// What waits to be written stays small while nothing is written, however many pings arrive, and the latest
/// of them is answered (§5.5.3).
///
/// # Errors
///
/// How much waits.
pub fn queue(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    const PINGS: usize = 100;
    const ALLOWED: usize = 4 * 1024;
    let Pings {
        role,
        key,
        length,
        mut choices,
    } = Pings::from_input(input);
    let Some(mut endpoint) = subject.endpoint(role, Limits::default()) else {
        return Ok(());
    };
    let key = (role == Role::Server).then_some(key);
    let mut last = Vec::new();
    for number in 0..PINGS {
        last = [number as u8 ^ choices.byte()].repeat(length);
        endpoint.receive(&mut wire::encode(0x89, key, &last));
    }
    let output = endpoint.drain_output();
    if output.len() > ALLOWED {
        return Err(format!(
            "{} bytes wait after {PINGS} pings of {length} bytes",
            output.len()
        ));
    }
    let latest = reference::whole_frames(&output).0.pop();
    let latest = latest.map(|pong| pong.payload);
    if latest.as_ref() != Some(&last) {
        let latest = latest.map_or("missing".into(), |pong| words::hex(&pong));
        return Err(format!(
            "the latest pong is {latest}, not {}",
            words::hex(&last)
        ));
    }
    Ok(())
}

/// How much larger the second load is. What grows with its square takes 256 times as long, so that there is
/// much room between it and what only meets a smaller cache or the kernel more often.
const GROWTH: usize = 16;
/// How much longer it may take: half way, by factors, between in proportion and with the square.
const ALLOWED_GROWTH: u32 = 64;

/// The work grows with the bytes received, not with their square: 16 times the bytes take about 16 times as
/// long, where a parser that looks at its buffer again and again takes 256 times.
///
/// Measured as this thread's own time, so that other programs do not count. The shortest of some
/// measurements counts, and only one that is too long each time fails.
///
/// # Errors
///
/// The times.
pub fn work(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    const SMALL: usize = 2_000;
    let mut choices = Choices(input);
    let shape = choices.below(SHAPES);
    let sender = choices.one(&[Role::Client, Role::Server]);
    let (small, large) = (
        load(shape, sender, SMALL),
        load(shape, sender, GROWTH * SMALL),
    );
    grows_in_proportion(
        || Some(time(subject, sender, &small)),
        || Some(time(subject, sender, &large)),
    )
    .map_err(|times| format!("load {shape}: {times}"))
}

/// How many loads there are.
const SHAPES: usize = 5;

/// 16 times the subprotocols, extensions or headers in a request take about 16 times as long, too.
/// The limits are wide open, because tight ones would hide it.
///
/// # Errors
///
/// The times.
pub fn head_work(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    const LIMITS: head::Limits = head::Limits::new().max_bytes(1 << 20).max_headers(1 << 20);
    const FEW: usize = 1_000;
    let item = Choices(input).below(HEAD_ITEMS);
    let time = |count| {
        let request = request(item, count);
        let mut reader = subject.handshake(Role::Client, LIMITS, None)?;
        let start = ThreadTime::now();
        let verdict = std::hint::black_box(reader.receive(&request));
        verdict.map(|_| start.elapsed())
    };
    grows_in_proportion(|| time(FEW), || time(GROWTH * FEW))
        .map_err(|times| format!("list {item}: {times}"))
}

/// How many things of a request can be many.
const HEAD_ITEMS: usize = 4;

/// A request with `count` of something.
fn request(item: usize, count: usize) -> Vec<u8> {
    let numbers = || (0..count).map(|i| format!("{i:x}"));
    let list = numbers().collect::<Vec<_>>().join(",");
    let many = match item {
        0 => format!("Sec-WebSocket-Protocol: {list}"),
        1 => format!("Sec-WebSocket-Extensions: {list}"),
        2 => format!("Connection: {list}"),
        _ => {
            numbers()
                .map(|number| format!("{number}: a\r\n"))
                .collect::<String>()
                + "Z: z"
        }
    };
    let head = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    format!("{head}{many}\r\n\r\n").into_bytes()
}

/// Compares the shortest of some measurements of a load and one [`GROWTH`] times as large; a load that
/// cannot be measured is not judged.
fn grows_in_proportion(
    small: impl Fn() -> Option<Duration>,
    large: impl Fn() -> Option<Duration>,
) -> Result<(), String> {
    let mut fastest = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        let (Some(small), Some(large)) = (small(), large()) else {
            return Ok(());
        };
        fastest = (fastest.0.min(small), fastest.1.min(large));
        // A little is added so that the clock's own steps do not count.
        if fastest.1 < ALLOWED_GROWTH * (fastest.0 + Duration::from_micros(20)) {
            return Ok(());
        }
    }
    Err(format!(
        "{:?}, and {:?} for {GROWTH} times as much",
        fastest.0, fastest.1
    ))
}

/// Pieces that arrive one after another, about `count` bytes in all.
fn load(shape: usize, sender: Role, count: usize) -> Vec<Vec<u8>> {
    let key = (sender == Role::Client).then_some([1, 2, 3, 4]);
    let encode = |byte0, payload: &[u8]| wire::encode(byte0, key, payload);
    let bytewise = |stream: Vec<u8>| stream.chunks(1).map(<[u8]>::to_vec).collect();
    match shape {
        0 => bytewise(encode(0x81, "é".repeat(count / 2).as_bytes())),
        1 => bytewise(encode(0x82, &b"a".repeat(count))),
        2 => {
            let first = encode(0x02, b"a");
            let more = encode(0x00, b"a");
            bytewise([first, more.repeat(count / more.len())].concat())
        }
        // In one piece: a parser must not move all the bytes that follow, once for each frame.
        3 => vec![encode(0x82, b"").repeat(count / 2)],
        _ => vec![encode(0x89, b"ping").repeat(count / 6)],
    }
}

fn time(subject: &dyn Subject, sender: Role, load: &[Vec<u8>]) -> Duration {
    let mut reader = subject.reader(sender, Limits::default());
    let mut load = load.to_vec();
    let start = ThreadTime::now();
    for piece in &mut load {
        std::hint::black_box(reader.read(piece));
    }
    start.elapsed()
}

/// Makes a stream for `memory`: every other one has large messages, in small pieces or whole.
#[must_use]
pub fn generate_memory(choices: &mut Choices<'_>) -> Vec<u8> {
    if choices.once_in(2) {
        return Stream::generate(choices);
    }
    let sender = stream::sender(choices.byte());
    let size = choices.one(&[None, Some(31), Some(255)]);
    let Sequence { wire, .. } = generate::sequence(sender, Sizes::Large, choices);
    let mut input = Stream::to_input(sender, &wire);
    if let Some(size) = size {
        input[0] |= 0x10;
        input.insert(1, size);
    }
    input
}

/// Makes a `work` input: each load once.
#[must_use]
pub fn generate_work(choices: &mut Choices<'_>) -> Vec<u8> {
    choices.take(2).to_vec()
}
