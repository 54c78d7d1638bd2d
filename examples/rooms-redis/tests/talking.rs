//! While nothing breaks.

use crate::support::crowd::Crowd;
use crate::support::member::{Answer, Member};
use crate::support::raw::get;
use crate::support::servers::{Haproxy, Instance, Redis};
use plainws::{CloseCode, Error};
use std::thread;

#[test]
fn members_of_different_instances_hear_each_other() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut bob = Member::enter(&two.way(), "kitchen");
    ann.surely_say("Is anybody there?");
    bob.hear("Is anybody there?");
    bob.surely_say("“Ja”, \\ \u{1F37D}");
    ann.hear("“Ja”, \\ \u{1F37D}");
    // Whoever speaks hears it too, at its place among the others'.
    bob.hear("“Ja”, \\ \u{1F37D}");
    assert_eq!(ann.heard, bob.heard);
    assert!(!ann.was_told("gap") && !bob.was_told("gap"));
}

#[test]
fn all_hear_the_same_order_however_many_speak_at_once() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let Some(haproxy) = Haproxy::start(&one, &two) else {
        return;
    };
    let crowd = Crowd::enter("kitchen", &[one.way(), two.way(), haproxy.way()], 4);
    crowd.talk(1000);
    for account in crowd.end(&two.way()) {
        assert!(account.refused.is_empty() && account.unknown.is_empty());
        assert_eq!(account.member.comebacks, 0);
        assert!(!account.member.was_told("gap"));
    }
}

#[test]
fn nobody_hears_what_is_said_in_another_room() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut cook = Member::enter(&one.way(), "kitchen");
    let mut guest = Member::enter(&two.way(), "hall");
    let mut other_guest = Member::enter(&one.way(), "hall");
    cook.surely_say("too much salt");
    guest.surely_say("how nice");
    cook.surely_say("far too much");
    other_guest.surely_say("indeed");
    cook.hear("far too much");
    guest.hear("indeed");
    other_guest.hear("indeed");
    assert_eq!(cook.texts(), ["too much salt", "far too much"]);
    assert_eq!(guest.texts(), ["how nice", "indeed"]);
    assert_eq!(other_guest.texts(), ["how nice", "indeed"]);
}

#[test]
fn a_member_who_does_not_listen_is_closed_and_the_others_go_on() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut sleeper = Member::enter(&one.way(), "kitchen");
    let mut speaker = Member::enter(&two.way(), "kitchen");
    let mut listener = Member::enter(&one.way(), "kitchen");
    let listening = thread::spawn(move || {
        listener.hear("enough");
        listener
    });
    // More than the systems at both ends take for one who does not read.
    let long = "x".repeat(8000);
    for count in 0..2000 {
        speaker.surely_say(&format!("{count} {long}"));
    }
    speaker.surely_say("enough");
    let listener = listening.join().unwrap();
    assert_eq!(listener.heard.len(), 2001);
    assert_eq!(listener.comebacks, 0);

    let reason = sleeper.end();
    assert_eq!(reason.code, CloseCode::POLICY);
    assert_eq!(reason.reason, "too slow");
    assert!(sleeper.heard.len() < 2001);
    // It may come back, and is told the rest as fast as it listens.
    sleeper.come_back();
    assert_eq!(sleeper.heard, listener.heard);
}

#[test]
fn what_redis_refuses_is_refused() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::start(&redis);
    let mut ann = Member::enter(&one.way(), "kitchen");
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(matches!(ann.say("one too many"), Answer::Refused));
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    ann.surely_say("and one more");
    ann.hear("and one more");
    assert_eq!(ann.texts(), ["and one more"]);
    assert!(!ann.was_told("away"));
}

#[test]
fn bytes_are_not_said() {
    let Some(redis) = Redis::start() else { return };
    let ws = Instance::start(&redis);
    let ws = ws.way().connect("kitchen", "").unwrap();
    ws.send(b"\x01").unwrap();
    while ws.receive().unwrap().is_some() {}
    assert_eq!(ws.close_reason().unwrap().code, CloseCode::UNSUPPORTED_DATA);
}

#[test]
fn a_since_that_is_no_id_is_refused_with_400() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::start(&redis);
    for since in [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "01-0",
        "+1-0",
        "1-0-0",
        "1-0x",
        "%31-0",
        "18446744073709551616-0",
    ] {
        match one.way().connect("kitchen", &format!("?since={since}")) {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.response.status(), 400),
            other => panic!("{since:?}: {other:?}"),
        }
    }
}

#[test]
fn the_page_and_the_health_are_there() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::start(&redis);
    for (path, status, word) in [
        ("/", 303, ""),
        ("/room/kitchen", 200, "<h1>"),
        ("/room.js", 200, "since"),
        ("/healthz", 200, "ok"),
    ] {
        let response = get(one.address, path);
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
        assert!(response.contains(word), "{response}");
    }
}

#[test]
fn a_room_is_forgotten_after_a_week() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::start(&redis);
    let mut ann = Member::enter(&one.way(), "kitchen");
    let week = 7 * 24 * 3600;
    let left = || match redis.ask(&["TTL", "room:kitchen"]) {
        redis::Value::Int(seconds) => seconds,
        other => panic!("{other:?}"),
    };
    assert!((week - 60..=week).contains(&left()), "{}", left());
    // After what was said last, not after the first.
    redis.ask(&["EXPIRE", "room:kitchen", "600"]);
    ann.surely_say("still here");
    ann.hear("still here");
    assert!((week - 60..=week).contains(&left()), "{}", left());
}
