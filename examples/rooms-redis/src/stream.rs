//! A room is a stream of Redis: what each command asks for, on a connection that is given.

use crate::id::Id;
use redis::{Cmd, Connection, RedisResult, Value, pipe};
use std::collections::HashMap;

/// How long the reader waits for news, in milliseconds, before it looks again in which rooms somebody is: the longest
/// that the first member in a room waits to hear.
const WAIT: &str = "100";
/// Messages of a room that are read at once.
const PAGE: &str = "100";
/// A room is forgotten when nobody has spoken in it or entered it for so long: seven days, in seconds.
const FORGOTTEN_AFTER: &str = "604800";

/// What has happened in a room after an id.
pub(crate) struct News {
    /// Whether something may be missing before these: the entry with that id is not there any more. Either it was one of
    /// the oldest, and was cut off, or Redis came back with less than it had.
    pub(crate) is_gap: bool,
    pub(crate) said: Vec<(Id, String)>,
    /// Where to go on.
    pub(crate) last: Id,
}

/// What Redis keeps of a message.
type Entry = (Id, HashMap<String, Vec<u8>>);

/// Adds a message at the end, of which Redis chooses the id, and cuts off the oldest but `keep`: with `~` many at a time,
/// which costs next to nothing.
pub(crate) fn add(redis: &mut Connection, room: &str, keep: usize, text: &str) -> RedisResult<Id> {
    let (key, keep) = (key(room), keep.to_string());
    command(&["XADD", &key, "MAXLEN", "~", &keep, "*", "text", text]).query(redis)
}

/// The id of the last entry. A room without any gets one that says nothing: so each id that a member is told is one of an
/// entry, and whether something may be missing after it is seen by whether it is still there.
pub(crate) fn open(redis: &mut Connection, room: &str) -> RedisResult<Id> {
    let key = key(room);
    let last: Vec<Entry> = command(&["XREVRANGE", &key, "+", "-", "COUNT", "1"]).query(redis)?;
    match last.first() {
        Some((id, _)) => Ok(*id),
        None => command(&["XADD", &key, "*", "opened", ""]).query(redis),
    }
}

/// Waits until something is there after these ids. Returns in which rooms, or none after [`WAIT`].
pub(crate) fn wait(redis: &mut Connection, rooms: &[(String, Id)]) -> RedisResult<Vec<String>> {
    // The first is a stream that nobody writes: one at least must be named, and that Redis is lost is to be noticed even
    // when nobody is here.
    let mut read = command(&["XREAD", "COUNT", "1", "BLOCK", WAIT, "STREAMS", "nothing"]);
    read.arg(rooms.iter().map(|(room, _)| key(room)).collect::<Vec<_>>());
    read.arg("$");
    read.arg(
        rooms
            .iter()
            .map(|(_, id)| id.to_string())
            .collect::<Vec<_>>(),
    );
    let news: Option<Vec<(String, Value)>> = read.query(redis)?;
    let keys = news.into_iter().flatten().map(|(key, _)| key);
    let rooms = keys.filter_map(|key| key.strip_prefix(PREFIX).map(str::to_owned));
    Ok(rooms.collect())
}

/// What is there in each of these rooms after its id, or the first of it.
pub(crate) fn news(redis: &mut Connection, rooms: &[(String, Id)]) -> RedisResult<Vec<News>> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    // All in one round trip.
    let mut questions = pipe();
    for (room, after) in rooms {
        let (key, id) = (key(room), after.to_string());
        questions.add_command(range(room, *after));
        // Only now whether the entry with the id is there. Redis cuts off the oldest first, so if it is, nothing that
        // follows it had been cut off before.
        questions.add_command(command(&["XRANGE", &key, &id, &id]));
        questions.add_command(command(&["EXPIRE", &key, FORGOTTEN_AFTER]));
        questions.ignore();
    }
    let answers: Vec<Vec<Entry>> = questions.query(redis)?;
    let mut all = Vec::new();
    for ((room, after), answer) in rooms.iter().zip(answers.chunks_exact(2)) {
        let (entries, is_gap) = (&answer[0], answer[1].is_empty());
        all.push(if is_gap && entries.is_empty() {
            reopened(redis, room, *after)?
        } else {
            told(entries, is_gap, *after)
        });
    }
    Ok(all)
}

/// What is there in a room that has less than it had.
fn reopened(redis: &mut Connection, room: &str, after: Id) -> RedisResult<News> {
    let last = open(redis, room)?;
    let entries: Vec<Entry> = range(room, after).query(redis)?;
    // If nothing is there after the id, then all that is there is older: what follows will be newer than that.
    Ok(told(&entries, true, last))
}

fn told(entries: &[Entry], is_gap: bool, otherwise: Id) -> News {
    News {
        is_gap,
        said: entries.iter().filter_map(text).collect(),
        last: entries.last().map_or(otherwise, |(id, _)| *id),
    }
}

/// What an entry says; `None` for one that only opened the room.
fn text((id, fields): &Entry) -> Option<(Id, String)> {
    let text = fields.get("text")?;
    Some((*id, String::from_utf8_lossy(text).into_owned()))
}

/// Asks for the first entries after an id.
fn range(room: &str, after: Id) -> Cmd {
    command(&[
        "XRANGE",
        &key(room),
        &format!("({after}"),
        "+",
        "COUNT",
        PAGE,
    ])
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(words);
    command
}

const PREFIX: &str = "room:";

fn key(room: &str) -> String {
    format!("{PREFIX}{room}")
}
