//! The files that tell when jobs ran last: looked at, written beside where they go, and then put there, so that what can fail fails before anything
//! is changed. One that is damaged stays behind; its job counts as one of which nothing is known.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use config::owner;
use console::report::Failure;
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

/// A state is a task's id and a short text.
const BYTES_MAX: u64 = 64 << 10;
/// More jobs than any server has.
const STATES_MAX: usize = 10_000;

/// What a state directory holds.
#[derive(Default)]
pub struct States {
    /// Name and content.
    pub found: Vec<(String, Vec<u8>)>,
    /// Name, and why it stays behind.
    pub left: Vec<(String, &'static str)>,
}

/// States under names of their own, gone again unless they are put in their places.
pub struct Staged {
    folder: PathBuf,
    files: Vec<(String, NamedTempFile)>,
}

/// Reads all states below a server's state directory.
pub fn look(state: &Path) -> Result<States> {
    let folder = state.join("jobstates");
    let failed = || format!("cannot list {}", folder.display());
    let list = fs::read_dir(&folder).map_err(|error| {
        Failure::new(failed())
            .cause(error)
            .hint("the original's state directory is /var/lib/proxmox-backup")
    })?;
    let mut states = States::default();
    for entry in list {
        let entry = entry.with_context(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !name.ends_with(".json") {
            continue;
        }
        if states.found.len() + states.left.len() >= STATES_MAX {
            let text = format!("{} holds too many states", folder.display());
            return Err(Failure::new(text).into());
        }
        if !entry.file_type().with_context(failed)?.is_file() {
            states.left.push((name, "it is no ordinary file"));
            continue;
        }
        let path = entry.path();
        let bytes = read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
            _ if bytes.len() as u64 > BYTES_MAX => states.left.push((name, "it is too long")),
            Ok(_) => states.found.push((name, bytes)),
            Err(_) => states.left.push((name, "it is damaged")),
        }
    }
    states.found.sort();
    states.left.sort();
    Ok(states)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    // Nothing may have become a link or a pipe since it was listed.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let mut bytes = Vec::new();
    let file = options.open(path)?;
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl States {
    /// Writes them beside where they go.
    pub fn stage(self, state_dir: &Path) -> Result<Staged> {
        let folder = state_dir.join("jobstates");
        let mut files = Vec::new();
        if !self.found.is_empty() {
            owner::make_folders(&folder, 0o755)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        for (name, bytes) in self.found {
            let failed = || format!("cannot write {}", folder.join(&name).display());
            let file = write(&folder, &bytes).with_context(failed)?;
            files.push((name, file));
        }
        Ok(Staged { folder, files })
    }
}

fn write(folder: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    owner::inherit(file.as_file(), folder)?;
    file.as_file().sync_all()?;
    Ok(file)
}

impl Staged {
    /// Puts them in their places.
    pub fn put(self) -> Result<()> {
        if self.files.is_empty() {
            return Ok(());
        }
        for (name, file) in self.files {
            let path = self.folder.join(name);
            let failed = || format!("cannot replace {}", path.display());
            file.persist(&path).with_context(failed)?;
        }
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("cannot sync {}", self.folder.display()))
    }
}
