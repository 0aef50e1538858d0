//! Every call that a hypervisor's storage plugin makes (protocol.md 5.3, 5.4; cli.md 3.11), in its own form: commands with joined and unjoined
//! options in its environment, and REST calls over HTTP/1.1 with a ticket or a token.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::house::{House, Said, bin_dir, fixtures, is_root, noise};
use crate::takeover::installation;

const PASSWORD: &str = "secret123";
const CONTAINER: &str = "ct/101/2026-01-05T02:00:00Z";
const GUEST: &str = "vm/100/2026-01-05T02:10:00Z";

/// A node with one storage: user storage@pbs, datastore tank, namespace site/one.
struct Node {
    house: House,
}

impl Node {
    fn new() -> Node {
        let mut house = House::empty();
        let tank = house.path("tank");
        for line in [
            format!("user create storage@pbs --password {PASSWORD}"),
            format!("datastore create tank {}", tank.display()),
            "acl update /datastore/tank DatastoreAdmin --auth-id storage@pbs".to_owned(),
        ] {
            house.manager(&line.split(' ').collect::<Vec<_>>()).ok();
        }
        house.start();
        for (name, program) in [
            ("proxmox-backup-client", "strongroom"),
            ("proxmox-file-restore", "strongroom"),
        ] {
            symlink(bin_dir().join(program), house.path(name)).expect("link");
        }
        fs::create_dir_all(house.path("rootfs/etc")).expect("folder");
        for (name, content) in [
            ("rootfs/etc/hostname", b"ct101\n".to_vec()),
            ("rootfs/blob", noise(3, 300_000)),
            ("pct.conf", b"arch: amd64\nhostname: ct101\n".to_vec()),
            ("fw.conf", b"[OPTIONS]\n".to_vec()),
            ("qemu-server.conf", b"cores: 2\n".to_vec()),
            ("drive.img", noise(5, 5_000_000)),
            ("task.log", b"INFO: starting new backup job\n".to_vec()),
        ] {
            fs::write(house.path(name), content).expect("file");
        }
        Node { house }
    }

    fn repository(&self) -> String {
        format!("storage@pbs@{}:tank", self.house.address)
    }

    /// The environment in which a node calls the programs.
    fn program(&self, name: &str) -> Command {
        let program = self.house.path(name);
        let mut command = self.house.command(program.to_str().expect("text"));
        command
            .env("PBS_PASSWORD", PASSWORD)
            .env("PROXMOX_OUTPUT_NO_BORDER", "1")
            .env("PROXMOX_OUTPUT_NO_HEADER", "1");
        command
    }

    /// `{verb} {crypt options} {arguments} --repository R [--ns NS]`, as the plugin puts them together.
    fn client(&self, verb: &[&str], arguments: &[&str]) -> Said {
        let mut command = self.program("proxmox-backup-client");
        command.args(verb).args(arguments);
        command.args(["--repository", &self.repository()]);
        // The storage's state has no namespace.
        if verb != ["status"] {
            command.args(["--ns", "site/one"]);
        }
        command.output().expect("the client runs").into()
    }

    /// The same with a key behind a descriptor.
    fn client_with_key(&self, verb: &str, arguments: &str) -> Said {
        let client = self.house.path("proxmox-backup-client");
        let script = format!(
            "exec 9<storage.enc; exec {} {verb} --crypt-mode=encrypt --keyfd=9 {arguments} --repository {} --ns site/one",
            client.display(),
            self.repository()
        );
        let mut command = Command::new("sh");
        command
            .env_clear()
            .envs(&self.house.env)
            .env("PBS_PASSWORD", PASSWORD)
            .current_dir(self.house.dir.path())
            .stdin(Stdio::null())
            .args(["-c", &script]);
        command.output().expect("a shell runs").into()
    }
}

