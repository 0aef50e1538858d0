//! What a backup prints: the original's lines, since log scrapers read them (cli.md 3.1).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use api::Repository;
use client::{
    ArchiveStats, BackupReport, BackupWatch, Counters, Notice, Place, Source, SourceKind,
};
use console::human::{bytes, speed};
use console::progress::{Amount, Direction, Progress, Stream};
use format::{ArchiveName, BackupTime, Namespace};
use serde_json::{Value, json};
use tree::ReuseStats;

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
    previous: Mutex<Option<BackupTime>>,
    stream: Option<Stream>,
}

impl Log {
    /// With `stream` the progress goes there as JSON, too.
    pub fn new(
        sources: &[Source],
        repository: &Repository,
        stream: Option<Stream>,
        context: &Context,
    ) -> Log {
        let by_name = sources
            .iter()
            .map(|source| (source.archive.clone(), source.clone()));
        Log {
            context: context.clone(),
            repository: repository.to_string(),
            sources: by_name.collect(),
            running: Mutex::new(None),
            previous: Mutex::new(None),
            stream,
        }
    }

    /// The lines at the end. On a terminal also what there is new against the snapshot before;
    /// elsewhere the lines are those that log scrapers know.
    pub fn tail(&self, namespace: &Namespace, report: &BackupReport) {
        let totals = Totals::of(report);
        let previous = *self.previous.lock().unwrap_or_else(PoisonError::into_inner);
        if self.context.screen.is_terminal() {
            let before = previous.map(|time| self.context.ctime(time.epoch()));
            tracing::info!("{}", totals.sentence(before.as_deref()));
        }
        if let Some(stream) = &self.stream {
            stream.event("summary", totals.record(namespace, previous, report));
        }
        if totals.resumed > 0 {
            tracing::info!(
                "Resumed: {} were on the server from a backup that was not finished",
                bytes(totals.resumed)
            );
        }
        tracing::info!("Duration: {:.2}s", report.duration.as_secs_f64());
        tracing::info!("End Time: {}", self.context.ctime(now()));
    }

    /// Takes the progress display away.
    pub fn end(&self) {
        self.running().take();
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<(ArchiveName, Option<u64>, Progress)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all archives came to, in bytes.
struct Totals {
    read: u64,
    new: u64,
    reused: u64,
    /// Of these, of a backup that was not finished.
    resumed: u64,
    sent: u64,
    warnings: u64,
}

impl Totals {
    fn of(report: &BackupReport) -> Totals {
        let sum = |part: fn(&ArchiveStats) -> u64| report.archives.iter().map(part).sum();
        Totals {
            // Files that were taken over unread count as reused alone.
            read: sum(|stats| stats.size.saturating_sub(stats.injected)),
            new: sum(|stats| stats.uploaded),
            reused: sum(|stats| stats.reused.max(stats.injected)),
            resumed: sum(|stats| stats.resumed),
            sent: sum(|stats| stats.sent),
            warnings: report.warnings,
        }
    }

    fn sentence(&self, before: Option<&str>) -> String {
        let against = match before {
            Some(time) => format!("Against the snapshot of {time}"),
            None => "Without a snapshot before".to_string(),
        };
        let warnings = match self.warnings {
            0 => String::new(),
            1 => "; 1 warning".to_string(),
            many => format!("; {many} warnings"),
        };
        format!(
            "{against}: {} new, {} reused; read {}, sent {}{warnings}",
            bytes(self.new),
            bytes(self.reused),
            bytes(self.read),
            bytes(self.sent)
        )
    }

    fn record(
        &self,
        namespace: &Namespace,
        previous: Option<BackupTime>,
        report: &BackupReport,
    ) -> Value {
        json!({
            "ns": namespace.to_string(),
            "snapshot": report.snapshot.to_string(),
            "starts": report.starts,
            "previous": previous.map(|time| time.epoch()),
            "read": self.read,
            "new": self.new,
            "reused": self.reused,
            "resumed": self.resumed,
            "sent": self.sent,
            "warnings": self.warnings,
            "duration": report.duration.as_secs_f64(),
        })
    }
}

/// An archive's numbers as an event.
fn finished(stats: &ArchiveStats) -> Value {
    json!({
        "archive": stats.archive.to_string(),
        "size": stats.size,
        "uploaded": stats.uploaded,
        "reused": stats.reused,
        "resumed": stats.resumed,
        "sent": stats.sent,
        "chunks": stats.chunks,
        "chunks-new": stats.chunks_new,
        "duration": stats.duration.as_secs_f64(),
        "csum": stats.csum.to_string(),
    })
}

/// `directory`, `image`, `config file`, `log file`.
fn kind_words(source: &Source) -> &'static str {
    match source.kind {
        SourceKind::Tree(_) | SourceKind::SplitTree(..) => "directory",
        SourceKind::Image => "image",
        SourceKind::File if source.archive.label().ends_with(".log") => "log file",
        SourceKind::File => "config file",
    }
}

/// Whose progress is shown for a source: of a split archive that of the half with the data.
fn shown_archive(source: &Source) -> ArchiveName {
    let stem = source.archive.label().strip_suffix(".mpxar");
    let payload = stem.and_then(|stem| format!("{stem}.ppxar.didx").parse().ok());
    match (&source.kind, payload) {
        (SourceKind::SplitTree(..), Some(payload)) => payload,
        _ => source.archive.clone(),
    }
}

/// What looking for unchanged files came to.
fn reuse_summary(reuse: &ReuseStats, hard_links: u64) -> [String; 5] {
    let files = reuse.files_reused + reuse.files_read + hard_links;
    [
        "Change detection summary:".to_owned(),
        format!(" - {files} total files ({hard_links} hardlinks)"),
        format!(
            " - {} unchanged, reusable files with {} data",
            reuse.files_reused,
            bytes(reuse.bytes_reused)
        ),
        format!(
            " - {} changed or non-reusable files with {} data",
            reuse.files_read,
            bytes(reuse.bytes_read)
        ),
        format!(
            " - {} padding in {} partially reused chunks",
            bytes(reuse.bytes_padding),
            reuse.chunks_padded
        ),
    ]
}

/// What an archive came to, in up to three lines.
fn summary(stats: &ArchiveStats) -> Vec<String> {
    let label = stats.archive.label();
    let seconds = stats.duration.as_secs_f64();
    let mut lines = Vec::new();
    if stats.chunks_injected > 0 {
        lines.push(format!(
            "{label}: reused {} from previous snapshot for unchanged files ({} chunks)",
            bytes(stats.injected),
            stats.chunks_injected
        ));
    }
    lines.push(format!(
        "{label}: had to backup {} of {} (compressed {}) in {seconds:.2} s (average {})",
        bytes(stats.uploaded),
        bytes(stats.size),
        bytes(stats.sent),
        speed(stats.uploaded as f64 / seconds),
    ));
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
                *self.previous.lock().unwrap_or_else(PoisonError::into_inner) = Some(*time);
                tracing::info!(
                    "Downloading previous manifest ({})",
                    self.context.ctime(time.epoch())
                );
            }
            Notice::Resuming {
                chunks,
                bytes: size,
            } => {
                tracing::info!(
                    "Resuming an unfinished backup: {chunks} chunks with {} are on the server already",
                    bytes(*size)
                );
                if let Some(stream) = &self.stream {
                    stream.event("resuming", json!({"chunks": chunks, "bytes": size}));
                }
            }
            Notice::Broken(_) | Notice::NotAgain(_) => {
                // What comes next begins its own.
                self.end();
                tracing::warn!("{notice}");
                if let Some(stream) = &self.stream {
                    stream.event("broken", json!({"reason": notice.to_string()}));
                }
            }
            Notice::WouldUpload { path, archive } => {
                let what = self.sources.get(archive).map_or("file", kind_words);
                // The original says so in every mode of change detection.
                let archive = archive.to_string().replace(".mpxar.didx", ".pxar.didx");
                tracing::info!(
                    "Would upload {what} '{}' to '{}' as {archive}",
                    path.display(),
                    self.repository
                );
            }
            Notice::Reused {
                reuse, hard_links, ..
            } => {
                for line in reuse_summary(reuse, *hard_links) {
                    tracing::info!("{line}");
                }
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
        if let Some(stream) = &self.stream {
            let path = source.path.to_string_lossy();
            let archive = source.archive.to_string();
            let record = json!({"archive": archive, "source": path, "total": total});
            stream.event("started", record);
        }
        if !matches!(source.kind, SourceKind::File) {
            let shown = shown_archive(source);
            let progress = Progress::new(&self.context.screen, Direction::Upload, shown.label());
            *self.running() = Some((shown, total, progress));
        }
    }

