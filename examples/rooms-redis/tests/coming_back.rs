//! What a member who was away is told.

use crate::support::member::Member;
use crate::support::servers::{Instance, Redis};

#[test]
fn a_member_who_comes_back_to_another_instance_hears_what_it_missed() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut bob = Member::enter(&two.way(), "kitchen");
    bob.surely_say("before");
    ann.hear("before");
    ann.cut();
    // More than are read at once.
    for count in 0..250 {
        bob.surely_say(&format!("{count}"));
    }
    ann.go(two.way());
    ann.come_back();
    bob.surely_say("after");
    ann.hear("after");
    bob.hear("after");
    assert_eq!(ann.heard, bob.heard);
    assert!(!ann.was_told("gap"));
}

#[test]
fn a_member_who_had_heard_nothing_hears_what_was_said_first() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::start(&redis);
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut bob = Member::enter(&one.way(), "kitchen");
    ann.cut();
    bob.surely_say("first");
    ann.come_back();
    assert_eq!(ann.texts(), ["first"]);
    assert!(!ann.was_told("gap"));
    // Who enters without a `since` hears what is said from then on.
    let mut eve = Member::enter(&one.way(), "kitchen");
    bob.surely_say("second");
    eve.hear("second");
    assert_eq!(eve.texts(), ["second"]);
}

#[test]
fn members_come_back_again_and_again_while_others_talk_and_miss_nothing() {
    use crate::support::crowd::Crowd;
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut restless = Member::enter(&one.way(), "kitchen");
    let mut steady = Member::enter(&two.way(), "kitchen");
    let crowd = Crowd::enter("kitchen", &[one.way(), two.way()], 2);
    for count in 0..40 {
        crowd.talk(5);
        restless.cut();
        restless.go(if count % 2 == 0 { &two } else { &one }.way());
        restless.come_back();
    }
    crowd.end(&one.way());
    restless.hear("the end");
    steady.hear("the end");
    assert_eq!(restless.heard, steady.heard);
}

/// Says more than is kept.
#[track_caller]
fn say_much(member: &mut Member) {
    for count in 0..350 {
        member.surely_say(&format!("{count}"));
    }
}

#[test]
fn a_gap_is_told_when_what_was_missed_is_not_kept_any_more() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::keeping(&redis, 100);
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut bob = Member::enter(&one.way(), "kitchen");
    bob.surely_say("before");
    ann.hear("before");
    ann.cut();
    say_much(&mut bob);
    ann.come_back();
    assert!(ann.was_told("gap"));
    // What is kept is told.
    let kept = ann.heard.len() - 1;
    assert!((100..200).contains(&kept), "{kept}");
    bob.hear("349");
    assert_eq!(ann.heard[1..], bob.heard[bob.heard.len() - kept..]);
    // A member who was there has missed nothing.
    assert_eq!(bob.heard.len(), 351);
    assert!(!bob.was_told("gap"));
}

#[test]
fn a_gap_is_told_when_an_instance_was_held_up_for_too_long() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (
        Instance::keeping(&redis, 100),
        Instance::keeping(&redis, 100),
    );
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut bob = Member::enter(&two.way(), "kitchen");
    bob.surely_say("before");
    ann.hear("before");
    one.process.signal("STOP");
    say_much(&mut bob);
    one.process.signal("CONT");
    ann.wait_for("gap");
    ann.hear("349");
    bob.hear("349");
    let kept = ann.heard.len() - 1;
    assert!((100..200).contains(&kept), "{kept}");
    assert_eq!(ann.heard[1..], bob.heard[bob.heard.len() - kept..]);
}
