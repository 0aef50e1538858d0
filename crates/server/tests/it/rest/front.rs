//! The HTTP front: path rules, bodies, login in all its forms, logs, other protocols on the port, and the end of a server.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::message::{Answer, request, send};
use super::site::{Login, Site, TOKEN_SECRET, fixtures};
use crate::exchange::client::connect;

const FORM: &str = "content-type: application/x-www-form-urlencoded";
/// `<head></head>`, packed by gzip.
const HEAD: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\xc9\x48\x4d\x4c\xb1\xb3\xd1\x07\x53\x00\x14\x9d\xe1\x87\x0d\x00\x00\x00";
const PING: &str = "/api2/json/ping";
const VERSION: &str = "/api2/json/version";

#[tokio::test]
async fn paths_methods_and_bodies() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let token = format!("authorization: PBSAPIToken test@pbs!tok:{TOKEN_SECRET}");
    let long = format!("{PING}?{}", "x".repeat(3100));
    let big = format!("a={}", "x".repeat(600 << 10));
    let json = Some("application/json;charset=UTF-8");
    let ping = r#"{"data":{"pong":true}}"#;
    for (method, target, header, body, status, content_type, expected) in [
        ("GET", "//api2//json/ping?", "x: y", "", 200, json, ping),
        (
            "GET",
            "/api2/extjs/ping",
            "x: y",
            "",
            200,
            json,
            r#"{"data":{"pong":true},"status":200,"success":true}"#,
        ),
        ("GET", long.as_str(), "x: y", "", 414, None, ""),
        (
            "GET",
            "/api2/json/../x",
            "x: y",
            "",
            400,
            None,
            "path contains illegal components",
        ),
        (
            "GET",
            "/api2",
            "x: y",
            "",
            404,
            None,
            "invalid api path '/api2'",
        ),
        (
            "GET",
            "/api2/xml/ping",
            "x: y",
            "",
            400,
            None,
            "Unsupported output format 'xml'.",
        ),
        (
            "GET",
            "/nope/file.js",
            "x: y",
            "",
            404,
            None,
            "no such file: 'nope/file.js'",
        ),
        (
            "POST",
            "/",
            "x: y",
            "",
            400,
            None,
            "invalid http method for path",
        ),
        (
            "GET",
            "/api2/json/nope",
            "x: y",
            "",
            401,
            None,
            "authentication failed",
        ),
        (
            "GET",
            "/api2/extjs/nope",
            "x: y",
            "",
            401,
            None,
            "authentication failed",
        ),
        (
            "PATCH",
            VERSION,
            &token,
            "",
            404,
            json,
            "Path '/api2/json/version' not found.",
        ),
        (
            "OPTIONS",
            "//api2/json/version",
            &token,
            "",
            404,
            json,
            "Path '/api2/json/version' not found.",
        ),
        (
            "POST",
            "/api2/json/access/ticket",
            "content-type: text/xml",
            "x",
            400,
            json,
            "unsupported content type Ok(\"text/xml\")",
        ),
        (
            "POST",
            "/api2/json/access/ticket",
            "content-type: application/json",
            "[1]",
            400,
            json,
            "request body is not a JSON object",
        ),
        (
            "POST",
            "/api2/json/access/ticket",
            FORM,
            &big,
            400,
            json,
            "Request body too large",
        ),
        (
            "GET",
            "/api2/json/admin/datast%6Fre/peer/status?_dc=1&verbose=0&verbose=1",
            &token,
            "",
            400,
            json,
            "parameter verification failed - 'verbose': duplicate parameter.",
        ),
        (
            "DELETE",
            "/api2/json/access/ticket",
            "x: y",
            "",
            200,
            Some("application/json"),
            r#"{"data":{},"status":200,"success":true}"#,
        ),
    ] {
        let answer = send(site.address, &request(method, target, &[header], body)).await;
        let got = (answer.status, answer.header("content-type"), answer.text());
        assert_eq!(
            got,
            (status, content_type, expected.to_owned()),
            "{method} {target}"
        );
        assert!(answer.header("date").is_some() && answer.header("server").is_none());
        let clears = answer
            .header("set-cookie")
            .is_some_and(|cookie| cookie.starts_with("__Host-PBSAuthCookie=; Expires="));
        assert_eq!(
            clears,
            status == 401 || method == "DELETE",
            "{method} {target}"
        );
    }
    site.end().await;
}

