//! E1 to E23: backups, and what is told about them.

use super::site::{FIRST, SECOND, Site, line_is_like};

/// E1 to E12, and what follows from those snapshots in E13 to E23.
#[test]
fn backups_and_what_is_told_about_them() {
    let site = Site::new();
    let repository = site.repository();
    site.run("list").silent();

    let head = |time: &str| {
        format!("Starting backup: {time}\nClient name: ~\nStarting backup protocol: ~\n")
    };
    let tail = "Duration: ~s\nEnd Time: ~\n";
    let upload = format!("Upload directory 'etc' to '{repository}' as etc.pxar.didx\n");
    let first = "etc.pxar:etc --backup-id alpha --backup-time 1767578400";
    site.backup(first).is(
        0,
        "",
        &format!(
            "{}No previous manifest available.\n{upload}\
             etc.pxar: had to backup 2.862 MiB of 2.862 MiB (compressed 2.862 MiB) in ~ s (average ~iB/s)\n\
             Uploaded backup catalog (~ B)\n{tail}",
            head(FIRST)
        ),
    );
    let second = "etc.pxar:etc --backup-id alpha --backup-time 1767664800";
    site.backup(second).is(
        0,
        "",
        &format!(
            "{}Downloading previous manifest (Mon Jan  5 02:00:00 2026)\n{upload}\
             etc.pxar: had to backup 0 B of 2.862 MiB (compressed 0 B) in ~ s (average 0 B/s)\n\
             etc.pxar: backup was done incrementally, reused 2.862 MiB (100.0%)\n\
             Uploaded backup catalog (~ B)\n~{tail}",
            head(SECOND)
        )
        .replace("\n~Duration", "\nDuration"),
    );
    let guest = "disk.img:disk.img app.conf:vm.conf --backup-type vm --backup-id 105 --backup-time 1767664900";
    site.backup(guest).is(
        0,
        "",
        &format!(
            "{}No previous manifest available.\n\
             Upload image 'disk.img' to '{repository}' as disk.img.fidx\n\
             disk.img: had to backup 4.583 MiB of 8.583 MiB (compressed ~ B) in ~ s (average ~iB/s)\n\
             disk.img: backup was done incrementally, reused 4 MiB (46.6%)\n\
             Upload config file 'vm.conf' to '{repository}' as app.conf.blob\n{tail}",
            head("vm/105/2026-01-06T02:01:40Z")
        ),
    );

    site.run("list").prints(
        "┌────────────┬─────────────────────────────────┬──────────────┬───────────────────────────────────┐
│ group      │ last snapshot                   │ backup-count │ files                             │
╞════════════╪═════════════════════════════════╪══════════════╪═══════════════════════════════════╡
│ host/alpha │ host/alpha/2026-01-06T02:00:00Z │            2 │ catalog.pcat1 etc.pxar index.json │
├────────────┼─────────────────────────────────┼──────────────┼───────────────────────────────────┤
│ vm/105     │ vm/105/2026-01-06T02:01:40Z     │            1 │ app.conf disk.img index.json      │
└────────────┴─────────────────────────────────┴──────────────┴───────────────────────────────────┘
",
    );
    let groups = site.run("list --output-format json").json();
    let groups = groups.as_array().expect("a list");
    let alpha = groups
        .iter()
        .find(|group| group["backup-id"] == "alpha")
        .expect("alpha");
    assert_eq!(
        (
            &alpha["backup-count"],
            &alpha["last-backup"],
            &alpha["owner"]
        ),
        (&2.into(), &1_767_664_800.into(), &"ann@pbs".into())
    );
    site.run("snapshot list").prints(
        "┌─────────────────────────────────┬───────────┬───────────────────────────────────┐
│ snapshot                        │      size │ files                             │
╞═════════════════════════════════╪═══════════╪═══════════════════════════════════╡
│ host/alpha/2026-01-05T02:00:00Z │ 2.862 MiB │ catalog.pcat1 etc.pxar index.json │
├─────────────────────────────────┼───────────┼───────────────────────────────────┤
│ host/alpha/2026-01-06T02:00:00Z │ 2.862 MiB │ catalog.pcat1 etc.pxar index.json │
├─────────────────────────────────┼───────────┼───────────────────────────────────┤
│ vm/105/2026-01-06T02:01:40Z     │ 8.583 MiB │ app.conf disk.img index.json      │
└─────────────────────────────────┴───────────┴───────────────────────────────────┘
",
    );
    site.run("PROXMOX_OUTPUT_NO_BORDER=1 PROXMOX_OUTPUT_NO_HEADER=1 snapshots host/alpha")
        .prints(
            "host/alpha/2026-01-05T02:00:00Z 2.862 MiB catalog.pcat1 etc.pxar index.json
host/alpha/2026-01-06T02:00:00Z 2.862 MiB catalog.pcat1 etc.pxar index.json
",
        );
    site.run("LC_ALL=C snapshot files vm/105/2026-01-06T02:01:40Z")
        .prints(
            "+=================+============+=========+
| filename        | crypt-mode |    size |
+=================+============+=========+
| app.conf.blob   | none       |      21 |
+-----------------+------------+---------+
| disk.img.fidx   | none       | 9000000 |
+-----------------+------------+---------+
| index.json.blob | none       |     ~ |
+=================+============+=========+
",
        );
    site.run("files vm/105/2026-01-06T02:01:40Z --output-format json").prints(
        r#"[{"crypt-mode":"none","filename":"disk.img.fidx","size":9000000},{"crypt-mode":"none","filename":"app.conf.blob","size":21},{"crypt-mode":"none","filename":"index.json.blob","size":~}]"#,
    );

    restores(&site);
    records(&site);
}

