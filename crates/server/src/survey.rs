//! Looks at the disks of several datastores at once, for lists and for monitoring. One that does not answer holds up neither the others nor the server.

use std::collections::HashMap;
use std::sync::Arc;

use format::{Namespace, StoreName};
use store::{Datastore, StoreError};
use tokio::task::JoinSet;

use crate::context::{Access, Context, Seen};
use crate::fault::Fault;
use crate::jobs;
use crate::looks::{Look, Patience};

/// What was seen of each of the datastores that were asked for.
pub struct Survey<T>(HashMap<StoreName, Look<T, Fault>>);

impl<T> Survey<T> {
    /// One of them; each is told once.
    pub fn take(&mut self, store: &StoreName) -> Look<T, Fault> {
        self.0.remove(store).unwrap_or(Look::Late(None))
    }

    /// What is known of one, also if it was seen earlier.
    pub fn known(&self, store: &StoreName) -> Option<&T> {
        match self.0.get(store)? {
            Look::Now(seen) => seen.as_ref().ok(),
            Look::Late(last) => last.as_ref(),
        }
    }
}

/// Space, and what the last collection came to.
pub async fn contents(ctx: &Arc<Context>, stores: Vec<StoreName>) -> Survey<Seen> {
    all(stores, |name| {
        let ctx = Arc::clone(ctx);
        async move {
            let (inner, store) = (Arc::clone(&ctx), name.clone());
            let look = move || {
                let store = inner.datastore(&store, Access::Read)?;
                let usage = store.usage()?;
                let gc = jobs::gc::status(&store);
                Ok(Seen { usage, gc })
            };
            let look = ctx
                .seen()
                .look(&ctx.on_disk(&name), &name, patience(&ctx), look)
                .await;
            (name, look)
        }
    })
    .await
}

/// When the newest backup was begun.
pub async fn newest(ctx: &Arc<Context>, stores: Vec<StoreName>) -> Survey<Option<i64>> {
    all(stores, |name| {
        let ctx = Arc::clone(ctx);
        async move {
            let (inner, store) = (Arc::clone(&ctx), name.clone());
            let look = move || {
                let opened = inner.datastore(&store, Access::Read)?;
                let found = inner.counters().newest(&store, || newest_of(&opened))?;
                Ok(found)
            };
            let look = ctx
                .newest()
                .look(&ctx.on_disk(&name), &name, patience(&ctx), look)
                .await;
            (name, look)
        }
    })
    .await
}

fn patience(ctx: &Context) -> Patience {
    Patience {
        wait: ctx.settings().limits.look_patience,
        counts: std::time::Duration::ZERO,
    }
}

async fn all<T, F>(stores: Vec<StoreName>, look: impl Fn(StoreName) -> F) -> Survey<T>
where
    T: Send + 'static,
    F: Future<Output = (StoreName, Look<T, Fault>)> + Send + 'static,
{
    let mut looks: JoinSet<_> = stores.into_iter().map(look).collect();
    let mut found = HashMap::new();
    while let Some(look) = looks.join_next().await {
        // One that broke was not seen.
        found.extend(look.ok());
    }
    Survey(found)
}

/// Time of the newest snapshot, finished or not.
fn newest_of(store: &Datastore) -> Result<Option<i64>, StoreError> {
    let mut newest = None;
    for ns in store.namespaces(&Namespace::root(), None)? {
        let groups = match store.groups(&ns) {
            Err(StoreError::NoNamespace { .. }) => continue,
            groups => groups?,
        };
        for group in groups {
            let last = match store.snapshot_times(&ns, &group) {
                Err(StoreError::NoGroup { .. }) => None,
                times => times?.pop(),
            };
            newest = newest.max(last.map(|time| time.epoch()));
        }
    }
    Ok(newest)
}