#[tokio::test]
async fn logins() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let post = async |headers: &[&str], body: &str| {
        send(
            site.address,
            &request("POST", "/api2/json/access/ticket", headers, body),
        )
        .await
    };

    // With the cookie that scripts cannot read; then renewed with nothing else.
    let answer = post(
        &[FORM],
        "username=test%40pbs&password=peer-test-1&http-only=1",
    )
    .await;
    let cookie = answer.header("set-cookie").expect("cookie").to_owned();
    let data = answer.json()["data"].take();
    assert!(
        cookie.starts_with("__Host-PBSAuthCookie=PBS:test@pbs:")
            && cookie.ends_with("; Secure; SameSite=Lax; HttpOnly; Path=/;"),
        "{cookie}"
    );
    assert!(
        data.get("ticket").is_none()
            && data["ticket-info"]
                .as_str()
                .expect("info")
                .ends_with("::ticketinfo"),
        "{data}"
    );
    let sent_back = format!("cookie: {}", cookie.split(';').next().expect("pair"));
    let version = send(site.address, &request("GET", VERSION, &[&sent_back], "")).await;
    assert_eq!(version.status, 200, "{}", version.text());
    let renewed = post(&[FORM, &sent_back], "username=test%40pbs&http-only=1").await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    // The cookie renews nobody else.
    let other = post(
        &[FORM, &sent_back],
        "username=low%40pbs&password=x&http-only=1",
    )
    .await;
    assert_eq!(
        (other.status, other.text().as_str()),
        (401, "permission check failed.")
    );
    // In this flow a ticket is no password.
    let ticket = api::form::escape(
        cookie
            .split_once('=')
            .expect("value")
            .1
            .split(';')
            .next()
            .expect("value"),
    );
    let refused = post(
        &[FORM],
        &format!("username=test%40pbs&password={ticket}&http-only=1"),
    )
    .await;
    assert_eq!(refused.status, 401);

    // A disabled user gets neither in nor on.
    let login = site.log_in("low@pbs").await;
    let version = send(
        site.address,
        &request("GET", VERSION, &[&login.cookie()], ""),
    )
    .await;
    assert_eq!(version.status, 200);
    let admin = site.log_in("test@pbs").await;
    let answer = site
        .call(&admin, "PUT", "/api2/json/access/users/low@pbs", "enable=0")
        .await;
    assert_eq!(answer.text(), r#"{"data":null}"#);
    let version = send(
        site.address,
        &request("GET", VERSION, &[&login.cookie()], ""),
    )
    .await;
    assert_eq!(
        (version.status, version.text().as_str()),
        (401, "authentication failed")
    );
    assert_eq!(
        post(&[FORM], "username=low%40pbs&password=low-test-1")
            .await
            .status,
        401
    );
    site.end().await;
}

