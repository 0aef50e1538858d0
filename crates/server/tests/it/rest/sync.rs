//! Sync jobs: who sees, changes and runs them, by the rights on both sides; and what their schedule does in this build.

use serde_json::{Value, json};

use super::site::{Login, Site, fixtures};

const DAY: i64 = 86_400;

async fn ask(site: &Site, login: &Login, verb: &str, target: &str, body: &str) -> (u16, String) {
    let target = format!("/api2/json/{target}");
    let answer = site.call(login, verb, &target, body).await;
    (answer.status, answer.text())
}

async fn ids(site: &Site, login: &Login, target: &str) -> Vec<String> {
    let (status, text) = ask(site, login, "GET", target, "").await;
    assert_eq!(status, 200, "{target}: {text}");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let id = |job: &Value| job["id"].as_str().expect("id").to_owned();
    answer["data"]
        .as_array()
        .expect("list")
        .iter()
        .map(id)
        .collect()
}

/// Each step gives `low2@pbs` one more right (a role with nothing else) until the job may be made.
#[tokio::test]
async fn rights_on_both_sides() {
    let Some(fixtures) = fixtures() else { return };
    // What is asked for, then roles and where they are given, in order: with all of them it works, without the last it does not.
    let backup = ("/datastore/peer", "DatastorePowerUser");
    let audit = ("/datastore/peer", "DatastoreAudit");
    let read = ("/remote/far/vault", "RemoteSyncOperator");
    let push = ("/remote/far/vault", "RemoteDatastorePowerUser");
    let rows: [(&str, Vec<(&str, &str)>); 8] = [
        (
            "remote=far&remote-store=vault&owner=low2@pbs",
            vec![backup, audit, read],
        ),
        // The owner is another: more than a power user.
        (
            "remote=far&remote-store=vault",
            vec![read, audit, backup, ("/datastore/peer", "DatastoreAdmin")],
        ),
        // A token of the caller is the caller's to act for.
        (
            "remote=far&remote-store=vault&owner=low2@pbs!t-1",
            vec![read, audit, backup],
        ),
        (
            "remote=far&remote-store=vault&owner=low2@pbs&remove-vanished=1",
            vec![read, audit, ("/datastore/peer", "DatastoreBackup"), backup],
        ),
        ("remote-store=other&owner=low2@pbs", vec![audit, backup]),
        // A namespace has rights of its own.
        (
            "remote-store=other&owner=low2@pbs&ns=a",
            vec![
                ("/datastore/peer/a", "DatastorePowerUser"),
                ("/datastore/peer/a", "DatastoreAudit"),
            ],
        ),
        (
            "sync-direction=push&remote=far&remote-store=vault&remote-ns=x&owner=low2@pbs",
            vec![
                backup,
                audit,
                ("/remote/far/vault/x", "RemoteSyncPushOperator"),
            ],
        ),
        (
            "sync-direction=push&remote=far&remote-store=vault&remove-vanished=1",
            vec![
                backup,
                ("/datastore/peer", "DatastoreReader"),
                ("/remote/far/vault", "RemoteSyncPushOperator"),
                push,
            ],
        ),
    ];
    for (asked, roles) in rows {
        let site = Site::start(&fixtures, "").await;
        let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low2@pbs").await);
        let body = format!("id=job-1&store=peer&{asked}");
        let forbidden = (400, "permission check failed".to_owned());
        for (path, role) in roles {
            let refused = ask(&site, &low, "POST", "config/sync", &body).await;
            assert_eq!(refused, forbidden, "{asked} before {role}");
            let acl = format!("path={path}&role={role}&auth-id=low2%40pbs");
            let given = ask(&site, &admin, "PUT", "access/acl", &acl).await;
            assert_eq!(given.0, 200, "{}", given.1);
        }
        let made = ask(&site, &low, "POST", "config/sync", &body).await;
        assert_eq!(made.0, 200, "{asked}: {}", made.1);
        let change = ask(&site, &low, "PUT", "config/sync/job-1", "comment=x").await;
        assert_eq!(change.0, 200, "{asked}: {}", change.1);
        // To another place, where nothing may be done.
        let moved = ask(&site, &low, "PUT", "config/sync/job-1", "store=third").await;
        assert_eq!(moved, forbidden, "{asked}");
        let run = ask(&site, &low, "POST", "admin/sync/job-1/run", "").await;
        assert_eq!(run.0, 501, "{asked}: {}", run.1);
        let gone = ask(&site, &low, "DELETE", "config/sync/job-1", "").await;
        assert_eq!(gone.0, 200, "{asked}: {}", gone.1);
        site.end().await;
    }
}

