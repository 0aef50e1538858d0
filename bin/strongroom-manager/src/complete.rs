//! `bashcomplete`: what may follow on the line that a shell is editing (cli.md 1.10). Names are looked up where the command itself would find them:
//! in the list that stands above the object in the API. Whatever fails gives no candidates.

use anyhow::Result;
use console::complete::{Value as Asked, complete, split};
use console::out;
use http::Method;
use serde_json::{Map, Value};

use crate::context::{Context, TaskServerArgs};
use crate::row::At;
use crate::{rows, run, tree};

/// Lists for parameters that are no part of a path: the parameter, the route, its key.
const LISTS: &[(&str, &str, &str)] = &[
    ("store", "config/datastore", "name"),
    ("remote", "config/remote", "name"),
    ("auth-id", "access/users", "userid"),
    ("owner", "access/users", "userid"),
    ("mailto-user", "access/users", "userid"),
    ("notify-user", "access/users", "userid"),
    ("target", "config/notifications/targets", "name"),
];

/// Prints the candidates.
pub fn print(context: &Context) {
    let Some(line) = line(context) else { return };
    let (words, typed) = split(&line);
    let found = complete(
        &tree::tree(),
        &[],
        words.get(1..).unwrap_or_default(),
        &typed,
    );
    let mut candidates = found.words;
    if let Some(asked) = &found.value {
        candidates.extend(names(asked, context).unwrap_or_default());
    }
    candidates.retain(|word| !word.contains('\n'));
    let text: String = candidates.iter().map(|word| format!("{word}\n")).collect();
    // The shell has gone; nobody can be told.
    let _ = out::print(&text);
}

/// The line up to the cursor.
fn line(context: &Context) -> Option<String> {
    let line = context.text("COMP_LINE")?;
    let point = context
        .text("COMP_POINT")
        .and_then(|text| text.parse().ok());
    Some(line.chars().take(point.unwrap_or(usize::MAX)).collect())
}

/// The names that a parameter may have.
fn names(asked: &Asked, context: &Context) -> Result<Vec<String>> {
    let Some((path, key)) = list(asked) else {
        return Ok(Vec::new());
    };
    let given = |name: &str| {
        let mut pairs = asked.given.iter();
        pairs
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.clone())
    };
    let mut members = Map::new();
    for name in variables(&path) {
        members.insert(name.to_owned(), given(name).unwrap_or_default().into());
    }
    let server = TaskServerArgs::of(
        given("config-dir").map(Into::into),
        given("state-dir").map(Into::into),
    );
    let said = run::on_site(At::Here, &server, context, async |site| {
        site.call(&Method::GET, &path, members).await
    })?;
    let items = said.data.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |item: &Value| {
        let keys = [key.as_str(), "name", "id"];
        keys.iter()
            .find_map(|key| item[*key].as_str().map(str::to_owned))
    };
    let all = items.iter().filter_map(name);
    Ok(all.filter(|name| name.starts_with(&asked.typed)).collect())
}

/// The route that lists what a parameter may be, and the key of the name.
fn list(asked: &Asked) -> Option<(String, String)> {
    let row = rows::find(&asked.path.join(" "));
    let above = row.and_then(|row| {
        let (above, _) = row.path.split_once(&format!("/{{{}}}", asked.name))?;
        Some((above.to_owned(), asked.name.clone()))
    });
    let made_new = row.is_some_and(|row| {
        row.verb == Method::POST && row.positional.first() == Some(&asked.name.as_str())
    });
    let other = LISTS
        .iter()
        .find(|(name, ..)| *name == asked.name && !made_new);
    let (path, key) =
        above.or_else(|| other.map(|(_, path, key)| ((*path).to_owned(), (*key).to_owned())))?;
    server::local::route(&Method::GET, &path).map(|_| (path, key))
}

fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
