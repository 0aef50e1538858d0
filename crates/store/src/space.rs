//! What each snapshot, group and namespace costs: the bytes that only it names, which would be freed if it went, and those that it shares.
//!
//! Kept as an index that can be made anew at any time: a table of snapshots with their sums, and a file of sorted records. An update reads only
//! the index files that are new, looks only at chunks that it did not know, and makes one pass over the records, in a fixed amount of memory.

mod records;
mod sorted;
mod table;
mod tally;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use format::{ArchiveKind, Group, Namespace, Snapshot};

use crate::chunk::ChunkError;
use crate::datastore::Datastore;
use crate::error::StoreError;
use crate::files::{self, random_suffix};
use crate::index_file::{self, IndexFileError};
use crate::layout::{SPACE_RECORDS, SPACE_TABLE};
use crate::watch::Watch;
use records::Record;
use sorted::Pairs;
use table::{Row, Table};
use tally::Tally;

/// Pairs of chunk and snapshot in memory during an update, some 40 bytes each.
const PAIRS_MAX: usize = 1 << 20;
/// How long an update waits for another one.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const MAGIC: [u8; 8] = *b"SRSPACE1";
/// Records between two looks at the watch.
const STRIDE: u64 = 1 << 12;

/// Bytes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// Chunks that nothing else names.
    pub unique: u64,
    /// Chunks that something else names too.
    pub shared: u64,
    /// The snapshots' own files: indexes, blobs, manifests.
    pub files: u64,
}

/// Of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSpace {
    pub ns: Namespace,
    pub snapshot: Snapshot,
    pub space: Space,
}

/// Of a group: unique is what no other group names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpace {
    pub ns: Namespace,
    pub group: Group,
    pub space: Space,
}

/// Of a namespace with all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceSpace {
    pub ns: Namespace,
    pub space: Space,
}

/// Of a datastore. Only finished snapshots count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpaceReport {
    /// When it was counted, in Unix seconds.
    pub updated: i64,
    /// Different chunks that snapshots name, and their bytes on disk.
    pub chunks: u64,
    pub bytes: u64,
    /// Of the chunks so many are not there.
    pub missing: u64,
    /// The root is always there.
    pub namespaces: Vec<NamespaceSpace>,
    pub groups: Vec<GroupSpace>,
    pub snapshots: Vec<SnapshotSpace>,
}

/// How an update is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceOptions {
    /// Use nothing of what was counted before; chunks that were replaced by smaller ones are noticed only so.
    pub anew: bool,
    /// Pairs of chunk and snapshot in memory.
    pub pairs_max: usize,
}

impl Default for SpaceOptions {
    fn default() -> SpaceOptions {
        SpaceOptions {
            anew: false,
            pairs_max: PAIRS_MAX,
        }
    }
}

