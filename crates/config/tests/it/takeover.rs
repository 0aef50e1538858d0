//! Files as the original writes them, every property once: they are read, listed, and come back to the byte but for what was changed.

use config::edit::{self, EditError};
use config::files::{
    DnsPlugin, EncryptionKey, InfluxHttp, InfluxUdp, PruneJob, Remote, S3Endpoint, SyncJob,
    TrafficRule, VerifyJob,
};
use config::{ConfigDir, Entry};
use serde_json::{Map, Value, json};

use super::fixtures::config_dir;

type Work = fn(&ConfigDir, Map<String, Value>) -> Result<Vec<Value>, EditError>;

/// What a file is read as.
struct Row {
    name: &'static str,
    text: &'static str,
    /// Lists its entries, changes one, gives what lists show.
    work: Work,
    change: fn() -> Value,
    /// A line, and what it becomes; nothing if it goes.
    line: (&'static str, Option<&'static str>),
}

fn work<E: Entry>(dir: &ConfigDir, change: Map<String, Value>) -> Result<Vec<Value>, EditError> {
    let (entries, _) = edit::entries::<E>(dir)?;
    edit::update_entry(dir, change, |_: &E, _: &E| Ok::<(), EditError>(()))?;
    Ok(entries
        .iter()
        .map(|entry| entry.shown().expect("JSON"))
        .collect())
}

const FINGERPRINT: &str = "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99";

const SYNC: &str = "sync: pull-all
\tactive-encryption-key key-1
\tassociated-key key-2
\tassociated-key key-3
\tburst-in 20 MiB
\tburst-out 20 MiB
\tcomment everything
\tencrypted-only true
\tgroup-filter type:vm
\tgroup-filter group:ct/100
\tgroup-filter exclude:regex:^host/test-.*$
\tmax-depth 3
\tns a/b
\towner sync@pbs!token
\trate-in 10 MiB
\trate-out 1.5 GB
\tremote other
\tremote-ns c
\tremote-store vault
\tremove-vanished true
\tresync-corrupt true
\trun-on-mount true
\tschedule mon..fri 22:30
\tstore tank
\tsync-direction push
\ttransfer-last 3
\tunmount-on-done true
\tverified-only false
\tworker-threads 4

sync: local
\tremote-store vault
\tstore tank
";

const TRAFFIC: &str = "rule: office
\tburst-in 20 MB
\tburst-out 20 MB
\tcomment slow by day
\tnetwork 192.168.0.0/16
\tnetwork FD00::/8
\trate-in 10 MB
\trate-out 512 KiB
\ttimeframe mon..fri 8:00-17:30
\ttimeframe sat 8 - 12
\tusers a@pbs
\tusers b@pam

rule: all
\tnetwork 0.0.0.0/0
";

const METRICS: &str = "influxdb-udp: local
\tcomment x
\tenable false
\thost [::1]:8089
\tmtu 1400

influxdb-http: cloud
\tbucket stats
\tcomment y
\tenable false
\tmax-body-size 1000
\torganization ours
\ttoken s3cr3t==
\turl https://influx.example.org:8086/base
\tverify-tls false
";

