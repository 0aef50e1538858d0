//! Restoring by patterns from an archive in one piece: where they say in which directories it lies, only that is fetched, and what
//! comes out is what reading the whole archive gives.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use client::{Protection, Restore};
use format::{ArchiveName, Digest};
use pxar::{Decoder, MatchKind, Pattern};
use tree::{ExtractOptions, ExtractWatch};

use crate::rig::{Rig, archive, back_up, key, noise, open, options, place, source};
use crate::trees::dump;

fn make_tree(root: &Path) {
    for dir in 0..20 {
        let dir = root.join(format!("d{dir:02}"));
        fs::create_dir_all(dir.join("deep/empty")).unwrap();
        for file in 0..10 {
            let seed = file + dir.display().to_string().len() as u64 * 100;
            fs::write(dir.join(format!("f{file}.bin")), noise(seed, 90_000)).unwrap();
        }
        fs::write(dir.join("deep/note.txt"), dir.display().to_string()).unwrap();
        std::os::unix::fs::symlink("f1.bin", dir.join("link")).unwrap();
    }
    fs::hard_link(root.join("d03/f3.bin"), root.join("d03/twin")).unwrap();
    fs::write(root.join("d04/odd[1]* name"), b"odd").unwrap();
}

fn selecting(patterns: &[&str]) -> ExtractOptions {
    let parse = |text: &&str| Pattern::parse(text.as_bytes(), MatchKind::Include).unwrap();
    ExtractOptions {
        patterns: patterns.iter().map(parse).collect(),
        ignore_ownership: true,
        strict: true,
        ..ExtractOptions::default()
    }
}

struct Silent;

impl ExtractWatch for Silent {
    fn remark(&mut self, _: &tree::Remark) {}

    fn error(&mut self, error: &tree::EntryError) {
        panic!("{error}");
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn streamed(restore: &Restore, name: &ArchiveName) -> Vec<u8> {
    let out = Shared::default();
    let stream = restore.stream(name, Box::new(out.clone()), Arc::new(()));
    stream.await.unwrap();
    std::mem::take(&mut out.0.lock().unwrap())
}

/// Patterns, and how many of the archive's 285 or so chunks they may cost (reading ahead makes it vary); all of them where it does not matter.
const ROWS: [(&[&str], Option<u64>); 19] = [
    (&["/d07/f3.bin"], Some(40)),
    (&["/d07/f3.bin", "/d15/deep"], Some(40)),
    (&["/d07/deep/"], Some(40)),
    (&["/d07/deep/*.txt"], Some(40)),
    (&["/d11/**/note.txt"], Some(40)),
    (&["/d11", "!*.bin"], Some(40)),
    (&["/d11", "!f3.bin", "/d11/f3.bin"], Some(60)),
    (&["/d03/twin", "/d03/f3.bin"], Some(40)),
    (&[r"/d04/odd\[1\]\* name"], Some(40)),
    (
        &["/none", "/d01/none/deeper", "/d01/f1.bin/below"],
        Some(40),
    ),
    (&["!/d01"], Some(4)),
    // Where these lie the catalog tells.
    (&["d04/**/*.txt"], Some(40)),
    (&["**/deep/empty", "!d1*"], Some(190)),
    (&["f3.bin", "twin", "!/d1*", "!/d0[!3]"], Some(190)),
    (&["nothing.*"], Some(4)),
    (&["d07", "link", "!/d1*"], Some(190)),
    (&["*.txt"], Some(190)),
    (&["/d07", "note.txt"], Some(190)),
    // And that it would be too much.
    (&["*.bin"], None),
];

#[tokio::test(flavor = "multi_thread")]
async fn only_the_part_with_what_is_wanted_is_fetched() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let name = archive("root.pxar.didx");
    for (number, protection) in [Protection::None, Protection::Encrypt(key(1))]
        .into_iter()
        .enumerate()
    {
        let place = place(1_700_000_000 + number as i64);
        let key = protection.key().cloned();
        let sources = vec![source("root.pxar.didx", &root)];
        let (report, _) = back_up(&client, &place, &options(protection), sources).await;
        report.unwrap();
        let whole = open(&client, &place, key.clone()).await;
        let all = whole.index(&name).await.unwrap().len() as u64;
        let stream = streamed(&whole, &name).await;
        assert_eq!(whole.chunks_fetched(), all);
        assert!(all > 150, "{all}");
        for (row, (patterns, most)) in ROWS.into_iter().enumerate() {
            let at = |kind: &str| work.path().join(format!("{number}-{row}-{kind}"));
            let (parts, expected) = (at("parts"), at("expected"));
            let decoder = Decoder::new(&stream[..]);
            let from_stream = tree::extract(decoder, &expected, &selecting(patterns), &mut Silent);
            let restore = open(&client, &place, key.clone()).await;
            let watch = Arc::new(());
            let made = restore.tree(&name, parts.clone(), selecting(patterns), watch);
            assert_eq!(made.await.unwrap(), from_stream.unwrap(), "{patterns:?}");
            assert_eq!(dump(&parts), dump(&expected), "{patterns:?}");
            let fetched = restore.chunks_fetched();
            match most {
                Some(most) => assert!(fetched <= most, "{patterns:?}: {fetched} of {all}"),
                None => assert!(fetched >= all, "{patterns:?}: {fetched} of {all}"),
            }
        }
    }
}

/// A link whose file is not selected becomes that file, since a link to nothing helps nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_what_is_not_wanted_is_a_file() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let place = place(1_700_000_000);
    let sources = vec![source("root.pxar.didx", &root)];
    let (report, _) = back_up(&client, &place, &options(Protection::None), sources).await;
    report.unwrap();
    let restore = open(&client, &place, None).await;
    let target = work.path().join("twin");
    let (name, patterns) = (archive("root.pxar.didx"), selecting(&["/d03/twin"]));
    let made = restore.tree(&name, target.clone(), patterns, Arc::new(()));
    made.await.unwrap();
    let content = |path: &Path| Digest::of(&fs::read(path).unwrap());
    assert_eq!(dump(&target).len(), 2);
    assert_eq!(
        content(&target.join("d03/twin")),
        content(&root.join("d03/f3.bin"))
    );
}
