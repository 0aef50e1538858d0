//! The page of all routes: what is open to whom can be read, and changed only in sight. `UPDATE_GOLDEN=1` writes it anew; the difference is
//! for review. And the privileges themselves, tried by callers who lack them.

use std::fmt::Write as _;
use std::path::Path;

use api::schema::{Kind, Param};
use server::route::{Handler, Needs, Route};

use super::message::{request, send};
use super::site::{Site, fixtures};

fn line(route: &Route) -> String {
    let kind = match route.handler {
        Handler::Call(_) | Handler::Async(_) => "",
        Handler::Absent(_) => " (left to the machine)",
        Handler::Raw(_) => " (query only)",
        Handler::Payload(..) => " (query; body is payload)",
        Handler::Upgrade(_) => " (upgrade; checks privileges itself)",
    };
    let params: Vec<String> = route
        .params
        .params()
        .map(|param| format!("{}{}", param.name, if param.optional { "?" } else { "" }))
        .collect();
    format!(
        "| {} | /{} | {}{kind} | {} |",
        route.verb,
        route.path,
        route.needs,
        params.join(" ")
    )
}

#[test]
fn the_page_of_all_routes_is_reviewed() {
    let tables = server::tables();
    let tree = server::Tree::new(&tables);
    let mut page = "| verb | path | who | parameters |\n|---|---|---|---|\n".to_owned();
    for route in tree.routes() {
        writeln!(page, "{}", line(route)).expect("text");
    }
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/routes.md"
    ));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &page).expect("golden page");
    }
    let golden = std::fs::read_to_string(path).expect("tests/golden/routes.md");
    assert!(
        page == golden,
        "the routes differ from tests/golden/routes.md; they are\n{page}"
    );
}

#[test]
fn every_variable_of_a_path_is_a_parameter() {
    for route in server::tables().into_iter().flatten() {
        for part in route
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{'))
        {
            let name = part.trim_end_matches('}');
            let param = route.params.find(name);
            assert!(
                param.is_some_and(|param| !param.optional),
                "{} {}: {name}",
                route.verb,
                route.path
            );
        }
    }
}

/// Values for the parameters that a route needs; of any other the first text below that is one.
const VALUES: [(&str, &str); 12] = [
    ("store", "peer"),
    ("name", "peer"),
    ("node", "localhost"),
    ("userid", "test@pbs"),
    ("token-name", "tok"),
    (
        "upid",
        "UPID:pbs:00000001:00000001:00000001:60000000:backup:x:test@pbs:",
    ),
    ("backup-type", "host"),
    ("backup-id", "plain"),
    ("backup-time", "1700000000"),
    ("new-owner", "low@pbs"),
    ("file-name", "index.json.blob"),
    ("filepath", "/"),
];
const TEXTS: [&str; 8] = [
    "job-1",
    "1",
    "test@pbs",
    "/a",
    "daily",
    "host.example.com",
    "http://127.0.0.1:9/",
    "sda",
];

fn value(param: &Param) -> &'static str {
    if let Some((_, value)) = VALUES.iter().find(|(name, _)| *name == param.name) {
        return value;
    }
    match param.kind {
        Kind::Enum(words) => words[0],
        Kind::Array(Kind::Enum(words)) => words[0],
        kind => TEXTS
            .into_iter()
            .find(|text| kind.parse(text).is_ok())
            .unwrap_or("x"),
    }
}

/// A request with all that a route needs and nothing else.
fn target(route: &Route) -> String {
    let needed = route.params.params().filter(|param| !param.optional);
    let (in_path, others): (Vec<&Param>, Vec<&Param>) =
        needed.partition(|param| route.path.contains(&format!("{{{}}}", param.name)));
    let path = in_path.iter().fold(route.path.to_owned(), |path, param| {
        let variable = format!("{{{}}}", param.name);
        path.replace(&variable, &api::form::escape(value(param)))
    });
    let pair = |param: &&Param| format!("{}={}", param.name, api::form::escape(value(param)));
    let query: Vec<String> = others.iter().map(pair).collect();
    format!("/api2/json/{path}?{}", query.join("&"))
}

/// What any user gets: it is the same for all, or his own.
const OPEN: [&str; 13] = [
    "GET version",
    "GET nodes/{node}/identity",
    "GET nodes/{node}/subscription",
    "GET nodes/{node}/time",
    "GET status/metrics",
    "GET access/permissions",
    "GET access/roles",
    "GET access/users",
    "GET access/acl",
    "GET access/tfa",
    "GET config/access/tfa/webauthn",
    "GET config/acme/directories",
    // Nobody gets it from this build.
    "GET config/acme/tos",
];