fn files() -> Vec<Row> {
    vec![
        Row {
            name: "remote.cfg",
            text: Box::leak(
                format!(
                    "remote: other\n\tauth-id sync@pbs!token\n\tcomment far away\n\tfingerprint {FINGERPRINT}\n\thost backup.example.org\n\tpassword c2VjcmV0\n\tport 8008\n\tuse-node-proxy true\n\nremote: v6-2\n\tauth-id root@pam\n\thost fd00::1\n\tpassword eA==\n"
                )
                .into_boxed_str(),
            ),
            work: work::<Remote>,
            change: || json!({"name": "v6-2", "host": "fd00::2"}),
            line: ("\thost fd00::1\n", Some("\thost fd00::2\n")),
        },
        Row {
            name: "sync.cfg",
            text: SYNC,
            work: work::<SyncJob>,
            change: || json!({"id": "pull-all", "rate-in": "7KiB"}),
            line: ("\trate-in 10 MiB\n", Some("\trate-in 7 KiB\n")),
        },
        Row {
            name: "traffic-control.cfg",
            text: TRAFFIC,
            work: work::<TrafficRule>,
            change: || json!({"name": "office", "delete": ["comment"]}),
            line: ("\tcomment slow by day\n", None),
        },
        Row {
            name: "metricserver.cfg",
            text: METRICS,
            work: work::<InfluxHttp>,
            change: || json!({"name": "cloud", "enable": true}),
            line: ("\tcomment y\n\tenable false\n", Some("\tcomment y\n")),
        },
        Row {
            name: "metricserver.cfg",
            text: METRICS,
            work: work::<InfluxUdp>,
            change: || json!({"name": "local", "mtu": 1500}),
            line: ("\tmtu 1400\n", Some("\tmtu 1500\n")),
        },
        Row {
            name: "s3.cfg",
            text: Box::leak(
                format!(
                    "s3-endpoint: store-1\n\taccess-key AKIA\n\tburst-in 2 MiB\n\tburst-out 2 MiB\n\tendpoint {{{{bucket}}}}.s3.{{{{region}}}}.example.org\n\tfingerprint {FINGERPRINT}\n\tpath-style true\n\tport 9000\n\tprovider-quirks skip-if-none-match-header\n\tprovider-quirks delete-objects-via-delete-object\n\tput-rate-limit 10\n\trate-in 1 MiB\n\trate-out 1 MiB\n\tregion eu-central-1\n\tsecret-key geheim/+=\n"
                )
                .into_boxed_str(),
            ),
            work: work::<S3Endpoint>,
            change: || json!({"id": "store-1", "delete": ["provider-quirks"]}),
            line: (
                "\tprovider-quirks skip-if-none-match-header\n\tprovider-quirks delete-objects-via-delete-object\n",
                None,
            ),
        },
        Row {
            name: "encryption-keys.cfg",
            text: Box::leak(
                format!(
                    "sync-key: key-1\n\tarchived-at 1700000300\n\tcreated 1700000000\n\tfingerprint {FINGERPRINT}\n\thint none\n\tkdf none\n\tmodified 1700000100\n\tpath /etc/proxmox-backup/encryption-keys/key-1.enc\n"
                )
                .into_boxed_str(),
            ),
            work: work::<EncryptionKey>,
            change: || json!({"id": "key-1", "delete": ["archived-at"]}),
            line: ("\tarchived-at 1700000300\n", None),
        },
        Row {
            name: "acme/plugins.cfg",
            text: "standalone: standalone\n\ndns: provider\n\tapi pdns\n\tdata S0VZPXZhbHVl\n\tdisable true\n\tvalidation-delay 60\n",
            work: work::<DnsPlugin>,
            change: || json!({"id": "provider", "validation-delay": 0}),
            line: ("\tvalidation-delay 60\n", Some("\tvalidation-delay 0\n")),
        },
        Row {
            name: "prune.cfg",
            text: "prune: nightly\n\tcomment x\n\tdisable true\n\tkeep-daily 7\n\tkeep-hourly 24\n\tkeep-last 3\n\tkeep-monthly 12\n\tkeep-weekly 4\n\tkeep-yearly 1\n\tmax-depth 0\n\tns a/b\n\tschedule daily\n\tstore tank\n",
            work: work::<PruneJob>,
            change: || json!({"id": "nightly", "disable": false}),
            line: ("\tdisable true\n", None),
        },
        Row {
            name: "verification.cfg",
            text: "verification: weekly\n\tcomment x\n\tignore-verified false\n\tmax-depth 7\n\tns a\n\toutdated-after 30\n\tread-threads 2\n\tschedule sat 18:15\n\tstore tank\n\tverify-threads 8\n",
            work: work::<VerifyJob>,
            change: || json!({"id": "weekly", "outdated-after": 0}),
            line: ("\toutdated-after 30\n", Some("\toutdated-after 0\n")),
        },
    ]
}

