//! `GET /admin/datastore/{store}/search`: files and folders by their names, in the snapshots that the caller may read. Ours alone.

use std::collections::HashMap;

use format::{BackupId, BackupTime, BackupType, Namespace};
use serde::{Deserialize, Serialize};

use super::snapshot::InNamespace;
use crate::kinds;
use crate::schema::{Field, Format, Kind, Param, Returns, Schema};

/// Entries of one answer.
pub const LIMIT_MAX: usize = 10_000;
const LIMIT: usize = 1000;

/// The request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Search {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// What is looked for.
    pub pattern: String,
    /// Levels of namespaces below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Only this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_type: Option<BackupType>,
    /// Only this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
    /// Only this time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::epoch_opt"
    )]
    pub backup_time: Option<BackupTime>,
    /// Only this archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_name: Option<String>,
    /// Only the last snapshot of each group.
    #[serde(default)]
    pub newest: bool,
    /// `a` is not `A`.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Where an earlier answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Entries to give.
    #[serde(default = "limit")]
    pub limit: usize,
}

fn limit() -> usize {
    LIMIT
}

/// Something that fits, in all snapshots of a group where it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SearchItem {
    /// The archive, as if it were in one piece.
    pub archive_name: String,
    /// Of its group.
    pub backup_id: BackupId,
    /// Of its group.
    pub backup_type: BackupType,
    /// Base64 of the path in the archive.
    pub filepath: String,
    /// Of its group.
    pub ns: Namespace,
    /// The path as text.
    pub text: String,
    /// What it was over time; the newest first.
    pub versions: Vec<SearchVersion>,
}

/// Snapshots in which an entry looks the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchVersion {
    /// Of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<i64>,
    /// Of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Times of the snapshots.
    pub snapshots: Vec<i64>,
    /// `d f l h b c p s`
    #[serde(rename = "type")]
    pub kind: String,
}

/// What comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchReport {
    /// Archives that nobody can look into here.
    pub encrypted: u64,
    /// What fits.
    pub entries: Vec<SearchItem>,
    /// Archives that could not be read, and folders that are no namespaces; the server's log says why.
    pub failed: u64,
    /// Missing at the end; else what `from` must be for what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Snapshots that were looked at.
    pub snapshots: u64,
}

impl SearchReport {
    /// Adds what came next. An entry whose group was cut in two stays one.
    pub fn append(&mut self, more: SearchReport) {
        self.encrypted += more.encrypted;
        self.failed += more.failed;
        self.snapshots += more.snapshots;
        self.next = more.next;
        // Only the last group can go on: all others were through.
        let last = |item: &SearchItem| (item.ns.clone(), item.backup_type, item.backup_id.clone());
        let group = self.entries.last().map(last);
        let begin = self
            .entries
            .partition_point(|item| Some(last(item)) != group);
        let key = |item: &SearchItem| (item.archive_name.clone(), item.filepath.clone());
        let places = self.entries.iter().enumerate().skip(begin);
        let places: HashMap<_, _> = places.map(|(at, item)| (key(item), at)).collect();
        for item in more.entries {
            let at = places.get(&key(&item)).copied();
            match at.filter(|_| Some(last(&item)) == group) {
                Some(at) => self.entries[at].append(item.versions),
                None => self.entries.push(item),
            }
        }
    }
}

impl SearchItem {
    fn append(&mut self, more: Vec<SearchVersion>) {
        for version in more {
            let same = |known: &&mut SearchVersion| {
                (&known.kind, known.size, known.mtime)
                    == (&version.kind, version.size, version.mtime)
            };
            match self.versions.iter_mut().find(same) {
                Some(known) => {
                    let new = |time: &i64| !known.snapshots.contains(time);
                    let new: Vec<i64> = version.snapshots.iter().copied().filter(new).collect();
                    known.snapshots.extend(new);
                }
                None => self.versions.push(version),
            }
        }
    }
}

const fn text(min: usize, max: usize) -> Kind {
    Kind::Text {
        min,
        max,
        format: Format::Any,
    }
}

const COUNT: Returns = Returns::Value(Kind::at_least(0));

