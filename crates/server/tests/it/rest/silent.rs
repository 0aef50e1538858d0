//! A datastore whose disk does not answer: nobody but those who need that very disk may notice. The disk is a pipe that nobody writes to in place
//! of a file, so that opening it waits like a read from a network file system whose server is gone.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::message::{Answer, request, send};
use super::site::{Login, Site, fixtures};
use super::steps::done;

/// Calls that fit in one datastore's turns, and in all turns.
const OF_STORE: usize = 3;
const ALL: usize = 8;
const PATIENCE: Duration = Duration::from_millis(300);

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
    let site = Site::start_with(fixtures, "", |settings| {
        settings.limits.blocking = ALL;
        settings.limits.disk_calls = ALL;
        settings.limits.disk_calls_of_store = OF_STORE;
        settings.limits.disk_patience = PATIENCE;
        settings.limits.look_patience = PATIENCE;
    })
    .await;
    let admin = site.log_in("test@pbs").await;
    // Not over the interface, which would make 65536 folders.
    let other = site.path("other");
    std::fs::create_dir_all(other.join(".chunks")).expect("folder");
    std::fs::write(other.join(".lock"), "").expect("lock");
    let config = site.path("etc/datastore.cfg");
    let mut text = std::fs::read_to_string(&config).expect("read");
    text += &format!("\ndatastore: other\n\tpath {}\n", other.display());
    std::fs::write(&config, text).expect("write");
    let pipe = site.path("peer/.gc-status");
    (site, admin, pipe)
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
