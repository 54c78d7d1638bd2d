//! The command line.

use crate::Result;
use crate::rows::{ROWS, Row};
use crate::server::Kind;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Measures plainws beside other WebSocket implementations and a raw TCP echo

Usage: benches/compare [OPTIONS]

  --rounds N         Rounds; in each, every server has its turn [default: 3]
  --seconds S        Seconds of load a turn [default: 2]
  --rows ROW,…       These rows only: 32 125 125x16 125x16-text 1k 64k 64k-text 64k-utf8 1m 16m idle sizes clocks
  --only SERVER,…    These servers only, beside raw-tcp: plainws tungstenite fastwebsockets tokio-websockets
  --idle N           Connections of the rows `idle`, `sizes` and `clocks` [default: 10000, or as many as open files allow]
  --no-gathering     Let the others write each answer by itself, as the examples of their libraries do

The exit code is 0 only if no server failed.
";

/// What is to be measured, and how.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) measures_idle: bool,
    pub(crate) measures_sizes: bool,
    pub(crate) measures_clocks: bool,
    /// Connections of these.
    pub(crate) idle: usize,
    /// The raw TCP echo is the first.
    pub(crate) servers: Vec<Kind>,
    pub(crate) gathers: bool,
    /// The program that is measured, and that is the load.
    pub(crate) plainws: PathBuf,
}

impl Arguments {
    /// `None` if help is asked for.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut arguments = Self {
            rounds: 3,
            time: Duration::from_secs(2),
            rows: ROWS.iter().collect(),
            measures_idle: true,
            measures_sizes: true,
            measures_clocks: true,
            idle: 10_000,
            servers: Kind::ALL.to_vec(),
            gathers: true,
            plainws: "target/release/plainws".into(),
        };
        while let Some(name) = given.next() {
            let mut value = || given.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "-h" | "--help" => return Ok(None),
                "--rounds" => arguments.rounds = at_least_1(&value()?)?,
                "--seconds" => arguments.time = seconds(&value()?)?,
                "--rows" => arguments.choose_rows(&value()?)?,
                "--only" => arguments.choose_servers(&value()?)?,
                "--idle" => arguments.idle = at_least_1(&value()?)?,
                "--no-gathering" => arguments.gathers = false,
                "--plainws" => arguments.plainws = value()?.into(),
                _ => return Err(format!("there is no {name}")),
            }
        }
        Ok(Some(arguments))
    }

    fn choose_rows(&mut self, names: &str) -> Result<()> {
        (self.measures_idle, self.measures_sizes) = (false, false);
        self.measures_clocks = false;
        self.rows.clear();
        for name in names.split(',') {
            match name {
                "idle" => self.measures_idle = true,
                "sizes" => self.measures_sizes = true,
                "clocks" => self.measures_clocks = true,
                _ => {
                    let row = ROWS.iter().find(|row| row.name == name);
                    self.rows
                        .push(row.ok_or(format!("there is no row {name}"))?);
                }
            }
        }
        Ok(())
    }

    fn choose_servers(&mut self, names: &str) -> Result<()> {
        self.servers = vec![Kind::RawTcp];
        for name in names.split(',').filter(|name| *name != Kind::RawTcp.name()) {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            self.servers
                .push(kind.ok_or(format!("there is no server {name}"))?);
        }
        Ok(())
    }
}

fn at_least_1(text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or(format!("{text} is no number above 0"))
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or(format!("{text} is no time in seconds"))
}