/// Every route but the public ones refuses who is not logged in, and gives nothing to a user without privileges.
#[tokio::test]
async fn routes_are_closed_to_strangers() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let low = site.log_in("low@pbs").await;
    let mut tried = 0;
    for route in server::tables().into_iter().flatten() {
        let (verb, target) = (route.verb.as_str(), target(route));
        let nobody = send(site.address, &request(verb, &target, &[], "")).await;
        if matches!(route.needs, Needs::World) {
            assert_ne!(nobody.text(), "authentication failed", "{verb} {target}");
            continue;
        }
        assert_eq!(
            (nobody.status, nobody.text().as_str()),
            (401, "authentication failed"),
            "{verb} {target}"
        );
        if route.path == "events" {
            // Its answer never ends; `events.rs` looks who is shown what.
            continue;
        }
        tried += 1;
        let headers = [low.cookie(), low.csrf()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = send(site.address, &request(verb, &target, &headers, "")).await;
        let is_refused = match route.needs {
            // Whose thing it is must be found out first, or lists show only what is the caller's.
            Needs::Anybody | Needs::InNamespace { .. } => (400..=404).contains(&answer.status),
            _ => answer.status == 403,
        };
        let is_empty = matches!(route.needs, Needs::Anybody)
            && answer.status == 200
            && [r#"{"data":[]"#, r#"{"data":{}"#, r#"{"data":null"#]
                .iter()
                .any(|start| verb == "GET" && answer.text().starts_with(start));
        assert!(
            is_refused || is_empty || OPEN.contains(&format!("{verb} {}", route.path).as_str()),
            "{verb} {target}: {} {}",
            answer.status,
            answer.text()
        );
    }
    assert!(tried > 45, "only {tried} routes were tried");
    site.end().await;
}

/// The description of all routes is for everybody.
#[tokio::test]
async fn the_description_needs_no_login() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let target = "/api2/openapi.json";
    let answer = send(site.address, &request("GET", target, &[], "")).await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/json;charset=UTF-8"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/ping"]["get"].is_object());
    let other = send(site.address, &request("POST", target, &[], "")).await;
    assert_eq!(
        (other.status, other.text().as_str()),
        (400, "Unsupported output format 'openapi.json'.")
    );
    site.end().await;
}

/// A user who may only back up sees and changes what he owns, and nothing else.
#[tokio::test]
async fn owners_see_and_change_their_own() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let low2 = site.log_in("low2@pbs").await;
    let role = "path=/datastore/peer&role=DatastorePowerUser&auth-id=low2%40pbs";
    assert_eq!(
        site.call(&admin, "PUT", "/api2/json/access/acl", role)
            .await
            .text(),
        r#"{"data":null}"#
    );
    let base = "/api2/json/admin/datastore/peer";
    let give = "backup-type=host&backup-id=small&new-owner=low2%40pbs";
    assert_eq!(
        site.call(&admin, "POST", &format!("{base}/change-owner"), give)
            .await
            .status,
        200
    );

    let names = async |list: &str| {
        let answer = site.call(&low2, "GET", &format!("{base}/{list}"), "").await;
        let data = answer.json()["data"].take();
        let name = |item: &serde_json::Value| item["backup-id"].as_str().expect("id").to_owned();
        data.as_array()
            .expect("list")
            .iter()
            .map(name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (names("groups").await, names("snapshots").await),
        (vec!["small".to_owned()], vec!["small".to_owned()])
    );

    // Owning is not enough to give away.
    let give = "backup-type=host&backup-id=small&new-owner=test%40pbs";
    let refused = site
        .call(&low2, "POST", &format!("{base}/change-owner"), give)
        .await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    let small = "backup-type=host&backup-id=small&backup-time=1700000500";
    let plain = "backup-type=host&backup-id=plain&backup-time=1700000000";
    let not_owner = "backup owner check failed (low2@pbs != test@pbs)";
    for (verb, route, more) in [
        ("GET", "files", ""),
        ("GET", "notes", ""),
        ("PUT", "notes", "&notes=x"),
        ("GET", "protected", ""),
        ("PUT", "protected", "&protected=0"),
        ("GET", "download", "&file-name=index.json.blob"),
        ("GET", "download-decoded", "&file-name=root.pxar.didx"),
        ("GET", "catalog", "&filepath=/"),
        (
            "GET",
            "pxar-file-download",
            "&filepath=cm9vdC5weGFyLmRpZHg%3D",
        ),
        (
            "GET",
            "snapshot-diff",
            "&base-time=1700000500&base-id=small&archive-name=root.pxar.didx",
        ),
        (
            "POST",
            "selection",
            "&filepath=%2F&archive-name=root.pxar.didx",
        ),
        ("POST", "verify", ""),
        ("DELETE", "snapshots", ""),
    ] {
        let other = site
            .call(&low2, verb, &format!("{base}/{route}?{plain}{more}"), "")
            .await;
        assert_eq!(
            (other.status, other.text().as_str()),
            (400, not_owner),
            "{verb} {route}"
        );
        let own = site
            .call(&low2, verb, &format!("{base}/{route}?{small}{more}"), "")
            .await;
        assert_eq!(own.status, 200, "{verb} {route}: {}", own.text());
        site.idle().await;
    }
    site.end().await;
}

/// A datastore in maintenance refuses what its mode forbids.
#[tokio::test]
async fn maintenance_refuses() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let groups = "/api2/json/admin/datastore/peer/groups";
    let notes =
        "/api2/json/admin/datastore/peer/group-notes?backup-type=host&backup-id=plain&notes=x";
    for (mode, read, write, text) in [
        (
            "read-only",
            200,
            400,
            "datastore 'peer' is unavailable: read-only maintenance mode: moving",
        ),
        (
            "offline",
            400,
            400,
            "datastore 'peer' is unavailable: offline maintenance mode: moving",
        ),
    ] {
        let body = format!("maintenance-mode={mode}%2Cmessage%3Dmoving");
        let set = site
            .call(&admin, "PUT", "/api2/json/config/datastore/peer", &body)
            .await;
        assert_eq!(set.text(), r#"{"data":null}"#);
        assert_eq!(
            site.call(&admin, "GET", groups, "").await.status,
            read,
            "{mode}"
        );
        let refused = site.call(&admin, "PUT", notes, "").await;
        assert_eq!((refused.status, refused.text().as_str()), (write, text));
    }
    let set = site
        .call(
            &admin,
            "PUT",
            "/api2/json/config/datastore/peer",
            "delete=maintenance-mode",
        )
        .await;
    assert_eq!(set.status, 200);
    assert_eq!(site.call(&admin, "PUT", notes, "").await.status, 200);
    site.end().await;
}
