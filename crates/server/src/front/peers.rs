//! How many connections each client network has, so that one of them cannot take them all: further ones are closed before a byte is read. What is
//! one network is told by `limiter`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limiter;

/// Open connections by network. Holds only networks that have one, so it is bounded by the number of connections.
#[derive(Debug)]
pub struct Peers {
    max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection; counts until dropped.
#[derive(Debug)]
pub struct Guest {
    peers: Arc<Peers>,
    network: IpAddr,
}

impl Peers {
    /// At most `max` connections from each network.
    pub fn new(max: usize) -> Arc<Peers> {
        Arc::new(Peers {
            max,
            open: Mutex::default(),
        })
    }

    /// Counts one more connection; nothing if the network has too many.
    pub fn enter(self: &Arc<Peers>, peer: IpAddr) -> Option<Guest> {
        let network = limiter::network(peer);
        let mut open = self.open();
        let count = open.entry(network).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Guest {
            peers: Arc::clone(self),
            network,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.peers.open();
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_its_own_bound() {
        let peers = Peers::new(2);
        let at = |text: &str| text.parse::<IpAddr>().expect("address");
        let first = peers.enter(at("2001:db8:0:1::1"));
        let second = peers.enter(at("2001:db8:0:1::2"));
        assert!(first.is_some() && second.is_some());
        assert!(peers.enter(at("2001:db8:0:1::3")).is_none(), "one network");
        let other = peers.enter(at("192.0.2.1"));
        assert!(other.is_some(), "another network");
        drop(first);
        assert!(peers.enter(at("2001:db8:0:1::3")).is_some());
        drop((second, other));
        assert!(peers.open().is_empty(), "nothing is kept of those who left");
    }
}
