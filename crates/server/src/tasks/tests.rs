//! Tasks from their start to the lists of finished ones, with crashes and other processes in between.

use std::time::Duration;

use super::*;
use crate::shortage::Shortage;

/// Longer than any test.
const PATIENCE: Duration = Duration::from_secs(3600);

fn user() -> AuthId {
    "test@pbs".parse().expect("auth id")
}

fn open(folder: &Path) -> Tasks {
    Tasks::open(folder, "pbs", 4).expect("tasks")
}

fn rooms(all: usize, of_user: usize) -> Rooms {
    let (floor, line) = (Bounds { all, of_user }, Bounds { all, of_user });
    Rooms { floor, line }
}

fn statuses(tasks: &Tasks) -> Vec<String> {
    let page = tasks.list(&Filter::default(), |_| true).expect("list");
    page.entries
        .into_iter()
        .map(|entry| {
            entry
                .end
                .map_or("running".to_owned(), |(_, status)| status.to_string())
        })
        .collect()
}

#[test]
fn a_task_runs_ends_and_is_found_again() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let worker = tasks
        .start("backup", Some("peer:host/x-1"), &user())
        .expect("start");
    let upid = worker.upid().clone();
    worker.log("hello");
    assert!(tasks.is_running(&upid));
    assert_eq!(statuses(&tasks), ["running"]);
    let page = tasks.log_page(&upid, 1, 50).expect("log");
    assert_eq!((page.total, page.lines[0].number), (1, 1));
    assert!(page.lines[0].text.ends_with(": hello"));
    worker.finish(Ok(()));
    assert!(!tasks.is_running(&upid));
    assert_eq!(statuses(&tasks), ["OK"]);
    assert_eq!(tasks.ended(&upid).0, TaskStatus::Ok);
    let line = std::fs::read_to_string(folder.path().join("archive")).expect("archive");
    assert!(
        line.starts_with(&format!("{upid} ")) && line.ends_with(" OK\n"),
        "{line}"
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("active")).expect("active"),
        ""
    );
    assert!(
        folder
            .path()
            .join(upid.log_dir())
            .join(upid.to_string())
            .is_file()
    );
}

#[test]
fn warnings_errors_and_forgotten_workers() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let worker = tasks.start("verify", Some("peer"), &user()).expect("start");
    worker.warn("hm");
    worker.finish(Ok(()));
    tasks
        .start("verify", Some("peer"), &user())
        .expect("start")
        .finish(Err("broken\nbadly".into()));
    drop(tasks.start("verify", None, &user()).expect("start"));
    assert_eq!(
        statuses(&tasks),
        [
            "the task was given up without a result",
            "broken badly",
            "WARNINGS: 1"
        ]
    );
}

#[test]
fn only_so_many_tasks_at_once() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let held: Vec<Worker> = (0..4)
        .map(|_| tasks.start("reader", None, &user()).expect("start"))
        .collect();
    assert!(matches!(
        tasks.start("reader", None, &user()),
        Err(TaskError::TooMany { max: 4 })
    ));
    drop(held);
    assert!(tasks.start("reader", None, &user()).is_ok());
}

/// One user with 256 idle sessions kept everybody else from backing up.
#[test]
fn one_user_does_not_have_all_tasks() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks =
        Tasks::open_shared(folder.path(), "pbs", rooms(4, 2), Shortage::default()).expect("tasks");
    let token: AuthId = "test@pbs!tok".parse().expect("token");
    let _held = [&user(), &token].map(|id| tasks.start("reader", None, id).expect("start"));
    for id in [&user(), &token] {
        let refused = tasks.start("reader", None, id);
        assert!(matches!(
            refused,
            Err(TaskError::TooManyOfUser { max: 2, .. })
        ));
    }
    let other = "other@pbs".parse().expect("auth id");
    assert!(tasks.start("reader", None, &other).is_ok());
    let _root: Vec<Worker> = (0..2)
        .map(|_| tasks.start("verify", None, &AuthId::root()).expect("start"))
        .collect();
    assert!(matches!(
        tasks.start("verify", None, &other),
        Err(TaskError::TooMany { .. })
    ));
}

