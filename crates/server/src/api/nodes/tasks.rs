//! `/nodes/{node}/tasks`: running and finished tasks that the caller may see.

use api::rest::task::{TaskItem, TaskList};

use crate::api::nodes::task;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::{Entry, Filter, StatusKind};

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: TaskList = call.params.read()?;
    let viewer = task::Viewer::of(call)?;
    let page = call
        .ctx
        .tasks()
        .list(&filter(query), |upid| viewer.may_see(upid))?;
    let items: Vec<TaskItem> = page.entries.into_iter().map(item).collect();
    Ok(Answer::data(&items)?.beside("total", page.total))
}

fn filter(query: TaskList) -> Filter {
    let kinds: Vec<StatusKind> = query
        .statusfilter
        .iter()
        .filter_map(|word| StatusKind::from_word(word))
        .collect();
    Filter {
        start: query.start,
        limit: query.limit,
        running_only: query.running,
        errors_only: query.errors,
        store: query.store,
        user_part: query.userfilter,
        type_part: query.typefilter,
        since: query.since,
        until: query.until,
        kinds: (!kinds.is_empty()).then_some(kinds),
    }
}

fn item(entry: Entry) -> TaskItem {
    let mut item = TaskItem::running(entry.upid);
    if let Some((end, status)) = entry.end {
        item.endtime = Some(end);
        item.status = Some(status.to_string());
    }
    item
}