#[tokio::test]
async fn passwords_and_tokens_change_at_once() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let low = site.log_in("low@pbs").await;
    let set = "userid=low%40pbs&password=a-new-password";
    for (confirmation, status) in [
        ("", 401),
        ("&confirmation-password=wrong", 401),
        ("&confirmation-password=low-test-1", 200),
    ] {
        let answer = site
            .call(
                &low,
                "PUT",
                "/api2/json/access/password",
                &format!("{set}{confirmation}"),
            )
            .await;
        assert_eq!(answer.status, status, "{confirmation}: {}", answer.text());
    }
    // His ticket has ended with the old password.
    let version = "/api2/json/version";
    assert_eq!(site.call(&low, "GET", version, "").await.status, 401);
    let low2 = site.log_in("low2@pbs").await;
    let other = site
        .call(
            &low2,
            "PUT",
            "/api2/json/access/password",
            "userid=test%40pbs&password=a-new-password&confirmation-password=a-new-password",
        )
        .await;
    assert_eq!(
        (other.status, other.text().as_str()),
        (403, "permission check failed")
    );
    let login = |password: &str| {
        request(
            "POST",
            "/api2/json/access/ticket",
            &[FORM],
            &format!("username=low%40pbs&password={password}"),
        )
    };
    assert_eq!(send(site.address, &login("low-test-1")).await.status, 401);
    let again = send(site.address, &login("a-new-password")).await;
    assert_eq!(again.status, 200);
    let data = again.json()["data"].take();
    let text = |name: &str| data[name].as_str().expect("text").to_owned();
    let low = Login {
        ticket: text("ticket"),
        csrf: text("CSRFPreventionToken"),
    };

    // A user makes a token of his own; its secret works until it is made anew, and then the token goes.
    let target = "/api2/json/access/users/low@pbs/token/laptop";
    let made = site.call(&low, "POST", target, "").await;
    let secret = made.json()["data"]["value"]
        .as_str()
        .expect("secret")
        .to_owned();
    let use_it = async |secret: &str| {
        let header = format!("authorization: PBSAPIToken=low@pbs!laptop:{secret}");
        send(site.address, &request("GET", VERSION, &[&header], ""))
            .await
            .status
    };
    assert_eq!((use_it(&secret).await, use_it(&secret).await), (200, 200));
    let anew = site.call(&low, "PUT", target, "regenerate=1").await;
    let new_secret = anew.json()["data"]["secret"]
        .as_str()
        .expect("secret")
        .to_owned();
    assert_eq!(
        (use_it(&secret).await, use_it(&new_secret).await),
        (401, 200)
    );
    assert_eq!(site.call(&low, "DELETE", target, "").await.status, 200);
    assert_eq!(use_it(&new_secret).await, 401);
    site.end().await;
}

#[tokio::test]
async fn guessing_is_braked_and_known_tokens_still_work() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let right = format!("authorization: PBSAPIToken=test@pbs!tok:{TOKEN_SECRET}");
    let with_right = async || {
        send(site.address, &request("GET", VERSION, &[&right], ""))
            .await
            .status
    };
    assert_eq!(with_right().await, 200);
    let login = async |user: &str, password: &str| {
        let body = format!("username={}&password={password}", api::form::escape(user));
        let login = request("POST", "/api2/json/access/ticket", &[FORM], &body);
        send(site.address, &login).await.status
    };
    // All at once: none of them knows yet that the others fail.
    let guesses = (0..40).map(|_| login("low@pbs", "guess"));
    for status in futures_util::future::join_all(guesses).await {
        assert_eq!(status, 401);
    }
    assert_eq!(
        login("low@pbs", "low-test-1").await,
        401,
        "no hash is computed for this user from here now"
    );
    assert_eq!(
        login("test@pbs", "peer-test-1").await,
        200,
        "who shares the address is not locked out"
    );
    for n in 0..200 {
        assert_eq!(login(&format!("nobody{n}@pbs"), "guess").await, 401);
    }
    assert_eq!(
        login("test@pbs", "peer-test-1").await,
        401,
        "no hash is computed for this network now"
    );
    assert_eq!(
        with_right().await,
        200,
        "what was checked a moment ago is not guessed"
    );
    site.end().await;
}

