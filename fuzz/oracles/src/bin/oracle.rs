//! The oracles on the command line.
//!
//! ```text
//! oracle seeds DIRECTORY        writes the seeds into DIRECTORY/TARGET/NAME
//! oracle judge TARGET FILE...   says which oracle fires; exit 1 if one does
//! oracle wire TARGET FILE OUT   writes the frames of a file to OUT and says who sends them
//! ```

use oracles::frames::{Stream, sequence_as_stream};
use oracles::subject::Plainws;
use oracles::{Target, seeds};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match &arguments[..] {
        ["seeds", directory] => write_seeds(Path::new(directory)),
        ["judge", target, files @ ..] => judge(target, files),
        ["wire", target, file, out] => wire(target, file, out),
        _ => Err(io::Error::other(
            "usage: oracle seeds DIRECTORY | judge TARGET FILE... | wire TARGET FILE OUT",
        )),
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
    let target = Target::named(target).ok_or_else(|| io::Error::other("no such target"))?;
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match target.judge(&Plainws, &fs::read(file)?) {
            Ok(()) => println!("{file}: no oracle fires"),
            Err(finding) => {
                println!("{file}: {finding}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn wire(target: &str, file: &str, out: &str) -> io::Result<ExitCode> {
    let input = fs::read(file)?;
    let input = match target {
        "stream" | "resource" | "dissect" => input,
        "sequence" => sequence_as_stream(&input),
        _ => return Err(io::Error::other(format!("{target} does not take frames"))),
    };
    let stream = Stream::from_input(&input);
    fs::write(out, &stream.wire)?;
    println!("{}", format!("{:?}", stream.sender).to_lowercase());
    Ok(ExitCode::SUCCESS)
}