#[test]
fn logs_go_with_their_last_mention() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let line = "UPID:pbs:7FFFFFFF:00000042:00000000:60000000:backup:x:test@pbs: 60000000 OK\n";
    std::fs::write(
        folder.path().join("archive"),
        line.repeat(524_288 / line.len()),
    )
    .expect("archive");
    let logs = folder.path().join("42");
    std::fs::create_dir_all(&logs).expect("folder");
    for (name, mtime) in [("old", 0x5fff_ffff_u64), ("known", 0x6000_0000)] {
        let log = std::fs::File::create(logs.join(name)).expect("log");
        log.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(mtime))
            .expect("mtime");
    }
    let worker = tasks.start("verify", None, &user()).expect("start");
    let upid = worker.upid().clone();
    worker.finish(Ok(()));
    assert!(!folder.path().join("archive").exists(), "put away");
    assert!(!logs.join("old").exists() && logs.join("known").exists());
    assert!(tasks.log_page(&upid, 0, 0).is_ok());
    let filter = Filter {
        limit: 2,
        ..Filter::default()
    };
    let page = tasks.list(&filter, |_| true).expect("list");
    assert_eq!(page.entries.len(), 2);
    assert_eq!(page.entries[0].upid, upid);
}

/// A session that says nothing for days lost its log to the daily tidying.
#[test]
fn lists_and_logs_are_kept_by_age() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let quiet = tasks.start("backup", None, &user()).expect("start");
    let (now, day) = (jiff::Timestamp::now().as_second(), 86_400);
    let line = |id: u32, end: i64| {
        format!("UPID:pbs:7FFFFFFF:00000042:{id:08X}:60000000:verify:x:test@pbs: {end:08X} OK\n")
    };
    std::fs::write(folder.path().join("archive"), line(3, now)).expect("archive");
    for (number, days) in [(1, 5), (2, 40)] {
        let text = zstd::encode_all(line(number, now - days * day).as_bytes(), 0).expect("zstd");
        let path = folder.path().join(format!("archive.{number}.zst"));
        std::fs::write(path, text).expect("archive");
    }
    let logs = folder.path().join(quiet.upid().log_dir());
    for (name, days) in [("old", 40), ("young", 4), (quiet.text(), 60)] {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(logs.join(name));
        let seconds = u64::try_from(now - days * day).expect("time");
        let mtime = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        log.and_then(|log| log.set_modified(mtime)).expect("mtime");
    }
    let listed = || {
        tasks
            .list(&Filter::default(), |_| true)
            .expect("list")
            .entries
            .len()
    };
    tasks.tidy(now).expect("tidy");
    assert_eq!((listed(), logs.join("old").exists()), (4, true));
    // As in the manager, which does not look at the setting: 20 files would be kept here, and there are more.
    for number in 3..30 {
        let text = zstd::encode_all(line(number, now - 50 * day).as_bytes(), 0).expect("zstd");
        let path = folder.path().join(format!("archive.{number}.zst"));
        std::fs::write(path, text).expect("archive");
    }
    tasks.tidy(now).expect("tidy");
    assert_eq!(listed(), 4 + 27);
    tasks.keep(Kept::default());
    tasks.tidy(now).expect("tidy");
    assert_eq!(listed(), 2 + 20);
    tasks.keep(Kept::Days(30));
    tasks.tidy(now).expect("tidy");
    assert_eq!(listed(), 3);
    let left = ["old", "young", quiet.text()].map(|name| logs.join(name).exists());
    assert_eq!(left, [false, true, true]);
}

