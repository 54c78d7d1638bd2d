//! The reports of `plainws check`, of a server that misbehaves in few ways, and the same ones each time.

use crate::support::bytes::{BINARY, CLOSE, PONG, TEXT, close_body, frame};
use crate::support::golden;
use crate::support::raw::{PATIENCE, header};
use crate::support::run::{Run, check_fit_for_a_terminal, run};
use plainws::Role;
use plainws::protocol::dissect::{Dissector, Status};
use plainws::protocol::frame::Opcode;
use plainws::protocol::handshake::accept_value;
use plainws::protocol::message::Limits;
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

/// Cases that show each way of this server, in each of the outcomes that take no time.
const CASES: [&str; 9] = [
    "version-12",
    "length-0-text",
    "length-65536-text",
    "rsv-1-on-text",
    "ping-of-text",
    "two-fragments",
    "greek-cut-after-1-bytes",
    "code-1000",
    "messages-of-five-connections",
];

/// Serves each connection like this, for as long as the tests run.
fn server(serve: fn(TcpStream) -> Option<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Takes each request, answers the first fragment of a message, any bytes as text, leaves without a word, takes no more than
/// 1,000 bytes, and says what a terminal or a page might obey.
fn odd(mut stream: TcpStream) -> Option<()> {
    let mut bytes = opened(&mut stream, "<b>")?;
    let mut dissector = Dissector::new(Role::Client, Limits::new().max_bytes(1 << 20));
    loop {
        for of in dissector.receive(&bytes) {
            let opcode = of.header.map(|header| header.opcode);
            let bad_text = b"\xff<script>\x1b[2J";
            let (byte0, payload) = match (of.status, opcode) {
                (Status::Violation(plainws::Rule::TextNotUtf8), _) => (TEXT, bad_text.to_vec()),
                (Status::Violation(_), _) => return leave(stream),
                (_, Some(Opcode::Close)) => {
                    let reason = b"<script>alert(1)</script>\x1b[2J";
                    stream
                        .write_all(&frame(Role::Server, CLOSE, &close_body(1000, reason)))
                        .ok()?;
                    return leave(stream);
                }
                (_, Some(Opcode::Ping)) => (PONG, of.payload),
                (_, Some(Opcode::Pong)) => continue,
                _ if of.payload.len() > 1000 => {
                    stream
                        .write_all(&frame(Role::Server, CLOSE, &close_body(1009, b"")))
                        .ok()?;
                    return leave(stream);
                }
                // Once a wrong message is there, nobody waits for more.
                (_, Some(Opcode::Continuation)) => continue,
                (_, Some(Opcode::Text)) if !of.header.is_some_and(|header| header.fin) => {
                    (TEXT, b"<script>alert(1)</script>\x1b[2J".to_vec())
                }
                (_, Some(Opcode::Binary)) => (BINARY, of.payload),
                _ => (TEXT, of.payload),
            };
            stream
                .write_all(&frame(Role::Server, byte0, &payload))
                .ok()?;
        }
        bytes.clear();
        read(&mut stream, &mut bytes)?;
    }
}

/// Opens the connection, and gives what came with the request.
fn opened(stream: &mut TcpStream, reason: &str) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut received = Vec::new();
    let end = loop {
        if let Some(end) = crate::support::raw::head_end(&received) {
            break end;
        }
        read(stream, &mut received)?;
    };
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let accept = accept_value(header(&head, "Sec-WebSocket-Key")?);
    let response = format!(
        "HTTP/1.1 101 {reason}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).ok()?;
    Some(received.split_off(end))
}

fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).ok().filter(|&length| length > 0)?;
    bytes.extend(&buffer[..length]);
    Some(())
}

/// Ends TCP in order: unread bytes would make that a reset.
fn leave(mut stream: TcpStream) -> Option<()> {
    stream.shutdown(Shutdown::Write).ok()?;
    let mut rest = Vec::new();
    while read(&mut stream, &mut rest).is_some() {}
    None
}

