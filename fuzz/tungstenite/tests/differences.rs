//! The list of differences is right: the oracles find each of them, and nothing else.

use oracles::frames::Stream;
use oracles::subject::{Plainws, Seen, Subject};
use oracles::{ORACLES, Oracle};
use plainws::Role;
use plainws::protocol::message::Limits;
use std::panic;
use vs_tungstenite::{DIFFERENCES, Tungstenite};

fn oracle(name: &str) -> &'static Oracle {
    ORACLES
        .iter()
        .find(|oracle| oracle.name == name)
        .expect("an oracle of that name")
}

#[test]
fn each_difference_is_found_by_its_oracle_and_is_none_of_plainws() {
    for difference in DIFFERENCES {
        let input = Stream::to_input(Role::Client, difference.wire);
        if difference.oracle == "round-trip" {
            continue;
        }
        let check = oracle(difference.oracle).check;
        assert!(check(&Tungstenite, &input).is_err(), "{}", difference.what);
        assert_eq!(check(&Plainws, &input), Ok(()), "{}", difference.what);
    }
}

#[test]
fn the_close_code_1014_arrives_as_1002() {
    let mut wire = *b"\x88\x82\0\0\0\0\x03\xF6";
    let mut reader = Tungstenite.reader(Role::Client, Limits::default());
    let seen = reader.read(&mut wire);
    assert!(matches!(seen[..], [Seen::Close(Some(1002), _)]), "{seen:?}");
}

#[test]
fn no_oracle_fires_but_those_of_the_list() {
    for name in ["split", "silence", "queue", "work"] {
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
