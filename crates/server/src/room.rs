//! Room in memory for what clients make the server hold: parameters of requests while they come and are worked on, and answers that were made whole
//! until the last byte is on its way. It is bounded in all, for each user, and for each network of those who have not logged in; a user has some room
//! of his own, so that others who take all they can do not keep him from working. What is tiny costs less than its connection and is not counted.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use format::Userid;

use crate::limiter;
use crate::settings::Space;
use crate::shares::{self, Line, Parts, Shares};

/// What is counted: so many bytes, and each begun.
const UNIT_BYTES: usize = 1 << 10;
/// Up to this nothing is counted.
const FREE_BYTES: usize = 2 << 10;

/// For whom room is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    User(Userid),
    /// Somebody who has not logged in, at this address.
    Stranger(IpAddr),
}

/// All the room of one kind.
#[derive(Debug)]
pub struct Rooms {
    users: Shares<Userid>,
    strangers: Shares<IpAddr>,
}

/// Some of it, until dropped.
#[derive(Debug)]
pub struct Room {
    held: Option<shares::Held>,
    bytes: usize,
}

/// Room for something that grows while it is made: what it holds is counted before it is held.
#[derive(Debug)]
pub struct Growing<'a> {
    rooms: &'a Rooms,
    whose: Whose,
    room: Room,
}

struct Kept {
    bytes: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Rooms {
    pub fn new(users: Space, strangers: Space) -> Rooms {
        Rooms {
            users: Shares::new(parts(users)),
            strangers: Shares::new(parts(strangers)),
        }
    }

    /// Room for so many bytes if there is some now. Who wants more than he may ever have gets that.
    pub fn now(&self, whose: &Whose, bytes: usize) -> Option<Room> {
        if bytes <= FREE_BYTES {
            return Some(Room::free());
        }
        let held = self.line(whose).many_now(bytes.div_ceil(UNIT_BYTES));
        held.map(|held| Room::of(held, bytes))
    }

    /// The same, if there is some within this time.
    pub async fn within(&self, time: Duration, whose: &Whose, bytes: usize) -> Option<Room> {
        if bytes <= FREE_BYTES {
            return Some(Room::free());
        }
        let line = self.line(whose);
        let held = tokio::time::timeout(time, line.many(bytes.div_ceil(UNIT_BYTES)));
        held.await.ok().flatten().map(|held| Room::of(held, bytes))
    }

    fn line(&self, whose: &Whose) -> Line {
        match whose {
            Whose::User(user) => self.users.of(user),
            Whose::Stranger(address) => self.strangers.of(&limiter::network(*address)),
        }
    }
}

impl<'a> Growing<'a> {
    /// With what room there is already.
    pub fn new(rooms: &'a Rooms, whose: Whose, begun: Option<Room>) -> Growing<'a> {
        Growing {
            rooms,
            whose,
            room: begun.unwrap_or_else(Room::free),
        }
    }

    /// Whether there is room for so many bytes in all, those that were there before among them. If there is not, it has none any more.
    pub fn reach(&mut self, bytes: usize) -> bool {
        if self.room.is_for(bytes) {
            return true;
        }
        // Given back first: who may have no more than all gets that.
        self.room = Room::free();
        match self.rooms.now(&self.whose, bytes) {
            Some(room) => {
                self.room = room;
                true
            }
            None => false,
        }
    }

    /// No more than it takes in the end. It is never given back whole: others wait for it.
    pub fn done(mut self, bytes: usize) -> Room {
        if bytes <= FREE_BYTES {
            return Room::free();
        }
        if let Some(held) = &mut self.room.held {
            held.keep(bytes.div_ceil(UNIT_BYTES));
        }
        self.room.bytes = self.room.bytes.min(bytes);
        self.room
    }
}

impl Room {
    fn free() -> Room {
        Room {
            held: None,
            bytes: FREE_BYTES,
        }
    }

    fn of(held: shares::Held, bytes: usize) -> Room {
        let held = Some(held);
        Room { held, bytes }
    }

    /// Whether it was taken for so many bytes or more.
    pub fn is_for(&self, bytes: usize) -> bool {
        bytes <= self.bytes
    }

    /// The bytes, which keep the room for as long as any of them is held anywhere.
    pub fn keep(self, bytes: Bytes) -> Bytes {
        match self.held {
            None => bytes,
            Some(_) => Bytes::from_owner(Kept { bytes, _room: self }),
        }
    }
}

fn parts(space: Space) -> Parts {
    Parts {
        shared: space.all / UNIT_BYTES,
        own: space.own / UNIT_BYTES,
        most: space.each / UNIT_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space {
        all: 100 << 10,
        each: 60 << 10,
        own: 10 << 10,
    };

    fn user(name: &str) -> Whose {
        Whose::User(name.parse().expect("user"))
    }

    #[tokio::test]
    async fn room_is_held_as_long_as_any_byte() {
        let rooms = Rooms::new(SPACE, SPACE);
        let (one, other) = (user("a@pbs"), user("b@pbs"));
        let room = rooms.now(&one, 60 << 10).expect("room");
        assert!(rooms.now(&one, 3 << 10).is_none(), "his part is taken");
        assert!(rooms.now(&one, 2 << 10).is_some(), "this is nothing");
        assert!(
            rooms.now(&other, 60 << 10).is_none(),
            "there is not so much"
        );
        assert!(rooms.now(&other, 50 << 10).is_none());
        assert!(rooms.now(&other, 40 << 10).is_some());
        let stranger = Whose::Stranger([192, 0, 2, 1].into());
        assert!(rooms.now(&stranger, 60 << 10).is_some(), "others' room");
        let mut bytes = room.keep(Bytes::from(vec![7; 60 << 10]));
        let last = bytes.split_off(100);
        drop(bytes);
        let short = Duration::from_millis(1);
        assert!(rooms.within(short, &one, 3 << 10).await.is_none());
        drop(last);
        assert!(rooms.within(short, &one, 3 << 10).await.is_some());
    }

    #[test]
    fn what_grows_is_counted_before_it_is_there() {
        let rooms = Rooms::new(SPACE, SPACE);
        let one = user("a@pbs");
        let growing = || Growing::new(&rooms, one.clone(), None);
        let (mut first, mut second) = (growing(), growing());
        assert!(first.reach(2 << 10) && second.reach(20 << 10));
        assert!(first.reach(40 << 10));
        assert!(!second.reach(21 << 10), "another one has the rest");
        assert!(
            first.reach(60 << 10) && first.reach(600 << 10),
            "all of his"
        );
        assert!(!second.reach(3 << 10));
        let room = first.done(40 << 10);
        assert!(second.reach(20 << 10) && !second.reach(21 << 10));
        drop(room);
        assert!(second.reach(60 << 10));
        // All that he may have is enough for anything.
        drop(second);
        let all = rooms.now(&one, usize::MAX).expect("all");
        assert!(Growing::new(&rooms, one.clone(), Some(all)).reach(1 << 30));
    }

    #[tokio::test]
    async fn two_who_take_all_leave_a_third_his_own() {
        let rooms = Rooms::new(SPACE, SPACE);
        let held = (
            rooms.now(&user("a@pbs"), 60 << 10),
            rooms.now(&user("b@pbs"), 40 << 10),
        );
        let own = rooms.now(&user("c@pbs"), 10 << 10);
        assert!(held.0.is_some() && held.1.is_some() && own.is_some());
        assert!(rooms.now(&user("c@pbs"), 3 << 10).is_none());
    }
}
