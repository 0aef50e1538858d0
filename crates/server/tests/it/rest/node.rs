//! `/nodes`: what this server tells about its machine, and what it leaves to it.

use serde_json::{Value, json};

use super::message::{request, send};
use super::site::{Login, Site, fixtures};

const NODE: &str = "/api2/json/nodes/localhost";

async fn get(site: &Site, login: &Login, path: &str) -> Value {
    let answer = site.call(login, "GET", &format!("{NODE}/{path}"), "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn settings_are_kept_as_the_original_keeps_them() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let put = async |body: &str| {
        let answer = site
            .call(&admin, "PUT", &format!("{NODE}/config"), body)
            .await;
        (answer.status, answer.text())
    };
    let done = (200, r#"{"data":null}"#.to_owned());
    assert_eq!(get(&site, &admin, "config").await["data"], json!({}));
    let body = "description=two%0Alines&task-log-max-days=30&acme=account%3Ddefault\
                &acmedomain0=a.example.com%2Cplugin%3Ddns1&http-proxy=http%3A%2F%2Fu%3Ap%40proxy%3A3128\
                &email-from=a%40b.c&default-lang=de&location=name%3DCellar%2Clatitude%3D48.2%2Clongitude%3D16.4";
    assert_eq!(put(body).await, done);
    let written = std::fs::read_to_string(site.path("etc/node.cfg")).expect("node.cfg");
    assert_eq!(
        written,
        "#two\n#lines\nacme: account=default\nacmedomain0: a.example.com,plugin=dns1\ndefault-lang: de\nemail-from: a@b.c\n\
         http-proxy: http://u:p@proxy:3128\nlocation: name=Cellar,latitude=48.2,longitude=16.4\ntask-log-max-days: 30\n"
    );
    let read = get(&site, &admin, "config").await;
    assert_eq!(read["data"]["description"], "two\nlines\n");
    assert_eq!(read["data"]["task-log-max-days"], 30);
    let digest = read["digest"].as_str().expect("digest");
    assert_eq!(digest.len(), 64);

    let changed = "detected modified configuration - file changed by other user? Try again.";
    let old = "0".repeat(64);
    let wrong = put(&format!("digest={old}&default-lang=en")).await;
    assert_eq!(wrong, (400, changed.to_owned()));
    let gone = format!("digest={digest}&delete=description&delete=acme&default-lang=en");
    assert_eq!(put(&gone).await, done);
    let read = get(&site, &admin, "config").await;
    assert_eq!(read["data"]["default-lang"], "en");
    assert!(read["data"].get("description").is_none() && read["data"].get("acme").is_none());

    for (body, text) in [
        (
            "default-lang=xx",
            "value 'xx' is not defined in the enumeration.",
        ),
        (
            "task-log-max-days=-1",
            "value must have a minimum value of 0 (got -1)",
        ),
        (
            "acmedomain1=A.example.COM",
            "domain 'A.example.COM' is configured more than once",
        ),
        ("acmedomain1=not_a_name", "domain"),
        ("location=latitude%3D91%2Clongitude%3D0", "latitude"),
        ("http-proxy=ftp%3A%2F%2Fx", "http-proxy"),
        ("ciphers-tls-1.2=%3B", "ciphers-tls-1.2"),
        ("delete=nothing", "delete"),
        ("unknown=1", "unknown"),
    ] {
        let (status, answer) = put(body).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer.contains(text), "{body}: {answer}");
    }
    site.end().await;
}