/// Who waits is told, keeps the order, can be stopped, and holds up nobody of another datastore.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_wait_for_their_turn() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = Tasks::open(folder.path(), "pbs", 16).expect("tasks");
    let queue: Queue<&str> = Queue::new(2);
    let (order, ended) = std::sync::mpsc::channel();
    let gates: Vec<_> = (0..6).map(|_| std::sync::mpsc::channel::<()>()).collect();
    let (open, gates): (Vec<_>, Vec<_>) = gates.into_iter().unzip();
    let mut upids = Vec::new();
    for (number, gate) in gates.into_iter().enumerate() {
        let order = order.clone();
        let key = if number == 5 { "other" } else { "peer" };
        let (entered, has_entered) = std::sync::mpsc::channel();
        let work = move |_: &Task| {
            // The first two and the last work at once, the others have said that they wait.
            let _ = entered.send(());
            let _ = gate.recv();
            let _ = order.send(number);
            Ok(())
        };
        let upid = tasks
            .spawn_in_turn((&queue, &key), "verify", Some(key), &user(), work)
            .expect("spawn");
        if matches!(number, 0 | 1 | 5) {
            has_entered.recv().expect("at work");
        } else {
            while tasks.log_page(&upid, 0, 0).expect("log").total == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        upids.push(upid);
    }
    let text = |upid: &Upid| {
        let page = tasks.log_page(upid, 0, 0).expect("log");
        page.lines
            .into_iter()
            .map(|line| line.text)
            .collect::<String>()
    };
    for upid in &upids[2..5] {
        assert!(text(upid).contains("waiting until another task"), "{upid}");
    }
    // The third one is stopped where it waits; the others come in their order.
    assert!(tasks.stop(&upids[2], PATIENCE));
    while tasks.is_running(&upids[2]) {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(text(&upids[2]).ends_with("TASK ERROR: task aborted"));
    for number in [1, 3, 5, 0, 4] {
        open[number].send(()).expect("waits at the gate");
        assert_eq!(ended.recv().expect("ends"), number);
    }
    tasks.idle().await;
    for number in [0, 1, 3, 4, 5] {
        assert_eq!(tasks.ended(&upids[number]).0, TaskStatus::Ok, "{number}");
    }
    assert!(!text(&upids[5]).contains("waiting"));
    assert!(queue.is_idle(), "{queue:?}");
}

/// Verifications that waited counted as tasks at work: with enough of them nobody could back up or restore. Each held a thread, too.
#[tokio::test]
async fn who_waits_takes_nothing_from_sessions() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks =
        Tasks::open_shared(folder.path(), "pbs", rooms(6, 4), Shortage::default()).expect("tasks");
    let queue = Queue::new(1);
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let verify = |id: &AuthId| {
        let gate = Arc::clone(&gate);
        let work = move |_: &Task| {
            let _ = gate.lock().expect("gate").recv();
            Ok(())
        };
        tasks.spawn_in_turn((&queue, &"peer"), "verify", None, id, work)
    };
    for _ in 0..4 {
        verify(&user()).expect("has room");
    }
    assert!(matches!(
        verify(&user()),
        Err(TaskError::TooManyOfUser { max: 4, .. })
    ));
    for _ in 0..2 {
        verify(&AuthId::root()).expect("has room");
    }
    assert!(matches!(
        verify(&AuthId::root()),
        Err(TaskError::TooMany { max: 6 })
    ));
    assert_eq!((tasks.running(), *tasks.shared.threads.borrow()), (6, 1));
    // As many sessions as if nobody waited; they in turn take no room from those who wait.
    let sessions: Vec<Worker> = (0..4)
        .map(|_| tasks.start("backup", None, &user()).expect("session"))
        .collect();
    assert!(tasks.start("reader", None, &user()).is_err());
    drop(sessions);
    // All end, those that wait too, when the server does.
    tasks.abort_all();
    drop(open);
    tasks.idle().await;
    let aborted = statuses(&tasks)
        .iter()
        .filter(|status| *status == "task aborted")
        .count();
    assert_eq!(aborted, 5);
}

