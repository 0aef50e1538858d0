//! A datastore whose disk does not answer: nobody but those who need that very disk may notice. The disk is a pipe that nobody writes to in place
//! of a file, so that opening it waits like a read from a network file system whose server is gone.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::message::{Answer, request, send};
use super::site::{Login, Site, fixtures};
use super::steps::{done, log_lines};

/// Calls that fit in one datastore's turns, and in all turns.
const OF_STORE: usize = 3;
const ALL: usize = 8;
const PATIENCE: Duration = Duration::from_millis(300);
const OPENING_PATIENCE: Duration = Duration::from_millis(1500);

/// Opens the pipe from the other side until nobody waits there any more.
fn wake(pipe: &Path) {
    std::fs::rename(pipe, pipe.with_extension("pipe")).expect("rename");
    let pipe = pipe.with_extension("pipe");
    // Not blocking: an error as soon as nobody reads.
    while let Ok(fd) = rustix::fs::open(
        &pipe,
        rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK,
        rustix::fs::Mode::empty(),
    ) {
        let _ = std::fs::File::from(fd).write_all(b"{}");
    }
}

/// From now on the disk of `peer` does not answer.
fn silence(pipe: &Path) {
    let _ = std::fs::remove_file(pipe);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, pipe, mode).expect("pipe");
}

async fn site(fixtures: &Path) -> (Site, Login, PathBuf) {
    let (site, admin, pipes) = site_with(fixtures, &[]).await;
    (site, admin, pipes.into_iter().next().expect("peer's"))
}

/// With further datastores beside `peer` and `other`; the pipes of `peer` and of these.
async fn site_with(fixtures: &Path, more: &[&str]) -> (Site, Login, Vec<PathBuf>) {
    let site = Site::start_with(fixtures, "", |settings| {
        settings.limits.blocking = ALL;
        settings.limits.disk_calls = ALL;
        settings.limits.disk_calls_of_store = OF_STORE;
        settings.limits.disk_patience = PATIENCE;
        settings.limits.look_patience = PATIENCE;
        settings.limits.opening_patience = OPENING_PATIENCE;
    })
    .await;
    let admin = site.log_in("test@pbs").await;
    let config = site.path("etc/datastore.cfg");
    let mut text = std::fs::read_to_string(&config).expect("read");
    // Not over the interface, which would make 65536 folders.
    for name in ["other"].iter().chain(more) {
        let path = site.path(name);
        std::fs::create_dir_all(path.join(".chunks")).expect("folder");
        std::fs::write(path.join(".lock"), "").expect("lock");
        text += &format!("\ndatastore: {name}\n\tpath {}\n", path.display());
    }
    std::fs::write(&config, text).expect("write");
    let pipe = |name: &&str| site.path(name).join(".gc-status");
    let pipes = ["peer"].iter().chain(more).map(pipe).collect();
    (site, admin, pipes)
}

