//! What stays up for long: a mount that many read at once, and what reads from a server that goes away for a while. Mounts are skipped,
//! and said so, where only root or a machine with FUSE can do it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::house::{House, noise};
use crate::mounts::{Guard, has_fuse, is_mounted};

const MIB: usize = 1 << 20;
const FILES: usize = 24;
const FILE_LEN: usize = 16 * MIB;
/// What a mount may take at its peak: the budget of chunks (see `client::read_at`), the window of the connection, and the program itself.
const PEAK_MAX: usize = 200 * MIB;

/// A directory of [`FILES`] files, as `root.pxar` of `host/busy`.
fn backed_up(more: &[&str]) -> House {
    let house = House::new();
    house
        .client(&["key", "create", "key.json", "--kdf", "none"])
        .ok();
    let tree = house.path("tree");
    fs::create_dir(&tree).expect("folder");
    for number in 0..FILES {
        fs::write(tree.join(name(number)), content(number)).expect("file");
    }
    let words = ["backup", "root.pxar:tree", "--backup-id", "busy"];
    house.client(&[&words, more].concat()).ok();
    fs::remove_dir_all(&tree).expect("not needed any more");
    house
}

fn name(number: usize) -> String {
    format!("file-{number:02}")
}

fn content(number: usize) -> Vec<u8> {
    let mut content = noise(number as u64 + 1, FILE_LEN);
    // Half of the bits are always zero, so that it can be compressed.
    content.iter_mut().for_each(|byte| *byte &= 0x55);
    content
}

/// A mount in the foreground.
struct Mount {
    child: Child,
    target: PathBuf,
    guard: Guard,
}

impl Mount {
    fn new(house: &House, more: &[&str]) -> Mount {
        let target = house.path("mnt");
        fs::create_dir(&target).expect("folder");
        let guard = Guard(target.clone());
        let words = [
            "mount",
            "host/busy",
            "root.pxar",
            "mnt",
            "--verbose",
            "true",
        ];
        let log = File::create(house.path("mount.err")).expect("log");
        let mut command = house.client_command(&[&words, more].concat());
        let mut child = command.stderr(log).spawn().expect("strongroom runs");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_mounted(&target) {
            assert!(child.try_wait().expect("wait").is_none() && Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(20));
        }
        Mount {
            child,
            target,
            guard,
        }
    }

    fn open(&self, number: usize) -> File {
        File::open(self.target.join(name(number))).expect("file of the mount")
    }

    fn log(&self) -> String {
        let path = self.target.with_file_name("mount.err");
        fs::read_to_string(path).expect("log")
    }

    /// The largest amount of memory so far, in bytes.
    fn peak(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.expect("in the list").parse::<usize>().expect("KiB") << 10
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = &self.guard;
    }
}

/// A mount once took 480 MiB: nobody counted what was on its way.
#[test]
fn many_readers_of_a_mount_take_little_memory() {
    if !has_fuse() {
        return;
    }
    // Encrypted and compressed: chunks have most states to be in.
    let key = ["--keyfile", "key.json"];
    let house = backed_up(&key);
    let mount = Mount::new(&house, &key);
    std::thread::scope(|scope| {
        for number in 0..FILES {
            let mount = &mount;
            scope.spawn(move || {
                let expected = content(number);
                let mut found = Vec::new();
                let mut file = mount.open(number);
                file.read_to_end(&mut found).expect("readable");
                assert!(found == expected, "{number}");
                // And in leaps, through all files.
                for step in 0..FILES {
                    let file = mount.open((number + 7 * step) % FILES);
                    let mut piece = [0; 4096];
                    let at = (step * 5 + number * 3) % 16 * MIB;
                    file.read_exact_at(&mut piece, at as u64).expect("readable");
                }
            });
        }
    });
    let peak = mount.peak();
    eprintln!("peak of the mount: {} MiB", peak / MIB);
    assert!(peak < PEAK_MAX, "{} MiB", peak / MIB);
}