    fn progress(&self, archive: &ArchiveName, counters: Counters) {
        if let Some(stream) = &self.stream {
            return stream.progress(Instant::now(), || {
                json!({
                    "archive": archive.to_string(),
                    "read": counters.read,
                    "reused": counters.reused,
                    "resumed": counters.resumed,
                    "uploaded": counters.uploaded,
                    "sent": counters.sent,
                })
            });
        }
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
        if let Some(stream) = &self.stream {
            stream.event("finished", finished(stats));
        }
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
            resumed: 0,
            sent,
            chunks: 1,
            chunks_new: 1,
            duration: Duration::from_millis(120),
            csum: format::Digest::ZERO,
            chunks_injected: 0,
            injected: 0,
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
        let mut split = stats("root.ppxar.didx", 727_945, 46_549, 46_585);
        (split.chunks_injected, split.injected) = (1, 66_711);
        let expected = [
            "root.ppxar: reused 65.147 KiB from previous snapshot for unchanged files (1 chunks)",
            "root.ppxar: had to backup 45.458 KiB of 710.884 KiB (compressed 45.493 KiB) in 0.12 s (average 378.817 KiB/s)",
        ];
        assert_eq!(summary(&split), expected);
    }

    #[test]
    fn the_last_sentence() {
        let totals = |warnings| Totals {
            read: 5 << 20,
            new: 1 << 20,
            reused: 4 << 20,
            resumed: 0,
            sent: 512,
            warnings,
        };
        for (warnings, before, expected) in [
            (
                0,
                None,
                "Without a snapshot before: 1 MiB new, 4 MiB reused; read 5 MiB, sent 512 B",
            ),
            (
                2,
                Some("Monday"),
                "Against the snapshot of Monday: 1 MiB new, 4 MiB reused; read 5 MiB, sent 512 B; 2 warnings",
            ),
        ] {
            assert_eq!(totals(warnings).sentence(before), expected);
        }
    }

    #[test]
    fn what_was_reused() {
        let reuse = ReuseStats {
            files_reused: 23,
            bytes_reused: 66_158,
            files_read: 23,
            bytes_read: 661_202,
            chunks_padded: 1,
            bytes_padding: 553,
            ..ReuseStats::default()
        };
        let expected = [
            "Change detection summary:",
            " - 47 total files (1 hardlinks)",
            " - 23 unchanged, reusable files with 64.607 KiB data",
            " - 23 changed or non-reusable files with 645.705 KiB data",
            " - 553 B padding in 1 partially reused chunks",
        ];
        assert_eq!(reuse_summary(&reuse, 1), expected);
    }
}
