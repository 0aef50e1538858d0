//! The program as a user runs it, on folders of its own: words in, text and exit status out.

mod jobs;
mod moving;
mod owner;
mod shells;
mod unwritable;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A server's folders, gone with the test.
struct House(tempfile::TempDir);

struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl House {
    /// In memory where there is such a place: a new datastore takes 65536 directories.
    fn new() -> House {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        House(dir.expect("temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Said {
        said(self.command(words).output().expect("program runs"))
    }

    fn command(&self, words: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_strongroom-manager")), words)
    }

    fn command_of(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .args(words);
        command
            .arg("--config-dir")
            .arg(self.path("etc"))
            .arg("--state-dir")
            .arg(self.path("state"));
        command
    }

    /// Standard output of a command that must succeed.
    #[track_caller]
    fn ok(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, Some(0), "{words:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// Standard error of a command that must fail.
    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, Some(255), "{words:?}\n{}{}", said.out, said.err);
        said.err
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("etc").join(name)).expect("file is readable")
    }
}

/// The program for another user; none, said aloud, if he cannot run it.
fn program_for(uid: u32) -> Option<&'static Path> {
    testkit::ordinary::program_for(Path::new(env!("CARGO_BIN_EXE_strongroom-manager")), uid)
}

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
    Said {
        out: text(output.stdout),
        err: text(output.stderr),
        code: output.status.code(),
    }
}

/// `user update --password` once ended with success, and the old password stayed.
#[test]
fn a_password_is_set() {
    let house = House::new();
    let hash = || house.file("shadow.json");
    house.ok(&["user", "create", "ann@pbs", "--password", "the old one"]);
    let old = hash();
    house.ok(&["user", "update", "ann@pbs", "--comment", "x"]);
    assert_eq!(hash(), old, "nobody asked for another");
    let update = ["user", "update", "ann@pbs", "--password", "the new one"];
    assert_eq!(house.ok(&update), "");
    let stored: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&hash()).expect("shadow.json");
    for (password, holds) in [("the new one", true), ("the old one", false)] {
        let verified = config::password::verify(password.as_bytes(), &stored["ann"]);
        assert_eq!(verified.expect("hash"), holds, "{password}");
    }
    for (words, says) in [
        (
            ["user", "update", "ann@pbs", "--password", "short"],
            "'password': value must be at least 8 characters long",
        ),
        (
            ["user", "update", "bob@pbs", "--password", "long enough"],
            "no such user 'bob@pbs'",
        ),
        (
            ["user", "update", "root@pam", "--password", "long enough"],
            "passwords of realm 'pam' are not kept here, change it where the realm keeps them",
        ),
    ] {
        let err = house.refused(&words);
        assert!(err.contains(says), "{words:?}: {err}");
    }
    assert_eq!(
        serde_json::to_value(&stored).expect("json"),
        serde_json::from_str::<serde_json::Value>(&hash()).expect("json")
    );
}