fn usage(answer: &Answer, store: &str) -> serde_json::Value {
    let data = answer.json()["data"].take();
    let items = data.as_array().expect("list");
    let item = items.iter().find(|item| item["store"] == store);
    item.expect("the datastore").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_up_nobody_else() {
    let Some(fixtures) = fixtures() else { return };
    let (site, admin, pipe) = site(&fixtures).await;
    let get = async |path: &str| site.call(&admin, "GET", path, "").await;
    let before = get("/api2/json/status/datastore-usage").await;
    assert!(usage(&before, "peer")["error"].is_null());
    silence(&pipe);

    // More than there are turns of any kind; each is answered, late or not, once the disk is back.
    let status = "/api2/json/admin/datastore/peer/status?verbose=1";
    let stuck: Vec<_> = (0..3 * ALL)
        .map(|_| {
            let message = request("GET", status, &[&admin.cookie()], "");
            let address = site.address;
            tokio::spawn(async move { send(address, &message).await })
        })
        .collect();
    let began = Instant::now();
    // Whoever comes after them is told.
    let busy = loop {
        let answer = get("/api2/json/admin/datastore/peer/snapshots").await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(busy.status, 503, "{}", busy.text());
    assert!(
        busy.text()
            .contains("the disk of datastore 'peer' does not answer")
    );

    for path in [
        "/api2/json/version",
        "/api2/json/config/datastore",
        "/api2/json/access/users",
        "/api2/json/admin/datastore",
        "/api2/json/admin/datastore/other/snapshots",
        "/api2/json/admin/datastore/other/status?verbose=1",
        "/api2/json/nodes/localhost/report",
        "/api2/json/nodes/localhost/tasks",
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
    ] {
        let answer = get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    for _ in 0..2 * ALL {
        let all = get("/api2/json/status/datastore-usage").await;
        assert_eq!(all.status, 200, "{}", all.text());
        let peer = usage(&all, "peer");
        let error = peer["error"].as_str().expect("an error");
        assert!(error.contains("does not answer"), "{error}");
        assert_eq!(
            peer["total"],
            usage(&before, "peer")["total"],
            "what was seen last"
        );
        assert!(usage(&all, "other")["error"].is_null());
        let gc = get("/api2/json/admin/gc").await;
        assert_eq!(gc.json()["data"].as_array().map(Vec::len), Some(2));
    }
    assert!(began.elapsed() < Duration::from_secs(60));
    site.observe(jiff::Timestamp::now().as_second()).await;

    wake(&pipe);
    for answer in stuck {
        let answer = answer.await.expect("answered");
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
    }
    let after = get("/api2/json/admin/datastore/peer/status?verbose=1").await;
    assert_eq!(after.status, 200, "{}", after.text());
    site.end().await;
}

/// What was changed, switched off or removed while a job waited for the disk counts: the job as it was does not run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waited_is_read_again() {
    let Some(fixtures) = fixtures() else { return };
    let (site, admin, pipe) = site(&fixtures).await;
    for id in ["same", "changed", "off", "removed"] {
        let job = format!("id={id}&store=peer&schedule=daily&keep-last=9");
        done(&site, &admin, "POST", "config/prune", &job).await;
    }
    let now = jiff::Timestamp::now().as_second();
    assert_eq!(site.minute(now).await, 0, "their time has not come");

    silence(&pipe);
    let status = "/api2/json/admin/datastore/peer/status?verbose=1";
    // This one answers as long as it gets a turn.
    let list = "/api2/json/admin/datastore/peer/snapshots";
    let get = || site.call(&admin, "GET", list, "");
    let stuck: Vec<_> = (0..OF_STORE)
        .map(|_| {
            let message = request("GET", status, &[&admin.cookie()], "");
            let address = site.address;
            tokio::spawn(async move { send(address, &message).await })
        })
        .collect();
    while get().await.status != 503 {}
    let meanwhile = async {
        // They are found, and wait.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let put = async |job, members| done(&site, &admin, "PUT", job, members).await;
        put("config/prune/changed", "keep-last=1").await;
        put("config/prune/off", "disable=1").await;
        done(&site, &admin, "DELETE", "config/prune/removed", "").await;
        wake(&pipe);
    };
    let later = now + 5 * 86_400;
    let (started, ()) = tokio::join!(site.minute(later), meanwhile);
    assert_eq!(started, 1, "the one that is the same");
    for answer in stuck {
        answer.await.expect("answered");
    }
    assert_eq!(site.minute(later).await, 1, "the changed one as it is now");
    site.end().await;
}

/// Three silent disks took all turns that there were, and nobody else had any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_of_them_hold_up_nobody_else() {
    let Some(fixtures) = fixtures() else { return };
    let silent = ["peer", "third", "fourth", "fifth"];
    let (site, admin, pipes) = site_with(&fixtures, &silent[1..]).await;
    pipes.iter().for_each(|pipe| silence(pipe));
    let mut stuck = Vec::new();
    for name in silent {
        let status = format!("/api2/json/admin/datastore/{name}/status?verbose=1");
        for _ in 0..2 * OF_STORE {
            let message = request("GET", &status, &[&admin.cookie()], "");
            let address = site.address;
            stuck.push(tokio::spawn(async move { send(address, &message).await }));
        }
        let list = format!("/api2/json/admin/datastore/{name}/snapshots");
        while site.call(&admin, "GET", &list, "").await.status != 503 {}
    }
    for _ in 0..2 * ALL {
        for path in ["snapshots", "status?verbose=1", "groups"] {
            let path = format!("/api2/json/admin/datastore/other/{path}");
            let answer = site.call(&admin, "GET", &path, "").await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    pipes.iter().for_each(|pipe| wake(pipe));
    for answer in stuck {
        let answer = answer.await.expect("answered");
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
    }
    site.end().await;
}

/// A scheduled backup was refused after ten seconds, as a list is that somebody waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opens_a_session_waits_longer() {
    let Some(fixtures) = fixtures() else { return };
    let (site, admin, pipe) = site(&fixtures).await;
    let fill = || -> Vec<_> {
        silence(&pipe);
        let status = "/api2/json/admin/datastore/peer/status?verbose=1";
        let message = request("GET", status, &[&admin.cookie()], "");
        let stuck = (0..OF_STORE).map(|_| {
            let (address, message) = (site.address, message.clone());
            tokio::spawn(async move { send(address, &message).await })
        });
        stuck.collect()
    };
    let full = async || {
        let list = "/api2/json/admin/datastore/peer/snapshots";
        while site.call(&admin, "GET", list, "").await.status != 503 {}
    };
    let open = async || {
        let target = "/api2/json/reader?store=peer&backup-type=host&backup-id=none&backup-time=1";
        let upgrade = "upgrade: proxmox-backup-reader-protocol-v1";
        let headers = [&*admin.cookie(), "connection: upgrade", upgrade];
        let began = Instant::now();
        let answer = send(site.address, &request("GET", target, &headers, "")).await;
        (answer, began.elapsed())
    };
    let stuck = fill();
    full().await;
    let (answer, waited) = open().await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(
        answer.text().contains("'peer' does not answer"),
        "{}",
        answer.text()
    );
    assert!(waited >= OPENING_PATIENCE, "{waited:?}");

    // If the disk comes back meanwhile it is asked.
    let back = async {
        tokio::time::sleep(2 * PATIENCE).await;
        wake(&pipe);
    };
    let ((answer, waited), ()) = tokio::join!(open(), back);
    assert_eq!(answer.status, 400, "no such snapshot: {}", answer.text());
    assert!(waited >= 2 * PATIENCE, "{waited:?}");
    for answer in stuck {
        answer.await.expect("answered");
    }
    site.end().await;
}

/// A task that waits for such a disk could not be ended, its job showed nothing but that it runs, and who removed its datastore was told of numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_hangs_there_is_ended_without_it() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.stop_patience = PATIENCE;
    })
    .await;
    let admin = site.log_in("test@pbs").await;
    let pipe = site.path("peer/host/small/2023-11-14T22:21:40Z/root.pxar.didx");
    silence(&pipe);
    done(
        &site,
        &admin,
        "POST",
        "config/verify",
        "id=all&store=peer&ignore-verified=0",
    )
    .await;
    let run = "/api2/json/admin/verify/all/run";
    let started = site.call(&admin, "POST", run, "").await.json();
    let upid = started["data"].as_str().expect("task").to_owned();
    let task = format!("nodes/localhost/tasks/{}", api::form::escape(&upid));
    let status =
        async || done(&site, &admin, "GET", &format!("{task}/status"), "").await["data"].take();
    let left = async || {
        let page = site.call(&admin, "GET", "/metrics", "").await.text();
        page.contains("strongroom_tasks_left 1\n")
    };
    // It opens the file after this line, and waits.
    while !log_lines(&site, &admin, &upid)
        .await
        .iter()
        // Others have a file of that name as well.
        .skip_while(|line| !line.contains("verify peer:host/small/"))
        .any(|line| line.contains("check root.pxar.didx"))
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(PATIENCE).await;
    done(&site, &admin, "DELETE", &task, "").await;
    assert!(!left().await);
    tokio::time::sleep(PATIENCE).await;
    let stop = async {
        // Until the one who starts the job again waits for its lock; the other order must be refused as well.
        tokio::time::sleep(PATIENCE).await;
        done(&site, &admin, "DELETE", &task, "").await
    };
    let (meanwhile, _) = tokio::join!(site.call(&admin, "POST", run, ""), stop);
    assert_eq!(
        meanwhile.status,
        400,
        "beside it: {} {:?}",
        meanwhile.text(),
        log_lines(&site, &admin, &upid).await
    );
    let ended = status().await;
    assert_eq!(
        (ended["status"].as_str(), ended["exitstatus"].as_str()),
        (Some("stopped"), Some("task aborted"))
    );
    assert!(left().await);
    site.idle().await;

    // Its job shows how it ended, and does not run beside it.
    let jobs = done(&site, &admin, "GET", "admin/verify", "").await;
    assert_eq!(jobs["data"][0]["last-run-state"], "task aborted");
    let again = site.call(&admin, "POST", run, "").await;
    let told = format!(
        "job 'all' was stopped, and task {upid} still waits for its disk; it can run again when that answers"
    );
    assert_eq!((again.status, again.text()), (400, told));
    let removal = super::steps::task(&site, &admin, "DELETE", "config/datastore/peer", "").await;
    let told = format!("; task {upid} was stopped and still waits for the disk");
    assert!(
        removal.last().is_some_and(|line| line.ends_with(&told)),
        "{removal:#?}"
    );

    wake(&pipe);
    while left().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(site.call(&admin, "POST", run, "").await.status, 200);
    site.idle().await;
    let last = log_lines(&site, &admin, &upid).await;
    assert_eq!(
        last.last().map(String::as_str),
        Some("TASK ERROR: task aborted")
    );
    site.end().await;
}
