//! The three pages in a real browser: what a visitor sees, and what the browser has to say about it.
//!
//! Needs Chromium; without it each test says that it is skipped. See `Browser::shared`.

use crate::devtools::{Browser, Page};
use crate::support::program::Program;
use crate::support::raw::PATIENCE;
use serde_json::Value;
use std::time::Instant;

/// Serves the program and opens one of its pages, unless there is no browser.
pub(crate) fn visit(path: &str, arguments: &[&str]) -> Option<(Program, Page)> {
    let browser = Browser::shared()?;
    let program = Program::serve(arguments);
    let page = browser.open(&format!("http://{}{path}", program.address));
    Some((program, page))
}

/// What is wrong with a visit: an error in the console, a request that failed or went elsewhere, a
/// document without a policy.
fn problems(program: &Program, page: &mut Page) -> Vec<String> {
    let mut problems = Vec::new();
    let mut find = |method: &str, problem: &dyn Fn(&Value) -> Option<Value>| {
        for event in page.events(method) {
            problems.extend(problem(&event).map(|value| format!("{method}: {value}")));
        }
    };
    let own = ["http", "ws"].map(|scheme| format!("{scheme}://{}/", program.address));
    let is_foreign = |url: &Value| {
        let url = url.as_str().unwrap_or_default();
        !own.iter().any(|own| url.starts_with(own))
    };
    let is_bad = |kind: &Value| ["error", "warning", "assert"].iter().any(|bad| kind == bad);

    find("Runtime.exceptionThrown", &|thrown| Some(thrown.clone()));
    find("Runtime.consoleAPICalled", &|call| {
        is_bad(&call["type"]).then(|| call["args"].clone())
    });
    find("Log.entryAdded", &|added| {
        is_bad(&added["entry"]["level"]).then(|| added["entry"].clone())
    });
    find("Network.loadingFailed", &|failed| Some(failed.clone()));
    find("Network.requestWillBeSent", &|sent| {
        let url = &sent["request"]["url"];
        is_foreign(url).then(|| url.clone())
    });
    find("Network.webSocketCreated", &|created| {
        is_foreign(&created["url"]).then(|| created["url"].clone())
    });
    find("Network.responseReceived", &|received| {
        let response = &received["response"];
        let names = response["headers"].as_object().into_iter().flatten();
        let mut names = names.map(|(name, _)| name.to_ascii_lowercase());
        let has_policy = names.any(|name| name == "content-security-policy");
        let is_right = response["status"] == 200 && has_policy;
        (!is_right).then(|| response.clone())
    });
    problems
}

#[track_caller]
pub(crate) fn assert_clean(program: &Program, page: &mut Page) {
    assert_eq!(problems(program, page), Vec::<String>::new());
    // Events are seen at all.
    let responses = page.events("Network.responseReceived");
    assert!(responses.iter().any(|event| event["type"] == "Document"));
    assert!(responses.iter().any(|event| event["type"] == "Stylesheet"));
}

const IS_OPEN: &str = "document.body.dataset.state === 'open'";
const IS_LOST: &str = "document.body.dataset.state === 'lost'";
const HAS_TIME: &str = r"/^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d$/.test(
    document.getElementById('time').innerText)";

/// Waits until the clock shows another time than it did.
#[track_caller]
fn wait_for_tick(page: &mut Page) {
    page.wait_for(HAS_TIME);
    let shown = page.text("time");
    page.wait_for(&format!(
        "{HAS_TIME} && document.getElementById('time').innerText > '{shown}'"
    ));
}

/// Waits until the last lines of the echo page are these.
#[track_caller]
fn wait_for_lines(page: &mut Page, lines: &[(&str, &str)]) {
    let lines: Vec<_> = lines
        .iter()
        .map(|(kind, text)| serde_json::json!([kind, text]))
        .collect();
    page.wait_for(&format!(
        "JSON.stringify([...document.querySelectorAll('#lines li')].slice(-{}).map((line) =>
            [line.className, line.querySelector('.text').textContent]
        )) === JSON.stringify({})",
        lines.len(),
        Value::from(lines),
    ));
}

mod the_start_page {
    use super::*;

    #[test]
    fn leads_to_the_clock_and_the_echo() {
        let Some((program, mut page)) = visit("/", &[]) else {
            return;
        };
        let links = page.evaluate("[...document.querySelectorAll('main a')].map((a) => a.href)");
        for path in ["clock", "echo"] {
            let url = format!("http://{}/{path}", program.address);
            let mut links = links.as_array().expect("a list").iter();
            assert!(links.any(|link| *link == url.as_str()), "{links:?}");
        }
        assert_clean(&program, &mut page);
    }
}

