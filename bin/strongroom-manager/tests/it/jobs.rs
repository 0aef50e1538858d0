//! Jobs and garbage collection as an administrator handles them.

use crate::House;

/// A small datastore.
fn house() -> House {
    let house = House::new();
    let path = house.path("tank");
    house.ok(&["datastore", "create", "tank", path.to_str().expect("text")]);
    house
}

#[test]
fn prune_jobs() {
    let house = house();
    let create = [
        "prune-job",
        "create",
        "nightly",
        "--schedule",
        "daily",
        "--store",
        "tank",
        "--keep-last",
        "7",
    ];
    assert_eq!(house.ok(&create), "");
    assert_eq!(
        house.ok(&["prune-job", "show", "nightly"]),
        "\
┌───────────┬─────────┐
│ Name      │ Value   │
╞═══════════╪═════════╡
│ id        │ nightly │
├───────────┼─────────┤
│ schedule  │ daily   │
├───────────┼─────────┤
│ store     │ tank    │
├───────────┼─────────┤
│ keep-last │ 7       │
└───────────┴─────────┘
"
    );
    let state = house.path("state/jobstates/prunejob-nightly.json");
    let text = || std::fs::read_to_string(&state).expect("state");
    assert!(text().starts_with(r#"{"created":{"time":"#), "{}", text());
    assert!(
        house
            .refused(&create)
            .contains("job 'nightly' already exists.")
    );

    house.ok(&[
        "prune-job",
        "update",
        "nightly",
        "--keep-daily",
        "3",
        "--delete",
        "keep-last",
        "--ns",
        "a",
        "--disable",
        "true",
    ]);
    assert_eq!(
        house.file("prune.cfg"),
        "prune: nightly\n\tdisable true\n\tkeep-daily 3\n\tns a\n\tschedule daily\n\tstore tank\n"
    );
    house.ok(&[
        "prune-job",
        "update",
        "nightly",
        "--delete",
        "ns",
        "--delete",
        "disable",
    ]);
    let list = house.ok(&["prune-job", "list", "--output-format", "json"]);
    assert_eq!(
        list,
        "[{\"id\":\"nightly\",\"keep-daily\":3,\"schedule\":\"daily\",\"store\":\"tank\"}]\n"
    );
    let header = house.ok(&["prune-job", "list"]);
    assert!(
        header.contains("│ id      │ disable │ store │ ns │ schedule │ max-depth │ keep-last │"),
        "{header}"
    );

    let log = house.ok(&["prune-job", "run", "nightly"]);
    assert!(
        log.starts_with("prune job 'nightly'\nrules of this prune: keep daily 3\n"),
        "{log}"
    );
    assert!(log.ends_with("TASK OK\n"), "{log}");
    assert!(
        text().contains(r#""state":{"OK":{"endtime":"#),
        "{}",
        text()
    );
    house.ok(&["prune-job", "update", "nightly", "--schedule", "hourly"]);
    assert!(
        !text().contains(r#""updated":null"#),
        "a new schedule counts from now: {}",
        text()
    );

    assert!(
        house
            .refused(&["prune-job", "run", "x1z"])
            .contains("no such prune 'x1z'")
    );
    assert!(
        house
            .refused(&[
                "prune-job",
                "create",
                "bad",
                "--schedule",
                "bad",
                "--store",
                "tank"
            ])
            .contains("unable to parse calendar event")
    );
    house.ok(&["prune-job", "remove", "nightly"]);
    assert!(!state.exists());
    assert!(
        house
            .refused(&["prune-job", "remove", "nightly"])
            .contains("no such prune 'nightly'")
    );
}

#[test]
fn verify_jobs() {
    let house = house();
    house.ok(&[
        "verify-job",
        "create",
        "weekly",
        "--store",
        "tank",
        "--schedule",
        "weekly",
        "--outdated-after",
        "30",
    ]);
    let list = house.ok(&["verify-job", "list", "--output-format", "json"]);
    assert_eq!(
        list,
        "[{\"id\":\"weekly\",\"outdated-after\":30,\"schedule\":\"weekly\",\"store\":\"tank\"}]\n"
    );
    let log = house.ok(&["verify-job", "run", "weekly"]);
    assert!(
        log.starts_with("starting verification job 'weekly'\nverify datastore tank\n")
            && log.ends_with("TASK OK\n"),
        "{log}"
    );
    house.ok(&[
        "verify-job",
        "update",
        "weekly",
        "--delete",
        "schedule",
        "--ignore-verified",
        "false",
    ]);
    assert_eq!(
        house.file("verification.cfg"),
        "verification: weekly\n\tignore-verified false\n\toutdated-after 30\n\tstore tank\n"
    );
    assert!(
        house
            .refused(&["verify-job", "show", "other"])
            .contains("no such verification 'other'")
    );
    house.ok(&["verify-job", "remove", "weekly"]);
}

#[test]
fn garbage_collection() {
    let house = house();
    house.ok(&["datastore", "update", "tank", "--gc-schedule", "daily"]);
    let status = house.ok(&["garbage-collection", "status", "tank"]);
    assert!(status.contains("│ store            │ tank"), "{status}");
    let log = house.ok(&["garbage-collection", "start", "tank"]);
    for line in [
        "starting garbage collection on store tank",
        "Access time update check successful.",
        "Start GC phase1 (mark used chunks)",
        "Start GC phase2 (sweep unused chunks)",
        "Removed garbage: 0 B",
        "Removed chunks: 0",
        "Original data usage: 0 B",
        "Deduplication factor: 0.00",
        "TASK OK",
    ] {
        assert!(
            log.lines().any(|found| found == line),
            "{line} is not in\n{log}"
        );
    }
    let list = house.ok(&["garbage-collection", "list", "--output-format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let job = &list[0];
    assert_eq!(
        (&job["store"], &job["last-run-state"], &job["schedule"]),
        (&"tank".into(), &"OK".into(), &"daily".into())
    );
    assert!(
        job["next-run"].as_i64() > job["last-run-endtime"].as_i64(),
        "{job}"
    );
    let table = house.ok(&["garbage-collection", "list"]);
    assert!(table.contains("│ store │ last-run-endtime"), "{table}");
    assert!(house.path("tank/.gc-status").is_file());
    assert!(
        house
            .refused(&["garbage-collection", "start", "other"])
            .contains("no such datastore 'other'")
    );
    house.ok(&[
        "datastore",
        "update",
        "tank",
        "--maintenance-mode",
        "read-only",
    ]);
    assert!(
        house
            .refused(&["garbage-collection", "start", "tank"])
            .contains("datastore 'tank' is unavailable")
    );
}

/// A datastore takes the states of its jobs with it: a later one of the same name starts anew.
#[test]
fn states_go_with_the_datastore() {
    let house = house();
    house.ok(&[
        "prune-job",
        "create",
        "nightly",
        "--schedule",
        "daily",
        "--store",
        "tank",
    ]);
    house.ok(&[
        "verify-job",
        "create",
        "weekly",
        "--schedule",
        "weekly",
        "--store",
        "tank",
    ]);
    house.ok(&["datastore", "update", "tank", "--gc-schedule", "daily"]);
    let states = || {
        let entries = std::fs::read_dir(house.path("state/jobstates")).expect("states");
        entries
            .map(|entry| entry.expect("entry").file_name())
            .collect::<Vec<_>>()
    };
    assert_eq!(states().len(), 3, "{:?}", states());
    house.ok(&["datastore", "remove", "tank"]);
    assert!(states().is_empty(), "{:?}", states());
}
