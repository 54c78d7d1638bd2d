//! Each command in a console block of the README, in both languages, and of `docs/` is run against the program that was
//! built, and says what is shown there. A page, a block or a command cannot be left out: what is not known here fails.
//!
//! A block is a session of bash, in a folder of its own that has the repository's `src` and `tests`. Commands that need TLS
//! are skipped where this build has none; for the others the folder has a certificate too. [`Way`] says how a command is
//! tried:
//!
//! - most are run to their end, and must end with 0, or with 1 where `failed:` is shown;
//! - servers go on until they are stopped, which is done when they have said what is shown;
//! - cargo's own commands and the scripts of the repository build for minutes, run these very tests, or need what not
//!   everybody has. Only what they name is looked up: tests, examples, targets, flags, files. CI runs them.
//!
//! Where what is run differs from the page, [`Session::adapted`] says so, and [`Shown::compared`] what is not compared.

use crate::support::bytes::{CLOSE, LAST, PING, PONG, TEXT};
use crate::support::golden::timeless;
use crate::support::hand_made::switching;
use crate::support::program::{Process, Program};
use crate::support::raw::Raw;
use crate::support::run::run;
use crate::support::server::{echo, start, wait_until};
use crate::support::skip;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::{env, fs, process, thread};

#[test]
fn do_what_the_pages_show() {
    let blocks: Vec<_> = pages().iter().flat_map(|page| blocks(page)).collect();
    assert!(blocks.len() > 10, "{} blocks", blocks.len());
    let tries = blocks
        .into_iter()
        .map(|block| thread::spawn(move || block.check()));
    let tries: Vec<_> = tries.collect();
    let ends = tries.into_iter().map(thread::JoinHandle::join);
    let failed = ends.filter(Result::is_err).count();
    assert_eq!(failed, 0, "blocks failed; what is wrong is told above");
}

/// Each README, and all of `docs/`.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    for (folder, prefix) in [("", "README"), ("docs/", "")] {
        for entry in root().join(folder).read_dir().expect("it is there") {
            let name = entry.expect("it can be read").file_name();
            let name = name.into_string().expect("it is text");
            if name.starts_with(prefix) && name.ends_with(".md") {
                pages.push(format!("{folder}{name}"));
            }
        }
    }
    pages
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(file: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(file)).expect("it is text")
}

/// A console block.
struct Block {
    /// Page and line.
    place: String,
    commands: Vec<Shown>,
}

/// A command, and the lines that are shown as its output.
struct Shown {
    command: String,
    output: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let text = text_of(page);
    let mut lines = text.lines().enumerate();
    let mut blocks = Vec::new();
    while let Some((at, line)) = lines.next() {
        // In a list it is indented.
        let Some((indent, "console")) = line.split_once("```") else {
            continue;
        };
        let place = format!("{page}:{}", at + 1);
        let mut commands: Vec<Shown> = Vec::new();
        for (_, line) in lines.by_ref() {
            let line = line.strip_prefix(indent).unwrap_or_default();
            if line == "```" {
                break;
            }
            if let Some(command) = line.strip_prefix("$ ") {
                commands.push(Shown {
                    command: command.into(),
                    output: Vec::new(),
                });
            } else if let Some(shown) = commands.last_mut() {
                match shown.command.strip_suffix('\\') {
                    Some(begun) => shown.command = format!("{begun}{}", line.trim_start()),
                    None => shown.output.push(line.into()),
                }
            } else {
                panic!("{place}: output without a command");
            }
        }
        blocks.push(Block { place, commands });
    }
    blocks
}

