//! More uploads than there is memory for, in the worst order for a server whose streams share one window: no body is complete before all have
//! begun. Every body must arrive and none may wait for ever; and who stalls must not keep others from going on.

use std::future::poll_fn;

use bytes::Bytes;

use super::bodies::{blob, digest};
use super::client::{PATIENCE, received};
use super::rig::{Rig, Wishes};

const UPLOADS: usize = 64;
const CHUNK_BYTES: usize = 1 << 20;
/// What is missing of each body while all others begin.
pub const END_BYTES: usize = 1000;

/// Bytes that do not compress, others for each number.
pub fn noise(number: usize, length: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length / 8).flat_map(|_| next().to_le_bytes()).collect()
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
        let data = noise(number, CHUNK_BYTES);
        let (name, encoded) = (digest(&data), Bytes::from(blob(&data)));
        let target = format!(
            "/dynamic_chunk?wid=1&digest={name}&size={}&encoded-size={}",
            data.len(),
            encoded.len()
        );
        let (answer, body) = session.begin("POST", &target, None, false).await;
        open.push((name, encoded, answer, body));
    }
    // First all bodies but their ends, which is more than the window; then the ends. As long as no end arrives no body gives its memory back.
    for (_, encoded, _, body) in &mut open {
        let beginning = encoded.slice(..encoded.len() - END_BYTES);
        tokio::time::timeout(PATIENCE, push(body, beginning))
            .await
            .expect("the window stays closed");
    }
    for (_, encoded, _, body) in &mut open {
        body.send_data(encoded.slice(encoded.len() - END_BYTES..), true)
            .expect("send");
    }
    for (name, encoded, answer, _) in open {
        let answer = tokio::time::timeout(PATIENCE, received(answer))
            .await
            .expect("the server is stuck")
            .expect("answer");
        assert_eq!(answer.data(), name);
        assert_eq!(rig.chunk(&name), encoded);
    }
}

/// Sends as the window allows.
pub async fn push(body: &mut h2::SendStream<Bytes>, mut data: Bytes) {
    while !data.is_empty() {
        body.reserve_capacity(data.len());
        while body.capacity() == 0 {
            poll_fn(|cx| body.poll_capacity(cx))
                .await
                .expect("open")
                .expect("capacity");
        }
        let piece = data.split_to(body.capacity().min(data.len()));
        body.send_data(piece, false).expect("send");
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
        let data = noise(100 + number, CHUNK_BYTES);
        assert_eq!(
            session.chunk("dynamic", 1, &data).await.data(),
            digest(&data)
        );
    }
    drop(held);
}
