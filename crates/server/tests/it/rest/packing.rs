//! Downloads out of archives: the original's tree as zip and as tar, compared member by member with the list of what was backed up.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::message::{request, send};
use super::site::{Login, Site, fixtures};

/// What a member is, and its data or target.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub kind: char,
    mode: u32,
    pub data: Vec<u8>,
}

fn target(path: &str, tar: bool) -> String {
    let filepath = api::form::escape(&STANDARD.encode(path));
    format!(
        "/api2/json/admin/datastore/peer/pxar-file-download?backup-type=host&backup-id=plain&backup-time=1700000000&filepath={filepath}&tar={tar}"
    )
}

pub async fn download(site: &Site, login: &Login, path: &str, tar: bool) -> (u16, Vec<u8>) {
    let answer = site.call(login, "GET", &target(path, tar), "").await;
    (answer.status, answer.body)
}

fn octal(field: &[u8]) -> u64 {
    let text = std::str::from_utf8(field)
        .expect("octal")
        .trim_end_matches('\0');
    u64::from_str_radix(text, 8).expect("octal")
}

fn name(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// Reads a tar as strictly as GNU tar does; links are resolved to the data of the member they name, which must have come before.
pub fn untar(packed: &[u8]) -> BTreeMap<String, Member> {
    let tar = zstd::stream::decode_all(packed).expect("zstd");
    let (mut members, mut at) = (BTreeMap::<String, Member>::new(), 0);
    let (mut long, mut long_link) = (None, None);
    while tar[at] != 0 {
        let header = &tar[at..at + 512];
        let mut blank = header.to_vec();
        blank[148..156].fill(b' ');
        let sum: u64 = blank.iter().map(|b| u64::from(*b)).sum();
        assert_eq!(
            octal(&header[148..156]),
            sum,
            "sum of {}",
            name(&header[..100])
        );
        let size = octal(&header[124..136]) as usize;
        let data = tar[at + 512..at + 512 + size].to_vec();
        at += 512 + size.next_multiple_of(512);
        let kind = char::from(header[156]);
        if matches!(kind, 'K' | 'L') {
            let slot = if kind == 'K' {
                &mut long_link
            } else {
                &mut long
            };
            *slot = Some(name(&data));
            continue;
        }
        let path = long.take().unwrap_or_else(|| name(&header[..100]));
        let link = long_link.take().unwrap_or_else(|| name(&header[157..257]));
        let member = match kind {
            '1' => members
                .get(&link)
                .unwrap_or_else(|| panic!("{path} links to {link}, which did not come before"))
                .clone(),
            '2' => Member {
                kind,
                mode: 0o777,
                data: link.into_bytes(),
            },
            _ => Member {
                kind,
                mode: octal(&header[100..108]) as u32 & 0o7777,
                data,
            },
        };
        assert!(
            members.insert(path.clone(), member).is_none(),
            "{path} twice"
        );
    }
    assert_eq!(tar.len(), at + 1024);
    members
}

/// Reads a zip by its central directory and compares each local part with it.
pub fn unzip(zip: &[u8]) -> BTreeMap<String, Member> {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let u32_at = |at: usize| u32::from_le_bytes(zip[at..at + 4].try_into().expect("4 bytes"));
    let end = zip.len() - 22;
    assert_eq!(u32_at(end), 0x0605_4b50);
    let (count, mut at) = (u16_at(end + 10), u32_at(end + 16) as usize);
    let mut members = BTreeMap::new();
    for _ in 0..count {
        assert_eq!(u32_at(at), 0x0201_4b50);
        let (crc, packed, plain) = (
            u32_at(at + 16),
            u32_at(at + 20) as usize,
            u32_at(at + 24) as usize,
        );
        let (name_len, extra_len, external) = (u16_at(at + 28), u16_at(at + 30), u32_at(at + 38));
        let path = String::from_utf8_lossy(&zip[at + 46..at + 46 + name_len]).into_owned();
        let local = u32_at(at + 42) as usize;
        assert_eq!(
            (u32_at(local), u16_at(local + 26)),
            (0x0403_4b50, name_len),
            "{path}"
        );
        let start = local + 30 + name_len + u16_at(local + 28);
        let mut data = Vec::new();
        // Directories have no data, not even an empty stream.
        if packed > 0 {
            let mut inflate = flate2::read::DeflateDecoder::new(&zip[start..start + packed]);
            inflate.read_to_end(&mut data).expect("deflate");
        }
        assert_eq!((data.len(), crc32fast::hash(&data)), (plain, crc), "{path}");
        assert_eq!(u32_at(start + packed), 0x0807_4b50, "{path}");
        assert_eq!(
            u16_at(at + 10),
            if path.ends_with('/') { 0 } else { 8 },
            "{path}"
        );
        let mode = external >> 16;
        let kind = match mode & 0o170_000 {
            0o040_000 => '5',
            0o120_000 => '2',
            _ => '0',
        };
        members.insert(
            path,
            Member {
                kind,
                mode: if kind == '2' { 0o777 } else { mode & 0o7777 },
                data,
            },
        );
        at += 46 + name_len + extra_len;
    }
    members
}

/// Names in the manifest are percent-encoded bytes.
fn text_of(value: &Value) -> String {
    percent_encoding::percent_decode_str(value.as_str().expect("text"))
        .decode_utf8_lossy()
        .into_owned()
}

/// What was backed up, as the manifest of the fixtures tells it.
fn expected(fixtures: &std::path::Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(fixtures.join("tree.manifest.jsonl")).expect("manifest");
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|entry| (text_of(&entry["path"]), entry))
        .collect()
}

