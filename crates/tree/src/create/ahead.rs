//! Members between the walk and the archive while unchanged files are looked for: compared with the previous archive, gathered
//! by the planner, and stored when it says so and how.
//!
//! Members are stored later than they were walked to, so the archive has a directory of its own that it is in; the record's
//! path is exchanged for that one while a member is stored. A file that waits is closed: nearly all of them are never read, and
//! so their number does not depend on how many may be open. Their directories stay open as far as possible.

use std::io::BufRead;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use pxar::{Metadata, PayloadRef, Sink};

use super::again::Again;
use super::look::Look;
use super::member::{Links, OpenFile, SeenFile, What, refer, store, store_file};
use super::record::Record;
use super::reference::PreviousTree;
use super::waiting::{Kind, Member, Waiting};
use super::{CreateError, Notice, PayloadSink};
use crate::reuse::{ChunkTable, Op, Planner};

/// The previous split archive of the same tree.
pub struct Previous<'a> {
    /// Its metadata half.
    pub metadata: Box<dyn BufRead + 'a>,
    /// The chunks of its payload half.
    pub chunks: ChunkTable,
    /// Memory that members may take while they wait for the decision whether their data is taken over. About 50 bytes and its
    /// name each; when it is used up the decision is made with what there is, and more files may be read.
    pub waiting_bytes_max: usize,
}

pub(super) struct Ahead<'a> {
    planner: Planner<Waiting>,
    previous: PreviousTree<'a>,
    place: Place,
}

/// Where the archive is, on its way behind the walk.
struct Place {
    /// Path of its directory: empty for the root, else `/a/b`.
    dir: Vec<u8>,
    again: Again,
}

/// What the walk lends while a member is taken.
pub(super) struct Tools<'t, 'a, S: Sink, P: PayloadSink> {
    pub(super) record: &'t mut Record<'a, S, P>,
    pub(super) links: &'t mut Links,
    pub(super) look: &'t mut Look,
}

impl<'a> Ahead<'a> {
    /// `source` is the directory that is walked.
    pub(super) fn new(previous: Previous<'a>, source: Arc<OwnedFd>) -> Ahead<'a> {
        let waiting = Waiting::new(previous.waiting_bytes_max, open_max());
        Ahead {
            planner: Planner::new(previous.chunks, waiting),
            previous: PreviousTree::open(previous.metadata),
            place: Place {
                dir: Vec::new(),
                again: Again::new(source),
            },
        }
    }

    /// Takes a file that the walk came to; its metadata is the record's.
    pub(super) fn file<S: Sink, P: PayloadSink>(
        &mut self,
        tools: &mut Tools<'_, '_, S, P>,
        name: &[u8],
        file: OpenFile,
    ) -> Result<(), CreateError> {
        let Ahead {
            planner,
            previous,
            place,
        } = self;
        let (size, link) = (file.seen.size, file.seen.link);
        let metadata = &tools.record.metadata;
        if tools.links.knows(link) {
            let member = member(tools, name, Kind::Open(file));
            return planner.hard_link(member, &mut |op| place.perform(tools, op));
        }
        let reusable = previous
            .file(name)
            .filter(|(old, reference)| reference.size == size && is_unchanged(old, metadata))
            .map(|(_, reference)| (reference.offset, reference.size));
        let member = member(tools, name, Kind::Open(file));
        planner.file(member, reusable, &mut |op| place.perform(tools, op))?;
        tools.links.expect(link, tools.record.relative());
        Ok(())
    }

    /// Takes a member without data.
    pub(super) fn other<S: Sink, P: PayloadSink>(
        &mut self,
        tools: &mut Tools<'_, '_, S, P>,
        name: &[u8],
        what: What,
    ) -> Result<(), CreateError> {
        let Ahead {
            planner,
            previous,
            place,
        } = self;
        let is_end = matches!(what, What::End);
        match what {
            What::End => previous.leave(),
            What::Directory(_) => previous.enter(name),
            _ => {}
        }
        let member = member(tools, name, Kind::Other(what));
        let mut act = |op| place.perform(tools, op);
        if is_end {
            planner.end_directory(member, &mut act)
        } else {
            planner.other(member, &mut act)
        }
    }

    /// Stores all that waits.
    pub(super) fn finish<S: Sink, P: PayloadSink>(
        mut self,
        tools: &mut Tools<'_, '_, S, P>,
    ) -> Result<(), CreateError> {
        let place = &mut self.place;
        self.planner.finish(&mut |op| place.perform(tools, op))?;
        if let Some(source) = self.previous.take_failure() {
            tools.record.notice(Notice::PreviousDamaged { source });
        }
        Ok(())
    }
}

/// How many directories may stay open for what waits in them: a part of what this process may open, as the walk, the connections
/// and all else need some too.
fn open_max() -> usize {
    const MAX: u64 = 1 << 16;
    const OTHERS: u64 = 512;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let max = limit
        .current
        .map_or(MAX, |limit| MAX.min(limit.saturating_sub(OTHERS) / 4));
    usize::try_from(max).unwrap_or(usize::MAX)
}

fn member<S: Sink, P: PayloadSink>(
    tools: &mut Tools<'_, '_, S, P>,
    name: &[u8],
    kind: Kind,
) -> Member {
    Member {
        name: name.into(),
        metadata: std::mem::take(&mut tools.record.metadata),
        kind,
    }
}

impl Place {
    /// Does what the planner says.
    fn perform<S: Sink, P: PayloadSink>(
        &mut self,
        tools: &mut Tools<'_, '_, S, P>,
        op: Op<Member>,
    ) -> Result<(), CreateError> {
        // What waits may be very much, and reading it is no use any more.
        if tools.record.watch.stopped() {
            return Err(CreateError::Stopped);
        }
        let (member, ahead) = match op {
            Op::Inject(chunks) => return tools.record.inject(&chunks),
            Op::Store(member) => (member, None),
            Op::Refer { member, ahead } => (member, Some(ahead)),
        };
        std::mem::swap(&mut tools.record.path, &mut self.dir);
        let done = self.store(tools, member, ahead);
        std::mem::swap(&mut tools.record.path, &mut self.dir);
        done
    }

