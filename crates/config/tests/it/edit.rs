//! Whole changes: what they write, and the words in which they refuse.

use api::rest::access::{AclUpdate, TokenChange, UserCreate, UserUpdate};
use api::schema::Schema;
use config::edit::{self, DATASTORE_CREATE, DATASTORE_UPDATE, DatastoreRemoval, EditError};
use config::files::{Datastore, Datastores, Shadow, Users};
use config::{ConfigDir, FileSpec, password};
use serde_json::{Map, Value, json};

use super::fixtures::config_dir;

fn request<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("valid request")
}

fn members(schema: &Schema, value: Value) -> Map<String, Value> {
    schema
        .check(value.as_object().cloned().expect("an object"))
        .expect("valid parameters")
}

fn text(dir: &ConfigDir, spec: FileSpec) -> String {
    dir.read(spec).expect("file is readable").0
}

fn create_user(dir: &ConfigDir, value: Value) -> Result<(), EditError> {
    edit::create_user(dir, &request::<UserCreate>(value))
}

#[test]
fn users_come_and_go() {
    let (_temp, dir) = config_dir();
    create_user(
        &dir,
        json!({"userid": "tmp@pbs", "password": "tmp-test-1", "comment": "temporary"}),
    )
    .unwrap();
    assert_eq!(
        text(&dir, FileSpec::USER),
        "user: root@pam\n\tcomment Superuser\n\nuser: tmp@pbs\n\tcomment temporary\n"
    );
    let shadow = Shadow::parse("shadow.json", &text(&dir, FileSpec::SHADOW)).unwrap();
    assert_eq!(password::verify(b"tmp-test-1", &shadow.0["tmp"]), Ok(true));
    let refused = |result: Result<(), EditError>| result.expect_err("must be refused").to_string();
    assert_eq!(
        refused(create_user(&dir, json!({"userid": "tmp@pbs"}))),
        "user 'tmp@pbs' already exists."
    );
    assert!(
        refused(create_user(&dir, json!({"userid": "tmp@nope"})))
            .contains("realm 'nope' does not exist")
    );
    assert!(
        refused(create_user(
            &dir,
            json!({"userid": "a@pam", "password": "12345678"})
        ))
        .contains("realm 'pam'")
    );
    assert!(
        !text(&dir, FileSpec::USER).contains("a@pam"),
        "a refused creation leaves nothing"
    );

    let update = |value: Value| edit::update_user(&dir, &request::<UserUpdate>(value));
    update(json!({"userid": "tmp@pbs", "comment": "changed", "enable": false, "expire": 5, "email": "a@b"})).unwrap();
    assert!(
        text(&dir, FileSpec::USER)
            .contains("\tcomment changed\n\temail a@b\n\tenable false\n\texpire 5\n")
    );
    update(json!({"userid": "tmp@pbs", "comment": " ", "enable": true, "expire": 0, "delete": ["email"]})).unwrap();
    assert!(
        text(&dir, FileSpec::USER).ends_with("user: tmp@pbs\n"),
        "defaults are not stored"
    );
    assert_eq!(
        refused(update(json!({"userid": "none@pbs"}))),
        "no such user 'none@pbs'"
    );
    let stale = json!({"userid": "tmp@pbs", "digest": "0".repeat(64)});
    assert_eq!(
        refused(update(stale)),
        "detected modified configuration - file changed by other user? Try again."
    );
}

