//! Files found by their names, and what is said where nothing can be found.

use super::site::Site;

#[test]
fn files_are_found_in_all_snapshots() {
    let site = Site::new();
    site.run("namespace create offsite").silent();
    site.backup("etc.pxar:etc --backup-id alpha --backup-time 1767578400");
    std::fs::write(site.house.path("etc/app.conf"), "port=8080\n").expect("file");
    site.backup(
        "etc.pxar:etc --backup-id alpha --backup-time 1767664800 --change-detection-mode metadata",
    );
    site.backup("etc.pxar:etc --backup-id beta --backup-time 1767664800 --ns offsite");
    let plain = "PROXMOX_OUTPUT_NO_BORDER=1 PROXMOX_OUTPUT_NO_HEADER=1";
    site.run(&format!("{plain} search app.conf")).prints(
        "/app.conf  8 B ~ host/alpha/2026-01-05T02:00:00Z         1 etc.pxar
/app.conf 10 B ~ host/alpha/2026-01-06T02:00:00Z         1 etc.pxar
/app.conf 10 B ~ offsite: host/beta/2026-01-06T02:00:00Z 1 etc.pxar
",
    );
    let found = site
        .run("search '*.CONF' host/alpha --newest --output-format json")
        .json();
    let paths: Vec<&str> = found
        .as_array()
        .expect("list")
        .iter()
        .map(|item| item["text"].as_str().expect("path"))
        .collect();
    assert_eq!(paths.len(), 2, "{found}");
    assert!(
        paths.contains(&"/app.conf") && paths.contains(&"/conf.d/x.conf"),
        "{paths:?}"
    );
    let one = site
        .run("search blob host/alpha/2026-01-05T02:00:00Z --output-format json")
        .json();
    assert_eq!(one[0]["versions"][0]["size"], 3_000_000);
    let none = site
        .run("search '*.CONF' --case-sensitive --output-format json")
        .json();
    assert_eq!(none, serde_json::json!([]));
    // Nobody but a client with the key looks into these, which is said.
    site.run("key create key.json --kdf none");
    site.backup("etc.pxar:etc --backup-id sealed --backup-time 1767664800 --keyfile key.json");
    let said = site.run("search app.conf host/sealed --output-format json");
    assert_eq!(said.json(), serde_json::json!([]));
    assert!(
        said.err.contains("1 encrypted archives were left out"),
        "{}",
        said.err
    );
    site.run("search app.conf --ns nosuch")
        .fails("namespace not found");
    site.run("search '['")
        .fails("~a character class is not closed~");
}
