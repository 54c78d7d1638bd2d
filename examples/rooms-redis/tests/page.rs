//! The page, in a real browser. Needs Chromium beside Redis.

use crate::devtools::Browser;
use crate::support::member::Member;
use crate::support::servers::{Instance, Redis};

#[test]
fn the_page_talks_and_comes_back_to_what_it_missed() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let Some(browser) = Browser::shared() else {
        return;
    };
    let (mut one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut ann = Member::enter(&two.way(), "caf%C3%A9");
    let url = format!("http://{}", one.address);
    let mut page = browser.open(&format!("{url}/room/caf%C3%A9"));
    let connected = "document.querySelector('[role=status]').textContent === 'Connected.'";
    page.wait_for(connected);
    assert_eq!(
        page.evaluate("document.querySelector('h1').textContent"),
        "café"
    );

    // What is shown, in this order and nothing else.
    let shown = |lines: &[&str]| {
        format!(
            "JSON.stringify([...document.querySelectorAll('[role=log] p')].map(p => p.textContent)) === \
             JSON.stringify({})",
            serde_json::json!(lines)
        )
    };
    ann.surely_say("Is anybody <b>there</b>?");
    page.wait_for(&shown(&["Is anybody <b>there</b>?"]));
    page.type_text("Yes.");
    page.press_enter();
    ann.hear("Yes.");
    page.wait_for(&shown(&["Is anybody <b>there</b>?", "Yes."]));

    // Redis is away, and back.
    redis.kill();
    page.wait_for(
        "document.querySelector('[role=status]').textContent.startsWith('Nothing can be said')",
    );
    page.type_text("Hello?");
    page.press_enter();
    let refused = "document.querySelector('[role=log] p:last-child').textContent.startsWith('Not said: “Hello?”')";
    page.wait_for(refused);
    redis.start_again();
    page.wait_for(connected);
    ann.wait_for("back");

    // The instance is gone, and another one is there.
    one.kill();
    page.wait_for(
        "document.querySelector('[role=status]').textContent.startsWith('Not connected')",
    );
    ann.surely_say("missed");
    one.start_again(&redis);
    page.wait_for("document.querySelector('[role=log] p:last-child').textContent === 'missed'");
    page.wait_for(connected);
    assert_eq!(
        page.evaluate("document.querySelectorAll('[role=log] p').length"),
        4
    );

    for scheme in ["light", "dark"] {
        page.look(320, 640, 1, scheme);
        let mut found = page.audit();
        // It is meant for larger pages.
        found.retain(|what| !what.contains("texts were looked at"));
        assert_eq!(found, Vec::<String>::new(), "{scheme}");
    }
    // What the browser itself says: only that there is no icon, and that the instance could not be reached for a while.
    let own = ["http", "ws"].map(|scheme| format!("{scheme}://{}/", one.address));
    let mut problems = page.problems(&own);
    let known = ["/favicon.ico", "ERR_CONNECTION"];
    problems.retain(|problem| !known.iter().any(|known| problem.contains(known)));
    assert_eq!(problems, Vec::<String>::new());
}
