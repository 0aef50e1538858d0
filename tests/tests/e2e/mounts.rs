//! Archives and images of the original's snapshots as a mount, a block device and an NBD export, from a running server. Skipped, and
//! said so, where the machine has no FUSE, loop devices or qemu-img, or the tests are not run by root.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal, kill_process};

use crate::house::{House, Said, fixtures, is_root};
use crate::likeness::{differences, portrait};
use crate::takeover::{copy, installation};

const PLAIN: &str = "host/plain/2023-11-14T22:13:20Z";
const ENCRYPTED: &str = "host/enc/2023-11-14T22:15:00Z";
const MACHINE: &str = "vm/100/2023-11-14T22:18:20Z";
const SOON: Duration = Duration::from_secs(60);

pub fn has_fuse() -> bool {
    let device = File::options().read(true).write(true).open("/dev/fuse");
    let usable = is_root() && device.is_ok();
    if !usable {
        eprintln!("skipped: not root, or no /dev/fuse here");
    }
    usable
}

/// The original's datastores, and the words that name one of them.
struct Site {
    house: House,
    repository: String,
    key: PathBuf,
}

impl Site {
    /// The datastore of 3.2, or the one with split archives of 4.2.
    fn new(split: bool) -> Option<Site> {
        let fixtures = fixtures()?;
        let (mut house, mut repository) = installation()?;
        let mut key = fixtures.join("keys/none.json");
        if split {
            house.kill();
            let store = house.path("split");
            copy(&fixtures.join("split/datastore"), &store);
            let entry = format!("datastore: split\n\tpath {}\n", store.display());
            fs::write(house.path("config/datastore.cfg"), entry).expect("config");
            house.start();
            repository = format!("test@pbs@{}:split", house.address);
            key = fixtures.join("split/keys/none.json");
        }
        Some(Site {
            house,
            repository,
            key,
        })
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        let mut all = words.to_vec();
        all.extend(["--repository", &self.repository]);
        all
    }

    fn client(&self, words: &[&str]) -> Said {
        self.house.client(&self.words(words))
    }

    /// A command that stays, with its outputs.
    fn start(&self, words: &[&str]) -> Child {
        let mut command = self.house.client_command(&self.words(words));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("strongroom runs")
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.house.path(name);
        fs::create_dir(&path).expect("folder");
        path
    }
}

pub fn is_mounted(target: &Path) -> bool {
    let list = fs::read_to_string("/proc/self/mountinfo").expect("list of mounts");
    list.contains(&format!(" {} ", target.display()))
}

/// Unmounts when dropped, also if the test fails.
pub struct Guard(pub PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        while is_mounted(&self.0) {
            let _ = rustix::mount::unmount(&self.0, UnmountFlags::DETACH);
        }
    }
}

/// Mounts in the background, compares with a restore, unmounts.
fn mounts_like_it_restores(site: &Site, number: usize, snapshot: &str, archive: &str, key: bool) {
    let (target, restored) = (
        site.folder(&format!("mnt-{number}")),
        site.house.path(&format!("restored-{number}")),
    );
    let key_words = match key {
        true => vec!["--keyfile", site.key.to_str().expect("utf-8")],
        false => vec![],
    };
    let text = |path: &Path| path.to_str().expect("utf-8").to_owned();
    let (target_text, restored_text) = (text(&target), text(&restored));
    let with_key = |words: &[&str]| {
        let all: Vec<&str> = words.iter().chain(&key_words).copied().collect();
        site.client(&all)
    };
    with_key(&["restore", snapshot, archive, &restored_text]).ok();
    let _guard = Guard(target.clone());
    let said = with_key(&["mount", snapshot, archive, &target_text]).ok();
    assert_eq!(said.out, "");
    assert!(is_mounted(&target), "it is there when the command ends");
    // Links are counted as they are seen.
    portrait(&target);
    let differs = differences(&restored, &target);
    assert!(differs.is_empty(), "{snapshot} {archive}:\n{differs}");
    rustix::mount::unmount(&target, UnmountFlags::empty()).expect("nobody uses it");
    assert!(!is_mounted(&target));
}

