//! What was found in many snapshots, each entry once for its group, with what it was over time.

use std::collections::HashMap;

use api::rest::search::{SearchItem, SearchVersion};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use format::{ArchiveName, BackupTime, Group, Namespace};

use super::Match;

/// Snapshots of all versions together, in one answer: some 2 MiB.
const TIMES_MAX: usize = 200_000;
/// Bytes of all paths together, in one answer; each is in it twice.
const PATHS_MAX: usize = 4 << 20;

/// See the module. Groups are gathered one after the other.
#[derive(Debug)]
pub struct Gathered {
    limit: usize,
    times: usize,
    /// Bytes of all paths.
    paths: usize,
    items: Vec<SearchItem>,
    /// Those of the group that is gathered now, by archive and path.
    of_group: HashMap<(String, Vec<u8>), usize>,
}

/// An entry, and one of its versions.
pub type Spot = (usize, usize);

/// The name of an archive however it is stored.
pub fn plain_name(archive: &ArchiveName) -> String {
    let name = archive.to_string();
    match name.strip_suffix(".mpxar.didx") {
        Some(stem) => format!("{stem}.pxar.didx"),
        None => name,
    }
}

impl Gathered {
    pub fn new(limit: usize) -> Gathered {
        Gathered {
            limit,
            times: 0,
            paths: 0,
            items: Vec::new(),
            of_group: HashMap::new(),
        }
    }

    pub fn is_full(&self) -> bool {
        self.items.len() >= self.limit || self.times >= TIMES_MAX || self.paths >= PATHS_MAX
    }

    /// Another group begins.
    pub fn next_group(&mut self) {
        self.of_group.clear();
    }

    /// An entry that fits, in a snapshot of this time.
    pub fn add(
        &mut self,
        (ns, group): (&Namespace, &Group),
        archive: &ArchiveName,
        time: BackupTime,
        found: Match,
    ) -> Spot {
        let archive = plain_name(archive);
        let key = (archive, found.path);
        let at = match self.of_group.get(&key) {
            Some(at) => *at,
            None => {
                let (archive, path) = &key;
                self.paths += path.len();
                self.items.push(SearchItem {
                    archive_name: archive.clone(),
                    backup_id: group.id.clone(),
                    backup_type: group.ty,
                    filepath: STANDARD.encode(path),
                    ns: ns.clone(),
                    text: String::from_utf8_lossy(path).into_owned(),
                    versions: Vec::new(),
                });
                let at = self.items.len() - 1;
                self.of_group.insert(key, at);
                at
            }
        };
        let version = SearchVersion {
            mtime: found
                .mtime
                .filter(|_| found.letter == 'f')
                .map(|time| time.secs),
            size: found.size,
            snapshots: Vec::new(),
            kind: found.letter.to_string(),
        };
        let same = |one: &SearchVersion| {
            (&one.kind, one.size, one.mtime) == (&version.kind, version.size, version.mtime)
        };
        let versions = &mut self.items[at].versions;
        let number = versions.iter().position(same).unwrap_or_else(|| {
            versions.push(version);
            versions.len() - 1
        });
        self.again((at, number), time);
        (at, number)
    }

    /// The same in one more snapshot.
    pub fn again(&mut self, (item, version): Spot, time: BackupTime) {
        let versions = self.items.get_mut(item).map(|item| &mut item.versions);
        let Some(version) = versions.and_then(|versions| versions.get_mut(version)) else {
            return;
        };
        // A hostile archive may have a name twice.
        if version.snapshots.last() != Some(&time.epoch()) {
            version.snapshots.push(time.epoch());
            self.times += 1;
        }
    }

    pub fn into_items(self) -> Vec<SearchItem> {
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_once_with_what_they_were() {
        let group = |text: &str| -> Group { text.parse().expect("group") };
        let archive = |text: &str| -> ArchiveName { text.parse().expect("name") };
        let time = |epoch| BackupTime::new(epoch).expect("time");
        let (root, host, other) = (Namespace::root(), group("host/a"), group("host/b"));
        let found = |path: &str, size| Match {
            path: path.into(),
            letter: 'f',
            size: Some(size),
            mtime: None,
        };
        let (split, whole) = (archive("root.mpxar.didx"), archive("root.pxar.didx"));
        let mut all = Gathered::new(3);
        let spot = all.add((&root, &host), &split, time(30), found("/x", 1));
        all.again(spot, time(20));
        all.add((&root, &host), &whole, time(10), found("/x", 1));
        all.add((&root, &host), &whole, time(10), found("/x", 1));
        all.add((&root, &host), &whole, time(5), found("/x", 2));
        all.add((&root, &host), &whole, time(5), found("/y", 2));
        assert!(!all.is_full());
        all.next_group();
        all.add((&root, &other), &whole, time(5), found("/x", 1));
        assert!(all.is_full());
        let shown: Vec<String> = all
            .into_items()
            .iter()
            .map(|item| {
                let versions = item.versions.iter();
                let versions =
                    versions.map(|v| format!("{:?}:{:?}", v.size.expect("size"), v.snapshots));
                let versions: Vec<String> = versions.collect();
                format!("{} {} {}", item.backup_id, item.text, versions.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            ["a /x 1:[30, 20, 10] 2:[5]", "a /y 2:[5]", "b /x 1:[5]"]
        );
    }
}
