//! What the proxy makes of the bytes that pass: lines for people, JSON for programs, a file.

use super::save::Save;
use crate::app::judge::decoded::Broken;
use crate::app::judge::exchange::{End, Event, Exchange, Kind, NO_LIMITS, Side};
use crate::app::judge::foreign;
use crate::app::show::lines::{Lines, To};
use crate::app::show::output;
use crate::app::show::paint::{BAD, GOOD, OPEN, paint};
use crate::app::show::text::{COLUMNS, clipped, count, escaped, in_ascii, since, width, wrapped};
use crate::app::show::trace::{Level, Trace};
use crate::app::show::{events, json};
use plainws::{Role, Rule};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where all connections tell what passes.
pub(super) struct Output {
    pub(super) lines: Lines,
    pub(super) level: Option<Level>,
    pub(super) is_json: bool,
    pub(super) save: Option<Save>,
}

/// The two ends of a connection.
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    pub(super) server: Option<SocketAddr>,
    /// The version and cipher of TLS with the server, if that is spoken.
    pub(super) secured_by: Option<String>,
}

/// Follows one connection.
pub(super) struct Watcher {
    output: Arc<Output>,
    number: u64,
    began: Instant,
    trace: Option<Trace>,
    exchange: Exchange,
}

impl Output {
    /// Says something about the run itself.
    pub(super) fn say(&self, line: &str) {
        self.lines.say(line);
    }

    /// Tells that a connection could not be passed on.
    pub(super) fn failed(
        &self,
        number: u64,
        at: Duration,
        client: SocketAddr,
        to: &str,
        error: &io::Error,
    ) {
        let problem = format!("cannot connect to {to}: {error}");
        self.say(&format!("#{number} from {client} was closed: {problem}"));
        if self.is_json {
            let failed = json!({"client": client.to_string(), "error": problem});
            self.event("failed", number, at, failed);
        }
    }

    fn people(&self, text: String) {
        if !text.is_empty() {
            self.lines.push(To::Stderr, &output::as_stderr_shows(text));
        }
    }

    /// An object in a line of its own; `members` follow what all events have.
    fn event(&self, name: &str, number: u64, at: Duration, members: Value) {
        let mut object = json!({
            "event": name,
            "connection": number,
            "time": at.as_secs_f64(),
        });
        if let (Value::Object(object), Value::Object(members)) = (&mut object, members) {
            object.extend(members);
        }
        let line = in_ascii(object.to_string()) + "\n";
        self.lines.push(To::Stdout, &line);
    }
}

impl Watcher {
    /// Begins with a connection that has just been made.
    pub(super) fn new(output: Arc<Output>, number: u64, began: Instant, ends: Ends) -> Self {
        let trace = output
            .level
            .map(|level| Trace::new(number, Role::Client, level));
        let watcher = Self {
            output,
            number,
            began,
            trace,
            exchange: Exchange::new(NO_LIMITS, NO_LIMITS),
        };
        watcher.opened(ends);
        watcher
    }

    fn opened(&self, ends: Ends) {
        let now = self.began.elapsed();
        let client = ends.client.to_string();
        let server = ends.server;
        let server = server.map_or_else(|| "?".into(), |server| server.to_string());
        let over = ends.secured_by.as_ref();
        let over = over.map_or_else(String::new, |tls| format!(" over {tls}"));
        let text = format!("{client} -> {server}{over}");
        if let Some(trace) = &self.trace {
            self.output.people(trace.note(None, now, &text));
        }
        if self.output.is_json {
            let mut members = json!({"client": client, "server": server});
            if let Some(tls) = ends.secured_by {
                members["secured_by"] = tls.into();
            }
            self.event("open", now, members);
        }
        if let Some(save) = &self.output.save {
            self.report(save.connection(self.number, &text));
        }
    }

    /// Takes what a side has sent.
    pub(super) fn passed(&mut self, sender: Role, bytes: &[u8]) {
        let now = self.began.elapsed();
        if let Some(save) = &self.output.save {
            self.report(save.bytes(self.number, sender, now, bytes));
        }
        let before = self.exchange.side(sender).violation;
        let events = self.exchange.receive(sender, bytes);
        if let Some(trace) = &self.trace {
            let mut text = trace.border(sender, now, "read", bytes.len());
            for event in &events {
                text += &trace.event(sender, now, event);
            }
            text += &trace.unfinished(sender, now, &self.exchange);
            self.output.people(text);
        }
        for event in &events {
            self.tell(sender, now, event);
        }
        let violation = self.exchange.side(sender).violation;
        if let Some((rule, offset)) = violation.filter(|_| before.is_none()) {
            let likely = events.iter().find_map(|event| likely(sender, event));
            self.broken(sender, now, (rule, offset), likely);
        }
    }

    /// What came from a side cannot be read. That of a reset is told by its end.
    pub(super) fn broke_off(&self, sender: Role, error: &io::Error) {
        let is_of_the_socket = error.raw_os_error().is_some();
        if !is_of_the_socket {
            let (number, name) = (self.number, sender.name());
            self.output
                .say(&format!("#{number} with the {name}: {error}"));
        }
    }

