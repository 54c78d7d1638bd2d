//! `plainws check --listen`: clients are examined at the paths of the old suite.

use crate::support::program::{Process, is_heeded, run as start};
use crate::support::raw::{KEY, Raw, upgrade_request};
use crate::support::run::check_fit_for_a_terminal;
use plainws::{Message, WebSocket};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::thread;

/// An examination that waits for clients.
struct Examination {
    process: Process,
    address: SocketAddr,
}

impl Examination {
    fn start(arguments: &[&str]) -> Self {
        let listen = ["check", "--listen", "127.0.0.1:0"];
        let process = start(&[&listen, arguments].concat());
        let address = process.stderr.wait_for("address", |text| {
            let (_, url) = text.split_once("http://")?;
            url.split_once('/')?.0.parse().ok()
        });
        Self { process, address }
    }

    fn connect(&self, target: &str) -> WebSocket {
        plainws::connect(&format!("ws://{}{target}", self.address)).expect("it is opened")
    }

    /// What it says there before it closes.
    fn told(&self, target: &str) -> String {
        let ws = self.connect(target);
        let text = match ws.receive() {
            Ok(Some(Message::Text(text))) => text,
            other => panic!("a text, not {other:?}"),
        };
        let end = ws.receive();
        assert!(matches!(end, Ok(None)), "{end:?}");
        text.to_string()
    }

    fn json(&self, target: &str) -> Value {
        serde_json::from_str(&self.told(target)).expect("it is JSON")
    }

    /// As a client does that knows nothing of the cases.
    fn play(&self, case: &str, agent: &str) {
        let url = format!("ws://{}/runCase?{case}&agent={agent}", self.address);
        let Ok(ws) = plainws::connect(&url) else {
            return;
        };
        while let Ok(Some(message)) = ws.receive() {
            if ws.send(message).is_err() {
                return;
            }
        }
    }

    /// Asks for the report, and waits until it is written.
    fn finish(&self, agent: &str) {
        let end = self
            .connect(&format!("/updateReports?agent={agent}"))
            .receive();
        assert!(matches!(end, Ok(None)), "{end:?}");
    }

    /// The exit code, once it has ended, and what it said.
    fn end(mut self) -> (Option<i32>, String, String) {
        let code = self.process.wait().code();
        (
            code,
            self.process.stdout.whole(),
            self.process.stderr.whole(),
        )
    }

    fn request(&self, request: &str) -> Raw {
        let mut raw = Raw::connect(self.address);
        raw.send(request);
        raw
    }
}

