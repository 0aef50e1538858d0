//! Wrong lines: the original's first line, status 255, nothing on standard output.

use crate::run::Home;

#[test]
fn wrong_lines() {
    let verification =
        |name: &str, text: &str| format!("parameter verification failed - '{name}': {text}");
    let cases = [
        ("", "no command specified.".into()),
        ("nosuch", "no such command 'nosuch'".into()),
        ("--repository x list", "no such command '--repository'".into()),
        ("list", "unable to get (default) repository".into()),
        ("list --nope x", verification("nope", "schema does not allow additional properties.")),
        ("list --output-format yaml", verification("output-format", "value 'yaml' is not defined in the enumeration.")),
        ("status --ns x", verification("ns", "schema does not allow additional properties.")),
        ("login --output-format json", verification("output-format", "schema does not allow additional properties.")),
        ("snapshots nogroup", verification("group", "unable to parse backup group path 'nogroup'")),
        ("files host/x", verification("snapshot", "unable to parse backup snapshot path 'host/x'")),
        ("files", verification("snapshot", "missing argument")),
        ("snapshot protected update host/x/2023-11-14T22:13:20Z maybe", verification("protected", "Unable to parse boolean option.")),
        ("namespace create", "root namespace is always present".into()),
        (
            "list --repository a-store --datastore b-store",
            "--repository and --server/--port/--datastore/--auth-id are mutually exclusive".into(),
        ),
        ("list --server vault", "--datastore is required when not using --repository".into()),
        ("list --repository x@y@z", "unable to parse repository url".into()),
        ("list --repository ann@pbs!tok@localhost:store", "API token secret must be provided!".into()),
        (
            "list --repository localhost:store",
            "error building client for repository localhost:store - no password input mechanism available".into(),
        ),
        ("key create k.json --hint x --kdf none", "password hint not allowed for Kdf::None".into()),
        ("key create", "unable to read passphrase - no tty".into()),
        ("key show nofile.json", "unable to read key from 'nofile.json' - No such file or directory (os error 2)".into()),
        ("key show", "no encryption key file specified and no default file found".into()),
        ("key change-passphrase", "no encryption key file specified and no default file found".into()),
    ];
    let home = Home::new();
    for (line, expected) in cases {
        let run = home.run(line);
        let error = run
            .stderr
            .lines()
            .find(|line| line.starts_with("Error: "))
            .unwrap_or_default();
        assert!(
            error.starts_with(&format!("Error: {expected}")),
            "{line}: {}",
            run.stderr
        );
        assert_eq!((run.status, run.stdout.as_str()), (Some(255), ""), "{line}");
    }
}

/// Whoever has a default key wants his data encrypted; that it cannot be read must not end in plain data.
#[test]
fn a_default_key_out_of_reach_ends_the_backup() {
    let home = Home::new();
    std::fs::write(home.path().join("f"), "x").unwrap();
    let key = home
        .path()
        .join(".config/proxmox-backup/encryption-key.json");
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nonexistent/key.json", &key).unwrap();
    let line = "backup a.conf:f --repository localhost:1:store --backup-id x";
    let variables = &[("PBS_PASSWORD", "x")];
    let run = home.run_with(line, variables);
    let text = format!("Error: unable to read key from '{}' - ", key.display());
    assert!(run.stderr.contains(&text), "{}", run.stderr);
    assert!(run.stderr.contains("--crypt-mode none"), "{}", run.stderr);
    assert_eq!(run.status, Some(255));
    // Without encryption being asked for it is of no concern.
    let run = home.run_with(&format!("{line} --crypt-mode none"), variables);
    assert!(
        run.stderr.contains("error trying to connect"),
        "{}",
        run.stderr
    );
}

#[test]
fn backups_are_refused_before_a_connection() {
    let home = Home::new();
    std::fs::write(home.path().join("f"), "x").unwrap();
    std::fs::create_dir(home.path().join("d")).unwrap();
    let cases = [
        (
            "backup",
            "parameter verification failed - 'backupspec': missing argument",
        ),
        (
            "backup root.foo:tree",
            "parameter verification failed - 'backupspec': value does not match the regex pattern",
        ),
        (
            "backup root.pxar:/nonexistent",
            "unable to access '/nonexistent' - No such file or directory (os error 2)",
        ),
        ("backup a.pxar:d a.pxar:d", "got target twice: 'a.pxar'"),
        // Before any source is looked at, and before a connection is made.
        ("backup a.pxar:x a.pxar:y", "got target twice: 'a.pxar'"),
        (
            "backup a.pxar:d --chunk-size 65",
            "Got unsupported chunk size '66560'",
        ),
        (
            "backup a.pxar:f",
            "got unexpected file type for 'f' (expected a directory)",
        ),
        (
            "backup a.img:d",
            "got unexpected file type for 'd' (expected a file or block device)",
        ),
        (
            "backup a.pxar:d --change-detection-mode fast",
            "parameter verification failed - 'change-detection-mode': value 'fast' is not defined in the enumeration.",
        ),
        (
            "backup a.pxar:d --chunk-size 100",
            "Got unsupported chunk size '102400'",
        ),
        (
            "backup a.pxar:d --chunk-size 32",
            "parameter verification failed - 'chunk-size': value must have a minimum value of 64 (got 32)",
        ),
        (
            "backup a.pxar:d --backup-time 0",
            "parameter verification failed - 'backup-time': value must have a minimum value of 1 (got 0)",
        ),
        (
            "backup a.pxar:d --rate fast",
            "parameter verification failed - 'rate': byte-size parse error for 'fast': ",
        ),
        (
            "backup a.pxar:d --all-file-systems --include-dev /",
            "option 'all-file-systems' already includes 'include-dev'",
        ),
        (
            "backup a.pxar:d --keyfile k --keyfd 3",
            "--keyfile and --keyfd are mutually exclusive",
        ),
        (
            "backup a.pxar:d --crypt-mode none --keyfile k",
            "--keyfile/--keyfd and --crypt-mode=none are mutually exclusive",
        ),
        (
            "backup a.pxar:d --crypt-mode encrypt",
            "--crypt-mode without --keyfile and no default key file available",
        ),
        (
            "backup a.pxar:d --keyfile nokey",
            "unable to read key from 'nokey' - No such file or directory (os error 2)",
        ),
        (
            "backup a.pxar:d --keyfd 77",
            "unable to read key from file descriptor 77 - Bad file descriptor (os error 9)",
        ),
        ("backup a.pxar:d --keyfile f", "cannot use the key from 'f'"),
        ("backup a.pxar:d --exclude [", "invalid exclude pattern '['"),
    ];
    let repository = [
        ("PBS_REPOSITORY", "ann@pbs@127.0.0.1:1:store"),
        ("PBS_PASSWORD", "x"),
    ];
    for (line, expected) in cases {
        let run = home.run_with(line, &repository);
        let error = run
            .stderr
            .lines()
            .find(|line| line.starts_with("Error: "))
            .unwrap_or_default();
        assert!(
            error.starts_with(&format!("Error: {expected}")),
            "{line}: {}",
            run.stderr
        );
        assert_eq!((run.status, run.stdout.as_str()), (Some(255), ""), "{line}");
    }
}

