//! A whole backup: one session, all archives in their order, catalog, wrapped key, manifest, finish (protocol.md 5.1).
//!
//! ```text
//! walk -> cut == pieces ==> seal (workers) == sealed chunks ==> upload, append -> close
//! ```
//!
//! The catalog takes the same way beside the trees. The first error of any part ends all of them; the server then removes the snapshot.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use format::index::FIXED_CHUNK;
use format::{
    ArchiveKind, ArchiveName, BLOB_RAW_MAX, CHUNK_ENCODED_MAX, Chunker, Compressor, Digest,
    Manifest, ManifestFile,
};
use pxar::Metadata;
use remote::{BackupSession, BackupTarget, Client, Writer};
use tokio::task::JoinHandle;
use tree::{CreateOptions, CreateWatch};

use crate::budget;
use crate::claims::Claims;
use crate::crew::{Crew, seal_image};
use crate::cut::{Cut, Cutter, Sizes};
use crate::error::Error;
use crate::image::Image;
use crate::names::{Deliver, Names};
use crate::options::{BackupOptions, Place, Source, SourceKind};
use crate::pool::{Pool, Stopped};
use crate::previous::Previous;
use crate::pump::{self, Inlet, Run};
use crate::seal::{Lane, Piece, Worker};
use crate::upload::{PIECES_WAITING, Uploaded, upload};
use crate::watch::{ArchiveStats, BackupReport, BackupWatch, Counters, Notice};

/// Makes a snapshot of `sources`. When the future is dropped, the backup is given up.
pub async fn backup(
    client: &Client,
    place: &Place,
    options: &BackupOptions,
    sources: Vec<Source>,
    watch: Arc<dyn BackupWatch>,
) -> Result<BackupReport, Error> {
    let started = Instant::now();
    let sizes = check(options, &sources)?;
    let target = BackupTarget {
        store: place.store.clone(),
        namespace: place.namespace.clone(),
        snapshot: place.snapshot.clone(),
        debug: options.debug,
        benchmark: false,
        no_cache: options.no_cache,
    };
    let session = client.start_backup(&target).await?;
    if options.dry_run {
        return Ok(dry_run(sources, &*watch, started));
    }
    let run = Run::new();
    let workers = options.workers.get();
    let pieces = Pool::filled(budget::pieces(sizes.piece, workers), sizes.piece);
    let sealed = Pool::empty(budget::sealed(sizes.sealed, workers), sizes.sealed);
    close_on_stop(&run, &[&pieces, &sealed]);
    let whole = async {
        let previous =
            Previous::find(&session, &place.snapshot, &options.protection, &*watch).await?;
        let mut backup = Backup {
            session: Arc::new(session),
            crew: Crew::start(&run, workers, &options.protection),
            run: Arc::clone(&run),
            options,
            previous,
            watch,
            pieces,
            sealed,
            catalog: None,
            manifest: Manifest::new(&place.snapshot),
            archives: Vec::new(),
            warnings: 0,
        };
        for source in sources {
            let archive = source.archive.clone();
            let done = backup.archive(source).await;
            done.map_err(|error| error.in_backup(&archive))?;
        }
        backup.finish().await
    };
    let (archives, warnings) = run.drive(whole).await?;
    Ok(BackupReport {
        archives,
        warnings,
        duration: started.elapsed(),
    })
}

/// Lengths of the buffers that a backup needs.
struct BufferSizes {
    piece: usize,
    sealed: usize,
}

fn check(options: &BackupOptions, sources: &[Source]) -> Result<BufferSizes, Error> {
    let avg = options.chunk_size_avg;
    let unsupported = Error::ChunkSize { size: avg };
    if avg < BackupOptions::CHUNK_SIZE_MIN {
        return Err(unsupported);
    }
    let Ok(tree) = Sizes::of(avg) else {
        return Err(unsupported);
    };
    let mut seen = HashSet::new();
    let (mut piece, mut sealed) = (0, 0);
    for source in sources {
        let archive = &source.archive;
        if !seen.insert(archive) || archive.is_manifest() {
            return Err(Error::Twice {
                archive: archive.clone(),
            });
        }
        let (kind, wanted, piece_len, chunk_max) = match source.kind {
            SourceKind::Tree(_) => (
                ArchiveKind::Dynamic,
                "an archive of a directory",
                tree.buffer_len(),
                tree.piece_max,
            ),
            SourceKind::Image => (
                ArchiveKind::Fixed,
                "an image",
                FIXED_CHUNK as usize,
                FIXED_CHUNK as usize,
            ),
            SourceKind::File => (ArchiveKind::Blob, "a blob", 0, 0),
        };
        if archive.kind() != kind {
            return Err(Error::WrongName {
                archive: archive.clone(),
                wanted,
            });
        }
        piece = piece.max(piece_len);
        sealed = sealed.max(sealed_max(chunk_max));
    }
    Ok(BufferSizes {
        piece: piece.max(1),
        sealed: sealed.max(1),
    })
}

