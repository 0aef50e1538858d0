//! `search`: files and folders by their names, found by the server. Ours; servers without it, and encrypted archives, are searched by `catalog`.

use anyhow::Result;
use api::rest::search::{SearchItem, SearchReport, SearchVersion};
use console::output::OutputArgs;
use console::report::Failure;
use console::shown;
use console::table::{Column, Kind};
use format::time::rfc3339_utc;
use format::{BackupTime, GroupOrSnapshot, Snapshot};
use serde_json::{Value, json};

use super::group_or_snapshot_path;
use crate::connection::{connect, in_namespace};
use crate::context::Context;
use crate::nearest::Around;
use crate::records;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// Find files and folders by their names, in all snapshots.
///
/// The server looks through the snapshots of the namespace and of all below it. Each line
/// is one version of an entry (its kind, size and time), with the newest snapshot that has
/// it. Encrypted archives are left out: `catalog shell` and its `find` look into those.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom search hosts
  strongroom search '*.conf' host/web1 --newest
  strongroom search 'etc/*/hosts' host/web1/2026-01-05T02:00:00Z")]
pub struct Args {
    /// A part of a name; with `*`, `?` or `[`, a pattern for the end of a path; else, with a
    /// slash in it, a part of a path.
    pattern: String,

    /// Only this group (type/id) or snapshot (type/id/time).
    #[arg(value_parser = group_or_snapshot_path)]
    group: Option<GroupOrSnapshot>,

    /// Only the last snapshot of each group.
    #[arg(long)]
    newest: bool,

    /// Tell upper from lower case.
    #[arg(long)]
    case_sensitive: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let (group, time) = match args.group {
        None => (None, None),
        Some(GroupOrSnapshot::Group(group)) => (Some(group), None),
        Some(GroupOrSnapshot::Snapshot(Snapshot { group, time })) => (Some(group), Some(time)),
    };
    let query = in_namespace(&namespace)
        .text("pattern", &args.pattern)
        .set("newest", args.newest)
        .set("case-sensitive", args.case_sensitive)
        .opt("backup-type", group.as_ref().map(|g| g.ty.to_string()))
        .opt("backup-id", group.as_ref().map(|g| g.id.to_string()))
        .opt("backup-time", time.map(BackupTime::epoch));
    let mut all = SearchReport::default();
    loop {
        let from = all.next.take();
        let query = query.clone().opt("from", from.clone());
        let found = at.client.get(&at.path("search"), &query).await;
        match found {
            Ok(more) => all.append(more),
            Err(error) if is_absent(&error) => return Err(absent()),
            Err(error) => return Err(Around::of(&at, &namespace).place(error).await),
        }
        if all.next.is_none() {
            break;
        }
        if all.next == from {
            return Err(stuck());
        }
    }
    if all.encrypted > 0 {
        let count = all.encrypted;
        let next = context.advice("`strongroom catalog shell` looks into them");
        tracing::warn!("{count} encrypted archives were left out; {next}");
    }
    if all.failed > 0 {
        let count = all.failed;
        tracing::warn!(
            "{count} archives or namespaces could not be read; the server's log says why"
        );
    }
    let data = match output.format {
        console::json::Format::Text => all.entries.iter().flat_map(lines).collect(),
        _ => serde_json::to_value(&all.entries)?,
    };
    let columns = [
        Column::text("text").header("path"),
        Column::number("size").render(records::size),
        Column::text("mtime"),
        Column::text("newest").header("newest snapshot"),
        Column::number("snapshots"),
        Column::text("archive"),
    ];
    let by = [("text", Kind::Text), ("newest", Kind::Text)];
    Ok(output.list(&data, &columns, &by)?)
}

fn is_absent(error: &remote::Error) -> bool {
    error.status() == Some(404) && error.to_string().contains("Path '")
}

fn absent() -> anyhow::Error {
    Failure::new("this server cannot search")
        .hint("`strongroom catalog shell SNAPSHOT ARCHIVE` and its `find` search one snapshot on any server")
        .into()
}

/// A server that answers so would be asked for ever.
fn stuck() -> anyhow::Error {
    Failure::new("the search stopped: the server's answer ends where it began")
        .hint("search in one group or snapshot, or look with `strongroom catalog shell` and its `find`")
        .into()
}

/// A line of the table for each version.
fn lines(item: &SearchItem) -> impl Iterator<Item = Value> {
    let group = format!("{}/{}", item.backup_type, item.backup_id);
    let ns = match item.ns.is_root() {
        true => String::new(),
        false => format!("{}: ", item.ns),
    };
    let line = move |version: &SearchVersion| {
        let newest = version.snapshots.iter().max().copied().unwrap_or_default();
        let newest = rfc3339_utc(newest).unwrap_or_else(|_| newest.to_string());
        let mtime = version.mtime.and_then(|time| rfc3339_utc(time).ok());
        json!({
            "text": format!("{}{}", shown::name(item.text.as_bytes()), if version.kind == "d" { "/" } else { "" }),
            "size": version.size,
            "mtime": mtime,
            "newest": format!("{ns}{group}/{newest}"),
            "snapshots": version.snapshots.len(),
            "archive": item.archive_name.trim_end_matches(".didx"),
        })
    };
    item.versions.iter().map(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_version() {
        let item: SearchItem = serde_json::from_value(json!({
            "archive-name": "root.pxar.didx", "backup-id": "web", "backup-type": "host", "filepath": "L2E=", "ns": "a/b",
            "text": "/a\u{1b}", "versions": [
                { "type": "f", "size": 3, "mtime": 1_700_000_000, "snapshots": [1_700_086_400, 1_700_000_000] },
                { "type": "d", "snapshots": [1_600_000_000] },
            ],
        }))
        .expect("item");
        let text = |line: Value| {
            format!(
                "{} {} {} {}",
                line["text"], line["size"], line["newest"], line["snapshots"]
            )
        };
        assert_eq!(
            lines(&item).map(text).collect::<Vec<_>>(),
            [
                r#""/a\\u{1b}" 3 "a/b: host/web/2023-11-15T22:13:20Z" 2"#,
                r#""/a\\u{1b}/" null "a/b: host/web/2020-09-13T12:26:40Z" 1"#,
            ]
        );
    }

    #[test]
    fn a_server_without_search_is_told_from_one_that_refuses() {
        let refused = |status, text: &str| remote::Error::Refused {
            status,
            request: String::new(),
            text: text.to_owned(),
        };
        assert!(is_absent(&refused(
            404,
            "Path '/api2/json/admin/datastore/a/search' not found."
        )));
        assert!(!is_absent(&refused(404, "namespace not found")));
        assert!(!is_absent(&refused(400, "Path 'x' not found.")));
    }
}
