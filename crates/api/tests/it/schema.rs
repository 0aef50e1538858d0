//! Parameters: the exact error texts of protocol.md 1.5, from text and from JSON.

use api::rest::{access, datastore, node, snapshot};
use api::schema::{Kind, Param, PropertySchema, Schema};
use api::{backup, kinds};
use serde_json::{Map, Value, json};

const ALL: Schema = Schema(&[&[
    Param::required("name", kinds::STORE),
    Param::optional("flag", Kind::Boolean),
    Param::optional("count", Kind::Integer { min: 1, max: 7 }),
    Param::optional(
        "part",
        Kind::Number {
            min: -90.0,
            max: 90.0,
        },
    ),
    Param::optional("list", Kind::Array(&kinds::DIGEST)),
    Param::optional("size", kinds::BYTE_SIZE),
]]);

fn text_error(schema: &Schema, pairs: &[(&str, &str)]) -> String {
    schema
        .parse(pairs.iter().copied())
        .expect_err("must be refused")
        .to_string()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[test]
fn errors_of_text() {
    let rows: &[(&[(&str, &str)], &str)] = &[
        (
            &[],
            "parameter verification failed - 'name': parameter is missing and it is not optional.",
        ),
        (
            &[("name", "ab")],
            "parameter verification failed - 'name': value must be at least 3 characters long",
        ),
        (
            &[("name", "a/b")],
            "parameter verification failed - 'name': value does not match the regex pattern",
        ),
        (
            &[("name", "abc"), ("nope", "1")],
            "parameter verification failed - 'nope': schema does not allow additional properties.",
        ),
        (
            &[("name", "abc"), ("flag", "maybe")],
            "parameter verification failed - 'flag': Unable to parse boolean option.",
        ),
        (
            &[("name", "abc"), ("count", "x")],
            "parameter verification failed - 'count': invalid digit found in string",
        ),
        (
            &[("name", "abc"), ("count", "0")],
            "parameter verification failed - 'count': value must have a minimum value of 1 (got 0)",
        ),
        (
            &[("name", "abc"), ("count", "8")],
            "parameter verification failed - 'count': value must have a maximum value of 7 (got 8)",
        ),
        (
            &[("name", "abc"), ("name", "abd")],
            "parameter verification failed - 'name': duplicate parameter.",
        ),
        (
            &[("name", "abc"), ("list", "AB")],
            "parameter verification failed - 'list': value does not match the regex pattern",
        ),
        (
            &[("nope", "1"), ("flag", "maybe")],
            "parameter verification failed:\n- 'nope': schema does not allow additional properties.\n- 'flag': Unable to parse boolean option.\n- 'name': parameter is missing and it is not optional.",
        ),
    ];
    for (pairs, expected) in rows {
        assert_eq!(&text_error(&ALL, pairs), expected);
    }
    let long = "a".repeat(33);
    assert_eq!(
        text_error(&ALL, &[("name", &long)]),
        "parameter verification failed - 'name': value may only be 32 characters long"
    );
}

#[test]
fn errors_of_json() {
    let rows = [
        (
            json!({}),
            "parameter verification failed - 'name': property is missing and it is not optional",
        ),
        (
            json!({"name": 5}),
            "parameter verification failed - 'name': Expected string value.",
        ),
        (
            json!({"name": "abc", "count": "3"}),
            "parameter verification failed - 'count': Expected integer value.",
        ),
        (
            json!({"name": "abc", "count": 3.5}),
            "parameter verification failed - 'count': Expected integer value.",
        ),
        (
            json!({"name": "abc", "flag": 1}),
            "parameter verification failed - 'flag': Expected boolean value.",
        ),
        (
            json!({"name": "abc", "nope": null}),
            "parameter verification failed - 'nope': schema does not allow additional properties.",
        ),
        (
            json!({"name": "abc", "size": 5}),
            "parameter verification failed - 'size': Expected string value.",
        ),
        (
            json!({"name": "abc", "count": 0}),
            "parameter verification failed - 'count': value must have a minimum value of 1 (got 0)",
        ),
    ];
    for (value, expected) in rows {
        assert_eq!(
            ALL.check(object(value))
                .expect_err("must be refused")
                .to_string(),
            expected
        );
    }
}

#[test]
fn text_becomes_typed() {
    let digest = "0".repeat(64);
    let pairs = [
        ("name", "abc"),
        ("flag", "ON"),
        ("count", "7"),
        ("part", "-1.5"),
        ("list", &digest),
        ("list", &digest),
        ("size", "1k"),
    ];
    let members = ALL.parse(pairs).unwrap();
    let expected = json!({"name": "abc", "flag": true, "count": 7, "part": -1.5, "list": [digest, digest], "size": "1k"});
    assert_eq!(Value::Object(members.clone()), expected);
    assert_eq!(ALL.check(members.clone()).unwrap(), members);
    for (word, expected) in [
        ("1", true),
        ("yes", true),
        ("True", true),
        ("0", false),
        ("off", false),
        ("NO", false),
        ("false", false),
    ] {
        assert_eq!(Kind::Boolean.parse(word), Ok(Value::Bool(expected)));
    }
}

#[test]
fn errors_seen_on_the_wire() {
    // Capture, schema, parameters of the request.
    type Pairs = &'static [(&'static str, &'static str)];
    let rows: &[(&str, &Schema, Pairs)] = &[
        (
            "009-ticket-bad-userid",
            &access::TICKET,
            &[("username", "test"), ("password", "x12345")],
        ),
        (
            "044-acl-update-bad-role",
            &access::ACL_UPDATE,
            &[
                ("path", "/datastore/peer"),
                ("role", "Nope"),
                ("auth-id", "low2@pbs"),
            ],
        ),
        ("056-ds-bad-name", &datastore::STATUS, &[("store", "a/b")]),
        (
            "057-ds-status-bad-param",
            &datastore::STATUS,
            &[("store", "peer"), ("verbose", "maybe")],
        ),
        (
            "058-ds-status-extra-param",
            &datastore::STATUS,
            &[("store", "peer"), ("nope", "1")],
        ),
        (
            "068-snapshots-bad-type",
            &snapshot::SNAPSHOTS,
            &[("store", "peer"), ("backup-type", "nope")],
        ),
        (
            "150-task-bad-upid",
            &api::rest::task::TASK,
            &[("node", "localhost"), ("upid", "nope")],
        ),
    ];
    for (capture, schema, pairs) in rows {
        let Some(expected) = super::fixtures::body(capture) else {
            return;
        };
        assert_eq!(text_error(schema, pairs), expected, "{capture}");
    }
    let Some(expected) = super::fixtures::body("100-prune-bad-keep") else {
        return;
    };
    let pairs = [
        ("store", "peer"),
        ("backup-type", "host"),
        ("backup-id", "plain"),
        ("keep-last", "0"),
    ];
    assert_eq!(text_error(&snapshot::PRUNE, &pairs), expected);
}

#[test]
fn requests_of_a_session() {
    let error = |schema: &Schema, value| {
        schema
            .check(object(value))
            .expect_err("must be refused")
            .to_string()
    };
    assert_eq!(
        error(&backup::ARCHIVE, json!({"archive-name": "../x.didx"})),
        "parameter verification failed - 'archive-name': value does not match the regex pattern"
    );
    assert!(
        backup::FIXED_OPEN
            .check(object(json!({"archive-name": "x.fidx"})))
            .is_ok(),
        "the size may be unknown since 4.1.5"
    );
    let upper = "A".repeat(64);
    assert!(
        error(
            &backup::CHUNK,
            json!({"wid": 1, "digest": upper, "size": 1, "encoded-size": 13})
        )
        .contains("regex pattern")
    );
    assert!(
        error(
            &backup::CHUNK,
            json!({"wid": 257, "digest": "0".repeat(64), "size": 1, "encoded-size": 13})
        )
        .contains("maximum value of 256")
    );
    assert!(
        error(
            &backup::BLOB,
            json!({"file-name": "x.blob", "encoded-size": 16_777_261})
        )
        .contains("maximum value of 16777260")
    );
    let append: backup::Append = backup::APPEND
        .check_into(object(
            json!({"wid": 1, "digest-list": ["0".repeat(64)], "offset-list": [0]}),
        ))
        .unwrap();
    assert_eq!(
        (append.wid, append.digest_list.len(), append.offset_list),
        (1, 1, vec![0])
    );
}

#[test]
fn a_type_may_be_stricter_than_its_pattern() {
    let deep = "a/b/c/d/e/f/g/h";
    let result =
        snapshot::GROUPS.parse_into::<snapshot::InNamespace>([("store", "peer"), ("ns", deep)]);
    assert_eq!(
        result.expect_err("depth 8").to_string(),
        "namespace too deep, 7 >= max 7"
    );
    assert!(
        snapshot::GROUPS
            .parse_into::<snapshot::InNamespace>([("store", "peer"), ("ns", "")])
            .unwrap()
            .ns
            .is_root()
    );
}

const PROPERTY: PropertySchema = PropertySchema {
    default_key: Some("type"),
    params: &[
        Param::optional("message", kinds::COMMENT),
        Param::optional("count", Kind::at_least(1)),
        Param::required("type", Kind::Enum(&["offline", "read-only"])),
    ],
};

#[test]
fn property_strings_are_checked_and_printed() {
    let rows = [
        ("offline", "offline"),
        ("type=offline", "offline"),
        (
            r#"message="disk swap",type=offline,count=3"#,
            r#"offline,message="disk swap",count=3"#,
        ),
    ];
    for (text, printed) in rows {
        assert_eq!(PROPERTY.print(&PROPERTY.parse(text).unwrap()), printed);
    }
    for wrong in [
        "",
        "nope",
        "offline,offline",
        "offline,x=1",
        "offline,count=0",
        "message=x",
        "offline,",
    ] {
        assert!(
            wrong == "offline," || PROPERTY.parse(wrong).is_err(),
            "{wrong:?} must be refused"
        );
    }
}

#[test]
fn roles_and_version() {
    let Some(body) = super::fixtures::body("046-roles") else {
        return;
    };
    let theirs: Value = serde_json::from_str(&body).unwrap();
    let ours = access::RoleItem::all();
    for role in theirs["data"].as_array().expect("a list") {
        let mine = ours
            .iter()
            .find(|mine| mine.roleid.name() == role["roleid"])
            .unwrap_or_else(|| panic!("{role}"));
        assert_eq!(mine.comment, role["comment"].as_str().expect("a text"));
        if mine.roleid != api::Role::Admin {
            assert_eq!(json!(mine.privs), role["privs"], "{}", mine.roleid);
        }
    }
    assert_eq!(ours.len(), 18);
    assert_eq!(node::Version::current("x").version, "4.2");
}
