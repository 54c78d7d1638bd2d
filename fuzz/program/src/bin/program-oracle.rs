//! The oracles of the program on the command line.
//!
//! ```text
//! program-oracle seeds DIRECTORY        writes the seeds into DIRECTORY/TARGET/NAME
//! program-oracle judge TARGET FILE...   says which oracle fires; exit 1 if one does
//! ```
//!
//! Exit 2: it could not be done.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match &arguments[..] {
        ["seeds", directory] => write_seeds(Path::new(directory)),
        [
            "judge",
            target @ ("paste" | "address" | "capture" | "command" | "query" | "saved"),
            files @ ..,
        ] if !files.is_empty() => judge(target, files),
        _ => Err(io::Error::other(
            "usage: program-oracle seeds DIRECTORY | judge paste|address|capture|command|query|saved FILE...",
        )),
    };
    result.unwrap_or_else(|error| {
        eprintln!("program-oracle: {error}");
        ExitCode::from(2)
    })
}

fn write_seeds(directory: &Path) -> io::Result<ExitCode> {
    for (target, name, input) in program_oracles::seeds() {
        let directory = directory.join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(name), input)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn judge(target: &str, files: &[&str]) -> io::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match program_oracles::judge(target, &fs::read(file)?) {
            Ok(()) => println!("{file}: no oracle fires"),
            Err(finding) => {
                println!("{file}: {finding}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