impl Block {
    fn check(&self) {
        let ways = |a: &Shown, b: &Shown| a.way() == Way::ToItsEnd && b.way() == Way::ToItsEnd;
        for commands in self.commands.chunk_by(ways) {
            let [first, ..] = commands else { continue };
            if commands.iter().any(Shown::needs_tls) {
                if !cfg!(feature = "tls") {
                    skip(&self.place, "this build has no TLS", "PLAINWS_TLS");
                    continue;
                }
                if !is_installed("openssl") {
                    skip(&self.place, "openssl is not installed", "PLAINWS_TOOLS");
                    continue;
                }
            }
            match first.way() {
                Way::ToItsEnd => Session::of(commands, &self.place).run_to_its_end(),
                Way::UntilStopped => Session::of(commands, &self.place).run_until_stopped(),
                Way::ByName => {
                    if let Err(unknown) = look_up(first.words()) {
                        panic!("{}: {unknown} in {}", self.place, first.command);
                    }
                }
            }
        }
    }
}

/// How a command is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToItsEnd,
    UntilStopped,
    ByName,
}

/// What a server is reached at where nothing else is said.
const DEFAULT: u16 = 8000;

impl Shown {
    /// Without variables before it, and a comment after it.
    fn words(&self) -> Vec<&str> {
        let command = self.command.split(" #").next().unwrap_or_default();
        let words = command.split_whitespace();
        words.skip_while(|word| word.contains("=")).collect()
    }

    /// Whether it is a server's or a client's inside TLS.
    fn needs_tls(&self) -> bool {
        let signs = [
            "--features tls --",
            "--tls-cert",
            "--ca ",
            "wss://",
            "https://localhost",
        ];
        signs.iter().any(|sign| self.command.contains(sign))
    }

    fn way(&self) -> Way {
        match self.words()[..] {
            ["cargo", "run"] => Way::UntilStopped,
            ["plainws", ref arguments @ ..]
            | ["cargo", "run", "--", ref arguments @ ..]
            | [
                "cargo",
                "run",
                "--features",
                "tls",
                "--",
                ref arguments @ ..,
            ] => {
                if goes_on(arguments) {
                    Way::UntilStopped
                } else {
                    Way::ToItsEnd
                }
            }
            ["cargo", ..] => Way::ByName,
            // The tutorial's server.
            [.., "python3", "server.py", _] => Way::UntilStopped,
            [script, ..] if script.contains('/') && !script.starts_with("./") => Way::ByName,
            _ => Way::ToItsEnd,
        }
    }

    /// The port that it listens at, as the page has it.
    fn own_port(&self) -> Option<u16> {
        let words = self.words();
        let named = words.windows(2).find_map(|pair| match *pair {
            ["--listen" | "--addr", address] => address.rsplit(':').next()?.parse().ok(),
            ["server.py", port] => port.parse().ok(),
            _ => None,
        });
        named.or((self.way() == Way::UntilStopped).then_some(DEFAULT))
    }

    /// The lines to compare: without times, keys and the time of day, which are different each time. Nothing is compared
    /// where nothing is shown, nor after `…`. The lines of a trace come in any order, because each side has a thread of its
    /// own; what a proxy says of its clients is compared in `cli_proxy`.
    fn compared(&self, output: &str) -> String {
        let shown = self.output.iter().map(String::as_str);
        let shown: Vec<_> = shown.take_while(|line| *line != "…").collect();
        let is_whole = shown.len() == self.output.len();
        let count = if is_whole { usize::MAX } else { shown.len() };
        let mut lines: Vec<_> = output.lines().take(count).map(masked).collect();
        if self.command.contains("--trace") {
            lines.sort();
        }
        lines.join("\n")
    }
}

/// Whether the program serves until it is stopped.
fn goes_on(arguments: &[&str]) -> bool {
    match arguments {
        ["--help" | "-h" | "--version", ..] => false,
        [] | ["serve" | "proxy", ..] => true,
        ["check", options @ ..] => {
            options.contains(&"--listen") && !options.contains(&"--exit-after")
        }
        [first, ..] => first.starts_with('-'),
    }
}