/// A folder for reports, removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        let name = format!("plainws-check-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a new folder");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("it is text").to_owned()
    }

    fn json(&self, name: &str) -> Value {
        let bytes = fs::read(self.0.join(name)).expect("it was written");
        serde_json::from_slice(&bytes).expect("it is JSON")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

mod cases {
    use super::*;

    #[test]
    fn have_the_old_numbers_first_in_their_order() {
        let examination = Examination::start(&[]);
        let count: usize = examination.told("/getCaseCount").parse().expect("a number");
        assert!(count > 301, "{count}");
        for (number, id) in [(1, "1.1.1"), (17, "2.1"), (26, "2.10"), (301, "10.1.1")] {
            let info = examination.json(&format!("/getCaseInfo?case={number}"));
            assert_eq!(info["id"], id);
            assert!(info["description"].is_string());
        }
        let first_of_ours = examination.json("/getCaseInfo?case=302");
        let id = first_of_ours["id"].as_str().expect("text");
        assert!(id.starts_with(|c: char| c.is_ascii_lowercase()), "{id}");
        for outside in ["0", "-1", "x", "99999", &(count + 1).to_string()] {
            let mut raw =
                examination.request(&upgrade_request(&format!("/runCase?case={outside}")));
            let refused = raw.response();
            assert_eq!(refused.status, 404);
            assert!(refused.text().contains(&count.to_string()), "{refused:?}");
        }
    }

    #[test]
    fn that_are_chosen_are_numbered_without_the_others() {
        let examination = Examination::start(&[
            "--only",
            "old/1.2",
            "--only",
            "old/2.1",
            "--skip",
            "old/1.2.2",
        ]);
        assert_eq!(examination.told("/getCaseCount"), "8");
        let id = |query: &str| examination.json(&format!("/getCaseInfo?{query}"))["id"].clone();
        assert_eq!(
            (id("case=1"), id("case=2")),
            ("1.2.1".into(), "1.2.3".into())
        );
        assert_eq!(id("casetuple=2.1"), "2.1");
    }
}

mod a_client {
    use super::*;

    #[test]
    fn that_is_ours_passes_all_but_the_load_strictly() {
        let arguments = [
            "--strict",
            "--skip",
            "load",
            "--exit-after",
            "--agent",
            "ours",
        ];
        let examination = Examination::start(&arguments);
        let count: usize = examination.told("/getCaseCount").parse().expect("a number");
        let next = AtomicUsize::new(1);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)))
                        .take_while(|number| *number <= count)
                    {
                        examination.play(&format!("case={number}"), "ours");
                    }
                });
            }
        });
        examination.finish("ours");
        let (code, told, said) = examination.end();
        check_fit_for_a_terminal(&told);
        assert_eq!(code, Some(0), "{told}{said}");
        assert!(
            said.contains(&format!("ours has played {count} of {count} cases")),
            "{said}"
        );
        assert!(
            told.contains("\npassed: ") && !told.contains("failed"),
            "{told}"
        );
    }

    #[test]
    fn with_a_broken_request_is_refused_and_fails_the_case_by_its_rules() {
        let folder = Folder::new();
        let json = folder.path("report.json");
        let examination = Examination::start(&["--exit-after", "--json", &json]);
        let request = upgrade_request("/runCase?case=1&agent=bad");
        for (case, request, status, rules) in [
            (
                1,
                request.replace(KEY, "c2hvcnQ="),
                400,
                &["key-invalid"][..],
            ),
            (
                2,
                request.replace("Version: 13", "Version: 8"),
                426,
                &["version-not-13"],
            ),
            (3, request.replace("GET", "POST"), 405, &["method-not-get"]),
            (
                4,
                request.replace("Host: localhost\r\n", ""),
                400,
                &["host-invalid"],
            ),
            (
                5,
                request.replace("Upgrade: websocket", "Upgrade : websocket"),
                400,
                &["header-malformed"],
            ),
            (
                6,
                request
                    .replace("Connection: Upgrade", "a: b")
                    .replace(KEY, "k"),
                400,
                &["connection-upgrade-missing", "key-invalid"],
            ),
        ] {
            let request = request.replace("case=1&", &format!("case={case}&"));
            let mut raw = examination.request(&request);
            let refused = raw.response();
            assert_eq!(refused.status, status, "{rules:?}: {refused:?}");
            assert!(refused.text().contains(rules[0]), "{refused:?}");
            let status = examination.json(&format!("/getCaseStatus?case={case}&agent=bad"));
            assert_eq!(status["behavior"], "FAILED");
        }
        examination.play("case=7", "bad");
        examination.finish("bad");
        let (code, told, _) = examination.end();
        check_fit_for_a_terminal(&told);
        assert_eq!(code, Some(1));
        assert!(told.contains("its request breaks key-invalid"), "{told}");
        let report = folder.json("report.json");
        assert_eq!(report["counts"]["failed"], 6);
        assert_eq!(report["counts"]["ok"], 1);
        let why = report["cases"][5]["why"].as_str().expect("text");
        assert!(
            why.contains("connection-upgrade-missing") && why.contains("key-invalid"),
            "{why}"
        );
    }

    #[test]
    fn that_says_nothing_drips_floods_or_leaves_hinders_no_other() {
        let arguments = [
            "--only",
            "old/1.1",
            "--only",
            "old/2.1",
            "--timeout",
            "1",
            "--exit-after",
        ];
        let examination = Examination::start(&arguments);
        let silent: Vec<_> = (0..10).map(|_| Raw::connect(examination.address)).collect();
        let mut drips = Raw::connect(examination.address);
        drips.send("GET /runCase?ca");
        let mut floods = Raw::open(examination.address, "/runCase?case=1&agent=flood");
        let flood =
            thread::spawn(move || while floods.try_send([0x8A, 0x80, 0, 0, 0, 0]).is_ok() {});
        drop(Raw::open(
            examination.address,
            "/runCase?case=2&agent=flood",
        ));
        examination.play("case=1", "good");
        flood.join().expect("it is cut");
        for (agent, case, behaviour) in [
            ("good", 1, "OK"),
            ("flood", 1, "FAILED"),
            ("flood", 2, "FAILED"),
            ("good", 2, "UNIMPLEMENTED"),
        ] {
            let status = examination.json(&format!("/getCaseStatus?case={case}&agent={agent}"));
            assert_eq!(status["behavior"], behaviour, "{agent} {case}");
        }
        examination.finish("good");
        let (code, told, said) = examination.end();
        // The other has its report too, without asking for it.
        assert_eq!(code, Some(1), "{told}{said}");
        assert!(said.contains("flood has played 2 of"), "{said}");
        drop(silent);
    }

    #[test]
    fn is_told_how_a_case_went_once_it_has_been_played() {
        let examination = Examination::start(&["--only", "old/1.1", "--timeout", "0.5"]);
        let silent = Raw::open(examination.address, "/runCase?case=1&agent=a");
        let status = examination.json("/getCaseStatus?case=1&agent=a");
        assert_eq!(status["behavior"], "FAILED");
        silent.send_fin();
    }

    #[test]
    fn that_played_nothing_has_passed_nothing() {
        let examination = Examination::start(&["--exit-after"]);
        examination.finish("idle");
        let (code, told, said) = examination.end();
        assert_eq!((code, &*told), (Some(3), ""));
        assert!(
            said.contains("idle asks for its report, and has played no case"),
            "{said}"
        );
    }

    #[test]
    fn that_never_asks_for_its_report_has_it_at_the_end() {
        if !is_heeded(2) {
            return;
        }
        let examination = Examination::start(&["--only", "old/1.1"]);
        examination.play("case=1", "forgetful");
        let status = examination.json("/getCaseStatus?case=1&agent=forgetful");
        assert_eq!(status["behavior"], "OK");
        examination.process.signal("INT");
        let (code, told, said) = examination.end();
        assert_eq!(code, Some(0), "{told}{said}");
        assert!(said.contains("forgetful has played 1 of"), "{said}");
        assert!(told.contains("passed: 1 ok"), "{told}");
    }
}

