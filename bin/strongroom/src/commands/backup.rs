//! `backup`: directories, images and small files into one new snapshot (cli.md 3.1).
//!
//! All that can be known to be wrong is told before a connection is made. The work is
//! `client::backup`; what the user reads of it is in `log`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use client::{BackupOptions, Detection, Place, Protection, Source, SourceKind};
use console::args::{integer, matching};
use console::progress::{self, ProgressArgs};
use console::report::Failure;
use crypto::rsa::MasterPublicKey;
use crypto::{SystemRandom, keyfile};
use format::index::FIXED_CHUNK;
use format::{BackupId, BackupTime, BackupType, CryptMode, Group, Snapshot};
use pxar::{MatchKind, Pattern};
use tree::{CreateOptions, DeviceSet};

use crate::connection::connect;
use crate::context::{Context, now};
use crate::failure::explain;
use crate::interrupt::or_stopped;
use crate::keys::{self, KeyArgs, Loaded, MasterKeyArgs, Offer};
use crate::outage::PatienceArgs;
use crate::rate::RateArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};

mod log;
mod spec;

use log::Log;
use spec::{Spec, parse_spec};

/// Back up directories, images and small files to a new snapshot.
///
/// Each source is `NAME.TYPE:PATH`. TYPE is `pxar` for a directory, `img` for a disk image or
/// block device, `conf` or `log` for a small file.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom backup root.pxar:/ --exclude /var/cache
  strongroom backup etc.pxar:/etc disk.img:/dev/vg/disk --backup-id web1 --keyfile key.json
  strongroom backup home.pxar:/home --change-detection-mode metadata")]
pub struct Args {
    /// What to back up: `root.pxar:/`, `disk.img:/dev/vg/disk`, `app.conf:/etc/app.conf`.
    #[arg(required = true, value_parser = parse_spec)]
    backupspec: Vec<Spec>,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    master: MasterKeyArgs,
    #[command(flatten)]
    rate: RateArgs,
    #[command(flatten)]
    patience: PatienceArgs,
    #[command(flatten)]
    progress: ProgressArgs,

    /// Kind of the group.
    #[arg(long, default_value = "host")]
    backup_type: TypeArg,

    /// Name of the group; by default this host's name up to the first dot.
    #[arg(long)]
    backup_id: Option<BackupId>,

    /// Time of the snapshot in seconds since 1970; by default now.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    backup_time: Option<i64>,

    /// Average size of the pieces of directories in KiB, a power of two.
    #[arg(long, value_name = "<integer> (64 - 4096)", value_parser = integer(64, 4096), default_value = "4096")]
    chunk_size: i64,

    /// How changed files are found. `legacy` reads every file and stores one archive per
    /// directory; `data` reads every file and stores names and data apart; `metadata` does too,
    /// but reads only files whose metadata differ from the previous snapshot's. Only changed
    /// data is uploaded in any mode.
    #[arg(long, default_value = "legacy")]
    change_detection_mode: ChangeDetection,

    /// Pattern of paths to leave out, relative to each directory; `!` takes back in.
    #[arg(long, value_parser = matching(1..=65536, |_| true))]
    exclude: Vec<String>,

    /// Also enter the mount points of the file system that this path is on.
    #[arg(long)]
    include_dev: Vec<PathBuf>,

    /// Enter all mount points.
    #[arg(long)]
    all_file_systems: bool,

    /// Leave out everything named lost+found.
    #[arg(long)]
    skip_lost_and_found: bool,

    /// Leave out what is in directories marked as caches (by a file CACHEDIR.TAG).
    #[arg(long)]
    exclude_caches: bool,

    /// Keep files whose extended attributes are too large to be read, without them.
    #[arg(long)]
    skip_e2big_xattr: bool,

    /// Most directory entries in memory at once.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX), default_value = "1048576")]
    entries_max: i64,

    /// Ask the server to bypass its cache of an object store.
    #[arg(long)]
    no_cache: bool,

