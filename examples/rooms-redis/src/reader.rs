//! The thread that reads all rooms in which somebody is, and tells the members the news.

use crate::broker::{self, Broker};
use crate::id::Id;
use crate::rooms::Rooms;
use crate::stream;
use redis::{Connection, RedisError, RedisResult};
use std::convert::Infallible;
use std::thread;
use std::time::Duration;

/// How long to wait before Redis is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Reads without an end. When Redis is lost, it is tried again and again; each room goes on after the last id that was
/// read there.
pub(crate) fn run(broker: &Broker, rooms: &Rooms) {
    loop {
        let lost = read(broker, rooms);
        if rooms.lost() {
            eprintln!("rooms-redis: Redis is away: {}", broker::in_words(&lost));
        }
        broker.drop_idle();
        thread::sleep(PAUSE);
    }
}

/// Reads until Redis is lost, and returns why.
fn read(broker: &Broker, rooms: &Rooms) -> RedisError {
    let follow = |connection: &mut Connection| -> RedisResult<Infallible> {
        // 1. Redis may come back with less than it had: all rooms are looked at, whether there is news or not.
        tell(connection, rooms, &rooms.positions())?;
        if rooms.found() {
            eprintln!("rooms-redis: Redis is back");
        }
        loop {
            // 2. Wait until something is said in some of them.
            let mut positions = rooms.positions();
            let news = stream::wait(connection, &positions)?;
            // 3. Read it, and tell it.
            positions.retain(|(room, _)| news.contains(room));
            tell(connection, rooms, &positions)?;
        }
    };
    let lost = broker
        .connect()
        .and_then(|mut connection| follow(&mut connection));
    match lost {
        Err(error) => error,
    }
}

fn tell(connection: &mut Connection, rooms: &Rooms, positions: &[(String, Id)]) -> RedisResult<()> {
    let news = stream::news(connection, positions)?;
    for ((room, from), news) in positions.iter().zip(&news) {
        rooms.tell(room, *from, news);
    }
    Ok(())
}
