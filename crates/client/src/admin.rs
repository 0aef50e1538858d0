//! Listing and housekeeping: thin, typed calls of the REST interface (protocol.md 5.2, 6).
//!
//! Each method is one request. Parameters of GET, PUT and DELETE travel in the query, of POST as JSON, as the original's client does it.

use api::Upid;
use api::rest::GroupKey;
use api::rest::datastore::StoreStatus;
use api::rest::node::Version;
use api::rest::snapshot::{FileItem, GroupItem, RemoveReport, SnapshotItem};
use api::rest::task::{TaskItem, TaskLog, TaskStatus};
use bytes::Bytes;
use crypto::Opener;
use format::{ArchiveName, AuthId, CHUNK_ENCODED_MAX, Group, Namespace, Snapshot, StoreName};
use remote::{Client, Query};
use serde_json::Value;

use crate::error::Error;
use crate::options::Protection;
use crate::seal::Worker;

/// A datastore on a server.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    client: &'a Client,
    name: &'a StoreName,
}

impl<'a> Store<'a> {
    pub fn new(client: &'a Client, name: &'a StoreName) -> Store<'a> {
        Store { client, name }
    }

    pub async fn groups(&self, ns: &Namespace) -> Result<Vec<GroupItem>, Error> {
        Ok(self.client.get(&self.path("groups"), &in_ns(ns)).await?)
    }

    /// Snapshots of a group, or of all groups.
    pub async fn snapshots(
        &self,
        ns: &Namespace,
        group: Option<&Group>,
    ) -> Result<Vec<SnapshotItem>, Error> {
        let query = match group {
            Some(group) => of_group(ns, group),
            None => in_ns(ns),
        };
        Ok(self.client.get(&self.path("snapshots"), &query).await?)
    }

    pub async fn files(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<Vec<FileItem>, Error> {
        let query = of_snapshot(ns, snapshot);
        Ok(self.client.get(&self.path("files"), &query).await?)
    }

    pub async fn forget_snapshot(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<(), Error> {
        let query = of_snapshot(ns, snapshot);
        self.nothing(self.client.delete(&self.path("snapshots"), &query).await)
    }

    /// Servers before 3.3 tell no numbers.
    pub async fn forget_group(
        &self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Option<RemoveReport>, Error> {
        let query = of_group(ns, group);
        Ok(self.client.delete(&self.path("groups"), &query).await?)
    }

    pub async fn notes(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<String, Error> {
        let query = of_snapshot(ns, snapshot);
        Ok(self.client.get(&self.path("notes"), &query).await?)
    }

    pub async fn set_notes(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        notes: &str,
    ) -> Result<(), Error> {
        let query = of_snapshot(ns, snapshot).set("notes", notes);
        self.nothing(self.client.put(&self.path("notes"), &query).await)
    }

    pub async fn group_notes(&self, ns: &Namespace, group: &Group) -> Result<String, Error> {
        let query = of_group(ns, group);
        Ok(self.client.get(&self.path("group-notes"), &query).await?)
    }

    pub async fn set_group_notes(
        &self,
        ns: &Namespace,
        group: &Group,
        notes: &str,
    ) -> Result<(), Error> {
        let query = of_group(ns, group).set("notes", notes);
        self.nothing(self.client.put(&self.path("group-notes"), &query).await)
    }

    pub async fn protected(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<bool, Error> {
        let query = of_snapshot(ns, snapshot);
        Ok(self.client.get(&self.path("protected"), &query).await?)
    }

    pub async fn set_protected(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        protected: bool,
    ) -> Result<(), Error> {
        let query = of_snapshot(ns, snapshot).set("protected", protected);
        self.nothing(self.client.put(&self.path("protected"), &query).await)
    }

    pub async fn change_owner(
        &self,
        ns: &Namespace,
        group: &Group,
        owner: &AuthId,
    ) -> Result<(), Error> {
        let query = of_group(ns, group).text("new-owner", owner);
        self.nothing(self.client.post(&self.path("change-owner"), &query).await)
    }

    /// The whole envelope, which is what the command prints as JSON.
    pub async fn namespaces(
        &self,
        parent: &Namespace,
        max_depth: Option<u64>,
    ) -> Result<Value, Error> {
        let parent = (!parent.is_root()).then(|| parent.to_string());
        let query = Query::new()
            .opt("max-depth", max_depth)
            .opt("parent", parent);
        let path = self.path("namespace");
        Ok(self.client.envelope(&path, &query).await?)
    }

    /// Creates the last component of `ns` in its parent; returns the full name. The root cannot be created.
    pub async fn create_namespace(&self, ns: &Namespace) -> Result<String, Error> {
        let parent = ns.parent().unwrap_or_default();
        let query = Query::new()
            .set("name", ns.name().unwrap_or_default())
            .text("parent", parent);
        let path = self.path("namespace");
        Ok(self.client.post(&path, &query).await?)
    }

    pub async fn delete_namespace(
        &self,
        ns: &Namespace,
        delete_groups: bool,
    ) -> Result<Option<RemoveReport>, Error> {
        let query = Query::new()
            .text("ns", ns)
            .opt("delete-groups", delete_groups.then_some(true));
        let path = self.path("namespace");
        Ok(self.client.delete(&path, &query).await?)
    }

    pub async fn status(&self) -> Result<StoreStatus, Error> {
        Ok(self.client.get(&self.path("status"), &Query::new()).await?)
    }

    /// Seals `log` and stores it as the snapshot's client log, which works once.
    pub async fn upload_log(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        log: &[u8],
        protection: &Protection,
    ) -> Result<Value, Error> {
        let mut encoded = Vec::new();
        Worker::new(protection)?.seal(log, &mut encoded)?;
        let query = of_snapshot(ns, snapshot);
        let path = self.path("upload-backup-log");
        Ok(self
            .client
            .upload(&path, &query, Bytes::from(encoded))
            .await?)
    }

    /// The snapshot's client log, opened if it is plain.
    pub async fn client_log(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<Vec<u8>, Error> {
        let query = of_snapshot(ns, snapshot).set("file-name", ArchiveName::CLIENT_LOG);
        let mut download = self.client.download(&self.path("download"), &query).await?;
        let mut encoded = Vec::new();
        while let Some(piece) = download.next().await? {
            if encoded.len() + piece.len() > CHUNK_ENCODED_MAX {
                return Err(Error::NotAsListed {
                    archive: ArchiveName::client_log(),
                    what: "size",
                });
            }
            encoded.extend_from_slice(&piece);
        }
        let mut content = Vec::new();
        Opener::new(None)
            .open(&encoded, format::BLOB_RAW_MAX, None, &mut content)
            .map_err(|source| Error::OpenBlob { source })?;
        Ok(content)
    }

    fn path(&self, rest: &str) -> String {
        format!("/admin/datastore/{}/{rest}", self.name)
    }

    fn nothing(&self, result: Result<Value, remote::Error>) -> Result<(), Error> {
        Ok(result.map(drop)?)
    }
}

/// What the task list is asked for.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter<'a> {
    pub limit: u64,
    pub running: bool,
    pub store: Option<&'a StoreName>,
    pub user: Option<&'a AuthId>,
}

/// Tasks of the server, newest first.
pub async fn tasks(client: &Client, filter: &TaskFilter<'_>) -> Result<Vec<TaskItem>, Error> {
    let query = Query::new()
        .set("limit", filter.limit)
        .set("running", filter.running)
        .set("start", 0)
        .opt("store", filter.store.map(StoreName::to_string))
        .opt("userfilter", filter.user.map(AuthId::to_string));
    Ok(client.get("/nodes/localhost/tasks", &query).await?)
}

/// Lines of a task's log from number `start` on; the first is 1. Tells whether the task still runs.
pub async fn task_log(client: &Client, upid: &Upid, start: u64) -> Result<TaskLog, Error> {
    let query = Query::new()
        .set("limit", 500)
        .set("start", start)
        .set("test-status", true);
    let envelope = client.envelope(&task(upid, "/log"), &query).await?;
    serde_json::from_value(envelope).map_err(|source| {
        Error::Remote(remote::Error::Reply {
            request: "GET the task's log".to_owned(),
            source,
        })
    })
}

pub async fn task_status(client: &Client, upid: &Upid) -> Result<TaskStatus, Error> {
    Ok(client.get(&task(upid, "/status"), &Query::new()).await?)
}

/// Asks a task to stop.
pub async fn stop_task(client: &Client, upid: &Upid) -> Result<(), Error> {
    let done: Value = client.delete(&task(upid, ""), &Query::new()).await?;
    drop(done);
    Ok(())
}

pub async fn version(client: &Client) -> Result<Version, Error> {
    Ok(client.get("/version", &Query::new()).await?)
}

fn task(upid: &Upid, rest: &str) -> String {
    let upid = upid.to_string();
    format!("/nodes/localhost/tasks/{}{rest}", remote::escape(&upid))
}

fn in_ns(ns: &Namespace) -> Query {
    Query::new().opt("ns", (!ns.is_root()).then(|| ns.to_string()))
}

fn of_group(ns: &Namespace, group: &Group) -> Query {
    in_ns(ns).merge(Query::of(&GroupKey::from(group.clone())))
}

fn of_snapshot(ns: &Namespace, snapshot: &Snapshot) -> Query {
    let key = api::rest::SnapshotKey::from(snapshot.clone());
    in_ns(ns).merge(Query::of(&key))
}
