//! Who gets in, and what about users, realms and terminals has no capture of the original.

use api::Ticket;
use api::ticket::PREFIX_TERMINAL;
use config::identity::AuthKey;
use serde_json::{Value, json};

use super::message::{Answer, request, send};
use super::site::{Login, Site, TOKEN_SECRET, fixtures};

fn form(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", api::form::escape(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

async fn world(site: &Site, verb: &str, path: &str, headers: &[&str], body: Value) -> Answer {
    let mut all = vec!["content-type: application/json"];
    all.extend(headers);
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(
        site.address,
        &request(verb, &format!("/api2/json/{path}"), &all, &body),
    )
    .await
}

/// All doors, tried by a user and his token, both in good standing, disabled and expired.
#[tokio::test]
async fn who_is_disabled_or_expired_gets_in_nowhere() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let user = site.log_in("test@pbs").await;
    let token = format!("authorization: PBSAPIToken=test@pbs!tok:{TOKEN_SECRET}");
    let names = [
        "password",
        "renewal",
        "cookie renewal",
        "ticket",
        "change with ticket",
        "token",
        "upgrade with token",
        "upgrade with ticket",
    ];
    let doors = async || {
        let cookie = user.cookie();
        let only = format!(
            "cookie: __Host-PBSAuthCookie={}",
            api::form::escape(&user.ticket)
        );
        let csrf = user.csrf();
        let backup = "backup?store=none&backup-type=host&backup-id=x&backup-time=1";
        let upgrade = "upgrade: proxmox-backup-protocol-v1";
        let answers = [
            world(
                &site,
                "POST",
                "access/ticket",
                &[],
                json!({"username":"test@pbs","password":"peer-test-1"}),
            )
            .await,
            world(
                &site,
                "POST",
                "access/ticket",
                &[],
                json!({"username":"test@pbs","password":user.ticket}),
            )
            .await,
            world(
                &site,
                "POST",
                "access/ticket",
                &[&only],
                json!({"username":"test@pbs","password":"wrong","http-only":true}),
            )
            .await,
            world(&site, "GET", "version", &[&cookie], Value::Null).await,
            world(
                &site,
                "PUT",
                "access/acl",
                &[&cookie, &csrf],
                json!({"path":"/x","role":"Admin","auth-id":"low@pbs","delete":true}),
            )
            .await,
            world(&site, "GET", "version", &[&token], Value::Null).await,
            world(&site, "GET", backup, &[&token, upgrade], Value::Null).await,
            world(&site, "GET", backup, &[&cookie, upgrade], Value::Null).await,
        ];
        answers.map(|answer| answer.status != 401)
    };
    let file = site.path("etc/user.cfg");
    let original = std::fs::read_to_string(&file).expect("user.cfg");
    let with = |user: &str, token: &str| {
        let text = original.replace("user: test@pbs\n", &format!("user: test@pbs\n{user}"));
        text.replace(
            "token: test@pbs!tok\n",
            &format!("token: test@pbs!tok\n{token}"),
        )
    };
    let all = [true; 8];
    let no_token = [true, true, true, true, true, false, false, true];
    for (user, token, expected) in [
        ("", "", all),
        ("\tenable false\n", "", [false; 8]),
        ("\texpire 1000\n", "", [false; 8]),
        ("\texpire 99999999999\n", "", all),
        ("", "\tenable false\n", no_token),
        ("", "\texpire 1000\n", no_token),
        ("\tenable true\n", "\texpire 0\n", all),
    ] {
        std::fs::write(&file, with(user, token)).expect("user.cfg");
        let found = doors().await;
        let found: Vec<_> = names.iter().zip(found).collect();
        assert_eq!(
            found,
            names.iter().zip(expected).collect::<Vec<_>>(),
            "user {user:?} token {token:?}"
        );
    }
    // Without his user, a token is nobody's; and so is one without its entry.
    for gone in ["user: test@pbs", "token: test@pbs!tok"] {
        let sections: Vec<&str> = original
            .split("\n\n")
            .filter(|s| !s.trim_start().starts_with(gone))
            .collect();
        std::fs::write(&file, sections.join("\n\n")).expect("user.cfg");
        assert!(!doors().await[5], "{gone}");
    }
    site.end().await;
}