mod the_clock_page {
    use super::*;

    #[test]
    fn ticks() {
        for path in ["/clock", "/test_websocket"] {
            let Some((program, mut page)) = visit(path, &[]) else {
                return;
            };
            wait_for_tick(&mut page);
            wait_for_tick(&mut page);
            page.wait_for(IS_OPEN);
            assert_eq!(page.text("state"), "Connected.");
            assert_clean(&program, &mut page);
        }
    }

    #[test]
    fn ticks_under_a_prefix() {
        let visited = visit("/md_admin/test_websocket", &["--prefix", "/md_admin"]);
        let Some((program, mut page)) = visited else {
            return;
        };
        wait_for_tick(&mut page);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn says_that_the_server_is_gone_and_comes_back_when_it_is() {
        let Some((program, mut page)) = visit("/clock", &[]) else {
            return;
        };
        wait_for_tick(&mut page);
        let address = program.address.to_string();
        drop(program);

        page.wait_for(IS_LOST);
        assert!(page.text("state").starts_with("Connection lost"));
        let last = page.text("time");
        page.wait_for("!document.getElementById('retry').hidden");

        let _again = Program::serve_at(&address, &[]);
        page.click("reconnect");
        // It may have been trying just then, and has no use for the button meanwhile.
        page.wait_for(&format!(
            "{IS_OPEN} || (document.getElementById('reconnect').click(), false)"
        ));
        page.wait_for(&format!(
            "document.getElementById('time').innerText > '{last}'"
        ));
        wait_for_tick(&mut page);
        page.wait_for("document.getElementById('retry').hidden");
    }
}

mod the_echo_page {
    use super::*;

    #[test]
    fn sends_with_enter_and_with_the_button_and_shows_what_comes_back() {
        for path in ["/echo", "/test_socket"] {
            let Some((program, mut page)) = visit(path, &[]) else {
                return;
            };
            page.wait_for(IS_OPEN);
            page.click("message");
            page.type_text("Grüße, 世界 🙂");
            page.press_enter();
            wait_for_lines(
                &mut page,
                &[("sent", "Grüße, 世界 🙂"), ("received", "Grüße, 世界 🙂")],
            );
            page.type_text("by the button");
            page.click("send");
            wait_for_lines(
                &mut page,
                &[("sent", "by the button"), ("received", "by the button")],
            );
            assert_clean(&program, &mut page);
        }
    }

    #[test]
    fn shows_markup_as_text() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        const MARKUP: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";
        page.wait_for(IS_OPEN);
        page.click("message");
        page.type_text(MARKUP);
        page.press_enter();
        wait_for_lines(&mut page, &[("sent", MARKUP), ("received", MARKUP)]);
        let elements =
            page.evaluate("document.querySelectorAll('#lines img, #lines script').length");
        assert_eq!(elements, 0);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn shows_code_and_reason_at_the_end_and_connects_again() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("close");
        page.wait_for(IS_LOST);
        assert!(page.text("state").contains("code 1000"));
        page.click("connect");
        page.wait_for(IS_OPEN);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn shows_1009_when_a_message_is_too_big_for_the_server() {
        let Some((program, mut page)) = visit("/echo", &["--max-message", "10"]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("message");
        page.type_text("more than ten bytes");
        page.press_enter();
        page.wait_for(IS_LOST);
        assert!(page.text("state").contains("code 1009"));
        assert_clean(&program, &mut page);
    }
}

mod a_proxy {
    use super::*;
    use crate::cli_proxy::Proxy;

    #[test]
    fn between_a_page_and_its_server_shows_what_they_say() {
        let Some(browser) = Browser::shared() else {
            return;
        };
        let program = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(program.address, &["--trace"]);
        let mut page = browser.open(&format!("http://{}/echo", proxy.address));
        page.wait_for(IS_OPEN);
        page.click("message");
        page.type_text("through the proxy");
        page.press_enter();
        wait_for_lines(
            &mut page,
            &[
                ("sent", "through the proxy"),
                ("received", "through the proxy"),
            ],
        );
        page.click("close");
        page.wait_for(IS_LOST);
        assert!(page.text("state").contains("code 1000"));
        let (said, _) = proxy.whole();
        for shown in [
            "> GET /echo HTTP/1.1  ",
            "< HTTP/1.1 101 Switching Protocols  ",
            "17 \"through the proxy\"",
            "close 1000, legal",
        ] {
            assert!(said.contains(shown), "no {shown} in:\n{said}");
        }
        assert!(!said.contains("VIOLATION"), "{said}");
    }
}

mod the_page_of_an_examination {
    use super::*;
    use crate::support::program::run;
    use std::collections::BTreeMap;

