//! Redis is lost, an instance is, or HAProxy is.

use crate::support::crowd::Crowd;
use crate::support::member::{Answer, Member};
use crate::support::raw::get;
use crate::support::servers::{Haproxy, Instance, Redis};
use plainws::CloseCode;

#[track_caller]
fn check_health(instance: &Instance) {
    assert!(get(instance.address, "/healthz").starts_with("HTTP/1.1 200 "));
}

#[test]
fn redis_is_killed_under_load_and_nothing_acknowledged_is_lost() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut witnesses = [&one, &two].map(|instance| Member::enter(&instance.way(), "kitchen"));
    let crowd = Crowd::enter("kitchen", &[one.way(), two.way()], 4);
    crowd.talk(200);
    redis.kill();
    for witness in &mut witnesses {
        witness.wait_for("away");
    }
    redis.start_again();
    for witness in &mut witnesses {
        witness.wait_for("back");
    }
    crowd.talk(200);
    let accounts = crowd.end(&one.way());
    for account in &accounts {
        assert!(account.member.was_told("away") && account.member.was_told("back"));
        assert!(!account.member.was_told("gap"));
        assert_eq!(account.member.comebacks, 0);
    }
    let told = accounts
        .iter()
        .map(|account| account.refused.len() + account.unknown.len());
    assert_ne!(told.sum::<usize>(), 0, "nobody was told of the loss");
}

#[test]
fn redis_is_gone_for_good_and_each_message_is_refused() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let one = Instance::start(&redis);
    let mut ann = Member::enter(&one.way(), "kitchen");
    ann.surely_say("still here");
    redis.kill();
    ann.wait_for("away");
    for count in 0..100 {
        let answer = ann.say(&format!("{count}"));
        assert!(matches!(answer, Answer::Refused), "{answer:?}");
    }
    check_health(&one);
    // Who comes now is told to try again.
    let late = one.way().connect("kitchen", "").unwrap();
    while late.receive().unwrap().is_some() {}
    assert_eq!(
        late.close_reason().unwrap().code,
        CloseCode::TRY_AGAIN_LATER
    );
}

#[test]
fn redis_that_answers_nothing_holds_nobody_up() {
    let Some(redis) = Redis::start() else { return };
    let one = Instance::start(&redis);
    let mut ann = Member::enter(&one.way(), "kitchen");
    ann.surely_say("before");
    redis.signal("STOP");
    // It may still get this one.
    let answer = ann.say("now");
    assert!(matches!(answer, Answer::Unknown), "{answer:?}");
    if !ann.was_told("away") {
        ann.wait_for("away");
    }
    assert!(matches!(ann.say("then"), Answer::Refused));
    check_health(&one);
    redis.signal("CONT");
    ann.wait_for("back");
    ann.surely_say("after");
    ann.hear("after");
    let heard = ann.texts();
    assert!(
        heard == ["before", "after"] || heard == ["before", "now", "after"],
        "{heard:?}"
    );
    assert!(!ann.was_told("gap"));
}

#[test]
fn redis_comes_back_empty_and_a_gap_is_told() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut bob = Member::enter(&two.way(), "kitchen");
    // One who was elsewhere at that time, and one who had not heard anything yet.
    let mut gone = Member::enter(&two.way(), "kitchen");
    let mut alone = Member::enter(&two.way(), "hall");
    ann.surely_say("before");
    for member in [&mut ann, &mut bob, &mut gone] {
        member.hear("before");
    }
    gone.cut();
    alone.cut();
    redis.kill();
    ann.wait_for("away");
    redis.forget_all();
    redis.start_again();
    for member in [&mut ann, &mut bob] {
        member.wait_for("gap");
        member.wait_for("back");
    }
    ann.surely_say("after");
    for member in [&mut gone, &mut alone] {
        member.come_back();
        assert!(member.was_told("gap"));
    }
    for member in [&mut ann, &mut bob, &mut gone] {
        member.hear("after");
        assert_eq!(member.texts(), ["before", "after"]);
    }
    // Once.
    let gaps = ann.told.iter().filter(|told| *told == "gap");
    assert_eq!(gaps.count(), 1);
}

#[test]
fn redis_comes_back_empty_with_a_clock_that_is_behind_and_is_heard_again() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let one = Instance::start(&redis);
    let mut ann = Member::enter(&one.way(), "kitchen");
    let mut gone = Member::enter(&one.way(), "kitchen");
    // In the year 2286. Ids only grow, so this is where those that follow would go on.
    let future = ["XADD", "room:kitchen", "9999999999999-0", "text", "before"];
    redis.ask(&future);
    ann.hear("before");
    gone.hear("before");
    gone.cut();
    redis.kill();
    ann.wait_for("away");
    redis.forget_all();
    redis.start_again();
    ann.wait_for("gap");
    ann.wait_for("back");
    gone.come_back();
    assert!(gone.was_told("gap"));
    ann.surely_say("after");
    for member in [&mut ann, &mut gone] {
        member.hear("after");
        assert_eq!(member.texts(), ["before", "after"]);
    }
}

#[test]
fn an_instance_is_killed_under_load_and_its_members_go_on_at_the_other() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, two) = (Instance::start(&redis), Instance::start(&redis));
    let Some(haproxy) = Haproxy::start(&one, &two) else {
        return;
    };
    let crowd = Crowd::enter("kitchen", &[haproxy.way()], 8);
    crowd.talk(200);
    one.kill();
    crowd.talk(400);
    let accounts = crowd.end(&haproxy.way());
    let moved = accounts
        .iter()
        .filter(|account| account.member.comebacks > 0);
    let moved = moved.count();
    assert!(0 < moved && moved < accounts.len(), "{moved} came back");
    for account in &accounts {
        assert!(!account.member.was_told("gap") && !account.member.was_told("away"));
        assert!(account.refused.is_empty());
        assert!(account.unknown.len() <= account.member.comebacks);
    }
}

#[test]
fn haproxy_is_killed_under_load_and_its_members_come_back() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (Instance::start(&redis), Instance::start(&redis));
    let Some(mut haproxy) = Haproxy::start(&one, &two) else {
        return;
    };
    let crowd = Crowd::enter("kitchen", &[haproxy.way(), one.way()], 4);
    crowd.talk(200);
    haproxy.kill();
    // Those who did not come through it go on.
    crowd.talk(100);
    haproxy.start_again();
    crowd.talk(400);
    let accounts = crowd.end(&haproxy.way());
    let comebacks = accounts.iter().map(|account| account.member.comebacks);
    assert_eq!(comebacks.collect::<Vec<_>>(), [1, 1, 1, 1, 0, 0, 0, 0]);
    for account in &accounts {
        assert!(!account.member.was_told("gap") && !account.member.was_told("away"));
    }
}
