//! A whole backup: one session, all archives in their order, catalog, wrapped key, manifest, finish (protocol.md 5.1).
//!
//! ```text
//! walk -> cut == pieces ==> seal (workers) == sealed chunks ==> upload, append -> close
//! ```
//!
//! The catalog takes the same way beside the trees. The first error of any part ends all of them; the server then removes the snapshot. Where it was
//! the connection, all is done once more over another one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use format::{ArchiveName, Compressor, Digest, Manifest, ManifestFile, Snapshot};
use remote::{BackupSession, BackupTarget, Client, Writer};
use tree::CreateOptions;

use self::again::{Starts, Trace, ended};
use self::begin::{Known, Lost, begin};
use self::catalog::OpenCatalog;
use self::stored::Finishing;
use crate::budget;
use crate::claims::Claims;
use crate::crew::{Crew, seal_image};
use crate::cut::Cutter;
use crate::error::Error;
use crate::image::Image;
use crate::leftover::Leftover;
use crate::options::{BackupOptions, Place, Source, SourceKind};
use crate::pipe::{is_pipe, read_pipe};
use crate::pool::Pool;
use crate::previous::Previous;
use crate::pump::{self, Inlet, Run};
use crate::request::{BufferSizes, check};
use crate::seal::{Lane, Piece};
use crate::small::sealed_file;
use crate::upload::{PIECES_WAITING, Uploaded, upload};
use crate::walk::Walk;
use crate::watch::{ArchiveStats, BackupReport, BackupWatch, Counters, Notice};

mod again;
mod begin;
mod catalog;
mod split;
mod stored;

/// Makes a snapshot of `sources`. When the future is dropped, the backup is given up. One whose connection breaks starts again, if the options have
/// patience: what was sent before is not sent again to a server that notes it.
pub async fn backup(
    client: &Client,
    place: &Place,
    options: &BackupOptions,
    sources: Vec<Source>,
    watch: Arc<dyn BackupWatch>,
) -> Result<BackupReport, Error> {
    let started = Instant::now();
    let sizes = check(options, &sources)?;
    let mut target = BackupTarget {
        store: place.store.clone(),
        namespace: place.namespace.clone(),
        snapshot: place.snapshot.clone(),
        debug: options.debug,
        benchmark: false,
        no_cache: options.no_cache,
    };
    let (mut starts, mut lost) = (Starts::default(), Lost::default());
    loop {
        let finishing = lost.finishing.clone();
        let begun = begin(client, &mut target, options, lost, &*watch).await?;
        let Some(begun) = begun else {
            // It was finished; only the answer was lost.
            let finished = finishing.expect("only what was to be finished is looked for");
            return Ok(report(finished, starts.count, started));
        };
        let Some(known) = begun.known else {
            return Ok(dry_run(target.snapshot, sources, &*watch, started));
        };
        if starts.count > 0 {
            watch.notice(&Notice::Again(target.snapshot.clone()));
        }
        starts.count(known.leftover.len());
        let run = Run::new();
        let attempt = Attempt {
            run: &run,
            client,
            place: Place {
                snapshot: target.snapshot.clone(),
                ..place.clone()
            },
            options,
            sizes: &sizes,
            watch: &watch,
        };
        let mut trace = Trace::default();
        let done = attempt.run(begun.session, known, sources.clone(), &mut trace);
        match done.await {
            Ok(finished) => return Ok(report(finished, starts.count, started)),
            Err(error) => starts.again(error, options, &trace, &*watch).await?,
        }
        ended(&run, &*watch).await;
        lost = Lost {
            when: Some(tokio::time::Instant::now()),
            finishing: trace.finishing,
        };
    }
}

fn report(finished: Finishing, starts: u32, started: Instant) -> BackupReport {
    BackupReport {
        snapshot: finished.snapshot,
        starts,
        archives: finished.archives,
        warnings: finished.warnings,
        duration: started.elapsed(),
    }
}

/// One way through all sources, over one session.
struct Attempt<'a> {
    run: &'a Arc<Run>,
    client: &'a Client,
    place: Place,
    options: &'a BackupOptions,
    sizes: &'a BufferSizes,
    watch: &'a Arc<dyn BackupWatch>,
}

impl Attempt<'_> {
    async fn run(
        &self,
        session: BackupSession,
        known: Known,
        sources: Vec<Source>,
        trace: &mut Trace,
    ) -> Result<Finishing, Error> {
        let (run, options, sizes) = (self.run, self.options, self.sizes);
        let workers = options.workers.get();
        let pieces = Pool::filled(
            sizes.writers + budget::pieces(sizes.piece, workers),
            sizes.piece,
        );
        let sealed = Pool::empty(budget::sealed(sizes.sealed, workers), sizes.sealed);
        close_on_stop(run, &[&pieces, &sealed]);
        let whole = async {
            let mut backup = Backup {
                client: self.client,
                place: &self.place,
                session: Arc::new(session),
                crew: Crew::start(run, workers, &options.protection),
                run: Arc::clone(run),
                options,
                previous: known.previous,
                leftover: known.leftover,
                watch: Arc::clone(self.watch),
                pieces,
                sealed,
                catalog: None,
                manifest: Manifest::new(&self.place.snapshot),
                archives: Vec::new(),
                warnings: 0,
                trace,
            };
            for source in sources {
                let archive = source.archive.clone();
                let done = backup.archive(source).await;
                done.map_err(|error| error.in_backup(&archive))?;
            }
            backup.finish().await
        };
        run.drive(whole).await
    }
}

