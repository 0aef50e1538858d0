//! What there is near that which was named and is not there: the hint behind "does not exist".
//!
//! Whether something is missing is looked up, not read out of the server's words. If looking up fails too, there is no hint.

use api::rest::namespace::NamespaceItem;
use client::admin::Store;
use console::near::{self, NAMES_MAX};
use console::report::Failure;
use format::{ArchiveName, Group, Manifest, Namespace, Snapshot, StoreName};
use remote::Client;
use serde::Deserialize as _;

use crate::connection::Connection;
use crate::failure::explain;

/// The place in which something was looked for.
pub struct Around<'a> {
    pub client: &'a Client,
    pub store: &'a StoreName,
    pub namespace: &'a Namespace,
}

impl<'a> Around<'a> {
    pub fn of(at: &'a Connection, namespace: &'a Namespace) -> Around<'a> {
        Around {
            client: &at.client,
            store: &at.repository.store,
            namespace,
        }
    }

    /// The error about this snapshot, with the nearest ones if it is not there.
    pub async fn snapshot(
        &self,
        wanted: &Snapshot,
        error: impl Into<client::Error>,
    ) -> anyhow::Error {
        let error = error.into();
        match may_be_missing(&error) {
            true => with_hint(error, self.near_snapshot(wanted).await),
            false => explain(error),
        }
    }

    /// The error about this group, with the nearest ones if it is not there.
    pub async fn group(&self, wanted: &Group, error: impl Into<client::Error>) -> anyhow::Error {
        let error = error.into();
        match may_be_missing(&error) {
            true => with_hint(error, self.near_group(wanted).await),
            false => explain(error),
        }
    }

    /// The error about this namespace, with the nearest ones if it is not there.
    pub async fn place(&self, error: impl Into<client::Error>) -> anyhow::Error {
        let error = error.into();
        match may_be_missing(&error) {
            true => with_hint(error, self.near_namespace().await),
            false => explain(error),
        }
    }

    async fn near_snapshot(&self, wanted: &Snapshot) -> Option<String> {
        let group = &wanted.group;
        let found = self
            .shelf()
            .snapshots(self.namespace, Some(group))
            .await
            .ok();
        let times: Vec<i64> = found
            .iter()
            .flatten()
            .map(|item| item.backup_time.epoch())
            .collect();
        if times.is_empty() {
            return self.near_group(group).await;
        }
        let near = near_times(wanted.time.epoch(), &times)?;
        let names = near.into_iter().filter_map(|time| {
            let time = format::BackupTime::new(time).ok()?;
            Some(group.at(time).to_string())
        });
        Some(format!(
            "the nearest of {} there: {}; `strongroom snapshot list {group}` lists all",
            times.len(),
            names.collect::<Vec<_>>().join(", ")
        ))
    }

    /// What is near the group, if it is not there or has nothing.
    pub async fn near_group(&self, wanted: &Group) -> Option<String> {
        let Ok(groups) = self.shelf().groups(self.namespace).await else {
            return self.near_namespace().await;
        };
        let groups = groups.iter().filter(|item| item.backup_count > 0);
        let names: Vec<_> = groups
            .map(|item| format!("{}/{}", item.backup_type, item.backup_id))
            .collect();
        let wanted = wanted.to_string();
        if names.contains(&wanted) {
            return None;
        }
        let near = near_names(&wanted, &names);
        Some(match near.is_empty() {
            true => {
                "`strongroom snapshot list` shows what there is; is it in another namespace (--ns)?"
                    .into()
            }
            false => format!(
                "did you mean {}? `strongroom snapshot list` shows what there is, --ns names another namespace",
                near.join(" or ")
            ),
        })
    }

    /// What is near the namespace, if it is not there.
    async fn near_namespace(&self) -> Option<String> {
        let root = Namespace::default();
        let listed = self.shelf().namespaces(&root, None).await.ok()?;
        let items = Vec::<NamespaceItem>::deserialize(&listed["data"]).ok()?;
        let names: Vec<_> = items.iter().map(|item| item.ns.to_string()).collect();
        let wanted = self.namespace.to_string();
        if names.contains(&wanted) {
            return None;
        }
        let near = near_names(&wanted, &names);
        Some(match near.is_empty() {
            true => "`strongroom namespace list` shows the namespaces that there are".into(),
            false => format!(
                "did you mean {}? `strongroom namespace list` shows the namespaces that there are",
                near.join(" or ")
            ),
        })
    }

    fn shelf(&self) -> Store<'_> {
        Store::new(self.client, self.store)
    }
}

/// The archive is not in the manifest: which are.
pub fn missing_archive(wanted: &ArchiveName, manifest: &Manifest) -> Failure {
    let labels = manifest.files.iter().map(|file| file.filename.label());
    let labels = labels.collect::<Vec<_>>().join(" ");
    Failure::new(format!("manifest does not contain file '{wanted}'")).hint(format!(
        "the snapshot has: {labels}; `strongroom snapshot files` lists them"
    ))
}

/// The status with which a server says that there is no such thing, among others.
fn may_be_missing(error: &client::Error) -> bool {
    matches!(error, client::Error::Remote(error) if matches!(error.status(), Some(400 | 404)))
}

fn with_hint(error: client::Error, hint: Option<String>) -> anyhow::Error {
    match hint {
        None => explain(error),
        Some(hint) => Failure::new(error.to_string())
            .cause(error)
            .hint(hint)
            .into(),
    }
}

/// The times that lie nearest, in their order; `None` if the one that was asked for is among them.
fn near_times(wanted: i64, there: &[i64]) -> Option<Vec<i64>> {
    if there.contains(&wanted) {
        return None;
    }
    let mut near = there.to_vec();
    near.sort_by_key(|time| (time.abs_diff(wanted), *time));
    near.truncate(NAMES_MAX);
    near.sort_unstable();
    Some(near)
}

/// Names that somebody may have meant.
fn near_names<'a>(wanted: &str, there: &'a [String]) -> Vec<&'a str> {
    near::names(wanted, there.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_lie_near() {
        let there = [10, 50, 20, 90];
        assert_eq!(near_times(20, &there), None);
        assert_eq!(near_times(45, &there), Some(vec![10, 20, 50]));
        assert_eq!(near_times(80, &there), Some(vec![20, 50, 90]));
        assert_eq!(near_times(1, &[7]), Some(vec![7]));
    }
}
