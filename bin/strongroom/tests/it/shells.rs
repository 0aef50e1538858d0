//! What shells and manuals get: completion without a server, scripts, pages, and the whole synopsis.

use std::process::Command;

use crate::run::Home;

fn candidates(home: &Home, line: &str, variables: &[(&str, &str)]) -> String {
    let mut all = vec![("COMP_LINE", line)];
    all.extend_from_slice(variables);
    // bash adds three words of its own.
    let run = home.run_with("bashcomplete strongroom --ns list", &all);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{line}");
    run.stdout.lines().collect::<Vec<_>>().join(" ")
}

#[test]
fn candidates_without_a_server() {
    let home = Home::new();
    std::fs::write(home.path().join("k.json"), "").unwrap();
    std::fs::create_dir(home.path().join("keys")).unwrap();
    let cache = home.path().join(".cache/proxmox-backup");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join("repo-list"), r#"{"ann@pbs@vault:8007:tank":3}"#).unwrap();
    for (line, point, expected) in [
        ("strongroom ser", "14", "server-identity"),
        ("strongroom key show k", "21", "k.json keys/"),
        // Only what stands before the cursor counts.
        ("strongroom key show k", "16", "show show-master-pubkey"),
        (
            "strongroom list --repository ann",
            "99",
            "ann@pbs@vault:8007:tank",
        ),
        (
            "strongroom backup --chunk-size ",
            "99",
            "64 128 256 512 1024 2048 4096",
        ),
        ("strongroom backup ", "99", "root.pxar:/ etc.pxar:/etc"),
        (
            "strongroom snapshots --output-format=j",
            "99",
            "json json-pretty",
        ),
        // Nobody is asked for a password, and no error is shown.
        ("strongroom change-owner ", "99", ""),
        ("strongroom completion ", "99", "bash zsh fish"),
    ] {
        let found = candidates(
            &home,
            line,
            &[
                ("COMP_POINT", point),
                ("PBS_REPOSITORY", "127.0.0.1:1:tank"),
            ],
        );
        assert_eq!(found, expected, "{line}");
    }
    assert_eq!(home.run("bashcomplete").status, Some(0));
}

#[test]
fn scripts_know_the_name_they_are_for() {
    let home = Home::new();
    for (shell, line) in [
        ("bash", "complete -C 'strongroom bashcomplete' strongroom"),
        ("zsh", "#compdef strongroom"),
        (
            "fish",
            "complete -c strongroom -f -a '(__strongroom_complete)'",
        ),
    ] {
        let run = home.run(&format!("completion {shell}"));
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(
            run.stdout.lines().any(|found| found == line),
            "{shell}: {}",
            run.stdout
        );
    }
}

/// In a bash of its own: the script is sourced, then bash itself makes the candidates.
#[test]
fn bash_takes_the_script() {
    let home = Home::new();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_strongroom"))
        .parent()
        .unwrap();
    let script = "source <(strongroom completion bash) && complete -p strongroom && [[ $COMP_WORDBREAKS != *:* ]]";
    let output = Command::new("bash")
        .args(["--norc", "-c", script])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: no bash");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "complete -C 'strongroom bashcomplete' strongroom\n"
    );
}

/// Runs a script of a shell that may be missing here, with our program in its path; what it printed.
fn in_shell(home: &Home, shell: &str, words: &[&str]) -> Option<String> {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_strongroom"));
    let folder = folder.parent().expect("a folder").display();
    // A shell that waits for what never comes is a failure, and no test that never ends.
    let output = Command::new("timeout")
        .args(["60", shell])
        .args(words)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .output()
        .expect("timeout of coreutils");
    // `timeout` finds no such program.
    if output.status.code() == Some(127) {
        eprintln!("skipped: no {shell}");
        return None;
    }
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{shell}: {out}{err}");
    Some(out)
}

/// In a fish of its own: the script is sourced, then fish makes the candidates itself.
#[test]
fn fish_takes_the_script() {
    let home = Home::new();
    let script = r#"strongroom completion fish | source
        complete -C "strongroom snap"
        complete -C "strongroom snapshot no"
        complete -C "strongroom status --output-format json-"
        complete -C "strongroom status --output-format=json-"
        complete -C "strongroom restore --overwrite-f""#;
    if let Some(out) = in_shell(&home, "fish", &["--no-config", "-c", script]) {
        assert_eq!(
            out,
            "snapshot\nnotes\njson-pretty\n--output-format=json-pretty\n--overwrite-files\n"
        );
    }
}

/// On a terminal of its own: zsh loads the script as a function of its completion and completes what is typed.
#[test]
fn zsh_takes_the_script() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("functions/inner")).expect("folders");
    let script = r#"
        strongroom completion zsh > functions/_strongroom
        zmodload zsh/zpty
        zpty shell zsh -f -i
        type() { zpty -w -n shell "$1" }
        await() { local seen; zpty -r -m shell seen "*$1*" || exit 3; print -r -- "${(q)1}" }
        type $'PS1=re""ady; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -d dump\n'
        await ready
        type $'strongroom snapsho\t'
        await 'snapshot '
        type $'\x15strongroom snapshot not\t'
        await 'notes '
        type $'\x15strongroom status --output-format json-\t'
        await 'json-pretty '
        type $'\x15strongroom status --output-format=json-\t'
        await 'json-pretty '
        # What goes on has no blank behind it. Only what is new is drawn.
        type $'\x15strongroom key show func\t'
        await tions/
        type $'inn\t'
        await er/
        zpty -d shell"#;
    if let Some(out) = in_shell(&home, "zsh", &["-f", "-c", script]) {
        assert_eq!(out.lines().count(), 7, "{out}");
    }
}

#[test]
fn manual_pages_for_every_command() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("man")).unwrap();
    let run = home.run("man man");
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let page = |name: &str| {
        let text = std::fs::read_to_string(home.path().join("man").join(name));
        text.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert!(page("strongroom.1").contains("strongroom\\-backup(1)"));
    for (name, word) in [
        ("strongroom-backup.1", "\\-\\-backup\\-id"),
        ("strongroom-snapshot-notes-update.1", "notes"),
        (
            "strongroom-key-paperkey.1",
            ".SH EXAMPLES\n.nf\nstrongroom key",
        ),
    ] {
        assert!(page(name).contains(word), "{name}:\n{}", page(name));
    }
    let backup = page("strongroom-backup.1");
    assert!(backup.contains("<integer> (1 \\- 65535)") && !backup.contains("<<"));
    let run = home.run("man nowhere");
    assert_eq!(run.status, Some(255));
    assert!(
        run.stderr
            .starts_with("Error: cannot write manual pages to nowhere\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_whole_synopsis() {
    let home = Home::new();
    let run = home.run("printdoc");
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    for text in [
        "strongroom backup\n-----------------\n\n::\n\n  Usage: strongroom backup {<backupspec>}",
        "strongroom version\n",
    ] {
        assert!(run.stdout.contains(text), "{text}");
    }
}
