//! Behind nginx and HAProxy, set up as the files in `examples/deploy` say: only addresses and paths are replaced. What
//! is told of the instances there is how they are started here.
//!
//! Where one is missing its tests say that they are skipped; `PLAINWS_NGINX=required` and `PLAINWS_HAPROXY=required`
//! make that a failure. The certificate needs `openssl`, and some tests Chromium.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use crate::devtools::{Browser, Page};
use crate::support;
use crate::support::balancer::{Balancer, Kind, Place, order, replaced};
use crate::support::program::{Program, is_heeded};
use crate::support::raw::{PATIENCE, Raw, Response, upgrade_request};
use crate::support::server::wait_until;
use plainws::{Client, CloseCode, Error, Limits, WebSocket};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

/// A file that people copy, and what it is for.
#[derive(Clone, Copy)]
struct Setup {
    kind: Kind,
    file: &'static str,
}

const NGINX: Setup = Setup {
    kind: Kind::Nginx,
    file: include_str!("../examples/deploy/nginx.conf"),
};
const HAPROXY: Setup = Setup {
    kind: Kind::Haproxy,
    file: include_str!("../examples/deploy/haproxy.cfg"),
};
/// By PROXY headers, and without HTTP: these two.
const NGINX_STREAM: Setup = Setup {
    kind: Kind::Nginx,
    file: include_str!("../examples/deploy/nginx-stream.conf"),
};
const HAPROXY_TCP: Setup = Setup {
    kind: Kind::Haproxy,
    file: include_str!("../examples/deploy/haproxy-tcp.cfg"),
};
const BOTH: [Setup; 2] = [NGINX, HAPROXY];

impl Setup {
    /// At how many ports it listens: a stream of nginx leads nobody from `http:` to `https:`.
    fn ports(self) -> usize {
        1 + usize::from(self.file.contains("301"))
    }
}

/// How the file says that its two instances are started: their options without the address.
fn flags(setup: Setup) -> Vec<&'static str> {
    let commands = setup.file.lines().filter_map(|line| {
        let (_, options) = line.split_once(" plainws --addr 127.0.0.1:800")?;
        let (_port, options) = options.split_once(' ')?;
        Some(options)
    });
    let commands: Vec<_> = commands.collect();
    let [a, b] = commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(a, b);
    a.split(' ').collect()
}

/// Two instances behind a proxy.
struct Deployed {
    balancer: Balancer,
    instances: [Program; 2],
}

/// The places of its addresses in [`Place::addresses`].
const HTTPS: usize = 0;
const HTTP: usize = 1;

impl Deployed {
    /// One behind each proxy that is there.
    fn each() -> impl Iterator<Item = Self> {
        BOTH.into_iter().filter_map(|setup| Self::start(setup, &[]))
    }

    /// With more options of the instances; `None` where a program is missing.
    fn start(setup: Setup, options: &[&str]) -> Option<Self> {
        Self::start_with(setup, options, |text, _| text.to_owned())
    }

    /// With a configuration, as well, that is adapted, knowing the addresses of the instances.
    fn start_with(
        setup: Setup,
        options: &[&str],
        mut adapt: impl FnMut(&str, [SocketAddr; 2]) -> String,
    ) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            let why = "openssl is not installed";
            support::skip("a test with a proxy", why, "PLAINWS_TOOLS");
            return None;
        }
        let module = setup
            .file
            .lines()
            .find_map(|line| line.strip_prefix("load_module "));
        if module.is_some_and(|path| !fs::exists(path.trim_end_matches(';')).unwrap()) {
            let why = "nginx has no module for streams";
            support::skip("a test with nginx", why, "PLAINWS_NGINX");
            return None;
        }
        let mut arguments = [&flags(setup)[..], options].concat();
        if !options.contains(&"--log") {
            arguments.extend(["--log", "json"]);
        }
        let instances = [(); 2].map(|()| Program::serve(&arguments));
        let addresses = [0, 1].map(|at: usize| instances[at].address);
        let balancer = Balancer::start(setup.kind, setup.ports(), |place| {
            certify(place);
            adapt(&configuration(setup, place, addresses), addresses)
        })?;
        Some(Self {
            balancer,
            instances,
        })
    }

    fn https(&self) -> SocketAddr {
        self.balancer.address(HTTPS)
    }

    /// A page, over TLS, unless there is no browser.
    fn visit(&self, path: &str) -> Option<Page> {
        let port = self.https().port();
        Some(Browser::shared()?.open(&format!("https://localhost:{port}{path}")))
    }

    /// What the logs of the instances have so far: a record for each request and connection.
    fn log(&self) -> Vec<Value> {
        let logs = self.instances.iter().map(|it| it.process.stderr.so_far());
        records(&logs.collect::<String>())
    }

    /// Ends the instances and takes all of that.
    fn end(&mut self) -> Vec<Value> {
        records(&self.end_text())
    }

    fn end_text(&mut self) -> String {
        for instance in &mut self.instances {
            if !instance.process.has_ended() {
                instance.process.signal("KILL");
            }
        }
        let logs = self.instances.iter().map(|it| it.process.stderr.whole());
        logs.collect()
    }
}

