//! `GET /admin/datastore/{store}/pxar-file-download`: a file out of an archive, or a directory as zip or tar (pxar.md 7).

use format::ArchiveName;
use pxar::EntryKind;

use crate::api::admin::datastore::{catalog, download};
use crate::content::tree::{self, Halves};
use crate::fault::Fault;
use crate::ranges;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn download(call: &Call) -> Result<Answer, Fault> {
    let (store, dir, request) = catalog::on_catalog(call)?;
    let given = catalog::path(&request.filepath)?;
    let (name, path) = target(request.archive_name.as_deref(), &given)?;
    let (ctx, caller) = (&call.ctx, call.caller()?);
    let tree = tree::open(ctx, caller, &store, &dir, &name, Halves::Both)?;
    let fail = |source| Fault::Archive {
        name: name.to_string(),
        source,
    };
    let node = tree
        .follow_hardlink(&catalog::find(&tree, &name, &path)?)
        .map_err(fail)?;
    let tar = request.tar.unwrap_or(false);
    let pieces = match node.entry.kind {
        EntryKind::File { size, .. } => {
            return ranges::answer(download::BYTES, &call.headers, size, |from| {
                Ok(tree::file(tree, node, from))
            });
        }
        EntryKind::Directory => {
            tree::directory(&call.ctx, tree, &path, node, tar).map_err(Fault::Read)?
        }
        _ => {
            return Err(Fault::NotDownloadable(
                String::from_utf8_lossy(&path).into_owned(),
            ));
        }
    };
    Ok(Answer::stream(download::BYTES, pieces))
}

/// The archive and the path in it: the archive is named, or is the first component of the path.
fn target(named: Option<&str>, given: &[u8]) -> Result<(ArchiveName, Vec<u8>), Fault> {
    let given = given.strip_prefix(b"/").unwrap_or(given);
    if let Some(named) = named {
        return Ok((
            download::archive_name("archive-name", named)?,
            given.to_vec(),
        ));
    }
    let end = given.iter().position(|b| *b == b'/').unwrap_or(given.len());
    let name = String::from_utf8_lossy(&given[..end]);
    Ok((
        download::archive_name("filepath", &name)?,
        given[end..].to_vec(),
    ))
}
