//! Moves a namespace with what is below: where each one goes is decided first, then group after group moves.

use format::{Group, Namespace, NamespaceError};

use super::MoveError;
use crate::datastore::Datastore;
use crate::error::{StoreError, with_causes};
use crate::watch::Watch;

/// A wish to move a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceMove {
    pub ns: Namespace,
    /// What it shall be called; its parent must exist.
    pub target: Namespace,
    /// Levels below that come along; nothing is all of them.
    pub max_depth: Option<usize>,
    /// Remove what is empty afterwards.
    pub delete_source: bool,
    /// Add to groups that are there already.
    pub merge_groups: bool,
}

/// What a move of a namespace came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NamespaceMoved {
    pub groups: u64,
    pub snapshots: u64,
}

/// Where each namespace goes, parents before children.
type Plan = Vec<(Namespace, Namespace)>;

impl NamespaceMove {
    /// Decides where `all` go: the namespace itself and those below it.
    fn plan(&self, all: Vec<Namespace>) -> Result<Plan, MoveError> {
        let bad = |ns: &Namespace, error: NamespaceError| MoveError::BadTarget {
            ns: ns.clone(),
            reason: error.to_string(),
        };
        let mut plan = Vec::with_capacity(all.len());
        for ns in &all {
            let mut target = self.target.clone();
            for name in ns.components().skip(self.ns.depth()) {
                target.push(name).map_err(|error| bad(ns, error))?;
            }
            if all.contains(&target) {
                let ns = ns.clone();
                return Err(MoveError::Overlap { ns, target });
            }
            plan.push((ns.clone(), target));
        }
        Ok(plan)
    }

    /// What can be told without looking at the disk.
    pub fn check(&self) -> Result<(), MoveError> {
        if self.ns.is_root() {
            return Err(MoveError::Root);
        }
        if is_within(&self.target, &self.ns) {
            let (ns, target) = (self.ns.clone(), self.target.clone());
            return Err(MoveError::IntoItself { ns, target });
        }
        Ok(())
    }
}

fn is_within(inner: &Namespace, outer: &Namespace) -> bool {
    inner.depth() >= outer.depth()
        && inner
            .components()
            .zip(outer.components())
            .all(|(a, b)| a == b)
}

impl Datastore {
    /// Moves a namespace. A group that cannot be moved is told and stays, one that is in use is tried once more at the end; then the move is
    /// [`MoveError::Partial`].
    pub fn move_namespace(
        &self,
        wish: &NamespaceMove,
        watch: &dyn Watch,
    ) -> Result<NamespaceMoved, MoveError> {
        wish.check()?;
        if !self.namespace_exists(&wish.ns) {
            let ns = wish.ns.clone();
            return Err(StoreError::NoNamespace { ns }.into());
        }
        let parent = wish.target.parent().unwrap_or_default();
        if !self.namespace_exists(&parent) {
            return Err(StoreError::NoParentNamespace { parent }.into());
        }
        let plan = wish.plan(self.namespaces(&wish.ns, wish.max_depth)?)?;
        let mut run = Run {
            store: self,
            merge: wish.merge_groups,
            watch,
            moved: NamespaceMoved::default(),
            failed: 0,
        };
        let mut busy = Vec::new();
        for (ns, target) in &plan {
            if let (Some(parent), Some(name)) = (target.parent(), target.name()) {
                self.create_namespace(&parent, name)?;
            }
            for group in self.groups(ns)? {
                if !run.group(ns, &group, target, Try::First)? {
                    busy.push((ns, group, target));
                }
            }
        }
        for (ns, group, target) in busy {
            run.group(ns, &group, target, Try::Last)?;
        }
        if wish.delete_source {
            for (ns, _) in plan.iter().rev() {
                self.remove_empty(ns);
            }
        }
        match run.failed {
            0 => Ok(run.moved),
            failed => Err(MoveError::Partial {
                failed,
                all: failed + run.moved.groups,
            }),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    First,
    Last,
}

struct Run<'a> {
    store: &'a Datastore,
    merge: bool,
    watch: &'a dyn Watch,
    moved: NamespaceMoved,
    failed: u64,
}

impl Run<'_> {
    /// False if it should be tried again.
    fn group(
        &mut self,
        ns: &Namespace,
        group: &Group,
        target: &Namespace,
        attempt: Try,
    ) -> Result<bool, MoveError> {
        if self.watch.stopped() {
            return Err(MoveError::Stopped);
        }
        let moved = self
            .store
            .move_group(ns, group, target, self.merge, self.watch);
        match moved {
            Ok(snapshots) => {
                self.moved.groups += 1;
                self.moved.snapshots += snapshots;
            }
            Err(MoveError::Stopped) => return Err(MoveError::Stopped),
            Err(MoveError::Store(StoreError::Locked { object })) if attempt == Try::First => {
                self.watch.log(&format!(
                    "{object} is in use, group {group} of '{ns}' is tried again later"
                ));
                return Ok(false);
            }
            // Removed since it was listed.
            Err(MoveError::Store(StoreError::NoGroup { .. })) => {}
            Err(error) => {
                self.failed += 1;
                let cause = with_causes(&error);
                self.watch
                    .warn(&format!("failed to move group {group} of '{ns}': {cause}"));
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(ns: &str, target: &str) -> NamespaceMove {
        NamespaceMove {
            ns: ns.parse().expect(ns),
            target: target.parse().expect(target),
            max_depth: None,
            delete_source: true,
            merge_groups: true,
        }
    }

    #[test]
    fn what_is_refused_at_once() {
        for (ns, target, expected) in [
            ("", "a", "root namespace cannot be moved"),
            ("a", "a", "into itself"),
            ("a", "a/b", "into itself"),
            ("a", "ab", ""),
            ("a/b", "a", ""),
            ("a/b", "", ""),
        ] {
            let checked = wish(ns, target).check();
            let text = checked.err().map_or(String::new(), |e| e.to_string());
            assert!(
                text.contains(expected) && text.is_empty() == expected.is_empty(),
                "{ns} to {target}: {text}"
            );
        }
    }

    #[test]
    fn where_each_goes() {
        let deep = "a/b/c/d/e/f/g";
        for (ns, target, all, expected) in [
            ("a", "z", vec!["a", "a/b"], Ok(vec!["z", "z/b"])),
            ("a/b", "a", vec!["a/b", "a/b/c"], Ok(vec!["a", "a/c"])),
            ("a/b", "", vec!["a/b", "a/b/c"], Ok(vec!["", "c"])),
            ("a/b", "a", vec!["a/b", "a/b/b"], Err("others move away")),
            ("a", "y/z", vec!["a", deep], Err("too deep")),
        ] {
            let parsed = |names: Vec<&str>| -> Vec<Namespace> {
                names.iter().map(|name| name.parse().expect(name)).collect()
            };
            let planned = wish(ns, target).plan(parsed(all));
            match (planned, expected) {
                (Ok(plan), Ok(expected)) => {
                    let targets: Vec<Namespace> = plan.into_iter().map(|(_, to)| to).collect();
                    assert_eq!(targets, parsed(expected), "{ns} to {target}");
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{error}");
                }
                (planned, _) => panic!("{ns} to {target}: {planned:?}"),
            }
        }
    }
}
