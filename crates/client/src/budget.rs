//! How many buffers there are, so that memory does not depend on how much is backed up or restored.
//!
//! Peak with two workers and chunks of 16 MiB, the largest there are (average pieces of 4 MiB use a quarter of it):
//!
//! | backup | MiB | restore of a tree | MiB |
//! |---|---|---|---|
//! | pieces: one filled, one queued, two sealed: 4 × 16.25 | 65 | fetched, still sealed: 4 × 16 | 64 |
//! | sealed chunks: two made, three on their way: 5 × 16 | 80 | opened, in order: 4 × 16 | 64 |
//! | catalog: 3 × 2.1 read, 4 × 2 sealed | 15 | between decryption and decompression: 2 × 16 | 32 |
//! | zstd, TLS, HTTP/2 send buffer | 8 | zstd, TLS, HTTP/2 window of 16 MiB | 20 |
//! | **together** | **168** | **together** | **180** |
//!
//! Each further worker adds 32 MiB to a backup and 48 MiB to a restore. Besides, a backup remembers 40 bytes per chunk (about 15 MiB per
//! TiB), and a restore holds the index (8 to 10 MiB per TiB). Smaller pieces get more buffers, which keeps a long line full.
//!
//! A split archive has no catalog but one more piece that is being filled. While unchanged files are looked for, members wait in up to
//! 48 MiB (some 50 bytes and the name for each file, closed: 800,000 files with names of 10 bytes), and up to 64 MiB of the previous
//! metadata are kept. Its restore has two chunks of the metadata under way besides those of the payload.

/// Buffers of a backup's pieces should not take more than this, where the workers allow.
const PIECES_BYTES: usize = 65 << 20;
/// The same for sealed chunks.
const SEALED_BYTES: usize = 80 << 20;
/// The same for each of a restore's two sorts of buffers.
const RESTORE_BYTES: usize = 64 << 20;
/// Requests under way at the same time, as the original has it.
pub(crate) const REQUESTS_MAX: usize = 64;

/// Buffers for plain pieces of at most `len` bytes.
pub(crate) fn pieces(len: usize, workers: usize) -> usize {
    (PIECES_BYTES / len).clamp(workers + 2, REQUESTS_MAX.max(workers + 2))
}

/// Buffers for sealed chunks of at most `len` bytes.
pub(crate) fn sealed(len: usize, workers: usize) -> usize {
    (SEALED_BYTES / len).clamp(workers + 3, REQUESTS_MAX.max(workers + 3))
}

/// Buffers for chunks that are fetched, and as many for opened ones.
pub(crate) fn restored(len: usize, workers: usize) -> usize {
    (RESTORE_BYTES / len.max(1)).clamp(workers + 2, REQUESTS_MAX.max(workers + 2))
}

/// For members that wait until it is decided whether their data is taken over from the previous snapshot.
pub(crate) const WAITING_BYTES: usize = 48 << 20;

/// Buffers of the catalog's pieces, and of its sealed chunks.
pub(crate) const CATALOG_PIECES: usize = 3;
pub(crate) const CATALOG_SEALED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_stays_below_200_mib() {
        const MIB: usize = 1 << 20;
        let workers = 2;
        let piece = 16 * MIB + 256 * 1024;
        let chunk = 16 * MIB + 4096;
        let backup =
            pieces(piece, workers) * piece + sealed(chunk, workers) * chunk + 15 * MIB + 8 * MIB;
        let restore = 2 * restored(16 * MIB, workers) * 16 * MIB + workers * 16 * MIB + 20 * MIB;
        assert!(backup < 170 * MIB, "{} MiB", backup / MIB);
        assert!(restore <= 180 * MIB, "{} MiB", restore / MIB);
    }

    #[test]
    fn small_pieces_get_more_buffers() {
        let rows = [
            (4 << 20, 2, 16),
            (256 << 10, 2, 64),
            (16 << 20, 2, 4),
            (16 << 20, 8, 10),
            (100, 2, 64),
        ];
        for (len, workers, expected) in rows {
            assert_eq!(pieces(len, workers), expected, "{len} {workers}");
        }
    }
}
