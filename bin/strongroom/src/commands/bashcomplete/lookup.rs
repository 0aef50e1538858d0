//! Values that stand somewhere: on the server, in the cache of repositories, in a folder.

use std::time::Duration;

use clap::Parser;
use console::complete::Value;
use console::files::paths;
use format::{Group, Namespace, Snapshot};
use remote::Query;
use serde_json::Value as Json;

use super::sources::backup_specs;
use crate::connection::{Connection, connect, in_namespace, known_repositories};
use crate::context::Context;
use crate::records;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// Longer than this nobody waits for a Tab.
const PATIENCE: Duration = Duration::from_secs(5);

/// Candidates for the value of a parameter, those alone that begin with what is typed.
pub async fn candidates(value: &Value, context: &Context) -> Vec<String> {
    let typed = value.typed.as_str();
    let mut found = match value.name.as_str() {
        "repository" => known_repositories(context),
        "chunk-size" => (6..=12).map(|power| (1 << power).to_string()).collect(),
        "backupspec" => backup_specs(typed),
        "path" | "ca-file" | "keyfile" | "master-pubkey-file" | "master-keyfile"
        | "encrypted-keyfile" | "target" | "logfile" | "include-dev" | "prelude-target"
        | "file" | "output-path" | "directory" | "output" => paths(typed),
        _ => {
            let asked = tokio::time::timeout(PATIENCE, from_server(value, context)).await;
            asked.ok().flatten().unwrap_or_default()
        }
    };
    found.retain(|word| word.starts_with(typed));
    found
}

/// The place that the line names.
#[derive(Parser)]
struct Place {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
}

impl Place {
    fn of(value: &Value) -> Option<Place> {
        const NAMES: [&str; 7] = [
            "repository",
            "server",
            "port",
            "datastore",
            "auth-id",
            "ca-file",
            "ns",
        ];
        let options = value
            .given
            .iter()
            .filter(|(name, _)| NAMES.contains(&name.as_str()))
            .map(|(name, text)| format!("--{name}={text}"));
        Place::try_parse_from(std::iter::once("x".to_string()).chain(options)).ok()
    }
}

async fn from_server(value: &Value, context: &Context) -> Option<Vec<String>> {
    let place = Place::of(value)?;
    let namespace = place.namespace.resolve(&context.environment).ok()?;
    let repository = place.repository.resolve(&context.environment).ok()?;
    let wanted = Wanted::of(value)?;
    let at = connect(context, repository, None).await.ok()?;
    let typed = value.typed.as_str();
    match wanted {
        Wanted::Namespace => namespaces(&at, typed).await,
        Wanted::Group => groups(&at, &namespace).await,
        Wanted::Snapshot => snapshots(&at, &namespace, typed).await,
        Wanted::GroupOrSnapshot if typed.matches('/').count() < 2 => {
            let groups = groups(&at, &namespace).await?;
            let both = |group: String| [group.clone(), format!("{group}/")];
            Some(groups.into_iter().flat_map(both).collect())
        }
        Wanted::GroupOrSnapshot => snapshots(&at, &namespace, typed).await,
        Wanted::Archive(kinds) => archives(&at, &namespace, value, kinds).await,
        Wanted::Owner => owners(&at).await,
        Wanted::Task => tasks(&at).await,
    }
}

/// What the server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Namespace,
    Group,
    Snapshot,
    GroupOrSnapshot,
    /// Archives with one of these endings.
    Archive(&'static [&'static str]),
    Owner,
    Task,
}

impl Wanted {
    fn of(value: &Value) -> Option<Wanted> {
        const TREES: &[&str] = &[".pxar", ".mpxar", ".ppxar"];
        const IMAGES: &[&str] = &[".img"];
        let verb = value.path.first().map_or("", String::as_str);
        Some(match (value.name.as_str(), verb) {
            ("ns" | "target-ns", _) => Wanted::Namespace,
            ("group", _) => Wanted::Group,
            ("snapshot", "restore" | "mount" | "map" | "nbd" | "catalog") => {
                Wanted::GroupOrSnapshot
            }
            ("snapshot" | "prev-snapshot", _) => Wanted::Snapshot,
            ("archive-name", "mount" | "catalog" | "debug") => Wanted::Archive(TREES),
            ("archive-name", "map" | "nbd") => Wanted::Archive(IMAGES),
            ("archive-name", _) => Wanted::Archive(&[""]),
            ("new-owner", _) => Wanted::Owner,
            ("upid", _) => Wanted::Task,
            _ => return None,
        })
    }
}

/// Two levels below the part that is complete.
async fn namespaces(at: &Connection, typed: &str) -> Option<Vec<String>> {
    let parent = typed.rfind('/').map_or("", |at| &typed[..at]);
    let parent: Namespace = parent.parse().ok()?;
    let query = Query::new().set("max-depth", 2).text("parent", parent);
    let all: Json = at.client.get(&at.path("namespace"), &query).await.ok()?;
    Some(texts(&all, |item| Some(item["ns"].as_str()?.to_string())))
}

