//! `plainws serve --addr systemd`: sockets that are passed, and what a supervisor is told.
#![cfg(target_os = "linux")]

use crate::support::bytes::TEXT;
use crate::support::program::{Process, command, is_heeded, run};
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Becomes the program in the same process, with sockets as systemd passes them.
fn passing(environment: &str, arguments: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("{environment} exec \"$0\" \"$@\" 3<&0 4<&1 </dev/null >&2");
    shell.args(["-c", &script]).arg(command().get_program());
    shell.args(arguments);
    shell
}

const ONE: &str = "LISTEN_PID=$$ LISTEN_FDS=1";
const TWO: &str = "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:admin";

/// Passes one socket.
fn pass(environment: &str, socket: impl Into<OwnedFd>, arguments: &[&str]) -> Process {
    let mut shell = passing(environment, arguments);
    let process = Process::start_with(&mut shell, socket.into(), Stdio::null());
    process.expect("there is a shell")
}

/// Waits until it has said where it is.
fn said(process: &Process) -> String {
    process.stderr.wait_for("all that it says", |said| {
        let end = said.find("Try it")?;
        said[end..].contains('\n').then(|| said.to_owned())
    })
}

fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is free");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

fn clone(listener: &TcpListener) -> TcpListener {
    listener.try_clone().expect("a descriptor is free")
}

#[track_caller]
fn check_echo(mut raw: Raw) {
    raw.send(upgrade_request("/echo"));
    raw.expect_101();
    raw.send_frame(TEXT, "Hello");
    raw.expect_frame(TEXT, "Hello");
}

