//! `plainws serve --addr PATH`: Unix sockets.
#![cfg(unix)]

use crate::support::bytes::TEXT;
use crate::support::program::{Process, is_heeded, run};
use crate::support::raw::{Raw, upgrade_request};
use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

/// A folder of a test's own, removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plainws-{}-{name}", std::process::id()));
        fs::create_dir(&folder).expect("it is new");
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("x.sock")
    }

    fn addr(&self) -> String {
        format!("unix:{}", self.path().display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts the program and waits until it has said all.
fn serve(addr: &str) -> (Process, String) {
    let process = run(&["--addr", addr]);
    let said = process.stdout.wait_for("all that it says", |said| {
        said.contains("Try it").then(|| said.to_owned())
    });
    (process, said)
}

fn connect(folder: &Folder) -> Raw {
    Raw::from(UnixStream::connect(folder.path()).expect("the program listens"))
}

#[track_caller]
fn check_echo(folder: &Folder) {
    let mut raw = connect(folder);
    raw.send(upgrade_request("/echo"));
    raw.expect_101();
    raw.send_frame(TEXT, "Hello");
    raw.expect_frame(TEXT, "Hello");
}

#[test]
fn it_serves_says_who_may_connect_and_leaves_no_file() {
    let folder = Folder::new("serves");
    for addr in [folder.addr(), folder.path().display().to_string()] {
        let (mut process, said) = serve(&addr);
        assert!(said.contains(&folder.addr()), "{said}");
        assert!(said.contains("may connect (mode "), "{said}");
        check_echo(&folder);
        if !is_heeded(15) {
            return;
        }
        process.signal("TERM");
        assert_eq!(process.wait().code(), Some(0));
        assert!(!folder.path().exists());
    }
}

#[test]
fn what_an_ended_server_left_makes_room() {
    let folder = Folder::new("left");
    drop(UnixListener::bind(folder.path()).expect("the path is free"));
    assert!(folder.path().exists());
    let _program = serve(&folder.addr());
    check_echo(&folder);
}

#[test]
fn another_server_and_another_file_stay() {
    let folder = Folder::new("stay");
    let refused = || {
        let mut process = run(&["--addr", &folder.addr()]);
        assert_eq!(process.wait().code(), Some(1));
        let said = process.stderr.whole();
        let start = format!("plainws: cannot listen on {}: ", folder.addr());
        assert!(said.starts_with(&start), "{said}");
        said[start.len()..].to_owned()
    };
    let listener = UnixListener::bind(folder.path()).expect("the path is free");
    assert!(refused().starts_with("another server listens there"));
    listener.accept().expect("it was tried, and still listens");
    fs::remove_file(folder.path()).expect("it is there");
    fs::write(folder.path(), "precious").expect("the path is free");
    assert!(refused().starts_with("there is a file that is no socket"));
    assert_eq!(fs::read(folder.path()).expect("it stays"), b"precious");
}

#[test]
fn at_the_end_only_its_own_file_is_removed() {
    if !is_heeded(15) {
        return;
    }
    let folder = Folder::new("own");
    let (mut process, _) = serve(&folder.addr());
    let old = folder.0.join("old");
    fs::rename(folder.path(), old).expect("it is there");
    let _other = UnixListener::bind(folder.path()).expect("the path is free");
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    assert!(folder.path().exists());
}

#[test]
fn its_command_to_try_is_one_whatever_is_served_and_however_the_path_is_spelt() {
    let folder = Folder::new("it's spelt");
    let arguments = ["--no-metrics", "--addr", &folder.addr()];
    let process = run(&arguments);
    let command = process.stdout.wait_for("a command", |said| {
        let (_, command) = said.split_once("Try it: ")?;
        command.ends_with('\n').then(|| command.to_owned())
    });
    let path = folder.path().display().to_string().replace('\'', r"'\''");
    let expected = format!("curl --unix-socket '{path}' http://localhost/\n");
    assert_eq!(command, expected);
    let mut raw = connect(&folder);
    raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(raw.head().starts_with("HTTP/1.1 200 "));
}