    /// "3 lenient, 60 ok"
    fn counts(told: &str) -> BTreeMap<String, usize> {
        let parts = told
            .trim()
            .split(", ")
            .filter_map(|part| part.split_once(' '));
        let number = |count: &str| count.parse().expect("a number");
        let counts = parts.map(|(count, outcome)| (outcome.to_owned(), number(count)));
        counts.collect()
    }

    #[test]
    fn has_the_browser_play_all_cases_and_shows_what_is_not_ok() {
        let Some(browser) = Browser::shared() else {
            return;
        };
        let only = ["control", "opening", "6.3.*"];
        let only = only.iter().flat_map(|what| ["--only", what]);
        let listen = ["check", "--listen", "127.0.0.1:0", "--exit-after"];
        let arguments: Vec<_> = listen.into_iter().chain(only).collect();
        let mut process = run(&arguments);
        let address = process.stderr.wait_for("address", |text| {
            let (_, url) = text.split_once("http://")?;
            Some(url.split_once('/')?.0.to_owned())
        });
        let mut page = browser.open(&format!("http://{address}/"));
        page.evaluate("document.getElementById('start').focus()");
        page.press_enter();
        page.wait_for("document.getElementById('start').disabled");
        page.wait_for("!document.getElementById('start').disabled");

        let said = page.text("said");
        let (done, shown) = said.split_once(": ").expect("what came of it");
        let shown = counts(shown);
        let count: usize = shown.values().sum();
        assert_eq!(done, format!("Done, {count} cases"), "{said}");
        assert!(count > 80, "{said}");
        let rows = page.evaluate("document.querySelectorAll('tbody tr').length");
        assert_eq!(rows, count - shown["ok"], "{said}");
        assert_eq!(page.evaluate("document.getElementById('bar').value"), count);
        // The worst come first.
        let first = page.evaluate("document.querySelector('tbody tr').innerText");
        let is_failed = first.as_str().is_some_and(|row| row.contains("failed: "));
        assert_eq!(is_failed, shown.contains_key("failed"), "{first}");
        assert_eq!(page.events("Runtime.exceptionThrown"), [Value::Null; 0]);

        // The program says the same.
        let is_bad = ["failed", "timeout"]
            .iter()
            .any(|bad| shown.contains_key(*bad));
        assert_eq!(process.wait().code(), Some(i32::from(is_bad)));
        let told = process.stdout.whole();
        let verdict = if is_bad { "\nfailed: " } else { "\npassed: " };
        let (_, summary) = told.rsplit_once(verdict).expect("a last line");
        let summary = summary.split(" (").next().unwrap_or_default();
        assert_eq!(counts(summary), shown, "{told}");
        let said = process.stderr.whole();
        assert!(said.contains("Chrome/"), "{said}");
        assert!(
            said.contains(&format!("has played {count} of {count} cases")),
            "{said}"
        );
    }
}

mod the_check {
    use super::*;

    #[test]
    fn sees_errors_and_requests_to_elsewhere() {
        for (script, method) in [
            ("console.error('an error')", "Runtime.consoleAPICalled"),
            ("setTimeout(() => { throw 1 })", "Runtime.exceptionThrown"),
            ("fetch('/nothing')", "Network.responseReceived"),
            ("new WebSocket('ws://127.0.0.1:1/')", "Log.entryAdded"),
            (
                "location = 'http://127.0.0.1:1/'",
                "Network.requestWillBeSent",
            ),
        ] {
            let Some((program, mut page)) = visit("/", &[]) else {
                return;
            };
            assert_clean(&program, &mut page);
            page.evaluate(&format!("{{ {script}; 0 }}"));
            let is_seen = |page: &mut Page| {
                let problems = problems(&program, page);
                problems.iter().any(|problem| problem.starts_with(method))
            };
            let deadline = Instant::now() + PATIENCE;
            while !is_seen(&mut page) {
                assert!(Instant::now() < deadline, "{script} is not seen");
            }
        }
    }
}
