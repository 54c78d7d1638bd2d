//! Many clocks in one process of `plainws serve`, each of which sends the time once a second.

use crate::arguments::Arguments;
use crate::machine::{KernelMemory, Machine};
use crate::progress;
use crate::server::{Kind, Process, Server};
use crate::{Result, Stop};
use serde_json::Value;
use std::io::{self, BufRead, BufReader};
use std::process::{ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long they are watched.
const SECONDS: u64 = 20;

#[derive(Debug)]
pub(crate) struct Clocks {
    pub(crate) connections: usize,
    /// Of the server for each connection, in KiB.
    pub(crate) memory: f64,
    /// Of the kernel for each connection, in KiB; that for sockets is of both ends.
    pub(crate) kernel: KernelMemory,
    /// Processor time of the server, as a share of one processor.
    pub(crate) processor: f64,
    /// What `clock-load` says.
    pub(crate) regularity: Value,
}

/// # Errors
/// If the server or the load fails, or the user wants it to end.
pub(crate) fn measure(arguments: &Arguments, machine: &Machine, stop: &Stop) -> Result<Clocks> {
    let connections = machine.most_connections(arguments);
    progress::show(&format!("{connections} clocks for {SECONDS} s"));
    let server = Server::start(Kind::Plainws, arguments, machine)?;
    let gone = || "the server is gone".to_owned();
    let memory = server.memory().ok_or_else(gone)?;
    let kernel = KernelMemory::now();
    let (load, lines) = load(&server, connections, machine)?;
    if next(&lines, stop)? != "open" {
        return Err("clock-load does not say that it is open".into());
    }
    let began = Instant::now();
    let processor = server.processor_time().ok_or_else(gone)?;
    let regularity = next(&lines, stop)?;
    let time = began.elapsed();
    let used = server.processor_time().ok_or_else(gone)? - processor;
    let memory = server.memory().ok_or_else(gone)?.saturating_sub(memory);
    let kernel = KernelMemory::now().since(&kernel);
    drop(load);
    progress::clear();
    Ok(Clocks {
        connections,
        memory: memory as f64 / connections as f64,
        kernel: kernel.for_each(connections),
        processor: used / 1e6 / time.as_secs_f64(),
        regularity: serde_json::from_str(&regularity).map_err(|error| error.to_string())?,
    })
}

fn load(
    server: &Server,
    connections: usize,
    machine: &Machine,
) -> Result<(Process, Receiver<String>)> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = machine.on_second_core(&program.with_file_name("clock-load"));
    command.arg(server.address.to_string());
    command.args([connections.to_string(), SECONDS.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = command.spawn();
    let mut load = Process(child.map_err(|error| format!("clock-load: {error}"))?);
    let output = load.0.stdout.take().expect("it was asked for");
    Ok((load, lines(output)))
}

fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(io::Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn next(lines: &Receiver<String>, stop: &Stop) -> Result<String> {
    loop {
        stop.check()?;
        match lines.recv_timeout(Duration::from_millis(20)) {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("clock-load has ended early".into()),
        }
    }
}
