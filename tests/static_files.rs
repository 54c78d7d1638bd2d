//! `serve --static`: the files of a folder as pages; and `--header`, `--subprotocol`.

use crate::support::program::Program;
use crate::support::raw::{Raw, Response, header, upgrade_request};
use crate::support::run::run_with;
use std::fs;
use std::path::PathBuf;

/// A folder with files, which is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// With these files, each by its path and its contents.
    pub(crate) fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let name = format!("plainws-{}-{name}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        for (path, contents) in files {
            let path = folder.0.join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it is new");
            fs::write(path, contents).expect("the folder is there");
        }
        folder
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("its name is text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn get(program: &Program, target: &str) -> Response {
    let mut raw = program.connect();
    raw.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    raw.response()
}

#[test]
fn files_are_served_by_their_paths_under_a_prefix_too() {
    let folder = Folder::with(
        "files",
        &[
            ("a.html", "a page"),
            ("b/c d\u{e9}.txt", "a text"),
            ("b/index.html", "an index"),
            ("style.css", "a style"),
            ("unknown.x1", "bytes"),
            ("LOUD.PNG", "an image"),
        ],
    );
    let program = Program::serve(&["--static", folder.path(), "--prefix", "/md_admin"]);
    for (path, kind, contents) in [
        ("/a.html", "text/html; charset=utf-8", "a page"),
        ("/b/c%20d%C3%A9.txt", "text/plain; charset=utf-8", "a text"),
        ("/b/", "text/html; charset=utf-8", "an index"),
        ("/b/?x=/..", "text/html; charset=utf-8", "an index"),
        ("/style.css", "text/css; charset=utf-8", "a style"),
        ("/unknown.x1", "application/octet-stream", "bytes"),
        ("/LOUD.PNG", "image/png", "an image"),
    ] {
        for prefix in ["", "/md_admin"] {
            let page = get(&program, &format!("{prefix}{path}"));
            assert_eq!(
                (page.status, page.text()),
                (200, contents),
                "{prefix}{path}"
            );
            assert_eq!(page.header("Content-Type"), Some(kind), "{path}");
            assert_eq!(page.header("Content-Security-Policy"), None, "{path}");
        }
    }
    // Links in it are relative to the folder.
    let moved = get(&program, "/md_admin/b?x");
    assert_eq!(moved.status, 308);
    assert_eq!(moved.header("Location"), Some("/md_admin/b/?x"));
    // It is read anew.
    fs::write(folder.0.join("a.html"), "changed").expect("it is a file");
    assert_eq!(get(&program, "/a.html").text(), "changed");
    let mut raw = program.connect();
    raw.send("HEAD /a.html HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(
        raw.response_without_body().header("Content-Length"),
        Some("7")
    );
    // What the program has itself is there as ever.
    assert!(get(&program, "/").text().contains("plainws"));
    program.open("/echo");
    program.open("/md_admin/test_websocket");
}

