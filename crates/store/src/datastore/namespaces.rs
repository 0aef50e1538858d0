//! Namespaces: folders of groups, up to seven deep (formats.md 1.1, protocol.md 6.4).

use std::fs;

use format::{BackupType, Namespace};

use super::{Datastore, ForgetReport};
use crate::error::StoreError;
use crate::files;
use crate::layout::{NAMESPACES, namespace_dir};
use crate::owner;

impl Datastore {
    /// The root always exists.
    pub fn namespace_exists(&self, ns: &Namespace) -> bool {
        let dir = namespace_dir(self.base(), ns);
        ns.is_root() || fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir())
    }

    /// `parent`, whether it exists or not, and all below it down to `max_depth` levels, each before its children, by name.
    ///
    /// A folder there whose name is no namespace's is an error: what it holds would be overlooked.
    pub fn namespaces(
        &self,
        parent: &Namespace,
        max_depth: Option<usize>,
    ) -> Result<Vec<Namespace>, StoreError> {
        let mut all = Vec::new();
        self.collect_namespaces(parent, max_depth, &mut all, &mut Err)?;
        Ok(all)
    }

    /// The same for whoever can go on without some: with what is wrong with each folder that is left out, or with what is below it.
    pub fn readable_namespaces(
        &self,
        parent: &Namespace,
        max_depth: Option<usize>,
    ) -> (Vec<Namespace>, Vec<StoreError>) {
        let (mut all, mut wrong) = (Vec::new(), Vec::new());
        let mut keep = |error| {
            wrong.push(error);
            Ok(())
        };
        if let Err(error) = self.collect_namespaces(parent, max_depth, &mut all, &mut keep) {
            wrong.push(error);
        }
        (all, wrong)
    }

    fn collect_namespaces(
        &self,
        parent: &Namespace,
        max_depth: Option<usize>,
        all: &mut Vec<Namespace>,
        wrong: &mut impl FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        all.push(parent.clone());
        if max_depth == Some(0) {
            return Ok(());
        }
        let folder = namespace_dir(self.base(), parent).join(NAMESPACES);
        let names = match files::list_folders(&folder) {
            Ok(names) => names,
            Err(error) => return wrong(error),
        };
        for name in names {
            match parent.child(&name) {
                Ok(child) => {
                    let depth = max_depth.map(|depth| depth - 1);
                    self.collect_namespaces(&child, depth, all, wrong)?;
                }
                Err(source) => wrong(StoreError::BadNamespaceDir {
                    path: folder.join(&name),
                    source,
                })?,
            }
        }
        Ok(())
    }

    /// Makes the namespace `name` below `parent`; it may exist.
    pub fn create_namespace(
        &self,
        parent: &Namespace,
        name: &str,
    ) -> Result<Namespace, StoreError> {
        let ns = parent.child(name)?;
        if !self.namespace_exists(parent) {
            return Err(StoreError::NoParentNamespace {
                parent: parent.clone(),
            });
        }
        let dir = namespace_dir(self.base(), &ns);
        owner::make_folders(&dir, 0o755).map_err(StoreError::io("create namespace", &dir))?;
        // The folder `ns` may be new too.
        for made in dir.ancestors().take(2) {
            files::sync_parent(made)?;
        }
        Ok(ns)
    }

    /// Removes a namespace with all below it. Without `delete_groups` it must hold no groups; what is empty is removed all the same.
    /// Protected snapshots stay, with their groups and namespaces, and are counted.
    pub fn delete_namespace(
        &self,
        ns: &Namespace,
        delete_groups: bool,
    ) -> Result<ForgetReport, StoreError> {
        if ns.is_root() {
            return Err(StoreError::RootNamespace);
        }
        let mut report = ForgetReport::default();
        // As the original: what is not there needs no removal.
        if !self.namespace_exists(ns) {
            return Ok(report);
        }
        let mut groups_left = false;
        // Children come behind their parents, so backwards is from the ground up.
        for ns in self.namespaces(ns, None)?.iter().rev() {
            if delete_groups {
                for group in self.groups(ns)? {
                    report += self.forget_group(ns, &group)?;
                }
            } else {
                groups_left |= !self.groups(ns)?.is_empty();
            }
            self.remove_empty(ns);
        }
        if groups_left {
            return Err(StoreError::NamespaceNotEmpty { ns: ns.clone() });
        }
        Ok(report)
    }

    /// Removes the folders of a namespace that are empty; `rmdir` leaves alone what is not.
    pub(crate) fn remove_empty(&self, ns: &Namespace) {
        let dir = namespace_dir(self.base(), ns);
        for name in BackupType::ALL
            .map(BackupType::as_str)
            .into_iter()
            .chain([NAMESPACES])
        {
            let _ = fs::remove_dir(dir.join(name));
        }
        let _ = fs::remove_dir(dir);
    }
}
