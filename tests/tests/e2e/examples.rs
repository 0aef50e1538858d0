//! The specification's examples of `proxmox-backup-client` (cli.md 6), run as written against a real server: what stands on which
//! stream, and how the command ends.
//!
//! Texts that vary stand as `~` in an expected line; everything else is compared to the letter. Our hints are ours and left out.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Output, Stdio};

use crate::house::{House, bin_dir, noise};

/// 2026-01-01T00:00:00Z
const MTIME: u64 = 1_767_225_600;
const FIRST: &str = "host/alpha/2026-01-05T02:00:00Z";
const SECOND: &str = "host/alpha/2026-01-06T02:00:00Z";

/// The examples' site: user ann@pbs, datastore tank, the source files, and the client by the original's name.
struct Site {
    house: House,
    env: Vec<(String, String)>,
}

/// What a command printed, with our hints left out.
struct Said {
    line: String,
    code: Option<i32>,
    out: String,
    err: String,
}

impl Site {
    fn new() -> Site {
        let mut house = House::empty();
        let tank = house.path("tank");
        let tank = tank.to_str().expect("utf-8");
        for line in [
            "user create ann@pbs --password secret123",
            &format!("datastore create tank {tank}"),
            "acl update /datastore/tank DatastoreAdmin --auth-id ann@pbs",
            "user generate-token ann@pbs laptop",
        ] {
            house.manager(&line.split(' ').collect::<Vec<_>>()).ok();
        }
        house.start();
        symlink(
            bin_dir().join("strongroom"),
            house.path("proxmox-backup-client"),
        )
        .expect("link");
        fs::create_dir_all(house.path("etc/conf.d")).expect("folder");
        for (name, content) in [
            ("etc/app.conf", b"port=80\n".to_vec()),
            ("etc/blob.bin", noise(7, 3_000_000)),
            ("etc/conf.d/x.conf", b"x=1\n".to_vec()),
            ("disk.img", vec![0; 9_000_000]),
            ("vm.conf", b"cores: 2\n".to_vec()),
            ("task.log", b"INFO: done\n".to_vec()),
        ] {
            fs::write(house.path(name), content).expect("file");
        }
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(MTIME);
        for name in [
            "etc/app.conf",
            "etc/blob.bin",
            "etc/conf.d/x.conf",
            "etc/conf.d",
            "etc",
        ] {
            let file = fs::File::open(house.path(name)).expect("file");
            file.set_modified(time).expect("time");
        }
        let env = [
            ("PBS_REPOSITORY", format!("ann@pbs@{}:tank", house.address)),
            ("PBS_PASSWORD", "secret123".into()),
        ];
        let env = env.map(|(name, value)| (name.to_string(), value));
        Site {
            house,
            env: env.into(),
        }
    }

    /// Runs a command as the examples write it: variables in front, then words with single or double quotes.
    fn run(&self, line: &str) -> Said {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, input: &str) -> Said {
        let mut env = self.env.clone();
        let mut words = words(line);
        while let Some((name, value)) = words[0].split_once('=') {
            env.retain(|(other, _)| other != name);
            env.push((name.to_string(), value.to_string()));
            words.remove(0);
        }
        if words[0] == "-u" {
            env.retain(|(name, _)| *name != words[1]);
            words.drain(..2);
        }
        let client = self.house.path("proxmox-backup-client");
        let mut child = self
            .house
            .command(client.to_str().expect("utf-8"))
            .envs(env)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client runs");
        let mut stdin = child.stdin.take().expect("piped");
        // A command that does not read has ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Said::new(line, child.wait_with_output().expect("the client ends"))
    }

    /// `ann@pbs@vault:8007:tank` of the examples.
    fn repository(&self) -> String {
        format!("ann@pbs@{}:tank", self.house.address)
    }

    fn backup(&self, options: &str) -> Said {
        self.run(&format!("backup {options}"))
    }
}

