//! The examples of `proxmox-backup-manager` (E35 to E44), by the original's name, beside a running server.

use std::fs;
use std::os::unix::fs::symlink;

use super::site::{Said, Site, words};
use crate::house::bin_dir;

/// The manager on the folders of a site whose server runs.
struct Desk {
    site: Site,
}

impl Desk {
    fn new() -> Desk {
        let site = Site::new();
        let link = site.house.path("proxmox-backup-manager");
        symlink(bin_dir().join("strongroom-manager"), link).expect("link");
        Desk { site }
    }

    fn run(&self, line: &str) -> Said {
        let house = &self.site.house;
        let program = house.path("proxmox-backup-manager");
        let mut command = house.command(program.to_str().expect("utf-8"));
        command.args(words(line));
        for (option, folder) in [("--config-dir", "config"), ("--state-dir", "state")] {
            command.arg(option).arg(house.path(folder));
        }
        Said::new(line, command.output().expect("the manager runs"))
    }

    /// A line of a table without the blanks that widths make.
    #[track_caller]
    fn has_row(&self, line: &str, row: &str) {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "{line}\n{}", said.err);
        let narrow = |line: &str| line.split('│').map(str::trim).collect::<Vec<_>>().join("│");
        assert!(
            said.out.lines().any(|found| narrow(found) == row),
            "{line}: no row {row} in\n{}",
            said.out
        );
    }
}

/// E35, E43: datastores, and what clients hear in maintenance.
#[test]
fn datastores_and_maintenance() {
    let desk = Desk::new();
    let path = desk.site.house.path("vault");
    let path = path.to_str().expect("utf-8");
    let said = desk.run(&format!(
        "datastore create vault {path} --comment 'main store'"
    ));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.ends_with("TASK OK\n"), "{}", said.out);
    desk.has_row("datastore list", &format!("│vault│{path}│main store│"));

    desk.run("datastore update tank --maintenance-mode 'offline,message=\"disk swap\"'")
        .silent();
    desk.site
        .run("list")
        .fails("datastore 'tank' is unavailable: offline maintenance mode: disk swap");
    desk.run("datastore update tank --delete maintenance-mode")
        .silent();
    desk.site.run("list").silent();
}

/// E36, E37: users, tokens, rights; a running server sees them at once.
#[test]
fn users_and_rights() {
    let desk = Desk::new();
    desk.run("user create bob@pbs --password long-enough --email bob@example.com --comment 'backup operator'").silent();
    desk.has_row(
        "user list",
        "│bob@pbs│1│never│││bob@example.com│backup operator│",
    );
    desk.run("user generate-token bob@pbs laptop").is(
        0,
        "Result: {\n  \"tokenid\": \"bob@pbs!laptop\",\n  \"value\": \"~-~-~-~-~\"\n}\n",
        "",
    );
    desk.run("acl update /datastore/tank DatastoreAdmin --auth-id bob@pbs")
        .silent();
    desk.has_row("acl list", "│bob@pbs│/datastore/tank│1│DatastoreAdmin│");
    desk.run("user permissions bob@pbs --path /datastore/tank").prints(
        "Privileges with (*) have the propagate flag set\n\nPath: /datastore/tank\n- Datastore.Audit (*)\n- Datastore.Backup (*)\n\
         - Datastore.Modify (*)\n- Datastore.Prune (*)\n- Datastore.Read (*)\n- Datastore.Verify (*)\n",
    );
    let repository = format!("bob@pbs@{}:tank", desk.site.house.address);
    desk.site
        .run(&format!(
            "PBS_PASSWORD=long-enough status --repository {repository}"
        ))
        .is(0, &"~\n".repeat(7), "");
}

/// E38, E42, E44: jobs, collection and verification, done by the server and followed.
#[test]
fn jobs_are_run_by_the_server() {
    let desk = Desk::new();
    let said = desk.site.backup("etc.pxar:etc --backup-time 1767578400");
    assert_eq!(said.code, Some(0), "{}", said.err);
    desk.run("prune-job create nightly --schedule daily --store tank --keep-last 7")
        .silent();
    desk.run("prune-job show nightly").prints(
        "┌───────────┬─────────┐\n│ Name      │ Value   │\n╞═══════════╪═════════╡\n│ id        │ nightly │\n├───────────┼─────────┤\n\
         │ schedule  │ daily   │\n├───────────┼─────────┤\n│ store     │ tank    │\n├───────────┼─────────┤\n│ keep-last │ 7       │\n\
         └───────────┴─────────┘\n",
    );
    let said = desk.run("prune-job run nightly");
    assert!(
        said.code == Some(0) && said.out.ends_with("TASK OK\n"),
        "{}{}",
        said.out,
        said.err
    );
    desk.run("prune-job create other --schedule bad --store tank")
        .fails("parameter verification failed - 'schedule': unable to parse calendar event at 'bad' - ~");
    desk.run("prune-job run x1z").fails("no such prune 'x1z'");

    let said = desk.run("garbage-collection start tank");
    assert!(
        said.code == Some(0) && said.out.ends_with("TASK OK\n"),
        "{}{}",
        said.out,
        said.err
    );
    let list = desk.run("garbage-collection list");
    let header = "│ store │ last-run-endtime         │ duration │ removed-bytes │ pending-bytes │ last-run-state │ schedule │ next-run │";
    assert!(
        list.out
            .lines()
            .any(|line| line.starts_with("│ tank  │ ") && line.contains("│ OK ")),
        "{}",
        list.out
    );
    assert_eq!(
        list.out.lines().nth(1).map(|line| line.replace(' ', "")),
        Some(header.replace(' ', ""))
    );

    let said = desk.run("verify tank");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(said.out.lines().last(), Some("TASK OK"));
    for part in [
        "  check etc.pxar.didx",
        "percentage done: 100.00% (1/1 groups)",
    ] {
        assert!(
            said.out.lines().any(|line| line == part),
            "{part} is not in\n{}",
            said.out
        );
    }
    assert!(
        said.out
            .lines()
            .any(|line| line.starts_with("  verified 2.86/2.86 MiB in ")
                && line.ends_with("(0 errors)")),
        "{}",
        said.out
    );

    // The tasks of both are one list; the id alone as JSON.
    let upid = desk.run("verify tank --output-format json").json();
    let upid = upid.as_str().expect("an id");
    assert!(
        desk.run(&format!("task log {upid}"))
            .out
            .ends_with("TASK OK\n")
    );
    let tasks = desk.run("task list --all --output-format json").json();
    assert!(
        tasks
            .as_array()
            .expect("list")
            .iter()
            .any(|task| task["upid"] == upid && task["status"] == "OK"),
        "{tasks}"
    );
    desk.run(&format!("task stop {upid}")).silent();
}