/// Why an update came to nothing; what was known before is still there.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    #[error("cannot keep the space index in {path:?}")]
    Keep { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Index(#[from] IndexFileError),
    #[error("the update of the space index was stopped")]
    Stopped,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The kept records are damaged.
    #[error("the records of the space index are damaged")]
    Damaged(#[source] io::Error),
}

/// A snapshot as it lies on the disk now.
struct Present {
    ns: Namespace,
    snapshot: Snapshot,
    files: u64,
    identity: String,
}

impl Datastore {
    /// What the last update found; nothing before the first.
    pub fn space(&self) -> Option<SpaceReport> {
        Table::load(&self.base().join(SPACE_TABLE)).map(Table::into_report)
    }

    /// Counts anew what has changed since the last update. `now` is noted with the result.
    pub fn update_space(
        &self,
        options: &SpaceOptions,
        now: i64,
        watch: &dyn Watch,
    ) -> Result<SpaceReport, SpaceError> {
        let _lock = self.locks().lock_plain("space-index", LOCK_WAIT)?;
        let table = match options.anew {
            true => None,
            false => Table::load(&self.base().join(SPACE_TABLE)),
        };
        let known = table.is_some();
        let update = Update {
            store: self,
            pairs_max: options.pairs_max,
            now,
            watch,
        };
        match update.run(table) {
            Err(SpaceError::Damaged(cause)) if known => {
                watch.log(&format!("counting everything anew: {cause}"));
                update.run(None)
            }
            result => result,
        }
    }
}

struct Update<'a> {
    store: &'a Datastore,
    pairs_max: usize,
    now: i64,
    watch: &'a dyn Watch,
}

impl Update<'_> {
    fn keep_error(&self) -> impl FnOnce(io::Error) -> SpaceError + use<'_> {
        |source| SpaceError::Keep {
            path: self.store.base().to_path_buf(),
            source,
        }
    }

    fn run(&self, table: Option<Table>) -> Result<SpaceReport, SpaceError> {
        let kept = match &table {
            Some(table) => Some(self.open_records(table)?),
            None => None,
        };
        let records_before = table.as_ref().map_or(0, |table| table.report.chunks);
        let mut live = BTreeMap::new();
        let mut next = 0;
        let mut known = BTreeMap::new();
        for row in table.into_iter().flat_map(|table| table.rows) {
            next = next.max(row.id.saturating_add(1));
            known.insert((row.entry.ns, row.entry.snapshot), (row.id, row.identity));
        }
        let mut fresh = Vec::new();
        for present in self.present()? {
            let key = (present.ns.clone(), present.snapshot.clone());
            match known.remove(&key) {
                Some((id, identity)) if identity == present.identity => {
                    live.insert(id, present);
                }
                _ => fresh.push(present),
            }
        }
        self.watch.log(&format!(
            "{} snapshots are known, {} new, {} gone",
            live.len(),
            fresh.len(),
            known.len()
        ));
        let mut pairs = Pairs::new(self.store.base(), self.pairs_max);
        let total = fresh.len() as u64;
        for (done, present) in fresh.into_iter().enumerate() {
            self.watch.progress(done as u64, total);
            if self.read_indexes(&present, next, &mut pairs)? {
                live.insert(next, present);
            }
            next = next
                .checked_add(1)
                .ok_or_else(|| SpaceError::Damaged(io::ErrorKind::InvalidData.into()))?;
        }
        self.merge(kept, records_before, pairs, live)
    }

    /// All finished snapshots.
    fn present(&self) -> Result<Vec<Present>, SpaceError> {
        let store = self.store;
        let mut all = Vec::new();
        for ns in store.namespaces(&Namespace::root(), None)? {
            let groups = match store.groups(&ns) {
                Err(_) if !store.namespace_exists(&ns) => continue,
                groups => groups?,
            };
            for group in groups {
                let times = match store.snapshot_times(&ns, &group) {
                    Err(StoreError::NoGroup { .. }) => continue,
                    times => times?,
                };
                for time in times {
                    self.check_stopped()?;
                    all.extend(self.look_at(&ns, group.at(time))?);
                }
            }
        }
        Ok(all)
    }

    /// Nothing if it is not finished, or gone meanwhile.
    fn look_at(&self, ns: &Namespace, snapshot: Snapshot) -> Result<Option<Present>, SpaceError> {
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let dir = match self.store.snapshot(ns, &snapshot) {
            Ok(dir) => dir,
            Err(StoreError::NoSnapshot { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let info = match dir.info() {
            Ok(info) if info.is_finished() => info,
            Ok(_) | Err(StoreError::NoSnapshot { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (mut files, mut identity) = (0, Vec::new());
        for name in &info.files {
            let path = dir.path().join(name.as_str());
            let stat = match fs::metadata(&path) {
                Ok(stat) => stat,
                Err(error) if gone(&error) => return Ok(None),
                Err(error) => return Err(StoreError::io("stat", &path)(error).into()),
            };
            files += stat.len();
            if name.kind() != ArchiveKind::Blob {
                let (s, ns) = (stat.mtime(), stat.mtime_nsec());
                identity.push(format!("{name}:{s}.{ns:09}:{}", stat.len()));
            }
        }
        Ok(Some(Present {
            ns: ns.clone(),
            snapshot,
            files,
            identity: identity.join(","),
        }))
    }

    /// False if it is gone.
    fn read_indexes(
        &self,
        present: &Present,
        id: u32,
        pairs: &mut Pairs,
    ) -> Result<bool, SpaceError> {
        let folder = self.store.snapshot_path(&present.ns, &present.snapshot);
        let names = present.identity.split(',').filter(|part| !part.is_empty());
        for name in names.filter_map(|part| part.split(':').next()) {
            self.check_stopped()?;
            let path = folder.join(name);
            let Some(kind) = index_file::Kind::of(name.as_bytes()) else {
                continue;
            };
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(StoreError::io("open", &path)(error).into()),
            };
            index_file::read(file, &path, kind, &mut |digest| {
                pairs.push(*digest, id).map_err(self.keep_error())
            })?;
        }
        Ok(true)
    }

    fn check_stopped(&self) -> Result<(), SpaceError> {
        match self.watch.stopped() {
            true => Err(SpaceError::Stopped),
            false => Ok(()),
        }
    }

    fn open_records(&self, table: &Table) -> Result<BufReader<File>, SpaceError> {
        let open = || {
            let mut input = BufReader::with_capacity(
                1 << 18,
                File::open(self.store.base().join(SPACE_RECORDS))?,
            );
            let mut head = [0; 16];
            input.read_exact(&mut head)?;
            if head != header(table.generation) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(input)
        };
        open().map_err(SpaceError::Damaged)
    }

    /// One pass over all there is: sums it up and writes it anew.
    fn merge(
        &self,
        kept: Option<BufReader<File>>,
        records_before: u64,
        pairs: Pairs,
        live: BTreeMap<u32, Present>,
    ) -> Result<SpaceReport, SpaceError> {
        let generation = uuid::Uuid::new_v4().as_u64_pair().0;
        let records = self.store.base().join(SPACE_RECORDS);
        let temp =
            files::TempFile::create(records.with_extension(format!("tmp_{}", random_suffix())))?;
        let mut out = BufWriter::with_capacity(1 << 18, temp.file());
        out.write_all(&header(generation))
            .map_err(self.keep_error())?;
        let mut tally = Tally::new(
            live.iter()
                .map(|(id, present)| (*id, &present.ns, &present.snapshot, present.files)),
        );
        let kept = kept.map(|input| Counted {
            input,
            left: records_before,
        });
        let missing = self.pass(kept, pairs, &live, &mut tally, &mut out)?;
        out.flush().map_err(self.keep_error())?;
        drop(out);
        let (chunks, bytes) = (tally.chunks, tally.bytes);
        let sums = tally.finish();
        let mut snapshots = sums.snapshots;
        let rows = live.into_iter().filter_map(|(id, present)| {
            Some(Row {
                id,
                identity: present.identity,
                entry: snapshots.remove(&id)?,
            })
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_by(|a, b| {
            let key = |row: &Row| (row.entry.ns.clone(), row.entry.snapshot.clone());
            key(a).cmp(&key(b))
        });
        let table = Table {
            generation,
            rows,
            report: SpaceReport {
                updated: self.now,
                chunks,
                bytes,
                missing,
                namespaces: sums.namespaces,
                groups: sums.groups,
                snapshots: Vec::new(),
            },
        };
        // Between the two renames nothing fits, and the next update counts everything anew.
        temp.rename(&records, self.store.durable())?;
        let path = self.store.base().join(SPACE_TABLE);
        files::replace(&path, table.print().as_bytes(), self.store.durable())?;
        Ok(table.into_report())
    }

    /// Gives how many chunks are missing.
    fn pass(
        &self,
        kept: Option<Counted>,
        pairs: Pairs,
        live: &BTreeMap<u32, Present>,
        tally: &mut Tally,
        out: &mut impl Write,
    ) -> Result<u64, SpaceError> {
        let live: HashSet<u32> = live.keys().copied().collect();
        let (mut seen, mut missing) = (0, 0);
        let merged = pairs.merged(kept).map_err(SpaceError::Damaged)?;
        for record in merged {
            let mut record = record.map_err(SpaceError::Damaged)?;
            seen += 1;
            if seen % STRIDE == 0 {
                self.check_stopped()?;
            }
            record.snapshots.retain(|id| live.contains(id));
            if record.snapshots.is_empty() {
                continue;
            }
            // What was missing may be there by now.
            if record.size == 0 {
                let size = self.store.chunks().stored_size(&record.digest)?;
                record.size = size.unwrap_or(0);
                missing += u64::from(size.is_none());
            }
            tally.add(record.size, &record.snapshots);
            record.write(out).map_err(self.keep_error())?;
        }
        Ok(missing)
    }
}

fn header(generation: u64) -> [u8; 16] {
    let mut header = [0; 16];
    header[..8].copy_from_slice(&MAGIC);
    header[8..].copy_from_slice(&generation.to_le_bytes());
    header
}

/// The kept records, which must be as many as the table says: a file that was cut off between two of them is noticed.
struct Counted {
    input: BufReader<File>,
    left: u64,
}

impl sorted::Records for Counted {
    fn next(&mut self) -> io::Result<Option<Record>> {
        let record = Record::read(&mut self.input)?;
        match (&record, self.left) {
            (None, 0) => Ok(None),
            (Some(_), left) if left > 0 => {
                self.left -= 1;
                Ok(record)
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the space index has not as many records as its table says",
            )),
        }
    }
}
