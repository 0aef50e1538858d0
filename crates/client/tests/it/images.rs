//! Disk images there and back: holes, zeros, odd ends, repetitions, what did not change.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use client::{Error, Protection};

use crate::rig::{Rig, archive, back_up, chain, key, noise, open, options, place, source};

const PIECE: u64 = 4 << 20;

/// data, hole, the same data, zeros that are written, hole, an odd end.
fn make_image(path: &Path, end: u64) {
    let file = File::create(path).unwrap();
    file.set_len(5 * PIECE + end).unwrap();
    let data = noise(3, PIECE as usize);
    file.write_all_at(&data, 0).unwrap();
    file.write_all_at(&data, 2 * PIECE).unwrap();
    file.write_all_at(&vec![0; PIECE as usize], 3 * PIECE)
        .unwrap();
    file.write_all_at(&noise(4, end as usize / 2), 5 * PIECE)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_comes_back_with_its_holes() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("disk");
    let name = archive("disk.img.fidx");
    for (i, end) in [0, 1, 100_000].into_iter().enumerate() {
        make_image(&image, end);
        for (j, protection) in [Protection::None, Protection::Encrypt(key(1))]
            .into_iter()
            .enumerate()
        {
            let place = place(1_700_000_000 + 10 * i as i64 + j as i64);
            let key = protection.key().cloned();
            let sources = vec![source("disk.img.fidx", &image)];
            let (report, _) = back_up(&client, &place, &options(protection), sources).await;
            let stats = report.unwrap().archives[0].clone();
            assert_eq!(stats.size, 5 * PIECE + end);
            assert_eq!(stats.chunks, 5 + u64::from(end > 0));
            assert_eq!(stats.uploaded + stats.reused, stats.size);

            let restore = open(&client, &place, key).await;
            let target = work.path().join(format!("back-{i}-{j}"));
            let stats = restore
                .image(&name, target.clone(), Arc::new(()))
                .await
                .unwrap();
            assert_eq!(stats.holes, 3 * PIECE);
            assert!(std::fs::read(&image).unwrap() == std::fs::read(&target).unwrap());
            let on_disk = std::fs::metadata(&target).unwrap().blocks() * 512;
            assert!(
                on_disk < 3 * PIECE + end,
                "{on_disk} bytes for two pieces of data"
            );

            let again = restore
                .image(&name, target.clone(), Arc::new(()))
                .await
                .unwrap_err();
            assert!(
                chain(&again).contains("File exists (os error 17)"),
                "{}",
                chain(&again)
            );
            assert!(target.exists());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_pieces_are_sent_once_and_unchanged_ones_never() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("disk");
    make_image(&image, 1000);
    let sources = || vec![source("disk.img.fidx", &image)];
    let options = options(Protection::None);
    let (first, _) = back_up(&client, &place(100), &options, sources()).await;
    let first = first.unwrap().archives[0].clone();
    // One piece of data, one of zeros, the end.
    assert_eq!((first.chunks, first.chunks_new), (6, 3));
    assert_eq!(first.uploaded, 2 * PIECE + 1000);
    let (second, _) = back_up(&client, &place(101), &options, sources()).await;
    let second = second.unwrap().archives[0].clone();
    assert_eq!(
        (second.chunks_new, second.sent, second.reused),
        (0, 0, second.size)
    );

    let file = File::options().write(true).open(&image).unwrap();
    file.write_all_at(b"x", 4 * PIECE + 17).unwrap();
    let (third, _) = back_up(&client, &place(102), &options, sources()).await;
    let third = third.unwrap().archives[0].clone();
    assert_eq!((third.chunks_new, third.uploaded), (1, PIECE));
    let restore = open(&client, &place(102), None).await;
    let target = work.path().join("back");
    restore
        .image(&archive("disk.img.fidx"), target.clone(), Arc::new(()))
        .await
        .unwrap();
    assert!(std::fs::read(&image).unwrap() == std::fs::read(&target).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_images_in_one_run() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for i in 0..5u64 {
        let path = work.path().join(format!("disk-{i}"));
        std::fs::write(&path, noise(i, 3_000_000 * i as usize + 1)).unwrap();
        sources.push(source(&format!("disk-{i}.img.fidx"), &path));
    }
    let place = place(200);
    let (report, ear) = back_up(&client, &place, &options(Protection::None), sources).await;
    assert_eq!(report.unwrap().archives.len(), 5);
    assert_eq!(ear.0.lock().unwrap().finished.len(), 5);
    let restore = open(&client, &place, None).await;
    for i in 0..5u64 {
        let target = work.path().join(format!("back-{i}"));
        let name = archive(&format!("disk-{i}.img.fidx"));
        restore
            .image(&name, target.clone(), Arc::new(()))
            .await
            .unwrap();
        assert!(std::fs::read(&target).unwrap() == noise(i, 3_000_000 * i as usize + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_chunk_ends_the_restore_and_leaves_no_half_image() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("disk");
    make_image(&image, 1000);
    for (i, protection) in [Protection::None, Protection::Encrypt(key(9))]
        .into_iter()
        .enumerate()
    {
        let place = place(300 + i as i64);
        let key = protection.key().cloned();
        let sources = vec![source("disk.img.fidx", &image)];
        let (report, _) = back_up(&client, &place, &options(protection), sources).await;
        report.unwrap();
        rig.damage_chunks();
        let restore = open(&client, &place, key).await;
        let target = work.path().join("back");
        let error = restore
            .image(&archive("disk.img.fidx"), target.clone(), Arc::new(()))
            .await
            .unwrap_err();
        let Error::Restore { source, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(matches!(**source, Error::Open { .. }), "{}", chain(&error));
        assert!(!target.exists());
    }
}

/// 64 GiB with next to nothing in it: neither way may read, send or write what is not there, or this would take minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_image_of_holes_costs_what_is_in_it() {
    const SIZE: u64 = 64 << 30;
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("disk");
    let file = File::create(&image).unwrap();
    if let Err(error) = file.set_len(SIZE) {
        return eprintln!("skipped: no file of that size here: {error}");
    }
    let places = [0, 7 * PIECE + 11, 9000 * PIECE + 1, SIZE - 5];
    for offset in places {
        file.write_all_at(b"data!", offset).unwrap();
    }
    let place = place(1_700_000_000);
    let sources = vec![source("disk.img.fidx", &image)];
    let (report, _) = back_up(&client, &place, &options(Protection::None), sources).await;
    let stats = report.unwrap().archives[0].clone();
    assert_eq!((stats.size, stats.chunks), (SIZE, SIZE / PIECE));
    // Those with data, and one that is zero.
    assert_eq!(stats.chunks_new, places.len() as u64 + 1);

    let restore = open(&client, &place, None).await;
    let target = work.path().join("back");
    let name = archive("disk.img.fidx");
    let restoring = restore.image(&name, target.clone(), Arc::new(()));
    let stats = restoring.await.unwrap();
    assert_eq!(stats.holes, SIZE - places.len() as u64 * PIECE);
    assert_eq!(restore.chunks_fetched(), places.len() as u64);
    let back = File::open(&target).unwrap();
    let found = back.metadata().unwrap();
    assert_eq!(found.len(), SIZE);
    assert!(found.blocks() * 512 <= places.len() as u64 * PIECE);
    for offset in places {
        let mut data = [0; 5];
        back.read_exact_at(&mut data, offset).unwrap();
        assert_eq!(&data, b"data!", "{offset}");
    }
}
