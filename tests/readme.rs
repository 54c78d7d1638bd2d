//! What `docs/`, the README and `src/lib.rs` tell of the code is so: the rules, the dependencies, the minutes of reading.
//! `PLAINWS_UPDATE=1 cargo test --test library readme` rewrites the table of rules.
#![expect(clippy::unwrap_used, reason = "a page that cannot be read has failed")]

use plainws::Rule;
use plainws::protocol::rule::Answer;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str =
    "<!-- rules: made from the table in src/protocol/rule.rs, checked by tests/readme.rs -->\n";
const END: &str = "<!-- end of rules -->";

#[test]
fn shows_every_rule_with_its_section_and_answer() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    if std::env::var_os("PLAINWS_UPDATE").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", expected())).unwrap();
        return;
    }
    assert_eq!(
        table,
        expected(),
        "run PLAINWS_UPDATE=1 cargo test --test library readme"
    );
}

/// The names of all dependencies that are not for tests alone.
fn dependencies() -> BTreeSet<String> {
    let manifest = include_str!("../Cargo.toml");
    let sections = manifest.split("\n[").filter(|section| {
        let (title, _) = section.split_once(']').unwrap_or_default();
        title == "dependencies" || title.starts_with("target.") || title.is_empty()
    });
    let lines = sections.flat_map(|section| section.lines().skip(1));
    let names = lines.filter_map(|line| line.split_once(" = "));
    let names = names.filter(|(name, _)| !name.starts_with('#'));
    names.map(|(name, _)| name.into()).collect()
}

#[test]
fn weighs_every_dependency_and_nothing_else() {
    let page = include_str!("../docs/dependencies.md");
    let (_, rest) = page.split_once("<!-- dependencies: ").unwrap();
    let (table, _) = rest.split_once("<!-- end of dependencies -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| {
        let cell = row.split('|').nth(1).unwrap_or_default();
        cell.split('`').skip(1).step_by(2).map(String::from)
    });
    assert_eq!(names.collect::<BTreeSet<_>>(), dependencies());
}

fn expected() -> String {
    let mut table =
        String::from("| section | rule | the demand | the answer |\n|---|---|---|---|\n");
    for rule in Rule::ALL {
        let answer = match rule.answer() {
            Answer::Close(code) => format!("Close {}", code.0),
            Answer::Status(status) => format!("status {status}"),
            _ => "the client leaves".into(),
        };
        let (id, section, clause) = (rule.id(), rule.section(), rule.clause());
        let _ = writeln!(table, "| {section} | `{id}` | {clause} | {answer} |");
    }
    table
}

/// A row of the reading order in `src/lib.rs`: the minutes that it says, and the files that it names.
struct Row {
    minutes: usize,
    files: Vec<String>,
}

impl Row {
    /// The minutes that its files take, at 40 lines each.
    fn due(&self) -> usize {
        let lines: usize = self.files.iter().map(|file| lines(file)).sum();
        (lines + 20) / 40
    }
}

fn reading_order() -> Vec<Row> {
    let (_, table) = include_str!("../src/lib.rs")
        .split_once("//! | minutes | module |")
        .unwrap();
    let rows = table.lines().skip(2);
    let rows = rows.map_while(|row| row.strip_prefix("//! | ")?.split_once(" | "));
    rows.map(|(minutes, row)| {
        let words = row.split('`').skip(1).step_by(2);
        let files = if row.starts_with("[`net`]") {
            words.skip(1).flat_map(|name| files("net", name)).collect()
        } else {
            let names = words.map(|name| name.trim_start_matches("protocol::"));
            names.flat_map(|name| files("protocol", name)).collect()
        };
        let minutes = minutes.parse().unwrap();
        Row { minutes, files }
    })
    .collect()
}

/// The sources of a module: one file or a folder of them. Those with tests only are not read first.
fn files(storey: &str, module: &str) -> Vec<String> {
    let path = format!("src/{storey}/{module}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(folder) = root.join(&path).read_dir() else {
        return vec![format!("{path}.rs")];
    };
    let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| !name.ends_with("tests.rs"));
    names.map(|name| format!("{path}/{name}")).collect()
}

/// Lines of a source, up to the tests at its end.
fn lines(file: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = std::fs::read_to_string(&path).expect(file);
    let code = source.split("\n#[cfg(test)]\nmod tests {").next();
    code.unwrap_or_default().lines().count()
}

mod the_reading_order {
    use super::*;

    #[test]
    fn tells_honest_minutes() {
        for row in reading_order() {
            let (said, due) = (row.minutes, row.due());
            assert!(
                said.abs_diff(due) <= (due / 7).max(1),
                "src/lib.rs says {said} minutes, and it takes {due}: {:?}",
                row.files
            );
        }
    }

