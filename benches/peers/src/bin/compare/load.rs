//! The load: `plainws bench`, which verifies each echo.

use crate::arguments::Arguments;
use crate::machine::Machine;
use crate::rows::Row;
use crate::server::{Process, Server};
use crate::{Measured, Result, Stop};
use serde_json::Value;
use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

/// Loads a server for some time.
///
/// # Errors
/// If there is no load, or the user wants it to end. That a server fails under the load is a result.
pub(crate) fn run(
    row: &Row,
    server: &Server,
    time: Duration,
    arguments: &Arguments,
    machine: &Machine,
    stop: &Stop,
) -> Result<Result<Measured>> {
    let mut command = machine.on_second_core(&arguments.plainws);
    command.args(["bench", &server.url(), "--json", row.content]);
    for (flag, value) in [
        ("--connections", row.connections.to_string()),
        ("--in-flight", row.in_flight.to_string()),
        ("--size", row.size.to_string()),
        ("--seconds", time.as_secs_f64().to_string()),
        // All processor time counts, and so must all messages.
        ("--warm-up", "0".into()),
    ] {
        command.args([flag, &value]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let before = server.processor_time();
    let child = command.spawn();
    let mut load = Process(child.map_err(|error| format!("plainws bench: {error}"))?);
    while let Ok(None) = load.0.try_wait() {
        stop.check()?;
        thread::sleep(Duration::from_millis(5));
    }
    stop.check()?;
    let after = server.processor_time();
    let output = text(load.0.stdout.take());
    if output.is_empty() {
        let problem = text(load.0.stderr.take());
        return Ok(Err(problem.lines().next().unwrap_or("no result").into()));
    }
    let (Some(before), Some(after)) = (before, after) else {
        return Ok(Err("the server is gone".into()));
    };
    Ok(understood(&output, after - before))
}

/// The little that it prints fits into a pipe, so it can be read when the process has ended.
fn text(pipe: Option<impl Read>) -> String {
    let mut text = String::new();
    if let Some(mut pipe) = pipe {
        // What is not text will not be understood.
        let _ = pipe.read_to_string(&mut text);
    }
    text
}

fn understood(output: &str, processor: f64) -> Result<Measured> {
    let result: Value = serde_json::from_str(output).map_err(|error| error.to_string())?;
    if let Some((kind, details)) = result["errors"].as_object().and_then(|e| e.iter().next()) {
        let first = details["first"].as_str().unwrap_or_default();
        return Err(format!("{kind}: {first}"));
    }
    let number = |name| result[name].as_f64().filter(|number| *number > 0.0);
    let messages = number("messages").ok_or("no echo came")?;
    let rate = number("messages_per_second").ok_or("no echo came")?;
    let processor = processor / messages;
    let time = number("seconds").ok_or("it took no time")?;
    // The seconds of processor time that each of both needed in a second.
    let load = number("tool_processor_seconds").unwrap_or(0.0) / time;
    let server = rate * processor / 1e6;
    Ok(Measured {
        rate,
        processor,
        is_limited_by_load: load > 0.95 && server < 0.9,
    })
}