fn check(members: &BTreeMap<String, Member>, expected: &BTreeMap<String, Value>, special: bool) {
    let mut files = 0;
    for (path, entry) in expected.iter().filter(|(path, _)| *path != ".") {
        let kind = match entry["type"].as_str().expect("type") {
            "file" => '0',
            "dir" => '5',
            "symlink" => '2',
            _ if special => continue,
            other => {
                assert!(!members.contains_key(path), "{other} {path}");
                continue;
            }
        };
        if path.starts_with("exclude/") && path.ends_with(".o") && !path.ends_with("/keep-me.o") {
            assert!(!members.contains_key(path), "{path} was excluded");
            continue;
        }
        // A zip has no control characters in its names.
        let shown = match special {
            true => path.clone(),
            false => path.replace(|c: char| c.is_ascii_control(), "_"),
        };
        let found = members
            .get(&shown)
            .or_else(|| members.get(&format!("{shown}/")));
        let member = found.unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(member.kind, kind, "{path}");
        if let Some(sha) = entry["sha256"].as_str() {
            assert_eq!(format::Digest::of(&member.data).to_string(), sha, "{path}");
            files += 1;
        }
        if kind == '2' {
            assert_eq!(
                String::from_utf8_lossy(&member.data),
                text_of(&entry["target"]),
                "{path}"
            );
        }
    }
    assert!(files > 30, "only {files} files were compared");
}

#[tokio::test]
async fn the_whole_tree_comes_as_zip_and_as_tar() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let login = site.log_in("test@pbs").await;
    let expected = expected(&fixtures);
    let (status, tar) = download(&site, &login, "/root.pxar.didx", true).await;
    assert_eq!(status, 200);
    check(&untar(&tar), &expected, true);
    let (status, zip) = download(&site, &login, "root.pxar.didx/", false).await;
    assert_eq!(status, 200);
    check(&unzip(&zip), &expected, false);
    site.end().await;
}

/// A part of a file begins where it is asked for, in any chunk of the archive.
#[tokio::test]
async fn parts_of_a_file() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let login = site.log_in("test@pbs").await;
    let path = "root.pxar.didx/files/random-48k.bin";
    let (status, whole) = download(&site, &login, path, false).await;
    let size = whole.len();
    assert_eq!((status, size), (200, 48 << 10));
    for (from, to) in [(0, 9), (size / 2, size / 2 + 20_000), (size - 7, size - 1)] {
        let (cookie, range) = (login.cookie(), format!("range: bytes={from}-{to}"));
        let request = request("GET", &target(path, false), &[&cookie, &range], "");
        let part = send(site.address, &request).await;
        assert_eq!(part.status, 206, "{}", part.text());
        assert!(part.body == whole[from..=to], "{range} of {path}");
    }
    site.end().await;
}

#[tokio::test]
async fn links_come_with_their_data_whatever_is_asked_for() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let login = site.log_in("test@pbs").await;
    let whole = untar(&download(&site, &login, "root.pxar.didx", true).await.1);
    let tops: Vec<&String> = whole
        .iter()
        .filter(|(path, m)| m.kind == '5' && !path.contains('/'))
        .map(|(path, _)| path)
        .collect();
    assert!(tops.len() > 5, "{tops:?}");
    for top in tops {
        let below: BTreeMap<String, Member> = whole
            .iter()
            .filter(|(path, _)| {
                path.strip_prefix(top.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .map(|(path, member)| (path.clone(), member.clone()))
            .collect();
        let (status, tar) = download(&site, &login, &format!("root.pxar.didx/{top}"), true).await;
        assert_eq!(status, 200, "{top}");
        assert_eq!(untar(&tar), below, "{top}");
    }
    site.end().await;
}

#[tokio::test]
async fn what_cannot_be_downloaded_is_told() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let login = site.log_in("test@pbs").await;
    for (path, expected) in [
        (
            "root.pxar.didx/nope",
            r#"path "/nope" not found in archive"#,
        ),
        (
            "other.pxar.didx/x",
            "archive 'other.pxar.didx' is not in this snapshot",
        ),
        (
            "root.pxar.didx/files/../x",
            "cannot read archive 'root.pxar.didx': cannot enter a parent directory (`..`) in \"/files/../x\"",
        ),
    ] {
        let (status, body) = download(&site, &login, path, false).await;
        assert_eq!(
            (status, String::from_utf8_lossy(&body).as_ref()),
            (400, expected),
            "{path}"
        );
    }
    // A damaged chunk breaks the stream; it never becomes wrong data.
    let chunks = site.path("peer/.chunks");
    for folder in std::fs::read_dir(&chunks)
        .expect("chunks")
        .flatten()
        .filter(|e| e.path().is_dir())
    {
        for chunk in std::fs::read_dir(folder.path()).expect("chunks").flatten() {
            let mut bytes = std::fs::read(chunk.path()).expect("chunk");
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(chunk.path(), bytes).expect("chunk");
        }
    }
    let (status, body) = download(&site, &login, "root.pxar.didx", true).await;
    assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
    site.end().await;
}
