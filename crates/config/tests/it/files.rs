//! The typed files: the original's come back byte for byte, and mean what they say.

use api::Privileges;
use config::files::{
    Datastore, Datastores, MaintenanceKind, Node, Shadow, ShadowStyle, SyncLevel, Users, parse_acl,
    parse_domains, print_acl,
};
use config::password;
use proptest::prelude::*;

use super::fixtures::state;

#[test]
fn the_originals_files_come_back_byte_for_byte() {
    let Some(text) = state("user.cfg") else {
        return;
    };
    assert_eq!(Users::parse(&text).unwrap().print().unwrap(), text);
    let text = state("datastore.cfg").unwrap();
    assert_eq!(Datastores::parse(&text).unwrap().print().unwrap(), text);
    let text = state("acl.cfg").unwrap();
    assert_eq!(print_acl(&parse_acl(&text).unwrap()), text);
    let text = state("shadow.json").unwrap();
    assert_eq!(
        Shadow::parse("shadow.json", &text)
            .unwrap()
            .print(ShadowStyle::Pretty),
        text
    );
    let text = state("token.shadow").unwrap();
    assert_eq!(
        Shadow::parse("token.shadow", &text)
            .unwrap()
            .print(ShadowStyle::Compact),
        text
    );
}

#[test]
fn the_originals_passwords_verify() {
    let Some(text) = state("shadow.json") else {
        return;
    };
    let shadow = Shadow::parse("shadow.json", &text).unwrap();
    for (name, right) in [
        ("test", "peer-test-1"),
        ("low", "low-test-1"),
        ("low2", "low-test-2"),
    ] {
        assert_eq!(
            password::verify(right.as_bytes(), &shadow.0[name]),
            Ok(true),
            "{name}"
        );
        assert_eq!(
            password::verify(b"peer-test-2", &shadow.0[name]),
            Ok(false),
            "{name}"
        );
    }
    let tokens = Shadow::parse("token.shadow", &state("token.shadow").unwrap()).unwrap();
    assert_eq!(
        password::verify(b"wrong", &tokens.0["test@pbs!tok"]),
        Ok(false)
    );
    assert!(
        !format!("{shadow:?}").contains("$y$"),
        "hashes are not shown"
    );
}

#[test]
fn passwords_are_hashed_as_the_original_does() {
    let salt = std::array::from_fn(|place| place as u8);
    let hash = password::hash(b"geheim-1", salt).unwrap();
    assert!(hash.starts_with("$y$j9T$"), "{hash}");
    assert_eq!(hash.len(), "$y$j9T$".len() + 22 + 1 + 43);
    assert_eq!(password::verify(b"geheim-1", &hash), Ok(true));
    assert_eq!(password::verify(b"geheim-2", &hash), Ok(false));
    assert_ne!(password::new_salt().unwrap(), password::new_salt().unwrap());
    let secret = password::new_token_secret();
    assert!(api::pattern::uuid(&secret), "{secret}");
}

