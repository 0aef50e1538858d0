//! How commands end (cli.md 1.5): 0 or 255, never anything else but the end by a closed pipe.
//! What needs a server is in the end-to-end tests.

use crate::run::Home;

#[test]
fn lines_and_their_status() {
    let home = Home::new();
    std::fs::write(home.path().join("f"), "x").unwrap();
    let refused = [
        ("PBS_REPOSITORY", "ann@pbs@127.0.0.1:1:store"),
        ("PBS_PASSWORD", "x"),
    ];
    let none: &[(&str, &str)] = &[];
    for (status, line, variables) in [
        // Help is no failure, not even of what there is not.
        (0, "help", none),
        (0, "help backup", none),
        (0, "help nosuch", none),
        (0, "help snap li", none),
        (0, "backup --help", none),
        (0, "key -h", none),
        (0, "printdoc", none),
        (0, "bashcomplete", none),
        (0, "version", none),
        // Without a server the client's own version is an answer.
        (0, "version", &refused),
        // The original's way with a wrong word in the environment.
        (0, "version", &[("PROXMOX_OUTPUT_FORMAT", "yaml")]),
        (
            0,
            "login --repository ann@pbs!token@127.0.0.1:1:store",
            none,
        ),
        (0, "key create k.json --kdf none", none),
        (0, "key show k.json", none),
        // Usage.
        (255, "", none),
        (255, "nosuch", none),
        (255, "key", none),
        (255, "s", none),
        (255, "list --nosuch x", none),
        (255, "list extra", none),
        (255, "list --ns", none),
        (255, "task list --limit 0", none),
        (255, "task list --limit 1001", none),
        (255, "task log UPID:x", none),
        (255, "prune", none),
        (255, "prune host/x --keep-last 0", none),
        (255, "group move host/x", none),
        (255, "group move host/x --target-ns a --merge-group", none),
        (255, "namespace move a --target-ns b --max-depth 8", none),
        (255, "namespace move --target-ns b", none),
        (255, "change-owner host/x", none),
        (255, "change-owner host/x nouser", none),
        (255, "key paperkey k.json --output-format json", none),
        (255, "backup f.conf:f --progress yaml", none),
        // Values, files, keys.
        (255, "key create k.json --kdf none", none),
        (255, "key show f", none),
        (255, "key paperkey f", none),
        (255, "key import-master-pubkey f", none),
        (255, "key show-master-pubkey", none),
        (255, "key create-master-key", none),
        (255, "key change-passphrase k.json", none),
        (255, "list", &[("PROXMOX_OUTPUT_FORMAT", "json")]),
        // Connection.
        (255, "list", &refused),
        (255, "garbage-collect", &refused),
        (255, "prune host/x", &refused),
        (
            255,
            "task log UPID:vault:0000604A:00090D53:00000002:6B032D57:backup:x:ann@pbs:",
            &refused,
        ),
        (255, "benchmark", &refused),
        (255, "group forget host/x", &refused),
        (255, "backup f.conf:f", &refused),
        (255, "restore host/x f.conf out", &refused),
        (255, "server-identity", &refused),
        // Only the client's own measurements would be left; they take seconds.
        (255, "benchmark --repository x@y@z", none),
    ] {
        let run = home.run_with(line, variables);
        assert_eq!(
            run.status,
            Some(status),
            "{line}\n{}{}",
            run.stdout,
            run.stderr
        );
        assert!(!run.stderr.contains("panicked"), "{line}\n{}", run.stderr);
    }
}

/// A reader that goes away ends a command without a word, as SIGPIPE would.
#[test]
fn closed_outputs() {
    use std::process::{Command, Stdio};
    let home = Home::new();
    assert_eq!(home.run("key create k.json --kdf none").status, Some(0));
    for line in [
        "help",
        "backup --help",
        "version --output-format json",
        "key show k.json",
        "key paperkey k.json",
        "completion bash",
        "printdoc",
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(line.split(' '))
            .env_clear()
            .env("HOME", home.path())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("the program can be started");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), text.as_str()),
            (Some(141), ""),
            "{line}"
        );
    }
}
