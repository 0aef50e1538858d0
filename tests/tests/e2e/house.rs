//! A server of its own for each test: real binaries, a temp folder, a free port, a user with all rights and one datastore `main`.
//!
//! The binaries are built once per run with the profile of the test itself. Everything ends with the test: `House` kills its server when dropped.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub const USER: &str = "admin@pbs";
pub const PASSWORD: &str = "correct horse";

/// Folder of the binaries under test.
pub fn bin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let exe = std::env::current_exe().expect("own path");
        // target/<profile>/deps/e2e-<hash>
        let dir = exe.ancestors().nth(2).expect("target folder").to_path_buf();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(workspace())
            .args(["build", "--workspace", "--bins", "--locked"]);
        if dir.file_name() == Some(OsStr::new("release")) {
            cargo.arg("--release");
        }
        let status = cargo.status().expect("cargo runs");
        assert!(status.success(), "the binaries under test do not build");
        dir
    })
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("workspace root")
        .to_path_buf()
}

/// The original's fixtures, or `None` (said on stderr) where they are absent.
pub fn fixtures() -> Option<PathBuf> {
    let dir = std::env::var_os("STRONGROOM_FIXTURES")
        .map(PathBuf::from)
        .unwrap_or_else(|| workspace().join("../shared/fixtures"));
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!(
        "skipped: no fixtures at {} (set STRONGROOM_FIXTURES)",
        dir.display()
    );
    None
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What one command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub raw: Vec<u8>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said::of(output)
    }
}

