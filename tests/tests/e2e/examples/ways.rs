//! Completion, measurements, progress for programs, named pipes, failed tasks.

use std::fs;

use super::site::{FIRST, Said, Site, like};
use crate::house::noise;

/// A worker that fails ends the command that waits for it with 255, and so does reading its log.
#[test]
fn failed_tasks() {
    let site = Site::new();
    // A dry run ends without finish: the server's task has failed.
    let said = site.backup("app.conf:vm.conf --backup-id dry --dry-run");
    assert_eq!(said.code, Some(0), "{}", said.err);
    site.house.eventually("the task has ended", |_| {
        let tasks = site.run("task list --all --output-format json").json();
        tasks
            .as_array()
            .expect("a list")
            .iter()
            .all(|task| task["endtime"].is_i64())
    });
    let tasks = site.run("task list --all --output-format json").json();
    let upid = tasks[0]["upid"].as_str().expect("text");
    let status = tasks[0]["status"].as_str().expect("text");
    let log = site.run(&format!("task log {upid}"));
    assert_eq!(log.code, Some(255), "{}", log.err);
    assert_eq!(
        log.out.lines().last(),
        Some(format!("TASK ERROR: {status}").as_str())
    );
    assert_eq!(log.err, format!("Error: task failed (status {status})\n"));
    site.run("task log UPID:x")
        .fails("parameter verification failed - 'upid': value must be at least 36 characters long");
}

/// E46, and the same from a pipe on standard input.
#[test]
fn named_pipes_are_image_sources() {
    let site = Site::new();
    let pipe = site.house.path("p");
    let status = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo");
    assert!(status.success());
    let content = noise(3, 5_000_000);
    let writer = std::thread::spawn({
        let (pipe, content) = (pipe.clone(), content.clone());
        move || fs::write(pipe, content)
    });
    let said = site.backup("p.img:p --backup-id stream");
    if said.code != Some(0) {
        // Nobody reads the pipe any more; let its writer go.
        let _ = fs::File::open(&pipe);
    }
    assert_eq!(said.code, Some(0), "{}", said.err);
    writer.join().expect("no panic").expect("written");
    let image = site.run("restore host/stream p.img p.out");
    assert_eq!(image.code, Some(0), "{}", image.err);
    assert!(fs::read(site.house.path("p.out")).expect("file") == content);
}

/// cli.md 1.10: what the shell asks at every Tab, with a server behind it.
#[test]
fn completion() {
    let site = Site::new();
    for id in ["alpha", "beta"] {
        let line =
            format!("app.conf:vm.conf disk.img:disk.img --backup-id {id} --backup-time 1767578400");
        assert_eq!(site.backup(&line).code, Some(0));
    }
    site.run("namespace create offsite").silent();
    let ask = |line: &str| {
        let quoted = format!(
            "COMP_LINE='proxmox-backup-client {line}' bashcomplete proxmox-backup-client --x --y"
        );
        let said = site.run(&quoted);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}");
        said.out.lines().collect::<Vec<_>>().join(" ")
    };
    for (line, expected) in [
        ("snap", "snapshot"),
        ("snapshot no", "notes"),
        ("list --ns ", "offsite"),
        ("change-owner ", "host/alpha host/beta"),
        ("snapshot files host/a", FIRST),
        ("restore host/a", "host/alpha host/alpha/"),
        ("restore host/alpha/", FIRST),
        ("restore host/alpha ", "app.conf disk.img index.json"),
        ("map host/alpha ", "disk.img"),
        ("status --output-format json-", "json-pretty"),
        ("backup x.pxar:et", "x.pxar:etc/"),
        ("key show vm", "vm.conf"),
        (
            "restore host/alpha app.conf -",
            "--allow-existing-dirs --auth-id --burst",
        ),
    ] {
        let found = ask(line);
        match line.ends_with('-') {
            true if line.ends_with(" -") => assert!(found.starts_with(expected), "{line}: {found}"),
            _ => assert_eq!(found, expected, "{line}"),
        }
    }
    // Without a login there is no question and no candidate.
    let said = site.run("PBS_PASSWORD=wrong COMP_LINE='x change-owner ' bashcomplete");
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(0), "", "")
    );
}