/// The server is killed under a mount; whoever reads waits, and reads on when it is there again. What is read is right to the byte.
#[test]
fn a_mount_outlives_its_server() {
    if !has_fuse() {
        return;
    }
    let mut house = backed_up(&[]);
    let mount = Mount::new(&house, &[]);
    let mut first = mount.open(0);
    let mut found = vec![0; MIB];
    first.read_exact(&mut found).expect("readable");
    // To find a file is to read, too.
    (20..FILES).for_each(|number| drop(mount.open(number)));
    house.kill();
    let reading = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|number| {
                let mut file = mount.open(20 + number);
                scope.spawn(move || {
                    let mut all = Vec::new();
                    file.read_to_end(&mut all)
                        .map(|_| all == content(20 + number))
                })
            })
            .collect();
        // Long enough for several attempts.
        std::thread::sleep(Duration::from_secs(2));
        assert!(readers.iter().all(|reader| !reader.is_finished()));
        house.start();
        readers
            .into_iter()
            .map(|reader| reader.join().expect("no panic"))
            .collect::<Vec<_>>()
    });
    assert!(
        reading.iter().all(|read| matches!(read, Ok(true))),
        "{reading:?}"
    );
    first.read_to_end(&mut found).expect("readable");
    assert!(found == content(0));
    let log = mount.log();
    assert_eq!(
        log.matches("waiting up to 180 s for the server").count(),
        1,
        "{log}"
    );
    assert_eq!(log.matches("the server answers again").count(), 1, "{log}");
    // Another outage is told anew.
    house.kill();
    house.start();
    mount
        .open(10)
        .read_to_end(&mut Vec::new())
        .expect("readable");
    assert_eq!(mount.log().matches("the server answers again").count(), 2);
}

/// Who waits in vain gets an error and the log says why; later reads do not wait again, and the server's return ends it.
#[test]
fn a_server_that_stays_away_is_given_up() {
    if !has_fuse() {
        return;
    }
    let mut house = backed_up(&[]);
    let mount = Mount::new(&house, &["--wait-for-server", "1"]);
    let read = |number| mount.open(number).read_to_end(&mut Vec::new());
    // What was looked up stays known.
    (20..FILES).for_each(|number| drop(mount.open(number)));
    house.kill();
    let error = read(20).expect_err("no server");
    assert_eq!(
        error.raw_os_error(),
        Some(rustix::io::Errno::IO.raw_os_error())
    );
    let log = mount.log();
    assert!(
        log.contains("requests fail until it answers: cannot connect to"),
        "{log}"
    );
    let begun = Instant::now();
    (21..FILES).for_each(|number| drop(read(number).expect_err("no server")));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "they do not wait each"
    );
    house.start();
    house.eventually("it reads again", |_| read(22).is_ok());
    let log = mount.log();
    assert!(log.contains("the server answers again"), "{log}");
    // Once is enough.
    assert_eq!(log.matches("cannot connect").count(), 1, "{log}");
}

/// A snapshot that was removed meanwhile is an error at once.
#[test]
fn what_is_gone_is_not_waited_for() {
    if !has_fuse() {
        return;
    }
    let mut house = backed_up(&[]);
    let mount = Mount::new(&house, &[]);
    house.kill();
    fs::remove_dir_all(house.path("main/host/busy")).expect("snapshot");
    house.start();
    let begun = Instant::now();
    let file = File::open(mount.target.join(name(20)));
    let read = file.and_then(|mut file| file.read_to_end(&mut Vec::new()));
    read.expect_err("nothing there");
    assert!(begun.elapsed() < Duration::from_secs(60), "{}", mount.log());
}

/// A restore goes on where it was when its server comes back, and says so.
#[test]
fn a_restore_outlives_its_server() {
    let mut house = House::new();
    let content = noise(9, 24 * MIB);
    fs::write(house.path("disk"), &content).expect("image");
    let backup = ["backup", "disk.img:disk", "--backup-id", "busy"];
    house.client(&backup).ok();
    let words = ["restore", "host/busy", "disk.img", "back", "--rate", "8MiB"];
    let mut command = house.client_command(&words);
    let log = File::create(house.path("restore.err")).expect("log");
    let mut child = command.stderr(log).spawn().expect("strongroom runs");
    std::thread::sleep(Duration::from_secs(1));
    house.kill();
    std::thread::sleep(Duration::from_secs(1));
    house.start();
    let status = child.wait().expect("it ends");
    let log = fs::read_to_string(house.path("restore.err")).expect("log");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("the server answers again"), "{log}");
    assert!(fs::read(house.path("back")).expect("image") == content);
}

/// A shell whose server was restarted between two commands goes on over a new session.
#[test]
fn a_catalog_shell_outlives_its_server() {
    let mut house = backed_up(&[]);
    let words = ["catalog", "shell", "host/busy", "root.pxar"];
    let mut command = house.client_command(&words);
    let log = File::create(house.path("shell.err")).expect("log");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(log).spawn().expect("strongroom runs");
    let mut input = child.stdin.take().expect("piped");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    writeln!(input, "pwd").expect("it reads");
    assert_eq!(lines.next().expect("answer").expect("text"), "\"/\"");
    house.kill();
    writeln!(input, "select {}", name(3)).expect("it reads");
    writeln!(input, "restore-selected out").expect("it reads");
    std::thread::sleep(Duration::from_secs(1));
    house.start();
    drop(input);
    let status = child.wait().expect("it ends");
    let log = fs::read_to_string(house.path("shell.err")).expect("log");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("the server answers again"), "{log}");
    let restored = fs::read(house.path("out").join(name(3))).expect("restored");
    assert!(restored == content(3));
}

