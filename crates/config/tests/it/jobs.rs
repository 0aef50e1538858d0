//! Prune and verification jobs: what is written, to the byte, and the words in which changes are refused.

use config::FileSpec;
use config::edit::{
    EditError, PRUNE_JOB_CREATE, PRUNE_JOB_UPDATE, VERIFY_JOB_CREATE, create_entry, entries,
    find_entry, remove_entry, update_entry,
};
use config::files::{PruneJob, VerifyJob};
use format::Digest;
use serde_json::{Map, Value, json};

use super::fixtures::config_dir;

fn members(schema: &api::schema::Schema, value: Value) -> Map<String, Value> {
    let members = value.as_object().cloned().expect("an object");
    schema.check(members).expect("valid parameters")
}

/// The digests stand in recorded answers of the original (captures 122 and 127), so its files had the same bytes.
#[test]
fn files_are_the_originals() {
    let (_temp, dir) = config_dir();
    let prune = json!({"id": "prune1", "store": "peer", "schedule": "daily", "keep-last": 3, "keep-daily": 7, "disable": false});
    create_entry::<PruneJob>(&dir, members(&PRUNE_JOB_CREATE, prune)).unwrap();
    let verify = json!({"id": "verify1", "store": "peer", "schedule": "weekly", "ignore-verified": true, "outdated-after": 30});
    create_entry::<VerifyJob>(&dir, members(&VERIFY_JOB_CREATE, verify)).unwrap();
    for (spec, digest) in [
        (
            FileSpec::PRUNE,
            "87e95a197e2abb807cb96f35d9c7765bfcb920ed2a5483bd6e496c8adf928c0c",
        ),
        (
            FileSpec::VERIFICATION,
            "fed5ee4cc9f1f5d93df0f4e6172ea0c984c0c219a80bbc06dd2d8e4faab26774",
        ),
    ] {
        let (text, found) = dir.read(spec).unwrap();
        assert_eq!(found, digest.parse::<Digest>().unwrap(), "{text}");
    }
}

#[test]
fn jobs_come_change_and_go() {
    let (_temp, dir) = config_dir();
    let job = json!({"id": "nightly", "store": "tank", "schedule": "daily", "ns": "", "keep-last": 7, "comment": "all"});
    create_entry::<PruneJob>(&dir, members(&PRUNE_JOB_CREATE, job.clone())).unwrap();
    let text = |error: EditError| error.to_string();
    let again = create_entry::<PruneJob>(&dir, members(&PRUNE_JOB_CREATE, job))
        .map(drop)
        .map_err(text);
    assert_eq!(
        again,
        Err("parameter verification failed - 'id': job 'nightly' already exists.".to_owned())
    );

    let change = json!({"id": "nightly", "ns": "a/b", "max-depth": 0, "disable": true, "keep-daily": 3, "delete": ["keep-last", "comment"]});
    let allow = |_: &PruneJob, _: &PruneJob| Ok::<(), EditError>(());
    let (before, after) = update_entry(&dir, members(&PRUNE_JOB_UPDATE, change), allow).unwrap();
    assert_eq!(
        (before.keep.keep_last, after.keep.keep_last),
        (Some(7), None)
    );
    assert_eq!(
        dir.read(FileSpec::PRUNE).unwrap().0,
        "prune: nightly\n\tdisable true\n\tkeep-daily 3\n\tmax-depth 0\n\tns a/b\n\tschedule daily\n\tstore tank\n"
    );
    let (found, digest) = find_entry::<PruneJob>(&dir, "nightly").unwrap();
    assert_eq!(found, after);

    let change = json!({"id": "nightly", "keep-daily": 9});
    let refuse = |_: &PruneJob, _: &PruneJob| Err(EditError::PruneSettings);
    update_entry(&dir, members(&PRUNE_JOB_UPDATE, change), refuse).unwrap_err();
    assert_eq!(
        find_entry::<PruneJob>(&dir, "nightly").unwrap().0,
        after,
        "nothing is written"
    );
    let change = json!({"id": "other", "keep-daily": 9});
    let missing = update_entry(&dir, members(&PRUNE_JOB_UPDATE, change), allow)
        .map(drop)
        .map_err(text);
    assert_eq!(missing, Err("no such prune 'other'".to_owned()));
    let missing = find_entry::<VerifyJob>(&dir, "other")
        .map(drop)
        .map_err(text);
    assert_eq!(missing, Err("no such verification 'other'".to_owned()));

    let stale = remove_entry::<PruneJob>(&dir, "nightly", &Some("0".repeat(64))).map_err(text);
    assert_eq!(
        stale,
        Err("detected modified configuration - file changed by other user? Try again.".to_owned())
    );
    remove_entry::<PruneJob>(&dir, "nightly", &Some(digest.to_string())).unwrap();
    assert_eq!(
        remove_entry::<PruneJob>(&dir, "nightly", &None).map_err(text),
        Err("job 'nightly' does not exist.".to_owned())
    );
    assert_eq!(entries::<PruneJob>(&dir).unwrap().0, []);
}

#[test]
fn wrong_parameters() {
    for (value, expected) in [
        (
            json!({"id": "x-1", "store": "tank", "keep-last": 1}),
            "'schedule': property is missing and it is not optional",
        ),
        (
            json!({"id": "x-1", "store": "tank", "schedule": "bad"}),
            "'schedule': unable to parse calendar event",
        ),
        (
            json!({"id": "x", "store": "tank", "schedule": "daily"}),
            "'id': value must be at least 3 characters long",
        ),
        (
            json!({"id": "x-1", "store": "tank", "schedule": "daily", "max-depth": 8}),
            "'max-depth'",
        ),
    ] {
        let error = PRUNE_JOB_CREATE
            .check(value.as_object().cloned().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{value}: {error}");
    }
}
