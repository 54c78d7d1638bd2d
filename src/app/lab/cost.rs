//! The lanes of a session: who waits for news, who hears of them, and what that costs.

use super::news::{Lane, News};
use super::observer::Observer;
use crate::app::time;
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a request waits for news at most; then it is answered without.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);

/// Requests of a session that wait at once. Each takes a thread; a page has one, a browser six connections.
const MAX_HELD: u64 = 8;

/// The news of a session and those who wait for them.
#[derive(Debug)]
pub(super) struct Lanes {
    began: Instant,
    observer: Arc<Observer>,
    state: Mutex<State>,
    /// Notified when nobody is to wait any longer, or not for what they wait for.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    news: News,
    /// How often they were started or stopped.
    starts: u64,
    is_over: bool,
}

impl Lanes {
    pub(super) fn new(seed: u64, began: Instant, observer: Arc<Observer>) -> Self {
        let news = News::new(seed);
        Self {
            began,
            observer,
            state: Mutex::new(State {
                news,
                starts: 0,
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Starts the news, or stops them. A request that waits is let go: it belongs to what was before.
    pub(super) fn start(&self, every: Option<Duration>) {
        let mut state = self.state();
        state.news.start(every, self.now());
        state.starts += 1;
        for lane in [Lane::Poll, Lane::Long, Lane::Socket] {
            self.tell(&state.news, lane);
        }
        self.changed.notify_all();
    }

    /// Nobody waits any longer.
    pub(super) fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Answers a request at once.
    pub(super) fn poll(&self) -> String {
        let (mut state, now) = (self.state(), self.now());
        let answer = body(state.news.latest(now));
        state.news.told(Lane::Poll, answer.len(), now);
        answer
    }

    /// Answers a request when there is news after this one, or after a while; `None` if too many wait already.
    pub(super) fn wait(&self, after: u64) -> Option<String> {
        let deadline = self.now() + PATIENCE;
        let mut state = self.state();
        if state.news.held(Lane::Long) >= MAX_HELD {
            return None;
        }
        state.news.hold(Lane::Long, self.now());
        self.tell(&state.news, Lane::Long);
        let starts = state.starts;
        let number = loop {
            let now = self.now();
            let number = state.news.latest(now);
            if number > after || now >= deadline || state.is_over || state.starts != starts {
                break number;
            }
            let until = state.news.next().unwrap_or(deadline).min(deadline);
            let waited = self.changed.wait_timeout(state, until.saturating_sub(now));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        let answer = body(number);
        state.news.told(Lane::Long, answer.len(), self.now());
        state.news.release(Lane::Long);
        // What it cost is told once it is written, if the page has waited for it.
        self.tell(&state.news, Lane::Long);
        Some(answer)
    }

    /// What to send to a page that knows of this news; or else how long there will be none, unless they are
    /// started meanwhile.
    pub(super) fn push(&self, known: &mut u64) -> Result<String, Option<Duration>> {
        let (mut state, now) = (self.state(), self.now());
        let number = state.news.latest(now);
        if number <= *known {
            let next = state.news.next();
            return Err(next.map(|next| next.saturating_sub(now)));
        }
        *known = number;
        let message = body(number);
        state.news.told(Lane::Socket, message.len(), now);
        Ok(message)
    }

    /// A connection for news has opened. Returns the latest.
    pub(super) fn open(&self) -> u64 {
        let (mut state, now) = (self.state(), self.now());
        state.news.hold(Lane::Socket, now);
        state.news.latest(now)
    }

    /// Such a connection has ended.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.news.release(Lane::Socket);
        self.tell(&state.news, Lane::Socket);
    }

    /// A lane has cost so much.
    pub(super) fn cost(&self, lane: Lane, requests: u64, (up, down): (u64, u64)) {
        let mut state = self.state();
        state.news.cost(lane, requests, up, down);
        self.tell(&state.news, lane);
    }

    fn tell(&self, news: &News, lane: Lane) {
        self.observer.tell("count", || {
            let mut record = json!({"time": self.now().as_secs_f64()});
            if let (Value::Object(record), Value::Object(count)) = (&mut record, news.record(lane))
            {
                record.extend(count);
            }
            record
        });
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the clock tells the time, and which is the latest news.
fn body(news: u64) -> String {
    format!(r#"{{"time": "{}", "news": {news}}}"#, time::now())
}
