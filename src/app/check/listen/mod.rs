//! `plainws check --listen`: waits for clients and examines them, at the paths that clients of the old suite ask for.
//!
//! | path | what happens |
//! |---|---|
//! | `/getCaseCount` | the number of cases comes as a text |
//! | `/runCase?case=N&agent=A`, or `casetuple=1.1.1` | the case is played |
//! | `/getCaseInfo?case=N` | its id and title come as JSON |
//! | `/getCaseStatus?case=N&agent=A` | how it went |
//! | `/updateReports?agent=A` | the reports are written |
//! | `/`, without a WebSocket | a page that runs all cases in a browser |

mod client;
mod query;

use self::client::{Asked, Client, NoRequest};
use self::query::Query;
use super::case::{Case, Group};
use super::judge::judge;
use super::play::{Record, play};
use super::script::{self, Step};
use plainws::protocol::handshake::is_asked_for;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Connections at once; more wait.
const MAX_CONNECTIONS: usize = 64;
/// Clients by their names, at most.
const MAX_AGENTS: usize = 32;

/// What a client is told.
pub(super) trait Told: Send {
    /// A case was played.
    fn result(&mut self, agent: &str, number: usize, case: &Case, result: super::run::Result);
    /// A client has played all that it wanted. `false` ends the examination.
    fn finish(&mut self, agent: &str) -> bool;
}

/// The examination.
pub(super) struct Examination<'a, T> {
    cases: &'a [Case],
    patience: Duration,
    agent: Option<String>,
    told: Mutex<T>,
    /// The outcome of each case, by agent.
    behaviours: Mutex<BTreeMap<String, BTreeMap<usize, &'static str>>>,
    connections: AtomicUsize,
}

impl<'a, T: Told> Examination<'a, T> {
    /// Examines by `cases`, which clients know by their numbers from 1. `agent` names a client that does not say its name.
    pub(super) fn new(
        cases: &'a [Case],
        patience: Duration,
        agent: Option<String>,
        told: T,
    ) -> Self {
        Self {
            cases,
            patience,
            agent,
            told: Mutex::new(told),
            behaviours: Mutex::default(),
            connections: AtomicUsize::new(0),
        }
    }

