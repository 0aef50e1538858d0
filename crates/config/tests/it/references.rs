//! What refers to what: nothing goes that is used, and what is asked for fits together.

use std::os::unix::fs::PermissionsExt as _;

use config::ConfigDir;
use config::FileSpec;
use config::edit::{self, EditError};
use config::files::{EncryptionKey, InfluxHttp, InfluxUdp, SyncJob, TrafficRule};
use format::{AuthId, KeyFile};
use serde_json::{Map, Value, json};

use super::fixtures::config_dir;

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, EditError>, expected: &str) {
    assert_eq!(result.expect_err("refused").to_string(), expected);
}

fn allow<E>(_: &E, _: &E) -> Result<(), EditError> {
    Ok(())
}

/// Without password; the original wrote it.
const KEY: &str = r#"{"kdf":null,"created":"2023-11-14T22:13:20Z","modified":"2023-11-14T22:15:00Z","data":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","hint":"h"}"#;

fn key() -> KeyFile {
    KeyFile::from_json(KEY.as_bytes()).expect("a key file")
}

fn text(dir: &ConfigDir, spec: FileSpec) -> String {
    dir.read(spec).expect("readable").0
}

#[test]
fn a_remote_in_use_stays() {
    let (_temp, dir) = config_dir();
    let remote = json!({"name": "other", "auth-id": "a@pbs", "host": "h", "password": "sécret"});
    edit::create_remote(&dir, members(remote.clone())).unwrap();
    refused(
        edit::create_remote(&dir, members(remote)),
        "parameter verification failed - 'name': remote 'other' already exists.",
    );
    let file = "remote: other\n\tauth-id a@pbs\n\thost h\n\tpassword c8OpY3JldA==\n";
    assert_eq!(text(&dir, FileSpec::REMOTE), file);
    // A change without a password keeps it; it is not encoded a second time.
    edit::update_remote(&dir, members(json!({"name": "other", "port": 8008}))).unwrap();
    edit::update_remote(&dir, members(json!({"name": "other", "delete": ["port"]}))).unwrap();
    assert_eq!(text(&dir, FileSpec::REMOTE), file);

    let job = json!({"id": "job-1", "store": "tank", "remote": "other", "remote-store": "vault"});
    edit::create_sync_job(&dir, members(job)).unwrap();
    refused(
        edit::remove_remote(&dir, "other", &None),
        "remote 'other' is used by sync job 'job-1'; remove the job first",
    );
    edit::remove_entry::<SyncJob>(&dir, "job-1", &None).unwrap();
    refused(
        edit::remove_remote(&dir, "other", &Some("0".repeat(64))),
        "detected modified configuration - file changed by other user? Try again.",
    );
    edit::remove_remote(&dir, "other", &None).unwrap();
    refused(
        edit::remove_remote(&dir, "other", &None),
        "remote 'other' does not exist.",
    );
}

#[test]
fn an_endpoint_in_use_stays() {
    let (_temp, dir) = config_dir();
    let file = |spec: FileSpec| dir.path().join(spec.name);
    let endpoint = "s3-endpoint: one-1\n\taccess-key a\n\tendpoint h\n\tsecret-key b\n\ns3-endpoint: two-2\n\taccess-key a\n\tendpoint h\n\tsecret-key b\n";
    std::fs::write(file(FileSpec::S3), endpoint).unwrap();
    let datastores = "datastore: tank\n\tbackend type=s3,client=one-1,bucket=bucket\n\tpath /tank\n\ndatastore: plain\n\tpath /plain\n";
    std::fs::write(file(FileSpec::DATASTORE), datastores).unwrap();
    refused(
        edit::remove_s3_endpoint(&dir, "one-1", &None),
        "in-use by datastore tank",
    );
    edit::remove_s3_endpoint(&dir, "two-2", &None).unwrap();
    refused(
        edit::remove_s3_endpoint(&dir, "two-2", &None),
        "s3 endpoint 'two-2' does not exist.",
    );
}

