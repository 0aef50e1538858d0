//! A directory tree in an archive of a snapshot, in one piece or split, and what is sent out of it: a file's data, or a directory packed
//! (pxar.md 7). How that is done is `pack`'s; what is sent is pulled, so no thread waits for a slow client.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use format::{ArchiveName, AuthId, Parts};
use pack::{Format, Packing};
use pxar::{Accessor, Node};
use store::{Datastore, SnapshotDir};

use crate::blocking::Pieces;
use crate::content::Archive;
use crate::context::Context;
use crate::fault::Fault;

/// An open archive with its tree.
pub type Tree = Arc<Accessor<Archive>>;

/// Some of its members, each with its path in the archive.
pub type Members = Vec<(Vec<u8>, Node)>;

/// How much of a split archive is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halves {
    /// Names and metadata.
    Metadata,
    Both,
}

/// Opens the tree that an archive's name stands for.
pub fn open(
    ctx: &Context,
    caller: &AuthId,
    store: &Datastore,
    snapshot: &SnapshotDir,
    name: &ArchiveName,
    halves: Halves,
) -> Result<Tree, Fault> {
    let archive = |name: &ArchiveName| Archive::open(ctx, caller, store, snapshot, name);
    let parts = Parts::find(&snapshot.manifest()?.0, name);
    // Without any, the archive itself is asked for, which tells that it is not there.
    let parts = parts.unwrap_or_else(|| Parts::Whole(name.clone()));
    let opened = match &parts {
        Parts::Split { metadata, payload } if halves == Halves::Both => {
            Accessor::open_split(archive(metadata)?, archive(payload)?)
        }
        parts => Accessor::open(archive(parts.metadata())?),
    };
    opened.map(Arc::new).map_err(|source| Fault::Archive {
        name: name.to_string(),
        source,
    })
}

/// A file's data from an offset on.
pub fn file(tree: Tree, node: Node, from: u64) -> Pieces {
    sent(pack::file(tree, node, from))
}

/// A directory with all below it, as zip or as compressed tar. `path` is the directory's own, in the archive.
pub fn directory(
    ctx: &Context,
    tree: Tree,
    path: &[u8],
    node: Node,
    tar: bool,
) -> io::Result<Pieces> {
    selection(ctx, tree, vec![(path.to_vec(), node)], tar)
}

/// Several members with all below them.
pub fn selection(ctx: &Context, tree: Tree, members: Members, tar: bool) -> io::Result<Pieces> {
    let folder = ctx.settings().state_dir.clone();
    let scratch = move || {
        // It has no name, so it is gone with the download, whatever ends that.
        let file = tempfile::tempfile_in(folder)?;
        Ok(Box::new(file) as Box<dyn pack::Scratch>)
    };
    let pieces = pack::selection(tree, members, packing(tar), Box::new(scratch))?;
    Ok(sent(pieces))
}

fn packing(tar: bool) -> Packing {
    Packing {
        format: if tar { Format::Tar } else { Format::Zip },
        zstd: tar,
    }
}

fn sent(pieces: pack::Pieces) -> Pieces {
    Box::new(pieces.map(|piece| {
        piece
            .map(Bytes::from)
            .inspect_err(|error| tracing::warn!("a download broke off: {error}"))
    }))
}