    /// Stores a member of the directory at the record's path, which becomes that of the directory the archive is in then.
    fn store<S: Sink, P: PayloadSink>(
        &mut self,
        tools: &mut Tools<'_, '_, S, P>,
        member: Member,
        ahead: Option<u64>,
    ) -> Result<(), CreateError> {
        let Member {
            name,
            metadata,
            kind,
        } = member;
        let path = &mut tools.record.path;
        let mut dir_len = path.len();
        match kind {
            Kind::Other(What::End) => {
                dir_len = path.iter().rposition(|b| *b == b'/').unwrap_or_default();
            }
            _ => {
                path.push(b'/');
                path.extend_from_slice(&name);
            }
        }
        tools.record.metadata = metadata;
        let done = match kind {
            Kind::Other(What::Directory(folder)) => {
                self.again.enter(tools.record.path.len(), folder.clone());
                return store(tools.record, &name, What::Directory(folder));
            }
            Kind::Other(What::End) => {
                self.again.leave();
                store(tools.record, &name, What::End)
            }
            Kind::Other(what) => store(tools.record, &name, what),
            Kind::Open(file) => store_file(tools.record, tools.links, &name, &file),
            Kind::Closed(seen) => match (ahead, tools.record.payload_position()) {
                (Some(ahead), Some(position)) => {
                    let reference = PayloadRef {
                        offset: position + ahead,
                        size: seen.size,
                    };
                    refer(tools.record, tools.links, &name, seen.link, reference)
                }
                _ => match tools.links.first(seen.link) {
                    Some((target, path)) => tools.record.hard_link(&name, path, *target),
                    None => self.read_again(tools, &name, seen),
                },
            },
        };
        tools.record.path.truncate(dir_len);
        done
    }

    /// Stores a file by reading it, though it has waited.
    fn read_again<S: Sink, P: PayloadSink>(
        &mut self,
        tools: &mut Tools<'_, '_, S, P>,
        name: &[u8],
        seen: SeenFile,
    ) -> Result<(), CreateError> {
        let Tools {
            record,
            links,
            look,
        } = tools;
        let opened = self.again.open(record, look, name, seen)?;
        match opened {
            Some(file) => store_file(record, links, name, &file),
            None => Ok(()),
        }
    }
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