/// Largest blob of a chunk of `len` bytes, as a whole number of pages.
fn sealed_max(len: usize) -> usize {
    (len + (CHUNK_ENCODED_MAX - format::CHUNK_RAW_MAX)).next_multiple_of(4096)
}

fn dry_run(sources: Vec<Source>, watch: &dyn BackupWatch, started: Instant) -> BackupReport {
    for source in sources {
        watch.notice(&Notice::WouldUpload {
            path: source.path,
            archive: source.archive,
        });
    }
    BackupReport {
        archives: Vec::new(),
        warnings: 0,
        duration: started.elapsed(),
    }
}

fn close_on_stop(run: &Run, pools: &[&Pool]) {
    for pool in pools {
        let pool = Pool::clone(pool);
        run.on_stop(move || pool.close());
    }
}

/// A backup under way.
struct Backup<'a> {
    session: Arc<BackupSession>,
    run: Arc<Run>,
    options: &'a BackupOptions,
    previous: Previous,
    watch: Arc<dyn BackupWatch>,
    crew: Crew,
    pieces: Pool,
    sealed: Pool,
    catalog: Option<OpenCatalog>,
    manifest: Manifest,
    archives: Vec<ArchiveStats>,
    warnings: u64,
}

/// The catalog grows beside the trees.
struct OpenCatalog {
    names: Names,
    writer: Writer,
    upload: Beside<Result<Uploaded, Error>>,
    started: Instant,
}

