//! Who is connected, so that nobody can take all places: a connection that is late takes the place of one that does nothing for a known user.
//! What is bounded is the number of connections in all, of one network, and of those that have not yet shown what they speak. Where a bound is
//! reached, the network with the most connections loses the one that has waited longest; whoever was let in and works is never sent away.
//! What is one network is told by `limiter`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::limiter;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// In all.
    pub total: usize,
    /// From one network.
    pub of_network: usize,
    /// That have not shown what they speak.
    pub fresh: usize,
}

/// The open connections. Holds nothing of those who left, so it is bounded by their number.
#[derive(Debug)]
pub struct Peers {
    bounds: Bounds,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Counts whatever happens here: the smaller, the longer ago.
    clock: u64,
    seats: HashMap<u64, Seat>,
    networks: HashMap<IpAddr, usize>,
    fresh: usize,
}

#[derive(Debug)]
struct Seat {
    network: IpAddr,
    doing: Doing,
    since: u64,
    leave: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Has not shown what it speaks.
    Fresh,
    /// Waits, or asks without a login.
    Idle,
    /// So many requests of a known user are answered.
    Busy(usize),
}

/// One connection; counts until dropped.
#[derive(Debug)]
pub struct Guest {
    peers: Arc<Peers>,
    number: u64,
    leave: Arc<Notify>,
}

/// A request of a known user on a connection, until dropped.
#[derive(Debug)]
pub struct Busy(Arc<Guest>);

impl Peers {
    pub fn new(bounds: Bounds) -> Arc<Peers> {
        Arc::new(Peers {
            bounds,
            table: Mutex::default(),
        })
    }

    /// Gives a connection a place, at need that of another one; nothing if all who could leave are at work.
    pub fn enter(self: &Arc<Peers>, peer: IpAddr) -> Option<Arc<Guest>> {
        let network = limiter::network(peer);
        let mut table = self.table();
        let held = table.networks.get(&network).copied().unwrap_or_default();
        if held >= self.bounds.of_network {
            table.send_away(|seat| seat.network == network)?;
        }
        if table.fresh >= self.bounds.fresh {
            table.send_away(|seat| seat.doing == Doing::Fresh)?;
        }
        if table.seats.len() >= self.bounds.total {
            table.send_away(|_| true)?;
        }
        let (number, leave) = (table.tick(), Arc::new(Notify::new()));
        let seat = Seat {
            network,
            doing: Doing::Fresh,
            since: number,
            leave: Arc::clone(&leave),
        };
        table.seats.insert(number, seat);
        *table.networks.entry(network).or_default() += 1;
        table.fresh += 1;
        Some(Arc::new(Guest {
            peers: Arc::clone(self),
            number,
            leave,
        }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Tells one of these to leave: of the network with the most connections the one that has waited longest.
    fn send_away(&mut self, may_leave: impl Fn(&Seat) -> bool) -> Option<()> {
        let crowd = |seat: &Seat| self.networks.get(&seat.network).copied();
        let (number, _) = self
            .seats
            .iter()
            .filter(|(_, seat)| !matches!(seat.doing, Doing::Busy(_)) && may_leave(seat))
            .max_by_key(|(_, seat)| (crowd(seat), std::cmp::Reverse(seat.since)))?;
        let number = *number;
        let seat = self.remove(number)?;
        seat.leave.notify_one();
        Some(())
    }

    fn remove(&mut self, number: u64) -> Option<Seat> {
        let seat = self.seats.remove(&number)?;
        self.fresh -= usize::from(seat.doing == Doing::Fresh);
        if let Some(count) = self.networks.get_mut(&seat.network) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&seat.network);
            }
        }
        Some(seat)
    }

    /// Notes what a connection does from now on; one that was sent away does nothing any more.
    fn note(&mut self, number: u64, next: impl FnOnce(Doing) -> Doing) {
        let now = self.tick();
        let Some(seat) = self.seats.get_mut(&number) else {
            return;
        };
        let before = seat.doing;
        seat.doing = next(before);
        seat.since = now;
        self.fresh -= usize::from(before == Doing::Fresh && seat.doing != Doing::Fresh);
    }
}

impl Guest {
    /// Returns when somebody else needs the place.
    pub async fn sent_away(&self) {
        self.leave.notified().await;
    }

    /// It has shown what it speaks.
    pub fn settled(&self) {
        self.peers.table().note(self.number, |doing| match doing {
            Doing::Fresh => Doing::Idle,
            other => other,
        });
    }

    /// It asks for a known user.
    pub fn busy(self: &Arc<Guest>) -> Busy {
        self.peers.table().note(self.number, |doing| match doing {
            Doing::Fresh | Doing::Idle => Doing::Busy(1),
            Doing::Busy(count) => Doing::Busy(count + 1),
        });
        Busy(Arc::clone(self))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.peers.table().remove(self.number);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0
            .peers
            .table()
            .note(self.0.number, |doing| match doing {
                Doing::Busy(count) if count > 1 => Doing::Busy(count - 1),
                _ => Doing::Idle,
            });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    fn left(guest: &Guest) -> bool {
        guest.sent_away().now_or_never().is_some()
    }

    fn peers(total: usize, of_network: usize, fresh: usize) -> Arc<Peers> {
        Peers::new(Bounds {
            total,
            of_network,
            fresh,
        })
    }

    #[test]
    fn each_network_has_its_own_bound() {
        let peers = peers(10, 2, 10);
        let first = peers.enter(at("2001:db8:0:1::1")).expect("place");
        let second = peers.enter(at("2001:db8:0:1::2")).expect("place");
        let other = peers.enter(at("192.0.2.1")).expect("another network");
        let third = peers
            .enter(at("2001:db8:0:1::3"))
            .expect("the place of the first");
        assert_eq!(
            [&first, &second, &third, &other].map(|guest| left(guest)),
            [true, false, false, false]
        );
        let work = (second.busy(), third.busy());
        assert!(peers.enter(at("2001:db8:0:1::4")).is_none(), "all work");
        drop(work);
        assert!(peers.enter(at("2001:db8:0:1::4")).is_some());
        drop((first, second, third, other));
        let table = peers.table();
        assert_eq!(
            (table.seats.len(), table.networks.len(), table.fresh),
            (0, 0, 0),
            "nothing is kept of those who left"
        );
    }

    /// Five thousand idle connections from six addresses took every place, and a backup could not even connect.
    #[test]
    fn the_largest_crowd_makes_room() {
        let peers = peers(4, 3, 4);
        let one = peers.enter(at("192.0.2.1")).expect("place");
        let crowd: Vec<_> = (0..3)
            .map(|_| peers.enter(at("192.0.2.2")).expect("place"))
            .collect();
        crowd.iter().chain([&one]).for_each(|guest| guest.settled());
        let _work = crowd[0].busy();
        let late = peers.enter(at("192.0.2.3")).expect("place");
        assert!(left(&crowd[1]), "the longest idle one of the crowd");
        assert!(!left(&crowd[0]) && !left(&crowd[2]) && !left(&one) && !left(&late));
    }

    #[test]
    fn those_who_say_nothing_make_room_for_new_ones() {
        let peers = peers(10, 10, 2);
        let settled = peers.enter(at("192.0.2.1")).expect("place");
        settled.settled();
        let silent: Vec<_> = (0..3)
            .map(|_| peers.enter(at("192.0.2.1")).expect("place"))
            .collect();
        assert!(left(&silent[0]) && !left(&silent[1]) && !left(&silent[2]) && !left(&settled));
    }
}
