//! What has a file and its routes: made, shown without secrets, changed, removed; and what this build keeps but does not do.

use serde_json::{Value, json};

use super::site::{Login, Site, fixtures};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async fn ask(site: &Site, login: &Login, verb: &str, target: &str, body: &str) -> (u16, String) {
    let target = format!("/api2/json/{target}");
    let answer = site.call(login, verb, &target, body).await;
    (answer.status, answer.text())
}

async fn done(site: &Site, login: &Login, verb: &str, target: &str, body: &str) -> Value {
    let (status, text) = ask(site, login, verb, target, body).await;
    assert_eq!(status, 200, "{verb} {target} {body}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// One kind of entries.
struct Kind {
    path: &'static str,
    id: &'static str,
    create: &'static str,
    /// As it is shown.
    made: fn() -> Value,
    change: &'static str,
    changed: fn() -> Value,
    exists: &'static str,
    unknown: &'static str,
    gone: &'static str,
}

fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            path: "config/remote",
            id: "far",
            create: "name=far&auth-id=sync%40pbs!tok&host=fd00::1&password=geheim&port=8008&use-node-proxy=1&comment=x",
            made: || json!({"auth-id": "sync@pbs!tok", "comment": "x", "host": "fd00::1", "name": "far", "port": 8008, "use-node-proxy": true}),
            change: "host=h.example.org&password=neu&delete=comment&delete=port&delete=use-node-proxy",
            changed: || json!({"auth-id": "sync@pbs!tok", "host": "h.example.org", "name": "far"}),
            exists: "parameter verification failed - 'name': remote 'far' already exists.",
            unknown: "no such remote 'far'",
            gone: "remote 'far' does not exist.",
        },
        Kind {
            path: "config/traffic-control",
            id: "day",
            create: "name=day&network=10.0.0.0/8&network=fd00::/8&rate-in=10MiB&burst-out=512&timeframe=mon..fri+8-17&users=a%40pbs",
            made: || json!({"burst-out": "512 B", "name": "day", "network": ["10.0.0.0/8", "fd00::/8"], "rate-in": "10 MiB", "timeframe": ["mon..fri 8-17"], "users": ["a@pbs"]}),
            change: "delete=users&delete=timeframe&delete=burst-out&network=0.0.0.0/0",
            changed: || json!({"name": "day", "network": ["0.0.0.0/0"], "rate-in": "10 MiB"}),
            exists: "parameter verification failed - 'name': rule 'day' already exists.",
            unknown: "no such rule 'day'",
            gone: "rule 'day' does not exist.",
        },
        Kind {
            path: "config/metrics/influxdb-http",
            id: "web",
            create: "name=web&url=https://h:8086/x&enable=0&token=t&bucket=b&organization=o&max-body-size=1000&verify-tls=0",
            made: || json!({"bucket": "b", "enable": false, "max-body-size": 1000, "name": "web", "organization": "o", "token": "t", "url": "https://h:8086/x", "verify-tls": false}),
            change: "enable=1&delete=token&delete=bucket&delete=organization&delete=max-body-size&delete=verify-tls",
            changed: || json!({"name": "web", "url": "https://h:8086/x"}),
            exists: "parameter verification failed - 'name': metric server 'web' already exists.",
            unknown: "no such influxdb-http 'web'",
            gone: "metric server 'web' does not exist.",
        },
        Kind {
            path: "config/metrics/influxdb-udp",
            id: "udp",
            create: "name=udp&host=[fd00::1]:8089&mtu=1400&comment=c",
            made: || json!({"comment": "c", "host": "[fd00::1]:8089", "mtu": 1400, "name": "udp"}),
            change: "delete=mtu&comment=%20",
            changed: || json!({"host": "[fd00::1]:8089", "name": "udp"}),
            exists: "parameter verification failed - 'name': metric server 'udp' already exists.",
            unknown: "no such influxdb-udp 'udp'",
            gone: "metric server 'udp' does not exist.",
        },
        Kind {
            path: "config/s3",
            id: "s3-1",
            create: "id=s3-1&access-key=a&secret-key=geheim&endpoint={{bucket}}.s3.example.org&region=eu-1&path-style=0&provider-quirks=skip-if-none-match-header&put-rate-limit=5",
            made: || json!({"access-key": "a", "endpoint": "{{bucket}}.s3.example.org", "id": "s3-1", "path-style": false, "provider-quirks": ["skip-if-none-match-header"], "put-rate-limit": 5, "region": "eu-1"}),
            change: "secret-key=neu&delete=provider-quirks&delete=path-style&delete=region",
            changed: || json!({"access-key": "a", "endpoint": "{{bucket}}.s3.example.org", "id": "s3-1", "put-rate-limit": 5}),
            exists: "parameter verification failed - 'id': s3 endpoint 's3-1' already exists.",
            unknown: "no such s3-endpoint 's3-1'",
            gone: "s3 endpoint 's3-1' does not exist.",
        },
        Kind {
            path: "config/sync",
            id: "job-1",
            create: "id=job-1&store=peer&remote=far&remote-store=vault&group-filter=include:type:vm&group-filter=exclude:regex:x&schedule=daily&rate-in=1.50GB",
            made: || json!({"group-filter": ["type:vm", "exclude:regex:x"], "id": "job-1", "rate-in": "1.5 GB", "remote": "far", "remote-store": "vault", "schedule": "daily", "store": "peer"}),
            change: "delete=group-filter&delete=rate-in&ns=a&max-depth=6&owner=low%40pbs",
            changed: || json!({"id": "job-1", "max-depth": 6, "ns": "a", "owner": "low@pbs", "remote": "far", "remote-store": "vault", "schedule": "daily", "store": "peer"}),
            exists: "parameter verification failed - 'id': job 'job-1' already exists.",
            unknown: "no such sync 'job-1'",
            gone: "job 'job-1' does not exist.",
        },
    ]
}

