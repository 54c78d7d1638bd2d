//! The three storeys, read from the sources: each uses only what is below it, without cycles, and the
//! protocol names nothing that could wait, ask the time or draw a random number. The oracles of `fuzz/` have no
//! cycles either. And no test is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What the protocol must do without: sockets, threads, clocks, files, the environment, randomness.
const FORBIDDEN_IN_PROTOCOL: &[&str] = &[
    "std::net",
    "std::io",
    "std::thread",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::sync::Barrier",
    "std::sync::mpsc",
    "std::time",
    "std::fs",
    "std::env",
    "std::process",
    "std::os",
    "std::hash::RandomState",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

/// Values, with a grammar that is std's, and no sockets.
const ALLOWED_IN_PROTOCOL: [&str; 2] = ["std::net::IpAddr", "std::net::Ipv6Addr"];

/// Macros that do the same under another name.
const FORBIDDEN_MACROS_IN_PROTOCOL: &[&str] = &[
    "print",
    "println",
    "eprint",
    "eprintln",
    "dbg",
    "env",
    "option_env",
    "thread_local",
];

/// All that storeys 1 and 2 depend on.
const DEPENDENCIES_OF_THE_LIBRARY: &[&str] = &["base64", "sha1"];

/// What features add, and the one module that each is for, with those below it.
const DEPENDENCIES_OF_FEATURES: &[(&str, &str)] = &[
    ("protocol::utf8", "simdutf8"),
    ("net::tls", "rustls"),
    ("net::tls", "rustls_native_certs"),
];

/// Who asks whether this build has TLS. All others are the same either way.
const ASK_FOR_TLS: &[&str] = &[
    // What is public then.
    "",
    "net",
    "net::accept",
    "net::client",
    "net::server",
    // How a connection gets into TLS, and what only that needs.
    "net::dial",
    "net::security",
    "net::stream",
    // The program's options, and what only these need.
    "app::serve::certificate",
    "app::signals",
    "app::trust",
];

mod the_sources {
    use super::*;

    #[test]
    fn of_a_storey_use_no_storey_above() {
        for (storey, below) in [("protocol", &[][..]), ("net", &["protocol"])] {
            let storeys = Storeys::of_the_library();
            let mut own = 0;
            for (user, used) in storeys.uses() {
                if storey_of(&user) != storey {
                    continue;
                }
                own += 1;
                let used_storey = storey_of(&used);
                assert!(
                    used_storey == storey || below.contains(&used_storey),
                    "{user} uses {used}"
                );
            }
            assert!(own > 10, "{storey}: {own} uses are not all there are");
        }
    }

    #[test]
    fn of_the_library_have_no_cycle() {
        assert_eq!(Storeys::of_the_library().cycle(), None);
    }

    #[test]
    fn of_the_program_have_no_cycle() {
        assert_eq!(Storeys::of_the_program().cycle(), None);
    }

    #[test]
    fn of_the_oracles_have_no_cycle() {
        let storeys = Storeys::of_the_oracles();
        let uses = storeys.uses();
        let used = |pair: (&str, &str)| uses.contains(&(pair.0.into(), pair.1.into()));
        for pair in [
            ("", "oracle"),
            ("oracle", "frames"),
            ("frames", "streams::generate"),
            ("streams::reference", "streams::seen"),
        ] {
            assert!(used(pair), "{pair:?} is not among {uses:?}");
        }
        assert_eq!(cycle(uses), None);
    }

    #[test]
    fn of_the_program_have_folders_without_a_cycle() {
        let folders = Storeys::of_the_program().folders();
        let used = |pair: (&str, &str)| folders.contains(&(pair.0.into(), pair.1.into()));
        assert!(used(("app::commands", "app::show")), "{folders:?}");
        assert_eq!(cycle(folders), None);
    }

    #[test]
    fn of_a_command_use_no_other_command() {
        let storeys = Storeys::of_the_program();
        let users: BTreeSet<_> = storeys.uses().into_iter().map(|(user, _)| user).collect();
        let commands: BTreeSet<_> = users.iter().filter_map(|user| command_of(user)).collect();
        assert!(commands.len() > 7, "{commands:?} are not all there are");
        assert_eq!(storeys.uses_between_commands(), Vec::<String>::new());
    }

    #[test]
    fn of_the_lab_use_no_command() {
        let uses = Storeys::of_the_program().uses().into_iter();
        let of_lab: Vec<_> = uses
            .filter(|(user, _)| user.starts_with("app::lab::"))
            .collect();
        assert!(of_lab.len() > 20, "{of_lab:?} are not all there are");
        let of_commands = of_lab.iter().filter(|(_, used)| command_of(used).is_some());
        assert_eq!(
            of_commands.collect::<Vec<_>>(),
            Vec::<&(String, String)>::new()
        );
    }

    #[test]
    fn of_the_program_reach_the_library_by_its_name_alone() {
        let storeys = Storeys::of_the_program();
        let mut paths = storeys.references().into_iter();
        assert!(paths.any(|(_, path)| path.segments[0] == "plainws"));
        for (module, source) in &storeys.modules {
            let tokens = tokens(source);
            for inlined in ["include", "path"] {
                assert!(!uses_macro(&tokens, inlined), "{module}: {inlined}!");
                assert!(!has_attribute(&tokens, inlined), "{module}: #[{inlined}]");
            }
        }
        // `mod net;` in main.rs would compile the library's storeys a second time.
        assert_eq!(declared(&storeys.modules[""]), ["app"]);
    }

    #[test]
    fn of_the_library_do_not_name_the_program() {
        for (user, path) in Storeys::of_the_library().references() {
            let names = ["plainws", "app"];
            assert!(
                !names.contains(&path.segments[0].as_str()),
                "{user} names {path:?}"
            );
        }
    }

    #[test]
    fn of_the_protocol_name_nothing_outside_the_bytes() {
        let storeys = Storeys::of_the_library();
        let mut looked_at = 0;
        for (module, source) in &storeys.modules {
            if storey_of(module) == "protocol" {
                assert_eq!(outside_the_bytes(source), Vec::<String>::new(), "{module}");
                looked_at += 1;
            }
        }
        assert!(looked_at > 10, "{looked_at} modules are not the protocol");
    }

    #[test]
    fn of_the_library_use_two_dependencies_and_others_for_features_in_one_place_each() {
        let dependencies = dependencies(&read(Path::new("Cargo.toml")));
        for needed in DEPENDENCIES_OF_THE_LIBRARY {
            assert!(dependencies.contains(*needed), "{dependencies:?}");
        }
        let mut used = BTreeSet::new();
        for (user, path) in Storeys::of_the_library().references() {
            let name = path.segments[0].as_str();
            let is_for = |(module, dependency): &&(&str, &str)| {
                let rest = user.strip_prefix(module);
                *dependency == name
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            let of_feature = DEPENDENCIES_OF_FEATURES.iter().find(is_for);
            used.extend(of_feature.map(|(_, dependency)| (*dependency).to_owned()));
            assert!(
                !dependencies.contains(name)
                    || DEPENDENCIES_OF_THE_LIBRARY.contains(&name)
                    || of_feature.is_some(),
                "{user} uses {name}"
            );
        }
        let of_features = DEPENDENCIES_OF_FEATURES.iter();
        assert_eq!(used, of_features.map(|(_, name)| (*name).into()).collect());
    }

    #[test]
    fn of_the_program_know_tls_by_the_library_alone() {
        for (user, path) in Storeys::of_the_program().references() {
            let name = &path.segments[0];
            assert!(!name.starts_with("rustls"), "{user} uses {name}");
        }
    }

    #[test]
    fn ask_in_few_places_whether_there_is_tls() {
        let all = [Storeys::of_the_library(), Storeys::of_the_program()];
        let asking = all.iter().flat_map(|storeys| {
            let modules = storeys.modules.iter();
            let asking = modules.filter(|(_, source)| source.contains("feature = \"tls\""));
            asking.map(|(module, _)| module.as_str())
        });
        let known = ASK_FOR_TLS.iter().copied();
        assert_eq!(asking.collect::<BTreeSet<_>>(), known.collect());
    }
}

mod the_tests {
    use super::*;

    /// Cargo compiles the programs that it is told of, and the files that these declare: a file that was
    /// forgotten would test nothing.
    #[test]
    fn belong_to_one_program_each() {
        belong_to_one_program_each_of("Cargo.toml", "tests", &["support", "tls::"]);
    }

    /// The package of those that need certificates.
    #[test]
    fn of_tls_belong_to_one_program_each() {
        belong_to_one_program_each_of("tests/tls/Cargo.toml", "tests/tls/tests", &["support"]);
    }

    fn belong_to_one_program_each_of(manifest: &str, folder: &str, others: &[&str]) {
        let mut files = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        read_folder(&root.join(folder), "tests", &mut files);
        let programs = programs(&read(Path::new(manifest)));
        assert!(files.len() > 5 && programs.len() > 2, "{programs:?}");
        let declared: Vec<_> = programs
            .iter()
            .flat_map(|program| declared(&files[&format!("tests::{program}")]))
            .filter(|name| name != "support")
            .chain(programs.iter().cloned())
            .collect();
        let files = files.keys().filter_map(|file| file.strip_prefix("tests::"));
        let is_other = |file: &&str| others.iter().any(|other| file.starts_with(other));
        for file in files.filter(|file| !is_other(file)) {
            let times = declared.iter().filter(|name| *name == file).count();
            assert_eq!(times, 1, "programs of {manifest} that contain {file}.rs");
        }
    }

    /// The names of the `[[test]]` programs.
    fn programs(manifest: &str) -> Vec<String> {
        let tables = manifest.split("[[test]]\n").skip(1);
        let names = tables.filter_map(|table| table.strip_prefix("name = \"")?.split('"').next());
        names.map(str::to_owned).collect()
    }
}

/// That each of these checks can fail.
mod the_checks {
    use super::*;

    fn storeys(modules: &[(&str, &str)]) -> Storeys {
        let modules = modules
            .iter()
            .map(|(module, source)| ((*module).into(), (*source).into()));
        Storeys {
            modules: modules.collect(),
        }
    }

    fn uses(modules: &[(&str, &str)]) -> Vec<String> {
        let uses = storeys(modules).uses().into_iter();
        uses.map(|(user, used)| format!("{user} > {used}"))
            .collect()
    }

    /// What `protocol::frame` uses when this is its source.
    fn used_by_frame(source: &str) -> Vec<String> {
        let all = uses(&[
            ("", ""),
            ("protocol", ""),
            ("protocol::frame", source),
            ("protocol::rule", ""),
            ("protocol::utf8", ""),
            ("net", ""),
            ("net::link", ""),
        ]);
        let own = all
            .iter()
            .filter_map(|line| line.strip_prefix("protocol::frame > "));
        own.map(str::to_owned).collect()
    }

    #[test]
    fn see_every_way_to_name_a_module() {
        for (source, used) in [
            ("use super::rule::Rule;", "protocol::rule"),
            ("pub(crate) use super::rule;", "protocol::rule"),
            ("use super::Role;", "protocol"),
            ("use super::{self as all};", "protocol"),
            ("use super::super::net::link::Link;", "net::link"),
            ("use crate::net::link;", "net::link"),
            ("use crate::Server;", ""),
            ("use crate::{fmt, net::{link::{Link, x}}};", "net::link"),
            ("fn f() { crate::net::link::open(); }", "net::link"),
            ("fn f() -> super::rule::Rule { g() }", "protocol::rule"),
            ("type X = Vec<crate::net::Y>;", "net"),
            ("mod a { use super::super::rule::Rule; }", "protocol::rule"),
            ("mod a { fn b() {} } use super::rule::*;", "protocol::rule"),
            (
                "const C: char = '\"'; use super::rule::Rule;",
                "protocol::rule",
            ),
            (
                "fn f<'a>(x: &'a str) { super::rule::g(x) }",
                "protocol::rule",
            ),
            (
                "const R: &str = r#\"\\\"#; use super::rule::Rule;",
                "protocol::rule",
            ),
        ] {
            assert!(
                used_by_frame(source).contains(&used.to_owned()),
                "{source} uses {used:?}, not {:?}",
                used_by_frame(source)
            );
        }
    }

    #[test]
    fn are_not_misled_by_comments_strings_and_inner_modules() {
        for source in [
            "// use crate::net::link;",
            "/// [`Link`](crate::net::link)\n//! use super::rule;",
            "/* use crate::net::link; /* nested */ use super::rule; */",
            "const S: &str = \"use crate::net::link;\";",
            "const S: &str = \"\\\" use crate::net::link;\";",
            "const S: &[u8] = br##\"\"# use super::rule;\"##;",
            "const C: [char; 2] = ['\\'', '\"']; // '\"' use super::rule;",
            "mod tests { use super::*; }",
            "use std::fmt; use self::inner::x; fn f() { u32::from(1); }",
            "pub(super) fn f() {}",
            "pub(in crate::net::link) fn f() {}",
        ] {
            assert_eq!(used_by_frame(source), Vec::<String>::new(), "{source}");
        }
    }

    #[test]
    fn find_a_storey_above() {
        let uses = storeys(&[
            ("protocol::frame", "use crate::net::link::Link;"),
            ("net::link", "use crate::protocol::frame;"),
        ])
        .uses();
        let upwards = |(user, used): &(String, String)| {
            storey_of(user) == "protocol" && storey_of(used) == "net"
        };
        assert_eq!(uses.iter().filter(|pair| upwards(pair)).count(), 1);
    }

    #[test]
    fn find_a_cycle_and_name_it() {
        let two = [
            ("net::a", "use super::b::B;"),
            ("net::b", "fn f() { super::a::g() }"),
        ];
        assert_eq!(storeys(&two).cycle().unwrap(), "net::a > net::b > net::a");
        let three = [
            ("net::a", "use super::b;"),
            ("net::b", "use super::c;"),
            ("net::c", "use super::{a, d};"),
            ("net::d", ""),
        ];
        let cycle = storeys(&three).cycle().unwrap();
        assert_eq!(cycle, "net::a > net::b > net::c > net::a");
        assert_eq!(storeys(&three[1..]).cycle(), None);
        let through_the_parent = [("net", "use self::a::A;"), ("net::a", "use super::X;")];
        assert!(storeys(&through_the_parent).cycle().is_some());
    }

    #[test]
    fn find_a_cycle_of_folders_whose_modules_have_none() {
        let modules = [
            ("app::judge::cause", "use crate::app::show::text;"),
            ("app::show::json", "use crate::app::judge::cause;"),
            ("app::show::text", ""),
        ];
        assert_eq!(storeys(&modules).cycle(), None);
        let cycle = cycle(storeys(&modules).folders()).unwrap();
        assert_eq!(cycle, "app::judge > app::show > app::judge");
    }

    #[test]
    fn find_a_command_that_uses_another() {
        let modules = [
            ("app::cli", "use super::{commands::rules, serve};"),
            (
                "app::commands::rules",
                "use super::decode::Sender; use crate::app::show;",
            ),
            ("app::commands::decode", ""),
            ("app::connect", "use crate::app::serve::seconds;"),
            ("app::serve", "mod clock; use self::clock::clock;"),
            ("app::serve::clock", ""),
            ("app::show", ""),
        ];
        assert_eq!(
            storeys(&modules).uses_between_commands(),
            [
                "app::commands::rules > app::commands::decode",
                "app::connect > app::serve"
            ]
        );
    }

    #[test]
    fn find_what_is_outside_the_bytes() {
        for source in [
            "use std::net::{Ipv6Addr, TcpStream};",
            "use std::{fmt, time::Instant};",
            "fn f() { std::thread::yield_now() }",
            "fn f() -> ::std::time::Duration { g() }",
            "use std::collections::{BTreeMap, HashMap};",
            "use core::time::Duration;",
            "fn f() { println!(\"\") }",
            "const HOME: &str = env!(\"HOME\");",
        ] {
            assert_eq!(outside_the_bytes(source).len(), 1, "{source}");
        }
        assert!(outside_the_bytes("use std::{fmt, str}; fn f() { assert!(true) }").is_empty());
    }

    #[test]
    fn read_the_names_of_the_dependencies() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nbase64 = \"1\"\n\
                        # serde = \"1\"\nclap_complete = { version = \"4\" }\nserde-json = \"1\"\n\
                        [dev-dependencies]\nother = \"1\"\n";
        let names: Vec<_> = dependencies(manifest).into_iter().collect();
        assert_eq!(names, ["base64", "clap_complete", "serde_json"]);
    }
}

/// The modules of one crate with their sources: `net::link`, or nothing for the root.
struct Storeys {
    modules: BTreeMap<String, String>,
}

/// A path as it is written, `use` trees taken apart.
#[derive(Clone, Debug)]
struct Reference {
    segments: Vec<String>,
    /// The inline modules around it.
    inside: Vec<String>,
}

impl Storeys {
    fn of_the_library() -> Self {
        Self::read("lib.rs", &["protocol", "net"])
    }

    fn of_the_program() -> Self {
        Self::read("main.rs", &["app"])
    }

    /// One flat folder, with the root in it, and the streams, which are the program's and compiled there by their
    /// path.
    fn of_the_oracles() -> Self {
        let mut modules = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        read_folder(&root.join("fuzz/oracles/src"), "", &mut modules);
        read_folder(&root.join("src/app/check/streams"), "streams", &mut modules);
        let modules = modules.into_iter().map(|(path, source)| {
            let module = match path.trim_start_matches("::") {
                "lib" => "",
                module => module,
            };
            (module.to_owned(), source)
        });
        Self {
            modules: modules
                .filter(|(module, _)| !module.starts_with("bin::"))
                .collect(),
        }
    }

    fn read(root: &str, folders: &[&str]) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut modules = BTreeMap::from([(String::new(), read(&source.join(root)))]);
        for folder in folders {
            read_folder(&source.join(folder), folder, &mut modules);
        }
        Self { modules }
    }

    /// Each path that is named, and before it the module that names it.
    fn references(&self) -> Vec<(&str, Reference)> {
        let modules = self.modules.iter();
        modules
            .flat_map(|(module, source)| {
                let references = references(&tokens(source)).into_iter();
                references.map(|reference| (module.as_str(), reference))
            })
            .collect()
    }

    /// Which module uses which other.
    fn uses(&self) -> BTreeSet<(String, String)> {
        let uses = self.references().into_iter().filter_map(|(user, path)| {
            let used = self.resolve(user, &path)?;
            (user != used).then(|| (user.to_owned(), used))
        });
        uses.collect()
    }

    /// The module that a path leads to, if it is one of these.
    fn resolve(&self, user: &str, reference: &Reference) -> Option<String> {
        let mut here: Vec<&str> = user.split("::").filter(|name| !name.is_empty()).collect();
        here.extend(reference.inside.iter().map(String::as_str));
        let mut is_relative = false;
        let mut rest = reference.segments.as_slice();
        while let [first, after @ ..] = rest {
            match first.as_str() {
                "crate" => here.clear(),
                "super" => _ = here.pop(),
                "self" => {}
                _ => break,
            }
            is_relative = true;
            rest = after;
        }
        here.extend(rest.iter().map(String::as_str));
        if !is_relative {
            // `net::client::connect` in lib.rs: only a child can be meant.
            let child = here.len() - rest.len() + 1;
            if !self.modules.contains_key(&here[..child].join("::")) {
                return None;
            }
        }
        (0..=here.len())
            .rev()
            .map(|length| here[..length].join("::"))
            .find(|module| self.modules.contains_key(module))
    }

    /// Modules that use one another in a circle. That the root and `mod.rs` declare their children is
    /// no use of them; that they use what is in one is.
    fn cycle(&self) -> Option<String> {
        cycle(self.uses())
    }

    /// Which folder of a storey uses which other; a file beside the folders counts as one.
    fn folders(&self) -> BTreeSet<(String, String)> {
        let folder = |module: &str| module.split("::").take(2).collect::<Vec<_>>().join("::");
        let uses = self.uses().into_iter();
        uses.map(|(user, used)| (folder(&user), folder(&used)))
            .filter(|(user, used)| user != used)
            .collect()
    }

    fn uses_between_commands(&self) -> Vec<String> {
        let uses = self.uses().into_iter().filter(|(user, used)| {
            let (user, used) = (command_of(user), command_of(used));
            user.is_some() && used.is_some() && user != used
        });
        uses.map(|(user, used)| format!("{user} > {used}"))
            .collect()
    }
}

