//! Who is in which room here, and how far each room has been read.

use crate::id::Id;
use crate::stream::News;
use crate::words;
use plainws::{CloseCode, Error, PreparedMessage, Sender, WhenFull};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

#[cfg(test)]
mod tests;

#[derive(Default)]
pub(crate) struct Rooms(Mutex<State>);

#[derive(Default)]
struct State {
    /// Those in which somebody is.
    rooms: HashMap<String, Room>,
    is_away: bool,
    /// How often Redis was lost.
    losses: u64,
}

struct Room {
    /// What the reader has read last.
    last: Id,
    /// By the threads of their connections.
    members: HashMap<ThreadId, Member>,
}

struct Member {
    sender: Sender,
    /// The last message that it heard before it was given its seat.
    heard: Id,
}

/// A member's place in a room, until it is dropped.
pub(crate) struct Seat<'a> {
    rooms: &'a Rooms,
    room: &'a str,
}

impl Rooms {
    /// Gives the caller's connection a seat, if it has heard as much as the room's other members, and Redis was not lost
    /// since there were so many losses. Otherwise it must look again whether it missed something.
    pub(crate) fn seat<'a>(
        &'a self,
        room: &'a str,
        sender: Sender,
        heard: Id,
        losses: u64,
    ) -> Option<Seat<'a>> {
        let mut state = self.lock();
        let last = state.rooms.get(room).map_or(heard, |room| room.last);
        if heard < last || losses != state.losses {
            return None;
        }
        // The reader must not wait for one who reads slowly.
        let sender = sender.when_full(WhenFull::Refuse);
        let member = Member { sender, heard };
        member.tell(&PreparedMessage::new(words::here(heard)));
        let members = HashMap::new();
        let there = state.rooms.entry(room.to_owned());
        let there = there.or_insert(Room { last, members });
        there.members.insert(thread::current().id(), member);
        Some(Seat { rooms: self, room })
    }

    /// The rooms in which somebody is, and how far each has been read.
    pub(crate) fn positions(&self) -> Vec<(String, Id)> {
        let state = self.lock();
        let rooms = state.rooms.iter();
        rooms
            .map(|(name, room)| (name.clone(), room.last))
            .collect()
    }

    /// Tells the members of a room what has happened there after `from`.
    pub(crate) fn tell(&self, room: &str, from: Id, news: &News) {
        // Each message is made once, for however many members.
        let gap = news.is_gap.then(|| PreparedMessage::new(words::GAP));
        let said = news.said.iter();
        let said = said.map(|(id, text)| (*id, PreparedMessage::new(words::message(*id, text))));
        let said: Vec<_> = said.collect();

        let mut state = self.lock();
        // While this was read, all may have left and others have come, who have heard more, or less.
        let Some(room) = state.rooms.get_mut(room).filter(|room| room.last == from) else {
            return;
        };
        room.last = news.last;
        for member in room.members.values_mut() {
            if let Some(gap) = &gap {
                member.tell(gap);
                // Redis may have come back with less than it had.
                member.heard = member.heard.min(news.last);
            }
            for (_, message) in said.iter().filter(|(id, _)| *id > member.heard) {
                member.tell(message);
            }
        }
    }

    pub(crate) fn is_away(&self) -> bool {
        self.lock().is_away
    }

    pub(crate) fn losses(&self) -> u64 {
        self.lock().losses
    }

    /// Redis was lost, or is still. Returns whether that is new.
    pub(crate) fn lost(&self) -> bool {
        let mut state = self.lock();
        state.losses += 1;
        let is_new = !state.is_away;
        state.is_away = true;
        if is_new {
            state.tell_all(words::AWAY);
        }
        is_new
    }

    /// Redis is there. Returns whether that is new.
    pub(crate) fn found(&self) -> bool {
        let mut state = self.lock();
        let is_new = state.is_away;
        state.is_away = false;
        if is_new {
            state.tell_all(words::BACK);
        }
        is_new
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell_all(&self, what: &str) {
        let what = PreparedMessage::new(what);
        let members = self.rooms.values().flat_map(|room| room.members.values());
        members.for_each(|member| member.tell(&what));
    }
}

impl Member {
    fn tell(&self, message: &PreparedMessage) {
        if let Err(Error::Backlogged) = self.sender.send(message) {
            let _ = self.sender.close(CloseCode::POLICY, "too slow");
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.rooms.lock();
        if let Some(room) = state.rooms.get_mut(self.room) {
            room.members.remove(&thread::current().id());
            if room.members.is_empty() {
                state.rooms.remove(self.room);
            }
        }
    }
}
