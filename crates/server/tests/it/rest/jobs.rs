//! Jobs from their configuration to their runs: who may do what with them, when they run, and what they leave behind.

use serde_json::{Value, json};

use super::site::{Site, fixtures};
use super::steps::{done, refused};

const ACL: &str = "/api2/json/access/acl";

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("clock");
    i64::try_from(since.as_secs()).expect("time")
}

const DAY: i64 = 86_400;

/// All three kinds run by their schedules, once for however many runs were missed, and not again before their time.
#[tokio::test]
async fn jobs_run_by_their_schedules() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    done(
        &site,
        &admin,
        "PUT",
        "config/datastore/peer",
        "gc-schedule=daily&tuning=gc-atime-safety-check%3D0",
    )
    .await;
    done(
        &site,
        &admin,
        "POST",
        "config/prune",
        "id=nightly&store=peer&schedule=daily&keep-last=1",
    )
    .await;
    done(
        &site,
        &admin,
        "POST",
        "config/prune",
        "id=resting&store=peer&schedule=daily&keep-last=1&disable=1",
    )
    .await;
    done(
        &site,
        &admin,
        "POST",
        "config/verify",
        "id=checked&store=peer&schedule=daily",
    )
    .await;
    done(
        &site,
        &admin,
        "POST",
        "config/verify",
        "id=by-hand&store=peer",
    )
    .await;

    assert_eq!(site.minute(now()).await, 0, "their time has not come");
    assert_eq!(
        site.minute(now() + 5 * DAY).await,
        3,
        "collection, prune, verification"
    );
    assert_eq!(
        site.minute(now()).await,
        0,
        "the real time has not come either"
    );

    let prunes = done(&site, &admin, "GET", "admin/prune", "").await;
    let prunes = prunes["data"].as_array().expect("list").clone();
    let [nightly, resting] = [0, 1].map(|n| &prunes[n]);
    assert_eq!(
        (&nightly["id"], &nightly["last-run-state"]),
        (&json!("nightly"), &json!("OK"))
    );
    let upid = nightly["last-run-upid"].as_str().expect("task id");
    assert!(upid.ends_with(":prunejob:peer:root@pam:"), "{upid}");
    assert!(nightly["next-run"].as_i64().expect("time") > now());
    assert_eq!(
        (
            &resting["id"],
            resting.get("next-run"),
            resting.get("last-run-upid")
        ),
        (&json!("resting"), None, None)
    );

    let verifies = done(&site, &admin, "GET", "admin/verify?store=peer", "").await;
    let ids: Vec<(&str, bool)> = verifies["data"]
        .as_array()
        .expect("list")
        .iter()
        .map(|job| {
            (
                job["id"].as_str().expect("id"),
                job.get("next-run").is_some(),
            )
        })
        .collect();
    assert_eq!(ids, [("checked", true), ("by-hand", false)]);
    assert_eq!(
        done(&site, &admin, "GET", "admin/verify?store=other", "").await["data"],
        json!([])
    );

    let gc = done(&site, &admin, "GET", "admin/datastore/peer/gc", "").await["data"].take();
    assert_eq!(
        (&gc["last-run-state"], &gc["schedule"], &gc["store"]),
        (&json!("OK"), &json!("daily"), &json!("peer"))
    );
    assert!(gc["index-file-count"].as_u64().expect("count") > 10, "{gc}");
    let status = done(
        &site,
        &admin,
        "GET",
        "admin/datastore/peer/status?verbose=1",
        "",
    )
    .await;
    assert_eq!(status["data"]["gc-status"]["upid"], gc["upid"]);

    // A restart in the middle of a run: the state says that it runs, the log says how it ended.
    let state = site.path("state/jobstates/verificationjob-checked.json");
    let text = std::fs::read_to_string(&state).expect("state");
    let finished: Value = serde_json::from_str(&text).expect("JSON");
    let upid = &finished["finished"]["upid"];
    std::fs::write(&state, json!({"started": {"upid": upid}}).to_string()).expect("write");
    let verifies = done(&site, &admin, "GET", "admin/verify", "").await;
    assert_eq!(verifies["data"][0]["last-run-state"], "OK");

    // A job whose state cannot be read counts from now.
    std::fs::write(&state, "{").expect("write");
    assert_eq!(site.minute(now()).await, 0);
    assert!(
        std::fs::read_to_string(&state)
            .expect("state")
            .starts_with(r#"{"created":"#)
    );

    for job in [
        "prune/nightly",
        "prune/resting",
        "verify/checked",
        "verify/by-hand",
    ] {
        done(&site, &admin, "DELETE", &format!("config/{job}"), "").await;
    }
    let left: Vec<String> = std::fs::read_dir(site.path("state/jobstates"))
        .expect("list")
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.starts_with("garbage_collection-"))
        .collect();
    assert_eq!(left, [""; 0], "no state is left of a job that is gone");
    site.end().await;
}