#[tokio::test]
async fn who_sees_which() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low2@pbs").await);
    for body in [
        "id=far-pull&store=peer&remote=far&remote-store=vault&schedule=daily",
        "id=local&store=peer&remote-store=other",
        "id=far-push&store=peer&remote=far&remote-store=vault&sync-direction=push",
        "id=third&store=third&remote-store=other&sync-direction=pull",
    ] {
        let made = ask(&site, &admin, "POST", "config/sync", body).await;
        assert_eq!(made.0, 200, "{}", made.1);
    }
    for list in ["config/sync", "admin/sync"] {
        assert_eq!(
            ids(&site, &admin, list).await,
            ["far-pull", "local", "third"],
            "{list}"
        );
        let push = format!("{list}?sync-direction=push");
        assert_eq!(ids(&site, &admin, &push).await, ["far-push"]);
        let all = format!("{list}?sync-direction=all");
        assert_eq!(ids(&site, &admin, &all).await.len(), 4);
        assert_eq!(ids(&site, &low, &all).await, [""; 0]);
    }
    assert_eq!(
        ids(&site, &admin, "admin/sync?store=third").await,
        ["third"]
    );
    let forbidden = (400, "permission check failed".to_owned());
    assert_eq!(
        ask(&site, &low, "GET", "config/sync/local", "").await,
        forbidden
    );
    for (path, role, seen) in [
        ("/datastore/peer", "DatastoreAudit", vec![]),
        ("/datastore/other", "DatastoreAudit", vec!["local"]),
        (
            "/remote/far/vault",
            "RemoteAudit",
            vec!["local", "far-push"],
        ),
        (
            "/remote/far",
            "RemoteAudit",
            vec!["far-pull", "local", "far-push"],
        ),
    ] {
        let acl = format!("path={path}&role={role}&auth-id=low2%40pbs");
        assert_eq!(ask(&site, &admin, "PUT", "access/acl", &acl).await.0, 200);
        assert_eq!(
            ids(&site, &low, "config/sync?sync-direction=all").await,
            seen,
            "{path}"
        );
    }
    assert_eq!(
        ask(&site, &low, "GET", "config/sync/local", "").await.0,
        200
    );
    for (verb, target) in [
        ("PUT", "config/sync/local"),
        ("DELETE", "config/sync/local"),
        ("POST", "admin/sync/local/run"),
    ] {
        assert_eq!(
            ask(&site, &low, verb, target, "").await,
            forbidden,
            "{verb} {target}"
        );
    }
    site.end().await;
}

/// Nobody is to believe in copies that are not there: the run is in the list of tasks, as failed.
#[tokio::test]
async fn a_schedule_leaves_a_failed_task() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let body = "id=nightly&store=peer&ns=a&remote=far&remote-store=vault&schedule=daily";
    assert_eq!(ask(&site, &admin, "POST", "config/sync", body).await.0, 200);
    let now =
        i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("clock").as_secs()).expect("time");
    assert_eq!(site.minute(now).await, 0);
    assert_eq!(site.minute(now + 3 * DAY).await, 1);
    assert_eq!(site.minute(now).await, 0, "not again before its time");
    let (_, text) = ask(&site, &admin, "GET", "admin/sync", "").await;
    let job: Value = serde_json::from_str::<Value>(&text).expect("JSON")["data"][0].take();
    assert_eq!(
        job["last-run-state"],
        json!("this build does not sync yet"),
        "{job}"
    );
    let upid = job["last-run-upid"].as_str().expect("task id");
    assert!(
        upid.ends_with(r":syncjob:far\x3avault\x3apeer\x3aa\x3anightly:root@pam:"),
        "{upid}"
    );
    assert!(job["next-run"].as_i64().expect("time") > now);
    assert_eq!(
        ask(&site, &admin, "DELETE", "config/sync/nightly", "")
            .await
            .0,
        200
    );
    assert!(!site.path("state/jobstates/syncjob-nightly.json").exists());
    site.end().await;
}

/// Syncing once asks for rights too.
#[tokio::test]
async fn rights_of_single_runs() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low2@pbs").await);
    let far = "store=peer&remote=far&remote-store=vault";
    let lacks = |what: &str, path: &str| {
        (
            403,
            format!("permission check failed - missing {what} on {path}"),
        )
    };
    // Where, with what, what is answered, and the role that is given afterwards with its place.
    type Step = (
        &'static str,
        String,
        (u16, String),
        Option<(&'static str, &'static str)>,
    );
    let steps: [Step; 9] = [
        (
            "pull",
            far.to_owned(),
            lacks("Datastore.Backup", "/datastore/peer"),
            None,
        ),
        (
            "push",
            far.to_owned(),
            lacks("Datastore.Read|Datastore.Backup", "/datastore/peer"),
            Some(("/datastore/peer", "DatastoreBackup")),
        ),
        (
            "pull",
            far.to_owned(),
            lacks("Remote.Read", "/remote/far/vault"),
            None,
        ),
        (
            "push",
            format!("{far}&remote-ns=x"),
            lacks("Remote.DatastoreBackup", "/remote/far/vault/x"),
            None,
        ),
        (
            "pull",
            "store=peer&remote-store=other".to_owned(),
            lacks("Datastore.Backup", "/datastore/other"),
            None,
        ),
        (
            "pull",
            format!("{far}&remove-vanished=1"),
            lacks("Datastore.Prune", "/datastore/peer"),
            Some(("/remote/far/vault", "RemoteSyncPushOperator")),
        ),
        (
            "push",
            format!("{far}&remove-vanished=1"),
            lacks("Remote.DatastorePrune", "/remote/far/vault"),
            None,
        ),
        (
            "push",
            far.to_owned(),
            (501, "this build does not sync yet".to_owned()),
            Some(("/remote/far/vault", "RemoteSyncOperator")),
        ),
        (
            "pull",
            far.to_owned(),
            (501, "this build does not sync yet".to_owned()),
            None,
        ),
    ];
    for (target, body, expected, grant) in steps {
        assert_eq!(
            ask(&site, &low, "POST", target, &body).await,
            expected,
            "{target} {body}"
        );
        if let Some((path, role)) = grant {
            let acl = format!("path={path}&role={role}&auth-id=low2%40pbs");
            let given = ask(&site, &admin, "PUT", "access/acl", &acl).await;
            assert_eq!(given.0, 200, "{}", given.1);
        }
    }
    site.end().await;
}
