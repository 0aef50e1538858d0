//! What a backup prints: the original's lines, since log scrapers read them (cli.md 3.1).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use api::Repository;
use client::{
    ArchiveStats, BackupReport, BackupWatch, Counters, Notice, Place, Source, SourceKind,
};
use console::human::{bytes, speed};
use console::progress::{Amount, Progress};
use format::ArchiveName;

use crate::context::{Context, now};

/// An archive below this size does not tell how much of it was reused.
const REUSE_SHOWN_MIN: u64 = 1 << 20;

/// The lines before anything is done.
pub fn head(place: &Place, context: &Context) {
    let snapshot = &place.snapshot;
    if place.namespace.is_root() {
        tracing::info!("Starting backup: {snapshot}");
    } else {
        tracing::info!("Starting backup: [{}]:{snapshot}", place.namespace);
    }
    tracing::info!("Client name: {}", host_name());
    tracing::info!("Starting backup protocol: {}", context.ctime(now()));
}

/// The lines at the end.
pub fn tail(report: &BackupReport, context: &Context) {
    tracing::info!("Duration: {:.2}s", report.duration.as_secs_f64());
    tracing::info!("End Time: {}", context.ctime(now()));
}

pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Turns what `client` tells into lines and a progress display.
pub struct Log {
    context: Context,
    repository: String,
    sources: BTreeMap<ArchiveName, Source>,
    running: Mutex<Option<(ArchiveName, Option<u64>, Progress)>>,
}

impl Log {
    pub fn new(sources: &[Source], repository: &Repository, context: &Context) -> Log {
        let by_name = sources
            .iter()
            .map(|source| (source.archive.clone(), source.clone()));
        Log {
            context: context.clone(),
            repository: repository.to_string(),
            sources: by_name.collect(),
            running: Mutex::new(None),
        }
    }

    /// Takes the progress display away.
    pub fn end(&self) {
        self.running().take();
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<(ArchiveName, Option<u64>, Progress)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `directory`, `image`, `config file`, `log file`.
fn kind_words(source: &Source) -> &'static str {
    match source.kind {
        SourceKind::Tree(_) => "directory",
        SourceKind::Image => "image",
        SourceKind::File if source.archive.label().ends_with(".log") => "log file",
        SourceKind::File => "config file",
    }
}

/// What an archive came to, in one or two lines.
fn summary(stats: &ArchiveStats) -> Vec<String> {
    let label = stats.archive.label();
    let seconds = stats.duration.as_secs_f64();
    let mut lines = vec![format!(
        "{label}: had to backup {} of {} (compressed {}) in {seconds:.2} s (average {})",
        bytes(stats.uploaded),
        bytes(stats.size),
        bytes(stats.sent),
        speed(stats.uploaded as f64 / seconds),
    )];
    if stats.reused > 0 && stats.size > REUSE_SHOWN_MIN {
        let percent = stats.reused as f64 * 100.0 / stats.size as f64;
        let reused = bytes(stats.reused);
        lines.push(format!(
            "{label}: backup was done incrementally, reused {reused} ({percent:.1}%)"
        ));
    }
    lines
}

impl BackupWatch for Log {
    fn notice(&self, notice: &Notice) {
        match notice {
            Notice::Previous(time) => {
                tracing::info!(
                    "Downloading previous manifest ({})",
                    self.context.ctime(time.epoch())
                );
            }
            Notice::WouldUpload { path, archive } => {
                let what = self.sources.get(archive).map_or("file", kind_words);
                tracing::info!(
                    "Would upload {what} '{}' to '{}' as {archive}",
                    path.display(),
                    self.repository
                );
            }
            other => tracing::info!("{other}"),
        }
    }

    fn walked(&self, _archive: &ArchiveName, notice: &tree::Notice) {
        if notice.is_loss() {
            tracing::warn!("warning: {notice}");
        } else {
            tracing::info!("{notice}");
        }
    }

    fn started(&self, source: &Source, total: Option<u64>) {
        let (what, path) = (kind_words(source), source.path.display());
        tracing::info!(
            "Upload {what} '{path}' to '{}' as {}",
            self.repository,
            source.archive
        );
        if !matches!(source.kind, SourceKind::File) {
            let progress = Progress::new(&self.context.screen, source.archive.label());
            *self.running() = Some((source.archive.clone(), total, progress));
        }
    }

    fn progress(&self, archive: &ArchiveName, counters: Counters) {
        if let Some((name, total, progress)) = &mut *self.running()
            && name == archive
        {
            progress.update(Amount {
                processed: counters.read,
                transferred: counters.uploaded,
                total: *total,
            });
        }
    }

    fn finished(&self, stats: &ArchiveStats) {
        {
            let mut running = self.running();
            running.take_if(|(name, ..)| *name == stats.archive);
        }
        if stats.archive == ArchiveName::catalog() {
            tracing::info!("Uploaded backup catalog ({})", bytes(stats.size));
        } else if stats.archive == ArchiveName::rsa_key() {
            tracing::info!(
                "Upload RSA encoded key to '{}' as {}",
                self.repository,
                stats.archive
            );
        } else if stats.archive.kind() != format::ArchiveKind::Blob {
            for line in summary(stats) {
                tracing::info!("{line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn summaries() {
        let stats = |archive: &str, size: u64, uploaded: u64, sent: u64| ArchiveStats {
            archive: archive.parse().unwrap(),
            size,
            uploaded,
            reused: size - uploaded,
            sent,
            chunks: 1,
            chunks_new: 1,
            duration: Duration::from_millis(120),
            csum: format::Digest::ZERO,
        };
        for (stats, expected) in [
            (
                stats("etc.pxar.didx", 490_841, 490_841, 62_383),
                &[
                    "etc.pxar: had to backup 479.337 KiB of 479.337 KiB (compressed 60.921 KiB) in 0.12 s (average 3.901 MiB/s)",
                ][..],
            ),
            (
                stats("etc.pxar.didx", 490_841, 0, 0),
                &[
                    "etc.pxar: had to backup 0 B of 479.337 KiB (compressed 0 B) in 0.12 s (average 0 B/s)",
                ],
            ),
            (
                stats("disk2.img.fidx", 13 << 20, 9 << 20, 3336),
                &[
                    "disk2.img: had to backup 9 MiB of 13 MiB (compressed 3.258 KiB) in 0.12 s (average 75 MiB/s)",
                    "disk2.img: backup was done incrementally, reused 4 MiB (30.8%)",
                ],
            ),
        ] {
            assert_eq!(summary(&stats), expected);
        }
    }
}