/// The lines of a log, without what health checks ask.
fn records(log: &str) -> Vec<Value> {
    let records = log.lines().map(serde_json::from_str::<Value>);
    let records = records.map(|record| record.expect("a line of JSON"));
    records
        .filter(|record| record["request"] != "GET /healthz HTTP/1.1")
        .collect()
}

/// The file with the addresses and paths of a test.
fn configuration(setup: Setup, place: &Place, [a, b]: [SocketAddr; 2]) -> String {
    let [http, https] = [HTTP, HTTPS].map(|at| match place.addresses.get(at) {
        Some(address) => address.to_string(),
        None => String::new(),
    });
    let (a, b) = (a.to_string(), b.to_string());
    let path = |name: &str| place.path(name);
    let servers = [("127.0.0.1:8001", &*a), ("127.0.0.1:8002", &*b)];
    let text = replaced(setup.file, &servers);
    match setup.kind {
        Kind::Nginx => {
            let text = replaced(
                &text,
                &[
                    ("listen 443 ", &format!("listen {https} ")),
                    ("/run/nginx.pid", &path("nginx.pid")),
                    ("/var/log/nginx/error.log", "stderr"),
                    (&certificate("fullchain.pem"), &path("cert.pem")),
                    (&certificate("privkey.pem"), &path("key.pem")),
                    // Only root may change to another user.
                    ("user www-data;\n", ""),
                ],
            );
            if !text.contains("http {") {
                return text;
            }
            // Where it may write, whoever runs the test.
            let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
            let own = own.map(|name| format!("{name}_temp_path {};", path(name)));
            replaced(
                &text,
                &[
                    ("listen 80;", &format!("listen {http};")),
                    ("/var/log/nginx/access.log", &path("access.log")),
                    ("http {\n", &format!("http {{\n{}\n", own.join("\n"))),
                ],
            )
        }
        Kind::Haproxy => replaced(
            &text,
            &[
                ("bind :80\n", &format!("bind {http}\n")),
                ("bind :443 ", &format!("bind {https} ")),
                ("/etc/haproxy/certs/example.com.pem", &path("both.pem")),
                ("/run/haproxy/admin.sock", &path("admin.sock")),
                ("log /dev/log local0", "log stdout format raw local0"),
                // Only root may change to another user.
                ("user haproxy\n", "\n"),
                ("group haproxy\n", "\n"),
            ],
        ),
    }
}

/// Where Let's Encrypt has a certificate's file.
fn certificate(name: &str) -> String {
    format!("/etc/letsencrypt/live/example.com/{name}")
}

/// Makes a certificate: `cert.pem`, `key.pem`, and both in one, as HAProxy wants it.
fn certify(place: &Place) {
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| place.path(name));
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30".split(' '),
        )
        .args("-subj /CN=localhost -addext basicConstraints=critical,CA:FALSE".split(' '))
        .args(["-addext", "subjectAltName=DNS:localhost,DNS:example.com"])
        .args(["-out", &cert, "-keyout", &key])
        .output();
    let made = made.expect("openssl is there");
    assert!(made.status.success(), "{made:?}");
    let both = [cert, key].map(|path| fs::read_to_string(path).unwrap());
    fs::write(place.path("both.pem"), both.concat()).unwrap();
}

