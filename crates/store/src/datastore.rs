//! The datastore as a whole: opening, usage, and the way to its namespaces, groups and snapshots.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use format::{ArchiveName, AuthId, Group, Index, Manifest, Namespace, Snapshot, StoreName};

use crate::chunk::ChunkStore;
use crate::error::StoreError;
use crate::locks::{LockGuard, ProcessLockGuard};
use crate::options::Options;

/// An open datastore. Clones are the same store. A process opens each store once.
#[derive(Clone)]
pub struct Datastore(Arc<Inner>);

struct Inner {
    name: StoreName,
    base: PathBuf,
    options: Options,
    chunks: Arc<dyn ChunkStore>,
}

/// Bytes of the file system below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub total: u64,
    pub used: u64,
    pub avail: u64,
}

/// Groups and snapshots per backup type, over all namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub ct: TypeCount,
    pub host: TypeCount,
    pub vm: TypeCount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TypeCount {
    pub groups: u64,
    pub snapshots: u64,
}

/// A snapshot as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    pub snapshot: Snapshot,
    pub protected: bool,
    /// Files on disk in the order of their names, manifest included.
    pub files: Vec<ArchiveName>,
}

impl SnapshotInfo {
    /// Whether the manifest is there.
    pub fn is_finished(&self) -> bool {
        self.files.iter().any(ArchiveName::is_manifest)
    }
}

/// What a removal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForgetReport {
    pub removed_groups: u64,
    pub removed_snapshots: u64,
    pub protected_snapshots: u64,
}

/// A snapshot's directory. Making one only checks that it is there; nothing is locked.
#[derive(Clone)]
pub struct SnapshotDir {
    store: Datastore,
    ns: Namespace,
    snapshot: Snapshot,
    path: PathBuf,
}

impl Datastore {
    pub fn create(path: &Path) -> Result<(), StoreError> {
        let _ = path;
        unimplemented!()
    }
    pub fn open(name: &StoreName, path: &Path, options: Options) -> Result<Datastore, StoreError> {
        let _ = (name, path, options);
        unimplemented!()
    }
    pub fn with_chunks(
        name: &StoreName,
        path: &Path,
        options: Options,
        chunks: Arc<dyn ChunkStore>,
    ) -> Result<Datastore, StoreError> {
        Ok(Datastore(Arc::new(Inner {
            name: name.clone(),
            base: path.to_path_buf(),
            options,
            chunks,
        })))
    }
    pub fn name(&self) -> &StoreName {
        &self.0.name
    }
    pub fn base(&self) -> &Path {
        &self.0.base
    }
    pub fn options(&self) -> &Options {
        &self.0.options
    }
    pub fn chunks(&self) -> &dyn ChunkStore {
        &*self.0.chunks
    }
    pub fn usage(&self) -> Result<Usage, StoreError> {
        unimplemented!()
    }
    pub fn counts(&self) -> Result<Counts, StoreError> {
        unimplemented!()
    }
    pub fn lock_exclusive(&self) -> Result<ProcessLockGuard, StoreError> {
        unimplemented!()
    }
    pub fn oldest_writer(&self) -> Option<i64> {
        unimplemented!()
    }
    pub fn namespace_exists(&self, ns: &Namespace) -> bool {
        let _ = ns;
        unimplemented!()
    }
    pub fn namespaces(
        &self,
        parent: &Namespace,
        max_depth: Option<usize>,
    ) -> Result<Vec<Namespace>, StoreError> {
        let _ = (parent, max_depth);
        unimplemented!()
    }
    pub fn create_namespace(
        &self,
        parent: &Namespace,
        name: &str,
    ) -> Result<Namespace, StoreError> {
        let _ = (parent, name);
        unimplemented!()
    }
    pub fn delete_namespace(
        &self,
        ns: &Namespace,
        delete_groups: bool,
    ) -> Result<ForgetReport, StoreError> {
        let _ = (ns, delete_groups);
        unimplemented!()
    }
    pub fn groups(&self, ns: &Namespace) -> Result<Vec<Group>, StoreError> {
        let _ = ns;
        unimplemented!()
    }
    pub fn snapshots(
        &self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Vec<SnapshotInfo>, StoreError> {
        let _ = (ns, group);
        unimplemented!()
    }
    pub fn owner(&self, ns: &Namespace, group: &Group) -> Result<AuthId, StoreError> {
        let _ = (ns, group);
        unimplemented!()
    }
    pub fn set_owner(
        &self,
        ns: &Namespace,
        group: &Group,
        owner: &AuthId,
    ) -> Result<(), StoreError> {
        let _ = (ns, group, owner);
        unimplemented!()
    }
    pub fn group_notes(&self, ns: &Namespace, group: &Group) -> Result<String, StoreError> {
        let _ = (ns, group);
        unimplemented!()
    }
    pub fn set_group_notes(
        &self,
        ns: &Namespace,
        group: &Group,
        notes: &str,
    ) -> Result<(), StoreError> {
        let _ = (ns, group, notes);
        unimplemented!()
    }
    pub fn snapshot(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<SnapshotDir, StoreError> {
        let _ = (ns, snapshot);
        unimplemented!()
    }
    pub fn forget_snapshot(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<(), StoreError> {
        let _ = (ns, snapshot);
        unimplemented!()
    }
    pub fn forget_group(&self, ns: &Namespace, group: &Group) -> Result<ForgetReport, StoreError> {
        let _ = (ns, group);
        unimplemented!()
    }
}

impl SnapshotDir {
    pub fn namespace(&self) -> &Namespace {
        &self.ns
    }
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
    pub fn path(&self) -> &Path {
        &self.path
    }
    pub fn info(&self) -> Result<SnapshotInfo, StoreError> {
        let _ = &self.store;
        unimplemented!()
    }
    pub fn manifest(&self) -> Result<(Manifest, u64), StoreError> {
        unimplemented!()
    }
    pub fn update_manifest<T>(
        &self,
        change: impl FnOnce(&mut Manifest) -> T,
    ) -> Result<T, StoreError> {
        let _ = change;
        unimplemented!()
    }
    pub fn notes(&self) -> Result<String, StoreError> {
        unimplemented!()
    }
    pub fn set_notes(&self, notes: &str) -> Result<(), StoreError> {
        let _ = notes;
        unimplemented!()
    }
    pub fn protected(&self) -> bool {
        unimplemented!()
    }
    pub fn set_protected(&self, protected: bool) -> Result<(), StoreError> {
        let _ = protected;
        unimplemented!()
    }
    pub fn store_log(&self, encoded: &[u8]) -> Result<(), StoreError> {
        let _ = encoded;
        unimplemented!()
    }
    pub fn open_file(&self, name: &ArchiveName) -> Result<std::fs::File, StoreError> {
        let _ = name;
        unimplemented!()
    }
    pub fn open_index(&self, name: &ArchiveName) -> Result<Index, StoreError> {
        let _ = name;
        unimplemented!()
    }
    pub fn lock_shared(&self) -> Result<LockGuard, StoreError> {
        unimplemented!()
    }
}
