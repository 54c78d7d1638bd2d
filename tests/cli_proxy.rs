//! `plainws proxy` between real clients and servers: what it passes on, and what it tells of that.

use crate::support::bytes::{BINARY, CLOSE, PING, TEXT, close_body, frame, wire};
use crate::support::golden::{self, timeless};
use crate::support::hand_made::switching;
use crate::support::program::{Held, Process, Program, command};
use crate::support::raw::{PATIENCE, Raw, accept, upgrade_request};
use crate::support::run::{check_fit_for_a_terminal, run};
use plainws::{Message, Role};
use serde_json::Value;
use socket2::SockRef;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// A proxy in front of a server.
pub(crate) struct Proxy {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Proxy {
    pub(crate) fn before(server: SocketAddr, flags: &[&str]) -> Self {
        let to = format!("ws://{server}");
        let arguments = ["proxy", "--listen", "127.0.0.1:0", "--to", &to];
        let process = Process::start(command().args(arguments).args(flags));
        let process = process.expect("the program was built");
        let address = process.stderr.wait_for("address", |text| {
            let (_, url) = text.split_once("plainws: ws://")?;
            url.split_once(' ')?.0.parse().ok()
        });
        Self { process, address }
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// Waits until it has said this.
    #[track_caller]
    fn wait_for(&self, said: &str) -> String {
        self.process
            .stderr
            .wait_for(said, |text| text.contains(said).then(|| text.to_owned()))
    }

    /// What it has said, once connections that are open have ended and it has as well.
    pub(crate) fn whole(mut self) -> (String, String) {
        self.process.signal("TERM");
        assert_eq!(self.process.wait().code(), Some(0));
        (self.process.stderr.whole(), self.process.stdout.whole())
    }
}

/// A server of one TCP connection through a proxy: both ends of it.
struct Ends {
    proxy: Proxy,
    client: TcpStream,
    server: TcpStream,
}

fn ends(flags: &[&str]) -> Ends {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let proxy = Proxy::before(listener.local_addr().expect("it is bound"), flags);
    let client = TcpStream::connect(proxy.address).expect("it listens");
    let server = accept(&listener);
    for end in [&client, &server] {
        end.set_read_timeout(Some(PATIENCE)).expect("it is open");
        end.set_write_timeout(Some(PATIENCE)).expect("it is open");
    }
    Ends {
        proxy,
        client,
        server,
    }
}

/// Bytes that look random, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    });
    bytes.take(length).collect()
}

/// Writes bytes in pieces of odd lengths, and ends the direction.
fn send_in_pieces(mut end: &TcpStream, bytes: &[u8]) {
    let mut rest = bytes;
    for length in [1, 2, 7, 997, 13, 65_537].iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*length));
        end.write_all(piece).expect("all of it is taken");
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    end.shutdown(Shutdown::Write).expect("it is open");
}

fn until_end(mut end: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    end.read_to_end(&mut bytes).expect("it ends with a FIN");
    bytes
}

/// An opening handshake, and these bytes after it, in both directions.
fn openings_and(client: &[u8], server: &[u8]) -> [Vec<u8>; 2] {
    let request = upgrade_request("/chat");
    let response = switching(&request);
    [
        [request.as_bytes(), client].concat(),
        [response.as_bytes(), server].concat(),
    ]
}

mod bytes {
    use super::*;

    #[track_caller]
    fn pass_unchanged(client: &[u8], server: &[u8], flags: &[&str]) {
        let ends = ends(flags);
        thread::scope(|scope| {
            scope.spawn(|| send_in_pieces(&ends.client, client));
            scope.spawn(|| send_in_pieces(&ends.server, server));
            scope.spawn(|| assert!(until_end(&ends.client) == server, "other bytes"));
            scope.spawn(|| assert!(until_end(&ends.server) == client, "other bytes"));
        });
        ends.proxy.whole();
    }

