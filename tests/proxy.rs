//! Behind nginx, set up as `docs/in-the-open.md` says. Without nginx the test says that it is skipped;
//! `PLAINWS_NGINX=required` makes that a failure.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use crate::support;
use crate::support::program::{Process, Program};
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use plainws::{Client, CloseCode, Error};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// nginx in front of a server, ended and cleared away when dropped.
struct Proxy {
    _process: Process,
    folder: PathBuf,
    address: SocketAddr,
}

impl Proxy {
    /// `None` where there is no nginx.
    fn in_front_of(server: SocketAddr) -> Option<Self> {
        if Command::new("nginx").arg("-v").output().is_err() {
            support::skip(
                "the test with nginx",
                "nginx is not installed",
                "PLAINWS_NGINX",
            );
            return None;
        }
        // Freed just before nginx takes it: it cannot choose one by itself.
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let folder = std::env::temp_dir().join(format!("plainws-nginx-{}", address.port()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration(address, server)).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&path)
            .args(["-e", "stderr"]);
        let process = Process::start(&mut command).unwrap();
        let proxy = Self {
            _process: process,
            folder,
            address,
        };
        proxy.wait();
        Some(proxy)
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The page's location in a server of its own.
fn configuration(listen: SocketAddr, server: SocketAddr) -> String {
    let page = include_str!("../docs/in-the-open.md");
    let (_, rest) = page.split_once("```nginx\n").unwrap();
    let (location, _) = rest.split_once("```").unwrap();
    assert!(location.contains("127.0.0.1:8000"));
    let location = location.replace("127.0.0.1:8000", &server.to_string());
    format!(
        "daemon off; master_process off; pid nginx.pid;\n\
         events {{}}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;\n\
         uwsgi_temp_path u; scgi_temp_path s;\n\
         server {{ listen {listen};\n{location}}} }}\n"
    )
}

/// The page's command for a server that a proxy stands in front of: its flags.
fn flags() -> Vec<&'static str> {
    let page = include_str!("../docs/in-the-open.md");
    let (before, _) = page.split_once("```nginx\n").unwrap();
    let (_, command) = before.rsplit_once("$ plainws ").unwrap();
    command.lines().next().unwrap().split(' ').collect()
}

#[test]
fn the_host_that_people_see_is_answered_for_and_no_other() {
    let flags = flags();
    assert_eq!(flags, ["--allow-host", "example.com"]);
    let program = Program::serve(&[&["--quiet"], &flags[..]].concat());
    let Some(proxy) = Proxy::in_front_of(program.address) else {
        return;
    };
    let status = |host: &str| {
        let request = upgrade_request("/echo").replace(
            "Host: localhost",
            &format!("Host: {host}\r\nOrigin: https://{host}"),
        );
        let mut raw = Raw::connect(proxy.address);
        raw.send(request);
        raw.head()[9..12].to_owned()
    };
    assert_eq!(status("example.com"), "101");
    assert_eq!(status("evil.example"), "421");
}

#[test]
fn serves_messages_pages_and_closes_through_nginx() {
    let program = Program::serve(&["--quiet"]);
    let Some(proxy) = Proxy::in_front_of(program.address) else {
        return;
    };

    let origin = format!("http://{}", proxy.address);
    let ws = Client::new(&proxy.url("/echo"))
        .unwrap()
        .origin(&origin)
        .unwrap()
        .connect()
        .unwrap();
    for size in [0, 125, 126, 65_536, 1_000_000] {
        ws.send(vec![7; size]).unwrap();
        assert_eq!(ws.receive().unwrap(), Some(vec![7; size].into()));
    }
    ws.close(CloseCode(4000), "through nginx").unwrap();
    assert_eq!(ws.close_reason().unwrap().code, CloseCode(4000));

    let clock = plainws::connect(&proxy.url("/test_websocket")).unwrap();
    assert!(
        clock
            .receive()
            .unwrap()
            .unwrap()
            .as_text()
            .unwrap()
            .starts_with("{\"time\": ")
    );

    let foreign = Client::new(&proxy.url("/echo"))
        .unwrap()
        .origin("https://elsewhere.example")
        .unwrap();
    assert!(
        matches!(foreign.connect(), Err(Error::Refused(refusal)) if refusal.response.status() == 403)
    );
    let nowhere = plainws::connect(&proxy.url("/nowhere"));
    assert!(matches!(nowhere, Err(Error::Refused(refusal)) if refusal.response.status() == 404));
}
