//! `restore`: one archive of a snapshot to a place or to standard output (cli.md 3.4).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use client::{Parts, Restore, RestoreWatch};
use console::human;
use console::out;
use console::progress::{self, Amount, Direction, Progress, ProgressArgs, Stream};
use console::report::Failure;
use console::screen::Screen;
use format::{ArchiveKind, ArchiveName, GroupOrSnapshot};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use pxar::{MatchKind, Pattern, PatternList};
use serde_json::json;
use tree::ExtractOptions;

use super::snapshot::group_or_snapshot_path;
use crate::connection::connect;
use crate::context::Context;
use crate::failure::{check_key, explain, explain_beside};
use crate::interrupt::{or_ended, or_stopped};
use crate::keys::{self, KeyArgs, Offer};
use crate::nearest::missing_archive;
use crate::outage::PatienceArgs;
use crate::rate::RateArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::snapshots::Shelf;
use crate::written::{Became, Written};

mod small;

/// Restore an archive of a snapshot.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom restore host/web1 root.pxar /tmp/restored
  strongroom restore host/web1 etc.pxar out --pattern '**/*.conf'
  strongroom restore vm/105/2026-01-06T02:01:40Z disk.img - > /dev/vg/disk")]
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
    progress: ProgressArgs,
    #[command(flatten)]
    patience: PatienceArgs,
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

    /// Also write what a split archive says before its root (the patterns that left things out)
    /// to this file.
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
    let key = key.map(|loaded| loaded.key);
    let shelf = Shelf {
        store: &at.repository.store,
        namespace: &namespace,
        patience: &args.patience.with(at.client),
    };
    let opening = shelf.open(&args.snapshot, key.clone());
    let (restore, _) = or_stopped("nothing was restored", opening).await?;
    // The wrapped key is what one needs when the key is lost.
    if archive != ArchiveName::rsa_key() || key.is_some() {
        check_key(&restore, key.as_deref())?;
    }
    if archive.is_manifest() {
        let manifest = restore.manifest_json().to_vec();
        return whole(&restore, move |note| small::write(&target, &manifest, note)).await;
    }
    let parts = find_parts(&restore, &archive)?;
    if archive.kind() == ArchiveKind::Blob {
        let fetching = restore.blob(&archive).map_err(explain);
        let data = or_stopped("nothing was restored", fetching).await?;
        return whole(&restore, move |note| small::create(&target, &data, note)).await;
    }
    let watch = Watch::new(&context.screen, archive.label());
    let stream = args.progress.stream(match &target {
        Target::Output => progress::Place::StandardError,
        Target::Path(_) => progress::Place::StandardOutput,
    });
    let watch = Arc::new(watch.with_stream(stream, &archive));
    let heard = watch.clone();
    let to_directory = target != Target::Output && archive.kind() == ArchiveKind::Dynamic;
    let written = Written::default();
    let half = "what was written is not the whole archive";
    let (hint, work): (_, BoxFuture<'_, Result<(), client::Error>>) = match target {
        Target::Output if matches!(parts, Parts::Split { .. }) => {
            return Err(Failure::new("unable to pipe split archive")
                .hint("restore it to a directory")
                .into());
        }
        Target::Output => {
            let out = Box::new(written.through(out::Stream::open()?));
            let work = restore.stream(&archive, out, heard).map_ok(drop);
            (None, work.boxed())
        }
        Target::Path(path) if archive.kind() == ArchiveKind::Fixed => {
            let work = restore.image(&archive, path, heard).map_ok(drop);
            (Some("the unfinished image was removed"), work.boxed())
        }
        Target::Path(path) => {
            let prelude_target = args.extract.prelude_target.as_deref();
            if let Some(target) = prelude_target {
                write_prelude(&restore, &parts, target, options.overwrite_files).await?;
            }
            let work = match &parts {
                Parts::Whole(archive) => {
                    let work = restore.tree(archive, path, options, heard);
                    work.map_ok(drop).boxed()
                }
                Parts::Split { metadata, payload } => {
                    let work = restore.split_tree(metadata, payload, path, options, heard);
                    work.map_ok(drop).boxed()
                }
            };
            (Some(STOPPED), work)
        }
    };
    let became = || hint.map_or_else(|| written.became(half), Became::This);
    let end = restore.give_up();
    // Only what goes to a directory can be gone on with.
    let explain = match to_directory {
        true => explain,
        false => explain_beside,
    };
    or_ended(became, work.map_err(explain), end).await?;
    watch.summary();
    Ok(())
}