    #[test]
    fn of_any_kind_pass_unchanged() {
        for flags in [&[][..], &["--trace=full"], &["--json"]] {
            // Neither is WebSocket, nor anything else.
            pass_unchanged(&noise(1, 300_001), &noise(2, 200_003), flags);
            // Both break a rule somewhere after the handshake.
            let [client, server] = openings_and(&noise(3, 100_001), &noise(4, 100_003));
            pass_unchanged(&client, &server, flags);
            let large = frame(Role::Client, BINARY, &noise(5, 70_000));
            let answer = frame(Role::Server, BINARY, &noise(6, 300_000));
            let [client, server] = openings_and(&large, &answer);
            pass_unchanged(&client, &server, flags);
        }
    }

    #[test]
    fn go_on_in_one_direction_when_the_other_has_ended() {
        for is_of_client in [true, false] {
            let ends = ends(&[]);
            let (first, mut last) = match is_of_client {
                true => (&ends.client, &ends.server),
                false => (&ends.server, &ends.client),
            };
            first.shutdown(Shutdown::Write).expect("it is open");
            assert_eq!(until_end(last), b"");
            last.write_all(b"still here").expect("it is open");
            last.shutdown(Shutdown::Write).expect("it is open");
            assert_eq!(until_end(first), b"still here");
        }
    }

    #[test]
    fn are_followed_by_a_reset_where_that_came() {
        for is_of_client in [true, false] {
            let Ends {
                proxy,
                client,
                server,
            } = ends(&[]);
            let (mut first, mut last, mark) = match is_of_client {
                true => (client, server, '>'),
                false => (server, client, '<'),
            };
            first.write_all(b"\x01").expect("it is open");
            assert_eq!(last.read(&mut [0; 2]).expect("it comes"), 1);
            let no_time = Some(Duration::ZERO);
            SockRef::from(&first)
                .set_linger(no_time)
                .expect("it is open");
            drop(first);
            let end = last.read(&mut [0; 1]);
            let kind = end.expect_err("it is reset, and not ended").kind();
            assert_eq!(kind, std::io::ErrorKind::ConnectionReset);
            let told = proxy.wait_for("reset");
            let line = told.lines().find(|line| line.contains("reset"));
            assert!(
                line.is_some_and(|line| line.contains(&format!(" {mark} "))),
                "{told}"
            );
        }
    }

    #[test]
    fn that_are_not_read_hold_back_who_sends_them_and_none_is_lost() {
        let ends = ends(&[]);
        let mut server = &ends.server;
        let payload = noise(7, 65_536);
        let [_, opening] = openings_and(b"", b"");
        server.write_all(&opening).expect("it is taken");
        let piece = frame(Role::Server, BINARY, &payload);
        server
            .set_write_timeout(Some(Duration::from_millis(400)))
            .expect("it is open");
        let mut sent = opening;
        // Far more than the buffers of four sockets hold.
        const TOO_MUCH: usize = 256 * 1024 * 1024;
        'all: while sent.len() < TOO_MUCH {
            let mut rest = &piece[..];
            while !rest.is_empty() {
                match server.write(rest) {
                    Ok(length) => {
                        sent.extend(&rest[..length]);
                        rest = &rest[length..];
                    }
                    Err(_) => break 'all,
                }
            }
        }
        assert!(sent.len() < TOO_MUCH, "the proxy takes without an end");
        if let Some(held) = Held::by(ends.proxy.process.id()) {
            assert!(held.kibibytes < 64 * 1024, "{held:?}");
        }
        server.shutdown(Shutdown::Write).expect("it is open");
        let received = until_end(&ends.client);
        assert!(received == sent, "{} of {}", received.len(), sent.len());
    }
}

mod connections {
    use super::*;