/// A line without what is different each time.
fn masked(line: &str) -> String {
    // The time of a trace has a column of its own.
    let line = timeless(line);
    let line = line.trim_end_matches('\n');
    let words: Vec<_> = line.split(' ').collect();
    let is_of = |at: usize, unit: &str| {
        let next = words.get(at + 1).unwrap_or(&"");
        next.trim_end_matches(|end: char| !end.is_alphanumeric()) == unit
    };
    let masked = words.iter().enumerate().map(|(at, word)| {
        let is_time = ["ms", "us", "s"].iter().any(|unit| is_of(at, unit));
        let is_key = word.len() == 8 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_time && word.parse::<f64>().is_ok() {
            "time".into()
        } else if line.starts_with("{\"time\": ") {
            word.replace(|digit: char| digit.is_ascii_digit(), "0")
        } else if is_key && line.contains(" masked ") {
            "key".into()
        } else {
            (*word).into()
        }
    });
    masked.collect::<Vec<String>>().join(" ")
}

/// Commands in one bash.
struct Session<'a> {
    place: &'a str,
    commands: &'a [Shown],
    folder: PathBuf,
    /// Ports of the page, and those that stand for them.
    ports: Vec<(u16, u16)>,
    /// What the page takes for granted: the program, serving.
    _served: Option<Program>,
}

impl<'a> Session<'a> {
    fn of(commands: &'a [Shown], place: &'a str) -> Self {
        let port = free_port();
        let folder = env::temp_dir().join(format!("plainws-readme-{}-{port}", process::id()));
        furnish(&folder);
        if commands.iter().any(Shown::needs_tls) {
            certify(&folder);
        }
        let mut session = Self {
            place,
            commands,
            folder,
            ports: Vec::new(),
            _served: None,
        };
        for documented in [8000, 8001, 9000, 9001] {
            let is_own = |shown: &Shown| shown.own_port() == Some(documented);
            if commands.iter().any(is_own) {
                session.ports.push((documented, free_port()));
            } else if session.names(documented) {
                let address = session.server_at(documented);
                session.ports.push((documented, address.port()));
            }
        }
        session
    }

    fn names(&self, port: u16) -> bool {
        let port = port.to_string();
        self.commands
            .iter()
            .any(|shown| shown.command.contains(&port))
    }

    /// What the page says is there: at 8000 this program, at 9001 somebody's server that sends each message back, right or
    /// with the fault that the page shows.
    fn server_at(&mut self, port: u16) -> SocketAddr {
        match port {
            8000 => {
                let file = |name: &str| self.folder.join(name).display().to_string();
                let (cert, key) = (file("cert.pem"), file("key.pem"));
                let program = match self.commands.iter().any(Shown::needs_tls) {
                    true => Program::serve(&["--quiet", "--tls-cert", &cert, "--tls-key", &key]),
                    false => Program::serve(&["--quiet"]),
                };
                let address = program.address;
                self._served = Some(program);
                address
            }
            9001 if self.commands.iter().any(Shown::is_of_a_failure) => faulty(),
            9001 => start(|server| {
                // Told of what a handler says, it would print that.
                let server = server.log(|_| {});
                server.route("/", echo).route("/echo", echo)
            }),
            _ => panic!("{}: what is at {port}?", self.place),
        }
    }

    /// A command as it is run.
    fn adapted(&self, shown: &Shown) -> String {
        let mut command = shown.command.clone();
        let has = |part: &str| shown.command.contains(part);
        let mut insert = |after: &str, more: &str| {
            let at = command.find(after).map(|at| at + after.len());
            command.insert_str(at.expect("it is there"), more);
        };
        // All 1,200 cases take ten seconds.
        if has("plainws check --listen") && !has("--only") {
            insert("plainws check", " --only ping-of-text");
        } else if has("plainws check ws:") && !has("--only") && !has("--learn") {
            insert("plainws check", " --only control");
        }
        // As it is, it loads for five seconds, which other tests would feel.
        if has("plainws bench") && !has("--seconds") {
            insert("plainws bench", " --seconds 0.2");
        }
        // Where it serves by default, another may be.
        if shown.own_port() == Some(DEFAULT) && !has("--addr") {
            let here = format!(" --addr 127.0.0.1:{DEFAULT}");
            match shown.words()[..] {
                ["cargo", "run"] => insert("cargo run", &format!(" --{here}")),
                _ if has(" serve") => insert(" serve", &here),
                ["cargo", "run", ..] => insert("cargo run --", &here),
                _ => insert("plainws", &here),
            }
        }
        // What stands for any case.
        let command = command.replace("--only ID", "--only ping-of-text");
        let command = command.replace("--list ID", "--list ping-of-text");
        let there = |&(documented, real): &(u16, u16)| (documented.to_string(), real.to_string());
        let ports = self.ports.iter().map(there);
        ports.fold(command, |command, (documented, real)| {
            command.replace(&documented, &real)
        })
    }