#[test]
fn removing_a_user_takes_all_but_its_own_entries() {
    let (_temp, dir) = config_dir();
    create_user(&dir, json!({"userid": "tmp@pbs", "password": "tmp-test-1"})).unwrap();
    create_user(
        &dir,
        json!({"userid": "stay@pbs", "password": "stay-test-1"}),
    )
    .unwrap();
    let token = |user: &str| {
        edit::create_token(
            &dir,
            &request::<TokenChange>(json!({"userid": user, "token-name": "t1"})),
        )
        .unwrap()
    };
    token("tmp@pbs");
    token("stay@pbs");
    for id in ["tmp@pbs", "tmp@pbs!t1", "stay@pbs!t1"] {
        edit::update_acl(
            &dir,
            &request::<AclUpdate>(json!({"path": "/", "role": "Audit", "auth-id": id})),
        )
        .unwrap();
    }
    let tfa = dir.lock(FileSpec::TFA).unwrap();
    tfa.replace(
        br#"{"webauthn":{"rp":"r","id":"x"},"users":{"tmp@pbs":{"totp":[]},"stay@pbs":{"totp":[{"id":"a","created":1,"entry":"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ"}]}}}"#,
    )
    .unwrap();
    drop(tfa);
    let userid = "tmp@pbs".parse().unwrap();
    edit::remove_user(&dir, &userid, &None).unwrap();
    assert!(!text(&dir, FileSpec::USER).contains("tmp@pbs"));
    assert!(
        !text(&dir, FileSpec::SHADOW).contains("\"tmp\"")
            && text(&dir, FileSpec::SHADOW).contains("\"stay\"")
    );
    assert!(
        !text(&dir, FileSpec::TOKEN_SHADOW).contains("tmp@pbs")
            && text(&dir, FileSpec::TOKEN_SHADOW).contains("stay@pbs!t1")
    );
    assert_eq!(
        text(&dir, FileSpec::ACL),
        "acl:1:/:stay@pbs!t1,tmp@pbs:Audit\n"
    );
    assert_eq!(
        text(&dir, FileSpec::TFA),
        r#"{"webauthn":{"rp":"r","id":"x"},"users":{"stay@pbs":{"totp":[{"id":"a","created":1,"entry":"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ"}]}}}"#
    );
    assert_eq!(
        edit::remove_user(&dir, &userid, &None)
            .expect_err("gone")
            .to_string(),
        "user 'tmp@pbs' does not exist."
    );
}

#[test]
fn tokens_come_and_go() {
    let (_temp, dir) = config_dir();
    create_user(&dir, json!({"userid": "tmp@pbs"})).unwrap();
    let change = |value: Value| request::<TokenChange>(value);
    let made = edit::create_token(
        &dir,
        &change(json!({"userid": "tmp@pbs", "token-name": "t1", "comment": "tok"})),
    )
    .unwrap();
    assert_eq!(made.tokenid.to_string(), "tmp@pbs!t1");
    let shadow = |dir: &ConfigDir| {
        Shadow::parse("token.shadow", &text(dir, FileSpec::TOKEN_SHADOW)).unwrap()
    };
    assert_eq!(
        password::verify(made.secret.as_bytes(), &shadow(&dir).0["tmp@pbs!t1"]),
        Ok(true)
    );
    let again = edit::create_token(
        &dir,
        &change(json!({"userid": "tmp@pbs", "token-name": "t1"})),
    );
    assert!(matches!(again, Err(EditError::TokenExists(_))));
    assert!(matches!(
        edit::create_token(
            &dir,
            &change(json!({"userid": "no@pbs", "token-name": "t1"}))
        ),
        Err(EditError::NoSuchUser(_))
    ));
    let new = edit::update_token(
        &dir,
        &change(
            json!({"userid": "tmp@pbs", "token-name": "t1", "regenerate": true, "delete": ["comment"]}),
        ),
    );
    let new = new.unwrap().expect("a new secret");
    assert_eq!(
        password::verify(made.secret.as_bytes(), &shadow(&dir).0["tmp@pbs!t1"]),
        Ok(false)
    );
    assert_eq!(
        password::verify(new.secret.as_bytes(), &shadow(&dir).0["tmp@pbs!t1"]),
        Ok(true)
    );
    let users = Users::parse(&text(&dir, FileSpec::USER)).unwrap();
    assert_eq!(users.token(&made.tokenid).unwrap().unwrap().comment, None);
    edit::update_acl(
        &dir,
        &request(json!({"path": "/", "role": "Audit", "auth-id": "tmp@pbs!t1"})),
    )
    .unwrap();
    let (user, name) = ("tmp@pbs".parse().unwrap(), "t1".parse().unwrap());
    edit::delete_token(&dir, &user, &name, &None).unwrap();
    assert_eq!(
        (
            text(&dir, FileSpec::ACL),
            text(&dir, FileSpec::TOKEN_SHADOW)
        ),
        (String::new(), "{}".to_owned())
    );
    assert!(matches!(
        edit::delete_token(&dir, &user, &name, &None),
        Err(EditError::TokenMissing(_))
    ));
}