/// Runs the cases against a server like that.
fn checked(more: &[&str]) -> Run {
    let url = format!("ws://{}/", server(odd));
    let only = CASES.iter().flat_map(|id| ["--only", id]);
    let arguments: Vec<_> = ["check", &url].into_iter().chain(only).collect();
    let mut ran = run(&[&arguments[..], more].concat());
    for text in [&mut ran.stdout, &mut ran.stderr] {
        *text = text.replace(url.trim_end_matches('/'), "ws://127.0.0.1:PPPPP");
        *text = text.replace(
            url.trim_start_matches("ws://").trim_end_matches('/'),
            "127.0.0.1:PPPPP",
        );
    }
    ran
}

/// Without what differs from run to run: the number behind each of these beginnings.
fn timeless(text: &str) -> String {
    let mut text = text.to_owned();
    for (before, after) in [(" cases in ", " s)"), ("time=\"", "\"")] {
        let mut parts = text.split(before);
        let mut masked = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.find(after).map_or(part, |at| &part[at..]);
            masked += &[before, "0.000", rest].concat();
        }
        text = masked;
    }
    text
}

/// A folder of this test's own, empty, and removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("plainws-check-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("it was written")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

mod for_people {
    use super::*;

    #[test]
    fn shows_what_was_sent_what_came_and_what_was_due() {
        let ran = checked(&[]);
        assert_eq!((ran.code, &*ran.stderr), (1, ""));
        check_fit_for_a_terminal(&ran.stdout);
        golden::check("check/report.txt", &timeless(&ran.stdout));
    }

    #[test]
    fn has_one_empty_line_before_its_summary_after_a_failure_too() {
        let told = checked(&["--skip", "closing", "--skip", "together"]).stdout;
        assert!(
            told.contains("\n  more   plainws rules text-not-utf8\n\nfailed: "),
            "{told}"
        );
    }

    #[test]
    fn is_the_same_however_many_cases_run_side_by_side() {
        let [one, many] = ["1", "8"].map(|jobs| checked(&["--jobs", jobs]));
        assert_eq!(
            (one.code, timeless(&one.stdout)),
            (1, timeless(&many.stdout))
        );
    }

    #[test]
    fn shows_what_is_lenient_in_full_when_it_counts() {
        let [lax, strict] = [&[][..], &["--strict"]].map(|more| checked(more).stdout);
        assert!(
            lax.contains("\n  lenient    ") && !lax.contains("\nLENIENT  "),
            "{lax}"
        );
        assert!(
            strict.contains("\nLENIENT  ") && !strict.contains("\n  lenient    "),
            "{strict}"
        );
    }

    #[test]
    fn repeats_what_was_typed_but_for_secrets() {
        let folder = Folder::new("secrets");
        let [json, html] = ["r.json", "r.html"].map(|name| folder.path(name));
        let options = ["--subprotocol", "chat", "-H", "Cookie: secret", "--remote"];
        let reports = ["--only", "host-missing", "--json", &json, "--html", &html];
        let text = checked(&[&options[..], &reports].concat()).stdout;
        let text = text.replace(" \\\n           ", " ");
        let command = "plainws check ws://127.0.0.1:PPPPP/ -H 'Cookie: …' --subprotocol chat --remote --only ";
        assert!(text.contains(command), "{text}");
        for (name, report) in [
            ("json", folder.read("r.json")),
            ("html", folder.read("r.html")),
            ("text", text),
        ] {
            assert!(report.contains("Cookie"), "{name}");
            assert!(!report.contains("secret"), "{name}: {report}");
        }
    }

    #[test]
    fn tells_what_did_not_come_in_time() {
        // It takes the connection, and never says anything.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let mut connections = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut head = Vec::new();
                while crate::support::raw::head_end(&head).is_none() {
                    if read(&mut stream, &mut head).is_none() {
                        break;
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                if let Some(key) = header(&head, "Sec-WebSocket-Key") {
                    let accept = accept_value(key);
                    let response = format!(
                        "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                    );
                    let _ = stream.write_all(response.as_bytes());
                    connections.push(stream);
                }
            }
        });
        let ran = run(&["check", &url, "--only", "length-1-text", "--timeout", "0.2"]);
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        for part in [
            "\nTIMEOUT  lengths/length-1-text  MUST  RFC 6455 5.2\n",
            "\n  came   nothing, and TCP stays open\n",
            "did not come\n",
            "1 timeout (1 case in ",
        ] {
            assert!(ran.stdout.contains(part), "{part}\n{}", ran.stdout);
        }
    }
}

