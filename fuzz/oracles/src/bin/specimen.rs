//! The specimen over TCP, with one of its faults or with none: something to be examined.
//!
//! ```text
//! specimen list                 the names of its faults, and what each does
//! specimen serve [FAULT]        a server that sends each message back; says where it listens
//! specimen client URL [FAULT]   a client that plays all cases of `plainws check --listen`
//! ```
//!
//! Exit 2: it could not be done.

use oracles::bug::Bug;
use oracles::served;
use oracles::specimen::Specimen;
use std::env;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &arguments[..] {
        ["list"] => list(),
        ["serve"] => serve(Specimen(None)),
        ["serve", fault] => named(fault).and_then(serve),
        ["client", url] => client(url, Specimen(None)),
        ["client", url, fault] => named(fault).and_then(|specimen| client(url, specimen)),
        _ => Err(io::Error::other(
            "usage: specimen list | serve [FAULT] | client URL [FAULT]",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("specimen: {error}");
            ExitCode::from(2)
        }
    }
}

fn named(name: &str) -> io::Result<Specimen> {
    let mut bugs = Bug::ALL.iter();
    let found = bugs.find(|(bug, ..)| format!("{bug:?}") == name);
    found
        .map(|(bug, ..)| Specimen(Some(*bug)))
        .ok_or_else(|| io::Error::other(format!("no fault {name}; specimen list names them")))
}

fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    Bug::ALL
        .iter()
        .try_for_each(|(bug, what, _)| writeln!(out, "{bug:?}\t{}", what.trim()))
}

fn serve(specimen: Specimen) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    served::serve(specimen, &listener)
}

fn client(url: &str, specimen: Specimen) -> io::Result<()> {
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    served::client(specimen, address)
}