#[test]
fn older_hashes_verify() {
    // Made with the C library's crypt(3).
    let rows = [
        (
            "Hello world!",
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        ),
        (
            "Hello world!",
            "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        ),
        (
            "Hello world!",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
    ];
    for (password, hash) in rows {
        let right = password::verify(password.as_bytes(), hash);
        assert_eq!(right, Ok(true), "{hash}");
        assert_eq!(password::verify(b"hello world!", hash), Ok(false), "{hash}");
        assert!(password::needs_rehash(hash));
    }
    assert!(!password::needs_rehash("$y$j9T$x$y"));
    for broken in [
        "",
        "x",
        "$1$abc$def",
        "$y$",
        "$y$j9T$abc",
        "$y$j9T$abc$def$ghi",
        "$5$",
        "$y$j9T$!!$??",
    ] {
        assert!(password::verify(b"x", broken).is_err(), "{broken:?}");
    }
}

#[test]
fn users_and_tokens() {
    let Some(text) = state("user.cfg") else {
        return;
    };
    let mut users = Users::parse(&text).unwrap();
    let id = |text: &str| text.parse::<format::AuthId>().unwrap();
    assert_eq!(users.users().unwrap().len(), 4);
    let test = users.user(id("test@pbs").user()).unwrap().unwrap();
    assert_eq!(
        (test.email.as_deref(), test.comment.as_deref()),
        (Some("test@example.com"), Some("interop test user"))
    );
    assert_eq!(users.tokens_of(&test.userid).unwrap().len(), 1);
    let active = |users: &Users, who: &str| users.is_active(&id(who), 1000).unwrap();
    for (who, expected) in [
        ("root@pam", true),
        ("test@pbs", true),
        ("test@pbs!tok", true),
        ("test@pbs!nope", false),
        ("nope@pbs", false),
    ] {
        assert_eq!(active(&users, who), expected, "{who}");
    }
    users
        .set_user(&config::files::User {
            enable: Some(false),
            ..test.clone()
        })
        .unwrap();
    assert!(
        !active(&users, "test@pbs") && !active(&users, "test@pbs!tok"),
        "a token is no better than its user"
    );
    for (expire, expected) in [(0, true), (999, false), (1000, false), (1001, true)] {
        users
            .set_user(&config::files::User {
                expire: Some(expire),
                ..test.clone()
            })
            .unwrap();
        assert_eq!(active(&users, "test@pbs!tok"), expected, "{expire}");
    }
}

#[test]
fn root_is_always_there() {
    let users = Users::parse("").unwrap();
    assert_eq!(
        users.print().unwrap(),
        "user: root@pam\n\tcomment Superuser\n"
    );
    let text = "user: root@pam\n\tcomment mine\n";
    assert_eq!(Users::parse(text).unwrap().print().unwrap(), text);
    assert!(
        Users::parse("token: root@pam\n").is_err(),
        "a token id needs a token"
    );
}

#[test]
fn acl_lines_are_joined_and_sorted() {
    let rows = [
        ("", ""),
        ("\n\n", ""),
        (
            "acl:1:/datastore/b:u@pbs:Audit\nacl:0:/:u@pbs:Admin\n",
            "acl:0:/:u@pbs:Admin\nacl:1:/datastore/b:u@pbs:Audit\n",
        ),
        (
            "acl:1:/:b@pbs:Audit\nacl:1:/:a@pbs:Audit\n",
            "acl:1:/:a@pbs,b@pbs:Audit\n",
        ),
        (
            "acl:1:/:a@pbs:DatastoreReader,Audit\n",
            "acl:1:/:a@pbs:Audit,DatastoreReader\n",
        ),
        (
            "acl:1:/:a@pbs:Audit\nacl:0:/:a@pbs:Admin\n",
            "acl:0:/:a@pbs:Admin\nacl:1:/:a@pbs:Audit\n",
        ),
        (
            "acl:1:/:a@pbs:Audit\nacl:0:/:a@pbs:Audit\n",
            "acl:0:/:a@pbs:Audit\n",
        ),
        (
            "acl:1:/:a@pbs:Audit\nacl:1:/:a@pbs:NoAccess\n",
            "acl:1:/:a@pbs:NoAccess\n",
        ),
        ("acl:1://x//y/:a@pbs:Audit\n", "acl:1:/x/y:a@pbs:Audit\n"),
        (
            "acl:1:/:root@pam:Admin\nacl:1:/:root@pam!t:Admin\n",
            "acl:1:/:root@pam!t:Admin\n",
        ),
        (
            "acl:1:/:@staff,a@pbs:Audit\n",
            "acl:1:/:@staff,a@pbs:Audit\n",
        ),
        (
            "acl:1:/b:a@pbs:Audit\nacl:1:/a/z:a@pbs:Audit\nacl:1:/a:a@pbs:Audit\n",
            "acl:1:/a:a@pbs:Audit\nacl:1:/a/z:a@pbs:Audit\nacl:1:/b:a@pbs:Audit\n",
        ),
    ];
    for (text, printed) in rows {
        assert_eq!(print_acl(&parse_acl(text).unwrap()), printed, "{text:?}");
    }
    for wrong in [
        "#x",
        "acl:1:/:a@pbs",
        "acl:2:/:a@pbs:Admin",
        "acl:1:/:a@pbs:Nope",
        "acl:1:/:a:Admin",
        "acl:1:/:a@pbs:Admin:x",
        "acl:1:/:@a b:Admin",
    ] {
        let error = parse_acl(&format!("acl:1:/:a@pbs:Admin\n{wrong}\n"))
            .expect_err(wrong)
            .to_string();
        assert!(
            error.starts_with("parsing \"acl.cfg\" failed: line 2 - "),
            "{error}"
        );
    }
    let tree = parse_acl("acl:1:/datastore/s:a@pbs:DatastoreAudit\n").unwrap();
    let granted = tree.privileges(&"a@pbs".parse().unwrap(), &["datastore", "s"]);
    assert_eq!(granted.all, Privileges::DatastoreAudit);
}

const FULL: &str = "datastore: full
\tbackend type=s3,client=end1,bucket=buck,max-cache-size=\"10 GiB\"
\tbacking-device 01234567-89ab-cdef-0123-456789abcdef
\tcomment all of it
\tcounter-reset-schedule monthly
\tgc-on-unmount true
\tgc-schedule mon..fri 22:30
\tkeep-daily 7
\tkeep-hourly 6
\tkeep-last 5
\tkeep-monthly 4
\tkeep-weekly 3
\tkeep-yearly 2
\tmaintenance-mode offline,message=\"disk swap\"
\tnotification-mode legacy-sendmail
\tnotification-thresholds s3-get=5,s3-upload=1GiB
\tnotify gc=never,prune=error
\tnotify-user a@pbs
\tpath full
\tprune-schedule daily
\ttuning chunk-order=none,gc-atime-cutoff=60,sync-level=file
\tverify-new true
";

#[test]
fn every_property_of_a_datastore_is_kept() {
    let datastores = Datastores::parse(FULL).unwrap();
    assert_eq!(datastores.print().unwrap(), FULL);
    let full = datastores.get(&"full".parse().unwrap()).unwrap().unwrap();
    let mut again = Datastores::default();
    again.set(&full).unwrap();
    assert_eq!(
        again.list().unwrap()[0].comment.as_deref(),
        Some("all of it")
    );
    let members = serde_json::to_value(&full).unwrap();
    assert_eq!(
        members.as_object().unwrap().len(),
        FULL.lines().count(),
        "the name and one member per line"
    );
    assert_eq!(
        full.directory(),
        std::path::Path::new("/mnt/datastore/full")
    );
    let tuning = full.tuning().unwrap();
    assert_eq!(
        (
            tuning.chunk_order,
            tuning.gc_atime_cutoff,
            tuning.sync_level
        ),
        (false, 60, SyncLevel::File)
    );
    assert_eq!(tuning.default_verification_workers, 4);
    let mode = full.maintenance().unwrap().unwrap();
    assert_eq!(
        (mode.kind, mode.refuses_read()),
        (MaintenanceKind::Offline, true)
    );
    assert_eq!(mode.reason(), "offline maintenance mode: disk swap");
    assert!(full.gc_schedule().is_some());
    for wrong in [
        "tuning nope=1",
        "notify gc=sometimes",
        "maintenance-mode nope",
        "gc-schedule never",
        "backing-device 1234-ABCD",
        "notify-user a",
    ] {
        let text = format!("datastore: full\n\tpath /x\n\t{wrong}\n");
        assert!(Datastores::parse(&text).is_err(), "{wrong}");
    }
}

#[test]
fn strings_with_fields_are_normalised_when_set() {
    let mut datastores = Datastores::default();
    let new = Datastore::new("abc".parse().unwrap(), "/x".to_owned());
    let mode = Some("message=\"disk swap\",type=read-only".to_owned());
    datastores
        .set(&Datastore {
            maintenance_mode: mode,
            tuning: Some("sync-level=none,chunk-order=inode".to_owned()),
            ..new
        })
        .unwrap();
    assert_eq!(
        datastores.print().unwrap(),
        "datastore: abc\n\tmaintenance-mode read-only,message=\"disk swap\"\n\tpath /x\n\ttuning chunk-order=inode,sync-level=none\n"
    );
}

#[test]
fn node_settings() {
    let rows = [
        ("", ""),
        (
            "#one\n#two\nemail-from: a@b.c\n",
            "#one\n#two\nemail-from: a@b.c\n",
        ),
        (
            "http-proxy:  http://x:1\n# gone\n\n  default-lang: de\n",
            "default-lang: de\nhttp-proxy: http://x:1\n",
        ),
        ("task-log-max-days: 007\n", "task-log-max-days: 7\n"),
    ];
    for (text, printed) in rows {
        assert_eq!(
            Node::parse(text).unwrap().print().unwrap(),
            printed,
            "{text:?}"
        );
    }
    let node = Node::parse("#one\ntask-log-max-days: 30\nemail-from: a@b.c").unwrap();
    assert_eq!(
        (
            node.description.as_deref(),
            node.task_log_max_days(),
            node.text("email-from")
        ),
        (Some("one\n"), Some(30), Some("a@b.c"))
    );
    for wrong in [
        "nope: 1",
        "default-lang",
        "default-lang: xx",
        "task-log-max-days: -1",
        "default-lang: de\ndefault-lang: en",
    ] {
        assert!(Node::parse(wrong).is_err(), "{wrong}");
    }
    // A text to agree to that could not be read back is not written.
    let mut node = Node::default();
    for (length, fits) in [(65_536, true), (65_537, false)] {
        let text = "x".repeat(length).into();
        node.settings.insert("consent-text".to_owned(), text);
        let said = node.print().map_err(|error| error.to_string());
        assert_eq!(said.is_ok(), fits, "{length}");
        assert!(said.map_or_else(|error| error.contains("consent-text"), |_| true));
    }
}

#[test]
fn realms() {
    let kinds = |text: &str| {
        parse_domains(text)
            .unwrap()
            .0
            .iter()
            .map(|item| format!("{}={}", item.realm, item.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(""), ["pam=pam", "pbs=pbs"]);
    let text = "ldap: corp\n\tbase-dn dc=x\n\tdefault true\n\tserver1 10.0.0.1\n\tuser-attr uid\n";
    assert_eq!(kinds(text), ["pam=pam", "pbs=pbs", "corp=ldap"]);
    let domains = parse_domains(text).unwrap();
    assert_eq!(domains.0[0].default, None, "another realm is the default");
    assert_eq!(domains.kind(&"corp".parse().unwrap()), Some("ldap"));
    assert!(parse_domains("ldap: corp\n\tserver1 10.0.0.1\n").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn nothing_panics(text in "\\PC*", lines in "((acl|user|datastore|#)?:[01]?:?[/a-z@!,:]{0,12}(Admin|Audit|NoAccess)?\n){0,5}") {
        for text in [&text, &lines] {
            let _ = Users::parse(text);
            let _ = Datastores::parse(text);
            let _ = Node::parse(text);
            let _ = parse_domains(text);
            let _ = Shadow::parse("x", text);
            if let Ok(tree) = parse_acl(text) {
                let printed = print_acl(&tree);
                prop_assert_eq!(print_acl(&parse_acl(&printed).expect("what is written reads back")), printed);
            }
        }
    }
}
