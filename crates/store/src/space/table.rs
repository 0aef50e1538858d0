//! The table of the space index: which snapshots were counted, by which index files, and what the sums were. A text of lines with tabs, read as
//! a whole; what is not as expected means that everything is counted anew. Layout: `docs/formats/space-index.md`.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use super::{GroupSpace, NamespaceSpace, SnapshotSpace, Space, SpaceReport};
use crate::files;

const HEAD: &str = "strongroom-space 1";
const END: &str = "end";
/// A kilobyte for each of a million snapshots.
const SIZE_MAX: u64 = 1 << 30;

/// A snapshot as it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number in the records.
    pub id: u32,
    /// Its index files, with what tells that they are the same ones: `name:mtime:size,...`.
    pub identity: String,
    pub entry: SnapshotSpace,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// The same number stands in the file of records that belongs to it.
    pub generation: u64,
    pub rows: Vec<Row>,
    /// Without its snapshots, which are in the rows.
    pub report: SpaceReport,
}

impl Table {
    /// Nothing if there is none, or none that can be used.
    pub(super) fn load(path: &Path) -> Option<Table> {
        let file = File::open(path).ok()?;
        let bytes = files::read_bounded(&file, path, SIZE_MAX).ok()?;
        Table::parse(std::str::from_utf8(&bytes).ok()?)
    }

    pub(super) fn into_report(self) -> SpaceReport {
        SpaceReport {
            snapshots: self.rows.into_iter().map(|row| row.entry).collect(),
            ..self.report
        }
    }

    pub(super) fn print(&self) -> String {
        let mut out = format!("{HEAD}\n");
        let report = &self.report;
        let sums = [
            self.generation.to_string(),
            report.updated.to_string(),
            report.chunks.to_string(),
            report.bytes.to_string(),
            report.missing.to_string(),
        ];
        out.push_str(&format!("sums\t{}\n", sums.join("\t")));
        let space = |space: &Space| format!("{}\t{}\t{}", space.unique, space.shared, space.files);
        for NamespaceSpace { ns, space: of } in &report.namespaces {
            writeln!(out, "namespace\t{ns}\t{}", space(of)).expect("a text takes what it is given");
        }
        for GroupSpace {
            ns,
            group,
            space: of,
        } in &report.groups
        {
            writeln!(out, "group\t{ns}\t{group}\t{}", space(of))
                .expect("a text takes what it is given");
        }
        for Row {
            id,
            identity,
            entry,
        } in &self.rows
        {
            let SnapshotSpace {
                ns,
                snapshot,
                space: of,
            } = entry;
            writeln!(
                out,
                "snapshot\t{ns}\t{snapshot}\t{}\t{id}\t{identity}",
                space(of)
            )
            .expect("a text takes what it is given");
        }
        out.push_str(END);
        out
    }

    fn parse(text: &str) -> Option<Table> {
        let mut lines = text.strip_suffix(END)?.lines();
        if lines.next()? != HEAD {
            return None;
        }
        let sums: Vec<&str> = lines.next()?.split('\t').collect();
        let ["sums", generation, updated, chunks, bytes, missing] = sums.as_slice() else {
            return None;
        };
        let mut table = Table {
            generation: generation.parse().ok()?,
            rows: Vec::new(),
            report: SpaceReport {
                updated: updated.parse().ok()?,
                chunks: chunks.parse().ok()?,
                bytes: bytes.parse().ok()?,
                missing: missing.parse().ok()?,
                ..SpaceReport::default()
            },
        };
        for line in lines {
            table.add(&line.split('\t').collect::<Vec<_>>())?;
        }
        Some(table)
    }

    fn add(&mut self, line: &[&str]) -> Option<()> {
        let space = |unique: &str, shared: &str, files: &str| {
            Some(Space {
                unique: unique.parse().ok()?,
                shared: shared.parse().ok()?,
                files: files.parse().ok()?,
            })
        };
        match line {
            ["namespace", ns, unique, shared, files] => {
                self.report.namespaces.push(NamespaceSpace {
                    ns: ns.parse().ok()?,
                    space: space(unique, shared, files)?,
                })
            }
            ["group", ns, group, unique, shared, files] => self.report.groups.push(GroupSpace {
                ns: ns.parse().ok()?,
                group: group.parse().ok()?,
                space: space(unique, shared, files)?,
            }),
            [
                "snapshot",
                ns,
                snapshot,
                unique,
                shared,
                files,
                id,
                identity,
            ] => self.rows.push(Row {
                id: id.parse().ok()?,
                identity: (*identity).to_owned(),
                entry: SnapshotSpace {
                    ns: ns.parse().ok()?,
                    snapshot: snapshot.parse().ok()?,
                    space: space(unique, shared, files)?,
                },
            }),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let space = Space {
            unique: 1,
            shared: 2,
            files: 3,
        };
        let ns: format::Namespace = "a/b".parse().expect("namespace");
        let table = Table {
            generation: 77,
            rows: vec![Row {
                id: 9,
                identity: "root.pxar.didx:1700000000000000001:4096".to_owned(),
                entry: SnapshotSpace {
                    ns: ns.clone(),
                    snapshot: "host/pc/2023-11-14T22:13:20Z".parse().expect("snapshot"),
                    space,
                },
            }],
            report: SpaceReport {
                updated: 5,
                chunks: 6,
                bytes: 7,
                missing: 8,
                namespaces: vec![NamespaceSpace {
                    ns: format::Namespace::root(),
                    space,
                }],
                groups: vec![GroupSpace {
                    ns,
                    group: "host/pc".parse().expect("group"),
                    space,
                }],
                snapshots: Vec::new(),
            },
        };
        let text = table.print();
        assert_eq!(Table::parse(&text), Some(table));
        for end in 0..text.len() {
            assert_eq!(Table::parse(&text[..end]), None, "a part of it");
        }
        for damaged in [
            text.replace("host/pc/", "host/../"),
            text.replace("\t77\t", "\tx\t"),
            text.replace("space 1", "space 2"),
        ] {
            assert_eq!(Table::parse(&damaged), None, "{damaged}");
        }
    }
}