/// Else a token removed at this moment would leave an entry for the next one of its name.
#[test]
fn entries_are_made_only_while_nobody_changes_the_users() {
    let (_temp, dir) = config_dir();
    create_user(&dir, json!({"userid": "low2@pbs"})).unwrap();
    let hurried = dir.clone().with_lock_timeout(std::time::Duration::ZERO);
    let update = |delete: bool| {
        edit::update_acl(
            &hurried,
            &request(
                json!({"path": "/", "role": "Audit", "auth-id": "low2@pbs", "delete": delete}),
            ),
        )
    };
    let removing = dir.lock(FileSpec::USER).unwrap();
    assert!(update(false).is_err(), "an entry for somebody who may go");
    update(true).unwrap();
    drop(removing);
    update(false).unwrap();
}

#[test]
fn access_control_entries() {
    let (_temp, dir) = config_dir();
    create_user(&dir, json!({"userid": "low2@pbs"})).unwrap();
    let update = |value: Value| edit::update_acl(&dir, &request::<AclUpdate>(value));
    update(json!({"path": "/datastore/peer", "role": "DatastoreAudit", "auth-id": "low2@pbs"}))
        .unwrap();
    update(json!({"path": "/datastore/peer", "role": "DatastoreBackup", "auth-id": "low2@pbs", "propagate": false})).unwrap();
    assert_eq!(
        text(&dir, FileSpec::ACL),
        "acl:0:/datastore/peer:low2@pbs:DatastoreBackup\nacl:1:/datastore/peer:low2@pbs:DatastoreAudit\n"
    );
    let rows = [
        (
            json!({"path": "/nope/peer", "role": "Admin", "auth-id": "low2@pbs"}),
            "invalid acl path '/nope/peer'.",
        ),
        (
            json!({"path": "/", "role": "Admin", "auth-id": "none@pbs"}),
            "no such user.",
        ),
        (
            json!({"path": "/", "role": "Admin", "auth-id": "low2@pbs!none"}),
            "no such API token.",
        ),
        (
            json!({"path": "/", "role": "Admin"}),
            "missing 'userid' or 'group' parameter.",
        ),
        (
            json!({"path": "/", "role": "Admin", "group": "staff"}),
            "parameter 'group' - groups are currently not supported.",
        ),
    ];
    for (value, expected) in rows {
        assert_eq!(
            update(value).expect_err("must be refused").to_string(),
            expected
        );
    }
    update(json!({"path": "/datastore/peer", "role": "DatastoreAudit", "auth-id": "low2@pbs", "delete": true})).unwrap();
    update(json!({"path": "/any/where", "role": "Admin", "auth-id": "gone@pbs", "delete": true}))
        .unwrap();
    assert_eq!(
        text(&dir, FileSpec::ACL),
        "acl:0:/datastore/peer:low2@pbs:DatastoreBackup\n"
    );
}

fn datastore(name: &str, path: &str) -> Datastore {
    Datastore::new(name.parse().expect("valid name"), path.to_owned())
}

#[test]
fn datastores_are_created_apart_from_each_other() {
    let (_temp, dir) = config_dir();
    let mut made = Vec::new();
    edit::create_datastore(&dir, &datastore("one", "/srv/one"), |new| {
        made.push(new.path.clone());
        Ok(())
    })
    .unwrap();
    assert_eq!(made, ["/srv/one"]);
    let refused = |name: &str, path: &str| {
        edit::create_datastore(&dir, &datastore(name, path), |_| panic!("must not be made"))
            .expect_err("must be refused")
            .to_string()
    };
    assert_eq!(
        refused("one", "/srv/two"),
        "parameter verification failed - 'name': datastore 'one' already exists."
    );
    for path in ["/", "relative", "/srv/../etc", ""] {
        assert!(refused("two", path).contains("must be absolute"), "{path}");
    }
    for path in ["/srv/one", "/srv/one/below", "/srv"] {
        assert!(refused("two", path).contains("nested datastores"), "{path}");
    }
    let failed = edit::create_datastore(&dir, &datastore("two", "/srv/one2"), |_| {
        Err("disk is gone".into())
    })
    .expect_err("making failed");
    assert_eq!(failed.to_string(), "cannot create datastore 'two'");
    assert_eq!(
        std::error::Error::source(&failed).unwrap().to_string(),
        "disk is gone"
    );
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: one\n\tpath /srv/one\n"
    );
}