/// A port where what is bare goes on inside TLS, by `openssl s_client`, to this address. It lives as long as the test's
/// process.
fn into_tls(address: SocketAddr) -> SocketAddr {
    into_tls_from("127.0.0.1", address)
}

/// The same, from an address of this machine.
fn into_tls_from(client: &'static str, address: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bare = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || carry(&stream, client, address));
        }
    });
    bare
}

fn carry(stream: &TcpStream, client: &str, server: SocketAddr) {
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-alpn", "http/1.1", "-connect"])
        .arg(server.to_string())
        .args(["-servername", "example.com", "-bind", client])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (into, out) = (
        openssl.stdin.take().unwrap(),
        openssl.stdout.take().unwrap(),
    );
    let to_client = stream.try_clone().unwrap();
    let back = thread::spawn(move || {
        pass_on(out, &to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    pass_on(stream, into);
    let _ = openssl.kill();
    let _ = openssl.wait();
    back.join().unwrap();
}

/// At once, as `io::copy` does not: that lets the system move the bytes, which waits for more of them.
fn pass_on(mut from: impl Read, mut to: impl Write) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

/// Asks at a bare address.
fn get(address: SocketAddr, host: &str, path: &str) -> Response {
    let mut raw = Raw::connect(address);
    raw.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    raw.response()
}

/// The status that answers a handshake at a bare address.
fn status(address: SocketAddr, host: &str, headers: &str) -> String {
    let old = "Host: localhost\r\n";
    let new = format!("Host: {host}\r\n{headers}");
    let mut raw = Raw::connect(address);
    raw.send(upgrade_request("/echo").replace(old, &new));
    raw.head()[9..12].to_owned()
}

#[test]
fn serves_messages_pages_and_closes() {
    for deployed in Deployed::each() {
        let bare = into_tls(deployed.https());
        let url = |path: &str| format!("ws://{bare}{path}");

        let origin = format!("https://{bare}");
        let ws = Client::new(&url("/echo")).unwrap();
        let ws = ws.origin(&origin).unwrap().connect().unwrap();
        for size in [0, 125, 126, 65_536, 1_000_000] {
            ws.send(vec![7; size]).unwrap();
            assert_eq!(ws.receive().unwrap(), Some(vec![7; size].into()));
        }
        ws.close(CloseCode(4000), "through a proxy").unwrap();
        assert_eq!(ws.close_reason().unwrap().code, CloseCode(4000));

        let clock = plainws::connect(&url("/test_websocket")).unwrap();
        let time = clock.receive().unwrap().unwrap();
        assert!(time.as_text().unwrap().starts_with("{\"time\": "));

        let page = get(bare, "example.com", "/clock");
        assert_eq!(page.status, 200);
        assert!(page.text().contains("<html"), "{}", page.text());

        let foreign = Client::new(&url("/echo")).unwrap();
        let foreign = foreign.origin("https://elsewhere.example").unwrap();
        assert!(
            matches!(foreign.connect(), Err(Error::Refused(refusal)) if refusal.response.status() == 403)
        );
        let nowhere = plainws::connect(&url("/nowhere"));
        assert!(
            matches!(nowhere, Err(Error::Refused(refusal)) if refusal.response.status() == 404)
        );
    }
}

#[test]
fn the_host_that_people_see_is_answered_for_and_no_other() {
    for deployed in Deployed::each() {
        let bare = into_tls(deployed.https());
        let status = |host: &str| status(bare, host, &format!("Origin: https://{host}\r\n"));
        assert_eq!(status("example.com"), "101");
        assert_eq!(status("evil.example"), "421");
    }
}

/// What it tells of its clients; on a Mac nobody comes from other addresses of the loopback.
#[cfg(target_os = "linux")]
mod clients {
    use super::*;

    const ALL: [Setup; 4] = [NGINX, HAPROXY, HAPROXY_TCP, NGINX_STREAM];
    const CLIENT: &str = "127.0.0.7";
    const OTHER: &str = "127.0.0.8";

    #[test]
    fn are_in_the_log_and_not_their_proxy() {
        for setup in ALL {
            let Some(mut deployed) = Deployed::start(setup, &[]) else {
                continue;
            };
            let bare = into_tls_from(CLIENT, deployed.https());
            assert_eq!(get(bare, "example.com", "/clock").status, 200);
            plainws::connect(&format!("ws://{bare}/echo")).unwrap();
            wait_until("both to be told", || deployed.log().len() == 2);
            for record in deployed.end() {
                assert_eq!(record["client"], CLIENT, "{record}");
            }

            let Some(mut deployed) = Deployed::start(setup, &["--log", "text"]) else {
                continue;
            };
            let bare = into_tls_from(CLIENT, deployed.https());
            assert_eq!(get(bare, "example.com", "/clock").status, 200);
            let log = deployed.end_text();
            let is_no_check = |line: &&str| !line.contains("/healthz");
            for line in log.lines().filter(is_no_check) {
                assert!(line.contains(CLIENT), "{line}");
                assert!(!line.contains("127.0.0.1"), "{line}");
            }
        }
    }

    #[test]
    fn have_a_limit_each_and_their_proxy_has_none() {
        for setup in ALL {
            let Some(deployed) = Deployed::start(setup, &["--max-per-address", "2"]) else {
                continue;
            };
            let [one, other] = [CLIENT, OTHER].map(|it| into_tls_from(it, deployed.https()));
            let open = |bare| plainws::connect(&format!("ws://{bare}/echo"));
            // Two at each instance.
            let of_one: Vec<_> = (0..4).map(|_| open(one).unwrap()).collect();
            assert!(
                matches!(open(one), Err(Error::Refused(refusal)) if refusal.response.status() == 503)
            );
            open(other).unwrap();
            drop(of_one);
        }
    }

    #[test]
    fn came_by_https_so_that_a_page_of_http_is_no_own_one() {
        for setup in [NGINX, HAPROXY, HAPROXY_TCP] {
            let Some(deployed) = Deployed::start(setup, &[]) else {
                continue;
            };
            let bare = into_tls(deployed.https());
            let status = |scheme: &str| {
                let origin = format!("Origin: {scheme}://example.com\r\n");
                status(bare, "example.com", &origin)
            };
            assert_eq!(status("https"), "101");
            assert_eq!(status("http"), "403");
        }
    }

    #[test]
    fn cannot_say_who_they_are_themselves() {
        let spoofed = [
            "X-Forwarded-For: 10.9.9.9\r\n",
            "X-Forwarded-For: 10.9.9.9, 127.0.0.1\r\nX-Forwarded-For: 10.9.9.9\r\n",
            "X-Forwarded-Proto: http\r\n",
            "X-Forwarded-Host: evil.example\r\n",
            "Forwarded: for=10.9.9.9;proto=http;host=evil.example\r\n",
        ];
        // Without HTTP nobody removes them: see below.
        for setup in BOTH {
            let Some(mut deployed) = Deployed::start(setup, &[]) else {
                continue;
            };
            let bare = into_tls_from(CLIENT, deployed.https());
            for headers in spoofed {
                for (scheme, answer) in [("https", "101"), ("http", "403")] {
                    let headers = format!("{headers}Origin: {scheme}://example.com\r\n");
                    assert_eq!(status(bare, "example.com", &headers), answer, "{headers}");
                }
            }
            wait_until("all to be told", || {
                deployed.log().len() == 2 * spoofed.len()
            });
            for record in deployed.end() {
                assert_eq!(record["client"], CLIENT, "{record}");
            }
        }
    }

    /// The client that the PROXY header names is not trusted, so that nothing is believed that it says.
    #[test]
    fn that_a_proxy_header_names_are_not_believed_either() {
        for setup in [HAPROXY_TCP, NGINX_STREAM] {
            let Some(mut deployed) = Deployed::start(setup, &[]) else {
                continue;
            };
            let bare = into_tls_from(CLIENT, deployed.https());
            let headers = "X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Proto: http\r\n\
                           Forwarded: for=10.9.9.9;host=evil.example\r\n\
                           Origin: https://example.com\r\n";
            assert_eq!(status(bare, "example.com", headers), "101");
            wait_until("it to be told", || deployed.log().len() == 1);
            for record in deployed.end() {
                assert_eq!(record["client"], CLIENT, "{record}");
            }
        }
    }
}

#[test]
fn http_leads_to_https() {
    for deployed in Deployed::each() {
        let answer = get(deployed.balancer.address(HTTP), "example.com", "/clock?a=b");
        assert_eq!(answer.status, 301);
        assert_eq!(
            answer.header("Location"),
            Some("https://example.com/clock?a=b")
        );
    }
}

#[test]
fn pings_pass_within_their_time_outs() {
    let limits = Limits::default();
    let silence = limits.ping_after.unwrap() + limits.pong_timeout;
    for (setup, name) in [
        (NGINX, "proxy_read_timeout"),
        (NGINX, "proxy_send_timeout"),
        (NGINX_STREAM, "proxy_timeout"),
        (HAPROXY, "timeout tunnel"),
        (HAPROXY_TCP, "timeout tunnel"),
    ] {
        let time = seconds(setup, name);
        assert!(
            time > silence,
            "{name} is {time:?}, and {silence:?} may be silent"
        );
    }
}

/// A time of the file.
fn seconds(setup: Setup, name: &str) -> Duration {
    let settings = setup.file.lines().filter_map(|line| {
        let value = line.trim().strip_prefix(name)?.strip_prefix(' ')?;
        let value = value.trim_end_matches(';').strip_suffix('s')?;
        Some(Duration::from_secs(value.trim().parse().ok()?))
    });
    let settings: Vec<_> = settings.collect();
    let [time] = settings[..] else {
        panic!("{name}: {settings:?}")
    };
    time
}

#[test]
fn the_pages_tick_in_a_browser() {
    for deployed in Deployed::each() {
        for path in ["/", "/clock", "/echo"] {
            let Some(mut page) = deployed.visit(path) else {
                return;
            };
            page.wait_for("document.body.dataset.state === 'open'");
            if path == "/echo" {
                page.click("message");
                page.type_text("Grüße, 世界");
                page.press_enter();
                page.wait_for(
                    "[...document.querySelectorAll('#lines .received .text')].at(-1)?.textContent === 'Grüße, 世界'",
                );
            } else {
                page.wait_for("document.getElementById('time').innerText.includes(':')");
            }
            let port = deployed.https().port();
            let own = ["https", "wss"].map(|scheme| format!("{scheme}://localhost:{port}/"));
            assert_eq!(page.problems(&own), Vec::<String>::new());
            let opened = page.events("Network.webSocketHandshakeResponseReceived");
            assert!(!opened.is_empty());
            // Over HTTP/2 both.
            let responses = page.events("Network.responseReceived");
            let protocol = &responses[0]["response"]["protocol"];
            assert_eq!(protocol, "h2", "{responses:?}");
        }
    }
}

/// How many clients a page has.
const CLIENTS: usize = 8;

/// A page with clients under load, all connected and all heard.
fn load(deployed: &Deployed) -> Option<Page> {
    // A page without a connection of its own.
    let mut page = deployed.visit("/style.css")?;
    page.evaluate(include_str!("support/load.js"));
    page.evaluate(&format!("load.start({CLIENTS})"));
    page.wait_for("load.clients.every(({ acknowledged }) => acknowledged > 50)");
    Some(page)
}

/// Once an instance has ended: all clients are heard, and about half of them had to come back.
#[track_caller]
fn assert_all_came_back(page: &mut Page, end: &str) {
    page.evaluate("{ for (const client of load.clients) client.seen = client.acknowledged }");
    page.wait_for("load.clients.every((it) => it.acknowledged > it.seen + 50)");
    let ends = page.evaluate("load.ends");
    let ends = ends.as_array().expect("a list");
    assert!((2..=CLIENTS - 2).contains(&ends.len()), "{ends:?}");
    assert!(ends.iter().all(|it| it == end), "{ends:?}");
    let opened = numbers(page, "load.opened");
    assert_eq!(opened, (CLIENTS + ends.len()) as u64);
}

/// All clients leave once they have heard everything, and nothing was out of order.
#[track_caller]
fn assert_all_leave(page: &mut Page) {
    page.evaluate("load.ends = []; load.stop()");
    assert_eq!(
        page.evaluate("load.ends"),
        Value::from(vec!["1000"; CLIENTS])
    );
    assert_eq!(page.evaluate("load.wrong"), Value::Array(Vec::new()));
    assert_eq!(page.evaluate("load.refused"), 0);
}

#[track_caller]
fn numbers(page: &mut Page, expression: &str) -> u64 {
    page.evaluate(expression).as_u64().expect("a number")
}

/// Nothing is wrong at rest: the pages of the instances that are left, each time.
#[track_caller]
fn assert_rest(page: &mut Page) {
    let answers = page.evaluate(
        "(async () => {
            const answers = [];
            for (let i = 0; i < 50; i++) answers.push((await fetch('/style.css', { cache: 'no-store' })).status);
            return answers.filter((status) => status !== 200);
        })()",
    );
    assert_eq!(answers, Value::Array(Vec::new()));
}

/// Lines to servers on which the end of a connection is on its way for long: the proxy learns of it when it has sent
/// something more. They live as long as the test's process.
struct Lines {
    to: [SocketAddr; 2],
    /// Who has ended a connection first.
    ends: Receiver<Side>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Proxy,
    Server,
}

impl Lines {
    fn to(servers: [SocketAddr; 2]) -> Self {
        let (tell, ends) = mpsc::channel();
        let to = servers.map(|server| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let tell = tell.clone();
            thread::spawn(move || {
                for proxy in listener.incoming() {
                    let (proxy, tell) = (proxy.unwrap(), tell.clone());
                    thread::spawn(move || Self::carry(&proxy, server, &tell));
                }
            });
            address
        });
        Self { to, ends }
    }

    fn carry(proxy: &TcpStream, server: SocketAddr, tell: &Sender<Side>) {
        let server = TcpStream::connect(server).unwrap();
        let has_ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                pass_on(&server, proxy);
                if !has_ended.swap(true, Ordering::Relaxed) {
                    let _ = tell.send(Side::Server);
                }
            });
            let (mut from, mut to) = (proxy, &server);
            let mut bytes = [0; 16 * 1024];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                if has_ended.load(Ordering::Relaxed) || to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            if !has_ended.swap(true, Ordering::Relaxed) {
                let _ = tell.send(Side::Proxy);
            }
            for stream in [proxy, &server] {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }

    /// The configuration with these lines to the servers.
    fn between(&self, text: &str, servers: [SocketAddr; 2]) -> String {
        let [a, b] = servers.map(|address| address.to_string());
        let to = self.to.map(|address| address.to_string());
        replaced(text, &[(&a, &to[0]), (&b, &to[1])])
    }

    /// A client has an answer, so that a connection to one of the servers is kept. Once that was ended, the client asks for
    /// something else of each of them; who has ended it, and the answers.
    fn ask_after_the_end(&self, bare: SocketAddr, request: &str) -> (Side, [u16; 2]) {
        let mut client = Raw::connect(bare);
        let mut ask = |request: &str| {
            client.send(format!(
                "{request} HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n"
            ));
            client.response().status
        };
        assert_eq!(ask("GET /healthz"), 200);
        let ended_by = self.ends.recv_timeout(PATIENCE).expect("an end");
        (ended_by, [ask(request), ask(request)])
    }
}