#[test]
fn snapshots_of_the_original() {
    if !has_fuse() {
        return;
    }
    let Some(site) = Site::new(false) else { return };
    mounts_like_it_restores(&site, 0, PLAIN, "root.pxar", false);
    mounts_like_it_restores(&site, 1, ENCRYPTED, "root.pxar", true);
    mounts_like_it_restores(
        &site,
        2,
        "host/signed/2023-11-14T22:16:40Z",
        "root.pxar.didx",
        true,
    );
    mounts_like_it_restores(&site, 3, "host/small", "root.pxar", false);
}

/// A script that holds a lock while it mounts gets it back, and a pipe from the command ends with the command.
#[test]
fn nothing_of_the_caller_stays_open() {
    if !has_fuse() {
        return;
    }
    let Some(site) = Site::new(false) else { return };
    let target = site.folder("mnt");
    let _guard = Guard(target.clone());
    let script = r#"exec 9>lock; flock 9; "$0" "$@" | cat; exec 9>&-; flock -n lock true"#;
    let words = ["mount", PLAIN, "root.pxar", target.to_str().expect("utf-8")];
    let client = site.house.client_command(&site.words(&words));
    let mut shell = site.house.command("strongroom");
    let mut words: Vec<_> = vec!["-c".into(), script.into(), client.get_program().to_owned()];
    words.extend(client.get_args().map(ToOwned::to_owned));
    let environment: Vec<_> = shell
        .get_envs()
        .map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned)))
        .collect();
    let folder = shell.get_current_dir().map(Path::to_owned);
    shell = Command::new("sh");
    shell
        .args(words)
        .current_dir(folder.expect("set"))
        .env_clear();
    shell.envs(environment.into_iter().filter_map(|(k, v)| Some((k, v?))));
    let output = shell.output().expect("sh runs");
    assert!(output.status.success(), "{output:?}");
    assert!(is_mounted(&target));
}

#[test]
fn split_archives() {
    if !has_fuse() {
        return;
    }
    let Some(site) = Site::new(true) else { return };
    mounts_like_it_restores(
        &site,
        0,
        "host/split/2025-10-09T08:53:20Z",
        "root.pxar",
        false,
    );
    mounts_like_it_restores(&site, 1, "host/mid", "root.mpxar.didx", false);
    mounts_like_it_restores(&site, 2, "host/split-enc", "root.ppxar", true);
}