/// A form on a page of another site logged its reader in as somebody else, who then saw what he did.
#[tokio::test]
async fn pages_of_other_sites_log_nobody_in() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let body = json!({"username":"test@pbs","password":"peer-test-1","http-only":true});
    for (from, status) in [("cross-site", 403), ("same-origin", 200), ("none", 200)] {
        let header = format!("sec-fetch-site: {from}");
        let answer = world(&site, "POST", "access/ticket", &[&header], body.clone()).await;
        assert_eq!(answer.status, status, "{from}");
        assert_eq!(
            answer.header("set-cookie").is_some(),
            status == 200,
            "{from}"
        );
    }
    site.end().await;
}

#[tokio::test]
async fn passwords_are_changed_by_whom_they_concern() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    // A new password ends the tickets of its user: a stolen one outlived it, and could be renewed for ever.
    let (admin, mut low, low2) = (
        site.log_in("test@pbs").await,
        site.log_in("low@pbs").await,
        site.log_in("low2@pbs").await,
    );
    let confirm = "the confirmation password is missing or wrong";
    let denied = "permission check failed";
    let path = "/api2/json/access/password";
    for (who, name, password, confirmation, status, text) in [
        ("low", "low@pbs", "new-password-1", None, 401, confirm),
        (
            "low",
            "low@pbs",
            "new-password-1",
            Some("wrong"),
            401,
            confirm,
        ),
        (
            "low2",
            "low@pbs",
            "new-password-1",
            Some("low-test-2"),
            403,
            denied,
        ),
        (
            "low",
            "low@pbs",
            "short",
            Some("low-test-1"),
            400,
            "parameter verification failed - 'password': value must be at least 8 characters long",
        ),
        // The caller's own, not that of whose password it is.
        (
            "admin",
            "low@pbs",
            "new-password-1",
            Some("low-test-1"),
            401,
            confirm,
        ),
        (
            "admin",
            "low@pbs",
            "new-password-1",
            Some("peer-test-1"),
            200,
            r#"{"data":null}"#,
        ),
        (
            "admin",
            "none@pbs",
            "new-password-1",
            Some("peer-test-1"),
            400,
            "no such user 'none@pbs'",
        ),
        (
            "admin",
            "root@pam",
            "new-password-1",
            Some("peer-test-1"),
            400,
            "passwords of realm 'pam' are not kept here, change it where the realm keeps them",
        ),
        (
            "low",
            "low@pbs",
            "new-password-2",
            Some("low-test-1"),
            401,
            confirm,
        ),
        (
            "low",
            "low@pbs",
            "new-password-2",
            Some("new-password-1"),
            200,
            r#"{"data":null}"#,
        ),
    ] {
        let mut pairs = vec![("userid", name), ("password", password)];
        pairs.extend(confirmation.map(|own| ("confirmation-password", own)));
        let login = match who {
            "low" => &low,
            "low2" => &low2,
            _ => &admin,
        };
        let answer = site.call(login, "PUT", path, &form(&pairs)).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, text),
            "{name} {password}"
        );
        if status == 200 {
            let version = "/api2/json/version";
            assert_eq!(site.call(&low, "GET", version, "").await.status, 401);
            let renewal = json!({"username": name, "password": low.ticket});
            let renewal = world(&site, "POST", "access/ticket", &[], renewal).await;
            assert_eq!(renewal.status, 401, "{}", renewal.text());
            let login = json!({"username": name, "password": password});
            let login = world(&site, "POST", "access/ticket", &[], login).await;
            let data = login.json()["data"].take();
            let text = |member: &str| data[member].as_str().expect("text").to_owned();
            low = Login {
                ticket: text("ticket"),
                csrf: text("CSRFPreventionToken"),
            };
            assert_eq!(site.call(&low, "GET", version, "").await.status, 200);
        }
    }
    // Whose ticket lies in a cookie out of reach of scripts goes on with a new one.
    let cookie = format!("cookie: __Host-PBSAuthCookie={}", low.ticket);
    let body = json!({"userid":"low@pbs","password":"new-password-3","confirmation-password":"new-password-2"});
    let own = world(
        &site,
        "PUT",
        "access/password",
        &[&cookie, &low.csrf()],
        body,
    )
    .await;
    assert_eq!(own.status, 200, "{}", own.text());
    let set = own.header("set-cookie").expect("a new ticket");
    let set = set.split(';').next().expect("cookie").to_owned();
    let version = |cookie: &str| request("GET", "/api2/json/version", &[cookie], "");
    let old = send(site.address, &version(&cookie)).await;
    let new = send(site.address, &version(&format!("cookie: {set}"))).await;
    assert_eq!((old.status, new.status), (401, 200));
    let body = json!({"userid":"test@pbs","password":"new-password-1","confirmation-password":"peer-test-1"});
    let token = format!("authorization: PBSAPIToken=test@pbs!tok:{TOKEN_SECRET}");
    let by_token = world(&site, "PUT", "access/password", &[&token], body).await;
    assert_eq!((by_token.status, by_token.text().as_str()), (403, denied));
    site.end().await;
}