#[test]
fn keys_are_archived_before_they_go() {
    let (_temp, dir) = config_dir();
    let now = 1_800_000_000;
    let toggle = |id: &str| edit::toggle_encryption_key_archive(&dir, id, &None, now);
    edit::create_encryption_key(&dir, "key-1", &key()).unwrap();
    edit::create_encryption_key(&dir, "key-2", &key()).unwrap();
    refused(
        edit::create_encryption_key(&dir, "key-1", &key()),
        "parameter verification failed - 'id': encryption key 'key-1' already exists.",
    );
    let path = dir.path().join("encryption-keys/key-1.enc");
    assert_eq!(
        KeyFile::from_json(&std::fs::read(&path).unwrap()).unwrap(),
        key()
    );
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(
        text(&dir, FileSpec::ENCRYPTION_KEYS)
            .lines()
            .take(6)
            .collect::<Vec<_>>(),
        [
            "sync-key: key-1",
            "\tcreated 1700000000",
            "\thint h",
            "\tkdf none",
            "\tmodified 1700000100",
            &format!("\tpath {}", path.display()),
        ]
    );

    refused(
        edit::remove_encryption_key(&dir, "key-1", &None),
        "encryption key 'key-1' is not archived; archive it before it is removed",
    );
    let job = json!({"id": "job-1", "store": "tank", "remote": "other", "remote-store": "vault", "sync-direction": "push", "active-encryption-key": "key-1"});
    edit::create_sync_job(&dir, members(job)).unwrap();
    refused(
        toggle("key-1"),
        "encryption key 'key-1' is used by sync job 'job-1'; change the job first",
    );

    // The key that is replaced decrypts from then on, and that one too that is taken away.
    let change = json!({"id": "job-1", "active-encryption-key": "key-2"});
    let (_, job) = edit::update_sync_job(&dir, members(change), allow::<SyncJob>).unwrap();
    assert_eq!(job.associated_key, ["key-1"]);
    assert_eq!(toggle("key-1").unwrap().archived_at, Some(now));
    refused(
        edit::remove_encryption_key(&dir, "key-1", &None),
        "encryption key 'key-1' is used by sync job 'job-1'; change the job first",
    );
    let change = json!({"id": "job-1", "delete": ["active-encryption-key"]});
    let (_, job) = edit::update_sync_job(&dir, members(change), allow::<SyncJob>).unwrap();
    assert_eq!(job.associated_key, ["key-1", "key-2"]);
    let change = json!({"id": "job-1", "active-encryption-key": "key-1"});
    refused(
        edit::update_sync_job(&dir, members(change), allow::<SyncJob>),
        "parameter verification failed - 'active-encryption-key': an archived key does not encrypt",
    );
    let change = json!({"id": "job-1", "active-encryption-key": "key-3"});
    refused(
        edit::update_sync_job(&dir, members(change), allow::<SyncJob>),
        "no such sync-key 'key-3'",
    );
    let change = json!({"id": "job-1", "delete": ["associated-key"]});
    edit::update_sync_job(&dir, members(change), allow::<SyncJob>).unwrap();
    edit::remove_encryption_key(&dir, "key-1", &None).unwrap();
    assert!(!path.exists());
    assert_eq!(toggle("key-2").unwrap().archived_at, Some(now));
    assert_eq!(toggle("key-2").unwrap().archived_at, None);
    assert_eq!(edit::entries::<EncryptionKey>(&dir).unwrap().0.len(), 1);
}

#[test]
fn sides_of_a_sync_fit_together() {
    let (_temp, dir) = config_dir();
    for (job, expected) in [
        (
            json!({"id": "job-1", "store": "tank", "remote-store": "tank"}),
            Err("can't sync to same datastore"),
        ),
        (
            json!({"id": "job-1", "store": "tank", "remote-store": "vault", "sync-direction": "push"}),
            Err("parameter verification failed - 'remote': a push job needs a remote"),
        ),
        (
            json!({"id": "job-1", "store": "tank", "remote-store": "vault", "ns": "a/b", "max-depth": 6}),
            Err(
                "parameter verification failed - 'max-depth': namespace and levels below it are together more than 7",
            ),
        ),
        (
            json!({"id": "job-1", "store": "tank", "remote-store": "vault", "remote-ns": "a", "max-depth": 7}),
            Err(
                "parameter verification failed - 'max-depth': namespace and levels below it are together more than 7",
            ),
        ),
        (
            json!({"id": "job-1", "store": "tank", "remote-store": "tank", "remote": "other", "ns": "a/b", "max-depth": 5, "comment": " ", "remote-ns": "", "group-filter": ["include:type:vm"], "rate-in": "10MiB"}),
            Ok(
                "sync: job-1\n\tgroup-filter type:vm\n\tmax-depth 5\n\tns a/b\n\trate-in 10 MiB\n\tremote other\n\tremote-store tank\n\tstore tank\n",
            ),
        ),
    ] {
        let made = edit::create_sync_job(&dir, members(job.clone()));
        match expected {
            Err(expected) => refused(made, expected),
            Ok(expected) => {
                let made = made.unwrap_or_else(|error| panic!("{job}: {error}"));
                assert!(made.owner.is_none_or(|owner| owner == AuthId::root()));
                assert_eq!(text(&dir, FileSpec::SYNC), expected);
            }
        }
    }
    let change = json!({"id": "job-1", "delete": ["remote"]});
    refused(
        edit::update_sync_job(&dir, members(change), allow::<SyncJob>),
        "can't sync to same datastore",
    );
}