    #[test]
    fn many_at_once_are_echoed_and_told_apart() {
        const MANY: usize = 60;
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &[]);
        let open = |_| plainws::connect(&proxy.url("/echo")).expect("it is let in");
        let all: Vec<_> = (0..MANY).map(open).collect();
        for round in 0..3 {
            for (number, ws) in all.iter().enumerate() {
                ws.send(format!("{number} {round}")).expect("it is open");
            }
            for (number, ws) in all.iter().enumerate() {
                let echo = Message::Text(format!("{number} {round}"));
                assert_eq!(ws.receive().expect("it is open"), Some(echo));
            }
        }
        for ws in &all {
            ws.close(plainws::CloseCode::NORMAL, "")
                .expect("it is open");
        }
        drop(all);
        let (said, _) = proxy.whole();
        let legal = said
            .lines()
            .filter(|line| line.ends_with("close 1000, legal"));
        assert_eq!(legal.count(), 2 * MANY, "{said}");
        assert!(said.contains(&format!("#{MANY} ")), "{said}");
    }

    #[test]
    fn beyond_the_most_are_closed_and_told_of_and_there_is_room_again() {
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &["--max-connections", "2"]);
        let first = Raw::open(proxy.address, "/echo");
        let mut second = Raw::open(proxy.address, "/echo");
        let mut third = Raw::connect(proxy.address);
        assert_eq!(third.until_end(), b"");
        proxy.wait_for("was closed: there are 2 connections already (--max-connections)");
        second.send_frame(TEXT, "still here");
        second.expect_frame(TEXT, "still here");
        drop(first);
        proxy.wait_for("#1 ");
        // What it tells of the end comes before the place is free.
        let mut again = loop {
            let mut raw = Raw::connect(proxy.address);
            raw.try_send(upgrade_request("/echo")).ok();
            if !raw.head_or_end().is_empty() {
                break raw;
            }
        };
        again.send_frame(TEXT, "in");
        again.expect_frame(TEXT, "in");
    }

    #[test]
    fn to_a_server_that_is_not_there_are_closed_and_told_of_one_by_one() {
        let free = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let proxy = Proxy::before(address, &["--json"]);
        for number in 1..=2 {
            let mut raw = Raw::connect(proxy.address);
            let _ = raw.try_send(upgrade_request("/echo"));
            assert_eq!(raw.until_end(), b"");
            let said = proxy.wait_for(&format!("#{number} from "));
            let problem = format!("was closed: cannot connect to {address}: ");
            assert_eq!(said.matches(&problem).count(), number, "{said}");
        }
        let (_, events) = proxy.whole();
        let events: Vec<Value> = objects(&events);
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| event["event"] == "failed"));
    }

    #[test]
    fn that_are_open_end_with_the_proxy() {
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &[]);
        let mut raw = Raw::open(proxy.address, "/echo");
        raw.send_frame(TEXT, "Hello");
        raw.expect_frame(TEXT, "Hello");
        let (said, _) = proxy.whole();
        raw.until_end();
        assert!(
            said.contains("1 frame, 1 message, 163 bytes, no close, legal"),
            "{said}"
        );
    }
}

mod what_is_told {
    use super::*;

    /// What a proxy says of a connection in which either end sends these bytes after the handshake. Addresses
    /// and times are the same for all.
    fn told(flags: &[&str], client: &[u8], server: &[u8]) -> (String, String) {
        let openings = openings_and(b"", b"");
        said_of(flags, &[&openings[0], client], &[&openings[1], server])
    }

    /// The same of what they send in turn.
    fn said_of(flags: &[&str], client: &[&[u8]], server: &[&[u8]]) -> (String, String) {
        let mut ends = ends(flags);
        let addresses = [
            (ends.client.local_addr(), "127.0.0.1:40000"),
            (ends.server.local_addr(), "127.0.0.1:8000"),
            (ends.client.peer_addr(), "127.0.0.1:9000"),
        ];
        for (said, answer) in client.iter().zip(server) {
            ends.client.write_all(said).expect("it is open");
            let mut heard = vec![0; said.len()];
            ends.server.read_exact(&mut heard).expect("it comes");
            ends.server.write_all(answer).expect("it is open");
            let mut heard = vec![0; answer.len()];
            ends.client.read_exact(&mut heard).expect("it comes");
        }
        ends.server.shutdown(Shutdown::Write).expect("it is open");
        until_end(&ends.client);
        ends.client.shutdown(Shutdown::Write).expect("it is open");
        assert_eq!(until_end(&ends.server), b"");
        let (mut said, mut events) = ends.proxy.whole();
        for (address, name) in addresses {
            let address = address.expect("it was open").to_string();
            said = said.replace(&address, name);
            events = events.replace(&address, name);
        }
        (timeless(&said), events)
    }

