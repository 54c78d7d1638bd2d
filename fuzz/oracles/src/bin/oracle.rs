//! The oracles on the command line.
//!
//! ```text
//! oracle seeds DIRECTORY               writes the seeds into DIRECTORY/TARGET/NAME
//! oracle judge TARGET FILE...          says which oracle fires; exit 1 if one does
//! oracle explain TARGET FILE [WIRE]    says that and what the file means; exit 1 if one does.
//!                                      With WIRE: writes the bytes that it stands for there, and
//!                                      says last which command shows them
//! oracle report COMMAND...             what every oracle says of a parser that is a process of its own, as
//!                                      `oracles::child` tells; exit 1 if one fires
//! ```
//!
//! Exit 2: it could not be done.

use oracles::child::Child;
use oracles::product::Plainws;
use oracles::report::Outcome;
use oracles::{Finding, TARGETS, Target, explain, seeds, watch};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io, process, thread};

const USAGE: &str = "usage: oracle seeds DIRECTORY | judge TARGET FILE... | explain TARGET FILE [WIRE] | report COMMAND...";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match &arguments[..] {
        ["seeds", directory] => write_seeds(Path::new(directory)),
        ["judge", target, files @ ..] if !files.is_empty() => judge(target, files),
        ["report", command @ ..] if !command.is_empty() => report(command),
        ["explain", target, file] => explain(target, file, None),
        ["explain", target, file, wire] => explain(target, file, Some(wire)),
        _ => Err(io::Error::other(USAGE)),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("oracle: {error}");
            ExitCode::from(2)
        }
    }
}

fn write_seeds(directory: &Path) -> io::Result<ExitCode> {
    for seed in seeds::all() {
        let directory = directory.join(seed.target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(&seed.name), &seed.input)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn judge(target: &str, files: &[&str]) -> io::Result<ExitCode> {
    let target = named(target)?;
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match watch::judge(target, Plainws, &read(file)?) {
            Ok(()) => println!("{file}: no oracle fires"),
            Err(finding) => {
                println!("{file}: {}", brief(&finding));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn explain(target: &str, file: &str, wire: Option<&str>) -> io::Result<ExitCode> {
    let input = read(file)?;
    // Plainws is not what this target judges.
    let finding = match target {
        "tungstenite" => None,
        _ => {
            let finding = watch::judge(named(target)?, Plainws, &input).err();
            let said = finding.as_ref().map(brief);
            println!("{}", said.unwrap_or_else(|| "no oracle fires".into()));
            finding
        }
    };
    let fired = finding.as_ref().map(|finding| finding.oracle);
    let kind = target.to_owned();
    // A script that hangs or panics when it is judged does so here, too.
    let telling = thread::spawn(move || {
        let tell = |line: &str| println!("{line}");
        explain::explain(&kind, fired, &input, tell)
    });
    if fired == Some("time") {
        thread::sleep(Duration::from_secs(1));
        if !telling.is_finished() {
            println!("    … and does not return");
            process::exit(1);
        }
    }
    if let (Ok(Some(shown)), Some(path)) = (telling.join(), wire) {
        fs::write(path, &shown.wire)?;
        println!(
            "plainws decode --raw --file {path} {}",
            shown.options.join(" ")
        );
    }
    Ok(ExitCode::from(u8::from(fired.is_some())))
}

fn report(command: &[&str]) -> io::Result<ExitCode> {
    let child = Child::new(command).map_err(|lost| io::Error::other(lost.0))?;
    let rows = oracles::report(&child);
    let rows = rows.filter(|row| !matches!(row.outcome, Outcome::NotJudged(_)));
    let rows = rows.inspect(|row| println!("{row}"));
    let fired = rows.filter(|row| row.outcome != Outcome::Passed).count();
    Ok(ExitCode::from(u8::from(fired > 0)))
}

fn named(target: &str) -> io::Result<&'static Target> {
    Target::named(target).ok_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        io::Error::other(format!("no target {target}: {}", names.join(", ")))
    })
}

fn read(file: &str) -> io::Result<Vec<u8>> {
    fs::read(file).map_err(|error| io::Error::other(format!("{file}: {error}")))
}

/// A finding, whose lines can be very long.
fn brief(finding: &Finding) -> String {
    const LONG: usize = 1000;
    let lines = finding.to_string();
    let lines = lines.lines().map(|line| {
        if line.chars().count() <= LONG {
            return line.to_owned();
        }
        line.chars().take(LONG).chain(['…']).collect()
    });
    lines.collect::<Vec<_>>().join("\n")
}