async fn groups(at: &Connection, namespace: &Namespace) -> Option<Vec<String>> {
    let query = in_namespace(namespace);
    let all: Json = at.client.get(&at.path("groups"), &query).await.ok()?;
    Some(texts(&all, |item| Some(records::group(item))))
}

/// Of the group, once that is typed.
async fn snapshots(at: &Connection, namespace: &Namespace, typed: &str) -> Option<Vec<String>> {
    let group = typed.rsplit_once('/').map(|(group, _)| group);
    let query = match group.and_then(|text| text.parse::<Group>().ok()) {
        Some(group) => of_group(namespace, &group),
        None => in_namespace(namespace),
    };
    let all: Json = at.client.get(&at.path("snapshots"), &query).await.ok()?;
    Some(texts(&all, |item| {
        Some(records::snapshot(item, "backup-time"))
    }))
}

fn of_group(namespace: &Namespace, group: &Group) -> Query {
    in_namespace(namespace)
        .text("backup-type", group.ty)
        .text("backup-id", &group.id)
}

/// Archives of the snapshot, or of the newest of the group, that stands before.
async fn archives(
    at: &Connection,
    namespace: &Namespace,
    value: &Value,
    endings: &[&str],
) -> Option<Vec<String>> {
    let named = value
        .given
        .iter()
        .rev()
        .find(|(name, _)| name == "snapshot")
        .map(|(_, text)| text.as_str())?;
    let (group, time) = match named.parse::<Snapshot>() {
        Ok(snapshot) => (snapshot.group, Some(snapshot.time.epoch())),
        Err(_) => (named.parse().ok()?, None),
    };
    let query = of_group(namespace, &group);
    let all: Vec<Json> = at.client.get(&at.path("snapshots"), &query).await.ok()?;
    let newest = all
        .iter()
        .filter(|item| time.is_none_or(|time| item["backup-time"] == time))
        .max_by_key(|item| item["backup-time"].as_i64())?;
    let names = records::files(&newest["files"], newest);
    let fitting = names
        .split(' ')
        .filter(|name| endings.iter().any(|ending| name.ends_with(ending)));
    Some(fitting.map(str::to_string).collect())
}

/// Users and their tokens.
async fn owners(at: &Connection) -> Option<Vec<String>> {
    let query = Query::new().set("include_tokens", true);
    let all: Vec<Json> = at.client.get("/access/users", &query).await.ok()?;
    let text = |item: &Json, key: &str| item[key].as_str().map(str::to_string);
    let mut found = Vec::new();
    for user in &all {
        found.extend(text(user, "userid"));
        let tokens = user["tokens"].as_array().into_iter().flatten();
        found.extend(tokens.filter_map(|token| text(token, "tokenid")));
    }
    Some(found)
}

async fn tasks(at: &Connection) -> Option<Vec<String>> {
    let query = Query::new()
        .set("limit", 50)
        .text("store", &at.repository.store);
    let all: Json = at.client.get("/nodes/localhost/tasks", &query).await.ok()?;
    Some(texts(&all, |item| Some(item["upid"].as_str()?.to_string())))
}

fn texts(all: &Json, text: impl Fn(&Json) -> Option<String>) -> Vec<String> {
    let mut found: Vec<_> = all
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(text)
        .filter(|word| !word.is_empty())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(path: &str, name: &str, given: &[(&str, &str)]) -> Value {
        Value {
            path: path.split(' ').map(str::to_string).collect(),
            name: name.into(),
            typed: String::new(),
            given: given
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()))
                .collect(),
        }
    }

    #[test]
    fn what_is_asked_for() {
        for (path, name, expected) in [
            ("restore", "snapshot", Some(Wanted::GroupOrSnapshot)),
            ("snapshot files", "snapshot", Some(Wanted::Snapshot)),
            ("map", "archive-name", Some(Wanted::Archive(&[".img"]))),
            ("restore", "archive-name", Some(Wanted::Archive(&[""]))),
            ("change-owner", "new-owner", Some(Wanted::Owner)),
            ("backup", "backup-id", None),
        ] {
            assert_eq!(
                Wanted::of(&value(path, name, &[])),
                expected,
                "{path} {name}"
            );
        }
    }

    #[test]
    fn the_place_stands_on_the_line() {
        let given = [
            ("repository", "vault:tank"),
            ("ns", "a/b"),
            ("quiet", "true"),
        ];
        let place = Place::of(&value("list", "group", &given)).unwrap();
        let environment = Default::default();
        assert_eq!(
            (
                place.repository.resolve(&environment).unwrap().to_string(),
                place.namespace.resolve(&environment).unwrap().to_string(),
            ),
            ("vault:tank".to_string(), "a/b".to_string())
        );
        assert!(Place::of(&value("list", "group", &[("port", "x")])).is_none());
    }
}