#[tokio::test]
async fn entries_come_change_and_go() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    for kind in kinds() {
        let one = format!("{}/{}", kind.path, kind.id);
        let empty = done(&site, &admin, "GET", kind.path, "").await;
        assert_eq!(empty, json!({"data": [], "digest": EMPTY}), "{}", kind.path);
        let null = json!({ "data": null });
        assert_eq!(
            done(&site, &admin, "POST", kind.path, kind.create).await,
            null
        );
        let read = done(&site, &admin, "GET", &one, "").await;
        assert_eq!(read["data"], (kind.made)(), "{one}");
        let list = done(&site, &admin, "GET", kind.path, "").await;
        assert_eq!(
            (&list["data"], &list["digest"]),
            (&json!([(kind.made)()]), &read["digest"])
        );
        let again = ask(&site, &admin, "POST", kind.path, kind.create).await;
        assert_eq!(again, (400, kind.exists.to_owned()));

        let old = format!("{}&digest={EMPTY}", kind.change);
        let modified = "detected modified configuration - file changed by other user? Try again.";
        assert_eq!(
            ask(&site, &admin, "PUT", &one, &old).await,
            (400, modified.to_owned())
        );
        let right = format!(
            "{}&digest={}",
            kind.change,
            read["digest"].as_str().expect("digest")
        );
        done(&site, &admin, "PUT", &one, &right).await;
        let read = done(&site, &admin, "GET", &one, "").await;
        assert_eq!(read["data"], (kind.changed)(), "{one}");
        let nothing = ask(&site, &admin, "PUT", &one, "delete=nope").await;
        assert_eq!(nothing.0, 400, "{one}: {}", nothing.1);

        let old = ask(&site, &admin, "DELETE", &one, &format!("digest={EMPTY}")).await;
        assert_eq!(old, (400, modified.to_owned()));
        done(&site, &admin, "DELETE", &one, "").await;
        assert_eq!(
            ask(&site, &admin, "DELETE", &one, "").await,
            (404, kind.gone.to_owned())
        );
        let unknown = (400, kind.unknown.to_owned());
        assert_eq!(ask(&site, &admin, "GET", &one, "").await, unknown);
        assert_eq!(ask(&site, &admin, "PUT", &one, "comment=x").await.0, 400);
    }
    site.end().await;
}

