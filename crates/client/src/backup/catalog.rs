//! The catalog of a backup: it grows beside the trees, is uploaded meanwhile, and is closed behind the last of them.

use std::sync::Arc;
use std::time::Instant;

use format::{ArchiveName, Chunker};
use remote::Writer;
use tokio::task::JoinHandle;

use super::Backup;
use crate::budget;
use crate::cut::{Cutter, Sizes};
use crate::error::Error;
use crate::names::{Deliver, Names};
use crate::pool::{Pool, Stopped};
use crate::request::sealed_max;
use crate::upload::{Uploaded, upload};

/// A catalog under way.
pub(super) struct OpenCatalog {
    pub names: Names,
    pub writer: Writer,
    pub upload: Beside<Result<Uploaded, Error>>,
    pub started: Instant,
}

/// A task that ends when nobody wants its result any more.
pub(super) struct Beside<T>(JoinHandle<T>);

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Backup<'_> {
    pub(super) async fn open_catalog(&self) -> Result<OpenCatalog, Error> {
        let started = Instant::now();
        let archive = ArchiveName::catalog();
        let avg = Chunker::AVG_CATALOG;
        let sizes = Sizes::of(avg).map_err(|_| Error::ChunkSize { size: avg })?;
        let pieces = Pool::filled(budget::CATALOG_PIECES, sizes.buffer_len());
        let sealed = Pool::empty(budget::CATALOG_SEALED, sealed_max(sizes.piece_max));
        super::close_on_stop(&self.run, &[&pieces, &sealed]);
        let known = self.known(&archive).await?;
        let writer = self.session.create_dynamic(&archive).await?;
        let (lane, inlet) = self.lane(&archive, known, &sealed);
        let deliver: Deliver = Box::new(self.crew.deliver(lane));
        let names = Names::new(Cutter::new(avg, pieces, deliver)?)?;
        let (session, report) = (Arc::clone(&self.session), self.reporter(&archive));
        let run = Arc::clone(&self.run);
        let uploading = async move {
            let _panic = run.fails_on_panic();
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

    pub(super) async fn close_catalog(&mut self, catalog: OpenCatalog) -> Result<(), Error> {
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
}