/// A job that runs is not started a second time, by nobody.
#[tokio::test]
async fn one_run_at_a_time() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    done(
        &site,
        &admin,
        "POST",
        "config/prune",
        "id=nightly&store=peer&schedule=daily&keep-last=9",
    )
    .await;
    let states = server::jobs::state::JobStates::new(&site.path("state"));
    let ty = server::jobs::state::JobType::Prune;
    let lock = states
        .lock(ty, "nightly", std::time::Duration::ZERO)
        .expect("lock")
        .expect("free");
    assert_eq!(site.minute(now() + DAY).await, 0);
    let answer = refused(&site, &admin, "POST", "admin/prune/nightly/run", "").await;
    assert_eq!(answer, (400, "job 'nightly' is running already".to_owned()));
    drop(lock);
    done(&site, &admin, "POST", "admin/prune/nightly/run", "").await;
    site.idle().await;
    assert_eq!(site.minute(now()).await, 0);
    assert_eq!(site.minute(now() + DAY).await, 1);
    site.end().await;
}

/// Rights count where a job works, before and after a change.
#[tokio::test]
async fn rights_follow_the_place() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low2@pbs").await);
    for (path, role) in [
        ("/datastore/peer/a", "DatastoreAdmin"),
        ("/datastore/peer", "DatastoreAudit"),
    ] {
        let body = format!("path={path}&role={role}&auth-id=low2%40pbs");
        assert_eq!(site.call(&admin, "PUT", ACL, &body).await.status, 200);
    }
    let lacks = |privilege: &str, path: &str| {
        (
            403,
            format!("permission check failed - missing {privilege} on {path}"),
        )
    };
    let modify = lacks("Datastore.Modify", "/datastore/peer");

    let job = "id=mine&store=peer&schedule=daily&keep-last=1";
    assert_eq!(
        refused(&site, &low, "POST", "config/prune", job).await,
        modify
    );
    done(&site, &low, "POST", "config/prune", &format!("{job}&ns=a")).await;
    done(
        &site,
        &admin,
        "POST",
        "config/prune",
        "id=foreign&store=peer&schedule=daily&keep-last=1",
    )
    .await;
    assert_eq!(
        refused(&site, &low, "PUT", "config/prune/mine", "delete=ns").await,
        modify
    );
    assert_eq!(
        refused(&site, &low, "PUT", "config/prune/foreign", "ns=a").await,
        modify
    );
    assert_eq!(
        refused(&site, &low, "DELETE", "config/prune/foreign", "").await,
        modify
    );
    assert_eq!(
        refused(&site, &low, "POST", "admin/prune/foreign/run", "").await,
        modify
    );
    done(
        &site,
        &low,
        "PUT",
        "config/prune/mine",
        "keep-last=2&schedule=hourly",
    )
    .await;
    let answer = done(&site, &low, "POST", "admin/prune/mine/run", "").await;
    assert!(
        answer["data"]
            .as_str()
            .expect("task id")
            .ends_with(r":prunejob:peer\x3aa:low2@pbs:"),
        "{answer}"
    );
    site.idle().await;

    // Who may look sees both.
    for list in ["config/prune", "admin/prune"] {
        assert_eq!(
            done(&site, &low, "GET", list, "").await["data"]
                .as_array()
                .expect("list")
                .len(),
            2,
            "{list}"
        );
    }
    let verify = lacks("Datastore.Verify", "/datastore/peer");
    assert_eq!(
        refused(&site, &low, "POST", "config/verify", "id=mine&store=peer").await,
        verify
    );
    assert_eq!(
        refused(&site, &low, "POST", "admin/datastore/peer/gc", "")
            .await
            .0,
        403
    );
    assert_eq!(
        done(&site, &low, "GET", "admin/gc", "").await["data"][0]["store"],
        "peer"
    );

    // And what is refused for other reasons.
    let exists = "parameter verification failed - 'id': job 'mine' already exists.";
    let again = refused(
        &site,
        &admin,
        "POST",
        "config/prune",
        &format!("{job}&ns=a"),
    )
    .await;
    assert_eq!(again, (400, exists.to_owned()));
    let missing = refused(&site, &admin, "GET", "config/verify/nobody", "").await;
    assert_eq!(missing, (400, "no such verification 'nobody'".to_owned()));
    let missing = refused(&site, &admin, "DELETE", "config/verify/nobody", "").await;
    assert_eq!(missing, (404, "job 'nobody' does not exist.".to_owned()));
    site.end().await;
}