mod for_programs {
    use super::*;

    #[test]
    fn json_has_all_that_is_known() {
        let ran = checked(&["--json", "-"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(
            ran.stdout
                .bytes()
                .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
        );
        assert!(
            ran.stderr.contains("\nfailed: "),
            "people read elsewhere: {}",
            ran.stderr
        );
        let mut report: Value = serde_json::from_str(&ran.stdout).expect("JSON and nothing else");
        mask(&mut report);
        golden::check("check/report.json", &format!("{report:#}\n"));
    }

    /// Puts what is the same in place of times, keys and this version.
    fn mask(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // A script that stopped early, and connections but the first, wait for no end.
                if fields.get("outcome") == Some(&"not_applicable".into()) {
                    fields["connections"][0]["end"] = Value::Null;
                }
                if let Some(Value::Array(connections)) = fields.get_mut("connections") {
                    connections.truncate(1);
                }
                if let Some(head) = fields.get("head").and_then(Value::as_str) {
                    let length = 2 * head.len();
                    let hex = fields["hex"].as_str().map(|hex| &hex[length..]);
                    let hex = hex.map(|hex| hex[..hex.len().min(100)].to_owned());
                    fields.insert(
                        "hex".into(),
                        format!("HEAD{}", hex.unwrap_or_default()).into(),
                    );
                }
                for (name, field) in fields {
                    match &**name {
                        "seconds" => *field = 0.into(),
                        "plainws" => *field = "VERSION".into(),
                        "head" => *field = keyless(field.as_str().unwrap_or_default()).into(),
                        _ => mask(field),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(mask),
            _ => {}
        }
    }

    fn keyless(head: &str) -> String {
        let line = |line: &str| match line.split_once(": ") {
            Some((name @ ("Sec-WebSocket-Key" | "Sec-WebSocket-Accept"), _)) => {
                format!("{name}: KEY")
            }
            _ => line.to_owned(),
        };
        let lines: Vec<_> = head.split("\r\n").map(line).collect();
        lines.join("\r\n")
    }

    #[test]
    fn junit_has_a_test_for_each_case() {
        let ran = checked(&["--junit", "-"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        golden::check("check/report.xml", &timeless(&ran.stdout));
        for (from, number) in [
            ("<testcase ", 9),
            ("</testcase>", 5),
            ("<failure ", 3),
            ("<skipped ", 1),
        ] {
            assert_eq!(ran.stdout.matches(from).count(), number, "{from}");
        }
        let is_allowed = |c: char| !c.is_control() || c == '\n';
        assert!(ran.stdout.chars().all(is_allowed));
    }

    #[test]
    fn a_page_shows_bytes_and_obeys_none() {
        let folder = Folder::new("page");
        let path = folder.path("report.html");
        checked(&["--html", &path]);
        let page = folder.read("report.html");
        assert!(!page.contains("<script") && !page.contains('\x1b'));
        assert!(page.contains("&lt;script&gt;&quot;"), "it shows what came");
        for part in [
            "<h2 id=\"utf8\">",
            "<tr class=\"is-bad\" id=\"case-greek-cut-after-1-bytes\">",
            "TCP open",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for from in ["src=", "http:", "https:", "url(", "@import"] {
            assert!(
                !page.contains(from),
                "it needs nothing from elsewhere: {from}"
            );
        }
    }

    #[test]
    fn autobahn_s_files_are_named_and_filled_as_scripts_read_them() {
        let folder = Folder::new("autobahn");
        for agent in ["One Agent/1.0", "two"] {
            checked(&["--autobahn", &folder.path("reports"), "--agent", agent]);
        }
        let read = |name: &str| -> Value {
            serde_json::from_str(&folder.read(&format!("reports/{name}"))).expect("JSON")
        };
        let index = read("index.json");
        let agents: Vec<_> = index.as_object().expect("an object").keys().collect();
        assert_eq!(agents, ["One Agent/1.0", "two"]);
        for (id, behaviour, close, code) in [
            ("1.1.1", "OK", "OK", Some(1000)),
            ("1.1.7", "UNIMPLEMENTED", "FAILED", Some(1009)),
            ("3.1", "OK", "OK", None),
        ] {
            let entry = &index["One Agent/1.0"][id];
            let file = format!("one_agent_1_0_case_{}.json", id.replace('.', "_"));
            let due = serde_json::json!({
                "behavior": behaviour,
                "behaviorClose": close,
                "duration": entry["duration"].as_u64(),
                "remoteCloseCode": code,
                "reportfile": file,
            });
            assert_eq!(*entry, due, "{id}");
            assert_eq!(read(&file)["id"], id);
        }
    }
}

mod ends {
    use super::*;

    /// Closes without a code when a reserved bit is set, and gives any Close back as it came.
    fn careless(mut stream: TcpStream) -> Option<()> {
        let mut bytes = opened(&mut stream, "Switching Protocols")?;
        while bytes.len() < 2 {
            read(&mut stream, &mut bytes)?;
        }
        let answer = match *bytes {
            [0x88, 0xFE, ..] => {
                while bytes.len() < 4 + 4 + 126 {
                    read(&mut stream, &mut bytes)?;
                }
                let key = [bytes[4], bytes[5], bytes[6], bytes[7]];
                let payload = crate::support::bytes::xor(&bytes[8..], key);
                [&[0x88, 126, 0, 126][..], &payload].concat()
            }
            _ => vec![0x88, 0],
        };
        stream.write_all(&answer).ok()?;
        leave(stream)
    }

    #[test]
    fn are_judged_by_what_the_close_can_mean() {
        let folder = Folder::new("ends");
        let url = format!("ws://{}/", server(careless));
        let (json, autobahn) = (folder.path("report.json"), folder.path("autobahn"));
        let only = [
            "rsv-1-on-text",
            "rsv-1-on-close",
            "rsv-1-on-empty-close",
            "body-of-126-bytes",
        ];
        let only = only.iter().flat_map(|id| ["--only", id]);
        let files = ["--json", &json, "--autobahn", &autobahn];
        run(&["check", &url]
            .into_iter()
            .chain(only)
            .chain(files)
            .collect::<Vec<_>>());

        let report: Value = serde_json::from_str(&folder.read("report.json")).expect("JSON");
        let cases = report["cases"].as_array().expect("cases");
        for (id, outcome, why) in [
            // It says nothing wrong, but not why either.
            ("rsv-1-on-text", "lenient", "it closes with no code; 1002"),
            ("rsv-1-on-close", "lenient", "it closes with no code; 1002"),
            // It may be the answer to a Close without a code, which it should refuse.
            (
                "rsv-1-on-empty-close",
                "failed",
                "it closes with no code as if nothing were wrong",
            ),
            ("body-of-126-bytes", "failed", "it breaks control-too-long"),
        ] {
            let case = cases.iter().find(|case| case["id"] == id).expect(id);
            assert_eq!(case["outcome"], outcome, "{case}");
            assert!(
                case["why"]
                    .as_str()
                    .is_some_and(|told| told.starts_with(why)),
                "{case}"
            );
        }
        let index: Value = serde_json::from_str(&folder.read("autobahn/index.json")).expect("JSON");
        let closes = ["3.1", "7.3.6"].map(|number| &index[&*url][number]["behaviorClose"]);
        assert_eq!(closes, ["OK", "UNCLEAN"]);
    }
}

mod files {
    use super::*;

    /// Nothing listens there.
    const NOWHERE: &str = "ws://127.0.0.1:1/";

    #[test]
    fn that_cannot_be_written_are_found_out_before_the_first_case() {
        let folder = Folder::new("unwritable");
        fs::create_dir(folder.0.join("reports")).expect("a folder");
        fs::write(folder.0.join("reports/index.json"), "mine").expect("a file");
        for (flag, path) in [
            ("--json", "missing/report.json"),
            ("--junit", "reports"),
            ("--html", "missing/report.html"),
            ("--autobahn", "reports"),
            ("--autobahn", "reports/index.json"),
        ] {
            let path = folder.path(path);
            let ran = checked(&[flag, &path]);
            assert_eq!(
                (ran.code, &*ran.stdout),
                (2, ""),
                "{flag} {path}: {}",
                ran.stderr
            );
            assert!(ran.stderr.contains(&path), "{}", ran.stderr);
        }
        assert_eq!(folder.read("reports/index.json"), "mine");
    }

    #[test]
    fn are_left_alone_where_nothing_answers() {
        let folder = Folder::new("nothing");
        let path = folder.path("report.json");
        fs::write(&path, "older").expect("a file");
        assert_eq!(run(&["check", NOWHERE, "--json", &path]).code, 3);
        assert_eq!(folder.read("report.json"), "older");
    }

    #[test]
    fn are_replaced_by_new_ones() {
        let folder = Folder::new("replaced");
        let path = folder.path("report.json");
        fs::write(&path, "older ".repeat(100_000)).expect("a file");
        checked(&["--json", &path]);
        serde_json::from_str::<Value>(&folder.read("report.json"))
            .expect("nothing of the older one");
    }

    #[test]
    fn of_two_kinds_do_not_share_standard_output() {
        let ran = checked(&["--json", "-", "--junit", "-"]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""));
        assert!(ran.stderr.contains("only one report"), "{}", ran.stderr);
    }
}

mod a_server_that_goes {
    use super::*;

    /// Answers nothing, and ends with the first frame that has a reserved bit.
    fn mortal(listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut bytes = opened(&mut stream, "Switching Protocols").unwrap_or_default();
            while bytes.is_empty() && read(&mut stream, &mut bytes).is_some() {}
            if bytes.first().is_some_and(|byte0| byte0 & 0x70 != 0) {
                // Before that connection ends, or the next one might still be taken.
                drop(listener);
                return;
            }
        }
    }

    #[test]
    fn is_missed_at_once_and_the_last_cases_are_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        thread::spawn(move || mortal(listener));
        let only = ["rsv-1-on-text", "rsv-2-on-text", "opcode-3"];
        let only = only.iter().flat_map(|id| ["--only", id]);
        let arguments = ["check", &url, "--jobs", "1", "--json", "-"];
        let run = run(&Vec::from_iter(arguments.into_iter().chain(only)));
        assert_eq!(run.code, 1, "{}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let cases = report["cases"].as_array().expect("cases");
        let told: Vec<_> = cases
            .iter()
            .map(|case| (&case["outcome"], &case["why"]))
            .collect();
        assert_eq!(told[0].0, "lenient", "{told:?}");
        let why = told[1].1.as_str().expect("words");
        assert!(why.starts_with("no connection: "), "{why}");
        assert!(
            why.ends_with("; it was there until one of these cases: rsv-1-on-text"),
            "{why}"
        );
        assert_eq!(told[1].0, "failed");
        assert_eq!(told[2].0, "not_applicable", "{told:?}");
        assert_eq!(told[2].1, "not played: nothing is there any more");
    }
}

#[test]
fn two_reports_in_one_file_are_refused_and_leave_what_is_there() {
    let folder = Folder::new("two");
    let [path, again] = ["report", "./report"].map(|name| folder.path(name));
    fs::write(&path, "older").expect("a file");
    let url = format!("ws://{}/", server(odd));
    let run = run(&[
        "check",
        &url,
        "--only",
        "code-1000",
        "--json",
        &path,
        "--html",
        &again,
    ]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("only one report"), "{}", run.stderr);
    assert_eq!(folder.read("report"), "older");
}