/// All times are a fifteenth of those of the file and of the server.
#[test]
fn a_request_after_a_pause_does_not_meet_a_connection_that_is_being_closed() {
    let proxys = seconds(NGINX, "keepalive_timeout") / 15;
    let servers = Limits::default().keep_alive_timeout / 15;
    let mut lines = None;
    let deployed = Deployed::start_with(
        NGINX,
        &["--keep-alive-timeout", &servers.as_secs_f64().to_string()],
        |text, addresses| {
            let time = format!("keepalive_timeout {}ms", proxys.as_millis());
            let text = replaced(text, &[("keepalive_timeout 60s", &time)]);
            lines.insert(Lines::to(addresses)).between(&text, addresses)
        },
    );
    let (Some(deployed), Some(lines)) = (deployed, lines) else {
        return;
    };
    // What may change something is not asked twice.
    let (ended_by, answers) = lines.ask_after_the_end(into_tls(deployed.https()), "POST /healthz");
    assert_eq!(answers, [405; 2]);
    assert_eq!(ended_by, Side::Proxy);
}

/// With a server that waits for less than the proxies.
#[test]
fn a_page_is_asked_for_again_where_a_connection_was_being_closed() {
    for setup in BOTH {
        let mut lines = None;
        let options = ["--keep-alive-timeout", "1"];
        let deployed = Deployed::start_with(setup, &options, |text, addresses| {
            // Health checks have connections, too.
            let check = match setup.kind {
                Kind::Nginx => &[][..],
                Kind::Haproxy => &[("default-server check inter", "default-server inter")],
            };
            let text = replaced(text, check);
            lines.insert(Lines::to(addresses)).between(&text, addresses)
        });
        let (Some(deployed), Some(lines)) = (deployed, lines) else {
            continue;
        };
        let bare = into_tls(deployed.https());
        let (ended_by, answers) = lines.ask_after_the_end(bare, "GET /healthz");
        assert_eq!(ended_by, Side::Server);
        assert_eq!(answers, [200; 2]);
    }
}

