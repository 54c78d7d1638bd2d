//! Whether `plainws check` finds each fault of the specimen, in the group of cases that is named for it.
//!
//! ```text
//! checked PLAINWS            compares with fuzz/CHECKED.md
//! checked PLAINWS --update   writes that anew; what still finds a fault stays
//! checked PLAINWS FAULT      tells all cases that find this fault; `none` stands for no fault
//! ```
//!
//! `PLAINWS` is the program. Exit 1: the table is not true; 2: it could not be done.

use oracles::bug::Bug;
use oracles::served;
use oracles::specimen::Specimen;
use plainws::Role;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{env, fs, process, thread};

/// Cells that are looked at side by side: most of the time is spent waiting for what does not come.
const WORKERS: usize = 4;
/// Seconds in which an end with a fault has to answer: nobody minds if it fails for want of time.
const SHORT: &str = "0.5";
/// The same for an end without one.
const LONG: &str = "10";
/// A cut of a stream goes unnoticed if the other end is late.
const TRIES: usize = 3;
const NOT_FOUND: &str = "**not found**";
const TABLE: &str = "CHECKED.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match &arguments[..] {
        [program] => Plainws::new(program).and_then(|program| program.compare()),
        [program, "--update"] => Plainws::new(program).and_then(|program| program.update()),
        [program, fault] => Plainws::new(program).and_then(|program| program.tell(fault)),
        _ => Err(io::Error::other(
            "usage: checked PLAINWS [--update | FAULT]",
        )),
    };
    done.unwrap_or_else(|error| {
        eprintln!("checked: {error}");
        ExitCode::from(2)
    })
}

/// What is under test.
struct Plainws {
    program: PathBuf,
    /// For reports; each run has its own.
    directory: PathBuf,
    runs: AtomicUsize,
}

/// A column of the table.
#[derive(Clone, Copy, Debug)]
enum Column {
    Server,
    Client,
    Streams,
}

const COLUMNS: [Column; 3] = [Column::Server, Column::Client, Column::Streams];

type Cells = [String; COLUMNS.len()];

impl Plainws {
    fn new(program: &str) -> io::Result<Self> {
        let directory = env::temp_dir().join(format!("plainws-checked-{}", process::id()));
        fs::create_dir_all(&directory)?;
        Ok(Self {
            program: fs::canonicalize(program)?,
            directory,
            runs: AtomicUsize::new(0),
        })
    }

