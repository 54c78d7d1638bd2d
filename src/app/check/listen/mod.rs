//! `plainws check --listen`: waits for clients and examines them, at the paths that clients of the old suite ask for.
//!
//! | path | what happens |
//! |---|---|
//! | `/getCaseCount` | the number of cases comes as a text |
//! | `/runCase?case=N&agent=A`, or `casetuple=1.1.1` | the case is played |
//! | `/getCaseInfo?case=N` | its id and title come as JSON |
//! | `/getCaseStatus?case=N&agent=A` | how it went, once it has been played |
//! | `/updateReports?agent=A` | the reports are written, once all of the client's cases have been played |
//! | `/`, without a WebSocket | a page that runs all cases in a browser |
//!
//! Where a WebSocket is asked for, the server closes it after its answer. The page asks by plain GET: `/cases` for the
//! table, `/results?agent=A` for what came of it.

mod agents;
mod client;
mod http;
mod places;
mod query;
mod told;

use self::agents::Agents;
use self::client::{Asked, Client, NoRequest};
use self::http::Answer;
use self::places::Places;
use self::query::Query;
use self::told::Told;
use super::case::{Case, Group};
use super::judge::{Verdict, judge};
use super::play::play;
use super::record::Record;
use super::report::files::Files;
use super::report::row::Row;
use super::run;
use super::script::{self, Step};
use crate::app::signals;
use plainws::net::hosts::HostPolicy;
use plainws::net::origin::OriginPolicy;
use plainws::protocol::handshake::{Upgrade, is_asked_for};
use plainws::{Role, Rule};
use serde_json::json;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Connections at once, so that what all of them send stays within bounds; more wait.
const MAX_CONNECTIONS: usize = 32;
/// Of these, that many play what sends much.
const MAX_HEAVY: usize = 4;
/// How long a request may take, as in the server.
const TO_ASK: Duration = Duration::from_secs(10);
/// How long to wait when the system has no descriptor left for another connection.
const PAUSE: Duration = Duration::from_millis(50);
/// How a client is called that does not say its name.
const NAMELESS: &str = "client";

/// What an examination goes by.
pub(super) struct Plan {
    /// Clients know them by their numbers from 1.
    pub(super) cases: Vec<Case>,
    pub(super) patience: Duration,
    /// What a client is called that does not say its name.
    pub(super) agent: Option<String>,
    pub(super) is_strict: bool,
    /// The first client that asks for its report ends the examination.
    pub(super) exits_after: bool,
    pub(super) files: Files,
    /// Where clients connect to.
    pub(super) at: String,
}

/// Examines the clients that come, until a signal or, if the plan has it so, a client's report. Returns the exit code.
///
/// # Errors
///
/// The system refuses what is needed; in words for people.
pub(super) fn examine(listener: TcpListener, plan: Plan) -> Result<u8, String> {
    let said = |error: std::io::Error| format!("cannot examine clients: {error}");
    let (end, ended) = mpsc::channel();
    let of_signals = end.clone();
    signals::on_each(move || _ = of_signals.send(())).map_err(said)?;
    let examination = Arc::new(Examination::new(&listener, plan, end).map_err(said)?);
    let accepting = Arc::clone(&examination);
    let thread = thread::Builder::new().name("check accepts".into());
    let started = thread.spawn(move || accepting.accept(&listener));
    started.map_err(said)?;
    // The other end is never dropped: signals go on being heeded.
    let _ = ended.recv();
    // Cases that are being played end with the program, and count for nothing.
    Ok(examination.agents.end())
}

/// An examination.
struct Examination {
    cases: Vec<Case>,
    patience: Duration,
    agent: String,
    exits_after: bool,
    agents: Agents,
    places: Arc<Places>,
    /// For what sends much, so that all clients together send back no more.
    heavy_places: Arc<Places>,
    hosts: HostPolicy,
    end: mpsc::Sender<()>,
}