#[tokio::test]
async fn requests_and_refusals_are_logged() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let agent = "user-agent: test/1.0";
    send(
        site.address,
        &request("GET", "//api2/json/ping?", &[agent], ""),
    )
    .await;
    let token = format!("authorization: PBSAPIToken=test@pbs!tok:{TOKEN_SECRET}");
    send(site.address, &request("GET", VERSION, &[&token], "")).await;
    send(
        site.address,
        &request(
            "GET",
            VERSION,
            &["cookie: PBSAuthCookie=PBS:x@pbs:00000001::AAAA"],
            "",
        ),
    )
    .await;
    send(
        site.address,
        &request(
            "POST",
            "/api2/json/access/ticket",
            &[FORM],
            "username=x%40pbs&password=wrong",
        ),
    )
    .await;
    let log = |name: &str| site.path("log/api").join(name);
    let (access, auth) = (log("access.log"), log("auth.log"));
    // Ending the server writes the last lines; the folder goes with the site.
    let copies = tempfile::tempdir().expect("tempdir");
    let keep = copies.path().to_owned();
    site.end_with(|| {
        std::fs::copy(&access, keep.join("access.log")).expect("access log");
        std::fs::copy(&auth, keep.join("auth.log")).expect("auth log");
    })
    .await;
    let read = |name: &str| std::fs::read_to_string(copies.path().join(name)).expect("log");
    let lines: Vec<String> = read("access.log")
        .lines()
        .map(|line| {
            let (before, after) = line.split_once('[').expect("time");
            format!("{before}{}", after.split_once(']').expect("time").1)
        })
        .collect();
    for expected in [
        "127.0.0.1 - -  \"GET //api2/json/ping?\" 200 22 test/1.0",
        "127.0.0.1 - test@pbs!tok  \"GET /api2/json/version\" 200 92 -",
        "127.0.0.1 - -  \"GET /api2/json/version\" 401 21 -",
        "127.0.0.1 - -  \"POST /api2/json/access/ticket\" 401 24 -",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}\n{lines:#?}"
        );
    }
    let auth = read("auth.log");
    for expected in [
        ": successful auth for user 'test@pbs'",
        " msg=invalid ticket - expired",
        " user=x@pbs msg=user account or token disabled or expired.",
    ] {
        assert!(
            auth.lines().any(|line| line.ends_with(expected)),
            "{expected}\n{auth}"
        );
    }
    assert!(
        auth.contains(": authentication failure; rhost=127.0.0.1:"),
        "{auth}"
    );
}

#[tokio::test]
async fn other_protocols_on_the_port() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    // Plain HTTP is sent to TLS.
    let mut plain = TcpStream::connect(site.address).await.expect("connect");
    plain
        .write_all(b"GET /x?y HTTP/1.1\r\nHost: pbs:8007\r\n\r\n")
        .await
        .expect("request");
    let mut bytes = Vec::new();
    plain.read_to_end(&mut bytes).await.expect("answer");
    let answer = Answer::parse(&bytes, true).expect("answer");
    assert_eq!(
        (
            answer.status,
            answer.header("location"),
            answer.text().as_str()
        ),
        (301, Some("https://pbs:8007"), "")
    );
    // A peer that says nothing, or closes in the middle of a record, disturbs nobody.
    drop(TcpStream::connect(site.address).await.expect("connect"));
    let mut cut = TcpStream::connect(site.address).await.expect("connect");
    cut.write_all(b"\x16\x03\x01").await.expect("bytes");
    drop(cut);
    // HTTP/2 without being asked for, inside TLS.
    let stream = connect(site.address).await;
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(async move { drop(connection.await) });
    let get = |target: &str| {
        http::Request::get(format!("https://localhost{target}"))
            .header(
                "authorization",
                format!("PBSAPIToken=test@pbs!tok:{TOKEN_SECRET}"),
            )
            .body(())
            .expect("request")
    };
    let upgrade =
        "/api2/json/backup?store=peer&backup-type=host&backup-id=x&backup-time=1700200000";
    for (target, status, expected) in [
        (PING, 200, r#"{"data":{"pong":true}}"#),
        (upgrade, 400, "missing Upgrade header"),
    ] {
        let (answer, _) = client.send_request(get(target), true).expect("sent");
        let answer = answer.await.expect("answer");
        assert_eq!(answer.status(), status);
        let mut body = answer.into_body();
        let mut text = Vec::new();
        while let Some(data) = body.data().await {
            text.extend_from_slice(&data.expect("data"));
        }
        assert_eq!(String::from_utf8(text).expect("text"), expected);
    }
    site.end().await;
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_ends_with_the_server() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    assert_eq!(site.fingerprint().len(), 95);
    let mut stream = connect(site.address).await;
    for _ in 0..3 {
        stream
            .write_all(&request("GET", PING, &[], ""))
            .await
            .expect("request");
        let mut bytes = Vec::new();
        while Answer::parse(&bytes, false).is_none() {
            assert!(stream.read_buf(&mut bytes).await.expect("answer") > 0);
        }
    }
    let begin = std::time::Instant::now();
    site.end().await;
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "an idle connection must not hold the end"
    );
    assert_eq!(
        stream.read(&mut [0; 1]).await.unwrap_or(0),
        0,
        "it was closed"
    );
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let folder = tempfile::tempdir().expect("tempdir");
    let at = |name: &str| folder.path().join(name);
    let first = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let taken = first.local_addr().expect("address");
    let settings = server::Settings::new(at("etc"), at("state"), at("log"), taken, "pbs");
    let error = server::Server::bind(settings).await.expect_err("taken");
    assert_eq!(
        error.to_string(),
        format!("{taken} is in use by another program")
    );
    assert!(!at("etc").exists(), "nothing was made");
}