#[test]
fn commands_of_the_plugin() {
    let node = Node::new();
    let json_of = |verb: &[&str], arguments: &[&str]| node.client(verb, arguments).ok().json();

    // The namespace is the administrator's to make.
    for name in ["site", "site/one"] {
        let mut command = node.program("proxmox-backup-client");
        command.args([
            "namespace",
            "create",
            name,
            "--repository",
            &node.repository(),
        ]);
        Said::from(command.output().expect("runs")).ok();
    }

    // storage status
    let status = json_of(&["status"], &["--output-format=json"]);
    for key in ["total", "used", "avail"] {
        assert!(status[key].is_u64(), "{status}");
    }

    // container backup, its log
    let said = node.client(
        &["backup", "--crypt-mode=none"],
        &[
            "pct.conf:pct.conf",
            "fw.conf:fw.conf",
            "root.pxar:rootfs",
            "--include-dev",
            "rootfs/./",
            "--skip-lost-and-found",
            "--exclude=/tmp/?*",
            "--backup-type",
            "ct",
            "--backup-id",
            "101",
            "--backup-time",
            "1767578400",
        ],
    );
    said.ok();
    node.client(
        &["upload-log", "--crypt-mode=none"],
        &[CONTAINER, "task.log"],
    )
    .ok();
    node.client(
        &["upload-log", "--crypt-mode=none"],
        &[CONTAINER, "task.log"],
    )
    .refused(&["backup already contains a log"]);

    // a new key, a guest's backup with it
    node.program("proxmox-backup-client")
        .args(["key", "create", "--kdf", "none", "storage.enc"])
        .output()
        .map(Said::from)
        .expect("runs")
        .ok();
    node.client_with_key(
        "backup",
        "qemu-server.conf:qemu-server.conf drive-scsi0.img:drive.img --backup-type vm --backup-id 100 --backup-time 1767579000",
    )
    .ok();
    node.client_with_key("upload-log", &format!("{GUEST} task.log"))
        .ok();

    // configuration out of a backup
    let conf = node
        .client(
            &["restore", "--crypt-mode=none"],
            &[CONTAINER, "pct.conf", "-"],
        )
        .ok();
    assert_eq!(conf.out, "arch: amd64\nhostname: ct101\n");
    let conf = node
        .client_with_key("restore", &format!("{GUEST} qemu-server.conf -"))
        .ok();
    assert_eq!(conf.out, "cores: 2\n");
    node.client(
        &["restore", "--crypt-mode=none"],
        &[GUEST, "qemu-server.conf", "-"],
    )
    .refused(&["missing key"]);

    // a container's files to a directory that is there
    fs::create_dir(node.house.path("target")).expect("folder");
    let restored = node.client(
        &["restore", "--crypt-mode=none"],
        &[CONTAINER, "root.pxar", "target", "--allow-existing-dirs"],
    );
    // Without root owners cannot be set, which is told.
    if is_root() {
        restored.ok();
    }
    assert_eq!(
        fs::read_to_string(node.house.path("target/etc/hostname")).expect("restored"),
        "ct101\n"
    );

    // volume size
    let files = json_of(&["files"], &[GUEST, "--output-format=json"]);
    let drive = files
        .as_array()
        .expect("list")
        .iter()
        .find(|file| file["filename"] == "drive-scsi0.img.fidx");
    assert_eq!(drive.expect("the drive")["size"], 5_000_000, "{files}");
    assert_eq!(drive.expect("the drive")["crypt-mode"], "encrypt");

    // notes
    node.client(
        &["snapshot", "notes", "update"],
        &[GUEST, "before upgrade\nsecond line"],
    )
    .ok();
    let notes = json_of(
        &["snapshot", "notes", "show"],
        &[GUEST, "--output-format=json"],
    );
    assert_eq!(notes, json!({"notes": "before upgrade\nsecond line"}));

    // prune: dry run, then for good
    node.client(
        &["backup", "--crypt-mode=none"],
        &[
            "qemu-server.conf:qemu-server.conf",
            "--backup-type",
            "vm",
            "--backup-id",
            "100",
            "--backup-time",
            "1767665400",
        ],
    )
    .ok();
    let plan = json_of(
        &["prune"],
        &[
            "vm/100",
            "--dry-run",
            "--keep-last",
            "1",
            "--output-format=json",
        ],
    );
    let shown: Vec<(i64, bool)> = plan
        .as_array()
        .expect("list")
        .iter()
        .map(|item| {
            assert_eq!(
                (&item["backup-type"], &item["backup-id"], &item["protected"]),
                (&json!("vm"), &json!("100"), &json!(false))
            );
            (
                item["backup-time"].as_i64().expect("time"),
                item["keep"].as_bool().expect("keep"),
            )
        })
        .collect();
    assert_eq!(shown, [(1_767_579_000, false), (1_767_665_400, true)]);
    // The mail gateway's form: a bare boolean before an option, the group behind a value.
    let done = json_of(
        &["prune", "--quiet", "--keep-last", "1", "vm/100"],
        &["--output-format=json"],
    );
    let done = done.as_array().expect("list");
    assert_eq!(done.len(), 1, "only what goes: {done:?}");
    assert_eq!(
        (&done[0]["backup-time"], &done[0]["keep"]),
        (&json!(1_767_579_000), &json!(false))
    );
    let left = json_of(&["snapshots", "vm/100"], &["--output-format=json"]);
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");

    // single files
    let mut command = node.program("proxmox-file-restore");
    command.args([
        "list",
        "--repository",
        &node.repository(),
        "--ns",
        "site/one",
        CONTAINER,
        "/",
        "--base64",
        "0",
        "--output-format=json",
    ]);
    let list = Said::from(command.output().expect("runs")).ok().json();
    assert!(
        list.as_array()
            .expect("list")
            .iter()
            .any(|item| item["text"] == "root.pxar.didx"),
        "{list}"
    );
    let mut command = node.program("proxmox-file-restore");
    command.args([
        "extract",
        "--repository",
        &node.repository(),
        "--ns",
        "site/one",
        CONTAINER,
        "/root.pxar.didx/etc/hostname",
        "-",
        "--base64",
        "0",
    ]);
    assert_eq!(
        Said::from(command.output().expect("runs")).ok().out,
        "ct101\n"
    );

    // delete
    node.client(&["snapshot", "forget"], &[CONTAINER]).ok();
    assert_eq!(
        json_of(&["snapshots", "ct/101"], &["--output-format=json"]),
        json!([])
    );

    // instance id
    let mut command = node.program("proxmox-backup-client");
    command.args([
        "server-identity",
        "--output-format=json",
        "--repository",
        &node.repository(),
    ]);
    let identity = Said::from(command.output().expect("runs")).ok().json();
    assert!(identity["pbs-instance-id"].is_string(), "{identity}");
}

