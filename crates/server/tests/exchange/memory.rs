//! The server's memory while a client pushes more than it may hold. The server runs in a process of its own, this program started again, so that what
//! the client holds is not counted.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;

use super::bodies::{blob, digest};
use super::client::{PATIENCE, Session, received};
use super::pressure::{END_BYTES, noise, push};
use super::rig::Rig;

/// Tells this program to be the server.
const ROLE: &str = "STRONGROOM_TEST_SERVER";
const UPLOADS: usize = 24;
const CHUNK_BYTES: usize = 16 << 20;
/// Budget of uploads, window, two bodies and two chunks in work, and the program itself.
const RESIDENT_BYTES_MAX: u64 = 160 << 20;

/// The server's half: does nothing unless it was started by the test below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_server() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let rig = Rig::start().await;
    println!(
        "\nready|{}|{}|{}",
        rig.addr,
        rig.auth,
        rig.backup("memory", 1_700_000_000)
    );
    let wait = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    wait.await.expect("thread").expect("stdin");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stays_within_bounds() {
    let mut server = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "exchange::memory::as_server", "--nocapture"])
        .env(ROLE, "1")
        // What is measured is what the server holds, not how many arenas the C library keeps for its threads.
        .env("MALLOC_ARENA_MAX", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("server");
    let mut lines = BufReader::new(server.stdout.take().expect("stdout")).lines();
    let ready = lines
        .find_map(|line| {
            line.expect("text")
                .strip_prefix("ready|")
                .map(str::to_owned)
        })
        .expect("a server");
    let [addr, auth, target] = ready
        .split('|')
        .collect::<Vec<_>>()
        .try_into()
        .expect("three words");
    let session = Session::open(addr.parse().expect("address"), target, auth)
        .await
        .expect("opened");
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    upload(&session).await;
    let peak = peak_bytes(&server);
    drop(server.stdin.take());
    assert!(server.wait().expect("ends").success());
    assert!(
        peak < RESIDENT_BYTES_MAX,
        "{} MiB were resident",
        peak >> 20
    );
}

/// All beginnings, then all ends: the order in which the server must hold most.
async fn upload(session: &Session) {
    let data = noise(0, CHUNK_BYTES);
    let (name, encoded) = (digest(&data), Bytes::from(blob(&data)));
    let target = format!(
        "/dynamic_chunk?wid=1&digest={name}&size={CHUNK_BYTES}&encoded-size={}",
        encoded.len()
    );
    let mut open = Vec::new();
    for _ in 0..UPLOADS {
        open.push(session.begin("POST", &target, None, false).await);
    }
    for (_, body) in &mut open {
        let beginning = encoded.slice(..encoded.len() - END_BYTES);
        tokio::time::timeout(PATIENCE, push(body, beginning))
            .await
            .expect("the window stays closed");
    }
    for (_, body) in &mut open {
        body.send_data(encoded.slice(encoded.len() - END_BYTES..), true)
            .expect("send");
    }
    for (answer, _) in open {
        let answer = tokio::time::timeout(PATIENCE, received(answer))
            .await
            .expect("the server is stuck")
            .expect("answer");
        assert_eq!(answer.data(), name);
    }
}

fn peak_bytes(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("VmHWM");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("kB")
        << 10
}
