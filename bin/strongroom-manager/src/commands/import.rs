//! `import`: takes over the configuration of an existing server, whole or not at all.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use config::Places;
use config::takeover::{self, Item, PutError, Verdict};
use console::out;
use console::report::Failure;
use server::presence;

use crate::context::{Context, ServerArgs};

/// How long a server that has announced itself is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Take over the configuration of a Proxmox Backup Server: users, rights, passwords, datastores, jobs, certificate, keys.
///
/// Every file is checked first, and all is reported. If anything is wrong, nothing is changed. The files are copied; the old directory stays as it is.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom-manager import /etc/proxmox-backup --dry-run
  strongroom-manager import /etc/proxmox-backup --state /var/lib/proxmox-backup")]
pub struct Args {
    /// The configuration directory, or a copy of it.
    #[arg(value_name = "<path>")]
    directory: PathBuf,

    /// The state directory that belongs to it, for the times at which jobs ran last.
    #[arg(long, value_name = "<path>")]
    state: Option<PathBuf>,

    /// Check and report only.
    #[arg(long)]
    dry_run: bool,

    /// Replace a configuration that is there already; it is kept beside the new one.
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let places = args.server.places(context)?;
    let items = takeover::look(&args.directory)?;
    refuse_foreign(&args.directory, &items)?;
    let states = args.state.as_deref().map(job_states).transpose()?;
    report(&items, states.as_deref().unwrap_or_default())?;
    let wrong = items
        .iter()
        .filter(|item| matches!(item.verdict, Verdict::Wrong(_)))
        .count();
    if wrong > 0 {
        let text = format!("{wrong} of the files are wrong, nothing was changed");
        return Err(Failure::new(text)
            .hint("mend them in a copy of the directory, and import that")
            .into());
    }
    if args.dry_run {
        return Ok(out::line("nothing was changed (dry run)")?);
    }
    refuse_running(&places)?;
    let kept = takeover::put(&items, &places.config_dir, args.overwrite).map_err(not_empty)?;
    if let Some(states) = states {
        copy_states(&states, &places)?;
    }
    if let Some(kept) = kept {
        out::line(&format!(
            "the configuration that was there is now {}",
            kept.display()
        ))?;
    }
    Ok(out::line(&format!(
        "configuration taken over to {}",
        places.config_dir.display()
    ))?)
}

/// A directory without any of the files that each server has is somewhere else.
fn refuse_foreign(directory: &Path, items: &[Item]) -> Result<()> {
    let names = ["user.cfg", "datastore.cfg", "acl.cfg", "node.cfg"];
    if items.iter().any(|item| names.contains(&item.name.as_str())) {
        return Ok(());
    }
    let text = format!(
        "{} holds no configuration of a backup server",
        directory.display()
    );
    Err(Failure::new(text)
        .hint("the original's is /etc/proxmox-backup")
        .into())
}

/// A server would go on with what it has read.
fn refuse_running(places: &Places) -> Result<()> {
    let Some(address) = presence::find(&places.state_dir) else {
        return Ok(());
    };
    if TcpStream::connect_timeout(&address, PATIENCE).is_err() {
        return Ok(());
    }
    let text = format!(
        "the server of {} is running at {address}",
        places.config_dir.display()
    );
    Err(Failure::new(text).hint("stop it first").into())
}

fn not_empty(error: PutError) -> anyhow::Error {
    match error {
        PutError::NotEmpty(_) => Failure::new(error.to_string())
            .hint("--overwrite replaces what is there, and keeps it beside the new one")
            .into(),
        error => error.into(),
    }
}

/// The files that tell when jobs ran last.
fn job_states(state: &Path) -> Result<Vec<PathBuf>> {
    let folder = state.join("jobstates");
    let list = std::fs::read_dir(&folder).map_err(|error| {
        Failure::new(format!("cannot list {}", folder.display()))
            .cause(error)
            .hint("the original's state directory is /var/lib/proxmox-backup")
    })?;
    let mut found = Vec::new();
    for entry in list {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn copy_states(states: &[PathBuf], places: &Places) -> Result<()> {
    let folder = places.state_dir.join("jobstates");
    std::fs::create_dir_all(&folder)?;
    for path in states {
        if let Some(name) = path.file_name() {
            let target = folder.join(name);
            std::fs::copy(path, &target).map_err(|error| {
                Failure::new(format!("cannot copy {}", path.display())).cause(error)
            })?;
        }
    }
    Ok(())
}

fn report(items: &[Item], states: &[PathBuf]) -> Result<()> {
    for item in items {
        let name = &item.name;
        let line = match &item.verdict {
            Verdict::Used(what) if what.is_empty() => format!("taken over  {name}"),
            Verdict::Used(what) => format!("taken over  {name}: {what}"),
            Verdict::Kept(why) => format!("kept        {name}: {why}"),
            Verdict::Left(why) => format!("left        {name}: {why}"),
            Verdict::Wrong(error) => format!("wrong       {name}: {}", with_causes(error)),
        };
        out::line(&line)?;
    }
    if !states.is_empty() {
        out::line(&format!("taken over  states of {} jobs", states.len()))?;
    }
    for note in takeover::missing(items) {
        out::line(&format!("note        {note}"))?;
    }
    Ok(())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        text += &format!(": {cause}");
        at = cause.source();
    }
    text
}