impl Said {
    fn new(line: &str, output: Output) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let err = text(output.stderr);
        let err = err.lines().filter(|line| !line.starts_with("hint: "));
        Said {
            line: line.to_string(),
            code: output.status.code(),
            out: text(output.stdout),
            err: err.map(|line| format!("{line}\n")).collect(),
        }
    }

    #[track_caller]
    fn is(self, code: i32, out: &str, err: &str) -> Said {
        let Said { line, .. } = &self;
        assert_eq!(self.code, Some(code), "{line}\n{}{}", self.out, self.err);
        assert!(
            like(out, &self.out),
            "{line}\nexpected:\n{out}\nfound:\n{}",
            self.out
        );
        assert!(
            like(err, &self.err),
            "{line}\nexpected:\n{err}\nfound:\n{}",
            self.err
        );
        self
    }

    #[track_caller]
    fn silent(self) -> Said {
        self.is(0, "", "")
    }

    #[track_caller]
    fn prints(self, out: &str) -> Said {
        self.is(0, out, "")
    }

    /// The first line of an error; usage may follow.
    #[track_caller]
    fn fails(self, error: &str) -> Said {
        assert_eq!(
            self.code,
            Some(255),
            "{}\n{}{}",
            self.line,
            self.out,
            self.err
        );
        let found = self.err.lines().find(|line| line.starts_with("Error: "));
        let found = found.unwrap_or_default();
        assert!(
            like(&format!("Error: {error}"), found),
            "{}\n{}",
            self.line,
            self.err
        );
        assert_eq!(self.out, "", "{}", self.line);
        self
    }

    #[track_caller]
    fn json(&self) -> serde_json::Value {
        assert_eq!(
            self.code,
            Some(0),
            "{}\n{}{}",
            self.line,
            self.out,
            self.err
        );
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{}: {e}\n{}", self.line, self.out))
    }
}

/// Line by line; `~` stands for any text.
fn like(expected: &str, found: &str) -> bool {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| line_is_like(a, b))
}

fn line_is_like(expected: &str, found: &str) -> bool {
    let mut parts = expected.split('~');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ' ') => words.push(String::new()),
            (_, letter) => words.last_mut().expect("one at least").push(letter),
        }
    }
    words
}

