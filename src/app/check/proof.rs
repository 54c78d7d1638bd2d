//! Each row about heads is ok with a peer that is right, and with one that takes everything or nothing it is not.

use super::case::{Case, Group};
use super::cases::all;
use super::judge::Outcome;
use super::play::{self, Line};
use super::run;
use super::server::{Server, Target};
use plainws::net::url::Url;
use plainws::protocol::connection::Connection;
use plainws::protocol::handshake::accept_value;
use plainws::protocol::head::{Decoder, Limits};
use plainws::{Role, WebSocket};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const ECHO: &str = "/echo";

fn rows(group: Group, examinee: Role) -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| case.group == group && case.is_for(examinee));
    assert!(cases.len() >= 20, "{group:?} has rows for a {examinee:?}");
    cases
}

/// The rows whose outcome is another than is due.
fn others<E: play::Examinee>(
    cases: &[Case],
    examinee: impl Fn() -> io::Result<E> + Sync,
    is_due: impl Fn(Outcome) -> bool + Send + Sync,
) -> Vec<String> {
    let mut others = Vec::new();
    let told = |case: &Case, result: run::Result| {
        let verdict = result.verdict;
        if !is_due(verdict.outcome) {
            others.push(format!("{}: {verdict:?}", case.id));
        }
    };
    run::run(cases, 4, examinee, told).expect("the system has random bytes");
    others
}

const NONE: [String; 0] = [];

fn is_ok(outcome: Outcome) -> bool {
    outcome == Outcome::Ok
}

fn is_bad(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::Lenient)
}

mod of_servers {
    use super::*;

    fn target(address: SocketAddr) -> Target {
        Target {
            url: Url::parse(&format!("ws://{address}{ECHO}")).expect("a URL"),
            addresses: vec![address],
            headers: Vec::new(),
            subprotocols: Vec::new(),
            host: None,
            patience: PATIENCE,
        }
    }

    #[test]
    fn all_are_ok_with_this_server() {
        let server = plainws::Server::bind("127.0.0.1:0").expect("a free port");
        let address = server.local_addr().expect("an address");
        let handle = server.handle().expect("an address");
        let server = server
            .allow_origin("null")
            .allow_origin("https://site.example:8443")
            .allow_origin("x-extension://0123456789abcdef")
            .route(ECHO, echo);
        let target = target(address);
        thread::scope(|scope| {
            scope.spawn(|| server.serve());
            let of = |group| others(&rows(group, Role::Server), || Server::new(&target), is_ok);
            let others = [Group::Opening, Group::Refused].map(of);
            handle.shutdown();
            assert_eq!(others.concat(), NONE);
        });
    }

    #[test]
    fn none_is_ok_with_one_that_takes_all_or_nothing() {
        for (group, serve) in [
            (Group::Opening, refuse as fn(TcpStream) -> io::Result<()>),
            (Group::Refused, accept),
        ] {
            let target = target(listen(serve));
            let cases = rows(group, Role::Server);
            assert_eq!(others(&cases, || Server::new(&target), is_bad), NONE);
        }
    }

    /// Serves each connection, for as long as the tests run.
    fn listen(serve: fn(TcpStream) -> io::Result<()>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream));
            }
        });
        address
    }

    fn refuse(mut stream: TcpStream) -> io::Result<()> {
        read_until(&mut stream, b"\r\n\r\n")?;
        stream.write_all(b"HTTP/1.1 500 No\r\n\r\n")
    }

    fn accept(mut stream: TcpStream) -> io::Result<()> {
        read_until(&mut stream, b"\r\n\r\n")?;
        stream.write_all(b"HTTP/1.1 101 Yes\r\n\r\n")
    }
}

mod of_clients {
    use super::*;

    /// Clients come from `dial`, one for each connection.
    struct Clients {
        listener: TcpListener,
        dial: fn(SocketAddr),
    }

    impl Clients {
        fn new(dial: fn(SocketAddr)) -> io::Result<Self> {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            Ok(Self { listener, dial })
        }

        fn accept(&self) -> io::Result<Line> {
            let (address, dial) = (self.listener.local_addr()?, self.dial);
            thread::spawn(move || dial(address));
            let (mut stream, _) = self.listener.accept()?;
            let request = read_until(&mut stream, b"\r\n\r\n")?;
            let mut decoder = Decoder::new(Role::Client, Limits::default());
            let (head, _) = decoder
                .receive(&request)
                .ok()
                .flatten()
                .expect("the client sends a request");
            let key = head.text("Sec-WebSocket-Key").expect("it has a key");
            Ok(Line {
                stream,
                head: String::new(),
                words: vec![("{accept}", accept_value(key))],
                rest: Vec::new(),
            })
        }
    }

    impl play::Examinee for Clients {
        fn role(&self) -> Role {
            Role::Client
        }

        fn connect(&mut self) -> Result<Line, String> {
            self.accept().map_err(|error| error.to_string())
        }

        fn patience(&self) -> Duration {
            PATIENCE
        }
    }

    #[test]
    fn all_are_ok_with_this_client() {
        let dial = |address| {
            let ws = plainws::connect(&format!("ws://{address}{ECHO}"));
            // It is up to the judge what becomes of it.
            let _ = ws.and_then(|mut ws| echo(&mut ws));
        };
        for group in [Group::Opening, Group::Refused] {
            let cases = rows(group, Role::Client);
            assert_eq!(others(&cases, || Clients::new(dial), is_ok), NONE);
        }
    }

    #[test]
    fn none_is_ok_with_one_that_takes_all_or_nothing() {
        for (group, dial) in [
            (Group::Opening, leave as fn(SocketAddr)),
            (Group::Refused, stay),
        ] {
            let cases = rows(group, Role::Client);
            assert_eq!(others(&cases, || Clients::new(dial), is_bad), NONE);
        }
    }

    /// Whatever the response is.
    fn leave(address: SocketAddr) {
        let _ = dial(address).and_then(|mut stream| read_until(&mut stream, b"\r\n\r\n"));
    }

    /// Sends the text back that is behind the response, whatever that is.
    fn stay(address: SocketAddr) {
        let _ = dial(address).and_then(|mut stream| {
            read_until(&mut stream, b"Hello")?;
            let mut client = Connection::client(Default::default(), Box::new(|| [0; 4]));
            client.send("Hello").expect("it is open");
            let mut wire = Vec::new();
            client.take_output(&mut wire);
            stream.write_all(&wire)?;
            stream.read(&mut [0]).map(drop)
        });
    }

    fn dial(address: SocketAddr) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        let key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: a\r\n{key}\r\n\r\n").as_bytes())?;
        Ok(stream)
    }
}

fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
    while let Some(message) = ws.receive()? {
        ws.send(message)?;
    }
    Ok(())
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.windows(end.len()).any(|window| window == end) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => bytes.extend(&buffer[..length]),
        }
    }
    Ok(bytes)
}