impl Said {
    pub fn of(output: Output) -> Said {
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            raw: output.stdout,
        }
    }

    #[track_caller]
    pub fn ok(self) -> Said {
        assert_eq!(
            self.code,
            Some(0),
            "stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }

    /// Failed with the original's status, and each of `words` stands in the message.
    #[track_caller]
    pub fn refused(self, words: &[&str]) -> Said {
        assert_eq!(
            self.code,
            Some(255),
            "stdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        for word in words {
            assert!(
                self.err.to_lowercase().contains(&word.to_lowercase()),
                "`{word}` is not in the message:\n{}",
                self.err
            );
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

pub struct House {
    pub dir: tempfile::TempDir,
    pub env: BTreeMap<String, String>,
    server: Option<Child>,
    pub address: String,
    pub fingerprint: String,
}

impl House {
    /// User, rights, datastore, running server.
    pub fn new() -> House {
        let mut house = House::empty();
        house
            .manager(&["user", "create", USER, "--password", PASSWORD])
            .ok();
        house
            .manager(&["acl", "update", "/", "Admin", "--auth-id", USER])
            .ok();
        let store = house.path("main");
        house
            .manager(&[
                "datastore",
                "create",
                "main",
                store.to_str().expect("utf-8"),
            ])
            .ok();
        house.start();
        house
    }

    /// Folders only; nothing configured, nothing running.
    pub fn empty() -> House {
        // A datastore has 65,536 folders. Some file systems need a quarter of a minute to make them, memory a second.
        let place =
            std::env::var_os("STRONGROOM_E2E_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let dir = tempfile::Builder::new()
            .prefix("strongroom-e2e-")
            .tempdir_in(place)
            .expect("temp folder");
        for name in ["home", "run", "config", "state"] {
            fs::create_dir(dir.path().join(name)).expect("folder");
        }
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir.path().join("run"), fs::Permissions::from_mode(0o700))
            .expect("mode");
        let text = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let env = BTreeMap::from([
            ("HOME".into(), text("home")),
            ("XDG_RUNTIME_DIR".into(), text("run")),
            ("PATH".into(), std::env::var("PATH").unwrap_or_default()),
            ("PBS_PASSWORD".into(), PASSWORD.into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
            ("TZ".into(), "UTC".into()),
        ]);
        House {
            dir,
            env,
            server: None,
            address: String::new(),
            fingerprint: String::new(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn dirs(&self) -> Vec<String> {
        ["--config-dir", "config", "--state-dir", "state"]
            .chunks(2)
            .flat_map(|pair| {
                [
                    pair[0].to_string(),
                    self.path(pair[1]).to_string_lossy().into_owned(),
                ]
            })
            .collect()
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(bin_dir().join(program));
        command
            .env_clear()
            .envs(&self.env)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    pub fn manager(&self, words: &[&str]) -> Said {
        let mut command = self.command("strongroom-manager");
        Said::of(
            command
                .args(words)
                .args(self.dirs())
                .output()
                .expect("strongroom-manager runs"),
        )
    }

    pub fn repository(&self) -> String {
        format!("{USER}@{}:main", self.address)
    }

    pub fn client_command(&self, words: &[&str]) -> Command {
        let mut command = self.command("strongroom");
        command.args(words);
        // Keys are no server's business; their commands know no repository.
        if words.first() != Some(&"key") && !words.contains(&"--repository") {
            command.args(["--repository", &self.repository()]);
        }
        command
    }

    pub fn client(&self, words: &[&str]) -> Said {
        Said::of(
            self.client_command(words)
                .output()
                .expect("strongroom runs"),
        )
    }

    /// Starts the server and waits until it has told its address and fingerprint.
    pub fn start(&mut self) {
        let listen = if self.address.is_empty() {
            "127.0.0.1:0".to_string()
        } else {
            self.address.clone()
        };
        let log = fs::File::create(self.path("server.err")).expect("log");
        let mut child = self
            .command("strongroomd")
            .args(self.dirs())
            .args(["--listen", &listen])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("strongroomd runs");
        let out = child.stdout.take().expect("piped");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    // keep reading so that the server never blocks on a full pipe
                }
            }
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        let (mut address, mut fingerprint) = (None, None);
        while address.is_none() || fingerprint.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = told.recv_timeout(left).unwrap_or_else(|_| {
                panic!(
                    "the server did not start:\n{}",
                    fs::read_to_string(self.path("server.err")).unwrap_or_default()
                )
            });
            for word in line.split_whitespace() {
                let word = word
                    .trim_start_matches("https://")
                    .trim_end_matches(['/', ',', '.']);
                if word.starts_with("127.0.0.1:") {
                    address = Some(word.to_string());
                }
                if word.len() == 95 && word.split(':').count() == 32 {
                    fingerprint = Some(word.to_string());
                }
            }
        }
        self.server = Some(child);
        self.address = address.expect("told");
        self.fingerprint = fingerprint.expect("told");
        self.env
            .insert("PBS_FINGERPRINT".into(), self.fingerprint.clone());
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.server.take() {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    /// Most memory that the running server ever had.
    pub fn server_peak_kib(&self) -> u64 {
        let child = self.server.as_ref().expect("running");
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("a line of the peak");
        let number = line.split_whitespace().next().expect("a number");
        number.parse().expect("a number")
    }

    /// Asks politely and says how the server ended.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.server.take().expect("running");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
        child.wait().expect("wait").code()
    }

    /// Newest snapshot of `host/<id>` as text.
    pub fn newest(&self, id: &str) -> String {
        let list = self
            .client(&[
                "snapshot",
                "list",
                &format!("host/{id}"),
                "--output-format",
                "json",
            ])
            .ok()
            .json();
        let newest = list
            .as_array()
            .expect("list")
            .iter()
            .filter(|s| s["size"].is_u64())
            .map(|s| s["backup-time"].as_i64().expect("time"))
            .max()
            .unwrap_or_else(|| panic!("host/{id} has no finished snapshot"));
        snapshot_name(id, newest)
    }

    /// (worker type, status) of all finished tasks, from the task archive on disk (protocol.md 7.3).
    pub fn tasks(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        find_named(self.dir.path(), "archive", &mut files);
        find_named(self.dir.path(), "active", &mut files);
        let mut out = Vec::new();
        for line in files
            .iter()
            .filter_map(|f| fs::read_to_string(f).ok())
            .flat_map(|t| t.lines().map(str::to_string).collect::<Vec<_>>())
        {
            let mut parts = line.splitn(3, ' ');
            let upid = parts.next().unwrap_or_default().to_string();
            let status = parts.nth(1).unwrap_or_default().to_string();
            out.push((
                upid.split(':').nth(6).unwrap_or_default().to_string(),
                status,
            ));
        }
        out
    }

    /// Waits (bounded) until `what` holds; for things that the server does after a connection broke.
    #[track_caller]
    pub fn eventually(&self, what: &str, holds: impl Fn(&House) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < deadline, "never came true: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn find_named(dir: &Path, name: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name() == ".chunks" {
            continue;
        }
        if path.is_dir() {
            find_named(&path, name, out);
        } else if entry.file_name() == name && dir.file_name() == Some(OsStr::new("tasks")) {
            out.push(path);
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("server.err")).unwrap_or_default();
            eprintln!(
                "--- server's stderr (last 4000 bytes)\n{}",
                &log[log.len().saturating_sub(4000)..]
            );
        }
    }
}

/// `host/<id>/<time>` from Unix seconds.
pub fn snapshot_name(id: &str, time: i64) -> String {
    let days = time.div_euclid(86400);
    let second = time.rem_euclid(86400);
    // civil date from days since 1970 (Howard Hinnant's public-domain formula)
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!(
        "host/{id}/{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Bytes that do not compress and do not repeat, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}

/// All chunk files of a datastore.
pub fn chunks(store: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for dir in fs::read_dir(store.join(".chunks"))
        .expect(".chunks")
        .flatten()
    {
        for file in fs::read_dir(dir.path()).expect("chunk folder").flatten() {
            out.push(file.path());
        }
    }
    out.sort();
    out
}
