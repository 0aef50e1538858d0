//! Names: what is one and what is none, their order, their forms.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use format::time::{OffsetTime, parse_rfc3339_utc, rfc3339_utc};
use format::{
    ArchiveKind, ArchiveName, AuthId, BackupId, BackupTime, BackupType, CryptMode, Digest,
    Fingerprint, Group, GroupOrSnapshot, Namespace, NamespaceError, Realm, SafeId, Snapshot,
    StoreName, Tokenname, Userid,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Text of a name comes back unchanged, also through JSON; what is none is refused both ways.
fn check<T>(good: &[&str], bad: &[&str])
where
    T: FromStr + Display + Debug + PartialEq + Serialize + DeserializeOwned,
    T::Err: Debug,
{
    for text in good {
        let name: T = text.parse().unwrap_or_else(|e| panic!("{text:?}: {e:?}"));
        assert_eq!(name.to_string(), *text);
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(json, serde_json::to_string(text).unwrap());
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), name);
    }
    for text in bad {
        assert!(text.parse::<T>().is_err(), "{text:?} was taken");
        assert!(
            serde_json::from_str::<T>(&serde_json::to_string(text).unwrap()).is_err(),
            "{text:?}"
        );
    }
}

#[test]
fn names_and_what_are_none() {
    let long = "a".repeat(33);
    check::<SafeId>(
        &["a", "_", "0", "a.b-c_", "a..", &long],
        &[
            "", ".", "..", "-a", ".a", "a/b", "a b", "\u{e4}", "a\n", "a\0",
        ],
    );
    check::<StoreName>(&["abc", &long[1..]], &["ab", &long, "a/b", "-abc"]);
    check::<BackupId>(&["100", "pc.example-1"], &["", ".x", "a/b", "a:b"]);
    check::<BackupType>(&["ct", "host", "vm"], &["", "CT", "qemu"]);
    check::<CryptMode>(&["none", "encrypt", "sign-only"], &["", "sign", "None"]);
    check::<Group>(
        &["host/pc", "vm/100", "ct/_"],
        &["", "host", "host/", "pc/x", "host/a/b", "/host/a"],
    );
    check::<Snapshot>(
        &["host/pc/2023-11-14T22:13:20Z"],
        &[
            "host/pc",
            "host/pc/",
            "host/2023-11-14T22:13:20Z",
            "host/pc/2023-11-14T22:13:20",
            "host/pc/x/2023-11-14T22:13:20Z",
            "host/pc/1700000000",
        ],
    );
    check::<GroupOrSnapshot>(
        &["host/pc", "host/pc/2023-11-14T22:13:20Z"],
        &["", "host", "host/pc/x", "a/b/c/d"],
    );
    check::<ArchiveName>(
        &[
            "root.pxar.didx",
            "drive-scsi0.img.fidx",
            "index.json.blob",
            "a.blob",
        ],
        &[
            "",
            ".blob",
            "root.pxar",
            "a.blob.tmp",
            "../a.blob",
            "a/b.blob",
            "a.DIDX",
            "didx",
        ],
    );
    check::<Realm>(&["pam", "pbs", &long[1..]], &["a", &long, "a@b"]);
    check::<Tokenname>(&["tok", "t1", "a.b-c"], &["", "a b"]);
    check::<Userid>(
        &["root@pam", "a@b@pbs", "x!y@pbs", "\u{e4}@pam"],
        &[
            "",
            "root",
            "@pam",
            "root@",
            "ro ot@pam",
            "a:b@pam",
            "a/b@pam",
            "a\u{7}@pam",
            "root@p",
        ],
    );
    check::<AuthId>(
        &["root@pam", "test@pbs!tok", "a!b@pbs!tok", "a!b@pbs"],
        &["", "root@pam!", "root!tok", "root@pam!a!b", "a@pam!tok en"],
    );
    // 64 characters at most, for the whole id.
    let name = "n".repeat(56);
    check::<AuthId>(
        &[&format!("{name}@pbs"), &format!("{name}@pbs!tok")],
        &[&format!("{name}nnnnn@pbs"), &format!("{name}n@pbs!tok")],
    );
    let digest = Digest::of(b"").to_string();
    check::<Digest>(
        &[&digest],
        &[
            "",
            &digest[1..],
            &digest.to_uppercase(),
            &format!("{digest}0"),
            &digest.replace('e', "g"),
        ],
    );
}

