//! Sessions of users and tokens that are disabled, expired or removed meanwhile: nothing is finished, and they end by themselves. The session of a
//! token that had been deleted went on, and finished its backup.

use super::bodies::blob;
use super::client::{Session, received};
use super::rig::Rig;

/// A backup to which only `finish` is missing.
async fn almost(rig: &Rig, id: &str, auth: &str) -> Session {
    let session = Session::open(rig.addr, &rig.backup(id, 1_700_000_000), auth).await;
    let session = session.unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let manifest = format!(
        r#"{{"backup-type":"host","backup-id":"{id}","backup-time":1700000000,"files":[],"signature":null,"unprotected":{{}}}}"#
    );
    for (name, data) in [("a.conf.blob", "x"), ("index.json.blob", &manifest)] {
        let stored = session.blob(name, blob(data.as_bytes())).await;
        assert_eq!(stored.status, 200, "{}", stored.text());
    }
    session
}

/// The answer to `finish`; nothing if the session has ended already, as it does within seconds.
async fn finish(session: &Session) -> Option<(u16, String)> {
    let mut send = session.sender().ready().await.ok()?;
    let request = http::Request::post("https://localhost/finish").body(());
    let (answer, _) = send.send_request(request.expect("request"), true).ok()?;
    received(answer).await.ok().map(|answer| answer.refusal())
}

/// A user with a token who may back up; gives the header line of the token.
async fn user(rig: &Rig, name: &str) -> String {
    let right = "access/acl?path=/&role=DatastoreBackup&auth-id";
    let mut said = String::new();
    for (verb, target) in [
        ("POST", format!("access/users?userid={name}")),
        ("PUT", format!("{right}={name}")),
        ("POST", format!("access/users/{name}/token/tok")),
        ("PUT", format!("{right}={name}!tok")),
    ] {
        let (status, text) = rig.rest(verb, &format!("/api2/json/{target}")).await;
        assert_eq!(status, 200, "{target}: {text}");
        if target.ends_with("/tok") {
            said = text;
        }
    }
    let made: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let secret = made["data"]["value"].as_str().expect("secret");
    format!("authorization: PBSAPIToken={name}!tok:{secret}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_finished() {
    let rig = Rig::start().await;
    for (number, (verb, target, finishes)) in [
        ("PUT", "access/users/USER?comment=x", true),
        // Rights count when a session begins, as with the original.
        (
            "PUT",
            "access/acl?path=/&role=DatastoreBackup&auth-id=USER!tok&delete=1",
            true,
        ),
        ("DELETE", "access/users/USER/token/tok", false),
        ("PUT", "access/users/USER/token/tok?enable=0", false),
        ("PUT", "access/users/USER/token/tok?expire=1000", false),
        ("PUT", "access/users/USER?enable=0", false),
        ("PUT", "access/users/USER?expire=1000", false),
        ("DELETE", "access/users/USER", false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("back{number}@pbs");
        let id = format!("gone{number}");
        let auth = user(&rig, &name).await;
        let session = almost(&rig, &id, &auth).await;
        let target = target.replace("USER", &name);
        let (status, text) = rig.rest(verb, &format!("/api2/json/{target}")).await;
        assert_eq!(status, 200, "{verb} {target}: {text}");
        let answer = finish(&session).await;
        let told = format!("'{name}!tok' is disabled, expired or gone");
        match finishes {
            true => assert_eq!(answer.expect("answer").0, 200, "{verb} {target}"),
            // The refusal, or its end before that.
            false => assert!(
                answer.as_ref().is_none_or(|answer| *answer == (403, told)),
                "{verb} {target}: {answer:?}"
            ),
        }
        drop(session);
        rig.idle().await;
        let snapshot = rig.store.join(format!("host/{id}/2023-11-14T22:13:20Z"));
        let kept = snapshot.join("index.json.blob").exists();
        assert_eq!(
            (kept, snapshot.exists()),
            (finishes, finishes),
            "{verb} {target}"
        );
    }
}

/// Who does nothing in a session, and asks for nothing, is no different.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_by_themselves() {
    let rig = Rig::start().await;
    let session = almost(&rig, "gone", &rig.backer).await;
    let other = almost(&rig, "other", &rig.auth).await;
    let deleted = rig
        .rest("DELETE", "/api2/json/access/users/back@pbs/token/tok")
        .await;
    assert_eq!(deleted.0, 200, "{}", deleted.1);
    rig.until("the session has ended", || rig.running().len() == 1)
        .await;
    let task = rig.last_task("backup");
    assert_eq!(task.status, "task aborted");
    let told = "'back@pbs!tok' is disabled, expired or gone; the session ends";
    assert!(task.log.iter().any(|line| line == told), "{:#?}", task.log);
    assert!(finish(&session).await.is_none(), "it is over");
    assert_eq!(
        other.get("/previous_backup_time").await.status,
        200,
        "others go on"
    );
    drop((session, other));
    rig.idle().await;
}
