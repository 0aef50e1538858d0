//! Notifications over the wire: statuses and words, digests, what is shown of secrets, and what matchers can look at.

use serde_json::{Value, json};

use super::site::{Site, fixtures};

const BASE: &str = "/api2/json/config/notifications";
const GONE: &str = "detected modified configuration - file changed by other user? Try again.";

#[tokio::test]
async fn targets_and_matchers() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let exists = "parameter verification failed - 'name': 'phone' exists already";
    let rows: &[(&str, &str, &str, u16, &str)] = &[
        (
            "POST",
            "endpoints/gotify",
            "name=phone&server=https%3A%2F%2Fx&token=t",
            200,
            r#"{"data":null}"#,
        ),
        (
            "POST",
            "endpoints/gotify",
            "name=phone&server=x&token=t",
            400,
            exists,
        ),
        (
            "POST",
            "endpoints/sendmail",
            "name=phone&mailto=a%40b",
            400,
            exists,
        ),
        ("POST", "matchers", "name=phone", 400, exists),
        (
            "POST",
            "endpoints/gotify",
            "name=no-token&server=x",
            400,
            "parameter verification failed - 'token': parameter is missing and it is not optional.",
        ),
        (
            "POST",
            "endpoints/smtp",
            "name=relay&server=m&from-address=a%40b&mode=starttls&port=587&password=pw&mailto=c%40d&mailto=e%40f",
            200,
            r#"{"data":null}"#,
        ),
        (
            "POST",
            "endpoints/smtp",
            "name=relay-2&server=m&from-address=a%40b&port=65536",
            400,
            "parameter verification failed - 'port': value must have a maximum value of 65535 (got 65536)",
        ),
        (
            "POST",
            "endpoints/webhook",
            "name=hook&method=post&url=https%3A%2F%2Fx%2Fy&secret=name%3Dkey%2Cvalue%3DYQ%3D%3D&header=name%3DA%2Cvalue%3DYQ%3D%3D&body=YQ%3D%3D",
            200,
            r#"{"data":null}"#,
        ),
        (
            "POST",
            "matchers",
            "name=nights&target=phone&target=hook&match-severity=error&match-calendar=mon..fri+8-17",
            200,
            r#"{"data":null}"#,
        ),
        (
            "POST",
            "matchers",
            "name=lost&target=nope",
            404,
            "no such target 'nope'",
        ),
        (
            "POST",
            "matchers",
            "name=bad-1&match-severity=grave",
            400,
            "parameter verification failed - 'match-severity': 'grave' is no severity; there are info, notice, warning, error, unknown",
        ),
        (
            "PUT",
            "endpoints/gotify/phone",
            "comment=mine&digest=0000000000000000000000000000000000000000000000000000000000000000",
            400,
            GONE,
        ),
        (
            "PUT",
            "endpoints/gotify/phone",
            "comment=mine&token=t2",
            200,
            r#"{"data":null}"#,
        ),
        (
            "PUT",
            "endpoints/gotify/phone",
            "delete=token",
            400,
            "parameter verification failed - 'delete': value 'token' is not defined in the enumeration.",
        ),
        (
            "PUT",
            "endpoints/smtp/phone",
            "comment=mine",
            404,
            "no such smtp target 'phone'",
        ),
        (
            "PUT",
            "matchers/none",
            "comment=mine",
            404,
            "no such matcher 'none'",
        ),
        (
            "GET",
            "endpoints/webhook/none",
            "",
            404,
            "no such webhook target 'none'",
        ),
        (
            "GET",
            "endpoints/webhook/..x",
            "",
            400,
            "path contains illegal components",
        ),
        (
            "GET",
            "matchers/-x",
            "",
            400,
            "parameter verification failed - 'name': value does not match the regex pattern",
        ),
        (
            "DELETE",
            "endpoints/gotify/phone",
            "",
            400,
            "target 'phone' is still used by nights; take it out of there first",
        ),
        (
            "DELETE",
            "endpoints/gotify/none",
            "",
            404,
            "no such gotify target 'none'",
        ),
        (
            "DELETE",
            "endpoints/gotify/phone?digest=x",
            "",
            400,
            "parameter verification failed - 'digest': schema does not allow additional properties.",
        ),
        (
            "POST",
            "targets/phone/test",
            "",
            501,
            "this build does not send notifications yet",
        ),
        (
            "POST",
            "targets/none/test",
            "",
            404,
            "no such target 'none'",
        ),
        (
            "POST",
            "targets/nights/test",
            "",
            404,
            "no such target 'nights'",
        ),
    ];
    for (verb, path, body, status, text) in rows {
        let answer = site
            .call(&admin, verb, &format!("{BASE}/{path}"), body)
            .await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (*status, *text),
            "{verb} {path} {body}"
        );
    }

    let get = async |path: &str| {
        site.call(&admin, "GET", &format!("{BASE}/{path}"), "")
            .await
            .json()
    };
    let file = std::fs::read(site.path("etc/notifications.cfg")).expect("file");
    let digest = format::Digest::of(&file).to_string();
    assert_eq!(
        get("endpoints/gotify").await,
        json!({"data": [{"name": "phone", "server": "https://x", "comment": "mine", "origin": "user-created"}], "digest": digest})
    );
    assert_eq!(
        get("endpoints/smtp/relay").await["data"],
        json!({"name": "relay", "server": "m", "from-address": "a@b", "mode": "starttls", "port": 587, "mailto": ["c@d", "e@f"], "origin": "user-created"})
    );
    assert_eq!(
        get("endpoints/webhook/hook").await["data"],
        json!({"name": "hook", "method": "post", "url": "https://x/y", "header": ["name=A,value=YQ=="], "body": "YQ==", "secret": ["name=key"], "origin": "user-created"})
    );
    assert_eq!(
        get("targets").await,
        json!({"data": [
            {"name": "mail-to-root", "origin": "builtin", "type": "sendmail"},
            {"name": "phone", "comment": "mine", "origin": "user-created", "type": "gotify"},
            {"name": "relay", "origin": "user-created", "type": "smtp"},
            {"name": "hook", "origin": "user-created", "type": "webhook"},
        ], "digest": digest})
    );
    let names: Vec<Value> = get("matchers").await["data"]
        .as_array()
        .expect("list")
        .iter()
        .map(|m| m["name"].clone())
        .collect();
    assert_eq!(names, ["default-matcher", "nights"]);

    // Once no matcher names it, it can go.
    for (verb, path, body) in [
        (
            "PUT",
            "matchers/nights",
            format!("target=hook&digest={digest}"),
        ),
        ("DELETE", "endpoints/gotify/phone", String::new()),
        ("DELETE", "matchers/default-matcher", String::new()),
    ] {
        let answer = site
            .call(&admin, verb, &format!("{BASE}/{path}"), &body)
            .await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, r#"{"data":null}"#),
            "{verb} {path}"
        );
    }
    assert_eq!(
        get("matchers/default-matcher").await["data"]["origin"],
        "builtin"
    );
    site.end().await;
}