/// Nobody is told that something was done that was not.
#[tokio::test]
async fn what_is_kept_but_not_done_says_so() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    for kind in kinds() {
        done(&site, &admin, "POST", kind.path, kind.create).await;
    }
    let account =
        json!({"location": "l", "account": {"contact": []}, "key": "k", "directoryUrl": "d"});
    std::fs::create_dir_all(site.path("etc/acme/accounts")).expect("folder");
    std::fs::write(site.path("etc/acme/accounts/mine"), account.to_string()).expect("account");
    let place = "bucket=bucket";
    let local = "store=peer&remote-store=other";
    let far = "store=peer&remote=far&remote-store=vault";
    for (verb, target, body, what) in [
        ("GET", "config/remote/far/scan", "", "look into remotes"),
        (
            "GET",
            "config/remote/far/scan/vault/groups?namespace=a",
            "",
            "look into remotes",
        ),
        (
            "GET",
            "config/remote/far/scan/vault/namespaces",
            "",
            "look into remotes",
        ),
        (
            "GET",
            "config/s3/s3-1/list-buckets",
            "",
            "speak with object stores",
        ),
        (
            "PUT",
            "admin/s3/s3-1/check",
            place,
            "speak with object stores",
        ),
        (
            "PUT",
            "admin/s3/s3-1/reset-counters",
            place,
            "speak with object stores",
        ),
        ("POST", "admin/sync/job-1/run", "", "sync"),
        ("POST", "pull", local, "sync"),
        ("POST", "pull", far, "sync"),
        ("POST", "push", far, "sync"),
        (
            "GET",
            "config/acme/tos",
            "",
            "speak with certificate authorities",
        ),
        (
            "POST",
            "config/acme/account",
            "contact=a@b",
            "speak with certificate authorities",
        ),
        (
            "PUT",
            "config/acme/account/mine",
            "contact=a@b",
            "speak with certificate authorities",
        ),
        (
            "DELETE",
            "config/acme/account/mine",
            "",
            "speak with certificate authorities",
        ),
    ] {
        let expected = (501, format!("this build does not {what} yet"));
        assert_eq!(
            ask(&site, &admin, verb, target, body).await,
            expected,
            "{verb} {target}"
        );
    }
    for (verb, target, body, expected) in [
        (
            "GET",
            "config/remote/near/scan",
            "",
            "no such remote 'near'",
        ),
        (
            "PUT",
            "admin/s3/s3-2/check",
            place,
            "no such s3-endpoint 's3-2'",
        ),
        (
            "PUT",
            "admin/s3/s3-1/check",
            "bucket=xn--a",
            "parameter verification failed - 'bucket': value does not match the regex pattern",
        ),
        (
            "POST",
            "pull",
            "store=peer&remote-store=peer",
            "can't sync to same datastore",
        ),
        (
            "POST",
            "push",
            local,
            "parameter verification failed - 'remote': parameter is missing and it is not optional.",
        ),
        (
            "POST",
            "push",
            "store=peer&remote=far&remote-store=vault&ns=a&max-depth=7",
            "parameter verification failed - 'max-depth': namespace and levels below it are together more than 7",
        ),
        (
            "POST",
            "config/acme/account",
            "name=mine&contact=a@b",
            "parameter verification failed - 'name': account 'mine' already exists.",
        ),
        (
            "DELETE",
            "config/acme/account/other",
            "",
            "no such ACME account 'other'",
        ),
        (
            "DELETE",
            "config/remote/far",
            "",
            "remote 'far' is used by sync job 'job-1'; remove the job first",
        ),
    ] {
        assert_eq!(
            ask(&site, &admin, verb, target, body).await,
            (400, expected.to_owned()),
            "{verb} {target}"
        );
    }
    site.end().await;
}

#[tokio::test]
async fn lists_of_the_administration() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    for kind in kinds() {
        done(&site, &admin, "POST", kind.path, kind.create).await;
    }
    let metrics = done(&site, &admin, "GET", "admin/metrics", "").await;
    assert_eq!(
        metrics["data"],
        json!([
            {"enable": false, "name": "web", "server": "https://h:8086/x", "type": "influxdb-http"},
            {"comment": "c", "enable": true, "name": "udp", "server": "[fd00::1]:8089", "type": "influxdb-udp"},
        ])
    );
    let rules = done(&site, &admin, "GET", "admin/traffic-control", "").await;
    assert_eq!(
        (
            &rules["data"][0]["name"],
            &rules["data"][0]["cur-rate-in"],
            &rules["data"][0]["cur-rate-out"]
        ),
        (&json!("day"), &json!(0), &json!(0))
    );
    let directories = done(&site, &admin, "GET", "config/acme/directories", "").await;
    assert_eq!(
        directories["data"][0]["url"],
        "https://acme-v02.api.letsencrypt.org/directory"
    );
    let schemas = done(&site, &admin, "GET", "config/acme/challenge-schema", "").await;
    assert_eq!(schemas["data"], json!([]));
    site.end().await;
}

