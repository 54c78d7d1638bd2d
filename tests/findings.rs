//! `docs/findings.md` tells what the lists of `tests/peers` have: each behaviour, how many cases show it, and one of them.
//!
//! That the lists are true is shown by `tests/peers/run`, which CI runs.

const FINDINGS: &str = include_str!("../docs/findings.md");
const PACKAGES: &str = include_str!("peers/packages.py");

/// The heading of the peer's section, and what stands in its list.
const LISTS: [(&str, &str); 4] = [
    (
        "websockets as a server",
        include_str!("peers/websockets/server.txt"),
    ),
    (
        "websockets as a client",
        include_str!("peers/websockets/client.txt"),
    ),
    ("ws as a server", include_str!("peers/ws/server.txt")),
    ("ws as a client", include_str!("peers/ws/client.txt")),
];

/// The first cells of the table's rows under a heading.
fn told(heading: &str) -> Vec<&'static str> {
    let section = FINDINGS.split_once(&format!("\n### {heading}\n"));
    let (_, section) = section.expect("each has its section");
    let (section, _) = section.split_once("\n#").expect("it is not the last");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.skip(1).collect()
}

/// An outcome, and the id of a case.
type Case = (&'static str, &'static str);

/// The behaviours, each with the cases that show it.
fn listed(list: &'static str) -> Vec<(&'static str, Vec<Case>)> {
    let case = |line: &'static str| {
        let (outcome, case) = line.rsplit_once(' ').expect("an outcome and a case");
        let (_, id) = case.split_once('/').expect("a group and an id");
        (outcome.trim_end_matches('?'), id)
    };
    let blocks = list.split("\n\n").map(|block| {
        let (behaviour, cases) = block.split_once('\n').expect("a behaviour and cases");
        let behaviour = behaviour.strip_prefix("# ").expect("a behaviour");
        (behaviour, cases.lines().map(case).collect())
    });
    blocks.collect()
}

fn counts(cases: &[Case]) -> String {
    let of = |outcome| {
        let count = cases.iter().filter(|case| case.0 == outcome).count();
        (count > 0).then(|| format!("{count} {outcome}"))
    };
    let counts = ["failed", "lenient", "not applicable"].into_iter();
    counts.filter_map(of).collect::<Vec<_>>().join(", ")
}

#[test]
fn are_those_of_the_lists() {
    for (heading, list) in LISTS {
        let told = told(heading);
        let listed = listed(list);
        assert_eq!(told.len(), listed.len(), "{heading}");
        for (told, (behaviour, cases)) in told.into_iter().zip(listed) {
            let counts = counts(&cases);
            let is_true = cases
                .iter()
                .any(|(_, id)| told == format!("{behaviour}: {counts}, `{id}`"));
            assert!(is_true, "{heading}: {told}: {behaviour}: {cases:?}");
        }
    }
}

#[test]
fn name_the_versions_that_are_examined() {
    let sections = FINDINGS.lines().filter_map(|line| line.strip_prefix("## "));
    for (name, package) in [("Python websockets ", "websockets=="), ("npm ws ", "ws@")] {
        let version = sections
            .clone()
            .find_map(|section| section.strip_prefix(name));
        let pinned = format!("\"{package}{}\"", version.unwrap());
        assert!(PACKAGES.contains(&pinned), "{pinned}");
    }
}
