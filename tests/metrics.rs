//! `/healthz` and `/metrics` of the program.

use crate::support::bytes::{CLOSE, TEXT, close_body, frame};
use crate::support::program::{Held, Process, Program};
use crate::support::raw::{PATIENCE, Raw, Response};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Index;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What `/metrics` says at a moment, which it says in the strict form of Prometheus' text format.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
    /// The type of each metric.
    pub(crate) kinds: BTreeMap<String, String>,
    /// The values by name and labels.
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    #[track_caller]
    pub(crate) fn of(address: SocketAddr) -> Self {
        let response = get(address, "/metrics");
        assert_eq!(response.status, 200);
        let content_type = response.header("Content-Type");
        assert_eq!(
            content_type,
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        Self::read(response.text())
    }

    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut scrape = Self::default();
        let mut about = String::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a name and a text");
                assert!(help.ends_with('.'), "a sentence: {help}");
                name.clone_into(&mut about);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a type");
                assert_eq!(name, about, "HELP and TYPE belong together");
                check_named_for(kind, name);
                let before = scrape.kinds.insert(name.into(), kind.into());
                assert_eq!(before, None, "{name} twice");
            } else {
                scrape.sample(&about, line);
            }
        }
        scrape
    }

    fn sample(&mut self, about: &str, line: &str) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let part = name.strip_prefix(about).unwrap_or("");
        let part = part.split('{').next().unwrap_or_default();
        let parts: &[&str] = match &*self.kinds[about] {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let is_its_own = name.starts_with(about) && parts.contains(&part);
        assert!(is_its_own, "samples stand under their type: {name}");
        let value = value.parse().expect("a number");
        let before = self.samples.insert(name.to_owned(), value);
        assert_eq!(before, None, "{name} twice");
    }

    /// The labels of a metric's samples but for `le`, which the buckets of all histograms have.
    pub(crate) fn labels(&self, metric: &str) -> Vec<&str> {
        let its_own = |name: &&String| name.split('{').next() == Some(metric);
        let sample = self.samples.keys().find(its_own);
        let labels = sample.and_then(|name| name.split_once('{'));
        let labels = labels.map_or("", |(_, labels)| labels).split(',');
        labels
            .filter_map(|label| Some(label.split_once('=')?.0))
            .filter(|label| *label != "le")
            .collect()
    }

    fn get(&self, sample: &str) -> Option<f64> {
        self.samples.get(sample).copied()
    }
}

impl Index<&str> for Scrape {
    type Output = f64;

    fn index(&self, sample: &str) -> &f64 {
        let value = self.samples.get(sample);
        value.unwrap_or_else(|| panic!("no {sample} in {:#?}", self.samples))
    }
}

/// Only what is counted is a total, and all names tell whose they are.
#[track_caller]
fn check_named_for(kind: &str, name: &str) {
    let kinds: &[_] = match name.ends_with("_total") {
        true => &["counter"],
        false => &["gauge", "histogram"],
    };
    assert!(kinds.contains(&kind), "{name}: {kind}");
    let is_ours = name.starts_with("plainws_");
    assert!(is_ours || name.starts_with("process_"), "{name}");
}

fn get(address: SocketAddr, path: &str) -> Response {
    let mut raw = Raw::connect(address);
    raw.send(format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ));
    raw.response()
}

