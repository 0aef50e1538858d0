//! The worker threads of a backup: they seal the pieces of all trees and of the catalog, or read and seal an image by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::try_join_all;

use crate::cut::Cut;
use crate::error::Error;
use crate::image::{Image, is_zero};
use crate::options::Protection;
use crate::pool::{Pool, Stopped};
use crate::pump::Run;
use crate::queue::Queue;
use crate::seal::{Lane, Worker, Zeros};

/// Threads that wait for pieces. They end when the run does.
pub(crate) struct Crew(Arc<Queue<(Arc<Lane>, Cut)>>);

impl Crew {
    pub fn start(run: &Arc<Run>, workers: usize, protection: &Protection) -> Crew {
        let queue = Arc::new(Queue::new());
        let ending = Arc::clone(&queue);
        run.on_stop(move || ending.abort());
        for _ in 0..workers {
            let (queue, protection) = (Arc::clone(&queue), protection.clone());
            // Its error is the run's, and there is no result to wait for.
            drop(run.spawn("seal", move || seal(&queue, &protection)));
        }
        Crew(queue)
    }

    /// What a cutter does with its pieces.
    pub fn deliver(
        &self,
        lane: Arc<Lane>,
    ) -> impl FnMut(Cut) -> Result<(), Stopped> + Send + use<> {
        let queue = Arc::clone(&self.0);
        move |cut| {
            queue.push((Arc::clone(&lane), cut));
            Ok(())
        }
    }
}

fn seal(queue: &Queue<(Arc<Lane>, Cut)>, protection: &Protection) -> Result<(), Error> {
    let mut worker = Worker::new(protection)?;
    while let Some((lane, cut)) = queue.pop() {
        let archive = lane.archive.clone();
        worker
            .piece(&lane, cut.number, cut.buffer, cut.len)
            .map_err(|error| error.in_backup(&archive))?;
    }
    Ok(())
}

/// Reads and seals all pieces of an image; each thread takes the next number that is free.
pub(crate) async fn seal_image(
    run: &Arc<Run>,
    workers: usize,
    protection: &Protection,
    image: Arc<Image>,
    pieces: &Pool,
    lane: Arc<Lane>,
) -> Result<(), Error> {
    let next = Arc::new(AtomicU64::new(0));
    let zeros = Arc::new(Zeros::default());
    let threads = (0..workers).map(|_| {
        let (next, zeros) = (Arc::clone(&next), Arc::clone(&zeros));
        let (image, lane) = (Arc::clone(&image), Arc::clone(&lane));
        let (pieces, protection) = (pieces.clone(), protection.clone());
        run.spawn("image", move || {
            let mut worker = Worker::new(&protection)?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= image.pieces() {
                    return Ok(());
                }
                seal_piece(&mut worker, &image, number, &pieces, &lane, &zeros)
                    .map_err(|error| error.in_backup(&lane.archive))?;
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    // The archive's upload ends when the threads have let go of it.
    drop(lane);
    try_join_all(threads).await.map(drop)
}

fn seal_piece(
    worker: &mut Worker,
    image: &Image,
    number: u64,
    pieces: &Pool,
    lane: &Lane,
    zeros: &Zeros,
) -> Result<(), Error> {
    let range = image.range(number);
    let len = (range.end - range.start) as usize;
    if image.is_hole(&range) {
        return worker.zeros(lane, number, len, zeros);
    }
    let mut buffer = pieces.take()?;
    image.read(range.start, &mut buffer[..len])?;
    if is_zero(&buffer[..len]) {
        drop(buffer);
        return worker.zeros(lane, number, len, zeros);
    }
    worker.piece(lane, number, buffer, len)
}