#[test]
fn several_clients_have_a_report_each() {
    let folder = Folder::new();
    let (json, directory) = (folder.path("report.json"), folder.path("old"));
    let examination = Examination::start(&[
        "--only",
        "old/1.1",
        "--json",
        &json,
        "--autobahn",
        &directory,
    ]);
    let agents = ["a", "b", "a%2Fb%20c", "%D0%B6", "%E2%80%AE%D1%8F"];
    for (case, agent) in (1..).zip(agents) {
        for case in 1..=case {
            examination.play(&format!("case={case}"), agent);
        }
    }
    for agent in agents {
        examination.finish(agent);
    }
    for (file, agent, count) in [
        ("report.json", "a", 1),
        ("report-b.json", "b", 2),
        ("report-a_b_c.json", "a/b c", 3),
        ("report-u436.json", "ж", 4),
        ("report-u44f.json", "я", 5),
    ] {
        let report = folder.json(file);
        assert_eq!(report["examinee"], agent);
        assert_eq!(
            report["cases"].as_array().map(Vec::len),
            Some(count),
            "{agent}"
        );
        let index = folder.json("old/index.json");
        let old = index[agent].as_object().expect("its cases");
        assert_eq!(old.len(), count, "{agent}");
        assert_eq!(old["1.1.1"]["behavior"], "OK");
    }
    // Once more, after the report: this is another examination.
    examination.play("case=1", "b");
    examination.finish("b");
    assert_eq!(
        folder.json("report-b.json")["cases"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

mod what_is_no_client {
    use super::*;

    fn get(method: &str, target: &str, host: &str) -> String {
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    }

    #[test]
    fn is_answered_as_http_has_it() {
        let examination = Examination::start(&["--only", "old/1.1"]);
        for (method, target, host, status) in [
            ("GET", "/", "localhost", 200),
            ("GET", "/cases", "127.0.0.1:9001", 200),
            ("GET", "/results?agent=a", "[::1]:80", 200),
            ("GET", "/favicon.ico", "localhost", 404),
            ("GET", "/runCase?case=1", "localhost", 426),
            ("GET", "/getCaseCount", "localhost", 426),
            ("POST", "/", "localhost", 405),
            ("GET", "/", "example.com", 421),
            ("GET", "/cases", "localhost.example.com", 421),
            ("GET", "/", "a b", 400),
        ] {
            let answer = examination.request(&get(method, target, host)).response();
            assert_eq!(
                answer.status, status,
                "{method} {target} {host}: {answer:?}"
            );
            assert_eq!(
                answer
                    .header("Connection")
                    .map(|value| value.starts_with("close")),
                Some(true)
            );
            assert!(
                answer
                    .header("Date")
                    .is_some_and(|date| date.ends_with(" GMT"))
            );
            assert_eq!(answer.header("Allow").is_some(), status == 405);
            assert_eq!(
                answer.header("Sec-WebSocket-Version").is_some(),
                status == 426
            );
            assert!(answer.header("Content-Security-Policy").is_some());
        }
        let page = examination
            .request(&get("GET", "/", "localhost"))
            .response();
        let mut raw = examination.request(&get("HEAD", "/", "localhost"));
        let head = raw.response_without_body();
        raw.expect_fin();
        assert_eq!(head.header("Content-Length"), page.header("Content-Length"));
    }

    #[test]
    fn on_other_sites_may_not_connect() {
        let examination = Examination::start(&["--only", "old/1.1"]);
        let host = examination.address.to_string();
        let request = upgrade_request("/runCase?case=1&agent=a")
            .replace("Host: localhost", &format!("Host: {host}"));
        for (origin, host, status) in [
            ("http://example.com", &*host, 403),
            ("null", &*host, 403),
            ("http://example.com", "example.com", 421),
        ] {
            let request = request.replace(&examination.address.to_string(), host);
            let request = request.replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
            assert_eq!(
                examination.request(&request).response().status,
                status,
                "{origin} {host}"
            );
        }
        let own = request.replace("\r\n\r\n", &format!("\r\nOrigin: http://{host}\r\n\r\n"));
        examination.request(&own).expect_101();
        // What was refused is no result.
        let results = examination
            .request(&get("GET", "/results?agent=b", "localhost"))
            .response();
        assert_eq!(results.text(), r#"{"counts":{},"notable":[]}"#);
    }

    #[test]
    fn on_other_machines_is_let_in_only_if_that_is_asked_for() {
        for (address, why) in [("0.0.0.0:0", "--remote"), ("unix:/tmp/x.sock", "TCP")] {
            let mut refused = start(&["check", "--listen", address]);
            assert_eq!(refused.wait().code(), Some(2), "{address}");
            let said = refused.stderr.whole();
            assert!(said.contains(why), "{said}");
        }
    }
}
