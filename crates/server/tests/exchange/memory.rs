//! The server's memory while a client pushes more than it may hold. The server runs in a process of its own, this program started again, so that what
//! the client holds is not counted.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use bytes::Bytes;

use super::bodies::{blob, digest};
use super::client::{PATIENCE, Session, received};
use super::pressure::{END_BYTES, noise, push};
use super::rig::{Rig, Wishes};

/// Tells this program to be the server.
const ROLE: &str = "STRONGROOM_TEST_SERVER";
const UPLOADS: usize = 24;
const CHUNK_BYTES: usize = 16 << 20;
/// Budget of uploads, window, two bodies and two chunks in work, and the program itself.
const RESIDENT_BYTES_MAX: u64 = 160 << 20;

/// The server's half: does nothing unless it was started by a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_server() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let rig = Rig::with(Wishes {
        app: super::flood::app(),
        ..Wishes::default()
    })
    .await;
    println!(
        "\nready|{}|{}|{}|{}|{}|{}",
        rig.addr,
        rig.auth,
        rig.backer,
        rig.stranger,
        rig.backup("memory", 1_700_000_000),
        rig.store.display(),
    );
    let wait = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    wait.await.expect("thread").expect("stdin");
}

/// A server in a process of its own.
pub struct Apart {
    process: Child,
    /// What it says is not asked for, but it must be able to say it.
    _lines: Lines<BufReader<ChildStdout>>,
    pub addr: SocketAddr,
    /// Header lines of tokens, as those of [`Rig`].
    pub auth: String,
    pub backer: String,
    pub stranger: String,
    pub target: String,
    pub store: PathBuf,
}

impl Apart {
    pub fn start() -> Apart {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "exchange::memory::as_server", "--nocapture"])
            .env(ROLE, "1")
            // What is measured is what the server holds, not how many arenas the C library keeps for its threads.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("server");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout")).lines();
        let ready = lines
            .by_ref()
            .find_map(|line| {
                let line = line.expect("text");
                line.strip_prefix("ready|").map(str::to_owned)
            })
            .expect("a server");
        let words: Vec<String> = ready.split('|').map(str::to_owned).collect();
        let [addr, auth, backer, stranger, target, store] = words.try_into().expect("words");
        Apart {
            process,
            _lines: lines,
            addr: addr.parse().expect("address"),
            auth,
            backer,
            stranger,
            target,
            store: store.into(),
        }
    }

    /// The most that it ever held.
    pub fn peak_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).expect("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("VmHWM");
        let kib = line.trim().trim_end_matches(" kB").parse::<u64>();
        kib.expect("kB") << 10
    }

    /// Ends it; it must not have held more.
    #[track_caller]
    pub fn held_at_most(mut self, bytes: u64) {
        let peak = self.peak_bytes();
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("ends").success());
        assert!(peak < bytes, "{} MiB were resident", peak >> 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stays_within_bounds() {
    let server = Apart::start();
    let session = Session::open(server.addr, &server.target, &server.auth)
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
    server.held_at_most(RESIDENT_BYTES_MAX);
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