    fn conversation() -> [Vec<u8>; 2] {
        let close = close_body(1000, b"");
        let of = |sender, more: &[_]| wire(sender, &[more, &[(CLOSE, &close[..])]].concat());
        [
            of(Role::Client, &[(TEXT, b"Hello"), (PING, b"hi")]),
            of(Role::Server, &[(TEXT, b"Hello")]),
        ]
    }

    #[test]
    fn of_a_connection_fits_the_golden_files() {
        let [client, server] = conversation();
        for (flags, name) in [
            (&[][..], "summary"),
            (&["--trace"], "trace"),
            (&["--trace=full"], "trace-full"),
        ] {
            let (said, events) = told(flags, &client, &server);
            check_fit_for_a_terminal(&said);
            golden::check(&format!("proxy/{name}.txt"), &said);
            assert_eq!(events, "");
        }
    }

    #[test]
    fn names_the_side_that_breaks_a_rule() {
        let legal = conversation();
        let unmasked = b"\x81\x05Hello";
        let masked = frame(Role::Client, TEXT, b"Hello");
        let (said, _) = told(&[], unmasked, &legal[1]);
        assert!(said.contains("> the client breaks §5.1: "), "{said}");
        assert!(said.contains("VIOLATION mask-missing\n"), "{said}");
        assert!(
            said.contains("< 101: 2 frames, 1 message, 140 bytes, close 1000, legal"),
            "{said}"
        );

        let (said, _) = told(&["--trace"], &legal[0], &masked);
        assert!(said.contains("< the server breaks §5.1: "), "{said}");
        assert!(
            said.contains("> GET /chat: 3 frames, 1 message, "),
            "{said}"
        );
        assert!(!said.contains("the client breaks"), "{said}");

        let wrong = switching(&upgrade_request("/")).replace("Accept: s", "Accept: t");
        let (said, _) = said_of(&[], &[upgrade_request("/").as_bytes()], &[wrong.as_bytes()]);
        assert!(said.contains("< the server breaks §4.1: "), "{said}");
        assert!(said.contains("(accept-wrong)"), "{said}");
        check_fit_for_a_terminal(&said);

        // The longest line that there is.
        let (said, _) = told(&[], b"\x88\x84\0\0\0\0\x03\xe8\xff\xff", b"");
        check_fit_for_a_terminal(&said);
        assert!(said.contains("VIOLATION close-reason-not-utf8\n"), "{said}");
    }

    #[test]
    fn of_compressed_messages_is_no_violation_once_they_were_agreed_to() {
        // "Hello" of RFC 7692 §7.2.3.1, masked with zeros and not masked.
        let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
        let client = [&b"\xc1\x87\0\0\0\0"[..], hello].concat();
        let server = [&b"\xc1\x07"[..], hello].concat();
        let extension = "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        let request = upgrade_request("/chat").replace("\r\n\r\n", extension);
        let declined = switching(&request);
        let agreed = declined.replace("\r\n\r\n", extension);
        let said = |response: &str| {
            let said = said_of(
                &["--trace"],
                &[request.as_bytes(), &client],
                &[response.as_bytes(), &server],
            );
            said.0
        };
        let legal = said(&agreed);
        assert!(!legal.contains("VIOLATION"), "{legal}");
        assert_eq!(legal.matches("TEXT   fin ").count(), 2, "{legal}");
        assert_eq!(legal.matches(" compressed\n").count(), 2, "{legal}");
        let broken = said(&declined);
        assert!(broken.contains("the client breaks §5.2: "), "{broken}");
        assert!(broken.contains("the server breaks §5.2: "), "{broken}");
    }

