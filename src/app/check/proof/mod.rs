//! Each row is ok with a peer that is right, and with one that is wrong on purpose it is not.

mod peer;
mod together;

use self::peer::Peer;
use super::case::{Case, End, Group, Level};
use super::cases::all;
use super::examinee::{Examinee, Line};
use super::judge::{Outcome, judge};
use super::listen;
use super::play::play;
use super::record::Stopped;
use super::run;
use super::script::Step;
use super::server::{Server, Target};
use crate::app::trust::Trust;
use plainws::net::url::Url;
use plainws::{Role, WebSocket};
use std::io;
use std::iter;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const ECHO: &str = "/echo";
/// With a peer that is right, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// With a peer that is wrong: that it says nothing for so long is what is to be shown.
const NO_PATIENCE: Duration = Duration::from_millis(200);
/// With a peer that is weak.
const SOME_PATIENCE: Duration = Duration::from_secs(1);
/// A peer that is wrong mostly waits.
const JOBS: usize = 32;
/// How often a row is played whose pieces may come together, or not, by chance. The peer is wrong about one of these only.
const TRIES: usize = 20;
/// How many of a row are played at once then: of one alone, the pieces never come together.
const COPIES: usize = 8;

/// The rows that the peer that takes the least is right about: whatever else a row has, it has none of that. Each with a
/// peer that it is not ok with.
#[rustfmt::skip]
const PLAIN: &[(Peer, &[&str])] = &[
    (Peer::RefusesAll, &["handshake-plain", "key-of-odd-characters", "key-of-zeros", "key-of-the-rfc", "key-with-pad-bits"]),
    (Peer::AltersAll, &[
        "length-0-text", "length-0-text-in-slivers", "length-1-text", "length-2-text", "length-125-text", "length-4294967301-text", "length-4294967301-binary",
        "mask-key-zero", "empty-text", "dollar", "nul", "nul-among-others", "last-of-1-byte",
        "code-1000", "body-of-2-bytes", "text-answered-before-close", "tcp-ends-with-close", "much-after-close",
        "round-trips-of-0-text", "round-trips-of-16-text", "round-trips-of-64-text",
    ]),
    (Peer::Stays, &[
        "server-ends-tcp", "client-ends-tcp", "half-close", "half-close-behind-text", "half-close-in-a-message", "half-close-in-a-frame",
        "half-close-in-a-header", "half-close-in-a-close",
    ]),
];

/// Peers about which rows say just this.
const WEAK: [(Peer, Outcome); 4] = [
    (Peer::Leaves, Outcome::Lenient),
    (Peer::JudgesLate, Outcome::Lenient),
    (Peer::HoldsPongs, Outcome::Lenient),
    (Peer::Pings, Outcome::Ok),
];

fn rows(examinee: Role) -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| case.is_for(examinee));
    assert!(cases.len() >= 900, "there are rows for a {examinee:?}");
    cases
}

/// Is about several connections, which [`together`] looks at.
fn is_of_several(case: &Case) -> bool {
    case.group == Group::Together || case.end == End::Unheard
}

/// What breaks a rule.
fn is_wrong(case: &Case) -> bool {
    matches!(case.end, End::Failed(_) | End::Refused(_))
}

fn has_to_answer(case: &Case) -> bool {
    let mut steps = case.script.iter();
    steps.any(|step| matches!(step, Step::Expect(_)))
}

fn has_answers(case: &Case) -> bool {
    let mut steps = case.script.iter();
    steps.any(|step| matches!(step, Step::Expect(_) | Step::Perhaps(_)))
}

fn is_plain(case: &Case) -> bool {
    PLAIN.iter().any(|(_, ids)| ids.contains(&&*case.id))
}

/// Who breaks a MUST has failed, whatever else may be said of it.
fn is_found(case: &Case, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::Timeout => true,
        Outcome::Lenient => case.level != Level::Must,
        Outcome::Ok | Outcome::NotApplicable => false,
    }
}

/// The rows whose outcome is another than is due.
fn others<E: Examinee>(
    cases: &[Case],
    jobs: usize,
    examinee: impl Fn() -> io::Result<E> + Sync,
    is_due: impl Fn(&Case, Outcome) -> bool + Send + Sync,
) -> Vec<(Case, String)> {
    let mut others = Vec::new();
    let told = |case: &Case, result: run::Result| {
        let verdict = result.verdict;
        if !is_due(case, verdict.outcome) {
            others.push((case.clone(), format!("{}: {verdict:?}", case.id)));
        }
    };
    run::run(cases, jobs, examinee, told).expect("the system has random bytes");
    others
}