    /// Output with the ports that the page has.
    fn with_its_ports(&self, output: &str) -> String {
        let ports = self.ports.iter();
        ports.fold(output.to_owned(), |text, (documented, real)| {
            text.replace(&format!(":{real}"), &format!(":{documented}"))
        })
    }

    fn bash(&self, script: &str) -> Bash {
        let program = Path::new(env!("CARGO_BIN_EXE_plainws"));
        let path = env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", self.folder.display()))
            .env("PLAINWS", program)
            // Set by the cargo that runs these tests; the program says by it how it was started.
            .env_remove("CARGO")
            .process_group(0);
        for proxy in ["http_proxy", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        Bash(Process::start(&mut command).expect("bash is there"))
    }

    fn run_to_its_end(&self) {
        for tool in ["curl", "jq", "openssl", "python3", "timeout", "xxd"] {
            let uses = |shown: &Shown| shown.command.split_whitespace().any(|word| word == tool);
            if self.commands.iter().any(uses) && !is_installed(tool) {
                let why = format!("{tool} is not installed");
                return skip(self.place, &why, "PLAINWS_TOOLS");
            }
        }
        let mut script = String::new();
        for shown in self.commands {
            let _ = writeln!(
                script,
                "{}\nprintf '\\n{END} %d\\n' $?",
                self.adapted(shown)
            );
        }
        let what = format!("end of {}", self.place);
        let bash = self.bash(&script);
        let said = bash.0.stdout.wait_for(&what, |said| {
            (said.matches(END).count() == self.commands.len()).then(|| said.to_owned())
        });
        let mut rest = &*self.with_its_ports(&said);
        for shown in self.commands {
            let place = format!("{}: {}\n{said}", self.place, shown.command);
            let (output, after) = rest.split_once(&format!("\n{END} ")).expect(&place);
            let (code, after) = after.split_once('\n').expect(&place);
            rest = after;
            let due = if shown.is_of_a_failure() { "1" } else { "0" };
            assert_eq!(code, due, "{place}");
            if !shown.output.is_empty() {
                let page = shown.output.join("\n");
                assert_eq!(shown.compared(output), shown.compared(&page), "{place}");
            }
        }
    }

    fn run_until_stopped(&self) {
        let [shown] = self.commands else {
            panic!("{}: one at a time", self.place);
        };
        let bash = self.bash(&self.adapted(shown));
        let address = SocketAddr::from(([127, 0, 0, 1], self.ports[0].1));
        // Its clients come later.
        let page = shown
            .output
            .iter()
            .take_while(|line| !line.starts_with('#') && *line != "…");
        let page: Vec<_> = page.map(|line| masked(line)).collect();
        bash.0.stdout.wait_for(&format!("{page:#?}"), |said| {
            let said = self.with_its_ports(said);
            let said = said.lines().map(masked).take(page.len());
            (said.eq(page.iter().cloned())).then_some(())
        });
        wait_until(self.place, || TcpStream::connect(address).is_ok());
    }
}

/// What comes between the outputs of two commands.
const END: &str = "--- ended with";

impl Shown {
    fn is_of_a_failure(&self) -> bool {
        self.output.iter().any(|line| line.starts_with("failed: "))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Ended with all that it has started.
struct Bash(Process);

impl Drop for Bash {
    fn drop(&mut self) {
        let kill = format!("kill -TERM -- -{}", self.0.id());
        let _ = Command::new("bash").args(["-c", &kill]).output();
    }
}

fn is_installed(tool: &str) -> bool {
    let found = Command::new("bash")
        .args(["-c", &format!("type -P {tool}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

/// A port at which a program can listen that cannot be told to take any. It is below those that the system gives out, so that
/// no other test has it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(process::id() % 200).expect("it is small") * 100;
    let mut ports = (0..100).map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed) % 100);
    let port = ports.find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    port.expect("one of a hundred is free")
}

/// Makes a folder that looks like the repository to who has installed the program there.
fn furnish(folder: &Path) {
    let script = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, format!("#!/usr/bin/env bash\n{text}\n")).expect("it can be written");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(path, mode).expect("it is ours");
    };
    fs::create_dir_all(folder).expect("it can be made");
    for name in ["src", "tests"] {
        symlink(root().join(name), folder.join(name)).expect("it is new");
    }
    symlink(env!("CARGO_BIN_EXE_plainws"), folder.join("plainws")).expect("it is new");
    fs::create_dir(folder.join("pages")).expect("it is new");
    // The program is built already. It tells by this variable that cargo has started it.
    script(
        "cargo",
        r#"[ "$1" = run ] || exit 9; shift; [ "$1 $2" != "--features tls" ] || shift 2
           [ "${1:---}" = -- ] || exit 9; shift
           CARGO=cargo exec "$PLAINWS" "$@""#,
    );
    // Whatever client somebody has. This one plays one case, of a ping, for which it has to say nothing itself.
    script(
        "my-client-that-asks-for-cases",
        r#"for what in getCaseCount "runCase?case=1&agent=me" "updateReports?agent=me"; do
               "$PLAINWS" connect "$1/$what" -n </dev/null || exit
           done"#,
    );
}

/// Makes the certificate that the commands want, as the page says.
fn certify(folder: &Path) {
    let blocks = blocks("docs/tls.md");
    let mut commands = blocks.iter().flat_map(|block| &block.commands);
    let made = commands.find(|shown| shown.words().first() == Some(&"openssl"));
    let command = &made.expect("it says how").command;
    let mut bash = Command::new("bash");
    let _ = bash.args(["-c", command]).current_dir(folder).output();
}

/// A server that takes the payload of a ping into the message around it.
fn faulty() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || send_back_wrongly(&mut Raw::from(stream)));
        }
    });
    address
}

