//! The recordings of the fixtures, replayed request by request: status, content type, length and text of each answer, and what lies on disk after.
//! Where this server speaks as the original's 4.x does and the recordings are of 3.2.4, the difference is declared here.

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::bodies::{PLAIN, recorded};
use super::client::{Answer, Session, connect, plain, protocol_of, upgrade_head};
use super::rig::Rig;
use super::transcript::{self, Body, Connection, Exchange, Message};

/// Requests that are not replayed: file, remark, reason.
const NOT_REPLAYED: [(&str, &str, &str); 1] = [(
    "backup-errors.txt",
    "(missing size)",
    "since 4.1.5 the size of a fixed index may be unknown, and the writer would be opened",
)];

/// Settings that differ: number, recorded value, our value, reason.
const OTHER_SETTINGS: [(u16, Option<u32>, u32, &str); 2] = [
    (3, None, 200, "4.x bounds the number of streams"),
    (
        6,
        Some(16_777_216),
        16_384,
        "4.x bounds the headers more tightly",
    ),
];

/// In the order in which they were recorded, since they build on each other.
const RECORDINGS: [&str; 6] = [
    "backup-unfinished.txt",
    "backup-complete.txt",
    "backup-incremental.txt",
    "backup-errors.txt",
    "backup-fixed.txt",
    "reader.txt",
];

#[tokio::test]
async fn recordings_of_the_original() {
    let rig = Rig::start().await;
    for name in RECORDINGS {
        let Some(connections) = transcript::read(name) else {
            return;
        };
        for connection in &connections {
            replay(&rig, name, connection).await;
            rig.idle().await;
        }
    }
    for (snapshot, kept) in [
        ("host/h2cap/2023-11-18T09:33:20Z", false), // unfinished
        ("host/h2cap/2023-11-18T09:33:30Z", true),
        ("host/h2cap/2023-11-18T09:33:40Z", false), // finish was refused
        ("host/h2err/2023-11-18T09:33:50Z", false),
        ("vm/900/2023-11-18T09:34:00Z", false),
        ("vm/900/2023-11-18T09:34:01Z", true),
    ] {
        assert_eq!(rig.store.join(snapshot).exists(), kept, "{snapshot}");
    }
    assert_eq!(
        rig.files("host/h2cap/2023-11-18T09:33:30Z"),
        ["index.json.blob", "root.pxar.didx", "test.conf.blob"],
        "nothing temporary is left"
    );
    assert!(
        !rig.store.join("host/h2err").exists(),
        "a group that has no snapshot goes with its last session"
    );
}

async fn replay(rig: &Rig, name: &str, connection: &Connection) {
    let session = rig.open(&connection.target).await;
    for exchange in &connection.exchanges {
        let shown = format!(
            "{name}: {} {} {}",
            exchange.method, exchange.target, exchange.remark
        );
        if NOT_REPLAYED
            .iter()
            .any(|(file, remark, _)| *file == name && exchange.remark == *remark)
        {
            continue;
        }
        let answer = ask(&session, exchange).await;
        compare(rig, &shown, exchange, &answer);
    }
}

async fn ask(session: &Session, exchange: &Exchange) -> Answer {
    let Message {
        content_type, body, ..
    } = &exchange.request;
    let body = match body {
        Body::None => Bytes::new(),
        Body::Text(text) => Bytes::from(text.clone()),
        Body::Bytes { length, sha256, .. } => Bytes::from(recorded(*length, sha256)),
        Body::Run(length) => Bytes::from(vec![b'A'; *length]),
    };
    session
        .send(
            &exchange.method,
            &exchange.target,
            content_type.as_deref(),
            body,
        )
        .await
}

fn compare(rig: &Rig, shown: &str, exchange: &Exchange, answer: &Answer) {
    assert_eq!(answer.status, exchange.status, "{shown}: {}", answer.text());
    assert_eq!(answer.content_type, exchange.answer.content_type, "{shown}");
    assert_eq!(
        answer.content_length.is_some(),
        exchange.answer.content_length.is_some(),
        "{shown}: content-length"
    );
    match &exchange.answer.body {
        Body::None => assert!(answer.body.is_empty(), "{shown}"),
        Body::Text(text) => assert_eq!(
            answer.text(),
            text.replace("/mnt/datastore/peer", &rig.store.display().to_string()),
            "{shown}"
        ),
        Body::Run(length) => assert_eq!(answer.body, vec![b'A'; *length], "{shown}"),
        Body::Bytes {
            length,
            sha256,
            starts,
        } => {
            assert!(
                hex(&answer.body).starts_with(&starts[..16]),
                "{shown}: {}",
                hex(&answer.body[..16])
            );
            let is_chunk = answer.body.starts_with(&PLAIN);
            if is_chunk || starts.starts_with("1c914ea519bab3cd") {
                assert_eq!(answer.body.len(), *length, "{shown}");
            }
            // Indexes hold a random id, the manifest depends on the version of zstd; chunks are the same to the byte.
            if is_chunk {
                assert_eq!(super::bodies::digest(&answer.body), *sha256, "{shown}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first frames of the server, which come before the client has said anything: SETTINGS, then the connection's window.
#[tokio::test]
async fn settings_are_those_of_the_original() {
    let rig = Rig::start().await;
    let Some(connections) = transcript::read("backup-complete.txt") else {
        return;
    };
    let target =
        "/api2/json/backup?store=peer&backup-type=host&backup-id=settings&backup-time=1700300010";
    let mut stream = connect(rig.addr).await;
    let (status, ..) = plain(
        &mut stream,
        &upgrade_head(target, protocol_of(target), &rig.auth),
        b"",
    )
    .await;
    assert_eq!(status, 101);

    let (kind, stream_id, payload) = frame(&mut stream).await;
    assert_eq!((kind, stream_id), (4, 0), "SETTINGS first");
    let found: Vec<(u16, u32)> = payload
        .chunks_exact(6)
        .map(|s| {
            (
                u16::from_be_bytes([s[0], s[1]]),
                u32::from_be_bytes([s[2], s[3], s[4], s[5]]),
            )
        })
        .collect();
    let mut expected = connections[0].settings.clone();
    for (id, recorded, ours, _) in OTHER_SETTINGS {
        assert_eq!(
            expected
                .iter()
                .find(|(known, _)| *known == id)
                .map(|(_, value)| *value),
            recorded
        );
        expected.retain(|(known, _)| *known != id);
        expected.push((id, ours));
    }
    expected.sort_unstable();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);

    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .expect("preface");
    let mut windows = Vec::new();
    let mut acknowledged = false;
    while windows.is_empty() || !acknowledged {
        match frame(&mut stream).await {
            (8, 0, payload) => {
                windows.push(u32::from_be_bytes(payload.try_into().expect("4 bytes")))
            }
            (4, 0, payload) => acknowledged = payload.is_empty(),
            other => panic!("unexpected frame {other:?}"),
        }
    }
    assert_eq!(windows, [33_488_897]);
}

async fn frame(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> (u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.expect("frame");
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).await.expect("payload");
    (
        head[3],
        u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff,
        payload,
    )
}
