//! Each oracle can fail: the specimen's faults are caught, and without a fault nothing fires.
//!
//! The outcome is committed as a table, `fuzz/SELFCHECK.md`, so that an oracle or a generator that grew
//! weaker shows as a difference. `UPDATE=1 cargo test --test fuzz oracle_selfcheck` writes it anew.

use oracles::bug::Bug;
use oracles::product::Plainws;
use oracles::reference;
use oracles::report::Part;
use oracles::specimen::{Late, Specimen};
use oracles::subject::{Each, Reader, Seen, Subject};
use oracles::{ORACLES, Oracle};
use plainws::Role;
use plainws::protocol::message::Limits;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, thread};

const TABLE: &str = "fuzz/SELFCHECK.md";

/// The number of the first generated input at which an oracle fires.
fn caught_at(oracle: &Oracle, subject: &dyn Subject) -> Option<usize> {
    let mut inputs = oracles::inputs(oracle);
    let at = inputs.position(|input| (oracle.check)(subject, &input).is_err());
    at.map(|at| at + 1)
}

/// Whether two oracles run the same code of the specimen.
fn watch_the_same(a: &Oracle, b: &Oracle) -> bool {
    let code = |oracle: &Oracle| match oracle.part() {
        Part::Answers | Part::Endpoint | Part::Cost => Part::Reader,
        Part::Request => Part::Handshake,
        part => part,
    };
    code(a) == code(b)
}

/// A row: for each oracle where it caught the fault. Oracles of another part never run the faulty code.
fn row(bug: Bug, named: &str) -> Vec<Option<usize>> {
    let named = Oracle::named(named).expect("a fault names an oracle");
    let judge = |oracle: &Oracle| {
        let is_asked = oracle.name == named.name || !oracle.is_clocked();
        if is_asked && watch_the_same(oracle, named) {
            caught_at(oracle, &Specimen(Some(bug)))
        } else {
            None
        }
    };
    ORACLES.iter().map(judge).collect()
}

/// All rows, worked out by two threads.
fn rows() -> Vec<Vec<Option<usize>>> {
    let half = |parity| {
        move || {
            let bugs = Bug::ALL.iter().skip(parity).step_by(2);
            bugs.map(|&(bug, _, named)| row(bug, named))
                .collect::<Vec<_>>()
        }
    };
    let other = thread::spawn(half(1));
    let even = half(0)();
    let odd = other.join().expect("no oracle panics");
    let mut odd = odd.into_iter();
    even.into_iter()
        .flat_map(|row| [Some(row), odd.next()])
        .flatten()
        .collect()
}

fn assert_silent(subject: &dyn Subject) {
    assert_silent_to(subject, |_| true);
}

/// The same of some oracles.
fn assert_silent_to(subject: &dyn Subject, is_asked: impl Fn(&Oracle) -> bool) {
    let fired = ORACLES.iter().filter(|oracle| is_asked(oracle));
    let fired = fired.filter_map(|oracle| {
        let mut inputs = oracles::inputs(oracle).enumerate();
        inputs.find_map(|(at, input)| {
            let what = (oracle.check)(subject, &input).err()?;
            Some(format!(
                "{} fired at input {}: {what:.2000}",
                oracle.name,
                at + 1
            ))
        })
    });
    let fired: Vec<String> = fired.collect();
    assert!(fired.is_empty(), "{}", fired.join("\n"));
}

#[test]
fn no_oracle_fires_at_the_product() {
    assert_silent(&Plainws);
}

#[test]
fn no_oracle_fires_at_the_specimen_without_a_fault() {
    assert_silent(&Specimen(None));
}

const EACH: [Each; 4] = [Each::Byte, Each::Header, Each::Frame, Each::Message];

/// The specimen without a fault that judges and says so, for every pair of them.
fn late() -> impl Iterator<Item = (Late, bool)> {
    let pairs = (0..4).flat_map(|waits_for| (0..4).map(move |says| (waits_for, says)));
    pairs.map(|(waits_for, says)| {
        let late = Late {
            waits_for: EACH[waits_for],
            says: EACH[says],
            fault: None,
        };
        (late, waits_for <= says)
    })
}

#[test]
fn no_oracle_fires_at_who_judges_no_later_than_it_says() {
    for (late, _) in late().filter(|(_, is_true)| *is_true) {
        // What it says matters to these two.
        let is_asked = |oracle: &Oracle| {
            late.waits_for == late.says || matches!(oracle.name, "reference" | "endpoint-hears")
        };
        assert_silent_to(&late, |oracle| is_of_a_reader(oracle) && is_asked(oracle));
    }
}