fn send_back_wrongly(raw: &mut Raw) {
    let request = raw.head_or_end();
    if request.is_empty() {
        return;
    }
    raw.send(switching(&request));
    let mut message = Vec::new();
    while let Some((byte0, payload)) = raw.try_masked_frame() {
        match byte0 {
            CLOSE => {
                let _ = raw.try_send([&[CLOSE, 2], &payload[..2]].concat());
                return;
            }
            PING => {
                let _ = raw.try_send([&[PONG, 2], &payload[..]].concat());
            }
            _ => {}
        }
        message.extend(payload);
        if byte0 == LAST {
            let length = u8::try_from(message.len()).expect("it is short");
            let _ = raw.try_send([&[TEXT, length], &message[..]].concat());
        }
    }
}

/// Whether all that is named in a command of cargo, or of a script of ours, is there.
pub(crate) fn look_up(words: Vec<&str>) -> Result<(), String> {
    match words[..] {
        ["cargo", command, ref options @ ..] => cargo(command, options),
        [script, ref options @ ..] => ours(script, options),
        [] => Err("nothing".into()),
    }
}

fn cargo(command: &str, options: &[&str]) -> Result<(), String> {
    const COMMANDS: [&str; 6] = ["bench", "build", "clippy", "doc", "install", "test"];
    const FLAGS: [&str; 8] = [
        "--all-targets",
        "--bins",
        "--lib",
        "--locked",
        "--no-default-features",
        "--open",
        "--release",
        "--workspace",
    ];
    if !COMMANDS.contains(&command) {
        return Err(format!("cargo {command}, which this test does not know,"));
    }
    let manifest = text_of("Cargo.toml");
    let mut options = options.iter();
    while let Some(&option) = options.next() {
        let mut value = || options.next().copied().unwrap_or_default();
        let is_there = match option {
            "--test" => manifest.contains(&format!("[[test]]\nname = \"{}\"\n", value())),
            "--bin" => manifest.contains(&format!("[[bin]]\nname = \"{}\"\n", value())),
            "--example" => root().join(format!("examples/{}.rs", value())).exists(),
            "--features" => manifest.contains(&format!("\n{} = [", value())),
            "--manifest-path" | "--path" => root().join(value()).exists(),
            "--" => continue,
            flag if flag.starts_with('-') => FLAGS.contains(&flag),
            // Names of tests: the file that has them.
            name => {
                let module = name.split("::").next().unwrap_or_default();
                root().join(format!("tests/{module}.rs")).exists()
            }
        };
        if !is_there {
            return Err(format!("no {option}"));
        }
    }
    Ok(())
}

