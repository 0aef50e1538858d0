//! `catalog shell`: walk about in an archive and restore parts of it (cli.md 3.7, pxar.md 6.4).
//!
//! The engine is `client::browse`. Here are the commands' grammar, the loop, and the two ways in: a terminal with line editing
//! (`editor`), or lines from standard input. An error is told and the next line is read; without a terminal the status says at the end
//! whether one failed.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use client::browse::{Browser, Source};
use client::{Parts, RemoteArchive, Restore};
use console::report::{self, Failure};
use console::{out, shown};
use format::catalog::Catalog;
use format::{ArchiveName, GroupOrSnapshot};
use pxar::PatternList;
use tree::ExtractOptions;

use crate::commands::restore::{Watch, archive_name};
use crate::commands::snapshot::group_or_snapshot_path;
use crate::connection::connect;
use crate::context::Context;
use crate::failure::{check_key, explain, explain_beside};
use crate::keys::{self, KeyArgs, KeyFileArgs, Offer};
use crate::nearest::missing_archive;
use crate::outage::PatienceArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::snapshots::Shelf;

mod editor;
mod line;

use editor::Input;
use line::{Answer, answer};

/// Bytes of the catalog fetched at a time; chunks are kept anyway.
const READ_BYTES: usize = 64 << 10;

/// Walk about in an archive and restore parts of it.
///
/// With a terminal lines can be edited and completed with Tab. Without one, commands are read
/// from standard input, a line each; the status tells whether one of them failed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom catalog shell host/web1 root.pxar")]
pub struct Args {
    /// The snapshot (type/id/time), or a group (type/id) for its newest snapshot.
    #[arg(value_parser = group_or_snapshot_path)]
    snapshot: GroupOrSnapshot,

    /// The archive, like `root.pxar`.
    archive_name: String,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    key: KeyFileArgs,
    #[command(flatten)]
    patience: PatienceArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let archive = archive_name(&args.archive_name)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let key = KeyArgs {
        file: args.key,
        crypt_mode: None,
    };
    let choice = keys::choose(Offer::for_reading(&key, context)?)?;
    let key = choice.load_quietly(context)?.map(|loaded| loaded.key);
    let at = connect(context, repository, None).await?;
    let shelf = Shelf {
        store: &at.repository.store,
        namespace: &namespace,
        patience: &args.patience.with(at.client),
    };
    let (restore, _) = shelf.open(&args.snapshot, key.clone()).await?;
    check_key(&restore, key.as_deref())?;
    let parts = tree_parts(&restore, &archive)?;
    let mut browser = browse(&restore, &parts).await?;
    if out::is_terminal() {
        browser = browser.with_names(on_terminal);
    }
    tracing::info!("Starting interactive shell");
    Shell {
        context: context.clone(),
        restore,
        parts,
    }
    .run(browser)
    .await
}

/// Names may be any, also such as would steer the terminal.
fn on_terminal(name: &[u8]) -> Cow<'_, [u8]> {
    match shown::name(name) {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// The archives that are walked about in; only those of directories have names.
fn tree_parts(restore: &Restore, named: &ArchiveName) -> Result<Parts, Failure> {
    let is_tree = [".pxar", ".mpxar", ".ppxar"]
        .iter()
        .any(|ending| named.label().ends_with(ending));
    if !is_tree {
        return Err(
            Failure::new(format!("{named} is no archive of a directory"))
                .hint("the shell is for archives that end in .pxar"),
        );
    }
    Parts::find(restore.manifest(), named).ok_or_else(|| missing_archive(named, restore.manifest()))
}

/// Names come from the catalog where the snapshot has one that knows the archive.
async fn browse(restore: &Restore, parts: &Parts) -> Result<Browser<RemoteArchive>> {
    let archive = parts.metadata();
    let tree = client::open_tree(restore, archive).await.map_err(explain)?;
    let name = ArchiveName::catalog();
    if restore.manifest().file(&name).is_none() || matches!(parts, Parts::Split { .. }) {
        return Ok(Browser::of_archive(tree));
    }
    let catalog = restore.read_at(&name).await.map_err(explain)?;
    let archive = archive.to_string();
    let opened = client::run_blocking(move || {
        let size = pxar::ReadAt::size(&catalog);
        let source = pxar::read_at::RangeReader::new(catalog, 0..size, READ_BYTES);
        let source: Box<dyn Source> = Box::new(source);
        Ok(Catalog::open(source)
            .map_err(client::browse::BrowseError::from)
            .and_then(|catalog| Browser::with_catalog(tree, catalog, &archive)))
    });
    Ok(opened.await.map_err(explain)??)
}

struct Shell {
    context: Context,
    restore: Restore,
    parts: Parts,
}

impl Shell {
    async fn run(self, browser: Browser<RemoteArchive>) -> Result<()> {
        let mut input = Input::new(browser)?;
        let mut failed = 0_u64;
        let is_terminal = input.is_terminal();
        loop {
            let zone = self.context.zone.clone();
            // The terminal, the engine and what it fetches block.
            let step = move || {
                let line = input.read();
                let done = line.map(|line| line.map(|line| answer(&line, input.browser(), &zone)));
                Ok((input, done))
            };
            let (back, done) = client::run_blocking(step).await.map_err(explain)?;
            input = back;
            let Some(done) = done? else { break };
            let done = match done {
                Ok(Answer::Leave) => break,
                Ok(Answer::Done) => Ok(()),
                Ok(Answer::Restore { target, patterns }) => self.extract(target, patterns).await,
                Ok(Answer::Stop(stop)) => {
                    let _ = report::stopped(&self.context.screen, &stop);
                    failed += u64::from(!matches!(stop, console::args::Stop::Help(_)));
                    continue;
                }
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                if report::is_closed_output(&*error) {
                    return Err(error);
                }
                let advice = |hint: &str| self.context.advice(hint);
                let _ = report::failed_as(&self.context.screen, &*error, &advice);
                failed += 1;
            }
        }
        if failed > 0 && !is_terminal {
            return Err(Failure::new(format!("{failed} of the commands failed"))
                .hint("each has its message above")
                .into());
        }
        Ok(())
    }

    /// Whole archives and parts go the same way as with `restore`; the target keeps its own metadata.
    async fn extract(&self, target: PathBuf, patterns: PatternList) -> Result<()> {
        let options = ExtractOptions {
            patterns,
            allow_existing_dirs: true,
            keep_target_metadata: true,
            strict: true,
            ..ExtractOptions::default()
        };
        let watch = Watch::new(&self.context.screen, self.parts.metadata().label());
        let watch = Arc::new(watch);
        let (restore, heard) = (&self.restore, watch.clone());
        let done = match &self.parts {
            Parts::Whole(archive) => restore.tree(archive, target, options, heard).await,
            Parts::Split { metadata, payload } => {
                let done = restore.split_tree(metadata, payload, target, options, heard);
                done.await
            }
        };
        done.map(drop).map_err(explain_beside)?;
        watch.summary();
        Ok(())
    }
}
