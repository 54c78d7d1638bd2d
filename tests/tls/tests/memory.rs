//! The memory that connections inside TLS take while they are at rest. Linux alone tells it.

#![cfg(target_os = "linux")]

use plainws::{Server, ServerTls};
use plainws_tls_tests::{Files, Peer, Program, trusting};
use std::process::Command;
use std::{env, fs, io};

const TEXT: u8 = 0b1000_0001;
/// Kibibytes that each may take: without optimization the stack of a handshake is far deeper.
const MOST: usize = if cfg!(debug_assertions) { 100 } else { 50 };
/// Those that come first pay for what all of them use.
const FIRST: usize = 50;
const MORE: usize = 200;

/// Where the server's process finds its certificate.
const FOLDER: &str = "PLAINWS_TLS_FOLDER";

#[test]
fn of_a_connection_at_rest_is_small_after_an_echo() {
    let files = Files::local();
    // The server is this program once more: nothing of its clients is in it.
    let mut command = Command::new(env::current_exe().expect("it runs"));
    command
        .args(["--exact", "a_server", "--ignored", "--nocapture"])
        .env(FOLDER, &files.folder);
    let server = Program::start(&mut command);
    let address = server.address();
    let roots = fs::read_to_string(&files.ca).expect("it is there");
    let config = trusting(&roots);
    let open = || {
        let mut peer = Peer::open(address, config.clone(), "/");
        for text in ["hi", "and once more"] {
            peer.send_frame(TEXT, text);
            peer.expect_frame(TEXT, text);
        }
        peer
    };
    let _first: Vec<_> = (0..FIRST).map(|_| open()).collect();
    let before = held(server.id());
    let _more: Vec<_> = (0..MORE).map(|_| open()).collect();
    let each = (held(server.id()) - before) / MORE;
    println!("{each} KiB each");
    assert!(each <= MOST, "{each} KiB each, and not {MOST}");
}

#[test]
#[ignore = "it is the server of the other test"]
fn a_server() {
    let folder = env::var_os(FOLDER).map(std::path::PathBuf::from);
    let folder = folder.expect("the other test starts this one");
    let read = |name| fs::read(folder.join(name)).expect("it is there");
    let tls = ServerTls::from_pem(&read("cert.pem"), &read("key.pem"));
    let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
    let server = server.tls(tls.expect("the certificate is good"));
    let server = server.route("/", |ws| {
        while let Some(message) = ws.receive()? {
            ws.send(message)?;
        }
        plainws::Result::Ok(())
    });
    let address = server.local_addr().expect("it is bound");
    println!("https://{address}/");
    let handle = server.handle().expect("it is bound");
    // It ends with the other test.
    std::thread::spawn(move || {
        let _ = io::read_to_string(io::stdin());
        handle.cut();
    });
    server.serve();
}

/// Kibibytes that a process holds in memory.
fn held(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("Linux tells")
}
