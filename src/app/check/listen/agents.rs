//! The clients that are examined, by their names, and what is known of each.

use super::super::judge::Outcome;
use super::super::report::Report;
use super::super::report::row::Row;
use super::told::Told;
use crate::app::text::turns_text;
use plainws::Role;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Clients by their names. One that has its report makes room for another.
const MAX_AGENTS: usize = 32;
/// Characters of a name.
const MAX_NAME: usize = 100;
/// How long a client's question waits for the cases that it is still playing: it may see the end of a connection
/// before this side does.
const TO_END: Duration = Duration::from_secs(10);

pub(super) struct Agents {
    /// How many cases there are.
    count: usize,
    is_strict: bool,
    all: Mutex<BTreeMap<String, Agent>>,
    /// Notified when a case has been played.
    played: Condvar,
    /// The exit code: the highest that any report gave. Held while one is written, since all go into the same files.
    code: Mutex<u8>,
    told: Told,
}

/// What is known of a client.
struct Agent {
    began: Instant,
    /// When its latest case had been played.
    ended: Instant,
    rows: BTreeMap<usize, Row>,
    /// The cases that are being played.
    playing: Vec<usize>,
    /// It has had its report.
    is_told: bool,
}

/// A name as it is kept: no longer than it needs to be, and with nothing that a terminal obeys.
pub(super) fn name(said: &str) -> String {
    let is_plain = |c: &char| !c.is_control() && !turns_text(*c);
    said.chars().filter(is_plain).take(MAX_NAME).collect()
}

impl Agents {
    pub(super) fn new(count: usize, is_strict: bool, told: Told) -> Self {
        Self {
            count,
            is_strict,
            all: Mutex::default(),
            played: Condvar::new(),
            code: Mutex::default(),
            told,
        }
    }

    /// A client begins a case. `false`: there are too many clients.
    pub(super) fn begin(&self, name: &str, number: usize) -> bool {
        let mut all = self.all();
        if !all.contains_key(name) && !has_room(&mut all) {
            return false;
        }
        let agent = all.entry(name.to_owned()).or_insert_with(Agent::new);
        agent.begin(number);
        true
    }

    /// A case that a client began has been played.
    pub(super) fn note(&self, name: &str, number: usize, row: Row) {
        if row.is_bad(self.is_strict) {
            self.told.failed(&row);
        }
        if let Some(agent) = self.all().get_mut(name) {
            agent.end(number, row);
        }
        self.played.notify_all();
    }

    /// How a case went, in the old suite's words. Waits while it is played.
    pub(super) fn behaviour(&self, name: &str, number: usize) -> Option<&'static str> {
        let is_playing = |agent: &Agent| agent.playing.contains(&number);
        let all = self.wait_while(name, is_playing);
        Some(all.get(name)?.rows.get(&number)?.behaviour)
    }

    /// Reports on a client, once it has played what it began.
    pub(super) fn report(&self, name: &str) {
        let mut all = self.wait_while(name, |agent| !agent.playing.is_empty());
        let report = all
            .get_mut(name)
            .and_then(|agent| agent.report(name, self.is_strict));
        drop(all);
        self.tell(name, report.as_ref());
    }

    /// Reports on all clients that have had no report yet. Gives the exit code.
    pub(super) fn end(&self) -> u8 {
        let mut all = self.all();
        let untold = all.iter_mut().filter(|(_, agent)| !agent.is_told);
        let reports: Vec<_> = untold
            .filter_map(|(name, agent)| agent.report(name, self.is_strict))
            .collect();
        drop(all);
        for report in &reports {
            self.tell(&report.name, Some(report));
        }
        *self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of the cases so far, as JSON for the page: how many of each behaviour, and those that did not pass.
    pub(super) fn results(&self, name: &str) -> String {
        let all = self.all();
        let rows = all.get(name).map(|agent| &agent.rows);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut notable = Vec::new();
        for (number, row) in rows.into_iter().flatten() {
            *counts.entry(row.verdict.outcome.name()).or_default() += 1;
            if row.verdict.outcome != Outcome::Ok {
                let outcome = row.verdict.outcome.name();
                notable
                    .push(json!({ "number": number, "outcome": outcome, "why": row.verdict.why }));
            }
        }
        json!({ "counts": counts, "notable": notable }).to_string()
    }

    fn tell(&self, name: &str, report: Option<&Report>) {
        let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        let this = match report {
            Some(report) => self.told.report(report, self.count),
            None => self.told.nothing(name),
        };
        *code = this.max(*code);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Agent>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(
        &self,
        name: &str,
        is_so: impl Fn(&Agent) -> bool,
    ) -> MutexGuard<'_, BTreeMap<String, Agent>> {
        let is_so = |all: &mut BTreeMap<String, Agent>| all.get(name).is_some_and(&is_so);
        let waited = self.played.wait_timeout_while(self.all(), TO_END, is_so);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Makes room for one more, if it can.
fn has_room(all: &mut BTreeMap<String, Agent>) -> bool {
    if all.len() < MAX_AGENTS {
        return true;
    }
    let is_over = |agent: &Agent| agent.is_told && agent.playing.is_empty();
    let over = all.iter().filter(|(_, agent)| is_over(agent));
    let oldest = over.min_by_key(|(_, agent)| agent.ended);
    let oldest = oldest.map(|(name, _)| name.clone());
    oldest.is_some_and(|name| all.remove(&name).is_some())
}

impl Agent {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            ended: now,
            rows: BTreeMap::new(),
            playing: Vec::new(),
            is_told: false,
        }
    }

    fn begin(&mut self, number: usize) {
        // A case once more, after the report: this is another examination.
        if self.is_told && self.playing.is_empty() && self.rows.contains_key(&number) {
            *self = Self::new();
        }
        self.is_told = false;
        self.playing.push(number);
    }

    fn end(&mut self, number: usize, row: Row) {
        if let Some(place) = self.playing.iter().position(|playing| *playing == number) {
            self.playing.swap_remove(place);
        }
        self.rows.insert(number, row);
        self.ended = Instant::now();
    }

    fn report(&mut self, name: &str, is_strict: bool) -> Option<Report> {
        if self.rows.is_empty() {
            return None;
        }
        self.is_told = true;
        Some(Report {
            name: name.to_owned(),
            command: String::new(),
            role: Role::Client,
            is_strict,
            rows: self.rows.values().cloned().collect(),
            time: self.ended - self.began,
        })
    }
}
