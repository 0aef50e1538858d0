//! Datastores come and go over the interface: made, taken over, put into maintenance, used, removed with and without their data.

use serde_json::{Value, json};

use super::site::{Login, Site, fixtures};
use super::steps::{done, log_lines, refused, task};

async fn names(site: &Site, admin: &Login) -> Vec<String> {
    let list = done(site, admin, "GET", "config/datastore", "").await;
    let items = list["data"].as_array().expect("list").iter();
    items
        .map(|item| item["name"].as_str().expect("name").to_owned())
        .collect()
}

fn ok(lines: &[String]) {
    assert_eq!(
        lines.last().map(String::as_str),
        Some("TASK OK"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn made_taken_over_and_removed() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    // 65536 folders are made and removed faster in memory.
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("folder");
    let path = folder.path().join("new");
    let place = format!(
        "name=new&path={}",
        api::form::escape(&path.display().to_string())
    );
    let inside = format!(
        "name=new&path={}",
        api::form::escape(&site.path("peer/x").display().to_string())
    );
    for (body, expected) in [
        ("name=new&path=relative".to_owned(), "must be absolute"),
        ("name=new&path=/".to_owned(), "must be absolute"),
        (inside, "nested datastores not allowed"),
        (format!("{place}&tuning=nope%3D1"), "tuning"),
        ("path=/x".to_owned(), "'name': parameter is missing"),
        (
            "name=peer&path=/x".to_owned(),
            "datastore 'peer' already exists.",
        ),
    ] {
        let (status, text) = refused(&site, &admin, "POST", "config/datastore", &body).await;
        assert_eq!(status, 400, "{text}");
        assert!(text.contains(expected), "{body}: {text}");
    }
    let s3 = format!("{place}&backend=type%3Ds3,client%3Done,bucket%3Dtwo");
    assert_eq!(
        refused(&site, &admin, "POST", "config/datastore", &s3)
            .await
            .0,
        501
    );

    // An empty place that is to be reused fails in the task, and leaves nothing.
    let lines = task(
        &site,
        &admin,
        "POST",
        "config/datastore",
        &format!("{place}&reuse-datastore=1"),
    )
    .await;
    assert!(
        lines
            .last()
            .expect("line")
            .contains("no datastore to reuse"),
        "{lines:?}"
    );
    assert_eq!(names(&site, &admin).await, ["peer"]);

    let keep =
        format!("{place}&keep-last=3&prune-schedule=daily&gc-schedule=daily&comment=a+new+one");
    ok(&task(&site, &admin, "POST", "config/datastore", &keep).await);
    let config = done(&site, &admin, "GET", "config/datastore/new", "").await;
    assert_eq!(
        config["data"],
        json!({"comment": "a new one", "gc-schedule": "daily", "name": "new", "path": path})
    );
    let jobs = done(&site, &admin, "GET", "config/prune", "").await;
    let job = &jobs["data"][0];
    assert_eq!(
        (&job["keep-last"], &job["schedule"], &job["store"]),
        (&json!(3), &json!("daily"), &json!("new"))
    );
    assert!(job["id"].as_str().expect("id").starts_with("default-new-"));
    // It works at once: the scheduler does not run what was never due.
    let gc = done(&site, &admin, "GET", "admin/datastore/new/gc", "").await;
    assert!(
        gc["data"]["next-run"].as_i64().is_some_and(|next| next > 0),
        "{gc}"
    );
    done(
        &site,
        &admin,
        "POST",
        "admin/datastore/new/namespace",
        "name=a",
    )
    .await;

    let digest = "0".repeat(64);
    let (status, _) = refused(
        &site,
        &admin,
        "DELETE",
        &format!("config/datastore/new?digest={digest}"),
        "",
    )
    .await;
    assert_eq!(status, 400);
    ok(&task(
        &site,
        &admin,
        "DELETE",
        "config/datastore/new?keep-job-configs=1",
        "",
    )
    .await);
    assert_eq!(names(&site, &admin).await, ["peer"]);
    assert!(path.join("ns/a").is_dir(), "the data stay");
    let jobs = done(&site, &admin, "GET", "config/prune", "").await;
    assert_eq!(
        jobs["data"].as_array().expect("jobs").len(),
        1,
        "and the job does"
    );
    let (status, text) = refused(&site, &admin, "DELETE", "config/datastore/new", "").await;
    assert_eq!(
        (status, text.as_str()),
        (404, "datastore 'new' does not exist.")
    );

    ok(&task(
        &site,
        &admin,
        "POST",
        "config/datastore",
        &format!("{place}&reuse-datastore=1&prune-schedule=daily"),
    )
    .await);
    let jobs = done(&site, &admin, "GET", "config/prune", "").await;
    assert_eq!(
        jobs["data"].as_array().expect("jobs").len(),
        1,
        "there is one already"
    );
    let namespaces = done(&site, &admin, "GET", "admin/datastore/new/namespace", "").await;
    assert_eq!(namespaces["data"], json!([{"ns": ""}, {"ns": "a"}]));
    ok(&task(
        &site,
        &admin,
        "DELETE",
        "config/datastore/new?destroy-data=1",
        "",
    )
    .await);
    assert!(!path.exists(), "the data are gone");
    let jobs = done(&site, &admin, "GET", "config/prune", "").await;
    assert_eq!(jobs["data"], json!([]));
    site.end().await;
}

/// What each maintenance mode refuses, and how it is told.
#[tokio::test]
async fn maintenance() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let (reads, writes) = (
        ("GET", "admin/datastore/peer/groups", ""),
        ("POST", "admin/datastore/peer/namespace", "name=x"),
    );
    for (mode, read, write) in [
        (
            "read-only,message%3Dmoving",
            None,
            "read-only maintenance mode: moving",
        ),
        (
            "offline,message%3D\"disk swap\"",
            Some("offline maintenance mode: disk swap"),
            "offline maintenance mode: disk swap",
        ),
        (
            "unmount",
            Some("datastore is being unmounted"),
            "datastore is being unmounted",
        ),
        (
            "s3-refresh",
            Some("S3 refresh maintenance mode: "),
            "S3 refresh maintenance mode: ",
        ),
    ] {
        done(
            &site,
            &admin,
            "PUT",
            "config/datastore/peer",
            &format!("maintenance-mode={mode}"),
        )
        .await;
        for ((verb, target, body), expected) in [(reads, read), (writes, Some(write))] {
            let (status, text) = refused(&site, &admin, verb, target, body).await;
            match expected {
                None => assert_eq!(status, 200, "{mode} {target}: {text}"),
                Some(reason) => {
                    assert_eq!(status, 400, "{mode} {target}");
                    assert_eq!(text, format!("datastore 'peer' is unavailable: {reason}"));
                }
            }
        }
        // One may look who still works there.
        let active = done(
            &site,
            &admin,
            "GET",
            "admin/datastore/peer/active-operations",
            "",
        )
        .await;
        assert_eq!(active["data"], json!({"read": 0, "write": 0}));
    }
    done(
        &site,
        &admin,
        "PUT",
        "config/datastore/peer",
        "maintenance-mode=delete",
    )
    .await;
    let (status, text) = refused(
        &site,
        &admin,
        "PUT",
        "config/datastore/peer",
        "delete=maintenance-mode",
    )
    .await;
    assert_eq!((status, text.as_str()), (400, "datastore is being deleted"));
    done(
        &site,
        &admin,
        "PUT",
        "config/datastore/peer",
        "maintenance-mode=delete",
    )
    .await;
    let (_, text) = refused(&site, &admin, reads.0, reads.1, "").await;
    assert_eq!(
        text,
        "datastore 'peer' is unavailable: datastore is being deleted"
    );
    site.end().await;
}

/// A datastore that somebody uses is not removed, and stays what it was with all its jobs and rights.
#[tokio::test]
async fn in_use() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    // Another process reads there: this test's parent.
    let parent = std::os::unix::process::parent_id();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).expect("stat");
    let start: u64 = stat
        .rsplit_once(") ")
        .expect("stat")
        .1
        .split(' ')
        .nth(19)
        .expect("start")
        .parse()
        .expect("number");
    let file = site.path("state/active-operations/peer");
    std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
    let entry =
        json!([{"pid": parent, "starttime": start, "active_operations": {"read": 2, "write": 0}}]);
    std::fs::write(&file, entry.to_string()).expect("write");
    let active = done(
        &site,
        &admin,
        "GET",
        "admin/datastore/peer/active-operations",
        "",
    )
    .await;
    assert_eq!(active["data"], json!({"read": 2, "write": 0}));
    done(
        &site,
        &admin,
        "POST",
        "config/prune",
        "id=nightly&store=peer&schedule=daily&keep-last=3",
    )
    .await;
    let files = ["datastore.cfg", "acl.cfg", "prune.cfg"];
    let all = || files.map(|name| std::fs::read_to_string(site.path("etc").join(name)).ok());
    let before = all();
    assert!(before.iter().all(Option::is_some), "{before:?}");
    let lines = task(
        &site,
        &admin,
        "DELETE",
        "config/datastore/peer?destroy-data=1",
        "",
    )
    .await;
    assert!(
        lines
            .last()
            .expect("line")
            .contains("datastore is currently in use"),
        "{lines:?}"
    );
    assert!(site.path("peer/.chunks").is_dir());
    assert_eq!(all(), before, "nothing was lost");
    done(&site, &admin, "GET", "admin/datastore/peer/groups", "").await;
    {
        // Like any other process under the lock: the server may just be telling of its own last operation.
        let lock = std::fs::File::open(file.with_extension("lock")).expect("lock");
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locked");
        std::fs::write(&file, "[]").expect("write");
    }
    ok(&task(&site, &admin, "DELETE", "config/datastore/peer", "").await);
    site.end().await;
}

