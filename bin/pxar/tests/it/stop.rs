//! Signals: half a file was left under its final name, and the status was that of a process that was killed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{pxar, scene};

fn start(args: &[&str], dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pxar"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn until_begun(file: &Path) {
    let begun = Instant::now();
    while file.metadata().map_or(0, |found| found.len()) == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{file:?} never came"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What it said in the end.
fn stop(mut child: Child, signal: Signal) -> String {
    // Stays open meanwhile; waiting would close it.
    let _input = child.stdin.take();
    // Twice, as `timeout` does it.
    for _ in 0..2 {
        let _ = kill_process(Pid::from_child(&child), signal);
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = child.wait().expect("it ends");
    let mut said = String::new();
    let stderr = child.stderr.as_mut().expect("piped");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(status.code(), Some(255), "{said}");
    said
}

/// As under `nohup`, or in the background of a script: programs inherit it, and rightly keep to it.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.expect("told").trim(), 16).expect("a mask");
    ignored >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn extract_takes_the_half_file_away() {
    let temp = scene();
    let dir = temp.path();
    let noise: Vec<u8> = (0..3_u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(dir.join("tree/big"), noise).expect("file");
    let made = pxar(&["create", "a.pxar", "tree"], dir);
    assert_eq!(made.status.code(), Some(0));
    let archive = std::fs::read(dir.join("a.pxar")).expect("archive");
    for (name, signal, said) in [
        ("int", Signal::INT, "Error: stopped by SIGINT\n"),
        ("term", Signal::TERM, "Error: stopped by SIGTERM\n"),
        ("hup", Signal::HUP, "Error: stopped by SIGHUP\n"),
    ] {
        if is_ignored(signal) {
            eprintln!("SKIPPED: {signal:?} is ignored here, and so the program does");
            continue;
        }
        let mut child = start(&["extract", "-", name], dir);
        // The rest does not come: a stream that is slower than the user's patience.
        let input = child.stdin.as_mut().expect("piped");
        input.write_all(&archive[..2 << 20]).expect("it reads");
        let file = dir.join(name).join("big");
        until_begun(&file);
        let text = stop(child, signal);
        assert!(text.starts_with(said), "{text}");
        assert!(!file.exists() && dir.join(name).is_dir(), "{text}");
    }
}

#[test]
fn create_takes_the_half_archives_away() {
    let temp = scene();
    let dir = temp.path();
    // Takes longer than the signal, and no place.
    let big = File::create(dir.join("tree/big")).expect("file");
    big.set_len(8 << 30).expect("sparse");
    let whole: &[&str] = &["create", "a.pxar", "tree"];
    let split: &[&str] = &["create", "a.mpxar", "tree", "--payload-output", "a.ppxar"];
    for (args, grows) in [(whole, "a.pxar"), (split, "a.ppxar")] {
        let child = start(args, dir);
        until_begun(&dir.join(grows));
        let text = stop(child, Signal::TERM);
        assert!(text.starts_with("Error: stopped by SIGTERM\n"), "{text}");
        for name in ["a.pxar", "a.mpxar", "a.ppxar"] {
            assert!(!dir.join(name).exists(), "{name}: {text}");
        }
    }
}
