//! `GET /admin/datastore/{store}/search`: files and folders by their names, in all snapshots that the caller may read. Ours alone.
//!
//! Snapshots are looked through in a fixed order, until the answer is full or the time is over; what is then in `next` goes on there.

mod position;

use api::rest::search::{LIMIT_MAX, Search, SearchReport};
use api::schema::{ParamErrors, ValueError};
use format::{ArchiveName, BackupTime, Group, Namespace, Snapshot};
use store::{Datastore, SnapshotDir, StoreError};

use crate::api::admin::datastore::{MAY_READ, download, open};
use crate::content::names::{self, Names};
use crate::content::search::{Gathered, Matcher, Spot, Stop, plain_name, search};
use crate::context::Access;
use crate::fault::{Fault, Missing};
use crate::permission;
use crate::reply::Answer;
use crate::route::Call;
use crate::work::Work;
use position::Position;

/// `GET`
pub fn find(call: &Call) -> Result<Answer, Fault> {
    let request: Search = call.params.read()?;
    let store = open(call, &request.place, Access::Read)?;
    let matcher = Matcher::new(&request.pattern, request.case_sensitive)
        .map_err(|e| ParamErrors::one("pattern", ValueError::Format(e.to_string())))?;
    let from = request.from.as_deref().map(str::parse::<Position>);
    let wrong = |()| ParamErrors::one("from", ValueError::Format("it is no `next`".to_owned()));
    let archive = request.archive_name.as_ref();
    let archive = archive.map(|name| download::archive_name("archive-name", name));
    let mut looking = Looking {
        call,
        work: call.work(store.name())?,
        store,
        matcher,
        archive: archive.transpose()?,
        from: from.transpose().map_err(wrong)?,
        gathered: Gathered::new(request.limit.clamp(1, LIMIT_MAX)),
        report: SearchReport::default(),
        begun: false,
        looked: false,
        request,
    };
    looking.report.next = looking.through_namespaces()?.map(|next| next.to_string());
    let mut report = looking.report;
    report.entries = looking.gathered.into_items();
    Answer::data(&report)
}

/// An archive that was looked through, and what fitted in it.
struct Seen {
    archive: String,
    sums: Vec<format::Digest>,
    spots: Vec<Spot>,
}

struct Looking<'a> {
    call: &'a Call,
    request: Search,
    work: Work,
    store: Datastore,
    matcher: Matcher,
    archive: Option<ArchiveName>,
    from: Option<Position>,
    gathered: Gathered,
    report: SearchReport,
    /// Something was passed: an answer that ends where it began would be asked for for ever.
    begun: bool,
    /// The same inside of a snapshot: an archive was opened.
    looked: bool,
}

fn position(ns: &Namespace, snapshot: Snapshot, archive: &str, stop: Stop) -> Position {
    Position {
        ns: ns.clone(),
        snapshot,
        archive: archive.to_owned(),
        stop,
    }
}

