//! Texts with a form of their own: repositories, task ids, tickets, byte sizes, forms, property strings.

use api::human::ByteSize;
use api::ticket::{self, TicketError};
use api::upid::{escape_id, unescape_id};
use api::{Repository, Ticket, Upid, form, property};

#[test]
fn repositories() {
    // Text, auth id, host, port, store, printed form.
    let rows = [
        ("tank", "root@pam", "localhost", 8007, "tank", "tank"),
        (
            "vault:tank",
            "root@pam",
            "vault",
            8007,
            "tank",
            "vault:tank",
        ),
        (
            "vault:9007:tank",
            "root@pam",
            "vault",
            9007,
            "tank",
            "vault:9007:tank",
        ),
        (
            "ann@pbs@vault:tank",
            "ann@pbs",
            "vault",
            8007,
            "tank",
            "ann@pbs@vault:8007:tank",
        ),
        (
            "ann@pbs!laptop@vault:9007:tank",
            "ann@pbs!laptop",
            "vault",
            9007,
            "tank",
            "ann@pbs!laptop@vault:9007:tank",
        ),
        (
            "[fd00::7]:tank",
            "root@pam",
            "[fd00::7]",
            8007,
            "tank",
            "[fd00::7]:tank",
        ),
        (
            "[fd00::7]:9007:tank",
            "root@pam",
            "[fd00::7]",
            9007,
            "tank",
            "[fd00::7]:9007:tank",
        ),
        (
            "a@b@pbs@10.0.0.1:tank",
            "a@b@pbs",
            "10.0.0.1",
            8007,
            "tank",
            "a@b@pbs@10.0.0.1:8007:tank",
        ),
        (
            "9007:store",
            "root@pam",
            "9007",
            8007,
            "store",
            "9007:store",
        ),
    ];
    for (text, auth_id, host, port, store, printed) in rows {
        let repository: Repository = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(repository.auth_id().to_string(), auth_id, "{text}");
        assert_eq!(
            (
                repository.host(),
                repository.port(),
                repository.store.as_str()
            ),
            (host, port, store),
            "{text}"
        );
        assert_eq!(repository.to_string(), printed);
    }
    let long = format!("{}:tank", "a".repeat(256));
    for text in [
        "",
        "a@pbs@tank",
        "ann@vault:tank:",
        "vault:99999:tank",
        "vault:123456:tank",
        "vault:x:tank",
        "::1:tank",
        "[::1:tank",
        "-a:tank",
        "va/ult:tank",
        "vault:",
        &long,
    ] {
        assert!(
            text.parse::<Repository>().is_err(),
            "{text:?} must be refused"
        );
    }
}

#[test]
fn task_ids_of_the_original() {
    // Text, type, id unescaped, directory of the log.
    let rows = [
        (
            r"UPID:pbs:000058D4:0004EA88:00000000:6B0322CF:backup:peer\x3ahost-plain:test@pbs:",
            "backup",
            Some("peer:host/plain"),
            "88",
        ),
        (
            "UPID:pbs:000058D4:0004EA88:0000001F:6B0322FC:garbage_collection:peer:test@pbs:",
            "garbage_collection",
            Some("peer"),
            "88",
        ),
        (
            r"UPID:pbs:000058D4:0004EA88:0000001E:6B0322FC:verify_snapshot:peer\x3a-host-plain-6553F100:test@pbs:",
            "verify_snapshot",
            Some("peer:/host/plain/6553F100"),
            "88",
        ),
        (
            r"UPID:vm:00000A04:1003287D0:100000026:6B0320AD:logrotate::a@pbs!tok:",
            "logrotate",
            None,
            "D0",
        ),
    ];
    for (text, kind, id, dir) in rows {
        let upid: Upid = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(upid.worker_type, kind);
        assert_eq!(upid.worker_id.as_deref(), id);
        assert_eq!(upid.log_dir(), dir);
        assert_eq!(upid.to_string(), text);
    }
}