    /// A side has ended, and sends nothing more.
    pub(super) fn ended(&mut self, sender: Role, end: End) {
        let now = self.began.elapsed();
        let event = self.exchange.end(sender, Some(end));
        if let Some(trace) = &self.trace {
            let mut text = event
                .as_ref()
                .map_or_else(String::new, |event| trace.event(sender, now, event));
            text += &trace.note(
                Some(sender),
                now,
                match end {
                    End::Fin => "end",
                    End::Reset => "reset",
                },
            );
            self.output.people(text);
        }
        if let Some(event) = event {
            self.tell(sender, now, &event);
        }
    }

    /// Both sides have ended.
    pub(super) fn close(&mut self) {
        let now = self.began.elapsed();
        for sender in [Role::Client, Role::Server] {
            if self.exchange.side(sender).end.is_none() {
                let event = self.exchange.end(sender, None);
                if let (Some(trace), Some(event)) = (&self.trace, &event) {
                    self.output.people(trace.event(sender, now, event));
                }
            }
        }
        if self.output.is_json {
            let of = |sender| events::side(self.exchange.side(sender));
            let members = json!({"client": of(Role::Client), "server": of(Role::Server)});
            self.event("end", now, members);
        }
        if !self.output.is_json || self.trace.is_some() {
            let both = [Role::Client, Role::Server];
            let text: String = both.map(|sender| self.summary(sender, now)).concat();
            self.output.people(text);
        }
    }

    /// What a side has sent, in a line, or two if its verdict is long.
    fn summary(&self, sender: Role, now: Duration) -> String {
        let side = self.exchange.side(sender);
        let (verdict, style) = match side.violation {
            Some((rule, _)) => (format!("VIOLATION {}", rule.id()), BAD),
            None if side.is_unfinished => ("unfinished".into(), OPEN),
            None if side.is_open => ("legal".into(), GOOD),
            None => ("no WebSocket".into(), OPEN),
        };
        let mut said = Vec::new();
        if side.is_open {
            said.push(count(side.frames, "frame"));
            said.push(count(side.messages, "message"));
        }
        said.push(count(side.bytes, "byte"));
        if side.is_open {
            said.push(match side.close {
                Some(code) => format!("close {}", code.0),
                None => "no close".into(),
            });
        }
        if side.end == Some(End::Reset) {
            said.push("reset".into());
        }
        let (start, said) = (self.start(sender, now), said.join(", "));
        let room = COLUMNS - 1 - start.len();
        let asked = clipped(&asked(side), room.saturating_sub(said.len() + ": ,".len()));
        let said = format!("{asked}: {said},");
        let gap = if width(&said) + 1 + verdict.len() <= room {
            " ".into()
        } else {
            format!("\n{:1$}", "", start.len())
        };
        format!("{start}{said}{gap}{}\n", paint(style, &verdict))
    }

    fn start(&self, sender: Role, now: Duration) -> String {
        let mark = match sender {
            Role::Client => '>',
            Role::Server => '<',
        };
        format!("#{} {:>8} {mark} ", self.number, since(now))
    }

    /// Says which rule a side breaks, and what it likely speaks instead. Its bytes are passed on all the same.
    fn broken(
        &self,
        sender: Role,
        now: Duration,
        (rule, offset): (Rule, u64),
        likely: Option<String>,
    ) {
        if self.output.is_json {
            let mut members = json::violation(&Broken::Rule(rule), offset, sender);
            members["sender"] = sender.name().into();
            if let Some(likely) = &likely {
                members["likely"] = likely.as_str().into();
            }
            self.event("violation", now, members);
        }
        if !self.output.is_json || self.trace.is_some() {
            let start = self.start(sender, now);
            let (name, section) = (sender.name(), rule.section());
            let said = format!(
                "the {name} breaks {section}: {} ({}){}",
                rule.clause(),
                rule.id(),
                likely.map_or_else(String::new, |likely| format!("; likely {likely}"))
            );
            let said = wrapped(&said, start.len());
            self.output.people(format!("{start}{said}\n"));
        }
    }

    fn tell(&self, sender: Role, now: Duration, event: &Event) {
        if !self.output.is_json {
            return;
        }
        let has_spans = self.output.level == Some(Level::Full);
        let (name, mut members) = events::event(event, has_spans);
        members["sender"] = sender.name().into();
        self.event(name, now, members);
    }

    fn event(&self, name: &str, now: Duration, members: Value) {
        self.output.event(name, self.number, now, members);
    }

    /// Says what went wrong with the file.
    fn report(&self, problem: Option<String>) {
        if let Some(problem) = problem {
            self.output.say(&problem);
        }
    }
}

/// What a side speaks that begins with no head.
fn likely(sender: Role, event: &Event) -> Option<String> {
    match (event, sender) {
        (Event::Head(opening), _) if opening.kind != Kind::NoHead => None,
        (Event::Head(opening), Role::Client) => foreign::of_client(&opening.bytes),
        (Event::Head(opening), Role::Server) => foreign::recognise(&opening.bytes),
        _ => None,
    }
}

/// What a client asked for, or how a server answered, in the words of the first line.
fn asked(side: &Side) -> String {
    let line = escaped(&side.start_line);
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some(version), Some(status)) if version.starts_with("HTTP/") => status.into(),
        (Some(method), Some(target)) => format!("{method} {target}"),
        (Some(""), None) | (None, _) => "nothing".into(),
        (Some(word), None) => word.into(),
    }
}