/// E39 to E41 as far as this build goes: what is configured; running it says that it cannot.
#[test]
fn sync_jobs_and_traffic() {
    let desk = Desk::new();
    desk.run("remote create offsite --host 192.0.2.9 --auth-id sync@pbs --password secret123")
        .silent();
    desk.has_row("remote list", "│offsite│192.0.2.9│sync@pbs│││");
    desk.run(
        "sync-job create s-in --store tank --remote offsite --remote-store tank2 --group-filter type:vm --group-filter group:host/alpha --schedule hourly",
    )
    .silent();
    desk.has_row(
        "sync-job list",
        "│s-in│pull│tank│offsite│tank2│hourly│type:vm OR group:host/alpha│││",
    );
    desk.has_row(
        "sync-job show s-in",
        "│group-filter│[\"type:vm\",\"group:host/alpha\"]│",
    );
    desk.run("sync-job create s-out --store tank --remote offsite --remote-store tank2 --sync-direction push").silent();
    assert!(!desk.run("sync-job list").out.contains("s-out"));
    assert!(
        desk.run("sync-job list --sync-direction all")
            .out
            .contains("s-out")
    );

    desk.run("traffic-control create office --network 192.0.2.0/24 --rate-in 10MB --timeframe 'mon..fri 8-17:30'").silent();
    desk.has_row(
        "traffic-control list",
        "│office│10 MB││││[\"192.0.2.0/24\"]│[\"mon..fri 8-17:30\"]││",
    );
    desk.has_row("traffic-control traffic", "│office│0 B│0 B│");

    let said = desk.run("pull offsite tank2 tank");
    assert_eq!(said.code, Some(255), "{}", said.out);
    assert!(said.err.starts_with("Error: "), "{}", said.err);
}

/// What the appliance alone has is told; wrong words are wrong all the same.
#[test]
fn what_is_not_here_is_told() {
    let desk = Desk::new();
    desk.run("disk wipe sdx")
        .fails("'disk wipe' is not available on this installation");
    desk.run("network create eth9 --bond_mode nope").fails("parameter verification failed - 'bond_mode': value 'nope' is not defined in the enumeration.");
    desk.run("nosuch").fails("no such command 'nosuch'");
}

/// The server's own interface by hand.
#[test]
fn the_api_by_hand() {
    let desk = Desk::new();
    let site = &desk.site;
    let said = site.run("debug api get /admin/datastore --output-format json");
    assert!(
        said.code == Some(0) && said.out.contains("\"store\":\"tank\""),
        "{}{}",
        said.out,
        said.err
    );
    site.run(
        "debug api create config/prune --id by-hand --store tank --schedule daily --keep-last 3",
    )
    .silent();
    site.run("debug api set /config/prune/by-hand --delete comment --delete ns --keep-last=5")
        .silent();
    assert!(
        fs::read_to_string(site.house.path("config/prune.cfg"))
            .expect("file")
            .contains("\tkeep-last 5\n")
    );
    site.run("debug api create config/prune --id x1z --store tank --schedule daily --nope 3")
        .fails(
            "parameter verification failed - 'nope': schema does not allow additional properties.",
        );
    site.run("debug api get /nosuch").fails("~");
    let said = site.run("debug api ls /config/prune");
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "-rw-d by-hand\n"),
        "{}",
        said.err
    );
    let said = site.run("debug api ls");
    assert!(
        said.out.lines().any(|line| line == "Dr--- admin")
            || said.out.lines().any(|line| line == "D---- admin"),
        "{}",
        said.out
    );
    let said = site.run("debug api usage /config/prune --verbose");
    assert!(
        said.out.contains(
            " api create /config/prune --id <value> --schedule <value> --store <value> [OPTIONS]\n"
        ),
        "{}{}",
        said.out,
        said.err
    );
    site.run("debug api delete /config/prune/by-hand").silent();
}
