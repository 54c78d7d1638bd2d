//! The program's pages over `https:` in a real browser: what they open is `wss:`, and the browser has nothing to say
//! against any of it. What else the pages do is the same without TLS, and tested there.
//!
//! Needs Chromium; see `peers.rs`.

use crate::devtools::{Browser, Page};
use plainws_tls_tests::{Files, Program};
use serde_json::Value;
use std::net::SocketAddr;

/// The program, which serves inside TLS, and one of its pages.
struct Visit {
    address: SocketAddr,
    page: Page,
    _program: Program,
    _files: Files,
}

/// Serves the program and opens one of its pages, unless there is no browser.
fn visit(scheme: &str, path: &str) -> Option<Visit> {
    let browser = Browser::shared()?;
    let files = Files::local();
    let (program, address) = Program::serve(files.serve_args());
    let page = browser.open(&format!("{scheme}://localhost:{}{path}", address.port()));
    Some(Visit {
        address,
        page,
        _program: program,
        _files: files,
    })
}

impl Visit {
    /// What is wrong with it, such as anything that did not come from this server, or not inside TLS.
    fn problems(&mut self) -> Vec<String> {
        let port = self.address.port();
        let own = ["https", "wss"].map(|scheme| format!("{scheme}://localhost:{port}/"));
        self.page.problems(&own)
    }

    /// Nothing is wrong, something was secured, and `sockets` WebSocket connections at least were opened.
    #[track_caller]
    fn assert_clean(&mut self, sockets: usize) {
        assert_eq!(self.problems(), Vec::<String>::new());
        assert_eq!(self.page.evaluate("isSecureContext"), true);
        let responses = self.page.events("Network.responseReceived");
        for kind in ["Document", "Stylesheet"] {
            let of_kind = |event: &&Value| event["type"] == kind;
            let response = responses.iter().find(of_kind).expect("it was loaded");
            let details = &response["response"]["securityDetails"];
            assert_eq!(details["protocol"], "TLS 1.3", "{response}");
            assert_eq!(details["subjectName"], "a server of tests", "{response}");
        }
        let opened = self
            .page
            .events("Network.webSocketHandshakeResponseReceived");
        assert!(opened.len() >= sockets, "{opened:?}");
    }
}

const IS_OPEN: &str = "document.body.dataset.state === 'open'";

/// Waits until the clock shows another time than it did.
#[track_caller]
fn wait_for_tick(page: &mut Page) {
    page.wait_for("document.getElementById('time').innerText.includes(':')");
    let shown = page.text("time");
    page.wait_for(&format!(
        "document.getElementById('time').innerText > '{shown}'"
    ));
}

#[test]
fn the_start_page_and_the_clock_tick() {
    for path in ["/", "/clock"] {
        let Some(mut visit) = visit("https", path) else {
            return;
        };
        visit.page.wait_for(IS_OPEN);
        wait_for_tick(&mut visit.page);
        visit.assert_clean(1);
        let shown = visit.page.evaluate("document.body.innerText");
        let shown = shown.as_str().expect("text");
        assert!(!shown.contains("ws://"), "{shown}");
    }
}

#[test]
fn the_echo_page_gets_its_text_back() {
    let Some(mut visit) = visit("https", "/echo") else {
        return;
    };
    let page = &mut visit.page;
    page.wait_for(IS_OPEN);
    page.click("message");
    page.type_text("Grüße, 世界");
    page.press_enter();
    page.wait_for(
        "[...document.querySelectorAll('#lines .received .text')].at(-1)?.textContent === 'Grüße, 世界'",
    );
    page.click("close");
    page.wait_for("document.body.dataset.state === 'lost'");
    let state = page.text("state");
    assert!(state.contains("code 1000"), "{state}");
    visit.assert_clean(1);
}

#[test]
fn the_lab_shows_frames_and_not_what_encrypts_them() {
    let Some(mut visit) = visit("https", "/lab") else {
        return;
    };
    let page = &mut visit.page;
    page.evaluate("import('/lab/session.js').then((it) => { globalThis.session = it.session; })");
    let texts = "session.records.filter((it) => it.sender === 'client' && it.frame?.opcode_name === 'text')";
    page.wait_for(&format!("{texts}.length > 0"));
    page.wait_for("document.querySelector('article.frame .byte')");
    let wire = page.evaluate(&format!("{texts}[0].frame.wire"));
    let wire = wire.as_str().expect("hex is text");
    // §1.3: masked, in one frame.
    assert!(wire.starts_with("818"), "{wire}");
    visit.assert_clean(2);
}

#[test]
fn http_on_this_port_is_answered_with_what_to_type() {
    let Some(mut visit) = visit("http", "/echo") else {
        return;
    };
    let shown = visit.page.evaluate("document.body.innerText");
    let shown = shown.as_str().expect("text");
    assert!(shown.contains("https://"), "{shown}");
}

/// That the check can fail.
#[test]
fn a_connection_without_tls_would_be_seen() {
    let Some(mut visit) = visit("https", "/clock") else {
        return;
    };
    visit.page.wait_for(IS_OPEN);
    assert_eq!(visit.problems(), Vec::<String>::new());
    let url = format!("ws://{}/", visit.address);
    let open = format!("{{ try {{ new WebSocket('{url}') }} catch {{}}; 0 }}");
    visit.page.evaluate(&open);
    let problems = visit.problems();
    assert!(
        problems.iter().any(|problem| problem.contains(&url)),
        "{problems:?}"
    );
}