/// How a call identifies its caller.
enum Login<'a> {
    None,
    Ticket { ticket: &'a str, csrf: &'a str },
    Token(&'a str),
}

struct Answer {
    status: u16,
    kind: String,
    body: Value,
}

/// A request as LWP makes it: HTTP/1.1, kept alive, gzip accepted, parameters of a PUT or POST as a form.
fn request(
    house: &House,
    verb: &str,
    path: &str,
    form: &[(&str, &str)],
    login: &Login<'_>,
) -> Answer {
    let url = format!("https://{}/api2/json/{path}", house.address);
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--insecure",
        "--http1.1",
        "--write-out",
        "\n%{http_code} %{content_type}",
    ]);
    command.args([
        "--user-agent",
        "libwww-perl/6.68",
        "--header",
        "Accept-Encoding: gzip",
        "--header",
        "Connection: TE, Keep-Alive",
    ]);
    match login {
        Login::None => {}
        Login::Ticket { ticket, csrf } => {
            command.args(["--cookie", &format!("PBSAuthCookie={}", escaped(ticket))]);
            if verb != "GET" {
                command.args(["--header", &format!("CSRFPreventionToken: {csrf}")]);
            }
        }
        Login::Token(token) => {
            command.args(["--header", &format!("Authorization: PBSAPIToken={token}")]);
        }
    }
    command.args(["--request", verb]);
    for (name, value) in form {
        command.args(["--data-urlencode", &format!("{name}={value}")]);
    }
    let output = command.arg(url).output().expect("curl runs");
    let text = String::from_utf8(output.stdout)
        .expect("the answer is text: not compressed in a way that was not asked for");
    let (body, end) = text.rsplit_once('\n').expect("status line");
    let (status, kind) = end.split_once(' ').expect("status and type");
    Answer {
        status: status.parse().expect("number"),
        kind: kind.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())),
    }
}

impl Answer {
    /// The data of a success, as the plugin decides on it.
    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert!(self.kind.contains("application/json"), "{}", self.kind);
        self.body["data"].clone()
    }
}