/// The app is deflated once, when it is built: what browsers accept beside gzip packs it no second time.
#[tokio::test]
async fn the_app_is_served() {
    let Some(fixtures) = fixtures() else { return };
    let script: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.app = server::app::App::new(&[("index.html", script), ("assets/a.js", script)]);
    })
    .await;
    let packed = "accept-encoding: gzip, deflate, br";
    for (method, target, header, status, encoding, body) in [
        ("GET", "/", packed, 200, Some("gzip"), script),
        ("GET", "/index.html", "x: y", 200, None, b""),
        ("GET", "/assets/a.js", packed, 200, Some("gzip"), script),
        (
            "GET",
            "/assets/b.js",
            "x: y",
            404,
            None,
            b"no such file: 'assets/b.js'",
        ),
        (
            "GET",
            "/assets/%2e%2e/index.html",
            "x: y",
            400,
            None,
            b"path contains illegal components",
        ),
        (
            "POST",
            "/index.html",
            "x: y",
            400,
            None,
            b"invalid http method for path",
        ),
        // What is not the app stays what it was.
        ("GET", PING, "x: y", 200, None, br#"{"data":{"pong":true}}"#),
    ] {
        let answer = send(site.address, &request(method, target, &[header], "")).await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(
            answer.header("content-encoding"),
            encoding,
            "{method} {target}"
        );
        assert_eq!(answer.body, body, "{method} {target}");
    }
    site.end().await;
}

/// What is to be agreed to before the login stands in the page from when it is set, for everybody, whoever asks; the guide is open as well.
#[tokio::test]
async fn settings_and_guide_are_shown_without_a_login() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.app = server::app::App::new(&[("index.html", HEAD), ("docs/index.html", HEAD)]);
    })
    .await;
    let page = async || {
        let answer = send(site.address, &request("GET", "/", &[], "")).await;
        let policy = answer.header("content-security-policy").expect("policy");
        assert!(!policy.contains("unsafe"), "{policy}");
        let tag = answer.header("etag").expect("tag").to_owned();
        (answer.text(), tag)
    };
    let (plain, first) = page().await;
    assert_eq!(plain, "<head></head>");
    let config = site.path("etc/node.cfg");
    std::fs::write(&config, "consent-text: QWdyZWU=\n").expect("write");
    let (text, second) = page().await;
    assert_eq!(
        text,
        "<head><meta name=\"strongroom-consent\" content=\"QWdyZWU=\">\n</head>"
    );
    assert_ne!(first, second);
    let kept = format!("if-none-match: {second}");
    let again = send(
        site.address,
        &request("GET", "/", &[&kept, "connection: close"], ""),
    )
    .await;
    assert_eq!(again.status, 304);
    // Where one looks for what is wrong with the file must not be missing, nor what is to be agreed to.
    std::fs::write(&config, "consent-text\n").expect("write");
    assert_eq!(page().await.0, text);
    std::fs::write(&config, "\n").expect("write");
    assert_eq!(page().await.0, plain);
    for (method, target, status, location) in [
        ("GET", "/docs", 308, Some("docs/")),
        ("GET", "/docs/", 200, None),
        ("GET", "/docs/index.html", 200, None),
        ("GET", "/docs/nothing.html", 404, None),
        ("POST", "/docs", 400, None),
    ] {
        let answer = send(site.address, &request(method, target, &[], "")).await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(answer.header("location"), location, "{method} {target}");
    }
    site.end().await;
}