fn ours(script: &str, options: &[&str]) -> Result<(), String> {
    let path = root().join(script);
    let mode = path.metadata().map(|file| file.permissions().mode());
    if mode.unwrap_or_default() & 0o100 == 0 {
        return Err(format!("no {script} that could be run"));
    }
    let is_known = |option: &&str| match script {
        "fuzz/run" => {
            let target = root().join(format!("fuzz/fuzz_targets/{option}.rs"));
            option.parse::<u32>().is_ok() || ["runs", "seeds"].contains(option) || target.exists()
        }
        "benches/compare" => {
            let known = text_of("benches/peers/src/bin/compare/arguments.rs");
            option.parse::<u32>().is_ok() || known.contains(&format!("\"{option}\""))
        }
        _ => option.starts_with("--") && text_of(script).contains(*option),
    };
    match options.iter().find(|option| !is_known(option)) {
        Some(option) => Err(format!("no {option}")),
        None => Ok(()),
    }
}

mod in_the_text {
    use super::*;

    /// What stands between backticks, outside of blocks.
    fn quoted(page: &str) -> Vec<String> {
        let text = text_of(page);
        let outside: Vec<_> = text.split("```").step_by(2).collect();
        let spans = outside
            .iter()
            .flat_map(|text| text.split('`').skip(1).step_by(2));
        spans
            .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    fn flags(text: &str) -> Vec<&str> {
        let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '-'));
        words
            .filter(|word| word.starts_with("--") && word.len() > 2)
            .collect()
    }

    #[test]
    fn commands_and_flags_are_those_that_there_are() {
        let help = |arguments: &[&str]| run(&[arguments, &["--help"]].concat()).stdout;
        let all = help(&[]);
        let (_, list) = all.split_once("Commands:\n").expect("it lists commands");
        let (list, _) = list.split_once("\n\n").expect("more follows");
        let names = list
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let helps: Vec<_> = names
            .filter(|name| *name != "help")
            .map(|name| (name, help(&[name])))
            .collect();
        for page in pages() {
            for text in quoted(&page) {
                let rest = text.strip_prefix("plainws ");
                let Some(rest) = rest.or_else(|| text.strip_prefix("cargo run -- ")) else {
                    continue;
                };
                let first = rest.split(' ').next().unwrap_or_default();
                let known = helps.iter().find(|(name, _)| *name == first);
                let known = known.map(|(_, help)| help);
                let known = known.or(first.starts_with('-').then_some(&all));
                let known = known.unwrap_or_else(|| panic!("{page}: no {first} in {text}"));
                for flag in flags(rest) {
                    assert!(flags(known).contains(&flag), "{page}: no {flag} in {text}");
                }
            }
        }
    }
}