impl Examination {
    fn new(listener: &TcpListener, plan: Plan, end: mpsc::Sender<()>) -> std::io::Result<Self> {
        Ok(Self {
            agents: Agents::new(
                plan.cases.len(),
                plan.is_strict,
                Told::new(plan.at, plan.files),
            ),
            cases: plan.cases,
            patience: plan.patience,
            agent: plan.agent.unwrap_or_else(|| NAMELESS.into()),
            exits_after: plan.exits_after,
            places: Places::new(MAX_CONNECTIONS),
            heavy_places: Places::new(MAX_HEAVY),
            hosts: HostPolicy::at(listener.local_addr()?.ip()),
            end,
        })
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        loop {
            let place = Places::take(&self.places);
            let Ok((stream, peer)) = listener.accept() else {
                thread::sleep(PAUSE);
                continue;
            };
            let examination = Arc::clone(&self);
            let thread = thread::Builder::new().name("check client".into());
            // Where no thread can be had, the connection ends.
            let _ = thread.spawn(move || {
                examination.serve(stream, peer.ip());
                drop(place);
            });
        }
    }

    /// Serves a connection.
    fn serve(&self, stream: TcpStream, peer: IpAddr) {
        match client::read(stream, TO_ASK) {
            Ok(asked) => {
                if let Err((stream, answer)) = self.reply(asked, peer) {
                    answer.send(stream);
                }
            }
            Err(NoRequest::Late(stream)) => Answer::late().send(stream),
            Err(NoRequest::Gone) => {}
        }
    }

    /// Does what is asked, or gives the answer that says why not.
    fn reply(&self, asked: Asked, peer: IpAddr) -> Result<(), (TcpStream, Answer)> {
        let (path, query) = asked.target();
        let query = Query::parse(&query);
        let request = match &asked.request {
            Ok(request) => request,
            Err(rule) => {
                let rule = *rule;
                return Err(self.broken(asked, &path, &query, rule));
            }
        };
        if !self.hosts.permits(request.host(), peer) {
            return Err((asked.stream, Answer::other_host()));
        }
        if !is_asked_for(request) {
            let answer = self.page(request.method(), &path, &query);
            return Err((asked.stream, answer));
        }
        let upgrade = match Upgrade::new(request) {
            Ok(upgrade) => upgrade,
            Err(rule) => return Err(self.broken(asked, &path, &query, rule)),
        };
        // §10.2.
        let origins = OriginPolicy::default();
        if !origins.permits(request.origin(), request.host(), request.is_secure()) {
            return Err((asked.stream, Answer::other_origin(request)));
        }
        self.open(asked, &upgrade, &path, &query)
    }

    /// Opens the connection, and does there what the path says.
    fn open(
        &self,
        asked: Asked,
        upgrade: &Upgrade,
        path: &str,
        query: &Query,
    ) -> Result<(), (TcpStream, Answer)> {
        let number = self.number(query);
        let agent = self.agent(query);
        let say = |asked, text: String| {
            let mut client = Client::new(asked, upgrade, self.patience);
            play(&saying(Some(text)), &mut client);
        };
        match (path, number) {
            ("/getCaseCount", _) => say(asked, self.cases.len().to_string()),
            ("/getCaseInfo", Some(number)) => say(asked, self.info(number)),
            ("/getCaseStatus", Some(number)) => {
                let behaviour = self.agents.behaviour(&agent, number);
                // As long as a case was not played, nothing is known of it.
                let behaviour = behaviour.unwrap_or("UNIMPLEMENTED");
                say(asked, json!({ "behavior": behaviour }).to_string());
            }
            ("/runCase", Some(number)) => {
                if !self.agents.begin(&agent, number) {
                    return Err((asked.stream, Answer::too_many_agents()));
                }
                let result = self.play(Client::new(asked, upgrade, self.patience), number);
                let case = &self.cases[number];
                self.agents.note(&agent, number, Row::new(case, result));
            }
            ("/updateReports", _) => {
                self.agents.report(&agent);
                let mut client = Client::new(asked, upgrade, self.patience);
                play(&saying(None), &mut client);
                if self.exits_after {
                    // Whoever waits for it may have ended already.
                    let _ = self.end.send(());
                }
            }
            ("/getCaseInfo" | "/getCaseStatus" | "/runCase", None) => {
                return Err((asked.stream, self.no_such_case()));
            }
            _ => return Err((asked.stream, Answer::nowhere())),
        }
        Ok(())
    }

