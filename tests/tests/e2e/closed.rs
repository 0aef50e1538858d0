//! Readers that go away: a server whose standard error is a closed pipe serves on, quickstart ends its job, and a tree deeper than the
//! usual limit of open files goes there and back.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::{fs, io};

use crate::house::House;

#[test]
fn a_server_whose_log_nobody_reads() {
    let mut house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    assert_eq!(house.stop(), Some(0));
    let (reader, writer) = io::pipe().expect("pipe");
    drop(reader);
    let mut server = house
        .command("strongroomd")
        .args(["--config-dir", "config", "--state-dir", "state"])
        .args(["--listen", &house.address])
        .stdout(Stdio::piped())
        .stderr(writer)
        .spawn()
        .expect("strongroomd runs");
    let mut out = BufReader::new(server.stdout.take().expect("piped"));
    let mut line = String::new();
    out.read_line(&mut line)
        .expect("the server tells its address");
    let said = house.client(&["backup", "a.conf:a.conf", "--backup-id", "x"]);
    server.kill().expect("kill");
    server.wait().expect("wait");
    said.ok();
}

#[test]
fn quickstart_without_readers() {
    let house = House::empty();
    fs::create_dir(house.path("tree")).expect("folder");
    fs::write(house.path("tree/file"), "hello").expect("file");
    let (reader, writer) = io::pipe().expect("pipe");
    drop(reader);
    let status = house
        .command("strongroomd")
        .args(["quickstart", "tree", "--once", "--listen", "127.0.0.1:0"])
        .stdout(writer.try_clone().expect("second end"))
        .stderr(writer)
        .status()
        .expect("strongroomd runs");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_tree_deeper_than_the_limit_of_open_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.maximum.is_some_and(|max| max < 2000) {
        eprintln!("skipped: the system allows too few open files");
        return;
    }
    let house = House::new();
    let mut dir = house.path("deep");
    let depth = 1200;
    for _ in 0..depth {
        dir.push("d");
    }
    fs::create_dir_all(&dir).expect("folders");
    fs::write(dir.join("end"), "here").expect("file");
    let low = rustix::process::Rlimit {
        current: Some(1024),
        ..limit
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, low).expect("lower limit");
    house
        .client(&["backup", "deep.pxar:deep", "--backup-id", "x"])
        .ok();
    house
        .client(&["restore", "host/x", "deep.pxar", "out"])
        .ok();
    let mut end = house.path("out");
    end.extend(std::iter::repeat_n("d", depth));
    assert_eq!(
        fs::read_to_string(end.join("end")).expect("restored"),
        "here"
    );
}
