//! Pages of one's own, with `serve --static`, in a real browser.
//!
//! Needs Chromium; without it each test says that it is skipped. See `Browser::shared`.

use crate::devtools::{Browser, Page};
use crate::static_files::Folder;
use crate::support::program::Program;
use serde_json::Value;

/// A page with its script inside, which shows the time that the server sends.
const CLOCK: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Clock</title><link rel="icon" href="data:,"></head>
<body>
<p id="time"></p>
<script>
    var socket = new WebSocket("ws:" + location.host + "/md_admin/test_websocket");
    socket.onmessage = function (event) {
        document.getElementById("time").innerText = JSON.parse(event.data).time;
    };
</script>
</body>
</html>
"#;

/// One that sends what is typed, and shows what comes back.
const ECHO: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Echo</title><link rel="icon" href="data:,"></head>
<body>
<input id="text"><button id="send" onclick="send()">Send</button>
<p id="came"></p>
<script>
    var socket = new WebSocket("ws:" + location.host + "/md_admin/test_socket");
    socket.onopen = function () { document.body.dataset.state = "open"; };
    socket.onmessage = function (event) {
        document.getElementById("came").innerText = event.data;
    };
    function send() {
        socket.send(document.getElementById("text").value);
    }
</script>
</body>
</html>
"#;

fn visit(name: &str, path: &str) -> Option<(Folder, Program, Page)> {
    let browser = Browser::shared()?;
    let folder = Folder::with(
        name,
        &[("clock/index.html", CLOCK), ("echo page.html", ECHO)],
    );
    let program = Program::serve(&["--static", folder.path(), "--prefix", "/md_admin"]);
    let page = browser.open(&format!("http://{}{path}", program.address));
    Some((folder, program, page))
}

/// What the browser has to complain about.
#[track_caller]
fn assert_clean(page: &mut Page) {
    let mut problems: Vec<Value> = page.events("Runtime.exceptionThrown");
    problems.extend(page.events("Runtime.consoleAPICalled"));
    problems.extend(page.events("Log.entryAdded"));
    problems.extend(page.events("Network.loadingFailed"));
    assert_eq!(problems, Vec::<Value>::new());
}

#[test]
fn a_page_with_an_inline_script_shows_the_time() {
    for path in ["/md_admin/clock", "/clock/"] {
        let Some((_folder, _program, mut page)) = visit("own-clock", path) else {
            return;
        };
        let is_time = r"/^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d$/.test(";
        page.wait_for(&format!(
            "{is_time}document.getElementById('time').innerText)"
        ));
        let shown = page.text("time");
        page.wait_for(&format!(
            "document.getElementById('time').innerText > '{shown}'"
        ));
        assert_clean(&mut page);
    }
}

#[test]
fn a_page_with_an_input_a_button_and_onclick_gets_its_text_back() {
    let Some((_folder, _program, mut page)) = visit("own-echo", "/md_admin/echo%20page.html")
    else {
        return;
    };
    page.wait_for("document.body.dataset.state === 'open'");
    page.click("text");
    page.type_text("Hello, \u{4e16}\u{754c}");
    page.click("send");
    page.wait_for("document.getElementById('came').innerText === 'Hello, \u{4e16}\u{754c}'");
    assert_clean(&mut page);
}