/// Two datastores over the same chunks would collect each other's as garbage.
#[test]
fn a_datastore_has_no_second_name() {
    let (temp, dir) = config_dir();
    let real = temp.path().join("real");
    std::fs::create_dir_all(real.join("one/.chunks")).unwrap();
    let link = temp.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let path = |path: std::path::PathBuf| path.display().to_string();
    edit::create_datastore(&dir, &datastore("one", &path(real.join("one"))), |_| Ok(())).unwrap();
    for other in [link.join("one"), link.join("one/below"), link.clone()] {
        let new = datastore("two", &path(other));
        for refused in [
            edit::create_datastore(&dir, &new, |_| panic!("must not be made")).map(drop),
            edit::check_datastore(&dir, &new),
        ] {
            let text = refused.expect_err("one place").to_string();
            assert!(text.contains("of datastore 'one'"), "{text}");
        }
    }
    edit::create_datastore(&dir, &datastore("two", &path(link.join("two"))), |_| Ok(())).unwrap();
}

/// Making a chunk store takes long; everybody else who changed a datastore meanwhile ran into the time limit of the lock.
#[test]
fn a_creation_keeps_nobody_else_waiting() {
    let (_temp, dir) = config_dir();
    let impatient = dir.clone().with_lock_timeout(std::time::Duration::ZERO);
    edit::create_datastore(&dir, &datastore("one", "/srv/one"), |_| {
        let lock = impatient.lock(FileSpec::DATASTORE)?;
        Ok(lock.replace(b"datastore: old\n\tpath /srv/old\n")?)
    })
    .unwrap();
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: old\n\tpath /srv/old\n\ndatastore: one\n\tpath /srv/one\n"
    );
    let late = edit::create_datastore(&dir, &datastore("two", "/srv/two"), |_| {
        let lock = impatient.lock(FileSpec::DATASTORE)?;
        Ok(lock.replace(b"datastore: old\n\tpath /srv\n")?)
    });
    assert!(
        late.expect_err("nested by now")
            .to_string()
            .contains("nested datastores")
    );
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: old\n\tpath /srv\n"
    );
}

#[test]
fn of_two_creations_at_once_the_second_sees_the_first() {
    let (_temp, dir) = config_dir();
    let made = std::sync::atomic::AtomicUsize::new(0);
    let create = |name: &str, path: &str| {
        edit::create_datastore(&dir, &datastore(name, path), |_| {
            made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        })
        .is_ok()
    };
    let done = std::thread::scope(|scope| {
        [("one", "/srv/x"), ("two", "/srv/x/y"), ("one", "/srv/z")]
            .map(|(name, path)| scope.spawn(move || create(name, path)))
            .map(|thread| thread.join().expect("no panic"))
    });
    let count = done.iter().filter(|done| **done).count();
    assert_eq!(
        made.into_inner(),
        count,
        "nothing was made in vain: {done:?}"
    );
    assert!((1..=2).contains(&count));
}

#[test]
fn prune_settings_become_a_job() {
    let (_temp, dir) = config_dir();
    let value = json!({"name": "one", "path": "/srv/one", "keep-last": 3, "prune-schedule": "hourly", "gc-schedule": "daily"});
    let new: Datastore = api::schema::decode(members(&DATASTORE_CREATE, value)).unwrap();
    edit::create_datastore(&dir, &new, |_| Ok(())).unwrap();
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: one\n\tgc-schedule daily\n\tpath /srv/one\n"
    );
    let job = text(&dir, FileSpec::PRUNE);
    let (header, rest) = job.split_once('\n').unwrap();
    assert!(
        header.starts_with("prune: default-one-") && header.len() == "prune: ".len() + 32,
        "{header}"
    );
    assert_eq!(rest, "\tkeep-last 3\n\tschedule hourly\n\tstore one\n");
}

