//! What happens in between: too seldom for a test with processes.

use super::{Rooms, Seat};
use crate::id::Id;
use crate::stream::News;
use plainws::{Client, Received, WebSocket};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

const ROOM: &str = "kitchen";
/// Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A member, at the server's end and at its own.
fn member() -> (WebSocket, WebSocket) {
    let (here, there) = UnixStream::pair().unwrap();
    let accepting = thread::spawn(move || plainws::accept(there).unwrap());
    let client = Client::new("ws://localhost/").unwrap().over(here).unwrap();
    (accepting.join().unwrap(), client)
}

fn id(number: u64) -> Id {
    format!("1700000000000-{number}").parse().unwrap()
}

/// That these were said.
fn news(said: &[(u64, &str)]) -> News {
    let said: Vec<_> = said
        .iter()
        .map(|(number, text)| (id(*number), (*text).to_owned()))
        .collect();
    News {
        is_gap: false,
        last: said.last().unwrap().0,
        said,
    }
}

fn seat<'a>(rooms: &'a Rooms, ws: &WebSocket, heard: u64) -> Option<Seat<'a>> {
    rooms.seat(ROOM, ws.sender(), id(heard), rooms.losses())
}

/// What a member is told next that was said.
fn next(client: &WebSocket) -> String {
    loop {
        match client.receive_timeout(PATIENCE).unwrap() {
            Received::Message(told) if told.to_string().contains(r#""type":"message""#) => {
                return told.to_string();
            }
            Received::Message(_) => {}
            other => panic!("nothing is told: {other:?}"),
        }
    }
}

#[test]
fn who_has_heard_less_than_the_others_gets_no_seat() {
    let rooms = Rooms::default();
    let (ann, _) = member();
    let _seat = seat(&rooms, &ann, 1).unwrap();
    rooms.tell(ROOM, id(1), &news(&[(2, "second")]));
    // On a thread of its own, as each member is.
    thread::scope(|scope| {
        scope.spawn(|| {
            let (bob, _) = member();
            assert!(seat(&rooms, &bob, 1).is_none());
            assert!(seat(&rooms, &bob, 2).is_some());
        });
    });
}

#[test]
fn who_asked_redis_before_it_was_lost_gets_no_seat_after_it() {
    let rooms = Rooms::default();
    let (ann, _) = member();
    let before = rooms.losses();
    rooms.lost();
    rooms.found();
    assert!(rooms.seat(ROOM, ann.sender(), id(1), before).is_none());
    assert!(seat(&rooms, &ann, 1).is_some());
}

#[test]
fn who_has_heard_more_than_the_others_hears_nothing_twice() {
    let rooms = Rooms::default();
    let (ann, _) = member();
    let _seat = seat(&rooms, &ann, 1).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (bob, client) = member();
            let _seat = seat(&rooms, &bob, 2).unwrap();
            rooms.tell(ROOM, id(1), &news(&[(2, "second"), (3, "third")]));
            assert!(next(&client).contains("third"));
        });
    });
}

#[test]
fn what_was_read_for_those_who_left_is_read_again_for_those_who_came() {
    let rooms = Rooms::default();
    let (ann, _) = member();
    drop(seat(&rooms, &ann, 2).unwrap());
    let (bob, client) = member();
    let _seat = seat(&rooms, &bob, 1).unwrap();
    rooms.tell(ROOM, id(2), &news(&[(3, "third")]));
    assert_eq!(rooms.positions(), [(ROOM.to_owned(), id(1))]);
    rooms.tell(ROOM, id(1), &news(&[(2, "second"), (3, "third")]));
    assert!(next(&client).contains("second"));
    assert!(next(&client).contains("third"));
}

#[test]
fn when_redis_comes_back_with_older_ids_what_follows_them_is_heard() {
    let rooms = Rooms::default();
    let (ann, client) = member();
    let _seat = seat(&rooms, &ann, 5).unwrap();
    let back = News {
        is_gap: true,
        said: Vec::new(),
        last: id(2),
    };
    rooms.tell(ROOM, id(5), &back);
    rooms.tell(ROOM, id(2), &news(&[(3, "third")]));
    assert!(next(&client).contains("third"));
}

#[test]
fn a_room_is_there_as_long_as_somebody_is_in_it() {
    let rooms = Rooms::default();
    let (ann, _) = member();
    let seat = seat(&rooms, &ann, 1);
    assert_eq!(rooms.positions().len(), 1);
    drop(seat);
    assert!(rooms.positions().is_empty());
}
