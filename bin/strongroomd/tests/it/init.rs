//! Sockets and messages of an init system, the log's form and its level while the server runs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Stdio;

use rustix::process::Signal;

use super::{daemon, send, start_with};

/// The next messages of the daemon but for its signs of life.
fn told(receiver: &UnixDatagram, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let mut buffer = [0; 512];
        let length = receiver.recv(&mut buffer).expect("a message");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text != "WATCHDOG=1\n" {
            all.push(text);
        }
    }
    all
}

#[test]
fn the_init_system_is_told() {
    let folder = tempfile::tempdir().expect("tempdir");
    let path = folder.path().join("notify");
    let abstract_name = format!("strongroomd-it-{}", std::process::id());
    let by_name = SocketAddr::from_abstract_name(&abstract_name).expect("name");
    for (name, receiver) in [
        (
            path.to_str().expect("text").to_owned(),
            UnixDatagram::bind(&path),
        ),
        (
            format!("@{abstract_name}"),
            UnixDatagram::bind_addr(&by_name),
        ),
    ] {
        let receiver = receiver.expect("socket");
        receiver
            .set_read_timeout(Some(std::time::Duration::from_secs(60)))
            .expect("timeout");
        let mut command = daemon(
            folder.path(),
            &["--listen", "127.0.0.1:0", "--shutdown-limit", "7"],
        );
        command
            .env("NOTIFY_SOCKET", &name)
            .env("WATCHDOG_USEC", "100000");
        let (mut child, [address, _]) = start_with(command);
        let ready = format!(
            "READY=1\nSTATUS=serving at {}\n",
            address.trim_start_matches("https://")
        );
        assert_eq!(told(&receiver, 1), [ready.as_str()], "{name}");
        let mut sign = [0; 64];
        let length = receiver.recv(&mut sign).expect("a sign of life");
        assert_eq!(&sign[..length], b"WATCHDOG=1\n");
        let mut early =
            TcpStream::connect(address.trim_start_matches("https://")).expect("connect");
        send(&child, Signal::HUP);
        let reload = told(&receiver, 2);
        assert!(
            reload[0].starts_with("RELOADING=1\nMONOTONIC_USEC="),
            "{reload:?}"
        );
        assert_eq!(reload[1], ready);
        // Connections outlive it.
        early
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .expect("send");
        let mut answer = [0; 12];
        early.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 301");
        send(&child, Signal::TERM);
        assert_eq!(
            told(&receiver, 1),
            ["STOPPING=1\nEXTEND_TIMEOUT_USEC=37000000\nSTATUS=ending; 0 tasks are waited for\n"]
        );
        assert_eq!(child.wait().expect("ends").code(), Some(0));
    }
}

/// A connection that was made before the daemon started is served by it.
#[test]
fn a_socket_is_taken_over() {
    let folder = tempfile::tempdir().expect("tempdir");
    let listener = TcpListener::bind("127.0.0.1:0").expect("socket");
    let address = listener.local_addr().expect("address");
    let mut early = TcpStream::connect(address).expect("the kernel answers");
    let plain = daemon(folder.path(), &["--listen", "192.0.2.1:1"]);
    let mut command = std::process::Command::new("/bin/sh");
    command
        .env_clear()
        .args([
            "-c",
            r#"exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@""#,
        ])
        .arg(plain.get_program())
        .args(plain.get_args())
        .stdin(Stdio::from(
            listener.as_fd().try_clone_to_owned().expect("descriptor"),
        ))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (mut child, [said, _]) = start_with(command);
    assert_eq!(said, format!("https://{address}"));
    early
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .expect("send");
    let mut answer = [0; 12];
    early.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 301", "plain HTTP is sent to HTTPS");
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    drop(listener);
}

#[test]
fn what_is_no_socket_is_refused() {
    let folder = tempfile::tempdir().expect("tempdir");
    let plain = daemon(folder.path(), &[]);
    for (open, count, expected) in [
        (
            "3</dev/null",
            "1",
            "cannot use the socket that was handed over",
        ),
        ("3<&-", "1", "cannot use the socket that was handed over"),
        ("3</dev/null", "2", "2 sockets were handed over"),
        ("3</dev/null", "many", "which is no number"),
    ] {
        let script = format!(r#"exec {open}; LISTEN_FDS={count} LISTEN_PID=$$ exec "$0" "$@""#);
        let output = std::process::Command::new("/bin/sh")
            .env_clear()
            .args(["-c", &script])
            .arg(plain.get_program())
            .args(plain.get_args())
            .output()
            .expect("runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{open}: {err}");
        assert!(err.contains(expected), "{open}: {err}");
    }
}

/// The level changes by a file and a signal, sessions go on; what is wrong in the configuration is told and nothing stops.
#[test]
fn the_log_is_json_and_its_level_changes() {
    let folder = tempfile::tempdir().expect("tempdir");
    let command = daemon(
        folder.path(),
        &[
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
            "--log-level",
            "error",
        ],
    );
    let (mut child, _) = start_with(command);
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let mut until = |wanted: &str| loop {
        let line = lines.next().expect("a line").expect("text");
        if line.contains(wanted) {
            return line;
        }
        assert!(
            !line.contains("\"INFO\"") || wanted.contains("certificate"),
            "{line}"
        );
    };
    let level = folder.path().join("state/log-level");
    std::fs::write(&level, "nope\n").expect("write");
    std::fs::write(folder.path().join("etc/node.cfg"), "nonsense\n").expect("write");
    send(&child, Signal::HUP);
    let told = until("log-level: ");
    assert!(
        told.starts_with('{') && told.contains("is no log level") && told.contains("\"ERROR\""),
        "{told}"
    );
    let told =
        until("node.cfg is damaged, and whatever needs it fails until it is mended: parsing");
    assert!(told.contains("\"ERROR\""), "{told}");
    std::fs::write(&level, "info\n").expect("write");
    send(&child, Signal::HUP);
    let line = until("certificate is the same as before");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        (&line["level"], &line["target"], &line["message"]),
        (
            &"INFO".into(),
            &"strongroomd".into(),
            &"the certificate is the same as before".into()
        )
    );
    let time = line["time"].as_str().expect("text");
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}