/// Whether a connection carries messages in both directions.
#[track_caller]
fn assert_echoes(ws: &WebSocket) {
    ws.send("still there").unwrap();
    assert_eq!(ws.receive().unwrap(), Some("still there".into()));
}

#[test]
fn haproxy_sends_nothing_new_to_an_instance_that_drains_and_leaves_what_is_open() {
    if !is_heeded(15) {
        return;
    }
    for setup in [HAPROXY, HAPROXY_TCP] {
        drains(setup);
    }
}

fn drains(setup: Setup) {
    let Some(mut deployed) = Deployed::start(setup, &[]) else {
        return;
    };
    assert!(flags(setup).contains(&"--drain"));
    let bare = into_tls(deployed.https());
    let connect = || plainws::connect(&format!("ws://{bare}/echo")).unwrap();
    // One with each: the next goes where the fewest are.
    let old = [connect(), connect()];
    let [draining, _] = &mut deployed.instances;
    draining.process.signal("TERM");
    let socket = deployed.balancer.place.path("admin.sock");
    wait_until("HAProxy to see it", || {
        let servers = order(&socket, "show stat");
        let mut servers = servers.lines();
        servers.any(|line| line.starts_with("plainws,a,") && line.contains(",DOWN,"))
    });
    old.iter().for_each(assert_echoes);
    let new = [connect(), connect(), connect()];
    new.iter().for_each(assert_echoes);

    // It need not drain any longer.
    draining.process.signal("TERM");
    assert!(draining.process.wait().success());
    new.iter().for_each(assert_echoes);
    let ends = old.map(|ws| {
        let is_there = ws.send("still there?").is_ok() && matches!(ws.receive(), Ok(Some(_)));
        (!is_there).then(|| ws.close_reason().unwrap().code)
    });
    assert_eq!(
        ends.iter().flatten().collect::<Vec<_>>(),
        [&CloseCode(1001)]
    );
}