/// E1 to E12, and what follows from those snapshots in E13 to E23.
#[test]
fn backups_and_what_is_told_about_them() {
    let site = Site::new();
    let repository = site.repository();
    site.run("list").silent();

    let head = |time: &str| {
        format!("Starting backup: {time}\nClient name: ~\nStarting backup protocol: ~\n")
    };
    let tail = "Duration: ~s\nEnd Time: ~\n";
    let upload = format!("Upload directory 'etc' to '{repository}' as etc.pxar.didx\n");
    let first = "etc.pxar:etc --backup-id alpha --backup-time 1767578400";
    site.backup(first).is(
        0,
        "",
        &format!(
            "{}No previous manifest available.\n{upload}\
             etc.pxar: had to backup 2.862 MiB of 2.862 MiB (compressed 2.862 MiB) in ~ s (average ~iB/s)\n\
             Uploaded backup catalog (~ B)\n{tail}",
            head(FIRST)
        ),
    );
    let second = "etc.pxar:etc --backup-id alpha --backup-time 1767664800";
    site.backup(second).is(
        0,
        "",
        &format!(
            "{}Downloading previous manifest (Mon Jan  5 02:00:00 2026)\n{upload}\
             etc.pxar: had to backup 0 B of 2.862 MiB (compressed 0 B) in ~ s (average 0 B/s)\n\
             etc.pxar: backup was done incrementally, reused 2.862 MiB (100.0%)\n\
             Uploaded backup catalog (~ B)\n~{tail}",
            head(SECOND)
        )
        .replace("\n~Duration", "\nDuration"),
    );
    let guest = "disk.img:disk.img app.conf:vm.conf --backup-type vm --backup-id 105 --backup-time 1767664900";
    site.backup(guest).is(
        0,
        "",
        &format!(
            "{}No previous manifest available.\n\
             Upload image 'disk.img' to '{repository}' as disk.img.fidx\n\
             disk.img: had to backup 4.583 MiB of 8.583 MiB (compressed ~ B) in ~ s (average ~iB/s)\n\
             disk.img: backup was done incrementally, reused 4 MiB (46.6%)\n\
             Upload config file 'vm.conf' to '{repository}' as app.conf.blob\n{tail}",
            head("vm/105/2026-01-06T02:01:40Z")
        ),
    );

    site.run("list").prints(
        "┌────────────┬─────────────────────────────────┬──────────────┬───────────────────────────────────┐
│ group      │ last snapshot                   │ backup-count │ files                             │
╞════════════╪═════════════════════════════════╪══════════════╪═══════════════════════════════════╡
│ host/alpha │ host/alpha/2026-01-06T02:00:00Z │            2 │ catalog.pcat1 etc.pxar index.json │
├────────────┼─────────────────────────────────┼──────────────┼───────────────────────────────────┤
│ vm/105     │ vm/105/2026-01-06T02:01:40Z     │            1 │ app.conf disk.img index.json      │
└────────────┴─────────────────────────────────┴──────────────┴───────────────────────────────────┘
",
    );
    let groups = site.run("list --output-format json").json();
    let groups = groups.as_array().expect("a list");
    let alpha = groups
        .iter()
        .find(|group| group["backup-id"] == "alpha")
        .expect("alpha");
    assert_eq!(
        (
            &alpha["backup-count"],
            &alpha["last-backup"],
            &alpha["owner"]
        ),
        (&2.into(), &1_767_664_800.into(), &"ann@pbs".into())
    );
    site.run("snapshot list").prints(
        "┌─────────────────────────────────┬───────────┬───────────────────────────────────┐
│ snapshot                        │      size │ files                             │
╞═════════════════════════════════╪═══════════╪═══════════════════════════════════╡
│ host/alpha/2026-01-05T02:00:00Z │ 2.862 MiB │ catalog.pcat1 etc.pxar index.json │
├─────────────────────────────────┼───────────┼───────────────────────────────────┤
│ host/alpha/2026-01-06T02:00:00Z │ 2.862 MiB │ catalog.pcat1 etc.pxar index.json │
├─────────────────────────────────┼───────────┼───────────────────────────────────┤
│ vm/105/2026-01-06T02:01:40Z     │ 8.583 MiB │ app.conf disk.img index.json      │
└─────────────────────────────────┴───────────┴───────────────────────────────────┘
",
    );
    site.run("PROXMOX_OUTPUT_NO_BORDER=1 PROXMOX_OUTPUT_NO_HEADER=1 snapshots host/alpha")
        .prints(
            "host/alpha/2026-01-05T02:00:00Z 2.862 MiB catalog.pcat1 etc.pxar index.json
host/alpha/2026-01-06T02:00:00Z 2.862 MiB catalog.pcat1 etc.pxar index.json
",
        );
    site.run("LC_ALL=C snapshot files vm/105/2026-01-06T02:01:40Z")
        .prints(
            "+=================+============+=========+
| filename        | crypt-mode |    size |
+=================+============+=========+
| app.conf.blob   | none       |      21 |
+-----------------+------------+---------+
| disk.img.fidx   | none       | 9000000 |
+-----------------+------------+---------+
| index.json.blob | none       |     ~ |
+=================+============+=========+
",
        );
    site.run("files vm/105/2026-01-06T02:01:40Z --output-format json").prints(
        r#"[{"crypt-mode":"none","filename":"disk.img.fidx","size":9000000},{"crypt-mode":"none","filename":"app.conf.blob","size":21},{"crypt-mode":"none","filename":"index.json.blob","size":~}]"#,
    );

    restores(&site);
    records(&site);
}

/// E10 to E14.
fn restores(site: &Site) {
    site.run("restore host/alpha etc.pxar out")
        .is(0, "", "restore complete (~)\n");
    site.run("restore host/alpha etc.pxar out").fails(
        "error extracting archive - encountered unexpected error during extraction: error at entry \"~\": ~: EEXIST: File exists",
    );
    site.run("restore vm/105 app.conf -").prints("cores: 2\n");
    site.run("restore vm/105 app.conf vm.conf")
        .fails("unable to create target file \"vm.conf\" - File exists (os error 17)");
    let image = site.run("restore vm/105/2026-01-06T02:01:40Z disk.img -");
    assert_eq!(
        (image.code, image.out.len()),
        (Some(0), 9_000_000),
        "{}",
        image.err
    );
    let manifest = site.run("restore host/alpha index.json -");
    assert!(!manifest.out.ends_with('\n'));
    let keys: Vec<_> = manifest
        .json()
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    let expected = [
        "backup-id",
        "backup-time",
        "backup-type",
        "files",
        "signature",
        "unprotected",
    ];
    assert_eq!(keys, expected);
    site.run(&format!("catalog dump {FIRST}")).is(
        0,
        "",
        "d \"./etc.pxar.didx\"
f \"./etc.pxar.didx/app.conf\" 8 2026-01-01T00:00:00Z
f \"./etc.pxar.didx/blob.bin\" 3000000 2026-01-01T00:00:00Z
d \"./etc.pxar.didx/conf.d\"
f \"./etc.pxar.didx/conf.d/x.conf\" 4 2026-01-01T00:00:00Z
",
    );
}