/// An export, and its clients, outlive a restart of the server.
#[test]
fn an_nbd_export_outlives_its_server() {
    let Ok(probe) = Command::new("qemu-img").arg("--version").output() else {
        return eprintln!("skipped: no qemu-img here");
    };
    assert!(probe.status.success());
    let mut house = House::new();
    let image = noise(11, 24 * MIB);
    fs::write(house.path("disk"), &image).expect("image");
    let backup = ["backup", "disk.img:disk", "--backup-id", "busy"];
    house.client(&backup).ok();
    let mut command = house.client_command(&["nbd", "host/busy", "disk.img"]);
    let log = File::create(house.path("nbd.err")).expect("log");
    command.stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().expect("strongroom runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let url = lines.next().expect("an address").expect("text");
    house.kill();
    let mut copying = Command::new("qemu-img")
        .args(["convert", "-f", "raw", "-O", "raw", &url])
        .arg(house.path("copy"))
        .spawn()
        .expect("qemu-img runs");
    std::thread::sleep(Duration::from_secs(1));
    assert!(copying.try_wait().expect("wait").is_none(), "it waits");
    house.start();
    let copied = copying.wait().expect("wait");
    let _ = child.kill();
    let _ = child.wait();
    let log = fs::read_to_string(house.path("nbd.err")).expect("log");
    assert!(copied.success(), "{log}");
    assert!(log.contains("the server answers again"), "{log}");
    assert!(fs::read(house.path("copy")).expect("copy") == image);
}

/// A mapped image too; and its command, which is in the background, tells of it in its log.
#[test]
fn a_mapped_image_outlives_its_server_and_tells() {
    if !has_fuse() || !Path::new("/dev/loop-control").exists() {
        return eprintln!("skipped: no loop devices here");
    }
    let mut house = House::new();
    let image = noise(12, 24 * MIB);
    fs::write(house.path("disk"), &image).expect("image");
    let backup = ["backup", "disk.img:disk", "--backup-id", "busy"];
    house.client(&backup).ok();
    let said = house.client(&["map", "host/busy", "disk.img"]).ok();
    let mapped = said.err.lines().find(|line| line.contains("mapped on"));
    let device = mapped.and_then(|line| line.rsplit(' ').next());
    let device = device.unwrap_or_else(|| panic!("{}", said.err)).to_owned();
    house.kill();
    let reading = std::thread::spawn({
        let device = device.clone();
        move || fs::read(device)
    });
    std::thread::sleep(Duration::from_secs(1));
    let waits = !reading.is_finished();
    house.start();
    let found = reading.join().expect("no panic");
    let unmapped = house
        .command("strongroom")
        .args(["unmap", &device])
        .output();
    assert!(unmapped.expect("runs").status.success());
    assert!(waits, "the read waits for the server");
    assert!(found.expect("readable") == image);
    tells_of_the_outage(&house, &said.err);
}

#[test]
fn a_mount_in_the_background_tells_in_its_log() {
    if !has_fuse() {
        return;
    }
    let mut house = backed_up(&[]);
    let target = house.path("mnt");
    fs::create_dir(&target).expect("folder");
    let _guard = Guard(target.clone());
    let said = house
        .client(&["mount", "host/busy", "root.pxar", "mnt"])
        .ok();
    let read = |number| fs::read(target.join(name(number))).expect("readable");
    assert!(read(0) == content(0));
    house.kill();
    house.start();
    assert!(read(1) == content(1));
    tells_of_the_outage(&house, &said.err);
}

/// The log that the command named holds begin and end of the outage.
fn tells_of_the_outage(house: &House, said: &str) {
    let line = said.lines().find(|line| line.contains("messages go to"));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    let Some(log) = line.split(' ').find(|word| word.ends_with(".log")) else {
        assert!(line.contains("the system's log"), "{line}");
        return eprintln!("skipped: this system has a log of its own, which is not looked into");
    };
    assert!(Path::new(log).starts_with(house.path("run")), "{line}");
    // What was read may have come from what was fetched before.
    for words in [
        "waiting up to 180 s for the server",
        "the server answers again",
    ] {
        house.eventually(words, |_| {
            fs::read_to_string(log).is_ok_and(|log| log.contains(words))
        });
    }
}
