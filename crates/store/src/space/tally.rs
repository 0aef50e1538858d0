//! Adds up what each chunk means for those who name it: alone it is theirs, with others it is shared. Snapshots, groups and namespaces are counted
//! by the same rule; a namespace is what is in it and below.

use std::collections::BTreeMap;

use format::{Group, Namespace, Snapshot};

use super::{GroupSpace, NamespaceSpace, SnapshotSpace, Space};

/// What is added up, by the numbers of the snapshots.
pub(super) struct Tally {
    snapshots: BTreeMap<u32, (usize, SnapshotSpace)>,
    groups: Vec<GroupSpace>,
    /// Of each group, from the root to its own.
    paths: Vec<Vec<usize>>,
    namespaces: Vec<NamespaceSpace>,
    pub chunks: u64,
    pub bytes: u64,
}

/// The sums, in the order of names.
pub(super) struct Sums {
    pub snapshots: BTreeMap<u32, SnapshotSpace>,
    pub groups: Vec<GroupSpace>,
    pub namespaces: Vec<NamespaceSpace>,
}

impl Tally {
    /// For these snapshots, with the bytes of their own files.
    pub(super) fn new<'a>(
        all: impl Iterator<Item = (u32, &'a Namespace, &'a Snapshot, u64)>,
    ) -> Tally {
        let mut tally = Tally {
            snapshots: BTreeMap::new(),
            groups: Vec::new(),
            paths: Vec::new(),
            namespaces: Vec::new(),
            chunks: 0,
            bytes: 0,
        };
        let mut groups = BTreeMap::new();
        let mut namespaces = BTreeMap::new();
        tally.namespace(&mut namespaces, &Namespace::root());
        for (id, ns, snapshot, files) in all {
            let key = (ns.clone(), snapshot.group.clone());
            let group = *groups
                .entry(key)
                .or_insert_with(|| tally.group(&mut namespaces, ns, &snapshot.group));
            let space = Space {
                files,
                ..Space::default()
            };
            tally.groups[group].space.files += files;
            for place in &tally.paths[group] {
                tally.namespaces[*place].space.files += files;
            }
            let (ns, snapshot) = (ns.clone(), snapshot.clone());
            let entry = SnapshotSpace {
                ns,
                snapshot,
                space,
            };
            tally.snapshots.insert(id, (group, entry));
        }
        tally
    }

    fn group(
        &mut self,
        namespaces: &mut BTreeMap<Namespace, usize>,
        ns: &Namespace,
        group: &Group,
    ) -> usize {
        let mut path = Vec::new();
        let mut place = Namespace::root();
        path.push(self.namespace(namespaces, &place));
        for name in ns.components() {
            // A part of a namespace is one.
            if place.push(name).is_ok() {
                path.push(self.namespace(namespaces, &place));
            }
        }
        self.paths.push(path);
        self.groups.push(GroupSpace {
            ns: ns.clone(),
            group: group.clone(),
            space: Space::default(),
        });
        self.groups.len() - 1
    }

    fn namespace(&mut self, known: &mut BTreeMap<Namespace, usize>, ns: &Namespace) -> usize {
        *known.entry(ns.clone()).or_insert_with(|| {
            self.namespaces.push(NamespaceSpace {
                ns: ns.clone(),
                space: Space::default(),
            });
            self.namespaces.len() - 1
        })
    }

    /// A chunk of this size, and the snapshots that name it: each known, each once.
    pub(super) fn add(&mut self, size: u64, snapshots: &[u32]) {
        self.chunks += 1;
        self.bytes += size;
        let mut groups = Vec::new();
        for id in snapshots {
            let Some((group, entry)) = self.snapshots.get_mut(id) else {
                continue;
            };
            entry.space.count(size, snapshots.len() == 1);
            groups.push(*group);
        }
        groups.sort_unstable();
        groups.dedup();
        for group in &groups {
            self.groups[*group].space.count(size, groups.len() == 1);
        }
        self.add_to_namespaces(size, &groups);
    }

    /// To a namespace the chunk belongs alone if all its groups lie in it.
    fn add_to_namespaces(&mut self, size: u64, groups: &[usize]) {
        let Some((first, rest)) = groups.split_first() else {
            return;
        };
        let common = rest.iter().fold(self.paths[*first].len(), |common, group| {
            let pairs = self.paths[*first].iter().zip(&self.paths[*group]);
            pairs.take(common).take_while(|(a, b)| a == b).count()
        });
        for place in &self.paths[*first][..common] {
            self.namespaces[*place].space.count(size, true);
        }
        let mut partly: Vec<usize> = groups
            .iter()
            .flat_map(|group| self.paths[*group][common..].iter().copied())
            .collect();
        partly.sort_unstable();
        partly.dedup();
        for place in partly {
            self.namespaces[place].space.count(size, false);
        }
    }

    pub(super) fn finish(self) -> Sums {
        let Tally {
            snapshots,
            mut groups,
            mut namespaces,
            ..
        } = self;
        groups.sort_by(|a, b| (&a.ns, &a.group).cmp(&(&b.ns, &b.group)));
        namespaces.sort_by(|a, b| a.ns.cmp(&b.ns));
        Sums {
            snapshots: snapshots
                .into_iter()
                .map(|(id, (_, entry))| (id, entry))
                .collect(),
            groups,
            namespaces,
        }
    }
}

impl Space {
    fn count(&mut self, size: u64, alone: bool) {
        match alone {
            true => self.unique += size,
            false => self.shared += size,
        }
    }
}