    #[test]
    fn of_a_refusal_and_of_other_http_is_no_violation() {
        let refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing";
        let (said, _) = said_of(&["--trace"], &[upgrade_request("/").as_bytes()], &[refusal]);
        assert!(
            said.contains("< HTTP/1.1 404 Not Found  1 header field, refused\n"),
            "{said}"
        );
        assert!(
            said.contains("< 7 bytes of a body  \"nothing\"\n"),
            "{said}"
        );
        assert!(!said.contains("VIOLATION"), "{said}");

        let page = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
        let pages = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npageHTTP/1.1 204 No\r\n\r\n";
        let (said, _) = said_of(&["--trace"], &[page], &[pages]);
        assert!(
            said.contains("> GET /2 HTTP/1.1  1 header field, HTTP\n"),
            "{said}"
        );
        assert!(
            said.contains("< HTTP/1.1 204 No  0 header fields, HTTP\n"),
            "{said}"
        );
        assert!(
            said.contains("> GET /2: 59 bytes, no WebSocket\n"),
            "{said}"
        );
        assert!(!said.contains("VIOLATION"), "{said}");
    }

    #[test]
    fn of_another_protocol_names_it() {
        let hello = b"\x16\x03\x01\x00\xa5\x01";
        let (said, _) = said_of(&[], &[hello], &[b""]);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("; likely the client speaks TLS: "), "{said}");
        let (_, events) = said_of(&["--json"], &[b""], &[b"SSH-2.0-OpenSSH\r\n"]);
        let events = objects(&events);
        let violation = events.iter().find(|event| event["event"] == "violation");
        let likely = &violation.expect("it is no HTTP")["likely"];
        assert_eq!(likely, "this is an SSH server: SSH-2.0-OpenSSH");
    }

    #[test]
    fn of_what_ends_in_the_middle_is_that_it_is_unfinished() {
        let (said, _) = told(&["--trace"], b"\x81\x85\0", b"\x01\x01a");
        assert!(
            said.contains("> 3 bytes of a frame, and then the end\n"),
            "{said}"
        );
        assert_eq!(said.matches("no close, unfinished\n").count(), 2, "{said}");
    }
}

fn objects(events: &str) -> Vec<Value> {
    let lines = events.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

mod events {
    use super::*;

    #[test]
    fn are_objects_with_the_names_that_decode_has() {
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &["--json"]);
        let mut raw = Raw::open(proxy.address, "/echo");
        raw.send_frame(TEXT, "Gr\u{fc}\u{df}e \u{1b}[31m");
        raw.expect_frame(TEXT, "Gr\u{fc}\u{df}e \u{1b}[31m");
        raw.send(b"\xc1");
        raw.until_end();
        drop(raw);
        let json = proxy.process.stdout.wait_for("the end", |text| {
            text.contains("\"end\"").then(|| text.to_owned())
        });
        assert!(
            json.bytes()
                .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
        );
        let events = objects(&json);
        let names: Vec<_> = events
            .iter()
            .filter_map(|event| event["event"].as_str())
            .collect();
        let expected = [
            "open",
            "handshake",
            "handshake",
            "frame",
            "frame",
            "frame",
            "violation",
        ];
        assert_eq!(names[..7], expected, "{names:?}");
        assert!(events.iter().all(|event| event["connection"] == 1));
        let times = events.iter().filter_map(|event| event["time"].as_f64());
        assert_eq!(times.clone().count(), events.len());
        assert!(times.collect::<Vec<_>>().is_sorted());

        assert_eq!(events[1]["sender"], "client");
        assert_eq!(events[1]["kind"], "opening");
        assert_eq!(
            events[2]["handshake"]["derivation"]["accept"],
            crate::support::raw::ACCEPT
        );
        let frame = &events[3];
        assert_eq!(frame["payload.text"], "Gr\u{fc}\u{df}e \u{1b}[31m");
        assert_eq!(
            (&frame["fin"], &frame["masking_key"]),
            (&true.into(), &"37fa213d".into())
        );
        assert!(frame["spans"].is_null());
        assert_eq!(events[6]["rule"], "rsv-not-zero");
        assert_eq!(events[6]["sender"], "client");
        let end = events.last().expect("there are some");
        assert_eq!(end["client"]["verdict"], "violation");
        assert_eq!(end["client"]["frames"], 1);
        assert_eq!(end["server"]["close_code"], 1002);
        // People are not told the same.
        let said = proxy
            .process
            .stderr
            .wait_for("what it says", |text| Some(text.to_owned()));
        assert_eq!(said.lines().count(), 1, "{said}");
    }

    #[test]
    fn of_a_full_trace_have_the_spans() {
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &["--json", "--trace=full"]);
        let mut raw = Raw::open(proxy.address, "/echo");
        raw.send_frame(TEXT, "Hello");
        raw.expect_frame(TEXT, "Hello");
        let (_, json) = proxy.whole();
        let events = objects(&json);
        let frames: Vec<_> = events
            .iter()
            .filter(|event| event["event"] == "frame")
            .collect();
        assert_eq!(frames.len(), 2);
        assert_eq!(
            frames[0]["spans"][0]["meaning"],
            "last frame of the message"
        );
        let decoded = crate::support::run::run_with(
            &["decode", "--role", "client", "--json"],
            &[
                upgrade_request("/echo").as_bytes(),
                &frame(Role::Client, TEXT, b"Hello"),
            ]
            .concat(),
        );
        let decoded: Value = serde_json::from_str(&decoded.stdout).expect("it is JSON");
        let of_decode = decoded["frames"][0].as_object().expect("it is an object");
        for (name, value) in of_decode {
            assert_eq!(&frames[0][name], value, "{name}");
        }
        assert_eq!(&events[1]["handshake"], &decoded["handshake"]);
    }
}