    fn play(&self, mut client: Client, number: usize) -> run::Result {
        let case = &self.cases[number];
        let _place = case.is_heavy().then(|| Places::take(&self.heavy_places));
        let record = play(case, &mut client);
        run::Result {
            number,
            verdict: judge(case, &record),
            record,
        }
    }

    /// A request that breaks a rule is refused, and the case that it asks for has failed.
    fn broken(&self, asked: Asked, path: &str, query: &Query, rule: Rule) -> (TcpStream, Answer) {
        let answer = Answer::to(rule);
        let number = self.number(query).filter(|_| path == "/runCase");
        if let Some(number) = number {
            let agent = self.agent(query);
            if !self.agents.begin(&agent, number) {
                return (asked.stream, Answer::too_many_agents());
            }
            let broken = asked.broken(rule);
            let verdict = Verdict::of_broken_request(&broken);
            let record = Record::unplayed(Role::Client);
            let result = run::Result {
                number,
                verdict,
                record,
            };
            let row = Row::of_request(&self.cases[number], result, &asked.head, answer.status());
            self.agents.note(&agent, number, row);
        }
        (asked.stream, answer)
    }

    /// The place of the case that a query names, by its number, its id or its number in the old suite.
    fn number(&self, query: &Query) -> Option<usize> {
        if let Some(name) = query.value("casetuple") {
            let is_it = |case: &Case| case.old == Some(name) || case.id == name;
            return self.cases.iter().position(is_it);
        }
        let number: usize = query.value("case")?.parse().ok()?;
        let place = number.checked_sub(1)?;
        (place < self.cases.len()).then_some(place)
    }

    fn no_such_case(&self) -> Answer {
        Answer::no_such_case(self.cases.len())
    }

    /// How the client is called: as it says, if it does.
    fn agent(&self, query: &Query) -> String {
        let said = query.value("agent").map(agents::name);
        let said = said.filter(|name| !name.is_empty());
        said.unwrap_or_else(|| agents::name(&self.agent))
    }

    fn info(&self, number: usize) -> String {
        let case = &self.cases[number];
        let id = case.old.unwrap_or(&case.id);
        json!({ "id": id, "description": case.title }).to_string()
    }

    /// What a plain request is answered with.
    fn page(&self, method: &str, path: &str, query: &Query) -> Answer {
        let answer = match path {
            "/" => Answer::page(),
            "/cases" => Answer::json(self.table()),
            "/results" => Answer::json(self.agents.results(&self.agent(query))),
            "/getCaseCount" | "/getCaseInfo" | "/getCaseStatus" | "/runCase" | "/updateReports" => {
                Answer::websocket_only()
            }
            _ => Answer::nowhere(),
        };
        answer.by_method(method)
    }

    /// Every case in a line, for the page.
    fn table(&self) -> String {
        let cases = self.cases.iter().map(|case| {
            json!({
                "id": format!("{}/{}", case.group.name(), case.id),
                "title": case.title,
                "level": case.level.name(),
                "section": case.section,
            })
        });
        json!(cases.collect::<Vec<_>>()).to_string()
    }
}

/// The connection of a client that asks for one, as cases are played on it.
#[cfg(test)]
pub(super) fn line(stream: TcpStream, patience: Duration) -> Option<super::examinee::Line> {
    use super::examinee::Examinee as _;
    let asked = client::read(stream, patience).ok()?;
    let upgrade = Upgrade::new(asked.request.as_ref().ok()?).ok()?;
    Client::new(asked, &upgrade, patience).connect().ok()
}

/// A script that says something and closes.
fn saying(text: Option<String>) -> Case {
    let frames = text.map(|text| vec![script::text(&text)]);
    Case::new(Group::Closing, "told", "takes what it is told", "5.5.1")
        .plays(frames.map(Step::Send).into_iter().collect::<Vec<_>>())
}