#[tokio::test]
async fn matchers_can_look_at_what_is_configured() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let body = "id=nightly&store=peer&schedule=daily&keep-last=3&comment=all+of+it";
    let made = site
        .call(&admin, "POST", "/api2/json/config/prune", body)
        .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let get = async |path: &str| {
        site.call(&admin, "GET", &format!("{BASE}/{path}"), "")
            .await
            .json()["data"]
            .take()
    };
    assert_eq!(
        get("matcher-fields").await,
        json!([{"name": "datastore"}, {"name": "hostname"}, {"name": "job-id"}, {"name": "media-pool"}, {"name": "type"}])
    );
    let values = get("matcher-field-values").await;
    let values = values.as_array().expect("list");
    for expected in [
        json!({"field": "datastore", "value": "peer", "comment": "fixture store"}),
        json!({"field": "hostname", "value": "pbs"}),
        json!({"field": "job-id", "value": "nightly", "comment": "all of it"}),
        json!({"field": "type", "value": "verify"}),
    ] {
        assert!(values.contains(&expected), "{expected} in {values:?}");
    }
    // What lies below can be listed by any user, as everywhere.
    let low = site.log_in("low@pbs").await;
    for (path, expected) in [
        (
            "",
            json!([{"subdir": "endpoints"}, {"subdir": "matcher-field-values"}, {"subdir": "matcher-fields"}, {"subdir": "matchers"}, {"subdir": "targets"}]),
        ),
        (
            "endpoints",
            json!([{"subdir": "gotify"}, {"subdir": "sendmail"}, {"subdir": "smtp"}, {"subdir": "webhook"}]),
        ),
        ("targets/any", json!([{"subdir": "test"}])),
    ] {
        let answer = site.call(&low, "GET", &format!("{BASE}/{path}"), "").await;
        assert_eq!(answer.json()["data"], expected, "{path}");
    }
    site.end().await;
}
