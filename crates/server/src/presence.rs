//! Where a running server can be reached by tools on the same machine: a file in the state folder that the server writes when it listens and takes
//! away when it ends. After a hard end the file stays; whoever reads it must be prepared to find nobody there.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What a server tells of itself. Once it is taken back nothing is told any more, whoever is still about to.
#[derive(Debug)]
pub struct Presence {
    state_dir: PathBuf,
    address: SocketAddr,
    is_over: Mutex<bool>,
}

impl Presence {
    pub fn new(state_dir: &Path, address: SocketAddr) -> Presence {
        Presence {
            state_dir: state_dir.to_owned(),
            address,
            is_over: Mutex::default(),
        }
    }

    /// Tells it, unless that is told already.
    pub fn announce(&self) -> io::Result<()> {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_over || announced(&self.state_dir) == Some(self.address) {
            return Ok(());
        }
        announce(&self.state_dir, self.address)
    }

    /// Takes it back, unless another server has announced itself since.
    pub fn withdraw(&self) {
        let mut is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        *is_over = true;
        withdraw(&self.state_dir, self.address);
    }
}

fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("listen")
}

fn announce(state_dir: &Path, address: SocketAddr) -> io::Result<()> {
    let mut temp = tempfile::NamedTempFile::new_in(state_dir)?;
    config::owner::inherit(temp.as_file(), state_dir)?;
    io::Write::write_all(&mut temp, format!("{address}\n").as_bytes())?;
    temp.persist(file(state_dir)).map_err(|error| error.error)?;
    Ok(())
}

fn withdraw(state_dir: &Path, address: SocketAddr) {
    if announced(state_dir) == Some(address) {
        // What stays is a place where nobody answers.
        let _ = fs::remove_file(file(state_dir));
    }
}

/// Where the server of this state folder listens, if one was announced.
pub fn announced(state_dir: &Path) -> Option<SocketAddr> {
    fs::read_to_string(file(state_dir))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Where the server of this state folder can be reached from this machine, if one was announced.
pub fn find(state_dir: &Path) -> Option<SocketAddr> {
    let mut address = announced(state_dir)?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_found_and_taken_back() {
        let dir = tempfile::tempdir().expect("tempdir");
        assert_eq!(find(dir.path()), None);
        for (listens, reached) in [
            ("192.0.2.1:8007", "192.0.2.1:8007"),
            ("0.0.0.0:8007", "127.0.0.1:8007"),
            ("[::]:18007", "[::1]:18007"),
        ] {
            let address: SocketAddr = listens.parse().expect("address");
            announce(dir.path(), address).expect("announce");
            assert_eq!(announced(dir.path()), Some(address));
            assert_eq!(find(dir.path()), Some(reached.parse().expect("address")));
            withdraw(dir.path(), SocketAddr::from(([192, 0, 2, 9], 1)));
            assert!(find(dir.path()).is_some(), "another server's");
            withdraw(dir.path(), address);
            assert_eq!(find(dir.path()), None);
        }
    }

    /// A server that ended while its disk got room again left a place where nobody answers.
    #[test]
    fn what_is_taken_back_is_not_told_again() {
        let dir = tempfile::tempdir().expect("tempdir");
        let address: SocketAddr = "192.0.2.1:8007".parse().expect("address");
        let presence = Presence::new(dir.path(), address);
        presence.announce().expect("announce");
        presence.announce().expect("as before");
        assert_eq!(announced(dir.path()), Some(address));
        presence.withdraw();
        presence.announce().expect("nothing to do");
        assert_eq!(announced(dir.path()), None);
    }
}
