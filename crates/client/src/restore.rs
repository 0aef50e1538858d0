//! A snapshot read back: its manifest, blobs, trees, images and raw streams.
//!
//! ```text
//! fetch (window) == sealed chunks ==> open (workers) == in order ==> extract, or written at their place in any order
//! ```
//!
//! Nothing is handed out before it was checked: the manifest against the key, indexes and blobs against the manifest, chunks against
//! their digests.

use std::io::{BufRead as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crypto::manifest::Trust;
use crypto::{Key, Opener};
use format::index::FIXED_CHUNK;
use format::{ArchiveName, BLOB_RAW_MAX, Blob, CryptMode, Digest, Index, Manifest};
use futures_util::future::try_join_all;
use remote::Client;
use tokio::sync::Semaphore;
use tree::{ExtractOptions, ExtractStats, ExtractWatch};

use crate::budget;
use crate::error::Error;
use crate::fetch::{ChunkOpener, Fetched, Slot, Wanted, fetch};
use crate::link::Link;
use crate::new_image::{self, NewImage};
use crate::options::{Place, workers};
use crate::ordered::{Ordered, Stream};
use crate::patience::Patience;
use crate::pool::{Buffer, Pool};
use crate::previous::{checked_index, open_manifest};
use crate::pump::{Run, Threads};
use crate::queue::Queue;
use crate::read_at::{RemoteArchive, Shelf};
use crate::watch::{RestoreStats, RestoreWatch};

mod listed;
mod order;
mod split;

use order::Order;

/// An open snapshot.
pub struct Restore {
    link: Arc<Link>,
    shelf: Arc<Shelf>,
    manifest: Manifest,
    json: Vec<u8>,
    trust: Trust,
    key: Option<Arc<Key>>,
    threads: Arc<Threads>,
}

impl Restore {
    /// Opens a reader session and checks the manifest: it must be this snapshot's, and fit the key if there is one.
    pub async fn open(
        client: &Client,
        place: &Place,
        key: Option<Arc<Key>>,
    ) -> Result<Restore, Error> {
        Restore::over(Link::open(client, place).await?, place, key).await
    }

    /// As [`Self::open`]; that, and whatever is read from now on, outlives a connection that breaks.
    pub async fn lasting(
        patience: &Arc<Patience>,
        place: &Place,
        key: Option<Arc<Key>>,
    ) -> Result<Restore, Error> {
        let link = Link::lasting(Arc::clone(patience), place).await?;
        Restore::over(link, place, key).await
    }

    async fn over(link: Link, place: &Place, key: Option<Arc<Key>>) -> Result<Restore, Error> {
        let blob = link.download(&ArchiveName::manifest()).await?;
        let (manifest, json) = open_manifest(&blob)?;
        if manifest.snapshot != place.snapshot {
            return Err(Error::OtherSnapshot {
                wanted: place.snapshot.to_string(),
                found: manifest.snapshot.to_string(),
            });
        }
        if key.is_some() {
            crypto::manifest::check_fingerprint(&manifest, key.as_deref())?;
        }
        let trust = crypto::manifest::check(&manifest, &json, key.as_deref())?;
        Ok(Restore {
            link: Arc::new(link),
            shelf: Arc::default(),
            manifest,
            json,
            trust,
            key,
            threads: Arc::default(),
        })
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's text as it is stored.
    pub fn manifest_json(&self) -> &[u8] {
        &self.json
    }

    /// How far the manifest could be checked.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// The content of a blob.
    pub async fn blob(&self, archive: &ArchiveName) -> Result<Vec<u8>, Error> {
        let content = self.open_blob(archive).await;
        content.map_err(|error| error.in_restore(archive))
    }

    /// An index that is as the manifest says.
    pub async fn index(&self, archive: &ArchiveName) -> Result<Index, Error> {
        let index = self.open_index(archive).await;
        index
            .map(|(index, _)| index)
            .map_err(|error| error.in_restore(archive))
    }

    /// Extracts the archive of a directory beneath `target`. If the patterns, or the catalog, say where all they select lies, and that is
    /// the smaller part, only that is fetched.
    pub async fn tree(
        &self,
        archive: &ArchiveName,
        target: PathBuf,
        options: ExtractOptions,
        watch: Arc<dyn RestoreWatch>,
    ) -> Result<ExtractStats, Error> {
        let order = Order {
            target,
            options,
            watch,
        };
        let result = async {
            match self.branch(archive, &order.options.patterns).await? {
                Some((tree, wanted)) => order.extract_branch(&self.threads, tree, wanted).await,
                None => {
                    let watch = Arc::clone(&order.watch);
                    self.in_order(archive, watch, |stream| {
                        order.extract(pxar::Decoder::new(stream))
                    })
                    .await
                }
            }
        };
        result.await.map_err(|error| error.in_restore(archive))
    }

    /// Runs a closure that blocks, such as one that uses this snapshot's [`RemoteArchive`]s, and awaits its result.
    pub async fn run_blocking<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        self.threads.run_blocking(work).await
    }

    /// Ends what is still under way after the future that restored was dropped, and returns when all threads have ended: they take away
    /// the file that they were writing, as half of it must not be taken for the whole. No chunk is read any more after this.
    pub async fn give_up(&self) {
        self.link.give_up();
        self.threads.ended().await;
    }

    /// Chunks of archives that were fetched so far.
    pub fn chunks_fetched(&self) -> u64 {
        self.link.chunks_fetched()
    }

    /// Writes an archive's raw stream.
    pub async fn stream(
        &self,
        archive: &ArchiveName,
        mut out: Box<dyn Write + Send>,
        watch: Arc<dyn RestoreWatch>,
    ) -> Result<RestoreStats, Error> {
        let started = Instant::now();
        let result = self.in_order(archive, watch, move |mut stream| {
            let output = |source| Error::Output { source };
            let (mut size, mut chunks) = (0, 0);
            loop {
                let ready = stream.fill_buf().map_err(output)?;
                if ready.is_empty() {
                    break;
                }
                out.write_all(ready).map_err(output)?;
                let len = ready.len();
                stream.consume(len);
                size += len as u64;
                chunks += 1;
            }
            out.flush().map_err(output)?;
            Ok((size, chunks))
        });
        let (size, chunks) = result.await.map_err(|error| error.in_restore(archive))?;
        Ok(RestoreStats {
            size,
            holes: 0,
            chunks,
            duration: started.elapsed(),
        })
    }

    /// Writes an image to a new file; what is zero becomes a hole. The file is gone if it failed. Like any copy it is in
    /// the page cache when this returns; whoever needs it on the disk calls `sync`.
    pub async fn image(
        &self,
        archive: &ArchiveName,
        target: PathBuf,
        watch: Arc<dyn RestoreWatch>,
    ) -> Result<RestoreStats, Error> {
        let result = self.write_image(archive, &target, watch).await;
        result.map_err(|error| error.in_restore(archive))
    }

    /// An archive to read at random, from a thread that may block.
    pub async fn read_at(&self, archive: &ArchiveName) -> Result<RemoteArchive, Error> {
        let opened = self.open_index(archive).await;
        let (index, mode) = opened.map_err(|error| error.in_restore(archive))?;
        Ok(RemoteArchive::new(
            (Arc::clone(&self.link), Arc::clone(&self.shelf)),
            index,
            self.key.clone(),
            mode,
            tokio::runtime::Handle::current(),
        ))
    }

    async fn open_blob(&self, archive: &ArchiveName) -> Result<Vec<u8>, Error> {
        let encoded = self.link.download(archive).await?;
        if archive.is_client_log() {
            return self.open_log(encoded);
        }
        let file = self.manifest.require_file(archive)?;
        if archive.as_str() != ArchiveName::RSA_KEY {
            crypto::manifest::check_fingerprint(&self.manifest, self.key.as_deref())?;
        }
        let differs = |what| Error::NotAsListed {
            archive: archive.clone(),
            what,
        };
        if encoded.len() as u64 != file.size {
            return Err(differs("size"));
        }
        if Digest::of(&encoded) != file.csum {
            return Err(differs("checksum"));
        }
        self.unwrap_blob(&encoded)
    }

    /// The log is no part of the manifest. Servers that synchronise wrap it a second time.
    fn open_log(&self, encoded: Vec<u8>) -> Result<Vec<u8>, Error> {
        let content = self.unwrap_blob(&encoded)?;
        match Blob::parse(&content) {
            Ok(_) => self.unwrap_blob(&content),
            Err(_) => Ok(content),
        }
    }

    fn unwrap_blob(&self, encoded: &[u8]) -> Result<Vec<u8>, Error> {
        Blob::parse(encoded)?.check_crc()?;
        let mut content = Vec::new();
        Opener::new(self.key.clone())
            .open(encoded, BLOB_RAW_MAX, None, &mut content)
            .map_err(|source| Error::OpenBlob { source })?;
        Ok(content)
    }

    async fn open_index(&self, archive: &ArchiveName) -> Result<(Index, CryptMode), Error> {
        crypto::manifest::check_fingerprint(&self.manifest, self.key.as_deref())?;
        let file = self.manifest.require_file(archive)?;
        let index = checked_index(file, self.link.download(archive).await?)?;
        self.link.knows(file);
        Ok((index, file.crypt_mode))
    }

    /// Runs `consume` on a thread, over the archive's stream.
    async fn in_order<T: Send + 'static>(
        &self,
        archive: &ArchiveName,
        watch: Arc<dyn RestoreWatch>,
        consume: impl FnOnce(Stream<Opened>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (index, mode) = self.open_index(archive).await?;
        let run = Run::among(&self.threads);
        let done = Progress::new(watch, index.size());
        let (line, stream) = self.line(&run, &index, mode, &done, usize::MAX);
        let consuming = run.spawn("restore", move || consume(stream));
        let fetching = line.fetch(&self.link, wanted(&index));
        let whole = async {
            tokio::select! {
                result = consuming => result,
                Err(error) = fetching => Err(error),
            }
        };
        run.drive(whole).await
    }

    /// The workers that open an archive's chunks, and the stream that comes out of them once they are fetched; at most
    /// `slots_max` chunks are under way.
    fn line(
        &self,
        run: &Arc<Run>,
        index: &Index,
        mode: CryptMode,
        done: &Arc<Progress>,
        slots_max: usize,
    ) -> (Line, Stream<Opened>) {
        let line = Line::limited(run, index, slots_max, Pool::empty);
        let ordered = Arc::new(Ordered::new());
        let stopping = Arc::clone(&ordered);
        run.on_stop(move || stopping.stop());
        for _ in 0..workers().get() {
            let (queue, contents) = (Arc::clone(&line.queue), line.contents.clone());
            let (ordered, done) = (Arc::clone(&ordered), Arc::clone(done));
            let mut opener = ChunkOpener::new(self.key.clone(), mode);
            drop(run.spawn("open", move || {
                while let Some(fetched) = queue.pop() {
                    // Never waits: there are as many as slots.
                    let mut content = contents.take()?;
                    opener.open(&fetched.wanted, &fetched.sealed, &mut content)?;
                    let Fetched {
                        wanted,
                        sealed,
                        slot,
                    } = fetched;
                    // Home before the slot is, so that the next one who has a slot finds it.
                    drop(sealed);
                    done.advance(wanted.size);
                    let opened = Opened {
                        content,
                        _slot: slot,
                    };
                    ordered.put(wanted.number, opened);
                }
                Ok(())
            }));
        }
        let stream = Stream::new(ordered, index.len() as u64);
        (line, stream)
    }

    async fn write_image(
        &self,
        archive: &ArchiveName,
        target: &Path,
        watch: Arc<dyn RestoreWatch>,
    ) -> Result<RestoreStats, Error> {
        let started = Instant::now();
        let (index, mode) = self.open_index(archive).await?;
        let (path, size) = (target.to_owned(), index.size());
        let image = self
            .run_blocking(move || NewImage::create(path, size))
            .await?;
        let run = Run::among(&self.threads);
        let mut writers = 0;
        let line = Line::new(&run, &index, |_, len| {
            // One more than there are cores, as those who write wait for the disk; large chunks leave no room for it.
            writers = workers().get() + usize::from(len as u64 <= FIXED_CHUNK);
            new_image::pool(writers * 2, len)
        });
        let done = Progress::new(watch, size);
        let holes = AtomicU64::new(0);
        let zero = self.zero_digest(mode);
        let threads: Vec<_> = (0..writers)
            .map(|_| {
                let (queue, contents) = (Arc::clone(&line.queue), line.contents.clone());
                let (image, done) = (image.file(), Arc::clone(&done));
                let mut opener = ChunkOpener::new(self.key.clone(), mode);
                run.spawn("image", move || {
                    let (mut one, mut two) = (contents.take()?, contents.take()?);
                    let (one, two) = (new_image::aligned(&mut one), new_image::aligned(&mut two));
                    // What was fetched goes home before it is written: the next chunk comes while the disk works.
                    while let Some(first) = queue.pop() {
                        let (first_at, size) = (first.wanted.offset, first.wanted.size);
                        if let Some(second) = queue.try_pop() {
                            let contents = opener.open_two([&first, &second], [one, two])?;
                            let (second_at, more) = (second.wanted.offset, second.wanted.size);
                            drop((first, second));
                            image.write(first_at, contents[0])?;
                            image.write(second_at, contents[1])?;
                            done.advance(size + more);
                        } else {
                            let content = opener.open_into(&first, one)?;
                            drop(first);
                            image.write(first_at, content)?;
                            done.advance(size);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        let data = wanted(&index).filter(|chunk| {
            let hole = chunk.size == FIXED_CHUNK && chunk.digest == zero;
            if hole {
                holes.fetch_add(chunk.size, Ordering::Relaxed);
                done.advance(chunk.size);
            }
            !hole
        });
        let fetching = async {
            line.fetch(&self.link, data).await?;
            line.queue.end();
            Ok(())
        };
        let whole = async { tokio::try_join!(fetching, try_join_all(threads)).map(drop) };
        run.drive(whole).await?;
        image.keep();
        Ok(RestoreStats {
            size,
            holes: holes.into_inner(),
            chunks: index.len() as u64,
            duration: started.elapsed(),
        })
    }

    /// The digest of a piece of an image that is all zero.
    fn zero_digest(&self, mode: CryptMode) -> Digest {
        let zeros = vec![0; FIXED_CHUNK as usize];
        match &self.key {
            Some(key) if mode == CryptMode::Encrypt => key.digest(&zeros),
            _ => Digest::of(&zeros),
        }
    }
}

/// Everything an index names, in order.
fn wanted(index: &Index) -> impl Iterator<Item = Wanted> {
    index
        .iter()
        .enumerate()
        .map(|(number, (range, digest))| Wanted {
            number: number as u64,
            offset: range.start,
            size: range.end - range.start,
            digest,
        })
}

/// The buffers and the queue between fetching and opening.
struct Line {
    slots: Arc<Semaphore>,
    sealed: Pool,
    contents: Pool,
    queue: Arc<Queue<Fetched>>,
}

impl Line {
    /// `contents` makes the pool for opened chunks, from the number of slots and the size of the largest chunk.
    fn new(run: &Run, index: &Index, contents: impl FnOnce(usize, usize) -> Pool) -> Line {
        Line::limited(run, index, usize::MAX, contents)
    }

    /// As [`Self::new`], with `slots_max` slots at most.
    fn limited(
        run: &Run,
        index: &Index,
        slots_max: usize,
        contents: impl FnOnce(usize, usize) -> Pool,
    ) -> Line {
        let largest = wanted(index).map(|chunk| chunk.size).max().unwrap_or(0);
        // More is refused when it is opened.
        let largest = (largest as usize).clamp(1, format::CHUNK_RAW_MAX);
        let count = budget::restored(largest, workers().get()).min(slots_max);
        let line = Line {
            slots: Arc::new(Semaphore::new(count)),
            sealed: Pool::empty(count, largest + SEAL_MAX),
            contents: contents(count, largest),
            queue: Arc::new(Queue::new()),
        };
        let (slots, queue) = (Arc::clone(&line.slots), Arc::clone(&line.queue));
        let (sealed, contents) = (line.sealed.clone(), line.contents.clone());
        run.on_stop(move || {
            slots.close();
            queue.abort();
            sealed.close();
            contents.close();
        });
        line
    }

    async fn fetch(&self, link: &Link, wanted: impl Iterator<Item = Wanted>) -> Result<(), Error> {
        fetch(link, wanted, &self.slots, &self.sealed, &self.queue).await
    }
}

/// What sealing adds at most.
const SEAL_MAX: usize = format::CHUNK_ENCODED_MAX - format::CHUNK_RAW_MAX;

/// A chunk's content; its place in the window is free again when it was read.
struct Opened {
    content: Buffer,
    _slot: Slot,
}

impl AsRef<[u8]> for Opened {
    fn as_ref(&self) -> &[u8] {
        self.content.as_ref()
    }
}

/// Counts what is done and tells it.
struct Progress {
    watch: Arc<dyn RestoreWatch>,
    done: AtomicU64,
    total: u64,
}

impl Progress {
    fn new(watch: Arc<dyn RestoreWatch>, total: u64) -> Arc<Progress> {
        // Whoever shows it can say from now on that nothing comes.
        watch.progress(0, total);
        Arc::new(Progress {
            watch,
            done: AtomicU64::new(0),
            total,
        })
    }

    fn advance(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.watch.progress(done, self.total);
    }
}

struct Extraction(Arc<dyn RestoreWatch>);

impl ExtractWatch for Extraction {
    fn remark(&mut self, remark: &tree::Remark) {
        self.0.remark(remark);
    }

    fn error(&mut self, error: &tree::EntryError) {
        self.0.entry_error(error);
    }
}
