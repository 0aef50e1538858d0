//! The specification's examples of `proxmox-backup-client` (cli.md 6), run as written against a real server: what stands on which
//! stream, and how the command ends.
//!
//! Texts that vary stand as `~` in an expected line; everything else is compared to the letter. Our hints are ours and left out.

use std::fs;
use std::os::unix::fs::symlink;

use crate::house::{House, bin_dir};

mod manager;
mod site;

mod all;
mod found;
mod snapshots;
mod tools;
mod ways;

use site::{Site, like, line_is_like};

/// E18, E30 and owners.
#[test]
fn namespaces_groups_and_owners() {
    let site = Site::new();
    site.run("namespace create offsite").silent();
    site.run("namespace create offsite/alpha").silent();
    site.run("namespace list")
        .prints("offsite\noffsite/alpha\n");
    site.run("namespace list --output-format json")
        .prints("{\"data\":[{\"ns\":\"\"},{\"ns\":\"offsite\"},{\"ns\":\"offsite/alpha\"}]}\n");
    let said = site
        .backup("app.conf:vm.conf --backup-id alpha --ns offsite/alpha --backup-time 1767578400");
    assert!(
        said.err
            .starts_with("Starting backup: [offsite/alpha]:host/alpha/2026-01-05T02:00:00Z\n"),
        "{}",
        said.err
    );
    site.run("PBS_NAMESPACE=offsite/alpha snapshots")
        .is(0, &"~\n".repeat(5), "");
    site.run("namespace delete offsite")
        .fails("only partially deleted due to existing groups but `delete-groups` not true");
    // PBS_NAMESPACE does not count for prune and group forget.
    let keep = "prune host/alpha --keep-last 1 --output-format json";
    site.run(&format!("PBS_NAMESPACE=offsite/alpha {keep}"))
        .fails("~");
    let kept = site.run(&format!("{keep} --ns offsite/alpha")).json();
    assert_eq!(kept[0]["keep"], true);

    site.run("change-owner host/alpha ann@pbs!laptop --ns offsite/alpha")
        .silent();
    let groups = site
        .run("list --ns offsite/alpha --output-format json")
        .json();
    assert_eq!(groups[0]["owner"], "ann@pbs!laptop");
    site.run("change-owner host/nosuch ann@pbs").fails("~");
    site.run("namespace delete offsite/alpha --delete-groups true")
        .silent();

    for time in [1_767_578_400, 1_767_578_401] {
        let line = format!("app.conf:vm.conf --backup-id meta --backup-time {time}");
        assert_eq!(site.backup(&line).code, Some(0));
    }
    // E30: a group goes to another namespace, and comes back.
    site.run("namespace create a").silent();
    for (line, from, to) in [
        ("group move host/meta --target-ns a", "", "a"),
        ("group move host/meta --ns a --target-ns ''", "a", ""),
    ] {
        let moved = site.run(line);
        assert_eq!(moved.code, Some(0), "{}{}", moved.out, moved.err);
        let lines: Vec<_> = moved.out.lines().collect();
        let begun = format!("moving group 'host/meta' from '{from}' to '{to}'");
        assert!(lines.contains(&begun.as_str()), "{}", moved.out);
        assert_eq!(lines.last(), Some(&"TASK OK"), "{}", moved.out);
    }
    let question = "Delete group \"host/meta\" with 2 snapshot(s)? [y/N]: ";
    site.run_with("group forget host/meta", "n\n")
        .prints(&format!("{question}Abort.\n"));
    site.run_with("group forget host/meta", "")
        .prints(&format!("{question}Abort.\n"));
    site.run_with("group forget host/meta", "y\n")
        .prints(&format!("{question}Successfully deleted group!\n"));
    site.run("list").silent();
    let gone = site.run_with("group forget host/meta", "y\n");
    assert_eq!(gone.code, Some(255), "{}{}", gone.out, gone.err);
    assert_eq!(
        gone.out,
        "Delete group \"host/meta\" with 0 snapshot(s)? [y/N]: "
    );

    let identity = site.run("server-identity");
    assert!(
        line_is_like("pbs-instance-id: ~", identity.out.trim_end()),
        "{}",
        identity.out
    );
    let id = identity
        .out
        .trim_end()
        .trim_start_matches("pbs-instance-id: ");
    assert_eq!(
        site.run("server-identity --output-format json").json()["pbs-instance-id"],
        id
    );
}