/// A browser was told "no such file".
#[tokio::test]
async fn the_front_page_says_what_this_is() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let answer = send(site.address, &request("GET", "/", &[], "")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        answer.text().contains("<title>Strongroom</title>"),
        "{}",
        answer.text()
    );
    let mut stream = connect(site.address).await;
    let head = request("HEAD", "/", &["connection: close"], "");
    stream.write_all(&head).await.expect("request");
    let mut bytes = Vec::new();
    // Some ends of TLS are no error here.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    assert!(
        text.contains(&format!("content-length: {}\r\n", answer.body.len())),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\n"), "no body: {text}");
    site.end().await;
}

/// A page that is not there was 404 to GET and 400 to HEAD; what checks links asks by HEAD.
#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.app = server::app::App::new(&[
            ("index.html", HEAD),
            ("docs/index.html", HEAD),
            ("assets/a.js", HEAD),
        ]);
    })
    .await;
    std::fs::write(site.path("etc/node.cfg"), "consent-text: QWdyZWU=\n").expect("write");
    let raw = async |method, target, header| {
        let mut stream = connect(site.address).await;
        let asked = request(method, target, &[header, "connection: close"], "");
        stream.write_all(&asked).await.expect("request");
        let mut bytes = Vec::new();
        // Some ends of TLS are no error here.
        let _ = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let body = bytes.split_off(end.expect("a head") + 4);
        let text = String::from_utf8(bytes).expect("text");
        // That there is no body, or how it is cut into pieces, need not be said where none is sent.
        let varies = |line: &&str| {
            line.starts_with("date: ")
                || line.starts_with("transfer-")
                || *line == "content-length: 0"
        };
        let head = text.lines().filter(|line| !varies(line));
        (head.map(str::to_owned).collect::<Vec<_>>(), body)
    };
    for (target, status) in [
        ("/", 200),
        ("/index.html", 200),
        ("/assets/a.js", 200),
        ("/assets/b.js", 404),
        ("/nothing", 404),
        ("/docs", 308),
        ("/docs/", 200),
        ("/docs/nothing", 404),
        ("/healthz", 200),
        ("/metrics", 401),
        ("/api2/openapi.json", 200),
        ("/api2", 404),
        ("/a/../b", 400),
    ] {
        for header in ["x: y", "accept-encoding: gzip", "accept-encoding: deflate"] {
            let (shown, body) = raw("GET", target, header).await;
            let (head, none) = raw("HEAD", target, header).await;
            assert!(
                shown[0].starts_with(&format!("HTTP/1.1 {status} ")),
                "{target}: {shown:?}"
            );
            assert_eq!(head, shown, "{target} {header}");
            assert_eq!(none, b"", "{target} {header}");
            let length = format!("content-length: {}", body.len());
            if header == "x: y" && !body.is_empty() {
                assert!(shown.contains(&length), "{target}: {shown:?}");
            }
        }
    }
    site.end().await;
}

/// A request line of 64 KiB was sometimes answered by a connection that broke: the answer was lost when the server closed before all was sent.
#[tokio::test]
async fn what_is_far_too_long_is_still_answered() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    for kib in [8, 33, 64, 200, 1024] {
        let target = format!("{PING}?x={}", "y".repeat(kib << 10));
        for _ in 0..5 {
            let answer = send(site.address, &request("GET", &target, &[], "")).await;
            assert!([414, 431].contains(&answer.status), "{kib} KiB: {answer:?}");
        }
    }
    site.end().await;
}
