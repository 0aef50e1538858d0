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

mod states;

use states::States;

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

    /// Replace a configuration that is there already; it is kept beside the new one, with the time in its name.
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let places = args.server.places(context)?;
    let items = takeover::look(&args.directory)?;
    refuse_foreign(&args.directory, &items)?;
    let states = args.state.as_deref().map(states::look).transpose()?;
    let states = states.unwrap_or_default();
    report(&items, &states)?;
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
    tell(&takeover::settle(&places.config_dir)?)?;
    // All that can fail for want of room or rights is done before the configuration is exchanged.
    let staged = states.stage(&places.state_dir)?;
    let (to, like) = (&places.config_dir, Some(&*places.state_dir));
    let now = jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let kept = takeover::put(&items, to, args.overwrite, like, &now).map_err(not_empty)?;
    staged.put()?;
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

/// What an earlier import left that was ended between its steps.
fn tell(left: &takeover::Leftovers) -> Result<()> {
    if let Some(kept) = &left.kept {
        out::line(&format!(
            "note        an earlier import was interrupted when it had taken effect; the configuration before it is now {}",
            kept.display()
        ))?;
    }
    for path in &left.unfinished {
        out::line(&format!(
            "note        {} was left by an import that had no effect; remove it, it holds secrets",
            path.display()
        ))?;
    }
    Ok(())
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

fn report(items: &[Item], states: &States) -> Result<()> {
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
    for (name, why) in &states.left {
        out::line(&format!("left        jobstates/{name}: {why}"))?;
    }
    if !states.found.is_empty() {
        out::line(&format!(
            "taken over  states of {} jobs",
            states.found.len()
        ))?;
    }
    for note in takeover::notes(items) {
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