#[test]
fn namespaces_have_seven_levels_and_256_characters() {
    let seven = "a/b/c/d/e/f/g";
    check::<Namespace>(
        &["", "a", "a/b", seven],
        &["/", "a/", "/a", "a//b", "..", "a/../b", "-"],
    );
    assert_eq!(
        "a/b/c/d/e/f/g/h".parse::<Namespace>(),
        Err(NamespaceError::TooDeep { depth: 7 })
    );
    // Every component counts with one separator.
    let fits = "a".repeat(255);
    assert!(fits.parse::<Namespace>().is_ok());
    assert_eq!(
        format!("{fits}a").parse::<Namespace>(),
        Err(NamespaceError::TooLong)
    );
    let two = format!("{}/{}", "a".repeat(127), "b".repeat(128));
    assert_eq!(two.len(), 256);
    assert!(two.parse::<Namespace>().is_ok());
    assert_eq!(
        format!("{two}b").parse::<Namespace>(),
        Err(NamespaceError::TooLong)
    );
    let ns: Namespace = "a/b".parse().unwrap();
    assert_eq!(
        (ns.path().as_str(), ns.depth(), ns.name()),
        ("ns/a/ns/b", 2, Some("b"))
    );
    assert_eq!(ns.parent().unwrap().to_string(), "a");
    assert_eq!(Namespace::root().parent(), None);
    assert_eq!(
        (Namespace::root().path(), Namespace::root().is_root()),
        (String::new(), true)
    );
    assert_eq!(ns.child("c").unwrap().to_string(), "a/b/c");
    assert!(Namespace::root().is_prefix_of(&ns) && ns.is_prefix_of(&ns));
    assert!(!ns.is_prefix_of(&"a".parse().unwrap()));
    assert!(
        !"a".parse::<Namespace>()
            .unwrap()
            .is_prefix_of(&"ab".parse().unwrap())
    );
}

#[test]
fn archives_as_users_name_them() {
    for (user, stored, kind, label) in [
        (
            "root.pxar",
            "root.pxar.didx",
            ArchiveKind::Dynamic,
            "root.pxar",
        ),
        (
            "root.mpxar",
            "root.mpxar.didx",
            ArchiveKind::Dynamic,
            "root.mpxar",
        ),
        (
            "root.ppxar",
            "root.ppxar.didx",
            ArchiveKind::Dynamic,
            "root.ppxar",
        ),
        (
            "catalog.pcat1",
            ArchiveName::CATALOG,
            ArchiveKind::Dynamic,
            "catalog.pcat1",
        ),
        ("disk.img", "disk.img.fidx", ArchiveKind::Fixed, "disk.img"),
        ("fw.conf", "fw.conf.blob", ArchiveKind::Blob, "fw.conf"),
        (
            "index.json",
            ArchiveName::MANIFEST,
            ArchiveKind::Blob,
            "index.json",
        ),
        (
            "rsa-encrypted.key",
            ArchiveName::RSA_KEY,
            ArchiveKind::Blob,
            "rsa-encrypted.key",
        ),
        (
            "client.log",
            ArchiveName::CLIENT_LOG,
            ArchiveKind::Blob,
            "client.log",
        ),
        (
            "disk.img.fidx",
            "disk.img.fidx",
            ArchiveKind::Fixed,
            "disk.img",
        ),
    ] {
        let name = ArchiveName::from_user(user).unwrap();
        assert_eq!(
            (name.as_str(), name.kind(), name.label()),
            (stored, kind, label)
        );
    }
    for user in ["", "root", "root.txt", ".pxar", "a/b.pxar", "root.PXAR"] {
        assert!(ArchiveName::from_user(user).is_err(), "{user}");
    }
    assert!(ArchiveName::manifest().is_manifest() && ArchiveName::client_log().is_client_log());
}

#[test]
fn groups_are_in_the_originals_order() {
    let expected = [
        "ct/2",
        "ct/10",
        "ct/a",
        "host/7",
        "host/07",
        "host/9",
        "host/18446744073709551615",
        "host/18446744073709551616",
        "host/B",
        "host/a",
        "vm/1",
    ];
    let mut groups: Vec<Group> = expected
        .iter()
        .map(|group| group.parse().unwrap())
        .collect();
    groups.sort();
    let mut sorted: Vec<String> = groups.iter().map(Group::to_string).collect();
    // Equal numbers are ordered by their text, whichever came first above.
    assert_eq!(sorted.remove(3), "host/07");
    assert_eq!(sorted.remove(3), "host/7");
    let rest: Vec<&str> = expected
        .into_iter()
        .filter(|group| !matches!(*group, "host/7" | "host/07"))
        .collect();
    assert_eq!(sorted, rest);
}

#[test]
fn owners() {
    let id = |text: &str| text.parse::<AuthId>().unwrap();
    for (owner, caller, may) in [
        ("a@pbs", "a@pbs", true),
        ("a@pbs!tok", "a@pbs!tok", true),
        ("a@pbs!tok", "a@pbs", true),
        ("a@pbs", "a@pbs!tok", false),
        ("a@pbs!tok", "a@pbs!other", false),
        ("a@pbs", "b@pbs", false),
        ("a@pbs!tok", "a@pam", false),
    ] {
        assert_eq!(id(owner).owns(&id(caller)), may, "{owner} {caller}");
    }
    assert!(id("root@pam").is_root() && !id("root@pam!tok").is_root() && !id("root@pbs").is_root());
}