/// E24 and E25.
#[test]
fn keys() {
    let site = Site::new();
    site.run("key create k.json --kdf none").silent();
    site.run("key show k.json --output-format json").prints(
        r#"{"created":~,"fingerprint":"~:~","kdf":"none","modified":~,"path":"\"k.json\""}"#,
    );
    site.run("key create").is(
        255,
        "",
        "creating default key at: \"~/encryption-key.json\"\nError: unable to read passphrase - no tty\n",
    );
    let key = site.run("key show k.json --output-format json").json();
    let short = &key["fingerprint"].as_str().expect("text")[..23];
    let said =
        site.backup("etc.pxar:etc --keyfile k.json --backup-id enc --backup-time 1767578400");
    let start = format!(
        "Starting backup: host/enc/2026-01-05T02:00:00Z\nClient name: ~\nStarting backup protocol: ~\n\
         Using encryption key from 'k.json'..\nEncryption key fingerprint: {short}"
    );
    let head: Vec<&str> = said.err.lines().take(5).collect();
    assert!(like(&start, &head.join("\n")), "{}", said.err);
    site.run("files host/enc/2026-01-05T02:00:00Z --output-format json").prints(
        r#"[{"crypt-mode":"encrypt","filename":"etc.pxar.didx","size":~},{"crypt-mode":"encrypt","filename":"catalog.pcat1.didx","size":~},{"crypt-mode":"sign-only","filename":"index.json.blob","size":~}]"#,
    );
    site.run("restore host/enc etc.pxar out").fails(&format!(
        "missing key - manifest was created with key {short}"
    ));

    // The key comes back from the backup with the master key.
    let master = "PBS_MASTER_KEY_PASSWORD=secret123";
    let made = site.run(&format!("{master} key create-master-key"));
    assert_eq!(
        (made.code, made.out.as_str()),
        (Some(0), ""),
        "{}",
        made.err
    );
    let line =
        "app.conf:vm.conf --keyfile k.json --master-pubkey-file master-public.pem --backup-id rsa";
    assert_eq!(site.backup(line).code, Some(0));
    let restored = site.run("restore host/rsa rsa-encrypted.key rsa.key");
    assert_eq!(restored.code, Some(0), "{}", restored.err);
    let import = "key import-with-master-key back.json --master-keyfile master-private.pem --encrypted-keyfile rsa.key --kdf none";
    site.run_with(import, "secret123").silent();
    let back = site.run("key show back.json --output-format json").json();
    assert_eq!(back["fingerprint"], key["fingerprint"]);
    site.run("restore host/enc etc.pxar out --keyfile back.json")
        .is(0, "", "~\nFingerprint: ~\nrestore complete (~)\n");
}

/// E27 to E29, and the ways in which a secret is given (cli.md 2.3).
#[test]
fn wrong_lines_and_other_ways_to_name_the_place() {
    let site = Site::new();
    let at = site.house.address.clone();
    let (host, port) = at.split_once(':').expect("a port");
    site.run("nosuch").fails("no such command 'nosuch'");
    site.run("backup etc.tar:etc").fails(
        "parameter verification failed - 'backupspec': value does not match the regex pattern",
    );
    site.run("help nosuch")
        .is(0, "", "no such command 'nosuch'\n");
    site.run("backup a.pxar:etc a.pxar:etc")
        .fails("got target twice: 'a.pxar'");
    site.run("PBS_PASSWORD=bad list")
        .fails("permission check failed.");
    site.run(&format!("list --repository ann@pbs@{at}:nosuch")).fails(
        "permission check failed - missing Datastore.Audit|Datastore.Backup on /datastore/nosuch",
    );
    site.run("-u PBS_REPOSITORY list")
        .fails("unable to get (default) repository");
    site.run("--repository x list")
        .fails("no such command '--repository'");

    assert_eq!(site.backup("app.conf:vm.conf --backup-id x").code, Some(0));
    let listed = site.run("list").out;
    let parts = format!("list --server {host} --port {port} --datastore tank --auth-id ann@pbs");
    site.run(&parts).prints(&listed);
    let variables =
        format!("PBS_SERVER={host} PBS_PORT={port} PBS_DATASTORE=tank PBS_AUTH_ID=ann@pbs");
    site.run(&format!("{variables} -u PBS_REPOSITORY list"))
        .prints(&listed);
    site.run(&format!("{variables} list --server {host}"))
        .prints(&listed);
    site.run(&format!("list --repository tank --server {host}"))
        .fails("--repository and --server/--port/--datastore/--auth-id are mutually exclusive");
    site.run(&format!("-u PBS_REPOSITORY list --server {host}"))
        .fails("--datastore is required when not using --repository");

    fs::write(site.house.path("password"), "secret123\nmore").expect("file");
    fs::create_dir(site.house.path("credentials")).expect("folder");
    let credential = |name: &str, text: &str| {
        let place = site
            .house
            .path("credentials")
            .join(format!("proxmox-backup-client.{name}"));
        fs::write(place, text).expect("file");
    };
    credential("password", "secret123");
    credential("repository", &site.repository());
    credential("fingerprint", &site.house.fingerprint);
    let without = |line: &str| {
        let mut bare = Site {
            house: House::empty(),
            env: site.env.clone(),
        };
        bare.env.retain(|(name, _)| name != "PBS_PASSWORD");
        bare.house.env.remove("PBS_PASSWORD");
        symlink(
            bin_dir().join("strongroom"),
            bare.house.path("proxmox-backup-client"),
        )
        .expect("link");
        let base = site.house.dir.path().to_str().expect("utf-8");
        bare.run(&line.replace('@', base))
    };
    let pin = format!("PBS_FINGERPRINT={}", site.house.fingerprint);
    for way in [
        "PBS_PASSWORD_FILE=@/password",
        "PBS_PASSWORD_CMD='head -n 1 @/password'",
        "CREDENTIALS_DIRECTORY=@/credentials",
    ] {
        without(&format!("{pin} {way} list")).prints(&listed);
    }
    without("CREDENTIALS_DIRECTORY=@/credentials -u PBS_REPOSITORY list").prints(&listed);
    // The first variable that is defined wins.
    let line =
        format!("{pin} PBS_PASSWORD_FILE=/nonexistent PBS_PASSWORD_CMD='echo secret123' list");
    without(&line).fails(&format!(
        "error building client for repository {} - unable to open file in ENV(PBS_PASSWORD_FILE): /nonexistent",
        site.repository()
    ));
    without(&format!("{pin} list")).fails("~no password input mechanism available");
}
