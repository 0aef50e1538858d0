//! `POST dynamic_close`, `POST fixed_close`: compares an index with what the client believes it wrote and gives it its final name.

use std::sync::Arc;

use api::backup::{Close, DYNAMIC_CLOSE, FIXED_CLOSE};
use store::{CloseStats, WriterKind};

use crate::fault::Fault;
use crate::protocol::backup::{Backup, writer};
use crate::protocol::exchange::{Answer, Call};

pub async fn close(backup: Arc<Backup>, mut call: Call, kind: WriterKind) -> Result<Answer, Fault> {
    let schema = match kind {
        WriterKind::Dynamic => &DYNAMIC_CLOSE,
        WriterKind::Fixed => &FIXED_CLOSE,
    };
    let Close {
        chunk_count,
        csum,
        size,
        wid,
    } = call.params(schema).await?;
    let close = move |backup: &Backup| {
        let stats = backup
            .session
            .close(writer(wid), kind, chunk_count, size, &csum)?;
        let sent = stats.uploaded_chunks.min(stats.chunk_count);
        backup
            .common
            .ctx
            .counters()
            .reused(stats.chunk_count - sent);
        statistics(&stats).iter().for_each(|line| backup.log(line));
        backup.log(&format!("successfully closed {kind} index {wid}"));
        Ok(Answer::null())
    };
    backup.run(close).await
}

/// The lines of protocol.md 3.5.
fn statistics(stats: &CloseStats) -> Vec<String> {
    let mut lines = vec![
        format!("Upload statistics for '{}'", stats.name),
        format!("UUID: {}", stats.uuid),
        format!("Checksum: {}", stats.csum),
        format!("Size: {}", stats.size),
        format!("Chunk count: {}", stats.chunk_count),
    ];
    if stats.size > 0 && stats.chunk_count > 0 {
        lines.push(format!(
            "Upload size: {} ({}%)",
            stats.uploaded_bytes,
            percent(stats.uploaded_bytes, stats.size)
        ));
        let known = stats.chunk_count.saturating_sub(stats.uploaded_chunks);
        let repeated = known + stats.duplicates;
        if repeated > 0 {
            lines.push(format!(
                "Duplicates: {known}+{} ({}%)",
                stats.duplicates,
                percent(repeated, stats.chunk_count)
            ));
        }
        if stats.uploaded_bytes > 0 {
            lines.push(format!(
                "Compression: {}%",
                percent(stats.compressed_bytes, stats.uploaded_bytes)
            ));
        }
    }
    lines
}

/// `whole` is not zero.
fn percent(part: u64, whole: u64) -> u128 {
    u128::from(part) * 100 / u128::from(whole)
}

#[cfg(test)]
mod tests {
    use format::Digest;

    use super::*;

    #[test]
    fn statistics_as_the_original_writes_them() {
        let stats = CloseStats {
            name: "root.pxar.didx".parse().expect("name"),
            uuid: "0dd64d637087425f92fefd09b09d8b07".to_owned(),
            csum: Digest::ZERO,
            size: 490_841,
            chunk_count: 1,
            uploaded_chunks: 1,
            uploaded_bytes: 490_841,
            compressed_bytes: 61_000,
            duplicates: 0,
        };
        let head = 5;
        assert_eq!(
            statistics(&stats)[head..],
            ["Upload size: 490841 (100%)", "Compression: 12%"]
        );
        let known = CloseStats {
            chunk_count: 4,
            uploaded_chunks: 2,
            duplicates: 1,
            ..stats.clone()
        };
        assert_eq!(statistics(&known)[head + 1], "Duplicates: 2+1 (75%)");
        let reused = CloseStats {
            uploaded_chunks: 0,
            uploaded_bytes: 0,
            compressed_bytes: 0,
            ..stats.clone()
        };
        assert_eq!(
            statistics(&reused)[head..],
            ["Upload size: 0 (0%)", "Duplicates: 1+0 (100%)"]
        );
        let empty = CloseStats {
            size: 0,
            chunk_count: 0,
            ..stats
        };
        assert_eq!(statistics(&empty).len(), head);
    }
}