/// Asks of each byte of a header whether its frame can stand there, and names no rule.
struct Hasty;

impl Subject for Hasty {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        Box::new(HastyReader {
            sender,
            limits,
            wire: Vec::new(),
            told: Vec::new(),
        })
    }
}

struct HastyReader {
    sender: Role,
    limits: Limits,
    wire: Vec<u8>,
    told: Vec<Seen>,
}

impl Reader for HastyReader {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        if self.told.last().is_some_and(Seen::is_end) {
            return Vec::new();
        }
        self.wire.extend_from_slice(bytes);
        let mut seen = reference::frames_at_once(self.sender, self.limits, &self.wire);
        if let Some(Seen::Failed(rule)) = seen.last_mut() {
            *rule = None;
        }
        let new = seen.split_off(self.told.len());
        self.told.extend(new.clone());
        new
    }
}

#[test]
fn no_oracle_fires_at_who_judges_a_header_before_it_is_whole() {
    assert_silent_to(&Hasty, |oracle| {
        matches!(oracle.name, "split" | "reference" | "silence")
    });
}

/// The product, with a buffer that it has from the beginning.
struct Buffered;

impl Subject for Buffered {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        Box::new(BufferedReader {
            reader: Plainws.reader(sender, limits),
            _buffer: Vec::with_capacity(64 * 1024),
        })
    }
}

struct BufferedReader {
    reader: Box<dyn Reader>,
    _buffer: Vec<u8>,
}

impl Reader for BufferedReader {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        self.reader.read(bytes)
    }
}

#[test]
fn a_buffer_that_is_there_before_a_byte_is_no_finding() {
    assert_silent_to(&Buffered, |oracle| oracle.name == "memory");
}

fn is_of_a_reader(oracle: &Oracle) -> bool {
    use Part::{Answers, Cost, Endpoint, Reader};
    matches!(oracle.part(), Reader | Answers | Endpoint | Cost)
}

/// What whoever waits for whole headers cannot do wrong: these faults are in their pieces.
const NOT_IN_WHOLE_HEADERS: &[Bug] = &[Bug::LengthTopBitUnchecked, Bug::LengthReadEarly];

/// What whoever waits for whole frames cannot do wrong beside those: here also a length that never becomes whole.
const NOT_IN_WHOLE_FRAMES: &[Bug] = &[
    Bug::Length64CutTo32,
    Bug::MaskPhaseRestarts,
    Bug::CharacterCutTwiceRefused,
    Bug::TextRescanned,
    Bug::DeclaredLengthAllocated,
];

fn can_have(bug: Bug, judges: Each) -> bool {
    let is_excused = NOT_IN_WHOLE_HEADERS.contains(&bug)
        || (judges != Each::Header && NOT_IN_WHOLE_FRAMES.contains(&bug));
    !is_excused
}