/// A rule without a network could be written, and then the file not be read again.
#[test]
fn lists_that_must_be_there_are_not_empty() {
    let (_temp, dir) = config_dir();
    let missing =
        "parameter verification failed - 'network': parameter is missing and it is not optional.";
    let rule = json!({"name": "one", "network": []});
    refused(
        edit::create_entry::<TrafficRule>(&dir, members(rule)),
        missing,
    );
    let rule = json!({"name": "one", "network": ["10.0.0.0/8"], "users": []});
    edit::create_entry::<TrafficRule>(&dir, members(rule)).unwrap();
    let change = json!({"name": "one", "network": []});
    refused(
        edit::update_entry(&dir, members(change), allow::<TrafficRule>),
        missing,
    );
    assert_eq!(
        text(&dir, FileSpec::TRAFFIC_CONTROL),
        "rule: one\n\tnetwork 10.0.0.0/8\n"
    );
}

/// A name belongs to one of the two types; "enable" is written only where it says something.
#[test]
fn metric_servers_share_their_names() {
    let (_temp, dir) = config_dir();
    let http = json!({"name": "one", "url": "http://h", "enable": true});
    edit::create_entry::<InfluxHttp>(&dir, members(http)).unwrap();
    let udp = json!({"name": "one", "host": "h:1"});
    refused(
        edit::create_entry::<InfluxUdp>(&dir, members(udp)),
        "parameter verification failed - 'name': metric server 'one' already exists.",
    );
    refused(
        edit::remove_entry::<InfluxUdp>(&dir, "one", &None),
        "metric server 'one' does not exist.",
    );
    refused(
        edit::find_entry::<InfluxUdp>(&dir, "one"),
        "no such influxdb-udp 'one'",
    );
    assert_eq!(
        text(&dir, FileSpec::METRIC_SERVER),
        "influxdb-http: one\n\turl http://h\n"
    );
}

#[test]
fn plugins_and_accounts() {
    let (_temp, dir) = config_dir();
    assert_eq!(edit::acme_accounts(&dir).unwrap(), [""; 0]);
    // 0xfb 0xff is `+/8=` in ordinary base64 and `-_8` in the URL-safe one.
    let plugin =
        json!({"id": "p", "type": "dns", "api": "pdns", "data": "+/8=", "validation-delay": 5});
    let made = edit::create_acme_plugin(&dir, members(plugin)).unwrap();
    assert_eq!(
        text(&dir, FileSpec::ACME_PLUGINS),
        "dns: p\n\tapi pdns\n\tdata -_8\n\tvalidation-delay 5\n"
    );
    assert_eq!(
        config::Entry::shown(&made).unwrap(),
        json!({"api": "pdns", "data": "+/8=", "plugin": "p", "type": "dns", "validation-delay": 5})
    );
    for (plugin, expected) in [
        (
            json!({"id": "q", "type": "standalone", "api": "a", "data": ""}),
            "plugin 'standalone' is built in and cannot be changed",
        ),
        (
            json!({"id": "standalone", "type": "dns", "api": "a", "data": ""}),
            "plugin 'standalone' is built in and cannot be changed",
        ),
        (
            json!({"id": "p", "type": "dns", "api": "a", "data": ""}),
            "parameter verification failed - 'id': ACME plugin 'p' already exists.",
        ),
    ] {
        refused(edit::create_acme_plugin(&dir, members(plugin)), expected);
    }
    let wrong = json!({"id": "p", "data": "=="});
    let error = edit::update_acme_plugin(&dir, members(wrong))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("parameter verification failed - 'data': no base64"),
        "{error}"
    );
    let folder = dir.path().join("acme/accounts");
    std::fs::create_dir_all(&folder).unwrap();
    let account = json!({
        "location": "https://ca/acct/1",
        "account": {"contact": ["mailto:a@b"], "status": "valid", "onlyReturnExisting": false, "later": 1},
        "key": "PRIVATE",
        "tos": "https://ca/tos",
        "directoryUrl": "https://ca/directory",
    });
    for name in ["default", "_deactivated_old_0", ".hidden"] {
        std::fs::write(folder.join(name), account.to_string()).unwrap();
    }
    assert_eq!(edit::acme_accounts(&dir).unwrap(), ["default"]);
    let shown = config::files::AcmeAccountShown::from(edit::acme_account(&dir, "default").unwrap());
    assert_eq!(
        json!(shown),
        json!({
            "account": account["account"],
            "directory": "https://ca/directory",
            "location": "https://ca/acct/1",
            "tos": "https://ca/tos",
        })
    );
    refused(
        edit::acme_account(&dir, "other"),
        "no such ACME account 'other'",
    );
}