    /// Only say what would be uploaded. The server sees a session that is given up.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TypeArg {
    Vm,
    Ct,
    Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ChangeDetection {
    Legacy,
    Data,
    Metadata,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    check_twice(&args.backupspec)?;
    let chunk_size = chunk_size(args.chunk_size)?;
    let sources = sources(&args)?;
    let snapshot = snapshot(&args)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let choice = keys::choose(Offer::new(
        &args.key.file,
        args.key.crypt_mode,
        &args.master,
        context,
    )?)?;

    let place = Place {
        store: repository.store.clone(),
        namespace,
        snapshot,
    };
    log::head(&place, context);
    let key = choice.load(context)?;
    if let Some(loaded) = &key {
        tracing::info!(
            "Encryption key fingerprint: {}",
            loaded.info.fingerprint.short()
        );
    }
    let master = choice.load_master(context)?;
    let mut options = BackupOptions::new(protection(choice.mode, key.as_ref()));
    options.master_blob = wrapped(key.as_ref(), master.as_ref())?;
    options.chunk_size_avg = chunk_size;
    options.no_cache = args.no_cache;
    options.dry_run = args.dry_run;
    if let Some(notice) = about_chunks(chunk_size, &sources) {
        tracing::info!("{notice}");
    }

    let at = connect(context, repository, args.rate.rate()).await?;
    options.patience = Some(args.patience.with(Arc::clone(&at.client)));
    // A time that was asked for stays.
    options.now = args.backup_time.is_none().then_some(now as fn() -> i64);
    let log = Arc::new(Log::new(
        &sources,
        &at.repository,
        args.progress.stream(progress::Place::StandardOutput),
        context,
    ));
    let backup = client::backup(&at.client, &place, &options, sources, log.clone());
    let hint =
        "the server removes the unfinished snapshot; the next backup goes on with what was sent";
    let report = or_stopped(hint, async { backup.await.map_err(explain) }).await;
    log.end();
    let report = report?;
    if args.dry_run {
        tracing::info!("dry-run: no upload happened");
    } else {
        log.tail(&place.namespace, &report);
    }
    Ok(())
}

/// How files that are to be read are found; nothing for archives in one piece.
fn detection(mode: ChangeDetection) -> Option<Detection> {
    match mode {
        ChangeDetection::Legacy => None,
        ChangeDetection::Data => Some(Detection::Data),
        ChangeDetection::Metadata => Some(Detection::Metadata),
    }
}

/// Every source, checked for existence and kind.
fn sources(args: &Args) -> Result<Vec<Source>> {
    if args.all_file_systems && !args.include_dev.is_empty() {
        let failure = Failure::new("option 'all-file-systems' already includes 'include-dev'");
        return Err(failure
            .hint("give only one of --all-file-systems and --include-dev")
            .into());
    }
    let options = CreateOptions {
        excludes: patterns(&args.exclude)?,
        skip_lost_and_found: args.skip_lost_and_found,
        skip_caches: args.exclude_caches,
        devices: match (args.all_file_systems, args.include_dev.is_empty()) {
            (true, _) => DeviceSet::All,
            (false, true) => DeviceSet::OnlySource,
            (false, false) => DeviceSet::Listed(args.include_dev.clone()),
        },
        entries_max: u64::try_from(args.entries_max).unwrap_or(1),
        skip_e2big_xattr: args.skip_e2big_xattr,
        ..CreateOptions::default()
    };
    let detection = detection(args.change_detection_mode);
    let specs = args.backupspec.iter();
    let sources = specs.map(|spec| spec.source(&options, detection));
    let sources = sources.collect::<Result<_, _>>()?;
    check_pipes(&args.backupspec)?;
    Ok(sources)
}

/// A pipe is read once; the second archive would wait for ever.
fn check_pipes(specs: &[Spec]) -> Result<(), Failure> {
    let mut pipes = BTreeSet::new();
    let twice = |spec: &&Spec| spec.pipe().is_some_and(|pipe| !pipes.insert(pipe));
    match specs.iter().find(twice) {
        Some(spec) => Err(
            Failure::new(format!("got named pipe twice: '{}'", spec.path.display())).hint(
                "what comes out of a pipe can be read only once: give each image a pipe of its own",
            ),
        ),
        None => Ok(()),
    }
}

/// Told before any source is looked at, as the original does.
fn check_twice(specs: &[Spec]) -> Result<(), Failure> {
    let mut targets = BTreeSet::new();
    match specs.iter().find(|spec| !targets.insert(spec.target())) {
        Some(spec) => Err(
            Failure::new(format!("got target twice: '{}'", spec.target()))
                .hint("give each archive another name"),
        ),
        None => Ok(()),
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>> {
    let parsed = texts.iter().map(|text| {
        let clean = pxar::pattern::sanitize(text.as_bytes());
        if clean != text.as_bytes() {
            let clean = String::from_utf8_lossy(&clean);
            tracing::warn!("Sanitized exclude pattern. '{text}' is used as '{clean}'");
        }
        Pattern::parse(&clean, MatchKind::Exclude).map_err(|error| {
            Failure::new(format!("invalid exclude pattern '{text}'"))
                .cause(error)
                .hint("check --exclude")
                .into()
        })
    });
    parsed.collect()
}

fn snapshot(args: &Args) -> Result<Snapshot> {
    let ty = match args.backup_type {
        TypeArg::Vm => BackupType::Vm,
        TypeArg::Ct => BackupType::Ct,
        TypeArg::Host => BackupType::Host,
    };
    let id = match &args.backup_id {
        Some(id) => id.clone(),
        None => {
            let name = log::host_name();
            let name = name.split('.').next().unwrap_or_default();
            name.parse().map_err(|error: format::NameError| {
                Failure::new("this host's name cannot name a group")
                    .cause(error)
                    .hint("give --backup-id NAME")
            })?
        }
    };
    Ok(Snapshot::new(
        Group::new(ty, id),
        BackupTime::new(args.backup_time.unwrap_or_else(now))?,
    ))
}

fn chunk_size(kib: i64) -> Result<usize, Failure> {
    let bytes = usize::try_from(kib).unwrap_or(0) << 10;
    if !bytes.is_power_of_two() {
        return Err(
            Failure::new(format!("Got unsupported chunk size '{bytes}'"))
                .hint("--chunk-size is one of 64, 128, 256, 512, 1024, 2048, 4096"),
        );
    }
    Ok(bytes)
}

/// `--chunk-size` is not followed everywhere.
fn about_chunks(size: usize, sources: &[Source]) -> Option<&'static str> {
    let is_asked = size as u64 != FIXED_CHUNK;
    let has_image = sources
        .iter()
        .any(|source| matches!(source.kind, SourceKind::Image));
    (is_asked && has_image)
        .then_some("images are stored in pieces of 4 MiB; --chunk-size is for directories only")
}

fn protection(mode: CryptMode, key: Option<&Loaded>) -> Protection {
    match (mode, key) {
        (CryptMode::Encrypt, Some(loaded)) => Protection::Encrypt(Arc::clone(&loaded.key)),
        (CryptMode::SignOnly, Some(loaded)) => Protection::Sign(Arc::clone(&loaded.key)),
        (CryptMode::None, _) | (_, None) => Protection::None,
    }
}

/// The key, locked with the master key, as it goes into the snapshot (formats.md 7.6).
fn wrapped(key: Option<&Loaded>, master: Option<&MasterPublicKey>) -> Result<Option<Vec<u8>>> {
    let (Some(loaded), Some(master)) = (key, master) else {
        return Ok(None);
    };
    let modified = format::time::OffsetTime::utc(now())?;
    let open = keyfile::Protection::None;
    let file = keyfile::create(
        &loaded.key,
        open,
        None,
        loaded.info.created,
        modified,
        &mut SystemRandom,
    )?;
    let wrapped = master.wrap(file.to_json().as_bytes()).map_err(|error| {
        Failure::new("cannot encrypt the key with the master key")
            .cause(error)
            .hint("use a master key of 3072 bits or more")
    })?;
    Ok(Some(wrapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(texts: &[String]) -> Vec<Spec> {
        texts.iter().map(|text| parse_spec(text).unwrap()).collect()
    }

    /// The second archive of the same pipe waited for ever.
    #[test]
    fn each_pipe_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["p", "q"] {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, path(name), fifo, mode, 0).unwrap();
        }
        std::os::unix::fs::symlink("p", path("other")).unwrap();
        std::fs::write(path("file"), "x").unwrap();
        let image = |name: &str, source: &str| format!("{name}.img:{}", path(source).display());
        for (first, second, is_twice) in [
            ("p", "q", false),
            ("p", "p", true),
            ("p", "other", true),
            ("file", "file", false),
            ("p", "nothing", false),
        ] {
            let checked = check_pipes(&specs(&[image("a", first), image("b", second)]));
            assert_eq!(checked.is_err(), is_twice, "{first} {second}");
            if let Err(error) = checked {
                assert!(error.to_string().starts_with("got named pipe twice: "));
            }
        }
    }

    #[test]
    fn what_is_said_of_chunks() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("disk"), "x").unwrap();
        let place = folder.path().display();
        let [tree, image] = [format!("a.pxar:{place}"), format!("b.img:{place}/disk")];
        for (size, texts, is_told) in [
            (64 << 10, vec![tree.clone(), image.clone()], true),
            (64 << 10, vec![tree.clone()], false),
            (4 << 20, vec![tree, image], false),
        ] {
            let source = |spec: &Spec| spec.source(&CreateOptions::default(), None).unwrap();
            let sources: Vec<_> = specs(&texts).iter().map(source).collect();
            assert_eq!(about_chunks(size, &sources).is_some(), is_told, "{texts:?}");
        }
    }
}