/// A file that is removed when it is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("plainws-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("it is UTF-8")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).expect("it was written")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

mod a_saved_session {
    use super::*;

    /// The bytes of a direction of a connection, as the lines that begin so have them.
    fn bytes(session: &str, start: &str) -> Vec<u8> {
        let lines = session.lines().filter_map(|line| line.strip_prefix(start));
        let words = lines.flat_map(|line| line.split(' ').skip(1));
        words
            .map(|word| u8::from_str_radix(word, 16).expect("it is hex"))
            .collect()
    }

    #[test]
    fn has_all_bytes_of_both_directions_with_their_times() {
        let file = Temporary::new("session");
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &["--save", file.path()]);
        let mut all = Vec::new();
        for length in [5, 1000, 100_000] {
            let mut raw = Raw::connect(proxy.address);
            let request = upgrade_request("/echo");
            let message = frame(Role::Client, BINARY, &noise(8, length));
            raw.send(&request);
            let response = raw.expect_101();
            raw.send(&message);
            raw.expect_frame(BINARY, noise(8, length));
            let sent = [request.as_bytes(), &message].concat();
            all.push((sent, response, length));
        }
        let (said, _) = proxy.whole();
        assert!(!said.contains("saved"), "{said}");
        let session = file.text();
        for (number, (sent, response, length)) in (1..).zip(all) {
            assert!(
                bytes(&session, &format!("#{number} > ")) == sent,
                "{length}"
            );
            let answer = frame(Role::Server, BINARY, &noise(8, length));
            let received = bytes(&session, &format!("#{number} < "));
            assert!(
                received.starts_with(&[response.as_bytes(), &answer].concat()),
                "{length}"
            );
            let heading = format!("\n# connection {number} 127.0.0.1:");
            assert!(session.contains(&heading), "{heading}");
        }
        let lines = session.lines().filter(|line| !line.starts_with("# "));
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            assert!((4..=3 + 64).contains(&words.len()), "{line}");
            let (whole, part) = words[2].split_once('.').expect("seconds have a point");
            assert!(whole.parse::<u64>().is_ok() && part.len() == 6, "{line}");
        }
    }

    #[test]
    fn is_read_back_by_decode_in_both_directions() {
        let file = Temporary::new("read-back");
        let server = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(server.address, &["--save", file.path()]);
        for text in ["first", "second"] {
            let mut raw = Raw::open(proxy.address, "/echo");
            raw.send_frame(TEXT, text);
            raw.expect_frame(TEXT, text);
            raw.send_frame(CLOSE, close_body(1000, b""));
            raw.expect_close(1000);
            raw.expect_fin();
        }
        proxy.whole();
        let decoded = run(&["decode", "--file", file.path()]);
        assert_eq!(decoded.code, 0, "{}{}", decoded.stdout, decoded.stderr);
        for text in ["first", "second"] {
            for direction in ["client to server", "server to client"] {
                let heading = format!("{direction}  text, final  \"{text}\"");
                assert!(decoded.stdout.contains(&heading), "{}", decoded.stdout);
            }
        }
        let legal = "legal: a handshake, 2 frames, 1 message, closed with 1000";
        assert_eq!(
            decoded.stdout.matches(legal).count(),
            4,
            "{}",
            decoded.stdout
        );
        assert!(decoded.stdout.contains(" ms"), "{}", decoded.stdout);
    }

    #[test]
    fn ends_where_it_is_full_and_that_is_told_and_the_bytes_pass_all_the_same() {
        let file = Temporary::new("full-session");
        let server = Program::serve(&["--quiet"]);
        let flags = ["--save", file.path(), "--max-save", "4K"];
        let mut proxy = Proxy::before(server.address, &flags);
        let mut raw = Raw::open(proxy.address, "/echo");
        for _ in 0..10 {
            raw.send_frame(BINARY, [7; 1000]);
            raw.expect_frame(BINARY, [7; 1000]);
        }
        proxy.process.signal("TERM");
        assert_eq!(proxy.process.wait().code(), Some(1), "not all was saved");
        let said = proxy.process.stderr.whole();
        assert_eq!(said.matches(" is full (--max-save)").count(), 1, "{said}");
        let session = file.text();
        assert!(session.len() <= 4096, "{}", session.len());
        assert!(session.ends_with('\n'));
    }

    #[test]
    fn of_another_proxy_at_the_same_address_is_left_alone() {
        let file = Temporary::new("kept-session");
        std::fs::write(file.path(), "kept").expect("it can be written");
        let taken = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = taken.local_addr().expect("it is bound").to_string();
        let flags = ["--to", "ws://127.0.0.1:1", "--save", file.path()];
        let run = run(&[&["proxy", "--listen", &address][..], &flags].concat());
        assert_eq!(run.code, 1);
        assert_eq!(file.text(), "kept");
    }

    #[test]
    fn that_cannot_be_written_is_told_and_nothing_begins() {
        let run = run(&[
            "proxy",
            "--to",
            "ws://127.0.0.1:1",
            "--save",
            "/nowhere/at/all",
        ]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("/nowhere/at/all: "), "{}", run.stderr);
        assert!(!run.stderr.contains("passes on"), "{}", run.stderr);
    }
}