fn escaped(text: &str) -> String {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    text.bytes()
        .map(|byte| {
            if fine(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn has_curl() -> bool {
    let found = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: there is no curl");
    }
    found
}

#[test]
fn requests_of_the_plugin() {
    if !has_curl() {
        return;
    }
    let node = Node::new();
    let house = &node.house;
    for name in ["site", "site/one"] {
        let mut command = node.program("proxmox-backup-client");
        command.args([
            "namespace",
            "create",
            name,
            "--repository",
            &node.repository(),
        ]);
        Said::from(command.output().expect("runs")).ok();
    }
    node.client(
        &["backup", "--crypt-mode=none"],
        &[
            "qemu-server.conf:qemu-server.conf",
            "--backup-type",
            "vm",
            "--backup-id",
            "100",
            "--backup-time",
            "1767579000",
        ],
    )
    .ok();

    let form = [("username", "storage@pbs"), ("password", PASSWORD)];
    let login = request(house, "POST", "access/ticket", &form, &Login::None).ok();
    let (ticket, csrf) = (
        login["ticket"].as_str().expect("ticket"),
        login["CSRFPreventionToken"].as_str().expect("token"),
    );
    let wrong = request(
        house,
        "POST",
        "access/ticket",
        &[form[0], ("password", "wrong")],
        &Login::None,
    );
    assert_eq!(wrong.status, 401);
    let made = house
        .manager(&["user", "generate-token", "storage@pbs", "node"])
        .ok();
    let made: Value = serde_json::from_str(made.out.trim_start_matches("Result: ")).expect("JSON");
    house
        .manager(&[
            "acl",
            "update",
            "/datastore/tank",
            "DatastoreAdmin",
            "--auth-id",
            "storage@pbs!node",
        ])
        .ok();
    let token = format!(
        "{}:{}",
        made["tokenid"].as_str().expect("id"),
        made["value"].as_str().expect("secret")
    );

    for login in [Login::Ticket { ticket, csrf }, Login::Token(&token)] {
        let get = |path: &str| request(house, "GET", path, &[], &login);
        let stores = get("admin/datastore").ok();
        assert!(
            stores
                .as_array()
                .expect("list")
                .iter()
                .any(|item| item["store"] == "tank"),
            "{stores}"
        );

        // By id alone, without the type.
        let snapshots = get("admin/datastore/tank/snapshots?backup-id=100&ns=site%2Fone").ok();
        let snapshot = &snapshots[0];
        assert_eq!(
            (
                &snapshot["backup-type"],
                &snapshot["backup-time"],
                &snapshot["protected"]
            ),
            (&json!("vm"), &json!(1_767_579_000), &json!(false))
        );
        assert!(
            snapshot["size"].is_u64() && snapshot["owner"] == "storage@pbs",
            "{snapshot}"
        );
        assert!(
            snapshot["files"]
                .as_array()
                .expect("files")
                .iter()
                .any(|file| file["filename"] == "qemu-server.conf.blob")
        );
        let none = get("admin/datastore/tank/snapshots?backup-id=999&ns=site%2Fone").ok();
        assert_eq!(none, json!([]));

        // Protection, on and off.
        let one = "admin/datastore/tank/protected";
        let place = [
            ("backup-type", "vm"),
            ("backup-id", "100"),
            ("backup-time", "1767579000"),
            ("ns", "site/one"),
        ];
        let asked =
            format!("{one}?backup-type=vm&backup-id=100&backup-time=1767579000&ns=site%2Fone");
        for (value, expected) in [("1", true), ("0", false)] {
            let mut form = place.to_vec();
            form.push(("protected", value));
            assert_eq!(request(house, "PUT", one, &form, &login).ok(), Value::Null);
            assert_eq!(get(&asked).ok(), json!(expected));
        }
    }

    // Without the token against cross-site requests nothing is changed.
    let without = Login::Ticket { ticket, csrf: "" };
    let form = [
        ("backup-type", "vm"),
        ("backup-id", "100"),
        ("backup-time", "1767579000"),
        ("protected", "1"),
    ];
    assert_eq!(
        request(
            house,
            "PUT",
            "admin/datastore/tank/protected",
            &form,
            &without
        )
        .status,
        401
    );
}

/// The plugin's listing of the original's datastore is what the original answered.
#[test]
fn the_originals_snapshots_are_listed_as_by_the_original() {
    let Some(fixtures) = fixtures() else { return };
    if !has_curl() {
        return;
    }
    let Some((house, _)) = installation() else {
        return;
    };
    let form = [("username", "test@pbs"), ("password", "peer-test-1")];
    let login = request(&house, "POST", "access/ticket", &form, &Login::None).ok();
    let login = Login::Ticket {
        ticket: login["ticket"].as_str().expect("ticket"),
        csrf: login["CSRFPreventionToken"].as_str().expect("token"),
    };
    let found = request(
        &house,
        "GET",
        "admin/datastore/peer/snapshots?backup-id=enc",
        &[],
        &login,
    )
    .ok();
    let recorded = fs::read_to_string(fixtures.join("http/066-snapshots-group.response.txt"))
        .expect("capture");
    let start = recorded.find("{\"data\"").expect("the body");
    let end = recorded.rfind('}').expect("its end");
    // A body in one piece; the capture holds the sizes of its pieces too.
    let recorded: Value = serde_json::from_str(&recorded[start..=end]).expect("JSON");
    let sorted = |list: &Value| {
        let mut snapshot = list[0].clone();
        if let Some(files) = snapshot["files"].as_array_mut() {
            files.sort_by_key(|file| file["filename"].as_str().map(str::to_owned));
        }
        // What was verified since the recording.
        snapshot
            .as_object_mut()
            .expect("object")
            .remove("verification");
        snapshot
    };
    assert_eq!(sorted(&found), sorted(&recorded["data"]));
}
