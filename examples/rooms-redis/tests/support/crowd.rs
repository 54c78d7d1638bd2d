//! Many members who all speak at once, and come back whatever breaks.

use super::member::{Answer, Member, Way};
use super::raw::PATIENCE;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const END: &str = "the end";

pub(crate) struct Crowd {
    room: &'static str,
    acknowledged: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    speakers: Vec<JoinHandle<Account>>,
}

/// What became of a member, and of what it said.
pub(crate) struct Account {
    pub(crate) member: Member,
    /// With ids.
    pub(crate) acknowledged: Vec<(String, String)>,
    pub(crate) refused: Vec<String>,
    pub(crate) unknown: Vec<String>,
}

impl Crowd {
    /// So many members for each of these, who are all in the room before the first speaks.
    pub(crate) fn enter(room: &'static str, ways: &[Way], each: usize) -> Self {
        let ways = ways.iter().flat_map(|way| vec![way; each]);
        let members: Vec<_> = ways.map(|way| Member::enter(way, room)).collect();
        let acknowledged = Arc::default();
        let is_over = Arc::default();
        let speakers = members.into_iter().enumerate();
        let speakers = speakers.map(|(number, member)| {
            let (acknowledged, is_over) = (Arc::clone(&acknowledged), Arc::clone(&is_over));
            thread::spawn(move || speak(number, member, &acknowledged, &is_over))
        });
        Self {
            room,
            speakers: speakers.collect(),
            acknowledged,
            is_over,
        }
    }

    /// Waits until so many more messages are acknowledged.
    #[track_caller]
    pub(crate) fn talk(&self, messages: usize) {
        let count = || self.acknowledged.load(Ordering::Relaxed);
        let (before, deadline) = (count(), Instant::now() + 2 * PATIENCE);
        while count() < before + messages {
            let dead = self.speakers.iter().filter(|speaker| speaker.is_finished());
            assert_eq!(dead.count(), 0, "speakers have failed");
            assert!(
                Instant::now() < deadline,
                "{} of {messages}",
                count() - before
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Lets them all fall silent and hear the rest. Whatever broke meanwhile, it must be found that:
    ///
    /// - all have heard the same, in the same order, and nothing twice;
    /// - what was acknowledged is among it, with the id of the acknowledgment;
    /// - what was refused is not.
    pub(crate) fn end(self, way: &Way) -> Vec<Account> {
        let mut last = Member::enter(way, self.room);
        self.is_over.store(true, Ordering::Relaxed);
        last.surely_say(END);
        let accounts: Vec<_> = self
            .speakers
            .into_iter()
            .map(|speaker| speaker.join().unwrap())
            .collect();
        // Those who were under way when it was said may have been heard after it: not by all.
        let heard = |account: &Account| -> Vec<(String, String)> {
            let heard = account.member.heard.iter();
            heard.take_while(|(_, text)| text != END).cloned().collect()
        };
        let first = heard(&accounts[0]);
        let ids: Vec<_> = first.iter().map(|(id, _)| number(id)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "the ids only grow: {ids:?}");
        let texts: HashSet<_> = first.iter().map(|(_, text)| text).collect();
        assert_eq!(texts.len(), first.len(), "nothing is heard twice");
        let end = accounts[0].member.heard[first.len()].0.clone();
        for account in &accounts {
            assert!(heard(account) == first, "all hear the same");
            for said in &account.acknowledged {
                let is_before_the_end = number(&said.0) < number(&end);
                assert!(
                    !is_before_the_end || first.contains(said),
                    "{said:?} is lost"
                );
            }
            for text in &account.refused {
                assert!(!texts.contains(text), "{text:?} was refused");
            }
        }
        accounts
    }
}

/// An id as numbers, which grow as it does.
fn number(id: &str) -> (u64, u64) {
    let (time, number) = id.split_once('-').unwrap();
    (time.parse().unwrap(), number.parse().unwrap())
}

fn speak(
    number: usize,
    member: Member,
    acknowledged: &AtomicUsize,
    is_over: &AtomicBool,
) -> Account {
    let mut account = Account {
        member,
        acknowledged: Vec::new(),
        refused: Vec::new(),
        unknown: Vec::new(),
    };
    for count in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{number} says {count}");
        match account.member.say(&text) {
            Answer::Said(id) => {
                account.acknowledged.push((id, text));
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Answer::Refused => {
                account.refused.push(text);
                // Who is refused does not insist.
                thread::sleep(Duration::from_millis(20));
            }
            Answer::Unknown => account.unknown.push(text),
        }
    }
    account.member.hear(END);
    account
}