/// cli.md 3.9: the table's shape and the JSON's; about twelve seconds.
#[test]
fn benchmark() {
    let site = Site::new();
    let said = site.run("benchmark --output-format json");
    let json = said.json();
    for name in [
        "tls",
        "sha256",
        "compress",
        "decompress",
        "verify",
        "aes256_gcm",
    ] {
        let (speed, top) = (&json[name]["speed"], &json[name]["top"]);
        assert!(
            speed.as_f64().is_some_and(|speed| speed > 1e5),
            "{name}: {speed}"
        );
        assert!(top.is_f64(), "{name}: {top}");
    }
    assert!(
        like(
            "Uploaded ~ chunks in ~ seconds.\nTime per request: ~ microseconds.\nTLS speed: ~ MB/s\nSHA256 speed: ~ MB/s\n\
             Compression speed: ~ MB/s\nDecompress speed: ~ MB/s\nAES256/GCM speed: ~ MB/s\nVerify speed: ~ MB/s\n",
            &said.err
        ),
        "{}",
        said.err
    );
    // Nothing is kept.
    let snapshots = site.run("snapshots --output-format json").json();
    assert_eq!(snapshots, serde_json::json!([]));
}

/// `--progress json`: whole lines of JSON on standard output, and a reader that goes away stops nothing.
#[test]
fn progress_for_programs() {
    let site = Site::new();
    let events = |said: &Said| -> Vec<serde_json::Value> {
        assert_eq!(said.code, Some(0), "{}", said.err);
        let lines = said.out.lines().map(serde_json::from_str);
        lines
            .collect::<Result<_, _>>()
            .unwrap_or_else(|e| panic!("{e}: {}", said.out))
    };
    let kinds = |events: &[serde_json::Value]| {
        let mut kinds: Vec<_> = events
            .iter()
            .map(|event| event["type"].as_str().expect("text").to_string())
            .collect();
        kinds.dedup();
        kinds.join(" ")
    };
    let line =
        "disk.img:disk.img app.conf:vm.conf --backup-id p --backup-time 1767578400 --progress json";
    let found = events(&site.backup(line));
    let order = kinds(&found);
    assert_eq!(
        order.replace("progress ", ""),
        "started finished started finished summary",
        "{order}"
    );
    let sum = found.last().expect("a summary");
    assert_eq!(
        (
            &sum["snapshot"],
            &sum["previous"],
            &sum["new"],
            &sum["reused"]
        ),
        (
            &"host/p/2026-01-05T02:00:00Z".into(),
            &serde_json::Value::Null,
            &4_805_717.into(),
            &4_194_304.into()
        )
    );
    assert_eq!(sum["read"], 9_000_021);
    let found = events(&site.backup(&line.replace("78400", "78401")));
    let sum = found.last().expect("a summary");
    assert_eq!(
        (&sum["previous"], &sum["new"]),
        (&1_767_578_400.into(), &21.into())
    );

    let found = events(&site.run("restore host/p disk.img out.img --progress json"));
    assert_eq!(kinds(&found).replace("progress ", ""), "started summary");
    assert_eq!(found.last().expect("a summary")["done"], 9_000_000);
    // Standard output is the data's where it goes there.
    let said = site.run("restore host/p disk.img - --progress json");
    assert_eq!(said.out.len(), 9_000_000);
    assert!(said.err.contains("\"type\":\"started\""), "{}", said.err);

    let (reader, writer) = std::io::pipe().expect("pipe");
    drop(reader);
    let output = site
        .house
        .command("strongroom")
        .envs(site.env.clone())
        .args([
            "backup",
            "app.conf:vm.conf",
            "--backup-id",
            "closed",
            "--progress",
            "json",
        ])
        .stdout(writer)
        .output()
        .expect("the client runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
