//! `/nodes/{node}/tasks/{upid}`: status, log and end of one task, and who may see it (server.md 2.7).

use std::io;
use std::sync::Arc;

use api::rest::task::{LogLine, TaskLog, TaskLogQuery, TaskStatus};
use api::{AclTree, Privileges, Upid, acl};
use format::{AuthId, Namespace};
use http::header::CONTENT_DISPOSITION;
use serde::Deserialize;

use crate::configuration::Loaded;
use crate::content;
use crate::context::Context;
use crate::fault::{Fault, Missing};
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::{LogPage, TaskError};

/// Lines that are sent if no number is asked for.
const LIMIT: u64 = 50;
#[derive(Deserialize)]
struct OnTask {
    upid: Upid,
}

/// Someone who looks at tasks.
pub struct Viewer {
    caller: AuthId,
    acl: Arc<Loaded<AclTree>>,
    sees_all: bool,
}

impl Viewer {
    pub fn of(call: &Call) -> Result<Viewer, Fault> {
        Viewer::new(&call.ctx, call.caller()?)
    }

    pub fn new(ctx: &Context, caller: &AuthId) -> Result<Viewer, Fault> {
        let (caller, acl) = (caller.clone(), ctx.configuration().acl()?);
        let sees_all = acl
            .value
            .privileges(&caller, &["system", "tasks"])
            .all
            .intersects(Privileges::SysAudit);
        Ok(Viewer {
            caller,
            acl,
            sees_all,
        })
    }

    /// Own tasks, those of own tokens, all with the right to them, and those of jobs that the viewer may run.
    pub fn may_see(&self, upid: &Upid) -> bool {
        self.sees_all || upid.auth_id.owns(&self.caller) || self.may_run(upid).unwrap_or(false)
    }

    fn may_run(&self, upid: &Upid) -> Option<bool> {
        let id = upid.worker_id.as_deref()?;
        let mut parts = id.split(':');
        let store = parts.next()?;
        let (path, needed) = match upid.worker_type.as_str() {
            "verificationjob" => (vec![store], Privileges::DatastoreVerify),
            "garbage_collection" => (vec![store], Privileges::DatastoreModify),
            "prune" | "prunejob" => {
                let ns: Namespace = parts.next().unwrap_or_default().parse().ok()?;
                let components: Vec<&str> = ns.components().collect();
                let path = acl::datastore_path(store, components.into_iter());
                return Some(self.holds(&path, Privileges::DatastoreModify));
            }
            _ => return None,
        };
        Some(self.holds(&acl::datastore_path(path[0], std::iter::empty()), needed))
    }

    fn holds(&self, path: &[&str], needed: Privileges) -> bool {
        self.acl
            .value
            .privileges(&self.caller, path)
            .all
            .intersects(needed)
    }
}

fn visible(call: &Call) -> Result<Upid, Fault> {
    let OnTask { upid } = call.params.read()?;
    if Viewer::of(call)?.may_see(&upid) {
        Ok(upid)
    } else {
        Err(Fault::TaskAccess)
    }
}

/// `GET status`
pub fn status(call: &Call) -> Result<Answer, Fault> {
    let upid = visible(call)?;
    let tasks = call.ctx.tasks();
    // Asked first: a task that ends in between is then read from its complete log.
    let running = tasks.is_running(&upid);
    let ended = (!running).then(|| tasks.ended(&upid));
    Answer::data(&TaskStatus {
        endtime: ended.as_ref().map(|(_, end)| *end),
        exitstatus: ended.map(|(status, _)| status.to_string()),
        id: upid.worker_id.clone(),
        node: upid.node.clone(),
        pid: upid.pid,
        pstart: upid.pstart,
        starttime: upid.start,
        status: if running { "running" } else { "stopped" }.to_owned(),
        tokenid: upid.auth_id.token().cloned(),
        kind: upid.worker_type.clone(),
        user: upid.auth_id.user().clone(),
        upid,
    })
}

/// `GET log`
pub fn log(call: &Call) -> Result<Answer, Fault> {
    let query: TaskLogQuery = call.params.read()?;
    let upid = visible(call)?;
    if query.download == Some(true) {
        if query.start.is_some() || query.limit.is_some() || query.test_status.is_some() {
            return Err(Fault::DownloadAlone);
        }
        return download(call, &upid);
    }
    let tasks = call.ctx.tasks();
    // Asked first: a task that was still running then may have more lines, and the client asks again.
    let active = query
        .test_status
        .unwrap_or(false)
        .then(|| tasks.is_running(&upid));
    let page = match tasks.log_page(
        &upid,
        query.start.unwrap_or(0),
        query.limit.unwrap_or(LIMIT),
    ) {
        Err(TaskError::File { source, .. })
            if active == Some(true) && source.kind() == io::ErrorKind::NotFound =>
        {
            LogPage::default()
        }
        page => page?,
    };
    let data = page
        .lines
        .into_iter()
        .map(|line| LogLine {
            n: line.number,
            t: line.text,
        })
        .collect();
    Answer::verbatim(&TaskLog {
        active,
        data,
        success: Some(1),
        total: page.total,
    })
}

fn download(call: &Call, upid: &Upid) -> Result<Answer, Fault> {
    let file = call.ctx.tasks().log_file(upid)?;
    let start = format::time::rfc3339_utc(upid.start).unwrap_or_default();
    let name = format!(
        "attachment; filename=task-{}-{}-{start}.log",
        upid.node, upid.worker_type
    );
    let pieces = content::raw(file, 0).map_err(Fault::Read)?;
    Ok(Answer::stream("text/plain", pieces).header(CONTENT_DISPOSITION, &name))
}

/// `DELETE`: the starter himself, or with the right to it anyone. A task that has ended is no error; one that does not stop is left to itself when it
/// is stopped again.
pub fn stop(call: &Call) -> Result<Answer, Fault> {
    let OnTask { upid } = call.params.read()?;
    let caller = call.caller()?;
    if upid.auth_id != *caller {
        let held = call.ctx.privileges(caller, &["system", "tasks"])?;
        if !held.intersects(Privileges::SysModify) {
            let path = "/system/tasks".to_owned();
            return Err(Fault::Forbidden(Missing::AnyOf(
                Privileges::SysModify,
                path,
            )));
        }
    }
    let patience = call.ctx.settings().limits.stop_patience;
    call.ctx.tasks().stop(&upid, patience);
    Ok(Answer::null())
}
