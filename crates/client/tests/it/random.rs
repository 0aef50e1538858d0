//! Archives read at random by several threads, as mounts and exports do.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use client::{Protection, RemoteArchive};
use pxar::ReadAt as _;

use crate::rig::{Rig, archive, back_up, key, noise, open, options, place, source};

const PIECE: u64 = 4 << 20;
const SIZE: usize = (9 << 22) + 777;

/// Data, with a hole of two pieces in its midst.
fn image() -> Vec<u8> {
    let mut image = noise(7, SIZE);
    image[3 * PIECE as usize..5 * PIECE as usize].fill(0);
    image
}

async fn backed_up(rig: &Rig, work: &std::path::Path) -> RemoteArchive {
    let client = rig.client().await;
    let path = work.join("disk");
    File::create(&path)
        .unwrap()
        .write_all_at(&image(), 0)
        .unwrap();
    let place = place(9_000);
    let protection = Protection::Encrypt(key(5));
    let sources = vec![source("disk.img.fidx", &path)];
    let (report, _) = back_up(&client, &place, &options(protection), sources).await;
    report.unwrap();
    let restore = open(&client, &place, Some(key(5))).await;
    restore.read_at(&archive("disk.img.fidx")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_see_the_same() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let disk = backed_up(&rig, work.path()).await;
    let image = image();
    client::run_blocking(move || {
        assert_eq!(disk.size(), SIZE as u64);
        std::thread::scope(|scope| {
            for reader in 0..8u64 {
                let (disk, image) = (&disk, &image);
                scope.spawn(move || {
                    let mut piece = vec![0; 200_000];
                    if reader % 2 == 0 {
                        // From the front to the end.
                        let mut at = 0;
                        while at < image.len() {
                            let n = disk.read_at(&mut piece, at as u64).unwrap();
                            assert!(n > 0 && piece[..n] == image[at..][..n], "at {at}");
                            at += n;
                        }
                    } else {
                        for step in 0..60u64 {
                            let at =
                                (step * 7_654_321 + reader * 999_983) % (SIZE as u64 - 200_000);
                            disk.read_exact_at(&mut piece, at).unwrap();
                            assert!(piece == image[at as usize..][..piece.len()], "at {at}");
                        }
                    }
                });
            }
        });
        Ok(())
    })
    .await
    .unwrap();
}

/// Chunks that cannot be opened: each of those who wait for one is told, and nobody waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_of_damage() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let disk = backed_up(&rig, work.path()).await;
    rig.damage_chunks();
    let reading = client::run_blocking(move || {
        let texts = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..8u64)
                .map(|reader| {
                    let disk = &disk;
                    scope.spawn(move || {
                        let places = (0..9).map(|piece| piece * PIECE + reader);
                        places
                            .map(|at| disk.read_at(&mut [0; 10], at).unwrap_err().to_string())
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            let texts = readers
                .into_iter()
                .flat_map(|reader| reader.join().unwrap());
            texts.collect::<HashSet<_>>()
        });
        // One for each chunk; the two pieces of the hole are one.
        assert_eq!(texts.len(), 8, "{texts:?}");
        assert!(texts.iter().all(|text| text.contains("chunk")), "{texts:?}");
        Ok(())
    });
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, reading).await.unwrap().unwrap();
}