    fn compare(&self) -> io::Result<ExitCode> {
        let committed = fs::read_to_string(table())?;
        let found = self.table(&rows(&committed), false)?;
        if found == committed {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("{TABLE} is not true any more; --update writes it anew");
        let committed: Vec<_> = committed.lines().collect();
        for line in found.lines().filter(|line| !committed.contains(line)) {
            eprintln!("found: {line}");
        }
        Ok(ExitCode::FAILURE)
    }

    fn update(&self) -> io::Result<ExitCode> {
        let committed = fs::read_to_string(table()).unwrap_or_default();
        let found = self.table(&rows(&committed), true)?;
        fs::write(table(), &found)?;
        Ok(if found.contains(NOT_FOUND) {
            eprintln!("some faults are not found: see {TABLE}");
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    /// The table. Where a cell is committed, that is looked at, and more only if the table is `renewed`.
    fn table(&self, committed: &[(String, Cells)], renewed: bool) -> io::Result<String> {
        self.nothing_fails_without_a_fault()?;
        let committed = |bug: usize, column: usize| {
            let row = committed.iter().find(|(fault, _)| *fault == words(bug));
            row.map(|(_, cells)| cells[column].as_str())
        };
        let cells = side_by_side(Bug::ALL.len() * COLUMNS.len(), |number| {
            let (bug, column) = (number / COLUMNS.len(), number % COLUMNS.len());
            let (bug, column, known) = (Bug::ALL[bug].0, COLUMNS[column], committed(bug, column));
            let cell = self.cell(bug, column, known, renewed);
            cell.map_err(|error| io::Error::other(format!("{bug:?}, {column:?}: {error}")))
        })?;
        Ok(written(&cells))
    }

    fn nothing_fails_without_a_fault(&self) -> io::Result<()> {
        for role in [Role::Server, Role::Client] {
            let bad = self.bad(None, role, &["--skip", "load", "--timeout", LONG])?;
            if !bad.is_empty() {
                let what = format!("without a fault, as a {}: {}", role.name(), bad.join(", "));
                return Err(io::Error::other(what));
            }
        }
        Ok(())
    }

    fn cell(
        &self,
        bug: Bug,
        column: Column,
        committed: Option<&str>,
        renewed: bool,
    ) -> io::Result<String> {
        let role = match column {
            Column::Server => Role::Server,
            Column::Client => Role::Client,
            Column::Streams => return self.in_stream(bug, committed, renewed),
        };
        let group = match bug.shows_in(role) {
            Ok(group) => group,
            Err(why) => return Ok(why.into()),
        };
        let known = committed.filter(|cell| cell.split('/').next() == Some(group));
        if let Some(known) = known {
            if self.finds(bug, role, known)? {
                return Ok(known.into());
            }
            if !renewed {
                return Ok(NOT_FOUND.into());
            }
        }
        for _ in 0..TRIES {
            // Beside many others a case may fail for want of time only.
            for case in self.bad(Some(bug), role, &["--only", group, "--timeout", SHORT])? {
                if self.finds(bug, role, &case)? {
                    return Ok(case);
                }
            }
        }
        Ok(NOT_FOUND.into())
    }

    /// Whether this case finds it.
    fn finds(&self, bug: Bug, role: Role, case: &str) -> io::Result<bool> {
        for _ in 0..TRIES {
            let bad = self.bad(Some(bug), role, &["--only", case, "--timeout", SHORT])?;
            if !bad.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn tell(&self, fault: &str) -> io::Result<ExitCode> {
        let mut all = Bug::ALL.iter().map(|(bug, ..)| *bug);
        let bug = all.find(|bug| format!("{bug:?}") == fault);
        if bug.is_none() && fault != "none" {
            return Err(io::Error::other(format!("no fault {fault}")));
        }
        for role in [Role::Server, Role::Client] {
            println!("as a {}", role.name());
            for case in self.bad(bug, role, &["--skip", "load", "--timeout", SHORT])? {
                println!("  {case}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The cases, as `group/id`, that the specimen does not pass; those that it fails come first.
    fn bad(&self, bug: Option<Bug>, role: Role, options: &[&str]) -> io::Result<Vec<String>> {
        let report = self.run_directory()?.join("report.json");
        let mut check = Command::new(&self.program);
        check
            .args(["check", "--strict", "--json"])
            .arg(&report)
            .args(options);
        check.stdin(Stdio::null()).stdout(Stdio::null());
        let code = match role {
            Role::Server => {
                check.args(["--jobs", "16"]).arg(url(serve(bug)?));
                check.status()?.code()
            }
            Role::Client => examine_client(check, bug)?,
        };
        if !matches!(code, Some(0 | 1)) {
            return Err(io::Error::other(format!(
                "plainws check {options:?} ends with {code:?}"
            )));
        }
        // Whoever asks for no case gets no report.
        let report = fs::read_to_string(report).unwrap_or_else(|_| "{}".into());
        let report: Value = serde_json::from_str(&report)?;
        let cases = report["cases"].as_array().into_iter().flatten();
        let of = |outcomes: &[&str]| {
            let those = cases
                .clone()
                .filter(|case| outcomes.iter().any(|outcome| case["outcome"] == **outcome));
            those.map(name).collect::<Vec<_>>()
        };
        Ok([of(&["failed"]), of(&["timeout"]), of(&["lenient"])].concat())
    }

    /// In which stream of seed 1 `--random` finds a fault of a server, if it does; and again, from what it saved.
    fn in_stream(&self, bug: Bug, committed: Option<&str>, renewed: bool) -> io::Result<String> {
        let is_none = committed == Some("") && !renewed;
        if bug.shows_in(Role::Server).is_err() || is_none {
            return Ok(String::new());
        }
        let directory = self.run_directory()?;
        let url = url(serve(Some(bug))?);
        let run = |options: &[&str]| {
            let mut check = Command::new(&self.program);
            check
                .current_dir(&directory)
                .args(["check", &url, "--timeout", SHORT])
                .args(options);
            check
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            check.status().map(|status| status.code())
        };
        const SAVED: &str = "plainws-check-failure.txt";
        let seconds = if renewed { "20" } else { "60" };
        match run(&["--random", seconds, "--seed", "1", "--jobs", "1"])? {
            Some(0) => return Ok(String::new()),
            Some(1) => {}
            code => return Err(io::Error::other(format!("--random ends with {code:?}"))),
        }
        let mut again = (0..TRIES).map(|_| run(&["--replay", SAVED]));
        if !again.any(|code| matches!(code, Ok(Some(1)))) {
            return Ok(String::new());
        }
        // How a stream arrives is not the same each time, and so is not which one is the first.
        if let Some(committed) = committed.filter(|cell| !cell.is_empty()) {
            return Ok(committed.into());
        }
        let about = fs::read_to_string(directory.join(SAVED))?;
        let number = about
            .split_once(": stream ")
            .and_then(|(_, rest)| rest.split_once(' '))
            .and_then(|(number, _)| number.parse::<u64>().ok());
        // A busy machine comes to no later one in the time.
        let number = number.filter(|number| *number < 200);
        Ok(number.map_or_else(String::new, |number| format!("stream {number}")))
    }

    fn run_directory(&self) -> io::Result<PathBuf> {
        let number = self.runs.fetch_add(1, Relaxed);
        let directory = self.directory.join(number.to_string());
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

impl Drop for Plainws {
    fn drop(&mut self) {
        // What is left there does no harm.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}/")
}

/// The specimen as a server, for as long as this program runs.
fn serve(bug: Option<Bug>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || served::serve(Specimen(bug), &listener));
    Ok(address)
}

/// Has the specimen as a client examined by `check`.
fn examine_client(mut check: Command, bug: Option<Bug>) -> io::Result<Option<i32>> {
    let listen = ["--listen", "127.0.0.1:0", "--exit-after"];
    let mut check = Ending(check.args(listen).stderr(Stdio::piped()).spawn()?);
    let said = check.0.stderr.take().expect("it is piped");
    let mut line = String::new();
    let mut said = BufReader::new(said);
    said.read_line(&mut line)?;
    let address = line
        .split("ws://")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let address = address.ok_or_else(|| io::Error::other(format!("plainws check: {line}")))?;
    served::client(Specimen(bug), address)?;
    Ok(check.0.wait()?.code())
}

/// A program that ends with this one at the latest.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        // It has ended by itself if all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn name(case: &Value) -> String {
    let word = |key: &str| case[key].as_str().unwrap_or_default();
    format!("{}/{}", word("group"), word("id"))
}

fn side_by_side<T: Send>(
    count: usize,
    work: impl Fn(usize) -> io::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let some = || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Relaxed));
        let numbers = numbers.take_while(|&number| number < count);
        numbers
            .map(|number| Ok((number, work(number)?)))
            .collect::<io::Result<Vec<_>>>()
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(some)).collect();
        let done = workers
            .into_iter()
            .map(|worker| worker.join().expect("no worker panics"));
        done.collect::<io::Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, done)| done).collect())
}

// The table as text.

fn table() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(TABLE)
}

fn words(bug: usize) -> &'static str {
    Bug::ALL[bug].1.trim()
}

fn written(cells: &[String]) -> String {
    let rows: Vec<&[String]> = cells.chunks(COLUMNS.len()).collect();
    let found = |column: usize| rows.iter().filter(|row| is_found(&row[column])).count();
    let mut table = format!(
        "# Which faults `plainws check` finds\n\n\
         Written by `checked PLAINWS --update` ([`program/src/bin/checked.rs`](program/src/bin/checked.rs)), and compared in CI.\n\
         The specimen is served over TCP with each fault, then connects with it. A cell names the first case that finds it,\n\
         in the group that [`bug.rs`](oracles/src/bug.rs) names for it; or why the fault is on no wire. The last column tells\n\
         by which stream of seed 1 `--random` finds it in a server. Without a fault all cases pass under `--strict`.\n\n\
         Of {} faults, {} are found in a server, {} in a client, {} by `--random`.\n\n\
         | fault | server | client | `--random` |\n|---|---|---|---|\n",
        rows.len(),
        found(0),
        found(1),
        found(2),
    );
    for (bug, row) in rows.iter().enumerate() {
        // Writing to a String never fails.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} |",
            words(bug),
            row[0],
            row[1],
            row[2]
        );
    }
    table
}

fn is_found(cell: &str) -> bool {
    cell.starts_with("stream ") || cell.contains('/')
}

/// The rows of a table that was written so.
fn rows(table: &str) -> Vec<(String, Cells)> {
    let row = |line: &str| {
        let mut cells = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split(" | ")
            .map(str::to_owned);
        Some((cells.next()?, [cells.next()?, cells.next()?, cells.next()?]))
    };
    table.lines().filter_map(row).collect()
}