#[tokio::test]
async fn keys_of_sync_jobs() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let all = "config/encryption-keys";
    let made = done(&site, &admin, "POST", all, "id=made").await["data"].take();
    let file = std::fs::read_to_string(site.path("etc/encryption-keys/made.enc")).expect("key");
    assert_eq!(serde_json::from_str::<Value>(&file).expect("JSON"), made);
    let raw = made["data"].as_str().expect("key");
    assert_eq!((raw.len(), &made["kdf"]), (44, &Value::Null));

    let import = async |id: &str, name: &str| {
        let key = std::fs::read_to_string(fixtures.join("keys").join(name)).expect("key");
        let body = format!("id={id}&key={}", api::form::escape(&key));
        ask(&site, &admin, "POST", all, &body).await
    };
    assert_eq!(import("mine", "none.json").await.0, 200);
    let protected = "cannot use this key: it is protected by a password; import it without";
    assert_eq!(
        import("other", "scrypt.json").await,
        (400, protected.to_owned())
    );
    let (status, text) = ask(&site, &admin, "POST", all, "id=other&key={}").await;
    assert!(
        status == 400 && text.starts_with("cannot use this key: "),
        "{text}"
    );

    let list = done(&site, &admin, "GET", all, "").await["data"].take();
    let show: Value = serde_json::from_str(
        &std::fs::read_to_string(fixtures.join("keys/none.show.json")).expect("shown"),
    )
    .expect("JSON");
    assert_eq!(
        list[1]["fingerprint"], show["fingerprint"],
        "the original's fingerprint"
    );
    assert_eq!(
        (&list[1]["kdf"], list.to_string().contains(raw)),
        (&json!("none"), false)
    );

    let kept = "encryption key 'made' is not archived; archive it before it is removed";
    let one = "config/encryption-keys/made";
    assert_eq!(
        ask(&site, &admin, "DELETE", one, "").await,
        (400, kept.to_owned())
    );
    done(&site, &admin, "POST", one, "").await;
    let ids = async |query: &str| {
        let list = done(&site, &admin, "GET", &format!("{all}{query}"), "").await["data"].take();
        let id = |key: &Value| key["id"].as_str().expect("id").to_owned();
        list.as_array()
            .expect("list")
            .iter()
            .map(id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["mine"]);
    assert_eq!(ids("?include-archived=1").await, ["made", "mine"]);
    done(&site, &admin, "DELETE", one, "").await;
    assert!(!site.path("etc/encryption-keys/made.enc").exists());
    let gone = "encryption key 'made' does not exist.";
    assert_eq!(
        ask(&site, &admin, "DELETE", one, "").await,
        (404, gone.to_owned())
    );
    site.end().await;
}

#[tokio::test]
async fn plugins_of_name_services() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let all = "config/acme/plugins";
    let standalone = json!({"plugin": "standalone", "type": "standalone"});
    assert_eq!(
        done(&site, &admin, "GET", all, "").await["data"],
        json!([standalone])
    );
    done(
        &site,
        &admin,
        "POST",
        all,
        "id=p&type=dns&api=pdns&data=S0VZPXY%3D&disable=1",
    )
    .await;
    let plugin =
        json!({"api": "pdns", "data": "S0VZPXY=", "disable": true, "plugin": "p", "type": "dns"});
    let list = done(&site, &admin, "GET", all, "").await;
    assert_eq!(list["data"], json!([standalone, plugin]));
    let digest = list["digest"].as_str().expect("digest");
    let change = format!("delete=disable&digest={digest}");
    done(&site, &admin, "PUT", "config/acme/plugins/p", &change).await;
    let (status, _) = ask(&site, &admin, "PUT", "config/acme/plugins/p", &change).await;
    assert_eq!(status, 400, "another digest by now");
    let read = done(&site, &admin, "GET", "config/acme/plugins/p", "").await;
    assert_eq!(read["data"]["disable"], Value::Null);
    let read = done(&site, &admin, "GET", "config/acme/plugins/standalone", "").await;
    assert_eq!(read["data"], standalone);
    let (status, text) = ask(
        &site,
        &admin,
        "DELETE",
        "config/acme/plugins/standalone",
        "",
    )
    .await;
    assert_eq!(
        (status, text.as_str()),
        (400, "plugin 'standalone' is built in and cannot be changed")
    );
    done(&site, &admin, "DELETE", "config/acme/plugins/p", "").await;
    assert_eq!(
        done(&site, &admin, "GET", all, "").await["data"],
        json!([standalone])
    );
    site.end().await;
}