    /// Serves until a client's examination ends it.
    ///
    /// # Errors
    ///
    /// The listener fails.
    pub(super) fn serve(&self, listener: &TcpListener) -> io::Result<()> {
        let address = listener.local_addr()?;
        let is_over = AtomicUsize::new(0);
        thread::scope(|scope| {
            while is_over.load(Relaxed) == 0 {
                let stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    // The client has gone already, or there is no descriptor for it: others may fare better.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                    Err(error) => return Err(error),
                };
                if self.connections.fetch_add(1, Relaxed) >= MAX_CONNECTIONS {
                    self.connections.fetch_sub(1, Relaxed);
                    let _ = answer(
                        stream,
                        "503 Service Unavailable",
                        "text/plain",
                        "too many connections\n",
                    );
                    continue;
                }
                let is_over = &is_over;
                scope.spawn(move || {
                    if !self.connection(stream) {
                        is_over.store(1, Relaxed);
                        // This wakes the loop.
                        let _ = TcpStream::connect(address);
                    }
                    self.connections.fetch_sub(1, Relaxed);
                });
            }
            Ok(())
        })
    }

    /// Serves a connection. `false` ends the examination.
    fn connection(&self, stream: TcpStream) -> bool {
        let copy = stream.try_clone();
        let asked = match client::read(stream, self.patience.max(Duration::from_secs(10))) {
            Ok(asked) => asked,
            Err(NoRequest::Gone) => return true,
            Err(NoRequest::Bad(why)) => {
                let _ = copy.and_then(|stream| {
                    answer(stream, "400 Bad Request", "text/plain", &(why + "\n"))
                });
                return true;
            }
        };
        let path = asked.request.path().to_owned();
        let query = Query::parse(asked.request.query().unwrap_or_default());
        if !is_asked_for(&asked.request) {
            page(asked, &path);
            return true;
        }
        let agent = query
            .value("agent")
            .map(str::to_owned)
            .or_else(|| self.agent.clone());
        let agent = agent.unwrap_or_else(|| "client".into());
        match &*path {
            "/getCaseCount" => self.say(asked, self.cases.len().to_string()),
            "/getCaseInfo" => match self.number(&query) {
                Some(number) => {
                    let case = &self.cases[number];
                    let id = case.old.unwrap_or(&case.id);
                    self.say(
                        asked,
                        json!({"id": id, "description": case.title}).to_string(),
                    );
                }
                None => refuse(asked, "no such case"),
            },
            "/getCaseStatus" => match self.number(&query) {
                Some(number) => {
                    let behaviours = lock(&self.behaviours);
                    let behaviour = behaviours
                        .get(&agent)
                        .and_then(|cases| cases.get(&number))
                        .copied();
                    drop(behaviours);
                    let behaviour = behaviour.unwrap_or("UNIMPLEMENTED");
                    self.say(asked, json!({"behavior": behaviour}).to_string());
                }
                None => refuse(asked, "no such case"),
            },
            "/runCase" => match self.number(&query) {
                Some(number) => self.play(asked, &agent, number),
                None => refuse(asked, "no such case"),
            },
            "/updateReports" => {
                let goes_on = lock(&self.told).finish(&agent);
                let record = self.exchange(asked, &ending(None));
                drop(record);
                return goes_on;
            }
            _ => refuse(asked, "no such path"),
        }
        true
    }

    /// The place of the case that a query names, by its number or by that of the old suite.
    fn number(&self, query: &Query) -> Option<usize> {
        if let Some(old) = query.value("casetuple") {
            return self
                .cases
                .iter()
                .position(|case| case.old == Some(old) || case.id == old);
        }
        let number: usize = query.value("case")?.parse().ok()?;
        number
            .checked_sub(1)
            .filter(|number| *number < self.cases.len())
    }

    fn play(&self, asked: Asked, agent: &str, number: usize) {
        let case = &self.cases[number];
        let Some(record) = self.exchange(asked, case) else {
            return;
        };
        let verdict = judge(case, &record);
        let mut behaviours = lock(&self.behaviours);
        if behaviours.len() < MAX_AGENTS || behaviours.contains_key(agent) {
            let of_agent = behaviours.entry(agent.to_owned()).or_default();
            of_agent.insert(number, super::old_suite::behaviour(case, &record, &verdict));
        }
        drop(behaviours);
        lock(&self.told).result(
            agent,
            number,
            case,
            super::run::Result {
                number,
                verdict,
                record,
            },
        );
    }

    /// Opens the connection and plays a script on it.
    fn exchange(&self, asked: Asked, case: &Case) -> Option<Record> {
        match Client::new(asked, self.patience) {
            Ok(mut client) => Some(play(case, &mut client)),
            Err((stream, why)) => {
                let _ = answer(stream, "400 Bad Request", "text/plain", &(why + "\n"));
                None
            }
        }
    }

    fn say(&self, asked: Asked, text: String) {
        self.exchange(asked, &ending(Some(text)));
    }
}

/// A script that says something and closes.
fn ending(text: Option<String>) -> Case {
    let frames = text.map(|text| vec![script::text(&text)]);
    Case::new(Group::Closing, "told", "takes what it is told", "5.5.1")
        .plays(frames.map(Step::Send).into_iter().collect::<Vec<_>>())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse(asked: Asked, why: &str) {
    // Whoever has left does not want to know.
    let _ = answer(
        asked.stream,
        "404 Not Found",
        "text/plain",
        &format!("{why}\n"),
    );
}

fn page(asked: Asked, path: &str) {
    let is_page = matches!(asked.request.method(), "GET" | "HEAD") && path == "/";
    let (status, kind, body) = if is_page {
        (
            "200 OK",
            "text/html; charset=utf-8",
            include_str!("page.html"),
        )
    } else {
        ("404 Not Found", "text/plain", "the page is at /\n")
    };
    let _ = answer(asked.stream, status, kind, body);
}

/// Answers as HTTP, and ends the connection.
fn answer(mut stream: TcpStream, status: &str, kind: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; \
         style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
