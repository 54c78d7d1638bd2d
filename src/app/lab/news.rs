//! News at random moments, and what it costs to hear of them in one of three ways.
//!
//! If news came evenly, a page that asks in step with them would look better than it is. Here the waits between them
//! are drawn ahead, exponential around their mean: when the next comes says nothing about the one after. Times count
//! from the session's beginning, and nothing here waits or asks for the time.

use serde_json::{Value, json};
use std::time::Duration;

/// A way to hear of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The page asks again and again.
    Poll,
    /// Each answer waits for news.
    Long,
    /// The server sends them.
    Socket,
}

impl Lane {
    const fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Long => "long",
            Self::Socket => "socket",
        }
    }
}

/// The news of a session, and what each lane has cost since they were started.
#[derive(Debug)]
pub(super) struct News {
    random: Random,
    every: Option<Duration>,
    /// When the next is made.
    next: Option<Duration>,
    made: Made,
    lanes: [Count; 3],
}

/// How many news there were, and the sum of the times at which they were made: enough to tell how old those are
/// that someone has not heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Made {
    count: u64,
    sum: Duration,
}

/// What a lane has cost.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: u64,
    up: u64,
    down: u64,
    payload: u64,
    news: u64,
    age: Duration,
    held: u64,
    /// Up to where its page has heard.
    told: Made,
}

impl News {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            every: None,
            next: None,
            made: Made::default(),
            lanes: [Count::default(); 3],
        }
    }

    /// Starts them anew, or stops them, and counts from 0. Their numbers go on.
    pub(super) fn start(&mut self, every: Option<Duration>, now: Duration) {
        self.advance(now);
        self.every = every;
        self.next = every.map(|every| now + self.random.wait(every));
        for lane in &mut self.lanes {
            *lane = Count {
                told: self.made,
                held: lane.held,
                ..Count::default()
            };
        }
    }

    /// The number of the latest news.
    pub(super) fn latest(&mut self, now: Duration) -> u64 {
        self.advance(now);
        self.made.count
    }

    /// When the next is made, unless they are stopped.
    pub(super) const fn next(&self) -> Option<Duration> {
        self.next
    }

    /// A lane tells of the latest that was asked for, in so many bytes.
    pub(super) fn told(&mut self, lane: Lane, bytes: usize, now: Duration) {
        let made = self.made;
        let count = self.count_mut(lane);
        let news = made.count - count.told.count;
        if news > 0 {
            count.news += news;
            count.payload += bytes as u64;
            count.age += times(now, news).saturating_sub(made.sum - count.told.sum);
            count.told = made;
        }
    }

    /// A lane has cost these bytes, and so many requests.
    pub(super) fn cost(&mut self, lane: Lane, requests: u64, up: u64, down: u64) {
        let count = self.count_mut(lane);
        count.requests += requests;
        count.up += up;
        count.down += down;
    }

    /// A request or a connection is held open from now on. What was made before is not told in a lane's name.
    pub(super) fn hold(&mut self, lane: Lane, now: Duration) {
        self.advance(now);
        let made = self.made;
        let count = self.count_mut(lane);
        if lane == Lane::Socket && count.held == 0 {
            count.told = made;
        }
        count.held += 1;
    }

    /// It is held no longer.
    pub(super) fn release(&mut self, lane: Lane) {
        let count = self.count_mut(lane);
        count.held = count.held.saturating_sub(1);
    }

    pub(super) const fn held(&self, lane: Lane) -> u64 {
        self.lanes[lane as usize].held
    }

    /// What a lane has cost, as the page is told.
    pub(super) fn record(&self, lane: Lane) -> Value {
        let count = &self.lanes[lane as usize];
        json!({
            "lane": lane.name(),
            "requests": count.requests,
            "up": count.up,
            "down": count.down,
            "payload": count.payload,
            "news": count.news,
            "age": count.age.as_secs_f64(),
            "held": count.held,
        })
    }

    const fn count_mut(&mut self, lane: Lane) -> &mut Count {
        &mut self.lanes[lane as usize]
    }

    /// Makes what is due.
    fn advance(&mut self, now: Duration) {
        while let (Some(every), Some(next)) = (self.every, self.next.filter(|next| *next <= now)) {
            self.made.count += 1;
            self.made.sum += next;
            self.next = Some(next + self.random.wait(every));
        }
    }
}

fn times(time: Duration, count: u64) -> Duration {
    u32::try_from(count).map_or(Duration::MAX, |count| time.saturating_mul(count))
}

