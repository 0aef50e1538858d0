//! `key ...`: encryption keys and master keys of this user (cli.md 3.10).

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use console::report::Failure;
use format::time::OffsetTime;

use crate::context::{Context, now};
use crate::keys::DEFAULT_KEY;
use crate::places;

mod passphrase;

mod change_passphrase;
mod create;
mod create_master_key;
mod import_master_pubkey;
mod import_with_master_key;
mod paperkey;
mod show;
mod show_master_pubkey;

/// Encryption keys and master keys.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  strongroom key create key.json
  strongroom key show key.json")]
pub enum Command {
    ChangePassphrase(change_passphrase::Args),
    Create(create::Args),
    CreateMasterKey(create_master_key::Args),
    ImportMasterPubkey(import_master_pubkey::Args),
    ImportWithMasterKey(import_with_master_key::Args),
    Paperkey(paperkey::Args),
    Show(show::Args),
    ShowMasterPubkey(show_master_pubkey::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::ChangePassphrase(args) => change_passphrase::run(args, context),
            Command::Create(args) => create::run(args, context),
            Command::CreateMasterKey(args) => create_master_key::run(args, context),
            Command::ImportMasterPubkey(args) => import_master_pubkey::run(args, context),
            Command::ImportWithMasterKey(args) => import_with_master_key::run(args, context),
            Command::Paperkey(args) => paperkey::run(args, context),
            Command::Show(args) => show::run(args, context),
            Command::ShowMasterPubkey(args) => show_master_pubkey::run(args, context),
        }
    }
}

/// The place of a default file of that name, where it is written.
fn default_place(name: &str, context: &Context) -> Result<PathBuf, Failure> {
    let place = context.places.own_config(name).ok_or_else(|| {
        Failure::new(format!("no place for the default file {name}"))
            .hint("set HOME or XDG_CONFIG_HOME, or name a file")
    })?;
    places::make_folder(&place).map_err(|error| {
        let what = format!("cannot make the folder of {} - {error}", place.display());
        Failure::new(what).cause(error)
    })?;
    Ok(place)
}

/// The file that is meant: the given one or the default key.
fn existing(path: Option<PathBuf>, context: &Context) -> Result<PathBuf, Failure> {
    path.or_else(|| context.places.find_config(DEFAULT_KEY))
        .ok_or_else(|| {
            Failure::new("no encryption key file specified and no default file found")
                .hint("name a file, or make a default key with `strongroom key create`")
        })
}

/// A key is never overwritten unless that file was named for it.
fn taken(path: &Path) -> Failure {
    let text = format!(
        "unable to create key file '{}' - File exists (os error 17)",
        path.display()
    );
    Failure::new(text).hint("choose another name; a key is never overwritten")
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(format!("unable to read '{}' - {error}", path.display()))
        .cause(error)
        .hint("check the name and its permissions")
}

fn local_now(context: &Context) -> Result<OffsetTime> {
    let epoch_s = now();
    let offset =
        jiff::Timestamp::from_second(epoch_s).map(|time| context.zone.to_offset(time).seconds());
    Ok(OffsetTime::new(epoch_s, offset.unwrap_or(0))?)
}
