//! `restore`: one archive of a snapshot to a place or to standard output (cli.md 3.4).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use client::{Place, Restore, RestoreWatch};
use console::human;
use console::out;
use console::progress::{Amount, Progress};
use console::report::Failure;
use console::screen::Screen;
use format::{ArchiveKind, ArchiveName, GroupOrSnapshot};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use pxar::{MatchKind, Pattern, PatternList};
use tree::ExtractOptions;

use super::snapshot::group_or_snapshot_path;
use crate::connection::connect;
use crate::context::Context;
use crate::failure::{check_key, explain};
use crate::interrupt::or_stopped;
use crate::keys::{self, KeyArgs, Offer};
use crate::rate::RateArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::{places, snapshots};

/// Restore an archive of a snapshot.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The snapshot (type/id/time), or a group (type/id) for its newest snapshot.
    #[arg(value_parser = group_or_snapshot_path)]
    snapshot: GroupOrSnapshot,

    /// The archive, like `root.pxar`, `disk.img`, `app.conf` or `index.json`.
    archive_name: String,

    /// The directory or new file to restore to; `-` for standard output.
    target: PathBuf,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    rate: RateArgs,
    #[command(flatten)]
    extract: ExtractArgs,
}

/// How an archive becomes a directory.
#[derive(clap::Args, Debug)]
struct ExtractArgs {
    /// Restore only what matches; `!` takes out again.
    #[arg(long)]
    pattern: Vec<String>,

    /// Directories may exist already.
    #[arg(long)]
    allow_existing_dirs: bool,

    /// Replace existing files, symlinks and hard links.
    #[arg(long)]
    overwrite: bool,

    /// Replace existing files.
    #[arg(long)]
    overwrite_files: bool,

    /// Replace what exists by symlinks of the archive.
    #[arg(long)]
    overwrite_symlinks: bool,

    /// Replace what exists by hard links of the archive.
    #[arg(long)]
    overwrite_hardlinks: bool,

    /// Leave out access control lists.
    #[arg(long)]
    ignore_acls: bool,

    /// Leave out extended attributes.
    #[arg(long)]
    ignore_xattrs: bool,

    /// Do not restore owner and group.
    #[arg(long)]
    ignore_ownership: bool,

    /// Do not restore permissions.
    #[arg(long)]
    ignore_permissions: bool,

    /// Go on when device nodes cannot be made.
    #[arg(long)]
    ignore_extract_device_errors: bool,

    /// File for the prelude of a split archive; such archives are not supported.
    #[arg(long)]
    prelude_target: Option<PathBuf>,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let archive = archive_name(&args.archive_name)?;
    let target = Target::new(&args.target);
    let options = args.extract.options()?;
    check(&args, &archive, &target)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let key = keys::choose(Offer::for_reading(&args.key, context)?)?.load(context)?;
    if let Some(loaded) = &key {
        tracing::info!("Fingerprint: {}", loaded.info.fingerprint.short());
    }

    let at = connect(context, repository, args.rate.rate()).await?;
    let snapshot = snapshots::resolve(&at, &namespace, &args.snapshot).await?;
    let place = Place {
        store: at.repository.store.clone(),
        namespace,
        snapshot,
    };
    let key = key.map(|loaded| loaded.key);
    let restore = Restore::open(&at.client, &place, key.clone())
        .await
        .map_err(explain)?;
    // The wrapped key is what one needs when the key is lost.
    if archive != ArchiveName::rsa_key() || key.is_some() {
        check_key(&restore, key.as_deref())?;
    }
    if archive.is_manifest() {
        return write_small(&target, restore.manifest_json());
    }
    check_listed(&restore, &archive)?;
    if archive.kind() == ArchiveKind::Blob {
        let data = restore.blob(&archive).await.map_err(explain)?;
        return create_small(&target, &data);
    }
    let watch = Arc::new(Watch::new(&context.screen, archive.label()));
    let heard = watch.clone();
    let (hint, work): (_, BoxFuture<'_, Result<(), client::Error>>) = match target {
        Target::Output => {
            let out = Box::new(out::Stream::open()?);
            let work = restore.stream(&archive, out, heard).map_ok(drop);
            ("what was written is not the whole archive", work.boxed())
        }
        Target::Path(path) if archive.kind() == ArchiveKind::Fixed => {
            let work = restore.image(&archive, path, heard).map_ok(drop);
            ("the unfinished image was removed", work.boxed())
        }
        Target::Path(path) => {
            let work = restore.tree(&archive, path, options, heard).map_ok(drop);
            ("what was restored before is still there", work.boxed())
        }
    };
    or_stopped(hint, work.map_err(explain)).await?;
    watch.summary();
    Ok(())
}

enum Target {
    Output,
    Path(PathBuf),
}

impl Target {
    fn new(path: &Path) -> Target {
        if path.as_os_str() == "-" {
            Target::Output
        } else {
            Target::Path(path.to_path_buf())
        }
    }
}

pub fn archive_name(text: &str) -> Result<ArchiveName, Failure> {
    ArchiveName::from_user(text).map_err(|error| {
        Failure::new(format!("'{text}' does not name an archive"))
            .cause(error)
            .hint("`snapshot files` lists the archives of a snapshot")
    })
}