impl Looking<'_> {
    fn is_over(&self) -> bool {
        self.begun && (self.work.is_over() || self.gathered.is_full())
    }

    /// Where it stopped.
    fn through_namespaces(&mut self) -> Result<Option<Position>, Fault> {
        let (call, parent) = (self.call, self.request.place.ns.clone());
        let caller = call.caller()?;
        let mut all = match self.store.namespace_exists(&parent) {
            true => self.namespaces(&parent),
            false => vec![parent.clone()],
        };
        all.sort();
        let (full, own) = MAY_READ;
        let mut is_any = false;
        for ns in all {
            let held = permission::in_namespace(&call.ctx, caller, self.store.name(), &ns)?;
            if !held.intersects(full | own) {
                continue;
            }
            is_any = true;
            if self.from.as_ref().is_some_and(|from| ns < from.ns) {
                continue;
            }
            let next = self.through_groups(&ns, held.intersects(full));
            if let Some(next) = next? {
                return Ok(Some(next));
            }
        }
        if is_any {
            return Ok(None);
        }
        let path = permission::acl_path(self.store.name(), &parent);
        Err(Fault::Forbidden(Missing::AnyOf(full | own, path)))
    }

    /// A folder that is no namespace hides no others.
    fn namespaces(&mut self, parent: &Namespace) -> Vec<Namespace> {
        let depth = self.request.max_depth;
        let (all, wrong) = self.store.readable_namespaces(parent, depth);
        // Counted once, however many answers follow.
        if self.from.is_none() {
            for error in wrong {
                self.report.failed += 1;
                let error = crate::fault::with_causes(&error);
                tracing::warn!(
                    "cannot search a namespace of {}: {error}",
                    self.store.name()
                );
            }
        }
        all
    }

    fn through_groups(&mut self, ns: &Namespace, all: bool) -> Result<Option<Position>, Fault> {
        let caller = self.call.caller()?;
        for group in self.store.groups(ns)? {
            let (ty, id) = (&self.request.backup_type, &self.request.backup_id);
            let wanted =
                ty.is_none_or(|ty| ty == group.ty) && id.as_ref().is_none_or(|id| *id == group.id);
            let is_before = |from: &Position| *ns == from.ns && group < from.snapshot.group;
            if !wanted || self.from.as_ref().is_some_and(is_before) {
                continue;
            }
            if self.is_over() {
                let snapshot = group.at(BackupTime::MAX);
                return Ok(Some(position(ns, snapshot, "", Stop::default())));
            }
            let owner = || self.store.owner(ns, &group).ok();
            if !all && !owner().is_some_and(|owner| owner.owns(caller)) {
                self.begun = true;
                continue;
            }
            self.gathered.next_group();
            if let Some(next) = self.through_snapshots(ns, &group)? {
                return Ok(Some(next));
            }
            self.begun = true;
        }
        Ok(None)
    }

    fn through_snapshots(
        &mut self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Option<Position>, Fault> {
        let mut times = match self.store.snapshot_times(ns, group) {
            // Removed or moved since it was listed.
            Err(StoreError::NoGroup { .. }) => return Ok(None),
            times => times?,
        };
        times.reverse();
        let mut seen: Vec<Seen> = Vec::new();
        for time in times {
            let wanted = self.request.backup_time.is_none_or(|wanted| wanted == time);
            let dir = self.store.snapshot(ns, &group.at(time));
            let Some(dir) = dir.ok().filter(|dir| wanted && dir.is_finished()) else {
                continue;
            };
            let is_before = |from: &Position| {
                *ns == from.ns && *group == from.snapshot.group && time > from.snapshot.time
            };
            // Nor is one that came since the newest one.
            if self.from.as_ref().is_some_and(is_before) {
                continue;
            }
            if self.is_over() {
                return Ok(Some(position(ns, group.at(time), "", Stop::default())));
            }
            let next = self.through_archives((ns, group), time, &dir, &mut seen)?;
            if next.is_some() {
                return Ok(next);
            }
            if self.request.newest {
                break;
            }
        }
        Ok(None)
    }

    fn through_archives(
        &mut self,
        place: (&Namespace, &Group),
        time: BackupTime,
        dir: &SnapshotDir,
        seen: &mut Vec<Seen>,
    ) -> Result<Option<Position>, Fault> {
        self.begun = true;
        // Gone, or damaged.
        let Ok((manifest, _)) = dir.manifest() else {
            self.report.failed += 1;
            return Ok(None);
        };
        let is_tree = |name: &ArchiveName| {
            let name = name.to_string();
            name.ends_with(".pxar.didx") || name.ends_with(".mpxar.didx")
        };
        let asked = self.archive.as_ref().map(names::stem);
        let files = manifest.files.iter().map(|file| file.filename.clone());
        let mut archives: Vec<ArchiveName> = files
            .filter(|name| is_tree(name))
            .filter(|name| {
                asked
                    .as_ref()
                    .is_none_or(|asked| *asked == names::stem(name))
            })
            .collect();
        archives.sort_by_key(ArchiveName::to_string);
        let here = |archive: &ArchiveName, stop: Stop| {
            position(place.0, place.1.at(time), archive.as_ref(), stop)
        };
        self.report.snapshots += 1;
        for archive in archives {
            let begin = here(&archive, Stop::default());
            let after = match &self.from {
                Some(from) if from.ns == begin.ns && from.snapshot == begin.snapshot => {
                    if begin.archive < from.archive {
                        continue;
                    }
                    Some(from.stop.clone()).filter(|_| from.archive == begin.archive)
                }
                _ => None,
            };
            if self.looked && self.is_over() {
                return Ok(Some(begin));
            }
            let sums = names::sums_of(&manifest, &archive);
            let name = plain_name(&archive);
            let same = |one: &&Seen| one.archive == name && one.sums == sums && !sums.is_empty();
            let after = after.unwrap_or_default();
            if let Some(same) = seen.iter().find(same).filter(|_| after.path.is_empty()) {
                let again = |spot: &Spot| self.gathered.again(*spot, time);
                same.spots.iter().for_each(again);
                continue;
            }
            let mut spots = Vec::new();
            match self.look(place, time, dir, &archive, &after, &mut spots) {
                Ok(Some(stop)) => return Ok(Some(here(&archive, stop))),
                Ok(None) if after.path.is_empty() => {
                    seen.retain(|one| one.archive != name);
                    seen.push(Seen {
                        archive: name,
                        sums,
                        spots,
                    });
                }
                Ok(None) => {}
                Err(Fault::Encrypted(_)) => self.report.encrypted += 1,
                Err(Fault::Busy) => return Err(Fault::Busy),
                Err(fault) => {
                    let fault = crate::fault::with_causes(&fault);
                    tracing::warn!("cannot search {}: {fault}", dir.relative_path());
                    self.report.failed += 1;
                }
            }
        }
        Ok(None)
    }

    fn look(
        &mut self,
        place: (&Namespace, &Group),
        time: BackupTime,
        dir: &SnapshotDir,
        archive: &ArchiveName,
        after: &Stop,
        spots: &mut Vec<Spot>,
    ) -> Result<Option<Stop>, Fault> {
        let (ctx, caller) = (&self.call.ctx, self.call.caller()?);
        self.looked = true;
        let mut names = Names::open(ctx, caller, &self.store, dir, archive)?;
        let (gathered, work) = (&mut self.gathered, &self.work);
        let found = |found| {
            spots.push(gathered.add(place, archive, time, found));
            !gathered.is_full()
        };
        let ended = search(&mut names, &self.matcher, after, found, || work.is_over())?;
        self.report.failed += u64::from(ended.left_out);
        Ok(ended.stop)
    }
}