#[tokio::test]
async fn the_machine_is_described() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let dns = get(&site, &admin, "dns").await;
    assert_eq!(dns["data"]["digest"].as_str().map(str::len), Some(64));
    let time = get(&site, &admin, "time").await;
    let now = jiff::Timestamp::now().as_second();
    assert!((time["data"]["time"].as_i64().expect("time") - now).abs() < 60);
    let services = get(&site, &admin, "services").await;
    assert_eq!(services["data"][0]["service"], "proxmox-backup");
    let state = get(&site, &admin, "services/proxmox-backup-proxy/state").await;
    assert_eq!(state["data"]["state"], "running");
    let network = get(&site, &admin, "network").await;
    let loopback = network["data"].as_array().expect("list").iter();
    let loopback = loopback.clone().find(|item| item["type"] == "loopback");
    if let Some(loopback) = loopback {
        let one = get(&site, &admin, "network/lo").await;
        assert_eq!(one["data"]["name"], loopback["name"]);
    }
    assert!(get(&site, &admin, "disks/list").await["data"].is_array());
    assert_eq!(
        get(&site, &admin, "subscription").await["data"]["status"],
        "notfound"
    );
    assert_eq!(
        get(&site, &admin, "apt/versions").await["data"][0]["Package"],
        "strongroomd"
    );

    let report = get(&site, &admin, "report").await;
    let report = report["data"].as_str().expect("text");
    for part in [
        "==== strongroomd ",
        "datastore: peer",
        "acl:1:/:",
        "fingerprint:",
        &format!("listens on:   {}\n", site.address),
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("$5$") && !report.contains(super::site::TOKEN_SECRET));

    for (path, status, text) in [
        ("network/none0", 400, "no such network interface 'none0'"),
        (
            "services/sshd/state",
            400,
            "parameter verification failed - 'service': value 'sshd' is not defined in the enumeration.",
        ),
        (
            "apt/update",
            501,
            "not available on this installation: update Strongroom and the machine with their own tools",
        ),
        (
            "disks/smart?disk=sda",
            501,
            "not available on this installation: ask the disk with `smartctl`",
        ),
        // Parameters are looked at first.
        (
            "disks/smart?disk=x",
            400,
            "parameter verification failed - 'disk': value must be at least 3 characters long",
        ),
    ] {
        let answer = site
            .call(&admin, "GET", &format!("{NODE}/{path}"), "")
            .await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, text),
            "{path}"
        );
    }
    site.end().await;
}

#[tokio::test]
async fn what_is_left_to_the_machine_says_so() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let low = site.log_in("low@pbs").await;
    for (verb, path, body) in [
        ("POST", "status", "command=reboot"),
        ("PUT", "time", "timezone=UTC"),
        ("PUT", "dns", "dns1=192.0.2.1"),
        ("POST", "services/proxmox-backup/stop", ""),
        ("POST", "network", "iface=eth9&cidr=192.0.2.1%2F24"),
        ("PUT", "network/eth9", "mtu=1400"),
        ("POST", "disks/directory", "name=disk&disk=sdb"),
        ("PUT", "subscription", "key=pbsc-0123456789"),
        ("POST", "termproxy", ""),
    ] {
        let target = format!("{NODE}/{path}");
        let answer = site.call(&admin, verb, &target, body).await;
        assert_eq!(answer.status, 501, "{verb} {path}: {}", answer.text());
        assert!(
            answer
                .text()
                .starts_with("not available on this installation: ")
        );
        let refused = site.call(&low, verb, &target, body).await;
        assert_eq!(refused.status, 403, "{verb} {path}");
    }
    let order = site
        .call(
            &admin,
            "POST",
            &format!("{NODE}/certificates/acme/certificate"),
            "",
        )
        .await;
    assert_eq!(
        (order.status, order.text().as_str()),
        (501, "this build does not order certificates yet")
    );
    site.end().await;
}

/// A certificate of one's own is served at once, and only with its key.
#[tokio::test]
async fn a_certificate_can_be_replaced() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let first = site.fingerprint();
    let info = get(&site, &admin, "certificates/info").await["data"][0].take();
    assert_eq!(
        (&info["fingerprint"], &info["filename"]),
        (&json!(first), &json!("proxy.pem"))
    );
    assert_eq!(info["san"], json!(["localhost", "pbs"]));

    let post = async |pem: &str, key: Option<&str>| {
        let key = key.map_or_else(String::new, |key| {
            format!("&key={}", api::form::escape(key))
        });
        let body = format!("force=1&certificates={}{key}", api::form::escape(pem));
        site.call(
            &admin,
            "POST",
            &format!("{NODE}/certificates/custom"),
            &body,
        )
        .await
    };
    let (pem, key) = config::identity::generate_certificate("own", 1_700_000_000).expect("pair");
    let (other, _) = config::identity::generate_certificate("other", 1_700_000_000).expect("pair");
    for (pem, key) in [
        (other.as_str(), Some(key.as_str())),
        (pem.as_str(), None),
        ("rubbish", Some(key.as_str())),
        (pem.as_str(), Some("rubbish")),
    ] {
        let refused = post(pem, key).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(
            refused.text().contains("'certificates'"),
            "{}",
            refused.text()
        );
        assert_eq!(site.fingerprint(), first, "nothing has changed");
    }
    let done = post(&format!("what people write\n{pem}"), Some(&key)).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let second = done.json()["data"][0]["fingerprint"].clone();
    assert_eq!(second, json!(site.fingerprint()));
    assert_ne!(second, json!(first));
    // Renewed for the same key: without sending it again.
    let again = post(&pem, None).await;
    assert_eq!(again.status, 200, "{}", again.text());
    let on_disk = std::fs::read_to_string(site.path("etc/proxy.pem")).expect("certificate");
    assert_eq!(on_disk, pem);

    let reset = site
        .call(&admin, "DELETE", &format!("{NODE}/certificates/custom"), "")
        .await;
    assert_eq!(reset.status, 200, "{}", reset.text());
    assert_ne!(json!(site.fingerprint()), second);
    let info = get(&site, &admin, "certificates/info").await;
    assert_eq!(info["data"][0]["san"], json!(["localhost", "pbs"]));
    site.end().await;
}