#[test]
fn users_and_tokens() {
    let house = House::new();
    assert_eq!(
        house.ok(&[
            "user",
            "create",
            "ann@pbs",
            "--password",
            "long-enough",
            "--firstname",
            "Ann",
            "--expire",
            "1700000000"
        ]),
        ""
    );
    assert!(
        house
            .refused(&["user", "create", "ann@pbs"])
            .starts_with("Error: user 'ann@pbs' already exists.\n")
    );
    let short = house.refused(&["user", "create", "bob@pbs", "--password", "short"]);
    assert!(short.starts_with("Error: parameter verification failed - 'password': value must be at least 8 characters long\n"), "{short}");
    assert!(
        short.contains("Usage: strongroom-manager user create <userid> [OPTIONS]"),
        "{short}"
    );
    assert!(
        house
            .refused(&["user", "create", "bob"])
            .contains("'userid': value does not match the regex pattern")
    );
    house.ok(&[
        "user",
        "update",
        "ann@pbs",
        "--comment",
        "first",
        "--enable",
        "false",
    ]);
    let table = house.ok(&["user", "list"]);
    let expected = "\
┌──────────┬────────┬──────────────────────────┬───────────┬──────────┬───────┬───────────┐
│ userid   │ enable │                   expire │ firstname │ lastname │ email │ comment   │
╞══════════╪════════╪══════════════════════════╪═══════════╪══════════╪═══════╪═══════════╡
│ ann@pbs  │      0 │ Tue Nov 14 22:13:20 2023 │ Ann       │          │       │ first     │
├──────────┼────────┼──────────────────────────┼───────────┼──────────┼───────┼───────────┤
│ root@pam │      1 │                    never │           │          │       │ Superuser │
└──────────┴────────┴──────────────────────────┴───────────┴──────────┴───────┴───────────┘
";
    assert_eq!(table, expected);
    let json = house.ok(&["user", "list", "--output-format", "json"]);
    assert!(json.contains(r#"{"comment":"first","enable":false,"expire":1700000000,"firstname":"Ann","userid":"ann@pbs"}"#), "{json}");

    let made = house.ok(&[
        "user",
        "generate-token",
        "ann@pbs",
        "laptop",
        "--comment",
        "tok",
    ]);
    let secret = made
        .strip_prefix("Result: {\n  \"tokenid\": \"ann@pbs!laptop\",\n  \"value\": \"")
        .expect("the original's form");
    assert_eq!(secret.trim_end(), format!("{}\"\n}}", &secret[..36]));
    assert!(
        house
            .refused(&["user", "generate-token", "ann@pbs", "laptop"])
            .contains("already exists")
    );
    assert!(
        house
            .ok(&["user", "list-tokens", "ann@pbs"])
            .contains("│ ann@pbs!laptop │")
    );
    assert_eq!(house.ok(&["user", "list-tokens", "none@pbs"]), "");
    assert_eq!(house.ok(&["user", "tfa", "list", "none@pbs"]), "");
    assert_eq!(house.ok(&["user", "tfa", "list", "ann@pbs"]), "");
    house.ok(&["user", "delete-token", "ann@pbs", "laptop"]);
    assert_eq!(house.ok(&["user", "list-tokens", "ann@pbs"]), "");
    house.ok(&["user", "remove", "ann@pbs"]);
    assert!(
        house
            .refused(&["user", "remove", "ann@pbs"])
            .starts_with("Error: user 'ann@pbs' does not exist.\n")
    );
    assert!(
        house
            .refused(&["user", "update", "ann@pbs"])
            .starts_with("Error: no such user 'ann@pbs'\n")
    );
    assert_eq!(house.file("shadow.json"), "{}");
}

#[test]
fn rights() {
    let house = House::new();
    house.ok(&["user", "create", "ann@pbs"]);
    house.ok(&[
        "acl",
        "update",
        "/datastore/tank",
        "DatastoreAudit",
        "--auth-id",
        "ann@pbs",
    ]);
    house.ok(&[
        "acl",
        "update",
        "/datastore/tank/ns",
        "DatastoreBackup",
        "--auth-id",
        "ann@pbs",
        "--propagate",
        "0",
    ]);
    assert_eq!(
        house.file("acl.cfg"),
        "acl:1:/datastore/tank:ann@pbs:DatastoreAudit\nacl:0:/datastore/tank/ns:ann@pbs:DatastoreBackup\n"
    );
    let table = house.ok(&["acl", "list"]);
    assert!(
        table.contains("│ ugid    │ path               │ propagate │ roleid          │"),
        "{table}"
    );
    let json = house.ok(&["acl", "list", "--output-format", "json"]);
    assert!(json.starts_with(r#"[{"path":"/datastore/tank","propagate":true,"roleid":"DatastoreAudit","ugid":"ann@pbs","ugid_type":"user"}"#), "{json}");
    assert_eq!(
        house.ok(&["user", "permissions", "ann@pbs"]),
        "Privileges with (*) have the propagate flag set\n\nPath: /datastore/tank\n- Datastore.Audit (*)\n\nPath: /datastore/tank/ns\n- Datastore.Backup\n"
    );
    let json = house.ok(&[
        "user",
        "permissions",
        "ann@pbs",
        "--path",
        "/datastore/tank/x",
        "--output-format",
        "json",
    ]);
    assert_eq!(json, "{\"/datastore/tank/x\":{\"Datastore.Audit\":true}}\n");
    let refusals: &[(&[&str], &str)] = &[
        (
            &["acl", "update", "/", "Nope", "--auth-id", "ann@pbs"],
            "parameter verification failed - 'role': value 'Nope' is not defined in the enumeration.",
        ),
        (
            &["acl", "update", "/nope", "Admin", "--auth-id", "ann@pbs"],
            "invalid acl path '/nope'.",
        ),
        (
            &["acl", "update", "/", "Admin", "--auth-id", "none@pbs"],
            "no such user.",
        ),
        (
            &["acl", "update", "/", "Admin"],
            "missing 'userid' or 'group' parameter.",
        ),
        (
            &[
                "acl",
                "update",
                "/",
                "Admin",
                "--auth-id",
                "ann@pbs",
                "--propagate",
            ],
            "missing boolean value.",
        ),
        (
            &["user", "update", "ann@pbs", "--enable"],
            "missing boolean value.",
        ),
        (&["acl", "update", "/"], "missing argument"),
    ];
    for (words, expected) in refusals {
        let text = house.refused(words);
        assert!(text.contains(expected), "{words:?}: {text}");
    }
    house.ok(&[
        "acl",
        "update",
        "/datastore/tank",
        "DatastoreAudit",
        "--auth-id",
        "ann@pbs",
        "--delete",
    ]);
    let digest = "0".repeat(64);
    let stale = house.refused(&[
        "acl",
        "update",
        "/",
        "Admin",
        "--auth-id",
        "ann@pbs",
        "--digest",
        &digest,
    ]);
    assert!(
        stale.contains("detected modified configuration - file changed by other user? Try again."),
        "{stale}"
    );
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("path is text").to_owned()
}

#[test]
fn datastores() {
    let house = House::new();
    let tank = text_of(&house.path("tank"));
    let log = house.ok(&[
        "datastore",
        "create",
        "tank",
        &tank,
        "--comment",
        "all hosts",
        "--gc-schedule",
        "daily",
        "--keep-last",
        "3",
    ]);
    assert!(log.ends_with("TASK OK\n"), "{log}");
    assert!(house.path("tank/.chunks/ffff").is_dir());
    assert_eq!(
        house.file("datastore.cfg"),
        format!("datastore: tank\n\tcomment all hosts\n\tgc-schedule daily\n\tpath {tank}\n")
    );
    assert!(house.file("prune.cfg").starts_with("prune: default-tank-"));
    let exists = house.refused(&[
        "datastore",
        "create",
        "tank",
        &text_of(&house.path("other")),
    ]);
    assert!(
        exists.contains("parameter verification failed - 'name': datastore 'tank' already exists."),
        "{exists}"
    );
    assert!(
        house
            .refused(&["datastore", "create", "two", &format!("{tank}/below")])
            .contains("nested datastores")
    );
    assert!(
        house
            .refused(&["datastore", "create", "two", "relative"])
            .contains("must be absolute")
    );
    std::fs::create_dir(house.path("full")).expect("directory");
    std::fs::write(house.path("full/file"), "x").expect("file");
    assert!(
        house
            .refused(&["datastore", "create", "two", &text_of(&house.path("full"))])
            .contains("not empty")
    );
    assert!(!house.file("datastore.cfg").contains("two"));

    house.ok(&[
        "datastore",
        "update",
        "tank",
        "--verify-new",
        "--maintenance-mode",
        "offline,message=disk swap",
        "--delete",
        "gc-schedule",
    ]);
    let show = house.ok(&["datastore", "show", "tank", "--output-format", "json"]);
    assert_eq!(
        show,
        format!(
            "{{\"comment\":\"all hosts\",\"maintenance-mode\":\"offline,message=\\\"disk swap\\\"\",\"name\":\"tank\",\"path\":\"{tank}\",\"verify-new\":true}}\n"
        )
    );
    let view = house.ok(&["datastore", "show", "tank"]);
    let names: Vec<&str> = view
        .lines()
        .filter_map(|line| line.split('│').nth(1))
        .map(str::trim)
        .collect();
    assert_eq!(
        names,
        [
            "Name",
            "name",
            "path",
            "comment",
            "maintenance-mode",
            "verify-new"
        ]
    );
    assert!(house.ok(&["datastore", "list"]).contains("│ tank │"));
    assert!(
        house
            .refused(&["datastore", "show", "nope"])
            .starts_with("Error: no such datastore 'nope'\n")
    );
    assert!(
        house
            .refused(&["datastore", "update", "tank", "--gc-schedule", "never"])
            .contains("'gc-schedule': unable to parse calendar event")
    );
    assert!(
        house
            .refused(&["datastore", "update", "tank", "--delete", "path"])
            .contains("value 'path' is not defined in the enumeration.")
    );
    assert!(
        house
            .refused(&["datastore", "update", "tank", "--tuning", "nope=1"])
            .contains("schema does not allow additional properties.")
    );
    let offline = house.refused(&["verify", "tank"]);
    assert!(
        offline.contains("datastore 'tank' is unavailable: offline maintenance mode: disk swap"),
        "{offline}"
    );
    house.ok(&[
        "datastore",
        "update",
        "tank",
        "--delete",
        "maintenance-mode",
    ]);

    assert_eq!(
        house.ok(&["verify", "tank"]),
        "verify datastore tank\nfound 0 groups\nTASK OK\n"
    );
    let upid = house.ok(&["verify", "tank", "--output-format", "json"]);
    assert!(
        upid.starts_with("\"UPID:") && upid.contains(":verify:tank:root@pam:\""),
        "{upid}"
    );
    let archive =
        std::fs::read_to_string(house.path("state/log/tasks/archive")).expect("list of tasks");
    assert!(
        archive
            .lines()
            .any(|line| line.contains(":verify:tank:root@pam: ") && line.ends_with(" OK")),
        "{archive}"
    );
    assert!(
        archive.contains(":create-datastore:tank:root@pam: "),
        "{archive}"
    );

    let log = house.ok(&["datastore", "remove", "tank"]);
    assert!(
        log.ends_with("Removing datastore from config...\nTASK OK\n"),
        "{log}"
    );
    assert!(house.path("tank/.chunks").is_dir(), "the data stay");
    assert_eq!(
        (house.file("datastore.cfg"), house.file("prune.cfg")),
        (String::new(), String::new())
    );
    assert!(
        house
            .refused(&["datastore", "remove", "tank"])
            .starts_with("Error: datastore 'tank' does not exist.\n")
    );
    let there = house.refused(&["datastore", "create", "tank", &tank]);
    assert!(there.contains("it is a datastore already"), "{there}");
    assert!(
        there.contains("\nhint: `--reuse-datastore true` takes it over"),
        "{there}"
    );
    house.ok(&["datastore", "create", "tank", &tank, "--reuse-datastore"]);
    house.ok(&["datastore", "remove", "tank", "--destroy-data"]);
    assert!(!house.path("tank").exists(), "the data are gone");
}

#[test]
fn the_certificate() {
    let house = House::new();
    assert!(
        house
            .refused(&["cert", "info"])
            .contains("there is no certificate")
    );
    house.ok(&["cert", "update"]);
    let first = house.ok(&["cert", "info"]);
    assert!(
        first.starts_with("Subject: O = Strongroom, OU = "),
        "{first}"
    );
    assert!(
        first.contains("\n    IP:[127, 0, 0, 1]\n") && first.contains("\n    DNS:localhost\n"),
        "{first}"
    );
    assert!(
        first
            .lines()
            .any(|line| line.starts_with("    Not Before: ") && line.ends_with(" GMT")),
        "{first}"
    );
    assert!(
        first.lines().any(|line| line
            .strip_prefix("Fingerprint (sha256): ")
            .is_some_and(|print| print.len() == 95)),
        "{first}"
    );
    assert!(
        first.ends_with("Public key type: id-ecPublicKey\nPublic key bits: 256\n"),
        "{first}"
    );
    house.ok(&["cert", "update"]);
    assert_eq!(house.ok(&["cert", "info"]), first, "what is there stays");
    house.ok(&["cert", "update", "--force"]);
    assert_ne!(house.ok(&["cert", "info"]), first);
}

#[test]
fn grammar_and_defaults() {
    let house = House::new();
    assert!(
        house
            .refused(&["dat", "sh", "nope"])
            .contains("no such datastore 'nope'"),
        "names may be shortened"
    );
    assert!(
        house
            .refused(&["user", "li"])
            .starts_with("Error: no such command 'li'\n"),
        "but not to two meanings"
    );
    // What was wrong once stood above 160 lines of usage only.
    for (words, near) in [
        (&["datstore", "list"][..], "`datastore`"),
        (&["datastore", "lst"], "`datastore list`"),
        (&["unmount"], "`datastore unmount`"),
        (&["user", "li"], "`user list` or `user list-tokens`"),
    ] {
        let err = house.refused(words);
        let hint = format!("hint: did you mean {near}?\n");
        assert!(err.ends_with(&hint), "{words:?}: {err}");
        assert!(err.starts_with("Error: no such command '"), "{err}");
    }
    let whole = house.refused(&["datstore"]);
    let again = "\nError: no such command 'datstore'\nhint: ";
    assert!(whole.contains(again), "{whole}");
    let version = concat!("strongroom-manager ", env!("CARGO_PKG_VERSION"), "\n");
    for word in ["--version", "-V"] {
        assert_eq!(house.ok(&[word]), version);
    }
    // There is no server whose address it could tell; once it told that of nobody.
    let report = house.ok(&["report"]);
    assert!(
        report.contains("listens on:   no server is running\n"),
        "{report}"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom-manager"));
    let config = house.path("xdg");
    command
        .env_clear()
        .env("XDG_CONFIG_HOME", &config)
        .env("XDG_STATE_HOME", &config)
        .args(["user", "list", "--output-format", "json"]);
    command.arg("--config-dir").arg(house.path("etc"));
    assert_eq!(
        said(command.output().expect("program runs")).out,
        "[{\"comment\":\"Superuser\",\"userid\":\"root@pam\"}]\n"
    );
    let broken = house.path("etc").join("user.cfg");
    std::fs::write(&broken, "# a comment\n").expect("file");
    assert!(
        house
            .refused(&["user", "list"])
            .starts_with("Error: parsing \"user.cfg\" failed: line 1 - ")
    );
}

/// Times and speeds differ from run to run.
fn without_numbers(line: &str) -> String {
    match (line.find("verified "), line.find(" (")) {
        (Some(start), Some(end)) => format!("{}{}", &line[..start], &line[end..]),
        _ => line.to_owned(),
    }
}

#[test]
fn the_originals_datastore_verifies_in_the_originals_words() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let fixtures = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    if !fixtures.is_dir() {
        eprintln!("skipped: no fixtures at {}", fixtures.display());
        return;
    }
    let house = House::new();
    copy(&fixtures.join("datastore"), &house.path("peer"));
    std::fs::create_dir(house.path("etc")).expect("directory");
    let path = text_of(&house.path("peer"));
    let settings = format!("datastore: peer\n\tpath {path}\n");
    std::fs::write(house.path("etc/datastore.cfg"), settings).expect("file");
    let log = house.ok(&["verify", "peer"]);
    let theirs = std::fs::read_to_string(fixtures.join("server-state/task-log-verify.txt"))
        .expect("fixture is readable");
    let theirs: Vec<String> = theirs
        .lines()
        .map(|line| without_numbers(&line[27..]))
        .collect();
    let ours: Vec<String> = log.lines().map(without_numbers).collect();
    assert_eq!(ours, theirs);
    assert!(
        house
            .ok(&["verify", "peer"])
            .contains("(recently verified)")
    );

    let chunk = plain_chunk(&house.path("peer/.chunks"));
    std::fs::write(&chunk, b"damaged").expect("file");
    let said = house.run(&["verify", "peer", "--ignore-verified", "false"]);
    assert_eq!(said.code, Some(255));
    assert!(
        said.out
            .ends_with("TASK ERROR: verification failed - please check the log for details\n"),
        "{}",
        said.out
    );
    assert!(
        said.err
            .starts_with("Error: task failed (status verification failed"),
        "{}",
        said.err
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("directory");
    for entry in std::fs::read_dir(from).expect("directory") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}

/// The one chunk of the archive in `host/plain`.
fn plain_chunk(chunks: &Path) -> PathBuf {
    let wanted = "2f310f7fdb75b79e4a1404a6e316a0e5ebd37fd5e832d43eec34203677cc21d2";
    let path = chunks.join(&wanted[..4]).join(wanted);
    assert!(path.is_file(), "{}", path.display());
    path
}

/// An interrupt killed the process in the middle: the task stayed in the list as running until the next start, and half a datastore stayed.
#[test]
fn an_interrupt_stops_the_task_and_leaves_nothing_half_made() {
    use std::io::BufRead as _;
    let house = House::new();
    let tank = house.path("tank");
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom-manager"))
        .args(["datastore", "create", "tank"])
        .arg(&tank)
        .args(["--output-format", "json", "--config-dir"])
        .arg(house.path("etc"))
        .arg("--state-dir")
        .arg(house.path("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("program runs");
    let mut upid = String::new();
    // Told before the work begins, which makes 65536 directories.
    std::io::BufReader::new(child.stdout.take().expect("piped"))
        .read_line(&mut upid)
        .expect("line");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signal");
    let said = said(child.wait_with_output().expect("ends"));
    assert_eq!(said.code, Some(255), "{}", said.err);
    assert!(said.err.contains("task aborted"), "{}", said.err);
    let tasks = house.path("state").join("log/tasks");
    let read = |name: &str| std::fs::read_to_string(tasks.join(name)).expect("list");
    assert_eq!(read("active"), "");
    assert!(
        read("archive").ends_with("task aborted\n"),
        "{}",
        read("archive")
    );
    assert!(!tank.exists(), "nothing is left");
    house.ok(&["datastore", "create", "tank", tank.to_str().expect("text")]);
}
