//! `plainws connect`: a client for people and scripts.

use crate::app::args;
use crate::app::input::hex;
use crate::app::show::lines::{Lines, To};
use crate::app::show::text;
use crate::app::show::trace;
use clap::Args;
use plainws::net::error::Refusal;
use plainws::protocol::message;
use plainws::{Client, CloseCode, CloseReason, Error, Message, Received, Role, Sender, WebSocket};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_long_help = MORE)]
pub(crate) struct Options {
    /// The server's address: ws://host[:port]/path
    url: String,

    #[command(flatten)]
    handshake: args::HandshakeOptions,

    #[command(flatten)]
    trace: args::TraceOption,

    /// Print a JSON object for each message and for the end
    #[arg(long)]
    json: bool,

    /// Close after the first message
    #[arg(long)]
    once: bool,

    /// Seconds that connecting may take
    #[arg(long, value_name = "S", default_value = "10", value_parser = args::seconds)]
    connect_timeout: Duration,

    /// Give up after this many seconds without a message; without it, never
    #[arg(long, value_name = "S", value_parser = args::seconds)]
    timeout: Option<Duration>,

    /// Seconds to go on listening after the input has ended, before closing
    #[arg(long, value_name = "S", default_value = "0", value_parser = args::seconds_or_0)]
    linger: Duration,
}

const MORE: &str = "\
Each line of the input is sent as a text message. Lines that begin with a slash are commands:
  /ping [TEXT]            send a ping
  /close [CODE [REASON]]  close, with 1000 unless another code is given
  /binary HEX             send a binary message
  /raw HEX                send these bytes without making a frame of them
  //TEXT                  send a text message that begins with a slash

Exit codes: 0 closed cleanly, 1 failed or lost, 2 wrong usage, 3 refused by the server with an
HTTP status, 4 closed because one side broke the protocol.";

/// The exit codes besides success.
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;
const VIOLATION: u8 = 4;

/// Connects, and talks until the connection ends.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    // All of it in one queue, so that a terminal shows messages among the trace where they came.
    let lines = Lines::waiting().map_err(|error| format!("cannot start a thread: {error}"))?;
    let code = match open(options, &lines) {
        Ok(ws) => talk(ws, options, &lines),
        Err(error) => {
            lines.say(&error_text(&error));
            exit_code(&error)
        }
    };
    lines.finish(Duration::MAX);
    Ok(ExitCode::from(code))
}

fn open(options: &Options, lines: &Lines) -> plainws::Result<WebSocket> {
    let mut client = Client::new(&options.url)?.timeout(options.connect_timeout);
    for (name, value) in options.handshake.headers() {
        client = client.header(name, value)?;
    }
    for name in options.handshake.subprotocols() {
        client = client.subprotocol(name)?;
    }
    if let Some(level) = options.trace.trace {
        client = client.tap(trace::tap(
            0,
            Role::Client,
            message::Limits::default(),
            level,
            lines.clone(),
        ));
    }
    client.connect()
}

/// Prints what comes, while another thread sends what is typed. Returns the exit code.
fn talk(mut ws: WebSocket, options: &Options, lines: &Lines) -> u8 {
    let subprotocol = ws
        .subprotocol()
        .map(|name| format!(" as {}", text::quoted(name.as_bytes())));
    lines.say(&format!(
        "connected to {}{}",
        options.url,
        subprotocol.unwrap_or_default()
    ));
    if std::io::stdin().is_terminal() {
        lines.say("a line is a message; /ping, /close, /binary HEX, /raw HEX; Ctrl-D ends");
    }
    let (sender, linger, its_lines) = (ws.sender(), options.linger, lines.clone());
    // Not joined: when the connection ends, this thread may still wait for a line from the keyboard.
    thread::spawn(move || {
        send_input(&sender, &its_lines);
        thread::sleep(linger);
        // It may be closing already.
        let _ = sender.close(CloseCode::NORMAL, "");
    });
    let ended = print_messages(&mut ws, options, lines);
    let reason = ws
        .close_reason()
        .unwrap_or(CloseReason::new(CloseCode::ABNORMAL));
    if options.json {
        let (code, reason) = (reason.code.0, &reason.reason);
        let close = json!({"type": "close", "code": code, "reason": reason});
        print(lines, &text::in_ascii(close.to_string()));
    } else {
        lines.say(&format!("closed {reason}"));
    }
    match ended {
        Err(error) => {
            lines.say(&error_text(&error));
            exit_code(&error)
        }
        Ok(()) if is_about_violation(reason.code) => VIOLATION,
        Ok(()) if reason.code == CloseCode::ABNORMAL => FAILED,
        Ok(()) => 0,
    }
}