#[tokio::test]
async fn devices_and_object_stores() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    for verb in ["mount", "unmount"] {
        let target = format!("admin/datastore/peer/{verb}");
        let (status, text) = refused(&site, &admin, "POST", &target, "").await;
        assert_eq!(status, 400);
        assert!(text.contains("is not removable"), "{text}");
    }
    let (status, text) = refused(&site, &admin, "PUT", "admin/datastore/peer/s3-refresh", "").await;
    assert_eq!(status, 501, "{text}");

    let config = site.path("etc/datastore.cfg");
    let text = std::fs::read_to_string(&config).expect("read");
    let removable =
        "\ndatastore: usb\n\tbacking-device 00000000-0000-4000-8000-000000000000\n\tpath backups\n";
    std::fs::write(&config, text + removable).expect("write");
    // A disk that was taken away may have lost what an unfinished backup had sent.
    let journals = site.path("state/uploads/usb");
    std::fs::create_dir_all(&journals).expect("folder");
    std::fs::write(journals.join("x.uploads"), "").expect("journal");
    let (status, text) = refused(&site, &admin, "GET", "admin/datastore/usb/groups", "").await;
    assert!(!journals.exists(), "forgotten");
    assert_eq!(
        (status, text.as_str()),
        (400, "datastore 'usb' is not mounted")
    );
    let list = done(&site, &admin, "GET", "admin/datastore", "").await;
    let states: Vec<&Value> = list["data"]
        .as_array()
        .expect("list")
        .iter()
        .map(|item| &item["mount-status"])
        .collect();
    assert_eq!(states, [&json!("nonremovable"), &json!("notmounted")]);
    let lines = task(&site, &admin, "POST", "admin/datastore/usb/mount", "").await;
    let last = lines.last().expect("line");
    assert!(
        last.contains("there is no device") || last.contains("mounting needs root"),
        "{last}"
    );
    let (_, text) = refused(
        &site,
        &admin,
        "DELETE",
        "config/datastore/usb?destroy-data=1",
        "",
    )
    .await;
    assert!(text.contains("its device is not mounted"), "{text}");
    // Somebody's wish is respected, what a server left that died is not.
    let text = std::fs::read_to_string(&config).expect("read");
    std::fs::write(&config, format!("{text}\tmaintenance-mode offline\n")).expect("write");
    let unmount = "admin/datastore/usb/unmount";
    let (_, refusal) = refused(&site, &admin, "POST", unmount, "").await;
    assert!(refusal.contains("offline maintenance mode"), "{refusal}");
    std::fs::write(&config, format!("{text}\tmaintenance-mode unmount\n")).expect("write");
    ok(&task(&site, &admin, "POST", unmount, "").await);
    assert_eq!(std::fs::read_to_string(&config).expect("read"), text);
    // Nothing is to be unmounted, so it is done.
    ok(&task(&site, &admin, "POST", "admin/datastore/usb/unmount", "").await);
    let upid = done(&site, &admin, "DELETE", "config/datastore/usb", "").await;
    site.idle().await;
    ok(&log_lines(&site, &admin, upid["data"].as_str().expect("task")).await);
    site.end().await;
}