#[tokio::test]
async fn the_log_can_be_read() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let empty = get(&site, &admin, "syslog").await;
    assert_eq!(empty["data"], json!([{"n": 1, "t": "no content"}]));
    let cursors = get(&site, &admin, "journal?lastentries=5").await;
    assert_eq!(cursors["data"].as_array().map(Vec::len), Some(2));
    let now = jiff::Timestamp::now().as_second();
    for n in 1..=3 {
        site.log_book().note(now, &format!("INFO line {n}"));
    }
    let lines = get(&site, &admin, "syslog?start=1&limit=1").await;
    assert_eq!(
        (&lines["total"], &lines["data"][0]["n"]),
        (&json!(3), &json!(2))
    );
    let text = lines["data"][0]["t"].as_str().expect("text");
    assert!(
        text.contains(" pbs strongroomd[") && text.ends_with("]: INFO line 2"),
        "{text}"
    );
    let journal = get(&site, &admin, "journal?lastentries=2").await;
    let journal = journal["data"].as_array().expect("list").clone();
    assert_eq!(journal.len(), 4);
    let first = journal[0].as_str().expect("cursor");
    let earlier = get(
        &site,
        &admin,
        &format!("journal?endcursor={}", api::form::escape(first)),
    )
    .await;
    assert!(
        earlier["data"][1]
            .as_str()
            .expect("text")
            .ends_with("line 1")
    );
    let other = get(&site, &admin, "syslog?service=sshd").await;
    assert_eq!(other["data"][0]["t"], "no content");
    site.end().await;
}