/// Users and what they use that lead from one of them back to it.
fn cycle(uses: BTreeSet<(String, String)>) -> Option<String> {
    let mut by_user: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (user, used) in uses {
        by_user.entry(user).or_default().push(used);
    }
    let mut done = BTreeSet::new();
    let mut users = by_user.keys();
    users.find_map(|user| circle(user, &by_user, &mut Vec::new(), &mut done))
}

/// The subcommand that a module of the program belongs to: a folder, or a file among `commands`.
fn command_of(module: &str) -> Option<String> {
    match module.split("::").collect::<Vec<_>>()[..] {
        ["app", folder @ ("serve" | "connect" | "bench"), ..] => Some(folder.into()),
        ["app", "commands", file, ..] => Some(file.into()),
        _ => None,
    }
}

/// Walks the uses from `module`; `way` leads there.
fn circle(
    module: &str,
    uses: &BTreeMap<String, Vec<String>>,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<String> {
    if let Some(start) = way.iter().position(|earlier| earlier == module) {
        return Some(format!("{} > {module}", way[start..].join(" > ")));
    }
    if done.contains(module) {
        return None;
    }
    way.push(module.to_owned());
    let mut used = uses.get(module).into_iter().flatten();
    let found = used.find_map(|next| circle(next, uses, way, done));
    way.pop();
    done.insert(module.to_owned());
    found
}

fn storey_of(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// The paths and macros of a source that the protocol must not name.
fn outside_the_bytes(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let paths = references(&tokens).into_iter().map(|path| {
        let path = path.segments.join("::");
        // What core has, std has under the same name.
        path.strip_prefix("core::")
            .map_or(path.clone(), |rest| format!("std::{rest}"))
    });
    let is_forbidden = |path: &String| {
        let mut forbidden = FORBIDDEN_IN_PROTOCOL.iter();
        !ALLOWED_IN_PROTOCOL.contains(&path.as_str())
            && forbidden.any(|forbidden| {
                let rest = path.strip_prefix(forbidden);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            })
    };
    let macros = FORBIDDEN_MACROS_IN_PROTOCOL.iter();
    let macros = macros.filter(|name| uses_macro(&tokens, name));
    paths
        .filter(is_forbidden)
        .chain(macros.map(|name| format!("{name}!")))
        .collect()
}

/// The names of the modules that a source declares in files of their own.
fn declared(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let declarations = tokens
        .windows(3)
        .filter(|three| three[0] == "mod" && three[2] == ";");
    declarations.map(|three| three[1].clone()).collect()
}

fn uses_macro(tokens: &[String], name: &str) -> bool {
    tokens.windows(2).any(|two| two[0] == name && two[1] == "!")
}

fn has_attribute(tokens: &[String], name: &str) -> bool {
    tokens
        .windows(3)
        .any(|three| three[0] == "#" && three[1] == "[" && three[2] == name)
}

/// The names in `[dependencies]`, as sources write them.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let lines = manifest.lines();
    lines
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect()
}

/// All paths of more than one segment, and all that is named by `use`.
fn references(tokens: &[String]) -> Vec<Reference> {
    let mut found = Vec::new();
    // The inline modules that are open, each with the depth of braces it is at.
    let mut inside: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inside.retain(|(_, outer)| *outer < depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|brace| brace == "{") => {
                inside.push((tokens[at + 1].clone(), depth));
                at += 1;
            }
            _ => {}
        }
        // `pub(in crate::net)` says who may use it, and uses nothing.
        if token == "in" && at > 1 && tokens[at - 2..at] == ["pub", "("] {
            at += tokens[at..]
                .iter()
                .take_while(|token| *token != ")")
                .count();
            continue;
        }
        let is_use = token == "use";
        let is_path = is_name(token)
            && tokens.get(at + 1).is_some_and(|next| next == "::")
            && (at == 0 || tokens[at - 1] != ".");
        if is_use || is_path {
            let mut paths = Vec::new();
            at = tree(tokens, at + usize::from(is_use), Vec::new(), &mut paths);
            let inside: Vec<_> = inside.iter().map(|(name, _)| name.clone()).collect();
            found.extend(paths.into_iter().map(|segments| Reference {
                segments,
                inside: inside.clone(),
            }));
        } else {
            at += 1;
        }
    }
    found.retain(|reference| !reference.segments.is_empty());
    found
}