#[test]
fn files_come_back_but_for_the_change() {
    for row in files() {
        let (_temp, dir) = config_dir();
        let path = dir.path().join(row.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, row.text).unwrap();
        let change = (row.change)().as_object().cloned().unwrap();
        let shown =
            (row.work)(&dir, change).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert!(!shown.is_empty(), "{}", row.name);
        for secret in ["c2VjcmV0", "eA==", "geheim"] {
            assert!(!json!(shown).to_string().contains(secret), "{shown:?}");
        }
        let (from, to) = row.line;
        assert_eq!(row.text.matches(from).count(), 1, "{}", row.name);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            row.text.replace(from, to.unwrap_or_default()),
            "{}",
            row.name
        );
    }
}

/// One wrong line refuses the file and leaves it alone.
#[test]
fn wrong_values_are_named() {
    let sync = |line: &str| format!("sync: job-1\n\tremote-store a-b\n\tstore tank\n\t{line}\n");
    let rule = |line: &str| format!("rule: one\n\tnetwork 10.0.0.0/8\n\t{line}\n");
    let s3 = |line: &str| format!("s3-endpoint: one\n\taccess-key a\n\tsecret-key b\n\t{line}\n");
    type Check = fn(&ConfigDir) -> Result<usize, EditError>;
    fn count<E: Entry>(dir: &ConfigDir) -> Result<usize, EditError> {
        Ok(edit::entries::<E>(dir)?.0.len())
    }
    let rows: Vec<(&str, String, Check, Option<&str>)> = vec![
        (
            "sync.cfg",
            sync("group-filter include:type:vm"),
            count::<SyncJob>,
            None,
        ),
        (
            "sync.cfg",
            sync("group-filter type:qemu"),
            count::<SyncJob>,
            Some("the type is vm, ct or host"),
        ),
        (
            "sync.cfg",
            sync("group-filter group:vm"),
            count::<SyncJob>,
            Some("a group is type/id"),
        ),
        (
            "sync.cfg",
            sync("group-filter vm/100"),
            count::<SyncJob>,
            Some("does not begin with 'type:'"),
        ),
        (
            "sync.cfg",
            sync("group-filter regex:("),
            count::<SyncJob>,
            Some("unclosed group"),
        ),
        (
            "sync.cfg",
            sync("group-filter regex:(a{999}){999}"),
            count::<SyncJob>,
            Some("too much memory"),
        ),
        (
            "sync.cfg",
            sync("rate-in fast"),
            count::<SyncJob>,
            Some("property 'rate-in'"),
        ),
        (
            "sync.cfg",
            sync("worker-threads 33"),
            count::<SyncJob>,
            Some("maximum value of 32"),
        ),
        (
            "sync.cfg",
            sync("sync-direction both"),
            count::<SyncJob>,
            Some("not defined in the enumeration"),
        ),
        (
            "sync.cfg",
            sync("nope 1"),
            count::<SyncJob>,
            Some("unknown property 'nope'"),
        ),
        (
            "traffic-control.cfg",
            rule("timeframe 8-17"),
            count::<TrafficRule>,
            None,
        ),
        (
            "traffic-control.cfg",
            rule("timeframe 17-8"),
            count::<TrafficRule>,
            Some("it ends before it starts"),
        ),
        (
            "traffic-control.cfg",
            rule("network 10.0.0.0"),
            count::<TrafficRule>,
            Some("regex pattern"),
        ),
        (
            "traffic-control.cfg",
            rule("network 10.0.0.0/33"),
            count::<TrafficRule>,
            Some("regex pattern"),
        ),
        (
            "traffic-control.cfg",
            rule("network ::/129"),
            count::<TrafficRule>,
            Some("regex pattern"),
        ),
        (
            "traffic-control.cfg",
            rule("network ::ffff:10.0.0.0/104"),
            count::<TrafficRule>,
            None,
        ),
        (
            "traffic-control.cfg",
            rule("users a@pbs!token"),
            count::<TrafficRule>,
            Some("regex pattern"),
        ),
        (
            "traffic-control.cfg",
            "rule: one\n\tcomment x\n".to_owned(),
            count::<TrafficRule>,
            Some("missing property 'network'"),
        ),
        (
            "s3.cfg",
            s3("endpoint {{bucket}}.{{region}}.example.org"),
            count::<S3Endpoint>,
            None,
        ),
        ("s3.cfg", s3("endpoint 10.0.0.1"), count::<S3Endpoint>, None),
        ("s3.cfg", s3("endpoint fd00::1"), count::<S3Endpoint>, None),
        (
            "s3.cfg",
            s3("endpoint a.{{region}}"),
            count::<S3Endpoint>,
            Some("regex pattern"),
        ),
        (
            "s3.cfg",
            s3("endpoint https://a"),
            count::<S3Endpoint>,
            Some("regex pattern"),
        ),
        (
            "s3.cfg",
            s3("endpoint a\n\tregion EU"),
            count::<S3Endpoint>,
            Some("regex pattern"),
        ),
        (
            "s3.cfg",
            s3("endpoint a\n\tregion a"),
            count::<S3Endpoint>,
            Some("regex pattern"),
        ),
        (
            "metricserver.cfg",
            "influxdb-udp: one\n\thost a:1\n".to_owned(),
            count::<InfluxUdp>,
            None,
        ),
        (
            "metricserver.cfg",
            "influxdb-udp: one\n\thost a\n".to_owned(),
            count::<InfluxUdp>,
            Some("regex pattern"),
        ),
        (
            "metricserver.cfg",
            "influxdb-udp: one\n\thost fd00::1:80\n".to_owned(),
            count::<InfluxUdp>,
            Some("regex pattern"),
        ),
        (
            "metricserver.cfg",
            "influxdb-http: one\n\turl ftp://a\n".to_owned(),
            count::<InfluxHttp>,
            Some("regex pattern"),
        ),
        (
            "remote.cfg",
            "remote: one\n\tauth-id a@pbs\n\thost [::1]\n\tpassword eA==\n".to_owned(),
            count::<Remote>,
            Some("regex pattern"),
        ),
        (
            "remote.cfg",
            "remote: one\n\tauth-id a@pbs\n\thost ::1\n\tpassword eA==\n\tport 65536\n".to_owned(),
            count::<Remote>,
            Some("maximum value of 65535"),
        ),
    ];
    for (name, text, check, expected) in rows {
        let (_temp, dir) = config_dir();
        std::fs::write(dir.path().join(name), &text).unwrap();
        match (check(&dir), expected) {
            (Ok(count), None) => assert_eq!(count, 1, "{text}"),
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected), "{text}: {error}");
            }
            (result, _) => panic!("{text}: {result:?}"),
        }
    }
}

/// A link to `/` in the directory made an import read `/proc`, for ever.
#[test]
fn no_folder_is_followed_and_settings_are_files() {
    let (_temp, dir) = config_dir();
    let root = dir.path();
    std::os::unix::fs::symlink("/", root.join("everything")).unwrap();
    std::os::unix::fs::symlink(".", root.join("itself")).unwrap();
    std::fs::create_dir(root.join("user.cfg")).unwrap();
    std::os::unix::fs::symlink("elsewhere", root.join("acl.cfg")).unwrap();
    let said: Vec<_> = config::takeover::look(root)
        .unwrap()
        .into_iter()
        .map(|item| {
            let word = match item.verdict {
                config::takeover::Verdict::Left(_) => "left",
                config::takeover::Verdict::Wrong(_) => "wrong",
                _ => "goes",
            };
            (item.name, word)
        })
        .collect();
    let expected = [
        ("acl.cfg", "wrong"),
        ("everything", "left"),
        ("itself", "left"),
        ("user.cfg", "wrong"),
    ];
    assert_eq!(said, expected.map(|(name, word)| (name.to_owned(), word)));
}
