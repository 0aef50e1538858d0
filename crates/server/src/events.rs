//! What happens, for those who watch it live. Telling never waits and never fails: what is told goes into a ring of fixed size, and whoever reads
//! too slowly finds out that he has missed something. Who may see what is decided where it is read.

use api::Upid;
use api::rest::task::TaskItem;
use serde::Serialize;
use tokio::sync::{broadcast, watch};

/// What is kept for slow readers, of all that happens; some hundred bytes each.
const KEPT: usize = 256;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A task began, or ended.
    Task(Box<TaskItem>),
    Changed(Change),
}

/// What is not any more as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub what: What,
    /// Where; missing where it may be anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

/// Kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The datastores and their settings.
    Datastore,
    /// Groups, snapshots and namespaces, and what is known of them.
    Snapshots,
    /// Jobs and when they ran.
    Jobs,
    /// Any other configuration.
    Config,
}

impl Event {
    pub fn changed(what: What, store: Option<&str>) -> Event {
        let store = store.map(str::to_owned);
        Event::Changed(Change { what, store })
    }

    /// What a request that changes something has changed; nothing where the files of the configuration tell it.
    pub fn of_request(path: &str, variables: &[(&'static str, String)]) -> Option<Event> {
        let below = path.strip_prefix("admin/datastore/{store}/")?;
        let (_, store) = variables.iter().find(|(name, _)| *name == "store")?;
        // These begin a task, whose end tells more; a selection changes nothing.
        let quiet = matches!(
            below,
            "selection"
                | "gc"
                | "verify"
                | "usage"
                | "prune-datastore"
                | "move-group"
                | "move-namespace"
        );
        (!quiet).then(|| Event::changed(What::Snapshots, Some(store)))
    }
}

/// The ring, and the end of all streams. The default is ready for use.
#[derive(Debug)]
pub struct Events {
    ring: broadcast::Sender<Event>,
    ended: watch::Sender<bool>,
}

impl Default for Events {
    fn default() -> Events {
        Events {
            ring: broadcast::Sender::new(KEPT),
            ended: watch::Sender::new(false),
        }
    }
}

impl Events {
    /// Tells whoever watches.
    pub fn tell(&self, event: Event) {
        // That nobody watches is no error.
        let _ = self.ring.send(event);
    }

    /// A task began.
    pub fn task_began(&self, upid: &Upid) {
        if self.is_watched() {
            self.tell(Event::Task(Box::new(TaskItem::running(upid.clone()))));
        }
    }

    /// A task ended; with it what it worked on may have changed.
    pub fn task_ended(&self, upid: &Upid, end: i64, status: &str) {
        if !self.is_watched() {
            return;
        }
        let mut item = TaskItem::running(upid.clone());
        item.endtime = Some(end);
        item.status = Some(status.to_owned());
        self.tell(Event::Task(Box::new(item)));
        if let Some(store) = store_of(upid) {
            self.tell(Event::changed(What::Snapshots, Some(store)));
            if upid.worker_type.ends_with("job") || upid.worker_type == "garbage_collection" {
                self.tell(Event::changed(What::Jobs, Some(store)));
            }
        }
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.ring.receiver_count() > 0
    }

    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<Event> {
        self.ring.subscribe()
    }

    /// Ends all streams, as the server does.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Turns true at the end.
    pub fn ending(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }
}

/// The datastore that a task has changed.
fn store_of(upid: &Upid) -> Option<&str> {
    let mut parts = upid.worker_id.as_deref()?.split(':');
    match upid.worker_type.as_str() {
        // Who reads changes nothing.
        "reader" => None,
        "syncjob" => parts.nth(2),
        "backup" | "garbage_collection" | "datastore-usage" => parts.next(),
        kind if ["prune", "verif", "forget", "delete-", "move-"]
            .iter()
            .any(|start| kind.starts_with(start)) =>
        {
            parts.next()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upid(kind: &str, id: &str) -> Upid {
        let id = api::upid::escape_id(id);
        format!("UPID:pbs:00000001:00000001:00000001:60000000:{kind}:{id}:a@pbs:")
            .parse()
            .expect("upid")
    }

    #[test]
    fn an_end_tells_what_changed() {
        for (kind, id, expected) in [
            ("backup", "main:host/x", "task snapshots main"),
            ("reader", "main:host/x/6553F100", "task"),
            ("prunejob", "main:a/b", "task snapshots main, jobs main"),
            ("syncjob", "r:rs:main::j", "task snapshots main, jobs main"),
            ("verify_group", "main:/host/x", "task snapshots main"),
            ("move-group", "main:host/x:b", "task snapshots main"),
            ("move-namespace", "main:a:b", "task snapshots main"),
            ("logrotate", "", "task"),
        ] {
            let events = Events::default();
            let mut seen = events.watch();
            events.task_ended(&upid(kind, id), 7, "OK");
            let mut told = Vec::new();
            while let Ok(event) = seen.try_recv() {
                told.push(match event {
                    Event::Task(item) => {
                        assert_eq!(
                            (item.endtime, item.status.as_deref()),
                            (Some(7), Some("OK"))
                        );
                        "task".to_owned()
                    }
                    Event::Changed(change) => {
                        let what = serde_json::to_value(change.what).expect("word");
                        format!(
                            "{} {}",
                            what.as_str().expect("word"),
                            change.store.expect("store")
                        )
                    }
                });
            }
            let told = told.join(", ").replacen("task, ", "task ", 1);
            assert_eq!(told, expected, "{kind}");
        }
    }

    #[test]
    fn requests_that_change() {
        let store = [("store", "main".to_owned())];
        for (path, expected) in [
            ("admin/datastore/{store}/notes", true),
            ("admin/datastore/{store}/gc", false),
            ("admin/datastore/{store}/move-group", false),
            ("admin/datastore/{store}/move-namespace", false),
            ("config/datastore/{name}", false),
        ] {
            assert_eq!(
                Event::of_request(path, &store).is_some(),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn telling_never_waits() {
        let events = Events::default();
        let mut slow = events.watch();
        for _ in 0..10 * KEPT {
            events.tell(Event::changed(What::Config, None));
        }
        assert!(matches!(
            slow.try_recv(),
            Err(broadcast::error::TryRecvError::Lagged(_))
        ));
    }
}
