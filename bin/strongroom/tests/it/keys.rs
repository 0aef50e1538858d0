//! Keys without a server: made, shown, and compared with the original's.

use std::os::unix::fs::PermissionsExt;

use crate::run::{Home, fixture};

#[test]
fn keys_are_shown_as_the_original_shows_them() {
    let Some(root) = fixture("keys") else { return };
    for name in ["none", "scrypt", "pbkdf2"] {
        let home = Home::new();
        std::fs::create_dir(home.path().join("keys")).unwrap();
        std::fs::copy(
            root.join(format!("{name}.json")),
            home.path().join(format!("keys/{name}.json")),
        )
        .unwrap();
        for (options, ending) in [("", "txt"), (" --output-format json", "json")] {
            let expected =
                std::fs::read_to_string(root.join(format!("{name}.show.{ending}"))).unwrap();
            let run = home.run(&format!("key show keys/{name}.json{options}"));
            assert_eq!(
                (run.stdout, run.status),
                (expected, Some(0)),
                "{name}: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let home = Home::new();
    let run = home.run("key create k.json --kdf none");
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (Some(0), "", "")
    );
    let path = home.path().join("k.json");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = std::fs::read(&path).unwrap();
    let run = home.run("key create k.json --kdf none");
    assert!(
        run.stderr
            .starts_with("Error: unable to create key file 'k.json' - File exists (os error 17)"),
        "{}",
        run.stderr
    );
    assert_eq!(
        (run.status, std::fs::read(&path).unwrap()),
        (Some(255), before)
    );
    let run = home.run("key show k.json --output-format json");
    assert!(
        run.stdout.contains("\"kdf\":\"none\"")
            && run.stdout.contains("\"path\":\"\\\"k.json\\\"\""),
        "{}",
        run.stdout
    );
}

#[test]
fn the_default_key() {
    let home = Home::new();
    let run = home.run("key create --kdf none");
    let path = home
        .path()
        .join(".config/proxmox-backup/encryption-key.json");
    assert_eq!(run.stderr, format!("creating default key at: {path:?}\n"));
    assert_eq!(home.run("key show").status, Some(0));
    let run = home.run("key change-passphrase");
    assert!(run.stderr.contains("no tty"), "{}", run.stderr);
}

#[test]
fn passphrases_come_from_the_environment_where_nobody_can_be_asked() {
    let home = Home::new();
    let new = |text| [("PBS_NEW_ENCRYPTION_PASSWORD", text)];
    let run = home.run_with("key create k.json --kdf pbkdf2 --hint pet", &new("first"));
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let show = home.run("key show k.json --output-format json").stdout;
    assert!(
        show.contains("\"hint\":\"pet\",\"kdf\":\"pbkdf2\""),
        "{show}"
    );
    let cases = [
        (vec![("PBS_ENCRYPTION_PASSWORD", "first")], 255, "no tty"),
        (
            vec![
                ("PBS_ENCRYPTION_PASSWORD", "wrong"),
                ("PBS_NEW_ENCRYPTION_PASSWORD", "second"),
            ],
            255,
            "wrong passphrase for the key (hint: pet)",
        ),
        (
            vec![
                ("PBS_ENCRYPTION_PASSWORD", "first"),
                ("PBS_NEW_ENCRYPTION_PASSWORD", "abc"),
            ],
            255,
            "Password too short!",
        ),
        (
            vec![
                ("PBS_ENCRYPTION_PASSWORD", "first"),
                ("PBS_NEW_ENCRYPTION_PASSWORD", "second"),
            ],
            0,
            "",
        ),
    ];
    for (variables, status, text) in cases {
        let run = home.run_with("key change-passphrase k.json --kdf scrypt", &variables);
        assert_eq!(run.status, Some(status), "{variables:?}: {}", run.stderr);
        assert!(run.stderr.contains(text), "{variables:?}: {}", run.stderr);
    }
    // Taking the passphrase away asks for nothing new.
    let run = home.run_with(
        "key change-passphrase k.json --kdf none",
        &[("PBS_ENCRYPTION_PASSWORD", "second")],
    );
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let after = home.run("key show k.json --output-format json").stdout;
    let fingerprint = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        (value["fingerprint"].clone(), value["created"].clone())
    };
    assert_eq!(fingerprint(&after), fingerprint(&show));
}

#[test]
fn master_keys_are_shown_and_imported() {
    let Some(root) = fixture("keys") else { return };
    let home = Home::new();
    let pem = std::fs::read_to_string(root.join("master-public.pem")).unwrap();
    std::fs::write(home.path().join("master-public.pem"), &pem).unwrap();
    let line = "key show-master-pubkey master-public.pem --output-format json";
    let mut shown: serde_json::Value = serde_json::from_str(&home.run(line).stdout).unwrap();
    let expected = std::fs::read_to_string(root.join("master-public.show.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let path = home
        .path()
        .canonicalize()
        .unwrap()
        .join("master-public.pem");
    assert_eq!(shown["path"], path.to_str().unwrap());
    shown["path"] = "master-public.pem".into();
    assert_eq!(shown, expected);

    let run = home.run("key import-master-pubkey master-public.pem");
    let modulus = expected["modulus"].as_str().unwrap();
    let numbers = format!("Modulus: {modulus}\nExponent: 65537\nLength: 4096\n");
    assert!(run.stderr.starts_with(&numbers), "{}", run.stderr);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""));
    let default = home.path().join(".config/proxmox-backup/master-public.pem");
    assert_eq!(std::fs::read_to_string(default).unwrap(), pem);
    let run = home.run("key show-master-pubkey");
    assert!(run.stdout.contains("│ length   │ 4096 "), "{}", run.stdout);

    std::fs::write(home.path().join("k.json"), "{}").unwrap();
    let run = home.run("key import-master-pubkey k.json");
    assert!(
        run.stderr
            .starts_with("Error: 'k.json' does not hold a public master key\n"),
        "{}",
        run.stderr
    );
    assert_eq!(run.status, Some(255));
}

#[test]
fn a_lost_key_comes_back_with_the_master_key() {
    let Some(root) = fixture("keys") else { return };
    let home = Home::new();
    let text = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    for name in ["master-private.pem", "rsa-encrypted.key"] {
        std::fs::copy(root.join(name), home.path().join(name)).unwrap();
    }
    let password = text("master.password.txt");
    let password = password.trim_end();
    let parts = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        ["kdf", "created", "data", "fingerprint", "hint"].map(|name| value[name].clone())
    };
    let line = "key import-with-master-key back.json --master-keyfile master-private.pem \
                --encrypted-keyfile rsa-encrypted.key --kdf none";
    let run = home.run_with(line, &[("PBS_MASTER_KEY_PASSWORD", password)]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let path = home.path().join("back.json");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let back = std::fs::read_to_string(&path).unwrap();
    assert_eq!(parts(&back), parts(&text("imported-with-master-key.json")));

    // Standard input holds the password; a line end behind it does not count.
    for end in ["", "\n"] {
        let run = home.run_with_input(line, &[], &format!("{password}{end}"));
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{end:?}");
    }
    let run = home.run_with_input(line, &[], "wrong");
    assert_eq!(run.status, Some(255));
    assert!(run.stderr.contains("wrong password"), "{}", run.stderr);

    // The default key is never replaced.
    let line = line.replace("back.json ", "");
    let variables = [("PBS_MASTER_KEY_PASSWORD", password)];
    assert_eq!(home.run_with(&line, &variables).status, Some(0));
    let run = home.run_with(&line, &variables);
    assert!(
        run.stderr.contains("File exists (os error 17)"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_master_key_is_made() {
    let home = Home::new();
    let run = home.run("key create-master-key");
    assert!(
        run.stderr
            .starts_with("Error: unable to create master key - no tty\n"),
        "{}",
        run.stderr
    );
    let variables = [("PBS_MASTER_KEY_PASSWORD", "long enough")];
    let run = home.run_with("key create-master-key", &variables);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), ""),
        "{}",
        run.stderr
    );
    let mode = |name: &str| {
        let found = std::fs::metadata(home.path().join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("master-public.pem"), mode("master-private.pem")),
        (0o644, 0o600)
    );
    let shown = home.run("key show-master-pubkey master-public.pem --output-format json");
    assert!(
        shown
            .stdout
            .contains("\"exponent\":\"65537\",\"length\":4096,")
    );
    let paper = home.run("key paperkey master-private.pem --output-format text");
    let pem = std::fs::read_to_string(home.path().join("master-private.pem")).unwrap();
    assert!(
        paper
            .stdout
            .starts_with("0: -----BEGIN ENCRYPTED PRIVATE KEY-----\n1: ")
    );
    assert_eq!(
        paper.stdout.matches('\x0c').count(),
        pem.lines().count().div_ceil(5)
    );
    let page = home
        .run("key paperkey master-private.pem --subject a&b")
        .stdout;
    assert_eq!(
        page.matches("<svg ").count(),
        pem.lines().count().div_ceil(20)
    );
    assert!(page.contains("Subject: a&amp;b"));
}

#[test]
fn a_key_on_paper_is_the_originals() {
    let Some(root) = fixture("keys") else { return };
    let home = Home::new();
    std::fs::copy(root.join("none.json"), home.path().join("none.json")).unwrap();
    let expected = std::fs::read_to_string(root.join("none.paperkey.txt")).unwrap();
    // No other setting of the format counts here.
    let format = [("PROXMOX_OUTPUT_FORMAT", "json")];
    let run = home.run_with("key paperkey none.json --output-format text", &format);
    let framed = |text: &str| text.split('█').next().unwrap_or_default().to_owned();
    assert_eq!(framed(&run.stdout), framed(&expected), "{}", run.stderr);
    // Which mask a code gets is the encoder's choice; size and corners are not.
    let rows = |text: &str| -> Vec<String> {
        let rows = text.lines().filter(|line| line.contains(['█', '▀', '▄']));
        rows.map(str::to_owned).collect()
    };
    let (ours, theirs) = (rows(&run.stdout), rows(&expected));
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(ours[0].chars().count(), theirs[0].chars().count());
    let page = home
        .run_with("key paperkey none.json --subject x", &format)
        .stdout;
    assert!(
        page.contains("&quot;fingerprint&quot;") && page.contains("width=\"500pt\""),
        "{page}"
    );
    let run = home.run("key paperkey none.json --output-format json");
    assert!(
        run.stderr
            .contains("value 'json' is not defined in the enumeration.")
    );
}
