//! What `examples/deploy` and `docs/monitoring.md` have for those who watch a server is about the metrics that it has:
//! the configuration of Prometheus, alerts, and the dashboard. The programs of Prometheus say so too, where they are
//! installed.

use crate::metrics::Scrape;
use crate::support::bytes::{CLOSE, TEXT, close_body};
use crate::support::process::Process;
use crate::support::program::Program;
use crate::support::raw::{PATIENCE, Raw};
use crate::support::skip;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const DASHBOARD: &str = include_str!("../examples/deploy/grafana.json");
const ALERTS: &str = include_str!("../examples/deploy/alerts.yaml");
const ALERTS_TEST: &str = include_str!("../examples/deploy/alerts-test.yaml");
const CONFIGURATION: &str = include_str!("../examples/deploy/prometheus.yaml");
const PAGE: &str = include_str!("../docs/monitoring.md");

/// The program, after something has happened that each metric counts, so that each has a sample.
fn with_traffic(arguments: &[&str]) -> Program {
    let program = Program::serve(arguments);
    talk(&program);
    program
}

fn talk(program: &Program) {
    let mut echo = program.open("/echo");
    echo.send_frame(TEXT, "Hello");
    echo.expect_frame(TEXT, "Hello");
    echo.send_frame(CLOSE, close_body(1000, b""));
    echo.expect_close(1000);
    echo.expect_fin();
    let mut refused = program.connect();
    refused.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(refused.response().status, 404);
    refused.expect_fin();
}

fn scrape() -> Scrape {
    let program = with_traffic(&[]);
    // What a response counts as is there once it has been sent.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let scrape = Scrape::of(program.address);
        let is_counted = |metric: &&str| !scrape.labels(metric).is_empty();
        let counted = ["plainws_responses_total", "plainws_refusals_total"];
        if counted.iter().all(is_counted) {
            return scrape;
        }
        assert!(Instant::now() < deadline, "{scrape:#?}");
    }
}

/// The metrics that a text names, such as `plainws_ready`.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words
        .filter(|word| word.starts_with("plainws_") || word.starts_with("process_"))
        .collect()
}

/// A histogram's series are called after it.
fn metric(series: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    let bare = suffixes
        .iter()
        .find_map(|suffix| series.strip_suffix(suffix));
    bare.unwrap_or(series)
}

/// The cells of the rows of a table of the page, of those whose first cell begins so.
fn rows(first: &str) -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = rows.map(|row| {
        row.trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect()
    });
    rows.filter(|row: &Vec<&str>| row[0].starts_with(first))
        .collect()
}

mod the_page {
    use super::*;

