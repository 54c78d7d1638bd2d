//! What a connection of `plainws serve` takes of its process and of the kernel, and what opening it takes.

use crate::arguments::Arguments;
use crate::idle::{REST, echo_one, open_one};
use crate::machine::{Group, KernelMemory, Machine};
use crate::progress;
use crate::server::{Kind, Server};
use crate::{Result, Stop};
use std::thread;
use std::time::Instant;

/// For each connection, in KiB unless something else is said.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) connections: usize,
    pub(crate) program: f64,
    /// The objects, sockets among them, are of both ends.
    pub(crate) kernel: KernelMemory,
    /// All of the program and the kernel, without the other end: as a control group counts it.
    pub(crate) group: Option<f64>,
    /// Ranges of memory.
    pub(crate) maps: f64,
    /// Processor time of the server to open it, in microseconds.
    pub(crate) opening: f64,
    /// How many were opened a second, one after the other.
    pub(crate) opened: f64,
}

/// Fewer, beside as many as `--idle` says.
const FEWER: [usize; 2] = [1_000, 10_000];

/// # Errors
/// If a server does not start or takes fewer connections, or the user wants it to end.
pub(crate) fn measure(arguments: &Arguments, machine: &Machine, stop: &Stop) -> Result<Vec<Size>> {
    let most = machine.most_connections(arguments);
    let counts = FEWER.into_iter().filter(|&fewer| fewer < most);
    let mut sizes = Vec::new();
    for connections in counts.chain([most]) {
        progress::show(&format!("what each of {connections} connections takes"));
        sizes.push(measure_one(connections, arguments, machine, stop)?);
    }
    progress::clear();
    Ok(sizes)
}

fn measure_one(
    connections: usize,
    arguments: &Arguments,
    machine: &Machine,
    stop: &Stop,
) -> Result<Size> {
    let server = Server::start(Kind::Plainws, arguments, machine)?;
    let group = Group::of(server.id());
    let held = || group.as_ref().and_then(Group::memory);
    let held_before = held();
    let gone = || "the server is gone".to_owned();
    let memory = || server.memory().ok_or_else(gone);
    let processor = || server.processor_time().ok_or_else(gone);
    let maps = || server.maps().ok_or_else(gone);
    let (memory_before, maps_before) = (memory()?, maps()?);
    let kernel = KernelMemory::now();
    let (began, processor_before) = (Instant::now(), processor()?);
    let mut open = Vec::new();
    for number in 0..connections {
        stop.check()?;
        let opened = open_one(&server, number);
        open.push(opened.map_err(|error| format!("{number} connections: {error}"))?);
    }
    let (time, processor) = (began.elapsed(), processor()? - processor_before);
    for stream in &mut open {
        echo_one(&server, stream).map_err(|error| error.to_string())?;
    }
    thread::sleep(REST);
    let each = |all: f64| all / connections as f64;
    let size = Size {
        connections,
        group: held()
            .zip(held_before)
            .map(|(held, before)| each(held - before)),
        program: each(memory()? as f64 - memory_before as f64),
        kernel: KernelMemory::now().since(&kernel).for_each(connections),
        maps: each(maps()? as f64 - maps_before as f64),
        opening: each(processor),
        opened: connections as f64 / time.as_secs_f64(),
    };
    // Before the group, which cannot be removed while the server is in it.
    drop(server);
    Ok(size)
}
