//! A server that runs while it is measured.

use crate::Result;
use crate::arguments::Arguments;
use crate::machine::Machine;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    RawTcp,
    Plainws,
    Tungstenite,
    Fastwebsockets,
    TokioWebsockets,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::RawTcp,
        Self::Plainws,
        Self::Tungstenite,
        Self::Fastwebsockets,
        Self::TokioWebsockets,
    ];

    /// Of the crate and of the program.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RawTcp => "raw-tcp",
            Self::Plainws => "plainws",
            Self::Tungstenite => "tungstenite",
            Self::Fastwebsockets => "fastwebsockets",
            Self::TokioWebsockets => "tokio-websockets",
        }
    }

    /// How it serves many connections.
    pub(crate) const fn way(self) -> &'static str {
        match self {
            Self::RawTcp | Self::Plainws | Self::Tungstenite => "threads",
            Self::Fastwebsockets | Self::TokioWebsockets => "event loop",
        }
    }

    fn command(self, arguments: &Arguments, machine: &Machine) -> Result<Command> {
        if self == Self::Plainws {
            let mut command = machine.on_first_core(&arguments.plainws);
            command.args(["serve", "--addr", "127.0.0.1:0", "--quiet"]);
            let connections = arguments.idle.max(1000) + 100;
            command.args(["--max-connections", &connections.to_string()]);
            return Ok(command);
        }
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = machine.on_first_core(&program.with_file_name(self.name()));
        command.args(["--listen", "127.0.0.1:0"]);
        if !arguments.gathers {
            command.arg("--no-gathering");
        }
        Ok(command)
    }
}

/// A process that is ended with its owner.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    process: Process,
    /// Kept open for whatever else it says.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(kind: Kind, arguments: &Arguments, machine: &Machine) -> Result<Self> {
        let mut command = kind.command(arguments, machine)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let in_words = |problem: &str| format!("{} does not start: {problem}", kind.name());
        let child = command
            .spawn()
            .map_err(|error| in_words(&error.to_string()))?;
        let mut process = Process(child);
        let output = process.0.stdout.take().expect("it was asked for");
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output
            .read_line(&mut line)
            .map_err(|error| in_words(&error.to_string()))?;
        let address = address_in(&line).ok_or_else(|| in_words("it names no address"))?;
        Ok(Self {
            kind,
            address,
            process,
            _output: output,
        })
    }

    pub(crate) fn url(&self) -> String {
        let address = self.address;
        match self.kind {
            Kind::RawTcp => format!("tcp://{address}"),
            _ => format!("ws://{address}/echo"),
        }
    }

    /// Processor time so far, in microseconds, of the process and the kernel for it.
    pub(crate) fn processor_time(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).ok()?;
        // The name before may hold anything but a last bracket.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(11);
        let (user, system): (f64, f64) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        /// On every Linux, whatever the kernel counts in.
        const TICK: f64 = 10_000.0;
        Some((user + system) * TICK)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// The most memory that it has held, in KiB.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// What it holds now, in KiB.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// Its ranges of memory.
    pub(crate) fn maps(&self) -> Option<usize> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process.0.id()));
        Some(maps.ok()?.lines().count())
    }

    fn status(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

/// The address in "listening on 127.0.0.1:1234" or "plainws serves http://127.0.0.1:1234/".
fn address_in(line: &str) -> Option<SocketAddr> {
    let last = line.split_whitespace().next_back()?;
    let address = last.strip_prefix("http://").unwrap_or(last);
    address.trim_end_matches('/').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_where_they_listen() {
        let address = "127.0.0.1:1234".parse().ok();
        assert_eq!(address_in("listening on 127.0.0.1:1234\n"), address);
        assert_eq!(
            address_in("plainws serves http://127.0.0.1:1234/\n"),
            address
        );
        assert_eq!(address_in(""), None);
    }
}