    #[test]
    fn lists_each_metric_with_its_type_and_label() {
        if !cfg!(target_os = "linux") {
            return skip(
                "the list of metrics",
                "only Linux tells of a process",
                "PLAINWS_LINUX",
            );
        }
        let scrape = scrape();
        let told = scrape.kinds.iter().map(|(name, kind)| {
            let labels = scrape.labels(name).into_iter();
            let labels: Vec<_> = labels.map(|label| format!("`{label}`")).collect();
            (format!("`{name}`"), kind.clone(), labels.join(", "))
        });
        let listed = [rows("`plainws_"), rows("`process_")].concat();
        let listed = listed.iter().map(|row| {
            let [name, kind, label, text] = row[..] else {
                panic!("a row has four cells: {row:?}");
            };
            assert!(!text.is_empty(), "{name}");
            (name.to_owned(), kind.to_owned(), label.to_owned())
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort();
        assert_eq!(listed, told.collect::<Vec<_>>());
    }

    #[test]
    fn lists_each_alert_with_its_severity_in_the_order_of_the_file() {
        let listed: Vec<_> = rows("`Plainws")
            .iter()
            .map(|row| (row[0].trim_matches('`'), row[1]))
            .collect();
        assert_eq!(listed, alerts());
    }

    #[test]
    fn names_no_metric_that_is_not_there() {
        check_named("docs/monitoring.md", PAGE);
    }
}

/// The alerts with their severities, in their order.
fn alerts() -> Vec<(&'static str, &'static str)> {
    let rules = ALERTS.split("- alert: ").skip(1);
    let rules = rules.map(|rule| {
        let (name, rest) = rule.split_once('\n').expect("it has more lines");
        let (_, severity) = rest.split_once("severity: ").expect("it has one");
        (name, severity.split('}').next().unwrap_or_default())
    });
    rules.collect()
}

#[track_caller]
fn check_named(place: &str, text: &str) {
    let scrape = scrape();
    let named = named(text);
    for series in &named {
        // A part of a name stands for several.
        let is_there = scrape.kinds.contains_key(metric(series)) || series.ends_with('_');
        let is_elsewhere = !cfg!(target_os = "linux") && series.starts_with("process_");
        assert!(is_there || is_elsewhere, "{place} names {series}");
    }
    assert!(named.len() > 5, "{place}: {named:?}");
}

mod the_alerts {
    use super::*;

    #[test]
    fn are_about_metrics_that_there_are() {
        check_named("alerts.yaml", ALERTS);
        check_named("alerts-test.yaml", ALERTS_TEST);
    }

    #[test]
    fn say_what_to_do_and_are_tried_each() {
        let alerts = alerts();
        assert!(alerts.len() > 10, "{alerts:?}");
        for (name, severity) in &alerts {
            assert!(["critical", "warning"].contains(severity), "{name}");
            let tried = format!("alertname=\"{name}\", alertstate=\"firing\"");
            assert!(ALERTS_TEST.contains(&tried), "nothing tries {name}");
        }
        for part in [" summary: \"", " description: >-\n", " expr: "] {
            assert_eq!(ALERTS.matches(part).count(), alerts.len(), "{part}");
        }
    }

    /// Everybody has a process: those of other jobs are none of our business.
    #[test]
    fn are_about_no_other_program() {
        for series in named(ALERTS) {
            if series.starts_with("process_") {
                let ours = format!("{series}{{job=\"plainws\"}}");
                let expressions = ALERTS.lines().filter(|line| line.contains("expr: "));
                let expressions: String = expressions.collect();
                let count = |part: &str| expressions.matches(part).count();
                assert_eq!(count(series), count(&ours), "{series}");
            }
        }
        assert!(ALERTS.contains("up{job=\"plainws\"}"));
        assert!(CONFIGURATION.contains("job_name: plainws\n"));
    }
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).expect("it is JSON")
}

fn list<'a>(value: &'a Value, path: &str) -> &'a Vec<Value> {
    let list = value.pointer(path).and_then(Value::as_array);
    list.unwrap_or_else(|| panic!("no list at {path}"))
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    let text = value.pointer(path).and_then(Value::as_str);
    let text = text.unwrap_or_else(|| panic!("no text at {path} of {value}"));
    assert!(!text.is_empty(), "{path}");
    text
}

/// The panels that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = list(dashboard, "/panels").iter();
    panels.filter(|panel| panel["type"] != "row").collect()
}

/// What is asked of Prometheus, with the panel.
fn expressions(dashboard: &Value) -> Vec<(&str, &str)> {
    let panels = panels(dashboard).into_iter();
    let expressions = panels.flat_map(|panel| {
        let targets = list(panel, "/targets").iter();
        targets.map(|target| (text(panel, "/title"), text(target, "/expr")))
    });
    expressions.collect()
}

mod the_dashboard {
    use super::*;

    #[test]
    fn is_about_metrics_that_there_are() {
        check_named("grafana.json", DASHBOARD);
    }

    /// Whoever adds a metric may want to see it.
    #[test]
    fn shows_every_metric() {
        let dashboard = dashboard();
        let shown: BTreeSet<_> = expressions(&dashboard)
            .iter()
            .flat_map(|(_, expression)| named(expression))
            .map(metric)
            .collect();
        for name in scrape().kinds.keys() {
            assert!(shown.contains(name.as_str()), "{name} is not shown");
        }
    }

