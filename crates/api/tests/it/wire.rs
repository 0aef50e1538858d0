//! Replies: every captured body reads into our types and prints to the same bytes.

use api::rest::{self, Reply, access, catalog, datastore, namespace, node, snapshot, task};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reads a capture's `data` and prints it; `sorted` compares after sorting the members.
fn same<T: Serialize + DeserializeOwned>(capture: &str, sorted: bool) {
    let Some(body) = super::fixtures::body(capture) else {
        return;
    };
    let reply: Reply<T> = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{capture}: {e}"));
    let printed = serde_json::to_string(&reply).expect("prints");
    let normal = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    if sorted {
        assert_eq!(normal(&printed), normal(&body), "{capture}");
    } else {
        assert_eq!(printed, body, "{capture}");
    }
}

#[test]
fn replies_print_as_captured() {
    same::<node::Ping>("000-ping", false);
    same::<access::TicketReply>("001-ticket", false);
    same::<node::Version>("011-version", false);
    same::<Vec<node::Subdir>>("020-access-index", false);
    same::<access::Permissions>("024-permissions", false);
    same::<Vec<access::UserItem>>("028-users", false);
    same::<Vec<access::UserItem>>("029-users-with-tokens", false);
    same::<access::UserItem>("030-user", false);
    same::<Vec<access::TokenItem>>("031-user-tokens", false);
    same::<access::TokenCreated>("036-token-create", false);
    same::<access::TokenItem>("037-token-get", false);
    same::<Vec<access::AclItem>>("041-acl", false);
    same::<Vec<access::DomainItem>>("047-domains", false);
    same::<Vec<datastore::StoreItem>>("050-datastores", false);
    same::<datastore::StoreStatus>("052-ds-status", false);
    same::<datastore::StoreStatus>("053-ds-status-verbose", false);
    same::<datastore::StoreStatus>("109-ds-status-verbose-after", false);
    same::<Vec<snapshot::GroupItem>>("062-groups", false);
    same::<Vec<snapshot::GroupItem>>("108-groups-after", false);
    same::<Vec<snapshot::SnapshotItem>>("065-snapshots", false);
    same::<Vec<snapshot::SnapshotItem>>("107-snapshots-after-verify", false);
    same::<Vec<snapshot::FileItem>>("069-files", true);
    same::<Vec<snapshot::FileItem>>("070-files-encrypted", true);
    same::<Vec<catalog::CatalogItem>>("072-catalog-root", false);
    same::<Vec<catalog::CatalogItem>>("074-catalog-files", false);
    same::<Vec<namespace::NamespaceItem>>("093-namespace-list", false);
    same::<Vec<snapshot::PruneItem>>("098-prune-dry", false);
    same::<datastore::ActiveOperations>("110-active-operations", false);
    same::<Vec<datastore::UsageItem>>("112-datastore-usage", false);
    same::<node::NodeStatus>("134-node-status", true);
    // The original writes `total` first.
    same::<Vec<task::TaskItem>>("138-tasks", true);
    same::<task::TaskStatus>("142-task-status-gc", false);
    same::<task::TaskStatus>("149-task-unknown", false);
}

#[test]
fn task_items_keep_their_order() {
    let Some(body) = super::fixtures::body("138-tasks") else {
        return;
    };
    let reply: Reply<Vec<task::TaskItem>> = serde_json::from_str(&body).unwrap();
    let printed = serde_json::to_string(&reply.data).unwrap();
    assert!(body.contains(&printed), "{printed}");
    for item in reply.data {
        let mut running = task::TaskItem::running(item.upid.clone());
        (running.endtime, running.status) = (item.endtime, item.status.clone());
        assert_eq!(running, item);
    }
}

#[test]
fn task_logs() {
    let Some(body) = super::fixtures::body("143-task-log-gc") else {
        return;
    };
    let log: task::TaskLog = serde_json::from_str(&body).unwrap();
    assert_eq!(serde_json::to_string(&log).unwrap(), body);
}

#[test]
fn requests_travel_as_query_and_as_json() {
    let open = api::backup::Open {
        snapshot: rest::SnapshotKey {
            backup_id: "demo".parse().unwrap(),
            backup_time: format::BackupTime::new(1_700_000_000).unwrap(),
            backup_type: format::BackupType::Host,
        },
        benchmark: false,
        debug: true,
        no_cache: false,
        ns: format::Namespace::root(),
        store: "protodemo".parse().unwrap(),
    };
    let query = api::form::encode(&open).unwrap();
    assert_eq!(
        query,
        "backup-id=demo&backup-time=1700000000&backup-type=host&benchmark=false&debug=true&store=protodemo"
    );
    let pairs = api::form::decode(query.as_bytes()).unwrap();
    let back: api::backup::Open = api::backup::OPEN
        .parse_into(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        .unwrap();
    assert_eq!(back, open);
    let json = serde_json::to_value(&open).unwrap();
    assert_eq!(
        api::backup::OPEN
            .check_into::<api::backup::Open>(json.as_object().unwrap().clone())
            .unwrap(),
        open
    );
    assert_eq!(
        json!({"a": [1, 2], "b": null, "c": "x y"})
            .as_object()
            .map(|v| api::form::encode(v).unwrap())
            .unwrap(),
        "a=1&a=2&c=x%20y"
    );
}

#[test]
fn flattened_requests_read_back() {
    let pairs = [
        ("store", "peer"),
        ("ns", "a/b"),
        ("backup-type", "vm"),
        ("backup-id", "100"),
        ("keep-last", "3"),
        ("dry-run", "1"),
    ];
    let prune: snapshot::Prune = snapshot::PRUNE.parse_into(pairs).unwrap();
    assert_eq!(
        (prune.keep.keep_last, prune.dry_run, prune.place.ns.depth()),
        (Some(3), true, 2)
    );
    assert_eq!(format::Group::from(prune.group).to_string(), "vm/100");
    let user: access::UserCreate = access::USER_CREATE
        .parse_into([
            ("userid", "a@pbs"),
            ("password", "12345678"),
            ("enable", "0"),
        ])
        .unwrap();
    assert_eq!(
        (user.password.as_deref(), user.properties.enable),
        (Some("12345678"), Some(false))
    );
    let verify: snapshot::Verify = snapshot::VERIFY
        .parse_into([("store", "peer"), ("backup-time", "1700000000")])
        .unwrap();
    assert_eq!(
        verify.backup_time.map(|time| time.epoch()),
        Some(1_700_000_000)
    );
}
