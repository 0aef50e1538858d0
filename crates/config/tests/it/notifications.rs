//! Notifications: files of an original come back to the byte, secrets stay among themselves, and what is refused in which words.

use std::os::unix::fs::PermissionsExt;

use api::schema::Schema;
use config::edit::EditError;
use config::edit::notifications::{
    GOTIFY_CREATE, GOTIFY_UPDATE, MATCHER_CREATE, MATCHER_UPDATE, SENDMAIL_CREATE, SENDMAIL_UPDATE,
    SMTP_CREATE, SMTP_UPDATE, WEBHOOK_CREATE, WEBHOOK_UPDATE, all, create, find, find_target,
    remove, targets, update,
};
use config::files::notifications::{Gotify, Matcher, Origin, Sendmail, Smtp, Webhook};
use config::{ConfigDir, FileSpec, Secret};
use serde_json::{Map, Value, json};

use super::fixtures::config_dir;

fn members(schema: &Schema, value: Value) -> Map<String, Value> {
    let members = value.as_object().cloned().expect("an object");
    schema.check(members).expect("valid parameters")
}

fn files(dir: &ConfigDir) -> (String, String) {
    let text = |spec| dir.read(spec).expect("readable").0;
    (
        text(FileSpec::NOTIFICATIONS),
        text(FileSpec::NOTIFICATIONS_PRIV),
    )
}

/// Both files as an original has them, with everything that can stand in them.
const PUBLIC: &str = "\
gotify: phone
	comment on call
	filter old-filter
	server https://push.example.org

matcher: default-matcher
	comment Route all notifications to mail-to-root
	mode all
	target mail-to-root

matcher: nights
	disable true
	invert-match false
	match-calendar mon..fri 8-17:30
	match-calendar sat 9-12
	match-field exact:type=gc,verify
	match-field regex:datastore=^tank
	match-severity warning,error
	mode any
	target phone
	target hook

sendmail: mail-to-root
	author Vault
	from-address vault@example.org
	mailto a@example.org
	mailto b@example.org
	mailto-user root@pam
	mailto-user ann@pbs

smtp: relay
	from-address vault@example.org
	mailto ops@example.org
	mode starttls
	port 2525
	server mail.example.org
	username vault

webhook: hook
	body eyJ0ZXh0IjogInt7IG1lc3NhZ2UgfX0ifQ==
	header name=Content-Type,value=YXBwbGljYXRpb24vanNvbg==
	header name=\"X, quoted\",value=YQ==
	method post
	url https://chat.example.org/hooks/{{ secrets.key }}
";
const PRIVATE: &str = "\
gotify: phone
	token AbCdEf

smtp: relay
	password s3cret

webhook: hook
	secret name=key,value=c2VjcmV0
	secret name=other,value=eA==
";

fn put(dir: &ConfigDir, public: &str, private: &str) {
    let lock = dir.lock(FileSpec::NOTIFICATIONS).expect("lock");
    lock.replace(public.as_bytes()).expect("written");
    lock.replace_companion(FileSpec::NOTIFICATIONS_PRIV, private.as_bytes())
        .expect("written");
}

#[test]
fn files_of_an_original_come_back_to_the_byte() {
    let (_temp, dir) = config_dir();
    put(&dir, PUBLIC, PRIVATE);
    let change = json!({"name": "phone", "comment": "on call", "token": "AbCdEf"});
    update::<Gotify>(&dir, members(&GOTIFY_UPDATE, change)).unwrap();
    let change = json!({"name": "relay", "password": "s3cret", "port": 2525});
    update::<Smtp>(&dir, members(&SMTP_UPDATE, change)).unwrap();
    let change = json!({"name": "hook", "secret": ["name=key", "name=other"], "header": ["name=Content-Type,value=YXBwbGljYXRpb24vanNvbg==", "value=YQ==,name=\"X, quoted\""]});
    update::<Webhook>(&dir, members(&WEBHOOK_UPDATE, change)).unwrap();
    let change = json!({"name": "nights", "mode": "any", "target": ["phone", "hook"]});
    update::<Matcher>(&dir, members(&MATCHER_UPDATE, change)).unwrap();
    let change = json!({"name": "mail-to-root", "author": "Vault"});
    update::<Sendmail>(&dir, members(&SENDMAIL_UPDATE, change)).unwrap();
    assert_eq!(files(&dir), (PUBLIC.to_owned(), PRIVATE.to_owned()));
    for (spec, mode) in [
        (FileSpec::NOTIFICATIONS, 0o640),
        (FileSpec::NOTIFICATIONS_PRIV, 0o600),
    ] {
        let found = std::fs::metadata(dir.path_of(spec))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{}", spec.name);
    }
}