#[test]
fn in_the_foreground_until_a_signal() {
    if !has_fuse() {
        return;
    }
    let Some(site) = Site::new(false) else { return };
    let target = site.folder("mnt");
    let _guard = Guard(target.clone());
    let words = ["mount", PLAIN, "root.pxar", target.to_str().expect("utf-8")];
    for signal in [Signal::TERM, Signal::INT] {
        let mut child = site.start(&[&words[..], &["--verbose", "true"]].concat());
        let deadline = Instant::now() + SOON;
        while !is_mounted(&target) {
            assert!(Instant::now() < deadline && child.try_wait().expect("wait").is_none());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(fs::read_dir(&target).expect("readable").count() > 5);
        kill_process(Pid::from_child(&child), signal).expect("signal");
        assert_eq!(child.wait().expect("wait").code(), Some(0));
        assert!(!is_mounted(&target));
    }
}

#[test]
fn what_cannot_be_mounted_or_mapped() {
    let Some(site) = Site::new(false) else { return };
    let target = site.folder("mnt");
    let target = target.to_str().expect("utf-8");
    let refused = |words: &[&str], said: &[&str]| drop(site.client(words).refused(said));
    let missing = site.house.path("none");
    fs::write(site.house.path("file"), "x").expect("file");
    refused(
        &[
            "mount",
            PLAIN,
            "root.pxar",
            missing.to_str().expect("utf-8"),
        ],
        &["none", "make it first"],
    );
    for (folder, said) in [
        ("/proc", "is mounted on"),
        ("file", "not a directory"),
        (".", "not empty"),
    ] {
        refused(&["mount", PLAIN, "root.pxar", folder], &[said, "hint"]);
    }
    refused(
        &["mount", PLAIN, "disk.img", target],
        &["use the 'map' command to map drive images"],
    );
    refused(
        &["map", PLAIN, "root.pxar"],
        &["use the 'mount' command to mount pxar archives"],
    );
    refused(&["nbd", PLAIN, "root.pxar"], &["only disk images", "mount"]);
    refused(
        &["mount", PLAIN, "other.pxar", target],
        &[
            "manifest does not contain file 'other.pxar.didx'",
            "root.pxar",
        ],
    );
    // In the background too a failure is a failure.
    refused(
        &["mount", ENCRYPTED, "root.pxar", target],
        &["missing key", "--keyfile"],
    );
    refused(&["mount", "host/none", "root.pxar", target], &["host/none"]);
    refused(
        &["nbd", PLAIN, "disk.img", "--listen", "0.0.0.0:0"],
        &["other machines", "--allow-remote"],
    );
    refused(
        &["nbd", PLAIN, "disk.img", "--socket", "file"],
        &["no socket"],
    );
    assert_eq!(fs::read_dir(target).expect("folder").count(), 0);
    assert!(!is_mounted(Path::new(target)));
}

fn image(site: &Site) -> Vec<u8> {
    site.client(&["restore", MACHINE, "drive-scsi1.img", "-"])
        .ok()
        .raw
}

#[test]
fn an_image_as_a_block_device() {
    if !has_fuse() || !Path::new("/dev/loop-control").exists() {
        eprintln!("skipped: no loop devices here");
        return;
    }
    let Some(site) = Site::new(false) else { return };
    let said = site.client(&["map", MACHINE, "drive-scsi1.img"]).ok();
    let name = format!("{}:{MACHINE}/drive-scsi1.img", site.repository);
    let line = said.err.lines().find(|line| line.contains("mapped on"));
    let line = line.unwrap_or_else(|| panic!("{}", said.err));
    let device = line.rsplit(' ').next().expect("a device");
    assert_eq!(line, format!("Image '{name}' mapped on {device}"));
    let mut content = Vec::new();
    let opened = File::open(device).expect("the device");
    (&opened).read_to_end(&mut content).expect("readable");
    drop(opened);
    let listed = site
        .house
        .command("strongroom")
        .arg("unmap")
        .output()
        .expect("runs");
    let listed = String::from_utf8_lossy(&listed.stderr).into_owned();
    let again = site.client(&["map", MACHINE, "drive-scsi1.img"]);
    let unmap = |name: &str| {
        let output = site
            .house
            .command("strongroom")
            .args(["unmap", name])
            .output();
        output.expect("runs")
    };
    let unmapped = unmap(device);
    assert!(unmapped.status.success(), "{unmapped:?}");
    assert!(content == image(&site));
    assert!(
        listed.lines().any(|l| l == format!("{device}:\t{name}")),
        "{listed}"
    );
    again.refused(&["is mapped already", "unmap"]);
    let twice = unmap(&name);
    assert_eq!(twice.status.code(), Some(255), "{twice:?}");
    let left = fs::read_dir("/run/pbs-loopdev").expect("folder");
    let left: Vec<_> = left
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    let port = site.house.address.rsplit(':').next().expect("a port");
    assert!(
        !left
            .iter()
            .any(|file| file.to_string_lossy().contains(port)),
        "{left:?}"
    );
}

#[test]
fn an_image_by_nbd() {
    let Some(site) = Site::new(false) else { return };
    let expected = image(&site);
    let socket = site.house.path("nbd.sock");
    let runtime = site.house.path("run/proxmox-backup/nbd.sock");
    for (words, begin, path) in [
        (
            vec!["--socket", socket.to_str().expect("utf-8")],
            "nbd+unix:///drive-scsi1.img?socket=/",
            Some(&socket),
        ),
        (
            vec![],
            "nbd+unix:///drive-scsi1.img?socket=/",
            Some(&runtime),
        ),
        (vec!["--listen", "127.0.0.1:0"], "nbd://127.0.0.1:", None),
    ] {
        let words = [&["nbd", MACHINE, "drive-scsi1.img"][..], &words].concat();
        let mut child = site.start(&words);
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url = lines.next().expect("an address").expect("utf-8");
        assert!(url.starts_with(begin), "{url}");
        let copied = site.house.path("copy.img");
        let convert = ["convert", "-f", "raw", "-O", "raw", &url];
        match Command::new("qemu-img").args(convert).arg(&copied).output() {
            Ok(output) => {
                assert!(output.status.success(), "{output:?}");
                assert!(fs::read(&copied).expect("copy") == expected, "{url}");
            }
            Err(_) => eprintln!("skipped: no qemu-img here"),
        }
        assert!(path.is_none_or(|path| path.exists()));
        kill_process(Pid::from_child(&child), Signal::TERM).expect("signal");
        assert_eq!(child.wait().expect("wait").code(), Some(0));
        assert!(path.is_none_or(|path| !path.exists()));
    }
}
