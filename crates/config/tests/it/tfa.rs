//! Second factors: the file to the byte, adding, and every way in which an answer is taken or refused.

use api::rest::access::{TfaAdd, TfaChallenge, TfaChange, TfaType};
use config::edit::{self, TfaAnswer, TfaOutcome};
use config::failures::{FailureDir, Failures};
use config::files::{Demand, Tfa};
use config::totp::Totp;
use config::{ConfigDir, FileSpec};
use format::Userid;
use serde_json::json;

use super::fixtures::config_dir;

const URI: &str = "otpauth://totp/Vault:a%40pbs?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=6&algorithm=SHA1&period=30&issuer=Vault";
/// Some time, and the codes of this secret around it.
const NOW: i64 = 1_111_111_110;

/// Members in another order than ours, blanks and all: entries of kinds that are not understood must come out as they went in.
const FOREIGN: &str =
    r#"{"cred_id":[1,2], "cred":{"z":1,"a":{"x":"é"}},"counter":7,"backup_eligible":false}"#;

fn user(text: &str) -> Userid {
    text.parse().expect("user")
}

fn code(offset: i64) -> String {
    let totp: Totp = URI.parse().expect("uri");
    totp.code(totp.count_at(NOW + 30 * offset))
}

fn whole_file() -> String {
    format!(
        r#"{{"u2f":{{"appid":"https://a"}},"webauthn":{{"rp":"vault","origin":"https://a","id":"a","allow-subdomains":false}},"users":{{"a@pbs":{{"totp":[{{"id":"t1","description":"phone","created":5,"entry":"{URI}"}},{{"id":"t2","description":"old","created":6,"enable":false,"entry":{{"totp":"otpauth://totp/x?secret=GE","last-count":40}}}}],"u2f":[{{"id":"u","created":1,"entry":{FOREIGN}}}],"webauthn":[{{"id":"w","description":"key","created":2,"entry":{FOREIGN}}}],"recovery":{{"secret":"0123456789abcdef","entries":[null,"aa"],"created":3}},"yubico":[{{"id":"y","created":4,"entry":"cccc"}}],"totp-locked":true,"tfa-locked-until":99}}}}}}"#
    )
}

fn put(dir: &ConfigDir, text: &str) {
    let lock = dir.lock(FileSpec::TFA).expect("lock");
    lock.replace(text.as_bytes()).expect("write");
}

fn text(dir: &ConfigDir) -> String {
    dir.read(FileSpec::TFA).expect("tfa.json").0
}

fn add(dir: &ConfigDir, value: serde_json::Value) -> Result<Vec<String>, String> {
    let request: TfaAdd = serde_json::from_value(value).expect("request");
    let added = edit::add_tfa(dir, &request, NOW).map_err(|e| e.to_string())?;
    let id = added.id.expect("id");
    Ok([vec![id], added.recovery].concat())
}