fn words(rows: Vec<(Case, String)>) -> Vec<String> {
    rows.into_iter().map(|(_, words)| words).collect()
}

const NONE: [String; 0] = [];

/// All rows but those that send much, which take their time with a peer that takes it.
#[track_caller]
fn check_right<E: Examinee>(role: Role, examinee: impl Fn() -> io::Result<E> + Sync) {
    let mut cases = rows(role);
    cases.retain(|case| !case.is_heavy());
    let is_ok = |_: &Case, outcome| outcome == Outcome::Ok;
    assert_eq!(words(others(&cases, 4, examinee, is_ok)), NONE);
}

/// That a peer is found to be wrong in each of these.
#[track_caller]
fn check_wrong<E: Examinee>(mut cases: Vec<Case>, examinee: impl Fn() -> io::Result<E> + Sync) {
    assert!(!cases.is_empty(), "there are such rows");
    let mut last = others(&cases, JOBS, &examinee, is_found);
    for _ in 1..TRIES {
        cases.retain(|case| last.iter().any(|(other, _)| other.id == case.id));
        if cases.is_empty() {
            return;
        }
        let copies = cases
            .iter()
            .flat_map(|case| iter::repeat_n(case.clone(), COPIES));
        last = others(&copies.collect::<Vec<_>>(), JOBS, &examinee, is_found);
        // A row is found if one of its copies is.
        let missed: Vec<_> = last.iter().map(|(case, _)| case.id.clone()).collect();
        last.retain(|(case, _)| missed.iter().filter(|id| **id == case.id).count() == COPIES);
    }
    assert_eq!(words(last), NONE);
}

/// The rows that a peer is there for.
fn rows_of(peer: Peer, role: Role) -> Vec<Case> {
    let named = PLAIN.iter().find(|(of, _)| *of == peer);
    let mut cases = rows(role);
    cases.retain(|case| match peer {
        _ if is_of_several(case) => false,
        Peer::TakesAll => is_wrong(case),
        Peer::TakesLeast => !is_wrong(case) && !is_plain(case),
        Peer::FailsAll => case.end == End::Answered && !has_answers(case),
        Peer::Leaves => matches!(case.end, End::Failed(_)) && !has_to_answer(case),
        Peer::JudgesLate => case.script.iter().any(|step| matches!(step, Step::Early)),
        Peer::HoldsPongs => case.id == "ping-while-a-message-is-open",
        Peer::Pings => ["length-2-text", "ping-of-text"].contains(&&*case.id),
        Peer::AltersAll if has_answers(case) && !is_wrong(case) => !case.is_heavy(),
        _ => named.is_some_and(|(_, ids)| ids.contains(&&*case.id)),
    });
    cases
}

/// That just this is said of a peer in each of these.
#[track_caller]
fn check_weak<E: Examinee>(
    cases: &[Case],
    outcome: Outcome,
    examinee: impl Fn() -> io::Result<E> + Sync,
) {
    assert!(!cases.is_empty(), "there are such rows");
    let is_it = |_: &Case, other| other == outcome;
    assert_eq!(words(others(cases, JOBS, examinee, is_it)), NONE);
}

mod of_servers {
    use super::*;

    pub(super) fn target(address: SocketAddr, patience: Duration) -> Target {
        Target {
            url: Url::parse(&format!("ws://{address}{ECHO}")).expect("a URL"),
            addresses: vec![address],
            headers: Vec::new(),
            subprotocols: Vec::new(),
            host: None,
            patience,
            trust: Trust::default(),
        }
    }