#[test]
fn malformed_task_ids_are_refused() {
    let good = "UPID:pbs:000058D4:0004EA88:0000001F:6B0322FC:verify:peer:test@pbs:";
    assert!(good.parse::<Upid>().is_ok());
    let rows = [
        good.trim_end_matches(':').to_owned(),
        format!("{good}:"),
        good.replace("UPID", "UPIX"),
        good.replace("000058D4", "58D4"),
        good.replace("000058D4", "0000+8D4"),
        good.replace("0004EA88", "0004EA8888"),
        good.replace("6B0322FC", "16B0322FC"),
        good.replace("verify", ""),
        good.replace("verify", "ver ify"),
        good.replace(":peer:", ":pe/er:"),
        good.replace(":peer:", r":pe\x3:"),
        good.replace(":peer:", r":pe\xzz:"),
        good.replace(":peer:", r":pe\xff:"),
        good.replace("test@pbs", "test"),
        good.replace("pbs:0", "../x:0"),
        good.replace("peer", &"x".repeat(2000)),
    ];
    for text in rows {
        assert!(text.parse::<Upid>().is_err(), "{text:?} must be refused");
    }
}

#[test]
fn worker_ids_are_escaped() {
    let rows = [
        ("peer", "peer"),
        ("peer:host/plain", r"peer\x3ahost-plain"),
        ("a-b@c", r"a\x2db\x40c"),
        (".hidden.x", r"\x2ehidden.x"),
        ("é", r"\xc3\xa9"),
        ("", ""),
    ];
    for (id, escaped) in rows {
        assert_eq!(escape_id(id), escaped);
        assert_eq!(unescape_id(escaped).as_deref(), Some(id));
    }
}

