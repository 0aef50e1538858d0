//! Groups and snapshots: type, id and time of a backup, as text, as path, and in their order (formats.md 1.1).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::safe_id::check;
use crate::text::NameError;
use crate::time::{TimeRangeError, parse_rfc3339_utc, rfc3339_utc};

/// What was backed up. The order of the variants is the order in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupType {
    Ct,
    Host,
    Vm,
}

impl BackupType {
    pub const ALL: [BackupType; 3] = [BackupType::Ct, BackupType::Host, BackupType::Vm];

    pub fn as_str(self) -> &'static str {
        match self {
            BackupType::Ct => "ct",
            BackupType::Host => "host",
            BackupType::Vm => "vm",
        }
    }
}

impl fmt::Display for BackupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BackupType {
    type Err = NameError;

    fn from_str(text: &str) -> Result<BackupType, NameError> {
        BackupType::ALL
            .into_iter()
            .find(|ty| ty.as_str() == text)
            .ok_or_else(|| NameError::new("backup type", text, "vm, ct or host"))
    }
}

serde_as_text!(BackupType);

/// Which machine. Numbers come first and in numeric order, all else follows by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupId(String);

checked_string!(BackupId, |text| check("backup id", text));

impl Ord for BackupId {
    fn cmp(&self, other: &BackupId) -> Ordering {
        let by_bytes = || self.0.cmp(&other.0);
        match (self.0.parse::<u64>(), other.0.parse::<u64>()) {
            // `7` and `07` are two ids, so the bytes decide between equal numbers.
            (Ok(a), Ok(b)) => a.cmp(&b).then_with(by_bytes),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => by_bytes(),
        }
    }
}

impl PartialOrd for BackupId {
    fn partial_cmp(&self, other: &BackupId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// When: Unix seconds, at least 1 and before the year 10000. Text is `2023-11-14T22:13:20Z`, serde is that text; on the wire
/// and in manifests the time is a number, see [`BackupTime::epoch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupTime(i64);

impl BackupTime {
    /// The last second of the year 9999.
    pub const MAX: BackupTime = BackupTime(253_402_300_799);

    pub fn new(epoch: i64) -> Result<BackupTime, TimeRangeError> {
        if epoch < 1 {
            return Err(TimeRangeError(epoch));
        }
        rfc3339_utc(epoch)?;
        Ok(BackupTime(epoch))
    }

    /// Unix seconds.
    pub fn epoch(self) -> i64 {
        self.0
    }
}

impl fmt::Display for BackupTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339_utc(self.0).expect("checked when made"))
    }
}

impl FromStr for BackupTime {
    type Err = NameError;

    fn from_str(text: &str) -> Result<BackupTime, NameError> {
        BackupTime::new(parse_rfc3339_utc(text)?)
            .map_err(|_| NameError::new("backup time", text, "after 1970-01-01T00:00:00Z"))
    }
}

serde_as_text!(BackupTime);

/// All snapshots of one machine: `host/pc`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    pub ty: BackupType,
    pub id: BackupId,
}

impl Group {
    pub fn new(ty: BackupType, id: BackupId) -> Group {
        Group { ty, id }
    }

    pub fn at(&self, time: BackupTime) -> Snapshot {
        Snapshot {
            group: self.clone(),
            time,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ty, self.id)
    }
}

impl FromStr for Group {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Group, NameError> {
        let (ty, id) = text
            .split_once('/')
            .ok_or_else(|| NameError::new("backup group", text, "type/id"))?;
        Ok(Group {
            ty: ty.parse()?,
            id: id.parse()?,
        })
    }
}

serde_as_text!(Group);

/// A group at a point in time: `host/pc/2023-11-14T22:13:20Z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    pub group: Group,
    pub time: BackupTime,
}

impl Snapshot {
    pub fn new(group: Group, time: BackupTime) -> Snapshot {
        Snapshot { group, time }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.time)
    }
}

impl FromStr for Snapshot {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Snapshot, NameError> {
        let (group, time) = text
            .rsplit_once('/')
            .filter(|(group, _)| group.contains('/'))
            .ok_or_else(|| NameError::new("snapshot", text, "type/id/YYYY-MM-DDTHH:MM:SSZ"))?;
        Ok(Snapshot {
            group: group.parse()?,
            time: time.parse()?,
        })
    }
}

serde_as_text!(Snapshot);

/// What commands accept where a group stands for its newest snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupOrSnapshot {
    Group(Group),
    Snapshot(Snapshot),
}

impl GroupOrSnapshot {
    pub fn group(&self) -> &Group {
        match self {
            GroupOrSnapshot::Group(group) => group,
            GroupOrSnapshot::Snapshot(snapshot) => &snapshot.group,
        }
    }
}

impl fmt::Display for GroupOrSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupOrSnapshot::Group(group) => group.fmt(f),
            GroupOrSnapshot::Snapshot(snapshot) => snapshot.fmt(f),
        }
    }
}

impl FromStr for GroupOrSnapshot {
    type Err = NameError;

    fn from_str(text: &str) -> Result<GroupOrSnapshot, NameError> {
        match text.matches('/').count() {
            1 => text.parse().map(GroupOrSnapshot::Group),
            2 => text.parse().map(GroupOrSnapshot::Snapshot),
            _ => Err(NameError::new(
                "group or snapshot",
                text,
                "type/id or type/id/YYYY-MM-DDTHH:MM:SSZ",
            )),
        }
    }
}

serde_as_text!(GroupOrSnapshot);