#[test]
fn fingerprints() {
    let text = "0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b";
    check::<Fingerprint>(
        &[text],
        &["", "0e", &format!("{text}:00"), &text.replace('9', "x")],
    );
    for other in [
        text.to_uppercase(),
        text.replace(':', ""),
        text.replace("0e:", ":0e"),
    ] {
        assert_eq!(other.parse::<Fingerprint>().unwrap().to_string(), text);
    }
    assert_eq!(
        text.parse::<Fingerprint>().unwrap().short(),
        "0e:ab:d4:46:0b:6e:b9:ca"
    );
}

#[test]
fn times_as_text() {
    for (epoch, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (-62_167_219_200, "0000-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(rfc3339_utc(epoch).unwrap(), text);
        assert_eq!(parse_rfc3339_utc(text).unwrap(), epoch);
    }
    for epoch in [-62_167_219_201, 253_402_300_800, i64::MIN, i64::MAX] {
        assert!(rfc3339_utc(epoch).is_err());
        assert!(OffsetTime::utc(epoch).is_err());
        assert!(BackupTime::new(epoch).is_err());
    }
    assert_eq!(
        parse_rfc3339_utc("2016-12-31T23:59:60Z").unwrap(),
        1_483_228_800
    );
    for text in [
        "",
        "Z",
        "2023-11-14 22:13:20Z",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20.0Z",
        "2023-13-14T22:13:20Z",
        "2023-02-29T22:13:20Z",
        "2100-02-29T00:00:00Z",
        "2023-00-14T22:13:20Z",
        "2023-11-31T22:13:20Z",
        "2023-11-14T24:13:20Z",
        "2023-11-14T22:60:20Z",
        "2023-11-14T22:13:61Z",
        "+023-11-14T22:13:20Z",
        "2023-11-14T22:13:2\u{e4}",
    ] {
        assert!(parse_rfc3339_utc(text).is_err(), "{text}");
    }
    assert!(BackupTime::new(0).is_err());
    assert_eq!(
        BackupTime::new(1).unwrap().to_string(),
        "1970-01-01T00:00:01Z"
    );
    check::<BackupTime>(
        &["2023-11-14T22:13:20Z", "9999-12-31T23:59:59Z"],
        &["1970-01-01T00:00:00Z", "1969-01-01T00:00:00Z"],
    );
}

#[test]
fn times_with_offset() {
    check::<OffsetTime>(
        &[
            "2026-11-22T17:13:43+00:00",
            "2026-11-22T17:13:43-03:30",
            "2026-11-22T17:13:43+14:00",
        ],
        &[
            "",
            "2026-11-22T17:13:43",
            "2026-11-22T17:13:43+0000",
            "2026-11-22T17:13:43+24:00",
            "2026-11-22T17:13:43+00:60",
            "2026-11-22T17:13:43 00:00",
            "0000-01-01T00:00:00+00:0x",
            "2026-11-22T17:13:4\u{e4}+00:00",
        ],
    );
    let time: OffsetTime = "2026-11-22T17:13:43Z".parse().unwrap();
    assert_eq!(time.to_string(), "2026-11-22T17:13:43+00:00");
    assert_eq!(
        OffsetTime::new(time.epoch(), 5400).unwrap().to_string(),
        "2026-11-22T18:43:43+01:30"
    );
    assert_eq!(
        OffsetTime::new(0, i32::MAX).unwrap().to_string(),
        "1970-01-01T23:59:00+23:59"
    );
    assert!(OffsetTime::new(253_402_300_799, 60).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_time_comes_back(epoch in -62_167_219_200i64..=253_402_300_799) {
        prop_assert_eq!(parse_rfc3339_utc(&rfc3339_utc(epoch).unwrap()).unwrap(), epoch);
    }

    #[test]
    fn parsers_never_panic(text in "\\PC{0,40}") {
        let _ = (text.parse::<Snapshot>(), text.parse::<AuthId>(), text.parse::<Namespace>());
        let _ = (text.parse::<OffsetTime>(), text.parse::<Fingerprint>(), ArchiveName::from_user(&text));
    }

    #[test]
    fn order_of_ids_is_total(a in "[0-9a]{1,4}", b in "[0-9a]{1,4}", c in "[0-9a]{1,4}") {
        let [a, b, c] = [a, b, c].map(|text| text.parse::<BackupId>().unwrap());
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }
}