/// E10 to E14.
fn restores(site: &Site) {
    site.run("restore host/alpha etc.pxar out")
        .is(0, "", "restore complete (~)\n");
    site.run("restore host/alpha etc.pxar out").fails(
        "error extracting archive - encountered unexpected error during extraction: error at entry \"app.conf\": failed to extract file: failed to create file \"app.conf\": EEXIST: File exists",
    );
    site.run("restore vm/105 app.conf -").prints("cores: 2\n");
    site.run("restore vm/105 app.conf vm.conf")
        .fails("unable to create target file \"vm.conf\" - File exists (os error 17)");
    let image = site.run("restore vm/105/2026-01-06T02:01:40Z disk.img -");
    assert_eq!(
        (image.code, image.out.len()),
        (Some(0), 9_000_000),
        "{}",
        image.err
    );
    let manifest = site.run("restore host/alpha index.json -");
    assert!(!manifest.out.ends_with('\n'));
    let keys: Vec<_> = manifest
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    let expected = [
        "backup-id",
        "backup-time",
        "backup-type",
        "files",
        "signature",
        "unprotected",
    ];
    assert_eq!(keys, expected);
    site.run(&format!("catalog dump {FIRST}")).is(
        0,
        "",
        "d \"./etc.pxar.didx\"
f \"./etc.pxar.didx/app.conf\" 8 2026-01-01T00:00:00Z
f \"./etc.pxar.didx/blob.bin\" 3000000 2026-01-01T00:00:00Z
d \"./etc.pxar.didx/conf.d\"
f \"./etc.pxar.didx/conf.d/x.conf\" 4 2026-01-01T00:00:00Z
",
    );
}