/// Waits until a sample has this value: what a connection did is counted when it has ended.
#[track_caller]
fn wait_for(program: &Program, name: &str, value: f64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let scrape = Scrape::of(program.address);
        if scrape.get(name) == Some(value) {
            return;
        }
        assert!(Instant::now() < deadline, "{name} {value} in {scrape:#?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a Close and sees that it is answered and the connection ended.
fn close(raw: &mut Raw, code: u16) {
    raw.send_frame(CLOSE, close_body(code, b""));
    raw.expect_close(code);
    raw.expect_fin();
}

#[test]
fn health_is_ok() {
    let program = Program::serve(&[]);
    for path in ["/healthz", "/healthz/live"] {
        let response = get(program.address, path);
        assert_eq!((response.status, response.text()), (200, "ok\n"), "{path}");
    }
}

#[test]
fn metrics_move_with_what_happens() {
    let program = Program::serve(&[]);
    let before = Scrape::of(program.address);
    assert_eq!(before["plainws_websockets_open"], 0.0);
    assert_eq!(before["plainws_websockets_total"], 0.0);

    let mut raw = program.open("/echo");
    for _ in 0..3 {
        raw.send_frame(TEXT, "12345");
        raw.expect_frame(TEXT, "12345");
    }
    // An open connection counts already.
    let during = Scrape::of(program.address);
    assert_eq!(during["plainws_websockets_open"], 1.0);
    assert_eq!(during["plainws_websockets_total"], 1.0);
    assert!(during["plainws_connections_open"] >= 2.0, "{during:?}");
    assert_eq!(
        during[r#"plainws_messages_total{direction="received"}"#],
        3.0
    );
    assert_eq!(during[r#"plainws_messages_total{direction="sent"}"#], 3.0);
    // A client masks, so the echo receives more than it sends.
    let length = |role| 3.0 * frame(role, TEXT, b"12345").len() as f64;
    let received = r#"plainws_bytes_total{direction="received"}"#;
    assert_eq!(during[received], length(plainws::Role::Client));
    let sent = r#"plainws_bytes_total{direction="sent"}"#;
    assert_eq!(during[sent], length(plainws::Role::Server));

    close(&mut raw, 4001);
    drop(raw);
    get(program.address, "/nothing-here");
    wait_for(&program, r#"plainws_closes_total{code="4000-4999"}"#, 1.0);
    wait_for(&program, "plainws_websockets_open", 0.0);
    // The clock ignores what it is told, so here as well the directions differ.
    let mut clock = program.open("/clock");
    clock.send(
        "12345"
            .split("")
            .map(|text| frame(plainws::Role::Client, TEXT, text.as_bytes()))
            .collect::<Vec<_>>()
            .concat(),
    );
    clock.send_frame(CLOSE, close_body(1000, b""));
    let mut ticks = 0.0;
    while clock.frame().0 == TEXT {
        ticks += 1.0;
    }
    clock.expect_fin();
    drop(clock);
    wait_for(&program, r#"plainws_closes_total{code="1000"}"#, 1.0);
    let after = Scrape::of(program.address);
    let messages =
        |direction| after[&format!("plainws_messages_total{{direction=\"{direction}\"}}")];
    assert_eq!(messages("received"), 3.0 + 7.0);
    assert_eq!(messages("sent"), 3.0 + ticks);
    assert_eq!(after[r#"plainws_responses_total{status="404"}"#], 1.0);
    assert_eq!(
        after[r#"plainws_refusals_total{reason="path-unknown"}"#],
        1.0
    );
    assert!(after["plainws_connections_total"] > before["plainws_connections_total"]);
    assert_eq!(after["plainws_tls_failures_total"], 0.0, "there is no TLS");
    wait_for(&program, "plainws_connections_open", 1.0);
}

#[test]
fn the_version_and_the_limits_are_told() {
    let limits = ["--max-connections", "7", "--max-memory", "3M"];
    let scrape = Scrape::of(Program::serve(&limits).address);
    let version = env!("CARGO_PKG_VERSION");
    let info = format!("plainws_build_info{{version=\"{version}\"}}");
    assert_eq!(scrape[&info], 1.0);
    assert_eq!(scrape["plainws_max_connections"], 7.0);
    assert_eq!(scrape["plainws_max_memory_bytes"], 3.0 * 1024.0 * 1024.0);
}

/// Of a count that appears when it is 1, Prometheus cannot tell that it has grown.
#[test]
fn what_alarms_are_about_is_counted_from_0_on() {
    let scrape = Scrape::of(Program::serve(&[]).address);
    for sample in [
        r#"plainws_closes_total{code="1006"}"#,
        r#"plainws_refusals_total{reason="too-many-connections"}"#,
        r#"plainws_refusals_total{reason="too-many-of-address"}"#,
        r#"plainws_refusals_total{reason="no-descriptor"}"#,
        r#"plainws_refusals_total{reason="no-thread"}"#,
        "plainws_memory_refusals_total",
        "plainws_handler_panics_total",
        "plainws_tls_failures_total",
        "plainws_accept_failures_total",
    ] {
        assert_eq!(scrape[sample], 0.0, "{sample}");
    }
}

#[test]
fn a_refusal_for_want_of_room_counts_where_the_alarms_look() {
    let program = Program::serve(&["--max-connections", "1"]);
    let _only = program.open("/echo");
    assert_eq!(get(program.address, "/").status, 503);
    let sample = r#"plainws_refusals_total{reason="too-many-connections"}"#;
    wait_for(&program, sample, 1.0);
}

#[test]
fn a_server_that_drains_is_not_ready() {
    let program = Program::serve(&["--drain", "1000"]);
    assert_eq!(Scrape::of(program.address)["plainws_ready"], 1.0);
    program.process.signal("TERM");
    wait_for(&program, "plainws_ready", 0.0);
}

#[test]
fn connections_that_have_ended_are_counted_by_how_long_they_were_there() {
    const TIMES: &str = "plainws_websocket_duration_seconds";
    let program = Program::serve(&[]);
    let began = Instant::now();
    let mut longer = program.open("/clock");
    for _ in 0..3 {
        assert_eq!(longer.frame().0, TEXT);
    }
    let at_least = 1.0;
    drop(longer);
    let open = program.open("/echo");
    let count = format!("{TIMES}_count");
    wait_for(&program, &count, 1.0);
    let scrape = Scrape::of(program.address);
    let sum = scrape[&format!("{TIMES}_sum")];
    let at_most = began.elapsed().as_secs_f64();
    assert!((at_least..=at_most).contains(&sum), "{sum}");
    let bucket = |bound: &str| scrape[&format!("{TIMES}_bucket{{le=\"{bound}\"}}")];
    assert_eq!(bucket("1"), 0.0);
    assert_eq!((bucket("3600"), bucket("+Inf")), (1.0, 1.0));
    drop(open);
    wait_for(&program, &count, 2.0);
}

/// What a process takes, as Linux tells it of any.
#[test]
#[cfg(target_os = "linux")]
fn of_the_process_is_told_what_the_system_tells() {
    let seconds = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH);
        since.expect("the clock is set").as_secs_f64()
    };
    let before = seconds(SystemTime::now());
    let program = Program::serve(&[]);
    let after = seconds(SystemTime::now());
    let held = || Held::by(program.process.id()).expect("Linux tells");
    let mut clocks: Vec<_> = (0..50).map(|_| program.open("/clock")).collect();
    for clock in &mut clocks {
        assert_eq!(clock.frame().0, TEXT);
    }
    let scrape = Scrape::of(program.address);
    // The one that asked may be gone again, with what it had.
    let now = held();
    for (name, counted) in [
        ("process_threads", now.threads),
        ("process_open_fds", now.descriptors),
    ] {
        let told = scrape[name];
        assert!(
            (told - counted as f64).abs() <= 3.0,
            "{name} {told}: {now:?}"
        );
    }
    assert!(scrape["process_threads"] > 50.0);
    assert!(scrape["process_open_fds"] > 50.0);
    let resident = scrape["process_resident_memory_bytes"];
    let peak = (held().peak_kibibytes * 1024) as f64;
    assert!((1e6..=peak).contains(&resident), "{resident} {peak}");
    assert!(scrape["process_virtual_memory_bytes"] > resident);
    let used = scrape["process_cpu_seconds_total"];
    let at_most = (held().ticks + 2) as f64 / 100.0;
    assert!(used > 0.0 && used <= at_most, "{used} {at_most}");
    let started = scrape["process_start_time_seconds"];
    assert!((before..=after).contains(&started), "{started}");
}

#[test]
#[cfg(target_os = "linux")]
fn where_the_system_allows_fewer_that_many_are_told() {
    let program = env!("CARGO_BIN_EXE_plainws");
    let line = format!("ulimit -n 64 && exec {program} --addr 127.0.0.1:0");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]);
    let program = Program::of(Process::start(&mut shell).expect("there is a shell"));
    let allowed: f64 = program.process.stderr.wait_for("a warning", |said| {
        let (_, rest) = said.split_once("takes ")?;
        rest.split(' ').next()?.parse().ok()
    });
    let scrape = Scrape::of(program.address);
    assert!(allowed < 64.0);
    assert_eq!(scrape["plainws_max_connections"], allowed);
    assert_eq!(scrape["process_max_fds"], 64.0);
}
