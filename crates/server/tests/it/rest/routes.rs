//! The page of all routes: what is open to whom can be read, and changed only in sight. `UPDATE_GOLDEN=1` writes it anew; the difference is
//! for review. And the privileges themselves, tried by callers who lack them.

use std::fmt::Write as _;
use std::path::Path;

use server::route::{Handler, Needs, Route};

use super::message::{request, send};
use super::site::{Site, fixtures};

fn all(several: &[Needs]) -> Vec<String> {
    several.iter().map(needs).collect()
}

fn needs(needs: &Needs) -> String {
    match needs {
        Needs::World => "anyone".to_owned(),
        Needs::Anybody => "any login".to_owned(),
        Needs::Superuser => "root@pam".to_owned(),
        Needs::On(path, privileges) => format!("{} on /{}", privileges.join("|"), path.join("/")),
        Needs::Self_(name) => format!("the user {{{name}}}"),
        Needs::Either(several) => all(several).join(", or "),
        Needs::All(several) => all(several).join(", and "),
        Needs::InNamespace { full, own } if full.is_empty() => {
            format!("{} and owner, in the namespace", own.join("|"))
        }
        Needs::InNamespace { full, own } => {
            format!(
                "{}, or {} and owner, in the namespace",
                full.join("|"),
                own.join("|")
            )
        }
    }
}

fn line(route: &Route) -> String {
    let kind = match route.handler {
        Handler::Call(_) | Handler::Async(_) => "",
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
        needs(&route.needs),
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

/// Every route but the public ones refuses who is not logged in, and gives nothing to a user without privileges.
#[tokio::test]
async fn routes_are_closed_to_strangers() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let low = site.log_in("low@pbs").await;
    // What any user may ask: he gets an empty list, or what is his own.
    let own = [
        ("GET", "version"),
        ("GET", "nodes/{node}/identity"),
        ("GET", "access/permissions"),
        ("GET", "access/roles"),
        ("GET", "access/acl"),
        ("GET", "access/users"),
        ("GET", "admin/datastore"),
        ("GET", "config/datastore"),
        ("GET", "admin/gc"),
        ("GET", "admin/gc/{store}"),
        ("GET", "admin/prune"),
        ("GET", "admin/verify"),
        ("GET", "config/prune"),
        ("GET", "config/verify"),
        // Whose job it is must be found out first, and there is none.
        ("POST", "admin/prune/{id}/run"),
        ("POST", "admin/verify/{id}/run"),
        ("GET", "config/prune/{id}"),
        ("PUT", "config/prune/{id}"),
        ("DELETE", "config/prune/{id}"),
        ("GET", "config/verify/{id}"),
        ("PUT", "config/verify/{id}"),
        ("DELETE", "config/verify/{id}"),
        ("GET", "nodes/{node}/tasks"),
        ("PUT", "access/password"),
        ("PUT", "access/acl"),
        ("GET", "backup"),
        ("GET", "reader"),
        ("DELETE", "nodes/{node}/tasks/{upid}"),
    ];
    let upid = "UPID:pbs:00000001:00000001:00000001:60000000:backup:x:test@pbs:";
    let mut tried = 0;
    for route in server::tables().into_iter().flatten() {
        let path = route
            .path
            .replace("{store}", "peer")
            .replace("{name}", "peer")
            .replace("{node}", "localhost")
            .replace("{userid}", "test@pbs")
            .replace("{token-name}", "tok")
            .replace("{id}", "job-1")
            .replace("{upid}", &api::form::escape(upid));
        let form = "backup-type=host&backup-id=plain&backup-time=1700000000&notes=x&protected=1&new-owner=low@pbs&file-name=index.json.blob&filepath=/&ns=&parent=&name=x&ns=x&id=job-1&store=peer&schedule=daily&timeframe=hour&cf=MAX";
        let wanted: Vec<&str> = form
            .split('&')
            .filter(|pair| {
                let (name, value) = pair.split_once('=').expect("pair");
                let in_path = route.path.contains(&format!("{{{name}}}"));
                // A namespace that is required is a given one; elsewhere the root.
                let fits = name != "ns"
                    || route.params.find(name).is_some_and(|p| p.optional) == value.is_empty();
                route.params.find(name).is_some() && !in_path && fits
            })
            .collect();
        let target = format!("/api2/json/{path}?{}", wanted.join("&"));
        let verb = route.verb.as_str();
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
        tried += 1;
        let answer = send(
            site.address,
            &request(verb, &target, &[&low.cookie(), &low.csrf()], ""),
        )
        .await;
        if own.contains(&(verb, route.path)) {
            assert_ne!(answer.status, 500, "{verb} {target}");
            continue;
        }
        let refused = answer.status == 403 || answer.text() == "task access not allowed";
        assert!(
            refused,
            "{verb} {target}: {} {}",
            answer.status,
            answer.text()
        );
    }
    assert!(tried > 45, "only {tried} routes were tried");
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
