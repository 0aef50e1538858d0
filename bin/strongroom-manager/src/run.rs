//! A row that was asked for: its parameters are gathered, its route is called, its answer is shown.

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use clap::parser::ValueSource;
use clap::{ArgMatches, FromArgMatches as _};
use config::ConfigError;
use config::edit::EditError;
use console::output::OutputArgs;
use console::report::Failure;
use http::Method;
use serde_json::{Map, Value};
use server::fault::Fault;
use server::local::CallError;
use server::route::Route;

use crate::context::{Context, TaskServerArgs};
use crate::row::{At, Row, Shows};
use crate::site::Site;
use crate::{follow, show};

/// Runs a command on a site of its own.
pub fn row(row: &'static Row, matches: &ArgMatches, context: &Context) -> Result<()> {
    let Some(route) = server::local::route(&row.verb, row.path) else {
        bail!("this build has no {} {}", row.verb, row.path);
    };
    let output = match row.output {
        true => OutputArgs::from_arg_matches(matches)?,
        false => OutputArgs::text(),
    };
    let output = context.output(&output)?;
    let members = members(row, route, matches)?;
    let server = TaskServerArgs::from_arg_matches(matches)?;
    on_site(row.at, &server, context, async move |site| {
        if let Some((list, _)) = row.guard {
            check_digest(site, list, matches).await?;
        }
        let also = also(row, &members);
        let said = match site.call(&row.verb, row.path, members).await {
            Err(error) if row.forgives && is_of_nobody(&error) => return Ok(()),
            said => said?,
        };
        if let Some((path, members)) = also {
            site.call(&Method::PUT, path, members).await?;
        }
        let upid = said.data.as_str().filter(|text| text.starts_with("UPID:"));
        match (row.shows, upid) {
            (Shows::Task, Some(upid)) => follow::started(site, upid, output.format).await,
            _ => show::print(row.shows, route, said.data, &output, context),
        }
    })
}

/// The further route that a given parameter asks for, with its parameters.
fn also(row: &Row, members: &Map<String, Value>) -> Option<(&'static str, Map<String, Value>)> {
    let (param, path, takes) = row.also?;
    members.get(param.name)?;
    let taken = members.iter();
    let taken = taken.filter(|(name, _)| takes.contains(&name.as_str()));
    Some((path, taken.map(|(n, v)| (n.clone(), v.clone())).collect()))
}

/// Whether the user who was named is not there.
fn is_of_nobody(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<CallError>();
    matches!(refused, Some(CallError::Refused(Fault::NoTarget(_))))
}

/// Opens a site and works with it.
pub fn on_site<T>(
    at: At,
    server: &TaskServerArgs,
    context: &Context,
    work: impl AsyncFnOnce(&Site) -> Result<T>,
) -> Result<T> {
    let places = server.server.places(context)?;
    let log_dir = server.log_dir(&places);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the program's threads")?;
    let outcome = runtime.block_on(async {
        let site = Site::open(at, &places, log_dir).await?;
        work(&site).await
    });
    // After a second interrupt a task may still be at work.
    runtime.shutdown_background();
    outcome
}

/// The parameters that were given, as the route takes them.
fn members(row: &Row, route: &Route, matches: &ArgMatches) -> Result<Map<String, Value>> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for (name, value) in row.fixed {
        pairs.push((name, (*value).to_owned()));
    }
    let guards = row.guard.map_or(&[][..], |(_, options)| options);
    let own = route.params.params();
    for param in own.filter(|param| guards.iter().all(|guard| guard.name != param.name)) {
        for text in given(matches, param.name) {
            pairs.push((param.name, text));
        }
    }
    for (_, value) in pairs.iter_mut().filter(|(name, _)| row.file == Some(*name)) {
        let path = std::path::Path::new(value.as_str());
        let content = std::fs::read(path).map_err(|error| {
            Failure::new(format!("cannot read {}", path.display())).cause(error)
        })?;
        *value = base64::engine::general_purpose::STANDARD.encode(content);
    }
    let texts = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    Ok(route.params.parse(texts)?)
}

/// The texts that an argument was given on the command line; its default is not one.
fn given(matches: &ArgMatches, name: &str) -> Vec<String> {
    let is_ours = matches.try_contains_id(name).unwrap_or(false)
        && matches.value_source(name) == Some(ValueSource::CommandLine);
    if !is_ours {
        return Vec::new();
    }
    let raw = matches.get_raw(name).into_iter().flatten();
    raw.map(|text| text.to_string_lossy().into_owned())
        .collect()
}

/// Compares `--digest` with the digest beside a list.
async fn check_digest(site: &Site, list: &str, matches: &ArgMatches) -> Result<()> {
    let Some(expected) = given(matches, "digest").pop() else {
        return Ok(());
    };
    let said = site.call(&Method::GET, list, Map::new()).await?;
    match said.beside.get("digest").and_then(Value::as_str) {
        Some(digest) if digest != expected => Err(EditError::from(ConfigError::Modified).into()),
        _ => Ok(()),
    }
}