    #[test]
    fn leaves_no_file_of_the_protocol_out() {
        let named: Vec<_> = reading_order()
            .into_iter()
            .flat_map(|row| row.files)
            .collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol");
        for entry in folder.read_dir().unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let module = name.trim_end_matches(".rs");
            for file in files("protocol", module) {
                assert!(module == "mod" || named.contains(&file), "{file}");
            }
        }
    }
    /// Frames, the opening handshake, how both are shown, sockets: where each begins in the table.
    const PARTS: [&str; 4] = ["rule", "head", "dissect", "stream"];

    #[test]
    fn is_summed_up_by_the_readme() {
        let mut sums = Vec::new();
        for row in reading_order() {
            let begins = |part: &str| row.files[0].contains(&format!("/{part}"));
            if PARTS.get(sums.len()).copied().is_some_and(begins) {
                sums.push(0);
            }
            *sums.last_mut().unwrap() += row.minutes;
        }
        let (_, table) = include_str!("../README.md")
            .split_once("| minutes |")
            .unwrap();
        let rows = table.lines().skip(2);
        let rows = rows.map_while(|row| row.trim().strip_prefix("| ")?.split_once(" | "));
        let said: Vec<usize> = rows.map(|(minutes, _)| minutes.parse().unwrap()).collect();
        assert_eq!((said.len(), sums.len()), (PARTS.len(), PARTS.len()));
        for (said, sum) in said.iter().zip(&sums) {
            assert!(
                said.abs_diff(*sum) <= 5,
                "README says {said}, the sum is {sum}"
            );
        }
    }
}

mod the_code {
    use crate::support::server::{observe, start};
    use std::net::SocketAddr;
    use std::sync::OnceLock;

    const README: &str = include_str!("../README.md");
    const SERVER: &str = include_str!("support/readme_server.rs");
    const CLIENT: &str = include_str!("support/readme_client.rs");

    #[allow(dead_code, reason = "its main listens at a port that may be taken")]
    mod server {
        include!("support/readme_server.rs");

        pub(super) fn handle(ws: &mut WebSocket) -> plainws::Result<()> {
            echo(ws)
        }
    }

    mod client {
        include!("support/readme_client.rs");

        pub(super) fn run() -> plainws::Result<()> {
            main()
        }

        /// Connects to the server of the test, wherever that is.
        mod plainws {
            pub(super) use ::plainws::Result;

            pub(super) fn connect(url: &str) -> Result<::plainws::WebSocket> {
                let address = super::super::ADDRESS.get().unwrap().to_string();
                ::plainws::connect(&url.replace("127.0.0.1:8000/echo", &address))
            }
        }
    }

    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();

    #[test]
    fn is_that_of_the_readme() {
        for code in [SERVER, CLIENT] {
            assert!(
                README.contains(&format!("```rust,no_run\n{code}```")),
                "{code}"
            );
        }
        assert_eq!(README.matches("```rust").count(), 2, "each is run");
    }

    #[test]
    fn of_the_server_sends_back_what_comes() {
        let address = start(|server| server.route("/echo", server::handle));
        let ws = plainws::connect(&format!("ws://{address}/echo")).unwrap();
        for text in ["Hello", "Grüße", ""] {
            ws.send(text).unwrap();
            assert_eq!(ws.receive().unwrap(), Some(text.into()));
        }
    }

    #[test]
    fn of_the_client_says_hello_and_closes() {
        let (address, heard) = observe(|ws, told| {
            while let Some(message) = ws.receive()? {
                let _ = told.send(message.to_string());
                ws.send(message)?;
            }
            let _ = told.send(format!("closed {}", ws.close_reason().unwrap().code.0));
            Ok(())
        });
        ADDRESS.set(address).unwrap();
        client::run().unwrap();
        assert_eq!(heard.next(), "Hello");
        assert_eq!(heard.next(), "closed 1000");
    }
}

mod links {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// All pages at the root and in `docs/`.
    fn pages() -> Vec<String> {
        let mut pages = Vec::new();
        for folder in ["", "docs/"] {
            for entry in root().join(folder).read_dir().unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.ends_with(".md") {
                    pages.push(format!("{folder}{name}"));
                }
            }
        }
        pages
    }

    /// Where a page leads to: other files, and headings.
    fn targets(text: &str) -> Vec<&str> {
        let ends = [("](", ')'), (" src=\"", '"'), (" srcset=\"", '"')];
        let found = ends.iter().flat_map(|(begin, end)| {
            let rests = text.split(begin).skip(1);
            rests.filter_map(|rest| rest.split(*end).next())
        });
        found.filter(|target| !target.contains("://")).collect()
    }

    /// What a heading is called in a link.
    fn anchors(text: &str) -> Vec<String> {
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let titles = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
        titles
            .map(|title| {
                let is_kept = |char: &char| char.is_alphanumeric() || " -_".contains(*char);
                title
                    .chars()
                    .filter(is_kept)
                    .collect::<String>()
                    .replace(' ', "-")
            })
            .collect()
    }

    #[test]
    fn of_all_pages_lead_somewhere() {
        for page in pages() {
            let text = std::fs::read_to_string(root().join(&page)).unwrap();
            let folder = root().join(&page).parent().unwrap().to_owned();
            for target in targets(&text) {
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if file.is_empty() {
                    root().join(&page)
                } else {
                    folder.join(file)
                };
                assert!(path.exists(), "{page}: no {target}");
                if !anchor.is_empty() {
                    let text = std::fs::read_to_string(path).unwrap();
                    assert!(
                        anchors(&text).iter().any(|known| known == anchor),
                        "{page}: no {target}"
                    );
                }
            }
        }
    }
}