/// A log is read on while its task writes.
#[test]
fn a_running_tasks_log_is_followed() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let worker = tasks.start("verify", None, &user()).expect("start");
    let upid = worker.upid().clone();
    let mut seen = 0;
    for number in 1..=3 {
        worker.log(&format!("line {number}"));
        let page = tasks.log_page(&upid, seen + 1, 50).expect("log");
        assert_eq!((page.total, page.lines.len()), (number, 1));
        assert!(page.lines[0].text.ends_with(&format!(": line {number}")));
        assert!(tasks.is_running(&upid));
        seen = page.lines[0].number;
    }
    worker.finish(Ok(()));
    let page = tasks.log_page(&upid, seen + 1, 50).expect("log");
    assert!(page.lines[0].text.ends_with(": TASK OK") && !tasks.is_running(&upid));
    assert_eq!(tasks.log_page(&upid, 5, 50).expect("log").lines, []);
}

#[tokio::test]
async fn abort_reaches_the_work_and_idle_waits_for_its_end() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let worker = tasks.start("backup", None, &user()).expect("start");
    assert!(tasks.stop(worker.upid(), PATIENCE));
    worker.abort_requested().await;
    assert!(worker.aborted());
    let upid = worker.upid().clone();
    worker.finish(Err("task aborted".into()));
    tasks.idle().await;
    assert!(!tasks.stop(&upid, PATIENCE));
    let page = tasks.log_page(&upid, 0, 0).expect("log");
    let texts: Vec<&str> = page
        .lines
        .iter()
        .map(|line| line.text.split_once(": ").expect("time").1)
        .collect();
    assert_eq!(
        texts,
        ["received abort request ...", "TASK ERROR: task aborted"]
    );
}

#[tokio::test]
async fn a_panic_fails_only_its_task() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    tasks
        .spawn("verify", None, &user(), |_| panic!("for the test"))
        .expect("spawn");
    tasks.idle().await;
    assert_eq!(
        statuses(&tasks),
        ["the task failed inside; the server's log has the details"]
    );
}

#[test]
fn tasks_of_a_dead_process_are_taken_over_once() {
    let folder = tempfile::tempdir().expect("tempdir");
    let dead = "UPID:pbs:7FFFFFFF:00000042:00000000:60000000:backup:x:test@pbs:";
    let told = "UPID:pbs:7FFFFFFF:00000042:00000001:60000000:backup:x:test@pbs:";
    std::fs::create_dir_all(folder.path().join("42")).expect("folder");
    std::fs::write(
        folder.path().join("42").join(told),
        "2021-01-14T08:25:37+00:00: TASK ERROR: no\n",
    )
    .expect("log");
    std::fs::write(
        folder.path().join("active"),
        format!("{dead}\n{told}\nrubbish\n"),
    )
    .expect("active");
    for _ in 0..2 {
        let tasks = open(folder.path());
        let archive = std::fs::read_to_string(folder.path().join("archive")).expect("archive");
        assert_eq!(
            archive,
            format!("{dead} 60000000 unknown\n{told} 60000001 no\n")
        );
        assert_eq!(
            std::fs::read_to_string(folder.path().join("active")).expect("active"),
            ""
        );
        assert_eq!(statuses(&tasks), ["no", "unknown"]);
        // As after a crash between the two steps of finishing.
        std::fs::write(folder.path().join("active"), format!("{dead}\n")).expect("active");
    }
}

