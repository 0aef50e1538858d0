//! A tree as a split archive: names and metadata in one stream, file data in another, both on their way at the same time. Where
//! unchanged files are looked for, the previous snapshot is read beside the walk (pxar.md 2.5 and 3.1).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use format::{ArchiveName, Digest, Index, Snapshot};
use tree::{ChunkTable, CreateOptions};

use super::Backup;
use crate::cut::{Cutter, PayloadCutter};
use crate::error::Error;
use crate::options::{Detection, Place};
use crate::read_at::RemoteArchive;
use crate::request::payload_half;
use crate::restore::Restore;
use crate::upload::upload;
use crate::walk::{Reference, Walk};
use crate::watch::Notice;

impl Backup<'_> {
    pub(super) async fn split_tree(
        &mut self,
        archive: ArchiveName,
        path: PathBuf,
        options: Box<CreateOptions>,
        detection: Detection,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let payload = payload_half(&archive).ok_or_else(|| Error::WrongName {
            archive: archive.clone(),
            wanted: "the metadata half of a split archive",
        })?;
        let index = self
            .previous
            .index(&self.session, &payload, &*self.watch)
            .await?;
        let reference = match detection {
            Detection::Data => None,
            Detection::Metadata => self.reference(&archive, &payload, index.as_ref()).await?,
        };
        let compares = reference.is_some();
        let known = index.iter().flat_map(|index| index.iter());
        let known = known.map(|(_, digest)| digest).collect();
        let metadata_known = self.known(&archive).await?;
        let metadata_writer = self.session.create_dynamic(&archive).await?;
        let payload_writer = self.session.create_dynamic(&payload).await?;
        let (metadata_lane, metadata_inlet) = self.lane(&archive, metadata_known, &self.sealed);
        let (payload_lane, payload_inlet) = self.lane(&payload, known, &self.sealed);
        let walk = Walk {
            archive: archive.clone(),
            path,
            options,
            watch: Arc::clone(&self.watch),
            run: Arc::clone(&self.run),
        };
        let (avg, pieces) = (self.options.chunk_size_avg, self.pieces.clone());
        let metadata_deliver = self.crew.deliver(metadata_lane);
        let payload_deliver = self.crew.deliver(Arc::clone(&payload_lane));
        let walking = self.run.spawn("walk", move || {
            let metadata = Cutter::new(avg, pieces.clone(), metadata_deliver)?;
            let payload = PayloadCutter::new(avg, pieces, payload_deliver, |number, chunk| {
                payload_lane.inject(number, chunk.digest, chunk.size)
            })?;
            let archive = walk.archive.clone();
            walk.split(metadata, payload, reference)
                .map_err(|error| error.in_backup(&archive))
        });
        let metadata_report = self.reporter(&archive);
        let payload_report = self.reporter(&payload);
        let session = &self.session;
        let uploading = async {
            tokio::try_join!(
                upload(session, metadata_writer, metadata_inlet, metadata_report),
                upload(session, payload_writer, payload_inlet, payload_report),
            )
        };
        let (walked, (metadata_up, payload_up)) = tokio::try_join!(walking, uploading)?;
        self.warnings += walked.stats.warnings;
        if compares {
            self.watch.notice(&Notice::Reused {
                archive: archive.clone(),
                reuse: walked.stats.reuse,
                hard_links: walked.stats.hard_links,
            });
        }
        // The manifest has the payload first, the report the metadata.
        let (pieces, up) = (walked.payload_pieces, &payload_up);
        self.close_index(&payload, payload_writer, up, pieces)
            .await?;
        let (pieces, up) = (walked.metadata_pieces, &metadata_up);
        self.close_index(&archive, metadata_writer, up, pieces)
            .await?;
        self.done(super::stats(archive, &metadata_up, started.elapsed()));
        self.done(super::stats(payload, &payload_up, started.elapsed()));
        Ok(())
    }

    /// The previous split archive, opened to be compared with; nothing if there is none that can be used.
    async fn reference(
        &self,
        archive: &ArchiveName,
        payload: &ArchiveName,
        index: Option<&Index>,
    ) -> Result<Option<Reference>, Error> {
        let protection = &self.options.protection;
        let reference = self.previous.reference(archive, payload, protection);
        let (Some((snapshot, csum)), Some(index)) = (reference, index) else {
            return Ok(None);
        };
        match self.open_previous(archive, snapshot, csum).await {
            Ok(metadata) => {
                // Its session is not the one whose end the run hears of.
                metadata.ends_with(&self.run);
                self.watch.notice(&Notice::Reference(archive.clone()));
                let rows = index.iter().map(|(range, digest)| (range.end, digest));
                Ok(Some(Reference {
                    metadata,
                    chunks: ChunkTable::new(rows),
                }))
            }
            Err(Error::Remote(error)) if error.status().is_none() => Err(error.into()),
            Err(source) => {
                self.watch.notice(&Notice::ReferenceUnusable {
                    archive: archive.clone(),
                    source,
                });
                Ok(None)
            }
        }
    }

    /// Opens the archive whose index has this checksum: the reader is told a manifest of its own.
    async fn open_previous(
        &self,
        archive: &ArchiveName,
        snapshot: Snapshot,
        csum: Digest,
    ) -> Result<RemoteArchive, Error> {
        let place = Place {
            snapshot,
            ..self.place.clone()
        };
        let key = self.options.protection.key().cloned();
        let restore = Restore::open(self.client, &place, key).await?;
        if restore.manifest().require_file(archive)?.csum != csum {
            return Err(Error::NotAsListed {
                archive: archive.clone(),
                what: "checksum",
            });
        }
        restore.read_at(archive).await
    }
}