#[test]
fn datastores_are_changed() {
    let (_temp, dir) = config_dir();
    edit::create_datastore(&dir, &datastore("peer", "/srv/peer"), |_| Ok(())).unwrap();
    let update = |value: Value| edit::update_datastore(&dir, members(&DATASTORE_UPDATE, value));
    update(json!({"name": "peer", "comment": "reference", "gc-schedule": "daily", "verify-new": false})).unwrap();
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: peer\n\tcomment reference\n\tgc-schedule daily\n\tpath /srv/peer\n\tverify-new false\n"
    );
    update(json!({"name": "peer", "comment": " ", "delete": ["gc-schedule", "verify-new"], "gc-schedule": "weekly"})).unwrap();
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: peer\n\tgc-schedule weekly\n\tpath /srv/peer\n"
    );
    let refused = |value: Value| update(value).expect_err("must be refused").to_string();
    assert_eq!(refused(json!({"name": "nope"})), "no such datastore 'nope'");
    assert_eq!(
        refused(json!({"name": "peer", "keep-last": 1})),
        "datastore prune settings have been replaced by prune jobs"
    );
    let stale = json!({"name": "peer", "digest": "0".repeat(64)});
    assert_eq!(
        refused(stale),
        "detected modified configuration - file changed by other user? Try again."
    );
    update(json!({"name": "peer", "maintenance-mode": "delete"})).unwrap();
    assert_eq!(
        refused(json!({"name": "peer", "delete": ["maintenance-mode"]})),
        "datastore is being deleted"
    );
    assert_eq!(
        refused(json!({"name": "peer", "maintenance-mode": "offline"})),
        "datastore is being deleted"
    );
    update(json!({"name": "peer", "comment": "still"})).expect("other settings may change");
}

#[test]
fn unmounting_respects_what_an_administrator_has_set() {
    let (_temp, dir) = config_dir();
    let name = "one".parse().unwrap();
    edit::create_datastore(&dir, &datastore("one", "/srv/one"), |_| Ok(())).unwrap();
    let mode = || {
        let file = Datastores::parse(&text(&dir, FileSpec::DATASTORE)).unwrap();
        file.get(&name).unwrap().unwrap().maintenance_mode
    };
    let set = |mode: &str| {
        let members = json!({"name": "one", "maintenance-mode": mode});
        edit::update_datastore(&dir, members.as_object().unwrap().clone()).unwrap();
    };
    edit::begin_unmount(&dir, &name).unwrap();
    assert_eq!(mode().as_deref(), Some("unmount"));
    // A server that died left it.
    edit::begin_unmount(&dir, &name).unwrap();
    edit::end_unmount(&dir, &name).unwrap();
    assert_eq!(mode(), None);
    edit::end_unmount(&dir, &name).unwrap();

    edit::begin_unmount(&dir, &name).unwrap();
    set("offline");
    edit::end_unmount(&dir, &name).unwrap();
    assert_eq!(mode().as_deref(), Some("offline"), "set meanwhile");
    for other in ["offline", "read-only", "delete"] {
        set(other);
        let refused = edit::begin_unmount(&dir, &name).expect_err("somebody's wish");
        assert!(
            refused
                .to_string()
                .starts_with("datastore 'one' is unavailable: ")
        );
        assert_eq!(mode().as_deref(), Some(other));
        edit::end_unmount(&dir, &name).unwrap();
        assert_eq!(mode().as_deref(), Some(other));
    }
}

const JOBS: [(FileSpec, &str); 3] = [
    (
        FileSpec::PRUNE,
        "prune: p-one\n\tschedule daily\n\tstore one\n\nprune: p-two\n\tschedule daily\n\tstore two\n",
    ),
    (FileSpec::VERIFICATION, "verification: v-one\n\tstore one\n"),
    (
        FileSpec::SYNC,
        "sync: s-two\n\tgroup-filter type:vm\n\tremote-store x-y\n\tstore two\n",
    ),
];