/// Parameters of [`Search`].
pub const SEARCH: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    &[
        Param::required("pattern", text(1, 256)).about("A part of the name; with `*`, `?` or `[`, a pattern for the end of the path; with a slash otherwise, a part of the path."),
        Param::optional("max-depth", kinds::MAX_DEPTH).about("Levels of namespaces below; all of them if missing."),
        Param::optional("backup-type", kinds::BACKUP_TYPE).about("Only groups of this type."),
        Param::optional("backup-id", kinds::BACKUP_ID).about("Only groups of this id."),
        Param::optional("backup-time", kinds::BACKUP_TIME).about("Only snapshots of this time."),
        Param::optional("archive-name", kinds::FILE_NAME).about("Only archives of this name; of a split one, any of its halves."),
        Param::optional("newest", Kind::Boolean).or("false").about("Only the last snapshot of each group."),
        Param::optional("case-sensitive", Kind::Boolean).or("false").about("Tell upper from lower case."),
        Param::optional("from", text(0, 8192)).about("Go on where an earlier answer ended, with its `next`."),
        Param::optional("limit", Kind::Integer { min: 1, max: LIMIT_MAX as i64 }).or("1000").about("End after so many entries."),
    ],
]);

/// What [`SEARCH`] gives back.
pub const REPORT: Returns = Returns::object(&[
    Field::new("encrypted", COUNT),
    Field::new(
        "entries",
        Returns::List(&Returns::object(&[
            Field::new("archive-name", Returns::Value(kinds::FILE_NAME)),
            Field::new("backup-id", Returns::Value(kinds::BACKUP_ID)),
            Field::new("backup-type", Returns::Value(kinds::BACKUP_TYPE)),
            Field::new("filepath", Returns::TEXT),
            Field::new("ns", Returns::Value(kinds::NAMESPACE)),
            Field::new("text", Returns::TEXT),
            Field::new(
                "versions",
                Returns::List(&Returns::object(&[
                    Field::optional("mtime", Returns::INTEGER),
                    Field::optional("size", COUNT),
                    Field::new("snapshots", Returns::List(&Returns::INTEGER)),
                    Field::new(
                        "type",
                        Returns::Value(Kind::Enum(&["d", "f", "l", "h", "b", "c", "p", "s"])),
                    ),
                ])),
            ),
        ])),
    ),
    Field::new("failed", COUNT),
    Field::optional("next", Returns::TEXT),
    Field::new("snapshots", COUNT),
]);

#[cfg(test)]
mod tests {
    use super::*;

    fn report(entries: &[(&str, &str, &[i64], u64)], next: Option<&str>) -> SearchReport {
        let item = |(id, path, times, size): &(&str, &str, &[i64], u64)| SearchItem {
            archive_name: "root.pxar.didx".to_owned(),
            backup_id: id.parse().expect("id"),
            backup_type: BackupType::Host,
            filepath: (*path).to_owned(),
            ns: Namespace::root(),
            text: (*path).to_owned(),
            versions: vec![SearchVersion {
                mtime: None,
                size: Some(*size),
                snapshots: times.to_vec(),
                kind: "f".to_owned(),
            }],
        };
        SearchReport {
            entries: entries.iter().map(item).collect(),
            next: next.map(str::to_owned),
            snapshots: 1,
            ..SearchReport::default()
        }
    }

    #[test]
    fn answers_are_put_together() {
        let mut all = SearchReport::default();
        all.append(report(
            &[("a", "/x", &[9], 1), ("b", "/x", &[9, 8], 1)],
            Some("on"),
        ));
        assert_eq!(all.next.as_deref(), Some("on"));
        all.append(report(
            &[
                ("b", "/x", &[8, 7], 1),
                ("b", "/y", &[7], 1),
                ("b", "/x", &[6], 2),
                ("c", "/x", &[5], 1),
            ],
            None,
        ));
        let shown = |item: &SearchItem| {
            let times = |version: &SearchVersion| format!("{:?}", version.snapshots);
            let versions: Vec<String> = item.versions.iter().map(times).collect();
            format!("{} {} {}", item.backup_id, item.text, versions.join(" "))
        };
        let shown: Vec<String> = all.entries.iter().map(shown).collect();
        let expected = ["a /x [9]", "b /x [9, 8, 7] [6]", "b /y [7]", "c /x [5]"];
        assert_eq!(
            (shown.as_slice(), all.snapshots, all.next),
            (&expected.map(str::to_owned)[..], 2, None)
        );
    }
}