/// Prints each message until the connection ends.
fn print_messages(ws: &mut WebSocket, options: &Options, lines: &Lines) -> plainws::Result<()> {
    loop {
        match ws.receive_timeout(options.timeout.unwrap_or(Duration::MAX))? {
            Received::Message(message) => print(lines, &shown(&message, options.json)),
            Received::Ended(_) => return Ok(()),
            _ => {
                ws.close(CloseCode::NORMAL, "")?;
                return Err(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    "no message arrived in time",
                )
                .into());
            }
        }
        if options.once {
            return ws.close(CloseCode::NORMAL, "");
        }
    }
}

fn shown(message: &Message, as_json: bool) -> String {
    match (message, as_json) {
        (Message::Text(text), false) => text::escaped(text.as_bytes()),
        (Message::Binary(bytes), false) => format!("binary {}", text::spaced(bytes)),
        (Message::Text(text), true) => {
            text::in_ascii(json!({"type": "text", "data": text}).to_string())
        }
        (Message::Binary(bytes), true) => {
            json!({"type": "binary", "hex": text::joined(bytes)}).to_string()
        }
    }
}

fn send_input(sender: &Sender, lines: &Lines) {
    for line in std::io::stdin().lock().split(b'\n') {
        let Ok(line) = line else { break };
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let sent = match std::str::from_utf8(line) {
            Ok(line) => send_line(sender, line),
            Err(_) => Err("a line that is not UTF-8 was not sent; /binary sends any bytes".into()),
        };
        match sent {
            Ok(true) => {}
            Ok(false) => break,
            Err(problem) => lines.say(&problem),
        }
    }
}

/// Sends what a line says; `false` when nothing more can be sent.
fn send_line(sender: &Sender, line: &str) -> Result<bool, String> {
    let Some(command) = line.strip_prefix('/') else {
        return sent(sender.send(line));
    };
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    match name {
        _ if command.starts_with('/') => sent(sender.send(command)),
        "ping" => sent(sender.ping(rest.as_bytes())),
        "binary" => sent(sender.send(&hex::parse(rest)?)),
        "raw" => sent(sender.raw().send(&hex::parse(rest)?)),
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = if code.is_empty() {
                Ok(1000)
            } else {
                code.parse()
            };
            let code = code.map_err(|_| "a close code is a number, such as 1001")?;
            sent(sender.close(CloseCode(code), reason)).map(|_| false)
        }
        _ => Err(format!(
            "no such command: /{name}. There are /ping, /close, /binary and /raw; a text that begins with a slash needs two"
        )),
    }
}

fn sent(result: plainws::Result<()>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_closed() => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether a code says that one side broke the protocol or the other's limits.
const fn is_about_violation(code: CloseCode) -> bool {
    matches!(
        code,
        CloseCode::PROTOCOL_ERROR
            | CloseCode::INVALID_PAYLOAD
            | CloseCode::TOO_BIG
            | CloseCode::POLICY
    )
}

fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Rule(_) => VIOLATION,
        Error::Refused(_) => REFUSED,
        Error::Url(_) | Error::Header(_) => USAGE,
        _ => FAILED,
    }
}

fn error_text(error: &Error) -> String {
    let Error::Refused(refusal) = error else {
        return error.to_string();
    };
    let Refusal { response, body, .. } = refusal.as_ref();
    let location = response.head().values("Location").next();
    let location = location
        .map(|url| format!(" to {}", text::escaped(url)))
        .unwrap_or_default();
    let body = text::clipped(text::escaped(body).trim_end_matches("\\n"), 200);
    format!("{error}{location}: {body}")
}

/// Prints what the peer sent. When standard output has no reader any more, the program ends.
fn print(lines: &Lines, line: &str) {
    lines.push(To::Stdout, &format!("{line}\n"));
}
