//! The program itself, as a process.
#![allow(dead_code, reason = "each test program uses some of these")]

#[allow(unused_imports, reason = "each test program uses some of these")]
pub(crate) use super::process::{Held, Output, Process, is_heeded};

use super::raw::Raw;
use std::net::SocketAddr;
use std::process::Command;

/// The program, to be run with other settings than arguments.
pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_plainws"))
}

/// The program with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Process {
    Process::start(command().args(arguments)).expect("the program was built")
}

/// The program, serving.
pub(crate) struct Program {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it on a free port and waits until it says where it is.
    pub(crate) fn serve(arguments: &[&str]) -> Self {
        Self::serve_at("127.0.0.1:0", arguments)
    }

    pub(crate) fn serve_at(address: &str, arguments: &[&str]) -> Self {
        Self::of(run(&[&["--addr", address], arguments].concat()))
    }

    /// Waits until a process that serves says where it is.
    pub(crate) fn of(process: Process) -> Self {
        let address = process.stdout.wait_for("URL", |text| {
            let (_, url) = text.split_once("://")?;
            url.split_once('/')?.0.parse().ok()
        });
        Self { process, address }
    }

    pub(crate) fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    pub(crate) fn open(&self, path: &str) -> Raw {
        Raw::open(self.address, path)
    }
}