/// E15 to E23.
fn records(site: &Site) {
    site.run(&format!("snapshot notes update {FIRST} \"before upgrade\""))
        .silent();
    site.run(&format!("snapshot notes show {FIRST}"))
        .prints("before upgrade\n");
    site.run(&format!("snapshot notes show {FIRST} --output-format json"))
        .prints("{\"notes\":\"before upgrade\"}\n");

    let prune = "prune host/alpha --keep-last 1 --dry-run";
    let plan = |first: &str| {
        format!(
            "┌─────────────────────────────────┬──────────────────────────┬────────┐
│ snapshot                        │                     date │ action │
╞═════════════════════════════════╪══════════════════════════╪════════╡
│ host/alpha/2026-01-05T02:00:00Z │ Mon Jan  5 02:00:00 2026 │ {first} │
├─────────────────────────────────┼──────────────────────────┼────────┤
│ host/alpha/2026-01-06T02:00:00Z │ Tue Jan  6 02:00:00 2026 │   keep │
└─────────────────────────────────┴──────────────────────────┴────────┘
"
        )
    };
    site.run(prune).prints(&plan("remove"));
    site.run(&format!("{prune} --output-format json")).prints(
        r#"[{"backup-id":"alpha","backup-time":1767578400,"backup-type":"host","keep":false,"protected":false},{"backup-id":"alpha","backup-time":1767664800,"backup-type":"host","keep":true,"protected":false}]"#,
    );
    site.run(&format!("{prune} --quiet --output-format json")).prints(
        r#"[{"backup-id":"alpha","backup-time":1767578400,"backup-type":"host","keep":false,"protected":false}]"#,
    );
    site.run(&format!("snapshot protected update {FIRST} true"))
        .silent();
    site.run(&format!("snapshot protected show {FIRST}"))
        .prints("true\n");
    site.run(&format!("forget {FIRST}"))
        .fails("~cannot remove protected snapshot");
    site.run(prune).prints(&plan("  keep"));
    site.run(&format!("{prune} --max-depth 1")).fails(
        "parameter verification failed - 'max-depth': schema does not allow additional properties.",
    );
    site.run(&format!("snapshot protected update {FIRST} false"))
        .silent();

    site.run("status").prints(
        "┌───────┬─~─┐
│ total │ ~ (100 %) │
├───────┼─~─┤
│ used  │ ~ %) │
├───────┼─~─┤
│ avail │ ~ %) │
└───────┴─~─┘
",
    );
    site.run("status --output-format json")
        .prints("{\"avail\":~,\"backend-type\":\"filesystem\",\"total\":~,\"used\":~}\n");
    site.run("version")
        .prints("client version: 4.2.~\nserver version: 4.2.~\n");

    let collected = site.run("garbage-collect");
    assert_eq!(
        (collected.code, collected.err.as_str()),
        (Some(0), ""),
        "{}",
        collected.out
    );
    let lines: Vec<&str> = collected.out.lines().collect();
    let count = lines
        .iter()
        .filter(|line| line.starts_with("Deduplication factor: "))
        .count();
    assert_eq!(
        (count, lines.last()),
        (1, Some(&"TASK OK")),
        "{}",
        collected.out
    );
    let started = site.run("garbage-collect --output-format json");
    assert!(
        started.out.starts_with("\"UPID:") && started.out.ends_with(":\"\n"),
        "{}",
        started.out
    );

    let tasks = site.run("task list --limit 3 --all");
    let lines: Vec<&str> = tasks.out.lines().collect();
    assert_eq!((tasks.code, lines.len()), (Some(0), 9), "{}", tasks.out);
    assert!(
        line_is_like("│ starttime ~ │ endtime ~ │ upid ~ │ status ~│", lines[1]),
        "{}",
        lines[1]
    );
    assert!(
        line_is_like("│ ~ │ ~ │ UPID:~:tank\\x3a~:ann@pbs: │ OK ~│", lines[3]),
        "{}",
        tasks.out
    );
    let upid = started.json();
    let upid = upid.as_str().expect("text");
    let log = site.run(&format!("task log {upid}"));
    assert_eq!(
        (log.code, log.out.lines().last()),
        (Some(0), Some("TASK OK")),
        "{}",
        log.err
    );
    site.run(&format!("task stop {upid}")).silent();
    let json = site.run("task list --all --output-format json").json();
    assert!(
        json[0]["worker_type"].is_string() && json[0]["upid"].is_string(),
        "{json}"
    );

    let log = "upload-log vm/105/2026-01-06T02:01:40Z task.log";
    site.run(log).prints("Result: {\n  \"data\": null\n}\n");
    site.run(log).fails("backup already contains a log.");
}

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