#[test]
fn tickets_of_the_original() {
    let text = "PBS:test@pbs:6B0322DC::vMvWJ4YfKTvKZmOWRwYPIUqs5ZsPYqsqcgjs2JNe+MDogPdH4pop1Y3UB4uJb7xhczudJRHkuC3qdto8RrWTBQ";
    let ticket: Ticket = text.parse().unwrap();
    assert_eq!(
        (
            ticket.prefix.as_str(),
            ticket.data.as_str(),
            ticket.time,
            ticket.signature.len()
        ),
        ("PBS", "test@pbs", 0x6B0322DC, 64)
    );
    assert_eq!(ticket.to_string(), text);
    assert_eq!(ticket.message(None), "PBS:test@pbs:6B0322DC");
    assert_eq!(ticket.message(Some("a:b")), "PBS:test@pbs:6B0322DC:a:b");
    let partial: Ticket = r#"PBS:!tfa!{"recovery"%3A[0,1]}:6B032168::"#.parse().unwrap();
    assert_eq!(partial.data, r#"!tfa!{"recovery":[0,1]}"#);
    assert_eq!(
        partial.message(Some("a@pbs")),
        r#"PBS:!tfa!{"recovery"%3A[0,1]}:6B032168:a@pbs"#
    );
    assert!(!format!("{ticket:?}").contains("vMvW"));
}

#[test]
fn ticket_ages() {
    let ticket = Ticket::new("PBS", "a@pbs", 10_000);
    for (now, fresh) in [
        (10_000, true),
        (17_200, true),
        (17_201, false),
        (9_700, true),
        (9_699, false),
        (i64::MIN, false),
    ] {
        assert_eq!(ticket.is_fresh(now, 7200, 300), fresh, "{now}");
    }
}

#[test]
fn malformed_tickets_are_refused() {
    let rows = [
        ("", TicketError::Form),
        ("PBS:a:6B0322DC:sig", TicketError::Form),
        ("PBS:a:6B0322DC", TicketError::Form),
        ("PBS:a:xyz::AAAA", TicketError::Time),
        ("PBS:a:::AAAA", TicketError::Time),
        ("PBS:a:+6B::AAAA", TicketError::Time),
        ("PBS:a:FFFFFFFFFFFFFFFFFF::AAAA", TicketError::Time),
        ("PBS:%FF:6B0322DC::AAAA", TicketError::Utf8),
        ("PBS:a:6B0322DC::AA=A", TicketError::Signature),
    ];
    for (text, error) in rows {
        assert_eq!(text.parse::<Ticket>(), Err(error), "{text}");
    }
    assert_eq!(
        "x".repeat(ticket::TEXT_BYTES_MAX + 1).parse::<Ticket>(),
        Err(TicketError::TooLong)
    );
}

#[test]
fn csrf_tokens() {
    let text = "6B0322DC:p6s386LECkzZWmhzogUyTDk1Xk3LytVRkd9zx/bxIP4";
    let (time, code) = ticket::parse_csrf(text).unwrap();
    assert_eq!((time, code.len()), (0x6B0322DC, 32));
    assert_eq!(ticket::print_csrf(time, &code), text);
    assert_eq!(ticket::csrf_message(time, "test@pbs"), "6B0322DC:test@pbs:");
    for wrong in ["", "6B0322DC", "x:AAAA", "6B0322DC:***"] {
        assert_eq!(ticket::parse_csrf(wrong), None, "{wrong}");
    }
}

#[test]
fn byte_sizes() {
    // Text, bytes, printed form.
    let rows = [
        ("512", 512, "512 B"),
        ("10MiB", 10 << 20, "10 MiB"),
        ("10MB", 10_000_000, "10 MB"),
        ("10 MB", 10_000_000, "10 MB"),
        ("1.5kib", 1536, "1.5 KiB"),
        ("1k", 1000, "1 KB"),
        ("1Ki", 1024, "1 KiB"),
        ("2T", 2_000_000_000_000, "2 TB"),
        ("1p", 1_000_000_000_000_000, "1 PB"),
        ("0.12345G", 123_450_000, "0.123 GB"),
        ("7b", 7, "7 B"),
        ("7iB", 7, "7 B"),
    ];
    for (text, bytes, printed) in rows {
        let size: ByteSize = text.parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(
            (size.as_u64(), size.to_string().as_str()),
            (bytes, printed),
            "{text}"
        );
    }
    let long = "1".repeat(65);
    for text in [
        "", "x", "-1", "1x", "MB", "1e999", "inf", "nan", "1mm", "0x10", "é", "1 é", &long,
    ] {
        assert!(
            text.parse::<ByteSize>().is_err(),
            "{text:?} must be refused"
        );
    }
}

#[test]
fn byte_sizes_for_tables() {
    let rows = [
        (0, "0 B"),
        (954, "954 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (2 << 20, "2 MiB"),
        (630_533, "615.755 KiB"),
        (12_002_000, "11.446 MiB"),
        (u64::MAX, "16384 PiB"),
    ];
    for (bytes, text) in rows {
        assert_eq!(ByteSize::binary(bytes).to_string(), text);
    }
}

#[test]
fn forms() {
    let pairs = |text: &str| form::decode(text.as_bytes()).unwrap();
    let owned = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<Vec<_>>()
    };
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("&&", &[]),
        ("a=b&c=d", &[("a", "b"), ("c", "d")]),
        ("notes=my+note", &[("notes", "my note")]),
        (
            "username=test%40pbs&ns=",
            &[("username", "test@pbs"), ("ns", "")],
        ),
        ("flag", &[("flag", "")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a=100%", &[("a", "100%")]),
        ("a=%2B%26", &[("a", "+&")]),
    ];
    for (text, expected) in rows {
        assert_eq!(pairs(text), owned(expected), "{text}");
    }
    assert_eq!(form::decode(b"a=%FF"), Err(form::NotUtf8));
    assert_eq!(
        form::escape("garbage_collection UPID:x@y/z~.-"),
        "garbage_collection%20UPID%3Ax%40y%2Fz~.-"
    );
}

#[test]
fn property_strings() {
    type Elements = &'static [(Option<&'static str>, &'static str)];
    let rows: &[(&str, Elements)] = &[
        ("", &[]),
        ("offline", &[(None, "offline")]),
        (
            "offline,message=x",
            &[(None, "offline"), (Some("message"), "x")],
        ),
        (
            r#"offline,message="disk \"swap\", now\\""#,
            &[(None, "offline"), (Some("message"), r#"disk "swap", now\"#)],
        ),
        (
            r#"message="a\nb",type=offline"#,
            &[(Some("message"), "a\nb"), (Some("type"), "offline")],
        ),
        ("a=b=c", &[(Some("a"), "b=c")]),
        (r#""x=y",k=v"#, &[(None, "x=y"), (Some("k"), "v")]),
    ];
    for (text, expected) in rows {
        let split = property::split(text).unwrap();
        let found: Vec<(Option<&str>, &str)> = split
            .iter()
            .map(|(key, value)| (*key, value.as_ref()))
            .collect();
        assert_eq!(&found, expected, "{text}");
    }
    for wrong in [r#"a="x"#, r#"a="x"y"#, r#"a="\x""#, r#"a="\"#] {
        assert!(property::split(wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        property::split_list("acl;entry, properties  x").collect::<Vec<_>>(),
        ["acl", "entry", "properties", "x"]
    );
}
