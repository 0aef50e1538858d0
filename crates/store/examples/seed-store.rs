//! Makes a datastore as one finds them in the wild, for those who look at it: namespaces, groups and snapshots in the numbers that are asked for, with
//! verified, failed and unverified ones, notes that try to be markup, protected snapshots, long names and groups that nobody backs up any more.
//! `cargo run -p store --example seed-store -- FOLDER [NAMESPACES [GROUPS [SNAPSHOTS [OWNER]]]]`; the folder must not be there, and becomes a datastore to
//! add with `strongroom-manager datastore create NAME FOLDER --reuse-datastore true`. What it holds depends on the arguments and the time alone.

use std::error::Error;
use std::path::Path;

use format::manifest::{VerifyState, VerifyStateKind};
use format::{
    ArchiveName, AuthId, BackupTime, Compressor, CryptMode, Digest, DigestWriter, Group, Manifest,
    ManifestFile, Namespace, Snapshot,
};
use store::{Datastore, Options, Session, SyncLevel, WriterKind};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Names of the first namespaces; more are numbered.
const NAMESPACES: [&str; 5] = ["prod", "prod/db", "test", "edge", "prod/db/archive"];
const DAY_S: i64 = 86_400;
/// One group in so many has had no backup for this long.
const OLD_EVERY: usize = 40;
const OLD_DAYS: i64 = 45;
const HOSTILE: &str = "<img src=x onerror=alert(1)> <b>important</b> & \"quoted\"";
const UPID: &str = "UPID:vm:000074C8:00000000:00000000:6B0BCD10:verify:main:admin@pbs:";

struct Wish {
    namespaces: usize,
    groups: usize,
    snapshots: usize,
    owner: AuthId,
    now: i64,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = args.first().ok_or("name a folder that is not there")?;
    let number = |place: usize, usual: usize| {
        args.get(place)
            .map_or(Ok(usual), |text| text.parse::<usize>())
    };
    let wish = Wish {
        namespaces: number(1, 5)?,
        groups: number(2, 200)?.max(1),
        snapshots: number(3, 5000)?,
        owner: args.get(4).map_or("admin@pbs", String::as_str).parse()?,
        now: i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_secs())?,
    };
    let base = std::path::absolute(folder)?;
    Datastore::create(&base)?;
    let locks = base.with_extension("locks");
    let made = fill(&base, &locks, &wish);
    std::fs::remove_dir_all(&locks)?;
    println!("{} snapshots", made?);
    Ok(())
}

fn fill(base: &Path, locks: &Path, wish: &Wish) -> Result<usize> {
    let mut options = Options::new(locks.to_owned());
    options.sync = SyncLevel::None;
    let store = Datastore::open(&"seed".parse()?, base, options)?;
    let spaces = namespaces(&store, wish.namespaces)?;
    let each = wish.snapshots.div_ceil(wish.groups);
    let mut made = 0;
    for number in 0..wish.groups {
        let ns = &spaces[number % spaces.len()];
        let group = name(number).parse::<Group>()?;
        for place in (0..each.min(wish.snapshots - made)).rev() {
            add(&store, ns, &group, (number, place), wish)?;
            made += 1;
        }
        if number % 10 == 0 && store.group_exists(ns, &group) {
            store.set_group_notes(ns, &group, &format!("{HOSTILE}\nsecond line"))?;
        }
    }
    Ok(made)
}

/// The root and those that are asked for; a parent comes before its children.
fn namespaces(store: &Datastore, count: usize) -> Result<Vec<Namespace>> {
    let mut made = vec![Namespace::root()];
    for number in 0..count {
        let name = NAMESPACES
            .get(number)
            .map_or_else(|| format!("site-{number}"), |&name| name.to_owned());
        let ns: Namespace = name.parse()?;
        let parent = ns.parent().ok_or("only the root has no parent")?;
        store.create_namespace(&parent, ns.name().ok_or("only the root has no name")?)?;
        made.push(ns);
    }
    Ok(made)
}

fn name(number: usize) -> String {
    match number % 3 {
        0 => format!("vm/{}", 100 + number),
        1 => format!("ct/{}", 100 + number),
        _ if number % 9 == 2 => {
            format!("host/a-very-long-host-name-that-needs-its-room-{number:05}.example.internal")
        }
        _ => format!("host/web{number:05}"),
    }
}

/// The snapshot of a group that lies `place` days back.
fn add(
    store: &Datastore,
    ns: &Namespace,
    group: &Group,
    (number, place): (usize, usize),
    wish: &Wish,
) -> Result<()> {
    let back = i64::try_from(place)? + if number % OLD_EVERY == 5 { OLD_DAYS } else { 0 };
    let time = wish.now - back * DAY_S - i64::try_from(number)? * 7 % DAY_S - 60;
    let snapshot = Snapshot::new(group.clone(), BackupTime::new(time)?);
    let session = store.begin(ns, &snapshot, &wish.owner, false)?;
    let mut manifest = Manifest::new(&snapshot);
    manifest.add_file(archive(&session, number, place)?)?;
    manifest.set_verify_state(verified(number, place).as_ref());
    if place == 0 && number % 7 == 0 {
        manifest.set_notes(&format!("nightly {HOSTILE}"));
    }
    let blob = encode(manifest.to_json().as_bytes())?;
    session.add_blob(ArchiveName::MANIFEST, blob.len() as u64, &blob)?;
    session.finish()?;
    if place == 4 && number % 20 == 0 {
        store.snapshot(ns, &snapshot)?.set_protected(true)?;
    }
    Ok(())
}

/// The newest were not verified yet; a few of the others failed.
fn verified(number: usize, place: usize) -> Option<VerifyState> {
    let state = match (number % 50, place) {
        (_, 0..=2) => return None,
        (3, 4) => VerifyStateKind::Failed,
        _ => VerifyStateKind::Ok,
    };
    let upid = UPID.to_owned();
    Some(VerifyState { state, upid })
}

/// An archive of what the group has in all its snapshots and a piece of the snapshot's own; no pxar, what is listed does not look into it.
fn archive(session: &Session, number: usize, place: usize) -> Result<ManifestFile> {
    let (name, kind) = ("root.pxar.didx", WriterKind::Dynamic);
    let wid = session.open_dynamic(name)?;
    let mut csum = DigestWriter::new();
    let (mut offset, mut entries) = (0, Vec::new());
    let common = (0..1 + number % 4).map(|part| format!("{number} {part}"));
    for seed in common.chain([format!("{number} own {place}")]) {
        let content = seed.repeat(64 * (1 + number % 5)).into_bytes();
        let digest = Digest::of(&content);
        let mut encoded = encode(&content)?;
        session.insert_chunk(wid, kind, &digest, content.len() as u64, &mut encoded)?;
        offset += content.len() as u64;
        entries.push((digest, offset - content.len() as u64));
        csum.update(&offset.to_le_bytes());
        csum.update(digest.as_bytes());
    }
    session.append(wid, kind, &entries)?;
    let csum = csum.finish();
    session.close(wid, kind, entries.len() as u64, offset, &csum)?;
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