    #[test]
    fn has_panels_with_a_title_a_description_and_a_unit() {
        // As Grafana calls them.
        let units = [
            "short",
            "cps",
            "reqps",
            "mps",
            "Bps",
            "bytes",
            "s",
            "percentunit",
        ];
        let dashboard = dashboard();
        let panels = panels(&dashboard);
        assert!(panels.len() > 20, "{} panels", panels.len());
        for panel in panels {
            let title = text(panel, "/title");
            text(panel, "/description");
            let unit = text(panel, "/fieldConfig/defaults/unit");
            assert!(units.contains(&unit), "{title}: {unit}");
            assert_eq!(text(panel, "/datasource/uid"), "${datasource}", "{title}");
            for target in list(panel, "/targets") {
                assert_eq!(text(target, "/datasource/uid"), "${datasource}", "{title}");
                text(target, "/legendFormat");
            }
        }
    }

    #[test]
    fn asks_only_for_the_instances_that_are_chosen() {
        const CHOSEN: &str = "job=~\"$job\", instance=~\"$instance\"}";
        let dashboard = dashboard();
        for (title, expression) in expressions(&dashboard) {
            let selectors = expression.matches('{').count();
            assert!(selectors > 0, "{title}: {expression}");
            assert_eq!(
                expression.matches(CHOSEN).count(),
                selectors,
                "{title}: {expression}"
            );
        }
        let variables = list(&dashboard, "/templating/list").iter();
        let variables: Vec<_> = variables.map(|variable| text(variable, "/name")).collect();
        assert_eq!(variables, ["datasource", "job", "instance"]);
    }

    #[test]
    fn has_a_place_for_each_panel() {
        let dashboard = dashboard();
        let mut taken = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for panel in list(&dashboard, "/panels") {
            let title = text(panel, "/title");
            assert!(
                ids.insert(panel["id"].as_u64()),
                "the id of {title} is another's"
            );
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|part| {
                let part = panel["gridPos"][part].as_u64();
                part.expect("each has a place")
            });
            assert!(w > 0 && h > 0 && x + w <= 24, "{title}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                let other = taken.insert(cell, title);
                assert_eq!(other, None, "{title} is over another");
            }
        }
    }
}

fn is_installed(tests: &str) -> bool {
    let has = |program: &str| {
        let asked = Command::new(program).arg("--version").output();
        asked.is_ok_and(|said| said.status.success())
    };
    let is_installed = has("promtool") && has("prometheus");
    if !is_installed {
        skip(tests, "Prometheus is not installed", "PLAINWS_PROMTOOL");
    }
    is_installed
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy")
}

mod promtool {
    use super::*;