/// What can be refused before a connection is made.
fn check(args: &Args, archive: &ArchiveName, target: &Target) -> Result<(), Failure> {
    if args.extract.prelude_target.is_some() {
        return Err(Failure::new(
            "--prelude-target is for split archives, which this build does not restore",
        )
        .hint("leave out the option"));
    }
    if archive.label().ends_with(".mpxar") || archive.label().ends_with(".ppxar") {
        return Err(Failure::new(format!(
            "{archive} is half of a split archive, which this build does not restore"
        ))
        .hint("use a client of the original for this archive"));
    }
    match target {
        Target::Output if !args.extract.pattern.is_empty() => Err(Failure::new(
            "--pattern cannot be used when restoring to standard output",
        )
        .hint("restore to a directory")),
        Target::Path(path) if archive.kind() != ArchiveKind::Dynamic && !archive.is_manifest() => {
            match path.symlink_metadata() {
                Ok(_) => Err(exists(path)),
                Err(_) => Ok(()),
            }
        }
        Target::Output | Target::Path(_) => Ok(()),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new(format!(
        "unable to create target file {path:?} - File exists (os error 17)"
    ))
    .hint("choose another name; to write to a device, restore to `-` and redirect")
}

fn check_listed(restore: &Restore, archive: &ArchiveName) -> Result<(), Failure> {
    if restore.manifest().file(archive).is_some() {
        return Ok(());
    }
    let files = restore.manifest().files.iter();
    let labels: Vec<_> = files
        .map(|file| file.filename.label().to_string())
        .collect();
    Err(
        Failure::new(format!("manifest does not contain file '{archive}'"))
            .hint(format!("the snapshot has: {}", labels.join(" "))),
    )
}

/// The manifest replaces a file whole.
fn write_small(target: &Target, data: &[u8]) -> Result<()> {
    match target {
        Target::Output => Ok(out::write(data)?),
        Target::Path(path) => Ok(places::replace(path, data, 0o644).map_err(|error| {
            Failure::new(format!("unable to write file {path:?} - {error}")).cause(error)
        })?),
    }
}

/// A blob goes to a new file.
fn create_small(target: &Target, data: &[u8]) -> Result<()> {
    match target {
        Target::Output => Ok(out::write(data)?),
        Target::Path(path) => Ok(
            places::create(path, data, 0o644).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => exists(path),
                _ => Failure::new(format!("unable to create target file {path:?} - {error}"))
                    .cause(error),
            })?,
        ),
    }
}

impl ExtractArgs {
    fn options(&self) -> Result<ExtractOptions> {
        let mut patterns = PatternList::new();
        for text in &self.pattern {
            patterns.push(Pattern::parse(text.as_bytes(), MatchKind::Include).map_err(
                |error| {
                    Failure::new(format!("invalid pattern '{text}'"))
                        .cause(error)
                        .hint("check --pattern")
                },
            )?);
        }
        Ok(ExtractOptions {
            patterns,
            allow_existing_dirs: self.allow_existing_dirs,
            overwrite_files: self.overwrite || self.overwrite_files,
            overwrite_symlinks: self.overwrite || self.overwrite_symlinks,
            overwrite_hardlinks: self.overwrite || self.overwrite_hardlinks,
            overwrite_nodes: self.overwrite,
            ignore_acls: self.ignore_acls,
            ignore_xattrs: self.ignore_xattrs,
            ignore_ownership: self.ignore_ownership,
            ignore_permissions: self.ignore_permissions,
            ignore_extract_device_errors: self.ignore_extract_device_errors,
            strict: true,
            ..ExtractOptions::default()
        })
    }
}

/// Shows how far a restore has come.
pub struct Watch {
    state: Mutex<State>,
    started: Instant,
}

struct State {
    progress: Progress,
    done: u64,
}

impl Watch {
    pub fn new(screen: &Screen, label: &str) -> Watch {
        let state = State {
            progress: Progress::new(screen, label),
            done: 0,
        };
        Watch {
            state: Mutex::new(state),
            started: Instant::now(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn summary(&self) {
        tracing::info!("{}", summary(self.state().done, self.started.elapsed()));
    }
}

fn summary(done: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let (amount, time) = (human::bytes(done), human::duration(seconds));
    format!(
        "restore complete ({amount} processed in {time}, average {})",
        human::speed(done as f64 / seconds)
    )
}

impl RestoreWatch for Watch {
    fn progress(&self, done: u64, total: u64) {
        let mut state = self.state();
        state.done = done;
        state.progress.update(Amount {
            processed: done,
            transferred: done,
            total: Some(total),
        });
    }

    fn remark(&self, remark: &tree::Remark) {
        tracing::warn!("{remark}");
    }

    fn entry_error(&self, error: &tree::EntryError) {
        tracing::warn!("warning: {error}: {}", error.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line() {
        for (done, elapsed_ms, expected) in [
            (
                5 << 20,
                500,
                "restore complete (5 MiB processed in 0.5s, average 10 MiB/s)",
            ),
            (
                0,
                0,
                "restore complete (0 B processed in 0s, average 0 B/s)",
            ),
        ] {
            assert_eq!(summary(done, Duration::from_millis(elapsed_ms)), expected);
        }
    }
}