const BUILT_IN: &str = "\
sendmail: mail-to-root
	mailto-user root@pam

matcher: default-matcher
	invert-match true
	match-field exact:type=prune
	match-severity info
	mode all
	target mail-to-root
";

#[test]
fn built_in_entries_are_there_until_they_are_saved_and_after_they_are_deleted() {
    let (_temp, dir) = config_dir();
    assert_eq!(files(&dir), (String::new(), String::new()));
    let origin = || all::<Sendmail>(&dir).unwrap().0[0].origin;
    assert_eq!(origin(), Origin::Builtin);
    let (matcher, digest) = find::<Matcher>(&dir, "default-matcher").unwrap();
    assert_eq!(
        serde_json::to_value(&matcher).unwrap(),
        json!({"name": "default-matcher", "invert-match": true, "match-field": ["exact:type=prune"], "match-severity": ["info"], "mode": "all", "target": ["mail-to-root"], "origin": "builtin"})
    );
    assert_eq!(digest, format::Digest::of(b""), "there is no file yet");

    let change = json!({"name": "mail-to-root", "comment": "mine"});
    update::<Sendmail>(&dir, members(&SENDMAIL_UPDATE, change)).unwrap();
    assert_eq!(origin(), Origin::ModifiedBuiltin);
    assert!(files(&dir).0.contains("comment mine"));
    assert!(
        files(&dir)
            .0
            .ends_with(BUILT_IN.split_once("\n\n").unwrap().1)
    );
    // A matcher uses it, but it does not go.
    remove::<Sendmail>(&dir, "mail-to-root").unwrap();
    assert_eq!(origin(), Origin::Builtin);
    let (public, private) = files(&dir);
    assert!(
        public.contains("sendmail: mail-to-root\n\tmailto-user root@pam\n"),
        "{public}"
    );
    assert_eq!(private, "");

    // A mode that is not told is the default one.
    put(&dir, &BUILT_IN.replace("\tmode all\n", ""), "");
    assert_eq!(
        find::<Matcher>(&dir, "default-matcher").unwrap().0.origin,
        Origin::Builtin
    );
}

#[test]
fn a_target_has_two_sections() {
    let (_temp, dir) = config_dir();
    let mail = json!({"name": "relay", "server": "mail", "from-address": "a@b", "mailto": ["c@d"], "password": "pw", "origin": "builtin", "comment": " "});
    create::<Smtp>(&dir, members(&SMTP_CREATE, mail)).unwrap();
    let phone = json!({"name": "phone", "server": "https://x", "token": "t0"});
    create::<Gotify>(&dir, members(&GOTIFY_CREATE, phone)).unwrap();
    let hook = json!({"name": "hook", "method": "get", "url": "http://x/{{ secrets.key }}", "secret": ["name=key,value=YQ=="]});
    create::<Webhook>(&dir, members(&WEBHOOK_CREATE, hook)).unwrap();
    let (public, private) = files(&dir);
    assert_eq!(
        public,
        format!(
            "{BUILT_IN}\nsmtp: relay\n\tfrom-address a@b\n\tmailto c@d\n\tserver mail\n\ngotify: phone\n\tserver https://x\n\nwebhook: hook\n\tmethod get\n\turl http://x/{{{{ secrets.key }}}}\n"
        )
    );
    assert_eq!(
        private,
        "smtp: relay\n\tpassword pw\n\ngotify: phone\n\ttoken t0\n\nwebhook: hook\n\tsecret name=key,value=YQ==\n"
    );
    // Nothing of it is shown, but the names.
    let shown = json!([
        all::<Smtp>(&dir).unwrap().0,
        all::<Gotify>(&dir).unwrap().0,
        all::<Webhook>(&dir).unwrap().0
    ]);
    assert_eq!(
        shown,
        json!([
            [{"name": "relay", "server": "mail", "from-address": "a@b", "mailto": ["c@d"], "origin": "user-created"}],
            [{"name": "phone", "server": "https://x", "origin": "user-created"}],
            [{"name": "hook", "method": "get", "url": "http://x/{{ secrets.key }}", "secret": ["name=key"], "origin": "user-created"}],
        ])
    );
    let kinds: Vec<(String, String)> = targets(&dir)
        .unwrap()
        .0
        .into_iter()
        .map(|t| (t.name, t.kind))
        .collect();
    let pair = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    assert_eq!(
        kinds,
        [
            pair("mail-to-root", "sendmail"),
            pair("relay", "smtp"),
            pair("phone", "gotify"),
            pair("hook", "webhook")
        ]
    );

    let change = json!({"name": "relay", "delete": ["password", "mailto"], "username": "u"});
    update::<Smtp>(&dir, members(&SMTP_UPDATE, change)).unwrap();
    let change = json!({"name": "phone", "token": "t1"});
    update::<Gotify>(&dir, members(&GOTIFY_UPDATE, change)).unwrap();
    let change = json!({"name": "hook", "secret": ["name=new,value=Yg==", "name=key"]});
    update::<Webhook>(&dir, members(&WEBHOOK_UPDATE, change)).unwrap();
    assert_eq!(
        files(&dir).1,
        "smtp: relay\n\ngotify: phone\n\ttoken t1\n\nwebhook: hook\n\tsecret name=new,value=Yg==\n\tsecret name=key,value=YQ==\n"
    );
    let change = json!({"name": "hook", "secret": ["name=new"]});
    update::<Webhook>(&dir, members(&WEBHOOK_UPDATE, change)).unwrap();
    assert!(
        files(&dir)
            .1
            .ends_with("webhook: hook\n\tsecret name=new,value=Yg==\n"),
        "the other is dropped"
    );
    remove::<Smtp>(&dir, "relay").unwrap();
    remove::<Webhook>(&dir, "hook").unwrap();
    assert_eq!(files(&dir).1, "gotify: phone\n\ttoken t1\n");
}