#[test]
fn of_two_instances_one_ends_under_load_and_nothing_acknowledged_is_lost() {
    if !is_heeded(15) {
        return;
    }
    for mut deployed in Deployed::each() {
        let Some(mut page) = load(&deployed) else {
            return;
        };
        let [ending, _] = &mut deployed.instances;
        ending.process.signal("TERM");
        let status = ending.process.wait();
        assert!(status.success(), "{status}");
        assert_all_came_back(&mut page, "1001 the server is shutting down");
        assert_rest(&mut page);
        assert_all_leave(&mut page);
        // What the instances have sent, and nothing else, is what has come back.
        let echoes = numbers(&mut page, "load.echoes");
        let sent = deployed.end();
        let sent = sent
            .iter()
            .filter(|record| record["request"] == "GET /echo HTTP/1.1");
        let sent: u64 = sent
            .filter_map(|record| record["messages_sent"].as_u64())
            .sum();
        assert_eq!(echoes, sent);
    }
}

#[test]
fn of_two_instances_one_is_killed_under_load_and_its_clients_come_back() {
    for mut deployed in Deployed::each() {
        let Some(mut page) = load(&deployed) else {
            return;
        };
        let [killed, _] = &mut deployed.instances;
        killed.process.signal("KILL");
        killed.process.wait();
        assert_all_came_back(&mut page, "1006");
        assert_rest(&mut page);
        assert_all_leave(&mut page);
    }
}