#[test]
fn the_file_is_written_as_it_was_read() {
    let whole = whole_file();
    for file in [&whole, r#"{"users":{}}"#] {
        assert_eq!(&Tfa::parse(file).unwrap().print().unwrap(), file);
    }
    for empty in ["", " \n", "{}"] {
        let tfa = Tfa::parse(empty).unwrap();
        assert_eq!(tfa.print().unwrap(), r#"{"users":{}}"#);
    }
    let factors = &Tfa::parse(&whole).unwrap().users[&user("a@pbs")];
    let items: Vec<_> = factors
        .items()
        .into_iter()
        .map(|i| (i.kind, i.id))
        .collect();
    let expected = [
        (TfaType::Totp, "t1"),
        (TfaType::Totp, "t2"),
        (TfaType::U2f, "u"),
        (TfaType::Webauthn, "w"),
        (TfaType::Recovery, "recovery"),
        (TfaType::Yubico, "y"),
    ];
    assert_eq!(items, expected.map(|(kind, id)| (kind, id.to_owned())));
    for wrong in [
        "x",
        r#"{"users":{},"more":1}"#,
        r#"{"users":{"a@pbs":{"sms":[]}}}"#,
        r#"{"users":{"a@pbs":{"totp":[{"id":"x","created":1,"entry":"otpauth://hotp/x?secret=GE"}]}}}"#,
        r#"{"users":{"nobody":{}}}"#,
    ] {
        let error = Tfa::parse(wrong).expect_err(wrong).to_string();
        assert!(
            error.starts_with("parsing \"tfa.json\" failed: line 1"),
            "{error}"
        );
    }
}

#[test]
fn what_a_login_asks_for() {
    let challenge = |totp, recovery: Option<&[usize]>| {
        Demand::Challenge(TfaChallenge {
            totp,
            recovery: recovery.map(<[usize]>::to_vec),
            ..TfaChallenge::default()
        })
    };
    let totp = |enable: bool| {
        format!(r#""totp":[{{"id":"t","created":1,"enable":{enable},"entry":"{URI}"}}]"#)
    };
    let key = |kind: &str, enable: bool| {
        format!(r#""{kind}":[{{"id":"k","created":1,"enable":{enable},"entry":{FOREIGN}}}]"#)
    };
    let codes =
        |entries: &str| format!(r#""recovery":{{"secret":"s","entries":{entries},"created":1}}"#);
    for (members, expected) in [
        (vec![], Demand::Nothing),
        (vec![totp(true)], challenge(true, None)),
        (vec![totp(false)], Demand::Nothing),
        (
            vec![totp(true), codes(r#"["x",null,"y"]"#)],
            challenge(true, Some(&[0, 2])),
        ),
        // Used up, but not gone: nobody gets in with the password alone because of that.
        (vec![codes("[null,null]")], challenge(false, Some(&[]))),
        (
            vec![totp(true), key("webauthn", true)],
            challenge(true, None),
        ),
        (
            vec![totp(false), key("webauthn", true)],
            Demand::Unknown(vec![TfaType::Webauthn]),
        ),
        (
            vec![key("u2f", true), key("yubico", true)],
            Demand::Unknown(vec![TfaType::U2f, TfaType::Yubico]),
        ),
        (vec![key("webauthn", false)], Demand::Nothing),
    ] {
        let file = format!(r#"{{"users":{{"a@pbs":{{{}}}}}}}"#, members.join(","));
        let tfa = Tfa::parse(&file).expect(&file);
        assert_eq!(tfa.demand(&user("a@pbs")), expected, "{file}");
        assert_eq!(tfa.demand(&user("b@pbs")), Demand::Nothing);
    }
}

#[test]
fn secrets_are_added_with_a_current_code() {
    let (_temp, dir) = config_dir();
    let totp = |value: &str, uri: &str| json!({"userid":"a@pbs","type":"totp","description":"phone","totp":uri,"value":value});
    let weak = "otpauth://totp/x?secret=GE";
    let param =
        |name: &str, text: &str| format!("parameter verification failed - '{name}': {text}");
    let missing = "parameter is missing and it is not optional.";
    let unknown = "schema does not allow additional properties.";
    for (request, expected) in [
        (totp("000000", URI), "the code does not belong to this secret now; check the clock of the device, then give the current code".to_owned()),
        (totp(&code(5), URI), "the code does not belong to this secret now; check the clock of the device, then give the current code".to_owned()),
        (totp("1", weak), param("totp", "a new secret has at least 10 bytes and makes codes of at least 6 digits")),
        (totp("1", "otpauth://totp/x?digits=6"), param("totp", "the URI names no secret")),
        (json!({"userid":"a@pbs","type":"totp","totp":URI,"value":code(0)}), param("description", missing)),
        (json!({"userid":"a@pbs","type":"totp","description":"x","value":code(0)}), param("totp", missing)),
        (json!({"userid":"a@pbs","type":"recovery","description":"x"}), param("description", unknown)),
        (json!({"userid":"a@pbs","type":"webauthn","description":"x"}), "this build cannot check second factors of type 'webauthn' yet; use TOTP and recovery codes".to_owned()),
        (json!({"userid":"a@pbs","type":"yubico","description":"x","value":"c"}), "this build cannot check second factors of type 'yubico' yet; use TOTP and recovery codes".to_owned()),
    ] {
        assert_eq!(add(&dir, request.clone()), Err(expected), "{request}");
    }
    assert_eq!(text(&dir), "", "what was refused leaves nothing");
    let id = add(&dir, totp(&code(1), URI)).expect("added").remove(0);
    assert_eq!(
        text(&dir),
        format!(
            r#"{{"users":{{"a@pbs":{{"totp":[{{"id":"{id}","description":"phone","created":{NOW},"entry":"{URI}"}}]}}}}}}"#
        )
    );
    for _ in 1..32 {
        add(&dir, totp(&code(0), URI)).expect("added");
    }
    let full = add(&dir, totp(&code(0), URI)).expect_err("full");
    assert!(full.starts_with("no more than 32 "), "{full}");
}

#[test]
fn factors_are_changed_and_removed() {
    let (_temp, dir) = config_dir();
    put(&dir, &whole_file());
    let change = |id: &str, more: serde_json::Value| {
        let mut members = json!({"userid":"a@pbs","id":id});
        members
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let request: TfaChange = serde_json::from_value(members).unwrap();
        edit::update_tfa(&dir, &request).map_err(|e| e.to_string())
    };
    change("w", json!({"description":"blue key","enable":false})).unwrap();
    let entry = format!(
        r#"[{{"id":"w","description":"blue key","created":2,"enable":false,"entry":{FOREIGN}}}]"#
    );
    assert!(text(&dir).contains(&entry), "{}", text(&dir));
    assert_eq!(
        change("none", json!({})),
        Err("no such tfa entry: 'none'".to_owned())
    );
    assert!(change("recovery", json!({"enable":false})).is_err());

    let remove = |id: &str| edit::remove_tfa(&dir, &user("a@pbs"), id).map_err(|e| e.to_string());
    for id in ["t1", "t2", "u", "w", "recovery"] {
        remove(id).unwrap();
        assert_eq!(remove(id), Err(format!("no such tfa entry: '{id}'")));
    }
    assert!(
        text(&dir)
            .contains(r#""users":{"a@pbs":{"yubico":[{"id":"y","created":4,"entry":"cccc"}]"#)
    );
    remove("y").unwrap();
    assert!(
        text(&dir).ends_with(r#""users":{}}"#),
        "the last one takes the user along"
    );
    assert!(edit::remove_tfa(&dir, &user("b@pbs"), "x").is_err());
}

struct Door {
    temp: tempfile::TempDir,
    dir: ConfigDir,
    failures: FailureDir,
    codes: Vec<String>,
}

impl Door {
    /// With one TOTP secret and a set of recovery codes.
    fn new() -> Door {
        let (temp, dir) = config_dir();
        let failures = FailureDir::below(temp.path());
        let request = json!({"userid":"a@pbs","type":"totp","description":"phone","totp":URI,"value":code(0)});
        add(&dir, request).expect("totp");
        let codes = add(&dir, json!({"userid":"a@pbs","type":"recovery"}))
            .expect("codes")
            .split_off(1);
        Door {
            temp,
            dir,
            failures,
            codes,
        }
    }

    fn answer(&self, answer: TfaAnswer<'_>, now: i64) -> TfaOutcome {
        edit::answer_tfa(&self.dir, &self.failures, &user("a@pbs"), answer, now).expect("answer")
    }

    fn totp(&self, code: &str, now: i64) -> TfaOutcome {
        self.answer(TfaAnswer::Totp(code), now)
    }

    fn recovery(&self, code: &str, now: i64) -> TfaOutcome {
        self.answer(TfaAnswer::Recovery(code), now)
    }

    fn counts(&self) -> (u32, u32) {
        let Failures {
            totp_failures,
            tfa_failures,
        } = self.failures.read(&user("a@pbs")).expect("counts");
        (totp_failures, tfa_failures)
    }

    fn unlock(&self, now: i64) -> bool {
        edit::unlock_tfa(&self.dir, &self.failures, &user("a@pbs"), now).expect("unlock")
    }
}

#[test]
fn a_code_counts_once() {
    use TfaOutcome::{Right, Wrong};
    let door = Door::new();
    for (offset, now, expected) in [
        (-2, NOW, Wrong),
        (-1, NOW, Right),
        (-1, NOW, Wrong),
        (0, NOW, Right),
        // Older than one that was used.
        (-1, NOW, Wrong),
        (1, NOW, Right),
        (0, NOW + 30, Wrong),
        (2, NOW + 30, Right),
    ] {
        assert_eq!(door.totp(&code(offset), now), expected, "{offset} {now}");
    }
    assert_eq!(
        door.counts(),
        (0, 0),
        "what was right forgets what was wrong"
    );
    let count = (NOW + 60) / 30;
    assert!(text(&door.dir).contains(&format!(
        r#""entry":{{"totp":"{URI}","last-count":{count}}}"#
    )));

    assert_eq!(door.recovery(&door.codes[4], NOW), Right);
    assert_eq!(door.recovery(&door.codes[4], NOW), Wrong);
    assert_eq!(door.recovery(&door.codes[5], NOW), Right);
    let tfa = Tfa::parse(&text(&door.dir)).unwrap();
    let Demand::Challenge(challenge) = tfa.demand(&user("a@pbs")) else {
        panic!("challenge")
    };
    assert_eq!(challenge.recovery, Some(vec![0, 1, 2, 3, 6, 7, 8, 9]));
    assert_eq!(
        serde_json::to_string(&challenge).unwrap(),
        r#"{"totp":true,"recovery":[0,1,2,3,6,7,8,9]}"#
    );
}

#[test]
fn eight_wrong_codes_lock_totp_until_a_recovery_code_or_an_administrator() {
    use TfaOutcome::{Locked, Right, Wrong};
    let door = Door::new();
    let lock = || {
        for n in 0..8 {
            assert_eq!(door.totp("000000", NOW), Wrong, "{n}");
        }
        assert_eq!(door.totp(&code(1), NOW), Locked);
        assert!(text(&door.dir).contains(r#""totp-locked":true"#));
    };
    // Seven wrong ones do nothing.
    for _ in 0..7 {
        assert_eq!(door.totp("000000", NOW), Wrong);
    }
    assert_eq!(door.counts(), (7, 7));
    assert_eq!(door.totp(&code(-1), NOW), Right);
    lock();
    assert_eq!(door.recovery("0000-0000-0000-0000", NOW), Wrong);
    assert_eq!(
        door.totp(&code(1), NOW),
        Locked,
        "a wrong recovery code opens nothing"
    );
    assert_eq!(door.recovery(&door.codes[0], NOW), Right);
    assert_eq!(door.totp(&code(0), NOW), Right);
    lock();
    assert!(door.unlock(NOW));
    assert!(!door.unlock(NOW));
    assert_eq!(door.totp(&code(1), NOW), Right);
    // Whoever has no factors is not locked, and nobody is let in as he.
    assert!(!edit::unlock_tfa(&door.dir, &door.failures, &user("b@pbs"), NOW).unwrap());
    let other = edit::answer_tfa(
        &door.dir,
        &door.failures,
        &user("b@pbs"),
        TfaAnswer::Totp("000000"),
        NOW,
    );
    assert_eq!(other.unwrap(), Wrong);
    assert!(!door.temp.path().join("tfa/challenges/b@pbs").exists());
}

#[test]
fn a_hundred_wrong_answers_lock_everything_for_an_hour() {
    use TfaOutcome::{Locked, Right, Wrong};
    let door = Door::new();
    for n in 0..100 {
        assert_eq!(door.recovery("no", NOW), Wrong, "{n}");
    }
    for (now, expected) in [(NOW, Locked), (NOW + 3599, Locked), (NOW + 3600, Right)] {
        assert_eq!(door.recovery(&door.codes[0], now), expected, "{now}");
    }
    assert!(
        !text(&door.dir).contains("tfa-locked-until"),
        "what is over is forgotten"
    );
    for _ in 0..100 {
        door.recovery("no", NOW);
    }
    assert_eq!(door.totp(&code(0), NOW), Locked);
    assert!(door.unlock(NOW));
    assert_eq!(door.totp(&code(0), NOW), Right);
}

#[test]
fn a_disabled_secret_is_not_looked_at() {
    let door = Door::new();
    let mut file =
        text(&door.dir).replace(r#""entry":"otpauth"#, r#""enable":false,"entry":"otpauth"#);
    put(&door.dir, &file);
    assert_eq!(door.totp(&code(0), NOW), TfaOutcome::Wrong);
    file = file.replace("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "!");
    put(&door.dir, &file);
    let broken = edit::answer_tfa(
        &door.dir,
        &door.failures,
        &user("a@pbs"),
        TfaAnswer::Totp("1"),
        NOW,
    );
    assert!(
        broken.is_err(),
        "a file that is not understood lets nobody in"
    );
}