/// What is left of an archive that was restored to a directory, and how to go on.
const STOPPED: &str = "what was restored before is still there; to go on, run the command again with --allow-existing-dirs --overwrite";

#[derive(Debug, PartialEq, Eq)]
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
            .hint("`strongroom snapshot files` lists the archives of a snapshot")
    })
}

/// What can be refused before a connection is made.
fn check(args: &Args, archive: &ArchiveName, target: &Target) -> Result<(), Failure> {
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

pub fn exists(path: &Path) -> Failure {
    Failure::new(format!(
        "unable to create target file {path:?} - File exists (os error 17)"
    ))
    .hint("choose another name; to write to a device, restore to `-` and redirect")
}

/// The archive, or the pair, that the name stands for in this snapshot.
fn find_parts(restore: &Restore, archive: &ArchiveName) -> Result<Parts, Failure> {
    Parts::find(restore.manifest(), archive)
        .ok_or_else(|| missing_archive(archive, restore.manifest()))
}

/// Archives in one piece have no prelude, and split ones only if patterns left something out.
async fn write_prelude(
    restore: &Restore,
    parts: &Parts,
    target: &Path,
    overwrite: bool,
) -> Result<()> {
    let prelude = match parts {
        Parts::Whole(_) => None,
        Parts::Split { metadata, .. } => restore.prelude(metadata).await.map_err(explain)?,
    };
    let Some(prelude) = prelude else {
        tracing::info!("the archive has no prelude, {target:?} is not written");
        return Ok(());
    };
    let target = Target::new(target);
    let put = if overwrite {
        small::write
    } else {
        small::create
    };
    whole(restore, move |note| put(&target, &prelude, note)).await
}

/// Writes something small, on a thread that a pipe without a reader may hold.
async fn whole(
    restore: &Restore,
    write: impl FnOnce(&Written) -> Result<()> + Send + 'static,
) -> Result<()> {
    let written = Written::default();
    let note = written.clone();
    let work = async {
        restore
            .run_blocking(move || Ok(write(&note)))
            .await
            .map_err(explain)?
    };
    let became = || written.became("what was written is not whole");
    or_ended(became, work, restore.give_up()).await
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
    /// The archive's name, and where its progress goes as JSON.
    stream: Option<(ArchiveName, Stream)>,
}

struct State {
    progress: Progress,
    done: u64,
}

impl Watch {
    pub fn new(screen: &Screen, label: &str) -> Watch {
        let state = State {
            progress: Progress::new(screen, Direction::Download, label),
            done: 0,
        };
        Watch {
            state: Mutex::new(state),
            started: Instant::now(),
            stream: None,
        }
    }

    /// Progress goes to `stream`, if there is one, instead of the screen.
    fn with_stream(mut self, stream: Option<Stream>, archive: &ArchiveName) -> Watch {
        self.stream = stream.map(|stream| (archive.clone(), stream));
        if let Some((archive, stream)) = &self.stream {
            stream.event("started", json!({ "archive": archive.to_string() }));
        }
        self
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn summary(&self) {
        let (done, elapsed) = (self.state().done, self.started.elapsed());
        if let Some((archive, stream)) = &self.stream {
            let archive = archive.to_string();
            let duration = elapsed.as_secs_f64();
            let record = json!({"archive": archive, "done": done, "duration": duration});
            stream.event("summary", record);
        }
        tracing::info!("{}", summary(done, elapsed));
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
        if let Some((archive, stream)) = &self.stream {
            let archive = archive.to_string();
            let record = || json!({"archive": archive, "done": done, "total": total});
            return stream.progress(Instant::now(), record);
        }
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