/// SplitMix64: enough for news that nobody is to foresee by eye.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// An exponential wait. Never none, so that a clock that stands still makes no news.
    fn wait(&mut self, every: Duration) -> Duration {
        // As many bits as an f64 holds; above 0 and at most 1.
        let share = ((self.number() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        every.mul_f64(-share.ln()).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(1);

    fn started(seed: u64) -> News {
        let mut news = News::new(seed);
        news.start(Some(EVERY), Duration::ZERO);
        news
    }

    #[test]
    fn waits_are_exponential_around_their_mean() {
        let mut random = Random(7);
        let waits: Vec<_> = (0..20_000)
            .map(|_| random.wait(EVERY).as_secs_f64())
            .collect();
        let share = |is: fn(&&f64) -> bool| waits.iter().filter(is).count() as f64 / 20_000.0;
        let mean = waits.iter().sum::<f64>() / 20_000.0;
        assert!((0.97..1.03).contains(&mean), "{mean}");
        // Of an exponential wait, 1 - 1/e are shorter than the mean, and e⁻³ longer than three times that.
        let shorter = share(|wait| **wait < 1.0);
        assert!((0.62..0.645).contains(&shorter), "{shorter}");
        let longer = share(|wait| **wait > 3.0);
        assert!((0.04..0.06).contains(&longer), "{longer}");
    }

    #[test]
    fn they_are_the_same_however_often_one_looks() {
        let end = Duration::from_secs(100);
        let expected = started(3).latest(end);
        let mut news = started(3);
        let looks = (0..10_000).map(|i| news.latest(Duration::from_millis(10 * i)));
        let numbers: Vec<_> = looks.collect();
        assert!(numbers.is_sorted());
        assert_eq!(news.latest(end), expected);
        assert!((70..130).contains(&expected), "{expected}");
    }

    #[test]
    fn the_next_is_known_before_it_comes() {
        let mut news = started(11);
        for number in 0..50 {
            let next = news.next().expect("they are not stopped");
            assert_eq!(news.latest(next - Duration::from_nanos(1)), number);
            assert_eq!(news.latest(next), number + 1);
        }
    }

    #[test]
    fn age_is_the_time_between_making_and_telling() {
        let mut news = started(5);
        let mut age = Duration::ZERO;
        for _ in 0..3 {
            let next = news.next().expect("they are not stopped");
            news.latest(next);
            age += Duration::from_secs(1000) - next;
        }
        // The fourth may have come by then, and others.
        let at = Duration::from_secs(1000);
        let mut rest = news.next().expect("they are not stopped");
        let mut count = 3;
        while rest <= at {
            age += at - rest;
            count += 1;
            news.latest(rest);
            rest = news.next().expect("they are not stopped");
        }
        news.told(Lane::Poll, 31, at);
        let told = news.record(Lane::Poll);
        assert_eq!(
            (&told["news"], &told["payload"]),
            (&count.into(), &31.into())
        );
        let difference = told["age"].as_f64().expect("a number") - age.as_secs_f64();
        assert!(difference.abs() < 1e-6, "{told} {age:?}");
        // Nothing new: no news, and no payload.
        news.told(Lane::Poll, 31, at);
        assert_eq!(news.record(Lane::Poll), told);
        assert_eq!(news.record(Lane::Long)["news"], 0);
    }

    #[test]
    fn what_is_made_after_an_answer_was_written_is_told_by_the_next() {
        let mut news = started(5);
        let first = news.next().expect("they are not stopped");
        let later = first + Duration::from_secs(100);
        news.latest(first);
        news.told(Lane::Long, 31, later);
        assert_eq!(news.record(Lane::Long)["news"], 1);
        let all = news.latest(later);
        news.told(Lane::Long, 32, later);
        let told = news.record(Lane::Long);
        assert_eq!((&told["news"], &told["payload"]), (&all.into(), &63.into()));
    }

    #[test]
    fn what_was_made_before_a_connection_was_there_is_not_told_over_it() {
        let mut news = started(5);
        let at = Duration::from_secs(20);
        let before = news.latest(at);
        assert!(before > 0);
        news.hold(Lane::Socket, at);
        let next = news.next().expect("they are not stopped");
        assert_eq!(news.latest(next), before + 1);
        news.told(Lane::Socket, 31, next);
        let told = news.record(Lane::Socket);
        assert_eq!((&told["news"], &told["age"]), (&1.into(), &0.0.into()));
    }

    #[test]
    fn a_new_start_counts_anew_and_numbers_go_on() {
        let mut news = started(9);
        let at = Duration::from_secs(20);
        let number = news.latest(at);
        news.told(Lane::Long, 31, at);
        news.cost(Lane::Long, 1, 100, 200);
        news.hold(Lane::Long, at);
        news.start(None, at);
        assert_eq!(news.next(), None);
        let later = Duration::from_secs(2000);
        assert_eq!(news.latest(later), number);
        let expected = json!({
            "lane": "long", "requests": 0, "up": 0, "down": 0, "payload": 0, "news": 0, "age": 0.0, "held": 1,
        });
        assert_eq!(news.record(Lane::Long), expected);
        news.start(Some(EVERY), later);
        let next = news.next().expect("they go on");
        assert_eq!(news.latest(next), number + 1);
    }
}
