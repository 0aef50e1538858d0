//! Certificates and logins: what is accepted, what is refused, and in which words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::rest::access::TfaAdd;
use config::edit;
use config::totp::Totp;
use remote::{Client, Confirm, Connect, Credential, Error, Query, SecondFactor, Secret};

use crate::rig::{PASSWORD, Rig, USER};

fn by_password(rig: &Rig, password: &str) -> Connect {
    let credential = Credential::Password {
        user: USER.parse().unwrap(),
        password: Secret::new(password.to_owned()),
    };
    let mut connect = Connect::new("127.0.0.1", rig.port(), credential);
    connect.fingerprint = Some(rig.fingerprint());
    connect
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_and_tickets_log_in() {
    let rig = Rig::start().await;
    let client = Client::connect(by_password(&rig, PASSWORD)).await.unwrap();
    assert_eq!(client.auth_id().to_string(), USER);
    assert_eq!(client.fingerprint(), Some(rig.fingerprint()));
    let version: serde_json::Value = client.get("/version", &Query::new()).await.unwrap();
    assert!(version["version"].is_string());

    let ticket = client.ticket().await.unwrap();
    let mut again = rig.connect();
    again.credential = Credential::Ticket {
        ticket,
        password: None,
    };
    let client = Client::connect(again).await.unwrap();
    let _: serde_json::Value = client.get("/version", &Query::new()).await.unwrap();

    let wrong = Client::connect(by_password(&rig, "wrong"))
        .await
        .err()
        .unwrap();
    assert_eq!(wrong.status(), Some(401));
    assert_eq!(wrong.to_string(), "permission check failed.");
}

/// A user with TOTP: the code is asked for once, and the ticket that it brings is a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for() {
    let rig = Rig::start().await;
    let uri = "otpauth://totp/ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let totp: Totp = uri.parse().unwrap();
    let now = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let code = move || totp.code(totp.count_at(now()));
    let add: TfaAdd = serde_json::from_value(serde_json::json!({
        "userid": USER, "type": "totp", "description": "phone", "totp": uri, "value": code(),
    }))
    .unwrap();
    let dir = config::ConfigDir::open(&rig.folder.path().join("etc")).unwrap();
    edit::add_tfa(&dir, &add, now()).unwrap();

    let nobody_to_ask = Client::connect(by_password(&rig, PASSWORD)).await.err();
    assert!(matches!(nobody_to_ask, Some(Error::SecondFactor { user }) if user == USER));

    let asked = Arc::new(AtomicUsize::new(0));
    let with = |answer: Box<dyn Fn() -> String + Send + Sync>| {
        let count = Arc::clone(&asked);
        let mut connect = by_password(&rig, PASSWORD);
        connect.second_factor = Some(SecondFactor(Box::new(move |user, challenge| {
            assert!(user.to_string() == USER && challenge.totp && challenge.recovery.is_none());
            count.fetch_add(1, Ordering::Relaxed);
            Some(Secret::new(answer()))
        })));
        Client::connect(connect)
    };
    let wrong = with(Box::new(|| "totp:000000".to_owned()))
        .await
        .err()
        .unwrap();
    assert_eq!(
        (wrong.status(), wrong.to_string().as_str()),
        (Some(401), "permission check failed.")
    );
    let client = with(Box::new(move || format!("totp:{}", code())))
        .await
        .unwrap();
    let _: serde_json::Value = client.get("/version", &Query::new()).await.unwrap();
    assert!(
        client
            .ticket()
            .await
            .unwrap()
            .ticket
            .reveal()
            .starts_with(&format!("PBS:{USER}:"))
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_certificate_needs_somebody_who_says_yes() {
    let rig = Rig::start().await;
    let found = rig.fingerprint();
    let mut connect = rig.connect();
    connect.fingerprint = None;
    let error = Client::connect(connect).await.err().unwrap();
    assert!(matches!(error, Error::UnknownCertificate { found: f, .. } if f == found));

    let wrong = "aa".repeat(32).parse().unwrap();
    let mut connect = rig.connect();
    connect.fingerprint = Some(wrong);
    let error = Client::connect(connect).await.err().unwrap();
    assert!(error.to_string().contains(&found.to_string()), "{error}");
    assert!(error.to_string().contains(&wrong.to_string()), "{error}");

    for answer in [true, false] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let mut connect = rig.connect();
        connect.fingerprint = Some(wrong);
        connect.confirm = Some(Confirm(Box::new(move |question| {
            assert_eq!((question.found, question.expected), (found, Some(wrong)));
            count.fetch_add(1, Ordering::Relaxed);
            answer
        })));
        assert_eq!(Client::connect(connect).await.is_ok(), answer);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_words_are_passed_on() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let error = client
        .get::<serde_json::Value>("/nowhere", &Query::new())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert_eq!(error.to_string(), "Path '/api2/json/nowhere' not found.");
    let nobody = Connect::new("127.0.0.1", 1, rig.connect().credential);
    assert!(matches!(
        Client::connect(nobody).await.err(),
        Some(Error::Connect { .. })
    ));
}