/// A path that is free, and is freed again.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Self {
        let name = format!("plainws-{}-{name}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

mod a_passed_socket {
    use super::*;

    #[test]
    fn is_served_and_goes_on_listening_for_the_next_start() {
        let (kept, address) = tcp();
        let mut waiting = None;
        for _ in 0..2 {
            let mut process = pass(ONE, clone(&kept), &["--addr", "systemd"]);
            let said = said(&process);
            assert!(
                said.contains(&format!("plainws serves http://{address}/\n")),
                "{said}"
            );
            if let Some(waiting) = waiting.take() {
                check_echo(waiting);
            }
            check_echo(Raw::connect(address));
            if !is_heeded(15) {
                return;
            }
            process.signal("TERM");
            assert_eq!(process.wait().code(), Some(0));
            // While nothing runs.
            waiting = Some(Raw::connect(address));
        }
    }

    #[test]
    fn may_be_a_unix_socket_whose_file_stays() {
        let path = Path::new("passed");
        let kept = UnixListener::bind(&path.0).expect("the path is free");
        for _ in 0..2 {
            let clone = kept.try_clone().expect("a descriptor is free");
            let mut process = pass(ONE, clone, &["--addr", "systemd"]);
            let said = said(&process);
            assert!(
                said.contains(&format!("plainws serves unix:{}\n", path.0.display())),
                "{said}"
            );
            assert!(said.contains(", as its SocketMode= says)."), "{said}");
            check_echo(Raw::from(UnixStream::connect(&path.0).expect("it listens")));
            if !is_heeded(15) {
                return;
            }
            process.signal("TERM");
            assert_eq!(process.wait().code(), Some(0));
            assert!(path.0.exists());
        }
    }

    #[test]
    fn may_be_a_unix_socket_without_a_file() {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::SocketAddr;

        let name = format!("plainws-{}-abstract", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("it is short");
        let kept = UnixListener::bind_addr(&address).expect("the name is free");
        let process = pass(ONE, kept, &["--addr", "systemd"]);
        let said = said(&process);
        assert!(
            said.contains(&format!("plainws serves unix:@{name}\n")),
            "{said}"
        );
        assert!(
            said.contains(&format!("curl --abstract-unix-socket {name} ")),
            "{said}"
        );
        check_echo(Raw::from(
            UnixStream::connect_addr(&address).expect("it listens"),
        ));
    }

    #[test]
    fn may_be_one_that_does_not_wait() {
        let (kept, address) = tcp();
        kept.set_nonblocking(true).expect("it is a socket");
        let process = pass(ONE, kept, &["--addr", "systemd"]);
        said(&process);
        check_echo(Raw::connect(address));
        let so_far = process.stderr.so_far();
        assert!(!so_far.contains("not accepted"), "{so_far}");
    }

    #[test]
    fn may_stand_beside_an_address() {
        let (kept, address) = tcp();
        let process = pass(ONE, kept, &["--addr", "127.0.0.1:0", "--addr", "systemd"]);
        let said = said(&process);
        let (_, places) = said
            .split_once("plainws serves http://")
            .expect("it says so");
        let own = places.split('/').next().expect("an address");
        check_echo(Raw::connect(own.parse().expect("an address")));
        check_echo(Raw::connect(address));
    }

    #[test]
    fn is_chosen_by_its_name() {
        let ((web, web_address), (admin, admin_address)) = (tcp(), tcp());
        let mut shell = passing(TWO, &["--addr", "systemd:admin"]);
        let [input, output] = [&web, &admin].map(|listener| OwnedFd::from(clone(listener)));
        let process = Process::start_with(&mut shell, input, output).expect("there is a shell");
        let said = said(&process);
        assert!(
            said.contains(&format!("plainws serves http://{admin_address}/\n\n")),
            "{said}"
        );
        check_echo(Raw::connect(admin_address));
        // The other one is nobody's yet.
        let _waiting = TcpStream::connect(web_address).expect("it listens");
        web.set_nonblocking(true).expect("it is a socket");
        web.accept().expect("it waits in the queue");
    }

    #[test]
    fn is_served_without_its_name_and_so_are_all() {
        let ((web, web_address), (admin, admin_address)) = (tcp(), tcp());
        let mut shell = passing(TWO, &["--addr", "systemd"]);
        let [input, output] = [web, admin].map(OwnedFd::from);
        let process = Process::start_with(&mut shell, input, output).expect("there is a shell");
        said(&process);
        check_echo(Raw::connect(web_address));
        check_echo(Raw::connect(admin_address));
    }
}

mod what_cannot_be_served {
    use super::*;

    #[track_caller]
    fn check(mut process: Process, why: &str) {
        assert_eq!(process.wait().code(), Some(1));
        let said = process.stderr.whole();
        assert!(
            said.starts_with("plainws: ") && said.contains(why),
            "{said}"
        );
    }

    #[test]
    fn is_nothing() {
        check(
            run(&["--addr", "systemd"]),
            "cannot listen on systemd: systemd has passed no socket (LISTEN_FDS is not set): ",
        );
        let none = pass(
            "LISTEN_PID=$$ LISTEN_FDS=0",
            tcp().0,
            &["--addr", "systemd:web"],
        );
        check(
            none,
            "cannot listen on systemd:web: systemd has passed no socket (LISTEN_FDS)",
        );
    }

    #[test]
    fn is_what_was_passed_to_another_process() {
        let others = pass("LISTEN_PID=1 LISTEN_FDS=1", tcp().0, &["--addr", "systemd"]);
        check(
            others,
            "the sockets are for process 1 (LISTEN_PID), and this is ",
        );
    }

    #[test]
    fn is_a_name_that_no_socket_has() {
        let environment = format!("{ONE} LISTEN_FDNAMES=plainws.socket");
        let misnamed = pass(&environment, tcp().0, &["--addr", "systemd:web"]);
        check(
            misnamed,
            "systemd has passed no socket of that name, but plainws.socket. FileDescriptorName=",
        );
    }

    #[test]
    fn is_a_socket_that_two_addresses_name() {
        let environment = format!("{ONE} LISTEN_FDNAMES=web");
        let arguments = ["--addr", "systemd:web", "--addr", "systemd"];
        check(
            pass(&environment, tcp().0, &arguments),
            "web is named by another --addr too",
        );
    }

    #[test]
    fn is_what_does_not_listen() {
        let (listener, address) = tcp();
        let connection = TcpStream::connect(address).expect("it listens");
        drop(listener);
        let accepted = pass(ONE, connection, &["--addr", "systemd"]);
        check(
            accepted,
            "it does not listen: the socket unit must not say Accept=yes",
        );
    }

    #[test]
    fn is_what_is_no_stream_socket() {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("port 0 is free");
        let file = fs::File::open("/dev/null").expect("it is there");
        for other in [OwnedFd::from(udp), OwnedFd::from(file)] {
            let process = pass(ONE, other, &["--addr", "systemd"]);
            check(
                process,
                "it is neither a TCP socket nor a Unix stream socket (ListenStream=)",
            );
        }
    }
}

mod a_supervisor {
    use super::*;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;

    #[test]
    fn is_told_when_all_is_listened_on_and_when_the_end_begins() {
        let path = Path::new("notify");
        let supervisor = UnixDatagram::bind(&path.0).expect("the path is free");
        supervisor
            .set_read_timeout(Some(PATIENCE))
            .expect("it is a socket");
        let told = || {
            let mut buffer = [0; 100];
            let length = supervisor.recv(&mut buffer).expect("something is told");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        // A socket that was passed does not tell whether it is served: one of its own does.
        let at = Path::new("notified");
        let mut program = command();
        program
            .args(["--addr", "127.0.0.1:0", "--drain", "600", "--addr"])
            .arg(&at.0);
        program.env("NOTIFY_SOCKET", &path.0);
        let mut process = Process::start(&mut program).expect("the program was built");
        assert_eq!(told(), "READY=1\n");
        check_echo(Raw::from(UnixStream::connect(&at.0).expect("it listens")));
        if !is_heeded(15) {
            return;
        }
        // It is told at the first signal, and once.
        process.signal("TERM");
        assert_eq!(told(), "STOPPING=1\n");
        process.signal("TERM");
        assert_eq!(process.wait().code(), Some(0));
        supervisor.set_nonblocking(true).expect("it is a socket");
        assert!(supervisor.recv(&mut [0; 100]).is_err());
    }

    #[test]
    fn may_have_a_socket_without_a_file() {
        let name = format!("plainws-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("it is short");
        let supervisor = UnixDatagram::bind_addr(&address).expect("the name is free");
        supervisor
            .set_read_timeout(Some(PATIENCE))
            .expect("it is a socket");
        let mut program = command();
        program.args(["--addr", "127.0.0.1:0"]);
        program.env("NOTIFY_SOCKET", format!("@{name}"));
        let _process = Process::start(&mut program).expect("the program was built");
        let mut buffer = [0; 100];
        let length = supervisor.recv(&mut buffer).expect("something is told");
        assert_eq!(&buffer[..length], b"READY=1\n");
    }

    #[test]
    fn that_is_not_there_is_said_and_does_no_harm() {
        let mut program = command();
        program.args(["--addr", "127.0.0.1:0"]);
        program.env("NOTIFY_SOCKET", "/nowhere/notify");
        let process = Process::start(&mut program).expect("the program was built");
        let warning = "cannot tell systemd (NOTIFY_SOCKET): ";
        process
            .stderr
            .wait_for("a warning", |said| said.contains(warning).then_some(()));
        let address = process.stdout.wait_for("a URL", |said| {
            let (_, url) = said.split_once("://")?;
            url.split_once('/')?.0.parse().ok()
        });
        check_echo(Raw::connect(address));
    }
}
