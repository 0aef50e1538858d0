//! Makes a datastore for measurements: many snapshots of many tiny chunks, so that counts are the hard part, and tells how long listing, counting
//! space and collecting garbage take. `cargo run --release -p store --example make-store -- FOLDER [SNAPSHOTS [CHUNKS]]`; the folder must not
//! be there, and stays for others to measure.

use std::error::Error;
use std::time::Instant;

use format::{
    ArchiveName, BackupTime, Compressor, CryptMode, Digest, DigestWriter, Manifest, ManifestFile,
    Namespace, Snapshot,
};
use store::{
    Datastore, GcOptions, Options, Session, SpaceOptions, SyncLevel, Unwatched, WriterKind,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Snapshots of one group.
const OF_GROUP: usize = 20;
/// One chunk in so many is new in each snapshot.
const NEW_EVERY: usize = 10;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = args.first().ok_or("name a folder that is not there")?;
    let number = |place: usize, usual: usize| {
        args.get(place)
            .map_or(Ok(usual), |text| text.parse::<usize>())
    };
    let (snapshots, chunks) = (number(1, 500)?, number(2, 2000)?);
    let base = std::path::absolute(folder)?.join("store");
    Datastore::create(&base)?;
    let mut options = Options::new(base.with_file_name("locks"));
    options.sync = SyncLevel::None;
    let store = Datastore::open(&"bench".parse()?, &base, options)?;
    timed("made", || fill(&store, snapshots, chunks))?;
    let listed = timed("listed, with manifests", || list(&store))?;
    println!("  {listed} snapshots");
    let report = timed("counted space", || {
        Ok(store.update_space(&SpaceOptions::default(), 0, &Unwatched)?)
    })?;
    println!("  {} chunks, {} bytes", report.chunks, report.bytes);
    timed("counted space again", || {
        Ok(store.update_space(&SpaceOptions::default(), 0, &Unwatched)?)
    })?;
    let options = GcOptions {
        probe: false,
        ..GcOptions::default()
    };
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_secs())?;
    let report = timed("collected garbage", || {
        Ok(store.collect_garbage(&options, now, &Unwatched)?)
    })?;
    let named = report.hits + report.misses;
    println!(
        "  {} indexes name {named} chunks; {} different ones, as many touches",
        report.index_files, report.marked_chunks
    );
    Ok(())
}

fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = work()?;
    println!("{what}: {} ms", start.elapsed().as_millis());
    Ok(result)
}

fn fill(store: &Datastore, snapshots: usize, chunks: usize) -> Result<()> {
    for n in 0..snapshots {
        let (group, age) = (n / OF_GROUP, n % OF_GROUP);
        let time = BackupTime::new(1_700_000_000 + i64::try_from(age)? * 86_400)?;
        let snapshot = Snapshot::new(format!("vm/{}", 100 + group).parse()?, time);
        let session = store.begin(&Namespace::root(), &snapshot, &"bench@pbs".parse()?, false)?;
        let file = archive(&session, group, age, chunks)?;
        let mut manifest = Manifest::new(&snapshot);
        manifest.add_file(file)?;
        let blob = encode(manifest.to_json().as_bytes())?;
        session.add_blob(ArchiveName::MANIFEST, blob.len() as u64, &blob)?;
        session.finish()?;
    }
    Ok(())
}

fn archive(session: &Session, group: usize, age: usize, chunks: usize) -> Result<ManifestFile> {
    let (name, kind) = ("root.pxar.didx", WriterKind::Dynamic);
    let wid = session.open_dynamic(name)?;
    let mut csum = DigestWriter::new();
    let (mut offset, mut entries) = (0, Vec::with_capacity(chunks));
    for place in 0..chunks {
        // The last snapshot in which this place changed.
        let since = (0..=age).rev().find(|age| (place + age) % NEW_EVERY == 0);
        let content = format!("{group} {place} {}", since.unwrap_or(0)).into_bytes();
        let digest = Digest::of(&content);
        let mut encoded = encode(&content)?;
        session.insert_chunk(wid, kind, &digest, content.len() as u64, &mut encoded)?;
        entries.push((digest, offset));
        offset += content.len() as u64;
        csum.update(&offset.to_le_bytes());
        csum.update(digest.as_bytes());
    }
    session.append(wid, kind, &entries)?;
    let csum = csum.finish();
    session.close(wid, kind, chunks as u64, offset, &csum)?;
    Ok(ManifestFile {
        crypt_mode: CryptMode::None,
        csum,
        filename: name.parse()?,
        size: offset,
    })
}

fn encode(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoded = Vec::new();
    Compressor::new().encode(content, true, &mut encoded)?;
    Ok(encoded)
}

/// What a list of snapshots reads.
fn list(store: &Datastore) -> Result<usize> {
    let mut listed = 0;
    let root = Namespace::root();
    for group in store.groups(&root)? {
        for info in store.snapshots(&root, &group)? {
            store.snapshot(&root, &info.snapshot)?.manifest()?;
            listed += 1;
        }
    }
    Ok(listed)
}
