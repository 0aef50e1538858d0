//! `GET /admin/datastore/{store}/snapshot-diff`: what became of a tree from one snapshot to another. Ours alone.

use api::rest::diff::{self as wire, Compare, DiffItem, Difference};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use format::{Group, Namespace, Snapshot};
use store::Datastore;

use crate::api::admin::datastore::{MAY_READ, catalog, download, open};
use crate::content::diff::{Change, Facts, Line, Wanted, diff};
use crate::content::names::Names;
use crate::context::Access;
use crate::fault::Fault;
use crate::permission;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let request: Compare = call.params.read()?;
    let store = open(call, &request.place, Access::Read)?;
    let path = match &request.filepath {
        Some(path) => catalog::path(path)?,
        None => b"/".to_vec(),
    };
    let (ns, snapshot) = (&request.place.ns, Snapshot::from(request.snapshot));
    let base_ns = request.base_ns.as_ref().unwrap_or(ns);
    let base = Snapshot::new(
        Group::new(
            request.base_type.unwrap_or(snapshot.group.ty),
            request.base_id.unwrap_or_else(|| snapshot.group.id.clone()),
        ),
        request.base_time,
    );
    let base_archive = request.base_archive_name.as_ref();
    let base_archive = base_archive.unwrap_or(&request.archive_name);
    let work = call.work(store.name())?;
    permission::check_owner(call, &store, ns, &snapshot.group)?;
    check_base(call, &store, base_ns, &base.group)?;
    let mut old = names(
        call,
        &store,
        base_ns,
        &base,
        ("base-archive-name", base_archive),
    )?;
    let given = ("archive-name", &request.archive_name);
    let mut new = names(call, &store, ns, &snapshot, given)?;
    let wanted = Wanted {
        start: request.start,
        limit: request.limit.min(wire::LIMIT_MAX),
        only: request.change.map(|change| match change {
            wire::Change::Added => Change::Added,
            wire::Change::Removed => Change::Removed,
            wire::Change::Changed => Change::Changed,
        }),
        collapse: request.collapse,
    };
    let found = diff(&mut old, &mut new, &path, wanted, || work.is_over())?;
    Answer::data(&Difference {
        added: found.added,
        changed: found.changed,
        complete: found.complete,
        entries: found.lines.into_iter().map(item).collect(),
        removed: found.removed,
        total: found.total,
    })
}

/// The other snapshot may lie in another namespace, where other rights hold.
fn check_base(call: &Call, store: &Datastore, ns: &Namespace, group: &Group) -> Result<(), Fault> {
    let (caller, (full, own)) = (call.caller()?, MAY_READ);
    let grant = permission::on_namespace(&call.ctx, caller, store.name(), ns, full, own)?;
    permission::check_owner_as(grant, caller, store, ns, group)
}

fn names(
    call: &Call,
    store: &Datastore,
    ns: &Namespace,
    snapshot: &Snapshot,
    (param, archive): (&str, &String),
) -> Result<Names, Fault> {
    let dir = store.snapshot(ns, snapshot)?;
    let archive = download::archive_name(param, archive)?;
    Names::open(&call.ctx, call.caller()?, store, &dir, &archive)
}

fn item(line: Line) -> DiffItem {
    let now = line.new.or(line.old);
    // Of what is gone, what it was is told once.
    let was = line.old.filter(|_| line.new.is_some());
    let kind = |facts: Facts| facts.letter.to_string();
    let mtime = |facts: Facts| facts.mtime.map(|time| time.secs);
    DiffItem {
        change: match line.change {
            Change::Added => wire::Change::Added,
            Change::Removed => wire::Change::Removed,
            Change::Changed => wire::Change::Changed,
        },
        differs: line.words.into_iter().map(str::to_owned).collect(),
        entries: line.below.map(|below| below.entries),
        bytes: line.below.map(|below| below.bytes),
        filepath: STANDARD.encode(&line.path),
        mtime: now.and_then(mtime),
        old_mtime: was.and_then(mtime),
        old_size: was.and_then(|facts| facts.size),
        old_type: was.map(kind),
        same_data: line.same_data,
        size: now.and_then(|facts| facts.size),
        text: String::from_utf8_lossy(&line.path).into_owned(),
        kind: now.map(kind).unwrap_or_default(),
    }
}
