//! E26, E31 to E34 and E45: change detection, the other programs, a rate.

use std::fs;
use std::time::{Duration, Instant};

use super::site::{FIRST, MTIME, SECOND, Site, line_is_like};
use crate::house::noise;

/// E26.
#[test]
fn change_detection() {
    let site = Site::new();
    let line = "etc.pxar:etc --backup-id meta --change-detection-mode metadata --backup-time";
    assert_eq!(site.backup(&format!("{line} 1767578400")).code, Some(0));
    fs::write(site.house.path("etc/conf.d/y.conf"), "y=2\n").expect("file");
    let said = site.backup(&format!("{line} 1767664800"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let repository = site.repository();
    let mut found = said.err.lines();
    for expected in [
        &*format!("Upload directory 'etc' to '{repository}' as etc.mpxar.didx"),
        "Using previous index as metadata reference for 'etc.mpxar.didx'",
        "Change detection summary:",
        " - 4 total files (0 hardlinks)",
        " - 3 unchanged, reusable files with 2.861 MiB data",
        " - 1 changed or non-reusable files with 20 B data",
        " - 32 B padding in ~ partially reused chunks",
        "etc.mpxar: had to backup ~ B of ~ B (compressed ~ B) in ~ s (average ~iB/s)",
        "etc.ppxar: reused 2.861 MiB from previous snapshot for unchanged files (~ chunks)",
        "etc.ppxar: had to backup 52 B of 2.861 MiB (compressed ~ B) in ~ s (average ~B/s)",
        "etc.ppxar: backup was done incrementally, reused 2.861 MiB (100.0%)",
    ] {
        assert!(
            found.any(|line| line_is_like(expected, line)),
            "{expected}\n{}",
            said.err
        );
    }
    let plain = "PROXMOX_OUTPUT_NO_BORDER=1 PROXMOX_OUTPUT_NO_HEADER=1";
    let files = site.run(&format!("{plain} files host/meta/2026-01-06T02:00:00Z"));
    files.prints("etc.mpxar.didx  none ~\netc.ppxar.didx  none ~\nindex.json.blob none ~\n");
    site.run("restore host/meta etc.pxar out3 --pattern '**/*.conf'")
        .is(0, "", "restore complete (~)\n");
    let out = site.house.path("out3");
    let names = |path: &str| {
        let listed = fs::read_dir(out.join(path)).expect("folder");
        let mut names: Vec<_> = listed
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .into_string()
                    .expect("utf-8")
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("."), ["app.conf", "conf.d"]);
    assert_eq!(names("conf.d"), ["x.conf", "y.conf"]);
    site.run("restore host/meta etc.pxar -")
        .fails("unable to pipe split archive");
}

/// E31.
#[test]
fn single_files() {
    let site = Site::new();
    let backup = "etc.pxar:etc --backup-id alpha --backup-time 1767578400";
    assert_eq!(site.backup(backup).code, Some(0));
    let files = |line: &str| site.run_as("proxmox-file-restore", line);
    files(&format!("list {FIRST} /etc.pxar.didx")).prints(
        "┌──────┬──────────┬───────────────┬─────────┐
│ type │ name     │ last modified │    size │
╞══════╪══════════╪═══════════════╪═════════╡
│ d    │ conf.d   │               │         │
├──────┼──────────┼───────────────┼─────────┤
│ f    │ app.conf │    1767225600 │       8 │
├──────┼──────────┼───────────────┼─────────┤
│ f    │ blob.bin │    1767225600 │ 3000000 │
└──────┴──────────┴───────────────┴─────────┘
",
    );
    let list = files(&format!("list {FIRST} /etc.pxar.didx --output-format json")).json();
    let expected = serde_json::json!({
        "filepath": "ZXRjLnB4YXIuZGlkeC9hcHAuY29uZg==", "leaf": true, "mtime": MTIME, "size": 8,
        "text": "app.conf", "type": "f"
    });
    assert!(
        list.as_array().expect("a list").contains(&expected),
        "{list}"
    );
    files(&format!("extract {FIRST} /etc.pxar.didx/app.conf -")).prints("port=80\n");
    files("list host/beta/2026-01-05T02:00:00Z / --output-format json").prints(
        r#"{"code":400,"message":"snapshot host/beta/2026-01-05T02:00:00Z does not exist."}"#,
    );
}

/// E32 to E34.
#[test]
fn archives_and_inspections() {
    let site = Site::new();
    let pxar = |line: &str| site.run_as("pxar", line);
    pxar("create x.pxar etc").silent();
    let names = "\"/\"\n\"/app.conf\"\n\"/blob.bin\"\n\"/conf.d\"\n\"/conf.d/x.conf\"\n";
    pxar("list x.pxar").prints(names);
    let long = pxar("PXAR_LOG=debug list x.pxar");
    let line = "-rw-r--r--   ~/~           2026-01-01 00:00:00        8 \"/app.conf\"";
    assert!(
        long.out.lines().any(|found| line_is_like(line, found)),
        "{}{}",
        long.out,
        long.err
    );

    let backup = |line: &str| assert_eq!(site.backup(line).code, Some(0), "{line}");
    backup(
        "disk.img:disk.img app.conf:vm.conf --backup-type vm --backup-id 105 --backup-time 1767664900",
    );
    let debug = |line: &str| site.run_as("proxmox-backup-debug", line);
    let guest = "tank/vm/105/2026-01-06T02:01:40Z";
    debug(&format!("inspect file {guest}/disk.img.fidx")).prints(
        "size: 9000000
creation time: ~
chunks:
  \"bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8\"
  \"ccd41d81c298946db30663cb63a06f935b90179f98bcf861a535396763835c1e\"
",
    );
    let said = debug(&format!("inspect file {guest}/app.conf.blob --decode -"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    for line in ["cores: 2", "size: 21", "encryption: none"] {
        assert!(said.out.lines().any(|found| found == line), "{}", said.out);
    }

    backup("etc.pxar:etc --backup-id alpha --backup-time 1767664800");
    let changed = site.house.path("etc/app.conf");
    fs::write(&changed, "port=8080\n").expect("file");
    // 2026-01-07
    let time = std::time::UNIX_EPOCH + Duration::from_secs(1_767_744_000);
    let file = fs::File::options().write(true).open(changed);
    file.expect("file").set_modified(time).expect("time");
    backup("etc.pxar:etc --backup-id alpha --backup-time 1767751200");
    let third = "host/alpha/2026-01-07T02:00:00Z";
    let said = debug(&format!("diff archive {SECOND} {third} etc.pxar"));
    let line = "M  f ~ ~    644      *10 B *2026-01-07 00:00:00  app.conf\n";
    said.prints(line);
}

/// E45, with a larger rate and less data.
#[test]
fn a_rate_is_held() {
    let site = Site::new();
    fs::write(site.house.path("data"), noise(5, 4_000_000)).expect("file");
    let begun = Instant::now();
    let said = site.backup("data.img:data --backup-id slow --rate 1mb");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let seconds = begun.elapsed().as_secs_f64();
    // What may pass at once is not waited for.
    assert!(seconds > 2.0, "{seconds}");
}
