//! `/metrics` during a real backup: what should grow grows, and a session is seen while it is open.

use std::fs;
use std::process::{Command, Stdio};

use crate::house::{House, USER, noise};

/// The value of the line that begins so; nothing if it is not there.
fn value(page: &str, start: &str) -> Option<u64> {
    let line = page.lines().find_map(|line| line.strip_prefix(start))?;
    line.trim().parse().ok()
}

fn page(house: &House, token: &str) -> String {
    let output = Command::new("curl")
        .args(["-sk", "-H", &format!("Authorization: Bearer {token}")])
        .arg(format!("https://{}/metrics", house.address))
        .output()
        .expect("curl runs");
    let page = String::from_utf8(output.stdout).expect("text");
    assert!(page.contains("strongroom_build_info"), "{page}");
    page
}

#[test]
fn a_backup_is_seen_by_monitoring() {
    if Command::new("curl").arg("--version").output().is_err() {
        return eprintln!("skipped: there is no curl");
    }
    let house = House::new();
    let words = ["user", "generate-token", USER, "watch"];
    let made = house.manager(&words).ok().out;
    let secret = made
        .split('"')
        .find(|part| part.len() == 36 && part.contains('-'));
    let token = format!("{USER}!watch:{}", secret.expect("a secret"));
    let auth = format!("{USER}!watch");
    house
        .manager(&["acl", "update", "/", "Audit", "--auth-id", &auth])
        .ok();

    let sent = 6 << 20;
    fs::create_dir(house.path("tree")).expect("folder");
    fs::write(house.path("tree/file"), noise(1, sent)).expect("file");
    let spec = format!("root.pxar:{}", house.path("tree").display());
    let received = "strongroom_backup_received_bytes_total ";
    let (new, known) = (
        "strongroom_chunks_inserted_total ",
        "strongroom_chunks_known_total ",
    );
    let open = "strongroom_sessions{protocol=\"backup\"} ";
    let running = "strongroom_tasks_running{type=\"backup\"} ";
    let ended =
        "strongroom_tasks_finished_total{type=\"backup\",datastore=\"main\",status=\"ok\"} ";
    let before = page(&house, &token);
    assert_eq!(value(&before, open), Some(0));
    assert_eq!(
        (value(&before, running), value(&before, ended)),
        (None, None)
    );

    // Slow enough to be looked at.
    let words = ["backup", &spec, "--backup-id", "box", "--rate", "3MB"];
    let backup = house
        .client_command(&words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strongroom runs");
    house.eventually("the open session is counted, and bytes come in", |house| {
        let page = page(house, &token);
        value(&page, open) == Some(1)
            && value(&page, running) == Some(1)
            && value(&page, received) > value(&before, received)
    });
    let output = backup.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    house.eventually("the session's end is counted", |house| {
        let page = page(house, &token);
        value(&page, open) == Some(0) && value(&page, ended) == Some(1)
    });
    let first = page(&house, &token);
    let sent = u64::try_from(sent).expect("small");
    assert!(value(&first, received) > Some(sent), "{first}");
    assert!(value(&first, new) > value(&before, new), "{first}");

    // The same once more: nothing new, all known.
    house.client(&["backup", &spec, "--backup-id", "box"]).ok();
    let second = page(&house, &token);
    assert_eq!(value(&second, ended), Some(2));
    assert!(value(&second, known) > value(&first, known), "{second}");
    let grown = value(&second, received).expect("bytes") - value(&first, received).expect("bytes");
    assert!(grown < sent / 2, "{grown} bytes were sent again");
    let newest = "strongroom_datastore_last_backup_timestamp_seconds{datastore=\"main\"} ";
    assert!(value(&second, newest) > Some(1_600_000_000), "{second}");
}