/// What is left of a target that went while the machine stopped is not taken for another one's.
#[test]
fn leftover_secrets_are_nobodys() {
    let (_temp, dir) = config_dir();
    put(&dir, "", PRIVATE);
    let mail = json!({"name": "relay", "server": "mail", "from-address": "a@b"});
    create::<Smtp>(&dir, members(&SMTP_CREATE, mail)).unwrap();
    let private = files(&dir).1;
    assert!(
        private.contains("smtp: relay\n") && !private.contains("s3cret"),
        "{private}"
    );
}

type Refused<'a> = (
    &'a str,
    Box<dyn Fn(&ConfigDir) -> Result<(), EditError>>,
    &'a str,
);

#[test]
fn refusals() {
    fn row<'a>(
        name: &'a str,
        step: impl Fn(&ConfigDir) -> Result<(), EditError> + 'static,
        text: &'a str,
    ) -> Refused<'a> {
        (name, Box::new(step), text)
    }
    let exists = "parameter verification failed - 'name': 'hook' exists already";
    let rows = [
        row(
            "the name of a target of another type",
            |dir| {
                create::<Gotify>(
                    dir,
                    members(
                        &GOTIFY_CREATE,
                        json!({"name": "hook", "server": "x", "token": "t"}),
                    ),
                )
            },
            exists,
        ),
        row(
            "a matcher of a target's name",
            |dir| create::<Matcher>(dir, members(&MATCHER_CREATE, json!({"name": "hook"}))),
            exists,
        ),
        row(
            "a target of the name of a matcher that is always there",
            |dir| {
                create::<Gotify>(
                    dir,
                    members(
                        &GOTIFY_CREATE,
                        json!({"name": "default-matcher", "server": "x", "token": "t"}),
                    ),
                )
            },
            "parameter verification failed - 'name': 'default-matcher' exists already",
        ),
        row(
            "a used target",
            |dir| remove::<Gotify>(dir, "phone"),
            "target 'phone' is still used by nights; take it out of there first",
        ),
        row(
            "another type",
            |dir| remove::<Smtp>(dir, "phone"),
            "no such smtp target 'phone'",
        ),
        row(
            "nothing",
            |dir| find::<Matcher>(dir, "nope").map(drop),
            "no such matcher 'nope'",
        ),
        row(
            "a matcher is no target",
            |dir| find_target(dir, "nights"),
            "no such target 'nights'",
        ),
        row(
            "a matcher that sends nowhere",
            |dir| {
                update::<Matcher>(
                    dir,
                    members(
                        &MATCHER_UPDATE,
                        json!({"name": "nights", "target": ["phone", "nope"]}),
                    ),
                )
            },
            "no such target 'nope'",
        ),
        row(
            "mail to nobody",
            |dir| create::<Sendmail>(dir, members(&SENDMAIL_CREATE, json!({"name": "mail"}))),
            "parameter verification failed - 'mailto': nobody would get mail; give 'mailto' or 'mailto-user'",
        ),
        row(
            "mail to nobody any more",
            |dir| {
                update::<Sendmail>(
                    dir,
                    members(
                        &SENDMAIL_UPDATE,
                        json!({"name": "mail-to-root", "delete": ["mailto", "mailto-user"]}),
                    ),
                )
            },
            "parameter verification failed - 'mailto': nobody would get mail; give 'mailto' or 'mailto-user'",
        ),
        row(
            "a stale digest",
            |dir| {
                update::<Gotify>(
                    dir,
                    members(
                        &GOTIFY_UPDATE,
                        json!({"name": "phone", "digest": "0".repeat(64)}),
                    ),
                )
            },
            "detected modified configuration - file changed by other user? Try again.",
        ),
        row(
            "a secret without value",
            |dir| {
                update::<Webhook>(
                    dir,
                    members(
                        &WEBHOOK_UPDATE,
                        json!({"name": "hook", "secret": ["name=new"]}),
                    ),
                )
            },
            "parameter verification failed - 'secret': 'new' has no value yet",
        ),
        row(
            "a secret twice",
            |dir| {
                update::<Webhook>(
                    dir,
                    members(
                        &WEBHOOK_UPDATE,
                        json!({"name": "hook", "secret": ["name=key", "name=key,value=YQ=="]}),
                    ),
                )
            },
            "parameter verification failed - 'secret': 'key' is given twice",
        ),
    ];
    for (name, step, expected) in rows {
        let (_temp, dir) = config_dir();
        put(&dir, PUBLIC, PRIVATE);
        let refused = step(&dir).map_err(|error| error.to_string());
        assert_eq!(refused, Err(expected.to_owned()), "{name}");
        assert_eq!(
            files(&dir),
            (PUBLIC.to_owned(), PRIVATE.to_owned()),
            "{name}: nothing is written"
        );
    }
    let (_temp, dir) = config_dir();
    for (value, expected) in [
        (json!({"body": "no base64!"}), "'body': value is not base64"),
        (
            json!({"header": ["name=a,value=b"]}),
            "'header': value is not base64",
        ),
        (
            json!({"secret": ["name=a,value=b"]}),
            "'secret': value is not base64",
        ),
    ] {
        let mut hook = json!({"name": "hook", "method": "put", "url": "https://x"});
        hook.as_object_mut()
            .unwrap()
            .extend(value.as_object().cloned().unwrap());
        let refused = create::<Webhook>(&dir, members(&WEBHOOK_CREATE, hook))
            .unwrap_err()
            .to_string();
        assert!(refused.contains(expected), "{value}: {refused}");
    }
    assert_eq!(files(&dir), (String::new(), String::new()));
}

