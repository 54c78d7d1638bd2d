//! The pages, compiled in.

use plainws::Page;

/// Path and document. Links between them are relative, so that they work under a prefix too.
pub(crate) fn all(has_lab: bool) -> [(&'static str, Page); 13] {
    let clock = Page::html(include_str!("clock.html"));
    let echo = Page::html(include_str!("echo.html"));
    [
        ("/", Page::html(index(has_lab))),
        ("/clock", clock.clone()),
        ("/test_websocket", clock),
        ("/echo", echo.clone()),
        ("/test_socket", echo),
        ("/start.js", script(include_str!("start.js"))),
        ("/clock.js", script(include_str!("clock.js"))),
        ("/echo.js", script(include_str!("echo.js"))),
        ("/bytes.js", script(include_str!("bytes.js"))),
        ("/hex.js", script(include_str!("hex.js"))),
        ("/connection.js", script(include_str!("connection.js"))),
        (
            "/style.css",
            Page::new("text/css; charset=utf-8", include_bytes!("style.css")),
        ),
        (
            "/favicon.svg",
            Page::new("image/svg+xml", include_bytes!("favicon.svg")),
        ),
    ]
}

/// The first page. Without the lab it leads to none.
fn index(has_lab: bool) -> String {
    let lines = include_str!("index.html").split_inclusive('\n');
    lines
        .filter(|line| has_lab || !line.contains("href=\"lab\""))
        .collect()
}

fn script(source: &'static str) -> Page {
    Page::new("text/javascript; charset=utf-8", source.as_bytes())
}
