//! Members between the walk and the archive while unchanged files are looked for: compared with the previous archive, gathered
//! by the planner, and stored when it says so and how.
//!
//! Members are stored later than they were walked to, so the archive has a directory of its own that it is in; the record's
//! path is exchanged for that one while a member is stored. Until then a file stays open: what is stored is what was compared.

use std::io::BufRead;

use pxar::{Metadata, PayloadRef, Sink};

use super::member::{Links, Member, What, refer, store};
use super::record::Record;
use super::reference::PreviousTree;
use super::{CreateError, Notice, PayloadSink};
use crate::reuse::{ChunkTable, Op, Planner};

/// The previous split archive of the same tree.
pub struct Previous<'a> {
    /// Its metadata half.
    pub metadata: Box<dyn BufRead + 'a>,
    /// The chunks of its payload half.
    pub chunks: ChunkTable,
    /// Members that may wait at the same time, each with an open file.
    pub waiting_max: usize,
}

pub(super) struct Ahead<'a> {
    planner: Planner<Member>,
    previous: PreviousTree<'a>,
    /// Path of the directory that the archive is in: empty for the root, else `/a/b`.
    dir: Vec<u8>,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(previous: Previous<'a>) -> Ahead<'a> {
        Ahead {
            planner: Planner::new(previous.chunks, previous.waiting_max),
            previous: PreviousTree::open(previous.metadata),
            dir: Vec::new(),
        }
    }

    /// Takes a member that the walk came to; its metadata is the record's.
    pub(super) fn take<S: Sink, P: PayloadSink>(
        &mut self,
        record: &mut Record<'_, S, P>,
        links: &mut Links,
        name: &[u8],
        what: What,
    ) -> Result<(), CreateError> {
        let Ahead {
            planner,
            previous,
            dir,
        } = self;
        let member = |record: &mut Record<'_, S, P>, what| Member {
            name: name.into(),
            metadata: std::mem::take(&mut record.metadata),
            what,
        };
        match what {
            What::File(file) if links.knows(file.link) => {
                let member = member(record, What::File(file));
                planner.hard_link(member, &mut |op| perform(dir, record, links, op))
            }
            What::File(file) => {
                let reusable = previous
                    .file(name)
                    .filter(|(old, reference)| {
                        reference.size == file.size && is_unchanged(old, &record.metadata)
                    })
                    .map(|(_, reference)| (reference.offset, reference.size));
                let link = file.link;
                let member = member(record, What::File(file));
                planner.file(member, reusable, &mut |op| perform(dir, record, links, op))?;
                links.expect(link, record.relative());
                Ok(())
            }
            What::End => {
                previous.leave();
                let member = member(record, what);
                planner.end_directory(member, &mut |op| perform(dir, record, links, op))
            }
            what => {
                if let What::Directory = what {
                    previous.enter(name);
                }
                let member = member(record, what);
                planner.other(member, &mut |op| perform(dir, record, links, op))
            }
        }
    }

    /// Stores all that waits.
    pub(super) fn finish<S: Sink, P: PayloadSink>(
        mut self,
        record: &mut Record<'_, S, P>,
        links: &mut Links,
    ) -> Result<(), CreateError> {
        let dir = &mut self.dir;
        self.planner
            .finish(&mut |op| perform(dir, record, links, op))?;
        if let Some(source) = self.previous.take_failure() {
            record.notice(Notice::PreviousDamaged { source });
        }
        Ok(())
    }
}

/// Does what the planner says. `dir` is where the archive is.
fn perform<S: Sink, P: PayloadSink>(
    dir: &mut Vec<u8>,
    record: &mut Record<'_, S, P>,
    links: &mut Links,
    op: Op<Member>,
) -> Result<(), CreateError> {
    let (member, ahead) = match op {
        Op::Inject(chunks) => return record.inject(&chunks),
        Op::Store(member) => (member, None),
        Op::Refer { member, ahead } => (member, Some(ahead)),
    };
    let Member {
        name,
        metadata,
        what,
    } = member;
    std::mem::swap(&mut record.path, dir);
    record.metadata = metadata;
    let parent_len = match what {
        What::End => {
            let cut = record.path.iter().rposition(|b| *b == b'/');
            cut.unwrap_or_default()
        }
        _ => {
            let len = record.path.len();
            record.path.push(b'/');
            record.path.extend_from_slice(&name);
            len
        }
    };
    let enters = matches!(what, What::Directory);
    let done = match (what, ahead, record.payload_position()) {
        (What::File(file), Some(ahead), Some(position)) => {
            let reference = PayloadRef {
                offset: position + ahead,
                size: file.size,
            };
            refer(record, links, &name, file.link, reference)
        }
        (what, _, _) => store(record, links, &name, what),
    };
    if !enters {
        record.path.truncate(parent_len);
    }
    std::mem::swap(&mut record.path, dir);
    done
}

/// Whether a file is as it was, as far as that shows without reading it (pxar.md 3.3). Values of extended attributes may differ:
/// the new ones are stored in any case, only the data is taken over.
fn is_unchanged(old: &Metadata, new: &Metadata) -> bool {
    let stat = |m: &Metadata| (m.mode, m.flags, m.uid, m.gid, m.mtime);
    let names = |m: &'_ Metadata| -> Vec<_> { m.xattrs.iter().map(|x| x.name.clone()).collect() };
    stat(old) == stat(new)
        && old.quota_project_id == new.quota_project_id
        && old.fcaps == new.fcaps
        && old.acl == new.acl
        && (old.xattrs.is_empty() && new.xattrs.is_empty() || names(old) == names(new))
}