#[test]
fn removing_a_datastore_takes_jobs_and_entries() {
    let (_temp, dir) = config_dir();
    for name in ["one", "two"] {
        edit::create_datastore(&dir, &datastore(name, &format!("/srv/{name}")), |_| Ok(()))
            .unwrap();
    }
    for (spec, content) in JOBS {
        dir.lock(spec).unwrap().replace(content.as_bytes()).unwrap();
    }
    dir.lock(FileSpec::ACL)
        .unwrap()
        .replace(
            b"acl:1:/datastore/one/ns:root@pam!t:Audit\nacl:1:/datastore/two:root@pam!t:Audit\n",
        )
        .unwrap();
    let name = "one".parse().unwrap();
    let files = [
        FileSpec::DATASTORE,
        FileSpec::ACL,
        FileSpec::PRUNE,
        FileSpec::VERIFICATION,
    ];
    let all = || files.map(|spec| text(&dir, spec));
    let before = all();
    let busy = edit::remove_datastore(
        &dir,
        &name,
        &DatastoreRemoval::default(),
        |marked| {
            assert_eq!(marked.maintenance_mode.as_deref(), Some("delete"));
            assert!(text(&dir, FileSpec::DATASTORE).contains("maintenance-mode delete"));
            Err::<(), _>("busy".into())
        },
        |()| panic!("somebody uses it"),
    );
    assert_eq!(
        busy.expect_err("somebody uses it").to_string(),
        "cannot remove datastore 'one'"
    );
    assert_eq!(all(), before, "nothing was lost");
    let failed = edit::remove_datastore(
        &dir,
        &name,
        &DatastoreRemoval::default(),
        |_| Ok(()),
        |()| Err("disk error".into()),
    );
    failed.expect_err("destroying failed");
    let marked = Datastores::parse(&text(&dir, FileSpec::DATASTORE))
        .unwrap()
        .get(&name)
        .unwrap()
        .expect("still there");
    assert_eq!(marked.maintenance_mode.as_deref(), Some("delete"));
    // What was begun earlier is not taken back.
    let busy = |_: &Datastore| Err::<(), _>("busy".into());
    edit::remove_datastore(&dir, &name, &DatastoreRemoval::default(), busy, |()| Ok(()))
        .expect_err("busy");
    assert!(text(&dir, FileSpec::DATASTORE).contains("maintenance-mode delete"));
    let mut destroyed = false;
    edit::remove_datastore(
        &dir,
        &name,
        &DatastoreRemoval::default(),
        |old| Ok(old.path.clone()),
        |path| {
            destroyed = path == "/srv/one";
            Ok(())
        },
    )
    .unwrap();
    assert!(destroyed);
    assert_eq!(
        text(&dir, FileSpec::DATASTORE),
        "datastore: two\n\tpath /srv/two\n"
    );
    assert_eq!(
        text(&dir, FileSpec::PRUNE),
        "prune: p-two\n\tschedule daily\n\tstore two\n"
    );
    assert_eq!(text(&dir, FileSpec::VERIFICATION), "");
    assert_eq!(text(&dir, FileSpec::SYNC), JOBS[2].1);
    assert_eq!(
        text(&dir, FileSpec::ACL),
        "acl:1:/datastore/two:root@pam!t:Audit\n"
    );
    let free = |_: &Datastore| Ok(());
    let gone = edit::remove_datastore(&dir, &name, &DatastoreRemoval::default(), free, |()| Ok(()))
        .expect_err("gone");
    assert_eq!(gone.to_string(), "datastore 'one' does not exist.");
    let keep = DatastoreRemoval {
        keep_job_configs: true,
        digest: None,
    };
    edit::remove_datastore(&dir, &"two".parse().unwrap(), &keep, free, |()| Ok(())).unwrap();
    assert_eq!(
        (text(&dir, FileSpec::DATASTORE), text(&dir, FileSpec::SYNC)),
        (String::new(), JOBS[2].1.to_owned())
    );
}
