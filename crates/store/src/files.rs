//! The one way in which small files and indexes reach the disk: a temp file in the same folder, write, sync by policy, rename, sync of
//! the folder. Nobody opens a final name for writing. Temp names end in no ending that means anything, so what a power cut leaves
//! behind is looked at by nobody; a temp file of a call that fails is removed at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::owner;

/// Whether a written file must be on disk before the call returns. A file in place of another one is written out either way before it
/// gets the name; then this is about the name only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    Now,
    Later,
}

/// Replaces the file at `path` by one with these bytes, mode 0644.
pub(crate) fn replace(path: &Path, bytes: &[u8], durable: Durable) -> Result<(), StoreError> {
    let temp = TempFile::random(path)?;
    temp.write(bytes)?;
    temp.rename(path, durable)
}

/// An empty file without a name, in the folder of `path`; it is gone when nobody has it open any more.
pub(crate) fn unnamed(path: &Path) -> Result<File, StoreError> {
    TempFile::random(path)?.into_unnamed()
}

/// A file under a temporary name; removed when dropped, unless renamed.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl TempFile {
    /// `<path without its last ending>.tmp_XXXXXX`.
    fn random(path: &Path) -> Result<TempFile, StoreError> {
        TempFile::create(path.with_extension(format!("tmp_{}", random_suffix())))
    }

    /// A file of this very name, which must not exist.
    pub(crate) fn create(path: PathBuf) -> Result<TempFile, StoreError> {
        let mut options = OpenOptions::new();
        let file = owner::make(options.read(true).write(true).mode(0o644), &path)
            .map_err(StoreError::io("create", &path))?;
        Ok(TempFile {
            file,
            path,
            renamed: false,
        })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file alone; it has no name any more.
    fn into_unnamed(self) -> Result<File, StoreError> {
        // Dropping the rest takes the name away.
        self.file
            .try_clone()
            .map_err(StoreError::io("open once more", &self.path))
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        (&self.file)
            .write_all(bytes)
            .map_err(StoreError::io("write", &self.path))
    }

    pub(crate) fn rename(mut self, path: &Path, durable: Durable) -> Result<(), StoreError> {
        // What replaces a file is on disk before the old one goes, or a power cut could take both.
        if durable == Durable::Now || path.exists() {
            self.file
                .sync_all()
                .map_err(StoreError::io("sync", &self.path))?;
        }
        fs::rename(&self.path, path).map_err(StoreError::io("rename a new file to", path))?;
        self.renamed = true;
        match durable {
            Durable::Now => sync_parent(path),
            Durable::Later => Ok(()),
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing reads a temp name; if it cannot be removed either, it is only litter.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the names in the folder of `path` durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::io("sync", folder))
}

/// Six letters or digits that no other writer uses now.
pub(crate) fn random_suffix() -> String {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = high ^ low;
    (0..6)
        .map(|_| {
            let digit = char::from(DIGITS[(rest % 36) as usize]);
            rest /= 36;
            digit
        })
        .collect()
}

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read_bounded(file: &File, path: &Path, max: u64) -> Result<Vec<u8>, StoreError> {
    let size = file.metadata().map_err(StoreError::io("stat", path))?.len();
    let too_large = |size| StoreError::TooLarge {
        path: path.to_path_buf(),
        size,
        max,
    };
    if size > max {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(StoreError::io("read", path))?;
    if bytes.len() as u64 > max {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Names of the entries of a folder with whether each is a folder itself, in order of the names. A missing folder is empty. What is
/// not UTF-8 in a name is replaced by a sign that no name of ours has, so that it is seen to be there.
pub(crate) fn list(folder: &Path) -> Result<Vec<(String, fs::FileType)>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type() {
            Ok(kind) => names.push((name, kind)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("stat", &entry.path())(error)),
        }
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

/// Names of the folders in a folder, in order.
pub(crate) fn list_folders(folder: &Path) -> Result<Vec<String>, StoreError> {
    Ok(list(folder)?
        .into_iter()
        .filter(|(_, kind)| kind.is_dir())
        .map(|(name, _)| name)
        .collect())
}

/// Ok also if there is nothing to remove.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        list(folder)
            .expect("list")
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn replace_leaves_only_the_new_file() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("index.json.blob");
        for (bytes, durable) in [(&b"one"[..], Durable::Later), (b"two", Durable::Now)] {
            replace(&path, bytes, durable).expect("replace");
            assert_eq!(fs::read(&path).expect("read"), bytes);
            assert_eq!(names(dir.path()), ["index.json.blob"]);
        }
    }

    #[test]
    fn a_dropped_temp_file_is_gone() {
        let dir = tempfile::tempdir().expect("tempdir");
        let temp = TempFile::create(dir.path().join("x.img.tmp_fidx")).expect("create");
        assert_eq!(names(dir.path()), ["x.img.tmp_fidx"]);
        assert!(
            TempFile::create(dir.path().join("x.img.tmp_fidx")).is_err(),
            "the name is taken"
        );
        assert_eq!(
            names(dir.path()),
            ["x.img.tmp_fidx"],
            "the loser removes nothing"
        );
        drop(temp);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn temp_names_replace_the_last_ending() {
        let dir = tempfile::tempdir().expect("tempdir");
        let rows = [
            ("index.json.blob", "index.json.tmp_"),
            ("notes", "notes.tmp_"),
            (".gc-status", ".gc-status.tmp_"),
        ];
        for (name, start) in rows {
            let temp = TempFile::random(&dir.path().join(name)).expect("create");
            let temp_name = temp
                .path()
                .file_name()
                .expect("name")
                .to_str()
                .expect("utf-8");
            assert!(temp_name.starts_with(start), "{temp_name}");
            assert_eq!(temp_name.len(), start.len() + 6);
        }
    }

    #[test]
    fn reading_is_bounded() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("file");
        fs::write(&path, b"12345").expect("write");
        let file = || File::open(&path).expect("open");
        assert_eq!(read_bounded(&file(), &path, 5).expect("fits"), b"12345");
        assert!(matches!(
            read_bounded(&file(), &path, 4),
            Err(StoreError::TooLarge {
                size: 5,
                max: 4,
                ..
            })
        ));
    }
}
