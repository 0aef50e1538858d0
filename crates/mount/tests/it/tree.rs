//! The file-system face by plain calls: no kernel, no privilege.

use mount::{Listing, TreeView, ViewError};
use pxar::{Accessor, Encoder};

use crate::rig::{
    Complaints, directory, fixtures, recorded, small_archive, spoiled_archive, spoiled_names,
};
use crate::seen;

const ROOT: u64 = 1;

fn view_of(archive: Vec<u8>) -> TreeView<Vec<u8>> {
    TreeView::new(Accessor::open(archive).unwrap())
}

#[test]
fn the_recorded_tree() {
    let Some(fixtures) = fixtures() else { return };
    let expected = seen::recorded(&fixtures.join("tree.manifest.jsonl"));
    assert!(expected.members.len() > 200 && expected.links.len() > 1);
    seen::assert_same(&seen::view(&recorded(&fixtures)), &expected);
}

#[test]
fn inodes_are_places_in_the_archive() {
    let archive = small_archive();
    let (first, second) = (view_of(archive.clone()), view_of(archive));
    let inode = |view: &TreeView<_>, path: &[&str]| {
        path.iter().fold(ROOT, |parent, name| {
            view.lookup(parent, name.as_bytes()).unwrap().ino.0
        })
    };
    assert_eq!(inode(&first, &["sub", "link"]), inode(&first, &["big"]));
    for path in [&["big"][..], &["sub"], &["sub", "small"]] {
        let number = inode(&first, path);
        assert_eq!(number, inode(&second, path), "{path:?}");
        assert_eq!(number >> 63 == 0, path == ["sub"], "{path:?}");
    }
    // Its attributes are the file's own under each name; the names that were seen are counted.
    assert_eq!(first.attributes(inode(&first, &["big"])).unwrap().nlink, 2);
}

#[test]
fn a_listing_goes_on_where_it_stopped() {
    let view = view_of(small_archive());
    let many = view.lookup(ROOT, b"many").unwrap().ino.0;
    let list = |offset: u64, at_most: usize| {
        let mut lines = Vec::new();
        view.list(many, offset, Listing::Names, &mut |line| {
            if lines.len() == at_most {
                return false;
            }
            lines.push((line.name.to_vec(), line.next, line.attributes.ino.0));
            true
        })
        .unwrap();
        lines
    };
    let whole = list(0, usize::MAX);
    assert_eq!(whole.len(), 302);
    assert_eq!((&whole[0].0[..], whole[0].2), (&b"."[..], many));
    assert_eq!((&whole[1].0[..], whole[1].2), (&b".."[..], ROOT));
    for step in [1, 2, 7] {
        let mut pieces = Vec::new();
        let mut offset = 0;
        loop {
            let piece = list(offset, step);
            let Some(last) = piece.last() else { break };
            offset = last.1;
            pieces.extend(piece);
        }
        assert_eq!(pieces, whole, "in steps of {step}");
    }
    assert_eq!(list(u64::MAX, 10), []);
    // in the order of the archive, so that a walk through a large directory reads it once
    assert_eq!(whole[2].0, b"file with a longer name, number 0");
}

/// Names from `offset` on, without the dots, and where they end.
fn names(
    view: &TreeView<Vec<u8>>,
    inode: u64,
    offset: u64,
) -> Result<(Vec<Vec<u8>>, u64), ViewError> {
    let (mut names, mut next) = (Vec::new(), offset);
    view.list(inode, offset, Listing::Lookups, &mut |line| {
        next = line.next;
        if !line.name.starts_with(b".") {
            names.push(line.name.to_vec());
        }
        true
    })?;
    Ok((names, next))
}