#[test]
fn the_help_fits_the_golden_file() {
    let help = run(&["proxy", "--help"]).stdout;
    golden::check("proxy/help.txt", &help);
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
    let short = run(&["proxy", "-h"]).stdout;
    assert!(short.lines().count() <= 24, "{short}");
}

#[test]
fn the_docs_show_what_is_printed() {
    let page = include_str!("../docs/tools.md");
    let trace = include_str!("golden/proxy/trace.txt");
    assert!(timeless(page).contains(trace), "{trace}");
}

#[test]
fn a_wrong_command_line_is_told_with_2() {
    for (arguments, problem) in [
        (&["proxy"][..], "--to"),
        (
            &["proxy", "--to", "ws://127.0.0.1:1/echo"],
            "the path is the client's",
        ),
        (&["proxy", "--to", "ws://me:secret@127.0.0.1:1"], "password"),
        (
            &[
                "proxy",
                "--to",
                "ws://127.0.0.1:1",
                "--max-connections",
                "0",
            ],
            "at least 1",
        ),
    ] {
        let run = run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_server_with_tls_is_refused_with_2_by_a_build_without() {
    for to in ["wss://127.0.0.1:1", "https://127.0.0.1:1"] {
        let run = run(&["proxy", "--to", to]);
        assert_eq!(run.code, 2, "{to}: {}", run.stderr);
        let cure = "wss:// needs TLS: build with --features tls";
        assert!(run.stderr.contains(cure), "{to}: {}", run.stderr);
    }
}

#[test]
fn an_address_that_is_taken_is_told_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = taken.local_addr().expect("it is bound").to_string();
    let run = run(&["proxy", "--listen", &address, "--to", "ws://127.0.0.1:1"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--listen"), "{}", run.stderr);
}
