//! `plainws serve --addr`: Unix sockets, and several addresses.
#![cfg(unix)]

use crate::support::bytes::TEXT;
use crate::support::program::{Process, command, is_heeded, run};
use crate::support::raw::{Raw, upgrade_request};
use crate::support::server::wait_until;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;

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
    serve_with(&["--addr", addr])
}

fn serve_with(arguments: &[&str]) -> (Process, String) {
    all_said(run(arguments))
}

fn all_said(process: Process) -> (Process, String) {
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
    check_echo_over(connect(folder));
}

#[track_caller]
fn check_echo_over(mut raw: Raw) {
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

/// What the program says that does not begin to serve, and with what it ends.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = run(arguments);
    let status = process.wait();
    (status.code(), process.stderr.whole())
}

mod a_mode {
    use super::*;

    fn mode(folder: &Folder) -> u32 {
        let metadata = fs::symlink_metadata(folder.path()).expect("it is there");
        metadata.permissions().mode() & 0o777
    }

    #[test]
    fn is_what_the_flag_says_whatever_the_umask() {
        let folder = Folder::new("mode");
        for (umask, told, who) in [
            ("077", "660", "Its owner and its group"),
            ("000", "0600", "Its owner alone"),
            ("077", "666", "Everyone on this machine"),
        ] {
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).arg(command().get_program());
            shell.args(["--addr", &folder.addr(), "--socket-mode", told]);
            let (_process, said) = all_said(Process::start(&mut shell).expect("there is a shell"));
            let digits = &told[told.len() - 3..];
            assert_eq!(format!("{:o}", mode(&folder)), digits);
            let line = format!("{who} may connect (mode {digits}, as --socket-mode says).");
            assert!(said.contains(&line), "{said}");
            check_echo(&folder);
        }
    }

    #[test]
    fn is_what_the_umask_leaves_without_the_flag() {
        let folder = Folder::new("umask");
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 027; exec \"$0\" \"$@\""]);
        shell.arg(command().get_program());
        shell.args(["--addr", &folder.addr()]);
        let (_process, said) = all_said(Process::start(&mut shell).expect("there is a shell"));
        assert_eq!(mode(&folder), 0o750);
        assert!(said.contains("(mode 750, as the umask says)"), "{said}");
    }

    #[test]
    fn that_is_none_is_refused_and_so_is_one_for_nothing() {
        for text in ["rw", "66", "888", "6600", "0o660"] {
            let (code, said) = refused(&["--addr", "unix:x", "--socket-mode", text]);
            assert_eq!(code, Some(2), "{said}");
            assert!(said.contains("three octal digits"), "{said}");
        }
        let (code, said) = refused(&["--addr", "127.0.0.1:0", "--socket-mode", "660"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.starts_with("plainws: --socket-mode is for a Unix socket"),
            "{said}"
        );
    }

    #[test]
    fn is_that_of_the_metrics_socket_too() {
        let folder = Folder::new("metrics");
        let addr = folder.addr();
        let arguments = [
            "--addr",
            "127.0.0.1:0",
            "--metrics-addr",
            &addr,
            "--socket-mode",
            "606",
        ];
        let (_process, _) = serve_with(&arguments);
        assert_eq!(mode(&folder), 0o606);
    }
}

mod several_addresses {
    use super::*;

    /// What is served, in the order in which the program says it.
    fn places(said: &str) -> Vec<&str> {
        let (_, said) = said.split_once("plainws serves ").expect("it says so");
        let (places, _) = said.split_once("\n\n").expect("more follows");
        places.lines().map(str::trim).collect()
    }

    fn tcp(place: &str) -> SocketAddr {
        let address = place.strip_prefix("http://").expect("it is on TCP");
        address.trim_end_matches('/').parse().expect("it is one")
    }

