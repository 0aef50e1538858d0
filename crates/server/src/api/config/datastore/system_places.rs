//! Where no datastore is made over the network: folders that belong to the system. A server that runs as root would write there for whoever may
//! allocate datastores, who is not root. `strongroom-manager datastore create`, run by an administrator of the machine, may.

use std::path::{Path, PathBuf};

use config::files::Datastore;

use crate::fault::Fault;

const PLACES: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root",
    "/run", "/sbin", "/sys", "/usr", "/var/run",
];

/// Refuses a datastore at or below such a place, whatever links lead there. One on a device of its own lies where that is mounted.
pub fn check(datastore: &Datastore) -> Result<(), Fault> {
    let path = Path::new(&datastore.path);
    if datastore.backing_device.is_some() {
        return Ok(());
    }
    match place_of(path).or_else(|| place_of(&real(path))) {
        Some(place) => Err(Fault::SystemPlace(datastore.path.clone(), place)),
        None => Ok(()),
    }
}

/// Everybody may write there, so it is nobody's secret; and in memory, for who wants that.
const OPEN: &str = "/dev/shm";

fn place_of(path: &Path) -> Option<&'static str> {
    if path.starts_with(OPEN) && path != Path::new(OPEN) {
        return None;
    }
    let mut places = PLACES.iter().copied();
    places.find(|place| path.starts_with(place))
}

/// What the part of the path that is there leads to, and the rest.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return real.join(rest);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn is_refused(path: &str) -> bool {
        let name = "store".parse().expect("name");
        check(&Datastore::new(name, path.to_owned())).is_err()
    }

    /// Nothing is made here; the decision alone is asked.
    #[test]
    fn folders_of_the_system_are_refused_through_links_too() {
        for path in [
            "/etc",
            "/etc/x",
            "//etc//x",
            "/boot/x",
            "/root/.ssh",
            "/proc/1/x",
            "/usr/lib/x",
            "/lib/x",
            "/var/run/x",
        ] {
            assert!(is_refused(path), "{path}");
        }
        for path in [
            "/srv/x",
            "/mnt/datastore/x",
            "/etcetera/x",
            "/var/lib/x",
            "/data",
            "/dev/shm/x",
        ] {
            assert!(!is_refused(path), "{path}");
        }
        let temp = tempfile::tempdir().expect("tempdir");
        let link = temp.path().join("link");
        symlink("/etc", &link).expect("link");
        assert!(is_refused(&link.join("not/there").display().to_string()));
        assert!(!is_refused(&temp.path().join("x").display().to_string()));
    }
}