#[test]
fn restores_are_refused_before_a_connection() {
    let home = Home::new();
    std::fs::write(home.path().join("f"), "x").unwrap();
    let cases = [
        ("restore host/x", "parameter verification failed:"),
        (
            "restore nothing root.pxar d",
            "parameter verification failed - 'snapshot': unable to parse backup group or snapshot path 'nothing'",
        ),
        ("restore host/x root d", "'root' does not name an archive"),
        (
            "restore host/x disk.img f",
            "unable to create target file \"f\" - File exists (os error 17)",
        ),
        (
            "restore host/x app.conf f",
            "unable to create target file \"f\" - File exists (os error 17)",
        ),
        (
            "restore host/x root.pxar - --pattern x",
            "--pattern cannot be used when restoring to standard output",
        ),
        (
            "restore host/x root.pxar d --pattern [",
            "invalid pattern '['",
        ),
        (
            "restore host/x root.pxar d --overwrite maybe",
            "got additional arguments: [\"maybe\"]",
        ),
        (
            "catalog dump",
            "parameter verification failed - 'snapshot': missing argument",
        ),
        (
            "catalog dump host/x --crypt-mode none",
            "parameter verification failed - 'crypt-mode': schema does not allow additional properties.",
        ),
    ];
    let repository = [
        ("PBS_REPOSITORY", "ann@pbs@127.0.0.1:1:store"),
        ("PBS_PASSWORD", "x"),
    ];
    for (line, expected) in cases {
        let run = home.run_with(line, &repository);
        assert!(
            run.stderr.starts_with(&format!("Error: {expected}")),
            "{line}: {}",
            run.stderr
        );
        assert_eq!((run.status, run.stdout.as_str()), (Some(255), ""), "{line}");
    }
}

#[test]
fn every_error_says_what_next() {
    let home = Home::new();
    for line in [
        "list",
        "key show",
        "list --repository localhost:store",
        "namespace delete",
    ] {
        let run = home.run(line);
        assert!(run.stderr.contains("\nhint: "), "{line}: {}", run.stderr);
    }
}

#[test]
fn a_server_that_is_not_there() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let home = Home::new();
    let repository = format!("ann@pbs@127.0.0.1:{port}:store");
    let variables = [
        ("PBS_REPOSITORY", repository.as_str()),
        ("PBS_PASSWORD", "x"),
    ];
    let run = home.run_with("list", &variables);
    let expected = format!(
        "Error: error trying to connect: error connecting to https://127.0.0.1:{port}/ - Connection refused (os error 111)\n\
         hint: is the server running, and is the port reachable?\n"
    );
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (Some(255), "", expected.as_str())
    );
    // Only `version` does without it.
    let run = home.run_with("version", &variables);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "client version: 4.2.3\n"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("Connection refused"), "{}", run.stderr);
}

#[test]
fn formats_and_levels_from_the_environment() {
    let home = Home::new();
    let run = home.run_with("version", &[("PROXMOX_OUTPUT_FORMAT", "json")]);
    assert!(
        run.stdout
            .starts_with("{\"client\":{\"release\":\"3\",\"repoid\":"),
        "{}",
        run.stdout
    );
    let run = home.run_with("version", &[("PROXMOX_OUTPUT_FORMAT", "yaml")]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (Some(0), "undefined output format 'yaml'\n")
    );
    let run = home.run_with(
        "version --output-format text",
        &[("PROXMOX_OUTPUT_FORMAT", "yaml")],
    );
    assert_eq!(run.stdout, "client version: 4.2.3\n");
    let run = home.run_with("version", &[("PBS_LOG", "bogus=[")]);
    assert!(
        run.stderr
            .starts_with("env variable PBS_LOG found, but parsing failed: "),
        "{}",
        run.stderr
    );
    assert_eq!(run.status, Some(0));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .arg("version")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(closed_pipe())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), stderr.as_str()),
        (Some(141), "")
    );
}

/// The writing end of a pipe whose reader is gone.
fn closed_pipe() -> std::process::Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}
