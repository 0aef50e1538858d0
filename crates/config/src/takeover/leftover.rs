//! What an import leaves that ends between its steps, by a crash or a power cut. The new directory carries a note with the names of the exchange, so
//! whoever comes next knows which of the two is the old one, and gives it the name under which it is to be found.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{name_aside, sync};
use crate::error::ConfigError;

/// In the new directory, until the old one has its name. Copies of the directory leave it out, as everything of this ending.
const NOTE: &str = ".import.tmp";
/// Two file names.
const NOTE_BYTES_MAX: u64 = 1024;

/// What was found beside a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// The old configuration, which has its name now.
    pub kept: Option<PathBuf>,
    /// Copies that never took the place; they hold secrets.
    pub unfinished: Vec<PathBuf>,
}

/// Writes down in `made` that the exchange makes it the old one, to be kept as `aside`.
pub(super) fn note(made: &Path, aside: &str) -> Result<(), ConfigError> {
    let hidden = made.file_name().unwrap_or_default().to_string_lossy();
    let path = made.join(NOTE);
    fs::write(&path, format!("{hidden}\n{aside}\n"))
        .and_then(|()| File::open(&path)?.sync_all())
        .map_err(ConfigError::io("write", &path))?;
    sync(made)
}

/// The exchange is over.
pub(super) fn forget(to: &Path) -> Result<(), ConfigError> {
    let path = to.join(NOTE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ConfigError::io("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

/// Ends an import into `to` that was ended between its steps: the old configuration gets its name. Nothing else is changed.
pub fn settle(to: &Path) -> Result<Leftovers, ConfigError> {
    let to = match fs::canonicalize(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Leftovers::default()),
        real => real.map_err(ConfigError::io("look at", to))?,
    };
    let mut found = Leftovers::default();
    let hidden = hidden(&to)?;
    let noted = read(&to)?;
    for path in hidden {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match &noted {
            Some((old, aside)) if *old == name => found.kept = Some(name_aside(&path, aside)?),
            _ => found.unfinished.push(path),
        }
    }
    if noted.is_some() {
        to.parent().map_or(Ok(()), sync)?;
        forget(&to)?;
    }
    Ok(found)
}

/// Directories beside `to` whose names only imports give.
fn hidden(to: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let (Some(parent), Some(name)) = (to.parent(), to.file_name()) else {
        return Ok(Vec::new());
    };
    let before = format!(".{}.", name.to_string_lossy());
    let failed = |error| ConfigError::io("list", parent)(error);
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&before) && name.ends_with(".new") && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read(to: &Path) -> Result<Option<(String, String)>, ConfigError> {
    let path = to.join(NOTE);
    let mut text = String::new();
    match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::io("read", &path)(error)),
        Ok(file) => file
            .take(NOTE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(ConfigError::io("read", &path))?,
    };
    let plain = |name: &str| !name.is_empty() && !name.contains('/');
    Ok(text
        .split_once('\n')
        .map(|(old, aside)| (old.to_owned(), aside.trim_end().to_owned()))
        .filter(|(old, aside)| plain(old) && plain(aside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands beside the configuration, and what is in it.
    fn beside(to: &Path) -> Vec<String> {
        let parent = to.parent().expect("parent");
        let names = fs::read_dir(parent).expect("list");
        let names = names.map(|entry| entry.expect("entry").path());
        let mut names: Vec<String> = names
            .map(|path| {
                let name = path.file_name().expect("name").to_string_lossy();
                let which = ["old", "new"].map(|file| path.join(file).exists());
                format!("{name} {which:?}")
            })
            .collect();
        names.sort();
        names
    }

    /// A crash after the exchange left the old configuration under a hidden name that nobody ever told.
    #[test]
    fn the_old_one_gets_its_name_whenever_the_import_ended() {
        for step in 0..4 {
            let temp = tempfile::tempdir().expect("tempdir");
            let (to, made) = (temp.path().join("etc"), temp.path().join(".etc.x1.new"));
            for (folder, file) in [(&to, "old"), (&made, "new")] {
                fs::create_dir(folder).expect("folder");
                fs::write(folder.join(file), "").expect("file");
            }
            note(&made, "etc.before-1").expect("noted");
            if step > 0 {
                let spare = temp.path().join("spare");
                fs::rename(&to, &spare).expect("rename");
                fs::rename(&made, &to).expect("rename");
                fs::rename(&spare, &made).expect("rename");
            }
            if step > 1 {
                name_aside(&made, "etc.before-1").expect("named");
            }
            if step > 2 {
                forget(&to).expect("forgotten");
            }
            let found = settle(&to).expect("settled");
            let kept = (step == 1).then(|| temp.path().join("etc.before-1"));
            let unfinished = (step == 0).then(|| made.clone());
            let expected = Leftovers {
                kept,
                unfinished: unfinished.into_iter().collect(),
            };
            assert_eq!(found, expected, "{step}");
            let after = match step {
                0 => [".etc.x1.new [false, true]", "etc [true, false]"],
                _ => ["etc [false, true]", "etc.before-1 [true, false]"],
            };
            assert_eq!(beside(&to), after, "{step}");
            assert!(!to.join(NOTE).exists());
            let again = settle(&to).expect("settled");
            assert_eq!(again.kept, None, "{step}");
        }
    }

    #[test]
    fn a_damaged_note_moves_nothing() {
        for text in [
            "",
            "x",
            "\n",
            "../old\netc.before-1\n",
            ".etc.x1.new\n../../away\n",
        ] {
            let temp = tempfile::tempdir().expect("tempdir");
            let (to, hidden) = (temp.path().join("etc"), temp.path().join(".etc.x1.new"));
            fs::create_dir(&to).expect("folder");
            fs::create_dir(&hidden).expect("folder");
            fs::write(to.join(NOTE), text).expect("note");
            let found = settle(&to).expect("settled");
            assert_eq!(
                (found.kept, found.unfinished),
                (None, vec![hidden]),
                "{text:?}"
            );
        }
        let nowhere = settle(Path::new("/nowhere/etc")).expect("nothing there");
        assert_eq!(nowhere, Leftovers::default());
    }
}