    #[test]
    fn all_are_ok_with_this_server() {
        let server = plainws::Server::bind("127.0.0.1:0").expect("a free port");
        let address = server.local_addr().expect("an address");
        let handle = server.handle().expect("an address");
        let server = server
            .allow_origin("null".parse().expect("an origin"))
            .allow_origin("https://site.example:8443".parse().expect("an origin"))
            .allow_origin("x-extension://0123456789abcdef".parse().expect("an origin"))
            .route(ECHO, echo);
        let target = target(address, PATIENCE);
        thread::scope(|scope| {
            scope.spawn(|| server.serve());
            let checked = scope.spawn(|| check_right(Role::Server, || Server::new(&target)));
            let checked = checked.join();
            handle.shutdown();
            checked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    fn serve(peer: Peer) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        // For as long as the tests run.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || peer.serve(stream));
            }
        });
        address
    }

    #[track_caller]
    fn check(peer: Peer) {
        let target = target(serve(peer), NO_PATIENCE);
        check_wrong(rows_of(peer, Role::Server), || Server::new(&target));
    }

    #[test]
    fn of_one_that_is_weak_just_that_is_said() {
        for (peer, outcome) in WEAK {
            let target = target(serve(peer), SOME_PATIENCE);
            let cases = rows_of(peer, Role::Server);
            check_weak(&cases, outcome, || Server::new(&target));
        }
    }

    #[test]
    fn what_breaks_a_rule_is_not_ok_with_one_that_takes_all() {
        check(Peer::TakesAll);
    }

    #[test]
    fn what_is_legal_is_not_ok_with_one_that_takes_the_least() {
        check(Peer::TakesLeast);
    }

    #[test]
    fn what_is_to_be_ignored_is_not_ok_with_one_that_fails_all() {
        check(Peer::FailsAll);
    }

    #[test]
    fn what_is_answered_is_not_ok_with_one_that_refuses_alters_or_stays() {
        for (peer, _) in PLAIN {
            check(*peer);
        }
    }
}

mod of_clients {
    use super::*;

    /// Clients come from `dial`, one for each connection.
    struct Clients<D> {
        listener: TcpListener,
        dial: D,
        patience: Duration,
    }

    impl<D: Fn(SocketAddr) + Copy + Send + 'static> Clients<D> {
        fn new(dial: D, patience: Duration) -> io::Result<Self> {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            Ok(Self {
                listener,
                dial,
                patience,
            })
        }

        fn accept(&self) -> io::Result<TcpStream> {
            let (address, dial) = (self.listener.local_addr()?, self.dial);
            thread::spawn(move || dial(address));
            Ok(self.listener.accept()?.0)
        }
    }

    impl<D: Fn(SocketAddr) + Copy + Send + 'static> Examinee for Clients<D> {
        fn role(&self) -> Role {
            Role::Client
        }

        fn connect(&mut self) -> Result<Line, Stopped> {
            let stream = self.accept();
            let stream = stream.map_err(|error| Stopped::Unopened(error.to_string()))?;
            let line = listen::line(stream, PATIENCE);
            Ok(line.expect("the client asks for a connection"))
        }

        fn patience(&self) -> Duration {
            self.patience
        }
    }

    #[test]
    fn all_are_ok_with_this_client() {
        let dial = |address| {
            let ws = plainws::connect(&format!("ws://{address}{ECHO}"));
            // It is up to the judge what becomes of it.
            let _ = ws.and_then(|mut ws| echo(&mut ws));
        };
        check_right(Role::Client, || Clients::new(dial, PATIENCE));
    }

    #[track_caller]
    fn check(peer: Peer) {
        let dial = move |address| peer.connect(address);
        let cases = rows_of(peer, Role::Client);
        check_wrong(cases, || Clients::new(dial, NO_PATIENCE));
    }

    #[test]
    fn of_one_that_is_weak_just_that_is_said() {
        for (peer, outcome) in WEAK {
            let dial = move |address| peer.connect(address);
            let cases = rows_of(peer, Role::Client);
            check_weak(&cases, outcome, || Clients::new(dial, SOME_PATIENCE));
        }
    }

    #[test]
    fn what_breaks_a_rule_is_not_ok_with_one_that_takes_all() {
        check(Peer::TakesAll);
    }

    #[test]
    fn what_is_legal_is_not_ok_with_one_that_takes_the_least() {
        check(Peer::TakesLeast);
    }

    #[test]
    fn what_is_to_be_ignored_is_not_ok_with_one_that_fails_all() {
        check(Peer::FailsAll);
    }

    #[test]
    fn what_is_answered_is_not_ok_with_one_that_alters_or_stays() {
        check(Peer::AltersAll);
        check(Peer::Stays);
    }
}

#[test]
fn each_row_that_is_named_is_there() {
    let cases = all();
    for (_, ids) in PLAIN {
        for id in *ids {
            assert!(cases.iter().any(|case| case.id == *id), "{id}");
        }
    }
}

fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
    while let Some(message) = ws.receive()? {
        ws.send(message)?;
    }
    Ok(())
}
