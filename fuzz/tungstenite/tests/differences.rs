//! The list of differences is right: the oracles find each of them, and nothing else.

use oracles::Oracle;
use oracles::choices::Choices;
use oracles::generate::{Sizes, sequence};
use oracles::product::Plainws;
use oracles::stream::Stream;
use oracles::subject::{Reader, Seen, Subject};
use plainws::Role;
use plainws::protocol::message::Limits;
use std::panic::{self, AssertUnwindSafe};
use vs_tungstenite::{DIFFERENCES, Tungstenite};

fn oracle(name: &str) -> &'static Oracle {
    Oracle::named(name).expect("an oracle of that name")
}

#[test]
fn each_difference_is_found_by_its_oracle_and_is_none_of_plainws() {
    for difference in DIFFERENCES {
        let input = match difference.oracle {
            "round-trip" => decides_on(difference.wire),
            _ => Stream::to_input(Role::Client, difference.wire),
        };
        let check = oracle(difference.oracle).check;
        assert!(check(&Tungstenite, &input).is_err(), "{}", difference.what);
        assert_eq!(check(&Plainws, &input), Ok(()), "{}", difference.what);
    }
}

/// The first decisions from which the generator makes these bytes.
fn decides_on(wire: &[u8]) -> Vec<u8> {
    let comes = |input: &Vec<u8>| {
        let (&setup, decisions) = input.split_first().expect("decisions");
        let mut choices = Choices(decisions);
        setup % 2 == 0 && sequence(Role::Client, Sizes::Large, &mut choices).wire == wire
    };
    // No frame more than one, a Close (2, then 1 of 2) of 2 bytes (2), its code, no text, and key 0.
    let inputs = (0..=7).map(|code| vec![0, 0, 2, 1, 2, code, 0, 0, 0, 0, 0, 0]);
    inputs.into_iter().find(comes).expect("one that gives it")
}

#[test]
fn the_top_bit_of_a_length_is_refused_by_its_limits_and_not_by_itself() {
    // 2^63, more than any payload is: an error under limits; without them an attempt at it.
    let mut wire = *b"\x82\xFF\x80\0\0\0\0\0\0\0\0\0\0\0";
    let mut reader = Tungstenite.reader(Role::Client, Limits::default());
    assert_eq!(reader.read(&mut wire), [Seen::Failed(None)]);
    let limits = Limits::new().max_bytes(u64::MAX);
    let mut reader = Tungstenite.reader(Role::Client, limits);
    let unbounded = panic::catch_unwind(AssertUnwindSafe(|| reader.read(&mut wire)));
    assert_ne!(unbounded.ok(), Some(vec![Seen::Failed(None)]));
}

/// Tungstenite, if it did not say when it judges.
struct Silent;

impl Subject for Silent {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        Tungstenite.reader(sender, limits)
    }
}

#[test]
fn what_it_judges_later_than_each_byte_it_declares() {
    let check = oracle("reference").check;
    for wire in [&b"\x81\x85\0\0\0\0\xFF"[..], b"\xC1\x85\0\0\0\0H"] {
        let input = Stream::to_input(Role::Client, wire);
        assert_eq!(check(&Tungstenite, &input), Ok(()));
        assert!(check(&Silent, &input).is_err());
    }
}

#[test]
fn no_oracle_fires_but_those_of_the_list() {
    for name in ["split", "silence", "work"] {
        let oracle = oracle(name);
        for input in oracles::inputs(oracle) {
            assert_eq!((oracle.check)(&Tungstenite, &input), Ok(()), "{name}");
        }
    }
}

#[test]
fn the_fuzz_target_knows_every_difference() {
    for input in oracles::inputs(oracle("reference")) {
        let known = panic::catch_unwind(|| vs_tungstenite::fuzz(&input));
        assert!(known.is_ok(), "{input:02x?}");
    }
}
