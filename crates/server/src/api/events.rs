//! `GET /events`: what happens, as it happens, as server-sent events. Ours alone. Each event is shown only to whom the routes that it sends him to
//! would show it, with the rights of that moment; a stream ends with its login. `resync` tells a reader who was too slow that he missed something.

use std::sync::Arc;
use std::time::Duration;

use api::Privileges as P;
use api::schema::{Returns, Schema};
use bytes::Bytes;
use format::{AuthId, Userid};
use http::{HeaderMap, Method, header};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};

use crate::api::nodes::task::Viewer;
use crate::auth;
use crate::context::Context;
use crate::events::{Change, Event, What};
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{AnswerFuture, Call, Handler, Needs, Route};
use crate::turns::Turn;

pub const ROUTES: &[Route] = &[Route::new(
    Method::GET,
    "events",
    Needs::Anybody,
    Schema(&[]),
    Handler::Async(open),
)
.returns(Returns::Bytes("text/event-stream"))];

/// Events between the one that reads the ring and the connection.
const AHEAD: usize = 4;

/// A line that is no event, so that both ends and all between them know that the other is there.
const HEARTBEAT: &str = ":\n\n";

fn open(call: Call) -> AnswerFuture {
    Box::pin(async move {
        let ctx = Arc::clone(&call.ctx);
        let caller = call.caller()?.clone();
        let turn = ctx.streams().take(caller.user());
        let stream = Stream {
            _turn: turn.ok_or(Fault::TooManyStreams)?,
            caller,
            headers: call.headers,
            peer: call.peer,
            events: ctx.events().watch(),
            ending: ctx.events().ending(),
            ctx,
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::spawn(stream.run(sender));
        // Whoever stands between would rather collect than pass on.
        Ok(Answer::live("text/event-stream", receiver)
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::HeaderName::from_static("x-accel-buffering"), "no"))
    })
}

struct Stream {
    _turn: Turn<Userid>,
    ctx: Arc<Context>,
    caller: AuthId,
    headers: HeaderMap,
    peer: std::net::SocketAddr,
    events: broadcast::Receiver<Event>,
    ending: watch::Receiver<bool>,
}

/// Why the next text comes.
enum Next {
    Event(Event),
    Missed,
    Beat,
    End,
}

impl Stream {
    /// Sends until the reader goes, reads nothing for too long, is not logged in any more, or the server ends.
    async fn run(mut self, sender: mpsc::Sender<Bytes>) {
        let (beat, patience) = {
            let limits = &self.ctx.settings().limits;
            (limits.heartbeat, limits.patience)
        };
        let mut text = Some(event(
            "hello",
            &serde_json::json!({ "heartbeat": beat.as_secs() }),
        ));
        loop {
            if let Some(text) = text.take() {
                let sent = tokio::select! {
                    sent = tokio::time::timeout(patience, sender.send(text.into())) => sent.is_ok_and(|sent| sent.is_ok()),
                    _ = self.ending.wait_for(|ended| *ended) => false,
                };
                if !sent {
                    return;
                }
            }
            text = match self.next(&sender, beat).await {
                Next::Event(event) => match self.shown(event).await {
                    Ok(text) => text,
                    Err(error) => {
                        tracing::debug!("a stream of events ends: {error}");
                        return;
                    }
                },
                Next::Missed => {
                    self.events = self.ctx.events().watch();
                    Some(event("resync", &serde_json::json!({})))
                }
                Next::Beat if auth::still(&self.ctx, &self.headers, self.peer).await => {
                    Some(HEARTBEAT.to_owned())
                }
                Next::Beat | Next::End => return,
            };
        }
    }

    async fn next(&mut self, sender: &mpsc::Sender<Bytes>, beat: Duration) -> Next {
        tokio::select! {
            _ = self.ending.wait_for(|ended| *ended) => Next::End,
            () = sender.closed() => Next::End,
            () = tokio::time::sleep(beat) => Next::Beat,
            event = self.events.recv() => match event {
                Ok(event) => Next::Event(event),
                Err(RecvError::Lagged(_)) => Next::Missed,
                Err(RecvError::Closed) => Next::End,
            },
        }
    }

    /// The event as text, if the caller may see it now.
    async fn shown(&self, shown: Event) -> Result<Option<String>, Fault> {
        let (ctx, caller) = (Arc::clone(&self.ctx), self.caller.clone());
        let decide = move || {
            if !ctx.is_active(&caller)? {
                return Err(Fault::Inactive(caller));
            }
            Ok(match shown {
                Event::Task(item) => Viewer::new(&ctx, &caller)?
                    .may_see(&item.upid)
                    .then(|| event("task", &item)),
                Event::Changed(change) => {
                    may_see(&ctx, &caller, &change)?.then(|| event("changed", &change))
                }
            })
        };
        self.ctx.blocking().run(decide).await?
    }
}

/// `data` is one line: JSON has no line ends of its own.
fn event<T: Serialize>(name: &str, data: &T) -> String {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    format!("event: {name}\ndata: {data}\n\n")
}

/// Changes of a datastore as the list of datastores shows it; of what has no place, for whoever may see one such place.
fn may_see(ctx: &Context, caller: &AuthId, change: &Change) -> Result<bool, Fault> {
    let acl = ctx.configuration().acl()?;
    let any = |path: &[&str], any: P| {
        acl.value.privileges(caller, path).all.intersects(any)
            || acl.value.any_privilege_below(caller, path, any)
    };
    let of_store = P::DatastoreAudit | P::DatastoreBackup;
    Ok(match (&change.store, change.what) {
        (Some(store), _) => any(&["datastore", store], of_store),
        (None, What::Datastore | What::Snapshots | What::Jobs) => any(&["datastore"], of_store),
        (None, What::Config) => any(&[], P::SysAudit | P::SysModify | P::PermissionsModify),
    })
}