#[tokio::test]
async fn realms_are_configured_and_kept() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low@pbs").await);
    let call = async |who: &Login, verb: &str, path: &str, pairs: &[(&str, &str)]| {
        let target = format!("/api2/json/{path}");
        let answer = site.call(who, verb, &target, &form(pairs)).await;
        (answer.status, answer.text())
    };
    let ok = (200, r#"{"data":null}"#.to_owned());
    let put = async |path: &str, pairs: &[(&str, &str)]| {
        let answer = call(&admin, "PUT", path, pairs).await;
        assert!(
            answer.0 == 200 && answer.1.starts_with(r#"{"data":{""#),
            "{answer:?}"
        );
    };
    let ldap = [
        ("realm", "corp"),
        ("server1", "ldap.example.org"),
        ("base-dn", "dc=example"),
        ("user-attr", "uid"),
        ("bind-dn", "cn=reader"),
        (
            "sync-defaults-options",
            "enable-new=1,remove-vanished=\"acl;entry\"",
        ),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&ldap[..], more].concat();
    assert_eq!(
        call(&admin, "POST", "config/access/ldap", &ldap).await,
        (
            400,
            "parameter verification failed - 'password': who binds as 'bind-dn' needs a password"
                .to_owned()
        )
    );
    assert_eq!(
        call(
            &admin,
            "POST",
            "config/access/ldap",
            &with(&[("password", "secret"), ("default", "1")])
        )
        .await,
        ok
    );
    let file = |name: &str| std::fs::read_to_string(site.path("etc").join(name)).expect("file");
    assert_eq!(
        file("domains.cfg"),
        "ldap: corp\n\tbase-dn dc=example\n\tbind-dn cn=reader\n\tdefault true\n\tserver1 ldap.example.org\n\tsync-defaults-options enable-new=1,remove-vanished=\"acl;entry\"\n\tuser-attr uid\n"
    );
    assert_eq!(file("ldap_passwords.json"), r#"{"corp":"secret"}"#);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(site.path("etc/ldap_passwords.json"))
        .expect("file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let exists = |name: &str| {
        (
            400,
            format!("parameter verification failed - 'realm': realm '{name}' already exists."),
        )
    };
    assert_eq!(
        call(
            &admin,
            "POST",
            "config/access/ad",
            &[("realm", "corp"), ("server1", "x")]
        )
        .await,
        exists("corp")
    );
    assert_eq!(
        call(
            &admin,
            "POST",
            "config/access/ad",
            &[("realm", "pbs"), ("server1", "x")]
        )
        .await,
        exists("pbs")
    );
    assert_eq!(
        call(
            &admin,
            "POST",
            "config/access/ad",
            &[("realm", "ad1"), ("server1", "x"), ("default", "1")]
        )
        .await,
        ok
    );
    assert_eq!(
        call(
            &admin,
            "POST",
            "config/access/openid",
            &[
                ("realm", "sso"),
                ("issuer-url", "https://i"),
                ("client-id", "c"),
                ("client-key", "k"),
                ("scopes", "email profile")
            ]
        )
        .await,
        ok
    );
    // As in the original, the client's secret is told to whoever may see the realm, and to nobody else.
    for (login, status, key) in [(&admin, 200, Some("k")), (&low, 403, None)] {
        let target = "/api2/json/config/access/openid/sso";
        let answer = site.call(login, "GET", target, "").await;
        assert_eq!(answer.status, status);
        let told = key.map(|_| answer.json()["data"]["client-key"].take());
        assert_eq!(told.as_ref().and_then(|told| told.as_str()), key);
    }
    let domains = site
        .call(&low, "GET", "/api2/json/access/domains", "")
        .await
        .json()["data"]
        .take();
    let shown: Vec<String> = domains
        .as_array()
        .expect("list")
        .iter()
        .map(|d| format!("{} {} {}", d["realm"], d["type"], d["default"]))
        .collect();
    assert_eq!(
        shown.join(", ").replace('"', ""),
        "pam pam null, pbs pbs null, corp ldap null, ad1 ad true, sso openid null"
    );

    // Changes: a comment, deletions before sets, the default that is not named goes; never the password.
    put(
        "config/access/ldap/corp",
        &[
            ("comment", "x"),
            ("delete", "sync-defaults-options"),
            ("server2", "b"),
        ],
    )
    .await;
    let one = site
        .call(&admin, "GET", "/api2/json/config/access/ldap/corp", "")
        .await
        .json();
    assert_eq!(
        one["data"],
        json!({"realm":"corp","comment":"x","server1":"ldap.example.org","server2":"b","base-dn":"dc=example","user-attr":"uid","bind-dn":"cn=reader"})
    );
    let stale = [("comment", "y"), ("digest", &*"0".repeat(64))];
    assert_eq!(
        call(&admin, "PUT", "config/access/ldap/corp", &stale)
            .await
            .1,
        "detected modified configuration - file changed by other user? Try again."
    );
    put("config/access/ad/ad1", &[("comment", "y")]).await;
    assert!(!file("domains.cfg").contains("default"));
    put(
        "config/access/ldap/corp",
        &[("delete", "password"), ("delete", "bind-dn")],
    )
    .await;
    assert_eq!(file("ldap_passwords.json"), "{}");
    put(
        "config/access/pbs",
        &[("comment", "ours"), ("default", "1")],
    )
    .await;
    let pbs = site
        .call(&admin, "GET", "/api2/json/config/access/pbs", "")
        .await
        .json()["data"]
        .take();
    assert_eq!(
        pbs,
        json!({"realm":"pbs","type":"pbs","comment":"ours","default":true})
    );

    // What this build cannot do is told plainly; what is not there, first.
    std::fs::write(
        site.path("etc/user.cfg"),
        file("user.cfg") + "\nuser: ann@corp\n",
    )
    .expect("user.cfg");
    let login = json!({"username":"ann@corp","password":"whatever"});
    let answer = world(&site, "POST", "access/ticket", &[], login).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (501, "this build does not log in users of LDAP realms yet")
    );
    for (path, pairs, status, text) in [
        (
            "access/domains/corp/sync",
            &[][..],
            501,
            "this build does not take over users of LDAP and Active Directory realms yet",
        ),
        (
            "access/domains/sso/sync",
            &[],
            400,
            "realm 'sso' is no directory: only users of LDAP and Active Directory realms can be taken over",
        ),
        (
            "access/domains/none/sync",
            &[],
            400,
            "realm 'none' does not exist.",
        ),
        (
            "access/openid/auth-url",
            &[("realm", "sso"), ("redirect-url", "https://x")],
            501,
            "this build does not log in users of OpenID realms yet",
        ),
        (
            "access/openid/auth-url",
            &[("realm", "corp"), ("redirect-url", "https://x")],
            400,
            "no such openid 'corp'",
        ),
        (
            "access/openid/login",
            &[("state", "s"), ("code", "c"), ("redirect-url", "https://x")],
            501,
            "this build does not log in users of OpenID realms yet",
        ),
    ] {
        assert_eq!(
            call(&admin, "POST", path, pairs).await,
            (status, text.to_owned()),
            "{path}"
        );
    }
    for (kind, realm) in [("ldap", "corp"), ("ad", "ad1"), ("openid", "sso")] {
        let path = format!("config/access/{kind}/{realm}");
        assert_eq!(call(&low, "GET", &path, &[]).await.0, 403);
        assert_eq!(call(&admin, "DELETE", &path, &[]).await, ok);
        assert_eq!(
            call(&admin, "DELETE", &path, &[]).await,
            (404, format!("realm '{realm}' does not exist."))
        );
        assert_eq!(
            call(&admin, "GET", &path, &[]).await,
            (400, format!("no such {kind} '{realm}'"))
        );
    }
    site.end().await;
}

#[tokio::test]
async fn terminal_tickets_open_what_they_name() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let key =
        AuthKey::from_pem(&std::fs::read(site.path("etc/authkey.key")).expect("key")).expect("key");
    let made = |prefix: &str, aad: &str| {
        let unsigned = Ticket::new(prefix, "", jiff::Timestamp::now().as_second());
        key.sign(unsigned, Some(aad)).expect("signed").to_string()
    };
    let good = made(PREFIX_TERMINAL, "test@pbs/system5900");
    let low = made(PREFIX_TERMINAL, "low@pbs/system5900");
    let other = made("PBS", "test@pbs/system5900");
    for (id, ticket, path, privs, port, status) in [
        ("test@pbs", &good, "/system", "Sys.Console", 5900, 200),
        (
            "test@pbs",
            &good,
            "/system",
            "Sys.Console,Sys.Audit",
            5900,
            200,
        ),
        ("test@pbs", &good, "/system", "Sys.Nonsense", 5900, 400),
        ("test@pbs", &good, "/system", "", 5900, 400),
        ("test@pbs", &good, "/system", "Sys.Console", 5901, 400),
        ("test@pbs", &good, "/", "Sys.Console", 5900, 400),
        ("low2@pbs", &good, "/system", "Sys.Console", 5900, 400),
        ("low@pbs", &low, "/system", "Sys.Console", 5900, 400),
        ("test@pbs", &other, "/system", "Sys.Console", 5900, 400),
    ] {
        let body = json!({"authid":id,"vncticket":ticket,"path":path,"privs":privs,"port":port});
        let answer = world(&site, "POST", "access/vncticket", &[], body).await;
        assert_eq!(
            answer.status,
            status,
            "{id} {path} {privs} {port}: {}",
            answer.text()
        );
        let body = json!({"username":id,"password":ticket,"path":path,"privs":privs,"port":port});
        let answer = world(&site, "POST", "access/ticket", &[], body).await;
        let expected = match status {
            200 => (
                200,
                format!(r#"{{"data":{{"username":"{id}"}},"status":200,"success":true}}"#),
            ),
            _ => (401, "permission check failed.".to_owned()),
        };
        assert_eq!(
            (answer.status, answer.text()),
            expected,
            "{id} {path} {privs} {port}"
        );
    }
    site.end().await;
}

#[tokio::test]
async fn who_the_server_is_to_security_keys_is_kept() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let path = "/api2/json/config/access/tfa/webauthn";
    assert_eq!(
        site.call(&admin, "GET", path, "").await.text(),
        r#"{"data":null}"#
    );
    // The superuser's alone.
    assert_eq!(
        site.call(&admin, "PUT", path, "rp=vault&id=vault")
            .await
            .status,
        403
    );
    let file = r#"{"webauthn":{"rp":"vault","origin":"https://vault","id":"vault"},"users":{}}"#;
    std::fs::write(site.path("etc/tfa.json"), file).expect("tfa.json");
    let answer = site.call(&admin, "GET", path, "").await.json();
    assert_eq!(
        answer["data"],
        json!({"rp":"vault","origin":"https://vault","id":"vault"})
    );
    let canonical = r#"{"id":"vault","origin":"https://vault","rp":"vault"}"#;
    assert_eq!(
        answer["digest"],
        json!(format::Digest::of(canonical.as_bytes()).to_string())
    );
    site.end().await;
}
