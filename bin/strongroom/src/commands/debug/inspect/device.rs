//! `debug inspect device`: which datastores lie on a device. The device is mounted read-only in a folder of its own meanwhile.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use rustix::mount::{MountFlags, UnmountFlags};
use serde_json::{Value, json};

use crate::context::Context;

/// Folders inside each other that are searched.
const DEPTH_MAX: usize = 32;
/// File systems that a kernel lists without `nodev` are tried one after the other.
const FILE_SYSTEMS: &str = "/proc/filesystems";

/// List the datastores on a device. Only root can do that.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The block device.
    device: PathBuf,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let mounted = Mounted::new(&args.device)?;
    let stores = stores(mounted.folder.path()).map_err(|error| {
        Failure::new(format!("cannot search {:?} - {error}", args.device)).cause(error)
    })?;
    drop(mounted);
    let data = json!({"store_count": stores.len(), "stores": stores});
    Ok(output.value(&data, || text(&data))?)
}

fn text(data: &Value) -> String {
    let mut text = format!(
        "Device contains {} stores\n{}\n",
        data["store_count"],
        "-".repeat(15)
    );
    for store in data["stores"].as_array().into_iter().flatten() {
        text += &format!(
            "Datastore at {} | VM: {}, CT: {}, HOST: {}, NS: {}\n",
            store["path"],
            store["vm-count"],
            store["ct-count"],
            store["host-count"],
            store["ns-count"]
        );
    }
    text
}

/// A device that is mounted until this is dropped.
struct Mounted {
    folder: tempfile::TempDir,
}

impl Mounted {
    fn new(device: &Path) -> Result<Mounted, Failure> {
        let refuse = |error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::PermissionDenied => "only root may mount devices",
                _ => "is it a block device with a file system that this kernel knows?",
            };
            Failure::new(format!("cannot mount {device:?} - {error}"))
                .cause(error)
                .hint(hint)
        };
        let folder = tempfile::Builder::new()
            .prefix("strongroom-device-")
            .tempdir()
            .map_err(refuse)?;
        let flags =
            MountFlags::RDONLY | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOSUID;
        let known = fs::read_to_string(FILE_SYSTEMS).map_err(refuse)?;
        let mut failure = io::Error::from(rustix::io::Errno::NODEV);
        for kind in known.lines().filter_map(|line| line.strip_prefix('\t')) {
            match rustix::mount::mount(device, folder.path(), kind, flags, None) {
                Ok(()) => return Ok(Mounted { folder }),
                // It is not of this kind.
                Err(rustix::io::Errno::INVAL) => {}
                Err(errno) => failure = errno.into(),
            }
        }
        Err(refuse(failure))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // If that fails the folder stays, and `umount` can be called by hand.
        let _ = rustix::mount::unmount(self.folder.path(), UnmountFlags::DETACH);
    }
}

/// Every folder with a `.chunks` in it, its path beginning at `root`.
fn stores(root: &Path) -> io::Result<Vec<Value>> {
    let mut found = Vec::new();
    let mut todo = vec![(0, root.to_owned())];
    while let Some((depth, folder)) = todo.pop() {
        if folder.join(".chunks").is_dir() {
            found.push(store(root, &folder));
            continue;
        }
        if depth < DEPTH_MAX {
            let below = folders(&folder).into_iter();
            todo.extend(below.map(|each| (depth + 1, each)));
        }
    }
    found.sort_by_key(|store| store["path"].to_string());
    Ok(found)
}

fn store(root: &Path, folder: &Path) -> Value {
    let shown = Path::new("/").join(folder.strip_prefix(root).unwrap_or(folder));
    let mut counts = Counts::default();
    counts.add(folder, 0);
    json!({
        "path": shown.to_string_lossy(),
        "vm-count": counts.vm,
        "ct-count": counts.ct,
        "host-count": counts.host,
        "ns-count": counts.namespaces,
    })
}

/// Groups by type, in all namespaces, and the namespaces below the root.
#[derive(Default)]
struct Counts {
    vm: usize,
    ct: usize,
    host: usize,
    namespaces: usize,
}

impl Counts {
    fn add(&mut self, folder: &Path, depth: usize) {
        let groups = |kind: &str| folders(&folder.join(kind)).len();
        self.vm += groups("vm");
        self.ct += groups("ct");
        self.host += groups("host");
        if depth < format::Namespace::DEPTH_MAX {
            for namespace in folders(&folder.join("ns")) {
                self.namespaces += 1;
                self.add(&namespace, depth + 1);
            }
        }
    }
}

/// The folders in a folder; none if it cannot be read. Symlinks are not followed.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datastores_are_found_and_counted() {
        let root = tempfile::tempdir().expect("temp dir");
        for folder in [
            "a/main/.chunks/0000",
            "a/main/vm/100",
            "a/main/host/x",
            "a/main/host/y",
            "a/main/ns/n/ct/1",
            "a/main/ns/n/ns/m",
            "other/.chunks",
            "plain/folder",
        ] {
            fs::create_dir_all(root.path().join(folder)).expect(folder);
        }
        let stores = stores(root.path()).expect("readable");
        let data = json!({"store_count": stores.len(), "stores": stores});
        assert_eq!(
            text(&data),
            "Device contains 2 stores\n---------------\nDatastore at \"/a/main\" | VM: 1, CT: 1, HOST: 2, NS: 2\nDatastore at \"/other\" | VM: 0, CT: 0, HOST: 0, NS: 0\n"
        );
    }
}
