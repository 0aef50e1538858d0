//! Second factors over REST: adding them, the two steps of a login, locks, and kinds that this build cannot check (protocol.md 2.7).

use config::totp::Totp;
use serde_json::{Value, json};

use super::message::{Answer, request, send};
use super::site::{Login, Site, fixtures};

const URI: &str = "otpauth://totp/vault:low%40pbs?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const LOW: &str = "low-test-1";

fn code(offset: i64) -> String {
    let totp: Totp = URI.parse().expect("uri");
    totp.code(totp.count_at(jiff::Timestamp::now().as_second() + 30 * offset))
}

async fn ticket(site: &Site, body: Value, headers: &[&str]) -> Answer {
    let mut all = vec!["content-type: application/json"];
    all.extend(headers);
    let target = "/api2/json/access/ticket";
    send(
        site.address,
        &request("POST", target, &all, &body.to_string()),
    )
    .await
}

/// The first step of `low@pbs`: the ticket, which is checked to hold this challenge.
async fn first_step(site: &Site, challenge: &str) -> String {
    let answer = ticket(site, json!({"username": "low@pbs", "password": LOW}), &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let data = answer.json()["data"].take();
    assert_eq!(data["CSRFPreventionToken"], "invalid");
    let ticket = data["ticket"].as_str().expect("ticket").to_owned();
    let start = format!("PBS:!tfa!{}:", challenge.replace(':', "%3A"));
    assert!(ticket.starts_with(&start), "{ticket} {start}");
    ticket
}

async fn second_step(site: &Site, ticket_of_first: &str, answer: &str) -> Answer {
    let body = json!({"username": "low@pbs", "tfa-challenge": ticket_of_first, "password": answer});
    ticket(site, body, &[]).await
}

fn login(answer: &Answer) -> Login {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let data = answer.json()["data"].take();
    let text = |name: &str| data[name].as_str().expect("text").to_owned();
    Login {
        ticket: text("ticket"),
        csrf: text("CSRFPreventionToken"),
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (status, text));
}

fn form(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", api::form::escape(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

const TFA: &str = "/api2/json/access/tfa/low@pbs";

async fn add_totp(site: &Site, low: &Login) -> String {
    let body = form(&[
        ("type", "totp"),
        ("description", "phone"),
        ("totp", URI),
        ("value", &code(0)),
        ("password", LOW),
    ]);
    let added = site.call(low, "POST", TFA, &body).await;
    assert_eq!(added.status, 200, "{}", added.text());
    added.json()["data"]["id"].as_str().expect("id").to_owned()
}

#[tokio::test]
async fn a_login_in_two_steps() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let low = site.log_in("low@pbs").await;
    let body = |password: &[(&str, &str)], value: &str| {
        form(
            &[
                &[
                    ("type", "totp"),
                    ("description", "phone"),
                    ("totp", URI),
                    ("value", value),
                ],
                password,
            ]
            .concat(),
        )
    };
    for (body, status, text) in [
        (body(&[], &code(0)), 401, "missing password"),
        (
            body(&[("password", "wrong")], &code(0)),
            401,
            "permission check failed.",
        ),
        (
            body(&[("password", LOW)], "000000"),
            400,
            "the code does not belong to this secret now; check the clock of the device, then give the current code",
        ),
        (
            form(&[
                ("type", "webauthn"),
                ("description", "key"),
                ("password", LOW),
            ]),
            501,
            "this build cannot check second factors of type 'webauthn' yet; use TOTP and recovery codes",
        ),
    ] {
        refused(&site.call(&low, "POST", TFA, &body).await, status, text);
    }
    let id = add_totp(&site, &low).await;
    let admin = site.log_in("test@pbs").await;
    let recovery = form(&[("type", "recovery"), ("password", "peer-test-1")]);
    let codes = site.call(&admin, "POST", TFA, &recovery).await.json()["data"]["recovery"].take();
    let codes: Vec<String> = serde_json::from_value(codes).expect("codes");
    assert_eq!(codes.len(), 10);

    // The ticket from before, for which no factor was asked, is none any more; a login has two steps, and half of one opens nothing.
    let old = site.call(&low, "GET", "/api2/json/version", "").await;
    refused(&old, 401, "authentication failed");
    let renewal = json!({"username": "low@pbs", "password": low.ticket});
    refused(
        &ticket(&site, renewal, &[]).await,
        401,
        "permission check failed.",
    );
    let challenge = r#"{"totp":true,"recovery":[0,1,2,3,4,5,6,7,8,9]}"#;
    let half = first_step(&site, challenge).await;
    let cookie = format!("cookie: PBSAuthCookie={}", api::form::escape(&half));
    let version = request("GET", "/api2/json/version", &[&cookie], "");
    refused(
        &send(site.address, &version).await,
        401,
        "authentication failed",
    );
    let no = "permission check failed.";
    for answer in [
        "totp:000000",
        "totp:",
        "000000",
        "sms:1",
        "recovery:0000-0000-0000-0000",
    ] {
        refused(&second_step(&site, &half, answer).await, 401, no);
    }
    let as_other = json!({"username": "low2@pbs", "tfa-challenge": half, "password": format!("totp:{}", code(0))});
    refused(&ticket(&site, as_other, &[]).await, 401, no);
    let as_password = json!({"username": "low@pbs", "password": half});
    refused(&ticket(&site, as_password, &[]).await, 401, no);

    // A wrong answer leaves the half ticket usable; a code counts once.
    let now = format!("totp:{}", code(0));
    let done = login(&second_step(&site, &half, &now).await);
    assert_eq!(
        site.call(&done, "GET", "/api2/json/version", "")
            .await
            .status,
        200
    );
    refused(&second_step(&site, &half, &now).await, 401, no);
    let recovery = format!("recovery:{}", codes[3]);
    login(&second_step(&site, &half, &recovery).await);
    refused(&second_step(&site, &half, &recovery).await, 401, no);
    let half = first_step(&site, r#"{"totp":true,"recovery":[0,1,2,4,5,6,7,8,9]}"#).await;

    // With the cookie that scripts cannot read: only the second step sets it.
    let body = json!({"username": "low@pbs", "tfa-challenge": half, "password": format!("totp:{}", code(1)), "http-only": true});
    let answer = ticket(&site, body, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(
        answer
            .header("set-cookie")
            .expect("cookie")
            .starts_with("__Host-PBSAuthCookie=PBS:low@pbs:")
    );
    assert!(answer.json()["data"].get("ticket").is_none());
    let body = json!({"username": "low@pbs", "password": LOW, "http-only": true});
    let answer = ticket(&site, body, &[]).await;
    assert!(answer.header("set-cookie").is_none() && answer.text().contains("PBS:!tfa!"));

    // Neither a renewal nor an API token asks for a factor.
    login(
        &ticket(
            &site,
            json!({"username": "low@pbs", "password": done.ticket}),
            &[],
        )
        .await,
    );

    let list = site.call(&done, "GET", TFA, "").await.json()["data"].take();
    assert_eq!(list[0]["id"], json!(id));
    assert_eq!(
        (
            &list[0]["type"],
            &list[0]["enable"],
            &list[1]["type"],
            &list[1]["id"]
        ),
        (
            &json!("totp"),
            &json!(true),
            &json!("recovery"),
            &json!("recovery")
        )
    );
    let item = format!("{TFA}/{id}");
    let one = site.call(&done, "GET", &item, "").await.json()["data"].take();
    assert_eq!(one, list[0]);
    refused(
        &site.call(&done, "GET", &format!("{TFA}/none"), "").await,
        404,
        "no such tfa entry: 'none'",
    );
    refused(
        &site.call(&done, "PUT", &item, "enable=0").await,
        401,
        "missing password",
    );
    let change = form(&[
        ("enable", "0"),
        ("description", "old phone"),
        ("password", LOW),
    ]);
    assert_eq!(site.call(&done, "PUT", &item, &change).await.status, 200);
    first_step(&site, r#"{"recovery":[0,1,2,4,5,6,7,8,9]}"#).await;
    let password = form(&[("password", "peer-test-1")]);
    assert_eq!(
        site.call(&admin, "DELETE", &format!("{TFA}/recovery?{password}"), "")
            .await
            .status,
        200
    );
    refused(
        &site
            .call(&admin, "DELETE", &format!("{TFA}/recovery?{password}"), "")
            .await,
        404,
        "no such tfa entry: 'recovery'",
    );
    // What is disabled is not asked for.
    site.log_in("low@pbs").await;
    site.end().await;
}

#[tokio::test]
async fn others_see_and_change_what_they_may() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low, low2) = (
        site.log_in("test@pbs").await,
        site.log_in("low@pbs").await,
        site.log_in("low2@pbs").await,
    );
    let id = add_totp(&site, &low).await;
    let half = first_step(&site, r#"{"totp":true}"#).await;
    let low = login(&second_step(&site, &half, &format!("totp:{}", code(0))).await);
    let all = "/api2/json/access/tfa";
    let users = async |login: &Login| {
        let data = site.call(login, "GET", all, "").await.json()["data"].take();
        let name = |item: &Value| item["userid"].as_str().expect("user").to_owned();
        data.as_array()
            .expect("list")
            .iter()
            .map(name)
            .collect::<Vec<_>>()
    };
    assert_eq!(users(&admin).await, ["low@pbs"]);
    assert_eq!(users(&low).await, ["low@pbs"]);
    assert!(users(&low2).await.is_empty());
    for (verb, target) in [
        ("GET", TFA.to_owned()),
        ("POST", TFA.to_owned()),
        ("DELETE", format!("{TFA}/{id}")),
    ] {
        refused(
            &site.call(&low2, verb, &target, "").await,
            403,
            "permission check failed",
        );
    }
    // The caller's own password, not that of whose factor it is.
    let gone = async |password: &str| {
        let target = format!("{TFA}/{id}?{}", form(&[("password", password)]));
        site.call(&admin, "DELETE", &target, "").await
    };
    refused(&gone(LOW).await, 401, "permission check failed.");
    assert_eq!(gone("peer-test-1").await.status, 200);
    let nobody = site
        .call(
            &admin,
            "DELETE",
            "/api2/json/access/tfa/none@pbs/x?password=peer-test-1",
            "",
        )
        .await;
    refused(&nobody, 401, "no such user 'none@pbs'");
    site.end().await;
}

#[tokio::test]
async fn eight_wrong_codes_lock_and_an_administrator_unlocks() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low@pbs").await);
    add_totp(&site, &low).await;
    let half = first_step(&site, r#"{"totp":true}"#).await;
    for _ in 0..8 {
        refused(
            &second_step(&site, &half, "totp:000000").await,
            401,
            "permission check failed.",
        );
    }
    refused(
        &second_step(&site, &half, &format!("totp:{}", code(0))).await,
        401,
        "permission check failed.",
    );
    let locked = async || {
        let data = site
            .call(&admin, "GET", "/api2/json/access/users", "")
            .await
            .json()["data"]
            .take();
        let users = data.as_array().expect("users").clone();
        let low = users
            .into_iter()
            .find(|user| user["userid"] == "low@pbs")
            .expect("low");
        low.get("totp-locked").cloned()
    };
    assert_eq!(locked().await, Some(json!(true)));
    let unlock = "/api2/json/access/users/low@pbs/unlock-tfa";
    let low2 = site.log_in("low2@pbs").await;
    refused(
        &site.call(&low2, "PUT", unlock, "").await,
        403,
        "permission check failed",
    );
    for expected in [true, false] {
        assert_eq!(
            site.call(&admin, "PUT", unlock, "").await.json()["data"],
            json!(expected)
        );
    }
    assert_eq!(locked().await, None);
    login(&second_step(&site, &half, &format!("totp:{}", code(1))).await);
    let nobody = site
        .call(
            &admin,
            "PUT",
            "/api2/json/access/users/none@pbs/unlock-tfa",
            "",
        )
        .await;
    refused(&nobody, 400, "no such user 'none@pbs'");
    site.end().await;
}

/// A factor that cannot be checked is never skipped: not one, not the rest of a broken file.
#[tokio::test]
async fn what_cannot_be_checked_lets_nobody_in() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let file = site.path("etc/tfa.json");
    let key = r#"{"users":{"low@pbs":{"webauthn":[{"id":"k","description":"key","created":1,"entry":{ "cred_id":"x" }}]}}}"#;
    std::fs::write(&file, key).expect("tfa.json");
    let plain = async || ticket(&site, json!({"username": "low@pbs", "password": LOW}), &[]).await;
    let told = "this build cannot check the second factors of 'low@pbs' (webauthn) yet; log in with an API token, or with TOTP or a recovery code once it is set up";
    refused(&plain().await, 501, told);
    let wrong = ticket(
        &site,
        json!({"username": "low@pbs", "password": "wrong"}),
        &[],
    )
    .await;
    refused(&wrong, 401, "permission check failed.");
    // A recovery code can be made for him, and then he gets in.
    let body = form(&[("type", "recovery"), ("password", "peer-test-1")]);
    let codes = site.call(&admin, "POST", TFA, &body).await.json()["data"]["recovery"].take();
    let half = first_step(&site, r#"{"recovery":[0,1,2,3,4,5,6,7,8,9]}"#).await;
    refused(&second_step(&site, &half, "webauthn:{}").await, 501, told);
    login(
        &second_step(
            &site,
            &half,
            &format!("recovery:{}", codes[0].as_str().expect("code")),
        )
        .await,
    );
    let text = std::fs::read_to_string(&file).expect("tfa.json");
    assert!(
        text.contains(r#""entry":{ "cred_id":"x" }"#),
        "kept as it was: {text}"
    );

    for broken in ["rubbish", r#"{"users":{"low2@pbs":{"pigeon":[]}}}"#] {
        std::fs::write(&file, broken).expect("tfa.json");
        let answer = plain().await;
        assert_eq!(answer.status, 500, "{}", answer.text());
        let told = "this server cannot check logins now, because a file";
        assert!(answer.text().starts_with(told), "{}", answer.text());
    }
    site.end().await;
}
