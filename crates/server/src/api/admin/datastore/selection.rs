//! `POST /admin/datastore/{store}/selection` and `GET .../selection-download`: several members of an archive as one zip or tar. Ours alone.

use std::time::Instant;

use api::rest::selection::{Download, PATHS_MAX, Select, Selected};
use api::schema::{ParamErrors, ValueError};
use format::ArchiveName;
use pxar::Node;
use store::Datastore;

use crate::api::admin::datastore::{catalog, download, open};
use crate::content::tree::{self, Halves, Members, Tree};
use crate::context::Access;
use crate::fault::Fault;
use crate::permission;
use crate::reply::Answer;
use crate::route::Call;
use crate::selections::{self, Selection};

/// `POST`: what is not there is told now, since a download that breaks off tells nobody why.
pub fn make(call: &Call) -> Result<Answer, Fault> {
    let request: Select = call.params.read()?;
    let store = open(call, &request.place, Access::Read)?;
    let wrong = |text: String| ParamErrors::one("filepath", ValueError::Format(text));
    if request.filepath.len() > PATHS_MAX {
        return Err(wrong(format!("at most {PATHS_MAX} paths can be selected")).into());
    }
    let paths = request.filepath.iter().map(|path| catalog::path(path));
    let selection = Selection {
        store: store.name().clone(),
        ns: request.place.ns,
        snapshot: request.snapshot.into(),
        archive: download::archive_name("archive-name", &request.archive_name)?,
        paths: paths.collect::<Result<_, _>>()?,
        tar: request.tar,
    };
    members(call, &store, &selection, Halves::Metadata)?;
    let kept = call.ctx.selections();
    let id = kept.keep(call.caller()?, selection, Instant::now());
    Answer::data(&Selected {
        expires: call
            .ctx
            .now()
            .saturating_add_unsigned(selections::TIME.as_secs()),
        selection: id.ok_or(Fault::Busy)?,
    })
}

/// `GET`
pub fn download(call: &Call) -> Result<Answer, Fault> {
    let request: Download = call.params.read()?;
    let store = open(call, &request.place, Access::Read)?;
    let kept = call.ctx.selections();
    let selection = kept
        .find(call.caller()?, &request.selection, Instant::now())
        .filter(|found| found.store == *store.name() && found.ns == request.place.ns)
        .ok_or_else(|| Fault::NoSelection(request.selection))?;
    let (tree, members) = members(call, &store, &selection, Halves::Both)?;
    let pieces = tree::selection(&call.ctx, tree, members, selection.tar).map_err(Fault::Read)?;
    Ok(Answer::stream(download::BYTES, pieces))
}

/// Finds what was selected, if the caller may read it now.
fn members(
    call: &Call,
    store: &Datastore,
    selection: &Selection,
    halves: Halves,
) -> Result<(Tree, Members), Fault> {
    let Selection {
        ns,
        snapshot,
        archive,
        paths,
        ..
    } = selection;
    permission::check_owner(call, store, ns, &snapshot.group)?;
    let dir = store.snapshot(ns, snapshot)?;
    let tree = tree::open(&call.ctx, call.caller()?, store, &dir, archive, halves)?;
    let mut paths: Vec<&Vec<u8>> = paths.iter().collect();
    // What lies in one folder stands together, so that the folder is looked for once.
    paths.sort_by_cached_key(|path| parted(path));
    let (work, mut found, mut folder) = (call.patience(), Vec::new(), None);
    for path in paths {
        if work.is_over() {
            return Err(Fault::SelectionTooSlow);
        }
        found.push((path.clone(), find(&tree, archive, path, &mut folder)?));
    }
    Ok((tree, found))
}

/// The names of the folders that a path lies in, and its own; of the root nothing.
fn parted(path: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let named = |name: &&[u8]| !name.is_empty() && *name != b".";
    let mut names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(named).collect();
    let name = names.pop()?;
    Some((names, name))
}

/// A folder that was found last, by the names on the way to it.
type Found<'a> = Option<(Vec<&'a [u8]>, Node)>;

fn find<'a>(
    tree: &Tree,
    archive: &ArchiveName,
    path: &'a [u8],
    last: &mut Found<'a>,
) -> Result<Node, Fault> {
    let up = &b".."[..];
    let (above, name) = match parted(path) {
        Some((above, name)) if name != up && !above.contains(&up) => (above, name),
        // The root, or an error.
        _ => return catalog::find(tree, archive, path),
    };
    let fail = |source| Fault::Archive {
        name: archive.to_string(),
        source,
    };
    let absent = || Fault::NotInArchive(String::from_utf8_lossy(path).into_owned());
    let folder = match last.take().filter(|(names, _)| *names == above) {
        Some((_, folder)) => folder,
        None => {
            let place = [b"/", above.join(&b'/').as_slice()].concat();
            tree.lookup(&place).map_err(fail)?.ok_or_else(absent)?
        }
    };
    let found = tree.find_in(&folder, name).map_err(fail)?;
    *last = Some((above, folder));
    found.ok_or_else(absent)
}