#[test]
fn a_broken_link_and_a_long_name_spoil_only_themselves() {
    for distance in [1, 17, u64::MAX] {
        let complaints = Complaints::default();
        let view = view_of(spoiled_archive(distance)).complaining_to(complaints.hook());
        for _ in 0..2 {
            let (listed, next) = names(&view, ROOT, 0).unwrap();
            assert_eq!(listed, spoiled_names(), "{distance}");
            // What is left out is nothing to wait for.
            assert_eq!(names(&view, ROOT, next).unwrap(), (vec![], next));
        }
        let told = complaints.list();
        assert_eq!(told.len(), 2, "each is told once: {told:?}");
        let expected = format!(
            "longer than 1024 bytes and cannot be shown, it is left out: {:?}...",
            "o".repeat(64)
        );
        assert!(told[0].ends_with(&expected), "{told:?}");
        let bad = view.lookup(ROOT, b"bad").unwrap_err();
        assert!(matches!(bad, ViewError::Archive(_)), "{bad}");
        assert!(view.lookup(ROOT, b"end").is_ok());
    }
}

#[test]
fn a_damaged_row_of_a_table_hides_only_its_member() {
    let mut archive = small_archive();
    let header = 0x2fec_4fa6_42d5_731d_u64.to_le_bytes();
    let table = archive
        .windows(8)
        .position(|bytes| bytes == header)
        .unwrap();
    archive[table + 16 + 24 + 8..][..8].fill(0xff);
    let complaints = Complaints::default();
    let view = view_of(archive).complaining_to(complaints.hook());
    let many = view.lookup(ROOT, b"many").unwrap().ino.0;
    for _ in 0..2 {
        let (listed, next) = names(&view, many, 0).unwrap();
        assert_eq!(listed.len(), 299);
        // Whoever reads to the end must not believe that this was all.
        let end = names(&view, many, next).unwrap_err();
        assert!(matches!(end, ViewError::Incomplete) && !end.is_failure());
    }
    assert_eq!(complaints.list().len(), 1);
}

#[test]
fn what_was_forgotten_is_stale_and_what_is_known_is_not() {
    let view = view_of(small_archive());
    let sub = view.lookup(ROOT, b"sub").unwrap().ino.0;
    view.lookup(ROOT, b"sub").unwrap();
    view.forget(sub, 1);
    assert!(view.attributes(sub).is_ok());
    view.forget(sub, 1);
    for inode in [sub, 0, 2, u64::MAX] {
        let found = view.attributes(inode);
        assert!(matches!(found, Err(ViewError::Stale(_))), "{inode}");
    }
    view.forget(ROOT, 99);
    assert!(view.attributes(ROOT).is_ok());
    // A listing of names only makes nothing known; one of lookups does.
    for (listing, expected) in [(Listing::Names, false), (Listing::Lookups, true)] {
        view.list(ROOT, 0, listing, &mut |_| true).unwrap();
        assert_eq!(view.attributes(sub).is_ok(), expected, "{listing:?}");
    }
}

#[test]
fn what_cannot_be_done() {
    let view = view_of(small_archive());
    let big = view.lookup(ROOT, b"big").unwrap();
    let errno = |error: ViewError| i32::from(error.errno());
    let raw = rustix::io::Errno::raw_os_error;
    use rustix::io::Errno;
    for (found, expected) in [
        (view.lookup(ROOT, b"none").unwrap_err(), Errno::NOENT),
        (view.lookup(big.ino.0, b"x").unwrap_err(), Errno::NOTDIR),
        (view.read(ROOT, 0, 1).unwrap_err(), Errno::ISDIR),
        (view.read_link(ROOT).unwrap_err(), Errno::INVAL),
        (view.attribute(ROOT, b"user.x").unwrap_err(), Errno::NODATA),
        (view.read(77, 0, 1).unwrap_err(), Errno::STALE),
    ] {
        let text = found.to_string();
        assert_eq!(errno(found), raw(expected), "{text}");
    }
}

#[test]
fn special_files_are_no_data() {
    let mut encoder = Encoder::new(Vec::new(), &directory(0o755)).unwrap();
    let mut fifo = directory(0o600);
    fifo.mode = 0o010_600;
    encoder.add_fifo(b"pipe", &fifo).unwrap();
    let view = view_of(encoder.finish().unwrap());
    let pipe = view.lookup(ROOT, b"pipe").unwrap();
    assert!(matches!(
        view.read(pipe.ino.0, 0, 1),
        Err(ViewError::NotAFile)
    ));
}