/// A worker that fails ends the command that waits for it with 255, and so does reading its log.
#[test]
fn failed_tasks() {
    let site = Site::new();
    // A dry run ends without finish: the server's task has failed.
    let said = site.backup("app.conf:vm.conf --backup-id dry --dry-run");
    assert_eq!(said.code, Some(0), "{}", said.err);
    site.house.eventually("the task has ended", |_| {
        let tasks = site.run("task list --all --output-format json").json();
        tasks
            .as_array()
            .expect("a list")
            .iter()
            .all(|task| task["endtime"].is_i64())
    });
    let tasks = site.run("task list --all --output-format json").json();
    let upid = tasks[0]["upid"].as_str().expect("text");
    let status = tasks[0]["status"].as_str().expect("text");
    let log = site.run(&format!("task log {upid}"));
    assert_eq!(log.code, Some(255), "{}", log.err);
    assert_eq!(
        log.out.lines().last(),
        Some(format!("TASK ERROR: {status}").as_str())
    );
    assert_eq!(log.err, format!("Error: task failed (status {status})\n"));
    site.run("task log UPID:x")
        .fails("parameter verification failed - 'upid': value must be at least 36 characters long");
}

/// E46, and the same from a pipe on standard input.
#[test]
fn named_pipes_are_image_sources() {
    let site = Site::new();
    let pipe = site.house.path("p");
    let status = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo");
    assert!(status.success());
    let content = noise(3, 5_000_000);
    let writer = std::thread::spawn({
        let (pipe, content) = (pipe.clone(), content.clone());
        move || fs::write(pipe, content)
    });
    let said = site.backup("p.img:p --backup-id stream");
    if said.code != Some(0) {
        // Nobody reads the pipe any more; let its writer go.
        let _ = fs::File::open(&pipe);
    }
    assert_eq!(said.code, Some(0), "{}", said.err);
    writer.join().expect("no panic").expect("written");
    let image = site.run("restore host/stream p.img p.out");
    assert_eq!(image.code, Some(0), "{}", image.err);
    assert!(fs::read(site.house.path("p.out")).expect("file") == content);
}

/// cli.md 1.10: what the shell asks at every Tab, with a server behind it.
#[test]
fn completion() {
    let site = Site::new();
    for id in ["alpha", "beta"] {
        let line =
            format!("app.conf:vm.conf disk.img:disk.img --backup-id {id} --backup-time 1767578400");
        assert_eq!(site.backup(&line).code, Some(0));
    }
    site.run("namespace create offsite").silent();
    let ask = |line: &str| {
        let quoted = format!(
            "COMP_LINE='proxmox-backup-client {line}' bashcomplete proxmox-backup-client --x --y"
        );
        let said = site.run(&quoted);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}");
        said.out.lines().collect::<Vec<_>>().join(" ")
    };
    for (line, expected) in [
        ("snap", "snapshot"),
        ("snapshot no", "notes"),
        ("list --ns ", "offsite"),
        ("change-owner ", "host/alpha host/beta"),
        ("snapshot files host/a", FIRST),
        ("restore host/a", "host/alpha host/alpha/"),
        ("restore host/alpha/", FIRST),
        ("restore host/alpha ", "app.conf disk.img index.json"),
        ("map host/alpha ", "disk.img"),
        ("status --output-format json-", "json-pretty"),
        ("backup x.pxar:et", "x.pxar:etc/"),
        ("key show vm", "vm.conf"),
        (
            "restore host/alpha app.conf -",
            "--allow-existing-dirs --auth-id --burst",
        ),
    ] {
        let found = ask(line);
        match line.ends_with('-') {
            true if line.ends_with(" -") => assert!(found.starts_with(expected), "{line}: {found}"),
            _ => assert_eq!(found, expected, "{line}"),
        }
    }
    // Without a login there is no question and no candidate.
    let said = site.run("PBS_PASSWORD=wrong COMP_LINE='x change-owner ' bashcomplete");
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(0), "", "")
    );
}

