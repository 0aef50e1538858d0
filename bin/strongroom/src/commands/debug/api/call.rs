//! `debug api get|set|create|delete`

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use console::table::{Column, Kind};
use console::{json, out};
use remote::Query;
use serde_json::Value;

use super::description::Description;
use crate::context::Context;
use crate::repository::RepositoryArgs;
use crate::task_log;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Set,
    Create,
    Delete,
}

impl Verb {
    /// Its name in HTTP and in the description.
    fn http(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::Set => "put",
            Verb::Create => "post",
            Verb::Delete => "delete",
        }
    }
}

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom debug api get /admin/datastore
  strongroom debug api create /config/prune --id nightly --store tank --schedule daily
  strongroom debug api set /config/prune/nightly --keep-last 3")]
pub struct Args {
    /// The path, with or without a slash in front.
    api_path: String,

    /// Any parameters of the API, as --name value; the server checks them.
    #[arg(allow_hyphen_values = true)]
    parameters: Vec<String>,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(verb: Verb, args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let query = query(&args.parameters)?;
    let at = super::open(&args.repository, context).await?;
    let path = format!("/{}", args.api_path.trim_matches('/'));
    let answered = match verb {
        Verb::Get => at.client.get(&path, &query).await,
        Verb::Set => at.client.put_form(&path, &query).await,
        Verb::Create => at.client.post_form(&path, &query).await,
        Verb::Delete => at.client.delete(&path, &query).await,
    };
    let data: Value = match answered {
        Ok(data) => data,
        Err(error) => {
            // A server without a description has the last word.
            let known = Description::of(&at.client).await;
            let unknown = known.ok().and_then(|known| unknown(&known, verb, &path));
            return Err(unknown.map_or_else(|| error.into(), Into::into));
        }
    };
    if data.as_str().is_some_and(|text| text.starts_with("UPID:")) {
        return task_log::report(&at.client, &data, &output).await;
    }
    // A server without a description says nothing of its answers either.
    let is_described = match verb {
        Verb::Get => Description::of(&at.client)
            .await
            .is_ok_and(|known| known.answers(&path)),
        _ => false,
    };
    match &data {
        Value::Null => Ok(()),
        Value::Array(items) if is_described && items.iter().all(Value::is_object) => {
            Ok(output.list(&data, &columns(items), &[])?)
        }
        Value::Object(_) if is_described => {
            Ok(output.object(&data, &columns(std::slice::from_ref(&data)))?)
        }
        _ => Ok(out::json(&format!("{}\n", json::pretty(&data)))?),
    }
}

/// What the original says of a call that there is not, which it knows before it calls.
fn unknown(known: &Description, verb: Verb, path: &str) -> Option<Failure> {
    let http = verb.http();
    match known.find(path) {
        None => Some(
            Failure::new(format!("no such resource '{path}'"))
                .hint("`strongroom debug api ls PATH` lists what is below a path"),
        ),
        Some(operations) if !operations.contains_key(http) => {
            let what = http.to_ascii_uppercase();
            let failure = Failure::new(format!("no {what} handler defined for '{path}'"));
            Some(failure.hint(format!(
                "`strongroom debug api usage {path}` shows what it takes"
            )))
        }
        Some(_) => None,
    }
}

/// Parameters by name; one that stands several times is a list.
fn query(parameters: &[String]) -> Result<Query> {
    let mut names: Vec<(&str, Vec<Value>)> = Vec::new();
    for parameter in parameters {
        let pair = parameter
            .strip_prefix("--")
            .and_then(|pair| pair.split_once('='));
        let Some((name, value)) = pair else {
            return Err(
                Failure::new(format!("got additional arguments: {:?}", [parameter]))
                    .hint("parameters are given as --name value")
                    .into(),
            );
        };
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value.into()),
            None => names.push((name, vec![value.into()])),
        }
    }
    let mut query = Query::new();
    for (name, mut values) in names {
        query = match (values.pop(), values.is_empty()) {
            (Some(single), true) => query.set(name, single),
            (Some(last), false) => {
                values.push(last);
                query.set(name, values)
            }
            (None, _) => query,
        };
    }
    Ok(query)
}

/// All members that occur, by name; those that all items have come first.
fn columns(items: &[Value]) -> Vec<Column<'_>> {
    let mut keys: Vec<(&str, Kind)> = Vec::new();
    for (key, value) in items.iter().filter_map(Value::as_object).flatten() {
        let kind = match value {
            Value::Bool(_) => Kind::Boolean,
            Value::Number(_) => Kind::Number,
            _ => Kind::Text,
        };
        match keys.iter_mut().find(|(known, _)| known == key) {
            Some(known) if known.1 != kind => known.1 = Kind::Text,
            Some(_) => {}
            None => keys.push((key, kind)),
        }
    }
    let somewhere_missing = |key: &str| items.iter().any(|item| item.get(key).is_none());
    keys.sort_by_key(|(key, _)| (somewhere_missing(key), *key));
    keys.into_iter()
        .map(|(key, kind)| Column::new(key, kind).optional())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_lists() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = query(&words("--a=1 --delete=x --delete=y --b=")).expect("parameters");
        assert_eq!(found.to_string(), "a=1&b=&delete=x&delete=y");
        assert!(query(&words("stray")).is_err());
    }

    #[test]
    fn calls_that_there_are_not() {
        let known: Description = serde_json::from_value(serde_json::json!({"paths": {
            "/access/users/{userid}": {"get": {}},
        }}))
        .expect("a description");
        let told = |verb, path| unknown(&known, verb, path).map(|failure| failure.what);
        assert_eq!(
            told(Verb::Get, "/nope").as_deref(),
            Some("no such resource '/nope'")
        );
        assert_eq!(
            told(Verb::Create, "/access/users/x").as_deref(),
            Some("no POST handler defined for '/access/users/x'")
        );
        assert_eq!(told(Verb::Get, "/access/users/x"), None);
    }
}