#[test]
fn tasks_of_another_live_process_are_running() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    // The parent of this process is alive, and is not this one.
    let parent = std::os::unix::process::parent_id();
    let start = process_start(parent).expect("alive");
    let foreign = format!("UPID:pbs:{parent:08X}:{start:08X}:00000000:60000000:verify:x:test@pbs:");
    std::fs::write(folder.path().join("active"), format!("{foreign}\n")).expect("active");
    let upid: Upid = foreign.parse().expect("upid");
    assert!(tasks.is_running(&upid));
    assert_eq!(statuses(&tasks), ["running"]);
    // A start of this process leaves it to the other.
    let again = open(folder.path());
    assert!(again.is_running(&upid));
    assert!(!folder.path().join("archive").exists());
}

#[test]
fn own_process_is_known() {
    assert!(process_start(std::process::id()).is_some_and(|start| start > 0));
    assert_eq!(process_start(u32::MAX), None);
}

/// A disk without room refused every restore and collection: "cannot append to .../log/tasks/active". Here nothing in the folder can be
/// written, since folders stand where the files should be; later they can.
#[test]
fn a_disk_that_takes_nothing_keeps_no_task_from_running() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    for name in ["active", "active.tmp", "archive"] {
        std::fs::create_dir(folder.path().join(name)).expect("in the way");
    }
    let upid = tasks
        .spawn("verify", Some("peer"), &user(), |task| {
            task.log("all is well");
            Err("one is not".into())
        })
        .expect("it starts");
    let logs = folder.path().join(upid.log_dir());
    while tasks.is_running(&upid) {
        std::thread::yield_now();
    }
    assert_eq!(tasks.ended(&upid).0, TaskStatus::Error("one is not".into()));
    // Neither could be listed, and still it is told to whoever asks.
    let (shared, text) = (&tasks.shared, upid.to_string());
    assert_eq!(shared.waiting().unlisted().len(), 1);
    assert!(shared.waiting().find(&text).is_some());
    assert!(logs.join(&text).is_file());
    for name in ["active", "active.tmp", "archive"] {
        std::fs::remove_dir(folder.path().join(name)).expect("away");
    }
    assert_eq!(statuses(&tasks), ["one is not"]);
    tasks.tidy(0).expect("room again");
    assert!(shared.waiting().find(&text).is_none());
    assert_eq!(statuses(&tasks), ["one is not"]);
    let line = std::fs::read_to_string(folder.path().join("archive")).expect("archive");
    assert!(line.ends_with(" one is not\n"), "{line}");
}

/// The same where no log can be made either.
#[test]
fn a_log_in_memory_is_shown_and_downloaded() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let worker = tasks.start("reader", None, &user()).expect("start");
    let upid = worker.upid().clone();
    drop(worker);
    // The next one's log folder is known; a file stands where it should be.
    let mut next = upid.clone();
    next.task += 1;
    next.start = 1_700_000_000;
    let logs = folder.path().join(next.log_dir());
    let _ = std::fs::remove_dir_all(&logs);
    std::fs::write(&logs, "").expect("in the way");
    let worker = tasks
        .start_at(Room::Floor, "reader", None, &user(), next.start)
        .expect("start");
    assert_eq!(*worker.upid(), next);
    worker.log("hello");
    worker.finish(Ok(()));
    std::fs::remove_file(&logs).expect("away");
    let page = tasks.log_page(&next, 0, 0).expect("page");
    assert_eq!(page.total, 2, "{page:?}");
    let mut text = String::new();
    let mut file = tasks.log_file(&next).expect("file");
    std::io::Read::read_to_string(&mut file, &mut text).expect("read");
    assert!(
        text.ends_with("TASK OK\n") && text.contains(": hello\n"),
        "{text}"
    );
    assert_eq!(tasks.ended(&next).0, TaskStatus::Ok);
}

