//! Statistics of the host and of datastores (server.md 7.3): values that are noted every few seconds become averages and maxima of minutes, half
//! hours, quarter days and weeks, kept in one ring file of fixed size per object. Memory holds the open slot of each resolution and the last half
//! hour of raw values (7.4), nothing else. What a crash takes is the minute that was open. The format is in `docs/formats/statistics.md`.

mod rates;
mod recent;
mod ring;
mod row;
mod series;
mod usage;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::rest::statistics::Timeframe;
use format::StoreName;

pub use rates::{DiskObservation, HostObservation};
pub use recent::{Kind, Point};
pub use series::Series;
pub use usage::UsageHistory;

use crate::machine::{CpuLoad, Space};
use recent::Recent;
use ring::Ring;
use row::Row;

/// Seconds between two values.
pub const INTERVAL_S: u32 = 10;

/// What is observed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    Host,
    Store(StoreName),
}

/// The values of the host, in the order of its file.
pub const HOST_FIELDS: &[&str] = &[
    "cpu",
    "iowait",
    "memtotal",
    "memused",
    "swaptotal",
    "swapused",
    "netin",
    "netout",
    "loadavg",
    "total",
    "used",
    "read_ios",
    "read_bytes",
    "write_ios",
    "write_bytes",
    "io_ticks",
];

/// The values of a datastore.
pub const STORE_FIELDS: &[&str] = &[
    "total",
    "available",
    "used",
    "read_ios",
    "read_bytes",
    "write_ios",
    "write_bytes",
    "io_ticks",
];

impl Object {
    pub fn fields(&self) -> &'static [&'static str] {
        match self {
            Object::Host => HOST_FIELDS,
            Object::Store(_) => STORE_FIELDS,
        }
    }

    /// No datastore is called like the host's file: theirs begin with `datastore-`.
    fn file_name(&self) -> String {
        match self {
            Object::Host => "host".to_owned(),
            Object::Store(name) => format!("datastore-{name}"),
        }
    }
}

/// What slots of one ring are wide and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    pub seconds: u32,
    pub points: u32,
}

/// A day, 30 days, 360 days, almost 11 years (server.md 7.3).
pub const RESOLUTIONS: [Resolution; 4] = [
    Resolution {
        seconds: 60,
        points: 1440,
    },
    Resolution {
        seconds: 1800,
        points: 1440,
    },
    Resolution {
        seconds: 21_600,
        points: 1440,
    },
    Resolution {
        seconds: 604_800,
        points: 570,
    },
];

impl Resolution {
    /// Begin of the slot that a time lies in.
    fn slot(&self, time: i64) -> i64 {
        time - time.rem_euclid(i64::from(self.seconds))
    }
}

/// One object: its file, the open slots, the last raw values, and what rates are counted from.
#[derive(Debug)]
struct Track {
    ring: Ring,
    /// Of each resolution.
    open: [Row; 4],
    recent: Recent,
}

impl Track {
    fn open(ring: Ring, now: i64) -> Track {
        let fields = ring.fields();
        let resume = |place: usize| {
            let start = RESOLUTIONS[place].slot(now);
            ring.row(place, start)
                .unwrap_or_else(|| Row::new(start, fields))
        };
        Track {
            open: std::array::from_fn(resume),
            ring,
            recent: Recent::default(),
        }
    }

    /// Takes values in. With a new minute the rows go to the file, so at most once a minute.
    fn note(&mut self, now: i64, values: &[Option<f64>]) -> io::Result<()> {
        let minute_is_over = RESOLUTIONS[0].slot(now) != self.open[0].start;
        let written = if minute_is_over { self.write() } else { Ok(()) };
        for (place, resolution) in RESOLUTIONS.iter().enumerate() {
            let start = resolution.slot(now);
            if self.open[place].start != start {
                // A slot of that time is there if the clock was set back.
                let fresh = || Row::new(start, values.len());
                self.open[place] = self.ring.row(place, start).unwrap_or_else(fresh);
            }
            self.open[place].add(values);
        }
        written
    }