/// A task that ends when nobody wants its result any more.
struct Beside<T>(JoinHandle<T>);

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Backup<'_> {
    async fn archive(&mut self, source: Source) -> Result<(), Error> {
        match &source.kind {
            SourceKind::Tree(options) => {
                self.watch.started(&source, None);
                let options = options.clone();
                self.tree(source.archive, source.path, options).await
            }
            SourceKind::Image => self.image(source).await,
            SourceKind::File => self.file(source).await,
        }
    }

    async fn tree(
        &mut self,
        archive: ArchiveName,
        path: PathBuf,
        options: Box<CreateOptions>,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let OpenCatalog {
            names,
            writer: catalog_writer,
            upload: catalog_upload,
            started: catalog_started,
        } = match self.catalog.take() {
            Some(catalog) => catalog,
            None => self.open_catalog().await?,
        };
        let known = self.known(&archive).await?;
        let writer = self.session.create_dynamic(&archive).await?;
        let (lane, inlet) = self.lane(&archive, known, &self.sealed);
        let walk = Walk {
            archive: archive.clone(),
            path,
            options,
            watch: Arc::clone(&self.watch),
            run: Arc::clone(&self.run),
        };
        let (avg, pieces) = (self.options.chunk_size_avg, self.pieces.clone());
        let deliver = self.crew.deliver(lane);
        let walking = self.run.spawn("walk", move || {
            let cutter = Cutter::new(avg, pieces, deliver)?;
            let archive = walk.archive.clone();
            walk.all(cutter, names)
                .map_err(|error| error.in_backup(&archive))
        });
        let uploading = upload(&self.session, writer, inlet, self.reporter(&archive));
        let (walked, uploaded) = tokio::try_join!(walking, uploading)?;
        self.warnings += walked.warnings;
        self.catalog = Some(OpenCatalog {
            names: walked.names,
            writer: catalog_writer,
            upload: catalog_upload,
            started: catalog_started,
        });
        self.close(archive, writer, &uploaded, walked.pieces, started)
            .await
    }

    async fn image(&mut self, source: Source) -> Result<(), Error> {
        let started = Instant::now();
        let path = source.path.clone();
        let image = Arc::new(pump::spawn("open", move || Image::open(&path)).await?);
        self.watch.started(&source, Some(image.size()));
        let archive = source.archive;
        let known = self.known(&archive).await?;
        let writer = self
            .session
            .create_fixed(&archive, Some(image.size()), None)
            .await?;
        let (lane, inlet) = self.lane(&archive, known, &self.sealed);
        let sealing = seal_image(
            &self.run,
            self.options.workers.get(),
            &self.options.protection,
            Arc::clone(&image),
            &self.pieces,
            lane,
        );
        let uploading = upload(&self.session, writer, inlet, self.reporter(&archive));
        let ((), uploaded) = tokio::try_join!(sealing, uploading)?;
        self.close(archive, writer, &uploaded, image.pieces(), started)
            .await
    }

    async fn file(&mut self, source: Source) -> Result<(), Error> {
        let started = Instant::now();
        let path = source.path.clone();
        let protection = self.options.protection.clone();
        let (size, encoded) = pump::spawn("read", move || {
            let data = read_small(&path)?;
            let mut encoded = Vec::new();
            Worker::new(&protection)?.seal(&data, &mut encoded)?;
            if encoded.len() > CHUNK_ENCODED_MAX {
                return Err(too_large(&path, CHUNK_ENCODED_MAX));
            }
            Ok((data.len() as u64, encoded))
        })
        .await?;
        self.watch.started(&source, Some(size));
        self.blob(source.archive, encoded, started).await
    }

    async fn blob(
        &mut self,
        archive: ArchiveName,
        encoded: Vec<u8>,
        started: Instant,
    ) -> Result<(), Error> {
        let (size, csum) = (encoded.len() as u64, Digest::of(&encoded));
        self.session.blob(&archive, Bytes::from(encoded)).await?;
        self.list(archive.clone(), size, csum)?;
        self.done(ArchiveStats {
            archive,
            size,
            uploaded: size,
            reused: 0,
            sent: size,
            chunks: 0,
            chunks_new: 0,
            duration: started.elapsed(),
            csum,
        });
        Ok(())
    }

    /// The catalog, the wrapped key and the manifest; then the snapshot is there.
    async fn finish(mut self) -> Result<(Vec<ArchiveStats>, u64), Error> {
        if let Some(catalog) = self.catalog.take() {
            let archive = ArchiveName::catalog();
            let closed = self.close_catalog(catalog).await;
            closed.map_err(|error| error.in_backup(&archive))?;
        }
        if let Some(wrapped) = &self.options.master_blob {
            let mut encoded = Vec::new();
            Compressor::new().encode(wrapped, false, &mut encoded)?;
            self.blob(ArchiveName::rsa_key(), encoded, Instant::now())
                .await?;
        }
        if let Some(key) = self.options.protection.key() {
            crypto::manifest::sign(&mut self.manifest, key)
                .map_err(|source| Error::Seal { source })?;
        }
        let mut encoded = Vec::new();
        Compressor::new().encode(self.manifest.to_json().as_bytes(), true, &mut encoded)?;
        self.session
            .blob(&ArchiveName::manifest(), Bytes::from(encoded))
            .await?;
        self.session.finish().await?;
        Ok((self.archives, self.warnings))
    }

    async fn open_catalog(&self) -> Result<OpenCatalog, Error> {
        let started = Instant::now();
        let archive = ArchiveName::catalog();
        let avg = Chunker::AVG_CATALOG;
        let sizes = Sizes::of(avg).map_err(|_| Error::ChunkSize { size: avg })?;
        let pieces = Pool::filled(budget::CATALOG_PIECES, sizes.buffer_len());
        let sealed = Pool::empty(budget::CATALOG_SEALED, sealed_max(sizes.piece_max));
        close_on_stop(&self.run, &[&pieces, &sealed]);
        let known = self.known(&archive).await?;
        let writer = self.session.create_dynamic(&archive).await?;
        let (lane, inlet) = self.lane(&archive, known, &sealed);
        let deliver: Deliver = Box::new(self.crew.deliver(lane));
        let names = Names::new(Cutter::new(avg, pieces, deliver)?)?;
        let (session, report) = (Arc::clone(&self.session), self.reporter(&archive));
        let run = Arc::clone(&self.run);
        let uploading = async move {
            let result = upload(&session, writer, inlet, report).await;
            result.map_err(|error| {
                run.fail(error.in_backup(&ArchiveName::catalog()));
                Error::Stopped(Stopped)
            })
        };
        Ok(OpenCatalog {
            names,
            writer,
            upload: Beside(tokio::spawn(uploading)),
            started,
        })
    }

    async fn close_catalog(&mut self, catalog: OpenCatalog) -> Result<(), Error> {
        let OpenCatalog {
            names,
            writer,
            mut upload,
            started,
        } = catalog;
        let pieces = self.run.spawn("catalog", move || names.finish()).await?;
        let uploaded = (&mut upload.0).await.map_err(|_| Error::Worker)??;
        self.close(ArchiveName::catalog(), writer, &uploaded, pieces, started)
            .await
    }

    async fn known(&self, archive: &ArchiveName) -> Result<Vec<Digest>, Error> {
        self.previous
            .known(&self.session, archive, &*self.watch)
            .await
    }

    fn lane(
        &self,
        archive: &ArchiveName,
        known: Vec<Digest>,
        sealed: &Pool,
    ) -> (Arc<Lane>, Inlet<Piece>) {
        let (outlet, inlet) = pump::channel(PIECES_WAITING);
        let lane = Lane {
            archive: archive.clone(),
            claims: Claims::new(known),
            sealed: sealed.clone(),
            outlet,
        };
        (Arc::new(lane), inlet)
    }

    fn reporter(&self, archive: &ArchiveName) -> impl FnMut(Counters) + Send + use<> {
        let (watch, archive) = (Arc::clone(&self.watch), archive.clone());
        move |counters| watch.progress(&archive, counters)
    }

    /// Closes an index whose stream had `pieces` pieces.
    async fn close(
        &mut self,
        archive: ArchiveName,
        writer: Writer,
        uploaded: &Uploaded,
        pieces: u64,
        started: Instant,
    ) -> Result<(), Error> {
        let totals = uploaded.totals;
        if totals.chunks != pieces {
            return Err(Error::Worker);
        }
        self.session
            .close(writer, totals.chunks, totals.size, &totals.csum)
            .await?;
        self.list(archive.clone(), totals.size, totals.csum)?;
        self.done(stats(archive, uploaded, started.elapsed()));
        Ok(())
    }

    fn list(&mut self, filename: ArchiveName, size: u64, csum: Digest) -> Result<(), Error> {
        Ok(self.manifest.add_file(ManifestFile {
            crypt_mode: self.options.protection.mode(),
            csum,
            filename,
            size,
        })?)
    }

    fn done(&mut self, stats: ArchiveStats) {
        self.watch.finished(&stats);
        self.archives.push(stats);
    }
}