/// A datastore could be made in the folder with all passwords, or around it, and be removed with "its" data.
#[tokio::test]
async fn the_servers_own_folders_are_no_place_for_a_datastore() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    std::os::unix::fs::symlink(site.path("state"), site.path("link")).expect("link");
    for place in ["etc", "etc/new/deep", "state/x", "link/x", ""] {
        let path = site.path(place);
        let body = format!(
            "name=new&path={}",
            api::form::escape(&path.display().to_string())
        );
        let (status, text) = refused(&site, &admin, "POST", "config/datastore", &body).await;
        assert_eq!(status, 400, "{place}: {text}");
        // Around everything it is around another datastore too.
        let expected = if place.is_empty() {
            "peer"
        } else {
            "give it a directory of its own"
        };
        assert!(text.contains(expected), "{place}: {text}");
    }
    assert!(!site.path("etc/new").exists() && !site.path("state/x").exists());
    site.end().await;
}

/// It makes 65536 folders, and nobody could stop it.
#[tokio::test]
async fn a_creation_can_be_stopped() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let path = site.path("above/new");
    let body = format!(
        "name=new&path={}",
        api::form::escape(&path.display().to_string())
    );
    let made = done(&site, &admin, "POST", "config/datastore", &body).await;
    let upid = made["data"].as_str().expect("a task").to_owned();
    while !path.join(".chunks/0010").exists() {
        tokio::task::yield_now().await;
    }
    let task = format!("nodes/localhost/tasks/{}", api::form::escape(&upid));
    done(&site, &admin, "DELETE", &task, "").await;
    site.idle().await;
    let status = done(&site, &admin, "GET", &format!("{task}/status"), "").await;
    let text = status["data"]["exitstatus"]
        .as_str()
        .expect("status")
        .to_owned();
    assert!(text.contains("task aborted"), "{text}");
    assert!(!site.path("above").exists(), "what it made is gone");
    assert_eq!(names(&site, &admin).await, ["peer"]);
    site.end().await;
}