fn dry_run(
    snapshot: Snapshot,
    sources: Vec<Source>,
    watch: &dyn BackupWatch,
    started: Instant,
) -> BackupReport {
    for source in sources {
        watch.notice(&Notice::WouldUpload {
            path: source.path,
            archive: source.archive,
        });
    }
    BackupReport {
        snapshot,
        starts: 1,
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
    client: &'a Client,
    place: &'a Place,
    session: Arc<BackupSession>,
    run: Arc<Run>,
    options: &'a BackupOptions,
    previous: Previous,
    leftover: Arc<Leftover>,
    watch: Arc<dyn BackupWatch>,
    crew: Crew,
    pieces: Pool,
    sealed: Pool,
    catalog: Option<OpenCatalog>,
    manifest: Manifest,
    archives: Vec<ArchiveStats>,
    warnings: u64,
    trace: &'a mut Trace,
}

impl Backup<'_> {
    async fn archive(&mut self, source: Source) -> Result<(), Error> {
        match &source.kind {
            SourceKind::Tree(options) => {
                self.watch.started(&source, None);
                let options = options.clone();
                self.tree(source.archive, source.path, options).await
            }
            SourceKind::SplitTree(options, detection) => {
                self.watch.started(&source, None);
                let (options, detection) = (options.clone(), *detection);
                self.split_tree(source.archive, source.path, options, detection)
                    .await
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
        let (path, name) = (source.path.clone(), source.archive.clone());
        let open = move || match is_pipe(&path)? {
            true => Ok(None),
            false => Image::open(&path).map(Some),
        };
        let opened = self.run.spawn("open", move || {
            open().map_err(|error: Error| error.in_backup(&name))
        });
        let Some(image) = opened.await? else {
            return self.pipe(source).await;
        };
        let image = Arc::new(image);
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

    async fn pipe(&mut self, source: Source) -> Result<(), Error> {
        let started = Instant::now();
        self.watch.started(&source, None);
        let Source { archive, path, .. } = source;
        self.trace.pipe = Some(path.clone());
        let known = self.known(&archive).await?;
        let writer = self.session.create_fixed(&archive, None, None).await?;
        let (lane, inlet) = self.lane(&archive, known, &self.sealed);
        let (pieces, name) = (self.pieces.clone(), archive.clone());
        let deliver = self.crew.deliver(lane);
        let reading = self.run.spawn("pipe", move || {
            read_pipe(&path, &pieces, deliver).map_err(|error| error.in_backup(&name))
        });
        let uploading = upload(&self.session, writer, inlet, self.reporter(&archive));
        let (count, uploaded) = tokio::try_join!(reading, uploading)?;
        self.close(archive, writer, &uploaded, count, started).await
    }

    async fn file(&mut self, source: Source) -> Result<(), Error> {
        let started = Instant::now();
        let (path, name) = (source.path.clone(), source.archive.clone());
        let protection = self.options.protection.clone();
        let reading = self.run.spawn("read", move || {
            sealed_file(&path, &protection).map_err(|error| error.in_backup(&name))
        });
        let (size, encoded) = reading.await?;
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
            resumed: 0,
            sent: size,
            chunks: 0,
            chunks_new: 0,
            duration: started.elapsed(),
            csum,
            chunks_injected: 0,
            injected: 0,
        });
        Ok(())
    }

    /// The catalog, the wrapped key and the manifest; then the snapshot is there.
    async fn finish(mut self) -> Result<Finishing, Error> {
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
        let finished = Finishing {
            snapshot: self.place.snapshot.clone(),
            manifest: self.manifest,
            archives: self.archives,
            warnings: self.warnings,
        };
        self.trace.finishing = Some(finished.clone());
        self.session.finish().await?;
        Ok(finished)
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
            claims: Claims::new(known, Arc::clone(&self.leftover)),
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
        self.close_index(&archive, writer, uploaded, pieces).await?;
        self.done(stats(archive, uploaded, started.elapsed()));
        Ok(())
    }

    /// As [`Self::close`], without telling anybody.
    async fn close_index(
        &mut self,
        archive: &ArchiveName,
        writer: Writer,
        uploaded: &Uploaded,
        pieces: u64,
    ) -> Result<(), Error> {
        let totals = uploaded.totals;
        if totals.chunks != pieces {
            return Err(Error::Worker);
        }
        self.session
            .close(writer, totals.chunks, totals.size, &totals.csum)
            .await?;
        self.list(archive.clone(), totals.size, totals.csum)
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
        resumed,
        uploaded: new,
        sent,
    } = uploaded.counters;
    ArchiveStats {
        archive,
        size: read,
        uploaded: new,
        reused,
        resumed,
        sent,
        chunks: uploaded.totals.chunks,
        chunks_new: uploaded.chunks_new,
        duration,
        csum: uploaded.totals.csum,
        chunks_injected: uploaded.chunks_injected,
        injected: uploaded.injected,
    }
}