/// The session of a token that had been deleted went on, and finished its backup.
#[test]
fn sessions_of_those_who_are_gone_are_asked_to_stop() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks = open(folder.path());
    let other: AuthId = "other@pbs!tok".parse().expect("token");
    let start = |kind: &str, id: &AuthId| tasks.start(kind, None, id).expect("start");
    let (backup, theirs) = (start("backup", &user()), start("backup", &other));
    let gc = start("garbage_collection", &user());
    tasks.abort_of_gone(&["backup", "reader"], |id| *id == other);
    assert!(backup.aborted() && !theirs.aborted() && !gc.aborted());
    let page = tasks.log_page(backup.upid(), 0, 0).expect("log");
    assert!(
        page.lines[0]
            .text
            .ends_with("'test@pbs' is disabled, expired or gone; the session ends")
    );
}

/// A task on a disk that did not answer ran for ever, whoever stopped it, and the end of the server waited for it.
#[tokio::test]
async fn a_task_that_does_not_stop_is_left_to_itself() {
    let folder = tempfile::tempdir().expect("tempdir");
    let tasks =
        Tasks::open_shared(folder.path(), "pbs", rooms(2, 2), Shortage::default()).expect("tasks");
    let (silent, answer) = std::sync::mpsc::channel::<()>();
    let (begins, begun) = std::sync::mpsc::channel();
    let (told, after) = std::sync::mpsc::channel();
    let worker = tasks.start("verify", Some("peer:x"), &user());
    let work = move |task: &Task| {
        task.log("reading");
        begins.send(()).expect("heard");
        let _ = answer.recv();
        task.warn("a word too late");
        Ok(())
    };
    let then = move |status, end| told.send((status, end)).expect("heard");
    let upid = tasks.run(worker.expect("start"), work, then).expect("runs");
    let aborted = TaskStatus::Error("task aborted".to_owned());
    begun.recv().expect("at work");

    assert!(tasks.stop(&upid, Duration::ZERO), "asked");
    assert!(
        tasks.stop(&upid, PATIENCE),
        "asked, and not long enough ago"
    );
    assert!(tasks.is_running(&upid) && after.try_recv().is_err());
    assert!(tasks.stop(&upid, Duration::ZERO));
    assert!(!tasks.is_running(&upid) && !tasks.stop(&upid, Duration::ZERO));
    assert_eq!(statuses(&tasks), ["task aborted"]);
    assert_eq!(after.try_recv().expect("what follows").0, aborted);
    // Nobody waits for it; its place and what it works on are taken.
    tasks.idle().await;
    assert_eq!((tasks.running(), *tasks.shared.threads.borrow()), (0, 1));
    assert_eq!(tasks.left(), std::slice::from_ref(&upid));
    let at = |store: &str| tasks.left_at(&store.parse().expect("name")).len();
    assert_eq!((at("peer"), at("pee")), (1, 0));
    assert!(tasks.runs_for("verify", "peer:x") && !tasks.runs_for("verify", "peer"));
    let other = tasks.start("reader", None, &user()).expect("one more");
    let refused = tasks.start("reader", None, &user());
    assert!(matches!(refused, Err(TaskError::TooMany { max: 2 })));
    drop(other);

    drop(silent);
    let mut threads = tasks.shared.threads.subscribe();
    threads.wait_for(|count| *count == 0).await.expect("ends");
    assert!(tasks.left().is_empty() && !tasks.runs_for("verify", "peer:x"));
    assert_eq!(tasks.ended(&upid).0, aborted);
    let page = tasks.log_page(&upid, 0, 0).expect("log");
    let lines = page.lines.iter().map(|line| line.text.as_str());
    let lines: Vec<_> = lines
        .filter_map(|line| Some(line.split_once(": ")?.1))
        .collect();
    let expected = [
        "reading",
        "received abort request ...",
        "it has not stopped within 0 s; what it waits for, such as a disk, may not answer",
        "it is left to itself, and goes no further when that answers",
        "TASK ERROR: task aborted",
    ];
    assert_eq!(lines, expected);
    let list = std::fs::read_to_string(folder.path().join("archive")).expect("list");
    assert_eq!(list.matches(upid.to_string().as_str()).count(), 1, "{list}");
}
