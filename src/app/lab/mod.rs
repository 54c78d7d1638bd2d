//! The lab, a page that shows what passes between a browser and this server, byte by byte, with the rule that each
//! meets or breaks.
//!
//! | module | question |
//! |---|---|
//! | `serving` | who is let in, and who is watched? |
//! | `handlers` | what does each path do? |
//! | `guard` | which hosts and pages may use it? |
//! | `session` | which connections does a page watch? |
//! | `watch` | what passes over one? |
//! | `observer` | how does the page hear of it? |
//! | `command`, `commands`, `judge`, `pace` | what does the page ask for, and what is done? |
//! | `news`, `cost` | what is new, and what does it cost to hear of it? |
//! | `rules` | what are the rules? |

mod command;
mod commands;
mod cost;
mod guard;
mod handlers;
mod judge;
mod news;
mod observer;
mod pace;
mod rules;
mod serving;
mod session;
mod watch;

use crate::app::check;
use crate::app::why;
pub(crate) use guard::without_token;
use plainws::{Page, Server};
use serde_json::Value;
pub(crate) use serving::Lab;
use std::sync::{Arc, LazyLock};

/// Serves the page and what it needs.
pub(crate) fn add_to(mut server: Server, lab: &Arc<Lab>) -> Server {
    server = server.page("/lab", Page::html(include_str!("pages/lab.html")));
    for (path, source) in SCRIPTS {
        let page = Page::new("text/javascript; charset=utf-8", source.as_bytes());
        server = server.page(path, page);
    }
    for (path, source) in STYLES {
        let page = Page::new("text/css; charset=utf-8", source.as_bytes());
        server = server.page(path, page);
    }
    for (path, table) in [
        ("/lab/rules.json", rules::table as fn() -> Value),
        ("/lab/questions.json", why::page),
        ("/lab/stages.json", check::stages),
    ] {
        // Made when it is first asked for: most servers have no visitor here.
        let page = LazyLock::new(move || json_page(&table()));
        server = server.page_with(path, move |_| page.clone());
    }
    let its_own = || Arc::clone(lab);
    let (tap, echo, news, idle) = (its_own(), its_own(), its_own(), its_own());
    let (now, next) = (its_own(), its_own());
    server
        .route("/lab/tap", move |ws| tap.observe(ws))
        .route("/lab/echo", move |ws| echo.echo(ws))
        .route("/lab/news", move |ws| news.news(ws))
        .route("/lab/idle", move |ws| idle.idle(ws))
        .page_with("/clock/now", move |request| now.now(request))
        .page_with("/clock/next", move |request| next.next(request))
}

fn json_page(table: &Value) -> Page {
    Page::new("application/json", table.to_string().into_bytes())
}

const SCRIPTS: &[(&str, &str)] = &[
    ("/lab/main.js", include_str!("pages/main.js")),
    ("/lab/dom.js", include_str!("pages/dom.js")),
    ("/lab/session.js", include_str!("pages/session.js")),
    ("/lab/fields.js", include_str!("pages/fields.js")),
    ("/lab/saved.js", include_str!("pages/saved.js")),
    ("/lab/selection.js", include_str!("pages/selection.js")),
    ("/lab/wire.js", include_str!("pages/wire.js")),
    ("/lab/frame.js", include_str!("pages/frame.js")),
    ("/lab/bytes.js", include_str!("pages/bytes.js")),
    ("/lab/reading.js", include_str!("pages/reading.js")),
    ("/lab/card.js", include_str!("pages/card.js")),
    ("/lab/command.js", include_str!("pages/command.js")),
    ("/lab/row.js", include_str!("pages/row.js")),
    ("/lab/sender.js", include_str!("pages/sender.js")),
    ("/lab/keys.js", include_str!("pages/keys.js")),
    ("/lab/watch.js", include_str!("pages/watch.js")),
    ("/lab/handshake.js", include_str!("pages/handshake.js")),
    ("/lab/break.js", include_str!("pages/break.js")),
    ("/lab/composer.js", include_str!("pages/composer.js")),
    ("/lab/outcome.js", include_str!("pages/outcome.js")),
    ("/lab/browser.js", include_str!("pages/browser.js")),
    ("/lab/text.js", include_str!("pages/text.js")),
    ("/lab/cut.js", include_str!("pages/cut.js")),
    ("/lab/fragments.js", include_str!("pages/fragments.js")),
    ("/lab/knife.js", include_str!("pages/knife.js")),
    ("/lab/latest.js", include_str!("pages/latest.js")),
    ("/lab/causes.js", include_str!("pages/causes.js")),
    ("/lab/close.js", include_str!("pages/close.js")),
    ("/lab/cost.js", include_str!("pages/cost.js")),
    ("/lab/lanes.js", include_str!("pages/lanes.js")),
    ("/lab/places.js", include_str!("pages/places.js")),
    ("/lab/plot.js", include_str!("pages/plot.js")),
    ("/lab/figures.js", include_str!("pages/figures.js")),
    ("/lab/threads.js", include_str!("pages/threads.js")),
    ("/lab/build.js", include_str!("pages/build.js")),
    ("/lab/rules.js", include_str!("pages/rules.js")),
    ("/lab/questions.js", include_str!("pages/questions.js")),
    ("/lab/steps.js", include_str!("pages/steps.js")),
    ("/lab/tour.js", include_str!("pages/tour.js")),
];

const STYLES: &[(&str, &str)] = &[
    ("/lab/lab.css", include_str!("pages/lab.css")),
    ("/lab/break.css", include_str!("pages/break.css")),
    ("/lab/cut.css", include_str!("pages/cut.css")),
    ("/lab/close.css", include_str!("pages/close.css")),
    ("/lab/handshake.css", include_str!("pages/handshake.css")),
    ("/lab/cost.css", include_str!("pages/cost.css")),
    ("/lab/build.css", include_str!("pages/build.css")),
    ("/lab/rules.css", include_str!("pages/rules.css")),
    ("/lab/questions.css", include_str!("pages/questions.css")),
    ("/lab/tour.css", include_str!("pages/tour.css")),
];
