//! Redis, the broker: connections to it, on which nothing waits for long.

use crate::id::Id;
use crate::stream::{self, News};
use redis::{Client, Connection, ErrorKind, RedisError, RedisResult};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long Redis may take to let a connection in, and to answer: longer would hold the thread of a member.
const PATIENCE: Duration = Duration::from_secs(2);
/// Connections that are kept for the next who asks, and how long: something on the way may have forgotten an older one.
const MAX_IDLE: usize = 16;
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// Whoever asks Redis something takes a connection, or makes one. Nobody waits for another's.
pub(crate) struct Broker {
    client: Client,
    /// Messages of a room that are kept.
    keep: usize,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

/// Why something was not said.
pub(crate) enum Unsaid {
    /// Redis did not get it, or refused it.
    Refused(RedisError),
    /// Redis may have got it, and its answer was lost.
    Unknown(RedisError),
}

/// What went wrong. Of a time-out the system says less.
pub(crate) fn in_words(error: &RedisError) -> String {
    if error.is_timeout() {
        return "Redis does not answer".to_owned();
    }
    error.to_string()
}

impl Broker {
    pub(crate) fn new(url: &str, keep: usize) -> RedisResult<Self> {
        Ok(Self {
            client: Client::open(url)?,
            keep,
            idle: Mutex::default(),
        })
    }

    /// Says something in a room. The id is the acknowledgment: Redis has it.
    pub(crate) fn say(&self, room: &str, text: &str) -> Result<Id, Unsaid> {
        let mut connection = self.take().map_err(Unsaid::Refused)?;
        match stream::add(&mut connection, room, self.keep, text) {
            Ok(id) => {
                self.give_back(connection);
                Ok(id)
            }
            Err(error) => match error.kind() {
                // Redis says no.
                ErrorKind::Server(_) | ErrorKind::Extension => Err(Unsaid::Refused(error)),
                _ => Err(Unsaid::Unknown(error)),
            },
        }
    }

    /// The id of a room's last message.
    pub(crate) fn open(&self, room: &str) -> RedisResult<Id> {
        self.ask(|connection| stream::open(connection, room))
    }

    /// What was said in a room after an id, or the first of it.
    pub(crate) fn news(&self, room: &str, after: Id) -> RedisResult<News> {
        let rooms = [(room.to_owned(), after)];
        let mut news = self.ask(|connection| stream::news(connection, &rooms))?;
        news.pop()
            .ok_or_else(|| (ErrorKind::Client, "no answer").into())
    }

    pub(crate) fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Drops the idle connections: Redis was lost, and they with it.
    pub(crate) fn drop_idle(&self) {
        self.idle().clear();
    }

    fn ask<T>(&self, question: impl FnOnce(&mut Connection) -> RedisResult<T>) -> RedisResult<T> {
        let mut connection = self.take()?;
        let answer = question(&mut connection)?;
        self.give_back(connection);
        Ok(answer)
    }

    fn take(&self) -> RedisResult<Connection> {
        let idle = self.idle().pop();
        match idle {
            Some((connection, since)) if since.elapsed() < MAX_IDLE_TIME => Ok(connection),
            _ => self.connect(),
        }
    }

    /// Keeps a connection on which the last question was answered.
    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push((connection, Instant::now()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