#[tokio::test]
async fn probes_and_metrics() {
    let Some(fixtures) = fixtures() else { return };
    let fresh = |settings: &mut server::Settings| {
        settings.limits.readiness_counts = std::time::Duration::ZERO;
    };
    let site = Site::start_with(&fixtures, "", fresh).await;
    let ask = async |path: &str, headers: &[&str]| {
        send(site.address, &request("GET", path, headers, "")).await
    };
    let health = ask("/healthz", &[]).await;
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    let ready = ask("/readyz", &[]).await;
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));

    assert_eq!(ask("/metrics", &[]).await.status, 401);
    let low = site.log_in("low@pbs").await;
    assert_eq!(ask("/metrics", &[&low.cookie()]).await.status, 403);
    site.observe(jiff::Timestamp::now().as_second()).await;
    let token = format!("test@pbs!tok:{}", super::site::TOKEN_SECRET);
    for scheme in ["PBSAPIToken=", "Bearer "] {
        let header = format!("authorization: {scheme}{token}");
        let page = ask("/metrics", &[&header]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(
            page.header("content-type"),
            Some("text/plain; version=0.0.4")
        );
        let text = page.text();
        for line in [
            "# TYPE strongroom_http_requests_total counter",
            "strongroom_http_requests_total{code=\"4xx\"} ",
            "strongroom_sessions{protocol=\"backup\"} 0",
            "strongroom_datastore_size_bytes{datastore=\"peer\"} ",
            "strongroom_datastore_last_backup_timestamp_seconds{datastore=\"peer\"} 1700086400",
            "strongroom_resident_memory_bytes ",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
    // Elsewhere a bearer is nobody.
    let header = format!("authorization: Bearer {token}");
    assert_eq!(ask("/api2/json/version", &[&header]).await.status, 401);

    let admin = site.log_in("test@pbs").await;
    let pulled = site
        .call(&admin, "GET", "/api2/json/status/metrics", "")
        .await
        .json();
    let items = pulled["data"]["data"].as_array().expect("list").clone();
    let ids: std::collections::BTreeSet<_> = items
        .iter()
        .map(|item| item["id"].as_str().expect("id"))
        .collect();
    assert_eq!(
        ids.into_iter().collect::<Vec<_>>(),
        ["datastore/peer", "host"]
    );
    let later = "/api2/json/status/metrics?history=1&start-time=4000000000";
    let none = site.call(&admin, "GET", later, "").await.json();
    assert_eq!(none["data"]["data"], json!([]));
    let nothing = site
        .call(&low, "GET", "/api2/json/status/metrics", "")
        .await
        .json();
    assert_eq!(nothing["data"]["data"], json!([]));

    // As long as one of these cannot be read, logins fail that are right.
    for name in [
        "user.cfg",
        "acl.cfg",
        "datastore.cfg",
        "domains.cfg",
        "shadow.json",
        "token.shadow",
        "tfa.json",
        "ticket-limits.json",
    ] {
        let (at, away) = (site.path(&format!("etc/{name}")), site.path("etc/away"));
        let was_there = std::fs::rename(&at, &away).is_ok();
        std::os::unix::fs::symlink("/nonexistent/x", &at).expect("link");
        let ready = ask("/readyz", &[]).await;
        assert_eq!(
            (ready.status, ready.text().as_str()),
            (503, "not ready: the configuration cannot be read\n"),
            "{name}"
        );
        let login = "username=test@pbs&password=peer-test-1";
        let path = "/api2/json/access/ticket";
        let refused = send(site.address, &request("POST", path, &[], login)).await;
        let is_needed = !matches!(name, "acl.cfg" | "datastore.cfg" | "token.shadow");
        assert!(
            !is_needed || refused.status == 500,
            "{name}: {}",
            refused.status
        );
        std::fs::remove_file(&at).expect("removed");
        if was_there {
            std::fs::rename(&away, &at).expect("back");
        }
        assert_eq!(ask("/readyz", &[]).await.status, 200, "{name}");
    }

    std::fs::rename(site.path("peer/.chunks"), site.path("peer/.away")).expect("rename");
    let gone = ask("/readyz", &[]).await;
    assert_eq!(
        (gone.status, gone.text().as_str()),
        (503, "not ready: a datastore cannot be reached\n")
    );
    assert_eq!(ask("/healthz", &[]).await.status, 200);
    site.end().await;
}

/// Whoever had `Sys.Audit` on `/system/status` saw the names and sizes of all datastores.
#[tokio::test]
async fn metrics_show_only_the_callers_datastores() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let now = jiff::Timestamp::now().as_second();
    let admin = site.log_in("test@pbs").await;
    let verify = "/api2/json/admin/datastore/peer/verify";
    assert_eq!(site.call(&admin, "POST", verify, "").await.status, 200);
    site.idle().await;
    site.observe(now).await;
    let low = site.log_in("low@pbs").await;
    for (path, role, shown) in [
        ("/system/status", "Audit", false),
        ("/datastore/peer/inner", "DatastoreAudit", false),
        ("/datastore/peer", "DatastoreAudit", true),
    ] {
        let body = format!("path={path}&role={role}&auth-id=low%40pbs");
        let done = site
            .call(&admin, "PUT", "/api2/json/access/acl", &body)
            .await;
        assert_eq!(done.status, 200, "{}", done.text());
        let page = send(
            site.address,
            &request("GET", "/metrics", &[&low.cookie()], ""),
        )
        .await;
        let text = page.text();
        assert_eq!(page.status, 200, "{text}");
        assert!(text.contains("strongroom_resident_memory_bytes "));
        let lines = text
            .lines()
            .filter(|line| line.contains("\"peer\""))
            .count();
        assert_eq!(lines > 0, shown, "{role} on {path}:\n{text}");
        let ended = text.contains("strongroom_tasks_finished_total{type=\"verify\"");
        assert_eq!(ended, shown, "{text}");
    }
    site.end().await;
}

/// `/readyz` went to every disk as often as anybody liked.
#[tokio::test]
async fn readiness_is_looked_at_once_for_all_who_ask() {
    let Some(fixtures) = fixtures() else { return };
    let long = |settings: &mut server::Settings| {
        settings.limits.readiness_counts = std::time::Duration::from_secs(1000);
    };
    let site = Site::start_with(&fixtures, "", long).await;
    let ask = async || send(site.address, &request("GET", "/readyz", &[], "")).await;
    assert_eq!(ask().await.status, 200);
    std::fs::rename(site.path("peer/.chunks"), site.path("peer/.away")).expect("rename");
    assert_eq!(ask().await.status, 200);
    site.end().await;
}