/// The second table: who says that it judges earlier than it does, and who judges late and has a fault.
fn late_table() -> String {
    let mut table = String::from(
        "\n# Which oracle catches who judges late\n\n\
         Who says that it judges each of these, and judges later:\n\n\
         | says | judges | caught by |\n|---|---|---|\n",
    );
    let reference = Oracle::named("reference").expect("the oracle of that name");
    for (late, _) in late().filter(|(_, is_true)| !is_true) {
        let at = caught_at(reference, &late);
        let at = at.unwrap_or_else(|| panic!("not caught: {late:?}"));
        let Late {
            says, waits_for, ..
        } = late;
        writeln!(table, "| {says:?} | {waits_for:?} | reference {at} |")
            .expect("a String takes it");
    }
    table += "\nWho judges each of these, says so, and has a fault: at which input the oracle named for it fires. A hyphen \
        stands\nwhere a reader of whole headers or frames does not have the fault.\n\n\
        | fault | oracle | Header | Frame | Message |\n|---|---|---|---|---|\n";
    let mut missed = Vec::new();
    for &(bug, what, named) in Bug::ALL {
        let oracle = Oracle::named(named).expect("a fault names an oracle");
        if !is_of_a_reader(oracle) {
            continue;
        }
        write!(table, "|{what} | {named} |").expect("a String takes it");
        for judges in &EACH[1..] {
            let late = Late {
                waits_for: *judges,
                says: *judges,
                fault: Some(bug),
            };
            // Nothing fires at a fault that it does not have, which takes the longest to see.
            let can_have = can_have(bug, *judges);
            let at = can_have.then(|| caught_at(oracle, &late)).flatten();
            if can_have && at.is_none() {
                missed.push(late);
            }
            let at = at.map_or("-".into(), |at| {
                if oracle.is_clocked() {
                    "yes".into()
                } else {
                    at.to_string()
                }
            });
            write!(table, " {at} |").expect("a String takes it");
        }
        table.push('\n');
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
    table
}

#[test]
fn each_fault_is_caught_by_its_oracle_and_each_oracle_catches_one_that_only_it_sees() {
    let rows = rows();
    let mut table = String::from(
        "# Which oracle catches which fault\n\n\
         Written by `UPDATE=1 cargo test --test fuzz oracle_selfcheck`. A number tells at which generated input an\n\
         oracle first fires at the specimen with that fault, unless it goes by a clock: `work` and `head-work` are asked\n\
         about their own faults only. The oracle named for the fault stands first, and **only** means that no other\n\
         fires within its inputs.\n\n\
         | fault | caught by |\n|---|---|\n",
    );
    let (mut only, mut missed) = (Vec::new(), Vec::new());
    for (&(bug, what, named), row) in Bug::ALL.iter().zip(&rows) {
        let mut caught: Vec<_> = ORACLES
            .iter()
            .zip(row)
            .filter_map(|(oracle, at)| Some((oracle, (*at)?)))
            .collect();
        caught.sort_by_key(|&(oracle, at)| (oracle.name != named, at));
        let shown: Vec<_> = caught
            .iter()
            .map(|(oracle, at)| {
                if oracle.is_clocked() {
                    oracle.name.to_owned()
                } else {
                    format!("{} {at}", oracle.name)
                }
            })
            .collect();
        let is_only = if caught.len() == 1 { ", **only**" } else { "" };
        writeln!(table, "|{what} | {}{is_only} |", shown.join(", ")).unwrap();
        let first = caught.first().map(|(oracle, _)| oracle.name);
        missed.extend((first != Some(named)).then_some((bug, first)));
        if let [(oracle, _)] = caught[..] {
            only.push(oracle.name);
        }
    }
    table += &late_table();
    let without: Vec<_> = ORACLES
        .iter()
        .map(|oracle| oracle.name)
        .filter(|name| !only.contains(name))
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert!(
        missed.is_empty(),
        "not caught by the oracle named: {missed:?}"
    );
    assert_eq!(
        without, [""; 0],
        "oracles without a fault that only they catch"
    );
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == table,
        "{TABLE} differs from what was found:\n{table}"
    );
}

/// Findings are grouped by what was at stake, small, and come with a command that shows it.
#[cfg(feature = "cli")]
#[test]
fn what_is_found_is_grouped_by_its_rule_small_and_shown_by_decode() {
    use crate::support::run::run;
    use oracles::report::{Group, Outcome};

    for (bug, rule, bytes) in [
        (Bug::LengthNotMinimalAccepted, "length-not-minimal", 14),
        (Bug::RsvIgnored, "rsv-not-zero", 6),
        (Bug::CloseOneByteAccepted, "close-body-one-byte", 7),
        (Bug::BadTextReplaced, "text-not-utf8", 7),
        (Bug::EmptyFragmentsNotCounted, "too-many-fragments", 18),
    ] {
        let specimen = Specimen(Some(bug));
        let mut rows = oracles::report(&specimen);
        let row = rows.find(|row| row.oracle == "reference");
        let Outcome::Fired { groups, .. } = row.expect("it is reported").outcome else {
            panic!("{bug:?} is not caught");
        };
        let is_of_the_rule = |group: &&Group| group.at_stake.starts_with(rule);
        let group = groups.iter().find(is_of_the_rule);
        let group = group.unwrap_or_else(|| panic!("{bug:?}: {groups:?}"));
        let shown = group.shown.as_ref().expect("it is bytes");
        assert!(shown.wire.len() <= bytes, "{bug:?}: {group}");
        let command = shown.command().expect("it fits a line");
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        let decoded = run(&words);
        assert!(
            decoded.stdout.contains(rule),
            "{command}: {}",
            decoded.stdout
        );
        // No list of numbers, such as Debug prints.
        let told = group.to_string();
        assert!(!told.contains('['), "{told}");
    }
}