#[test]
fn nothing_else_is_served() {
    let folder = Folder::with(
        "hidden",
        &[
            ("in/a.txt", "a text"),
            ("in/empty/.keep", ""),
            ("in/.secret", "hidden"),
            ("in/.git/config", "hidden"),
            ("in/back\\slash", "hidden"),
            ("in/index-out/a.txt", "a text"),
            ("in/index-hidden/a.txt", "a text"),
            ("in/index-in/a.txt", "a text"),
            ("outside", "hidden"),
        ],
    );
    let inside = folder.0.join("in");
    #[cfg(unix)]
    for (to, link) in [
        ("../outside", "out"),
        ("..", "up"),
        (".secret", "shown"),
        (".", "self"),
        ("../../outside", "index-out/index.html"),
        ("../.secret", "index-hidden/index.html"),
        ("a.txt", "index-in/index.html"),
    ] {
        std::os::unix::fs::symlink(to, inside.join(link)).expect("the name is free");
    }
    #[cfg(unix)]
    drop(std::os::unix::net::UnixListener::bind(
        inside.join("socket"),
    ));
    let program = Program::serve(&["--static", inside.to_str().expect("text")]);
    assert_eq!(get(&program, "/a.txt").status, 200);
    #[cfg(unix)]
    assert_eq!(get(&program, "/index-in/").text(), "a text");
    for path in [
        "/nothing",
        "/.secret",
        "/%2esecret",
        "/.git/config",
        "/.git",
        "/empty",
        "/empty/",
        "/a.txt/",
        "/a.txt/x",
        "/../outside",
        "/%2e%2e/outside",
        "/..%2foutside",
        "/%2e%2e%2foutside",
        "/..%5coutside",
        "/empty/../a.txt",
        "/empty/../../outside",
        "/./a.txt",
        "//a.txt",
        "/empty//a.txt",
        "/%2fetc/passwd",
        "//etc/passwd",
        "/a.txt%00",
        "/a.txt%00.html",
        "/a.txt::$DATA",
        "/c:/x",
        "/out",
        "/up/outside",
        "/shown",
        "/self/.secret",
        "/index-out",
        "/index-out/",
        "/index-hidden",
        "/index-hidden/",
        "/back%5cslash",
        "/socket",
    ] {
        let answer = get(&program, path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(!answer.text().contains("hidden"), "{path}");
    }
    // What is not there has no options either.
    for (path, status) in [
        ("/a.txt", 204),
        ("/.hidden", 404),
        ("/nothing", 404),
        ("/", 204),
    ] {
        let mut raw = program.connect();
        raw.send(format!(
            "OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ));
        assert_eq!(raw.response_without_body().status, status, "OPTIONS {path}");
    }
    for path in ["/%ff", "/%2", "/a%"] {
        assert_eq!(get(&program, path).status, 400, "{path}");
    }
}

#[test]
fn a_file_beats_a_page_of_the_program_but_not_its_health() {
    let files = [
        ("index.html", "mine"),
        ("style.css", "mine"),
        ("metrics", "mine"),
        ("healthz/live", "mine"),
    ];
    let folder = Folder::with("beats", &files);
    let program = Program::serve(&["--static", folder.path()]);
    assert_eq!(get(&program, "/").text(), "mine");
    assert_eq!(get(&program, "/style.css").text(), "mine");
    for path in ["/metrics", "/healthz/live"] {
        assert_ne!(get(&program, path).text(), "mine", "{path}");
    }
    assert!(get(&program, "/echo.js").status == 200);
}

#[test]
fn a_file_may_be_longer_than_the_memory() {
    let folder = Folder::with("long", &[("long", "")]);
    let file = fs::File::create(folder.0.join("long")).expect("it is a file");
    file.set_len(1 << 36).expect("it can have holes");
    let program = Program::serve(&["--static", folder.path()]);
    let mut raw = Raw::connect(program.address);
    raw.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = raw.head();
    assert!(
        head.contains("\r\nContent-Length: 68719476736\r\n"),
        "{head}"
    );
    assert!(raw.bytes(1 << 20).iter().all(|&byte| byte == 0));
}

#[test]
fn a_folder_named_like_the_prefix_comes_first() {
    let files = [
        ("md_admin/a.html", "of the folder"),
        ("md_admin/index.html", "an index"),
        ("md_admin/style.css", "a style"),
        ("a.html", "mine"),
        ("b.html", "mine"),
    ];
    let folder = Folder::with("like-prefix", &files);
    let program = Program::serve(&["--static", folder.path(), "--prefix", "/md_admin"]);
    for (path, text) in [
        ("/md_admin/a.html", "of the folder"),
        ("/md_admin/", "an index"),
        ("/md_admin/style.css", "a style"),
        ("/md_admin/b.html", "mine"),
        ("/a.html", "mine"),
    ] {
        assert_eq!(get(&program, path).text(), text, "{path}");
    }
    program.open("/md_admin/test_socket");
}

#[test]
fn a_refusal_has_no_header_of_ones_own() {
    let folder = Folder::with("refusal", &[("a.txt", "a text")]);
    let program = Program::serve(&["--static", folder.path(), "--header", "X-Own: a"]);
    for (path, own) in [("/a.txt", Some("a")), ("/none", None)] {
        assert_eq!(get(&program, path).header("X-Own"), own, "{path}");
    }
    let mut raw = program.connect();
    raw.send(upgrade_request("/a.txt"));
    let refused = raw.response();
    assert_eq!((refused.status, refused.header("X-Own")), (404, None));
}

#[test]
fn a_folder_that_is_not_there_is_refused_at_once() {
    let folder = Folder::with("none", &[("file", "")]);
    for name in ["nowhere", "file"] {
        let path = format!("{}/{name}", folder.path());
        let run = run_with(&["serve", "--addr", "0", "--static", &path], b"");
        assert_eq!(run.code, 2, "{}", run.stderr);
    }
}

#[test]
fn headers_are_added_to_pages_and_to_the_101() {
    let folder = Folder::with("headers", &[("a.txt", "a text")]);
    let program = Program::serve(&[
        "--static",
        folder.path(),
        "--header",
        "X-Own: a: b",
        "--header",
        "Cache-Control: max-age=60",
    ]);
    for path in ["/", "/a.txt", "/echo"] {
        let page = get(&program, path);
        assert_eq!(page.header("X-Own"), Some("a: b"), "{path}");
        assert_eq!(page.header("Cache-Control"), Some("max-age=60"), "{path}");
    }
    let mut raw = program.connect();
    raw.send(upgrade_request("/echo"));
    assert_eq!(header(&raw.expect_101(), "X-Own"), Some("a: b"));
    for wrong in [
        "X",
        ": a",
        "a b: c",
        "X: a\rb",
        "Upgrade: h2c",
        "Content-Length: 1",
    ] {
        let run = run_with(&["serve", "--addr", "0", "--header", wrong], b"");
        assert_eq!(run.code, 2, "{wrong}: {}", run.stderr);
    }
}

#[test]
fn a_subprotocol_is_agreed_on_if_it_is_offered() {
    let program = Program::serve(&["--subprotocol", "chat.v1", "--subprotocol", "chat.v2"]);
    for (offered, agreed) in [
        (
            "Sec-WebSocket-Protocol: x, chat.v2, chat.v1\r\n",
            Some("chat.v2"),
        ),
        ("Sec-WebSocket-Protocol: x\r\n", None),
        ("Sec-WebSocket-Protocol:\r\n", None),
        ("", None),
    ] {
        let mut raw = program.connect();
        raw.send(upgrade_request("/clock").replace("Upgrade:", &format!("{offered}Upgrade:")));
        let head = raw.expect_101();
        assert_eq!(header(&head, "Sec-WebSocket-Protocol"), agreed, "{offered}");
    }
    let run = run_with(&["serve", "--addr", "0", "--subprotocol", "a b"], b"");
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[test]
fn the_clock_takes_no_long_messages() {
    let program = Program::serve(&["--prefix", "/md_admin"]);
    for (path, is_taken) in [
        ("/echo", true),
        ("/clock", false),
        ("/md_admin/clock", false),
    ] {
        let mut raw = program.open(path);
        raw.send_frame(0x82, vec![7; 64 * 1024 + 1]);
        let ends = loop {
            match raw.frame() {
                (0x88, body) => break Some(body),
                (0x82, _) => break None,
                _ => {}
            }
        };
        assert_eq!(ends.is_none(), is_taken, "{path}");
        if let Some(body) = ends {
            assert_eq!(body.get(..2), Some(&1009_u16.to_be_bytes()[..]), "{path}");
        }
    }
}