/// cli.md 3.9: the table's shape and the JSON's; about twelve seconds.
#[test]
fn benchmark() {
    let site = Site::new();
    let said = site.run("benchmark --output-format json");
    let json = said.json();
    for name in [
        "tls",
        "sha256",
        "compress",
        "decompress",
        "verify",
        "aes256_gcm",
    ] {
        let (speed, top) = (&json[name]["speed"], &json[name]["top"]);
        assert!(
            speed.as_f64().is_some_and(|speed| speed > 1e5),
            "{name}: {speed}"
        );
        assert!(top.is_f64(), "{name}: {top}");
    }
    assert!(
        like(
            "Uploaded ~ chunks in ~ seconds.\nTime per request: ~ microseconds.\nTLS speed: ~ MB/s\nSHA256 speed: ~ MB/s\n\
             Compression speed: ~ MB/s\nDecompress speed: ~ MB/s\nAES256/GCM speed: ~ MB/s\nVerify speed: ~ MB/s\n",
            &said.err
        ),
        "{}",
        said.err
    );
    // Nothing is kept.
    let snapshots = site.run("snapshots --output-format json").json();
    assert_eq!(snapshots, serde_json::json!([]));
}

/// `--progress json`: whole lines of JSON on standard output, and a reader that goes away stops nothing.
#[test]
fn progress_for_programs() {
    let site = Site::new();
    let events = |said: &Said| -> Vec<serde_json::Value> {
        assert_eq!(said.code, Some(0), "{}", said.err);
        let lines = said.out.lines().map(serde_json::from_str);
        lines
            .collect::<Result<_, _>>()
            .unwrap_or_else(|e| panic!("{e}: {}", said.out))
    };
    let kinds = |events: &[serde_json::Value]| {
        let mut kinds: Vec<_> = events
            .iter()
            .map(|event| event["type"].as_str().expect("text").to_string())
            .collect();
        kinds.dedup();
        kinds.join(" ")
    };
    let line =
        "disk.img:disk.img app.conf:vm.conf --backup-id p --backup-time 1767578400 --progress json";
    let found = events(&site.backup(line));
    let order = kinds(&found);
    assert_eq!(
        order.replace("progress ", ""),
        "started finished started finished summary",
        "{order}"
    );
    let sum = found.last().expect("a summary");
    assert_eq!(
        (
            &sum["snapshot"],
            &sum["previous"],
            &sum["new"],
            &sum["reused"]
        ),
        (
            &"host/p/2026-01-05T02:00:00Z".into(),
            &serde_json::Value::Null,
            &4_805_717.into(),
            &4_194_304.into()
        )
    );
    assert_eq!(sum["read"], 9_000_021);
    let found = events(&site.backup(&line.replace("78400", "78401")));
    let sum = found.last().expect("a summary");
    assert_eq!(
        (&sum["previous"], &sum["new"]),
        (&1_767_578_400.into(), &21.into())
    );

    let found = events(&site.run("restore host/p disk.img out.img --progress json"));
    assert_eq!(kinds(&found).replace("progress ", ""), "started summary");
    assert_eq!(found.last().expect("a summary")["done"], 9_000_000);
    // Standard output is the data's where it goes there.
    let said = site.run("restore host/p disk.img - --progress json");
    assert_eq!(said.out.len(), 9_000_000);
    assert!(said.err.contains("\"type\":\"started\""), "{}", said.err);

    let (reader, writer) = std::io::pipe().expect("pipe");
    drop(reader);
    let output = site
        .house
        .command("strongroom")
        .envs(site.env.clone())
        .args([
            "backup",
            "app.conf:vm.conf",
            "--backup-id",
            "closed",
            "--progress",
            "json",
        ])
        .stdout(writer)
        .output()
        .expect("the client runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