    fn write(&mut self) -> io::Result<()> {
        for (place, row) in self.open.iter().enumerate() {
            self.ring.put(place, row)?;
        }
        Ok(())
    }
}

/// See the module. Methods block.
#[derive(Debug)]
pub struct Statistics {
    folder: PathBuf,
    tracks: Mutex<BTreeMap<Object, Arc<Mutex<Track>>>>,
    cpu: Mutex<Option<CpuLoad>>,
}

impl Statistics {
    /// Files lie in `folder`, which is made when the first is.
    pub fn new(folder: PathBuf) -> Statistics {
        Statistics {
            folder,
            tracks: Mutex::default(),
            cpu: Mutex::default(),
        }
    }

    /// Where the files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The host was observed.
    pub fn note_host(&self, now: i64, seen: HostObservation) -> io::Result<()> {
        let track = self.track(&Object::Host, now)?;
        let mut track = locked(&track);
        let (values, load) = seen.values(track.recent.host(), now);
        if load.is_some() {
            *locked(&self.cpu) = load;
        }
        track.recent.push_host(now, seen, load);
        track.note(now, &values)
    }

    /// A datastore's disk was observed.
    pub fn note_store(&self, now: i64, store: &StoreName, seen: DiskObservation) -> io::Result<()> {
        let track = self.track(&Object::Store(store.clone()), now)?;
        let mut track = locked(&track);
        let values = seen.values(track.recent.store(), now);
        track.recent.push_store(now, seen);
        track.note(now, &values)
    }

    /// The processors' load over the last interval.
    pub fn cpu(&self) -> Option<CpuLoad> {
        *locked(&self.cpu)
    }

    /// Values of a time frame that ends `now`. An object that was never observed has none.
    pub fn series(&self, object: &Object, timeframe: Timeframe, now: i64) -> io::Result<Series> {
        let Some(track) = self.known(object, now)? else {
            return Ok(Series::empty(object.fields(), timeframe, now));
        };
        let track = locked(&track);
        Series::read(&track.ring, &track.open, object.fields(), timeframe, now)
    }

    /// Raw values of the last half hour that are newer than `after`; without `history` only the newest ones.
    pub fn recent(&self, object: &Object, history: bool, after: i64) -> Vec<Point> {
        let track = locked(&self.tracks).get(object).map(Arc::clone);
        track.map_or_else(Vec::new, |track| {
            locked(&track).recent.points(object, history, after)
        })
    }

    /// The space of a datastore's file system as it was seen last, and when.
    pub fn space(&self, store: &StoreName) -> Option<(i64, Space)> {
        let object = Object::Store(store.clone());
        let track = locked(&self.tracks).get(&object).map(Arc::clone)?;
        let seen = locked(&track).recent.store()?;
        Some((seen.time, seen.what.space?))
    }

    /// Drops the memory of datastores that are no longer configured. Their files stay: a store may come back.
    pub fn keep_only(&self, stores: &[StoreName]) {
        locked(&self.tracks).retain(|object, _| match object {
            Object::Host => true,
            Object::Store(name) => stores.contains(name),
        });
    }

    /// Writes what is open: at the end of the server.
    pub fn flush(&self) -> io::Result<()> {
        let tracks: Vec<_> = locked(&self.tracks).values().map(Arc::clone).collect();
        tracks.iter().try_for_each(|track| locked(track).write())
    }

    fn known(&self, object: &Object, now: i64) -> io::Result<Option<Arc<Mutex<Track>>>> {
        let is_open = locked(&self.tracks).contains_key(object);
        if !is_open && !self.folder.join(object.file_name()).exists() {
            return Ok(None);
        }
        self.track(object, now).map(Some)
    }

    fn track(&self, object: &Object, now: i64) -> io::Result<Arc<Mutex<Track>>> {
        let mut tracks = locked(&self.tracks);
        if let Some(track) = tracks.get(object) {
            return Ok(Arc::clone(track));
        }
        let ring = Ring::open(&self.folder, &object.file_name(), object.fields())?;
        let track = Arc::new(Mutex::new(Track::open(ring, now)));
        tracks.insert(object.clone(), Arc::clone(&track));
        Ok(track)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
