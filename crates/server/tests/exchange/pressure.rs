//! More uploads than there is memory for, sent in turns, piece by piece: the worst order for a server that shares one window among all of them.
//! Every body must arrive, none may wait for ever, and the server's memory stays within its budget.

use std::sync::Arc;

use bytes::Bytes;

use super::bodies::{blob, digest};
use super::client::{PATIENCE, received};
use super::rig::{Rig, Wishes};

const UPLOADS: usize = 64;
const CHUNK_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 64 << 10;

/// Chunks that do not compress and are not alike.
fn data(number: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..CHUNK_BYTES / 8)
        .flat_map(|_| next().to_le_bytes())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_uploads_beyond_the_budget() {
    // The least budget there is: one buffer of 16 MiB. The bodies are four times as much, twice the window.
    let rig = Rig::with(Wishes {
        upload_bytes: Some(1),
        ..Wishes::default()
    })
    .await;
    let session = rig.open(&rig.backup("pressure", 1_700_000_000)).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let mut open = Vec::new();
    for number in 0..UPLOADS {
        let data = data(number);
        let (name, encoded) = (digest(&data), Bytes::from(blob(&data)));
        // Announced as large as can be, so that the budget is gone with the first.
        let target = format!(
            "/dynamic_chunk?wid=1&digest={name}&size={}&encoded-size={}",
            data.len(),
            encoded.len()
        );
        let (answer, body) = session.begin("POST", &target, None, false).await;
        open.push((name, encoded, answer, body));
    }
    for at in (0..CHUNK_BYTES + 12).step_by(PIECE_BYTES) {
        for (_, encoded, _, body) in &mut open {
            let end = (at + PIECE_BYTES).min(encoded.len());
            body.send_data(encoded.slice(at..end), end == encoded.len())
                .expect("send");
        }
        tokio::task::yield_now().await;
    }
    let rig = Arc::new(rig);
    for (name, encoded, answer, _) in open {
        let answer = tokio::time::timeout(PATIENCE, received(answer))
            .await
            .expect("the server is stuck")
            .expect("answer");
        assert_eq!(answer.data(), name);
        assert_eq!(rig.chunk(&name), encoded);
    }
}

/// A client that begins many uploads and then does nothing must not keep another from its own.
#[tokio::test]
async fn a_client_that_stalls_harms_only_itself() {
    let rig = Rig::with(Wishes {
        upload_bytes: Some(1),
        ..Wishes::default()
    })
    .await;
    let lazy = rig.open(&rig.backup("lazy", 1_700_000_000)).await;
    let mut held = Vec::new();
    for number in 0..20 {
        let name = digest(&[number]);
        let target =
            format!("/dynamic_chunk?wid=1&digest={name}&size=16777216&encoded-size=16777228");
        let (answer, mut body) = lazy.begin("POST", &target, None, false).await;
        body.send_data(Bytes::from(vec![0; 1000]), false)
            .expect("send");
        held.push((answer, body));
    }
    assert_eq!(lazy.get("/previous_backup_time").await.status, 200);
    let session = rig.open(&rig.backup("busy", 1_700_000_000)).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    for number in 0..3 {
        let data = data(100 + number);
        assert_eq!(
            session.chunk("dynamic", 1, &data).await.data(),
            digest(&data)
        );
    }
    drop(held);
}