/// E15 to E23.
fn records(site: &Site) {
    site.run(&format!("snapshot notes update {FIRST} \"before upgrade\""))
        .silent();
    site.run(&format!("snapshot notes show {FIRST}"))
        .prints("before upgrade\n");
    site.run(&format!("snapshot notes show {FIRST} --output-format json"))
        .prints("{\"notes\":\"before upgrade\"}\n");

    let prune = "prune host/alpha --keep-last 1 --dry-run";
    let plan = |first: &str| {
        format!(
            "┌─────────────────────────────────┬──────────────────────────┬────────┐
│ snapshot                        │                     date │ action │
╞═════════════════════════════════╪══════════════════════════╪════════╡
│ host/alpha/2026-01-05T02:00:00Z │ Mon Jan  5 02:00:00 2026 │ {first} │
├─────────────────────────────────┼──────────────────────────┼────────┤
│ host/alpha/2026-01-06T02:00:00Z │ Tue Jan  6 02:00:00 2026 │   keep │
└─────────────────────────────────┴──────────────────────────┴────────┘
"
        )
    };
    site.run(prune).prints(&plan("remove"));
    site.run(&format!("{prune} --output-format json")).prints(
        r#"[{"backup-id":"alpha","backup-time":1767578400,"backup-type":"host","keep":false,"protected":false},{"backup-id":"alpha","backup-time":1767664800,"backup-type":"host","keep":true,"protected":false}]"#,
    );
    site.run(&format!("{prune} --quiet --output-format json")).prints(
        r#"[{"backup-id":"alpha","backup-time":1767578400,"backup-type":"host","keep":false,"protected":false}]"#,
    );
    site.run(&format!("snapshot protected update {FIRST} true"))
        .silent();
    site.run(&format!("snapshot protected show {FIRST}"))
        .prints("true\n");
    site.run(&format!("forget {FIRST}"))
        .fails("failed to delete snapshot - cannot remove protected snapshot");
    site.run(prune).prints(&plan("  keep"));
    site.run(&format!("{prune} --max-depth 1")).fails(
        "parameter verification failed - 'max-depth': schema does not allow additional properties.",
    );
    site.run(&format!("snapshot protected update {FIRST} false"))
        .silent();

    site.run("status").prints(
        "┌───────┬─~─┐
│ total │ ~ (100 %) │
├───────┼─~─┤
│ used  │ ~ %) │
├───────┼─~─┤
│ avail │ ~ %) │
└───────┴─~─┘
",
    );
    site.run("status --output-format json")
        .prints("{\"avail\":~,\"backend-type\":\"filesystem\",\"total\":~,\"used\":~}\n");
    site.run("version")
        .prints("client version: 4.2.~\nserver version: 4.2.~\n");

    let collected = site.run("garbage-collect");
    assert_eq!(
        (collected.code, collected.err.as_str()),
        (Some(0), ""),
        "{}",
        collected.out
    );
    let lines: Vec<&str> = collected.out.lines().collect();
    let count = lines
        .iter()
        .filter(|line| line.starts_with("Deduplication factor: "))
        .count();
    assert_eq!(
        (count, lines.last()),
        (1, Some(&"TASK OK")),
        "{}",
        collected.out
    );
    let tasks = site.run("task list --limit 3 --all");
    let lines: Vec<&str> = tasks.out.lines().collect();
    assert_eq!((tasks.code, lines.len()), (Some(0), 9), "{}", tasks.out);
    assert!(
        line_is_like("│ starttime ~ │ endtime ~ │ upid ~ │ status ~│", lines[1]),
        "{}",
        lines[1]
    );
    assert!(
        line_is_like("│ ~ │ ~ │ UPID:~:tank~:ann@pbs:~ │ OK ~│", lines[3]),
        "{}",
        tasks.out
    );
    let started = site.run("garbage-collect --output-format json");
    assert!(
        started.out.starts_with("\"UPID:") && started.out.ends_with(":\"\n"),
        "{}",
        started.out
    );
    let upid = started.json();
    let upid = upid.as_str().expect("text");
    let log = site.run(&format!("task log {upid}"));
    assert_eq!(
        (log.code, log.out.lines().last()),
        (Some(0), Some("TASK OK")),
        "{}",
        log.err
    );
    site.run(&format!("task stop {upid}")).silent();
    let json = site.run("task list --all --output-format json").json();
    assert!(
        json[0]["worker_type"].is_string() && json[0]["upid"].is_string(),
        "{json}"
    );

    let log = "upload-log vm/105/2026-01-06T02:01:40Z task.log";
    site.run(log).prints("Result: {\n  \"data\": null\n}\n");
    site.run(log).fails("backup already contains a log.");
}