/// Reads a path, or a tree of them in braces; returns where it ends.
fn tree(
    tokens: &[String],
    mut at: usize,
    mut path: Vec<String>,
    paths: &mut Vec<Vec<String>>,
) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    let end = tree(tokens, at, path.clone(), paths);
                    // Over the comma, or whatever else stands there.
                    at = end + usize::from(tokens.get(end).is_some_and(|token| token != "}"));
                }
                return at + 1;
            }
            name if is_name(name) => {
                path.push(name.to_owned());
                if tokens.get(at + 1).is_none_or(|next| next != "::") {
                    paths.push(path);
                    let is_renamed = tokens.get(at + 1).is_some_and(|next| next == "as");
                    return at + if is_renamed { 3 } else { 1 };
                }
            }
            // `*`, or the generics of `Vec::<u8>`.
            _ => break,
        }
        at += 1;
    }
    paths.push(path);
    at
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, numbers, `::` and single characters; without comments, strings, characters and lifetimes.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest);
        if length > 0 {
            rest = &rest[length..];
            continue;
        }
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("::") {
            2
        } else if is_part(first) {
            rest.find(|c| !is_part(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after;
    }
    tokens
}

/// The length of what stands at the start and is no token.
fn skipped(rest: &str) -> usize {
    let up_to = |end: &str, from: usize| {
        let found = rest[from..].find(end);
        found.map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return up_to("\n", 2);
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some(length) = raw_string(rest) {
        return length;
    }
    if rest.starts_with('"') {
        return literal(rest, '"');
    }
    if let Some(after) = rest.strip_prefix('\'') {
        let mut chars = after.chars();
        let is_character = chars.next() == Some('\\') || chars.next() == Some('\'');
        return if is_character { literal(rest, '\'') } else { 1 };
    }
    rest.len() - rest.trim_start().len()
}

/// A string or character with its quotes; a backslash takes the next character along.
fn literal(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest.len()
}

/// `r"…"`, `br#"…"#` and so on.
fn raw_string(rest: &str) -> Option<usize> {
    let after_r = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let after_hashes = after_r.trim_start_matches('#');
    let text = after_hashes.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(after_r.len() - after_hashes.len()));
    let begin = rest.len() - text.len();
    Some(
        text.find(&end)
            .map_or(rest.len(), |at| begin + at + end.len()),
    )
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Reads the modules of a folder: `mod.rs` is the folder's own.
fn read_folder(folder: &Path, name: &str, modules: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder).expect("the folder is there");
    for entry in entries {
        let path = entry.expect("it can be listed").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.expect("names are UTF-8");
        let module = format!("{name}::{stem}");
        if path.is_dir() {
            read_folder(&path, &module, modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if stem == "mod" {
                name.to_owned()
            } else {
                module
            };
            modules.insert(module, read(&path));
        }
    }
}

fn read(path: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