    #[track_caller]
    fn check_approves(arguments: &[&str], input: &str) {
        let mut tool = Command::new("promtool");
        tool.args(arguments).current_dir(folder());
        tool.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut tool = tool.spawn().expect("it is installed");
        let mut stdin = tool.stdin.take().expect("it is a pipe");
        stdin.write_all(input.as_bytes()).expect("it reads all");
        drop(stdin);
        let said = tool.wait_with_output().expect("it ends");
        let words =
            [said.stdout, said.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
        assert!(said.status.success(), "{arguments:?}: {words:?}");
        // It warns without failing.
        assert!(
            !words.concat().to_lowercase().contains("warn"),
            "{arguments:?}: {words:?}"
        );
    }

    #[test]
    fn finds_nothing_to_say_against_the_metrics() {
        if !is_installed("promtool's check of the metrics") {
            return;
        }
        let program = with_traffic(&[]);
        let mut raw = program.connect();
        raw.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let metrics = raw.response();
        check_approves(&["check", "metrics"], metrics.text());
    }

    #[test]
    fn takes_the_configuration_and_the_alerts_which_fire_when_they_should() {
        if !is_installed("promtool's check of the alerts") {
            return;
        }
        check_approves(&["check", "config", "prometheus.yaml"], "");
        check_approves(&["check", "rules", "alerts.yaml"], "");
        check_approves(&["test", "rules", "alerts-test.yaml"], "");
    }
}

/// The real one, with the configuration as it stands but for the addresses, and with seconds for its quarters of a minute.
struct Prometheus {
    _process: Process,
    address: SocketAddr,
    folder: PathBuf,
}

impl Prometheus {
    fn watching(programs: &[&Program; 2]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("plainws-prometheus-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("there is room");
        let [one, other] = programs.map(|program| program.address.to_string());
        let changes = [
            ("127.0.0.1:8001", &*one),
            ("127.0.0.1:8002", &other),
            (" 15s", " 1s"),
        ];
        let mut configuration = CONFIGURATION.to_owned();
        for (from, to) in changes {
            assert!(configuration.contains(from), "{from}");
            configuration = configuration.replace(from, to);
        }
        let write =
            |name: &str, text: &str| fs::write(folder.join(name), text).expect("there is room");
        write("prometheus.yaml", &configuration);
        write("alerts.yaml", ALERTS);
        let mut command = Command::new("prometheus");
        command.current_dir(&folder);
        command.args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data"]);
        command.arg("--web.listen-address=127.0.0.1:0");
        let process = Process::start(&mut command).expect("it is installed");
        let address = process.stderr.wait_for("its address", |said| {
            // Until it is ready it answers with 503.
            let is_ready = said.contains("Server is ready to receive web requests");
            let (_, rest) = said.split_once("msg=\"Listening on\" address=")?;
            let address = rest.split_whitespace().next()?.parse().ok()?;
            is_ready.then_some(address)
        });
        Self {
            _process: process,
            address,
            folder,
        }
    }

    /// What it answers to a question about now.
    fn ask(&self, expression: &str) -> Vec<Value> {
        let expression: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let answer = self.get(&format!("/api/v1/query?query={expression}"));
        assert_eq!(answer["status"], "success", "{answer}");
        list(&answer, "/data/result").clone()
    }

    fn get(&self, path: &str) -> Value {
        let mut raw = Raw::connect(self.address);
        // Of HTTP/1.0 it answers in one piece.
        raw.send(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"));
        let answer = raw.until_end();
        let end = crate::support::raw::head_end(&answer).expect("it has a head");
        serde_json::from_slice(&answer[end..]).expect("it is JSON")
    }

    #[track_caller]
    fn wait_until(&self, expression: &str) {
        let deadline = Instant::now() + 2 * PATIENCE;
        while self.ask(expression).is_empty() {
            assert!(Instant::now() < deadline, "not so: {expression}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_real_prometheus_answers_what_the_dashboard_asks_and_sees_a_drain() {
    if !is_installed("the dashboard's questions to Prometheus") {
        return;
    }
    let programs = [&with_traffic(&["--drain", "1000"]), &with_traffic(&[])];
    let prometheus = Prometheus::watching(&programs);
    // A count is seen to grow when it was asked for before and after.
    prometheus.wait_until("count(plainws_refusals_total{reason=\"path-unknown\"}) == 2");
    programs.into_iter().for_each(talk);
    let closed = "increase(plainws_closes_total{code=\"1000\"}[5m]) > 0";
    prometheus.wait_until(&format!("count({closed}) == 2"));
    prometheus.wait_until(
        "count(increase(plainws_refusals_total{reason=\"path-unknown\"}[5m]) > 0) == 2",
    );

    let dashboard = dashboard();
    for (title, expression) in expressions(&dashboard) {
        let asked = expression
            .replace("$__rate_interval", "5m")
            .replace("$job", "plainws")
            .replace("$instance", ".*");
        assert!(
            !prometheus.ask(&asked).is_empty(),
            "{title}: {asked} finds nothing"
        );
    }
    let rules = prometheus.get("/api/v1/rules");
    let rules = list(&rules, "/data/groups/0/rules");
    assert_eq!(rules.len(), alerts().len());
    for rule in rules {
        assert_eq!(
            (&rule["health"], &rule["state"]),
            (&"ok".into(), &"inactive".into()),
            "{rule}"
        );
    }

    programs[0].process.signal("TERM");
    prometheus.wait_until("plainws_ready == 0");
    prometheus.wait_until("ALERTS{alertname=\"PlainwsDrainsTooLong\", alertstate=\"pending\"}");
}
