//! The least that restoring chunks can cost on this machine: they lie in memory already, and are only decompressed and compared with their
//! digests, on all cores, by the code that restores them. Nothing is read, sent, decrypted or written.
//!
//! usage: cargo run --release -p crypto --example open_floor -- DATASTORE/.chunks

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crypto::{Opener, SealedChunk};
use format::{Blob, CHUNK_RAW_MAX, Decompressor, Digest};

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Chunk {
    digest: Digest,
    blob: Vec<u8>,
}

impl Chunk {
    fn sealed<'a>(&'a self, out: &'a mut [u8]) -> SealedChunk<'a> {
        SealedChunk {
            blob: &self.blob,
            expected: &self.digest,
            out,
        }
    }
}

fn main() -> Result<(), Failure> {
    let dir = std::env::args().nth(1).ok_or("which folder of chunks?")?;
    let mut chunks = Vec::new();
    read(Path::new(&dir), &mut chunks)?;
    let threads = std::thread::available_parallelism()?.get();
    println!("{} chunks, {threads} threads", chunks.len());
    // The first round warms up.
    for round in 0..4 {
        let (opened, bytes) = in_parallel(&chunks, threads, open)?;
        let (decoded, _) = in_parallel(&chunks, threads, decode)?;
        if round > 0 {
            println!(
                "{:.2} GB: decompressed and compared in {:.2} s, only decompressed in {:.2} s",
                bytes as f64 / 1e9,
                opened.as_secs_f64(),
                decoded.as_secs_f64()
            );
        }
    }
    Ok(())
}

/// All plain chunks below `dir`.
fn read(dir: &Path, chunks: &mut Vec<Chunk>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            read(&entry.path(), chunks)?;
        } else if let Ok(digest) = entry.file_name().to_string_lossy().parse() {
            let blob = std::fs::read(entry.path())?;
            chunks.push(Chunk { digest, blob });
        }
    }
    Ok(())
}

/// Has all pairs of chunks worked on; returns the time and the sum of what `work` gave.
fn in_parallel(
    chunks: &[Chunk],
    threads: usize,
    work: impl Fn(&[Chunk], &mut Worker) -> Result<usize, Failure> + Sync,
) -> Result<(Duration, usize), Failure> {
    let pairs: Vec<_> = chunks.chunks(2).collect();
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let sums = std::thread::scope(|scope| {
        let each = || -> Result<usize, Failure> {
            let mut worker = Worker::new();
            let mut sum = 0;
            while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                sum += work(pair, &mut worker)?;
            }
            Ok(sum)
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(each)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a thread broke")?)
            .collect::<Result<Vec<_>, Failure>>()
    })?;
    Ok((started.elapsed(), sums.into_iter().sum()))
}

struct Worker {
    opener: Opener,
    decompressor: Decompressor,
    one: Vec<u8>,
    two: Vec<u8>,
}

impl Worker {
    fn new() -> Worker {
        Worker {
            opener: Opener::new(None),
            decompressor: Decompressor::new(),
            one: vec![0; CHUNK_RAW_MAX],
            two: vec![0; CHUNK_RAW_MAX],
        }
    }
}

fn open(pair: &[Chunk], worker: &mut Worker) -> Result<usize, Failure> {
    match pair {
        [one, two] => {
            let both = [one.sealed(&mut worker.one), two.sealed(&mut worker.two)];
            let [one, two] = worker.opener.open_two(both);
            Ok(one? + two?)
        }
        rest => rest
            .iter()
            .map(|chunk| Ok(worker.opener.open_into(chunk.sealed(&mut worker.one))?))
            .sum(),
    }
}

fn decode(pair: &[Chunk], worker: &mut Worker) -> Result<usize, Failure> {
    pair.iter()
        .map(|chunk| {
            let blob = Blob::parse(&chunk.blob)?;
            Ok(worker.decompressor.decode_into(&blob, &mut worker.one)?)
        })
        .sum()
}