    #[test]
    fn are_all_served_and_all_left() {
        let folder = Folder::new("several");
        let addr = folder.addr();
        let zero = "127.0.0.1:0";
        let (mut process, said) =
            serve_with(&["--addr", zero, "--addr", &addr, "--addr", zero, "--quiet"]);
        let places = places(&said);
        let [first, unix, last] = places[..] else {
            panic!("{said}");
        };
        assert_eq!(unix, addr);
        let (first, last) = (tcp(first), tcp(last));
        assert_ne!(first, last);
        check_echo(&folder);
        check_echo_over(Raw::connect(first));
        check_echo_over(Raw::connect(last));
        let line = format!("{addr}\n  Its owner alone may connect (mode ");
        assert!(said.contains(&line) || said.contains("its group"), "{said}");
        // For a browser, or for curl.
        assert!(
            said.contains(&format!(" connect ws://{first}/echo\n")),
            "{said}"
        );
        // Not everyone who reaches it is at home.
        assert!(!said.contains("/lab"), "{said}");
        if !is_heeded(15) {
            return;
        }
        process.signal("TERM");
        assert_eq!(process.wait().code(), Some(0));
        assert!(!folder.path().exists());
        assert!(TcpStream::connect(first).is_err());
        assert!(TcpStream::connect(last).is_err());
    }

    #[test]
    fn have_the_lab_only_if_all_are_at_home() {
        let home = "127.0.0.1:0";
        for (other, has_lab) in [(home, true), ("0.0.0.0:0", false)] {
            for addresses in [[home, other], [other, home]] {
                let [one, two] = addresses;
                let (_process, said) = serve_with(&["--addr", one, "--addr", two]);
                assert_eq!(said.contains("/lab"), has_lab, "{said}");
            }
        }
    }

    #[test]
    fn of_ipv6_leave_those_of_ipv4_to_others() {
        if TcpListener::bind("[::1]:0").is_err() {
            return;
        }
        // A port that is free may be taken before it is asked for.
        for _ in 0..20 {
            let probe = TcpListener::bind("0.0.0.0:0").expect("port 0 is free");
            let port = probe.local_addr().expect("it is bound").port();
            drop(probe);
            for hosts in [
                ["0.0.0.0", "[::]"],
                ["[::]", "127.0.0.1"],
                ["127.0.0.1", "[::1]"],
            ] {
                let [one, two] = hosts.map(|host| format!("{host}:{port}"));
                let process = run(&["--addr", &one, "--addr", &two]);
                wait_until("its beginning or its end", || {
                    process.stdout.so_far().contains("Try it")
                        || !process.stderr.so_far().is_empty()
                });
                if process.stdout.so_far().is_empty() {
                    let problem = process.stderr.whole();
                    assert!(
                        problem.contains("another program listens there"),
                        "{problem}"
                    );
                    break;
                }
                check_echo_over(Raw::connect((Ipv4Addr::LOCALHOST, port).into()));
                check_echo_over(Raw::connect((Ipv6Addr::LOCALHOST, port).into()));
                if hosts[1] == "[::1]" {
                    return;
                }
            }
        }
        panic!("no port is free");
    }

    #[test]
    fn that_are_the_same_are_refused() {
        for (one, two, why) in [
            (
                "127.0.0.1:8000",
                "8000",
                "--addr 127.0.0.1:8000 is given twice",
            ),
            (
                "127.0.0.1:8000",
                "0.0.0.0:8000",
                "--addr 127.0.0.1:8000 and --addr 0.0.0.0:8000 overlap: leave one of them out",
            ),
            ("unix:/x", "/x", "--addr unix:/x is given twice"),
            ("systemd", "systemd", "--addr systemd is given twice"),
        ] {
            let (code, said) = refused(&["--addr", one, "--addr", two]);
            assert_eq!((code, &*said), (Some(1), &*format!("plainws: {why}\n")));
        }
    }

    #[test]
    fn of_which_one_cannot_be_had_leave_no_file_of_another() {
        let folder = Folder::new("not-all");
        let taken = TcpListener::bind("127.0.0.1:0").expect("port 0 is free");
        let address = taken.local_addr().expect("it is bound").to_string();
        let (code, said) = refused(&["--addr", &folder.addr(), "--addr", &address]);
        assert_eq!(code, Some(1));
        assert!(said.contains("another program listens there"), "{said}");
        assert!(!folder.path().exists());
    }
}