fn stats(archive: ArchiveName, uploaded: &Uploaded, duration: Duration) -> ArchiveStats {
    let Counters {
        read,
        reused,
        uploaded: new,
        sent,
    } = uploaded.counters;
    ArchiveStats {
        archive,
        size: read,
        uploaded: new,
        reused,
        sent,
        chunks: uploaded.totals.chunks,
        chunks_new: uploaded.chunks_new,
        duration,
        csum: uploaded.totals.csum,
    }
}

/// The walk through one tree, on its own thread.
struct Walk {
    archive: ArchiveName,
    path: PathBuf,
    options: Box<CreateOptions>,
    watch: Arc<dyn BackupWatch>,
    run: Arc<Run>,
}

struct Walked {
    names: Names,
    pieces: u64,
    warnings: u64,
}

impl Walk {
    fn all<F>(mut self, cutter: Cutter<F>, mut names: Names) -> Result<Walked, Error>
    where
        F: FnMut(Cut) -> Result<(), Stopped>,
    {
        names.start_archive(&self.archive)?;
        let source = tree::open_source(&self.path, true)?;
        let options = self.options.clone();
        let (cutter, stats) = tree::create(source, cutter, &options, Some(&mut names), &mut self)?;
        names.end_archive()?;
        Ok(Walked {
            names,
            pieces: cutter.finish()?,
            warnings: stats.warnings,
        })
    }
}

impl CreateWatch for Walk {
    fn entry(&mut self, _path: &Path, _metadata: &Metadata, _kind: &pxar::EntryKind) {}

    fn notice(&mut self, notice: &tree::Notice) {
        self.watch.walked(&self.archive, notice);
    }

    fn stopped(&self) -> bool {
        self.run.is_stopped()
    }
}

fn read_small(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut data = Vec::new();
    file.take(BLOB_RAW_MAX as u64 + 1)
        .read_to_end(&mut data)
        .map_err(failed)?;
    if data.len() > BLOB_RAW_MAX {
        return Err(too_large(path, BLOB_RAW_MAX));
    }
    Ok(data)
}

fn too_large(path: &Path, max: usize) -> Error {
    Error::FileTooLarge {
        path: path.to_owned(),
        max_bytes: max as u64,
    }
}