#[test]
fn grammars() {
    for (name, value, expected) in [
        ("match-field", "exact:type=prune,gc", None),
        ("match-field", "regex:datastore=^a.*=b$", None),
        ("match-field", "hostname=", None),
        ("match-field", "exact:type", Some("no condition")),
        ("match-field", "any:type=x", Some("no condition")),
        ("match-field", "exact:.type=x", Some("no condition")),
        ("match-severity", "info, error", None),
        ("match-severity", "unknown", None),
        ("match-severity", "", Some("no severity")),
        ("match-severity", "info,bad", Some("'bad' is no severity")),
        ("match-calendar", "mon..fri 8-17:30", None),
        ("match-calendar", "17-8", Some("it ends before it starts")),
        ("match-calendar", "daily", Some("a time is missing")),
        ("target", "x", Some("at least 2 characters")),
    ] {
        let given = json!({"name": "some", name: [value]});
        let found = MATCHER_CREATE.check(given.as_object().cloned().unwrap());
        let found = found.map(drop).map_err(|error| error.to_string());
        match expected {
            None => assert_eq!(found, Ok(()), "{name} {value}"),
            Some(text) => assert!(
                found.as_ref().is_err_and(|e| e.contains(text)),
                "{name} {value}: {found:?}"
            ),
        }
    }
    let url = json!({"name": "some", "method": "post", "url": "ftp://x"});
    let refused = WEBHOOK_CREATE
        .check(url.as_object().cloned().unwrap())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "parameter verification failed - 'url': value does not match the regex pattern"
    );
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(format!("{:?}", Secret::new("abc".to_owned())), "(secret)");
    assert_eq!(Secret::new("abc".to_owned()).expose(), "abc");
}
